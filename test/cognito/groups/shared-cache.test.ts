import { spawn } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import * as fc from 'fast-check'
import { Keyv } from 'keyv'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type CacheEvent,
  createGroupSource,
  type GroupSourceOptions,
  type SharedCacheOptions,
  type SharedStore,
} from '../../../src/cognito/index.js'
import { createSharedCache } from '../../../src/cognito/groups/shared-cache.js'
import { type FakePool, fakePool } from '../../models/source-model.js'
import { useVirtualTime } from '../../virtual-time.js'
import { failureOf } from '../../failure-of.js'

vi.mock('node:timers/promises', async () => (await import('../../virtual-time.js')).timersPromises())

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const ADMINS = { groupName: 'admins', precedence: 0, roleArn: role('Admin') }

// ------------------------------------------------------------------ a store, and what it does when it is ill

type Operation = 'get' | 'set' | 'delete' | 'acquire'

interface Memory extends SharedStore {
  acquire(key: string, owner: string, ttl: number): Promise<boolean>
  readonly kept: Map<string, { readonly value: unknown; readonly until: number }>
  readonly log: { readonly operation: Operation; readonly key: string; readonly ttl?: number }[]
  /** Comes before and after each operation; where it throws, the operation has failed. */
  way: (operation: Operation, key: string, when: 'there' | 'back') => unknown
}

function memory(): Memory {
  const kept: Memory['kept'] = new Map()
  const log: Memory['log'] = []
  const peek = (key: string) => {
    const entry = kept.get(key)
    return entry !== undefined && Date.now() < entry.until ? entry.value : undefined
  }
  async function perform<T>(operation: Operation, key: string, ttl: number | undefined, effect: () => T): Promise<T> {
    log.push({ operation, key, ...(ttl !== undefined && { ttl }) })
    await store.way(operation, key, 'there')
    const answer = effect()
    await store.way(operation, key, 'back')
    return answer
  }
  const put = (key: string, value: unknown, ttl: number) => void kept.set(key, { value, until: Date.now() + ttl })
  const store: Memory = {
    kept,
    log,
    way: () => {},
    get: key => perform('get', key, undefined, () => peek(key)),
    set: (key, value, ttl) => perform('set', key, ttl, () => put(key, value, ttl)),
    delete: key => perform('delete', key, undefined, () => kept.delete(key)),
    acquire: (key, owner, ttl) =>
      perform('acquire', key, ttl, () => {
        if (peek(key) !== undefined) return false
        put(key, owner, ttl)
        return true
      }),
  }
  return store
}

const groupKey = (groupName: string) => `rolecast:1:group:${userPoolId}:${groupName}`
const leaseKey = (groupName: string) => `rolecast:1:lease:${userPoolId}:${groupName}`

function poolWith(deliver?: Parameters<typeof fakePool>[0]): FakePool {
  const pool = fakePool(deliver)
  pool.groups.set('admins', { precedence: 0, roleArn: role('Admin') })
  pool.groups.set('plain', { precedence: null, roleArn: null })
  return pool
}

interface World {
  readonly pool: FakePool
  readonly store: Memory
  readonly clock: { now: number }
  readonly events: CacheEvent[]
  /** Another process of the fleet. */
  process(
    options?: Partial<GroupSourceOptions>,
    shared?: Partial<SharedCacheOptions>,
  ): ReturnType<typeof createGroupSource>
}

/** `atomic`: the lease is taken by `acquire`. */
function world({
  pool = poolWith(),
  store = memory(),
  atomic = true,
}: { pool?: FakePool; store?: Memory; atomic?: boolean } = {}): World {
  const clock = { now: 1_700_000_000_000 }
  const events: CacheEvent[] = []
  return {
    pool,
    store,
    clock,
    events,
    process: (options, shared) =>
      createGroupSource({
        userPoolId,
        client: pool,
        requestsPerSecond: Infinity,
        concurrency: 1_000,
        clock: () => clock.now,
        onEvent: event => events.push(event),
        ...options,
        sharedCache: { store, ...(atomic && { acquire: store.acquire }), leaseSettle: 20, ...shared },
      }),
  }
}

async function timed<T>(work: () => T | Promise<T>): Promise<{ readonly answer: T; readonly took: number }> {
  const began = performance.now()
  return { answer: await work(), took: performance.now() - began }
}

const unhandled: unknown[] = []
const note = (reason: unknown) => void unhandled.push(reason)
beforeAll(async () => {
  process.on('unhandledRejection', note)
  // It reads files, which virtual time does not wait for.
  await import('@aws-sdk/client-cognito-identity-provider')
})
afterAll(async () => {
  await sleep(10)
  process.off('unhandledRejection', note)
  expect(unhandled).toEqual([])
})

// ------------------------------------------------------------------

describe('what one process has read', () => {
  test('another process finds it in the store, with its true age, and calls nothing', async () => {
    const { process, pool, clock, events } = world()
    await process().lookup(['admins', 'plain', 'ghost'])
    clock.now += 7_000
    const second = process()
    const found = await second.lookup(['admins', 'plain', 'ghost'])
    expect(found).toMatchObject({
      groups: [ADMINS, { groupName: 'plain', precedence: null, roleArn: null }],
      unknownGroups: ['ghost'],
      stale: false,
      age: 7_000,
    })
    expect(found.groups.every(Object.isFrozen)).toBe(true)
    expect(pool.calls).toHaveLength(3)
    expect(second.stats()).toMatchObject({ miss: 3, call: 0, 'shared-hit': 3, 'shared-failed': 0, size: 3 })
    expect(events.filter(event => event.type === 'shared-hit').map(event => event.groupName)).toEqual([
      'admins',
      'plain',
      'ghost',
    ])
  })

  test('is cached by the other process no longer than if that had called itself', async () => {
    const { process, pool, clock } = world()
    await process().lookup(['admins', 'ghost'])
    clock.now += 9_999
    const second = process()
    await second.lookup(['admins', 'ghost'])
    clock.now += 1
    await second.lookup(['admins', 'ghost'])
    expect(
      pool.calls.map(call => call.about),
      'negativeTtl is over',
    ).toEqual(['admins', 'ghost', 'ghost'])
    clock.now += 50_000
    expect(second.lookupCached(['admins'])).toBeUndefined()
    await second('admins')
    expect(pool.calls.map(call => call.about)).toEqual(['admins', 'ghost', 'ghost', 'admins'])
  })

  test('is not found for another pool, or under another namespace', async () => {
    const { process, pool } = world()
    await process()('admins')
    await process({}, { namespace: 'staging' })('admins')
    await process({ userPoolId: 'eu-west-1_Other' })('admins')
    expect(pool.calls).toHaveLength(3)
  })

  test('is written for as long as it is fresh, in whole milliseconds that every store takes', async () => {
    const ttls = async (options: Partial<GroupSourceOptions>) => {
      const { process, store } = world()
      await process(options).lookup(['admins', 'ghost'])
      return store.log
        .filter(({ operation, key }) => operation === 'set' && key.includes(':group:'))
        .map(({ ttl }) => ttl)
    }
    expect(await ttls({})).toEqual([60_000, 10_000])
    expect(await ttls({ ttl: 1_500.5, negativeTtl: 0.1 })).toEqual([1_501, 1])
    expect(await ttls({ ttl: 2 ** 40 })).toEqual([2 ** 31 - 1, 10_000])
  })

  test.each([
    [{ name: 'a:b' }],
    [{ name: '#a' }],
    [{ name: '管理者-é-🙂' }],
    [{ name: '__proto__' }],
    [{ name: '𝒢'.repeat(64) }],
    [{ name: '{a}*' }],
  ])('has a key of its own, of printable ASCII and at most 250 bytes: %j', async ({ name }) => {
    const { process, pool, store } = world()
    pool.groups.set(name, { precedence: 4, roleArn: role('Odd') })
    await process()(name)
    expect(await process()(name)).toEqual({ groupName: name, precedence: 4, roleArn: role('Odd') })
    expect(pool.calls).toHaveLength(1)
    for (const { key } of store.log) expect(key).toMatch(/^[!-~]{1,250}$/)
  })

  test('is not touched if nothing is cached: with `ttl` 0 the store is never called', async () => {
    const { process, pool, store } = world()
    const source = process({ ttl: 0 })
    await source.lookup(['admins', 'ghost'])
    await source.lookup(['admins'])
    expect(pool.calls).toHaveLength(3)
    expect(store.log).toEqual([])
  })

  test('saves the whole fleet from listing the pool', async () => {
    const { process, pool } = world()
    const names = Array.from({ length: 5 }, (_, index) => `g${index}`)
    await process({ poolSize: 5 }).lookup(names)
    await process({ poolSize: 5 }).lookup(names)
    expect(pool.calls.map(call => call.about)).toEqual(names)
  })

  test('goes through a Keyv unchanged', async () => {
    const { process, pool } = world()
    const store = new Keyv()
    await process({}, { store, acquire: undefined }).lookup(['admins', 'ghost'])
    expect(await process({}, { store, acquire: undefined }).lookup(['admins', 'ghost'])).toMatchObject({
      groups: [ADMINS],
      unknownGroups: ['ghost'],
    })
    expect(pool.calls).toHaveLength(2)
  })
})

describe('an entry that is not to be believed is a miss, and is overwritten', () => {
  const SECRET = 'the secret of the fleet'
  const signed = (body: string, secret = SECRET) => createHmac('sha256', secret).update(body).digest('hex') + body
  const good = (now: number, changes: object = {}) => ({
    version: 1,
    userPoolId,
    groupName: 'admins',
    fetchedAt: now - 5_000,
    group: { precedence: 3, roleArn: role('FromStore') },
    ...changes,
  })

  /** What comes of a look into a store with this entry: the role, and how many calls it took. */
  async function lookAt(entry: (now: number) => unknown, secret?: string) {
    const { process, store, pool, clock } = world()
    const signedBy = secret === undefined ? {} : { secret }
    store.kept.set(groupKey('admins'), { value: entry(clock.now), until: Infinity })
    const { groups, age } = await process({}, signedBy).lookup(['admins'])
    const calls = pool.calls.length
    await process({}, signedBy)('admins')
    expect(pool.calls, 'the entry is a good one now').toHaveLength(calls)
    expect(store.kept.has(leaseKey('admins'))).toBe(false)
    return { role: groups[0]?.roleArn, age, calls }
  }
  const believed = (age: number) => ({ role: role('FromStore'), age, calls: 0 })
  const missed = { role: role('Admin'), age: 0, calls: 1 }

  test('control: a good entry is used', async () => {
    expect(await lookAt(now => JSON.stringify(good(now)))).toEqual(believed(5_000))
    expect(await lookAt(now => signed(JSON.stringify(good(now))), SECRET)).toEqual(believed(5_000))
  })

  test.each<[string, (now: number) => unknown]>([
    ['an older version', now => good(now, { version: 0 })],
    ['a newer version', now => good(now, { version: 2 })],
    ['no version', now => good(now, { version: undefined })],
    ['another pool', now => good(now, { userPoolId: 'eu-west-1_Other' })],
    ['another group', now => good(now, { groupName: 'Admins' })],
    ['the precedence "7"', now => good(now, { group: { precedence: '7', roleArn: role('FromStore') } })],
    ['the precedence -1', now => good(now, { group: { precedence: -1, roleArn: role('FromStore') } })],
    ['the precedence 1.5', now => good(now, { group: { precedence: 1.5, roleArn: role('FromStore') } })],
    ['the precedence 2^31', now => good(now, { group: { precedence: 2 ** 31, roleArn: role('FromStore') } })],
    ['no precedence', now => good(now, { group: { roleArn: role('FromStore') } })],
    ['a role that is a number', now => good(now, { group: { precedence: 3, roleArn: 7 } })],
    ['an empty role', now => good(now, { group: { precedence: 3, roleArn: '' } })],
    ['a group that is missing', now => good(now, { group: undefined })],
    ['a time in words', now => good(now, { fetchedAt: new Date(now).toISOString() })],
    ['no time', now => good(now, { fetchedAt: null })],
    ['a time in the future', now => good(now, { fetchedAt: now + 1_000 })],
    ['the time at which it went stale', now => good(now, { fetchedAt: now - 60_000 })],
    ['a list', now => [good(now)]],
    ['null', () => null],
  ])('%s', async (_name, entry) => {
    expect(await lookAt(now => JSON.stringify(entry(now)))).toEqual(missed)
    expect(await lookAt(now => signed(JSON.stringify(entry(now))), SECRET)).toEqual(missed)
  })

  test.each<[string, (now: number) => unknown]>([
    ['no JSON', () => '{"version":1'],
    ['an empty text', () => ''],
    ['HTML', () => '<html>'],
    ['an object where a text should be', now => good(now)],
    ['bytes', now => Buffer.from(JSON.stringify(good(now)))],
    ['a number', () => 7],
    ['null', () => null],
    ['true', () => true],
  ])('%s', async (_name, entry) => {
    expect(await lookAt(entry)).toEqual(missed)
    expect(await lookAt(entry, SECRET)).toEqual(missed)
  })

  test.each<[string, (now: number) => unknown]>([
    ['no signature', now => JSON.stringify(good(now))],
    ['the signature of another secret', now => signed(JSON.stringify(good(now)), 'guessed')],
    ['the signature of another text', now => signed('{}').slice(0, 64) + JSON.stringify(good(now))],
    ['a signature cut short', now => signed(JSON.stringify(good(now))).slice(1)],
    ['a signature in capitals', now => signed(JSON.stringify(good(now))).replace(/^.{64}/, hex => hex.toUpperCase())],
    ['a signature that is no ASCII', now => 'é'.repeat(64) + JSON.stringify(good(now))],
    ['a signature and nothing else', () => signed('')],
  ])('with a secret: %s', async (_name, entry) => {
    expect(await lookAt(entry, SECRET)).toEqual(missed)
  })

  test('without a secret a signed entry does not count either', async () => {
    expect(await lookAt(now => signed(JSON.stringify(good(now))))).toEqual(missed)
  })

  test('with a secret only the signed text is accepted, whatever is changed in it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), fc.string({ minLength: 1, maxLength: 3 }), fc.nat(3), async (where, text, drop) => {
        const entry = (now: number) => {
          const right = signed(JSON.stringify(good(now)))
          const at = where % right.length
          const other = right.slice(0, at) + text + right.slice(at + drop)
          return other === right ? '' : other
        }
        expect(await lookAt(entry, SECRET)).toEqual(missed)
      }),
      { numRuns: 100 },
    )
  })

  test('a clock that is less than a second ahead is not the future, and what it says is new', async () => {
    expect(await lookAt(now => JSON.stringify(good(now, { fetchedAt: now + 999 })))).toEqual(believed(0))
    expect(await lookAt(now => JSON.stringify(good(now, { fetchedAt: now - 59_999 })))).toEqual(believed(59_999))
  })

  test('and is cached like any other, until it expires', async () => {
    const { process, store, pool, clock } = world()
    store.kept.set(groupKey('admins'), {
      value: JSON.stringify(good(clock.now, { fetchedAt: clock.now + 999 })),
      until: Infinity,
    })
    const source = process()
    await source('admins')
    expect(source('admins')).toMatchObject({ precedence: 3 })
    clock.now += 60_999
    expect(await source('admins')).toEqual(ADMINS)
    expect(source('admins')).toEqual(ADMINS)
    expect(pool.calls).toHaveLength(1)
  })

  test('"no such group" from a clock ahead is not used where `negativeTtl` is 0', async () => {
    const { process, store, pool, clock } = world()
    store.kept.set(groupKey('admins'), {
      value: JSON.stringify(good(clock.now, { fetchedAt: clock.now + 500, group: null })),
      until: Infinity,
    })
    expect(await process({ negativeTtl: 0 })('admins')).toEqual(ADMINS)
    expect(pool.calls).toHaveLength(1)
  })

  test('an entry that Keyv itself cannot read is overwritten too', async () => {
    const { process, pool } = world()
    const kept = new Map<string, unknown>()
    const store = new Keyv({ store: kept })
    kept.set(`keyv:${groupKey('admins')}`, '{')
    await expect(store.get(groupKey('admins')), 'control').rejects.toThrow(SyntaxError)
    expect(await process({}, { store, acquire: undefined })('admins')).toEqual(ADMINS)
    expect(await process({}, { store, acquire: undefined })('admins')).toEqual(ADMINS)
    expect(pool.calls).toHaveLength(1)
  })
})

describe('a store that is down or slow', () => {
  useVirtualTime()
  const never = new Promise<never>(() => {})
  const TIMEOUT = 250
  const LEASE_SETTLE = 20

  type StoreFault = (operation: Operation, key: string) => unknown
  const broken = () => {
    throw new Error('connection refused')
  }
  const storeFaults: readonly (readonly [string, StoreFault, number])[] = [
    ['that refuses', async () => broken(), 0],
    ['that throws at once', broken, 0],
    ['that hangs', () => never, 1],
    ['that answers too late', () => sleep(3 * TIMEOUT), 1],
    ['that reads but does not write', operation => (operation === 'get' ? undefined : broken()), 0],
    ['that reads but hangs when it is to write', operation => (operation === 'get' ? undefined : never), 1],
    ['that hangs when it is to delete', operation => (operation === 'delete' ? never : undefined), 1],
    [
      'that hangs when it has given a lease',
      (operation, key) =>
        operation === 'delete' || (operation === 'set' && key.includes(':group:')) ? never : undefined,
      1,
    ],
  ]

  for (const atomic of [true, false]) {
    test.each(storeFaults)(
      `${atomic ? 'with `acquire`' : 'without `acquire`'}: %s costs no more than its time limit`,
      async (_name, fault, limits) => {
        const { process, pool, store, events } = world({ atomic })
        store.way = (operation, key, when) => (when === 'there' ? fault(operation, key) : undefined)
        const { answer, took } = await timed(() =>
          process({}, { timeout: TIMEOUT }).lookup(['admins', 'ghost', 'plain']),
        )
        expect(answer).toMatchObject({
          groups: [ADMINS, { groupName: 'plain' }],
          unknownGroups: ['ghost'],
          stale: false,
        })
        expect(took).toBeLessThan(limits * TIMEOUT + LEASE_SETTLE + 20)
        expect(pool.calls).toHaveLength(3)
        const told = events.filter(event => event.type === 'shared-failed')
        expect(told.length).toBeGreaterThanOrEqual(3)
        for (const { error } of told) expect(error).toMatchObject({ code: 'store-failed', retryable: true })
      },
    )
  }

  test('control: the limit is what ends the waiting', async () => {
    const { process, store } = world()
    store.way = () => never
    expect((await timed(() => process({}, { timeout: 600 })('admins'))).took).toBeGreaterThanOrEqual(600)
  })

  test.each([[true], [false]])(
    'a Keyv over a broken store responds in time, `throwOnErrors` %s',
    async throwOnErrors => {
      const { process, pool } = world()
      const adapter = {
        opts: {},
        get: async () => broken(),
        set: async () => broken(),
        delete: async () => broken(),
        clear: async () => {},
        on: () => adapter,
      }
      const store = new Keyv({ store: adapter, throwOnErrors })
      const source = process({}, { store, acquire: undefined })
      const { answer, took } = await timed(() => source('admins'))
      expect(answer).toEqual(ADMINS)
      expect(took).toBeLessThan(LEASE_SETTLE + 20)
      expect(pool.calls).toHaveLength(1)
      expect(source.stats()['shared-failed']).toBeGreaterThan(0)
    },
  )

  test('a store that swallows everything is noticed by the lease that it forgets', async () => {
    const { process, pool } = world()
    const store: SharedStore = { get: async () => undefined, set: async () => undefined, delete: async () => undefined }
    const source = process({}, { store, acquire: undefined })
    expect((await timed(() => source('admins'))).took).toBeLessThan(LEASE_SETTLE + 20)
    expect(pool.calls).toHaveLength(1)
    expect(source.stats()['shared-failed']).toBe(1)
  })

  test('a store that says it did not take an entry is noticed', async () => {
    const { process, store } = world()
    const source = process({}, { store: { ...store, set: async () => false } })
    expect(await source('admins')).toEqual(ADMINS)
    expect(source.stats()['shared-failed']).toBe(1)
  })

  test('is not called for cached groups', async () => {
    const { process, store } = world()
    const source = process()
    await source('admins')
    store.way = broken
    expect(source('admins')).toEqual(ADMINS)
  })

  test('is used again as soon as it works again', async () => {
    const { process, pool, store } = world()
    store.way = broken
    await process()('admins')
    store.way = () => {}
    await process()('admins')
    await process()('admins')
    expect(pool.calls).toHaveLength(2)
  })

  /** Holds the answers to an operation back, until they may come. */
  function holding(store: Memory, held: Operation): () => Promise<void> {
    let release = () => {}
    const gate = new Promise<void>(resolve => (release = resolve))
    store.way = (operation, _key, when) => (operation === held && when === 'back' ? gate : undefined)
    return async () => {
      release()
      await sleep(20)
    }
  }

  test('a lease that comes after the time limit is given back', async () => {
    const { process, store } = world()
    const release = holding(store, 'acquire')
    await process({}, { timeout: TIMEOUT })('admins')
    expect(store.kept.has(leaseKey('admins'))).toBe(true)
    await release()
    expect(store.kept.has(leaseKey('admins'))).toBe(false)
  })

  test('so is one that was written through the store', async () => {
    const { process, store } = world({ atomic: false })
    const release = holding(store, 'set')
    await process({}, { timeout: TIMEOUT })('admins')
    await release()
    expect(store.kept.has(leaseKey('admins'))).toBe(false)
  })

  test("a rejection that comes after the time limit leaves the other's lease alone", async () => {
    const { process, store } = world()
    await store.acquire(leaseKey('admins'), 'another', 60_000)
    const release = holding(store, 'acquire')
    await process({}, { timeout: TIMEOUT })('admins')
    await release()
    expect(store.kept.get(leaseKey('admins'))?.value).toBe('another')
  })
})

describe('one refresh at a time', () => {
  useVirtualTime()
  const slowly = (milliseconds: number) => poolWith(() => sleep(milliseconds))

  test.each([
    ['with `acquire`', true],
    ['without it, where writes are quicker than `leaseSettle`', false],
  ])('%s, 20 processes that start at the same time make one call for each group', async (_name, atomic) => {
    const { process, pool } = world({ pool: slowly(30), atomic })
    const sources = Array.from({ length: 20 }, () => process({}, { leaseSettle: 50 }))
    const found = await Promise.all(sources.map(source => source.lookup(['admins', 'plain', 'ghost'])))
    for (const { groups, unknownGroups } of found)
      expect({ groups: groups.length, unknownGroups }).toEqual({ groups: 2, unknownGroups: ['ghost'] })
    expect(pool.calls).toHaveLength(3)
    expect(sources.reduce((sum, source) => sum + source.stats()['shared-hit'], 0)).toBe(57)
  })

  test('control: without a store they make 60', async () => {
    const pool = slowly(30)
    const sources = Array.from({ length: 20 }, () =>
      createGroupSource({ userPoolId, client: pool, requestsPerSecond: Infinity, concurrency: 100 }),
    )
    await Promise.all(sources.map(source => source.lookup(['admins', 'plain', 'ghost'])))
    expect(pool.calls).toHaveLength(60)
  })

  test('a holder that died is waited for until its lease runs out, and then one of the others asks', async () => {
    const { process, pool, store } = world()
    await store.acquire(leaseKey('admins'), 'dead', 400)
    const sources = Array.from({ length: 5 }, () => process())
    const { took } = await timed(() => Promise.all(sources.map(source => source('admins'))))
    expect(took).toBeGreaterThanOrEqual(400)
    expect(took, 'and one pause at most, which is random').toBeLessThan(400 + 375)
    expect(pool.calls).toHaveLength(1)
  })

  test('a holder that takes longer than its lease lasts, because it must wait for its turn, keeps it', async () => {
    for (const atomic of [true, false]) {
      const { process, pool } = world({ pool: slowly(450), atomic })
      const first = process({}, { leaseTtl: 150 })
      const waiting = first('admins')
      await sleep(100)
      await Promise.all([waiting, process({}, { leaseTtl: 150 })('admins')])
      expect(pool.calls).toHaveLength(1)
    }
  })

  test('control: a lease that cannot be prolonged lets a second one through', async () => {
    const { process, pool, store } = world({ pool: slowly(450) })
    store.way = (operation, key) => {
      if (operation === 'set' && key === leaseKey('admins')) throw new Error('read only')
    }
    const waiting = process({}, { leaseTtl: 150 })('admins')
    await sleep(100)
    await Promise.all([waiting, process({}, { leaseTtl: 150 })('admins')])
    expect(pool.calls.length).toBeGreaterThan(1)
  })

  test('the failure of the holder is its own: the others ask one after the other, and stop when one has got it', async () => {
    const { process, pool } = world({ pool: slowly(20) })
    pool.faults.left = 3
    let together = 0
    const sources = Array.from({ length: 10 }, () =>
      process({ onEvent: ({ type }) => type === 'call' && (together = Math.max(together, underWay(pool))) }),
    )
    const outcomes = await Promise.allSettled(sources.map(async source => source('admins')))
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(3)
    expect(outcomes.filter(outcome => outcome.status === 'fulfilled').map(({ value }) => value)).toEqual(
      Array.from({ length: 7 }, () => ADMINS),
    )
    expect(pool.calls).toHaveLength(4)
    expect(together, 'when a call begins, none is under way').toBe(0)
  })

  test('a process that looked before the entry existed, and gets the lease after its holder, looks again', async () => {
    const { process, pool, store } = world()
    const first = process()
    const second = process()
    let taken: unknown
    store.way = async (operation, key, when) => {
      if (operation !== 'acquire' || when === 'back' || taken !== undefined) return
      taken = key
      await first('admins')
    }
    expect(await second('admins')).toEqual(ADMINS)
    expect(pool.calls).toHaveLength(1)
    expect(second.stats()['shared-hit']).toBe(1)
    expect(store.kept.has(leaseKey('admins'))).toBe(false)
  })

  test('when it is done it lets go of the lease for good, though it was just prolonging it', async () => {
    const { process, store } = world({ pool: slowly(70) })
    store.way = (operation, key, when) =>
      operation === 'set' && key === leaseKey('admins') && when === 'there' ? sleep(60) : undefined
    await process({}, { leaseTtl: 150 })('admins')
    expect(
      store.log.filter(({ operation, key }) => operation === 'set' && key === leaseKey('admins')),
      'control',
    ).toHaveLength(1)
    const looks = store.log.length
    await sleep(120)
    expect(store.kept.has(leaseKey('admins'))).toBe(false)
    expect(store.log.length).toBe(looks)
  })

  test("a lease that has become another's is left to it", async () => {
    const { process, store } = world({ pool: slowly(150), atomic: false })
    const waiting = process({}, { leaseTtl: 10_000 })('admins')
    await sleep(80)
    store.kept.set(leaseKey('admins'), { value: 'another', until: Infinity })
    await waiting
    expect(store.kept.get(leaseKey('admins'))?.value).toBe('another')
  })

  test('a store that never expires leases blocks no process forever', async () => {
    const { process, pool, store } = world()
    store.kept.set(leaseKey('admins'), { value: 'dead', until: Infinity })
    const { took } = await timed(() => process({}, { leaseTtl: 20 })('admins'))
    expect(took, '10 to 20 times its length, and one pause').toBeLessThan(20 * 20 + 375)
    expect(pool.calls).toHaveLength(1)
    expect(store.kept.has(leaseKey('admins')), 'and the next is not held at all').toBe(false)
  })

  test('a caller that gives up waiting gets `aborted` immediately', async () => {
    const { process, pool, store } = world()
    await store.acquire(leaseKey('admins'), 'slow', 60_000)
    const controller = new AbortController()
    const reason = new Error('enough')
    setTimeout(() => controller.abort(reason), 60)
    const { answer, took } = await timed(() => failureOf(() => process()('admins', { signal: controller.signal })))
    expect(answer).toMatchObject({ code: 'aborted', groupName: 'admins' })
    expect(answer.cause).toBe(reason)
    expect(took).toBe(60)
    const looks = store.log.length
    await sleep(300)
    expect(store.log.length, 'nothing goes on in its name').toBeLessThanOrEqual(looks + 2)
    expect(pool.calls).toHaveLength(0)
  })

  test('of the shared cache itself the abort is a typed error', async () => {
    const { store } = world()
    await store.acquire(leaseKey('admins'), 'slow', 60_000)
    const context = { userPoolId, callTimeout: 5_000, lifetime: () => 60_000, onHit: () => {}, onFailure: () => {} }
    const controller = new AbortController()
    const fetch = () => Promise.reject(new Error('not asked for'))
    const waiting = createSharedCache(context, { store, acquire: store.acquire }).get('admins', {
      isUsable: () => true,
      fetch,
      signal: controller.signal,
    })
    setTimeout(() => controller.abort(), 10)
    expect(await failureOf(() => waiting)).toMatchObject({ code: 'aborted', groupName: 'admins' })
  })

  test('a holder that gives up leaves the lease to the next', async () => {
    const { process, pool, store } = world({ pool: slowly(200) })
    const controller = new AbortController()
    const first = failureOf(() => process()('admins', { signal: controller.signal }))
    while (pool.calls.length === 0) await sleep(5)
    controller.abort()
    expect((await first).code).toBe('aborted')
    const { answer, took } = await timed(() => process()('admins'))
    expect(answer).toEqual(ADMINS)
    expect(took).toBeLessThan(1_000)
    expect(store.kept.has(leaseKey('admins'))).toBe(false)
  })
})

describe('a process that stands still', () => {
  test('is not taken for a slow store', async () => {
    // An answer from outside, as from a socket: it comes while the process is busy.
    const outside = spawn('cat', { stdio: ['pipe', 'pipe', 'ignore'] })
    const answer = async () => {
      outside.stdin.write('?')
      await once(outside.stdout, 'data')
    }
    try {
      await answer()
      const { process, store } = world()
      await process()('admins')
      store.way = (_operation, _key, when) => (when === 'back' ? answer() : undefined)
      const source = process({}, { timeout: 100 })
      const waiting = source('admins')
      // The question is on its way, and nothing has been heard yet.
      for (let step = 0; step < 50; step++) await undefined
      for (const end = Date.now() + 400; Date.now() < end;);
      expect(await waiting).toEqual(ADMINS)
      expect(source.stats()).toMatchObject({ 'shared-hit': 1, 'shared-failed': 0, call: 0 })
    } finally {
      outside.kill()
    }
  })

  test('a lease that ran out while the process stood still is left to whoever has it', async () => {
    const { process, store } = world({ pool: poolWith(() => sleep(50)) })
    const waiting = process({}, { leaseTtl: 300 })('admins')
    await sleep(20)
    store.kept.set(leaseKey('admins'), { value: 'another', until: Infinity })
    // No timer fires meanwhile, as in a Lambda that is frozen.
    for (const end = Date.now() + 350; Date.now() < end;);
    await waiting
    expect(store.kept.get(leaseKey('admins'))?.value).toBe('another')
  })
})

const underWay = (pool: FakePool, about?: string) =>
  pool.calls.filter(call => call.state === 'under way' && (about === undefined || call.about === about)).length

describe('in any order of what the store and Cognito do', () => {
  interface Seen {
    readonly pool: FakePool
    readonly outcomes: readonly PromiseSettledResult<unknown>[]
    /** The most calls for one group that were under way at one time. */
    readonly together: number
  }

  interface Plan {
    readonly processes: readonly (readonly string[])[]
    readonly failures: number
  }
  const plans = fc.record<Plan>({
    processes: fc.array(fc.uniqueArray(fc.constantFrom('admins', 'ghost'), { minLength: 1 }), {
      minLength: 2,
      maxLength: 4,
    }),
    failures: fc.constant(0),
  })

  /** Each way to the store and back, and each answer of Cognito, comes when the scheduler likes. */
  async function race(
    s: fc.Scheduler,
    { processes, failures }: Plan,
    change: (store: Memory) => Partial<SharedCacheOptions> = () => ({}),
  ): Promise<Seen> {
    const store = memory()
    store.way = (operation, key, when) => s.schedule(Promise.resolve(), `${operation} ${key} ${when}`)
    const pool = poolWith(call => s.schedule(Promise.resolve(), `answer ${call.about}`))
    pool.faults.left = failures
    let together = 0
    const watched: FakePool = {
      ...pool,
      send(command, options) {
        const sent = pool.send(command, options)
        for (const name of ['admins', 'ghost']) together = Math.max(together, underWay(pool, name))
        return sent
      },
    }
    const { process } = world({ pool: watched, store })
    const shared = { timeout: 20_000, leaseTtl: 20_000, ...change(store) }
    const all = Promise.allSettled(processes.map(async names => process({}, shared).lookup(names)))
    const ended = all.then(() => true)
    while (!(await Promise.race([ended, s.count() > 0 ? s.waitOne() : sleep(1)])));
    return { pool, outcomes: await all, together }
  }

  const answered = ({ processes }: Plan, { outcomes }: Seen) =>
    outcomes.every((outcome, index) => {
      if (outcome.status === 'rejected') return false
      const names = processes[index]!
      const { groups, unknownGroups } = outcome.value as { groups: unknown[]; unknownGroups: string[] }
      return (
        groups.length === (names.includes('admins') ? 1 : 0) &&
        unknownGroups.length === (names.includes('ghost') ? 1 : 0)
      )
    })
  const callsOf = ({ pool }: Seen, name: string) => pool.calls.filter(call => call.about === name).length
  const atMostOneCall = (plan: Plan, seen: Seen) =>
    answered(plan, seen) &&
    ['admins', 'ghost'].every(
      name => callsOf(seen, name) === Number(plan.processes.some(names => names.includes(name))),
    )

  test('processes that start at the same time make one call for each group, and all get all groups', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), plans, async (s, plan) => atMostOneCall(plan, await race(s, plan))),
      { numRuns: 40 },
    )
  })

  test('no two calls for a group are ever under way together, however many fail', async () => {
    const failing = fc.record({
      processes: fc.constant([['admins'], ['admins'], ['admins'], ['ghost']]),
      failures: fc.integer({ min: 1, max: 4 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), failing, async (s, plan) => {
        const seen = await race(s, plan)
        const failed = seen.outcomes.filter(({ status }) => status === 'rejected').length
        return seen.together === 1 && failed === plan.failures && seen.pool.calls.length <= plan.failures + 2
      }),
      { numRuns: 25 },
    )
  })

  test.each<[string, (store: Memory) => Partial<SharedCacheOptions>]>([
    ['a lease that everybody gets', () => ({ acquire: async () => true })],
    [
      'a lease that is taken in two steps',
      store => ({
        acquire: async (key, owner, ttl) => {
          if ((await store.get(key)) !== undefined) return false
          await store.set(key, owner, ttl)
          return true
        },
      }),
    ],
    ['a store that keeps no groups', store => ({ store: { ...store, set: async () => {} } })],
  ])('control: %s breaks the law of one call', async (_name, change) => {
    const result = await fc.check(
      fc.asyncProperty(fc.scheduler(), plans, async (s, plan) => atMostOneCall(plan, await race(s, plan, change))),
      { numRuns: 40, endOnFailure: true },
    )
    expect(result.failed).toBe(true)
  })
})

describe('forgetting', () => {
  test('`invalidate` of a name also takes it out of the store, and its promise waits for that', async () => {
    const { process, pool, store } = world()
    const source = process()
    await source('admins')
    pool.groups.set('admins', { precedence: 9, roleArn: null })
    await source.invalidate('admins')
    expect(store.kept.has(groupKey('admins'))).toBe(false)
    expect(await source('admins')).toMatchObject({ precedence: 9 })
    expect(await process()('admins')).toMatchObject({ precedence: 9 })
  })

  test('it takes effect immediately, before the promise is fulfilled, and also if the store is down', async () => {
    const { process, pool, store, clock } = world()
    const source = process()
    await source('admins')
    pool.groups.set('admins', { precedence: 9, roleArn: null })
    clock.now += 5
    store.way = operation => {
      if (operation === 'delete') throw new Error('read only')
    }
    const forgetting = source.invalidate('admins')
    clock.now += 5
    expect(await source('admins')).toMatchObject({ precedence: 9 })
    await forgetting
  })

  test('an entry from before that comes back is not believed, and one from after is', async () => {
    const { process, pool, store, clock } = world()
    const source = process()
    await source('admins')
    const old = store.kept.get(groupKey('admins'))!
    clock.now += 5
    await source.invalidate('admins')
    store.kept.set(groupKey('admins'), old)
    clock.now += 5
    expect(await process()('admins'), 'control: who did not forget it believes it').toEqual(ADMINS)
    expect(pool.calls).toHaveLength(1)
    await source('admins')
    expect(pool.calls).toHaveLength(2)
    await source.invalidate('admins')
    clock.now += 5
    await process()('admins')
    await source('admins')
    expect(pool.calls).toHaveLength(3)
  })

  test('the response of a call that was under way is not written', async () => {
    let answer = () => {}
    const { process, store, clock, pool } = world({
      pool: poolWith(() => new Promise<void>(resolve => (answer = resolve))),
    })
    const source = process()
    const waiting = source('admins')
    while (pool.calls.length === 0) await sleep(1)
    clock.now += 5
    await source.invalidate('admins')
    answer()
    expect(await waiting).toEqual(ADMINS)
    expect(store.kept.size).toBe(0)
  })

  test('`invalidate` of everything: nothing from before is believed by this process', async () => {
    const { process, pool, clock } = world()
    const source = process()
    await source('admins')
    clock.now += 5
    await source.invalidate()
    clock.now += 5
    await source('admins')
    expect(pool.calls).toHaveLength(2)
  })

  test('of more names than are remembered, none comes back', async () => {
    const { process, pool, clock } = world()
    const names = ['g1', 'g2', 'g3', 'g4', 'g5']
    const source = process({ max: 2, negativeTtl: 60_000 })
    await source.lookup(names)
    const other = process({ negativeTtl: 60_000 })
    clock.now += 5
    for (const name of names) void source.invalidate(name)
    await sleep(5)
    clock.now -= 5
    await other.lookup(names)
    expect(pool.calls).toHaveLength(10)
    clock.now += 10
    await source.lookup(names)
    expect(pool.calls).toHaveLength(15)
  })
})

describe('expired groups', () => {
  useVirtualTime()

  test('`staleIfError` serves them when the store has nothing newer and Cognito fails', async () => {
    const { process, pool, clock } = world()
    const source = process({ staleIfError: 60_000 })
    await source('admins')
    clock.now += 70_000
    pool.faults.left = Infinity
    expect(await source.lookup(['admins'])).toMatchObject({ groups: [ADMINS], stale: true, age: 70_000 })
    expect(source.stats()).toMatchObject({ failed: 1, stale: 1 })
  })

  test('what another process has read since comes first', async () => {
    const { process, pool, clock } = world()
    const source = process({ staleIfError: 60_000 })
    await source('admins')
    clock.now += 70_000
    await process()('admins')
    pool.faults.left = Infinity
    clock.now += 1_000
    expect(await source.lookup(['admins'])).toMatchObject({ stale: false, age: 1_000 })
  })

  test('a caller with an expired group waits for other processes no longer than for a call', async () => {
    const { process, pool, store, clock } = world()
    const source = process({ staleIfError: 60_000, timeout: 200 })
    await source('admins')
    clock.now += 70_000
    await store.acquire(leaseKey('admins'), 'slow', 60_000)
    const { answer, took } = await timed(() => source.lookup(['admins']))
    expect(answer).toMatchObject({ stale: true, age: 70_000 })
    expect(took).toBeGreaterThanOrEqual(200)
    expect(took, 'and one pause at most, which is random').toBeLessThan(200 + 375)
    expect(pool.calls).toHaveLength(1)
  })

  test('`staleWhileRevalidate` returns immediately and reads the store in the background', async () => {
    const { process, pool, clock } = world()
    const source = process({ staleWhileRevalidate: 60_000 })
    await source('admins')
    clock.now += 70_000
    await process()('admins')
    expect(pool.calls).toHaveLength(2)
    clock.now += 1_000
    expect(await source.lookup(['admins'])).toMatchObject({ stale: true, age: 71_000 })
    await sleep(20)
    expect(await source.lookup(['admins'])).toMatchObject({ stale: false, age: 1_000 })
    expect(pool.calls).toHaveLength(2)
  })

  test('groups that are too old in a snapshot are looked up in the store first', async () => {
    const { process, pool, store, clock } = world()
    const snapshot = { version: 1, userPoolId, takenAt: clock.now, Groups: [{ GroupName: 'admins', Precedence: 7 }] }
    const source = createGroupSource({
      snapshot,
      maxAge: 1_000,
      client: pool,
      clock: () => clock.now,
      sharedCache: { store, acquire: store.acquire },
    })
    expect(source('admins')).toMatchObject({ precedence: 7 })
    expect(store.log).toEqual([])
    clock.now += 1_000
    await process()('admins')
    clock.now += 10
    expect(await source.lookup(['admins'])).toMatchObject({ groups: [ADMINS], stale: false, age: 10 })
    expect(source.lookupCached(['admins'])).toBeDefined()
    expect(pool.calls).toHaveLength(1)
  })

  test('a group that was found deleted does not come back with an older entry', async () => {
    const { process, pool, store, clock } = world()
    await process()('admins')
    const old = store.kept.get(groupKey('admins'))!
    store.kept.clear()
    pool.groups.delete('admins')
    clock.now += 5_000
    const source = process()
    expect(await source('admins')).toBeUndefined()
    store.kept.set(groupKey('admins'), old)
    clock.now += 11_000
    expect(await process()('admins'), 'control: it is fresh to who knows nothing').toEqual(ADMINS)
    expect(await source('admins')).toBeUndefined()
    expect(pool.calls).toHaveLength(3)
  })
})

describe('invalid options are rejected', () => {
  test.each<[string, Partial<SharedCacheOptions>]>([
    ['no store', { store: undefined as unknown as SharedStore }],
    ['a store without `set`', { store: { get: async () => {}, delete: async () => {} } as unknown as SharedStore }],
    ['an empty secret', { secret: '' }],
    ['a secret that got lost', { secret: undefined } as never],
    ['a secret that is null', { secret: null } as never],
    ['a secret that is no text', { secret: 7 } as never],
    ['an empty namespace', { namespace: '' }],
    ['a namespace that got lost', { namespace: undefined } as never],
    ['an acquire that is no function', { acquire: true } as never],
    ['a timeout of 0', { timeout: 0 }],
    ['a timeout that no timer keeps', { timeout: Infinity }],
    ['a lease of no time', { leaseTtl: 0 }],
    ['a lease in words', { leaseTtl: '6s' as unknown as number }],
    ['a lease that runs out before it is believed', { leaseTtl: 100, leaseSettle: 101 }],
  ])('%s', async (_name, options) => {
    const error = await failureOf(() => world().process({}, options))
    expect(error).toMatchObject({ code: 'invalid-option', retryable: false })
    expect(error.message).not.toContain('undefined is not')
  })
})
