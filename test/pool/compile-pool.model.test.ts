import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Memberships, OUTCOMES } from '../../src/pool/resolve-many.js'
import { NO_ROLE } from '../../src/pool/columns.js'
import type { Group } from '../../src/group.js'
import { type CompiledPool, compilePool, type PoolResolution } from '../../src/pool/compile-pool.js'
import { type ResolveOptions, resolveRoles } from '../../src/claims/resolve.js'
import { groupNames, poolsWithDuplicates, precedenceNumbers, semantics } from '../arbitraries.js'
import { same } from '../same.js'
import { poolsOf } from '../small-pools.js'
import { SEMANTICS } from '../../src/claims/decide.js'

type Compile = typeof compilePool

/** What a compiled pool must answer, without compiling anything: `resolveRoles` of the groups that the names name. */
function expected(groups: readonly Group[], names: readonly string[], options: ResolveOptions): PoolResolution {
  const named = names.map(name => groups.find(group => group.groupName === name))
  return {
    ...resolveRoles(
      named.filter(group => group !== undefined),
      options,
    ),
    unknownGroups: [...new Set(names.filter((_name, index) => named[index] === undefined))],
  }
}

/** Many users' groups as columns. Something stands before the first and behind the last. */
function columnsOf(users: readonly (readonly number[])[], ids: typeof Uint16Array | typeof Uint32Array = Uint16Array) {
  const offsets = [2]
  for (const user of users) offsets.push(offsets.at(-1)! + user.length)
  return { offsets: Uint32Array.from(offsets), groupIds: ids.from([0xffff, 0xffff, ...users.flat(), 0xffff]) }
}

/** The columns of an answer, read as resolutions have it. */
function readMany(
  pool: CompiledPool,
  users: readonly (readonly number[])[],
  ids?: typeof Uint16Array | typeof Uint32Array,
) {
  const { outcomes, preferredRoleIds, roleOffsets, roleIds } = pool.resolveMany(columnsOf(users, ids), { roles: true })
  return users.map((_user, index) => ({
    outcome: OUTCOMES[outcomes[index]!],
    role: preferredRoleIds[index] === NO_ROLE ? undefined : pool.roles[preferredRoleIds[index]!],
    roles: [...roleIds.subarray(roleOffsets[index], roleOffsets[index + 1])].map(id => pool.roles[id]),
  }))
}
const inColumns = ({ outcome, preferredRole, candidateRole, roles }: PoolResolution) => ({
  outcome,
  role: preferredRole ?? candidateRole,
  roles,
})

describe('every pool of up to three groups, and every user it can have', () => {
  /** Some of the items, in every order. */
  function arrangements(items: readonly number[]): readonly (readonly number[])[] {
    return [
      [],
      ...items.flatMap(item => arrangements(items.filter(other => other !== item)).map(rest => [item, ...rest])),
    ]
  }

  interface Counted {
    readonly users: number
    readonly firstDifference?: unknown
  }

  function compareAll(compile: Compile): Counted {
    let users = 0
    for (const size of [0, 1, 2, 3]) {
      const orders = arrangements(Array.from({ length: size }, (_, id) => id))
      for (const groups of poolsOf(size)) {
        for (const semantics of SEMANTICS) {
          const pool = compile(groups, { semantics })
          const many = readMany(pool, orders)
          for (const [index, ids] of orders.entries()) {
            const names = ids.map(id => groups[id]!.groupName)
            const answer = expected(groups, names, { semantics })
            const answers = [pool.resolve(names), pool.resolveIds(ids), many[index]]
            const right = [answer, answer, inColumns(answer)]
            if (!same(answers, right)) return { users, firstDifference: { groups, names, semantics, answers, right } }
            users++
          }
        }
      }
    }
    return { users }
  }

  const USERS = (1 + 16 * 2 + 16 ** 2 * 5 + 16 ** 3 * 16) * SEMANTICS.length

  test('has the result of resolveRoles', () => {
    expect(compareAll(compilePool)).toEqual({ users: USERS })
  })

  const wrong: readonly (readonly [string, Compile])[] = [
    ['takes another semantics', groups => compilePool(groups, { semantics: 'roles-compete' })],
    ['forgets the order of the names', wrongPool(pool => ({ resolve: names => pool.resolve([...names].toSorted()) }))],
    [
      'forgets one of the unknown names',
      wrongPool(pool => ({ resolve: names => ({ ...pool.resolve(names), unknownGroups: ['x'] }) })),
    ],
    [
      'takes ids for ids of roles',
      wrongPool(pool => ({ resolveIds: ids => pool.resolveIds(Array.from(ids, id => id % 2)) })),
    ],
    [
      'grants the candidate in columns',
      wrongMany(many => ({
        outcomes: many.outcomes.map(outcome => (OUTCOMES[outcome] === 'undetermined' ? 1 : outcome)),
      })),
    ],
    [
      'prefers the first role whatever the outcome',
      wrongMany(many => ({
        preferredRoleIds: many.preferredRoleIds.map((_role, user) => many.roleIds[many.roleOffsets[user]!] ?? NO_ROLE),
      })),
    ],
    ['lists the roles by id', wrongMany(many => ({ roleIds: many.roleIds.toSorted() }))],
  ]
  test.each(wrong)('control: a difference is found where a pool %s', (_, compile) => {
    expect(compareAll(compile).firstDifference).toBeDefined()
  })
})

function wrongPool(change: (pool: CompiledPool) => Partial<CompiledPool>): Compile {
  return (groups, options) => {
    const pool = compilePool(groups, options)
    return { ...pool, ...change(pool) }
  }
}

type ManyWithRoles = ReturnType<typeof resolveManyWithRoles>
const resolveManyWithRoles = (pool: CompiledPool, memberships: Memberships) =>
  pool.resolveMany(memberships, { roles: true })

function wrongMany(change: (many: ManyWithRoles) => Partial<ManyWithRoles>): Compile {
  return wrongPool(pool => ({
    resolveMany: ((memberships: Memberships) => {
      const many = resolveManyWithRoles(pool, memberships)
      return { ...many, ...change(many) }
    }) as CompiledPool['resolveMany'],
  }))
}

/** A law, and its control: the same property must fail for pools that are wrong in just this. */
function law<Drawn>(sentence: string, wrong: Compile, property: (compile: Compile) => fc.IProperty<Drawn>): void {
  test(sentence, () => {
    fc.assert(property(compilePool), { numRuns: 500 })
  })
  test(`control: ${sentence}`, () => {
    expect(fc.check(property(wrong), { seed: 1, numRuns: 3000, endOnFailure: true }).failed).toBe(true)
  })
}

/** A pool that may have a name twice, and lists of names: its own, in any order and again, and others. */
const pooled: fc.Arbitrary<readonly [Group[], readonly (readonly string[])[]]> = poolsWithDuplicates.chain(groups => {
  const own = groups.length === 0 ? groupNames : fc.constantFrom(...groups.map(group => group.groupName))
  const names = fc.array(fc.oneof({ weight: 4, arbitrary: own }, { weight: 1, arbitrary: groupNames }), {
    maxLength: 9,
  })
  return fc.tuple(fc.constant(groups), fc.array(names, { maxLength: 12 }))
})

/** A pool with more roles and levels than those who sort a few by hand, and users in many of its groups. */
const crowds: fc.Arbitrary<readonly [Group[], readonly (readonly number[])[]]> = fc
  .array(fc.record({ precedence: fc.option(precedenceNumbers), role: fc.option(fc.nat({ max: 120 }), { freq: 8 }) }), {
    minLength: 1,
    maxLength: 200,
    size: 'max',
  })
  .map(kinds =>
    kinds.map(({ precedence, role }, id) => ({
      groupName: `g${id}`,
      precedence,
      roleArn: role === null ? null : `role ${role}`,
    })),
  )
  .chain(kinds =>
    fc.tuple(
      fc.constant(kinds),
      fc.array(fc.array(fc.nat({ max: kinds.length - 1 }), { maxLength: 150, size: 'max' }), { maxLength: 5 }),
    ),
  )

const named = (groups: readonly Group[], ids: readonly number[]) => ids.map(id => groups[id]!.groupName)

describe('laws', () => {
  law(
    'for any names, it is the result of resolveRoles for their groups, with the unknown names',
    wrongPool(pool => ({
      resolve: names => {
        const { unknownGroups, ...answer } = pool.resolve(names)
        return { ...answer, unknownGroups: unknownGroups.slice(0, 1) }
      },
    })),
    compile =>
      fc.property(pooled, semantics, ([groups, lists], semantics) => {
        const pool = compile(groups, { semantics })
        for (const names of lists) {
          expect(pool.resolve(names)).toStrictEqual(expected(groups, names, { semantics }))
        }
      }),
  )

  law('what was asked before has no influence', remembersTooWell, compile =>
    fc.property(pooled, semantics, fc.infiniteStream(fc.nat()), ([groups, lists], semantics, picks) => {
      fc.pre(lists.length > 0)
      const pool = compile(groups, { semantics })
      for (const pick of picks.take(30)) {
        const names = lists[pick % lists.length]!
        expect(pool.resolve(names)).toStrictEqual(expected(groups, names, { semantics }))
      }
    }),
  )

  law(
    'the result by ids is the result by their names',
    wrongPool(pool => ({ resolveIds: ids => pool.resolveIds(Array.from(ids).toReversed()) })),
    compile =>
      fc.property(crowds, semantics, ([groups, users], semantics) => {
        const pool = compile(groups, { semantics })
        for (const ids of users) {
          expect(pool.resolveIds(ids)).toStrictEqual(expected(groups, named(groups, ids), { semantics }))
          expect(pool.resolveIds(Uint32Array.from(ids))).toStrictEqual(pool.resolve(named(groups, ids)))
        }
      }),
  )

  law(
    'a result in columns is the same for every user, with Uint16 ids or Uint32',
    wrongMany(many => ({
      preferredRoleIds: many.preferredRoleIds.map((role, user) =>
        OUTCOMES[many.outcomes[user]!] === 'undetermined' ? NO_ROLE : role,
      ),
    })),
    compile =>
      fc.property(crowds, semantics, fc.constantFrom(Uint16Array, Uint32Array), ([groups, users], semantics, ids) => {
        const pool = compile(groups, { semantics })
        expect(readMany(pool, users, ids)).toStrictEqual(
          users.map(user => inColumns(expected(groups, named(groups, user), { semantics }))),
        )
      }),
  )

  law(
    'without the lists of roles the other columns are the same',
    wrongPool(pool => ({
      resolveMany: ((memberships: Memberships) =>
        resolveManyWithRoles(pool, memberships)) as CompiledPool['resolveMany'],
    })),
    compile =>
      fc.property(crowds, semantics, ([groups, users], semantics) => {
        const {
          roleOffsets: _,
          roleIds: __,
          ...columns
        } = compilePool(groups, { semantics }).resolveMany(columnsOf(users), { roles: true })
        expect(compile(groups, { semantics }).resolveMany(columnsOf(users))).toStrictEqual(columns)
      }),
  )

  test('the crowds have users with more roles than are sorted by hand, and every outcome', () => {
    const seen = new Set<string>()
    let most = 0
    for (const [groups, users] of fc.sample(crowds, { seed: 1, numRuns: 500 })) {
      for (const ids of users) {
        const { outcome, roles } = resolveRoles(ids.map(id => groups[id]!))
        seen.add(outcome)
        most = Math.max(most, roles.length)
      }
    }
    expect([...seen].toSorted()).toEqual(OUTCOMES.toSorted())
    expect(most).toBeGreaterThan(64)
  })
})

/** Keeps answers by their number of names and the first, the middle and the last: other names have the same. */
function remembersTooWell(groups: Iterable<Group>, options?: ResolveOptions): CompiledPool {
  const pool = compilePool(groups, options)
  const kept = new Map<string, PoolResolution>()
  return {
    ...pool,
    resolve(groupNames) {
      const names = [...groupNames]
      const key = JSON.stringify([names.length, names[0], names[names.length >>> 1], names.at(-1)])
      const answer = kept.get(key) ?? pool.resolve(names)
      kept.set(key, answer)
      return answer
    },
  }
}

describe('the size of a real pool', () => {
  const groups = Array.from({ length: 10_000 }, (_, id): Group => ({
    groupName: `group ${id}`,
    precedence: id % 10 === 9 ? null : (id * 7919) % 9973,
    roleArn: id % 5 === 4 ? null : `role ${id % 4000}`,
  }))

  test.each(SEMANTICS)('10,000 groups and levels, 100 groups a user, %s', semantics => {
    const pool = compilePool(groups, { semantics })
    const users = Array.from({ length: 101 }, (_, user) =>
      Array.from({ length: user }, (_, index) => (user * 31 + index * index * 17) % groups.length),
    )
    expect(readMany(pool, users)).toEqual(
      users.map(ids => inColumns(expected(groups, named(groups, ids), { semantics }))),
    )
    for (const ids of users)
      expect(pool.resolve(named(groups, ids))).toStrictEqual(expected(groups, named(groups, ids), { semantics }))
  })

  test('a user in all of them', () => {
    const all = groups.map((_group, id) => id).toReversed()
    const pool = compilePool(groups)
    const answer = { ...resolveRoles(groups.toReversed()), unknownGroups: [] }
    expect(pool.resolveIds(all)).toStrictEqual(answer)
    expect(readMany(pool, [all, all])).toStrictEqual([inColumns(answer), inColumns(answer)])
  })
})
