import { createMemory, type Memory } from '../../pool/memory.js'
import type { Mutable } from '../../mutable.js'
import { type CompiledPool, compilePool, type PoolResolution } from '../../pool/compile-pool.js'
import { type Resolution, type ResolveOptions, resolveRoles } from '../../claims/resolve.js'
import {
  type CachedGroupSource,
  createGroupSource,
  distinctNames,
  type GroupSource,
  type GroupSourceOptions,
  type KeptGroup,
  type KeptGroups,
  type Lookup,
  type LookupOptions,
  type SnapshotSourceOptions,
} from './group-source.js'

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
  return 'lookup' in source && 'kept' in source
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

function cachedResolver(source: CachedGroupSource, options: ResolveOptions): CachedRoleResolver {
  const compiled = createCompiledGroups(source.kept, options)

  function resolveFound(lookup: Lookup): RoleResolution {
    compiled.lookedUp(lookup.groups.length)
    return resolveLookup(lookup, options)
  }

  async function resolveSlowly(groupNames: Iterable<string>, lookupOptions: LookupOptions | undefined): Promise<RoleResolution> {
    // The caller's array may be another one by the time the answer is here.
    return resolveFound(await source.lookup(distinctNames(groupNames), lookupOptions))
  }

  return {
    source,
    resolve(groupNames, lookupOptions) {
      const known = lookupOptions?.signal?.aborted ? undefined : compiled.resolve(groupNames)
      if (known === undefined) return resolveSlowly(groupNames, lookupOptions)
      return (known.promise ??= Promise.resolve(known.answer))
    },
    resolveCached(groupNames) {
      const known = compiled.resolve(groupNames)
      if (known !== undefined) return known.answer
      const lookup = source.lookupCached(groupNames)
      return lookup && resolveFound(lookup)
    },
  }
}

/** What a lookup resolves to. */
export function resolveLookup({ groups, unknownGroups, stale, age }: Lookup, options?: ResolveOptions): RoleResolution {
  return answer(resolveRoles(groups, options), unknownGroups, stale, age)
}

/** Field by field: spreading a resolution takes longer than all the rest. */
function answer(resolution: Resolution, unknownGroups: readonly string[], stale: boolean, age: number): RoleResolution {
  const { outcome, rule, evidence, groups, roles, determiningGroups, claims, preferredRole, candidateRole } = resolution
  const fields: Mutable<RoleResolution> = {
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
  return fields
}

interface Compiled {
  readonly pool: CompiledPool
  /** By the id of the group. */
  readonly groups: readonly KeptGroup[]
  readonly memory: Memory<Known>
  /** When it was made. */
  readonly revision: number
  readonly size: number
}

/** Names whose groups are compiled, and what they resolve to. */
interface Known extends Times {
  readonly groups: readonly KeptGroup[]
  readonly resolution: PoolResolution
  answer: RoleResolution
  promise: Promise<RoleResolution> | undefined
}

/** Milliseconds by the clock: when the first and the last of some groups were asked for, and until when all are fresh. */
interface Times {
  oldest: number
  newest: number
  freshUntil: number
}

/**
 * The kept groups as a compiled pool. It is made anew when one of them has changed, or when there are new ones, but not
 * before looking them up one by one has cost as much.
 */
function createCompiledGroups(kept: KeptGroups, options: ResolveOptions) {
  let compiled: Compiled | undefined
  let lookedUp = 0

  /** Of names that come for the first time. */
  function know({ pool, groups, memory }: Compiled, groupNames: readonly string[], now: number): Known | undefined {
    const ids: number[] = []
    const own: KeptGroup[] = []
    for (let index = 0; index < groupNames.length; index++) {
      const id = pool.groupId(groupNames[index]!)
      if (id === undefined) return undefined
      ids.push(id)
      own.push(groups[id]!)
    }
    const times = timesOf(own)
    if (!isFresh(times, now)) return undefined
    const resolution = pool.resolveIds(ids)
    const { oldest, newest, freshUntil } = times
    const first = answer(resolution, [], false, ageOf(oldest, now))
    const known = { groups: own, resolution, oldest, newest, freshUntil, answer: first, promise: undefined }
    if (memory.comesAgain(ids)) {
      // Several callers will get this very answer.
      for (const shared of [first, ...Object.values(first)]) Object.freeze(shared)
      memory.keep([...resolution.groups], known)
    }
    return known
  }

  return {
    /** What names resolve to if all their groups are compiled and fresh. */
    resolve(groupNames: Iterable<string>): Known | undefined {
      if (compiled === undefined || !Array.isArray(groupNames)) return undefined
      const now = kept.now()
      if (compiled.revision !== kept.revision) return undefined
      const { memory } = compiled
      const seen = memory.recall(groupNames)
      if (seen !== undefined && !renew(seen, now)) return undefined
      const known = seen ?? know(compiled, groupNames, now)
      if (known === undefined) return undefined
      kept.hit(known.resolution.groups)
      return known
    },

    /** Counts groups that were looked up one by one. */
    lookedUp(groups: number): void {
      lookedUp += groups
      if (lookedUp < kept.size || (compiled?.revision === kept.revision && compiled.size === kept.size)) return
      lookedUp = 0
      const groupsNow = [...kept].filter(({ answer }) => answer.group !== undefined)
      const pool = compilePool(groupsNow.map(({ answer }) => answer.group!), options)
      compiled = { pool, groups: groupsNow, memory: createMemory(), revision: kept.revision, size: kept.size }
    },
  }
}

/** Whether asking again would give the same; made anew only when its age in milliseconds is another. */
function renew(known: Known, now: number): boolean {
  if (!isFresh(known, now)) {
    // They may have been read again since, and be fresh for longer.
    Object.assign(known, timesOf(known.groups))
    if (!isFresh(known, now)) return false
  }
  const age = ageOf(known.oldest, now)
  if (age !== known.answer.age) {
    known.answer = Object.freeze(answer(known.resolution, known.answer.unknownGroups, false, age))
    known.promise = undefined
  }
  return true
}

function timesOf(groups: readonly KeptGroup[]): Times {
  let oldest = Infinity
  let newest = -Infinity
  let freshUntil = Infinity
  for (let index = 0; index < groups.length; index++) {
    const group = groups[index]!
    oldest = Math.min(oldest, group.answer.fetchedAt)
    newest = Math.max(newest, group.answer.fetchedAt)
    freshUntil = Math.min(freshUntil, group.freshUntil)
  }
  return { oldest, newest, freshUntil }
}

/** A clock that was set back makes all of them too old at once. */
function isFresh({ newest, freshUntil }: Times, now: number): boolean {
  return now >= newest && now < freshUntil
}

/** 0 where there are no groups. */
function ageOf(oldest: number, now: number): number {
  return Math.max(0, now - oldest)
}
