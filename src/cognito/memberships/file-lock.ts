import { quote } from '../../errors.js'
import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { kill, pid as ownPid } from 'node:process'
import type { RolecastError } from '../../errors.js'
import { oneLine } from '../api/api-error.js'
import { ownValue } from '../../record.js'

/** Makes the error for a file that cannot be used, from the reason and the next step. */
export type Unusable = (what: string, next: string, cause?: unknown) => RolecastError

export const OTHER_FILE = 'give the path of another file'

/** The holder of a lock, as written in the lock. */
interface Holder {
  readonly pid: number
  readonly host: string
  readonly id: string
}

/** The locks of this process. A lock with its pid and none of these ids is of an earlier process with that pid. */
const held = new Set<string>()

/** Takes `PATH.lock`, and returns the function that releases it. */
export async function lock(path: string, unusable: Unusable): Promise<() => Promise<void>> {
  const file = `${path}.lock`
  const holder: Holder = { pid: ownPid, host: hostname(), id: randomUUID() }
  // Before anything else in this process can see the lock.
  held.add(holder.id)
  try {
    await take(file, JSON.stringify(holder), unusable)
  } catch (cause) {
    held.delete(holder.id)
    throw cause
  }
  return async () => {
    await rm(file, { force: true })
    held.delete(holder.id)
  }
}

/**
 * Creates this file with this text, which only one process can do. If the file is there and its holder has ended, then
 * only the process that creates a second file, a claim named after that holder's id, may replace it, by renaming the claim.
 * A claim can come late, when another process has replaced the lock already, so the lock is read again. A claim that was
 * left behind is taken over in the same way.
 */
async function take(file: string, text: string, unusable: Unusable): Promise<void> {
  if (await create(file, text)) return
  const found = await readFile(file, 'utf8').catch(() => '')
  const holder = parseHolder(found)
  if (holder === undefined || !isGone(holder)) throw inUse(file, holder, unusable)
  const claim = `${file}.${holder.id}`
  await take(claim, text, unusable)
  if ((await readFile(file, 'utf8').catch(() => '')) === found) return rename(claim, file)
  await rm(claim, { force: true })
  throw inUse(file, undefined, unusable)
}

/** False if the file was there already. */
async function create(file: string, text: string): Promise<boolean> {
  const handle = await open(file, 'wx', 0o600).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'EEXIST') throw cause
  })
  if (handle === undefined) return false
  try {
    await handle.writeFile(text)
  } catch (cause) {
    await rm(file, { force: true })
    throw cause
  } finally {
    await handle.close()
  }
  return true
}

/** Undefined for a file that is not a lock, or not yet. */
function parseHolder(text: string): Holder | undefined {
  const found = parseJson(Buffer.from(text))
  if (!isObject(found)) return undefined
  const [pid, host, id] = [ownValue(found, 'pid'), ownValue(found, 'host'), ownValue(found, 'id')]
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof host !== 'string') return undefined
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id)) return undefined
  return { pid: pid as number, host, id }
}

/** Whether the holder has certainly ended. */
function isGone({ pid, host, id }: Holder): boolean {
  if (host !== hostname()) return false
  if (pid === ownPid) return !held.has(id)
  try {
    kill(pid, 0)
    return false
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

function inUse(file: string, holder: Holder | undefined, unusable: Unusable): RolecastError {
  const who = holder === undefined ? 'another process' : `process ${holder.pid} on ${oneLine(holder.host)}`
  return unusable(
    `it is in use by ${who}`,
    `wait until it ends or ${OTHER_FILE}; if no process uses it, remove ${quote(file)}`,
  )
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for anything but JSON in UTF-8. */
export function parseJson(bytes: Buffer): unknown {
  try {
    return JSON.parse(UTF_8.decode(bytes))
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
