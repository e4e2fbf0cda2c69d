import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { leastCpu, type WholeProcess } from './measure.js'
import { poolOf } from './pools.js'

const POOL = poolOf(500)
const USERS = 1_000_000
const ROUNDS = 5
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
export interface AuditCost extends WholeProcess {
  /** The peak memory of the process. */
  readonly megabytes: number
}

/**
 * How much processor time does `rolecast audit pool` take for a million lines, and how much memory? The first row is a process that
 * reads the same lines and parses each as JSON, which is the minimum for a program that reads them this way.
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
    const users = join(folder, 'users.ndjson')
    const from = [BIN, 'audit', 'pool', '--pool-file', pool, '--memberships', users, '--output', join(folder, 'out')]
    const processes = [
      { name: 'read, JSON.parse of each line', args: ['-e', PARSE, users] },
      ...FORMATS.map(format => ({ name: format, args: [...from, '--format', format] })),
    ]
    const results: Record<string, readonly AuditCost[]> = {}
    for (const [kind, lineOf] of Object.entries({
      'groups that other users share': recurring,
      'groups that no other user has': allNew,
    })) {
      await writeUsers(users, lineOf)
      const costs = await leastCpu(processes, { rounds: ROUNDS })
      const rows: AuditCost[] = []
      for (const [index, cost] of costs.entries())
        rows.push({ ...cost, megabytes: await peakOf(processes[index]!.args) })
      results[`audit pool of 1,000,000 lines, ${kind}`] = rows
    }
    return results
  } finally {
    await rm(folder, { recursive: true })
  }
}

const PARSE = `
  let groups = 0
  for (const line of require('node:fs').readFileSync(process.argv[1], 'utf8').split('\\n'))
    if (line !== '') groups += JSON.parse(line).groups.length
  console.log(groups)`

async function writeUsers(path: string, lineOf: (user: number) => string): Promise<void> {
  await using file = await open(path, 'w')
  for (let start = 0; start < USERS; start += 10_000) {
    await file.write(Array.from({ length: 10_000 }, (_, index) => `${lineOf(start + index)}\n`).join(''))
  }
}

/** In MB. */
async function peakOf(args: readonly string[]): Promise<number> {
  const report = 'process.on("exit", () => console.error(`\\n${process.resourceUsage().maxRSS}`))'
  const tell = ['--import', `data:text/javascript,${encodeURIComponent(report)}`]
  const { stderr } = await promisify(execFile)(process.execPath, [...tell, ...args])
  return Math.round(Number(stderr.slice(stderr.trimEnd().lastIndexOf('\n'))) / 1024)
}
