import picocolors from 'picocolors'
import stringWidth from 'string-width'
import type { Finding } from '../rules/finding.js'
import type { Location } from '../rules/infrastructure.js'
import {
  coverageText,
  type FindingsReport,
  isComplete,
  locationText,
  notLookedAtLines,
  summaryOf,
} from './findings-report.js'
import { printable } from '../text.js'
import type { Paint, TextOptions } from './text-style.js'

export interface FindingsTextOptions extends TextOptions {
  /** The texts that the locations are in, by path; what is not there gets no frame. */
  readonly sources: ReadonlyMap<string, string>
}

/**
 * Findings as text for people: the location, what Cognito does and why, the lines of the file with a caret, and the fix. Not
 * for programs: its form may change.
 */
export function findingsText(report: FindingsReport, { sources, color }: FindingsTextOptions): string {
  const paint = picocolors.createColors(color)
  const frameOf = createFrames(sources, paint)
  const blocks = [
    ...report.findings
      .filter(({ suppressed }) => suppressed === undefined)
      .map(finding => findingLines(finding, frameOf, paint)),
    ...listOf(report.findings.flatMap(suppressedLine).map(paint.dim)),
    ...listOf(report.unrelated.map(({ path, why }) => paint.dim(`nothing in ${printable(path)}: ${printable(why)}`))),
    ...listOf(notLookedAtLines(report).map(paint.yellow)),
    [paint.bold(summaryOf(report)), paint.dim(coverageText(report)), ...strictLines(report).map(paint.red)],
  ]
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/** Why the run fails although no finding does. */
function strictLines(report: FindingsReport): readonly string[] {
  return report.strict && !isComplete(report)
    ? ['--strict fails the run for what was not looked at, or is not known']
    : []
}

function listOf(lines: readonly string[]): readonly (readonly string[])[] {
  return lines.length === 0 ? [] : [lines]
}

function findingLines(
  finding: Finding,
  frameOf: (location: Location) => readonly string[],
  paint: Paint,
): readonly string[] {
  const { ruleId, slug, severity, message, impact, fix, location, related } = finding
  const color = { error: paint.red, warning: paint.yellow, note: paint.cyan }[severity]
  const construct = location.construct === undefined ? '' : paint.dim(`  ${printable(location.construct)}`)
  return [
    `${paint.bold(printable(locationText(location)))}  ${color(severity)}  ${ruleId} ${slug}${construct}`,
    `  ${printable(message)}`,
    ...frameOf(location),
    ...first(related.map(one => `  ${printable(locationText(one.location))}  ${printable(one.message)}`)),
    ...(impact === undefined ? [] : [`  ${paint.magenta('impact:')} ${printable(impact)}`]),
    `  ${paint.green('fix:')} ${printable(fix)}`,
  ]
}

const MAX_RELATED = 5

function first(lines: readonly string[]): readonly string[] {
  return lines.length > MAX_RELATED
    ? [...lines.slice(0, MAX_RELATED), `  and ${lines.length - MAX_RELATED} more`]
    : lines
}

function suppressedLine({ ruleId, slug, location, suppressed }: Finding): readonly string[] {
  if (suppressed === undefined) return []
  const { reason, location: by } = suppressed
  return [
    `suppressed ${printable(locationText(location))}  ${ruleId} ${slug}: ${printable(reason)} (${printable(locationText(by))})`,
  ]
}

/** So much of a line is shown, in UTF-16 code units; before the caret no more than half of it. */
const WIDTH = 120

/** The line of a location with one before and one after it, and a caret below it. */
function createFrames(sources: ReadonlyMap<string, string>, paint: Paint): (location: Location) => readonly string[] {
  const split = new Map<string, readonly string[]>()
  const linesOf = (path: string) => {
    const known = split.get(path)
    if (known !== undefined) return known
    const lines = sources.get(path)?.split(/\r\n|\n|\r/) ?? []
    split.set(path, lines)
    return lines
  }
  return ({ path, line, column = 1, endLine, endColumn }) => {
    const lines = linesOf(path)
    const text = line === undefined ? undefined : lines[line - 1]
    if (line === undefined || text === undefined) return []
    const from = Math.max(0, column - 1 - WIDTH / 2)
    const window = (of: string) => printed(of.slice(from, from + WIDTH))
    const end = endLine === undefined || endLine === line ? (endColumn ?? column + 1) : text.length + 1
    const before = stringWidth(printed(text.slice(from, column - 1)))
    const marked = stringWidth(printed(text.slice(column - 1, Math.min(end - 1, from + WIDTH))))
    const caret = `${' '.repeat(before)}${'^'.repeat(Math.max(1, marked))}`
    const numbers = [line - 1, line, line + 1].filter(number => number >= 1 && number <= lines.length)
    const width = String(numbers.at(-1)).length
    return numbers.flatMap(number => {
      const row =
        `  ${number === line ? '>' : ' '} ${String(number).padStart(width)} | ${window(lines[number - 1]!)}`.trimEnd()
      return number === line ? [row, paint.red(`    ${' '.repeat(width)} | ${caret}`)] : [paint.dim(row)]
    })
  }
}

function printed(text: string): string {
  return printable(text.replaceAll('\t', '  '))
}
