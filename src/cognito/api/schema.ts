import type * as z from 'zod/mini'
import english from 'zod/v4/locales/en.js'

/** Parses a value. zod/mini has no error messages unless a locale is given. */
export function readAs<T>(shape: z.ZodMiniType<T>, value: unknown) {
  return shape.safeParse(value, { error: english().localeError })
}

/** The first issue in a few words, and the value that it is about. */
export function firstIssue(
  error: z.core.$ZodError,
  input: unknown,
): { readonly note: string; readonly value: unknown } {
  const { path, message } = error.issues[0]!
  const value = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)?.[key], input)
  return { note: `${path.join('.') || 'the whole'}: ${message}`, value }
}
