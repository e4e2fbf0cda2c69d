import picocolors from 'picocolors'
import type { Finding } from '../rules/finding.js'
import type { Location } from '../rules/infrastructure.js'
import {
  coverageText,
  type FindingsReport,
  isComplete,
  locationText,
  notLookedAtLines,
  rulesOffText,
  summaryOf,
} from './findings-report.js'
import { printable } from '../text.js'
import { codeFrame, type FrameLine, linesOf } from './code-frame.js'
import { type Columns, excerptAround, excerptStart, wrapParts, wrapText } from './fit-width.js'
import type { Paint, TextOptions } from './text-style.js'

export interface FindingsTextOptions extends TextOptions {
  /** The contents of the files that have the locations, by path. A location in any other file gets no code frame. */
  readonly sources: ReadonlyMap<string, string>
  /**
   * The width of the terminal: lines of text are broken between words to fit, and lines of files are cut around the
   * marked part.
   *
   * @default text is not broken, and lines of files are cut to 120 columns
   */
  readonly columns?: Columns
}

/**
 * Findings as text for people: the location, what Cognito does and why, the lines of the file with a caret, and the
 * fix. Not for programs: its form may change.
 */
export function findingsText(report: FindingsReport, { sources, color, columns }: FindingsTextOptions): string {
  const paint = picocolors.createColors(color)
  const frameOf = createFrames(sources, paint, columns)
  const painted = (style: (line: string) => string, lines: readonly string[]) =>
    lines.flatMap(line => wrapParts(line.split(' '), columns, ' ', '  ')).map(style)
  const blocks = [
    ...report.findings
      .filter(({ suppressed }) => suppressed === undefined)
      .map(finding => findingLines(finding, frameOf, paint, columns)),
    ...listOf(painted(paint.dim, report.findings.flatMap(suppressedLine))),
    ...listOf(
      painted(
        paint.dim,
        report.unrelated.map(({ path, why }) => `nothing in ${printable(path)}: ${printable(why)}`),
      ),
    ),
    ...listOf(painted(paint.yellow, notLookedAtLines(report))),
    [
      ...painted(paint.bold, [summaryOf(report)]),
      ...painted(paint.dim, [coverageText(report), ...listed(rulesOffText(report))]),
      ...painted(paint.red, strictLines(report)),
    ],
  ]
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/** Why the run fails although no finding does. */
function strictLines(report: FindingsReport): readonly string[] {
  return report.strict && !isComplete(report)
    ? ['--strict fails the run, because something was not looked at, or is not known']
    : []
}

function listed<T>(item: T | undefined): readonly T[] {
  return item === undefined ? [] : [item]
}

function listOf(lines: readonly string[]): readonly (readonly string[])[] {
  return lines.length === 0 ? [] : [lines]
}

function findingLines(
  finding: Finding,
  frameOf: (location: Location) => readonly string[],
  paint: Paint,
  columns: Columns,
): readonly string[] {
  const { ruleId, slug, severity, message, impact, fix, location, related } = finding
  const color = { error: paint.red, warning: paint.yellow, note: paint.cyan }[severity]
  const head = [
    paint.bold(printable(locationText(location))),
    color(severity),
    `${ruleId} ${slug}`,
    ...(location.construct === undefined ? [] : [paint.dim(printable(short(location.construct)))]),
  ]
  const labelled = (label: string, painted: string, text: string) => {
    const [first, ...rest] = wrapText(text, columns, { start: `  ${label} `, hanging: '    ' })
    return [first!.replace(label, () => painted), ...rest]
  }
  return [
    ...wrapParts(head, columns, '  ', '  '),
    ...wrapText(message, columns, { start: '  ', hanging: '  ' }),
    ...frameOf(location),
    ...first(related).flatMap(one =>
      typeof one === 'string'
        ? [one]
        : wrapText(one.message, columns, { start: `  ${printable(locationText(one.location))}  `, hanging: '    ' }),
    ),
    ...(impact === undefined ? [] : labelled('impact:', paint.magenta('impact:'), impact)),
    ...labelled('fix:', paint.green('fix:'), fix),
  ]
}

const MAX_RELATED = 5

function first(related: Finding['related']): readonly (Finding['related'][number] | string)[] {
  return related.length > MAX_RELATED
    ? [...related.slice(0, MAX_RELATED), `  and ${related.length - MAX_RELATED} more`]
    : related
}

const MAX_FOREIGN = 500

/** Text from a template, which may have any length. */
function short(text: string): string {
  return text.length > MAX_FOREIGN ? `${text.slice(0, MAX_FOREIGN)}… (${text.length} characters)` : text
}

function suppressedLine({ ruleId, slug, location, suppressed }: Finding): readonly string[] {
  if (suppressed === undefined) return []
  const { reason, location: by } = suppressed
  return [
    `suppressed ${printable(locationText(location))}  ${ruleId} ${slug}: ${printable(short(reason))} (${printable(locationText(by))})`,
  ]
}

/** Columns of a line that are shown if there is no terminal: a whole file may be one line. */
const WIDTH = 120

/** Columns of a line that are shown in the narrowest terminal. */
const MIN_WIDTH = 12

/** The line of a location with one before and one after it, and a caret below it. */
function createFrames(
  sources: ReadonlyMap<string, string>,
  paint: Paint,
  columns: Columns,
): (location: Location) => readonly string[] {
  const split = new Map<string, readonly string[]>()
  const linesIn = (path: string) => {
    const known = split.get(path)
    if (known !== undefined) return known
    const text = sources.get(path)
    const lines = text === undefined ? [] : linesOf(text)
    split.set(path, lines)
    return lines
  }
  return location => {
    const frame = codeFrame(linesIn(location.path), location)
    const marked = frame.find(({ mark }) => mark !== undefined)
    if (marked?.mark === undefined) return []
    const digits = String(frame.at(-1)!.number).length
    const gutter = ({ number, mark }: FrameLine) =>
      `  ${mark === undefined ? ' ' : '>'} ${String(number).padStart(digits)} | `
    const width = columns === undefined ? WIDTH : Math.max(MIN_WIDTH, columns - gutter(marked).length)
    const { text, before, marked: length } = excerptAround(marked.text, marked.mark, width)
    const caret = `${' '.repeat(before)}${'^'.repeat(length)}`
    return frame.flatMap(line =>
      line === marked
        ? [`${gutter(line)}${text}`.trimEnd(), paint.red(`    ${' '.repeat(digits)} | ${caret}`)]
        : [paint.dim(`${gutter(line)}${excerptStart(line.text, width)}`.trimEnd())],
    )
  }
}
