import { orAbort } from './abort.js'

/** A caller that may wait for many tasks and takes turns with the others. */
export interface Lane {
  /** When it came or had a turn, whichever is later. */
  last: number
}

/** Counts arrivals and turns. */
let count = 0

/** A lane that arrives now. */
export function createLane(): Lane {
  return { last: ++count }
}

/** The callers that wait for one task. Lanes may be added and deleted while it waits. */
export type Lanes = ReadonlySet<Lane>

/**
 * Runs a task when it is its turn: the highest priority (default 0) is first; among equals, the lane that has waited
 * longest since it came or had a turn. A task without lanes is in one of its own: without any lanes the earliest is first.
 *
 * A task whose signal aborts while it waits is not run. One that is running keeps its place until it ends.
 */
export interface Limiter {
  <T>(task: () => Promise<T>, signal: AbortSignal, priority?: number, lanes?: Lanes): Promise<T>
  /** How many more tasks would start immediately. */
  free(): number
  /** How many tasks wait for their turn. */
  waiting(): number
}

interface Waiting {
  readonly priority: number
  readonly lanes: Lanes
  readonly start: () => void
}

/** How a limiter keeps to what is left of a quota that others use too. */
export interface Adaptation {
  /** Whether a task failed because the server had too many requests. */
  readonly isThrottled: (error: unknown) => boolean
  /** Called when the rate falls, and when it is back at its maximum. Must not throw. */
  readonly onRate: (requestsPerSecond: number, isThrottled: boolean) => void
  /**
   * Milliseconds without a request after the rate has fallen.
   *
   * @default 1_000, the window of the quota
   */
  readonly pause?: number
}

/**
 * Limits tasks to `concurrency` at the same time, and to a rate: within any second a server receives at most
 * `requestsPerSecond` of them, rounded down, whatever the latency. A rate below 1 is one request in that longer window.
 *
 * With `spread` the tasks start evenly over the window instead of in a burst, so that a task with a high priority never
 * waits for a whole window. Do not set it for occasional callers: they want the burst.
 *
 * With `adapt` the rate is halved when a task is throttled, and rises again with every task that is not: by a fiftieth
 * of what it fell to. It never falls below a hundredth of `requestsPerSecond`, nor rises above it.
 */
export function createLimiter(
  requestsPerSecond: number,
  concurrency: number,
  { spread = false, adapt }: { readonly spread?: boolean; readonly adapt?: Adaptation | undefined } = {},
): Limiter {
  const atOnce = Math.floor(concurrency)
  const places = Math.max(1, Math.floor(requestsPerSecond))
  const window = Math.max(1_000, 1_000 / requestsPerSecond)
  /** The highest priority first, and among equals the earliest. */
  const waiting: Waiting[] = []
  // INVARIANT: the server sees at most one request of each place within a window. A place is held for a window after its
  // response, less half of the shortest round trip. Proof: see docs/decisions/0004-own-rate-limiter.md.
  const holds = new Set<NodeJS.Timeout>()
  /** Milliseconds from one start to the next. The places limit the rate; this only spreads it, until the rate has fallen. */
  let gap = spread && places !== Infinity ? window / places : 0
  const usualGap = gap
  let rate = requestsPerSecond
  const most = requestsPerSecond === Infinity ? ENDLESS : requestsPerSecond
  let rise = 0
  let fellAt = -Infinity
  let nextAt = -Infinity
  let pause: NodeJS.Timeout | undefined
  let awaited = false
  let running = 0
  let responseCount = 0
  let shortestTrip = Infinity

  function turn(priority: number, lanes: Lanes): Promise<void> {
    return new Promise(start => {
      waiting.splice(waiting.findLastIndex(other => other.priority >= priority) + 1, 0, { priority, lanes, start })
      startNext()
    })
  }

  /** When the first of its lanes arrived or had a turn; 0 if no caller waits any more. */
  function longestWait({ lanes }: Waiting): number {
    let first = lanes.size === 0 ? 0 : Infinity
    for (const lane of lanes) first = Math.min(first, lane.last)
    return first
  }

  function takeNext(): Waiting {
    let next = 0
    let longest = longestWait(waiting[0]!)
    for (let place = 1; waiting[place]?.priority === waiting[0]!.priority; place++) {
      const since = longestWait(waiting[place]!)
      if (since < longest) [next, longest] = [place, since]
    }
    const [taken] = waiting.splice(next, 1)
    for (const lane of taken!.lanes) lane.last = ++count
    return taken!
  }

  function startNext(): void {
    const now = performance.now()
    while (nextAt <= now && running < atOnce && running + holds.size < places && waiting.length > 0) {
      running++
      if (gap > 0) nextAt = Math.max(nextAt, now - CATCH_UP) + gap
      takeNext().start()
    }
    if (nextAt > now && waiting.length > 0)
      pause ??= setTimeout(() => ((pause = undefined), startNext()), Math.ceil(nextAt - now))
    keepAliveIfAwaited()
  }

  /** A place that is held keeps the process alive only while a task waits for it. */
  function keepAliveIfAwaited(): void {
    if (awaited === waiting.length > 0) return
    awaited = !awaited
    for (const timer of holds) {
      if (awaited) timer.ref()
      else timer.unref()
    }
  }

  function hold(ms: number): void {
    // A timer drops fractions, and may fire up to a millisecond early.
    const timer = setTimeout(() => (holds.delete(timer), startNext()), Math.ceil(ms) + 1)
    holds.add(timer)
    if (!awaited) timer.unref()
  }

  /** Milliseconds for which the place of a successful task is held. After a failure it is held for the whole window. */
  function holdAfter(trip: number): number {
    responseCount++
    shortestTrip = Math.min(shortestTrip, trip)
    return responseCount > places ? window - shortestTrip / 2 : window
  }

  function fall(sentAt: number): void {
    // A request that was sent before the rate fell does not show how the lower rate does.
    if (sentAt <= fellAt) return
    fellAt = performance.now()
    rate = Math.max(Math.min(rate, most) / 2, most / 100)
    rise = rate / 50
    gap = 1_000 / rate
    // The server still counts the earlier requests.
    nextAt = Math.max(nextAt, fellAt + (adapt?.pause ?? 1_000))
    adapt?.onRate(rate, true)
  }

  function recover(): void {
    if (rate >= requestsPerSecond) return
    rate = Math.min(rate + rise, requestsPerSecond)
    gap = rate === requestsPerSecond ? usualGap : 1_000 / rate
    if (rate === requestsPerSecond) adapt?.onRate(rate, false)
  }

  async function run<T>(task: () => Promise<T>, signal: AbortSignal, priority: number, lanes: Lanes): Promise<T> {
    await turn(priority, lanes)
    let held = 0
    let sentAt = -Infinity
    try {
      if (signal.aborted) nextAt -= gap
      signal.throwIfAborted()
      held = window
      sentAt = performance.now()
      const response = await task()
      held = holdAfter(performance.now() - sentAt)
      recover()
      return response
    } catch (error) {
      if (adapt?.isThrottled(error)) fall(sentAt)
      throw error
    } finally {
      running--
      if (held > 0 && places !== Infinity) hold(held)
      startNext()
    }
  }

  const limiter = <T>(
    task: () => Promise<T>,
    signal: AbortSignal,
    priority = 0,
    lanes: Lanes = new Set([createLane()]),
  ) => orAbort(run(task, signal, priority, lanes), signal)
  return Object.assign(limiter, {
    waiting: () => waiting.length,
    free: () => {
      if (nextAt > performance.now()) return 0
      return Math.max(0, Math.min(atOnce - running, places - running - holds.size) - waiting.length)
    },
  })
}

/** The rate from which an unlimited rate falls. */
const ENDLESS = 200

/** Timers fire late: at most this many milliseconds are made up for. */
const CATCH_UP = 50
