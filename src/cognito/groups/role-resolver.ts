import { checkRecord } from '../../record.js'
import { type ResolveOptions, resolveRoles } from '../../claims/resolve.js'
import {
  type CachedGroupSource,
  createGroupSource,
  type GroupSource,
  type GroupSourceOptions,
  type Lookup,
  type LookupOptions,
  type SnapshotSourceOptions,
  type Warmed,
} from './group-source.js'
import { quote, RolecastError } from '../../errors.js'
import { type Group, isGroupName } from '../../group.js'
import { checkNames, type OptionNames } from '../api/option-names.js'
import { checkUserPoolId } from '../api/user-pool-call.js'
import { distinctNames, tooManyNames } from './group-names.js'
import { resolveLookup, type RoleResolution } from './resolve-lookup.js'
import { distinct } from '../../text.js'

export interface RoleResolver {
  /**
   * The user pool that the groups are of, which a guard compares with the issuer of a token. `any` for a plain source whose
   * pool does not matter.
   */
  readonly userPoolId: string
  /**
   * Forecasts the role claims of a user who is in these groups.
   *
   * All or nothing: if a group cannot be read the promise rejects, because without that group the role could be another.
   *
   * @throws RolecastError as a rejection, `invalid-input` for more than 100 names among them; what a plain source throws
   * passes through
   */
  resolve(groupNames: Iterable<string>, options?: LookupOptions): Promise<RoleResolution>
  /**
   * The same for groups that were read already, with their roles: no source is asked. They must be of `userPoolId`.
   *
   * @throws RolecastError `invalid-input` for more than 100 groups, `invalid-group`, `invalid-precedence`
   */
  resolveLookup(lookup: Lookup): RoleResolution
}

export interface CachedRoleResolver extends RoleResolver {
  /** The same without a promise, or undefined if a group is not cached and fresh. Never calls Cognito. */
  resolveCached(groupNames: Iterable<string>): RoleResolution | undefined
  /**
   * Loads the SDK, opens the connection and reads the first page of groups, in the init phase of a function. It never rejects,
   * and says in its result what it did.
   */
  warm(options?: LookupOptions): Promise<Warmed>
  /** The source of the groups, with its statistics, `prefetch` and `invalidate`. */
  readonly source: CachedGroupSource
}

export type RoleResolverOptions = (GroupSourceOptions | SnapshotSourceOptions) & ResolveOptions

export interface SourcedRoleResolverOptions<S extends GroupSource> extends ResolveOptions {
  /** A cached source to share between resolvers. */
  readonly source: S
  /**
   * Rejected if it is not the source's, or present and undefined.
   *
   * @default the source's
   */
  readonly userPoolId?: string
}

export interface PlainRoleResolverOptions extends ResolveOptions {
  /** Any function from a name to a group, for example of a table. It takes no more than the name to tell groups apart. */
  readonly source: GroupSource
  /**
   * The user pool that the groups are of. `any` says that the pool does not matter: a group of the same name in another pool
   * then has the same role.
   */
  readonly userPoolId: string
}

const SOURCED_OPTIONS: OptionNames<SourcedRoleResolverOptions<GroupSource> | PlainRoleResolverOptions> = {
  source: true,
  userPoolId: true,
  semantics: true,
  calibration: true,
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
export function createRoleResolver(options: PlainRoleResolverOptions): RoleResolver
export function createRoleResolver(
  options: RoleResolverOptions | SourcedRoleResolverOptions<CachedGroupSource> | PlainRoleResolverOptions,
): RoleResolver | CachedRoleResolver {
  checkRecord(options, 'the options', 'give an object, like `{ userPoolId }`')
  // An unknown `semantics`, or a calibration that was not checked, fails here and not at the first user.
  resolveRoles([], options)
  if (!('source' in options)) {
    const { semantics, calibration, ...sourceOptions } = options
    return cachedResolver(createGroupSource(sourceOptions), { semantics, calibration })
  }
  checkNames(options, SOURCED_OPTIONS)
  const { source } = options
  if (typeof source !== 'function')
    throw invalid(`\`source\` is ${quote(source)}; give the result of createGroupSource, or a function`, source)
  if (!isCached(source)) return plainResolver(source, plainPoolId(options), options)
  const { userPoolId } = source
  if ('userPoolId' in options && options.userPoolId !== userPoolId)
    throw invalid(
      `\`userPoolId\` is ${quote(options.userPoolId)} and the source is of user pool ${quote(userPoolId)}; give the source alone`,
      options.userPoolId,
    )
  return cachedResolver(source, options)
}

function isCached(source: GroupSource): source is CachedGroupSource {
  return 'lookup' in source && 'lookupCached' in source && 'userPoolId' in source
}

/** A guard that cannot tell the pool would give a user of one pool the roles of another. */
function plainPoolId({ userPoolId }: { readonly userPoolId?: unknown }): string {
  if (userPoolId === undefined)
    throw invalid(
      '`userPoolId` is missing; give the user pool that the groups of `source` are of, or `any` if it does not matter',
      userPoolId,
    )
  if (userPoolId === 'any') return userPoolId
  checkUserPoolId(userPoolId)
  return userPoolId
}

function invalid(message: string, value: unknown): RolecastError {
  return new RolecastError('invalid-option', message, { value })
}

function plainResolver(source: GroupSource, userPoolId: string, options: ResolveOptions): RoleResolver {
  return {
    userPoolId,
    async resolve(groupNames, lookupOptions) {
      lookupOptions?.signal?.throwIfAborted()
      const names = distinctNames(groupNames)
      const tooMany = tooManyNames(names)
      if (tooMany !== undefined) throw tooMany
      const ask = (groupName: string) => (isGroupName(groupName) ? source(groupName, lookupOptions) : undefined)
      const found = await Promise.all(names.map(ask))
      for (const [index, group] of found.entries()) if (group !== undefined) checkIsAsked(group, names[index]!)
      const groups = found.filter(group => group !== undefined)
      return resolveLookup(
        { groups, unknownGroups: names.filter((_name, index) => found[index] === undefined), stale: false, age: 0 },
        options,
      )
    },
    resolveLookup: lookup => resolveUserGroups(lookup, options),
  }
}

/** Names differ in letter case too: a table that looks up another name would give a user the role of another group. */
function checkIsAsked(group: Group, asked: string): void {
  const { groupName } = Object(group) as Group
  // What is no group at all is rejected by `resolveRoles`.
  if (typeof groupName !== 'string' || groupName === asked) return
  throw new RolecastError(
    'malformed-response',
    `the source gave group ${quote(groupName)} when asked for ${quote(asked)}; give the group of exactly that name, or undefined`,
    { groupName: asked, value: groupName },
  )
}

function cachedResolver(source: CachedGroupSource, options: ResolveOptions): CachedRoleResolver {
  return {
    source,
    userPoolId: source.userPoolId,
    warm: lookupOptions => source.warm(lookupOptions),
    async resolve(groupNames, lookupOptions) {
      return resolveLookup(await source.lookup(groupNames, lookupOptions), options)
    },
    resolveCached(groupNames) {
      const lookup = source.lookupCached(groupNames)
      return lookup && resolveLookup(lookup, options)
    },
    resolveLookup: lookup => resolveUserGroups(lookup, options),
  }
}

/** @throws RolecastError `invalid-input` for more groups than a user can have */
function resolveUserGroups(lookup: Lookup, options: ResolveOptions): RoleResolution {
  const names = distinct([...lookup.groups.map(group => group.groupName), ...lookup.unknownGroups])
  const tooMany = tooManyNames(names)
  if (tooMany !== undefined) throw tooMany
  return resolveLookup(lookup, options)
}
