import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import type { Lookup } from '../../cognito/groups/group-source.js'
import { resolveLookup, type RoleResolution } from '../../cognito/groups/resolve-lookup.js'
import { isRolecastError, RolecastError, quote } from '../../errors.js'
import type { Group } from '../../group.js'
import { jsonLine, jsonText } from '../../report/json-text.js'
import { MARKS_LEGEND, predictionText } from '../../report/prediction-text.js'
import { addConnectionOptions, connectionOf } from '../connection-options.js'
import {
  addIdentityPoolOptions,
  checkIdentityPoolOptions,
  type Credentials,
  type CredentialsJson,
  credentialsJson,
  type IdentityPool,
  type IdentityPoolOptions,
  openIdentityPool,
} from '../identity-pool.js'
import { stdinOption } from '../input-file.js'
import { linesOf } from '../lines.js'
import { inGroup } from '../option-group.js'
import { addOutputOptions, hasColor, type OutputOptions } from '../output-option.js'
import { type Output, type OutputTarget, withOutput } from '../output.js'
import { poolFileOption, readPoolFile } from '../pool-file.js'
import { addSemanticsOptions, readSemantics, type SemanticsCommandOptions } from '../semantics-option.js'
import { type ExitCode, say, type Terminal } from '../terminal.js'
import { validNames } from '../../cognito/groups/group-names.js'
import type { SemanticsChoice } from '../../claims/choose-semantics.js'

const FORMATS = ['text', 'json'] as const

interface PredictOptions extends IdentityPoolOptions, SemanticsCommandOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly group?: readonly string[]
  readonly stdin?: boolean
  readonly requireRole?: boolean
}

type Lookups = (groupNames: readonly string[]) => Lookup | Promise<Lookup>

type Predict = (groupNames: readonly string[]) => Promise<Prediction>

interface Prediction {
  readonly lookup: Lookup
  readonly resolution: RoleResolution
  /** Present exactly when there is an identity pool. */
  readonly credentials: Credentials | undefined
  /** What is printed as JSON. */
  readonly json: RoleResolution & Partial<CredentialsJson>
}

export function addPredictCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = program
    .command('predict')
    .description(
      'predict the role claims of a user in these groups, and the role whose credentials an identity pool gives',
    )
  inGroup(command, 'Pool and user', () =>
    command
      .option('--user-pool-id <id>', 'read the groups from this user pool')
      .addOption(poolFileOption('no network').conflicts(['region', 'profile', 'endpointUrl', 'identityPoolId']))
      .option('--group <name>', 'a group of the user; repeatable', (name: string, names: readonly string[] = []) => [
        ...names,
        name,
      ])
      .addOption(
        stdinOption('--stdin', 'read one JSON array of group names per line, print one JSON object per line').conflicts(
          'group',
        ),
      ),
  )
  addConnectionOptions(command)
  addSemanticsOptions(addIdentityPoolOptions(command, { hasCustomRole: true }))
  addOutputOptions(command, FORMATS, {
    about:
      'json: the resolution, with the `selection` of the identity pool if there is one. --stdin always prints lines of JSON',
  })
  inGroup(command, 'Output', () =>
    command.option(
      '--require-role',
      'exit with 1 when no role is resolved; with an identity pool, when it is not certain that it gives one',
    ),
  )
  command
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast predict --user-pool-id eu-west-1_Ab12Cd34e --group admins --group editors
  $ aws cognito-idp list-groups --user-pool-id eu-west-1_Ab12Cd34e > pool.json
  $ rolecast predict --pool-file pool.json --group admins --json
  $ echo '["admins","editors"]' | rolecast predict --pool-file pool.json --stdin

  $ rolecast predict --user-pool-id eu-west-1_Ab12Cd34e --group admins --identity-pool-id eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6
  $ aws cognito-identity get-identity-pool-roles --identity-pool-id eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6 > identity-pool.json
  $ rolecast predict --pool-file pool.json --identity-pool-file identity-pool.json --group admins

Credentials are predicted for a signed-in user, without checking whether the role trusts the identity pool. If
the file of --pool-file does not name its user pool, give --user-pool-id too.

${MARKS_LEGEND}

Exit codes: 0 it ran, 1 no role is resolved (with --require-role), 2 it could not run.`,
    )
    .action((options: PredictOptions) => {
      if (options.stdin && options.format === 'text' && command.getOptionValueSource('format') === 'cli')
        throw new RolecastError(
          'invalid-argument',
          '--stdin prints a line of JSON for each line and cannot be combined with --format text; leave one of them out',
        )
      return predict(options, terminal, finish)
    })
}

async function predict(options: PredictOptions, terminal: Terminal, finish: (code: ExitCode) => void): Promise<void> {
  const groupNames = options.group ?? []
  if (!options.stdin && groupNames.length === 0) {
    throw new RolecastError(
      'invalid-argument',
      'no group to predict from; give --group NAME for each group of the user, or --stdin',
    )
  }
  const { userPoolId: id, poolFile, identityPoolFile } = options
  if (id !== undefined && poolFile !== undefined && identityPoolFile === undefined) {
    throw new RolecastError(
      'invalid-argument',
      '--pool-file and --user-pool-id cannot be combined unless --identity-pool-file is given; give one of them',
      { value: poolFile },
    )
  }
  checkIdentityPoolOptions(options)
  const semantics = await readSemantics(options, terminal.stdin)
  const { lookups, userPoolId } = await openPool(options, terminal.stdin)
  const identityPool = await openIdentityPool(options, userPoolId, terminal.stdin)
  const predictNames: Predict = async names => predictionOf(await lookups(names), identityPool, semantics)
  const answer = (found: boolean) => finish(options.requireRole && !found ? 1 : 0)
  const inputs = [poolFile, identityPoolFile, options.calibration]
  const kind = options.format === 'json' || options.stdin ? 'data' : 'text'
  const target: OutputTarget = { path: options.output, terminal, kind, hasUsers: false, inputs }
  if (options.stdin) {
    // If the reader of stdout goes away, the check has no result.
    if (options.requireRole) finish(2)
    const { results, withRole } = await withOutput(target, output => predictLines(predictNames, terminal.stdin, output))
    if (results === 0 && options.requireRole === true)
      await say(
        terminal,
        'rolecast: stdin had no line, so no role is resolved; write one array of group names per line, such as ["admins","editors"]\n',
      )
    // Without any result, no role was found.
    return answer(results > 0 && withRole === results)
  }
  const prediction = await predictNames(groupNames)
  answer(hasRole(prediction))
  await withOutput(target, output => output.write(predictionOutput(prediction, options, terminal)))
}

interface OpenPool {
  readonly lookups: Lookups
  /** The user pool that a file says it belongs to. */
  readonly userPoolId: string | undefined
}

async function openPool(options: PredictOptions, stdin: Readable): Promise<OpenPool> {
  const { poolFile, userPoolId } = options
  if (poolFile !== undefined) {
    const { groups, userPoolId: ofFile } = await readPoolFile(poolFile, stdin)
    return { lookups: lookupsIn(groups), userPoolId: ofFile }
  }
  if (userPoolId !== undefined) {
    const { createGroupSource } = await import('../../cognito/groups/group-source.js')
    // No guard waits for the result, so it may take as long as an audit.
    const source = createGroupSource({ userPoolId, timeout: 5_000, ...connectionOf(options) })
    // A name that no group can have is a typing mistake, not an unknown group.
    return { lookups: groupNames => source.lookup(validNames(groupNames)), userPoolId: undefined }
  }
  throw new RolecastError('invalid-argument', 'no pool to read groups from; give --user-pool-id ID or --pool-file FILE')
}

function lookupsIn(pool: ReadonlyMap<string, Group>): Lookups {
  return groupNames => {
    const names = validNames(groupNames)
    return {
      groups: names.flatMap(name => pool.get(name) ?? []),
      unknownGroups: names.filter(name => !pool.has(name)),
      stale: false,
      age: 0,
    }
  }
}

function predictionOf(lookup: Lookup, identityPool: IdentityPool | undefined, semantics: SemanticsChoice): Prediction {
  const resolution = resolveLookup(lookup, semantics)
  const credentials = identityPool?.predict(resolution)
  return {
    lookup,
    resolution,
    credentials,
    json: credentials === undefined ? resolution : { ...resolution, ...credentialsJson(credentials) },
  }
}

/** Whether the user certainly gets a role: from the identity pool, if there is one. */
function hasRole({ resolution, credentials }: Prediction): boolean {
  return credentials === undefined ? resolution.outcome === 'resolved' : credentials.selection.outcome === 'role'
}

function predictionOutput(found: Prediction, options: PredictOptions, terminal: Terminal): string {
  const {
    lookup: { groups, unknownGroups },
    resolution,
    credentials,
    json,
  } = found
  if (options.format === 'json') return `${jsonText(json)}\n`
  const color = hasColor(terminal, options)
  return predictionText({ resolution, groups, unknownGroups, credentials }, { color })
}

interface Counts {
  readonly results: number
  /** How many of these certainly get a role. */
  readonly withRole: number
}

async function predictLines(predictNames: Predict, stdin: Readable, output: Output): Promise<Counts> {
  let results = 0
  let withRole = 0
  let lineNumber = 0
  for await (const line of linesOf(stdin)) {
    lineNumber++
    if (BLANK.test(line.toString('latin1'))) continue
    const found = await predictLine(line, predictNames).catch(error => {
      throw atLine(lineNumber, error)
    })
    results++
    if (hasRole(found)) withRole++
    await output.write(`${jsonLine(found.json)}\n`)
  }
  return { results, withRole }
}

function decode(line: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line)
  } catch (cause) {
    throw new RolecastError('invalid-input', 'it is not UTF-8; write one array of group names per line, in UTF-8', {
      value: line,
      cause,
    })
  }
}

async function predictLine(line: Buffer, predictNames: Predict): Promise<Prediction> {
  return predictNames(parseNames(decode(line)))
}

const BLANK = /^[ \t\r]*$/

function parseNames(line: string): readonly string[] {
  let names: unknown
  try {
    names = JSON.parse(line)
  } catch (cause) {
    throw new RolecastError(
      'invalid-input',
      `${quote(line)} is not JSON; write one array of group names per line, such as ["admins","editors"]`,
      { value: line, cause },
    )
  }
  if (Array.isArray(names)) return names
  throw new RolecastError(
    'invalid-input',
    `${quote(line)} is not an array; write one array of group names per line, such as ["admins","editors"]`,
    { value: names },
  )
}

/** The failure with its line: results of earlier lines are printed, later lines are not read. */
function atLine(lineNumber: number, error: unknown): unknown {
  if (!isRolecastError(error)) return error
  const { code, groupName, value, retryable } = error
  return new RolecastError(code, `line ${lineNumber} of the input: ${error.message}`, {
    groupName,
    value,
    retryable,
    cause: error,
  })
}
