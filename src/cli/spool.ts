import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { temporaryError, willRemove } from './temporary.js'

/** Stores text that is needed later and is too long for memory. */
export interface Spool extends AsyncDisposable {
  /** A string, or the same in UTF-8. */
  write(text: string | Buffer): Promise<void>
  /** Everything that was written. */
  read(): AsyncIterable<string>
}

/**
 * A temporary file without a name: no other user can read it, and it is gone with the process.
 *
 * @throws RolecastError `invalid-argument`, also from `write` and `read`: the temporary folder cannot be used
 */
export async function spool(): Promise<Spool> {
  const path = join(tmpdir(), `rolecast-${randomUUID()}`)
  const forget = willRemove(path)
  const file = await open(path, 'wx+', 0o600).catch(failed)
  await rm(path).catch(failed)
  forget()
  return {
    write: text => file.writeFile(text).catch(failed),
    async *read() {
      try {
        yield* file.createReadStream({ start: 0, autoClose: false, encoding: 'utf8' })
      } catch (cause) {
        failed(cause)
      }
    },
    [Symbol.asyncDispose]: () => file.close(),
  }
}

/** Fails as a spool would if the temporary folder cannot be used. */
export async function checkSpool(): Promise<void> {
  await using probe = await spool()
  await probe.write(' '.repeat(PROBE))
}

/** Enough bytes to need a block on the disk. */
const PROBE = 4_096

function failed(cause: unknown): never {
  throw temporaryError(cause)
}
