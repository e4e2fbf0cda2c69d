import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cleanUp } from '../../src/calibrate/index.js'
import { isRolecastError } from '../../src/errors.js'
import type { Fault, FakeServiceOptions } from '../../src/testing/fake-service.js'
import { CREDENTIALS, leftIn, removeFolders, runAgainst, startService } from './service.js'

afterAll(removeFolders)

const FAULTS: Readonly<Record<string, Fault>> = {
  error: { error: 'InternalErrorException', message: 'Something broke', status: 500 },
  throttled: { error: 'TooManyRequestsException', message: 'Rate exceeded' },
  rejected: { error: 'InvalidParameterException', message: 'No' },
  denied: {
    error: 'AccessDeniedException',
    message: 'User: arn:aws:iam::123456789012:user/alice is not authorized to perform: cognito-idp:Something',
  },
  drop: 'drop',
  'lost response': 'lose-response',
  nonsense: { body: '<html>not JSON', status: 200 },
}

/** The operations of an undisturbed run, in their order. */
let operations: readonly string[]
beforeAll(async () => {
  await using service = await startService({ semantics: 'tied-groups-agree' })
  await runAgainst(service)
  operations = service.requests.map(({ operation }) => operation)
})

interface Plan {
  readonly fault: Fault
  /** Whether a call fails, by how many came before it, in the run and its own deletion. */
  readonly isAt: (index: number, operation: string) => boolean
}

/** Runs with a fault, then cleans up if it has to, and says what it all came to. */
async function runWith({ fault, isAt }: Plan, options: FakeServiceOptions = {}) {
  let count = 0
  let isOn = true
  await using service = await startService({
    semantics: 'tied-groups-agree',
    ...options,
    intercept: operation => (isOn && isAt(count++, operation) ? fault : undefined),
  })
  const run = await runAgainst(service)
  isOn = false
  const before = leftIn(service)
  const said = JSON.stringify([run.events, 'outcome' in run ? run.outcome : String(run.error)])
  const ledger = run.files.length === 0 ? undefined : readFileSync(`${run.folder}/run.ledger`, 'utf8')
  if (ledger !== undefined) {
    const cleaned = await cleanUp(`${run.folder}/run.ledger`, {
      endpoint: service.url,
      credentials: CREDENTIALS,
      clock: service.clock,
    })
    expect(cleaned.leftBehind).toEqual([])
  }
  return { run, before, ledger, after: leftIn(service), said }
}

/** What holds whatever fails. */
function check({ run, before, ledger, after, said }: Awaited<ReturnType<typeof runWith>>, at: string): void {
  // What is left behind is in a ledger, and gone once that is cleaned up.
  if (before.length > 0) expect(ledger, at).toBeDefined()
  expect(after, at).toEqual([])
  expect(said, at).not.toContain('123456789012')
  if ('error' in run) {
    expect(isRolecastError(run.error) && run.error.code, at).toBeTruthy()
    return
  }
  const { result, leftBehind } = run.outcome
  expect(leftBehind.length > 0, at).toBe(ledger !== undefined)
  // Never a wrong verdict: what was played, or nothing.
  expect(
    result.rows.filter(({ verdict }) => verdict === 'contradicts'),
    at,
  ).toEqual([])
  for (const { predicted, verdict, reading } of result.rows)
    if (verdict === 'settles') expect([predicted.outcome, reading], at).toEqual(['undetermined', 'tied-groups-agree'])
  expect([undefined, 'tied-groups-agree', 'observed'], at).toContain(result.semantics)
}

/** Each fault at each operation that comes once or twice; of the others, each call has one fault in turn. */
function plansOf(name: string, number: number) {
  const seen = new Map<string, number>()
  return operations.flatMap((operation, index) => {
    const nth = seen.get(operation) ?? 0
    seen.set(operation, nth + 1)
    const isRare = operations.filter(one => one === operation).length <= 2
    const isIts =
      process.env['ROLECAST_ALL_FAULTS'] !== undefined || isRare || nth % Object.keys(FAULTS).length === number
    return isIts ? [{ index, at: `${name} at call ${index}, ${operation}` }] : []
  })
}

describe('whatever fails, everything that is left behind is in a ledger, and no verdict is wrong', () => {
  test.each(Object.entries(FAULTS).map(([name, fault], number) => ({ name, fault, number })))(
    '$name, once',
    { timeout: 1_800_000 },
    async ({ name, fault, number }) => {
      const plans = plansOf(name, number)
      expect(plans.length).toBeGreaterThan(15)
      for (const { index, at } of plans) check(await runWith({ fault, isAt: count => count === index }), at)
    },
  )

  test.each(Object.entries(FAULTS))('%s, from one call on, for ever', { timeout: 600_000 }, async (name, fault) => {
    for (let index = 0; index < operations.length; index += 13)
      check(await runWith({ fault, isAt: count => count >= index }), `${name} from call ${index} on`)
  })

  test.each([...new Set(['CreateUserPool', 'DescribeUserPool', 'DeleteUserPool', 'AdminInitiateAuth', 'CreateGroup'])])(
    '%s always fails',
    { timeout: 600_000 },
    async operation => {
      for (const [name, fault] of Object.entries(FAULTS))
        check(await runWith({ fault, isAt: (_, called) => called === operation }), `${name} at every ${operation}`)
    },
  )
})

describe('a run whose user pool was created, and whose response was lost', () => {
  test('finds it by its name, and deletes it', async () => {
    const { run, before, ledger } = await runWith({
      fault: 'lose-response',
      isAt: (_, one) => one === 'CreateUserPool',
    })
    expect('error' in run && isRolecastError(run.error) && run.error.code).toBe('unreachable')
    expect(before).toEqual([])
    expect(ledger).toBeUndefined()
    expect(run.events.filter(({ event }) => event === 'deleted')).toHaveLength(1)
  })

  test('finds it where lists show it late', async () => {
    let lists = 0
    await using service = await startService({
      semantics: 'observed',
      intercept: operation => {
        if (operation === 'CreateUserPool') return 'lose-response'
        return operation === 'ListUserPools' && lists++ < 2 ? { body: '{"UserPools":[]}', status: 200 } : undefined
      },
    })
    const run = await runAgainst(service)
    expect(lists).toBe(3)
    expect(leftIn(service)).toEqual([])
    expect(run.files).toEqual([])
  })

  test('control: if it were not looked for, it would be left', async () => {
    await using service = await startService({
      semantics: 'observed',
      intercept: operation => {
        if (operation === 'CreateUserPool') return 'lose-response'
        return operation === 'ListUserPools' ? { body: '{"UserPools":[]}', status: 200 } : undefined
      },
    })
    await runAgainst(service)
    expect(service.left().userPools).toHaveLength(1)
  })
})

test('a creation is never sent twice, unless it was rejected', async () => {
  for (const [name, fault] of Object.entries(FAULTS)) {
    let count = 0
    await using service = await startService({
      semantics: 'observed',
      intercept: operation => (operation === 'CreateUserPool' && count++ === 0 ? fault : undefined),
    })
    await runAgainst(service)
    expect(service.requests.filter(({ operation }) => operation === 'CreateUserPool').length, name).toBe(
      name === 'throttled' || name === 'rejected' ? 2 : 1,
    )
  }
})

test('a denied deletion is reported, with the ledger, and can be repeated later', async () => {
  let isDenied = true
  await using service = await startService({
    semantics: 'roles-compete',
    intercept: operation => (isDenied && operation === 'DeleteUserPool' ? FAULTS['denied'] : undefined),
  })
  const run = await runAgainst(service)
  if ('error' in run) throw run.error
  const { leftBehind, ledger, result } = run.outcome
  expect(leftBehind).toMatchObject([{ kind: 'user-pool', id: result.userPoolId, error: { code: 'not-authorized' } }])
  expect(leftBehind[0]!.error.message).toContain('arn:aws:iam::************:user/…')
  expect(run.events.at(-1)).toMatchObject({ event: 'left', id: result.userPoolId })
  expect(service.left().userPools).toHaveLength(1)
  isDenied = false
  const options = { endpoint: service.url, credentials: CREDENTIALS, clock: service.clock }
  expect((await cleanUp(ledger, options)).leftBehind).toEqual([])
  expect(leftIn(service)).toEqual([])
})

test('a pool that is still there after its deletion is not taken for gone', async () => {
  await using service = await startService({
    semantics: 'roles-compete',
    intercept: operation => (operation === 'DeleteUserPool' ? { body: '{}', status: 200 } : undefined),
  })
  const run = await runAgainst(service)
  if ('error' in run) throw run.error
  expect(run.outcome.leftBehind).toMatchObject([{ error: { message: expect.stringContaining('still exists') } }])
  expect(run.files).toEqual(['run.ledger'])
})

test('a failure after which something is left says both', async () => {
  await using service = await startService({
    semantics: 'roles-compete',
    intercept: operation =>
      operation === 'CreateGroup' || operation === 'DeleteUserPool' ? FAULTS['denied'] : undefined,
  })
  const run = await runAgainst(service)
  expect('error' in run && String(run.error)).toMatch(
    /CreateGroup was not allowed.*allow `cognito-idp:CreateGroup` and `iam:PassRole`.*clean up with the ledger `.*run\.ledger`$/,
  )
})
