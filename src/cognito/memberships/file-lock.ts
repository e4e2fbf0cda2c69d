import { open, readFile, rename, rm } from 'node:fs/promises'
import type { RolecastError } from '../../errors.js'
import { describeHolder, type LockHolder, newHolder, stateOf, toHolder } from './lock-holder.js'

/** Makes the error for a file that cannot be used, from the reason and the next step. */
export type Unusable = (what: string, next: string, cause?: unknown) => RolecastError

export const OTHER_FILE = 'give the path of another file'

export interface LockOptions {
  readonly unusable: Unusable
  /** Milliseconds since the epoch. */
  readonly now: number
  /** Also takes the lock of a process whose state is unknown. Never that of a process that is known to run. */
  readonly takeOver: boolean
}

export interface FileLock {
  /** False once another process has taken over the lock, or the lock was removed. */
  isHeld(): Promise<boolean>
  /** Throws if it is not held. */
  check(): Promise<void>
  /** Removes the lock if it is held. */
  release(): Promise<void>
}

/** Takes `PATH.lock`. */
export async function lock(path: string, options: LockOptions): Promise<FileLock> {
  const file = `${path}.lock`
  const text = JSON.stringify(await newHolder(options.now))
  const isHeld = async () => (await textOf(file)) === text
  await take(file, text, options)
  // A process that took over an empty lock could not see which process was creating it.
  if (!(await isHeld())) throw await inUse(file, options)
  return {
    isHeld,
    async check() {
      if (await isHeld()) return
      const holder = parseHolder(await textOf(file))
      const what = holder === undefined ? 'its lock was removed' : `${describeHolder(holder)} took over its lock`
      throw options.unusable(`${what} while it was in use`, 'let one command use it at a time')
    },
    async release() {
      if (await isHeld()) await rm(file, { force: true })
    },
  }
}

/**
 * Creates this file with this text, which only one process can do. If the file is there and may be taken over, then
 * only the process that creates a second file, a claim named after that holder's id, may replace it, by renaming the
 * claim. A claim can come late, when another process has replaced the lock already, so the lock is read again. A claim
 * that was left behind is taken over in the same way.
 */
async function take(file: string, text: string, options: LockOptions): Promise<void> {
  if (await create(file, text)) return
  const found = await textOf(file)
  const holder = parseHolder(found)
  if (found === undefined || !(await mayTakeOver(holder, options))) throw await inUse(file, options)
  const claim = `${file}.${holder?.id ?? 'unknown'}`
  await take(claim, text, options)
  if ((await textOf(file)) === found) return rename(claim, file)
  await rm(claim, { force: true })
  throw await inUse(file, options)
}

async function mayTakeOver(holder: LockHolder | undefined, { takeOver }: LockOptions): Promise<boolean> {
  const state = holder === undefined ? 'unknown' : await stateOf(holder)
  return state === 'ended' || (state === 'unknown' && takeOver)
}

/** Undefined for a file that is not there. */
async function textOf(file: string): Promise<string | undefined> {
  return readFile(file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== 'ENOENT') throw cause
    return undefined
  })
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
function parseHolder(text: string | undefined): LockHolder | undefined {
  const found = text === undefined ? undefined : parseJson(Buffer.from(text))
  return isObject(found) ? toHolder(found) : undefined
}

async function inUse(file: string, { unusable }: LockOptions): Promise<RolecastError> {
  const holder = parseHolder(await textOf(file))
  if (holder === undefined) return unusable('it is in use by another process', `wait until that ends${OR_TAKE_OVER}`)
  const isRunning = (await stateOf(holder)) === 'running'
  const next = isRunning ? `wait until it ends or ${OTHER_FILE}` : `wait until it ends${OR_TAKE_OVER}`
  const doubt = isRunning ? '' : ', and it cannot be seen from here whether that process still runs'
  return unusable(`it is in use by ${describeHolder(holder)}${doubt}`, next)
}

const OR_TAKE_OVER = `, ${OTHER_FILE}, or set \`takeOver\` if it has ended already`

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
