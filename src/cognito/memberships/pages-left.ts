import { PAGE_SIZE } from '../api/user-pool-api.js'
import type { ReadEstimate } from './estimate.js'
import type { Pagination, ReadState } from './read-state.js'

/**
 * Says how many pages are left, after each page. It repeats the estimate only after a part of them was read, because
 * estimating may take long.
 */
export function createCountdown(estimate: ReadEstimate): (state: ReadState) => number {
  let at = 0
  let left = 0
  let wasEnded = false
  return state => {
    const isEnded = state.end !== undefined
    const read = state.pages - at
    if (left === 0 || read > left / 200 || isEnded !== wasEnded) {
      at = state.pages
      left = pagesLeft(state, estimate)
      wasEnded = isEnded
      return left
    }
    return Math.max(1, left - read)
  }
}

/**
 * The pages that are left to read, estimated from what was read so far: at first from the assumptions of the estimate, and
 * later more and more from what is known. At least 1 until the end.
 */
export function pagesLeft(state: ReadState, estimate: ReadEstimate): number {
  if (state.start === undefined || state.end !== undefined) return lateLeft(state)
  const users = expectedUsers(state, estimate)
  const memberships =
    state.start.strategy === 'per-group' ? groupPagesLeft(state, users, estimate) : usersLeft(state, users)
  return Math.max(1, Math.round(listPagesLeft(state, users) + memberships + pagesOf(estimate.groups)))
}

/** After the end, only the number of pages of the groups that appeared is unknown. */
function lateLeft(state: ReadState): number {
  if (state.end === undefined) return 1
  const calls = (userId: number) =>
    (state.isRead(userId) ? 0 : 1) + (state.hasDetails(userId) || state.isGone(userId) ? 0 : 1)
  return state.lateGroups().length + sum(state.unlisted().map(calls))
}

/** At least as many as were seen, and more than that while there are more pages. */
function expectedUsers(state: ReadState, { users = 0 }: ReadEstimate): number {
  const listed = state.listed.length
  if (isListed(state)) return listed
  return Math.max(users, listed + PAGE_SIZE, state.users)
}

/** Whether all users are listed, as far as can be known: the list of all users may have more than the parts. */
function isListed({ whole, listings }: ReadState): boolean {
  return whole.done || (whole.pages === 1 && listings.slice(0, -1).every(part => part.done) && listings.length > 1)
}

function listPagesLeft(state: ReadState, users: number): number {
  const { listings, whole, isSplitSound } = state
  if (isListed(state)) return 0
  const isSplit = listings.length > 1
  if (!isSplit || whole.pages > 1 || !isSplitSound) return listLeft(whole, state.listedIn(listings.length - 1), users)
  const parts = listings.slice(0, -1)
  // A part that is read to its end says how long parts are: `sub` is random.
  const done = parts.flatMap((part, index) => (part.done ? [state.listedIn(index)] : []))
  const perPart = done.length > 0 ? sum(done) / done.length : users / parts.length
  return sum(parts.map((part, index) => listLeft(part, state.listedIn(index), perPart))) + (whole.pages === 0 ? 1 : 0)
}

/** @param users that the list has, as far as can be known */
function listLeft({ done, pages }: Pagination, listed: number, users: number): number {
  if (done) return 0
  // As long as there is a next page, it may be as far to the end as a quarter of the way.
  return Math.max(1, (users - listed) / PAGE_SIZE, pages > 0 && listed > users ? pages / 4 : 0)
}

function usersLeft(state: ReadState, users: number): number {
  return Math.max(0, users - state.usersRead)
}

/**
 * Each group that is read to its end says how long groups are; the assumption of the estimate counts as one group more.
 * A group that is already longer than that is assumed to be a quarter longer still, and no group has more users than
 * the pool.
 */
function groupPagesLeft(state: ReadState, users: number, { groups, membershipsPerUser }: ReadEstimate): number {
  if (groups === 0) return 0
  const paginations = state.groupNames.map((_name, groupId) => state.paginationOf(groupId))
  const done = paginations.filter(one => one.done)
  const assumed = 1 + (users * membershipsPerUser) / groups / PAGE_SIZE
  const typical = (assumed + sum(done.map(one => one.pages))) / (1 + done.length)
  const most = 1 + users / PAGE_SIZE
  return sum(
    paginations
      .filter(one => !one.done)
      .map(({ pages }) => Math.max(1, Math.min(Math.max(typical - pages, pages / 4), most - pages))),
  )
}

function pagesOf(count: number): number {
  return Math.max(1, Math.ceil(count / PAGE_SIZE))
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0)
}
