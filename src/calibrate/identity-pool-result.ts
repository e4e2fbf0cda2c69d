import type { CarriedRoleClaims } from '../claims/calibration.js'
import type { Evidence } from '../claims/evidence.js'
import type { RoleMapping } from '../credentials/role-mapping.js'
import { ownValue } from '../record.js'
import { PLACEHOLDER_ACCOUNT } from './user-pool-rows.js'
import { type RoleCandidate, type RoleSelection, selectRole, type SelectionRule } from '../credentials/select-role.js'
import {
  type IdentityPoolCase,
  ROLE_NAMES,
  type RoleArns,
  type RoleName,
  toRoleMapping,
} from './identity-pool-cases.js'

/** The result of GetCredentialsForIdentity. */
export type RealSelection =
  /** `other`: the credentials are those of a role that the run did not create. */
  | { readonly outcome: 'role'; readonly role: RoleName | 'other' }
  | { readonly outcome: 'denied'; readonly error: string }
  /** SetIdentityPoolRoles rejects this configuration, so no pool can have it. */
  | { readonly outcome: 'configuration-rejected'; readonly error: string }

/** Why a case has no result. It never counts as agreeing. */
export interface NoAnswer {
  /** Why there is nothing to compare. */
  readonly outcome: 'not-settled' | 'not-supported' | 'not-run'
  /** One line, for people. */
  readonly why: string
}

/** What rolecast predicts from the claims of the token that was sent. */
export interface PredictedSelection {
  /** `role`: credentials of a role. `denied`: none. `undetermined`: one of the candidates. */
  readonly outcome: RoleSelection['outcome']
  /** The role; present exactly when the outcome is `role`. */
  readonly role?: RoleName | 'other'
  /** Present exactly when the outcome is `undetermined`. */
  readonly candidates?: readonly PredictedCandidate[]
  /** The rule that decided. */
  readonly rule: SelectionRule
  /** How the rule is known. */
  readonly evidence: Evidence
}

/** What one reading of AWS's pages gives. */
export interface PredictedCandidate {
  /** `role`: the user gets credentials. `denied`: none. */
  readonly outcome: RoleCandidate['outcome']
  /** The role; present exactly when the outcome is `role`. */
  readonly role?: RoleName | 'other'
  /** The rule that decided. */
  readonly rule: SelectionRule
}

/**
 * - `agrees`: the prediction was certain, and the result matches it.
 * - `contradicts`: the result does not match the prediction, or any of its readings.
 * - `settles`: the prediction was undetermined, and the result matches one reading, or no pool can have the configuration.
 * - `none`: there is no result to compare, or the prediction was certain but no pool can have the configuration.
 */
export type ProbeVerdict = 'agrees' | 'contradicts' | 'settles' | 'none'

/** What the identity pool gave in one case. */
export interface IdentityPoolResult {
  /** Unique in the result. */
  readonly id: string
  /** What the case is about. */
  readonly about: string
  /** The settings and the request, with placeholders for the run's ARNs. */
  readonly configuration: IdentityPoolConfiguration
  /** The role claims of the ID token that was sent, with the same placeholders. Absent if there was no token. */
  readonly token?: CarriedRoleClaims
  /** Absent if there was no token. */
  readonly predicted?: PredictedSelection
  /** What the identity pool gave. */
  readonly real: RealSelection | NoAnswer
  /** Whether it gave what rolecast predicts. */
  readonly verdict: ProbeVerdict
  /** If the prediction was undetermined, the reading that Cognito followed. */
  readonly reading?: PredictedCandidate
}

/** The settings of the identity pool, and the request. */
export interface IdentityPoolConfiguration {
  /** Absent: the pool has none. */
  readonly authenticatedRole?: string
  /** As GetIdentityPoolRoles gives it. Absent: the provider has none. */
  readonly mapping?: RoleMapping
  /** The role that the user asked for; absent for none. */
  readonly customRoleArn?: string
}

/** In place of the ARNs of a run, which contain the account ID. */
export const PLACEHOLDERS: RoleArns = {
  Alpha: placeholder('Alpha'),
  Beta: placeholder('Beta'),
  Gamma: placeholder('Gamma'),
}

function placeholder(name: RoleName | 'other'): string {
  return `arn:aws:iam::${PLACEHOLDER_ACCOUNT}:role/${name}`
}

function configurationOf({ authenticated, mapping, customRole }: IdentityPoolCase): IdentityPoolConfiguration {
  return {
    ...(authenticated !== null && { authenticatedRole: PLACEHOLDERS[authenticated] }),
    ...(mapping !== undefined && { mapping: toRoleMapping(mapping, PLACEHOLDERS) }),
    ...(customRole !== undefined && { customRoleArn: PLACEHOLDERS[customRole] }),
  }
}

/** The role claims of a token with the placeholders of the run's roles. */
export function tokenOf(claims: Readonly<Record<string, unknown>>, arns: RoleArns): CarriedRoleClaims {
  const texts = (name: string) => {
    const value = ownValue(claims, name)
    return Array.isArray(value) ? value.filter(one => typeof one === 'string') : null
  }
  const shown = (roleArn: string) => placeholder(roleOf(roleArn, arns))
  const preferred = ownValue(claims, 'cognito:preferred_role')
  return {
    'cognito:groups': texts('cognito:groups'),
    'cognito:roles': texts('cognito:roles')?.map(shown) ?? null,
    'cognito:preferred_role': typeof preferred === 'string' ? shown(preferred) : null,
  }
}

/**
 * What rolecast predicts for a case, from the payload of the ID token that is sent.
 *
 * @throws RolecastError `invalid-option`, for claims that no ID token has
 */
export function predictSelection(
  one: IdentityPoolCase,
  claims: Readonly<Record<string, unknown>>,
  arns: RoleArns,
): PredictedSelection {
  const { mapping, authenticated, customRole } = one
  const selection = selectRole(claims, mapping === undefined ? undefined : toRoleMapping(mapping, arns), {
    roles: authenticated === null ? {} : { authenticated: arns[authenticated] },
    ...(customRole !== undefined && { customRoleArn: arns[customRole] }),
  })
  const { outcome, roleArn, candidates, rule, evidence } = selection
  return {
    outcome,
    ...(roleArn !== undefined && { role: roleOf(roleArn, arns) }),
    ...(candidates !== undefined && { candidates: candidates.map(candidate => toCandidate(candidate, arns)) }),
    rule,
    evidence,
  }
}

function toCandidate({ outcome, roleArn, rule }: RoleCandidate, arns: RoleArns): PredictedCandidate {
  return { outcome, ...(roleArn !== undefined && { role: roleOf(roleArn, arns) }), rule }
}

export function roleOf(roleArn: string, arns: RoleArns): RoleName | 'other' {
  return ROLE_NAMES.find(name => arns[name] === roleArn) ?? 'other'
}

/** Compares what happened with what was predicted from the token. */
export function judgeSelection(
  one: IdentityPoolCase,
  given: { readonly predicted: PredictedSelection; readonly token: CarriedRoleClaims } | undefined,
  real: RealSelection | NoAnswer,
): IdentityPoolResult {
  const result = { id: one.id, about: one.about, configuration: configurationOf(one), ...given, real }
  if (given === undefined || !isAnswer(real)) return { ...result, verdict: 'none' }
  const { outcome, role, candidates = [] } = given.predicted
  // A configuration that cannot exist settles an undetermined case, but shows nothing about a certain prediction.
  if (real.outcome === 'configuration-rejected')
    return { ...result, verdict: outcome === 'undetermined' ? 'settles' : 'none' }
  if (outcome !== 'undetermined')
    return { ...result, verdict: isReading({ outcome, role }, real) ? 'agrees' : 'contradicts' }
  const reading = candidates.find(candidate => isReading(candidate, real))
  return reading === undefined ? { ...result, verdict: 'contradicts' } : { ...result, verdict: 'settles', reading }
}

export function isAnswer(real: RealSelection | NoAnswer): real is RealSelection {
  return !('why' in real)
}

function isReading(
  { outcome, role }: { readonly outcome: 'role' | 'denied'; readonly role?: RoleName | 'other' | undefined },
  real: RealSelection,
): boolean {
  if (real.outcome !== 'role') return outcome === real.outcome
  return outcome === 'role' && role === real.role && real.role !== 'other'
}

/** The roles that this case may give, whichever reading is true. */
export function possibleRoles({ role, candidates = [] }: PredictedSelection): ReadonlySet<RoleName | 'other'> {
  return new Set([role, ...candidates.map(candidate => candidate.role)].filter(one => one !== undefined))
}
