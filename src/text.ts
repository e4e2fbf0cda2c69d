/** By UTF-16 code units: the same order wherever it runs, which a locale's is not. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** The strings, each once, in the order they came. */
export function distinct(values: Iterable<string>): readonly string[] {
  return [...new Set(values)]
}
