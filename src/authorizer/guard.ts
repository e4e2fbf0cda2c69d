import { type CarriedClaims, type ClaimsComparison, compareClaims } from '../claims/compare-claims.js'
import { RolecastError, quote } from '../errors.js'
import type { Resolution } from '../claims/resolve.js'
import { isText } from './responses.js'
import { type IncomingClaims, parseRoleClaims } from './claims.js'
import type { FoundToken } from './events.js'
import type { Mutable } from '../record.js'

/** A resolution of groups that were read now, or from a cache. */
export interface CurrentResolution extends Resolution {
  readonly unknownGroups: readonly string[]
  /** Whether an expired group was served. */
  readonly stale: boolean
  /** Milliseconds. */
  readonly age: number
}

/** The result of `createRoleResolver`, or anything with its `resolve`. */
export interface CurrentRoles {
  resolve(
    groupNames: Iterable<string>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<CurrentResolution>
}

/** A verifier of aws-jwt-verify, or a function that returns a token's payload and throws if the token is not valid. */
export type TokenVerifier<Payload extends object> =
  | { verify(token: string): Payload | Promise<Payload> }
  | ((token: string) => Payload | Promise<Payload>)

/** There is one preferred role, unless `requireRole` is false. */
export type RequestedResolution<RequireRole extends boolean> = RequireRole extends true
  ? CurrentResolution & { readonly outcome: 'resolved'; readonly preferredRole: string }
  : CurrentResolution

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
  'invalid-claims',
  'token-not-cache-key',
])

/** No decision was possible: status 503. It may be the next time. */
const FAILED: ReadonlySet<DenyReason> = new Set([
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
 * - `unverified`: the verifier threw or returned no payload.
 * - `invalid-claims`: not the payload of a Cognito token.
 * - `token-not-cache-key`: in an HTTP API, the token is not among the identity sources.
 *
 * Status 403, the decision is no:
 * - `unknown-group`: a group does not exist, and `onUnknownGroup` is not `ignore`.
 * - `undetermined`: AWS does not document which role Cognito prefers.
 * - `no-role`: there is no preferred role, and `requireRole` is not `false`.
 * - `stale-token`: `onStale` rejected the token, or threw.
 * - `not-allowed`: `allow` did not return true.
 * - `wildcard-in-path`: the path has a wildcard, which in a policy would allow other paths.
 * - `invalid-response`: the response would be too large, or has a value that it cannot have.
 * - `invalid-event`: the event is of an unknown kind. The handler of an authorizer rejects.
 *
 * Status 503, no decision was possible:
 * - `membership-failed`: `groupsOf` threw, or returned no groups.
 * - `resolver-failed`: a group could not be read.
 * - `stale-cache`: the cache served groups that expired longer ago than `maxStaleAge` allows.
 * - `allow-failed`: `allow` threw.
 * - `hook-failed`: `onDecision` threw on a granted request.
 * - `timeout`: the time was nearly up, or the signal aborted.
 */
export type DenyReason =
  | 'missing-token'
  | 'unverified'
  | 'invalid-claims'
  | 'token-not-cache-key'
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

interface DecisionDetails {
  /** The user's `sub`, once the token is verified. */
  readonly principalId?: string
  readonly resolution?: CurrentResolution
  readonly comparison?: ClaimsComparison
}

export interface Granted extends Required<DecisionDetails> {
  readonly allowed: true
  readonly reason: 'allowed'
}

export interface Denied extends DecisionDetails {
  readonly allowed: false
  readonly reason: DenyReason
  /** 401: the caller is unknown. 403: the decision is no. 503: no decision was possible. */
  readonly status: 401 | 403 | 503
  /** The code of an error, or its name. Never a message, because that could contain the token. */
  readonly error?: string
}

/** Never contains the token. */
export type Decision = Granted | Denied

export interface RoleGuardOptions<Payload extends object, RequireRole extends boolean, Event, Verdict> {
  /** Reads the groups' roles: `createRoleResolver({ … })` from `rolecast/cognito`. */
  readonly resolver: CurrentRoles
  /** Required: unverified claims are whatever the caller wants. */
  readonly verifier: TokenVerifier<Payload>
  /**
   * The user's groups: `token`, those in the token, so a user who was removed from a group stays in it until the token
   * expires; or a function that reads them, for example with AdminListGroupsForUser.
   */
  readonly groupsOf:
    | 'token'
    | ((
        claims: Payload,
        options: { readonly signal?: AbortSignal | undefined },
      ) => Iterable<string> | Promise<Iterable<string>>)
  /**
   * Whether to accept a token whose role claims differ from those of a new token. Code that reads its claims later may grant
   * a revoked role (`comparison.mayGrantLostRole`).
   */
  readonly onStale: 'allow' | 'deny' | ((comparison: ClaimsComparison) => boolean)
  /**
   * Whether to allow the request. Called only if everything else allows it, with a preferred role unless `requireRole` is
   * false, and never with an undetermined one. Only `true`, or an object whose `allow` is `true`, allows it.
   */
  allow(request: AccessRequest<Payload, RequireRole, Event>): Verdict | Promise<Verdict>
  /** @default true */
  readonly requireRole?: RequireRole | undefined
  /**
   * What to do about a group that does not exist, for example one just deleted.
   *
   * @default deny
   */
  readonly onUnknownGroup?: 'deny' | 'ignore' | undefined
  /**
   * Maximum age, in milliseconds, of a resolution with an expired group.
   *
   * @default an expired group is not accepted
   */
  readonly maxStaleAge?: number | undefined
  /**
   * Called with every decision, and awaited. If it fails for a granted request the request is denied, and it is called
   * again with `hook-failed`.
   */
  readonly onDecision?: ((decision: Decision) => unknown) | undefined
  /**
   * Milliseconds since the epoch, for the token's age.
   *
   * @default Date.now
   */
  readonly clock?: (() => number) | undefined
}

/** Decides on one token. `event` is passed to `allow`: the request, for example. */
export type RoleGuard<Event> = (
  token: string | undefined,
  ...request: unknown extends Event
    ? [request?: { readonly event?: unknown; readonly signal?: AbortSignal | undefined }]
    : [request: { readonly event: Event; readonly signal?: AbortSignal | undefined }]
) => Promise<Decision>

/**
 * Makes the decision of `createRoleAuthorizer` without an event or a response, for middleware. `bearerToken` gets the token
 * from a header.
 *
 * If anything goes wrong, the decision is a denial.
 *
 * @throws RolecastError `invalid-option`
 */
export function createRoleGuard<Payload extends object, RequireRole extends boolean = true, Event = unknown>(
  options: RoleGuardOptions<Payload, RequireRole, Event, boolean>,
): RoleGuard<Event> {
  const decide = createDecider(options)
  return async (token, ...[request]) => {
    const { decision } = await decide(
      () => token,
      request?.event as Event,
      request?.signal,
      verdict => rejectFields(verdict, []),
    )
    return decision
  }
}

/** A field that the response cannot have must not get lost: it could be what restricts the access. */
export function rejectFields(verdict: object, known: readonly string[]): void {
  for (const [key, value] of Object.entries(verdict)) {
    if (value === undefined || ['allow', ...known].includes(key)) continue
    throw new RolecastError('invalid-option', `the response to this kind of event has no ${quote(key)}; leave it out`)
  }
}

const DENIED = Symbol('denied')

/** `complete` makes the response to a granted request. If it throws, the request is denied. */
export function createDecider<Payload extends object, RequireRole extends boolean, Event, Verdict>(
  options: RoleGuardOptions<Payload, RequireRole, Event, Verdict>,
) {
  checkOptions(options)
  const {
    resolver,
    verifier,
    groupsOf,
    onStale,
    requireRole,
    onUnknownGroup,
    maxStaleAge = -1,
    onDecision,
    clock = Date.now,
  } = options

  return async <Response>(
    find: () => FoundToken,
    event: Event,
    given: AbortSignal | undefined,
    complete: (verdict: object, principalId: string) => Response,
  ): Promise<{ readonly decision: Decision; readonly response?: Response }> => {
    // A signal of its own, so that no listener stays on a signal that lives longer.
    const signal = AbortSignal.any(given ? [given] : [])
    const details: Mutable<DecisionDetails> = {}
    let token: string | undefined
    // The reason if anything throws from here on.
    let reason: DenyReason = 'missing-token'
    const deny: (why: DenyReason) => never = why => {
      reason = why
      throw DENIED
    }
    const gone = new Promise<never>((_resolve, reject) => {
      const leave = () => reject(signal.reason as Error)
      if (signal.aborted) leave()
      else signal.addEventListener('abort', leave)
    })
    // Nothing may wait for it by then.
    gone.catch(() => {})
    /** Does not wait for work that ignores the signal. */
    const step = async <T>(why: DenyReason, work: () => T | Promise<T>): Promise<T> => {
      reason = why
      signal.throwIfAborted()
      return Promise.race([work(), gone])
    }

    try {
      const found = find()
      if (typeof found === 'object') deny(found.deny)
      if (!isText(found)) deny('missing-token')
      token = found

      const claims = await step('unverified', () =>
        typeof verifier === 'function' ? verifier(found) : verifier.verify(found),
      )
      if (Object(claims) !== claims) deny('unverified')
      reason = 'invalid-claims'
      const {
        sub,
        token_use: tokenUse,
        iat,
      } = { ...claims } as { sub?: unknown } & Pick<CarriedClaims, 'token_use' | 'iat'>
      // Anything else, for example the three parts of a decoded token, would be a user without groups.
      if (!isText(sub)) deny('invalid-claims')
      const carried: CarriedClaims = {
        ...parseRoleClaims(claims as IncomingClaims, { transport: 'jwt' }),
        token_use: tokenUse,
        iat,
      }
      details.principalId = sub

      const names =
        groupsOf === 'token'
          ? (carried['cognito:groups'] ?? [])
          : await step('membership-failed', () => groupsOf(claims, { signal }))
      const groupNames = [...names]
      // The characters of a string are not groups.
      if (isText(names) || !groupNames.every(isText)) deny('membership-failed')

      const resolution = await step('resolver-failed', () => resolver.resolve(groupNames, { signal }))
      const { outcome, preferredRole, unknownGroups, stale, age } = resolution
      details.resolution = resolution
      if (unknownGroups.length !== 0 && onUnknownGroup !== 'ignore') deny('unknown-group')
      if (stale !== false && !(age <= maxStaleAge)) deny('stale-cache')
      if (!['resolved', 'none', 'ambiguous'].includes(outcome)) deny('undetermined')
      if (requireRole !== false && (outcome !== 'resolved' || !preferredRole)) deny('no-role')

      reason = 'invalid-claims'
      const comparison = compareClaims(resolution, carried, { now: clock() })
      details.comparison = comparison
      reason = 'stale-token'
      if (comparison.status !== 'fresh' && onStale !== 'allow' && (onStale === 'deny' || onStale(comparison) !== true))
        deny('stale-token')

      const request = { resolution: resolution as RequestedResolution<RequireRole>, claims, comparison, event }
      const said: unknown = await step('allow-failed', () => options.allow(request))
      const verdict = (said === true ? { allow: said } : said) as { readonly allow?: unknown } | null | undefined
      if (verdict?.allow !== true) deny('not-allowed')

      reason = 'invalid-response'
      const response = complete(verdict, sub)
      const decision: Granted = { allowed: true, reason: 'allowed', principalId: sub, resolution, comparison }
      await step('hook-failed', () => onDecision?.(decision))
      return { decision, response }
    } catch (error) {
      if (error !== DENIED && signal.aborted) reason = 'timeout'
      const name = error === DENIED ? undefined : nameOf(error, token)
      const decision: Denied = {
        allowed: false,
        reason,
        status: statusOf(reason),
        ...details,
        ...(name !== undefined && { error: name }),
      }
      try {
        await Promise.race([onDecision?.(decision), gone])
      } catch {
        // The request is denied already.
      }
      return { decision }
    }
  }
}

function statusOf(reason: DenyReason): Denied['status'] {
  return UNAUTHENTICATED.has(reason) ? 401 : FAILED.has(reason) ? 503 : 403
}

/** The code of an error, or its name. Left out if a verifier put the token there. */
function nameOf(error: unknown, token = ' '): string | undefined {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown }
  return [code, name].find((one): one is string => typeof one === 'string' && !one.includes(token))
}

/** No default would be safe for everyone. An option of a wrong type denies when it is used. */
function checkOptions(options: object): void {
  for (const name of Object.keys(REQUIRED) as (keyof typeof REQUIRED)[]) {
    if ((options as Record<string, unknown>)[name]) continue
    throw new RolecastError('invalid-option', `${quote(name)} is missing; ${REQUIRED[name]}`)
  }
}

const REQUIRED = {
  resolver: 'give `createRoleResolver({ userPoolId })` from `rolecast/cognito`',
  verifier: 'give `CognitoJwtVerifier.create(…)` from `aws-jwt-verify`, or a function that verifies a token',
  groupsOf: "give `'token'`, or a function that reads the groups of the user",
  onStale: "give `'deny'`, `'allow'` or a function of the comparison",
  allow: 'give a function that decides by `resolution.preferredRole`',
} as const
