import { CreateUserPoolCommand } from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, describe, expect, test } from 'vitest'
import { createRole } from '../../src/calibrate/identity-pool-probes.js'
import { createLedger, type ResourceKind } from '../../src/calibrate/ledger.js'
import type { Operation } from '../../src/calibrate/operations.js'
import { probePreToken } from '../../src/calibrate/pre-token-probes.js'
import { anything, createResource, deleteAll } from '../../src/calibrate/resources.js'
import { createSession, type Run } from '../../src/calibrate/session.js'
import type { Fault } from '../../src/testing/fake-service.js'
import { clientOf } from '../testing/sdk-client.js'
import { ACCOUNT, startFakeAws } from './fake-aws.js'
import { type FakeRun, startFakeRun } from './fake-run.js'
import { CREDENTIALS, leftIn, newFolder, removeFolders, runAgainst, startService } from './service.js'

afterAll(removeFolders)

const CREATIONS: readonly (readonly [ResourceKind, Operation, object])[] = [
  ['user-pool', 'CreateUserPool', { PoolName: 'x' }],
  ['identity-pool', 'CreateIdentityPool', { IdentityPoolName: 'x', AllowUnauthenticatedIdentities: false }],
  ['role', 'CreateRole', { RoleName: 'x', AssumeRolePolicyDocument: '{}' }],
  ['function', 'CreateFunction', { FunctionName: 'x', Role: 'arn:aws:iam::111122223333:role/x', Code: {} }],
]

describe('a creation that is interrupted and then gets no response may have created something', () => {
  test('so the user pool of a run is looked for by its name, and deleted', { timeout: 60_000 }, async () => {
    const stop = new AbortController()
    let isCreated = false
    await using service = await startService({
      semantics: 'roles-compete',
      async intercept(operation, input) {
        if (operation !== 'CreateUserPool' || isCreated) return undefined
        isCreated = true
        // It is created, and nobody hears of it.
        await clientOf(service).send(new CreateUserPoolCommand(input as never))
        stop.abort(new Error('interrupted'))
        return 'hang'
      },
    })
    const run = await runAgainst(service, { signal: stop.signal, timeout: 2_000 })
    expect(run).toMatchObject({ error: { code: 'timeout' }, files: [] })
    expect(run.events.map(({ event }) => event)).toContain('deleted')
    expect(isCreated).toBe(true)
    expect(leftIn(service)).toEqual([])
  })

  async function createDuring(when: 'before' | 'meanwhile', [kind, operation, input]: (typeof CREATIONS)[number]) {
    const stop = new AbortController()
    let now = 0
    await using aws = await startFakeAws({
      clock: () => now,
      fault: called => {
        if (called !== operation) return undefined
        stop.abort(new Error('interrupted'))
        return 'hang'
      },
    })
    const runId = '0123456789abcdef'
    const ledger = await createLedger(`${newFolder()}/run.ledger`, { runId, region: 'eu-west-1', endpoint: aws.url })
    const session = createSession({
      region: 'eu-west-1',
      endpoint: aws.url,
      credentials: CREDENTIALS,
      runId,
      signal: stop.signal,
      timeout: 1_000,
      tell: () => {},
      clock: { now: () => now, sleep: async ms => void (now += ms) },
    })
    const run: Run = { ...session, ledger }
    const created = createResource(run, kind, async () => {
      if (when === 'before') stop.abort(new Error('interrupted'))
      await run.call(operation, { ...input }, anything)
      return 'x'
    })
    const error: unknown = await created.catch((one: unknown) => one)
    const left = ledger.left().map(one => one.kind)
    const sent = aws.calls.length
    await deleteAll({ ...session.undisturbed(), ledger })
    await ledger.close()
    return { error, left, sent, looks: aws.calls.length - sent }
  }

  test.each(CREATIONS)('%s', { timeout: 60_000 }, async (...creation) => {
    const { error, left, looks } = await createDuring('meanwhile', creation)
    expect(error).toMatchObject({ code: 'timeout' })
    expect(left).toEqual([creation[0]])
    expect(looks).toBeGreaterThan(3)
  })

  test.each(CREATIONS)('control: %s, interrupted before its request, was not created', async (...creation) => {
    const { error, left, sent, looks } = await createDuring('before', creation)
    expect(error).toMatchObject({ code: 'aborted' })
    expect({ left, sent, looks }).toEqual({ left: [], sent: 0, looks: 0 })
  })
})

const MISSING: Readonly<Record<string, Fault>> = {
  DescribeUserPool: { error: 'ResourceNotFoundException', message: 'No such pool', status: 400 },
  DescribeIdentityPool: { error: 'ResourceNotFoundException', message: 'No such pool', status: 400 },
  GetRole: { error: 'NoSuchEntity', message: 'No such role', status: 404 },
  GetFunction: { error: 'ResourceNotFoundException', message: 'No such function', status: 404 },
}

/** Interrupted once all four kinds were created: the function is the last. */
async function startWithAll(fault: (operation: string, fake: FakeRun, sinceEnd: number) => Fault | undefined) {
  let end: number | undefined
  const fake: FakeRun = await startFakeRun({
    fault(operation) {
      if (end !== undefined) return fault(operation, fake, fake.elapsed() - end)
      if (operation === 'GetFunction') fake.interrupt()
      return undefined
    },
  })
  const { run } = fake
  await fake.createPool()
  await createResource(run, 'identity-pool', async ({ name: IdentityPoolName, tags: IdentityPoolTags }) => {
    const input = { IdentityPoolName, IdentityPoolTags, AllowUnauthenticatedIdentities: false }
    const { IdentityPoolId } = (await run.call('CreateIdentityPool', input, anything)) as { IdentityPoolId: string }
    return IdentityPoolId
  })
  await expect(probePreToken(run, { partition: 'aws', account: ACCOUNT })).rejects.toMatchObject({ code: 'aborted' })
  expect(fake.aws.left().map(one => one.split(' ')[0])).toEqual(['user-pool', 'identity-pool', 'role', 'function'])
  end = fake.elapsed()
  return fake
}

describe('what was created and is not shown yet is waited for', () => {
  test.each([0, 7_000, 20_000, 29_000])('all kinds, for %i ms', async delay => {
    await using fake = await startWithAll((operation, _, since) => (since < delay ? MISSING[operation] : undefined))
    expect(await fake.cleanUp()).toEqual([])
    expect(fake.aws.left()).toEqual([])
  })

  test('a role for longer, because IAM can take a minute', async () => {
    await using fake = await startFakeRun({ roleShownAfter: 59_000 })
    await createRole(fake.run, { suffix: 'alpha', trust: '{"Statement":[]}', about: 'Of a test' })
    expect(await fake.cleanUp()).toEqual([])
    expect(fake.aws.left()).toEqual([])
  })

  test('also where the response of its creation was lost', async () => {
    await using fake = await startFakeRun({
      roleShownAfter: 50_000,
      fault: operation => (operation === 'CreateRole' ? 'lose-response' : undefined),
    })
    const creation = createRole(fake.run, { suffix: 'alpha', trust: '{"Statement":[]}', about: 'Of a test' })
    await expect(creation).rejects.toMatchObject({ code: 'unreachable' })
    expect(fake.aws.left()).toHaveLength(1)
    expect(await fake.cleanUp()).toEqual([])
    expect(fake.aws.left()).toEqual([])
  })

  test('and so is a deletion that finds nothing, of what was shown', async () => {
    let refused = 0
    await using fake = await startWithAll(operation =>
      operation === 'DeleteRole' && refused++ < 3 ? MISSING['GetRole'] : undefined,
    )
    expect(await fake.cleanUp()).toEqual([])
    expect(refused).toBeGreaterThan(3)
    expect(fake.aws.left()).toEqual([])
  })

  test('control: it is waited for once, not for each, and then taken for gone', async () => {
    await using fake = await startWithAll(operation => MISSING[operation])
    const before = fake.elapsed()
    expect(await fake.cleanUp()).toEqual([])
    expect(fake.elapsed() - before).toBeGreaterThanOrEqual(60_000)
    expect(fake.elapsed() - before).toBeLessThan(70_000)
    expect(fake.events.filter(({ event }) => event === 'absent')).toHaveLength(4)
  })
})

const BUSY: readonly (readonly [string, string])[] = [
  ['DeleteFunction', 'ResourceConflictException'],
  ['DeleteRole', 'DeleteConflict'],
  ['DeleteRole', 'ConcurrentModification'],
  ['DeleteUserPool', 'ConcurrentModificationException'],
]

describe('a deletion that AWS rejects for the time being', () => {
  test.each(BUSY)('is sent again: %s, %s', async (busy, error) => {
    let refused = 0
    await using fake = await startWithAll(operation =>
      operation === busy && refused++ < 3 ? { error, message: 'Not now', status: 409 } : undefined,
    )
    expect(await fake.cleanUp()).toEqual([])
    expect(fake.aws.left()).toEqual([])
    expect(fake.events.filter(({ event }) => event === 'retry')).toMatchObject(
      [1_000, 2_000, 4_000].map(ms => ({ operation: busy, ms })),
    )
  })

  test.each(BUSY)('forever, is left and reported: %s, %s', async (busy, error) => {
    await using fake = await startWithAll(operation =>
      operation === busy ? { error, message: 'Not now', status: 409 } : undefined,
    )
    const before = fake.aws.calls.length
    expect(await fake.cleanUp()).toMatchObject([{ error: { message: expect.stringContaining(busy) } }])
    expect(fake.aws.calls.slice(before).filter(operation => operation === busy)).toHaveLength(6)
    expect(fake.aws.left()).toHaveLength(1)
  })

  test('control: one that is denied is not', async () => {
    await using fake = await startWithAll(operation =>
      operation === 'DeleteFunction' ? { error: 'AccessDeniedException', message: 'No', status: 403 } : undefined,
    )
    const before = fake.aws.calls.length
    expect(await fake.cleanUp()).toHaveLength(1)
    expect(fake.aws.calls.slice(before).filter(operation => operation === 'DeleteFunction')).toHaveLength(1)
  })
})
