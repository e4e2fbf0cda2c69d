import { PAGE_SIZE, type UserPoolApi, createUserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import type { UserGroups } from '../../../src/group.js'

export interface VirtualUser extends UserGroups {
  readonly sub: string
}

export interface VirtualPool {
  readonly groups: readonly string[]
  readonly users: readonly VirtualUser[]
}

/** How a pool answers to the filter of ListUsers. `after the page`: each page has those that match of a page of all users. */
export type FilterMode = 'as Cognito' | 'ignored' | 'rejected' | 'nothing' | 'after the page'

export interface VirtualPoolOptions {
  readonly userPoolId: string
  readonly pool: VirtualPool
  /** Milliseconds. */
  readonly latency: number
  /** Calls a second of each quota. */
  readonly rates: { readonly ListUsers: number; readonly AdminListGroupsForUser: number }
  readonly filter?: FilterMode
  /** What DescribeUserPool says. Default: how many there are. */
  readonly estimatedUsers?: number
}

/** Counts of calls, by operation. ListUsers with a filter is counted as `ListUsers by sub`, too. */
export type CallCounts = Record<string, number>

/** The API of a pool that is in memory, and answers after the latency. */
export function virtualPool(options: VirtualPoolOptions): { readonly api: UserPoolApi; readonly calls: CallCounts } {
  const { userPoolId, pool, latency, rates, filter: mode = 'as Cognito' } = options
  const { groups, users } = pool
  const calls: CallCounts = {}
  const byName = new Map(users.map(user => [user.username, user]))
  const members = new Map(groups.map(name => [name, users.filter(user => user.groups.includes(name))]))
  function paged<T>(all: readonly T[], token: unknown) {
    const start = Number(token ?? 0)
    const next = start + PAGE_SIZE < all.length ? String(start + PAGE_SIZE) : undefined
    return { page: all.slice(start, start + PAGE_SIZE), next }
  }
  const toUsers = (found: readonly VirtualUser[]) =>
    found.map(({ username, sub }) => ({
      Username: username,
      Enabled: true,
      UserStatus: 'CONFIRMED',
      Attributes: [{ Name: 'sub', Value: sub }],
    }))
  const toGroups = (names: readonly string[]) => names.map(GroupName => ({ GroupName }))

  function listUsers(filter: unknown, token: unknown) {
    const digit = typeof filter === 'string' ? /^sub \^= "(.)"$/.exec(filter)![1]! : ''
    if (digit !== '') calls['ListUsers by sub'] = (calls['ListUsers by sub'] ?? 0) + 1
    if (digit !== '' && mode === 'rejected') throw rejection()
    const matches = (user: VirtualUser) => user.sub.startsWith(digit)
    if (mode === 'after the page') {
      const { page, next } = paged(users, token)
      return { Users: toUsers(page.filter(matches)), PaginationToken: next }
    }
    const all = digit === '' || mode === 'ignored' ? users : mode === 'nothing' ? [] : users.filter(matches)
    const { page, next } = paged(all, token)
    return { Users: toUsers(page), PaginationToken: next }
  }

  const answer: Readonly<Record<string, (input: Record<string, unknown>) => object>> = {
    DescribeUserPoolCommand: () => ({
      UserPool: { Id: userPoolId, EstimatedNumberOfUsers: options.estimatedUsers ?? users.length },
    }),
    ListGroupsCommand(input) {
      const { page, next } = paged(groups, input['NextToken'])
      return { Groups: toGroups(page), NextToken: next }
    },
    ListUsersCommand: input => listUsers(input['Filter'], input['PaginationToken']),
    ListUsersInGroupCommand(input) {
      const { page, next } = paged(members.get(input['GroupName'] as string)!, input['NextToken'])
      return { Users: toUsers(page), NextToken: next }
    },
    AdminListGroupsForUserCommand(input) {
      const { page, next } = paged(byName.get(input['Username'] as string)!.groups, input['NextToken'])
      return { Groups: toGroups(page), NextToken: next }
    },
  }

  async function send(command: { readonly input: object }): Promise<object> {
    const operation = command.constructor.name.replace(/Command$/, '')
    calls[operation] = (calls[operation] ?? 0) + 1
    await new Promise(resolve => setTimeout(resolve, latency))
    return answer[`${operation}Command`]!(command.input as Record<string, unknown>)
  }

  const api = createUserPoolApi({
    userPoolId,
    client: { send },
    clock: Date.now,
    onCall() {},
    requestsPerSecond: 5,
    rates,
  })
  return { api, calls }
}

function rejection(): Error {
  return Object.assign(new Error('Error while parsing filter.'), {
    name: 'InvalidParameterException',
    $metadata: { httpStatusCode: 400 },
  })
}

/** So many users with a `sub` each, spread over its first digits, and in one group each. */
export function oneGroupEach(users: number, groups: number, subOf: (username: string) => string): VirtualPool {
  const groupNames = Array.from({ length: groups }, (_, g) => `group-${g}`)
  return {
    groups: groupNames,
    users: Array.from({ length: users }, (_, u) => {
      const username = `user-${u}`
      return { username, sub: subOf(username), groups: groups === 0 ? [] : [groupNames[(u * 7) % groups]!] }
    }),
  }
}
