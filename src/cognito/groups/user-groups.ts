import type { AdminListGroupsForUserCommand } from '@aws-sdk/client-cognito-identity-provider'
import { LRUCache } from 'lru-cache'
import { poolOfIssuer } from '../../aws-ids.js'
import { type ErrorCode, quote, RolecastError } from '../../errors.js'
import type { Group } from '../../group.js'
import { REQUESTS_PER_SECOND } from '../../quotas.js'
import { invalidOption, ownValue, syncResult } from '../../record.js'
import { failure } from '../api/api-error.js'
import {
  type CognitoOperations,
  type ConnectionOptions,
  durationOption,
  numberOption,
  type SendOptions,
} from '../api/connection-options.js'
import { callHook } from '../api/hook.js'
import { checkFunctions, checkNames, CONNECTION_NAMES, type OptionNames } from '../api/option-names.js'
import { createUserPoolApi, listGroupsOfUser } from '../api/user-pool-api.js'
import { MIN_RATE } from '../api/user-pool-call.js'
import { createCoalescer } from './coalesce.js'
import { CALL_TIMEOUT, isYounger, type Lookup, type LookupOptions } from './group-source.js'

/**
 * What happens when the groups of a user are asked for. Each time is exactly one of `hit`, `negative`, `miss` and
 * `coalesced`.
 *
 * - `hit`: the groups were cached.
 * - `negative`: it was cached that the user does not exist.
 * - `miss`: nothing was cached, so Cognito is called.
 * - `coalesced`: nothing was cached, and another caller's call for the user is joined.
 * - `call`: a request was sent, one for each page, and one for `warm`. The SDK's retries are not counted.
 * - `failed`: such a request failed, after the SDK's retries. A user that does not exist is not a failure.
 * - `throttled`: it failed because Cognito throttled it. It is `failed` too.
 * - `evicted`: an entry was dropped because the cache had more than `max`.
 */
export type UserGroupsStatus = 'hit' | 'negative' | 'miss' | 'coalesced' | 'call' | 'failed' | 'throttled' | 'evicted'

/** Without the user, and without an error, whose message names the user. */
export interface UserGroupsEvent {
  /** What happened. */
  readonly type: UserGroupsStatus
  /** Of the error, for `failed` and `throttled`. */
  readonly code?: ErrorCode
}

/** How often each event happened since the function was made, and the number of entries now. */
export type UserGroupsStats = Readonly<Record<UserGroupsStatus, number>> & { readonly size: number }

/** The part of a client that reading the groups of a user needs: of the SDK's, or of one that brings its own operations. */
export type UserGroupsClient =
  | {
      /** Sends AdminListGroupsForUser. */
      send(command: AdminListGroupsForUserCommand, options?: SendOptions): Promise<unknown>
    }
  | Required<Pick<CognitoOperations, 'adminListGroupsForUser'>>

/** The options of `groupsFromCognito`. */
export interface GroupsFromCognitoOptions extends Pick<
  ConnectionOptions,
  'region' | 'endpoint' | 'profile' | 'timeout'
> {
  /** The user pool that the tokens must be of, for example `eu-west-1_Ab12Cd34e`. */
  readonly userPoolId: string
  /**
   * A `CognitoIdentityProviderClient`, anything with its `send`, or `createLightClient()`. Without it, the first call
   * creates a client of the SDK.
   *
   * @default a client of the SDK
   */
  readonly client?: UserGroupsClient | undefined
  /**
   * The user that Cognito is asked for, by the verified claims. `({ sub }) => sub` also tells a user from one who was
   * deleted before and had the same name; AWS documents it for local users only, not for those of an identity provider.
   *
   * @default `cognito:username` of an ID token, `username` of an access token
   */
  readonly usernameOf?: ((claims: Readonly<Record<string, unknown>>) => unknown) | undefined
  /**
   * Milliseconds for which the groups of a user are cached, and that a user does not exist. A user who was removed from a
   * group stays in it for that long. 0: nothing is cached.
   *
   * @default 5_000
   */
  readonly ttl?: number | undefined
  /**
   * Maximum users in the cache, an integer up to 1_000_000; the least recently used is dropped first.
   *
   * @default 10_000
   */
  readonly max?: number | undefined
  /**
   * Maximum calls a second, one for each 60 groups of a user. Above 1 it is rounded down.
   *
   * @default 50, Cognito's quota for all user pools of an account in a Region
   */
  readonly requestsPerSecond?: number | undefined
  /**
   * Maximum concurrent calls.
   *
   * @default 20
   */
  readonly concurrency?: number | undefined
  /**
   * Called for each event, for metrics. It is not awaited, and neither what it throws nor a rejection has an effect.
   *
   * @default none
   */
  readonly onEvent?: ((event: UserGroupsEvent) => unknown) | undefined
  /**
   * Milliseconds since any fixed point.
   *
   * @default Date.now, which advances while a Lambda is frozen
   */
  readonly clock?: (() => number) | undefined
}

/** What `warm` did. */
export interface UserGroupsWarmed {
  /** Whether Cognito responded, so that the next call needs neither the SDK's code nor a connection. */
  readonly isReady: boolean
  /** Why not. Absent if it did. */
  readonly error?: RolecastError
}

/** The groups of users now, with their roles: the `groupsOf` of a guard or an authorizer. */
export interface UserGroups {
  /** The user pool that the groups belong to. A guard rejects a resolver of another pool. */
  readonly userPoolId: string
  /**
   * The groups of the user whom the claims name.
   *
   * @param claims of a verified token: nothing here looks at a signature
   * @throws RolecastError as a rejection; `user-not-found`, and `invalid-claim` for a token of another user pool or without
   * a username
   */
  (claims: object, options?: LookupOptions): Promise<Lookup>
  /**
   * Loads the SDK and opens the connection, for the init phase of a function. It asks for a user that does not exist,
   * which is a call like any other. It never rejects, and says in its result what it did.
   */
  warm(options?: LookupOptions): Promise<UserGroupsWarmed>
  /**
   * Drops one user, named as `usernameOf` does, or all users. The result of a call under way is not cached: callers
   * that wait for it get it, and later callers get a new call.
   */
  invalidate(username?: string): void
  /** Counts since the function was made, by `UserGroupsStatus`. */
  stats(): UserGroupsStats
}

const OPTION_NAMES: OptionNames<GroupsFromCognitoOptions> = {
  userPoolId: true,
  ...CONNECTION_NAMES,
  usernameOf: true,
  ttl: true,
  max: true,
  onEvent: true,
  clock: true,
}

/** Cognito's response about one user. */
interface UserResponse {
  /** Undefined if the user does not exist. */
  readonly groups: readonly Group[] | undefined
  /** When it was asked for, before the wait for its turn: the response is no older than this. */
  readonly fetchedAt: number
  /** Its number among the responses that were asked for: clocks have ties. */
  readonly order: number
}

/** Whether a user has this name does not matter: only that Cognito responds. */
const NO_USER = 'rolecast-warm-up-no-such-user'

const NEVER = new AbortController().signal

/**
 * Makes the `groupsOf` of a guard or an authorizer that asks Cognito in which groups the user is now. The response has the
 * groups' roles, so the resolver calls nothing: one AdminListGroupsForUser call for each 60 groups of the user is all.
 *
 * All or nothing: if a page cannot be read the promise rejects, because without its groups the role could be another. A
 * failure is never cached. The cache is in this process and not encrypted: it holds usernames, group names and role ARNs.
 *
 * Not for tokens of another user pool, which are rejected, and not for what a pre token generation trigger changes. It
 * asks by username, so a new user with the name of a deleted one counts as the user of the old token; see `usernameOf`.
 *
 * @throws RolecastError `invalid-option`, `invalid-user-pool-id`, `no-region`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminListGroupsForUser.html
 * @example
 * import { CognitoJwtVerifier } from 'aws-jwt-verify'
 * import { createRoleGuard } from 'rolecast/authorizer'
 * import { createRoleResolver, groupsFromCognito } from 'rolecast/cognito'
 *
 * const userPoolId = 'eu-west-1_Ab12Cd34e'
 * const guard = createRoleGuard({
 *   verifier: CognitoJwtVerifier.create({ userPoolId, clientId: '1example23456789', tokenUse: 'access' }),
 *   resolver: createRoleResolver({ userPoolId }),
 *   groupsOf: groupsFromCognito({ userPoolId }),
 *   onStale: 'allow',
 *   allow: ({ resolution }) => resolution.preferredRole === 'arn:aws:iam::111122223333:role/Admin',
 * })
 */
export function groupsFromCognito(options: GroupsFromCognitoOptions): UserGroups {
  checkNames(options, OPTION_NAMES)
  const { userPoolId, client, usernameOf = usernameIn, onEvent, clock = Date.now, ...connection } = options
  checkFunctions({ usernameOf, onEvent, clock })
  const ttl = durationOption(options, 'ttl', 5_000)
  const max = numberOption(options, 'max', { default: 10_000, min: 1, max: 1_000_000, integer: true })
  const { AdminListGroupsForUser: quota } = REQUESTS_PER_SECOND
  const rate = numberOption(options, 'requestsPerSecond', { default: quota, min: MIN_RATE })

  const counts: Record<UserGroupsStatus, number> = {
    hit: 0,
    negative: 0,
    miss: 0,
    coalesced: 0,
    call: 0,
    failed: 0,
    throttled: 0,
    evicted: 0,
  }
  const api = createUserPoolApi({
    ...connection,
    userPoolId,
    // It is only sent commands that it has.
    client: client as ConnectionOptions['client'],
    timeout: options.timeout ?? CALL_TIMEOUT,
    rates: { AdminListGroupsForUser: rate },
    spread: false,
    maxWaiting: Math.max(1, Math.floor(rate)),
    clock,
    onCall: () => emit('call'),
  })
  const cached = new LRUCache<string, UserResponse>({
    max,
    dispose: (_response, _username, reason) => {
      if (reason === 'evict') emit('evicted')
    },
  })
  const calls = createCoalescer<string, UserResponse>((username, response) => {
    if (ttl > 0) cached.set(username, response)
  })
  let asked = 0

  function emit(type: UserGroupsStatus, code?: ErrorCode): void {
    counts[type]++
    if (onEvent !== undefined) callHook(onEvent, { type, ...(code !== undefined && { code }) })
  }

  /** Emits a call's failure once, however many callers wait for it. */
  async function reporting<T>(call: Promise<T>): Promise<T> {
    try {
      return await call
    } catch (error) {
      const { code } = error as RolecastError
      if (code !== 'aborted') emit('failed', code)
      if (code === 'throttled') emit('throttled', code)
      throw error
    }
  }

  async function read(username: string, signal: AbortSignal): Promise<UserResponse> {
    const stamp = { fetchedAt: clock(), order: ++asked }
    const groups = await listGroupsOfUser(api, username, signal)
    return { ...stamp, groups: groups && distinctGroups(groups) }
  }

  function abortedBy(signal: AbortSignal | undefined, username: string): RolecastError {
    return failure('aborted', { operation: 'AdminListGroupsForUser', userPoolId, username }, { cause: signal?.reason })
  }

  function cachedResponse(username: string, now: number): UserResponse | undefined {
    const response = cached.get(username)
    return response !== undefined && isYounger(response, ttl, now) ? response : undefined
  }

  async function fetchResponse(username: string, signal: AbortSignal | undefined, at: number): Promise<UserResponse> {
    const before = asked
    const start = (either: AbortSignal) => reporting(read(username, either))
    const join = () => calls.join(username, start, signal, () => abortedBy(signal, username))
    const response = await join()
    // A call that was under way before can be older than `ttl` allows. The next one cannot.
    return response.order > before || isYounger(response, ttl, at) ? response : join()
  }

  async function responseFor(username: string, signal: AbortSignal | undefined): Promise<UserResponse> {
    const now = clock()
    const known = cachedResponse(username, now)
    if (known === undefined) {
      emit(calls.has(username) ? 'coalesced' : 'miss')
      return fetchResponse(username, signal, now)
    }
    emit(known.groups === undefined ? 'negative' : 'hit')
    return known
  }

  async function groupsOf(claims: object, options?: LookupOptions): Promise<Lookup> {
    const signal = options?.signal
    checkIssuer(claims, userPoolId)
    const username = checkUsername(syncResult(usernameOf(claims as Readonly<Record<string, unknown>>)))
    if (signal?.aborted) throw abortedBy(signal, username)
    const { groups, fetchedAt } = await responseFor(username, signal)
    if (groups === undefined) throw userNotFound(username, userPoolId)
    return { groups, unknownGroups: [], stale: false, age: Math.max(0, clock() - fetchedAt) }
  }

  return Object.assign(groupsOf, {
    userPoolId,
    async warm(lookupOptions?: LookupOptions): Promise<UserGroupsWarmed> {
      try {
        await reporting(api.adminListGroupsForUser(NO_USER, undefined, lookupOptions?.signal ?? NEVER))
        return { isReady: true }
      } catch (error) {
        return { isReady: false, error: error as RolecastError }
      }
    },
    invalidate(username?: string): void {
      // A value that is not a name would drop no user.
      if (username !== undefined && typeof username !== 'string')
        throw invalidOption(
          `the user to drop is ${quote(username)}; give a username, or nothing for all users`,
          username,
        )
      if (username === undefined) {
        cached.clear()
        calls.forgetAll()
      } else {
        cached.delete(username)
        calls.forget(username)
      }
    },
    stats: (): UserGroupsStats => ({ ...counts, size: cached.size }),
  })
}

/** Each group once. One that changed between two pages is as the later page has it. */
function distinctGroups(groups: readonly Group[]): readonly Group[] {
  return Object.freeze([...new Map(groups.map(group => [group.groupName, group])).values()])
}

/** A trigger may add a claim of the other token's name, so the use of the token decides. Undefined if it is not clear. */
function usernameIn(claims: object): unknown {
  const use = ownValue(claims, 'token_use')
  const ofId = ownValue(claims, 'cognito:username')
  const ofAccess = ownValue(claims, 'username')
  if (use === 'id') return ofId
  if (use === 'access') return ofAccess
  return ofId === undefined || ofAccess === undefined || ofId === ofAccess ? (ofId ?? ofAccess) : undefined
}

function checkUsername(username: unknown): string {
  if (typeof username === 'string' && username !== '') return username
  throw new RolecastError(
    'invalid-claim',
    `the username in the claims is ${quote(username)}; verify an ID or access token of a user, or give \`usernameOf\``,
    { value: username },
  )
}

/** A user with the same name in another pool is a different user. */
function checkIssuer(claims: object, userPoolId: string): void {
  const iss = ownValue(Object(claims) as object, 'iss')
  if (poolOfIssuer(iss) === userPoolId) return
  throw new RolecastError(
    'invalid-claim',
    `the token's issuer is ${quote(iss)}, but the groups belong to user pool ${quote(userPoolId)}; give a token from that pool`,
    { value: iss },
  )
}

function userNotFound(username: string, userPoolId: string): RolecastError {
  return new RolecastError(
    'user-not-found',
    `user pool ${quote(userPoolId)} has no user ${quote(username)}, so the user may have been deleted after the token was issued; ` +
      'sign in again',
    { value: username },
  )
}
