import { isRolecastError, type RolecastError, quote } from '../errors.js'
import { escapeHidden } from '../text.js'
import { inCommandLineWords } from './command-line-words.js'
import { NO_SPACE, WriteError } from './write-error.js'

const MAX_STACK_LINES = 60
const MAX_STACK_LINE = 400

/**
 * What stderr says of a failure: one line, and with `verbose` the stack of one that rolecast does not know. It loads no
 * package: one that is missing is a failure too.
 */
export function failureText(error: unknown, { verbose }: { readonly verbose: boolean }): string {
  if (isRolecastError(error)) {
    const line = `rolecast: ${escapeHidden(messageOf(error))} [${error.code}]\n`
    // Of what it knows, the message says all; of the rest, the cause does.
    return verbose && error.code === 'unexpected' ? line + stacksOf(error) : line
  }
  if (error instanceof WriteError) {
    const next = NO_SPACE.has(String(error.code)) ? 'free some space' : 'check where it goes'
    return `rolecast: stdout cannot be written (${escapeHidden(error.message)}); ${next} [${error.code}]\n`
  }
  const missing = missingPackage(error)
  if (missing !== undefined) {
    return `rolecast: ${missing}; install rolecast again, with its dependencies [missing-package]\n`
  }
  const next = verbose ? '' : ': run the command again with --verbose and report what it prints'
  const line = `rolecast: an unexpected error, ${quote(nameOf(error))}; this is a bug of rolecast${next} [unexpected]\n`
  return verbose ? line + stacksOf(error) : line
}

/** Here only an interrupt aborts, and what was under way then says nothing. */
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

/** The stacks of an error and its causes. Nothing else of them: an error of the SDK has the request with its headers. */
function stacksOf(error: unknown): string {
  const lines: string[] = []
  for (let cause = error, depth = 0; cause instanceof Error && depth < 5; cause = cause.cause, depth++)
    lines.push(...(depth === 0 ? [] : ['caused by']), ...String(cause.stack).split('\n'))
  return lines
    .slice(0, MAX_STACK_LINES)
    .map(line => `  ${escapeHidden(line.slice(0, MAX_STACK_LINE))}\n`)
    .join('')
}
