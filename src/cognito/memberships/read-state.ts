import * as z from 'zod/mini'
import { RolecastError } from '../../errors.js'
import type { Group, UserGroups } from '../../group.js'
import { count, precedence, someText } from '../api/responses.js'
import { createMembershipTable } from './membership-table.js'
import type { Mutable } from '../../record.js'
import type { PoolChange } from '../../audit/pool-change.js'
import { firstIssue, readAs } from '../api/schema.js'
import { distinct } from '../../text.js'

const groupShape = z.object({
  groupName: someText,
  precedence: z.nullable(precedence),
  roleArn: z.nullable(z.string()),
  /** Milliseconds since the epoch. */
  createdAt: z.nullable(z.number()),
})
const usernamesShape = z.readonly(z.array(z.string()))
const tokenShape = z.nullable(someText)

/** What is read, a page at a time. A state is made of these, and a checkpoint has them. */
const readRecord = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('start'),
    strategy: z.enum(['per-group', 'per-user']),
    estimatedUsers: z.nullable(z.number().check(z.minimum(0))),
    groups: z.readonly(z.array(groupShape)),
  }),
  /** A page of ListUsers. */
  z.object({ kind: z.literal('users'), usernames: usernamesShape, next: tokenShape }),
  /** A page of ListUsersInGroup. */
  z.object({
    kind: z.literal('group'),
    group: count,
    usernames: usernamesShape,
    next: tokenShape,
    gone: z.optional(z.literal(true)),
  }),
  /** All groups of a user, whose id is the position at which the user was first seen. */
  z.object({
    kind: z.literal('user'),
    user: count,
    groups: z.readonly(z.array(z.string())),
    gone: z.optional(z.literal(true)),
  }),
  /** The groups, listed again. */
  z.object({ kind: z.literal('end'), groups: z.readonly(z.array(groupShape)) }),
])

export type ReadRecord = Readonly<z.infer<typeof readRecord>>
export type GroupRecord = Readonly<z.infer<typeof groupShape>>
export type StartRecord = Extract<ReadRecord, { kind: 'start' }>

/** @throws RolecastError `invalid-input` for anything that `readPool` does not write */
export function parseRecord(value: unknown): ReadRecord {
  const parsed = readAs(readRecord, value)
  if (parsed.success) return parsed.data
  throw unusable(firstIssue(parsed.error, value).note, value, parsed.error)
}

function unusable(note: string, value: unknown, cause?: unknown): RolecastError {
  return new RolecastError(
    'invalid-input',
    `the checkpoint has a record that cannot be used (${note}); remove the file to read the pool from its start`,
    { value, cause },
  )
}

/** Pages that are read in turn, each with the token of the next. */
export interface Pagination {
  /** Pages read. */
  readonly pages: number
  /** The token of the next page. Null before the first page and after the last. */
  readonly next: string | null
  readonly done: boolean
}

/** What was read of a pool so far. Only records change it, so a checkpoint's records lead to the same state again. */
export interface ReadState {
  /** @throws RolecastError `invalid-input` for a record that does not follow from the records before */
  apply(record: ReadRecord): void
  readonly pages: number
  readonly start: StartRecord | undefined
  /** The groups as listed at the end. */
  readonly end: readonly GroupRecord[] | undefined
  /** By group id. */
  readonly groupNames: readonly string[]
  readonly listing: Pagination
  paginationOf(groupId: number): Pagination
  /** The ids of users in the order ListUsers gives them. */
  readonly listed: readonly number[]
  /** Users seen. */
  readonly users: number
  username(userId: number): string
  /** Whether the user's own groups were requested. */
  isRead(userId: number): boolean
  /** Groups that appeared or were replaced by the end, and whose members were not read. */
  lateGroups(): readonly number[]
  /** Users that were seen in a group and not listed, sorted by name. */
  unlisted(): readonly number[]
  changes(): readonly PoolChange[]
  /** The users and groups that exist at the end. */
  memberships(): Generator<UserGroups, void>
}

export function createState(): ReadState {
  const table = createMembershipTable()
  const groupNames: string[] = []
  const groupIds = new Map<string, number>()
  const paginations: Mutable<Pagination>[] = []
  const listing: Mutable<Pagination> = { pages: 0, next: null, done: false }
  const listed: number[] = []
  const isListed = createFlags()
  const isRead = createFlags()
  const isGone = createFlags()
  const goneGroups = new Set<number>()
  const replaced = new Set<string>()
  /** Names that are in a list of the groups. */
  const named = new Set<string>()
  const late: number[] = []
  /** The groups in the response about a user that counts in place of what groups say of the user: it was requested later. */
  const groupsReportedByUser = new Map<number, readonly number[]>()
  let pages = 0
  let start: StartRecord | undefined
  let end: readonly GroupRecord[] | undefined

  function groupId(name: string): number {
    const known = groupIds.get(name)
    if (known !== undefined) return known
    groupIds.set(name, groupNames.length)
    paginations.push({ pages: 0, next: null, done: false })
    return groupNames.push(name) - 1
  }
  function advance(pagination: Mutable<Pagination>, next: string | null): void {
    pagination.pages++
    pagination.next = next
    pagination.done = next === null
  }
  function listUser(username: string): void {
    const userId = table.userId(username)
    if (isListed.set(userId)) listed.push(userId)
  }

  /** Whether the group that a name has at the end is another one than at the start, or may be. */
  function isReplaced(was: GroupRecord, is: GroupRecord): boolean {
    if (goneGroups.has(groupId(is.groupName)) || was.createdAt !== is.createdAt) return true
    // Where nothing says when it was created, a group that was given another role may be another group.
    return is.createdAt === null && !isSame(was, is)
  }

  function checkOrder(record: ReadRecord): void {
    const { kind } = record
    const follows =
      (kind === 'start') === (start === undefined) &&
      !(kind === 'end' && end !== undefined) &&
      !(kind === 'group' && record.group >= paginations.length) &&
      !(kind === 'user' && record.user >= table.size)
    if (!follows) throw unusable(`${kind}: it does not follow from the records before`, record)
  }

  return {
    apply(record) {
      checkOrder(record)
      pages++
      switch (record.kind) {
        case 'start':
          start = record
          for (const { groupName } of record.groups) {
            named.add(groupName)
            groupId(groupName)
          }
          return
        case 'users':
          record.usernames.forEach(listUser)
          return advance(listing, record.next)
        case 'group':
          for (const username of record.usernames) table.addMembership(table.userId(username), record.group)
          if (record.gone) {
            goneGroups.add(record.group)
            end = end?.filter(({ groupName }) => groupIds.get(groupName) !== record.group)
          }
          return advance(paginations[record.group]!, record.next)
        case 'user': {
          const groups = distinct(record.groups).map(groupId)
          if (record.gone) isGone.set(record.user)
          isRead.set(record.user)
          if (start?.strategy === 'per-group' || end !== undefined) groupsReportedByUser.set(record.user, groups)
          else for (const id of groups) table.addMembership(record.user, id)
          return
        }
        case 'end': {
          end = record.groups
          const before = new Map(start?.groups.map(group => [group.groupName, group]))
          for (const group of record.groups) {
            const { groupName } = group
            named.add(groupName)
            const was = before.get(groupName)
            if (was !== undefined && !isReplaced(was, group)) continue
            if (was !== undefined) replaced.add(groupName)
            // What was read of the group that had the name before is not of this one.
            groupIds.delete(groupName)
            late.push(groupId(groupName))
          }
        }
      }
    },
    get pages() {
      return pages
    },
    get start() {
      return start
    },
    get end() {
      return end
    },
    get users() {
      return table.size
    },
    groupNames,
    listing,
    listed,
    paginationOf: id => paginations[id]!,
    username: id => table.username(id),
    isRead: id => isRead.has(id),
    lateGroups: () => late.filter(id => !paginations[id]!.done),
    unlisted,
    changes() {
      const before = new Map((start?.groups ?? []).map(group => [group.groupName, group]))
      const after = new Map((end ?? []).map(group => [group.groupName, group]))
      const groupChanges = [...new Set([...before.keys(), ...after.keys()])].flatMap(
        (groupName): readonly PoolChange[] => {
          const [was, is] = [before.get(groupName), after.get(groupName)]
          if (is === undefined) return [{ change: 'group-vanished', groupName }]
          if (was === undefined) return [{ change: 'group-appeared', groupName }]
          if (replaced.has(groupName)) return [{ change: 'group-replaced', groupName }]
          return isSame(was, is) ? [] : [{ change: 'group-changed', groupName }]
        },
      )
      const unlistedGroups = [...new Set(groupNames)]
        .filter(groupName => !named.has(groupName))
        .map((groupName): PoolChange => ({ change: 'group-unlisted', groupName }))
      const vanished = [...listed, ...unlisted()]
        .filter(isGone.has)
        .map((id): PoolChange => ({ change: 'user-vanished', username: table.username(id) }))
      const appeared = unlisted()
        .filter(id => !isGone.has(id))
        .map((id): PoolChange => ({ change: 'user-appeared', username: table.username(id) }))
      return [...groupChanges, ...unlistedGroups, ...vanished, ...appeared]
    },
    *memberships() {
      const memberships = table.build()
      const live = createFlags()
      for (const { groupName } of end ?? []) live.set(groupIds.get(groupName)!)
      for (const id of (function* () {
        yield* listed
        yield* unlisted()
      })()) {
        if (isGone.has(id)) continue
        const groups = groupsReportedByUser.get(id)?.toSorted((a, b) => a - b) ?? memberships.groupsOf(id)
        yield {
          username: table.username(id),
          groups: Array.from(groups)
            .filter(live.has)
            .map(groupId => groupNames[groupId]!),
        }
      }
    },
  }

  function unlisted(): readonly number[] {
    const found: { readonly id: number; readonly username: string }[] = []
    for (let id = 0; id < table.size; id++) if (!isListed.has(id)) found.push({ id, username: table.username(id) })
    return found.toSorted((a, b) => (a.username < b.username ? -1 : 1)).map(({ id }) => id)
  }
}

function isSame(one: Group, other: Group): boolean {
  return one.precedence === other.precedence && one.roleArn === other.roleArn
}

/** A set of small numbers, an eighth of a byte each. */
function createFlags() {
  let bits = new Uint8Array(1024)
  const has = (index: number) => ((bits[index >> 3] ?? 0) & (1 << (index & 7))) !== 0
  return {
    has,
    /** False if it was set already. */
    set(index: number): boolean {
      if (has(index)) return false
      if (index >> 3 >= bits.length) {
        const more = new Uint8Array(2 ** Math.ceil(Math.log2((index >> 3) + 1)))
        more.set(bits)
        bits = more
      }
      bits[index >> 3]! |= 1 << (index & 7)
      return true
    },
  }
}
