import { execFile } from 'node:child_process'
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { readMemberships } from '../src/cli/memberships-file.js'
import { compilePool } from '../src/pool.js'
import { ndjsonLine } from '../src/report/audit-lines.js'
import { compare, type Measured } from './measure.js'
import { poolOf } from './pools.js'

const POOL = poolOf(500)
const LINES_PER_BLOCK = 5_000
const BLOCKS = 40

/** Some three groups each, spread over the pool; one number, one set. */
function setOf(number: number): readonly string[] {
  const [first, second, third] = [number % 500, Math.floor(number / 500) % 500, Math.floor(number / 250_000) % 500]
  return [...new Set([first, (first + 1 + second) % 500, (first + second + 7 + third) % 500])].map(index => POOL[index]!.groupName)
}

const userLine = (user: number, set: number) => JSON.stringify({ username: `user-${user}@example.com`, groups: setOf(set) })

/** Few sets are frequent, and most are rare: the n-th is about 1/n as frequent as the first. */
const recurring = (user: number) => userLine(user, Math.floor(2_000 ** (((user * 7919) % 10_007) / 10_007)))
const allNew = (user: number) => userLine(user, user)

/** How long does a line of an offline audit take, from its bytes to its answer as NDJSON, against JSON.parse of the same lines? */
export async function benchAudit(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  return {
    'a line of an audit, groups that others have too': await benchLines(recurring),
    'a line of an audit, groups that nobody else has': await benchLines(allNew),
  }
}

async function benchLines(lineOf: (user: number) => string): Promise<readonly Measured[]> {
  const pool = compilePool(POOL)
  const blocks = Array.from({ length: BLOCKS }, (_block, block) => {
    const lines = Array.from({ length: LINES_PER_BLOCK }, (_line, line) => lineOf(block * LINES_PER_BLOCK + line))
    return { lines, bytes: Buffer.from(lines.map(line => `${line}\n`).join('')) }
  })
  // The next block each time, so that a group set is new where it should be.
  let turn = 0
  const nextBlock = () => blocks[turn++ % BLOCKS]!

  const measured = await compare([
    {
      name: 'JSON.parse',
      run(times) {
        let last: unknown
        for (let index = 0; index < times; index++) for (const line of nextBlock().lines) last = JSON.parse(line)
        return last
      },
    },
    {
      name: 'read, resolve, write',
      async run(times) {
        let written = 0
        for (let index = 0; index < times; index++) {
          for await (const users of readMemberships('-', Readable.from([nextBlock().bytes]))) {
            written += users.map(({ username, groups }) => ndjsonLine({ username, resolution: pool.resolve(groups) })).join('').length
          }
        }
        return written
      },
    },
  ])
  return measured.map(({ nanoseconds, ...rest }) => ({ ...rest, nanoseconds: nanoseconds / LINES_PER_BLOCK }))
}

/** What memory does an offline audit of a million users take at its peak, in megabytes, by format? */
export async function benchAuditMemory(bin = fileURLToPath(new URL('../dist/cli/bin.js', import.meta.url))): Promise<Readonly<Record<string, number>>> {
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-bench-'))
  try {
    const pool = join(folder, 'pool.json')
    const Groups = POOL.map(({ groupName, precedence, roleArn }) => ({ GroupName: groupName, Precedence: precedence, RoleArn: roleArn }))
    await writeFile(pool, JSON.stringify({ Groups }))
    const results: Record<string, number> = {}
    for (const [kind, lineOf] of Object.entries({ recurring, 'all new': allNew })) {
      const users = join(folder, `${kind}.ndjson`)
      await writeUsers(users, lineOf)
      for (const format of ['text', 'json', 'ndjson', 'csv', 'html']) {
        results[`${format}, ${kind}`] = await peakOf([bin, 'audit', 'pool', '--pool-file', pool, '--memberships', users, '--format', format, '--output', join(folder, 'out')])
      }
    }
    return results
  } finally {
    await rm(folder, { recursive: true })
  }
}

const USERS = 1_000_000

async function writeUsers(path: string, lineOf: (user: number) => string): Promise<void> {
  await using file = await open(path, 'w')
  for (let start = 0; start < USERS; start += 10_000) {
    await file.write(Array.from({ length: 10_000 }, (_, index) => `${lineOf(start + index)}\n`).join(''))
  }
}

async function peakOf(command: readonly string[]): Promise<number> {
  const report = 'process.on("exit", () => console.error(process.resourceUsage().maxRSS))'
  const { stderr } = await promisify(execFile)(process.execPath, ['--import', `data:text/javascript,${encodeURIComponent(report)}`, ...command])
  return Math.round(Number(stderr.trim()) / 1024)
}
