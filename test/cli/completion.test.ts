import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { DIFF_KINDS } from '../../src/audit/diff.js'
import { CONCERN_NAMES } from '../../src/audit/concerns.js'
import { COMMANDS } from '../../src/cli/command-table.js'
import { RULES } from '../../src/rules/catalogue.js'
import { TOPICS } from '../../src/report/topics.js'
import { inProcess, stubAws } from './command.js'
import { type InstalledCommand, installCommand } from './process.js'

let folder: string
let command: InstalledCommand
let env: Readonly<Record<string, string>>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-completion-'))
  command = await installCommand(folder)
  const bin = join(folder, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, 'rolecast'), `#!/bin/sh\nexec '${process.execPath}' '${command.bin}' "$@"\n`)
  await chmod(join(bin, 'rolecast'), 0o755)
  env = { PATH: `${bin}${delimiter}${process.env['PATH']}`, TERM: 'dumb', LANG: 'C.UTF-8' }
  for (const name of ['pool.json', 'pool file.json', 'unrelated.txt']) await writeFile(join(command.home, name), '{}')
  await mkdir(join(command.home, 'infra'))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => {
  vi.unstubAllEnvs()
})

/** The words that may stand at the cursor, as zsh and fish ask for them. */
async function wordsAt(...typed: readonly string[]): Promise<readonly string[]> {
  const { code, stdout, stderr } = await inProcess(['completion', 'zsh', '--complete', '--', ...typed])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout
    .split('\n')
    .slice(0, -1)
    .map(line => line.split('\t', 1)[0]!)
}

describe('what may stand at the cursor', () => {
  test('commands, and those of a command, also behind options and help', async () => {
    expect(await wordsAt('')).toEqual([...COMMANDS.keys(), 'help'])
    expect(await wordsAt('he')).toEqual(['help'])
    expect(await wordsAt('help', '')).toEqual([...COMMANDS.keys()])
    expect(await wordsAt('pre')).toEqual(['predict'])
    expect(await wordsAt('audit', '')).toEqual(['user', 'pool', 'account', 'diff'])
    expect(await wordsAt('--verbose', 'audit', 'p')).toEqual(['pool'])
    expect(await wordsAt('help', 'audit', 'us')).toEqual(['user'])
    expect(await wordsAt('no-such-command', '')).toEqual([])
  })

  test('every option that the help of a command has, those of the program among them', async () => {
    for (const words of [
      ['predict'],
      ['audit', 'pool'],
      ['audit', 'account'],
      ['validate'],
      ['explain'],
      ['completion'],
    ]) {
      const { stdout } = await inProcess([...words, '--help'])
      const listed = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, option]) => option!)
      expect((await wordsAt(...words, '--')).toSorted()).toEqual([...new Set(listed)].toSorted())
    }
  }, 30_000)

  test('choices of an option, behind a space and behind an equals sign', async () => {
    expect(await wordsAt('predict', '--semantics', 'ro')).toEqual(['roles-compete'])
    expect(await wordsAt('predict', '--semantics=ro')).toEqual(['--semantics=roles-compete'])
    expect(await wordsAt('explain', '--format', '')).toEqual(['text', 'json'])
    expect(await wordsAt('completion', '')).toEqual(['bash', 'zsh', 'fish'])
    expect(await wordsAt('validate', '--fail-on', 'n')).toEqual(['note', 'never'])
    expect(await wordsAt('audit', 'diff', '--fail-on', '')).toEqual(DIFF_KINDS)
    expect(await wordsAt('validate', '--report', 's')).toEqual(['sarif='])
    expect(await wordsAt('validate', '--report', '')).toContain('markdown=')
    expect(await wordsAt('validate', '--report=gi')).toEqual(['--report=github=', '--report=gitlab='])
  })

  test('rules: all names for explain, and those of validate, several with commas, in any case', async () => {
    const names = TOPICS.flatMap(({ id, name }) => (id === undefined ? [name] : [id, name]))
    expect(await wordsAt('explain', '')).toEqual([...new Set(names)])
    expect(await wordsAt('explain', 'conflicting-r')).toEqual(['conflicting-roles'])
    for (const option of ['--only', '--ignore', '--enable'])
      expect(await wordsAt('validate', option, '')).toEqual(RULES.flatMap(({ id, slug }) => [id, slug]))
    expect(await wordsAt('validate', '--only', 'COG101,cog104')).toEqual(['COG101,COG104'])
    const others = RULES.filter(({ id }) => id !== 'COG101' && id !== 'COG104').flatMap(({ id, slug }) => [id, slug])
    expect(await wordsAt('validate', '--only', 'cog101,roleless-outranks-role,')).toEqual(
      others.map(name => `cog101,roleless-outranks-role,${name}`),
    )
    expect(await wordsAt('audit', 'pool', '--finding', '')).toEqual(CONCERN_NAMES)
  })

  test('profiles of the AWS configuration, but none that would be more than a word', async () => {
    const config = join(folder, 'aws-config')
    await writeFile(
      config,
      ['profile work', 'default', 'profile "a b"', 'profile $(touch pwned)', 'other', 'sso-session my']
        .map(section => `[${section}]\nregion = eu-west-1\n`)
        .join(''),
    )
    stubAws({ AWS_CONFIG_FILE: config, AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none') })
    expect(await wordsAt('predict', '--profile', '')).toEqual(['default', 'work'])
  })

  test('files, for every option and argument that takes one', async () => {
    for (const words of [
      ['predict', '--pool-file', ''],
      ['predict', '--pool-file=po'],
      ['validate', ''],
      ['validate', 'a.yaml', ''],
      ['validate', '--', '-'],
      ['audit', 'diff', 'old', ''],
      ['audit', 'pool', '--checkpoint', ''],
      ['calibrate', '--cleanup', ''],
      ['predict', '--output', ''],
      ['validate', '--report', 'sarif=x'],
      ['validate', '--report=sarif='],
    ])
      expect({ words, found: await wordsAt(...words) }).toEqual({ words, found: [':files'] })
  })

  test('nothing where nothing is known, and options where nothing else is asked for', async () => {
    expect(await wordsAt('predict', '--group', '')).toEqual([])
    expect(await wordsAt('demo', 'x', 'y')).toEqual([])
    expect(await wordsAt('predict', '')).toContain('--pool-file')
  })

  test('for bash, in the words that bash makes of a line', async () => {
    const bash = async (...typed: readonly string[]) =>
      (await inProcess(['completion', 'bash', '--complete', '--', ...typed])).stdout.replaceAll(/\t.*/g, '')
    expect(await bash('predict', '--semantics', '=', 'ro')).toBe('roles-compete\n')
    expect(await bash('predict', '--semantics', '=')).toContain('roles-compete\n')
    expect(await bash('predict', '--identity-pool-id', 'eu-west-1', ':', '7f0c', '--semantics', 'ro')).toBe(
      'roles-compete\n',
    )
  })

  test('the help does not list what is for the script itself', async () => {
    const { stdout } = await inProcess(['completion', '--help'])
    expect(stdout).toMatch(/^ {2}shell {2,}/m)
    expect(stdout).not.toContain('words')
    expect(stdout, 'control: it is the help that other commands have').toContain('Global Options:')
  })

  test('an unknown shell is rejected', async () => {
    const { code, stderr } = await inProcess(['completion', 'csh'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: expect.stringContaining('bash, zsh, fish') })
  })
})

test('only the called command is loaded, and rules only where a rule is asked for', async () => {
  const loadedBy = async (...typed: readonly string[]) => {
    const coverage = await mkdtemp(join(folder, 'coverage-'))
    const args = ['completion', 'zsh', '--complete', '--', ...typed]
    expect((await command.run(args, { env: { NODE_V8_COVERAGE: coverage } })).code).toBe(0)
    const [file] = await readdir(coverage)
    const { result } = JSON.parse(await readFile(join(coverage, file!), 'utf8')) as {
      result: readonly { readonly url: string }[]
    }
    return result.map(({ url }) => url.slice(url.lastIndexOf('/') + 1).replace(/(?:-[A-Z0-9]{8})?\.js$/, ''))
  }
  expect(await loadedBy('audit', 'pool', '--fo')).toContain('audit-pool')
  for (const name of ['validate', 'impact', 'predict', 'explain', 'audit-account'])
    expect(await loadedBy('audit', 'pool', '--fo')).not.toContain(name)
  expect(await loadedBy('au')).not.toContain('audit-pool')
  expect(await loadedBy('validate', '--only', 'COG'), 'control').toContain('validate')
})

/** Where CI is set, a shell that is missing is a failure, and not a skip. */
const has = (program: string) => spawnSync(program, ['--version']).error === undefined
const isWanted = (program: string) => has(program) || Boolean(process.env['CI'])

/** What an interactive shell has typed, TAB as `\t`, and what it then ran. */
function typedInto(shell: string, lines: readonly string[]): string {
  const { error, stdout } = spawnSync('script', ['-qec', shell, '/dev/null'], {
    cwd: command.home,
    env: { ...env, HOME: command.home },
    input: `${lines.join('\n')}\nexit\n`,
    encoding: 'utf8',
    timeout: 60_000,
  })
  if (error !== undefined) throw error
  return stdout.replaceAll('\r', '')
}

/** The lines are typed, TAB completes them, and what they make is run. */
const LINES = [
  'rolecast expl\tconflicting-r\t--js\t--output explained',
  'rolecast predict --pool-file pool\\ f\t--group x',
  'rolecast predict --pool-file=unr\t --semantics=roles\t --group x',
  'rolecast validate pool.json --report sar\tunrel\t',
]

async function expectCompleted(stdout: string): Promise<void> {
  expect(JSON.parse(await readFile(join(command.home, 'explained'), 'utf8'))).toMatchObject({
    topics: [{ name: 'conflicting-roles' }],
  })
  await rm(join(command.home, 'explained'))
  expect(stdout).toContain('the pool file `pool file.json` cannot be used')
  expect(stdout).toContain('the pool file `unrelated.txt` cannot be used')
  const report = join(command.home, 'unrelated.txt')
  expect(JSON.parse(await readFile(report, 'utf8'))).toHaveProperty('$schema')
  await writeFile(report, '{}')
}

describe.skipIf(!isWanted('script'))('in a terminal', () => {
  test.runIf(isWanted('bash'))(
    'bash completes what is typed',
    async () => {
      const setup = ["PS1='$ '", 'bind "set bell-style none"', 'source <(rolecast completion bash)']
      await expectCompleted(typedInto('bash --norc --noprofile -i', [...setup, ...setup.slice(2), ...LINES]))
    },
    60_000,
  )

  test.runIf(isWanted('bash'))(
    'a name of a file is never evaluated, in bash 3.2 neither, which has no compopt',
    async () => {
      const name = 'q$(touch evaluated)`touch evaluated`.json'
      await writeFile(join(command.home, name), '{}')
      const setup = ["PS1='$ '", 'source <(rolecast completion bash)']
      const lines = ['rolecast predict --pool-file q\t --group x']
      for (const old of [[], ['compopt() { return 1; }']]) {
        const stdout = typedInto('bash --norc --noprofile -i', [...setup, ...old, ...lines])
        expect(stdout).toContain('the pool file ``` q$(touch evaluated)`touch evaluated`.json ``` cannot be used')
        expect(await readdir(command.home)).not.toContain('evaluated')
      }
      await rm(join(command.home, name))
    },
    60_000,
  )

  test.runIf(isWanted('zsh'))(
    'zsh completes what is typed',
    async () => {
      const setup = ['PS1= RPS1=', 'autoload -Uz compinit; compinit -u -D', 'source <(rolecast completion zsh)']
      await expectCompleted(typedInto('zsh -f -i', [...setup, ...LINES]))
    },
    60_000,
  )

  test.runIf(isWanted('bash'))(
    'TAB evaluates nothing of what is typed',
    async () => {
      const setup = ["PS1='$ '", 'source <(rolecast completion bash)']
      // The line is discarded with Ctrl-C before it is run.
      typedInto('bash --norc --noprofile -i', [...setup, 'rolecast explain --format $(touch evaluated) conf\t\t\u0003'])
      expect(await readdir(command.home)).not.toContain('evaluated')
      typedInto('bash --norc --noprofile -i', ['eval "touch evaluated"'])
      expect(await readdir(command.home), 'control').toContain('evaluated')
      await rm(join(command.home, 'evaluated'))
    },
    60_000,
  )
})

test.runIf(isWanted('fish'))(
  'fish completes what is typed',
  () => {
    const complete = (line: string) => {
      const { error, stdout } = spawnSync(
        'fish',
        ['--no-config', '-c', `source (rolecast completion fish | psub); complete -C "${line}"`],
        { cwd: command.home, env: { ...env, HOME: command.home }, encoding: 'utf8', timeout: 60_000 },
      )
      if (error !== undefined) throw error
      return stdout.split('\n').slice(0, -1)
    }
    expect(complete('rolecast audit us')).toEqual([expect.stringMatching(/^user\tpredict/)])
    expect(complete('rolecast explain conflicting-r')).toEqual([expect.stringMatching(/^conflicting-roles\t/)])
    expect(complete('rolecast predict --semantics=roles')).toEqual(['--semantics=roles-compete'])
    expect(complete('rolecast predict --pool-file po')).toEqual(['pool file.json', 'pool.json'])
    expect(complete('rolecast predict --pool-file=po')).toEqual(['--pool-file=pool file.json', '--pool-file=pool.json'])
  },
  60_000,
)

test.each(['bash', 'zsh', 'fish'])('%s takes the script without a complaint', async shell => {
  const { stdout } = await inProcess(['completion', shell])
  const path = join(folder, `completion.${shell}`)
  await writeFile(path, stdout)
  if (!isWanted(shell)) return
  const { status, stderr } = spawnSync(shell, ['-n', path], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
})
