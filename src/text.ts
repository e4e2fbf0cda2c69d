/** By UTF-16 code units: the same order wherever it runs, which a locale's is not. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

const FEW = 16

export interface Distinct {
  /** Each once, in the order they came. */
  readonly values: readonly string[]
  /** False if it was there already. */
  add(value: string): boolean
}

/** Collects strings, each once. A Set costs more than looking through a few. */
export function createDistinct(): Distinct {
  const values: string[] = []
  let set: Set<string> | undefined
  // Not `includes`: on strings made at run time it takes five times as long.
  const has = (value: string) => {
    // Stryker disable next-line ConditionalExpression: looking through all of them gives the same answer, later
    if (set !== undefined) return set.has(value)
    for (const known of values) if (known === value) return true
    return false
  }
  return {
    values,
    add(value) {
      if (has(value)) return false
      values.push(value)
      set?.add(value)
      // Stryker disable next-line ConditionalExpression,EqualityOperator: with a Set or without, the answer is the same
      if (values.length === FEW) set = new Set(values)
      return true
    },
  }
}

/** The strings, each once, in the order they came. */
export function distinct(values: Iterable<string>): readonly string[] {
  const seen = createDistinct()
  for (const value of values) seen.add(value)
  return seen.values
}
