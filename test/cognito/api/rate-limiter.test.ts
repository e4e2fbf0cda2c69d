import { setMaxListeners } from 'node:events'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLane, createLimiter, type Lanes, type Limiter } from '../../../src/cognito/api/rate-limiter.js'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

const NEVER = new AbortController().signal
setMaxListeners(0, NEVER)
const pass = (ms: number) => new Promise<void>(resolve => void setTimeout(resolve, ms))

interface Way {
  readonly there: number
  readonly back: number
}

/** A server behind a way of some milliseconds there and back, and when it saw each request. */
function serverBehind(wayOf: (request: number) => Way) {
  const seen: number[] = []
  let sent = 0
  const request = async () => {
    const { there, back } = wayOf(sent++)
    if (there > 0) await pass(there)
    seen.push(performance.now())
    if (back > 0) await pass(back)
  }
  return { seen, request }
}

/** When the server saw each of so many requests, and how many of them within a second (or another time) at most. */
async function send(
  limit: Limiter,
  requests: number,
  wayOf: (request: number) => Way,
  { window = 1_000, failing = false } = {},
) {
  const { seen, request } = serverBehind(wayOf)
  const task = () => request().then(() => (failing ? Promise.reject(new Error('failed')) : undefined))
  void Promise.allSettled(Array.from({ length: requests }, () => limit(task, NEVER)))
  await vi.runAllTimersAsync()
  const times = seen.toSorted((a, b) => a - b)
  const most = Math.max(...times.map((time, index) => times.slice(index).filter(other => other - time < window).length))
  return { most, seen: times }
}

const steady = (there: number, back: number) => () => ({ there, back })

describe('the rate', () => {
  test('no server sees more than the rate within any second, while no way there is less than half of another', async () => {
    const waysFrom = (least: number) =>
      fc.record({ there: fc.integer({ min: least, max: 2 * least }), back: fc.nat(300) })
    const trips = fc.record({
      rate: fc.integer({ min: 1, max: 20 }),
      concurrency: fc.integer({ min: 1, max: 30 }),
      ways: fc.nat(300).chain(least => fc.array(waysFrom(least), { minLength: 1, maxLength: 20 })),
    })
    await fc.assert(
      fc.asyncProperty(trips, async ({ rate, concurrency, ways }) => {
        const { most, seen } = await send(
          createLimiter(rate, concurrency),
          rate * 4,
          request => ways[request % ways.length]!,
        )
        expect(seen).toHaveLength(rate * 4)
        expect(most).toBeLessThanOrEqual(rate)
      }),
      { numRuns: 100 },
    )
  })

  test('control: a server sees more where the way there suddenly takes no time', async () => {
    const { most } = await send(createLimiter(5, 20), 40, request => ({ there: request < 20 ? 400 : 0, back: 0 }))
    expect(most).toBeGreaterThan(5)
  })

  test('control: a server sees more where the rate is higher', async () => {
    expect((await send(createLimiter(6, 20), 30, steady(25, 25))).most).toBe(6)
  })

  /** Milliseconds a round of as many requests as the rate took, on average. */
  async function roundTime(rate: number, trip: number, failing: boolean) {
    const rounds = 20
    const { most, seen } = await send(createLimiter(rate, 20), rate * (rounds + 1), steady(trip / 2, trip / 2), {
      failing,
    })
    expect(most).toBe(rate)
    return (seen.at(-1)! - seen[0]!) / rounds
  }

  const reached = 'at %d a second and a round trip of %d ms, a round takes a twenty-fifth more than a second at most'
  test.each([
    [5, 50],
    [30, 50],
    [50, 50],
    [30, 4],
  ])(reached, async (rate, trip) => {
    expect(await roundTime(rate, trip, false)).toBeLessThanOrEqual(1_040)
  })

  test('control: if nothing were given back, it would take more', async () => {
    expect(await roundTime(30, 50, true)).toBeGreaterThan(1_050)
  })

  test('the first round of requests gives nothing back, and later ones half of the shortest round trip', async () => {
    const { seen } = await send(createLimiter(1, 1), 4, request => ({ there: 0, back: [400, 100, 60, 80][request]! }))
    // Each: the way back, a second less what is given back, and a millisecond for the timer.
    expect(seen.slice(1).map((time, index) => time - seen[index]!)).toEqual([
      400 + 1_001,
      100 + 1_001 - 50,
      60 + 1_001 - 30,
    ])
  })

  test('a request that failed gives nothing back, and shows nothing about the latency', async () => {
    const limit = createLimiter(1, 1)
    const sent: number[] = []
    const task = (ms: number, outcome: 'answered' | 'failed') => async () => {
      sent.push(performance.now())
      await pass(ms)
      if (outcome === 'failed') throw new Error('failed')
    }
    const tasks = [
      task(100, 'answered'),
      task(100, 'answered'),
      task(2, 'failed'),
      task(100, 'answered'),
      task(0, 'answered'),
    ]
    void Promise.allSettled(tasks.map(one => limit(one, NEVER)))
    await vi.runAllTimersAsync()
    expect(sent.slice(1).map((time, index) => time - sent[index]!)).toEqual([
      100 + 1_001,
      100 + 951,
      2 + 1_001,
      100 + 951,
    ])
  })

  test('below one a second it is one in that longer time', async () => {
    const { most, seen } = await send(createLimiter(0.8, 5), 5, steady(10, 10), { window: 1_250 })
    expect(most).toBe(1)
    expect(seen[4]! - seen[0]!).toBeLessThan(4 * 1_300)
  })

  test('a fraction above one is rounded down: no second has half a request', async () => {
    expect((await send(createLimiter(2.5, 5), 10, steady(10, 10))).most).toBe(2)
  })

  test('without a rate everything goes out immediately and nothing is held', async () => {
    const limit = createLimiter(Infinity, 100)
    const { seen, request } = serverBehind(steady(0, 0))
    await Promise.all(Array.from({ length: 100 }, () => limit(request, NEVER)))
    expect(seen).toHaveLength(100)
    expect(vi.getTimerCount()).toBe(0)
  })
})

describe('whose turn it is', () => {
  test('the highest priority is next, and among equals the earliest', async () => {
    const limit = createLimiter(1, 1)
    const tasks: [name: string, priority?: number][] = [
      ['first'],
      ['a'],
      ['b', 2],
      ['c'],
      ['d', 1],
      ['e', 2],
      ['f', -1],
      ['g', 0],
    ]
    const ran: string[] = []
    for (const [name, priority] of tasks) void limit(async () => void ran.push(name), NEVER, priority)
    await vi.runAllTimersAsync()
    expect(ran).toEqual(['first', 'b', 'e', 'd', 'a', 'c', 'g', 'f'])
  })

  test('no more run at the same time than the concurrency allows, in the order of priorities too', async () => {
    const limit = createLimiter(Infinity, 2.9)
    const ran: string[] = []
    let running = 0
    let most = 0
    const task = (name: string) => async () => {
      ran.push(name)
      most = Math.max(most, ++running)
      await pass(10)
      running--
    }
    const all = Promise.all(['a', 'b', 'c', 'd'].map((name, priority) => limit(task(name), NEVER, priority)))
    await vi.runAllTimersAsync()
    await all
    expect(most).toBe(2)
    expect(ran).toEqual(['a', 'b', 'd', 'c'])
  })

  test('a task whose signal aborts while it waits is rejected immediately, is not run and takes no place', async () => {
    const limit = createLimiter(1, 1)
    const caller = new AbortController()
    const ran: string[] = []
    void limit(async () => void ran.push('first'), NEVER)
    const second = limit(async () => void ran.push('second'), caller.signal).catch((reason: unknown) => reason)
    const third = limit(async () => void ran.push('third'), NEVER)
    await vi.advanceTimersByTimeAsync(10)
    const reason = new Error('no more')
    caller.abort(reason)
    expect(await second).toBe(reason)
    await vi.advanceTimersByTimeAsync(1_000)
    await third
    expect(ran).toEqual(['first', 'third'])
  })

  test('a task whose signal aborts while it runs keeps its place until it has ended', async () => {
    const limit = createLimiter(Infinity, 1)
    const caller = new AbortController()
    const ran: string[] = []
    const deaf = limit(() => pass(500), caller.signal).catch(() => 'aborted')
    const next = limit(async () => void ran.push('next'), NEVER)
    await vi.advanceTimersByTimeAsync(100)
    caller.abort()
    expect(await deaf).toBe('aborted')
    await vi.advanceTimersByTimeAsync(399)
    expect(ran).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    await next
    expect(ran).toEqual(['next'])
  })

  test('what a task returns and throws is what the caller gets', async () => {
    const limit = createLimiter(5, 5)
    expect(await limit(async () => 7, NEVER)).toBe(7)
    const error = new Error('its own')
    await expect(limit(() => Promise.reject(error), NEVER)).rejects.toBe(error)
    await expect(
      limit(() => {
        throw error
      }, NEVER),
    ).rejects.toBe(error)
  })
})

describe('the process', () => {
  test('is kept alive by a held place only while a task waits for it', async () => {
    const limit = createLimiter(2, 2)
    const timers = vi.spyOn(globalThis, 'setTimeout')
    const keptAlive = () => timers.mock.results.filter(({ value }) => (value as NodeJS.Timeout).hasRef()).length
    const run = () => limit(async () => {}, NEVER)
    await Promise.all([run(), run()])
    expect([timers.mock.results.length, keptAlive()], 'both places are held, and nobody waits').toEqual([2, 0])
    const waiting = run()
    expect(keptAlive(), 'somebody waits').toBe(2)
    await vi.advanceTimersByTimeAsync(1_001)
    await waiting
    expect(timers.mock.results.length).toBe(3)
    expect((timers.mock.results[2]!.value as NodeJS.Timeout).hasRef(), 'nobody waits any more').toBe(false)
  })
})

describe('lanes', () => {
  /** The order in which tasks start, one at a time, each in the lanes it is given. */
  async function orderOf(tasks: readonly (readonly [name: string, lanes: Lanes | undefined])[]): Promise<string> {
    const started: string[] = []
    const limit = createLimiter(Infinity, 1)
    for (const [name, lanes] of tasks) void limit(async () => void started.push(name), NEVER, 0, lanes)
    await vi.runAllTimersAsync()
    return started.join(' ')
  }

  test('each has its turn, whoever came first and however much it waits for', async () => {
    const a = new Set([createLane()])
    const b = new Set([createLane()])
    const tasks = [
      ['a1', a],
      ['a2', a],
      ['a3', a],
      ['b1', b],
      ['b2', b],
      ['c', undefined],
    ] as const
    expect(await orderOf(tasks)).toBe('a1 b1 a2 c b2 a3')
  })

  test('a task that two lanes wait for comes when the first of them has its turn', async () => {
    const [a, b] = [createLane(), createLane()]
    const own = new Set([a])
    const tasks = [
      ['a1', own],
      ['a2', own],
      ['a3', own],
      ['a4', own],
      ['shared', new Set([a, b])],
    ] as const
    expect(await orderOf(tasks)).toBe('a1 shared a2 a3 a4')
  })

  test('a task without waiting callers is removed immediately', async () => {
    const gone = new Set([createLane()])
    const started: string[] = []
    const limit = createLimiter(Infinity, 1)
    void limit(async () => void started.push('first'), NEVER)
    void limit(async () => void started.push('second'), NEVER)
    void limit(async () => void started.push('gone'), NEVER, 0, gone)
    gone.clear()
    await vi.runAllTimersAsync()
    expect(started).toEqual(['first', 'gone', 'second'])
  })

  test('control: without lanes the earliest is first', async () => {
    const names = ['a1', 'a2', 'a3', 'b1', 'b2', 'c']
    expect(await orderOf(names.map(name => [name, undefined] as const))).toBe(names.join(' '))
  })
})
