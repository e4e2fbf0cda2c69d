import { quote } from '../errors.js'
import type { Resolution, RoleClaims } from '../claims/resolve.js'
import { checkRecord, invalidOption, ownValue } from '../record.js'
import {
  type MatchType,
  type RoleMapping,
  type IdentityPoolRoles,
  AS_RETURNED,
  type CheckedRule,
  type CheckedMapping,
  checkMapping,
} from './role-mapping.js'
import type { Evidence } from '../claims/evidence.js'

/** What a signed-in user asks an identity pool for. */
export interface RoleRequest {
  /** `CustomRoleArn` of GetCredentialsForIdentity. Leave it out when the app sends none. */
  readonly customRoleArn?: string | undefined
  /** The roles of the identity pool: `Roles` of GetIdentityPoolRoles. */
  readonly roles: IdentityPoolRoles
}

/** What a user with a forecast token asks an identity pool for. */
export interface ForecastRoleRequest extends RoleRequest {
  /**
   * The other claims of the token, for mapping rules that read them. Role claims in here are ignored, because they come
   * from the resolution. If left out, the other claims are unknown, and a rule on one may or may not match.
   */
  readonly otherClaims?: Readonly<Record<string, unknown>> | undefined
}

/** The payload of an ID token. It may have any claim; only its role claims, and the claims that rules name, are read. */
export type IdTokenClaims = RoleClaims | Readonly<Record<string, unknown>>

/** The rule that decided; `docs/identity-pool.md` has a section for each. */
export type SelectionRule =
  | 'no-mapping'
  | 'custom-role'
  | 'custom-role-not-allowed'
  | 'custom-role-without-mapping'
  | 'custom-role-with-rules'
  | 'preferred-role'
  | 'undetermined-preferred-role'
  | 'single-role'
  | 'mapping-rule'
  | 'uncertain-rule'
  | 'ambiguous-authenticated'
  | 'ambiguous-denied'
  | 'ambiguous-unset'
  | 'authenticated-role-missing'

/** A calibration is about the token, and not about what an identity pool does with it. */
export type SelectionEvidence = Exclude<Evidence, 'calibrated'>

/** The result of one reading. */
export interface RoleCandidate {
  /** `role`: the user gets credentials. `denied`: none. */
  readonly outcome: 'role' | 'denied'
  /** Present exactly when the outcome is `role`. */
  readonly roleArn?: string
  /** The rule that decided. */
  readonly rule: SelectionRule
  /** Present exactly when `rule` is `mapping-rule`: which one matched, from 0. */
  readonly ruleIndex?: number
}

/** The role whose credentials the user gets, together with the reason. */
export interface RoleSelection {
  /** `denied`: the user gets no credentials. `undetermined`: one of the candidates, and it is unknown which. */
  readonly outcome: 'role' | 'denied' | 'undetermined'
  /** Present exactly when the outcome is `role`. */
  readonly roleArn?: string
  /** Present exactly when the outcome is `undetermined`: the results of the readings, two or more. Never grant one. */
  readonly candidates?: readonly RoleCandidate[]
  /** The rule that decided. */
  readonly rule: SelectionRule
  /** How this step is known. The forecast of the token has its own evidence, in the resolution. */
  readonly evidence: SelectionEvidence
  /** With `mapping-rule`, the rule that matched; with `uncertain-rule`, the first that may or may not match. From 0. */
  readonly ruleIndex?: number
}

/**
 * Says which role's credentials an identity pool gives to a signed-in user with this ID token (GetCredentialsForIdentity).
 *
 * Where AWS's pages and what is known of the service leave several readings, every reading is followed to its end. If
 * all of them give the same result, that is the result; if not, the outcome is `undetermined` and nothing is granted.
 *
 * Not for guests, and not for the basic (classic) flow, in which the app itself names the role to STS. It does not
 * check whether the role can be assumed: see `trustsIdentityPool`. It trusts the claims: verify the token first.
 *
 * @param claims the payload of the ID token, not of an access token and not as API Gateway flattens it
 * @param mapping of this user's provider, see `findRoleMapping`; undefined when the provider has none
 * @throws RolecastError `invalid-option`: a mapping, claims or roles that cannot be what the API gives
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_RoleMapping.html
 * @example
 * import { selectRole } from 'rolecast'
 *
 * const claims = { 'cognito:preferred_role': 'arn:aws:iam::111122223333:role/Admin' }
 * const mapping = { Type: 'Token', AmbiguousRoleResolution: 'Deny' } as const
 * const roles = { authenticated: 'arn:aws:iam::111122223333:role/SignedIn' }
 * const { outcome, roleArn } = selectRole(claims, mapping, { roles })
 * console.log(outcome, roleArn) // role arn:aws:iam::111122223333:role/Admin
 */
export function selectRole(
  claims: IdTokenClaims,
  mapping: RoleMapping | undefined,
  request: RoleRequest,
): RoleSelection {
  return select(viewToken(claims), checkMapping(mapping), checkRequest(request))
}

/**
 * As `selectRole`, for a token that is only forecast. An undetermined preferred role means two readings, one with the
 * candidate and one without: if both give the same result, that is the result.
 *
 * Not for a pool with a pre token generation trigger that changes groups or roles: the token has other claims then.
 *
 * @throws RolecastError `invalid-option`, as `selectRole`
 * @example
 * import { resolveRoles, selectRoleFor } from 'rolecast'
 *
 * const resolution = resolveRoles([{ groupName: 'staff', precedence: 0 }])
 * const mapping = { Type: 'Token', AmbiguousRoleResolution: 'Deny' } as const
 * const { outcome, rule } = selectRoleFor(resolution, mapping, { roles: {} })
 * console.log(outcome, rule) // denied ambiguous-denied
 */
export function selectRoleFor(
  resolution: Resolution,
  mapping: RoleMapping | undefined,
  request: ForecastRoleRequest,
): RoleSelection {
  const checkedMapping = checkMapping(mapping)
  const checkedRequest = checkRequest(request)
  const claims = checkRecord(
    ownValue(checkRecord(resolution, 'the resolution', AS_RETURNED), 'claims'),
    'the claims of the resolution',
    AS_RETURNED,
  )
  const otherClaims =
    request.otherClaims === undefined ? undefined : checkRecord(request.otherClaims, '`otherClaims`', AS_RETURNED)

  const selectWith = (preferredRole: string | undefined) => {
    const roleClaims = preferredRole === undefined ? claims : { ...claims, 'cognito:preferred_role': preferredRole }
    return select(viewForecast(roleClaims, otherClaims), checkedMapping, checkedRequest)
  }

  const without = selectWith(undefined)
  if (resolution.outcome !== 'undetermined') return without
  if (typeof resolution.candidateRole !== 'string' || resolution.candidateRole === '') {
    throw invalidOption(
      'an undetermined resolution needs its `candidateRole`; give the resolution as `resolveRoles` returned it',
      resolution,
    )
  }
  const withCandidate = selectWith(resolution.candidateRole)
  if (sameSelection(withCandidate, without)) return without
  return settle([...readingsOf(withCandidate), ...readingsOf(without)], { rule: 'undetermined-preferred-role' })
}

const ROLE_CLAIMS: readonly string[] = [
  'cognito:groups',
  'cognito:roles',
  'cognito:preferred_role',
] satisfies (keyof RoleClaims)[]

/** The value of a claim that is unknown, even whether the token has it. */
const UNKNOWN = Symbol('unknown')

interface ClaimsView {
  readonly roles: readonly string[]
  readonly preferredRole: string | undefined
  /** Undefined when the token does not have the claim. */
  readonly claim: (name: string) => unknown
}

interface Reading extends RoleCandidate {
  readonly evidence: SelectionEvidence
}

/** Why there are several readings: the rule of the result if they differ. */
interface Doubt {
  readonly rule: SelectionRule
  readonly ruleIndex?: number
}

interface CheckedRequest {
  readonly customRole: string | undefined
  readonly authenticatedRole: string | undefined
}

/** How a fallback is known: by what leads to it, and by what it is. */
type FallbackEvidence = Readonly<Record<'AuthenticatedRole' | 'Deny', SelectionEvidence>>

const NO_ROLES: FallbackEvidence = { AuthenticatedRole: 'observed', Deny: 'inferred' }
const SEVERAL_ROLES: FallbackEvidence = { AuthenticatedRole: 'documented', Deny: 'documented' }
const NO_RULE_MATCHES: FallbackEvidence = { AuthenticatedRole: 'documented', Deny: 'observed' }

function select(view: ClaimsView, mapping: CheckedMapping | undefined, request: CheckedRequest): RoleSelection {
  const { customRole } = request
  if (mapping === undefined) return selectWithoutMapping(view, request)
  if (mapping.rules !== undefined)
    return selectByRules(mapping.rules, view, fallBack(mapping, request, NO_RULE_MATCHES), customRole)
  if (customRole !== undefined) {
    return view.roles.includes(customRole)
      ? role(customRole, 'custom-role', 'documented')
      : denied('custom-role-not-allowed', 'documented')
  }
  return selectFromToken(view, mapping, request)
}

function selectWithoutMapping(view: ClaimsView, request: CheckedRequest): RoleSelection {
  const { customRole } = request
  const authenticated = authenticatedRole(request, 'no-mapping', 'observed')
  if (customRole === undefined) return authenticated
  // AWS does not document what a custom role does without a mapping that uses the token's roles.
  const readings = [authenticated, denied('custom-role-not-allowed', 'unknown')]
  if (view.roles.includes(customRole)) readings.push(role(customRole, 'custom-role', 'unknown'))
  return settle(readings, { rule: 'custom-role-without-mapping' })
}

function selectFromToken(
  { preferredRole, roles }: ClaimsView,
  mapping: CheckedMapping,
  request: CheckedRequest,
): RoleSelection {
  if (preferredRole !== undefined) {
    // Only a trigger sets a preferred role outside cognito:roles; the observed tokens have it in both claims.
    return role(preferredRole, 'preferred-role', roles.includes(preferredRole) ? 'observed' : 'documented')
  }
  const [only, ...others] = roles
  if (only === undefined) return fallBack(mapping, request, NO_ROLES)
  return others.length === 0 ? role(only, 'single-role', 'documented') : fallBack(mapping, request, SEVERAL_ROLES)
}

/** Whether a rule matches: yes, no, only if `Contains` looks inside the elements of an array, or unknown. */
type Match = 'yes' | 'no' | 'inside-an-element' | 'unknown'

function selectByRules(
  rules: readonly CheckedRule[],
  view: ClaimsView,
  fallback: RoleSelection,
  customRole: string | undefined,
): RoleSelection {
  // Cognito fails with an InvalidParameterException, although the guide lets the custom role override the rules.
  if (customRole !== undefined && view.roles.includes(customRole)) return denied('custom-role-with-rules', 'observed')
  const matches = rules.map(rule => matchRule(rule, view.claim(rule.claim)))
  const first = matches.findIndex(match => match !== 'no')
  if (customRole === undefined && first === -1) return fallback

  const evidenceOf = (rule: CheckedRule) => (typeof view.claim(rule.claim) === 'string' ? 'documented' : 'observed')
  const firstMatch = (some: readonly Match[]): readonly Reading[] => {
    const found: Reading[] = []
    for (const [index, rule] of rules.entries()) {
      if (some[index] === 'no') continue
      found.push({ ...role(rule.roleArn, 'mapping-rule', evidenceOf(rule)), ruleIndex: index })
      if (some[index] === 'yes') return found
    }
    return [...found, ...readingsOf(fallback)]
  }

  /** The guide: a custom role overrides the order of the rules. So it is used if any matching rule gives it. */
  const byTheGuide = (customArn: string, some: readonly Match[]): readonly Reading[] => {
    const offered = (match: Match) => rules.some((rule, index) => rule.roleArn === customArn && some[index] === match)
    const custom = role(customArn, 'custom-role', 'unknown')
    if (offered('yes')) return [custom]
    return offered('unknown') ? [custom, ...firstMatch(some)] : firstMatch(some)
  }

  // The service reads every Contains the same way, so each of the two readings is followed through all rules.
  const readings = (['no', 'yes'] as const).flatMap(inside => {
    const settled = matches.map(match => (match === 'inside-an-element' ? inside : match))
    return customRole === undefined ? firstMatch(settled) : byTheGuide(customRole, settled)
  })
  if (customRole === undefined) return settle(readings, { rule: 'uncertain-rule', ruleIndex: first })
  // Or the request fails, as it does if the token carries the role.
  return settle([...readings, denied('custom-role-not-allowed', 'unknown')], { rule: 'custom-role-with-rules' })
}

/** `claim` is undefined when the token does not have it: no rule matches then, and AWS says so of `NotEqual`. */
function matchRule({ matchType, value }: CheckedRule, claim: unknown): Match {
  if (claim === undefined) return 'no'
  if (typeof claim === 'string') return compare(matchType, claim, value) ? 'yes' : 'no'
  if (Array.isArray(claim)) {
    if (matchType !== 'Contains') return 'unknown'
    if (claim.includes(value)) return 'yes'
    if (!claim.every(element => typeof element === 'string')) return 'unknown'
    return claim.some(element => element.includes(value)) ? 'inside-an-element' : 'no'
  }
  // A number or a boolean is compared as text, or not at all.
  const isText = typeof claim === 'number' || typeof claim === 'boolean'
  return isText && !compare(matchType, String(claim), value) ? 'no' : 'unknown'
}

function compare(matchType: MatchType, claim: string, value: string): boolean {
  switch (matchType) {
    case 'Equals':
      return claim === value
    case 'NotEqual':
      return claim !== value
    case 'StartsWith':
      return claim.startsWith(value)
    case 'Contains':
      return claim.includes(value)
  }
}

function fallBack(mapping: CheckedMapping, request: CheckedRequest, evidence: FallbackEvidence): RoleSelection {
  const toAuthenticated = authenticatedRole(request, 'ambiguous-authenticated', evidence.AuthenticatedRole)
  if (mapping.fallback === 'AuthenticatedRole') return toAuthenticated
  const toDenial = denied('ambiguous-denied', evidence.Deny)
  return mapping.fallback === 'Deny' ? toDenial : settle([toAuthenticated, toDenial], { rule: 'ambiguous-unset' })
}

/**
 * Without an authenticated role the request fails.
 *
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetCredentialsForIdentity.html the text of
 * InvalidIdentityPoolConfigurationException
 */
function authenticatedRole(request: CheckedRequest, rule: SelectionRule, evidence: SelectionEvidence): Reading {
  const roleArn = request.authenticatedRole
  return roleArn === undefined ? denied('authenticated-role-missing', 'documented') : role(roleArn, rule, evidence)
}

function role(roleArn: string, rule: SelectionRule, evidence: SelectionEvidence): Reading {
  return { outcome: 'role', roleArn, rule, evidence }
}

function denied(rule: SelectionRule, evidence: SelectionEvidence): Reading {
  return { outcome: 'denied', rule, evidence }
}

/** If the readings agree, that is the result. If they differ, nothing is granted. */
function settle(readings: readonly Reading[], { rule, ruleIndex }: Doubt): RoleSelection {
  const [first, ...others] = readings as [Reading, ...Reading[]]
  if (others.every(reading => sameReading(reading, first))) return first
  const index = ruleIndex === undefined ? {} : { ruleIndex }
  const { outcome, roleArn } = first
  if (others.every(reading => reading.roleArn === roleArn)) {
    return { outcome, ...(roleArn !== undefined && { roleArn }), rule, evidence: 'inferred', ...index }
  }
  const candidates = readings
    .filter((reading, position) => readings.findIndex(other => other.roleArn === reading.roleArn) === position)
    .map(toCandidate)
  return { outcome: 'undetermined', candidates, rule, evidence: 'unknown', ...index }
}

function toCandidate({ outcome, roleArn, rule, ruleIndex }: Reading): RoleCandidate {
  return { outcome, ...(roleArn !== undefined && { roleArn }), rule, ...(ruleIndex !== undefined && { ruleIndex }) }
}

function readingsOf(selection: RoleSelection): readonly Reading[] {
  const { outcome, candidates = [], evidence } = selection
  return outcome === 'undetermined'
    ? candidates.map(candidate => ({ ...candidate, evidence }))
    : [{ ...selection, outcome }]
}

/** A denial has no role, so equal roles are equal outcomes. */
function sameReading(a: RoleCandidate, b: RoleCandidate): boolean {
  return a.roleArn === b.roleArn && a.rule === b.rule && a.ruleIndex === b.ruleIndex
}

/** Whether both have the same results and the same doubt. */
function sameSelection(a: RoleSelection, b: RoleSelection): boolean {
  const [some, others] = [readingsOf(a), readingsOf(b)]
  return (
    a.rule === b.rule &&
    a.ruleIndex === b.ruleIndex &&
    some.length === others.length &&
    some.every(reading => others.some(other => other.roleArn === reading.roleArn))
  )
}

function viewToken(claims: unknown): ClaimsView {
  const record = checkRecord(claims, 'the claims', AS_RETURNED)
  if (ownValue(record, 'token_use') === 'access') {
    throw invalidOption(
      'these are the claims of an access token, which has no roles; give those of the ID token',
      claims,
    )
  }
  return { ...roleClaims(record), claim: name => ownValue(record, name) }
}

function viewForecast(claims: object, otherClaims: object | undefined): ClaimsView {
  const claim = (name: string) => {
    if (ROLE_CLAIMS.includes(name)) return ownValue(claims, name)
    return otherClaims === undefined ? UNKNOWN : ownValue(otherClaims, name)
  }
  return { ...roleClaims(claims), claim }
}

/** Some emulators have null, `""` or `[]` where Cognito omits the claim. */
function roleClaims(claims: object): Pick<ClaimsView, 'roles' | 'preferredRole'> {
  checkStrings(claims, 'cognito:groups')
  const preferredRole = ownValue(claims, 'cognito:preferred_role') || undefined
  if (preferredRole !== undefined && typeof preferredRole !== 'string') {
    throw invalidOption(
      `\`cognito:preferred_role\` is ${quote(preferredRole)}, not a string; give the payload of the ID token`,
      preferredRole,
    )
  }
  const roles = checkStrings(claims, 'cognito:roles').filter(roleArn => roleArn !== '')
  return { roles: [...new Set(roles)], preferredRole }
}

/** A string here comes from API Gateway, which joins the elements, so that one group cannot be told from two. */
function checkStrings(claims: object, name: keyof RoleClaims): readonly string[] {
  const value = ownValue(claims, name) ?? []
  if (Array.isArray(value) && value.every(element => typeof element === 'string')) return value
  throw invalidOption(
    `${quote(name)} is not an array of strings; give the payload of the ID token itself, not the claims as an authorizer passes them on`,
    value,
  )
}

function checkRequest(request: RoleRequest): CheckedRequest {
  const record = checkRecord(request, 'the request', AS_RETURNED)
  const customRole = ownValue(record, 'customRoleArn')
  if (customRole !== undefined && (typeof customRole !== 'string' || customRole === '')) {
    throw invalidOption(
      `the custom role is ${quote(customRole)}; give its ARN, or leave \`customRoleArn\` out`,
      customRole,
    )
  }
  const authenticated = ownValue(checkRecord(ownValue(record, 'roles'), '`roles`', AS_RETURNED), 'authenticated')
  if (authenticated !== undefined && typeof authenticated !== 'string') {
    throw invalidOption(
      `the authenticated role is ${quote(authenticated)}; give its ARN, or leave it out`,
      authenticated,
    )
  }
  return { customRole, authenticatedRole: authenticated || undefined }
}
