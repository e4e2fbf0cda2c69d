import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { median } from './measure.js'
import { poolOf } from './pools.js'

const POOL = poolOf(500)
const USERS = 1_000_000
const ROUNDS = 3
const FORMATS = ['text', 'json', 'ndjson', 'csv', 'html']
const BIN = fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url))

/** Some three groups each, spread over the pool; one number, one set. */
function setOf(number: number): readonly string[] {
  const [first, second, third] = [number % 500, Math.floor(number / 500) % 500, Math.floor(number / 250_000) % 500]
  return [...new Set([first, (first + 1 + second) % 500, (first + second + 7 + third) % 500])].map(
    index => POOL[index]!.groupName,
  )
}

const userLine = (user: number, set: number) =>
  JSON.stringify({ username: `user-${user}@example.com`, groups: setOf(set) })

/** Few sets are frequent, and most are rare: the n-th is about 1/n as frequent as the first. */
const recurring = (user: number) => userLine(user, Math.floor(2_000 ** (((user * 7919) % 10_007) / 10_007)))
const allNew = (user: number) => userLine(user, user)

/** What an offline audit of a million users takes, by format. */
export interface AuditCost {
  readonly name: string
  /** Of the whole process but for its start, the median of the rounds. */
  readonly seconds: number
  /** Against `JSON.parse` of the same lines, which is what a program takes at least that reads them so. */
  readonly ratio: number
  /** The most memory of the process. */
  readonly megabytes: number
}

/**
 * How long does `rolecast audit pool` take for a million lines, and how much memory, against JSON.parse of the same lines?
 * Whole processes, in turns.
 */
export async function benchAudit(): Promise<Readonly<Record<string, readonly AuditCost[]>>> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-bench-'))
  try {
    const pool = join(folder, 'pool.json')
    const Groups = POOL.map(({ groupName, precedence, roleArn }) => ({
      GroupName: groupName,
      Precedence: precedence,
      RoleArn: roleArn,
    }))
    await writeFile(pool, JSON.stringify({ Groups }))
    const empty = join(folder, 'empty.ndjson')
    await writeFile(empty, '')
    const results: Record<string, readonly AuditCost[]> = {}
    for (const [kind, lineOf] of Object.entries({
      'groups that others have too': recurring,
      'groups that nobody else has': allNew,
    })) {
      const users = join(folder, 'users.ndjson')
      await writeUsers(users, lineOf)
      const audit = (format: string, memberships: string) =>
        runOnce([
          BIN,
          'audit',
          'pool',
          '--pool-file',
          pool,
          '--memberships',
          memberships,
          '--format',
          format,
          '--output',
          join(folder, 'out'),
        ])
      const samples = FORMATS.map(() => ({ seconds: [] as number[], ratios: [] as number[], peaks: [] as number[] }))
      for (let round = 0; round < ROUNDS; round++) {
        const parse = await parseSeconds(users)
        for (const [index, format] of FORMATS.entries()) {
          const [start, whole] = [await audit(format, empty), await audit(format, users)]
          const { seconds, ratios, peaks } = samples[index]!
          seconds.push(whole.seconds - start.seconds)
          ratios.push((whole.seconds - start.seconds) / parse)
          peaks.push(whole.megabytes)
        }
      }
      results[`audit pool of 1,000,000 lines, ${kind}`] = samples.map(({ seconds, ratios, peaks }, index) => ({
        name: FORMATS[index]!,
        seconds: median(seconds),
        ratio: median(ratios),
        megabytes: Math.max(...peaks),
      }))
    }
    return results
  } finally {
    await rm(folder, { recursive: true })
  }
}

async function writeUsers(path: string, lineOf: (user: number) => string): Promise<void> {
  await using file = await open(path, 'w')
  for (let start = 0; start < USERS; start += 10_000) {
    await file.write(Array.from({ length: 10_000 }, (_, index) => `${lineOf(start + index)}\n`).join(''))
  }
}

async function runOnce(command: readonly string[]): Promise<{ readonly seconds: number; readonly megabytes: number }> {
  const report = 'process.on("exit", () => console.error(process.resourceUsage().maxRSS))'
  const start = performance.now()
  const { stderr } = await promisify(execFile)(process.execPath, [
    '--import',
    `data:text/javascript,${encodeURIComponent(report)}`,
    ...command,
  ])
  return { seconds: (performance.now() - start) / 1000, megabytes: Math.round(Number(stderr.trim()) / 1024) }
}

/** Of all lines, without reading them, in a process of its own as the audit is. */
async function parseSeconds(path: string): Promise<number> {
  const code = `
    const lines = require('node:fs').readFileSync(process.argv[1], 'utf8').split('\\n').slice(0, -1)
    const start = performance.now()
    let groups = 0
    for (const line of lines) groups += JSON.parse(line).groups.length
    console.log((performance.now() - start) / 1000, groups)`
  const { stdout } = await promisify(execFile)(process.execPath, ['-e', code, path])
  return Number(stdout.split(' ')[0])
}
