import { quote, RolecastError } from '../../errors.js'
import { isGroupName } from '../../group.js'

/** The names, each once, all of them possible. */
export function distinctNames(groupNames: Iterable<string>): ReadonlySet<string> {
  if (typeof groupNames === 'string') {
    throw new RolecastError('invalid-group-name', `\`${groupNames}\` is one string; give the group names as an array`, {
      value: groupNames,
    })
  }
  const names = new Set(groupNames)
  for (const groupName of names) {
    if (!isGroupName(groupName)) {
      throw new RolecastError(
        'invalid-group-name',
        `${quote(groupName)} cannot be a group's name: Cognito takes 1 to 128 characters without white space; check where the name comes from`,
        { value: groupName, ...(typeof groupName === 'string' && { groupName }) },
      )
    }
  }
  return names
}
