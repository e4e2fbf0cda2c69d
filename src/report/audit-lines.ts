import type { AuditReading } from '../audit/audit-reading.js'
import type { AuditConcern } from '../audit/concerns.js'
import type { RoleCheck } from '../audit/role-check.js'
import type { AuditSummary, IdentityPoolAbout, UserAudit } from '../audit/summary.js'
import { keptWhileFrozen } from '../record.js'
import type { CalibrationSource } from '../claims/choose-semantics.js'
import type { Semantics } from '../claims/decide.js'
import type { RoleSelection } from '../credentials/select-role.js'
import type { Group } from '../group.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import { limitsOf } from './audit-limits.js'
import { jsonLine } from './json-text.js'

/** What is known about an audit before its first user is written. */
export interface AuditHead {
  readonly toolVersion: string
  readonly reading?: AuditReading | undefined
  readonly semantics: Semantics
  /** Absent if no calibration chose the semantics. */
  readonly calibration?: CalibrationSource | undefined
  readonly groups: Iterable<Group>
  /** Absent if none was asked about. */
  readonly identityPool?: IdentityPoolAbout | undefined
  /** Absent if they were not asked for. */
  readonly roleChecks?: readonly RoleCheck[] | undefined
  /** Only users in one of these findings get a line. Absent: all users do. */
  readonly onlyUsersOf?: readonly AuditConcern[] | undefined
}

/** An audit as lines: `head`, then a `line` for each user, then `tail`. Each text has its line ends. */
export interface AuditLines {
  head(): string
  /** @param findings those of the user, from `concernsOf` */
  line(user: UserAudit, findings: readonly AuditConcern[]): string
  /** @param notLookedAt by default, what `limitsOf` returns for the summary */
  tail(summary: AuditSummary, notLookedAt?: readonly string[]): string
}

/**
 * Writes an audit for programs.
 *
 * `ndjson`: a line `{"audit":…}`, a line for each user with the keys always in the same order, and a line
 * `{"summary":…}`: a file without that is incomplete. What would end a line for some reader (U+0085, U+2028, U+2029),
 * and a `##[`, is escaped.
 *
 * `csv`: RFC 4180 in UTF-8 without a byte order mark, the columns of `csvColumns`. Fields that do not apply are empty.
 * Lists are joined by a space: no name of a group in Cognito can have one, while commas are legal. A field that a
 * spreadsheet would take for a formula (it begins with `=`, `+`, `-`, `@`, another form of one such as the full-width,
 * or a line break or tab) gets an apostrophe before it, even after white space and invisible characters, which some
 * programs drop. The apostrophe changes the value, so programs should read the NDJSON. Tell the spreadsheet that the
 * separator is the comma.
 *
 * The text that all users with the same frozen resolution share is built once and cached as long as the resolution
 * exists.
 *
 * @see https://github.com/ndjson/ndjson-spec
 * @see https://www.rfc-editor.org/rfc/rfc4180
 * @see https://owasp.org/www-community/attacks/CSV_Injection
 */
export function createAuditLines({
  format,
  head,
}: {
  readonly format: 'ndjson' | 'csv'
  readonly head: AuditHead
}): AuditLines {
  if (format === 'ndjson') return { head: () => ndjsonHead(head), line: ndjsonLine, tail: ndjsonTail }
  const attributes = head.reading?.attributes ?? []
  return {
    head: () => csvRecord(csvColumns(head)),
    line: (user, findings) => csvLine(user, findings, attributes),
    tail: () => '',
  }
}

/** Usernames of these characters alone are written as they are, in JSON and in CSV. */
const PLAIN = /^\w[\w.@+-]*$/

/** The most names that the groups and roles of one pool can have. */
const MAX_KEPT = 20_000

/** Caches the text for names that repeat. */
function keptByName(make: (name: string) => string): (name: string) => string {
  const kept = new Map<string, string>()
  return name => {
    let text = kept.get(name)
    if (text === undefined) {
      if (kept.size >= MAX_KEPT) kept.clear()
      kept.set(name, (text = make(name)))
    }
    return text
  }
}

function ndjsonHead(head: AuditHead): string {
  const { toolVersion, reading, semantics, calibration, identityPool, groups, roleChecks, onlyUsersOf } = head
  const audit = {
    version: 1,
    tool: { name: 'rolecast', version: toolVersion },
    reading,
    semantics,
    calibration,
    identityPool,
    groups: Array.from(groups, ({ groupName, precedence, roleArn }) => ({
      groupName,
      precedence: precedence ?? undefined,
      roleArn: roleArn || undefined,
    })),
    roleChecks,
    onlyUsersOf,
  }
  return `${jsonLine({ audit })}\n`
}

/** The users of a finding have it in their lines. */
function ndjsonTail(summary: AuditSummary, notLookedAt = limitsOf(summary)): string {
  const findings = summary.findings.map(({ users: _names, ...finding }) => finding)
  return `${jsonLine({ summary: { ...summary, findings, notLookedAt } })}\n`
}

function ndjsonLine(user: UserAudit, findings: readonly AuditConcern[]): string {
  const { username, sub, enabled, status, attributes, resolution, selection } = user
  let line = `{"username":${jsonOfUser(username)}`
  if (sub !== undefined) line += `,"sub":${jsonOfUser(sub)}`
  if (enabled !== undefined) line += `,"enabled":${enabled}`
  if (status !== undefined) line += `,"status":${jsonOf(status)}`
  if (attributes !== undefined) line += `,"attributes":${jsonLine(attributes)}`
  line += jsonOfResolution(resolution)
  if (selection !== undefined) line += jsonOfSelection(selection)
  if (findings.length > 0) line += `,"findings":["${findings.join('","')}"]`
  return `${line}}\n`
}

function jsonOfUser(text: string): string {
  return PLAIN.test(text) ? `"${text}"` : jsonLine(text)
}

const jsonOfResolution = keptWhileFrozen((resolution: PoolResolution, isKept) => {
  const { groups, roles, outcome, rule, evidence, preferredRole, candidateRole, unknownGroups } = resolution
  let text = `,"groups":${jsonList(groups)},"roles":${jsonList(roles)}`
  text += `,"outcome":"${outcome}","rule":"${rule}","evidence":"${evidence}"`
  if (preferredRole !== undefined) text += `,"preferredRole":${jsonOf(preferredRole)}`
  if (candidateRole !== undefined) text += `,"candidateRole":${jsonOf(candidateRole)}`
  if (unknownGroups.length > 0) text += `,"unknownGroups":${jsonLine(unknownGroups)}`
  return isKept ? inOnePiece(text) : text
})

/** The same string, flattened: a concatenated one would be joined again each time it is written. */
function inOnePiece(text: string): string {
  return JSON.parse(JSON.stringify(text))
}

const jsonOfSelection = keptWhileFrozen(
  ({ outcome, rule, roleArn, candidates }: RoleSelection) =>
    `,"credentials":${jsonLine({ outcome, rule, roleArn, candidates })}`,
)

const jsonOf = keptByName(jsonLine)

function jsonList(names: readonly string[]): string {
  let list = ''
  for (let index = 0; index < names.length; index++) list += (index === 0 ? '' : ',') + jsonOf(names[index]!)
  return `[${list}]`
}

/** The names of the columns of the CSV, in their order. */
export function csvColumns({ reading }: Pick<AuditHead, 'reading'>): readonly string[] {
  return [...COLUMNS, ...(reading?.attributes ?? []).map(name => `attribute:${name}`)]
}

const COLUMNS = [
  'username',
  'sub',
  'enabled',
  'status',
  'groups',
  'roles',
  'outcome',
  'rule',
  'evidence',
  'preferredRole',
  'candidateRole',
  'unknownGroups',
  'credentials',
  'credentialsRole',
  'findings',
]

function csvLine(user: UserAudit, findings: readonly AuditConcern[], attributeNames: readonly string[]): string {
  const { username, sub, enabled, status, attributes = {}, resolution, selection } = user
  let line = `${csvField(username)},${csvField(sub)},${enabled ?? ''},${csvField(status)},${csvOfResolution(resolution)}`
  line += selection === undefined ? ',,' : csvOfSelection(selection)
  line += `,${findings.join(' ')}`
  for (const name of attributeNames) line += `,${csvField(Object.hasOwn(attributes, name) ? attributes[name] : '')}`
  return `${line}\r\n`
}

const csvOfResolution = keptWhileFrozen((resolution: PoolResolution, isKept) => {
  const { groups, roles, outcome, rule, evidence, preferredRole, candidateRole, unknownGroups } = resolution
  const answer = `${outcome},${rule},${evidence},${csvName(preferredRole ?? '')},${csvName(candidateRole ?? '')}`
  const text = `${csvList(groups)},${csvList(roles)},${answer},${csvList(unknownGroups)}`
  return isKept ? inOnePiece(text) : text
})

const csvOfSelection = keptWhileFrozen(({ outcome, roleArn }: RoleSelection) => `,${outcome},${csvField(roleArn)}`)

/** If no name of a list needs quotes or an apostrophe, neither does the list. */
function csvList(names: readonly string[]): string {
  let list = ''
  let isPlain = true
  for (let index = 0; index < names.length; index++) {
    const name = names[index]!
    list += (index === 0 ? '' : ' ') + name
    isPlain &&= csvName(name) === name
  }
  return isPlain ? list : csvField(list)
}

const csvName = keptByName(csvField)

function csvRecord(fields: readonly string[]): string {
  return `${fields.map(csvField).join(',')}\r\n`
}

/**
 * What needs quotes. By RFC 4180, the semicolon and the tab do not. But users choose their names, and in many locales
 * Excel takes the semicolon for the separator, so the text after it could be a formula.
 */
const SPECIAL = /[",;\t\r\n]/

/** What a spreadsheet may take for a formula: its first character, after any blank or invisible ones. */
const FORMULA = /^(?:[\t\r\n]|[\s\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]*[=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−﬩⩵⩶])/u

function csvField(text = ''): string {
  if (text === '' || PLAIN.test(text)) return text
  const disarmed = FORMULA.test(text) ? `'${text}` : text
  return SPECIAL.test(disarmed) ? `"${disarmed.replaceAll('"', '""')}"` : disarmed
}
