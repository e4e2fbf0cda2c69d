import { auditPool } from '../src/cognito/index.js'
import { startCognitoEndpoint, endpointClient } from '../test/cognito/cognito-endpoint.js'

const USERS = { 'per-group': 24_000, 'per-user': 2_000 } as const
const GROUPS = 20
const LATENCY = 100
const QUOTA = { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 } as const

/** What an audit of a pool over the network takes. */
export interface OnlineAudit {
  readonly name: string
  readonly seconds: number
  readonly calls: number
  /** Divided by the minimum: the calls divided by the quota that they share. */
  readonly ratio: number
}

/**
 * How long does an audit of a pool take at 100 ms a call and Cognito's own quotas, with one group a user, against the calls
 * over the quota? By the clock: nearly all of it is waiting.
 */
export async function benchAuditOnline(): Promise<readonly OnlineAudit[]> {
  const rows: OnlineAudit[] = []
  for (const strategy of ['per-group', 'per-user'] as const) {
    const users = Array.from({ length: USERS[strategy] }, (_, u) => ({
      username: `user-${u}`,
      groups: [`g${u % GROUPS}`],
    }))
    await using endpoint = await startCognitoEndpoint({
      userPoolId: 'eu-west-1_Ab12Cd34e',
      groups: Array.from({ length: GROUPS }, (_, g) => ({ groupName: `g${g}` })),
      users,
      latency: LATENCY,
      quota: QUOTA,
    })
    const client = endpointClient(endpoint, { maxAttempts: 1 })
    const begin = performance.now()
    const found = new Set<string>()
    for await (const user of auditPool({ userPoolId: endpoint.userPoolId, client, strategy })) found.add(user.username)
    const seconds = (performance.now() - begin) / 1_000
    client.destroy()
    if (found.size !== users.length) throw new Error(`${found.size} users of ${users.length}`)
    const count = (...operations: readonly string[]) =>
      endpoint.requests.filter(({ operation }) => operations.includes(operation)).length
    const least = Math.max(
      count('ListUsers', 'ListUsersInGroup') / QUOTA.ListUsers,
      count('AdminListGroupsForUser') / QUOTA.AdminListGroupsForUser,
    )
    rows.push({
      name: `${users.length} users, ${strategy}`,
      seconds,
      calls: endpoint.requests.length,
      ratio: seconds / least,
    })
  }
  return rows
}
