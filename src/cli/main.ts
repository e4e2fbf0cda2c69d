import { Writable } from 'node:stream'
import { Command, CommanderError } from 'commander'
import type { ErrorCode } from '../errors.js'
import { withoutCommands } from '../report/github-log.js'
import { escapeHidden } from '../text.js'
import { addCalled, withHelpLast } from './called-commands.js'
import { COMMANDS } from './command-table.js'
import { failureJson, failureText } from './failure-text.js'
import { watchStdin } from './input-file.js'
import { refuseRepeated } from './once.js'
import { programFlags } from './program-flags.js'
import { type ExitCode, print, type ProcessTerminal, say, type Terminal } from './terminal.js'
import { withoutSecrets } from './without-secrets.js'
import { WriteError } from './write-error.js'

/**
 * Runs the command line and returns the exit code. Errors are on stderr, with what to do next. It does not reject: an
 * unexpected error is 2 too, never 1, which is the result of a failed check.
 */
export async function main(args: readonly string[], given: ProcessTerminal, version: string): Promise<ExitCode> {
  const { color, ...flags } = programFlags(args)
  const terminal: Terminal = {
    ...given,
    ...flags,
    color: color ?? given.color,
    stderr: given.isGithubLog ? harmless(given.stderr) : given.stderr,
  }
  let exitCode = 0 as ExitCode
  const finish = (code: ExitCode) => {
    exitCode = code
  }
  // Each write reports its own failure; without a listener, a failing stream would end the process.
  for (const stream of [given.stdout, given.stderr]) stream.on('error', () => {})

  let help = ''
  let complaint = ''
  const program = new Command('rolecast')
    .description('Predicts the IAM role that Amazon Cognito gives a user.')
    .version(version)
    .option('--quiet', 'write only results and errors: no progress, no hints, no notes')
    .option('--verbose', 'write more: the stack of an unexpected error, and the files that validate found unrelated')
    .option('--color', 'color text, wherever it is written (default: on a terminal)')
    .option('--no-color', 'do not color text')
    .exitOverride()
    .showHelpAfterError('(add --help for an example)')
    .configureOutput({
      writeOut: text => void (help += text),
      writeErr: text => void (complaint += text.split('\n').map(escapeHidden).join('\n')),
      outputError: (text, writeText) => writeText(shortened(text)),
    })
    .configureHelp({ subcommandTerm: command => `${command.name()} ${command.usage()}`, showGlobalOptions: true })
    .helpCommand('help [command...]', 'show the help of a command')
    .addHelpText('after', '\nExample:\n  $ rolecast predict --user-pool-id eu-west-1_Ab12Cd34e --group admins')

  try {
    if (args.length === 0) {
      // Nothing was looked at. If a variable in a script is empty, that must not look like a check that found nothing.
      finish(2)
      await say(terminal, FIRST_STEPS)
      return exitCode
    }
    const words = withHelpLast(COMMANDS, args)
    await addCalled(program, COMMANDS, words, terminal, finish)
    refuseRepeated(program)
    watchStdin(program, terminal)
    try {
      await program.parseAsync(words, { from: 'user' })
    } catch (error) {
      // Help that was asked for, or an error in an argument.
      if (!(error instanceof CommanderError)) throw error
      finish(error.exitCode === 0 ? 0 : 2)
      // A command that only has subcommands was called without one: its help.
      if (error.code === 'commander.help' && error.exitCode !== 0)
        complaint += '\nNo command was given; name one of these.\n'
      await say(terminal, terminal.hasJsonErrors && complaint !== '' ? failureJson(usageFailure(complaint)) : complaint)
      if (help !== '') await print(terminal, help)
    }
    await terminal.flushed()
  } catch (error) {
    // The reader has gone, as in `rolecast … | head`: not a failure, unless a check is left without its result.
    if (error instanceof WriteError && error.code === 'EPIPE') {
      if (exitCode === 2) await say(terminal, 'rolecast: stdout was closed before the check was complete [EPIPE]\n')
    } else {
      finish(2)
      await say(terminal, failureText(error, { verbose: terminal.verbose, json: terminal.hasJsonErrors }))
    }
  }
  return isLost(given.stderr) ? 2 : exitCode
}

const FIRST_STEPS = `rolecast predicts the IAM role that Amazon Cognito gives a user.

Start here; the first two need no AWS account:
  $ rolecast demo          see which roles users get, and why, in a fake user pool
  $ rolecast validate .    find what is wrong with groups and roles in your templates
  $ rolecast predict --user-pool-id eu-west-1_Ab12Cd34e --group admins
                           predict the role of a user in these groups of your user pool

No command was given; \`rolecast --help\` lists them all.
`

/** Commander's error about an argument, as an error with a code. */
function usageFailure(complaint: string): { readonly code: ErrorCode; readonly message: string } {
  const [error = '', ...hints] = complaint.trimEnd().split('\n')
  return { code: 'invalid-argument', message: [error.replace(/^error: /, ''), ...hints].join(' ') }
}

/** Whether output could not be written, for a reason other than a reader that went away. */
function isLost({ errored }: Writable): boolean {
  return errored instanceof Error && (errored as NodeJS.ErrnoException).code !== 'EPIPE'
}

const MAX_COMPLAINT = 500

/** Commander's message about an argument, in one line of bounded length, with its suggestion. */
function shortened(text: string): string {
  // A misspelt option is quoted with its value.
  const whole = withoutSecrets(text.trimEnd())
  const at = whole.lastIndexOf('\n')
  const isSuggested = at >= 0 && /^\(Did you mean [\w ,-]{1,200}\?\)$/.test(whole.slice(at + 1))
  const complaint = isSuggested ? whole.slice(0, at) : whole
  const line = complaint.length > MAX_COMPLAINT ? `${complaint.slice(0, MAX_COMPLAINT)}…` : complaint
  return `${escapeHidden(line)}${isSuggested ? whole.slice(at) : ''}\n`
}

/** A stream of text for people, in which a GitHub Actions runner finds no command. */
function harmless(stream: Writable): Writable {
  return new Writable({
    decodeStrings: false,
    write(text: string | Buffer, _encoding, done) {
      stream.write(withoutCommands(String(text)), () => done())
    },
  })
}
