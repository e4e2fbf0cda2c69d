import { Writable } from 'node:stream'
import { Command, CommanderError } from 'commander'
import { withoutCommands } from '../report/github-log.js'
import { escapeHidden } from '../text.js'
import { type AddCommand, calledCommands, type Commands } from './called-commands.js'
import { failureText } from './failure-text.js'
import { refuseRepeated } from './once.js'
import { type ExitCode, print, say, type Terminal } from './terminal.js'
import { WriteError } from './write-error.js'

/**
 * Runs the command line and says how it ended. What went wrong is on stderr, with what to do next. It does not reject: an
 * error that nothing expects is 2 too, never the 1 that answers a check.
 */
export async function main(args: readonly string[], given: Terminal, version: string): Promise<ExitCode> {
  const terminal: Terminal = given.isGithubLog ? { ...given, stderr: harmless(given.stderr) } : given
  let exitCode = 0 as ExitCode
  const finish = (code: ExitCode) => {
    exitCode = code
  }
  // Each write tells of its own failure; without a listener, a stream that fails would end the process.
  for (const stream of [given.stdout, given.stderr]) stream.on('error', () => {})

  let help = ''
  let complaint = ''
  const program = new Command('rolecast')
    .description('Predicts the IAM role that Amazon Cognito gives a user.')
    .version(version)
    .option('--verbose', 'say more: the stack of an unexpected error, and which files validate found unrelated')
    .exitOverride()
    .showHelpAfterError('(add --help for an example)')
    .configureOutput({
      writeOut: text => void (help += text),
      writeErr: text => void (complaint += text.split('\n').map(escapeHidden).join('\n')),
      outputError: (text, writeText) => writeText(shortened(text)),
    })
    .addHelpText('after', '\nExample:\n  $ rolecast predict --user-pool-id eu-west-1_Ab12Cd34e --group admins')

  try {
    for (const add of await calledCommands(COMMANDS, args)) add(program, terminal, finish)
    refuseRepeated(program)
    try {
      await program.parseAsync(args, { from: 'user' })
    } catch (error) {
      // The help that was asked for, or what is wrong with an argument.
      if (!(error instanceof CommanderError)) throw error
      finish(error.exitCode === 0 ? 0 : 2)
      await say(terminal, complaint)
      if (help !== '') await print(terminal, help)
    }
    await terminal.flushed()
  } catch (error) {
    // The reader has gone, as in `rolecast … | head`: no failure, unless it leaves a check without its answer.
    if (error instanceof WriteError && error.code === 'EPIPE') {
      if (exitCode === 2) await say(terminal, 'rolecast: stdout was closed before the check was complete [EPIPE]\n')
    } else {
      finish(2)
      await say(terminal, failureText(error, { verbose: program.opts()['verbose'] === true }))
    }
  }
  return isLost(given.stderr) ? 2 : exitCode
}

const COMMANDS: Commands = new Map<string, (rest: readonly string[]) => Promise<AddCommand>>([
  ['predict', async () => (await import('./commands/predict.js')).addPredictCommand],
  ['audit', async rest => (await import('./commands/audit.js')).auditCommand(rest)],
  ['impact', async () => (await import('./commands/impact.js')).addImpactCommand],
  ['validate', async () => (await import('./commands/validate.js')).addValidateCommand],
  ['explain', async () => (await import('./commands/explain.js')).addExplainCommand],
  ['snapshot', async () => (await import('./commands/snapshot.js')).addSnapshotCommand],
  ['calibrate', async () => (await import('./commands/calibrate.js')).addCalibrateCommand],
  ['verify', async () => (await import('./commands/verify.js')).addVerifyCommand],
  ['demo', async () => (await import('./commands/demo.js')).addDemoCommand],
])

/** Whether what had to be said was not written, but for a reader who went away. */
function isLost({ errored }: Writable): boolean {
  return errored instanceof Error && (errored as NodeJS.ErrnoException).code !== 'EPIPE'
}

const MAX_COMPLAINT = 500

/** What Commander says of an argument, in one line of a bounded length, and what it suggests. */
function shortened(text: string): string {
  // An option that is misspelt is quoted with its value, which may be a token.
  const whole = text.trimEnd().replaceAll(/eyJ[\w.-]{8,}/g, '(a token)')
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
