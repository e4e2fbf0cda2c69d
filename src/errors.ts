import { escapeHidden, printable } from './text.js'

/**
 * Every way in which rolecast can fail. Branch on the code, never on the message and never on `instanceof`: each copy
 * of a package has its own class.
 */
export type ErrorCode =
  /** A group without a usable name, a precedence Cognito does not accept, a role that is not a string. */
  | 'invalid-group'
  | 'invalid-precedence'
  | 'invalid-option'
  /**
   * A calibration that is malformed, was not made against Cognito itself, or whose tokens contradict every reading of
   * the rules.
   */
  | 'invalid-calibration'
  | 'invalid-group-name'
  | 'invalid-user-pool-id'
  /** The region is neither given nor part of the user pool id. */
  | 'no-region'
  | 'no-credentials'
  | 'not-authorized'
  | 'pool-not-found'
  | 'user-not-found'
  | 'throttled'
  | 'timeout'
  | 'aborted'
  /** No connection, or one that broke. */
  | 'unreachable'
  /** A server's certificate was not trusted, or there is no TLS where it is expected. */
  | 'tls-failed'
  /** The clock of this machine is too far from AWS's. */
  | 'clock-skew'
  /** Cognito failed with a server error (5xx). */
  | 'service-error'
  /** Cognito rejected the request itself, for example as an invalid parameter. */
  | 'request-rejected'
  /** An endpoint other than AWS's, such as an emulator, lacks the operation. */
  | 'not-supported'
  /** A response, of Cognito or of a trigger, that does not have the documented form. It was not used. */
  | 'malformed-response'
  /** The store of a shared cache failed. Only emitted as an event, because Cognito is called instead. */
  | 'store-failed'
  /** A claim has the wrong type for its transport. */
  | 'invalid-claim'
  /** A joined claim that can be read in several ways. */
  | 'ambiguous-claim'
  /** A string that is not an ID or access token of a Cognito user. */
  | 'invalid-token'
  /** A token that none of the user pool's keys signed. */
  | 'invalid-signature'
  /** A token from another user pool. */
  | 'wrong-user-pool'
  /** A Lambda event of an unknown kind. */
  | 'invalid-event'
  /** An unexpected failure; `cause` has it. */
  | 'unexpected'
  /** The command line: an argument that cannot be used. */
  | 'invalid-argument'
  /** A file, a stream or a snapshot that cannot be used. */
  | 'invalid-input'
  | 'missing-package'

/** What a `RolecastError` says in addition to its code and message. */
export interface ErrorDetails {
  /** The group that the failure is about. */
  readonly groupName?: string | undefined
  /** The offending value, as it came. */
  readonly value?: unknown
  /** Whether the same call may succeed later with nothing changed. */
  readonly retryable?: boolean
  /** The error that caused this one. */
  readonly cause?: unknown
}

/**
 * The one error that rolecast throws. Its message says what happened and what to do next, in one line without control
 * characters, whatever was in the input.
 *
 * @example
 * import { isRolecastError, type RolecastError, resolveRoles } from 'rolecast'
 *
 * const describe = ({ code, retryable }: RolecastError) => `${code}, retryable: ${retryable}`
 * try {
 *   resolveRoles([{ groupName: 'admins', precedence: -1 }])
 * } catch (error) {
 *   if (isRolecastError(error)) console.log(describe(error)) // invalid-precedence, retryable: false
 * }
 */
export class RolecastError extends Error {
  /** What failed. Branch on this. */
  readonly code: ErrorCode
  // Declared only: a class field would be an own key even without a value, and the build for `require` would
  // lose the name of the class.
  /** Always `RolecastError`. */
  declare readonly name: 'RolecastError'
  /** The group that the failure is about; absent if it is about none. */
  declare readonly groupName?: string
  /** The offending value, as it came; absent if there is none. */
  declare readonly value?: unknown
  /** Whether the same call may succeed later with nothing changed. */
  readonly retryable: boolean

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(escapeHidden(message), 'cause' in details ? { cause: details.cause } : undefined)
    this.name = 'RolecastError'
    this.code = code
    this.retryable = details.retryable ?? false
    if (details.groupName !== undefined) this.groupName = details.groupName
    if ('value' in details) this.value = details.value
  }

  /** Of an error from any copy of the package: `rolecast/cognito` has one of its own. */
  static override [Symbol.hasInstance](error: unknown): boolean {
    return this === RolecastError ? isRolecastError(error) : super[Symbol.hasInstance](error)
  }
}

/**
 * Whether this is a rolecast error, from any copy of the package or from another context, such as that of a Jest test.
 *
 * @example
 * import { isRolecastError, resolveRoles } from 'rolecast'
 *
 * try {
 *   resolveRoles([{ groupName: 'admins', precedence: -1 }])
 * } catch (error) {
 *   if (isRolecastError(error)) console.log(error.code, error.groupName) // invalid-precedence admins
 * }
 */
export function isRolecastError(error: unknown): error is RolecastError {
  // Each context has a class `Error` of its own.
  if (Object.prototype.toString.call(error) !== '[object Error]') return false
  const { name, code } = error as RolecastError
  return name === 'RolecastError' && typeof code === 'string'
}

/** A value that should be a number: says so if it is a string such as `'0'`. */
export function quoteNumber(value: unknown): string {
  return typeof value === 'string' ? `the string ${quote(value)}` : quote(value)
}

const MAX_QUOTED = 200

/**
 * A value of any kind, ready for a message: at most 200 characters, without any that act on a terminal or a log. As in
 * Markdown, it is enclosed in more backticks than it has itself, so that it is clear where a name begins and ends.
 */
export function quote(value: unknown): string {
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? 'an array' : 'an object'
  if (typeof value === 'function') return 'a function'
  const text = String(value)
  const shown = printable(text.slice(0, MAX_QUOTED))
  return text.length > MAX_QUOTED ? `${inBackticks(`${shown}…`)} (${text.length} characters)` : inBackticks(shown)
}

/** Two backticks are an empty string, so a fence has at least three. */
function inBackticks(text: string): string {
  if (!text.includes('`')) return `\`${text}\``
  const fence = '`'.repeat(Math.max(2, ...text.match(/`+/g)!.map(run => run.length)) + 1)
  return `${fence} ${text} ${fence}`
}

const MAX_LISTED = 5

/** The first five names in backticks, and how many more there are: "`a`, `b` and `c`". */
export function listNames(names: readonly string[]): string {
  return listItems(names, quote)
}

/** The first five items as `show` has them, and how many more there are. */
export function listItems<T>(items: readonly T[], show: (item: T) => string, word: 'and' | 'or' = 'and'): string {
  const shown = items.slice(0, MAX_LISTED).map(show)
  if (items.length > MAX_LISTED) shown.push(`${items.length - MAX_LISTED} more`)
  return shown.length < 2 ? shown.join() : `${shown.slice(0, -1).join(', ')} ${word} ${shown.at(-1)}`
}
