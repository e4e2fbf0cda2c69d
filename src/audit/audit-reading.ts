/** Where the groups and users of an audit come from, and when they were read. What nothing says is an absent key. */
export interface AuditReading {
  readonly source: 'cognito' | 'files'
  readonly userPoolId?: string | undefined
  /** The name of the pool. */
  readonly poolName?: string | undefined
  /** Of 12 digits. */
  readonly account?: string | undefined
  readonly region?: string | undefined
  /** ISO 8601, in UTC. Of a reading that was resumed: when its first page was read. */
  readonly startedAt?: string | undefined
  /** ISO 8601, in UTC: when its last page was read. */
  readonly endedAt?: string | undefined
  readonly strategy?: 'per-group' | 'per-user' | undefined
  /** The attributes that were asked for. */
  readonly attributes?: readonly string[] | undefined
  /** How many users the pool has, as Cognito estimated it when the reading began. */
  readonly estimatedUsers?: number | undefined
}

/** Whether the list of users looks cut short. Cognito's estimate may be off, but not by half. */
export function isCutShort(users: number, estimatedUsers: number | undefined): boolean {
  return estimatedUsers !== undefined && estimatedUsers >= 100 && users < estimatedUsers / 2
}
