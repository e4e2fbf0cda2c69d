import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { impact } from '../../src/cognito/memberships/audit-pool.js'
import type { Group, UserGroups } from '../../src/group.js'
import { createImpactSummary, type GroupChange } from '../../src/audit/impact.js'
import { auditCommand } from './audit-command.js'
import { type CognitoEndpoint, endpointClient, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { type Ended, stubCredentials } from './command.js'
import { failureOf } from '../failure-of.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'staff', precedence: 5, roleArn: role('Staff') },
  { groupName: 'a,b.precedence=3', precedence: 9, roleArn: role('Comma') },
  { groupName: '管理者', precedence: null, roleArn: role('Unicode') },
  { groupName: '__proto__', precedence: 12, roleArn: null },
]
const USERS: readonly UserGroups[] = [
  { username: 'anna', groups: ['admins', 'staff'] },
  { username: 'bert', groups: ['staff'] },
  { username: 'carl', groups: ['a,b.precedence=3'] },
  { username: 'dora', groups: ['管理者'] },
  { username: 'emil', groups: ['__proto__', 'ghost'] },
  { username: 'fay', groups: [] },
]

let folder: string
let endpoint: CognitoEndpoint
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-cli-impact-'))
  endpoint = await startCognitoEndpoint({
    userPoolId,
    groups: GROUPS,
    users: USERS.map(user => ({ ...user, groups: user.groups.filter(name => name !== 'ghost') })),
  })
})
afterEach(() => void vi.unstubAllEnvs())
afterAll(async () => {
  await endpoint.close()
  await rm(folder, { recursive: true })
})

const newFolder = () => mkdtemp(join(folder, 'case-'))
async function newFile(content: unknown): Promise<string> {
  const path = join(await newFolder(), 'file.json')
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
async function impactOf(
  args: readonly string[],
  groups: readonly Group[] = GROUPS,
  users: readonly UserGroups[] = USERS,
): Promise<Ended> {
  const pool = await newFile({
    Groups: groups.map(({ groupName, precedence, roleArn }) => ({
      GroupName: groupName,
      Precedence: precedence,
      RoleArn: roleArn,
      UserPoolId: userPoolId,
    })),
  })
  const stdin = users.map(user => `${JSON.stringify(user)}\n`).join('')
  return auditCommand(['impact', '--pool-file', pool, '--memberships', '-', ...args], { stdin })
}
const linesOf = (text: string) =>
  text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))
/** The lines of users: the first line says what is tried, and the last one is the summary. */
const usersOf = (text: string) => linesOf(text).slice(1, -1)
const json = async (...args: readonly string[]) => JSON.parse((await impactOf(['--format', 'json', ...args])).stdout)

/** What is said of a change that Cognito cannot make. */
const uncleared = (what: string) => ({ note: `Cognito cannot clear a ${what}: delete the group and recreate it` })

describe('--set', () => {
  test.each<[string, GroupChange & { readonly note?: string }, Readonly<Record<string, string>>]>([
    ['staff.precedence=0', { groupName: 'staff', precedence: 0 }, { anna: 'lost' }],
    [
      'admins.precedence=none',
      { groupName: 'admins', precedence: null, ...uncleared('precedence') },
      { anna: 'changed' },
    ],
    ['admins.precedence=2147483647', { groupName: 'admins', precedence: 2147483647 }, { anna: 'changed' }],
    [
      `staff.roleArn=${role('New')}`,
      { groupName: 'staff', roleArn: role('New') },
      { anna: 'allowed-roles', bert: 'changed' },
    ],
    [
      'staff.roleArn=none',
      { groupName: 'staff', roleArn: null, ...uncleared('role') },
      { anna: 'allowed-roles', bert: 'lost' },
    ],
    [
      'a,b.precedence=3.precedence=none',
      { groupName: 'a,b.precedence=3', precedence: null, ...uncleared('precedence') },
      { carl: 'lost' },
    ],
    ['管理者.precedence=none', { groupName: '管理者', precedence: null }, {}],
    ['__proto__.roleArn=none', { groupName: '__proto__', roleArn: null }, {}],
    [
      `a,b.precedence=3.roleArn=${role('x=y.z')}`,
      { groupName: 'a,b.precedence=3', roleArn: role('x=y.z') },
      { carl: 'changed' },
    ],
    ['管理者.precedence=1', { groupName: '管理者', precedence: 1 }, { dora: 'gained' }],
    [`__proto__.roleArn=${role('Proto')}`, { groupName: '__proto__', roleArn: role('Proto') }, { emil: 'gained' }],
    ['staff.precedence=5', { groupName: 'staff', precedence: 5 }, {}],
  ])('%s', async (text, change, changed) => {
    const { trial } = await json('--set', text)
    expect(trial.changes).toEqual([change])
    const { stdout } = await impactOf(['--set', text, '--format', 'ndjson'])
    expect(Object.fromEntries(usersOf(stdout).map(line => [line.username, line.change]))).toEqual(changed)
    expect(trial.impact).toMatchObject({
      users: USERS.length,
      changes: { same: USERS.length - Object.keys(changed).length },
    })
  })

  test.each([
    '',
    'staff',
    'staff.precedence',
    'staff.precedence=',
    'staff.description=x',
    '.precedence=5',
    'staff.precedence=-1',
    'staff.precedence=1.5',
    'staff.precedence=five',
    'staff.roleArn=Admin',
  ])('rejects `%s`', async text => {
    const { code, stdout, stderr } = await impactOf(['--set', text])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^rolecast: .*`.*`.* \[invalid-argument\]\n$/)
  })

  test.each([
    ['ghost.precedence=5', '`ghost`', 'invalid-argument'],
    ['Staff.precedence=5', '`Staff`', 'invalid-argument'],
    ['staff.precedence=2147483648', '`staff`', 'invalid-precedence'],
  ])('rejects `%s`, which the pool cannot have', async (text, words, errorCode) => {
    const place = await newFolder()
    const { code, stdout, stderr } = await impactOf(['--set', text, '--output', join(place, 'out')])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr.endsWith(` [${errorCode}]\n`)).toBe(true)
    expect(await readdir(place)).toEqual([])
  })

  test('a change that Cognito cannot make says so, unless the group is recreated', async () => {
    const { stdout } = await impactOf(['--set', 'admins.precedence=none'])
    expect(stdout).toContain(
      'admins: precedence none (Cognito cannot clear a precedence: delete the group and recreate it)',
    )
    const plan = await newFile([
      { groupName: 'staff', precedence: null, roleArn: null },
      { groupName: 'admins', remove: true },
      { groupName: 'admins', add: true, precedence: null, roleArn: null },
    ])
    const { trial } = await json('--plan', plan)
    expect(trial.changes.map(({ note = '' }: { note?: string }) => note)).toEqual([
      'Cognito cannot clear a precedence or a role: delete the group and recreate it',
      '',
      '',
    ])
  })

  test.each([
    ['precedense', 'its entry 1 has an unknown key `precedense` (did you mean `precedence`?); write'],
    ['color', 'its entry 1 has an unknown key `color`; write'],
  ])('an unknown key %s of a plan is quoted', async (key, said) => {
    const { code, stderr } = await impactOf(['--plan', await newFile([{ groupName: 'admins', [key]: 5 }])])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining(said) })
  })

  test('several count in their order, and after a plan', async () => {
    const plan = await newFile([
      { groupName: 'staff', precedence: 0 },
      { groupName: 'admins', remove: true },
    ])
    const { trial } = await json('--set', 'staff.precedence=7', '--plan', plan, '--set', 'staff.roleArn=none')
    expect(trial.changes).toEqual([
      { groupName: 'staff', precedence: 0 },
      { groupName: 'admins', remove: true },
      { groupName: 'staff', precedence: 7 },
      { groupName: 'staff', roleArn: null, ...uncleared('role') },
    ])
    expect(trial.impact.changes).toEqual({
      same: 4,
      gained: 0,
      lost: 2,
      changed: 0,
      undetermined: 0,
      'allowed-roles': 0,
    })
  })
})

describe('--plan', () => {
  test.each<[string, unknown]>([
    ['no JSON', 'staff'],
    ['no array', { groupName: 'staff' }],
    ['no name', [{ precedence: 5 }]],
    ['a key that is none', [{ groupName: 'staff', precedense: 5 }]],
    ['a precedence as text', [{ groupName: 'staff', precedence: '5' }]],
    ['a member that is none', [{ groupName: 'staff', addMember: 5 }]],
    ['an empty role', [{ groupName: 'staff', roleArn: '' }]],
  ])('with %s is rejected', async (_what, content) => {
    const plan = await newFile(content)
    const { code, stdout, stderr } = await impactOf(['--plan', plan])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(`the plan \`${plan}\` cannot be used`)
  })
  test.each<[unknown, string]>([
    [
      [{ groupName: 'staff' }, { groupName: 'staff', precedence: '5' }],
      'entry 2 has precedence: Invalid input: expected number',
    ],
    [[{ groupName: 'staff', removeMember: 5 }], 'entry 1 has removeMember: Invalid input: expected string'],
    [{}, 'neither an array nor a Terraform plan'],
  ])('%j is rejected with what is wrong in it', async (content, why) => {
    expect((await impactOf(['--plan', await newFile(content)])).stderr).toContain(why)
  })
  test('and another file do not both come from stdin', async () => {
    const { code, stderr } = await auditCommand(['impact', '--pool-file', '-', '--memberships', '-'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/both --pool-file and --memberships take it.* \[invalid-argument\]\n$/)
  })
  test('that is not there is rejected', async () => {
    expect(await impactOf(['--plan', '/nowhere/plan.json'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('ENOENT'),
    })
  })
})

describe('exit codes', () => {
  test.each([
    [['--set', 'staff.precedence=0'], 0],
    [['--set', 'staff.precedence=0', '--fail-on-change'], 1],
    [['--set', 'staff.precedence=0', '--fail-on-change', '--format', 'ndjson'], 1],
    [['--set', 'staff.precedence=0', '--fail-on-change', '--format', 'json'], 1],
    [['--set', 'staff.precedence=6', '--fail-on-change'], 0],
    [['--set', `staff.roleArn=${role('New')}`, '--fail-on-change'], 1],
    [['--fail-on-change'], 2],
    [['--format', 'ndjson'], 2],
    [[], 0],
  ])('%j: %d', async (args, code) => {
    expect((await impactOf(args)).code).toBe(code)
  })
})

describe('what it prints', () => {
  test('NDJSON has a line for each user whose role changes, and no other', async () => {
    const { stdout, stderr } = await impactOf(['--set', 'staff.precedence=0', '--format', 'ndjson'])
    expect(stderr).toBe('')
    expect(usersOf(stdout)).toEqual([
      {
        username: 'anna',
        change: 'lost',
        before: { outcome: 'resolved', rule: 'lowest-precedence', preferredRole: role('Admin') },
        after: { outcome: 'ambiguous', rule: 'conflicting-roles' },
        rolesAdded: [],
        rolesRemoved: [],
      },
    ])
  })

  test('NDJSON begins with what is tried, on which reading, and ends with the figures', async () => {
    const { stdout } = await impactOf(['--set', 'staff.precedence=0', '--format', 'ndjson'])
    const lines = linesOf(stdout)
    expect(lines[0]).toMatchObject({
      impact: {
        version: 1,
        tool: { name: 'rolecast', version: expect.any(String) },
        reading: { source: 'files', userPoolId },
        semantics: 'observed',
        changes: [],
        notLookedAt: expect.arrayContaining([expect.stringContaining("not about which role's credentials")]),
        trial: { changes: [{ groupName: 'staff', precedence: 0 }], undetermined: [] },
      },
    })
    expect(lines.at(-1)).toMatchObject({
      summary: { users: 6, disabled: 0, changes: { lost: 1, same: 5 }, undetermined: [] },
    })
  })

  test('users who are disabled are counted apart, and do not fail the check', async () => {
    const users = USERS.map(user => ({ ...user, enabled: user.username !== 'anna' }))
    const args = ['--set', 'staff.precedence=0', '--fail-on-change']
    const { code, stdout } = await impactOf([...args, '--format', 'json'], GROUPS, users)
    expect(code).toBe(0)
    expect(JSON.parse(stdout).trial.impact).toMatchObject({
      users: 6,
      disabled: 1,
      disabledChanged: 1,
      changes: { lost: 0, same: 5 },
    })
    expect((await impactOf(args, GROUPS, users)).stdout).toContain(
      'not in these figures: 1 disabled user; for 1 of them',
    )
    const lines = usersOf((await impactOf([...args, '--format', 'ndjson'], GROUPS, users)).stdout)
    expect(lines).toMatchObject([{ username: 'anna', enabled: false, change: 'lost' }])
    expect((await impactOf(args)).code, 'control: nobody is disabled').toBe(1)
  })

  test('users who name a group that is added are not its members, which is reported and not known', async () => {
    const { code, stdout } = await impactOf(['--add-group', 'ghost', '--format', 'json', '--fail-on-change'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout).trial.undetermined).toEqual([
      expect.stringMatching(/`ghost`, but users name it already \(1\)\./),
    ])
    expect((await impactOf(['--add-group', 'other', '--fail-on-change'])).code, 'control').toBe(0)
  })

  test('text says when and how the pool was read, and what it is not about', async () => {
    const { stdout } = await impactOf([])
    expect(stdout).toContain('from files, which do not say when they were read')
    expect(stdout).toContain("not about which role's credentials an identity pool gives")
  })

  test('without a tie there is nothing to suggest', async () => {
    expect((await impactOf([])).stdout).toContain('no two groups have the same precedence: nothing to suggest')
    const whole = await json()
    expect(whole).toMatchObject({ version: 1, reading: { userPoolId }, semantics: 'observed', changes: [] })
    expect(whole).not.toHaveProperty('suggestion')
  })

  test('with ties it suggests a renumbering, and says whom it moves', async () => {
    const tied = GROUPS.map(group => (group.groupName === 'staff' ? { ...group, precedence: 0 } : group))
    const { suggestion, trial } = JSON.parse((await impactOf(['--format', 'json'], tied)).stdout)
    expect(trial).toBeUndefined()
    expect(suggestion.precedences).toEqual([
      { groupName: 'admins', before: 0, after: 10 },
      { groupName: 'staff', before: 0, after: 20 },
      { groupName: 'a,b.precedence=3', before: 9, after: 30 },
      { groupName: '__proto__', before: 12, after: 40 },
    ])
    // Only who is in the tie of two roles.
    expect(suggestion.impact.changes).toEqual({
      same: 5,
      gained: 1,
      lost: 0,
      changed: 0,
      undetermined: 0,
      'allowed-roles': 0,
    })
    expect(suggestion.impact.transitions).toMatchObject([
      { users: ['anna'], before: { outcome: 'ambiguous' }, after: { outcome: 'resolved', roleArn: role('Admin') } },
    ])
    const { stdout } = await impactOf([], tied)
    expect(stdout).toMatch(/\nA separate suggestion, .*: today's groups, renumbered so that there are no ties\n {2}/)
    expect(stdout).toContain('The role of 1 of 6 users changes: they are in a tie today')
  })

  test('with a tie that no user is in, or of one role, no role changes', async () => {
    const tied = GROUPS.map(group =>
      group.groupName === 'staff' ? { ...group, precedence: 0, roleArn: role('Admin') } : group,
    )
    expect((await impactOf([], tied)).stdout).toContain("No user's role changes.")
    expect(
      (
        await impactOf(
          [],
          GROUPS.map(group => (group.precedence === 9 ? { ...group, precedence: 5 } : group)),
        )
      ).stdout,
    ).toContain("No user's role changes.")
  })

  test('the trial and the suggestion stand next to each other', async () => {
    const tied = GROUPS.map(group => (group.groupName === 'staff' ? { ...group, precedence: 0 } : group))
    const whole = JSON.parse((await impactOf(['--format', 'json', '--set', 'admins.roleArn=none'], tied)).stdout)
    expect(Object.keys(whole)).toEqual(expect.arrayContaining(['trial', 'suggestion']))
  })

  test('the same goes to a file, whole', async () => {
    const place = await newFolder()
    for (const format of ['text', 'json', 'ndjson']) {
      const args = ['--set', 'staff.precedence=0', '--format', format]
      expect(await impactOf([...args, '--output', join(place, 'out')])).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(await readFile(join(place, 'out'), 'utf8')).toBe((await impactOf(args)).stdout)
      expect(await readdir(place)).toEqual(['out'])
    }
  })
})

describe('of a pool of Cognito', () => {
  const FAST = ['ListGroups=1000', 'ListUsers=1000', 'AdminListGroupsForUser=1000'].flatMap(rate => [
    '--requests-per-second',
    rate,
  ])

  test('the command says what it says of files', async () => {
    stubCredentials(folder)
    const args = ['--set', 'staff.precedence=0', '--format', 'json']
    const live = await auditCommand([
      'impact',
      '--user-pool-id',
      userPoolId,
      '--endpoint-url',
      endpoint.url,
      ...FAST,
      ...args,
    ])
    expect(live.code).toBe(0)
    const { reading, trial } = JSON.parse(live.stdout)
    expect(trial).toEqual(JSON.parse((await impactOf(args)).stdout).trial)
    expect(reading).toMatchObject({
      source: 'cognito',
      userPoolId,
      startedAt: expect.any(String),
      endedAt: expect.any(String),
    })
    const dry = await auditCommand([
      'impact',
      '--user-pool-id',
      userPoolId,
      '--endpoint-url',
      endpoint.url,
      ...FAST,
      ...args,
      '--dry-run',
      '--fail-on-change',
    ])
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringMatching(/^To read the pool: 6 users/) })
  })

  test('a change of a group that the pool does not have is rejected before any user is read', async () => {
    stubCredentials(folder)
    const usersRead = async (groupName: string) => {
      endpoint.requests.length = 0
      const args = [
        'impact',
        '--user-pool-id',
        userPoolId,
        '--endpoint-url',
        endpoint.url,
        ...FAST,
        '--set',
        `${groupName}.precedence=1`,
      ]
      const { code } = await auditCommand(args)
      return {
        code,
        calls: endpoint.requests.filter(
          ({ operation }) => operation !== 'ListGroups' && operation !== 'DescribeUserPool',
        ).length,
      }
    }
    expect(await usersRead('ghost')).toEqual({ code: 2, calls: 0 })
    expect((await usersRead('staff')).calls, 'control').toBeGreaterThan(0)
  })

  test('the library gives each user, and a summary of all', async () => {
    const client = endpointClient(endpoint)
    const options = {
      userPoolId,
      client,
      requestsPerSecond: 1000,
      rates: { ListUsers: 1000, AdminListGroupsForUser: 1000 },
    }
    const summary = createImpactSummary()
    for await (const user of impact({ ...options, changes: [{ groupName: 'admins', remove: true }] })) summary.add(user)
    expect(summary.summary()).toMatchObject({
      users: 6,
      changes: { changed: 1, same: 5 },
      transitions: [{ users: ['anna'], change: 'changed' }],
    })
    expect(
      await failureOf(() => impact({ ...options, changes: [{ groupName: 'ghost', precedence: 1 }] }).next()),
    ).toMatchObject({ code: 'invalid-argument', groupName: 'ghost' })
    client.destroy()
  })
})
