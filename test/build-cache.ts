import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Removes from a folder of builds what no run of the last hour has used. */
export async function removeOld(cache: string): Promise<void> {
  const anHourAgo = Date.now() - 60 * 60 * 1000
  for (const name of await readdir(cache)) {
    const path = join(cache, name)
    const { mtimeMs = Infinity } = await stat(path).catch(() => ({}) as { mtimeMs?: number })
    if (mtimeMs < anHourAgo) await rm(path, { recursive: true, force: true })
  }
}

export async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  )
}
