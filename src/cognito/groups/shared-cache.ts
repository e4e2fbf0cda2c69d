import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import * as z from 'zod/mini'
import { quote, RolecastError } from '../../errors.js'
import type { Group } from '../../group.js'
import { failure } from '../api/api-error.js'
import { precedence, someText } from '../api/responses.js'
import { amount, LONGEST_TIMER } from '../api/connection-options.js'
import type { GroupAnswer } from '../api/user-pool-api.js'

/** A Keyv, or anything with its `get`, `set` and `delete`: Redis, Valkey, DynamoDB, Memcached through Keyv's adapters. */
export interface SharedStore {
  get(key: string): Promise<unknown>
  /** `ttl` in whole milliseconds. An answer of `false` is a failure, as Keyv has it. */
  set(key: string, value: string, ttl: number): Promise<unknown>
  delete(key: string): Promise<unknown>
}

type Acquire = (key: string, owner: string, ttl: number) => Promise<boolean>

export interface SharedCacheOptions {
  readonly store: SharedStore
  /**
   * Takes a lease if nobody holds it, in one step: true for exactly one of all who ask, until `ttl` milliseconds have
   * passed or the store deletes this very key. With Redis, `SET key owner PX ttl NX`.
   *
   * Without it the lease is taken by writing, waiting `leaseSettle` and reading back, which lets a second one through
   * only where a write takes longer than that.
   */
  readonly acquire?: Acquire | undefined
  /**
   * Milliseconds after which the lease of a holder who is not heard of is free; a holder who is alive prolongs it.
   * Default: the time limit of a call, and a second.
   */
  readonly leaseTtl?: number | undefined
  /** Milliseconds between writing a lease and believing it. Default 100. Not used with `acquire`. */
  readonly leaseSettle?: number | undefined
  /** Milliseconds for one access to the store; then the lookup goes on without it. Default 250. */
  readonly timeout?: number | undefined
  /** Signs the entries. Without it, who can write to the store can give users roles. */
  readonly secret?: string | undefined
  /** What the keys begin with. Default `rolecast`. */
  readonly namespace?: string | undefined
}

/** What became of a look into the shared store. */
export interface SharedCacheHooks {
  readonly onHit: (groupName: string) => void
  /** The store failed or took too long. */
  readonly onFailure: (groupName: string, cause: unknown) => void
}

/** What the process knows of its own groups. */
export interface SharedCacheContext extends SharedCacheHooks {
  readonly userPoolId: string
  /** Milliseconds for one call to Cognito. */
  readonly callTimeout: number
  /** Milliseconds for which an answer is fresh. */
  readonly lifetime: (answer: GroupAnswer) => number
}

interface SharedLookup {
  readonly isUsable: (answer: GroupAnswer) => boolean
  readonly fetch: () => Promise<GroupAnswer>
  readonly signal: AbortSignal
  /** Milliseconds to wait for other processes at most, where there is something to fall back on. */
  readonly patience?: number | undefined
}

export interface SharedCache {
  /**
   * The fleet's answer if one is usable, else what `fetch` gets, which one process at a time does for all.
   *
   * @throws RolecastError as a rejection: what `fetch` throws, `aborted`, and `timeout` when the patience is at an end
   */
  get(groupName: string, lookup: SharedLookup): Promise<GroupAnswer>
  /** Never rejects. */
  delete(groupName: string): Promise<void>
}

/** Raised whenever the meaning of an entry changes: entries of another version are misses. */
const VERSION = 1

const entryShape = z.object({
  version: z.literal(VERSION),
  userPoolId: z.string(),
  groupName: z.string(),
  fetchedAt: z.number(),
  group: z.nullable(z.object({ precedence: z.nullable(precedence), roleArn: z.nullable(someText) })),
})

/** Milliseconds between two looks whether the lease's holder has written: at first, and at most. */
const FIRST_PAUSE = 25
const LONGEST_PAUSE = 250

/** After so many times `leaseTtl` a lease that never comes free is taken for a mistake of the store. */
const LEASES_TO_WAIT = 10

/** The store failed by itself, or did not answer in time. Both are told to `onFailure` already. */
const FAILED = Symbol('failed')
const LATE = Symbol('late')

interface Lease {
  /** Ends it, as far as it is still ours. */
  release(): Promise<void>
}

/**
 * A second level behind the cache of one process: what one process of a fleet has read, the others need not.
 *
 * An entry is believed only if it is of this version, of this pool and group, and signed where a `secret` is given. A
 * store that is down or slow is left aside: the process then asks Cognito itself. `docs/fleet.md` has the policy.
 *
 * @throws RolecastError `invalid-option`
 */
export function createSharedCache(context: SharedCacheContext, options: SharedCacheOptions): SharedCache {
  const { userPoolId, callTimeout, lifetime, onHit, onFailure } = context
  const { store, acquire, secret, namespace = 'rolecast' } = options
  const timeout = amount(options, 'timeout', 250, 1, LONGEST_TIMER)
  const leaseTtl = Math.ceil(
    amount(options, 'leaseTtl', Math.min(callTimeout + 1_000, LONGEST_TIMER), 1, LONGEST_TIMER),
  )
  const leaseSettle = amount(options, 'leaseSettle', Math.min(100, leaseTtl / 2), 0, leaseTtl)
  checkStore(store)
  // An empty one is a setting that got lost, and anybody could sign with it.
  if (secret === '')
    throw new RolecastError('invalid-option', '`secret` is empty; give a secret that the whole fleet shares, or none', {
      value: secret,
    })

  const keyOf = (kind: 'group' | 'lease', groupName: string) =>
    `${namespace}:${VERSION}:${kind}:${userPoolId}:${keyPart(groupName)}`

  async function ask<T>(groupName: string, access: () => T | Promise<T>): Promise<T | typeof FAILED | typeof LATE> {
    let timer: NodeJS.Timeout | undefined
    try {
      const late = new Promise<typeof LATE>(resolve => {
        // An answer that came while the process was busy is not late: it has its turn before the immediate.
        timer = setTimeout(() => setImmediate(resolve, LATE), timeout)
      })
      const answer = await Promise.race([access(), late])
      if (answer === LATE) onFailure(groupName, new Error(`it took longer than ${timeout} ms`))
      return answer
    } catch (cause) {
      onFailure(groupName, cause)
      return FAILED
    } finally {
      clearTimeout(timer)
    }
  }

  async function write(key: string, value: string, ttl: number): Promise<true> {
    // Keyv tells of a failure in this way, unless told to throw.
    if ((await store.set(key, value, ttl)) === false) throw new Error('it did not take the value')
    return true
  }

  /** The entry, if there is one to be believed. What cannot even be read is no entry, and will be overwritten. */
  async function read(groupName: string): Promise<GroupAnswer | typeof LATE | undefined> {
    const text = await ask(groupName, () => store.get(keyOf('group', groupName)))
    return text === LATE ? LATE : parseEntry(text, userPoolId, groupName, secret)
  }

  /** True: it is ours. False: another's. FAILED or LATE: there is no telling. */
  async function take(groupName: string, key: string, owner: string): Promise<boolean | typeof FAILED | typeof LATE> {
    if (acquire !== undefined) return takeAtOnce(groupName, key, owner, acquire)
    const holder = await ask(groupName, () => store.get(key))
    if (holder === LATE) return LATE
    if (holder !== FAILED && holder !== undefined && holder !== null) return false
    const written = await ask(groupName, () => write(key, owner, leaseTtl))
    if (written !== true) return written
    await sleep(leaseSettle)
    const settled = await ask(groupName, () => store.get(key))
    if (settled !== undefined && settled !== null)
      return settled === FAILED || settled === LATE ? settled : settled === owner
    onFailure(groupName, new Error('it forgot a lease that it had taken'))
    return FAILED
  }

  async function takeAtOnce(
    groupName: string,
    key: string,
    owner: string,
    acquire: Acquire,
  ): Promise<boolean | typeof FAILED | typeof LATE> {
    const since = Date.now()
    let asked: Promise<boolean> | undefined
    const taken = await ask(groupName, () => (asked = acquire(key, owner, leaseTtl)))
    if (taken !== LATE) return taken === FAILED ? FAILED : taken === true
    // It may still come, and then nobody is to wait for us.
    asked?.then(late => (late === true ? giveBack(key, owner, since) : undefined)).catch(() => {})
    return LATE
  }

  async function takeLease(groupName: string): Promise<Lease | 'taken' | 'no store'> {
    const key = keyOf('lease', groupName)
    const owner = randomUUID()
    const since = Date.now()
    const taken = await take(groupName, key, owner)
    if (taken === true) return holdLease(groupName, key, owner, since)
    if (taken === false) return 'taken'
    // What was written may be there all the same.
    if (acquire === undefined) giveBack(key, owner, since).catch(() => {})
    return 'no store'
  }

  /**
   * Whether a lease is still ours, going by the time (what ran out, while the process was frozen for example, may be
   * another's) and by what it says where it was written through the store. It can run out right after this look.
   */
  async function isOurs(key: string, owner: string, since: number): Promise<boolean> {
    if (!isWithin(leaseTtl, since)) return false
    return acquire !== undefined || ((await store.get(key)) === owner && isWithin(leaseTtl, since))
  }

  async function giveBack(key: string, owner: string, since: number): Promise<void> {
    if (await isOurs(key, owner, since)) await store.delete(key)
  }

  function holdLease(groupName: string, key: string, owner: string, taken: number): Lease {
    let since = taken
    let prolonging: Promise<unknown> = Promise.resolve()
    async function prolong(): Promise<void> {
      const now = Date.now()
      const prolonged = await ask(
        groupName,
        async () => (await isOurs(key, owner, since)) && write(key, owner, leaseTtl),
      )
      if (prolonged === true) since = now
    }
    const timer = setInterval(() => {
      prolonging = prolong()
    }, leaseTtl / 3)
    return {
      async release() {
        clearInterval(timer)
        await prolonging
        await ask(groupName, () => giveBack(key, owner, since))
      },
    }
  }

  async function publish(groupName: string, answer: GroupAnswer): Promise<boolean> {
    const entry = formatEntry(answer, userPoolId, groupName, secret)
    const ttl = Math.min(Math.max(1, Math.ceil(lifetime(answer))), LONGEST_TIMER)
    return (await ask(groupName, () => write(keyOf('group', groupName), entry, ttl))) === true
  }

  async function fetchForAll(groupName: string, lease: Lease, { isUsable, fetch }: SharedLookup): Promise<GroupAnswer> {
    let isStoreUp = true
    try {
      const answer = await fetch()
      // Not if it was invalidated meanwhile.
      if (isUsable(answer)) isStoreUp = await publish(groupName, answer)
      return answer
    } finally {
      const released = lease.release()
      // A store that just failed is not waited for again.
      if (isStoreUp) await released
    }
  }

  return {
    async get(groupName, lookup) {
      const { isUsable, fetch, signal, patience = leaseTtl * LEASES_TO_WAIT * (1 + Math.random()) } = lookup
      const began = performance.now()
      for (let pause = FIRST_PAUSE; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
        const early = await read(groupName)
        if (early === LATE) return fetch()
        if (early !== undefined && isUsable(early)) return hit(early)

        const lease = await takeLease(groupName)
        if (lease === 'no store') return fetch()
        if (lease !== 'taken') {
          // Its holder may have written between our look and our turn.
          const late = await read(groupName)
          if (late === undefined || late === LATE || !isUsable(late)) return fetchForAll(groupName, lease, lookup)
          await lease.release()
          return hit(late)
        }
        if (performance.now() - began >= patience)
          return lookup.patience === undefined ? fetchForAll(groupName, stuckLease(groupName), lookup) : giveUp()
        // Not all at the same time.
        await sleep(pause * (0.5 + Math.random()), undefined, { signal }).catch(() => {
          throw failure('aborted', { operation: 'GetGroup', userPoolId, groupName }, { cause: signal.reason })
        })
      }

      function hit(answer: GroupAnswer): GroupAnswer {
        onHit(groupName)
        return answer
      }
      function giveUp(): never {
        throw failure(
          'timeout',
          { operation: 'GetGroup', userPoolId, groupName },
          { note: `another process was at it for ${Math.round(patience)} ms` },
        )
      }
    },
    async delete(groupName) {
      await ask(groupName, () => store.delete(keyOf('group', groupName)))
    },
  }

  /** A lease that outlived every holder, because the store does not let go of what has run out. */
  function stuckLease(groupName: string): Lease {
    return { release: async () => void (await ask(groupName, () => store.delete(keyOf('lease', groupName)))) }
  }
}

function checkStore(store: unknown): void {
  const isStore =
    typeof store === 'object' &&
    store !== null &&
    ['get', 'set', 'delete'].every(name => typeof (store as Record<string, unknown>)[name] === 'function')
  if (!isStore)
    throw new RolecastError(
      'invalid-option',
      `\`store\` is ${quote(store)}; give a Keyv, or an object with its get, set and delete`,
      { value: store },
    )
}

/** Whether it is less than `limit` milliseconds since. A wall clock: time goes on while a process is frozen. */
function isWithin(limit: number, since: number): boolean {
  const age = Date.now() - since
  return age >= 0 && age < limit
}

/** The group's name as part of a key: itself, unless Memcached would not take it. */
function keyPart(groupName: string): string {
  return /^(?!#)[!-~]+$/.test(groupName) ? groupName : `#${createHash('sha256').update(groupName).digest('hex')}`
}

function formatEntry(
  { group, fetchedAt }: GroupAnswer,
  userPoolId: string,
  groupName: string,
  secret: string | undefined,
): string {
  const body = JSON.stringify({
    version: VERSION,
    userPoolId,
    groupName,
    fetchedAt,
    group: group === undefined ? null : { precedence: group.precedence ?? null, roleArn: group.roleArn ?? null },
  })
  return secret === undefined ? body : `${sign(body, secret)}${body}`
}

/** Undefined for whatever is not an entry of this version, pool and group: it is a miss, and overwritten by the next. */
function parseEntry(
  text: unknown,
  userPoolId: string,
  groupName: string,
  secret: string | undefined,
): GroupAnswer | undefined {
  if (typeof text !== 'string') return undefined
  const body = secret === undefined ? text : verified(text, secret)
  if (body === undefined) return undefined
  let content: unknown
  try {
    content = JSON.parse(body)
  } catch {
    return undefined
  }
  const { success, data: entry } = entryShape.safeParse(content)
  if (!success || entry.userPoolId !== userPoolId || entry.groupName !== groupName) return undefined
  const group: Group | undefined = entry.group === null ? undefined : Object.freeze({ groupName, ...entry.group })
  return { group, fetchedAt: entry.fetchedAt, order: 0 }
}

const SIGNATURE_LENGTH = 64

function sign(body: string, secret: string): string {
  return createHmac('sha256', secret).update(body).digest('hex')
}

function verified(text: string, secret: string): string | undefined {
  const body = text.slice(SIGNATURE_LENGTH)
  const given = Buffer.from(text.slice(0, SIGNATURE_LENGTH))
  const right = Buffer.from(sign(body, secret))
  return given.length === right.length && timingSafeEqual(given, right) ? body : undefined
}
