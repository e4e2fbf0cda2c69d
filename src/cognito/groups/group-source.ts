import { setMaxListeners } from 'node:events'
import { LRUCache } from 'lru-cache'
import { onAbort } from '../../abort.js'
import { type ErrorCode, RolecastError, quote } from '../../errors.js'
import { MAX_GROUPS_PER_POOL } from '../../quotas.js'
import { type Group, isGroupName } from '../../group.js'
import { createCoalescer } from './coalesce.js'
import { failure, oneLine } from '../api/api-error.js'
import { durationOption, numberOption, type ConnectionOptions } from '../api/connection-options.js'
import { createLane, type Lane, type Lanes } from '../api/rate-limiter.js'
import { createSharedCache, type SharedCacheOptions } from './shared-cache.js'
import { parseSnapshot } from './snapshot.js'
import {
  createUserPoolApi,
  type GroupResponse,
  listGroupsOfPool,
  type Listing,
  PAGE_SIZE,
} from '../api/user-pool-api.js'
import { distinctNames, tooManyNames } from './group-names.js'
import { callHook } from '../api/hook.js'
import { checkFunctions, checkNames, CONNECTION_NAMES, type OptionNames } from '../api/option-names.js'
import type { CacheEvent, CacheStats, CacheStatus } from './cache-events.js'

/**
 * Gives a group by its name, or undefined if it does not exist. A plain function, so that a table in a test is
 * `name => table.get(name)`.
 */
export type GroupSource = (groupName: string, options?: LookupOptions) => Group | undefined | Promise<Group | undefined>

/** The options of one lookup. */
export interface LookupOptions {
  /**
   * Aborts this lookup only. Other lookups that wait for the same group go on.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** How long groups are cached, and how Cognito is reached. */
export interface CacheOptions extends ConnectionOptions {
  /**
   * Maximum entries, an integer up to 1_000_000; the least recently used is dropped first.
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
   * Milliseconds after `ttl` in which the expired group is served immediately, while a call in the background fetches
   * it again.
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
   * @default unknown until the pool was listed; a lookup that has to wait for its turn then reads the first page of it
   */
  readonly poolSize?: number | undefined
  /**
   * A second cache level that a fleet of processes shares.
   *
   * @default none
   */
  readonly sharedCache?: SharedCacheOptions | undefined
  /**
   * Called for each cache event, for metrics. It is not awaited, and neither what it throws nor a rejection has an effect.
   *
   * @default none
   */
  readonly onEvent?: ((event: CacheEvent) => unknown) | undefined
  /**
   * Milliseconds since any fixed point, or since the epoch if a snapshot or a shared cache is used.
   *
   * @default Date.now, which advances while a Lambda is frozen
   */
  readonly clock?: (() => number) | undefined
}

/** The options of a source that starts with an empty cache. */
export interface GroupSourceOptions extends CacheOptions {
  /** The user pool, for example `eu-west-1_Ab12Cd34e`. */
  readonly userPoolId: string
  /**
   * Given: see `SnapshotSourceOptions`.
   *
   * @default none
   */
  readonly snapshot?: undefined
}

/** The options of a source whose cache starts with a snapshot. */
export interface SnapshotSourceOptions extends CacheOptions {
  /** A `PoolSnapshot`, parsed from JSON. The cache starts with its groups. */
  readonly snapshot: unknown
  /**
   * Milliseconds after the snapshot was taken for which its groups are fresh. No default: a revoked role stays in
   * effect until then.
   */
  readonly maxAge: number
  /**
   * Rejected if it is not the snapshot's, or present and undefined: a lost setting would check nothing.
   *
   * @default the snapshot's
   */
  readonly userPoolId?: string
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

/** What `prefetch` read. */
export interface Prefetched {
  /** Groups in the pool. */
  readonly groups: number
  /** ListGroups calls made. */
  readonly pages: number
}

/** What `warm` read. */
export interface Warmed {
  /** Groups that were read. */
  readonly groups: number
  /** Whether these are all groups of the pool. */
  readonly isWholePool: boolean
  /** Why none was read. Absent if some were. */
  readonly error?: RolecastError
}

/** GetGroup behind an LRU cache. */
export interface CachedGroupSource {
  /** The user pool that the groups are of. */
  readonly userPoolId: string
  /** One group. Synchronous if it is cached and fresh. Throws, or rejects, with a RolecastError. */
  (groupName: string, options?: LookupOptions): Group | undefined | Promise<Group | undefined>
  /**
   * Many groups, all or nothing. Synchronous if all are cached and fresh. A repeated name counts once. Names that are not
   * cached are fetched one by one; or by listing the pool, if that takes fewer calls; or from its first page, if some would
   * have to wait for the quota. Lookups that wait take turns, so that
   * one of many names does not hold up the others.
   *
   * @throws RolecastError `invalid-input` as a rejection for more than 100 names: no user is in more groups
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
   * Loads the SDK, opens the connection and reads the first page of the pool, 60 groups, into the cache: for the init
   * phase of a function, where time costs nothing. It never rejects, and says in its result what it did. Where
   * ListGroups is not allowed it reads nothing, but the connection is open. Not a health check: a group that it could
   * not read is read when it is needed.
   *
   * @see https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html
   */
  warm(options?: LookupOptions): Promise<Warmed>
  /**
   * Drops one group, or all groups, immediately. The result of a call under way, a listing of the pool included, is not
   * cached.
   *
   * For one group, the promise waits until the shared store has deleted the entry. For all groups, the store's entries
   * stay, and this process ignores them.
   */
  invalidate(groupName?: string): Promise<void>
  /** Counts since the source was created, by `CacheStatus`. */
  stats(): CacheStats
}

/** Less than a guard waits by default, so that an old group can be served in place of a call that hangs. */
export const CALL_TIMEOUT = 2_500

const SOURCE_OPTIONS: OptionNames<GroupSourceOptions | SnapshotSourceOptions> = {
  userPoolId: true,
  ...CONNECTION_NAMES,
  max: true,
  ttl: true,
  negativeTtl: true,
  staleWhileRevalidate: true,
  staleIfError: true,
  poolSize: true,
  sharedCache: true,
  onEvent: true,
  clock: true,
  snapshot: true,
  maxAge: true,
}

/**
 * Failures that GetGroup may not have: the right to it does not imply the right to ListGroups, an emulator or a client may
 * have only the one, and a page can fail because of a group that was not requested.
 */
const OF_LISTING: ReadonlySet<ErrorCode> = new Set([
  'not-authorized',
  'request-rejected',
  'malformed-response',
  'pool-not-found',
  // A client without `listGroups`.
  'invalid-option',
  'unexpected',
])

/** What one call of the coalescer lists. */
type Extent = 'pool' | 'first page'

/**
 * Reads the groups of one user pool with GetGroup, behind an LRU cache.
 *
 * Each name is an entry. Concurrent misses for a name make one call. A failure is never cached, and a group that could not
 * be read is a RolecastError, never a missing group. The cache is in this process and not encrypted: it holds group names,
 * precedences and role ARNs. See "Caching" in the documentation of rolecast.
 *
 * @throws RolecastError `invalid-option`, `invalid-user-pool-id`, `no-region`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetGroup.html
 * @example
 * import { createGroupSource } from 'rolecast/cognito'
 *
 * const source = createGroupSource({ userPoolId: 'eu-west-1_Ab12Cd34e', ttl: 30_000, staleIfError: 300_000 })
 * await source.warm()
 * const { groups, unknownGroups } = await source.lookup(['admins', 'staff'])
 */
export function createGroupSource(options: GroupSourceOptions | SnapshotSourceOptions): CachedGroupSource {
  checkNames(options, SOURCE_OPTIONS)
  const max = numberOption(options, 'max', { default: MAX_GROUPS_PER_POOL, min: 1, max: 1_000_000, integer: true })
  const ttl = durationOption(options, 'ttl', 60_000)
  const negativeTtl = durationOption(options, 'negativeTtl', 10_000)
  const staleWhileRevalidate = durationOption(options, 'staleWhileRevalidate', 0)
  const staleIfError = durationOption(options, 'staleIfError', 0)
  const snapshot =
    options.snapshot === undefined && !('maxAge' in options) ? undefined : parseSnapshot(options.snapshot)
  const userPoolId = userPoolIdOf(options, snapshot?.userPoolId)
  const { onEvent, clock = Date.now } = options
  checkFunctions({ onEvent, clock })

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
  const listingCalls = createCoalescer<Extent, Listing>((_key, listing) => cacheListing(listing))
  const api = createUserPoolApi({
    ...options,
    timeout: options.timeout ?? CALL_TIMEOUT,
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

  let poolSize =
    options.poolSize === undefined
      ? undefined
      : numberOption(options, 'poolSize', { default: 0, min: 0, integer: true })
  let cannotList = false
  /** The names on the first page when it was read last, if the pool has more. */
  let firstPage: ReadonlyMap<string, unknown> | undefined
  let invalidations = 0

  function emit(type: CacheStatus, groupName?: string, error?: RolecastError): void {
    counts[type]++
    if (onEvent === undefined) return
    callHook(onEvent, { type, ...(groupName !== undefined && { groupName }), ...(error !== undefined && { error }) })
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

  function cacheListing({ isWhole, byName, first }: Listing): void {
    const isGone = (groupName: string, { group, order }: GroupResponse) =>
      isWhole && group !== undefined && order < first.order && !byName.has(groupName)
    const gone = [...cached.entries()].filter(([groupName, response]) => isGone(groupName, response))
    for (const [groupName] of gone) cached.delete(groupName)
    for (const [groupName, response] of byName) {
      // Reading a pool that is larger than the cache must not evict groups in use.
      if (cached.size < max || cached.has(groupName)) cacheGroup(groupName, response)
    }
    if (isWhole) poolSize = byName.size
    else firstPage = byName
    cannotList = false
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

  const callFor = (groupName: string) => async (signal: AbortSignal, lanes: Lanes) => {
    const fetch = () => reporting(groupName, api.getGroup(groupName, signal, lanes))
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
    // If there is an expired group to serve, a lookup does not wait while one process after the other fails.
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

  function joinListing(extent: Extent, signal: AbortSignal | undefined): Promise<Listing> {
    const list = (either: AbortSignal) =>
      reporting(undefined, listGroupsOfPool(api, either, extent === 'pool' ? Infinity : 1))
    return listingCalls.join(extent, list, signal, () => abortedBy(signal))
  }

  function abortedBy(signal: AbortSignal | undefined, groupName?: string): RolecastError {
    const operation = groupName === undefined ? 'ListGroups' : 'GetGroup'
    return failure('aborted', { operation, userPoolId, groupName }, { cause: signal?.reason })
  }

  /**
   * What to list for these names, if that is better than to ask for each. Never with a shared store: each process would
   * list the pool, and the others would gain nothing.
   */
  function extentFor(missing: readonly string[]): Extent | undefined {
    if (shared !== undefined || cannotList) return undefined
    if (poolSize !== undefined && missing.length > Math.max(1, Math.ceil(poolSize / PAGE_SIZE))) return 'pool'
    // Most pools fit on a page. If one does not, its first page still saves the calls for the names on it.
    const isLarger = poolSize !== undefined && poolSize > PAGE_SIZE
    if (firstPage === undefined ? isLarger : !missing.some(groupName => firstPage?.has(groupName))) return undefined
    const calls = missing.filter(groupName => !groupCalls.has(groupName)).length
    if (calls === 0) return undefined
    // One that is under way, of `warm()` for example, is joined. The last free place is for the page: after it, lookups of one
    // name each would all wait.
    return listingCalls.has('first page') || calls >= api.freeCalls() ? 'first page' : undefined
  }

  interface Fetched {
    readonly response: GroupResponse
    readonly stale: boolean
  }

  /** A lookup that has to wait. */
  interface Question {
    /** When it began. */
    readonly at: number
    /** The number of the last request that was sent before it. */
    readonly order: number
    /** The number of invalidations before it. */
    readonly invalidations: number
    readonly lane: Lane
  }

  function questionAt(now: number): Question {
    return { at: now, order: api.lastOrder(), invalidations, lane: createLane() }
  }

  /** Whether a response was fresh when the lookup began, or was asked for since. */
  function isCurrent(response: GroupResponse, { at, order }: Question): boolean {
    return response.order > order || at - response.fetchedAt < lifetime(response)
  }

  function staleOrThrow(groupName: string, error: unknown): Fetched {
    const response = (error as RolecastError).retryable ? staleResponse(groupName, staleIfError, clock()) : undefined
    if (response === undefined) throw error
    emit('stale', groupName)
    return { response, stale: true }
  }

  async function fetchOne(groupName: string, signal: AbortSignal | undefined, question: Question): Promise<Fetched> {
    const join = () =>
      groupCalls.join(groupName, callFor(groupName), signal, () => abortedBy(signal, groupName), question.lane)
    try {
      const response = await join()
      // A call that was under way before can bring what had expired when the lookup began. The next one cannot.
      return { response: isCurrent(response, question) ? response : await join(), stale: false }
    } catch (error) {
      return staleOrThrow(groupName, error)
    }
  }

  /** What a listing shows about a group. Undefined if the lookup cannot use it. */
  function listedResponse(listing: Listing, groupName: string, question: Question): GroupResponse | undefined {
    const response = listing.byName.get(groupName)
    if (response !== undefined) return isCurrent(response, question) ? response : undefined
    if (!listing.isWhole) return undefined
    // What it lacks may have been created between two of its pages: then it was created after the lookup began.
    if (listing.first.order <= question.order) return undefined
    const unknown = { ...listing.first, group: undefined }
    if (invalidations === question.invalidations) cacheGroup(groupName, unknown)
    return unknown
  }

  /**
   * Notes that listing fails where GetGroup may not. For the whole pool only a missing permission counts, because the
   * caller asked for it.
   */
  function noteIfCannotList(extent: Extent, error: unknown): boolean {
    const { code, retryable } = error as RolecastError
    // A temporary failure, such as a gateway's page in place of a response, does not mean that listing never works.
    const isOfListing = extent === 'pool' ? code === 'not-authorized' : !retryable && OF_LISTING.has(code)
    if (isOfListing) cannotList = true
    return isOfListing
  }

  async function fetchMany(
    groupNames: readonly string[],
    signal: AbortSignal | undefined,
    question: Question,
  ): Promise<readonly Fetched[]> {
    const found = new Map<string, Fetched>()
    const missing = () => groupNames.filter(groupName => !found.has(groupName))
    // If the first listing was under way before, some names may need a second, which cannot have been.
    for (let round = 0; round < 2; round++) {
      const extent = extentFor(missing())
      if (extent === undefined) break
      try {
        const listing = await joinListing(extent, signal)
        for (const groupName of missing()) {
          const response = listedResponse(listing, groupName, question)
          if (response !== undefined) found.set(groupName, { response, stale: false })
        }
      } catch (error) {
        if (noteIfCannotList(extent, error)) break
        for (const groupName of missing()) found.set(groupName, staleOrThrow(groupName, error))
      }
    }
    if (signal?.aborted) throw abortedBy(signal)
    const rest = missing()
    const fetched = await allOrNone(rest, signal, (groupName, either) => fetchOne(groupName, either, question))
    for (const [index, groupName] of rest.entries()) found.set(groupName, fetched[index]!)
    return groupNames.map(groupName => found.get(groupName)!)
  }

  function lookup(groupNames: Iterable<string>, { signal }: LookupOptions = {}): Lookup | Promise<Lookup> {
    if (signal?.aborted) throw abortedBy(signal)
    const names = distinctNames(groupNames)
    const tooMany = tooManyNames(names)
    return tooMany === undefined ? lookupAt(clock(), names, signal) : Promise.reject(tooMany)
  }

  function lookupAt(now: number, names: readonly string[], signal?: AbortSignal): Lookup | Promise<Lookup> {
    /** By index of the name, with holes where one is missing. */
    const responses: GroupResponse[] = []
    const missing: number[] = []
    let stale = false
    let question: Question | undefined

    for (const [place, groupName] of names.entries()) {
      const response = cached.get(groupName)
      if (response !== undefined && isYounger(response, lifetime(response), now)) {
        emit(response.group === undefined ? 'negative' : 'hit', groupName)
        responses[place] = response
      } else if (response !== undefined && response === staleResponse(groupName, staleWhileRevalidate, now)) {
        emit('stale', groupName)
        stale = true
        responses[place] = response
        question ??= questionAt(now)
        groupCalls.spawn(groupName, callFor(groupName), question.lane)
      } else if (response === undefined && !isGroupName(groupName)) {
        // Cognito would reject the request: such a group cannot exist.
        emit('negative', groupName)
        responses[place] = { group: undefined, fetchedAt: now, order: 0 }
      } else {
        emit(groupCalls.has(groupName) ? 'coalesced' : 'miss', groupName)
        missing.push(place)
      }
    }
    if (missing.length === 0) return toLookup(names, responses, stale, now)

    const missingNames = missing.map(place => names[place]!)
    return fetchMany(missingNames, signal, question ?? questionAt(now)).then(fetched => {
      for (const [index, place] of missing.entries()) responses[place] = fetched[index]!.response
      return toLookup(names, responses, stale || fetched.some(one => one.stale), clock())
    })
  }

  function lookupCached(groupNames: Iterable<string>): Lookup | undefined {
    const names = distinctNames(groupNames)
    const tooMany = tooManyNames(names)
    if (tooMany !== undefined) throw tooMany
    const now = clock()
    for (const groupName of names) {
      const response = cached.peek(groupName)
      if (response === undefined && !isGroupName(groupName)) continue
      if (response === undefined || !isYounger(response, lifetime(response), now)) return undefined
    }
    return lookupAt(now, names) as Lookup
  }

  function one(groupName: string, lookupOptions?: LookupOptions): Group | undefined | Promise<Group | undefined> {
    const found = lookup([groupName], lookupOptions)
    return found instanceof Promise ? found.then(({ groups }) => groups[0]) : found.groups[0]
  }

  if (snapshot !== undefined) {
    const freshFor = durationOption(options as SnapshotSourceOptions, 'maxAge', NaN)
    for (const group of snapshot.groups)
      cacheGroup(group.groupName, { group, fetchedAt: snapshot.takenAt, order: 0, freshFor })
    poolSize ??= snapshot.groups.length
  }

  return Object.assign(one, {
    userPoolId,
    lookup,
    lookupCached,
    async prefetch({ signal }: LookupOptions = {}): Promise<Prefetched> {
      if (signal?.aborted) throw abortedBy(signal)
      const { byName, pages } = await joinListing('pool', signal)
      return { groups: byName.size, pages }
    },
    async warm(lookupOptions?: LookupOptions): Promise<Warmed> {
      const signal = lookupOptions?.signal
      try {
        const { byName, isWhole } = await joinListing('first page', signal)
        return { groups: byName.size, isWholePool: isWhole }
      } catch (error) {
        noteIfCannotList('first page', error)
        return { groups: 0, isWholePool: false, error: error as RolecastError }
      }
    },
    async invalidate(groupName?: string): Promise<void> {
      invalidations++
      listingCalls.forgetAll()
      if (groupName === undefined) {
        distrustedBefore = clock()
        distrustedGroups.clear()
        firstPage = undefined
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
  const said = cause instanceof Error ? oneLine(cause.message) : quote(cause)
  return new RolecastError(
    'store-failed',
    `the shared store failed for group ${quote(groupName)} (${said}), so Cognito is called instead; check the store`,
    {
      groupName,
      retryable: true,
      cause,
    },
  )
}

function userPoolIdOf(options: { readonly userPoolId?: string | undefined }, ofSnapshot: string | undefined): string {
  const { userPoolId } = options
  if (ofSnapshot === undefined || userPoolId === ofSnapshot) return userPoolId!
  if (!('userPoolId' in options)) return ofSnapshot
  throw new RolecastError(
    'invalid-option',
    `the snapshot is from user pool ${quote(ofSnapshot)}, not from ${quote(userPoolId)}; give one of the two`,
    { value: userPoolId },
  )
}

/** Whether a response is younger than `limit`. One from the future, of a clock that was set back, is not. */
export function isYounger(response: Pick<GroupResponse, 'fetchedAt'>, limit: number, now: number): boolean {
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
  const ignoreOuter = onAbort(signal, () => controller.abort(signal?.reason))
  try {
    return await Promise.all(groupNames.map(groupName => task(groupName, controller.signal)))
  } catch (error) {
    controller.abort(error)
    throw error
  } finally {
    ignoreOuter()
  }
}
