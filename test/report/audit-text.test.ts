import { stripVTControlCharacters } from 'node:util'
import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { type AuditSummary, createAuditSummary } from '../../src/audit/summary.js'
import type { Group } from '../../src/group.js'
import { auditJson, auditText } from '../../src/report/audit-text.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { groupNames, pools, semantics } from '../arbitraries.js'
import { type AuditConcern, CONCERNS } from '../../src/audit/concerns.js'
import type { PoolChange } from '../../src/audit/pool-change.js'
import type { Semantics } from '../../src/claims/decide.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

interface Audited {
  readonly semantics?: Semantics
  readonly userPoolId?: string
  readonly changes?: readonly PoolChange[]
  readonly listed?: number
}

type Listed = readonly [string, ...string[]]

/** The summary of users given as `[username, ...groups]`. */
function summaryOf(pool: readonly Group[], users: readonly Listed[], audited: Audited = {}): AuditSummary {
  const { semantics = 'observed', changes = [], ...options } = audited
  const counter = createAuditSummary({ groups: pool, semantics, ...options })
  for (const [username, ...names] of users) {
    const groups = names.flatMap(name => pool.find(group => group.groupName === name) ?? [])
    const unknownGroups = names.filter(name => !pool.some(group => group.groupName === name))
    counter.add({ username, resolution: { ...resolveRoles(groups, { semantics }), unknownGroups } })
  }
  for (const change of changes) counter.change(change)
  return counter.summary()
}

const plain = (summary: AuditSummary) => auditText(summary, { color: false })

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
  users        1,216
  memberships  2,429
  groups       8
  roles        5
  semantics    observed

Outcomes
  resolved      1,201  one preferred role
  none              2  no preferred role
  ambiguous        12  a tie on different roles, so no preferred role
  undetermined      1  AWS does not document whether there is one

Users by the role they get
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
! same precedence, different roles: users whose first groups these are get no preferred role
= same precedence, same role
? no role, and the same precedence as a group with one: it may keep that role from being preferred
- a role without a precedence is never preferred

Users with a tie on different roles (12)
  Several of their groups share the first rank among those with a role, and the roles differ: Cognito prefers none, and does not consult the next precedence.
  Give these groups different precedences, or one role.
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

Users whose only roles are on groups without a precedence (1)
  Such a role is in cognito:roles and never preferred, so they have no preferred role.
  Give these groups a precedence; 0 ranks first.
    dora

Users whose preferred role is not known (1)
  A group without a role has the same precedence as their first group with one. AWS does not document whether Cognito then prefers the role, and no known token shows it.
  Give the group without a role another precedence; until then, grant nothing on it.
    carl

Users without any role (1)
  They are in no group, or in groups of which none has a role: Cognito sets neither cognito:roles nor cognito:preferred_role.
  Put them into a group with a role, unless what your app gives to users without one is meant for them.
    emil

Users with groups that the pool does not have (1)
  What is not in the pool has no role and is in no claim: the group is gone, came while the pool was read, or is misspelt.
  Read groups and users again, or correct the names.
    emil

Roles that no user gets (3)
  A group has the role, and no user has it preferred: the group has no members, or other groups of its members decide.
  Change the members or the precedence of the group, or delete it where it is of no use.
    arn:aws:iam::111122223333:role/Finance
    arn:aws:iam::111122223333:role/Guest
    arn:aws:iam::111122223333:role/Hr

Groups of an identity provider with a role (1)
  Cognito makes such a group for each provider, and puts in every user that it makes from one: the owner of the provider decides who can sign in there, and so who has the role.
  Put the role on a group of your own, unless it is meant for all users of the provider.
    eu-west-1_Example_Google

Changed while the pool was read (2)
    The user \`gus\` was listed, and gone when asked for.
    The group \`vip\` had another precedence or role at the end than at the start.
`)
  })

  test('a pool without anything', () => {
    expect(plain(summaryOf([], []))).toBe(`Audit
  users        0
  memberships  0
  groups       0
  roles        0
  semantics    observed

Outcomes
  resolved      0  one preferred role
  none          0  no preferred role
  ambiguous     0  a tie on different roles, so no preferred role
  undetermined  0  AWS does not document whether there is one

Users by the role they get
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
    const colored = auditText(summary, { color: true })
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
    return block(plain(summary), 'Users by the role they get').map(line => line.trim().split(/ +/)[2]?.length ?? 0)
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
    const lines = (count: number) =>
      block(plain(summaryOf([], many.slice(0, count))), CONCERNS['no-role'].title).slice(2)
    expect(lines(10)).toEqual(many.slice(0, 10).map(([name]) => `    ${name}`))
    expect(lines(11)).toEqual([...many.slice(0, 10).map(([name]) => `    ${name}`), '    and 1 more'])
  })

  test('those that the summary does not list are counted too', () => {
    expect(block(plain(summaryOf([], many, { listed: 2 })), CONCERNS['no-role'].title).slice(2)).toEqual([
      '    u0',
      '    u1',
      '    and 9 more',
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
    expect(block(text, CONCERNS['unknown-group'].title).slice(2)).toEqual([String.raw`    a\u{a}Outcomes\u{d}\u{a}`])
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
          else expect(block(text, `${title} (${found.count})`).slice(0, 2)).toEqual([`  ${meaning}`, `  ${next}`])
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
  test('is the summary, and ends in a line feed', () => {
    const changes = [{ change: 'user-vanished', username: 'c' }] as const
    const summary = summaryOf(
      pool,
      [
        ['__proto__', 'admins'],
        ['b', 'ghost'],
      ],
      { userPoolId: 'eu-west-1_Example', changes },
    )
    expect(JSON.parse(auditJson(summary))).toStrictEqual(summary)
    expect(auditJson(summary)).toMatch(
      /^\{\n {2}"userPoolId": "eu-west-1_Example",\n {2}"semantics": "observed",\n {2}"users": 2,\n[^]*\n\}\n$/,
    )
  })
})
