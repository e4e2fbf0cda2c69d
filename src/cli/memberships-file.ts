import { isUtf8 } from 'node:buffer'
import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { createMembershipTable } from '../cognito/memberships/membership-table.js'
import { isRolecastError, RolecastError, quote } from '../errors.js'
import type { UserGroups } from '../group.js'
import { lineBatches } from './lines.js'

/** So much of a file is read at once. */
const BATCH_BYTES = 2 ** 16

/**
 * The users of a file with a line of JSON each, `{"username":"alice","groups":["a","b"]}`, as many at once as are read
 * together. What else a line says is not looked at; blank lines are skipped.
 *
 * @param path `-` is `stdin`
 * @throws RolecastError `invalid-input` with the number of the line: other JSON, not UTF-8, or a repeated user
 */
export async function* readMemberships(path: string, stdin: Readable): AsyncGenerator<readonly UserGroups[]> {
  const seen = createMembershipTable()
  const readUser = createUserReader()
  const input = path === '-' ? stdin : createReadStream(path, { highWaterMark: BATCH_BYTES })
  for await (const { bytes, first } of lineBatches(input)) {
    const users: UserGroups[] = []
    let start = first === 1 && bytes.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0
    for (let lineNumber = first; start <= bytes.length; lineNumber++) {
      const feed = bytes.indexOf(0x0a, start)
      const end = feed < 0 ? bytes.length : feed
      const user = readUser(bytes, start, end, lineNumber)
      if (user !== undefined) {
        addOnce(seen, user.username, lineNumber)
        users.push(user)
      }
      start = end + 1
    }
    yield users
  }
}

/** A byte order mark. */
const MARK = Buffer.from('\ufeff')

/** How nearly every line begins, and how it goes on after the username. */
const HEAD = Buffer.from('{"username":"')
const GROUPS = ',"groups":'

/** Usernames that are the same in JSON, in ASCII and in UTF-8. */
const PLAIN = /^[\w.@+=:-]+$/

/** So many different group lists of users are cached; later ones are parsed each time. */
const MAX_CACHED_LISTS = 5_000

/**
 * Reads the user of a line; undefined where there is none. Where many users are in the same groups, what a line says of
 * them is parsed once: after the username it is, byte for byte, what another line had. Lists that come again are one frozen array.
 */
function createUserReader() {
  const cached = new Map<string, readonly string[]>()

  function groupsIn(rest: string): readonly string[] | undefined {
    const known = cached.get(rest)
    if (known !== undefined || cached.size >= MAX_CACHED_LISTS) return known
    // All between is one JSON array: nothing after it can take back what came before.
    const groups =
      rest.startsWith(GROUPS) && rest.endsWith(']}') && ASCII.test(rest)
        ? tryParse(rest.slice(GROUPS.length, -1))
        : undefined
    if (!isNames(groups)) return undefined
    cached.set(rest, Object.freeze(groups))
    return groups
  }

  return (bytes: Buffer, start: number, end: number, lineNumber: number): UserGroups | undefined => {
    if (beginsWith(bytes, start, HEAD)) {
      const quote = bytes.indexOf(0x22, start + HEAD.length)
      if (quote > 0 && quote < end) {
        const username = bytes.toString('latin1', start + HEAD.length, quote)
        const groups = PLAIN.test(username) ? groupsIn(bytes.toString('latin1', quote + 1, end)) : undefined
        if (groups !== undefined) return { username, groups }
      }
    }
    return parseUser(bytes.subarray(start, end), lineNumber)
  }
}

function beginsWith(bytes: Buffer, start: number, head: Buffer): boolean {
  for (let index = 0; index < head.length; index++) if (bytes[start + index] !== head[index]) return false
  return true
}

const ASCII = /^[\x20-\x7e]*$/

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const BLANK = /^[ \t\r]*$/

const EXAMPLE = '{"username":"alice","groups":["a","b"]}'

function parseUser(bytes: Buffer, lineNumber: number): UserGroups | undefined {
  if (!isUtf8(bytes)) throw invalid(lineNumber, 'is not UTF-8; write it in UTF-8', bytes)
  const line = bytes.toString('utf8')
  if (BLANK.test(line)) return undefined
  let user: Partial<UserGroups> | null
  try {
    user = JSON.parse(line)
  } catch (cause) {
    if (bytes.includes(0)) throw invalid(lineNumber, 'has NUL bytes, as UTF-16 has; write it in UTF-8', line, cause)
    throw invalid(lineNumber, `is not JSON; write a user a line, like ${EXAMPLE}`, line, cause)
  }
  if (typeof user?.username !== 'string' || user.username === '')
    throw invalid(lineNumber, `has no \`username\`; write a user a line, like ${EXAMPLE}`, line)
  if (!isNames(user.groups))
    throw invalid(lineNumber, `has no list of names as \`groups\`; write a user a line, like ${EXAMPLE}`, line)
  return { username: user.username, groups: user.groups }
}

function isNames(value: unknown): value is readonly string[] {
  if (!Array.isArray(value)) return false
  for (const name of value) if (typeof name !== 'string') return false
  return true
}

/** A user on two lines would get two results, and be counted twice. */
function addOnce(seen: ReturnType<typeof createMembershipTable>, username: string, lineNumber: number): void {
  const users = seen.size
  try {
    seen.userId(username)
  } catch (cause) {
    if (isRolecastError(cause))
      throw invalid(lineNumber, 'has a username that is not valid text; check what wrote it', username, cause)
    throw cause
  }
  if (seen.size === users)
    throw invalid(lineNumber, `has the user ${quote(username)} again; write all groups of a user in one line`, username)
}

function invalid(lineNumber: number, what: string, value: unknown, cause?: unknown): RolecastError {
  return new RolecastError('invalid-input', `line ${lineNumber} of the memberships ${what}`, { value, cause })
}
