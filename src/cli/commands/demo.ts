import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider'
import type { Command } from 'commander'
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose'
import picocolors from 'picocolors'
import { compareClaims } from '../../claims/compare-claims.js'
import { CLAIMS } from '../../claims/pre-token-response.js'
import { createGroupSource, resolveLookup } from '../../cognito/index.js'
import { MARKS_LEGEND, predictionText } from '../../report/prediction-text.js'
import { createFakeCognito, FAKE_PASSWORD, type FakeCognito } from '../../testing/index.js'
import { printable } from '../../text.js'
import { type ExitCode, print, type Terminal } from '../terminal.js'

export function addDemoCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('demo')
    .description('predict roles, and sign in to a fake user pool to see them; needs neither AWS nor a network')
    .addHelpText('after', '\nExample:\n  $ rolecast demo')
    .action(async () => finish(await demo(terminal)))
}

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

/** The group that Cognito makes for an identity provider is named after the pool and the provider. */
const FEDERATED_GROUP = 'eu-west-1_FakePool1_Google'

const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'vip', precedence: 1 },
  { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
  { groupName: 'writers', precedence: 5, roleArn: role('Editor') },
  { groupName: 'billing', precedence: 7, roleArn: role('Billing') },
  { groupName: 'support', precedence: 7, roleArn: role('Support') },
  { groupName: 'readers', precedence: 20, roleArn: role('Reader') },
  { groupName: 'testers', precedence: 20 },
  { groupName: 'contractors', roleArn: role('Contractor') },
  { groupName: FEDERATED_GROUP },
]

const USERS = [
  { title: 'Zero is the highest precedence, not "unset"', groups: ['editors', 'admins'] },
  { title: 'A role without a precedence is never preferred', groups: ['contractors'] },
  { title: 'A tie on one role', groups: ['writers', 'editors', 'readers'] },
  { title: 'A tie on two roles: the next precedence is not consulted', groups: ['billing', 'support', 'readers'] },
  { title: 'A group without a role is passed over', groups: ['vip', 'readers'] },
  {
    title: 'A role and no role at one precedence: AWS does not document it, so nothing is granted',
    groups: ['testers', 'readers'],
  },
  {
    title: 'A federated user: the group of the identity provider does not block',
    groups: [FEDERATED_GROUP, 'readers'],
  },
  { title: 'A group that was deleted', groups: ['readers', 'deleted-yesterday'] },
]

async function demo(terminal: Terminal): Promise<ExitCode> {
  const exists = (name: string) => GROUPS.some(({ groupName }) => groupName === name)
  const users = USERS.map(({ groups }, index) => ({ username: usernameOf(index), groups: groups.filter(exists) }))
  const fake = await createFakeCognito({ groups: GROUPS, users, userPoolId: 'eu-west-1_FakePool1' })
  try {
    return await predictAll(fake, terminal)
  } finally {
    await fake.close()
  }
}

const usernameOf = (index: number) => `user-${index + 1}`

/** 1: a token has other claims than were predicted. */
async function predictAll(fake: FakeCognito, terminal: Terminal): Promise<ExitCode> {
  const { userPoolId, url } = fake
  const sdk = await import('@aws-sdk/client-cognito-identity-provider')
  const client = new sdk.CognitoIdentityProviderClient(fake.clientConfig)
  const source = createGroupSource({ userPoolId, client })
  const paint = picocolors.createColors(terminal.color)
  let code: ExitCode = 0
  await print(
    terminal,
    `User pool ${userPoolId} with ${GROUPS.length} groups, on a fake Cognito at ${url}\n${MARKS_LEGEND}\n`,
  )
  for (const [index, { title, groups }] of USERS.entries()) {
    const lookup = await source.lookup(groups)
    const resolution = resolveLookup(lookup)
    const username = usernameOf(index)
    const token = await signIn(fake, client, username)
    const isPredicted = typeof token === 'string' || compareClaims(resolution, token).status === 'fresh'
    if (!isPredicted) code = 1
    const lines =
      typeof token === 'string'
        ? [paint.yellow(`  No token. ${printable(token)}`)]
        : [...claimLines(token), isPredicted ? paint.green('  As predicted.') : paint.red('  Not as predicted.')]
    await print(
      terminal,
      `\n${paint.inverse(` ${index + 1}. ${title} `)}\n\n${predictionText({ resolution, ...lookup }, terminal)}\n` +
        `${paint.bold(`Sign-in of ${username}`)}\n${lines.join('\n')}\n`,
    )
  }
  const { call, hit, miss, negative, size } = source.stats()
  const cached = hit + negative
  await print(
    terminal,
    `\n${paint.bold('Cache')}\n  ${cached + miss} lookups of a group: ${cached} from the cache, ${miss} by ${call} calls to Cognito; one call can return several groups\n` +
      `  ${size} names are cached, one of them as unknown\n\n` +
      'The fake follows the rules of the prediction. For evidence of a real user pool, run `rolecast calibrate`.\n',
  )
  return code
}

/** The claims of the ID token, whose signature is checked; or why there is no token. */
async function signIn(
  { userPoolId, clientId, issuer, jwks }: FakeCognito,
  client: CognitoIdentityProviderClient,
  username: string,
): Promise<JWTPayload | string> {
  const { AdminInitiateAuthCommand } = await import('@aws-sdk/client-cognito-identity-provider')
  const command = new AdminInitiateAuthCommand({
    UserPoolId: userPoolId,
    ClientId: clientId,
    AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
    AuthParameters: { USERNAME: username, PASSWORD: FAKE_PASSWORD },
  })
  try {
    const { AuthenticationResult } = await client.send(command)
    const keys = createLocalJWKSet(jwks)
    const { payload } = await jwtVerify(AuthenticationResult?.IdToken ?? '', keys, { issuer, audience: clientId })
    return payload
  } catch (error) {
    if (error instanceof Error && error.name === 'UndeterminedRoleException') return error.message
    throw error
  }
}

function claimLines(token: JWTPayload): readonly string[] {
  const width = Math.max(...CLAIMS.map(name => name.length))
  return CLAIMS.flatMap(name => {
    const values = [token[name] ?? '(absent)'].flat()
    return values.map((value, index) => `  ${(index === 0 ? name : '').padEnd(width)}  ${printable(value as string)}`)
  })
}
