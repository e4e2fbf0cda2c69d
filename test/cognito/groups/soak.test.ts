import { describe, expect, test } from 'vitest'
import { runSoak } from './soak.js'

const seed = Number(process.env.SOAK_SEED ?? Math.floor(Math.random() * 2 ** 31))

describe('a soak of the source', { timeout: 60_000 }, () => {
  test(`every answer is one that the pool gave, the heap is flat, and no rejection is unhandled (seed ${seed})`, async () => {
    const { problems, ...report } = await runSoak({ seconds: 4, seed })
    expect(problems).toEqual([])
    expect(report.answers).toBeGreaterThan(0)
    expect(report.failures, 'control: faults came').toBeGreaterThan(0)
  })

  test.each([
    ['a role that no group has', /g\d+ has arn:aws:iam::111122223333:role\/Never, and not /],
    ['a leak', /^the heap grew/],
    ['an unhandled rejection', /^an unhandled rejection: Error: planted/],
  ] as const)('control: %s is noticed', async (plant, said) => {
    const { problems } = await runSoak({ seconds: 3, seed: 7, plant })
    expect(problems.join('\n')).toMatch(new RegExp(said, 'm'))
  })
})
