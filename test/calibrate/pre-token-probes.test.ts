import { describe, expect, it, test } from 'vitest'
import { PRE_TOKEN_CASES, TRIGGER_POOLS, triggerResponses } from '../../src/calibrate/pre-token-cases.js'
import { HANDLER, preTokenSource, zipFunction } from '../../src/calibrate/pre-token-function.js'
import { probePreToken } from '../../src/calibrate/pre-token-probes.js'
import { judgeTokens, type PreTokenResult } from '../../src/calibrate/pre-token-result.js'
import type { PreTokenHandler, PreTokenTriggerEvent } from '../../src/testing/pre-token-trigger.js'
import { ACCOUNT, type FakeAwsOptions, loadHandler } from './fake-aws.js'
import { startFakeRun } from './fake-run.js'
import { DOCUMENTED_TRIGGER, OPPOSITE_TRIGGER, playTrigger, type TriggerTruth } from './fake-trigger.js'

const PLACE = { partition: 'aws', account: ACCOUNT }

async function probe(
  truth: Partial<TriggerTruth> = {},
  options: Omit<FakeAwsOptions, 'clock'> = {},
): Promise<readonly PreTokenResult[]> {
  await using fake = await startFakeRun({ applyTrigger: playTrigger({ ...DOCUMENTED_TRIGGER, ...truth }), ...options })
  const results = await probePreToken(fake.run, PLACE)
  expect(await fake.cleanUp()).toEqual([])
  expect(fake.aws.left()).toEqual([])
  expect(JSON.stringify([results, fake.events])).not.toContain(ACCOUNT)
  return results
}

/** What is not as predicted, and what was not predicted, of one version. */
function found(results: readonly PreTokenResult[], version: string): readonly string[] {
  return results
    .filter(result => result.version === version)
    .flatMap(({ id, real, verdict, claims }) => [
      ...(real.outcome === 'tokens' ? [] : [`${id}: ${verdict}, ${real.outcome}`]),
      ...claims
        .filter(one => one.verdict !== 'agrees')
        .map(one => `${id}: ${one.token} ${one.claim.slice(8)} ${one.verdict} ${one.reading ?? ''}`.trim()),
    ])
}

const SETTLED = [
  'groups-only: id roles settles',
  'groups-only: id preferred_role settles',
  'roles-only: id groups settles',
  'roles-only: access groups settles',
  'preferred-only: id groups settles',
  'preferred-only: id roles settles',
  'preferred-only: access groups settles',
  'no-groups: id groups settles',
  'no-groups: access groups settles',
]

describe('a pool that does what is documented', () => {
  it('agrees in what is known, and settles what is not, in every version', async () => {
    const results = await probe()
    const first = [
      ...SETTLED.map(one => `${one} as-taken`),
      'suppress-roles: id roles settles unchanged',
      'suppress-preferred: id preferred_role settles unchanged',
      'add-groups: id groups settles unchanged',
      'add-roles: id roles settles unchanged',
      'add-preferred: id preferred_role settles unchanged',
    ]
    expect(found(results, 'V1_0')).toEqual(first)
    const newer = [...first, 'add-access-role: access preferred_role settles unchanged']
    expect(found(results, 'V2_0')).toEqual(newer)
    expect(found(results, 'V3_0')).toEqual(newer)
    expect(results.filter(({ version }) => version === 'V2_0')).toHaveLength(PRE_TOKEN_CASES.length)
  })
})

describe('a pool that does the opposite', () => {
  it('of what is not known settles it the other way', async () => {
    const results = await probe({ ...OPPOSITE_TRIGGER, leftOut: 'absent' })
    expect(found(results, 'V3_0')).toEqual([
      ...SETTLED.map(one => `${one} as-taken`),
      'suppress-roles: id roles settles absent',
      'suppress-preferred: id preferred_role settles absent',
      'add-groups: id groups settles takes-value',
      'add-roles: id roles settles takes-value',
      'add-preferred: id preferred_role settles takes-value',
      'add-access-role: access preferred_role settles takes-value',
    ])
  })

  it('of what is documented contradicts it, case by case', async () => {
    const results = await probe({ empty: 'unchanged', outside: 'absent', leftOut: 'kept', addedByName: 'rejected' })
    expect(found(results, 'V1_0')).toEqual([
      ...['empty-details', 'null-details', 'null-parts'].flatMap(id => [
        `${id}: id groups contradicts`,
        `${id}: id roles contradicts`,
        `${id}: id preferred_role contradicts`,
        `${id}: access groups contradicts`,
      ]),
      'preferred-outside: id preferred_role contradicts',
      ...SETTLED.slice(0, 6).map(one => `${one} unchanged`),
      'preferred-only: id preferred_role contradicts',
      ...SETTLED.slice(6, 7).map(one => `${one} unchanged`),
      ...SETTLED.slice(7).map(one => `${one} unchanged`),
      'empty-roles: id preferred_role contradicts',
      'suppress-roles: id roles settles unchanged',
      'suppress-preferred: id preferred_role settles unchanged',
      'add-groups: settles, rejected',
      'add-roles: settles, rejected',
      'add-preferred: settles, rejected',
    ])
  })
})

describe('what is not seen', () => {
  it('a pool that never calls the function settles nothing, though its tokens are what some cases predict', async () => {
    const results = await probe({}, { callsTriggers: false })
    expect(new Set(results.map(({ verdict, real }) => `${verdict} ${real.outcome}`))).toEqual(
      new Set(['none not-settled']),
    )
  })

  it('a function that is slow to become active, and a role that is slow to be assumed, are waited for', async () => {
    const results = await probe({}, { roleDelay: 30_000, functionDelay: 20_000 })
    expect(results.filter(({ verdict }) => verdict === 'none')).toEqual([])
  })

  it('an endpoint without functions is reported in every case', async () => {
    const results = await probe(
      {},
      { fault: operation => (operation === 'CreateFunction' ? { body: 'not here', status: 501 } : undefined) },
    )
    expect(new Set(results.map(({ verdict, real }) => `${verdict} ${real.outcome}`))).toEqual(
      new Set(['none not-supported']),
    )
  })
})

describe('the function that is shipped', () => {
  const roles = { alpha: 'arn:a', beta: 'arn:b', gamma: 'arn:c' }
  const load = (): Promise<PreTokenHandler> =>
    loadHandler(zipFunction(preTokenSource(triggerResponses(roles))), HANDLER)
  const event = (version: '1' | '2' | '3', userName: string) =>
    ({ version, userName, request: { groupConfiguration: {} }, response: {} }) as unknown as PreTokenTriggerEvent

  test.each(TRIGGER_POOLS)('responds to an event of $version by the username', async pool => {
    const handler = await load()
    const returned = (await handler(event(pool.event, 'groups-only'))) as PreTokenTriggerEvent
    const mark = { claimsToAddOrOverride: { rolecast_case: 'groups-only' } }
    const groupOverrideDetails = { groupsToOverride: ['rolecast-other'] }
    expect(returned.response).toEqual(
      pool.event === '1'
        ? { claimsOverrideDetails: { groupOverrideDetails, ...mark } }
        : { claimsAndScopeOverrideDetails: { groupOverrideDetails, idTokenGeneration: mark } },
    )
    expect(returned).toMatchObject({ version: pool.event, userName: 'groups-only' })
  })

  test('keeps a null a null, and what is left out left out', async () => {
    const handler = await load()
    const responseTo = async (name: string) => ((await handler(event('1', name))) as PreTokenTriggerEvent).response
    expect(await responseTo('null-response')).toEqual({ claimsOverrideDetails: null })
    expect(await responseTo('empty-response')).toEqual({})
    const omitted = (await responseTo('omitted')).claimsOverrideDetails
    expect('groupOverrideDetails' in omitted!).toBe(false)
    const nulled = (await responseTo('null-details')).claimsOverrideDetails
    expect(nulled).toMatchObject({ groupOverrideDetails: null })
  })

  test('changes nothing for a user that it does not know, such as `constructor`', async () => {
    const handler = await load()
    const given = event('2', 'constructor')
    expect(await handler(given)).toEqual(given)
  })

  test('is the same bytes each time', () => {
    const source = preTokenSource(triggerResponses(roles))
    expect(zipFunction(source)).toEqual(zipFunction(source))
  })
})

describe('a token is compared as it came', () => {
  const roles = { alpha: 'arn:a', beta: 'arn:b', gamma: 'arn:c' }
  const given = PRE_TOKEN_CASES.find(({ id }) => id === 'all-given')
  const ids = { 'cognito:groups': ['rolecast-other'], 'cognito:roles': ['arn:c', 'arn:b'] }
  const judge = (idToken: object, accessToken: object = { 'cognito:groups': ['rolecast-other'] }) =>
    judgeTokens(given!, 'V1_0', { idToken: { ...idToken }, accessToken: { ...accessToken } }, roles).verdict

  test.each([
    ['lists in another order', { ...ids, 'cognito:preferred_role': 'arn:c' }, 'agrees'],
    ['a null in the place of an absent claim', { ...ids, 'cognito:preferred_role': null }, 'contradicts'],
    ['one text in the place of a list', { ...ids, 'cognito:groups': 'rolecast-other' }, 'contradicts'],
    ['a role that comes twice', { ...ids, 'cognito:roles': ['arn:b', 'arn:c', 'arn:c'] }, 'contradicts'],
  ])('%s: %#', (_, idToken, verdict) => {
    expect(judge({ 'cognito:preferred_role': 'arn:c', ...idToken })).toBe(verdict)
  })

  test('a role in an access token contradicts', () => {
    const idToken = { ...ids, 'cognito:preferred_role': 'arn:c' }
    expect(judge(idToken, { 'cognito:groups': ['rolecast-other'], 'cognito:roles': ['arn:b'] })).toBe('contradicts')
  })
})
