/** Where the groups and users of an audit come from, and when they were read. An unknown value is an absent key. */
export interface AuditReading {
  /** `cognito`: read from Cognito. `files`: read from files. */
  readonly source: 'cognito' | 'files'
  /** The user pool, for example `eu-west-1_Ab12Cd34e`. */
  readonly userPoolId?: string | undefined
  /** The name of the pool. */
  readonly poolName?: string | undefined
  /** Of 12 digits. */
  readonly account?: string | undefined
  /** The AWS Region of the pool. */
  readonly region?: string | undefined
  /** ISO 8601, in UTC. Of a reading that was resumed: when its first page was read. */
  readonly startedAt?: string | undefined
  /** ISO 8601, in UTC: when its last page was read. */
  readonly endedAt?: string | undefined
  /** How the memberships were read: the users of each group, or the groups of each user. */
  readonly strategy?: 'per-group' | 'per-user' | undefined
  /** The attributes that were asked for. */
  readonly attributes?: readonly string[] | undefined
  /** Cognito's estimate of the number of users when the reading began. */
  readonly estimatedUsers?: number | undefined
}

/** Whether the list of users looks cut short. Cognito's estimate may be off, but not by half. */
export function isCutShort(users: number, estimatedUsers: number | undefined): boolean {
  return estimatedUsers !== undefined && estimatedUsers >= 100 && users < estimatedUsers / 2
}
