import {
  AdminGetUserCommand,
  AdminListGroupsForUserCommand,
  AdminRemoveUserFromGroupCommand,
  CreateGroupCommand,
  type CreateUserPoolRequest,
  DeleteGroupCommand,
  GetGroupCommand,
  InitiateAuthCommand,
  ListGroupsCommand,
  ListUsersInGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider'
import { describe, expect, test } from 'vitest'
import { startFakeService } from '../../src/testing/fake-service.js'
import { startEmulator } from '../cognito/cognito-local.js'
import {
  clientOf,
  createGroups,
  createPool,
  createUser,
  PASSWORD,
  refusalOf,
  role,
  sharedKeys,
  signIn,
} from './sdk-client.js'

/** What a scenario of calls shows, of either: results without what is different each time. */
async function scenario(url: string, settings: Partial<CreateUserPoolRequest>) {
  const client = clientOf({ url, region: 'local' })
  const pool = await createPool(client, settings)
  const { UserPoolId } = pool
  await createGroups(pool, [
    { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
    { groupName: 'a,b', precedence: 9 },
    { groupName: 'plain' },
  ])
  await createUser(pool, 'alice', ['admins', 'plain'])
  const groupOf = async (GroupName: string) => {
    const { Group } = await client.send(new GetGroupCommand({ UserPoolId, GroupName }))
    return { name: Group?.GroupName, precedence: Group?.Precedence, role: Group?.RoleArn }
  }
  const listed = async () =>
    (await client.send(new ListGroupsCommand({ UserPoolId }))).Groups!.map(({ GroupName }) => GroupName!).toSorted()
  const groupsOfAlice = async () =>
    (await client.send(new AdminListGroupsForUserCommand({ UserPoolId, Username: 'alice' })))
      .Groups!.map(({ GroupName }) => GroupName!)
      .toSorted()
  const nameOf = (refusal: string) => refusal.split(':')[0]!
  const { id, access } = await signIn(pool, 'alice')
  const shown = {
    groups: [await groupOf('admins'), await groupOf('a,b'), await groupOf('plain')],
    listed: await listed(),
    groupsOfAlice: await groupsOfAlice(),
    members: (await client.send(new ListUsersInGroupCommand({ UserPoolId, GroupName: 'admins' }))).Users!.map(
      ({ Username }) => Username,
    ),
    status: (await client.send(new AdminGetUserCommand({ UserPoolId, Username: 'alice' }))).UserStatus,
    tokenGroups: [id, access].map(claims => (claims['cognito:groups'] as string[]).toSorted()),
    tokens: {
      uses: [id['token_use'], access['token_use']],
      names: [id['cognito:username'], access['username']],
      clients: [id.aud === pool.ClientId, access['client_id'] === pool.ClientId],
    },
    missingGroup: nameOf(await refusalOf(groupOf('nobody'))),
    missingPool: nameOf(await refusalOf(client.send(new ListGroupsCommand({ UserPoolId: 'local_nowhere' })))),
  }
  await client.send(new AdminRemoveUserFromGroupCommand({ UserPoolId, Username: 'alice', GroupName: 'plain' }))
  await client.send(new DeleteGroupCommand({ UserPoolId, GroupName: 'a,b' }))
  const after = { listed: await listed(), groupsOfAlice: await groupsOfAlice() }
  const differing = {
    roles: id['cognito:roles'],
    lifetime: id.exp! - id.iat!,
    wrongPassword: nameOf(
      await refusalOf(
        client.send(
          new InitiateAuthCommand({
            ClientId: pool.ClientId,
            AuthFlow: 'USER_PASSWORD_AUTH',
            AuthParameters: { USERNAME: 'alice', PASSWORD: `${PASSWORD}x` },
          }),
        ),
      ),
    ),
    secondGroupOfAName: nameOf(
      await refusalOf(client.send(new CreateGroupCommand({ UserPoolId, GroupName: 'admins' }))),
    ),
    invalidGroup: nameOf(
      await refusalOf(client.send(new CreateGroupCommand({ UserPoolId, GroupName: 'a b', Precedence: -1 }))),
    ),
    limit: (await client.send(new ListGroupsCommand({ UserPoolId, Limit: 1 }))).Groups!.length,
  }
  client.destroy()
  return { shown, after, differing }
}

describe('cognito-local, an emulator with other gaps', () => {
  test('agrees where roles are not in question, and differs as docs/testing.md says', async () => {
    const emulator = await startEmulator()
    const service = await startFakeService({ region: 'local', createKeys: sharedKeys })
    try {
      // Else a username has to be an email address there.
      const theirs = await scenario(emulator.url, { UsernameAttributes: ['phone_number'] })
      const ours = await scenario(service.url, {})
      expect(ours.shown).toStrictEqual(theirs.shown)
      expect(ours.after).toStrictEqual(theirs.after)
      expect([theirs.differing, ours.differing]).toStrictEqual([
        {
          roles: undefined,
          lifetime: 86_400,
          wrongPassword: 'InvalidPasswordException',
          secondGroupOfAName: 'no error',
          invalidGroup: 'no error',
          limit: 3,
        },
        {
          roles: [role('Admin')],
          lifetime: 3600,
          wrongPassword: 'NotAuthorizedException',
          secondGroupOfAName: 'GroupExistsException',
          invalidGroup: 'InvalidParameterException',
          limit: 1,
        },
      ])
    } finally {
      await emulator.close()
      await service.close()
    }
  })
})
