import { $ZodError, type $ZodType, safeParse } from 'zod/v4/core'
import english from 'zod/v4/locales/en.js'
import { quote } from '../../errors.js'
import { closest } from '../../text.js'

type Parsed<T> = { readonly success: true; readonly data: T } | { readonly success: false; readonly error: $ZodError }

/**
 * Parses a value, and never throws. zod/mini has no error messages unless a locale is given; and zod compares the
 * `length` of whatever has one, which throws for `{"length":{"toString":null}}`.
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

/**
 * The first issue in a few words, and the value that it is about.
 *
 * @param shape the schema: if a key is unknown, the schema's nearest key is suggested
 */
export function firstIssue(
  error: $ZodError,
  input: unknown,
  shape?: $ZodType,
): { readonly note: string; readonly value: unknown } {
  // An unknown key is often a misspelt required one.
  const issue = error.issues.find(({ code }) => code === 'unrecognized_keys') ?? error.issues[0]!
  const { path } = issue
  const value = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown>)?.[key], input)
  const said = messageOf(issue, shape)
  // A path and a message have keys of the input, which may be of any length.
  const note = path.length === 0 ? `${said.slice(0, 1).toLowerCase()}${said.slice(1)}` : `${path.join('.')}: ${said}`
  return { note: note.length > MAX_NOTE ? `${note.slice(0, MAX_NOTE)}…` : note, value }
}

function messageOf(issue: $ZodError['issues'][number], shape: $ZodType | undefined): string {
  if (issue.code !== 'unrecognized_keys') return issue.message
  const key = issue.keys[0]!
  const near = shape === undefined ? undefined : closest(key, keysAt(shape, issue.path))
  return `an unknown key ${quote(key)}${near === undefined ? '' : ` (did you mean ${quote(near)}?)`}`
}

/** The keys that an object has in a shape; none where a choice stands on the way to it. */
function keysAt(shape: $ZodType, path: readonly PropertyKey[]): readonly string[] {
  const at = path.reduce<$ZodType | undefined>((part, key) => {
    const def = defOf(part)
    return def.type === 'object' ? def.shape?.[key] : def.element
  }, shape)
  return Object.keys(defOf(at).shape ?? {})
}

interface ShapeDef {
  readonly type?: string
  readonly shape?: Readonly<Record<PropertyKey, $ZodType>>
  readonly element?: $ZodType
  readonly innerType?: $ZodType
}

/** The definition of a shape, without the part that makes it optional. */
function defOf(shape: $ZodType | undefined): ShapeDef {
  const { def = {} }: { readonly def?: ShapeDef } = (shape ?? {}) as object
  return def.innerType === undefined ? def : defOf(def.innerType)
}
