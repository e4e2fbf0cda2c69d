import type { RoleChange } from '../audit/compare-roles.js'
import { CONCERNS } from '../audit/concerns.js'
import type {
  AuditDiff,
  DiffedAudit,
  DiffTransition,
  FindingDiff,
  GroupDiff,
  RoleDiff,
  UserCredentials,
} from '../audit/diff.js'
import type { RoleOutcome } from '../audit/impact.js'
import {
  headHtml,
  badge,
  html,
  isolated,
  isolatedArn,
  listHtml,
  sectionHtml,
  type Section,
  type Tone,
} from './audit-page-html.js'
import { AUDIT_PAGE_STYLE } from './audit-page-style.js'
import { CHANGES, CREDENTIALS_CHANGES, PRESENCES, roleStateText, sideText, USER_LISTS } from './diff-text.js'
import { describeCalibration } from '../claims/explain.js'
import type { Group } from '../group.js'
import { counted, figure } from './figure.js'

/**
 * The differences between two audits as one HTML page. It has no script, fetches nothing and runs as a file. Names are
 * shown as text, and what is invisible in them as its code point. Its only times are those of the audits.
 */
export function diffPage(diff: AuditDiff, { toolVersion }: { readonly toolVersion: string }): string {
  const pool = diff.after.reading?.userPoolId ?? diff.before.reading?.userPoolId
  const heading = pool === undefined ? 'What changed' : `What changed in user pool ${isolated(pool)}`
  const title = pool === undefined ? 'What changed' : `What changed in ${html(pool)}`
  const sections = sectionsOf(diff)
  return `${headHtml({ title, style: STYLE })}
<body>
<header>
<p class="product">rolecast audit diff</p>
<h1>${heading}</h1>
<dl class="sides">
${sideHtml('Before', diff.before)}
${sideHtml('After', diff.after)}
</dl>
<p class="lead compared">Compared by rolecast ${html(toolVersion)}, reading <code>${diff.semantics}</code>${diff.calibration === undefined ? '' : html(`, ${describeCalibration(diff.calibration)}`)}.</p>
<nav aria-label="Sections"><ul>
${sections.map(({ id, heading: name }) => `<li><a href="#${id}">${name}</a></li>`).join('\n')}
</ul></nav>
</header>
<main>
${sections.map(section => sectionHtml({ ...section, label: section.heading })).join('\n')}
</main>
<footer>
<p>Predicted from the groups of both audits. A role that was gained and lost again in between leaves no trace. A pre token
generation trigger can change the claims of a token, and tokens already issued keep their claims until they are refreshed.</p>
</footer>
</body>
</html>
`
}

/** The style of this page, in addition to that of the audit page. */
const STYLE = `${AUDIT_PAGE_STYLE}
.sides { margin-top: 0.75rem; display: grid; grid-template-columns: max-content 1fr; gap: 0.25rem 1rem; }
.sides dt { color: var(--muted); }
.notes li { margin-top: 0.35rem; padding: 0.6rem 0.9rem; border-radius: 6px; background: var(--doubt-ground); color: var(--doubt); }
.step { display: flex; flex-wrap: wrap; gap: 0.25rem 0.75rem; align-items: baseline; margin-top: 0.35rem; }
.compared { margin-top: 0.5rem; }
.counts { display: grid; grid-template-columns: max-content max-content 1fr; gap: 0.35rem 1.25rem; align-items: baseline; }
.counts dt { display: contents; }
.counts dd { color: var(--muted); }
.counts .badge { justify-self: start; }
.counts .number { text-align: right; font-weight: 600; }
.entries > li { padding: 0.5rem 0; border-top: 1px solid var(--line); }
@media (max-width: 44rem) { .counts { grid-template-columns: max-content 1fr; } .counts dd { grid-column: 1 / -1; } }
`

function sectionsOf(diff: AuditDiff): readonly Omit<Section, 'label'>[] {
  const { notes, transitions, credentials, groups, roles, findings } = diff
  return [
    { id: 'figures', heading: 'Figures', body: figuresHtml(diff) },
    ...(notes.length === 0
      ? []
      : [
          {
            id: 'notes',
            heading: 'Not compared, or in doubt',
            body: `<ul class="notes">${items(notes.map(html))}</ul>`,
          },
        ]),
    {
      id: 'roles',
      heading: 'Preferred roles',
      body: `${countsHtml(diff.changes, CHANGES)}\n${transitions.map(one => transitionHtml(one, outcomeHtml)).join('\n')}`,
    },
    ...(credentials === undefined
      ? []
      : [
          {
            id: 'credentials',
            heading: 'Credentials',
            body: `<p class="lead">Of identity pool ${isolated(credentials.identityPoolId)}.</p>
${countsHtml(credentials.changes, CREDENTIALS_CHANGES)}
${credentials.transitions.map(one => transitionHtml(one, credentialsHtml)).join('\n')}`,
          },
        ]),
    { id: 'users', heading: 'Users', body: usersHtml(diff) },
    { id: 'groups', heading: 'Groups', body: groupsHtml(groups) },
    ...(roles === undefined ? [] : [{ id: 'iam', heading: 'Roles in IAM', body: rolesHtml(roles) }]),
    { id: 'findings', heading: 'Findings', body: findingsHtml(findings) },
  ]
}

function items(contents: readonly string[]): string {
  return contents.map(content => `<li>${content}</li>`).join('\n')
}

function sideHtml(name: string, side: DiffedAudit): string {
  return `<dt>${name}</dt><dd>${html(sideText(side))}</dd>`
}

function figuresHtml({ changes, newUsers, goneUsers, groups }: AuditDiff): string {
  const figures = [
    ['Gained a role', changes.gained],
    ['Lost a role', changes.lost],
    ['Changed role', changes.changed],
    ['Undetermined', changes.undetermined],
    ['New users', newUsers.count],
    ['Users gone', goneUsers.count],
    ['Groups different', groups.length],
  ] as const
  return `<dl class="figures">
${figures.map(([name, number]) => `<div><dt>${name}</dt><dd>${figure(number)}</dd></div>`).join('\n')}
</dl>`
}

const TONES: Readonly<Record<RoleChange, Tone>> = {
  gained: 'bad',
  lost: 'bad',
  changed: 'bad',
  undetermined: 'doubt',
  'allowed-roles': 'doubt',
  same: 'plain',
}

function countsHtml<Change extends RoleChange>(
  counts: Readonly<Record<Change, number>>,
  meanings: Readonly<Record<Change, string>>,
): string {
  const rows = (Object.keys(meanings) as Change[]).map(
    change =>
      `<dt>${badge(counts[change] === 0 ? 'plain' : TONES[change], change)}<span class="number">${figure(counts[change])}</span></dt><dd>${html(meanings[change])}</dd>`,
  )
  return `<dl class="counts">\n${rows.join('\n')}\n</dl>`
}

function transitionHtml<Change extends RoleChange, State>(
  { presence, change, before, after, count, users }: DiffTransition<Change, State>,
  show: (state: State) => string,
): string {
  const none = '<span class="muted">not there</span>'
  const [from, to] = [before, after].map(state => (state === undefined ? none : show(state)))
  return `<div class="finding">
<h3><span>${badge(TONES[change], change)}${html(PRESENCES[presence].replace(', ', ' '))}</span><span class="extent">${counted(count, 'user')}</span></h3>
<p class="step"><span>${from}</span><span aria-hidden="true">→</span><span class="unseen">becomes</span><span>${to}</span></p>
<div class="names">${listHtml(users.map(isolated), count, 'first')}</div>
</div>`
}

function outcomeHtml({ outcome, roleArn }: RoleOutcome): string {
  if (outcome === 'resolved') return isolatedArn(roleArn!)
  if (outcome === 'undetermined') return `undetermined: ${isolatedArn(roleArn!)}, or none`
  return outcome === 'none' ? 'none' : `none (${outcome})`
}

function credentialsHtml({ outcome, roleArn, candidates = [] }: UserCredentials): string {
  if (outcome === 'role') return isolatedArn(roleArn!)
  if (outcome === 'denied') return 'none (denied)'
  const readings = candidates.map(one => (one.roleArn === undefined ? 'none' : isolatedArn(one.roleArn)))
  return `undetermined: ${readings.join(', or ')}`
}

function usersHtml(diff: AuditDiff): string {
  const lists = USER_LISTS.flatMap(([key, title]) => {
    const { count, users } = diff[key]
    if (count === 0) return []
    return [
      `<div class="finding"><h3><span>${title}</span><span class="extent">${counted(count, 'user')}</span></h3>
<div class="names">${listHtml(users.map(isolated), count, 'first')}</div></div>`,
    ]
  })
  return lists.length === 0 ? '<p>No user is new, gone, enabled, disabled or in other groups.</p>' : lists.join('\n')
}

function groupsHtml(groups: readonly GroupDiff[]): string {
  if (groups.length === 0) return '<p>No group is different.</p>'
  const entries = groups.map(({ groupName, change, before, after }) => {
    const step = [before, after].flatMap(state => (state === undefined ? [] : [groupHtml(state)]))
    return `<h3>${isolated(groupName)} ${badge('plain', change)}</h3><p>${step.join(' <span aria-hidden="true">→</span><span class="unseen">becomes</span> ')}</p>`
  })
  return `<ul class="entries">\n${items(entries)}\n</ul>`
}

function groupHtml({ precedence, roleArn }: Omit<Group, 'groupName'>): string {
  return `precedence ${precedence ?? 'none'}, ${roleArn ? isolatedArn(roleArn) : 'no role'}`
}

function rolesHtml(roles: readonly RoleDiff[]): string {
  if (roles.length === 0) return '<p>No role is different.</p>'
  const entries = roles.map(({ roleArn, change, before, after }) => {
    const step = [before, after].flatMap(state => (state === undefined ? [] : [html(roleStateText(state))]))
    return `<h3>${isolatedArn(roleArn)} ${badge('plain', change)}</h3><p>${step.join(' <span aria-hidden="true">→</span><span class="unseen">becomes</span> ')}</p>`
  })
  return `<ul class="entries">\n${items(entries)}\n</ul>`
}

function findingsHtml(findings: readonly FindingDiff[] | undefined): string {
  if (findings === undefined) return '<p>Findings were not compared.</p>'
  if (findings.length === 0) return '<p>No finding is different.</p>'
  const entries = findings.map(
    ({ concern, change, before, after }) =>
      `<h3>${html(CONCERNS[concern].title)} ${badge('plain', change)}</h3><p>${figure(before)} before, ${figure(after)} after (${CONCERNS[concern].severity})</p>`,
  )
  return `<ul class="entries">\n${items(entries)}\n</ul>`
}
