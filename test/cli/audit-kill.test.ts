import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ReadStrategy } from '../../src/cognito/memberships/estimate.js'
import { buildCommand, endOf, startCommand } from './audit-command.js'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const GROUPS = Array.from({ length: 25 }, (_, g) => ({
  groupName: `group-${g}`,
  precedence: g % 9,
  ...(g % 4 !== 3 && { roleArn: `arn:aws:iam::111122223333:role/R${g % 6}` }),
}))
const groupName = (number: number) => GROUPS[number % GROUPS.length]!.groupName
const poolOf = (users: number) =>
  Array.from({ length: users }, (_, u) => ({
    username: `user-${u}`,
    groups: u % 11 === 0 ? [] : [...new Set([groupName(u), groupName(u * 7), groupName(u * 13 + 5)])],
  }))

/** So many that either way takes about a second and a half. */
const SIZES: Readonly<Record<ReadStrategy, number>> = { 'per-group': 3_000, 'per-user': 900 }
const KILLS = 10

let folder: string
let bin: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-kill-'))
  bin = await buildCommand(folder)
})
afterAll(() => rm(folder, { recursive: true }))

/** The output of an audit without the two times of its reading, which another audit has at other times. */
async function timeless(output: string): Promise<string> {
  const text = await readFile(output, 'utf8')
  const TIME = /"(startedAt|endedAt)":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"/g
  // In the head and in the summary.
  expect(text.match(TIME)).toHaveLength(4)
  return text.replaceAll(TIME, '"$1":"then"')
}

/** The same numbers in every run. */
function random(seed: number) {
  return () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

function commandLine(endpoint: CognitoEndpoint, strategy: ReadStrategy, output: string): readonly string[] {
  const rates = ['ListGroups=200', 'ListUsers=400', 'AdminListGroupsForUser=1500'].flatMap(rate => [
    '--requests-per-second',
    rate,
  ])
  return [
    'audit',
    'pool',
    '--user-pool-id',
    userPoolId,
    '--endpoint-url',
    endpoint.url,
    '--strategy',
    strategy,
    ...rates,
    '--format',
    'ndjson',
    '--output',
    output,
  ]
}

test.each<ReadStrategy>(['per-group', 'per-user'])(
  '%s: an audit that is killed at random points continues, and gives byte for byte what it gives undisturbed',
  { timeout: 240_000 },
  async strategy => {
    await using endpoint = await startCognitoEndpoint({
      userPoolId,
      groups: GROUPS,
      users: poolOf(SIZES[strategy]),
      latency: 10,
    })
    const undisturbed = join(folder, `${strategy}.ndjson`)
    expect(await endOf(startCommand(bin, commandLine(endpoint, strategy, undisturbed)))).toMatchObject({
      code: 0,
      stdout: '',
    })
    const expected = await timeless(undisturbed)
    const least = endpoint.requests.length
    expect(
      endpoint.requests.some(({ filter }) => filter?.startsWith('sub ^= ')),
      'users are listed in parts',
    ).toBe(true)
    // With the head, the summary, and what is after the last line.
    expect(expected.split('\n')).toHaveLength(SIZES[strategy] + 3)

    const output = join(folder, `${strategy}.killed.ndjson`)
    const checkpoint = join(folder, `${strategy}.checkpoint`)
    const args = [...commandLine(endpoint, strategy, output), '--checkpoint', checkpoint]
    const next = random(strategy.length)
    let kills = 0
    let killedWhileReading = 0
    let audits = 0
    endpoint.requests.length = 0
    while (kills < KILLS) {
      const before = endpoint.requests.length
      const child = startCommand(bin, args)
      const ended = endOf(child)
      // A part of the calls of an audit, counted from the first of this process; some are killed before it.
      const share = Math.floor(next() * least * 0.3)
      const timer = sleep(30_000)
      while (child.exitCode === null && endpoint.requests.length < before + share) await Promise.race([sleep(2), timer])
      child.kill('SIGKILL')
      const { code, stderr } = await ended
      if (code === 0) {
        audits++
        expect(await timeless(output)).toBe(expected)
        await rm(output)
      } else {
        const said = stderr
          .replace(/^rolecast: resuming from .*\n/, '')
          .replace(/^To read[^]*?\(--memberships-per-user\)\n/, '')
        expect({ code, stderr: said }).toEqual({
          code: null,
          stderr: '',
        })
        kills++
        if (endpoint.requests.length > before) killedWhileReading++
        // Nothing is where the output goes before it is whole.
        await expect(stat(output)).rejects.toMatchObject({ code: 'ENOENT' })
      }
    }
    expect(await endOf(startCommand(bin, args))).toMatchObject({ code: 0, stdout: '' })
    expect(await timeless(output)).toBe(expected)
    await expect(stat(checkpoint)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(killedWhileReading).toBeGreaterThan(KILLS / 2)
    // What was kept is not asked for again: each kill costs what was under way, and no more.
    expect(endpoint.requests.length).toBeLessThanOrEqual((audits + 1) * least + kills * 60)
  },
)

test('control: an audit without a checkpoint begins again after a kill', { timeout: 60_000 }, async () => {
  await using endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: poolOf(600), latency: 10 })
  const args = commandLine(endpoint, 'per-user', join(folder, 'control.ndjson'))
  const child = startCommand(bin, args)
  const ended = endOf(child)
  while (endpoint.requests.length < 400) await sleep(2)
  child.kill('SIGKILL')
  await ended
  endpoint.requests.length = 0
  expect(await endOf(startCommand(bin, args))).toMatchObject({ code: 0 })
  expect(endpoint.requests.length).toBeGreaterThan(600)
})
