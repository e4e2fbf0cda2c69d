import { quote } from '../errors.js'

/** A change or contradiction that was noticed while a pool was read: reading it is not a snapshot of one moment. */
export type PoolChange =
  /** Listed among the users, and gone when asked for. */
  | { readonly change: 'user-vanished'; readonly username: string }
  /** In a group, but not listed among the users. */
  | { readonly change: 'user-appeared'; readonly username: string }
  | { readonly change: 'group-vanished'; readonly groupName: string }
  | { readonly change: 'group-appeared'; readonly groupName: string }
  /** Its precedence or role at the end differs from the one at the start. */
  | { readonly change: 'group-changed'; readonly groupName: string }
  /** It was deleted and recreated: the group at the end is a different one with the same name. */
  | { readonly change: 'group-replaced'; readonly groupName: string }
  /** A user was in it, but no list of the groups has it. It is ignored. */
  | { readonly change: 'group-unlisted'; readonly groupName: string }

/**
 * One sentence about what changed while a pool was read. Hidden characters in names are escaped.
 *
 * @example
 * import { describeChange } from 'rolecast'
 *
 * console.log(describeChange({ change: 'group-vanished', groupName: 'admins' })) // The group `admins` existed at the start, but not at the end.
 */
export function describeChange(change: PoolChange): string {
  switch (change.change) {
    case 'user-vanished':
      return `The user ${quote(change.username)} was listed, but was gone when it was read.`
    case 'user-appeared':
      return `The user ${quote(change.username)} is in a group, but was not listed among the users.`
    case 'group-vanished':
      return `The group ${quote(change.groupName)} existed at the start, but not at the end.`
    case 'group-appeared':
      return `The group ${quote(change.groupName)} existed at the end, but not at the start.`
    case 'group-changed':
      return `The group ${quote(change.groupName)} had a different precedence or role at the end than at the start.`
    case 'group-unlisted':
      return `The group ${quote(change.groupName)} was reported for a user, but is in no list of the groups; it is ignored.`
    case 'group-replaced':
      return `The group ${quote(change.groupName)} was deleted and recreated; its members were read again.`
  }
}
