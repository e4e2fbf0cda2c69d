import { quote } from '../../errors.js'
import type { Group } from '../../group.js'
import { MAX_GROUPS_PER_POOL } from '../../quotas.js'
import type { Mutable } from '../../record.js'
import { type CallContext, failure, type UserPoolCall } from './api-error.js'
import {
  creationOf,
  describeUserPoolResponse,
  getGroupResponse,
  listGroupsResponse,
  listUsersResponse,
  listUsersInGroupResponse,
  toGroup,
  type UserType,
} from './responses.js'
import type { Lanes } from './rate-limiter.js'
import { createUserPoolCalls, MISSING, parse, type RequestStamp, type UserPoolCallOptions } from './user-pool-call.js'

export type { CognitoClient } from './connection-options.js'

/** Cognito's response about one group. */
export interface GroupResponse extends RequestStamp {
  /** Milliseconds for which it is fresh, if not the usual time. */
  readonly freshFor?: number
  /** Undefined if the group does not exist. */
  readonly group: Group | undefined
}

interface GroupPage {
  readonly groups: readonly Group[]
  /** Absent on the last page. A page may be empty and not the last. */
  readonly nextToken: string | undefined
}

/** A page of ListGroups, which says of two groups of one name whether they are the same. */
interface CreatedGroupPage extends GroupPage {
  /** Milliseconds since the epoch, by name. Some emulators do not say it. */
  readonly createdAt: ReadonlyMap<string, number>
}

/** What ListUsers says of a user. What the response does not have is an absent key. */
export interface ListedDetails {
  readonly sub?: string | undefined
  readonly enabled?: boolean | undefined
  readonly status?: string | undefined
  /** One for each attribute that was asked for, in that order; null where the user does not have it. */
  readonly values?: readonly (string | null)[] | undefined
}

export interface ListedUser extends ListedDetails {
  /** As in Cognito: any text. */
  readonly username: string
}

interface ListedPage {
  readonly users: readonly ListedUser[]
  /** Absent on the last page. A page may be empty and not the last. */
  readonly nextToken: string | undefined
}

interface UserPage {
  /** As in Cognito: any text. */
  readonly usernames: readonly string[]
  /** Absent on the last page. A page may be empty and not the last. */
  readonly nextToken: string | undefined
}

export interface UserPoolApi {
  readonly userPoolId: string
  /** Milliseconds for one call. */
  readonly timeout: number
  /** The number of the last request that was sent. */
  lastOrder(): number
  /** How many calls of GetGroup or ListGroups would be sent immediately. */
  freeCalls(): number
  /** `lanes`: of the callers that wait for the group. */
  getGroup(groupName: string, signal: AbortSignal, lanes?: Lanes): Promise<GroupResponse>
  listGroups(nextToken: string | undefined, signal: AbortSignal): Promise<CreatedGroupPage & RequestStamp>
  /**
   * ListUsers and ListUsersInGroup share a quota: of those that wait, the one with the highest priority (default 0) is
   * next.
   *
   * @param filter such as `filterOn('username', '=', name)`
   */
  listUsers(
    paginationToken: string | undefined,
    signal: AbortSignal,
    priority?: number,
    filter?: string,
  ): Promise<ListedPage>
  /** Undefined if the group does not exist. */
  listUsersInGroup(
    groupName: string,
    nextToken: string | undefined,
    signal: AbortSignal,
    priority?: number,
  ): Promise<UserPage | undefined>
  /** Undefined if the user does not exist. The order of the groups is undocumented. */
  adminListGroupsForUser(
    username: string,
    nextToken: string | undefined,
    signal: AbortSignal,
  ): Promise<GroupPage | undefined>
  describeUserPool(signal: AbortSignal): Promise<PoolDescription>
}

/** What Cognito returns about a pool. */
export interface PoolDescription {
  /** Cognito's own estimate, which may be off. */
  readonly estimatedUsers: number | undefined
  readonly name: string | undefined
  /** From the ARN. */
  readonly account: string | undefined
  /** From the ARN. */
  readonly region: string | undefined
}

export interface UserPoolApiOptions extends UserPoolCallOptions {
  /** Attributes that ListUsers is asked for, in addition to `sub`. */
  readonly attributes?: readonly string[] | undefined
}

/** The maximum number of groups or users in one response, and the number that is requested. */
export const PAGE_SIZE = 60

/**
 * The calls that rolecast makes to one user pool: rate-limited, with a timeout, parsed, and failing with a
 * RolecastError only.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetGroup.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListGroups.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsersInGroup.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminListGroupsForUser.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_DescribeUserPool.html
 */
export function createUserPoolApi(options: UserPoolApiOptions): UserPoolApi {
  const { userPoolId, attributes = [] } = options
  const { timeout, call, lastOrder, free } = createUserPoolCalls(options)
  const pool = { UserPoolId: userPoolId }
  const page = (nextToken: string | undefined) => ({
    ...pool,
    Limit: PAGE_SIZE,
    ...(nextToken !== undefined && { NextToken: nextToken }),
  })

  return {
    userPoolId,
    timeout,
    lastOrder,
    freeCalls: () => free('ListGroups'),
    async getGroup(groupName, signal, lanes) {
      const context: UserPoolCall = { operation: 'GetGroup', userPoolId, groupName }
      const input = { ...pool, GroupName: groupName }
      const { response, stamp } = await call(context, input, signal, undefined, lanes)
      if (response === MISSING) return { group: undefined, ...stamp }
      const { Group: found } = parse(getGroupResponse, response, context)
      if (found.GroupName !== groupName) {
        throw failure('malformed-response', context, { value: found.GroupName, note: 'it is about another group' })
      }
      checkPool(found, context)
      return { group: toGroup(found), ...stamp }
    },
    async listGroups(nextToken, signal) {
      const context: UserPoolCall = { operation: 'ListGroups', userPoolId }
      const input = page(nextToken)
      const { response, stamp } = await call(context, input, signal)
      const { Groups, NextToken } = parsePage(response, context)
      const createdAt = new Map<string, number>()
      for (const group of Groups) {
        const created = creationOf(group)
        if (created !== undefined) createdAt.set(group.GroupName, created)
      }
      return { groups: Groups.map(toGroup), createdAt, nextToken: NextToken ?? undefined, ...stamp }
    },
    async listUsers(paginationToken, signal, priority, filter) {
      const context: UserPoolCall = { operation: 'ListUsers', userPoolId }
      const input = {
        ...pool,
        Limit: PAGE_SIZE,
        AttributesToGet: ['sub', ...attributes],
        ...(paginationToken !== undefined && { PaginationToken: paginationToken }),
        ...(filter !== undefined && { Filter: filter }),
      }
      const { response } = await call(context, input, signal, priority)
      const { Users, PaginationToken } = parse(listUsersResponse, response, context)
      return {
        users: Users.map(user => toListedUser(user, attributes, context)),
        nextToken: PaginationToken ?? undefined,
      }
    },
    async listUsersInGroup(groupName, nextToken, signal, priority) {
      const context: UserPoolCall = { operation: 'ListUsersInGroup', userPoolId, groupName }
      const input = { ...page(nextToken), GroupName: groupName }
      const { response } = await call(context, input, signal, priority)
      if (response === MISSING) return undefined
      const { Users, NextToken } = parse(listUsersInGroupResponse, response, context)
      return { usernames: Users.map(user => user.Username), nextToken: NextToken ?? undefined }
    },
    async adminListGroupsForUser(username, nextToken, signal) {
      const context: UserPoolCall = { operation: 'AdminListGroupsForUser', userPoolId, username }
      const input = { ...page(nextToken), Username: username }
      const { response } = await call(context, input, signal)
      if (response === MISSING) return undefined
      const { Groups, NextToken } = parsePage(response, context)
      return { groups: Groups.map(toGroup), nextToken: NextToken ?? undefined }
    },
    async describeUserPool(signal) {
      const context: UserPoolCall = { operation: 'DescribeUserPool', userPoolId }
      const { response } = await call(context, pool, signal)
      const { Id, Name, Arn, EstimatedNumberOfUsers } = parse(describeUserPoolResponse, response, context).UserPool
      if (Id != null && Id !== userPoolId)
        throw failure('malformed-response', context, { value: Id, note: 'it is about another user pool' })
      // An emulator may have something else in place of an ARN.
      const [, region, account] = POOL_ARN.exec(Arn ?? '') ?? []
      return { estimatedUsers: EstimatedNumberOfUsers ?? undefined, name: Name || undefined, account, region }
    },
  }
}

const POOL_ARN = /^arn:aws[a-z-]{0,20}:cognito-idp:([a-z0-9-]{1,32}):(\d{12}):userpool\//

/** A filter of ListUsers. Quotation marks and backslashes in the value are escaped. */
export function filterOn(attribute: 'username' | 'sub', comparison: '=' | '^=', value: string): string {
  return `${attribute} ${comparison} "${value.replaceAll(/["\\]/g, '\\$&')}"`
}

/** The maximum length of a filter, as in the API. */
export const MAX_FILTER = 256

/** Only the attributes that were asked for: some emulators return all. */
function toListedUser(user: UserType, attributes: readonly string[], context: UserPoolCall): ListedUser {
  const values = new Map<string, string>()
  for (const { Name, Value } of user.Attributes ?? []) {
    if (Value == null) continue
    if ((values.get(Name) ?? Value) !== Value)
      throw failure('malformed-response', context, {
        value: user.Username,
        note: `user ${quote(user.Username)} has the attribute ${quote(Name)} twice, with different values`,
      })
    values.set(Name, Value)
  }
  const listed: Mutable<ListedUser> = { username: user.Username }
  const sub = values.get('sub')
  if (sub) listed.sub = sub
  if (user.Enabled != null) listed.enabled = user.Enabled
  if (user.UserStatus) listed.status = user.UserStatus
  if (attributes.length > 0) listed.values = attributes.map(name => values.get(name) ?? null)
  return listed
}

/** A page of groups, each of this pool and none twice with different contents. */
export function parsePage(response: unknown, context: UserPoolCall) {
  const page = parse(listGroupsResponse, response, context)
  const seen = new Map<string, Group>()
  for (const one of page.Groups) {
    checkPool(one, context)
    const group = toGroup(one)
    const other = seen.get(group.groupName)
    if (other !== undefined && (other.precedence !== group.precedence || other.roleArn !== group.roleArn))
      throw failure('malformed-response', context, {
        value: group.groupName,
        note: `group ${quote(group.groupName)} comes twice, with different contents`,
      })
    seen.set(group.groupName, group)
  }
  return page
}

/** Some emulators do not say the pool. */
function checkPool({ UserPoolId }: { readonly UserPoolId?: string | null | undefined }, context: UserPoolCall): void {
  if (UserPoolId == null || UserPoolId === '' || UserPoolId === context.userPoolId) return
  throw failure('malformed-response', context, { value: UserPoolId, note: 'it is about another user pool' })
}

/** The groups of a pool: all, or those of its first page. */
export interface Listing {
  /** Whether these are all. */
  readonly isWhole: boolean
  readonly byName: ReadonlyMap<string, GroupResponse>
  /** When each group was created, in milliseconds since the epoch, where Cognito says it. */
  readonly createdAt: ReadonlyMap<string, number>
  readonly pages: number
  /** When its first request was sent: a group that it lacks did not exist then, or was missed between two pages. */
  readonly first: RequestStamp
}

/** Reads all pages one after the other, because each has the token of the next, or a limited number of them. */
export async function listGroupsOfPool(
  api: Pick<UserPoolApi, 'userPoolId' | 'listGroups'>,
  signal: AbortSignal,
  maxPages = Infinity,
): Promise<Listing> {
  const byName = new Map<string, GroupResponse>()
  const createdAt = new Map<string, number>()
  const checkToken = createPaginationGuard({ operation: 'ListGroups', userPoolId: api.userPoolId })
  let pages = 0
  let first: RequestStamp | undefined
  let nextToken: string | undefined
  do {
    const { groups, createdAt: created, fetchedAt, order, nextToken: next } = await api.listGroups(nextToken, signal)
    first ??= { fetchedAt, order }
    for (const group of groups) byName.set(group.groupName, { group, fetchedAt, order })
    for (const [groupName, time] of created) createdAt.set(groupName, time)
    pages++
    checkToken(next)
    nextToken = next
  } while (nextToken !== undefined && pages < maxPages)
  return { isWhole: nextToken === undefined, byName, createdAt, pages, first }
}

/** Reads all groups of one user. Undefined if the user does not exist. */
export async function listGroupsOfUser(
  api: Pick<UserPoolApi, 'userPoolId' | 'adminListGroupsForUser'>,
  username: string,
  signal: AbortSignal,
): Promise<readonly Group[] | undefined> {
  const groups: Group[] = []
  const checkToken = createPaginationGuard({
    operation: 'AdminListGroupsForUser',
    userPoolId: api.userPoolId,
    username,
  })
  let nextToken: string | undefined
  do {
    const page = await api.adminListGroupsForUser(username, nextToken, signal)
    if (page === undefined) return undefined
    for (const group of page.groups) groups.push(group)
    if (groups.length > MAX_GROUPS_PER_POOL)
      throw failure(
        'malformed-response',
        { operation: 'AdminListGroupsForUser', userPoolId: api.userPoolId, username },
        { note: `it has more than ${MAX_GROUPS_PER_POOL} groups, the most that a user pool can have` },
      )
    checkToken(page.nextToken)
    nextToken = page.nextToken
  } while (nextToken !== undefined)
  return groups
}

/**
 * Makes a check that throws for a token that came before: the pages would never end. It remembers one token, replaced at
 * each power of two, and so finds a cycle of any length (Brent's algorithm).
 */
export function createPaginationGuard(context: CallContext): (nextToken: string | undefined) => void {
  let remembered: string | undefined
  let seen = 0
  let limit = 1
  return nextToken => {
    if (nextToken === undefined) return
    if (nextToken === remembered)
      throw failure('malformed-response', context, { note: 'a pagination token was repeated' })
    if (++seen < limit) return
    remembered = nextToken
    limit *= 2
  }
}
