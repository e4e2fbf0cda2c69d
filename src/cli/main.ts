import { Command, CommanderError } from 'commander'
import { isRolecastError } from '../errors.js'
import { addAuditCommand } from './commands/audit.js'
import { addDemoCommand } from './commands/demo.js'
import { addExplainCommand } from './commands/explain.js'
import { addImpactCommand } from './commands/impact.js'
import { addPredictCommand } from './commands/predict.js'
import { addSnapshotCommand } from './commands/snapshot.js'
import { inCommandLineWords } from './command-line-words.js'
import { type ExitCode, type Terminal, write, WriteError } from './terminal.js'
import { addValidateCommand } from './commands/validate.js'
import { escapeHidden } from '../text.js'

/** Runs the command line and says how it ended. What went wrong is on stderr, with what to do next. */
export async function main(args: readonly string[], terminal: Terminal, version: string): Promise<ExitCode> {
  let exitCode: ExitCode = 0
  const finish = (code: ExitCode) => {
    exitCode = code
  }
  const program = new Command('rolecast')
    .description('Predicts the IAM role that Amazon Cognito gives a user.')
    .version(version)
    .exitOverride()
    .showHelpAfterError('(add --help for an example)')
    .configureOutput({
      writeOut: text => void terminal.stdout.write(text),
      writeErr: text => void terminal.stderr.write(text.split('\n').map(escapeHidden).join('\n')),
    })
    .addHelpText('after', '\nExample:\n  $ rolecast predict --user-pool-id eu-west-1_Ab12Cd34e --group admins')
  addPredictCommand(program, terminal, finish)
  addAuditCommand(program, terminal, finish)
  addImpactCommand(program, terminal, finish)
  addValidateCommand(program, terminal, finish)
  addExplainCommand(program, terminal, finish)
  addSnapshotCommand(program, terminal, finish)
  addDemoCommand(program, terminal, finish)

  try {
    await program.parseAsync(args, { from: 'user' })
    return exitCode
  } catch (error) {
    // Commander has printed already: the help that was asked for, or what is wrong with an argument.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2
    // The reader has gone: `rolecast … | head`.
    if (error instanceof WriteError && error.code === 'EPIPE') return 0
    if (!isRolecastError(error) && !(error instanceof WriteError)) throw error
    await write(terminal.stderr, `rolecast: ${escapeHidden(inCommandLineWords(error.message))} [${error.code}]\n`)
    return 2
  }
}
