import type { Group } from '../group.js'
import { resolveRoles } from '../claims/resolve.js'

/** A group's precedence, and the one it would have. */
export interface Renumbered {
  /** The group's name. */
  readonly groupName: string
  /** Its precedence now. */
  readonly before: number
  /** Its precedence without ties. */
  readonly after: number
}

const STEP = 10

/**
 * Precedences without a tie for all the groups that have one: 10, 20, 30 …, in rank order, with room between them.
 *
 * Every user whose outcome is `resolved` or `none` keeps it, with the preferred role, unless the rule is
 * `roleless-contender`. Of tied groups, those with the same role stay together in the order given, and those without a
 * role come last.
 *
 * Users in a tie gain a preferred role, because without ties one of the groups always ranks first: with different
 * roles, the role of the group given first; with a role and none (`roleless-contender`), the role. Look at these users
 * before you apply it.
 *
 * Not for groups without a precedence: they keep none, and are not in the result. A repeated name counts once.
 *
 * @throws RolecastError `invalid-group` or `invalid-precedence`, as `resolveRoles`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html
 * @example
 * import { suggestRenumbering } from 'rolecast'
 *
 * const tied = [
 *   { groupName: 'admins', precedence: 1 },
 *   { groupName: 'staff', precedence: 1 },
 * ]
 * for (const { groupName, after } of suggestRenumbering(tied)) console.log(groupName, after)
 */
export function suggestRenumbering(groups: readonly Group[]): readonly Renumbered[] {
  const [byName, roleOrder] = [new Map<string, Group>(), new Map<string, number>([['', Number.MAX_SAFE_INTEGER]])]
  // Rejects anything that is not a group.
  resolveRoles(groups)
  for (const group of groups) {
    if (byName.has(group.groupName)) continue
    byName.set(group.groupName, group)
    const role = group.roleArn ?? ''
    if (!roleOrder.has(role)) roleOrder.set(role, roleOrder.size)
  }
  return [...byName.values()]
    .flatMap(({ groupName, precedence, roleArn }) =>
      precedence == null ? [] : [{ groupName, before: precedence, role: roleOrder.get(roleArn ?? '')! }],
    )
    .toSorted((a, b) => a.before - b.before || a.role - b.role)
    .map(({ groupName, before }, index) => ({ groupName, before, after: STEP * (index + 1) }))
}
