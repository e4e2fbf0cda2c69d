import { type Answers, compared } from './compared.js'
import { load } from './load.js'
import { GROUPS_OF_A_USER } from './memberships.js'
import { inTurns } from './turns.js'

interface Candidate {
  readonly name: string
  /** In this folder. */
  readonly file: string
}

const ROLECAST = { name: 'resolveMany', file: 'bulk-rolecast.ts' }
const DUCKDB = [{ name: 'DuckDB', file: 'bulk-duckdb.ts' }]
const SQLITE = [{ name: 'SQLite', file: 'bulk-sqlite.ts' }]

/** What do all users of a pool take, in time and in memory, against a database that has the same memberships in its own tables? */
export async function benchBulk(small: boolean): Promise<Answers> {
  const duckdb = (await load('@duckdb/node-api')) ? DUCKDB : []
  const sqlite = (await load('better-sqlite3')) ? SQLITE : []
  if (small) return benchUsers(20_000, 3, [ROLECAST, ...duckdb, ...sqlite])
  return {
    ...(await benchUsers(2_000_000, 7, [ROLECAST, ...duckdb, ...sqlite])),
    // To fill SQLite with ten million users takes longer than all the rest.
    ...(await benchUsers(10_000_000, 5, [ROLECAST, ...duckdb])),
  }
}

async function benchUsers(users: number, rounds: number, candidates: readonly Candidate[]): Promise<Answers> {
  const turns = await inTurns(
    candidates.map(({ file }) => file),
    users,
    rounds,
  )
  for (const [index, { checksum }] of turns.entries()) {
    if (checksum !== turns[0]!.checksum) throw new Error(`${candidates[index]!.name} and ${candidates[0]!.name} differ`)
  }
  const what = `${users * GROUPS_OF_A_USER} memberships of ${users} users`
  const byName = (roundsOf: (index: number) => readonly number[]) =>
    Object.fromEntries(candidates.map(({ name }, index) => [name, roundsOf(index)]))
  return {
    [`${what}: time`]: compared(
      'ms',
      byName(index => turns[index]!.times),
    ),
    [`${what}: the most memory of the process`]: compared(
      'MB',
      byName(index => [turns[index]!.megabytes]),
    ),
  }
}
