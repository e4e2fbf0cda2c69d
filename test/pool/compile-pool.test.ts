import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type Memberships,
  OUTCOMES,
  type ResolvedMany,
  type ResolvedManyWithRoles,
} from '../../src/pool/resolve-many.js'
import type { Group } from '../../src/group.js'
import { type CompiledPool, compilePool, type PoolResolution } from '../../src/pool/compile-pool.js'
import { NO_ROLE } from '../../src/pool/columns.js'
import { type Resolution, type ResolveOptions, resolveRoles } from '../../src/claims/resolve.js'
import { errorOf } from '../failure-of.js'
import type { Outcome } from '../../src/claims/decide.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'

function group(groupName: string, precedence?: number | null, roleArn?: string | null): Group {
  return { groupName, precedence, roleArn }
}

const groups = [
  group('admins', 1, A),
  group('editors', 2, B),
  group('vip', 0),
  group('tied', 1, B),
  group('staff'),
  group('unranked', null, B),
  group('beside', 2),
]
const pool = compilePool(groups)

function many(users: readonly (readonly number[])[]): Memberships {
  const offsets = [0]
  for (const user of users) offsets.push(offsets.at(-1)! + user.length)
  return { offsets: Uint32Array.from(offsets), groupIds: Uint16Array.from(users.flat()) }
}

describe('examples', () => {
  test('names are resolved as their groups are, in the order given, and unknown names are told', () => {
    expect(pool.resolve(['staff', 'gone', 'editors', 'admins', 'gone', 'editors'])).toStrictEqual({
      outcome: 'resolved',
      rule: 'lowest-precedence',
      evidence: 'observed',
      groups: ['staff', 'editors', 'admins'],
      roles: [A, B],
      determiningGroups: ['admins'],
      preferredRole: A,
      unknownGroups: ['gone'],
      claims: {
        'cognito:groups': ['staff', 'editors', 'admins'],
        'cognito:roles': [A, B],
        'cognito:preferred_role': A,
      },
    })
    expect(pool.resolve(['vip', 'editors', 'beside'])).toMatchObject({
      outcome: 'undetermined',
      candidateRole: B,
      determiningGroups: ['editors', 'beside'],
    })
  })

  test('no names, and none that the pool has', () => {
    expect(pool.resolve([])).toStrictEqual({ ...resolveRoles([]), unknownGroups: [] })
    expect(pool.resolve(['x', 'y', 'x'])).toStrictEqual({ ...resolveRoles([]), unknownGroups: ['x', 'y'] })
    expect(compilePool([]).resolve(['x'])).toStrictEqual({ ...resolveRoles([]), unknownGroups: ['x'] })
  })

  test('any iterable will do', () => {
    const answer = pool.resolve(['admins', 'tied'])
    expect(pool.resolve(new Set(['admins', 'tied']))).toStrictEqual(answer)
    expect(
      pool.resolve(
        (function* () {
          yield* ['admins', 'tied']
        })(),
      ),
    ).toStrictEqual(answer)
    expect(compilePool(new Set(groups)).resolve(['admins', 'tied'])).toStrictEqual(answer)
  })

  test('groups and roles have ids in the order in which they first come', () => {
    expect(pool.groups).toEqual(groups)
    expect(pool.roles).toEqual([A, B])
    expect(groups.map(({ groupName }) => pool.groupId(groupName))).toEqual([0, 1, 2, 3, 4, 5, 6])
    expect([A, B].map(pool.roleId)).toEqual([0, 1])
    expect([pool.groupId('gone'), pool.roleId('gone')]).toEqual([undefined, undefined])
    expect(pool.resolveIds([1, 0, 1])).toStrictEqual(pool.resolve(['editors', 'admins']))
  })

  test('many users, in columns', () => {
    const users = [[0, 1], [], [0, 3], [2, 1, 6], [4, 5], [4], [2, 1, 1, 5]]
    const { outcomes, preferredRoleIds, roleOffsets, roleIds } = pool.resolveMany(many(users), { roles: true })
    expect(Array.from(outcomes, outcome => OUTCOMES[outcome])).toEqual([
      'resolved',
      'none',
      'ambiguous',
      'undetermined',
      'none',
      'none',
      'resolved',
    ])
    expect([...preferredRoleIds]).toEqual([0, NO_ROLE, NO_ROLE, 1, NO_ROLE, NO_ROLE, 1])
    expect([...roleOffsets]).toEqual([0, 2, 2, 4, 5, 6, 6, 7])
    expect([...roleIds]).toEqual([0, 1, 0, 1, 1, 1, 1])
  })

  test('no users', () => {
    expect(pool.resolveMany(many([]))).toEqual({ outcomes: new Uint8Array(0), preferredRoleIds: new Int32Array(0) })
    expect(compilePool([]).resolveMany(many([[], []]))).toEqual({
      outcomes: new Uint8Array(2),
      preferredRoleIds: new Int32Array(2).fill(NO_ROLE),
    })
  })

  test('a byte that was never written grants nothing', () => {
    expect(OUTCOMES).toEqual(['none', 'resolved', 'ambiguous', 'undetermined'])
  })
})

describe('a pool is what it was when it was compiled', () => {
  test('what is done to the groups afterwards changes nothing', () => {
    const own = [{ groupName: 'a', precedence: 1, roleArn: A }]
    const compiled = compilePool(own)
    const answer = compiled.resolve(['a'])
    Object.assign(own[0]!, { groupName: 'b', precedence: null, roleArn: B })
    own.pop()
    expect(compiled.resolve(['a'])).toStrictEqual(answer)
    expect(compiled.groups).toHaveLength(1)
  })

  test('its groups and roles cannot be extended', () => {
    expect(Object.isFrozen(pool.groups) && Object.isFrozen(pool.roles)).toBe(true)
  })

  test('of the groups with one name the first counts, and the others have no id', () => {
    const compiled = compilePool([group('a', 2, A), group('a', 1, B), group('b', 3, B)])
    expect(compiled.groups).toEqual([group('a', 2, A), group('b', 3, B)])
    expect(compiled.groupId('b')).toBe(1)
    expect(compiled.roles).toEqual([A, B])
    expect(compiled.resolve(['a', 'b'])).toMatchObject({ preferredRole: A, roles: [A, B] })
  })
})

describe('what was resolved before', () => {
  const names = ['editors', 'admins']

  test('is not changed by what a caller does to its names or to its result', () => {
    const compiled = compilePool(groups)
    const own = [...names]
    const first = compiled.resolve(own)
    const answer = structuredClone(first)
    for (const list of [first.groups, first.roles, first.determiningGroups, first.unknownGroups])
      (list as string[]).push('planted')
    expect(compiled.resolve(own)).toStrictEqual(answer)
    own.reverse()
    expect(compiled.resolve(names)).toStrictEqual(answer)
  })
})

const at = (compiled: CompiledPool) => (groupName: string) => compiled.groups[compiled.groupId(groupName)!]!

describe('hostile names', () => {
  const hostile = [
    '__proto__',
    'constructor',
    'toString',
    'a,b',
    '<b>',
    '\u202Egnp',
    '\u0000',
    'é',
    'e\u0301',
    '0',
    '-1',
    'length',
  ]

  test('are names like any other', () => {
    const compiled = compilePool(hostile.map((name, index) => group(name, index, `role ${name}`)))
    expect(compiled.resolve(hostile)).toMatchObject({
      groups: hostile,
      roles: hostile.map(name => `role ${name}`),
      preferredRole: 'role __proto__',
    })
    expect(hostile.map(compiled.groupId)).toEqual(hostile.map((_name, index) => index))
  })

  test('are unknown where the pool does not have them', () => {
    expect(pool.resolve([...hostile, ''])).toStrictEqual({ ...resolveRoles([]), unknownGroups: [...hostile, ''] })
    expect(hostile.map(pool.groupId)).toEqual(hostile.map(() => undefined))
  })

  test('an array that resolves other names while it is read gets the result of its own', () => {
    const compiled = compilePool(groups)
    const meddling = new Proxy(['editors', 'admins', 'staff'], {
      get(target, key, receiver) {
        if (key === '2') compiled.resolve(['vip', 'tied', 'editors', 'admins'])
        return Reflect.get(target, key, receiver) as unknown
      },
    })
    const answer = { ...resolveRoles(['editors', 'admins', 'staff'].map(at(compiled))), unknownGroups: [] }
    for (let time = 0; time < 4; time++) expect(compiled.resolve(meddling)).toStrictEqual(answer)
    const meddlingIds = {
      length: 2,
      get 0() {
        return compiled.resolveIds([2, 3, 4]) && 1
      },
      get 1() {
        return compiled.resolveIds([3]) && 0
      },
    }
    expect(compiled.resolveIds(meddlingIds)).toStrictEqual(compiled.resolve(['editors', 'admins']))
  })

  test('an array that is longer when it is read again spoils no result of others', () => {
    const compiled = compilePool(groups)
    for (let time = 0; time < 3; time++) {
      let looks = 0
      const growing = new Proxy(['admins', 'vip', 'staff', 'gone'], {
        get: (target, key) => (key === 'length' && looks++ === 0 ? 3 : (Reflect.get(target, key) as unknown)),
      })
      expect(compiled.resolve(growing).unknownGroups).toEqual(['gone'])
    }
    for (let time = 0; time < 3; time++) expect(compiled.resolve(['admins', 'vip', 'staff']).unknownGroups).toEqual([])
  })
})

describe('columns', () => {
  const users = Array.from({ length: 1000 }, (_, user) =>
    Array.from({ length: user % 11 }, (_, index) => (user + index) % groups.length),
  )
  const bytes = (...columns: readonly ArrayBufferView[]) =>
    columns.reduce((sum, column) => sum + column.buffer.byteLength, 0)

  test('in and out they take no more than 28 bytes a user in five groups', () => {
    const memberships = many(users)
    expect(memberships.groupIds.length / users.length).toBeCloseTo(5, 1)
    const { outcomes, preferredRoleIds } = pool.resolveMany(memberships)
    expect(bytes(memberships.offsets, memberships.groupIds, outcomes, preferredRoleIds) / users.length).toBeLessThan(20)
  })

  test('lists of roles take no more room than the memberships', () => {
    const memberships = many(users)
    const { roleOffsets, roleIds } = pool.resolveMany(memberships, { roles: true })
    expect(bytes(roleOffsets, roleIds)).toBeLessThanOrEqual(bytes(memberships.offsets, memberships.groupIds))
  })

  test('what comes in is not changed, and each call gives columns of its own', () => {
    const memberships = many(users)
    const first = pool.resolveMany(memberships, { roles: true })
    expect(memberships).toEqual(many(users))
    const second = pool.resolveMany(memberships, { roles: true })
    expect(second).toEqual(first)
    for (const column of ['outcomes', 'preferredRoleIds', 'roleOffsets', 'roleIds'] as const) {
      expect(second[column].buffer).not.toBe(first[column].buffer)
    }
  })
})

describe('pools as large as none is', () => {
  // At 2^16 an id, and a number for "none", no longer fit into 16 bits.
  test.each([10_000, 65_535, 65_536, 65_537])('%i groups, no two alike', size => {
    const large = compilePool(Array.from({ length: size }, (_, id) => group(`group ${id}`, id * 30_000, `role ${id}`)))
    const last = size - 1
    const { offsets } = many([[last, 0], [last], []])
    const { outcomes, preferredRoleIds, roleIds } = large.resolveMany(
      { offsets, groupIds: Uint32Array.of(last, 0, last) },
      { roles: true },
    )
    expect([...outcomes].map(outcome => OUTCOMES[outcome])).toEqual(['resolved', 'resolved', 'none'])
    expect([...preferredRoleIds]).toEqual([0, last, NO_ROLE])
    expect([...roleIds]).toEqual([0, last, last])
    expect(large.resolveIds([last, 0])).toMatchObject({ preferredRole: 'role 0', roles: ['role 0', `role ${last}`] })
  })
})

describe('what is rejected', () => {
  const wrongGroups: readonly (readonly unknown[])[] = [
    [null],
    [{}],
    [group('')],
    [group('a', -1)],
    [group('a', 1.5)],
    [group('a', 2 ** 31)],
    [{ groupName: 'a', precedence: '1' }],
    [group('a', NaN)],
    [{ groupName: 'a', roleArn: 7 }],
    [group('a', 1, A), group('a', -1, A)],
    [group('\u202Ea', -1)],
  ]
  test.each(wrongGroups.map(given => [given]))('a pool with %j, as resolveRoles rejects it', given => {
    const [error, same] = [() => compilePool(given as Group[]), () => resolveRoles(given as Group[])].map(errorOf)
    expect({ ...error, message: error!.message }).toStrictEqual({ ...same, message: same!.message })
  })

  test('a semantics that there is not, before any group is read', () => {
    const options = { semantics: 'highest' } as unknown as ResolveOptions
    expect(errorOf(() => compilePool([group('')], options)).message).toBe(
      errorOf(() => resolveRoles([], options)).message,
    )
  })

  test.each<[unknown, string]>([
    ['admins', 'the group names are `admins`; give an array of them'],
    [undefined, 'the group names are `undefined`; give an array of them'],
    [null, 'the group names are `null`; give an array of them'],
    [7, 'the group names are `7`; give an array of them'],
    [{ length: 1, 0: 'admins' }, 'the group names are an object; give an array of them'],
  ])('the names %j', (names, message) => {
    expect(errorOf(() => pool.resolve(names as string[]))).toMatchObject({
      code: 'invalid-group-name',
      message,
      value: names,
    })
  })

  const noNames: readonly (readonly [unknown])[] = [
    [7],
    [null],
    [undefined],
    [['admins']],
    [Symbol('admins')],
    [new String('admins')],
  ]
  test.each(noNames)('a name %o, first, in the middle or last', name => {
    for (const place of [0, 1, 2]) {
      const names = ['admins', 'editors'].toSpliced(place, 0, name as string)
      expect(errorOf(() => pool.resolve(names))).toMatchObject({ code: 'invalid-group-name', value: name })
      expect(errorOf(() => pool.resolve(names)).message).toMatch(/ is not a group name; give strings$/)
    }
    expect(errorOf(() => pool.resolve([name] as string[]))).toMatchObject({ code: 'invalid-group-name' })
    expect(pool.resolve(['admins', 'editors']).groups).toEqual(['admins', 'editors'])
  })

  test.each<[unknown]>([[7], [-1], [0.5], ['0'], [undefined], [NaN], [2 ** 32], [null], [Infinity]])(
    'the group id %o',
    id => {
      expect(errorOf(() => pool.resolveIds([0, id as number]))).toMatchObject({
        code: 'invalid-input',
        value: id,
        message: `\`${String(id)}\` is not a group id of this pool, which has 7 groups; get one with \`groupId(name)\``,
      })
    },
  )

  test.each([[undefined], [null], [0], ['01'], [new Set([0])], [{}]])('%j for group ids', ids => {
    expect(errorOf(() => pool.resolveIds(ids as unknown as number[]))).toMatchObject({
      code: 'invalid-input',
      value: ids,
    })
  })

  const [offsets, groupIds] = [Uint32Array.of(0, 1, 2), Uint16Array.of(0, 1)]
  const shape = '`offsets` must be a Uint32Array that is not empty, `groupIds` a Uint16Array or Uint32Array; give both'
  test.each<[string, unknown, string]>([
    ['nothing', undefined, shape],
    ['no offsets', { groupIds }, shape],
    ['plain offsets', { offsets: [0, 1, 2], groupIds }, shape],
    ['not one offset', { offsets: new Uint32Array(0), groupIds }, shape],
    ['no ids', { offsets }, shape],
    ['bytes', { offsets, groupIds: Uint8Array.of(0, 1) }, shape],
    [
      'offsets that go back',
      { offsets: Uint32Array.of(0, 2, 1), groupIds },
      'the offset `1` at index 2 is not between 2 and 2; give ascending offsets',
    ],
    [
      'offsets beyond the ids',
      { offsets: Uint32Array.of(0, 1, 3), groupIds },
      'the offset `3` at index 2 is not between 1 and 2; give ascending offsets',
    ],
    [
      'a first offset beyond the ids',
      { offsets: Uint32Array.of(3), groupIds },
      'the offset `3` at index 0 is not between 0 and 2; give ascending offsets',
    ],
    [
      'an id of no group',
      { offsets, groupIds: Uint16Array.of(0, 7) },
      '`7` is not a group id of this pool, which has 7 groups; get one with `groupId(name)`',
    ],
    [
      'a large id of no group',
      { offsets, groupIds: Uint32Array.of(2 ** 32 - 1, 0) },
      '`4294967295` is not a group id of this pool, which has 7 groups; get one with `groupId(name)`',
    ],
  ])('memberships with %s', (_, memberships, message) => {
    for (const roles of [true, false]) {
      const error = errorOf(() => pool.resolveMany(memberships as Memberships, { roles }))
      expect(error).toMatchObject({ code: 'invalid-input', message })
    }
  })

  test('control: ids before the first offset and after the last belong to no user, and may be anything', () => {
    const { outcomes } = pool.resolveMany({ offsets: Uint32Array.of(1, 2), groupIds: Uint16Array.of(999, 0, 999) })
    expect([...outcomes]).toEqual([OUTCOMES.indexOf('resolved')])
  })
})

describe('types', () => {
  test('a resolution of a pool is a resolution, and lists of roles come only if requested', () => {
    expectTypeOf<PoolResolution>().toExtend<Resolution>()
    expectTypeOf(pool.resolveMany(many([]))).toEqualTypeOf<ResolvedMany>()
    expectTypeOf(pool.resolveMany(many([]), { roles: true })).toEqualTypeOf<ResolvedManyWithRoles>()
    expectTypeOf(OUTCOMES).toEqualTypeOf<readonly Outcome[]>()
  })
})
