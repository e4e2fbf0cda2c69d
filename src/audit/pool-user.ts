import type { UserGroups } from '../group.js'

/** What a pool says about a user in addition to the groups. An unknown value is an absent key. */
export interface UserDetails {
  /** The user's id in the pool, which never changes. */
  readonly sub?: string | undefined
  /** False for a user who cannot sign in. */
  readonly enabled?: boolean | undefined
  /**
   * `UserStatus`, as Cognito gives it.
   *
   * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UserType.html
   */
  readonly status?: string | undefined
  /** Those that were asked for by name and that the user has. */
  readonly attributes?: Readonly<Record<string, string>> | undefined
}

/** A user of a pool. */
export interface PoolUser extends UserGroups, UserDetails {}
