import { type FileHandle, open, realpath, rm } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { crc32 } from 'node:zlib'
import { isRolecastError, quote, RolecastError } from '../../errors.js'
import { oneLine } from '../api/api-error.js'
import { ownValue } from '../../record.js'
import { lock } from './file-lock.js'

/**
 * A journal of what was read so far, so that hours of reading survive a kill, a full disk or a power cut.
 *
 * A record whose `append` was awaited is there after the process is killed, at any moment and by any signal. After a
 * power cut the newest may be missing: the disk is told to keep them every 64 records and by `flush`, because telling it
 * each time costs more than reading a few again.
 */
export interface Checkpoint {
  /** When the reading that this file is of began, as an ISO 8601 date: earlier than now where it is resumed. */
  readonly startedAt: string
  /** Whether there was something to go on from. */
  readonly resumed: boolean
  /** What is in the file, in the order it was appended, one at a time: a file may be larger than the memory. */
  records(): AsyncIterable<unknown>
  /**
   * Adds a record behind those that were appended before. After a failure every further one fails alike: there may be
   * half a line at the end, which the next opening cuts off.
   *
   * @param record what JSON can hold, at most 16 MiB of it
   */
  append(record: object): Promise<void>
  /** Waits until the disk has what was appended. */
  flush(): Promise<void>
  /** Lets go of the file, which stays to be resumed. After `close` or `remove` it does nothing. */
  close(): Promise<void>
  /** Instead of `close`, once the file is not needed any more. After `close` it does nothing. */
  remove(): Promise<void>
}

export interface CheckpointOptions {
  /**
   * What is read, for example a user pool, a region and a way to read it, as JSON. Nothing secret: the file has it as it
   * is.
   */
  readonly read: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  readonly now: () => number
}

/**
 * Opens a checkpoint, or begins one where there is no file or an empty one; a new file only its owner may read, for it
 * has usernames. A last line that was torn is cut off. Nobody else may open it meanwhile: `PATH.lock` names the process
 * that has it, and is taken over once that process is gone.
 *
 * Not for a folder that several machines or containers of the same host name share: there a process that is elsewhere
 * looks like one that is gone.
 *
 * @throws RolecastError as a rejection, `invalid-input`, and leaves the file as it is: it is no checkpoint, or one of
 * another version or of something else, it is damaged before its last line, it is in use, or cannot be read and written
 */
export async function openCheckpoint(path: string, { read, now }: CheckpointOptions): Promise<Checkpoint> {
  const unusable: Unusable = (what, next, cause) =>
    new RolecastError('invalid-input', `the checkpoint \`${path}\` cannot be used: ${what}; ${next}`, {
      value: path,
      cause,
    })
  let release: (() => Promise<void>) | undefined
  let handle: FileHandle | undefined
  try {
    // A file with two names has one lock.
    const file = await realpath(path).catch(() => path)
    release = await lock(file, unusable)
    handle = await open(file, 'a+', 0o600)
    if (!(await handle.stat()).isFile()) throw unusable('it is not a file', OTHER_FILE)
    const journal = await recover(handle, newHeader(read, now), unusable)
    return toCheckpoint(file, handle, journal, release, unusable)
  } catch (cause) {
    await handle?.close()
    await release?.()
    throw toFailure(cause, unusable)
  }
}

/** Makes the error for a checkpoint that cannot be used: what is the matter, and what to do next. */
export type Unusable = (what: string, next: string, cause?: unknown) => RolecastError

export const OTHER_FILE = 'give the path of another file'
const OTHER_FILE_OR_REMOVE = `${OTHER_FILE}, or remove this one to begin again`

function toFailure(cause: unknown, unusable: Unusable): RolecastError {
  if (isRolecastError(cause)) return cause
  const { code = 'error' } = cause as NodeJS.ErrnoException
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)
  const first = full ? 'make room' : 'check the path and the disk'
  return unusable(
    `it cannot be read or written (${code})`,
    `${first}, then run the same again: it goes on from what was kept`,
    cause,
  )
}

const APPENDS_PER_SYNC = 64

function toCheckpoint(
  path: string,
  handle: FileHandle,
  journal: Journal,
  release: () => Promise<void>,
  unusable: Unusable,
): Checkpoint {
  let { size } = journal
  let unsynced = 0
  let appended = Promise.resolve()
  let ended: Promise<void> | undefined

  async function write(line: Buffer): Promise<void> {
    await handle.appendFile(line)
    size += line.length
    if (++unsynced === APPENDS_PER_SYNC) await sync()
  }

  async function sync(): Promise<void> {
    unsynced = 0
    await handle.datasync()
  }

  async function flush(): Promise<void> {
    await appended
    await sync()
  }

  async function end(removing: boolean): Promise<void> {
    try {
      if (!removing) await flush()
    } finally {
      await handle.close()
      // Before the lock is: whoever opens it next has a file of their own.
      if (removing) await rm(path, { force: true })
      await release()
    }
  }

  const fails = (cause: unknown): never => {
    throw toFailure(cause, unusable)
  }

  return {
    startedAt: journal.startedAt,
    resumed: journal.resumed,
    async *records() {
      try {
        for await (const line of linesOf(handle, size, unusable)) {
          if (line.number > 1) yield recordOf(line, unusable)
        }
      } catch (cause) {
        fails(cause)
      }
    },
    async append(record) {
      const line = frame(Buffer.from(JSON.stringify(record)))
      if (line.length > LONGEST_LINE) {
        const message = `a record of ${line.length} bytes is too long for a checkpoint; append it in parts`
        throw new RolecastError('invalid-input', message, { value: record })
      }
      appended = appended.then(() => write(line))
      await appended.catch(fails)
    },
    flush: () => flush().catch(fails),
    close: () => (ended ??= end(false)).catch(fails),
    remove: () => (ended ??= end(true)).catch(fails),
  }
}

/** What of a file can be relied on. */
interface Journal {
  readonly startedAt: string
  readonly resumed: boolean
  /** In bytes. */
  readonly size: number
}

interface Header {
  readonly rolecast: 'checkpoint'
  readonly version: 1
  readonly startedAt: string
  readonly read: object
}

/** As JSON gives it back: without what is undefined. */
function newHeader(read: object, now: () => number): Header {
  return JSON.parse(
    JSON.stringify({ rolecast: 'checkpoint', version: 1, startedAt: new Date(now()).toISOString(), read }),
  )
}

/** How every header begins, whatever is cut off. */
const MARK = Buffer.from('{"rolecast":"checkpoint",')

/** Reads a file through, cuts off what was torn at its end, and writes the first line of a new one. */
async function recover(handle: FileHandle, header: Header, unusable: Unusable): Promise<Journal> {
  const firstLine = Buffer.from(`${JSON.stringify(header)}\n`)
  const { size } = await handle.stat()
  let startedAt: string | undefined
  let kept = 0
  let torn: Pick<Line, 'number' | 'start'> | undefined
  for await (const line of linesOf(handle, size, unusable)) {
    if (torn !== undefined) throw damaged(torn, unusable)
    if (line.number === 1 && isTornHeader(line, firstLine)) torn = line
    else if (line.number === 1) startedAt = checkHeader(line, header, unusable)
    else if (payloadOf(line) === undefined) torn = line
    if (torn === undefined) kept = line.start + line.bytes.length
  }
  if (kept < size) await handle.truncate(kept)
  if (startedAt !== undefined) return { startedAt, resumed: true, size: kept }
  await handle.appendFile(firstLine)
  await handle.datasync()
  return { startedAt: header.startedAt, resumed: false, size: firstLine.length }
}

/** Of a file that ends in its first line there is nothing to keep, if it is one of ours. */
function isTornHeader({ bytes }: Line, firstLine: Buffer): boolean {
  return bytes.length < firstLine.length && bytes.at(-1) !== NEWLINE && bytes.subarray(0, MARK.length).equals(MARK)
}

/** The date in the first line, if the file is a checkpoint of the same thing. */
function checkHeader({ bytes }: Line, { read }: Header, unusable: Unusable): string {
  const found = bytes.at(-1) === NEWLINE ? parse(bytes) : undefined
  if (!isObject(found) || ownValue(found, 'rolecast') !== 'checkpoint') throw foreign(unusable)
  const version = ownValue(found, 'version')
  if (version !== 1)
    throw unusable(`it is of version ${quote(version)}, and this rolecast writes version 1`, OTHER_FILE_OR_REMOVE)
  const startedAt = ownValue(found, 'startedAt')
  const foundRead = ownValue(found, 'read')
  if (typeof startedAt !== 'string' || !isObject(foundRead)) throw foreign(unusable)
  const differences = [...new Set([...Object.keys(foundRead), ...Object.keys(read)])]
    .filter(key => !isDeepStrictEqual(ownValue(foundRead, key), ownValue(read, key)))
    .map(key => `\`${key}\` is ${inWords(ownValue(foundRead, key))} there and ${inWords(ownValue(read, key))} here`)
  if (differences.length === 0) return startedAt
  throw unusable(`it is of something else (${differences.join(', ')})`, OTHER_FILE_OR_REMOVE)
}

function inWords(value: unknown): string {
  return value === undefined ? 'not given' : `\`${oneLine(JSON.stringify(value))}\``
}

function foreign(unusable: Unusable): RolecastError {
  return unusable('it is not a checkpoint, and was left as it is', OTHER_FILE)
}

function damaged({ number, start }: Pick<Line, 'number' | 'start'>, unusable: Unusable): RolecastError {
  return unusable(
    `its line ${number} is damaged`,
    `cut the file off after ${start} bytes to go on from there, or remove it to begin again`,
  )
}

interface Line {
  /** From 1. */
  readonly number: number
  /** Where it begins, in bytes from the beginning of the file. */
  readonly start: number
  /** With the line feed, which only the last line may lack. To be used before the next line is asked for. */
  readonly bytes: Buffer
}

const NEWLINE = 0x0a
/** In bytes: no more is held of a file that has no lines. */
const LONGEST_LINE = 2 ** 24

/** The lines of the file's first so many bytes, in memory for the longest of them. */
async function* linesOf(handle: FileHandle, size: number, unusable: Unusable): AsyncGenerator<Line, void> {
  let buffer = Buffer.alloc(2 ** 16)
  let filled = 0
  let number = 1
  let start = 0
  while (start + filled < size) {
    if (filled === LONGEST_LINE) throw number === 1 ? foreign(unusable) : damaged({ number, start }, unusable)
    if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2)
    const position = start + filled
    const { bytesRead } = await handle.read(buffer, filled, Math.min(buffer.length - filled, size - position), position)
    if (bytesRead === 0)
      throw unusable('it was cut off while it was read', 'see what else writes to it, then run the same again')
    filled += bytesRead
    const read = buffer.subarray(0, filled)
    let from = 0
    for (let end = read.indexOf(NEWLINE) + 1; end > 0; end = read.indexOf(NEWLINE, from) + 1) {
      yield { number: number++, start: start + from, bytes: read.subarray(from, end) }
      from = end
    }
    buffer.copyWithin(0, from, filled)
    filled -= from
    start += from
  }
  if (filled > 0) yield { number, start, bytes: buffer.subarray(0, filled) }
}

/** A line is JSON with a checksum of its record's bytes: a power cut can leave a line that is long enough and has anything in it. */
function frame(payload: Buffer): Buffer {
  return Buffer.concat([Buffer.from(before(payload)), payload, Buffer.from(AFTER)])
}

function before(payload: Buffer): string {
  return `{"crc32":"${crc32(payload).toString(16).padStart(8, '0')}","record":`
}

const AFTER = '}\n'
const BEFORE_LENGTH = before(Buffer.alloc(0)).length

/** The bytes of a line's record; undefined for a line that `frame` would not make of them. */
function payloadOf({ bytes }: Line): Buffer | undefined {
  const payload = bytes.subarray(BEFORE_LENGTH, -AFTER.length)
  if (bytes.toString('latin1', 0, BEFORE_LENGTH) !== before(payload)) return undefined
  return bytes.toString('latin1', bytes.length - AFTER.length) === AFTER ? payload : undefined
}

function recordOf(line: Line, unusable: Unusable): unknown {
  const payload = payloadOf(line)
  const record = payload && parse(payload)
  if (record === undefined) throw damaged(line, unusable)
  return record
}

const UTF_8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** Undefined for what is not JSON in UTF-8. */
export function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(UTF_8.decode(bytes))
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
