import { createHash, createHmac } from 'node:crypto'
import { getEventListeners } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { CognitoIdentityProvider, CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider'
import * as fc from 'fast-check'
import manifest from '../../../package.json' with { type: 'json' }
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLightClient, type LightClientOptions } from '../../../src/cognito/api/light-client.js'
import { targetOf } from '../../../src/cognito/api/light-request.js'
import { createRetries } from '../../../src/cognito/api/light-retry.js'
import { createUserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import { createRoleResolver } from '../../../src/cognito/groups/role-resolver.js'
import { errorOf, failureOf } from '../../failure-of.js'
import { useVirtualTime } from '../../virtual-time.js'
import { startCognitoEndpoint } from '../cognito-endpoint.js'
import {
  exception,
  inTurn,
  respond,
  type ScriptedServer,
  type SeenRequest,
  startScriptedServer,
} from './scripted-server.js'

const chain = vi.hoisted(() => ({ loads: 0 }))
vi.mock('@aws-sdk/credential-provider-node', async original => {
  chain.loads++
  return original()
})

const userPoolId = 'eu-west-1_Ab12Cd34e'
const input = { GroupName: 'admins', UserPoolId: userPoolId }
const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'local-secret', sessionToken: 'local-session-token' }
const ADMINS = respond(200, { Group: { GroupName: 'admins', CreationDate: 1_700_000_000.5 } })

let server: ScriptedServer
const folder = mkdtempSync(join(tmpdir(), 'rolecast-light-'))
const credentialsFile = join(folder, 'credentials')
beforeAll(async () => {
  server = await startScriptedServer()
  writeFileSync(credentialsFile, '[work]\naws_access_key_id = AKIDPROFILE\naws_secret_access_key = of-the-profile\n')
})
afterAll(async () => {
  await server[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true })
})

beforeEach(() => {
  server.script = ADMINS
  server.requests.length = 0
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined)
  vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', credentialsFile)
  vi.stubEnv('AWS_CONFIG_FILE', '/dev/null')
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const clientOf = (options: LightClientOptions = {}) =>
  createLightClient({ endpoint: server.url, credentials, ...options })
const lastRequest = () => server.requests.at(-1)!
const keyOf = ({ headers }: SeenRequest) => /Credential=(\w+)\//.exec(headers.authorization ?? '')?.[1]

/** Asks as a source of groups does, so that a failure is a RolecastError. */
function ask(client: ReturnType<typeof createLightClient>, signal = new AbortController().signal) {
  const api = createUserPoolApi({ userPoolId, client, timeout: 20_000, clock: Date.now, onCall: () => {} })
  return api.getGroup('admins', signal)
}

describe('the operations', () => {
  const group = { groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' }
  const others = Array.from({ length: 70 }, (_, index) => ({ groupName: `g${index}` }))

  test('each gives what the client of the SDK gives', async () => {
    await using endpoint = await startCognitoEndpoint({
      userPoolId,
      groups: [group, ...others],
      users: [{ username: 'ann', groups: ['admins', 'g1'] }],
    })
    const light = createLightClient({ endpoint: endpoint.url, credentials })
    const sdk = new CognitoIdentityProvider({ endpoint: endpoint.url, credentials, region: 'eu-west-1' })
    const pool = { UserPoolId: userPoolId }
    for (const [ours, theirs] of [
      [light.getGroup(input), sdk.getGroup(input)],
      [light.listGroups({ ...pool, Limit: 7 }), sdk.listGroups({ ...pool, Limit: 7 })],
      [
        light.adminListGroupsForUser({ ...pool, Username: 'ann' }),
        sdk.adminListGroupsForUser({ ...pool, Username: 'ann' }),
      ],
    ] as const) {
      const { $metadata: _, ...expected } = await theirs
      // Each listing gives tokens of its own.
      const token = 'NextToken' in expected && { NextToken: expect.any(String) as unknown }
      expect(await ours).toEqual({ ...expected, ...token })
    }
  })

  test('a resolver resolves and warms up with it', async () => {
    await using endpoint = await startCognitoEndpoint({ userPoolId, groups: [group, ...others.slice(0, 20)] })
    const resolver = createRoleResolver({
      userPoolId,
      client: createLightClient({ endpoint: endpoint.url, credentials }),
    })
    expect(await resolver.warm()).toEqual({ groups: 21, isWholePool: true })
    expect(await resolver.resolve(['admins', 'g1'])).toMatchObject({
      preferredRole: group.roleArn,
    })
    expect(endpoint.requests.map(({ operation }) => operation)).toEqual(['ListGroups'])
  })

  test('the largest page that Cognito can send is read', async () => {
    const Description = String.raw`\u2603`.repeat(2_048)
    const page = Array.from({ length: 60 }, (_, index) => `{"GroupName":"g${index}","Description":"${Description}"}`)
    server.script = respond(200, `{"Groups":[${page.join()}]}`)
    const { Groups } = (await clientOf().listGroups({ UserPoolId: userPoolId })) as { Groups: unknown[] }
    expect(Groups).toHaveLength(60)
  })

  test('calls share a connection', async () => {
    const before = server.connections()
    const client = clientOf()
    for (let call = 0; call < 3; call++) await client.getGroup(input)
    expect(server.connections() - before).toBe(1)
  })

  test('no redirect is followed, and no proxy', async () => {
    for (const name of ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'ALL_PROXY']) vi.stubEnv(name, 'http://127.0.0.1:1')
    await ask(clientOf())
    server.script = respond(307, {}, { location: `${server.url}/elsewhere` })
    await failureOf(() => ask(clientOf()))
    expect(server.requests.map(({ path }) => path)).toEqual(['/', '/'])
  })
})

// ------------------------------------------------------------------ the signature

/** Signature Version 4 as its specification has it, of the headers that the request says are signed. */
function authorizationFor({ method, path, headers, body }: SeenRequest, secret: string): string {
  const [, scope = '', signed = ''] =
    /Credential=\w+\/(\S+), SignedHeaders=(\S+),/.exec(headers.authorization ?? '') ?? []
  const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')
  const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text).digest()
  const lines = signed.split(';').map(name => `${name}:${String(headers[name])}\n`)
  const request = [method, path, '', lines.join(''), signed, sha256(body)].join('\n')
  const key = scope.split('/').reduce<string | Buffer>((one, part) => hmac(one, part), `AWS4${secret}`)
  const toSign = ['AWS4-HMAC-SHA256', headers['x-amz-date'], scope, sha256(request)].join('\n')
  return (headers.authorization ?? '').replace(/Signature=.*/, `Signature=${hmac(key, toSign).toString('hex')}`)
}

const names = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 128 }),
  fc.constantFrom('a"b', "it's", '\\', 'é', '管理者', '👩‍👩‍👧', '\u2028', '`', '__proto__', '\uD800'),
)

describe('the signature', () => {
  type Args = { readonly request: { readonly headers: Record<string, string> } }
  const withoutOwnHeaders = (next: (args: Args) => unknown) => (args: Args) => {
    for (const name of ['amz-sdk-invocation-id', 'amz-sdk-request', 'x-amz-user-agent'])
      delete args.request.headers[name]
    return next(args)
  }

  /** The client of the SDK, without the headers that differ from request to request. */
  function sdkClient(): CognitoIdentityProvider {
    const client = new CognitoIdentityProvider({ endpoint: server.url, region: 'eu-west-1', credentials })
    const { middlewareStack } = client
    middlewareStack.addRelativeTo(withoutOwnHeaders as never, {
      relation: 'before',
      toMiddleware: 'httpSigningMiddleware',
    })
    return client
  }

  test('is that of the client of the SDK, for the same request, credentials and time', async () => {
    await fc.assert(
      fc.asyncProperty(
        names,
        fc.date({ min: new Date(0), noInvalidDate: true, max: new Date('2100-01-01') }),
        async (GroupName, now) => {
          vi.useFakeTimers({ toFake: ['Date'], now })
          server.requests.length = 0
          // New ones, because the SDK goes by the time of the last response.
          for (const client of [sdkClient(), clientOf()]) await client.getGroup({ GroupName, UserPoolId: userPoolId })
          const [sdk, light] = server.requests
          expect(light!.body).toBe(sdk!.body)
          expect(light!.headers.authorization).toBe(sdk!.headers.authorization)
        },
      ),
      { numRuns: 60 },
    )
  })

  test('is right by the specification, with a token and without, and for any endpoint', async () => {
    const { sessionToken: _, ...withoutToken } = credentials
    for (const options of [{}, { credentials: withoutToken }, { endpoint: `${server.url}/base/path` }]) {
      await clientOf(options).getGroup(input)
      expect(lastRequest().headers.authorization).toBe(authorizationFor(lastRequest(), credentials.secretAccessKey))
    }
    expect(lastRequest()).toMatchObject({
      method: 'POST',
      path: '/base/path/',
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': 'AWSCognitoIdentityProviderService.GetGroup',
        'x-amz-security-token': credentials.sessionToken,
        'user-agent': `rolecast/${manifest.version} light-client`,
      },
      body: JSON.stringify(input),
    })
  })

  test('control: of another body, header or secret it is another', async () => {
    await clientOf().getGroup(input)
    const request = lastRequest()
    for (const [changed, secret] of [
      [{ ...request, body: `${request.body} ` }, credentials.secretAccessKey],
      [{ ...request, headers: { ...request.headers, 'x-amz-target': 'x' } }, credentials.secretAccessKey],
      [request, 'another'],
    ] as const)
      expect(authorizationFor(changed, secret)).not.toBe(request.headers.authorization)
  })

  test('covers every header but the connection and the name of the client', async () => {
    await clientOf().getGroup(input)
    const { authorization = '', ...headers } = lastRequest().headers
    const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? []
    expect(Object.keys(headers).filter(name => !signed.includes(name))).toEqual(['user-agent', 'connection'])
  })

  test('by the clock of the server, once that has rejected another', async () => {
    const ahead = { date: new Date(Date.now() + 3_600_000).toUTCString() }
    const late = exception('InvalidSignatureException', 'Signature expired: …', 400, ahead)
    server.script = inTurn(late, ADMINS)
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const client = clientOf()
    await client.getGroup(input)
    await client.getGroup(input)
    const hours = server.requests.map(({ headers }) => Number(String(headers['x-amz-date']).slice(9, 11)))
    expect(hours.map(hour => (hour - hours[0]! + 24) % 24)).toEqual([0, 1, 1])
  })

  test('by its own clock where the time of the response does not say why it was rejected', async () => {
    const old = new Date(Date.now() - 3_600_000).toUTCString()
    const near = new Date(Date.now() + 200_000).toUTCString()
    for (const script of [
      exception('InvalidSignatureException', '', 400, { date: near }),
      exception('InvalidSignatureException', '', 400, { date: 'soon' }),
      exception('InvalidSignatureException', '', 400, { date: old, age: '3600' }),
      exception('InvalidParameterException', '', 400, { date: old }),
    ]) {
      server.script = script
      server.requests.length = 0
      await failureOf(() => ask(clientOf()))
      expect(server.requests).toHaveLength(1)
    }
  })
})

// ------------------------------------------------------------------ credentials

describe('credentials', () => {
  const fromEnvironment = () => createLightClient({ endpoint: server.url })
  const stubKeys = (id: string, secret = 'secret') => {
    vi.stubEnv('AWS_ACCESS_KEY_ID', id)
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', secret)
  }

  test('of the environment are read for each call, and the chain of the SDK is not loaded', async () => {
    const client = fromEnvironment()
    stubKeys('FIRST')
    await client.getGroup(input)
    stubKeys('SECOND', 'other')
    vi.stubEnv('AWS_SESSION_TOKEN', 'token')
    await client.getGroup(input)
    expect(server.requests.map(keyOf)).toEqual(['FIRST', 'SECOND'])
    expect(server.requests.map(({ headers }) => headers['x-amz-security-token'])).toEqual([undefined, 'token'])
    expect(lastRequest().headers.authorization).toBe(authorizationFor(lastRequest(), 'other'))
    expect(chain.loads).toBe(0)
  })

  test('are found as the SDK finds them: a profile counts more than keys', async () => {
    stubKeys('KEYS')
    vi.spyOn(console, 'warn').mockImplementation(() => {})
    await createLightClient({ endpoint: server.url, profile: 'work' }).getGroup(input)
    vi.stubEnv('AWS_PROFILE', 'work')
    await fromEnvironment().getGroup(input)
    await new CognitoIdentityProvider({ endpoint: server.url, region: 'eu-west-1' }).getGroup(input)
    expect(server.requests.map(keyOf)).toEqual(['AKIDPROFILE', 'AKIDPROFILE', 'AKIDPROFILE'])
    expect(chain.loads, 'control: the chain was loaded').toBeGreaterThan(0)
  })

  test('that are nowhere are no-credentials, as with the client of the SDK', async () => {
    for (const keys of [{}, { AWS_ACCESS_KEY_ID: 'only' }, { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: 'x' }]) {
      for (const [name, value] of Object.entries(keys)) vi.stubEnv(name, value)
      expect(await failureOf(() => ask(fromEnvironment()))).toMatchObject({ code: 'no-credentials', retryable: false })
    }
    expect(server.requests).toEqual([])
  })

  test('of a function are cached until five minutes before they expire', async () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 0 })
    let loads = 0
    const client = clientOf({
      credentials: async () => ({
        ...credentials,
        accessKeyId: `K${++loads}`,
        expiration: new Date(Date.now() + 3_600_000),
      }),
    })
    await Promise.all([client.getGroup(input), client.getGroup(input)])
    vi.setSystemTime(3_300_000)
    await client.getGroup(input)
    vi.setSystemTime(3_300_001)
    await client.getGroup(input)
    expect(server.requests.map(keyOf)).toEqual(['K1', 'K1', 'K1', 'K2'])
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['an empty object', {}],
    ['an expiration that is no date', { ...credentials, expiration: '2027-01-01T00:00:00Z' }],
    ['the names of STS', { ...credentials, sessionToken: undefined, SessionToken: 'token' }],
  ])('of a function that gives %s are none', async (_, loaded) => {
    const client = clientOf({ credentials: (async () => loaded) as never })
    const error = await failureOf(() => ask(client))
    expect(error).toMatchObject({ code: 'no-credentials', message: expect.stringContaining('`credentials`') })
    expect(inspect(error, { depth: Infinity, showHidden: true })).not.toContain(credentials.secretAccessKey)
    expect(server.requests).toEqual([])
  })

  test('given as a client or a profile are in no error', () => {
    const secret = { accessKeyId: 'AKID', secretAccessKey: 'SECRET' }
    for (const attempt of [
      () => createLightClient({ profile: secret as never }),
      () => createRoleResolver({ userPoolId: 'eu-west-1_Ab12Cd34e', client: secret as never }),
    ])
      expect(inspect(errorOf(attempt), { depth: Infinity, showHidden: true })).not.toContain('SECRET')
  })

  test('that a function fails to load are asked for again by the next call', async () => {
    let loads = 0
    const client = clientOf({
      async credentials() {
        if (++loads === 1) throw Object.assign(new Error('no role'), { name: 'CredentialsProviderError' })
        return credentials
      },
    })
    expect(await failureOf(() => ask(client))).toMatchObject({ code: 'no-credentials' })
    await ask(client)
    expect(loads).toBe(2)
  })

  test('are in no failure, however deep one looks', async () => {
    const { headers } = await clientOf()
      .getGroup(input)
      .then(() => lastRequest())
    const quoted = `The request signature we calculated does not match … ${inspect(headers)}`
    for (const script of [
      exception('InvalidSignatureException', quoted),
      exception('AccessDeniedException', 'User: arn:aws:iam::123456789012:user/local is not authorized'),
      respond(200, '<html>'),
      respond(500, {}),
    ]) {
      vi.spyOn(Math, 'random').mockReturnValue(0)
      server.script = script
      const error = await failureOf(() => ask(clientOf()))
      expect(inspect(error, { depth: Infinity, showHidden: true })).not.toMatch(
        /AKIDLOCAL|local-secret|local-session-token/,
      )
    }
  })
})

// ------------------------------------------------------------------ where it sends

describe('the endpoint', () => {
  const contextOf = (poolId: string) => ({ operation: 'GetGroup', userPoolId: poolId, groupName: 'admins' }) as const
  const urlFor = (poolId: string, options: LightClientOptions = {}) =>
    targetOf({ ...options, maxAttempts: 1 }, contextOf(poolId)).url.href

  test.each(['eu-west-1', 'us-east-1', 'us-gov-west-1', 'cn-north-1', 'ap-southeast-5', 'mx-central-1'])(
    'of %s is that of the client of the SDK',
    region => {
      const { config } = new CognitoIdentityProviderClient({ region, credentials })
      const { url } = config.endpointProvider({ Region: region, UseDualStack: false, UseFIPS: false })
      expect(urlFor(`${region}_Ab12Cd34e`)).toBe(url.href)
      expect(urlFor('local_Ab12Cd34e', { region })).toBe(url.href)
    },
  )

  test('is not guessed if the host name is not public, or if there is no region', () => {
    for (const poolId of ['us-iso-east-1_a', 'eusc-de-east-1_a', 'evil.example/#_a', 'a@b_c', '_a', 'none'])
      expect(
        errorOf(() => urlFor(poolId)),
        poolId,
      ).toMatchObject({ code: 'no-region' })
    expect(urlFor('us-iso-east-1_a', { endpoint: 'https://cognito-idp.us-iso-east-1.c2s.ic.gov' })).toBe(
      'https://cognito-idp.us-iso-east-1.c2s.ic.gov/',
    )
  })

  test('of the environment is read as the SDK reads it', async () => {
    const poolId = 'eu-west-1_a'
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://127.0.0.1:4566')
    expect(urlFor(poolId)).toBe('http://127.0.0.1:4566/')
    vi.stubEnv('AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER', 'http://127.0.0.1:9229')
    expect(urlFor(poolId)).toBe('http://127.0.0.1:9229/')
    expect(urlFor(poolId, { endpoint: 'http://127.0.0.1:1' }), 'the option counts more').toBe('http://127.0.0.1:1/')
    vi.stubEnv('AWS_IGNORE_CONFIGURED_ENDPOINT_URLS', 'true')
    expect(urlFor(poolId)).toBe('https://cognito-idp.eu-west-1.amazonaws.com/')
  })

  test('of the environment that is not a URL is rejected, and a password in it is not shown', () => {
    vi.stubEnv('AWS_ENDPOINT_URL', 'localhost:4566')
    expect(errorOf(() => urlFor('eu-west-1_a'))).toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('`AWS_ENDPOINT_URL` is `localhost:4566`') as unknown,
    })
    vi.stubEnv('AWS_ENDPOINT_URL', 'http://user:hunter2@localhost')
    expect(errorOf(() => urlFor('eu-west-1_a')).message).not.toContain('hunter2')
  })

  test.each(['AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT'])(
    '%s is not ignored: another endpoint would not be what was asked for',
    name => {
      vi.stubEnv(name, 'true')
      const error = errorOf(() => urlFor('us-east-1_a'))
      expect(error).toMatchObject({ code: 'invalid-option' })
      expect(error.message).toContain(name)
      const endpoint = 'https://cognito-idp-fips.us-east-1.amazonaws.com'
      expect(urlFor('us-east-1_a', { endpoint })).toBe(`${endpoint}/`)
      vi.stubEnv(name, 'false')
      expect(urlFor('us-east-1_a')).toBe('https://cognito-idp.us-east-1.amazonaws.com/')
    },
  )
})

// ------------------------------------------------------------------ abort and retries

describe('abort', () => {
  test('ends the request and its connection immediately, with the reason', async () => {
    let ended = () => {}
    const closed = new Promise<void>(resolve => (ended = resolve))
    server.script = response => void response.on('close', ended)
    const controller = new AbortController()
    const reason = new Error('enough')
    const call = clientOf().getGroup(input, { abortSignal: controller.signal })
    await vi.waitFor(() => expect(server.requests).toHaveLength(1))
    controller.abort(reason)
    await expect(call).rejects.toBe(reason)
    await closed
    expect(server.requests).toHaveLength(1)
  })

  test('before the call sends nothing', async () => {
    const reason = new Error('enough')
    await expect(clientOf().getGroup(input, { abortSignal: AbortSignal.abort(reason) })).rejects.toBe(reason)
    expect(server.requests).toEqual([])
  })

  test('while credentials load ends the call', async () => {
    const controller = new AbortController()
    const client = clientOf({ credentials: () => new Promise(() => {}) })
    const call = client.getGroup(input, { abortSignal: controller.signal })
    controller.abort(new Error('enough'))
    await expect(call).rejects.toThrow('enough')
  })

  test('no listener stays on a signal, whatever happens', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const { signal } = new AbortController()
    for (const script of [ADMINS, respond(500, {}), exception('AccessDeniedException')]) {
      server.script = script
      await clientOf()
        .getGroup(input, { abortSignal: signal })
        .catch(() => {})
    }
    await vi.waitFor(() => expect(getEventListeners(signal, 'abort')).toEqual([]))
  })
})

describe('the waits before a retry', () => {
  useVirtualTime()
  const throttled = Object.assign(new Error('Rate exceeded'), { name: 'TooManyRequestsException' })
  const failed = Object.assign(new Error('no'), { $metadata: { httpStatusCode: 503 } })

  /** The times of the attempts. */
  async function attemptsOf(error: Error, maxAttempts: number, random: number): Promise<readonly number[]> {
    vi.spyOn(Math, 'random').mockReturnValue(random)
    const started = Date.now()
    const times: number[] = []
    const call = createRetries(maxAttempts)(async () => {
      times.push(Date.now() - started)
      throw error
    }, undefined)
    await expect(call).rejects.toBe(error)
    return times
  }

  test('double, and are longer after throttling', async () => {
    expect(await attemptsOf(throttled, 4, 0.999_999)).toEqual([0, 999, 2_998, 6_997])
    expect(await attemptsOf(failed, 4, 0.999_999)).toEqual([0, 49, 148, 347])
  })

  test('are a random part, and never more than 20 seconds', async () => {
    expect(await attemptsOf(throttled, 3, 0.5)).toEqual([0, 500, 1_500])
    const times = await attemptsOf(throttled, 10, 0.999_999)
    expect(Math.max(...times.map((time, index) => time - (times[index - 1] ?? 0)))).toBeLessThanOrEqual(20_000)
  })

  test('end with the abort, and leave no timer', async () => {
    const controller = new AbortController()
    vi.spyOn(Math, 'random').mockReturnValue(0.999)
    const call = createRetries(3)(async () => {
      throw throttled
    }, controller.signal)
    setTimeout(() => controller.abort(new Error('enough')), 10)
    await expect(call).rejects.toThrow('enough')
    expect(vi.getTimerCount()).toBe(0)
  })

  test('an outage is not met by retries without end: they have a budget, which successes refill', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const retrying = createRetries(2)
    let attempts = 0
    const fail = () =>
      retrying(async () => {
        attempts++
        throw failed
      }, undefined).catch(() => {})
    for (let call = 0; call < 100; call++) await fail()
    expect(attempts).toBe(100 + 35)
    for (let call = 0; call < 14; call++) await retrying(async () => 'fine', undefined)
    attempts = 0
    await fail()
    expect(attempts).toBe(2)
  })

  test('the failure says how many attempts there were', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    const call = createRetries(3)(async () => {
      throw failed
    }, undefined)
    await expect(call).rejects.toMatchObject({ $metadata: { attempts: 3, httpStatusCode: 503 } })
  })
})

// ------------------------------------------------------------------ options

describe('options', () => {
  test.each([
    [{ regoin: 'eu-west-1' }, 'did you mean `region`?'],
    [{ client: {} }, 'unknown key'],
    [{ region: 'eu west' }, '`region` is `eu west`'],
    [{ region: 'evil.example/' }, '`region` is `evil.example/`'],
    [{ region: '' }, '`region` is'],
    [{ endpoint: 'ftp://x' }, '`endpoint` is `ftp://x`'],
    [{ profile: '' }, '`profile` is'],
    [{ profile: 'a', credentials }, 'both `credentials` and `profile`'],
    [{ credentials: { accessKeyId: 'a' } }, '`credentials` lacks'],
    [{ credentials: { ...credentials, sessionToken: 7 } }, '`credentials` lacks'],
    [{ credentials: 'hunter2' }, '`credentials` lacks'],
    [{ maxAttempts: 0 }, '`maxAttempts` is `0`'],
    [{ maxAttempts: 11 }, '`maxAttempts` is `11`'],
    [{ maxAttempts: 1.5 }, '`maxAttempts` is `1.5`'],
    [null, 'the options must be an object'],
  ])('%j is rejected', (options, said) => {
    const error = errorOf(() => createLightClient(options as LightClientOptions))
    expect(error.code).toBe('invalid-option')
    expect(error.message).toContain(said)
    expect(inspect(error)).not.toContain('hunter2')
  })

  test('maxAttempts is how often a request is sent', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0)
    server.script = respond(503, {})
    for (const maxAttempts of [1, 2, 5]) {
      server.requests.length = 0
      await failureOf(() => ask(clientOf({ maxAttempts })))
      expect(server.requests).toHaveLength(maxAttempts)
    }
  })
})
