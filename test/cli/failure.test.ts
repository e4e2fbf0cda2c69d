import { readFile, rm, symlink, writeFile, mkdir, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { failureText } from '../../src/cli/failure-text.js'
import { main } from '../../src/cli/main.js'
import { RolecastError } from '../../src/errors.js'
import { type Ended, ESCAPE, inProcess, SECRET, STACK_TRACE } from './command.js'
import { poolFileIn, userPoolId } from './pool.js'
import { type InstalledCommand, installCommand } from './process.js'

let folder: string
let command: InstalledCommand
let pool: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-failure-'))
  command = await installCommand(folder)
  pool = await poolFileIn(folder)
})
afterAll(() => rm(folder, { recursive: true }))

const UNEXPECTED = /^rolecast: an unexpected error, `[^\n]*`[^\n]*; this is a bug of rolecast[^\n]* \[unexpected\]\n/

/** Runs a command for whom something breaks in a way that nothing expects. */
async function broken(args: readonly string[], error: unknown): Promise<Ended> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const outputs = Promise.all([text(stdout), text(stderr)])
  const terminal = {
    stdin: Readable.from([]),
    stdout,
    stderr,
    flushed: async () => {},
    color: false,
    columns: undefined,
    isGithubLog: false,
    interrupted: () => {
      throw error
    },
  }
  const code = await main(['audit', 'user', '--user-pool-id', userPoolId, '--username', 'a', ...args], terminal, '1')
  stdout.end()
  stderr.end()
  const [out, err] = await outputs
  return { code, stdout: out, stderr: err }
}

describe('an unexpected error', () => {
  test('is 2 and one line, and its stack is for --verbose', async () => {
    const error = new TypeError('x is not\n::a function', { cause: new RangeError('below\x1b[31m') })
    const plain = await broken([], error)
    expect(plain).toMatchObject({ code: 2, stdout: '' })
    expect(plain.stderr).toMatch(UNEXPECTED)
    expect(plain.stderr).toContain('`TypeError: x is not\\u{a}::a function`')
    expect(plain.stderr).toContain('run the command again with --verbose and report what it prints')
    expect(plain.stderr).not.toMatch(STACK_TRACE)
    expect(plain.stderr.split('\n')).toHaveLength(2)

    const known = new RolecastError('unexpected', 'the call failed; see the cause', { cause: error })
    expect((await broken([], known)).stderr).not.toMatch(STACK_TRACE)
    expect((await broken(['--verbose'], known)).stderr, 'a failure of AWS that is not known').toMatch(STACK_TRACE)

    const verbose = await broken(['--verbose'], error)
    expect(verbose).toMatchObject({ code: 2, stdout: '' })
    expect(verbose.stderr).toMatch(UNEXPECTED)
    expect(verbose.stderr).toMatch(STACK_TRACE)
    expect(verbose.stderr).toContain('caused by\n  RangeError: below\\u{1b}')
    expect(verbose.stderr).not.toMatch(ESCAPE)
  })

  test.each([undefined, null, 'text', 7, {}, { toString: {} }, Object.create(null), new Error('x'.repeat(10_000_000))])(
    'of any kind is 2, number %#',
    async error => {
      for (const args of [[], ['--verbose']]) {
        const { code, stdout, stderr } = await broken(args, error)
        expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
        expect(stderr).toMatch(UNEXPECTED)
        expect(stderr.length).toBeLessThan(30_000)
      }
    },
  )

  test('has nothing of its own keys in the stack: an error of the SDK has a request', () => {
    const error = Object.assign(new Error('failed'), { $response: { headers: { authorization: 'SECRET' } } })
    expect(failureText(error, { verbose: true, json: false })).not.toContain('SECRET')
    expect(failureText(new RolecastError('timeout', 'it took too long'), { verbose: true, json: false })).toBe(
      'rolecast: it took too long [timeout]\n',
    )
  })
})

describe('what may be a secret', () => {
  const jwt = `eyJhbGciOiJub25lIn0.${'eyJzdWIiOiJhIn0'.repeat(3)}.c2ln`
  // Made up, as all of them.
  const key = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY'
  const session = `IQoJb3JpZ2luX2Vj${'Ab1+/'.repeat(30)}==`

  test.each([
    ['a token', jwt],
    ['a part of a token', jwt.slice(0, 25)],
    ['an option with a token', `-t${jwt}`],
    ['a secret key', key],
    ['a session token', session],
  ])('is in no output: %s', async (_, secret) => {
    for (const args of [
      ['explain', secret],
      ['explain', secret, '--json'],
      ['validate', secret, '--format', 'json'],
      ['validate', secret, '--verbose'],
      ['predict', `--semantics=${secret}`, '--group', 'a'],
      [`--nothing=${secret}`, '--json'],
      [secret],
    ]) {
      const { code, stdout, stderr } = await inProcess(args)
      expect([args, code, stdout]).toEqual([args, 2, ''])
      const plain = stderr.replaceAll('\\/', '/')
      for (const part of [secret, secret.slice(0, 25), secret.slice(-10)]) expect(plain).not.toContain(part)
    }
  })

  test('is in no stack', async () => {
    const { stderr } = await broken(['--verbose'], new Error(`rejected ${jwt}`, { cause: new Error(key) }))
    expect(stderr).toMatch(STACK_TRACE)
    expect(stderr).not.toMatch(/eyJ|wJalr/)
  })

  test.each([
    'keyJournalAdminsOfThePool',
    'keyJournalAdmins.template.json',
    'infra/Stacks/Production2/UserPool/templates',
    'IdentityStackUserPoolAdministrat3F2A91BC',
    '0123456789abcdef0123456789abcdef01234567',
  ])('a name is none: %s', async name => {
    expect((await inProcess(['validate', name])).stderr).toContain(`\`${name}\``)
  })
})

describe('a failure of a command that prints JSON', () => {
  /** What the line on stderr says. */
  async function errorOf(args: readonly string[], stdin = ''): Promise<unknown> {
    const { code, stdout, stderr } = await inProcess(args, { stdin })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^[^\n]+\n$/)
    return (JSON.parse(stderr) as { error: unknown }).error
  }

  test.each([
    ['a format', () => ['validate', 'nowhere', '--format', 'json']],
    ['a format with =', () => ['validate', 'nowhere', '--format=sarif']],
  ])('is a line of JSON on stderr, with its code and what was given: %s', async (_what, args) => {
    expect(await errorOf(args())).toEqual({
      code: 'invalid-argument',
      message: '`nowhere` cannot be read (ENOENT); name a file or folder that exists',
      value: 'nowhere',
    })
  })

  test('is one too where Commander rejects the arguments', async () => {
    expect(await errorOf(['predict', '--json', '--groups', 'a'])).toEqual({
      code: 'invalid-argument',
      message: "unknown option '--groups' (Did you mean --group?) (add --help for an example)",
    })
    expect(await errorOf(['predit', '--json'])).toMatchObject({ code: 'invalid-argument' })
  })

  test('is one too where nothing expects the error, without its stack', async () => {
    const { stderr } = await broken(['--json', '--verbose'], new TypeError('x\n::a'))
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'unexpected', message: expect.stringContaining('`TypeError: x\\u{a}::a`') },
    })
  })

  test.each([
    ['a long text', 'x'.repeat(201)],
    ['an ID token', `eyJraWQiOiJ4In0.${'x'.repeat(20)}`],
    ['a secret key', SECRET],
    ['an object', { token: 'x' }],
    ['undefined', undefined],
  ])('has no value where that is %s', (_what, value) => {
    const error = new RolecastError('invalid-argument', 'it cannot be used; give another', { value })
    expect(JSON.parse(failureText(error, { verbose: false, json: true }))).toEqual({
      error: { code: 'invalid-argument', message: 'it cannot be used; give another' },
    })
  })

  test('control: without --json it is text, and after -- that is not an option', async () => {
    const text = { code: 2, stdout: '', stderr: expect.stringMatching(/^(rolecast|error): /) }
    expect(await inProcess(['validate', 'nowhere'])).toEqual(text)
    expect(await inProcess(['validate', 'nowhere', '--', '--json'])).toEqual(text)
    expect(await inProcess(['validate', 'nowhere', '--format', 'text'])).toEqual(text)
  })

  test('is one too where the process ends before the command does', async () => {
    const source = `import { Readable } from 'node:stream'
       Object.defineProperty(process, 'stdin', { value: new Readable({ read() {} }) })`
    const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}` }
    const { code, stderr } = await command.run(['predict', '--pool-file', pool, '--stdin', '--json'], { env })
    expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'unexpected' } })
    expect(code).toBe(2)
  })
})

describe('whatever ends the process before its command does', () => {
  const preload = (source: string) => ({
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(source)}`,
  })
  const predict = () => ['predict', '--pool-file', pool, '--stdin']
  /** As soon as the command has begun. */
  const whileItRuns = (source: string) =>
    `const timer = setInterval(() => {
       if (process.listenerCount('uncaughtException') === 0) return
       clearInterval(timer)
       ${source}
     }, 1)`

  test.each([
    ['an exception', whileItRuns(`throw new TypeError('boom')`), 'TypeError: boom'],
    ['a rejection', whileItRuns(`Promise.reject(new TypeError('boom'))`), 'TypeError: boom'],
    ['a rejection of nothing', whileItRuns('Promise.reject()'), ''],
    [
      'nothing to wait for',
      `import { Readable } from 'node:stream'
       Object.defineProperty(process, 'stdin', { value: new Readable({ read() {} }) })`,
      'nothing is left to wait for',
    ],
  ])('%s is 2, in one line without a stack', async (_what, source, said) => {
    const { code, stdout, stderr } = await command.run(predict(), { env: preload(source) })
    expect(stderr).toMatch(UNEXPECTED)
    expect(stderr).toContain(said)
    expect(stderr).not.toMatch(STACK_TRACE)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('control: with nothing in the way it is 0', async () => {
    expect(await command.run(predict(), { env: preload('') })).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('a package that is missing is 2 and named', async () => {
    const without = async (missing: string) =>
      installCommand(folder, async modules => {
        await mkdir(modules)
        const { dependencies } = JSON.parse(await readFile('package.json', 'utf8')) as {
          dependencies: Record<string, string>
        }
        for (const name of Object.keys(dependencies).filter(one => one !== missing)) {
          await mkdir(join(modules, name, '..'), { recursive: true })
          await symlink(join(process.cwd(), 'node_modules', name), join(modules, name))
        }
      })
    // Packages that are links, as pnpm makes them, are found, though stdout and stdin are pipes.
    expect(await (await without('')).run(['explain'])).toMatchObject({ code: 0, stderr: '' })
    const wide = join(folder, 'wide.json')
    await writeFile(wide, '{ "Groups": [{ "GroupName": "日本" }] }')
    const args = ['predict', '--pool-file', wide, '--group', '日本']
    const { code, stdout, stderr } = await (await without('string-width')).run(args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe(
      'rolecast: the package `string-width` is missing; install rolecast again, with its dependencies [missing-package]\n',
    )
    expect(await (await without('')).run(args), 'control').toMatchObject({ code: 0, stderr: '' })
  })

  test('a temporary folder that cannot be used is named, with TMPDIR', async () => {
    const users = join(folder, 'one.ndjson')
    await writeFile(users, '{"username":"a","groups":[]}\n')
    const args = ['audit', 'pool', '--pool-file', pool, '--memberships', users, '--format', 'html']
    const nowhere = join(folder, 'nowhere')
    const { code, stdout, stderr } = await command.run(args, { env: { TMPDIR: nowhere } })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe(
      `rolecast: the temporary folder \`${nowhere}\` cannot be used (ENOENT); set TMPDIR to a folder with free space that you can write to [invalid-argument]\n`,
    )
    expect((await command.run(args)).code, 'control').toBe(0)
  })
})

describe('an argument of 10 MB, or with an end of a line in it', () => {
  const LONG = 'x'.repeat(10_000_000)
  const FORGED = 'x\nrolecast: nothing found\x1b[2J\u2028'
  const LINES = '\n'.repeat(1_000_000)

  test.each<[string, (text: string) => readonly string[]]>([
    ['a command', some => [some]],
    ['an option', some => ['predict', `--${some}`]],
    ['a choice', some => ['validate', '.', '--format', some]],
    ['a number', some => ['audit', 'pool', '--memberships-per-user', some]],
    ['an argument too many', some => ['predict', some]],
    ['a rule', some => ['explain', some]],
    ['a rule to run', some => ['validate', '.', '--only', some]],
    ['a group', some => ['predict', '--user-pool-id', userPoolId, '--group', some]],
    ['a file', some => ['predict', '--group', 'a', '--pool-file', some]],
    ['a template', some => ['validate', '--no-config', some]],
    ['a pool id', some => ['predict', '--group', 'a', '--user-pool-id', some]],
    ['a client', some => ['predict', '--group', 'a', '--user-pool-id', userPoolId, '--client-id', some]],
    ['a change', some => ['impact', '--set', some]],
  ])('%s is quoted in short, and in one line', async (_what, args) => {
    for (const some of [LONG, FORGED, `x${LINES}x`]) {
      const { code, stdout, stderr } = await inProcess(args(some))
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      // Of a quoted character, an escape makes up to ten.
      expect(stderr.length).toBeLessThan(some === LONG ? 1_000 : 6_000)
      expect(stderr).not.toMatch(ESCAPE)
      expect(stderr).not.toMatch(/^rolecast: nothing found/m)
    }
  })
})

describe('a file with values of other types than it should have', () => {
  const KEYS = ['toString', 'valueOf', 'then', 'length', '__proto__', 'constructor', 'toJSON', 'x'.repeat(5_000)]
  const { hostile } = fc.letrec<{ hostile: unknown }>(tie => ({
    hostile: fc.oneof(
      { maxDepth: 3 },
      fc.constantFrom<unknown>(null, true, 0, -1, 1.5, 1e300, '', 'x', '\0\n\u2028', 'x'.repeat(5_000), [], {}),
      fc.array(tie('hostile'), { maxLength: 3 }),
      fc
        .array(fc.tuple(fc.constantFrom(...KEYS), tie('hostile')), { maxLength: 3 })
        // Not `fromEntries` of an object: `__proto__` must be a key of the text.
        .map(entries => entries),
    ),
  }))
  /** As text: entries become objects, in which `__proto__` is a key like any other. */
  const textOf = (value: unknown): string => {
    if (!Array.isArray(value)) return JSON.stringify(value)
    const isObject = value.length > 0 && value.every(one => Array.isArray(one) && typeof one[0] === 'string')
    return isObject
      ? `{${value.map(([key, part]) => `${JSON.stringify(key)}:${textOf(part ?? null)}`).join(',')}}`
      : `[${value.map(textOf).join(',')}]`
  }

  const ROLE = 'arn:aws:iam::111122223333:role/Admin'
  const POOL = { Groups: [{ GroupName: 'admins', Precedence: 0, RoleArn: ROLE, UserPoolId: userPoolId }] }
  const IDENTITY_POOL = {
    IdentityPoolId: 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6',
    Roles: { authenticated: ROLE },
    RoleMappings: {
      [`cognito-idp.eu-west-1.amazonaws.com/${userPoolId}:client`]: {
        Type: 'Rules',
        AmbiguousRoleResolution: 'Deny',
        RulesConfiguration: { Rules: [{ Claim: 'a', MatchType: 'Equals', Value: 'b', RoleARN: ROLE }] },
      },
    },
  }
  const CONFIG = {
    failOn: 'error',
    only: ['COG101'],
    severities: { COG101: 'note' },
    exclude: ['a'],
    suppressions: [{ rules: ['COG101'], reason: 'r', expires: '2027-01-01', paths: ['a'], groups: ['b'] }],
  }
  const TEMPLATE = {
    Parameters: { P: { Type: 'String', Default: 'x' } },
    Resources: {
      Pool: { Type: 'AWS::Cognito::UserPool', Metadata: { rolecast: { ignore: ['COG101'] } } },
      G: {
        Type: 'AWS::Cognito::UserPoolGroup',
        Properties: { UserPoolId: { Ref: 'Pool' }, GroupName: { 'Fn::Sub': 'a${P}' }, Precedence: 1, RoleArn: ROLE },
      },
    },
  }
  const file = (name: string) => join(folder, name)
  const users = ['--memberships', '-']

  test.each<[string, unknown, (path: string) => readonly string[]]>([
    ['pool file', POOL, path => ['predict', '--pool-file', path, '--group', 'admins']],
    ['pool file of an audit', POOL, path => ['audit', 'pool', '--pool-file', path, ...users]],
    [
      'plan of an impact',
      [{ groupName: 'admins', precedence: 5, roleArn: ROLE, remove: false }],
      path => ['impact', '--pool-file', pool, ...users, '--plan', path],
    ],
    [
      'identity pool file',
      IDENTITY_POOL,
      path => ['predict', '--pool-file', file('pool.json'), '--identity-pool-file', path, '--group', 'admins'],
    ],
    ['config', CONFIG, path => ['validate', file('template.json'), '--config', path]],
    [
      'baseline',
      { version: 1, findings: [{ path: 'a', key: 'b' }] },
      path => ['validate', '--no-config', file('template.json'), '--baseline', path],
    ],
    ['template', TEMPLATE, path => ['validate', '--no-config', '--verbose', path]],
    [
      'line of memberships',
      { username: 'a', groups: ['b'] },
      path => ['audit', 'pool', '--pool-file', pool, '--memberships', path, '--format', 'ndjson'],
    ],
    ['line of group names', ['admins', 'b'], () => ['predict', '--pool-file', pool, '--stdin']],
  ])(
    '%s: it works or is rejected, in one short line, and is never unexpected',
    { timeout: 120_000 },
    async (what, valid, args) => {
      await writeFile(file('pool.json'), JSON.stringify(POOL))
      await writeFile(file('template.json'), JSON.stringify(TEMPLATE))
      const path = file(`${what.replaceAll(' ', '-')}.json`)
      const whole = JSON.stringify(valid)
      // Where a value begins: one of them is replaced, with all in it.
      const places: (readonly [number, number])[] = []
      for (let start = 0; start < whole.length; start++)
        for (let end = whole.length; end > start; end--) {
          if (start > 0 && !':[,'.includes(whole[start - 1]!)) break
          try {
            JSON.parse(whole.slice(start, end))
          } catch {
            continue
          }
          if (whole[end] !== ':') places.push([start, end])
          break
        }
      let refused = 0
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...places), hostile, async ([start, end], value) => {
          const content = `${whole.slice(0, start)}${textOf(value)}${whole.slice(end)}`
          await writeFile(path, content)
          const { code, stderr } = await inProcess(args(path), { stdin: `${content}\n` })
          if (code === 2) {
            refused++
            expect(stderr).toMatch(/^(?:[^\n]+ \[[a-z-]+\]|\{"error":[^\n]+\})\n$/)
          }
          expect(stderr).not.toContain('unexpected error')
          expect(stderr.length).toBeLessThan(2_000)
          expect(stderr).not.toMatch(ESCAPE)
        }),
        { numRuns: 150 },
      )
      expect(refused).toBeGreaterThan(what === 'template' ? -1 : 20)
      await writeFile(path, whole)
      const stdin = what.startsWith('line') ? whole : ''
      expect((await inProcess(args(path), { stdin })).code, 'control: as it should be, it works').toBeLessThan(2)
    },
  )
})
