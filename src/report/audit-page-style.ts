/** The style of the audit page. It names no resource, so nothing is fetched. */
export const AUDIT_PAGE_STYLE = `
:root {
  color-scheme: light dark;
  --ground: #ffffff; --raised: #f6f8fa; --line: #d5dbe1; --text: #1b2027; --muted: #525c68; --accent: #0a56a8;
  --good: #116329; --good-ground: #e3f4e8; --good-bar: #2b8a4b;
  --bad: #a0111f; --bad-ground: #fdeaea; --bad-bar: #c9303e;
  --doubt: #744500; --doubt-ground: #fdf0d0; --doubt-bar: #b87a0b;
  --plain: #454e59; --plain-ground: #e9edf1; --plain-bar: #7b8794;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --ground: #0f141a; --raised: #171e26; --line: #2e3843; --text: #e4e9ee; --muted: #a0abb7; --accent: #79b8ff;
    --good: #83dba2; --good-ground: #12301e; --good-bar: #3fa565;
    --bad: #ff9d9d; --bad-ground: #3d1a1d; --bad-bar: #e05561;
    --doubt: #f0c363; --doubt-ground: #37290c; --doubt-bar: #c8922a;
    --plain: #c2cad3; --plain-ground: #27303a; --plain-bar: #7b8794;
  }
}
* { box-sizing: border-box; }
[hidden] { display: none !important; }
html { background: var(--ground); color: var(--text); scroll-padding: 1rem 0 4.5rem; -webkit-text-size-adjust: 100%; }
body {
  margin: 0 auto; padding: 1.25rem 1.5rem 3rem; max-width: 72rem; font: 15px/1.5 system-ui, sans-serif;
  font-variant-numeric: tabular-nums; overflow-wrap: anywhere;
}
h1, h2, h3, p, dl, dd, ul { margin: 0; padding: 0; }
h1 { font-size: 1.6rem; line-height: 1.25; font-weight: 650; letter-spacing: -0.01em; }
h2 { font-size: 1.2rem; line-height: 1.3; font-weight: 650; margin-bottom: 0.75rem; }
h3 { font-size: 1rem; font-weight: 600; }
ul { list-style: none; }
a { color: var(--accent); }
code, .mono { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.875em; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; border-radius: 3px; }
section { margin-top: 2.75rem; }
.muted { color: var(--muted); }
.lead { color: var(--muted); max-width: 65ch; margin-bottom: 0.75rem; }
.arn { font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; font-size: 0.8125rem; }
.arn span { color: var(--muted); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

.product { color: var(--muted); font-size: 0.8125rem; font-weight: 600; margin-bottom: 0.25rem; }
nav ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin-top: 0.75rem; padding: 0.4rem 0; border-block: 1px solid var(--line); font-size: 0.875rem; }
header + main > section:first-child { margin-top: 1.25rem; }
[tabindex="-1"]:focus { outline: none; }
.facts { display: grid; grid-template-columns: repeat(4, auto); justify-content: space-between; gap: 0.3rem 1.5rem; margin-top: 0.6rem; font-size: 0.875rem; }
.facts dt { color: var(--muted); font-size: 0.8125rem; }

.sentence { max-width: 90ch; }
.changed { margin-top: 0.35rem; padding: 0.3rem 0.75rem; border-left: 3px solid var(--doubt-bar); background: var(--doubt-ground); color: var(--doubt); width: fit-content; }
.changed a { color: inherit; font-weight: 600; }
.tally { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: 0.75rem; margin-bottom: 0.75rem; overflow-wrap: normal; }
.tally div { display: grid; grid-template-columns: auto 1fr; align-items: baseline; column-gap: 0.5rem; padding: 0.4rem 0.75rem; border: 1px solid var(--line); border-left-width: 4px; border-radius: 5px; }
.glance { display: grid; grid-template-columns: 1fr 19rem; gap: 0.75rem 2rem; margin-top: 0.75rem; align-items: start; }
.tally dt { grid-row: 1; grid-column: 2; font-weight: 600; }
.tally dd { grid-row: 1; grid-column: 1; font-size: 1.6rem; line-height: 1.15; font-weight: 650; }
.tally .affects { grid-row: 2; grid-column: 1 / -1; font-size: 0.8125rem; font-weight: 400; line-height: 1.5; color: var(--muted); }
.tally .error { border-left-color: var(--bad-bar); }
.tally .warning { border-left-color: var(--doubt-bar); }
.tally .note { border-left-color: var(--plain-bar); }
.tally .zero { border-left-color: var(--line); }
.tally .zero dd:not(.affects) { color: var(--muted); }
.glance > div:first-child li { display: grid; grid-template-columns: 4.75rem 1fr auto; gap: 0 0.75rem; align-items: baseline; padding: 0.2rem 0; border-top: 1px solid var(--line); }
.glance .badge { justify-self: start; }
.extent { color: var(--muted); font-size: 0.875rem; }
.limits { padding: 0.5rem 0.9rem; border-left: 3px solid var(--line); font-size: 0.875rem; color: var(--muted); }
.limits h3 { font-size: 0.875rem; color: var(--text); }
.limits ul { padding-left: 1.1rem; list-style: disc; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.875rem; }
footer p { max-width: 80ch; }

.figures { display: flex; flex-wrap: wrap; gap: 0.75rem 2.5rem; }
.figures div { display: flex; flex-direction: column-reverse; }
.figures dt { color: var(--muted); font-size: 0.875rem; }
.figures dd { font-size: 1.75rem; line-height: 1.2; font-weight: 600; }
.outcomes { display: block; width: 100%; height: 0.75rem; margin: 1.25rem 0 0.75rem; border-radius: 3px; background: var(--plain-ground); }
.outcome-list { display: grid; grid-template-columns: repeat(auto-fit, minmax(13rem, 1fr)); gap: 0.75rem 1.5rem; }
.outcome-list dt { display: flex; align-items: center; gap: 0.5rem; font-weight: 600; }
.outcome-list .key { flex: none; width: 0.75rem; height: 0.75rem; border-radius: 2px; }
.outcome-list dd { font-size: 0.875rem; }
.outcome-list dd + dd { color: var(--muted); }
rect.good, .key.good { fill: var(--good-bar); }
rect.bad, .key.bad { fill: var(--bad-bar); }
rect.doubt, .key.doubt { fill: var(--doubt-bar); }
rect.plain, .key.plain { fill: var(--plain-bar); }

.badge {
  display: inline-block; padding: 0.05rem 0.5rem; border-radius: 1rem;
  font-size: 0.8125rem; font-weight: 550; overflow-wrap: normal;
}
.badge.good { background: var(--good-ground); color: var(--good); }
.badge.bad { background: var(--bad-ground); color: var(--bad); }
.badge.doubt { background: var(--doubt-ground); color: var(--doubt); }
.badge.plain { background: var(--plain-ground); color: var(--plain); }

table { width: 100%; border-collapse: collapse; }
caption { text-align: left; color: var(--muted); font-size: 0.875rem; padding-bottom: 0.5rem; }
th, td {
  text-align: left; vertical-align: baseline; padding: 0.4rem 0.75rem 0.4rem 0;
  border-top: 1px solid var(--line); font-weight: inherit;
}
th:last-child, td:last-child { padding-right: 0; }
th .arn span { font-weight: 400; }
thead th {
  overflow-wrap: normal; border-top: 0; border-bottom: 1px solid var(--line); background: var(--ground);
  color: var(--muted); font-size: 0.8125rem; font-weight: 600;
}
.ladder thead th:nth-child(n + 5), .roles thead th:not(:first-child):not(:last-child), .credentials thead th:not(:first-child):not(:last-child) { text-align: right; }
tbody th { font-weight: 550; }
.number { text-align: right; white-space: nowrap; }
tr.tied > * { border-top-color: transparent; }
.bar { display: block; width: 100%; height: 0.625rem; border-radius: 2px; background: var(--plain-ground); }
.tall { max-height: 36rem; overflow-y: auto; border-bottom: 1px solid var(--line); }
.tall thead th { position: sticky; top: 0; }
.ladder th, .ladder td, .roles th, .roles td, table.credentials th, table.credentials td { min-width: 5.5rem; }
.share { width: 25%; }
.roles thead th:last-child, .credentials thead th:last-child { padding-left: 1rem; }
td.share { padding-left: 1rem; }
.checks { table-layout: fixed; }
.checks thead th:first-child { width: 38%; }
.checks td p { font-size: 0.8125rem; margin-top: 0.1rem; }
.legend { margin-top: 1rem; display: grid; grid-template-columns: max-content 1fr; gap: 0.4rem 1rem; font-size: 0.875rem; }
.legend dd { color: var(--muted); max-width: 80ch; }

.finding { margin-top: 1rem; padding: 0.9rem 1.1rem; border: 1px solid var(--line); border-radius: 6px; background: var(--raised); }
.finding { border-left-width: 4px; }
.finding.error { border-left-color: var(--bad-bar); }
.finding.warning { border-left-color: var(--doubt-bar); }
.finding.note { border-left-color: var(--plain-bar); }
.finding h3 { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0.15rem 0.75rem; }
.finding h3 .extent { margin-left: auto; font-weight: 600; color: var(--text); }
.finding p { max-width: 80ch; margin-top: 0.35rem; }
.finding .names { margin-top: 0.6rem; }
.names { font-size: 0.875rem; }
.names ul { display: flex; flex-wrap: wrap; gap: 0.3rem 0.4rem; margin-top: 0.3rem; }
.names li { padding: 0 0.45rem; border: 1px solid var(--line); border-radius: 4px; background: var(--ground); }
details { margin-top: 0.5rem; }
summary { cursor: pointer; color: var(--accent); width: fit-content; }
.changes li { padding: 0.1rem 0; }

.rule { margin-top: 1rem; padding-left: 0.9rem; border-left: 3px solid var(--line); }
.rule h4 { margin: 0; font-size: 1rem; }
.rule p { max-width: 80ch; margin-top: 0.2rem; }
.rule:target { border-left-color: var(--accent); }
#rules ~ h3 { margin-top: 1.75rem; }
blockquote { margin: 0.4rem 0; padding-left: 0.9rem; border-left: 3px solid var(--line); font-size: 0.9375rem; max-width: 80ch; }
cite { font-style: normal; font-size: 0.8125rem; color: var(--muted); }
.only-print { display: none; }
.to-users { font-size: 0.9375rem; }
.finding .to-users { margin-top: 0.5rem; }
.to-users:not(:has(a)) { display: none; }

.tools { display: flex; flex-wrap: wrap; gap: 0.75rem 1rem; align-items: end; margin-bottom: 0.5rem; }
.tools label { display: block; color: var(--muted); font-size: 0.8125rem; font-weight: 600; margin-bottom: 0.2rem; }
.tools div { flex: 1 1 11rem; min-width: 0; }
.tools .wide { flex: 1 1 100%; }
#clear { padding: 0.45rem 0.9rem; border: 1px solid var(--muted); border-radius: 5px; min-height: 2.5rem; }
input, select {
  width: 100%; min-height: 2.5rem; padding: 0.4rem 0.6rem; font: inherit; color: var(--text);
  background: var(--ground); border: 1px solid var(--muted); border-radius: 5px;
}
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; }
.users { table-layout: fixed; }
.users caption { padding: 0; }
.users th:last-child, .users td:last-child { padding-right: 0.75rem; }
.users .user { width: 30%; }
.users .outcome { width: 9rem; }
.users .groups { width: 5.5rem; }
.with-credentials .user { width: 24%; }
.with-credentials .credentials { width: 26%; }
.users thead button { color: inherit; font-weight: 600; min-height: 1.75rem; }
.users thead button::after { content: '\\2195'; content: '\\2195' / ''; margin-left: 0.35rem; }
.users th[aria-sort=ascending] button, .users th[aria-sort=descending] button { color: var(--text); }
.users th[aria-sort=ascending] button::after { content: '\\2191'; content: '\\2191' / ''; }
.users th[aria-sort=descending] button::after { content: '\\2193'; content: '\\2193' / ''; }
.users tbody tr.row { cursor: pointer; }
.users tbody tr.row:hover > *, .users tbody tr.open > * { background: var(--raised); }
.users tbody th { padding-left: 2rem; position: relative; }
.users thead th:first-child { padding-left: 2rem; }
.toggle { position: absolute; left: 0.1rem; top: 0.35rem; width: 1.6rem; height: 1.6rem; color: var(--muted); }
.toggle::before {
  content: ''; display: inline-block; width: 0.45rem; height: 0.45rem;
  border: solid; border-width: 0 2px 2px 0; transform: translateX(-1px) rotate(-45deg);
}
.toggle[aria-expanded=true]::before { transform: translateY(-2px) rotate(45deg); }
.users td.why { padding: 0.25rem 1rem 1.25rem 2rem; border-top: 0; background: var(--raised); }
.why p { max-width: 80ch; }
.why h3 { font-size: 0.8125rem; color: var(--muted); margin-top: 0.9rem; }
.why dl { display: grid; grid-template-columns: max-content 1fr; gap: 0.15rem 0.9rem; font-size: 0.875rem; }
.why dt { color: var(--muted); }
.why li { display: flex; flex-wrap: wrap; gap: 0 0.75rem; align-items: baseline; padding: 0.15rem 0; }
.why .rank { flex: none; min-width: 3.5rem; color: var(--muted); }
.pager {
  position: sticky; bottom: 0; display: flex; justify-content: space-between; align-items: center; gap: 0.75rem;
  padding: 0.6rem 0; background: var(--ground); border-top: 1px solid var(--line);
}
.pager button { padding: 0.35rem 0.9rem; border: 1px solid var(--muted); border-radius: 5px; }
.pager button[aria-disabled=true] { cursor: default; color: var(--muted); border-color: var(--line); }

@media screen and (max-width: 44rem) {
  body { padding: 0.9rem 1rem 2rem; }
  h1 { font-size: 1.35rem; }
  .facts { grid-template-columns: max-content 1fr; gap: 0.1rem 0.75rem; margin-top: 0.5rem; line-height: 1.4; }
  .facts div { display: contents; }
  .glance { grid-template-columns: 1fr; margin-top: 0.5rem; }
  nav ul { flex-wrap: nowrap; overflow-x: auto; white-space: nowrap; overflow-wrap: normal; margin-top: 0.6rem; padding: 0.35rem 0; }
  header + main > section:first-child { margin-top: 0.75rem; }
  h2 { margin-bottom: 0.4rem; }
  .tally { gap: 0.5rem; margin-bottom: 0.5rem; }
  .tally div { padding: 0.3rem 0.5rem; column-gap: 0.35rem; }
  .tally dt { font-size: 0.8125rem; }
  .tally dd { font-size: 1.2rem; }
  .glance > div:first-child li { grid-template-columns: 4.75rem 1fr; }
  .glance .extent { grid-column: 2; }
  .figures { gap: 0.75rem 1.75rem; }
  .figures dd { font-size: 1.4rem; }
  .legend { grid-template-columns: 1fr; gap: 0.15rem; }
  .legend dd { margin-bottom: 0.5rem; }
  .finding h3 .extent { margin-left: 0; }
  .tools div { flex: 1 1 40%; }
  table, thead, tbody, tfoot, caption { display: block; }
  tr { display: flex; flex-wrap: wrap; gap: 0.1rem 0.75rem; padding: 0.5rem 0; border-top: 1px solid var(--line); }
  tr.tied { border-top-color: transparent; }
  th, td, .ladder th, .ladder td, .roles th, .roles td, .checks th, .users .user, .users .outcome, .users .groups {
    display: block; width: auto; min-width: 0; border: 0; padding: 0; text-align: left; background: none;
  }
  thead tr { border-top: 0; padding: 0; }
  thead th { border: 0; }
  .ladder thead, .roles thead, table.credentials thead, .checks thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .ladder tbody th { flex: 1; }
  .ladder .rank { min-width: 2.75rem; }
  table .number { text-align: left; }
  .ladder .role, .ladder .mark, .roles th, .roles .share, table.credentials th, table.credentials .share, .checks th, .checks td, .users tbody th, .users td.role, .users td.credentials { flex: 1 0 100%; }
  .ladder .number::after, .roles .number::after, table.credentials .number::after { content: ' ' attr(data-unit); color: var(--muted); }
  .checks td::before { content: attr(data-name) ': '; color: var(--muted); font-size: 0.875rem; }
  .users thead tr { gap: 0.25rem 1rem; }
  .users thead th:first-child, .users tbody th { padding-left: 0; }
  .users tbody tr.row { position: relative; padding-left: 2rem; }
  .users tbody th { position: static; }
  .users td.role { order: 1; }
  .users td.credentials { order: 2; }
  .users td.credentials::before { content: 'credentials: '; color: var(--muted); font-size: 0.875rem; }
  .users .groups::after { content: ' ' attr(data-unit); color: var(--muted); }
  .users tbody tr.open { background: var(--raised); }
  .users td.why { flex: 1; padding: 0 0.5rem 0.75rem 2rem; }
  .users tr.detail { padding: 0; border-top: 0; background: var(--raised); }
}
@page { margin: 14mm; }
@media print {
  :root { color-scheme: light; }
  html { background: none; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  a { color: inherit; text-decoration: none; }
  nav, .tools, .pager, .to-users, #matches { display: none; }
  .only-print { display: block; margin-bottom: 0.5rem; }
  .tall { max-height: none; overflow: visible; }
  .tall thead th { position: static; }
  section { margin-top: 1.75rem; }
  h2, h3, h4, caption { break-after: avoid; }
  thead { display: table-header-group; }
  tr, .finding, .rule, .tally, .outcome-list, .limits { break-inside: avoid; }
  .users thead th:first-child, .users tbody th { padding-left: 0; }
  .glance { grid-template-columns: 1fr; }
  section:has(> #users) { break-before: page; }
  .users thead button { display: none; }
  .users thead th::after { content: attr(data-name); }
  .users .user { width: 21%; }
  .users .groups { width: 20%; }
  .users .outcome { width: 7rem; }
  .with-credentials .credentials { width: 17%; }
  .arn { font-size: 7.5pt; }
  .users .arn { font-size: 6.5pt; }
  .users th, .users td { padding: 0.2rem 0.5rem 0.2rem 0; font-size: 8.5pt; }
  .users .badge { font-size: 7.5pt; }
  .users tr.detail { break-before: avoid; }
}
`
