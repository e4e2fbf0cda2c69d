import { createHash } from 'node:crypto'
import { htmlEscape } from 'escape-goat'
import { type AuditFinding, type AuditSummary, keptWhileFrozen, type UserAudit } from '../audit/summary.js'
import { explain } from '../claims/explain.js'
import type { Group } from '../group.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import { AUDIT_PAGE_SCRIPT } from './audit-page-script.js'
import { AUDIT_PAGE_STYLE } from './audit-page-style.js'
import { describeChange } from '../audit/pool-change.js'
import { figure } from './text-table.js'
import { type GroupStanding, STANDINGS, standings } from '../audit/standing.js'
import { CONCERNS } from '../audit/concerns.js'
import { escapeCommands } from './github-log.js'
import { escapedJson } from './json-text.js'
import { printable } from '../text.js'
import type { Outcome, Semantics } from '../claims/decide.js'

/**
 * An audit as one HTML page, written in parts so that no part of it needs all users in memory: the page is
 * `head(summary)`, then what `row` gave for each user in the order wanted, then `tail(summary)`. What is known only at the
 * end, the summary, stands at the top: append the rows to a file while reading, and put head and tail around them.
 */
export interface AuditPage {
  /** One user, as a line of data. Only names of groups and explanations are kept in memory, each once for all users. */
  row(user: UserAudit): string
  /** The page up to the users. */
  head(summary: AuditSummary): string
  /** The page after the users; it names what the rows refer to, so call it after the last `row`. */
  tail(summary: AuditSummary): string
}

/**
 * Starts a page. It fetches nothing and runs as a file: its policy forbids every request and every script but its own. Names
 * are shown as text, and what is invisible in them as its code point. It has no date, so that one pool gives one page.
 */
export function createAuditPage(): AuditPage {
  const groups = createNumbering()
  const keys = createNumbering()
  /** By the number of the key: the first resolution that has it. */
  const examples: PoolResolution[] = []

  const numbersOf = keptWhileFrozen((resolution: PoolResolution): string => {
    const number = keys.of(explanationKey(resolution))
    examples[number] ??= resolution
    const names = [...resolution.groups, ...resolution.unknownGroups]
    return `${number},${JSON.stringify(names.map(groups.of))}`
  })

  return {
    row: ({ username, resolution }) => `[${embed(visible(username))},${numbersOf(resolution)}]\n`,
    head: summary => `${top(summary)}<script type="application/x-ndjson" id="audit-users">\n`,
    tail(summary) {
      const tables = embed(tablesOf(summary, groups.values(), examples))
      return `</script>
<script type="application/json" id="audit-tables">${tables}</script>
<script>${AUDIT_PAGE_SCRIPT}</script>
</body>
</html>
`
    },
  }
}

interface Numbering {
  of(value: string): number
  /** In the order of their numbers. */
  values(): readonly string[]
}

function createNumbering(): Numbering {
  const numbers = new Map<string, number>()
  return {
    of(value) {
      let number = numbers.get(value)
      if (number === undefined) numbers.set(value, (number = numbers.size))
      return number
    },
    values: () => [...numbers.keys()],
  }
}

/** Equal where the explanation is: what `explain` reads of a resolution, and the role. */
function explanationKey({
  outcome,
  rule,
  evidence,
  preferredRole,
  candidateRole,
  determiningGroups,
}: PoolResolution): string {
  return JSON.stringify([outcome, rule, evidence, preferredRole, candidateRole, determiningGroups])
}

/** What the rows and the script refer to by number. */
function tablesOf(summary: AuditSummary, groupNames: readonly string[], examples: readonly PoolResolution[]): object {
  const pool = new Map(summary.groups.map(group => [group.groupName, group]))
  const numbers = new Map(groupNames.map((name, number) => [name, number]))
  const roles = createNumbering()
  const roleNumber = (arn: string | null | undefined) => (arn ? roles.of(arn) : null)
  const groups = groupNames.map(name => {
    const group = pool.get(name)
    return {
      name: visible(name),
      precedence: group?.precedence ?? null,
      role: roleNumber(group?.roleArn),
      known: group !== undefined,
    }
  })
  const resolutions = examples.map(resolution => ({
    outcome: resolution.outcome,
    rule: resolution.rule,
    ...explain(resolution),
    role: roleNumber(resolution.preferredRole ?? resolution.candidateRole),
    decides: resolution.determiningGroups.map(name => numbers.get(name)),
  }))
  return { outcomes: OUTCOMES, groups, resolutions, roles: roles.values().map(arnParts) }
}

// ------------------------------------------------------------------ Text from outside

/** Data inside a script element: whatever could end it, or is a line end to some parsers, is written as an escape. */
function embed(value: unknown): string {
  return escapedJson(value, /[<>&\u2028\u2029]|#(?=#\[)/g)
}

/** A name as its element shows it. `<bdi>` isolates it, so the isolating characters need not be in what a reader copies. */
function visible(name: string): string {
  return printable(name).replace(/[\u2068\u2069]/g, '')
}

/** Text as HTML in which GitHub Actions finds no command either, when it is printed in a workflow. */
function html(text: string): string {
  return escapeCommands(htmlEscape(text), character => `&#${character.charCodeAt(0)};`)
}

function isolated(name: string): string {
  return `<bdi>${html(visible(name))}</bdi>`
}

/** What many ARNs have in common, and what tells them apart. */
function arnParts(arn: string): readonly [string, string] {
  const text = visible(arn)
  const name = text.lastIndexOf('/') + 1
  return [text.slice(0, name), text.slice(name)]
}

function isolatedArn(arn: string): string {
  const [path, name] = arnParts(arn)
  return `<bdi class="arn"><span>${html(path)}</span><wbr>${html(name)}</bdi>`
}

// ------------------------------------------------------------------ Words

type Tone = 'good' | 'bad' | 'doubt' | 'plain'

const OUTCOMES: Readonly<Record<Outcome, { readonly label: string; readonly meaning: string; readonly tone: Tone }>> = {
  resolved: { label: 'Resolved', meaning: 'The token names one preferred role.', tone: 'good' },
  ambiguous: {
    label: 'Ambiguous',
    meaning: 'A tie between different roles: the token has no preferred role.',
    tone: 'bad',
  },
  undetermined: {
    label: 'Undetermined',
    meaning: 'One role or none: AWS does not document which. Grant nothing on it.',
    tone: 'doubt',
  },
  none: { label: 'None', meaning: 'The token has no preferred role.', tone: 'plain' },
}

const READINGS: Readonly<Record<Semantics, string>> = {
  observed:
    'what real tokens show; a tie between groups with and without a role, which no known token shows, is undetermined',
  'roles-compete': 'as observed, but in a tie the groups without a role do not count',
  documented:
    'AWS’s page on role-based access control to the letter, which real tokens contradict for groups without a precedence',
}

function counted(number: number, noun: string): string {
  return `${figure(number)} ${noun}${number === 1 ? '' : 's'}`
}

/** Rounded, but never to nothing or to all where it is neither. */
function share(part: number, whole: number): string {
  if (part === 0 || part === whole) return part === 0 ? '0%' : '100%'
  const percent = (100 * part) / whole
  if (percent < 0.1) return '<0.1%'
  return percent > 99.9 ? '>99.9%' : `${percent.toFixed(1)}%`
}

function widthOf(part: number, whole: number): string {
  return whole === 0 ? '0' : `${((100 * part) / whole).toFixed(2)}%`
}

// ------------------------------------------------------------------ The page above the users

const POLICY = [
  `default-src 'none'`,
  `style-src '${hashOf(AUDIT_PAGE_STYLE)}'`,
  `script-src '${hashOf(AUDIT_PAGE_SCRIPT)}'`,
  'img-src data:',
  `base-uri 'none'`,
  `form-action 'none'`,
].join('; ')

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`
}

function top(summary: AuditSummary): string {
  const pool = summary.userPoolId
  const title = pool === undefined ? 'Role audit of a user pool' : `Role audit of ${visible(pool)}`
  const sections: readonly Section[] = [
    { id: 'overview', heading: 'Overview', body: overview(summary) },
    { id: 'ladder', heading: 'Groups by precedence', body: ladder(summary) },
    { id: 'roles', heading: 'Users per role', body: rolesTable(summary) },
    { id: 'findings', heading: 'Findings', body: findings(summary) },
    { id: 'changes', heading: 'Changes while reading', body: changes(summary) },
    { id: 'users', heading: 'Users', body: users(summary) },
  ]
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${htmlEscape(title)} · rolecast</title>
<link rel="icon" href="data:,">
<style>${AUDIT_PAGE_STYLE}</style>
</head>
<body>
<header>
<p class="product">rolecast audit</p>
<h1>Roles of user pool ${pool === undefined ? '(no id given)' : isolated(pool)}</h1>
<p class="lead">Reading <code>${summary.semantics}</code>: ${READINGS[summary.semantics]}.</p>
<nav aria-label="Sections"><ul>
${sections.map(({ id, heading }) => `<li><a href="#${id}">${heading}</a></li>`).join('\n')}
</ul></nav>
</header>
<main>
${sections.map(sectionHtml).join('\n')}
</main>
<footer>
<p>Predicted from the pool’s groups. A pre token generation trigger can change the claims of a token, and tokens already
issued keep their claims until they are refreshed.</p>
</footer>
`
}

interface Section {
  readonly id: string
  readonly heading: string
  readonly body: string
}

function sectionHtml({ id, heading, body }: Section): string {
  return `<section aria-labelledby="${id}">\n<h2 id="${id}">${heading}</h2>\n${body}\n</section>`
}

function overview({ users, groups, roles, memberships, outcomes }: AuditSummary): string {
  const figures = [
    ['Users', users],
    ['Groups', groups.length],
    ['Memberships', memberships],
    ['Roles', roles.length],
  ] as const
  let left = 0
  const segments = OUTCOME_NAMES.map(outcome => {
    const extent = `x="${widthOf(left, users)}" width="${widthOf(outcomes[outcome], users)}"`
    left += outcomes[outcome]
    return `<rect class="${OUTCOMES[outcome].tone}" ${extent} height="100%"/>`
  })
  const entries = OUTCOME_NAMES.map(outcome => {
    const { label, meaning, tone } = OUTCOMES[outcome]
    return `<div><dt><svg class="key ${tone}" aria-hidden="true"><rect width="100%" height="100%"/></svg>${label}</dt>
<dd>${counted(outcomes[outcome], 'user')} (${htmlEscape(share(outcomes[outcome], users))})</dd>
<dd>${meaning}</dd></div>`
  })
  return `<dl class="figures">
${figures.map(([name, number]) => `<div><dt>${name}</dt><dd>${figure(number)}</dd></div>`).join('\n')}
</dl>
<svg class="outcomes" aria-hidden="true">${segments.join('')}</svg>
<dl class="outcome-list">
${entries.join('\n')}
</dl>`
}

const OUTCOME_NAMES = Object.keys(OUTCOMES) as readonly Outcome[]

// ------------------------------------------------------------------ The precedence ladder

/** In short and by colour; `STANDINGS` has what it means. */
const MARKS: Readonly<Record<GroupStanding, { readonly label: string; readonly tone: Tone }>> = {
  conflict: { label: 'Tie, roles differ', tone: 'bad' },
  shared: { label: 'Tie, same role', tone: 'good' },
  contender: { label: 'No role, may block', tone: 'doubt' },
  unranked: { label: 'Never preferred', tone: 'doubt' },
}

function ladder({ groups, semantics }: AuditSummary): string {
  if (groups.length === 0) return '<p>The pool has no groups.</p>'
  const marks = standings(groups, semantics)
  const table = tableHtml({
    name: 'ladder',
    caption: `${counted(groups.length, 'group')}; the lowest number ranks highest`,
    columns: ['Precedence', 'Group', 'Role', 'Mark', 'Members'],
    rows: groups.map((group, index) => ladderRow(group, marks[index], groups[index - 1])),
  })
  const legend = STANDING_NAMES.filter(standing => marks.includes(standing)).map(
    standing => `<dt>${badge(standing)}</dt><dd>${htmlEscape(STANDINGS[standing])}</dd>`,
  )
  return legend.length === 0 ? table : `${table}\n<dl class="legend">${legend.join('\n')}</dl>`
}

function ladderRow(
  { groupName, precedence, roleArn, users }: CountedGroup,
  mark: GroupStanding | undefined,
  above: Group | undefined,
): string {
  const isTied = precedence != null && above?.precedence === precedence
  return `<tr role="row"${isTied ? ' class="tied"' : ''}>
<td role="cell" class="rank">${precedence ?? '<span class="muted">none</span>'}</td>
<th role="rowheader" scope="row">${isolated(groupName)}</th>
<td role="cell" class="role">${roleArn ? isolatedArn(roleArn) : '<span class="muted">no role</span>'}</td>
<td role="cell" class="mark">${mark === undefined ? '' : badge(mark)}</td>
<td role="cell" class="number" data-unit="${users === 1 ? 'member' : 'members'}">${figure(users)}</td></tr>`
}

type CountedGroup = AuditSummary['groups'][number]

const STANDING_NAMES = Object.keys(MARKS) as readonly GroupStanding[]

function badge(standing: GroupStanding): string {
  const { label, tone } = MARKS[standing]
  return `<span class="badge ${tone}">${label}</span>`
}

interface Table {
  readonly name: 'ladder' | 'roles'
  readonly caption: string
  readonly columns: readonly string[]
  readonly rows: readonly string[]
}

const TALL = 30

/** A long table scrolls by itself, so that what follows stays in reach. The roles are for where CSS lays it out as none. */
function tableHtml({ name, caption, columns, rows }: Table): string {
  const headers = columns.map(column => `<th role="columnheader" scope="col">${column}</th>`)
  const table = `<table role="table" class="${name}"><caption>${caption}</caption>
<thead role="rowgroup"><tr role="row">${headers.join('')}</tr></thead>
<tbody role="rowgroup">
${rows.join('\n')}
</tbody></table>`
  return rows.length > TALL
    ? `<div class="tall" role="region" tabindex="0" aria-label="${caption}">${table}</div>`
    : table
}

// ------------------------------------------------------------------ Roles, findings, changes

function rolesTable({ roles, users, outcomes }: AuditSummary): string {
  if (roles.length === 0) return '<p>No group of the pool has a role.</p>'
  const rows = roles.map(role =>
    roleRow(isolatedArn(role.roleArn), role.users, users, widthOf(role.users, roles[0]!.users)),
  )
  return tableHtml({
    name: 'roles',
    caption: `${counted(roles.length, 'role')}, with the users whose ID token prefers each`,
    columns: ['Role', 'Users', 'Of all', 'Compared with the first'],
    rows: [
      ...rows,
      roleRow('<span class="muted">No preferred role, or not known</span>', users - outcomes.resolved, users, '0'),
    ],
  })
}

function roleRow(role: string, users: number, all: number, width: string): string {
  return `<tr role="row"><th role="rowheader" scope="row">${role}</th>
<td role="cell" class="number" data-unit="${users === 1 ? 'user' : 'users'}">${figure(users)}</td>
<td role="cell" class="number">${htmlEscape(share(users, all))}</td>
<td role="cell" class="share"><svg class="bar" aria-hidden="true"><rect class="good" width="${width}" height="100%"/></svg></td></tr>`
}

function findings({ findings }: AuditSummary): string {
  if (findings.length === 0) return '<p>No findings.</p>'
  return findings.map(findingHtml).join('\n')
}

function findingHtml({ concern, count, users, groups, roles }: AuditFinding): string {
  const { title, meaning, next } = CONCERNS[concern]
  const names = [...users.map(isolated), ...groups.map(isolated), ...roles.map(isolatedArn)]
  return `<article class="finding"><h3><span>${htmlEscape(title)}</span><span>${figure(count)}</span></h3>
<p>${htmlEscape(meaning)}</p>
<p><b>Next:</b> ${htmlEscape(next)}</p>
<div class="names">${listHtml(names, count)}</div></article>`
}

const FIRST_NAMES = 10

/** The first of them in sight, the others that are known behind a button, and how many there are besides. */
function listHtml(items: readonly string[], count: number): string {
  const first = `<ul>${listItems(items.slice(0, FIRST_NAMES))}</ul>`
  const others = items.slice(FIRST_NAMES)
  const unlisted = count - items.length
  const more = unlisted > 0 ? `<p class="muted">and ${figure(unlisted)} more that are not listed here</p>` : ''
  if (others.length === 0) return first + more
  return `${first}<details><summary>and ${figure(count - FIRST_NAMES)} more</summary><ul>${listItems(others)}</ul>${more}</details>`
}

function listItems(items: readonly string[]): string {
  return items.map(item => `<li>${item}</li>`).join('')
}

function changes({ changes }: AuditSummary): string {
  if (changes.length === 0) return '<p>No changes detected.</p>'
  const sentences = changes.map(change => htmlEscape(describeChange(change)))
  return `<p class="lead">The pool changed while it was read, so this page is not a snapshot of one moment.</p>
<div class="changes">${listHtml(sentences, sentences.length)}</div>`
}

// ------------------------------------------------------------------ The users

function users({ users, outcomes }: AuditSummary): string {
  const options = OUTCOME_NAMES.map(
    outcome => `<option value="${outcome}">${OUTCOMES[outcome].label} (${figure(outcomes[outcome])})</option>`,
  )
  const columns = [
    ['user', 'User'],
    ['outcome', 'Outcome'],
    ['role', 'Preferred role'],
    ['groups', 'Groups'],
  ] as const
  const headers = columns.map(
    ([id, name]) => `<th role="columnheader" scope="col" class="${id}" aria-sort="none">
<button type="button" data-sort="${id}">${name}</button></th>`,
  )
  return `<noscript>
<p>The table of users needs JavaScript, which is off. All else on this page is complete without it.</p>
</noscript>
<div id="users-app" hidden>
<div class="tools" role="search">
<div><label for="search">Search users, groups, roles and outcomes</label>
<input id="search" type="search" autocomplete="off" spellcheck="false"></div>
<div><label for="filter">Outcome</label>
<select id="filter"><option value="">All (${figure(users)})</option>${options.join('')}</select></div>
</div>
<p class="muted" role="status" id="matches"></p>
<table role="table" class="users" id="users-table">
<caption><span class="unseen">Users and the role they get; open a row to see why</span></caption>
<thead role="rowgroup"><tr role="row" aria-rowindex="1" id="users-head">${headers.join('')}</tr></thead>
<tbody role="rowgroup" id="users-body"></tbody></table>
<div class="pager" role="group" aria-label="Pages of users">
<button type="button" id="previous">Previous</button><span id="range"></span><button type="button" id="next">Next</button>
</div>
</div>`
}
