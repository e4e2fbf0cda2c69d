import { type Group, rankOf } from '../group.js'
import type { Semantics } from '../claims/decide.js'

/**
 * What stands out about a group's precedence among the groups of the pool.
 *
 * - `conflict`: it has a role, and another group of the same rank has a different one.
 * - `shared`: it has a role, and all groups of the same rank that have one have the same.
 * - `contender`: it has no role, and the same number as a group with one.
 * - `unranked`: it has a role that is never preferred, because the group has no precedence.
 */
export type GroupStanding = 'conflict' | 'shared' | 'contender' | 'unranked'

/** What each standing means, for people. */
export const STANDINGS: Readonly<Record<GroupStanding, string>> = {
  conflict: 'same precedence, different roles: users for whom these groups rank first get no preferred role',
  shared: 'same precedence, same role',
  contender: 'no role, and the same precedence as a group with one: it may keep that role from being preferred',
  unranked: 'a role without a precedence is never preferred',
}

/** The standing of each group, in the order given; undefined if nothing stands out. */
export function standings(groups: readonly Group[], semantics: Semantics): readonly (GroupStanding | undefined)[] {
  const nullRanks = semantics === 'documented'
  const withRole = new Map<number, { count: number; readonly roles: Set<string> }>()
  for (const group of groups) {
    if (!group.roleArn) continue
    const rank = rankOf(group)
    const level = withRole.get(rank) ?? { count: 0, roles: new Set() }
    level.count++
    level.roles.add(group.roleArn)
    withRole.set(rank, level)
  }
  return groups.map(group => {
    const rank = rankOf(group)
    if (!group.roleArn)
      return doRolelessContend(semantics) && group.precedence != null && withRole.has(rank) ? 'contender' : undefined
    if (group.precedence == null && !nullRanks) return 'unranked'
    const { count, roles } = withRole.get(rank)!
    return roles.size > 1 ? 'conflict' : count > 1 ? 'shared' : undefined
  })
}

/** In these readings a group without a role matters if it has the same precedence as a group with one. */
function doRolelessContend(semantics: Semantics): boolean {
  return semantics === 'observed' || semantics === 'tied-groups-agree'
}
