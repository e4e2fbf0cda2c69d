import type { Mutable } from '../../record.js'
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
  /** Names of groups that do not exist, for example one just deleted. They carry no role and are in no claim. */
  readonly unknownGroups: readonly string[]
  /** Whether an expired group was served. */
  readonly stale: boolean
  /** Milliseconds since the request for the oldest group was sent; 0 for a source without a cache. */
  readonly age: number
}

export interface RoleResolver {
  /**
   * Forecasts the role claims of a user who is in these groups.
   *
   * All or nothing: if a group cannot be read the promise rejects, because without that group the role could be another.
   *
   * @throws RolecastError as a rejection; what a plain source throws passes through
   */
  resolve(groupNames: Iterable<string>, options?: LookupOptions): Promise<RoleResolution>
}

export interface CachedRoleResolver extends RoleResolver {
  /** The same without a promise, or undefined if a group is not cached and fresh. Never calls Cognito. */
  resolveCached(groupNames: Iterable<string>): RoleResolution | undefined
  /** The source of the groups, with its statistics, `prefetch` and `invalidate`. */
  readonly source: CachedGroupSource
}

export type RoleResolverOptions = (GroupSourceOptions | SnapshotSourceOptions) & ResolveOptions

export interface SourcedRoleResolverOptions<S extends GroupSource> extends ResolveOptions {
  /** A cached source to share between resolvers, or any function from a name to a group. */
  readonly source: S
}

/**
 * Makes a resolver for one user pool: it reads groups with GetGroup, behind a cache, and applies `resolveRoles`.
 *
 * It forecasts what the *next* token carries. It does not verify tokens, and does not see what a pre token generation
 * trigger changes.
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
  // An unknown `semantics` fails here and not at the first user.
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
      const names = distinctNames(groupNames)
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

/** Applies `resolveRoles` to the result of a lookup. */
export function resolveLookup({ groups, unknownGroups, stale, age }: Lookup, options?: ResolveOptions): RoleResolution {
  const resolution = resolveRoles(groups, options) as Mutable<RoleResolution>
  resolution.unknownGroups = unknownGroups
  resolution.stale = stale
  resolution.age = age
  return resolution
}
