import { once } from 'node:events'
import type { Readable, Writable } from 'node:stream'

/** What a command sees of the process that runs it. */
export interface Terminal {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Whether stdout takes colour. */
  readonly color: boolean
}

/** 0: it ran. 1: it ran, and the answer is no. 2: it could not run. */
export type ExitCode = 0 | 1 | 2

/** Writes text, and waits while the reader on the other side is behind. */
export async function write(stream: Writable, text: string): Promise<void> {
  if (!stream.write(text)) await once(stream, 'drain')
}
