import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { createMembershipTable } from '../cognito/membership-table.js'
import { isRolecastError, RolecastError } from '../errors.js'
import type { UserGroups } from '../group.js'
import { lineBatches } from './lines.js'

/** So much of a file is read at once. */
const BATCH_BYTES = 2 ** 20

/**
 * The users of a file with a line of JSON each, `{"username":"alice","groups":["a","b"]}`, as many at once as are read
 * together. What else a line says is not looked at; blank lines are skipped.
 *
 * @param path `-` is `stdin`
 * @throws RolecastError `invalid-input` with the number of the line: another JSON, no UTF-8, or a user who was there before
 */
export async function* readMemberships(path: string, stdin: Readable): AsyncGenerator<readonly UserGroups[]> {
  const seen = createMembershipTable()
  const input = path === '-' ? stdin : createReadStream(path, { highWaterMark: BATCH_BYTES })
  for await (const { lines, first } of lineBatches(input)) {
    const users: UserGroups[] = []
    for (let index = 0; index < lines.length; index++) {
      const line = lines[index]!
      if (BLANK.test(line)) continue
      const user = parseUser(line, first + index)
      addOnce(seen, user.username, first + index)
      users.push(user)
    }
    yield users
  }
}

const BLANK = /^[ \t\r]*$/

const EXAMPLE = '{"username":"alice","groups":["a","b"]}'

function parseUser(line: string, lineNumber: number): UserGroups {
  let user: Partial<UserGroups> | null
  try {
    user = JSON.parse(line)
  } catch (cause) {
    throw invalid(lineNumber, `is not JSON; write a user a line, like ${EXAMPLE}`, line, cause)
  }
  if (typeof user?.username !== 'string' || user.username === '') throw invalid(lineNumber, `has no \`username\`; write a user a line, like ${EXAMPLE}`, line)
  if (!isNames(user.groups)) throw invalid(lineNumber, `has no list of names as \`groups\`; write a user a line, like ${EXAMPLE}`, line)
  return user as UserGroups
}

function isNames(value: unknown): value is readonly string[] {
  if (!Array.isArray(value)) return false
  for (const name of value) if (typeof name !== 'string') return false
  return true
}

/** A user on two lines would get two answers, and be counted twice. */
function addOnce(seen: ReturnType<typeof createMembershipTable>, username: string, lineNumber: number): void {
  const users = seen.size
  try {
    seen.userId(username)
  } catch (cause) {
    if (isRolecastError(cause)) throw invalid(lineNumber, 'has a username that is no text; check what wrote it', username, cause)
    throw cause
  }
  if (seen.size === users) throw invalid(lineNumber, `has the user \`${username}\` again; write all groups of a user in one line`, username)
}

function invalid(lineNumber: number, what: string, value: unknown, cause?: unknown): RolecastError {
  return new RolecastError('invalid-input', `line ${lineNumber} of the memberships ${what}`, { value, cause })
}
