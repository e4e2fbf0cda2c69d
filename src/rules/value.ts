import { quote } from '../errors.js'
import type { Value } from './infrastructure.js'

/** What a value can be, undefined for absent; `complete` unless some of it is unknown. */
export function possibilities<T>(value: Value<T>): {
  readonly values: readonly (T | undefined)[]
  readonly complete: boolean
} {
  const leaves = value.is === 'one-of' ? value.values : [value]
  return {
    values: leaves.flatMap(leaf => (leaf.is === 'known' ? [leaf.value] : leaf.is === 'absent' ? [undefined] : [])),
    complete: leaves.every(leaf => leaf.is === 'known' || leaf.is === 'absent'),
  }
}

/** The value where it is known for sure. */
export function knownOr<T>(value: Value<T>, otherwise: T): T {
  return value.is === 'known' ? value.value : otherwise
}

/** What a file has, ready for a message. */
export function quoteLiteral(value: unknown): string {
  return quote(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)))
}
