import type * as z from 'zod/mini'
import english from 'zod/v4/locales/en.js'

/** Reads a value as a shape says. Of zod only what is used gets into a bundle; its English has to be asked for. */
export function readAs<T>(shape: z.ZodMiniType<T>, value: unknown) {
  return shape.safeParse(value, { error: english().localeError })
}

/** What is wrong with an answer, in a few words, and the value that is. */
export function firstIssue(
  error: z.core.$ZodError,
  input: unknown,
): { readonly note: string; readonly value: unknown } {
  const { path, message } = error.issues[0]!
  const value = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)?.[key], input)
  return { note: `${path.join('.') || 'the whole'}: ${message}`, value }
}
