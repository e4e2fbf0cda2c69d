import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider'
import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ReadStrategy } from '../../../src/cognito/memberships/estimate.js'
import { type PoolReading, readPool } from '../../../src/cognito/memberships/read-pool.js'
import { createUserPoolApi, type UserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import type { Group } from '../../../src/group.js'
import { type CognitoEndpoint, endpointClient, type SimulatedGroup, startCognitoEndpoint } from '../cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const STRATEGIES: readonly ReadStrategy[] = ['per-group', 'per-user']
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

let endpoint: CognitoEndpoint
let client: CognitoIdentityProviderClient
beforeAll(async () => {
  endpoint = await startCognitoEndpoint({ userPoolId })
  client = endpointClient(endpoint, { maxAttempts: 1 })
})
afterAll(async () => {
  client.destroy()
  await endpoint.close()
})

let clock = 0
/** A group as it is created now: another one than any before. */
const created = (groupName: string, roleArn: string | null = role(groupName)): SimulatedGroup => ({
  groupName,
  precedence: 1,
  roleArn,
  createdAt: 1_700_000_000 + ++clock,
})
const put = (group: SimulatedGroup) => void endpoint.groups.set(group.groupName, group)

beforeEach(() => {
  endpoint.groups.clear()
  endpoint.users.clear()
  for (const name of ['a', 'b', 'c']) put(created(name))
  for (let u = 0; u < 100; u++) endpoint.users.set(`user-${u}`, u % 2 === 0 ? ['a', 'b'] : ['b'])
})

const KINDS = ['listGroups', 'listUsers', 'listUsersInGroup', 'adminListGroupsForUser'] as const

/** The API, which does this before each call. */
function watched(before: (operation: (typeof KINDS)[number], subject: string | undefined) => void): UserPoolApi {
  const api = createUserPoolApi({
    userPoolId,
    client,
    clock: Date.now,
    onCall() {},
    requestsPerSecond: Infinity,
    rates: { ListUsers: Infinity, AdminListGroupsForUser: Infinity, DescribeUserPool: Infinity },
  })
  return {
    ...api,
    listGroups: (...args) => (before('listGroups', undefined), api.listGroups(...args)),
    listUsers: (...args) => (before('listUsers', undefined), api.listUsers(...args)),
    listUsersInGroup: (...args) => (before('listUsersInGroup', args[0]), api.listUsersInGroup(...args)),
    adminListGroupsForUser: (...args) => (
      before('adminListGroupsForUser', args[0]),
      api.adminListGroupsForUser(...args)
    ),
  }
}

function read(strategy: ReadStrategy, api: UserPoolApi): Promise<PoolReading> {
  return readPool({
    api,
    strategy,
    rates: { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 },
    membershipsPerUser: 3,
    attributes: [],
    now: Date.now,
    signal: new AbortController().signal,
    onEvent() {},
    retryDelay: 1,
  })
}

/** Reads the pool, which changes once the last of its users or groups was asked for, before the groups are listed again. */
function readAndChange(strategy: ReadStrategy, change: () => void): Promise<PoolReading> {
  let lists = 0
  return read(
    strategy,
    watched(operation => {
      if (operation === 'listGroups' && ++lists === 2) change()
    }),
  )
}

const namesOf = (reading: PoolReading) =>
  Object.fromEntries([...reading.users()].map(({ username, groups }) => [username, groups.toSorted()]))
const membersOf = (reading: PoolReading, groupName: string) =>
  [...reading.users()].filter(user => user.groups.includes(groupName)).map(user => user.username)
const poolNow = () =>
  Object.fromEntries(
    [...endpoint.users].map(([username, names]) => [
      username,
      names.filter(name => endpoint.groups.has(name)).toSorted(),
    ]),
  )

describe.each(STRATEGIES)('%s', strategy => {
  test('a group that appears after its members were read has them, and is reported', async () => {
    const reading = await readAndChange(strategy, () => {
      put(created('late', role('Admin')))
      for (const name of ['user-1', 'user-98']) endpoint.users.get(name)!.push('late')
    })
    expect(membersOf(reading, 'late')).toEqual(['user-1', 'user-98'])
    expect(reading.changes).toEqual([{ change: 'group-appeared', groupName: 'late' }])
    expect(namesOf(reading)).toEqual(poolNow())
  })

  test('a group that appears while users are read has all its members, not only those read after it', async () => {
    const reading = await read(
      strategy,
      watched((operation, subject) => {
        if (strategy === 'per-user' ? subject !== 'user-60' : operation !== 'listUsersInGroup') return
        if (endpoint.groups.has('late')) return
        put(created('late'))
        for (const names of endpoint.users.values()) names.push('late')
      }),
    )
    expect(membersOf(reading, 'late')).toHaveLength(100)
    expect(reading.changes).toEqual([{ change: 'group-appeared', groupName: 'late' }])
  })

  test('a group that is deleted and created again with another role and members has its new members only', async () => {
    const reading = await readAndChange(strategy, () => {
      put(created('a', role('Admin')))
      for (const names of endpoint.users.values()) if (names.includes('a')) names.splice(names.indexOf('a'), 1)
      endpoint.users.get('user-7')!.push('a')
    })
    expect(membersOf(reading, 'a')).toEqual(['user-7'])
    expect(reading.groups.find(group => group.groupName === 'a')).toEqual({
      groupName: 'a',
      precedence: 1,
      roleArn: role('Admin'),
    })
    expect(reading.changes).toEqual([{ change: 'group-replaced', groupName: 'a' }])
  })

  test('so has one that is created again with the same role: the time of its creation tells', async () => {
    const reading = await readAndChange(strategy, () => {
      put(created('a'))
      for (const names of endpoint.users.values()) if (names.includes('a')) names.splice(names.indexOf('a'), 1)
    })
    expect(membersOf(reading, 'a')).toEqual([])
    expect(reading.changes).toEqual([{ change: 'group-replaced', groupName: 'a' }])
  })

  test('where nothing tells the time of creation, another role counts as another group', async () => {
    const timeless = (api: UserPoolApi): UserPoolApi => ({
      ...api,
      listGroups: async (...args) => ({ ...(await api.listGroups(...args)), createdAt: new Map() }),
    })
    let lists = 0
    const reading = await read(
      strategy,
      timeless(
        watched(operation => {
          if (operation !== 'listGroups' || ++lists !== 2) return
          put(created('a', role('Admin')))
          for (const names of endpoint.users.values()) if (names.includes('a')) names.splice(names.indexOf('a'), 1)
        }),
      ),
    )
    expect(membersOf(reading, 'a')).toEqual([])
    expect(reading.changes).toEqual([{ change: 'group-replaced', groupName: 'a' }])
  })

  test('a user who appears with a group that appears is read too', async () => {
    const reading = await readAndChange(strategy, () => {
      put(created('late'))
      endpoint.users.set('newcomer', ['late', 'b'])
    })
    expect(namesOf(reading)).toEqual(poolNow())
    expect(reading.changes).toEqual([
      { change: 'group-appeared', groupName: 'late' },
      { change: 'user-appeared', username: 'newcomer' },
    ])
  })

  test('control: without the time of creation and with the same role, the old members would be those of the new group', async () => {
    const api = watched(() => {})
    let lists = 0
    const reading = await read(strategy, {
      ...api,
      async listGroups(...args) {
        if (++lists === 2) for (const names of endpoint.users.values()) names.splice(0)
        return { ...(await api.listGroups(...args)), createdAt: new Map() }
      },
    })
    expect(membersOf(reading, 'a')).toHaveLength(50)
  })
})

test('a group that a user is in, and that no list of the groups has, is reported: the list may be cut short', async () => {
  const api = watched(() => {})
  const reading = await read('per-user', {
    ...api,
    async listGroups(...args) {
      const page = await api.listGroups(...args)
      return { ...page, groups: page.groups.filter(group => group.groupName !== 'b') }
    },
  })
  expect(reading.changes).toEqual([{ change: 'group-unlisted', groupName: 'b' }])
  expect(membersOf(reading, 'b')).toEqual([])
})

test.each(STRATEGIES)('%s, a page that is empty and not the last ends no list', async strategy => {
  const api = watched(() => {})
  const empty = {
    groups: [],
    users: [],
    usernames: [],
    nextToken: 'empty',
    createdAt: new Map(),
    fetchedAt: 0,
    order: 0,
  }
  const withEmptyPages: UserPoolApi = {
    ...api,
    listGroups: async (token, ...rest) => (token === undefined ? empty : api.listGroups(undefined, ...rest)),
    listUsers: async (token, ...rest) =>
      token === undefined ? empty : api.listUsers(token === 'empty' ? undefined : token, ...rest),
    listUsersInGroup: async (group, token, ...rest) =>
      token === undefined ? empty : api.listUsersInGroup(group, token === 'empty' ? undefined : token, ...rest),
    adminListGroupsForUser: async (user, token, ...rest) =>
      token === undefined ? empty : api.adminListGroupsForUser(user, undefined, ...rest),
  }
  const reading = await read(strategy, withEmptyPages)
  expect(namesOf(reading)).toEqual(poolNow())
  expect(reading.changes).toEqual([])
})

test.each(STRATEGIES)('%s, users on two pages count once', async strategy => {
  const api = watched(() => {})
  const reading = await read(strategy, {
    ...api,
    async listUsers(...args) {
      const page = await api.listUsers(...args)
      return { ...page, users: [...page.users, ...page.users.slice(0, 5), { username: 'user-1' }] }
    },
  })
  expect([...reading.users()].map(user => user.username)).toHaveLength(100)
  expect(namesOf(reading)).toEqual(poolNow())
})

describe('laws', () => {
  const user = fc.nat({ max: 99 }).map(u => `user-${u}`)
  const groupName = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const change = fc.oneof(
    fc.record({ kind: fc.constant('create' as const), groupName, members: fc.array(user, { maxLength: 5 }) }),
    fc.record({ kind: fc.constant('delete' as const), groupName, members: fc.constant([] as string[]) }),
  )
  const schedule = fc.array(fc.record({ at: fc.nat({ max: 110 }), change }), { maxLength: 6 })

  function apply({
    kind,
    groupName,
    members,
  }: {
    kind: 'create' | 'delete'
    groupName: string
    members: string[]
  }): void {
    // Who is in a group that is deleted is in none of this name any more, as in Cognito.
    endpoint.groups.delete(groupName)
    for (const names of endpoint.users.values())
      if (names.includes(groupName)) names.splice(names.indexOf(groupName), 1)
    if (kind === 'delete') return
    put(created(groupName, role(`${groupName}-${clock}`)))
    for (const member of new Set(members)) endpoint.users.get(member)!.push(groupName)
  }

  interface Moment {
    readonly groups: ReadonlyMap<string, Group>
    readonly users: ReadonlyMap<string, readonly string[]>
  }
  const momentNow = (): Moment => ({
    groups: new Map(endpoint.groups),
    users: new Map(
      [...endpoint.users].map(([name, groups]) => [name, groups.filter(group => endpoint.groups.has(group))]),
    ),
  })

  /** The memberships of a result that are of no moment: of a user, in a group with the role that the result has for it. */
  function untrue(reading: PoolReading, moments: readonly Moment[]): readonly string[] {
    const roleOf = new Map(reading.groups.map(group => [group.groupName, group.roleArn]))
    const reported = new Set(reading.changes.flatMap(change => ('groupName' in change ? change.groupName : [])))
    return [...reading.users()].flatMap(({ username, groups }) => {
      const differences = moments.map(({ users, groups: then }) => {
        const isThen = (name: string) =>
          users.get(username)!.includes(name) && then.get(name)!.roleArn === roleOf.get(name)
        return [...roleOf.keys()].filter(name => !reported.has(name) && groups.includes(name) !== isThen(name))
      })
      return differences.some(difference => difference.length === 0) ? [] : [username]
    })
  }

  test.each(STRATEGIES)(
    "%s, whatever groups change meanwhile, each user's groups are those of some moment, or the change is reported",
    { timeout: 120_000 },
    async strategy => {
      let changed = 0
      await fc.assert(
        fc.asyncProperty(schedule, async changes => {
          endpoint.groups.clear()
          endpoint.users.clear()
          for (const name of ['a', 'b', 'c']) put(created(name))
          for (let u = 0; u < 100; u++) endpoint.users.set(`user-${u}`, u % 2 === 0 ? ['a', 'b'] : ['b'])
          const moments: Moment[] = [momentNow()]
          let calls = 0
          const reading = await read(
            strategy,
            watched(() => {
              // Per group there are far fewer calls.
              const now = changes.filter(({ at }) => (strategy === 'per-group' ? at % 9 : at) === calls)
              calls++
              for (const { change } of now) {
                apply(change)
                moments.push(momentNow())
              }
            }),
          )
          changed += reading.changes.length
          expect(untrue(reading, moments)).toEqual([])
          expect(new Set(reading.groups.map(group => group.groupName)).size).toBe(reading.groups.length)
        }),
        { numRuns: 60, interruptAfterTimeLimit: 30_000 },
      )
      expect(changed).toBeGreaterThan(20)
    },
  )

  test('control: a membership of no moment is noticed', async () => {
    const reading = await read(
      'per-user',
      watched(() => {}),
    )
    const moments = [momentNow()]
    expect(untrue(reading, moments)).toEqual([])
    endpoint.users.get('user-3')!.push('c')
    const wrong = await read(
      'per-user',
      watched(() => {}),
    )
    expect(untrue(wrong, moments)).toEqual(['user-3'])
  })

  /** What is read last is not of an earlier moment: after the last change, everything that was reported was read. */
  test.each(STRATEGIES)(
    '%s, groups that are reported have the members that they have at the end',
    { timeout: 60_000 },
    async strategy => {
      await fc.assert(
        fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 4 }), async changes => {
          endpoint.groups.clear()
          for (const name of ['a', 'b', 'c']) put(created(name))
          for (let u = 0; u < 100; u++) endpoint.users.set(`user-${u}`, u % 2 === 0 ? ['a', 'b'] : ['b'])
          const reading = await readAndChange(strategy, () => changes.forEach(apply))
          expect(namesOf(reading)).toEqual(poolNow())
        }),
        { numRuns: 25, interruptAfterTimeLimit: 20_000 },
      )
    },
  )
})
