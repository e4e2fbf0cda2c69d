import { load } from './load.js'
import { createChecksum, GROUPS_OF_A_USER, membershipsOf } from './memberships.js'
import { GROUP_ROWS, SQL } from './bulk-sql.js'
import { takeTurns } from './turns.js'

interface Statement {
  run(...values: readonly number[]): unknown
  iterate(): Iterable<{ readonly outcome: number; readonly role_id: number }>
}

interface Sqlite {
  readonly default: new (path: string) => { exec(sql: string): unknown; prepare(sql: string): Statement }
}

await takeTurns(async users => {
  const { default: Database } = (await load<Sqlite>('better-sqlite3'))!
  const sqlite = new Database(':memory:')
  sqlite.exec(
    'create table memberships (user_id integer, group_id integer, primary key (user_id, group_id)) without rowid; begin',
  )
  const insert = sqlite.prepare('insert or ignore into memberships values (?, ?)')
  const { groupIds } = membershipsOf(users)
  for (let place = 0; place < groupIds.length; place++)
    insert.run(Math.floor(place / GROUPS_OF_A_USER), groupIds[place]!)
  sqlite.exec('commit; create table groups (group_id integer primary key, precedence integer, role_id integer)')
  sqlite.exec(`insert into groups values ${GROUP_ROWS}`)
  return {
    run() {
      sqlite.exec(`drop table if exists answer; create table answer as ${SQL}`)
    },
    checksum() {
      const checksum = createChecksum()
      const rows = sqlite.prepare('select outcome, role_id from answer order by user_id').iterate()
      for (const { outcome, role_id } of rows) checksum.add(outcome, role_id)
      return checksum.value()
    },
  }
})
