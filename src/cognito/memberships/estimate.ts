import { PARTS } from './read-state.js'
import { PAGE_SIZE } from '../api/user-pool-api.js'

/** How the memberships of a pool are read: the users of each group, or the groups of each user. */
export type ReadStrategy = 'per-group' | 'per-user'

/** Maximum calls a second. */
export interface ReadRates {
  /** ListGroups. */
  readonly ListGroups: number
  /** ListUsersInGroup included. */
  readonly ListUsers: number
  /** AdminListGroupsForUser. */
  readonly AdminListGroupsForUser: number
}

/** What one way of reading a pool costs. */
export interface ReadCost {
  /** How many lists the users are read in: one, or where that is faster, one for each first digit of `sub`. */
  readonly parts: 1 | 16
  /** Calls by operation. */
  readonly calls: {
    readonly DescribeUserPool: number
    readonly ListGroups: number
    readonly ListUsers: number
    readonly ListUsersInGroup: number
    readonly AdminListGroupsForUser: number
  }
  /** All calls together. */
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
  /** How many groups the pool has. */
  readonly groups: number
  /** An assumption: no call gives it. */
  readonly membershipsPerUser: number
  /** The calls a second that the estimate assumes. */
  readonly rates: ReadRates
  /** The cost of reading the users of each group. */
  readonly perGroup: ReadCost
  /** The cost of reading the groups of each user. */
  readonly perUser: ReadCost
}

export interface EstimateInput {
  readonly users: number | undefined
  readonly groups: number
  readonly membershipsPerUser: number
  readonly rates: ReadRates
  /** @default the faster one, or `per-group` if the number of users is unknown */
  readonly strategy?: ReadStrategy | undefined
  /**
   * Of the strategy that is given.
   *
   * @default what is faster
   */
  readonly parts?: 1 | 16 | undefined
}

/**
 * Estimates the cost of reading all memberships in both ways. Both list all users, because users without a group are in no
 * group's list. Both list the groups before and after, to notice changes.
 *
 * Each page has the token of the next, so the pages of one list come one after the other. The users are in one list, or
 * in a list for each first digit of `sub` where waiting for one page after the other would take longer than the quota
 * does.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export function estimateRead(input: EstimateInput): ReadEstimate {
  const { users, groups, membershipsPerUser, rates, strategy } = input
  const known = users ?? 0
  // A group's last page is not full: one page each, and one more for every 60 memberships.
  const inGroups = groups + Math.floor((known * membershipsPerUser) / PAGE_SIZE)
  const partsOf = (one: ReadStrategy) => (one === strategy ? input.parts : undefined)
  const perGroup = cost(
    { ...input, parts: partsOf('per-group') },
    { ListUsersInGroup: inGroups, AdminListGroupsForUser: 0 },
    groups,
  )
  const perUser = cost(
    { ...input, parts: partsOf('per-user') },
    { ListUsersInGroup: 0, AdminListGroupsForUser: known },
    0,
  )
  const faster = users !== undefined && perUser.seconds < perGroup.seconds ? 'per-user' : 'per-group'
  return { strategy: strategy ?? faster, users, groups, membershipsPerUser, rates, perGroup, perUser }
}

/** The cost of the strategy that is taken. */
export function costOf({ strategy, perGroup, perUser }: ReadEstimate): ReadCost {
  return strategy === 'per-group' ? perGroup : perUser
}

/** What is assumed of the time from a request to its response, in seconds. */
const LATENCY = 0.1

type Others = Pick<ReadCost['calls'], 'ListUsersInGroup' | 'AdminListGroupsForUser'>

/** @param certainPages pages of groups that are there however few memberships there are */
function cost(input: EstimateInput, others: Others, certainPages: number): ReadCost {
  const { users = 0, groups, rates } = input
  const least = { ...others, ListUsersInGroup: certainPages }
  const isFaster = secondsOf(least, listingOf(users, PARTS), rates) < secondsOf(least, listingOf(users, 1), rates)
  const parts = input.parts ?? (isFaster ? PARTS : 1)
  const listing = listingOf(users, parts)
  const listGroups = 2 * pages(groups)
  const calls = { DescribeUserPool: 1, ListGroups: listGroups, ListUsers: listing.pages, ...others }
  return {
    parts,
    calls,
    totalCalls: Object.values(calls).reduce((sum, count) => sum + count, 0),
    seconds: listGroups / rates.ListGroups + secondsOf(others, listing, rates),
  }
}

interface Listing {
  readonly pages: number
  /** So many of them come one after the other. */
  readonly inTurn: number
}

/** Parts have a page each and one more for every 60 users; and the first page of all users comes before them. */
function listingOf(users: number, parts: 1 | typeof PARTS): Listing {
  if (parts === 1) return { pages: pages(users), inTurn: pages(users) }
  return { pages: 1 + parts + Math.floor(users / PAGE_SIZE), inTurn: 2 + Math.floor(users / parts / PAGE_SIZE) }
}

function secondsOf(others: Others, listing: Listing, rates: ReadRates): number {
  return Math.max(
    (listing.pages + others.ListUsersInGroup) / rates.ListUsers,
    others.AdminListGroupsForUser / rates.AdminListGroupsForUser,
    listing.inTurn * LATENCY,
  )
}

/** Even an empty list has a page. */
function pages(count: number): number {
  return Math.max(1, Math.ceil(count / PAGE_SIZE))
}
