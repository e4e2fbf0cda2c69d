import { codeFrame } from '../../../../src/report/code-frame.js'
import type { Location } from '../../../../src/rules/infrastructure.js'
import { printable } from '../../../../src/text.js'

/** A line of a text, in three parts: the middle one is marked, and empty in the lines around. */
export interface MarkedLine {
  readonly number: number
  /** The number, as wide as that of the last line. */
  readonly label: string
  readonly before: string
  readonly marked: string
  readonly after: string
}

/**
 * A line can be a whole file: so much is shown before what is marked; twice that of it, of what comes after it, and of
 * a line above or below.
 */
const AROUND = 60

/** The lines that a finding is shown with. */
export function markedLines(lines: readonly string[], location: Location): readonly MarkedLine[] {
  const frame = codeFrame(lines, location)
  const width = String(frame.at(-1)?.number).length
  return frame.map(({ number, text, mark }) => {
    const label = String(number).padStart(width)
    if (mark === undefined) return { number, label, before: part(text, 0, text.length, false), marked: '', after: '' }
    const from = Math.max(0, mark.start - AROUND)
    const end = Math.max(mark.end, mark.start + 1)
    return {
      number,
      label,
      before: part(text, from, mark.start, from > 0),
      marked: part(text, mark.start, end, false) || ' ',
      after: part(text, end, text.length, false),
    }
  })
}

function part(text: string, from: number, to: number, isCut: boolean): string {
  const shown = text.slice(from, Math.min(to, from + 2 * AROUND))
  const rest = Math.min(to, text.length) > from + 2 * AROUND
  return `${isCut ? '…' : ''}${printable(shown)}${rest ? '…' : ''}`
}
