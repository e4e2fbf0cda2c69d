import * as fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { estimateText } from '../../../src/cli/estimate-text.js'
import { estimatePool, type ReadOptions } from '../../../src/cognito/memberships/audit-pool.js'
import { type EstimateInput, estimateRead, type ReadRates } from '../../../src/cognito/memberships/estimate.js'
import { type CognitoEndpoint, endpointClient, startCognitoEndpoint } from '../cognito-endpoint.js'
import { failureOf } from '../../failure-of.js'

const RATES: ReadRates = { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 }
const estimate = (input: Partial<EstimateInput>) =>
  estimateRead({ users: 0, groups: 0, membershipsPerUser: 3, rates: RATES, ...input })

describe('the estimate', () => {
  test('of an empty pool has one page of each list', () => {
    const calls = { DescribeUserPool: 1, ListGroups: 2, ListUsers: 1, ListUsersInGroup: 0, AdminListGroupsForUser: 0 }
    expect(estimate({})).toMatchObject({ perGroup: { calls, totalCalls: 4 }, perUser: { calls, totalCalls: 4 } })
  })

  test('of a pool with three million users says hours, and which way is the quicker', () => {
    const { strategy, perGroup, perUser } = estimate({ users: 3_000_000, groups: 500 })
    expect(perGroup.calls).toEqual({
      DescribeUserPool: 1,
      ListGroups: 18,
      // In parts: a page more for each, and the first page of all.
      ListUsers: 50_017,
      ListUsersInGroup: 150_500,
      AdminListGroupsForUser: 0,
    })
    expect(perUser.calls).toMatchObject({ ListUsersInGroup: 0, AdminListGroupsForUser: 3_000_000 })
    expect(strategy).toBe('per-group')
    expect(perGroup.seconds).toBeCloseTo(18 / 5 + 200_517 / 30)
    expect(perUser.seconds).toBeCloseTo(18 / 5 + 3_000_000 / 50)
  })

  test('takes the groups of each user where there are many groups and few users', () => {
    expect(estimate({ users: 100, groups: 10_000 }).strategy).toBe('per-user')
    expect(estimate({ users: 100, groups: 10_000, strategy: 'per-group' }).strategy).toBe('per-group')
    expect(estimate({ users: undefined, groups: 10_000 })).toMatchObject({ strategy: 'per-group', users: undefined })
  })

  test('is never below what must be read, and within a page for each group of it', () => {
    const pools = fc.record({
      members: fc.array(fc.nat({ max: 500 }), { maxLength: 20 }),
      users: fc.integer({ min: 500, max: 2_000 }),
    })
    fc.assert(
      fc.property(pools, ({ members, users }) => {
        const memberships = members.reduce((a, b) => a + b, 0)
        const least = members.map(count => Math.max(1, Math.ceil(count / 60))).reduce((a, b) => a + b, 0)
        const { perGroup } = estimate({ users, groups: members.length, membershipsPerUser: memberships / users })
        const { ListUsersInGroup, ListUsers, ListGroups } = perGroup.calls
        expect(ListUsersInGroup).toBeGreaterThanOrEqual(least - 1)
        expect(ListUsersInGroup).toBeLessThanOrEqual(least + members.length)
        expect([
          Math.ceil(users / 60),
          // In parts.
          1 + 16 + Math.floor(users / 60),
        ]).toContain(ListUsers)
        expect(ListGroups).toBe(2 * Math.max(1, Math.ceil(members.length / 60)))
      }),
    )
  })

  test('the quicker way is the one with fewer seconds', () => {
    const rates = fc.record({
      ListGroups: fc.constant(5),
      ListUsers: fc.integer({ min: 1, max: 100 }),
      AdminListGroupsForUser: fc.integer({ min: 1, max: 100 }),
    })
    fc.assert(
      fc.property(fc.nat({ max: 100_000 }), fc.nat({ max: 10_000 }), rates, (users, groups, rates) => {
        const { strategy, perGroup, perUser } = estimate({ users, groups, rates })
        expect((strategy === 'per-group' ? perGroup : perUser).seconds).toBe(
          Math.min(perGroup.seconds, perUser.seconds),
        )
      }),
    )
  })
})

describe('in words', () => {
  test('both ways, the one that is taken marked', () => {
    expect(estimateText(estimate({ users: 3_000_000, groups: 500 })))
      .toBe(`To read the pool: 3,000,000 users (Cognito's estimate), 500 groups
> per group    200,536 calls  111 minutes
  per user   3,050,019 calls  1,000 minutes
  at 30/s ListUsers with ListUsersInGroup, 50/s AdminListGroupsForUser, 5/s ListGroups, if a user is in 3 groups (--memberships-per-user)
`)
  })
  test.each([
    [0, 'under a minute'],
    [59.9, 'under a minute'],
    [60, '1 minute'],
    [119, '1 minute'],
    [120, '2 minutes'],
    [3_600_000, '60,000 minutes'],
  ])('%d seconds', (seconds, words) => {
    const one = estimate({ users: 10, groups: 1 })
    expect(estimateText({ ...one, perGroup: { ...one.perGroup, seconds } })).toMatch(
      new RegExp(`^> per group .* {2}${words}$`, 'm'),
    )
  })
  test('where an unknown number of users', () => {
    expect(estimateText(estimate({ users: undefined }))).toMatch(
      /^To read the pool: an unknown number of users, 0 groups$/m,
    )
  })
})

describe('estimatePool', () => {
  const userPoolId = 'eu-west-1_Ab12Cd34e'
  let endpoint: CognitoEndpoint
  beforeAll(async () => {
    const groups = Array.from({ length: 70 }, (_, g) => ({ groupName: `g${g}` }))
    endpoint = await startCognitoEndpoint({
      userPoolId,
      groups,
      users: [{ username: 'alice', groups: ['g0'] }],
      estimatedUsers: 123_456,
    })
  })
  beforeEach(() => void (endpoint.requests.length = 0))
  afterAll(() => endpoint.close())
  const estimateOf = async (options: Partial<ReadOptions> = {}) =>
    estimatePool({ userPoolId, client: endpointClient(endpoint), requestsPerSecond: 100, ...options })

  test('requests the groups and the number of users, and reads no user', async () => {
    expect(await estimateOf({ rates: { ListUsers: 15 }, membershipsPerUser: 2 })).toEqual(
      estimateRead({
        users: 123_456,
        groups: 70,
        membershipsPerUser: 2,
        rates: { ListGroups: 100, ListUsers: 15, AdminListGroupsForUser: 50 },
      }),
    )
    expect(endpoint.requests.map(request => request.operation).toSorted()).toEqual([
      'DescribeUserPool',
      'ListGroups',
      'ListGroups',
    ])
  })

  test.each([
    { membershipsPerUser: -1 },
    { membershipsPerUser: NaN },
    { rates: { ListUsers: 0 } },
    { requestsPerSecond: 0 },
  ])('rejects %o', async options => {
    expect(await failureOf(() => estimateOf(options))).toMatchObject({ code: 'invalid-option' })
    expect(endpoint.requests).toEqual([])
  })
})
