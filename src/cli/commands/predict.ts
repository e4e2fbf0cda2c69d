import { type Command, Option } from 'commander'
import { createGroupSource, type Lookup, resolveLookup, type RoleResolution } from '../../cognito/index.js'
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
import { linesOf } from '../lines.js'
import { readPoolFile } from '../pool-file.js'
import { calibrationOption, readSemantics, type SemanticsCommandOptions, semanticsOption } from '../semantics-option.js'
import { type ExitCode, print, type Terminal, write } from '../terminal.js'
import { validNames } from '../../cognito/groups/group-names.js'
import type { SemanticsChoice } from '../../claims/choose-semantics.js'

interface PredictOptions extends IdentityPoolOptions, SemanticsCommandOptions {
  readonly group?: readonly string[]
  readonly stdin?: boolean
  readonly json?: boolean
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
  const command = addConnectionOptions(
    program
      .command('predict')
      .description(
        'predict the role claims of a user in these groups, and the role whose credentials an identity pool gives',
      )
      .option('--user-pool-id <id>', 'read the groups from this user pool')
      .addOption(
        new Option(
          '--pool-file <file>',
          'read them from what `aws cognito-idp list-groups` or `rolecast snapshot` printed; no network',
        ).conflicts(['region', 'profile', 'endpointUrl', 'identityPoolId']),
      )
      .option('--group <name>', 'a group of the user; repeatable', (name: string, names: readonly string[] = []) => [
        ...names,
        name,
      ])
      .addOption(
        new Option('--stdin', 'read one JSON array of group names per line, print one JSON object per line').conflicts([
          'group',
        ]),
      ),
  )
  addIdentityPoolOptions(command, { hasCustomRole: true })
    .addOption(semanticsOption())
    .addOption(calibrationOption())
    .option('--json', 'print the resolution as JSON, with the `selection` of the identity pool if there is one')
    .option(
      '--require-role',
      'exit with 1 when no role is resolved; with an identity pool, when it is not certain that it gives one',
    )
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

Credentials are predicted for a signed-in user, without checking whether the role trusts the identity pool. Where
--pool-file does not say which user pool it is of, --user-pool-id does.

${MARKS_LEGEND}

Exit codes: 0 it ran, 1 no role is resolved (with --require-role), 2 it could not run.`,
    )
    .action((options: PredictOptions) => predict(options, terminal, finish))
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
  const semantics = await readSemantics(options)
  const { lookups, userPoolId } = await openPool(options)
  const identityPool = await openIdentityPool(options, userPoolId)
  const predictNames: Predict = async names => predictionOf(await lookups(names), identityPool, semantics)
  const answer = (found: boolean) => finish(options.requireRole && !found ? 1 : 0)
  if (options.stdin) {
    // A reader of stdout that goes away leaves the check without its answer.
    if (options.requireRole) finish(2)
    return answer(await predictLines(predictNames, terminal))
  }
  const prediction = await predictNames(groupNames)
  answer(hasRole(prediction))
  await printPrediction(prediction, options, terminal)
}

interface OpenPool {
  readonly lookups: Lookups
  /** Which user pool a file says it is of. */
  readonly userPoolId: string | undefined
}

async function openPool(options: PredictOptions): Promise<OpenPool> {
  const { poolFile, userPoolId } = options
  if (poolFile !== undefined) {
    const { groups, userPoolId: ofFile } = await readPoolFile(poolFile)
    return { lookups: lookupsIn(groups), userPoolId: ofFile }
  }
  if (userPoolId !== undefined) {
    // No guard waits for it, so it has as long as an audit.
    const source = createGroupSource({ userPoolId, timeout: 5_000, ...connectionOf(options) })
    // A name that no group can have is a mistake of the one who typed it, and not an unknown group.
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

/** Whether the user certainly gets a role: of the identity pool, where there is one. */
function hasRole({ resolution, credentials }: Prediction): boolean {
  return credentials === undefined ? resolution.outcome === 'resolved' : credentials.selection.outcome === 'role'
}

async function printPrediction(found: Prediction, options: PredictOptions, terminal: Terminal): Promise<void> {
  const {
    lookup: { groups, unknownGroups },
    resolution,
    credentials,
    json,
  } = found
  if (options.json) await write(terminal.stdout, `${jsonText(json)}\n`)
  else await print(terminal, predictionText({ resolution, groups, unknownGroups, credentials }, terminal))
}

async function predictLines(predictNames: Predict, terminal: Terminal): Promise<boolean> {
  let results = 0
  let withRole = 0
  let lineNumber = 0
  for await (const line of linesOf(terminal.stdin)) {
    lineNumber++
    if (BLANK.test(line.toString('latin1'))) continue
    const found = await predictLine(line, predictNames).catch(error => {
      throw atLine(lineNumber, error)
    })
    results++
    if (hasRole(found)) withRole++
    await write(terminal.stdout, `${jsonLine(found.json)}\n`)
  }
  // Without any result, no role was found.
  return results > 0 && withRole === results
}

function decode(line: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(line)
  } catch (cause) {
    throw new RolecastError('invalid-input', 'it is not UTF-8; write one array of group names a line, in UTF-8', {
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
      `${quote(line)} is not JSON; write one array of group names a line, like ["admins","editors"]`,
      { value: line, cause },
    )
  }
  if (Array.isArray(names)) return names
  throw new RolecastError(
    'invalid-input',
    `${quote(line)} is not an array; write one array of group names a line, like ["admins","editors"]`,
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
