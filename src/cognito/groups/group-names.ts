import { quote, RolecastError } from '../../errors.js'
import { isGroupName } from '../../group.js'
import { MAX_GROUPS_PER_USER } from '../../quotas.js'
import { distinct } from '../../text.js'

/**
 * The names, each once. Their form is not checked, because a token or a trigger can carry a name that no group can have.
 *
 * @throws RolecastError `invalid-group-name` for one string in place of several, and for a name that is not a string
 */
export function distinctNames(groupNames: Iterable<string>): readonly string[] {
  if (typeof groupNames === 'string') {
    throw new RolecastError(
      'invalid-group-name',
      `the group names are one string, ${quote(groupNames)}; give them as an array`,
      { value: groupNames },
    )
  }
  if (typeof Object(groupNames)[Symbol.iterator] !== 'function')
    throw new RolecastError('invalid-input', `the group names are ${quote(groupNames)}; give an array of them`, {
      value: groupNames,
    })
  const names = distinct(groupNames)
  for (const groupName of names) if (typeof groupName !== 'string') throw invalidName(groupName)
  return names
}

/**
 * The names, each once.
 *
 * @throws RolecastError `invalid-group-name` for a name that no group can have
 */
export function validNames(groupNames: Iterable<string>): readonly string[] {
  const names = distinctNames(groupNames)
  for (const groupName of names) if (!isGroupName(groupName)) throw invalidName(groupName)
  return names
}

function invalidName(groupName: unknown): RolecastError {
  return new RolecastError(
    'invalid-group-name',
    `${quote(groupName)} is not a valid group name, which has 1 to 128 characters and no white space; check where the name comes from`,
    { value: groupName, ...(typeof groupName === 'string' && { groupName }) },
  )
}

/** What is wrong with the number of groups, if anything: no user of Cognito is in more than 100. */
export function tooManyNames(names: readonly string[]): RolecastError | undefined {
  if (names.length <= MAX_GROUPS_PER_USER) return undefined
  return new RolecastError(
    'invalid-input',
    `${names.length} group names are more than the ${MAX_GROUPS_PER_USER} that Cognito allows a user; check where they come from, or look them up in parts`,
    { value: names.length },
  )
}
