import { quote } from '../errors.js'
import type { Choices, Value } from './infrastructure.js'

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

/** The names whose defaults the values use. */
export function assumptionsOf(values: readonly Value<unknown>[]): readonly string[] {
  const leaves = values.flatMap(value => (value.is === 'one-of' ? value.values : [value]))
  return [...new Set(leaves.flatMap(leaf => (leaf.is === 'known' ? (leaf.assumes ?? []) : [])))]
}

/** The value where it is known for sure. */
export function knownOr<T>(value: Value<T>, otherwise: T): T {
  return value.is === 'known' ? value.value : otherwise
}

/** A literal of a file, quoted for a message. */
export function quoteLiteral(value: unknown): string {
  return quote(typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value)))
}

/** With more alternatives than this, values that exclude one another are not looked for. */
const MAX_ALTERNATIVES = 64

/** The choices under which two values hold at once: undefined for any, `never` where they exclude each other. */
export function chosenTogether(
  a: readonly Choices[] | undefined,
  b: readonly Choices[] | undefined,
): readonly Choices[] | undefined | 'never' {
  if (a === undefined || b === undefined) return a ?? b
  if (a.length * b.length > MAX_ALTERNATIVES ** 2) return undefined
  const both = a.flatMap(one => b.flatMap(other => joined(one, other) ?? []))
  return both.length === 0 ? 'never' : both.length > MAX_ALTERNATIVES ? undefined : both
}

function joined(a: Choices, b: Choices): readonly [Choices] | undefined {
  const chosen = new Map(a)
  for (const [name, choice] of b) {
    const known = chosen.get(name)
    if (known !== undefined && known !== choice) return undefined
    chosen.set(name, choice)
  }
  return [[...chosen]]
}
