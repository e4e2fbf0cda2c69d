import { isEmulatedPoolId } from '../../aws-ids.js'
import type * as z from 'zod/mini'
import { isRolecastError, quote, RolecastError } from '../../errors.js'
import { onAbort } from '../../abort.js'
import { orAbort } from './abort.js'
import { type CallContext, failure, type UserPoolCall, type UserPoolOperation } from './api-error.js'
import { defaultRegion } from './client-config.js'
import { explainFailure } from './container-credentials.js'
import { diagnose } from './diagnosis.js'
import { type Adaptation, createLimiter, type Lanes, type Limiter } from './rate-limiter.js'
import { REQUESTS_PER_SECOND } from '../../quotas.js'
import {
  checkEndpoint,
  numberOption,
  type AuditRates,
  type ConnectionOptions,
  MAX_TIMER,
} from './connection-options.js'
import { createSenders, type OperationInput, type Send } from './operation-sender.js'
import { firstIssue, readAs } from './schema.js'

export interface UserPoolCallOptions extends ConnectionOptions {
  readonly userPoolId: string
  readonly clock: () => number
  /** Called for each request as it is sent. */
  readonly onCall: (operation: UserPoolOperation, groupName?: string) => void
  readonly rates?: AuditRates | undefined
  /**
   * Whether the calls of an audit start evenly over a second. Callers that wait for single responses need the burst.
   *
   * @default true
   */
  readonly spread?: boolean | undefined
  /**
   * How many calls may wait for their turn. One more fails immediately as `throttled`: if callers give up before their
   * turn, a longer queue would spend the whole quota on calls that no caller waits for any more.
   *
   * @default any number
   */
  readonly maxWaiting?: number | undefined
  /**
   * Makes the rate of a quota fall when it throttles, and rise again. Called with the quota's operation and its calls a
   * second when it falls, and when it is as high as before.
   */
  readonly onRate?: ((quota: QuotaName, perSecond: number, isThrottled: boolean) => void) | undefined
  /**
   * Attempts of the client that is created. The SDK's retries ignore the rates, so 1 keeps every request within them.
   *
   * @default the SDK's, 3
   */
  readonly maxAttempts?: number | undefined
  /** Called with the client of the SDK that is created, before it sends anything. */
  readonly onClient?: ((client: object) => void) | undefined
  /**
   * The limits to keep to, where pools share them; `rates`, `requestsPerSecond`, `concurrency` and `onRate` are ignored
   * then.
   *
   * @default limits of its own
   */
  readonly limits?: UserPoolLimits | undefined
}

/** A limiter for each quota. Some operations share one. */
export type UserPoolLimits = Readonly<Record<UserPoolOperation, Limiter>>

/** A quota, by the operation that it is named after. ListUsersInGroup shares that of ListUsers. */
export type QuotaName = 'ListGroups' | keyof AuditRates

/** When a request was sent. */
export interface RequestStamp {
  /** By the clock. The response is no older than this. */
  readonly fetchedAt: number
  /** Its number among the requests: clocks have ties, and can be set back. */
  readonly order: number
}

export interface CallResult {
  /** `MISSING` if Cognito says that the group or user does not exist. */
  readonly response: unknown
  readonly stamp: RequestStamp
}

export const MISSING = Symbol('no such group or user')

export interface UserPoolCalls {
  /** Milliseconds for one call. */
  readonly timeout: number
  /**
   * Of the calls that wait for one quota, the one with the highest priority (default 0) is next, and then their lanes
   * count.
   */
  call(
    context: UserPoolCall,
    input: OperationInput,
    signal: AbortSignal,
    priority?: number,
    lanes?: Lanes,
  ): Promise<CallResult>
  /** The number of the last request that was sent. */
  lastOrder(): number
  /** How many more calls for this quota would be sent immediately. */
  free(quota: QuotaName): number
}

/**
 * Sends requests about one user pool: each waits for its quota, has a timeout, and fails with a RolecastError only.
 *
 * The first call loads the SDK, if it needs it, so importing this module is cheap.
 */
export function createUserPoolCalls(options: UserPoolCallOptions): UserPoolCalls {
  const { clock, onCall, maxWaiting = Infinity } = options
  checkEndpoint(options)
  const timeout = numberOption(options, 'timeout', { default: 5_000, min: 1, max: MAX_TIMER })
  const limits = options.limits ?? createUserPoolLimits(options)
  const region = regionOf(options)

  let requests = 0
  /** Calls that wait for the SDK, and are not with their limiter yet. */
  const arriving = new Map<Limiter, number>()
  const arrive = (limiter: Limiter, more: number) => arriving.set(limiter, (arriving.get(limiter) ?? 0) + more)
  const senderOf =
    region === undefined && !options.client ? lateSenders(options) : createSenders({ ...options, region })

  async function call(
    context: UserPoolCall,
    input: OperationInput,
    signal: AbortSignal,
    priority?: number,
    lanes?: Lanes,
  ): Promise<CallResult> {
    const deadline = new AbortController()
    const ignoreOuter = onAbort(signal, () => deadline.abort(signal.reason))
    let stamp: RequestStamp | undefined
    const send = async (operation: Send) => {
      const timer = setTimeout(() => deadline.abort(), timeout)
      try {
        onCall(context.operation, context.groupName)
        stamp = { fetchedAt: clock(), order: ++requests }
        return await orAbort(operation(input, { abortSignal: deadline.signal }), deadline.signal)
      } finally {
        clearTimeout(timer)
      }
    }
    const limiter = limits[context.operation]
    try {
      arrive(limiter, 1)
      const operation = await senderOf(context.operation).finally(() => arrive(limiter, -1))
      const attempt = async () => {
        if (limiter.waiting() >= maxWaiting)
          throw failure('throttled', context, { note: `${maxWaiting} calls are already waiting` })
        return limiter(() => send(operation), deadline.signal, priority, lanes)
      }
      const response = await attempt().catch(async cause => {
        if (!isClockCorrected(cause)) throw cause
        return attempt()
      })
      return { response, stamp: stamp! }
    } catch (cause) {
      if (signal.aborted) throw failure('aborted', context, { cause: signal.reason })
      if (deadline.signal.aborted) throw failure('timeout', context, { cause, note: `${timeout} ms` })
      if (isMissing(cause, context)) return { response: MISSING, stamp: stamp! }
      throw await explainFailure(cause, context, signal)
    } finally {
      ignoreOuter()
    }
  }

  return {
    timeout,
    call,
    lastOrder: () => requests,
    free: quota => Math.max(0, limits[quota].free() - (arriving.get(limits[quota]) ?? 0)),
  }
}

/**
 * Whether the SDK has learned from a failure how far the clock of this machine is off. It signs the next request by the
 * server's clock, and its own retry is switched off with its other retries.
 */
function isClockCorrected(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false
  const { $metadata: metadata } = cause as { $metadata?: { readonly clockSkewCorrected?: unknown } }
  return metadata?.clockSkewCorrected === true
}

/** @throws RolecastError `malformed-response` for a response of another shape */
export function parse<T>(shape: z.ZodMiniType<T>, response: unknown, context: CallContext): T {
  const parsed = readAs(shape, response)
  if (parsed.success) return parsed.data
  throw failure('malformed-response', context, { cause: parsed.error, ...firstIssue(parsed.error, response) })
}

/** Limits for one pool, or for all pools of an account in a Region. */
export function createUserPoolLimits(
  options: Pick<UserPoolCallOptions, 'onRate' | 'concurrency' | 'requestsPerSecond' | 'rates' | 'spread'>,
): UserPoolLimits {
  const { onRate } = options
  const adaptTo = (operation: QuotaName): Adaptation | undefined =>
    onRate && {
      isThrottled: error => diagnose(error).code === 'throttled',
      onRate: (perSecond, isThrottled) => onRate(operation, perSecond, isThrottled),
    }
  const limiter = (quota: QuotaName, rate: number, concurrency: number, spread: boolean) =>
    createLimiter(rate, numberOption(options, 'concurrency', { default: concurrency, min: 1 }), {
      spread,
      adapt: adaptTo(quota),
    })
  const groups = limiter(
    'ListGroups',
    numberOption(options, 'requestsPerSecond', { default: REQUESTS_PER_SECOND.GetGroup, min: MIN_RATE }),
    5,
    false,
  )
  const auditLimiter = (quota: keyof AuditRates) =>
    limiter(
      quota,
      numberOption(options.rates ?? {}, quota, { default: REQUESTS_PER_SECOND[quota], min: MIN_RATE }),
      20,
      options.spread ?? true,
    )
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

/** Requests a second: with a slower rate a call would wait for more than 16 minutes. */
export const MIN_RATE = 0.001

/** The region to sign for: the option, else the part of the user pool id before the underscore. */
function regionOf({ userPoolId, region, client }: UserPoolCallOptions): string | undefined {
  checkUserPoolId(userPoolId)
  const prefix = userPoolId.slice(0, Math.max(0, userPoolId.lastIndexOf('_')))
  return region || (client ? undefined : prefix || undefined)
}

/**
 * For the id of an emulator without a region in it: that of the environment or the profile, which the first call looks
 * up.
 */
function lateSenders(options: UserPoolCallOptions): (operation: UserPoolOperation) => Promise<Send> {
  const { userPoolId, profile } = options
  let loading: Promise<ReturnType<typeof createSenders>> | undefined
  async function load() {
    try {
      return createSenders({ ...options, region: await defaultRegion({ profile }) })
    } catch (cause) {
      if (isRolecastError(cause)) throw cause
      throw new RolecastError(
        'no-region',
        `the user pool ID ${quote(userPoolId)} does not begin with a Region; give \`region\``,
        { value: userPoolId, cause },
      )
    }
  }
  return async operation => {
    loading ??= load()
    // A missing package may be there by the next call.
    loading.catch(() => (loading = undefined))
    return (await loading)(operation)
  }
}

/** @throws RolecastError `invalid-user-pool-id` */
export function checkUserPoolId(userPoolId: unknown): asserts userPoolId is string {
  if (!isEmulatedPoolId(userPoolId)) throw malformedPoolId(userPoolId)
}

export function malformedPoolId(userPoolId: unknown): RolecastError {
  return new RolecastError(
    'invalid-user-pool-id',
    `${quote(userPoolId)} is not a user pool ID; give one such as \`eu-west-1_Ab12Cd34e\``,
    { value: userPoolId },
  )
}

/**
 * Whether a failed call says that the group, or the user, does not exist. Cognito has one exception for a missing group and
 * a missing pool, and only the message distinguishes them. A message that names neither is a malformed response, not a
 * missing group.
 */
function isMissing(cause: unknown, context: UserPoolCall): boolean {
  const { groupName, username } = context
  if (!(cause instanceof Error)) return false
  // A server error does not show whether something exists.
  const { httpStatusCode: status } = { ...(cause as { $metadata?: { readonly httpStatusCode?: unknown } }).$metadata }
  if (typeof status === 'number' && status >= 500) return false
  if (cause.name === 'UserNotFoundException') return username !== undefined
  if (cause.name !== 'ResourceNotFoundException') return false
  // moto's whole message is the group's name.
  if (groupName !== undefined && (cause.message === groupName || /^\W*(the )?group\b/i.test(cause.message))) return true
  if (groupName === undefined || /^\W*(the )?user ?pool\b/i.test(cause.message))
    throw failure('pool-not-found', context, { cause })
  throw failure('malformed-response', context, {
    cause,
    note: `it does not say what was not found: ${cause.message}`,
  })
}
