import { orAbort } from './abort.js'

/**
 * Runs a task when it is its turn: the highest priority (default 0) is first, and among equals the earliest.
 *
 * A task whose signal aborts while it waits is not run. One that is running keeps its place until it ends.
 */
export type Limiter = <T>(task: () => Promise<T>, signal: AbortSignal, priority?: number) => Promise<T>

/**
 * Limits tasks to `concurrency` at once, and to a rate: within any second a server receives at most `requestsPerSecond` of
 * them, rounded down, whatever the latency. A rate below 1 is one request in that longer window.
 *
 * With `spread` the tasks start evenly over the window instead of in a burst, so that a task with a high priority never
 * waits for a whole window. Do not set it for occasional callers: they want the burst.
 */
export function createLimiter(
  requestsPerSecond: number,
  concurrency: number,
  { spread = false }: { readonly spread?: boolean } = {},
): Limiter {
  const atOnce = Math.floor(concurrency)
  const places = Math.max(1, Math.floor(requestsPerSecond))
  const window = Math.max(1_000, 1_000 / requestsPerSecond)
  /** In the order of their turns. */
  const waiting: { readonly priority: number; readonly start: () => void }[] = []
  // INVARIANT: the server sees at most one request of each place within a window. A place is held for a window after its
  // response, less half of the shortest round trip. Proof: see docs/decisions/0004-own-rate-limiter.md.
  const holds = new Set<NodeJS.Timeout>()
  /** Milliseconds from one start to the next. The places limit the rate; this only spreads it. */
  const gap = spread && places !== Infinity ? window / places : 0
  let nextAt = -Infinity
  let pause: NodeJS.Timeout | undefined
  let awaited = false
  let running = 0
  let responseCount = 0
  let shortestTrip = Infinity

  function turn(priority: number): Promise<void> {
    return new Promise(start => {
      waiting.splice(waiting.findLastIndex(other => other.priority >= priority) + 1, 0, { priority, start })
      startNext()
    })
  }

  function startNext(): void {
    const now = performance.now()
    while (nextAt <= now && running < atOnce && running + holds.size < places && waiting.length > 0) {
      running++
      if (gap > 0) nextAt = Math.max(nextAt, now - CATCH_UP) + gap
      waiting.shift()!.start()
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

  async function run<T>(task: () => Promise<T>, signal: AbortSignal, priority: number): Promise<T> {
    await turn(priority)
    let held = 0
    try {
      if (signal.aborted) nextAt -= gap
      signal.throwIfAborted()
      held = window
      const sentAt = performance.now()
      const response = await task()
      held = holdAfter(performance.now() - sentAt)
      return response
    } finally {
      running--
      if (held > 0 && places !== Infinity) hold(held)
      startNext()
    }
  }

  return (task, signal, priority = 0) => orAbort(run(task, signal, priority), signal)
}

/** Timers fire late: at most this many milliseconds are made up for. */
const CATCH_UP = 50
