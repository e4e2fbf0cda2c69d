interface Listening {
  readonly actions: Set<() => void>
  readonly listener: () => void
}

const listening = new WeakMap<AbortSignal, Listening>()

/** Whether it can be listened to. Not by its class: a polyfill or another realm has a class of its own. */
export function isAbortSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener, removeEventListener } = Object(value) as Partial<AbortSignal>
  return typeof aborted === 'boolean' && [addEventListener, removeEventListener].every(one => typeof one === 'function')
}

/**
 * Calls `action` when the signal aborts, or at once if it has, until the function that it returns is called. Call that in
 * every case, so that nothing stays on a signal that lives long.
 *
 * In place of `AbortSignal.any`, whose listeners live as long as the signals it is made of, and on Node 20 forever. All who
 * wait for one signal share a listener, because Node 20 warns of a leak at the eleventh. Null is no signal, as undefined is.
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
