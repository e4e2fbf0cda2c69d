import { DuckDBInstance } from '@duckdb/node-api'
import { compilePool, NO_ROLE, OUTCOMES, rolesSql } from '../dist/index.js'
import { compareOnce, type Measured } from './measure.js'
import { poolOf } from './pools.js'

const MEMBERSHIPS = 1_000_000
const USERS = 200_000
const ROUNDS = 7

/**
 * A million memberships that are rows of names in DuckDB: the query, and `resolveMany`, alone and with what docs/bulk.md does
 * around it, which is to make numbers of names in DuckDB and columns of its rows. All of them keep their results in memory.
 */
export async function benchSql(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const groups = poolOf(500)
  const pool = compilePool(groups)
  const instance = await DuckDBInstance.create()
  const duckdb = await instance.connect()
  await duckdb.run('create table groups (name varchar, precedence integer, role_arn varchar)')
  const appender = await duckdb.createAppender('groups')
  for (const { groupName, precedence, roleArn } of groups) {
    appender.appendVarchar(groupName)
    if (precedence == null) appender.appendNull()
    else appender.appendInteger(precedence)
    if (roleArn) appender.appendVarchar(roleArn)
    else appender.appendNull()
    appender.endRow()
  }
  appender.closeSync()
  await duckdb.run(`create table memberships as
    select 'user-' || (hash(i) % ${USERS}) as username, name as group_name
    from range(${MEMBERSHIPS}) as rows (i)
    join (select row_number() over () - 1 as id, name from groups) as numbered on id = hash(i + 1) % ${groups.length}`)

  const sql = rolesSql({ semantics: 'observed' })
  const query = async () => {
    await duckdb.run(`create or replace table roles as ${sql}`)
  }

  /** The program of docs/bulk.md, without writing its result back. */
  async function columns() {
    await duckdb.run(`create or replace table users as
      select row_number() over () - 1 as id, username from (select distinct username from memberships)`)
    await duckdb.run(`create or replace table members as select users.id::uinteger as user_id, numbered.id as group_id
      from memberships join users using (username)
      join (select (row_number() over () - 1)::usmallint as id, name from groups) as numbered on name = group_name`)
    const counts = await duckdb.runAndReadAll(
      'select (select count(*) from users)::integer, (select count(*) from members)::integer',
    )
    const [[users, total]] = counts.getRows() as [[number, number]]
    const offsets = new Uint32Array(users + 1)
    const groupIds = new Uint16Array(total)
    const rows = await duckdb.stream('select user_id, group_id from members order by user_id')
    let at = 0
    for (let chunk = await rows.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await rows.fetchChunk()) {
      for (const user of chunk.getColumnValues(0) as number[]) offsets[user + 1]!++
      for (const group of chunk.getColumnValues(1) as number[]) groupIds[at++] = group
    }
    for (let user = 0; user < users; user++) offsets[user + 1]! += offsets[user]!
    return { offsets, groupIds }
  }
  const made = await columns()

  await query()
  await checkSame()
  const measured = await compareOnce(
    [
      { name: 'resolveMany of columns', run: () => pool.resolveMany(made) },
      { name: 'rows to columns, resolveMany', run: async () => pool.resolveMany(await columns()) },
      { name: 'rolesSql', run: query },
    ],
    ROUNDS,
    MEMBERSHIPS,
  )
  duckdb.closeSync()
  instance.closeSync()
  return { [`${MEMBERSHIPS} memberships of ${USERS} users in DuckDB: of a membership`]: measured }

  /** Both have to find the same; otherwise they cannot be compared. */
  async function checkSame() {
    const { outcomes, preferredRoleIds } = pool.resolveMany(made)
    const found = new Map<string, number>()
    for (const [user, outcome] of outcomes.entries()) {
      const id = preferredRoleIds[user]!
      const role = id === NO_ROLE ? '' : pool.roles[id]!
      const key = `${OUTCOMES[outcome]} ${role}`
      found.set(key, (found.get(key) ?? 0) + 1)
    }
    const rows = await duckdb.runAndReadAll(
      `select outcome || ' ' || coalesce(preferred_role, candidate_role, ''), count(*)::integer from roles group by 1`,
    )
    const counted = rows.getRows() as unknown as (readonly [string, number])[]
    const isSame = counted.length === found.size && counted.every(([key, count]) => found.get(key) === count)
    if (!isSame) throw new Error('the query and resolveMany differ')
  }
}
