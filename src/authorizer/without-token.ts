import { quote } from '../errors.js'

/** A shorter part of a token is not secret, and would be found in every text. */
const MIN_PART = 8
const MAX_DEPTH = 5
const WITHHELD = '[withheld: it may contain the token, which is not known]'

/**
 * A copy of an error for a log, with `[token]` in place of the token and of its parts: `name`, `code`, `message`,
 * `stack`, the `groupName` and `retryable` of a RolecastError, and `cause`, five deep. Nothing else, because an error
 * of aws-jwt-verify has the decoded token in a property. Without a token to look for, the texts are withheld. It never
 * throws.
 */
export function errorWithoutToken(error: unknown, token: string | undefined, depth = 0): Error {
  const redact = (value: unknown): string | undefined =>
    typeof value !== 'string' ? undefined : token === undefined ? WITHHELD : replaceToken(value, token)
  const isObject = Object(error) === error
  const message = redact(isObject ? read(error, 'message') : typeof error === 'string' ? error : quote(error)) ?? ''
  const name = identifier(read(error, 'name'), token) ?? 'Error'
  const copy = new Error(message)
  copy.name = name
  copy.stack = (token === undefined ? undefined : redact(read(error, 'stack'))) ?? `${name}: ${message}`
  const code = read(error, 'code')
  const retryable = read(error, 'retryable')
  const groupName = name === 'RolecastError' ? redact(read(error, 'groupName')) : undefined
  const cause = read(error, 'cause')
  return Object.assign(copy, {
    ...(typeof code === 'number' && { code }),
    ...(typeof code === 'string' && { code: identifier(code, token) ?? redact(code) }),
    ...(name === 'RolecastError' && typeof retryable === 'boolean' && { retryable }),
    ...(groupName !== undefined && { groupName }),
    ...(cause !== undefined && depth < MAX_DEPTH && { cause: errorWithoutToken(cause, token, depth + 1) }),
  })
}

/** Undefined if it cannot be read. */
function read(error: unknown, key: string): unknown {
  try {
    return (Object(error) as Readonly<Record<string, unknown>>)[key]
  } catch {
    return undefined
  }
}

/** A name or a code. Undefined if it is anything else, which may contain the token. */
export function identifier(value: unknown, token: string | undefined): string | undefined {
  const isName = typeof value === 'string' && /^[\w-]{1,64}$/.test(value)
  return isName && (token === undefined || replaceToken(value, token) === value) ? value : undefined
}

function replaceToken(text: string, token: string): string {
  const parts = token.split('.').filter(part => part.length >= MIN_PART)
  const whole = [token, ...parts].reduce((rest, part) => rest.replaceAll(part, () => '[token]'), text)
  return parts.reduce(cutBeginning, whole)
}

/** A message may have a truncated token: a word that begins like a part of it is replaced up to its end. */
function cutBeginning(text: string, part: string): string {
  const [before, ...rest] = text.split(part.slice(0, MIN_PART))
  return [before, ...rest.map(one => `[token]${one.replace(/^[\w-]+/, '')}`)].join('')
}
