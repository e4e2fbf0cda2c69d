import {
  AdminAddUserToGroupCommand,
  CognitoIdentityProviderClient,
  InitiateAuthCommand,
  ListGroupsCommand,
} from '@aws-sdk/client-cognito-identity-provider'
import { CognitoJwtVerifier, JwtVerifier } from 'aws-jwt-verify'
import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRoleAuthorizer } from '../../src/authorizer/index.js'
import { verifyToken } from '../../src/calibrate/index.js'
import { readCalibration } from '../../src/claims/calibration.js'
import { createRoleResolver, groupsFromCognito } from '../../src/cognito/index.js'
import { createFakeCognito, FAKE_PASSWORD, type FakeCognito, type FakeCognitoOptions } from '../../src/testing/index.js'
import type { Group } from '../../src/group.js'
import { failureOf } from '../failure-of.js'
import { createFake, refusalOf, role, roleClaims } from './sdk-client.js'

const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
  { groupName: 'staff' },
]
const USERS = [
  { username: 'alice', groups: ['admins', 'staff'], attributes: { email: 'alice@example.com', 'custom:team': 'red' } },
  { username: 'bob', groups: ['editors'], sub: '00000000-0000-4000-8000-000000000001' },
  { username: 'carol' },
]

const claimsOf = async (fake: FakeCognito, username: string) => decodeJwt((await fake.tokensOf(username)).idToken)

describe('a fake user pool', () => {
  let fake: FakeCognito
  let client: CognitoIdentityProviderClient
  beforeAll(async () => {
    fake = await createFake({ groups: GROUPS, users: USERS })
    client = new CognitoIdentityProviderClient(fake.clientConfig)
  })
  afterAll(async () => {
    client.destroy()
    await fake.close()
  })

  test('says where it is', () => {
    expect(fake.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(fake).toMatchObject({
      region: 'eu-west-1',
      userPoolId: 'eu-west-1_FakePool1',
      issuer: `${fake.url}/eu-west-1_FakePool1`,
      clientConfig: { endpoint: fake.url, region: 'eu-west-1' },
    })
    expect(fake.groups).toStrictEqual([
      { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
      { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
      { groupName: 'staff', precedence: null, roleArn: null },
    ])
    expect(fake.users.map(({ username }) => username)).toStrictEqual(['alice', 'bob', 'carol'])
  })

  test("the SDK's client signs a user in, and the tokens are those of `tokensOf`", async () => {
    const { AuthenticationResult } = await client.send(
      new InitiateAuthCommand({
        ClientId: fake.clientId,
        AuthFlow: 'USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: 'alice', PASSWORD: FAKE_PASSWORD },
      }),
    )
    const claims = decodeJwt(AuthenticationResult!.IdToken!)
    expect(claims).toMatchObject({
      email: 'alice@example.com',
      'custom:team': 'red',
      'cognito:preferred_role': role('Admin'),
    })
    const direct = await claimsOf(fake, 'alice')
    expect(roleClaims(direct)).toStrictEqual(roleClaims(claims))
    expect(Object.keys(direct).toSorted()).toStrictEqual(Object.keys(claims).toSorted())
    expect((await claimsOf(fake, 'bob')).sub).toBe('00000000-0000-4000-8000-000000000001')
  })

  test('a refresh token of `tokensOf` is good for the API', async () => {
    const { refreshToken } = await fake.tokensOf('bob')
    const { AuthenticationResult } = await client.send(
      new InitiateAuthCommand({
        ClientId: fake.clientId,
        AuthFlow: 'REFRESH_TOKEN_AUTH',
        AuthParameters: { REFRESH_TOKEN: refreshToken },
      }),
    )
    expect(roleClaims(decodeJwt(AuthenticationResult!.IdToken!))).toStrictEqual(roleClaims(await claimsOf(fake, 'bob')))
  })

  test('the readers of rolecast work with it', async () => {
    const { userPoolId } = fake
    const resolver = createRoleResolver({ userPoolId, client })
    expect(await resolver.resolve(['editors', 'staff', 'nowhere'])).toMatchObject({
      preferredRole: role('Editor'),
      unknownGroups: ['nowhere'],
    })
    const groupsOf = groupsFromCognito({ userPoolId, client })
    const { groups } = await groupsOf(await claimsOf(fake, 'alice'))
    expect(groups.map(({ groupName }) => groupName).toSorted()).toStrictEqual(['admins', 'staff'])
  })
})

describe('the tokens', () => {
  test('pass jose with the JWKS that the fake publishes, each with a key of its own', async () => {
    await using fake = await createFake({ users: USERS.slice(2) })
    const { idToken, accessToken } = await fake.tokensOf('carol')
    const keys = createRemoteJWKSet(new URL(`${fake.issuer}/.well-known/jwks.json`))
    const { payload } = await jwtVerify(idToken, keys, { issuer: fake.issuer, audience: fake.clientId })
    expect(payload['cognito:username']).toBe('carol')
    await jwtVerify(accessToken, createLocalJWKSet(fake.jwks), { issuer: fake.issuer })
    expect([idToken, accessToken].map(token => decodeProtectedHeader(token))).toStrictEqual(
      fake.jwks.keys.map(({ kid }) => ({ kid, alg: 'RS256' })),
    )
    const response = await fetch(`${fake.issuer}/.well-known/openid-configuration`)
    expect(await response.json()).toMatchObject({
      issuer: fake.issuer,
      jwks_uri: `${fake.issuer}/.well-known/jwks.json`,
    })
  })

  test("pass aws-jwt-verify by the fake's own issuer", async () => {
    await using fake = await createFake({ users: USERS.slice(2) })
    const verifier = JwtVerifier.create({
      issuer: fake.issuer,
      audience: fake.clientId,
      jwksUri: `${fake.issuer}/.well-known/jwks.json`,
    })
    verifier.cacheJwks(fake.jwks)
    expect(await verifier.verify((await fake.tokensOf('carol')).idToken)).toMatchObject({ token_use: 'id' })
  })

  const verifierOf = (fake: FakeCognito, tokenUse: 'id' | 'access') => {
    const { userPoolId, clientId } = fake
    const verifier = CognitoJwtVerifier.create({ userPoolId, clientId, tokenUse })
    verifier.cacheJwks(fake.jwks)
    return verifier
  }

  test("pass CognitoJwtVerifier by AWS's issuer, and those of another key do not", async () => {
    await using fake = await createFakeCognito({ users: USERS.slice(2), issuer: 'aws' })
    await using foreign = await createFakeCognito({ users: USERS.slice(2), issuer: 'aws' })
    expect(fake.issuer).toBe('https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_FakePool1')
    const { idToken, accessToken } = await fake.tokensOf('carol')
    expect(await verifierOf(fake, 'id').verify(idToken)).toMatchObject({ 'cognito:username': 'carol' })
    expect(await verifierOf(fake, 'access').verify(accessToken)).toMatchObject({ username: 'carol' })

    expect(await refusalOf(verifierOf(fake, 'access').verify(idToken))).toMatch(/Token use not allowed/)
    const other = await foreign.tokensOf('carol')
    expect(() => verifierOf(fake, 'id').verifySync(other.idToken)).toThrow(/JWK for kid|kid/)
    const forged = `${idToken.slice(0, idToken.lastIndexOf('.'))}.${other.idToken.slice(other.idToken.lastIndexOf('.') + 1)}`
    expect(await refusalOf(verifierOf(fake, 'id').verify(forged))).toMatch(/Invalid signature/)
  })

  test("are good for rolecast's authorizer, which denies a token once the group has lost its role", async () => {
    await using fake = await createFake({ groups: GROUPS, users: USERS, issuer: 'aws' })
    const client = new CognitoIdentityProviderClient(fake.clientConfig)
    const handler = () =>
      createRoleAuthorizer({
        kind: 'rest-token',
        verifier: verifierOf(fake, 'id'),
        resolver: createRoleResolver({ userPoolId: fake.userPoolId, client }),
        groupsOf: 'token',
        onStale: 'deny',
        resource: 'stage',
        onFailure: 'throw',
        allow: ({ resolution }) => resolution.preferredRole === role('Editor'),
      })
    const { idToken } = await fake.tokensOf('bob')
    const effect = async (token: string) => {
      const { policyDocument } = await handler()({
        type: 'TOKEN',
        authorizationToken: `Bearer ${token}`,
        methodArn: 'arn:aws:execute-api:eu-west-1:111122223333:api/stage/GET/path',
      })
      return policyDocument.Statement[0]!.Effect
    }
    expect(await effect(idToken)).toBe('Allow')
    expect(await effect((await fake.tokensOf('alice')).idToken)).toBe('Deny')
    fake.putGroup({ groupName: 'editors', precedence: 5 })
    expect(await effect(idToken)).toBe('Deny')
    client.destroy()
  })
})

describe('changes while it runs', () => {
  test('are in the next token and in what the API lists', async () => {
    await using fake = await createFake({ groups: GROUPS, users: USERS })
    const client = new CognitoIdentityProviderClient(fake.clientConfig)
    const preferred = async (username: string) => (await claimsOf(fake, username))['cognito:preferred_role']

    fake.addUserToGroup('carol', 'editors')
    expect(await preferred('carol')).toBe(role('Editor'))
    // What is left out is not set any more, and the members stay.
    fake.putGroup({ groupName: 'editors', roleArn: role('Editor') })
    expect(await claimsOf(fake, 'carol')).toMatchObject({ 'cognito:roles': [role('Editor')] })
    expect(await preferred('carol')).toBeUndefined()
    fake.putGroup({ groupName: 'editors', precedence: 9, roleArn: '' })
    expect(roleClaims(await claimsOf(fake, 'carol'))).toStrictEqual({ 'cognito:groups': ['editors'] })
    fake.removeUserFromGroup('carol', 'editors')
    fake.removeUserFromGroup('carol', 'editors')
    expect(roleClaims(await claimsOf(fake, 'carol'))).toStrictEqual({})

    fake.deleteGroup('admins')
    expect(roleClaims(await claimsOf(fake, 'alice'))).toStrictEqual({ 'cognito:groups': ['staff'] })
    const { Groups } = await client.send(new ListGroupsCommand({ UserPoolId: fake.userPoolId }))
    expect(Groups!.map(({ GroupName }) => GroupName!).toSorted()).toStrictEqual(['editors', 'staff'])

    fake.addUser({ username: 'dan', groups: ['staff'], enabled: false })
    expect(await failureOf(() => fake.tokensOf('dan'))).toMatchObject({ code: 'not-authorized' })
    fake.deleteUser('dan')
    expect(await failureOf(() => fake.tokensOf('dan'))).toMatchObject({ code: 'user-not-found' })
    const { UserPoolId, Username, GroupName } = { UserPoolId: fake.userPoolId, Username: 'bob', GroupName: 'staff' }
    await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }))
    expect(fake.users.find(({ username }) => username === 'bob')!.groups.toSorted()).toStrictEqual(['editors', 'staff'])
    client.destroy()
  })

  test('of what does not exist are rejected, by its name and with the next step', async () => {
    await using fake = await createFake({ groups: GROUPS, users: USERS })
    const noGroup = { code: 'invalid-option', message: expect.stringMatching(/no group `ghosts`; add the group first/) }
    const noUser = { code: 'user-not-found', message: expect.stringMatching(/no user `nobody`; add the user first/) }
    expect(await failureOf(() => fake.deleteGroup('ghosts'))).toMatchObject(noGroup)
    expect(await failureOf(() => fake.addUserToGroup('alice', 'ghosts'))).toMatchObject(noGroup)
    expect(await failureOf(() => fake.removeUserFromGroup('alice', 'ghosts'))).toMatchObject(noGroup)
    expect(await failureOf(() => fake.deleteUser('nobody'))).toMatchObject(noUser)
    expect(await failureOf(() => fake.addUserToGroup('nobody', 'staff'))).toMatchObject(noUser)
    expect(await failureOf(() => fake.removeUserFromGroup('nobody', 'staff'))).toMatchObject(noUser)
    expect(await failureOf(() => fake.tokensOf('nobody'))).toMatchObject(noUser)
    expect((await failureOf(() => fake.addUser({ username: 'alice' }))).message).toMatch(
      /^user `alice` already exists; /,
    )
    const sub = USERS[1]!.sub!
    expect((await failureOf(() => fake.addUser({ username: 'dan', sub }))).message).toMatch(
      /^a user other than `dan` has/,
    )
    expect((await failureOf(() => fake.putGroup({ groupName: 'a b' }))).message).toMatch(
      /^group `a b`: .*; give a group/,
    )
    expect(await failureOf(() => fake.putGroup({ groupName: 'x', rolearn: role('X') } as Group))).toMatchObject({
      code: 'invalid-option',
      message: 'unknown key `rolearn` in the settings of a group; did you mean `roleArn`?',
    })
  })

  test('what it starts with is so old that `verify` of the first token is conclusive; what is put later is not', async () => {
    const now = Date.UTC(2026, 10, 29, 12) + 999
    await using fake = await createFake({ groups: GROUPS, users: USERS, clock: () => now })
    const verdict = async () => {
      const { idToken } = await fake.tokensOf('bob')
      return (await verifyToken(idToken, { userPoolId: fake.userPoolId, endpoint: fake.url, client })).verdict
    }
    const client = new CognitoIdentityProviderClient(fake.clientConfig)
    expect(await verdict()).toBe('match')
    fake.putGroup({ groupName: 'editors', precedence: 6, roleArn: role('Editor') })
    expect(await verdict()).toBe('inconclusive')
    client.destroy()
  })

  test('a user is in at most 100 groups', async () => {
    const groups = Array.from({ length: 101 }, (_, index) => ({ groupName: `g${index}` }))
    const names = groups.map(({ groupName }) => groupName)
    await using fake = await createFake({ groups, users: [{ username: 'alice', groups: names.slice(0, 100) }] })
    expect(await failureOf(() => fake.addUserToGroup('alice', 'g100'))).toMatchObject({
      code: 'invalid-option',
      message:
        'user `alice` and group `g100`: A user is in at most 100 groups; remove the user from another group first',
    })
    expect((await claimsOf(fake, 'alice'))['cognito:groups']).toHaveLength(100)
    const client = new CognitoIdentityProviderClient(fake.clientConfig)
    const { userPoolId: UserPoolId } = fake
    const command = new AdminAddUserToGroupCommand({ UserPoolId, Username: 'alice', GroupName: 'g100' })
    expect(await refusalOf(client.send(command))).toMatch(/^LimitExceededException: /)
    client.destroy()
  })
})

describe('where AWS does not document the claims', () => {
  const options = {
    groups: [
      { groupName: 'a', precedence: 5, roleArn: role('Alpha') },
      { groupName: 'b', precedence: 5 },
    ],
    users: [{ username: 'alice', groups: ['a', 'b'] }],
  }

  test('no token is issued until you choose', async () => {
    await using fake = await createFake(options)
    const failure = await failureOf(() => fake.tokensOf('alice'))
    expect(failure).toMatchObject({ code: 'request-rejected' })
    expect(failure.message).toContain('semantics')
  })

  const carried = (groups: readonly string[], roles: readonly string[] | null, preferred: string | null) => ({
    'cognito:groups': groups,
    'cognito:roles': roles,
    'cognito:preferred_role': preferred,
  })
  const [a, b] = [
    { groupName: 'a', precedence: 5, roleArn: role('Alpha') },
    { groupName: 'b', precedence: 5, roleArn: null },
  ]
  const nobody = { groupName: 'c', precedence: null, roleArn: role('Alpha') }
  const token = (
    id: string,
    row: string,
    groups: readonly (typeof a | typeof b | typeof nobody)[],
    preferred: string | null,
  ) => {
    const names = groups.map(({ groupName }) => groupName)
    return {
      id,
      row,
      groups,
      idToken: carried(names, [role('Alpha')], preferred),
      accessToken: carried(names, null, null),
    }
  }
  const calibration = readCalibration({
    calibration: 1,
    date: '2026-11-29T12:00:00.000Z',
    userPoolId: 'eu-west-1_Ab12Cd34e',
    tokens: [token('tie', '13', [a!, b!], null), token('null', '3', [nobody], null)],
  })

  test.each([
    ['roles-compete', { semantics: 'roles-compete' as const }, role('Alpha')],
    ['tied-groups-agree', { semantics: 'tied-groups-agree' as const }, undefined],
    ['a calibration', { calibration }, undefined],
  ])('%s chooses', async (_what, choice, preferred) => {
    await using fake = await createFake({ ...options, ...choice })
    expect((await claimsOf(fake, 'alice'))['cognito:preferred_role']).toBe(preferred)
  })
})

describe('options that cannot be used', () => {
  test.each<[string, FakeCognitoOptions, string, RegExp]>([
    ['semantics', { semantics: 'best' as never }, 'invalid-option', /`best`/],
    ['a user pool id', { userPoolId: 'pool' }, 'invalid-user-pool-id', /`pool`/],
    ['a client id', { clientId: 'a b' }, 'invalid-option', /`a b`/],
    ['an issuer', { issuer: 'mine' as never }, 'invalid-option', /`mine`/],
    ['claims beside semantics', { claims: () => ({}), semantics: 'observed' }, 'invalid-option', /claims/],
    ['a group name', { groups: [{ groupName: 'a b' }] }, 'invalid-group', /a b/],
    ['a precedence', { groups: [{ groupName: 'a', precedence: -1 }] }, 'invalid-group', /precedence/],
    ['a role', { groups: [{ groupName: 'a', roleArn: 'Admin' }] }, 'invalid-group', /roleArn/],
    ['a username', { users: [{ username: '' }] }, 'invalid-option', /username/],
    ['a group of a user', { users: [{ username: 'alice', groups: ['ghosts'] }] }, 'invalid-option', /`ghosts`/],
    ['a user twice', { users: [{ username: 'alice' }, { username: 'alice' }] }, 'invalid-option', /already exists/],
    [
      'a misspelt option',
      { group: GROUPS } as never,
      'invalid-option',
      /unknown key `group` .* did you mean `groups`\?/,
    ],
    [
      'a misspelt setting of a user',
      { users: [{ username: 'alice', group: ['staff'] } as never] },
      'invalid-option',
      /unknown key `group` .* did you mean `groups`\?/,
    ],
    ['an unknown setting of a group', { groups: [{ groupName: 'a', path: '/' } as never] }, 'invalid-option', /`path`/],
    ['two groups of one name', { groups: [...GROUPS, { groupName: 'staff' }] }, 'invalid-group', /`staff`/],
    ['an alias', { aliases: ['email', 'nickname' as never] }, 'invalid-option', /`nickname`/],
    [
      'a setting of the trigger',
      { preTokenGeneration: { version: '2', handler: (event: unknown) => event, arn: 'x' } as never },
      'invalid-option',
      /`arn`/,
    ],
    [
      'a version of the trigger',
      { preTokenGeneration: { version: '4' as never, handler: event => event } },
      'invalid-option',
      /`4`/,
    ],
  ])('%s', async (_what, options, code, message) => {
    const failure = await failureOf(() => createFake(options))
    expect(failure).toMatchObject({ code })
    expect(failure.message).toMatch(message)
  })

  test('a region comes from the user pool id, an emulated one too', async () => {
    await using fake = await createFake({ userPoolId: 'local_abc', users: USERS.slice(2) })
    expect(fake.region).toBe('local')
    expect((await claimsOf(fake, 'carol')).iss).toBe(`${fake.url}/local_abc`)
  })
})

describe('the end', () => {
  test('frees the port and ends open connections, also where `await using` closes', async () => {
    const fake = await createFake()
    await fetch(`${fake.issuer}/.well-known/jwks.json`)
    await fake.close()
    await expect(fetch(`${fake.issuer}/.well-known/jwks.json`)).rejects.toThrow()
    await fake[Symbol.asyncDispose]()
  })
})
