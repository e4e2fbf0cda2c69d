import type * as z from 'zod/mini'
import { onAbort } from '../../abort.js'
import { isRolecastError } from '../../errors.js'
import { orAbort } from './abort.js'
import { type CallContext, failure } from './api-error.js'
import { clientConfigOf } from './client-config.js'
import { explainFailure } from './container-credentials.js'
import { parse } from './user-pool-call.js'

/** Credentials of a role that was assumed, as the clients of the SDK take them. */
export type CredentialsProvider = () => Promise<TemporaryCredentials>

/** Credentials that expire. */
export interface TemporaryCredentials {
  /** The access key ID. */
  readonly accessKeyId: string
  /** The secret access key. */
  readonly secretAccessKey: string
  /** The session token. */
  readonly sessionToken: string
  /** The SDK asks for others before this moment. */
  readonly expiration: Date
}

/** How calls reach an account in a Region: with a profile, with assumed credentials, or as the SDK finds its own. */
export interface AccountAccess {
  readonly region: string
  readonly profile?: string | undefined
  readonly credentials?: CredentialsProvider | undefined
  /** Another address of every service, for example an emulator's. */
  readonly endpoint?: string | undefined
  /**
   * Milliseconds for one call.
   *
   * @default 5_000
   */
  readonly timeout?: number | undefined
}

/** What a client of the SDK is made of. One attempt: the SDK's retries ignore the rates. */
export function accountClientConfig({ region, profile, credentials, endpoint }: AccountAccess) {
  return clientConfigOf({ region, profile, credentials, endpoint, maxAttempts: 1 })
}

/** Milliseconds for a call where nothing else is given. */
export const DEFAULT_TIMEOUT = 5_000

/**
 * Sends one request, with a timeout, and parses its response.
 *
 * @param send loads what it needs of the SDK, then sends
 * @throws RolecastError as a rejection, and nothing else
 */
export async function callOnce<T>(
  context: CallContext,
  shape: z.ZodMiniType<T>,
  send: (abortSignal: AbortSignal) => Promise<unknown>,
  { signal, timeout = DEFAULT_TIMEOUT }: { readonly signal: AbortSignal; readonly timeout?: number | undefined },
): Promise<T> {
  const deadline = new AbortController()
  const ignoreOuter = onAbort(signal, () => deadline.abort(signal.reason))
  const timer = setTimeout(() => deadline.abort(), timeout)
  let response: unknown
  try {
    response = await orAbort(send(deadline.signal), deadline.signal)
  } catch (cause) {
    if (signal.aborted) throw failure('aborted', context, { cause: signal.reason })
    if (deadline.signal.aborted) throw failure('timeout', context, { cause, note: `${timeout} ms` })
    if (isRolecastError(cause)) throw cause
    if (cause instanceof Error && cause.name === 'ResourceNotFoundException')
      throw failure('pool-not-found', context, { cause })
    throw await explainFailure(cause, context, signal)
  } finally {
    clearTimeout(timer)
    ignoreOuter()
  }
  return parse(shape, response, context)
}
