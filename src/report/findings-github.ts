import { type Finding, sentencesOf } from '../rules/finding.js'
import { SEVERITIES } from '../severity.js'
import {
  coverageText,
  failuresOf,
  type FindingsReport,
  lineOf,
  locationText,
  notLookedAtLines,
  notReadTexts,
  rulesOffText,
  summaryOf,
} from './findings-report.js'
import { withoutCommands } from './github-log.js'
import { escapeHidden } from '../text.js'
import { figure } from './figure.js'

/** GitHub shows at most this many annotations of one kind for a step, and silently drops the rest. */
const MAX_ANNOTATIONS = 10

const COMMANDS = { error: 'error', warning: 'warning', note: 'notice' } as const

/**
 * Findings as annotations of a GitHub Actions step: the worst first, no more of a kind than GitHub shows, and then the
 * number of the others. Files that were not read are annotated as errors where they fail the run, and as warnings where
 * they are allowed to be skipped. What is suppressed is not annotated.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
 */
export function findingsGithub(report: FindingsReport): string {
  const open = report.findings.filter(({ suppressed }) => suppressed === undefined)
  // They come first: GitHub drops annotations beyond its limit, and these say that the others are not all.
  const failures = failuresOf(report)
  const failing = new Set(failures)
  const unread = notReadTexts(report)
  const files = [
    ...failures.map(file => fileAnnotation('error', file.path, `could not be read: ${file.why}`, lineOf(file))),
    ...(report.strict ? unread.map(({ path, text }) => fileAnnotation('error', path, text)) : []),
  ]
  const allowed = report.skipped
    .filter(file => !failing.has(file))
    .map(file => fileAnnotation('warning', file.path, `could not be read: ${file.why}`, lineOf(file)))
  const off = rulesOffText(report)
  // An option is in the workflow, where it is seen. A config file may be part of the change itself.
  const isOffByFile = report.rulesOff?.some(({ by }) => !by.startsWith('--')) === true
  const offNotices =
    off !== undefined && isOffByFile ? [`::notice title=${property('rolecast: rules')}::${data(off)}`] : []
  const taken = { error: files.length, warning: allowed.length, note: offNotices.length }
  const left: string[] = []
  const shown = SEVERITIES.toReversed().flatMap(severity => {
    const some = open.filter(finding => finding.severity === severity)
    const room = Math.max(0, MAX_ANNOTATIONS - taken[severity])
    if (some.length > room) left.push(`${figure(some.length - room)} more ${severity}s`)
    return some.slice(0, room)
  })
  return [
    ...files.slice(0, MAX_ANNOTATIONS),
    ...allowed.slice(0, MAX_ANNOTATIONS),
    ...offNotices,
    ...shown.map(annotation),
    ...notLookedAtLines(report).map(line => withoutCommands(`rolecast: ${line}`)),
    `rolecast: ${summaryOf(report)}`,
    `rolecast: ${coverageText(report)}`,
    ...(off === undefined ? [] : [withoutCommands(`rolecast: ${off}`)]),
    ...(left.length === 0
      ? []
      : [`rolecast: ${left.join(', ')} than GitHub annotates; \`--format text\` or \`--format sarif\` shows all`]),
  ]
    .map(line => `${line}\n`)
    .join('')
}

function fileAnnotation(command: 'error' | 'warning', path: string, text: string, line?: number): string {
  const at = line === undefined ? '' : `,line=${line}`
  return `::${command} file=${property(path)}${at},title=${property('rolecast: not read')}::${data(text)}`
}

function annotation(finding: Finding): string {
  const { ruleId, slug, severity, location, related } = finding
  const { path, line, column, endLine, endColumn } = location
  const isOneLine = endLine === undefined || endLine === line
  const properties = [
    ['file', path],
    ['line', line],
    ['endLine', endLine],
    // GitHub takes columns for one line only.
    ['col', isOneLine ? column : undefined],
    ['endColumn', isOneLine ? endColumn : undefined],
    ['title', `${ruleId} ${slug}`],
  ].flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${property(String(value))}`]))
  const others = related.length === 0 ? '' : ` (see also ${related.map(one => locationText(one.location)).join(', ')})`
  return `::${COMMANDS[severity]} ${properties.join(',')}::${data(`${sentencesOf(finding)}${others}`)}`
}

function data(text: string): string {
  return escapeHidden(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function property(text: string): string {
  return data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}
