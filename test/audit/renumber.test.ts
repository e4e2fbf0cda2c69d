import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Group, MAX_PRECEDENCE } from '../../src/group.js'
import { type Renumbered, suggestRenumbering } from '../../src/audit/renumber.js'
import { type Resolution, resolveRoles } from '../../src/claims/resolve.js'
import { pools, poolsWithDuplicates } from '../arbitraries.js'
import { errorOf } from '../failure-of.js'
import { type Semantics, SEMANTICS } from '../../src/claims/decide.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'

function group(groupName: string, precedence?: number | null, roleArn?: string | null): Group {
  return { groupName, precedence, roleArn }
}

const renumbered = (groups: readonly Group[], numbers: readonly Renumbered[]): readonly Group[] => {
  const after = new Map(numbers.map(({ groupName, after }) => [groupName, after]))
  return groups.map(one => ({ ...one, precedence: after.get(one.groupName) ?? null }))
}

const answer = ({ outcome, preferredRole, candidateRole }: Resolution) => ({ outcome, preferredRole, candidateRole })

/** Every set of groups that a user can have. */
function subsets<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.reduce<readonly (readonly T[])[]>(
    (some, item) => [...some, ...some.map(subset => [...subset, item])],
    [[]],
  )
}

function orders<T>(items: readonly T[]): readonly (readonly T[])[] {
  return items.length === 0
    ? [[]]
    : items.flatMap((item, index) => orders(items.toSpliced(index, 1)).map(rest => [item, ...rest]))
}

const resolve = (user: readonly Group[], semantics: Semantics) => resolveRoles(user, { semantics })

/** Users with a settled outcome, a role or none, whose answer another numbering changes, or who get another role than that of their tie. */
function changedUsers(pool: readonly Group[], numbers: readonly Renumbered[], semantics: Semantics): number {
  return subsets(pool.map((_, index) => index)).filter(user => {
    const before = resolve(
      user.map(index => pool[index]!),
      semantics,
    )
    if (before.outcome === 'ambiguous') return false
    const after = resolve(
      user.map(index => renumbered(pool, numbers)[index]!),
      semantics,
    )
    if (before.rule === 'roleless-contender') return after.preferredRole !== before.roles[0]
    return JSON.stringify(answer(after)) !== JSON.stringify(answer(before))
  }).length
}

describe('examples', () => {
  test.each<[string, Group[], string[]]>([
    ['numbers go up by ten, in rank order', [group('b', 7, B), group('a', 3, A)], ['a 3 10', 'b 7 20']],
    ['a tie keeps the order given', [group('b', 1, B), group('a', 1, A)], ['b 1 10', 'a 1 20']],
    [
      'of tied groups those without a role come last',
      [group('x', 1), group('a', 1, A), group('y', 1, ''), group('b', 1, B)],
      ['a 1 10', 'b 1 20', 'x 1 30', 'y 1 40'],
    ],
    [
      'of tied groups those of one role stand together',
      [group('a', 1, A), group('b', 1, B), group('c', 1, A)],
      ['a 1 10', 'c 1 20', 'b 1 30'],
    ],
    ['a group without a precedence keeps none', [group('a', null, A), group('b', 0, B), group('c')], ['b 0 10']],
    ['a name that comes twice counts once', [group('a', 5, A), group('a', 1, B)], ['a 5 10']],
    [
      'names are whatever they are',
      [group('__proto__', 1, '__proto__'), group('constructor', 1, A)],
      ['__proto__ 1 10', 'constructor 1 20'],
    ],
    ['no groups, no numbers', [], []],
  ])('%s', (_, groups, expected) => {
    expect(suggestRenumbering(groups).map(({ groupName, before, after }) => `${groupName} ${before} ${after}`)).toEqual(
      expected,
    )
  })

  test('what is not a group is rejected', () => {
    expect(errorOf(() => suggestRenumbering([group('a', 1.5)])).code).toBe('invalid-precedence')
    expect(errorOf(() => suggestRenumbering([group('')])).code).toBe('invalid-group')
  })
})

describe('laws', () => {
  test('every numbered group gets a number, none ties, and no rank is turned round', () => {
    fc.assert(
      fc.property(poolsWithDuplicates, pool => {
        const first = new Map(pool.toReversed().map(one => [one.groupName, one]))
        const numbers = suggestRenumbering(pool)
        expect(new Set(numbers.map(({ groupName }) => groupName))).toEqual(
          new Set([...first.values()].filter(({ precedence }) => precedence != null).map(({ groupName }) => groupName)),
        )
        expect(numbers.map(({ after }) => after)).toEqual(numbers.map((_, index) => 10 * (index + 1)))
        expect(numbers.map(({ before }) => before)).toEqual(
          numbers.map(({ before }) => before).toSorted((a, b) => a - b),
        )
        for (const { groupName, before } of numbers) expect(first.get(groupName)!.precedence).toBe(before)
      }),
    )
  })

  const small = pools.map(pool => pool.slice(0, 5))

  test.each(SEMANTICS)(
    'a user with a settled outcome keeps it and the role, and one in a tie of a role and none gets the role (%s)',
    semantics => {
      fc.assert(
        fc.property(small, pool => {
          expect(changedUsers(pool, suggestRenumbering(pool), semantics)).toBe(0)
        }),
        { numRuns: 200 },
      )
    },
  )

  test.each<[string, (pool: readonly Group[]) => readonly Group[]]>([
    [
      'that forgets which number a group has',
      pool => pool.map(one => ({ ...one, precedence: one.precedence == null ? null : 1 })),
    ],
    [
      'that turns the numbers round',
      pool =>
        pool.map(one => ({ ...one, precedence: one.precedence == null ? null : MAX_PRECEDENCE - one.precedence })),
    ],
  ])("control: a numbering %s changes somebody's answer", (_, order) => {
    const wrong = (pool: readonly Group[]) =>
      order(pool)
        .filter(one => one.precedence != null)
        .toSorted((a, b) => a.precedence! - b.precedence!)
        .map(({ groupName, precedence }, index) => ({ groupName, before: precedence!, after: index + 1 }))
    expect(
      fc.check(
        fc.property(small, pool => changedUsers(pool, wrong(pool), 'observed') === 0),
        { seed: 1, numRuns: 2000 },
      ).failed,
    ).toBe(true)
  })

  test('no numbering without ties keeps a user in a tie of different roles without a role, whatever the order of the groups', () => {
    // AWS's page to the letter lets groups without a precedence tie too, and they keep none.
    const numberings = SEMANTICS.filter(semantics => semantics !== 'documented')
    fc.assert(
      fc.property(
        pools.map(pool => pool.slice(0, 4)),
        fc.constantFrom(...numberings),
        (pool, semantics) => {
          const numbered = pool.filter(({ precedence }) => precedence != null)
          for (const user of subsets(pool)) {
            if (resolve(user, semantics).outcome !== 'ambiguous') continue
            for (const order of orders(numbered)) {
              const ranks = new Map(order.map(({ groupName }, index) => [groupName, index]))
              const after = resolve(
                user.map(one => ({ ...one, precedence: ranks.get(one.groupName) ?? null })),
                semantics,
              )
              expect(after.outcome).not.toBe('ambiguous')
            }
          }
        },
      ),
      { numRuns: 200 },
    )
  })

  test('control: with a tie it can', () => {
    expect(resolve([group('a', 2, A), group('b', 2, B)], 'observed').outcome).toBe('ambiguous')
    expect(
      resolve(
        renumbered(
          [group('a', 2, A), group('b', 2, B)],
          [
            { groupName: 'a', before: 2, after: 10 },
            { groupName: 'b', before: 2, after: 10 },
          ],
        ),
        'observed',
      ).outcome,
    ).toBe('ambiguous')
  })
})
