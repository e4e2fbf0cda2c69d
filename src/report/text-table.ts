import { textWidth } from './text-width.js'

/** Of a long list, so many are shown to people. */
export const MAX_SHOWN = 10

/** What is shown, and how many are not. */
export function first(lines: readonly string[], count: number): readonly string[] {
  const more = count - lines.length
  return [...lines.map(line => `    ${line}`), ...(more > 0 ? [`    and ${figure(more)} more`] : [])]
}

/** Cells in columns, those of the columns named at their right end. */
export function table(rows: readonly (readonly string[])[], right: readonly number[] = []): readonly string[] {
  const widths: number[] = []
  for (const row of rows)
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, textWidth(cell))
  return rows.map(row =>
    row
      .map((cell, column) => {
        const blank = ' '.repeat(widths[column]! - textWidth(cell))
        return right.includes(column) ? `${blank}${cell}` : `${cell}${blank}`
      })
      .join('  ')
      .trimEnd(),
  )
}

export function indented(line: string): string {
  return `  ${line}`
}

export function figure(count: number): string {
  // Most counts are small, and the first number that is formatted loads the locale.
  return Number.isInteger(count) && count >= 0 && count < 1_000 ? String(count) : count.toLocaleString('en-GB')
}
