import { oneLine, withoutHint } from '../cognito/api/api-error.js'
import { diagnose } from '../cognito/api/diagnosis.js'
import { type ErrorCode, isRolecastError, quote, RolecastError } from '../errors.js'
import { isOfAws } from './clients.js'
import { factsOf, type Operation, permissionsOf } from './operations.js'

interface FailureDetails {
  /** Given by the caller. Only then does a missing operation mean that an emulator lacks it. */
  readonly endpoint: string | undefined
  /** The timeout in milliseconds, if it expired. */
  readonly timeout?: number
  /** What is wrong with its response. */
  readonly issue?: string
}

/** The error of a call that failed. Its text, cause and value contain neither an account ID nor the caller's identity. */
export function callFailure(operation: Operation, cause: unknown, details: FailureDetails): RolecastError {
  if (isRolecastError(cause)) return cause
  const { code, note, what, next, status } = diagnosed(operation, cause, details)
  const failed = `${operation} ${what ?? WHAT[code] ?? 'failed'}`
  const step = next ?? nextFor(code, operation)
  const end = step === undefined ? '' : `; ${step}`
  // Without a next step, the exception's name helps.
  const name = step === undefined ? serviceException(cause) : ''
  const said = inBrackets(name, note)
  const error = new RolecastError(code, `${failed}${said}${end}`, {
    retryable: RETRYABLE.has(code) || (code === 'malformed-response' && status >= 500),
    ...(cause !== undefined && { cause: masked(cause) }),
  })
  KEPT.set(error, `${failed}${isOfAws(details.endpoint) ? inBrackets(name, '') : said}${end} [${code}]`)
  return error
}

/** The names of errors whose response names no exception. */
const NAMELESS: ReadonlySet<string> = new Set(['Error', 'Unknown', 'UnknownError'])

function inBrackets(...parts: readonly string[]): string {
  const said = parts.filter(part => part !== '').join(': ')
  return said === '' ? '' : ` (${said})`
}

/** The exception that a response names; `''` if there is none. */
function serviceException(cause: unknown): string {
  const name = exceptionName(cause)
  return statusOf(cause) > 0 && /^[A-Z]\w{1,80}$/.test(name) && !NAMELESS.has(name) ? name : ''
}

const KEPT = new WeakMap<RolecastError, string>()

/**
 * What a result stores of a failure: the operation, the exception, the next step and the code. AWS's text is left out,
 * because it can name the caller in ways that no mask covers; an emulator's text is included.
 */
export function keptOf(error: RolecastError): string {
  return KEPT.get(error) ?? maskIdentities(error.message)
}

interface Diagnosed {
  readonly code: ErrorCode
  readonly note: string
  readonly what?: string | undefined
  readonly next?: string | undefined
  readonly status: number
}

function diagnosed(operation: Operation, cause: unknown, details: FailureDetails): Diagnosed {
  const { endpoint, timeout, issue } = details
  const status = statusOf(cause)
  if (issue !== undefined) return { code: 'malformed-response', note: maskIdentities(oneLine(issue)), status }
  if (timeout !== undefined) return { code: 'timeout', note: `${timeout} ms`, status }
  const message = maskIdentities(oneLine(withoutHint(cause instanceof Error ? cause.message : ''), MAX_MESSAGE))
  if (!isOfAws(endpoint) && isUnknownOperation(cause, status)) return { code: 'not-supported', note: message, status }
  const { service } = factsOf(operation)
  const diagnosis = diagnose(cause, { isFromIam: service === 'iam' || service === 'sts' })
  const note = diagnosis.instead === undefined ? message : oneLine(diagnosis.instead)
  return { code: diagnosis.code, note, what: diagnosis.what, next: diagnosis.next, status }
}

function statusOf(cause: unknown): number {
  const { $metadata } = Object(cause) as { readonly $metadata?: { readonly httpStatusCode?: unknown } }
  const status = $metadata?.httpStatusCode
  return typeof status === 'number' ? status : 0
}

/** The advice in a message comes last. */
const MAX_MESSAGE = 600

/** Exceptions by which emulators say that they lack an operation. */
const UNKNOWN_OPERATION: ReadonlySet<string> = new Set([
  'UnknownOperationException',
  'UnknownOperation',
  'UnsupportedOperation',
  'UnsupportedOperationException',
  'Unsupported',
  'CognitoLocal#Unsupported',
  'NotImplemented',
  'NotYetImplemented',
  'InvalidAction',
])

function isUnknownOperation(cause: unknown, status: number): boolean {
  return status === 501 || UNKNOWN_OPERATION.has(exceptionName(cause))
}

/** The name that AWS gives the exception, of an error of `Session.call` as well as of the SDK; `''` where there is none. */
export function exceptionName(error: unknown): string {
  const cause = isRolecastError(error) ? error.cause : error
  return cause instanceof Error ? cause.name : ''
}

/** Whether AWS says that the subject of the call does not exist. A server error does not show that. */
export function isNotFound(error: unknown): boolean {
  const cause = isRolecastError(error) ? error.cause : error
  const status = statusOf(cause)
  return NOT_FOUND.has(exceptionName(cause)) && status >= 400 && status < 500
}

const NOT_FOUND: ReadonlySet<string> = new Set([
  'ResourceNotFoundException',
  'UserNotFoundException',
  'NoSuchEntityException',
  'NoSuchEntity',
])

/**
 * Whether a creation certainly failed, because the call was rejected or never sent. After any other failure, such as
 * a lost response, the resource may exist.
 */
export function isNothingCreated(error: unknown): boolean {
  if (!isRolecastError(error)) return false
  const { code } = Object(error.cause) as { readonly code?: unknown }
  return REJECTED.has(error.code) || (typeof code === 'string' && NEVER_SENT.has(code))
}

const REJECTED: ReadonlySet<ErrorCode> = new Set([
  'aborted',
  'clock-skew',
  'missing-package',
  'no-credentials',
  'no-region',
  'not-authorized',
  'not-supported',
  'request-rejected',
  'throttled',
])

const NEVER_SENT: ReadonlySet<string> = new Set(['ECONNREFUSED', 'EAI_AGAIN', 'ENOTFOUND'])

/** 12 digits that stand alone, as in an ARN. */
export function maskAccounts(text: string): string {
  return text.replaceAll(/(?<!\d)\d{12}(?!\d)/g, '************')
}

/**
 * Masks account IDs, the caller and access keys: `arn:aws:sts::************:assumed-role/…`. What was denied, and the
 * made-up roles of the run, remain.
 */
export function maskIdentities(text: string): string {
  return maskAccounts(text)
    .replaceAll(/(:(?:sts|iam)::[\d*]{0,20}:)(?!role\/rolecast-calibrate-)([a-z-]{1,30}\/)\S+/g, '$1$2…')
    .replaceAll(/\bA(?:KIA|SIA|ROA|IDA)[A-Z0-9]{12,}(?::\S+)?/g, '…')
}

/** The SDK's error with the parts that identify it, and without its response and request. */
function masked(cause: unknown): unknown {
  if (!(cause instanceof Error)) return undefined
  const copy = new Error(maskIdentities(cause.message))
  return Object.assign(copy, {
    name: cause.name,
    stack: maskIdentities(cause.stack ?? ''),
    $metadata: { httpStatusCode: statusOf(cause) },
    ...('code' in cause && typeof cause.code === 'string' && { code: cause.code }),
  })
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['throttled', 'timeout', 'unreachable', 'service-error'])

const WHAT: Partial<Record<ErrorCode, string>> = {
  'no-region': 'has no AWS region',
  'no-credentials': 'found no AWS credentials',
  'not-authorized': 'was not allowed',
  'not-supported': 'is not implemented by the endpoint',
  throttled: 'was throttled',
  timeout: 'took too long',
  unreachable: 'did not reach AWS',
  'tls-failed': 'could not make a TLS connection that it can trust',
  'service-error': 'failed with a server error of AWS',
  'request-rejected': 'was rejected',
  'malformed-response': 'got a response that does not match the API',
}

function nextFor(code: ErrorCode, operation: Operation): string | undefined {
  if (code !== 'not-authorized') return NEXT[code]
  const permissions = permissionsOf(operation).map(permission => quote(permission))
  return `allow ${permissions.join(' and ')}, and check that the credentials are current`
}

const NEXT: Partial<Record<ErrorCode, string>> = {
  'no-region': 'give `region`',
  'no-credentials': 'set AWS_PROFILE or the AWS_* variables, or sign in again',
  'not-supported': 'leave this probe out, or use another emulator',
  throttled: 'try again later',
  timeout: 'try again',
  unreachable: 'check the network, the endpoint and the region, then try again',
  'service-error': 'try again later',
  'malformed-response': 'check that the endpoint is AWS; the response was not used',
}

/** The run was stopped. The message is complete on a command line. */
export function interrupted(cause: unknown): RolecastError {
  if (isRolecastError(cause) && cause.code === 'aborted') return cause
  return new RolecastError('aborted', 'interrupted; run the command again', { cause })
}
