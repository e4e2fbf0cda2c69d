import { quote } from '../errors.js'

/** What changed, or did not fit, while a pool was read: what was read of it is not of one moment. */
export type PoolChange =
  /** Listed among the users, and gone when asked for. */
  | { readonly change: 'user-vanished'; readonly username: string }
  /** In a group, and not listed among the users. */
  | { readonly change: 'user-appeared'; readonly username: string }
  | { readonly change: 'group-vanished'; readonly groupName: string }
  | { readonly change: 'group-appeared'; readonly groupName: string }
  /** Its precedence or role is another at the end than it was at the start. */
  | { readonly change: 'group-changed'; readonly groupName: string }
  /** It was deleted and created again: the group at the end is another one with the same name. */
  | { readonly change: 'group-replaced'; readonly groupName: string }
  /** A user was in it, and no list of the groups has it. It does not count. */
  | { readonly change: 'group-unlisted'; readonly groupName: string }

/** Says in one sentence what changed while a pool was read. Hidden characters in names are escaped. */
export function describeChange(change: PoolChange): string {
  switch (change.change) {
    case 'user-vanished':
      return `The user ${quote(change.username)} was listed, and gone when asked for.`
    case 'user-appeared':
      return `The user ${quote(change.username)} is in a group, and was not listed among the users.`
    case 'group-vanished':
      return `The group ${quote(change.groupName)} was there at the start, and gone at the end.`
    case 'group-appeared':
      return `The group ${quote(change.groupName)} was not there at the start, and there at the end.`
    case 'group-changed':
      return `The group ${quote(change.groupName)} had another precedence or role at the end than at the start.`
    case 'group-unlisted':
      return `The group ${quote(change.groupName)} was named for a user, and is in no list of the groups; it does not count.`
    case 'group-replaced':
      return `The group ${quote(change.groupName)} was deleted and created again; its members were read again.`
  }
}
