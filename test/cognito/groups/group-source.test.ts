import { inspect } from 'node:util'
import { CognitoIdentityProviderClient, GetGroupCommand } from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { useVirtualTime } from '../../virtual-time.js'
import {
  type CacheEvent,
  createGroupSource,
  createRoleResolver,
  type GroupSourceOptions,
} from '../../../src/cognito/index.js'
import type { ErrorCode } from '../../../src/errors.js'
import type { Group } from '../../../src/group.js'
import { failureOf } from '../../failure-of.js'
import { type CognitoEndpoint, endpointClient, type Fault, startCognitoEndpoint } from '../cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
  { groupName: 'contractors', roleArn: role('Contractor') },
  { groupName: 'plain' },
  { groupName: '__proto__', precedence: 3, roleArn: role('Proto') },
  { groupName: 'a,b', precedence: 4 },
]

let endpoint: CognitoEndpoint
beforeAll(async () => {
  endpoint = await startCognitoEndpoint({ userPoolId })
})
afterAll(() => endpoint.close())

afterEach(() => {
  endpoint.mend()
})

function sourceOf(options: Partial<GroupSourceOptions> = {}) {
  endpoint.groups.clear()
  for (const group of GROUPS) endpoint.groups.set(group.groupName, group)
  endpoint.requests.length = 0
  return createGroupSource({
    userPoolId,
    client: endpointClient(endpoint, { fastRetry: true }),
    requestsPerSecond: Infinity,
    ...options,
  })
}

describe('reading groups through a real SDK client', () => {
  test('a group comes with its precedence and role, and what is unset is null', async () => {
    const source = sourceOf()
    expect(await source('admins')).toEqual({ groupName: 'admins', precedence: 0, roleArn: role('Admin') })
    expect(await source('contractors')).toEqual({
      groupName: 'contractors',
      precedence: null,
      roleArn: role('Contractor'),
    })
    expect(await source('plain')).toEqual({ groupName: 'plain', precedence: null, roleArn: null })
  })

  test('names that are traps in JavaScript are names like any other', async () => {
    const lookup = await sourceOf().lookup(['__proto__', 'a,b', 'constructor', 'toString'])
    expect(lookup.groups.map(group => group.groupName)).toEqual(['__proto__', 'a,b'])
    expect(lookup.unknownGroups).toEqual(['constructor', 'toString'])
  })

  test('a group Cognito does not know is reported and resolves without it', async () => {
    const resolver = createRoleResolver({ source: sourceOf() })
    const resolution = await resolver.resolve(['editors', 'ghost', 'admins'])
    expect(resolution).toMatchObject({
      preferredRole: role('Admin'),
      groups: ['editors', 'admins'],
      unknownGroups: ['ghost'],
      stale: false,
    })
    expect(resolution.claims['cognito:groups']).not.toContain('ghost')
  })

  test('a second resolution needs no call', async () => {
    const resolver = createRoleResolver({ source: sourceOf() })
    const first = await resolver.resolve(['editors', 'admins', 'ghost'])
    const second = await resolver.resolve(['editors', 'admins', 'ghost'])
    expect({ ...second, age: 0 }).toEqual({ ...first, age: 0 })
    expect(endpoint.requests).toHaveLength(3)
    expect(resolver.resolveCached(['admins', 'editors'])?.preferredRole).toBe(role('Admin'))
    expect(resolver.resolveCached(['admins', 'plain'])).toBeUndefined()
    expect(endpoint.requests).toHaveLength(3)
  })

  test('the region is the first part of the user pool id', async () => {
    let region: unknown
    const { send } = CognitoIdentityProviderClient.prototype
    CognitoIdentityProviderClient.prototype.send = async function (this: CognitoIdentityProviderClient) {
      region = await this.config.region()
      return { Group: { GroupName: 'x' } }
    } as typeof send
    try {
      await createGroupSource({ userPoolId: 'ap-southeast-2_Xy' })('x')
      expect(region).toBe('ap-southeast-2')
      await createGroupSource({ userPoolId: 'ap-southeast-2_Xy', region: 'eu-north-1' })('x')
      expect(region).toBe('eu-north-1')
    } finally {
      CognitoIdentityProviderClient.prototype.send = send
    }
  })
})

describe('what goes wrong has a code, the group, the cause, and whether trying again helps', () => {
  test.each<[string, Fault, ErrorCode, boolean]>([
    ['throttling', 'throttle', 'throttled', true],
    ['a 500', 'internal', 'service-error', true],
    ['a 503', 'unavailable', 'service-error', true],
    ['no permission', 'access-denied', 'not-authorized', false],
    ['NotAuthorizedException', 'not-authorized', 'not-authorized', false],
    ['an expired token', 'expired-token', 'not-authorized', false],
    ['a gateway that answers 502 in HTML', 'html-502', 'malformed-response', true],
    ['a login page', 'html-200', 'malformed-response', false],
    ['JSON cut off', 'malformed-json', 'malformed-response', false],
    ['an empty 200', 'empty-200', 'malformed-response', false],
    ['a 200 without a group', 'no-group', 'malformed-response', false],
    ['a group that is null', 'null-group', 'malformed-response', false],
    ['a socket that is dropped', 'drop', 'unreachable', true],
    ['a body that stalls', 'stall-body', 'timeout', true],
    ['no answer at all', 'hang', 'timeout', true],
    ['the precedence "7"', { precedence: '7' }, 'malformed-response', false],
    ['the precedence 1.5', { precedence: 1.5 }, 'malformed-response', false],
    ['the precedence -1', { precedence: -1 }, 'malformed-response', false],
    ['the precedence 2^31', { precedence: 2 ** 31 }, 'malformed-response', false],
    ['the precedence true', { precedence: true }, 'malformed-response', false],
    ['the group of another name', { name: 'editors' }, 'malformed-response', false],
    ['a role that is a number', { body: '{"Group":{"GroupName":"admins","RoleArn":7}}' }, 'malformed-response', false],
    ['a 429 without a name', { body: '', status: 429 }, 'throttled', true],
    ['a 403 without a name', { body: '{}', status: 403 }, 'not-authorized', false],
    ['a 504 without a name', { body: '{}', status: 504 }, 'service-error', true],
    ['an invalid parameter', { error: 'InvalidParameterException', message: 'no' }, 'request-rejected', false],
    ['an exception nobody knows', { error: 'NovelException', message: 'no' }, 'request-rejected', false],
    [
      'a pool that does not exist',
      { error: 'ResourceNotFoundException', message: 'User pool x does not exist.' },
      'pool-not-found',
      false,
    ],
    [
      'a pool in cognito-local words',
      { error: 'ResourceNotFoundException', message: 'User Pool x not found' },
      'pool-not-found',
      false,
    ],
    [
      'something missing, not said what',
      { error: 'ResourceNotFoundException', message: 'Requested resource not found' },
      'malformed-response',
      false,
    ],
    ['something missing, without a message', { error: 'ResourceNotFoundException' }, 'malformed-response', false],
  ])('%s', async (_name, fault, code, retryable) => {
    const source = sourceOf({ timeout: 1_000 })
    endpoint.fail(fault)
    const error = await failureOf(() => source('admins'))
    expect(error).toMatchObject({ code, retryable, groupName: 'admins', name: 'RolecastError' })
    expect(error.message).toMatch(/^GetGroup for group `admins` of user pool `eu-west-1_Ab12Cd34e` .*; \S+/)
    expect(source.stats()).toMatchObject({ failed: 1, size: 0, throttled: code === 'throttled' ? 1 : 0 })

    endpoint.mend()
    expect(await source('admins'), 'the failure is not kept').toMatchObject({ precedence: 0 })
  })

  test.each([['Group not found.'], ['Group not found'], ['Group not found: ghost'], ['ghost']])(
    'a missing group in the words `%s` is a result, not a failure',
    async message => {
      const source = sourceOf()
      endpoint.fail({ error: 'ResourceNotFoundException', message })
      expect(await source('ghost')).toBeUndefined()
    },
  )

  test('a refused connection', async () => {
    const gone = await startCognitoEndpoint({ userPoolId })
    await gone.close()
    const source = createGroupSource({ userPoolId, client: endpointClient(gone, { fastRetry: true }) })
    expect(await failureOf(() => source('admins'))).toMatchObject({ code: 'unreachable', retryable: true })
  })

  test('no credentials', async () => {
    const client = endpointClient(endpoint, {
      credentials: async () => {
        throw Object.assign(new Error('Could not load credentials from any providers'), {
          name: 'CredentialsProviderError',
        })
      },
    })
    expect(await failureOf(() => sourceOf({ client })('admins'))).toMatchObject({
      code: 'no-credentials',
      retryable: false,
    })
  })

  test('no region', async () => {
    vi.stubEnv('AWS_CONFIG_FILE', '/nowhere/config')
    vi.stubEnv('AWS_REGION', undefined)
    expect(await failureOf(() => createGroupSource({ userPoolId: 'nounderscore' })('a'))).toMatchObject({
      code: 'no-region',
      value: 'nounderscore',
    })
    const client = { send: async () => Promise.reject(new Error('Region is missing')) }
    expect(await failureOf(() => createGroupSource({ userPoolId, client })('a'))).toMatchObject({ code: 'no-region' })
  })

  test('the wrong signature: the request that AWS expected, with its session token, goes nowhere', async () => {
    endpoint.fail({
      error: 'InvalidSignatureException',
      message: 'The Canonical String should have been x-amz-security-token:SECRET',
    })
    const error = await failureOf(() => sourceOf()('admins'))
    expect(error.code).toBe('not-authorized')
    expect(`${error.message} ${String(error.cause)}`).not.toContain('SECRET')
  })

  test('no credential is left in a failure, however deep one looks', async () => {
    const credentials = {
      accessKeyId: 'AKIDLOCAL',
      secretAccessKey: 'local-secret',
      sessionToken: 'local-session-token',
    }
    const deep = (error: unknown) => inspect(error, { depth: Infinity, showHidden: true })
    const client = endpointClient(endpoint, { credentials })
    endpoint.fail('access-denied')
    const error = await failureOf(() => sourceOf({ client })('admins'))
    expect(deep(error)).not.toMatch(/AKIDLOCAL|local-secret|local-session-token/)
    const raw = await client
      .send(new GetGroupCommand({ UserPoolId: userPoolId, GroupName: 'admins' }))
      .catch((cause: unknown) => cause)
    expect(deep(raw), "control: the SDK's own error has them").toMatch(/local-session-token/)
  })

  test("a server's message is cut to one line of limited length", async () => {
    endpoint.fail({ error: 'InvalidParameterException', message: `a\nb\u001b[31m${'x'.repeat(5_000)}` })
    const { message } = await failureOf(() => sourceOf()('admins'))
    expect(message).toContain('(a b [31mxxx')
    expect(message.length).toBeLessThan(500)
  })

  test('one group that fails fails the whole lookup', async () => {
    const source = sourceOf()
    endpoint.fail('access-denied', { groupName: 'plain' })
    expect(await failureOf(() => source.lookup(['admins', 'plain', 'editors']))).toMatchObject({
      code: 'not-authorized',
      groupName: 'plain',
    })
  })

  test.each<[string, Partial<GroupSourceOptions>, ErrorCode]>([
    ['a user pool id with a blank', { userPoolId: 'eu-west-1 x' }, 'invalid-user-pool-id'],
    ['an empty user pool id', { userPoolId: '' }, 'invalid-user-pool-id'],
    ['no room at all', { max: 0 }, 'invalid-option'],
    ['a negative ttl', { ttl: -1 }, 'invalid-option'],
    ['a ttl that is NaN', { ttl: NaN }, 'invalid-option'],
    ['a timeout no timer can keep', { timeout: Infinity }, 'invalid-option'],
    ['no calls at all', { requestsPerSecond: 0 }, 'invalid-option'],
    ['no concurrency', { concurrency: 0 }, 'invalid-option'],
    ['a ttl in words', { ttl: '60s' as unknown as number }, 'invalid-option'],
    ['a ttl that is null', { ttl: null } as never, 'invalid-option'],
    ['a ttl without an end', { ttl: Infinity }, 'invalid-option'],
    ['a negativeTtl without an end', { negativeTtl: Infinity }, 'invalid-option'],
    ['old groups for ever', { staleIfError: Infinity }, 'invalid-option'],
    ['old groups for ever, while revalidating', { staleWhileRevalidate: Infinity }, 'invalid-option'],
    ['half an entry', { max: 1.5 }, 'invalid-option'],
    ['entries without end', { max: Infinity }, 'invalid-option'],
    ['entries that are no number', { max: NaN }, 'invalid-option'],
    ['a million and one entries', { max: 1_000_001 }, 'invalid-option'],
    ['half a group in the pool', { poolSize: 0.5 }, 'invalid-option'],
    ['a pool without end', { poolSize: Infinity }, 'invalid-option'],
    ['a rate that is no number', { requestsPerSecond: NaN }, 'invalid-option'],
    ['a hook that is none', { onEvent: 'log' } as never, 'invalid-option'],
    ['a clock that is none', { clock: 7 } as never, 'invalid-option'],
    ['a store that is none', { sharedCache: true } as never, 'invalid-option'],
  ])('options: %s', async (_name, options, code) => {
    expect(await failureOf(() => sourceOf(options))).toMatchObject({ code, retryable: false })
  })

  test('options: control: the largest values are accepted, and undefined means the default', () => {
    const widest = { max: 1_000_000, ttl: 2 ** 40, poolSize: 10_000, requestsPerSecond: Infinity }
    expect(sourceOf(widest).userPoolId).toBe(userPoolId)
    const absent = { max: undefined, ttl: undefined, staleIfError: undefined, onEvent: undefined, clock: undefined }
    expect(sourceOf(absent).userPoolId).toBe(userPoolId)
  })

  test.each([
    ['no string', [7 as unknown as string]],
    ['one string', 'admins'],
  ])('names: %s is rejected before any call', async (_name, names) => {
    const source = sourceOf()
    expect(await failureOf(() => source.lookup(names))).toMatchObject({ code: 'invalid-group-name' })
    expect(await failureOf(() => createRoleResolver({ source }).resolve(names))).toMatchObject({
      code: 'invalid-group-name',
    })
    expect(endpoint.requests).toHaveLength(0)
  })
})

describe('time', () => {
  test('a timeout cuts a client that ignores its abort signal', async () => {
    const client = { send: () => new Promise<unknown>(() => {}) }
    expect(await failureOf(() => createGroupSource({ userPoolId, client, timeout: 30 })('a'))).toMatchObject({
      code: 'timeout',
    })
  })

  test("the caller's signal ends the waiting immediately, and its reason is the cause", async () => {
    const source = sourceOf()
    endpoint.fail('hang')
    const controller = new AbortController()
    const waiting = failureOf(() => source('admins', { signal: controller.signal }))
    const reason = new Error('the request was cancelled')
    // Not before it has arrived, or the next test would see it.
    await vi.waitFor(() => expect(endpoint.requests).toHaveLength(1))
    controller.abort(reason)
    const error = await waiting
    expect(error).toMatchObject({ code: 'aborted', retryable: false, groupName: 'admins' })
    expect(error.cause).toBe(reason)
  })

  test('a signal that is aborted already makes no call, even for what is cached', async () => {
    const source = sourceOf()
    await source('admins')
    const signal = AbortSignal.abort()
    expect(await failureOf(() => source('admins', { signal }))).toMatchObject({ code: 'aborted' })
    expect(await failureOf(() => createRoleResolver({ source }).resolve(['admins'], { signal }))).toMatchObject({
      code: 'aborted',
    })
    expect(endpoint.requests).toHaveLength(1)
  })

  test('at the default rate Cognito is never made to throttle, though the first calls are slow to get there', async () => {
    const strict = await startCognitoEndpoint({ userPoolId, quota: { requestsPerSecond: 5 } })
    try {
      const client = endpointClient(strict, { fastRetry: true })
      const source = createGroupSource({ userPoolId, client, poolSize: 10_000 })
      const { unknownGroups } = await source.lookup(Array.from({ length: 17 }, (_, index) => `g${index}`))
      expect(unknownGroups).toHaveLength(17)
      expect(strict.requests).toHaveLength(17)
    } finally {
      await strict.close()
    }
  })
})

describe('in virtual time', () => {
  useVirtualTime()

  /** A pool without groups, which takes 30 ms for each request and never responds to `hanging`. */
  function slowPool(options: Partial<GroupSourceOptions>) {
    const sentAt: number[] = []
    const client = {
      async send({ input }: { readonly input: object }): Promise<never> {
        sentAt.push(performance.now())
        await new Promise(
          resolve => 'hanging' !== (input as { GroupName: string }).GroupName && setTimeout(resolve, 30),
        )
        throw Object.assign(new Error('Group not found.'), { name: 'ResourceNotFoundException' })
      },
    }
    return { sentAt, source: createGroupSource({ userPoolId, client, ...options }) }
  }
  const names = (count: number) => Array.from({ length: count }, (_, index) => `g${index}`)

  test('a timed-out call frees its place for the next', async () => {
    const { source, sentAt } = slowPool({ timeout: 500, concurrency: 1, requestsPerSecond: Infinity, poolSize: 10_000 })
    const hanging = failureOf(() => source('hanging'))
    expect(await source('ghost')).toBeUndefined()
    expect(await hanging).toMatchObject({ code: 'timeout' })
    expect(sentAt[1]! - sentAt[0]!).toBe(500)
  })

  test('calls keep to the rate, within any second', async () => {
    const { source, sentAt } = slowPool({ requestsPerSecond: 4, concurrency: 100, poolSize: 10_000 })
    await source.lookup(names(10))
    expect(sentAt).toHaveLength(10)
    for (let index = 4; index < sentAt.length; index++)
      expect(sentAt[index]! - sentAt[index - 4]!).toBeGreaterThanOrEqual(1_000)
  })

  test('control: without a rate the same calls go out immediately', async () => {
    const { source, sentAt } = slowPool({ requestsPerSecond: Infinity, concurrency: 100 })
    await source.lookup(names(10))
    expect(sentAt.at(-1)! - sentAt[0]!).toBe(0)
  })

  test('a rate below one a second is observed too', async () => {
    const { source, sentAt } = slowPool({ requestsPerSecond: 0.8 })
    await source.lookup(names(2))
    expect(sentAt[1]! - sentAt[0]!).toBeGreaterThanOrEqual(1_250)
  })
})

describe('old results, if the caller chose to accept them', () => {
  function clocked(options: Partial<GroupSourceOptions>) {
    const clock = { now: 1_000_000 }
    return { clock, source: sourceOf({ clock: () => clock.now, ttl: 1_000, negativeTtl: 500, ...options }) }
  }

  test.each<[string, Fault]>([
    ['throttling', 'throttle'],
    ['an outage', 'internal'],
    ['a hang', 'hang'],
    ['a dropped socket', 'drop'],
  ])('during %s the old group is served, up to the bound, and says how old it is', async (_name, fault) => {
    const { clock, source } = clocked({ staleIfError: 5_000, timeout: 50 })
    const resolver = createRoleResolver({ source })
    await resolver.resolve(['admins'])
    endpoint.fail(fault)
    clock.now += 5_999
    expect(await resolver.resolve(['admins'])).toMatchObject({ stale: true, age: 5_999, preferredRole: role('Admin') })
    clock.now += 1
    expect((await failureOf(() => resolver.resolve(['admins']))).retryable).toBe(true)
  })

  test.each<[string, Fault]>([
    ['a refusal', 'access-denied'],
    ['a malformed answer', 'no-group'],
  ])('after %s it is not', async (_name, fault) => {
    const { clock, source } = clocked({ staleIfError: 5_000 })
    await source('admins')
    endpoint.fail(fault)
    clock.now += 1_000
    expect((await failureOf(() => source('admins'))).retryable).toBe(false)
  })

  test('by default no old group is served', async () => {
    const { clock, source } = clocked({})
    await source('admins')
    endpoint.fail('throttle')
    clock.now += 1_000
    expect(await failureOf(() => source('admins'))).toMatchObject({ code: 'throttled' })
  })

  test('while revalidating, the old group is served immediately and the new one next', async () => {
    const { clock, source } = clocked({ staleWhileRevalidate: 5_000 })
    await source('admins')
    endpoint.groups.set('admins', { groupName: 'admins', precedence: 9 })
    clock.now += 1_000
    expect(source.lookup(['admins'])).toMatchObject({ stale: true, age: 1_000, groups: [{ precedence: 0 }] })
    await expect.poll(() => source('admins')).toMatchObject({ precedence: 9 })
    expect(source.lookup(['admins'])).toMatchObject({ stale: false })
    expect(endpoint.requests).toHaveLength(2)
  })

  test('"no such group" is never served stale', async () => {
    const { clock, source } = clocked({ staleIfError: 5_000, staleWhileRevalidate: 5_000 })
    await source('ghost')
    endpoint.fail('throttle')
    clock.now += 500
    expect(await failureOf(() => source('ghost'))).toMatchObject({ code: 'throttled' })
  })

  test('a clock that was set back makes everything expire', async () => {
    const { clock, source } = clocked({ staleIfError: 5_000 })
    await source('admins')
    clock.now -= 1
    endpoint.fail('throttle')
    expect(await failureOf(() => source('admins'))).toMatchObject({ code: 'throttled' })
  })
})

describe('reading the whole pool', () => {
  const many = Array.from({ length: 150 }, (_, index) => ({ groupName: `g${index}`, precedence: index }))
  function largePool(options: Partial<GroupSourceOptions> = {}) {
    const source = sourceOf(options)
    endpoint.groups.clear()
    for (const group of many) endpoint.groups.set(group.groupName, group)
    return source
  }
  const operations = () => endpoint.requests.map(request => request.operation)

  test('prefetch reads 60 groups a call, and what it read needs no call', async () => {
    const source = largePool()
    expect(await source.prefetch()).toEqual({ groups: 150, pages: 3 })
    expect(operations()).toEqual(['ListGroups', 'ListGroups', 'ListGroups'])
    const names = many.map(group => group.groupName)
    for (const lookup of [source.lookup(names.slice(0, 100)), source.lookup(names.slice(50))]) {
      expect(lookup).toMatchObject({ unknownGroups: [], stale: false })
      expect((await lookup).groups).toHaveLength(100)
    }
    expect(endpoint.requests).toHaveLength(3)
  })

  test('a lookup of more names than the pool has pages lists it, once the size is known', async () => {
    const source = largePool({ poolSize: 150 })
    const { unknownGroups } = await source.lookup(['g0', 'g70', 'g149', 'ghost'])
    expect(unknownGroups).toEqual(['ghost'])
    expect(operations(), 'it began after the question, so the name it does not show is unknown').toEqual([
      'ListGroups',
      'ListGroups',
      'ListGroups',
    ])
    expect(source.lookupCached(['ghost']), 'and is cached').toMatchObject({ unknownGroups: ['ghost'] })
  })

  test('a lookup of as many names as the pool has pages asks singly', async () => {
    const source = largePool({ poolSize: 150 })
    await source.lookup(['g0', 'g70', 'g149'])
    expect(operations()).toEqual(['GetGroup', 'GetGroup', 'GetGroup'])
  })

  test('the size is learned from prefetch', async () => {
    const source = largePool()
    await source.prefetch()
    source.invalidate()
    await source.lookup(['g0', 'g1', 'g2', 'g3'])
    expect(operations().slice(3)).toEqual(['ListGroups', 'ListGroups', 'ListGroups'])
  })

  test('where ListGroups is not allowed a lookup asks singly, and does not try again', async () => {
    const source = largePool({ poolSize: 150 })
    endpoint.fail('access-denied', { operation: 'ListGroups' })
    const { groups } = await source.lookup(['g0', 'g1', 'g2', 'g3'])
    expect(groups).toHaveLength(4)
    await source.lookup(['g4', 'g5', 'g6', 'g7'])
    expect(operations().filter(operation => operation === 'ListGroups')).toHaveLength(1)
    expect(await failureOf(() => source.prefetch())).toMatchObject({ code: 'not-authorized' })
  })

  test('a page that fails fails the prefetch, and nothing of it is cached', async () => {
    const source = largePool()
    endpoint.fail('throttle', { operation: 'ListGroups', after: 2 })
    expect(await failureOf(() => source.prefetch())).toMatchObject({ code: 'throttled', retryable: true })
    expect(source.stats()).toMatchObject({ size: 0, failed: 1 })
  })

  test('pages that repeat are a malformed response, not an endless loop', async () => {
    const source = largePool()
    endpoint.fail('endless-pages')
    expect(await failureOf(() => source.prefetch())).toMatchObject({ code: 'malformed-response' })
  })

  test('a pool that does not exist', async () => {
    const source = createGroupSource({
      userPoolId: 'eu-west-1_Other',
      client: endpointClient(endpoint, { fastRetry: true }),
    })
    expect(await failureOf(() => source.prefetch())).toMatchObject({ code: 'pool-not-found' })
    expect(await failureOf(() => source('admins'))).toMatchObject({ code: 'pool-not-found' })
  })

  test('a pool larger than the cache pushes nothing out', async () => {
    const source = largePool({ max: 10 })
    await source('g149')
    await source.prefetch()
    expect(source.stats()).toMatchObject({ size: 10, evicted: 0 })
    expect(source('g149')).not.toBeInstanceOf(Promise)
  })

  test('a cached group that the pool no longer lists is dropped', async () => {
    const clock = { now: 1_000_000 }
    const source = largePool({ clock: () => clock.now++ })
    await source('g5')
    endpoint.groups.delete('g5')
    await source.prefetch()
    expect(await source('g5')).toBeUndefined()
  })
})

describe('statistics and events', () => {
  test('each name looked up counts once, and each event is told', async () => {
    const events: string[] = []
    const source = sourceOf({
      max: 2,
      onEvent: ({ type, groupName }: CacheEvent) => events.push(`${type} ${groupName ?? '-'}`),
    })
    await Promise.all([source.lookup(['admins', 'ghost']), source.lookup(['admins'])])
    await source.lookup(['admins', 'ghost', 'admins'])
    await source('plain')
    expect(source.stats()).toEqual({
      hit: 1,
      negative: 1,
      stale: 0,
      miss: 3,
      coalesced: 1,
      call: 3,
      failed: 0,
      throttled: 0,
      evicted: 1,
      'shared-hit': 0,
      'shared-failed': 0,
      size: 2,
    })
    expect(events).toEqual([
      'miss admins',
      'miss ghost',
      'coalesced admins',
      'call admins',
      'call ghost',
      'hit admins',
      'negative ghost',
      'miss plain',
      'call plain',
      'evicted admins',
    ])
  })

  test('a renewed resolution counts its names as hits', async () => {
    const resolver = createRoleResolver({ source: sourceOf() })
    for (let round = 0; round < 5; round++) await resolver.resolve(['admins', 'ghost'])
    expect(resolver.source.stats()).toMatchObject({ hit: 4, negative: 4, miss: 2, call: 2 })
  })

  const down = () => {
    throw new Error('metrics are down')
  }
  test.each<[string, (event: CacheEvent) => unknown]>([
    ['throws', down],
    ['rejects', async () => down()],
    ['rejects later', () => new Promise((_resolve, reject) => void setTimeout(reject, 5, new Error('late')))],
    ['never settles', () => new Promise(() => {})],
    // oxlint-disable-next-line unicorn/no-thenable
    ['gives a promise that throws', () => ({ then: down })],
    // oxlint-disable-next-line unicorn/no-thenable
    ['gives a promise that cannot be read', () => Object.defineProperty({}, 'then', { get: down })],
  ])('a hook that %s changes no result, and ends no process', async (_what, onEvent) => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown) => void unhandled.push(reason)
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', listen)
    try {
      const source = sourceOf({ onEvent })
      expect(await source('admins')).toMatchObject({ precedence: 0 })
      expect(source('admins')).toMatchObject({ precedence: 0 })
      endpoint.fail('access-denied')
      expect(await failureOf(() => source('plain'))).toMatchObject({ code: 'not-authorized' })
      expect(await source.lookup(['a b'])).toMatchObject({ unknownGroups: ['a b'] })
      await new Promise(resolve => void setTimeout(resolve, 20))
      expect(unhandled).toEqual([])
      void Promise.reject(new Error('control'))
      await new Promise(resolve => void setTimeout(resolve, 1))
      expect(unhandled, 'control: one is seen').toHaveLength(1)
    } finally {
      process.off('unhandledRejection', listen)
      for (const other of others) process.on('unhandledRejection', other)
    }
  })
})

describe('a resolver over any source', () => {
  const table = new Map(GROUPS.map(group => [group.groupName, group]))

  test('a table will do', async () => {
    const { resolve } = createRoleResolver({ source: name => table.get(name), userPoolId: 'any' })
    expect(await resolve(['editors', 'admins', 'ghost'])).toMatchObject({
      preferredRole: role('Admin'),
      unknownGroups: ['ghost'],
      stale: false,
      age: 0,
    })
  })

  test('the semantics are the chosen ones', async () => {
    const resolver = createRoleResolver({ source: sourceOf(), semantics: 'documented' })
    for (let round = 0; round < 2; round++)
      expect((await resolver.resolve(['contractors'])).preferredRole).toBe(role('Contractor'))
  })

  test('semantics that do not exist fail when the resolver is made', async () => {
    expect(
      await failureOf(() =>
        createRoleResolver({ source: name => table.get(name), userPoolId: 'any', semantics: 'guess' as 'observed' }),
      ),
    ).toMatchObject({
      code: 'invalid-option',
      value: 'guess',
    })
  })

  test('a group that changed is seen as soon as it is read again', async () => {
    const resolver = createRoleResolver({ source: sourceOf() })
    expect((await resolver.resolve(['admins', 'editors'])).preferredRole).toBe(role('Admin'))
    endpoint.groups.set('admins', { groupName: 'admins', precedence: 9, roleArn: role('Admin') })
    await resolver.source.prefetch()
    expect((await resolver.resolve(['admins', 'editors'])).preferredRole).toBe(role('Editor'))
  })
})
