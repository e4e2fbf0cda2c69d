import { inspect } from 'node:util'
import { GetIdentityPoolRolesCommand } from '@aws-sdk/client-cognito-identity'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { mappingsByClient } from '../../../src/cognito/api/identity-pool-api.js'
import { getIdentityPoolRoles, type GetIdentityPoolRolesOptions } from '../../../src/cognito/index.js'
import { type ErrorCode, RolecastError } from '../../../src/errors.js'
import { selectRole } from '../../../src/credentials/select-role.js'
import {
  identityClient,
  type IdentityPoolEndpoint,
  type IdentityPoolFault,
  startIdentityPoolEndpoint,
} from './identity-pool-endpoint.js'
import { findRoleMapping } from '../../../src/credentials/role-mapping.js'

const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const userPoolId = 'eu-west-1_Ab12Cd34e'
const clientId = '3n4b5urk1ft4fl3mg5e62d9ado'
const key = `cognito-idp.eu-west-1.amazonaws.com/${userPoolId}:${clientId}`
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const token = { Type: 'Token', AmbiguousRoleResolution: 'Deny' } as const
const rules = {
  Type: 'Rules',
  AmbiguousRoleResolution: 'AuthenticatedRole',
  RulesConfiguration: {
    Rules: [{ Claim: 'cognito:groups', MatchType: 'Contains', Value: 'admins', RoleARN: role('Admin') }],
  },
} as const
const full = {
  IdentityPoolId: identityPoolId,
  Roles: { authenticated: role('SignedIn'), unauthenticated: role('Guest') },
  RoleMappings: { [key]: token, 'accounts.google.com': rules },
}

let endpoint: IdentityPoolEndpoint
beforeAll(async () => {
  endpoint = await startIdentityPoolEndpoint()
})
beforeEach(() => {
  endpoint.pools.clear()
  endpoint.pools.set(identityPoolId, full)
  endpoint.fail(undefined)
  endpoint.requests.length = 0
})
afterEach(() => void vi.unstubAllEnvs())
afterAll(() => endpoint.close())

const get = (options: Partial<GetIdentityPoolRolesOptions> = {}) =>
  getIdentityPoolRoles({ identityPoolId, client: identityClient(endpoint), ...options })

async function failureOf(options: Partial<GetIdentityPoolRolesOptions> = {}): Promise<RolecastError> {
  const error: unknown = await get(options).catch((cause: unknown) => cause)
  expect(error).toBeInstanceOf(RolecastError)
  return error as RolecastError
}

describe('what the identity pool has', () => {
  test('is there for findRoleMapping and selectRole', async () => {
    const { roles, roleMappings, ...rest } = await get()
    expect({ roles, roleMappings, ...rest }).toEqual({
      identityPoolId,
      roles: full.Roles,
      roleMappings: full.RoleMappings,
    })
    const mapping = findRoleMapping(roleMappings, userPoolId, clientId)
    expect(mapping).toEqual(token)
    expect(selectRole({ 'cognito:preferred_role': role('Admin') }, mapping, { roles })).toMatchObject({
      outcome: 'role',
      roleArn: role('Admin'),
    })
    expect(endpoint.requests).toMatchObject([{ operation: 'GetIdentityPoolRoles', identityPoolId }])
  })

  test.each<[string, object]>([
    ['nothing but its id', {}],
    ['empty parts', { Roles: {}, RoleMappings: {} }],
    ['nulls, as emulators have them', { Roles: null, RoleMappings: null }],
  ])('%s: no roles and no mappings', async (_what, parts) => {
    endpoint.pools.set(identityPoolId, { IdentityPoolId: identityPoolId, ...parts })
    expect(await get()).toEqual({ identityPoolId, roles: {}, roleMappings: {} })
  })

  test('an unset field within is left out of what selectRole reads', async () => {
    endpoint.pools.set(identityPoolId, {
      ...full,
      Roles: { authenticated: null },
      RoleMappings: { [key]: { ...token, AmbiguousRoleResolution: null } },
    })
    const { roles, roleMappings } = await get()
    expect(selectRole({}, roleMappings[key], { roles })).toMatchObject({ outcome: 'denied', rule: 'ambiguous-unset' })
  })
})

describe('the client that is made', () => {
  const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: 'secret', AWS_REGION: 'us-west-2' }
  const signed = async (options: Partial<GetIdentityPoolRolesOptions> = {}) => {
    for (const [name, value] of Object.entries(CREDENTIALS)) vi.stubEnv(name, value)
    await get({ client: undefined, endpoint: endpoint.url, ...options })
    return endpoint.requests.map(({ authorization }) =>
      authorization.replace(/^.*Credential=(\w+)\/\d{8}\/([\w-]+)\/([\w-]+)\/.*$/, '$1 $2 $3'),
    )
  }

  test('signs for the region of the identity pool id', async () => {
    expect(await signed()).toEqual(['AKIAENVIRONMENT eu-west-1 cognito-identity'])
  })

  test('signs for the region given', async () => {
    expect(await signed({ region: 'us-east-2' })).toEqual(['AKIAENVIRONMENT us-east-2 cognito-identity'])
  })
})

describe('failures', () => {
  test.each<[string, IdentityPoolFault, ErrorCode, boolean]>([
    ['an IAM policy that says no', { error: 'AccessDeniedException' }, 'not-authorized', false],
    ['a refusal by the service', { error: 'NotAuthorizedException' }, 'not-authorized', false],
    ['throttling', { error: 'TooManyRequestsException' }, 'throttled', true],
    ['an invalid parameter', { error: 'InvalidParameterException' }, 'request-rejected', false],
    ['a failure inside', { error: 'InternalErrorException', status: 500 }, 'service-error', true],
    ['a connection that breaks', 'drop', 'unreachable', true],
    ['a login page', { body: '<!DOCTYPE html>', type: 'text/html' }, 'malformed-response', false],
    ['half of the JSON', { body: JSON.stringify(full).slice(0, 90) }, 'malformed-response', false],
    ['no answer', { body: '' }, 'malformed-response', false],
  ])('%s', async (_what, fault, code, retryable) => {
    endpoint.fail(fault)
    const error = await failureOf()
    expect(error).toMatchObject({ code, retryable })
    expect(error.message).toMatch(/^GetIdentityPoolRoles of identity pool `eu-west-1:7f0c1ab2-[\w-]+` .+; .+$/)
    expect(error.message).not.toContain('user pool')
  })

  test('another identity pool than there is', async () => {
    const error = await failureOf({ identityPoolId: 'eu-west-1:00000000-0000-4000-8000-000000000000' })
    expect(error).toMatchObject({ code: 'pool-not-found', retryable: false })
    expect(error.message).toContain('found no such identity pool')
  })

  test('what to allow is named', async () => {
    endpoint.fail({ error: 'AccessDeniedException' })
    expect((await failureOf()).message).toContain('allow cognito-identity:GetIdentityPoolRoles')
  })

  test.each<[string, object, string]>([
    ['another pool', { IdentityPoolId: 'eu-west-1:0' }, 'another identity pool'],
    ['a mapping of an unknown type', { RoleMappings: { [key]: { Type: 'Magic' } } }, `RoleMappings.${key}.Type`],
    [
      'an unknown fallback',
      { RoleMappings: { [key]: { ...token, AmbiguousRoleResolution: 'Maybe' } } },
      'AmbiguousRoleResolution',
    ],
    ['rules that are missing', { RoleMappings: { [key]: { Type: 'Rules' } } }, 'RulesConfiguration'],
    [
      'an unknown match type',
      {
        RoleMappings: {
          [key]: {
            ...rules,
            RulesConfiguration: { Rules: [{ ...rules.RulesConfiguration.Rules[0], MatchType: 'Like' }] },
          },
        },
      },
      'Rules.0.MatchType',
    ],
    ['a role that is a number', { Roles: { authenticated: 7 } }, 'Roles.authenticated'],
    ['mappings that are a list', { RoleMappings: [] }, 'RoleMappings'],
  ])('a response with %s is malformed', async (_what, parts, said) => {
    endpoint.fail({ body: JSON.stringify({ ...full, ...parts }) })
    const error = await failureOf()
    expect(error.code).toBe('malformed-response')
    expect(error.message).toContain(said)
  })

  test('no credential is left in a failure, however deep one looks', async () => {
    const credentials = {
      accessKeyId: 'AKIDLOCAL',
      secretAccessKey: 'local-secret',
      sessionToken: 'local-session-token',
    }
    const deep = (error: unknown) => inspect(error, { depth: Infinity, showHidden: true })
    const client = identityClient(endpoint, { credentials })
    for (const name of [
      'AccessDeniedException',
      'ResourceNotFoundException',
      'InternalErrorException',
      'InvalidParameterException',
    ]) {
      endpoint.fail({ error: name })
      expect(deep(await failureOf({ client })), name).not.toMatch(/AKIDLOCAL|local-secret|local-session-token/)
    }
    endpoint.fail({
      error: 'InvalidSignatureException',
      message: 'The Canonical String should have been x-amz-security-token:local-session-token',
    })
    expect(deep(await failureOf({ client }))).not.toContain('local-session-token')
    const raw: unknown = await client
      .send(new GetIdentityPoolRolesCommand({ IdentityPoolId: identityPoolId }))
      .catch((cause: unknown) => cause)
    expect(deep(raw), "control: the SDK's own error has them").toContain('local-session-token')
  })

  test.each([
    '',
    'eu-west-1',
    'eu-west-1_Ab12Cd34e',
    'eu-west-1:',
    ':7f0c1ab2',
    'eu-west-1:x y',
    `eu-west-1:${'a'.repeat(50)}`,
    7 as unknown as string,
  ])('%j is not an identity pool ID, and is sent nowhere', async id => {
    expect(await failureOf({ identityPoolId: id })).toMatchObject({ code: 'invalid-option', value: id })
    expect(endpoint.requests).toEqual([])
  })

  test.each([0, NaN, Infinity])('a timeout of %d is rejected', async timeout => {
    expect(await failureOf({ timeout })).toMatchObject({ code: 'invalid-option' })
  })
})

describe('time', () => {
  test('no response within the timeout', async () => {
    endpoint.fail('hang')
    const error = await failureOf({ timeout: 60 })
    expect(error).toMatchObject({ code: 'timeout', retryable: true })
    expect(error.message).toContain('(60 ms)')
  })

  test('a client that ignores its abort signal is cut off too', async () => {
    const client = { send: () => new Promise<unknown>(() => {}) }
    expect(await failureOf({ client, timeout: 30 })).toMatchObject({ code: 'timeout' })
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 30)
    expect(await failureOf({ client, signal: controller.signal })).toMatchObject({ code: 'aborted' })
  })

  test('a caller that gives up ends the request', async () => {
    endpoint.fail('hang')
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 30)
    expect(await failureOf({ signal: controller.signal })).toMatchObject({ code: 'aborted', retryable: false })
  })

  test('a signal that is aborted already sends nothing', async () => {
    expect(await failureOf({ signal: AbortSignal.abort() })).toMatchObject({ code: 'aborted' })
    expect(endpoint.requests).toEqual([])
  })

  test('what was in time leaves no timer behind', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    try {
      await get({ client: { send: async () => full }, timeout: 60_000 })
      expect(vi.getTimerCount()).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  })
})

describe('the mappings of a user pool', () => {
  const of = (...keys: readonly string[]) => [
    ...mappingsByClient(Object.fromEntries(keys.map(name => [name, token])), userPoolId).keys(),
  ]

  test('are those of its app clients', () => {
    expect(of(key, `cognito-idp.eu-west-1.amazonaws.com/${userPoolId}:other`)).toEqual([clientId, 'other'])
    expect(mappingsByClient({ [key]: token }, userPoolId).get(clientId)).toEqual({ key, mapping: token })
  })

  test.each([
    'accounts.google.com',
    'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other1234:abc',
    `cognito-idp.eu-west-1.amazonaws.com/${userPoolId}x:abc`,
    `cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
    `cognito-idp.us-east-1.amazonaws.com/${userPoolId}:abc`,
    `cognito-idp.eu-west-1.amazonaws.com.cn/${userPoolId}:abc`,
    `example.com/${userPoolId}:abc`,
    `arn:aws:iam::111122223333:saml-provider/${userPoolId}:abc`,
  ])('and not that of %s', other => {
    expect(of(other)).toEqual([])
  })

  test('of a pool whose key is not known, an emulator’s, the host may be any', () => {
    expect([
      ...mappingsByClient({ 'cognito-idp.local.amazonaws.com/local_5x2Tz4:abc': token }, 'local_5x2Tz4').keys(),
    ]).toEqual(['abc'])
  })
})
