import { setMaxListeners } from 'node:events'
import { LRUCache } from 'lru-cache'
import { RolecastError, quote } from '../../errors.js'
import { MAX_GROUPS_PER_POOL } from '../../quotas.js'
import { type Group } from '../../group.js'
import { createCoalescer } from './coalesce.js'
import { failure, oneLine } from '../api/api-error.js'
import { numberOption, type ConnectionOptions } from '../api/connection-options.js'
import { createSharedCache, type SharedCacheOptions } from './shared-cache.js'
import { parseSnapshot } from './snapshot.js'
import { createUserPoolApi, type GroupResponse, listAllGroups, type Listing, PAGE_SIZE } from '../api/user-pool-api.js'
import { distinctNames } from './group-names.js'
import type { CacheEvent, CacheStats, CacheStatus } from './cache-events.js'

/**
 * Gives a group by its name, or undefined if it does not exist. A plain function, so that a table in a test is
 * `name => table.get(name)`.
 */
export type GroupSource = (groupName: string, options?: LookupOptions) => Group | undefined | Promise<Group | undefined>

export interface LookupOptions {
  /** Aborts this lookup only. Other lookups that wait for the same group go on. */
  readonly signal?: AbortSignal | undefined
}

export interface CacheOptions extends ConnectionOptions {
  /**
   * Maximum entries; the least recently used is dropped first.
   *
   * @default 10_000, Cognito's quota for one user pool
   */
  readonly max?: number | undefined
  /**
   * Milliseconds for which a group is fresh.
   *
   * @default 60_000
   */
  readonly ttl?: number | undefined
  /**
   * Milliseconds for which "no such group" is fresh. It is never served stale.
   *
   * @default 10_000
   */
  readonly negativeTtl?: number | undefined
  /**
   * Milliseconds after `ttl` in which the expired group is served at once, while a call in the background fetches it again.
   *
   * @default 0, never
   */
  readonly staleWhileRevalidate?: number | undefined
  /**
   * Milliseconds after `ttl` in which the expired group is served if the call fails with a retryable error.
   *
   * @default 0, never
   */
  readonly staleIfError?: number | undefined
  /**
   * The number of groups in the pool, which decides whether a lookup of many names lists the pool instead.
   *
   * @default unknown until `prefetch` or a listing; lookups then use GetGroup
   */
  readonly poolSize?: number | undefined
  /** A second cache level that a fleet of processes shares. */
  readonly sharedCache?: SharedCacheOptions | undefined
  /** Called for each cache event, for metrics. Errors that it throws are ignored. */
  readonly onEvent?: ((event: CacheEvent) => void) | undefined
  /**
   * Milliseconds since any fixed point, or since the epoch if a snapshot or a shared cache is used.
   *
   * @default Date.now, which goes on while a Lambda is frozen
   */
  readonly clock?: (() => number) | undefined
}

export interface GroupSourceOptions extends CacheOptions {
  /** The user pool, for example `eu-west-1_Ab12Cd34e`. */
  readonly userPoolId: string
  readonly snapshot?: undefined
}

export interface SnapshotSourceOptions extends CacheOptions {
  /** A `PoolSnapshot`, parsed from JSON. The cache starts with its groups. */
  readonly snapshot: unknown
  /** Milliseconds after the snapshot was taken for which its groups are fresh. No default: a revoked role stays in effect until then. */
  readonly maxAge: number
  /**
   * Rejected if it is not the snapshot's.
   *
   * @default the snapshot's
   */
  readonly userPoolId?: string | undefined
}

/** The groups of some names. */
export interface Lookup {
  /** In the order asked for. */
  readonly groups: readonly Group[]
  /** The names of groups that do not exist, in the order asked for. */
  readonly unknownGroups: readonly string[]
  /** Whether a group had expired when it was served from the cache. */
  readonly stale: boolean
  /** Milliseconds since the request for the oldest group was sent, including the wait for the other groups. */
  readonly age: number
}

export interface Prefetched {
  /** Groups in the pool. */
  readonly groups: number
  /** ListGroups calls made. */
  readonly pages: number
}

/** GetGroup behind an LRU cache. */
export interface CachedGroupSource {
  /** One group. Synchronous if it is cached and fresh. Throws, or rejects, with a RolecastError. */
  (groupName: string, options?: LookupOptions): Group | undefined | Promise<Group | undefined>
  /**
   * Many groups, all or nothing. Synchronous if all are cached and fresh. A repeated name counts once. Names that are not
   * cached are fetched one by one, or by listing the pool if that takes fewer calls.
   */
  lookup(groupNames: Iterable<string>, options?: LookupOptions): Lookup | Promise<Lookup>
  /** The same if all are cached and fresh, else undefined. Never calls Cognito. */
  lookupCached(groupNames: Iterable<string>): Lookup | undefined
  /**
   * Reads the whole pool into the cache, 60 groups a call. A cached group that the pool no longer lists is dropped.
   *
   * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListGroups.html
   */
  prefetch(options?: LookupOptions): Promise<Prefetched>
  /**
   * Drops one group, or all groups, at once. The result of a call under way, a listing of the pool included, is not cached.
   *
   * For one group, the promise waits until the shared store has deleted the entry. For all groups, the store's entries
   * stay, and this process ignores them.
   */
  invalidate(groupName?: string): Promise<void>
  /** Counts since the source was created, by `CacheStatus`. */
  stats(): CacheStats
}

/** The key of the call that lists the pool. No group name is empty. */
const LISTING = ''

/**
 * Reads the groups of one user pool with GetGroup, behind an LRU cache.
 *
 * Each name is an entry. Concurrent misses for a name make one call. A failure is never cached, and a group that could not
 * be read is a RolecastError, never a missing group. The cache is in this process and not encrypted: it holds group names,
 * precedences and role ARNs. See "Caching" in the documentation of rolecast.
 *
 * @throws RolecastError `invalid-option`, `invalid-user-pool-id`, `no-region`
 */
export function createGroupSource(options: GroupSourceOptions | SnapshotSourceOptions): CachedGroupSource {
  const max = numberOption(options, 'max', { default: MAX_GROUPS_PER_POOL, min: 1 })
  const ttl = numberOption(options, 'ttl', { default: 60_000, min: 0 })
  const negativeTtl = numberOption(options, 'negativeTtl', { default: 10_000, min: 0 })
  const staleWhileRevalidate = numberOption(options, 'staleWhileRevalidate', { default: 0, min: 0 })
  const staleIfError = numberOption(options, 'staleIfError', { default: 0, min: 0 })
  const snapshot =
    options.snapshot === undefined && !('maxAge' in options) ? undefined : parseSnapshot(options.snapshot)
  const userPoolId = userPoolIdOf(options, snapshot?.userPoolId)
  const { onEvent, clock = Date.now } = options

  const counts: Record<CacheStatus, number> = {
    hit: 0,
    negative: 0,
    stale: 0,
    miss: 0,
    coalesced: 0,
    call: 0,
    failed: 0,
    throttled: 0,
    evicted: 0,
    'shared-hit': 0,
    'shared-failed': 0,
  }
  const cached = new LRUCache<string, GroupResponse>({
    max,
    dispose: (_response, groupName, reason) => {
      if (reason === 'evict') emit('evicted', groupName)
    },
  })
  const groupCalls = createCoalescer<string, GroupResponse>(cacheGroup)
  const listingCalls = createCoalescer<typeof LISTING, Listing>((_key, listing) => cacheListing(listing))
  const api = createUserPoolApi({
    ...options,
    userPoolId,
    clock,
    onCall: (_operation, groupName) => emit('call', groupName),
  })
  const level2 =
    options.sharedCache &&
    createSharedCache(
      {
        userPoolId,
        callTimeout: api.timeout,
        lifetime,
        onHit: groupName => emit('shared-hit', groupName),
        onFailure: (groupName, cause) => emit('shared-failed', groupName, storeFailure(groupName, cause)),
      },
      options.sharedCache,
    )
  // If no group is ever fresh there is nothing to share, and processes would only wait for each other.
  const shared = ttl > 0 ? level2 : undefined
  /** Entries of the shared store from before are ignored: of all groups, and of some. */
  let distrustedBefore = -Infinity
  const distrustedGroups = new Map<string, number>()

  let poolSize = options.poolSize === undefined ? undefined : numberOption(options, 'poolSize', { default: 0, min: 0 })
  let listingDenied = false

  function emit(type: CacheStatus, groupName?: string, error?: RolecastError): void {
    counts[type]++
    if (onEvent === undefined) return
    try {
      onEvent({ type, ...(groupName !== undefined && { groupName }), ...(error !== undefined && { error }) })
    } catch {
      // A metrics hook must not change a result.
    }
  }

  function lifetime(response: GroupResponse): number {
    return response.freshFor ?? (response.group === undefined ? negativeTtl : ttl)
  }

  /** The expired group, if it may be served for this long after its `ttl`. */
  function staleResponse(groupName: string, grace: number, now: number): GroupResponse | undefined {
    const response = cached.peek(groupName)
    return response?.group !== undefined && grace > 0 && isYounger(response, lifetime(response) + grace, now)
      ? response
      : undefined
  }

  function cacheGroup(groupName: string, response: GroupResponse): void {
    const known = cached.peek(groupName)
    if (known === undefined || known.order <= response.order) cached.set(groupName, response)
  }

  function cacheListing({ byName, order }: Listing): void {
    const gone = [...cached.entries()].filter(
      ([groupName, response]) => response.group !== undefined && response.order < order && !byName.has(groupName),
    )
    for (const [groupName] of gone) cached.delete(groupName)
    for (const [groupName, response] of byName) {
      // Reading a pool that is larger than the cache must not push out what is in use.
      if (cached.size < max || cached.has(groupName)) cacheGroup(groupName, response)
    }
    poolSize = byName.size
    listingDenied = false
  }

  /** Emits a call's failure once, however many lookups wait for it. */
  async function reporting<T>(groupName: string | undefined, call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      const failed = error as RolecastError
      if (failed.code !== 'aborted') emit('failed', groupName, failed)
      if (failed.code === 'throttled') emit('throttled', groupName, failed)
      throw error
    }
  }

  const callFor = (groupName: string) => async (signal: AbortSignal) => {
    const fetch = () => reporting(groupName, api.getGroup(groupName, signal))
    if (shared === undefined) return fetch()
    const known = cached.peek(groupName)
    const isUsable = (response: GroupResponse) => {
      const age = clock() - response.fetchedAt
      const distrusted = Math.max(distrustedBefore, distrustedGroups.get(groupName) ?? -Infinity)
      return (
        age > -CLOCK_SKEW &&
        Math.max(0, age) < lifetime(response) &&
        response.fetchedAt > Math.max(distrusted, known?.fetchedAt ?? -Infinity)
      )
    }
    // With an expired group to serve, a lookup does not wait for one process after the other to fail.
    const patience = staleResponse(groupName, staleIfError, clock()) === undefined ? undefined : api.timeout
    const response = await shared.get(groupName, { isUsable, fetch, signal, patience })
    // A response that another process read has no number here. It follows what was cached when the store was asked.
    return response.order === 0
      ? { ...response, fetchedAt: Math.min(response.fetchedAt, clock()), order: known?.order ?? 0 }
      : response
  }

  function distrust(groupName: string): void {
    if (distrustedGroups.size >= max) {
      distrustedBefore = clock()
      distrustedGroups.clear()
    }
    distrustedGroups.set(groupName, clock())
  }

  const listPool = (signal: AbortSignal) => reporting(undefined, listAllGroups(api, signal))

  function joinListing(signal: AbortSignal | undefined): Promise<Listing> {
    return listingCalls.join(LISTING, listPool, signal, () => abortedBy(signal))
  }

  function abortedBy(signal: AbortSignal | undefined, groupName?: string): RolecastError {
    const operation = groupName === undefined ? 'ListGroups' : 'GetGroup'
    return failure('aborted', { operation, userPoolId, groupName }, { cause: signal?.reason })
  }

  /** Never with a shared store: each process would list the pool, and the others would gain nothing. */
  function listingIsCheaper(missing: number): boolean {
    return (
      shared === undefined &&
      !listingDenied &&
      poolSize !== undefined &&
      missing > Math.max(1, Math.ceil(poolSize / PAGE_SIZE))
    )
  }

  interface Fetched {
    readonly response: GroupResponse
    readonly stale: boolean
  }

  function staleOrThrow(groupName: string, error: unknown): Fetched {
    const response = (error as RolecastError).retryable ? staleResponse(groupName, staleIfError, clock()) : undefined
    if (response === undefined) throw error
    emit('stale', groupName)
    return { response, stale: true }
  }

  async function fetchOne(groupName: string, signal: AbortSignal | undefined): Promise<Fetched> {
    try {
      const response = await groupCalls.join(groupName, callFor(groupName), signal, () => abortedBy(signal, groupName))
      return { response, stale: false }
    } catch (error) {
      return staleOrThrow(groupName, error)
    }
  }

  async function fetchMany(
    groupNames: readonly string[],
    signal: AbortSignal | undefined,
  ): Promise<readonly Fetched[]> {
    let listed: Listing['byName'] | undefined
    if (listingIsCheaper(groupNames.length)) {
      try {
        listed = (await joinListing(signal)).byName
      } catch (error) {
        // The right to GetGroup does not imply the right to ListGroups.
        if ((error as RolecastError).code !== 'not-authorized')
          return groupNames.map(groupName => staleOrThrow(groupName, error))
        listingDenied = true
      }
    }
    // A name that the listing lacks is looked up by itself: a group created between two pages is not an unknown one.
    return allOrNone(groupNames, signal, async (groupName, either) => {
      const response = listed?.get(groupName)
      return response === undefined ? fetchOne(groupName, either) : { response, stale: false }
    })
  }

  function lookup(groupNames: Iterable<string>, { signal }: LookupOptions = {}): Lookup | Promise<Lookup> {
    if (signal?.aborted) throw abortedBy(signal)
    return lookupAt(clock(), distinctNames(groupNames), signal)
  }

  function lookupAt(now: number, names: readonly string[], signal?: AbortSignal): Lookup | Promise<Lookup> {
    /** By place among the names, with holes where one is missing. */
    const responses: GroupResponse[] = []
    const missing: number[] = []
    let stale = false

    for (const [place, groupName] of names.entries()) {
      const response = cached.get(groupName)
      if (response !== undefined && isYounger(response, lifetime(response), now)) {
        emit(response.group === undefined ? 'negative' : 'hit', groupName)
        responses[place] = response
      } else if (response !== undefined && response === staleResponse(groupName, staleWhileRevalidate, now)) {
        emit('stale', groupName)
        stale = true
        responses[place] = response
        groupCalls.spawn(groupName, callFor(groupName))
      } else {
        emit(groupCalls.has(groupName) ? 'coalesced' : 'miss', groupName)
        missing.push(place)
      }
    }
    if (missing.length === 0) return toLookup(names, responses, stale, now)

    const missingNames = missing.map(place => names[place]!)
    return fetchMany(missingNames, signal).then(fetched => {
      for (const [index, place] of missing.entries()) responses[place] = fetched[index]!.response
      return toLookup(names, responses, stale || fetched.some(one => one.stale), clock())
    })
  }

  function lookupCached(groupNames: Iterable<string>): Lookup | undefined {
    const names = distinctNames(groupNames)
    const now = clock()
    for (const groupName of names) {
      const response = cached.peek(groupName)
      if (response === undefined || !isYounger(response, lifetime(response), now)) return undefined
    }
    return lookupAt(now, names) as Lookup
  }

  function one(groupName: string, lookupOptions?: LookupOptions): Group | undefined | Promise<Group | undefined> {
    const found = lookup([groupName], lookupOptions)
    return found instanceof Promise ? found.then(({ groups }) => groups[0]) : found.groups[0]
  }

  if (snapshot !== undefined) {
    const freshFor = numberOption(options as SnapshotSourceOptions, 'maxAge', { default: NaN, min: 0 })
    for (const group of snapshot.groups)
      cacheGroup(group.groupName, { group, fetchedAt: snapshot.takenAt, order: 0, freshFor })
    poolSize ??= snapshot.groups.length
  }

  return Object.assign(one, {
    lookup,
    lookupCached,
    async prefetch({ signal }: LookupOptions = {}): Promise<Prefetched> {
      if (signal?.aborted) throw abortedBy(signal)
      const { byName, pages } = await joinListing(signal)
      return { groups: byName.size, pages }
    },
    async invalidate(groupName?: string): Promise<void> {
      listingCalls.forgetAll()
      if (groupName === undefined) {
        distrustedBefore = clock()
        distrustedGroups.clear()
        cached.clear()
        groupCalls.forgetAll()
      } else {
        if (shared !== undefined) distrust(groupName)
        cached.delete(groupName)
        groupCalls.forget(groupName)
        await shared?.delete(groupName)
      }
    },
    stats: (): CacheStats => ({ ...counts, size: cached.size }),
  })
}

function toLookup(names: readonly string[], responses: readonly GroupResponse[], stale: boolean, now: number): Lookup {
  const groups: Group[] = []
  const unknownGroups: string[] = []
  let oldest = now
  for (let place = 0; place < responses.length; place++) {
    const { group, fetchedAt } = responses[place]!
    if (group === undefined) unknownGroups.push(names[place]!)
    else groups.push(group)
    oldest = Math.min(oldest, fetchedAt)
  }
  return { groups, unknownGroups, stale, age: now - oldest }
}

/** Milliseconds by which the clocks of a fleet may differ: a response from no further ahead is not from the future. */
const CLOCK_SKEW = 1_000

function storeFailure(groupName: string, cause: unknown): RolecastError {
  const said = oneLine(cause instanceof Error ? cause.message : String(cause))
  return new RolecastError(
    'store-failed',
    `the shared store failed for group ${quote(groupName)} (${said}), so Cognito is asked instead; check the store`,
    {
      groupName,
      retryable: true,
      cause,
    },
  )
}

function userPoolIdOf(
  { userPoolId }: { readonly userPoolId?: string | undefined },
  ofSnapshot: string | undefined,
): string {
  if (ofSnapshot === undefined || userPoolId === undefined || userPoolId === ofSnapshot)
    return (userPoolId ?? ofSnapshot)!
  throw new RolecastError(
    'invalid-option',
    `the snapshot is of user pool ${quote(ofSnapshot)} and not of ${quote(userPoolId)}; give one of the two`,
    {
      value: userPoolId,
    },
  )
}

/** Whether a response is younger than `limit`. One from the future, of a clock that was set back, is not. */
function isYounger(response: GroupResponse, limit: number, now: number): boolean {
  const age = now - response.fetchedAt
  return age >= 0 && age < limit
}

/** Runs a task for each name. The first failure aborts the others and fails the whole. */
async function allOrNone<T>(
  groupNames: readonly string[],
  signal: AbortSignal | undefined,
  task: (groupName: string, signal: AbortSignal) => Promise<T>,
): Promise<readonly T[]> {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  const abort = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  try {
    return await Promise.all(groupNames.map(groupName => task(groupName, controller.signal)))
  } catch (error) {
    controller.abort(error)
    throw error
  } finally {
    signal?.removeEventListener('abort', abort)
  }
}
