import type { Option } from 'commander'
import { inputOption } from './input-file.js'

/**
 * `--memberships`, for every command that looks at users.
 *
 * @param needs the option that it needs, in words
 */
export function membershipsOption(needs = ''): Option {
  return inputOption(
    '--memberships <file>',
    `${needs}users and their groups, a line of JSON each, such as {"username":"alice","groups":["a","b"]}`,
  )
}
