import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolCommand,
  DeleteGroupCommand,
  GetGroupCommand,
  ListGroupsCommand,
} from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Emulator, startEmulator } from './cognito-local.js'
import { createGroupSource, createRoleResolver, type GroupSourceOptions } from '../../src/cognito/index.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const GROUPS = [
  { GroupName: 'admins', Precedence: 0, RoleArn: role('Admin') },
  { GroupName: 'vip', Precedence: 1 },
  { GroupName: 'editors', Precedence: 5, RoleArn: role('Editor') },
  { GroupName: 'writers', Precedence: 5, RoleArn: role('Editor') },
  { GroupName: 'billing', Precedence: 7, RoleArn: role('Billing') },
  { GroupName: 'support', Precedence: 7, RoleArn: role('Support') },
  { GroupName: 'readers', Precedence: 2 ** 31 - 1, RoleArn: role('Reader') },
  { GroupName: 'last', Precedence: 2 ** 31 - 1 },
  { GroupName: 'contractors', RoleArn: role('Contractor') },
  { GroupName: 'plain', Description: 'neither a role nor a precedence' },
  { GroupName: 'a,b', Precedence: 9, RoleArn: role('Comma') },
  { GroupName: '管理者-é-🙂', Precedence: 9, RoleArn: role('Unicode') },
]

function clientOf({ url }: Emulator) {
  return new CognitoIdentityProviderClient({
    endpoint: url,
    region: 'local',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
  })
}

async function createPool(
  client: CognitoIdentityProviderClient,
  groups: readonly (typeof GROUPS)[number][],
): Promise<string> {
  const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: 'test' }))
  for (const group of groups) await client.send(new CreateGroupCommand({ UserPoolId: UserPool!.Id!, ...group }))
  return UserPool!.Id!
}

let emulator: Emulator
let client: CognitoIdentityProviderClient
let userPoolId: string
beforeAll(async () => {
  emulator = await startEmulator()
  client = clientOf(emulator)
  userPoolId = await createPool(client, GROUPS)
})
afterAll(async () => {
  client.destroy()
  await emulator.close()
})

const sourceOf = (options: Partial<GroupSourceOptions> = {}) =>
  createGroupSource({ userPoolId, client, requestsPerSecond: Infinity, ...options })
const resolverOf = (options: Partial<GroupSourceOptions> = {}) => createRoleResolver({ source: sourceOf(options) })

describe('predictions from the groups of cognito-local', () => {
  test.each([
    [
      'zero is the highest rank',
      ['editors', 'admins'],
      { outcome: 'resolved', rule: 'lowest-precedence', preferredRole: role('Admin') },
    ],
    [
      'the lowest rank there is still wins alone',
      ['readers', 'plain'],
      { outcome: 'resolved', rule: 'lowest-precedence', preferredRole: role('Reader') },
    ],
    ['a role without a precedence is never preferred', ['contractors'], { outcome: 'none', rule: 'no-precedence' }],
    ['a precedence beats none', ['contractors', 'readers'], { outcome: 'resolved', preferredRole: role('Reader') }],
    [
      'a tie on one role',
      ['writers', 'editors'],
      { outcome: 'resolved', rule: 'shared-role', preferredRole: role('Editor') },
    ],
    ['a tie on two roles', ['billing', 'support', 'readers'], { outcome: 'ambiguous', rule: 'conflicting-roles' }],
    [
      'a group without a role stands aside',
      ['vip', 'readers'],
      { outcome: 'resolved', rule: 'lowest-precedence', preferredRole: role('Reader') },
    ],
    [
      'a group without a role at the number that wins',
      ['last', 'readers'],
      { outcome: 'undetermined', rule: 'roleless-contender', candidateRole: role('Reader') },
    ],
    ['a group with neither', ['plain'], { outcome: 'none', rule: 'no-roles', claims: { 'cognito:groups': ['plain'] } }],
    ['no groups at all', [], { outcome: 'none', rule: 'no-groups', claims: {} }],
    [
      'a comma and other alphabets in names',
      ['管理者-é-🙂', 'a,b'],
      { outcome: 'ambiguous', groups: ['管理者-é-🙂', 'a,b'] },
    ],
  ])('%s', async (_what, groupNames, expected) => {
    const resolution = await resolverOf().resolve(groupNames)
    expect(resolution).toMatchObject({ ...expected, unknownGroups: [], stale: false })
    expect('preferredRole' in resolution).toBe(expected.outcome === 'resolved')
  })

  test('a group that is not there is reported and stands in no claim', async () => {
    const resolution = await resolverOf().resolve(['ghost', 'editors', '幽霊'])
    expect(resolution).toMatchObject({
      preferredRole: role('Editor'),
      groups: ['editors'],
      unknownGroups: ['ghost', '幽霊'],
    })
    expect(resolution.claims['cognito:groups']).toEqual(['editors'])
  })

  test('a deleted group is unknown once its entry has expired, and a new one is found', async () => {
    const resolver = resolverOf()
    await client.send(
      new CreateGroupCommand({
        UserPoolId: userPoolId,
        GroupName: 'short-lived',
        Precedence: 3,
        RoleArn: role('Brief'),
      }),
    )
    expect(await resolver.resolve(['short-lived'])).toMatchObject({ preferredRole: role('Brief') })
    await client.send(new DeleteGroupCommand({ UserPoolId: userPoolId, GroupName: 'short-lived' }))
    expect(await resolver.resolve(['short-lived'])).toMatchObject({ preferredRole: role('Brief') })
    resolver.source.invalidate('short-lived')
    expect(await resolver.resolve(['short-lived'])).toMatchObject({ outcome: 'none', unknownGroups: ['short-lived'] })
  })
})

describe('invalid responses', () => {
  test.each(['__proto__', 'constructor', 'toString'])(
    'an empty group for `%s` is rejected as malformed',
    async groupName => {
      // The emulator looks names up in a plain object.
      const { Group } = await client.send(new GetGroupCommand({ UserPoolId: userPoolId, GroupName: groupName }))
      expect(Group).toBeDefined()
      expect(Group?.GroupName).toBeUndefined()

      const source = sourceOf()
      await expect(source(groupName)).rejects.toMatchObject({
        name: 'RolecastError',
        code: 'malformed-response',
        groupName,
        retryable: false,
      })
      expect(source.stats()).toMatchObject({ call: 1, failed: 1, size: 0 })
    },
  )

  test('one malformed response fails the whole lookup', async () => {
    await expect(resolverOf().resolve(['admins', '__proto__'])).rejects.toMatchObject({
      code: 'malformed-response',
      groupName: '__proto__',
    })
    await expect(resolverOf().resolve(['admins'])).resolves.toMatchObject({ outcome: 'resolved' })
  })

  test('a pool that is not there is not a group that is not there', async () => {
    const source = sourceOf({ userPoolId: 'local_nowhere' })
    await expect(source('admins')).rejects.toMatchObject({
      code: 'pool-not-found',
      groupName: 'admins',
      retryable: false,
    })
    await expect(source.prefetch()).rejects.toMatchObject({ code: 'pool-not-found', retryable: false })
    expect(source.stats()).toMatchObject({ call: 2, failed: 2, size: 0 })
  })

  test('an emulator that is gone is unreachable', async () => {
    const gone = await startEmulator()
    await gone.close()
    const lost = sourceOf({ client: clientOf(gone) })
    await expect(lost('admins')).rejects.toMatchObject({ code: 'unreachable', retryable: true })
  })
})

describe('the cache before cognito-local', () => {
  test('calls and hits are counted', async () => {
    const source = sourceOf()
    await source.lookup(['admins', 'ghost', 'admins'])
    expect(source.stats()).toEqual({
      call: 2,
      miss: 2,
      hit: 0,
      negative: 0,
      size: 2,
      stale: 0,
      coalesced: 0,
      failed: 0,
      throttled: 0,
      evicted: 0,
      'shared-hit': 0,
      'shared-failed': 0,
    })
    await source.lookup(['admins', 'ghost', 'editors'])
    expect(source.stats()).toMatchObject({ call: 3, miss: 3, hit: 1, negative: 1, size: 3 })
    await Promise.all([source('vip'), source('vip')])
    expect(source.stats()).toMatchObject({ call: 4, miss: 4, coalesced: 1, size: 4 })
  })

  test('prefetch takes one call, and then every group of the pool is a hit', async () => {
    const source = sourceOf()
    expect(await source.prefetch()).toEqual({ groups: GROUPS.length, pages: 1 })
    const lookup = source.lookupCached(GROUPS.map(group => group.GroupName))
    expect(lookup?.groups).toEqual(
      GROUPS.map(({ GroupName, Precedence, RoleArn }) => ({
        groupName: GroupName,
        precedence: Precedence ?? null,
        roleArn: RoleArn ?? null,
      })),
    )
    expect(source.stats()).toMatchObject({ call: 1, hit: GROUPS.length, miss: 0, size: GROUPS.length })
  })

  test('prefetch copes with a listing that does not keep to the limit', async () => {
    const groups = Array.from({ length: 70 }, (_, index) => ({ GroupName: `g${index}`, Precedence: index }))
    const large = await createPool(client, groups)
    const listed = await client.send(new ListGroupsCommand({ UserPoolId: large, Limit: 60 }))
    expect(listed.Groups).toHaveLength(70)
    expect(await sourceOf({ userPoolId: large }).prefetch()).toEqual({ groups: 70, pages: 1 })
  })

  test('prefetch of a pool without groups', async () => {
    const empty = await createPool(client, [])
    const source = sourceOf({ userPoolId: empty })
    expect(await source.prefetch()).toEqual({ groups: 0, pages: 1 })
    // Here the emulator answers GetGroup with a 500. That is not "no such group".
    await expect(source('admins')).rejects.toMatchObject({ code: 'service-error', retryable: true })
  })
})

describe('the emulator itself', () => {
  const folders = async (folder: string) =>
    (await readdir(folder)).filter(name => name.startsWith('rolecast-emulator-'))

  async function isFree(url: string): Promise<boolean> {
    const server = createServer()
    return new Promise(resolve => {
      server.once('error', () => resolve(false))
      server.listen(Number(new URL(url).port), '127.0.0.1', () => server.close(() => resolve(true)))
    })
  }

  test('two are independent of each other', async () => {
    const other = await startEmulator()
    const otherClient = clientOf(other)
    try {
      expect(other.url).not.toBe(emulator.url)
      const otherPool = await createPool(otherClient, [{ GroupName: 'admins', Precedence: 8, RoleArn: role('Other') }])
      const theirs = sourceOf({ client: otherClient, userPoolId: otherPool })
      expect(await theirs('admins')).toEqual({ groupName: 'admins', precedence: 8, roleArn: role('Other') })
      expect(await sourceOf()('admins')).toEqual({ groupName: 'admins', precedence: 0, roleArn: role('Admin') })
      await expect(sourceOf({ userPoolId: otherPool })('admins')).rejects.toMatchObject({ code: 'pool-not-found' })
    } finally {
      otherClient.destroy()
      await other.close()
    }
    expect(await sourceOf()('editors')).toMatchObject({ precedence: 5 })
  })

  test('it listens on loopback, and close() frees its port and removes its folder', async () => {
    const home = await mkdtemp(join(tmpdir(), 'rolecast-test-'))
    const before = process.env['TMPDIR']
    process.env['TMPDIR'] = home
    try {
      const brief = await startEmulator()
      expect(brief.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
      const briefClient = clientOf(brief)
      await createPool(briefClient, GROUPS)
      expect(await isFree(brief.url)).toBe(false)
      expect(await folders(home)).toHaveLength(1)

      // With a connection still open.
      await brief.close()
      expect(await isFree(brief.url)).toBe(true)
      expect(await readdir(home)).toEqual([])
      briefClient.destroy()
    } finally {
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
      await rm(home, { recursive: true })
    }
  })

  test('it writes nothing to the working directory', () => {
    expect(existsSync('.cognito')).toBe(false)
  })
})
