import { mkdtemp, readdir, rm, utimes } from 'node:fs/promises'
import { createServer, request as forward, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type CognitoIdentityProviderClient, DescribeUserPoolCommand } from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  auditPool,
  type AuditPoolOptions,
  checkReading,
  estimatePool,
  impact,
} from '../../../src/cognito/memberships/audit-pool.js'
import type { ReadStrategy } from '../../../src/cognito/memberships/estimate.js'
import type { ReadEvent } from '../../../src/cognito/memberships/read-pool.js'
import type { Group, UserGroups } from '../../../src/group.js'
import { failureOf } from '../../failure-of.js'
import { type CognitoEndpoint, endpointClient, type Fault, startCognitoEndpoint } from '../cognito-endpoint.js'

// The waits between two attempts add up to minutes.
vi.mock('p-retry', async original => {
  const { default: pRetry } = await original<typeof import('p-retry')>()
  return {
    default: ((input, options) => pRetry(input, { ...options, minTimeout: 1, maxTimeout: 1 })) satisfies typeof pRetry,
  }
})

const userPoolId = 'eu-west-1_Ab12Cd34e'
const STRATEGIES: readonly ReadStrategy[] = ['per-group', 'per-user']
const GROUPS: readonly Group[] = ['a', 'b'].map((groupName, precedence) => ({
  groupName,
  precedence,
  roleArn: `arn:aws:iam::111122223333:role/${groupName}`,
}))
const USERS: readonly UserGroups[] = Array.from({ length: 70 }, (_, u) => ({
  username: `user-${u}`,
  groups: u % 3 === 0 ? [] : u % 3 === 1 ? ['a'] : ['a', 'b'],
}))

let folder: string
let endpoint: CognitoEndpoint
let client: CognitoIdentityProviderClient
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-audit-pool-'))
  endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS })
  client = endpointClient(endpoint, { maxAttempts: 1 })
})
beforeEach(() => void (endpoint.requests.length = 0))
afterEach(() => {
  endpoint.mend()
  vi.useRealTimers()
  vi.unstubAllEnvs()
})
afterAll(async () => {
  client.destroy()
  await endpoint.close()
  await rm(folder, { recursive: true })
})

const newPath = () => join(folder, `${files++}.checkpoint`)
const optionsOf = (options: Partial<AuditPoolOptions> = {}): AuditPoolOptions => ({
  userPoolId,
  client,
  requestsPerSecond: 1_000,
  rates: { ListUsers: 5_000, AdminListGroupsForUser: 5_000, DescribeUserPool: 1_000 },
  ...options,
})

async function audit(options: Partial<AuditPoolOptions> = {}): Promise<readonly UserGroups[]> {
  const found: UserGroups[] = []
  for await (const { username, resolution } of auditPool(optionsOf(options)))
    found.push({ username, groups: resolution.groups })
  return found
}

const BULK = { 'per-group': 'ListUsersInGroup', 'per-user': 'AdminListGroupsForUser' } as const
const OTHER = { 'per-group': 'AdminListGroupsForUser', 'per-user': 'ListUsersInGroup' } as const

describe('a response that may be of a proxy', () => {
  const odd: readonly [string, Fault][] = [
    ['a login page', 'html-200'],
    ['a login page that says 403', { body: '<!DOCTYPE html><title>Please sign in</title>', status: 403 }],
    ['a 403 without a word', { body: '', status: 403 }],
    ['JSON that is cut off', 'malformed-json'],
    ['nothing', 'empty-200'],
    ['JSON of another shape', 'null-group'],
  ]

  test.each(odd.flatMap(([what, fault]) => STRATEGIES.map(strategy => [what, strategy, fault] as const)))(
    '%s, three times (%s), is outlasted, and each time is told',
    async (_what, strategy, fault) => {
      for (const operation of ['ListGroups', 'ListUsers', BULK[strategy]] as const) {
        endpoint.fail(fault, { operation, times: 3 })
        const events: ReadEvent[] = []
        expect(await audit({ strategy, onEvent: event => void events.push(event) })).toEqual(USERS)
        expect(events.filter(event => event.type === 'retry')).toHaveLength(3)
        endpoint.mend()
      }
    },
  )

  test.each(odd)(
    '%s that stays ends the audit after four attempts, and the error says what it was',
    async (_what, fault) => {
      endpoint.fail(fault, { operation: 'AdminListGroupsForUser', username: 'user-9' })
      const error = await failureOf(() => audit({ strategy: 'per-user' }))
      expect(error.code).toMatch(/^(malformed-response|not-authorized)$/)
      expect(error.message).toContain('AdminListGroupsForUser for user `user-9`')
      expect(endpoint.requests.filter(request => request.username === 'user-9')).toHaveLength(4)
    },
  )

  test.each<Fault>(['access-denied', 'not-authorized', 'expired-token'])(
    'control: %s is of Cognito, and is not tried again',
    async fault => {
      endpoint.fail(fault, { operation: 'AdminListGroupsForUser', username: 'user-9' })
      expect((await failureOf(() => audit({ strategy: 'per-user' }))).code).toBe('not-authorized')
      expect(endpoint.requests.filter(request => request.username === 'user-9')).toHaveLength(1)
    },
  )
})

describe('a permission that is missing', () => {
  test.each(STRATEGIES)(
    'ends a %s audit before its users are read, also if only late groups or users need it',
    async strategy => {
      for (const operation of ['ListUsers', 'ListUsersInGroup', 'AdminListGroupsForUser'] as const) {
        endpoint.requests.length = 0
        endpoint.fail('access-denied', { operation })
        // One user at a time: without the check it would take 70 calls.
        const error = await failureOf(() => audit({ strategy, concurrency: 1 }))
        expect(error).toMatchObject({
          code: 'not-authorized',
          message: expect.stringMatching(new RegExp(`^${operation} .*; allow cognito-idp:${operation}`)),
        })
        expect(endpoint.requests.length).toBeLessThan(12)
        endpoint.mend()
      }
    },
  )

  test.each(STRATEGIES)('control: the %s audit alone would not have found it', async strategy => {
    endpoint.requests.length = 0
    expect(await audit({ strategy })).toEqual(USERS)
    expect(endpoint.requests.filter(request => request.operation === OTHER[strategy])).toHaveLength(1)
  })

  test('is found by impact, and by the check of a dry run', async () => {
    const options = optionsOf({ strategy: 'per-group' })
    endpoint.fail('access-denied', { operation: 'AdminListGroupsForUser' })
    const changes = [{ groupName: 'a', precedence: 5 }]
    expect((await failureOf(() => impact({ ...options, changes }).next())).code).toBe('not-authorized')
    expect((await failureOf(() => checkReading(options))).message).toMatch(/^AdminListGroupsForUser/)
    endpoint.mend()
    endpoint.requests.length = 0
    await checkReading(options)
    expect(endpoint.requests.map(request => request.operation).toSorted()).toEqual([
      'AdminListGroupsForUser',
      'ListGroups',
      'ListUsers',
      'ListUsersInGroup',
    ])
    await estimatePool(options)
  })

  test('of a pool whose first pages are empty is found as well', async () => {
    endpoint.fail(
      { body: JSON.stringify({ Users: [], PaginationToken: 'next' }) },
      { operation: 'ListUsers', times: 1 },
    )
    endpoint.fail({ body: JSON.stringify({ Users: [{ Username: 'user-1' }] }) }, { operation: 'ListUsers', times: 1 })
    endpoint.fail('access-denied', { operation: 'AdminListGroupsForUser' })
    expect((await failureOf(() => checkReading(optionsOf()))).code).toBe('not-authorized')
  })

  test('the check leaves no checkpoint that was not there, and the one that was as it was', async () => {
    const checkpoint = newPath()
    await checkReading(optionsOf({ checkpoint }))
    expect(await readdir(folder)).toEqual([])
    endpoint.fail('expired-token', { operation: 'ListUsersInGroup', after: 1 })
    await failureOf(() => audit({ checkpoint, strategy: 'per-group' }))
    endpoint.mend()
    await checkReading(optionsOf({ checkpoint, strategy: 'per-group' }))
    expect((await failureOf(() => checkReading(optionsOf({ checkpoint, strategy: 'per-user' })))).message).toContain(
      'it is from another audit',
    )
    expect(await readdir(folder)).toHaveLength(1)
    expect(await audit({ checkpoint, strategy: 'per-group' })).toEqual(USERS)
  })
})

describe('a checkpoint', () => {
  /** Stops an audit in its middle. */
  async function stopped(): Promise<string> {
    const checkpoint = newPath()
    endpoint.fail('expired-token', { operation: 'AdminListGroupsForUser', after: 30 })
    await failureOf(() => audit({ checkpoint, strategy: 'per-user' }))
    endpoint.mend()
    return checkpoint
  }
  const inDays = (days: number) => vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + days * 86_400_000 })

  test('that is resumed is told, with its time and age', async () => {
    const checkpoint = await stopped()
    const events: ReadEvent[] = []
    inDays(0.5)
    expect(await audit({ checkpoint, strategy: 'per-user', onEvent: event => void events.push(event) })).toEqual(USERS)
    expect(events[0]).toMatchObject({
      type: 'resumed',
      pages: expect.any(Number),
      startedAt: expect.stringMatching(/Z$/),
    })
    const [resumed] = events
    if (resumed?.type !== 'resumed') throw new Error('it was not resumed')
    expect(Math.round(resumed.ageInMs / 3_600_000)).toBe(12)
    expect(resumed.pages).toBeGreaterThan(20)
  })

  test('of three months ago is rejected without a call, unless that is asked for', async () => {
    const checkpoint = await stopped()
    endpoint.requests.length = 0
    inDays(92)
    const error = await failureOf(() => audit({ checkpoint, strategy: 'per-user' }))
    expect(error).toMatchObject({ code: 'invalid-input', value: checkpoint })
    expect(error.message).toMatch(/ 92 days( \d+ \w+)? ago, .*; remove it to start again, or raise `maxCheckpointAge`$/)
    expect(endpoint.requests).toEqual([])
    // Control: what was so until now.
    expect(await audit({ checkpoint, strategy: 'per-user', maxCheckpointAge: Infinity })).toEqual(USERS)
  })

  test('from the future is rejected', async () => {
    const checkpoint = await stopped()
    inDays(-1)
    expect((await failureOf(() => audit({ checkpoint, strategy: 'per-user' }))).message).toContain(
      'its start is in the future',
    )
    vi.useRealTimers()
    await rm(checkpoint)
  })

  test.each([-1, Number.NaN, '1d'])('maxCheckpointAge %j is rejected', async maxCheckpointAge => {
    const options = { checkpoint: newPath(), maxCheckpointAge: maxCheckpointAge as number }
    expect((await failureOf(() => audit(options))).code).toBe('invalid-option')
  })

  test('is not dated by its file', async () => {
    const checkpoint = await stopped()
    await utimes(checkpoint, new Date(0), new Date(0))
    expect(await audit({ checkpoint, strategy: 'per-user' })).toEqual(USERS)
  })
})

describe('hooks', () => {
  const hooks: readonly [string, () => unknown][] = [
    [
      'that throws',
      () => {
        throw new Error('of the hook')
      },
    ],
    ['that returns a promise that rejects', async () => Promise.reject(new Error('of the hook'))],
    [
      'that returns a thenable that rejects',
      // oxlint-disable-next-line unicorn/no-thenable
      () => ({ then: (_resolve: unknown, reject: (error: Error) => void) => reject(new Error('of the hook')) }),
    ],
    [
      'that returns what throws when it is looked at',
      () => ({
        // oxlint-disable-next-line unicorn/no-thenable
        get then() {
          throw new Error('of the hook')
        },
      }),
    ],
    ['that never ends', () => new Promise(() => {})],
  ]

  test.each(hooks)('onEvent %s changes nothing', async (_what, hook) => {
    const unhandled: unknown[] = []
    const listen = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', listen)
    let calls = 0
    const onEvent = () => {
      calls++
      return hook() as void
    }
    try {
      endpoint.fail('throttle', { operation: 'ListUsers', times: 2 })
      for (const strategy of STRATEGIES) expect(await audit({ strategy, onEvent })).toEqual(USERS)
      const changes = [{ groupName: 'a', precedence: 5 }]
      let users = 0
      for await (const _ of impact({ ...optionsOf({ onEvent }), changes })) users++
      expect(users).toBe(USERS.length)
      await estimatePool(optionsOf({ onEvent }))
      await new Promise(resolve => setTimeout(resolve, 20))
    } finally {
      process.off('unhandledRejection', listen)
    }
    expect(calls).toBeGreaterThan(10)
    expect(unhandled).toEqual([])
  })

  test('control: a promise that rejects, and that nothing handles, is seen', async () => {
    const unhandled = new Promise(resolve => process.once('unhandledRejection', resolve))
    void Promise.reject(new Error('of the hook'))
    expect(await unhandled).toMatchObject({ message: 'of the hook' })
  })

  test('an impossible change ends impact before users are read, with an onEvent or without', async () => {
    for (const onEvent of [undefined, () => {}]) {
      endpoint.requests.length = 0
      const changes = [{ groupName: 'nowhere', precedence: 5 }]
      const error = await failureOf(() => impact({ ...optionsOf({ onEvent }), changes }).next())
      expect(error.code).toBe('invalid-argument')
      expect(endpoint.requests.map(request => request.operation)).not.toContain('ListUsers')
    }
  })

  test('an unexpected error, of the client or of the caller, keeps the checkpoint', async () => {
    const checkpoint = newPath()
    const odd: readonly unknown[] = [new TypeError('odd'), 'text', undefined, { message: 1 }, Object.create(null)]
    for (const thrown of odd) {
      let calls = 0
      const send = (command: never) => {
        if (++calls > 12) throw thrown
        return client.send(command)
      }
      const error = await failureOf(() => audit({ client: { send }, checkpoint, strategy: 'per-user' }))
      expect(error.message).toContain('the same command resumes from it')
    }
    await expect(
      (async () => {
        for await (const _ of auditPool(optionsOf({ checkpoint, strategy: 'per-user' })))
          throw new Error('of the caller')
      })(),
    ).rejects.toThrow('of the caller')
    endpoint.requests.length = 0
    expect(await audit({ checkpoint, strategy: 'per-user' })).toEqual(USERS)
    expect(endpoint.requests).toEqual([])
  })
})

describe('a clock that is wrong', () => {
  let proxy: Server
  let address: string
  let offset = 0
  let rejected = 0
  /** In front of the endpoint: it has another time, and accepts no signature that is five minutes off. */
  beforeAll(async () => {
    proxy = createServer(async (req, res) => {
      const now = Date.now() + offset
      const [, year, month, day, hour, minute, second] = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(
        String(req.headers['x-amz-date']),
      )!
      const signedAt = Date.UTC(
        Number(year),
        Number(month) - 1,
        Number(day),
        Number(hour),
        Number(minute),
        Number(second),
      )
      const body = await buffer(req)
      res.setHeader('date', new Date(now).toUTCString())
      if (Math.abs(signedAt - now) > 300_000) {
        rejected++
        const message = `Signature expired: ${String(req.headers['x-amz-date'])} is now earlier than 20260102T030405Z`
        res.writeHead(400, { 'content-type': 'application/x-amz-json-1.1' })
        res.end(JSON.stringify({ __type: 'InvalidSignatureException', message }))
        return
      }
      const { headers, method, url } = req
      const onwards = forward(`${endpoint.url}${url}`, { method, headers }, response => {
        res.writeHead(response.statusCode!, { 'content-type': response.headers['content-type'] })
        response.pipe(res)
      })
      onwards.end(body)
    })
    await new Promise<void>(resolve => proxy.listen(0, '127.0.0.1', resolve))
    address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  })
  beforeEach(() => {
    rejected = 0
    vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIAENVIRONMENT')
    vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'secret')
  })
  afterAll(() => void proxy.closeAllConnections())

  test.each(STRATEGIES.flatMap(strategy => [3_600_000, -3_600_000].map(off => [strategy, off] as const)))(
    'a %s audit succeeds, %d ms off: each of the first calls is signed once more, by the time of the server',
    async (strategy, off) => {
      offset = off
      const { client: _none, ...options } = optionsOf({ strategy, endpoint: address })
      const found: string[] = []
      for await (const { username } of auditPool(options)) found.push(username)
      expect(found).toEqual(USERS.map(user => user.username))
      expect(rejected).toBeGreaterThan(0)
      expect(rejected).toBeLessThanOrEqual(2)
    },
  )

  test('control: one attempt of the SDK, as an audit makes it, is not enough', async () => {
    offset = 3_600_000
    const sdk = endpointClient({ url: address }, { maxAttempts: 1 })
    const describePool = () => sdk.send(new DescribeUserPoolCommand({ UserPoolId: userPoolId }))
    await expect(describePool()).rejects.toThrow('Signature expired')
    await describePool()
    sdk.destroy()
  })

  test('control: with the right time nothing is rejected', async () => {
    offset = 0
    const { client: _none, ...options } = optionsOf({ endpoint: address })
    for await (const _ of auditPool(options)) continue
    expect(rejected).toBe(0)
  })

  test('credentials that are wrong are not taken for a wrong clock', async () => {
    offset = 0
    endpoint.fail({
      error: 'InvalidSignatureException',
      message: 'The request signature we calculated does not match',
      status: 400,
    })
    const { client: _none, ...options } = optionsOf({ endpoint: address })
    const error = await failureOf(() => auditPool(options).next())
    expect(error.code).toBe('not-authorized')
    expect(endpoint.requests.length).toBeLessThanOrEqual(2)
  })
})
