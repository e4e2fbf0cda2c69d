import { createHmac } from 'node:crypto'
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminDeleteUserCommand,
  AdminDisableUserCommand,
  AdminEnableUserCommand,
  AdminGetUserCommand,
  AdminInitiateAuthCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  AdminSetUserPasswordCommand,
  type CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  CreateUserPoolCommand,
  DeleteGroupCommand,
  DeleteUserPoolClientCommand,
  DeleteUserPoolCommand,
  DescribeUserPoolClientCommand,
  DescribeUserPoolCommand,
  GetGroupCommand,
  GetUserCommand,
  InitiateAuthCommand,
  ListGroupsCommand,
  ListTagsForResourceCommand,
  ListUserPoolsCommand,
  ListUsersCommand,
  ListUsersInGroupCommand,
  RespondToAuthChallengeCommand,
  SignUpCommand,
  UpdateGroupCommand,
  UpdateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Fault, type FakeService, OPERATION_NAMES, startFakeService } from '../../src/testing/fake-service.js'
import {
  clientOf,
  createGroups,
  createPool,
  createUser,
  PASSWORD,
  type Pool,
  refresh,
  refusalOf,
  role,
  roleClaims,
  sharedKeys,
  signIn,
} from './sdk-client.js'

let now = Date.UTC(2026, 10, 29, 12)
let service: FakeService
let client: CognitoIdentityProviderClient
beforeAll(async () => {
  service = await startFakeService({ createKeys: sharedKeys, clock: () => now })
  client = clientOf(service)
})
afterAll(async () => {
  client.destroy()
  await service.close()
})

/** A pool with Alice in two groups, of which one has a role. */
async function poolWithAlice(): Promise<Pool> {
  const pool = await createPool(client)
  await createGroups(pool, [{ groupName: 'admins', precedence: 0, roleArn: role('Admin') }, { groupName: 'staff' }])
  await createUser(pool, 'alice', ['admins', 'staff'])
  return pool
}

describe('user pools', () => {
  test('are described with their settings, tags and an ARN', async () => {
    const { UserPoolId } = await createPool(client, {
      PoolName: 'a pool',
      UserPoolTier: 'LITE',
      UserPoolTags: { team: 'red' },
    })
    const { UserPool } = await client.send(new DescribeUserPoolCommand({ UserPoolId }))
    expect(UserPool).toMatchObject({
      Name: 'a pool',
      UserPoolTier: 'LITE',
      UserPoolTags: { team: 'red' },
      Arn: `arn:aws:cognito-idp:eu-west-1:111122223333:userpool/${UserPoolId}`,
      LambdaConfig: {},
      EstimatedNumberOfUsers: 0,
      MfaConfiguration: 'OFF',
      Policies: { PasswordPolicy: { MinimumLength: 8 } },
      CreationDate: new Date(now),
    })
    const { Tags } = await client.send(new ListTagsForResourceCommand({ ResourceArn: UserPool!.Arn! }))
    expect(Tags).toStrictEqual({ team: 'red' })
  })

  test('are listed in pages without losing one, and are gone once they are deleted', async () => {
    const other = await startFakeService({ createKeys: sharedKeys })
    const otherClient = clientOf(other)
    const ids: string[] = []
    for (let index = 0; index < 7; index++) ids.push((await createPool(otherClient)).UserPoolId)
    const listed: string[] = []
    let NextToken: string | undefined
    do {
      const page = await otherClient.send(
        new ListUserPoolsCommand({ MaxResults: 3, ...(NextToken !== undefined && { NextToken }) }),
      )
      listed.push(...page.UserPools!.map(({ Id }) => Id!))
      NextToken = page.NextToken
    } while (NextToken !== undefined)
    expect(listed).toStrictEqual(ids)
    expect(other.left().userPools).toStrictEqual(ids)
    for (const UserPoolId of ids) await otherClient.send(new DeleteUserPoolCommand({ UserPoolId }))
    expect(other.left()).toStrictEqual({ userPools: [], clients: [], groups: [], users: [] })
    expect(await refusalOf(otherClient.send(new DescribeUserPoolCommand({ UserPoolId: ids[0]! })))).toBe(
      `ResourceNotFoundException: User pool ${ids[0]} does not exist.`,
    )
    otherClient.destroy()
    await other.close()
  })

  test('cannot be deleted under deletion protection', async () => {
    const { UserPoolId } = await createPool(client, { DeletionProtection: 'ACTIVE' })
    expect(await refusalOf(client.send(new DeleteUserPoolCommand({ UserPoolId })))).toMatch(
      /^InvalidParameterException: .*deletion protection/,
    )
    await client.send(new UpdateUserPoolCommand({ UserPoolId, UserPoolTier: 'LITE', DeletionProtection: 'INACTIVE' }))
    await client.send(new DeleteUserPoolCommand({ UserPoolId }))
  })

  test('lose a trigger that an update leaves out, and show both ways to name one', async () => {
    const PreTokenGeneration = 'arn:aws:lambda:eu-west-1:111122223333:function:trigger'
    const { UserPoolId } = await createPool(client, { LambdaConfig: { PreTokenGeneration } })
    const configOf = async () => (await client.send(new DescribeUserPoolCommand({ UserPoolId }))).UserPool!.LambdaConfig
    expect(await configOf()).toStrictEqual({
      PreTokenGeneration,
      PreTokenGenerationConfig: { LambdaVersion: 'V1_0', LambdaArn: PreTokenGeneration },
    })
    await client.send(new UpdateUserPoolCommand({ UserPoolId, UserPoolTier: 'ESSENTIALS' }))
    expect(await configOf()).toStrictEqual({})
  })

  test.each([
    ['MFA', { MfaConfiguration: 'ON' as const }, 'mfaConfiguration `ON`'],
    ['device tracking', { DeviceConfiguration: {} }, '`DeviceConfiguration`'],
    ['another issuer', { IssuerConfiguration: { Type: 'ORIGINAL' as const } }, '`IssuerConfiguration`'],
    ['another trigger', { LambdaConfig: { PreSignUp: 'arn:aws:lambda:eu-west-1:1:function:f' } }, '`PreSignUp`'],
    ['usernames that are email addresses', { UsernameAttributes: ['email' as const] }, 'usernameAttributes `email`'],
    ['usernames in any case', { UsernameConfiguration: { CaseSensitive: false } }, '`UsernameConfiguration`'],
  ])('with %s are rejected by name, because tokens would differ', async (_what, settings, named) => {
    const refusal = await refusalOf(createPool(client, settings))
    expect(refusal).toMatch(/^NotInFakeCognitoException: rolecast\/testing: /)
    expect(refusal).toContain(named)
  })

  test('need their tier in an update', async () => {
    const { UserPoolId } = await createPool(client, { UserPoolTier: 'LITE' })
    expect(await refusalOf(client.send(new UpdateUserPoolCommand({ UserPoolId })))).toContain('UserPoolTier')
  })

  test('of the Lite tier have no trigger of versions 2 and 3', async () => {
    const PreTokenGenerationConfig = {
      LambdaVersion: 'V2_0' as const,
      LambdaArn: 'arn:aws:lambda:eu-west-1:111122223333:function:trigger',
    }
    const withTier = (UserPoolTier: 'LITE' | 'ESSENTIALS') =>
      refusalOf(createPool(client, { UserPoolTier, LambdaConfig: { PreTokenGenerationConfig } }))
    expect(await withTier('LITE')).toMatch(/^FeatureUnavailableInTierException: /)
    expect(await withTier('ESSENTIALS')).toBe('no error')
  })
})

describe('groups', () => {
  test.each([
    [
      'a precedence below zero',
      { GroupName: 'g', Precedence: -1 },
      "1 validation error detected: Value '-1' at 'precedence' failed to satisfy constraint: Member must have value greater than or equal to 0",
    ],
    [
      'a precedence that is too large',
      { GroupName: 'g', Precedence: 2 ** 31 },
      'Member must have value less than or equal to 2147483647',
    ],
    ['white space in a name', { GroupName: 'a b' }, "Value 'a b' at 'groupName'"],
    ['an empty name', { GroupName: '' }, '2 validation errors detected'],
    ['a name of 129 characters', { GroupName: '🙂'.repeat(129) }, 'length less than or equal to 128'],
    ['a role that is no ARN', { GroupName: 'g', RoleArn: 'x'.repeat(20) }, "at 'roleArn'"],
    ['an empty role', { GroupName: 'g', RoleArn: '' }, '2 validation errors detected'],
  ])('%s is an invalid parameter', async (_what, group, message) => {
    const { UserPoolId } = await createPool(client)
    const refusal = await refusalOf(client.send(new CreateGroupCommand({ UserPoolId, ...group })))
    expect(refusal).toMatch(/^InvalidParameterException: /)
    expect(refusal).toContain(message)
    expect(service.left().groups.filter(name => name.startsWith(UserPoolId))).toStrictEqual([])
  })

  test('the extremes are accepted', async () => {
    const pool = await createPool(client)
    await createGroups(pool, [
      { groupName: '🙂'.repeat(128), precedence: 2 ** 31 - 1, roleArn: role('x'.repeat(2000)) },
      { groupName: '__proto__', precedence: 0 },
      { groupName: 'a,b' },
    ])
    const { Group } = await client.send(new GetGroupCommand({ UserPoolId: pool.UserPoolId, GroupName: '__proto__' }))
    expect(Group).toMatchObject({ GroupName: '__proto__', Precedence: 0 })
    expect('RoleArn' in Group!).toBe(false)
  })

  test('a second group with the same name is rejected, and the first stays as it is', async () => {
    const { UserPoolId } = await poolWithAlice()
    expect(await refusalOf(client.send(new CreateGroupCommand({ UserPoolId, GroupName: 'admins' })))).toBe(
      'GroupExistsException: A group with the name already exists.',
    )
    const { Group } = await client.send(new GetGroupCommand({ UserPoolId, GroupName: 'admins' }))
    expect(Group).toMatchObject({ Precedence: 0, RoleArn: role('Admin') })
  })

  test('an update keeps what is left out, null or an empty description, and the date if nothing is left', async () => {
    const { UserPoolId } = await poolWithAlice()
    const update = async (settings: object) => {
      now += 1000
      const command = new UpdateGroupCommand({ UserPoolId, GroupName: 'admins', ...settings })
      return (await client.send(command)).Group!
    }
    const described = await update({ Description: 'the admins' })
    expect(described).toMatchObject({ Precedence: 0, RoleArn: role('Admin'), LastModifiedDate: new Date(now) })
    for (const nothing of [{}, { Description: '' }, { Precedence: null, RoleArn: null, Description: null }])
      expect(await update(nothing)).toStrictEqual(described)
    const moved = await update({ Precedence: 3 })
    expect(moved).toStrictEqual({ ...described, Precedence: 3, LastModifiedDate: new Date(now) })
    // The same value is a change, too.
    expect(await update({ Precedence: 3 })).toMatchObject({ LastModifiedDate: new Date(now) })
    expect(await refusalOf(update({ RoleArn: '' }))).toMatch(
      /^InvalidParameterException: 2 validation errors detected: Value '' at 'roleArn'/,
    )
    expect(await refusalOf(client.send(new UpdateGroupCommand({ UserPoolId, GroupName: 'none' })))).toBe(
      'ResourceNotFoundException: Group not found.',
    )
  })

  test('memberships are idempotent, and a missing user is reported before a missing group', async () => {
    const { UserPoolId } = await poolWithAlice()
    const add = (Username: string, GroupName: string) =>
      refusalOf(client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName })))
    const remove = (Username: string, GroupName: string) =>
      refusalOf(client.send(new AdminRemoveUserFromGroupCommand({ UserPoolId, Username, GroupName })))
    expect(await add('alice', 'admins')).toBe('no error')
    expect(await add('nobody', 'nothing')).toBe('UserNotFoundException: User does not exist.')
    expect(await add('alice', 'nothing')).toBe('ResourceNotFoundException: Group not found.')
    expect(await remove('alice', 'admins')).toBe('no error')
    expect(await remove('alice', 'admins')).toBe('no error')
    expect(await remove('alice', 'nothing')).toBe('no error')
    expect(await remove('nobody', 'nothing')).toBe('UserNotFoundException: User does not exist.')
    const { Groups } = await client.send(new AdminListGroupsForUserCommand({ UserPoolId, Username: 'alice' }))
    expect(Groups!.map(({ GroupName }) => GroupName)).toStrictEqual(['staff'])
  })
})

describe('listings', () => {
  const names = Array.from({ length: 130 }, (_, index) => `g${index}`)
  let pool: Pool
  beforeAll(async () => {
    pool = await createPool(client)
    await createGroups(
      pool,
      names.map(groupName => ({ groupName })),
    )
    for (let index = 0; index < 130; index++) {
      await client.send(new AdminCreateUserCommand({ UserPoolId: pool.UserPoolId, Username: `u${index}` }))
      await client.send(
        new AdminAddUserToGroupCommand({ UserPoolId: pool.UserPoolId, Username: `u${index}`, GroupName: 'g0' }),
      )
    }
    await createUser(pool, 'alice', names.slice(0, 90))
  })

  type Page = readonly [names: readonly (string | undefined)[], token: string | undefined]
  const LISTS: Readonly<Record<string, (token?: string, limit?: number) => Promise<Page>>> = {
    ListGroups: async (NextToken, Limit) => {
      const page = await client.send(new ListGroupsCommand(given({ UserPoolId: pool.UserPoolId, NextToken, Limit })))
      return [page.Groups!.map(({ GroupName }) => GroupName), page.NextToken]
    },
    AdminListGroupsForUser: async (NextToken, Limit) => {
      const input = given({ UserPoolId: pool.UserPoolId, Username: 'alice', NextToken, Limit })
      const page = await client.send(new AdminListGroupsForUserCommand(input))
      return [page.Groups!.map(({ GroupName }) => GroupName), page.NextToken]
    },
    ListUsersInGroup: async (NextToken, Limit) => {
      const input = given({ UserPoolId: pool.UserPoolId, GroupName: 'g0', NextToken, Limit })
      const page = await client.send(new ListUsersInGroupCommand(input))
      return [page.Users!.map(({ Username }) => Username), page.NextToken]
    },
    ListUsers: async (PaginationToken, Limit) => {
      const input = given({ UserPoolId: pool.UserPoolId, PaginationToken, Limit })
      const page = await client.send(new ListUsersCommand(input))
      return [page.Users!.map(({ Username }) => Username), page.PaginationToken]
    },
  }
  const given = <T extends object>(input: T) =>
    Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined)) as {
      [K in keyof T]: Exclude<T[K], undefined>
    }

  async function walk(list: string, limit?: number): Promise<readonly (readonly (string | undefined)[])[]> {
    const pages: (readonly (string | undefined)[])[] = []
    let token: string | undefined
    do {
      const [names, next] = await LISTS[list]!(token, limit)
      pages.push(names)
      token = next
    } while (token !== undefined)
    return pages
  }

  test.each([
    ['ListGroups', 130],
    ['AdminListGroupsForUser', 90],
    ['ListUsersInGroup', 131],
    ['ListUsers', 131],
  ])('%s has pages of 60 and loses nothing, and the order does not depend on the page size', async (list, count) => {
    const pages = await walk(list)
    expect(pages[0]).toHaveLength(60)
    expect(new Set(pages.flat()).size).toBe(count)
    expect((await walk(list, 7)).flat()).toStrictEqual(pages.flat())
  })

  test.each(['ListGroups', 'AdminListGroupsForUser', 'ListUsersInGroup'])('%s rejects a limit of 0', async list => {
    expect(await refusalOf(LISTS[list]!(undefined, 0))).toBe(
      "InvalidParameterException: 1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
    )
  })

  test.each(Object.keys(LISTS))('%s rejects a limit of 61, and the token of another listing', async list => {
    expect(await refusalOf(LISTS[list]!(undefined, 61))).toMatch(/^InvalidParameterException: .*equal to 60$/)
    const other = list === 'ListGroups' ? 'ListUsers' : 'ListGroups'
    const [, token] = await LISTS[other]!()
    expect(await refusalOf(LISTS[list]!(token))).toMatch(/^InvalidParameterException: Provided pagination token/)
  })

  test('what is deleted between two pages takes nothing else with it', async () => {
    const [first, token] = await LISTS['ListGroups']!()
    await client.send(new DeleteGroupCommand({ UserPoolId: pool.UserPoolId, GroupName: first[0]! }))
    const [second, next] = await LISTS['ListGroups']!(token)
    const [third] = await LISTS['ListGroups']!(next)
    expect(new Set([...first, ...second, ...third]).size).toBe(130)
    await client.send(new CreateGroupCommand({ UserPoolId: pool.UserPoolId, GroupName: first[0]! }))
  })

  test.each([
    ['username = "u7"', ['u7']],
    ['username ^= "u12"', ['u12', ...Array.from({ length: 10 }, (_, index) => `u12${index}`)]],
    ['username = "U7"', []],
    ['cognito:user_status = "CONFIRMED"', ['alice']],
    ['status = "Disabled"', []],
  ])('the filter %s finds whom it names', async (Filter, expected) => {
    const { Users } = await client.send(new ListUsersCommand({ UserPoolId: pool.UserPoolId, Filter }))
    expect(Users!.map(({ Username }) => Username)).toStrictEqual(expected)
  })

  test.each(['username', 'team = "red"', 'username = red', 'username = "a" or 1'])(
    'the filter %s is rejected',
    async Filter => {
      const command = new ListUsersCommand({ UserPoolId: pool.UserPoolId, Filter })
      expect(await refusalOf(client.send(command))).toBe('InvalidParameterException: Error while parsing filter.')
    },
  )

  test('attributes that do not exist cannot be asked for', async () => {
    const ask = (name: string) =>
      client.send(new ListUsersCommand({ UserPoolId: pool.UserPoolId, Limit: 1, AttributesToGet: [name] }))
    expect(await refusalOf(ask('custom:team'))).toMatch(/^InvalidParameterException: /)
    expect((await ask('sub')).Users![0]!.Attributes).toHaveLength(1)
  })
})

describe('users', () => {
  test('are found by username, `sub` and verified aliases', async () => {
    const { UserPoolId } = await createPool(client, { AliasAttributes: ['email'] })
    const create = async (Username: string, email: string, verified: string) => {
      const UserAttributes = [
        { Name: 'email', Value: email },
        { Name: 'email_verified', Value: verified },
      ]
      return client.send(new AdminCreateUserCommand({ UserPoolId, Username, UserAttributes }))
    }
    await create('alice', 'alice@example.com', 'true')
    await create('bob', 'bob@example.com', 'false')
    const find = async (Username: string) => await client.send(new AdminGetUserCommand({ UserPoolId, Username }))
    const alice = await find('alice@example.com')
    expect(alice).toMatchObject({ Username: 'alice', UserStatus: 'FORCE_CHANGE_PASSWORD', Enabled: true })
    const sub = alice.UserAttributes!.find(({ Name }) => Name === 'sub')!.Value!
    expect((await find(sub)).Username).toBe('alice')
    expect(await refusalOf(find('bob@example.com'))).toBe('UserNotFoundException: User does not exist.')
    expect(await refusalOf(create('alice', 'other@example.com', 'true'))).toBe(
      'UsernameExistsException: User account already exists',
    )
  })

  test.each([
    ['Short1!', 'not long enough'],
    ['no-upper-case1', 'must have uppercase characters'],
    ['NO-LOWER-CASE1', 'must have lowercase characters'],
    ['No-Numbers', 'must have numeric characters'],
    ['NoSymbols1', 'must have symbol characters'],
  ])('the password %s is rejected by the policy', async (Password, why) => {
    const { UserPoolId } = await poolWithAlice()
    const command = new AdminSetUserPasswordCommand({ UserPoolId, Username: 'alice', Password, Permanent: true })
    expect(await refusalOf(client.send(command))).toBe(
      `InvalidPasswordException: Password does not conform to policy: Password ${why}`,
    )
  })

  test('an attribute that the pool does not have is rejected, and one of its schema is not', async () => {
    const Schema = [{ Name: 'team', AttributeDataType: 'String' as const }]
    const { UserPoolId } = await createPool(client, { Schema })
    const create = (Name: string) =>
      refusalOf(
        client.send(new AdminCreateUserCommand({ UserPoolId, Username: Name, UserAttributes: [{ Name, Value: 'x' }] })),
      )
    expect(await create('custom:team')).toBe('no error')
    expect(await create('custom:other')).toMatch(/^InvalidParameterException: Attributes did not conform/)
  })

  test('a recreated user is a different one: without groups, and old refresh tokens are revoked', async () => {
    const pool = await poolWithAlice()
    const before = await signIn(pool, 'alice')
    await client.send(new AdminDeleteUserCommand({ UserPoolId: pool.UserPoolId, Username: 'alice' }))
    expect(await refusalOf(signIn(pool, 'alice'))).toBe('UserNotFoundException: User does not exist.')
    await createUser(pool, 'alice')
    expect(await refusalOf(refresh(pool, before))).toBe('NotAuthorizedException: Refresh Token has been revoked')
    const after = await signIn(pool, 'alice')
    expect(roleClaims(after.id)).toStrictEqual({})
    expect(after.id.sub).not.toBe(before.id.sub)
  })
})

describe('sign-in', () => {
  test('gives both tokens what tokens of a real pool have', async () => {
    const pool = await poolWithAlice()
    const { id, access } = await signIn(pool, 'alice')
    const uuid = expect.stringMatching(/^[0-9a-f-]{36}$/)
    const seconds = Math.floor(now / 1000)
    const common = {
      sub: uuid,
      iss: `${service.url}/${pool.UserPoolId}`,
      origin_jti: uuid,
      event_id: uuid,
      auth_time: seconds,
      iat: seconds,
      exp: seconds + 3600,
      jti: uuid,
      'cognito:groups': expect.any(Array),
    }
    expect(id).toStrictEqual({
      ...common,
      token_use: 'id',
      aud: pool.ClientId,
      'cognito:username': 'alice',
      'cognito:roles': [role('Admin')],
      'cognito:preferred_role': role('Admin'),
    })
    expect(access).toStrictEqual({
      ...common,
      token_use: 'access',
      client_id: pool.ClientId,
      scope: 'aws.cognito.signin.user.admin',
      username: 'alice',
    })
    expect([access.sub, access['origin_jti'], access['event_id']]).toStrictEqual([
      id.sub,
      id['origin_jti'],
      id['event_id'],
    ])
    expect(access.jti).not.toBe(id.jti)
  })

  test('a refreshed token has the groups of now, and the origin of its sign-in', async () => {
    const pool = await poolWithAlice()
    const { UserPoolId } = pool
    const before = await signIn(pool, 'alice')
    now += 60_000
    await client.send(new DeleteGroupCommand({ UserPoolId, GroupName: 'admins' }))
    await createGroups(pool, [{ groupName: 'editors', precedence: 4, roleArn: role('Editor') }])
    await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: 'alice', GroupName: 'editors' }))
    const after = await refresh(pool, before)
    expect(roleClaims(after.id)).toStrictEqual({
      'cognito:groups': ['editors', 'staff'],
      'cognito:roles': [role('Editor')],
      'cognito:preferred_role': role('Editor'),
    })
    for (const name of ['origin_jti', 'event_id', 'auth_time'] as const)
      expect(after.id[name]).toStrictEqual(before.id[name])
    expect(after.id.iat).toBe(before.id.iat! + 60)
    expect(after.tokens.refresh).toBeUndefined()
  })

  test('attributes are in the ID token alone, and whether an email address is verified is a boolean', async () => {
    const pool = await createPool(client)
    const UserAttributes = [
      { Name: 'email', Value: 'alice@example.com' },
      { Name: 'email_verified', Value: 'true' },
    ]
    const { UserPoolId } = pool
    await client.send(new AdminCreateUserCommand({ UserPoolId, Username: 'alice', UserAttributes }))
    await client.send(
      new AdminSetUserPasswordCommand({ UserPoolId, Username: 'alice', Password: PASSWORD, Permanent: true }),
    )
    const { id, access } = await signIn(pool, 'alice')
    expect(id).toMatchObject({ email: 'alice@example.com', email_verified: true })
    expect(access).not.toHaveProperty('email')
  })

  const initiate = (pool: Pool, AuthFlow: string, AuthParameters: Record<string, string>) =>
    refusalOf(
      client.send(
        new InitiateAuthCommand({ ClientId: pool.ClientId, AuthFlow: AuthFlow as 'USER_AUTH', AuthParameters }),
      ),
    )
  const adminInitiate = ({ UserPoolId, ClientId }: Pool, AuthFlow: string, AuthParameters: Record<string, string>) =>
    refusalOf(
      client.send(
        new AdminInitiateAuthCommand({ UserPoolId, ClientId, AuthFlow: AuthFlow as 'USER_AUTH', AuthParameters }),
      ),
    )

  test('is rejected as Cognito rejects it', async () => {
    const pool = await poolWithAlice()
    const withPassword = (USERNAME: string, password = PASSWORD) => ({ USERNAME, PASSWORD: password })
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', withPassword('alice'))).toBe('no error')
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', withPassword('alice', 'Wrong-h0rse'))).toBe(
      'NotAuthorizedException: Incorrect username or password.',
    )
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', withPassword('bob'))).toBe(
      'UserNotFoundException: User does not exist.',
    )
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', { USERNAME: 'alice' })).toBe(
      'InvalidParameterException: Missing required parameter PASSWORD',
    )
    expect(await initiate(pool, 'ADMIN_USER_PASSWORD_AUTH', withPassword('alice'))).toBe(
      'InvalidParameterException: Initiate Auth method not supported.',
    )
    expect(await initiate(pool, 'REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: 'invalid' })).toBe(
      'NotAuthorizedException: Invalid Refresh Token',
    )
    expect(await initiate({ ...pool, ClientId: 'nobody' }, 'USER_PASSWORD_AUTH', withPassword('alice'))).toBe(
      'ResourceNotFoundException: User pool client nobody does not exist.',
    )
    expect(await adminInitiate(pool, 'USER_SRP_AUTH', { USERNAME: 'alice', SRP_A: '1' })).toMatch(
      /^NotInFakeCognitoException: .*`USER_SRP_AUTH`.*ADMIN_USER_PASSWORD_AUTH/,
    )
    const { UserPoolId } = pool
    await client.send(new AdminDisableUserCommand({ UserPoolId, Username: 'alice' }))
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', withPassword('alice'))).toBe(
      'NotAuthorizedException: User is disabled.',
    )
    await client.send(new AdminEnableUserCommand({ UserPoolId, Username: 'alice' }))
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', withPassword('alice'))).toBe('no error')
  })

  test('hides whether a user exists where the client says so', async () => {
    const pool = await createPool(client, {}, { PreventUserExistenceErrors: 'ENABLED' })
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', { USERNAME: 'nobody', PASSWORD })).toBe(
      'NotAuthorizedException: Incorrect username or password.',
    )
  })

  test('needs a flow that the client has', async () => {
    const pool = await createPool(client, {}, { ExplicitAuthFlows: ['ALLOW_USER_SRP_AUTH'] })
    const parameters = { USERNAME: 'alice', PASSWORD }
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', parameters)).toBe(
      'InvalidParameterException: USER_PASSWORD_AUTH flow not enabled for this client',
    )
    expect(await adminInitiate(pool, 'ADMIN_USER_PASSWORD_AUTH', parameters)).toBe(
      'InvalidParameterException: Auth flow not enabled for this client',
    )
    expect(await initiate(pool, 'REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: 'x' })).toBe(
      'InvalidParameterException: Auth flow not enabled for this client',
    )
  })

  test('of a client with a secret needs its hash', async () => {
    const pool = await createPool(client, {}, { GenerateSecret: true })
    await createUser(pool, 'alice')
    const { UserPoolId, ClientId } = pool
    const { UserPoolClient } = await client.send(new DescribeUserPoolClientCommand({ UserPoolId, ClientId }))
    const SECRET_HASH = createHmac('sha256', UserPoolClient!.ClientSecret!).update(`alice${ClientId}`).digest('base64')
    const parameters = { USERNAME: 'alice', PASSWORD }
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', parameters)).toMatch(
      /^NotAuthorizedException: Client \w+ is configured with secret but SECRET_HASH was not received$/,
    )
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', { ...parameters, SECRET_HASH: 'x' })).toMatch(
      /^NotAuthorizedException: Unable to verify secret hash/,
    )
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', { ...parameters, SECRET_HASH })).toBe('no error')
  })

  test('with a temporary password asks for a new one, once', async () => {
    const pool = await createPool(client)
    const { UserPoolId, ClientId } = pool
    await client.send(new AdminCreateUserCommand({ UserPoolId, Username: 'alice', TemporaryPassword: PASSWORD }))
    const { ChallengeName, Session } = await client.send(
      new InitiateAuthCommand({
        ClientId,
        AuthFlow: 'USER_PASSWORD_AUTH',
        AuthParameters: { USERNAME: 'alice', PASSWORD },
      }),
    )
    expect(ChallengeName).toBe('NEW_PASSWORD_REQUIRED')
    const respond = (NEW_PASSWORD: string) =>
      client.send(
        new RespondToAuthChallengeCommand({
          ClientId,
          ChallengeName: 'NEW_PASSWORD_REQUIRED',
          Session: Session!,
          ChallengeResponses: { USERNAME: 'alice', NEW_PASSWORD },
        }),
      )
    expect(await refusalOf(respond('short'))).toMatch(/^InvalidPasswordException: /)
    expect((await respond('An0ther-horse')).AuthenticationResult?.IdToken).toBeDefined()
    expect(await refusalOf(respond('An0ther-horse'))).toBe(
      'NotAuthorizedException: Invalid session for the user, session can only be used once.',
    )
    expect(await initiate(pool, 'USER_PASSWORD_AUTH', { USERNAME: 'alice', PASSWORD })).toBe(
      'NotAuthorizedException: Incorrect username or password.',
    )
  })

  test('a refresh token is of its client and expires, and so do tokens', async () => {
    const units = { IdToken: 'minutes', AccessToken: 'minutes', RefreshToken: 'hours' } as const
    const validity = { IdTokenValidity: 5, AccessTokenValidity: 10, RefreshTokenValidity: 1, TokenValidityUnits: units }
    const pool = await createPool(client, {}, validity)
    await createUser(pool, 'alice')
    const signedIn = await signIn(pool, 'alice')
    expect([signedIn.id.exp! - signedIn.id.iat!, signedIn.access.exp! - signedIn.access.iat!]).toStrictEqual([300, 600])
    const { UserPoolId } = pool
    const { UserPoolClient } = await client.send(
      new CreateUserPoolClientCommand({
        UserPoolId,
        ClientName: 'other',
        ExplicitAuthFlows: ['ALLOW_REFRESH_TOKEN_AUTH'],
      }),
    )
    const other = { ...pool, ClientId: UserPoolClient!.ClientId! }
    expect(await refusalOf(refresh(other, signedIn))).toBe('NotAuthorizedException: Refresh Token has different Client')
    expect(await refusalOf(refresh(pool, signedIn))).toBe('no error')
    now += 3_600_000
    expect(await refusalOf(refresh(pool, signedIn))).toBe('NotAuthorizedException: Refresh Token has expired')
    await client.send(new DeleteUserPoolClientCommand({ UserPoolId, ClientId: pool.ClientId }))
    expect(await refusalOf(signIn(pool, 'alice'))).toMatch(/^ResourceNotFoundException: User pool client/)
  })

  test('GetUser takes an access token of the pool, and nothing else', async () => {
    const pool = await poolWithAlice()
    const { tokens, access } = await signIn(pool, 'alice')
    const get = (AccessToken: string) => client.send(new GetUserCommand({ AccessToken }))
    expect(await get(tokens.access)).toMatchObject({
      Username: 'alice',
      UserAttributes: [{ Name: 'sub', Value: access.sub }],
    })
    expect(await refusalOf(get(tokens.id))).toBe('NotAuthorizedException: Invalid Access Token')
    expect(await refusalOf(get('nonsense'))).toBe('NotAuthorizedException: Invalid Access Token')
    const forged = `${tokens.access.slice(0, tokens.access.lastIndexOf('.'))}.${'A'.repeat(342)}`
    expect(await refusalOf(get(forged))).toBe('NotAuthorizedException: Could not verify signature for Access Token')
    now += 3_600_000
    expect(await refusalOf(get(tokens.access))).toBe('NotAuthorizedException: Access Token has expired')
  })
})

describe('what the fake does not have', () => {
  test('is an unknown operation, and the message names what there is', async () => {
    const command = new SignUpCommand({ ClientId: 'abc', Username: 'alice', Password: PASSWORD })
    const refusal = await refusalOf(client.send(command))
    expect(refusal).toMatch(/^UnknownOperationException: rolecast\/testing: the fake has no `SignUp`; it has /)
    for (const name of OPERATION_NAMES) expect(refusal).toContain(name)
  })

  const post = async (target: string, body: string, headers = {}) => {
    const response = await fetch(service.url, {
      method: 'POST',
      body,
      headers: { 'x-amz-target': `AWSCognitoIdentityProviderService.${target}`, authorization: 'x', ...headers },
    })
    return { status: response.status, ...((await response.json()) as object) }
  }

  test.each([
    ['no JSON', 'GetGroup', '{', 'SerializationException'],
    ['a list', 'GetGroup', '[]', 'SerializationException'],
    ['a number for a text', 'GetGroup', '{"UserPoolId":1,"GroupName":"a"}', 'SerializationException'],
    ['no pool', 'GetGroup', '{"GroupName":"a"}', 'InvalidParameterException'],
    ['a method of objects', 'toString', '{}', 'UnknownOperationException'],
    [
      'a member of objects',
      'GetGroup',
      '{"UserPoolId":"a_b","GroupName":"a","__proto__":{}}',
      'NotInFakeCognitoException',
    ],
  ])('%s is rejected', async (_what, target, body, __type) => {
    expect(await post(target, body)).toMatchObject({ status: 400, __type })
  })

  test('a call without a signature is rejected, but for those that need none', async () => {
    const unsigned = async (target: string): Promise<unknown> => {
      const headers = { 'x-amz-target': `AWSCognitoIdentityProviderService.${target}` }
      return (await fetch(service.url, { method: 'POST', body: '{}', headers })).json()
    }
    expect(await unsigned('ListUserPools')).toMatchObject({ __type: 'MissingAuthenticationTokenException' })
    expect(await unsigned('InitiateAuth')).toMatchObject({ __type: 'InvalidParameterException' })
  })

  test.each([
    ['GET', '/'],
    ['GET', '/eu-west-1_Nowhere00/.well-known/jwks.json'],
    ['PUT', '/'],
    ['POST', '/'],
  ])('%s %s is not found', async (method, path) => {
    expect((await fetch(`${service.url}${path}`, { method })).status).toBe(404)
  })
})

describe('for tests of rolecast itself', () => {
  async function intercepted(fault: Fault, operation: string) {
    const faulty = await startFakeService({
      createKeys: sharedKeys,
      intercept: called => (called === operation ? fault : undefined),
    })
    const faultyClient = clientOf(faulty)
    const create = new CreateUserPoolCommand({ PoolName: 'test' })
    const failure = await refusalOf(faultyClient.send(create))
    const { userPools } = faulty.left()
    faultyClient.destroy()
    await faulty.close()
    return { failure, userPools: userPools.length, calls: faulty.requests.length }
  }

  test('a connection breaks before a call, or after it was done', async () => {
    expect(await intercepted('drop', 'CreateUserPool')).toMatchObject({ userPools: 0, calls: 1 })
    expect(await intercepted('lose-response', 'CreateUserPool')).toMatchObject({ userPools: 1, calls: 1 })
    expect(await intercepted('drop', 'DeleteUserPool'), 'control').toMatchObject({ userPools: 1, failure: 'no error' })
  })

  test('a call meets an error or another response', async () => {
    const throttled = await intercepted({ error: 'TooManyRequestsException', message: 'Slow down' }, 'CreateUserPool')
    expect(throttled).toStrictEqual({ failure: 'TooManyRequestsException: Slow down', userPools: 0, calls: 1 })
    expect(await intercepted({ body: '<html>' }, 'CreateUserPool')).toMatchObject({ userPools: 0 })
  })

  test('a call without a response ends with the service', async () => {
    let isCalled = () => {}
    const called = new Promise<void>(resolve => (isCalled = resolve))
    const hanging = await startFakeService({
      intercept: () => {
        isCalled()
        return 'hang'
      },
    })
    const hangingClient = clientOf(hanging)
    const failure = refusalOf(hangingClient.send(new ListUserPoolsCommand({ MaxResults: 1 })))
    await called
    await hanging.close()
    expect(await failure).not.toBe('no error')
    hangingClient.destroy()
  })

  test('requests to other AWS services can get a response too', async () => {
    const mixed = await startFakeService({
      otherwise: ({ method, path, body }) =>
        path === '/other' ? { status: 200, body: `${method} ${body}` } : undefined,
    })
    const response = await fetch(`${mixed.url}/other`, { method: 'POST', body: 'hello' })
    expect(await response.text()).toBe('POST hello')
    expect((await fetch(`${mixed.url}/elsewhere`)).status).toBe(404)
    await mixed.close()
  })

  test('the calls are logged without passwords, tokens and sessions', async () => {
    service.requests.length = 0
    const pool = await poolWithAlice()
    const signedIn = await signIn(pool, 'alice')
    await refresh(pool, signedIn)
    await client.send(new GetUserCommand({ AccessToken: signedIn.tokens.access }))
    const log = JSON.stringify(service.requests)
    for (const secret of [PASSWORD, ...Object.values(signedIn.tokens)]) expect(log).not.toContain(secret)
    expect(service.requests.map(({ operation }) => operation).slice(-3)).toStrictEqual([
      'AdminInitiateAuth',
      'AdminInitiateAuth',
      'GetUser',
    ])
    expect(service.requests.at(-3)).toMatchObject({ input: { AuthParameters: { USERNAME: 'alice' } }, at: now })
  })
})
