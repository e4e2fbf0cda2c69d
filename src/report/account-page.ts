import { type AccountSummary, type AuditedPool, countFindings, type PoolAudit } from '../audit/account-summary.js'
import { CONCERNS, USER_CONCERNS } from '../audit/concerns.js'
import { describeChange } from '../audit/pool-change.js'
import type { AuditFinding } from '../audit/summary.js'
import type { Severity } from '../severity.js'
import { accountLimits } from './account-limits.js'
import { notReadText, severityText, sourceText, timesOfAccount, titleOf, usersText } from './account-text.js'
import { headHtml, html, isolated, isolatedArn, listHtml, badge, type Tone, visible } from './audit-page-html.js'
import { AUDIT_PAGE_STYLE } from './audit-page-style.js'
import { semanticsText } from './semantics-text.js'
import { counted, figure } from './figure.js'

/**
 * An audit of accounts as one HTML page: what was not read, the Regions, the user pools, and the findings and roles of
 * each. It has no script, fetches nothing and runs as a file. Names are shown as text, and what is invisible in them as
 * its code point. Its only times are those of the reading.
 */
export function accountPage(summary: AccountSummary, { toolVersion }: { readonly toolVersion: string }): string {
  const { pools } = summary
  const title = titleOf(summary)
  const sections = [
    { id: 'attention', label: 'Attention', body: attention(summary) },
    { id: 'pools', label: 'User pools', body: poolTable(pools) },
    { id: 'regions', label: 'Accounts and Regions', body: regionTable(summary) },
    ...(pools.length > 0
      ? [{ id: 'findings', label: 'Findings by user pool', body: pools.map(poolHtml).join('\n') }]
      : []),
  ]
  return `${headHtml({ title: html(title), style: STYLE })}
<body class="account">
<header>
<p class="product">rolecast audit account</p>
<h1>${html(title)}</h1>
${facts(summary, toolVersion)}
<nav aria-label="Sections"><ul>
${sections.map(({ id, label }) => `<li><a href="#${id}">${label}</a></li>`).join('\n')}
</ul></nav>
</header>
<main>
${sections.map(({ id, label, body }) => `<section aria-labelledby="${id}">\n<h2 id="${id}">${label}</h2>\n${body}\n</section>`).join('\n')}
</main>
<footer>
<p>Predicted from the groups of each user pool. A pre token generation trigger can change the claims of a token, and tokens already
issued keep their claims until they are refreshed.</p>
</footer>
</body>
</html>
`
}

const STYLE = `${AUDIT_PAGE_STYLE}
.account table { width: 100%; border-collapse: collapse; font-size: 0.875rem; }
.account th, .account td { padding: 0.3rem 0.75rem 0.3rem 0; border-top: 1px solid var(--line); text-align: left; vertical-align: baseline; }
.account th { color: var(--muted); font-weight: 600; }
.account .number { text-align: right; }
.account .wide { overflow-x: auto; }
.account .wide table { min-width: 44rem; }
.account .not-read { padding: 0.5rem 0.9rem; margin-bottom: 1rem; border-left: 4px solid var(--bad-bar); background: var(--bad-ground); color: var(--bad); }
.account .not-read ul, .account .not-read li { list-style: disc; }
.account .not-read ul { padding-left: 1.1rem; }
.account article { margin: 1.5rem 0; padding-top: 0.75rem; border-top: 1px solid var(--line); }
.account article h4 { margin: 0.9rem 0 0.25rem; font-size: 0.9375rem; }
.account article p, .account article ul { max-width: 90ch; }
.account table { display: table; }
.account thead { display: table-header-group; }
.account tbody { display: table-row-group; }
.account tr { display: table-row; }
.account th, .account td { display: table-cell; }
@media print { .account .wide { overflow: visible; } .account .wide table { min-width: 0; } .account article { break-inside: avoid-page; } }
`

const TONES: Readonly<Record<Severity, Tone>> = { error: 'bad', warning: 'doubt', note: 'plain' }

function facts(summary: AccountSummary, toolVersion: string): string {
  const { userPools } = summary
  const rows = [
    ['Read', timesOfAccount(summary) ?? 'nothing'],
    ['User pools', `${figure(userPools.read)} of ${figure(userPools.listed)} read`],
    ['Users', usersText(summary)],
    ['Semantics', semanticsText(summary)],
    ['Tool', `rolecast ${toolVersion}`],
  ]
  return `<dl class="facts">${rows.map(([name, value]) => `<div><dt>${name}</dt><dd>${html(value!)}</dd></div>`).join('')}</dl>`
}

function attention(summary: AccountSummary): string {
  const { notRead, findings } = summary
  const missing =
    notRead.length === 0
      ? ''
      : `<div class="not-read" role="note"><h3>Not read: ${figure(notRead.length)}</h3><p>Nothing in it is in any count or finding.</p><ul>${notRead
          .map(one => `<li>${html(notReadText(one))}</li>`)
          .join('')}</ul></div>`
  const tally = (['error', 'warning', 'note'] as const).map(
    severity =>
      `<div class="${severity}${findings[severity] === 0 ? ' zero' : ''}"><dt>${severity}${findings[severity] === 1 ? '' : 's'}</dt><dd>${figure(findings[severity])}</dd></div>`,
  )
  const limits = accountLimits(summary).map(limit => `<li>${html(limit)}</li>`)
  return `${missing}<dl class="tally">${tally.join('')}</dl>
<div class="limits"><h3>Not looked at</h3><ul>${limits.join('')}</ul></div>`
}

function tableOf(caption: string, columns: readonly (readonly [string, 'number'?])[], rows: readonly string[]): string {
  const headers = columns.map(
    ([name, kind]) => `<th scope="col"${kind === undefined ? '' : ' class="number"'}>${name}</th>`,
  )
  return `<div class="wide" role="region" tabindex="0" aria-label="${caption}"><table><caption class="unseen">${caption}</caption>
<thead><tr>${headers.join('')}</tr></thead>
<tbody>
${rows.join('\n')}
</tbody></table></div>`
}

const number = (value: number) => `<td class="number">${figure(value)}</td>`

function regionTable({ accounts, regions }: AccountSummary): string {
  const ways = new Map(accounts.map(({ account, sources }) => [account, sources]))
  const rows = regions.map(({ account, region, userPools, identityPools, listedAt }) => {
    const [used, ...others] = ways.get(account) ?? []
    const also = others.length === 0 ? '' : `; not read again by ${others.map(sourceText).join(', ')}`
    return `<tr><td>${html(account)}</td><td>${html(visible(region))}</td><td>${html(sourceText(used ?? {}) + also)}</td><td>${html(listedAt)}</td>${number(userPools)}${identityPools === undefined ? '<td>not read</td>' : number(identityPools)}</tr>`
  })
  if (rows.length === 0) return '<p>None could be listed.</p>'
  return tableOf(
    'Accounts and Regions',
    [['Account'], ['Region'], ['Reached by'], ['Listed at'], ['User pools', 'number'], ['Identity pools', 'number']],
    rows,
  )
}

const anchorOf = ({ account, userPoolId }: AuditedPool) => `pool-${account}-${userPoolId}`

function poolTable(pools: readonly AuditedPool[]): string {
  if (pools.length === 0) return '<p>No user pool was read.</p>'
  const rows = pools.map(pool => {
    const { account, region, userPoolId, name, audits } = pool
    const { error, warning, note } = countFindings(pool)
    const { users, disabled } = audits[0]!.summary
    return `<tr><td><a href="#${html(anchorOf(pool))}">${isolated(userPoolId)}</a></td><td>${name === undefined ? '' : isolated(name)}</td><td>${html(account)}</td><td>${html(visible(region))}</td>${[users, disabled, error, warning, note].map(number).join('')}</tr>`
  })
  const columns = ['Users', 'Disabled', 'Errors', 'Warnings', 'Notes'].map(name => [name, 'number'] as const)
  return tableOf('User pools', [['User pool'], ['Name'], ['Account'], ['Region'], ...columns], rows)
}

function poolHtml(pool: AuditedPool): string {
  const { account, region, userPoolId, name, audits } = pool
  const heading = `${isolated(userPoolId)}${name === undefined ? '' : ` ${isolated(name)}`}`
  return `<article><h3 id="${html(anchorOf(pool))}">${heading}</h3>
<p class="muted">Account ${html(account)}, Region ${html(visible(region))}; ${html(severityText(countFindings(pool)))}</p>
${audits.map(auditHtml).join('\n')}
</article>`
}

function auditHtml({ summary, clientIds = [] }: PoolAudit): string {
  const { credentials, reading, findings, changes, roles } = summary
  const times = `Read ${html(reading?.startedAt ?? '')} to ${html(reading?.endedAt ?? '')}.`
  const received = credentials?.roles ?? roles
  const route =
    credentials === undefined
      ? '<p>No identity pool that was looked at accepts this user pool: the roles are those that tokens prefer.</p>'
      : `<h4>By identity pool ${isolated(credentials.identityPoolId)}</h4><p>For ${counted(clientIds.length, 'app client')}: ${clientIds.map(isolated).join(', ')}. Role mapping: ${credentials.mapping}. ${counted(credentials.outcomes.role, 'user')} with a role, ${figure(credentials.outcomes.denied)} denied, ${figure(credentials.outcomes.undetermined)} undetermined.</p>`
  const list = received.map(({ roleArn, users }) => `${isolatedArn(roleArn)} ${counted(users, 'user')}`)
  return `${route}
<p class="muted">${times}</p>
${findings.map(findingHtml).join('\n')}
${list.length === 0 ? '' : `<h4>Roles</h4>${listHtml(list, list.length, 'whole')}`}
${
  changes.length === 0
    ? ''
    : `<h4>Changed while it was read</h4>${listHtml(
        changes.map(change => html(describeChange(change))),
        changes.length,
        'first',
      )}`
}`
}

function findingHtml({ concern, severity, count, affectedUsers, users, groups, roles }: AuditFinding): string {
  const { title, meaning, next } = CONCERNS[concern]
  const names = [...users.map(isolated), ...groups.map(isolated), ...roles.map(isolatedArn)]
  const isOfUsers = USER_CONCERNS[concern] !== undefined
  const affected = isOfUsers ? '' : `, ${affectedUsers === 0 ? 'no users' : counted(affectedUsers, 'user')}`
  const all =
    affectedUsers === 0 ? '' : `<p class="muted">All its users: <code>--finding ${concern} --format ndjson</code></p>`
  return `<h4>${badge(TONES[severity], severity)} ${html(title)} (${figure(count)}${affected})</h4>
<p>${html(meaning)} ${html(next)}</p>
${listHtml(names, count, 'first')}
${all}`
}
