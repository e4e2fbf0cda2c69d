import { type Finding } from '../rules/finding.js'
import { SEVERITIES, type Severity } from '../severity.js'
import type { Coverage } from '../rules/coverage.js'
import { quote } from '../errors.js'
import { printable } from '../text.js'
import { groupBy } from '../record.js'
import { figure } from './text-table.js'

/** From which severity on findings fail a run. */
export type FailOn = Severity | 'never'

export const FAIL_ON: readonly FailOn[] = ['error', 'warning', 'note', 'never']

/** What a validation has found, in what, and what it did not look at. */
export interface FindingsReport {
  /** By location; suppressed ones included. */
  readonly findings: readonly Finding[]
  /** What was read: files, or the user pool id of a live pool. */
  readonly read: readonly string[]
  /** What the rules had to look at. */
  readonly coverage: Coverage
  /** What is of a known format, or speaks of Cognito's groups, and could not be read. It fails the run. */
  readonly skipped: readonly SkippedFile[]
  /** Programs, scripts and parts of templates that speak of Cognito's groups and are never read. */
  readonly notRead: readonly NotReadFile[]
  /** What was looked at and has nothing of Cognito. */
  readonly unrelated: readonly SkippedFile[]
  readonly failOn: FailOn
  /** Whether files that could not be read do not fail the run. */
  readonly allowSkipped: boolean
  /** Whether everything that was not looked at, or is not known, fails the run. */
  readonly strict: boolean
}

export interface SkippedFile {
  readonly path: string
  readonly why: string
  /** Whether it was named on the command line: then it fails the run in any case. */
  readonly isNamed?: boolean | undefined
}

export interface NotReadFile {
  readonly path: string
  /** Follows the path, as in "it is a CDK program". */
  readonly why: string
  /** The next step, imperative, without its full stop. */
  readonly next: string
}

/** The rules that say what was not looked at, or is not known: with `--strict` they fail the run. */
const INCOMPLETE: ReadonlySet<string> = new Set(['COG190', 'COG194'])

/** Whether a finding fails the run. A suppressed one never does. */
export function fails(
  { ruleId, severity, suppressed }: Finding,
  { failOn, strict }: Pick<FindingsReport, 'failOn' | 'strict'>,
): boolean {
  if (suppressed !== undefined) return false
  if (strict && INCOMPLETE.has(ruleId)) return true
  return failOn !== 'never' && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(failOn)
}

/** The files that could not be read, as far as they fail the run. */
export function failuresOf({ skipped, allowSkipped, strict }: FindingsReport): readonly SkippedFile[] {
  return skipped.filter(({ isNamed }) => isNamed === true || strict || !allowSkipped)
}

/** 0: nothing that fails the run; 1: a finding does; 2: the run is not complete, because a file could not be read. */
export function exitCodeOf(report: FindingsReport): 0 | 1 | 2 {
  if (failuresOf(report).length > 0) return 2
  const isIncomplete = report.strict && report.notRead.length > 0
  return isIncomplete || report.findings.some(finding => fails(finding, report)) ? 1 : 0
}

/**
 * Whether everything was looked at, and all of it is known. False says nothing about what was found, only that something was
 * not looked at; what is suppressed counts as not looked at.
 */
export function isComplete({ findings, skipped, notRead }: FindingsReport): boolean {
  return skipped.length === 0 && notRead.length === 0 && !findings.some(({ ruleId }) => INCOMPLETE.has(ruleId))
}

/** The findings in a few words, such as `2 errors, 1 note and 3 suppressed, in 4 files`. */
export function summaryOf({ findings, read }: FindingsReport): string {
  const open = findings.filter(({ suppressed }) => suppressed === undefined)
  const counts = [
    ...SEVERITIES.toReversed().map(severity =>
      counted(open.filter(finding => finding.severity === severity).length, severity),
    ),
    counted(findings.length - open.length, 'suppressed', 'suppressed'),
  ].flatMap(count => count ?? [])
  const what = counts.length === 0 ? 'nothing found' : AND.format(counts)
  return `${what}, in ${countOf(read.length, 'source')}`
}

/** What was looked at, such as `2 pools, 5 groups, 1 role attachment, 4 roles, 3 trust policies checked`. */
export function coverageText(report: FindingsReport): string {
  const { pools, groups, attachments, rolesChecked, rolesNotChecked } = report.coverage
  const counts = [
    countOf(pools, 'pool'),
    countOf(groups, 'group'),
    countOf(attachments, 'role attachment'),
    countOf(rolesChecked + rolesNotChecked, 'role'),
    `${countOf(rolesChecked, 'trust policy', 'trust policies')} checked`,
  ].join(', ')
  return isComplete(report) ? counts : `${counts}; not everything was looked at, or is known`
}

/** What was not looked at, a line each, ready for people: without control characters. */
export function notLookedAtLines({ skipped, notRead }: FindingsReport): readonly string[] {
  return [
    ...skipped.map(file => `skipped ${printable(reasonOf(file))}`),
    ...[...groupBy(notRead, ({ why, next }) => JSON.stringify([why, next])).values()].map(notReadLine),
  ]
}

/** So many files are named that are not read for one reason. */
const MAX_NAMED = 5

function notReadLine(files: readonly NotReadFile[]): string {
  const [{ why, next }] = files as [NotReadFile]
  const more = files.length - MAX_NAMED
  const names = files.slice(0, MAX_NAMED).map(({ path }) => printable(path))
  const all = AND.format([...names, ...(more > 0 ? [`${figure(more)} more`] : [])])
  const reason = files.length === 1 ? why : why.replace(/^it /, 'each ')
  return `not read ${all}: ${printable(`${reason}; ${next}`)}`
}

/** The path and the reason, which may name the path with its line. */
export function reasonOf({ path, why }: Pick<SkippedFile, 'path' | 'why'>): string {
  return why.startsWith(quote(path).slice(0, -1)) ? why : `${path}: ${why}`
}

const AND = new Intl.ListFormat('en-GB')

function counted(count: number, one: string, many?: string): string | undefined {
  return count === 0 ? undefined : countOf(count, one, many)
}

function countOf(count: number, one: string, many = `${one}s`): string {
  return `${figure(count)} ${count === 1 ? one : many}`
}

/** A location as tools print it: `infra/auth.yaml:12:3`. */
export function locationText({ path, line, column }: Finding['location']): string {
  return [
    path,
    ...(line === undefined ? [] : [line]),
    ...(line === undefined || column === undefined ? [] : [column]),
  ].join(':')
}

/** The report with other paths: those that are read, those of locations, and those of files that were not looked at. */
export function relocate(report: FindingsReport, pathOf: (path: string) => string): FindingsReport {
  const at = <T extends { readonly path: string }>(one: T): T => ({ ...one, path: pathOf(one.path) })
  return {
    ...report,
    findings: report.findings.map(finding => ({
      ...finding,
      location: at(finding.location),
      related: finding.related.map(one => ({ ...one, location: at(one.location) })),
      ...(finding.suppressed !== undefined && {
        suppressed: { ...finding.suppressed, location: at(finding.suppressed.location) },
      }),
    })),
    read: report.read.map(pathOf),
    skipped: report.skipped.map(at),
    notRead: report.notRead.map(at),
    unrelated: report.unrelated.map(at),
  }
}
