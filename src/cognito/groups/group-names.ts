import { quote, RolecastError } from '../../errors.js'
import { isGroupName } from '../../group.js'
import { distinct } from '../../text.js'

/** The names, each once. @throws RolecastError `invalid-group-name` */
export function distinctNames(groupNames: Iterable<string>): readonly string[] {
  if (typeof groupNames === 'string') {
    throw new RolecastError(
      'invalid-group-name',
      `${quote(groupNames)} is one string; give the group names as an array`,
      {
        value: groupNames,
      },
    )
  }
  const names = distinct(groupNames)
  for (const groupName of names) {
    if (!isGroupName(groupName)) {
      throw new RolecastError(
        'invalid-group-name',
        `${quote(groupName)} is not a valid group name, which has 1 to 128 characters and no white space; check where the name comes from`,
        { value: groupName, ...(typeof groupName === 'string' && { groupName }) },
      )
    }
  }
  return names
}
