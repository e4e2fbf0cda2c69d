import type { Command } from 'commander'

/** The options of commands that call Cognito. */
export interface ConnectionOptions {
  readonly region?: string
  readonly profile?: string
  readonly endpointUrl?: string
}

export function addConnectionOptions(command: Command): Command {
  return command
    .option('--region <region>', 'default: the part of the user pool id before the underscore')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--endpoint-url <url>', 'another address of Cognito, for example an emulator')
}

/** The options under the names that the library has for them. */
export function connectionOf({ region, profile, endpointUrl }: ConnectionOptions) {
  return { region, profile, endpoint: endpointUrl }
}
