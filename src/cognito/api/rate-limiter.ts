import { orAbort } from './abort.js'

/**
 * Runs a task in its turn, which is that of the highest priority (default 0), and of who came first among equals.
 *
 * A task whose signal aborts while it waits is not run; one that runs keeps its place until it has ended.
 */
export type Limiter = <T>(task: () => Promise<T>, signal: AbortSignal, priority?: number) => Promise<T>

/**
 * Runs no more than `concurrency` tasks at once, and so that no server sees more than `requestsPerSecond` of them, rounded
 * down, within any second, however slow the way there is. A rate below one a second is one request in that longer time.
 *
 * Why the rate is kept: there are as many places as requests that a server may see within the window. It sees a request
 * after it is sent and before its answer is here, so a place that is held for the window after an answer is never seen
 * twice within it. Between its sight of a request (which took `there` and `back`) and of the next one at the same place lie
 * `back`, the hold and `nextThere`; so the hold may be shorter by `back + nextThere`, which nobody can tell. But the shortest
 * round trip ever seen is at most `there + back`, and half of that at most `back + nextThere` while `nextThere` is at least
 * half of `there`. So that half is given back. It is not where a task failed, wherever that got to, nor before there are
 * more answers than places: the first connections have to be made, and take long.
 *
 * `spread`: not as many at once as there are places, but one after the other over the window, so that a task with a high
 * priority that comes at any time waits for no more than its turn. Not for who asks seldom: that burst is his answer.
 */
export function createLimiter(
  requestsPerSecond: number,
  concurrency: number,
  { spread = false }: { readonly spread?: boolean } = {},
): Limiter {
  const atOnce = Math.floor(concurrency)
  const places = Math.max(1, Math.floor(requestsPerSecond))
  const window = Math.max(1_000, 1_000 / requestsPerSecond)
  /** Whose turn is next comes first. */
  const waiting: { readonly priority: number; readonly start: () => void }[] = []
  const holds = new Set<NodeJS.Timeout>()
  /** Milliseconds from one start to the next; the places keep the rate, this only spreads it. */
  const gap = spread && places !== Infinity ? window / places : 0
  let nextAt = -Infinity
  let pause: NodeJS.Timeout | undefined
  let awaited = false
  let running = 0
  let answers = 0
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

  /** A place that is held keeps the process alive only while somebody waits for it. */
  function keepAliveIfAwaited(): void {
    if (awaited === waiting.length > 0) return
    awaited = !awaited
    for (const timer of holds) {
      if (awaited) timer.ref()
      else timer.unref()
    }
  }

  function hold(ms: number): void {
    // A timer drops fractions, and may fire within the millisecond before.
    const timer = setTimeout(() => (holds.delete(timer), startNext()), Math.ceil(ms) + 1)
    holds.add(timer)
    if (!awaited) timer.unref()
  }

  /** Milliseconds for which the place of a task with this round trip is held. */
  function holdAfter(trip: number): number {
    answers++
    shortestTrip = Math.min(shortestTrip, trip)
    return answers > places ? window - shortestTrip / 2 : window
  }

  async function run<T>(task: () => Promise<T>, signal: AbortSignal, priority: number): Promise<T> {
    await turn(priority)
    let held = 0
    try {
      if (signal.aborted) nextAt -= gap
      signal.throwIfAborted()
      held = window
      const sentAt = performance.now()
      const answer = await task()
      held = holdAfter(performance.now() - sentAt)
      return answer
    } finally {
      running--
      if (held > 0 && places !== Infinity) hold(held)
      startNext()
    }
  }

  return (task, signal, priority = 0) => orAbort(run(task, signal, priority), signal)
}

/** Timers fire late: so many milliseconds of it are made up for. */
const CATCH_UP = 50
