import { describe, expect, it, test } from 'vitest'
import { createRole, probeIdentityPool } from '../../src/calibrate/identity-pool-probes.js'
import { TAG_KEY } from '../../src/calibrate/ledger.js'
import { probePreToken } from '../../src/calibrate/pre-token-probes.js'
import { isRolecastError } from '../../src/errors.js'
import type { Fault } from '../../src/testing/fake-service.js'
import { ACCOUNT } from './fake-aws.js'
import { type FakeRun, startFakeRun } from './fake-run.js'
import { DOCUMENTED_TRIGGER, playTrigger } from './fake-trigger.js'

const RUNS = {
  'an identity pool': async ({ run, createPool }: FakeRun) => void (await probeIdentityPool(run, await createPool())),
  'a trigger': async ({ run }: FakeRun) => void (await probePreToken(run, { partition: 'aws', account: ACCOUNT })),
}

type Name = keyof typeof RUNS

/** Of a call by its number, from the first on. */
type FaultAt = (index: number) => Fault | undefined

/** Runs until the call with this number, which is interrupted, and gives the fake with what is left. */
async function runUntil(name: Name, last: number, faultAt: FaultAt = () => undefined): Promise<FakeRun> {
  const fake: FakeRun = await startFakeRun({
    applyTrigger: playTrigger(DOCUMENTED_TRIGGER),
    roleShownAfter: 3_000,
    fault: (_, index) => {
      if (index === last) fake.interrupt()
      return faultAt(index)
    },
  })
  await RUNS[name](fake).catch((error: unknown) => {
    if (!isRolecastError(error)) throw error
  })
  return fake
}

/** The calls that create what a run makes, and some of those after. */
const CREATING = Array.from({ length: 12 }, (_, index) => index)

const FAULTS: readonly (readonly [string, Fault, readonly number[]])[] = [
  ['a response that is lost', 'lose-response', [...CREATING, 30, 60]],
  ['a connection that breaks', 'drop', [...CREATING, 40]],
  ['a server that fails', { error: 'InternalFailure', status: 500 }, [...CREATING, 50]],
  ['a call that is denied', { error: 'AccessDeniedException', status: 403 }, CREATING],
  ['a call that is rejected', { error: 'InvalidParameterException' }, CREATING],
  ['a call that is throttled', { error: 'TooManyRequestsException', status: 429 }, CREATING],
  ['a response that is nonsense', { body: '<html>not JSON', status: 200 }, CREATING],
]

describe.each(Object.keys(RUNS) as Name[])('whatever happens to %s', name => {
  test.each(FAULTS)('%s leaves nothing behind, and neither does the interrupt after it', async (_, fault, calls) => {
    for (const at of calls) {
      await using fake = await runUntil(name, at + 1, index => (index === at ? fault : undefined))
      const before = fake.aws.left()
      expect(await fake.cleanUp(), `call ${at}`).toEqual([])
      expect(fake.aws.left(), `call ${at}`).toEqual([])
      // Control: there was something to delete.
      if (at > 3) expect(before).not.toEqual([])
    }
  })

  test('a fault in any call of the clean-up is reported, and a second clean-up leaves nothing', async () => {
    await using whole = await runUntil(name, 20)
    const start = whole.aws.calls.length
    await whole.cleanUp()
    const count = whole.aws.calls.length - start
    expect(count).toBeGreaterThan(5)
    let faulty = 0
    for (let at = 0; at < count; at++) {
      await using fake = await runUntil(name, 20, index =>
        index === start + at ? { error: 'AccessDeniedException', status: 403 } : undefined,
      )
      const left = await fake.cleanUp()
      if (left.length === 0) expect(fake.aws.left(), `call ${at}`).toEqual([])
      faulty += left.length
      expect(await fake.cleanUp()).toEqual([])
      expect(fake.aws.left(), `call ${at}`).toEqual([])
    }
    // Control: faults are met.
    expect(faulty).toBeGreaterThan(5)
  })
})

describe('what is not of the run', () => {
  it('is not deleted, even where the ledger names it', async () => {
    await using fake = await startFakeRun()
    const { run, aws } = fake
    const name = `rolecast-calibrate-${run.runId}-alpha`
    aws.addRole(name, { [TAG_KEY]: '0123456789abcdef' })
    await run.ledger.creating('role', name)
    const [left, ...others] = await fake.cleanUp()
    expect(others).toEqual([])
    expect(left!.error.message).toContain('was not created by this run')
    expect(aws.left()).toEqual([`role ${name}`])
  })

  it('with the tag is deleted', async () => {
    await using fake = await startFakeRun()
    await createRole(fake.run, { suffix: 'alpha', trust: '{"Statement":[]}', about: 'Of a test' })
    expect(fake.aws.left()).toHaveLength(1)
    expect(await fake.cleanUp()).toEqual([])
    expect(fake.aws.left()).toEqual([])
  })
})
