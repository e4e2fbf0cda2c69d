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

/** Forecasts roles from the groups of one user pool; `createRoleResolver` makes it. */
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

/** A resolver whose groups come from a cache. */
export interface CachedRoleResolver extends RoleResolver {
  /** The same without a promise, or undefined if a group is not cached and fresh. Never calls Cognito. */
  resolveCached(groupNames: Iterable<string>): RoleResolution | undefined
  /**
   * Loads the SDK, opens the connection and reads the first page of groups, in the init phase of a function. It never
   * rejects, and says in its result what it did.
   */
  warm(options?: LookupOptions): Promise<Warmed>
  /** The source of the groups, with its statistics, `prefetch` and `invalidate`. */
  readonly source: CachedGroupSource
}

/** The options of a resolver that reads groups from Cognito or from a snapshot. */
export type RoleResolverOptions = (GroupSourceOptions | SnapshotSourceOptions) & ResolveOptions

/** The options of a resolver with a cached source. */
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

/** The options of a resolver with a source of your own. */
export interface PlainRoleResolverOptions extends ResolveOptions {
  /** Any function from a name to a group, for example of a table. Groups are distinguished by name only. */
  readonly source: GroupSource
  /**
   * The user pool that the groups are of. `any` says that the pool does not matter: a group of the same name in another
   * pool then has the same role.
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
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetGroup.html
 * @example
 * import { createRoleResolver } from 'rolecast/cognito'
 *
 * const resolver = createRoleResolver({ userPoolId: 'eu-west-1_Ab12Cd34e', ttl: 30_000 })
 * const { outcome, preferredRole, unknownGroups } = await resolver.resolve(['admins', 'staff'])
 */
export function createRoleResolver(
  options: RoleResolverOptions | SourcedRoleResolverOptions<CachedGroupSource>,
): CachedRoleResolver
/**
 * Makes a resolver whose groups come from a function of yours, for example from a table. It has no cache and calls
 * nothing else.
 *
 * @throws RolecastError `invalid-option`, `invalid-user-pool-id`
 * @example
 * import { createRoleResolver } from 'rolecast/cognito'
 *
 * const table = new Map([['admins', { groupName: 'admins', roleArn: 'arn:aws:iam::111122223333:role/Admin' }]])
 * const source = (groupName: string) => table.get(groupName)
 * const resolver = createRoleResolver({ userPoolId: 'eu-west-1_Ab12Cd34e', source })
 */
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
      `\`userPoolId\` is ${quote(options.userPoolId)}, but the source belongs to user pool ${quote(userPoolId)}; give only the source`,
      options.userPoolId,
    )
  return cachedResolver(source, options)
}

function isCached(source: GroupSource): source is CachedGroupSource {
  return 'lookup' in source && 'lookupCached' in source && 'userPoolId' in source
}

/** A guard that does not know the pool would give a user of one pool the roles of another. */
function plainPoolId({ userPoolId }: { readonly userPoolId?: unknown }): string {
  if (userPoolId === undefined)
    throw invalid(
      '`userPoolId` is missing; give the user pool that the groups of `source` belong to, or `any` if it does not matter',
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

/** Names are case-sensitive: a table that finds another name would give a user the role of another group. */
function checkIsAsked(group: Group, asked: string): void {
  const { groupName } = Object(group) as Group
  // A value that is not a group at all is rejected by `resolveRoles`.
  if (typeof groupName !== 'string' || groupName === asked) return
  throw new RolecastError(
    'malformed-response',
    `the source returned group ${quote(groupName)} for ${quote(asked)}; return the group of exactly that name, or undefined`,
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
