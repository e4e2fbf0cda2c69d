import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { takesColor } from '../../src/cli/terminal.js'
import { ESCAPE, inProcess, rolecast, STACK_TRACE } from './command.js'
import { groupsOf, jsonLines, poolFileIn, userPoolId } from './pool.js'
import { type InstalledCommand, installCommand, root } from './process.js'

/** A reader that goes away after the first line; how the command ended is on stderr. */
const INTO_HEAD = '{ "$@"; echo "exit $?" >&2; } | head -n 1'

let folder: string
let command: InstalledCommand
let pool: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-main-'))
  command = await installCommand(folder)
  pool = await poolFileIn(folder)
})
afterAll(() => rm(folder, { recursive: true }))

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

describe('the command itself', () => {
  test('--version is that of the package', async () => {
    const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))
    expect(await command.run(['--version'])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
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
      'calibration',
      'format',
      'json',
      'output',
      'require-role',
      'help',
      'version',
      'quiet',
      'verbose',
      'color',
      'no-color',
    ]
    expect([...stdout.matchAll(/^ {2}(?:-\w, )?--([\w-]+)/gm)].map(match => match[1])).toEqual(options)
    expect(stdout).toMatch(/0 it ran, 1 no role is resolved.*, 2 it could not run/)
  })

  test.each([
    ['no command', [], '$ rolecast demo '],
    ['an unknown command', ['forecast'], `unknown command 'forecast'`],
    ['an unknown option', ['predict', '--groups', 'a'], `unknown option '--groups'`],
    ['an unknown option before the command', ['--json', 'predict'], `unknown option '--json'`],
    ['an argument too many', ['predict', 'admins'], 'too many arguments'],
    ['an argument of demo', ['demo', 'now'], 'too many arguments'],
    ['an option without its value', ['predict', '--group'], `'--group <name>' argument missing`],
    [
      'an unknown reading',
      ['predict', '--group', 'a', '--semantics', 'strict'],
      'Allowed choices are observed, roles-compete, tied-groups-agree, documented',
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
    const { code, stdout, stderr } = await rolecast(args)
    expect(stderr).toContain(said)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test.each([[[]], [['forecast']], [['predict', '--group', 'a', '--stdin']], [['predict']]])(
    'as a process %j does what it does here',
    async args => {
      expect(await command.run(args)).toEqual(await rolecast(args))
    },
  )
})

describe('a reader that goes away', () => {
  test('ends a long output quietly', async () => {
    const { stdout, stderr } = await command.run(['predict', '--pool-file', pool, '--stdin'], {
      shell: INTO_HEAD,
      input: '["admins"]\n'.repeat(50_000),
    })
    expect(jsonLines(stdout)).toMatchObject([{ groups: ['admins'] }])
    expect(stderr).toBe('exit 0\n')
  })

  test('does no harm to a short one', async () => {
    const { stdout, stderr } = await command.run(['predict', '--pool-file', pool, '--group', 'admins'], {
      shell: INTO_HEAD,
    })
    expect(stdout).toBe('Groups, highest rank first\n')
    expect(stderr).toBe('exit 0\n')
  })

  test('before anything is written is not a failure either', async () => {
    const child = command.start(['predict', '--pool-file', pool, '--group', 'admins'])
    child.stdout.destroy()
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 })
  })

  test.skipIf(!existsSync('/dev/full'))(
    'is not what a full disk is: that is a failure, reported without a stack trace',
    async () => {
      const { code, stderr } = await command.run(['predict', '--pool-file', pool, '--group', 'admins'], {
        shell: '"$@" > /dev/full',
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
      (await inProcess(['predict', '--pool-file', pool, '--stdin'], { color: true, stdin: '["admins"]' })).stdout,
    ).not.toMatch(ESCAPE)
    const failed = await inProcess(['predict', '--pool-file', 'nowhere\x1B[31m', '--group', 'a'], { color: true })
    expect(failed).toMatchObject({ code: 2, stdout: '' })
    expect(failed.stderr).not.toMatch(ESCAPE)
  })

  test.each<[string, boolean | undefined, Record<string, string>, boolean]>([
    ['a terminal', true, {}, true],
    ['TERM=xterm', true, { TERM: 'xterm' }, true],
    ['an empty NO_COLOR', true, { NO_COLOR: '' }, true],
    ['NO_COLOR and FORCE_COLOR', true, { NO_COLOR: '1', FORCE_COLOR: '1' }, false],
    ['FORCE_COLOR and no terminal', undefined, { FORCE_COLOR: '1', TERM: 'dumb' }, true],
    ['FORCE_COLOR=0', true, { FORCE_COLOR: '0', CLICOLOR_FORCE: '1' }, false],
    ['FORCE_COLOR=false', true, { FORCE_COLOR: 'false' }, false],
    ['an empty FORCE_COLOR', undefined, { FORCE_COLOR: '' }, false],
    ['CLICOLOR_FORCE and no terminal', undefined, { CLICOLOR_FORCE: '1', CLICOLOR: '0' }, true],
    ['CLICOLOR_FORCE=0', undefined, { CLICOLOR_FORCE: '0' }, false],
    ['CLICOLOR=0', true, { CLICOLOR: '0' }, false],
    ['CLICOLOR=1 and no terminal', undefined, { CLICOLOR: '1' }, false],
    ['NO_COLOR=1', true, { NO_COLOR: '1' }, false],
    ['TERM=dumb', true, { TERM: 'dumb' }, false],
    ['no terminal', undefined, { TERM: 'xterm-256color', COLORTERM: 'truecolor' }, false],
  ])('with %s', (_what, isTTY, env, expected) => {
    expect(takesColor(isTTY === undefined ? {} : { isTTY }, env)).toBe(expected)
  })

  const hasPty = spawnSync('script', ['-qec', 'test -t 1', '/dev/null']).status === 0

  describe.skipIf(!hasPty)('on a terminal, as a process', () => {
    const quoted = (text: string) => `'${text.replaceAll(`'`, `'\\''`)}'`
    const onTerminal = (env: Readonly<Record<string, string>>, ...commands: readonly (readonly string[])[]) => {
      const lines = commands.map(words => [process.execPath, command.bin, ...words].map(quoted).join(' '))
      return command.run([], { shell: `script -qec ${quoted(lines.join(' && '))} /dev/null`, env })
    }

    test.each<[string, Record<string, string>, boolean]>([
      ['nothing set', {}, true],
      ['NO_COLOR=1', { NO_COLOR: '1' }, false],
    ])('with %s', async (_what, env, expected) => {
      const { code, stdout } = await onTerminal(env, args())
      expect(code).toBe(0)
      expect(stdout).toContain('> 0  admins')
      expect(ESCAPE.test(stdout.replaceAll('\r\n', '\n'))).toBe(expected)
    })

    test('JSON and help stay plain', async () => {
      const { code, stdout } = await onTerminal({}, [...args(), '--json'], ['predict', '--help'])
      expect(code).toBe(0)
      expect(stdout).toContain('"outcome"')
      expect(stdout).toContain('Usage: rolecast predict')
      expect(stdout.replaceAll('\r\n', '\n')).not.toMatch(ESCAPE)
    })
  })

  test('what is not a terminal gets none by itself, and FORCE_COLOR or --color gives it', async () => {
    const plain = await command.run(args(), { env: { TERM: 'xterm-256color', COLORTERM: 'truecolor' } })
    expect(plain.stdout).toContain('> 0  admins')
    expect(plain.stdout).not.toMatch(ESCAPE)
    for (const [env, more] of [
      [{ FORCE_COLOR: '1' }, []],
      [{ NO_COLOR: '1' }, ['--color']],
    ] as const) {
      const { stdout } = await command.run([...args(), ...more], { env })
      expect(stdout).toMatch(ESCAPE)
      expect(stripVTControlCharacters(stdout)).toBe(plain.stdout)
    }
  })

  test.each([
    [['--color'], false, true],
    [['--no-color'], true, false],
    [['--no-color', '--color'], false, true],
    [['--color', '--no-color'], true, false],
  ])('%j, where the terminal has colour: %s', async (options, color, expected) => {
    for (const words of [
      [...options, ...args()],
      [...args(), ...options],
    ])
      expect(ESCAPE.test((await inProcess(words, { color })).stdout)).toBe(expected)
  })
})
