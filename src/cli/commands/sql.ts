import { type Command, Option } from 'commander'
import { isRolecastError, quote, RolecastError } from '../../errors.js'
import { rolesSql, SQL_DIALECTS, type SqlColumns, type SqlDialect } from '../../pool/roles-sql.js'
import { inGroup } from '../option-group.js'
import { addOutputOptions, type OutputOptions } from '../output-option.js'
import { writeOutput } from '../output.js'
import { addSemanticsOptions, readSemantics, type SemanticsCommandOptions } from '../semantics-option.js'
import type { ExitCode, Terminal } from '../terminal.js'

const FORMATS = ['sql'] as const

interface SqlCommandOptions extends SemanticsCommandOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly dialect: SqlDialect
  readonly groupsTable?: readonly string[]
  readonly membershipsTable?: readonly string[]
  readonly usersTable?: readonly string[]
  readonly column?: readonly (readonly [keyof SqlColumns, string])[]
}

/** The columns by their `--column` names, with their names in the library. */
const COLUMNS: Readonly<Record<string, keyof SqlColumns>> = {
  user_pool_id: 'userPoolId',
  name: 'name',
  precedence: 'precedence',
  role_arn: 'roleArn',
  username: 'username',
  group_name: 'groupName',
}

/** What the library calls the options of this command. */
const OPTION_NAMES: readonly (readonly [library: string, commandLine: string])[] = [
  ['`tables.groups`', '--groups-table'],
  ['`tables.memberships`', '--memberships-table'],
  ['`tables.users`', '--users-table'],
  ...Object.entries(COLUMNS).map(([name, key]) => [`\`columns.${key}\``, `--column ${name}`] as const),
]

export function addSqlCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('sql')
    .description('print the rules as one SQL query over groups and memberships that are in a database')
    .addOption(
      new Option(
        '--dialect <name>',
        'the database that the SQL is for; the tests run `portable`, on DuckDB and PostgreSQL',
      )
        .choices(SQL_DIALECTS)
        .default('portable'),
    )
  inGroup(command, 'Tables', () =>
    command
      .option('--groups-table <name>', 'a row for each group: name, precedence, role_arn; default: groups', tableName)
      .option(
        '--memberships-table <name>',
        'a row for each group of each user: username, group_name; default: memberships',
        tableName,
      )
      .option(
        '--users-table <name>',
        'a row for each user: username; without it, users who are in no group are not in the result',
        tableName,
      )
      .option(
        '--column <name=yours>',
        'your name for a column, such as role_arn=RoleArn; give user_pool_id=YOURS if the tables have several pools; repeatable',
        (text: string, before: SqlCommandOptions['column'] = []) => [...before, columnOf(text, before)],
      ),
  )
  addOutputOptions(addSemanticsOptions(command), FORMATS)
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast sql > roles.sql
  $ rolecast sql --dialect athena --groups-table cognito.groups --memberships-table cognito.memberships
  $ rolecast sql --users-table users --column user_pool_id=pool --output roles.sql

A dot in the name of a table separates its schema from its name, unless it is in double quotes: '"a.b".groups'. The command reads no
table and needs no network. The query ends without a semicolon, and has a row for each user: username, rule, outcome,
evidence, preferred_role, candidate_role (never grant it), unknown_groups, invalid_groups.

Exit codes: 0 it ran, 2 it could not run.`,
    )
    .action(async (options: SqlCommandOptions) => {
      const { dialect, groupsTable, membershipsTable, usersTable, column = [], output, calibration } = options
      const choice = await readSemantics(options, terminal.stdin)
      const sql = inOurWords(() =>
        rolesSql({
          ...choice,
          dialect,
          tables: { groups: groupsTable, memberships: membershipsTable, users: usersTable },
          columns: Object.fromEntries(column),
        }),
      )
      await writeOutput({ path: output, terminal, kind: 'data', hasUsers: false, inputs: [calibration] }, sql)
      finish(0)
    })
}

/** `cognito."my.groups"`: the parts of a name, as SQL has them. */
function tableName(text: string): readonly string[] {
  const parts = /^(?:"(?:[^"]|"")+"|[^".]+)(?:\.(?:"(?:[^"]|"")+"|[^".]+))*$/.test(text)
    ? text.match(/"(?:[^"]|"")+"|[^".]+/g)
    : null
  if (parts === null)
    throw new RolecastError(
      'invalid-argument',
      `${quote(text)} is not the name of a table; give one such as groups, cognito.groups or '"my.schema".groups'`,
      { value: text },
    )
  return parts.map(part => (part.startsWith('"') ? part.slice(1, -1).replaceAll('""', '"') : part))
}

function columnOf(
  text: string,
  before: readonly (readonly [keyof SqlColumns, string])[],
): readonly [keyof SqlColumns, string] {
  const at = text.indexOf('=')
  const name = text.slice(0, at)
  if (before.some(([known]) => known === COLUMNS[name]))
    throw new RolecastError('invalid-argument', `--column ${name} is given twice; give it once`, { value: text })
  if (at > 0 && at < text.length - 1 && Object.hasOwn(COLUMNS, name)) return [COLUMNS[name]!, text.slice(at + 1)]
  throw new RolecastError(
    'invalid-argument',
    `${quote(text)} does not rename a column; give NAME=YOURS, with one of ${Object.keys(COLUMNS).join(', ')} as NAME`,
    { value: text },
  )
}

function inOurWords<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!isRolecastError(error)) throw error
    const said = OPTION_NAMES.find(([library]) => error.message.startsWith(library))
    if (said === undefined) throw error
    const [library, commandLine] = said
    throw new RolecastError('invalid-argument', `${commandLine}${error.message.slice(library.length)}`, {
      value: error.value,
      cause: error,
    })
  }
}
