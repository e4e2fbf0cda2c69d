import { type CarriedClaims, type ClaimsComparison, compareClaims } from '../claims/compare-claims.js'
import { isAbortSignal, onAbort } from '../abort.js'
import { poolOfIssuer } from '../aws-ids.js'
import { RolecastError, quote } from '../errors.js'
import type { Resolution } from '../claims/resolve.js'
import { isText, isTexts } from './responses.js'
import { parseRoleClaims } from './claims.js'
import { type CurrentGroups, type GivenGroups, readCurrentGroups, reasonOfGroupsFailure } from './current-groups.js'
import type { FoundToken } from './events.js'
import { GUARD_OPTIONS, MAX_TIMER, readOptions, readUserPoolId } from './options.js'
import { copyArray, copyPlain, ownFields } from './own-data.js'
import { type Mutable, syncResult } from '../record.js'
import { reasonOfVerifierFailure } from './verifier-failure.js'
import { errorWithoutToken, identifier } from './without-token.js'

/** A resolution of groups that were read now, or from a cache. */
export interface CurrentResolution extends Resolution {
  /** Names of groups that do not exist. */
  readonly unknownGroups: readonly string[]
  /** Whether an expired group was served. */
  readonly stale: boolean
  /** Milliseconds since the request for the oldest group was sent. */
  readonly age: number
}

/** The result of `createRoleResolver`, or anything with its `userPoolId` and `resolve`. */
export interface CurrentRoles {
  /**
   * The id of the user pool whose groups are resolved: a token that another pool issued is denied, because its groups are
   * different groups. Or `any`: the groups of every pool that the verifier accepts have these roles.
   */
  readonly userPoolId: string
  /** Forecasts the role claims of a user who is in these groups, as the groups are now. */
  resolve(
    groupNames: Iterable<string>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<CurrentResolution>
  /**
   * The same for groups with their roles, which `groupsOf` can return. Without this method their names are resolved, as if
   * `groupsOf` had returned these.
   */
  resolveLookup?(lookup: CurrentGroups): CurrentResolution | Promise<CurrentResolution>
}

/** A verifier of aws-jwt-verify, or a function that returns a token's payload and throws if the token is not valid. */
export type TokenVerifier<Payload extends object> =
  | {
      /** Returns the payload of a valid token, and throws for any other. */
      verify(token: string): Payload | Promise<Payload>
    }
  | ((token: string) => Payload | Promise<Payload>)

/** There is one preferred role, unless `requireRole` is false. */
export type RequestedResolution<RequireRole extends boolean> = RequireRole extends true
  ? CurrentResolution & { readonly outcome: 'resolved'; readonly preferredRole: string }
  : CurrentResolution

/** What `allow` decides about. */
export interface AccessRequest<Payload extends object, RequireRole extends boolean, Event> {
  /** The role now. */
  readonly resolution: RequestedResolution<RequireRole>
  /** The verified token's payload. Its groups and roles are those of its issue time: decide by `resolution`. */
  readonly claims: Payload
  /** What changed since the token was issued. */
  readonly comparison: ClaimsComparison
  /** As received: it may contain the token. */
  readonly event: Event
}

/** Unauthenticated: status 401. With `token-not-cache-key` the response could be cached for another token. */
const UNAUTHENTICATED: ReadonlySet<DenyReason> = new Set([
  'missing-token',
  'unverified',
  'expired',
  'wrong-client',
  'bad-signature',
  'invalid-claims',
  'wrong-pool',
  'unknown-user',
  'token-not-cache-key',
])

/** No decision was possible: status 503. A retry may succeed. */
const FAILED: ReadonlySet<DenyReason> = new Set([
  'keys-unavailable',
  'membership-failed',
  'resolver-failed',
  'stale-cache',
  'allow-failed',
  'hook-failed',
  'timeout',
])

/**
 * Why access was denied.
 *
 * Status 401, the caller is unknown:
 * - `missing-token`: no token, or two Authorization headers that differ.
 * - `expired`: the verifier says that the token is expired.
 * - `wrong-client`: the verifier says that the token is for another app client.
 * - `bad-signature`: the verifier says that the signature is wrong, or that the key set does not have the token's key.
 * - `unverified`: the verifier threw anything else, or returned no payload.
 * - `invalid-claims`: not the payload of a Cognito token, or one without an issuer where the resolver or `groupsOf` names a
 *   pool, or `groupsOf` threw a RolecastError `invalid-claim`, for example for a token without a username.
 * - `wrong-pool`: the token is from a user pool that the verifier does not accept, or not from that of the resolver or `groupsOf`.
 * - `unknown-user`: `groupsOf` threw a RolecastError `user-not-found`: the user was deleted since the token was issued.
 * - `token-not-cache-key`: in an HTTP API, the token is not among the identity sources.
 *
 * Status 403, the decision is no:
 * - `unknown-group`: a group does not exist, and `onUnknownGroup` is not `ignore`.
 * - `undetermined`: AWS does not document which role Cognito prefers.
 * - `no-role`: there is no preferred role, and `requireRole` is not `false`.
 * - `stale-token`: `onStale` rejected the token, or threw.
 * - `not-allowed`: `allow` did not return true, or the verifier wants groups or a scope that the token lacks.
 * - `wildcard-in-path`: the path has a wildcard, which in a policy would allow other paths.
 * - `invalid-response`: `allow` returned an object that is not plain, or a value that the response cannot have, or the
 *   response would be too large.
 * - `invalid-event`: the event is of an unknown kind, or not of the given `kind`, and the handler of an authorizer rejects. Or
 *   a guard was called with a `signal` that is not an AbortSignal (`error` is `invalid-option`).
 *
 * Status 503, no decision was possible:
 * - `keys-unavailable`: the verifier could not read its keys, or threw a RolecastError that is `retryable`.
 * - `membership-failed`: `groupsOf` threw anything else, or returned neither names nor groups with their roles.
 * - `resolver-failed`: a group could not be read, or the user has more groups than Cognito allows.
 * - `stale-cache`: the cache served expired groups that are older than `maxStaleAge`.
 * - `allow-failed`: `allow` threw.
 * - `hook-failed`: `onDecision` threw on a granted request.
 * - `timeout`: `timeout` was over, the time of the function was nearly up, or the signal aborted.
 */
export type DenyReason =
  | 'missing-token'
  | 'unverified'
  | 'expired'
  | 'wrong-client'
  | 'bad-signature'
  | 'invalid-claims'
  | 'wrong-pool'
  | 'unknown-user'
  | 'token-not-cache-key'
  | 'keys-unavailable'
  | 'membership-failed'
  | 'resolver-failed'
  | 'stale-cache'
  | 'allow-failed'
  | 'hook-failed'
  | 'timeout'
  | 'unknown-group'
  | 'undetermined'
  | 'no-role'
  | 'stale-token'
  | 'not-allowed'
  | 'wildcard-in-path'
  | 'invalid-response'
  | 'invalid-event'

/** What is known of the caller when a decision is made. */
export interface DecisionDetails {
  /** The user's `sub`, once the token is verified. */
  readonly principalId?: string
  /** The role now; absent if it was not read. */
  readonly resolution?: CurrentResolution
  /** What changed since the token was issued; absent if the role was not read. */
  readonly comparison?: ClaimsComparison
}

/** Access was granted. */
export interface Granted<
  Payload extends object = object,
  RequireRole extends boolean = boolean,
> extends Required<DecisionDetails> {
  /** Always true. */
  readonly allowed: true
  /** Always `allowed`. */
  readonly reason: 'allowed'
  /** The role now. */
  readonly resolution: RequestedResolution<RequireRole>
  /** The verified token's payload. It holds personal data: log with care. */
  readonly claims: Payload
}

/** A denial, with its reason. */
export interface Denied extends DecisionDetails {
  /** Always false. */
  readonly allowed: false
  /** Why access was denied. */
  readonly reason: DenyReason
  /** 401: the caller is unknown. 403: the decision is no. 503: no decision was possible. */
  readonly status: 401 | 403 | 503
  /** The code of an error, or its name. Never a message, because that could contain the token. */
  readonly error?: string
}

/** Whether access is granted, and the reason. It never contains the token. */
export type Decision<Payload extends object = object, RequireRole extends boolean = boolean> =
  | Granted<Payload, RequireRole>
  | Denied

/** The options of `createRoleGuard`. What decides about security has no default. */
export interface RoleGuardOptions<Payload extends object, RequireRole extends boolean, Event, Verdict> {
  /**
   * Reads the groups' roles: `createRoleResolver({ … })` from `rolecast/cognito`. It must be for the pool that issued the
   * token, according to the token's `iss`.
   */
  readonly resolver: CurrentRoles
  /**
   * Required, because a caller can forge unverified claims. The payload of a function must have the token's `sub`, and
   * its `iss` unless the resolver is for `any` pool and `groupsOf` names none.
   */
  readonly verifier: TokenVerifier<Payload>
  /**
   * The user's groups: `token`, those in the token, so a user who was removed from a group stays in it until the token
   * expires; or a function that reads them: `groupsFromCognito({ userPoolId })` of `rolecast/cognito`, which calls
   * Cognito, or your own function, which returns their names. If it has a `userPoolId`, that must be the resolver's.
   */
  readonly groupsOf:
    | 'token'
    | ((
        claims: Payload,
        options: { readonly signal?: AbortSignal | undefined },
      ) => Iterable<string> | CurrentGroups | Promise<Iterable<string> | CurrentGroups>)
  /**
   * Whether to accept a token whose role claims differ from those of a new token. Code that reads its claims later may
   * grant a revoked role (`comparison.mayGrantLostRole`).
   */
  readonly onStale: 'allow' | 'deny' | ((comparison: ClaimsComparison) => boolean)
  /**
   * Whether to allow the request. Called only if everything else allows it, with a preferred role unless `requireRole` is
   * false, and never with an undetermined one. Only `true`, or a plain object whose `allow` is `true`, allows it.
   */
  allow(request: AccessRequest<Payload, RequireRole, Event>): Verdict | Promise<Verdict>
  /**
   * Whether to deny users without a preferred role. False: `allow` is also called for them.
   *
   * @default true
   */
  readonly requireRole?: RequireRole | undefined
  /**
   * What to do about a group that does not exist, for example one just deleted.
   *
   * @default 'deny'
   */
  readonly onUnknownGroup?: 'deny' | 'ignore' | undefined
  /**
   * Maximum age, in milliseconds, of a resolution with an expired group.
   *
   * @default an expired group is not accepted
   */
  readonly maxStaleAge?: number | undefined
  /**
   * Milliseconds after which the request is denied, if it is not decided by then; `onDecision` counts. Infinity: no limit,
   * and a verifier that hangs holds the request forever.
   *
   * @default 3000
   */
  readonly timeout?: number | undefined
  /**
   * Called with every decision, and awaited. If it fails for a granted request, or is not done within `timeout`, the
   * request is denied, and it is called again with `hook-failed` or `timeout`. Leave it out to have none: undefined is
   * rejected.
   *
   * @default none
   */
  readonly onDecision?: (decision: Decision<Payload>) => unknown
  /**
   * Called with the error that caused a denial, for a log, and not awaited: errors that it throws are ignored. It gets
   * a copy with `name`, `code`, `message`, `stack` and `cause`, in which the token is replaced by `[token]`, and of a
   * RolecastError also `groupName` and `retryable`. Leave it out to have none: undefined is rejected.
   *
   * @default none
   */
  readonly onError?: (error: unknown, decision: Denied) => unknown
  /**
   * Milliseconds since the epoch, for the token's age.
   *
   * @default Date.now
   */
  readonly clock?: (() => number) | undefined
}

/** Decides on one token. `event` is passed to `allow`: the request, for example. A `signal` of null means none. */
export type RoleGuard<Event, Payload extends object = object, RequireRole extends boolean = boolean> = (
  token: string | undefined,
  ...request: unknown extends Event
    ? [request?: { readonly event?: unknown; readonly signal?: AbortSignal | null | undefined }]
    : [request: { readonly event: Event; readonly signal?: AbortSignal | null | undefined }]
) => Promise<Decision<Payload, RequireRole>>

/**
 * Makes the decision of `createRoleAuthorizer` without an event or a response, for middleware. `bearerToken` gets the token
 * from a header.
 *
 * If anything goes wrong, the decision is a denial.
 *
 * @throws RolecastError `invalid-option`
 * @example
 * import { CognitoJwtVerifier } from 'aws-jwt-verify'
 * import express from 'express'
 * import { bearerToken, createRoleGuard, denialHeaders } from 'rolecast/authorizer'
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
 *
 * const app = express()
 * app.use(async (request, response, next) => {
 *   const decision = await guard(bearerToken(request.headers.authorization))
 *   if (decision.allowed) next()
 *   else response.set(denialHeaders(decision)).sendStatus(decision.status)
 * })
 */
export function createRoleGuard<Payload extends object, RequireRole extends boolean = true, Event = unknown>(
  options: RoleGuardOptions<Payload, RequireRole, Event, boolean>,
): RoleGuard<Event, Payload, RequireRole> {
  const decide = createDecider(readOptions(options, GUARD_OPTIONS))
  return async (token, ...[request]) => {
    const { decision } = await decide({
      find: () => (typeof token === 'string' ? token : undefined),
      event: request?.event as Event,
      signal: request?.signal ?? undefined,
      timeLeft: () => Infinity,
      complete: verdict => rejectFields(verdict, []),
    })
    return decision
  }
}

/**
 * What restricts the access. Undefined, as a table gives it for a missing key, must not mean that there is no
 * restriction.
 */
const RESTRICTING: ReadonlySet<string> = new Set(['resource', 'deniedFields'])

/** A field that the response cannot have is never dropped silently, because it could be what restricts the access. */
export function rejectFields(verdict: PlainVerdict, known: readonly string[]): void {
  for (const [key, value] of Object.entries(verdict)) {
    if (value === undefined && RESTRICTING.has(key) && known.includes(key))
      throw new RolecastError('invalid-option', `${quote(key)} is undefined; give its value, or leave it out`)
    if (value === undefined || ['allow', ...known].includes(key)) continue
    throw new RolecastError('invalid-option', `the response to this kind of event has no ${quote(key)}; leave it out`)
  }
}

/** What `allow` returned, without what it inherits. */
export type PlainVerdict = Readonly<Record<string, unknown>>

interface Question<Event, Response> {
  readonly find: () => FoundToken
  readonly event: Event
  readonly signal: AbortSignal | undefined
  /** Milliseconds that the caller has left. Anything but a number means that the time is up. */
  readonly timeLeft: () => number
  /** Makes the response to a granted request. If it throws, the request is denied. */
  readonly complete: (verdict: PlainVerdict, principalId: string) => Response
}

const DENIED = Symbol('denied')

/** @param options as `readOptions` gives them */
export function createDecider<Payload extends object, RequireRole extends boolean, Event, Verdict>(
  options: RoleGuardOptions<Payload, RequireRole, Event, Verdict>,
) {
  const userPoolId = readUserPoolId(options)
  const {
    resolver,
    verifier,
    groupsOf,
    onStale,
    requireRole,
    onUnknownGroup,
    maxStaleAge = -1,
    timeout = 3_000,
    onDecision,
    onError,
    clock = Date.now,
  } = options

  return async <Response>({
    find,
    event,
    signal: outer,
    timeLeft,
    complete,
  }: Question<Event, Response>): Promise<{
    readonly decision: Decision<Payload, RequireRole>
    readonly response?: Response
  }> => {
    const details: Mutable<DecisionDetails> = {}
    let token: string | undefined
    // The reason if anything throws from here on.
    let reason: DenyReason = 'timeout'
    const deny: (why: DenyReason) => never = why => {
      reason = why
      throw DENIED
    }
    const controller = new AbortController()
    const { signal } = controller
    const { promise: gone, reject: leave } = withReject()
    const stop = () => {
      controller.abort(outer?.reason)
      leave(signal.reason)
    }
    let timer: ReturnType<typeof setTimeout> | undefined
    let ignoreOuter: (() => void) | undefined
    /** Does not wait for work that ignores the signal. */
    const step = async <T>(why: DenyReason, work: () => T | Promise<T>): Promise<T> => {
      reason = why
      signal.throwIfAborted()
      return Promise.race([work(), gone])
    }

    try {
      const limit = Math.min(timeout, timeLeft())
      if (!(limit > 0)) stop()
      else if (limit !== Infinity) timer = setTimeout(stop, Math.min(limit, MAX_TIMER))

      reason = 'invalid-event'
      if (outer !== undefined && !isAbortSignal(outer)) {
        throw new RolecastError('invalid-option', 'the signal is not an AbortSignal; give one, or leave it out')
      }
      ignoreOuter = onAbort(outer, stop)

      reason = 'missing-token'
      const found = find()
      if (typeof found === 'object') deny(found.deny)
      if (!isText(found)) deny('missing-token')
      token = found

      const claims = await step('unverified', () =>
        typeof verifier === 'function' ? verifier(found) : verifier.verify(found),
      )
      if (Object(claims) !== claims) deny('unverified')
      reason = 'invalid-claims'
      const payload = ownFields(claims)
      const { sub, iss } = payload
      // Anything else, for example the three parts of a decoded token, would look like a user without groups.
      if (!isText(sub)) deny('invalid-claims')
      if (userPoolId !== 'any') {
        const issuer = poolOfIssuer(iss)
        if (issuer === undefined) deny('invalid-claims')
        if (issuer !== userPoolId) deny('wrong-pool')
      }
      const carried = {
        ...parseRoleClaims(payload, { transport: 'jwt' }),
        token_use: payload['token_use'],
        iat: payload['iat'],
      } as CarriedClaims
      details.principalId = sub

      const given: unknown =
        groupsOf === 'token'
          ? (carried['cognito:groups'] ?? [])
          : await step('membership-failed', () => groupsOf(claims, { signal }))
      const groups = readCurrentGroups(given)

      const resolution = await step('resolver-failed', () => resolveGroups(resolver, groups, signal))
      const { outcome, preferredRole, unknownGroups, roles, stale, age } = resolution
      if (![unknownGroups, roles].every(list => isTexts(copyArray(list) ?? [undefined]))) deny('resolver-failed')
      details.resolution = resolution
      if (unknownGroups.length !== 0 && onUnknownGroup !== 'ignore') deny('unknown-group')
      if (stale !== false && !(typeof age === 'number' && age >= 0 && age <= maxStaleAge)) deny('stale-cache')
      if (!['resolved', 'none', 'ambiguous'].includes(outcome)) deny('undetermined')
      if (requireRole !== false && (outcome !== 'resolved' || !isText(preferredRole))) deny('no-role')
      if ((outcome === 'resolved') !== isText(preferredRole)) deny('resolver-failed')

      reason = 'invalid-claims'
      const comparison = compareClaims(resolution, carried, { now: syncResult(clock()) })
      details.comparison = comparison
      reason = 'stale-token'
      if (comparison.status !== 'fresh' && onStale !== 'allow') {
        if (onStale === 'deny' || syncResult(onStale(comparison)) !== true) deny('stale-token')
      }

      const requested = resolution as RequestedResolution<RequireRole>
      const request = { resolution: requested, claims, comparison, event }
      const said: unknown = await step('allow-failed', () => options.allow(request))
      if (said !== true && (typeof said !== 'object' || said === null)) deny('not-allowed')
      const verdict = copyPlain(said === true ? { allow: true } : said)
      if (verdict === undefined) deny('invalid-response')
      if (syncResult(verdict['allow']) !== true) deny('not-allowed')

      reason = 'invalid-response'
      const response = complete(verdict, sub)
      const decision: Granted<Payload, RequireRole> = {
        allowed: true,
        reason: 'allowed',
        principalId: sub,
        claims,
        resolution: requested,
        comparison,
      }
      await step('hook-failed', () => onDecision?.(decision))
      return { decision, response }
    } catch (error) {
      if (error !== DENIED) {
        if (signal.aborted) reason = 'timeout'
        else if ((reason as DenyReason) === 'unverified') reason = reasonOfVerifierFailure(error)
        else if ((reason as DenyReason) === 'membership-failed') reason = reasonOfGroupsFailure(error)
      }
      const name = error === DENIED ? undefined : nameOf(error, token)
      const decision: Denied = {
        allowed: false,
        reason,
        status: statusOf(reason),
        ...details,
        ...(name !== undefined && { error: name }),
      }
      if (error !== DENIED) tellError(onError, error, token, decision)
      try {
        await Promise.race([onDecision?.(decision), gone])
      } catch {
        // The request is denied already.
      }
      return { decision }
    } finally {
      clearTimeout(timer)
      ignoreOuter?.()
    }
  }
}

/** The hook is not awaited, and its errors and rejections are ignored. */
function tellError(
  onError: ((error: unknown, decision: Denied) => unknown) | undefined,
  error: unknown,
  token: string | undefined,
  decision: Denied,
): void {
  if (onError === undefined) return
  try {
    syncResult(onError(errorWithoutToken(error, token), decision))
  } catch {
    // The request is denied already.
  }
}

/** A promise that may be rejected when nothing waits for it any more. */
function withReject(): { readonly promise: Promise<never>; readonly reject: (reason: unknown) => void } {
  let reject!: (reason: unknown) => void
  const promise = new Promise<never>((_resolve, rejectIt) => {
    reject = rejectIt
  })
  promise.catch(() => {})
  return { promise, reject }
}

/** Names are resolved, and so are groups with their roles where the resolver cannot take these. */
async function resolveGroups(
  resolver: CurrentRoles,
  { names, lookup }: GivenGroups,
  signal: AbortSignal,
): Promise<CurrentResolution> {
  if (lookup === undefined) return resolver.resolve(names, { signal })
  if (resolver.resolveLookup !== undefined) return resolver.resolveLookup(lookup)
  const resolution = await resolver.resolve(names, { signal })
  // As old as the older of the two, and expired if either is.
  return {
    ...resolution,
    unknownGroups: [...lookup.unknownGroups, ...resolution.unknownGroups],
    stale: lookup.stale || resolution.stale,
    age: Math.max(lookup.age, resolution.age),
  }
}

function statusOf(reason: DenyReason): Denied['status'] {
  return UNAUTHENTICATED.has(reason) ? 401 : FAILED.has(reason) ? 503 : 403
}

/** The code of an error, or its name. Absent if a verifier put the token or anything else there that is not a name. */
function nameOf(error: unknown, token: string | undefined): string | undefined {
  try {
    const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown }
    return identifier(code, token) ?? identifier(name, token)
  } catch {
    // A getter threw.
    return undefined
  }
}
