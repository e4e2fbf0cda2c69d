import { describe, expect, test } from 'vitest'
import { auditPool } from '../../../src/cognito/memberships/audit-pool.js'
import type { ReadStrategy } from '../../../src/cognito/memberships/estimate.js'
import { type ReadEvent, readPool } from '../../../src/cognito/memberships/read-pool.js'
import { createUserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import { failureOf } from '../../failure-of.js'
import { useVirtualTime } from '../../virtual-time.js'

useVirtualTime()

const userPoolId = 'eu-west-1_Ab12Cd34e'
const GROUPS = ['a', 'b', 'c']
const LATENCY = 60

type Input = Readonly<Record<string, unknown>>

/** Cognito in this process, on the clock of the test: `quotaAt` is what is left of a quota, calls within a second. */
function simulate(userCount: number, quotaAt: (operation: string, ms: number) => number) {
  const users = Array.from({ length: userCount }, (_, u) => `user-${u}`)
  const groupsOf = (u: number) => (u % 5 === 0 ? [] : [GROUPS[u % 3]!])
  const page = (names: readonly string[], token: unknown) => {
    const start = Number(token ?? 0)
    return {
      names: names.slice(start, start + 60),
      next: start + 60 < names.length ? String(start + 60) : undefined,
    }
  }
  const toUsers = (names: readonly string[]) => names.map(Username => ({ Username }))
  const answers: Readonly<Record<string, (input: Input) => object>> = {
    DescribeUserPool: () => ({ UserPool: { Id: userPoolId, EstimatedNumberOfUsers: userCount } }),
    ListGroups: () => ({ Groups: GROUPS.map(GroupName => ({ GroupName })) }),
    ListUsers(input) {
      const { names, next } = page(users, input['PaginationToken'])
      return { Users: toUsers(names), PaginationToken: next }
    },
    ListUsersInGroup(input) {
      const members = users.filter((_name, u) => groupsOf(u).includes(input['GroupName'] as string))
      const { names, next } = page(members, input['NextToken'])
      return { Users: toUsers(names), NextToken: next }
    },
    AdminListGroupsForUser: input => ({
      Groups: groupsOf(Number((input['Username'] as string).slice(5))).map(GroupName => ({ GroupName })),
    }),
  }
  const began = performance.now()
  const admitted = new Map<string, number[]>()
  const calls = { all: 0, throttled: 0 }
  const send = async (command: { readonly input: object }) => {
    const operation = command.constructor.name.replace(/Command$/, '')
    calls.all++
    await new Promise(resolve => setTimeout(resolve, LATENCY / 2))
    const now = performance.now()
    const quota = operation === 'ListUsersInGroup' ? 'ListUsers' : operation
    const times = (admitted.get(quota) ?? []).filter(time => time > now - 1_000)
    const passes = times.length < quotaAt(quota, now - began)
    admitted.set(quota, passes ? [...times, now] : times)
    await new Promise(resolve => setTimeout(resolve, LATENCY / 2))
    if (passes) return answers[operation]!(command.input as Input)
    calls.throttled++
    throw Object.assign(new Error('Rate exceeded'), { name: 'TooManyRequestsException' })
  }
  return { client: { send }, calls, expected: users.map((username, u) => ({ username, groups: groupsOf(u) })) }
}

const optionsOf = (client: ReturnType<typeof simulate>['client'], strategy: ReadStrategy) => ({
  userPoolId,
  client,
  strategy,
})

async function audit(simulated: ReturnType<typeof simulate>, strategy: ReadStrategy, events: ReadEvent[] = []) {
  const found: { username: string; groups: readonly string[] }[] = []
  const options = { ...optionsOf(simulated.client, strategy), onEvent: (event: ReadEvent) => void events.push(event) }
  for await (const { username, resolution } of auditPool(options)) found.push({ username, groups: resolution.groups })
  return found
}

describe('with little of a quota left', () => {
  test.each([
    ['per-user', 10, 2_400],
    ['per-user', 2, 600],
    ['per-group', 15, 12_000],
    ['per-group', 3, 12_000],
  ] as const)(
    '%s, %d calls a second: few calls are throttled, and the results are right',
    { timeout: 60_000 },
    async (strategy, left, users) => {
      const simulated = simulate(users, () => left)
      const events: ReadEvent[] = []
      expect(await audit(simulated, strategy, events)).toEqual(simulated.expected)
      const { all, throttled } = simulated.calls
      expect(throttled).toBeGreaterThan(0)
      expect(throttled / all, `${throttled} of ${all}`).toBeLessThan(0.06)
      // Each is told, and so is the rate.
      expect(events.filter(event => event.type === 'retry')).toHaveLength(throttled)
      const quota = strategy === 'per-user' ? 'AdminListGroupsForUser' : 'ListUsers'
      expect(events.find(event => event.type === 'rate' && event.quota === quota)).toEqual({
        type: 'rate',
        quota,
        perSecond: strategy === 'per-user' ? 25 : 15,
        isThrottled: true,
      })
    },
  )

  test(
    'control: at a rate that does not fall a large part of the calls is throttled',
    { timeout: 60_000 },
    async () => {
      const { client, calls } = simulate(2_400, () => 10)
      const api = createUserPoolApi({ userPoolId, client, clock: Date.now, onCall() {} })
      const rates = { ListGroups: 5, ListUsers: 30, AdminListGroupsForUser: 50 }
      const signal = new AbortController().signal
      const limits = { rates, membershipsPerUser: 3, signal, retryDelay: 1_000 }
      const options = { ...limits, api, strategy: 'per-user' as const, attributes: [], now: Date.now }
      await readPool({ ...options, onEvent() {} }).catch(() => {})
      expect(calls.throttled / calls.all).toBeGreaterThan(0.25)
    },
  )

  test('control: with all of the quota left nothing is throttled, and the rate is not spoken of', async () => {
    const simulated = simulate(600, () => 50)
    const events: ReadEvent[] = []
    expect(await audit(simulated, 'per-user', events)).toEqual(simulated.expected)
    expect(simulated.calls.throttled).toBe(0)
    expect(events.filter(event => event.type === 'rate')).toEqual([])
  })
})

describe('a quota that others use up', () => {
  test('for two minutes is waited for, and the rate is as high as before afterwards', { timeout: 60_000 }, async () => {
    const simulated = simulate(6_000, (_operation, ms) => (ms > 20_000 && ms < 140_000 ? 0 : 50))
    const events: ReadEvent[] = []
    expect(await audit(simulated, 'per-user', events)).toEqual(simulated.expected)
    expect(simulated.calls.throttled / simulated.calls.all).toBeLessThan(0.06)
    expect(events.findLast(event => event.type === 'rate')).toMatchObject({ perSecond: 50, isThrottled: false })
  })

  test('for ever ends the audit, with the reason, after a bounded number of calls', { timeout: 60_000 }, async () => {
    const { client, calls } = simulate(600, (operation, ms) => (operation.startsWith('Admin') && ms > 5_000 ? 0 : 50))
    const error = await failureOf(async () => {
      for await (const _ of auditPool(optionsOf(client, 'per-user'))) continue
    })
    expect(error).toMatchObject({ code: 'throttled', retryable: true })
    expect(calls.throttled).toBeLessThan(600)
    expect(performance.now()).toBeGreaterThan(120_000)
  })
})
