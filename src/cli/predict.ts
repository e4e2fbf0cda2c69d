import type { Readable } from 'node:stream'
import { type Command, Option } from 'commander'
import { createGroupSource, type Lookup, resolveLookup, type RoleResolution } from '../cognito/index.js'
import { distinctNames } from '../cognito/source.js'
import { isRolecastError, RolecastError } from '../errors.js'
import type { Group } from '../group.js'
import { predictionText } from '../report/prediction.js'
import { type Semantics, SEMANTICS } from '../resolve.js'
import { readPoolFile } from './pool-file.js'
import { type ExitCode, type Terminal, write } from './terminal.js'

interface PredictOptions {
  readonly userPoolId?: string
  readonly poolFile?: string
  readonly group?: readonly string[]
  readonly stdin?: boolean
  readonly region?: string
  readonly profile?: string
  readonly endpointUrl?: string
  readonly semantics: Semantics
  readonly json?: boolean
  readonly requireRole?: boolean
}

type Lookups = (groupNames: readonly string[]) => Lookup | Promise<Lookup>

export function addPredictCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  program
    .command('predict')
    .description('forecast the role claims of a user who is in these groups')
    .option('--user-pool-id <id>', 'read the groups from this user pool')
    .addOption(new Option('--pool-file <file>', 'read them from what `aws cognito-idp list-groups` printed; no network').conflicts(['userPoolId', 'region', 'profile', 'endpointUrl']))
    .option('--group <name>', 'a group of the user; repeatable', (name: string, names: readonly string[] = []) => [...names, name])
    .addOption(new Option('--stdin', 'read one JSON array of group names a line, answer one JSON a line').conflicts(['group']))
    .option('--region <region>', 'default: the part of the user pool id before the underscore')
    .option('--profile <name>', 'profile of the AWS configuration')
    .option('--endpoint-url <url>', 'another address of Cognito, for example an emulator')
    .addOption(new Option('--semantics <reading>', 'which reading of the rules answers').choices(SEMANTICS).default('observed'))
    .option('--json', 'print the resolution as JSON')
    .option('--require-role', 'exit with 1 when no role is resolved')
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast predict --user-pool-id eu-west-1_Ab12Cd34e --group admins --group editors
  $ aws cognito-idp list-groups --user-pool-id eu-west-1_Ab12Cd34e > pool.json
  $ rolecast predict --pool-file pool.json --group admins --json
  $ echo '["admins","editors"]' | rolecast predict --pool-file pool.json --stdin

Exit codes: 0 it ran, 1 no role is resolved (with --require-role), 2 it could not run.`,
    )
    .action(async (options: PredictOptions) => finish(await predict(options, terminal)))
}

async function predict(options: PredictOptions, terminal: Terminal): Promise<ExitCode> {
  const groupNames = options.group ?? []
  if (!options.stdin && groupNames.length === 0) {
    throw new RolecastError('invalid-argument', 'no group to predict from; give --group NAME for each group of the user, or --stdin')
  }
  const lookups = await openPool(options)
  const resolved = options.stdin ? await predictLines(lookups, options, terminal) : await predictOne(lookups, groupNames, options, terminal)
  return options.requireRole && !resolved ? 1 : 0
}

async function openPool(options: PredictOptions): Promise<Lookups> {
  const { poolFile, userPoolId, region, profile, endpointUrl: endpoint } = options
  if (poolFile !== undefined) return lookupsIn(await readPoolFile(poolFile))
  if (userPoolId !== undefined) return createGroupSource({ userPoolId, region, profile, endpoint }).lookup
  throw new RolecastError('invalid-argument', 'no pool to read groups from; give --user-pool-id ID or --pool-file FILE')
}

function lookupsIn(pool: ReadonlyMap<string, Group>): Lookups {
  return groupNames => {
    const names = [...distinctNames(groupNames)]
    return {
      groups: names.flatMap(name => pool.get(name) ?? []),
      unknownGroups: names.filter(name => !pool.has(name)),
      stale: false,
      age: 0,
    }
  }
}

async function predictOne(lookups: Lookups, groupNames: readonly string[], options: PredictOptions, terminal: Terminal): Promise<boolean> {
  const lookup = await lookups(groupNames)
  const resolution = resolveLookup(lookup, options)
  const text = options.json
    ? `${JSON.stringify(resolution, undefined, 2)}\n`
    : predictionText({ resolution, groups: lookup.groups, unknownGroups: lookup.unknownGroups }, terminal)
  await write(terminal.stdout, text)
  return isResolved(resolution)
}

async function predictLines(lookups: Lookups, options: PredictOptions, terminal: Terminal): Promise<boolean> {
  let answers = 0
  let resolved = 0
  let lineNumber = 0
  for await (const line of linesOf(terminal.stdin)) {
    lineNumber++
    if (BLANK.test(line.toString('latin1'))) continue
    const resolution = await predictLine(line, lookups, options).catch(error => {
      throw atLine(lineNumber, error)
    })
    answers++
    if (isResolved(resolution)) resolved++
    await write(terminal.stdout, `${JSON.stringify(resolution)}\n`)
  }
  // Where nothing was answered, no role was resolved.
  return answers > 0 && resolved === answers
}

/**
 * The lines of a stream. Not `node:readline`: that reads bytes that are no UTF-8 as another name, and a stream that fails
 * as one that ends.
 */
async function* linesOf(input: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of readable(input)) {
    rest = Buffer.concat([rest, chunk])
    for (let end = rest.indexOf('\n'); end >= 0; end = rest.indexOf('\n')) {
      yield rest.subarray(0, end)
      rest = rest.subarray(end + 1)
    }
  }
  yield rest
}

async function* readable(input: Readable): AsyncGenerator<Buffer> {
  const chunks: AsyncIterator<Buffer | string> = input[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await chunks.next().catch(cause => {
        throw new RolecastError('invalid-input', `the input cannot be read (${(cause as Error).message}); give lines of JSON`, { cause })
      })
      if (next.done) return
      yield Buffer.from(next.value)
    }
  } finally {
    // Who writes to us may go on after a bad line.
    await chunks.return?.()
  }
}

function decode(line: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line)
  } catch (cause) {
    throw new RolecastError('invalid-input', 'it is not UTF-8; write one array of group names a line, in UTF-8', { value: line, cause })
  }
}

async function predictLine(line: Buffer, lookups: Lookups, options: PredictOptions): Promise<RoleResolution> {
  return resolveLookup(await lookups(parseNames(decode(line))), options)
}

const BLANK = /^[ \t\r]*$/

function parseNames(line: string): readonly string[] {
  let names: unknown
  try {
    names = JSON.parse(line)
  } catch (cause) {
    throw new RolecastError('invalid-input', `\`${line}\` is not JSON; write one array of group names a line, like ["admins","editors"]`, { value: line, cause })
  }
  if (Array.isArray(names)) return names
  throw new RolecastError('invalid-input', `\`${line}\` is not an array; write one array of group names a line, like ["admins","editors"]`, { value: names })
}

/** The failure with the place it happened at: what came before it is answered, what comes after it is not. */
function atLine(lineNumber: number, error: unknown): unknown {
  if (!isRolecastError(error)) return error
  const { code, groupName, value, retryable } = error
  return new RolecastError(code, `line ${lineNumber} of the input: ${error.message}`, { groupName, value, retryable, cause: error })
}

function isResolved({ outcome }: RoleResolution): boolean {
  return outcome === 'resolved'
}
