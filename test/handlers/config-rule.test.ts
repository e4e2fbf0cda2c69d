import { readFileSync } from 'node:fs'
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { takeSnapshot } from '../../src/cognito/index.js'
import {
  type ConfigRuleEvent,
  type ConfigRuleHandlerOptions,
  createConfigRuleHandler,
  type ListedGroups,
  type PutEvaluationsInput,
} from '../../src/handlers/index.js'
import { RolecastError } from '../../src/errors.js'
import { createFakeCognito, type FakeCognito } from '../../src/testing/index.js'
import { errorOf, failureOf } from '../failure-of.js'

const POOL = 'eu-west-1_Ab12Cd34e'
const eventOf = (name: string) =>
  JSON.parse(readFileSync(new URL(`../../docs/examples/events/${name}`, import.meta.url), 'utf8')) as ConfigRuleEvent

const changed = eventOf('config-group-changed.json')
const scheduled = eventOf('config-scheduled.json')

/** The event with another content. */
function withContent(event: ConfigRuleEvent, change: (content: Record<string, any>) => object): ConfigRuleEvent {
  const content = JSON.parse(event.invokingEvent) as Record<string, any>
  return { ...event, invokingEvent: JSON.stringify({ ...content, ...change(content) }) }
}

const group = (GroupName: string, Precedence?: number) => ({
  GroupName,
  UserPoolId: POOL,
  RoleArn: `arn:aws:iam::111122223333:role/${GroupName}`,
  ...(Precedence !== undefined && { Precedence }),
})
const tied: ListedGroups = { Groups: [group('admins', 1), group('staff', 1)] }
const fine: ListedGroups = { Groups: [group('admins', 1), group('staff', 2)] }

/** Runs the rule, and keeps what it sends. */
async function run(event: unknown, options: Partial<ConfigRuleHandlerOptions> = {}) {
  const sent: PutEvaluationsInput[] = []
  const asked: string[] = []
  const handler = createConfigRuleHandler({
    listGroups: async id => {
      asked.push(id)
      return tied
    },
    putEvaluations: async input => {
      sent.push(input)
      return { FailedEvaluations: [] }
    },
    ...options,
  })
  const outcome = await handler(event as ConfigRuleEvent).then(
    evaluations => ({ evaluations, failure: undefined }),
    (failure: RolecastError) => ({ evaluations: undefined, failure }),
  )
  return { ...outcome, sent, asked, put: sent.flatMap(({ Evaluations }) => Evaluations) }
}

describe('with a user pool, read by `takeSnapshot`', () => {
  let cognito: FakeCognito
  let client: CognitoIdentityProviderClient
  beforeAll(async () => {
    const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
    cognito = await createFakeCognito({
      userPoolId: POOL,
      groups: [
        { groupName: 'admins', precedence: 1, roleArn: role('Admin') },
        { groupName: 'staff', precedence: 1, roleArn: role('Staff') },
      ],
    })
    client = new CognitoIdentityProviderClient(cognito.clientConfig)
  })
  afterAll(async () => {
    client.destroy()
    await cognito.close()
  })

  test('a changed group makes its pool not compliant, and the rule says why', async () => {
    const { sent, evaluations } = await run(changed, {
      listGroups: userPoolId => takeSnapshot({ userPoolId, client }),
    })
    expect(sent).toEqual([
      {
        ResultToken: changed.resultToken,
        TestMode: false,
        Evaluations: [
          {
            ComplianceResourceType: 'AWS::Cognito::UserPool',
            ComplianceResourceId: POOL,
            ComplianceType: 'NON_COMPLIANT',
            Annotation: expect.stringMatching(/^error COG101: `admins` .* and `staff` /),
            OrderingTimestamp: new Date('2026-11-29T19:00:00.000Z'),
          },
        ],
      },
    ])
    expect(evaluations).toEqual(sent[0]!.Evaluations)
    expect(evaluations![0]!.Annotation.length).toBeLessThanOrEqual(256)
  })
})

describe('what is compliant', () => {
  test('a pool whose groups were all read and have no finding that fails; what is not looked at is reported', async () => {
    const { put } = await run(changed, { listGroups: async () => fine })
    expect(put).toMatchObject([
      {
        ComplianceType: 'COMPLIANT',
        Annotation: 'No findings. Groups: 2. Trust policies and identity pools are not looked at.',
      },
    ])
    const warned = { Groups: [group('admins')] }
    expect((await run(changed, { listGroups: async () => warned })).put).toMatchObject([
      { ComplianceType: 'COMPLIANT', Annotation: expect.stringMatching(/^warning COG103: /) },
    ])
    expect((await run(changed, { listGroups: async () => warned, failOn: 'warning' })).put).toMatchObject([
      { ComplianceType: 'NON_COMPLIANT' },
    ])
  })

  test('rules are chosen as in the library', async () => {
    expect((await run(changed, { ignore: ['COG101'] })).put).toMatchObject([{ ComplianceType: 'COMPLIANT' }])
  })

  test.each<[string, ListedGroups, RegExp]>([
    ['a page of several', { ...fine, NextToken: 'more' }, /has a `NextToken`, so that groups are missing/],
    ['another pool', { ...fine, userPoolId: 'eu-west-1_Other1234' }, /is from another user pool/],
    ['no list', {}, /is not a list of groups/],
    ['nothing', undefined as unknown as ListedGroups, /is not a list of groups/],
    ['a group without a name', { Groups: [{ Precedence: 1 }] }, /has no `GroupName`/],
  ])('%s is not: there is no evaluation, and the function fails', async (_, listed, message) => {
    const { put, failure } = await run(changed, { listGroups: async () => listed })
    expect(put).toEqual([])
    expect(failure).toMatchObject({ code: 'invalid-input', message: expect.stringMatching(message) })
  })

  test('a pool that cannot be read is not, and the pools that can be are evaluated', async () => {
    const listGroups = async (id: string) => {
      if (id === POOL) return fine
      throw id.endsWith('x') ? new RolecastError('throttled', 'too many calls; retry') : new Error('no network')
    }
    const userPoolIds = ['eu-west-1_aaax', POOL, 'eu-west-1_bbb']
    const { put, failure } = await run(scheduled, { listGroups, userPoolIds })
    expect(put).toMatchObject([{ ComplianceResourceId: POOL, ComplianceType: 'COMPLIANT' }])
    expect(failure).toMatchObject({
      code: 'throttled',
      message: '2 user pools were not evaluated, the first because of this error: too many calls; retry',
    })
  })
})

describe('the events', () => {
  test('a scheduled run evaluates the pools that it is given, as a list or from a function', async () => {
    const ids = [POOL, 'eu-west-1_bbb']
    for (const userPoolIds of [ids, async () => ids]) {
      const { put, asked } = await run(scheduled, { userPoolIds })
      expect(asked).toEqual(ids)
      expect(put.map(({ ComplianceResourceId }) => ComplianceResourceId)).toEqual(ids)
      expect(put[0]!.OrderingTimestamp).toEqual(new Date('2026-11-29T19:00:01.000Z'))
    }
  })

  test('a scheduled run without pools fails, and so does an invalid ID', async () => {
    expect((await run(scheduled)).failure).toMatchObject({ code: 'invalid-option' })
    expect((await run(scheduled, { userPoolIds: [] })).failure).toMatchObject({ code: 'invalid-option' })
    expect((await run(scheduled, { userPoolIds: ['pool'] })).failure).toMatchObject({ code: 'invalid-user-pool-id' })
  })

  test('AWS Config gets a hundred evaluations at a time', async () => {
    const userPoolIds = Array.from({ length: 201 }, (_, index) => `eu-west-1_p${index}`)
    const { sent } = await run(scheduled, { userPoolIds })
    expect(sent.map(({ Evaluations }) => Evaluations.length)).toEqual([100, 100, 1])
  })

  test('a user pool that changed is evaluated, and one too large for its notification too: its groups are read from Cognito', async () => {
    const oversized = eventOf('config-oversized.json')
    expect((await run(oversized)).put).toMatchObject([{ ComplianceResourceId: POOL, ComplianceType: 'NON_COMPLIANT' }])
  })

  test('a group that was deleted changes its pool, where the event says which that is', async () => {
    const configuration = JSON.parse(changed.invokingEvent).configurationItem.configuration as object
    const deleted = withContent(changed, ({ configurationItem }) => ({
      configurationItem: { ...configurationItem, configurationItemStatus: 'ResourceDeleted', configuration: null },
      configurationItemDiff: {
        changeType: 'DELETE',
        changedProperties: {
          Configuration: { previousValue: configuration, updatedValue: null, changeType: 'DELETE' },
        },
      },
    }))
    expect((await run(deleted)).put).toMatchObject([{ ComplianceResourceId: POOL }])
    const unsaid = withContent(deleted, () => ({ configurationItemDiff: null }))
    expect((await run(unsaid)).put).toMatchObject([
      {
        ComplianceResourceType: 'AWS::Cognito::UserPoolGroup',
        ComplianceType: 'NOT_APPLICABLE',
        Annotation: expect.stringContaining('a scheduled run evaluates it'),
      },
    ])
  })

  test.each<[string, ConfigRuleEvent]>([
    ['what left the scope', { ...changed, eventLeftScope: true }],
    [
      'a deleted pool',
      withContent(eventOf('config-oversized.json'), ({ configurationItemSummary }) => ({
        configurationItemSummary: { ...configurationItemSummary, configurationItemStatus: 'ResourceDeleted' },
      })),
    ],
    [
      'another type',
      withContent(changed, ({ configurationItem }) => ({
        configurationItem: { ...configurationItem, resourceType: 'AWS::S3::Bucket' },
      })),
    ],
  ])('%s is not applicable, and nothing is read', async (_, event) => {
    const { put, asked } = await run(event)
    expect(asked).toEqual([])
    expect(put).toMatchObject([{ ComplianceType: 'NOT_APPLICABLE' }])
  })

  test.each<[string, unknown]>([
    ['nothing', undefined],
    ['another event', { Records: [] }],
    ['no JSON', { ...changed, invokingEvent: '{' }],
    ['an unknown message', withContent(changed, () => ({ messageType: 'ConfigurationSnapshotDeliveryStarted' }))],
    ['no resource', withContent(changed, () => ({ configurationItem: {} }))],
    ['no time', withContent(scheduled, () => ({ notificationCreationTime: 'soon' }))],
  ])('%s fails the function', async (_, event) => {
    const { failure, put } = await run(event, { userPoolIds: [POOL] })
    expect(failure).toMatchObject({ code: 'invalid-event' })
    expect(put).toEqual([])
  })

  test('the token of a rule that is tried out is sent in test mode', async () => {
    expect((await run({ ...changed, resultToken: 'TESTMODE' })).sent).toMatchObject([{ TestMode: true }])
  })

  test('what AWS Config rejects fails the function', async () => {
    const putEvaluations = async () => ({ FailedEvaluations: [{}] })
    expect((await run(changed, { putEvaluations })).failure).toMatchObject({ code: 'request-rejected' })
    const broken = async () => {
      throw new Error('no network')
    }
    await expect(run(changed, { putEvaluations: broken })).resolves.toMatchObject({
      failure: { message: 'no network' },
    })
  })
})

test('wrong options fail when the function starts', async () => {
  const given = { listGroups: async () => fine, putEvaluations: async () => undefined }
  const messages = [
    undefined,
    {},
    { ...given, listGroups: fine },
    { ...given, ignore: ['COG999'] },
    { ...given, poolIds: [POOL] },
    { ...given, userPoolIds: POOL },
    { ...given, userPoolIds: null },
    { ...given, userPoolIds: [POOL, 7] },
  ].map(options => {
    const { code, message } = errorOf(() => createConfigRuleHandler(options as unknown as ConfigRuleHandlerOptions))
    expect(code).toBe('invalid-option')
    return message
  })
  expect(messages).toEqual([
    'the options must be an object, not `undefined`; give `{ listGroups, putEvaluations }`',
    '`listGroups` must be a function, not `undefined`; give one that calls AWS',
    '`listGroups` must be a function, not an object; give one that calls AWS',
    'unknown rule `COG999`; run `rolecast explain` to list the rules',
    expect.stringContaining('unknown key `poolIds` in the options'),
    expect.stringMatching(
      new RegExp(`^\`userPoolIds\` must be an array of strings, not \`${POOL}\`; give an array of`),
    ),
    expect.stringMatching(/^`userPoolIds` must be an array of strings, not `null`; /),
    expect.stringMatching(/^`userPoolIds` must be an array of strings, not an? /),
  ])
  // What a function gives is seen when it is called, and is no letter of an id.
  for (const ids of [POOL, null, undefined, [null]]) {
    const handler = createConfigRuleHandler({ ...given, userPoolIds: async () => ids as unknown as readonly string[] })
    expect(await failureOf(() => handler(scheduled))).toMatchObject({ code: 'invalid-option' })
  }
  expect(await failureOf(() => createConfigRuleHandler(given)(scheduled))).toMatchObject({ code: 'invalid-option' })
})
