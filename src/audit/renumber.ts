import type { Group } from '../group.js'
import { resolveRoles } from '../claims/resolve.js'

/** A group's precedence, and the one it would have. */
export interface Renumbered {
  readonly groupName: string
  readonly before: number
  readonly after: number
}

const STEP = 10

/**
 * Precedences without a tie for all the groups that have one: 10, 20, 30 …, in rank order, with room between them.
 *
 * Every user whose outcome is `resolved` or `none` keeps it, with the preferred role, unless the rule is `roleless-contender`. Of tied groups, those of one role
 * stand together in the order given, and those without a role come last.
 *
 * Users in a tie gain a preferred role, because no numbers without ties can keep them without one: of different roles,
 * that of the group given first; of a role and none (`roleless-contender`), the role. So look at these users before you
 * apply it.
 *
 * Not for groups without a precedence: they keep none, and are not in the answer. A name that comes twice counts once.
 *
 * @throws RolecastError `invalid-group` or `invalid-precedence`, as `resolveRoles`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html
 */
export function suggestRenumbering(groups: readonly Group[]): readonly Renumbered[] {
  const [byName, roleOrder] = [new Map<string, Group>(), new Map<string, number>([['', Number.MAX_SAFE_INTEGER]])]
  // Refuses what is no group.
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
