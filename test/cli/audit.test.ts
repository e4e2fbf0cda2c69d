import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ReadStrategy } from '../../src/cognito/memberships/estimate.js'
import { auditPool, auditUser } from '../../src/cognito/memberships/audit-pool.js'
import type { Group, UserGroups } from '../../src/group.js'
import { groupNames, pools, semantics } from '../arbitraries.js'
import { auditCommand, buildCommand, endOf, startCommand } from './audit-command.js'
import {
  type CognitoEndpoint,
  endpointClient,
  type Fault,
  startCognitoEndpoint,
  subOf,
} from '../cognito/cognito-endpoint.js'
import type { Resolution } from '../../src/claims/resolve.js'
import { type Ended, stubCredentials } from './command.js'
import { failureOf } from '../failure-of.js'
import { modelResolve } from '../models/resolve-model.js'
import type { Semantics } from '../../src/claims/decide.js'

// The waits between two attempts add up to minutes.
vi.mock('p-retry', async original => {
  const { default: pRetry } = await original<typeof import('p-retry')>()
  return {
    default: ((input, options) => pRetry(input, { ...options, minTimeout: 1, maxTimeout: 1 })) satisfies typeof pRetry,
  }
})

// A rate that has fallen waits for a second each time.
vi.mock('../../src/cognito/api/rate-limiter.js', async original => {
  const limiters = await original<typeof import('../../src/cognito/api/rate-limiter.js')>()
  const createLimiter: typeof limiters.createLimiter = (rate, concurrency, { adapt, ...options } = {}) =>
    limiters.createLimiter(rate, concurrency, { ...options, adapt: adapt && { ...adapt, pause: 1 } })
  return { ...limiters, createLimiter }
})

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'finance', precedence: 5, roleArn: role('Finance') },
  { groupName: 'hr', precedence: 5, roleArn: role('Hr') },
  { groupName: 'vip', precedence: 5, roleArn: null },
  { groupName: 'a,b', precedence: null, roleArn: role('Comma') },
  { groupName: '管理者', precedence: 9, roleArn: role('Unicode') },
]
const nth = (number: number) => GROUPS[number % GROUPS.length]!.groupName
const USERS: readonly UserGroups[] = Array.from({ length: 150 }, (_, u) => ({
  username: `user-${u}`,
  groups: u % 9 === 0 ? [] : [...new Set([nth(u), nth(u * 5)])],
}))

let folder: string
let bin: string
let endpoint: CognitoEndpoint
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-cli-audit-'))
  bin = await buildCommand(join(folder, 'package'))
  endpoint = await startCognitoEndpoint({ userPoolId })
})
beforeEach(() => {
  fill(GROUPS, USERS)
  stubCredentials(folder)
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.useRealTimers()
  endpoint.mend()
})
afterAll(async () => {
  await endpoint.close()
  await rm(folder, { recursive: true })
})

function fill(groups: readonly Group[], users: readonly UserGroups[]): void {
  endpoint.groups.clear()
  endpoint.users.clear()
  for (const group of groups) endpoint.groups.set(group.groupName, group)
  for (const { username, groups: names } of users) endpoint.users.set(username, [...names])
  endpoint.requests.length = 0
}
const newFolder = () => mkdtemp(join(folder, 'case-'))

const toGroupType = ({ groupName, precedence, roleArn }: Group) => ({
  GroupName: groupName,
  Precedence: precedence ?? undefined,
  RoleArn: roleArn ?? undefined,
  UserPoolId: userPoolId,
})
const ndjsonOf = (users: readonly UserGroups[]) => users.map(user => `${JSON.stringify(user)}\n`).join('')

async function newPoolFile(groups: readonly Group[] = GROUPS): Promise<string> {
  const path = join(await newFolder(), 'pool.json')
  await writeFile(path, JSON.stringify({ Groups: groups.map(toGroupType) }))
  return path
}
const CSV_CANNOT_SAY =
  'rolecast: CSV cannot say when the pool was read; with --output FILE, FILE-metadata.json is written too and says it\n'

/** An audit of files: users by stdin. */
async function offline(users: readonly UserGroups[] | string | Buffer, ...args: readonly string[]): Promise<Ended> {
  const stdin = typeof users === 'string' || Buffer.isBuffer(users) ? users : ndjsonOf(users)
  const ended = await auditCommand(
    ['audit', 'pool', '--pool-file', await newPoolFile(), '--memberships', '-', ...args],
    { stdin },
  )
  const isCsvOnStdout = args.includes('csv') && !args.includes('--output')
  if (ended.code === 0) expect(ended.stderr).toBe(isCsvOnStdout ? CSV_CANNOT_SAY : '')
  return ended
}

/** What a line of NDJSON has to say of a user, by the model. */
function modelLine(
  { username, groups: names }: UserGroups,
  groups: readonly Group[],
  semantics: Semantics = 'observed',
) {
  const known = names.flatMap(name => groups.find(group => group.groupName === name) ?? [])
  const unknown = [...new Set(names.filter(name => !groups.some(group => group.groupName === name)))]
  const answer = modelResolve(known, semantics)
  const { groups: ownGroups, roles, outcome, rule, evidence, preferredRole, candidateRole } = answer
  const findings = modelFindings(answer, unknown)
  return {
    username,
    groups: ownGroups,
    roles,
    outcome,
    rule,
    evidence,
    ...(preferredRole !== undefined && { preferredRole }),
    ...(candidateRole !== undefined && { candidateRole }),
    ...(unknown.length > 0 && { unknownGroups: unknown }),
    ...(findings.length > 0 && { findings }),
  }
}

/** The findings of a user in no group of a provider, by what the model says. */
function modelFindings({ outcome, rule }: Resolution, unknown: readonly string[]): readonly string[] {
  return [
    ...(outcome === 'ambiguous' || (outcome === 'none' && rule === 'roleless-contender') ? ['conflicting-tie'] : []),
    ...(outcome === 'undetermined' ? ['undetermined'] : []),
    ...(rule === 'no-precedence' ? ['null-precedence-only'] : []),
    ...(unknown.length > 0 ? ['unknown-group'] : []),
    ...(['no-groups', 'no-roles'].includes(rule) ? ['no-role'] : []),
  ]
}

/** What a line has to say of a user of the endpoint. */
function liveLine(user: UserGroups, groups: readonly Group[] = GROUPS) {
  return { ...modelLine(user, groups), sub: subOf(user.username), enabled: true, status: 'CONFIRMED' }
}

function byUsername(a: UserGroups, b: UserGroups): number {
  return a.username < b.username ? -1 : 1
}

/** The users of an audit as lines, between what is read and the summary. */
function linesOf(text: string): readonly unknown[] {
  const [head, ...lines] = text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))
  expect(Object.keys(head)).toEqual(['audit'])
  expect(Object.keys(lines.pop())).toEqual(['summary'])
  return lines
}

/** A reader of RFC 4180 that knows nothing of the writer. */
function readCsv(text: string): readonly (readonly string[])[] {
  const records: string[][] = []
  let at = 0
  while (at < text.length) {
    const record: string[] = []
    for (;;) {
      let field = ''
      if (text[at] === '"') {
        for (at++; text[at] !== '"' || text[at + 1] === '"'; at++) {
          if (text[at] === '"') at++
          field += text[at]
        }
        at++
      } else for (; text[at] !== ',' && text[at] !== '\r'; at++) field += text[at]
      record.push(field)
      if (text[at++] !== ',') break
    }
    if (text[at++] !== '\n') throw new Error(`no line feed at ${at}`)
    records.push(record)
  }
  return records
}

describe('audit pool of files', () => {
  const names = fc.oneof(
    groupNames,
    fc.constantFrom('ghost', ' ', '\u2028', '\u202E', '"', 'a\nb', '</script>', '=1+1'),
  )
  const cases = pools.chain(groups =>
    fc.record({
      groups: fc.constant(groups),
      semantics,
      users: fc.uniqueArray(
        fc.record({
          username: names,
          groups: fc.array(
            fc.oneof(...(groups.length > 0 ? [fc.constantFrom(...groups.map(group => group.groupName))] : []), names),
            { maxLength: 6 },
          ),
        }),
        { selector: user => user.username, maxLength: 12 },
      ),
    }),
  )

  test('every field of every line is what the model says', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ groups, users, semantics }) => {
        const args = [
          'audit',
          'pool',
          '--pool-file',
          await newPoolFile(groups),
          '--memberships',
          '-',
          '--semantics',
          semantics,
          '--format',
          'ndjson',
        ]
        const { code, stdout } = await auditCommand(args, { stdin: ndjsonOf(users) })
        expect(code).toBe(0)
        expect(linesOf(stdout)).toStrictEqual(users.map(user => modelLine(user, groups, semantics)))
      }),
      { numRuns: 150 },
    )
  })

  test("control: the model notices a line that is another user's", async () => {
    const { stdout } = await offline(USERS, '--format', 'ndjson')
    expect(linesOf(stdout)).toStrictEqual(USERS.map(user => modelLine(user, GROUPS)))
    expect(linesOf(stdout)).not.toStrictEqual(
      USERS.map((user, u) => modelLine({ ...user, groups: USERS[(u + 1) % USERS.length]!.groups }, GROUPS)),
    )
  })

  test('CSV says the same as NDJSON to a reader of its own', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ groups, users }) => {
        const args = [
          'audit',
          'pool',
          '--pool-file',
          await newPoolFile(groups),
          '--memberships',
          '-',
          '--format',
          'csv',
        ]
        const [header, ...records] = readCsv((await auditCommand(args, { stdin: ndjsonOf(users) })).stdout)
        expect(header).toEqual([
          'username',
          'sub',
          'enabled',
          'status',
          'groups',
          'roles',
          'outcome',
          'rule',
          'evidence',
          'preferredRole',
          'candidateRole',
          'unknownGroups',
          'credentials',
          'credentialsRole',
          'findings',
        ])
        const expected = users.map(user => {
          const {
            username,
            groups: own,
            roles,
            outcome,
            rule,
            evidence,
            preferredRole = '',
            candidateRole = '',
            unknownGroups = [],
            findings = [],
          } = modelLine(user, groups)
          const answer = [own.join(' '), roles.join(' '), outcome, rule, evidence, preferredRole, candidateRole]
          return [username, '', '', '', ...answer, unknownGroups.join(' '), '', '', findings.join(' ')]
        })
        // An apostrophe before what a spreadsheet may take for a formula; which that is, the tests of the lines say.
        const disarmed = records.map((record, row) =>
          record.map((field, column) => (field === `'${expected[row]?.[column]}` ? field.slice(1) : field)),
        )
        expect(disarmed).toEqual(expected)
        for (const field of records.flat()) expect(field).not.toMatch(/^[=+\-@\t\r＝＋－＠]/)
      }),
      { numRuns: 60 },
    )
  })

  test('the summaries count what the lines say', async () => {
    const count = (key: 'outcome' | 'preferredRole', value: string) =>
      USERS.map(user => modelLine(user, GROUPS)).filter(line => line[key] === value).length
    const summary = JSON.parse((await offline(USERS, '--format', 'json')).stdout)
    expect(summary).toMatchObject({
      reading: { source: 'files', userPoolId, region: 'eu-west-1' },
      semantics: 'observed',
      users: USERS.length,
      memberships: USERS.reduce((sum, user) => sum + user.groups.length, 0),
      changes: [],
    })
    for (const [outcome, users] of Object.entries(summary.outcomes))
      expect([outcome, users]).toEqual([outcome, count('outcome', outcome)])
    for (const { roleArn, users } of summary.roles)
      expect([roleArn, users]).toEqual([roleArn, count('preferredRole', roleArn)])
    const { stdout } = await offline(USERS)
    expect(stdout).toMatch(/^Audit of user pool eu-west-1_Ab12Cd34e\n/)
    for (const outcome of ['resolved', 'none', 'ambiguous', 'undetermined'])
      expect(stdout).toMatch(new RegExp(`^ +${outcome} +${count('outcome', outcome)}\\b`, 'm'))
  })

  test('HTML is written whole: head, every user, tail', async () => {
    const hostile = ['</script><script>alert(1)</script>', '<!--', '"\'&', '\u2028', '\u202Eevil'].map(username => ({
      username,
      groups: ['admins'],
    }))
    const { stdout } = await offline([...USERS, ...hostile], '--format', 'html')
    expect(stdout).toMatch(/^<!doctype html>/i)
    expect(stdout).toMatch(/<\/html>\s*$/)
    expect(stdout).not.toContain('<script>alert')
    for (const { username } of USERS) expect(stdout).toContain(`"${username}"`)
  })

  test('nobody, and no groups', async () => {
    const { stdout, ...ended } = await offline('', '--format', 'ndjson')
    expect(ended).toEqual({ code: 0, stderr: '' })
    expect(linesOf(stdout)).toEqual([])
    expect(readCsv((await offline('\n', '--format', 'csv')).stdout)).toHaveLength(1)
    for (const format of ['text', 'json', 'html']) expect((await offline('', '--format', format)).code).toBe(0)
  })

  test.each([
    ['a user twice', [USERS[0]!, USERS[1]!, USERS[0]!], 'line 3 of the memberships has the user `user-0` again'],
    ['bad JSON', `${ndjsonOf(USERS)}{\n`, 'line 151 of the memberships is not JSON'],
    ['no UTF-8', Buffer.from('{"username":"\u00e9","groups":[]}', 'latin1'), 'line 1 of the memberships is not UTF-8'],
  ])('%s fails the whole', async (_what, users, message) => {
    for (const format of ['text', 'json', 'html']) {
      const { code, stdout, stderr } = await offline(users, '--format', format)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`rolecast: ${message}`)
      expect(stderr).toMatch(/ \[invalid-input\]\n$/)
    }
  })

  test.each([
    ['no users', ['--pool-file', 'pool.json'], '--memberships'],
    ['no groups', ['--memberships', '-'], '--pool-file'],
    ['no pool', [], 'no pool to read'],
    [
      'a way to read where there is nothing to read',
      ['--pool-file', 'pool.json', '--memberships', '-', '--strategy', 'per-user'],
      '--strategy',
    ],
    [
      'a checkpoint where there is nothing to read',
      ['--pool-file', 'pool.json', '--memberships', '-', '--checkpoint', 'x'],
      '--checkpoint',
    ],
    ['a rate of something else', ['--user-pool-id', userPoolId, '--requests-per-second', 'GetGroup=5'], 'GetGroup=5'],
    ['a rate of nothing', ['--user-pool-id', userPoolId, '--requests-per-second', 'ListUsers=0'], 'ListUsers=0'],
    ['a number that is none', ['--user-pool-id', userPoolId, '--memberships-per-user', 'three'], 'three'],
    ['a format that is none', ['--user-pool-id', userPoolId, '--format', 'xml'], 'xml'],
    ['a file that is not there', ['--pool-file', '/nowhere/pool.json', '--memberships', '-'], '/nowhere/pool.json'],
  ])('%s is rejected', async (_what, args, words) => {
    const { code, stdout, stderr } = await auditCommand(['audit', 'pool', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
  })

  test("another pool's file is rejected", async () => {
    const { code, stderr } = await offline(USERS, '--user-pool-id', 'eu-west-1_Other')
    expect({ code }).toEqual({ code: 2 })
    expect(stderr).toContain('`eu-west-1_Ab12Cd34e`, not `eu-west-1_Other`')
  })
})

describe('--output', () => {
  test.each(['text', 'json', 'ndjson', 'csv', 'html'])(
    '%s: the file has what stdout would, and nothing lies next to it but what describes a CSV file',
    async format => {
      const place = await newFolder()
      const output = join(place, 'audit')
      await writeFile(output, 'old')
      expect(await offline(USERS, '--format', format, '--output', output)).toEqual({ code: 0, stdout: '', stderr: '' })
      expect(await readdir(place)).toEqual(format === 'csv' ? ['audit', 'audit-metadata.json'] : ['audit'])
      const { stdout } = await offline(USERS, '--format', format)
      expect(await readFile(output, 'utf8')).toBe(stdout)
    },
  )

  test.each(['text', 'json', 'ndjson', 'csv', 'html'])(
    '%s: of a failure nothing stays, and the old file does',
    async format => {
      const place = await newFolder()
      const output = join(place, 'audit')
      await writeFile(output, 'old')
      const users = `${ndjsonOf(Array.from({ length: 60_000 }, (_, u) => ({ username: `user-${u}`, groups: ['admins'] })))}{\n`
      expect((await offline(users, '--format', format, '--output', output)).code).toBe(2)
      expect(await readdir(place)).toEqual(['audit'])
      expect(await readFile(output, 'utf8')).toBe('old')
    },
  )

  test('a folder that is not there is rejected before anything is read', async () => {
    const { code, stderr } = await offline(USERS, '--output', join(await newFolder(), 'nowhere', 'audit'))
    expect(code).toBe(2)
    expect(stderr).toMatch(/cannot be written \(ENOENT\)/)
  })
})

const FAST = ['ListGroups=1000', 'ListUsers=5000', 'AdminListGroupsForUser=5000'].flatMap(rate => [
  '--requests-per-second',
  rate,
])
const liveArgs = (...args: readonly string[]) => [
  'audit',
  'pool',
  '--user-pool-id',
  userPoolId,
  '--endpoint-url',
  endpoint.url,
  ...FAST,
  ...args,
]
const liveArgsOf = (...command: readonly string[]) => [...command, '--user-pool-id', userPoolId, ...FAST]
const ESTIMATE = /^To read the pool: .*\n[> ] per group .*\n[> ] per user .*\n {2}at .*\n/

describe('audit pool of Cognito', () => {
  const inPoolOrder = (users: readonly UserGroups[]) =>
    users.map(({ username, groups }) => ({
      username,
      groups: GROUPS.map(group => group.groupName).filter(name => groups.includes(name)),
    }))
  /** The lines by username: which users are listed first depends on how their list is split. */
  const liveLinesOf = (text: string) => (linesOf(text) as UserGroups[]).toSorted(byUsername)
  const LIVE_LINES = inPoolOrder(USERS)
    .map(user => liveLine(user))
    .toSorted(byUsername)

  test.each<ReadStrategy>(['per-group', 'per-user'])('%s, every line is what the model says', async strategy => {
    const { code, stdout, stderr } = await auditCommand(liveArgs('--strategy', strategy, '--format', 'ndjson'))
    expect(code).toBe(0)
    expect(liveLinesOf(stdout)).toStrictEqual(LIVE_LINES)
    expect(stderr.replace(ESTIMATE, '')).toBe('')
    expect(stderr).toContain(`> ${strategy === 'per-group' ? 'per group' : 'per user '}`)
  })

  test('nothing but names is asked of a user', async () => {
    for (const format of ['ndjson', 'html', 'json', 'text'])
      expect((await auditCommand(liveArgs('--format', format))).stdout).not.toContain('@example.com')
    expect(new Set(endpoint.requests.map(request => request.operation))).toEqual(
      new Set(['DescribeUserPool', 'ListGroups', 'ListUsers', 'ListUsersInGroup', 'AdminListGroupsForUser']),
    )
  })

  describe('what the output needs is looked for before any call', () => {
    const commands: readonly (readonly string[])[] = [
      liveArgsOf('audit', 'pool'),
      [...liveArgsOf('impact'), '--set', 'admins.precedence=9'],
    ]

    test('an --output that cannot be written', async () => {
      const place = await newFolder()
      for (const args of commands.flatMap(args => [args, [...args, '--dry-run']])) {
        const output = join(place, 'nowhere', 'audit')
        const { code, stdout, stderr } = await auditCommand([
          ...args,
          '--endpoint-url',
          endpoint.url,
          '--output',
          output,
        ])
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
        expect(stderr).toContain(`\`${output}\` cannot be written (ENOENT)`)
      }
      expect(endpoint.requests).toEqual([])
    })

    test('a temporary folder that cannot be used, for HTML', async () => {
      vi.stubEnv('TMPDIR', join(folder, 'nowhere'))
      for (const more of [[], ['--dry-run']]) {
        const { code, stderr } = await auditCommand(liveArgs('--format', 'html', ...more))
        expect(code).toBe(2)
        expect(stderr).toMatch(/the temporary folder .* cannot be used \(ENOENT\)/)
      }
      expect(endpoint.requests).toEqual([])
      // Control: the other formats need none.
      expect((await auditCommand(liveArgs('--format', 'json'))).code).toBe(0)
    })

    test('an identity pool and roles that cannot be read', async () => {
      for (const option of ['--identity-pool-file', '--roles-file'])
        for (const more of [[], ['--dry-run']]) {
          const { code, stdout, stderr } = await auditCommand(liveArgs(option, '/nowhere/file.json', ...more))
          expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
          expect(stderr).toContain('`/nowhere/file.json`')
        }
      expect(endpoint.requests).toEqual([])
    })

    test('a checkpoint of something else, by a dry run too', async () => {
      const checkpoint = join(await newFolder(), 'audit.checkpoint')
      await writeFile(checkpoint, 'dear diary\n')
      const { code, stderr } = await auditCommand(liveArgs('--dry-run', '--checkpoint', checkpoint))
      expect(code).toBe(2)
      expect(stderr).toContain('it is not a checkpoint')
    })

    test('control: an output that can be written is left as it is by a dry run', async () => {
      const place = await newFolder()
      await writeFile(join(place, 'audit'), 'old')
      expect((await auditCommand(liveArgs('--dry-run', '--output', join(place, 'audit')))).code).toBe(0)
      expect(await readdir(place)).toEqual(['audit'])
      expect(await readFile(join(place, 'audit'), 'utf8')).toBe('old')
    })
  })

  test('a dry run says what it costs, and calls each operation that a reading may need once', async () => {
    const place = await newFolder()
    const { code, stdout, stderr } = await auditCommand(
      liveArgs('--dry-run', '--output', join(place, 'audit'), '--checkpoint', join(place, 'checkpoint')),
    )
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.replace(ESTIMATE, '')).toBe('')
    expect(endpoint.requests.map(request => request.operation).toSorted()).toEqual([
      'AdminListGroupsForUser',
      'DescribeUserPool',
      'ListGroups',
      'ListGroups',
      'ListUsers',
      'ListUsersInGroup',
    ])
    expect(await readdir(place)).toEqual([])
  })

  test('attempts that fail are told, a line each, and so is a rate that falls', async () => {
    endpoint.fail('throttle', { operation: 'AdminListGroupsForUser', after: 20, times: 3 })
    endpoint.fail('internal', { operation: 'ListUsers', times: 2 })
    const { code, stdout, stderr } = await auditCommand(liveArgs('--strategy', 'per-user', '--format', 'ndjson'))
    expect(code).toBe(0)
    expect(liveLinesOf(stdout)).toStrictEqual(LIVE_LINES)
    expect(
      stderr.match(/^rolecast: trying again: AdminListGroupsForUser .* was throttled .* \[throttled\]$/gm),
    ).toHaveLength(3)
    expect(stderr.match(/^rolecast: trying again: ListUsers .* \[service-error\]$/gm)).toHaveLength(2)
    expect(stderr).toMatch(/^rolecast: AdminListGroupsForUser is throttled, and slows down to 2500 calls a second$/m)
  })

  test.each(['text', 'json', 'html', 'ndjson', 'sarif', 'ocsf'])(
    'a list of users that is far shorter than the estimate of Cognito is told on stderr and in %s',
    async format => {
      endpoint.fail({ body: JSON.stringify({ Users: [{ Username: 'user-1' }] }) }, { operation: 'ListUsers' })
      const { code, stdout, stderr } = await auditCommand(liveArgs('--strategy', 'per-user', '--format', format))
      expect(code).toBe(0)
      expect(stderr).toContain(
        "rolecast: only 1 user was listed, but Cognito's estimate is 150; check that nothing between rolecast and Cognito",
      )
      expect(stdout).toMatch(/Only 1 user was listed, but Cognito(?:'|&#39;)s estimate is 150/)
    },
  )

  test('what changes meanwhile is on stderr and in the summary', async () => {
    // A group that is listed, and gone whenever its members are asked for.
    endpoint.fail(
      { error: 'ResourceNotFoundException', message: 'Group not found.' },
      { operation: 'ListUsersInGroup', groupName: 'hr' },
    )
    const { code, stdout, stderr } = await auditCommand(liveArgs('--strategy', 'per-group', '--format', 'json'))
    expect(code).toBe(0)
    expect(stderr.replace(ESTIMATE, '')).toBe(
      'rolecast: while it was read: The group `hr` existed at the start, but not at the end.\n',
    )
    const summary = JSON.parse(stdout)
    expect(summary).toMatchObject({ users: USERS.length, changes: [{ change: 'group-vanished', groupName: 'hr' }] })
    expect(summary.groups.map((group: Group) => group.groupName).toSorted()).toEqual(
      GROUPS.map(group => group.groupName)
        .filter(name => name !== 'hr')
        .toSorted(),
    )
  })

  test.each([
    [
      'pool that is not there',
      () => ['audit', 'pool', '--user-pool-id', 'eu-west-1_Nowhere', '--endpoint-url', endpoint.url],
      'pool-not-found',
    ],
    [
      'id that is none',
      () => ['audit', 'pool', '--user-pool-id', '../x', '--endpoint-url', endpoint.url],
      'invalid-user-pool-id',
    ],
  ])('a %s is reported', async (_what, args, code) => {
    const ended = await auditCommand(args())
    expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 2, stdout: '' })
    expect(ended.stderr.endsWith(` [${code}]\n`), ended.stderr).toBe(true)
  })

  test.each(['ListUsers', 'ListUsersInGroup', 'AdminListGroupsForUser'] as const)(
    'a dry run says that %s is not allowed, and so does an audit before it reads users',
    async operation => {
      endpoint.fail('access-denied', { operation })
      const dry = await auditCommand(liveArgs('--dry-run'))
      expect(dry.code).toBe(2)
      expect(dry.stdout.replace(ESTIMATE, '')).toBe('')
      const words = new RegExp(
        `^rolecast: ${operation} .*; allow cognito-idp:${operation} .* \\[not-authorized\\]\n$`,
        'm',
      )
      expect(dry.stderr).toMatch(words)
      endpoint.requests.length = 0
      for (const strategy of ['per-group', 'per-user']) {
        const { code, stdout, stderr } = await auditCommand(liveArgs('--strategy', strategy))
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
        expect(stderr).toMatch(words)
      }
      // Of 150 users and 6 groups.
      expect(endpoint.requests.length).toBeLessThan(100)
    },
  )

  describe('that is stopped', () => {
    test.each<[string, Fault, string]>([
      ['expired credentials', 'expired-token', 'not-authorized'],
      ['a network that breaks', 'drop', 'unreachable'],
      ['throttling without an end', 'throttle', 'throttled'],
      ['a proxy that wants a login', 'html-200', 'malformed-response'],
    ])('by %s says how to go on, and the same command continues', async (_what, fault, errorCode) => {
      for (const strategy of ['per-group', 'per-user'] as const) {
        fill(GROUPS, USERS)
        const place = await newFolder()
        const [checkpoint, output] = [join(place, 'audit.checkpoint'), join(place, 'audit.ndjson')]
        const args = liveArgs(
          '--strategy',
          strategy,
          '--format',
          'ndjson',
          '--checkpoint',
          checkpoint,
          '--output',
          output,
        )
        endpoint.fail(fault, {
          operation: strategy === 'per-group' ? 'ListUsersInGroup' : 'AdminListGroupsForUser',
          after: strategy === 'per-group' ? 2 : 50,
        })
        const stopped = await auditCommand(args)
        expect({ code: stopped.code, stdout: stopped.stdout }).toEqual({ code: 2, stdout: '' })
        const words = `; what was read is saved in \`${checkpoint}\`, and the same command resumes from it [${errorCode}]\n`
        expect(stopped.stderr.endsWith(words), stopped.stderr).toBe(true)
        expect(await readdir(place)).toEqual(['audit.checkpoint'])

        endpoint.mend()
        endpoint.requests.length = 0
        expect(await auditCommand(args)).toMatchObject({ code: 0, stdout: '' })
        expect(liveLinesOf(await readFile(output, 'utf8'))).toStrictEqual(LIVE_LINES)
        expect(await readdir(place)).toEqual(['audit.ndjson'])
        expect(endpoint.requests.filter(request => request.operation === 'DescribeUserPool')).toEqual([])
      }
    })

    test('is resumed with its time and age on stderr, and not at all when it is too old', async () => {
      const place = await newFolder()
      const checkpoint = join(place, 'audit.checkpoint')
      const args = liveArgs('--strategy', 'per-user', '--format', 'ndjson', '--checkpoint', checkpoint)
      endpoint.fail('expired-token', { operation: 'AdminListGroupsForUser', after: 50 })
      expect((await auditCommand(args)).code).toBe(2)
      endpoint.mend()
      endpoint.requests.length = 0

      vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 92 * 86_400_000 })
      const old = await auditCommand(args)
      expect({ code: old.code, stdout: old.stdout }).toEqual({ code: 2, stdout: '' })
      expect(old.stderr).toMatch(
        /^rolecast: the checkpoint .* was read from \S+Z on, 92 days .*ago, and the limit is 1 day; remove it to start again, or raise --max-checkpoint-age \[invalid-input\]\n$/,
      )
      expect(endpoint.requests).toEqual([])
      for (const duration of ['12h', '91d', '2m', '0m'])
        expect((await auditCommand([...args, '--max-checkpoint-age', duration])).code).toBe(2)

      const { code, stdout, stderr } = await auditCommand([...args, '--max-checkpoint-age', '93d'])
      vi.useRealTimers()
      expect(code).toBe(0)
      expect(stderr).toMatch(/^rolecast: resuming from `.*`: \d+ pages, read from \S+Z on \(92 days .*ago\)$/m)
      expect(liveLinesOf(stdout)).toStrictEqual(LIVE_LINES)
    })

    test.each(['1', 'd', '1w', '-1d', '1d2h', '1e3d', ' 1d', ''])('--max-checkpoint-age %j is rejected', async text => {
      const { code, stderr } = await auditCommand(liveArgs('--max-checkpoint-age', text))
      expect(code).toBe(2)
      expect(stderr).toContain('is not a duration; give one such as 90m, 12h or 2d')
    })

    test('by an interrupt says how to go on, and the same command continues', async () => {
      const place = await newFolder()
      const args = liveArgs(
        '--strategy',
        'per-user',
        '--format',
        'json',
        '--checkpoint',
        join(place, 'audit.checkpoint'),
      )
      const interrupt = new AbortController()
      endpoint.fail('hang', { operation: 'AdminListGroupsForUser', after: 60 })
      const running = auditCommand(args, { interrupted: interrupt.signal })
      while (endpoint.requests.length < 65) await sleep(2)
      interrupt.abort(new Error('interrupted'))
      const { code, stdout, stderr } = await running
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/and the same command resumes from it \[aborted\]\n$/)
      endpoint.mend()
      const resumed = await auditCommand(args)
      const whole = await auditCommand(liveArgs('--strategy', 'per-user', '--format', 'json'))
      const withoutTimes = ({ stdout }: Ended) => stdout.replaceAll(/"(?:started|ended)At": ".*"/g, '"a time"')
      expect(resumed.code).toBe(0)
      expect(withoutTimes(resumed)).toBe(withoutTimes(whole))
      expect(withoutTimes(resumed)).not.toBe(resumed.stdout)
      expect(await readdir(place)).toEqual([])
    })

    test('after all was read, before all was written, continues from all of it', async () => {
      const place = await newFolder()
      const checkpoint = join(place, 'audit.checkpoint')
      const child = startCommand(
        bin,
        liveArgs('--format', 'ndjson', '--checkpoint', checkpoint, '--output', '/dev/full'),
      )
      const { code, stderr } = await endOf(child)
      expect(code).toBe(2)
      expect(stderr).toContain('`/dev/full` cannot be written (ENOSPC)')
      endpoint.requests.length = 0
      expect(
        (await auditCommand(liveArgs('--format', 'ndjson', '--checkpoint', checkpoint))).stdout.split('\n'),
      ).toHaveLength(153)
      expect(endpoint.requests).toEqual([])
    })

    test('control: what changed in between is not part of the same command', async () => {
      const place = await newFolder()
      const checkpoint = join(place, 'audit.checkpoint')
      endpoint.fail('expired-token', { operation: 'ListUsersInGroup', after: 1 })
      await auditCommand(liveArgs('--strategy', 'per-group', '--checkpoint', checkpoint))
      const { code, stderr } = await auditCommand(liveArgs('--strategy', 'per-user', '--checkpoint', checkpoint))
      expect(code).toBe(2)
      expect(stderr).toContain('it is from another audit (`strategy`')
    })
  })
})

describe('as a process', () => {
  test('Ctrl-C ends it with a message and 130, and the same command continues', async () => {
    const place = await newFolder()
    const [checkpoint, output] = [join(place, 'audit.checkpoint'), join(place, 'audit.ndjson')]
    const args = liveArgs(
      '--strategy',
      'per-user',
      '--format',
      'ndjson',
      '--checkpoint',
      checkpoint,
      '--output',
      output,
    )
    // Once while calls are under way, and once while it waits to ask again.
    for (const fault of ['hang', 'throttle'] as const) {
      endpoint.requests.length = 0
      endpoint.fail(fault, { operation: 'AdminListGroupsForUser', after: 20 })
      const child = startCommand(bin, args)
      const ended = endOf(child)
      while (child.exitCode === null && endpoint.requests.length < 50) await sleep(5)
      await sleep(100)
      child.kill('SIGINT')
      const { code, stdout, stderr } = await ended
      expect({ code, stdout }).toEqual({ code: 130, stdout: '' })
      expect(stderr).toMatch(
        /^rolecast: interrupted; what was read is saved in `.*`, and the same command resumes from it \[aborted\]$/m,
      )
      expect(await readdir(place)).toEqual(['audit.checkpoint'])
      endpoint.mend()
    }
    expect(await endOf(startCommand(bin, args))).toMatchObject({ code: 0, stdout: '' })
    expect((await readFile(output, 'utf8')).split('\n')).toHaveLength(153)
  })

  test('a reader who has seen enough is not a failure', async () => {
    const place = await newFolder()
    await writeFile(
      join(place, 'users.ndjson'),
      ndjsonOf(Array.from({ length: 50_000 }, (_, u) => ({ username: `user-${u}`, groups: ['admins'] }))),
    )
    for (const format of ['ndjson', 'csv', 'html']) {
      const child = startCommand(bin, [
        'audit',
        'pool',
        '--pool-file',
        await newPoolFile(),
        '--memberships',
        join(place, 'users.ndjson'),
        '--format',
        format,
      ])
      child.stdout!.once('data', () => child.stdout!.destroy())
      let stderr = ''
      child.stderr!.setEncoding('utf8').on('data', data => (stderr += data))
      const code = await new Promise(resolve => child.once('exit', resolve))
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    }
  })

  test('users come by a pipe, and an interrupt meanwhile leaves no file', async () => {
    const place = await newFolder()
    const output = join(place, 'audit.csv')
    const args = [
      'audit',
      'pool',
      '--pool-file',
      await newPoolFile(),
      '--memberships',
      '-',
      '--format',
      'csv',
      '--output',
      output,
    ]
    const whole = startCommand(bin, args)
    whole.stdin!.end(ndjsonOf(USERS))
    expect(await endOf(whole)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readCsv(await readFile(output, 'utf8'))).toHaveLength(151)

    await rm(output)
    await rm(`${output}-metadata.json`)
    const child = startCommand(bin, args)
    const ended = endOf(child)
    child.stdin!.on('error', () => {})
    child.stdin!.write(ndjsonOf(USERS))
    while ((await readdir(place)).length === 0) await sleep(5)
    child.kill('SIGINT')
    // The input goes on and has no end: only the interrupt can end the command.
    for (let line = 0; child.exitCode === null; line++) {
      child.stdin!.write(`{"username":"more-${line}","groups":[]}\n`)
      await sleep(20)
    }
    expect(await ended).toMatchObject({ code: 130, stderr: expect.stringContaining('[aborted]') })
    expect(await readdir(place)).toEqual([])
  })
})

describe('audit user', () => {
  const userArgs = (...args: readonly string[]) => [
    'audit',
    'user',
    '--user-pool-id',
    userPoolId,
    '--endpoint-url',
    endpoint.url,
    ...args,
  ]
  const MANY = Array.from({ length: 130 }, (_, g) => ({
    groupName: `g${g}`,
    precedence: 10 + g,
    roleArn: role(`G${g}`),
  }))

  test('one user gets what predict prints for the same groups', async () => {
    const { code, stdout, stderr } = await auditCommand(userArgs('--username', 'user-1'))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^Groups, highest rank first\n/)
    expect(endpoint.requests.map(({ operation, username }) => [operation, username])).toEqual([
      ['AdminListGroupsForUser', 'user-1'],
    ])
  })

  test('several users come one after the other, each under the username', async () => {
    const { stdout } = await auditCommand(
      userArgs('--username', 'user-1', '--username', 'user-0', '--username', 'user-4'),
    )
    expect(stdout.match(/^user-\d+\n\nGroups/gm)).toEqual(['user-1\n\nGroups', 'user-0\n\nGroups', 'user-4\n\nGroups'])
  })

  test('JSON is an array, and says what the model says', async () => {
    const { stdout } = await auditCommand(
      userArgs('--json', ...USERS.slice(0, 12).flatMap(({ username }) => ['--username', username])),
    )
    const answers: readonly Record<string, unknown>[] = JSON.parse(stdout)
    const order = <T extends { readonly groups: readonly string[] }>(line: T) => ({
      ...line,
      groups: line.groups.toSorted(),
    })
    expect(
      answers.map(({ username, groups, roles, outcome, rule, preferredRole, candidateRole }) =>
        order({ username, groups: groups as string[], roles, outcome, rule, preferredRole, candidateRole }),
      ),
    ).toEqual(
      USERS.slice(0, 12).map(user => {
        // Cognito's order is its own; of roles of one rank the first counts as first.
        const { roles } = answers.find(answer => answer['username'] === user.username)!
        const { groups, outcome, rule, preferredRole, candidateRole, roles: expected } = modelLine(user, GROUPS)
        expect((roles as string[]).toSorted()).toEqual(expected.toSorted())
        return order({ username: user.username, groups, roles, outcome, rule, preferredRole, candidateRole })
      }),
    )
  })

  test('a user in more groups than a page has is read to the end', async () => {
    fill([...GROUPS, ...MANY], [{ username: 'busy', groups: [...MANY.map(group => group.groupName), 'admins'] }])
    const [answer] = JSON.parse((await auditCommand(userArgs('--json', '--username', 'busy'))).stdout)
    expect(answer).toMatchObject({ outcome: 'resolved', preferredRole: role('Admin') })
    expect(answer.groups).toHaveLength(131)
    expect(endpoint.requests).toHaveLength(3)
  })

  test('control: with the first page alone the result can be another', async () => {
    fill([...GROUPS, ...MANY], [{ username: 'busy', groups: [...MANY.map(group => group.groupName), 'admins'] }])
    const pages: (readonly string[])[] = []
    const client = endpointClient(endpoint)
    const send = async (command: never) => {
      const answer = (await client.send(command)) as { Groups: readonly { GroupName: string }[] }
      pages.push(answer.Groups.map(group => group.GroupName))
      return answer
    }
    expect((await auditUser({ userPoolId, username: 'busy', client: { send } })).resolution).toMatchObject({
      preferredRole: role('Admin'),
    })
    expect(pages.filter(page => page.includes('admins'))).toHaveLength(1)
    client.destroy()
  })

  test('what an identity pool gives is reported too', async () => {
    const path = join(await newFolder(), 'identity-pool.json')
    const mapping = { Type: 'Token', AmbiguousRoleResolution: 'Deny' }
    await writeFile(
      path,
      JSON.stringify({
        IdentityPoolId: 'eu-west-1:11111111-2222-3333-4444-555555555555',
        Roles: { authenticated: role('Authenticated') },
        RoleMappings: { [`cognito-idp.eu-west-1.amazonaws.com/${userPoolId}:client`]: mapping },
      }),
    )
    fill(GROUPS, [
      { username: 'a', groups: ['admins'] },
      { username: 'b', groups: ['finance', 'hr'] },
    ])
    const args = userArgs('--username', 'a', '--username', 'b', '--identity-pool-file', path)
    const answers = JSON.parse((await auditCommand([...args, '--json'])).stdout)
    expect(answers).toMatchObject([
      { username: 'a', selection: { roleArn: role('Admin') } },
      { username: 'b', selection: { outcome: 'denied' } },
    ])
    expect((await auditCommand(args)).stdout).toContain('eu-west-1:11111111-2222-3333-4444-555555555555')
    expect((await auditCommand(userArgs('--username', 'a', '--client-id', 'client'))).stderr).toContain(
      '[invalid-argument]',
    )
  })

  test('names that would move the cursor are printed as text', async () => {
    const username = 'eve\u001b[2J\u202E'
    fill(GROUPS, [
      { username, groups: ['admins'] },
      { username: 'bob', groups: [] },
    ])
    const { stdout } = await auditCommand(userArgs('--username', username, '--username', 'bob'))
    expect(stdout).not.toContain('\u001b')
    expect(stdout).not.toContain('\u202E')
  })

  test.each<Semantics>(['observed', 'documented', 'roles-compete'])("--semantics %s is the model's", async profile => {
    fill(GROUPS, [{ username: 'a', groups: ['vip', 'hr', 'a,b'] }])
    const [answer] = JSON.parse(
      (await auditCommand(userArgs('--json', '--username', 'a', '--semantics', profile))).stdout,
    )
    expect(answer).toMatchObject({
      outcome: modelLine({ username: 'a', groups: ['vip', 'hr', 'a,b'] }, GROUPS, profile).outcome,
    })
  })
})

describe('the library', () => {
  const options = () => ({
    userPoolId,
    client: endpointClient(endpoint, { maxAttempts: 1 }),
    requestsPerSecond: 1000,
    rates: { ListUsers: 5000, AdminListGroupsForUser: 5000 },
  })

  test('auditUser gives the groups with the resolution', async () => {
    const { username, groups, resolution } = await auditUser({ ...options(), username: 'user-1' })
    expect(username).toBe('user-1')
    expect(groups.map(group => group.groupName).toSorted()).toEqual(['finance', '管理者'].toSorted())
    expect(resolution).toMatchObject({ outcome: 'resolved', preferredRole: role('Finance'), unknownGroups: [] })
    expect(await failureOf(() => auditUser({ ...options(), username: 'ghost' }))).toMatchObject({
      code: 'user-not-found',
      value: 'ghost',
      retryable: false,
    })
  })

  test('auditPool gives every user once, frees what it holds when left early, and can be begun again', async () => {
    const place = await newFolder()
    await mkdir(place, { recursive: true })
    const checkpoint = join(place, 'audit.checkpoint')
    const seen: string[] = []
    for await (const { username, resolution } of auditPool({ ...options(), checkpoint })) {
      seen.push(username)
      expect(resolution).toMatchObject({
        outcome: modelLine(
          USERS.find(user => user.username === username)!,
          GROUPS,
        ).outcome,
      })
      if (seen.length === 10) break
    }
    // Left early, nothing says that all was used.
    expect(await readdir(place)).toEqual(['audit.checkpoint'])
    endpoint.requests.length = 0
    const all: string[] = []
    for await (const { username } of auditPool({ ...options(), checkpoint })) all.push(username)
    expect(all.toSorted()).toEqual(USERS.map(user => user.username).toSorted())
    expect(endpoint.requests).toEqual([])
    expect(await readdir(place)).toEqual([])
  })

  test('auditPool rejects what it cannot use before any call', async () => {
    const wrong: readonly object[] = [
      { userPoolId: '' },
      { rates: { ListUsers: -1 } },
      { requestsPerSecond: 0 },
      { membershipsPerUser: -1 },
    ]
    for (const given of wrong) {
      expect(await failureOf(() => auditPool({ ...options(), ...given }).next())).toMatchObject({
        code: expect.stringMatching(/^invalid-/),
      })
    }
    expect(endpoint.requests).toEqual([])
  })
})
