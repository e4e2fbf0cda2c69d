import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.js'
import { type Fault, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const manifest = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {
  version: string
  dependencies: Record<string, string>
}
const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'vip', precedence: 20 },
  { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
  { groupName: 'billing', precedence: 7, roleArn: role('Billing') },
  { groupName: 'support', precedence: 7, roleArn: role('Support') },
  { groupName: 'readers', precedence: 20, roleArn: role('Reader') },
  { groupName: 'contractors', roleArn: role('Contractor') },
  { groupName: '__proto__', precedence: 3, roleArn: role('Proto') },
  { groupName: 'a,b', precedence: 4, roleArn: role('Comma') },
  { groupName: '管理者-é-🙂', precedence: 6, roleArn: role('Unicode') },
]

let folder: string
let bin: string
let home: string
let pool: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-cli-'))
  // A copy, so that a build meanwhile takes nothing away.
  bin = await install('package', () => symlink(join(root, 'node_modules'), join(folder, 'package/node_modules')))
  home = await homeWith({})
  pool = await poolFile(
    GROUPS.map(({ groupName, precedence, roleArn }) => ({
      GroupName: groupName,
      Precedence: precedence,
      RoleArn: roleArn,
    })),
  )
})
afterAll(() => rm(folder, { recursive: true }))

async function install(name: string, addModules: () => Promise<void>): Promise<string> {
  const target = join(folder, name)
  await cp(join(root, 'dist'), join(target, 'dist'), { recursive: true })
  await cp(join(root, 'package.json'), join(target, 'package.json'))
  await addModules()
  return join(target, 'dist/cli/bin.js')
}

async function homeWith(files: Readonly<Record<string, string>>): Promise<string> {
  const path = await mkdtemp(join(folder, 'home-'))
  await mkdir(join(path, '.aws'))
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, '.aws', name), content)
  return path
}

let poolFiles = 0
async function poolFile(groups: readonly unknown[]): Promise<string> {
  const path = join(folder, `pool-${poolFiles++}.json`)
  await writeFile(path, JSON.stringify({ Groups: groups }))
  return path
}

const SECRET = 'wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEY'
const CREDENTIALS = { AWS_ACCESS_KEY_ID: 'AKIAENVIRONMENT', AWS_SECRET_ACCESS_KEY: SECRET }
const AT_ONCE = { ...CREDENTIALS, AWS_MAX_ATTEMPTS: '1' }
const STACK_TRACE = /^\s+at .+[:)]\d*|node:internal|^Node\.js v|\.js:\d+/m
const ESCAPE = /(?![\r\n])\p{Cc}/u

interface Settings {
  readonly input?: string | Uint8Array
  readonly env?: Readonly<Record<string, string>>
  /** In place of the running of the bin file by node. */
  readonly command?: readonly [string, ...string[]]
}

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

function start(args: readonly string[], { env, command = [process.execPath, bin] }: Settings = {}) {
  const [file, ...first] = command
  const child = spawn(file, [...first, ...args], {
    cwd: home,
    env: { PATH: process.env['PATH'], HOME: home, AWS_EC2_METADATA_DISABLED: 'true', ...env },
  })
  // Who ends early does not read to the end.
  child.stdin.on('error', () => {})
  return child
}

/** The command within a line of shell, as "$@". */
const shell = (line: string): Settings['command'] & {} => ['sh', '-c', line, 'sh', process.execPath, bin]
const intoHead = () => shell('{ "$@"; echo "exit $?" >&2; } | head -n 1')

/** Runs to the end, whatever the end is. */
async function runRaw(args: readonly string[], settings: Settings = {}): Promise<Ended> {
  const child = start(args, settings)
  child.stdin.end(settings.input ?? '')
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, stdout, stderr }
}

/** Runs to the end, which is never a crash. */
async function rolecast(args: readonly string[], settings: Settings = {}): Promise<Ended> {
  return checked(await runRaw(args, settings))
}

/** The same command in this process, for tables of cases: a process of its own for each takes long. */
async function inProcess(args: readonly string[], { color = false, input = '' } = {}): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const outputs = Promise.all([text(stdout), text(stderr)])
  const code = await main(
    args,
    { stdin: Readable.from([input]), stdout, stderr, color, interrupted: () => new AbortController().signal },
    '1.2.3',
  )
  stdout.end()
  stderr.end()
  const [out, err] = await outputs
  return { code, stdout: out, stderr: err }
}

function checked(ended: Ended): Ended {
  expect(ended.stderr).not.toMatch(STACK_TRACE)
  expect(ended.stdout + ended.stderr).not.toContain(SECRET)
  expect(ended.stdout + ended.stderr).not.toMatch(ESCAPE)
  // An answer is all there is to say, and a failure is nothing to read as an answer.
  if (ended.code === 0 || ended.code === 1) expect(ended.stderr).toBe('')
  else expect(ended.stderr).not.toBe('')
  return ended
}

const groupsOf = (...names: readonly string[]) => names.flatMap(name => ['--group', name])
const predict = (args: readonly string[], settings?: Settings) =>
  rolecast(['predict', '--pool-file', pool, ...args], settings)
const predictHere = async (args: readonly string[], input?: string) =>
  checked(await inProcess(['predict', '--pool-file', pool, ...args], input === undefined ? {} : { input }))
const predictLines = (input: string | Uint8Array, args: readonly string[] = []) =>
  predict(['--stdin', ...args], { input })
const answersIn = (stdout: string) =>
  stdout
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line))

describe('the guards of these tests', () => {
  test('a stack trace is seen as one', () => {
    const { stderr } = spawnSync(process.execPath, ['-e', 'throw new Error("no")'], { encoding: 'utf8' })
    expect(stderr).toMatch(STACK_TRACE)
    expect('rolecast: it did not work (at 12:30, see a.json) [timeout]\n').not.toMatch(STACK_TRACE)
  })

  test('colour is seen as an escape', () => {
    expect('\x1B[1mbold').toMatch(ESCAPE)
  })
})

describe.concurrent('the command itself', () => {
  test('--version is that of the package', async () => {
    expect(await rolecast(['--version'])).toEqual({ code: 0, stdout: `${manifest.version}\n`, stderr: '' })
  })

  test.each([
    [['--help'], '$ rolecast predict --user-pool-id '],
    [['help'], '$ rolecast predict --user-pool-id '],
    [['predict', '--help'], '$ rolecast predict --pool-file pool.json --group admins --json\n'],
    [['help', 'predict'], '$ rolecast predict --pool-file pool.json --group admins --json\n'],
    [['demo', '--help'], '$ rolecast demo'],
  ])('%j shows an example on stdout', async (args, example) => {
    const { code, stdout } = await rolecast(args)
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Usage: rolecast/)
    expect(stdout).toMatch(/^Examples?:$/m)
    expect(stdout).toContain(`  ${example}`)
  })

  test('the help of predict names every option and every exit code', async () => {
    const { stdout } = await rolecast(['predict', '--help'])
    const options = [
      'user-pool-id',
      'pool-file',
      'group',
      'stdin',
      'region',
      'profile',
      'endpoint-url',
      'identity-pool-id',
      'identity-pool-file',
      'client-id',
      'custom-role-arn',
      'semantics',
      'json',
      'require-role',
      'help',
    ]
    expect([...stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(match => match[1])).toEqual(options)
    expect(stdout).toMatch(/0 it ran, 1 no role is resolved.*, 2 it could not run/)
  })

  test.each([
    ['no command', [], 'Usage: rolecast'],
    ['an unknown command', ['forecast'], `unknown command 'forecast'`],
    ['an unknown option', ['predict', '--groups', 'a'], `unknown option '--groups'`],
    ['an unknown option before the command', ['--json', 'predict'], `unknown option '--json'`],
    ['an argument too many', ['predict', 'admins'], 'too many arguments'],
    ['an argument of demo', ['demo', 'now'], 'too many arguments'],
    ['an option without its value', ['predict', '--group'], `'--group <name>' argument missing`],
    [
      'an unknown reading',
      ['predict', '--group', 'a', '--semantics', 'strict'],
      'Allowed choices are observed, roles-compete, documented',
    ],
    [
      'no group',
      ['predict', '--user-pool-id', userPoolId],
      'give --group NAME for each group of the user, or --stdin [invalid-argument]',
    ],
    ['no pool', ['predict', '--group', 'a'], 'give --user-pool-id ID or --pool-file FILE [invalid-argument]'],
    ['no pool for --stdin', ['predict', '--stdin'], 'give --user-pool-id ID or --pool-file FILE [invalid-argument]'],
    ['neither', ['predict'], '[invalid-argument]'],
    [
      'a region for a file',
      ['predict', '--group', 'a', '--pool-file', 'p', '--region', 'eu-west-1'],
      'cannot be used with',
    ],
    [
      'a profile for a file',
      ['predict', '--group', 'a', '--pool-file', 'p', '--profile', 'work'],
      'cannot be used with',
    ],
    [
      'an endpoint for a file',
      ['predict', '--group', 'a', '--endpoint-url', 'http://127.0.0.1:9', '--pool-file', 'p'],
      'cannot be used with',
    ],
    [
      'a pool and a file',
      ['predict', '--group', 'a', '--user-pool-id', userPoolId, '--pool-file', 'p'],
      'cannot be combined',
    ],
    [
      'groups from two places',
      ['predict', '--group', 'a', '--stdin', '--user-pool-id', userPoolId],
      'cannot be used with',
    ],
    ['an empty pool id', ['predict', '--group', 'a', '--user-pool-id', ''], '[invalid-user-pool-id]'],
    [
      'a pool id that is none',
      ['predict', '--group', 'a', '--user-pool-id', 'eu-west-1/Ab12'],
      '[invalid-user-pool-id]',
    ],
    ['a pool id without a region', ['predict', '--group', 'a', '--user-pool-id', 'Ab12Cd34e'], '[no-region]'],
    ['a group name with a space', ['predict', '--group', 'a b', '--user-pool-id', userPoolId], '[invalid-group-name]'],
    ['an empty group name', ['predict', '--group', '', '--user-pool-id', userPoolId], '[invalid-group-name]'],
    [
      'a group name that is too long',
      ['predict', '--group', 'x'.repeat(129), '--user-pool-id', userPoolId],
      '[invalid-group-name]',
    ],
    [
      'a group name with an escape sequence',
      ['predict', '--group', '\x1B[31mred', '--user-pool-id', userPoolId],
      String.raw`\u{1b}[31mred`,
    ],
  ])('%s exits with 2 and says so on stderr alone', async (_what, args, said) => {
    const { code, stdout, stderr } = checked(await inProcess(args))
    expect(stderr).toContain(said)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test.each([[[]], [['forecast']], [['predict', '--group', 'a', '--stdin']], [['predict']]])(
    'as a process %j does what it does here',
    async args => {
      expect(await rolecast(args)).toEqual(await inProcess(args))
    },
  )
})

describe.concurrent('a prediction from a file', () => {
  test('as text', async () => {
    const { code, stdout } = await predict(groupsOf('editors', 'admins', 'ghost'))
    expect(code).toBe(0)
    expect(stdout).toContain(`> 0  admins   ${role('Admin')}\n  5  editors  ${role('Editor')}\n`)
    expect(stdout).toContain('Not in the user pool (no role, and in no claim)\n  ghost\n')
  })

  test('as JSON', async () => {
    const { code, stdout } = await predict(['--json', ...groupsOf('editors', 'ghost', 'admins')])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\{\n {2}"outcome": "resolved",\n[^]*\n\}\n$/)
    expect(JSON.parse(stdout)).toEqual({
      outcome: 'resolved',
      rule: 'lowest-precedence',
      evidence: 'observed',
      groups: ['editors', 'admins'],
      roles: [role('Admin'), role('Editor')],
      preferredRole: role('Admin'),
      determiningGroups: ['admins'],
      claims: {
        'cognito:groups': ['editors', 'admins'],
        'cognito:roles': [role('Admin'), role('Editor')],
        'cognito:preferred_role': role('Admin'),
      },
      unknownGroups: ['ghost'],
      stale: false,
      age: 0,
    })
  })

  test('a group that is given twice counts once', async () => {
    const { stdout } = await predict(['--json', ...groupsOf('editors', 'ghost', 'editors', 'ghost')])
    expect(JSON.parse(stdout)).toMatchObject({ groups: ['editors'], unknownGroups: ['ghost'] })
  })

  test('names with commas, of other alphabets, and traps in JavaScript are names', async () => {
    const { stdout } = await predict(['--json', ...groupsOf('管理者-é-🙂', 'a,b', '__proto__', 'constructor')])
    expect(JSON.parse(stdout)).toMatchObject({
      groups: ['管理者-é-🙂', 'a,b', '__proto__'],
      preferredRole: role('Proto'),
      unknownGroups: ['constructor'],
    })
  })

  test('a name that begins with a dash can be given', async () => {
    expect(JSON.parse((await predict(['--json', '--group=--json'])).stdout)).toMatchObject({
      unknownGroups: ['--json'],
    })
  })

  test.each([
    ['observed', { outcome: 'undetermined', candidateRole: role('Reader') }],
    ['roles-compete', { outcome: 'resolved', preferredRole: role('Reader') }],
    ['documented', { outcome: 'resolved', preferredRole: role('Reader'), evidence: 'documented' }],
  ])('--semantics %s answers in its own way', async (semantics, expected) => {
    const { code, stdout } = await predictHere(['--json', '--semantics', semantics, ...groupsOf('vip', 'readers')])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject(expected)
  })

  test('without --semantics the answer is the observed one', async () => {
    const given = await predict([...groupsOf('vip', 'readers'), '--semantics', 'observed'])
    expect(await predict(groupsOf('vip', 'readers'))).toEqual(given)
    expect(given.stdout).toContain('? ')
  })

  test.each([
    ['one role', ['admins'], 0],
    ['a role and an unknown group', ['admins', 'ghost'], 0],
    ['no role', ['contractors'], 1],
    ['two roles', ['billing', 'support'], 1],
    ['a role that is undetermined', ['vip', 'readers'], 1],
    ['an unknown group', ['ghost'], 1],
  ])('with %s --require-role tells by the exit code, and the answer is the same', async (_what, names, expected) => {
    const required = await predictHere(['--require-role', ...groupsOf(...names)])
    const plain = await predictHere(groupsOf(...names))
    expect(required.code).toBe(expected)
    expect(plain).toEqual({ ...required, code: 0 })
  })

  test('what the file has for escape sequences is shown and does nothing', async () => {
    const nasty = await poolFile([
      { GroupName: 'admins', Precedence: 0, RoleArn: 'r\x1B]0;owned\x07\x1B[31m\u009B1m\n\u202Ex' },
    ])
    const { code, stdout } = await rolecast(['predict', '--pool-file', nasty, '--group', 'admins'])
    expect(code).toBe(0)
    expect(stdout).toContain(String.raw`> 0  admins  r\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}1m\u{a}\u{202e}x`)
    expect(stdout).not.toContain('\u202E')
  })

  test.each([
    ['a name that comes twice', [{ GroupName: 'a\x1B[31m' }, { GroupName: 'a\x1B[31m' }], String.raw`a\u{1b}[31m`],
    ['a precedence', [{ GroupName: 'a', Precedence: '7' }], 'Groups.0.Precedence'],
  ])('a file that is refused for %s exits with 2', async (_what, groups, said) => {
    const { code, stdout, stderr } = checked(
      await inProcess(['predict', '--pool-file', await poolFile(groups), '--group', 'a']),
    )
    expect(stderr).toContain(said)
    expect(stderr).toMatch(/ \[invalid-input\]\n$/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('a file that is not there, and a folder, exit with 2', async () => {
    expect(await rolecast(['predict', '--pool-file', 'nowhere.json', '--group', 'a'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('(ENOENT)'),
    })
    expect(await rolecast(['predict', '--pool-file', '.', '--group', 'a'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('(EISDIR)'),
    })
  })

  test('a file needs neither credentials nor a region', async () => {
    expect((await predict(groupsOf('admins'), { env: { AWS_PROFILE: 'nobody', AWS_REGION: '' } })).code).toBe(0)
  })
})

describe.concurrent('--stdin', () => {
  test('answers line by line, in order', async () => {
    const { code, stdout } = await predictLines('["admins"]\n["ghost"]\n[]\n["billing","support"]\n["admins"]\n')
    expect(code).toBe(0)
    expect(answersIn(stdout)).toMatchObject([
      { preferredRole: role('Admin') },
      { outcome: 'none', unknownGroups: ['ghost'] },
      { outcome: 'none', rule: 'no-groups', claims: {} },
      { outcome: 'ambiguous' },
      { preferredRole: role('Admin') },
    ])
  })

  test('each answer is that of --json for the same groups', async () => {
    const [{ stdout: lines }, { stdout: one }] = await Promise.all([
      predictLines('["editors","ghost","admins"]'),
      predict(['--json', ...groupsOf('editors', 'ghost', 'admins')]),
    ])
    expect(answersIn(lines)).toEqual([JSON.parse(one)])
  })

  test.each([
    ['a line end at the end', '["admins"]\n["editors"]\n'],
    ['no line end at the end', '["admins"]\n["editors"]'],
    ['Windows line ends', '["admins"]\r\n["editors"]\r\n'],
    ['blank lines', '\n["admins"]\n\n  \t\n["editors"]\n\n'],
    ['white space around and within', '  [ "admins" ]\t\n\t["editors"] '],
    ['--json beside it', '["admins"]\n["editors"]\n', '--json'],
  ])('copes with %s', async (_what, input, ...args) => {
    const { code, stdout } = await predictLines(input, args)
    expect(code).toBe(0)
    expect(answersIn(stdout).map(answer => answer.preferredRole)).toEqual([role('Admin'), role('Editor')])
  })

  test.each(['', '\n', '\r\n \n'])('answers nothing to nothing (%j)', async input => {
    expect(await predictHere(['--stdin'], input)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('takes names with commas, of other alphabets, and traps in JavaScript', async () => {
    const { stdout } = await predictLines(
      '["a,b","__proto__"]\n["管理者-é-🙂","constructor"]\n["\\u7ba1\\u7406\\u8005-\\u00e9-\\ud83d\\ude42"]\n',
    )
    expect(answersIn(stdout)).toMatchObject([
      { groups: ['a,b', '__proto__'], preferredRole: role('Proto') },
      { groups: ['管理者-é-🙂'], preferredRole: role('Unicode'), unknownGroups: ['constructor'] },
      { groups: ['管理者-é-🙂'], preferredRole: role('Unicode') },
    ])
  })

  test.each([
    ['no JSON', '{"admins"', 'is not JSON', 'invalid-input'],
    ['bare words', 'admins,editors', 'is not JSON', 'invalid-input'],
    ['two arrays', '["admins"]["editors"]', 'is not JSON', 'invalid-input'],
    ['an object', '{"0":"admins","length":1}', 'is not an array', 'invalid-input'],
    ['a string', '"admins"', 'is not an array', 'invalid-input'],
    ['null', 'null', 'is not an array', 'invalid-input'],
    ['a number for a name', '["admins",7]', '`7` cannot be', 'invalid-group-name'],
    ['null for a name', '[null]', '`null` cannot be', 'invalid-group-name'],
    ['an array for a name', '[["admins"]]', 'an array cannot be', 'invalid-group-name'],
    ['a name with a space', '["a b"]', '`a b` cannot be', 'invalid-group-name'],
    ['an empty name', '[""]', 'cannot be', 'invalid-group-name'],
    ['half a surrogate pair', String.raw`["\ud83d"]`, String.raw`\u{d83d}`, 'invalid-group-name'],
    ['an escape sequence', '\x1B[31m', String.raw`\u{1b}[31m`, 'invalid-input'],
    ['an escaped escape sequence', String.raw`["\u001b[31m"]`, String.raw`\u{1b}[31m`, 'invalid-group-name'],
  ])('stops at a line with %s: names it, after the answers before it', async (_what, line, said, errorCode) => {
    const { code, stdout, stderr } = await predictHere(['--stdin'], `["admins"]\n\n["editors"]\n${line}\n["readers"]\n`)
    expect(code).toBe(2)
    expect(answersIn(stdout).map(answer => answer.preferredRole)).toEqual([role('Admin'), role('Editor')])
    expect(stderr).toMatch(/^rolecast: line 4 of the input: /)
    expect(stderr).toContain(said)
    expect(stderr.endsWith(` [${errorCode}]\n`)).toBe(true)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('stops at a bad line in a process of its own too', async () => {
    const input = '["admins"]\n["editors"\n["readers"]\n'
    const ended = await predictLines(input)
    expect(ended).toEqual(await predictHere(['--stdin'], input))
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/^rolecast: line 2 /) })
  })

  test('ends at a bad line, though the input goes on', async () => {
    const child = start(['predict', '--pool-file', pool, '--stdin'])
    const closed = once(child, 'close')
    const [stderr] = await Promise.all([
      once(child.stderr.setEncoding('utf8'), 'data'),
      child.stdin.write('["admins"]\nadmins\n'),
    ])
    expect(stderr[0]).toContain('line 2 of the input')
    const waited = setTimeout(() => child.kill('SIGKILL'), 5_000)
    const [code, signal] = await closed
    clearTimeout(waited)
    expect({ code, signal }).toEqual({ code: 2, signal: null })
  })

  test('answers each line before it sees the next', async () => {
    const child = start(['predict', '--pool-file', pool, '--stdin'])
    child.stdout.setEncoding('utf8')
    for (const name of ['admins', 'editors']) {
      child.stdin.write(`["${name}"]\n`)
      const [answer] = await once(child.stdout, 'data')
      expect(answersIn(answer)).toMatchObject([{ groups: [name] }])
    }
    child.stdin.end()
    expect(await once(child, 'close')).toEqual([0, null])
  })

  test('--require-role wants a role for every line, and answers them all', async () => {
    expect((await predictHere(['--stdin', '--require-role'], '["admins"]\n["editors"]\n')).code).toBe(0)
    for (const input of ['["ghost"]\n["admins"]\n', '["admins"]\n["contractors"]\n', '["admins"]\n[]\n']) {
      const { code, stdout } = await predictHere(['--stdin', '--require-role'], input)
      expect(code).toBe(1)
      expect(answersIn(stdout)).toHaveLength(2)
    }
  })

  test.each(['', '\n\n'])('--require-role is not met by an input without lines (%j)', async input => {
    expect(await predictHere(['--stdin', '--require-role'], input)).toEqual({ code: 1, stdout: '', stderr: '' })
  })

  test('--semantics holds for every line', async () => {
    const { stdout } = await predictHere(
      ['--stdin', '--semantics', 'roles-compete'],
      '["vip","readers"]\n["vip","readers"]\n',
    )
    expect(answersIn(stdout).map(answer => answer.outcome)).toEqual(['resolved', 'resolved'])
  })

  test('of twenty thousand lines none is lost, and none out of its place', async () => {
    const names = GROUPS.map(group => group.groupName)
    const lines = Array.from({ length: 20_000 }, (_, index) => [`nobody-${index}-é🙂`, names[index % names.length]!])
    const { code, stdout } = await predictLines(lines.map(line => JSON.stringify(line)).join('\n'))
    expect(code).toBe(0)
    const answers = answersIn(stdout)
    expect(answers.map(answer => [...answer.unknownGroups, ...answer.groups])).toEqual(lines)
    expect(answers.map(answer => answer.roles)).toEqual(
      lines.map((_line, index) => [GROUPS[index % GROUPS.length]!.roleArn].filter(arn => arn !== undefined)),
    )
  })

  test('a line of many names is one line', async () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `nobody-${index}`)
    const { stdout } = await predictLines(JSON.stringify(['admins', ...names]))
    expect(answersIn(stdout)).toMatchObject([{ groups: ['admins'], unknownGroups: names }])
  })

  test('bytes that are no UTF-8 are refused, not read as another name', async () => {
    const { code, stdout } = await predictLines(Buffer.from('["caf\xE9"]\n', 'latin1'))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('a line that is no UTF-8 is named like any bad line, after the answers before it', async () => {
    const { code, stdout, stderr } = await predictLines(Buffer.from('["admins"]\n["caf\xE9"]\n["editors"]\n', 'latin1'))
    expect(code).toBe(2)
    expect(answersIn(stdout)).toMatchObject([{ groups: ['admins'] }])
    expect(stderr).toMatch(/line 2 of the input.* \[invalid-input\]\n$/)
  })

  test('an input that cannot be read, which Node shows as an empty one, meets no requirement', async () => {
    const { code, stderr } = await runRaw(['predict', '--pool-file', pool, '--stdin', '--require-role'], {
      command: shell('"$@" < /'),
    })
    expect(stderr).not.toMatch(STACK_TRACE)
    expect(code).toBe(1)
  })
})

describe.concurrent('a reader that goes away', () => {
  test('ends a long answer quietly', async () => {
    const { stdout, stderr } = await runRaw(['predict', '--pool-file', pool, '--stdin'], {
      command: intoHead(),
      input: '["admins"]\n'.repeat(50_000),
    })
    expect(answersIn(stdout)).toMatchObject([{ groups: ['admins'] }])
    expect(stderr).toBe('exit 0\n')
  })

  test('does no harm to a short one', async () => {
    const { stdout, stderr } = await runRaw(['predict', '--pool-file', pool, '--group', 'admins'], {
      command: intoHead(),
    })
    expect(stdout).toBe('Groups, highest rank first\n')
    expect(stderr).toBe('exit 0\n')
  })

  test('before anything is written is no failure either', async () => {
    const child = start(['predict', '--pool-file', pool, '--group', 'admins'])
    child.stdout.destroy()
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  })

  test.skipIf(!existsSync('/dev/full'))(
    'is not what a full disk is: that is a failure, told without a stack trace',
    async () => {
      const { code, stderr } = await runRaw(['predict', '--pool-file', pool, '--group', 'admins'], {
        command: shell('"$@" > /dev/full'),
      })
      expect(stderr).toMatch(/ENOSPC/)
      expect(stderr).not.toMatch(STACK_TRACE)
      expect(code).toBe(2)
    },
  )
})

describe('colour', () => {
  const args = () => ['predict', '--pool-file', pool, ...groupsOf('admins', 'ghost')]

  test('the text takes it where the terminal does, and says the same without it', async () => {
    const [coloured, plain] = await Promise.all([inProcess(args(), { color: true }), inProcess(args())])
    expect(coloured.stdout).toContain('\x1B[32m> 0  admins')
    expect(plain.stdout).not.toMatch(ESCAPE)
    expect(stripVTControlCharacters(coloured.stdout)).toBe(plain.stdout)
    expect([coloured.code, coloured.stderr]).toEqual([0, ''])
  })

  test('JSON and failures never take it', async () => {
    expect((await inProcess([...args(), '--json'], { color: true })).stdout).not.toMatch(ESCAPE)
    expect(
      (await inProcess(['predict', '--pool-file', pool, '--stdin'], { color: true, input: '["admins"]' })).stdout,
    ).not.toMatch(ESCAPE)
    const failed = await inProcess(['predict', '--pool-file', 'nowhere\x1B[31m', '--group', 'a'], { color: true })
    expect(failed).toMatchObject({ code: 2, stdout: '' })
    expect(failed.stderr).not.toMatch(ESCAPE)
  })

  const hasPty = spawnSync('script', ['-qec', 'test -t 1', '/dev/null']).status === 0

  describe.skipIf(!hasPty).concurrent('on a terminal', () => {
    const quoted = (words: readonly string[]) => words.map(word => `'${word.replaceAll(`'`, `'\\''`)}'`).join(' ')
    const onTerminal = (given: readonly string[], env: Readonly<Record<string, string>>) =>
      runRaw([], { command: ['script', '-qec', quoted([process.execPath, bin, ...given]), '/dev/null'], env })

    test.each<[string, Record<string, string>, boolean]>([
      ['nothing set', {}, true],
      ['TERM=xterm', { TERM: 'xterm' }, true],
      ['an empty NO_COLOR', { NO_COLOR: '' }, true],
      ['NO_COLOR=1', { NO_COLOR: '1' }, false],
      ['TERM=dumb', { TERM: 'dumb' }, false],
    ])('with %s', async (_what, env, expected) => {
      const { code, stdout } = await onTerminal(args(), env)
      expect(code).toBe(0)
      expect(stdout).toContain('> 0  admins')
      expect(ESCAPE.test(stdout)).toBe(expected)
    })

    test('JSON and help stay plain', async () => {
      for (const given of [
        [...args(), '--json'],
        ['predict', '--help'],
      ]) {
        const { code, stdout } = await onTerminal(given, {})
        expect(code).toBe(0)
        expect(stdout).not.toMatch(ESCAPE)
      }
    })
  })

  test('what is not a terminal gets none, whatever TERM and FORCE_COLOR say', async () => {
    const { stdout } = await predict(groupsOf('admins'), {
      env: { TERM: 'xterm-256color', FORCE_COLOR: '1', COLORTERM: 'truecolor' },
    })
    expect(stdout).toContain('> 0  admins')
  })
})

describe.concurrent('a prediction from Cognito', () => {
  async function withEndpoint<T>(
    work: (args: readonly string[], endpoint: Awaited<ReturnType<typeof startCognitoEndpoint>>) => Promise<T>,
    id = userPoolId,
  ) {
    const endpoint = await startCognitoEndpoint({ userPoolId: id, groups: GROUPS })
    try {
      return await work(['predict', '--user-pool-id', id, '--endpoint-url', endpoint.url], endpoint)
    } finally {
      await endpoint.close()
    }
  }

  test('reads each group once and says what a file would', () =>
    withEndpoint(async (args, endpoint) => {
      const names = groupsOf('editors', 'admins', '__proto__', 'a,b', '管理者-é-🙂', 'ghost', 'admins')
      const [online, offline] = await Promise.all([rolecast([...args, ...names], { env: CREDENTIALS }), predict(names)])
      expect(online).toEqual(offline)
      expect(endpoint.requests.map(({ operation, groupName }) => `${operation} ${groupName}`).toSorted()).toEqual(
        ['editors', 'admins', '__proto__', 'a,b', '管理者-é-🙂', 'ghost'].map(name => `GetGroup ${name}`).toSorted(),
      )
    }))

  test('as JSON it tells the age of the answer', () =>
    withEndpoint(async args => {
      const { code, stdout } = await rolecast([...args, '--json', ...groupsOf('admins')], { env: CREDENTIALS })
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({
        preferredRole: role('Admin'),
        unknownGroups: [],
        stale: false,
        age: expect.any(Number),
      })
    }))

  test('--require-role and --semantics hold here too', () =>
    withEndpoint(async args => {
      const vip = [...args, '--require-role', ...groupsOf('vip', 'readers')]
      expect((await rolecast(vip, { env: CREDENTIALS })).code).toBe(1)
      expect((await rolecast([...vip, '--semantics', 'roles-compete'], { env: CREDENTIALS })).code).toBe(0)
    }))

  test('--stdin reads each group once for all lines', () =>
    withEndpoint(async (args, endpoint) => {
      const { code, stdout } = await rolecast([...args, '--stdin'], {
        env: CREDENTIALS,
        input: '["admins","ghost"]\n["ghost","admins"]\n["admins"]\n',
      })
      expect(code).toBe(0)
      expect(answersIn(stdout)).toMatchObject([
        { unknownGroups: ['ghost'] },
        { unknownGroups: ['ghost'] },
        { groups: ['admins'] },
      ])
      expect(endpoint.requests).toHaveLength(2)
    }))

  test('--stdin that fails at a line names it, with the code, after the answers before', () =>
    withEndpoint(async (args, endpoint) => {
      endpoint.fail('throttle', { groupName: 'readers' })
      const { code, stdout, stderr } = await rolecast([...args, '--stdin'], {
        env: AT_ONCE,
        input: '["admins"]\n["admins","readers"]\n["editors"]\n',
      })
      expect(code).toBe(2)
      expect(answersIn(stdout)).toMatchObject([{ groups: ['admins'] }])
      expect(stderr).toMatch(/^rolecast: line 2 of the input: GetGroup for group `readers` .* \[throttled\]\n$/)
    }))

  test('one group that cannot be read is no answer at all', () =>
    withEndpoint(async (args, endpoint) => {
      endpoint.fail('internal', { groupName: 'admins' })
      const { code, stdout, stderr } = await rolecast([...args, '--json', ...groupsOf('editors', 'admins')], {
        env: AT_ONCE,
      })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('group `admins`')
    }))

  test('a fault that passes is retried', () =>
    withEndpoint(async (args, endpoint) => {
      endpoint.fail('throttle', { times: 1 })
      expect((await rolecast([...args, ...groupsOf('admins')], { env: CREDENTIALS })).code).toBe(0)
      expect(endpoint.requests).toHaveLength(2)
    }))

  test.each<[string, Fault, string]>([
    ['throttling', 'throttle', 'throttled'],
    ['an IAM policy that says no', 'access-denied', 'not-authorized'],
    ['a refusal by Cognito', 'not-authorized', 'not-authorized'],
    ['expired credentials', 'expired-token', 'not-authorized'],
    [
      'a wrong signature',
      {
        error: 'InvalidSignatureException',
        message: `The Canonical String should have been 'POST x-amz-security-token:${SECRET}'`,
        status: 403,
      },
      'not-authorized',
    ],
    ['a failure inside Cognito', 'internal', 'service-error'],
    ['an outage', 'unavailable', 'service-error'],
    ['a proxy that wants a login', 'html-200', 'malformed-answer'],
    ['an answer without a group', 'no-group', 'malformed-answer'],
    ['a precedence as text', { precedence: '7' }, 'malformed-answer'],
    ['another group', { name: 'editors' }, 'malformed-answer'],
    ['an invalid parameter', { error: 'InvalidParameterException', message: 'no\x1B[31m\nsuch' }, 'request-refused'],
    ['a connection that breaks', 'drop', 'unreachable'],
    ['no answer within five seconds', 'hang', 'timeout'],
    ['an error nobody knows', { error: 'TeapotException', message: 'short and stout', status: 418 }, 'request-refused'],
  ])('%s exits with 2 and the code in brackets', (_what, fault, errorCode) =>
    withEndpoint(async (args, endpoint) => {
      endpoint.fail(fault)
      const { code, stdout, stderr } = await rolecast([...args, ...groupsOf('admins')], {
        env: { ...AT_ONCE, AWS_SESSION_TOKEN: SECRET },
      })
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/^rolecast: GetGroup for group `admins` of user pool `eu-west-1_Ab12Cd34e` .*\n$/)
      expect(stderr.endsWith(` [${errorCode}]\n`), stderr).toBe(true)
    }),
  )

  test('another pool than there is', () =>
    withEndpoint(async args => {
      const { code, stderr } = await rolecast([...args, '--user-pool-id', 'eu-west-1_Nowhere', ...groupsOf('admins')], {
        env: AT_ONCE,
      })
      expect(code).toBe(2)
      expect(stderr).toMatch(/`eu-west-1_Nowhere` .* \[pool-not-found\]\n$/)
    }))

  test('an endpoint where nobody is', async () => {
    const args = await withEndpoint(async given => given)
    const { code, stderr } = await rolecast([...args, ...groupsOf('admins')], { env: AT_ONCE })
    expect(code).toBe(2)
    expect(stderr).toMatch(/ECONNREFUSED.* \[unreachable\]\n$/)
  })

  test('an endpoint that is no address, and a region that is none', async () => {
    for (const wrong of [
      ['--endpoint-url', 'nonsense'],
      ['--region', 'eu west/1'],
    ]) {
      expect(
        (await rolecast(['predict', '--user-pool-id', userPoolId, ...wrong, ...groupsOf('admins')], { env: AT_ONCE }))
          .code,
      ).toBe(2)
    }
  })

  test('a pool id without a region needs --region', () =>
    withEndpoint(async args => {
      expect((await rolecast([...args, ...groupsOf('admins')], { env: CREDENTIALS })).stderr).toMatch(
        /give `region` \[no-region\]\n$/,
      )
      expect(
        (await rolecast([...args, '--region', 'eu-west-1', ...groupsOf('admins')], { env: CREDENTIALS })).code,
      ).toBe(0)
    }, 'Ab12Cd34e'))

  test('no credentials anywhere', () =>
    withEndpoint(async (args, endpoint) => {
      const { code, stderr } = await rolecast([...args, ...groupsOf('admins')])
      expect(code).toBe(2)
      expect(stderr).toMatch(/AWS_PROFILE.* \[no-credentials\]\n$/)
      expect(endpoint.requests).toEqual([])
    }))
})

describe.concurrent('who asks, and for which region', () => {
  /** An endpoint that knows every group, and its callers' signatures. */
  async function signing(args: readonly string[], env: Readonly<Record<string, string>>, run = rolecast) {
    const signatures: string[] = []
    const server = createServer((req, res) => {
      signatures.push(String(req.headers.authorization))
      res
        .setHeader('content-type', 'application/x-amz-json-1.1')
        .end(JSON.stringify({ Group: { GroupName: 'admins', Precedence: 0, RoleArn: 'R' } }))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const ended = await run(
      ['predict', '--user-pool-id', userPoolId, '--endpoint-url', url, '--group', 'admins', ...args],
      { env },
    )
    server.close()
    return {
      ...ended,
      signer: signatures.map(signature =>
        signature.replace(/^.*Credential=(\w+)\/\d{8}\/([\w-]+)\/cognito-idp\/.*$/, '$1 $2'),
      ),
    }
  }

  const configured = () =>
    homeWith({
      config: '[profile work]\nregion = ap-southeast-2\n[profile half]\nregion = ap-southeast-2\n',
      credentials: `[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = ${SECRET}\n[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = ${SECRET}\n`,
    })

  test('the environment, and the region of the pool', async () => {
    expect(await signing([], CREDENTIALS)).toMatchObject({ code: 0, signer: ['AKIAENVIRONMENT eu-west-1'] })
  })

  test('the region of the pool comes before that of the environment', async () => {
    expect(await signing([], { ...CREDENTIALS, AWS_REGION: 'us-west-2' })).toMatchObject({
      code: 0,
      signer: ['AKIAENVIRONMENT eu-west-1'],
    })
  })

  test('--region comes before both', async () => {
    expect(await signing(['--region', 'us-east-2'], { ...CREDENTIALS, AWS_REGION: 'us-west-2' })).toMatchObject({
      code: 0,
      signer: ['AKIAENVIRONMENT us-east-2'],
    })
  })

  test('--profile', async () => {
    expect(await signing(['--profile', 'work'], { HOME: await configured() })).toMatchObject({
      code: 0,
      signer: ['AKIAWORK eu-west-1'],
    })
  })

  test('without --profile the default profile, or AWS_PROFILE', async () => {
    const HOME = await configured()
    expect(await signing([], { HOME })).toMatchObject({ signer: ['AKIADEFAULT eu-west-1'] })
    expect(await signing([], { HOME, AWS_PROFILE: 'work' })).toMatchObject({ signer: ['AKIAWORK eu-west-1'] })
  })

  test('--profile comes before the environment', async () => {
    const HOME = await configured()
    expect(await signing(['--profile', 'work'], { HOME, AWS_PROFILE: 'default' })).toMatchObject({
      code: 0,
      signer: ['AKIAWORK eu-west-1'],
    })
    // The SDK warns of two sources of credentials on stderr, and takes the right one.
    expect(await signing(['--profile', 'work'], { HOME, ...CREDENTIALS }, runRaw)).toMatchObject({
      code: 0,
      signer: ['AKIAWORK eu-west-1'],
    })
  })

  test.each(['nobody', 'half'])(
    'a profile that has no credentials (%s) is a failure, though others have',
    async profile => {
      const { code, stdout, stderr, signer } = await signing(['--profile', profile], { HOME: await configured() })
      expect({ code, stdout, signer }).toEqual({ code: 2, stdout: '', signer: [] })
      expect(stderr).toMatch(/ \[no-credentials\]\n$/)
    },
  )
})

describe.concurrent('demo', () => {
  const RULES = ['lowest-precedence', 'no-precedence', 'shared-role', 'conflicting-roles', 'roleless-contender']

  test('shows each rule that takes a decision, counts its calls, and leaves nothing behind', async () => {
    const TMPDIR = await mkdtemp(join(folder, 'tmp-'))
    const { code, stdout } = await rolecast(['demo'], { env: { TMPDIR } })
    expect(code).toBe(0)
    expect(stdout).toContain('on an emulator at http://127.0.0.1:')
    expect([...stdout.matchAll(/^ (\d)\. /gm)].map(match => match[1])).toEqual(['1', '2', '3', '4', '5', '6', '7', '8'])
    expect(RULES.filter(rule => !stdout.includes(`  ${rule}: `))).toEqual([])
    for (const mark of ['>', '-', '!', '?']) expect(stdout).toMatch(new RegExp(`^\\${mark} +(\\d+|none)  `, 'm'))

    const [, asked, calls, hits, kept] =
      /(\d+) groups asked for: (\d+) GetGroup calls, (\d+) hits; (\d+) names kept, one of them as unknown/
        .exec(stdout)!
        .map(Number)
    expect(calls! + hits!).toBe(asked)
    expect(kept).toBe(calls)
    expect(stdout.match(/^ {2}deleted-yesterday$/gm)).toHaveLength(1)

    expect(await readdir(TMPDIR)).toEqual([])
    expect(await readdir(home)).toEqual(['.aws'])
  })

  test('leaves nothing behind when its reader goes away', async () => {
    const TMPDIR = await mkdtemp(join(folder, 'tmp-'))
    const { stdout, stderr } = await runRaw(['demo'], {
      env: { TMPDIR },
      command: intoHead(),
    })
    expect(stdout).toMatch(/^User pool /)
    expect(stderr).toBe('exit 0\n')
    expect(await readdir(TMPDIR)).toEqual([])
  })

  test('without the emulator it says what to install, and all else works', async () => {
    const modules = join(folder, 'lean/node_modules')
    const lean = await install('lean', async () => {
      for (const name of Object.keys(manifest.dependencies)) {
        await mkdir(dirname(join(modules, name)), { recursive: true })
        await symlink(join(root, 'node_modules', name), join(modules, name))
      }
    })
    const command = [process.execPath, lean] as const
    const { code, stdout, stderr } = await rolecast(['demo'], { command: [...command] })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/npm install --save-dev cognito-local@5\.3\.0` \[missing-package\]\n$/)
    expect(await predict(groupsOf('admins'), { command: [...command] })).toMatchObject({ code: 0 })
  })
})
