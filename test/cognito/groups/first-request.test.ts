import { describe, expect, test } from 'vitest'
import { createGroupSource, createRoleResolver, type GroupSourceOptions } from '../../../src/cognito/index.js'
import { failureOf } from '../../failure-of.js'
import { useVirtualTime } from '../../virtual-time.js'
import { endpointClient, startCognitoEndpoint } from '../cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const PAGE = 60
const LATENCY = 30
const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `g${from + index}`)
const groupsOf = (size: number) => names(size).map(groupName => ({ groupName, precedence: 1, roleArn: null }))

/** A pool that answers each call after 30 ms. */
function poolOf(size: number, options: Partial<GroupSourceOptions> = {}) {
  const calls: string[] = []
  let listing: () => void = () => {}
  const client = {
    async send({ input }: { readonly input: object }) {
      const { GroupName, NextToken } = input as { readonly GroupName?: string; readonly NextToken?: string }
      calls.push(GroupName ?? `LIST ${NextToken ?? 0}`)
      await new Promise(resolve => void setTimeout(resolve, LATENCY))
      if (GroupName !== undefined) {
        if (names(size).includes(GroupName)) return { Group: { GroupName } }
        throw Object.assign(new Error('Group not found.'), { name: 'ResourceNotFoundException' })
      }
      listing()
      const from = Number(NextToken ?? 0)
      return {
        Groups: names(size)
          .slice(from, from + PAGE)
          .map(name => ({ GroupName: name })),
        ...(size > from + PAGE && { NextToken: String(from + PAGE) }),
      }
    },
  }
  const source = createGroupSource({ userPoolId, client, ...options })
  return {
    source,
    calls,
    failListing(name: string, message = 'no') {
      listing = () => {
        throw Object.assign(new Error(message), { name })
      }
    },
    mendListing() {
      listing = () => {}
    },
    async took(work: () => unknown): Promise<number> {
      const before = performance.now()
      await work()
      return performance.now() - before
    },
  }
}

describe('the first request of a process that knows nothing of the pool', () => {
  useVirtualTime()

  async function timeOf(groups: number, options?: Partial<GroupSourceOptions>): Promise<number> {
    const { source, took } = poolOf(50, options)
    return took(() => source.lookup(names(groups)))
  }

  test.each([10, 40])('of a user in %i groups takes no longer than that of a user in one', async groups => {
    const one = await timeOf(1)
    expect((await timeOf(groups)) / one).toBeLessThanOrEqual(1.2)
  })

  test.each([
    [10, 1_000],
    [40, 7_000],
  ])('control: by GetGroup alone it waits for the quota, of %i groups for more than %i ms', async (groups, ms) => {
    expect(await timeOf(groups, { poolSize: 10_000 })).toBeGreaterThan(ms)
  })

  test('of few groups that need not wait asks for these groups alone', async () => {
    const { source, calls } = poolOf(50)
    await source.lookup(names(4))
    expect(calls).toEqual(names(4))
  })

  test('learns that a page was the whole pool: what it lacks is unknown, and what expires is listed again', async () => {
    const { source, calls } = poolOf(50)
    expect(await source.lookup([...names(9), 'ghost'])).toMatchObject({ unknownGroups: ['ghost'], stale: false })
    void source.invalidate()
    await source.lookup(names(40))
    expect(calls).toEqual(['LIST 0', 'LIST 0'])
  })

  test('by many callers at the same time reads one page for all of them', async () => {
    const { source, calls, took } = poolOf(50)
    const each = names(40).map(name => [name])
    expect(await took(() => Promise.all(each.map(async name => source.lookup(name))))).toBeLessThanOrEqual(LATENCY)
    expect(calls, 'the last free place is for the page').toEqual([...names(4), 'LIST 0'])
  })

  test('when many groups expire at the same time reads the page again', async () => {
    const { source, calls, took } = poolOf(50, { ttl: 1_000 })
    await source.lookup(names(40))
    await new Promise(resolve => void setTimeout(resolve, 2_000))
    expect(await took(() => source.lookup(names(40)))).toBe(LATENCY)
    expect(calls).toEqual(['LIST 0', 'LIST 0'])
  })
})

describe('a pool that is larger than a page', () => {
  useVirtualTime()

  test('what the page does not have is asked for by name', async () => {
    const { source, calls } = poolOf(500)
    const asked = [...names(7), ...names(3, 400)]
    const { groups, unknownGroups } = await source.lookup(asked)
    expect(groups.map(group => group.groupName)).toEqual(asked)
    expect(unknownGroups).toEqual([])
    expect(calls).toEqual(['LIST 0', ...names(3, 400)])
  })

  test('a name that is on another page is not an unknown group', async () => {
    const { source } = poolOf(500)
    expect(await source.lookup([...names(9), 'g499', 'ghost'])).toMatchObject({ unknownGroups: ['ghost'] })
  })

  test('a page that had none of the names is not read again for them', async () => {
    const { source, calls } = poolOf(500, { ttl: 0 })
    await source.lookup(names(8, 400))
    await source.lookup(names(8, 400))
    expect(calls.filter(call => call.startsWith('LIST'))).toEqual(['LIST 0'])
  })

  test('and after an invalidation it is, because the groups may be others', async () => {
    const { source, calls } = poolOf(500)
    await source.lookup(names(8, 400))
    await source.invalidate()
    await source.lookup(names(8, 400))
    expect(calls.filter(call => call.startsWith('LIST'))).toEqual(['LIST 0', 'LIST 0'])
  })

  test('a page drops no group that is on another', async () => {
    const { source } = poolOf(500)
    await source.lookup(['g499'])
    await source.lookup(names(8))
    expect(source.lookupCached(['g499'])).toBeDefined()
  })

  test('with a known size is not read without need', async () => {
    const { source, calls } = poolOf(500, { poolSize: 500 })
    await source.lookup(names(8))
    expect(calls).toEqual(names(8))
  })
})

describe('a page that fails', () => {
  useVirtualTime()

  test.each([
    ['AccessDeniedException', 'ListGroups is not allowed'],
    ['UnknownOperationException', 'the endpoint does not have it'],
    ['TypeError', 'the client does not know the command'],
  ])('with %s, because %s, leaves it to GetGroup, and is not tried again', async name => {
    const { source, calls, failListing } = poolOf(50, { ttl: 0 })
    failListing(name)
    expect((await source.lookup(names(8))).groups).toHaveLength(8)
    await source.lookup(names(8))
    expect(calls.filter(call => call.startsWith('LIST'))).toEqual(['LIST 0'])
  })

  test('because of a passing fault is tried again by the next lookup', async () => {
    const { source, calls, failListing, mendListing } = poolOf(50)
    failListing('InternalErrorException')
    expect(await failureOf(async () => source.lookup(names(8)))).toMatchObject({
      code: 'service-error',
      retryable: true,
    })
    mendListing()
    expect((await source.lookup(names(8))).groups).toHaveLength(8)
    expect(calls).toEqual(['LIST 0', 'LIST 0'])
  })

  test('because Cognito throttles fails the lookup, as any call does', async () => {
    const { source, failListing } = poolOf(50)
    failListing('TooManyRequestsException')
    expect(await failureOf(async () => source.lookup(names(8)))).toMatchObject({ code: 'throttled', retryable: true })
  })
})

describe('warm', () => {
  useVirtualTime()

  test('reads the first page, so that the first request needs no call', async () => {
    const { source, calls } = poolOf(50)
    const resolver = createRoleResolver({ source })
    expect(await resolver.warm()).toEqual({ groups: 50, isWholePool: true })
    expect(resolver.resolveCached(names(50))).toBeDefined()
    expect(calls).toEqual(['LIST 0'])
  })

  test('says that the pool has more', async () => {
    expect(await poolOf(500).source.warm()).toEqual({ groups: 60, isWholePool: false })
  })

  test.each([1, 2, 3, 40])('is shared with a request of %i groups that comes meanwhile', async count => {
    const { source, calls } = poolOf(50)
    await Promise.all([source.warm(), source.lookup(names(count))])
    expect(calls).toEqual(['LIST 0'])
  })

  test.each([
    ['AccessDeniedException', 'not-authorized'],
    ['TooManyRequestsException', 'throttled'],
  ])('says that it failed, and never rejects: %s', async (name, code) => {
    const { source, failListing } = poolOf(50)
    failListing(name)
    expect(await source.warm()).toMatchObject({ groups: 0, isWholePool: false, error: { code } })
    expect((await source.lookup(['g0'])).groups, 'GetGroup still reads').toHaveLength(1)
  })

  test('that was aborted says so', async () => {
    const { source } = poolOf(50)
    expect(await source.warm({ signal: AbortSignal.abort() })).toMatchObject({ error: { code: 'aborted' } })
  })
})

test('through the SDK, no window of the quota is exceeded by cold requests at once', async () => {
  await using strict = await startCognitoEndpoint({
    userPoolId,
    groups: groupsOf(70),
    latency: LATENCY,
    quota: { requestsPerSecond: 5 },
  })
  const source = createGroupSource({ userPoolId, client: endpointClient(strict, { fastRetry: true }) })
  const found = await Promise.all([names(3), names(40), names(6, 58), ['g69']].map(async some => source.lookup(some)))
  expect(found.map(({ groups }) => groups.length)).toEqual([3, 40, 6, 1])
  expect(strict.requests.filter(request => request.throttled)).toEqual([])
  expect(strict.requests.filter(request => request.operation === 'ListGroups')).toHaveLength(1)
})
