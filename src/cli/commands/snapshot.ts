import type { Command } from 'commander'
import { takeSnapshot } from '../../cognito/index.js'
import { jsonText } from '../../report/json-text.js'
import { addConnectionOptions, type ConnectionOptions, connectionOf } from '../connection-options.js'
import { addOutputOptions, type OutputOptions } from '../output-option.js'
import { writeOutput } from '../output.js'
import type { ExitCode, Terminal } from '../terminal.js'

const FORMATS = ['json'] as const

interface SnapshotOptions extends ConnectionOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly userPoolId: string
}

export function addSnapshotCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = addConnectionOptions(
    program
      .command('snapshot')
      .description(
        'read all groups of a user pool into JSON, for `createRoleResolver({ snapshot, maxAge })` and for predict --pool-file',
      )
      .requiredOption('--user-pool-id <id>', 'the user pool to read'),
  )
  addOutputOptions(command, FORMATS)
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast snapshot --user-pool-id eu-west-1_Ab12Cd34e > pool.json
  $ rolecast snapshot --user-pool-id eu-west-1_Ab12Cd34e --output pool.json

It calls ListGroups, once for each 60 groups. The file holds group names, precedences and role ARNs, and no users.

Exit codes: 0 it ran, 2 it could not run.`,
    )
    .action(async (options: SnapshotOptions) => {
      await snapshot(options, terminal)
      finish(0)
    })
}

async function snapshot({ userPoolId, output, ...options }: SnapshotOptions, terminal: Terminal): Promise<void> {
  const taken = `${jsonText(await takeSnapshot({ userPoolId, ...connectionOf(options), signal: terminal.interrupted() }))}\n`
  await writeOutput({ path: output, terminal, kind: 'data', hasUsers: false }, taken)
}
