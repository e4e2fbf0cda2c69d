import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resolveRoles } from '../../src/claims/resolve.js'
import { fencesOf } from '../run-page.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'a,"b"', precedence: 5, roleArn: role('Editor') },
  { groupName: 'staff', precedence: 5, roleArn: role('Staff') },
  { groupName: 'vip', precedence: 0 },
  { groupName: 'late', roleArn: role('Late') },
]
const USERS = [
  { username: 'resolved', groups: ['admins', 'staff'] },
  { username: 'ambiguous', groups: ['a,"b"', 'staff', 'gone'] },
  { username: 'undetermined', groups: ['vip', 'admins'] },
  { username: 'unranked', groups: ['late', 'gone'] },
  { username: 'shared', groups: ['staff', 'late', 'staff'] },
]

/** What `resolveRoles` says of each user: the outcome, the preferred role and the candidate. */
const expected = USERS.map(({ username, groups }) => {
  const {
    outcome,
    preferredRole = null,
    candidateRole = null,
  } = resolveRoles(groups.flatMap(name => GROUPS.find(({ groupName }) => groupName === name) ?? []))
  return { username, outcome, preferredRole, candidateRole }
})

let folder: string
let ndjson: string
let duckdb: string
let main: string
let worker: string

beforeAll(async () => {
  const cache = join(root, 'node_modules/.cache')
  await mkdir(cache, { recursive: true })
  folder = await mkdtemp(join(cache, 'bulk-'))
  await build({
    entryPoints: [join(root, 'src/index.ts')],
    outfile: join(folder, 'rolecast.mjs'),
    bundle: true,
    format: 'esm',
    platform: 'node',
    logLevel: 'silent',
  })
  const codes = await fencesOf('bulk.md', 'js')
  const [, ...rest] = codes
  expect(rest).toHaveLength(4)
  ;[ndjson, duckdb, main, worker] = rest as [string, string, string, string]
})

afterAll(() => rm(folder, { recursive: true, force: true }))

/** Writes a module into the folder, which imports rolecast as it is in `src`. */
const writeModule = (name: string, code: string) =>
  writeFile(join(folder, name), code.replace("from 'rolecast'", "from './rolecast.mjs'"))

/** Runs a module in the folder, and returns what it prints. */
async function run(name: string, code: string): Promise<string> {
  await writeModule(name, code)
  return (await promisify(execFile)(process.execPath, ['--no-warnings', name], { cwd: folder })).stdout
}

/** Prints the columns of some results, one after the other, as rows like those expected. */
const printed = (results: string) => `
console.log(JSON.stringify(${results}.flatMap(({ outcomes, preferredRoleIds }) =>
  Array.from(outcomes, (outcome, user) => [OUTCOMES[outcome], pool.roles[preferredRoleIds[user]] ?? null]))))`
const pairs = expected.map(({ outcome, preferredRole, candidateRole }) => [outcome, preferredRole ?? candidateRole])
const head = `
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { compilePool, OUTCOMES } from 'rolecast'
const groups = ${JSON.stringify(GROUPS)}
const pool = compilePool(groups)
`

describe('docs/bulk.md', () => {
  test('its users have every outcome that needs a group', () => {
    expect(new Set(expected.map(({ outcome }) => outcome))).toEqual(
      new Set(['resolved', 'ambiguous', 'undetermined', 'none']),
    )
  })

  test('the part that reads NDJSON gives what resolveRoles gives, in one thread and in two', async () => {
    await writeFile(join(folder, 'members.ndjson'), USERS.map(user => `${JSON.stringify(user)}\n`).join(''))
    expect(JSON.parse(await run('ndjson.mjs', `${head}${ndjson}${printed('[result]')}`))).toEqual(pairs)

    const columns = `
const members = ${JSON.stringify(USERS)}.map(user =>
  user.groups.flatMap(name => pool.groupId(name) ?? []))
const groupIds = Uint16Array.from(members.flat())
const offsets = Uint32Array.from([0, ...members.map((_, user) => members.slice(0, user + 1).flat().length)])
`
    await writeModule('worker.mjs', worker)
    expect(JSON.parse(await run('main.mjs', `${head}${columns}${main}${printed('results')}`))).toEqual(pairs)
  })

  test('the program for DuckDB gives what resolveRoles gives, and a candidate in its own column', async () => {
    await writeFile(join(folder, 'groups.json'), JSON.stringify(GROUPS))
    const field = (value: string) => `"${value.replaceAll('"', '""')}"`
    const rows = USERS.flatMap(({ username, groups }) => groups.map(name => `${username},${field(name)}`))
    await writeFile(join(folder, 'members.csv'), `username,group_name\n${rows.join('\n')}\n`)
    const connection = await (await DuckDBInstance.create()).connect()
    try {
      await connection.run(`copy (from '${join(folder, 'members.csv')}') to '${join(folder, 'members.parquet')}'`)
      await run('roles.mjs', duckdb)
      const read = await connection.runAndReadAll(
        `select username, outcome, preferred_role, candidate_role from '${join(folder, 'roles.parquet')}' order by username`,
      )
      const byName = expected.toSorted((a, b) => (a.username < b.username ? -1 : 1))
      expect(read.getRowsJson()).toEqual(
        byName.map(({ username, outcome, preferredRole, candidateRole }) => [
          username,
          outcome,
          preferredRole,
          candidateRole,
        ]),
      )
      const planted = duckdb.replace('then role_names.name end as candidate_role', 'then null end as candidate_role')
      expect(planted, 'control').not.toBe(duckdb)
      await run('roles.mjs', planted)
      const wrong = await connection.runAndReadAll(
        `select candidate_role from '${join(folder, 'roles.parquet')}' where candidate_role is not null`,
      )
      expect(wrong.getRowsJson(), 'control').toEqual([])
    } finally {
      connection.closeSync()
    }
  })
})
