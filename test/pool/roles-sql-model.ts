import { type ResolveOptions, resolveRoles } from '../../src/claims/resolve.js'
import { isRolecastError } from '../../src/errors.js'
import type { Group } from '../../src/group.js'
import type { Row, Table, Value } from './sql-databases.js'

export interface PoolTables {
  readonly groups: readonly { readonly pool: string | null; readonly group: GroupRow }[]
  readonly memberships: readonly {
    readonly pool: string | null
    readonly username: string | null
    readonly groupName: string | null
  }[]
  /** Undefined: there is no such table. */
  readonly users?: readonly { readonly pool: string | null; readonly username: string | null }[] | undefined
}

export interface GroupRow {
  readonly groupName: string | null
  readonly precedence?: number | null | undefined
  readonly roleArn?: string | null | undefined
}

/** What the columns are named, and their types. */
export interface Layout {
  readonly groups: string
  readonly memberships: string
  readonly users: string
  /** Undefined: the tables are of one pool. */
  readonly userPoolId: string | undefined
  readonly name: string
  readonly precedence: string
  readonly roleArn: string
  readonly username: string
  readonly groupName: string
  readonly text: string
  readonly number: string
}

export const LAYOUT: Layout = {
  groups: '"groups"',
  memberships: '"memberships"',
  users: '"users"',
  userPoolId: '"user_pool_id"',
  name: '"name"',
  precedence: '"precedence"',
  roleArn: '"role_arn"',
  username: '"username"',
  groupName: '"group_name"',
  text: 'varchar',
  number: 'integer',
}

export function tablesOf({ groups, memberships, users }: PoolTables, layout: Layout): readonly Table[] {
  const { userPoolId, text, number } = layout
  const own = userPoolId === undefined ? [] : [`${userPoolId} ${text}`]
  const ofPool = (pool: string | null, row: readonly Value[]) => (userPoolId === undefined ? row : [pool, ...row])
  const tables: Table[] = [
    {
      name: layout.groups,
      columns: [...own, `${layout.name} ${text}`, `${layout.precedence} ${number}`, `${layout.roleArn} ${text}`],
      rows: groups.map(({ pool, group: { groupName, precedence, roleArn } }) =>
        ofPool(pool, [groupName, precedence ?? null, roleArn ?? null]),
      ),
    },
    {
      name: layout.memberships,
      columns: [...own, `${layout.username} ${text}`, `${layout.groupName} ${text}`],
      rows: memberships.map(({ pool, username, groupName }) => ofPool(pool, [username, groupName])),
    },
  ]
  if (users !== undefined)
    tables.push({
      name: layout.users,
      columns: [...own, `${layout.username} ${text}`],
      rows: users.map(({ pool, username }) => ofPool(pool, [username])),
    })
  return tables
}

/** What the query has to answer: by pool and user, what `resolveRoles` answers. */
export function expectedRows(
  { groups, memberships, users = [] }: PoolTables,
  options: ResolveOptions,
): ReadonlyMap<string, Row> {
  const known = new Map<string, GroupRow[]>()
  for (const { pool, group } of groups) {
    const key = JSON.stringify([pool, group.groupName])
    known.set(key, [...(known.get(key) ?? []), group])
  }
  const held = new Map<string, { pool: string | null; username: string | null; names: Set<string | null> }>()
  for (const { pool, username, groupName } of [
    ...users.map(user => ({ ...user, groupName: undefined })),
    ...memberships,
  ]) {
    const key = JSON.stringify([pool, username])
    if (!held.has(key)) held.set(key, { pool, username, names: new Set() })
    if (groupName !== undefined) held.get(key)!.names.add(groupName)
  }
  return new Map<string, Row>(
    [...held].map(([key, { pool, username, names }]) => {
      const found = [...names].map(name =>
        name === null || pool === null ? [] : (known.get(JSON.stringify([pool, name])) ?? []),
      )
      const mine = found.filter(rows => rows.length > 0)
      const counts = {
        unknown_groups: found.length - mine.length,
        invalid_groups: mine.filter(rows => rows.length > 1 || !isUsable(rows[0]!)).length,
      }
      if (username === null || username === '' || pool === null || counts.invalid_groups > 0)
        return [key, { ...INVALID, ...counts }]
      const resolution = resolveRoles(
        mine.map(([row]) => row as Group),
        options,
      )
      return [
        key,
        {
          rule: resolution.rule,
          outcome: resolution.outcome,
          evidence: resolution.evidence,
          preferred_role: resolution.preferredRole ?? null,
          candidate_role: resolution.candidateRole ?? null,
          ...counts,
        },
      ]
    }),
  )
}

const INVALID = {
  rule: 'invalid-input',
  outcome: 'undetermined',
  evidence: 'unknown',
  preferred_role: null,
  candidate_role: null,
}

/** Whether `resolveRoles` accepts it. */
function isUsable(row: GroupRow): boolean {
  try {
    resolveRoles([row as Group])
    return true
  } catch (error) {
    if (!isRolecastError(error)) throw error
    return false
  }
}

/** The same of the rows of a database. A user who comes twice is one too many. */
export function rowsByUser(rows: readonly Row[], pool: string | null): ReadonlyMap<string, Row> {
  const byUser = new Map<string, Row>()
  for (const { user_pool_id = pool, username, unknown_groups, invalid_groups, ...answer } of rows) {
    const key = JSON.stringify([user_pool_id, username])
    if (byUser.has(key)) throw new Error(`${key} has two rows`)
    // DuckDB gives counts as text.
    byUser.set(key, { ...answer, unknown_groups: Number(unknown_groups), invalid_groups: Number(invalid_groups) })
  }
  return byUser
}

/** The first difference in words, or undefined. */
export function difference(actual: ReadonlyMap<string, Row>, expected: ReadonlyMap<string, Row>): string | undefined {
  for (const key of new Set([...expected.keys(), ...actual.keys()])) {
    const [a, e] = [actual.get(key), expected.get(key)].map(row => row && Object.entries(row).toSorted())
    if (JSON.stringify(a) !== JSON.stringify(e)) return `${key}: ${JSON.stringify(a)}, expected ${JSON.stringify(e)}`
  }
  return undefined
}
