import { RolecastError, quote } from '../errors.js'
import { ownValue } from '../record.js'

/** An object of a JSON text. Its keys are the author's: read it with `field`, never by index. */
export type JsonRecord = Readonly<Record<string, unknown>>

/** The file, the kind of file that it should be, and what to do if it is not. */
export interface TextSource {
  /** The file's path. */
  readonly path: string
  /** `Terraform plan` */
  readonly kind: string
  /** `make it with …` */
  readonly next: string
}

/** In UTF-16 code units. */
export const MAX_JSON_LENGTH = 50_000_000

/** The error for a stream of events in place of a document. */
export const STREAM = 'it is a stream of events, one per line, not a single document'

export interface Position {
  readonly line: number
  readonly column: number
}

/** The error for a text that cannot be read, with its line and column where they are known. */
export function unreadable(
  { path, kind, next }: TextSource,
  what: string,
  at?: Position,
  cause?: unknown,
): RolecastError {
  const location = at === undefined ? path : `${path}:${at.line}:${at.column}`
  return new RolecastError('invalid-input', `the ${kind} ${quote(location)} cannot be read: ${what}; ${next}`, {
    value: path,
    cause,
  })
}

export function isRecord(value: unknown): value is JsonRecord {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The value of a record under this key; `undefined` if it is not a record. */
export function field(value: unknown, key: string): unknown {
  return isRecord(value) ? ownValue(value, key) : undefined
}

/** A list unchanged, nothing as an empty list, and anything else as a list of one: the forms of blocks in JSON. */
export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : value === undefined || value === null ? [] : [value]
}

/**
 * Parses a document, without positions: nobody edits the output of a tool, and recording positions takes far longer.
 *
 * @throws RolecastError `invalid-input`: too long, not JSON, a stream of JSON lines, or not an object
 */
export function parseJsonRecord(text: string, source: TextSource): JsonRecord {
  if (text.length > MAX_JSON_LENGTH) throw unreadable(source, `it is longer than ${MAX_JSON_LENGTH} characters`)
  const value = parse(text, source)
  if (!isRecord(value)) throw unreadable(source, 'it is not a JSON object')
  return value
}

function parse(text: string, source: TextSource): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    if (isStream(text)) throw unreadable(source, STREAM, undefined, cause)
    const { message } = cause as Error
    throw unreadable(source, 'it is not JSON', positionOf(text, message), cause)
  }
}

function isStream(text: string): boolean {
  const end = text.indexOf('\n')
  if (end < 0) return false
  try {
    return isRecord(JSON.parse(text.slice(0, end)))
  } catch {
    return false
  }
}

/** The engine's message has an offset, or says that the text ends too early, or neither. */
function positionOf(text: string, message: string): Position | undefined {
  const offset = /at position (\d+)/.exec(message)?.[1]
  if (offset !== undefined) return positionAt(text, Number(offset))
  return message.startsWith('Unexpected end') ? positionAt(text, text.length) : undefined
}

function positionAt(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: offset - before.lastIndexOf('\n') }
}
