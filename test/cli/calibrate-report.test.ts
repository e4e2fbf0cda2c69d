import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { planCalibration } from '../../src/calibrate/index.js'
import type { FakeServiceOptions } from '../../src/testing/fake-service.js'
import { startService } from '../calibrate/service.js'
import { type Ended, inProcess, stubCredentials } from './command.js'

// Without the pauses between calls.
vi.mock('node:timers/promises', async load => ({
  ...(await load<typeof import('node:timers/promises')>()),
  setTimeout: async () => {},
}))

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-cli-calibrate-report-'))
})
beforeEach(async () => stubCredentials(await mkdtemp(join(folder, 'place-'))))
afterEach(() => void vi.unstubAllEnvs())
afterAll(() => rm(folder, { recursive: true }))

async function calibrate(options: FakeServiceOptions, ...args: readonly string[]): Promise<Ended> {
  await using service = await startService({ semantics: 'roles-compete', ...options })
  const ledger = join(await mkdtemp(join(folder, 'ledger-')), 'run.ledger')
  return await inProcess([
    'calibrate',
    '--endpoint-url',
    service.url,
    '--region',
    'eu-west-1',
    '--ledger',
    ledger,
    '--yes',
    ...args,
  ])
}

const denies = (denied: string): FakeServiceOptions => ({
  intercept: operation =>
    operation === denied ? { error: 'AccessDeniedException', message: 'not for you' } : undefined,
})

describe('a rejection for one user affects that case alone', () => {
  test('with a fake that rejects Case 13, all others are settled, and the conclusion says how many cases it rests on', async () => {
    const { code, stdout, stderr } = await calibrate({ semantics: 'observed' })
    expect(code).toBe(2)
    expect(stdout).not.toContain('not looked at, because')
    expect(stdout.match(/NOT SETTLED$/gm)).toHaveLength(3)
    expect(stdout).toMatch(/^ {2}13 .*undetermined: alpha or none +– +NOT SETTLED$/m)
    expect(stdout).toMatch(/is what the endpoint follows, of what was read: 3 of 21 cases are not settled\./)
    // With the whole of its advice.
    expect(stdout).toMatch(/UndeterminedRoleException: .*or give it a `calibration`\) \[request-rejected\]$/m)
    expect(stderr).toMatch(
      /not settled: 3 cases; the first is Case 13 .*UndeterminedRoleException.*\[request-rejected\]\n/,
    )
  })

  test('control: a service that fails is gone for the rest', async () => {
    const { stdout } = await calibrate({
      intercept: operation =>
        operation === 'AdminInitiateAuth' ? { error: 'InternalErrorException', status: 500 } : undefined,
    })
    expect(stdout).toMatch(/18 cases \(.*\): not looked at, because the service failed or was not reached in 3 cases/)
  })
})

test('a case whose token was not read has no role, which is not the same as none', async () => {
  const { stdout } = await calibrate(denies('AdminInitiateAuth'))
  expect(stdout).toMatch(/^ {2}1 +no group +none +– +NOT SETTLED$/m)
  expect(stdout).not.toContain('(none)')
})

test('the last line names the first cause with what to do, whatever the endpoint is', async () => {
  const { code, stdout, stderr } = await calibrate(denies('AdminAddUserToGroup'))
  expect(code).toBe(2)
  expect(stderr).toMatch(
    /not settled: 20 cases; the first is Case 2 \(groups without a role\): AdminAddUserToGroup was not allowed.*; allow `cognito-idp:AdminAddUserToGroup`.*\[not-authorized\]\n/,
  )
  expect(stderr).not.toContain('may lack')
  // Once, and not for each case.
  expect(stdout.match(/AdminAddUserToGroup was not allowed/g)!.length).toBeLessThanOrEqual(3)
})

test('nothing points at a cause that is not to be seen', async () => {
  const { stdout, stderr } = await calibrate({
    intercept: operation =>
      operation === 'AdminInitiateAuth' ? { error: 'InvalidParameterException', message: 'no such flow' } : undefined,
  })
  expect(`${stdout}${stderr}`).not.toContain('see the cause')
  expect(stdout).toContain(
    'AdminInitiateAuth was rejected (InvalidParameterException: no such flow) [request-rejected]',
  )
})

describe('where no identity pool and no trigger could be made', () => {
  test('the reason is reported once, and they are among what was not looked at', async () => {
    const { stdout } = await calibrate({}, '--identity-pool')
    expect(stdout).not.toContain('hidden field')
    expect(stdout.match(/CreateIdentityPool was rejected \(not found\)/g)).toHaveLength(2)
    expect(stdout).toMatch(/^ {2}All \d+ cases: CreateIdentityPool was rejected \(not found\)/m)
    expect(stdout).toMatch(
      /^ {2}No identity pool was probed for the role that it gives: CreateIdentityPool was rejected/m,
    )
    expect(stdout).toMatch(/^ {2}\S.* – +– +NOT SETTLED$/m)
  })

  test('so for the trigger', async () => {
    const { stdout } = await calibrate({}, '--pre-token')
    expect(stdout).toMatch(
      /^ {2}No pre token generation trigger was looked at: CreateRole was rejected \(@aws-sdk XML parse error[^\n]*\) \[request-rejected\]$/m,
    )
  })
})

describe('what an endpoint can be trusted for', () => {
  test('is not TLS, where its address is http', async () => {
    const { stdout } = await calibrate({})
    expect(stdout).toContain('not checked: they came over HTTP without TLS, from the endpoint that was given.')
    expect(stdout).not.toContain('over TLS')
  })
})

test('Case 13 of a service that follows `documented` names it among the readings that answer so', async () => {
  const { stdout } = await calibrate({ semantics: 'documented' })
  expect(stdout).toMatch(/^ {2}13 .* settled: as roles-compete and documented$/m)
  expect(stdout).toContain('documented is what the endpoint follows.')
})

test('control: a reading that alone answers so is alone', async () => {
  const { stdout } = await calibrate({ semantics: 'tied-groups-agree' })
  expect(stdout).toMatch(/^ {2}13 .* settled: tied-groups-agree$/m)
})

test('docs/calibrate.md has the numbers of the plan', async () => {
  const page = (await readFile(new URL('../../docs/calibrate.md', import.meta.url), 'utf8')).replaceAll(/\s+/g, ' ')
  const { seconds, calls, creates } = planCalibration()
  const [groups] = /\d+ groups and \d+ users/.exec(creates[0]!)!
  expect(page).toContain(`about ${seconds} seconds`)
  expect(page).toContain(`about ${calls.reduce((sum, { count }) => sum + count, 0)}, at`)
  expect(page).toContain(groups)
  for (const option of ['many', 'identityPool', 'preToken'] as const)
    expect(page).toContain(`about ${planCalibration({ [option]: true }).seconds} seconds`)
  expect(page).toContain('6 groups and 6 users in the user pool')
  expect(planCalibration({ identityPool: true }).creates[1]).toContain('6 more groups and 6 more users')
})
