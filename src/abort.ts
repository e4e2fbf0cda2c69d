interface Listening {
  readonly actions: Set<() => void>
  readonly listener: () => void
}

const listening = new WeakMap<AbortSignal, Listening>()

/** Whether it can be listened to. Its class is not checked, because a polyfill or another realm has its own. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener, removeEventListener } = Object(value) as Partial<AbortSignal>
  return typeof aborted === 'boolean' && [addEventListener, removeEventListener].every(one => typeof one === 'function')
}

/**
 * Calls `action` when the signal aborts, or synchronously if it already has. Always call the function that it returns,
 * which removes the listener: otherwise listeners pile up on a long-lived signal.
 *
 * In place of `AbortSignal.any`, whose listeners live as long as the signals it is made of, and on Node 20 forever. All
 * callers that wait for one signal share a listener, because Node 20 warns of a leak at the eleventh. Null and
 * undefined mean no signal.
 */
export function onAbort(signal: AbortSignal | null | undefined, action: () => void): () => void {
  if (signal === null || signal === undefined) return () => {}
  if (signal.aborted) {
    action()
    return () => {}
  }
  const { actions, listener } = listening.get(signal) ?? listen(signal)
  actions.add(action)
  return () => {
    if (!actions.delete(action) || actions.size > 0) return
    signal.removeEventListener('abort', listener)
    if (listening.get(signal)?.listener === listener) listening.delete(signal)
  }
}

function listen(signal: AbortSignal): Listening {
  const actions = new Set<() => void>()
  const listener = () => {
    for (const action of actions) action()
  }
  const entry: Listening = { actions, listener }
  signal.addEventListener('abort', listener)
  listening.set(signal, entry)
  return entry
}
