import { createReadStream } from 'node:fs'
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createAuditSummary } from '../../src/audit/summary.js'
import type { PoolUser } from '../../src/audit/pool-user.js'
import type { Group } from '../../src/group.js'
import { compilePool } from '../../src/pool/compile-pool.js'
import { createAuditLines } from '../../src/report/audit-lines.js'
import { auditCommand } from './audit-command.js'
import { jsonLines, role, userPoolId } from './pool.js'
import { stubCredentials } from './command.js'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'

const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'staff', precedence: 5, roleArn: role('Staff') },
]
const OLD: readonly PoolUser[] = [
  { username: 'anna', sub: 's-1', enabled: true, groups: ['staff'] },
  { username: 'bert', sub: 's-2', enabled: true, groups: ['admins'] },
  { username: 'carl', sub: 's-3', enabled: true, groups: [] },
]
const NEW: readonly PoolUser[] = [
  { username: 'anna', sub: 's-1', enabled: true, groups: ['staff', 'admins'] },
  { username: 'carl', sub: 's-3', enabled: false, groups: ['staff'] },
  { username: 'dora', sub: 's-4', enabled: true, groups: ['staff'] },
]

interface Written {
  readonly groups?: readonly Group[]
  readonly pool?: string
  readonly day?: string
  readonly toolVersion?: string
  readonly semantics?: 'observed' | 'documented'
}

/** What `audit pool --format ndjson` writes. */
function auditText(users: readonly PoolUser[], written: Written = {}): string {
  const { groups = GROUPS, pool = userPoolId, day = '01', toolVersion = '0.1.0', semantics = 'observed' } = written
  const at = `2026-11-${day}T12:00:00.000Z`
  const reading = { source: 'cognito' as const, userPoolId: pool, startedAt: at, endedAt: at }
  const lines = createAuditLines({ format: 'ndjson', head: { toolVersion, reading, semantics, groups } })
  const compiled = compilePool(groups, { semantics })
  const counter = createAuditSummary({ groups, semantics, reading })
  const audits = users.map(({ groups: names, ...user }) => ({ ...user, resolution: compiled.resolve(names) }))
  audits.forEach(counter.add)
  return `${lines.head()}${audits.map(user => lines.line(user, [])).join('')}${lines.tail(counter.summary())}`
}

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-diff-'))
})
afterEach(() => void vi.unstubAllEnvs())
afterAll(() => rm(folder, { recursive: true }))

async function newFile(text: string | Buffer): Promise<string> {
  const path = join(folder, `audit-${files++}.ndjson`)
  await writeFile(path, text)
  return path
}
const audit = (users: readonly PoolUser[], written?: Written) => newFile(auditText(users, written))
const diff = async (old: string, newer: string, ...args: readonly string[]) =>
  auditCommand(['audit', 'diff', old, newer, ...args])
/** With the file on stdin. */
const diffFrom = async (stdin: string, ...args: readonly string[]) =>
  auditCommand(['audit', 'diff', ...args], { stdin: createReadStream(stdin) })

describe('two audits of one pool', () => {
  const compared = async (...args: readonly string[]) =>
    diff(await audit(OLD), await audit(NEW, { day: '02' }), ...args)

  test('as text', async () => {
    const { code, stdout, stderr } = await compared()
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain(`What changed in user pool ${userPoolId}`)
    expect(stdout).toMatch(/changed \(1\) {2}\S+role\/Staff -> \S+role\/Admin\n {4}anna/)
    expect(stdout).toMatch(/gained, new users \(1\) {2}not there -> \S+role\/Staff\n {4}dora/)
    expect(stdout).toMatch(/lost, users gone \(1\) {2}\S+role\/Admin -> not there\n {4}bert/)
    expect(stdout).toMatch(
      /Users who are disabled, and were enabled or may have been \(1\), of these with a role: 0\n {4}carl/,
    )
  })

  test('as JSON', async () => {
    const { stdout } = await compared('--format', 'json')
    expect(JSON.parse(stdout)).toMatchObject({
      semantics: 'observed',
      before: { users: 3, toolVersion: '0.1.0', reading: { userPoolId } },
      after: { users: 3 },
      notes: [],
      newUsers: { count: 1, users: ['dora'] },
      goneUsers: { count: 1, users: ['bert'] },
      changes: { gained: 2, lost: 1, changed: 1, undetermined: 0, 'allowed-roles': 0, same: 0 },
      groups: [],
    })
  })

  test('as lines: a head, a line a user with a difference, and a summary', async () => {
    const lines = jsonLines((await compared('--format', 'ndjson')).stdout)
    expect(Object.keys(lines[0])).toEqual(['diff'])
    expect(lines.slice(1, -1).map(({ username, presence, change }) => [username, presence, change])).toEqual([
      ['anna', 'both', 'changed'],
      ['carl', 'both', 'gained'],
      ['dora', 'new', 'gained'],
      ['bert', 'gone', 'lost'],
    ])
    expect(lines.at(-1)).toMatchObject({ summary: { newUsers: 1, goneUsers: 1 } })
  })

  test('as a page that runs nothing and fetches nothing', async () => {
    const { stdout } = await compared('--format', 'html')
    expect(stdout).toMatch(/^<!doctype html>/)
    expect(stdout).toContain("default-src 'none'")
    expect(stdout).not.toMatch(/<script|https?:\/\/|javascript:/)
    expect(stdout).toContain('<bdi>dora</bdi>')
  })

  test('names on the page are text', async () => {
    const users = [{ username: '<script>alert(1)</script>\u202e', groups: ['staff'] }]
    const { stdout } = await diff(await audit([]), await audit(users, { day: '02' }), '--format', 'html')
    expect(stdout).not.toMatch(/<script|\u202e/)
    expect(stdout).toContain('&lt;script&gt;')
  })

  test('is the same output each time', async () => {
    const paths = [await audit(OLD), await audit(NEW, { day: '02' })] as const
    for (const format of ['text', 'json', 'ndjson', 'html'])
      expect(await diff(...paths, '--format', format)).toEqual(await diff(...paths, '--format', format))
  })

  test.each([
    ['gained', 1],
    ['lost', 1],
    ['changed', 1],
    ['undetermined', 0],
    ['allowed-roles', 0],
    ['any', 1],
  ] as const)('--fail-on %s exits with %d', async (kind, code) => {
    expect((await compared('--fail-on', kind)).code).toBe(code)
  })
  test('--fail-on is repeatable, and passes where nothing is different', async () => {
    expect((await compared('--fail-on', 'undetermined', '--fail-on', 'lost')).code).toBe(1)
    const same = await diff(await audit(OLD), await audit(OLD, { day: '02' }), '--fail-on', 'any')
    expect(same).toMatchObject({ code: 0, stderr: '' })
  })
  test('--fail-on takes no other word', async () => {
    expect(await compared('--fail-on', 'gain')).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/`gain`.*gained, lost, .*, any \[invalid-argument\]\n$/),
    })
  })
  test('one of the audits can come from stdin, and not both', async () => {
    const [old, newer] = [await audit(OLD), await audit(NEW, { day: '02' })]
    const { stdout } = await diff(old, newer)
    expect(await diffFrom(old, '-', newer)).toMatchObject({ code: 0, stdout })
    expect(await diffFrom(newer, old, '-')).toMatchObject({ code: 0, stdout })
    const stderr = expect.stringMatching(/both OLD and NEW take it.* \[invalid-argument\]\n$/)
    expect(await diffFrom(old, '-', '-')).toMatchObject({ code: 2, stdout: '', stderr })
  })

  test('--output replaces neither of the audits', async () => {
    const [old, newer] = [await audit(OLD), await audit(NEW, { day: '02' })]
    expect((await diff(old, newer, '--output', old)).code).toBe(2)
    expect(await readFile(old, 'utf8')).toBe(auditText(OLD))
  })
})

describe('memberships alone', () => {
  const groups = [...GROUPS, { groupName: 'readers' }]
  const compared = async (after: readonly string[], ...args: readonly string[]) =>
    diff(
      await audit([{ username: 'anna', groups: ['staff'] }], { groups }),
      await audit([{ username: 'anna', groups: after }], { groups, day: '02' }),
      ...args,
    )
  test('are a difference in each format', async () => {
    const { code, stdout } = await compared(['staff', 'readers'], '--fail-on', 'any')
    expect(code).toBe(1)
    expect(stdout).toMatch(/Users for whom only the groups changed \(1\)\n {4}anna/)
    expect((await compared(['staff', 'readers'], '--format', 'html')).stdout).toContain(
      'Users for whom only the groups changed',
    )
    const lines = jsonLines((await compared(['staff', 'readers'], '--format', 'ndjson')).stdout)
    expect(lines.slice(1)).toMatchObject([
      { username: 'anna', change: 'same', groupsAdded: ['readers'], groupsRemoved: [] },
      { summary: { regroupedUsers: 1 } },
    ])
  })
  test('control: the same groups are none', async () => {
    expect((await compared(['staff'], '--fail-on', 'any')).code).toBe(0)
    expect(jsonLines((await compared(['staff'], '--format', 'ndjson')).stdout)).toHaveLength(2)
  })
})

describe('what the first line says of IAM and the identity pool', () => {
  const trust = { trusted: true, anyPool: false, guests: false }
  const head = (name: string, administrator: boolean) => ({
    roleArn: role(name),
    status: 'exists',
    trust,
    privileges: { attached: [], inline: [], administrator, notRead: [] },
  })
  const withHead = async (day: string, more: object) =>
    newFile(auditText([], { day }).replace('"groups":', `${JSON.stringify(more).slice(1, -1)},"groups":`))
  const identityPool = { identityPoolId: 'eu-west-1:p', mapping: 'Token', clientId: 'one' }
  const old = { identityPool, roleChecks: [head('Admin', true), head('User', false)] }

  test('roles that swap what they may do are named', async () => {
    const swapped = { identityPool, roleChecks: [head('Admin', false), head('User', true)] }
    const paths = [await withHead('01', old), await withHead('02', swapped)] as const
    const { code, stdout } = await diff(...paths, '--fail-on', 'any')
    expect(code).toBe(1)
    expect(stdout).toMatch(
      /changed {2}\S+role\/Admin: exists, .*, can do everything -> exists, .*, cannot do everything/,
    )
    expect((await diff(...paths, '--format', 'html')).stdout).toContain('Roles in IAM')
    expect(JSON.parse((await diff(...paths, '--format', 'json')).stdout).roles).toHaveLength(2)
    expect(jsonLines((await diff(...paths, '--format', 'ndjson')).stdout).at(-1).summary.roles).toHaveLength(2)
    expect((await diff(paths[0], await withHead('02', old), '--fail-on', 'any')).code).toBe(0)
  })
  test('another app client is reported', async () => {
    const other = { ...old, identityPool: { ...identityPool, clientId: 'two' } }
    const { stdout } = await diff(await withHead('01', old), await withHead('02', other))
    expect(stdout).toContain('the audits are for different app clients, `one` and `two`')
  })
  test('a role twice is rejected', async () => {
    const twice = { roleChecks: [head('Admin', true), head('Admin', false)] }
    expect(await diff(await withHead('01', old), await withHead('02', twice))).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('a role twice'),
    })
  })
})

describe('a file that is not whole', () => {
  const [old, whole] = [auditText(OLD.slice(0, 2)), auditText(NEW.slice(0, 2), { day: '02' })]
  test('cut off at any byte is rejected, as the old one and as the new one', async () => {
    const fine = await newFile(old)
    const bytes = Buffer.from(whole)
    for (let length = 0; length < bytes.length; length++) {
      const cut = await newFile(bytes.subarray(0, length))
      const { code, stdout, stderr } = await diff(fine, cut, '--fail-on', 'any')
      expect({ length, code, stdout }).toEqual({ length, code: 2, stdout: '' })
      expect(stderr).toMatch(/^rolecast: the audit `.*` cannot be used: .* \[invalid-input\]\n$/)
      if (length % 31 === 0) expect(await diff(cut, fine)).toMatchObject({ code: 2, stdout: '' })
      await rm(cut)
    }
    expect((await diff(fine, await newFile(bytes))).code).toBe(0)
  })

  const lines = whole.split('\n').slice(0, -1)
  const joined = (...kept: readonly (string | undefined)[]) => kept.map(line => `${line}\n`).join('')
  const [head, one, two, summary] = lines
  test.each<[string, string, RegExp]>([
    ['without a line', joined(head, one, summary), /a line for 1 user, but its summary counts 2/],
    ['with a line twice', joined(head, one, two, two, summary), /lines for 3 users, but its summary counts 2/],
    ['with a user in place of another', joined(head, one, one, summary), /`anna` twice/],
    ['with a line after the summary', joined(head, one, two, summary, one), /line 5 comes after the summary/],
    ['without a head', joined(one, two, summary), /neither an audit in NDJSON nor a checkpoint/],
    ['without a summary', joined(head, one, two), /no summary/],
    ['with a blank line', joined(head, '', one, two, summary), /line 2 is not the JSON of a user/],
    [
      'with another role than the groups give',
      joined(head, one!.replaceAll('role/Admin', 'role/Other'), two, summary),
      /line 2 has roles that its groups do not give/,
    ],
    [
      'without a group that the roles are of',
      joined(head, one!.replace('"staff","admins"', '"staff"'), two, summary),
      /line 2 has roles that its groups do not give/,
    ],
    [
      'with a group that the head does not have',
      joined(head, one!.replace('"staff"', '"ghost"'), two, summary),
      /`ghost`/,
    ],
    [
      'of another version',
      whole.replace('"version":1', '"version":2'),
      /version `2`, but this version of rolecast reads only version 1/,
    ],
    ['with half a character in a name', whole.replaceAll('"anna"', '"\\ud800"'), /no `username`/],
    ['that is a list of memberships', '{"username":"anna","groups":["staff"]}\n', /neither an audit/],
    ['that is empty', '', /empty/],
  ])('%s', async (_what, text, why) => {
    const { code, stdout, stderr } = await diff(await newFile(old), await newFile(text))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(why)
    expect(stderr).toMatch(/; \S.* \[invalid-input\]\n$/)
  })

  test('that is not UTF-8, or is not there', async () => {
    const bytes = Buffer.concat([
      Buffer.from(joined(head)),
      Buffer.from([0xff, 0x0a]),
      Buffer.from(joined(two, summary)),
    ])
    expect((await diff(await newFile(old), await newFile(bytes))).stderr).toContain('not UTF-8')
    expect((await diff(join(folder, 'nowhere'), await newFile(old))).stderr).toContain('ENOENT')
  })

  test('leaves no output behind', async () => {
    const place = await mkdtemp(join(folder, 'out-'))
    const cut = await newFile(whole.slice(0, -20))
    for (const format of ['text', 'ndjson', 'html'])
      expect((await diff(await newFile(old), cut, '--format', format, '--output', join(place, 'out'))).code).toBe(2)
    expect(await readdir(place)).toEqual([])
  })
})

describe('audits that do not go together', () => {
  test('of two pools need --any-pool', async () => {
    const paths = [await audit(OLD), await audit(NEW, { pool: 'eu-west-1_Other1', day: '02' })] as const
    expect(await diff(...paths)).toMatchObject({ code: 2, stderr: expect.stringContaining('give --any-pool') })
    expect(await diff(...paths, '--any-pool')).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('different user pools'),
    })
  })
  test('in the wrong order are rejected', async () => {
    const { code, stderr } = await diff(await audit(NEW, { day: '02' }), await audit(OLD))
    expect(code).toBe(2)
    expect(stderr).toMatch(/give the older one first \[invalid-input\]\n$/)
  })
  test('of two readings need --semantics, and the findings are not compared then', async () => {
    const groups = [{ groupName: 'unranked', roleArn: role('Extra') }]
    const users = [{ username: 'anna', groups: ['unranked'] }]
    const documented = await audit(users, { groups, semantics: 'documented', day: '02' })
    const observed = await audit(users, { groups })
    expect(await diff(observed, documented)).toMatchObject({ code: 2, stderr: expect.stringContaining('--semantics') })
    const { code, stdout } = await diff(observed, documented, '--semantics', 'observed', '--format', 'json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      changes: { same: 1, gained: 0 },
      notes: expect.arrayContaining([expect.stringContaining('Findings were not compared')]),
    })
  })
  test('of two versions of rolecast are compared, and that is reported', async () => {
    const { code, stdout } = await diff(await audit(OLD), await audit(NEW, { day: '02', toolVersion: '0.2.0' }))
    expect(code).toBe(0)
    expect(stdout).toContain('Different versions of rolecast wrote the audits, `0.1.0` and `0.2.0`')
  })
})

test('what `audit pool` writes is what `audit diff` reads', async () => {
  const pool = await newFile(
    JSON.stringify({
      Groups: GROUPS.map(({ groupName, precedence, roleArn }) => ({
        GroupName: groupName,
        Precedence: precedence,
        RoleArn: roleArn,
        UserPoolId: userPoolId,
      })),
    }),
  )
  const written = async (users: readonly PoolUser[]) => {
    const memberships = await newFile(users.map(user => `${JSON.stringify(user)}\n`).join(''))
    const path = join(folder, `pool-${files++}.ndjson`)
    const args = ['audit', 'pool', '--pool-file', pool, '--memberships', memberships, '--format', 'ndjson']
    expect((await auditCommand([...args, '--output', path])).code).toBe(0)
    return path
  }
  const { code, stdout } = await diff(await written(OLD), await written(NEW), '--format', 'json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    changes: { gained: 2, lost: 1, changed: 1, same: 0 },
    notes: [expect.stringContaining('does not say when it was read')],
  })
})

describe('checkpoints', () => {
  let endpoint: CognitoEndpoint
  let whole: string
  beforeAll(async () => {
    endpoint = await startCognitoEndpoint({
      userPoolId,
      groups: GROUPS,
      users: OLD.map(({ username, groups }) => ({ username, groups })),
    })
    whole = join(folder, 'whole.checkpoint')
    stubCredentials(folder)
    // The audit reads everything, and cannot write what it found: the checkpoint stays.
    const { code } = await auditCommand([
      'audit',
      'pool',
      '--user-pool-id',
      userPoolId,
      '--endpoint-url',
      endpoint.url,
      '--region',
      'eu-west-1',
      '--checkpoint',
      whole,
      '--output',
      '/dev/full',
    ])
    expect(code).toBe(2)
    vi.unstubAllEnvs()
  })
  afterAll(() => endpoint.close())

  test('of a complete reading is an audit', async () => {
    const now = '2100-01-01T00:00:00.000Z'
    const later = auditText(NEW.map(({ username, enabled, groups }) => ({ username, enabled, groups }))).replaceAll(
      '2026-11-01T12:00:00.000Z',
      now,
    )
    const before = await readFile(whole)
    const { code, stdout } = await diff(whole, await newFile(later), '--format', 'json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      before: { users: 3, reading: { userPoolId, source: 'cognito' } },
      changes: { gained: 2, lost: 1, changed: 1 },
    })
    expect(await readFile(whole)).toEqual(before)
    expect((await diff(whole, whole, '--fail-on', 'any')).code).toBe(0)
  })

  test('cannot come from stdin, because they are read twice', async () => {
    const { code, stderr } = await diffFrom(whole, '-', whole)
    expect(code).toBe(2)
    expect(stderr).toMatch(
      /^rolecast: the audit on stdin is a checkpoint, .*; give the checkpoint as a file \[invalid-argument\]\n$/,
    )
  })

  test('cut off anywhere is rejected, and stays as it is', async () => {
    const bytes = await readFile(whole)
    for (let length = 1; length < bytes.length; length += length < bytes.length - 80 ? 13 : 1) {
      const cut = join(folder, 'cut.checkpoint')
      await copyFile(whole, cut)
      await truncate(cut, length)
      const { code, stdout, stderr } = await diff(cut, whole, '--fail-on', 'any')
      expect({ length, code, stdout }).toEqual({ length, code: 2, stdout: '' })
      expect(stderr).toMatch(/^rolecast: the (checkpoint|audit) .*; .* \[invalid-input\]\n$/)
      expect(await readFile(cut)).toEqual(bytes.subarray(0, length))
    }
    expect((await readdir(folder)).filter(name => name.endsWith('.lock'))).toEqual([])
  })

  test('cut off after any of its records is rejected, with the next step', async () => {
    const lines = (await readFile(whole, 'utf8')).split('\n').slice(0, -1)
    for (let kept = 1; kept < lines.length; kept++) {
      const cut = await newFile(`${lines.slice(0, kept).join('\n')}\n`)
      const { code, stderr } = await diff(cut, whole)
      expect({ kept, code }).toEqual({ kept, code: 2 })
      expect(stderr).toContain('did not read the whole pool; resume that audit')
    }
  })
})
