import { setMaxListeners } from 'node:events'
import { LRUCache } from 'lru-cache'
import { RolecastError } from '../../errors.js'
import { MAX_GROUPS_PER_POOL } from '../../quotas.js'
import { type Group } from '../../group.js'
import { createCoalescer } from './coalesce.js'
import { failure, oneLine } from '../api/api-error.js'
import { amount, type ConnectionOptions } from '../api/connection-options.js'
import { createSharedCache, type SharedCacheOptions } from './shared-cache.js'
import { parseSnapshot } from './snapshot.js'
import { createUserPoolApi, type GroupAnswer, listAllGroups, type Listing, PAGE_SIZE } from '../api/user-pool-api.js'
import { distinctNames } from './group-names.js'
import type { CacheEvent, CacheStats } from './cache-events.js'

/**
 * Where groups come from, by name: `undefined` where there is no such group. A plain function, so that a table in a
 * test is `name => table.get(name)`.
 */
export type GroupSource = (groupName: string, options?: LookupOptions) => Group | undefined | Promise<Group | undefined>

export interface LookupOptions {
  /** Ends the waiting, this caller's alone: others who wait for the same group go on. */
  readonly signal?: AbortSignal | undefined
}

export interface CacheOptions extends ConnectionOptions {
  /** Groups kept at most, the least recently used goes first. Default 10 000: a pool has no more. */
  readonly max?: number | undefined
  /** Milliseconds for which a group is fresh. Default 60 000. */
  readonly ttl?: number | undefined
  /** Milliseconds for which "no such group" is believed; it is never served stale. Default 10 000. */
  readonly negativeTtl?: number | undefined
  /** Milliseconds after `ttl` in which the old group is served at once while a call fetches the new one. Default 0: never. */
  readonly staleWhileRevalidate?: number | undefined
  /** Milliseconds after `ttl` in which the old group is served when the call fails in a way that may pass. Default 0: never. */
  readonly staleIfError?: number | undefined
  /** How many groups the pool has, if you know: `prefetch` learns it. It decides when listing the pool is cheaper. */
  readonly poolSize?: number | undefined
  /** A second level that a fleet of processes shares. */
  readonly sharedCache?: SharedCacheOptions | undefined
  /** Called with each thing that happens to the cache, for metrics. What it throws is ignored. */
  readonly onEvent?: ((event: CacheEvent) => void) | undefined
  /**
   * Milliseconds since any fixed point; since the epoch, where a snapshot or a shared cache is used. Default `Date.now`:
   * it goes on while a Lambda is frozen.
   */
  readonly clock?: (() => number) | undefined
}

export interface GroupSourceOptions extends CacheOptions {
  /** The user pool, for example `eu-west-1_Ab12Cd34e`. */
  readonly userPoolId: string
  readonly snapshot?: undefined
}

export interface SnapshotSourceOptions extends CacheOptions {
  /** A `PoolSnapshot`, parsed from JSON: its groups are kept from the start. */
  readonly snapshot: unknown
  /** Milliseconds after it was taken for which the snapshot's groups are fresh. Yours to choose: there is no default. */
  readonly maxAge: number
  /** Default: the snapshot's. Refused if it is another. */
  readonly userPoolId?: string | undefined
}

/** What is known of some names, and how well. */
export interface Lookup {
  /** In the order asked for. */
  readonly groups: readonly Group[]
  /** The names Cognito does not know, in the order asked for. */
  readonly unknownGroups: readonly string[]
  /** Whether an answer was past its `ttl` when it was taken from the cache. */
  readonly stale: boolean
  /** Milliseconds since the oldest answer was asked of Cognito; the wait for the others is in it. */
  readonly age: number
}

export interface Prefetched {
  /** The groups in the pool. */
  readonly groups: number
  /** The ListGroups calls it took. */
  readonly pages: number
}

/** GetGroup behind an LRU cache. */
export interface CachedGroupSource {
  /** One group. Synchronous when it is cached and fresh; throws, or rejects, with a RolecastError. */
  (groupName: string, options?: LookupOptions): Group | undefined | Promise<Group | undefined>
  /**
   * Many groups, all or nothing. Synchronous when all are cached and fresh. A name that comes twice is asked once. Names
   * that are missing are fetched one by one, or by listing the pool where that takes fewer calls.
   */
  lookup(groupNames: Iterable<string>, options?: LookupOptions): Lookup | Promise<Lookup>
  /** The same, only if all are cached and fresh; else undefined. Never calls Cognito. */
  lookupCached(groupNames: Iterable<string>): Lookup | undefined
  /**
   * Reads the whole pool, 60 groups a call, and keeps it. A kept group that the pool no longer lists is dropped.
   * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListGroups.html
   */
  prefetch(options?: LookupOptions): Promise<Prefetched>
  /**
   * Forgets one group, or all, at once. An answer on its way is not kept, and neither is a listing of the pool. The
   * promise waits until the shared store has forgotten the one group too; of all groups it is only no longer believed.
   */
  invalidate(groupName?: string): Promise<void>
  stats(): CacheStats
}

/** The key of the one call that is about no single group. No group name is empty. */
const LISTING = ''

/**
 * Groups of one user pool through GetGroup, kept in an LRU cache.
 *
 * Each name is one entry; concurrent misses for a name make one call; a failed call is never kept. What could not be
 * fetched is a RolecastError and never a missing group. Not shared between processes, and not encrypted: it holds group
 * names, precedences and role ARNs. `docs/caching.md` has the policy.
 *
 * @throws RolecastError `invalid-option`, `invalid-user-pool-id`, `no-region`
 */
export function createGroupSource(options: GroupSourceOptions | SnapshotSourceOptions): CachedGroupSource {
  const max = amount(options, 'max', MAX_GROUPS_PER_POOL, 1)
  const ttl = amount(options, 'ttl', 60_000, 0)
  const negativeTtl = amount(options, 'negativeTtl', 10_000, 0)
  const staleWhileRevalidate = amount(options, 'staleWhileRevalidate', 0, 0)
  const staleIfError = amount(options, 'staleIfError', 0, 0)
  const snapshot =
    options.snapshot === undefined && !('maxAge' in options) ? undefined : parseSnapshot(options.snapshot)
  const userPoolId = userPoolIdOf(options, snapshot?.userPoolId)
  const { onEvent, clock = Date.now } = options

  const counts: Record<CacheEvent['type'], number> = {
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
  const kept = new LRUCache<string, GroupAnswer>({
    max,
    dispose: (_answer, groupName, reason) => {
      if (reason === 'evict') tell('evicted', groupName)
    },
  })
  const groupCalls = createCoalescer<string, GroupAnswer>(keep)
  const listingCalls = createCoalescer<typeof LISTING, Listing>((_key, listing) => keepListing(listing))
  const api = createUserPoolApi({
    ...options,
    userPoolId,
    clock,
    onCall: (_operation, groupName) => tell('call', groupName),
  })
  const level2 =
    options.sharedCache &&
    createSharedCache(
      {
        userPoolId,
        callTimeout: api.timeout,
        lifetime,
        onHit: groupName => tell('shared-hit', groupName),
        onFailure: (groupName, cause) => tell('shared-failed', groupName, storeFailure(groupName, cause)),
      },
      options.sharedCache,
    )
  // Where no group is ever fresh there is nothing to share, and processes would only wait for each other.
  const shared = ttl > 0 ? level2 : undefined
  /** What the fleet read before is not believed any more: of all groups, and of some. */
  let distrustedBefore = -Infinity
  const distrustedGroups = new Map<string, number>()

  let poolSize = options.poolSize === undefined ? undefined : amount(options, 'poolSize', 0, 0)
  let listingDenied = false

  function tell(type: CacheEvent['type'], groupName?: string, error?: RolecastError): void {
    counts[type]++
    if (onEvent === undefined) return
    try {
      onEvent({ type, ...(groupName !== undefined && { groupName }), ...(error !== undefined && { error }) })
    } catch {
      // A metrics hook must not change an answer.
    }
  }

  function lifetime(answer: GroupAnswer): number {
    return answer.freshFor ?? (answer.group === undefined ? negativeTtl : ttl)
  }

  /** The old group, if it may be served for this long after its `ttl`. */
  function oldAnswer(groupName: string, grace: number, now: number): GroupAnswer | undefined {
    const answer = kept.peek(groupName)
    return answer?.group !== undefined && grace > 0 && isYounger(answer, lifetime(answer) + grace, now)
      ? answer
      : undefined
  }

  function keep(groupName: string, answer: GroupAnswer): void {
    const known = kept.peek(groupName)
    if (known === undefined || known.order <= answer.order) kept.set(groupName, answer)
  }

  function keepListing({ byName, order }: Listing): void {
    const gone = [...kept.entries()].filter(
      ([groupName, answer]) => answer.group !== undefined && answer.order < order && !byName.has(groupName),
    )
    for (const [groupName] of gone) kept.delete(groupName)
    for (const [groupName, answer] of byName) {
      // Reading a pool that is larger than the cache must not push out what is in use.
      if (kept.size < max || kept.has(groupName)) keep(groupName, answer)
    }
    poolSize = byName.size
    listingDenied = false
  }

  /** Tells of a call's failure once, however many wait for it. */
  async function reporting<T>(groupName: string | undefined, call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      const failed = error as RolecastError
      if (failed.code !== 'aborted') tell('failed', groupName, failed)
      if (failed.code === 'throttled') tell('throttled', groupName, failed)
      throw error
    }
  }

  const callFor = (groupName: string) => async (signal: AbortSignal) => {
    const fetch = () => reporting(groupName, api.getGroup(groupName, signal))
    if (shared === undefined) return fetch()
    const known = kept.peek(groupName)
    const isUsable = (answer: GroupAnswer) => {
      const age = clock() - answer.fetchedAt
      const distrusted = Math.max(distrustedBefore, distrustedGroups.get(groupName) ?? -Infinity)
      return (
        age > -CLOCK_SKEW &&
        Math.max(0, age) < lifetime(answer) &&
        answer.fetchedAt > Math.max(distrusted, known?.fetchedAt ?? -Infinity)
      )
    }
    // Who has an old group to serve does not wait for one process after the other to fail.
    const patience = oldAnswer(groupName, staleIfError, clock()) === undefined ? undefined : api.timeout
    const answer = await shared.get(groupName, { isUsable, fetch, signal, patience })
    // Read by another process, it has no number here: it follows what was known when it was asked for.
    return answer.order === 0
      ? { ...answer, fetchedAt: Math.min(answer.fetchedAt, clock()), order: known?.order ?? 0 }
      : answer
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

  /** Never with a shared store: each process would list the pool, and tell the others nothing. */
  function listingIsCheaper(missing: number): boolean {
    return (
      shared === undefined &&
      !listingDenied &&
      poolSize !== undefined &&
      missing > Math.max(1, Math.ceil(poolSize / PAGE_SIZE))
    )
  }

  interface Fetched {
    readonly answer: GroupAnswer
    readonly stale: boolean
  }

  function oldOrThrow(groupName: string, error: unknown): Fetched {
    const answer = (error as RolecastError).retryable ? oldAnswer(groupName, staleIfError, clock()) : undefined
    if (answer === undefined) throw error
    tell('stale', groupName)
    return { answer, stale: true }
  }

  async function fetchOne(groupName: string, signal: AbortSignal | undefined): Promise<Fetched> {
    try {
      const answer = await groupCalls.join(groupName, callFor(groupName), signal, () => abortedBy(signal, groupName))
      return { answer, stale: false }
    } catch (error) {
      return oldOrThrow(groupName, error)
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
          return groupNames.map(groupName => oldOrThrow(groupName, error))
        listingDenied = true
      }
    }
    // What the listing does not show is asked singly: a group made between two pages is not an unknown one.
    return allOrNone(groupNames, signal, async (groupName, either) => {
      const answer = listed?.get(groupName)
      return answer === undefined ? fetchOne(groupName, either) : { answer, stale: false }
    })
  }

  function lookup(groupNames: Iterable<string>, { signal }: LookupOptions = {}): Lookup | Promise<Lookup> {
    if (signal?.aborted) throw abortedBy(signal)
    return lookupAt(clock(), distinctNames(groupNames), signal)
  }

  function lookupAt(now: number, names: ReadonlySet<string>, signal?: AbortSignal): Lookup | Promise<Lookup> {
    const answers = new Map<string, GroupAnswer>()
    const missing: string[] = []
    let stale = false

    for (const groupName of names) {
      const answer = kept.get(groupName)
      if (answer !== undefined && isYounger(answer, lifetime(answer), now)) {
        tell(answer.group === undefined ? 'negative' : 'hit', groupName)
        answers.set(groupName, answer)
      } else if (answer !== undefined && answer === oldAnswer(groupName, staleWhileRevalidate, now)) {
        tell('stale', groupName)
        stale = true
        answers.set(groupName, answer)
        groupCalls.spawn(groupName, callFor(groupName))
      } else {
        tell(groupCalls.has(groupName) ? 'coalesced' : 'miss', groupName)
        missing.push(groupName)
      }
    }
    if (missing.length === 0) return toLookup(names, answers, stale, now)

    return fetchMany(missing, signal).then(fetched => {
      missing.forEach((groupName, index) => answers.set(groupName, fetched[index]!.answer))
      return toLookup(names, answers, stale || fetched.some(one => one.stale), clock())
    })
  }

  function lookupCached(groupNames: Iterable<string>): Lookup | undefined {
    const names = distinctNames(groupNames)
    const now = clock()
    for (const groupName of names) {
      const answer = kept.peek(groupName)
      if (answer === undefined || !isYounger(answer, lifetime(answer), now)) return undefined
    }
    return lookupAt(now, names) as Lookup
  }

  function one(groupName: string, lookupOptions?: LookupOptions): Group | undefined | Promise<Group | undefined> {
    const found = lookup([groupName], lookupOptions)
    return found instanceof Promise ? found.then(({ groups }) => groups[0]) : found.groups[0]
  }

  if (snapshot !== undefined) {
    const freshFor = amount(options as SnapshotSourceOptions, 'maxAge', NaN, 0)
    for (const group of snapshot.groups)
      keep(group.groupName, { group, fetchedAt: snapshot.takenAt, order: 0, freshFor })
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
        kept.clear()
        groupCalls.forgetAll()
      } else {
        if (shared !== undefined) distrust(groupName)
        kept.delete(groupName)
        groupCalls.forget(groupName)
        await shared?.delete(groupName)
      }
    },
    stats: (): CacheStats => ({
      hits: counts.hit,
      negative: counts.negative,
      stale: counts.stale,
      misses: counts.miss,
      coalesced: counts.coalesced,
      calls: counts.call,
      failures: counts.failed,
      throttled: counts.throttled,
      evictions: counts.evicted,
      sharedHits: counts['shared-hit'],
      sharedFailures: counts['shared-failed'],
      size: kept.size,
    }),
  })
}

function toLookup(
  names: ReadonlySet<string>,
  answers: ReadonlyMap<string, GroupAnswer>,
  stale: boolean,
  now: number,
): Lookup {
  const groups: Group[] = []
  const unknownGroups: string[] = []
  let oldest = now
  for (const groupName of names) {
    const { group, fetchedAt } = answers.get(groupName)!
    if (group === undefined) unknownGroups.push(groupName)
    else groups.push(group)
    oldest = Math.min(oldest, fetchedAt)
  }
  return { groups, unknownGroups, stale, age: now - oldest }
}

/** Milliseconds by which the clocks of a fleet may differ: an answer from so little ahead is not from the future. */
const CLOCK_SKEW = 1_000

function storeFailure(groupName: string, cause: unknown): RolecastError {
  const said = oneLine(cause instanceof Error ? cause.message : String(cause))
  return new RolecastError(
    'store-failed',
    `the shared store failed for group \`${groupName}\` (${said}); Cognito is asked instead, look after the store`,
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
    `the snapshot is of user pool \`${ofSnapshot}\` and not of \`${userPoolId}\`; give one of the two`,
    {
      value: userPoolId,
    },
  )
}

/** Whether an answer is younger than `limit`. A clock that was set back makes it too old at once. */
function isYounger(answer: GroupAnswer, limit: number, now: number): boolean {
  const age = now - answer.fetchedAt
  return age >= 0 && age < limit
}

/** Runs one task a name. The first failure is the failure of all, and ends the others. */
async function allOrNone<T>(
  groupNames: readonly string[],
  signal: AbortSignal | undefined,
  task: (groupName: string, signal: AbortSignal) => Promise<T>,
): Promise<readonly T[]> {
  const controller = new AbortController()
  setMaxListeners(0, controller.signal)
  const give = () => controller.abort(signal?.reason)
  signal?.addEventListener('abort', give, { once: true })
  if (signal?.aborted) give()
  try {
    return await Promise.all(groupNames.map(groupName => task(groupName, controller.signal)))
  } catch (error) {
    controller.abort(error)
    throw error
  } finally {
    signal?.removeEventListener('abort', give)
  }
}
