import { constants, promises } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { isRolecastError, RolecastError, quote } from '../errors.js'
import { createCommandWatch } from '../report/github-log.js'
import { STDIN } from './input-file.js'
import { willRemove } from './temporary.js'
import { print, say, type Terminal, write } from './terminal.js'
import { NO_SPACE } from './write-error.js'

/** Where a command writes its output. */
export interface Output {
  /** A string, or the same in UTF-8. */
  write(text: string | Buffer): Promise<void>
  /** Everything is written: moves the file to its final path. */
  finish(): Promise<void>
  /** The output will not be complete: removes what was written, if possible. Does nothing after `finish`. */
  discard(): Promise<void>
}

export interface OutputTarget {
  /** The file that `--output` names; undefined is stdout. */
  readonly path: string | undefined
  readonly terminal: Terminal
  /**
   * What is written: text for people, data for programs whose bytes are never changed, or commands for the runner of
   * GitHub Actions.
   */
  readonly kind: 'text' | 'data' | 'commands'
  /** Whether it names users: only the owner can then read a new file. */
  readonly hasUsers: boolean
  /**
   * The option that names the path, in a message.
   *
   * @default '--output'
   */
  readonly option?: string | undefined
  /** The files that the command reads or saves to. An output with the same path would destroy them. */
  readonly inputs?: readonly (string | undefined)[]
}

/**
 * Opens the file that `--output` names, or stdout. A file is written to a temporary one and renamed when complete, so
 * a reader sees either the old file or the new one.
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

/** Whether two paths name the same file; not for devices, because one device may be read and written. */
async function isOneFile(output: string, input: string): Promise<boolean> {
  const [a, b] = await Promise.all(
    [output, input].map(path => promises.stat(path, { bigint: true }).catch(() => undefined)),
  )
  if (a !== undefined && b !== undefined) return a.isFile() && a.dev === b.dev && a.ino === b.ino
  // A checkpoint is removed in the end, but may not exist yet.
  return a === undefined && b === undefined && (await placeOf(output)) === (await placeOf(input))
}

/** The path of a file that does not exist yet. */
async function placeOf(path: string): Promise<string> {
  const target = await followLink(path).catch(() => path)
  const folder = await promises.realpath(dirname(target)).catch(() => resolve(dirname(target)))
  return join(folder, basename(target))
}

function taken(path: string, option = '--output'): RolecastError {
  return new RolecastError(
    'invalid-argument',
    `${quote(path)} is a file that this command reads or saves to; give ${option} another file`,
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
  // A rename would replace even a read-only file.
  if (old !== undefined) await promises.access(target, constants.W_OK)
  const { randomUUID } = await import('node:crypto')
  const draft = inPlace ? target : `${target}.${randomUUID()}.tmp`
  const forget = inPlace ? () => {} : willRemove(draft)
  const file: FileHandle = await promises.open(
    draft,
    inPlace ? 'w' : 'wx',
    hasUsers || old !== undefined ? 0o600 : 0o666,
  )
  // Not by `open`, which applies the umask. A file system without modes has none to restore.
  if (old !== undefined && !inPlace) await file.chmod(old.mode & 0o777).catch(() => {})
  let finished = false
  return {
    write: named(async text => void (await file.writeFile(text))),
    finish: named(async () => {
      // Some file systems report only here that there was no space.
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

/** Replaces the target of a link, not the link; the target may not exist yet. */
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

/** Writes to an output, and moves it to its final path if everything succeeds. */
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
 * Fails as `withOutput` would if the file cannot be written, and changes nothing: for a command whose output comes
 * after hours. A device or a pipe is not opened, because its reader would take that for the output.
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

/** Enough bytes to need a block on the disk. */
const PROBE = 4_096

/** Writes a complete text. */
export async function writeOutput(target: OutputTarget, text: string): Promise<void> {
  await withOutput(target, output => output.write(text))
}

function cannotWrite(path: string, cause: unknown): RolecastError {
  if (isRolecastError(cause)) return cause
  const code = (cause as NodeJS.ErrnoException).code ?? 'error'
  const next = NO_SPACE.has(code) ? 'free some space' : 'give a file in a folder that you can write to'
  return new RolecastError('invalid-argument', `${quote(path)} cannot be written (${code}); ${next}`, {
    value: path,
    cause,
  })
}
