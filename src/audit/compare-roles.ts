import type { Resolution } from '../claims/resolve.js'
import { compareSets } from '../claims/compare-claims.js'

/**
 * How a user's roles change.
 *
 * `gained`, `lost`, `changed`: the preferred role. `undetermined`: whether there is one is not known before or after,
 * so neither is whether it changes. `allowed-roles`: only what `cognito:roles` allows an app to ask for.
 */
export type RoleChange = 'same' | 'gained' | 'lost' | 'changed' | 'undetermined' | 'allowed-roles'

/** What becomes of one user's roles. */
export interface RoleComparison {
  /** What becomes of the preferred role, or of the other roles. */
  readonly change: RoleChange
  /** The roles that `cognito:roles` has after the change and not before. */
  readonly rolesAdded: readonly string[]
  /** The roles that `cognito:roles` has before and not after. */
  readonly rolesRemoved: readonly string[]
}

/** The parts of a resolution that a comparison needs. */
export type ComparedRoles = Pick<Resolution, 'outcome' | 'roles' | 'preferredRole' | 'candidateRole'>

/**
 * Compares what one user gets before and after a change of groups or memberships. The same result by
 * a different rule does not count as a change.
 *
 * Not for a token that was issued already: `compareClaims` compares that.
 *
 * @example
 * import { compareRoles, resolveRoles } from 'rolecast'
 *
 * const admins = { groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' }
 * console.log(compareRoles(resolveRoles([admins]), resolveRoles([])).change) // lost
 */
export function compareRoles(before: ComparedRoles, after: ComparedRoles): RoleComparison {
  const { added, removed } = compareSets(after.roles, before.roles)
  return {
    change: changeOf(before, after, added.length + removed.length > 0),
    rolesAdded: added,
    rolesRemoved: removed,
  }
}

function changeOf(before: ComparedRoles, after: ComparedRoles, otherRoles: boolean): RoleChange {
  if (before.outcome === 'undetermined' || after.outcome === 'undetermined') {
    const sameDoubt = before.outcome === after.outcome && before.candidateRole === after.candidateRole
    if (!sameDoubt) return 'undetermined'
  } else if (before.preferredRole !== after.preferredRole) {
    return before.preferredRole === undefined ? 'gained' : after.preferredRole === undefined ? 'lost' : 'changed'
  }
  return otherRoles ? 'allowed-roles' : 'same'
}
