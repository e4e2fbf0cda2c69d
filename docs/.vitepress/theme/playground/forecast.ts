import {
  accessTokenClaims,
  explain,
  type Explanation,
  type Group,
  isGroupName,
  MAX_PRECEDENCE,
  type Resolution,
  resolveRoles,
  type RoleClaims,
  type Semantics,
  SEMANTICS,
} from '../../../../src/index.js'
import { SEMANTICS_TEXTS } from '../../../../src/claims/rule-texts.js'
import { quote } from '../../../../src/errors.js'
import { rankOf, UNRANKED } from '../../../../src/group.js'
import { listedGroupFault } from '../../../../src/listed-group.js'
import { attempt, faulty, type Result } from './fault.js'
import type { GroupRow } from './state.js'

/** What the tokens of a user say, with all that explains it. */
export interface Forecast {
  readonly resolution: Resolution
  readonly explanation: Explanation
  readonly ladder: readonly LadderLevel[]
  readonly tokens: readonly TokenClaimsView[]
  readonly readings: readonly ReadingView[]
}

/** The user's groups of one rank. */
export interface LadderLevel {
  /** "Precedence 0", "No precedence" */
  readonly title: string
  readonly groups: readonly LadderGroup[]
}

export interface LadderGroup {
  readonly name: string
  /** `''`: none. */
  readonly roleArn: string
  /** Whether the outcome depends on it. */
  readonly decides: boolean
  /** What it does, in words. */
  readonly part: string
}

export interface TokenClaimsView {
  readonly title: string
  readonly claims: readonly ClaimView[]
}

export interface ClaimView {
  readonly name: string
  /** Empty: the claim is absent. */
  readonly values: readonly string[]
  /** Why it is absent, where that is to be said. */
  readonly absent: string
}

/** What one reading of the rules gives. */
export interface ReadingView {
  readonly semantics: Semantics
  readonly says: string
  readonly known: string
  readonly outcome: Resolution['outcome']
  readonly rule: Resolution['rule']
  readonly preferredRole: string | undefined
  readonly candidateRole: string | undefined
  /** Whether outcome or preferred role are others than in the reading that is chosen. */
  readonly differs: boolean
}

/** What is wrong with a row, and in which field. */
export interface RowFault {
  readonly field: 'name' | 'precedence' | 'roleArn'
  /** A sentence. */
  readonly says: string
}

/** The first fault of each row. Undefined: it has none. */
export function rowFaults(rows: readonly GroupRow[]): readonly (RowFault | undefined)[] {
  const counts = new Map<string, number>()
  for (const { name } of rows) counts.set(name, (counts.get(name) ?? 0) + 1)
  return rows.map(row => nameFault(row, counts) ?? precedenceFault(row) ?? roleFault(row))
}

function nameFault({ name }: GroupRow, counts: ReadonlyMap<string, number>): RowFault | undefined {
  if (name === '') return { field: 'name', says: 'Enter a name.' }
  if (!isGroupName(name)) {
    const says = `Cognito accepts no group named ${quote(name)}: a name has 1 to 128 letters, marks, symbols, digits or punctuation characters, and no white space.`
    return { field: 'name', says }
  }
  if (counts.get(name) === 1) return undefined
  return { field: 'name', says: `Another group is also named ${quote(name)}, and a user pool has each name once.` }
}

function precedenceFault(row: GroupRow): RowFault | undefined {
  if (row.precedence?.trim() === '')
    return { field: 'precedence', says: `Enter an integer from 0 to ${MAX_PRECEDENCE}, or tick “No precedence”.` }
  const fault = listedGroupFault({ GroupName: row.name, Precedence: toPrecedence(row) })
  return fault === undefined ? undefined : { field: 'precedence', says: `The group has ${fault}.` }
}

function roleFault({ name, roleArn }: GroupRow): RowFault | undefined {
  const fault = listedGroupFault({ GroupName: name, RoleArn: roleArn })
  return fault === undefined ? undefined : { field: 'roleArn', says: `The group has ${fault}.` }
}

/** The user's groups for `resolveRoles`, in the order of the rows. What is no number stays a text, which is then rejected. */
export function memberGroups(rows: readonly GroupRow[]): readonly Group[] {
  return rows.filter(({ isMember }) => isMember).map(toGroup)
}

function toGroup(row: GroupRow): Group {
  const precedence = toPrecedence(row) as number | undefined
  return {
    groupName: row.name,
    ...(precedence !== undefined && { precedence }),
    ...(row.roleArn !== '' && { roleArn: row.roleArn }),
  }
}

function toPrecedence({ precedence }: GroupRow): number | string | undefined {
  if (precedence === null) return undefined
  const text = precedence.trim()
  return /^-?\d+$/.test(text) ? Number(text) : text
}

/** Forecasts the tokens. A row of the user that Cognito cannot have gives no forecast: it would be of another pool. */
export function forecast(rows: readonly GroupRow[], semantics: Semantics): Result<Forecast> {
  const faults = rowFaults(rows)
  const wrong = rows.flatMap(({ isMember }, index) => (isMember && faults[index] !== undefined ? [index + 1] : []))
  if (wrong.length > 0) return faulty(`There is no forecast yet; correct group ${wrong.join(', ')}.`)
  return attempt(() => {
    const groups = memberGroups(rows)
    const resolution = resolveRoles(groups, { semantics })
    return {
      resolution,
      explanation: explain(resolution),
      ladder: ladderOf(groups, resolution),
      tokens: [
        { title: 'ID token', claims: claimsOf(resolution.claims, resolution) },
        { title: 'Access token', claims: claimsOf(accessTokenClaims(resolution), undefined) },
      ],
      readings: SEMANTICS.map(one => readingOf(resolveRoles(groups, { semantics: one }), one, resolution)),
    }
  })
}

function ladderOf(groups: readonly Group[], resolution: Resolution): readonly LadderLevel[] {
  const levels = new Map<number, Group[]>()
  for (const group of groups.toSorted((a, b) => rankOf(a) - rankOf(b))) {
    const level = levels.get(rankOf(group))
    if (level === undefined) levels.set(rankOf(group), [group])
    else level.push(group)
  }
  const deciding = new Set(resolution.determiningGroups)
  return [...levels].map(([rank, its]) => ({
    title: rank === UNRANKED ? 'No precedence' : `Precedence ${rank}`,
    groups: its.map(({ groupName, roleArn }) => ({
      name: groupName,
      roleArn: roleArn ?? '',
      decides: deciding.has(groupName),
      part: deciding.has(groupName) ? partOf(resolution) : roleArn ? 'does not decide' : 'does not decide: no role',
    })),
  }))
}

/** What the groups that decide do. */
function partOf({ outcome, rule }: Resolution): string {
  switch (outcome) {
    case 'resolved':
      return rule === 'shared-role' ? 'wins: tied, with one role' : 'wins: its role is preferred'
    case 'ambiguous':
      return 'ties: the roles differ'
    case 'undetermined':
      return 'ties: not documented'
    case 'none':
      return rule === 'no-precedence' ? 'has a role that is never preferred' : 'ties: no role is preferred'
  }
}

const CLAIMS = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const

/** @param resolution undefined for an access token */
function claimsOf(claims: RoleClaims, resolution: Resolution | undefined): readonly ClaimView[] {
  return CLAIMS.map(name => {
    const value = claims[name]
    const values = value === undefined ? [] : typeof value === 'string' ? [value] : value
    if (resolution === undefined && name !== 'cognito:groups')
      return { name, values, absent: 'absent: an access token never has it' }
    const isOpen = name === 'cognito:preferred_role' && resolution?.outcome === 'undetermined'
    return { name, values, absent: isOpen ? `undetermined: absent, or ${quote(resolution.candidateRole)}` : 'absent' }
  })
}

function readingOf(resolution: Resolution, semantics: Semantics, chosen: Resolution): ReadingView {
  const { outcome, rule, preferredRole, candidateRole } = resolution
  const { says, known } = SEMANTICS_TEXTS[semantics]
  const differs = outcome !== chosen.outcome || preferredRole !== chosen.preferredRole
  return { semantics, says, known, outcome, rule, preferredRole, candidateRole, differs }
}

const OUTCOMES: Readonly<Record<Resolution['outcome'], string>> = {
  resolved: 'Resolved: one role is preferred',
  none: 'None: no role is preferred',
  ambiguous: 'Ambiguous: different roles tie, and none is preferred',
  undetermined: 'Undetermined: do not grant access based on it',
}

export function outcomeText(outcome: Resolution['outcome']): string {
  return OUTCOMES[outcome]
}
