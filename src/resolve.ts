import { createDistinct } from './distinct.js'
import { quote, RolecastError } from './errors.js'
import { type Group, isPrecedence, MAX_PRECEDENCE, rankOf, UNRANKED } from './group.js'
import type { Mutable } from './mutable.js'

/**
 * Which reading of Cognito's rules answers.
 *
 * - `observed` (the default): what real tokens show, and the agreement of the two readings below where tokens are
 *   silent. Where the readings differ the outcome is `undetermined` and nothing is preferred.
 * - `groups-compete`: the groups with the lowest number decide, with a role or without. Never undetermined.
 * - `roles-compete`: groups without a role stand aside; of the rest the lowest number decides. Never undetermined.
 * - `documented`: AWS's role-based-access-control page to the letter: as `roles-compete`, with no precedence as the
 *   lowest rank of all. Real tokens contradict it for groups without a precedence.
 *
 * Choose one of the two readings only after you settled the open cases against a real pool.
 */
export type Semantics = 'observed' | 'groups-compete' | 'roles-compete' | 'documented'

export const SEMANTICS: readonly Semantics[] = ['observed', 'groups-compete', 'roles-compete', 'documented']

/** `resolved`: one preferred role. `none`: none. `ambiguous`: a tie on several roles. `undetermined`: nobody knows. */
export type Outcome = 'resolved' | 'none' | 'ambiguous' | 'undetermined'

/** The rule that decided; `docs/semantics.md` has a section for each. */
export type Rule =
  | 'no-groups'
  | 'no-roles'
  | 'no-precedence'
  | 'lowest-precedence'
  | 'shared-role'
  | 'conflicting-roles'
  | 'roleless-contender'

/** How the answer is known: seen in a real token, AWS's text, followed from the two, or found nowhere. */
export type Evidence = 'observed' | 'documented' | 'inferred' | 'unknown'

/**
 * The role claims of an ID token. A claim that Cognito omits is an absent key: never null, never `""`, never `[]`.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
 */
export interface RoleClaims {
  readonly 'cognito:groups'?: readonly string[]
  readonly 'cognito:roles'?: readonly string[]
  readonly 'cognito:preferred_role'?: string
}

/** An answer together with its reason: one value, so that the two cannot disagree. */
export interface Resolution {
  readonly outcome: Outcome
  readonly rule: Rule
  readonly evidence: Evidence
  /** The distinct group names in the order given. Cognito's own order is undocumented: compare as a set. */
  readonly groups: readonly string[]
  /** The distinct role ARNs, lowest precedence number first, those without one last. Compare as a set. */
  readonly roles: readonly string[]
  /** Present exactly when the outcome is `resolved`. */
  readonly preferredRole?: string
  /** Present exactly when the outcome is `undetermined`: the role that one reading prefers. Never grant it. */
  readonly candidateRole?: string
  /** The groups the outcome hangs on, in the order given. Taking any other group away changes no preferred role. */
  readonly determiningGroups: readonly string[]
  /** What the ID token carries. */
  readonly claims: RoleClaims
}

export interface ResolveOptions {
  readonly semantics?: Semantics | undefined
}

/** A group, with the number it runs under. */
interface Ranked {
  readonly groupName: string
  /** Its place among the distinct groups, in the order given. */
  readonly position: number
  readonly level: number
}

/** One that has a role. */
interface Bearer extends Ranked {
  readonly role: string
}

/**
 * Forecasts the role claims that Cognito puts into the tokens of a user who is in these groups.
 *
 * A name that comes twice counts once, the first wins. Pure, synchronous, and linear in the groups but for sorting the
 * role-bearing ones. Not for what a pre token generation trigger changes afterwards, and not for the role an identity
 * pool finally hands out: both start from this answer.
 *
 * @throws RolecastError `invalid-precedence` (not an integer in 0 .. 2^31-1), `invalid-group` or `invalid-option`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 */
export function resolveRoles(groups: Iterable<Group>, options: ResolveOptions = {}): Resolution {
  const semantics = checkSemantics(options.semantics)
  const names = createDistinct()
  const bearers: Bearer[] = []
  const numberedRoleless: Ranked[] = []
  let lowestRoleless = Infinity

  for (const group of groups) {
    const { groupName } = checkGroup(group)
    const position = names.values.length
    if (!names.add(groupName)) continue
    const level = rankOf(group)
    if (group.roleArn) bearers.push({ groupName, position, level, role: group.roleArn })
    else if (level !== UNRANKED) {
      numberedRoleless.push({ groupName, position, level })
      if (level < lowestRoleless) lowestRoleless = level
    }
  }

  bearers.sort(byLevel)
  const roles = createDistinct()
  for (const bearer of bearers) roles.add(bearer.role)

  const best = bearers.length === 0 ? Infinity : bearers[0]!.level
  const leaders = downTo(best, bearers)
  const verdict = decide(
    {
      groups: names.values.length,
      bearers: bearers.length,
      roles: roles.values.length,
      best,
      leaders: leaders.length,
      conflict: roles.values.length > 1 && leaders.some(differsFromFirst),
      lowestRoleless,
    },
    semantics,
  )
  const leading = verdict.leadersCount ? leaders : NOBODY
  const rivals = verdict.rolelessDownTo === NONE ? NOBODY : downTo(verdict.rolelessDownTo, numberedRoleless)
  const determining = rivals.length === 0 ? leading : [...leading, ...rivals].toSorted(byPosition)
  return toResolution(names.values, roles.values, determining.map(nameOf), verdict)
}

/** What an access token carries: the groups and never a role. */
export function accessTokenClaims(resolution: Resolution): Pick<RoleClaims, 'cognito:groups'> {
  const groups = resolution.claims['cognito:groups']
  return groups === undefined ? {} : { 'cognito:groups': groups }
}

/** How a user's groups stand: all that the rules ask of them. */
export interface Standing {
  /** How many groups, how many of them with a role, and how many different roles those have. */
  readonly groups: number
  readonly bearers: number
  readonly roles: number
  /** The lowest level of a group with a role, `Infinity` if there is none. */
  readonly best: number
  /** How many groups with a role stand there, and whether their roles differ. */
  readonly leaders: number
  readonly conflict: boolean
  /** The lowest number of a group without a role, `Infinity` if there is none. */
  readonly lowestRoleless: number
}

export interface Verdict {
  readonly outcome: Outcome
  readonly rule: Rule
  readonly evidence: Evidence
  /** Whether the outcome hangs on the groups with a role that stand on the best level. */
  readonly leadersCount: boolean
  /** It hangs on the groups without a role down to this number. */
  readonly rolelessDownTo: number
}

/** A number below all: no group without a role. */
const NONE = -1

const NOBODY: readonly Ranked[] = []

/** The rules. Whoever gathers a standing, and from whatever, gets the same answer. */
export function decide({ groups, bearers, roles, best, leaders, conflict, lowestRoleless }: Standing, semantics: Semantics): Verdict {
  if (groups === 0) return { outcome: 'none', rule: 'no-groups', evidence: 'documented', leadersCount: false, rolelessDownTo: NONE }
  if (bearers === 0) return { outcome: 'none', rule: 'no-roles', evidence: 'observed', leadersCount: false, rolelessDownTo: NONE }

  // How often an ARN is repeated: that `cognito:roles` then has it once is inferred, but for the documented tie of two.
  const repeats = bearers - roles
  const numberedRoleless = lowestRoleless !== Infinity

  if (best === UNRANKED && semantics !== 'documented') {
    const evidence =
      numberedRoleless ? 'inferred'
      : bearers === 1 ? 'observed'
      : repeats > 0 ? 'inferred'
      : 'documented'
    return { outcome: 'none', rule: 'no-precedence', evidence, leadersCount: true, rolelessDownTo: NONE }
  }

  const rivals = lowestRoleless <= best

  if (semantics === 'groups-compete' && lowestRoleless < best) {
    // Behind the group that blocks them the roles conflict: nothing is preferred in any reading.
    const evidence = conflict ? 'inferred' : 'unknown'
    return { outcome: 'none', rule: 'roleless-contender', evidence, leadersCount: false, rolelessDownTo: lowestRoleless }
  }
  if (conflict) {
    const evidence = semantics === 'documented' || (leaders === 2 && !rivals && repeats === 0) ? 'documented' : 'inferred'
    return { outcome: 'ambiguous', rule: 'conflicting-roles', evidence, leadersCount: true, rolelessDownTo: NONE }
  }
  if (rivals && (semantics === 'observed' || semantics === 'groups-compete')) {
    const outcome = semantics === 'observed' ? 'undetermined' : 'none'
    return { outcome, rule: 'roleless-contender', evidence: 'unknown', leadersCount: true, rolelessDownTo: best }
  }

  const rule = leaders > 1 ? 'shared-role' : 'lowest-precedence'
  const evidence =
    semantics === 'documented' ? 'documented'
    : rivals ? 'unknown'
    : rule === 'shared-role' ? (repeats === 1 ? 'documented' : 'inferred')
    : repeats > 0 ? 'inferred'
    : bearers === 1 && !numberedRoleless ? 'observed'
    : 'documented'
  return { outcome: 'resolved', rule, evidence, leadersCount: true, rolelessDownTo: NONE }
}

/** The first of the roles is the one that is preferred, or the candidate. */
export function toResolution(
  groups: readonly string[],
  roles: readonly string[],
  determiningGroups: readonly string[],
  { outcome, rule, evidence }: Verdict,
): Resolution {
  const claims: Mutable<RoleClaims> = {}
  const resolution: Mutable<Resolution> = { outcome, rule, evidence, groups, roles, determiningGroups, claims }
  if (groups.length > 0) claims['cognito:groups'] = groups
  if (roles.length > 0) claims['cognito:roles'] = roles
  if (outcome === 'resolved') resolution.preferredRole = claims['cognito:preferred_role'] = roles[0]!
  if (outcome === 'undetermined') resolution.candidateRole = roles[0]!
  return resolution
}

function downTo<R extends Ranked>(lowest: number, ranked: readonly R[]): readonly R[] {
  return ranked.filter(({ level }) => level <= lowest)
}

function differsFromFirst({ role }: Bearer, _index: number, bearers: readonly Bearer[]): boolean {
  return role !== bearers[0]!.role
}

function nameOf({ groupName }: Ranked): string {
  return groupName
}

function byLevel(a: Ranked, b: Ranked): number {
  return a.level - b.level
}

function byPosition(a: Ranked, b: Ranked): number {
  return a.position - b.position
}

export function checkSemantics(semantics: Semantics = 'observed'): Semantics {
  if (SEMANTICS.includes(semantics)) return semantics
  throw new RolecastError('invalid-option', `${quote(semantics)} is no semantics; use one of ${SEMANTICS.join(', ')}`, {
    value: semantics,
  })
}

export function checkGroup(group: Group): Group {
  const groupName: unknown = group?.groupName
  if (typeof groupName !== 'string' || groupName === '') {
    throw new RolecastError('invalid-group', 'a group needs a `groupName` that is a non-empty string; check where the groups come from', {
      value: group,
    })
  }
  if (group.precedence != null && !isPrecedence(group.precedence)) {
    throw new RolecastError(
      'invalid-precedence',
      `the precedence of group \`${groupName}\` is ${quote(group.precedence)}; Cognito takes an integer from 0 to ${MAX_PRECEDENCE}, or none`,
      { groupName, value: group.precedence },
    )
  }
  if (group.roleArn != null && typeof group.roleArn !== 'string') {
    throw new RolecastError('invalid-group', `the role of group \`${groupName}\` is not a string; give the role's ARN, or leave it out`, {
      groupName,
      value: group.roleArn,
    })
  }
  return group
}
