import { load } from './load.js'
import { createChecksum, GROUP_AT_SQL, GROUPS_OF_A_USER } from './memberships.js'
import { GROUP_ROWS, SQL } from './bulk-sql.js'
import { takeTurns } from './turns.js'

interface Chunk {
  readonly rowCount: number
  getColumnValues(index: number): readonly number[]
}

interface DuckDB {
  readonly DuckDBInstance: {
    create(path: string): Promise<{
      connect(): Promise<{
        run(sql: string): Promise<unknown>
        stream(sql: string): Promise<{ fetchChunk(): Promise<Chunk | null> }>
      }>
    }>
  }
}

await takeTurns(async users => {
  const { DuckDBInstance } = (await load<DuckDB>('@duckdb/node-api'))!
  const duckdb = await (await DuckDBInstance.create(':memory:')).connect()
  await duckdb.run('set preserve_insertion_order = false')
  await duckdb.run(`create table memberships as
    select (place // ${GROUPS_OF_A_USER})::uinteger as user_id, (${GROUP_AT_SQL})::usmallint as group_id
    from (select range::ubigint as place from range(${users * GROUPS_OF_A_USER}))`)
  await duckdb.run('create table groups (group_id usmallint, precedence integer, role_id smallint)')
  await duckdb.run(`insert into groups values ${GROUP_ROWS}`)
  return {
    run: () => duckdb.run(`create or replace table answer as ${SQL}`),
    async checksum() {
      const checksum = createChecksum()
      const rows = await duckdb.stream('select outcome::integer, role_id::integer from answer order by user_id')
      for (let chunk = await rows.fetchChunk(); chunk !== null && chunk.rowCount > 0; chunk = await rows.fetchChunk()) {
        const roleIds = chunk.getColumnValues(1)
        for (const [row, outcome] of chunk.getColumnValues(0).entries()) checksum.add(outcome, roleIds[row]!)
      }
      return checksum.value()
    },
  }
})
