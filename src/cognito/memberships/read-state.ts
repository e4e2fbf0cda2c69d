import * as z from 'zod/mini'
import { RolecastError } from '../../errors.js'
import type { Group, UserGroups } from '../../group.js'
import { count, precedence, someText } from '../api/responses.js'
import { createMembershipTable } from './membership-table.js'
import type { Mutable } from '../../record.js'
import type { PoolChange } from '../../audit/pool-change.js'
import { firstIssue, readAs } from '../api/schema.js'

const groupShape = z.object({
  groupName: someText,
  precedence: z.nullable(precedence),
  roleArn: z.nullable(z.string()),
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
export type StartRecord = Extract<ReadRecord, { kind: 'start' }>

/** @throws RolecastError `invalid-input` for anything that `readPool` does not write */
export function parseRecord(value: unknown): ReadRecord {
  const parsed = readAs(readRecord, value)
  if (parsed.success) return parsed.data
  const { note } = firstIssue(parsed.error, value)
  throw new RolecastError(
    'invalid-input',
    `the checkpoint has a record that cannot be used (${note}); remove the file to read the pool from its start`,
    {
      value,
      cause: parsed.error,
    },
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
  apply(record: ReadRecord): void
  readonly pages: number
  readonly start: StartRecord | undefined
  /** The groups as listed at the end. */
  readonly end: readonly Group[] | undefined
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
  /** Groups that exist at the end and whose members were not read. */
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
  /** The groups in the response about a user, requested after the user was seen in groups. */
  const groupsReportedByUser = new Map<number, readonly number[]>()
  let pages = 0
  let start: StartRecord | undefined
  let end: readonly Group[] | undefined

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

  return {
    apply(record) {
      pages++
      switch (record.kind) {
        case 'start':
          start = record
          for (const group of record.groups) groupId(group.groupName)
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
          const groups = record.groups.map(groupId)
          if (record.gone) isGone.set(record.user)
          isRead.set(record.user)
          if (start?.strategy === 'per-group') groupsReportedByUser.set(record.user, groups)
          else for (const id of groups) table.addMembership(record.user, id)
          return
        }
        case 'end':
          end = record.groups
          for (const { groupName } of record.groups) {
            // It was deleted and created again: that is another group.
            if (goneGroups.has(groupId(groupName))) groupIds.delete(groupName)
            groupId(groupName)
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
    lateGroups: () => (end ?? []).map(group => groupId(group.groupName)).filter(id => !paginations[id]!.done),
    unlisted,
    changes() {
      const before = new Map((start?.groups ?? []).map(group => [group.groupName, group]))
      const after = new Map((end ?? []).map(group => [group.groupName, group]))
      const goneNames = new Set([...goneGroups].map(id => groupNames[id]!))
      const groupChanges = [...new Set([...before.keys(), ...after.keys()])].flatMap(
        (groupName): readonly PoolChange[] => {
          const [was, is] = [before.get(groupName), after.get(groupName)]
          if (is === undefined) return [{ change: 'group-vanished', groupName }]
          if (was === undefined) return [{ change: 'group-appeared', groupName }]
          const same = was.precedence === is.precedence && was.roleArn === is.roleArn && !goneNames.has(groupName)
          return same ? [] : [{ change: 'group-changed', groupName }]
        },
      )
      const vanished = [...listed, ...unlisted()]
        .filter(isGone.has)
        .map((id): PoolChange => ({ change: 'user-vanished', username: table.username(id) }))
      const appeared = unlisted()
        .filter(id => !isGone.has(id))
        .map((id): PoolChange => ({ change: 'user-appeared', username: table.username(id) }))
      return [...groupChanges, ...vanished, ...appeared]
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
