import { hash } from 'node:crypto'
import { type FileHandle, open, realpath, rm } from 'node:fs/promises'
import { isDeepStrictEqual } from 'node:util'
import { isRolecastError, quote, RolecastError } from '../../errors.js'
import { oneLine } from '../api/api-error.js'
import { ownValue } from '../../record.js'
import { durationText } from './duration.js'
import { type FileLock, isObject, lock, OTHER_FILE, parseJson, type Unusable } from './file-lock.js'

/**
 * A journal of what was read so far, so that hours of reading survive a kill, a full disk or a power cut.
 *
 * A record whose `append` was awaited survives any kill of the process. After a power cut the newest records may be
 * missing: the file is synced every 64 records and by `flush`, because a sync for each costs more than reading a few
 * again.
 */
export interface Checkpoint {
  /** When this reading began, as an ISO 8601 date. Earlier than now if it is resumed. */
  readonly startedAt: string
  /** Milliseconds from then until the file was opened. */
  readonly age: number
  /** Whether the file had a checkpoint already. */
  readonly resumed: boolean
  /** The records in the order they were appended, one at a time: a file may be larger than the memory. */
  records(): AsyncIterable<unknown>
  /**
   * Adds a record. After a failure every later one fails too: the file may end in half a line, which the next opening cuts
   * off.
   *
   * @param record what JSON can hold, at most 16 MiB of it
   */
  append(record: object): Promise<void>
  /** Waits until everything appended is on disk. */
  flush(): Promise<void>
  /** Closes the file, which can be resumed. Does nothing after `close` or `remove`. */
  close(): Promise<void>
  /** Closes and deletes the file. Does nothing after `close`. */
  remove(): Promise<void>
}

export interface CheckpointOptions {
  /** What is read, as JSON: for example a user pool and a strategy. Nothing secret: it is in the file in plain text. */
  readonly read: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds: what was begun longer ago is not resumed. Infinity resumes everything. */
  readonly maxAge: number
  /**
   * Also takes the lock of a process that cannot be seen from here. Use it only if that process has ended: two
   * processes that write to one file corrupt it.
   *
   * @default false
   */
  readonly takeOver?: boolean | undefined
}

/**
 * Opens a checkpoint, or creates one if the file is missing or empty. Only its owner can read a new file, because it
 * has usernames and attributes of users. An incomplete last line is cut off. A whole line that is missing, repeated,
 * moved or changed is noticed, because each line has the checksum of the one before; only a missing end cannot be, and
 * is read again. `PATH.lock` names the process that has the file open; another process takes the lock over once that
 * process has certainly ended. What cannot be seen to have ended is on another machine, in another container, of an
 * earlier boot, or its pid belongs to another process now: then `takeOver` takes it.
 *
 * On systems other than Linux, not for a folder that machines with the same host name share: there a process on another
 * machine looks like one that has ended.
 *
 * @throws RolecastError `invalid-input` as a rejection, leaving the file as it is, if it is not a checkpoint, of another
 * version or of something else, too old, from the future, damaged before its last line, in use, or cannot be read and written
 */
export async function openCheckpoint(
  path: string,
  { read, now, maxAge, takeOver = false }: CheckpointOptions,
): Promise<Checkpoint> {
  const unusable: Unusable = (what, next, cause) =>
    new RolecastError('invalid-input', `the checkpoint ${quote(path)} cannot be used: ${what}; ${next}`, {
      value: path,
      cause,
    })
  let held: FileLock | undefined
  let handle: FileHandle | undefined
  try {
    // A file with two names has one lock.
    const file = await realpath(path).catch(() => path)
    held = await lock(file, { unusable, now: now(), takeOver })
    handle = await open(file, 'a+', 0o600)
    if (!(await handle.stat()).isFile()) throw unusable('it is not a file', OTHER_FILE)
    const journal = await recover(handle, { read, now: now(), maxAge }, unusable)
    return toCheckpoint(file, handle, journal, held, unusable)
  } catch (cause) {
    await handle?.close()
    await held?.release()
    throw toFailure(cause, unusable)
  }
}

/** The content of a checkpoint, for readers that never write. */
export interface CheckpointContent extends Pick<Checkpoint, 'startedAt' | 'records'> {
  /** What is read, as the options of `openCheckpoint` had it. */
  readonly read: object
  close(): Promise<void>
}

/**
 * Opens a checkpoint of any reading for inspection: takes no lock, and changes nothing. Not for resuming a reading.
 *
 * @throws RolecastError `invalid-input` as a rejection, from `records` too: it is not a checkpoint, of another version,
 * damaged, or its last line is cut off
 */
export async function readCheckpoint(path: string): Promise<CheckpointContent> {
  const unusable: Unusable = (what, next, cause) =>
    new RolecastError('invalid-input', `the checkpoint ${quote(path)} cannot be used: ${what}; ${next}`, {
      value: path,
      cause,
    })
  let handle: FileHandle | undefined
  try {
    const file = await open(path, 'r')
    handle = file
    const { size } = await file.stat()
    const lines = linesOf(file, size, unusable)
    const first = await lines.next()
    await lines.return()
    if (first.done) throw foreign(unusable)
    const { startedAt, read } = headerOf(first.value, unusable)
    return { startedAt, read, records: () => recordsOf(file, size, unusable), close: () => file.close() }
  } catch (cause) {
    await handle?.close()
    throw toFailure(cause, unusable)
  }
}

const OTHER_FILE_OR_REMOVE = `${OTHER_FILE}, or remove this one to start again`

function toFailure(cause: unknown, unusable: Unusable): RolecastError {
  if (isRolecastError(cause)) return cause
  const { code = 'error' } = cause as NodeJS.ErrnoException
  const full = ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(code)
  const first = full ? 'make room' : 'check the path and the disk'
  return unusable(
    `it cannot be read or written (${code})`,
    `${first}, then run the same again: it resumes from this file`,
    cause,
  )
}

const APPENDS_PER_SYNC = 64

function toCheckpoint(
  path: string,
  handle: FileHandle,
  journal: Journal,
  held: FileLock,
  unusable: Unusable,
): Checkpoint {
  let { size, last } = journal
  let unsynced = 0
  let appended = Promise.resolve()
  let ended: Promise<void> | undefined

  async function write(line: Buffer): Promise<void> {
    if (ended === undefined) await held.check()
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
      // Before the lock, so that the next process to take it creates a file of its own.
      if (removing && (await held.isHeld())) await rm(path, { force: true })
      await held.release()
    }
  }

  const fails = (cause: unknown): never => {
    throw toFailure(cause, unusable)
  }

  return {
    startedAt: journal.startedAt,
    age: journal.age,
    resumed: journal.resumed,
    records: () => recordsOf(handle, size, unusable),
    async append(record) {
      const { line, own } = frame(JSON.stringify(record), last)
      if (line.length > MAX_LINE_BYTES) {
        const message = `a record of ${line.length} bytes is too long for a checkpoint; append it in parts`
        throw new RolecastError('invalid-input', message, { value: record })
      }
      last = own
      appended = appended.then(() => write(line))
      await appended.catch(fails)
    },
    flush: () => flush().catch(fails),
    close: () => (ended ??= end(false)).catch(fails),
    remove: () => (ended ??= end(true)).catch(fails),
  }
}

/** The intact part of a file. */
interface Journal {
  readonly startedAt: string
  /** In milliseconds. */
  readonly age: number
  readonly resumed: boolean
  /** In bytes. */
  readonly size: number
  /** The hash of its last line. */
  readonly last: string
}

interface Wanted {
  readonly read: object
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly maxAge: number
}

interface Header {
  readonly rolecast: 'checkpoint'
  readonly version: typeof VERSION
  readonly startedAt: string
  readonly read: object
}

const VERSION = 3

/** As JSON gives it back: without what is undefined. */
function newHeader({ read, now }: Wanted): Header {
  return JSON.parse(
    JSON.stringify({ rolecast: 'checkpoint', version: VERSION, startedAt: new Date(now).toISOString(), read }),
  )
}

/** How every header begins, whatever is cut off. */
const MARK = Buffer.from('{"rolecast":"checkpoint",')

/** Reads a whole file, cuts off a torn last line, and writes the first line of a new file. */
async function recover(handle: FileHandle, wanted: Wanted, unusable: Unusable): Promise<Journal> {
  const header = newHeader(wanted)
  const firstLine = Buffer.from(`${JSON.stringify(header)}\n`)
  const { size } = await handle.stat()
  let found: { readonly startedAt: string; readonly age: number } | undefined
  let intact = 0
  let last = hashOfHeader(firstLine)
  let torn: Pick<Line, 'number' | 'start'> | undefined
  for await (const line of linesOf(handle, size, unusable)) {
    if (torn !== undefined) throw damaged(torn, unusable)
    if (line.number === 1 && isTornHeader(line, firstLine)) torn = line
    else if (line.number === 1) {
      found = checkHeader(line, header, wanted, unusable)
      last = hashOfHeader(line.bytes)
    } else {
      const parts = partsOf(line)
      if (parts === undefined) torn = line
      else if (parts.after !== last) throw outOfPlace(line, unusable)
      else last = parts.own
    }
    if (torn === undefined) intact = line.start + line.bytes.length
  }
  if (intact < size) await handle.truncate(intact)
  if (found !== undefined) return { ...found, resumed: true, size: intact, last }
  await handle.appendFile(firstLine)
  await handle.datasync()
  return {
    startedAt: header.startedAt,
    age: 0,
    resumed: false,
    size: firstLine.length,
    last: hashOfHeader(firstLine),
  }
}

/** A file of ours that ends within its first line has nothing in it. */
function isTornHeader({ bytes }: Line, firstLine: Buffer): boolean {
  return bytes.length < firstLine.length && bytes.at(-1) !== NEWLINE && bytes.subarray(0, MARK.length).equals(MARK)
}

/** The first line of a checkpoint of this version. */
function headerOf({ bytes }: Line, unusable: Unusable): Pick<Header, 'startedAt' | 'read'> {
  const found = bytes.at(-1) === NEWLINE ? parseJson(bytes) : undefined
  if (!isObject(found) || ownValue(found, 'rolecast') !== 'checkpoint') throw foreign(unusable)
  const version = ownValue(found, 'version')
  if (version !== VERSION)
    throw unusable(
      `its version is ${quote(version)}, and this rolecast reads only version ${VERSION}`,
      OTHER_FILE_OR_REMOVE,
    )
  const startedAt = ownValue(found, 'startedAt')
  const read = ownValue(found, 'read')
  if (!isDate(startedAt) || !isObject(read)) throw foreign(unusable)
  return { startedAt, read }
}

/** The date in the first line, if the file is a checkpoint of the same thing, and not too old. */
function checkHeader(line: Line, { read }: Header, { now, maxAge }: Wanted, unusable: Unusable) {
  const { startedAt, read: foundRead } = headerOf(line, unusable)
  const differences = [...new Set([...Object.keys(foundRead), ...Object.keys(read)])]
    .filter(key => !isDeepStrictEqual(ownValue(foundRead, key), ownValue(read, key)))
    .map(
      key =>
        `${quote(key)} is ${inWords(ownValue(foundRead, key))} in the file and ${inWords(ownValue(read, key))} now`,
    )
  if (differences.length > 0)
    throw unusable(`it is from another audit (${differences.join(', ')})`, OTHER_FILE_OR_REMOVE)
  const age = now - Date.parse(startedAt)
  if (age < 0) {
    const here = new Date(now).toISOString()
    throw unusable(
      `its start is in the future (${startedAt}, and the clock of this machine says ${here})`,
      'set the clock, or remove the file to start again',
    )
  }
  if (age > maxAge) {
    throw unusable(
      `its data was read from ${startedAt} on, ${durationText(age)} ago, and the limit is ${durationText(maxAge)}`,
      'remove it to start again, or raise `maxCheckpointAge`',
    )
  }
  return { startedAt, age }
}

/** Whether this is a date exactly as `toISOString` writes it. */
function isDate(value: unknown): value is string {
  if (typeof value !== 'string') return false
  const time = Date.parse(value)
  return Number.isFinite(time) && new Date(time).toISOString() === value
}

function inWords(value: unknown): string {
  return value === undefined ? 'not given' : `${quote(oneLine(JSON.stringify(value)))}`
}

function foreign(unusable: Unusable): RolecastError {
  return unusable('it is not a checkpoint, and was not changed', OTHER_FILE)
}

function damaged({ number, start }: Pick<Line, 'number' | 'start'>, unusable: Unusable): RolecastError {
  return unusable(
    `its line ${number} is damaged`,
    `truncate the file to ${start} bytes to resume from there, or remove it to start again`,
  )
}

/** An intact line in the wrong place. */
function outOfPlace({ number, start }: Pick<Line, 'number' | 'start'>, unusable: Unusable): RolecastError {
  return unusable(
    `its line ${number} does not follow the line before it: a line was removed, repeated, moved or changed`,
    `truncate the file to ${start} bytes to resume from there, or remove it to start again`,
  )
}

interface Line {
  /** From 1. */
  readonly number: number
  /** Its first byte's offset in the file. */
  readonly start: number
  /** With the line feed, which only the last line may lack. Valid until the next line is read. */
  readonly bytes: Buffer
}

const NEWLINE = 0x0a
/** Bounds the memory for a file without line feeds. */
const MAX_LINE_BYTES = 2 ** 24

/** The lines of the first `size` bytes. Needs memory for the longest line. */
async function* linesOf(handle: FileHandle, size: number, unusable: Unusable): AsyncGenerator<Line, void> {
  let buffer = Buffer.alloc(2 ** 16)
  let filled = 0
  let number = 1
  let start = 0
  while (start + filled < size) {
    if (filled === MAX_LINE_BYTES) throw number === 1 ? foreign(unusable) : damaged({ number, start }, unusable)
    if (filled === buffer.length) buffer = Buffer.concat([buffer], buffer.length * 2)
    const position = start + filled
    const { bytesRead } = await handle.read(buffer, filled, Math.min(buffer.length - filled, size - position), position)
    if (bytesRead === 0)
      throw unusable(
        'it was truncated while it was being read',
        'check what else writes to it, then run the same again',
      )
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

/**
 * A line is JSON with two checksums: its own, because after a power cut a line of the right length can have any
 * content, and that of the line before, because a line in the wrong place is intact.
 */
function frame(record: string, after: string): { readonly line: Buffer; readonly own: string } {
  const content = `"after":"${after}","record":${record}}`
  const own = checksum(content)
  return { line: Buffer.from(`{"hash":"${own}",${content}\n`), own }
}

const CHECKSUM = '[A-Za-z0-9_-]{16}'
const BEFORE_CONTENT = `{"hash":"${'x'.repeat(16)}",`.length
const BEFORE_RECORD = BEFORE_CONTENT + `"after":"${'x'.repeat(16)}","record":`.length
const PREFIX = new RegExp(`^\\{"hash":"(${CHECKSUM})","after":"(${CHECKSUM})","record":$`)

/** 96 bits of SHA-256: enough for accidents, and short in a file of a million lines. */
function checksum(content: string | Buffer): string {
  return hash('sha256', content, 'base64url').slice(0, 16)
}

/** The records of the first `size` bytes, one at a time. */
async function* recordsOf(handle: FileHandle, size: number, unusable: Unusable): AsyncGenerator<unknown, void> {
  try {
    let before = ''
    for await (const line of linesOf(handle, size, unusable)) {
      if (line.number === 1) before = hashOfHeader(line.bytes)
      else {
        if (line.bytes.at(-1) !== NEWLINE) throw unusable('its last line is cut off', RESUME)
        const { record, own } = recordOf(line, before, unusable)
        before = own
        yield record
      }
    }
  } catch (cause) {
    throw toFailure(cause, unusable)
  }
}

const RESUME = 'resume the audit that writes it, which reads the rest'

function hashOfHeader(firstLine: Buffer): string {
  return checksum(firstLine.subarray(0, -1))
}

interface LineParts {
  readonly own: string
  /** The checksum of the line before. */
  readonly after: string
  readonly record: Buffer
}

/** Undefined for a line that `frame` did not write. */
function partsOf({ bytes }: Line): LineParts | undefined {
  const [, own, after] = PREFIX.exec(bytes.toString('latin1', 0, BEFORE_RECORD)) ?? []
  if (own === undefined || after === undefined || bytes.at(-1) !== NEWLINE) return undefined
  if (checksum(bytes.subarray(BEFORE_CONTENT, -1)) !== own) return undefined
  return { own, after, record: bytes.subarray(BEFORE_RECORD, -2) }
}

function recordOf(line: Line, before: string, unusable: Unusable) {
  const parts = partsOf(line)
  const record = parts && parseJson(parts.record)
  if (parts === undefined || record === undefined) throw damaged(line, unusable)
  if (parts.after !== before) throw outOfPlace(line, unusable)
  return { record, own: parts.own }
}
