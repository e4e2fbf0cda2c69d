import type { UserGroups } from '../group.js'

/** How a plain line begins: where the username stands in it. */
const HEAD = bytesOf('{"username":"')
const GROUPS = bytesOf('","groups":[')

/** At most so many names and lists are known; a line with another name is not plain, and another list is made each time. */
const MAX_NAMES = 20_000
const MAX_LISTS = 5_000

export interface PlainReader {
  /**
   * The user of the line that begins at `start`, or undefined where the line is not plain.
   *
   * Names are the same strings wherever they come again, and lists the same frozen array.
   */
  read(bytes: Buffer, start: number): UserGroups | undefined
  /** Of the line that was read last: where the bytes of its username begin and end, and where it ends itself. */
  readonly nameStart: number
  readonly nameEnd: number
  readonly end: number
}

/**
 * The short way through a file of memberships: nearly every line of a large one is, byte for byte,
 * `{"username":"…","groups":["…","…"]}` in printable ASCII without escapes. Such a line is plain, and says here what JSON.parse
 * says of it, without a text being made of the whole. Every other line is for JSON.parse, which rejects it or not.
 */
export function createPlainReader(): PlainReader {
  // By hash. Of two names with one hash only the first is known, so that nobody can make a search long.
  const names = new Map<number, string>()
  const lists = new Map<number, readonly string[]>()
  // The names of the line at hand.
  const members: string[] = []
  let nameStart = 0
  let nameEnd = 0
  let end = 0

  function read(bytes: Buffer, start: number): UserGroups | undefined {
    if (!isAt(bytes, start, HEAD)) return undefined
    nameStart = start + HEAD.length
    nameEnd = endOfString(bytes, nameStart)
    if (nameEnd === nameStart || !isPlain(bytes, nameStart, nameEnd) || !isAt(bytes, nameEnd, GROUPS)) return undefined
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
      const name = nameOf(bytes, from, at, hash & SMALL)
      if (name === undefined) return undefined
      members[count++] = name
      hashOfList = (Math.imul(hashOfList, 1_000_003) + hash) | 0
      if (bytes[++at] !== COMMA) break
      if (bytes[++at] !== QUOTE) return undefined
    }
    if (bytes[at] !== CLOSING_BRACKET || bytes[at + 1] !== CLOSING_BRACE) return undefined
    end = at + 2
    if (end < length && bytes[end] !== LINE_FEED) return undefined
    return listOf(members.slice(0, count), hashOfList & SMALL)
  }

  function nameOf(bytes: Buffer, from: number, to: number, hash: number): string | undefined {
    const known = names.get(hash)
    if (known !== undefined) return isText(bytes, from, to, known) ? known : undefined
    if (names.size >= MAX_NAMES || !isPlain(bytes, from, to)) return undefined
    const name = bytes.toString('latin1', from, to)
    names.set(hash, name)
    return name
  }

  function listOf(groups: readonly string[], hash: number): readonly string[] {
    const known = lists.get(hash)
    if (known !== undefined) return isSameList(known, groups) ? known : groups
    if (lists.size < MAX_LISTS) lists.set(hash, Object.freeze(groups))
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

const LINE_FEED = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c
const BACKSLASH = 0x5c
const CLOSING_BRACKET = 0x5d
const CLOSING_BRACE = 0x7d

/** The bits of a hash that make a small integer, which needs no memory of its own. */
const SMALL = 0x3fff_ffff

function endOfString(bytes: Buffer, from: number): number {
  const { length } = bytes
  let at = from
  while (at < length && bytes[at] !== QUOTE) at++
  return at
}

/** Whether all bytes in a string of JSON are the characters that they look like. */
function isPlain(bytes: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    const byte = bytes[at]!
    if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return false
  }
  return true
}

function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(Buffer.from(text))
}

function isAt(bytes: Buffer, start: number, expected: Uint8Array): boolean {
  if (start + expected.length > bytes.length) return false
  for (let index = 0; index < expected.length; index++) if (bytes[start + index] !== expected[index]) return false
  return true
}

function isText(bytes: Buffer, from: number, to: number, text: string): boolean {
  if (text.length !== to - from) return false
  for (let index = 0; index < text.length; index++) if (bytes[from + index] !== text.charCodeAt(index)) return false
  return true
}

function isSameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((name, index) => name === b[index])
}
