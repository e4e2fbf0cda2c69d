import { type AuditConcern, CONCERN_NAMES, CONCERNS } from '../audit/concerns.js'
import type { AuditSummary, UserAudit } from '../audit/summary.js'
import { keptWhileFrozen } from '../record.js'
import { BESIDES, describeCalibration, EVIDENCE_WORDS, REASONS } from '../claims/explain.js'
import { RULE_TEXTS } from '../claims/rule-texts.js'
import type { RoleSelection } from '../credentials/select-role.js'
import { SELECTION_EVIDENCE } from '../credentials/selection-texts.js'
import { quote } from '../errors.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import { SEVERITIES, type Severity } from '../severity.js'
import { findingId } from './audit-page-findings.js'
import { arnParts, embed, visible } from './audit-page-html.js'
import { AUDIT_SELECTION_TEXTS, RULE_ID, SELECTION_ID } from './audit-page-rules.js'
import { OUTCOMES, type UsersBySeverity } from './audit-page-summary.js'

/** The users as lines of data, and the tables that the lines refer to by number. */
export interface UserRows {
  row(user: UserAudit, findings: readonly AuditConcern[]): string
  /** For the script; call it after the last row. */
  tables(summary: AuditSummary): object
  /** Of the rows so far. */
  usersBySeverity(): UsersBySeverity
}

/**
 * A row is `[name, how, role, groups, decides, findings, enabled, selection, status, sub, attributes]`, without what is
 * missing at its end. `how` and the parts of `selection` are numbers of the tables, and so are a group and a role; a
 * group that the pool does not have is its name, because there can be as many of these as users. `decides` has
 * positions in `groups`. The sentences are composed by the script, so memory grows with the groups, roles and rules of
 * a pool and not with its users.
 */
export function createUserRows(): UserRows {
  const groups = createNumbering()
  const roles = createNumbering()
  const hows = createNumbering()
  const selections = createNumbering()
  const usersBySeverity: Record<Severity, number> = { error: 0, warning: 0, note: 0 }

  const roleNumber = (arn: string | undefined) => (arn === undefined ? NONE : roles.of(arn))

  const resolutionText = keptWhileFrozen((resolution: PoolResolution): string => {
    const { outcome, rule, evidence, preferredRole, candidateRole, determiningGroups } = resolution
    const how = hows.of(`${outcome} ${rule} ${evidence}`)
    const decides = determiningGroups.map(name => resolution.groups.indexOf(name))
    const names = [...resolution.groups.map(groups.of), ...resolution.unknownGroups.map(name => textOf(name))]
    return `${how},${roleNumber(preferredRole ?? candidateRole)},[${names.join()}],[${decides.join()}]`
  })

  const selectionText = keptWhileFrozen((selection: RoleSelection): string => {
    const { outcome, rule, evidence, roleArn, ruleIndex, candidates = [] } = selection
    const how = selections.of(`${outcome} ${rule} ${evidence}`)
    const others = candidates.map(one => `[${selections.of(`${one.outcome} ${one.rule} `)},${roleNumber(one.roleArn)}]`)
    return `[${how},${roleNumber(roleArn)},${ruleIndex ?? NONE},[${others.join()}]]`
  })

  return {
    row({ username, resolution, selection, enabled, status, sub, attributes }, findings) {
      for (const severity of SEVERITIES)
        if (findings.some(concern => CONCERNS[concern].severity === severity)) usersBySeverity[severity]++
      const state = enabled === undefined ? 2 : enabled ? 1 : 0
      const parts = [
        textOf(username),
        resolutionText(resolution),
        `${bitsOf(findings)},${state}`,
        selection === undefined ? '0' : selectionText(selection),
        status === undefined ? '0' : textOf(status),
        sub === undefined ? '0' : textOf(sub),
        attributes === undefined ? '0' : attributesText(attributes),
      ]
      while (parts.at(-1) === '0') parts.pop()
      return `[${parts.join()}]\n`
    },

    tables(summary) {
      const pool = new Map(summary.groups.map(group => [group.groupName, group]))
      const groupRows = groups.values().map(name => {
        const group = pool.get(name)
        return {
          name: visible(name),
          ...quotedIfOther(name),
          precedence: group?.precedence ?? null,
          role: roleNumber(group?.roleArn || undefined),
        }
      })
      return {
        outcomes: OUTCOMES,
        reasons: REASONS,
        besides: BESIDES,
        ruleSections: Object.fromEntries(Object.keys(RULE_TEXTS).map(rule => [rule, `${RULE_ID}${rule}`])),
        evidence: evidenceWords(summary),
        selectionRules: Object.fromEntries(
          Object.entries(AUDIT_SELECTION_TEXTS).map(([rule, { says }]) => [
            rule,
            { says, section: `${SELECTION_ID}${rule}` },
          ]),
        ),
        selectionEvidence: SELECTION_EVIDENCE,
        hows: hows.values().map(how => how.split(' ')),
        selections: selections.values().map(selection => selection.split(' ')),
        groups: groupRows,
        roles: roles.values().map(arn => ({ arn: arnParts(arn), ...quotedIfOther(arn) })),
        concerns: CONCERN_NAMES.map(name => {
          const { severity, title } = CONCERNS[name]
          const isHere = summary.findings.some(({ concern }) => concern === name)
          return { name, severity, title, section: isHere ? findingId(name) : null }
        }),
        identityPool: summary.credentials === undefined ? null : visible(summary.credentials.identityPoolId),
      }
    },

    usersBySeverity: () => ({ ...usersBySeverity }),
  }
}

/** In place of a number. */
const NONE = -1

/** As a sentence quotes it, if that is not just the name in backticks: it may be shortened, or isolated. */
function quotedIfOther(name: string): { readonly quoted?: string } {
  const quoted = quote(name)
  return quoted.slice(1, -1) === visible(name) ? {} : { quoted }
}

const PLAIN = /^[\w.@+-]*$/

function textOf(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : embed(visible(text))
}

function attributesText(attributes: Readonly<Record<string, string>>): string {
  const entries = Object.entries(attributes).map(([name, value]) => [visible(name), visible(value)])
  return entries.length === 0 ? '0' : embed(entries)
}

/** A bit for each concern. */
function bitsOf(findings: readonly AuditConcern[]): number {
  let bits = 0
  for (const concern of findings) bits |= 1 << CONCERN_NAMES.indexOf(concern)
  return bits
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

// ------------------------------------------------------------------ What the script works on

export function usersHtml({ credentials }: AuditSummary): string {
  const columns = [
    ['user', 'User'],
    ['outcome', 'Outcome'],
    ['role', 'Preferred role'],
    ...(credentials === undefined ? [] : ([['credentials', 'Credentials']] as const)),
    ['groups', 'Groups'],
  ] as const
  const headers = columns.map(
    ([id, name]) => `<th role="columnheader" scope="col" class="${id}" data-name="${name}" aria-sort="none">
<button type="button" data-sort="${id}">${name}</button></th>`,
  )
  const filters = [
    ['finding', 'Finding'],
    ['outcome', 'Outcome'],
    ['role', 'Preferred role'],
    ...(credentials === undefined ? [] : ([['credentials', 'Credentials']] as const)),
    ['status', 'Status'],
  ] as const
  const selects = filters.map(
    ([id, name]) => `<div><label for="filter-${id}">${name}</label><select id="filter-${id}"></select></div>`,
  )
  return `<noscript>
<p>The table of users needs JavaScript, which is off. Everything else on this page is complete without it.</p>
</noscript>
<div id="users-app" hidden>
<div class="tools" role="search">
<div class="wide"><label for="search">Search users, groups, roles and outcomes</label>
<input id="search" type="search" autocomplete="off" spellcheck="false"></div>
${selects.join('\n')}
<button type="button" id="clear">Clear filters</button>
</div>
<p class="muted" role="status" id="matches"></p>
<p class="only-print" id="printed"></p>
<table role="table" class="users${credentials === undefined ? '' : ' with-credentials'}" id="users-table">
<caption><span class="unseen">Users and the role they get; open a row to see why</span></caption>
<thead role="rowgroup"><tr role="row" aria-rowindex="1" id="users-head">${headers.join('')}</tr></thead>
<tbody role="rowgroup" id="users-body"></tbody></table>
<div class="pager" role="group" aria-label="Pages of users">
<button type="button" id="previous">Previous</button><span id="range"></span><button type="button" id="next">Next</button>
</div>
</div>`
}

function evidenceWords({ calibration }: AuditSummary): Readonly<Record<string, string>> {
  return calibration === undefined
    ? EVIDENCE_WORDS
    : { ...EVIDENCE_WORDS, calibrated: describeCalibration(calibration) }
}
