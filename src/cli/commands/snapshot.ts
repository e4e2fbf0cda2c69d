import type { Command } from 'commander'
import { takeSnapshot } from '../../cognito/index.js'
import { writeOutput } from '../output.js'
import type { ExitCode, Terminal } from '../terminal.js'

interface SnapshotOptions {
  readonly userPoolId: string
  readonly region?: string
  readonly profile?: string
  readonly endpointUrl?: string
  readonly output?: string
}

export function addSnapshotCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('snapshot')
    .description(
      'read all groups of a user pool into JSON, for `createRoleResolver({ snapshot, maxAge })` and for predict --pool-file',
    )
    .requiredOption('--user-pool-id <id>', 'the user pool to read')
    .option('--region <region>', 'default: the part of the user pool id before the underscore')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--endpoint-url <url>', 'another address of Cognito, for example an emulator')
    .option('--output <file>', 'write to this file, whole or not at all; default: stdout')
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

async function snapshot(
  { userPoolId, region, profile, endpointUrl: endpoint, output }: SnapshotOptions,
  terminal: Terminal,
): Promise<void> {
  const taken = `${JSON.stringify(await takeSnapshot({ userPoolId, region, profile, endpoint }), undefined, 2)}\n`
  await writeOutput(output, terminal, taken)
}
