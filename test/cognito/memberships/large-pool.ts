import type { UserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import { readPool } from '../../../src/cognito/memberships/read-pool.js'

export interface PoolShape {
  readonly users: number
  readonly groups: number
  /** How many groups each is in. */
  readonly perUser: number
  /** Whether users have an attribute besides `sub`. */
  readonly withEmails?: boolean
}

const PAGE = 60
const username = (user: number) => `user-${user.toString().padStart(8, '0')}@example.com`

/** As ListUsers has it: the `sub` is a UUID that is not the name. */
const detailsOf = (user: number, withEmails: boolean) => ({
  username: username(user),
  ...(withEmails && { values: [`mail-${username(user)}`] }),
  sub: `00000000-0000-4000-8000-${user.toString(16).padStart(12, '0')}`,
  enabled: user % 10 !== 0,
  status: user % 100 === 0 ? 'FORCE_CHANGE_PASSWORD' : 'CONFIRMED',
})

/** A pool of any size that is nowhere: each page is made when it is asked for. */
export function largePool({ users, groups, perUser, withEmails = false }: PoolShape): UserPoolApi {
  const isMember = (user: number, group: number) =>
    (group - user + groups * Math.ceil(users / groups + 1)) % groups < perUser
  const groupOf = (group: number) => ({
    groupName: `group-${group}`,
    precedence: group,
    roleArn: `arn:aws:iam::111122223333:role/R${group}`,
  })
  function* membersFrom(group: number, start: number) {
    for (let user = start; user < users; user++) if (isMember(user, group)) yield user
  }
  return {
    userPoolId: 'eu-west-1_Large',
    timeout: 1_000,
    lastOrder: () => 0,
    freeCalls: () => 5,
    async getGroup() {
      throw new Error('nobody asks for one')
    },
    async listGroups(token) {
      const start = Number(token ?? 0)
      const end = Math.min(start + PAGE, groups)
      const page = Array.from({ length: end - start }, (_, index) => groupOf(start + index))
      const createdAt = new Map<string, number>()
      return { groups: page, createdAt, nextToken: end < groups ? String(end) : undefined, fetchedAt: 0, order: 1 }
    },
    async listUsers(token) {
      const start = Number(token ?? 0)
      const end = Math.min(start + PAGE, users)
      return {
        users: Array.from({ length: end - start }, (_, index) => detailsOf(start + index, withEmails)),
        nextToken: end < users ? String(end) : undefined,
      }
    },
    async listUsersInGroup(groupName, token) {
      const found: number[] = []
      for (const user of membersFrom(Number(groupName.slice('group-'.length)), Number(token ?? 0))) {
        if (found.length === PAGE) return { usernames: found.map(username), nextToken: String(user) }
        found.push(user)
      }
      return { usernames: found.map(username), nextToken: undefined }
    },
    async adminListGroupsForUser(name) {
      const user = Number(name.slice('user-'.length, 'user-'.length + 8))
      return {
        groups: Array.from({ length: groups }, (_, group) => group)
          .filter(group => isMember(user, group))
          .map(groupOf),
        nextToken: undefined,
      }
    },
    async describeUserPool() {
      return { estimatedUsers: users, name: 'Large', account: '111122223333', region: 'eu-west-1' }
    },
  }
}

// Run as a program: reads one, and says what it took. `as-objects`: keeps them besides as one would in an afternoon.
const [, program, users, variant] = process.argv
const asObjects = variant === 'as-objects'
const withEmails = variant === 'with-emails'
if (program?.endsWith('large-pool.ts') && users !== undefined) {
  const reading = await readPool({
    api: largePool({ users: Number(users), groups: 100, perUser: 5, withEmails }),
    rates: { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 },
    strategy: 'per-group',
    membershipsPerUser: 5,
    attributes: withEmails ? ['email'] : [],
    now: Date.now,
    signal: new AbortController().signal,
    onEvent() {},
    retryDelay: 1,
  })
  const kept = new Map<string, ReadonlySet<string>>()
  let [seen, memberships] = [0, 0]
  for (const user of reading.users()) {
    seen++
    memberships += user.groups.length
    if (asObjects) kept.set(user.username, new Set(user.groups))
  }
  console.log(JSON.stringify({ seen, memberships, kept: kept.size, megabytes: process.resourceUsage().maxRSS / 1024 }))
}
