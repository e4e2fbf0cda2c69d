import { setTimeout as wait } from 'node:timers/promises'
import type * as z from 'zod/mini'
import { onAbort } from '../abort.js'
import { orAbort } from '../cognito/api/abort.js'
import type { CredentialsProvider } from '../cognito/api/account-access.js'
import { firstIssue, readAs } from '../cognito/api/schema.js'
import { RolecastError } from '../errors.js'
import { callFailure, interrupted } from './call-failure.js'
import { createClients, type Clients } from './clients.js'
import type { Ledger } from './ledger.js'
import { factsOf, type Operation, RATES } from './operations.js'
import type { ResourceKind } from './ledger.js'

/** What happens in a run. It never has a token, a password or an account ID. */
export type CalibrateEvent =
  /** The ledger exists: resources that are created from now on can be cleaned up with it. */
  | { readonly event: 'ledger'; readonly path: string }
  /** What is done next. */
  | { readonly event: 'step'; readonly what: string }
  | {
      readonly event: 'created' | 'deleting' | 'deleted'
      readonly kind: ResourceKind
      readonly name: string
      readonly id: string
    }
  /** No resource has this name: the run ended before it was created. */
  | { readonly event: 'absent'; readonly kind: ResourceKind; readonly name: string }
  /** It could not be deleted, or it is not known whether it exists. */
  | {
      readonly event: 'left'
      readonly kind: ResourceKind
      readonly name: string
      readonly id?: string | undefined
      readonly error: RolecastError
    }
  /** Nothing that the ledger names is left, but its file remains: it could not be removed, or was replaced. */
  | { readonly event: 'ledger-stays'; readonly path: string }
  /** A part of the run has no result. The result has a shorter form of the error. */
  | { readonly event: 'failed'; readonly error: RolecastError }
  /** A call is sent again after this many milliseconds. */
  | { readonly event: 'retry'; readonly operation: Operation; readonly why: string; readonly ms: number }

/** The time, and waiting. */
export interface Clock {
  /** Milliseconds since the epoch; never goes back. */
  readonly now: () => number
  /** Rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface SessionOptions {
  readonly region: string
  readonly profile?: string | undefined
  readonly credentials?: AwsCredentials | undefined
  readonly endpoint?: string | undefined
  readonly runId: string
  readonly signal: AbortSignal
  readonly tell: (event: CalibrateEvent) => void
  readonly clock?: Clock | undefined
  /**
   * Milliseconds for one call.
   *
   * @default 15_000
   */
  readonly timeout?: number | undefined
}

/** As the clients of the SDK take them. */
export type AwsCredentials =
  | CredentialsProvider
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }

export interface CallOptions {
  /** Sent with these credentials instead of the run's own. */
  readonly credentials?: AwsCredentials | undefined
}

/** What all probes of a run share. One call at a time: calls must not overlap. */
export interface Session {
  readonly region: string
  readonly endpoint: string | undefined
  readonly runId: string
  readonly signal: AbortSignal
  readonly tell: (event: CalibrateEvent) => void
  /**
   * Sends one operation within its rate, with a timeout, retries it if that is safe, and checks its response.
   *
   * @throws RolecastError as a rejection, and nothing else. No message has an account ID. `not-supported` if an
   * endpoint other than AWS's lacks the operation
   */
  call<T>(
    operation: Operation,
    input: Readonly<Record<string, unknown>>,
    shape: z.ZodMiniType<T>,
    options?: CallOptions,
  ): Promise<T>
  now(): number
  /** @throws RolecastError `aborted` as a rejection */
  sleep(ms: number): Promise<void>
  /** @throws RolecastError `aborted` */
  throwIfInterrupted(): void
  /** The same session for the clean-up, which an interrupt does not end. */
  undisturbed(): Session
}

/** A session with the ledger of its run. */
export interface Run extends Session {
  readonly ledger: Ledger
}

const SYSTEM_CLOCK: Clock = {
  now: () => performance.timeOrigin + performance.now(),
  sleep: async (ms, signal) => void (await wait(ms, undefined, { signal })),
}

/** Clients are created, and packages of the SDK loaded, by the first call of a service. */
export function createSession(options: SessionOptions): Session {
  const clients = createClients(options)
  return sessionOf(options, clients, new Map())
}

function sessionOf(options: SessionOptions, clients: Clients, sent: Map<string, number[]>): Session {
  const { region, endpoint, runId, signal, tell, clock = SYSTEM_CLOCK, timeout = 15_000 } = options

  async function sleep(ms: number): Promise<void> {
    if (signal.aborted) throw interrupted(signal.reason)
    try {
      await clock.sleep(ms, signal)
    } catch (cause) {
      throw interrupted(cause)
    }
  }

  function throwIfInterrupted(): void {
    if (signal.aborted) throw interrupted(signal.reason)
  }

  /**
   * Within any second a server gets no more calls of a quota than its rate: the call that many before ended a second
   * ago.
   */
  async function pace(operation: Operation): Promise<readonly number[]> {
    const { quota } = factsOf(operation)
    const ends = sent.get(quota) ?? []
    sent.set(quota, ends)
    const before = ends.length < RATES[quota] ? -Infinity : ends.shift()!
    const ms = before + 1_000 - clock.now()
    if (ms > 0) await sleep(Math.ceil(ms))
    return ends
  }

  async function sendOnce(operation: Operation, input: object, { credentials }: CallOptions): Promise<unknown> {
    throwIfInterrupted()
    const ends = (await pace(operation)) as number[]
    const deadline = new AbortController()
    let ended: 'interrupted' | 'timeout' | undefined
    const end = (by: typeof ended) => {
      ended ??= by
      deadline.abort(signal.reason)
    }
    // An interrupt waits for a creation under way, because the resource is deleted by its id.
    const ignore = factsOf(operation).isCreation ? () => {} : onAbort(signal, () => end('interrupted'))
    const timer = setTimeout(() => end('timeout'), timeout)
    try {
      return await orAbort(
        clients.send(operation, input, { credentials, abortSignal: deadline.signal }),
        deadline.signal,
      )
    } catch (cause) {
      if (ended === 'interrupted') throw interrupted(signal.reason)
      throw callFailure(operation, cause, ended === 'timeout' ? { endpoint, timeout } : { endpoint })
    } finally {
      clearTimeout(timer)
      ignore()
      ends.push(clock.now())
    }
  }

  async function send(operation: Operation, input: object, given: CallOptions): Promise<unknown> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await sendOnce(operation, input, given)
      } catch (error) {
        const ms = pauseBefore(attempt, operation, error as RolecastError)
        if (ms === undefined) throw error
        tell({ event: 'retry', operation, why: (error as RolecastError).code, ms })
        await sleep(ms)
      }
    }
  }

  return {
    region,
    endpoint,
    runId,
    signal,
    tell,
    now: clock.now,
    sleep,
    throwIfInterrupted,
    async call(operation, input, shape, given = {}) {
      const response = await send(operation, input, given)
      const parsed = readAs(shape, response)
      if (parsed.success) return parsed.data
      throw callFailure(operation, undefined, { endpoint, issue: firstIssue(parsed.error, response).note })
    },
    undisturbed: () => sessionOf({ ...options, signal: new AbortController().signal }, clients, sent),
  }
}

const THROTTLED_PAUSES: readonly number[] = [1_000, 2_000, 4_000, 8_000, 16_000]
const PASSING_PAUSES: readonly number[] = [1_000, 3_000]

/** Milliseconds before the call is sent again. Undefined: it is not. */
function pauseBefore(attempt: number, operation: Operation, { code, retryable }: RolecastError): number | undefined {
  // It was rejected, so nothing was created.
  if (code === 'throttled') return THROTTLED_PAUSES[attempt - 1]
  if (!retryable || factsOf(operation).isCreation) return undefined
  return PASSING_PAUSES[attempt - 1]
}
