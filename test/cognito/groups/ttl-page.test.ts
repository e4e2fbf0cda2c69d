import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createGroupSource } from '../../../src/cognito/index.js'
import { REQUESTS_PER_SECOND } from '../../../src/quotas.js'

const page = readFileSync(new URL('../../../docs/caching.md', import.meta.url), 'utf8')

interface Row {
  readonly seconds: number
  readonly ttl: number
  readonly calls: number
  readonly groups: number
}

const UNITS: Readonly<Record<string, number>> = { second: 1, minute: 60, hour: 3_600 }

/** The rows of the table, as numbers. */
const rows: readonly Row[] = page
  .split('\n## Choose a ttl\n')[1]!
  .split('\n')
  .flatMap(line => {
    const [, count, unit, ttl, calls, groups] =
      /^\| (\d+) (second|minute|hour)[^|]*\| `([\d_]+)` \| (\d+) \| ([\d ]+)(?:,[^|]*)? \|$/.exec(line) ?? []
    if (count === undefined) return []
    const number = (text = '') => Number(text.replaceAll(/[_ ]/g, ''))
    return [{ seconds: Number(count) * UNITS[unit!]!, ttl: number(ttl), calls: number(calls), groups: number(groups) }]
  })

/** The calls of an hour in which a group is looked up each second. */
async function callsInAnHour(ttl: number): Promise<number> {
  let now = 0
  const source = createGroupSource({
    userPoolId: 'eu-west-1_Ab12Cd34e',
    client: { getGroup: async ({ GroupName }) => ({ Group: { GroupName } }) },
    ttl,
    // The rate is counted in real time, and this hour takes less.
    requestsPerSecond: 10_000,
    clock: () => now,
  })
  for (; now < 3_600_000; now += 1_000) await source.lookup(['admins'])
  return source.stats().call
}

describe('the table of docs/caching.md that says what a ttl costs', () => {
  test('has five rows, each with its ttl', () => {
    expect(rows).toHaveLength(5)
    for (const { seconds, ttl } of rows) expect(ttl).toBe(seconds * 1_000)
  })

  test.each(rows)('has the calls of an hour for a ttl of $ttl ms', async ({ ttl, calls }) => {
    expect(await callsInAnHour(ttl)).toBe(calls)
  })

  test('has the groups that the calls of a second keep fresh', () => {
    for (const { seconds, groups } of rows) expect(groups).toBe(REQUESTS_PER_SECOND.GetGroup * seconds)
  })

  test('names the default', () => {
    const row = page.split('\n').find(line => line.startsWith('| 1 minute, the default | `60_000` |'))
    expect(row).toBeDefined()
    expect(page).toContain('| `ttl` | 60 000 ms |')
  })

  test('control: another ttl costs another number of calls', async () => {
    expect(await callsInAnHour(90_000)).not.toBe(rows.find(({ ttl }) => ttl === 60_000)!.calls)
  })
})
