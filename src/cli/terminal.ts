import { type BigIntStats, fstatSync, fsyncSync, writeSync } from 'node:fs'
import { Writable, type Readable } from 'node:stream'
import { withoutCommands } from '../report/github-log.js'
import { WriteError } from './write-error.js'

/** The process as a command sees it, and the options that every command has. */
export interface Terminal extends ProcessTerminal {
  /** Only results and errors are written: no progress, no hints, no notes. Use `note` for these. */
  readonly quiet: boolean
  /** More is written: the stack of an unexpected error, and the files without Cognito resources. */
  readonly verbose: boolean
  /** Whether the command prints JSON: an error is then a line of JSON on stderr too. Give it to `failureText`. */
  readonly hasJsonErrors: boolean
}

/** What `bin.ts` knows about the process before the command line is read. */
export interface ProcessTerminal {
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  /** Resolves once everything written to stdout has arrived; rejects if it cannot. */
  readonly flushed: () => Promise<void>
  /** Whether text on stdout has colour: see `takesColor`. A command never writes colour into a file or into data. */
  readonly color: boolean
  /** The width of the terminal of stdout, in columns; undefined if stdout is not a terminal. */
  readonly columns: number | undefined
  /** Whether stdout and stderr are a log of GitHub Actions, in which some lines are commands. */
  readonly isGithubLog: boolean
  /**
   * Aborts when the user interrupts; the caller must then stop: the default exit is disabled.
   *
   * @param ms how long stopping may take, if that is more than the usual 3 seconds
   * @param leftover the line that says what to do about whatever would be left behind at this time; undefined: nothing would.
   * While something would be left, the exit code of an interrupt is 2
   */
  readonly interrupted: (ms?: number, leftover?: () => string | undefined) => AbortSignal
}

/**
 * Whether text on stdout has colour. The first of these that is given decides; an empty variable does not count:
 *
 * 1. `--color` and `--no-color`, the last one of them: `main` looks at these
 * 2. `NO_COLOR`, whatever its value: no colour
 * 3. `FORCE_COLOR`: `0` and `false` mean no colour, everything else means colour
 * 4. `CLICOLOR_FORCE`, unless it is `0`: colour
 * 5. `CLICOLOR=0`: no colour
 * 6. whether the stream is a terminal, and `TERM` is not `dumb`
 *
 * @see https://no-color.org, https://force-color.org, https://bixense.com/clicolors
 */
export function takesColor({ isTTY }: Partial<NodeJS.WriteStream>, env: NodeJS.ProcessEnv): boolean {
  const { NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR, TERM } = env
  if (NO_COLOR) return false
  if (FORCE_COLOR) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  if (CLICOLOR_FORCE && CLICOLOR_FORCE !== '0') return true
  if (CLICOLOR === '0') return false
  return isTTY === true && TERM !== 'dumb'
}

/** 0: it ran. 1: it ran, and the check that was asked for failed. 2: it could not run. */
export type ExitCode = 0 | 1 | 2

/** Writes data unchanged, and waits until it is written: rejects with a `WriteError` if it cannot be. */
export async function write(stream: Writable, text: string | Buffer): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(text, error => (error ? reject(new WriteError(error)) : resolve()))
  })
}

/** Writes text for people to stdout. In a log of GitHub Actions, no name in it is a command. */
export async function print({ stdout, isGithubLog }: Terminal, text: string): Promise<void> {
  await write(stdout, isGithubLog ? withoutCommands(text) : text)
}

/**
 * Writes text for people to stderr. A stderr that cannot be written does not end the command; `main` handles its exit
 * code.
 */
export async function say({ stderr }: Terminal, text: string): Promise<void> {
  await new Promise<void>(resolve => void stderr.write(text, () => resolve()))
}

/** Writes what is neither an error nor the result: progress, a hint, a note. `--quiet` leaves it out. */
export async function note(terminal: Terminal, text: string): Promise<void> {
  if (!terminal.quiet) await say(terminal, text)
}

/** A stream for stdout or stderr that writes everything or fails, and waits until a file is on the disk. */
export interface WholeStream {
  readonly stream: Writable
  readonly flushed: () => Promise<void>
}

/**
 * The stream of the process for stdout or stderr, or a better one if that is a file or a device: Node's own stream does
 * not notice a write that stored only the first bytes, so a disk that fills up silently truncates the file.
 */
export function wholeStream(stream: Writable & { readonly fd: number; readonly isTTY?: boolean }): WholeStream {
  const { fd, isTTY = false } = stream
  const stat = statOf(fd)
  if (stat.isFile()) return { stream: fileStream(fd), flushed: async () => sync(fd) }
  const isDevice = stat.isBlockDevice() || (stat.isCharacterDevice() && !isTTY)
  return { stream: isDevice ? fileStream(fd) : stream, flushed: async () => {} }
}

/**
 * What a descriptor is. As bigints: in Node, the numbers of a pipe would stay in a buffer that `realpathSync` reads,
 * and a package that is a link, as pnpm makes them, would not be found by the next import.
 */
export function statOf(fd: number): BigIntStats {
  return fstatSync(fd, { bigint: true })
}

/**
 * @param writeSome writes at least one byte and returns how many; a parameter for tests
 */
export function fileStream(fd: number, writeSome: (fd: number, bytes: Buffer) => number = writeSync): Writable {
  return new Writable({
    write(bytes: Buffer, _encoding, done) {
      try {
        for (let rest = bytes; rest.length > 0;) {
          const written = writeSome(fd, rest)
          if (written === 0) throw Object.assign(new Error('ENOSPC: no byte could be written'), { code: 'ENOSPC' })
          rest = rest.subarray(written)
        }
      } catch (error) {
        return done(error as Error)
      }
      done()
    },
  })
}

/** Some file systems report only here that there was no space. */
function sync(fd: number): void {
  try {
    fsyncSync(fd)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EINVAL' && code !== 'ENOSYS' && code !== 'ENOTSUP') throw new WriteError(error as Error)
  }
}
