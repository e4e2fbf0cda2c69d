import { onAbort } from '../../abort.js'
import { diagnose } from './diagnosis.js'

interface Metadata {
  readonly httpStatusCode?: number
  readonly clockSkewCorrected?: boolean
  attempts?: number
}

/** Statuses that the SDK tries again, whatever the body is. */
const TRANSIENT_STATUS: ReadonlySet<unknown> = new Set([500, 502, 503, 504])

/** Milliseconds before the first retry, twice as many before each next, all times a random part: so does the SDK. */
const BASE = { throttling: 1_000, transient: 50 } as const
const MAX_DELAY = 20_000

/** The cost of a retry, from a budget that successes refill, so that an outage does not cause a storm of retries. */
const COST = { throttling: 5, transient: 14 } as const
const BUDGET = 500

/**
 * Creates a function that retries a request as the SDK's standard mode does.
 *
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html
 */
export function createRetries(
  maxAttempts: number,
): <T>(attempt: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T> {
  let budget = BUDGET
  return async (attempt, signal) => {
    let spent = 1
    for (let attempts = 1; ; attempts++) {
      try {
        const result = await attempt()
        budget = Math.min(BUDGET, budget + spent)
        return result
      } catch (error) {
        // The caller's reason counts, not this error.
        if (signal?.aborted) throw error
        const kind = kindOf(error)
        if (kind === undefined || attempts >= maxAttempts || budget < COST[kind]) throw withAttempts(error, attempts)
        spent = COST[kind]
        budget -= spent
        const limit = Math.min(BASE[kind] * 2 ** (attempts - 1), MAX_DELAY)
        await pause(Math.floor(Math.random() * limit), signal)
      }
    }
  }
}

function kindOf(error: unknown): keyof typeof BASE | undefined {
  const { httpStatusCode, clockSkewCorrected } = metadataOf(error)
  const { code } = diagnose(error)
  if (code === 'throttled') return 'throttling'
  const isTransient = code === 'unreachable' || TRANSIENT_STATUS.has(httpStatusCode) || isRequestTimeout(error)
  return isTransient || clockSkewCorrected === true ? 'transient' : undefined
}

function isRequestTimeout(error: unknown): boolean {
  return error instanceof Error && /^RequestTimeout(?:Exception)?$/.test(error.name)
}

function metadataOf(error: unknown): Metadata {
  return (Object(error) as { readonly $metadata?: Metadata }).$metadata ?? {}
}

function withAttempts(error: unknown, attempts: number): unknown {
  if (error instanceof Error) Object.assign(error, { $metadata: { ...metadataOf(error), attempts } })
  return error
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  let leave: (() => void) | undefined
  let timer: NodeJS.Timeout | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      timer = setTimeout(resolve, ms)
      leave = onAbort(signal, () => reject(signal?.reason))
    })
  } finally {
    clearTimeout(timer)
    leave?.()
  }
}
