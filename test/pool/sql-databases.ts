import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync } from 'node:fs'
import { chmod, chown, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { DuckDBInstance } from '@duckdb/node-api'

export type Value = string | number | null

export interface Table {
  /** As it stands in `create table`. */
  readonly name: string
  /** Each with its type, as they stand in `create table`. */
  readonly columns: readonly string[]
  readonly rows: readonly (readonly Value[])[]
}

export type Row = Readonly<Record<string, Value>>

export interface SqlDatabase {
  /** Makes these tables, in place of those of the last call, and gives back the rows of each query. */
  ask(tables: readonly Table[], queries: readonly string[]): Promise<readonly (readonly Row[])[]>
  /** A collation that takes `A` for `a`. */
  readonly ignoringCase: string
  stop(): Promise<void>
}

export async function openDuckDb(): Promise<SqlDatabase> {
  const instance = await DuckDBInstance.create()
  const duckdb = await instance.connect()
  return {
    ignoringCase: 'collate nocase',
    async ask(tables, queries) {
      for (const { name, columns, rows } of tables) {
        await duckdb.run(`create or replace table ${name} (${columns.join(', ')})`)
        const appender = await duckdb.createAppender(name.replace(/^"(.*)"$/s, '$1').replaceAll('""', '"'))
        for (const row of rows) {
          for (const value of row) {
            if (value === null) appender.appendNull()
            else if (typeof value === 'number') appender.appendDouble(value)
            else appender.appendVarchar(value)
          }
          appender.endRow()
        }
        appender.closeSync()
      }
      const answers: (readonly Row[])[] = []
      for (const query of queries) {
        const rows = (await duckdb.runAndReadAll(query)).getRowObjectsJson()
        answers.push(rows as readonly Row[])
      }
      for (const { name } of tables) await duckdb.run(`drop table ${name}`)
      return answers
    },
    async stop() {
      duckdb.closeSync()
      instance.closeSync()
    },
  }
}

/** The folder of PostgreSQL's programs: Debian has the server's beside no others. Undefined: it is not installed. */
export function postgresPrograms(): string | undefined {
  const debian = '/usr/lib/postgresql'
  const versions = existsSync(debian) ? readdirSync(debian).toSorted((a, b) => Number(b) - Number(a)) : []
  const folders = [...versions.map(version => join(debian, version, 'bin')), ...(process.env['PATH'] ?? '').split(':')]
  return folders.find(folder => existsSync(join(folder, 'initdb')) && existsSync(join(folder, 'postgres')))
}

/** Whom the server runs as: it refuses to run as root. */
function owner(): { readonly uid: number; readonly gid: number } | Record<never, never> {
  if (process.getuid?.() !== 0) return {}
  for (const user of ['postgres', 'nobody']) {
    const { status, stdout } = spawnSync('id', ['-u', user], { encoding: 'utf8' })
    if (status !== 0) continue
    return { uid: Number(stdout), gid: Number(execFileSync('id', ['-g', user], { encoding: 'utf8' })) }
  }
  throw new Error('neither a user `postgres` nor a user `nobody`')
}

/** A server of its own, in a folder of its own, on a socket in there. */
export async function startPostgres(): Promise<SqlDatabase> {
  const programs = postgresPrograms()
  if (programs === undefined) throw new Error('PostgreSQL is not installed; install the package postgresql')
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-pg-'))
  const user = owner()
  if ('uid' in user) await chown(folder, user.uid, user.gid)
  await chmod(folder, 0o700)
  const options = { ...user, cwd: folder, env: { PATH: process.env['PATH'] } }
  const data = join(folder, 'data')
  execFileSync(
    join(programs, 'initdb'),
    [
      '--pgdata',
      data,
      '--username',
      'rolecast',
      '--auth',
      'trust',
      '--encoding',
      'UTF8',
      '--locale',
      'C.UTF-8',
      '--no-sync',
    ],
    // What a program that fails says is in the error.
    { ...options, stdio: 'pipe' },
  )
  const server = spawn(
    join(programs, 'postgres'),
    ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', 'fsync=off', '-c', 'full_page_writes=off'],
    { ...options, stdio: 'ignore' },
  )
  const connection = ['-h', folder, '-U', 'rolecast', '-d', 'postgres']
  while (spawnSync(join(programs, 'pg_isready'), connection, options).status !== 0) {
    if (server.exitCode !== null) throw new Error('postgres ended at once')
    await new Promise(resolve => void setTimeout(resolve, 20))
  }

  async function psql(script: Iterable<string>): Promise<string> {
    const client = spawn(join(programs!, 'psql'), [...connection, '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', '-'], {
      ...options,
      stdio: 'pipe',
      env: { ...options.env, PGCLIENTENCODING: 'UTF8' },
    })
    const outputs = Promise.all([text(client.stdout), text(client.stderr), once(client, 'close')])
    client.stdin.on('error', () => {})
    for (const part of script) client.stdin.write(part)
    client.stdin.end()
    const [out, error] = await outputs
    if (client.exitCode !== 0) throw new Error(error)
    return out
  }
  await psql([`create collation ignoring_case (provider = icu, locale = 'und-u-ks-level2', deterministic = false);\n`])

  return {
    ignoringCase: 'collate ignoring_case',
    async ask(tables, queries) {
      const out = await psql(script(tables, queries))
      return out
        .split('\n')
        .slice(0, -1)
        .map(line => JSON.parse(Buffer.from(line, 'hex').toString('utf8')) as readonly Row[])
    },
    async stop() {
      const ended = once(server, 'exit')
      server.kill('SIGINT')
      await ended
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function* script(tables: readonly Table[], queries: readonly string[]): Generator<string> {
  for (const { name, columns, rows } of tables) {
    yield `create temporary table ${name} (${columns.join(', ')});\ncopy ${name} from stdin;\n`
    for (const row of rows) yield `${row.map(field).join('\t')}\n`
    yield '\\.\n'
  }
  // JSON in bytes: psql leaves out what it cannot show, such as U+10FFFF.
  for (const query of queries)
    yield `select encode(convert_to(coalesce(json_agg(answer)::text, '[]'), 'UTF8'), 'hex') from (${query}) as answer;\n`
}

/** As `copy` reads it. */
function field(value: Value): string {
  if (value === null) return '\\N'
  return String(value).replace(
    /[\\\b\f\n\r\t\v]/g,
    character => `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
