import type { Resolution, RoleClaims } from './resolve.js'
import { type Details, type Changes, readOverride, ROLE_CLAIMS, CLAIMS } from './pre-token-response.js'
import type { Evidence } from './evidence.js'

/**
 * `request.groupConfiguration` of a pre token generation event, as the real service sends it: empty lists and a null,
 * never a missing key. Emulators drop keys.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html
 */
export interface GroupConfiguration {
  /** The names of the user's groups. */
  groupsToOverride: string[]
  /** The ARNs of these groups' roles. */
  iamRolesToOverride: string[]
  /** The ARN of the preferred role; null for none. */
  preferredRole: string | null
}

/** What a trigger sets instead of the group configuration. A null, or an empty `preferredRole`, counts as left out. */
export interface GroupOverrideDetails {
  /** The group names that the tokens carry instead. */
  readonly groupsToOverride?: readonly string[] | null | undefined
  /** The role ARNs that the ID token carries instead. */
  readonly iamRolesToOverride?: readonly string[] | null | undefined
  /** The preferred role that the ID token carries instead. */
  readonly preferredRole?: string | null | undefined
}

/** The changes to the claims of one token. Only what it does to the three role claims is read. */
export interface ClaimChanges {
  /** Claims to add or replace, by name. */
  readonly claimsToAddOrOverride?: Readonly<Record<string, unknown>> | null | undefined
  /** Names of claims to leave out. */
  readonly claimsToSuppress?: readonly string[] | null | undefined
}

/** What a handler of version 1 returns: its changes are the ID token's. */
export interface ClaimsOverrideDetails extends ClaimChanges {
  /** What replaces the user's groups and roles. */
  readonly groupOverrideDetails?: GroupOverrideDetails | null | undefined
}

/** What a handler of version 2 or 3 returns: changes for each token. */
export interface ClaimsAndScopeOverrideDetails {
  /** Changes to the ID token. */
  readonly idTokenGeneration?: ClaimChanges | null | undefined
  /** Changes to the access token. */
  readonly accessTokenGeneration?: ClaimChanges | null | undefined
  /** What replaces the user's groups and roles. */
  readonly groupOverrideDetails?: GroupOverrideDetails | null | undefined
}

/** The `response` of the event that a handler returns. */
export interface PreTokenResponse {
  /** Version 1. */
  readonly claimsOverrideDetails?: ClaimsOverrideDetails | null | undefined
  /** Versions 2 and 3. AWS's own test events have an empty array here, which counts as null. */
  readonly claimsAndScopeOverrideDetails?: ClaimsAndScopeOverrideDetails | readonly never[] | null | undefined
}

/** The whole event that a handler returns. */
export interface PreTokenEvent {
  /** `1`, `2` or `3` says which part of the response counts. Any other, such as an emulator's `0`, says nothing. */
  readonly version?: string | undefined
  /** What the handler set. */
  readonly response?: PreTokenResponse | null | undefined
}

/**
 * What decided a claim; `docs/pre-token.md` has a section for each.
 *
 * - `unchanged`: the trigger returns no `groupOverrideDetails`.
 * - `replaced`: `groupOverrideDetails` sets the value. An empty list removes the claim.
 * - `left-out`: `groupOverrideDetails` sets other claims but not this one.
 * - `empty-details`: `groupOverrideDetails` is empty or null.
 * - `suppressed`: `claimsToSuppress` names `cognito:groups`.
 * - `suppressed-by-name`: `claimsToSuppress` names a role claim itself, and not `cognito:groups`.
 * - `added`: `claimsToAddOrOverride` names the claim.
 */
export type OverrideRule =
  | 'unchanged'
  | 'replaced'
  | 'left-out'
  | 'empty-details'
  | 'suppressed'
  | 'suppressed-by-name'
  | 'added'

/** Why a claim is in a token or is not. */
export interface ClaimReason {
  /** `undetermined`: AWS does not document it. The token forecast leaves the claim out. */
  readonly outcome: 'present' | 'absent' | 'undetermined'
  /** The rule that decided. */
  readonly rule: OverrideRule
  /** How the rule is known. */
  readonly evidence: Evidence
  /**
   * Only when undetermined: the value that the claim may have if the undocumented part has no effect. Never grant it.
   * It may be missing, and a value in `claimsToAddOrOverride` is never one.
   */
  readonly candidate?: string | readonly string[]
}

/** A case that AWS does not describe and no known token shows. */
export interface UndocumentedCase {
  /** The token that it is about. */
  readonly token: 'id' | 'access'
  /** The claim that it is about. */
  readonly claim: keyof RoleClaims
  /** The rule that decided. */
  readonly rule: OverrideRule
  /** A sentence or two, for people. */
  readonly note: string
}

/** The role claims after a pre token generation trigger, together with their reasons. */
export interface TokenForecast {
  /** The role claims of the ID token. */
  readonly idToken: RoleClaims
  /** The groups of the access token. */
  readonly accessToken: Pick<RoleClaims, 'cognito:groups'>
  /** Why each claim is in its token or is not. */
  readonly reasons: {
    /** By claim. */
    readonly idToken: Readonly<Record<keyof RoleClaims, ClaimReason>>
    /** By claim. */
    readonly accessToken: Readonly<Record<'cognito:groups', ClaimReason>>
  }
  /** One for each claim whose evidence is `unknown`, and for a role claim that the trigger adds to the access token. */
  readonly undocumented: readonly UndocumentedCase[]
}

/**
 * Every `request.groupConfiguration` that Cognito may send to a pre token generation trigger for this user: one, or two
 * when the preferred role is undetermined. The first of the two has no preferred role. Cognito sends one of them, and AWS
 * does not document which: run a handler on each.
 *
 * You may change the configurations. Not for client-credentials (M2M) tokens (`TokenGeneration_ClientCredentials`):
 * these have no user and no groups.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html
 * @example
 * import { groupConfigurations, resolveRoles } from 'rolecast'
 *
 * const configurations = groupConfigurations(resolveRoles([{ groupName: 'admins', precedence: 0 }]))
 * for (const { groupsToOverride, preferredRole } of configurations) console.log(groupsToOverride, preferredRole) // [ 'admins' ] null
 */
export function groupConfigurations(resolution: Resolution): [GroupConfiguration, ...GroupConfiguration[]] {
  const { groups, roles, preferredRole, candidateRole } = resolution
  const preferring = (role: string | null): GroupConfiguration => ({
    groupsToOverride: [...groups],
    iamRolesToOverride: [...roles],
    preferredRole: role,
  })
  return candidateRole === undefined
    ? [preferring(preferredRole ?? null)]
    : [preferring(null), preferring(candidateRole)]
}

/**
 * Forecasts the role claims of both tokens after a pre token generation trigger has responded.
 *
 * Takes the `response` that the handler leaves in the event, or the whole event. Give the whole event if the response
 * has parts for version 1 and for versions 2 and 3. Null, or a response without details, means that the trigger changes
 * nothing. The response is read as the JSON it becomes: an undefined value is a missing key.
 *
 * Not for other claims and scopes, and not a check that Cognito accepts the response: the name of a group that the pool
 * does not have and a role that does not exist both pass. A claim that cannot be determined is absent from the token,
 * and its reason says `undetermined`: before acting on the absence of a claim, look at its reason.
 *
 * @throws RolecastError `malformed-response` (not the documented shape, a part in the wrong place or of another version) or
 *   `invalid-group-name`
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html
 * @example
 * import { applyGroupOverride, resolveRoles } from 'rolecast'
 *
 * const resolution = resolveRoles([{ groupName: 'admins', precedence: 0 }])
 * const response = { claimsOverrideDetails: { groupOverrideDetails: { groupsToOverride: ['guests'] } } }
 * console.log(applyGroupOverride(resolution, response).idToken['cognito:groups']) // [ 'guests' ]
 */
export function applyGroupOverride(
  resolution: Resolution,
  response: PreTokenResponse | PreTokenEvent | null | undefined,
): TokenForecast {
  const { details, idToken, accessToken } = readOverride(response)
  const { groups, roles, preferredRole } = details === undefined ? unchanged(resolution) : replaced(details)

  const id = {
    groups: amend(groups, 'cognito:groups', idToken),
    roles: amend(roles, 'cognito:roles', idToken),
    preferredRole: amend(preferredRole, 'cognito:preferred_role', idToken),
  }
  const accessGroups = amend(groups, 'cognito:groups', accessToken)
  const reasons = {
    idToken: {
      'cognito:groups': toReason(id.groups),
      'cognito:roles': toReason(id.roles),
      'cognito:preferred_role': toReason(id.preferredRole),
    },
    accessToken: { 'cognito:groups': toReason(accessGroups) },
  }
  return {
    idToken: {
      ...(id.groups.outcome === 'present' && { 'cognito:groups': id.groups.value }),
      ...(id.roles.outcome === 'present' && { 'cognito:roles': id.roles.value }),
      ...(id.preferredRole.outcome === 'present' && { 'cognito:preferred_role': id.preferredRole.value }),
    },
    accessToken: accessGroups.outcome === 'present' ? { 'cognito:groups': accessGroups.value } : {},
    reasons,
    undocumented: [
      ...CLAIMS.flatMap(claim => undocumented('id', claim, reasons.idToken[claim])),
      ...undocumented('access', 'cognito:groups', reasons.accessToken['cognito:groups']),
      ...ROLE_CLAIMS.filter(claim => accessToken.added.includes(claim) && !accessToken.suppressed.includes(claim)).map(
        roleInAccessToken,
      ),
    ],
  }
}

type Forecast<Value> = { readonly rule: OverrideRule; readonly evidence: Evidence } & (
  | { readonly outcome: 'present'; readonly value: Value }
  | { readonly outcome: 'absent'; readonly value?: undefined }
  | { readonly outcome: 'undetermined'; readonly value: Value | undefined }
)

interface Forecasts {
  readonly groups: Forecast<readonly string[]>
  readonly roles: Forecast<readonly string[]>
  readonly preferredRole: Forecast<string>
}

function forecast<Value>(value: Value | undefined, rule: OverrideRule, evidence: Evidence): Forecast<Value> {
  return value === undefined ? { outcome: 'absent', rule, evidence } : { outcome: 'present', rule, evidence, value }
}

/** It is inferred that the trigger leaves the claims alone, however well they were known before. */
function unchanged({ claims, outcome, evidence, candidateRole }: Resolution): Forecasts {
  const unsure = evidence === 'unknown' ? 'unknown' : 'inferred'
  return {
    groups: forecast(claims['cognito:groups'], 'unchanged', 'inferred'),
    roles: forecast(claims['cognito:roles'], 'unchanged', 'inferred'),
    preferredRole:
      outcome === 'undetermined'
        ? { outcome, rule: 'unchanged', evidence: unsure, value: candidateRole }
        : forecast(claims['cognito:preferred_role'], 'unchanged', unsure),
  }
}

function replaced(details: Details): Forecasts {
  if (details.empty) {
    return {
      groups: forecast<readonly string[]>(undefined, 'empty-details', details.literally ? 'documented' : 'inferred'),
      roles: forecast<readonly string[]>(undefined, 'empty-details', 'inferred'),
      preferredRole: forecast<string>(undefined, 'empty-details', 'inferred'),
    }
  }
  const { groups, roles, preferredRole } = details
  const withGroups = groups !== undefined && groups.length > 0
  const withRoles = roles !== undefined && roles.length > 0
  return {
    groups: replacedList(groups, 'documented'),
    roles: replacedList(roles, withGroups ? 'documented' : 'inferred'),
    preferredRole:
      preferredRole === undefined
        ? forecast<string>(undefined, 'left-out', roles === undefined ? 'unknown' : 'inferred')
        : forecast(preferredRole, 'replaced', withGroups && withRoles ? 'documented' : 'inferred'),
  }
}

function replacedList(list: readonly string[] | undefined, evidence: Evidence): Forecast<readonly string[]> {
  if (list === undefined) return forecast<readonly string[]>(undefined, 'left-out', 'unknown')
  return list.length === 0
    ? forecast<readonly string[]>(undefined, 'replaced', 'inferred')
    : forecast(list, 'replaced', evidence)
}

/**
 * Suppressing comes first: AWS's page says that it wins over replacing, and that suppressing `cognito:groups` removes
 * the role claims too.
 */
function amend<Value>(
  before: Forecast<Value>,
  claim: keyof RoleClaims,
  { added, suppressed }: Changes,
): Forecast<Value> {
  if (suppressed.includes('cognito:groups')) return { outcome: 'absent', rule: 'suppressed', evidence: 'documented' }
  if (added.includes(claim)) return { outcome: 'undetermined', rule: 'added', evidence: 'unknown', value: before.value }
  if (suppressed.includes(claim) && before.outcome === 'present') {
    return { outcome: 'undetermined', rule: 'suppressed-by-name', evidence: 'unknown', value: before.value }
  }
  return before
}

function toReason({ outcome, rule, evidence, value }: Forecast<string | readonly string[]>): ClaimReason {
  return outcome === 'undetermined' && value !== undefined
    ? { outcome, rule, evidence, candidate: value }
    : { outcome, rule, evidence }
}

function undocumented(
  token: UndocumentedCase['token'],
  claim: keyof RoleClaims,
  { rule, evidence }: ClaimReason,
): UndocumentedCase[] {
  return evidence === 'unknown' ? [{ token, claim, rule, note: noteOn(rule, claim) }] : []
}

function roleInAccessToken(claim: keyof RoleClaims): UndocumentedCase {
  return {
    token: 'access',
    claim,
    rule: 'added',
    note: `claimsToAddOrOverride of the access token names ${claim}, which Cognito itself never puts there. AWS does not document what happens to it.`,
  }
}

const SOURCES = {
  'cognito:groups': 'groupsToOverride',
  'cognito:roles': 'iamRolesToOverride',
  'cognito:preferred_role': 'preferredRole',
} as const

/** For the rules that leave a claim's evidence unknown, and only these. */
function noteOn(rule: OverrideRule, claim: keyof RoleClaims): string {
  if (rule === 'left-out') {
    return `groupOverrideDetails has no ${SOURCES[claim]}. AWS documents that it replaces the whole object, but not what a missing part does: the forecast treats ${claim} as absent.`
  }
  if (rule === 'added') {
    return `claimsToAddOrOverride names ${claim}. AWS says to use groupOverrideDetails instead, and does not document what this does: do not grant access based on it.`
  }
  if (rule === 'suppressed-by-name') {
    return `claimsToSuppress names ${claim}. AWS says to name cognito:groups instead, and does not document what this does: do not grant access based on it.`
  }
  return `The user's groups do not determine whether there is a ${claim}, and the trigger does not replace it.`
}
