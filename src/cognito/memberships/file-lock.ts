import { randomUUID } from 'node:crypto'
import { open, readFile, rename, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { kill, pid as ownPid } from 'node:process'
import { RolecastError } from '../../errors.js'
import { oneLine } from '../api/api-error.js'
import { ownValue } from '../../record.js'
import { type Unusable, parse, isObject, OTHER_FILE } from './checkpoint.js'

/** Who has a lock, as the lock says. */
interface Holder {
  readonly pid: number
  readonly host: string
  readonly id: string
}

/** The locks of this process: a lock with its number and none of these ids is of an earlier process with that number. */
const held = new Set<string>()

/** Takes `PATH.lock`, and gives what lets go of it. */
export async function lock(path: string, unusable: Unusable): Promise<() => Promise<void>> {
  const file = `${path}.lock`
  const holder: Holder = { pid: ownPid, host: hostname(), id: randomUUID() }
  // Before anybody in this process can see the lock.
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
 * Makes this file with this text, which only one can do. If it is there and its holder is gone, then whoever makes a
 * second file, a claim named after the id of that holder, alone may replace it, by renaming the claim. A claim can come
 * late, when another has replaced the lock already, so it looks again. A claim that was left behind is taken over alike.
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

/** Whether there was no such file. */
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

/** Undefined for what is no lock, or not yet. */
function parseHolder(text: string): Holder | undefined {
  const found = parse(Buffer.from(text))
  if (!isObject(found)) return undefined
  const [pid, host, id] = [ownValue(found, 'pid'), ownValue(found, 'host'), ownValue(found, 'id')]
  if (!Number.isSafeInteger(pid) || (pid as number) <= 0 || typeof host !== 'string') return undefined
  if (typeof id !== 'string' || !/^[0-9a-f-]{36}$/.test(id)) return undefined
  return { pid: pid as number, host, id }
}

/** Whether it is certain that the holder does not run any more. */
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
  const who = holder === undefined ? 'somebody else' : `process ${holder.pid} on ${oneLine(holder.host)}`
  return unusable(`it is in use by ${who}`, `wait for its end or ${OTHER_FILE}; if nobody uses it, remove \`${file}\``)
}
