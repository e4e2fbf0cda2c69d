import { quote, RolecastError } from '../../errors.js'
import { type Column, createColumn, createTexts } from './byte-columns.js'

/** Ids of groups, ascending and each once. A view into the table: it costs no copy. */
export type GroupIds = ArrayLike<number> & Iterable<number>

/**
 * Which users are in which groups, at the time of `build`: the groups of user `u` are `groupIds` from `offsets[u]` to
 * `offsets[u + 1]`.
 */
export interface Memberships {
  /** One more than there are users. */
  readonly offsets: Uint32Array
  /** One for each membership: ascending within a user, each once. */
  readonly groupIds: Uint16Array
  /** @throws RolecastError `invalid-input` for a user that the table did not have then */
  groupsOf(userId: number): GroupIds
}

/** Users and the groups they are in, in bytes instead of objects. */
export interface MembershipTable {
  /** How many users there are; their ids are 0 to `size - 1`, in the order they came. */
  readonly size: number
  /**
   * The id of a user, who is added if new. Names that differ in any code unit, in letter case or Unicode
   * normalisation for example, are two users.
   *
   * @throws RolecastError `malformed-response` for a lone surrogate: Cognito cannot have it, and UTF-8 cannot hold it
   */
  userId(username: string): number
  /** The same for a name in UTF-8. The bytes are not checked. */
  userIdOf(bytes: Buffer, start: number, end: number): number
  /** The id of a user, or undefined if the table does not have the user. */
  find(username: string): number | undefined
  /** @throws RolecastError `invalid-input` for an id that is not in the table */
  username(userId: number): string
  /**
   * Adds a user to a group. Adding it again changes nothing.
   *
   * @param groupId an integer in 0 .. 65 535; a user pool has at most 10 000 groups
   * @throws RolecastError `invalid-input` for any other group id, or a user id that is not in the table
   */
  addMembership(userId: number, groupId: number): void
  /** Sorts the memberships. What is added later is not in the result: build again. */
  build(): Memberships
}

/**
 * Makes an empty table for millions of users, all of it outside the JavaScript heap: at most 44 bytes a user besides the
 * name's own, and 12 a membership, while it is built. Not for a handful of users, for whom a Map is simpler.
 *
 * @param key two random words, kept secret from users: with them, a user could choose names that collide
 */
export function createMembershipTable(key: Uint32Array = crypto.getRandomValues(new Uint32Array(2))): MembershipTable {
  const names = createTexts()
  const memberUsers = createColumn(Uint32Array)
  const memberGroups = createColumn(Uint16Array)
  let encoded = Buffer.alloc(512)
  // In pairs: the hash of a name, and the user's id plus one, so that 0 is a free slot. A quarter is always free, so that a search
  // ends soon.
  let slots = new Uint32Array(2 * 1024)
  // The number of slots, minus one.
  let mask = 1023
  let size = 0

  /** Writes the name's bytes to `encoded`, and returns their number. */
  function encode(username: string): number {
    const most = username.length * 3
    if (encoded.length < most) encoded = Buffer.alloc(most)
    return encoded.write(username)
  }

  /** Where the pair of the name is, or the free one for it. */
  function search(bytes: Buffer, start: number, end: number, hash: number): number {
    let slot = hash & mask
    for (let entry = slots[2 * slot + 1]!; entry !== 0; entry = slots[2 * slot + 1]!) {
      if (slots[2 * slot] === hash && names.equals(entry - 1, bytes, start, end)) break
      slot = (slot + 1) & mask
    }
    return 2 * slot
  }

  function grow(): void {
    const old = slots
    slots = new Uint32Array(2 * old.length)
    mask = 2 * mask + 1
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] === 0) continue
      let slot = old[at]! & mask
      while (slots[2 * slot + 1] !== 0) slot = (slot + 1) & mask
      slots[2 * slot] = old[at]!
      slots[2 * slot + 1] = old[at + 1]!
    }
  }

  /** The id of a name, which is added if it is new. */
  function idOf(bytes: Buffer, start: number, end: number, hash: number): number {
    const place = search(bytes, start, end, hash)
    const entry = slots[place + 1]!
    if (entry !== 0) return entry - 1
    names.push(bytes, start, end)
    slots[place] = hash
    slots[place + 1] = ++size
    if (size * 4 > mask * 3) grow()
    return size - 1
  }

  return {
    get size() {
      return size
    },
    userId(username) {
      if (hasLoneSurrogate(username)) {
        throw new RolecastError(
          'malformed-response',
          'a username has half a character (a lone surrogate); check that the users really come from Cognito',
          { value: username },
        )
      }
      const length = encode(username)
      return idOf(encoded, 0, length, halfSipHash13(encoded, 0, length, key))
    },
    userIdOf: (bytes, start, end) => idOf(bytes, start, end, halfSipHash13(bytes, start, end, key)),
    find(username) {
      // In UTF-8 it would be the name with U+FFFD instead.
      if (hasLoneSurrogate(username)) return undefined
      const length = encode(username)
      const entry = slots[search(encoded, 0, length, halfSipHash13(encoded, 0, length, key)) + 1]!
      return entry === 0 ? undefined : entry - 1
    },
    username(userId) {
      checkUserId(userId, size)
      return names.text(userId)
    },
    addMembership(userId, groupId) {
      checkUserId(userId, size)
      if (!Number.isInteger(groupId) || groupId < 0 || groupId > 65_535) {
        throw new RolecastError(
          'invalid-input',
          `${quote(groupId)} is not a group id; give an integer from 0 to 65535`,
          {
            value: groupId,
          },
        )
      }
      memberUsers.push(userId)
      memberGroups.push(groupId)
    },
    build: () => sortMemberships(memberUsers, memberGroups, size),
  }
}

/** Two counting sorts, by group and then by user: the second keeps the order of the first. */
function sortMemberships(memberUsers: Column, memberGroups: Column, userCount: number): Memberships {
  const usersByGroup = new Uint32Array(memberUsers.length)
  const groupEnds = startsOf(memberGroups, 65_536)
  for (let i = 0; i < memberUsers.length; i++) usersByGroup[groupEnds[memberGroups.get(i)]!++] = memberUsers.get(i)

  const starts = startsOf(memberUsers, userCount)
  const ends = starts.slice()
  const groupIds = new Uint16Array(memberUsers.length)
  let group = 0
  for (let i = 0; i < usersByGroup.length; i++) {
    while (i >= groupEnds[group]!) group++
    const user = usersByGroup[i]!
    const end = ends[user]!
    // A row ascends, so a group that it has already is its last.
    if (end > starts[user]! && groupIds[end - 1] === group) continue
    groupIds[end] = group
    ends[user] = end + 1
  }
  return closeUp(groupIds, starts, ends)
}

/** Closes the gaps that repeated memberships leave. */
function closeUp(groupIds: Uint16Array, starts: Uint32Array, ends: Uint32Array): Memberships {
  const offsets = new Uint32Array(starts.length + 1)
  for (let user = 0; user < starts.length; user++) {
    groupIds.copyWithin(offsets[user]!, starts[user]!, ends[user]!)
    offsets[user + 1] = offsets[user]! + ends[user]! - starts[user]!
  }
  return {
    offsets,
    groupIds: groupIds.subarray(0, offsets.at(-1)),
    groupsOf(userId) {
      checkUserId(userId, starts.length)
      return groupIds.subarray(offsets[userId]!, offsets[userId + 1]!)
    },
  }
}

/** For each value below `limit`, how many entries of the column are less. */
function startsOf(column: Column, limit: number): Uint32Array {
  const starts = new Uint32Array(limit)
  for (let i = 0; i < column.length; i++) starts[column.get(i)]!++
  let total = 0
  for (let value = 0; value < limit; value++) {
    const count = starts[value]!
    starts[value] = total
    total += count
  }
  return starts
}

function checkUserId(userId: number, size: number): void {
  if (Number.isInteger(userId) && userId >= 0 && userId < size) return
  throw new RolecastError(
    'invalid-input',
    `${quote(userId)} is not a user id of this table; get one with \`userId(username)\``,
    { value: userId },
  )
}

function hasLoneSurrogate(text: string): boolean {
  return !text.isWellFormed()
}

/**
 * HalfSipHash-1-3: without the key, colliding bytes cannot be found, which a hash with only a seed does not guarantee. For
 * tables only, never for signatures.
 *
 * @returns an unsigned integer of 32 bits
 * @see https://www.aumasson.jp/siphash/siphash.pdf
 */
export function halfSipHash13(bytes: Uint8Array, start: number, end: number, key: Uint32Array): number {
  const [k0 = 0, k1 = 0] = key
  let v0 = k0 | 0
  let v1 = k1 | 0
  let v2 = 0x6c796765 ^ k0
  let v3 = 0x74656462 ^ k1
  const last = start + ((end - start) & ~3)
  // A round for each word, the last of them with the length in its highest byte, and three to finish.
  for (let at = start; at <= last + 12; at += 4) {
    const word = at < last ? wordAt(bytes, at) : at === last ? restAt(bytes, last, end) | ((end - start) << 24) : 0
    if (at === last + 4) v2 ^= 0xff
    v3 ^= word
    v0 = (v0 + v1) | 0
    v1 = rotate(v1, 5) ^ v0
    v0 = rotate(v0, 16)
    v2 = (v2 + v3) | 0
    v3 = rotate(v3, 8) ^ v2
    v0 = (v0 + v3) | 0
    v3 = rotate(v3, 7) ^ v0
    v2 = (v2 + v1) | 0
    v1 = rotate(v1, 13) ^ v2
    v2 = rotate(v2, 16)
    v0 ^= word
  }
  return (v1 ^ v3) >>> 0
}

/** Little-endian. */
function wordAt(bytes: Uint8Array, at: number): number {
  return bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
}

/** The same of the fewer bytes at the end. */
function restAt(bytes: Uint8Array, start: number, end: number): number {
  let word = 0
  for (let at = start, by = 0; at < end; at++, by += 8) word |= bytes[at]! << by
  return word
}

function rotate(word: number, by: number): number {
  return (word << by) | (word >>> (32 - by))
}
