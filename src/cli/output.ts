import { constants, promises } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isRolecastError, RolecastError, quote } from '../errors.js'
import { createCommandWatch } from '../report/github-log.js'
import { STDIN } from './input-file.js'
import { willRemove } from './temporary.js'
import { print, say, type Terminal, write } from './terminal.js'
import { NO_SPACE } from './write-error.js'

/** Where a command writes what it was asked for. */
export interface Output {
  /** A text, or the same in UTF-8. */
  write(text: string | Buffer): Promise<void>
  /** All is written: moves it to its place. */
  finish(): Promise<void>
  /** It will not be whole: nothing of it stays, where that is possible. Does nothing after `finish`. */
  discard(): Promise<void>
}

export interface OutputTarget {
  /** The file that `--output` names; undefined is stdout. */
  readonly path: string | undefined
  readonly terminal: Terminal
  /**
   * What is written: text for people, data for programs whose bytes are never changed, or commands for the runner of GitHub
   * Actions.
   */
  readonly kind: 'text' | 'data' | 'commands'
  /** Whether users are named in it: a new file is then for its owner only. */
  readonly hasUsers: boolean
  /** The option that names the path, in a message. @default '--output' */
  readonly option?: string | undefined
  /** The files that the command reads, or keeps what it has read in. An output in the place of one would destroy it. */
  readonly inputs?: readonly (string | undefined)[]
}

/**
 * Opens the file that `--output` names, or stdout. A file is written to a temporary one and renamed when complete, so
 * a reader sees the old one or the new one.
 */
async function openOutput(target: OutputTarget): Promise<Output> {
  const { path } = target
  if (path === undefined) return openStdout(target)
  const named =
    <A extends readonly unknown[], T>(act: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      act(...args).catch(cause => {
        throw cannotWrite(path, cause)
      })
  for (const input of target.inputs ?? [])
    if (input !== undefined && input !== STDIN && (await isOneFile(path, input))) throw taken(path, target.option)
  return named(openFile)(path, target.hasUsers, named)
}

/** Whether two paths are of one file, by whatever names; not for devices, of which one may be read and written. */
async function isOneFile(output: string, input: string): Promise<boolean> {
  const [a, b] = await Promise.all(
    [output, input].map(path => promises.stat(path, { bigint: true }).catch(() => undefined)),
  )
  if (a !== undefined && b !== undefined) return a.isFile() && a.dev === b.dev && a.ino === b.ino
  // A checkpoint is removed in the end, when it may not be there yet.
  return a === undefined && b === undefined && (await placeOf(output)) === (await placeOf(input))
}

/** Where a file that is not there yet will be. */
async function placeOf(path: string): Promise<string> {
  const target = await followLink(path).catch(() => path)
  const folder = await promises.realpath(dirname(target)).catch(() => resolve(dirname(target)))
  return join(folder, basename(target))
}

function taken(path: string, option = '--output'): RolecastError {
  return new RolecastError(
    'invalid-argument',
    `${quote(path)} is a file that this command reads or keeps; name another file for ${option}`,
    { value: path },
  )
}

function openStdout({ terminal, kind }: OutputTarget): Output {
  const hasCommand = createCommandWatch()
  let isSaid = !terminal.isGithubLog || kind !== 'data'
  return {
    async write(text) {
      if (kind === 'text') return print(terminal, toText(text))
      if (!isSaid && hasCommand(toText(text))) {
        isSaid = true
        await say(terminal, WARNING)
      }
      await write(terminal.stdout, text)
    },
    finish: terminal.flushed,
    discard: async () => {},
  }
}

function toText(written: string | Buffer): string {
  return typeof written === 'string' ? written : written.toString('utf8')
}

const WARNING =
  'rolecast: a name on stdout looks like a command to GitHub Actions; in a workflow, write this format with --output FILE\n'

type Named = <A extends readonly unknown[], T>(act: (...args: A) => Promise<T>) => (...args: A) => Promise<T>

async function openFile(path: string, hasUsers: boolean, named: Named): Promise<Output> {
  const target = await followLink(path)
  const old = await promises.stat(target).catch(() => undefined)
  // A device or a pipe is written to, never replaced by a file.
  const inPlace = old !== undefined && !old.isFile()
  // A rename would replace a file that is read-only.
  if (old !== undefined) await promises.access(target, constants.W_OK)
  const { randomUUID } = await import('node:crypto')
  const draft = inPlace ? target : `${target}.${randomUUID()}.tmp`
  const forget = inPlace ? () => {} : willRemove(draft)
  const file: FileHandle = await promises.open(
    draft,
    inPlace ? 'w' : 'wx',
    hasUsers || old !== undefined ? 0o600 : 0o666,
  )
  // Not by `open`, which takes away what the umask says. A file system without modes has none to keep.
  if (old !== undefined && !inPlace) await file.chmod(old.mode & 0o777).catch(() => {})
  let finished = false
  return {
    write: named(async text => void (await file.writeFile(text))),
    finish: named(async () => {
      // Some file systems only say here that there was no space.
      if (!inPlace) await file.sync()
      await file.close()
      if (!inPlace) await promises.rename(draft, target)
      forget()
      finished = true
    }),
    async discard() {
      if (finished) return
      await file.close().catch(() => {})
      if (!inPlace) await promises.rm(draft, { force: true })
      forget()
    },
  }
}

/** What a link leads to is replaced, not the link; it may lead to a file that is not there yet. */
async function followLink(path: string): Promise<string> {
  const real = await promises.realpath(path).catch(() => undefined)
  if (real !== undefined) return real
  const link = await promises.lstat(path).catch(() => undefined)
  if (link?.isSymbolicLink() !== true || (await promises.stat(path).catch(() => undefined)) !== undefined) return path
  const next = resolve(await promises.realpath(dirname(path)), await promises.readlink(path))
  const isLink = (await promises.lstat(next).catch(() => undefined))?.isSymbolicLink()
  if (isLink) throw Object.assign(new Error('too many links'), { code: 'ELOOP' })
  return next
}

/** Writes to an output, which is in its place if all of that went well. */
export async function withOutput<T>(target: OutputTarget, use: (output: Output) => Promise<T>): Promise<T> {
  const output = await openOutput(target)
  try {
    const result = await use(output)
    await output.finish()
    return result
  } finally {
    await output.discard()
  }
}

/**
 * Fails as `withOutput` would for a file that cannot be written, and changes nothing: for a command whose output comes after
 * hours. A device or a pipe is not opened, because its reader would take that for the output.
 */
export async function checkOutput(target: OutputTarget): Promise<void> {
  const { path } = target
  if (path === undefined) return
  const old = await promises.stat(path).catch(() => undefined)
  if (old !== undefined && !old.isFile())
    return promises.access(path, constants.W_OK).catch(cause => {
      throw cannotWrite(path, cause)
    })
  const output = await openOutput(target)
  try {
    await output.write(' '.repeat(PROBE))
  } finally {
    await output.discard()
  }
}

/** So many bytes need a block of the disk. */
const PROBE = 4_096

/** Writes a text that is whole already. */
export async function writeOutput(target: OutputTarget, text: string): Promise<void> {
  await withOutput(target, output => output.write(text))
}

function cannotWrite(path: string, cause: unknown): RolecastError {
  if (isRolecastError(cause)) return cause
  const code = (cause as NodeJS.ErrnoException).code ?? 'error'
  const next = NO_SPACE.has(code) ? 'free some space' : 'name a file in a folder that you can write to'
  return new RolecastError('invalid-argument', `${quote(path)} cannot be written (${code}); ${next}`, {
    value: path,
    cause,
  })
}
