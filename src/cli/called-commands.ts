import type { Command } from 'commander'
import type { ExitCode, Terminal } from './terminal.js'

type Finish = (code: ExitCode) => void

/** Adds a command with its options to the program, or to a command that has it. */
export type AddCommand = (parent: Command, terminal: Terminal, finish: Finish) => void

/** A command as the list of commands shows it, and how to load it or its subcommands. */
export type CommandEntry = {
  /** The usage after its name, as in its own help. */
  readonly usage: string
  /** The description, as in its own help. */
  readonly summary: string
} & ({ readonly load: () => Promise<AddCommand> } | { readonly commands: Commands })

/** By name, in the order of the help. */
export type Commands = ReadonlyMap<string, CommandEntry>

/**
 * Adds the command that is called: loading the others would take longer than many a command itself. If none of these is
 * called, all are added by name only, for the help and to suggest the one that was probably intended.
 */
export async function addCalled(
  parent: Command,
  commands: Commands,
  args: readonly string[],
  ...[terminal, finish]: readonly [terminal: Terminal, finish: Finish]
): Promise<void> {
  const at = firstWord(args)
  const name = args[at] ?? ''
  const called = commands.get(name)
  if (called === undefined) {
    for (const [other, { usage, summary }] of commands) parent.command(other).usage(usage).description(summary)
  } else if ('load' in called) {
    const add = await called.load()
    add(parent, terminal, finish)
  } else {
    const group = parent.command(name).description(called.summary)
    await addCalled(group, called.commands, args.slice(at + 1), terminal, finish)
  }
}

/**
 * The arguments with `help audit pool` and `audit help pool` written as `audit pool --help`. An unknown command
 * has no help: it is left as it is, so that the program reports it as unknown.
 */
export function withHelpLast(commands: Commands, args: readonly string[]): readonly string[] {
  const names: string[] = []
  let isHelp = false
  let known: Commands | undefined = commands
  for (let rest = args; known !== undefined;) {
    const at = firstWord(rest)
    if (at < 0) break
    const name = rest[at]!
    rest = rest.slice(at + 1)
    if (name === 'help' && !isHelp) {
      isHelp = true
      continue
    }
    names.push(name)
    const called: CommandEntry | undefined = known.get(name)
    if (called === undefined) return isHelp ? names : args.filter(arg => arg !== '--help' && arg !== '-h')
    known = 'commands' in called ? called.commands : undefined
  }
  return isHelp ? [...names, '--help'] : args
}

function firstWord(args: readonly string[]): number {
  return args.findIndex(arg => !arg.startsWith('-'))
}
