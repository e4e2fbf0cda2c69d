import { figure } from './figure.js'
import { textWidth } from './text-width.js'

/** At most this many entries of a list are shown to people. */
export const MAX_SHOWN = 10

/** The shown entries, and the number of the others. */
export function first(lines: readonly string[], count: number): readonly string[] {
  const more = count - lines.length
  return [...lines.map(line => `    ${line}`), ...(more > 0 ? [`    and ${figure(more)} more`] : [])]
}

/** Cells in columns; the named columns are aligned right. */
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
