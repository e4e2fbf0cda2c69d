import { beforeEach, afterEach, describe, expect, test, vi } from 'vitest'
import { createAccountApi } from '../../../src/cognito/api/account-api.js'
import { createUserPoolLimits } from '../../../src/cognito/api/user-pool-call.js'
import { type AccountEndpoint, type AccountEndpointOptions, startAccountEndpoint } from '../account-endpoint.js'
import { failureOf } from '../../failure-of.js'
import { respond, startScriptedServer } from './scripted-server.js'
import { CREDENTIALS, SECRET, stubAws } from '../../cli/command.js'

vi.mock('p-retry', async original => {
  const { default: pRetry } = await original<typeof import('p-retry')>()
  return {
    default: ((input, options) =>
      pRetry(input, {
        ...options,
        maxTimeout: options?.minTimeout === 60_000 ? 60_000 : 1,
      })) satisfies typeof pRetry,
  }
})

const ACCOUNT = '111122223333'
const region = 'eu-west-1'
const IDS = Array.from({ length: 7 }, (_, n) => `${region}:0000000${n}-94a5-4f3e-8c53-0d1c9a4be2f6`)
const options: AccountEndpointOptions = {
  accounts: {
    [ACCOUNT]: {
      [region]: {
        userPools: Array.from({ length: 7 }, (_, n) => ({ userPoolId: `${region}_Pool${n}`, name: `pool ${n}` })),
        identityPools: Object.fromEntries(
          IDS.map((id, n) => [
            id,
            {
              providers:
                n === 0
                  ? []
                  : [{ ProviderName: `cognito-idp.${region}.amazonaws.com/${region}_Pool${n}`, ClientId: 'web' }],
              roles: { Roles: { authenticated: `arn:aws:iam::${ACCOUNT}:role/R${n}` } },
            },
          ]),
        ),
      },
    },
  },
  keys: { [CREDENTIALS.AWS_ACCESS_KEY_ID]: ACCOUNT },
  pageSize: 3,
}

const never = new AbortController().signal
const apiOf = ({ url }: { url: string }, more: object = {}) =>
  createAccountApi({
    region,
    endpoint: url,
    retryDelay: 1,
    limits: createUserPoolLimits({ rates: { DescribeUserPool: 1_000 } }),
    ...more,
  })

beforeEach(() => stubAws(CREDENTIALS))
afterEach(() => void vi.unstubAllEnvs())

let endpoint: AccountEndpoint
beforeEach(async () => void (endpoint = await startAccountEndpoint(options)))
afterEach(() => endpoint[Symbol.asyncDispose]())

describe('lists', () => {
  test('user pools, page by page, in the order of Cognito', async () => {
    const found = await apiOf(endpoint).listUserPools(never)
    expect(found).toEqual(
      Array.from({ length: 7 }, (_, n) => ({ userPoolId: `${region}_Pool${n}`, name: `pool ${n}` })),
    )
    expect(endpoint.requests).toHaveLength(3)
  })

  test('identity pools, their user pools and their roles', async () => {
    const api = apiOf(endpoint)
    expect((await api.listIdentityPools(never)).map(({ identityPoolId }) => identityPoolId)).toEqual(IDS)
    expect(await api.listUserPoolProviders(IDS[0]!, never)).toEqual([])
    expect(await api.listUserPoolProviders(IDS[2]!, never)).toEqual([
      { providerName: `cognito-idp.${region}.amazonaws.com/${region}_Pool2`, clientId: 'web' },
    ])
    expect(await api.getIdentityPoolRoles(IDS[2]!, never)).toMatchObject({
      roles: { authenticated: `arn:aws:iam::${ACCOUNT}:role/R2` },
    })
  })
})

describe('a call that fails', () => {
  const CALLS = ['ListUserPools', 'ListIdentityPools', 'DescribeIdentityPool', 'GetIdentityPoolRoles'] as const
  const callOf = (api: ReturnType<typeof apiOf>, operation: (typeof CALLS)[number], signal = never) =>
    ({
      ListUserPools: () => api.listUserPools(signal),
      ListIdentityPools: () => api.listIdentityPools(signal),
      DescribeIdentityPool: () => api.listUserPoolProviders(IDS[1]!, signal),
      GetIdentityPoolRoles: () => api.getIdentityPoolRoles(IDS[1]!, signal),
    })[operation]()

  test.each(CALLS)('%s: is sent again as long as that may help, and told each time', async operation => {
    const told: string[] = []
    endpoint.fail({ operation, error: 'InternalErrorException', times: 3 })
    await callOf(apiOf(endpoint, { onRetry: (error: { code: string }) => told.push(error.code) }), operation)
    expect(told).toEqual(['service-error', 'service-error', 'service-error'])
  })

  test.each(CALLS)('%s: is not sent again if AWS denies it, and the message names the permission', async operation => {
    endpoint.fail({ operation, error: 'AccessDeniedException', message: 'no' })
    const error = await failureOf(() => callOf(apiOf(endpoint), operation))
    expect(error).toMatchObject({ code: 'not-authorized', message: expect.stringContaining(`:${operation}`) })
    expect(endpoint.requests).toHaveLength(1)
  })

  test.each(CALLS)(
    '%s: ends after eleven attempts',
    async operation => {
      endpoint.fail({ operation, error: 'InternalErrorException' })
      const error = await failureOf(() => callOf(apiOf(endpoint), operation))
      expect(error).toMatchObject({ code: 'service-error', retryable: true })
      expect(endpoint.requests).toHaveLength(11)
    },
    30_000,
  )

  test.each(CALLS)('%s: an abort ends it immediately', async operation => {
    const stop = new AbortController()
    endpoint.fail({ operation, error: 'InternalErrorException' })
    const api = apiOf(endpoint, { retryDelay: 60_000, onRetry: () => stop.abort() })
    expect(await failureOf(() => callOf(api, operation, stop.signal))).toMatchObject({ code: 'aborted' })
  })
})

describe('a response of another shape', () => {
  test.each([
    ['no list', {}],
    ['an id that is no pool id', { UserPools: [{ Id: '../../etc' }] }],
    ['an id that is not text', { UserPools: [{ Id: 7 }] }],
    ['an empty token', { UserPools: [], NextToken: '' }],
  ])('%s is not used', async (_what, body) => {
    await using server = await startScriptedServer(respond(200, body))
    expect(await failureOf(() => apiOf(server).listUserPools(never))).toMatchObject({ code: 'malformed-response' })
  })

  test('pages without an end are noticed', async () => {
    await using server = await startScriptedServer(
      respond(200, { UserPools: [{ Id: `${region}_Pool` }], NextToken: 'same' }),
    )
    const error = await failureOf(() => apiOf(server).listUserPools(never))
    expect(error).toMatchObject({ code: 'malformed-response', message: expect.stringContaining('was repeated') })
  })

  test('another identity pool is not used', async () => {
    await using server = await startScriptedServer(respond(200, { IdentityPoolId: IDS[3] }))
    expect(await failureOf(() => apiOf(server).listUserPoolProviders(IDS[1]!, never))).toMatchObject({
      code: 'malformed-response',
    })
  })
})

test('no message has a secret in it', async () => {
  endpoint.fail({ operation: 'ListUserPools', error: 'InvalidSignatureException', message: `expected ${SECRET}` })
  const error = await failureOf(() => apiOf(endpoint).listUserPools(never))
  expect(error.message).not.toContain(SECRET)
})
