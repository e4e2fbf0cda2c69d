import { RolecastError } from '../../errors.js'

/**
 * - `hit`, `negative`: answered with a fresh group, or with a fresh "no such group"
 * - `stale`: answered with an old group
 * - `miss`: not answered from the cache; `coalesced`: likewise, and another caller's call under way is shared
 * - `call`: a request to Cognito; `failed`: it failed; `throttled`: it failed by throttling, after the SDK's retries
 * - `evicted`: the cache was full
 * - `shared-hit`: answered by the shared store; `shared-failed`: the store failed, and was left aside
 */
export interface CacheEvent {
  readonly type:
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
  /** Absent for ListGroups. */
  readonly groupName?: string | undefined
  readonly error?: RolecastError
}

/** How often each kind of event happened, and how many groups are kept now. */
export interface CacheStats {
  readonly hits: number
  readonly negative: number
  readonly stale: number
  readonly misses: number
  readonly coalesced: number
  readonly calls: number
  readonly failures: number
  readonly throttled: number
  readonly evictions: number
  readonly sharedHits: number
  readonly sharedFailures: number
  readonly size: number
}
