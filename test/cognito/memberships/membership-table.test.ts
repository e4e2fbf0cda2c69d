import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import {
  createMembershipTable,
  halfSipHash13,
  type Memberships,
  type MembershipTable,
} from '../../../src/cognito/memberships/membership-table.js'
import { errorOf } from '../../failure-of.js'

/** Names that a careless table would lose, merge or trip over. */
const HOSTILE = [
  '',
  ' ',
  'a',
  'A',
  'a,b',
  '__proto__',
  'constructor',
  'hasOwnProperty',
  '<b>',
  '\0',
  'a\0',
  'a\n',
  '\u202ea',
  '\ufeffa',
  '\ufeff',
  '\ufffd',
  'é',
  'e\u0301',
  'ﬁ',
  'fi',
  'İ',
  'i',
  '\u{1f600}',
  '\ud83d\ude01',
  '\u{10ffff}',
  '用户',
  'x'.repeat(600),
  'é'.repeat(600),
]
const LONE = ['\ud83d', 'a\ud83d', '\ude00a', '\ude00\ud83d', 'x'.repeat(600) + '\udfff']
const wellFormed = (name: string) => !/\p{Surrogate}/u.test(name)

const usernames = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: 'grapheme' }),
  fc.uuid(),
  fc.stringMatching(/^[ab]{0,4}$/),
)

const groupsIn = (memberships: Memberships, userId: number) => [...memberships.groupsOf(userId)]

/** A fixed key, so that a failure comes again. */
const KEY = Uint32Array.of(0x03020100, 0x07060504)

describe('examples', () => {
  test('users and their groups', () => {
    const table = createMembershipTable()
    const [jane, joe] = [table.userId('jane'), table.userId('joe')]
    for (const group of [7, 3, 65_535, 3, 0]) table.addMembership(jane, group)
    expect([jane, joe, table.userId('jane'), table.size]).toEqual([0, 1, 0, 2])
    expect([table.find('joe'), table.find('jim'), table.username(1)]).toEqual([1, undefined, 'joe'])
    const memberships = table.build()
    expect(groupsIn(memberships, jane)).toEqual([0, 3, 7, 65_535])
    expect(groupsIn(memberships, joe)).toEqual([])
  })

  test('nobody', () => {
    const table = createMembershipTable()
    expect(table.size).toBe(0)
    expect(table.find('')).toBeUndefined()
    expect(table.build().offsets).toEqual(Uint32Array.of(0))
  })

  test('what is built stays as it is, and what comes later is in the next', () => {
    const table = createMembershipTable()
    table.addMembership(table.userId('a'), 1)
    const before = table.build()
    table.addMembership(table.userId('a'), 2)
    table.addMembership(table.userId('b'), 3)
    const after = table.build()
    expect([groupsIn(before, 0), groupsIn(after, 0), groupsIn(after, 1)]).toEqual([[1], [1, 2], [3]])
    expect(errorOf(() => before.groupsOf(1)).code).toBe('invalid-input')
  })

  test('a name longer than any chunk, between others', () => {
    const table = createMembershipTable()
    const names = ['a', 'b'.repeat(3_000_000), 'c', 'é'.repeat(2_000_000), 'd', '用'.repeat(349_525), 'e']
    for (const name of names) table.userId(name)
    expect(names.map((_name, id) => table.username(id))).toEqual(names)
    expect(names.map(name => table.find(name))).toEqual([0, 1, 2, 3, 4, 5, 6])
  })

  const chunk = 2 ** 20
  test.each([[chunk - 2], [chunk - 1], [chunk], [chunk + 1], [3 * chunk]])(
    'an empty name behind %d bytes, where a chunk ends',
    length => {
      const table = createMembershipTable()
      for (const name of ['x'.repeat(length), '', 'y']) expect(table.username(table.userId(name))).toBe(name)
      expect([table.find(''), table.find('y'), table.find('x'.repeat(length))]).toEqual([1, 2, 0])
    },
  )

  test.each(HOSTILE.map(name => [name]))('%j comes back as it went in', name => {
    const table = createMembershipTable()
    expect(table.username(table.userId(name))).toBe(name)
  })

  test('none of these names is another', () => {
    const table = createMembershipTable()
    expect(HOSTILE.map(name => table.userId(name))).toEqual(HOSTILE.map((_name, id) => id))
  })
})

describe('what is rejected', () => {
  test.each(LONE.map(name => [name]))('%j, which would become the name with U+FFFD in its place', name => {
    const table = createMembershipTable()
    const replaced = table.userId(Buffer.from(name).toString())
    expect(table.find(name)).toBeUndefined()
    expect(errorOf(() => table.userId(name))).toMatchObject({ code: 'malformed-response', value: name })
    expect(table.size).toBe(1)
    expect(table.find(Buffer.from(name).toString()), 'control: UTF-8 merges the two').toBe(replaced)
  })

  test.each([[-1], [65_536], [1.5], [NaN], [Infinity]])('%d as a group', group => {
    const table = createMembershipTable()
    const user = table.userId('a')
    expect(errorOf(() => table.addMembership(user, group))).toMatchObject({ code: 'invalid-input', value: group })
    expect(new Uint16Array([group])[0], 'control: 16 bits hold something else').not.toBe(group)
    expect(groupsIn(table.build(), user)).toEqual([])
  })

  test.each([[-1], [1], [0.5], [NaN]])('%d as a user', user => {
    const table = createMembershipTable()
    table.addMembership(table.userId('a'), 1)
    for (const use of [
      () => table.username(user),
      () => table.addMembership(user, 1),
      () => table.build().groupsOf(user),
    ]) {
      expect(errorOf(use)).toMatchObject({ code: 'invalid-input', value: user })
    }
  })
})

describe('laws', () => {
  type Step = readonly [username: string, groupId: number | undefined]
  const groupIds = fc.oneof(fc.nat(5), fc.integer({ min: 65_530, max: 65_535 }), fc.constant(undefined))
  const steps = fc.array(fc.tuple(usernames, groupIds), { maxLength: 200 })

  function fill(table: MembershipTable, model: Map<string, Set<number>>, given: readonly Step[]): void {
    for (const [username, group] of given) {
      if (!wellFormed(username)) continue
      const groups = model.get(username) ?? new Set()
      model.set(username, groups)
      const userId = table.userId(username)
      if (group === undefined) continue
      groups.add(group)
      table.addMembership(userId, group)
    }
  }

  function expectSame(table: MembershipTable, model: ReadonlyMap<string, ReadonlySet<number>>): void {
    const memberships = table.build()
    const { offsets, groupIds } = memberships
    const users = Array.from({ length: table.size }, (_, id) => id)
    const rows = [...model.values()].map(groups => [...groups].toSorted((a, b) => a - b))
    expect(users.map(id => table.username(id))).toEqual([...model.keys()])
    expect([...model.keys()].map(name => table.find(name))).toEqual(users)
    expect(users.map(id => groupsIn(memberships, id))).toEqual(rows)
    expect(users.map(id => [...groupIds.subarray(offsets[id], offsets[id + 1])])).toEqual(rows)
    expect([offsets.length, offsets.at(-1)]).toEqual([users.length + 1, groupIds.length])
  }

  test('it holds what a map of sets holds, before and after it was built', () => {
    fc.assert(
      fc.property(steps, steps, (first, second) => {
        const table = createMembershipTable(KEY)
        const model = new Map<string, Set<number>>()
        for (const given of [first, second]) {
          fill(table, model, given)
          expectSame(table, model)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('so it does with names by the ten thousand, which fill chunks and grow the table', () => {
    const table = createMembershipTable(KEY)
    const model = new Map<string, Set<number>>()
    fill(
      table,
      model,
      Array.from(
        { length: 60_000 },
        (_, i) => [`${'ü'.repeat(i % 40)}${(i * 7919) % 40_000}`, (i * 31) % 101] as const,
      ),
    )
    expect(model.size).toBeGreaterThan(39_000)
    expectSame(table, model)
    for (const name of ['', '40000', 'ü', '-1'])
      expect(table.find(name)).toBe(model.has(name) ? expect.any(Number) : undefined)
  })

  test('names that belong at the end of the table are found, before and after it grew', () => {
    const table = createMembershipTable(KEY)
    const names: string[] = []
    for (let i = 0; names.length < 5; i++) {
      const name = `end-${i}`
      if ((halfSipHash13(Buffer.from(name), 0, name.length, KEY) & 0x7ff) === 0x7ff) names.push(name)
    }
    const expectFound = () => expect(names.map(name => table.find(name))).toEqual(names.map((_name, id) => id))
    for (const name of names) table.userId(name)
    expectFound()
    for (let i = 0; names.length < 600; i++) names.push(`user-${i}`)
    for (const name of names) table.userId(name)
    expectFound()
  })

  test('the key changes nothing but the speed', () => {
    const keys = [Uint32Array.of(0, 0), Uint32Array.of(0xffffffff, 0xffffffff), KEY]
    const built = keys.map(key => {
      const table = createMembershipTable(key)
      for (let i = 0; i < 5_000; i++) table.addMembership(table.userId(`user-${i % 3_000}`), i % 7)
      return table.build()
    })
    expect(built[1]!.groupIds).toEqual(built[0]!.groupIds)
    expect(built[2]!.groupIds).toEqual(built[0]!.groupIds)
  })
})

describe('names made to collide', () => {
  /** The slot in a table of 4 096. */
  const slotOf = (name: string, key: Uint32Array) => halfSipHash13(Buffer.from(name), 0, name.length, key) & 0xfff

  test('the hash is HalfSipHash-1-3', () => {
    // Of no bytes, of 00, of 00 01, and so on: the values of the Linux kernel's own test, for the key of its test.
    const values = [
      0x5814c896, 0xe7e864ca, 0xbc4b0e30, 0x01539939, 0x7e059ea6, 0x88e3d89b, 0xa0080b65, 0x9d38d9d6, 0x577999b1,
      0xc839caed,
    ]
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i)
    expect(values.map((_value, length) => halfSipHash13(bytes, 0, length, KEY))).toEqual(values)
    expect(halfSipHash13(bytes, 0, 63, KEY)).toBe(0x87178304)
  })

  test('collide only with the key, which every table makes for itself', () => {
    const names: string[] = []
    for (let i = 0; names.length < 64; i++) if (slotOf(`user-${i}`, KEY) === 0) names.push(`user-${i}`)
    const slots = (key: Uint32Array) => new Set(names.map(name => slotOf(name, key))).size
    expect(slots(KEY), 'control: with the key known they are all in one slot').toBe(1)
    expect(slots(Uint32Array.of(1, 2))).toBeGreaterThan(55)

    const random = vi.spyOn(crypto, 'getRandomValues')
    createMembershipTable()
    createMembershipTable()
    const keys = random.mock.results.map(result => [...(result.value as Uint32Array)])
    random.mockRestore()
    expect(keys).toHaveLength(2)
    expect(keys[0]).toHaveLength(2)
    expect(keys[1]).not.toEqual(keys[0])
  })
})

describe('bytes', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void

  const USERS = 200_000
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0')
  const nameOf = (i: number) => `${hex((i * 2_654_435_761) % 2 ** 32, 8)}-4b1c-4d3e-8f5a-${hex(i, 12)}`

  /** By how much the memory grew, while what this gives is still in use. */
  function growth<T>(make: () => T): { readonly heap: number; readonly buffers: number; readonly made: T } {
    collect()
    const before = process.memoryUsage()
    const made = make()
    collect()
    const after = process.memoryUsage()
    return { heap: after.heapUsed - before.heapUsed, buffers: after.arrayBuffers - before.arrayBuffers, made }
  }

  test('200,000 users in five groups each take less than 32 MB of buffers and 2 MB of heap', () => {
    const { heap, buffers, made } = growth(() => {
      const table = createMembershipTable()
      for (let i = 0; i < USERS; i++) {
        const userId = table.userId(nameOf(i))
        for (let k = 0; k < 5; k++) table.addMembership(userId, (i * 7 + k * 1_999) % 10_000)
      }
      return { table, memberships: table.build() }
    })
    expect(buffers).toBeLessThan(32e6)
    expect(heap).toBeLessThan(2e6)
    expect(made.table.username(USERS - 1)).toBe(nameOf(USERS - 1))
    expect(made.memberships.groupIds).toHaveLength(USERS * 5)
  })

  test('control: as a map of sets they take more than 32 MB of heap', () => {
    const { heap, made } = growth(() => {
      const model = new Map<string, Set<number>>()
      for (let i = 0; i < USERS; i++)
        model.set(nameOf(i), new Set([0, 1, 2, 3, 4].map(k => (i * 7 + k * 1_999) % 10_000)))
      return model
    })
    expect(heap).toBeGreaterThan(32e6)
    expect(made.size).toBe(USERS)
  })
})
