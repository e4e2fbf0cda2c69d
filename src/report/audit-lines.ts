import { stringify } from 'csv-stringify/sync'
import { keptWhileFrozen, type UserAudit } from '../audit/summary.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import { jsonLine } from './json-text.js'

/**
 * A user as one line of NDJSON, its line feed included. The keys, always in this order: `username`, `groups`, `roles`,
 * `outcome`, `rule`, then where they apply `preferredRole`, `candidateRole`, `unknownGroups`. What would end a line for
 * some reader (U+0085, U+2028, U+2029), and a `##[`, is escaped.
 *
 * What all users of a frozen resolution share is written once and kept as long as the resolution is.
 *
 * @see https://github.com/ndjson/ndjson-spec
 */
export function ndjsonLine({ username, resolution }: UserAudit): string {
  return `{"username":${PLAIN.test(username) ? `"${username}"` : jsonLine(username)},${ndjsonTail(resolution)}`
}

/** Usernames of these characters alone are written as they are, in JSON and in CSV. */
const PLAIN = /^\w[\w.@+-]*$/

const ndjsonTail = keptWhileFrozen(
  ({ groups, roles, outcome, rule, preferredRole, candidateRole, unknownGroups }: PoolResolution) => {
    let tail = `"groups":${jsonList(groups)},"roles":${jsonList(roles)},"outcome":"${outcome}","rule":"${rule}"`
    if (preferredRole !== undefined) tail += `,"preferredRole":${jsonOf(preferredRole)}`
    if (candidateRole !== undefined) tail += `,"candidateRole":${jsonOf(candidateRole)}`
    if (unknownGroups.length > 0) tail += `,"unknownGroups":${jsonLine(unknownGroups)}`
    return `${tail}}\n`
  },
)

function jsonList(names: readonly string[]): string {
  return `[${names.map(jsonOf).join(',')}]`
}

/** As many as the groups and roles of one pool can be. */
const MAX_KEPT = 20_000
const kept = new Map<string, string>()

function jsonOf(name: string): string {
  let text = kept.get(name)
  if (text === undefined) {
    if (kept.size >= MAX_KEPT) kept.clear()
    kept.set(name, (text = jsonLine(name)))
  }
  return text
}

/** What a spreadsheet may take for a formula: one of its first characters, after what is blank or does not show. */
const FORMULA = /^(?:[\t\r\n]|[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]*[=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−﬩⩵⩶])/u

/** The first line of the CSV, its CR LF included. */
export const csvHeader = csvRecord([
  'username',
  'groups',
  'roles',
  'outcome',
  'rule',
  'preferredRole',
  'candidateRole',
  'unknownGroups',
])

/**
 * A user as one record of CSV by RFC 4180, its CR LF included; `csvHeader` names the fields. Those that do not apply
 * are empty. UTF-8 without a byte order mark.
 *
 * Lists are joined by a space: no name of a group in Cognito can have one, while commas are legal. A field that a
 * spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, another form of one such as the full-width, or a
 * line break or tab) gets an apostrophe before it, and is so not what it was: programs read the NDJSON. A spreadsheet must be
 * told that the comma separates. White space and characters that do not show may come before it: some programs drop them.
 *
 * @see https://www.rfc-editor.org/rfc/rfc4180
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function csvLine({ username, resolution }: UserAudit): string {
  return `${PLAIN.test(username) ? username : csvFields([username])},${csvTail(resolution)}`
}

const csvTail = keptWhileFrozen(
  ({ groups, roles, outcome, rule, preferredRole, candidateRole, unknownGroups }: PoolResolution) =>
    csvRecord([
      groups.join(' '),
      roles.join(' '),
      outcome,
      rule,
      preferredRole,
      candidateRole,
      unknownGroups.join(' '),
    ]),
)

function csvRecord(fields: readonly (string | undefined)[]): string {
  return `${csvFields(fields)}\r\n`
}

function csvFields(fields: readonly (string | undefined)[]): string {
  // Users choose their names, and in many locales Excel takes the semicolon for the separator: what follows it would be a formula.
  return stringify([fields.map(disarmed)], { eof: false, quoted_match: /[;\t]/ })
}

function disarmed(field: string | undefined): string | undefined {
  return field !== undefined && FORMULA.test(field) ? `'${field}` : field
}
