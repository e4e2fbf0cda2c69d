import {
  AdminCreateUserCommand,
  AdminInitiateAuthCommand,
  AdminRespondToAuthChallengeCommand,
  CognitoIdentityProviderClient,
} from '@aws-sdk/client-cognito-identity-provider'
import { decodeJwt } from 'jose'
import { describe, expect, test } from 'vitest'
import type { PreTokenHandler, PreTokenTriggerEvent } from '../../src/testing/index.js'
import { startFakeService } from '../../src/testing/fake-service.js'
import { failureOf } from '../failure-of.js'
import {
  clientOf,
  createFake,
  createGroups,
  createPool,
  createUser,
  refresh,
  refusalOf,
  role,
  roleClaims,
  sharedKeys,
  signIn,
} from './sdk-client.js'

const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'staff', precedence: 9, roleArn: role('Staff') },
]
const UNCHANGED = {
  'cognito:groups': ['admins', 'staff'],
  'cognito:roles': [role('Admin'), role('Staff')],
  'cognito:preferred_role': role('Admin'),
}

/** The fake with Alice in both groups, and this trigger. */
const fakeWith = (handler: PreTokenHandler, version: '1' | '2' | '3' = '1') =>
  createFake({
    groups: GROUPS,
    users: [{ username: 'alice', groups: ['staff', 'admins'], attributes: { email: 'alice@example.com' } }],
    preTokenGeneration: { version, handler },
  })

/** A handler that returns the event with these details. */
const returning =
  (details: unknown): PreTokenHandler =>
  event => ({
    ...event,
    response: event.version === '1' ? { claimsOverrideDetails: details } : { claimsAndScopeOverrideDetails: details },
  })

async function claimsOf(handler: PreTokenHandler, version?: '1' | '2' | '3') {
  await using fake = await fakeWith(handler, version)
  const { idToken, accessToken } = await fake.tokensOf('alice')
  return { id: decodeJwt(idToken), access: decodeJwt(accessToken), undocumented: fake.undocumented }
}

describe('the event', () => {
  test.each(['1', '2', '3'] as const)('of version %s has what Cognito sends', async version => {
    const events: PreTokenTriggerEvent[] = []
    await claimsOf(event => events.push(structuredClone(event)) && event, version)
    expect(events).toHaveLength(1)
    const [event] = events
    expect(event).toMatchObject({
      version,
      triggerSource: 'TokenGeneration_Authentication',
      region: 'eu-west-1',
      userPoolId: 'eu-west-1_FakePool1',
      userName: 'alice',
      callerContext: { clientId: '1fakeclient000000000000001' },
      request: {
        userAttributes: { email: 'alice@example.com', 'cognito:user_status': 'CONFIRMED' },
        groupConfiguration: { preferredRole: role('Admin') },
      },
      response: version === '1' ? { claimsOverrideDetails: null } : { claimsAndScopeOverrideDetails: null },
    })
    expect('scopes' in event!.request).toBe(version !== '1')
    const { groupsToOverride, iamRolesToOverride } = event!.request.groupConfiguration
    expect([groupsToOverride.toSorted(), iamRolesToOverride.toSorted()]).toStrictEqual([
      UNCHANGED['cognito:groups'],
      UNCHANGED['cognito:roles'],
    ])
  })

  test('has the metadata of a response to a challenge, and not that of a sign-in', async () => {
    const events: PreTokenTriggerEvent[] = []
    await using fake = await createFake({
      users: [],
      preTokenGeneration: { version: '2', handler: event => events.push(structuredClone(event)) && event },
    })
    const client = new CognitoIdentityProviderClient(fake.clientConfig)
    const { userPoolId: UserPoolId, clientId: ClientId } = fake
    await client.send(new AdminCreateUserCommand({ UserPoolId, Username: 'bob', TemporaryPassword: 'Temp0rary!' }))
    const { Session } = await client.send(
      new AdminInitiateAuthCommand({
        UserPoolId,
        ClientId,
        AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: 'bob', PASSWORD: 'Temp0rary!' },
        ClientMetadata: { tenant: 'of the sign-in' },
      }),
    )
    await client.send(
      new AdminRespondToAuthChallengeCommand({
        UserPoolId,
        ClientId,
        ChallengeName: 'NEW_PASSWORD_REQUIRED',
        Session: Session!,
        ChallengeResponses: { USERNAME: 'bob', NEW_PASSWORD: 'An0ther-horse' },
        ClientMetadata: { tenant: 'of the response' },
      }),
    )
    await fake.tokensOf('bob')
    client.destroy()
    expect(events.map(({ request }) => request.clientMetadata)).toEqual([{ tenant: 'of the response' }, undefined])
  })

  test('of a user without groups has empty lists and a null', async () => {
    const events: PreTokenTriggerEvent[] = []
    await using fake = await createFake({
      users: [{ username: 'bob' }],
      preTokenGeneration: { version: '1', handler: event => events.push(event) && event },
    })
    await fake.tokensOf('bob')
    expect(events[0]!.request.groupConfiguration).toStrictEqual({
      groupsToOverride: [],
      iamRolesToOverride: [],
      preferredRole: null,
    })
  })
})

const OTHER = role('Other')

describe('the response', () => {
  test.each<[string, unknown, Record<string, unknown>, readonly string[] | undefined]>([
    ['null', null, UNCHANGED, ['admins', 'staff']],
    ['without groupOverrideDetails', {}, UNCHANGED, ['admins', 'staff']],
    ['with empty groupOverrideDetails', { groupOverrideDetails: {} }, {}, undefined],
    ['with null groupOverrideDetails', { groupOverrideDetails: null }, {}, undefined],
    [
      'with a preferred role outside the roles',
      {
        groupOverrideDetails: { groupsToOverride: ['x'], iamRolesToOverride: [role('Staff')], preferredRole: OTHER },
      },
      { 'cognito:groups': ['x'], 'cognito:roles': [role('Staff')], 'cognito:preferred_role': OTHER },
      ['x'],
    ],
    [
      'with no groups and a role',
      { groupOverrideDetails: { groupsToOverride: [], iamRolesToOverride: [OTHER], preferredRole: OTHER } },
      { 'cognito:roles': [OTHER], 'cognito:preferred_role': OTHER },
      undefined,
    ],
    [
      'without a preferred role',
      { groupOverrideDetails: { groupsToOverride: ['x'], iamRolesToOverride: [OTHER] } },
      { 'cognito:groups': ['x'], 'cognito:roles': [OTHER] },
      ['x'],
    ],
  ])('%s', async (_what, details, expected, accessGroups) => {
    for (const version of ['1', '2', '3'] as const) {
      const { id, access, undocumented } = await claimsOf(returning(details), version)
      expect(roleClaims(id)).toStrictEqual(expected)
      expect(roleClaims(access)).toStrictEqual(accessGroups === undefined ? {} : { 'cognito:groups': accessGroups })
      expect(undocumented).toStrictEqual([])
    }
  })

  test('that only gives groups is undocumented, which the fake says', async () => {
    const { id, undocumented } = await claimsOf(returning({ groupOverrideDetails: { groupsToOverride: ['x'] } }))
    expect(roleClaims(id)).toStrictEqual({ 'cognito:groups': ['x'] })
    expect(undocumented.map(({ claim, rule }) => `${claim} ${rule}`)).toStrictEqual([
      'cognito:roles left-out',
      'cognito:preferred_role left-out',
    ])
  })

  test.each([
    ['claimsToAddOrOverride', { claimsToAddOrOverride: { 'cognito:preferred_role': OTHER } }],
    ['claimsToSuppress', { claimsToSuppress: ['cognito:roles'] }],
  ])('that names a role claim in %s is undetermined: no token', async (name, change) => {
    for (const [version, details] of [
      ['1', change],
      ['2', { idTokenGeneration: change }],
    ] as const) {
      await using fake = await fakeWith(returning(details), version)
      const failure = await failureOf(() => fake.tokensOf('alice'))
      expect(failure).toMatchObject({ code: 'request-rejected' })
      expect(failure.message).toContain(name)
    }
    await using fake = await fakeWith(
      returning({ accessTokenGeneration: { claimsToAddOrOverride: { 'cognito:roles': [OTHER] } } }),
      '2',
    )
    expect(await failureOf(() => fake.tokensOf('alice'))).toMatchObject({ code: 'request-rejected' })
  })

  test('that suppresses the groups suppresses the roles', async () => {
    const { id, access } = await claimsOf(returning({ claimsToSuppress: ['cognito:groups'] }))
    expect(roleClaims(id)).toStrictEqual({})
    expect(roleClaims(access), 'version 1 does not change the access token').toStrictEqual({
      'cognito:groups': ['admins', 'staff'],
    })
  })

  test('changes other claims and scopes', async () => {
    const first = await claimsOf(
      returning({ claimsToAddOrOverride: { team: 'red', email: 'other@example.com' }, claimsToSuppress: ['website'] }),
    )
    expect(first.id).toMatchObject({ team: 'red', email: 'other@example.com' })
    expect(first.access).not.toHaveProperty('team')
    const second = await claimsOf(
      returning({
        idTokenGeneration: { claimsToSuppress: ['email'] },
        accessTokenGeneration: {
          claimsToAddOrOverride: { team: ['red'] },
          scopesToAdd: ['api/read'],
          scopesToSuppress: ['aws.cognito.signin.user.admin'],
        },
      }),
      '2',
    )
    expect(second.id).not.toHaveProperty('email')
    expect(second.access).toMatchObject({ team: ['red'], scope: 'api/read' })
  })

  test.each(['sub', 'exp', 'token_use', 'cognito:username', 'aws:something'])(
    'that changes `%s` is rejected: Cognito sets it itself',
    async name => {
      await using fake = await fakeWith(returning({ claimsToAddOrOverride: { [name]: 'x' } }))
      expect((await failureOf(() => fake.tokensOf('alice'))).message).toContain(`\`${name}\``)
    },
  )

  test.each([
    ['nothing', undefined, /Unrecognizable lambda output/],
    ['a list', [], /Unrecognizable lambda output/],
    ['a wrong shape', { response: { claimsOverrideDetails: { groupOverrideDetails: 7 } } }, /groupOverrideDetails/],
    [
      "another version's details",
      { version: '1', response: { claimsAndScopeOverrideDetails: { groupOverrideDetails: {} } } },
      /claimsAndScopeOverrideDetails/,
    ],
  ])('that is %s is rejected', async (_what, answer, message) => {
    await using fake = await fakeWith(() => answer)
    const failure = await failureOf(() => fake.tokensOf('alice'))
    expect(failure).toMatchObject({ code: 'request-rejected' })
    expect(failure.message).toMatch(message)
  })
})

describe('by the API', () => {
  const ARN = 'arn:aws:lambda:eu-west-1:111122223333:function:trigger'

  test('a pool has the function of its `LambdaConfig`, whose source is in the event', async () => {
    const sources: string[] = []
    const handler: PreTokenHandler = async event => {
      sources.push(event.triggerSource)
      return { ...event, response: { claimsOverrideDetails: { groupOverrideDetails: { groupsToOverride: ['x'] } } } }
    }
    const service = await startFakeService({ createKeys: sharedKeys, functions: [[ARN, handler]] })
    const client = clientOf(service)
    const pool = await createPool(client, { LambdaConfig: { PreTokenGeneration: ARN } })
    await createGroups(pool, GROUPS)
    await createUser(pool, 'alice', ['admins'])
    const signedIn = await signIn(pool, 'alice')
    expect(roleClaims(signedIn.id)).toStrictEqual({ 'cognito:groups': ['x'] })
    await refresh(pool, signedIn)
    expect(sources).toStrictEqual(['TokenGeneration_Authentication', 'TokenGeneration_RefreshTokens'])

    service.functions.set(ARN, () => {
      throw new Error('out of order')
    })
    expect(await refusalOf(signIn(pool, 'alice'))).toBe(
      'UserLambdaValidationException: PreTokenGeneration failed with error out of order.',
    )
    service.functions.delete(ARN)
    expect(await refusalOf(signIn(pool, 'alice'))).toMatch(/^UnexpectedLambdaException: .*ResourceNotFoundException/)
    client.destroy()
    await service.close()
  })

  test('another truth can be played', async () => {
    const service = await startFakeService({
      createKeys: sharedKeys,
      functions: [[ARN, event => event]],
      applyTrigger: ({ idToken }) => ({ idToken: { 'cognito:roles': idToken['cognito:roles']! }, accessToken: {} }),
    })
    const client = clientOf(service)
    const pool = await createPool(client, { LambdaConfig: { PreTokenGeneration: ARN } })
    await createGroups(pool, GROUPS)
    await createUser(pool, 'alice', ['admins'])
    const { id, access } = await signIn(pool, 'alice')
    expect([roleClaims(id), roleClaims(access)]).toStrictEqual([{ 'cognito:roles': [role('Admin')] }, {}])
    client.destroy()
    await service.close()
  })
})
