import { type ErrorCode, isRolecastError } from '../../../../src/index.js'

/** Why there is no result, and what to do: a message of rolecast, or of the page. */
export interface Fault {
  readonly message: string
  /** Of rolecast's own errors: `rolecast explain CODE` says more. */
  readonly code?: ErrorCode
}

export type Result<T> = { readonly is: 'result'; readonly result: T } | { readonly is: 'fault'; readonly fault: Fault }

export function faulty(message: string): { readonly is: 'fault'; readonly fault: Fault } {
  return { is: 'fault', fault: { message } }
}

/** What does the work, or why it cannot be done. An error that is not rolecast's is a bug and goes on. */
export function attempt<T>(work: () => T): Result<T> {
  try {
    return { is: 'result', result: work() }
  } catch (error) {
    return { is: 'fault', fault: faultOf(error) }
  }
}

export function faultOf(error: unknown): Fault {
  if (!isRolecastError(error)) throw error
  return { message: error.message, code: error.code }
}
