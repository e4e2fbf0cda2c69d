import { onAbort } from '../../abort.js'

/** Settles as the promise does, or rejects as soon as the signal aborts: a client may ignore its abort signal. */
export async function orAbort<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  let leave: (() => void) | undefined
  const aborted = new Promise<never>((_resolve, reject) => {
    leave = onAbort(signal, () => reject(signal.reason))
  })
  try {
    return await Promise.race([promise, aborted])
  } finally {
    leave?.()
  }
}
