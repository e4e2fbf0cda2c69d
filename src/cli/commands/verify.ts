import type { Readable } from 'node:stream'
import type { Command } from 'commander'
import { MAX_TOKEN_BYTES } from '../../calibrate/verify-decode.js'
import { verifyToken, type VerifyTokenOptions } from '../../calibrate/verify.js'
import type { TokenVerdict } from '../../claims/judge-token.js'
import { orAbort } from '../../cognito/api/abort.js'
import { quote, RolecastError } from '../../errors.js'
import { jsonText } from '../../report/json-text.js'
import { MARKS_LEGEND } from '../../report/prediction-text.js'
import { nextSteps, verificationText } from '../../report/verification-text.js'
import { addConnectionOptions, type ConnectionOptions, connectionOf } from '../connection-options.js'
import { decodeText } from '../json-file.js'
import { inputName, inputOption, openInput, readInput } from '../input-file.js'
import { addOutputOptions, hasColor, type OutputOptions } from '../output-option.js'
import { checkOutput, type OutputTarget, writeOutput } from '../output.js'
import { poolFileOption, readPoolFile } from '../pool-file.js'
import { addSemanticsOptions, readSemantics, type SemanticsCommandOptions } from '../semantics-option.js'
import { type ExitCode, say, type Terminal } from '../terminal.js'

const FORMATS = ['text', 'json'] as const

interface VerifyOptions extends ConnectionOptions, SemanticsCommandOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly token: string
  readonly userPoolId?: string
  readonly poolFile?: string
  readonly jwks?: string
  readonly insecure?: boolean
  readonly clientId?: string
}

export function addVerifyCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = addConnectionOptions(
    program
      .command('verify')
      .description('compare one real ID or access token with what is forecast for its groups')
      .addOption(
        inputOption('--token <file>', 'the file with the token; the token is never printed').makeOptionMandatory(),
      )
      .option(
        '--user-pool-id <id>',
        'the user pool that issued the token: its groups, and those of the user, are read from Cognito',
      )
      .addOption(
        poolFileOption('the groups that the user is in now are then not compared').conflicts(['region', 'profile']),
      )
      .addOption(
        inputOption(
          '--jwks <file>',
          'check the signature with these keys; default: the keys at /.well-known/jwks.json of the user pool',
        ).conflicts('insecure'),
      )
      .option('--insecure', 'do not check the signature: anyone could have written the token')
      .option('--client-id <id>', 'the app client that the token must be for'),
  )
  addSemanticsOptions(command)
  addOutputOptions(command, FORMATS)
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast verify --token token.txt --user-pool-id eu-west-1_Ab12Cd34e
  $ aws cognito-idp admin-initiate-auth … --query AuthenticationResult.IdToken | rolecast verify --token - --user-pool-id eu-west-1_Ab12Cd34e
  $ rolecast verify --token token.txt --pool-file pool.json --jwks jwks.json

It needs cognito-idp:AdminListGroupsForUser on the user pool, and cognito-idp:ListGroups if the user's groups do not explain the
token. With --pool-file and --jwks it needs no network.

${MARKS_LEGEND}

Exit codes: 0 the token matches, or settles an undetermined case; 1 it does not match; 2 it is inconclusive, or could not be verified.`,
    )
    .action(async (options: VerifyOptions) => {
      // If the reader of stdout goes away before the check is complete, the check has no result.
      finish(2)
      await verify(options, terminal, finish, program.version() ?? '')
    })
}

const EXIT_CODES: Readonly<Record<TokenVerdict, ExitCode>> = { match: 0, settles: 0, mismatch: 1, inconclusive: 2 }

async function verify(
  options: VerifyOptions,
  terminal: Terminal,
  finish: (code: ExitCode) => void,
  version: string,
): Promise<void> {
  if (looksLikeToken(options.token))
    throw new RolecastError(
      'invalid-argument',
      '--token was given the token itself, which is now visible to other processes and in the history of the shell; give a file that has it, or `-` for stdin',
    )
  const signal = terminal.interrupted()
  const { insecure, clientId, format, output: path } = options
  const inputs = [options.calibration, options.poolFile, options.jwks, options.token]
  const target: OutputTarget = {
    path,
    terminal,
    kind: format === 'json' ? 'data' : 'text',
    hasUsers: true,
    inputs,
  }
  await checkOutput(target)
  const { semantics, pool, keys, token } = await orAbort(readInputs(options, terminal.stdin), signal).catch(error => {
    if (!signal.aborted) throw error
    throw new RolecastError('aborted', 'interrupted; run the command again')
  })
  const found = await verifyToken(token, {
    ...pool,
    ...connectionOf(options),
    ...semantics,
    keys,
    insecure,
    clientId,
    signal,
  })
  finish(EXIT_CODES[found.verdict])
  const tool = { name: 'rolecast', version }
  const color = hasColor(terminal, options)
  await writeOutput(
    target,
    format === 'json' ? `${jsonText({ ...found, tool })}\n` : verificationText(found, { color }),
  )
  if (found.verdict === 'inconclusive')
    await say(terminal, `rolecast: the token is inconclusive; ${nextSteps(found.doubts).join('; ')} [inconclusive]\n`)
}

async function readInputs(options: VerifyOptions, stdin: Readable) {
  const semantics = await readSemantics(options, stdin)
  const pool = await openPool(options, stdin)
  const keys = options.jwks === undefined ? undefined : await readKeys(options.jwks, stdin)
  return { semantics, pool, keys, token: await readToken(options.token, stdin) }
}

/** A JSON Web Token, or a part of one, with any text around it: `eyJ` is the beginning of `{"` in Base64. */
function looksLikeToken(value: string): boolean {
  return /eyJ[\w-]{8}/.test(value)
}

async function openPool(
  { userPoolId, poolFile }: VerifyOptions,
  stdin: Readable,
): Promise<Pick<VerifyTokenOptions, 'userPoolId' | 'groups' | 'groupsReadAt'>> {
  if (poolFile === undefined) {
    if (userPoolId === undefined) refuse('no user pool to verify against; give --user-pool-id ID, or --pool-file FILE')
    return { userPoolId }
  }
  const { groups, modifiedAt, userPoolId: ofFile, takenAt: groupsReadAt } = await readPoolFile(poolFile, stdin)
  if (userPoolId !== undefined && ofFile !== undefined && userPoolId !== ofFile)
    refuse(
      `the pool file ${inputName(poolFile)} belongs to user pool ${quote(ofFile)}, not ${quote(userPoolId)}; leave out --user-pool-id`,
    )
  const id = userPoolId ?? ofFile
  if (id === undefined)
    refuse(`the pool file ${inputName(poolFile)} does not say which user pool it is of; give --user-pool-id ID too`)
  const dated = [...groups.values()].map(group => ({ ...group, modifiedAt: modifiedAt.get(group.groupName) }))
  return { userPoolId: id, groups: dated, groupsReadAt }
}

/** A parser's message would quote the text, which may be the token. */
async function readKeys(path: string, stdin: Readable): Promise<unknown> {
  const invalid = (what: string) =>
    new RolecastError(
      'invalid-input',
      `the keys ${inputName(path)} cannot be used: ${what}; save what is at /.well-known/jwks.json of the user pool`,
      { value: path },
    )
  const bytes = await readInput(path, stdin).catch((cause: NodeJS.ErrnoException) => {
    throw unreadable('the keys', path, cause)
  })
  try {
    return JSON.parse(decodeText(bytes))
  } catch {
    throw invalid('they are not JSON')
  }
}

async function readToken(path: string, stdin: Readable): Promise<string> {
  const from = path === '-' ? 'on stdin' : `in the file ${quote(path)}`
  const invalid = (what: string) =>
    new RolecastError('invalid-input', `there is no token ${from}: ${what}; give the token and nothing else`)
  const bytes = await openInput(path, stdin)
    .then(readSome)
    .catch((cause: NodeJS.ErrnoException) => {
      throw unreadable('the token', path, cause)
    })
  let text: string
  try {
    text = decodeText(bytes).trim()
  } catch {
    throw invalid('it is not text')
  }
  if (text === '') throw invalid('it is empty')
  // By default the AWS CLI prints a string as JSON.
  return text.length > 1 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
}

function unreadable(what: string, path: string, { code = 'error' }: NodeJS.ErrnoException): RolecastError {
  const from = path === '-' ? 'stdin' : `the file ${quote(path)}`
  const next = path === '-' ? 'pipe it again' : 'check the path'
  return new RolecastError('invalid-input', `${what} cannot be read from ${from} (${code}); ${next}`, { value: path })
}

/** A little more than a token can have, so that a longer one is noticed. */
async function readSome(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream as AsyncIterable<Buffer | string>) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    length += bytes.length
    if (length > 2 * MAX_TOKEN_BYTES) break
  }
  return Buffer.concat(chunks)
}

function refuse(what: string): never {
  throw new RolecastError('invalid-argument', what)
}
