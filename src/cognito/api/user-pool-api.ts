import type { Group } from '../../group.js'
import { failure, type UserPoolCall } from './api-error.js'
import {
  describeUserPoolAnswer,
  getGroupAnswer,
  listGroupsAnswer,
  listUsersAnswer,
  listUsersInGroupAnswer,
  toGroup,
} from './responses.js'
import { createUserPoolCalls, MISSING, parse, type Sent, type UserPoolCallOptions } from './user-pool-call.js'

export type { CognitoClient } from './connection-options.js'

/** What Cognito said of one group. */
export interface GroupAnswer extends Sent {
  /** Milliseconds for which it is fresh, where that is not the usual time. */
  readonly freshFor?: number
  /** Absent where Cognito knows no such group. */
  readonly group: Group | undefined
}

interface GroupPage {
  readonly groups: readonly Group[]
  /** Absent on the last page. A page may be empty and not the last. */
  readonly nextToken: string | undefined
}

interface UserPage {
  /** As Cognito has them: any text. */
  readonly usernames: readonly string[]
  /** Absent on the last page. A page may be empty and not the last. */
  readonly nextToken: string | undefined
}

export interface UserPoolApi {
  readonly userPoolId: string
  /** Milliseconds for one call. */
  readonly timeout: number
  getGroup(groupName: string, signal: AbortSignal): Promise<GroupAnswer>
  listGroups(nextToken: string | undefined, signal: AbortSignal): Promise<GroupPage & Sent>
  /** ListUsers and ListUsersInGroup share a quota: of those that wait, the one with the highest priority (default 0) is next. */
  listUsers(paginationToken: string | undefined, signal: AbortSignal, priority?: number): Promise<UserPage>
  /** Undefined where Cognito knows no such group. */
  listUsersInGroup(
    groupName: string,
    nextToken: string | undefined,
    signal: AbortSignal,
    priority?: number,
  ): Promise<UserPage | undefined>
  /** Undefined where Cognito knows no such user. The order of the groups is undocumented. */
  adminListGroupsForUser(
    username: string,
    nextToken: string | undefined,
    signal: AbortSignal,
  ): Promise<GroupPage | undefined>
  describeUserPool(signal: AbortSignal): Promise<PoolSize>
}

interface PoolSize {
  /** Cognito's own estimate, which may be off. */
  readonly estimatedUsers: number | undefined
}

/** The most groups or users that Cognito gives at once, and what we ask for. */
export const PAGE_SIZE = 60

/**
 * What rolecast reads of one user pool: limited in rate and time, parsed, and failing with typed errors only.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetGroup.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListGroups.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsersInGroup.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminListGroupsForUser.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_DescribeUserPool.html
 */
export function createUserPoolApi(options: UserPoolCallOptions): UserPoolApi {
  const { userPoolId } = options
  const { timeout, call } = createUserPoolCalls(options)
  const pool = { UserPoolId: userPoolId }
  const page = (nextToken: string | undefined) => ({
    ...pool,
    Limit: PAGE_SIZE,
    ...(nextToken !== undefined && { NextToken: nextToken }),
  })

  return {
    userPoolId,
    timeout,
    async getGroup(groupName, signal) {
      const context: UserPoolCall = { operation: 'GetGroup', userPoolId, groupName }
      const input = { ...pool, GroupName: groupName }
      const { answer, sent } = await call(
        context,
        (client, sdk, to) => client.send(new sdk.GetGroupCommand(input), to),
        signal,
      )
      if (answer === MISSING) return { group: undefined, ...sent }
      const { Group: found } = parse(getGroupAnswer, answer, context)
      if (found.GroupName !== groupName) {
        throw failure('malformed-answer', context, { value: found.GroupName, note: 'it is about another group' })
      }
      return { group: toGroup(found), ...sent }
    },
    async listGroups(nextToken, signal) {
      const context: UserPoolCall = { operation: 'ListGroups', userPoolId }
      const input = page(nextToken)
      const { answer, sent } = await call(
        context,
        (client, sdk, to) => client.send(new sdk.ListGroupsCommand(input), to),
        signal,
      )
      const { Groups, NextToken } = parse(listGroupsAnswer, answer, context)
      return { groups: Groups.map(toGroup), nextToken: NextToken ?? undefined, ...sent }
    },
    async listUsers(paginationToken, signal, priority) {
      const context: UserPoolCall = { operation: 'ListUsers', userPoolId }
      // Every user has a `sub`; mail addresses and the like stay where they are.
      const token = paginationToken !== undefined && { PaginationToken: paginationToken }
      const input = { ...pool, Limit: PAGE_SIZE, AttributesToGet: ['sub'], ...token }
      const { answer } = await call(
        context,
        (client, sdk, to) => client.send(new sdk.ListUsersCommand(input), to),
        signal,
        priority,
      )
      const { Users, PaginationToken } = parse(listUsersAnswer, answer, context)
      return { usernames: Users.map(user => user.Username), nextToken: PaginationToken ?? undefined }
    },
    async listUsersInGroup(groupName, nextToken, signal, priority) {
      const context: UserPoolCall = { operation: 'ListUsersInGroup', userPoolId, groupName }
      const input = { ...page(nextToken), GroupName: groupName }
      const { answer } = await call(
        context,
        (client, sdk, to) => client.send(new sdk.ListUsersInGroupCommand(input), to),
        signal,
        priority,
      )
      if (answer === MISSING) return undefined
      const { Users, NextToken } = parse(listUsersInGroupAnswer, answer, context)
      return { usernames: Users.map(user => user.Username), nextToken: NextToken ?? undefined }
    },
    async adminListGroupsForUser(username, nextToken, signal) {
      const context: UserPoolCall = { operation: 'AdminListGroupsForUser', userPoolId, username }
      const input = { ...page(nextToken), Username: username }
      const { answer } = await call(
        context,
        (client, sdk, to) => client.send(new sdk.AdminListGroupsForUserCommand(input), to),
        signal,
      )
      if (answer === MISSING) return undefined
      const { Groups, NextToken } = parse(listGroupsAnswer, answer, context)
      return { groups: Groups.map(toGroup), nextToken: NextToken ?? undefined }
    },
    async describeUserPool(signal) {
      const context: UserPoolCall = { operation: 'DescribeUserPool', userPoolId }
      const { answer } = await call(
        context,
        (client, sdk, to) => client.send(new sdk.DescribeUserPoolCommand(pool), to),
        signal,
      )
      const { Id, EstimatedNumberOfUsers } = parse(describeUserPoolAnswer, answer, context).UserPool
      if (Id != null && Id !== userPoolId)
        throw failure('malformed-answer', context, { value: Id, note: 'it is about another user pool' })
      return { estimatedUsers: EstimatedNumberOfUsers ?? undefined }
    },
  }
}

/** All groups of a pool. */
export interface Listing {
  readonly byName: ReadonlyMap<string, GroupAnswer>
  readonly pages: number
  /** The number of its first request. */
  readonly order: number
}

/** Reads all pages, one after the other: each has the token of the next. */
export async function listAllGroups(
  api: Pick<UserPoolApi, 'userPoolId' | 'listGroups'>,
  signal: AbortSignal,
): Promise<Listing> {
  const byName = new Map<string, GroupAnswer>()
  const refuseCircle = createCircleCheck({ operation: 'ListGroups', userPoolId: api.userPoolId })
  let pages = 0
  let first = Infinity
  let nextToken: string | undefined
  do {
    const { groups, fetchedAt, order, nextToken: next } = await api.listGroups(nextToken, signal)
    first = Math.min(first, order)
    for (const group of groups) byName.set(group.groupName, { group, fetchedAt, order })
    pages++
    refuseCircle(next)
    nextToken = next
  } while (nextToken !== undefined)
  return { byName, pages, order: first }
}

/** Reads all groups of one user; undefined where Cognito knows no such user. */
export async function listGroupsOfUser(
  api: Pick<UserPoolApi, 'userPoolId' | 'adminListGroupsForUser'>,
  username: string,
  signal: AbortSignal,
): Promise<readonly Group[] | undefined> {
  const groups: Group[] = []
  const refuseCircle = createCircleCheck({ operation: 'AdminListGroupsForUser', userPoolId: api.userPoolId, username })
  let nextToken: string | undefined
  do {
    const page = await api.adminListGroupsForUser(username, nextToken, signal)
    if (page === undefined) return undefined
    groups.push(...page.groups)
    refuseCircle(page.nextToken)
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return groups
}

/**
 * Refuses a token that was given out before: the pages would never end. It keeps one token, at each power of two a newer
 * one, and so finds a circle of any length (Brent's algorithm).
 */
export function createCircleCheck(context: UserPoolCall): (nextToken: string | undefined) => void {
  let kept: string | undefined
  let seen = 0
  let limit = 1
  return nextToken => {
    if (nextToken === undefined) return
    if (nextToken === kept) throw failure('malformed-answer', context, { note: 'its pages go round in a circle' })
    if (++seen < limit) return
    kept = nextToken
    limit *= 2
  }
}
