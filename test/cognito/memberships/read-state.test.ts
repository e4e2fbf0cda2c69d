import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createState, parseRecord, type ReadRecord } from '../../../src/cognito/memberships/read-state.js'
import { isRolecastError } from '../../../src/errors.js'
import { errorOf } from '../../failure-of.js'

/** Values that act when something makes a text or a promise of them, or looks at their length or prototype. */
const traps = fc.constantFrom<unknown>(
  ...[
    '{"toString":{}}',
    '{"toString":null,"valueOf":null}',
    '{"valueOf":1}',
    '{"then":{}}',
    '{"length":1e9}',
    '{"length":-1,"0":"a"}',
    '{"__proto__":{"kind":"users"}}',
    '{"__proto__":null}',
    '{"constructor":{"prototype":{}}}',
    '{"hasOwnProperty":1}',
    '["__proto__"]',
    '[[[[]]]]',
    '"__proto__"',
    '""',
    '"\\ud800"',
    '-1',
    '1e300',
    '0.5',
    'null',
    'true',
  ].map(text => JSON.parse(text) as unknown),
)
const group = { groupName: 'a', precedence: 1, roleArn: null, createdAt: 1 }
const RECORDS: readonly ReadRecord[] = [
  {
    kind: 'start',
    at: '2026-11-29T12:00:00.000Z',
    poolName: 'people',
    account: '111122223333',
    region: 'eu-west-1',
    strategy: 'per-user',
    parts: 16,
    attributes: ['email', '__proto__'],
    estimatedUsers: 3,
    groups: [group],
  },
  {
    kind: 'users',
    part: 1,
    users: [
      { username: 'u', sub: 'u', enabled: false, status: 'CONFIRMED', values: ['u@example.com', null] },
      { username: 'v', values: [null, 'x'] },
    ],
    next: 'token',
  },
  { kind: 'group', group: 0, usernames: ['u', 'w'], next: null },
  { kind: 'user', user: 0, groups: ['a'] },
  { kind: 'end', groups: [group], at: '2026-11-29T12:30:00.000Z' },
  { kind: 'details', user: 2, details: {}, at: '2026-11-29T12:30:00.001Z' },
]

/** Every place in a record, as the keys that lead to it. */
function placesIn(value: unknown, path: readonly string[] = []): readonly (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [path]
  return [path, ...Object.entries(value).flatMap(([key, part]) => placesIn(part, [...path, key]))]
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>
  Object.defineProperty(copy, key, {
    value: replaced(copy[key], rest, by),
    enumerable: true,
    configurable: true,
    writable: true,
  })
  return copy
}

/** Whether this throws nothing, or an error that says what to do. */
function typedErrorOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (!isRolecastError(error)) throw error
    expect(error.message).not.toMatch(/\p{Cc}/u)
    expect(error.message.length).toBeLessThan(2_000)
    return error.code
  }
}

describe('a record of a checkpoint', () => {
  test('control: those of a reading are taken', () => {
    const state = createState()
    for (const record of RECORDS) state.apply(parseRecord(JSON.parse(JSON.stringify(record))))
    expect([...state.memberships()]).toEqual([
      {
        username: 'u',
        sub: 'u',
        enabled: false,
        status: 'CONFIRMED',
        attributes: { email: 'u@example.com' },
        groups: ['a'],
      },
      { username: 'v', attributes: JSON.parse('{"__proto__":"x"}'), groups: [] },
      { username: 'w', groups: ['a'] },
    ])
    expect(state.endedAt).toBe('2026-11-29T12:30:00.001Z')
  })

  test('with a trap at any position is accepted as text or rejected with a typed error', () => {
    let rejected = 0
    let taken = 0
    const cases = fc.constantFrom(...RECORDS).chain(record => {
      return fc.record({ record: fc.constant(record), place: fc.constantFrom(...placesIn(record)), trap: traps })
    })
    fc.assert(
      fc.property(cases, ({ record, place, trap }) => {
        const code = typedErrorOf(() => parseRecord(replaced(record, place, trap)))
        if (code === undefined) taken++
        else rejected++
        expect([undefined, 'invalid-input']).toContain(code)
      }),
      { numRuns: 1_000 },
    )
    expect(taken).toBeGreaterThan(10)
    expect(rejected).toBeGreaterThan(500)
  })

  test('with a key more, whatever its name, is taken without it or rejected', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...RECORDS),
        fc.constantFrom('toString', 'valueOf', 'then', 'length', '__proto__', 'toJSON'),
        traps,
        (record, key, trap) => {
          const more = replaced(record, [key], trap)
          expect(typedErrorOf(() => expect({ ...parseRecord(more) }).toEqual(record))).toBeUndefined()
        },
      ),
    )
  })

  test('of any JSON is no more than a typed error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), traps), value => {
        expect(typedErrorOf(() => parseRecord(value))).toBe('invalid-input')
      }),
      { numRuns: 300 },
    )
  })
})

describe('records in any order', () => {
  const names = fc.constantFrom('a', 'b', '__proto__', 'constructor', 'length')
  const groups = fc.uniqueArray(names, { maxLength: 3 }).map(found => found.map(groupName => ({ ...group, groupName })))
  const ids = fc.oneof(fc.nat({ max: 4 }), fc.constantFrom(2 ** 31, 2 ** 32, 2 ** 40, Number.MAX_SAFE_INTEGER))
  const usernames = fc.array(names, { maxLength: 3 })
  const next = fc.constantFrom(null, 'token')
  const time = fc.constantFrom('2026-11-29T12:00:00.000Z', '2026-11-29T12:30:00.000Z')
  const details = {
    sub: fc.constantFrom('a', '__proto__', '0f0e0d0c-0b0a-4908-8706-050403020100'),
    enabled: fc.boolean(),
    status: fc.constantFrom('CONFIRMED', '__proto__'),
    values: fc.constantFrom([], [null], ['a@example.com']),
  }
  const record: fc.Arbitrary<ReadRecord> = fc.oneof(
    fc.record({
      kind: fc.constant('start' as const),
      at: time,
      poolName: fc.constantFrom(null, 'people'),
      account: fc.constantFrom(null, '111122223333'),
      region: fc.constantFrom(null, 'eu-west-1'),
      parts: fc.constantFrom(1 as const, 16 as const),
      attributes: fc.constantFrom([], ['email']),
      strategy: fc.constantFrom('per-group' as const, 'per-user' as const),
      estimatedUsers: fc.constantFrom(null, 3),
      groups,
    }),
    fc.record({
      kind: fc.constant('users' as const),
      part: fc.nat({ max: 2 }),
      users: fc.array(fc.record({ username: names, ...details }, { requiredKeys: ['username'] }), { maxLength: 3 }),
      next,
    }),
    fc.record(
      { kind: fc.constant('group' as const), group: ids, usernames, next, at: time },
      { requiredKeys: ['kind', 'group', 'usernames', 'next'] },
    ),
    fc.record(
      { kind: fc.constant('user' as const), user: ids, groups: usernames, at: time },
      { requiredKeys: ['kind', 'user', 'groups'] },
    ),
    fc.record({
      kind: fc.constant('details' as const),
      user: ids,
      details: fc.record(details, { requiredKeys: [] }),
      at: time,
    }),
    fc.record({ kind: fc.constant('end' as const), groups, at: time }),
  )

  test('are applied, or rejected with a typed error, and never anything else', () => {
    let rejected = 0
    fc.assert(
      fc.property(fc.array(record, { maxLength: 10 }), records => {
        const state = createState()
        const code = typedErrorOf(() => {
          for (const one of records) state.apply(one)
        })
        if (code !== undefined) rejected++
        expect([undefined, 'invalid-input']).toContain(code)
        state.changes()
        for (const { username, groups } of state.memberships()) {
          expect(typeof username).toBe('string')
          expect(new Set(groups).size).toBe(groups.length)
        }
      }),
      { numRuns: 1_000 },
    )
    expect(rejected).toBeGreaterThan(100)
  })

  test.each<[string, readonly ReadRecord[]]>([
    ['a page before the start', [RECORDS[1]!]],
    ['a second start', [RECORDS[0]!, RECORDS[0]!]],
    ['a second end', [RECORDS[0]!, RECORDS[4]!, RECORDS[4]!]],
    ['a group that is not there', [RECORDS[0]!, { kind: 'group', group: 1, usernames: [], next: null }]],
    ['a user who is not there', [RECORDS[0]!, { kind: 'user', user: 0, groups: [] }]],
    ['a part that is not there', [RECORDS[0]!, { kind: 'users', part: 17, users: [], next: null }]],
    [
      'a user with fewer values than attributes were asked for',
      [RECORDS[0]!, { kind: 'users', part: 0, users: [{ username: 'u', values: [null] }], next: null }],
    ],
    ['a page of users after the end', [RECORDS[0]!, RECORDS[4]!, RECORDS[1]!]],
    [
      'details before the end',
      [RECORDS[0]!, RECORDS[1]!, { kind: 'details', user: 0, details: {}, at: '2026-11-29T12:30:00.000Z' }],
    ],
    ['details of a user who is not there', [RECORDS[0]!, RECORDS[4]!, RECORDS[5]!]],
    ['a late page without its time', [RECORDS[0]!, RECORDS[4]!, RECORDS[2]!]],
    ['an early page with a time', [RECORDS[0]!, { ...RECORDS[2]!, at: '2026-11-29T12:00:00.000Z' } as ReadRecord]],
  ])('%s is rejected', (_what, records) => {
    const state = createState()
    expect(errorOf(() => records.forEach(state.apply))).toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('it does not follow from the records before'),
    })
  })
})
