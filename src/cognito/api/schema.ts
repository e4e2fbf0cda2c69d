import { $ZodError, type $ZodType, safeParse } from 'zod/v4/core'
import english from 'zod/v4/locales/en.js'

type Parsed<T> = { readonly success: true; readonly data: T } | { readonly success: false; readonly error: $ZodError }

/**
 * Parses a value, and never throws. zod/mini has no error messages unless a locale is given; and zod compares the `length` of
 * whatever has one, which throws for `{"length":{"toString":null}}`.
 */
export function readAs<T>(shape: $ZodType<T>, value: unknown): Parsed<T> {
  try {
    return safeParse(shape, value, { error: english().localeError })
  } catch {
    const message = 'Invalid input: a value has another type than expected'
    return { success: false, error: new $ZodError([{ code: 'custom', path: [], message, input: value }]) }
  }
}

const MAX_NOTE = 300

/** The first issue in a few words, and the value that it is about. */
export function firstIssue(error: $ZodError, input: unknown): { readonly note: string; readonly value: unknown } {
  const { path, message } = error.issues[0]!
  const value = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)?.[key], input)
  // A path and a message have keys of the input, which may be of any length.
  const note = `${path.join('.') || 'the whole'}: ${message}`
  return { note: note.length > MAX_NOTE ? `${note.slice(0, MAX_NOTE)}…` : note, value }
}
