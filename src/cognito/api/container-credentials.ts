import { env } from 'node:process'
import type { RolecastError } from '../../errors.js'
import { type CallContext, failure, toFailure } from './api-error.js'
import { NO_METADATA } from './diagnosis.js'

/**
 * The same as `toFailure`, and it finds out what the SDK does not tell: its chain of credential providers ends in the same
 * error whether there are no credentials, or the endpoint that a container gets them from is down for a moment.
 */
export async function explainFailure(cause: unknown, context: CallContext): Promise<RolecastError> {
  if (cause instanceof Error && cause.message === CHAIN_EXHAUSTED && (await isContainerEndpointDown()))
    return failure(NO_METADATA.code, context, { cause, diagnosis: NO_METADATA })
  return toFailure(cause, context)
}

const CHAIN_EXHAUSTED = 'Could not load credentials from any providers'

/** Milliseconds; the SDK gives the endpoint as long. */
const TIMEOUT = 1_000

/**
 * Whether the container's endpoint, which just gave no credentials, is unreachable or failing, or works again. A 4xx is its
 * answer. Without the authorization that the SDK sends: the response is not read.
 */
async function isContainerEndpointDown(): Promise<boolean> {
  const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: relative, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = env
  const url = relative ? `http://169.254.170.2${relative}` : full
  if (!url || !URL.canParse(url)) return false
  try {
    const { ok, status, body } = await fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) })
    await body?.cancel()
    return ok || status >= 500
  } catch {
    return true
  }
}
