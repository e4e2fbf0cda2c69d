import { UNRANKED } from '../group.js'

/**
 * Which reading of Cognito's rules answers.
 *
 * - `observed` (the default): what real tokens show. One case no token shows: a group without a role at the very number
 *   that wins. There the outcome is `undetermined` and no role is preferred.
 * - `roles-compete`: as `observed`, and in that case the group without a role stands aside. Never undetermined. Choose it
 *   only after you settled that case against a real pool.
 * - `tied-groups-agree`: as `observed`, and in that case the group without a role takes part in the tie, so that no role is
 *   preferred. Never undetermined. Choose it only after you settled that case against a real pool.
 * - `documented`: AWS's role-based-access-control page to the letter: as `roles-compete`, with no precedence as the
 *   lowest rank of all. Real tokens contradict it for groups without a precedence.
 */
export type Semantics = 'observed' | 'roles-compete' | 'tied-groups-agree' | 'documented'

export const SEMANTICS: readonly Semantics[] = ['observed', 'roles-compete', 'tied-groups-agree', 'documented']

/** `resolved`: one preferred role. `none`: none. `ambiguous`: a tie on several roles. `undetermined`: not known. */
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

/** How a user's groups stand to one another: all that the rules and their evidence depend on. */
export interface Standing {
  readonly groups: number
  /** How many of them have a role. */
  readonly withRole: number
  /** The lowest rank of a group with a role: `UNRANKED` if none of these has a precedence, `Infinity` if there is none. */
  readonly best: number
  /** How many groups with a role have the best rank, and whether their roles differ. */
  readonly tied: number
  readonly conflict: boolean
  /** How many groups without a role have the number of the best rank. */
  readonly beside: number
  /** Whether any group without a role has a number. */
  readonly numberedWithoutRole: boolean
}

export interface Verdict {
  readonly outcome: Outcome
  readonly rule: Rule
}

const NO_GROUPS: Verdict = { outcome: 'none', rule: 'no-groups' }

const NO_ROLES: Verdict = { outcome: 'none', rule: 'no-roles' }

const NO_PRECEDENCE: Verdict = { outcome: 'none', rule: 'no-precedence' }

const CONFLICTING_ROLES: Verdict = { outcome: 'ambiguous', rule: 'conflicting-roles' }

const ROLELESS_CONTENDER: Verdict = { outcome: 'undetermined', rule: 'roleless-contender' }

const TIED_WITH_ROLELESS: Verdict = { outcome: 'none', rule: 'roleless-contender' }

const SHARED_ROLE: Verdict = { outcome: 'resolved', rule: 'shared-role' }

const LOWEST_PRECEDENCE: Verdict = { outcome: 'resolved', rule: 'lowest-precedence' }

/** The rules. Groups without a role stand aside, but where one has the very number that wins: there nothing is known. */
export function decide({ groups, withRole, best, tied, conflict, beside }: Standing, semantics: Semantics): Verdict {
  if (groups === 0) return NO_GROUPS
  if (withRole === 0) return NO_ROLES
  if (best === UNRANKED && semantics !== 'documented') return NO_PRECEDENCE
  if (conflict) return CONFLICTING_ROLES
  if (beside > 0 && semantics === 'observed') return ROLELESS_CONTENDER
  if (beside > 0 && semantics === 'tied-groups-agree') return TIED_WITH_ROLELESS
  return tied > 1 ? SHARED_ROLE : LOWEST_PRECEDENCE
}
