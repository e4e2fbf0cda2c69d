import type * as z from 'zod/mini'
import { quote, RolecastError } from '../../errors.js'
import { orAbort } from './abort.js'
import { type CallContext, failure, toFailure, type UserPoolCall, type UserPoolOperation } from './api-error.js'
import { createLimiter, type Limiter } from './rate-limiter.js'
import { REQUESTS_PER_SECOND } from '../../quotas.js'
import {
  amount,
  type AuditClient,
  type AuditRates,
  type ConnectionOptions,
  LONGEST_TIMER,
} from './connection-options.js'
import { firstIssue, readAs } from './schema.js'

export interface UserPoolCallOptions extends ConnectionOptions {
  readonly userPoolId: string
  readonly clock: () => number
  /** Told of each call as it is sent. */
  readonly onCall: (operation: UserPoolOperation, groupName?: string) => void
  readonly rates?: AuditRates | undefined
  /** How often the client that is made tries. With 1 every request keeps to the rates: the SDK's retries do not. Default: the SDK's, 3. */
  readonly maxAttempts?: number | undefined
}

/** When a request went out. */
export interface Sent {
  /** By the clock: the answer is at least as young as this. */
  readonly fetchedAt: number
  /** Its number among the requests: a clock has ties, and can be set back. */
  readonly order: number
}

export interface Answered {
  /** `MISSING` where Cognito says that there is no such group or user. */
  readonly answer: unknown
  readonly sent: Sent
}

export const MISSING = Symbol('no such group or user')

type Sdk = typeof import('@aws-sdk/client-cognito-identity-provider')

export type Request = (
  client: AuditClient,
  sdk: Sdk,
  options: { readonly abortSignal: AbortSignal },
) => Promise<unknown>

export interface UserPoolCalls {
  /** Milliseconds for one call. */
  readonly timeout: number
  /** Of the calls that wait for one quota, the one with the highest priority (default 0) is next. */
  call(context: UserPoolCall, request: Request, signal: AbortSignal, priority?: number): Promise<Answered>
}

/**
 * Sends requests about one user pool, each when its quota has room, within its time, and failing with typed errors only.
 *
 * The SDK is loaded by the first call and not before, so that importing this costs nothing to who never calls.
 */
export function createUserPoolCalls(options: UserPoolCallOptions): UserPoolCalls {
  const { clock, onCall } = options
  const timeout = amount(options, 'timeout', 5_000, 1, LONGEST_TIMER)
  const limits = limitersFor(options)
  const region = regionOf(options)

  let requests = 0
  let loading: Promise<Loaded> | undefined
  function load(): Promise<Loaded> {
    // Who asks for groups only may give a client that can do no more.
    const given = options.client as AuditClient | undefined
    loading ??= import('@aws-sdk/client-cognito-identity-provider').then(sdk => ({
      sdk,
      client: given ?? newClient(sdk),
    }))
    return loading
  }
  function newClient(sdk: Sdk): AuditClient {
    const { endpoint, profile, maxAttempts } = options
    return new sdk.CognitoIdentityProviderClient({
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      ...(profile !== undefined && { profile }),
      ...(maxAttempts !== undefined && { maxAttempts }),
    })
  }

  async function call(
    context: UserPoolCall,
    request: Request,
    signal: AbortSignal,
    priority?: number,
  ): Promise<Answered> {
    const deadline = new AbortController()
    // One for each call, for an audit has many that listen to the same signal.
    const abortSignal = AbortSignal.any([signal, deadline.signal])
    let sent: Sent | undefined
    const send = async ({ client, sdk }: Loaded) => {
      const timer = setTimeout(() => deadline.abort(), timeout)
      try {
        onCall(context.operation, context.groupName)
        sent = { fetchedAt: clock(), order: ++requests }
        return await orAbort(request(client, sdk, { abortSignal }), deadline.signal)
      } finally {
        clearTimeout(timer)
      }
    }
    try {
      const loaded = await load()
      const answer = await limits[context.operation](() => send(loaded), abortSignal, priority)
      return { answer, sent: sent! }
    } catch (cause) {
      if (signal.aborted) throw failure('aborted', context, { cause: signal.reason })
      if (deadline.signal.aborted) throw failure('timeout', context, { cause, note: `${timeout} ms` })
      if (isMissing(cause, context)) return { answer: MISSING, sent: sent! }
      throw toFailure(cause, context)
    }
  }

  return { timeout, call }
}

/** An answer of the shape that the API promises. */
export function parse<T>(shape: z.ZodMiniType<T>, answer: unknown, context: CallContext): T {
  const parsed = readAs(shape, answer)
  if (parsed.success) return parsed.data
  throw failure('malformed-answer', context, { cause: parsed.error, ...firstIssue(parsed.error, answer) })
}

interface Loaded {
  readonly sdk: Sdk
  readonly client: AuditClient
}

/** One limiter for each quota: some operations share one. */
function limitersFor(options: UserPoolCallOptions): Readonly<Record<UserPoolOperation, Limiter>> {
  const limiter = (rate: number, concurrency: number, spread: boolean) =>
    createLimiter(rate, amount(options, 'concurrency', concurrency, 1), { spread })
  const groups = limiter(amount(options, 'requestsPerSecond', REQUESTS_PER_SECOND.GetGroup, LEAST_RATE), 5, false)
  const auditLimiter = (quota: keyof AuditRates) =>
    limiter(amount(options.rates ?? {}, quota, REQUESTS_PER_SECOND[quota], LEAST_RATE), 20, true)
  const users = auditLimiter('ListUsers')
  return {
    GetGroup: groups,
    ListGroups: groups,
    ListUsers: users,
    ListUsersInGroup: users,
    AdminListGroupsForUser: auditLimiter('AdminListGroupsForUser'),
    DescribeUserPool: auditLimiter('DescribeUserPool'),
  }
}

/** Requests a second: a slower rate would wait longer than anyone does. */
export const LEAST_RATE = 0.001

/** The region to sign for: the one given, else the part of the user pool id before the underscore. */
function regionOf({ userPoolId, region, client }: UserPoolCallOptions): string | undefined {
  if (typeof userPoolId !== 'string' || !/^[\w-]{1,55}$/.test(userPoolId)) {
    throw new RolecastError(
      'invalid-user-pool-id',
      `${quote(userPoolId)} is not a user pool id; it looks like \`eu-west-1_Ab12Cd34e\``,
      {
        value: userPoolId,
      },
    )
  }
  const prefix = userPoolId.slice(0, Math.max(0, userPoolId.lastIndexOf('_')))
  if (region || client) return region || undefined
  if (prefix !== '') return prefix
  throw new RolecastError(
    'no-region',
    `the user pool id \`${userPoolId}\` does not begin with a region; give \`region\``,
    { value: userPoolId },
  )
}

/**
 * Whether a failed call says that the group, or the user, does not exist. Cognito has one exception for a missing group and
 * a missing pool, and only the message tells which; what tells neither is a malformed answer, not an absent group.
 */
function isMissing(cause: unknown, context: UserPoolCall): boolean {
  const { groupName, username } = context
  if (!(cause instanceof Error)) return false
  if (cause.name === 'UserNotFoundException') return username !== undefined
  if (cause.name !== 'ResourceNotFoundException') return false
  // moto's whole message is the group's name.
  if (groupName !== undefined && (cause.message === groupName || /^\W*(the )?group\b/i.test(cause.message))) return true
  if (groupName === undefined || /^\W*(the )?user ?pool\b/i.test(cause.message))
    throw failure('pool-not-found', context, { cause })
  throw failure('malformed-answer', context, {
    cause,
    note: `something is not found, but not said what: ${cause.message}`,
  })
}
