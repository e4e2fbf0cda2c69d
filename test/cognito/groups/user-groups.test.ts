import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { createRoleGuard } from '../../../src/authorizer/index.js'
import {
  createLightClient,
  createRoleResolver,
  groupsFromCognito,
  type GroupsFromCognitoOptions,
  type UserGroups,
  type UserGroupsEvent,
} from '../../../src/cognito/index.js'
import { type ErrorCode, isRolecastError } from '../../../src/errors.js'
import type { Group } from '../../../src/group.js'
import { errorOf, failureOf } from '../../failure-of.js'
import { named, userPool } from '../../models/user-pool.js'
import { useVirtualTime } from '../../virtual-time.js'
import { type CognitoEndpoint, endpointClient, type Fault, startCognitoEndpoint } from '../cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const iss = `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const range = (count: number, prefix = 'g') => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
const idClaims = (username: string) => ({
  sub: `sub of ${username}`,
  iss,
  token_use: 'id',
  'cognito:username': username,
})
const accessClaims = (username: string) => ({ sub: `sub of ${username}`, iss, token_use: 'access', username })
const namesOf = ({ groups }: { readonly groups: readonly Group[] }) => groups.map(({ groupName }) => groupName)

// The first call loads it, which a virtual clock does not wait for.
beforeAll(() => import('@aws-sdk/client-cognito-identity-provider'))

describe('through a real SDK client', () => {
  let endpoint: CognitoEndpoint
  beforeAll(async () => {
    endpoint = await startCognitoEndpoint({ userPoolId })
  })
  afterAll(() => endpoint.close())

  afterEach(() => {
    endpoint.mend()
  })

  /** Jane is in ten groups, of which `g0` ranks highest. */
  function setUp(options: Partial<GroupsFromCognitoOptions> = {}) {
    endpoint.groups.clear()
    endpoint.users.clear()
    for (const [precedence, groupName] of range(100).entries())
      endpoint.groups.set(groupName, { groupName, precedence, roleArn: role(groupName) })
    endpoint.users.set('jane', range(10))
    endpoint.users.set('joe', [])
    endpoint.requests.length = 0
    const client = endpointClient(endpoint, { fastRetry: true })
    const groupsOf = groupsFromCognito({ userPoolId, client, requestsPerSecond: Infinity, ...options })
    return { client, groupsOf }
  }

  test('one call has the groups of a user, with their precedences and roles', async () => {
    const { groupsOf } = setUp()
    const { groups, ...rest } = await groupsOf(idClaims('jane'))
    expect(groups).toHaveLength(10)
    expect(groups).toContainEqual({ groupName: 'g3', precedence: 3, roleArn: role('g3') })
    expect(rest).toEqual({ unknownGroups: [], stale: false, age: expect.any(Number) as number })
    expect(endpoint.requests).toMatchObject([{ operation: 'AdminListGroupsForUser', username: 'jane' }])
  })

  test('the first request of a user in ten groups is one call, and GetGroup is not called', async () => {
    const { client, groupsOf } = setUp()
    const guard = createRoleGuard({
      resolver: createRoleResolver({ userPoolId, client }),
      verifier: () => ({ ...accessClaims('jane'), iat: Math.floor(Date.now() / 1_000) }),
      groupsOf,
      onStale: 'allow',
      allow: ({ resolution }) => resolution.preferredRole === role('g0'),
    })
    expect(await guard('token')).toMatchObject({ allowed: true, resolution: { stale: false } })
    expect(endpoint.requests.map(({ operation }) => operation)).toEqual(['AdminListGroupsForUser'])
  })

  test('a user in no group has none, and what a group does not have is null', async () => {
    const { groupsOf } = setUp()
    expect(await groupsOf(idClaims('joe'))).toMatchObject({ groups: [] })
    endpoint.groups.set('__proto__', { groupName: '__proto__' })
    endpoint.users.set('__proto__', ['__proto__'])
    expect(await groupsOf(idClaims('__proto__'))).toMatchObject({
      groups: [{ groupName: '__proto__', precedence: null, roleArn: null }],
    })
  })

  test.each([60, 61, 100])('all pages of a user in %i groups are read', async count => {
    const { groupsOf } = setUp()
    endpoint.users.set('jane', range(count))
    expect(namesOf(await groupsOf(idClaims('jane'))).toSorted()).toEqual(range(count).toSorted())
    expect(endpoint.requests).toHaveLength(Math.ceil(count / 60))
    expect(groupsOf.stats()).toMatchObject({ miss: 1, call: Math.ceil(count / 60) })
  })

  test('a page that fails fails the whole, and nothing is cached', async () => {
    const { groupsOf } = setUp()
    endpoint.users.set('jane', range(61))
    endpoint.fail('access-denied', { operation: 'AdminListGroupsForUser', after: 1, times: 1 })
    expect(await failureOf(() => groupsOf(idClaims('jane')))).toMatchObject({ code: 'not-authorized' })
    expect(groupsOf.stats()).toMatchObject({ failed: 1, size: 0 })
    expect(namesOf(await groupsOf(idClaims('jane')))).toHaveLength(61)
  })

  test.each<[string, Fault, ErrorCode, boolean]>([
    ['throttling', 'throttle', 'throttled', true],
    ['a 500', 'internal', 'service-error', true],
    ['no permission', 'access-denied', 'not-authorized', false],
    ['HTML', 'html-200', 'malformed-response', false],
    ['an empty response', 'empty-200', 'malformed-response', false],
    ['no list', 'null-group', 'malformed-response', false],
    ['a precedence that is none', { precedence: '7' }, 'malformed-response', false],
    ['a dropped connection', 'drop', 'unreachable', true],
    ['pages without an end', 'endless-pages', 'malformed-response', false],
    ['a pool that does not exist', { error: 'ResourceNotFoundException' }, 'pool-not-found', false],
    ['a parameter that is rejected', { error: 'InvalidParameterException' }, 'request-rejected', false],
  ])('%s is a failure, never a user without groups', async (_, fault, code, retryable) => {
    const events: UserGroupsEvent[] = []
    const { groupsOf } = setUp({ onEvent: event => events.push(event) })
    endpoint.fail(fault, { operation: 'AdminListGroupsForUser' })
    expect(await failureOf(() => groupsOf(idClaims('jane')))).toMatchObject({ code, retryable })
    expect(events.filter(({ type }) => type === 'failed')).toEqual([{ type: 'failed', code }])
    expect(events.some(({ type }) => type === 'throttled')).toBe(code === 'throttled')
    expect(JSON.stringify(events)).not.toContain('jane')
    endpoint.mend()
    expect(namesOf(await groupsOf(idClaims('jane'))), 'a failure is not cached').toHaveLength(10)
  })

  test('a user who does not exist is a result: an error of its own, cached like one', async () => {
    const { groupsOf } = setUp()
    for (let time = 0; time < 3; time++) {
      const error = await failureOf(() => groupsOf(idClaims('ghost')))
      expect(error).toMatchObject({ code: 'user-not-found', retryable: false, value: 'ghost' })
      expect(error.message).toBe(
        `user pool \`${userPoolId}\` has no user \`ghost\`, so the user may have been deleted after the token was issued; sign in again`,
      )
    }
    expect(groupsOf.stats()).toMatchObject({ miss: 1, negative: 2, call: 1, failed: 0, size: 1 })
    groupsOf.invalidate('ghost')
    endpoint.users.set('ghost', ['g1'])
    expect(namesOf(await groupsOf(idClaims('ghost')))).toEqual(['g1'])
  })

  test('a call that hangs ends before a guard gives up', async () => {
    const { groupsOf } = setUp({ timeout: 50 })
    endpoint.fail('hang')
    expect(await failureOf(() => groupsOf(idClaims('jane')))).toMatchObject({ code: 'timeout', retryable: true })
  })

  test('warm opens the connection with one call, for no user, and says what it did', async () => {
    const { groupsOf } = setUp()
    expect(await groupsOf.warm()).toEqual({ isReady: true })
    expect(endpoint.requests).toHaveLength(1)
    expect(endpoint.users.has(endpoint.requests[0]!.username!)).toBe(false)
    expect(groupsOf.stats()).toMatchObject({ call: 1, failed: 0, size: 0 })
    endpoint.fail('access-denied')
    const { isReady, error } = await groupsOf.warm()
    expect([isReady, error?.code]).toEqual([false, 'not-authorized'])
    expect(await groupsOf.warm({ signal: AbortSignal.abort() })).toMatchObject({
      isReady: false,
      error: { code: 'aborted' },
    })
  })
})

describe('the user whose groups are requested', () => {
  function setUp(options: Partial<GroupsFromCognitoOptions> = {}) {
    const pool = userPool()
    pool.groups.set('admins', {})
    for (const username of ['jane', 'sub of jane']) pool.users.set(username, ['admins'])
    const groupsOf = groupsFromCognito({ userPoolId, client: pool.client, ...options })
    return { groupsOf, asked: () => pool.calls.map(({ about }) => about) }
  }

  test('those of the username in an ID token, an access token, or claims that do not say which', async () => {
    const { groupsOf, asked } = setUp({ ttl: 0 })
    const { token_use: _, ...unsaid } = idClaims('jane')
    const { token_use: __, ...alsoUnsaid } = accessClaims('jane')
    for (const claims of [idClaims('jane'), accessClaims('jane'), unsaid, alsoUnsaid, { ...unsaid, username: 'jane' }])
      await groupsOf(claims)
    expect(asked()).toEqual(Array(5).fill('jane'))
  })

  test('a claim of the other token, which a trigger may add, does not count', async () => {
    const { groupsOf, asked } = setUp()
    await groupsOf({ ...idClaims('jane'), username: 'admin' })
    await groupsOf({ ...accessClaims('jane'), 'cognito:username': 'admin' })
    expect(asked()).toEqual(['jane'])
  })

  test.each<[string, object]>([
    ['no username', { iss, token_use: 'id', sub: 'jane' }],
    ['an ID token with that of an access token only', { ...accessClaims('jane'), token_use: 'id' }],
    ['an access token with that of an ID token only', { ...idClaims('jane'), token_use: 'access' }],
    ['two that differ', { iss, username: 'jane', 'cognito:username': 'joe' }],
    ['an empty one', idClaims('')],
    ['one that is no text', { ...idClaims('jane'), 'cognito:username': ['jane'] }],
    ['one that is inherited', Object.assign(Object.create(idClaims('jane')) as object, { iss })],
  ])('%s is an error, not a guess', async (_, claims) => {
    const { groupsOf, asked } = setUp()
    const error = await failureOf(() => groupsOf(claims))
    expect(error).toMatchObject({ code: 'invalid-claim' })
    expect(error.message).toMatch(/^the username in the claims is .+; verify an ID or access token of a user, or give/)
    expect(asked()).toEqual([])
  })

  test('usernameOf returns it for any other claims, and must return a string', async () => {
    const { groupsOf, asked } = setUp({ usernameOf: ({ sub }) => sub })
    await groupsOf(idClaims('jane'))
    expect(asked()).toEqual(['sub of jane'])
    for (const sub of [undefined, '', 7, Promise.resolve('jane')])
      expect(await failureOf(() => groupsOf({ ...idClaims('jane'), sub }))).toMatchObject({ code: 'invalid-claim' })
    const throwing = setUp({
      usernameOf: () => {
        throw new RangeError('mine')
      },
    })
    await expect(throwing.groupsOf(idClaims('jane'))).rejects.toThrow(RangeError)
  })

  test.each([
    undefined,
    null,
    7,
    '',
    userPoolId,
    `${iss}/`,
    `${iss}x`,
    `${iss}/../eu-west-1_Other`,
    'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other',
    `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other/${userPoolId}`,
  ])('a token of the issuer %j is from another pool, and no request is sent', async issuer => {
    const { groupsOf, asked } = setUp()
    for (const claims of [
      { ...idClaims('jane'), iss: issuer },
      { ...accessClaims('jane'), iss: issuer },
    ]) {
      const error = await failureOf(() => groupsOf(claims))
      expect(error).toMatchObject({ code: 'invalid-claim' })
      expect(error.message).toMatch(/^the token's issuer is .+; give a token from that pool$/)
    }
    expect(asked()).toEqual([])
    expect(namesOf(await groupsOf(idClaims('jane'))), 'control').toEqual(['admins'])
  })

  test.each([null, undefined, 'x', 7])('%j are no claims', async claims => {
    expect(await failureOf(() => setUp().groupsOf(claims as never))).toMatchObject({ code: 'invalid-claim' })
  })
})

describe('a client that brings its own operation', () => {
  test('is asked by it, and a light client is one', async () => {
    const pool = userPool()
    pool.groups.set('admins', {})
    pool.users.set('jane', ['admins'])
    const client = { adminListGroupsForUser: (input: object) => pool.client.send({ input }) }
    expect(namesOf(await groupsFromCognito({ userPoolId, client })(idClaims('jane')))).toEqual(['admins'])
    expect(() => groupsFromCognito({ userPoolId, client: createLightClient() })).not.toThrow()
  })
})

describe('a group that comes twice', () => {
  test('counts once, as the later page has it', async () => {
    const pages = [
      { Groups: [{ GroupName: 'a', RoleArn: role('Old') }, { GroupName: 'b' }], NextToken: '1' },
      { Groups: [{ GroupName: 'a', RoleArn: role('New') }] },
    ]
    const groupsOf = groupsFromCognito({ userPoolId, client: { send: async () => pages.shift() } })
    expect((await groupsOf(idClaims('jane'))).groups).toEqual([
      { groupName: 'a', precedence: null, roleArn: role('New') },
      { groupName: 'b', precedence: null, roleArn: null },
    ])
  })
})

const LATENCY = 30

/** A pool of Jane and Joe that answers after 30 ms. */
function slowPool(options: Partial<GroupsFromCognitoOptions> = {}) {
  const events: UserGroupsEvent[] = []
  const pool = userPool(() => pass(LATENCY))
  for (const name of ['jane', 'joe', 'both']) pool.groups.set(name, { precedence: 1, roleArn: role(name) })
  pool.users.set('jane', ['jane', 'both'])
  pool.users.set('joe', ['joe', 'both'])
  const groupsOf = groupsFromCognito({
    userPoolId,
    client: pool.client,
    requestsPerSecond: Infinity,
    onEvent: event => events.push(event),
    ...options,
  })
  const ask = async (username: string, signal?: AbortSignal) => groupsOf(idClaims(username), { signal })
  return { ...pool, groupsOf, ask, events: () => events.splice(0).map(({ type }) => type) }
}

const pass = (ms: number) => new Promise<void>(resolve => void setTimeout(resolve, ms))

describe('the cache', () => {
  useVirtualTime()

  test('serves the groups of a user for five seconds, and says how old they are', async () => {
    const { ask, users, calls, events } = slowPool()
    expect(await ask('jane')).toMatchObject({ age: LATENCY, stale: false })
    users.set('jane', [])
    await pass(4_969)
    expect(await ask('jane')).toMatchObject({ groups: [{ groupName: 'jane' }, {}], age: 4_999, stale: false })
    expect(calls).toHaveLength(1)
    await pass(1)
    expect(await ask('jane')).toMatchObject({ groups: [], age: LATENCY })
    expect(events()).toEqual(['miss', 'call', 'hit', 'miss', 'call'])
  })

  test('is off with a ttl of 0, and nothing is cached', async () => {
    const { ask, calls, groupsOf } = slowPool({ ttl: 0 })
    await ask('jane')
    await ask('jane')
    expect(calls).toHaveLength(2)
    expect(groupsOf.stats()).toMatchObject({ hit: 0, miss: 2, size: 0 })
  })

  test('holds no more than `max` users: the least recently used one is dropped', async () => {
    const { ask, calls, users, groupsOf, events } = slowPool({ max: 2 })
    users.set('jim', [])
    for (const username of ['jane', 'joe', 'jane', 'jim', 'jane', 'joe']) await ask(username)
    expect(calls.map(({ about }) => about)).toEqual(['jane', 'joe', 'jim', 'joe'])
    expect(groupsOf.stats()).toMatchObject({ hit: 2, miss: 4, evicted: 2, size: 2 })
    expect(events().filter(type => type === 'evicted')).toHaveLength(2)
  })

  test('serves nothing from the future, when the clock was set back', async () => {
    let now = 10_000
    const { ask, calls } = slowPool({ clock: () => now })
    await ask('jane')
    now = 9_999
    expect(await ask('jane')).toMatchObject({ age: 0 })
    expect(calls).toHaveLength(2)
  })

  test('drops a user, or all, when told to', async () => {
    const { ask, groupsOf, calls } = slowPool()
    for (const username of ['jane', 'joe']) await ask(username)
    groupsOf.invalidate('jane')
    for (const username of ['jane', 'joe']) await ask(username)
    expect(calls.map(({ about }) => about)).toEqual(['jane', 'joe', 'jane'])
    groupsOf.invalidate()
    for (const username of ['jane', 'joe']) await ask(username)
    expect(calls).toHaveLength(5)
  })

  test('a result is frozen, so no caller can change what the next one gets', async () => {
    const { ask } = slowPool()
    const { groups } = await ask('jane')
    expect(() => (groups as Group[]).push({ groupName: 'admins' })).toThrow(TypeError)
    expect(() => Object.assign(groups[0]!, { roleArn: role('Admin') })).toThrow(TypeError)
  })

  test('a user who does not exist is requested once in five seconds, whatever the number of lookups', async () => {
    const { ask, calls } = slowPool()
    const burst = () => Promise.all(Array.from({ length: 50 }, () => failureOf(() => ask('ghost'))))
    for (const error of await burst()) expect(error).toMatchObject({ code: 'user-not-found' })
    await burst()
    expect(calls).toHaveLength(1)
    await pass(5_000)
    await burst()
    expect(calls).toHaveLength(2)
  })
})

describe('callers at the same time', () => {
  useVirtualTime()

  test('share one call for a user, and each user has a call of its own', async () => {
    const { ask, calls, events } = slowPool()
    const results = await Promise.all(['jane', 'joe', 'jane', 'jane'].map(username => ask(username)))
    expect(results.map(result => namesOf(result)[0])).toEqual(['jane', 'joe', 'jane', 'jane'])
    expect(calls.map(({ about }) => about)).toEqual(['jane', 'joe'])
    expect(events().toSorted()).toEqual(['call', 'call', 'coalesced', 'coalesced', 'miss', 'miss'])
  })

  test('do not get groups that are older than `ttl` at the time of the lookup', async () => {
    const { ask, calls, users } = slowPool({ ttl: 10 })
    const first = ask('jane')
    await pass(20)
    users.set('jane', ['both'])
    const second = ask('jane')
    expect(namesOf(await first)).toEqual(['jane', 'both'])
    expect(namesOf(await second)).toEqual(['both'])
    expect(calls).toHaveLength(2)
  })

  test('one that aborts leaves, and the others continue', async () => {
    const { ask, calls } = slowPool()
    const controller = new AbortController()
    const [leaving, staying] = [failureOf(() => ask('jane', controller.signal)), ask('jane')]
    await pass(10)
    controller.abort(new Error('enough'))
    expect(await leaving).toMatchObject({ code: 'aborted', cause: { message: 'enough' } })
    expect(namesOf(await staying)).toEqual(['jane', 'both'])
    expect(calls.map(({ signal }) => signal?.aborted)).toEqual([false])
  })

  test('when all have left the call is aborted, nothing is cached, and it does not count as a failure', async () => {
    const { ask, calls, groupsOf, events } = slowPool()
    const controllers = [new AbortController(), new AbortController()]
    const leaving = controllers.map(({ signal }) => failureOf(() => ask('jane', signal)))
    await pass(10)
    for (const controller of controllers) controller.abort()
    for (const error of await Promise.all(leaving)) expect(error).toMatchObject({ code: 'aborted' })
    expect(calls.map(({ signal }) => signal?.aborted)).toEqual([true])
    expect(namesOf(await ask('jane'))).toEqual(['jane', 'both'])
    expect(events()).toEqual(['miss', 'coalesced', 'call', 'miss', 'call'])
    expect(groupsOf.stats()).toMatchObject({ failed: 0 })
  })

  test('a signal that had aborted asks for nothing, cached or not', async () => {
    const { ask, calls } = slowPool()
    expect(await failureOf(() => ask('jane', AbortSignal.abort()))).toMatchObject({ code: 'aborted' })
    expect(calls).toEqual([])
    await ask('jane')
    expect(await failureOf(() => ask('jane', AbortSignal.abort()))).toMatchObject({ code: 'aborted' })
  })

  test.each([['jane'], [undefined]])('invalidate(%j) during a call keeps its result out of the cache', async which => {
    const { ask, calls, users, groupsOf } = slowPool()
    const before = ask('jane')
    await pass(10)
    users.set('jane', ['both'])
    groupsOf.invalidate(which)
    const after = ask('jane')
    expect(namesOf(await before)).toEqual(['jane', 'both'])
    expect(namesOf(await after)).toEqual(['both'])
    expect(namesOf(await ask('jane'))).toEqual(['both'])
    expect(calls).toHaveLength(2)
  })

  test('a failure goes to the waiting callers, once to the events, and later callers get a new call', async () => {
    let left = 1
    const pool = userPool(async () => {
      await pass(LATENCY)
      if (left-- > 0) throw named('TooManyRequestsException', 'Rate exceeded')
    })
    pool.users.set('jane', [])
    const groupsOf = groupsFromCognito({ userPoolId, client: pool.client })
    const errors = await Promise.all([1, 2].map(() => failureOf(() => groupsOf(idClaims('jane')))))
    for (const error of errors) expect(error).toMatchObject({ code: 'throttled', retryable: true })
    expect(groupsOf.stats()).toMatchObject({ miss: 1, coalesced: 1, call: 1, failed: 1, throttled: 1, size: 0 })
    expect(namesOf(await groupsOf(idClaims('jane')))).toEqual([])
  })

  test('no more than `requestsPerSecond` calls go out in a second, and age counts the wait', async () => {
    const { ask, users } = slowPool({ requestsPerSecond: 2 })
    const many = range(4, 'user')
    for (const username of many) users.set(username, [])
    const answers = many.map(username => ask(username))
    // Two wait already, a second's worth. A third would be answered when its caller has left.
    users.set('late', [])
    expect(await failureOf(() => ask('late'))).toMatchObject({ code: 'throttled', retryable: true })
    const ages = (await Promise.all(answers)).map(({ age }) => age)
    expect(Math.max(...ages)).toBeGreaterThanOrEqual(1_000)
  })

  test('when more come than the quota allows, as many as it allows get their groups, second after second', async () => {
    const { ask, users, groupsOf } = slowPool({ requestsPerSecond: 50 })
    let answered = 0
    // Each gives up after three seconds, as a guard does.
    const askFor = async (username: string) => {
      const patience = new AbortController()
      const timer = setTimeout(() => patience.abort(), 3_000)
      const error: unknown = await ask(username, patience.signal).then(
        () => undefined,
        (failure: unknown) => failure,
      )
      clearTimeout(timer)
      if (error === undefined) answered++
      else expect(error).toMatchObject({ code: 'throttled', retryable: true })
    }
    const all: Promise<void>[] = []
    for (let second = 0; second < 10; second++) {
      for (const username of range(100, `user-${second}-`)) {
        users.set(username, [])
        all.push(askFor(username))
      }
      await pass(1_000)
    }
    await Promise.all(all)
    expect(answered).toBeGreaterThan(400)
    expect(groupsOf.stats().throttled).toBeGreaterThan(300)
  })

  test('users who come at the same time are requested at the same time, as many as the quota and the concurrency allow', async () => {
    const { ask, users } = slowPool({ requestsPerSecond: 50, concurrency: 50 })
    const many = range(50, 'user')
    for (const username of many) users.set(username, [])
    const before = performance.now()
    await Promise.all(many.map(username => ask(username)))
    expect(performance.now() - before).toBe(LATENCY)
    // The control: one more has to wait for the next second.
    users.set('late', [])
    await ask('late')
    expect(performance.now() - before).toBeGreaterThan(1_000)
  })

  test('what a hook throws or rejects with changes nothing', async () => {
    for (const onEvent of [() => Promise.reject(new Error('no')), () => errorOf(() => {})]) {
      const { ask } = slowPool({ onEvent })
      expect(namesOf(await ask('jane'))).toEqual(['jane', 'both'])
    }
  })
})

test.each([null, {}, 7, ['jane']])('invalidate(%j) is rejected: it would drop no user', username => {
  const { groupsOf } = slowPool()
  expect(errorOf(() => groupsOf.invalidate(username as never))).toMatchObject({ code: 'invalid-option' })
})

test('a username that is a promise is rejected, and its rejection ends no process', async () => {
  const groupsOf = groupsFromCognito({
    userPoolId,
    client: { send: async () => ({ Groups: [] }) },
    usernameOf: (() => Promise.reject(new Error('no'))) as never,
  })
  expect(await failureOf(() => groupsOf(idClaims('jane')))).toMatchObject({ code: 'invalid-claim' })
})

describe('options', () => {
  test.each<[string, object, ErrorCode]>([
    ['no pool', { userPoolId: undefined }, 'invalid-user-pool-id'],
    ['any pool', { userPoolId: 'any' }, 'invalid-user-pool-id'],
    ['a misspelt name', { requestPerSecond: 5 }, 'invalid-option'],
    ['an option of a source', { negativeTtl: 5 }, 'invalid-option'],
    ['a ttl without an end', { ttl: Infinity }, 'invalid-option'],
    ['a negative ttl', { ttl: -1 }, 'invalid-option'],
    ['a ttl that is null', { ttl: null }, 'invalid-option'],
    ['no entries', { max: 0 }, 'invalid-option'],
    ['a rate of 0', { requestsPerSecond: 0 }, 'invalid-option'],
    ['a concurrency of 0', { concurrency: 0 }, 'invalid-option'],
    ['a timeout of 0', { timeout: 0 }, 'invalid-option'],
    ['a usernameOf that is a name', { usernameOf: 'sub' }, 'invalid-option'],
    ['a hook that is none', { onEvent: {} }, 'invalid-option'],
    ['a clock that is a time', { clock: 7 }, 'invalid-option'],
    ['an endpoint that is no URL', { endpoint: 'localhost' }, 'invalid-option'],
  ])('%s is rejected', (_, wrong, code) => {
    expect(errorOf(() => groupsFromCognito({ userPoolId, ...wrong } as never))).toMatchObject({ code })
  })

  test('a misspelt name gets the nearest one, and a rate is called as the option is', () => {
    expect(errorOf(() => groupsFromCognito({ userPoolId, requestPerSecond: 5 } as never)).message).toMatch(
      /did you mean `requestsPerSecond`\?$/,
    )
    expect(errorOf(() => groupsFromCognito({ userPoolId, requestsPerSecond: 0 })).message).toMatch(
      /^`requestsPerSecond`/,
    )
  })

  test('undefined is the default, and the pool can be read', () => {
    const options = { ttl: undefined, max: undefined, usernameOf: undefined, onEvent: undefined, clock: undefined }
    expect(groupsFromCognito({ userPoolId, ...options }).userPoolId).toBe(userPoolId)
    expect(errorOf(() => groupsFromCognito(undefined as never))).toMatchObject({ code: 'invalid-option' })
  })
})

// ------------------------------------------------------------------ the laws

const USERS = ['jane', '__proto__'] as const
const TTL = 100

type Action =
  | { readonly do: 'ask'; readonly username: string; readonly abortsAfter: number | undefined }
  | { readonly do: 'change' | 'delete'; readonly username: string }
  | { readonly do: 'invalidate'; readonly username: string | undefined }
  | { readonly do: 'fail' }
  | { readonly do: 'pass'; readonly ms: number }

const usernames = fc.constantFrom(...USERS)
const anyActions = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('ask' as const),
        username: usernames,
        abortsAfter: fc.option(fc.nat(60), { nil: undefined, freq: 4 }),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({ do: fc.constantFrom('change' as const, 'change', 'delete'), username: usernames }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('invalidate' as const),
        username: fc.option(usernames, { nil: undefined }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('fail' as const) }) },
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('pass' as const),
        ms: fc.oneof(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 70 })),
      }),
    },
  ),
  // Short scripts have no room for a change between two questions.
  { maxLength: 30, size: 'max' },
)

/** Also without invalidations, and without callers that go. */
const actions = fc.oneof(
  anyActions,
  anyActions.map(script =>
    script
      .filter(action => action.do !== 'invalidate')
      .map(action => (action.do === 'ask' ? { ...action, abortsAfter: undefined } : action)),
  ),
)

/** What a user had from then on: a group of that name, or that the user does not exist. */
interface Version {
  readonly from: number
  /** The number of the action that made it. */
  readonly action: number
  readonly group: string | undefined
}

/** Runs the actions, and says which law a result breaks. */
async function brokenLaw(
  make: (options: GroupsFromCognitoOptions) => UserGroups,
  script: readonly Action[],
  latencies: readonly number[],
): Promise<string | undefined> {
  let failing = 0
  let sent = 0
  const underWay = new Map<string, number>()
  const broken: string[] = []
  /** The number of the action under way, and of the last one that invalidated a user. */
  let step = 0
  const invalidatedBy = new Map<string, number>()
  // Without an invalidation, and without a caller that has gone, no two calls for a user are under way.
  const isShared = !script.some(one => one.do === 'invalidate' || (one.do === 'ask' && one.abortsAfter !== undefined))
  const pool = userPool(async ({ about }) => {
    const count = (underWay.get(about) ?? 0) + 1
    underWay.set(about, count)
    if (isShared && count > 1) broken.push('two calls at once for a user')
    const fails = failing > 0 && failing-- > 0
    await pass(latencies[sent++ % latencies.length]!)
    underWay.set(about, underWay.get(about)! - 1)
    if (fails) throw named('InternalErrorException')
  })
  const history = new Map<string, Version[]>()
  let version = 0
  const set = (username: string, exists: boolean) => {
    const group = exists ? `${username} ${++version}`.replace(' ', '#') : undefined
    if (group === undefined) pool.users.delete(username)
    else {
      pool.groups.set(group, { precedence: 1, roleArn: role(group) })
      pool.users.set(username, [group])
    }
    history.set(username, [...(history.get(username) ?? []), { from: Date.now(), action: step, group }])
  }
  for (const username of USERS) set(username, true)
  const groupsOf = make({ userPoolId, client: pool.client, requestsPerSecond: Infinity, ttl: TTL })

  /** Whether the user had this at some time since then, and after that action. */
  const hadSince = (username: string, group: string | undefined, since: number, after = 0) =>
    history.get(username)!.some((one, index, all) => {
      const { from = Infinity, action = Infinity } = all[index + 1] ?? {}
      return one.group === group && from >= since && action > after
    })

  async function ask(username: string, abortsAfter: number | undefined): Promise<void> {
    const at = Date.now()
    const mayHave = [at - TTL, invalidatedBy.get(username)] as const
    const controller = new AbortController()
    if (abortsAfter !== undefined) setTimeout(() => controller.abort(), abortsAfter)
    try {
      const { groups, age, stale } = await groupsOf(idClaims(username), { signal: controller.signal })
      if (groups.length !== 1 || groups[0]!.roleArn !== role(groups[0]!.groupName)) broken.push('not whole')
      if (!groups[0]!.groupName.startsWith(`${username}#`)) broken.push('of another user')
      else if (!hadSince(username, groups[0]!.groupName, ...mayHave)) broken.push('too old')
      else if (!hadSince(username, groups[0]!.groupName, Date.now() - age)) broken.push('older than it says')
      if (stale) broken.push('stale')
    } catch (error) {
      if (!isRolecastError(error)) throw error
      if (error.code === 'user-not-found' && !hadSince(username, undefined, ...mayHave))
        broken.push('not found, and was there')
      if (!['user-not-found', 'service-error', 'aborted'].includes(error.code)) broken.push(error.code)
      if (error.code === 'aborted' && abortsAfter === undefined) broken.push('aborted by another')
    }
  }

  const asking: Promise<void>[] = []
  for (const action of script) {
    step++
    if (action.do === 'ask') asking.push(ask(action.username, action.abortsAfter))
    else if (action.do === 'change' || action.do === 'delete') set(action.username, action.do === 'change')
    else if (action.do === 'fail') failing++
    else if (action.do === 'pass') await pass(action.ms)
    else {
      groupsOf.invalidate(action.username)
      for (const username of USERS) if ((action.username ?? username) === username) invalidatedBy.set(username, step)
    }
  }
  await Promise.all(asking)
  if (pool.calls.some(({ operation }) => operation !== 'AdminListGroupsForUser')) broken.push('another call')
  return broken[0]
}

const check = (make: (options: GroupsFromCognitoOptions) => UserGroups, numRuns: number) =>
  fc.check(
    fc.asyncProperty(
      actions,
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 5 }),
      async (script, latencies) => {
        const law = await brokenLaw(make, script, latencies)
        if (law !== undefined) throw new Error(law)
      },
    ),
    { numRuns, endOnFailure: true },
  )

describe('whatever happens, at whatever time', () => {
  useVirtualTime()

  test('a result is of the user who was asked for, whole, and no older than ttl and its age say', async () => {
    const { failed, counterexample, errorInstance } = await check(groupsFromCognito, 300)
    expect(failed, JSON.stringify([counterexample, (errorInstance as Error | null)?.message])).toBe(false)
  })

  describe('controls: what is wrong is noticed', () => {
    afterEach(() => {
      vi.doUnmock('lru-cache')
      vi.doUnmock('../../../src/cognito/groups/coalesce.js')
      vi.resetModules()
    })
    const imported = async () => {
      vi.resetModules()
      const module = await import('../../../src/cognito/groups/user-groups.js')
      return module.groupsFromCognito as typeof groupsFromCognito
    }

    test('a cache that does not tell users apart', async () => {
      const { LRUCache } = await vi.importActual<typeof import('lru-cache')>('lru-cache')
      class OneKey extends LRUCache<string, object> {
        override get() {
          return super.get('')
        }
        override set(_key: string, value: object) {
          return super.set('', value)
        }
        override delete() {
          return super.delete('')
        }
      }
      vi.doMock('lru-cache', () => ({ LRUCache: OneKey }))
      expect(String((await check(await imported(), 300)).errorInstance)).toMatch(/of another user|not found/)
    })

    test.each([
      ['does not tell users apart', () => '', /of another user|not found/],
      ['shares nothing', () => Symbol('each has its own'), /two calls at once/],
    ])('a single flight that %s', async (_, keyOf, law) => {
      const path = '../../../src/cognito/groups/coalesce.js'
      const actual = await vi.importActual<typeof import('../../../src/cognito/groups/coalesce.js')>(path)
      vi.doMock(path, () => ({
        ...actual,
        createCoalescer: (landed: (key: string, value: unknown) => void) => {
          const calls = actual.createCoalescer<unknown, readonly [string, unknown]>((_key, [key, value]) =>
            landed(key, value),
          )
          return {
            ...calls,
            has: () => false,
            forget: () => calls.forgetAll(),
            join: async (
              key: string,
              start: (signal: AbortSignal) => Promise<unknown>,
              ...rest: [undefined, () => unknown]
            ) => (await calls.join(keyOf(), async signal => [key, await start(signal)] as const, ...rest))[1],
          }
        },
      }))
      const { errorInstance } = await check(await imported(), 1_000)
      expect(String(errorInstance)).toMatch(law)
    })

    test('a cache that serves for longer than it should', async () => {
      const late = (options: GroupsFromCognitoOptions) => groupsFromCognito({ ...options, ttl: 100 * TTL })
      expect(String((await check(late, 1_000)).errorInstance)).toMatch(/too old|not found/)
    })

    test('an invalidation that does not reach it', async () => {
      const deaf = (options: GroupsFromCognitoOptions) =>
        Object.assign(groupsFromCognito(options), { invalidate: () => {} })
      expect(String((await check(deaf, 1_000)).errorInstance)).toMatch(/too old|not found/)
    })
  })
})
