import { PAGE_SIZE } from '../api/user-pool-api.js'

/** How the memberships of a pool are read: the users of each group, or the groups of each user. */
export type ReadStrategy = 'per-group' | 'per-user'

/** Calls a second at most. */
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

/** What reading a pool costs, before it is read. */
export interface ReadEstimate {
  /** The quicker one, or the one that was asked for. */
  readonly strategy: ReadStrategy
  /** Cognito's own estimate of how many there are; undefined where it gives none. */
  readonly users: number | undefined
  readonly groups: number
  /** Assumed: no call tells it beforehand. */
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
  /** Default: the quicker one; `per-group` where the number of users is not known. */
  readonly strategy?: ReadStrategy | undefined
}

/**
 * What reading all memberships costs in either way. Users have to be listed in both: who is in no group is in no group's
 * list. The groups are listed before and after, to see what changes meanwhile.
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
  const quicker = users !== undefined && perUser.seconds < perGroup.seconds ? 'per-user' : 'per-group'
  return { strategy: strategy ?? quicker, users, groups, membershipsPerUser, rates, perGroup, perUser }
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

/** An empty list has a page too. */
function pages(count: number): number {
  return Math.max(1, Math.ceil(count / PAGE_SIZE))
}
