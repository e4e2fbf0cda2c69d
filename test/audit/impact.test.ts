import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Group, UserGroups } from '../../src/group.js'
import { changeGroups, createImpact, createImpactSummary, type GroupChange } from '../../src/audit/impact.js'
import { groupNames, pools, poolsWithDuplicates, semantics } from '../arbitraries.js'
import { errorOf } from '../failure-of.js'
import { modelResolve } from '../models/resolve-model.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'staff', precedence: 5, roleArn: role('Staff') },
  { groupName: 'plain', precedence: null, roleArn: null },
]

describe('changing groups', () => {
  const rows: readonly [string, readonly GroupChange[], readonly Group[]][] = [
    ['nothing', [], GROUPS],
    ['a change that says nothing', [{ groupName: 'staff' }], GROUPS],
    [
      'a precedence',
      [{ groupName: 'staff', precedence: 0 }],
      [GROUPS[0]!, { ...GROUPS[1]!, precedence: 0 }, GROUPS[2]!],
    ],
    [
      'a precedence taken away',
      [{ groupName: 'admins', precedence: null }],
      [{ ...GROUPS[0]!, precedence: null }, GROUPS[1]!, GROUPS[2]!],
    ],
    [
      'a role',
      [{ groupName: 'plain', roleArn: role('New') }],
      [GROUPS[0]!, GROUPS[1]!, { ...GROUPS[2]!, roleArn: role('New') }],
    ],
    [
      'a role taken away',
      [{ groupName: 'admins', roleArn: null }],
      [{ ...GROUPS[0]!, roleArn: null }, GROUPS[1]!, GROUPS[2]!],
    ],
    ['a group removed', [{ groupName: 'admins', remove: true }], [GROUPS[1]!, GROUPS[2]!]],
    [
      'the later of two changes',
      [
        { groupName: 'staff', precedence: 1 },
        { groupName: 'staff', precedence: 2 },
      ],
      [GROUPS[0]!, { ...GROUPS[1]!, precedence: 2 }, GROUPS[2]!],
    ],
    [
      'two changes of one group',
      [
        { groupName: 'staff', precedence: 1 },
        { groupName: 'staff', roleArn: null },
      ],
      [GROUPS[0]!, { ...GROUPS[1]!, precedence: 1, roleArn: null }, GROUPS[2]!],
    ],
    [
      'a group made anew',
      [
        { groupName: 'admins', remove: true },
        { groupName: 'admins', precedence: 3 },
      ],
      [GROUPS[1]!, GROUPS[2]!, { groupName: 'admins', precedence: 3 }],
    ],
  ]
  test.each(rows)('%s', (_what, changes, expected) => {
    const before = structuredClone(GROUPS)
    expect(changeGroups(GROUPS, changes)).toEqual(expected)
    expect(GROUPS).toEqual(before)
  })

  test.each(['ghost', 'Admins', '__proto__', 'constructor'])(
    'a group that the pool does not have, `%s`, is rejected',
    groupName => {
      expect(errorOf(() => changeGroups(GROUPS, [{ groupName, precedence: 1 }]))).toMatchObject({
        code: 'invalid-argument',
        groupName,
        message: expect.stringContaining(`\`${groupName}\``),
      })
    },
  )
  test.each([-1, 1.5, 2 ** 31, NaN])('a precedence of %d is rejected', precedence => {
    expect(errorOf(() => changeGroups(GROUPS, [{ groupName: 'staff', precedence }]))).toMatchObject({
      code: 'invalid-precedence',
      groupName: 'staff',
      value: precedence,
    })
  })
  test('a group of any name can be changed', () => {
    fc.assert(
      fc.property(groupNames, groupName => {
        expect(changeGroups([{ groupName, precedence: 1 }], [{ groupName, precedence: 2 }])).toEqual([
          { groupName, precedence: 2 },
        ])
      }),
    )
  })
})

describe('the impact on a user', () => {
  const changesOf = (groups: readonly Group[]): fc.Arbitrary<readonly GroupChange[]> =>
    groups.length === 0
      ? fc.constant([])
      : fc.array(
          fc.record({
            groupName: fc.constantFrom(...groups.map(group => group.groupName)),
            precedence: fc.option(fc.option(fc.nat({ max: 3 })), { nil: undefined }),
            roleArn: fc.option(fc.option(fc.constantFrom(role('A'), role('B'))), { nil: undefined }),
            remove: fc.boolean(),
          }),
          { maxLength: 4 },
        )

  test('is what the model says of the groups before and after', () => {
    const cases = pools.chain(groups =>
      fc.record({
        groups: fc.constant(groups),
        changes: changesOf(groups),
        semantics,
        names: fc.subarray([...groups.map(group => group.groupName), 'ghost']),
      }),
    )
    fc.assert(
      fc.property(cases, ({ groups, changes, semantics, names }) => {
        const after = changeGroups(groups, changes)
        const user: UserGroups = { username: 'alice', groups: names }
        const { before: b, after: a, username } = createImpact(groups, after, { semantics })(user)
        const memberOf = (pool: readonly Group[]) =>
          names.flatMap(name => pool.find(group => group.groupName === name) ?? [])
        expect(username).toBe('alice')
        expect({ ...b, unknownGroups: [] }).toEqual({ ...modelResolve(memberOf(groups), semantics), unknownGroups: [] })
        expect({ ...a, unknownGroups: [] }).toEqual({ ...modelResolve(memberOf(after), semantics), unknownGroups: [] })
      }),
      { numRuns: 500 },
    )
  })

  test('of no change is none, also where two groups have one name', () => {
    fc.assert(
      fc.property(poolsWithDuplicates, semantics, (groups, semantics) => {
        const impactOn = createImpact(groups, changeGroups(groups, []), { semantics })
        expect(impactOn({ username: 'u', groups: groups.map(group => group.groupName) })).toMatchObject({
          change: 'same',
          rolesAdded: [],
          rolesRemoved: [],
        })
      }),
    )
  })

  test('of a removed group is as if he had left it', () => {
    const impactOn = createImpact(GROUPS, changeGroups(GROUPS, [{ groupName: 'admins', remove: true }]))
    expect(impactOn({ username: 'u', groups: ['admins', 'staff'] })).toMatchObject({
      change: 'changed',
      rolesAdded: [],
      rolesRemoved: [role('Admin')],
      after: { preferredRole: role('Staff'), unknownGroups: ['admins'] },
    })
  })
})

describe('the summary', () => {
  const after = changeGroups(GROUPS, [{ groupName: 'admins', precedence: 5 }])
  const impactOn = createImpact(GROUPS, after)
  const users: readonly UserGroups[] = [
    ...['a', 'b', 'c'].map(username => ({ username, groups: ['admins', 'staff'] })),
    ...['d', '__proto__'].map(username => ({ username, groups: ['admins'] })),
    { username: 'f', groups: [] },
  ]

  test('counts every user once', () => {
    const summary = createImpactSummary()
    users.map(impactOn).forEach(summary.add)
    expect(summary.summary()).toEqual({
      users: 6,
      disabled: 0,
      disabledChanged: 0,
      changes: { same: 3, gained: 0, lost: 3, changed: 0, undetermined: 0, 'allowed-roles': 0 },
      transitions: [
        {
          change: 'lost',
          before: { outcome: 'resolved', roleArn: role('Admin') },
          after: { outcome: 'ambiguous' },
          count: 3,
          users: ['a', 'b', 'c'],
        },
      ],
    })
  })

  test('counts users who are disabled apart', () => {
    const summary = createImpactSummary()
    for (const [index, user] of users.entries()) summary.add(impactOn({ ...user, enabled: index === 0 }))
    expect(summary.summary()).toMatchObject({
      users: 6,
      disabled: 5,
      disabledChanged: 2,
      changes: { same: 0, lost: 1 },
      transitions: [{ count: 1, users: ['a'] }],
    })
  })

  test('lists the first of each transition, counts all, and has the most frequent first', () => {
    const summary = createImpactSummary({ listed: 1 })
    const other = createImpact(
      GROUPS,
      changeGroups(GROUPS, [
        { groupName: 'admins', precedence: 5, roleArn: null },
        { groupName: 'staff', roleArn: role('Other') },
      ]),
    )
    for (const user of [{ username: 's', groups: ['staff'] }, ...users]) summary.add(other(user))
    const { transitions } = summary.summary()
    expect(transitions.map(({ count, users }) => [count, users])).toEqual([
      [3, ['a']],
      [2, ['d']],
      [1, ['s']],
    ])
    expect(transitions.map(({ change, after }) => [change, after])).toEqual([
      ['undetermined', { outcome: 'undetermined', roleArn: role('Other') }],
      ['lost', { outcome: 'none' }],
      ['changed', { outcome: 'resolved', roleArn: role('Other') }],
    ])
  })

  test('counts add up, whatever is added, and one that was given does not change', () => {
    fc.assert(
      fc.property(pools, pools, fc.array(fc.nat({ max: 127 }), { maxLength: 20 }), (before, after, members) => {
        const summary = createImpactSummary()
        const empty = summary.summary()
        const impactOn = createImpact(before, after)
        const names = [...before, ...after].map(group => group.groupName)
        members.forEach((bits, u) =>
          summary.add(impactOn({ username: `u${u}`, groups: names.filter((_, index) => (bits >> index) & 1) })),
        )
        const { users, changes, transitions } = summary.summary()
        expect(users).toBe(members.length)
        expect(Object.values(changes).reduce((a, b) => a + b)).toBe(users)
        for (const change of ['gained', 'lost', 'changed', 'undetermined', 'allowed-roles'] as const) {
          const own = transitions.filter(transition => transition.change === change)
          expect(own.reduce((total, { count }) => total + count, 0)).toBe(changes[change])
          for (const { count, users } of own) expect(users).toHaveLength(count)
        }
        expect(empty).toEqual({
          users: 0,
          disabled: 0,
          disabledChanged: 0,
          changes: { same: 0, gained: 0, lost: 0, changed: 0, undetermined: 0, 'allowed-roles': 0 },
          transitions: [],
        })
      }),
    )
  })
})
