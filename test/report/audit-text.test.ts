import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { type AuditSummary, createAuditSummary, type IdentityPoolAbout } from '../../src/audit/summary.js'
import type { Group } from '../../src/group.js'
import { limitsOf } from '../../src/report/audit-limits.js'
import { auditJson, auditText } from '../../src/report/audit-text.js'
import type { Trust } from '../../src/credentials/trust-policy.js'
import type { AuditReading } from '../../src/audit/audit-reading.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { groupNames, pools, semantics } from '../arbitraries.js'
import { READING, role, summaryOf as auditOf, WHOLE } from './audit-summaries.js'
import { type AuditConcern, CONCERNS } from '../../src/audit/concerns.js'
import type { PoolChange } from '../../src/audit/pool-change.js'
import type { Semantics } from '../../src/claims/decide.js'

interface Audited {
  readonly semantics?: Semantics
  readonly userPoolId?: string
  readonly changes?: readonly PoolChange[]
  readonly listed?: number
  readonly reading?: AuditReading
}

type Listed = readonly [string, ...string[]]

/** The summary of users given as `[username, ...groups]`. */
function summaryOf(pool: readonly Group[], users: readonly Listed[], audited: Audited = {}): AuditSummary {
  const { semantics = 'observed', changes = [], userPoolId, ...options } = audited
  const reading = userPoolId === undefined ? undefined : ({ source: 'files', userPoolId } as const)
  const counter = createAuditSummary({ groups: pool, semantics, reading, ...options })
  for (const [username, ...names] of users) {
    const groups = names.flatMap(name => pool.find(group => group.groupName === name) ?? [])
    const unknownGroups = names.filter(name => !pool.some(group => group.groupName === name))
    counter.add({ username, resolution: { ...resolveRoles(groups, { semantics }), unknownGroups } })
  }
  for (const change of changes) counter.change(change)
  return counter.summary()
}

const OPTIONS = { color: false, toolVersion: '1.2.3' }
const plain = (summary: AuditSummary) => auditText(summary, OPTIONS)
/** The heading of a finding. */
const headingOf = (concern: AuditConcern) => `${CONCERNS[concern].severity}: ${CONCERNS[concern].title}`

/** The lines of the block whose heading begins so, without the heading. */
function block(text: string, heading: string): readonly string[] {
  const found = text.split('\n\n').find(lines => lines.startsWith(heading))
  if (found === undefined) throw new Error(`no block '${heading}' in:\n${text}`)
  return found.replace(/\n$/, '').split('\n').slice(1)
}

const ladderOf = (summary: AuditSummary) => block(plain(summary), 'Groups, highest rank first')

const pool: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'hr', precedence: 5, roleArn: role('Hr') },
  { groupName: 'finance', precedence: 5, roleArn: role('Finance') },
  { groupName: 'writers', precedence: 10, roleArn: role('Writer') },
  { groupName: 'editors', precedence: 10, roleArn: role('Writer') },
  { groupName: 'vip', precedence: 5 },
  { groupName: 'eu-west-1_Example_Google', roleArn: role('Guest') },
  { groupName: 'staff' },
]

describe('the whole text', () => {
  test('an audit as people see it', () => {
    const writers = Array.from({ length: 1200 }, (_, index) => [`w${index}`, 'writers', 'editors'] as const)
    const tied = Array.from({ length: 12 }, (_, index) => [`t${index}`, 'finance', 'hr'] as const)
    const others: Listed[] = [
      ['carl', 'vip', 'hr'],
      ['dora', 'eu-west-1_Example_Google'],
      ['emil', 'ghost'],
    ]
    const users: Listed[] = [['anna', 'admins', 'staff'], ...writers, ...tied, ...others]
    const changes = [
      { change: 'user-vanished', username: 'gus' },
      { change: 'group-changed', groupName: 'vip' },
    ] as const
    expect(plain(summaryOf(pool, users, { userPoolId: 'eu-west-1_Example', changes })))
      .toBe(`Audit of user pool eu-west-1_Example
  read           from files, which do not say when they were read
  semantics      observed
  identity pool  not asked about
  roles in IAM   not checked
  tool           rolecast 1.2.3
  users        1,216
  memberships  2,429
  groups       8
  roles        5

Findings
  error    Users with a tie on different roles                        12
  error    Users whose preferred role is not known                     1
  warning  Users whose only roles are on groups without a precedence   1
  warning  Users with groups that the pool does not have               1
  warning  Groups of an identity provider with a role                  1  1 user
  note     Users without any role                                      1
  note     Roles that no user gets                                     2  no users

error: Users with a tie on different roles (12)
  Several of their groups share the first rank among those with a role, and the roles differ (or, with the semantics tied-groups-agree, one of the groups has no role). Cognito prefers no role, and does not consult the next precedence.
  Give these groups different precedences, or the same role.
    t0
    t1
    t2
    t3
    t4
    t5
    t6
    t7
    t8
    t9
    and 2 more
  All of them: --finding conflicting-tie --format ndjson

error: Users whose preferred role is not known (1)
  A group without a role has the same precedence as their first group with one. AWS does not document whether Cognito then prefers the role, and no known token shows it.
  Give the group without a role a different precedence; until then, do not grant access based on it.
    carl

warning: Users whose only roles are on groups without a precedence (1)
  Such a role is in cognito:roles but never preferred, so these users have no preferred role.
  Give these groups a precedence; 0 ranks first.
    dora

warning: Users with groups that the pool does not have (1)
  A group that is not in the pool gives no role and is in no claim. It was deleted, was created while the pool was read, or is misspelt.
  Read the groups and users again, or correct the names.
    emil

warning: Groups of an identity provider with a role (1)
  Cognito creates such a group for each provider, and adds every user that it creates from that provider. The owner of the provider decides who can sign in there, and so who has the role.
  Move the role to a group whose members you choose, unless it is intended for all users of the provider.
    eu-west-1_Example_Google
  1 user: --finding federated-group-with-role --format ndjson

note: Users without any role (1)
  They are in no group, or none of their groups has a role: Cognito sets neither cognito:roles nor cognito:preferred_role.
  Add them to a group with a role, unless it is intended that they get what your app gives to users without one.
    emil

note: Roles that no user gets (2)
  A group has the role, but no user has it as the preferred role, and no user gets it from the identity pool. The group has no members, or other groups of its members decide. Disabled users do not count.
  Change the members or the precedence of the group, or delete the group if it has no use.
    arn:aws:iam::111122223333:role/Finance
    arn:aws:iam::111122223333:role/Guest

Not looked at
  No identity pool was asked about: the roles are those that tokens prefer, not those whose credentials users get.
  Whether the roles exist, whom they trust and what they can do was not checked.
  For 1,216 users it is not known whether they are disabled; they are counted as if they were not.
  It is not known when the files were read from the pool, or what changed in between.
  What a pre token generation trigger changes in a token cannot be seen from groups.

Changed while the pool was read (2)
    The user \`gus\` was listed, but was gone when it was read.
    The group \`vip\` had a different precedence or role at the end than at the start.

Outcomes
  resolved      1,201  one preferred role
  none              2  no preferred role
  ambiguous        12  a tie on different roles, so no preferred role
  undetermined      1  AWS does not document whether there is one

How the outcomes are known
  observed    1,215  real tokens show it
  documented      0  AWS documents it
  inferred        0  it follows from what tokens show and AWS documents
  unknown         1  neither tokens nor AWS show it

Users by preferred role
  arn:aws:iam::111122223333:role/Writer   1,200  ████████████████████
  arn:aws:iam::111122223333:role/Admin        1  █
  arn:aws:iam::111122223333:role/Finance      0
  arn:aws:iam::111122223333:role/Guest        0
  arn:aws:iam::111122223333:role/Hr           0

Groups, highest rank first
     0  admins                        1  arn:aws:iam::111122223333:role/Admin
!    5  finance                      12  arn:aws:iam::111122223333:role/Finance
!    5  hr                           13  arn:aws:iam::111122223333:role/Hr
?    5  vip                           1  (no role)
=   10  editors                   1,200  arn:aws:iam::111122223333:role/Writer
=   10  writers                   1,200  arn:aws:iam::111122223333:role/Writer
- none  eu-west-1_Example_Google      1  arn:aws:iam::111122223333:role/Guest
  none  staff                         1  (no role)
! same precedence, different roles: users for whom these groups rank first get no preferred role
= same precedence, same role
? no role, and the same precedence as a group with one: it may keep that role from being preferred
- a role without a precedence is never preferred
`)
  })

  test('a pool without anything', () => {
    expect(plain(summaryOf([], []))).toBe(`Audit
  read           not known
  semantics      observed
  identity pool  not asked about
  roles in IAM   not checked
  tool           rolecast 1.2.3
  users        0
  memberships  0
  groups       0
  roles        0

Findings
  (none)

Not looked at
  No user was read: if the user pool has any, they are in no count and no finding.
  No identity pool was asked about: the roles are those that tokens prefer, not those whose credentials users get.
  Whether the roles exist, whom they trust and what they can do was not checked.
  It is not known when the groups and users were read.
  What a pre token generation trigger changes in a token cannot be seen from groups.

Outcomes
  resolved      0  one preferred role
  none          0  no preferred role
  ambiguous     0  a tie on different roles, so no preferred role
  undetermined  0  AWS does not document whether there is one

How the outcomes are known
  observed    0  real tokens show it
  documented  0  AWS documents it
  inferred    0  it follows from what tokens show and AWS documents
  unknown     0  neither tokens nor AWS show it

Users by preferred role
  (none)

Groups, highest rank first
  (none)
`)
  })

  test('colour changes the look, and no word', () => {
    const users: Listed[] = [
      ['a', 'finance', 'hr'],
      ['b', 'vip', 'hr'],
      ['c', 'admins'],
    ]
    const summary = summaryOf(pool, users, { changes: [{ change: 'group-appeared', groupName: 'x' }] })
    const colored = auditText(summary, { ...OPTIONS, color: true })
    expect(colored).not.toBe(plain(summary))
    expect(stripVTControlCharacters(colored)).toBe(plain(summary))
  })
})

describe('the bars', () => {
  const usersIn = (groupName: string, count: number) =>
    Array.from({ length: count }, (_, index) => [`${groupName}${index}`, groupName] as const)
  const barsOf = (counts: Readonly<Record<string, number>>) => {
    const groups = Object.keys(counts).map((groupName, precedence) => ({ groupName, precedence, roleArn: groupName }))
    const summary = summaryOf(
      groups,
      Object.entries(counts).flatMap(([name, count]) => usersIn(name, count)),
    )
    return block(plain(summary), 'Users by preferred role').map(line => line.trim().split(/ +/)[2]?.length ?? 0)
  }

  test('are as long as the role has users, and the longest is the role most users get', () => {
    expect(barsOf({ a: 100, b: 50, c: 5 })).toEqual([20, 10, 1])
  })

  test('are never empty for a role that somebody gets, and always for one that nobody gets', () => {
    expect(barsOf({ a: 1000, b: 1, c: 0 })).toEqual([20, 1, 0])
    expect(barsOf({ a: 0, b: 0 })).toEqual([0, 0])
  })
})

describe('names', () => {
  const many = Array.from({ length: 11 }, (_, index) => [`u${index}`] as const)

  test('ten are shown, and the eleventh is counted', () => {
    const lines = (count: number) => block(plain(summaryOf([], many.slice(0, count))), headingOf('no-role')).slice(2)
    expect(lines(10)).toEqual(many.slice(0, 10).map(([name]) => `    ${name}`))
    expect(lines(11)).toEqual([
      ...many.slice(0, 10).map(([name]) => `    ${name}`),
      '    and 1 more',
      '  All of them: --finding no-role --format ndjson',
    ])
  })

  test('those that the summary does not list are counted too', () => {
    expect(block(plain(summaryOf([], many, { listed: 2 })), headingOf('no-role')).slice(2)).toEqual([
      '    u0',
      '    u1',
      '    and 9 more',
      '  All of them: --finding no-role --format ndjson',
    ])
  })

  test('ten changes are told, and the others counted', () => {
    const changes = many.map(([username]) => ({ change: 'user-appeared' as const, username }))
    const lines = block(plain(summaryOf([], [], { changes })), 'Changed while the pool was read (11)')
    expect(lines).toHaveLength(11)
    expect(lines.at(-1)).toBe('    and 1 more')
  })

  test('of every width keep the roles in one column', () => {
    const wide = ['plain', '管理者', '🙂', '👩🏽', 'cafe\u0301', 'ｗｉｄｅ', '한글', 'ไทย', 'שלום']
    const ladder = ladderOf(
      summaryOf(
        wide.map((groupName, precedence) => ({ groupName, precedence, roleArn: 'R' })),
        [],
      ),
    )
    expect(new Set(ladder.map(line => stringWidth(line)))).toEqual(new Set([stringWidth('  0  plain     0  R')]))
  })

  const hostile = [
    '\x1B[2J',
    'a\nb',
    'a\r',
    '\0',
    '\u202Eevil',
    'a\u200Bb',
    '\u2066x',
    'a\u2028b',
    '\u0085',
    'שלום',
    '\uD800',
    '<script>',
    '__proto__',
    '=1+1',
    '\u{E0041}',
    '',
  ]
  const names = fc.oneof(groupNames, fc.constantFrom(...hostile), fc.string({ unit: 'binary', maxLength: 6 }))
  /** What moves the cursor, ends a line, hides, or is half a character; an isolate is there in pairs. */
  const RAW = /(?![\n\u2068\u2069])[\p{C}\p{Zl}\p{Zp}]/u

  test('whatever they are, none reaches the terminal raw', () => {
    const roles = fc.uniqueArray(
      names.filter(name => name !== ''),
      { minLength: 3, maxLength: 6 },
    )
    fc.assert(
      fc.property(roles, fc.array(names, { maxLength: 4 }), names, semantics, (groups, usernames, name, semantics) => {
        const groupsOf = groups.map((groupName, index) => ({
          groupName,
          precedence: index % 2 === 0 ? 1 : null,
          roleArn: groupName,
        }))
        const changes = [
          { change: 'user-appeared', username: name },
          { change: 'group-vanished', groupName: name },
        ] as const
        const summary = summaryOf(
          groupsOf,
          usernames.map(username => [username, ...groups, name] as const),
          {
            semantics,
            userPoolId: name,
            changes,
          },
        )
        const text = plain(summary)
        expect(text).not.toMatch(RAW)
        expect(text.split('\u2068').length).toBe(text.split('\u2069').length)
      }),
      { numRuns: 500 },
    )
  })

  test('control: as they come, they would', () => {
    expect(hostile.filter(name => RAW.test(name)).length).toBeGreaterThan(8)
  })

  test('each takes a line of its own', () => {
    const text = plain(summaryOf([], [['a\nOutcomes\r\n', 'ghost']]))
    expect(block(text, headingOf('unknown-group')).slice(2)).toEqual([String.raw`    a\u{a}Outcomes\u{d}\u{a}`])
  })
})

describe('what is not there', () => {
  test('a finding is told exactly when the summary has it, with its words and its count', () => {
    fc.assert(
      fc.property(pools, semantics, (pool, semantics) => {
        const summary = summaryOf(
          pool,
          [
            ['a', ...pool.map(group => group.groupName)],
            ['b', 'ghost'],
          ],
          { semantics },
        )
        const text = plain(summary)
        for (const concern of Object.keys(CONCERNS) as AuditConcern[]) {
          const { title, meaning, next } = CONCERNS[concern]
          const found = summary.findings.find(finding => finding.concern === concern)
          if (found === undefined) expect(text).not.toContain(title)
          else
            expect(block(text, `${headingOf(concern)} (${found.count})`).slice(0, 2)).toEqual([
              `  ${meaning}`,
              `  ${next}`,
            ])
        }
      }),
    )
  })

  test('a mark has its legend only where a group has the mark', () => {
    const legend = ladderOf(
      summaryOf(
        [
          { groupName: 'a', precedence: 1, roleArn: 'A' },
          { groupName: 'b', precedence: 1, roleArn: 'A' },
        ],
        [],
      ),
    )
    expect(legend).toEqual(['= 1  a  0  A', '= 1  b  0  A', '= same precedence, same role'])
    expect(ladderOf(summaryOf([{ groupName: 'a', precedence: 1, roleArn: 'A' }], []))).toEqual(['  1  a  0  A'])
  })
})

describe('the JSON', () => {
  test('is the summary with the words of its findings and what was not looked at, and ends in a line feed', () => {
    const changes = [{ change: 'user-vanished', username: 'c' }] as const
    const summary = summaryOf(
      pool,
      [
        ['__proto__', 'admins'],
        ['b', 'ghost'],
      ],
      { userPoolId: 'eu-west-1_Example', changes },
    )
    const { version, tool, notLookedAt, findings, ...rest } = JSON.parse(auditJson(summary, OPTIONS))
    const { findings: expected, ...others } = summary
    expect({ version, tool }).toEqual({ version: 1, tool: { name: 'rolecast', version: '1.2.3' } })
    expect(rest).toStrictEqual(others)
    expect(notLookedAt).toEqual(limitsOf(summary))
    expect(findings).toStrictEqual(
      expected.map(({ concern, severity, affectedUsers, ...lists }) => ({
        concern,
        severity,
        title: CONCERNS[concern].title,
        next: CONCERNS[concern].next,
        affectedUsers,
        ...lists,
        ...(affectedUsers > 0 && { allUsers: `--finding ${concern} --format ndjson` }),
      })),
    )
    expect(auditJson(summary, OPTIONS)).toMatch(
      /^\{\n {2}"version": 1,\n {2}"tool": \{[^}]*\},\n {2}"reading": \{[^}]*\},\n {2}"semantics": "observed",\n {2}"users": 2,\n[^]*\n\}\n$/,
    )
  })
})

describe('when and how it was read', () => {
  const headOf = (audited: Audited) => plain(summaryOf([], [], audited)).split('\n\n')[0]

  test('is at the top', () => {
    expect(headOf({ reading: READING })).toBe(`Audit of user pool eu-west-1_Example
  read           2026-11-28T10:00:00.000Z to 2026-11-28T10:04:30.250Z
  pool name      staff pool
  account        111122223333, eu-west-1
  strategy       per-group
  attributes     email
  semantics      observed
  identity pool  not asked about
  roles in IAM   not checked
  tool           rolecast 1.2.3
  users        0
  memberships  0
  groups       0
  roles        0`)
  })

  test.each<[string, AuditReading | undefined, string]>([
    ['files', { source: 'files' }, 'from files, which do not say when they were read'],
    [
      'files of which --read-at says it',
      { source: 'files', startedAt: READING.endedAt, endedAt: READING.endedAt },
      '2026-11-28T10:04:30.250Z, as given with --read-at',
    ],
    [
      'a reading without an end',
      { source: 'cognito', startedAt: READING.startedAt },
      'from 2026-11-28T10:00:00.000Z on, and no end is recorded',
    ],
    [
      'a reading without a start',
      { source: 'cognito', endedAt: READING.endedAt },
      'until 2026-11-28T10:04:30.250Z, and no start is recorded',
    ],
    ['nothing', undefined, 'not known'],
  ])('%s', (_what, reading, expected) => {
    const summary = createAuditSummary({ groups: [], semantics: 'observed', reading }).summary()
    expect(plain(summary)).toContain(`  read           ${expected}\n`)
  })

  test('reports what was not looked at, and only that', () => {
    const bare = limitsOf(auditOf({})).join('\n')
    expect(bare).toContain('No identity pool was asked about')
    expect(bare).toContain('Whether the roles exist, whom they trust and what they can do was not checked.')
    expect(bare).toContain('For 1 user it is not known whether they are disabled')
    expect(bare).toContain('It is not known when the groups and users were read.')
    const whole = limitsOf(auditOf(WHOLE)).join('\n')
    for (const said of ['No identity pool', 'was not checked', 'It is not known']) expect(whole).not.toContain(said)
    expect(whole).toContain('service control policies')
    expect(whole).toContain('pre token generation trigger')
    expect(whole).toContain('a user who was moved in the meantime can be in both groups or in neither')
    const perUser = { ...WHOLE, reading: { ...READING, strategy: 'per-user' as const } }
    expect(limitsOf(auditOf(perUser)).join('\n')).not.toContain('moved in the meantime')
    const unasked = limitsOf(auditOf({ ...WHOLE, mapping: undefined })).join('\n')
    expect(unasked).toContain('Whether the roles trust an identity pool was not checked.')
    expect(limitsOf(auditOf({ ...WHOLE, roleChecks: [] }))).toContain('What the roles can do was not checked.')
  })

  test.each([
    [3, 7, false],
    [3, 99, false],
    [3, 100, true],
    [50, 100, false],
    [49, 100, true],
    [0, 100_000, true],
  ])('%d users where Cognito estimates %d: whether the list looks cut short', (count, estimatedUsers, expected) => {
    const users = Array.from({ length: count }, (_, index) => [`u${index}`] as const)
    const said = limitsOf(summaryOf(pool, users, { reading: { ...READING, estimatedUsers } })).join('\n')
    expect(said.includes(`listed, but Cognito's estimate is ${estimatedUsers.toLocaleString('en')}`)).toBe(expected)
  })

  test('that no user was read', () => {
    expect(limitsOf(summaryOf(pool, [])).join('\n')).toContain('No user was read')
    expect(limitsOf(summaryOf(pool, [['a']])).join('\n')).not.toContain('No user was read')
  })

  const AUTHENTICATED = 'so its users are counted as getting the authenticated role'
  test.each<[string, Partial<IdentityPoolAbout>, readonly string[]]>([
    ['whose providers are known', { mapping: 'none' }, []],
    ['with the mapping of the app client', { mapping: 'Token', mappedClients: ['a'] }, ['does not return that']],
    [
      'without any mapping for the user pool',
      { mapping: 'none', mappedClients: [] },
      ['does not return that', `The identity pool has no role mapping for this user pool, ${AUTHENTICATED}`],
    ],
    [
      'without one for the app client',
      { mapping: 'none', clientId: 'x', mappedClients: ['a', 'b'] },
      ['does not return that', `App client \`x\` has no role mapping, ${AUTHENTICATED}`, 'that have one: `a` and `b`.'],
    ],
  ])('an identity pool %s', (_what, about, expected) => {
    const identityPool = { identityPoolId: 'eu-west-1:1', mapping: 'Token', ...about } as const
    const summary = createAuditSummary({ groups: [], semantics: 'observed', identityPool }).summary()
    const said = limitsOf(summary).join('\n')
    for (const one of ['does not return that', AUTHENTICATED, 'that have one'])
      expect(said.includes(one)).toBe(expected.join('\n').includes(one))
    for (const one of expected) expect(said).toContain(one)
  })
})

describe('an audit with an identity pool and role checks', () => {
  const text = plain(auditOf(WHOLE))

  test('has the findings first, the most severe on top', () => {
    expect(block(text, 'Findings')).toEqual([
      '  error    Users with a tie on different roles                        1',
      '  error    Users whose preferred role is not known                    1',
      '  error    Roles that do not exist                                    1  1 user',
      '  error    Roles that do not trust the identity pool                  1  no users',
      '  error    Roles that could not be fully checked                      2  3 users',
      '  warning  Roles that can do everything                               1  1 user',
      '  warning  Roles whose privileges are not known                       1  1 user',
      '  warning  Users who get no credentials                               2',
      '  warning  Users whose only roles are on groups without a precedence  1',
      '  warning  Users with groups that the pool does not have              1',
      '  warning  Groups of an identity provider with a role                 1  1 user',
      '  note     Users without any role                                     1',
      '  note     Roles that no user gets                                    1  no users',
    ])
    expect(text.indexOf('Findings')).toBeLessThan(text.indexOf('Groups, highest rank first'))
  })

  test('has the way to the users of a finding about roles', () => {
    expect(block(text, 'error: Roles that do not exist (1)').at(-1)).toBe(
      '  1 user: --finding missing-role --format ndjson',
    )
    expect(block(text, 'error: Roles that do not trust').at(-1)).toBe(`    ${role('Finance')}`)
  })

  test("says which role's credentials users get, and by which rule", () => {
    expect(block(text, 'Credentials')).toEqual([
      '  role          4  the credentials of a role',
      '  denied        2  none',
      '  undetermined  0  one of several roles, or none: not known which',
      expect.stringMatching(/^ {2}by ambiguous-denied +2$/),
      expect.stringMatching(/^ {2}by preferred-role +2$/),
      expect.stringMatching(/^ {2}by single-role +1$/),
      expect.stringMatching(/^ {2}by undetermined-preferred-role +1$/),
      ...['Admin', 'Guest', 'Hr', 'Intern'].map(name => expect.stringContaining(role(name))),
    ])
  })

  test('says what IAM has, and what is not known of it', () => {
    expect(block(text, 'Roles in IAM')).toEqual([
      `  ${role('Admin')}: exists, trusts the identity pool, can do everything, policies AdministratorAccess inline`,
      `  ${role('Finance')}: exists, does not trust the identity pool, not known whether it can do everything, policies AdministratorAccess inline`,
      '    The policy `inline` was not read.',
      `  ${role('Guest')}: missing`,
      `  ${role('Hr')}: unknown`,
      '    It was not looked at.',
      `  ${role('Intern')}: exists, not known whether it trusts the identity pool, not known whether users of any identity pool can assume it, cannot do everything, no policies`,
    ])
  })

  test.each<[string, Partial<Trust>, string]>([
    ['users of any identity pool', { anyPool: true }, ', users of any identity pool can assume it'],
    ['guests', { guests: true }, ', guests can assume it'],
    ['guests, perhaps', { guests: undefined }, ', not known whether guests can assume it'],
    ['control: no others', {}, ''],
  ])('says of a role that it can be assumed by %s', (_what, others, said) => {
    const [admin] = WHOLE.roleChecks!
    const roleChecks = [{ ...admin!, privileges: undefined, trust: { ...admin!.trust!, ...others } }]
    const lines = plain(auditOf({ ...WHOLE, roleChecks }))
    expect(block(lines, 'Roles in IAM')).toEqual([`  ${role('Admin')}: exists, trusts the identity pool${said}`])
    const isOpen = Object.values(others).includes(true)
    expect(lines.includes('error: Roles that others can assume too (1)')).toBe(isOpen)
  })

  test('counts disabled users separately', () => {
    expect(text).toContain('  users        7  1 of them disabled, counted separately from here on\n')
    expect(text).toMatch(/^ +0  admins +1  arn:\S+Admin +and 1 disabled$/m)
    expect(block(text, 'Users by preferred role')[0]).toMatch(/Admin +1 {2}█+ +and 1 disabled$/)
  })
})
