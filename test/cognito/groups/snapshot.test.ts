import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, expectTypeOf, test } from 'vitest'
import { readPoolFile } from '../../../src/cli/pool-file.js'
import {
  createGroupSource,
  createRoleResolver,
  type GroupSourceOptions,
  type PoolSnapshot,
  type SnapshotSourceOptions,
  takeSnapshot,
} from '../../../src/cognito/index.js'
import { RolecastError } from '../../../src/errors.js'
import { type Group, MAX_PRECEDENCE } from '../../../src/group.js'
import { resolveRoles } from '../../../src/claims/resolve.js'
import { type CognitoEndpoint, endpointClient, startCognitoEndpoint } from '../cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'contractors', roleArn: role('Contractor') },
  { groupName: '__proto__', precedence: 3 },
  { groupName: '管理者-é-🙂' },
]

let endpoint: CognitoEndpoint
beforeAll(async () => {
  endpoint = await startCognitoEndpoint({ userPoolId })
})
afterAll(() => endpoint.close())

let undo = () => {}
afterEach(() => undo())

function poolOf(groups: readonly Group[]): void {
  endpoint.groups.clear()
  for (const group of groups) endpoint.groups.set(group.groupName, group)
  endpoint.requests.length = 0
}

const connection = () => ({ client: endpointClient(endpoint, { fastRetry: true }), requestsPerSecond: Infinity })
const take = () => takeSnapshot({ userPoolId, ...connection() })

async function failureOf(work: () => unknown): Promise<RolecastError> {
  try {
    await work()
  } catch (error) {
    expect(error).toBeInstanceOf(RolecastError)
    return error as RolecastError
  }
  throw new Error('it did not fail')
}

describe('taking a snapshot', () => {
  test('has all groups of the pool as ListGroups gives them, and when it was begun', async () => {
    poolOf(GROUPS)
    const snapshot = await takeSnapshot({ userPoolId, ...connection(), clock: () => 1_700_000_000_000 })
    expect(snapshot).toStrictEqual({
      version: 1,
      userPoolId,
      takenAt: 1_700_000_000_000,
      Groups: [
        { GroupName: 'admins', Precedence: 0, RoleArn: role('Admin') },
        { GroupName: 'contractors', RoleArn: role('Contractor') },
        { GroupName: '__proto__', Precedence: 3 },
        { GroupName: '管理者-é-🙂' },
      ],
    })
  })

  test.each([
    [0, 1],
    [60, 1],
    [61, 2],
    [150, 3],
  ])('a pool of %i groups takes %i calls', async (size, pages) => {
    poolOf(Array.from({ length: size }, (_, index) => ({ groupName: `g${index}`, precedence: index })))
    const { Groups } = await take()
    expect(Groups.map(group => group.GroupName)).toEqual(Array.from({ length: size }, (_, index) => `g${index}`))
    expect(endpoint.requests.map(request => request.operation)).toEqual(
      Array.from({ length: pages }, () => 'ListGroups'),
    )
  })

  test('its time is that of the first request, not of the last', async () => {
    poolOf(Array.from({ length: 150 }, (_, index) => ({ groupName: `g${index}` })))
    const { takenAt } = await takeSnapshot({
      userPoolId,
      ...connection(),
      clock: () => 1_000 + endpoint.requests.length,
    })
    expect(takenAt).toBe(1_000)
    expect(endpoint.requests).toHaveLength(3)
  })

  test.each(['throttle', 'access-denied', 'malformed-json', 'no-group', 'drop', 'endless-pages'] as const)(
    'a page that meets `%s` fails the whole, whichever page it is',
    async fault => {
      poolOf(Array.from({ length: 150 }, (_, index) => ({ groupName: `g${index}` })))
      for (const after of [0, 1, 2]) {
        undo = endpoint.fail(fault, { after })
        const error = await failureOf(take)
        expect(error.code).toMatch(/^(throttled|not-authorized|malformed-response|unreachable)$/)
        undo()
      }
      expect((await take()).Groups).toHaveLength(150)
    },
  )

  test('can be given up', async () => {
    poolOf(GROUPS)
    undo = endpoint.fail('hang')
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    expect(
      await failureOf(() => takeSnapshot({ userPoolId, ...connection(), signal: controller.signal })),
    ).toMatchObject({ code: 'aborted' })
  })
})

describe('what is not a snapshot is rejected', () => {
  const good = {
    version: 1,
    userPoolId,
    takenAt: 1_700_000_000_000,
    Groups: [{ GroupName: 'admins', Precedence: 0, RoleArn: role('Admin') }],
  }
  const use = (snapshot: unknown, options: Partial<SnapshotSourceOptions> = {}) =>
    createGroupSource({ snapshot, maxAge: 60_000, ...options })

  test('control: a good one is taken, and so are keys that AWS may add', () => {
    expect(use(good).stats().size).toBe(1)
    expect(
      use({
        ...good,
        Groups: [{ ...good.Groups[0], UserPoolId: userPoolId, CreationDate: '2026-03-02T10:11:12+01:00' }],
      }).stats().size,
    ).toBe(1)
    expect(use({ ...good, Groups: [] }).stats().size).toBe(0)
  })

  test.each<[string, unknown]>([
    ['only some pages of a pool', { ...good, NextToken: 'more' }],
    ['an older version', { ...good, version: 0 }],
    ['a newer version', { ...good, version: 2 }],
    ['no version: what `aws cognito-idp list-groups` prints', { Groups: good.Groups }],
    ['no pool', { ...good, userPoolId: undefined }],
    ['an empty pool id', { ...good, userPoolId: '' }],
    ['no time', { ...good, takenAt: undefined }],
    ['a time in words', { ...good, takenAt: '2026-03-02' }],
    ['a time before 1970', { ...good, takenAt: -1 }],
    ['no groups', { ...good, Groups: undefined }],
    ['a group without a name', { ...good, Groups: [{}] }],
    ['the precedence "7"', { ...good, Groups: [{ GroupName: 'admins', Precedence: '7' }] }],
    ['the precedence 1.5', { ...good, Groups: [{ GroupName: 'admins', Precedence: 1.5 }] }],
    ['the precedence -1', { ...good, Groups: [{ GroupName: 'admins', Precedence: -1 }] }],
    ['a misspelt key', { ...good, Groups: [{ GroupName: 'admins', precedence: 1 }] }],
    ['a role that is no ARN', { ...good, Groups: [{ GroupName: 'admins', RoleArn: 'not-an-arn' }] }],
    ['a role that is a number', { ...good, Groups: [{ GroupName: 'admins', RoleArn: 7 }] }],
    ['a text, not yet parsed', JSON.stringify(good)],
    ['null', null],
    ['undefined', undefined],
    ['a list', [good]],
  ])('%s', async (_name, snapshot) => {
    const error = await failureOf(() => use(snapshot))
    expect(error).toMatchObject({ code: 'invalid-input', retryable: false })
    expect(error.message).toContain('rolecast snapshot')
  })

  test('one of another pool than the one that is asked for', async () => {
    const error = await failureOf(() => use(good, { userPoolId: 'eu-west-1_Other' }))
    expect(error).toMatchObject({ code: 'invalid-option', value: 'eu-west-1_Other' })
    expect(error.message).toContain(userPoolId)
    expect(use(good, { userPoolId }).stats().size).toBe(1)
  })

  test('one of something that is not a pool', async () => {
    expect((await failureOf(() => use({ ...good, userPoolId: 'not a pool' }))).code).toBe('invalid-user-pool-id')
  })

  test.each([[undefined], [null], [-1], [NaN], ['60000']])(
    '`maxAge` %j: how old it may be is yours to say',
    async maxAge => {
      expect(await failureOf(() => use(good, { maxAge: maxAge as number }))).toMatchObject({ code: 'invalid-option' })
      expect(await failureOf(() => createRoleResolver({ snapshot: good, maxAge: maxAge as number }))).toMatchObject({
        code: 'invalid-option',
      })
    },
  )

  test('in types too: a snapshot comes with `maxAge`, and `maxAge` with a snapshot', () => {
    expectTypeOf(createRoleResolver).toBeCallableWith({ snapshot: good, maxAge: 1 })
    expectTypeOf(createGroupSource).toBeCallableWith({ snapshot: good, maxAge: 1, userPoolId })
    expectTypeOf<{ snapshot: unknown }>().not.toExtend<GroupSourceOptions | SnapshotSourceOptions>()
    expectTypeOf<{ snapshot: unknown; maxAge: undefined }>().not.toExtend<SnapshotSourceOptions>()
    const unused = () => {
      // @ts-expect-error `maxAge` is missing
      createRoleResolver({ snapshot: good })
      // @ts-expect-error `maxAge` is missing
      createGroupSource({ snapshot: good, ttl: 60_000 })
    }
    expect(unused).toBeTypeOf('function')
    expectTypeOf<PoolSnapshot>().toExtend<{ readonly version: 1; readonly Groups: readonly unknown[] }>()
  })
})

describe('a resolver with a snapshot', () => {
  const takenAt = 1_700_000_000_000
  function resolverOf(options: Partial<SnapshotSourceOptions> = {}) {
    poolOf(GROUPS)
    const clock = { now: takenAt + 1_000 }
    const snapshot = {
      version: 1,
      userPoolId,
      takenAt,
      Groups: [
        { GroupName: 'admins', Precedence: 0, RoleArn: role('OldAdmin') },
        { GroupName: 'gone', Precedence: 1, RoleArn: role('Gone') },
      ],
    }
    const resolver = createRoleResolver({
      snapshot,
      maxAge: 3_600_000,
      ...connection(),
      clock: () => clock.now,
      ...options,
    })
    return { resolver, clock }
  }
  const asked = () => endpoint.requests.map(request => request.groupName ?? request.operation)

  test('makes no call within `maxAge`, and says how old the snapshot is', async () => {
    const { resolver, clock } = resolverOf()
    expect(await resolver.resolve(['admins', 'gone'])).toMatchObject({
      preferredRole: role('OldAdmin'),
      age: 1_000,
      stale: false,
      unknownGroups: [],
    })
    clock.now = takenAt + 3_599_999
    expect(resolver.resolveCached(['admins'])).toMatchObject({
      preferredRole: role('OldAdmin'),
      age: 3_599_999,
      stale: false,
    })
    expect(asked()).toEqual([])
    expect(resolver.source.stats()).toMatchObject({ size: 2, call: 0 })
  })

  test('asks Cognito once it is older, and then goes by `ttl` as always', async () => {
    const { resolver, clock } = resolverOf({ ttl: 5_000 })
    clock.now = takenAt + 3_600_000
    expect(await resolver.resolve(['admins', 'gone'])).toMatchObject({
      preferredRole: role('Admin'),
      age: 0,
      unknownGroups: ['gone'],
    })
    expect(asked(), 'the pool is listed, because its size is known').toEqual(['ListGroups'])
    endpoint.requests.length = 0
    clock.now += 4_999
    expect(await resolver.resolve(['admins'])).toMatchObject({ age: 4_999 })
    expect(asked()).toEqual([])
    clock.now += 1
    expect(await resolver.resolve(['admins'])).toMatchObject({ age: 0 })
    expect(asked()).toEqual(['admins'])
  })

  test('asks for a name that is not in it', async () => {
    const { resolver } = resolverOf()
    expect(await resolver.resolve(['admins', 'contractors'])).toMatchObject({
      groups: ['admins', 'contractors'],
      preferredRole: role('OldAdmin'),
      age: 1_000,
    })
    expect(asked()).toEqual(['contractors'])
  })

  test('`maxAge` 0 uses nothing of it', async () => {
    const { resolver } = resolverOf({ maxAge: 0 })
    expect(await resolver.resolve(['admins'])).toMatchObject({ preferredRole: role('Admin') })
  })

  test('one from the future is not believed', async () => {
    const { resolver, clock } = resolverOf()
    clock.now = takenAt - 1
    expect(await resolver.resolve(['admins'])).toMatchObject({ preferredRole: role('Admin'), age: 0 })
    expect(asked()).toEqual(['admins'])
  })

  test('`invalidate` takes a group out of it', async () => {
    const { resolver } = resolverOf()
    await resolver.source.invalidate('admins')
    expect(await resolver.resolve(['admins'])).toMatchObject({ preferredRole: role('Admin') })
  })

  test('`prefetch` replaces it with the pool', async () => {
    const { resolver } = resolverOf()
    await resolver.source.prefetch()
    expect(resolver.resolveCached(['gone']), 'it is not in the pool any more').toBeUndefined()
    expect(resolver.resolveCached(['admins'])).toMatchObject({ preferredRole: role('Admin') })
  })

  test('serves it in an outage for as long as `staleIfError` says, marked as old', async () => {
    const { resolver, clock } = resolverOf({ staleIfError: 10_000 })
    undo = endpoint.fail('internal')
    clock.now = takenAt + 3_609_999
    expect(await resolver.resolve(['admins'])).toMatchObject({
      preferredRole: role('OldAdmin'),
      stale: true,
      age: 3_609_999,
    })
    clock.now += 1
    expect((await failureOf(() => resolver.resolve(['admins']))).code).toBe('service-error')
  })

  test('of 10 000 groups, the most a pool has, keeps them all', async () => {
    const Groups = Array.from({ length: 10_000 }, (_, index) => ({
      GroupName: `g${index}`,
      Precedence: index,
      RoleArn: role(`R${index}`),
    }))
    const { resolver } = resolverOf({ snapshot: { version: 1, userPoolId, takenAt, Groups } })
    const names = Groups.map(group => group.GroupName)
    for (let from = 0; from < names.length; from += 100) {
      const some = names.slice(from, from + 100)
      expect(resolver.resolveCached(some)).toMatchObject({ preferredRole: role(`R${from}`), age: 1_000 })
    }
    expect(resolver.source.stats()).toMatchObject({ size: 10_000, call: 0, evicted: 0 })
  })
})

describe('what goes through a file', () => {
  const groups = fc.uniqueArray(
    fc.record({
      groupName: fc.oneof(
        fc.constantFrom('__proto__', 'constructor', 'a,b', '管理者', '🙂'),
        fc.stringMatching(/^[!-~]{1,12}$/),
      ),
      precedence: fc.option(fc.oneof(fc.constantFrom(0, MAX_PRECEDENCE), fc.nat(MAX_PRECEDENCE)), { nil: null }),
      roleArn: fc.option(fc.constantFrom(role('A'), role('B'), role('C')), { nil: null }),
    }),
    { selector: group => group.groupName, maxLength: 70 },
  )

  test('gives the same results as the pool itself', async () => {
    await fc.assert(
      fc.asyncProperty(groups, async pool => {
        poolOf(pool)
        const snapshot: unknown = JSON.parse(JSON.stringify(await take()))
        const names = pool.map(group => group.groupName)
        endpoint.requests.length = 0
        const resolver = createRoleResolver({ snapshot, maxAge: 60_000, ...connection() })
        const { claims, outcome, unknownGroups } = await resolver.resolve(names)
        expect({ claims, outcome, unknownGroups }).toEqual({
          claims: resolveRoles(pool).claims,
          outcome: resolveRoles(pool).outcome,
          unknownGroups: [],
        })
        expect(endpoint.requests).toEqual([])
      }),
      { numRuns: 50 },
    )
  })

  test('is read by `predict --pool-file` too', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'rolecast-snapshot-'))
    try {
      poolOf(GROUPS)
      const path = join(folder, 'pool.json')
      await writeFile(path, JSON.stringify(await take()))
      const read = await readPoolFile(path, Readable.from([]))
      expect([...read.groups.values()]).toEqual(GROUPS.map(group => ({ precedence: null, roleArn: null, ...group })))
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
