import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { calibrate, cleanUp, planCalibration } from '../../src/calibrate/index.js'
import type * as clients from '../../src/calibrate/clients.js'
import { readCalibration } from '../../src/claims/calibration.js'
import type { FakeServiceOptions } from '../../src/testing/fake-service.js'
import { CREDENTIALS, newFolder, removeFolders, startService } from './service.js'

afterAll(removeFolders)

/** What calls go to in place of AWS, and whose credentials they have. */
const aws = vi.hoisted(() => ({ url: '', account: '', partition: 'aws', callers: 0 }))
beforeEach(() => void Object.assign(aws, { account: '123456789012', partition: 'aws', callers: 0 }))

vi.mock('../../src/calibrate/clients.js', async load => {
  const real = await load<typeof clients>()
  const createClients: typeof clients.createClients = options => {
    const idp = real.createClients({ ...options, endpoint: aws.url })
    return {
      async send(operation, input, given) {
        if (operation !== 'GetCallerIdentity') return idp.send(operation, input, given)
        aws.callers++
        return { Account: aws.account, Arn: `arn:${aws.partition}:iam::${aws.account}:user/alice` }
      },
    }
  }
  return { ...real, createClients }
})

async function start(options: FakeServiceOptions) {
  const service = await startService(options)
  aws.url = service.url
  return service
}

const optionsWith = (clock: Awaited<ReturnType<typeof start>>['clock'], more = {}) => ({
  region: 'eu-west-1',
  credentials: CREDENTIALS,
  clock,
  ledger: join(newFolder(), 'run.ledger'),
  ...more,
})

test.each(['aws', 'aws-us-gov'])(
  'made-up roles have the account and the partition of the caller (%s), and nothing that is stored has it',
  async partition => {
    aws.partition = partition
    await using service = await start({ semantics: 'roles-compete' })
    const { result, leftBehind } = await calibrate(optionsWith(service.clock))
    expect(leftBehind).toEqual([])
    const roles = service.requests.flatMap(({ input }) => (input['RoleArn'] === undefined ? [] : [input['RoleArn']]))
    expect(roles.length).toBeGreaterThan(8)
    for (const role of roles)
      expect(role).toMatch(new RegExp(`^arn:${partition}:iam::123456789012:role/rolecast-calibrate-`))
    expect(JSON.stringify(result)).not.toContain('123456789012')
    expect(result.rows.filter(({ verdict }) => verdict === 'contradicts')).toEqual([])
    // Of Cognito itself: other commands take it.
    expect(result.endpoint).toBeUndefined()
    expect(readCalibration(structuredClone(result)).semantics).toBe('roles-compete')
  },
)

test('the plan for AWS is what a run calls there, call for call', async () => {
  await using service = await start({ semantics: 'roles-compete' })
  await calibrate(optionsWith(service.clock))
  const called: Record<string, number> = { GetCallerIdentity: aws.callers }
  for (const { operation } of service.requests) called[operation] = (called[operation] ?? 0) + 1
  const { calls } = planCalibration()
  expect(called).toEqual(Object.fromEntries(calls.map(({ operation, count }) => [operation, count])))
})

test('a ledger says whether the credentials are of its account, and not which that is', async () => {
  let isDenied = true
  await using service = await start({
    semantics: 'roles-compete',
    intercept: operation =>
      isDenied && operation === 'DeleteUserPool' ? { error: 'AccessDeniedException' } : undefined,
  })
  const options = optionsWith(service.clock)
  const { leftBehind, ledger } = await calibrate(options)
  expect(leftBehind).toHaveLength(1)
  expect(readFileSync(ledger, 'utf8')).not.toContain('123456789012')
  isDenied = false

  // In another account the pool does not exist, which would be taken for gone.
  aws.account = '210987654321'
  const { ledger: _ledger, region: _region, ...given } = options
  await expect(cleanUp(ledger, given)).rejects.toMatchObject({
    code: 'invalid-input',
    message: expect.stringContaining('another AWS account'),
  })
  expect(service.left().userPools).toHaveLength(1)

  aws.account = '123456789012'
  expect((await cleanUp(ledger, given)).leftBehind).toEqual([])
  expect(service.left().userPools).toEqual([])
})
