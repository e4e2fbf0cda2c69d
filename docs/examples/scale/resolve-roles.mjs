// node resolve-roles.mjs: the audits of $DATA in, groups, memberships, users and roles of all pools as Parquet out. $REGIONS is
// the input of the state machine: a pool of it whose audit is not there, or not whole, makes the exit code 2.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { rolesSql } from 'rolecast'

const data = process.env.DATA
const pools = JSON.parse(process.env.REGIONS).flatMap(region => region.pools.map(({ userPoolId }) => userPoolId))
const duckdb = await (await DuckDBInstance.create()).connect()
const run = sql => duckdb.run(sql)
const rowsOf = async sql => (await duckdb.runAndReadAll(sql)).getRowObjectsJson()
const text = value => `'${value.replaceAll("'", "''")}'`

await run(`create table pools (user_pool_id varchar, path varchar)`)
for (const pool of pools) {
  const path = join(data, 'audits', `${pool}.ndjson`)
  if (existsSync(path)) await run(`insert into pools values (${text(pool)}, ${text(path)})`)
}
const paths = (await rowsOf('select path from pools')).map(({ path }) => text(path))
if (paths.length === 0) throw new Error('no pool was audited')

await run(`create view lines as
  select user_pool_id, line.*
  from read_json([${paths}], format = 'newline_delimited', filename = 'path', maximum_object_size = 67108864, columns = {
    audit: 'struct(reading struct(userPoolId varchar), onlyUsersOf varchar[],
      groups struct(groupName varchar, precedence bigint, roleArn varchar)[])',
    username: 'varchar', groups: 'varchar[]', unknownGroups: 'varchar[]', summary: 'struct(users bigint)' }) as line
  join pools using (path)`)

// A file without its last line is cut off, one of some users only is not the pool, and one of another pool is a mistake.
const whole = await rowsOf(`select user_pool_id from lines group by user_pool_id
  having count(audit) = 1 and count(summary) = 1 and max(summary.users) = count(username)
    and max(audit.reading.userPoolId) = user_pool_id and count(audit.onlyUsersOf) = 0`)
const found = new Set(whole.map(({ user_pool_id }) => user_pool_id))
await run(`delete from pools where not list_contains([${[...found].map(text)}]::varchar[], user_pool_id)`)

await run(`create table groups as
  select user_pool_id, known.groupName as name, known.precedence as precedence, known.roleArn as role_arn
  from (select user_pool_id, unnest(audit.groups) as known from lines where audit is not null)`)
await run(`create table memberships as
  select user_pool_id, username, unnest(list_concat(groups, unknownGroups)) as group_name from lines where username is not null`)
await run(`create table users as select user_pool_id, username from lines where username is not null`)
await run(`create table roles as
  ${rolesSql({ semantics: 'observed', tables: { users: 'users' }, columns: { userPoolId: 'user_pool_id' } })}`)
for (const table of ['groups', 'memberships', 'users', 'roles'])
  await run(`copy ${table} to ${text(join(data, `${table}.parquet`))} (format parquet)`)

console.log(
  JSON.stringify(
    await rowsOf('select outcome, count(*)::integer as users from roles group by outcome order by outcome'),
  ),
)
const missing = pools.filter(pool => !found.has(pool))
for (const pool of missing) console.error(`${pool}: its audit is missing or not whole; it is in no table`)
process.exitCode = missing.length === 0 ? 0 : 2
