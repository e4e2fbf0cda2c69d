import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminListGroupsForUserCommand,
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolCommand,
  ListUsersCommand,
  ListUsersInGroupCommand,
} from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Emulator, startEmulator } from '../cognito/cognito-local.js'
import { auditPool, auditUser, estimatePool } from '../../src/cognito/memberships/audit-pool.js'
import { auditCommand } from './audit-command.js'
import { jsonLines } from './pool.js'
import { CREDENTIALS } from './command.js'
import { failureOf } from '../failure-of.js'
import { modelResolve } from '../models/resolve-model.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS = [
  { GroupName: 'admins', Precedence: 0, RoleArn: role('Admin') },
  { GroupName: 'vip', Precedence: 7 },
  { GroupName: 'billing', Precedence: 7, RoleArn: role('Billing') },
  { GroupName: 'support', Precedence: 7, RoleArn: role('Support') },
  { GroupName: 'contractors', RoleArn: role('Contractor') },
  { GroupName: 'a,b', Precedence: 9, RoleArn: role('Comma') },
  { GroupName: '管理者-é-🙂', Precedence: 9, RoleArn: role('Comma') },
  { GroupName: 'empty', Precedence: 3, RoleArn: role('Nobody') },
]
const USERS: Readonly<Record<string, readonly string[]>> = {
  anna: ['billing', 'admins'],
  bert: ['billing', 'support'],
  carl: ['vip', 'billing'],
  dora: ['contractors'],
  emil: [],
  fay: ['a,b', '管理者-é-🙂'],
  'zoë-🙂': ['vip'],
}
const toGroup = (name: string) => {
  const { GroupName, Precedence, RoleArn } = GROUPS.find(group => group.GroupName === name)!
  return { groupName: GroupName, precedence: Precedence ?? null, roleArn: RoleArn ?? null }
}

let emulator: Emulator
let client: CognitoIdentityProviderClient
let userPoolId: string
beforeAll(async () => {
  emulator = await startEmulator()
  client = new CognitoIdentityProviderClient({
    endpoint: emulator.url,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
  // Else a username has to be a mail address here.
  const { UserPool } = await client.send(
    new CreateUserPoolCommand({ PoolName: 'test', UsernameAttributes: ['phone_number'] }),
  )
  userPoolId = UserPool!.Id!
  for (const group of GROUPS) await client.send(new CreateGroupCommand({ UserPoolId: userPoolId, ...group }))
  for (const [Username, groups] of Object.entries(USERS)) {
    await client.send(
      new AdminCreateUserCommand({
        UserPoolId: userPoolId,
        Username,
        MessageAction: 'SUPPRESS',
        TemporaryPassword: 'Passw0rd!',
      }),
    )
    for (const GroupName of groups)
      await client.send(new AdminAddUserToGroupCommand({ UserPoolId: userPoolId, Username, GroupName }))
  }
  for (const [name, value] of Object.entries(CREDENTIALS)) vi.stubEnv(name, value)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  client.destroy()
  await emulator.close()
})

const options = () => ({
  userPoolId,
  client,
  requestsPerSecond: 1_000,
  rates: { ListUsers: 1_000, AdminListGroupsForUser: 1_000 },
})
/** What is right of a user, whatever the order of the groups. */
const factsOf = ({ outcome, rule, preferredRole, candidateRole, groups }: ReturnType<typeof modelResolve>) => ({
  outcome,
  rule,
  preferredRole,
  candidateRole,
  groups: groups.toSorted(),
})
const expected = (username: string) => factsOf(modelResolve(USERS[username]!.map(toGroup)))

describe('cognito-local itself', () => {
  test('answers what an audit asks', async () => {
    const { Users } = await client.send(
      new ListUsersCommand({ UserPoolId: userPoolId, AttributesToGet: ['sub'], Limit: 60 }),
    )
    expect(Users?.map(user => user.Username).toSorted()).toEqual(Object.keys(USERS).toSorted())
    const members = await client.send(new ListUsersInGroupCommand({ UserPoolId: userPoolId, GroupName: 'billing' }))
    expect(members.Users?.map(user => user.Username).toSorted()).toEqual(['anna', 'bert', 'carl'])
    const { Groups } = await client.send(
      new AdminListGroupsForUserCommand({ UserPoolId: userPoolId, Username: 'anna' }),
    )
    expect(Groups?.map(group => group.GroupName).toSorted()).toEqual(['admins', 'billing'])
  })
})

describe('an audit of cognito-local', () => {
  test.each(Object.keys(USERS))('of the user %s', async username => {
    const { groups, resolution } = await auditUser({ ...options(), username })
    expect(groups.toSorted((a, b) => (a.groupName < b.groupName ? -1 : 1))).toEqual(
      USERS[username]!.toSorted().map(toGroup),
    )
    expect(factsOf(resolution)).toEqual(expected(username))
  })

  test('of a user who is not there', async () => {
    expect(await failureOf(() => auditUser({ ...options(), username: 'ghost' }))).toMatchObject({
      code: 'user-not-found',
    })
  })

  test('of a user by the sub, to which it responds with no groups at all', async () => {
    const { Users = [] } = await client.send(new ListUsersCommand({ UserPoolId: userPoolId }))
    const { Attributes = [] } = Users.find(user => user.Username === 'anna')!
    const sub = Attributes.find(attribute => attribute.Name === 'sub')!.Value!
    expect(await auditUser({ ...options(), username: sub })).toMatchObject({ groups: [] })
  })

  test.each(['per-group', 'per-user'] as const)('of the pool, %s', async strategy => {
    const found: Record<string, unknown> = {}
    for await (const { username, resolution } of auditPool({ ...options(), strategy })) {
      expect(Object.hasOwn(found, username)).toBe(false)
      found[username] = factsOf(resolution)
    }
    expect(found).toEqual(Object.fromEntries(Object.keys(USERS).map(username => [username, expected(username)])))
  })

  test('and what it would cost', async () => {
    expect(await estimatePool(options())).toMatchObject({ groups: GROUPS.length })
  })

  test('by the command line', async () => {
    const args = ['--user-pool-id', userPoolId, '--endpoint-url', emulator.url]
    const user = await auditCommand(['audit', 'user', ...args, '--username', 'bert', '--json'])
    const [bert] = JSON.parse(user.stdout)
    expect({ username: bert.username, ...factsOf(bert) }).toEqual({ username: 'bert', ...expected('bert') })
    const pool = await auditCommand([
      'audit',
      'pool',
      ...args,
      '--format',
      'ndjson',
      '--requests-per-second',
      'ListGroups=100',
    ])
    expect(pool.code).toBe(0)
    const [{ audit }, ...lines] = jsonLines(pool.stdout)
    expect(audit.reading).toMatchObject({ source: 'cognito', userPoolId, poolName: 'test' })
    // It has neither an account nor a region.
    expect(audit.reading).not.toHaveProperty('account')
    const users = lines.slice(0, -1)
    for (const answer of users) {
      expect(factsOf(answer)).toEqual(expected(answer.username))
      expect(answer).toMatchObject({ enabled: true, status: 'FORCE_CHANGE_PASSWORD', sub: expect.any(String) })
    }
    expect(users).toHaveLength(Object.keys(USERS).length)
    const moved = await auditCommand([
      'impact',
      ...args,
      '--requests-per-second',
      'ListGroups=100',
      '--set',
      'vip.precedence=8',
      '--format',
      'json',
    ])
    expect(JSON.parse(moved.stdout).trial.impact).toMatchObject({
      changes: { undetermined: 1 },
      transitions: [{ users: ['carl'], after: { roleArn: role('Billing') } }],
    })
  })
})
