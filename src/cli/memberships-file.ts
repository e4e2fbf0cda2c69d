import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import { createMembershipTable } from '../cognito/memberships/membership-table.js'
import { isRolecastError, RolecastError, quote } from '../errors.js'
import type { PoolUser, UserDetails } from '../audit/pool-user.js'
import { type Mutable, ownValue } from '../record.js'
import { openInput } from './input-file.js'
import { lineBatches, unreadable } from './lines.js'
import { createPlainReader } from './plain-lines.js'

/** How much of a file is read in one call, in bytes. */
const BATCH_BYTES = 2 ** 18

/** The users in one batch. More would survive a garbage collection, which doubles the cost. */
const YIELDED = 256

/**
 * The users of a file with a line of JSON each, `{"username":"alice","groups":["a","b"]}`, in the batches in which they
 * are read. `sub`, `enabled`, `status` and `attributes` are used if a line has them, and its `unknownGroups` are
 * groups; other keys are ignored. Blank lines are skipped.
 *
 * The NDJSON of an audit is such a file, if it is complete.
 *
 * @param path `-` is `stdin`
 * @param userPoolId that of the groups, if known: an audit of another pool is rejected
 * @throws RolecastError `invalid-input` with the number of the line: other JSON, not UTF-8, a repeated user, or an audit that lacks
 *   users
 */
export async function* readMemberships(
  path: string,
  stdin: Readable,
  userPoolId?: string,
): AsyncGenerator<readonly PoolUser[]> {
  const seen = createMembershipTable()
  const plain = createPlainReader()
  const frame = createAuditFrame(userPoolId)
  const input = await openInput(path, stdin, BATCH_BYTES).catch(cause => {
    throw unreadable(cause)
  })
  for await (const { bytes, first } of lineBatches(input)) {
    let users: PoolUser[] = []
    let start = first === 1 && bytes.subarray(0, MARK.length).equals(MARK) ? MARK.length : 0
    for (let lineNumber = first; start <= bytes.length; lineNumber++) {
      const user = plain.read(bytes, start)
      if (user !== undefined) {
        frame.user(lineNumber)
        const { size } = seen
        seen.userIdOf(bytes, plain.nameStart, plain.nameEnd)
        if (seen.size === size) throw repeated(lineNumber, user.username)
        users.push(user)
        start = plain.end + 1
        if (users.length === YIELDED) {
          yield users
          users = []
        }
        continue
      }
      const feed = bytes.indexOf(0x0a, start)
      const end = feed < 0 ? bytes.length : feed
      const line = parseLine(bytes.subarray(start, end), lineNumber)
      if (isUser(line)) {
        frame.user(lineNumber)
        addOnce(seen, line.username, lineNumber)
        users.push(line)
      } else if (line !== undefined) frame.line(line, lineNumber)
      start = end + 1
    }
    yield users
  }
  frame.end()
}

/** The first line of an audit's NDJSON, or the last one. */
type FrameLine = { readonly audit: object } | { readonly summary: object }

function isUser(line: PoolUser | FrameLine | undefined): line is PoolUser {
  return line !== undefined && 'username' in line
}

/** Whether all lines of an audit are there: a missing user would look like one without findings. */
function createAuditFrame(userPoolId: string | undefined) {
  let users = 0
  let state: 'none' | 'open' | 'closed' = 'none'

  function open(audit: object, lineNumber: number): void {
    const version = ownValue(audit, 'version')
    if (version !== 1) {
      const what = `belongs to an audit of version ${quote(version)}, but this version of rolecast reads version 1; update rolecast`
      throw invalid(lineNumber, what, version)
    }
    const reading = ownValue(audit, 'reading')
    const ofPool = isObject(reading) ? ownValue(reading, 'userPoolId') : undefined
    if (userPoolId !== undefined && ofPool !== undefined && ofPool !== userPoolId) {
      const what = `belongs to an audit of user pool ${quote(ofPool)}, but the groups belong to ${quote(userPoolId)}; give both for the same pool`
      throw invalid(lineNumber, what, ofPool)
    }
    const only = ownValue(audit, 'onlyUsersOf')
    if (only !== undefined) {
      const what =
        'belongs to an audit that wrote only the users of some findings; give an audit with all users, or only the lines of these users'
      throw invalid(lineNumber, what, only)
    }
    if (state !== 'none' || users > 0)
      throw invalid(lineNumber, 'begins an audit after other lines; give only the lines of one audit', audit)
    state = 'open'
  }

  function close(summary: object, lineNumber: number): void {
    if (state !== 'open')
      throw invalid(lineNumber, 'is the end of an audit whose first line is missing; give the whole file', summary)
    const expected = ownValue(summary, 'users')
    if (expected !== users) {
      const what = `is the end of an audit of ${quote(expected)} users, of which the file has ${users}; give all lines of the audit, or only the lines of the users, without its first and last line`
      throw invalid(lineNumber, what, expected)
    }
    state = 'closed'
  }

  return {
    user(lineNumber: number): void {
      if (state === 'closed')
        throw invalid(lineNumber, 'comes after the end of an audit; give only the lines of one audit', undefined)
      users++
    },
    line(line: FrameLine, lineNumber: number): void {
      if ('audit' in line) open(line.audit, lineNumber)
      else close(line.summary, lineNumber)
    },
    end(): void {
      if (state !== 'open') return
      const message =
        'the memberships are an audit without its last line, the summary, so users may be missing; run that audit again'
      throw new RolecastError('invalid-input', message)
    },
  }
}

/** A byte order mark. */
const MARK = Buffer.from('\ufeff')

const BLANK = /^[ \t\r]*$/

const EXAMPLE = '{"username":"alice","groups":["a","b"]}'

function parseLine(bytes: Buffer, lineNumber: number): PoolUser | FrameLine | undefined {
  if (!isUtf8(bytes)) throw invalid(lineNumber, 'is not UTF-8; write it in UTF-8', bytes)
  const text = bytes.toString('utf8')
  if (BLANK.test(text)) return undefined
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch (cause) {
    if (bytes.includes(0)) throw invalid(lineNumber, 'has NUL bytes, as UTF-16 has; write it in UTF-8', text, cause)
    throw invalid(lineNumber, `is not JSON; write one user per line, such as ${EXAMPLE}`, text, cause)
  }
  return toUser(line, (what: string) => invalid(lineNumber, what, text))
}

function toUser(line: unknown, invalidLine: (what: string) => RolecastError): PoolUser | FrameLine {
  const own = (key: string) => (isObject(line) ? ownValue(line, key) : undefined)
  if (isObject(line)) checkSpelling(line, invalidLine)
  const username = own('username')
  if (username === undefined) {
    const [audit, summary] = [own('audit'), own('summary')]
    if (isObject(audit)) return { audit }
    if (isObject(summary)) return { summary }
  }
  if (typeof username !== 'string' || username === '')
    throw invalidLine(`has no \`username\`; write one user per line, such as ${EXAMPLE}`)
  const [groups, unknownGroups = []] = [own('groups'), own('unknownGroups')]
  if (!isNames(groups))
    throw invalidLine(`has no list of names as \`groups\`; write one user per line, such as ${EXAMPLE}`)
  if (!isNames(unknownGroups)) throw invalidLine('has no list of names as `unknownGroups`; correct it or leave it out')
  return {
    username,
    groups: unknownGroups.length > 0 ? [...groups, ...unknownGroups] : groups,
    ...detailsOf(own, invalidLine),
  }
}

/** Keys that would be used if they were spelt like this: a user with `"Enabled": false` must not count as enabled. */
function checkSpelling(line: object, invalidLine: (what: string) => RolecastError): void {
  for (const key of Object.keys(line)) {
    const meant = MEANT.get(key.toLowerCase())
    if (meant !== undefined && !Object.hasOwn(line, meant))
      throw invalidLine(`has the key ${quote(key)}, which is ignored; did you mean ${quote(meant)}?`)
  }
}

const MEANT: ReadonlyMap<string, string> = new Map([
  ...['username', 'groups', 'unknownGroups', 'sub', 'enabled', 'status', 'attributes'].map(
    key => [key.toLowerCase(), key] as const,
  ),
  ['userstatus', 'status'],
])

/** What a line says about a user in addition to the groups. Missing values are absent keys. */
function detailsOf(own: (key: string) => unknown, invalidLine: (what: string) => RolecastError): UserDetails {
  const [sub, enabled, status, attributes] = DETAILS.map(own)
  const details: Mutable<UserDetails> = {}
  const wrong = (key: string, type: string) =>
    invalidLine(`has a ${quote(key)} that is not ${type}; correct it or leave it out`)
  if (sub !== undefined) {
    if (typeof sub !== 'string') throw wrong('sub', 'a string')
    details.sub = sub
  }
  if (enabled !== undefined) {
    if (typeof enabled !== 'boolean') throw wrong('enabled', 'true or false')
    details.enabled = enabled
  }
  if (status !== undefined) {
    if (typeof status !== 'string') throw wrong('status', 'a string')
    details.status = status
  }
  if (attributes !== undefined) {
    if (!isTexts(attributes)) throw wrong('attributes', 'an object of strings')
    details.attributes = attributes
  }
  return details
}

const DETAILS = ['sub', 'enabled', 'status', 'attributes']

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTexts(value: unknown): value is Readonly<Record<string, string>> {
  return isObject(value) && Object.values(value).every(text => typeof text === 'string')
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
      throw invalid(
        lineNumber,
        'has a username that is not valid Unicode; check the program that wrote it',
        username,
        cause,
      )
    throw cause
  }
  if (seen.size === users) throw repeated(lineNumber, username)
}

function repeated(lineNumber: number, username: string): RolecastError {
  const what = `has the user ${quote(username)} again; write all groups of a user in one line`
  return invalid(lineNumber, what, username)
}

function invalid(lineNumber: number, what: string, value: unknown, cause?: unknown): RolecastError {
  return new RolecastError('invalid-input', `line ${lineNumber} of the memberships ${what}`, { value, cause })
}
