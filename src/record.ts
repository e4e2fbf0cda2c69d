import { quote, RolecastError } from './errors.js'
import { closest } from './text.js'

/** Reads an own property; inherited ones are ignored. */
export function ownValue(record: object, key: string): unknown {
  return Object.hasOwn(record, key) ? record[key as keyof typeof record] : undefined
}

/** For what is built field by field, and handed out as it is declared. */
export type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/**
 * An object that is not an array.
 *
 * @throws RolecastError `invalid-option`, which ends with what to give
 */
export function checkRecord(value: unknown, what: string, give: string): object {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
  throw invalidOption(`${what} must be an object, not ${quote(value)}; ${give}`, value)
}

export function invalidOption(message: string, value: unknown): RolecastError {
  return new RolecastError('invalid-option', message, { value })
}

/** The names of all options of a type: one that is left out does not compile. */
export type OptionNames<T> = Readonly<Record<T extends unknown ? keyof T : never, true>>

/**
 * Rejects unknown names, because a misspelt option would silently have no effect.
 *
 * @throws RolecastError `invalid-option`
 */
export function checkNames(
  options: unknown,
  names: Readonly<Record<string, true>>,
  what = 'the options',
  give = 'give an object, like `{ userPoolId }`',
): void {
  const given = checkRecord(options, what, give)
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(names, name)) continue
    const nearest = closest(name, Object.keys(names))
    const next = nearest === undefined ? 'leave it out' : `did you mean ${quote(nearest)}?`
    throw invalidOption(`unknown key ${quote(name)} in ${what}; ${next}`, name)
  }
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

/**
 * Returns the result of a function that is not awaited. If it is a promise, its rejection is ignored, so that the
 * process does not end.
 */
export function syncResult<T>(result: T): T {
  if (typeof (result as { readonly then?: unknown } | null | undefined)?.then === 'function')
    Promise.resolve(result).catch(() => {})
  return result
}

/**
 * Caches what is made from a frozen object, which cannot change and is shared by many users. For other objects it is made
 * each time, because caching would cost more than it saves.
 *
 * @param make is told whether its result is cached
 */
export function keptWhileFrozen<K extends object, T>(make: (from: K, isKept: boolean) => T): (from: K) => T {
  const kept = new WeakMap<K, T>()
  return from => {
    let made = kept.get(from)
    if (made === undefined) {
      const isKept = Object.isFrozen(from)
      made = make(from, isKept)
      if (isKept) kept.set(from, made)
    }
    return made
  }
}
