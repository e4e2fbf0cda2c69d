import type { Location } from '../rules/infrastructure.js'
import type { Span } from './fit-width.js'

/** A line of a file that a finding is shown with. */
export interface FrameLine {
  /** From 1. */
  readonly number: number
  readonly text: string
  /** What the finding is about; only the line of the location has it. */
  readonly mark?: Span
}

/** The lines of a text, as locations count them. */
export function linesOf(text: string): readonly string[] {
  return text.split(/\r\n|\n|\r/)
}

/** The line of a location, with one before and one after it. Empty if the location has no line, or the text does not have that line. */
export function codeFrame(lines: readonly string[], location: Location): readonly FrameLine[] {
  const { line } = location
  const text = line === undefined ? undefined : lines[line - 1]
  if (line === undefined || text === undefined) return []
  return [line - 1, line, line + 1]
    .filter(number => number >= 1 && number <= lines.length)
    .map(number =>
      number === line ? { number, text, mark: markOf(location, text) } : { number, text: lines[number - 1]! },
    )
}

/** The marked part of the line: up to its end if the location continues on the next line. */
function markOf({ line, column = 1, endLine, endColumn }: Location, text: string): Span {
  const end = endLine === undefined || endLine === line ? (endColumn ?? column + 1) : text.length + 1
  return { start: column - 1, end: end - 1 }
}
