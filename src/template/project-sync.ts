import { isRolecastError } from '../errors.js'
import { readStacks } from './cloudformation/stacks.js'
import { failureOf, isStack, partition, type ProjectFile, type ProjectOptions, readingOf, together } from './project.js'
import { readAtOnce } from './read-template.js'
import type { Reading } from './reading.js'

/**
 * Does what `readProject` does at once, for callers that cannot wait: the stacks of a CDK app while it is synthesised,
 * for example.
 *
 * Not for Terraform source and programs of Amplify: their parsers are loaded when they are needed.
 *
 * @param files all files of the project
 * @param options what files may include
 * @throws RolecastError `invalid-option` for files that only `readProject` reads
 * @example
 * import { readProjectSync } from 'rolecast/template'
 *
 * const { infrastructures, failures } = readProjectSync([
 *   { path: 'auth.template.json', format: 'cloudformation', text: '{ "Resources": {} }' },
 * ])
 * console.log(infrastructures.length, failures) // 1 []
 */
export function readProjectSync(
  files: readonly ProjectFile[],
  { open = () => undefined }: Pick<ProjectOptions, 'open'> = {},
): Reading {
  const [stacks, alone] = partition(files, isStack)
  return together([readStacks(stacks, { open }), ...alone.map(readAloneAtOnce)])
}

function readAloneAtOnce(file: ProjectFile): Reading {
  try {
    return readingOf(readAtOnce(file.text, file, 'readProject'))
  } catch (error) {
    // A format that cannot be read synchronously is the caller's mistake, not a fault of the file.
    if (isRolecastError(error) && error.code === 'invalid-option') throw error
    return failureOf(file, error)
  }
}
