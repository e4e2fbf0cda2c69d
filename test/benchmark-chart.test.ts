import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

const run = promisify(execFile)
const root = fileURLToPath(new URL('..', import.meta.url))
const page = await readFile(join(root, 'docs/benchmarks.md'), 'utf8')
const chart = await readFile(join(root, 'docs/benchmarks.svg'), 'utf8')

let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-chart-'))
})

afterAll(() => rm(folder, { recursive: true, force: true }))

async function drawn(text: string): Promise<string> {
  const file = join(folder, 'benchmarks.md')
  await writeFile(file, text)
  const { stdout } = await run(process.execPath, ['--import', 'tsx', 'bench/chart.ts', file], { cwd: root })
  return stdout
}

test('the chart is drawn from the numbers of its page', async () => {
  expect(await drawn(page)).toBe(chart)
})

test('control: another number gives another chart, and a row that cannot be read is an error', async () => {
  const other = page.replace('1505.5 ms     16.25x', '2505.5 ms     26.25x')
  expect(other).not.toBe(page)
  expect(await drawn(other)).toContain('26x (2.51 s)')
  await expect(drawn(page.replace('1505.5 ms     16.25x', 'about 1505.5 ms'))).rejects.toThrow(/not a row of a record/)
})

test('its numbers can be read: thousands have commas, and times have the unit that fits', () => {
  const texts = [...chart.matchAll(/<(?:text|desc)\b[^>]*>([^<]*)</g)].map(([, text]) => text!)
  expect(texts).toEqual(expect.arrayContaining(['10,000,000 memberships of 2,000,000 users: time', '411x (221 µs)']))
  expect(texts).toContain('How many times longer than rolecast; for memory, how many times more')
  expect(texts.filter(text => /\d{4}/.test(text))).toEqual([])
})
