import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm, rmdir } from 'node:fs/promises'
import { join } from 'node:path'
import { isRolecastError, quote, RolecastError } from '../../errors.js'
import { type Checkpoint, openCheckpoint } from './checkpoint.js'

/**
 * What an audit of several pools keeps until its output is complete: a journal of what is finished, a checkpoint for
 * each pool that is being read, and the lines of each pool that is.
 */
export interface AccountFolder {
  /** Whether it has what an earlier audit read. */
  readonly resumed: boolean
  /** The records of the journal, in the order in which they were added. */
  records(): AsyncIterable<unknown>
  /** A record that was awaited survives a kill. */
  append(record: object): Promise<void>
  /** Where the checkpoint of a pool goes. */
  checkpointOf(pool: PoolPlace): string
  /** Starts the lines of a pool. What was written of them before does not count. */
  startPart(pool: PoolPlace): Promise<Part>
  /**
   * The lines of a pool that is finished.
   *
   * @throws RolecastError `invalid-input` for a file that is not the one that was written
   */
  readPart(pool: PoolPlace, stamp: PartStamp): AsyncIterable<string>
  /** Removes everything, once the output is complete. */
  remove(): Promise<void>
  close(): Promise<void>
}

/** A pool, and where it is. */
export interface PoolPlace {
  readonly account: string
  readonly region: string
  readonly userPoolId: string
}

/** What a part was when it was finished. */
export interface PartStamp {
  readonly bytes: number
  readonly sha256: string
}

export interface Part {
  write(text: string): Promise<void>
  /** All lines are written, and on the disk. */
  finish(): Promise<PartStamp>
  /** Does nothing after `finish`. */
  discard(): Promise<void>
}

export interface AccountFolderOptions {
  /** What is read, as JSON. Nothing secret: it is in the folder in plain text. */
  readonly read: Readonly<Record<string, unknown>>
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Milliseconds: what was begun longer ago is not resumed. */
  readonly maxAge: number
  readonly takeOver?: boolean | undefined
}

const JOURNAL = 'account.checkpoint'
/** The names of its files: `ACCOUNT.REGION.POOL.part`. A user pool id has letters, digits, `-` and `_` only. */
const OWN =
  /^(?:account\.checkpoint(?:\.lock.*)?|\d{12}\.[a-z\d-]{1,40}\.[\w-]{1,55}\.(?:checkpoint(?:\.lock.*)?|part|part\.new))$/

/**
 * Opens a folder, or makes one that only its owner can read: it has usernames.
 *
 * @throws RolecastError `invalid-input` as a rejection for a folder with other files in it, for what an audit of something
 * else, of another version or of too long ago has left, and where it cannot be read and written
 */
export async function openAccountFolder(
  path: string,
  { read, now, maxAge, takeOver }: AccountFolderOptions,
): Promise<AccountFolder> {
  await guarded(path, async () => {
    await mkdir(path, { recursive: true, mode: 0o700 })
    const other = (await readdir(path)).find(name => !OWN.test(name))
    if (other !== undefined)
      throw new RolecastError(
        'invalid-input',
        `the folder ${quote(path)} has ${quote(other)} in it, which is not from an audit; give a folder that only audits use`,
        { value: path },
      )
  })
  const journal = await openCheckpoint(join(path, JOURNAL), { read, now, maxAge, takeOver })
  try {
    // Without a journal, what is there is of an audit whose output was complete.
    if (!journal.resumed) await guarded(path, () => removeParts(path))
  } catch (error) {
    await journal.close()
    throw error
  }
  return toFolder(path, journal)
}

function toFolder(path: string, journal: Checkpoint): AccountFolder {
  const fileOf = ({ account, region, userPoolId }: PoolPlace, kind: string) =>
    join(path, `${account}.${region}.${userPoolId}.${kind}`)
  return {
    resumed: journal.resumed,
    records: () => journal.records(),
    async append(record) {
      await journal.append(record)
      await journal.flush()
    },
    checkpointOf: pool => fileOf(pool, 'checkpoint'),
    startPart: pool => guarded(path, () => startPart(fileOf(pool, 'part'), path)),
    readPart: (pool, stamp) => readPart(fileOf(pool, 'part'), stamp),
    async remove() {
      // The journal first: without it, the rest counts for nothing.
      await journal.remove()
      await guarded(path, () => removeParts(path))
      await rmdir(path).catch(() => {})
    },
    close: () => journal.close(),
  }
}

async function removeParts(path: string): Promise<void> {
  for (const name of await readdir(path))
    if (OWN.test(name) && !name.startsWith(JOURNAL)) await rm(join(path, name), { force: true })
}

async function startPart(target: string, path: string): Promise<Part> {
  const draft = `${target}.new`
  const file: FileHandle = await open(draft, 'w', 0o600)
  const hash = createHash('sha256')
  let bytes = 0
  let finished = false
  return {
    write: text =>
      guarded(path, async () => {
        const chunk = Buffer.from(text)
        await file.appendFile(chunk)
        hash.update(chunk)
        bytes += chunk.length
      }),
    finish: () =>
      guarded(path, async () => {
        await file.sync()
        await file.close()
        await rename(draft, target)
        finished = true
        return { bytes, sha256: hash.digest('hex') }
      }),
    async discard() {
      if (finished) return
      await file.close().catch(() => {})
      await rm(draft, { force: true })
    },
  }
}

async function* readPart(path: string, stamp: PartStamp): AsyncGenerator<string> {
  const changed = (cause?: unknown) =>
    new RolecastError(
      'invalid-input',
      `the file ${quote(path)} is not the one that the audit wrote; remove the folder to start again`,
      { value: path, cause },
    )
  const hash = createHash('sha256')
  let bytes = 0
  const decoder = new TextDecoder()
  try {
    for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>) {
      hash.update(chunk)
      bytes += chunk.length
      yield decoder.decode(chunk, { stream: true })
    }
  } catch (cause) {
    throw isRolecastError(cause) ? cause : changed(cause)
  }
  if (bytes !== stamp.bytes || hash.digest('hex') !== stamp.sha256) throw changed()
}

async function guarded<T>(path: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (cause) {
    if (isRolecastError(cause)) throw cause
    const { code = 'error' } = cause as NodeJS.ErrnoException
    throw new RolecastError(
      'invalid-input',
      `the folder ${quote(path)} cannot be read or written (${code}); check the path and the disk`,
      { value: path, cause },
    )
  }
}
