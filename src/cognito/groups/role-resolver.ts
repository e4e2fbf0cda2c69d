import { type Resolution, type ResolveOptions, resolveRoles } from '../../claims/resolve.js'
import {
  type CachedGroupSource,
  createGroupSource,
  type GroupSource,
  type GroupSourceOptions,
  type Lookup,
  type LookupOptions,
  type SnapshotSourceOptions,
} from './group-source.js'
import { distinctNames } from './group-names.js'

/** A resolution of groups that were read from a source. */
export interface RoleResolution extends Resolution {
  /** Names the source does not know, a group just deleted for example. They carry no role and are in no claim. */
  readonly unknownGroups: readonly string[]
  /** Whether a group is past its `ttl` and was served all the same. */
  readonly stale: boolean
  /** Milliseconds since the oldest group was asked of Cognito; 0 for a source that keeps nothing. */
  readonly age: number
}

export interface RoleResolver {
  /**
   * Forecasts the role claims of a user who is in these groups. All or nothing: if one group cannot be read the promise
   * rejects, because the answer without it could be another role.
   *
   * @throws RolecastError as a rejection; what a plain source throws passes through
   */
  resolve(groupNames: Iterable<string>, options?: LookupOptions): Promise<RoleResolution>
}

export interface CachedRoleResolver extends RoleResolver {
  /** The same without a promise, or undefined when a group is not cached and fresh. Never calls Cognito. */
  resolveCached(groupNames: Iterable<string>): RoleResolution | undefined
  /** Where the groups come from: its statistics, `prefetch` and `invalidate`. */
  readonly source: CachedGroupSource
}

export type RoleResolverOptions = (GroupSourceOptions | SnapshotSourceOptions) & ResolveOptions

export interface SourcedRoleResolverOptions<S extends GroupSource> extends ResolveOptions {
  /** A cached source to share between resolvers, or any function from a name to a group. */
  readonly source: S
}

/**
 * A resolver for one user pool: its groups through GetGroup and a cache, and the rules of `resolveRoles`.
 *
 * It forecasts what the *next* token carries. It does not verify tokens, and it does not know what a pre token
 * generation trigger changes.
 *
 * @throws RolecastError `invalid-option`, `invalid-user-pool-id`, `no-region`
 */
export function createRoleResolver(
  options: RoleResolverOptions | SourcedRoleResolverOptions<CachedGroupSource>,
): CachedRoleResolver
export function createRoleResolver(options: SourcedRoleResolverOptions<GroupSource>): RoleResolver
export function createRoleResolver(
  options: RoleResolverOptions | SourcedRoleResolverOptions<GroupSource>,
): RoleResolver | CachedRoleResolver {
  // Fails now, not at the first user, when `semantics` is none.
  resolveRoles([], options)
  if (!('source' in options)) return cachedResolver(createGroupSource(options), options)
  const { source } = options
  return isCached(source) ? cachedResolver(source, options) : plainResolver(source, options)
}

function isCached(source: GroupSource): source is CachedGroupSource {
  return 'lookup' in source && 'lookupCached' in source
}

function plainResolver(source: GroupSource, options: ResolveOptions): RoleResolver {
  return {
    async resolve(groupNames, lookupOptions) {
      lookupOptions?.signal?.throwIfAborted()
      const names = [...distinctNames(groupNames)]
      const found = await Promise.all(names.map(groupName => source(groupName, lookupOptions)))
      const groups = found.filter(group => group !== undefined)
      return resolveLookup(
        { groups, unknownGroups: names.filter((_name, index) => found[index] === undefined), stale: false, age: 0 },
        options,
      )
    },
  }
}

function cachedResolver(source: CachedGroupSource, options: ResolveOptions): CachedRoleResolver {
  return {
    source,
    async resolve(groupNames, lookupOptions) {
      return resolveLookup(await source.lookup(groupNames, lookupOptions), options)
    },
    resolveCached(groupNames) {
      const lookup = source.lookupCached(groupNames)
      return lookup && resolveLookup(lookup, options)
    },
  }
}

/** What a lookup resolves to. */
export function resolveLookup({ groups, unknownGroups, stale, age }: Lookup, options?: ResolveOptions): RoleResolution {
  return Object.assign(resolveRoles(groups, options), { unknownGroups, stale, age })
}
