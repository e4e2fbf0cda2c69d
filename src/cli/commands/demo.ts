import type { Command } from 'commander'
import picocolors from 'picocolors'
import { createGroupSource, resolveLookup } from '../../cognito/index.js'
import { predictionText } from '../../report/prediction-text.js'
import { type Emulator, startEmulator } from '../emulator.js'
import { type ExitCode, print, type Terminal } from '../terminal.js'

export function addDemoCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('demo')
    .description('predict roles against an embedded Cognito emulator; needs neither AWS nor a network')
    .addHelpText('after', '\nExample:\n  $ rolecast demo')
    .action(async () => finish(await demo(terminal)))
}

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const GROUPS = [
  { GroupName: 'admins', Precedence: 0, RoleArn: role('Admin') },
  { GroupName: 'vip', Precedence: 1 },
  { GroupName: 'editors', Precedence: 5, RoleArn: role('Editor') },
  { GroupName: 'writers', Precedence: 5, RoleArn: role('Editor') },
  { GroupName: 'billing', Precedence: 7, RoleArn: role('Billing') },
  { GroupName: 'support', Precedence: 7, RoleArn: role('Support') },
  { GroupName: 'readers', Precedence: 20, RoleArn: role('Reader') },
  { GroupName: 'testers', Precedence: 20 },
  { GroupName: 'contractors', RoleArn: role('Contractor') },
]

const USERS = [
  { title: 'Zero is the highest precedence, not "unset"', groups: ['editors', 'admins'] },
  { title: 'A role without a precedence is never preferred', groups: ['contractors'] },
  { title: 'A tie on one role', groups: ['writers', 'editors', 'readers'] },
  { title: 'A tie on two roles: the next precedence is not consulted', groups: ['billing', 'support', 'readers'] },
  { title: 'A group without a role stands aside', groups: ['vip', 'readers'] },
  {
    title: 'A role and no role at one precedence: AWS does not document it, so nothing is granted',
    groups: ['testers', 'readers'],
  },
  { title: 'A federated user: the group of the identity provider does not block', groups: ['IDP', 'readers'] },
  { title: 'A group that was deleted', groups: ['readers', 'deleted-yesterday'] },
]

async function demo(terminal: Terminal): Promise<ExitCode> {
  const emulator = await startEmulator()
  try {
    await predictAll(emulator, terminal)
    return 0
  } finally {
    await emulator.close()
  }
}

async function predictAll(emulator: Emulator, terminal: Terminal): Promise<void> {
  const sdk = await import('@aws-sdk/client-cognito-identity-provider')
  const client = new sdk.CognitoIdentityProviderClient({
    endpoint: emulator.url,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  const { UserPool } = await client.send(new sdk.CreateUserPoolCommand({ PoolName: 'demo' }))
  const userPoolId = UserPool!.Id!
  // The group that Cognito makes for an identity provider is named after both.
  const federatedGroup = `${userPoolId}_Google`
  for (const group of [...GROUPS, { GroupName: federatedGroup }]) {
    await client.send(new sdk.CreateGroupCommand({ UserPoolId: userPoolId, ...group }))
  }

  const source = createGroupSource({ userPoolId, client })
  const paint = picocolors.createColors(terminal.color)
  await print(terminal, `User pool ${userPoolId} with ${GROUPS.length + 1} groups, on an emulator at ${emulator.url}\n`)
  for (const [index, { title, groups }] of USERS.entries()) {
    const lookup = await source.lookup(groups.map(name => (name === 'IDP' ? federatedGroup : name)))
    const resolution = resolveLookup(lookup)
    await print(
      terminal,
      `\n${paint.inverse(` ${index + 1}. ${title} `)}\n\n${predictionText({ resolution, ...lookup }, terminal)}`,
    )
  }
  const { call, hit, miss, negative, size } = source.stats()
  await print(
    terminal,
    `\n${paint.bold('Cache')}\n  ${hit + negative + miss} groups asked for: ${call} calls to Cognito, ${hit + negative} hits; ${size} names cached, one of them as unknown\n`,
  )
}
