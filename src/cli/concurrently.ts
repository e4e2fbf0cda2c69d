/**
 * Processes the items, this many at the same time, and returns the results in the order of the items.
 *
 * @param stop called with the first failure, to stop the others; it rejects with that failure once all have ended
 */
export async function concurrently<T, R>(
  workers: number,
  items: readonly T[],
  make: (item: T) => Promise<R>,
  stop: (error: unknown) => void,
): Promise<readonly R[]> {
  const made: R[] = []
  let next = 0
  let failed: { readonly error: unknown } | undefined
  const work = async () => {
    while (next < items.length && failed === undefined) {
      const at = next++
      try {
        made[at] = await make(items[at]!)
      } catch (error) {
        if (failed === undefined) stop(error)
        failed ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(workers, items.length) }, work))
  if (failed !== undefined) throw (failed as { readonly error: unknown }).error
  return made
}
