import type { Command } from 'commander'
import { inGroup } from './option-group.js'

/** The options of commands that call Cognito. */
export interface ConnectionOptions {
  readonly region?: string
  readonly profile?: string
  readonly endpointUrl?: string
}

/** @param region the default Region, in words */
export function addConnectionOptions(
  command: Command,
  { region = 'the part of the user pool id before the underscore' } = {},
): Command {
  return inGroup(command, 'AWS', () =>
    command
      .option('--region <region>', `AWS Region; default: ${region}`)
      .option('--profile <name>', 'profile of the AWS configuration')
      .option('--endpoint-url <url>', 'another address of the AWS services, for example an emulator'),
  )
}

/** The options under their names in the library. */
export function connectionOf({ region, profile, endpointUrl }: ConnectionOptions) {
  return { region, profile, endpoint: endpointUrl }
}
