import * as z from 'zod/mini'
import { RolecastError } from '../../errors.js'
import type { Group } from '../../group.js'
import { count, precedence, someText, wholeText } from '../api/responses.js'
import type { ListedDetails, ListedUser } from '../api/user-pool-api.js'
import { createMembershipTable } from './membership-table.js'
import { createDetailsTable } from './user-details.js'
import type { Mutable } from '../../record.js'
import type { PoolChange } from '../../audit/pool-change.js'
import type { PoolUser, UserDetails } from '../../audit/pool-user.js'
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
/** A time exactly as `toISOString` writes it. */
const timeShape = z.string().check(z.refine(isTime, 'expected a time like 2026-11-29T12:00:00.000Z'))

const details = {
  sub: z.optional(wholeText),
  enabled: z.optional(z.boolean()),
  status: z.optional(wholeText),
  /** One for each of the attributes of the start. */
  values: z.optional(z.readonly(z.array(z.nullable(wholeText)))),
}

/**
 * What is read, a page at a time. A state is made of these, and a checkpoint has them. The first has the time before its page
 * was read, and from `end` on, `at` is the time after each.
 */
const readRecord = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('start'),
    at: timeShape,
    poolName: z.nullable(wholeText),
    /** Of 12 digits. */
    account: z.nullable(wholeText),
    region: z.nullable(wholeText),
    strategy: z.enum(['per-group', 'per-user']),
    /** How many lists the users are read in: one of all, or one for each first digit of `sub`. */
    parts: z.literal([1, 16]),
    /** The attributes of users that are read, besides `sub`. */
    attributes: z.readonly(z.array(wholeText)),
    estimatedUsers: z.nullable(z.number().check(z.minimum(0))),
    groups: z.readonly(z.array(groupShape)),
  }),
  /** A page of ListUsers. */
  z.object({
    kind: z.literal('users'),
    part: count,
    users: z.readonly(z.array(z.object({ username: z.string(), ...details }))),
    next: tokenShape,
  }),
  /** A page of ListUsersInGroup. */
  z.object({
    kind: z.literal('group'),
    group: count,
    usernames: usernamesShape,
    next: tokenShape,
    gone: z.optional(z.literal(true)),
    at: z.optional(timeShape),
  }),
  /** All groups of a user, whose id is the position at which the user was first seen. */
  z.object({
    kind: z.literal('user'),
    user: count,
    groups: z.readonly(z.array(z.string())),
    gone: z.optional(z.literal(true)),
    at: z.optional(timeShape),
  }),
  /** What ListUsers says of a user that its pages do not have. */
  z.object({ kind: z.literal('details'), user: count, details: z.object(details), at: timeShape }),
  /** The groups, listed again. */
  z.object({ kind: z.literal('end'), groups: z.readonly(z.array(groupShape)), at: timeShape }),
])

export type ReadRecord = Readonly<z.infer<typeof readRecord>>
export type GroupRecord = Readonly<z.infer<typeof groupShape>>
export type StartRecord = Extract<ReadRecord, { kind: 'start' }>

function isTime(text: string): boolean {
  const time = Date.parse(text)
  return Number.isFinite(time) && new Date(time).toISOString() === text
}

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

/** How many lists the users are read in where there is more than one: a list for each first digit of `sub`. */
export const PARTS = 16

/** The first digit of `sub` of the users of a part. */
export function digitOf(part: number): string {
  return part.toString(16)
}

/** What was read of a pool so far. Only records change it, so a checkpoint's records lead to the same state again. */
export interface ReadState {
  /** @throws RolecastError `invalid-input` for a record that does not follow from the records before */
  apply(record: ReadRecord): void
  readonly pages: number
  readonly start: StartRecord | undefined
  /** The groups as listed at the end. */
  readonly end: readonly GroupRecord[] | undefined
  /** The time of the last page, once the groups were listed at the end. */
  readonly endedAt: string | undefined
  /** By group id. */
  readonly groupNames: readonly string[]
  /** The lists of users: one for each part and, if there are several, the list of all users after them. */
  readonly listings: readonly Pagination[]
  /** The list of all users. */
  readonly whole: Pagination
  /**
   * False once something read shows that the parts are not all users, or cost more than they should: a user in another part
   * than the `sub` says, or without a part; or pages that are nearly empty.
   */
  readonly isSplitSound: boolean
  /** Users that the list of all users has so far, and no part has. */
  notInParts(): readonly number[]
  /** Users listed so far, and in a part. */
  listedIn(part: number): number
  paginationOf(groupId: number): Pagination
  /** The ids of users in the order ListUsers gives them. */
  readonly listed: readonly number[]
  /** Users seen. */
  readonly users: number
  username(userId: number): string
  /** Users whose own groups were requested. */
  readonly usersRead: number
  /** Whether the user's own groups were requested. */
  isRead(userId: number): boolean
  /** Whether it is known what ListUsers says of the user, even if that is nothing. */
  hasDetails(userId: number): boolean
  /** Whether the user did not exist when the user's groups were requested. */
  isGone(userId: number): boolean
  /** Groups that appeared or were replaced by the end, and whose members were not read. */
  lateGroups(): readonly number[]
  /** Users that were seen in a group and not listed, sorted by name. */
  unlisted(): readonly number[]
  changes(): readonly PoolChange[]
  /** The users and groups that exist at the end. */
  memberships(): Generator<PoolUser, void>
}

export function createState(): ReadState {
  const table = createMembershipTable()
  const detailsTable = createDetailsTable()
  const groupNames: string[] = []
  const groupIds = new Map<string, number>()
  const paginations: Mutable<Pagination>[] = []
  const listings: Mutable<Pagination>[] = []
  const listed: number[] = []
  /** The users of each list in its order. */
  const lists: number[][] = []
  let isMisplaced = false
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
  let usersRead = 0
  let start: StartRecord | undefined
  let end: readonly GroupRecord[] | undefined
  let endedAt: string | undefined

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
  function listUser(part: number, { username, ...details }: ListedUser): void {
    const userId = table.userId(username)
    lists[part]!.push(userId)
    if (start!.parts > 1 && !isOfPart(part, details.sub)) isMisplaced = true
    detailsTable.set(userId, username, details)
    if (isListed.set(userId)) listed.push(userId)
  }
  /** What is known of a user, as it is handed out. */
  function detailsOf(userId: number, username: string): UserDetails {
    const { values, ...details } = detailsTable.get(userId, username) ?? {}
    if (values === undefined) return details
    const found = start!.attributes.flatMap((name, index) => {
      const value = values[index]
      return value == null ? [] : [[name, value] as const]
    })
    return { ...details, attributes: Object.fromEntries(found) }
  }

  /** Whether the group that a name has at the end is another one than at the start, or may be. */
  function isReplaced(was: GroupRecord, is: GroupRecord): boolean {
    if (goneGroups.has(groupId(is.groupName)) || was.createdAt !== is.createdAt) return true
    // Where nothing says when it was created, a group that was given another role may be another group.
    return is.createdAt === null && !isSame(was, is)
  }

  const hasValues = ({ values }: ListedDetails) => (values?.length ?? 0) === start!.attributes.length
  /** From the end on, each record has its time. */
  const isTimed = ({ at }: { readonly at?: string | undefined }) => (at === undefined) === (end === undefined)

  function follows(record: ReadRecord): boolean {
    if (record.kind === 'start') return start === undefined
    if (start === undefined) return false
    switch (record.kind) {
      case 'users':
        return end === undefined && record.part < listings.length && record.users.every(hasValues)
      case 'group':
        return record.group < paginations.length && isTimed(record)
      case 'user':
        return record.user < table.size && isTimed(record)
      case 'details':
        return end !== undefined && record.user < table.size && (isEmpty(record.details) || hasValues(record.details))
      case 'end':
        return end === undefined
    }
  }

  function checkOrder(record: ReadRecord): void {
    const { kind } = record
    if (!follows(record)) throw unusable(`${kind}: it does not follow from the records before`, record)
  }

  return {
    apply(record) {
      checkOrder(record)
      pages++
      if (record.kind !== 'start' && record.kind !== 'users' && record.at !== undefined) endedAt = record.at
      switch (record.kind) {
        case 'start':
          start = record
          for (let part = 0; part < (record.parts === 1 ? 1 : record.parts + 1); part++) {
            listings.push({ pages: 0, next: null, done: false })
            lists.push([])
          }
          for (const { groupName } of record.groups) {
            named.add(groupName)
            groupId(groupName)
          }
          return
        case 'users':
          for (const user of record.users) listUser(record.part, user)
          return advance(listings[record.part]!, record.next)
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
          if (isRead.set(record.user)) usersRead++
          if (start?.strategy === 'per-group' || end !== undefined) groupsReportedByUser.set(record.user, groups)
          else for (const id of groups) table.addMembership(record.user, id)
          return
        }
        case 'details':
          return detailsTable.set(record.user, table.username(record.user), record.details)
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
    get usersRead() {
      return usersRead
    },
    get endedAt() {
      return endedAt
    },
    groupNames,
    listings,
    get whole() {
      return listings.at(-1)!
    },
    get isSplitSound() {
      return !isMisplaced && !isSparse()
    },
    notInParts() {
      const inParts = createFlags()
      for (const list of lists.slice(0, -1)) for (const id of list) inParts.set(id)
      return lists.at(-1)!.filter(id => !inParts.has(id))
    },
    listedIn: part => lists[part]!.length,
    listed,
    paginationOf: id => paginations[id]!,
    username: id => table.username(id),
    isRead: id => isRead.has(id),
    hasDetails: id => detailsTable.get(id, '') !== undefined,
    isGone: id => isGone.has(id),
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
      const vanished = [...inOrder()]
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
      for (const id of inOrder()) {
        if (isGone.has(id)) continue
        const groups = groupsReportedByUser.get(id)?.toSorted((a, b) => a - b) ?? memberships.groupsOf(id)
        const username = table.username(id)
        yield {
          username,
          ...detailsOf(id, username),
          groups: Array.from(groups)
            .filter(live.has)
            .map(groupId => groupNames[groupId]!),
        }
      }
    },
  }

  /** Whether the parts have pages that are nearly empty: then each request looks at users of all parts. */
  function isSparse(): boolean {
    const parts = listings.slice(0, -1)
    const pages = parts.reduce((sum, { pages, done }) => sum + pages - (done ? 1 : 0), 0)
    if (pages < MANY_PAGES) return false
    const users = lists.slice(0, -1).reduce((sum, list) => sum + list.length, 0)
    const inWholePage = lists.at(-1)!.length / Math.max(1, listings.at(-1)!.pages)
    return users / pages < inWholePage / 2
  }

  /** Each user once: by part and within it as listed, or as in the list of all users where that is read; then the others by name. */
  function* inOrder(): Generator<number, void> {
    const isWholeRead = listings.at(-1)?.done === true
    const seen = createFlags()
    const whole = lists.slice(-1)
    const parts = lists.slice(0, -1)
    for (const list of isWholeRead ? [...whole, ...parts] : [...parts, ...whole])
      for (const id of list) if (seen.set(id)) yield id
    yield* unlisted()
  }

  function unlisted(): readonly number[] {
    const found: { readonly id: number; readonly username: string }[] = []
    for (let id = 0; id < table.size; id++) if (!isListed.has(id)) found.push({ id, username: table.username(id) })
    return found.toSorted((a, b) => (a.username < b.username ? -1 : 1)).map(({ id }) => id)
  }
}

function isEmpty(details: ListedDetails): boolean {
  return Object.keys(details).length === 0
}

/** So many pages show how full pages are. */
const MANY_PAGES = 32

/** Whether a user with this `sub` is in this part; of the list of all users, whether in any. */
function isOfPart(part: number, sub: string | undefined): boolean {
  return part === PARTS ? /^[0-9a-f]/.test(sub ?? '') : sub?.startsWith(digitOf(part)) === true
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
