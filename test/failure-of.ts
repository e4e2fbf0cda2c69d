import { isRolecastError, type RolecastError } from '../src/errors.js'

/** The rolecast error that this throws; anything else is the test's failure. */
export function errorOf(run: () => unknown): RolecastError {
  try {
    run()
  } catch (error) {
    if (isRolecastError(error)) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

/** The rolecast error that this throws or rejects with; anything else is the test's failure. */
export async function failureOf(work: () => unknown): Promise<RolecastError> {
  try {
    await work()
  } catch (error) {
    if (isRolecastError(error)) return error
    throw error
  }
  throw new Error('it did not fail')
}
