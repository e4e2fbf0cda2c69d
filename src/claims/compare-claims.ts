import { quote, RolecastError } from '../errors.js'
import type { Resolution, RoleClaims } from './resolve.js'
import { ownValue } from '../record.js'
import { areTokenClaims } from './token-claims.js'

/** The role claims that a verified token carries, with what says how to compare them. */
export interface CarriedClaims extends RoleClaims {
  /**
   * Which token carries them: `id` or `access`, and anything else is rejected. If absent, the claims count as those of
   * an ID token, whose missing roles mean that there are none.
   */
  readonly token_use?: unknown
  /** When the token was issued, in seconds since the epoch. */
  readonly iat?: number | undefined
}

/**
 * What happened to the preferred role since the token was issued.
 *
 * `undetermined`: the forecast is undetermined. `not-carried`: an access token, which never has one.
 */
export type PreferredRoleChange = 'same' | 'gained' | 'lost' | 'changed' | 'undetermined' | 'not-carried'

/** How the claims of a token differ from those that a new token would carry. */
export interface ClaimsComparison {
  /**
   * `fresh`: a token issued now would carry the same. `stale`: it would not. `undetermined`: it would, except for the
   * preferred role, which is not known. Rely only on `fresh`.
   */
  readonly status: 'fresh' | 'stale' | 'undetermined'
  /** Forecast and not carried. */
  readonly groupsAdded: readonly string[]
  /** Carried and not forecast. */
  readonly groupsRemoved: readonly string[]
  /** None where roles are not carried. */
  readonly rolesAdded: readonly string[]
  /** Carried and not forecast. None where roles are not carried. */
  readonly rolesRemoved: readonly string[]
  /** What happened to the preferred role. */
  readonly preferredRole: PreferredRoleChange
  /**
   * Whether a service that trusts the token may grant a role that the user no longer has. True if the token names such
   * a role, or if it is (or may be) an access token, which names no roles, and it names a group that the user has left.
   * Never true of a `fresh` token. A role that is no longer preferred but still among the user's roles is not lost.
   */
  readonly mayGrantLostRole: boolean
  /**
   * Since the token was issued, rounded down; negative if the clock that issued it is ahead. Only if `iat` and `now`
   * are given.
   */
  readonly ageSeconds?: number
}

/** The options of `compareClaims`. */
export interface CompareOptions {
  /**
   * Milliseconds since the epoch, as `Date.now()` gives them.
   *
   * @default none: there is no `ageSeconds`
   */
  readonly now?: number | undefined
}

/**
 * Compares the role claims that a token issued now would carry with those that a given token carries: groups and roles as
 * sets, and the preferred role. A token keeps the claims of its issue time until it is refreshed.
 *
 * Of an access token only the groups are compared, and its roles too if it should have any. Not a decision: whether a
 * stale token is good enough is your policy, which has to cover at least `mayGrantLostRole: true`. Not
 * for a pool whose pre token generation trigger overrides groups, unless `predicted.claims` are the overridden ones.
 * Not for claims as a gateway passes them on: parse them first.
 *
 * @throws RolecastError `invalid-claim` (a carried claim of another shape than a token has, or an object around the claims, such
 * as `{ claims }` or `{ payload }`) or `invalid-option`
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-user-groups.html
 * @example
 * import { compareClaims, resolveRoles } from 'rolecast'
 *
 * const now = resolveRoles([{ groupName: 'staff' }])
 * const carried = { token_use: 'id', 'cognito:groups': ['admins', 'staff'] }
 * const { status, groupsRemoved } = compareClaims(now, carried)
 * console.log(status, groupsRemoved) // stale [ 'admins' ]
 */
export function compareClaims(
  predicted: Pick<Resolution, 'outcome' | 'candidateRole' | 'claims'>,
  carriedClaims: CarriedClaims,
  options: CompareOptions = {},
): ClaimsComparison {
  const carried = readCarried(carriedClaims)
  const groups = compareSets(predicted.claims['cognito:groups'], carried['cognito:groups'])
  const carriedPreferred = carried['cognito:preferred_role']
  const namesRoles = carried['cognito:roles'] !== undefined || carriedPreferred !== undefined
  const carriesRoles = carried.token_use !== 'access' || namesRoles
  const roles = carriesRoles
    ? compareSets(predicted.claims['cognito:roles'], carried['cognito:roles'])
    : { added: [], removed: [] }
  const preferredRole = carriesRoles ? comparePreferred(predicted, carriedPreferred) : 'not-carried'

  // Each reading prefers the candidate or no role, so a third role is out of date in both.
  const neitherReading =
    preferredRole === 'undetermined' && carriedPreferred !== undefined && carriedPreferred !== predicted.candidateRole
  const preferredMoved = preferredRole === 'gained' || preferredRole === 'lost' || preferredRole === 'changed'
  const listsMoved = [groups, roles].some(({ added, removed }) => added.length > 0 || removed.length > 0)
  // A trigger can set a preferred role that is not among the roles.
  const lostPreferred = carriedPreferred !== undefined && !isForecast(predicted.claims, carriedPreferred)
  // A service that goes by the groups alone grants the role of a group that the user has left.
  const groupsAreAll = carried.token_use === 'access' || (carried.token_use === undefined && !namesRoles)
  const ageSeconds = toAge(carried.iat, options.now)
  return {
    status:
      listsMoved || preferredMoved || neitherReading
        ? 'stale'
        : preferredRole === 'undetermined'
          ? 'undetermined'
          : 'fresh',
    groupsAdded: groups.added,
    groupsRemoved: groups.removed,
    rolesAdded: roles.added,
    rolesRemoved: roles.removed,
    preferredRole,
    mayGrantLostRole: roles.removed.length > 0 || lostPreferred || (groupsAreAll && groups.removed.length > 0),
    ...(ageSeconds !== undefined && { ageSeconds }),
  }
}

function isForecast(claims: RoleClaims, role: string): boolean {
  return claims['cognito:preferred_role'] === role || (claims['cognito:roles']?.includes(role) ?? false)
}

function comparePreferred(
  predicted: Pick<Resolution, 'outcome' | 'claims'>,
  carried: string | undefined,
): PreferredRoleChange {
  const now = predicted.claims['cognito:preferred_role']
  if (predicted.outcome === 'undetermined') return 'undetermined'
  if (now === carried) return 'same'
  if (carried === undefined) return 'gained'
  return now === undefined ? 'lost' : 'changed'
}

export function compareSets(now: readonly string[] = [], carried: readonly string[] = []) {
  const before = new Set(carried)
  const after = new Set(now)
  return { added: [...after].filter(one => !before.has(one)), removed: [...before].filter(one => !after.has(one)) }
}

function toAge(iat: number | undefined, now: number | undefined): number | undefined {
  if (now !== undefined && !Number.isFinite(now)) {
    throw new RolecastError(
      'invalid-option',
      `\`now\` is ${quote(now)}; give milliseconds since the epoch, or leave it out`,
      { value: now },
    )
  }
  return iat === undefined || now === undefined ? undefined : Math.floor(now / 1000 - iat)
}

/** The claims that are compared, each read once. A string of groups would be split into its characters. */
function readCarried(given: CarriedClaims): CarriedClaims {
  if (typeof given !== 'object' || given === null) {
    throw new RolecastError('invalid-claim', `the carried claims are ${quote(given)}; give those of a verified token`, {
      value: given,
    })
  }
  if (!areTokenClaims(given) && !isEmpty(given)) {
    throw new RolecastError(
      'invalid-claim',
      `the carried claims are ${quote(given)}, not those of a token; give the claims themselves, not the object around them`,
      { value: given },
    )
  }
  const carried = Object.create(null) as Record<string, unknown>
  for (const claim of ['cognito:groups', 'cognito:roles'] as const) {
    const value = ownValue(given, claim)
    if (value === undefined) continue
    const strings: readonly unknown[] = Array.isArray(value) ? [...value] : [undefined]
    if (!strings.every(one => typeof one === 'string')) throw wrongShape(claim, value, 'an array of strings')
    carried[claim] = strings
  }
  for (const [claim, fits, shape] of SCALAR_CLAIMS) {
    const value = ownValue(given, claim)
    if (value === undefined) continue
    if (!fits(value)) throw wrongShape(claim, value, shape)
    carried[claim] = value
  }
  return carried
}

/** A token without role claims, as `parseRoleClaims` gives it. */
function isEmpty(record: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(record)
  return Object.keys(record).length === 0 && (prototype === Object.prototype || prototype === null)
}

const SCALAR_CLAIMS: readonly (readonly [string, (value: unknown) => boolean, string])[] = [
  ['cognito:preferred_role', value => typeof value === 'string', 'a string'],
  ['iat', value => Number.isFinite(value), 'a number of seconds since the epoch'],
  ['token_use', value => value === 'id' || value === 'access', '`id` or `access`'],
]

function wrongShape(claim: string, value: unknown, shape: string): RolecastError {
  const message = `the carried claim ${quote(claim)} is ${quote(value)}, and a token has ${shape}; parse the claims first`
  return new RolecastError('invalid-claim', message, { value })
}
