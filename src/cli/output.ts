import { randomUUID } from 'node:crypto'
import { type FileHandle, open, realpath, rename, rm, stat } from 'node:fs/promises'
import { RolecastError, quote } from '../errors.js'
import { type Terminal, write } from './terminal.js'

/** Where a command writes what it was asked for. */
export interface Output {
  write(text: string): Promise<void>
  /** All is written: moves it to its place. */
  finish(): Promise<void>
  /** It will not be whole: nothing of it stays, where that is possible. Does nothing after `finish`. */
  discard(): Promise<void>
}

/**
 * Opens the file that `--output` names, or stdout. A file is written to a temporary one and renamed when complete, so
 * a reader sees the old one or the new one.
 */
async function openOutput(path: string | undefined, terminal: Terminal): Promise<Output> {
  if (path === undefined)
    return { write: text => write(terminal.stdout, text), finish: async () => {}, discard: async () => {} }
  const named =
    <A extends readonly unknown[], T>(act: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      act(...args).catch(cause => {
        throw cannotWrite(path, cause)
      })
  return named(openFile)(path, named)
}

type Named = <A extends readonly unknown[], T>(act: (...args: A) => Promise<T>) => (...args: A) => Promise<T>

async function openFile(path: string, named: Named): Promise<Output> {
  // What a link leads to is replaced, not the link.
  const target = await realpath(path).catch(() => path)
  const old = await stat(target).catch(() => undefined)
  // A device or a pipe is written to, never replaced by a file.
  const inPlace = old !== undefined && !old.isFile()
  const draft = inPlace ? target : `${target}.${randomUUID()}.tmp`
  const file: FileHandle = await open(
    draft,
    inPlace ? 'w' : 'wx',
    old !== undefined && !inPlace ? old.mode & 0o777 : 0o666,
  )
  let finished = false
  return {
    write: named(async text => void (await file.writeFile(text))),
    finish: named(async () => {
      await file.close()
      if (!inPlace) await rename(draft, target)
      finished = true
    }),
    async discard() {
      if (finished) return
      await file.close()
      if (!inPlace) await rm(draft, { force: true })
    },
  }
}

/** Writes to an output, which is in its place if all of that went well. */
export async function withOutput<T>(
  path: string | undefined,
  terminal: Terminal,
  use: (output: Output) => Promise<T>,
): Promise<T> {
  const output = await openOutput(path, terminal)
  try {
    const result = await use(output)
    await output.finish()
    return result
  } finally {
    await output.discard()
  }
}

/** Writes a text that is whole already. */
export async function writeOutput(path: string | undefined, terminal: Terminal, text: string): Promise<void> {
  await withOutput(path, terminal, output => output.write(text))
}

function cannotWrite(path: string, cause: unknown): RolecastError {
  const code = (cause as NodeJS.ErrnoException).code ?? 'error'
  return new RolecastError(
    'invalid-argument',
    `${quote(path)} cannot be written (${code}); name a file in a folder that you can write to`,
    {
      value: path,
      cause,
    },
  )
}
