import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CachedGroupSource, createGroupSource, createRoleResolver, type GroupSourceOptions } from '../../../src/cognito/index.js'
import type { Group } from '../../../src/group.js'
import { resolveRoles } from '../../../src/claims/resolve.js'
import { poolsWithDuplicates, semantics } from '../../arbitraries.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'
const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 1, roleArn: A },
  { groupName: 'editors', precedence: 2, roleArn: B },
  { groupName: 'staff', precedence: null, roleArn: null },
]

/** A user pool in this process, and a clock that is moved by hand. */
function poolOf(groups: readonly Group[], options: Partial<GroupSourceOptions> = {}) {
  const table = new Map(groups.map(group => [group.groupName, group]))
  const clock = { now: 1_000_000 }
  const calls: string[] = []
  const asApi = ({ groupName, precedence, roleArn }: Group) => ({
    GroupName: groupName, ...(precedence != null && { Precedence: precedence }), ...(roleArn != null && { RoleArn: roleArn }) })
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
    userPoolId: 'eu-west-1_Ab12Cd34e', client, requestsPerSecond: Infinity, clock: () => clock.now, ttl: 1000, ...options })
  return { table, clock, calls, source }
}

/** The source, and how often it was asked to look something up. */
function watched(source: CachedGroupSource) {
  const lookups = { count: 0 }
  const counting = <A extends unknown[], R>(read: (...args: A) => R) => (...args: A) => {
    lookups.count++
    return read(...args)
  }
  const { lookup, lookupCached } = source
  const watchedSource = Object.assign(counting((...args: Parameters<CachedGroupSource>) => source(...args)), source, {
    lookup: counting(lookup), lookupCached: counting(lookupCached) })
  return { lookups, source: watchedSource as CachedGroupSource }
}

/** A resolver that has compiled all groups, and nothing left to look up. */
async function warmed(groups: readonly Group[] = GROUPS, options: Partial<GroupSourceOptions> = {}) {
  const pool = poolOf(groups, options)
  const { lookups, source } = watched(pool.source)
  const resolver = createRoleResolver({ source })
  await resolver.resolve(groups.map(({ groupName }) => groupName))
  lookups.count = 0
  pool.calls.length = 0
  return { ...pool, lookups, resolver }
}

describe('groups that are all kept are compiled', () => {
  test('names never asked for before are resolved without looking them up', async () => {
    const { resolver, lookups } = await warmed()
    for (const names of [['editors'], ['staff', 'admins'], ['editors', 'admins'], [], ['admins', 'admins']]) {
      const groups = names.map(name => GROUPS.find(group => group.groupName === name)!)
      const answer = { ...resolveRoles(groups), unknownGroups: [], stale: false, age: 0 }
      expect(resolver.resolveCached(names)).toStrictEqual(answer)
      expect(await resolver.resolve(names)).toStrictEqual(answer)
    }
    expect(lookups.count).toBe(0)
  })

  test('control: before they are compiled, or where one is unknown, they are looked up', async () => {
    const { source: cold } = poolOf(GROUPS)
    const { lookups, source } = watched(cold)
    await createRoleResolver({ source }).resolve(['admins'])
    expect(lookups.count).toBe(1)
    const warm = await warmed()
    expect(await warm.resolver.resolve(['admins', 'gone'])).toMatchObject({ preferredRole: A, unknownGroups: ['gone'] })
    expect(warm.lookups.count).toBe(1)
  })

  test('they are compiled when looking up has cost as much, and not for every new group', async () => {
    const many = Array.from({ length: 100 }, (_, index): Group => ({ groupName: `group-${index}`, precedence: index, roleArn: A }))
    const { source } = poolOf(many)
    await source.prefetch()
    const { lookups, source: counted } = watched(source)
    const resolver = createRoleResolver({ source: counted })
    for (let user = 0; user < 50; user++) resolver.resolveCached([`group-${user}`, `group-${user + 1}`])
    expect(lookups.count).toBe(50)
    for (let user = 0; user < 50; user++) resolver.resolveCached([`group-${user}`, `group-${user + 2}`])
    expect(lookups.count).toBe(50)
  })

  test('a group that comes later is compiled with the others', async () => {
    const { resolver, table, lookups } = await warmed()
    table.set('new', { groupName: 'new', precedence: 0, roleArn: B })
    for (let user = 0; user < 4; user++) expect((await resolver.resolve(['new', 'admins'])).preferredRole).toBe(B)
    lookups.count = 0
    expect((await resolver.resolve(['staff', 'new'])).preferredRole).toBe(B)
    expect(lookups.count).toBe(0)
  })

  test('two resolvers of one source have each their own semantics', async () => {
    const { source } = poolOf([{ groupName: 'one', precedence: null, roleArn: A }])
    const [observed, documented] = [createRoleResolver({ source }), createRoleResolver({ source, semantics: 'documented' })]
    for (let time = 0; time < 4; time++) {
      expect((await observed.resolve(['one'])).outcome).toBe('none')
      expect((await documented.resolve(['one'])).preferredRole).toBe(A)
    }
  })
})

describe('what is compiled is not believed longer than what is kept', () => {
  test('a group that has changed, as soon as it is read again', async () => {
    const { resolver, table } = await warmed()
    expect(resolver.resolveCached(['editors', 'admins'])?.preferredRole).toBe(A)
    table.set('admins', { groupName: 'admins', precedence: 9, roleArn: A })
    await resolver.source.prefetch()
    for (let time = 0; time < 4; time++) expect(resolver.resolveCached(['editors', 'admins'])?.preferredRole).toBe(B)
  })

  test('a group that is gone, forgotten or pushed out', async () => {
    const gone = await warmed()
    gone.table.delete('admins')
    gone.clock.now++
    await gone.resolver.source.prefetch()
    expect(gone.resolver.resolveCached(['editors', 'admins'])).toBeUndefined()

    const forgotten = await warmed()
    void forgotten.resolver.source.invalidate('admins')
    expect(forgotten.resolver.resolveCached(['admins'])).toBeUndefined()
    void forgotten.resolver.source.invalidate()
    expect(forgotten.resolver.resolveCached(['editors'])).toBeUndefined()

    const pushedOut = await warmed(GROUPS, { max: 3 })
    pushedOut.table.set('new', { groupName: 'new', precedence: 0, roleArn: B })
    await pushedOut.resolver.source('new')
    expect(pushedOut.resolver.resolveCached(['admins'])).toBeUndefined()
    expect(pushedOut.resolver.resolveCached(['editors'])?.preferredRole).toBe(B)
  })

  test('nothing once its ttl is over, or where the clock was set back', async () => {
    const { resolver, clock } = await warmed()
    // Twice to be kept as names that come again.
    for (let time = 0; time < 3; time++) expect(resolver.resolveCached(['admins'])).toMatchObject({ age: 0 })
    clock.now += 999
    for (const names of [['admins'], ['editors']]) expect(resolver.resolveCached(names)).toMatchObject({ age: 999, stale: false })
    clock.now += 1
    for (const names of [['admins'], ['editors']]) expect(resolver.resolveCached(names)).toBeUndefined()
    clock.now -= 1001
    for (const names of [['admins'], ['editors']]) expect(resolver.resolveCached(names)).toBeUndefined()
  })

  test('a group that is read again and is the same needs no compiling, and the age is that of the oldest', async () => {
    const { resolver, clock, lookups, calls } = await warmed()
    const forms = [['staff', 'admins'], ['admins', 'staff']]
    // One form has come before, the other has not.
    for (let time = 0; time < 3; time++) expect(await resolver.resolve(forms[0]!)).toMatchObject({ age: 0 })
    clock.now += 1000
    await resolver.source('admins')
    for (const names of forms) expect(resolver.resolveCached(names)).toBeUndefined()
    clock.now += 10
    await resolver.source('staff')
    lookups.count = 0
    clock.now += 250
    for (const names of forms) {
      expect(resolver.resolveCached(names)).toMatchObject({ age: 260, preferredRole: A })
      expect(await resolver.resolve(names)).toMatchObject({ age: 260, preferredRole: A })
    }
    expect(lookups.count).toBe(0)
    expect(calls).toEqual(['admins', 'staff'])
  })

  test('a clock that calls the resolver back, and forgets a group meanwhile', async () => {
    let forget: (() => void) | undefined
    const pool = poolOf(GROUPS)
    const source = createGroupSource({
      userPoolId: 'eu-west-1_Ab12Cd34e', client: { send: async () => ({ Group: { GroupName: 'admins', Precedence: 1, RoleArn: A } }) },
      clock: () => {
        forget?.()
        return pool.clock.now
      },
    })
    const resolver = createRoleResolver({ source })
    for (let time = 0; time < 4; time++) await resolver.resolve(['admins'])
    forget = () => void source.invalidate('admins')
    expect(resolver.resolveCached(['admins'])).toBeUndefined()
  })
})

describe('what is compiled counts as what is looked up does', () => {
  test('each name that comes is a hit, once', async () => {
    const events: string[] = []
    const { resolver } = await warmed(GROUPS, { onEvent: ({ type, groupName }) => events.push(`${type} ${groupName}`) })
    events.length = 0
    const before = resolver.source.stats().hits
    for (let time = 0; time < 3; time++) resolver.resolveCached(['staff', 'admins', 'staff'])
    expect(events).toEqual(['hit staff', 'hit admins', 'hit staff', 'hit admins', 'hit staff', 'hit admins'])
    expect(resolver.source.stats().hits - before).toBe(6)
  })

  test('without a hook too', async () => {
    const { resolver } = await warmed()
    const before = resolver.source.stats().hits
    for (let time = 0; time < 3; time++) resolver.resolveCached(['staff', 'admins', 'staff'])
    expect(resolver.source.stats().hits - before).toBe(6)
  })

  test('in a full cache what was used last stays', async () => {
    const { resolver, table } = await warmed(GROUPS, { max: 3 })
    resolver.resolveCached(['admins'])
    table.set('new', { groupName: 'new', precedence: 0, roleArn: B })
    await resolver.source('new')
    expect(resolver.resolveCached(['admins'])?.preferredRole).toBe(A)
    expect(resolver.resolveCached(['editors'])).toBeUndefined()
  })

  test('an aborted caller is told so', async () => {
    const { resolver } = await warmed()
    await expect(resolver.resolve(['admins'], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' })
  })

  test('an answer that several callers get is frozen', async () => {
    const { resolver, clock } = await warmed()
    const [, second, third] = [1, 2, 3].map(() => resolver.resolveCached(['staff', 'admins'])!)
    expect(third).toBe(second)
    clock.now += 5
    const [older, again] = [1, 2].map(() => resolver.resolveCached(['staff', 'admins'])!)
    expect(older).not.toBe(second)
    expect(again).toBe(older)
    for (const answer of [second!, older!]) for (const part of [answer, ...Object.values(answer)]) expect(Object.isFrozen(part)).toBe(true)
  })
})

test('whatever the pool, a compiled answer is that of resolveRoles, names unseen and seen, whichever way it is asked', async () => {
  await fc.assert(fc.asyncProperty(poolsWithDuplicates, semantics, fc.infiniteStream(fc.nat()), async (given, chosen, numbers) => {
    const groups = [...new Map(given.toReversed().map(group => [group.groupName, group])).values()]
    const { source, lookups } = watched(poolOf(groups).source)
    const resolver = createRoleResolver({ source, semantics: chosen })
    await resolver.resolve(groups.map(({ groupName }) => groupName))
    lookups.count = 0
    for (let user = 0; user < 8; user++) {
      const own = groups.filter(() => numbers.next().value! % 2 === 0)
      const answer = { ...resolveRoles(own, { semantics: chosen }), unknownGroups: [], stale: false, age: 0 }
      const names = own.map(({ groupName }) => groupName)
      for (let time = 0; time < 3; time++) expect(resolver.resolveCached([...names])).toStrictEqual(answer)
      expect(await resolver.resolve(names)).toStrictEqual(answer)
    }
    expect(lookups.count).toBe(0)
  }))
})
