import { type Finding } from '../rules/finding.js'
import { SEVERITIES, type Severity } from '../severity.js'
import type { Coverage } from '../rules/coverage.js'
import type { RuleOff } from '../rules/validate.js'
import { listItems, quote } from '../errors.js'
import { escapeHidden, printable } from '../text.js'
import { groupBy } from '../record.js'
import { figure } from './figure.js'

/** The lowest severity at which findings fail a run. */
export type FailOn = Severity | 'never'

export const FAIL_ON: readonly FailOn[] = ['error', 'warning', 'note', 'never']

/** What a validation found, what it read, and what it did not look at. */
export interface FindingsReport {
  /** By location; suppressed ones included. */
  readonly findings: readonly Finding[]
  /** What was read: files, or the user pool id of a live pool. */
  readonly read: readonly string[]
  /** How much the rules looked at. */
  readonly coverage: Coverage
  /** Files of a known format, or that mention Cognito's groups, that could not be read. They fail the run. */
  readonly skipped: readonly SkippedFile[]
  /**
   * Programs, scripts and parts of templates that mention Cognito's groups and are never read; and files with a part
   * that is not followed, such as a nested stack, which may have any resource.
   */
  readonly notRead: readonly NotReadFile[]
  /** Files that were looked at and have nothing to do with Cognito. */
  readonly unrelated: readonly SkippedFile[]
  /** Rules that were switched off on purpose, so they did not run. */
  readonly rulesOff?: readonly RuleOff[] | undefined
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

/** The rules that report what was not looked at, or is not known. With `--strict` they fail the run. */
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

/** The unreadable files that fail the run: all of them, if no other file was read. */
export function failuresOf({ read, skipped, allowSkipped, strict }: FindingsReport): readonly SkippedFile[] {
  const areAllowed = allowSkipped && !strict && read.length > 0
  return skipped.filter(({ isNamed }) => isNamed === true || !areAllowed)
}

/** 0: nothing fails the run; 1: a finding does; 2: the run is not complete, because a file could not be read. */
export function exitCodeOf(report: FindingsReport): 0 | 1 | 2 {
  if (failuresOf(report).length > 0) return 2
  const isIncomplete = report.strict && report.notRead.length > 0
  return isIncomplete || report.findings.some(finding => fails(finding, report)) ? 1 : 0
}

/**
 * Whether everything was looked at, and all of it is known. False says nothing about what was found, only that
 * something was not looked at; what is suppressed counts as not looked at.
 */
export function isComplete({ findings, skipped, notRead }: FindingsReport): boolean {
  return skipped.length === 0 && notRead.length === 0 && !findings.some(({ ruleId }) => INCOMPLETE.has(ruleId))
}

/** At most this many rules are named for each option or file that switched them off. */
const MAX_RULES = 5

/** `rules not run: COG101 (rolecast.config.json), 40 (--only)`. Undefined if none was switched off. */
export function rulesOffText({ rulesOff = [] }: FindingsReport): string | undefined {
  if (rulesOff.length === 0) return undefined
  const parts = [...groupBy(rulesOff, ({ by }) => by)].map(([by, rules]) => {
    const ids = rules.length > MAX_RULES ? figure(rules.length) : listItems(rules, ({ ruleId }) => ruleId)
    return `${ids} (${printable(by)})`
  })
  return `rules not run: ${parts.join(', ')}`
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
  const what = counts.length === 0 ? 'nothing found' : listItems(counts, count => count)
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

/** How a report shows names and sentences with quoted names. */
export interface Shown {
  readonly name: (text: string) => string
  readonly sentence: (text: string) => string
}

/** Ready for people: without control characters. */
const AS_TEXT: Shown = { name: printable, sentence: escapeHidden }

/** What was not looked at, a line each. */
export function notLookedAtLines(report: FindingsReport, shown: Shown = AS_TEXT): readonly string[] {
  const { skipped, notRead } = report
  const isPart = createPartCheck(report)
  const whole = notRead.filter(one => !isPart(one))
  return [
    ...skipped.map(file => `skipped ${reasonOf(file, shown)}`),
    ...[...groupBy(whole, ({ why, next }) => JSON.stringify([why, next])).values()].map(files =>
      notReadLine(files, shown),
    ),
    ...[...groupBy(notRead.filter(isPart), ({ next }) => next).values()].flatMap(files => partLines(files, shown)),
  ]
}

/** Whether a file was read except for a part of it. */
function createPartCheck({ read }: FindingsReport): (file: NotReadFile) => boolean {
  const isRead = new Set(read)
  return ({ path }) => isRead.has(path)
}

/**
 * The lines about files that are read in part. Many files share one line: most of what a large project nests is not
 * about Cognito.
 */
function partLines(files: readonly NotReadFile[], { name, sentence }: Shown): readonly string[] {
  if (files.length <= MAX_NAMED)
    return files.map(({ path, why, next }) => `read in part ${name(path)}: ${sentence(`${why}; ${next}`)}`)
  const [{ next }] = files as [NotReadFile]
  return [`read in part ${namesOf(files, name)}: ${sentence(`something in each is not followed; ${next}`)}`]
}

/** What is not read in each file, for a report that names the file itself: "not read: it is a CDK program; …". */
export function notReadTexts(report: FindingsReport): readonly { readonly path: string; readonly text: string }[] {
  const isPart = createPartCheck(report)
  return report.notRead.map(file => {
    const { path, why, next } = file
    return { path, text: `${isPart(file) ? 'read in part' : 'not read'}: ${why}; ${next}` }
  })
}

/** At most this many files are named for each reason. */
const MAX_NAMED = 5

function notReadLine(files: readonly NotReadFile[], { name, sentence }: Shown): string {
  const [{ why, next }] = files as [NotReadFile]
  const reason = files.length === 1 ? why : why.replace(/^it /, 'each ')
  return `not read ${namesOf(files, name)}: ${sentence(`${reason}; ${next}`)}`
}

function namesOf(files: readonly NotReadFile[], name: Shown['name']): string {
  const more = files.length - MAX_NAMED
  const names = files.slice(0, MAX_NAMED).map(({ path }) => name(path))
  return new Intl.ListFormat('en-GB').format([...names, ...(more > 0 ? [`${figure(more)} more`] : [])])
}

/** The path and the reason, which may name the path with its line. */
export function reasonOf({ path, why }: Pick<SkippedFile, 'path' | 'why'>, { name, sentence } = AS_TEXT): string {
  const isNamed = why.startsWith(quote(path)) || why.startsWith(withLine(path))
  return isNamed ? sentence(why) : `${name(path)}: ${sentence(why)}`
}

/** The line number that a reason names after the path. */
export function lineOf({ path, why }: Pick<SkippedFile, 'path' | 'why'>): number | undefined {
  if (!why.startsWith(withLine(path))) return undefined
  const line = Number(/^\d{1,9}(?!\d)/.exec(why.slice(withLine(path).length))?.[0])
  return line > 0 ? line : undefined
}

function relocatedReason({ path, why }: SkippedFile, moved: string): string {
  const of = [quote, withLine].find(one => why.startsWith(one(path)))
  return of === undefined ? why : `${of(moved)}${why.slice(of(path).length)}`
}

/** The beginning of a reason that quotes a path with its line. */
function withLine(path: string): string {
  const quoted = quote(`${path}:`)
  const fence = /^`+/.exec(quoted)![0]
  return quoted
    .slice(0, -fence.length)
    .replace(/ $/, '')
    .replace(/\u2069$/, '')
}

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

/** The report with its paths mapped: of files that were read, of locations, and of files that were not looked at. */
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
    skipped: report.skipped.map(file => ({ ...at(file), why: relocatedReason(file, pathOf(file.path)) })),
    notRead: report.notRead.map(at),
    unrelated: report.unrelated.map(at),
  }
}
