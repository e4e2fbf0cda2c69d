import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildCommand, endOf, startCommand } from './audit-command.js'
import { CREDENTIALS } from './command.js'
import { type AccountEndpoint, startAccountEndpoint } from '../cognito/account-endpoint.js'

const ACCOUNT = '111122223333'
const GROUPS = Array.from({ length: 12 }, (_, g) => ({
  groupName: `group-${g}`,
  precedence: g % 5,
  ...(g % 4 !== 3 && { roleArn: `arn:aws:iam::${ACCOUNT}:role/R${g % 6}` }),
}))
const poolOf = (userPoolId: string, users: number) => ({
  userPoolId,
  groups: GROUPS,
  users: Array.from({ length: users }, (_, u) => ({
    username: `${userPoolId}-${u}`,
    groups: u % 11 === 0 ? [] : [...new Set([`group-${u % 12}`, `group-${(u * 7) % 12}`])],
  })),
  latency: 5,
})
const PROVIDER = { ProviderName: 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Second', ClientId: 'web' }
const IDENTITY_POOL = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const POOLS = { 'eu-west-1': [150, 120, 0, 100], 'us-east-1': [140, 45] }

const start = () =>
  startAccountEndpoint({
    accounts: {
      [ACCOUNT]: {
        'eu-west-1': {
          userPools: ['First', 'Second', 'Empty', 'Fourth'].map((name, p) =>
            poolOf(`eu-west-1_${name}`, POOLS['eu-west-1'][p]!),
          ),
          identityPools: {
            [IDENTITY_POOL]: {
              providers: [PROVIDER],
              roles: { RoleMappings: { [`${PROVIDER.ProviderName}:web`]: { Type: 'Token' } } },
            },
          },
        },
        'us-east-1': { userPools: ['A', 'B'].map((name, p) => poolOf(`us-east-1_${name}`, POOLS['us-east-1'][p]!)) },
      },
    },
    keys: { [CREDENTIALS.AWS_ACCESS_KEY_ID]: ACCOUNT },
  })

const KILLS = 8

let folder: string
let bin: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-account-kill-'))
  bin = await buildCommand(folder)
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

/** The same numbers in every run. */
function random(seed: number) {
  return () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

function commandLine(endpoint: AccountEndpoint, output: string, checkpoint?: string): readonly string[] {
  const rates = ['ListGroups=200', 'ListUsers=400', 'AdminListGroupsForUser=400'].flatMap(rate => [
    '--requests-per-second',
    rate,
  ])
  const where = ['--region', 'eu-west-1', '--region', 'us-east-1', '--endpoint-url', endpoint.url]
  const how = ['--strategy', 'per-user', ...rates, '--format', 'ndjson', '--output', output]
  return ['audit', 'account', ...where, ...how, ...(checkpoint === undefined ? [] : ['--checkpoint', checkpoint])]
}

/** Without what says when: another audit is of another time. */
const timeless = (text: string) => text.replaceAll(/"(startedAt|endedAt|listedAt)":"[^"]*"/g, '"$1":""')

/** Kills the command when so many requests have come. Null if it was killed. */
async function runFor(args: readonly string[], endpoint: AccountEndpoint, requests: number): Promise<number | null> {
  const child = startCommand(bin, args)
  const ended = endOf(child)
  const before = endpoint.requests.length
  while (child.exitCode === null && endpoint.requests.length < before + requests) await sleep(2)
  child.kill('SIGKILL')
  return (await ended).code
}

test(
  'an audit that is killed at random points continues, gives what it gives undisturbed, and reads no finished pool again',
  { timeout: 240_000 },
  async () => {
    await using endpoint = await start()
    const undisturbed = join(folder, 'undisturbed.ndjson')
    expect(await endOf(startCommand(bin, commandLine(endpoint, undisturbed)))).toMatchObject({ code: 0, stdout: '' })
    const expected = await readFile(undisturbed, 'utf8')
    const least = endpoint.requests.length
    const users = [...POOLS['eu-west-1'], ...POOLS['us-east-1']].reduce((sum, count) => sum + count, 0)
    // Each of the six pools has a head and a summary, and the account a last line.
    expect(expected.split('\n')).toHaveLength(users + 2 * 6 + 1 + 1)

    const output = join(folder, 'killed.ndjson')
    const checkpoint = join(folder, 'checkpoint')
    const args = commandLine(endpoint, output, checkpoint)
    const next = random(7)
    endpoint.requests.length = 0
    let kills = 0
    let audits = 0
    while (kills < KILLS) {
      const code = await runFor(args, endpoint, Math.floor(next() * least * 0.25))
      if (code === 0) {
        audits++
        expect(timeless(await readFile(output, 'utf8'))).toBe(timeless(expected))
        await rm(output)
      } else {
        expect(code).toBe(null)
        kills++
        // Nothing is where the output goes before it is whole.
        await expect(stat(output)).rejects.toMatchObject({ code: 'ENOENT' })
      }
    }
    expect(await endOf(startCommand(bin, args))).toMatchObject({ code: 0, stdout: '' })
    const whole = await readFile(output, 'utf8')
    expect(timeless(whole)).toBe(timeless(expected))
    await expect(stat(checkpoint)).rejects.toMatchObject({ code: 'ENOENT' })
    // What was kept is not asked for again: each kill costs what was under way, and no more.
    expect(endpoint.requests.length).toBeLessThanOrEqual((audits + 1) * least + kills * 120)
  },
)

test(
  'what was listed and finished before a kill keeps its times, whichever audit resumes from it',
  { timeout: 120_000 },
  async () => {
    await using endpoint = await start()
    const checkpoint = join(folder, 'same')
    const outputs = [join(folder, 'same.1.ndjson'), join(folder, 'same.2.ndjson')]
    // Killed when two pools are finished: what they say of the time is in the folder.
    const code = await runFor(commandLine(endpoint, outputs[0]!, checkpoint), endpoint, 350)
    expect(code).toBe(null)
    const copy = join(folder, 'same.copy')
    await cp(checkpoint, copy, { recursive: true })
    const times: string[][] = []
    for (const [index, from] of [checkpoint, copy].entries()) {
      expect(await endOf(startCommand(bin, commandLine(endpoint, outputs[index]!, from)))).toMatchObject({ code: 0 })
      const text = await readFile(outputs[index]!, 'utf8')
      times.push([...text.matchAll(/"(?:startedAt|listedAt)":"([^"]*)"/g)].map(([, time]) => time!))
    }
    expect(times[0]!.length).toBeGreaterThan(8)
    // Those of the pools that were finished, and of the lists.
    const finished = times[0]!.filter((time, index) => times[1]![index] === time)
    expect(finished.length).toBeGreaterThanOrEqual(4)
  },
)

test('control: without a checkpoint, an audit begins again after a kill', { timeout: 60_000 }, async () => {
  await using endpoint = await start()
  const args = commandLine(endpoint, join(folder, 'control.ndjson'))
  expect(await runFor(args, endpoint, 250)).toBe(null)
  endpoint.requests.length = 0
  expect(await endOf(startCommand(bin, args))).toMatchObject({ code: 0 })
  expect(endpoint.requests.length).toBeGreaterThan(500)
})

test('a folder that was changed by a kill while it was removed starts again', { timeout: 60_000 }, async () => {
  await using endpoint = await start()
  const checkpoint = join(folder, 'removed')
  const args = commandLine(endpoint, join(folder, 'removed.ndjson'), checkpoint)
  await runFor(args, endpoint, 450)
  // The journal is removed first, then the lines.
  await rm(join(checkpoint, 'account.checkpoint'))
  await writeFile(join(checkpoint, `${ACCOUNT}.eu-west-1.eu-west-1_First.part`), 'of an earlier audit')
  endpoint.requests.length = 0
  expect(await endOf(startCommand(bin, args))).toMatchObject({ code: 0 })
  expect(endpoint.requests.length).toBeGreaterThan(500)
})
