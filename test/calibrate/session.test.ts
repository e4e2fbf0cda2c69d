import * as z from 'zod/mini'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { exceptionName, maskAccounts } from '../../src/calibrate/call-failure.js'
import { createSession, type SessionOptions } from '../../src/calibrate/session.js'
import { calibrate } from '../../src/calibrate/index.js'
import { CREDENTIALS, newFolder, startService, type TimedService } from './service.js'
import { stubAws } from '../cli/command.js'

afterEach(() => void vi.unstubAllEnvs())

function sessionFor(service: TimedService, options: Partial<SessionOptions> = {}) {
  return createSession({
    region: 'eu-west-1',
    endpoint: service.url,
    credentials: CREDENTIALS,
    runId: '0123456789abcdef',
    signal: new AbortController().signal,
    tell: () => {},
    clock: service.clock,
    ...options,
  })
}

const anything = z.unknown()

describe('a call', () => {
  test('waits for its turn: within any second, no quota gets more than its calls', async () => {
    await using service = await startService()
    const session = sessionFor(service)
    for (let count = 0; count < 25; count++) await session.call('ListUserPools', { MaxResults: 1 }, anything)
    const times = service.requests.map(({ at }) => at)
    for (const at of times)
      expect(times.filter(other => other >= at && other < at + 1_000).length).toBeLessThanOrEqual(4)
  })

  test('that is throttled is sent again, later and later, and in the end fails', async () => {
    await using service = await startService({ intercept: () => ({ error: 'TooManyRequestsException' }) })
    const told: number[] = []
    const session = sessionFor(service, { tell: event => void (event.event === 'retry' && told.push(event.ms)) })
    await expect(session.call('ListUserPools', { MaxResults: 1 }, anything)).rejects.toMatchObject({
      code: 'throttled',
    })
    expect(told).toEqual([1_000, 2_000, 4_000, 8_000, 16_000])
  })

  test('that no response comes to ends by its timeout', async () => {
    await using service = await startService({ intercept: () => 'hang' })
    const session = sessionFor(service, { timeout: 50 })
    await expect(session.call('CreateUserPool', { PoolName: 'x' }, anything)).rejects.toMatchObject({ code: 'timeout' })
    expect(service.requests).toHaveLength(1)
  })

  test('whose response is of another shape is not used', async () => {
    await using service = await startService({ intercept: () => ({ body: '{"UserPools":7}', status: 200 }) })
    const shape = z.object({ UserPools: z.array(z.unknown()) })
    await expect(sessionFor(service).call('ListUserPools', { MaxResults: 1 }, shape)).rejects.toMatchObject({
      code: 'malformed-response',
    })
  })

  test('that was interrupted is not sent, but one that creates something is waited for', async () => {
    const stop = new AbortController()
    await using service = await startService({ intercept: () => void stop.abort() })
    const session = sessionFor(service, { signal: stop.signal })
    await expect(session.call('CreateUserPool', { PoolName: 'x' }, anything)).resolves.toMatchObject({ UserPool: {} })
    await expect(session.call('CreateUserPool', { PoolName: 'y' }, anything)).rejects.toMatchObject({ code: 'aborted' })
    expect(service.left().userPools).toHaveLength(1)
    await session.undisturbed().call('ListUserPools', { MaxResults: 1 }, anything)
  })

  test('of an operation that an emulator lacks says so', async () => {
    await using service = await startService({
      intercept: () => ({ error: 'CognitoLocal#Unsupported', message: 'unsupported feature', status: 500 }),
    })
    await expect(sessionFor(service).call('UpdateGroup', {}, anything)).rejects.toMatchObject({ code: 'not-supported' })
    expect(service.requests).toHaveLength(1)
  })
})

describe('no account id', () => {
  test('is in an error, its cause, or its stack', async () => {
    const message = 'User: arn:aws:sts::123456789012:assumed-role/Admin/me is not authorized'
    await using service = await startService({ intercept: () => ({ error: 'AccessDeniedException', message }) })
    const error: Error = await sessionFor(service)
      .call('CreateUserPool', { PoolName: 'x' }, anything)
      .then(
        () => expect.unreachable(),
        (one: unknown) => one as Error,
      )
    const cause = error.cause as Error
    expect(`${error.message} ${error.stack} ${cause.message} ${cause.stack} ${JSON.stringify(cause)}`).not.toContain(
      '123456789012',
    )
    expect(exceptionName(error)).toBe('AccessDeniedException')
    expect(error.message).toContain('arn:aws:sts::************:assumed-role/…')
  })

  test.each([
    ['arn:aws:iam::123456789012:role/A', 'arn:aws:iam::************:role/A'],
    ['123456789012', '************'],
    ['1234567890123', '1234567890123'],
    ['eu-west-1_Ab12Cd34e', 'eu-west-1_Ab12Cd34e'],
  ])('%s is shown as %s', (text, shown) => {
    expect(maskAccounts(text)).toBe(shown)
  })
})

describe('another endpoint than AWS has to be given as an option', () => {
  test.each(['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER'])(
    'so one in %s is rejected, and gets no request',
    async name => {
      await using service = await startService()
      stubAws({ [name]: service.url, AWS_REGION: 'eu-west-1' })
      const session = sessionFor(service, { endpoint: undefined })
      await expect(session.call('CreateUserPool', { PoolName: 'x' }, anything)).rejects.toMatchObject({
        code: 'invalid-option',
        message: expect.stringContaining(service.url),
      })
      expect(service.requests).toEqual([])
    },
  )

  test('control: given as an option, it gets the request', async () => {
    await using service = await startService()
    await sessionFor(service).call('ListUserPools', { MaxResults: 1 }, anything)
    expect(service.requests).toHaveLength(1)
  })

  test('and a run creates nothing before it knows whose account it is', async () => {
    await using service = await startService()
    stubAws({ AWS_ENDPOINT_URL_STS: service.url })
    const run = calibrate({ region: 'eu-west-1', credentials: CREDENTIALS, ledger: `${newFolder()}/run.ledger` })
    await expect(run).rejects.toMatchObject({ code: 'invalid-option' })
    expect(service.requests).toEqual([])
  })
})
