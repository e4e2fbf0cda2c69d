import { isRolecastError, type RolecastError, quote } from '../errors.js'
import { jsonLine } from '../report/json-text.js'
import { escapeHidden } from '../text.js'
import { inCommandLineWords } from './command-line-words.js'
import { withoutSecrets } from './without-secrets.js'
import { NO_SPACE, WriteError } from './write-error.js'

const MAX_STACK_LINES = 60
const MAX_STACK_LINE = 400

/** How stderr reports it. */
interface FailureStyle {
  /** Includes the stack of an unexpected error. Not with `json`. */
  readonly verbose: boolean
  /** As a line of JSON. */
  readonly json: boolean
}

/** A failure as stderr reports it. */
interface Failure {
  readonly code: string
  readonly message: string
  /** The value that was given, if it is a short string and not a secret. */
  readonly value?: string
}

/**
 * A failure as stderr reports it: one line, and with `verbose` the stack of an unexpected error. It loads no package,
 * because a missing package is a failure too.
 */
export function failureText(error: unknown, { verbose, json }: FailureStyle): string {
  const failure = describeFailure(error, { verbose })
  if (json) return failureJson(failure)
  const line = `rolecast: ${escapeHidden(withoutSecrets(failure.message))} [${failure.code}]\n`
  // The message of a known error says everything; for the others, the cause does.
  return verbose && failure.code === 'unexpected' ? line + stacksOf(error) : line
}

/** The line of JSON on stderr: `{"error":{"code":"…","message":"…"}}`. */
export function failureJson(failure: Failure): string {
  return `${jsonLine({ error: { ...failure, message: withoutSecrets(failure.message) } })}\n`
}

function describeFailure(error: unknown, { verbose }: { readonly verbose: boolean }): Failure {
  if (isRolecastError(error)) {
    const value = shownValue(error.value)
    return { code: error.code, message: messageOf(error), ...(value !== undefined && { value }) }
  }
  if (error instanceof WriteError) {
    const next = NO_SPACE.has(String(error.code))
      ? 'free some space'
      : 'check the file or pipe that it is redirected to'
    return { code: String(error.code), message: `stdout cannot be written (${error.message}); ${next}` }
  }
  const missing = missingPackage(error)
  if (missing !== undefined)
    return { code: 'missing-package', message: `${missing}; install rolecast again, with its dependencies` }
  const next = verbose ? '' : ': run the command again with --verbose and report what it prints'
  const message = `an unexpected error, ${quote(nameOf(error))}; this is a bug of rolecast${next}`
  return { code: 'unexpected', message }
}

const MAX_VALUE = 200
/**
 * The value that was given, without anything that may be Base64. A message may have that, because long paths look like
 * it.
 */
const BASE64 = /[A-Za-z0-9+/=]{32,}/

function shownValue(value: unknown): string | undefined {
  if (typeof value !== 'string' || value.length > MAX_VALUE || BASE64.test(value)) return undefined
  return withoutSecrets(value) === value ? value : undefined
}

/** In a command only an interrupt aborts, and the calls that it aborts report nothing. */
function messageOf({ code, message }: RolecastError): string {
  const isOther = code === 'aborted' && !message.startsWith('interrupted; ')
  return isOther ? 'interrupted; run the command again' : inCommandLineWords(message)
}

function missingPackage(error: unknown): string | undefined {
  const { code, message } = (error ?? {}) as NodeJS.ErrnoException
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return undefined
  const name = /Cannot find (?:package|module) '([^']*)'/.exec(String(message))?.[1]
  return name === undefined ? 'a package is missing' : `the package ${quote(name)} is missing`
}

function nameOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : `a ${typeof error}`
}

/** The stacks of an error and its causes. Nothing else: an error of the SDK has the request with its headers. */
function stacksOf(error: unknown): string {
  const lines: string[] = []
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++)
    lines.push(...(depth === 0 ? [] : ['caused by']), ...String(cause.stack).split('\n'))
  return lines
    .slice(0, MAX_STACK_LINES)
    .map(line => `  ${escapeHidden(withoutSecrets(line.slice(0, MAX_STACK_LINE)))}\n`)
    .join('')
}
