import { quote, quoteNumber, RolecastError } from '../errors.js'
import { evidenceFor, type Evidence } from './evidence.js'
import { type Group, isPrecedence, MAX_PRECEDENCE, rankOf, UNRANKED } from '../group.js'
import type { Mutable } from '../record.js'
import { distinct } from '../text.js'
import { type CalibrationSource, chooseSemantics, type SemanticsOptions } from './choose-semantics.js'
import { decide, type Outcome, type Rule, type Standing, type Verdict } from './decide.js'

/**
 * The role claims of an ID token. A claim that Cognito omits is an absent key: never null, never `""`, never `[]`.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
 */
export interface RoleClaims {
  /** The names of the user's groups. */
  readonly 'cognito:groups'?: readonly string[]
  /** The ARNs of these groups' roles. */
  readonly 'cognito:roles'?: readonly string[]
  /** The ARN of the preferred role. */
  readonly 'cognito:preferred_role'?: string
}

/** A result together with its reason: one value, so that the two cannot disagree. */
export interface Resolution {
  /** How certain the preferred role is. Branch on this before you use a role. */
  readonly outcome: Outcome
  /** The rule that decided. */
  readonly rule: Rule
  /** How the rule is known. */
  readonly evidence: Evidence
  /** The distinct group names in the order given. Cognito's own order is undocumented: compare as a set. */
  readonly groups: readonly string[]
  /** The distinct role ARNs, lowest precedence number first, those without one last. Compare as a set. */
  readonly roles: readonly string[]
  /** Present exactly when the outcome is `resolved`. */
  readonly preferredRole?: string
  /** Present exactly when the outcome is `undetermined`: the preferred role, if there is one. Never grant it. */
  readonly candidateRole?: string
  /** The groups the outcome depends on, in the order given. Removing any other group changes no preferred role. */
  readonly determiningGroups: readonly string[]
  /** What the ID token carries. */
  readonly claims: RoleClaims
  /** Present exactly when the evidence is `calibrated`: the calibration that the result rests on. */
  readonly calibration?: CalibrationSource
}

/** The options of `resolveRoles`: which reading of Cognito's rules to use. */
export interface ResolveOptions extends SemanticsOptions {}

/** A group of the user, ranked. */
interface RankedGroup {
  readonly groupName: string
  /** Its index among the distinct groups, in the order given. */
  readonly position: number
  readonly rank: number
}

interface GroupWithRole extends RankedGroup {
  readonly role: string
}

/**
 * Forecasts the role claims that Cognito puts into the tokens of a user who is in these groups.
 *
 * Of groups with the same name, only the first counts. Pure and synchronous; linear in the number of groups, except
 * that those with a role are sorted. Not for what a pre token generation trigger changes afterwards (see
 * `applyGroupOverride`), and not for the role that an identity pool hands out (see `selectRoleFor`): both start from
 * this result.
 *
 * @throws RolecastError `invalid-precedence` (not an integer in 0 .. 2^31-1), `invalid-group` or `invalid-option`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 * @example
 * import { resolveRoles } from 'rolecast'
 *
 * const { outcome, preferredRole } = resolveRoles([
 *   { groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' },
 *   { groupName: 'staff', precedence: 10, roleArn: 'arn:aws:iam::111122223333:role/Staff' },
 * ])
 * console.log(outcome, preferredRole) // resolved arn:aws:iam::111122223333:role/Admin
 */
export function resolveRoles(groups: Iterable<Group>, options: ResolveOptions = {}): Resolution {
  const chosen = chooseSemantics(options)
  const names: string[] = []
  const seen = new Set<string>()
  const withRole: GroupWithRole[] = []
  const numberedWithoutRole: RankedGroup[] = []

  for (const group of groups) {
    const { groupName } = checkGroup(group)
    const position = names.length
    if (seen.add(groupName).size === position) continue
    names.push(groupName)
    const rank = rankOf(group)
    if (group.roleArn) withRole.push({ groupName, position, rank, role: group.roleArn })
    else if (rank !== UNRANKED) numberedWithoutRole.push({ groupName, position, rank })
  }

  withRole.sort((a, b) => a.rank - b.rank)
  const roles = distinct(withRole.map(({ role }) => role))

  const [first] = withRole
  const best = first?.rank ?? Infinity
  const tied = withRole.filter(({ rank }) => rank === best)
  const tiedWithoutRole = numberedWithoutRole.filter(({ rank }) => rank === best)
  const standing: Standing = {
    groups: names.length,
    withRole: withRole.length,
    best,
    tied: tied.length,
    conflict: tied.some(({ role }) => role !== first!.role),
    tiedWithoutRole: tiedWithoutRole.length,
    numberedWithoutRole: numberedWithoutRole.length > 0,
  }
  const verdict = decide(standing, chosen.semantics)
  const determining =
    verdict.rule === 'roleless-contender'
      ? [...tied, ...tiedWithoutRole].toSorted((a, b) => a.position - b.position)
      : tied
  return toResolution(
    names,
    roles,
    determining.map(({ groupName }) => groupName),
    verdict,
    evidenceFor(verdict, standing, chosen),
    chosen.calibration,
  )
}

/**
 * What an access token carries: the groups and never a role.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-access-token.html
 * @example
 * import { accessTokenClaims, resolveRoles } from 'rolecast'
 *
 * const resolution = resolveRoles([{ groupName: 'admins', roleArn: 'arn:aws:iam::111122223333:role/Admin' }])
 * console.log(accessTokenClaims(resolution)) // { 'cognito:groups': [ 'admins' ] }
 */
export function accessTokenClaims(resolution: Resolution): Pick<RoleClaims, 'cognito:groups'> {
  const groups = resolution.claims['cognito:groups']
  return groups === undefined ? {} : { 'cognito:groups': groups }
}

/** The first of the roles is the preferred one, or the candidate. The calibration is included if it is the evidence. */
export function toResolution(
  groups: readonly string[],
  roles: readonly string[],
  determiningGroups: readonly string[],
  { outcome, rule }: Verdict,
  evidence: Evidence,
  calibration: CalibrationSource | undefined,
): Resolution {
  const claims: Mutable<RoleClaims> = {}
  const resolution: Mutable<Resolution> = { outcome, rule, evidence, groups, roles, determiningGroups, claims }
  if (groups.length > 0) claims['cognito:groups'] = groups
  if (roles.length > 0) claims['cognito:roles'] = roles
  if (outcome === 'resolved') resolution.preferredRole = claims['cognito:preferred_role'] = roles[0]!
  if (outcome === 'undetermined') resolution.candidateRole = roles[0]!
  if (evidence === 'calibrated') resolution.calibration = calibration!
  return resolution
}

export function checkGroup(group: Group): Group {
  const groupName: unknown = group?.groupName
  if (typeof groupName !== 'string' || groupName === '') {
    throw new RolecastError(
      'invalid-group',
      'a group needs a `groupName` that is a non-empty string; check where the groups come from',
      {
        value: group,
      },
    )
  }
  if (group.precedence != null && !isPrecedence(group.precedence)) {
    throw new RolecastError(
      'invalid-precedence',
      `the precedence of group ${quote(groupName)} is ${quoteNumber(group.precedence)}; Cognito takes an integer from 0 to ${MAX_PRECEDENCE}, or none`,
      { groupName, value: group.precedence },
    )
  }
  if (group.roleArn != null && typeof group.roleArn !== 'string') {
    throw new RolecastError(
      'invalid-group',
      `the role of group ${quote(groupName)} is not a string; give the role's ARN, or leave it out`,
      {
        groupName,
        value: group.roleArn,
      },
    )
  }
  return group
}
