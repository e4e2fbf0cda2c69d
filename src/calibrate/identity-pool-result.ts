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

/** What GetCredentialsForIdentity answered. */
export type RealSelection =
  /** `other`: the credentials are those of a role that the run did not make. */
  | { readonly outcome: 'role'; readonly role: RoleName | 'other' }
  | { readonly outcome: 'denied'; readonly error: string }
  /** SetIdentityPoolRoles does not take this configuration, so no pool can have it. */
  | { readonly outcome: 'configuration-rejected'; readonly error: string }

/** Why a case has no answer. It never counts as agreeing. */
export interface NoAnswer {
  readonly outcome: 'not-settled' | 'not-supported' | 'not-run'
  /** One line, for people. */
  readonly why: string
}

/** What rolecast predicts from the claims of the very token that was sent. */
export interface PredictedSelection {
  readonly outcome: RoleSelection['outcome']
  readonly role?: RoleName | 'other'
  /** Present exactly when the outcome is `undetermined`. */
  readonly candidates?: readonly PredictedCandidate[]
  readonly rule: SelectionRule
  readonly evidence: Evidence
}

export interface PredictedCandidate {
  readonly outcome: RoleCandidate['outcome']
  readonly role?: RoleName | 'other'
  readonly rule: SelectionRule
}

/**
 * - `agrees`: the prediction, which was certain, is what happened.
 * - `contradicts`: it is not, or none of the readings is.
 * - `settles`: the prediction was undetermined, and one reading is what happened, or no pool can have the configuration.
 * - `none`: there is no answer to compare, or the prediction was certain and is for a configuration that no pool can have.
 */
export type Verdict = 'agrees' | 'contradicts' | 'settles' | 'none'

export interface IdentityPoolResult {
  readonly id: string
  readonly about: string
  /** What was set and asked, with ARNs that stand for those of the run. */
  readonly configuration: IdentityPoolConfiguration
  /** The role claims of the ID token that was sent, with the same ARNs. Absent where no token was to be had. */
  readonly token?: CarriedRoleClaims
  /** Absent where no token was to be had. */
  readonly predicted?: PredictedSelection
  readonly real: RealSelection | NoAnswer
  readonly verdict: Verdict
  /** Of an undetermined prediction, the reading that Cognito followed. */
  readonly reading?: PredictedCandidate
}

export interface IdentityPoolConfiguration {
  /** Absent: the pool has none. */
  readonly authenticatedRole?: string
  /** As GetIdentityPoolRoles gives it. Absent: the provider has none. */
  readonly mapping?: RoleMapping
  readonly customRoleArn?: string
}

/** In the place of the ARNs of a run, which have the id of an account. */
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
  // A configuration that cannot exist settles what AWS does with it. Of a certain prediction, nothing was seen.
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

/** The roles that an answer to this case may be of, whichever reading is true. */
export function possibleRoles({ role, candidates = [] }: PredictedSelection): ReadonlySet<RoleName | 'other'> {
  return new Set([role, ...candidates.map(candidate => candidate.role)].filter(one => one !== undefined))
}
