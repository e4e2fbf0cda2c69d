import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { AuditReading } from '../../../src/audit/audit-reading.js'
import type { UserAudit } from '../../../src/audit/summary.js'
import { auditPool, type AuditPoolOptions } from '../../../src/cognito/index.js'
import { openCheckpoint } from '../../../src/cognito/memberships/checkpoint.js'
import type { ReadStrategy } from '../../../src/cognito/memberships/estimate.js'
import { type PoolReading, type ReadEvent, readPool } from '../../../src/cognito/memberships/read-pool.js'
import { createDetailsTable } from '../../../src/cognito/memberships/user-details.js'
import { createUserPoolApi, type ListedDetails, type UserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import { failureOf } from '../../failure-of.js'
import { type CognitoEndpoint, endpointClient, startCognitoEndpoint, subOf } from '../cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const STRATEGIES: readonly ReadStrategy[] = ['per-group', 'per-user']
const UNLIMITED = {
  requestsPerSecond: Infinity,
  rates: { ListUsers: Infinity, AdminListGroupsForUser: Infinity, DescribeUserPool: Infinity },
}
const GROUPS = [{ groupName: 'a', precedence: 1, createdAt: 1 }]
const USERS = [
  { username: 'ann', groups: ['a'] },
  { username: 'bob', groups: [], enabled: false, status: 'FORCE_CHANGE_PASSWORD' },
  { username: subOf('ann'), groups: ['a'], attributes: { sub: subOf('ann'), email: undefined } },
  { username: 'eve', groups: ['a'], attributes: { sub: 'no uuid "\\ 🙂', email: '=1+1\u001b[2J', 'custom:team': '' } },
]

let folder: string
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-details-'))
})
afterAll(() => rm(folder, { recursive: true }))
const newPath = () => join(folder, `${files++}.checkpoint`)

/** A table that is plainly right. */
const details: fc.Arbitrary<ListedDetails> = fc.record(
  {
    sub: fc.oneof(
      fc.uuid(),
      fc.uuid().map(uuid => uuid.toUpperCase()),
      fc.string({ unit: 'grapheme', minLength: 1 }),
    ),
    enabled: fc.boolean(),
    status: fc.oneof(fc.constantFrom('CONFIRMED', '__proto__'), fc.string({ unit: 'grapheme', minLength: 1 })),
    values: fc.array(fc.option(fc.string({ unit: 'grapheme' })), { minLength: 1, maxLength: 3 }),
  },
  { requiredKeys: [] },
)

describe('a table of details', () => {
  test('has what was set last of each user, as a map of objects would', () => {
    const entry = fc.record({
      id: fc.oneof(fc.nat({ max: 5 }), fc.nat({ max: 100_000 })),
      isSub: fc.boolean(),
      details,
    })
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 20 }), entries => {
        const table = createDetailsTable()
        const model = new Map<number, { readonly username: string; readonly details: ListedDetails }>()
        for (const { id, isSub, details: given } of entries) {
          const username = isSub && given.sub !== undefined ? given.sub : `user-${id}`
          table.set(id, username, given)
          model.set(id, { username, details: given })
        }
        for (const [id, { username, details: expected }] of model) expect(table.get(id, username)).toEqual(expected)
        for (let id = 0; id < 6; id++) expect(table.get(id, '') === undefined).toBe(!model.has(id))
      }),
    )
  })

  test('control: with another username, a `sub` that was the name is that of the other', () => {
    const table = createDetailsTable()
    table.set(0, 'ann', { sub: 'ann' })
    expect(table.get(0, 'bob')).toEqual({ sub: 'bob' })
  })
})

async function openEndpoint(): Promise<CognitoEndpoint> {
  return startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS })
}

function optionsOf(endpoint: CognitoEndpoint, options: Partial<AuditPoolOptions> = {}): AuditPoolOptions {
  return { userPoolId, client: endpointClient(endpoint, { maxAttempts: 1 }), ...UNLIMITED, ...options }
}

async function auditsOf(options: AuditPoolOptions): Promise<readonly Omit<UserAudit, 'resolution'>[]> {
  const users: Omit<UserAudit, 'resolution'>[] = []
  for await (const { resolution: _resolution, ...user } of auditPool(options)) users.push(user)
  return users
}

const ANN = { username: 'ann', sub: subOf('ann'), enabled: true, status: 'CONFIRMED' }

describe('an audit', () => {
  test.each(STRATEGIES)(
    '%s has what the list of users says of each, and no attribute that is not asked for',
    async strategy => {
      await using endpoint = await openEndpoint()
      expect(await auditsOf(optionsOf(endpoint, { strategy }))).toEqual([
        ANN,
        { username: 'bob', sub: subOf('bob'), enabled: false, status: 'FORCE_CHANGE_PASSWORD' },
        { username: subOf('ann'), sub: subOf('ann'), enabled: true, status: 'CONFIRMED' },
        { username: 'eve', sub: 'no uuid "\\ 🙂', enabled: true, status: 'CONFIRMED' },
      ])
    },
  )

  test.each(STRATEGIES)('%s has the attributes that are asked for and that a user has', async strategy => {
    await using endpoint = await openEndpoint()
    const attributes = ['custom:team', 'email', 'sub', 'email']
    const events: ReadEvent[] = []
    const users = await auditsOf(optionsOf(endpoint, { strategy, attributes, onEvent: event => events.push(event) }))
    expect(users.map(user => user.attributes)).toEqual([
      { email: 'ann@example.com' },
      { email: 'bob@example.com' },
      {},
      { 'custom:team': '', email: '=1+1\u001b[2J' },
    ])
    expect(Object.keys(users[3]!.attributes!)).toEqual(['custom:team', 'email'])
    expect(events.at(-1)).toMatchObject({ type: 'read', reading: { attributes: ['custom:team', 'email'] } })
  })

  test.each<[string, unknown, string]>([
    ['a text', 'email', 'give an array'],
    ['a number in it', [7], 'is not the name of an attribute'],
    ['an empty name', [''], 'is not the name of an attribute'],
    ['a space in a name', ['e mail'], 'is not the name of an attribute'],
    ['a name of 33 characters', ['x'.repeat(33)], 'is not the name of an attribute'],
  ])('rejects attributes with %s, before any call', async (_what, attributes, message) => {
    await using endpoint = await openEndpoint()
    const options = optionsOf(endpoint, { attributes: attributes as readonly string[] })
    expect(await failureOf(() => auditsOf(options))).toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining(message),
    })
    expect(endpoint.requests).toEqual([])
  })

  test('for an attribute that the pool does not have ends immediately, and says what to check', async () => {
    await using endpoint = await openEndpoint()
    const options = optionsOf(endpoint, { attributes: ['custom:rank'] })
    expect(await failureOf(() => auditsOf(options))).toMatchObject({
      code: 'request-rejected',
      message: expect.stringContaining('the names of the attributes'),
    })
  })
})

describe('a user who is not in the list of users', () => {
  const isListing = (request: { readonly operation: string; readonly filter?: string }) =>
    request.operation === 'ListUsers' && request.filter === undefined

  /** Reads the pool, whose list of users lacks this one. */
  function readWithout(
    endpoint: CognitoEndpoint,
    username: string,
    api: Partial<UserPoolApi> = {},
  ): Promise<PoolReading> {
    const whole = createUserPoolApi({
      userPoolId,
      client: endpointClient(endpoint, { maxAttempts: 1 }),
      clock: Date.now,
      onCall() {},
      attributes: ['email'],
      ...UNLIMITED,
    })
    const listUsers: UserPoolApi['listUsers'] = async (token, signal, priority, filter) => {
      const page = await whole.listUsers(token, signal, priority, filter)
      return filter === undefined ? { ...page, users: page.users.filter(user => user.username !== username) } : page
    }
    return readPool({
      api: { ...whole, listUsers, ...api },
      strategy: 'per-group',
      rates: { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 },
      membershipsPerUser: 3,
      attributes: ['email'],
      now: Date.now,
      signal: new AbortController().signal,
      onEvent() {},
      retryDelay: 1,
    })
  }

  test.each(['ann', 'a"b\\', '"', '\u0000'])('and in a group, like %j, is asked for by name', async username => {
    await using endpoint = await openEndpoint()
    endpoint.users.set(username, ['a'])
    endpoint.users.set(`${username}x`, [])
    const reading = await readWithout(endpoint, username)
    expect([...reading.users()].find(user => user.username === username)).toEqual({
      ...ANN,
      username,
      sub: subOf(username),
      attributes: { email: `${username}@example.com` },
      groups: ['a'],
    })
    expect(endpoint.requests.filter(request => request.filter !== undefined)).toHaveLength(1)
    expect(reading.changes).toEqual([{ change: 'user-appeared', username }])
  })

  test.each<[string, string, (endpoint: CognitoEndpoint) => void]>([
    [
      'a filter that is rejected',
      'ann',
      endpoint => void endpoint.fail({ error: 'InvalidParameterException' }, { operation: 'ListUsers', after: 1 }),
    ],
    ['a filter that would be too long', '"'.repeat(128), () => {}],
    [
      'a list that does not have the user even then',
      'ann',
      endpoint => void endpoint.fail({ body: '{"Users":[{"Username":"Ann"}]}' }, { operation: 'ListUsers', after: 1 }),
    ],
  ])('and of whom nothing says more, for %s, has a name and groups only', async (_what, username, prepare) => {
    await using endpoint = await openEndpoint()
    endpoint.users.set(username, ['a'])
    prepare(endpoint)
    const reading = await readWithout(endpoint, username)
    expect([...reading.users()].find(user => user.username === username)).toEqual({ username, groups: ['a'] })
  })

  test('and cannot be asked for, for another reason, ends the audit', async () => {
    await using endpoint = await openEndpoint()
    endpoint.fail('access-denied', { operation: 'ListUsers', after: 1 })
    expect(await failureOf(() => readWithout(endpoint, 'ann'))).toMatchObject({ code: 'not-authorized' })
  })

  test('and is deleted by then is not asked for', async () => {
    await using endpoint = await openEndpoint()
    const whole = createUserPoolApi({
      userPoolId,
      client: endpointClient(endpoint, { maxAttempts: 1 }),
      clock: Date.now,
      onCall() {},
      ...UNLIMITED,
    })
    const reading = await readWithout(endpoint, 'ann', {
      async adminListGroupsForUser(username, ...rest) {
        endpoint.users.delete('ann')
        return whole.adminListGroupsForUser(username, ...rest)
      },
    })
    expect([...reading.users()].map(user => user.username)).not.toContain('ann')
    expect(endpoint.requests.filter(request => request.filter !== undefined)).toEqual([])
  })

  test('control: if all users are in the list, none is requested', async () => {
    await using endpoint = await openEndpoint()
    await readWithout(endpoint, 'nobody')
    expect(endpoint.requests.filter(isListing)).toHaveLength(1)
    expect(endpoint.requests.filter(request => request.filter !== undefined)).toEqual([])
  })
})

describe('where it comes from and when it was read', () => {
  const START = Date.parse('2026-11-29T12:00:00.000Z')

  /** Reads the pool with a clock that is a second further at each look. */
  async function read(
    endpoint: CognitoEndpoint,
    options: { readonly path?: string; readonly from?: number; readonly api?: Partial<UserPoolApi> } = {},
  ): Promise<PoolReading> {
    const { path, from = START } = options
    let now = from
    const api = createUserPoolApi({
      userPoolId,
      client: endpointClient(endpoint, { maxAttempts: 1 }),
      clock: Date.now,
      onCall() {},
      ...UNLIMITED,
    })
    const checkpoint =
      path === undefined
        ? undefined
        : await openCheckpoint(path, { read: { userPoolId }, now: () => from, maxAge: Infinity })
    try {
      return await readPool({
        api: { ...api, ...options.api },
        checkpoint,
        rates: { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 },
        membershipsPerUser: 3,
        attributes: [],
        now: () => (now += 1_000) - 1_000,
        signal: new AbortController().signal,
        onEvent() {},
        retryDelay: 1,
      })
    } finally {
      await checkpoint?.close()
    }
  }

  const EXPECTED: AuditReading = {
    source: 'cognito',
    userPoolId,
    poolName: 'simulated',
    account: '111122223333',
    region: 'eu-west-1',
    startedAt: '2026-11-29T12:00:00.000Z',
    endedAt: '2026-11-29T12:00:01.000Z',
    strategy: 'per-group',
    estimatedUsers: 4,
  }

  test('is the pool, its name, account and region, the first and the last page', async () => {
    await using endpoint = await openEndpoint()
    expect((await read(endpoint)).about).toEqual(EXPECTED)
  })

  test('without the permission to describe the pool, the region is that of its id', async () => {
    await using endpoint = await openEndpoint()
    endpoint.fail('access-denied', { operation: 'DescribeUserPool' })
    const { poolName: _name, account: _account, estimatedUsers: _estimate, ...rest } = EXPECTED
    expect((await read(endpoint)).about).toEqual(rest)
  })

  test('ends with the last page, even if that comes after the groups were listed again', async () => {
    await using endpoint = await openEndpoint()
    const whole = createUserPoolApi({
      userPoolId,
      client: endpointClient(endpoint, { maxAttempts: 1 }),
      clock: Date.now,
      onCall() {},
      ...UNLIMITED,
    })
    const { about } = await read(endpoint, {
      api: {
        async listUsers(...args) {
          const page = await whole.listUsers(...args)
          if (args[3] !== undefined) return page
          return { ...page, users: page.users.slice(1) }
        },
      },
    })
    // The end, the groups of the user that no list had, and what the list says of this user.
    expect(about.endedAt).toBe('2026-11-29T12:00:03.000Z')
  })

  test('is the same whenever a checkpoint is used again, hours later and without a call', async () => {
    await using endpoint = await openEndpoint()
    const path = newPath()
    const first = await read(endpoint, { path })
    endpoint.requests.length = 0
    const again = await read(endpoint, { path, from: START + 7_200_000 })
    expect(again.about).toEqual(first.about)
    expect([...again.users()]).toEqual([...first.users()])
    expect(endpoint.requests).toEqual([])
  })

  test('control: without a checkpoint it is another time', async () => {
    await using endpoint = await openEndpoint()
    expect((await read(endpoint, { from: START + 7_200_000 })).about.startedAt).toBe('2026-11-29T14:00:00.000Z')
  })

  test('begins with the first page of a reading that was interrupted, wherever its checkpoint is cut off', async () => {
    await using endpoint = await openEndpoint()
    const path = newPath()
    await read(endpoint, { path })
    const lines = (await readFile(path, 'utf8')).split(/(?<=\n)/)
    expect(lines.length).toBeGreaterThan(4)
    for (let kept = 2; kept <= lines.length; kept++) {
      const cut = newPath()
      await writeFile(cut, lines.slice(0, kept).join(''))
      const { about } = await read(endpoint, { path: cut, from: START + 3_600_000 })
      expect(about.startedAt).toBe(EXPECTED.startedAt)
      expect(about.endedAt).toBe(kept === lines.length ? EXPECTED.endedAt : '2026-11-29T13:00:00.000Z')
    }
  })
})

test('a checkpoint for other attributes is of something else', async () => {
  await using endpoint = await openEndpoint()
  const checkpoint = newPath()
  const iteration = auditPool(optionsOf(endpoint, { checkpoint, attributes: ['email'] }))
  await iteration.next()
  await iteration.return()
  expect(await failureOf(() => auditsOf(optionsOf(endpoint, { checkpoint })))).toMatchObject({
    code: 'invalid-input',
    message: expect.stringContaining('`attributes` is `["email"]` in the file and `[]` now'),
  })
  const users = await auditsOf(optionsOf(endpoint, { checkpoint, attributes: ['email', 'sub'] }))
  expect(users).toHaveLength(USERS.length)
})

test('a checkpoint of version 2 is rejected, with what to do next', async () => {
  await using endpoint = await openEndpoint()
  const checkpoint = newPath()
  const header = { rolecast: 'checkpoint', version: 2, startedAt: new Date().toISOString(), read: { userPoolId } }
  await writeFile(checkpoint, `${JSON.stringify(header)}\n`)
  expect(await failureOf(() => auditsOf(optionsOf(endpoint, { checkpoint })))).toMatchObject({
    code: 'invalid-input',
    message: expect.stringMatching(/its version is `2`, and this rolecast reads only version 3; .* remove this one/),
  })
})
