import { type CarriedClaims, type ClaimsComparison, compareClaims } from '../claims/compare-claims.js'
import { RolecastError } from '../errors.js'
import type { Resolution } from '../claims/resolve.js'
import { isText } from './answers.js'
import { type IncomingClaims, parseRoleClaims } from './claims.js'
import type { FoundToken } from './events.js'
import type { Mutable } from '../record.js'

/** A resolution of groups that were read just now, or from a cache. */
export interface CurrentResolution extends Resolution {
  readonly unknownGroups: readonly string[]
  /** Whether it was served past its time. */
  readonly stale: boolean
  /** Milliseconds. */
  readonly age: number
}

/** What `createRoleResolver` makes, and anything like it. */
export interface CurrentRoles {
  resolve(
    groupNames: Iterable<string>,
    options?: { readonly signal?: AbortSignal | undefined },
  ): Promise<CurrentResolution>
}

/** A verifier of aws-jwt-verify, or any function that gives a token's payload and throws if the token is not good. */
export type TokenVerifier<Payload extends object> =
  | { verify(token: string): Payload | Promise<Payload> }
  | ((token: string) => Payload | Promise<Payload>)

/** Without `requireRole: false` there is one preferred role. */
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
  /** As it came: it may have the token in it. */
  readonly event: Event
}

/** Who calls is not known: status 401. `token-not-cache-key`: the answer could be kept for another token. */
const UNAUTHENTICATED: ReadonlySet<DenyReason> = new Set([
  'missing-token',
  'unverified',
  'invalid-claims',
  'token-not-cache-key',
])

/** Nobody could tell: status 503. What failed may work the next time. */
const FAILED: ReadonlySet<DenyReason> = new Set([
  'membership-failed',
  'resolver-failed',
  'stale-cache',
  'allow-failed',
  'hook-failed',
  'timeout',
])

/** Why access was refused; `docs/authorizer.md` says what each means. Those not named above are a no, status 403. */
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
  | 'invalid-answer'
  | 'invalid-event'

interface Known {
  /** The user's `sub`, once the token is verified. */
  readonly principalId?: string
  readonly resolution?: CurrentResolution
  readonly comparison?: ClaimsComparison
}

export interface Granted extends Required<Known> {
  readonly allowed: true
  readonly reason: 'allowed'
}

export interface Denied extends Known {
  readonly allowed: false
  readonly reason: DenyReason
  /** 401: who calls is not known. 403: the answer is no. 503: nobody could tell. */
  readonly status: 401 | 403 | 503
  /** The code of an error, or its name: never a message, for it could have the token in it. */
  readonly error?: string
}

/** Never has the token in it. */
export type Decision = Granted | Denied

export interface RoleGuardOptions<Payload extends object, RequireRole extends boolean, Event, Verdict> {
  /** Reads the groups' roles: `createRoleResolver({ … })` of `rolecast/cognito`, or a table's. */
  readonly resolver: CurrentRoles
  /** There is no way without: claims that nobody verified are whatever the caller likes. */
  readonly verifier: TokenVerifier<Payload>
  /**
   * In which groups the user is: `token`, those the token carries, so who was removed from a group stays in it until the
   * token expires; or a function that asks, for example through AdminListGroupsForUser.
   */
  readonly groupsOf:
    | 'token'
    | ((
        claims: Payload,
        options: { readonly signal?: AbortSignal | undefined },
      ) => Iterable<string> | Promise<Iterable<string>>)
  /**
   * Whether a token that no longer says what a new one would is good enough: for whoever reads its claims further on it
   * may grant a role that is gone (`comparison.mayGrantLostRole`).
   */
  readonly onStale: 'allow' | 'deny' | ((comparison: ClaimsComparison) => boolean)
  /**
   * Whether the user gets in. Called only when all else is in order, and with a preferred role unless `requireRole` is
   * false; never with an undetermined one. Only `true`, or an object whose `allow` is `true`, is a yes.
   */
  allow(request: AccessRequest<Payload, RequireRole, Event>): Verdict | Promise<Verdict>
  /** Default true. */
  readonly requireRole?: RequireRole | undefined
  /** A group that Cognito does not know, just deleted for example. Default `deny`. */
  readonly onUnknownGroup?: 'deny' | 'ignore' | undefined
  /** How old a resolution that the cache served past its time may be, in milliseconds. If not given, it may not. */
  readonly maxStaleAge?: number | undefined
  /**
   * Called with every decision and awaited. If it fails on a granted request the request is denied, and it is called once
   * more, with `hook-failed`.
   */
  readonly onDecision?: ((decision: Decision) => unknown) | undefined
  /** Milliseconds since the epoch, for the token's age. Default `Date.now`. */
  readonly clock?: (() => number) | undefined
}

/** Decides on one token. `event` is what `allow` gets to see: the request, for example. */
export type RoleGuard<Event> = (
  token: string | undefined,
  ...request: unknown extends Event
    ? [request?: { readonly event?: unknown; readonly signal?: AbortSignal | undefined }]
    : [request: { readonly event: Event; readonly signal?: AbortSignal | undefined }]
) => Promise<Decision>

/**
 * The decision of `createRoleAuthorizer` without an event or an answer: for middleware. Take the token out of the header
 * with `bearerToken`.
 *
 * Whatever goes wrong, the decision is a denial.
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

/** What an answer cannot carry must not be lost: it could be what narrows a grant. */
export function rejectFields(verdict: object, known: readonly string[]): void {
  for (const [key, value] of Object.entries(verdict)) {
    if (value === undefined || ['allow', ...known].includes(key)) continue
    throw new RolecastError('invalid-option', `this answer has no \`${key}\`; leave it out`)
  }
}

const REFUSED = Symbol('refused')

/** `complete` makes the answer to a granted request; where it throws, the request is denied. */
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

  return async <Answer>(
    find: () => FoundToken,
    event: Event,
    given: AbortSignal | undefined,
    complete: (verdict: object, principalId: string) => Answer,
  ): Promise<{ readonly decision: Decision; readonly answer?: Answer }> => {
    // One of its own, so that nothing is left at a signal that lives on.
    const signal = AbortSignal.any(given ? [given] : [])
    const known: Mutable<Known> = {}
    let token: string | undefined
    // What it is called if anything throws from here on.
    let reason: DenyReason = 'missing-token'
    const refuse: (why: DenyReason) => never = why => {
      reason = why
      throw REFUSED
    }
    const gone = new Promise<never>((_resolve, reject) => {
      const leave = () => reject(signal.reason as Error)
      if (signal.aborted) leave()
      else signal.addEventListener('abort', leave)
    })
    // It may be that nobody waits by then.
    gone.catch(() => {})
    /** What does not heed the signal is left behind. */
    const step = async <T>(why: DenyReason, work: () => T | Promise<T>): Promise<T> => {
      reason = why
      signal.throwIfAborted()
      return Promise.race([work(), gone])
    }

    try {
      const found = find()
      if (typeof found === 'object') refuse(found.refuse)
      if (!isText(found)) refuse('missing-token')
      token = found

      const claims = await step('unverified', () =>
        typeof verifier === 'function' ? verifier(found) : verifier.verify(found),
      )
      if (Object(claims) !== claims) refuse('unverified')
      reason = 'invalid-claims'
      const {
        sub,
        token_use: tokenUse,
        iat,
      } = { ...claims } as { sub?: unknown } & Pick<CarriedClaims, 'token_use' | 'iat'>
      // What is no payload, a decoded token's three parts for example, would be a user in no group.
      if (!isText(sub)) refuse('invalid-claims')
      const carried: CarriedClaims = {
        ...parseRoleClaims(claims as IncomingClaims, { transport: 'jwt' }),
        token_use: tokenUse,
        iat,
      }
      known.principalId = sub

      const names =
        groupsOf === 'token'
          ? (carried['cognito:groups'] ?? [])
          : await step('membership-failed', () => groupsOf(claims, { signal }))
      const groupNames = [...names]
      // The characters of a string are not groups.
      if (isText(names) || !groupNames.every(isText)) refuse('membership-failed')

      const resolution = await step('resolver-failed', () => resolver.resolve(groupNames, { signal }))
      const { outcome, preferredRole, unknownGroups, stale, age } = resolution
      known.resolution = resolution
      if (unknownGroups.length !== 0 && onUnknownGroup !== 'ignore') refuse('unknown-group')
      if (stale !== false && !(age <= maxStaleAge)) refuse('stale-cache')
      if (!['resolved', 'none', 'ambiguous'].includes(outcome)) refuse('undetermined')
      if (requireRole !== false && (outcome !== 'resolved' || !preferredRole)) refuse('no-role')

      reason = 'invalid-claims'
      const comparison = compareClaims(resolution, carried, { now: clock() })
      known.comparison = comparison
      reason = 'stale-token'
      if (comparison.status !== 'fresh' && onStale !== 'allow' && (onStale === 'deny' || onStale(comparison) !== true))
        refuse('stale-token')

      const request = { resolution: resolution as RequestedResolution<RequireRole>, claims, comparison, event }
      const said: unknown = await step('allow-failed', () => options.allow(request))
      const verdict = (said === true ? { allow: said } : said) as { readonly allow?: unknown } | null | undefined
      if (verdict?.allow !== true) refuse('not-allowed')

      reason = 'invalid-answer'
      const answer = complete(verdict, sub)
      const decision: Granted = { allowed: true, reason: 'allowed', principalId: sub, resolution, comparison }
      await step('hook-failed', () => onDecision?.(decision))
      return { decision, answer }
    } catch (error) {
      if (error !== REFUSED && signal.aborted) reason = 'timeout'
      const name = error === REFUSED ? undefined : nameOf(error, token)
      const decision: Denied = {
        allowed: false,
        reason,
        status: statusOf(reason),
        ...known,
        ...(name !== undefined && { error: name }),
      }
      try {
        await Promise.race([onDecision?.(decision), gone])
      } catch {
        // It is denied already.
      }
      return { decision }
    }
  }
}

function statusOf(reason: DenyReason): Denied['status'] {
  return UNAUTHENTICATED.has(reason) ? 401 : FAILED.has(reason) ? 503 : 403
}

/** The code of an error, or its name. That is no place for a token, but a verifier can put one there. */
function nameOf(error: unknown, token = ' '): string | undefined {
  const { code, name } = Object(error) as { readonly code?: unknown; readonly name?: unknown }
  return [code, name].find((one): one is string => typeof one === 'string' && !one.includes(token))
}

/** None of them has a default that would be safe for everyone. One of a wrong type is found when it is used, and denies. */
function checkOptions(options: object): void {
  for (const name of ['resolver', 'verifier', 'groupsOf', 'onStale', 'allow']) {
    if ((options as Record<string, unknown>)[name]) continue
    throw new RolecastError('invalid-option', `\`${name}\` must be given; see docs/authorizer.md`)
  }
}
