import type { Resolution } from '../claims/resolve.js'
import { compareSets } from '../claims/compare-claims.js'

/**
 * What becomes of a user's roles.
 *
 * `gained`, `lost`, `changed`: the preferred role. `undetermined`: whether there is one is not known before or after, so
 * neither is whether it changes. `allowed-roles`: only what `cognito:roles` allows an app to ask for.
 */
export type RoleChange = 'same' | 'gained' | 'lost' | 'changed' | 'undetermined' | 'allowed-roles'

export interface RoleComparison {
  readonly change: RoleChange
  /** The roles that `cognito:roles` has after and not before. */
  readonly rolesAdded: readonly string[]
  readonly rolesRemoved: readonly string[]
}

/** What a comparison reads of a resolution. */
export type ComparedRoles = Pick<Resolution, 'outcome' | 'roles' | 'preferredRole' | 'candidateRole'>

/**
 * Compares what one user gets before and after a change of groups or memberships. That Cognito arrives at the same answer
 * by another rule is no change.
 *
 * Not for a token that was issued already: `compareClaims` compares that.
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
