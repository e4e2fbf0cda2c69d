import picocolors from 'picocolors'
import type { RoleChange } from '../audit/compare-roles.js'
import { CONCERNS } from '../audit/concerns.js'
import type {
  AuditDiff,
  CredentialsChange,
  DiffedAudit,
  DiffTransition,
  FindingDiff,
  GroupDiff,
  NamedUsers,
  Presence,
  SignInUsers,
  RoleDiff,
  RoleState,
  UserCredentials,
  UserDiff,
} from '../audit/diff.js'
import type { RoleOutcome } from '../audit/impact.js'
import { describeCalibration } from '../claims/explain.js'
import type { Resolution } from '../claims/resolve.js'
import type { Group } from '../group.js'
import { printable } from '../text.js'
import { jsonLine, jsonText } from './json-text.js'
import { type NamedSemantics, semanticsText } from './semantics-text.js'
import type { Paint, TextOptions } from './text-style.js'
import { first, indented, MAX_SHOWN, table } from './text-table.js'
import { figure } from './figure.js'

/** The differences between two audits, as text for people. Not for programs: its form may change. */
export function diffText(diff: AuditDiff, { color }: TextOptions): string {
  const paint = picocolors.createColors(color)
  const { before, after, notes, changes, transitions, credentials, groups, roles, findings } = diff
  const pool = after.reading?.userPoolId ?? before.reading?.userPoolId
  const title = pool === undefined ? 'What changed' : `What changed in user pool ${printable(pool)}`
  const blocks: (readonly string[])[] = [
    [paint.bold(title), ...sideLines(before, after), indented(`semantics ${semanticsText(diff)}`)],
    ...(notes.length === 0 ? [] : [[paint.yellow('Not compared, or in doubt'), ...notes.map(indented)]]),
    [paint.bold('Users by change of the preferred role'), ...countLines(changes)],
    ...transitions.map(one => transitionLines(one, outcomeText, paint)),
    ...(credentials === undefined
      ? []
      : [
          [
            paint.bold(`Users by change of their credentials (${printable(credentials.identityPoolId)})`),
            ...credentialsLines(credentials.changes),
          ],
          ...credentials.transitions.map(one => transitionLines(one, credentialsText, paint)),
        ]),
    ...userBlocks(diff, paint),
    [paint.bold('Groups'), ...(groups.length === 0 ? [indented('no group is different')] : groups.flatMap(groupLines))],
    ...(roles === undefined
      ? []
      : [
          [
            paint.bold('Roles in IAM'),
            ...(roles.length === 0 ? [indented('no role is different')] : roles.map(roleLine)),
          ],
        ]),
    ...(findings === undefined ? [] : [[paint.bold('Findings'), ...findingLines(findings)]]),
  ]
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/**
 * The same as JSON, for programs: the keys of `AuditDiff`. The lists of users have only the first of them; `count` is
 * of all.
 */
export function diffJson(diff: AuditDiff): string {
  return `${jsonText(diff)}\n`
}

/** Whether anything is different for a user. */
export function isUserDifferent({
  presence,
  change,
  groupsAdded,
  groupsRemoved,
  became,
  credentials,
}: UserDiff): boolean {
  const isRegrouped = groupsAdded.length + groupsRemoved.length > 0
  const hasOtherRole = change !== 'same' || (credentials?.change ?? 'same') !== 'same'
  return presence !== 'both' || hasOtherRole || became !== undefined || isRegrouped
}

/** A user as one line of NDJSON, its line feed included. Absent keys are as in `UserDiff`. */
export function diffLine(user: UserDiff): string {
  const { username, sub, presence, change, before, after, rolesAdded, rolesRemoved } = user
  const { groupsAdded, groupsRemoved, became, credentials } = user
  const roles = { before: before && inShort(before), after: after && inShort(after), rolesAdded, rolesRemoved }
  return `${jsonLine({ username, sub, presence, change, ...roles, groupsAdded, groupsRemoved, became, credentials })}\n`
}

interface DiffHead extends NamedSemantics {
  readonly before: Omit<DiffedAudit, 'users'>
  readonly after: Omit<DiffedAudit, 'users'>
}

/** The first line: what is compared. */
export function diffHead({ before, after, semantics, calibration }: DiffHead): string {
  const sides = [before, after].map(side => ({
    reading: side.reading,
    toolVersion: side.toolVersion,
    calibration: side.calibration,
  }))
  return `${jsonLine({ diff: { version: 1, semantics, calibration, before: sides[0], after: sides[1] } })}\n`
}

/** The last line: lines without it are incomplete. The users are in the lines before it. */
export function diffTail(diff: AuditDiff): string {
  const { semantics, calibration, before, after, notes, changes, groups, roles, findings } = diff
  const { credentials, newUsers, goneUsers, enabledUsers, disabledUsers, regroupedUsers } = diff
  const rest = { semantics, calibration, before, after, notes, changes, groups, roles, findings }
  const counts = { newUsers, goneUsers, enabledUsers, disabledUsers, regroupedUsers }
  const users = Object.fromEntries(Object.entries(counts).map(([name, { count }]) => [name, count]))
  return `${jsonLine({ summary: { ...rest, ...users, credentials: credentials && { identityPoolId: credentials.identityPoolId, changes: credentials.changes } } })}\n`
}

function inShort({ outcome, rule, preferredRole, candidateRole }: Resolution) {
  return { outcome, rule, preferredRole, candidateRole }
}

/** When an audit was read, and with what, in one line. */
export function sideText({ reading, calibration, toolVersion, users }: DiffedAudit): string {
  const when =
    reading?.startedAt === undefined
      ? 'read at an unknown time'
      : `read from ${reading.startedAt}${reading.endedAt === undefined ? '' : ` to ${reading.endedAt}`}`
  const tool = toolVersion === undefined ? '' : `, by rolecast ${toolVersion}`
  const calibrated = calibration === undefined ? '' : `, ${describeCalibration(calibration)}`
  return `${figure(users)} ${users === 1 ? 'user' : 'users'}, ${when}${tool}${calibrated}`
}

function sideLines(before: DiffedAudit, after: DiffedAudit): readonly string[] {
  return [`before  ${printable(sideText(before))}`, `after   ${printable(sideText(after))}`].map(indented)
}

export const CHANGES: Readonly<Record<RoleChange, string>> = {
  gained: 'have a preferred role and had none',
  lost: 'had a preferred role and have none',
  changed: 'have a different preferred role',
  undetermined: 'may have gained, lost or changed it: the preferred role is undetermined before or after',
  'allowed-roles': 'neither gained, lost nor changed it; what an app may ask for (cognito:roles) is different',
  same: 'have the same roles as before',
}

export const CREDENTIALS_CHANGES: Readonly<Record<CredentialsChange, string>> = {
  gained: 'get credentials and got none',
  lost: 'got credentials and get none',
  changed: 'get the credentials of a different role',
  undetermined: 'may have gained, lost or changed them: they are undetermined before or after',
  same: 'get the same result as before',
}

function countLines(changes: AuditDiff['changes']): readonly string[] {
  const names = Object.keys(CHANGES) as readonly RoleChange[]
  return table(
    names.map(change => [change, figure(changes[change]), CHANGES[change]]),
    [1],
  ).map(indented)
}

function credentialsLines(changes: Readonly<Record<CredentialsChange, number>>): readonly string[] {
  const names = Object.keys(CREDENTIALS_CHANGES) as readonly CredentialsChange[]
  return table(
    names.map(change => [change, figure(changes[change]), CREDENTIALS_CHANGES[change]]),
    [1],
  ).map(indented)
}

function transitionLines<Change extends string, State>(
  { presence, change, before, after, count, users }: DiffTransition<Change, State>,
  show: (state: State) => string,
  paint: Paint,
): readonly string[] {
  const from = before === undefined ? 'not there' : show(before)
  const to = after === undefined ? 'not there' : show(after)
  const color = change === 'allowed-roles' ? paint.dim : paint.yellow
  return [
    color(`${change}${PRESENCES[presence]} (${figure(count)})  ${from} -> ${to}`),
    ...first(users.slice(0, MAX_SHOWN).map(printable), count),
  ]
}

export const PRESENCES: Readonly<Record<Presence, string>> = { both: '', new: ', new users', gone: ', users gone' }

/** What a user gets, in a few words. */
export function outcomeText({ outcome, roleArn }: RoleOutcome): string {
  if (outcome === 'resolved') return printable(roleArn!)
  if (outcome === 'undetermined') return `undetermined (${printable(roleArn!)}, or none)`
  return outcome === 'none' ? 'none' : `none (${outcome})`
}

/** Whose credentials a user gets, in a few words. */
export function credentialsText({ outcome, roleArn, candidates = [] }: UserCredentials): string {
  if (outcome === 'role') return printable(roleArn!)
  if (outcome === 'denied') return 'none (denied)'
  return `undetermined (${candidates.map(one => (one.roleArn === undefined ? 'none' : printable(one.roleArn))).join(', or ')})`
}

export const USER_LISTS = [
  ['newUsers', 'New users'],
  ['goneUsers', 'Users gone'],
  ['enabledUsers', 'Users who were disabled, and are enabled or may be'],
  ['disabledUsers', 'Users who are disabled, and were enabled or may have been'],
  ['regroupedUsers', 'Users for whom only the groups changed'],
] as const

function userBlocks(diff: AuditDiff, paint: Paint): readonly (readonly string[])[] {
  return USER_LISTS.flatMap(([key, title]) => {
    const { count, users, withRole }: NamedUsers & Partial<SignInUsers> = diff[key]
    if (count === 0) return []
    const roles = withRole === undefined ? '' : `, of these with a role: ${figure(withRole)}`
    return [
      [paint.bold(`${title} (${figure(count)})${roles}`), ...first(users.slice(0, MAX_SHOWN).map(printable), count)],
    ]
  })
}

/** A group's precedence and role, in a few words. */
export function groupText({ precedence, roleArn }: Omit<Group, 'groupName'>): string {
  return `precedence ${precedence ?? 'none'}, ${roleArn ? `role ${printable(roleArn)}` : 'no role'}`
}

function groupLines({ groupName, change, before, after }: GroupDiff): readonly string[] {
  const name = `${change.padEnd(7)}  ${printable(groupName)}`
  if (change !== 'changed') return [indented(`${name}: ${groupText(after ?? before!)}`)]
  return [indented(`${name}: ${groupText(before!)} -> ${groupText(after!)}`)]
}

/** What IAM says about a role, in a few words. */
export function roleStateText({ status, trusted, openToOthers, administrator }: RoleState): string {
  return [
    status === 'unknown' ? 'not known whether it exists' : status,
    ...wordsFor(trusted, 'trusts the identity pool', 'does not trust the identity pool', 'trust not known'),
    ...wordsFor(openToOthers, 'open to others', 'not open to others', 'not known whether it is open to others'),
    ...wordsFor(administrator, 'can do everything', 'cannot do everything', 'not known whether it can do everything'),
  ].join(', ')
}

function wordsFor(value: RoleState['trusted'], yes: string, no: string, unknown: string): readonly string[] {
  if (value === undefined) return []
  return [value === 'unknown' ? unknown : value ? yes : no]
}

function roleLine({ roleArn, change, before, after }: RoleDiff): string {
  const states = [before, after].flatMap(state => (state === undefined ? [] : [roleStateText(state)]))
  return indented(`${change.padEnd(7)}  ${printable(roleArn)}: ${states.join(' -> ')}`)
}

function findingLines(findings: readonly FindingDiff[]): readonly string[] {
  if (findings.length === 0) return [indented('no finding is different')]
  return table(
    findings.map(({ concern, change, before, after }) => [
      change,
      CONCERNS[concern].severity,
      `${CONCERNS[concern].title}: ${figure(before)} -> ${figure(after)}`,
    ]),
  ).map(indented)
}
