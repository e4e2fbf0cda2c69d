import type { AuditReading } from '../audit/audit-reading.js'
import { CONCERNS } from '../audit/concerns.js'
import type { AuditFinding, AuditSummary } from '../audit/summary.js'
import type { Evidence } from '../claims/evidence.js'
import { describeCalibration } from '../claims/explain.js'
import type { Outcome } from '../claims/decide.js'
import type { Severity } from '../severity.js'
import { limitsOf } from './audit-limits.js'
import { extentOf, findingId, severityBadge, WORST_FIRST } from './audit-page-findings.js'
import { html, isolated, share, type Tone, usersLink, visible, widthOf } from './audit-page-html.js'
import { counted, figure } from './figure.js'

export const OUTCOMES: Readonly<
  Record<Outcome, { readonly label: string; readonly meaning: string; readonly tone: Tone }>
> = {
  resolved: { label: 'Resolved', meaning: 'The token names one preferred role.', tone: 'good' },
  ambiguous: {
    label: 'Ambiguous',
    meaning: 'A tie between different roles: the token has no preferred role.',
    tone: 'bad',
  },
  undetermined: {
    label: 'Undetermined',
    meaning: 'One role or none: AWS does not document which. Do not grant access based on it.',
    tone: 'doubt',
  },
  none: { label: 'None', meaning: 'The token has no preferred role.', tone: 'plain' },
}

const OUTCOME_NAMES = Object.keys(OUTCOMES) as readonly Outcome[]

/** How many users have a finding of each severity; a user of two severities counts in both. */
export type UsersBySeverity = Readonly<Record<Severity, number>>

// ------------------------------------------------------------------ What was audited

export function titleOf({ reading }: AuditSummary): string {
  const name = reading?.poolName ?? reading?.userPoolId
  return name === undefined ? 'Role audit of a user pool' : `Role audit of ${visible(name)}`
}

export function headingOf({ reading }: AuditSummary): string {
  const name = reading?.poolName ?? reading?.userPoolId
  return `Roles of user pool ${name === undefined ? '(no id given)' : isolated(name)}`
}

/** Terms with what they are, as HTML. */
export function factsHtml(summary: AuditSummary, toolVersion: string): string {
  const { reading, semantics, calibration, credentials } = summary
  const facts: readonly (readonly [string, string])[] = [
    ['User pool', textOf(reading?.userPoolId)],
    ['Account', textOf(reading?.account)],
    ['Region', textOf(reading?.region)],
    ['Read', timesOf(reading)],
    ['Strategy', reading?.source === 'cognito' ? textOf(reading.strategy) : 'from files'],
    [
      'Semantics',
      `<a href="#semantics">${semantics}</a>${calibration === undefined ? '' : html(`, ${describeCalibration(calibration)}`)}`,
    ],
    ['Identity pool', credentials === undefined ? missing('not asked about') : isolated(credentials.identityPoolId)],
    ['Tool', `rolecast ${html(visible(toolVersion))}`],
  ]
  return `<dl class="facts">
${facts.map(([term, fact]) => `<div><dt>${term}</dt><dd>${fact}</dd></div>`).join('\n')}
</dl>`
}

function missing(words: string): string {
  return `<span class="muted">${words}</span>`
}

function textOf(text: string | undefined): string {
  return text === undefined ? missing('not known') : isolated(text)
}

function timesOf(reading: AuditReading | undefined): string {
  const { source, startedAt, endedAt } = reading ?? {}
  if (startedAt === undefined && endedAt === undefined)
    return missing(source === 'cognito' ? 'not recorded' : 'not known: files do not say when they were read')
  if (startedAt !== undefined && endedAt !== undefined) {
    if (source === 'files') return `${html(timeText(endedAt))} UTC, as given with --read-at`
    const [start, end] = [timeText(startedAt), timeText(endedAt)]
    const day = start.slice(0, DAY_LENGTH)
    return `${html(start)} to ${html(end.startsWith(day) ? end.slice(DAY_LENGTH) : end)} UTC`
  }
  return startedAt === undefined
    ? `until ${html(timeText(endedAt!))} UTC; the start is not recorded`
    : `from ${html(timeText(startedAt))} UTC; the end is not recorded`
}

const DAY_LENGTH = '2026-11-28 '.length

/** A time in UTC without its fraction of a second. */
function timeText(time: string): string {
  return visible(time)
    .replace('T', ' ')
    .replace(/\.\d+Z$|Z$/, '')
}

// ------------------------------------------------------------------ The findings, at a glance

const TITLES: Readonly<Record<Severity, string>> = { error: 'Errors', warning: 'Warnings', note: 'Notes' }

export function glanceHtml(summary: AuditSummary, usersBySeverity: UsersBySeverity): string {
  const { findings, changes } = summary
  const changed =
    changes.length === 0
      ? ''
      : `<p class="changed"><a href="#changes">${counted(changes.length, 'change')} while reading</a>: this is not a snapshot of one moment.</p>\n`
  const tally = WORST_FIRST.map(severity => {
    const number = findings.filter(finding => finding.severity === severity).length
    const users = usersBySeverity[severity]
    return `<div class="${severity}${number === 0 ? ' zero' : ''}"><dt>${TITLES[severity]}</dt><dd>${figure(number)}</dd>
<dd class="affects">${number === 0 ? 'none found' : `${users === 0 ? 'no users' : counted(users, 'user')}`}</dd></div>`
  })
  const rows = findings.map(
    finding => `<li>${severityBadge(finding.severity)}<a href="#${findingId(finding.concern)}">${html(CONCERNS[finding.concern].title)}</a>
<span class="extent">${affectsHtml(finding)}</span></li>`,
  )
  const list = rows.length === 0 ? '<p>No findings.</p>' : `<ul>${rows.join('\n')}</ul>`
  return `<p class="sentence">${usersSentence(summary)}</p>
${changed}<div class="glance"><div><dl class="tally">${tally.join('\n')}</dl>
${list}</div>
${limitsHtml(summary)}</div>`
}

function affectsHtml(finding: AuditFinding): string {
  const extent = extentOf(finding)
  return finding.affectedUsers === 0 ? extent : usersLink(extent, { finding: finding.concern })
}

function usersSentence({ users, disabled, groups }: AuditSummary): string {
  const read = `<b>${counted(users, 'user')}</b> and ${counted(groups.length, 'group')}.`
  if (disabled === 0) return read
  const apart = `${counted(disabled, 'user')} ${disabled === 1 ? 'is' : 'are'} disabled and counted separately`
  return `${read} ${apart}; what follows is about the other ${figure(users - disabled)}.`
}

/** What was not looked at, so that it does not count as clean. */
function limitsHtml(summary: AuditSummary): string {
  const limits = limitsOf(summary).map(limit => `<li>${html(limit)}</li>`)
  return `<div class="limits"><h3>Not looked at</h3><ul>${limits.join('')}</ul></div>`
}

// ------------------------------------------------------------------ The figures

const EVIDENCE_NAMES: readonly Evidence[] = ['observed', 'documented', 'inferred', 'calibrated', 'unknown']

export function figuresHtml(summary: AuditSummary): string {
  const { users, disabled, groups, memberships, roles, outcomes, evidence } = summary
  const figures = [
    ['Users', users],
    ...(disabled > 0 ? ([['Disabled', disabled]] as const) : []),
    ['Groups', groups.length],
    ['Memberships', memberships],
    ['Roles', roles.length],
  ] as const
  const all = users - disabled
  let left = 0
  const segments = OUTCOME_NAMES.map(outcome => {
    const extent = `x="${widthOf(left, all)}" width="${widthOf(outcomes[outcome], all)}"`
    left += outcomes[outcome]
    return `<rect class="${OUTCOMES[outcome].tone}" ${extent} height="100%"/>`
  })
  const entries = OUTCOME_NAMES.map(outcome => {
    const { label, meaning, tone } = OUTCOMES[outcome]
    return `<div><dt><svg class="key ${tone}" aria-hidden="true"><rect width="100%" height="100%"/></svg>${label}</dt>
<dd>${counted(outcomes[outcome], 'user')} (${html(share(outcomes[outcome], all))})</dd>
<dd>${meaning}</dd></div>`
  })
  const known = EVIDENCE_NAMES.filter(name => evidence[name] > 0).map(name => `${figure(evidence[name])} ${name}`)
  const evidenceLine =
    known.length === 0
      ? ''
      : `\n<p class="muted">How these results are <a href="#evidence">known</a>: ${known.join(', ')}.</p>`
  return `<dl class="figures">
${figures.map(([name, number]) => `<div><dt>${name}</dt><dd>${figure(number)}</dd></div>`).join('\n')}
</dl>
<svg class="outcomes" aria-hidden="true">${segments.join('')}</svg>
<dl class="outcome-list">
${entries.join('\n')}
</dl>${evidenceLine}`
}
