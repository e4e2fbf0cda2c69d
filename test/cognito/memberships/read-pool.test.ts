import { spawnSync } from 'node:child_process'
import { setMaxListeners } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { openCheckpoint } from '../../../src/cognito/memberships/checkpoint.js'
import type { ReadStrategy } from '../../../src/cognito/memberships/estimate.js'
import { createLimiter } from '../../../src/cognito/api/rate-limiter.js'
import type { AuditRates } from '../../../src/cognito/api/connection-options.js'
import {
  type PoolReading,
  type ReadEvent,
  readPool,
  type ReadPoolOptions,
} from '../../../src/cognito/memberships/read-pool.js'
import { createUserPoolApi, type UserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import { isRolecastError } from '../../../src/errors.js'
import type { PoolUser } from '../../../src/audit/pool-user.js'
import type { Group, UserGroups } from '../../../src/group.js'
import { type CognitoEndpoint, endpointClient, type Fault, startCognitoEndpoint, subOf } from '../cognito-endpoint.js'
import { failureOf } from '../../failure-of.js'
import type { PoolChange } from '../../../src/audit/pool-change.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const STRATEGIES: readonly ReadStrategy[] = ['per-group', 'per-user']
const UNLIMITED: AuditRates = { ListUsers: Infinity, AdminListGroupsForUser: Infinity, DescribeUserPool: Infinity }

let endpoint: CognitoEndpoint
let client: CognitoIdentityProviderClient
let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-read-pool-'))
  endpoint = await startCognitoEndpoint({ userPoolId })
  client = endpointClient(endpoint, { maxAttempts: 1 })
})
beforeEach(() => fill(SMALL))
afterEach(() => {
  endpoint.mend()
  vi.useRealTimers()
})
afterAll(async () => {
  client.destroy()
  await endpoint.close()
  await rm(folder, { recursive: true })
})

const newPath = () => join(folder, `${files++}.checkpoint`)

interface Pool {
  readonly groups: readonly Group[]
  readonly users: readonly UserGroups[]
}

function fill({ groups, users }: Pool): void {
  endpoint.groups.clear()
  endpoint.users.clear()
  for (const group of groups) endpoint.groups.set(group.groupName, group)
  for (const { username, groups: names } of users) endpoint.users.set(username, [...names])
  endpoint.requests.length = 0
}

/** User `u` is in the groups that `memberOf` gives. */
function poolOf(groupCount: number, userCount: number, memberOf: (user: number) => readonly number[]): Pool {
  return {
    groups: Array.from({ length: groupCount }, (_, g) => ({
      groupName: `g${g}`,
      precedence: g,
      roleArn: `arn:aws:iam::111122223333:role/R${g}`,
    })),
    users: Array.from({ length: userCount }, (_, u) => ({
      username: `user-${u}`,
      groups: memberOf(u).map(g => `g${g}`),
    })),
  }
}

/** Every page boundary is in it: a group of everybody, one of a few, one of nobody, users in none. */
const SMALL = poolOf(4, 150, u => [...(u % 10 === 0 ? [] : [2]), ...(u < 61 ? [0] : []), ...(u % 50 === 1 ? [1] : [])])

/** What there is to read, from the pool itself. */
function modelOf(): readonly PoolUser[] {
  return [...endpoint.users].map(([username, names]) =>
    withDetails({ username, groups: [...endpoint.groups.keys()].filter(name => names.includes(name)) }),
  )
}

/** What the endpoint says of a user who has nothing special. */
function withDetails(user: UserGroups): PoolUser {
  return { ...user, sub: subOf(user.username), enabled: true, status: 'CONFIRMED' }
}

const apiOf = (timeout = 5_000): UserPoolApi =>
  createUserPoolApi({
    userPoolId,
    client,
    clock: Date.now,
    onCall() {},
    requestsPerSecond: Infinity,
    rates: UNLIMITED,
    timeout,
  })

function optionsOf(options: Partial<ReadPoolOptions> = {}): ReadPoolOptions {
  return {
    api: apiOf(),
    rates: { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 },
    membershipsPerUser: 3,
    attributes: [],
    now: Date.now,
    signal: new AbortController().signal,
    onEvent() {},
    retryDelay: 1,
    ...options,
  }
}

const read = (options: Partial<ReadPoolOptions> = {}): Promise<PoolReading> => readPool(optionsOf(options))
const usersOf = (reading: PoolReading): readonly PoolUser[] => [...reading.users()]

async function readWithCheckpoint(path: string, options: Partial<ReadPoolOptions> = {}): Promise<PoolReading> {
  const checkpoint = await openCheckpoint(path, { read: { userPoolId }, now: Date.now, maxAge: Infinity })
  try {
    return await read({ ...options, checkpoint })
  } finally {
    await checkpoint.close()
  }
}

function countCalls(): Readonly<Record<string, number>> {
  const calls: Record<string, number> = {}
  for (const { operation } of endpoint.requests) calls[operation] = (calls[operation] ?? 0) + 1
  return calls
}

const pages = (count: number) => Math.max(1, Math.ceil(count / 60))
const sum = (numbers: readonly number[]) => numbers.reduce((total, number) => total + number, 0)

/** The fewest calls that can read it, and one of the operation that only what appears meanwhile needs. */
function leastCalls({ groups, users }: Pool, strategy: ReadStrategy): Readonly<Record<string, number>> {
  const common = { DescribeUserPool: 1, ListGroups: 2 * pages(groups.length), ListUsers: pages(users.length) }
  const members = (groupName: string) => users.filter(user => user.groups.includes(groupName)).length
  const each =
    strategy === 'per-group'
      ? {
          ListUsersInGroup: sum(groups.map(({ groupName }) => pages(members(groupName)))),
          AdminListGroupsForUser: Math.min(1, users.length),
        }
      : {
          AdminListGroupsForUser: sum(users.map(user => pages(user.groups.length))),
          ListUsersInGroup: Math.min(1, groups.length),
        }
  return Object.fromEntries(Object.entries({ ...common, ...each }).filter(([, count]) => count > 0))
}

describe('a pool that does not change', () => {
  const shapes: readonly [string, Pool][] = [
    ['an empty pool', poolOf(0, 0, () => [])],
    ['a user without groups', poolOf(0, 1, () => [])],
    ['groups without users', poolOf(61, 0, () => [])],
    ['pages that are full', poolOf(60, 60, u => [u, 59 - u])],
    ['one more than pages that are full', poolOf(61, 61, u => [u])],
    [
      'a user in more groups than a page has',
      poolOf(150, 3, u => (u === 1 ? Array.from({ length: 130 }, (_, g) => g) : [u])),
    ],
    ['a group of everybody', poolOf(2, 200, () => [1])],
    ['all of it', SMALL],
  ]

  test.each(shapes.flatMap(([name, pool]) => STRATEGIES.map(strategy => [name, strategy, pool] as const)))(
    'with %s is read %s, every user once, in the fewest calls',
    async (_name, strategy, pool) => {
      fill(pool)
      const reading = await read({ strategy })
      expect(usersOf(reading)).toEqual(modelOf())
      expect(reading.groups).toEqual(pool.groups)
      expect(reading.changes).toEqual([])
      expect(countCalls()).toEqual(leastCalls(pool, strategy))
    },
  )

  test('control: a reader that forgets one page of each list is noticed', async () => {
    const api = apiOf()
    const forgetful = <T extends object | undefined>(page: T): T => page && { ...page, users: [], usernames: [] }
    const lists: readonly Partial<UserPoolApi>[] = [
      {
        listUsers: async (token, signal) =>
          token === undefined ? await api.listUsers(token, signal) : forgetful(await api.listUsers(token, signal)),
      },
      { listUsersInGroup: async (group, token, signal) => forgetful(await api.listUsersInGroup(group, token, signal)) },
      {
        listUsersInGroup: async (group, token, signal) =>
          token === undefined ? api.listUsersInGroup(group, token, signal) : { usernames: [], nextToken: undefined },
      },
    ]
    for (const list of lists)
      expect(usersOf(await read({ strategy: 'per-group', api: { ...api, ...list } }))).not.toEqual(modelOf())
  })

  test('control: a call too many is noticed', async () => {
    const api = apiOf()
    const twice: UserPoolApi = {
      ...api,
      listUsers: async (...args) => (await api.listUsers(...args), api.listUsers(...args)),
    }
    expect(usersOf(await read({ strategy: 'per-group', api: twice }))).toEqual(modelOf())
    expect(countCalls()).not.toEqual(leastCalls(SMALL, 'per-group'))
  })

  test.each([
    ['few users in many groups', 'per-user', poolOf(120, 30, u => [u, u + 30, u + 60])],
    ['many users in few groups', 'per-group', SMALL],
  ] as const)('%s are read %s, which takes less time', async (_what, strategy, pool) => {
    fill(pool)
    const rates = { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 }
    const events: ReadEvent[] = []
    await read({ rates, onEvent: event => events.push(event) })
    expect(countCalls()).toEqual(leastCalls(pool, strategy))
    expect(events[0]).toMatchObject({
      type: 'estimate',
      estimate: { strategy, users: pool.users.length, groups: pool.groups.length },
    })
    const { ListUsersInGroup: byGroup = 0, ListUsers = 0 } = leastCalls(pool, 'per-group')
    const { AdminListGroupsForUser: byUser = 0 } = leastCalls(pool, 'per-user')
    expect(strategy).toBe(
      (byGroup + ListUsers) / rates.ListUsers <= byUser / rates.AdminListGroupsForUser ? 'per-group' : 'per-user',
    )
  })

  test('names of any kind are read as they are', async () => {
    const names = [
      '__proto__',
      'constructor',
      'a,b',
      '=1+1',
      '\u202Eevil',
      'é',
      'e\u0301',
      'Ω'.repeat(60),
      '🙂',
      '\u0000',
      'ALICE',
      'alice',
    ]
    fill({
      groups: ['__proto__', 'a,b', '管理者'].map(groupName => ({ groupName, precedence: 1, roleArn: null })),
      users: names.map(username => ({ username, groups: ['__proto__', '管理者'] })),
    })
    for (const strategy of STRATEGIES)
      expect(usersOf(await read({ strategy }))).toEqual(
        names.map(username => withDetails({ username, groups: ['__proto__', '管理者'] })),
      )
  })

  test('without permission for the number of users, the users of each group are read', async () => {
    endpoint.fail('access-denied', { operation: 'DescribeUserPool' })
    const events: ReadEvent[] = []
    expect(usersOf(await read({ onEvent: event => events.push(event) }))).toEqual(modelOf())
    expect(events[0]).toMatchObject({ type: 'estimate', estimate: { users: undefined, strategy: 'per-group' } })
  })

  test.each(STRATEGIES)('%s, progress counts every page once, and comes to its end', async strategy => {
    const events: ReadEvent[] = []
    await read({ strategy, onEvent: event => events.push(event) })
    expect(events.map(({ type }) => type).filter((type, index, all) => type !== all[index - 1])).toEqual([
      'estimate',
      'progress',
      'read',
    ])
    const progress = events.flatMap(event => (event.type === 'progress' ? [event.progress] : []))
    expect(progress.map(one => one.pages)).toEqual(progress.map(one => one.pages).toSorted((a, b) => a - b))
    expect(progress.at(-1)).toMatchObject({ users: 150 })
    for (const { left } of progress.slice(0, -1)) expect(left).toBeGreaterThanOrEqual(0)
  })
})

describe('time, on a clock of the test', () => {
  /** Answers like Cognito after so many milliseconds of the test's clock. */
  function virtualClient({ groups, users }: Pool, latency: number) {
    const calls: Record<string, number> = {}
    const members = new Map(
      groups.map(({ groupName }) => [
        groupName,
        users.filter(user => user.groups.includes(groupName)).map(user => user.username),
      ]),
    )
    const groupsOf = new Map(users.map(user => [user.username, user.groups]))
    const page = (names: readonly string[], token: unknown) => {
      const start = Number(token ?? 0)
      return { names: names.slice(start, start + 60), next: start + 60 < names.length ? String(start + 60) : undefined }
    }
    const toUsers = (names: readonly string[]) => names.map(Username => ({ Username }))
    const toGroups = (names: readonly string[]) => names.map(GroupName => ({ GroupName }))
    const answer: Readonly<Record<string, (input: Record<string, unknown>) => object>> = {
      DescribeUserPoolCommand: () => ({ UserPool: { Id: userPoolId, EstimatedNumberOfUsers: users.length } }),
      ListGroupsCommand(input) {
        const { names, next } = page(
          groups.map(group => group.groupName),
          input['NextToken'],
        )
        return { Groups: toGroups(names), NextToken: next }
      },
      ListUsersCommand(input) {
        const { names, next } = page([...groupsOf.keys()], input['PaginationToken'])
        return { Users: toUsers(names), PaginationToken: next }
      },
      ListUsersInGroupCommand(input) {
        const { names, next } = page(members.get(input['GroupName'] as string)!, input['NextToken'])
        return { Users: toUsers(names), NextToken: next }
      },
      AdminListGroupsForUserCommand(input) {
        const { names, next } = page(groupsOf.get(input['Username'] as string)!, input['NextToken'])
        return { Groups: toGroups(names), NextToken: next }
      },
    }
    const send = async (command: { readonly input: object }) => {
      const operation = command.constructor.name
      calls[operation] = (calls[operation] ?? 0) + 1
      await new Promise(resolve => setTimeout(resolve, latency))
      return answer[operation]!(command.input as Record<string, unknown>)
    }
    return { send, calls }
  }

  async function timed(pool: Pool, strategy: ReadStrategy, latency: number, rate: number, concurrency?: number) {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
    const { send, calls } = virtualClient(pool, latency)
    const rates = { ListUsers: rate, AdminListGroupsForUser: rate }
    const api = createUserPoolApi({
      userPoolId,
      client: { send },
      clock: Date.now,
      onCall() {},
      requestsPerSecond: rate,
      rates,
      concurrency,
    })
    const begin = performance.now()
    const reading = read({ api, strategy })
    const ended = reading.then(() => performance.now())
    for (let running = true; running;) {
      // All that follows from the last timer first: nothing else takes time.
      running = await Promise.race([ended.then(() => false), setImmediate(true)])
      if (running && vi.getTimerCount() > 0) vi.advanceTimersToNextTimer()
    }
    expect(usersOf(await reading)).toEqual(pool.users)
    return { calls, seconds: ((await ended) - begin) / 1000 }
  }

  /**
   * Seconds that it may take: 1.05 times the calls over the quota, and what is read before and after, page after page, and the
   * first and the last call. The first second of a quota is there at once, so nothing needs to take a second more.
   */
  function allowed(pool: Pool, strategy: ReadStrategy, latency: number, rate: number): number {
    return (1.05 * bottleneck(pool, strategy)) / rate + ((2 * pages(pool.groups.length) + 4) * latency) / 1000
  }
  function bottleneck(pool: Pool, strategy: ReadStrategy): number {
    const { ListUsers = 0, ListUsersInGroup = 0, AdminListGroupsForUser = 0 } = leastCalls(pool, strategy)
    return strategy === 'per-group' ? ListUsers + ListUsersInGroup : AdminListGroupsForUser
  }

  test.each([
    [
      'per-group',
      'groups of 300',
      poolOf(30, 6_000, u => [u % 30, ...(u % 2 === 0 ? [(u + 1) % 30] : [])].toSorted((a, b) => a - b)),
      20,
      100,
    ],
    ['per-group', 'a group a user', poolOf(300, 300, u => [u]), 20, 100],
    ['per-group', 'two large groups', poolOf(3, 6_000, u => (u % 7 === 0 ? [] : [u % 2])), 5, 150],
    ['per-group', "Cognito's own quota", poolOf(500, 30_000, u => [u % 500]), 50, 30],
    ['per-user', 'many in few groups', poolOf(30, 900, u => [u % 30]), 20, 100],
    ['per-user', 'a high quota', poolOf(3, 1_500, u => [u % 3]), 5, 300],
  ] as const)(
    '%s, %s: no more than 1.05 times the calls over the quota',
    async (strategy, _what, pool, latency, rate) => {
      const { calls, seconds } = await timed(pool, strategy, latency, rate)
      expect(calls).toEqual(
        Object.fromEntries(
          Object.entries(leastCalls(pool, strategy)).map(([operation, count]) => [`${operation}Command`, count]),
        ),
      )
      expect(seconds).toBeLessThan(allowed(pool, strategy, latency, rate))
      expect(seconds).toBeGreaterThan(bottleneck(pool, strategy) / rate - 1)
    },
  )

  test('control: one call after the other is too slow', async () => {
    const pool = poolOf(3, 600, u => [u % 3])
    expect((await timed(pool, 'per-user', 20, 100, 1)).seconds).toBeGreaterThan(allowed(pool, 'per-user', 20, 100))
  })

  test("calls that are aborted while they wait take none of the others' time", async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const limit = createLimiter(2, 20, { spread: true })
    const stop = new AbortController()
    setMaxListeners(0, stop.signal)
    const aborted = Array.from({ length: 1_000 }, () => limit(async () => {}, stop.signal).catch(() => 'aborted'))
    const begin = performance.now()
    const last = limit(async () => performance.now() - begin, new AbortController().signal)
    stop.abort()
    await vi.runAllTimersAsync()
    expect(await last).toBeLessThan(3_000)
    expect((await Promise.all(aborted)).filter(one => one === 'aborted').length).toBeGreaterThan(990)
  })
})

describe('faults', () => {
  const passing: readonly Fault[] = [
    'throttle',
    'internal',
    'unavailable',
    'drop',
    'html-502',
    'hang',
    'stall-body',
    { delay: 30 },
  ]
  const lasting: readonly Fault[] = [
    'html-200',
    'malformed-json',
    'empty-200',
    'no-group',
    'null-group',
    'endless-pages',
    'expired-token',
    'access-denied',
  ]
  const operations = [
    'ListGroups',
    'ListUsers',
    'ListUsersInGroup',
    'AdminListGroupsForUser',
    'DescribeUserPool',
  ] as const

  const schedule = (faults: readonly Fault[]) =>
    fc.array(
      fc.record({
        fault: fc.constantFrom(...faults),
        options: fc.record({
          operation: fc.constantFrom(...operations),
          after: fc.nat({ max: 6 }),
          times: fc.integer({ min: 1, max: 3 }),
        }),
      }),
      { maxLength: 4 },
    )
  const smallPools = fc
    .record({
      groups: fc.integer({ min: 1, max: 3 }),
      users: fc.nat({ max: 130 }),
      step: fc.integer({ min: 1, max: 5 }),
    })
    .map(({ groups, users, step }) => poolOf(groups, users, u => (u % step === 0 ? [] : [u % groups])))

  /** A hanging call costs its timeout in real time, and a busy machine makes others time out: fewer runs then, never a failure. */
  const BUSY = { numRuns: 40, interruptAfterTimeLimit: 20_000 }

  test('that pass are outlasted: every user once, as the pool has it', async () => {
    await fc.assert(
      fc.asyncProperty(
        smallPools,
        fc.constantFrom(...STRATEGIES),
        schedule(passing),
        async (pool, strategy, faults) => {
          fill(pool)
          const undos = faults.map(({ fault, options }) => endpoint.fail(fault, options))
          try {
            const reading = await read({ strategy, api: apiOf(500) })
            expect(usersOf(reading)).toEqual(modelOf())
            expect(reading.changes).toEqual([])
          } finally {
            for (const end of undos) end()
          }
        },
      ),
      BUSY,
    )
  })

  test('of any kind give the whole or a typed error, and with a checkpoint the next reading completes it', async () => {
    let failures = 0
    await fc.assert(
      fc.asyncProperty(
        smallPools,
        fc.constantFrom(...STRATEGIES),
        schedule([...passing, ...lasting]),
        async (pool, strategy, faults) => {
          fill(pool)
          const path = newPath()
          const undos = faults.map(({ fault, options }) => endpoint.fail(fault, options))
          try {
            expect(usersOf(await readWithCheckpoint(path, { strategy, api: apiOf(500) }))).toEqual(modelOf())
          } catch (error) {
            if (!isRolecastError(error)) throw error
            failures++
          } finally {
            for (const end of undos) end()
          }
          const whole = await readWithCheckpoint(path, { strategy })
          expect(usersOf(whole)).toEqual(modelOf())
          expect(whole.groups).toEqual(pool.groups)
        },
      ),
      {
        ...BUSY,
        examples: [
          [SMALL, 'per-group', [{ fault: 'access-denied', options: { operation: 'ListUsers', after: 0, times: 1 } }]],
        ],
      },
    )
    expect(failures).toBeGreaterThan(0)
  })

  test("control: a result that loses a user on the way is not the model's", async () => {
    endpoint.fail({ body: JSON.stringify({ Users: [] }) }, { operation: 'ListUsersInGroup', times: 1 })
    expect(usersOf(await read({ strategy: 'per-group' }))).not.toEqual(modelOf())
  })

  test.each<[Fault, ReadStrategy, string]>([
    ['expired-token', 'per-group', 'not-authorized'],
    ['access-denied', 'per-user', 'not-authorized'],
    ['html-200', 'per-group', 'malformed-response'],
    ['drop', 'per-user', 'unreachable'],
    ['throttle', 'per-group', 'throttled'],
    ['internal', 'per-user', 'service-error'],
  ])('%s that lasts ends a %s reading as it is', async (fault, strategy, code) => {
    endpoint.fail(fault, {
      operation: strategy === 'per-group' ? 'ListUsersInGroup' : 'AdminListGroupsForUser',
      after: 1,
    })
    const retries: ReadEvent[] = []
    const error = await failureOf(() =>
      read({ strategy, onEvent: event => event.type === 'retry' && retries.push(event) }),
    )
    expect(error).toMatchObject({ code })
    // A denial is final; what may come from a proxy is not at once.
    expect(retries.length > 0).toBe(code !== 'not-authorized')
  })

  test.each([
    ['ListUsers', 'per-group'],
    ['ListUsersInGroup', 'per-group'],
    ['AdminListGroupsForUser', 'per-user'],
  ] as const)('pages of %s without an end are rejected', async (operation, strategy) => {
    endpoint.fail('endless-pages', { operation })
    expect(await failureOf(() => read({ strategy }))).toMatchObject({
      code: 'malformed-response',
      message: expect.stringMatching(new RegExp(`^${operation} .*a pagination token was repeated`)),
    })
  })

  test('a cycle of several pages is found, and a long list is not one', async () => {
    const api = apiOf()
    let calls = 0
    const ring: UserPoolApi = {
      ...api,
      listUsers: async () => ({ users: [{ username: 'a' }], nextToken: `t${calls++ % 7}` }),
    }
    expect(await failureOf(() => read({ api: ring, strategy: 'per-group' }))).toMatchObject({
      code: 'malformed-response',
    })
    expect(calls).toBeLessThan(50)
    const long: UserPoolApi = {
      ...api,
      listUsers: async token => ({
        users: [{ username: `user-${token ?? 0}` }],
        nextToken: Number(token ?? 0) < 1_000 ? String(Number(token ?? 0) + 1) : undefined,
      }),
    }
    expect(
      usersOf(await read({ api: long, strategy: 'per-group' })).filter(({ username }) => /^user-\d+$/.test(username)),
    ).toHaveLength(1_001)
  })

  test('an abort is reported as one, whenever it comes', async () => {
    for (const reason of [new Error('interrupted'), undefined]) {
      const early = new AbortController()
      early.abort(reason)
      expect(await failureOf(() => read({ signal: early.signal }))).toMatchObject({ code: 'aborted' })

      const between = new AbortController()
      endpoint.fail('throttle', { operation: 'ListUsers' })
      const waiting = read({
        signal: between.signal,
        retryDelay: 60_000,
        onEvent: event => event.type === 'retry' && setTimeout(() => between.abort(reason), 5),
      })
      expect(await failureOf(() => waiting)).toMatchObject({ code: 'aborted' })
      endpoint.mend()

      const during = new AbortController()
      endpoint.fail('hang', { operation: 'ListUsers' })
      const hanging = read({ signal: during.signal })
      setTimeout(() => during.abort(reason), 50)
      expect(await failureOf(() => hanging)).toMatchObject({ code: 'aborted' })
      endpoint.mend()
    }
  })
})

describe('a checkpoint', () => {
  test.each(STRATEGIES)(
    '%s, after a stop at any page the reading resumes, requests no page again, and gives the same result',
    async strategy => {
      const least = sum(Object.values(leastCalls(SMALL, strategy)))
      let stops = 0
      for (let stopAt = 1; stopAt < least; stopAt += strategy === 'per-group' ? 1 : 12) {
        fill(SMALL)
        const path = newPath()
        const stop = new AbortController()
        const kept = { pages: 0 }
        const first = readWithCheckpoint(path, {
          strategy,
          signal: stop.signal,
          onEvent(event) {
            if (event.type === 'progress') kept.pages = event.progress.pages
            if (kept.pages >= stopAt) stop.abort(new Error('stop'))
          },
        })
        const stopped = await first.then(
          () => false,
          () => true,
        )
        if (stopped) stops++
        endpoint.requests.length = 0
        const events: ReadEvent[] = []
        const reading = await readWithCheckpoint(path, { strategy, onEvent: event => events.push(event) })
        expect(usersOf(reading)).toEqual(modelOf())
        // What was under way when it stopped is asked for again, and no more.
        expect(endpoint.requests.length).toBeLessThanOrEqual(least - kept.pages + 20)
        if (kept.pages > 0) expect(countCalls()['DescribeUserPool']).toBeUndefined()
        expect(events.find(event => event.type !== 'resumed')).toMatchObject({
          type: 'estimate',
          estimate: { strategy },
        })
      }
      expect(stops).toBeGreaterThan(5)
    },
  )

  test('of a reading that is whole needs no call at all', async () => {
    const path = newPath()
    const first = await readWithCheckpoint(path)
    endpoint.requests.length = 0
    expect(usersOf(await readWithCheckpoint(path))).toEqual(usersOf(first))
    expect(endpoint.requests).toEqual([])
  })

  test('with a record that no reading writes is rejected', async () => {
    const path = newPath()
    const checkpoint = await openCheckpoint(path, { read: { userPoolId }, now: Date.now, maxAge: Infinity })
    await checkpoint.append({ kind: 'users', part: 0, users: 'alice', next: null })
    await checkpoint.close()
    expect(await failureOf(() => readWithCheckpoint(path))).toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('users: '),
    })
    expect(endpoint.requests).toEqual([])
  })
})

describe('pagination tokens that expire', () => {
  test.each(STRATEGIES)('%s, the list begins again and loses nothing', async strategy => {
    const api = apiOf()
    let calls = 0
    const expiring: UserPoolApi = {
      ...api,
      async listUsers(...args) {
        if (++calls === 3) endpoint.expireTokens()
        return api.listUsers(...args)
      },
    }
    const reading = await read({ api: expiring, strategy })
    expect(usersOf(reading)).toEqual(modelOf())
    expect(reading.changes).toEqual([])
    expect(countCalls()['ListUsers']).toBeGreaterThan(pages(150))
  })

  test('also when a reading resumes days later', async () => {
    const path = newPath()
    const stop = new AbortController()
    await failureOf(() =>
      readWithCheckpoint(path, {
        strategy: 'per-group',
        signal: stop.signal,
        onEvent: event => event.type === 'progress' && event.progress.pages >= 5 && stop.abort(),
      }),
    )
    endpoint.expireTokens()
    expect(usersOf(await readWithCheckpoint(path, { strategy: 'per-group' }))).toEqual(modelOf())
  })

  test('that are always rejected end the reading', async () => {
    const api = apiOf()
    const refusing: UserPoolApi = {
      ...api,
      async listUsers(...args) {
        endpoint.expireTokens()
        return api.listUsers(...args)
      },
    }
    expect(await failureOf(() => read({ api: refusing, strategy: 'per-group' }))).toMatchObject({
      code: 'request-rejected',
      message: expect.stringContaining('ListUsers'),
    })
  })
})

describe('a pool that changes while it is read', () => {
  /** The pool changes just before the first call that this is true of. */
  function changing(
    when: (operation: string, subject: string | undefined, token: string | undefined) => boolean,
    change: () => void,
  ): UserPoolApi {
    const api = apiOf()
    let done = false
    const before = (operation: string, subject: string | undefined, token: string | undefined) => {
      if (done || !when(operation, subject, token)) return
      done = true
      change()
    }
    return {
      ...api,
      listGroups: async (token, signal) => (before('ListGroups', undefined, token), api.listGroups(token, signal)),
      listUsers: async (token, signal) => (before('ListUsers', undefined, token), api.listUsers(token, signal)),
      listUsersInGroup: async (group, token, signal) => (
        before('ListUsersInGroup', group, token),
        api.listUsersInGroup(group, token, signal)
      ),
      adminListGroupsForUser: async (user, token, signal) => (
        before('AdminListGroupsForUser', user, token),
        api.adminListGroupsForUser(user, token, signal)
      ),
    }
  }
  /** The second time that the groups are listed. */
  function atTheEnd() {
    let starts = 0
    return (operation: string, _subject: string | undefined, token: string | undefined) =>
      operation === 'ListGroups' && token === undefined && ++starts === 2
  }
  const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

  const without = (username: string) => SMALL.users.filter(user => user.username !== username)
  const withoutGroup = (groupName: string) =>
    SMALL.users.map(({ username, groups }) => ({ username, groups: groups.filter(name => name !== groupName) }))

  const cases: readonly [string, ReadStrategy, () => UserPoolApi, readonly PoolChange[], readonly UserGroups[]][] = [
    [
      'a user is deleted before he is asked for',
      'per-user',
      () =>
        changing(
          (operation, user) => operation === 'AdminListGroupsForUser' && user === 'user-100',
          () => endpoint.users.delete('user-100'),
        ),
      [{ change: 'user-vanished', username: 'user-100' }],
      without('user-100'),
    ],
    [
      'a user is deleted between the list of his group and the list of users',
      'per-group',
      () => {
        const api = changing(
          operation => operation === 'AdminListGroupsForUser',
          () => {},
        )
        return {
          ...api,
          listUsers: async (...args) => {
            const page = await api.listUsers(...args)
            return { ...page, users: page.users.filter(({ username }) => username !== 'user-5') }
          },
          adminListGroupsForUser: async (user, token, signal) => {
            endpoint.users.delete('user-5')
            return api.adminListGroupsForUser(user, token, signal)
          },
        }
      },
      [{ change: 'user-vanished', username: 'user-5' }],
      without('user-5'),
    ],
    [
      'a user is created after the list of users, and is in a group',
      'per-group',
      () => {
        const api = apiOf()
        return {
          ...api,
          listUsersInGroup: async (group, token, signal) => {
            // The list of users was asked for before, and has the names of its start.
            endpoint.users.set('late', ['g2', 'g0'])
            return api.listUsersInGroup(group, token, signal)
          },
          listUsers: async (...args) => {
            const page = await api.listUsers(...args)
            return { ...page, users: page.users.filter(({ username }) => username !== 'late') }
          },
        }
      },
      [{ change: 'user-appeared', username: 'late' }],
      [...SMALL.users.map(sortGroups), { username: 'late', groups: ['g0', 'g2'] }],
    ],
    [
      'a group changes its role',
      'per-group',
      () =>
        changing(atTheEnd(), () =>
          endpoint.groups.set('g1', { groupName: 'g1', precedence: 1, roleArn: role('Other') }),
        ),
      [{ change: 'group-changed', groupName: 'g1' }],
      SMALL.users.map(sortGroups),
    ],
    [
      'a group changes its precedence',
      'per-user',
      () =>
        changing(atTheEnd(), () => endpoint.groups.set('g1', { groupName: 'g1', precedence: 7, roleArn: role('R1') })),
      [{ change: 'group-changed', groupName: 'g1' }],
      SMALL.users.map(sortGroups),
    ],
    [
      'a group vanishes after it was read',
      'per-group',
      () => changing(atTheEnd(), () => endpoint.groups.delete('g0')),
      [{ change: 'group-vanished', groupName: 'g0' }],
      withoutGroup('g0'),
    ],
    [
      'a group vanishes before it is read',
      'per-group',
      () =>
        changing(
          (operation, group) => operation === 'ListUsersInGroup' && group === 'g2',
          () => endpoint.groups.delete('g2'),
        ),
      [{ change: 'group-vanished', groupName: 'g2' }],
      withoutGroup('g2'),
    ],
    [
      'a group vanishes between two of its pages',
      'per-group',
      () =>
        changing(
          (operation, group, token) => operation === 'ListUsersInGroup' && group === 'g2' && token !== undefined,
          () => endpoint.groups.delete('g2'),
        ),
      [{ change: 'group-vanished', groupName: 'g2' }],
      withoutGroup('g2'),
    ],
    [
      'a group vanishes while users are read',
      'per-user',
      () =>
        changing(
          (operation, user) => operation === 'AdminListGroupsForUser' && user === 'user-80',
          () => endpoint.groups.delete('g2'),
        ),
      [{ change: 'group-vanished', groupName: 'g2' }],
      withoutGroup('g2'),
    ],
    [
      'a group appears with members',
      'per-group',
      () =>
        changing(atTheEnd(), () => {
          endpoint.groups.set('new', { groupName: 'new', precedence: 0, roleArn: role('New') })
          for (const user of ['user-3', 'user-149']) endpoint.users.get(user)!.push('new')
        }),
      [{ change: 'group-appeared', groupName: 'new' }],
      SMALL.users.map(sortGroups).map(({ username, groups }) => ({
        username,
        groups: ['user-3', 'user-149'].includes(username) ? [...groups, 'new'] : groups,
      })),
    ],
    [
      'a group is deleted and made anew with other members',
      'per-group',
      () => {
        const api = changing(
          (operation, group, token) => operation === 'ListUsersInGroup' && group === 'g0' && token !== undefined,
          () => endpoint.groups.delete('g0'),
        )
        const second = atTheEnd()
        return {
          ...api,
          listGroups: async (token, signal) => {
            if (second('ListGroups', undefined, token)) {
              endpoint.groups.set('g0', SMALL.groups[0]!)
              for (const names of endpoint.users.values())
                if (names.includes('g0')) names.splice(names.indexOf('g0'), 1)
              endpoint.users.get('user-140')!.push('g0')
            }
            return api.listGroups(token, signal)
          },
        }
      },
      [{ change: 'group-replaced', groupName: 'g0' }],
      SMALL.users.map(({ username, groups }) => ({
        username,
        groups: [...groups.filter(name => name !== 'g0'), ...(username === 'user-140' ? ['g0'] : [])],
      })),
    ],
    [
      'a group appears, and vanishes while its members are read',
      'per-group',
      () => {
        const api = changing(
          (operation, group, token) => operation === 'ListUsersInGroup' && group === 'brief' && token !== undefined,
          () => endpoint.groups.delete('brief'),
        )
        const second = atTheEnd()
        return {
          ...api,
          listGroups: async (token, signal) => {
            if (second('ListGroups', undefined, token)) {
              endpoint.groups.set('brief', { groupName: 'brief', precedence: 0, roleArn: role('Brief') })
              for (const names of endpoint.users.values()) names.push('brief')
            }
            return api.listGroups(token, signal)
          },
        }
      },
      [],
      SMALL.users.map(sortGroups),
    ],
  ]
  function sortGroups({ username, groups }: UserGroups): UserGroups {
    return { username, groups: groups.toSorted() }
  }

  test.each(cases)('%s (%s)', async (_what, strategy, api, changes, users) => {
    const path = newPath()
    const events: ReadEvent[] = []
    const reading = await readWithCheckpoint(path, { api: api(), strategy, onEvent: event => events.push(event) })
    expect(reading.changes).toEqual(changes)
    expect(usersOf(reading).map(sortGroups)).toEqual(users.map(sortGroups))
    // The list of users may not have a user, and then nothing says more.
    for (const { username, groups, ...details } of usersOf(reading))
      expect(username === 'late' ? { username, groups } : { username, groups, ...details }).toEqual(
        username === 'late' ? { username, groups, ...details } : withDetails({ username, groups }),
      )
    expect(reading.groups).toEqual([...endpoint.groups.values()])
    const estimatedUsers = SMALL.users.length
    expect(events.at(-1)).toMatchObject({ type: 'read', groups: reading.groups, changes, estimatedUsers })
    // What a checkpoint keeps of it says the same.
    const again = await readWithCheckpoint(path, { strategy })
    expect(again.changes).toEqual(changes)
    expect(usersOf(again)).toEqual(usersOf(reading))
  })

  test('users who were not listed come after the others, by name', async () => {
    const api = apiOf()
    const without = new Set(['user-7', 'user-101', 'user-33'])
    const reading = await read({
      strategy: 'per-group',
      api: {
        ...api,
        listUsers: async (...args) => {
          const page = await api.listUsers(...args)
          return { ...page, users: page.users.filter(({ username }) => !without.has(username)) }
        },
      },
    })
    expect(
      usersOf(reading)
        .slice(-3)
        .map(user => user.username),
    ).toEqual(['user-101', 'user-33', 'user-7'])
    expect(usersOf(reading)).toHaveLength(150)
    expect(reading.changes).toHaveLength(3)
  })

  test('control: without a second list of the groups nothing of it would be known', async () => {
    const api = apiOf()
    const listed: Group[] = [...SMALL.groups]
    const blind: UserPoolApi = {
      ...api,
      listGroups: async () => ({ groups: listed, createdAt: new Map(), nextToken: undefined, fetchedAt: 0, order: 0 }),
    }
    const reading = await read({
      strategy: 'per-group',
      api: {
        ...blind,
        listUsers: async (...args) => (endpoint.groups.set('g1', { groupName: 'g1' }), blind.listUsers(...args)),
      },
    })
    expect(reading.changes).toEqual([])
  })
})

describe('memory', () => {
  const program = fileURLToPath(new URL('large-pool.ts', import.meta.url))
  function megabytes(users: number, ...rest: readonly string[]): number {
    const { stdout, stderr } = spawnSync(process.execPath, ['--import', 'tsx', program, String(users), ...rest], {
      encoding: 'utf8',
    })
    expect(stderr).toBe('')
    return JSON.parse(stdout).megabytes
  }

  // A million takes 300 MB, the process that does nothing included. It is collected less often where there is less to collect.
  test('200 000 users with five memberships each take less than 100 MB more than none', { timeout: 120_000 }, () => {
    const idle = megabytes(0)
    expect(megabytes(200_000) - idle).toBeLessThan(100)
    // Control: as objects they take more than that.
    expect(megabytes(200_000, 'as-objects') - idle).toBeGreaterThan(100)
  })
})
