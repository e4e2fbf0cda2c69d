import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { type Command, Option } from 'commander'
import { calibrate, type CalibrationResult, cleanUp, planCalibration, verdictOf } from '../../calibrate/index.js'
import type { CalibrateEvent, CalibrationVerdict, LeftBehind } from '../../calibrate/index.js'
import { RolecastError } from '../../errors.js'
import { calibrationText, planText } from '../../report/calibration-text.js'
import { jsonText } from '../../report/json-text.js'
import { escapeHidden, printable } from '../../text.js'
import { calibrationCases } from '../calibration-cases.js'
import { inCommandLineWords } from '../command-line-words.js'
import { addConnectionOptions, type ConnectionOptions, connectionOf } from '../connection-options.js'
import { checkOutput, type OutputTarget, writeOutput } from '../output.js'
import { addOutputOptions, hasColor, type OutputOptions, toWritten } from '../output-option.js'
import { type ExitCode, note, print, say, type Terminal } from '../terminal.js'

const FORMATS = ['text', 'json'] as const

interface CalibrateCommandOptions extends ConnectionOptions, OutputOptions<(typeof FORMATS)[number]> {
  readonly many?: boolean
  readonly identityPool?: boolean
  readonly preToken?: boolean
  readonly dryRun?: boolean
  readonly yes?: boolean
  readonly ledger?: string
  readonly cleanup?: string
}

/** How long the deletion after an interrupt may take, in milliseconds. */
const GRACE = 180_000

const OF_A_RUN = ['many', 'identityPool', 'preToken', 'dryRun', 'yes', 'ledger', 'json', 'format', 'output']

export function addCalibrateCommand(program: Command, terminal: Terminal, finish: (code: ExitCode) => void): void {
  const command = addConnectionOptions(
    program
      .command('calibrate')
      .description('find out on a scratch user pool what Cognito puts into tokens, and delete the pool'),
    { region: 'AWS_REGION, or the Region of the profile' },
  )
    .option('--many', 'also test a user in 100 groups')
    .option('--identity-pool', 'also test which role an identity pool gives; creates three roles without permissions')
    .option(
      '--pre-token',
      'also test how Cognito uses the responses of a pre token generation trigger; creates a function',
    )
    .option('--dry-run', 'print the calls, permissions and costs, and make no call')
    .option('--yes', 'do not ask for confirmation')
    .option(
      '--ledger <file>',
      'file in which to record what has to be deleted; default: rolecast-calibrate-ID.ledger in the current folder',
      toWritten,
    )
    .addOption(
      new Option(
        '--cleanup <ledger>',
        'only delete what an earlier run left behind, as recorded in its ledger',
      ).conflicts(OF_A_RUN),
    )
  addOutputOptions(command, FORMATS, { about: 'json: the calibration, for --calibration of other commands' })
    .addHelpText(
      'after',
      `
Examples:
  $ rolecast calibrate --dry-run
  $ rolecast calibrate --region eu-west-1 --json --output calibration.json
  $ rolecast calibrate --cleanup rolecast-calibrate-0123456789abcdef.ledger

It creates a user pool of the Lite tier and users in it, signs them in, and deletes the pool, also after Ctrl-C. It never touches
anything that is not in its ledger. --dry-run lists the permissions that it needs.

Exit codes: 0 everything is as predicted, or settles what was undetermined; 1 something is not as predicted; 2 it could not run, a
case is not settled, or something could not be deleted.`,
    )
    .action(async (options: CalibrateCommandOptions) => {
      if (options.cleanup !== undefined) return finish(await cleanUpLedger(options.cleanup, options, terminal))
      if (options.dryRun) return finish(await showPlan(options, terminal))
      // If the reader of stdout goes away, the check has no result.
      finish(2)
      finish(await run(options, terminal, program.version() ?? ''))
    })
}

function planOf(options: CalibrateCommandOptions) {
  return planCalibration({ ...options, endpoint: options.endpointUrl })
}

async function showPlan(options: CalibrateCommandOptions, terminal: Terminal): Promise<ExitCode> {
  const plan = planOf(options)
  const target = targetOf(options, terminal)
  const color = hasColor(terminal, options)
  await writeOutput(target, options.format === 'json' ? `${jsonText(plan)}\n` : planText(plan, { color }))
  return 0
}

function targetOf({ output: path, format, ledger }: CalibrateCommandOptions, terminal: Terminal): OutputTarget {
  return { path, terminal, kind: format === 'json' ? 'data' : 'text', hasUsers: false, inputs: [ledger] }
}

async function run(options: CalibrateCommandOptions, terminal: Terminal, version: string): Promise<ExitCode> {
  const target = targetOf(options, terminal)
  await checkOutput(target)
  if (!options.yes) await ask(options, terminal)
  const { ledger: path, many, identityPool, preToken } = options
  const watch = createWatch(options, terminal)
  const { result, leftBehind, ledger } = await calibrate({
    ...connectionOf(options),
    ledger: path,
    many,
    identityPool,
    preToken,
    signal: terminal.interrupted(GRACE, watch.leftover),
    onEvent: watch.tell,
  }).catch(async (error: unknown) => {
    await say(terminal, watch.leftover() ?? '')
    throw error
  })
  await watch.said()
  const color = hasColor(terminal, options)
  const tool = { name: 'rolecast', version }
  const text =
    options.format === 'json'
      ? `${jsonText({ ...result, tool })}\n`
      : calibrationText(result, { color }, calibrationCases(result))
  // Before the output, which may no longer be writable.
  const left = await sayHowToCleanUp(leftBehind, ledger, options, terminal)
  await writeOutput(target, text)
  const verdict = verdictOf(result)
  if (verdict === 'incomplete') await sayIncomplete(result, terminal)
  return left ? 2 : EXIT_CODES[verdict]
}

const EXIT_CODES: Readonly<Record<CalibrationVerdict, ExitCode>> = { agrees: 0, contradicted: 1, incomplete: 2 }

/** Names the first cause: the others are often due to it too, and are in the output. */
async function sayIncomplete(result: CalibrationResult, terminal: Terminal): Promise<void> {
  const causes = causesOf(result)
  const [first] = causes
  if (first === undefined) return
  const { title, why } = first
  // The stored text of a failed call ends in its code.
  const next = /\[[a-z-]+\]$/.test(why)
    ? ''
    : `; run it again [${result.endpoint === undefined ? 'service-error' : 'not-supported'}]`
  const line = `not settled: ${causes.length} cases; the first is ${title}: ${inCommandLineWords(why)}${next}`
  await say(terminal, `rolecast: ${printable(line)}\n`)
}

function whyOf(real: object): string {
  return 'why' in real && typeof real.why === 'string' ? real.why : 'nothing that was predicted was seen'
}

function causesOf({ rows, identityPool = [], preToken = [] }: CalibrationResult) {
  return [
    ...rows
      .filter(({ verdict }) => verdict === 'not-settled')
      .map(({ row, about, why = '' }) => ({ title: `Case ${row} (${about})`, why })),
    ...identityPool
      .filter(({ verdict }) => verdict === 'none')
      .map(({ about, real }) => ({ title: `of the identity pool (${about})`, why: whyOf(real) })),
    ...preToken
      .filter(({ verdict }) => verdict === 'none')
      .map(({ version, returns, real }) => ({ title: `of the trigger (${version}, ${returns})`, why: whyOf(real) })),
  ]
}

/** Shows what is about to be created, and waits for a yes. */
async function ask(options: CalibrateCommandOptions, terminal: Terminal): Promise<void> {
  const { stdin } = terminal
  if ((stdin as Partial<NodeJS.ReadStream>).isTTY !== true)
    throw new RolecastError(
      'invalid-argument',
      'calibrate creates a user pool in your AWS account, and stdin is not a terminal on which to confirm it; add --yes, or look at --dry-run first',
    )
  const { endpointUrl, region, profile } = options
  const where = [
    ...(endpointUrl === undefined ? ['in your AWS account'] : [`at the endpoint ${printable(endpointUrl)}`]),
    ...(region === undefined ? [] : [`region ${printable(region)}`]),
    ...(profile === undefined ? [] : [`profile ${printable(profile)}`]),
  ]
  await say(terminal, `${planText(planOf(options), { color: false })}\nCreate this ${where.join(', ')}? [y/N] `)
  const answer = await firstLine(stdin)
  if (!/^\s*y(es)?\s*$/i.test(answer))
    throw new RolecastError('aborted', 'interrupted; nothing was created, because you did not answer yes')
}

/** Without a terminal's own editing, so that Ctrl-C still ends the process. */
async function firstLine(stdin: Terminal['stdin']): Promise<string> {
  const lines = createInterface({ input: stdin, terminal: false })
  try {
    return await new Promise<string>(resolve => {
      lines.once('line', resolve)
      lines.once('close', () => resolve(''))
    })
  } finally {
    lines.close()
  }
}

async function cleanUpLedger(ledger: string, options: CalibrateCommandOptions, terminal: Terminal): Promise<ExitCode> {
  const watch = createWatch(options, terminal, ledger)
  const signal = terminal.interrupted(0, watch.leftover)
  const { leftBehind, isLedgerRemoved } = await cleanUp(ledger, {
    ...connectionOf(options),
    signal,
    onEvent: watch.tell,
  })
  await watch.said()
  if (await sayHowToCleanUp(leftBehind, ledger, options, terminal)) return 2
  const end = isLedgerRemoved ? ', and the ledger was removed' : '; the ledger file stays'
  await print(terminal, `Nothing in the ledger is left: each resource was looked up and is gone${end}.\n`)
  return 0
}

/** Each failed deletion was already reported. */
async function sayHowToCleanUp(
  leftBehind: readonly LeftBehind[],
  ledger: string,
  options: ConnectionOptions,
  terminal: Terminal,
): Promise<boolean> {
  if (leftBehind.length === 0) return false
  await say(terminal, howToCleanUp(ledger, options))
  return true
}

function howToCleanUp(ledger: string, options: ConnectionOptions): string {
  return `rolecast: to delete what is left, run: ${cleanUpCommand(ledger, options)}\n`
}

function cleanUpCommand(ledger: string, { profile, endpointUrl }: ConnectionOptions): string {
  const words = [
    'rolecast',
    'calibrate',
    '--cleanup',
    ledger,
    ...(profile === undefined ? [] : ['--profile', profile]),
    ...(endpointUrl === undefined ? [] : ['--endpoint-url', endpointUrl]),
  ]
  return words.map(word => printable(shellWord(word))).join(' ')
}

function shellWord(word: string): string {
  return /^[\w./:@=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}

interface Watch {
  readonly tell: (event: CalibrateEvent) => void
  /** Resolves when everything is written. */
  readonly said: () => Promise<void>
  /** How to delete what may be left at this time. Set while there is a ledger. */
  readonly leftover: () => string | undefined
}

/** A line that is written with `--quiet` too. */
const MAY_BE_LEFT: ReadonlySet<CalibrateEvent['event']> = new Set(['ledger-stays', 'failed', 'left'])

/** Reports progress on stderr. */
function createWatch(options: ConnectionOptions, terminal: Terminal, known?: string): Watch {
  let last = Promise.resolve()
  let ledger = known
  const tell = (event: CalibrateEvent) => {
    if (event.event === 'ledger') ledger = event.path
    // The ledger file names nothing that is left.
    if (event.event === 'ledger-stays') ledger = undefined
    const write = MAY_BE_LEFT.has(event.event) ? say : note
    last = write(terminal, `rolecast: ${eventText(event, options)}\n`)
  }
  const leftover = () => (ledger !== undefined && existsSync(ledger) ? howToCleanUp(ledger, options) : undefined)
  return { tell, said: () => last, leftover }
}

function eventText(event: CalibrateEvent, options: ConnectionOptions): string {
  switch (event.event) {
    case 'ledger':
      return `if this process is killed, delete what it created with: ${cleanUpCommand(event.path, options)}`
    case 'step':
      return printable(event.what)
    case 'created':
    case 'deleting':
    case 'deleted':
      return `${event.event} ${event.kind} ${printable(event.id)}${event.event === 'deleted' ? ', and confirmed that it is gone' : ''}`
    case 'absent':
      return `nothing to delete: there is no ${event.kind} ${printable(event.name)}`
    case 'ledger-stays':
      return `nothing that the ledger ${printable(event.path)} names is left, but the file stays: it could not be removed, or was moved`
    case 'failed':
      return `no response: ${escapeHidden(inCommandLineWords(event.error.message))} (${event.error.code})`
    case 'retry':
      return `${event.operation}: ${event.why}; again in ${event.ms / 1_000} s`
    case 'left': {
      const { kind, name, id = name, error } = event
      const what = `${kind} ${printable(name)}${id === name ? '' : ` (${printable(id)})`}`
      return `${what} is not known to be gone: ${escapeHidden(inCommandLineWords(error.message))} [${error.code}]`
    }
  }
}
