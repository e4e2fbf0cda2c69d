import { generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'
import { CognitoJwtVerifier, JwtVerifier } from 'aws-jwt-verify'
import * as errors from 'aws-jwt-verify/error'
import { createLocalJWKSet, createRemoteJWKSet, errors as joseErrors, type JSONWebKeySet, jwtVerify } from 'jose'
import { afterEach, describe, expect, it } from 'vitest'
import { createRoleAuthorizer, createRoleGuard, type Decision, type Denied } from '../../src/authorizer/index.js'
import { reasonOfVerifierFailure } from '../../src/authorizer/verifier-failure.js'
import { createRoleResolver } from '../../src/cognito/index.js'
import { RolecastError } from '../../src/errors.js'

const POOL = 'eu-west-1_Ab12Cd34e'
const ISSUER = `https://cognito-idp.eu-west-1.amazonaws.com/${POOL}`
const CLIENT = '1example23456789'
const ROLE = 'arn:aws:iam::111122223333:role/Admin'
const now = Math.floor(Date.now() / 1000)
const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const { n, e } = publicKey.export({ format: 'jwk' })
const KEY = { kid: 'known', alg: 'RS256', use: 'sig', kty: 'RSA', n: n!, e: e! } as const
const JWKS = JSON.stringify({ keys: [KEY] })

function tokenOf(claims: object = {}, kid: string | undefined = 'known', alg = 'RS256'): string {
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const payload = { sub: 'user-1', iss: ISSUER, aud: CLIENT, token_use: 'id', iat: now, exp: now + 3600, ...claims }
  const signed = `${encode({ alg, kid })}.${encode({ 'cognito:groups': ['admins'], ...payload })}`
  return `${signed}.${sign('sha256', Buffer.from(signed), privateKey).toString('base64url')}`
}
const forge = (token: string) => `${token.slice(0, token.lastIndexOf('.'))}.${'A'.repeat(342)}`

const servers: Server[] = []
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
})

interface KeySet {
  readonly uri: string
  /** What it answers from now on. */
  body: string
  stop(): Promise<unknown>
}

/** A key set on this machine that answers so. Without a status it never does. */
async function keySet(status: number | undefined, text: string): Promise<KeySet> {
  const server = createServer((_request, response) => {
    if (status !== undefined) response.writeHead(status, { connection: 'close' }).end(set.body)
  })
  servers.push(server)
  await new Promise<void>(resolve => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  }
  const set: KeySet = { uri: `http://127.0.0.1:${port}/jwks.json`, body: text, stop }
  return set
}

/** aws-jwt-verify's own verifier, cache and checks; only the transport is plain HTTP. */
async function verifierOf(uri: string): Promise<{ verify(token: string): Promise<object> }> {
  const { SimpleJwksCache } = await import('aws-jwt-verify/jwk')
  const fetcher = {
    fetch: async (address: string) => {
      const response = await fetch(address).catch((error: Error) => {
        throw new errors.FetchError(address, error.message)
      })
      if (response.status !== 200) throw new errors.NonRetryableFetchError(address, `Status code is ${response.status}`)
      return response.arrayBuffer()
    },
  }
  return JwtVerifier.create(
    { issuer: ISSUER, audience: CLIENT, jwksUri: uri },
    { jwksCache: new SimpleJwksCache({ fetcher }) },
  )
}

interface Told {
  readonly error: unknown
  readonly decision: Denied
}

function guardOf(verifier: { verify(token: string): Promise<object> } | ((token: string) => object)): {
  readonly guard: (token: string) => Promise<Decision>
  readonly told: readonly Told[]
} {
  const table = new Map([['admins', { groupName: 'admins', precedence: 1, roleArn: ROLE }]])
  const told: Told[] = []
  const guard = createRoleGuard({
    resolver: createRoleResolver({ source: name => table.get(name), userPoolId: POOL }),
    verifier,
    groupsOf: 'token',
    onStale: 'allow',
    allow: () => true,
    onError: (error, decision) => told.push({ error, decision }),
  })
  return { guard, told }
}

describe('the verifier of aws-jwt-verify', () => {
  it.each([
    ['an expired token', (): string => tokenOf({ exp: now - 60 }), 'expired'],
    ['a token of another client', () => tokenOf({ aud: 'other' }), 'wrong-client'],
    ['a token of another pool', () => tokenOf({ iss: `${ISSUER}x` }), 'wrong-pool'],
    ['a forged token', () => forge(tokenOf()), 'bad-signature'],
    ['a key id that the key set does not have', () => tokenOf({}, 'unknown'), 'bad-signature'],
    ['a token that is not valid yet', () => tokenOf({ nbf: now + 600 }), 'unverified'],
    ['what is no token', (): string => 'no token', 'unverified'],
  ] as const)('denies %s with its own reason, and with 401', async (_, token, reason) => {
    const { guard, told } = guardOf(await verifierOf((await keySet(200, JWKS)).uri))
    expect(await guard(token())).toMatchObject({ allowed: false, reason, status: 401 })
    expect(told).toMatchObject([{ decision: { reason } }])
    expect(inspect(told, { depth: 9 })).not.toContain(token().split('.').at(-1))
    expect(await guard(tokenOf()), 'control').toMatchObject({ allowed: true, claims: { sub: 'user-1', aud: CLIENT } })
  })

  it('denies with 401 while it waits after an unknown key id, which the sender chose', async () => {
    const { guard } = guardOf(await verifierOf((await keySet(200, JWKS)).uri))
    for (const kid of ['unknown', 'unknown', 'another'])
      expect(await guard(tokenOf({}, kid))).toMatchObject({ reason: 'bad-signature', status: 401 })
    expect(await guard(tokenOf()), 'others are not held up').toMatchObject({ allowed: true })
  })

  it('denies a key that is new with 401 while it waits, for ten seconds after an unknown key id', async () => {
    const rotated = JSON.stringify({ keys: [KEY, { ...KEY, kid: 'rotated' }] })
    const after = async (token: string) => {
      const set = await keySet(200, JWKS)
      const { guard } = guardOf(await verifierOf(set.uri))
      await guard(token)
      set.body = rotated
      return guard(tokenOf({}, 'rotated'))
    }
    expect(await after(tokenOf({}, 'unknown'))).toMatchObject({ reason: 'bad-signature', status: 401 })
    expect(await after(tokenOf()), 'control').toMatchObject({ allowed: true })
  })

  it.each([
    ['is down', 200, JWKS, true],
    ['answers with 500', 500, 'no', false],
    ['answers with a page instead of keys', 200, '<html>', false],
  ])('denies with 503 if the key set %s', async (_, status, body, isDown) => {
    const { uri, stop } = await keySet(status, body)
    if (isDown) await stop()
    const { guard, told } = guardOf(await verifierOf(uri))
    for (const token of [tokenOf(), forge(tokenOf())])
      expect(await guard(token)).toMatchObject({ reason: 'keys-unavailable', status: 503 })
    expect(told).toHaveLength(2)
  })

  it('throws errors that differ by the name of their class only', () => {
    expect(new errors.JwtExpiredError('no', 1).name).toBe('Error')
    const minified = { a: class extends errors.JwtExpiredError {} }.a
    expect(reasonOfVerifierFailure(new minified('no', 1))).toBe('unverified')
  })
})

describe('the verifier of aws-jwt-verify for Cognito', () => {
  interface Properties {
    readonly userPoolId: string
    readonly clientId: string
    readonly tokenUse: 'id'
  }
  const access = { token_use: 'access', aud: undefined, client_id: CLIENT }

  it.each([
    ['an expired token', { exp: now - 60 }, {}, 'expired', 401],
    ['an ID token of another client', { aud: 'other' }, {}, 'wrong-client', 401],
    ['an ID token of no client', { aud: undefined }, {}, 'wrong-client', 401],
    ['an access token of another client', { ...access, client_id: 'x' }, { tokenUse: 'access' }, 'wrong-client', 401],
    ['an access token in place of an ID token', access, {}, 'invalid-claims', 401],
    ['a token of another pool', { iss: `${ISSUER}x` }, {}, 'wrong-pool', 401],
    ['a token without an issuer', { iss: undefined }, {}, 'unverified', 401],
    ['a token that is not valid yet', { nbf: now + 600 }, {}, 'unverified', 401],
    ['a user in none of its groups', {}, { groups: ['owners'] }, 'not-allowed', 403],
    [
      'a token without its scope',
      { ...access, scope: 'read' },
      { tokenUse: 'access', scope: 'write' },
      'not-allowed',
      403,
    ],
  ] as const)('denies %s with its own reason', async (_, claims, props, reason, status) => {
    const properties = { userPoolId: POOL, clientId: CLIENT, tokenUse: 'id', ...props }
    const verifier = CognitoJwtVerifier.create(properties as Properties)
    verifier.cacheJwks({ keys: [KEY] })
    const { guard, told } = guardOf(verifier)
    expect(await guard(tokenOf(claims))).toMatchObject({ allowed: false, reason, status })
    expect(told).toMatchObject([{ decision: { reason } }])
    const good = 'tokenUse' in props ? { ...access, scope: 'write' } : { 'cognito:groups': ['admins', 'owners'] }
    const table = await guard(tokenOf(good))
    expect(table.allowed || table.reason === 'unknown-group', 'control: the verifier accepts a good token').toBe(true)
  })

  it('denies forged and malformed tokens', async () => {
    const verifier = CognitoJwtVerifier.create({ userPoolId: POOL, clientId: CLIENT, tokenUse: 'id' })
    verifier.cacheJwks({ keys: [KEY] })
    const { guard } = guardOf(verifier)
    const reasons: string[] = []
    for (const token of [forge(tokenOf()), tokenOf({}, 'known', 'none'), tokenOf({}, 'known', 'HS256'), 'a.b.c'])
      reasons.push((await guard(token)).reason)
    expect(reasons).toEqual(['bad-signature', 'unverified', 'unverified', 'unverified'])
    expect(await guard(tokenOf()), 'control').toMatchObject({ allowed: true })
  })
})

describe('the verifier of jose', () => {
  type Keys = Parameters<typeof jwtVerify>[1] & ((...parameters: never[]) => unknown)

  /** jose does not know Cognito's claims: who checks them throws its error. */
  const verifierWith = (keys: Keys) => async (token: string) => {
    const { payload } = await jwtVerify(token, keys, { issuer: ISSUER })
    if (payload['token_use'] !== 'id') throw new joseErrors.JWTClaimValidationFailed('no', payload, 'token_use')
    if (payload.aud !== CLIENT) throw new joseErrors.JWTClaimValidationFailed('no', payload, 'client_id')
    return payload
  }
  const local = (...keys: readonly object[]) => createLocalJWKSet({ keys } as unknown as JSONWebKeySet)
  const remote = (uri: string) => createRemoteJWKSet(new URL(uri), { timeoutDuration: 200 })

  it.each([
    ['an expired token', (): string => tokenOf({ exp: now - 60 }), 'ERR_JWT_EXPIRED', 'expired'],
    ['a token of another pool', () => tokenOf({ iss: `${ISSUER}x` }), 'ERR_JWT_CLAIM_VALIDATION_FAILED', 'wrong-pool'],
    ['a token of no pool', () => tokenOf({ iss: undefined }), 'ERR_JWT_CLAIM_VALIDATION_FAILED', 'wrong-pool'],
    ['a token of another client', () => tokenOf({ aud: 'x' }), 'ERR_JWT_CLAIM_VALIDATION_FAILED', 'wrong-client'],
    [
      'an access token in place of an ID token',
      () => tokenOf({ token_use: 'access' }),
      'ERR_JWT_CLAIM_VALIDATION_FAILED',
      'invalid-claims',
    ],
    [
      'a token that is not valid yet',
      () => tokenOf({ nbf: now + 600 }),
      'ERR_JWT_CLAIM_VALIDATION_FAILED',
      'unverified',
    ],
    ['a forged token', () => forge(tokenOf()), 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'bad-signature'],
    ['an unknown key id', () => tokenOf({}, 'unknown'), 'ERR_JWKS_NO_MATCHING_KEY', 'bad-signature'],
    ['another algorithm', () => tokenOf({}, 'known', 'HS256'), 'ERR_JOSE_NOT_SUPPORTED', 'unverified'],
    ['no algorithm', () => tokenOf({}, 'known', 'none'), 'ERR_JOSE_NOT_SUPPORTED', 'unverified'],
    ['what is no token', (): string => 'no token', 'ERR_JWS_INVALID', 'unverified'],
  ] as const)('denies %s with its own reason, and with 401', async (_, token, code, reason) => {
    const { guard, told } = guardOf(verifierWith(local(KEY)))
    expect(await guard(token())).toMatchObject({ allowed: false, reason, status: 401, error: code })
    expect(told).toMatchObject([{ error: { code }, decision: { reason } }])
    expect(await guard(tokenOf()), 'control').toMatchObject({ allowed: true })
  })

  it('denies a client of another `audience` too', async () => {
    const keys = local(KEY)
    const { guard } = guardOf(async token => (await jwtVerify(token, keys, { audience: CLIENT })).payload)
    expect(await guard(tokenOf({ aud: 'x' }))).toMatchObject({ reason: 'wrong-client', status: 401 })
    expect(await guard(tokenOf()), 'control').toMatchObject({ allowed: true })
  })

  it('denies with 401 if two keys fit, because the sender left the key id out', async () => {
    const { guard } = guardOf(verifierWith(local(KEY, { ...KEY, kid: 'other' })))
    const withoutId = tokenOf({}, '').replace(/^[^.]+/, Buffer.from('{"alg":"RS256"}').toString('base64url'))
    expect(await guard(withoutId)).toMatchObject({ status: 401, error: 'ERR_JWKS_MULTIPLE_MATCHING_KEYS' })
  })

  it.each([
    ['answers with 500', 500, 'no', 'ERR_JOSE_GENERIC'],
    ['answers with a page instead of keys', 200, '<html>', 'ERR_JOSE_GENERIC'],
    ['has no keys', 200, '{}', 'ERR_JWKS_INVALID'],
    ['does not answer', undefined, '', 'ERR_JWKS_TIMEOUT'],
    ['is down', 0, '', 'TypeError'],
  ])('denies with 503 if the key set %s', async (_, status, body, error) => {
    const { uri, stop } = await keySet(status, body)
    if (status === 0) await stop()
    const { guard } = guardOf(verifierWith(remote(uri)))
    for (const token of [tokenOf(), forge(tokenOf())])
      expect(await guard(token)).toMatchObject({ reason: 'keys-unavailable', status: 503, error })
  })

  it('in the guide denies tokens of another use and of another client', async () => {
    const page = readFileSync(new URL('../../docs/authorizer.md', import.meta.url), 'utf8')
    const [, code] = /^```js\nimport [^\n]+ from 'jose'\n([^]*?)^```$/m.exec(page)!
    const names = ['createRemoteJWKSet', 'errors', 'jwtVerify', 'userPoolId', 'clientId']
    const make = new Function(...names, `${code}; return verifier`) as (
      ...values: unknown[]
    ) => (token: string) => object
    const { guard } = guardOf(make(() => local(KEY), joseErrors, jwtVerify, POOL, CLIENT))
    const access = { token_use: 'access', aud: undefined, client_id: CLIENT }
    const reasons: string[] = []
    for (const claims of [access, {}, { ...access, client_id: 'x' }, { ...access, iss: `${ISSUER}x` }])
      reasons.push((await guard(tokenOf(claims))).reason)
    expect(reasons).toEqual(['allowed', 'invalid-claims', 'wrong-client', 'wrong-pool'])
    expect(await guard(tokenOf(access, 'known', 'HS256'))).toMatchObject({ status: 401 })
  })

  it('accepts a token with the key set that is read, and denies a key that is new with 401 for a while', async () => {
    const set = await keySet(200, JWKS)
    const { guard } = guardOf(verifierWith(remote(set.uri)))
    expect(await guard(tokenOf())).toMatchObject({ allowed: true })
    set.body = JSON.stringify({ keys: [KEY, { ...KEY, kid: 'rotated' }] })
    expect(await guard(tokenOf({}, 'rotated'))).toMatchObject({ reason: 'bad-signature', status: 401 })
  })

  it('throws the error of fetch where there is no connection', async () => {
    const { uri, stop } = await keySet(200, JWKS)
    await stop()
    const error: unknown = await fetch(uri).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(TypeError)
    expect(reasonOfVerifierFailure(error)).toBe('keys-unavailable')
    expect(reasonOfVerifierFailure(new TypeError('fetch failed'))).toBe('unverified')
  })
})

describe("a verifier of one's own", () => {
  it('says with a RolecastError that it may work later', () => {
    const error = (retryable: boolean) => new RolecastError('unreachable', 'no', { retryable })
    expect(reasonOfVerifierFailure(error(true))).toBe('keys-unavailable')
    expect(reasonOfVerifierFailure(error(false))).toBe('unverified')
  })

  const throwing = () => {
    throw new Error('read')
  }
  const handler = { get: throwing, getPrototypeOf: throwing, has: throwing, getOwnPropertyDescriptor: throwing }
  const getters = Object.defineProperties(
    {},
    {
      name: { get: throwing },
      code: { get: throwing },
      message: { get: throwing },
      stack: { get: throwing },
      cause: { get: throwing },
      constructor: { get: throwing },
    },
  )
  const endless = new Error('no')
  endless.cause = endless

  it.each([
    ['a proxy', () => new Proxy(new Error('no'), handler)],
    ['getters that throw', () => getters],
    ['an object without a prototype', () => Object.create(null) as unknown],
    ['nothing', () => undefined],
    ['null', () => null],
    ['a string', () => 'no'],
    ['a symbol', () => Symbol('no')],
    ['a code that is an object', () => ({ code: { toString: throwing }, name: [], constructor: 7 })],
    ['a cause that has no end', () => endless],
  ])('that throws %s is unverified, and is told', async (_, errorOf) => {
    const error: unknown = errorOf()
    const { guard, told } = guardOf(() => {
      throw error
    })
    expect(await guard(tokenOf())).toMatchObject({ allowed: false, reason: 'unverified', status: 401 })
    expect(told).toMatchObject([{ error: expect.any(Error) as Error, decision: { reason: 'unverified' } }])
  })
})

describe('the hook of errors', () => {
  const told = async (error: unknown, token = tokenOf()) => {
    const { guard, told: all } = guardOf(() => {
      throw error
    })
    await guard(token)
    return all[0]!.error as Error & Record<string, unknown>
  }

  it('gets a copy without the token, its parts, and other properties', async () => {
    const token = tokenOf()
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const texts = { message: `bad ${token}`, name: 'JwtError', code: `E_${signature}`, rawJwt: token, extra: { token } }
    const error = Object.assign(new Error(`bad ${token}`), texts, { cause: new Error(`${payload} of ${header}`) })
    const copy = await told(error, token)
    expect(copy).toMatchObject({ name: 'JwtError', message: 'bad [token]', code: 'E_[token]' })
    expect(copy.cause).toMatchObject({ name: 'Error', message: '[token] of [token]' })
    expect(copy.stack).toContain('verifier-failure.test.ts')
    expect(Object.keys(copy).toSorted()).toEqual(['cause', 'code', 'name'])
    const shown = inspect(copy, { depth: 9, showHidden: true })
    for (const secret of [header, payload, signature]) expect(shown).not.toContain(secret)
    expect(inspect(error, { depth: 9 }), 'control').toContain(signature)
  })

  it('gets no part of a token that a message cut', async () => {
    const token = tokenOf()
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const cut = [token.slice(0, -1), token.slice(0, header.length + 30), payload.slice(0, -5), signature.slice(0, 20)]
    const copy = await told(new Error(`bad: ${cut.join(' and ')}, 12345678`), token)
    expect(copy.message).toMatch(/^bad: [[\]token. and]+, 12345678$/)
    for (const part of [header, payload, signature]) expect(copy.message).not.toContain(part.slice(8, 16))
  })

  it('and the decision get no part of the token as a code', async () => {
    const token = tokenOf()
    const { guard } = guardOf(() => {
      throw Object.assign(new Error('no'), { code: token.split('.')[2]!.slice(0, 40) })
    })
    expect(((await guard(token)) as { error?: string }).error).toBe('Error')
  })

  it('gets the code, the group and `retryable` of a RolecastError', async () => {
    const details = { groupName: 'admins', retryable: true, value: tokenOf() }
    expect(await told(new RolecastError('throttled', 'slow down', details))).toMatchObject({
      name: 'RolecastError',
      code: 'throttled',
      message: 'slow down',
      groupName: 'admins',
      retryable: true,
    })
  })

  it('gets five causes at most', async () => {
    let error = new Error('last')
    for (let depth = 0; depth < 9; depth++) error = new Error(`${depth}`, { cause: error })
    let depth = 0
    for (let cause: unknown = await told(error); (cause as Error).cause !== undefined; depth++)
      cause = (cause as Error).cause
    expect(depth).toBe(5)
  })

  it('is not called for a denial without an error', async () => {
    const { guard, told: all } = guardOf(() => ({ sub: 'user-1', iss: ISSUER }))
    expect(await guard(tokenOf())).toMatchObject({ allowed: false, reason: 'no-role' })
    expect(all).toEqual([])
  })

  it('is called for an authorizer too, and without a token it withholds the texts', async () => {
    const told: Told[] = []
    const handler = createRoleAuthorizer({
      kind: 'rest-request',
      resolver: { userPoolId: POOL, resolve: () => Promise.reject(new Error('down')) },
      verifier: token => {
        if (token === 'forged') throw new Error('forged is no token')
        return { sub: 'user-1', iss: ISSUER }
      },
      groupsOf: 'token',
      onStale: 'deny',
      resource: 'stage',
      onFailure: 'deny',
      allow: () => true,
      findToken: ({ headers }) => {
        if (headers?.['token'] === undefined) throw new Error('secret.of.somebody')
        return headers['token']
      },
      onError: (error, decision) => told.push({ error, decision }),
    })
    const methodArn = 'arn:aws:execute-api:eu-west-1:123456789012:ymy8tbxw7b/prod/GET/pets'
    const event = { type: 'REQUEST', methodArn, httpMethod: 'GET', path: '/pets', requestContext: {} } as const
    await handler({ ...event, headers: { token: 'good' } })
    await handler({ ...event, headers: { token: 'forged' } }).catch(() => {})
    await handler(event).catch(() => {})
    expect(told.map(({ error }) => (error as Error).message)).toEqual([
      'down',
      '[token] is no token',
      expect.stringContaining('withheld'),
    ])
    expect(told.map(({ decision }) => decision.reason)).toEqual(['resolver-failed', 'unverified', 'missing-token'])
    expect(inspect(told, { depth: 10 })).not.toMatch(/forged is|secret/)
  })

  it('changes nothing, whatever it does', async () => {
    const hooks = [
      () => {
        throw new Error('no')
      },
      () => Promise.reject(new Error('no')),
      () => new Promise(() => {}),
    ]
    for (const onError of hooks) {
      const guard = createRoleGuard({
        resolver: { userPoolId: POOL, resolve: () => Promise.reject(new Error('down')) },
        verifier: () => ({ sub: 'user-1', iss: ISSUER }),
        groupsOf: 'token',
        onStale: 'deny',
        allow: () => true,
        onError,
      })
      expect(await guard('token')).toEqual({
        allowed: false,
        reason: 'resolver-failed',
        status: 503,
        principalId: 'user-1',
        error: 'Error',
      })
    }
  })
})
