import type {
  AdminListGroupsForUserCommand,
  DescribeUserPoolCommand,
  GetGroupCommand,
  ListGroupsCommand,
  ListUsersCommand,
  ListUsersInGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider'
import { quote, RolecastError } from '../../errors.js'

interface SendOptions {
  abortSignal?: AbortSignal
}

/** What rolecast needs of `CognitoIdentityProviderClient` to read groups: a `send` that takes the two read commands. */
export interface CognitoClient {
  send(command: GetGroupCommand, options?: SendOptions): Promise<unknown>
  send(command: ListGroupsCommand, options?: SendOptions): Promise<unknown>
}

/** What it needs to read users and their groups too. */
export type AuditClient = CognitoClient & {
  send(command: ListUsersCommand, options?: SendOptions): Promise<unknown>
  send(command: ListUsersInGroupCommand, options?: SendOptions): Promise<unknown>
  send(command: AdminListGroupsForUserCommand, options?: SendOptions): Promise<unknown>
  send(command: DescribeUserPoolCommand, options?: SendOptions): Promise<unknown>
}

/** How to reach Cognito, and how hard. */
export interface ConnectionOptions<Client extends CognitoClient = CognitoClient> {
  /** A `CognitoIdentityProviderClient`, or anything with its `send`. Without it one is made, by the first call. */
  readonly client?: Client | undefined
  /** Default: the part of the user pool id before the underscore. Ignored with a `client`. */
  readonly region?: string | undefined
  /** Another address of Cognito, for example an emulator's. Ignored with a `client`. */
  readonly endpoint?: string | undefined
  /** A profile of the AWS configuration files. Ignored with a `client`. */
  readonly profile?: string | undefined
  /** Milliseconds for one call, the SDK's retries included, the wait for its turn excluded. Default 5 000. */
  readonly timeout?: number | undefined
  /**
   * Calls a second at most, GetGroup and ListGroups together; above one it is rounded down. Default 5: what Cognito grants
   * one user pool.
   */
  readonly requestsPerSecond?: number | undefined
  /** Calls under way at once at most, for each quota. Default 5, and 20 for the calls that only an audit makes. */
  readonly concurrency?: number | undefined
}

/**
 * Calls a second at most, for the quotas that only an audit uses. The defaults are what Cognito grants an account in a
 * Region, of which other programs may need a part: give less, or more where AWS has raised the quota.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export interface AuditRates {
  /** ListUsers and ListUsersInGroup together. Default 30. */
  readonly ListUsers?: number | undefined
  /** Default 50. */
  readonly AdminListGroupsForUser?: number | undefined
  /** Default 5. */
  readonly DescribeUserPool?: number | undefined
}

/** Timers of Node fire at once above this many milliseconds. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** The number an option has, or its default; refused where it makes no sense. */
export function amount<K extends string>(
  options: Readonly<Partial<Record<K, unknown>>>,
  name: K,
  fallback: number,
  least: number,
  most = Infinity,
): number {
  const value = options[name] ?? fallback
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new RolecastError(
    'invalid-option',
    `\`${name}\` is ${quote(value)}; give a number of at least ${least}${most === Infinity ? '' : ` and at most ${most}`}`,
    {
      value,
    },
  )
}
