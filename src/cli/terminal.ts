import type { Readable, Writable } from 'node:stream'

/** What a command sees of the process that runs it. */
export interface Terminal {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Whether stdout takes colour. */
  readonly color: boolean
  /** Aborts when the user interrupts; who calls it has to end then, for the process does not any more. */
  readonly interrupted: () => AbortSignal
}

/** 0: it ran. 1: it ran, and the answer is no. 2: it could not run. */
export type ExitCode = 0 | 1 | 2

/** Writes text, and waits until it is gone: rejects with the stream's error when nobody can read it. */
export async function write(stream: Writable, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(text, error => (error ? reject(new WriteError(error)) : resolve()))
  })
}

/** Output that could not be written. */
export class WriteError extends Error {
  override readonly name = 'WriteError'
  readonly code: string | undefined

  constructor(override readonly cause: NodeJS.ErrnoException) {
    super(cause.message)
    this.code = cause.code
  }
}
