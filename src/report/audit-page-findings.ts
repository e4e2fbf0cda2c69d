import { type AuditConcern, CONCERNS } from '../audit/concerns.js'
import { describeChange } from '../audit/pool-change.js'
import type { AuditFinding, AuditSummary } from '../audit/summary.js'
import { SEVERITIES, type Severity } from '../severity.js'
import { badge, html, isolated, isolatedArn, listHtml, type Tone, usersLink } from './audit-page-html.js'
import { counted } from './figure.js'

/** From the worst to the least. */
export const WORST_FIRST: readonly Severity[] = SEVERITIES.toReversed()

const TONES: Readonly<Record<Severity, Tone>> = { error: 'bad', warning: 'doubt', note: 'plain' }

export function severityBadge(severity: Severity): string {
  return badge(TONES[severity], severity)
}

/** What a finding counts, if not users. */
const COUNTED: Partial<Readonly<Record<AuditConcern, string>>> = {
  'missing-role': 'role',
  'untrusted-role': 'role',
  'unchecked-role': 'role',
  'administrator-role': 'role',
  'role-open-to-others': 'role',
  'unjudged-privileges': 'role',
  'role-nobody-gets': 'role',
  'federated-group-with-role': 'group',
}

/** How many it is about, in words. */
export function extentOf({ concern, count, affectedUsers }: AuditFinding): string {
  const noun = COUNTED[concern]
  if (noun === undefined) return counted(count, 'user')
  return `${counted(count, noun)}, ${affectedUsers === 0 ? 'no users' : counted(affectedUsers, 'user')}`
}

export function findingId(concern: AuditConcern): string {
  return `finding-${concern}`
}

export function findingsHtml({ findings, disabled }: AuditSummary): string {
  const apart = disabled === 0 ? '' : '<p class="lead">Disabled users are in no finding.</p>\n'
  return apart + (findings.length === 0 ? '<p>No findings.</p>' : findings.map(findingHtml).join('\n'))
}

function findingHtml(finding: AuditFinding): string {
  const { concern, severity, count, affectedUsers, users, groups, roles } = finding
  const { title, meaning, next } = CONCERNS[concern]
  const names = [...users.map(isolated), ...groups.map(isolated), ...roles.map(isolatedArn)]
  const link =
    affectedUsers === 0 ? '' : `\n<p class="to-users">${usersLink('Show the users', { finding: concern })}</p>`
  return `<article class="finding ${severity}" id="${findingId(concern)}" tabindex="-1">
<h3>${severityBadge(severity)}<span>${html(title)}</span><span class="extent">${extentOf(finding)}</span></h3>
<p>${html(meaning)}</p>
<p><b>Next:</b> ${html(next)}</p>
<div class="names">${listHtml(names, count, users.length > 0 ? 'first' : 'whole')}</div>${link}</article>`
}

export function changesHtml({ changes, reading }: AuditSummary): string {
  if (changes.length === 0)
    return reading?.source === 'cognito'
      ? '<p>No changes detected.</p>'
      : '<p>No changes detected. What changed between the writing of two files cannot be seen.</p>'
  const sentences = changes.map(change => html(describeChange(change)))
  return `<p class="lead">The pool changed while it was read, so this page is not a snapshot of one moment.</p>
<div class="changes">${listHtml(sentences, sentences.length, 'whole')}</div>`
}
