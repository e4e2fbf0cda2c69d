import type { Finding } from '../rules/finding.js'
import { SEVERITIES } from '../severity.js'
import { escapeHidden, printable, upperFirst } from '../text.js'
import {
  coverageText,
  exitCodeOf,
  failuresOf,
  fails,
  type FindingsReport,
  isComplete,
  locationText,
  notLookedAtLines,
  rulesOffText,
  summaryOf,
} from './findings-report.js'
import { figure } from './figure.js'

/**
 * The bytes of a report. GitHub drops the summary of a step that has more than 1,048,576; the rest is for what else the
 * step writes there.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#step-isolation-and-limits
 */
const MAX_BYTES = 1_000_000

/** The bytes of each list other than that of the findings. */
const MAX_LIST_BYTES = 200_000

/**
 * Findings as GitHub Flavored Markdown, for the summary of a job: what fails the run, a table of the findings with the
 * worst first, what was not looked at, what is suppressed, and what to do next. It has at most 1,000,000 bytes, and
 * says how much is left out.
 *
 * No name in it starts a link, an image, a mention, a cell or HTML. Some characters have a zero-width space after them,
 * so do not copy names out of it. Not for programs: its form may change.
 *
 * @see https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
 */
export function findingsMarkdown(report: FindingsReport): string {
  const open = report.findings.filter(({ suppressed }) => suppressed === undefined)
  const head = [
    `## rolecast: ${isComplete(report) ? '' : 'incomplete: '}${summaryOf(report)}`,
    '',
    ...verdictLines(report),
    '',
    `Looked at: ${coverageText(report)}.`,
    ...rulesOffLines(report),
  ]
  const tail = [
    ...listLines(
      '### Not looked at',
      notLookedAtLines(report, { name: code, sentence: prose }).map(line => `- ${line}`),
    ),
    ...listLines('### Suppressed', report.findings.flatMap(suppressedLine)),
    ...nextLines(report),
  ]
  const room = MAX_BYTES - bytesOf([...head, ...tail, ...TABLE_HEAD, leftText(open.length)])
  const rows = first(
    SEVERITIES.toReversed()
      .flatMap(severity => open.filter(one => one.severity === severity))
      .map(row),
    room,
  )
  const left = open.length - rows.length
  const body = [...(rows.length > 0 ? [...TABLE_HEAD, ...rows] : []), ...(left > 0 ? ['', leftText(left)] : [])]
  return [...head, ...body, ...tail].map(line => `${line}\n`).join('')
}

const TABLE_HEAD = ['', '| Severity | Rule | Where | What happens | What to do |', '| --- | --- | --- | --- | --- |']

function leftText(count: number): string {
  return `**${figure(count)} more findings are left out of this page.** \`--format text\`, \`json\` and \`sarif\` have all of them.`
}

function rulesOffLines(report: FindingsReport): readonly string[] {
  const text = rulesOffText(report)
  return text === undefined ? [] : ['', `${upperFirst(prose(text))}.`]
}

function verdictLines(report: FindingsReport): readonly string[] {
  const { failOn, findings, strict, notRead } = report
  const failures = failuresOf(report).length
  const failing = findings.filter(finding => fails(finding, report)).length
  if (exitCodeOf(report) === 2) {
    const files = failures === 1 ? '1 file could not be read' : `${figure(failures)} files could not be read`
    return [`**The run is incomplete: ${files}.** Exit code 2.`]
  }
  if (failing > 0) {
    const them = failing === 1 ? '1 finding fails' : `${figure(failing)} findings fail`
    return [`**${them} the run.** Exit code 1.`]
  }
  if (strict && notRead.length > 0)
    return ['**`--strict` fails the run, because not everything was looked at.** Exit code 1.']
  const threshold =
    failOn === 'never'
      ? 'No finding fails the run (`--fail-on never`)'
      : `No finding of severity \`${failOn}\` or above`
  return [
    `**${threshold}.** Exit code 0.`,
    ...(isComplete(report) ? [] : ['', 'Not everything was looked at or is known: this is not a clean result.']),
  ]
}

function listLines(heading: string, lines: readonly string[]): readonly string[] {
  if (lines.length === 0) return []
  const shown = first(lines, MAX_LIST_BYTES)
  const left = lines.length - shown.length
  return ['', heading, '', ...shown, ...(left > 0 ? [`- **${figure(left)} more are left out of this page.**`] : [])]
}

/** The first lines that have no more bytes than this, with their line ends. */
function first(lines: readonly string[], bytes: number): readonly string[] {
  let room = bytes
  const end = lines.findIndex(line => (room -= bytesOf([line])) < 0)
  return end < 0 ? lines : lines.slice(0, end)
}

function bytesOf(lines: readonly string[]): number {
  return lines.reduce((sum, line) => sum + Buffer.byteLength(line) + 1, 0)
}

const MAX_RELATED = 5

function row({ ruleId, slug, severity, message, impact, fix, location, related }: Finding): string {
  const others = related.slice(0, MAX_RELATED).map(one => code(locationText(one.location)))
  const more = related.length - others.length
  const see =
    others.length === 0 ? [] : [`See also ${others.join(', ')}${more > 0 ? ` and ${figure(more)} more` : ''}.`]
  const where = [location.construct, locationText(location)].flatMap(part => (part === undefined ? [] : [code(part)]))
  const what = [message, impact].flatMap(part => (part === undefined ? [] : [prose(part)]))
  const cells = [
    severity,
    `${ruleId} ${slug}`,
    where.toReversed().join('<br>'),
    [...what, ...see].join(' '),
    prose(fix),
  ]
  return `| ${cells.join(' | ')} |`
}

function suppressedLine({ ruleId, slug, location, suppressed }: Finding): readonly string[] {
  if (suppressed === undefined) return []
  const { reason, location: by } = suppressed
  return [`- ${ruleId} ${slug} in ${code(locationText(location))}: ${prose(reason)} (${code(locationText(by))})`]
}

const TERRAFORM = /\.(?:tf|tofu)(?:\.json)?$/

function nextLines(report: FindingsReport): readonly string[] {
  const open = report.findings.filter(({ suppressed }) => suppressed === undefined)
  const rules = [...new Set(open.map(({ ruleId }) => ruleId))].toSorted()
  const failures = failuresOf(report)
  const isUnknownInTerraform = open.some(({ ruleId, location }) => ruleId === 'COG190' && TERRAFORM.test(location.path))
  const steps = [
    ...(failures.length === 0
      ? []
      : ['- Correct the files that could not be read, or leave them out: `--exclude PATH`']),
    ...(failures.every(({ isNamed }) => isNamed === true) || report.strict
      ? []
      : ['- Pass although files in folders cannot be read: `--allow-skipped`']),
    ...rules.slice(0, 1).map(rule => `- Read about a rule: \`npx rolecast explain ${rule}\``),
    ...(open.length === 0
      ? []
      : [
          `- Suppress a finding that is intended: a comment \`# rolecast:ignore ${rules[0]} reason\` above the resource`,
          '- Record the findings of an old project: `npx rolecast validate . --write-baseline rolecast.baseline.json`',
        ]),
    ...(isUnknownInTerraform
      ? ['- Show what Terraform computes: `terraform show -json plan.out > plan.json`, and validate `plan.json`']
      : []),
    ...(isComplete(report) || report.strict || failures.length > 0
      ? []
      : ['- Fail the run for what was not looked at, or is not known: `--strict`']),
  ]
  return steps.length === 0 ? [] : ['', '### Next steps', '', ...steps]
}

/** A name or a path. In `code`, GitHub makes no mention, no link to an issue, and no emoji of it. */
function code(text: string): string {
  return `<code>${escaped(printable(text), '@')}</code>`
}

/**
 * Sentences with names in backticks, as `quote` writes them: as many end a name as begin it. Backticks that do not pair
 * up are escaped text.
 */
function prose(text: string): string {
  // Two backticks are an empty name.
  const runs = [...text.matchAll(/(?<!`)(?:`|`{3,})(?!`)/g)].map(({ 0: { length }, index }) => ({ length, index }))
  const ends = new Map<number, (typeof runs)[number]>()
  const endOf = new Map<number, (typeof runs)[number]>()
  for (const run of runs.toReversed()) {
    const end = ends.get(run.length)
    if (end !== undefined) endOf.set(run.index, end)
    ends.set(run.length, run)
  }
  const parts: string[] = []
  let done = 0
  for (const { length, index } of runs) {
    const end = endOf.get(index)
    if (end === undefined || index < done) continue
    const name = text.slice(index + length, end.index)
    // A name that contains backticks has a space on either side.
    const shown = length === 1 ? name : name.replace(/^ (.+) $/s, '$1')
    parts.push(escaped(escapeHidden(text.slice(done, index)), '@#:.'))
    parts.push(`<code>${escaped(escapeHidden(shown), '@')}</code>`)
    done = end.index + length
  }
  return [...parts, escaped(escapeHidden(text.slice(done)), '@#:.')].join('')
}

/** ASCII punctuation, except the characters that have no meaning inside a line. */
const MARKUP = /(?![-/,;()+=%?'"]|(?<!www)\.|:(?: |$))[!-/:-@[-`{-~]/gi

/**
 * Text that is never read as markup: references to characters are literal in Markdown.
 *
 * @param text without control characters
 * @param separated what gets a zero-width space after it, because GitHub also looks for users, issues and addresses in the
 * text of the page, where references are characters again
 */
function escaped(text: string, separated: string): string {
  return text.replace(MARKUP, character => {
    const reference = `&#${character.charCodeAt(0)};`
    return separated.includes(character) ? `${reference}&#8203;` : reference
  })
}
