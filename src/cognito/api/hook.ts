/** Calls a hook whose failures change nothing: neither what it throws, nor the rejection of a promise that it returns. */
export function callHook<A extends readonly unknown[]>(hook: (...args: A) => unknown, ...args: A): void {
  try {
    const result = hook(...args)
    if (result !== undefined) void Promise.resolve(result).catch(() => {})
  } catch {
    // A metrics hook must not change a result.
  }
}
