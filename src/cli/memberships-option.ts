import type { Option } from 'commander'
import { inputOption } from './input-file.js'

/**
 * `--memberships`, for every command that looks at users.
 *
 * @param needs what it is given with
 */
export function membershipsOption(needs = ''): Option {
  return inputOption(
    '--memberships <file>',
    `${needs}users and their groups, a line of JSON each, like {"username":"alice","groups":["a","b"]}`,
  )
}
