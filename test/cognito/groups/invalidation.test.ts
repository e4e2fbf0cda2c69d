import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { EventBridgeEvent, Handler, SQSBatchResponse, SQSEvent, SQSHandler } from 'aws-lambda'
import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test, vi } from 'vitest'
import {
  applyInvalidation,
  createGroupSource,
  createRoleResolver,
  groupsFromCognito,
  type Invalidation,
  invalidationFrom,
  type SharedStore,
} from '../../../src/cognito/index.js'
import { isRolecastError } from '../../../src/errors.js'
import { hostileJson, hostileValue } from '../../fuzz/hostile.js'
import { fakePool, type FakePool } from '../../models/source-model.js'
import { failureOf } from '../../failure-of.js'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const userPoolId = 'eu-west-1_Ab12Cd34e'
const OTHER_POOL = 'eu-west-1_Other0001'
const SUB = '87a42a58-6051-7076-79e2-fe9208b6ae3c'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

type Json = Readonly<Record<string, unknown>>

const eventFile = (name: string) =>
  JSON.parse(readFileSync(join(root, `docs/examples/events/${name}.json`), 'utf8')) as Json

/** As CloudTrail records a call of Cognito. */
const record = (eventName: string, requestParameters: unknown = {}, fields: Json = {}): Json => ({
  eventVersion: '1.11',
  eventTime: '2026-11-29T09:00:00Z',
  eventSource: 'cognito-idp.amazonaws.com',
  eventName,
  awsRegion: 'eu-west-1',
  requestParameters,
  responseElements: null,
  eventID: '0d0f9f5e-3c46-4f0b-8a55-52a2b7b1c101',
  readOnly: false,
  eventType: 'AwsApiCall',
  managementEvent: true,
  eventCategory: 'Management',
  ...fields,
})
const ofGroup = (eventName: string, groupName = 'admins', pool = userPoolId) =>
  record(eventName, { groupName, userPoolId: pool })
const ofMember = (eventName: string, sub: unknown = SUB) =>
  record(
    eventName,
    { groupName: 'admins', userPoolId, username: 'HIDDEN_DUE_TO_SECURITY_REASONS' },
    { additionalEventData: { sub } },
  )

const bridged = (detail: unknown): Json => ({
  version: '0',
  'detail-type': 'AWS API Call via CloudTrail',
  source: 'aws.cognito-idp',
  region: 'eu-west-1',
  detail,
})
const notification = (message: unknown): Json => ({ Type: 'Notification', Message: JSON.stringify(message) })
const message = (messageId: string, body: unknown): Json => ({
  messageId,
  body: typeof body === 'string' ? body : JSON.stringify(body),
  eventSource: 'aws:sqs',
})
const batch = (...records: readonly unknown[]): Json => ({ Records: records })

/** Every way in which a record comes. */
const DELIVERIES: Readonly<Record<string, (record: Json) => unknown>> = {
  'the record itself': one => one,
  'the record as text': one => JSON.stringify(one),
  'a log file': one => batch(one),
  'a list': one => [one],
  EventBridge: one => bridged(one),
  'EventBridge as text': one => JSON.stringify(bridged(one)),
  'EventBridge through SQS': one => batch(message('m', bridged(one))),
  'EventBridge through SNS': one => batch({ EventSource: 'aws:sns', Sns: notification(bridged(one)) }),
  'EventBridge through SNS and SQS': one => batch(message('m', notification(bridged(one)))),
  'a record through SQS': one => batch(message('m', one)),
}
const deliveries = Object.entries(DELIVERIES)

const read = (event: unknown) => invalidationFrom(event, { userPoolId })

const NOTHING = { userPoolId, groups: [], users: [], ignored: [], failed: [] }

describe('what an event says', () => {
  test.each(deliveries)('%s: a change of a group', (_, deliver) => {
    expect(read(deliver(ofGroup('UpdateGroup')))).toStrictEqual({ ...NOTHING, groups: ['admins'], users: 'all' })
  })

  test.each(['CreateGroup', 'UpdateGroup', 'DeleteGroup'])(
    '%s is of that group, and of whoever is in it',
    eventName => {
      expect(read(ofGroup(eventName, 'a,b'))).toStrictEqual({ ...NOTHING, groups: ['a,b'], users: 'all' })
    },
  )

  test('several events are one invalidation, in which each group is once', () => {
    const events = ['a', 'b', 'a'].map((name, index) => message(String(index), bridged(ofGroup('UpdateGroup', name))))
    expect(read(batch(...events)).groups).toEqual(['a', 'b'])
  })

  test('a group that is called `all` is one group', () => {
    expect(read(ofGroup('UpdateGroup', 'all')).groups).toEqual(['all'])
  })

  test.each(['AdminAddUserToGroup', 'AdminRemoveUserFromGroup', 'AdminDeleteUser', 'DeleteUser'])(
    '%s changes no group: it is about the user, who is known by the sub',
    eventName => {
      expect(read(ofMember(eventName))).toStrictEqual({ ...NOTHING, users: [SUB] })
    },
  )

  test.each([undefined, null, 7, '', 'HIDDEN_DUE_TO_SECURITY_REASONS', { sub: SUB }, 'x'.repeat(129)])(
    'a user whose sub is %j is all users, whatever the name says',
    sub => {
      const event = record(
        'AdminAddUserToGroup',
        { groupName: 'admins', userPoolId, username: 'alice' },
        { additionalEventData: { sub } },
      )
      expect(read(event)).toStrictEqual({ ...NOTHING, users: 'all' })
    },
  )

  test.each([
    ['DeleteUserPool', { userPoolId }],
    ['CreateIdentityProvider', { userPoolId, providerName: 'Okta' }],
    ['DeleteIdentityProvider', { userPoolId, providerName: 'Okta' }],
    ['UpdateGroups', { userPoolId, groupNames: ['admins'] }],
    ['BatchDeleteGroup', {}],
  ])('%s may change every group', (eventName, parameters) => {
    expect(read(record(eventName, parameters))).toStrictEqual({ ...NOTHING, groups: 'all', users: 'all' })
  })

  test.each([
    'AdminDisableUser',
    'AdminListGroupsForUser',
    'GetGroup',
    'ListGroups',
    'ListUsersInGroup',
    'Login_GET',
    'UpdateUserPool',
    'toString',
    '__proto__',
  ])('%s changes none', eventName => {
    expect(read(record(eventName, { userPoolId }))).toMatchObject({
      groups: [],
      users: [],
      ignored: [{ eventName, reason: 'unrelated' }],
    })
  })

  test('an operation on groups that is not known changes none if it only reads', () => {
    expect(read(record('DescribeGroups', { userPoolId }, { readOnly: true })).ignored).toHaveLength(1)
  })

  test.each(['iam', 'resource-groups', 'identitystore', 'cognito-identity', 'cognito-idp.example', 'xcognito-idp'])(
    'a CreateGroup of %s is of another service',
    service => {
      const eventSource = `${service}.amazonaws.com`
      expect(read({ ...ofGroup('CreateGroup'), eventSource })).toStrictEqual({
        ...NOTHING,
        ignored: [{ eventSource, eventName: 'CreateGroup', reason: 'other-service' }],
      })
    },
  )

  test("China's name of the service is Cognito's too", () => {
    expect(read({ ...ofGroup('CreateGroup'), eventSource: 'cognito-idp.amazonaws.com.cn' }).groups).toEqual(['admins'])
  })

  test.each(['GroupExistsException', 'AccessDenied', 'ResourceNotFoundException', 'TooManyRequestsException'])(
    'a request that Cognito rejected (%s) changed nothing',
    errorCode => {
      expect(read({ ...ofGroup('UpdateGroup'), errorCode })).toMatchObject({
        groups: [],
        users: [],
        ignored: [{ reason: 'rejected' }],
      })
    },
  )

  test.each(['InternalErrorException', 'ServiceUnavailable', 'an error of later', '', null, undefined, 7, {}])(
    'a request that failed with %j may have changed the group',
    errorCode => {
      expect(read({ ...ofGroup('UpdateGroup'), errorCode }).groups).toEqual(['admins'])
    },
  )

  test.each(deliveries)('%s: an event of another pool is ignored, and reported as such', (_, deliver) => {
    for (const eventName of ['UpdateGroup', 'DeleteUserPool', 'AdminAddUserToGroup', 'UpdateGroups']) {
      expect(read(deliver(record(eventName, { groupName: 'admins', userPoolId: OTHER_POOL })))).toStrictEqual({
        ...NOTHING,
        ignored: [{ eventSource: 'cognito-idp.amazonaws.com', eventName, reason: 'other-pool' }],
      })
    }
  })

  test('pools that differ in letter case are two', () => {
    expect(read(ofGroup('UpdateGroup', 'admins', userPoolId.toUpperCase())).groups).toEqual([])
  })
})

describe('what cannot be read is never nothing', () => {
  const UNREADABLE = [
    undefined,
    null,
    7,
    true,
    '',
    'with white space',
    'x'.repeat(129),
    ['admins'],
    { name: 'admins' },
    'HIDDEN_DUE_TO_SECURITY_REASONS',
    'HIDDEN_FOR_SECURITY_REASONS',
    '***',
  ]

  test.each(UNREADABLE)('a group name %j is all groups', groupName => {
    const parameters = { userPoolId, ...(groupName !== undefined && { groupName }) }
    expect(read(record('UpdateGroup', parameters))).toMatchObject({ groups: 'all', users: 'all', ignored: [] })
  })

  test.each([...UNREADABLE, ` ${OTHER_POOL}`, `arn:aws:cognito-idp:eu-west-1:1:userpool/${OTHER_POOL}`])(
    'a pool %j may be this one',
    pool => {
      const parameters = { groupName: 'admins', ...(pool !== undefined && { userPoolId: pool }) }
      expect(read(record('UpdateGroup', parameters))).toMatchObject({ groups: 'all', users: 'all', ignored: [] })
    },
  )

  test.each([undefined, null, 'omitted', [], { omitted: true, reason: 'too large' }])(
    'request parameters %j are all groups',
    parameters => {
      expect(read({ ...ofGroup('DeleteGroup'), requestParameters: parameters }).groups).toBe('all')
    },
  )

  test('one event that cannot be read means all groups, whatever the others are', () => {
    const events = [ofGroup('UpdateGroup', 'a'), ofGroup('UpdateGroup', '***'), ofGroup('UpdateGroup', 'b')]
    expect(read(events).groups).toBe('all')
  })

  test('whatever its parameters, a change of a group is ignored only if it names another pool', () => {
    const value = fc.oneof(fc.constantFrom<unknown>(userPoolId, OTHER_POOL, 'admins'), hostileValue)
    const eventName = fc.constantFrom('CreateGroup', 'UpdateGroup', 'DeleteGroup')
    fc.assert(
      fc.property(eventName, value, value, (name, groupName, pool) => {
        const { groups, users, ignored } = read(record(name, { groupName, userPoolId: pool }))
        const isOther = typeof pool === 'string' && pool !== userPoolId && /^[\w-]{1,45}_[0-9a-zA-Z]+$/.test(pool)
        expect(ignored.length).toBe(isOther ? 1 : 0)
        expect(users).toEqual(isOther ? [] : 'all')
        if (groups !== 'all') expect(groups).toEqual(isOther ? [] : [groupName])
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['an empty object', {}],
    ['a text that is no JSON', '{"detail-type":"AWS API'],
    ['a text in a text', JSON.stringify(JSON.stringify(bridged(ofGroup('UpdateGroup'))))],
    ['a list in a list', [[ofGroup('UpdateGroup')]]],
    ['a function', () => ofGroup('UpdateGroup')],
    ['an event of EventBridge that is not of CloudTrail', { ...bridged({}), 'detail-type': 'Scheduled Event' }],
    ['an event of EventBridge that only looks like one', { ...bridged(ofGroup('UpdateGroup')), 'detail-type': 'Mine' }],
    ['an event of EventBridge without its detail', bridged(undefined)],
    [
      'a notification of S3, whose file has the records',
      batch({ eventSource: 'aws:s3', eventName: 'ObjectCreated:Put' }),
    ],
    ['records of DynamoDB', batch({ eventSource: 'aws:dynamodb', eventName: 'MODIFY' })],
    ['a record without the operation', { ...ofGroup('UpdateGroup'), eventName: undefined }],
    ['a record without the service', { ...ofGroup('UpdateGroup'), eventSource: 7 }],
    [
      'a confirmation of SNS',
      batch({ EventSource: 'aws:sns', Sns: { Type: 'SubscriptionConfirmation', Message: '{}' } }),
    ],
    [
      'a notification of SNS without a text',
      batch({ EventSource: 'aws:sns', Sns: { Type: 'Notification', Message: {} } }),
    ],
    ['a message of SQS without an id', batch({ ...message('m', ofGroup('UpdateGroup')), messageId: '' })],
    ['what it inherits', Object.create(ofGroup('UpdateGroup')) as unknown],
    ['one record of a log file', batch(ofGroup('UpdateGroup'), {})],
  ])('%s is an error', async (_, event) => {
    const { code, message: text } = await failureOf(() => read(event))
    expect(code).toBe('invalid-event')
    expect(text).toMatch(/^the event cannot be read \(.*\); give an EventBridge event/)
  })

  test('a getter is not called: its field is missing', () => {
    const called = vi.fn(() => 'admins')
    const requestParameters = Object.defineProperty({ userPoolId }, 'groupName', { get: called, enumerable: true })
    expect(read(record('UpdateGroup', requestParameters)).groups).toBe('all')
    expect(called).not.toHaveBeenCalled()
  })

  test('a message of a batch that cannot be read fails by itself', () => {
    const { groups, failed } = read(
      batch(
        message('first', bridged(ofGroup('UpdateGroup', 'a'))),
        message('broken', '{'),
        message('strange', { Records: [ofGroup('UpdateGroup')] }),
        message('last', bridged(ofGroup('UpdateGroup', 'b'))),
      ),
    )
    expect(groups).toEqual(['a', 'b'])
    expect(failed.map(({ messageId, error }) => [messageId, error.code])).toEqual([
      ['broken', 'invalid-event'],
      ['strange', 'invalid-event'],
    ])
  })

  test.each([
    ['a body of a megabyte', batch(message('m', 'x'.repeat(2 ** 20)))],
    ['brackets, a million deep', batch(message('m', '['.repeat(1_000_000)))],
    ['objects, 100 000 deep', batch(message('m', `${'{"detail":'.repeat(100_000)}1${'}'.repeat(100_000)}`))],
    ['notifications in notifications', batch(message('m', nested(50)))],
  ])('%s fails as a message', (_, event) => {
    expect(read(event).failed).toMatchObject([{ messageId: 'm', error: { code: 'invalid-event' } }])
  })

  function nested(levels: number): Json {
    let inner: Json = { Type: 'Notification', Message: 'x' }
    // Each level doubles the quotes' backslashes, so only some are texts in texts.
    for (let level = 0; level < levels; level++)
      inner = level < 8 ? notification(inner) : { Type: 'Notification', inner }
    return inner
  }

  test('circles end', async () => {
    const circle: Record<string, unknown> = { EventSource: 'aws:sns', Type: 'Notification' }
    Object.assign(circle, { Sns: circle, Records: [circle, circle], detail: circle, 'detail-type': 'x via CloudTrail' })
    expect((await failureOf(() => read(circle))).code).toBe('invalid-event')
  })

  test('every event gives a result or an error of this library', () => {
    const anything = fc.oneof(
      hostileValue,
      hostileJson.map(value => batch(message('m', JSON.stringify(value)))),
    )
    fc.assert(
      fc.property(anything, event => {
        try {
          const { groups, users } = read(event)
          expect([groups, users].every(names => names === 'all' || Array.isArray(names))).toBe(true)
        } catch (error) {
          expect(isRolecastError(error), String(error)).toBe(true)
        }
      }),
      { numRuns: 500 },
    )
  })

  test.each([[{}], [{ userPoolId: undefined }], [{ userPoolId: 'any' }], [{ userPoolid: userPoolId }], [undefined]])(
    'options %j are rejected',
    async options => {
      const { code } = await failureOf(() => invalidationFrom(ofGroup('UpdateGroup'), options as never))
      expect(['invalid-option', 'invalid-user-pool-id']).toContain(code)
    },
  )
})

// ------------------------------------------------------------------ the caches

interface World {
  readonly pool: FakePool
  readonly kept: Map<string, string>
  /** Another process of the fleet. */
  process(): ReturnType<typeof createGroupSource>
}

const HOUR = 3_600_000

function world(): World {
  const pool = fakePool()
  pool.groups.set('admins', { precedence: 0, roleArn: role('Admin') })
  pool.groups.set('editors', { precedence: 5, roleArn: role('Editor') })
  const kept = new Map<string, string>()
  const store: SharedStore = {
    get: async key => kept.get(key),
    set: async (key, value) => void kept.set(key, value),
    delete: async key => void kept.delete(key),
  }
  const acquire = async (key: string, owner: string) => !kept.has(key) && kept.set(key, owner) !== undefined
  let now = 1_700_000_000_000
  return {
    pool,
    kept,
    // Each reading of the clock is later: an entry is not believed if it is as old as an invalidation.
    process: () =>
      createGroupSource({
        userPoolId,
        client: pool,
        ttl: HOUR,
        negativeTtl: HOUR,
        requestsPerSecond: Infinity,
        clock: () => now++,
        sharedCache: { store, acquire },
      }),
  }
}

/** The changes that the recorded operations describe, each with its event. */
interface Change {
  readonly event: Json
  readonly apply: (groups: FakePool['groups']) => unknown
}

const NAMES = ['admins', 'editors', 'new,one'] as const
const name = fc.constantFrom(...NAMES)
const settings = fc.record({
  precedence: fc.constantFrom(null, 0, 1, 9),
  roleArn: fc.constantFrom(null, role('Admin'), role('Auditor')),
})
const hidden = fc.constantFrom<unknown>('HIDDEN_DUE_TO_SECURITY_REASONS', undefined, 7)
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ eventName: fc.constantFrom('CreateGroup', 'UpdateGroup'), name, settings }).map((one): Change => ({
    event: ofGroup(one.eventName, one.name),
    apply: groups => groups.set(one.name, one.settings),
  })),
  name.map((one): Change => ({ event: ofGroup('DeleteGroup', one), apply: groups => groups.delete(one) })),
  fc.record({ name, settings, hidden }).map((one): Change => ({
    event: record('UpdateGroup', { groupName: one.hidden, userPoolId }),
    apply: groups => groups.set(one.name, one.settings),
  })),
  fc.record({ name, hidden }).map((one): Change => ({
    event: record('DeleteGroup', { groupName: one.name, userPoolId: one.hidden }),
    apply: groups => groups.delete(one.name),
  })),
  fc.constant<Change>({ event: record('DeleteUserPool', { userPoolId }), apply: groups => groups.clear() }),
)
const deliver = fc.constantFrom(...Object.values(DELIVERIES))

const inPool = ({ groups }: FakePool) =>
  NAMES.flatMap(groupName => (groups.has(groupName) ? [{ groupName, ...groups.get(groupName) }] : []))

describe('what it does to the caches', () => {
  const changed = async (after: (source: ReturnType<World['process']>, one: Change, event: unknown) => unknown) => {
    let isOld = 0
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(change, deliver), { minLength: 1, maxLength: 3 }), async steps => {
        const { pool, process } = world()
        const source = process()
        await source.lookup(NAMES)
        for (const [one, send] of steps) {
          one.apply(pool.groups)
          await after(source, one, send(one.event))
        }
        const { groups } = await source.lookup(NAMES)
        if (JSON.stringify(groups) !== JSON.stringify(inPool(pool))) isOld++
      }),
      { numRuns: 100 },
    )
    return isOld
  }

  test('whatever change an event describes, the next lookup reads the group again', async () => {
    expect(await changed((source, _, event) => applyInvalidation(read(event), { groups: source }))).toBe(0)
  })

  test('control: without the invalidation most lookups give what was', async () => {
    expect(await changed(() => undefined)).toBeGreaterThan(30)
  })

  test('control: for another pool it does nothing', async () => {
    const ofOther = (event: unknown) => ({ ...invalidationFrom(event, { userPoolId: OTHER_POOL }), userPoolId })
    // An event that hides its pool counts for every pool.
    expect(await changed((source, _, event) => applyInvalidation(ofOther(event), { groups: source }))).toBeGreaterThan(
      10,
    )
  })

  test('of a group by its name, a process that starts reads the change too: the entry of the store is gone', async () => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('UpdateGroup', 'DeleteGroup'), name, settings, async (eventName, one, to) => {
        const { pool, process, kept } = world()
        const source = process()
        await source.lookup(NAMES)
        const before = inPool(pool)
        if (eventName === 'UpdateGroup') pool.groups.set(one, to)
        else pool.groups.delete(one)
        // Control: the store has what was.
        expect((await process().lookup(NAMES)).groups).toEqual(before)
        const entries = kept.size
        await applyInvalidation(read(ofGroup(eventName, one)), { groups: source })
        expect(kept.size).toBe(entries - 1)
        expect((await process().lookup(NAMES)).groups).toEqual(inPool(pool))
      }),
      { numRuns: 50 },
    )
  })

  test('not reached: the first level of another process, and for all groups the store; both until the ttl', async () => {
    const { pool, process } = world()
    const here = process()
    const elsewhere = process()
    await here.lookup(NAMES)
    await elsewhere.lookup(NAMES)
    pool.groups.set('admins', { precedence: 0, roleArn: role('Auditor') })

    await applyInvalidation(read(ofGroup('UpdateGroup', '***')), { groups: here })
    expect(roleOf(await process().lookup(['admins']))).toBe(role('Admin'))
    expect(roleOf(await here.lookup(['admins']))).toBe(role('Auditor'))
    // It was read again, and written for all.
    expect(roleOf(await process().lookup(['admins']))).toBe(role('Auditor'))

    await applyInvalidation(read(ofGroup('UpdateGroup')), { groups: here })
    expect(roleOf(await elsewhere.lookup(['admins']))).toBe(role('Admin'))
  })

  const roleOf = ({ groups }: { groups: readonly { roleArn?: string | null | undefined }[] }) => groups[0]?.roleArn

  test('the other process reads it when its own entry expires', async () => {
    const pool = fakePool()
    pool.groups.set('admins', { precedence: 0, roleArn: role('Admin') })
    let now = 1_700_000_000_000
    const elsewhere = createGroupSource({ userPoolId, client: pool, ttl: HOUR, clock: () => now })
    await elsewhere.lookup(['admins'])
    pool.groups.set('admins', { precedence: 0, roleArn: role('Auditor') })
    now += HOUR - 1
    expect(roleOf(await elsewhere.lookup(['admins']))).toBe(role('Admin'))
    now += 1
    expect(roleOf(await elsewhere.lookup(['admins']))).toBe(role('Auditor'))
  })

  test('no event of another pool touches anything', async () => {
    const otherEvent = fc
      .tuple(
        fc.constantFrom('CreateGroup', 'UpdateGroup', 'DeleteGroup', 'DeleteUserPool', 'AdminAddUserToGroup'),
        name,
      )
      .map(([eventName, one]) => ofGroup(eventName, one, OTHER_POOL))
    await fc.assert(
      fc.asyncProperty(otherEvent, deliver, async (event, send) => {
        const groups = { userPoolId, invalidate: vi.fn<(name?: string) => void>() }
        const users = { userPoolId, invalidate: vi.fn<() => void>() }
        await applyInvalidation(read(send(event)), { groups, users })
        expect(groups.invalidate).not.toHaveBeenCalled()
        expect(users.invalidate).not.toHaveBeenCalled()
      }),
      { numRuns: 50 },
    )
  })

  test('events that come twice, late and in another order are harmless: an invalidation is only a reading', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc
          .array(change, { minLength: 1, maxLength: 4 })
          .chain(list =>
            fc.tuple(
              fc.constant(list),
              fc.shuffledSubarray([...list.keys(), ...list.keys()], { minLength: list.length }),
              deliver,
            ),
          ),
        async ([list, order, send]) => {
          const { pool, process } = world()
          const source = process()
          await source.lookup(NAMES)
          for (const one of list) one.apply(pool.groups)
          // All of them at least once, and some twice.
          for (const index of [...order, ...list.keys()].toReversed())
            await applyInvalidation(read(send(list[index]!.event)), { groups: source })
          expect((await source.lookup(NAMES)).groups).toEqual(inPool(pool))
        },
      ),
      { numRuns: 50 },
    )
  })

  test('a group of a snapshot is read too', async () => {
    const pool = fakePool()
    pool.groups.set('admins', { precedence: 0, roleArn: role('Auditor') })
    const snapshot = {
      version: 1,
      userPoolId,
      takenAt: Date.now(),
      Groups: [{ GroupName: 'admins', Precedence: 0, RoleArn: role('Admin') }],
    }
    const resolver = createRoleResolver({ snapshot, maxAge: HOUR, client: pool })
    expect((await resolver.resolve(['admins'])).preferredRole).toBe(role('Admin'))
    await applyInvalidation(read(eventFile('eventbridge-update-group')), { groups: resolver.source })
    expect((await resolver.resolve(['admins'])).preferredRole).toBe(role('Auditor'))
  })

  test('users are dropped all at once: the cache may know them by another name than the sub', async () => {
    for (const event of [ofMember('AdminRemoveUserFromGroup'), ofGroup('UpdateGroup')]) {
      const invalidate = vi.fn<(username?: string) => void>()
      await applyInvalidation(read(event), { users: { userPoolId, invalidate } })
      expect(invalidate.mock.calls).toEqual([[]])
    }
  })

  test('a change of a membership is in the next groups of the user, whose name the event hides', async () => {
    let member = ['admins']
    const client = {
      send: async () => ({ Groups: member.map(GroupName => ({ GroupName, UserPoolId: userPoolId })) }),
    }
    const groupsOf = groupsFromCognito({ userPoolId, client, ttl: HOUR })
    const claims = {
      iss: `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`,
      sub: SUB,
      token_use: 'access',
      username: 'alice',
    }
    const groupNames = async () => (await groupsOf(claims)).groups.map(({ groupName }) => groupName)
    expect(await groupNames()).toEqual(['admins'])
    member = []
    // Control: it is cached.
    expect(await groupNames()).toEqual(['admins'])
    await applyInvalidation(read(ofMember('AdminRemoveUserFromGroup')), { users: groupsOf })
    expect(await groupNames()).toEqual([])
  })

  test('its result is what SQS delivers again', async () => {
    const invalidation = read(batch(message('broken', '{'), message('fine', bridged(ofGroup('UpdateGroup')))))
    const groups = { userPoolId, invalidate: vi.fn<(name?: string) => void>() }
    expect(await applyInvalidation(invalidation, { groups })).toStrictEqual({
      batchItemFailures: [{ itemIdentifier: 'broken' }],
    })
    expect(groups.invalidate.mock.calls).toEqual([['admins']])
  })

  test('what a target throws or rejects with fails the whole, so the event is delivered again', async () => {
    const broken = [() => Promise.reject(new Error('no store')), () => fail()]
    const fail = (): never => {
      throw new Error('no store')
    }
    for (const invalidate of broken)
      await expect(
        applyInvalidation(read(ofGroup('UpdateGroup')), { users: { userPoolId, invalidate } }),
      ).rejects.toThrow('no store')
  })

  test.each<[string, unknown, unknown]>([
    ['no targets', read(ofGroup('UpdateGroup')), {}],
    ['an undefined target', read(ofGroup('UpdateGroup')), { groups: undefined }],
    ['a misspelt target', read(ofGroup('UpdateGroup')), { group: { userPoolId, invalidate: () => {} } }],
    ['a target of another kind', read(ofGroup('UpdateGroup')), { users: new Map() }],
    [
      'a source of another pool',
      read(ofGroup('UpdateGroup')),
      { groups: { userPoolId: OTHER_POOL, invalidate: () => {} } },
    ],
    [
      'users of another pool',
      read(ofGroup('UpdateGroup')),
      { users: { userPoolId: OTHER_POOL, invalidate: () => {} } },
    ],
    ['what is no invalidation', { groups: 'all' }, { users: { userPoolId, invalidate: () => {} } }],
    ['no invalidation', undefined, { users: { userPoolId, invalidate: () => {} } }],
  ])('%s: rejected', async (_, invalidation, targets) => {
    const { code } = await failureOf(() => applyInvalidation(invalidation as Invalidation, targets as never))
    expect(code).toBe('invalid-option')
  })
})

describe('the example', () => {
  test.each([
    ['eventbridge-update-group', { groups: ['admins'], users: 'all', failed: [] }],
    ['sqs-batch', { groups: ['editors'], users: 'all', ignored: [{ reason: 'other-pool' }], failed: [{}] }],
    [
      'cloudtrail-log-file',
      { groups: ['editors'], users: 'all', ignored: [{ reason: 'rejected' }, { reason: 'other-service' }] },
    ],
  ])('%s is read', (file, expected) => {
    expect(read(eventFile(file))).toMatchObject(expected)
  })

  test('invalidate-from-events.mjs prints the roles before and after', async () => {
    const target = pathToFileURL(join(root, 'src/cognito/index.ts')).href
    const hook = `export const resolve = (name, context, next) => next(name === 'rolecast/cognito' ? ${JSON.stringify(target)} : name, context)`
    const register = `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))})`
    const args = ['--import', 'tsx', '--import', `data:text/javascript,${encodeURIComponent(register)}`]
    const example = join(root, 'docs/examples/invalidate-from-events.mjs')
    const { stdout } = await promisify(execFile)(process.execPath, [...args, example], { cwd: root })
    const lines = stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as unknown)
    expect(lines).toMatchObject([
      { here: role('Admin'), elsewhere: role('Admin'), started: role('Admin') },
      { here: role('Admin'), elsewhere: role('Admin'), started: role('Admin') },
      { here: role('Auditor'), elsewhere: role('Admin'), started: role('Auditor'), batchItemFailures: [] },
      {
        here: role('Auditor'),
        elsewhere: role('Admin'),
        started: role('Auditor'),
        batchItemFailures: [{ itemIdentifier: '19dd0b57-b21e-4ac1-bd88-01bbb068cb81' }],
      },
      { here: role('Auditor'), elsewhere: role('Admin'), started: role('Auditor'), batchItemFailures: [] },
    ])
  })
})

describe('the rule of docs/caching.md', () => {
  const page = readFileSync(join(root, 'docs/caching.md'), 'utf8')
  const [, block] = /^### The rule\n\n```json\n([\s\S]*?)^```$/m.exec(page)!
  const { detail } = JSON.parse(block!) as { detail: { eventName: readonly string[] } }
  // Those of Cognito's operations that could change a group or a membership, and some that do not.
  const OPERATIONS = [
    'CreateGroup',
    'UpdateGroup',
    'DeleteGroup',
    'GetGroup',
    'ListGroups',
    'ListUsersInGroup',
    'AdminAddUserToGroup',
    'AdminRemoveUserFromGroup',
    'AdminListGroupsForUser',
    'AdminCreateUser',
    'AdminDeleteUser',
    'AdminDisableUser',
    'DeleteUser',
    'AdminLinkProviderForUser',
    'CreateIdentityProvider',
    'UpdateIdentityProvider',
    'DeleteIdentityProvider',
    'CreateUserPool',
    'UpdateUserPool',
    'DeleteUserPool',
  ]

  test('names the operations that change something, and no other', () => {
    const changing = OPERATIONS.filter(eventName => read(record(eventName, { userPoolId })).ignored.length === 0)
    expect(detail.eventName.toSorted()).toEqual(changing.toSorted())
  })

  test('says no pool: an event that hides its pool has to come', () => {
    expect(Object.keys(detail).toSorted()).toEqual(['eventName', 'eventSource'])
  })
})

test('the types fit those of @types/aws-lambda', () => {
  const source = createGroupSource({ userPoolId, client: fakePool() })
  const handler = async (event: unknown) =>
    applyInvalidation(invalidationFrom(event, { userPoolId }), { groups: source })
  expectTypeOf(handler).toExtend<SQSHandler>()
  expectTypeOf(handler).toExtend<Handler<EventBridgeEvent<'AWS API Call via CloudTrail', unknown>, unknown>>()
  expectTypeOf<SQSEvent>().toExtend<Parameters<typeof invalidationFrom>[0]>()
  expectTypeOf<Awaited<ReturnType<typeof applyInvalidation>>>().toEqualTypeOf<SQSBatchResponse>()
})
