import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Command, Option } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Commands } from '../../src/cli/called-commands.js'
import { COMMANDS } from '../../src/cli/command-table.js'
import { canTakeStdin } from '../../src/cli/input-file.js'
import { addOutputOptions } from '../../src/cli/output-option.js'
import type { Terminal } from '../../src/cli/terminal.js'
import { calibrationOf } from '../calibrations.js'
import { type Ended, failuresAsText, inProcess } from './command.js'
import { poolFileIn, role, userPoolId } from './pool.js'

/** A command with its whole name. */
interface Named {
  readonly name: string
  readonly command: Command
}

const UNUSED = {} as Terminal

async function load(parent: Command, commands: Commands, before: string): Promise<readonly Named[]> {
  const found: Named[] = []
  for (const [word, entry] of commands) {
    const name = `${before}${word}`
    if ('commands' in entry) found.push(...(await load(new Command(word), entry.commands, `${name} `)))
    else {
      const add = await entry.load()
      add(parent, UNUSED, () => {})
      found.push({ name, command: parent.commands.find(one => one.name() === word)! })
    }
  }
  return found
}

let all: readonly Named[]
let folder: string
const files = {
  pool: '',
  users: '',
  identityPool: '',
  roles: '',
  calibration: '',
  template: '',
  audit: '',
  garbage: '',
}
beforeAll(async () => {
  all = await load(new Command('rolecast'), COMMANDS, '')
  folder = await mkdtemp(join(tmpdir(), 'rolecast-options-'))
  files.pool = await poolFileIn(folder)
  files.users = await file(
    'users.ndjson',
    '{"username":"anna","groups":["admins"]}\n{"username":"bert","groups":["vip"]}\n',
  )
  files.identityPool = await file(
    'identity-pool.json',
    JSON.stringify({
      IdentityPoolId: 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6',
      Roles: { authenticated: role('Authenticated') },
    }),
  )
  files.roles = await file('roles.json', JSON.stringify({ RoleDetailList: [], Policies: [] }))
  files.calibration = await file('calibration.json', JSON.stringify(calibrationOf('roles-compete')))
  files.template = await file(
    'template.json',
    JSON.stringify({
      Resources: Object.fromEntries(
        ['admins', 'hr'].map(GroupName => [
          GroupName,
          {
            Type: 'AWS::Cognito::UserPoolGroup',
            Properties: { GroupName, Precedence: 1, RoleArn: role(GroupName), UserPoolId: userPoolId },
          },
        ]),
      ),
    }),
  )
  files.garbage = await file('garbage.json', '{"cut')
  const audit = ['audit', 'pool', '--pool-file', files.pool, '--memberships', files.users, '--user-pool-id', userPoolId]
  files.audit = await file('audit.ndjson', (await inProcess([...audit, '--format', 'ndjson'])).stdout)
})
afterAll(() => rm(folder, { recursive: true }))

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

const find = (name: string) => all.find(one => one.name === name)!
const optionOf = (command: Command, long: string) => command.options.find(one => one.long === long)
const formatsOf = (command: Command) => optionOf(command, '--format')?.argChoices ?? []

// ------------------------------------------------------------------ Formats and output

/** Commands whose output is no result. */
const NO_RESULT: Readonly<Record<string, string>> = {
  demo: 'a show for people, of made-up users',
  completion: 'a script for a shell, whose words are those of no format',
}

function outputFaults({ name, command }: Named): readonly string[] {
  const [format, json, output] = ['--format', '--json', '--output'].map(long => optionOf(command, long))
  if (name in NO_RESULT) return (format ?? json ?? output) ? [`${name}: is in the table, and has such an option`] : []
  const faults: string[] = []
  if (format?.flags !== '--format <format>' || format.argChoices === undefined) faults.push('--format')
  if ((json?.flags === '--json') !== formatsOf(command).includes('json')) faults.push('--json')
  if (output?.flags !== '--output <file>') faults.push('--output')
  return faults.map(fault => `${name}: ${fault}`)
}

describe('formats and output', () => {
  test('every command that prints a result has --format, --output, and --json exactly if it has JSON', () => {
    expect(all.flatMap(outputFaults)).toEqual([])
    expect(all.length).toBeGreaterThan(11)
  })

  test('the table of commands without a result is not stale', () => {
    expect(Object.keys(NO_RESULT).filter(name => find(name) === undefined)).toEqual([])
  })

  test('control: a command that lacks one of the options is found', () => {
    const named = (command: Command) => outputFaults({ name: 'x', command })
    expect(named(addOutputOptions(new Command(), ['text', 'json']))).toEqual([])
    expect(named(addOutputOptions(new Command(), ['sql']))).toEqual([])
    expect(named(new Command().option('--json'))).toEqual(['x: --format', 'x: --json', 'x: --output'])
    const some = new Command()
      .addOption(new Option('--format <format>').choices(['text', 'json']))
      .option('--output <file>')
    expect(named(some)).toEqual(['x: --json'])
    expect(outputFaults({ name: 'demo', command: some })).toHaveLength(1)
  })

  test('--json is --format json, byte for byte', async () => {
    const offline = [
      ['predict', '--group', 'admins', '--pool-file', files.pool],
      ['explain', 'COG101'],
      ['validate', files.template],
      ['audit', 'pool', '--pool-file', files.pool, '--memberships', files.users],
      ['audit', 'diff', files.audit, files.audit],
      ['impact', '--pool-file', files.pool, '--memberships', files.users, '--set', 'vip.precedence=9'],
      ['calibrate', '--dry-run'],
    ]
    for (const args of offline) {
      const short = await inProcess([...args, '--json'])
      expect(() => JSON.parse(short.stdout)).not.toThrow()
      expect(short).toEqual(await inProcess([...args, '--format', 'json']))
      expect(short).toEqual(await inProcess([...args, '--format', 'json', '--json']))
      expect((await inProcess(args)).stdout).not.toBe(short.stdout)
    }
  })

  test('--json with another --format is rejected by every command, before it reads or calls anything', async () => {
    for (const { name, command } of all)
      for (const format of formatsOf(command).filter(one => one !== 'json')) {
        if (!formatsOf(command).includes('json')) continue
        const ended = await refused(name, '--json', '--format', format)
        expect(ended).toContain(
          `--json is short for --format json and cannot be combined with --format ${format}; leave one of them out`,
        )
      }
  })

  test('the name of a format as a file is asked about by every command', async () => {
    for (const { name, command } of all.filter(one => !(one.name in NO_RESULT))) {
      for (const format of formatsOf(command))
        expect(await refused(name, '--output', format)).toContain(
          `\`${format}\` is the name of a format; choose the format with --format ${format}, or write to a file of that name with --output ./${format} [`,
        )
      const other = ['json', 'sarif', 'sql'].find(one => !formatsOf(command).includes(one))!
      expect(await refused(name, '--output', other.toUpperCase())).toMatch(
        /is the name of a format; this command has --format .*, or write to a file of that name with --output \.\//,
      )
    }
  })

  test('a file of such a name is written with ./ before it, and holds what stdout has without it', async () => {
    const before = process.cwd()
    process.chdir(folder)
    try {
      for (const args of [
        ['predict', '--group', 'admins', '--pool-file', files.pool],
        ['predict', '--group', 'admins', '--pool-file', files.pool, '--json'],
        ['explain', 'COG101'],
      ]) {
        expect(await inProcess([...args, '--output', './text'], { color: true })).toEqual({
          code: 0,
          stdout: '',
          stderr: '',
        })
        expect(await readFile(join(folder, 'text'), 'utf8')).toBe((await inProcess(args)).stdout)
      }
    } finally {
      process.chdir(before)
    }
  })

  test('a file has no color, and is otherwise what stdout has', async () => {
    const escape = '\u001b['
    const output = join(folder, 'plain.txt')
    let colored = 0
    for (const args of [
      lineOf('predict'),
      lineOf('validate'),
      ['validate', files.template, '--fix-suggestion'],
      lineOf('audit pool'),
      lineOf('audit diff'),
      lineOf('impact'),
      ['calibrate', '--dry-run'],
      ['explain', 'COG101'],
    ]) {
      const onTerminal = await inProcess(args, { color: true })
      if (onTerminal.stdout.includes(escape)) colored++
      await inProcess([...args, '--output', output], { color: true })
      const text = await readFile(output, 'utf8')
      expect([args, text.includes(escape)]).toEqual([args, false])
      expect(text).toBe((await inProcess(args)).stdout)
    }
    expect(colored, 'control: stdout has some').toBeGreaterThan(3)
  })

  test('--stdin of predict prints lines of JSON, with --json too, and not with --format text', async () => {
    const args = ['predict', '--pool-file', files.pool, '--stdin']
    const lines = await inProcess(args, { stdin: '["admins"]\n["vip"]\n' })
    expect(
      lines.stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).outcome),
    ).toEqual(['resolved', 'none'])
    expect(await inProcess([...args, '--json'], { stdin: '["admins"]\n["vip"]\n' })).toEqual(lines)
    const file = join(folder, 'lines.ndjson')
    await inProcess([...args, '--output', file], { stdin: '["admins"]\n["vip"]\n' })
    expect(await readFile(file, 'utf8')).toBe(lines.stdout)
    const { code, stdout, stderr } = await inProcess([...args, '--format', 'text'], { stdin: '["admins"]\n' })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/--stdin prints a line of JSON .* leave one of them out \[invalid-argument\]\n$/)
  })
})

// ------------------------------------------------------------------ Stdin

/** What each command needs beside the option that is looked at. None of it is read before stdin. */
const NEEDED: Readonly<Record<string, () => readonly (readonly [flag: string, value?: string])[]>> = {
  predict: () => [
    ['--pool-file', files.pool],
    ['--user-pool-id', userPoolId],
    ['--identity-pool-file', files.identityPool],
    ['--group', 'admins'],
  ],
  'audit user': () => [
    ['--user-pool-id', userPoolId],
    ['--username', 'anna'],
  ],
  'audit pool': () => [
    ['--pool-file', files.pool],
    ['--memberships', files.users],
  ],
  'audit account': () => [['--region', 'eu-west-1']],
  'audit diff': () => [
    ['OLD', files.audit],
    ['NEW', files.audit],
  ],
  impact: () => [
    ['--pool-file', files.pool],
    ['--memberships', files.users],
    ['--set', 'vip.precedence=9'],
  ],
  validate: () => [
    ['PATH', files.template],
    ['--against-pool-file', files.pool],
  ],
  explain: () => [],
  snapshot: () => [['--user-pool-id', userPoolId]],
  calibrate: () => [['--yes']],
  verify: () => [
    ['--token', files.garbage],
    ['--pool-file', files.pool],
    ['--user-pool-id', userPoolId],
    ['--jwks', files.roles],
  ],
  sql: () => [],
}

/** The command line of a command with these options; a name in capitals is an argument. */
function lineOf(name: string, ...given: readonly (readonly [flag: string, value?: string])[]): readonly string[] {
  const flags = new Set(given.map(([flag]) => flag))
  const isNeeded = ([flag]: readonly [string, string?]) =>
    !flags.has(flag) && !(flag === '--group' && flags.has('--stdin'))
  const ordered = NEEDED[name]!()
    .map(one => given.find(([flag]) => flag === one[0]) ?? one)
    .filter(one => isNeeded(one) || given.includes(one))
  const rest = given.filter(one => !ordered.includes(one))
  return [
    ...name.split(' '),
    ...[...ordered, ...rest].flatMap(([flag, value]) => [
      ...(flag.startsWith('--') ? [flag] : []),
      ...(value === undefined ? [] : [value]),
    ]),
  ]
}

async function refused(name: string, ...args: readonly string[]): Promise<string> {
  const stdin = new Readable({ read: () => expect.unreachable('stdin is read') })
  const { code, stdout, stderr } = await inProcess([...lineOf(name), ...args], { stdin })
  expect({ name, args, code, stdout }).toEqual({ name, args, code: 2, stdout: '' })
  return failuresAsText(stderr)
}

interface Input extends Named {
  /** As the command line has it. */
  readonly flag: string
}

function inputsOf({ name, command }: Named): readonly Input[] {
  const flags = [
    ...command.registeredArguments.filter(canTakeStdin).map(argument => argument.name().toUpperCase()),
    ...command.options.filter(canTakeStdin).map(option => option.long!),
  ]
  return flags.map(flag => ({ name, command, flag }))
}

const dash = (flag: string) => [flag, flag === '--stdin' ? undefined : '-'] as readonly [string, string?]

/** Options and arguments that name a file, and do not take stdin. */
const NOT_STDIN: Readonly<Record<string, string>> = {
  '--output': 'it is written',
  '--report': 'it is written',
  '--write-baseline': 'it is written',
  '--checkpoint': 'it is written, and read again',
  '--ledger': 'it is written',
  '--cleanup': 'the ledger is removed in the end',
  '--var-file': 'its name says whether it is HCL or JSON',
  '--exclude': 'it is not read',
  '--repository-root': 'it is not read',
}

const NAMES_FILE = /[<[=](?:file|path|folder|ledger|old|new)(?:\.\.\.)?[>\]]|-file\b/

function stdinFaults({ name, command }: Named): readonly string[] {
  const named = [
    ...command.registeredArguments.map(one => ({ one, flag: one.name().toUpperCase(), flags: `<${one.name()}>` })),
    ...command.options.map(one => ({ one, flag: one.long!, flags: one.flags })),
  ]
  return named
    .filter(({ one, flag, flags }) => NAMES_FILE.test(flags) && canTakeStdin(one) === flag in NOT_STDIN)
    .map(({ flag }) => `${name}: ${flag}`)
}

describe('`-` is stdin', () => {
  test('for every option and argument that names a file to read, but for those in the table', () => {
    expect(all.flatMap(stdinFaults)).toEqual([])
    expect(all.flatMap(inputsOf).length).toBeGreaterThan(25)
  })

  test('the table is not stale', () => {
    const flags = new Set(all.flatMap(({ command }) => command.options.map(({ long }) => long)))
    expect(Object.keys(NOT_STDIN).filter(flag => !flags.has(flag))).toEqual([])
  })

  test('control: an option that does not take it is found', () => {
    const faults = (flags: string) => stdinFaults({ name: 'x', command: new Command().option(flags, '') })
    for (const flags of ['--roles-file <file>', '--plan <path>', '--some-file <name>'])
      expect(faults(flags)).toHaveLength(1)
    expect(faults('--output <file>')).toEqual([])
    expect(stdinFaults({ name: 'x', command: new Command().argument('[path...]') })).toEqual(['x: PATH'])
  })

  test('what an option cannot use is told of stdin as of a file', async () => {
    const seen: string[] = []
    for (const { name, flag } of all.flatMap(inputsOf).filter(one => one.flag !== '--stdin')) {
      const garbage = await readFile(files.garbage, 'utf8')
      const ofFile = await inProcess(lineOf(name, [flag, files.garbage]))
      const ofStdin = await inProcess(lineOf(name, dash(flag)), { stdin: garbage })
      expect([name, flag, ofFile.code, ofStdin.code]).toEqual([name, flag, 2, 2])
      const isSame = sameWords(ofFile) === sameWords(ofStdin)
      expect(isSame, `${name} ${flag}\n${sameWords(ofFile)}\n${sameWords(ofStdin)}`).toBe(true)
      seen.push(`${name} ${flag}`)
    }
    expect(seen).toContain('audit account --roles-file')
    expect(seen).toContain('verify --jwks')
  })

  const usable: readonly (readonly [name: string, flag: string, path: () => string])[] = [
    ['predict', '--pool-file', () => files.pool],
    ['predict', '--identity-pool-file', () => files.identityPool],
    ['predict', '--calibration', () => files.calibration],
    ['audit pool', '--pool-file', () => files.pool],
    ['audit pool', '--memberships', () => files.users],
    ['audit pool', '--roles-file', () => files.roles],
    ['audit pool', '--calibration', () => files.calibration],
    ['audit diff', 'OLD', () => files.audit],
    ['audit diff', 'NEW', () => files.audit],
    ['impact', '--pool-file', () => files.pool],
    ['impact', '--template', () => files.template],
    ['validate', '--against-pool-file', () => files.pool],
    ['validate', '--memberships', () => files.users],
  ]
  test.each(usable)('%s: what %s reads from stdin is what it reads from a file', async (name, flag, path) => {
    const ofFile = await inProcess(lineOf(name, [flag, path()]))
    expect(ofFile.code, ofFile.stderr).not.toBe(2)
    expect(await inProcess(lineOf(name, dash(flag)), { stdin: await readFile(path()) })).toEqual(ofFile)
  })

  test('a plan of changes, a plan of Terraform, a config and a baseline can be read from it', async () => {
    const change = [{ groupName: 'vip', precedence: 9 }]
    const plan = await inProcess(lineOf('impact', ['--set', 'vip.precedence=9']))
    const other = ['impact', '--pool-file', files.pool, '--memberships', files.users, '--plan', '-']
    expect(await inProcess(other, { stdin: JSON.stringify(change) })).toEqual(plan)
    const group = {
      group_name: undefined,
      name: 'admins',
      user_pool_id: userPoolId,
      precedence: 0,
      role_arn: role('Admin'),
    }
    const deletion = {
      type: 'aws_cognito_user_group',
      address: 'aws_cognito_user_group.a',
      mode: 'managed',
      change: { actions: ['delete'], before: group, after: null },
    }
    const terraform = JSON.stringify({
      format_version: '1.2',
      resource_changes: [deletion],
      planned_values: { root_module: {} },
    })
    const ofFile = await inProcess([...other.slice(0, -1), await file('plan.json', terraform)])
    const ofStdin = await inProcess(other, { stdin: terraform })
    expect(ofStdin.stdout + ofStdin.stderr).toBe(
      (ofFile.stdout + ofFile.stderr).replaceAll(join(folder, 'plan.json'), '-'),
    )

    const findings = await inProcess(['validate', files.template])
    expect(findings.code).toBe(1)
    const baseline = join(folder, 'baseline.json')
    await inProcess(['validate', files.template, '--write-baseline', baseline])
    const cwd = process.cwd()
    process.chdir(folder)
    try {
      const known = await inProcess(['validate', files.template, '--baseline', '-'], {
        stdin: await readFile(baseline),
      })
      const ofFile = await inProcess(['validate', files.template, '--baseline', baseline])
      expect(known).toEqual({ ...ofFile, stdout: ofFile.stdout.replaceAll(baseline, '-') })
      expect(known.code).toBe(0)
      const lenient = await inProcess(['validate', files.template, '--config', '-'], { stdin: '{"failOn":"never"}' })
      const config = await file('lenient.json', '{"failOn":"never"}')
      expect(lenient.code).toBe(0)
      expect(lenient).toEqual(await inProcess(['validate', files.template, '--config', config]))
    } finally {
      process.chdir(cwd)
    }
  })

  test('of two options at most one can take it: the second is rejected by every command, and both are named', async () => {
    let pairs = 0
    for (const named of all) {
      const inputs = inputsOf(named)
      for (const [index, first] of inputs.entries())
        for (const second of inputs.slice(index + 1)) {
          const args = lineOf(named.name, dash(first.flag), dash(second.flag))
          const stdin = new Readable({ read: () => expect.unreachable('stdin is read') })
          const { code, stdout, stderr } = await inProcess(args, { stdin })
          expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
          expect(stderr).toBe(
            `rolecast: stdin can be read only once, but both ${first.flag} and ${second.flag} take it; give one of them as a file [invalid-argument]\n`,
          )
          pairs++
        }
    }
    expect(pairs).toBeGreaterThan(30)
  })

  test('a checkpoint and variables are rejected with the reason', async () => {
    expect(await refused('validate', '--var-file', '-')).toMatch(
      /--var-file does not take stdin, because the name .* HCL or JSON; give/,
    )
    for (const [name, flag] of [
      ['validate', '--var-file'],
      ['impact', '--var-file'],
    ] as const)
      expect(optionOf(find(name).command, flag)!.description).toContain('not stdin, because')
    expect(find('audit diff').command.registeredArguments[0]!.description).toContain(
      'has to be a file, because it is read twice',
    )
  })

  test('on a terminal, it says what it waits for and how to end it, but not with --quiet', async () => {
    const typed = () => Object.assign(Readable.from(['["admins"]\n']), { isTTY: true })
    const args = ['predict', '--pool-file', files.pool, '--stdin']
    const said =
      'rolecast: reading --stdin from the terminal; end the input with Ctrl-D, on Windows with Ctrl-Z and Enter\n'
    expect(await inProcess(args, { stdin: typed() })).toMatchObject({ code: 0, stderr: said })
    expect(await inProcess([...args, '--quiet'], { stdin: typed() })).toMatchObject({ code: 0, stderr: '' })
    expect(await inProcess(args, { stdin: '["admins"]\n' })).toMatchObject({ code: 0, stderr: '' })
  })
})

/** A failure without the name of what was read and how it is made. */
function sameWords({ stderr }: Ended): string {
  return failuresAsText(stderr)
    .replaceAll(`\`${files.garbage}\``, 'on stdin')
    .replaceAll(files.garbage, '-')
    .replaceAll(' > FILE`', '`')
    .replaceAll(/in the file on stdin|on stdin/g, 'on stdin')
    .replaceAll('the file on stdin', 'stdin')
}

// ------------------------------------------------------------------ One meaning

/** Options that several commands have, and that differ, with the reason. */
const DIFFERENT: Readonly<Record<string, string>> = {
  '--format': 'each command has its own formats, and says what they are',
  '--user-pool-id': 'each command says what it reads of the pool',
  '--pool-file': 'of a pool that is verified, the users are then not compared',
  '--memberships': 'audits and impacts need the groups in a file too',
  '--identity-pool-id': 'validate looks at its mappings, and predicts nothing',
  '--client-id': 'verify checks the token for it',
  '--region': 'an audit of accounts has no default and takes several; calibrate makes the pool',
  '--profile': 'an audit of accounts takes several',
  '--checkpoint': 'of several pools it is a folder',
  '--dry-run': 'calibrate does not read, but create',
  '--semantics': 'audit diff takes that of the audits by default',
  '--finding': 'each command has its own formats with a line for a user',
  '--fail-on': 'validate has a default and `never`, and audit diff has kinds of differences',
}

function meaningFaults(commands: readonly Named[], different: Readonly<Record<string, string>>): readonly string[] {
  const meanings = new Map<string, Set<string>>()
  for (const { command } of commands)
    for (const { long, flags, description, argChoices, defaultValue } of command.options) {
      const meaning = JSON.stringify([flags, description, argChoices, defaultValue])
      meanings.set(long!, (meanings.get(long!) ?? new Set()).add(meaning))
    }
  const differ = [...meanings].filter(([, set]) => set.size > 1).map(([long]) => long)
  return [
    ...differ.filter(long => !(long in different)).map(long => `${long} differs`),
    ...Object.keys(different)
      .filter(long => !differ.includes(long))
      .map(long => `${long} is in the table, and does not differ`),
  ]
}

describe('an option has one meaning', () => {
  test('in all commands: the same flag has the same value, choices, default and description, but for those in the table', () => {
    expect(meaningFaults(all, DIFFERENT)).toEqual([])
  })

  test('control: a flag with another description or value is found, and so is a line of the table that says nothing', () => {
    const named = (flags: string, description: string) => ({
      name: 'x',
      command: new Command().option(flags, description),
    })
    expect(meaningFaults([named('--a <n>', 'one'), named('--a <n>', 'one')], {})).toEqual([])
    expect(meaningFaults([named('--a <n>', 'one'), named('--a <n>', 'two')], {})).toEqual(['--a differs'])
    expect(meaningFaults([named('--a <n>', 'one'), named('--a <m>', 'one')], {})).toEqual(['--a differs'])
    expect(meaningFaults([named('--a <n>', 'one')], { '--a': 'why' })).toHaveLength(1)
  })

  test('and long helps have headings, the same ones in all commands', () => {
    const headings = (name: string) => [...new Set(find(name).command.options.map(one => one.helpGroupHeading))]
    for (const name of ['validate', 'audit pool', 'impact', 'predict']) {
      expect(headings(name).length).toBeGreaterThan(3)
      expect(headings(name)).toContain('Output:')
      expect(headings(name), 'control: none without a heading').not.toContain(undefined)
    }
  })
})
