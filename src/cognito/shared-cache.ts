import { createHmac, randomUUID, timingSafeEqual } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type Group, MAX_PRECEDENCE } from '../group.js'
import type { GroupAnswer } from './user-pool-api.js'

/** A Keyv, or anything with its `get`, `set` and `delete`: Redis, Valkey, DynamoDB, Memcached through Keyv's adapters. */
export interface SharedStore {
  get(key: string): Promise<unknown>
  /** `ttl` in milliseconds. */
  set(key: string, value: string, ttl: number): Promise<unknown>
  delete(key: string): Promise<unknown>
}

export interface SharedCacheOptions {
  readonly store: SharedStore
  /**
   * Takes a lease if nobody holds it, in one step: true for exactly one of all who ask until `ttl` milliseconds have
   * passed or it is deleted from the store. With Redis, `SET key owner NX PX ttl`.
   *
   * Without it the lease is taken by writing, waiting `leaseSettle` and reading back, which lets a second one through
   * only where a write takes longer than that.
   */
  readonly acquire?: ((key: string, owner: string, ttl: number) => Promise<boolean>) | undefined
  /** Milliseconds a lease lasts if its holder is never heard of again. Default: the time limit of a call, and a second. */
  readonly leaseTtl?: number | undefined
  /** Milliseconds between writing a lease and believing it. Default 100. Not used with `acquire`. */
  readonly leaseSettle?: number | undefined
  /** Milliseconds for one access to the store; then the process goes on without it. Default 250. */
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

export interface SharedCache {
  /** The fleet's answer if one is usable, else what `fetch` gets, which one process at a time does for all. */
  get(groupName: string, isUsable: (answer: GroupAnswer) => boolean, fetch: () => Promise<GroupAnswer>, signal: AbortSignal): Promise<GroupAnswer>
  delete(groupName: string): Promise<void>
}

/** Raised whenever the meaning of an entry changes: entries of another version are misses. */
const VERSION = 1

const entryShape = z.object({
  version: z.literal(VERSION),
  userPoolId: z.string(),
  groupName: z.string(),
  fetchedAt: z.number(),
  group: z.object({ precedence: z.int().min(0).max(MAX_PRECEDENCE).nullable(), roleArn: z.string().min(1).nullable() }).nullable(),
})

/** How often to look whether the lease's holder has written. */
const POLL_MILLISECONDS = 50

/**
 * A second level behind the cache of one process: what one process of a fleet has read, the others need not.
 *
 * An entry is believed only if it is of this version, of this pool and group, and signed where a `secret` is given. A
 * store that is down or slow is left aside: the process then asks Cognito itself.
 */
export function createSharedCache(userPoolId: string, callTimeout: number, lifetime: (answer: GroupAnswer) => number, options: SharedCacheOptions, hooks: SharedCacheHooks): SharedCache {
  const { store, acquire, leaseTtl = callTimeout + 1_000, leaseSettle = 100, timeout = 250, secret, namespace = 'rolecast' } = options
  const keyOf = (kind: 'group' | 'lease', groupName: string) => `${namespace}:${VERSION}:${kind}:${userPoolId}:${groupName}`

  /** The store's answer; undefined, and told, where it fails or takes too long. */
  async function ask<T>(groupName: string, access: () => Promise<T>): Promise<T | undefined> {
    const timer = new AbortController()
    try {
      return await Promise.race([
        access(),
        sleep(timeout, undefined, { signal: timer.signal }).then(() => {
          throw new Error(`the shared store took longer than ${timeout} ms`)
        }),
      ])
    } catch (cause) {
      hooks.onFailure(groupName, cause)
      return undefined
    } finally {
      timer.abort()
    }
  }

  async function read(groupName: string): Promise<GroupAnswer | undefined> {
    const text = await ask(groupName, () => store.get(keyOf('group', groupName)))
    return parseEntry(text, userPoolId, groupName, secret)
  }

  async function takeLease(groupName: string, owner: string): Promise<boolean | undefined> {
    const key = keyOf('lease', groupName)
    if (acquire !== undefined) return ask(groupName, () => acquire(key, owner, leaseTtl))
    const held = await ask(groupName, async () => ({ by: await store.get(key) }))
    if (held === undefined) return undefined
    if (held.by !== undefined && held.by !== null) return false
    if ((await ask(groupName, async () => ({ done: await store.set(key, owner, leaseTtl) }))) === undefined) return undefined
    await sleep(leaseSettle)
    const now = await ask(groupName, async () => ({ by: await store.get(key) }))
    return now && now.by === owner
  }

  async function fetchForAll(groupName: string, fetch: () => Promise<GroupAnswer>): Promise<GroupAnswer> {
    try {
      const answer = await fetch()
      const entry = formatEntry(answer, userPoolId, groupName, secret)
      await ask(groupName, () => store.set(keyOf('group', groupName), entry, Math.max(1, lifetime(answer))))
      return answer
    } finally {
      await ask(groupName, () => store.delete(keyOf('lease', groupName)))
    }
  }

  return {
    async get(groupName, isUsable, fetch, signal) {
      const owner = randomUUID()
      const patience = Date.now() + leaseTtl
      for (;;) {
        const known = await read(groupName)
        if (known !== undefined && isUsable(known)) {
          hooks.onHit(groupName)
          return known
        }
        const leased = await takeLease(groupName, owner)
        if (leased === true) return fetchForAll(groupName, fetch)
        // Without a store there is nobody to wait for, and a holder that takes this long is not to be waited for.
        if (leased === undefined || Date.now() >= patience) return fetch()
        await sleep(POLL_MILLISECONDS, undefined, { signal })
      }
    },
    async delete(groupName) {
      await ask(groupName, () => store.delete(keyOf('group', groupName)))
    },
  }
}

function formatEntry({ group, fetchedAt }: GroupAnswer, userPoolId: string, groupName: string, secret: string | undefined): string {
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
function parseEntry(text: unknown, userPoolId: string, groupName: string, secret: string | undefined): GroupAnswer | undefined {
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
