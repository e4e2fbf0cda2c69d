import { quote, RolecastError } from '../errors.js'
import type { CognitoClient } from './user-pool-api.js'

/** How to reach Cognito, and how hard. */
export interface ConnectionOptions {
  /** A `CognitoIdentityProviderClient`, or anything with its `send`. Without it one is made, by the first call. */
  readonly client?: CognitoClient | undefined
  /** Default: the part of the user pool id before the underscore. Ignored with a `client`. */
  readonly region?: string | undefined
  /** Another address of Cognito, for example an emulator's. Ignored with a `client`. */
  readonly endpoint?: string | undefined
  /** A profile of the AWS configuration files. Ignored with a `client`. */
  readonly profile?: string | undefined
  /** Milliseconds for one call, the SDK's retries included, the wait for its turn excluded. Default 5 000. */
  readonly timeout?: number | undefined
  /** Calls a second at most, GetGroup and ListGroups together. Default 5: what Cognito grants one user pool. */
  readonly requestsPerSecond?: number | undefined
  /** Calls under way at once at most. Default 5. */
  readonly concurrency?: number | undefined
}

/** Timers of Node fire at once above this many milliseconds. */
export const LONGEST_TIMER = 2 ** 31 - 1

/** The number an option has, or its default; refused where it makes no sense. */
export function amount<K extends string>(options: Readonly<Partial<Record<K, unknown>>>, name: K, fallback: number, least: number, most = Infinity): number {
  const value = options[name] ?? fallback
  if (typeof value === 'number' && value >= least && value <= most) return value
  throw new RolecastError('invalid-option', `\`${name}\` is ${quote(value)}; give a number of at least ${least}${most === Infinity ? '' : ` and at most ${most}`}`, {
    value,
  })
}
