import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Group } from '../../src/group.js'
import { type Resolution, resolveRoles } from '../../src/claims/resolve.js'
import { pools, semantics } from '../arbitraries.js'
import { modelResolve } from '../models/resolve-model.js'
import { compareRoles, type RoleComparison } from '../../src/audit/compare-roles.js'

const [A, B, C] = ['A', 'B', 'C'].map(name => `arn:aws:iam::111122223333:role/${name}`) as [string, string, string]
const group = (groupName: string, precedence?: number, roleArn?: string): Group => ({ groupName, precedence, roleArn })
const same: RoleComparison = { change: 'same', rolesAdded: [], rolesRemoved: [] }

describe('what becomes of a user', () => {
  const admin = group('admin', 1, A)
  const user = group('user', 5, B)
  const vip = group('vip', 1)
  const rows: readonly [string, readonly Group[], readonly Group[], RoleComparison][] = [
    ['nothing', [admin], [admin], same],
    ['nothing, though another rule decides', [admin], [admin, group('also', 1, A)], same],
    ['nothing, though there are other groups', [admin], [admin, group('plain')], same],
    ['nothing, for who has nothing', [], [group('plain')], same],
    [
      'nothing, for who has none before and after, for other reasons',
      [group('a', 1, A), group('b', 1, B)],
      [group('a', undefined, A), group('b', undefined, B)],
      same,
    ],
    ['a role where there was none', [], [admin], { change: 'gained', rolesAdded: [A], rolesRemoved: [] }],
    ['a role, for a precedence is set', [group('admin', undefined, A)], [admin], { ...same, change: 'gained' }],
    ['no role, for the group is gone', [admin], [], { change: 'lost', rolesAdded: [], rolesRemoved: [A] }],
    ['no role, for there is a tie', [admin, user], [admin, group('user', 1, B)], { ...same, change: 'lost' }],
    ['another role', [admin], [group('admin', 1, B)], { change: 'changed', rolesAdded: [B], rolesRemoved: [A] }],
    ['another role of those he has', [admin, user], [group('admin', 9, A), user], { ...same, change: 'changed' }],
    ['a doubt where there was a role', [admin], [admin, vip], { ...same, change: 'undetermined' }],
    ['a role where there was a doubt', [admin, vip], [admin], { ...same, change: 'undetermined' }],
    [
      'another doubt',
      [admin, vip],
      [group('admin', 1, C), vip],
      { change: 'undetermined', rolesAdded: [C], rolesRemoved: [A] },
    ],
    ['the same doubt', [admin, vip], [admin, vip, group('more', 7)], same],
    [
      'the same doubt, and another role to ask for',
      [admin, vip],
      [admin, vip, user],
      { change: 'allowed-roles', rolesAdded: [B], rolesRemoved: [] },
    ],
    ['another role to ask for', [admin], [admin, user], { change: 'allowed-roles', rolesAdded: [B], rolesRemoved: [] }],
    [
      'one role less to ask for',
      [admin, user, group('c', 8, C)],
      [admin, user],
      { change: 'allowed-roles', rolesAdded: [], rolesRemoved: [C] },
    ],
    [
      'other roles, and none of them preferred',
      [group('a', undefined, A)],
      [group('b', undefined, B)],
      { change: 'allowed-roles', rolesAdded: [B], rolesRemoved: [A] },
    ],
  ]
  test.each(rows)('%s', (_what, before, after, expected) => {
    expect(compareRoles(resolveRoles(before), resolveRoles(after))).toStrictEqual(expected)
  })
})

describe('laws', () => {
  const pairs = fc.tuple(pools, pools, semantics).map(([before, after, semantics]) => ({
    before: resolveRoles(before, { semantics }),
    after: resolveRoles(after, { semantics }),
  }))
  type Compare = typeof compareRoles

  function law(
    sentence: string,
    wrong: Compare,
    holds: (compare: Compare, pair: { readonly before: Resolution; readonly after: Resolution }) => boolean,
  ): void {
    const property = (compare: Compare) => fc.property(pairs, pair => holds(compare, pair))
    test(sentence, () => fc.assert(property(compareRoles), { numRuns: 2000 }))
    test(`control: ${sentence}`, () => expect(fc.check(property(wrong), { seed: 1, numRuns: 2000 }).failed).toBe(true))
  }
  const MIRROR = {
    same: 'same',
    gained: 'lost',
    lost: 'gained',
    changed: 'changed',
    undetermined: 'undetermined',
    'allowed-roles': 'allowed-roles',
  } as const

  law(
    'the way back is the mirror image of the way there',
    (before, after) => ({ ...compareRoles(before, after), rolesRemoved: [] }),
    (compare, { before, after }) => {
      const [there, back] = [compare(before, after), compare(after, before)]
      return (
        back.change === MIRROR[there.change] &&
        String(there.rolesAdded.toSorted()) === String(back.rolesRemoved.toSorted())
      )
    },
  )
  law(
    'nothing changes for who stays as he is',
    () => ({ ...same, change: 'changed' }),
    (compare, { before }) => compare(before, before).change === 'same',
  )
  law(
    '`same` says that roles, preferred role and candidate are the same',
    (before, after) => (before.preferredRole === after.preferredRole ? same : compareRoles(before, after)),
    (compare, { before, after }) => {
      const equal =
        before.preferredRole === after.preferredRole &&
        before.candidateRole === after.candidateRole &&
        before.roles.toSorted().join() === after.roles.toSorted().join() &&
        (before.outcome === 'undetermined') === (after.outcome === 'undetermined')
      return (compare(before, after).change === 'same') === equal
    },
  )
  law(
    'what is not known is never said to be gained, lost or changed',
    (before, after) => {
      const one = compareRoles(before, after)
      return one.change === 'undetermined' ? { ...one, change: 'lost' } : one
    },
    (compare, { before, after }) => {
      const unknown = before.outcome === 'undetermined' || after.outcome === 'undetermined'
      return !unknown || ['same', 'allowed-roles', 'undetermined'].includes(compare(before, after).change)
    },
  )

  test("the model's resolutions compare as ours do", () => {
    fc.assert(
      fc.property(pools, pools, semantics, (before, after, semantics) => {
        const ours = compareRoles(resolveRoles(before, { semantics }), resolveRoles(after, { semantics }))
        expect(compareRoles(modelResolve(before, semantics), modelResolve(after, semantics))).toEqual(ours)
      }),
    )
  })
})
