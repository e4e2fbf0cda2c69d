import { onAbort } from '../../abort.js'
import { createLane, type Lane, type Lanes } from '../api/rate-limiter.js'

/** Starts a call. `lanes` are those of the callers that wait for it, and changes as they come and go. */
type Start<V> = (signal: AbortSignal, lanes: Lanes) => Promise<V>

/** Calls under way, one for each key. Callers that ask for the same key meanwhile share it. */
export interface Coalescer<K, V> {
  /** Whether a call for this key is under way. */
  has(key: K): boolean
  /**
   * Waits for the call under way for this key, or starts one.
   *
   * A caller whose signal aborts gets the error that `leave` makes and does not affect the others. The call is aborted
   * when the last of them has left.
   */
  join(key: K, start: Start<V>, signal: AbortSignal | undefined, leave: () => unknown, lane?: Lane): Promise<V>
  /** Starts a call in the background, unless one is under way. It is never aborted. */
  spawn(key: K, start: Start<V>, lane?: Lane): void
  /** Later callers get a new call. Those that wait now still get the result of theirs. */
  forget(key: K): void
  forgetAll(): void
}

interface Flight<V> {
  readonly promise: Promise<V>
  readonly controller: AbortController
  readonly lanes: Set<Lane>
  waiting: number
}

/**
 * `landed` is called with each result before its callers get it, but not for a call that was dropped by `forget` or
 * aborted.
 */
export function createCoalescer<K, V>(landed: (key: K, value: V) => void): Coalescer<K, V> {
  const flights = new Map<K, Flight<V>>()

  function launch(key: K, start: Start<V>, waiting: number, lane: Lane): Flight<V> {
    const controller = new AbortController()
    const lanes = new Set([lane])
    const flight: Flight<V> = { promise: start(controller.signal, lanes), controller, lanes, waiting }
    flights.set(key, flight)
    const end = () => flights.get(key) === flight && flights.delete(key)
    // A failure is for the callers to handle. Here it only ends the flight.
    flight.promise.then(value => void (end() && landed(key, value)), end)
    return flight
  }

  return {
    has: key => flights.has(key),
    async join(key, start, signal, leave, lane = createLane()) {
      if (signal?.aborted) throw leave()
      const flight = flights.get(key) ?? launch(key, start, 0, lane)
      flight.lanes.add(lane)
      flight.waiting++
      if (signal === undefined) return flight.promise
      return new Promise<V>((resolve, reject) => {
        const go = () => {
          reject(leave())
          flight.lanes.delete(lane)
          if (--flight.waiting > 0) return
          if (flights.get(key) === flight) flights.delete(key)
          flight.controller.abort(signal.reason)
        }
        const stay = onAbort(signal, go)
        flight.promise.then(
          value => (stay(), resolve(value)),
          error => (stay(), reject(error)),
        )
      })
    },
    spawn(key, start, lane = createLane()) {
      // One waiter that never leaves.
      if (!flights.has(key)) launch(key, start, 1, lane)
    },
    forget: key => void flights.delete(key),
    forgetAll: () => flights.clear(),
  }
}
