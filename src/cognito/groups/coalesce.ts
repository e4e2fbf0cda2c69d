/** Calls under way, one for each key, shared by all who ask for that key meanwhile. */
export interface Coalescer<K, V> {
  /** Whether a call for this key is under way. */
  has(key: K): boolean
  /**
   * Waits for the call under way for this key, or starts one. The call is aborted when everybody who waited for it has
   * gone; one who goes fails nobody else. `leave` makes the error for who goes.
   */
  join(
    key: K,
    start: (signal: AbortSignal) => Promise<V>,
    signal: AbortSignal | undefined,
    leave: () => unknown,
  ): Promise<V>
  /** Starts a call that nobody waits for, unless one is under way. It is never aborted. */
  spawn(key: K, start: (signal: AbortSignal) => Promise<V>): void
  /** Who asks from now on gets a call of their own; those who wait keep theirs. */
  forget(key: K): void
  forgetAll(): void
}

interface Flight<V> {
  readonly promise: Promise<V>
  readonly controller: AbortController
  waiting: number
}

/** `landed` is told each answer before anybody who waits for it, but not one that was forgotten or given up meanwhile. */
export function createCoalescer<K, V>(landed: (key: K, value: V) => void): Coalescer<K, V> {
  const flights = new Map<K, Flight<V>>()

  function launch(key: K, start: (signal: AbortSignal) => Promise<V>, waiting: number): Flight<V> {
    const controller = new AbortController()
    const flight: Flight<V> = { promise: start(controller.signal), controller, waiting }
    flights.set(key, flight)
    const end = () => flights.get(key) === flight && flights.delete(key)
    // A failure is each waiter's to see; here it only ends the flight.
    flight.promise.then(value => void (end() && landed(key, value)), end)
    return flight
  }

  return {
    has: key => flights.has(key),
    async join(key, start, signal, leave) {
      if (signal?.aborted) throw leave()
      const flight = flights.get(key) ?? launch(key, start, 0)
      flight.waiting++
      if (signal === undefined) return flight.promise
      return new Promise<V>((resolve, reject) => {
        const go = () => {
          reject(leave())
          if (--flight.waiting > 0) return
          if (flights.get(key) === flight) flights.delete(key)
          flight.controller.abort(signal.reason)
        }
        signal.addEventListener('abort', go, { once: true })
        const stay = () => signal.removeEventListener('abort', go)
        flight.promise.then(
          value => (stay(), resolve(value)),
          error => (stay(), reject(error)),
        )
      })
    },
    spawn(key, start) {
      // One waiter that never leaves.
      if (!flights.has(key)) launch(key, start, 1)
    },
    forget: key => void flights.delete(key),
    forgetAll: () => flights.clear(),
  }
}
