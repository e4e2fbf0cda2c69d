/**
 * A user-pool group, reduced to what decides a role.
 *
 * A missing, `undefined` or `null` precedence is one and the same: the group has none. So is a missing, `undefined`,
 * `null` or empty `roleArn` (two emulators return `""`).
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html
 */
export interface Group {
  /** 1 to 128 letters, marks, symbols, numbers or punctuation; no white space. Commas and `__proto__` are legal. */
  readonly groupName: string
  /** An integer in 0 .. 2^31-1. Lower ranks higher; 0 is the highest rank, not "unset". */
  readonly precedence?: number | null | undefined
  /** The IAM role that members of the group may get. */
  readonly roleArn?: string | null | undefined
}

/** A user, and the names of the user's groups. */
export interface UserGroups {
  /** The username in the pool. */
  readonly username: string
  /** The names of the user's groups. */
  readonly groups: readonly string[]
}

/** The largest precedence that Cognito accepts. */
export const MAX_PRECEDENCE = 2_147_483_647

/** The rank of a group without a precedence: below every number. */
export const UNRANKED = MAX_PRECEDENCE + 1

/** The rank of a group. A lower number ranks higher. */
export function rankOf({ precedence }: Pick<Group, 'precedence'>): number {
  return precedence ?? UNRANKED
}

/**
 * In ASCII, that is every character but spaces and control characters. Checking that first spares most processes this
 * pattern.
 */
const GROUP_NAME = /^[\p{L}\p{M}\p{S}\p{N}\p{P}]{1,128}$/u

/**
 * Whether Cognito could have a group with this name. If not, there is no need to look it up.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html
 * @example
 * import { isGroupName } from 'rolecast'
 *
 * console.log(isGroupName('admins'), isGroupName('two words')) // true false
 */
export function isGroupName(value: unknown): value is string {
  return typeof value === 'string' && (/^[!-~]{1,128}$/.test(value) || GROUP_NAME.test(value))
}

/**
 * Whether this is a precedence that Cognito accepts.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html
 * @example
 * import { isPrecedence, MAX_PRECEDENCE } from 'rolecast'
 *
 * console.log(isPrecedence(0), isPrecedence(MAX_PRECEDENCE + 1)) // true false
 */
export function isPrecedence(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_PRECEDENCE
}
