import type { AuditConcern } from '../audit/concerns.js'
import type { AuditSummary, UserAudit } from '../audit/summary.js'
import { changesHtml, findingsHtml } from './audit-page-findings.js'
import { embed, headHtml, html, type Section, sectionHtml } from './audit-page-html.js'
import { rulesHtml } from './audit-page-rules.js'
import { AUDIT_PAGE_SCRIPT } from './audit-page-script.js'
import { AUDIT_PAGE_STYLE } from './audit-page-style.js'
import { factsHtml, figuresHtml, glanceHtml, headingOf, titleOf, type UsersBySeverity } from './audit-page-summary.js'
import { checksHtml, credentialsHtml, ladderHtml, rolesHtml } from './audit-page-tables.js'
import { createUserRows, usersHtml } from './audit-page-users.js'

/**
 * An audit as one HTML page, written in parts so that no part of it needs all users in memory: the page is
 * `head(summary)`, then what `row` gave for each user in the order wanted, then `tail(summary)`. What is known only at
 * the end comes at the top: append the rows to a file while reading, then put head and tail around them.
 */
export interface AuditPage {
  /**
   * One user, as a line of data. Only the names of groups and roles stay in memory.
   *
   * @param findings those of the user, from `createConcerns`
   */
  row(user: UserAudit, findings: readonly AuditConcern[]): string
  /** The page up to the users. It counts the users of the rows, so call it after the last `row`. */
  head(summary: AuditSummary): string
  /** The page after the users. It names what the rows refer to, so call it after the last `row`. */
  tail(summary: AuditSummary): string
}

export interface AuditPageOptions {
  /** The version of rolecast. */
  readonly toolVersion: string
}

/**
 * Starts a page. It fetches nothing and runs as a file: its policy forbids every request and every script but its own.
 * Names are shown as text, and what is invisible in them as its code point. Its only times are those of the reading, so
 * the same reading always gives the same page.
 */
export function createAuditPage({ toolVersion }: AuditPageOptions): AuditPage {
  const { row, tables, usersBySeverity } = createUserRows()
  return {
    row,
    head: summary =>
      `${top(summary, toolVersion, usersBySeverity())}<script type="application/x-ndjson" id="audit-users">\n`,
    tail: summary => `</script>
<script type="application/json" id="audit-tables">${embed(tables(summary))}</script>
<script>${AUDIT_PAGE_SCRIPT}</script>
</body>
</html>
`,
  }
}

function top(summary: AuditSummary, toolVersion: string, usersBySeverity: UsersBySeverity): string {
  const sections = sectionsOf(summary, usersBySeverity)
  return `${headHtml({ title: html(titleOf(summary)), style: AUDIT_PAGE_STYLE, script: AUDIT_PAGE_SCRIPT })}
<body>
<header>
<p class="product">rolecast audit</p>
<h1>${headingOf(summary)}</h1>
${factsHtml(summary, toolVersion)}
<nav aria-label="Sections"><ul>
${sections.map(({ id, label }) => `<li><a href="#${id}">${label}</a></li>`).join('\n')}
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

function sectionsOf(summary: AuditSummary, usersBySeverity: UsersBySeverity): readonly Section[] {
  const { credentials, roleChecks } = summary
  return [
    { id: 'glance', label: 'Attention', heading: 'What needs attention', body: glanceHtml(summary, usersBySeverity) },
    { id: 'figures', label: 'Figures', heading: 'Figures', body: figuresHtml(summary) },
    { id: 'findings', label: 'Findings', heading: 'Findings', body: findingsHtml(summary) },
    ...(credentials === undefined
      ? []
      : [
          {
            id: 'credentials',
            label: 'Credentials',
            heading: 'Credentials by role',
            body: credentialsHtml(credentials),
          },
        ]),
    { id: 'roles', label: 'Roles', heading: 'Users per role', body: rolesHtml(summary) },
    ...(roleChecks === undefined
      ? []
      : [{ id: 'checks', label: 'Roles in IAM', heading: 'Roles in IAM', body: checksHtml(roleChecks) }]),
    { id: 'ladder', label: 'Groups', heading: 'Groups by precedence', body: ladderHtml(summary) },
    { id: 'changes', label: 'Changes', heading: 'Changes while reading', body: changesHtml(summary) },
    { id: 'users', label: 'Users', heading: 'Users', body: usersHtml(summary) },
    { id: 'rules', label: 'Rules', heading: 'How the roles are decided', body: rulesHtml(summary) },
  ]
}
