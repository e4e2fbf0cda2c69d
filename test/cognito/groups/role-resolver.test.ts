import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  auditPool,
  createGroupSource,
  createRoleResolver,
  type GroupSourceOptions,
} from '../../../src/cognito/index.js'
import type { Group } from '../../../src/group.js'
import { resolveRoles } from '../../../src/claims/resolve.js'
import { readCalibration } from '../../../src/claims/calibration.js'
import { poolsWithDuplicates, semantics } from '../../arbitraries.js'
import { calibrationOf, DATE, USER_POOL_ID } from '../../calibrations.js'
import { failureOf } from '../../failure-of.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'
const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 1, roleArn: A },
  { groupName: 'editors', precedence: 2, roleArn: B },
  { groupName: 'staff', precedence: null, roleArn: null },
]

const poolOptions = () => ({
  userPoolId: 'eu-west-1_Ab12Cd34e',
  client: { send: () => Promise.reject(new Error('never')) },
})

/** A user pool in this process, and a clock that is moved by hand. */
function poolOf(groups: readonly Group[], options: Partial<GroupSourceOptions> = {}) {
  const table = new Map(groups.map(group => [group.groupName, group]))
  const clock = { now: 1_000_000 }
  const calls: string[] = []
  const asApi = ({ groupName, precedence, roleArn }: Group) => ({
    GroupName: groupName,
    ...(precedence != null && { Precedence: precedence }),
    ...(roleArn != null && { RoleArn: roleArn }),
  })
  const client = {
    async send({ input }: { input: object }) {
      const { GroupName } = input as { GroupName?: string }
      calls.push(GroupName ?? 'ListGroups')
      if (GroupName === undefined) return { Groups: [...table.values()].map(asApi) }
      const group = table.get(GroupName)
      if (group === undefined) throw Object.assign(new Error('Group not found.'), { name: 'ResourceNotFoundException' })
      return { Group: asApi(group) }
    },
  }
  const source = createGroupSource({
    userPoolId: 'eu-west-1_Ab12Cd34e',
    client,
    requestsPerSecond: Infinity,
    clock: () => clock.now,
    ttl: 1000,
    ...options,
  })
  return { table, clock, calls, source }
}

const resolverOf = async (groups: readonly Group[] = GROUPS, options: Partial<GroupSourceOptions> = {}) => {
  const pool = poolOf(groups, options)
  const resolver = createRoleResolver({ source: pool.source })
  await resolver.resolve(groups.map(({ groupName }) => groupName))
  pool.calls.length = 0
  return { ...pool, resolver }
}

test('two resolvers of one source have each their own semantics', async () => {
  const { source } = poolOf([{ groupName: 'one', precedence: null, roleArn: A }])
  const [observed, documented] = [
    createRoleResolver({ source }),
    createRoleResolver({ source, semantics: 'documented' }),
  ]
  for (let time = 0; time < 2; time++) {
    expect((await observed.resolve(['one'])).outcome).toBe('none')
    expect((await documented.resolve(['one'])).preferredRole).toBe(A)
  }
})

describe('a resolver with a calibration', () => {
  const tie = [
    { groupName: 'one', precedence: 5, roleArn: A },
    { groupName: 'two', precedence: 5 },
  ]
  const calibration = readCalibration(calibrationOf('roles-compete'))

  test('resolves with the reading that its tokens show, and names it, whatever its source', async () => {
    const settled = { preferredRole: A, evidence: 'calibrated', calibration: { date: DATE, userPoolId: USER_POOL_ID } }
    const { source } = poolOf(tie)
    const table = new Map(tie.map(group => [group.groupName, group]))
    const snapshot = { userPoolId: source.userPoolId, groups: tie }
    for (const options of [{ source }, { source: (name: string) => table.get(name), userPoolId: 'any' }] as const) {
      expect(await createRoleResolver({ ...options, calibration } as never).resolve(['one', 'two'])).toMatchObject(
        settled,
      )
      // Control.
      const undecided = await createRoleResolver(options as never).resolve(['one', 'two'])
      expect([undecided.outcome, undecided.calibration]).toEqual(['undetermined', undefined])
    }
    expect(
      createRoleResolver({ ...poolOptions(), calibration }).resolveLookup({
        ...snapshot,
        unknownGroups: [],
        stale: false,
        age: 0,
      }),
    ).toMatchObject(settled)
  })

  test('rejects one that was not checked, and one together with semantics', async () => {
    const { source } = poolOf(tie)
    for (const options of [{ source }, { source: () => undefined, userPoolId: 'any' }, poolOptions()]) {
      for (const wrong of [{ calibration: calibrationOf('roles-compete') }, { calibration, semantics: 'observed' }])
        expect((await failureOf(() => createRoleResolver({ ...options, ...wrong } as never))).code).toBe(
          'invalid-option',
        )
    }
  })
})

describe('a result is not cached longer than its groups', () => {
  test('a group that has changed, as soon as it is read again', async () => {
    const { resolver, table } = await resolverOf()
    expect(resolver.resolveCached(['editors', 'admins'])?.preferredRole).toBe(A)
    table.set('admins', { groupName: 'admins', precedence: 9, roleArn: A })
    await resolver.source.prefetch()
    expect(resolver.resolveCached(['editors', 'admins'])?.preferredRole).toBe(B)
  })

  test('a group that is gone, invalidated or evicted', async () => {
    const gone = await resolverOf()
    gone.table.delete('admins')
    gone.clock.now++
    await gone.resolver.source.prefetch()
    expect(gone.resolver.resolveCached(['editors', 'admins'])).toBeUndefined()

    const invalidated = await resolverOf()
    void invalidated.resolver.source.invalidate('admins')
    expect(invalidated.resolver.resolveCached(['admins'])).toBeUndefined()
    void invalidated.resolver.source.invalidate()
    expect(invalidated.resolver.resolveCached(['editors'])).toBeUndefined()

    const evicted = await resolverOf(GROUPS, { max: 3 })
    evicted.table.set('new', { groupName: 'new', precedence: 0, roleArn: B })
    await evicted.resolver.source('new')
    expect(evicted.resolver.resolveCached(['admins'])).toBeUndefined()
    expect(evicted.resolver.resolveCached(['editors'])?.preferredRole).toBe(B)
  })

  test('nothing once its ttl is over, or where the clock was set back', async () => {
    const { resolver, clock } = await resolverOf()
    expect(resolver.resolveCached(['admins'])).toMatchObject({ age: 0 })
    clock.now += 999
    for (const names of [['admins'], ['editors']])
      expect(resolver.resolveCached(names)).toMatchObject({ age: 999, stale: false })
    clock.now += 1
    for (const names of [['admins'], ['editors']]) expect(resolver.resolveCached(names)).toBeUndefined()
    clock.now -= 1001
    for (const names of [['admins'], ['editors']]) expect(resolver.resolveCached(names)).toBeUndefined()
  })

  test('the age is that of the oldest group', async () => {
    const { resolver, clock, calls } = await resolverOf()
    clock.now += 1000
    await resolver.source('admins')
    expect(resolver.resolveCached(['staff', 'admins'])).toBeUndefined()
    clock.now += 10
    await resolver.source('staff')
    clock.now += 250
    expect(resolver.resolveCached(['staff', 'admins'])).toMatchObject({ age: 260, preferredRole: A })
    expect(await resolver.resolve(['staff', 'admins'])).toMatchObject({ age: 260, preferredRole: A })
    expect(calls).toEqual(['admins', 'staff'])
  })
})

describe('the cache sees what is resolved', () => {
  test.each([
    ['with a hook', true],
    ['without one', false],
  ])('each name that comes is a hit, once, %s', async (_, hooked) => {
    const events: string[] = []
    const { resolver } = await resolverOf(
      GROUPS,
      hooked ? { onEvent: ({ type, groupName }) => events.push(`${type} ${groupName}`) } : {},
    )
    events.length = 0
    const before = resolver.source.stats().hit
    for (let time = 0; time < 2; time++) resolver.resolveCached(['staff', 'admins', 'staff'])
    expect(events).toEqual(hooked ? ['hit staff', 'hit admins', 'hit staff', 'hit admins'] : [])
    expect(resolver.source.stats().hit - before).toBe(4)
  })

  test('in a full cache what was used last stays', async () => {
    const { resolver, table } = await resolverOf(GROUPS, { max: 3 })
    resolver.resolveCached(['admins'])
    table.set('new', { groupName: 'new', precedence: 0, roleArn: B })
    await resolver.source('new')
    expect(resolver.resolveCached(['admins'])?.preferredRole).toBe(A)
    expect(resolver.resolveCached(['editors'])).toBeUndefined()
  })

  test('an aborted caller is told so', async () => {
    const { resolver } = await resolverOf()
    await expect(resolver.resolve(['admins'], { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    })
  })
})

test("a result is the caller's own: changing it changes no other", async () => {
  const { resolver } = await resolverOf()
  const first = resolver.resolveCached(['staff', 'admins'])!
  const answer = structuredClone(first)
  for (const list of [first.groups, first.roles, first.determiningGroups, first.unknownGroups])
    (list as string[]).push('planted')
  expect(resolver.resolveCached(['staff', 'admins'])).toStrictEqual(answer)
})

test('for every pool, each way of resolving gives the result of resolveRoles', async () => {
  await fc.assert(
    fc.asyncProperty(poolsWithDuplicates, semantics, fc.infiniteStream(fc.nat()), async (given, chosen, numbers) => {
      const groups = [...new Map(given.toReversed().map(group => [group.groupName, group])).values()]
      const resolver = createRoleResolver({ source: poolOf(groups).source, semantics: chosen })
      await resolver.resolve(groups.map(({ groupName }) => groupName))
      for (let user = 0; user < 8; user++) {
        const own = groups.filter(() => numbers.next().value! % 2 === 0)
        const answer = { ...resolveRoles(own, { semantics: chosen }), unknownGroups: [], stale: false, age: 0 }
        const names = own.map(({ groupName }) => groupName)
        expect(resolver.resolveCached(names)).toStrictEqual(answer)
        expect(await resolver.resolve(names)).toStrictEqual(answer)
      }
    }),
  )
})

describe('a resolver knows its pool', () => {
  const plain = (more: object) => createRoleResolver({ source: () => undefined, ...more } as never)

  test('from its source, or as it is told', () => {
    const { source } = poolOf(GROUPS)
    expect(source.userPoolId).toBe('eu-west-1_Ab12Cd34e')
    expect(createRoleResolver({ source }).userPoolId).toBe('eu-west-1_Ab12Cd34e')
    expect(createRoleResolver({ source, userPoolId: 'eu-west-1_Ab12Cd34e' }).userPoolId).toBe('eu-west-1_Ab12Cd34e')
    expect(createRoleResolver({ userPoolId: 'eu-west-1_Other' }).userPoolId).toBe('eu-west-1_Other')
    expect(plain({ userPoolId: 'eu-west-1_Table' }).userPoolId).toBe('eu-west-1_Table')
    expect(plain({ userPoolId: 'any' }).userPoolId).toBe('any')
    const snapshot = { version: 1, userPoolId: 'eu-west-1_Snap', takenAt: 0, Groups: [] }
    expect(createRoleResolver({ snapshot, maxAge: 1 }).userPoolId).toBe('eu-west-1_Snap')
  })

  test.each<[string, () => unknown, string]>([
    ['a plain source that does not say', () => plain({}), 'invalid-option'],
    ['a plain source whose pool got lost', () => plain({ userPoolId: undefined }), 'invalid-option'],
    ['a plain source of something that is no pool', () => plain({ userPoolId: 'a b' }), 'invalid-user-pool-id'],
    ['a plain source of an empty pool', () => plain({ userPoolId: '' }), 'invalid-user-pool-id'],
    ['another pool than the source', () => other('eu-west-1_Other'), 'invalid-option'],
    ['`any` pool, of a source that has one', () => other('any'), 'invalid-option'],
    ['a pool that got lost', () => other(undefined), 'invalid-option'],
    [
      'a source that got lost',
      () => createRoleResolver({ source: undefined, userPoolId: 'any' } as never),
      'invalid-option',
    ],
    ['a source that is none', () => createRoleResolver({ source: {}, userPoolId: 'any' } as never), 'invalid-option'],
    [
      'a snapshot whose pool got lost',
      () =>
        createRoleResolver({
          snapshot: { version: 1, userPoolId: 'eu-west-1_Snap', takenAt: 0, Groups: [] },
          maxAge: 1,
          userPoolId: undefined,
        } as never),
      'invalid-option',
    ],
  ])('%s is rejected', async (_what, make, code) => {
    expect(await failureOf(make as () => Promise<unknown>)).toMatchObject({ code, retryable: false })
  })

  function other(userPoolId: string | undefined) {
    return createRoleResolver({ source: poolOf(GROUPS).source, userPoolId } as never)
  }
})

describe('options that a resolver does not know', () => {
  const misspelt = <T>(options: T) => options as never

  test.each([
    ['ttll', { userPoolId: 'eu-west-1_Ab12Cd34e', ttll: 1 }, 'did you mean `ttl`?'],
    [
      'requestPerSecond',
      { userPoolId: 'eu-west-1_Ab12Cd34e', requestPerSecond: 1 },
      'did you mean `requestsPerSecond`?',
    ],
    [
      'secert',
      { userPoolId: 'eu-west-1_Ab12Cd34e', sharedCache: { store: new Map(), secert: 'x' } },
      'did you mean `secret`?',
    ],
    ['ttl', { source: () => undefined, userPoolId: 'any', ttl: 1 }, 'leave it out'],
  ])('%s is rejected, because it would silently have no effect', (name, options, next) => {
    expect(() => createRoleResolver(misspelt(options))).toThrow(
      expect.objectContaining({ code: 'invalid-option', value: name, message: expect.stringContaining(next) }),
    )
  })

  test.each([undefined, null, 'eu-west-1_Ab12Cd34e', []])('%j is rejected as options', options => {
    expect(() => createRoleResolver(misspelt(options))).toThrow(expect.objectContaining({ code: 'invalid-option' }))
  })

  test('of an audit are rejected too', async () => {
    const reading = auditPool(misspelt({ userPoolId: 'eu-west-1_Ab12Cd34e', checkpont: 'x' }))
    await expect(reading.next()).rejects.toMatchObject({ code: 'invalid-option', value: 'checkpont' })
  })

  test('a pool cannot be named `any`: only a plain source may say it', () => {
    expect(() => createRoleResolver({ userPoolId: 'any', region: 'eu-west-1' })).toThrow(
      expect.objectContaining({ code: 'invalid-user-pool-id' }),
    )
  })
})

test('a plain source that gives another group than it was asked for is not believed', async () => {
  const table = new Map([
    ['admins', { groupName: 'admins', precedence: 1, roleArn: 'arn:aws:iam::111122223333:role/A' }],
  ])
  const resolver = createRoleResolver({ source: name => table.get(name.toLowerCase()), userPoolId: 'any' })
  expect(await resolver.resolve(['admins'])).toMatchObject({ outcome: 'resolved' })
  await expect(resolver.resolve(['ADMINS'])).rejects.toMatchObject({
    code: 'malformed-response',
    groupName: 'ADMINS',
    value: 'admins',
  })
})
