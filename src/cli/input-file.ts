import { constants, createReadStream, open as openFd, promises, readFileSync, statSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { Argument, type Command, Option } from 'commander'
import { quote, RolecastError } from '../errors.js'
import { note, type Terminal } from './terminal.js'

/** The name of stdin in place of a file. */
export const STDIN = '-'

/** The options and arguments that can take stdin. */
const INPUTS = new WeakSet<Option | Argument>()

/** An option that names a file to read, or `-` for stdin. */
export function inputOption(flags: string, description: string): Option {
  return takesStdin(new Option(flags, `${description}; \`-\` is stdin`))
}

/** The same for an argument. */
export function inputArgument(name: string, description: string): Argument {
  return takesStdin(new Argument(name, `${description}; \`-\` is stdin`))
}

/** A flag that makes the command read stdin. */
export function stdinOption(flag: string, description: string): Option {
  return takesStdin(new Option(flag, description))
}

function takesStdin<T extends Option | Argument>(input: T): T {
  INPUTS.add(input)
  return input
}

/** Whether `-` means stdin as the value of an option or argument. */
export function canTakeStdin(input: Option | Argument): boolean {
  return INPUTS.has(input)
}

/**
 * Rejects a second option that takes stdin, in any command: it would read nothing. Says what is read from a terminal,
 * because the command would otherwise seem to hang.
 */
export function watchStdin(program: Command, terminal: Terminal): void {
  program.hook('preAction', async (_program, command) => {
    const [first, second] = inputsFromStdin(command)
    if (first === undefined) return
    if (second !== undefined)
      throw new RolecastError(
        'invalid-argument',
        `stdin can be read only once, but both ${first} and ${second} take it; give one of them as a file`,
      )
    if ((terminal.stdin as Partial<NodeJS.ReadStream>).isTTY === true)
      await note(
        terminal,
        `rolecast: reading ${first} from the terminal; end the input with Ctrl-D, on Windows with Ctrl-Z and Enter\n`,
      )
  })
}

/** The options and arguments that are given stdin, by their names on the command line. */
function inputsFromStdin(command: Command): readonly string[] {
  return [
    ...command.registeredArguments
      .filter((argument, index) => INPUTS.has(argument) && isFromStdin(command.processedArgs[index]))
      .map(argument => argument.name().toUpperCase()),
    ...command.options
      .filter(option => INPUTS.has(option) && isFromStdin(command.getOptionValue(option.attributeName())))
      .map(option => option.long!),
  ]
}

/** Whether a value is `-`, is a list with `-`, or is that of a flag. */
function isFromStdin(value: unknown): boolean {
  return value === STDIN || value === true || (Array.isArray(value) && value.includes(STDIN))
}

/** A file that is read, in a message. */
export function inputName(path: string): string {
  return path === STDIN ? 'on stdin' : quote(path)
}

/**
 * The content of a file, or of stdin.
 *
 * @throws Error of Node as a rejection, with its `code`
 */
export async function readInput(path: string, stdin: Readable): Promise<Buffer> {
  if (await canBeReadOnce(path)) return buffer(await openInput(path, stdin))
  // Waiting for a thread takes longer than reading most files. Anything other than a file may give nothing for a long
  // time.
  return statSync(path).isFile() ? readFileSync(path) : promises.readFile(path)
}

/**
 * The same as a stream.
 *
 * A named pipe is polled: Node would wait for its writer on a thread, which keeps the process from ending after Ctrl-C.
 *
 * @param highWaterMark how much of a file is read in one call, in bytes
 * @throws Error of Node as a rejection, with its `code`
 */
export async function openInput(path: string, stdin: Readable, highWaterMark?: number): Promise<Readable> {
  if (path === STDIN) return stdin
  const open = promisify(openFd)
  if (!(await isPipe(path))) return createReadStream(path, { fd: await open(path, 'r'), highWaterMark })
  const { Socket } = await import('node:net')
  const fd = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  return new Socket({ fd, readable: true, writable: false })
}

/** Whether reading it a second time would return nothing, or wait. */
export async function canBeReadOnce(path: string): Promise<boolean> {
  return path === STDIN || (await isPipe(path))
}

async function isPipe(path: string): Promise<boolean> {
  return statSync(path).isFIFO()
}
