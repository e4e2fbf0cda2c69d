import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createGroupSource,
  createRoleResolver,
  type GroupSourceOptions,
  type Lookup,
} from '../../../src/cognito/index.js'
import { failureOf } from '../../failure-of.js'
import { useVirtualTime } from '../../virtual-time.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const PAGE = 60
/** Of a pool of so many groups no page is read instead of a call. */
const TOO_LARGE = 10_000
const pass = (ms: number) => new Promise<void>(resolve => void setTimeout(resolve, ms))
const names = (count: number, prefix = 'g') => Array.from({ length: count }, (_, index) => `${prefix}${index}`)

interface Value {
  readonly from: number
  /** Undefined: it does not exist. */
  readonly role: string | undefined
}

/** A pool in virtual time that remembers every value a group had. A response is as the pool was when it came in. */
function poolOf(latency: (call: number) => number = () => 30) {
  const history = new Map<string, Value[]>()
  const calls: string[] = []
  const set = (name: string, role: string | undefined) =>
    void history.set(name, [...(history.get(name) ?? []), { from: Date.now(), role }])
  const now = (name: string) => history.get(name)?.at(-1)?.role
  const toGroup = (name: string) => ({ GroupName: name, RoleArn: now(name) })
  const client = {
    async send({ input }: { readonly input: object }) {
      const { GroupName, NextToken } = input as { GroupName?: string; NextToken?: string }
      calls.push(GroupName ?? `LIST ${NextToken ?? 0}`)
      const from = Number(NextToken ?? 0)
      const all = [...history.keys()]
      const response =
        GroupName === undefined
          ? {
              Groups: all
                .slice(from, from + PAGE)
                .filter(now)
                .map(toGroup),
              ...(all.length > from + PAGE && { NextToken: String(from + PAGE) }),
            }
          : now(GroupName) === undefined
            ? Object.assign(new Error('Group not found.'), { name: 'ResourceNotFoundException' })
            : { Group: toGroup(GroupName) }
      await pass(latency(calls.length))
      if (response instanceof Error) throw response
      return response
    },
  }
  return { set, history, calls, client }
}

describe('lookups that wait take turns', () => {
  useVirtualTime()

  /** How many calls were sent between the question for one name and its own call, while so many lookups wait. */
  async function callsBefore(others: readonly (readonly string[])[], name = 'mine'): Promise<number> {
    const { client, calls } = poolOf()
    const source = createGroupSource({ userPoolId, client, poolSize: TOO_LARGE })
    // The first call loads the SDK.
    await source('first')
    await pass(2_000)
    const waiting = others.map(async those => source.lookup(those))
    await pass(500)
    const before = calls.length
    await source.lookup([name])
    const waited = calls.indexOf(name) - before
    await Promise.all(waiting)
    return waited
  }

  test('a lookup of one name waits for at most one turn of one of 100', async () => {
    expect(await callsBefore([names(100)])).toBeLessThanOrEqual(1)
  })

  test('control: it would wait for all of them if each name were a lookup of its own', async () => {
    expect(await callsBefore(names(100).map(name => [name]))).toBe(95)
  })

  test('and for at most one of each of ten', async () => {
    expect(await callsBefore(names(10, 'user').map(user => names(50, `${user} `.trim())))).toBeLessThanOrEqual(10)
  })

  test('a name that is last in a long lookup comes as soon as in a lookup of its own', async () => {
    expect(await callsBefore([[...names(99), 'mine']])).toBeLessThanOrEqual(1)
  })

  test('whoever waits, no lookup of one name waits for more than one call for each other lookup', async () => {
    const lookups = fc.record({
      wait: fc.nat(1_500),
      names: fc.oneof(
        fc.uniqueArray(fc.constantFrom(...names(30)), { minLength: 5, maxLength: 20 }),
        fc.tuple(fc.constantFrom(...names(40))),
      ),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(lookups, { minLength: 2, maxLength: 6 }), async plan => {
        const { client, calls } = poolOf()
        const source = createGroupSource({ userPoolId, client, poolSize: TOO_LARGE })
        await source('first')
        await pass(2_000)
        const waiting: Promise<unknown>[] = []
        for (const { wait, names: those } of plan) {
          await pass(wait)
          const before = calls.length
          const lookup = Promise.resolve(source.lookup(those))
          if (those.length === 1 && !calls.includes(those[0]!)) {
            const others = waiting.length
            waiting.push(lookup.then(() => expect(calls.indexOf(those[0]!) - before).toBeLessThanOrEqual(others)))
          } else waiting.push(lookup)
        }
        await Promise.all(waiting)
        expect(new Set(calls).size, 'a call serves all who wait').toBe(calls.length)
      }),
      { numRuns: 15 },
    )
  })

  test('what is fetched in the background for one lookup takes turns as one', async () => {
    const { client, calls, set } = poolOf()
    for (const name of names(100)) set(name, 'role')
    const source = createGroupSource({ userPoolId, client, ttl: 100, staleWhileRevalidate: 1_000_000 })
    await source.prefetch()
    await pass(5_000)
    expect(source.lookup(names(100))).toMatchObject({ stale: true })
    await pass(500)
    const before = calls.length
    await source.lookup(['mine'])
    expect(calls.indexOf('mine') - before).toBeLessThanOrEqual(1)
  })

  test('a lookup that was aborted delays no other', async () => {
    const { client, calls } = poolOf()
    const source = createGroupSource({ userPoolId, client, poolSize: TOO_LARGE })
    const controller = new AbortController()
    const given = failureOf(async () => source.lookup(names(100), { signal: controller.signal }))
    await pass(500)
    controller.abort()
    expect(await given).toMatchObject({ code: 'aborted' })
    await source.lookup(names(20, 'h'))
    expect(calls).toEqual([...names(5), ...names(20, 'h')])
  })
})

describe('no user is in more than 100 groups', () => {
  test('101 names are rejected by the promise, and no request is sent', async () => {
    const { client, calls } = poolOf()
    const source = createGroupSource({ userPoolId, client, requestsPerSecond: Infinity, concurrency: 1_000 })
    const plain = createRoleResolver({ source: name => (calls.push(name), undefined), userPoolId: 'any' })
    for (const ask of [
      () => source.lookup(names(101)),
      () => createRoleResolver({ source }).resolve(names(101)),
      () => plain.resolve(names(101)),
    ]) {
      const answer = ask()
      expect(answer).toBeInstanceOf(Promise)
      const error = await failureOf(async () => answer)
      expect(error).toMatchObject({ code: 'invalid-input', retryable: false, value: 101 })
      expect(error.message).toMatch(/^101 group names are more than the 100 that Cognito allows a user; check/)
    }
    expect(await failureOf(() => source.lookupCached(names(101)))).toMatchObject({ code: 'invalid-input' })
    expect(calls).toEqual([])
  })

  test('control: 100 are not, however often they are repeated', async () => {
    const { client } = poolOf(() => 0)
    const source = createGroupSource({ userPoolId, client, requestsPerSecond: Infinity, concurrency: 1_000 })
    expect((await source.lookup([...names(100), ...names(100)])).unknownGroups).toHaveLength(100)
  })
})

describe('a name that cannot exist is an unknown group', () => {
  const IMPOSSIBLE = ['', ' ', 'a b', 'a\nb', 'x'.repeat(129), '\ud83d', '\u0000', '\u202e']

  test.each(IMPOSSIBLE)('%j', async name => {
    const { client, calls, set } = poolOf(() => 0)
    set('a', 'A')
    const source = createGroupSource({ userPoolId, client, poolSize: TOO_LARGE })
    expect(await source.lookup(['a', name])).toMatchObject({
      groups: [{ roleArn: 'A' }],
      unknownGroups: [name],
      stale: false,
    })
    expect(source.lookupCached([name])).toMatchObject({ unknownGroups: [name], age: 0 })
    expect(source(name)).toBeUndefined()
    expect(await createRoleResolver({ source }).resolve([name, 'a'])).toMatchObject({
      outcome: 'none',
      roles: ['A'],
      unknownGroups: [name],
    })
    expect(calls, 'nothing is asked for it').toEqual(['a'])
    expect(source.stats()).toMatchObject({ size: 1, negative: 4, failed: 0 })
  })

  test('a plain source is not asked for it', async () => {
    const asked: string[] = []
    const { resolve } = createRoleResolver({ source: name => (asked.push(name), undefined), userPoolId: 'any' })
    expect(await resolve(['a', ...IMPOSSIBLE])).toMatchObject({ unknownGroups: ['a', ...IMPOSSIBLE] })
    expect(asked).toEqual(['a'])
  })

  test('control: what is not a string is rejected', async () => {
    const source = createGroupSource({ userPoolId, client: poolOf().client })
    for (const name of [7, null, undefined, {}, ['a']])
      expect(await failureOf(() => source.lookup([name as string]))).toMatchObject({ code: 'invalid-group-name' })
  })
})

describe('a whole listing that began after the question is believed', () => {
  useVirtualTime()

  test('100 unknown names cost the pages of the pool, and later ones nothing', async () => {
    const { client, calls, set } = poolOf()
    for (const name of names(100)) set(name, 'role')
    const source = createGroupSource({ userPoolId, client, poolSize: 100 })
    expect((await source.lookup(names(100, 'ghost'))).unknownGroups).toHaveLength(100)
    expect(calls).toEqual(['LIST 0', 'LIST 60'])
    expect(source.lookup(names(100, 'ghost'))).toMatchObject({ stale: false })
    expect(calls).toHaveLength(2)
  })

  test('one that began before it is not: a group could have been created between two pages', async () => {
    const { client, calls, set } = poolOf(call => (call === 1 ? 1_000 : 30))
    for (const name of names(60)) set(name, 'role')
    set('last', 'role')
    const source = createGroupSource({ userPoolId, client, poolSize: 61 })
    const listing = source.prefetch()
    await pass(500)
    set('g0', 'changed')
    set('new', 'role')
    const { groups, unknownGroups } = await source.lookup(['new', 'ghost', 'g1'])
    expect(groups.map(group => group.groupName)).toEqual(['new', 'g1'])
    expect(unknownGroups).toEqual(['ghost'])
    expect(calls.slice(0, 2)).toEqual(['LIST 0', 'LIST 60'])
    expect(calls.length).toBeGreaterThan(2)
    await listing
  })

  test('what it lacks is not cached if something was invalidated meanwhile', async () => {
    const { client, calls, set } = poolOf()
    set('a', 'A')
    const source = createGroupSource({ userPoolId, client, poolSize: 2 })
    const lookup = source.lookup(['x', 'y'])
    await pass(10)
    void source.invalidate('x')
    expect((await lookup).unknownGroups).toEqual(['x', 'y'])
    expect(source.lookupCached(['x'])).toBeUndefined()
    expect(calls).toEqual(['LIST 0'])
  })
})

describe('what is not stale was fresh when it was asked for', () => {
  useVirtualTime()

  test('a role that changed while a listing was under way, which a lookup joins 30 seconds later', async () => {
    const { client, set } = poolOf(call => (call === 1 ? 4_000 : 30))
    for (const name of names(100)) set(name, 'old')
    const options = { userPoolId, client, poolSize: 100, ttl: 1_000, timeout: 5_000 }
    const source = createGroupSource(options)
    const listing = source.prefetch()
    await pass(500)
    set('g0', 'new')
    await pass(1_500)
    const asked = Date.now()
    const lookup = await source.lookup(['g0', 'g1', 'g2'])
    expect(lookup).toMatchObject({ stale: false, groups: [{ roleArn: 'new' }, { roleArn: 'old' }, { roleArn: 'old' }] })
    expect(lookup.age - (Date.now() - asked)).toBeLessThan(1_000)
    await listing
  })

  test('a GetGroup that was sent longer ago than ttl is joined, and asked again', async () => {
    const { client, calls, set } = poolOf(call => (call === 1 ? 4_000 : 30))
    set('a', 'old')
    const source = createGroupSource({ userPoolId, client, ttl: 1_000, timeout: 5_000 })
    const early = source('a')
    await pass(500)
    set('a', 'new')
    await pass(1_500)
    const late = source('a')
    expect(await early).toMatchObject({ roleArn: 'old' })
    expect(await late).toMatchObject({ roleArn: 'new' })
    expect(calls).toEqual(['a', 'a'])
  })

  test('and so is an old "no such group"', async () => {
    const { client, set } = poolOf(call => (call === 1 ? 4_000 : 30))
    const source = createGroupSource({ userPoolId, client, negativeTtl: 1_000, timeout: 5_000 })
    const early = source('a')
    await pass(500)
    set('a', 'new')
    await pass(1_500)
    expect(await source('a')).toMatchObject({ roleArn: 'new' })
    expect(await early).toBeUndefined()
  })

  test('control: one that was sent within ttl is not asked again', async () => {
    const { client, calls, set } = poolOf(call => (call === 1 ? 4_000 : 30))
    set('a', 'old')
    const source = createGroupSource({ userPoolId, client, ttl: 3_000, timeout: 5_000 })
    const early = source('a')
    await pass(2_000)
    expect(await source('a')).toMatchObject({ roleArn: 'old' })
    await early
    expect(calls).toEqual(['a'])
  })

  type Action =
    | { readonly do: 'wait'; readonly ms: number }
    | { readonly do: 'change'; readonly name: string; readonly gone: boolean }
    | { readonly do: 'lookup'; readonly names: readonly string[] }
    | { readonly do: 'prefetch' }

  const NAMES = ['a', 'b', 'c', 'd']
  const someName = fc.constantFrom(...NAMES)
  const actions = fc.array(
    fc.oneof<fc.Arbitrary<Action>[]>(
      fc.record({ do: fc.constant('wait' as const), ms: fc.constantFrom(0, 1, 50, 99, 100, 101, 400) }),
      fc.record({ do: fc.constant('change' as const), name: someName, gone: fc.boolean() }),
      fc.record({ do: fc.constant('lookup' as const), names: fc.uniqueArray(someName, { minLength: 1 }) }),
      fc.constant({ do: 'prefetch' as const }),
    ),
    { minLength: 6, maxLength: 25, size: 'max' },
  )
  const TTL = 100

  /** Throws where an answer is not one that the pool gave at some time since `ttl` before the question. */
  const property = (options: Partial<GroupSourceOptions>) =>
    fc.asyncProperty(actions, fc.array(fc.constantFrom(0, 10, 150, 500), { minLength: 1 }), async (plan, latencies) => {
      const { client, set, history } = poolOf(call => latencies[call % latencies.length]!)
      for (const name of [...NAMES, ...names(70)]) set(name, `${name} 0`)
      const rates = { requestsPerSecond: Infinity, concurrency: 100 }
      const source = createGroupSource({ userPoolId, client, ...rates, ttl: TTL, negativeTtl: TTL, ...options })
      const waiting: Promise<unknown>[] = []
      for (const [step, action] of plan.entries()) {
        if (action.do === 'wait') await pass(action.ms)
        else if (action.do === 'change') set(action.name, action.gone ? undefined : `${action.name} ${step}`)
        else if (action.do === 'prefetch') waiting.push(source.prefetch())
        else waiting.push(check(action.names, source.lookup(action.names)))
        waiting.at(-1)?.catch(() => {})
      }
      await Promise.all(waiting)

      async function check(asked: readonly string[], lookup: Lookup | Promise<Lookup>): Promise<void> {
        const began = Date.now()
        const { groups, unknownGroups, stale, age } = await lookup
        expect(stale).toBe(false)
        expect(age - (Date.now() - began)).toBeLessThan(TTL)
        expect([...groups.map(group => group.groupName), ...unknownGroups].toSorted()).toEqual([...asked].toSorted())
        for (const name of asked) {
          const given = groups.find(({ groupName }) => groupName === name)?.roleArn ?? undefined
          const values = history.get(name)!
          const allowed = values.filter((_value, at) => (values[at + 1]?.from ?? Infinity) > began - TTL)
          expect(allowed.map(({ role }) => role)).toContain(given)
        }
      }
    })

  test('stale: false implies that no group had expired when the lookup began, nor any that does not exist', () =>
    fc.assert(property({}), { numRuns: 100 }))
  test('the same where lookups may list the pool', () => fc.assert(property({ poolSize: 60 }), { numRuns: 100 }))

  test.each<[string, Partial<GroupSourceOptions>]>([
    ['ttl', { ttl: TTL + 1 }],
    ['negativeTtl', { negativeTtl: TTL * 4 }],
  ])('control: a longer %s is noticed', async (_name, options) => {
    const found = await fc.check(property(options), { numRuns: 5_000, endOnFailure: true })
    expect(found.failed).toBe(true)
  })
})
