import { type Finding, SEVERITIES, type Severity } from '../rules/finding.js'
import { figure } from './text-table.js'

/** From which severity on findings fail a run. */
export type FailOn = Severity | 'never'

export const FAIL_ON: readonly FailOn[] = ['error', 'warning', 'note', 'never']

/** What a validation has found, and in what. */
export interface FindingsReport {
  /** By location; suppressed ones included. */
  readonly findings: readonly Finding[]
  /** What was read: files, or the user pool id of a live pool. */
  readonly read: readonly string[]
  /** What was not, and why. */
  readonly skipped: readonly SkippedFile[]
  readonly failOn: FailOn
}

export interface SkippedFile {
  readonly path: string
  readonly why: string
}

/** Whether it fails the run. A suppressed finding never does. */
export function fails({ severity, suppressed }: Finding, failOn: FailOn): boolean {
  return suppressed === undefined && failOn !== 'never' && SEVERITIES.indexOf(severity) >= SEVERITIES.indexOf(failOn)
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
  return `${what}, in ${figure(read.length)} ${read.length === 1 ? 'source' : 'sources'}`
}

const AND = new Intl.ListFormat('en-GB')

function counted(count: number, one: string, many = `${one}s`): string | undefined {
  return count === 0 ? undefined : `${figure(count)} ${count === 1 ? one : many}`
}

/** A location as tools print it: `infra/auth.yaml:12:3`. */
export function locationText({ path, line, column }: Finding['location']): string {
  return [
    path,
    ...(line === undefined ? [] : [line]),
    ...(line === undefined || column === undefined ? [] : [column]),
  ].join(':')
}
