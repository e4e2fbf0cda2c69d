import { escapeHidden, printable } from '../text.js'
import { textWidth } from './text-width.js'

/** The width of a terminal in columns. Undefined: there is none, and no line is broken. */
export type Columns = number | undefined

/**
 * Sentences as lines that fit, broken between words. The lines after the first begin with `hanging`. Names in them are
 * quoted, which isolates right-to-left text.
 */
export function wrapText(text: string, columns: Columns, { start = '', hanging = '' } = {}): readonly string[] {
  if (columns === undefined) return [`${start}${escapeHidden(text)}`]
  // Escaped characters are measured as they are printed.
  return wrap(escapeHidden(text).split(' '), columns, { start, hanging }, textWidth).map(
    ({ lead, words }) => `${lead}${words.join(' ')}`,
  )
}

/** The same of parts that are never broken, such as a path; they may be painted. `gap` is between them. */
export function wrapParts(parts: readonly string[], columns: Columns, gap: string, hanging: string): readonly string[] {
  if (columns === undefined) return [parts.join(gap)]
  return wrap(parts, columns, { start: '', hanging }, textWidth, gap.length).map(
    ({ lead, words }) => `${lead}${words.join(gap)}`,
  )
}

interface WrappedLine {
  readonly lead: string
  readonly words: readonly string[]
}

function wrap(
  words: readonly string[],
  columns: number,
  { start, hanging }: { readonly start: string; readonly hanging: string },
  widthOf: (word: string) => number,
  gap = 1,
): readonly WrappedLine[] {
  const lines: { lead: string; words: string[] }[] = []
  let room = 0
  for (const word of words) {
    const width = widthOf(word)
    const line = lines.at(-1)
    if (line !== undefined && gap + width <= room) {
      line.words.push(word)
      room -= gap + width
      continue
    }
    const lead = line === undefined ? start : hanging
    lines.push({ lead, words: [word] })
    room = columns - textWidth(lead) - width
  }
  return lines
}

/** A part of a line, counted from 0 in UTF-16 code units; `end` is exclusive. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** As much of a line as fits, around a marked part. */
export interface Excerpt {
  readonly text: string
  /** Columns before the mark, and of the mark. */
  readonly before: number
  readonly marked: number
}

const CUT = '…'

interface Cell {
  /** As it is printed. */
  readonly text: string
  readonly width: number
  /** Where it begins and ends in the line, in UTF-16 code units. */
  readonly start: number
  readonly end: number
}

/**
 * Cuts a line around a mark, so that the beginning of the mark is visible. `…` replaces what is left out. Wide
 * characters count twice.
 *
 * @param width columns, at least 3
 */
export function excerptAround(line: string, mark: Span, width: number): Excerpt {
  const start = Math.min(mark.start, line.length)
  // Anything longer cannot fit.
  const near = width * MAX_UNITS
  const left = cellsBefore(line, start, width)
  const right = cellsOf(line, start, Math.min(line.length, start + near), width)
  const leftWidth = widthOf(left)
  const rightWidth = widthOf(right)
  const isWhole = start <= near && line.length - start <= near && leftWidth + rightWidth <= width
  if (isWhole) return excerpt({ left, right, cutLeft: false, cutRight: false }, mark)
  // Half of it before the mark, or more where less comes after it.
  const forLeft = Math.max(Math.floor(width / 2), width - rightWidth - (line.length - start > near ? 1 : 0))
  const keepsLeft = start <= near && leftWidth <= forLeft
  const shownLeft = keepsLeft ? left : lastCells(left, forLeft - 1)
  const forRight = width - widthOf(shownLeft) - (keepsLeft ? 0 : 1)
  const keepsRight = line.length - start <= near && rightWidth <= forRight
  const shownRight = keepsRight ? right : firstCells(right, forRight - 1)
  return excerpt({ left: shownLeft, right: shownRight, cutLeft: !keepsLeft, cutRight: !keepsRight }, mark)
}

/** As much of a line as fits, from its beginning: for the lines above and below an excerpt. */
export function excerptStart(line: string, width: number): string {
  const near = Math.min(line.length, width * MAX_UNITS)
  const cells = cellsOf(line, 0, near, width)
  const isWhole = near === line.length && widthOf(cells) <= width
  const shown = isWhole ? cells : firstCells(cells, width - 1)
  return printable(`${textOf(shown)}${isWhole ? '' : CUT}`).trimEnd()
}

/** UTF-16 code units of a column, at most, in text that somebody reads. */
const MAX_UNITS = 4

function excerpt(
  {
    left,
    right,
    cutLeft,
    cutRight,
  }: { readonly left: readonly Cell[]; readonly right: readonly Cell[]; cutLeft: boolean; cutRight: boolean },
  mark: Span,
): Excerpt {
  const marked = widthOf(right.filter(cell => cell.start < mark.end))
  return {
    text: printable(`${cutLeft ? CUT : ''}${textOf(left)}${textOf(right)}${cutRight ? CUT : ''}`),
    before: widthOf(left) + (cutLeft ? 1 : 0),
    marked: Math.max(1, marked),
  }
}

/** The graphemes of a slice of the line, up to the first one beyond the width. */
function cellsOf(line: string, start: number, end: number, width = Infinity): readonly Cell[] {
  const from = isInsidePair(line, start) ? start + 1 : start
  const to = isInsidePair(line, end) ? end - 1 : end
  const part = line.slice(from, to)
  // The segmenter takes longer to load than a small template to validate.
  const segments = ASCII.test(part) ? Array.from(part, asSegment) : graphemesOf(part)
  const cells: Cell[] = []
  let room = width
  for (const { segment, index } of segments) {
    const shown = shownCell(segment)
    cells.push({ ...shown, start: from + index, end: from + index + segment.length })
    room -= shown.width
    if (room < 0) break
  }
  return cells
}

/** The graphemes before a position, at least as many as fit. */
function cellsBefore(line: string, end: number, width: number): readonly Cell[] {
  for (let near = width; ; near *= 2) {
    const cells = cellsOf(line, Math.max(0, end - near), end)
    if (near >= Math.min(end, width * MAX_UNITS) || widthOf(cells) > width) return cells
  }
}

/** Cached: most files have few different characters, and finding a width is slow. */
const shownCells = new Map<string, Pick<Cell, 'text' | 'width'>>()
const MAX_KEPT = 5_000

function shownCell(segment: string): Pick<Cell, 'text' | 'width'> {
  const known = shownCells.get(segment)
  if (known !== undefined) return known
  const text = shownAs(segment)
  const cell = { text, width: textWidth(text) }
  if (shownCells.size >= MAX_KEPT) shownCells.clear()
  if (segment.length <= 20) shownCells.set(segment, cell)
  return cell
}

const ASCII = /^[\t -~]*$/

const asSegment = (segment: string, index: number) => ({ segment, index })

let graphemes: Intl.Segmenter | undefined

function graphemesOf(text: string): Iterable<{ readonly segment: string; readonly index: number }> {
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' })
  return graphemes.segment(text)
}

function isInsidePair(line: string, index: number): boolean {
  return index > 0 && index < line.length && /^[\ud800-\udbff][\udc00-\udfff]$/.test(line.slice(index - 1, index + 1))
}

/** As `printable` shows it, without the isolates that it puts around right-to-left text. */
function shownAs(segment: string): string {
  if (segment === '\t') return '  '
  const shown = printable(segment)
  return shown.startsWith('\u2068') ? shown.slice(1, -1) : shown
}

function widthOf(cells: readonly Cell[]): number {
  return cells.reduce((sum, { width }) => sum + width, 0)
}

function textOf(cells: readonly Cell[]): string {
  return cells.map(({ text }) => text).join('')
}

function firstCells(cells: readonly Cell[], room: number): readonly Cell[] {
  let left = room
  let count = 0
  while (count < cells.length && cells[count]!.width <= left) left -= cells[count++]!.width
  return cells.slice(0, count)
}

function lastCells(cells: readonly Cell[], room: number): readonly Cell[] {
  let left = room
  let from = cells.length
  while (from > 0 && cells[from - 1]!.width <= left) left -= cells[--from]!.width
  return cells.slice(from)
}
