import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { openCheckpoint } from '../../../src/cognito/memberships/checkpoint.js'
import { estimateRead, type ReadStrategy } from '../../../src/cognito/memberships/estimate.js'
import { type ReadEvent, readPool, type ReadPoolOptions } from '../../../src/cognito/memberships/read-pool.js'
import { subOf } from '../cognito-endpoint.js'
import { failureOf } from '../../failure-of.js'
import {
  type FilterMode,
  oneGroupEach,
  virtualPool,
  type VirtualPool,
  type VirtualPoolOptions,
  type VirtualUser,
} from './virtual-pool.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const RATES = { ListUsers: 30, AdminListGroupsForUser: 50 }
const FAST = { ListUsers: 10_000, AdminListGroupsForUser: 10_000 }

let folder = ''
let files = 0
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'rolecast-split-'))))
afterAll(() => rm(folder, { recursive: true, force: true }))
afterEach(() => void vi.useRealTimers())

/** In which order the parts give the users. */
const byPart = (users: readonly VirtualUser[]) =>
  users.toSorted((a, b) => Number(a.sub[0]! > b.sub[0]!) - Number(a.sub[0]! < b.sub[0]!))
const names = (users: readonly { readonly username: string }[]) => users.map(user => user.username)

interface Settings extends Partial<Omit<VirtualPoolOptions, 'pool'>> {
  readonly strategy?: ReadStrategy
  readonly more?: (api: ReadPoolOptions['api']) => Partial<ReadPoolOptions>
}

function reader(pool: VirtualPool, { strategy = 'per-group', more, ...settings }: Settings = {}) {
  const rates = settings.rates ?? FAST
  const { api, calls } = virtualPool({ userPoolId, latency: 0, ...settings, rates, pool })
  const options: ReadPoolOptions = {
    api,
    // Decides as for Cognito's own quotas.
    rates: { ListGroups: 5, ...RATES },
    strategy,
    membershipsPerUser: 3,
    attributes: [],
    now: Date.now,
    signal: new AbortController().signal,
    onEvent() {},
    retryDelay: 1,
    ...more?.(api),
  }
  return { calls, read: (over: Partial<ReadPoolOptions> = {}) => readPool({ ...options, ...over }) }
}

async function readAll(pool: VirtualPool, settings: Settings = {}) {
  const { calls, read } = reader(pool, settings)
  const reading = await read()
  return { calls, users: [...reading.users()], changes: reading.changes }
}

/** The seconds of a clock that jumps to the next timer whenever nothing else is left to do. */
async function timed<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] })
  const begin = performance.now()
  const ended = work().then(result => ({ result, seconds: (performance.now() - begin) / 1_000 }))
  for (let isRunning = true; isRunning;) {
    isRunning = await Promise.race([ended.then(() => false), setImmediate(true)])
    if (isRunning && vi.getTimerCount() > 0) vi.advanceTimersToNextTimer()
  }
  return ended
}

describe('the decision', () => {
  const partsOf = (users: number, groups: number, strategy: ReadStrategy, latencyless = false) => {
    const estimate = estimateRead({
      users,
      groups,
      membershipsPerUser: 3,
      rates: { ListGroups: 5, ...(latencyless ? { ListUsers: 3, AdminListGroupsForUser: 5 } : RATES) },
    })
    return (strategy === 'per-group' ? estimate.perGroup : estimate.perUser).parts
  }

  test('is for parts where waiting for page after page takes longer than the quota', () => {
    expect(partsOf(10_000, 20, 'per-group')).toBe(16)
    expect(partsOf(1_000_000, 100, 'per-group')).toBe(16)
  })

  test.each<[string, number, number, ReadStrategy, boolean]>([
    ['a small pool', 600, 20, 'per-group', false],
    ['many groups, whose pages take the time', 10_000, 10_000, 'per-group', false],
    ['the groups of each user, whose calls take the time', 1_000_000, 20, 'per-user', false],
    ['a quota so small that each page waits for it', 1_000_000, 20, 'per-group', true],
  ])('is for one list with %s', (_what, users, groups, strategy, latencyless) => {
    expect(partsOf(users, groups, strategy, latencyless)).toBe(1)
  })
})

describe('time at 100 ms a call, and one group a user', () => {
  test.each<[ReadStrategy, number, number]>([
    ['per-group', 12_000, 20],
    ['per-group', 30_000, 5],
    ['per-user', 2_400, 20],
  ])('%s, %i users in %i groups: at most 1.1 times the calls over the quota', async (strategy, users, groups) => {
    const pool = oneGroupEach(users, groups, subOf)
    const { calls, read } = reader(pool, { strategy, latency: 100, rates: RATES })
    const { result, seconds } = await timed(read)
    expect(names([...result.users()])).toEqual(names(strategy === 'per-group' ? byPart(pool.users) : pool.users))
    const quota =
      strategy === 'per-group'
        ? (calls['ListUsers']! + calls['ListUsersInGroup']!) / RATES.ListUsers
        : calls['AdminListGroupsForUser']! / RATES.AdminListGroupsForUser
    expect(seconds / quota).toBeLessThan(1.1)
    expect(seconds / quota).toBeGreaterThan(0.95)
  })

  test('control: in one list it takes longer', async () => {
    const pool = oneGroupEach(12_000, 20, subOf)
    const { calls, read } = reader(pool, { latency: 100, rates: RATES, filter: 'rejected' })
    const { seconds } = await timed(read)
    expect(seconds / ((calls['ListUsers']! + calls['ListUsersInGroup']!) / RATES.ListUsers)).toBeGreaterThan(1.3)
  })
})

describe('no user is lost', () => {
  const pool = oneGroupEach(6_000, 20, subOf)
  const all = new Set(names(pool.users))

  test('where Cognito filters: each user once, part after part, at a page more for each part', async () => {
    const { calls, users, changes } = await readAll(pool)
    expect(names(users)).toEqual(names(byPart(pool.users)))
    expect(users.map(({ username, groups }) => ({ username, groups }))).toEqual(
      byPart(pool.users).map(({ username, groups }) => ({ username, groups })),
    )
    expect(changes).toEqual([])
    expect(calls['ListUsers']).toBeLessThanOrEqual(6_000 / 60 + 1 + 16)
    expect(calls['ListUsers by sub']).toBe(calls['ListUsers']! - 1)
  })

  test.each<[FilterMode, number, string]>([
    ['ignored', 16, 'not-filtered'],
    ['rejected', 16, 'rejected'],
    ['nothing', 16, 'fewer-users'],
    ['after the page', 200, 'not-filtered'],
  ])('where the filter is %s: the list of all users is read, in its order', async (filter, mostWasted, reason) => {
    const events: ReadEvent[] = []
    const more = () => ({ onEvent: (event: ReadEvent) => void events.push(event) })
    const { calls, users, changes } = await readAll(pool, { filter, more })
    expect(events.filter(event => event.type === 'relist')).toEqual([{ type: 'relist', reason }])
    expect(names(users)).toEqual(names(pool.users))
    expect(changes).toEqual([])
    expect(calls['ListUsers by sub']).toBeGreaterThan(0)
    expect(calls['ListUsers by sub']).toBeLessThanOrEqual(mostWasted)
  })

  test.each(['A1b2', 'G', '', 'Ünique', '-'])('a user whose `sub` is %j is found, wherever it is', async sub => {
    for (const at of [0, 3_000, 5_999]) {
      const users = pool.users.map((user, index) => (index === at ? { ...user, sub, groups: [] } : user))
      const found = await readAll({ ...pool, users })
      expect(new Set(names(found.users))).toEqual(all)
      expect(found.users).toHaveLength(6_000)
      expect(found.changes).toEqual([])
    }
  })

  test('a user whom a part does not have, though it should, is found on the first page', async () => {
    const { users } = await readAll(pool, {
      estimatedUsers: 5_000,
      more: api => ({
        api: {
          ...api,
          listUsers: async (token, signal, priority, filter) => {
            const page = await api.listUsers(token, signal, priority, filter)
            const without = page.users.filter(user => filter === undefined || user.username !== 'user-7')
            return { ...page, users: without }
          },
        },
      }),
    })
    expect(names(users)).toEqual(names(pool.users))
  })

  test('a user who is deleted meanwhile does not make the list of all users necessary, and does not count', async () => {
    const { calls, users, changes } = await readAll(pool, {
      estimatedUsers: 5_999,
      more: api => ({
        api: {
          ...api,
          listUsers: async (token, signal, priority, filter) => {
            const page = await api.listUsers(token, signal, priority, filter)
            const without = page.users.filter(user => filter === undefined || user.username !== 'user-7')
            return { ...page, users: without }
          },
          adminListGroupsForUser: async (username, ...rest) =>
            username === 'user-7' ? undefined : api.adminListGroupsForUser(username, ...rest),
        },
      }),
    })
    expect(calls['ListUsers']).toBeLessThanOrEqual(6_000 / 60 + 1 + 16)
    expect(names(users)).toEqual(names(byPart(pool.users)).filter(name => name !== 'user-7'))
    expect(changes).toEqual([{ change: 'user-vanished', username: 'user-7' }])
  })

  test('where the estimate says more users than there are, the list of all users is read too', async () => {
    const { calls, users } = await readAll(pool, { estimatedUsers: 6_001 })
    expect(names(users)).toEqual(names(pool.users))
    expect(calls['ListUsers']! - calls['ListUsers by sub']!).toBe(100)
  })

  test('control: where it says as many, it is not', async () => {
    const { calls } = await readAll(pool, { estimatedUsers: 6_000 })
    expect(calls['ListUsers']! - calls['ListUsers by sub']!).toBe(1)
  })
})

describe('a resumed reading', () => {
  const pool = oneGroupEach(2_400, 6, subOf)
  test.each<[ReadStrategy, FilterMode, number]>([
    ['per-group', 'as Cognito', 2_400],
    ['per-group', 'as Cognito', 2_401],
    ['per-group', 'ignored', 2_400],
    ['per-group', 'after the page', 2_400],
    ['per-group', 'rejected', 2_400],
    ['per-user', 'as Cognito', 2_400],
  ])(
    '%s, filter %s, estimated %i: broken off after any number of pages, it gives the same users in the same order',
    { timeout: 120_000 },
    async (strategy, filter, estimatedUsers) => {
      const settings: Settings = { strategy, filter, estimatedUsers }
      // Parts also where a call for each user takes the time.
      const rates = { ListGroups: 5, ListUsers: 300, AdminListGroupsForUser: Infinity }
      const undisturbed = await reader(pool, settings).read({ rates })
      const expected = JSON.stringify([...undisturbed.users()])
      const path = join(folder, `${files++}.checkpoint`)
      let isOver = false
      let resumes = 0
      while (!isOver) {
        const { read } = reader(pool, settings)
        const stop = new AbortController()
        let left = 2 + ((resumes * 5) % 23)
        const checkpoint = await openCheckpoint(path, { read: { userPoolId }, now: Date.now, maxAge: Infinity })
        const reading = read({
          rates,
          checkpoint: {
            ...checkpoint,
            append: async record => {
              await checkpoint.append(record)
              if (--left === 0) stop.abort()
            },
          },
          signal: stop.signal,
        })
        const ended = await reading.catch(() => undefined)
        await checkpoint.close()
        if (ended === undefined) resumes++
        else {
          isOver = true
          expect(JSON.stringify([...ended.users()])).toBe(expected)
        }
      }
      expect(resumes).toBeGreaterThan(3)
    },
  )

  test('keeps the parts of its start, whatever the rates are now', async () => {
    const path = join(folder, `${files++}.checkpoint`)
    const open = () => openCheckpoint(path, { read: { userPoolId }, now: Date.now, maxAge: Infinity })
    const first = reader(pool)
    const checkpoint = await open()
    const stop = new AbortController()
    let pages = 0
    await failureOf(() =>
      first.read({
        checkpoint,
        signal: stop.signal,
        onEvent: event => void (event.type === 'progress' && ++pages === 12 && stop.abort()),
      }),
    )
    await checkpoint.close()
    const again = await open()
    const second = reader(pool)
    const reading = await second.read({
      checkpoint: again,
      rates: { ListGroups: 5, ListUsers: 1, AdminListGroupsForUser: 50 },
    })
    await again.close()
    expect(names([...reading.users()])).toEqual(names(byPart(pool.users)))
    expect(second.calls['ListUsers']).toBe(second.calls['ListUsers by sub'])
  })
})
