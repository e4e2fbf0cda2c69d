import type { Readable, Writable } from 'node:stream'

/** What a command sees of the process that runs it. */
export interface Terminal {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Whether stdout takes colour. */
  readonly color: boolean
  /** Aborts when the user interrupts; the caller must then stop: the default exit is disabled. */
  readonly interrupted: () => AbortSignal
}

/** Whether a stream takes colour. What `NO_COLOR` is set to does not matter: https://no-color.org */
export function takesColor({ isTTY }: Partial<NodeJS.WriteStream>, env: NodeJS.ProcessEnv): boolean {
  return isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
}

/** 0: it ran. 1: it ran, and the check that was asked for failed. 2: it could not run. */
export type ExitCode = 0 | 1 | 2

/** Writes text, and waits until it is gone: rejects with the stream's error when it cannot be written. */
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
