import type { Command } from 'commander'
import type { ExitCode, Terminal } from './terminal.js'

/** Adds a command with its options to the program, or to a command that has it. */
export type AddCommand = (parent: Command, terminal: Terminal, finish: (code: ExitCode) => void) => void

/** How to load each command, in the order of the help; with the arguments after its name. */
export type Commands = ReadonlyMap<string, (rest: readonly string[]) => Promise<AddCommand>>

/**
 * Loads the command that is called: the others would cost more than many a command itself. All of them where it is none of
 * these: for the help, and to say what is nearly the same.
 */
export async function calledCommands(commands: Commands, args: readonly string[]): Promise<readonly AddCommand[]> {
  const at = args.findIndex(arg => !arg.startsWith('-'))
  const called = commands.get(args[at] ?? '')
  return called === undefined
    ? Promise.all([...commands.values()].map(load => load([])))
    : [await called(args.slice(at + 1))]
}
