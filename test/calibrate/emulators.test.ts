import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deviationsOf, emulatorsMarkdown, recordedRows, type RecordedRow } from '../../docs/emulator-matrix.js'
import { calibrate } from '../../src/calibrate/index.js'
import { groupOf, PLACEHOLDER_ACCOUNT, ROWS } from '../../src/calibrate/user-pool-rows.js'
import { type Emulator, startEmulator } from '../cognito/cognito-local.js'
import { type FakeServiceOptions, startFakeService } from '../../src/testing/fake-service.js'

let folder: string
let ledgers = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-emulators-'))
})
afterAll(() => rm(folder, { recursive: true }))

/** A run in which no time is spent waiting. */
async function run(endpoint: string): Promise<readonly RecordedRow[]> {
  let now = Date.now()
  const { result, leftBehind } = await calibrate({
    endpoint,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    ledger: join(folder, `${ledgers++}.ledger`),
    clock: {
      now: () => now,
      async sleep(ms) {
        now += ms
      },
    },
  })
  expect(leftBehind).toEqual([])
  return recordedRows(result)
}

async function recorded(name: string): Promise<{ readonly rows: readonly RecordedRow[] }> {
  return JSON.parse(await readFile(new URL(`../fixtures/emulators/${name}.json`, import.meta.url), 'utf8'))
}

const PLACE = { partition: 'aws', account: PLACEHOLDER_ACCOUNT }
const groupsOf = (id: string) => ROWS.find(row => row.id === id)!.members.map(name => groupOf(name, PLACE))
const allDeviations = (rows: readonly RecordedRow[]) =>
  new Set(rows.flatMap(row => deviationsOf(groupsOf(row.id), row)))

describe('cognito-local', () => {
  let emulator: Emulator
  beforeAll(async () => {
    emulator = await startEmulator({ hasEmailUsernames: false })
  })
  afterAll(() => emulator.close())

  test('issues what is recorded of it: no role claim in any case', { timeout: 300_000 }, async () => {
    const rows = await run(emulator.url)
    expect(rows).toEqual((await recorded('cognito-local')).rows)
    expect(rows).toHaveLength(ROWS.length)
    expect(allDeviations(rows)).toEqual(new Set(['no-role-claims']))
  })
})

describe('the fake of rolecast/testing', () => {
  const play = async (options: FakeServiceOptions) => {
    await using service = await startFakeService(options)
    // Not before the service may close.
    return await run(service.url)
  }

  test('issues what is recorded of it, and deviates in no case', { timeout: 300_000 }, async () => {
    const rows = await play({ semantics: 'roles-compete' })
    expect(rows).toEqual((await recorded('rolecast-testing')).rows)
    expect(allDeviations(rows)).toEqual(new Set())
  })

  test('nor does it in the other reading of Case 13', { timeout: 300_000 }, async () => {
    const rows = await play({ semantics: 'tied-groups-agree' })
    expect(allDeviations(rows)).toEqual(new Set())
  })

  test(
    'control: one that follows the page of AWS does, and one that gives no roles',
    { timeout: 300_000 },
    async () => {
      expect(allDeviations(await play({ semantics: 'documented' }))).toEqual(new Set(['prefers-unranked']))
      const silent = await play({ claims: groups => ({ 'cognito:groups': groups.map(({ groupName }) => groupName) }) })
      expect(allDeviations(silent)).toContain('no-role-claims')
    },
  )
})

const role = (name: string) => `arn:aws:iam::000000000000:role/rolecast-calibrate-${name}`
const carried = (groups: readonly string[] | null, roles: readonly string[] | null, preferred: string | null) => ({
  'cognito:groups': groups,
  'cognito:roles': roles?.map(role) ?? null,
  'cognito:preferred_role': preferred === null ? null : preferred && role(preferred),
})

describe('each way to differ is named', () => {
  const of = (id: string, roles: readonly string[] | null, preferred: string | null) => {
    const groups = groupsOf(id).map(({ groupName }) => groupName)
    const list = groups.length === 0 ? null : groups
    return deviationsOf(groupsOf(id), {
      id,
      idToken: carried(list, roles, preferred),
      accessToken: carried(list, null, null),
    })
  }

  test.each([
    ['none', of('control', ['alpha'], 'alpha'), []],
    ['none in another order', of('two-numbers', ['gamma', 'alpha'], 'alpha'), []],
    ['none, either way, where it is undetermined', of('roleless-contender', ['alpha'], 'alpha'), []],
    ['none, either way, where it is undetermined', of('roleless-contender', ['alpha'], null), []],
    ['no role claims', of('control', null, null), ['no-role-claims']],
    ['a preferred role without a precedence', of('null', ['alpha'], 'alpha'), ['prefers-unranked']],
    ['a preferred role in a tie', of('tie-on-two-roles', ['alpha', 'beta', 'gamma'], 'beta'), ['prefers-where-none']],
    ['no preferred role', of('control', ['alpha'], null), ['prefers-none']],
    ['another preferred role', of('two-numbers', ['alpha', 'gamma'], 'gamma'), ['prefers-another']],
    ['another one where it is undetermined', of('roleless-contender', ['alpha'], 'gamma'), ['prefers-another']],
    ['a role twice', of('control', ['alpha', 'alpha'], 'alpha'), ['repeats-role']],
    ['a role too few', of('two-numbers', ['alpha'], 'alpha'), ['lacks-roles']],
    ['a role too many', of('control', ['alpha', 'beta'], 'alpha'), ['adds-roles']],
    ['an empty list', of('no-group', [], null), ['empty-claim']],
    ['an empty text', of('null', ['alpha'], ''), ['empty-claim']],
  ])('%s', (_, found, expected) => {
    expect(found).toEqual(expected)
  })

  test('in the access token, and in the groups', () => {
    const groups = groupsOf('control')
    const idToken = carried(['ten-alpha'], ['alpha'], 'alpha')
    const accessToken = carried(['ten-alpha'], null, null)
    expect(deviationsOf(groups, { id: 'control', idToken, accessToken })).toEqual([])
    expect(deviationsOf(groups, { id: 'control', idToken, accessToken: idToken })).toEqual(['other-access-token'])
    const other = carried(['ten-alpha', 'ten-alpha'], null, null)
    expect(deviationsOf(groups, { id: 'control', idToken, accessToken: other })).toEqual(['other-groups'])
    const none = carried(null, null, null)
    expect(deviationsOf(groups, { id: 'control', idToken, accessToken: none })).toEqual(['other-groups'])
  })

  test('what was not read does not count as agreement', () => {
    expect(deviationsOf(groupsOf('control'), undefined)).toEqual(['not-read'])
    expect(deviationsOf(groupsOf('control'), { id: 'control', why: 'refused' })).toEqual(['not-read'])
    const about = { emulator: 'none', version: '1', url: 'https://example.com', date: '2026-11-29', started: 'Not.' }
    const page = emulatorsMarkdown([{ ...about, rows: [] }])
    expect(page.match(/\| not read \|/g)).toHaveLength(ROWS.length)
    expect(page).toMatch(/\*\*No token could be read\*\* \(Cases 1, 2, 3, .*15\)/)
    expect(page).not.toContain('No deviation')
  })
})
