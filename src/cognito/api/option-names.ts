import { quote } from '../../errors.js'
import { invalidOption, type OptionNames } from '../../record.js'
import type { ConnectionOptions } from './connection-options.js'

export { checkNames, type OptionNames } from '../../record.js'

export const CONNECTION_NAMES: OptionNames<ConnectionOptions> = {
  client: true,
  region: true,
  endpoint: true,
  profile: true,
  timeout: true,
  requestsPerSecond: true,
  concurrency: true,
}

/** @throws RolecastError `invalid-option` for an option that is given but is not a function */
export function checkFunctions(options: Readonly<Record<string, unknown>>): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined && typeof value !== 'function')
      throw invalidOption(`${quote(name)} is ${quote(value)}; give a function`, value)
  }
}
