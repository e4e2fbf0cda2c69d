import { quote, RolecastError } from './errors.js'

/** What a record from outside says itself: nothing that its prototype has counts. */
export function ownValue(record: object, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key as keyof typeof record] : undefined
}

/** For what is built field by field, and handed out as it is declared. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** An object that is no array. @throws RolecastError `invalid-option`, which ends with what to give */
export function checkRecord(value: unknown, what: string, give: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw invalidOption(`${what} must be an object, not ${quote(value)}; ${give}`, value)
}

export function invalidOption(message: string, value: unknown): RolecastError {
  return new RolecastError('invalid-option', message, { value })
}

export function groupBy<T>(items: Iterable<T>, keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [item])
    else group.push(item)
  }
  return groups
}

/** What a function returned that cannot be waited for. A promise is no result, and its failure must not end the process. */
export function syncResult<T>(result: T): T {
  if (typeof (result as { readonly then?: unknown } | null | undefined)?.then === 'function')
    Promise.resolve(result).catch(() => {})
  return result
}
