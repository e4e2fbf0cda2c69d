import type { UserGroups } from '../group.js'

/** The beginning of a plain line: the username follows it. */
const HEAD = bytesOf('{"username":"')
const GROUPS = bytesOf('","groups":[')

/**
 * At most this many names and lists are cached. A line with another name is not plain; another list is made each time.
 */
const MAX_NAMES = 20_000
const MAX_LISTS = 5_000

export interface PlainReader {
  /**
   * The user of the line that begins at `start`, or undefined if the line is not plain.
   *
   * Repeated names are the same string, and repeated lists the same frozen array.
   */
  read(bytes: Buffer, start: number): UserGroups | undefined
  /** For the last line that was read: where the bytes of its username begin and end, and where the line ends. */
  readonly nameStart: number
  readonly nameEnd: number
  readonly end: number
}

/**
 * The short way through a file of memberships: nearly every line of a large one is, byte for byte,
 * `{"username":"…","groups":["…","…"]}` in printable ASCII without escapes. Such a line is plain, and gives the same
 * result here as with JSON.parse, without making a string of the whole line. Every other line goes to JSON.parse, which
 * may reject it.
 */
export function createPlainReader(): PlainReader {
  const names = createNames()
  // By hash. Of two lists with the same hash, only the first is cached.
  const lists = new Map<number, readonly string[]>()
  // The names of the current line.
  const members: string[] = []
  let nameStart = 0
  let nameEnd = 0
  let end = 0

  function read(bytes: Buffer, start: number): UserGroups | undefined {
    if (!isAt(bytes, start, HEAD)) return undefined
    nameStart = start + HEAD.length
    nameEnd = endOfPlain(bytes, nameStart)
    if (nameEnd === nameStart || !isAt(bytes, nameEnd, GROUPS)) return undefined
    const groups = readGroups(bytes, nameEnd + GROUPS.length)
    return groups && { username: bytes.toString('latin1', nameStart, nameEnd), groups }
  }

  /** The names from `at` on, up to the end of the line. */
  function readGroups(bytes: Buffer, at: number): readonly string[] | undefined {
    const { length } = bytes
    let count = 0
    let hashOfList = 0
    while (bytes[at] === QUOTE) {
      const from = at + 1
      let hash = 0
      let byte = 0
      for (at = from; at < length && (byte = bytes[at]!) !== QUOTE; at++) hash = (Math.imul(hash, 31) + byte) | 0
      const name = names.nameOf(bytes, from, at, hash)
      if (name === undefined) return undefined
      members[count++] = name
      hashOfList = (Math.imul(hashOfList, 1_000_003) + hash) | 0
      if (bytes[++at] !== COMMA) break
      if (bytes[++at] !== QUOTE) return undefined
    }
    if (bytes[at] !== CLOSING_BRACKET || bytes[at + 1] !== CLOSING_BRACE) return undefined
    end = at + 2
    if (end < length && bytes[end] !== LINE_FEED) return undefined
    return listOf(count, hashOfList & SMALL)
  }

  function listOf(count: number, hash: number): readonly string[] {
    const known = lists.get(hash)
    if (known !== undefined && isSameList(known, members, count)) return known
    const groups = members.slice(0, count)
    if (known === undefined && lists.size < MAX_LISTS) lists.set(hash, Object.freeze(groups))
    return groups
  }

  return {
    read,
    get nameStart() {
      return nameStart
    },
    get nameEnd() {
      return nameEnd
    },
    get end() {
      return end
    },
  }
}

/** More than twice as many as names, so that collisions are rare. */
const SLOTS = 2 ** 16
/** A name is looked for in at most this many slots, so that no input can make a search long. */
const PLACES = 8

/** The names that were read, as strings, found by their bytes. */
function createNames() {
  // The number of a name plus one, so that 0 is a free slot.
  const slots = new Uint16Array(SLOTS + PLACES)
  const hashes = new Int32Array(MAX_NAMES)
  const starts = new Uint32Array(MAX_NAMES + 1)
  const names: string[] = []
  let texts = new Uint8Array(2 ** 16)

  function isName(id: number, bytes: Buffer, from: number, to: number): boolean {
    let at = starts[id]!
    if (starts[id + 1]! - at !== to - from) return false
    for (let index = from; index < to; index++) if (texts[at++] !== bytes[index]) return false
    return true
  }

  function add(bytes: Buffer, from: number, to: number, hash: number): string | undefined {
    const id = names.length
    if (id === MAX_NAMES || endOfPlain(bytes, from) !== to) return undefined
    const start = starts[id]!
    const end = start + to - from
    if (end > texts.length) {
      const grown = new Uint8Array(end * 2)
      grown.set(texts)
      texts = grown
    }
    texts.set(bytes.subarray(from, to), start)
    starts[id + 1] = end
    hashes[id] = hash
    names.push(bytes.toString('latin1', from, to))
    return names[id]!
  }

  return {
    /** The name, or undefined if it is not plain or cannot be cached. */
    nameOf(bytes: Buffer, from: number, to: number, hash: number): string | undefined {
      const first = (hash ^ (hash >>> 16)) & (SLOTS - 1)
      for (let slot = first; slot < first + PLACES; slot++) {
        const id = slots[slot]! - 1
        if (id < 0) {
          const name = add(bytes, from, to, hash)
          if (name !== undefined) slots[slot] = names.length
          return name
        }
        if (hashes[id] === hash && isName(id, bytes, from, to)) return names[id]!
      }
      return undefined
    },
  }
}

const LINE_FEED = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const CLOSING_BRACKET = 0x5d
const CLOSING_BRACE = 0x7d

/** The bits of a hash that fit into a small integer, which needs no allocation. */
const SMALL = 0x3fff_ffff

/** The end of the bytes that stand for themselves in a JSON string. */
function endOfPlain(bytes: Buffer, from: number): number {
  const { length } = bytes
  let at = from
  for (; at < length; at++) {
    const byte = bytes[at]!
    if (byte < 0x20 || byte > 0x7e || byte === QUOTE || byte === BACKSLASH) break
  }
  return at
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text))
}

function isAt(bytes: Buffer, start: number, expected: Uint8Array): boolean {
  if (start + expected.length > bytes.length) return false
  for (let index = 0; index < expected.length; index++) if (bytes[start + index] !== expected[index]) return false
  return true
}

function isSameList(list: readonly string[], members: readonly string[], count: number): boolean {
  if (list.length !== count) return false
  for (let index = 0; index < count; index++) if (list[index] !== members[index]) return false
  return true
}
