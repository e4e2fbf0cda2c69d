import { quote, RolecastError } from './errors.js'
import { closest } from './text.js'

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

/** The names of all options of a type: one that is left out does not compile. */
export type OptionNames<T> = Readonly<Record<T extends unknown ? keyof T : never, true>>

/**
 * An option with a misspelt name would have no effect, without a word.
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
    throw invalidOption(`${what} have ${quote(name)}, which is not known; ${next}`, name)
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

/** What a function returned that cannot be waited for. A promise is no result, and its failure must not end the process. */
export function syncResult<T>(result: T): T {
  if (typeof (result as { readonly then?: unknown } | null | undefined)?.then === 'function')
    Promise.resolve(result).catch(() => {})
  return result
}

/**
 * Keeps what is made of a frozen object: it cannot change, and is shared by many users. What is made of another is made
 * each time, for keeping it costs more than it saves.
 *
 * @param make is told whether what it makes is kept
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
