import { quote } from '../../errors.js'
import { checkRecord, invalidOption } from '../../record.js'
import { closest } from '../../text.js'
import type { ConnectionOptions } from './connection-options.js'

/** The names of all options of a type: one that is left out does not compile. */
export type OptionNames<T> = Readonly<Record<T extends unknown ? keyof T : never, true>>

export const CONNECTION_NAMES: OptionNames<ConnectionOptions> = {
  client: true,
  region: true,
  endpoint: true,
  profile: true,
  timeout: true,
  requestsPerSecond: true,
  concurrency: true,
}

/**
 * An option with a misspelt name would have no effect, without a word.
 *
 * @throws RolecastError `invalid-option`
 */
export function checkNames(options: unknown, names: Readonly<Record<string, true>>, what = 'the options'): void {
  const given = checkRecord(options, what, 'give an object, like `{ userPoolId }`')
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(names, name)) continue
    const nearest = closest(name, Object.keys(names))
    const next = nearest === undefined ? 'leave it out' : `did you mean ${quote(nearest)}?`
    throw invalidOption(`${what} have ${quote(name)}, which is not known; ${next}`, name)
  }
}

/** @throws RolecastError `invalid-option` for an option that is given and no function */
export function checkFunctions(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && typeof value !== 'function')
      throw invalidOption(`${quote(name)} is ${quote(value)}; give a function`, value)
  }
}
