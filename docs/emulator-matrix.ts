/**
 * How far each emulator is from Cognito, from what `npm run emulators` recorded of it: the generated part of docs/emulators.md.
 */
import type { CalibrationResult } from '../src/calibrate/index.js'
import { groupOf, PLACEHOLDER_ACCOUNT, type Row, ROWS } from '../src/calibrate/user-pool-rows.js'
import type { CalibrationGroup, CarriedRoleClaims } from '../src/claims/calibration.js'
import { accessTokenClaims, type Resolution, resolveRoles } from '../src/claims/resolve.js'

/** What was recorded of an emulator: `test/fixtures/emulators/NAME.json`. */
export interface EmulatorRecord {
  readonly emulator: string
  readonly version: string
  readonly url: string
  /** Of the run, as `2026-11-29`. */
  readonly date: string
  /** How it was started, as a sentence. */
  readonly started: string
  readonly rows: readonly RecordedRow[]
}

export type RecordedRow =
  | { readonly id: string; readonly idToken: CarriedRoleClaims; readonly accessToken: CarriedRoleClaims }
  /** No token of this user could be read. */
  | { readonly id: string; readonly why: string }

/** The part of a run that is recorded. Lists are sorted, because their order means nothing. */
export function recordedRows({ rows, tokens }: Pick<CalibrationResult, 'rows' | 'tokens'>): readonly RecordedRow[] {
  return rows.map(({ id, why }) => {
    const token = tokens.find(one => one.id === id)
    if (token === undefined) return { id, why: why ?? 'no token was read' }
    return { id, idToken: sorted(token.idToken), accessToken: sorted(token.accessToken) }
  })
}

function sorted(claims: CarriedRoleClaims): CarriedRoleClaims {
  return {
    'cognito:groups': claims['cognito:groups']?.toSorted() ?? null,
    'cognito:roles': claims['cognito:roles']?.toSorted() ?? null,
    'cognito:preferred_role': claims['cognito:preferred_role'],
  }
}

/** A way to differ from Cognito, and what that does to tests. */
interface DeviationKind {
  readonly title: string
  readonly effect: string
}

const DEVIATIONS = {
  'no-role-claims': {
    title: 'It issues no role claims',
    effect:
      'A test that a user is denied passes, although Cognito gives that user a role. A test that a user gets a role can only pass with a stub of the claims, and the stub repeats your own assumption.',
  },
  'prefers-unranked': {
    title: 'It prefers the role of a group without a precedence',
    effect: 'A test passes in which the user gets the preferred role. In Cognito the token has no preferred role.',
  },
  'prefers-where-none': {
    title: 'It prefers a role where Cognito prefers none',
    effect: 'A test passes in which the user gets that role. In Cognito the token has no preferred role.',
  },
  'prefers-none': {
    title: 'It prefers no role where Cognito prefers one',
    effect: 'A test that the user is denied passes, although Cognito gives the role.',
  },
  'prefers-another': {
    title: 'It prefers another role than Cognito',
    effect: 'Tests pass with permissions that the user does not get from Cognito.',
  },
  'repeats-role': {
    title: 'It lists a role once for each group that has it',
    effect:
      'A test that expects one entry in `cognito:roles` for one role fails, although Cognito lists each role once. Code that picks a role by its position finds another one.',
  },
  'lacks-roles': {
    title: 'It leaves roles out of `cognito:roles`',
    effect: 'Code that lets a user choose a role offers fewer roles in tests than in Cognito.',
  },
  'adds-roles': {
    title: 'It has roles in `cognito:roles` that no group of the user has',
    effect: 'A test passes in which the user chooses a role that Cognito does not offer.',
  },
  'empty-claim': {
    title: 'It writes an empty claim where Cognito leaves the claim out',
    effect: 'Code that expects the claim passes its tests, and fails in Cognito, where it is `undefined`.',
  },
  'other-access-token': {
    title: 'Its access tokens have other role claims than those of Cognito, which have none',
    effect: 'Code that reads roles from an access token passes its tests, and finds none in Cognito.',
  },
  'other-groups': {
    title: 'Its `cognito:groups` is not the list of the groups of the user',
    effect: 'Tests of group membership do not say what Cognito does.',
  },
  'not-read': {
    title: 'No token could be read',
    effect: 'Nothing is known about these cases.',
  },
} as const satisfies Readonly<Record<string, DeviationKind>>

export type Deviation = keyof typeof DEVIATIONS

/** How the tokens of one user differ from those that Cognito issues. Where rolecast forecasts two, either is none. */
export function deviationsOf(
  groups: readonly CalibrationGroup[],
  recorded: RecordedRow | undefined,
): readonly Deviation[] {
  if (recorded === undefined || 'why' in recorded) return ['not-read']
  const forecast = resolveRoles(groups)
  const { idToken, accessToken } = recorded
  const found = new Set<Deviation>()
  const access = accessTokenClaims(forecast)['cognito:groups']
  for (const carried of [idToken['cognito:groups'], accessToken['cognito:groups']]) {
    if (carried?.length === 0) found.add('empty-claim')
    else if (!isSameList(access ?? [], carried ?? [])) found.add('other-groups')
  }
  if (accessToken['cognito:roles'] !== null || accessToken['cognito:preferred_role'] !== null)
    found.add('other-access-token')
  const roles = idToken['cognito:roles']
  if (roles === null && idToken['cognito:preferred_role'] === null && forecast.roles.length > 0)
    found.add('no-role-claims')
  else {
    for (const kind of roleDeviations(forecast.roles, roles)) found.add(kind)
    const kind = preferenceDeviation(forecast, groups, idToken['cognito:preferred_role'])
    if (kind !== undefined) found.add(kind)
  }
  return [...found]
}

function isSameList(expected: readonly string[], carried: readonly string[]): boolean {
  return expected.toSorted().join('\n') === carried.toSorted().join('\n')
}

function roleDeviations(expected: readonly string[], carried: readonly string[] | null): readonly Deviation[] {
  const roles = carried ?? []
  const found: Deviation[] = []
  if (carried?.length === 0) found.push('empty-claim')
  if (new Set(roles).size < roles.length) found.push('repeats-role')
  if (expected.some(role => !roles.includes(role))) found.push('lacks-roles')
  if (roles.some(role => !expected.includes(role))) found.push('adds-roles')
  return found
}

function preferenceDeviation(
  { preferredRole, candidateRole }: Resolution,
  groups: readonly CalibrationGroup[],
  carried: string | null,
): Deviation | undefined {
  if (carried === (preferredRole ?? null) || (candidateRole !== undefined && carried === candidateRole))
    return undefined
  if (carried === '') return 'empty-claim'
  if (carried === null) return 'prefers-none'
  if (preferredRole !== undefined || candidateRole !== undefined) return 'prefers-another'
  const isRanked = groups.some(({ roleArn, precedence }) => roleArn === carried && precedence !== null)
  return isRanked ? 'prefers-where-none' : 'prefers-unranked'
}

const PLACE = { partition: 'aws', account: PLACEHOLDER_ACCOUNT }
const groupsOf = ({ members }: Row) => members.map(name => groupOf(name, PLACE))
const short = (roleArn: string) => roleArn.replace(/^.*\/(?:rolecast-calibrate-)?/, '')
const recordOf = (record: EmulatorRecord, { id }: Row) => record.rows.find(row => row.id === id)

/** The matrix, and below it the deviations of each emulator. */
export function emulatorsMarkdown(records: readonly EmulatorRecord[]): string {
  return [
    '## Case by case',
    '`10 alpha` is a group with the precedence 10 and the role `alpha`. The column of Cognito has what `resolveRoles` predicts. A dash means that the emulator does the same.',
    matrix(records),
    '## Emulator by emulator',
    ...records.flatMap(section),
  ].join('\n\n')
}

function matrix(records: readonly EmulatorRecord[]): string {
  const head = ['Case', "The user's groups", 'Cognito', ...records.map(({ emulator }) => emulator)]
  const rows = ROWS.toSorted((a, b) => caseNumber(a.row) - caseNumber(b.row)).map(row => [
    row.row,
    groupsOf(row).map(groupText).join(', ') || 'no group',
    forecastText(resolveRoles(groupsOf(row))),
    ...records.map(record => cell(row, recordOf(record, row))),
  ])
  return [head, head.map(() => '---'), ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** `12c` is a case of 12. */
const caseNumber = (row: string) => parseInt(row, 10)

function groupText({ precedence, roleArn }: CalibrationGroup): string {
  return `\`${precedence ?? 'none'} ${roleArn === null ? 'none' : short(roleArn)}\``
}

function forecastText(forecast: Resolution): string {
  if (forecast.roles.length === 0) return 'neither claim'
  const { preferredRole, candidateRole } = forecast
  const preferred = candidateRole === undefined ? undefined : `${short(candidateRole)} or no role (undetermined)`
  return claimsText(forecast.roles, preferred ?? (preferredRole === undefined ? 'no role' : short(preferredRole)))
}

function claimsText(roles: readonly string[], preferred: string): string {
  return `roles ${roles.map(short).join(', ')}; prefers ${preferred}`
}

function cell(row: Row, recorded: RecordedRow | undefined): string {
  if (recorded === undefined || 'why' in recorded) return 'not read'
  const { idToken } = recorded
  const groups = groupsOf(row)
  const preferred = idToken['cognito:preferred_role']
  const isUndetermined = resolveRoles(groups).outcome === 'undetermined'
  const deviations = deviationsOf(groups, recorded)
  if (deviations.length === 0 && !isUndetermined) return '-'
  if (deviations.includes('no-role-claims')) return 'neither claim'
  return claimsText(idToken['cognito:roles'] ?? [], preferred === null ? 'no role' : short(preferred))
}

function section(record: EmulatorRecord): readonly string[] {
  const byKind = new Map<Deviation, Row[]>()
  for (const row of ROWS)
    for (const kind of deviationsOf(groupsOf(row), recordOf(record, row)))
      byKind.set(kind, [...(byKind.get(kind) ?? []), row])
  const lines = (Object.keys(DEVIATIONS) as Deviation[]).flatMap(kind => {
    const rows = byKind.get(kind)
    if (rows === undefined) return []
    const { title, effect } = DEVIATIONS[kind]
    return [`- **${title}** (${casesText(rows)}). ${effect}`]
  })
  return [
    `### ${record.emulator}`,
    `[${record.emulator}](${record.url}), ${record.version}, recorded on ${record.date}. ${record.started}`,
    lines.length === 0 ? 'No deviation.' : lines.join('\n'),
  ]
}

function casesText(rows: readonly Row[]): string {
  const cases = [...new Set(rows.map(({ row }) => row))].toSorted((a, b) => caseNumber(a) - caseNumber(b))
  return `${cases.length === 1 ? 'Case' : 'Cases'} ${cases.join(', ')}`
}
