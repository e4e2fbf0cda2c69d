import { UNRANKED } from '../group.js'

/**
 * Which reading of Cognito's rules is used.
 *
 * - `observed` (the default): what real tokens show. No known token shows a group without a role at the winning
 *   precedence. In that case the outcome is `undetermined` and no role is preferred.
 * - `roles-compete`: as `observed`, but in that case the group without a role is ignored. Never undetermined. Choose it
 *   only after you settled that case with a real pool.
 * - `tied-groups-agree`: as `observed`, but in that case the group without a role takes part in the tie, so that no role is
 *   preferred. Never undetermined. Choose it only after you settled that case with a real pool.
 * - `documented`: AWS's page on role-based access control taken literally: as `roles-compete`, but groups without a precedence
 *   take part, with the lowest rank of all. Real tokens contradict it for these groups.
 */
export type Semantics = 'observed' | 'roles-compete' | 'tied-groups-agree' | 'documented'

/** All readings of Cognito's rules that rolecast has. */
export const SEMANTICS: readonly Semantics[] = ['observed', 'roles-compete', 'tied-groups-agree', 'documented']

/**
 * `resolved`: one preferred role. `none`: no preferred role. `ambiguous`: a tie on several roles. `undetermined`: not
 * known.
 */
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

/** How a user's groups rank against each other: all that the rules and their evidence depend on. */
export interface Standing {
  readonly groups: number
  /** How many of them have a role. */
  readonly withRole: number
  /** The lowest rank of a group with a role: `UNRANKED` if none of these has a precedence, `Infinity` if there is none. */
  readonly best: number
  /** How many groups with a role have the best rank, and whether their roles differ. */
  readonly tied: number
  readonly conflict: boolean
  /** How many groups without a role have the best rank too. */
  readonly tiedWithoutRole: number
  /** Whether any group without a role has a number. */
  readonly numberedWithoutRole: boolean
}

export interface Verdict {
  readonly outcome: Outcome
  readonly rule: Rule
}

/** A number of a standing; booleans count as 1 or 0. */
export type Quantity = keyof Standing | 'tied + tiedWithoutRole'

/** Which standings a row of a table is for. The tables are data, so that `rolesSql` can write them as SQL. */
export type Condition = readonly [quantity: Quantity, is: '=' | '>', than: number]

export interface Decision {
  /** Absent in a reading's last decision, which is for all other standings. */
  readonly when?: Condition
  readonly verdict: Verdict
}

const NO_GROUPS: Decision = { when: ['groups', '=', 0], verdict: { outcome: 'none', rule: 'no-groups' } }

const NO_ROLES: Decision = { when: ['withRole', '=', 0], verdict: { outcome: 'none', rule: 'no-roles' } }

const NO_PRECEDENCE: Decision = { when: ['best', '=', UNRANKED], verdict: { outcome: 'none', rule: 'no-precedence' } }

const CONFLICTING_ROLES: Decision = {
  when: ['conflict', '=', 1],
  verdict: { outcome: 'ambiguous', rule: 'conflicting-roles' },
}

const ROLELESS_CONTENDER: Decision = {
  when: ['tiedWithoutRole', '>', 0],
  verdict: { outcome: 'undetermined', rule: 'roleless-contender' },
}

const TIED_WITH_ROLELESS: Decision = {
  when: ['tiedWithoutRole', '>', 0],
  verdict: { outcome: 'none', rule: 'roleless-contender' },
}

const SHARED_ROLE: Decision = { when: ['tied', '>', 1], verdict: { outcome: 'resolved', rule: 'shared-role' } }

const LOWEST_PRECEDENCE: Decision = { verdict: { outcome: 'resolved', rule: 'lowest-precedence' } }

/**
 * The rules of each reading: the first that applies decides. Groups without a role are ignored, unless one has the winning
 * precedence: what Cognito does then is not known.
 */
export const DECISIONS: Readonly<Record<Semantics, readonly Decision[]>> = {
  observed: [NO_GROUPS, NO_ROLES, NO_PRECEDENCE, CONFLICTING_ROLES, ROLELESS_CONTENDER, SHARED_ROLE, LOWEST_PRECEDENCE],
  'roles-compete': [NO_GROUPS, NO_ROLES, NO_PRECEDENCE, CONFLICTING_ROLES, SHARED_ROLE, LOWEST_PRECEDENCE],
  'tied-groups-agree': [
    NO_GROUPS,
    NO_ROLES,
    NO_PRECEDENCE,
    CONFLICTING_ROLES,
    TIED_WITH_ROLELESS,
    SHARED_ROLE,
    LOWEST_PRECEDENCE,
  ],
  documented: [NO_GROUPS, NO_ROLES, CONFLICTING_ROLES, SHARED_ROLE, LOWEST_PRECEDENCE],
}

export function decide(standing: Standing, semantics: Semantics): Verdict {
  const decisions = DECISIONS[semantics]
  let row = 0
  while (!holds(decisions[row]!.when, standing)) row++
  return decisions[row]!.verdict
}

export function holds(condition: Condition | undefined, standing: Standing): boolean {
  if (condition === undefined) return true
  const is = condition[1]
  const value = valueOf(condition[0], standing)
  return (is === '=' && value === condition[2]) || (is === '>' && value > condition[2])
}

/** A switch, because reading a property by a changing name costs several times as much as everything else here. */
function valueOf(quantity: Quantity, standing: Standing): number {
  switch (quantity) {
    case 'groups':
      return standing.groups
    case 'withRole':
      return standing.withRole
    case 'best':
      return standing.best
    case 'tied':
      return standing.tied
    case 'conflict':
      return standing.conflict ? 1 : 0
    case 'tiedWithoutRole':
      return standing.tiedWithoutRole
    case 'tied + tiedWithoutRole':
      return standing.tied + standing.tiedWithoutRole
    case 'numberedWithoutRole':
      return standing.numberedWithoutRole ? 1 : 0
  }
}
