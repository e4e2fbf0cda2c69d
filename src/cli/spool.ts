import { randomUUID } from 'node:crypto'
import { open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A place for text that is too long to be kept in memory, and has to wait. */
export interface Spool extends AsyncDisposable {
  write(text: string): Promise<void>
  /** All that was written. */
  read(): AsyncIterable<string>
}

/** A temporary file without a name: no other user can read it, and it is gone with the process. */
export async function spool(): Promise<Spool> {
  const path = join(tmpdir(), `rolecast-${randomUUID()}`)
  const file = await open(path, 'wx+', 0o600)
  await rm(path)
  return {
    write: async text => void (await file.writeFile(text)),
    read: () => file.createReadStream({ start: 0, autoClose: false, encoding: 'utf8' }),
    [Symbol.asyncDispose]: () => file.close(),
  }
}
