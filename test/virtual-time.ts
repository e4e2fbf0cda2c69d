import { afterEach, beforeEach, vi } from 'vitest'

/**
 * Runs each test of a suite in virtual time: whenever nothing is left to do but wait, the clock jumps to the next timer. A
 * wait costs nothing, and its length is exact however busy the machine is.
 *
 * Not for tests that wait for anything outside of the process, such as a socket or a file: the clock does not wait for that.
 */
export function useVirtualTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({
      toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'Date', 'performance'],
    })
    vi.setTimerTickMode('nextTimerAsync')
  })
  afterEach(() => void vi.useRealTimers())
}

/** For `vi.mock('node:timers/promises')`, whose own timers are not faked. */
export function timersPromises() {
  return {
    setTimeout: async <T>(ms: number, value?: T, { signal }: { readonly signal?: AbortSignal } = {}): Promise<T> => {
      signal?.throwIfAborted()
      return new Promise((resolve, reject) => {
        const stop = () => {
          clearTimeout(timer)
          reject(signal!.reason)
        }
        const timer = setTimeout(() => {
          signal?.removeEventListener('abort', stop)
          resolve(value as T)
        }, ms)
        signal?.addEventListener('abort', stop, { once: true })
      })
    },
  }
}
