import { PAGE_SIZE } from '../api/user-pool-api.js'

/** How the memberships of a pool are read: the users of each group, or the groups of each user. */
export type ReadStrategy = 'per-group' | 'per-user'

/** Maximum calls a second. */
export interface ReadRates {
  readonly ListGroups: number
  /** ListUsersInGroup included. */
  readonly ListUsers: number
  readonly AdminListGroupsForUser: number
}

export interface ReadCost {
  readonly calls: {
    readonly DescribeUserPool: number
    readonly ListGroups: number
    readonly ListUsers: number
    readonly ListUsersInGroup: number
    readonly AdminListGroupsForUser: number
  }
  readonly totalCalls: number
  /** At these rates, if nothing else uses the quotas. */
  readonly seconds: number
}

/** The estimated cost of reading a pool. */
export interface ReadEstimate {
  /** The faster one, or the one in the options. */
  readonly strategy: ReadStrategy
  /** Cognito's own estimate. Undefined if it gives none. */
  readonly users: number | undefined
  readonly groups: number
  /** An assumption: no call gives it. */
  readonly membershipsPerUser: number
  readonly rates: ReadRates
  readonly perGroup: ReadCost
  readonly perUser: ReadCost
}

export interface EstimateInput {
  readonly users: number | undefined
  readonly groups: number
  readonly membershipsPerUser: number
  readonly rates: ReadRates
  /** @default the faster one, or `per-group` if the number of users is unknown */
  readonly strategy?: ReadStrategy | undefined
}

/**
 * Estimates the cost of reading all memberships in both ways. Both list all users, because users without a group are in no
 * group's list. Both list the groups before and after, to notice changes.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export function estimateRead({ users, groups, membershipsPerUser, rates, strategy }: EstimateInput): ReadEstimate {
  const known = users ?? 0
  const common = { DescribeUserPool: 1, ListGroups: 2 * pages(groups), ListUsers: pages(known) }
  // A group's last page is not full: one page each, and one more for every 60 memberships.
  const inGroups = groups + Math.floor((known * membershipsPerUser) / PAGE_SIZE)
  const perGroup = cost({ ...common, ListUsersInGroup: inGroups, AdminListGroupsForUser: 0 }, rates)
  const perUser = cost({ ...common, ListUsersInGroup: 0, AdminListGroupsForUser: known }, rates)
  const faster = users !== undefined && perUser.seconds < perGroup.seconds ? 'per-user' : 'per-group'
  return { strategy: strategy ?? faster, users, groups, membershipsPerUser, rates, perGroup, perUser }
}

function cost(calls: ReadCost['calls'], rates: ReadRates): ReadCost {
  const together = Math.max(
    (calls.ListUsers + calls.ListUsersInGroup) / rates.ListUsers,
    calls.AdminListGroupsForUser / rates.AdminListGroupsForUser,
  )
  return {
    calls,
    totalCalls: Object.values(calls).reduce((sum, count) => sum + count, 0),
    seconds: calls.ListGroups / rates.ListGroups + together,
  }
}

/** Even an empty list has a page. */
function pages(count: number): number {
  return Math.max(1, Math.ceil(count / PAGE_SIZE))
}
