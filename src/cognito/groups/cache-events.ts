import type { RolecastError } from '../../errors.js'

/**
 * What happens to a cache. Each name in a lookup is exactly one of `hit`, `negative`, `miss`, `coalesced` and `stale`. A
 * name that `staleIfError` serves is `miss` or `coalesced` first, and then `stale`.
 *
 * - `hit`: the cache had a fresh group.
 * - `negative`: the cache had a fresh "no such group".
 * - `stale`: an expired group was served, within `staleWhileRevalidate` or `staleIfError`.
 * - `miss`: the cache had nothing to serve, so a call is made.
 * - `coalesced`: the cache had nothing to serve, and another lookup's call for the name is joined.
 * - `call`: a request was sent to Cognito, GetGroup or ListGroups. The SDK's retries are not counted.
 * - `failed`: such a request failed, after the SDK's retries.
 * - `throttled`: it failed because Cognito throttled it. It is `failed` too.
 * - `evicted`: an entry was dropped because the cache had more than `max`.
 * - `shared-hit`: the shared store had an entry that could be used.
 * - `shared-failed`: an access to the shared store failed or took too long. The lookup continues without the store.
 */
export type CacheStatus =
  | 'hit'
  | 'negative'
  | 'stale'
  | 'miss'
  | 'coalesced'
  | 'call'
  | 'failed'
  | 'throttled'
  | 'evicted'
  | 'shared-hit'
  | 'shared-failed'

/** Something that happened to a cache. */
export interface CacheEvent {
  /** What happened. */
  readonly type: CacheStatus
  /** Absent for ListGroups. */
  readonly groupName?: string | undefined
  /** For `failed`, `throttled` and `shared-failed`. */
  readonly error?: RolecastError
}

/** How often each event happened since the source was created, and the number of entries now. */
export type CacheStats = Readonly<Record<CacheStatus, number>> & { readonly size: number }
