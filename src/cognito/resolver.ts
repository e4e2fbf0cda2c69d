import { type Resolution, type ResolveOptions, resolveRoles } from '../resolve.js'
import { sameTexts } from '../texts.js'
import {
  type CachedGroupSource,
  createGroupSource,
  distinctNames,
  type GroupSource,
  type GroupSourceOptions,
  type Lookup,
  type LookupOptions,
  type SnapshotSourceOptions,
} from './source.js'

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
export function createRoleResolver(options: RoleResolverOptions | SourcedRoleResolverOptions<CachedGroupSource>): CachedRoleResolver
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
  return 'lookup' in source && 'renew' in source
}

function plainResolver(source: GroupSource, options: ResolveOptions): RoleResolver {
  return {
    async resolve(groupNames, lookupOptions) {
      lookupOptions?.signal?.throwIfAborted()
      const names = [...distinctNames(groupNames)]
      const found = await Promise.all(names.map(groupName => source(groupName, lookupOptions)))
      const groups = found.filter(group => group !== undefined)
      return resolveLookup({ groups, unknownGroups: names.filter((_name, index) => found[index] === undefined), stale: false, age: 0 }, options)
    },
  }
}

/** What a lookup resolves to. */
export function resolveLookup(lookup: Lookup, options?: ResolveOptions): RoleResolution {
  return answer(resolveRoles(lookup.groups, options), lookup, lookup.age)
}

function cachedResolver(source: CachedGroupSource, options: ResolveOptions): CachedRoleResolver {
  const memory = createMemory()
  const { renew } = source

  function resolveAnew(groupNames: readonly string[], lookup: Lookup): RoleResolution {
    const resolution = resolveRoles(lookup.groups, options)
    const first = answer(resolution, lookup, lookup.age)
    memory.remember({ groupNames, lookup, resolution, answer: first, promise: Promise.resolve(first) })
    return first
  }

  /** What was resolved before, if asking again would give the same; made anew only when its age in milliseconds is another. */
  function recall(groupNames: Iterable<string>): Seen | undefined {
    const seen = Array.isArray(groupNames) ? memory.find(groupNames) : undefined
    if (seen === undefined) return undefined
    const age = renew(seen.lookup)
    if (age === undefined) return undefined
    if (age !== seen.answer.age) {
      seen.answer = answer(seen.resolution, seen.lookup, age)
      seen.promise = Promise.resolve(seen.answer)
    }
    return seen
  }

  async function resolveSlowly(groupNames: Iterable<string>, lookupOptions: LookupOptions | undefined): Promise<RoleResolution> {
    const names = toArray(groupNames)
    return resolveAnew(names, await source.lookup(names, lookupOptions))
  }

  return {
    source,
    resolve(groupNames, lookupOptions) {
      const seen = lookupOptions?.signal?.aborted ? undefined : recall(groupNames)
      return seen === undefined ? resolveSlowly(groupNames, lookupOptions) : seen.promise
    },
    resolveCached(groupNames) {
      const seen = recall(groupNames)
      if (seen !== undefined) return seen.answer
      const names = toArray(groupNames)
      const lookup = source.lookupCached(names)
      return lookup && resolveAnew(names, lookup)
    },
  }
}

/** The caller's array may be another one by the time the answer is here. */
function toArray(groupNames: Iterable<string>): readonly string[] {
  return [...distinctNames(groupNames)]
}

/** Field by field: spreading a resolution takes longer than all the rest. */
function answer(resolution: Resolution, { unknownGroups, stale }: Lookup, age: number): RoleResolution {
  const { outcome, rule, evidence, groups, roles, determiningGroups, claims, preferredRole, candidateRole } = resolution
  const fields: { -readonly [K in keyof RoleResolution]: RoleResolution[K] } = {
    outcome,
    rule,
    evidence,
    groups,
    roles,
    determiningGroups,
    claims,
    unknownGroups,
    stale,
    age,
  }
  if (preferredRole !== undefined) fields.preferredRole = preferredRole
  if (candidateRole !== undefined) fields.candidateRole = candidateRole
  // Several callers may get this very object.
  for (const shared of [groups, roles, determiningGroups, claims, unknownGroups]) Object.freeze(shared)
  return Object.freeze(fields)
}

interface Seen {
  readonly groupNames: readonly string[]
  readonly lookup: Lookup
  readonly resolution: Resolution
  answer: RoleResolution
  promise: Promise<RoleResolution>
}

const MOST_FIRST_NAMES = 1_000
const MOST_SETS_EACH = 8

/** The sets of groups resolved lately, found by their first name: joining all the names costs more than resolving. */
function createMemory() {
  const byFirstName = new Map<string | undefined, Seen[]>()
  return {
    find(groupNames: readonly string[]): Seen | undefined {
      const sets = byFirstName.get(groupNames[0])
      if (sets === undefined) return undefined
      for (let index = 0; index < sets.length; index++) if (sameTexts(sets[index]!.groupNames, groupNames)) return sets[index]
      return undefined
    },
    remember(seen: Seen): void {
      if (seen.lookup.stale || seen.groupNames.length === 0) return
      if (byFirstName.size >= MOST_FIRST_NAMES) byFirstName.clear()
      const [firstName] = seen.groupNames
      const others = byFirstName.get(firstName)?.filter(other => !sameTexts(other.groupNames, seen.groupNames)) ?? []
      byFirstName.set(firstName, [seen, ...others].slice(0, MOST_SETS_EACH))
    },
  }
}
