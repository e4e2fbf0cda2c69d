import {
  type ChosenSemantics,
  chooseSemantics,
  type SemanticsChoice,
  type SemanticsOptions,
} from '../claims/choose-semantics.js'
import { type Condition, DECISIONS, type Quantity, type Semantics, type Verdict } from '../claims/decide.js'
import { EVIDENCE_TABLE } from '../claims/evidence.js'
import { describeCalibration } from '../claims/explain.js'
import { quote } from '../errors.js'
import { MAX_PRECEDENCE, UNRANKED } from '../group.js'
import { checkNames, invalidOption, type OptionNames } from '../record.js'

/**
 * Whose SQL it is. `portable` is standard SQL with a collation that DuckDB and PostgreSQL have; the project's tests run
 * it on both. The other dialects were written from their manuals and were not run.
 */
export type SqlDialect = 'portable' | 'athena' | 'spark' | 'snowflake' | 'bigquery'

/** All dialects that `rolesSql` writes. */
export const SQL_DIALECTS: readonly SqlDialect[] = ['portable', 'athena', 'spark', 'snowflake', 'bigquery']

/**
 * A name, taken as it is, dots included. Several are a table with its schema and its database: `['analytics',
 * 'groups']`.
 */
export type SqlTableName = string | readonly string[]

/** The names of the tables that the query reads. */
export interface SqlTables {
  /**
   * A row for each group.
   *
   * @default 'groups'
   */
  readonly groups?: SqlTableName | undefined
  /**
   * A row for each group of each user; a row that comes twice counts once.
   *
   * @default 'memberships'
   */
  readonly memberships?: SqlTableName | undefined
  /**
   * A row for each user, so that users in no group are in the result. Without it they are not.
   *
   * @default none
   */
  readonly users?: SqlTableName | undefined
}

/** The names of the columns that the query reads. */
export interface SqlColumns {
  /**
   * In each of the tables, if they have the rows of several user pools. Without it they are of one pool.
   *
   * @default none
   */
  readonly userPoolId?: string | undefined
  /**
   * In `groups`.
   *
   * @default 'name'
   */
  readonly name?: string | undefined
  /**
   * In `groups`.
   *
   * @default 'precedence'
   */
  readonly precedence?: string | undefined
  /**
   * In `groups`.
   *
   * @default 'role_arn'
   */
  readonly roleArn?: string | undefined
  /**
   * In `memberships` and `users`.
   *
   * @default 'username'
   */
  readonly username?: string | undefined
  /**
   * In `memberships`.
   *
   * @default 'group_name'
   */
  readonly groupName?: string | undefined
}

/** The options of `rolesSql`: the dialect, and the names of your tables and columns. */
export interface RolesSqlOptions extends SemanticsOptions {
  /**
   * The SQL to write.
   *
   * @default 'portable'
   */
  readonly dialect?: SqlDialect | undefined
  /**
   * The names of the tables.
   *
   * @default the defaults of `SqlTables`
   */
  readonly tables?: SqlTables | undefined
  /**
   * The names of the columns.
   *
   * @default the defaults of `SqlColumns`
   */
  readonly columns?: SqlColumns | undefined
}

/**
 * Writes the rules as one SQL query, made from the same tables of rules that `resolveRoles` uses: for pools that are
 * too large for one machine, and for memberships that are already in a database.
 *
 * The query has a row for each user, with the columns `username`, `rule`, `outcome`, `evidence`, `preferred_role`,
 * `candidate_role` (never grant it), `unknown_groups`, how many of the user's groups are not in `groups`, and
 * `invalid_groups`, how many are in it with values that cannot be used: twice, or with a precedence that Cognito does
 * not accept. A user of an unknown group has the result of the other groups. A user of an invalid one, and a row
 * without a username or with an empty one, has the outcome `undetermined` and the rule `invalid-input`, where
 * `resolveRoles` would throw.
 *
 * Names and ARNs are compared by code point, whatever the collation of the columns is. The query does not end with a
 * semicolon, so that it can stand in `create table … as` or in parentheses.
 *
 * @throws RolecastError `invalid-option`
 * @example
 * import { rolesSql } from 'rolecast'
 *
 * const sql = rolesSql({ semantics: 'observed', dialect: 'athena', tables: { groups: ['cognito', 'groups'] } })
 */
export function rolesSql(options: RolesSqlOptions = {}): string {
  checkNames(options, OPTIONS, 'the options', "give an object, like `{ semantics: 'observed' }`")
  const { semantics, calibration, dialect: name = 'portable', tables = {}, columns = {} } = options
  const chosen = chooseSemantics({ semantics, calibration } as SemanticsChoice)
  if (!SQL_DIALECTS.includes(name))
    throw invalidOption(`\`dialect\` is ${quote(name)}; use one of ${SQL_DIALECTS.join(', ')}`, name)
  checkNames(tables, TABLES, '`tables`', 'give an object of names')
  checkNames(columns, COLUMNS, '`columns`', 'give an object of names')
  return writeQuery(chosen, name, readTables(tables, DIALECTS[name]), readColumns(columns, DIALECTS[name]))
}

const OPTIONS: OptionNames<RolesSqlOptions> = {
  semantics: true,
  calibration: true,
  dialect: true,
  tables: true,
  columns: true,
}

const TABLES: OptionNames<SqlTables> = { groups: true, memberships: true, users: true }

const COLUMNS: OptionNames<SqlColumns> = {
  userPoolId: true,
  name: true,
  precedence: true,
  roleArn: true,
  username: true,
  groupName: true,
}

/** What the dialects write differently. */
interface Dialect {
  /** A quoted name, which matches only exactly that name. */
  readonly quoted: (name: string) => string
  /** A name of ours as it is stored where it was created without quotes. */
  readonly unquoted: (name: string) => string
  /** A column as text that is compared by code point. */
  readonly text: (column: string) => string
  readonly double: string
}

const standard = {
  quoted: (name: string) => `"${name.replaceAll('"', '""')}"`,
  unquoted: (name: string) => name,
}

const DIALECTS: Readonly<Record<SqlDialect, Dialect>> = {
  portable: { ...standard, text: column => `cast(${column} as varchar) collate "C"`, double: 'double precision' },
  // https://trino.io/docs/current/language/types.html: it has no collations.
  athena: { ...standard, text: column => `cast(${column} as varchar)`, double: 'double' },
  // https://spark.apache.org/docs/latest/sql-ref-identifier.html; Spark 4 has collations, which bytes do not have.
  spark: {
    quoted: name => `\`${name.replaceAll('`', '``')}\``,
    unquoted: name => name,
    text: column => `cast(cast(cast(${column} as string) as binary) as string)`,
    double: 'double',
  },
  // https://docs.snowflake.com/en/sql-reference/identifiers-syntax and /collation
  snowflake: {
    ...standard,
    unquoted: name => name.toUpperCase(),
    text: column => `collate(cast(${column} as varchar), 'utf8')`,
    double: 'double',
  },
  // https://cloud.google.com/bigquery/docs/reference/standard-sql/lexical: escapes as in strings.
  bigquery: {
    quoted: name => `\`${name.replaceAll('\\', '\\\\').replaceAll('`', '\\`')}\``,
    unquoted: name => name,
    text: column => `collate(cast(${column} as string), '')`,
    double: 'float64',
  },
}

/** Quoted. */
interface QuotedTables {
  readonly groups: string
  readonly memberships: string
  readonly users: string | undefined
}

/** Quoted; `userPoolId` is undefined where there is no such column. */
interface QuotedColumns extends Record<Exclude<keyof SqlColumns, 'userPoolId'>, string> {
  readonly userPoolId: string | undefined
}

/** The query's own names begin with it; a table of such a name would be mistaken for one of them. */
const OWN = 'rolecast_'

function readTables({ groups, memberships, users }: SqlTables, { quoted, unquoted }: Dialect): QuotedTables {
  const read = (table: SqlTableName, option: string) => {
    const parts: readonly unknown[] = typeof table === 'string' ? [table] : Array.isArray(table) ? table : []
    if (parts.length === 0)
      throw invalidOption(`${option} is ${quote(table)}; give a table's name, or its schema and its name`, table)
    const names = parts.map(part => checkName(part, option))
    if (names.length === 1 && names[0]!.toLowerCase().startsWith(OWN))
      throw invalidOption(
        `${option} is ${quote(names[0])}, and the query's own names begin with ${quote(OWN)}; name its schema too, or make a view`,
        table,
      )
    return names.map(quoted).join('.')
  }
  return {
    groups: read(groups ?? unquoted('groups'), '`tables.groups`'),
    memberships: read(memberships ?? unquoted('memberships'), '`tables.memberships`'),
    users: users === undefined ? undefined : read(users, '`tables.users`'),
  }
}

function readColumns(columns: SqlColumns, { quoted, unquoted }: Dialect): QuotedColumns {
  const read = (key: Exclude<keyof SqlColumns, 'userPoolId'>, name: string) =>
    quoted(checkName(columns[key] ?? unquoted(name), `\`columns.${key}\``))
  return {
    userPoolId:
      columns.userPoolId === undefined ? undefined : quoted(checkName(columns.userPoolId, '`columns.userPoolId`')),
    name: read('name', 'name'),
    precedence: read('precedence', 'precedence'),
    roleArn: read('roleArn', 'role_arn'),
    username: read('username', 'username'),
    groupName: read('groupName', 'group_name'),
  }
}

function checkName(name: unknown, option: string): string {
  if (typeof name === 'string' && name !== '' && !/\p{Cc}/u.test(name)) return name
  throw invalidOption(`${option} is ${quote(name)}; give a name without control characters`, name)
}

/** The query's names for the numbers of a standing. */
const QUANTITIES: Readonly<Record<Quantity, string>> = {
  groups: 'known_groups',
  withRole: 'with_role',
  best: 'best_rank',
  tied: 'tied',
  conflict: 'conflict',
  tiedWithoutRole: 'tied_without_role',
  'tied + tiedWithoutRole': 'tied + tied_without_role',
  numberedWithoutRole: 'numbered_without_role',
}

function writeQuery(
  chosen: ChosenSemantics,
  dialect: SqlDialect,
  tables: QuotedTables,
  columns: QuotedColumns,
): string {
  const { text, double } = DIALECTS[dialect]
  const { userPoolId } = columns
  // Where the tables are of several pools, the pool's id is part of each key.
  const isOfMany = userPoolId !== undefined
  const readPool = isOfMany ? `${text(userPoolId)} as user_pool_id, ` : ''
  const pool = (table = '') => (isOfMany ? `${table}user_pool_id, ` : '')
  const samePool = isOfMany ? ' and known.user_pool_id = member.user_pool_id' : ''
  // Nothing is known about rows that cannot be used: they have no role, and do not count as clean.
  const unusable = `${isOfMany ? 'user_pool_id is null or ' : ''}username is null or username = '' or invalid_groups > 0`
  const observed =
    chosen.calibration === undefined
      ? ''
      : `,
    ${verdictOf('observed', 'outcome', unusable)} as observed_outcome`
  const readUsers =
    tables.users === undefined
      ? ''
      : `
  union all
  select ${readPool}${text(columns.username)}, null, null, null, 0, 0
  from ${tables.users}`
  // No select list names a column like one that it reads: some databases would take the name for the new column.
  return `${headOf(chosen, dialect)}with rolecast_groups as (
  select ${pool()}group_name, min(given_role) as role_arn,
    coalesce(min(given_rank), case when min(given_role) is not null then ${UNRANKED} end) as group_rank,
    case when count(*) = 1 and min(group_name) <> '' and (max(no_precedence) = 1 or (min(given_rank) >= 0
      and min(given_rank) <= ${MAX_PRECEDENCE} and min(given_rank) = floor(min(given_rank)))) then 0 else 1 end as invalid
  from (
    select ${readPool}${text(columns.name)} as group_name,
      nullif(${text(columns.roleArn)}, '') as given_role,
      cast(${columns.precedence} as ${double}) as given_rank,
      case when ${columns.precedence} is null then 1 else 0 end as no_precedence
    from ${tables.groups}
  ) as given
  group by ${pool()}group_name
),
rolecast_memberships as (
  select distinct ${readPool}${text(columns.username)} as username, ${text(columns.groupName)} as group_name
  from ${tables.memberships}
),
rolecast_held as (
  select ${pool('member.')}member.username, known.group_name, known.group_rank, known.role_arn, known.invalid,
    case when known.group_name is null then 1 else 0 end as not_found
  from rolecast_memberships as member
  left join rolecast_groups as known on known.group_name = member.group_name${samePool}${readUsers}
),
rolecast_ranked as (
  select ${pool()}username, group_name, group_rank, role_arn, invalid, not_found,
    min(case when role_arn is not null then group_rank end) over (partition by ${pool()}username) as lowest_rank
  from rolecast_held
),
rolecast_standing as (
  select ${pool()}username,
    count(group_name) as known_groups,
    count(role_arn) as with_role,
    min(lowest_rank) as best_rank,
    count(case when group_rank = lowest_rank and role_arn is not null then 1 end) as tied,
    case when min(case when group_rank = lowest_rank then role_arn end)
      <> max(case when group_rank = lowest_rank then role_arn end) then 1 else 0 end as conflict,
    count(case when group_rank = lowest_rank and role_arn is null then 1 end) as tied_without_role,
    case when count(group_rank) > count(role_arn) then 1 else 0 end as numbered_without_role,
    min(case when group_rank = lowest_rank then role_arn end) as best_role,
    sum(not_found) as unknown_groups,
    coalesce(sum(invalid), 0) as invalid_groups
  from rolecast_ranked
  group by ${pool()}username
),
rolecast_verdicts as (
  select rolecast_standing.*,
    ${verdictOf(chosen.semantics, 'rule', unusable)} as rule,
    ${verdictOf(chosen.semantics, 'outcome', unusable)} as outcome${observed}
  from rolecast_standing
)
select
    ${pool()}username, rule, outcome,
    ${evidenceOf(chosen, unusable)} as evidence,
    case when outcome = 'resolved' then best_role end as preferred_role,
    case when outcome = 'undetermined' and rule <> '${INVALID_INPUT}' then best_role end as candidate_role,
    unknown_groups, invalid_groups
from rolecast_verdicts
`
}

/** In place of a rule: values that `resolveRoles` throws for. */
const INVALID_INPUT = 'invalid-input'

function headOf({ semantics, calibration }: ChosenSemantics, dialect: SqlDialect): string {
  const why = calibration === undefined ? '' : `, ${describeCalibration(calibration)}`
  return `-- rolecast: the role that an ID token of Amazon Cognito prefers, by user. Grant no candidate_role.
-- semantics: ${semantics}${why}; dialect: ${dialect}
`
}

function verdictOf(semantics: Semantics, part: keyof Verdict, unusable: string): string {
  return caseOf([
    { when: unusable, is: part === 'rule' ? INVALID_INPUT : 'undetermined' },
    ...DECISIONS[semantics].map(({ when, verdict }) => ({ when: conditionOf(when), is: verdict[part] })),
  ])
}

/** What `evidenceFor` says. */
function evidenceOf({ semantics, calibration }: ChosenSemantics, unusable: string): string {
  const rows: Row[] = [{ when: unusable, is: 'unknown' }]
  if (calibration !== undefined) rows.push({ when: 'outcome <> observed_outcome', is: 'calibrated' })
  else if (semantics === 'documented') rows.push({ when: 'with_role > 0', is: 'documented' })
  for (const rule of new Set(DECISIONS[semantics].map(({ verdict }) => verdict.rule))) {
    for (const { when, evidence } of EVIDENCE_TABLE[rule])
      rows.push({ when: [`rule = '${rule}'`, conditionOf(when)].filter(Boolean).join(' and '), is: evidence })
  }
  return caseOf(rows)
}

function conditionOf(condition: Condition | undefined): string | undefined {
  if (condition === undefined) return undefined
  const [quantity, is, than] = condition
  return `${QUANTITIES[quantity]} ${is} ${than}`
}

interface Row {
  /** Absent in the last one, which is for everything else. */
  readonly when?: string | undefined
  readonly is: string
}

function caseOf(rows: readonly Row[]): string {
  const lines = rows.map(({ when, is }) => (when === undefined ? `else '${is}'` : `when ${when} then '${is}'`))
  return ['case', ...lines.map(line => `  ${line}`), 'end'].join('\n    ')
}
