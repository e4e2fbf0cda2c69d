import type {
  AdminListGroupsForUserCommand,
  DescribeUserPoolCommand,
  GetGroupCommand,
  ListGroupsCommand,
  ListUsersCommand,
  ListUsersInGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider'
import { quote, quoteNumber, RolecastError } from '../../errors.js'

/** The options of one call, as the SDK's clients take them. */
export interface SendOptions {
  /**
   * Aborts the call.
   *
   * @default none
   */
  abortSignal?: AbortSignal
}

/** The part of `CognitoIdentityProviderClient` that reading groups needs: a `send` that takes the two commands. */
export interface CognitoClient {
  /** Sends GetGroup. */
  send(command: GetGroupCommand, options?: SendOptions): Promise<unknown>
  /** Sends ListGroups. */
  send(command: ListGroupsCommand, options?: SendOptions): Promise<unknown>
}

/** The part that reading users and their groups needs. */
export type AuditClient = CognitoClient & {
  /** Sends ListUsers. */
  send(command: ListUsersCommand, options?: SendOptions): Promise<unknown>
  /** Sends ListUsersInGroup. */
  send(command: ListUsersInGroupCommand, options?: SendOptions): Promise<unknown>
  /** Sends AdminListGroupsForUser. */
  send(command: AdminListGroupsForUserCommand, options?: SendOptions): Promise<unknown>
  /** Sends DescribeUserPool. */
  send(command: DescribeUserPoolCommand, options?: SendOptions): Promise<unknown>
}

/** A page of a listing. */
export interface PageInput {
  /** The user pool. */
  UserPoolId: string
  /** The maximum number of entries of the page. */
  Limit?: number
  /** Where the page begins; absent for the first page. */
  NextToken?: string
}

/**
 * A client that brings its own operations, as `CognitoIdentityProvider` of the SDK and `createLightClient` do. rolecast
 * then never loads the SDK. Each takes the input of the API and resolves to its response, with dates as `Date`, or
 * rejects with an error that has the exception's `name`, as those of the SDK do.
 *
 * A source of groups needs `getGroup`, and reads many groups faster with `listGroups`.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetGroup.html
 */
export interface CognitoOperations {
  /** GetGroup: one group. */
  getGroup?(input: { UserPoolId: string; GroupName: string }, options?: SendOptions): Promise<unknown>
  /** ListGroups: a page of the pool's groups. */
  listGroups?(input: PageInput, options?: SendOptions): Promise<unknown>
  /** AdminListGroupsForUser: a page of a user's groups. */
  adminListGroupsForUser?(input: PageInput & { Username: string }, options?: SendOptions): Promise<unknown>
}

/** How to reach Cognito, and how hard. */
export interface ConnectionOptions<
  Client extends CognitoClient | CognitoOperations = CognitoClient | CognitoOperations,
> {
  /**
   * A `CognitoIdentityProviderClient`, or anything with its `send`, or with operations of its own, such as
   * `createLightClient()`. Without it, the first call creates a client of the SDK.
   *
   * @default a client of the SDK
   */
  readonly client?: Client | undefined
  /**
   * The AWS Region. Ignored with a `client`.
   *
   * @default the part of the user pool id before the underscore; where it has none, as that of an emulator, AWS_REGION,
   * else AWS_DEFAULT_REGION, else the region of the profile
   */
  readonly region?: string | undefined
  /**
   * Another address of Cognito, for example an emulator's. Ignored with a `client`.
   *
   * @default Cognito's address in the Region, or as the SDK finds it
   */
  readonly endpoint?: string | undefined
  /**
   * A profile of the AWS configuration files. Ignored with a `client`.
   *
   * @default as the SDK finds it
   */
  readonly profile?: string | undefined
  /**
   * Milliseconds for one call, including the SDK's retries and excluding the wait for its turn.
   *
   * @default 5_000; 2_500 for a source of groups, which is less than a guard waits
   */
  readonly timeout?: number | undefined
  /**
   * Maximum calls a second, GetGroup and ListGroups together. Above 1 it is rounded down.
   *
   * @default 5, Cognito's quota for one user pool
   */
  readonly requestsPerSecond?: number | undefined
  /**
   * Maximum concurrent calls for each quota.
   *
   * @default 5, and 20 for the calls that only an audit makes
   */
  readonly concurrency?: number | undefined
}

/**
 * Maximum calls a second for the quotas that only an audit uses. The defaults are Cognito's quotas for an account in a
 * Region. Set less if other programs need a part of them, more if AWS has raised them for your account.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export interface AuditRates {
  /**
   * ListUsers and ListUsersInGroup together.
   *
   * @default 30
   */
  readonly ListUsers?: number | undefined
  /**
   * AdminListGroupsForUser.
   *
   * @default 50
   */
  readonly AdminListGroupsForUser?: number | undefined
  /**
   * DescribeUserPool.
   *
   * @default 5
   */
  readonly DescribeUserPool?: number | undefined
}

/** Node's timers fire immediately if they are set to more milliseconds than this. */
export const MAX_TIMER = 2 ** 31 - 1

interface NumberRange {
  readonly default: number
  readonly min: number
  readonly max?: number
  readonly integer?: boolean
}

/**
 * The number in an option, or its default if the option is absent or undefined.
 *
 * @throws RolecastError `invalid-option` for anything that is not a number from `min` to `max`
 */
export function numberOption<K extends string>(
  options: Readonly<Partial<Record<K, unknown>>>,
  name: K,
  { default: fallback, min, max = Infinity, integer = false }: NumberRange,
): number {
  const value = options[name] === undefined ? fallback : options[name]
  if (typeof value === 'number' && value >= min && value <= max && (!integer || Number.isInteger(value))) return value
  const bound = max === Infinity ? '' : ` and at most ${max}`
  throw new RolecastError(
    'invalid-option',
    `${quote(name)} is ${quoteNumber(value)}; give ${integer ? 'an integer' : 'a number'} of at least ${min}${bound}`,
    { value },
  )
}

/** Milliseconds, and never Infinity, because a revoked role must expire. */
export function durationOption<K extends string>(
  options: Readonly<Partial<Record<K, unknown>>>,
  name: K,
  fallback: number,
): number {
  return numberOption(options, name, { default: fallback, min: 0, max: Number.MAX_SAFE_INTEGER })
}

/**
 * @param name where it was given
 * @throws RolecastError `invalid-option` for an endpoint that is not an http or https URL
 */
export function checkEndpoint({ endpoint }: { readonly endpoint?: unknown }, name = 'endpoint'): void {
  if (endpoint === undefined) return
  const url = typeof endpoint === 'string' && URL.canParse(endpoint) ? new URL(endpoint) : undefined
  if (url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === '') return
  // The part before an @ can be a password.
  const shown =
    typeof endpoint === 'string' && endpoint.includes('@')
      ? 'not shown, because it may contain a password'
      : quote(endpoint)
  throw new RolecastError(
    'invalid-option',
    `${quote(name)} is ${shown}; give a URL without a user name that begins with http:// or https://`,
  )
}
