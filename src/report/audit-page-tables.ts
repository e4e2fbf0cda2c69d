import type { RoleCheck } from '../audit/role-check.js'
import { type GroupStanding, STANDINGS, standings } from '../audit/standing.js'
import type { AuditSummary, CredentialsSummary } from '../audit/summary.js'
import type { Trust, TrustReason } from '../credentials/trust-policy.js'
import type { Group } from '../group.js'
import {
  badge,
  html,
  isolated,
  isolatedArn,
  share,
  tableHtml,
  type Tone,
  usersLink,
  visible,
  widthOf,
} from './audit-page-html.js'
import { counted, figure } from './figure.js'

/** A cell with a number. The unit shows where the table is laid out without its header. */
function numberCell(number: number, unit: string, shown: string = figure(number)): string {
  return `<td role="cell" class="number" data-unit="${unit}${number === 1 ? '' : 's'}">${shown}</td>`
}

// ------------------------------------------------------------------ The precedence ladder

/** In short and by colour; `STANDINGS` has the meanings. */
const MARKS: Readonly<Record<GroupStanding, { readonly label: string; readonly tone: Tone }>> = {
  conflict: { label: 'Tie, roles differ', tone: 'bad' },
  shared: { label: 'Tie, same role', tone: 'good' },
  contender: { label: 'No role, may block', tone: 'doubt' },
  unranked: { label: 'Never preferred', tone: 'doubt' },
}

const STANDING_NAMES = Object.keys(MARKS) as readonly GroupStanding[]

function markBadge(standing: GroupStanding): string {
  const { label, tone } = MARKS[standing]
  return badge(tone, label)
}

export function ladderHtml({ groups, semantics, disabled }: AuditSummary): string {
  if (groups.length === 0) return '<p>The pool has no groups.</p>'
  const marks = standings(groups, semantics)
  const table = tableHtml({
    name: 'ladder',
    caption: `${counted(groups.length, 'group')}; the lowest number ranks highest`,
    columns: ['Precedence', 'Group', 'Role', 'Mark', 'Members', ...(disabled > 0 ? ['Disabled'] : [])],
    rows: groups.map((group, index) => ladderRow(group, marks[index], groups[index - 1], disabled > 0)),
  })
  const legend = STANDING_NAMES.filter(standing => marks.includes(standing)).map(
    standing => `<dt>${markBadge(standing)}</dt><dd>${html(STANDINGS[standing])}</dd>`,
  )
  return legend.length === 0 ? table : `${table}\n<dl class="legend">${legend.join('\n')}</dl>`
}

function ladderRow(
  { groupName, precedence, roleArn, users, disabledUsers }: AuditSummary['groups'][number],
  mark: GroupStanding | undefined,
  above: Group | undefined,
  hasDisabled: boolean,
): string {
  const isTied = precedence != null && above?.precedence === precedence
  return `<tr role="row"${isTied ? ' class="tied"' : ''}>
<td role="cell" class="rank">${precedence ?? '<span class="muted">none</span>'}</td>
<th role="rowheader" scope="row">${isolated(groupName)}</th>
<td role="cell" class="role">${roleArn ? isolatedArn(roleArn) : '<span class="muted">no role</span>'}</td>
<td role="cell" class="mark">${mark === undefined ? '' : markBadge(mark)}</td>
${numberCell(users, 'member')}${hasDisabled ? `<td role="cell" class="number" data-unit="disabled">${figure(disabledUsers)}</td>` : ''}</tr>`
}

// ------------------------------------------------------------------ Users per role

const NO_ROLE = '<span class="muted">No preferred role, or not known</span>'

export function rolesHtml({ roles, users, disabled, outcomes }: AuditSummary): string {
  if (roles.length === 0) return '<p>No group of the pool has a role.</p>'
  const all = users - disabled
  const most = roles[0]!.users
  const disabledOf = (number: number) =>
    disabled > 0 ? `<td role="cell" class="number" data-unit="disabled">${figure(number)}</td>` : ''
  const rows = roles.map(({ roleArn, users: having, disabledUsers }) => {
    const link = usersLink(figure(having), { role: visible(roleArn) })
    return roleRow(isolatedArn(roleArn), having, all, most, {
      number: having + disabledUsers === 0 ? figure(having) : link,
      disabled: disabledOf(disabledUsers),
    })
  })
  const without = disabled - roles.reduce((sum, { disabledUsers }) => sum + disabledUsers, 0)
  rows.push(
    roleRow(NO_ROLE, all - outcomes.resolved, all, 0, {
      number: figure(all - outcomes.resolved),
      disabled: disabledOf(without),
    }),
  )
  return tableHtml({
    name: 'roles',
    caption: `${counted(roles.length, 'role')}, with the users whose ID token prefers each`,
    columns: ['Role', 'Users', ...(disabled > 0 ? ['Disabled'] : []), 'Of all', 'Compared with the first'],
    rows,
  })
}

interface RoleCells {
  readonly number: string
  readonly disabled: string
}

function roleRow(role: string, users: number, all: number, most: number, cells: RoleCells): string {
  return `<tr role="row"><th role="rowheader" scope="row">${role}</th>
${numberCell(users, 'user', cells.number)}${cells.disabled}
<td role="cell" class="number">${html(share(users, all))}</td>
<td role="cell" class="share"><svg class="bar" aria-hidden="true"><rect class="good" width="${most === 0 ? '0' : widthOf(users, most)}" height="100%"/></svg></td></tr>`
}

// ------------------------------------------------------------------ Credentials

const MAPPINGS: Readonly<Record<CredentialsSummary['mapping'], string>> = {
  Token: 'the role is chosen from the token',
  Rules: 'rules on the claims choose the role',
  none: 'there is no role mapping for these users, so groups do not count',
}

export function credentialsHtml({ identityPoolId, mapping, outcomes, roles }: CredentialsSummary): string {
  const all = outcomes.role + outcomes.denied + outcomes.undetermined
  const most = roles[0]?.users ?? 0
  const row = (label: string, users: number, width: number, filter: Readonly<Record<string, string>>) =>
    roleRow(label, users, all, width, {
      number: users === 0 ? figure(users) : usersLink(figure(users), filter),
      disabled: '',
    })
  const rows = [
    ...roles.map(({ roleArn, users }) => row(isolatedArn(roleArn), users, most, { credentials: visible(roleArn) })),
    row('<span class="muted">Denied: no credentials</span>', outcomes.denied, 0, { credentials: 'denied' }),
    row('<span class="muted">Not known: one of several roles, or none</span>', outcomes.undetermined, 0, {
      credentials: 'undetermined',
    }),
  ]
  return `<p class="lead">Identity pool ${isolated(identityPoolId)}, mapping <code>${mapping}</code>: ${MAPPINGS[mapping]}.</p>
${tableHtml({
  name: 'credentials',
  caption: `${counted(roles.length, 'role')}, with the users who get the credentials of each`,
  columns: ['Role', 'Users', 'Of all', 'Compared with the first'],
  rows,
})}`
}

// ------------------------------------------------------------------ Role checks

const STATUS: Readonly<Record<RoleCheck['status'], string>> = {
  exists: badge('good', 'exists'),
  missing: badge('bad', 'does not exist'),
  unknown: badge('doubt', 'not known'),
}

const TRUST_REASONS: Readonly<Record<TrustReason, string>> = {
  allowed: 'a statement allows it, and none denies it',
  denied: 'a Deny statement covers it',
  'no-allow': 'no statement allows anything',
  'other-principal': 'no statement names the identity pool service',
  'other-action': 'no statement allows sts:AssumeRoleWithWebIdentity',
  'other-audience': 'it trusts other identity pools',
  'placeholder-audience': 'its audience is the placeholder of an example',
  'guests-only': 'it trusts guests only',
  'signed-in-only': 'it trusts signed-in users only',
  'condition-not-met': 'a condition is not met',
  'uncertain-principal': 'the policy alone does not tell whom it trusts',
  'uncertain-action': 'the policy alone does not tell which action it allows',
  'uncertain-condition': 'the policy alone does not decide a condition',
  'uncertain-statement': 'a statement has an element that cannot be evaluated',
  'uncertain-policy': 'IAM may not accept the policy',
}

export function checksHtml(checks: readonly RoleCheck[]): string {
  if (checks.length === 0) return '<p>There is no role to check.</p>'
  const table = tableHtml({
    name: 'checks',
    caption: `${counted(checks.length, 'role')}, as IAM has them`,
    columns: ['Role', 'In IAM', 'Trusts the identity pool', 'Can do everything'],
    rows: checks.map(checkRow),
  })
  return checks.every(({ privileges }) => privileges === undefined)
    ? table
    : `${table}\n<p class="muted">A role that can give itself more permissions, for example with iam:PutRolePolicy, is not marked here.</p>`
}

function checkRow(check: RoleCheck): string {
  const { roleArn, status, why, trust, privileges } = check
  const note = why === undefined ? '' : `<p class="muted">${html(visible(why))}</p>`
  const isThere = status === 'exists'
  return `<tr role="row"><th role="rowheader" scope="row">${isolatedArn(roleArn)}</th>
<td role="cell" class="state" data-name="In IAM">${STATUS[status]}${note}</td>
<td role="cell" class="trust" data-name="Trust">${isThere ? trustText(trust) : '–'}</td>
<td role="cell" class="power" data-name="Privileges">${isThere ? privilegesText(privileges) : '–'}</td></tr>`
}

const NOT_CHECKED = badge('doubt', 'not checked')

function trustText(trust: Trust | undefined): string {
  if (trust === undefined) return NOT_CHECKED
  const { trusted, reason, anyPool, guests } = trust
  const notes = [
    ...(trusted === true ? [] : [TRUST_REASONS[reason]]),
    ...(anyPool === false ? [] : [`${knownOr(anyPool)}users of any identity pool can assume it`]),
    ...(guests === false ? [] : [`${knownOr(guests)}guests can assume it`]),
  ]
  const tone = trusted === undefined ? 'doubt' : trusted ? 'good' : 'bad'
  const word = trusted === undefined ? 'not known' : trusted ? 'yes' : 'no'
  return badge(tone, word) + notesHtml(notes)
}

function knownOr(fact: true | undefined): string {
  return fact === true ? '' : 'not known whether '
}

function privilegesText(privileges: RoleCheck['privileges']): string {
  if (privileges === undefined) return NOT_CHECKED
  const { administrator, attached, inline, notRead } = privileges
  const tone = administrator === undefined ? 'doubt' : administrator ? 'bad' : 'good'
  const word = administrator === undefined ? 'not known' : administrator ? 'yes' : 'no'
  const policies = [...attached, ...inline.map(name => `${name} (inline)`)]
  const list = policies.length === 0 ? 'no policies' : policies.map(visible).join(', ')
  return badge(tone, word) + notesHtml([list, ...notRead.map(visible)])
}

function notesHtml(notes: readonly string[]): string {
  return notes.map(note => `<p class="muted">${html(note)}</p>`).join('')
}
