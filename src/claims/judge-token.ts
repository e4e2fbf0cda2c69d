import { type Group, isGroupName } from '../group.js'
import { distinct } from '../text.js'
import { type CarriedRoleClaims, fitSemantics } from './calibration.js'
import type { CalibrationSource, SemanticsOptions } from './choose-semantics.js'
import { compareClaims, compareSets, type PreferredRoleChange } from './compare-claims.js'
import type { Semantics } from './decide.js'
import { type Resolution, resolveRoles, type RoleClaims } from './resolve.js'

/** A group of the pool, and when it was last changed. */
export interface DatedGroup extends Group {
  /** Milliseconds since the epoch: `LastModifiedDate`. Absent if it is not known. */
  readonly modifiedAt?: number | undefined
}

/** A token, and what was read to judge it. */
export interface TokenFacts {
  readonly tokenUse: 'id' | 'access'
  /** Seconds since the epoch. */
  readonly issuedAt: number
  readonly claims: RoleClaims
  /** By name: all groups of the pool, or at least those that the user is in. */
  readonly groups: ReadonlyMap<string, DatedGroup>
  readonly hasWholePool: boolean
  /** Milliseconds since the epoch: when reading the groups began. Undefined: it is not known. */
  readonly groupsReadAt: number | undefined
  /** The names of the groups that the user is in now. Undefined: they were not read. */
  readonly memberships?: readonly string[] | undefined
  readonly isSignatureChecked: boolean
}

/**
 * `match`: the token carries what is forecast for its groups. `mismatch`: it does not. `settles`: the forecast is
 * undetermined, and the token shows which reading Cognito follows. `inconclusive`: what was read does not settle it.
 */
export type TokenVerdict = 'match' | 'mismatch' | 'settles' | 'inconclusive'

/** Why a token is inconclusive. */
export type DoubtKind =
  | 'group-changed'
  | 'group-gone'
  | 'memberships-differ'
  | 'nothing-compared'
  | 'changes-unknown'
  | 'signature-unchecked'

/** A reason why a token settles nothing. */
export interface Doubt {
  /** What is in doubt. */
  readonly doubt: DoubtKind
  /** The groups it is about, if any. */
  readonly groups: readonly string[]
}

/** What only a pre token generation trigger leaves in a token, and Cognito alone does not. */
export type TriggerSignKind =
  | 'roles-without-groups'
  | 'preferred-outside-roles'
  | 'roles-in-access-token'
  | 'empty-claim'
  | 'repeated-entry'
  | 'impossible-group'
  | 'foreign-role'
  | 'roles-suppressed'
  | 'groups-suppressed'

/** A sign that a pre token generation trigger changed a token. */
export interface TriggerSign {
  /** What shows it. */
  readonly sign: TriggerSignKind
  /** The claims, group names or role ARNs that show it. */
  readonly values: readonly string[]
}

/** How the groups that a token names differ from those that the user is in now. */
export interface MembershipComparison {
  /** Whether the token names the groups that the user is in now. */
  readonly status: 'same' | 'different' | 'not-compared'
  /** The user is in them now, and the token does not name them. */
  readonly missing: readonly string[]
  /** The token names them, and the user is not in them now. */
  readonly unexpected: readonly string[]
}

/** How the roles of a token differ from those that are forecast for its groups. */
export interface TokenRoleComparison {
  /** Whether the token has the roles that are forecast for its groups. `not-carried`: an access token, which has none. */
  readonly status: 'same' | 'different' | 'undetermined' | 'not-carried'
  /** Forecast, and not in the token. */
  readonly missing: readonly string[]
  /** In the token, and not forecast. */
  readonly unexpected: readonly string[]
  /** `gained`: forecast, but not in the token. `lost`: in the token, but none is forecast. */
  readonly preferredRole: PreferredRoleChange
  /** The preferred role of the token, if it has one. */
  readonly carriedPreferredRole?: string
}

/** What a token shows about rolecast's forecast. */
export interface TokenJudgement {
  /** Whether the token carries what is forecast. */
  readonly verdict: TokenVerdict
  /** The groups that the token names and the pool has. */
  readonly groups: readonly DatedGroup[]
  /** How its groups differ from those that the user is in now. */
  readonly memberships: MembershipComparison
  /** How its roles differ from the forecast for its groups. */
  readonly roles: TokenRoleComparison
  /** The forecast for the groups that the token names. */
  readonly forecast: Resolution
  /** The readings that forecast exactly what the token carries. Empty for an access token, which has no roles. */
  readonly fits: readonly Semantics[]
  /** Present exactly when the verdict is `settles`. */
  readonly settles?: {
    /** The case of docs/semantics.md. */
    readonly row: '13'
    /** The reading that Cognito followed. */
    readonly semantics: Semantics
  }
  /** Why it is inconclusive; empty otherwise. */
  readonly doubts: readonly Doubt[]
  /** Signs that a pre token generation trigger changed the token. */
  readonly triggerSigns: readonly TriggerSign[]
  /** The groups of the token whose last change is not known. */
  readonly undated: readonly string[]
  /**
   * Whether the groups are known to have been read after the token was issued. If not, a change after they were read
   * may be in the token, and may explain a mismatch.
   */
  readonly isReadAfterToken: boolean
}

/**
 * What a token shows. It has group names and role ARNs, and nothing else of the token: no username, no `sub`, no
 * attribute.
 */
export interface TokenVerification extends TokenJudgement {
  /** The user pool that issued the token. */
  readonly userPoolId: string
  /** Present if the token is from an endpoint other than Cognito's own: it says nothing about Cognito. */
  readonly endpoint?: string
  /** What the token says about itself. */
  readonly token: {
    /** Which token it is. */
    readonly use: 'id' | 'access'
    /** ISO 8601. */
    readonly issuedAt: string
    /** ISO 8601. */
    readonly expiresAt: string
    /** By the clock of this machine. An expired token is judged like any other. */
    readonly isExpired: boolean
  }
  /** `keys`: the address that they were read from; absent if they were given. */
  readonly signature: { readonly isChecked: true; readonly keys?: string } | { readonly isChecked: false }
  /** The reading of Cognito's rules that the forecast follows. */
  readonly semantics: Semantics
  /** The calibration that chose the reading; absent where none did. */
  readonly calibration?: CalibrationSource
  /** In sentences, for people. */
  readonly notLookedAt: readonly string[]
}

/**
 * Judges a real token by the groups of its user pool. The token's groups are compared with the user's memberships, and its
 * roles with the forecast for the groups that it names: a membership that changed since says nothing about the roles.
 *
 * @throws RolecastError `invalid-option`, `invalid-group` or `invalid-precedence`
 */
export function judgeToken(facts: TokenFacts, options: SemanticsOptions = {}): TokenJudgement {
  const { tokenUse, claims } = facts
  const named = distinct(claims['cognito:groups'] ?? [])
  const known = named.flatMap(name => facts.groups.get(name) ?? [])
  const forecast = resolveRoles(known, options)
  const memberships = compareMemberships(named, facts.memberships)
  const isRoleless = tokenUse === 'access'
  const roles = compareRoles(forecast, facts)
  const fits = isRoleless ? [] : fittingReadings(known, claims)
  const impossible = signsInToken(facts)

  const dated = isRoleless ? [] : known
  const changed = namesOf(dated.filter(({ modifiedAt }) => isAfter(modifiedAt, facts.issuedAt)))
  const undated = namesOf(dated.filter(({ modifiedAt }) => modifiedAt === undefined))
  const isReadAfterToken = facts.groupsReadAt !== undefined && facts.groupsReadAt >= (facts.issuedAt + 1) * 1_000
  const gone = named.filter(name => !facts.groups.has(name) && isGroupName(name))
  const settled = forecast.outcome === 'undetermined' ? settledBy(fits) : undefined
  const doubts = [
    ...doubt('group-changed', changed),
    ...doubt('group-gone', gone),
    ...(memberships.status === 'different' ? [{ doubt: 'memberships-differ' as const, groups: [] }] : []),
    ...(isRoleless && memberships.status === 'not-compared'
      ? [{ doubt: 'nothing-compared' as const, groups: [] }]
      : []),
    ...(settled !== undefined ? doubt('changes-unknown', isReadAfterToken ? undated : namesOf(known)) : []),
    ...(settled !== undefined && !facts.isSignatureChecked
      ? [{ doubt: 'signature-unchecked' as const, groups: [] }]
      : []),
  ]
  // The pool may have been different when the token was issued.
  const isOfAnotherPool = changed.length > 0 || gone.length > 0
  const triggerSigns = [...impossible, ...(isOfAnotherPool ? [] : signsAgainstPool(facts, forecast, memberships))]

  const rest = { groups: known, memberships, roles, forecast, fits, doubts, triggerSigns, undated, isReadAfterToken }
  const isDifferent = roles.status === 'different' || (roles.status === 'undetermined' && settled === undefined)
  if (impossible.length > 0) return { verdict: 'mismatch', ...rest }
  if (isOfAnotherPool) return { verdict: 'inconclusive', ...rest }
  if (isDifferent) return { verdict: 'mismatch', ...rest }
  if (doubts.length > 0) return { verdict: 'inconclusive', ...rest }
  if (settled !== undefined) return { verdict: 'settles', settles: { row: '13', semantics: settled }, ...rest }
  return { verdict: 'match', ...rest }
}

/**
 * A change shows in tokens half a second to a second later, and `iat` has whole seconds: a token that was issued in the
 * second after a change may not have it yet.
 */
const SETTLING_MS = 1_000

function isAfter(modifiedAt: number | undefined, issuedAt: number): boolean {
  return modifiedAt !== undefined && modifiedAt + SETTLING_MS > issuedAt * 1_000
}

function doubt(kind: DoubtKind, groups: readonly string[]): readonly Doubt[] {
  return groups.length === 0 ? [] : [{ doubt: kind, groups }]
}

function namesOf(groups: readonly Group[]): readonly string[] {
  return groups.map(({ groupName }) => groupName)
}

function compareMemberships(
  named: readonly string[],
  memberships: readonly string[] | undefined,
): MembershipComparison {
  if (memberships === undefined) return { status: 'not-compared', missing: [], unexpected: [] }
  const { added, removed } = compareSets(memberships, named)
  return { status: added.length + removed.length === 0 ? 'same' : 'different', missing: added, unexpected: removed }
}

function compareRoles(forecast: Resolution, { tokenUse, claims }: TokenFacts): TokenRoleComparison {
  const found = compareClaims(forecast, { ...claims, token_use: tokenUse })
  const { preferredRole, rolesAdded: missing, rolesRemoved: unexpected } = found
  const carried = claims['cognito:preferred_role']
  const rest = { missing, unexpected, preferredRole, ...(carried !== undefined && { carriedPreferredRole: carried }) }
  if (preferredRole === 'not-carried') return { status: 'not-carried', ...rest }
  // Not the groups' differences: the forecast is for the groups that the token names and the pool has.
  const isSameList = missing.length + unexpected.length === 0
  const isCandidate = carried === undefined || carried === forecast.candidateRole
  const isSamePreferred = preferredRole === 'same' || (preferredRole === 'undetermined' && isCandidate)
  const status = !isSameList || !isSamePreferred ? 'different' : preferredRole === 'same' ? 'same' : 'undetermined'
  return { status, ...rest }
}

/** As one token of a calibration. Its access token is missing, so it gets the one that every reading forecasts. */
function fittingReadings(groups: readonly DatedGroup[], claims: RoleClaims): readonly Semantics[] {
  const idToken: CarriedRoleClaims = {
    'cognito:groups': claims['cognito:groups'] ?? null,
    'cognito:roles': claims['cognito:roles'] ?? null,
    'cognito:preferred_role': claims['cognito:preferred_role'] ?? null,
  }
  const accessToken = {
    'cognito:groups': groups.length === 0 ? null : namesOf(groups),
    'cognito:roles': null,
    'cognito:preferred_role': null,
  }
  const ofToken = groups.map(({ groupName, precedence, roleArn }) => ({
    groupName,
    precedence: precedence ?? null,
    roleArn: roleArn || null,
  }))
  const { readings } = fitSemantics([{ id: 'token', row: '', groups: ofToken, idToken, accessToken }])
  return readings.filter(({ contradictedBy }) => contradictedBy.length === 0).map(({ semantics }) => semantics)
}

/** Where the forecast is undetermined, `documented` is `roles-compete`. */
function settledBy(fits: readonly Semantics[]): Semantics | undefined {
  return fits.find(semantics => semantics === 'roles-compete' || semantics === 'tied-groups-agree')
}

const LISTS = ['cognito:groups', 'cognito:roles'] as const

/** Signs that the groups of no pool could explain. */
function signsInToken({ tokenUse, claims }: TokenFacts): readonly TriggerSign[] {
  const { 'cognito:groups': groups = [], 'cognito:roles': roles = [], 'cognito:preferred_role': preferred } = claims
  const hasRoles = roles.length > 0 || preferred !== undefined
  const ofRoles = [...roles, ...(preferred === undefined || roles.includes(preferred) ? [] : [preferred])]
  return [
    ...sign('roles-in-access-token', tokenUse === 'access' && hasRoles ? ofRoles : []),
    ...sign('roles-without-groups', groups.length === 0 && hasRoles ? ofRoles : []),
    ...sign('preferred-outside-roles', preferred !== undefined && !roles.includes(preferred) ? [preferred] : []),
    ...sign(
      'empty-claim',
      [...LISTS, 'cognito:preferred_role' as const].filter(claim => claims[claim]?.length === 0),
    ),
    ...sign('repeated-entry', distinct([groups, roles].flatMap(repeated))),
    ...sign(
      'impossible-group',
      groups.filter(name => !isGroupName(name)),
    ),
  ]
}

/** Signs that the groups of the pool do not explain, if the token was made from these groups. */
function signsAgainstPool(
  { tokenUse, claims, groups, hasWholePool }: TokenFacts,
  forecast: Resolution,
  memberships: MembershipComparison,
): readonly TriggerSign[] {
  const { 'cognito:groups': named = [], 'cognito:roles': roles = [] } = claims
  const ofPool = new Set([...groups.values()].map(({ roleArn }) => roleArn))
  return [
    ...sign('foreign-role', hasWholePool ? distinct(roles).filter(role => !ofPool.has(role)) : []),
    ...sign('roles-suppressed', tokenUse === 'id' && roles.length === 0 ? forecast.roles : []),
    ...sign('groups-suppressed', named.length === 0 ? memberships.missing : []),
  ]
}

function sign(kind: TriggerSignKind, values: readonly string[]): readonly TriggerSign[] {
  return values.length === 0 ? [] : [{ sign: kind, values }]
}

function repeated(values: readonly string[]): readonly string[] {
  const seen = new Set<string>()
  return values.filter(value => seen.size === seen.add(value).size)
}
