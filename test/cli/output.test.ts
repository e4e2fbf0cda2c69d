import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { removeTemporary, willRemove } from '../../src/cli/temporary.js'
import { fileStream, write } from '../../src/cli/terminal.js'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { CREDENTIALS, failuresAsText, inProcess, STACK_TRACE } from './command.js'
import { GROUPS, jsonLines, poolFileIn, role, userPoolId } from './pool.js'
import { type InstalledCommand, installCommand } from './process.js'

const USERS = Array.from({ length: 3_000 }, (_, u) => ({ username: `user-${u}`, groups: ['admins'] }))

let folder: string
let command: InstalledCommand
let pool: string
let users: string
let template: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-output-'))
  command = await installCommand(folder)
  pool = await poolFileIn(folder)
  users = join(folder, 'users.ndjson')
  await writeFile(users, USERS.map(user => `${JSON.stringify(user)}\n`).join(''))
  template = join(folder, 'template.yaml')
  const groups = Array.from(
    { length: 12 },
    (_, g) => `  G${g}:
    Type: AWS::Cognito::UserPoolGroup
    Properties: { UserPoolId: !Ref Pool, GroupName: g${g}, Precedence: 1, RoleArn: ${role(`R${g}`)} }
`,
  )
  await writeFile(template, `Resources:\n  Pool: { Type: AWS::Cognito::UserPool }\n${groups.join('')}`)
})
afterAll(() => rm(folder, { recursive: true }))

let place: string
beforeEach(async () => void (place = await mkdtemp(join(folder, 'place-'))))

const audit = (format: string, ...more: readonly string[]) => [
  'audit',
  'pool',
  '--pool-file',
  pool,
  '--memberships',
  users,
  '--format',
  format,
  ...more,
]
const impact = (format: string) => [
  'impact',
  '--pool-file',
  pool,
  '--memberships',
  users,
  '--set',
  'admins.roleArn=none',
  '--format',
  format,
]
const validate = (format: string) => ['validate', '--no-config', template, '--fail-on', 'never', '--format', format]

/** No file of this process gets more than a block, which is 512 or 1,024 bytes. What does not fit is cut off. */
const CUT = 'trap "" XFSZ; ulimit -f 1; "$@" > "$FILE"'

describe('a disk that fills up', () => {
  test.each<[string, () => readonly string[]]>([
    ['audit --format ndjson', () => audit('ndjson')],
    ['audit --format html', () => audit('html')],
    ['impact --format ndjson', () => impact('ndjson')],
    ['validate --format json', () => validate('json')],
    ['validate --format sarif', () => validate('sarif')],
    ['predict --stdin', () => ['predict', '--pool-file', pool, '--stdin']],
    ['--help', () => ['predict', '--help']],
  ])('is 2 for %s on stdout, and never a part with 0', async (_what, args) => {
    const file = join(place, 'out')
    const whole = await inProcess(args(), { stdin: '["admins"]\n'.repeat(50) })
    expect(whole.stdout.length, 'control: it does not fit').toBeGreaterThan(1024)
    const { code, stderr } = await command.run(args(), {
      shell: CUT,
      env: { FILE: file },
      input: '["admins"]\n'.repeat(50),
    })
    expect((await stat(file)).size).toBeLessThan(whole.stdout.length)
    expect(failuresAsText(stderr)).toMatch(/^rolecast: [^\n]*EFBIG[^\n]*\n$/)
    expect(code).toBe(2)
  })

  test("control: Node's own stdout takes a part of a write for the whole", async () => {
    const script = `process.stdout.write('x'.repeat(5000), error => process.exit(error ? 2 : 0))`
    const file = join(place, 'out')
    execFileSync('sh', ['-c', CUT, 'sh', process.execPath, '-e', script], { env: { ...process.env, FILE: file } })
    expect((await stat(file)).size).toBeLessThan(5_000)
  })

  test.skipIf(!existsSync('/dev/full'))(
    'is 2 for a short answer, for help and for what stderr had to say',
    async () => {
      const full = { shell: '"$@" > /dev/full' }
      for (const args of [['--help'], ['--version'], ['predict', '--pool-file', pool, '--group', 'admins', '--json']]) {
        const { code, stderr } = await command.run(args, full)
        expect({ args, code }).toEqual({ args, code: 2 })
        expect(failuresAsText(stderr)).toMatch(/^rolecast: stdout cannot be written \(ENOSPC[^\n]*\[ENOSPC\]\n$/)
      }
      // In a log of GitHub Actions, CSV keeps what looks like a command, and stderr says so.
      const named = join(place, 'named.ndjson')
      await writeFile(named, '{"username":"::error::x","groups":["admins"]}\n')
      const warning = ['audit', 'pool', '--pool-file', pool, '--memberships', named, '--format', 'csv']
      const env = { GITHUB_ACTIONS: 'true' }
      const ended = await command.run(warning, { shell: '"$@" 2> /dev/full', env })
      expect(ended.code).toBe(2)
      const control = await command.run(warning, { env })
      expect(control).toMatchObject({ code: 0, stderr: expect.stringContaining('GitHub Actions') })
    },
  )

  test('with --output removes the draft, and the old file stays', async () => {
    const file = join(place, 'out')
    await writeFile(file, 'old')
    const shell = 'trap "" XFSZ; ulimit -f 1; "$@"'
    const { code, stderr } = await command.run(audit('ndjson', '--output', file), { shell })
    expect(stderr).toMatch(/cannot be written \(EFBIG\)/)
    expect(code).toBe(2)
    expect(await readFile(file, 'utf8')).toBe('old')
    expect(await readdir(place)).toEqual(['out'])
  })

  test('is found byte by byte: a write that stores a part is carried on', async () => {
    const stored: number[] = []
    const stream = fileStream(7, (fd, bytes) => {
      expect(fd).toBe(7)
      const some = bytes.subarray(0, 3)
      stored.push(...some)
      return some.length
    })
    await write(stream, 'größer als drei Bytes')
    expect(Buffer.from(stored).toString()).toBe('größer als drei Bytes')
    const stuck = fileStream(7, () => 0).on('error', () => {})
    await expect(write(stuck, 'x')).rejects.toMatchObject({ code: 'ENOSPC' })
  })
})

describe('a checkpoint', () => {
  let endpoint: CognitoEndpoint
  beforeAll(async () => {
    endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS.slice(0, 300) })
  })
  afterAll(async () => endpoint[Symbol.asyncDispose]())

  const live = (checkpoint: string) => [
    'audit',
    'pool',
    '--user-pool-id',
    userPoolId,
    '--endpoint-url',
    endpoint.url,
    '--format',
    'ndjson',
    '--checkpoint',
    checkpoint,
  ]

  test('stays when stdout is cut or its reader goes away, and goes when all is written', async () => {
    const checkpoint = join(place, 'checkpoint')
    const file = join(place, 'out')
    const cut = await command.run(live(checkpoint), {
      shell: 'trap "" XFSZ; ulimit -f 100; "$@" > "$FILE"',
      env: { ...CREDENTIALS, FILE: file },
    })
    expect(cut.code, cut.stderr).toBe(2)
    expect(failuresAsText(cut.stderr)).toMatch(/rolecast: stdout cannot be written \(EFBIG/)
    expect(existsSync(checkpoint)).toBe(true)

    const child = command.start(live(checkpoint), { env: CREDENTIALS })
    child.stdout.destroy()
    const [, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
    expect(code).toBe(0)
    expect(existsSync(checkpoint)).toBe(true)

    const asked = endpoint.requests.length
    const whole = await command.run(live(checkpoint), { env: CREDENTIALS })
    expect(whole.code).toBe(0)
    expect(jsonLines(whole.stdout)).toHaveLength(302)
    expect(endpoint.requests.length - asked, 'control: it was resumed').toBeLessThan(15)
    expect(existsSync(checkpoint)).toBe(false)
  })
})

describe('a reader of stdout', () => {
  test('that is slow gets all', async () => {
    const { stdout } = await command.run(audit('ndjson'), { shell: '"$@" | { sleep 2; cat; }' })
    expect(jsonLines(stdout), 'with the first line and the last').toHaveLength(USERS.length + 2)
  })

  const INTO_NOTHING = '{ "$@"; echo "exit $?" >&2; } | true'

  test('that goes away is not a failure, but does not turn a failed check into a passed one', async () => {
    const many = { input: '["nobody"]\n'.repeat(50_000), shell: INTO_NOTHING }
    const quiet = await command.run(['predict', '--pool-file', pool, '--stdin'], many)
    expect(quiet.stderr).toBe('exit 0\n')
    const check = await command.run(['predict', '--pool-file', pool, '--stdin', '--require-role'], many)
    expect(check.stderr).toBe('rolecast: stdout was closed before the check was complete [EPIPE]\nexit 2\n')
    const one = ['predict', '--pool-file', pool, '--group', 'nobody', '--require-role']
    const failing = ['validate', '--no-config', template]
    for (const args of [one, failing]) {
      const child = command.start(args)
      child.stdout.destroy()
      const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'close')])
      expect({ stderr, code }).toEqual({ stderr: '', code: 1 })
    }
    const changes = await command.run([...impact('ndjson'), '--fail-on-change'], { shell: INTO_NOTHING })
    expect(changes.stderr).toMatch(/exit 2\n$/)
  })
})

describe('modes', () => {
  const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)

  test('a new file with usernames is for its owner only, another is as the umask says', async () => {
    const file = (name: string) => join(place, name)
    await inProcess(audit('ndjson', '--output', file('audit')))
    await inProcess([...impact('json'), '--output', file('impact')])
    await inProcess([...validate('sarif'), '--output', file('sarif')])
    expect(await modeOf(file('audit'))).toBe('600')
    expect(await modeOf(file('impact'))).toBe('600')
    const plain = await open(file('plain'), 'w')
    await plain.close()
    expect(await modeOf(file('sarif')), 'control: not for its owner only').toBe(await modeOf(file('plain')))
    expect(await modeOf(file('plain'))).not.toBe('600')
  })

  test.each(['640', '604', '666', '600'])('a file that has the mode %s keeps it, whatever the umask', async mode => {
    const file = join(place, 'audit')
    await writeFile(file, '')
    await chmod(file, parseInt(mode, 8))
    const { code } = await command.run(audit('csv', '--output', file), { shell: 'umask 077; "$@"' })
    expect(code).toBe(0)
    expect(await modeOf(file)).toBe(mode)
    expect((await stat(file)).size).toBeGreaterThan(0)
  })
})

describe('where --output leads', () => {
  const OUTPUT = /^username,/

  test('a link: what it leads to is written, even if it is not there yet', async () => {
    await mkdir(join(place, 'there'))
    await writeFile(join(place, 'there/old'), 'old')
    for (const name of ['old', 'new']) {
      const link = join(place, name)
      await symlink(join('there', name), link)
      expect(await inProcess(audit('csv', '--output', link))).toMatchObject({ code: 0, stderr: '' })
      expect((await lstat(link)).isSymbolicLink()).toBe(true)
      expect(await readlink(link)).toBe(join('there', name))
      expect(await readFile(join(place, 'there', name), 'utf8')).toMatch(OUTPUT)
    }
    expect(await readdir(join(place, 'there'))).toEqual(['new', 'old'])
  })

  test('a link to itself, a folder, and a folder that is not there are failures', async () => {
    await symlink('loop', join(place, 'loop'))
    for (const [path, why] of [
      [join(place, 'loop'), 'ELOOP'],
      [place, 'EISDIR'],
      [join(place, 'no/file'), 'ENOENT'],
      ['', 'ENOENT'],
    ] as const) {
      const { code, stdout, stderr } = await inProcess(audit('csv', '--output', path))
      expect({ path, code, stdout }).toEqual({ path, code: 2, stdout: '' })
      expect(stderr).toMatch(new RegExp(`cannot be written \\(${why}\\).*\\[invalid-argument\\]\n$`))
    }
    expect(await readdir(place)).toEqual(['loop'])
  })

  test('a device or a pipe is written to and stays what it is', async () => {
    expect(await inProcess(audit('csv', '--output', '/dev/null'))).toMatchObject({ code: 0, stdout: '' })
    expect((await stat('/dev/null')).isFile()).toBe(false)
    const fifo = join(place, 'fifo')
    execFileSync('mkfifo', [fifo])
    const [{ code }, read] = await Promise.all([command.run(audit('csv', '--output', fifo)), readFile(fifo, 'utf8')])
    expect(code).toBe(0)
    expect(read).toMatch(OUTPUT)
    expect((await stat(fifo)).isFIFO()).toBe(true)
  })

  test.skipIf(process.getuid?.() === 0)('a file that is read-only is not replaced', async () => {
    const file = join(place, 'kept')
    await writeFile(file, 'old', { mode: 0o444 })
    expect(await inProcess(audit('csv', '--output', file))).toMatchObject({ code: 2 })
    expect(await readFile(file, 'utf8')).toBe('old')
  })
})

describe('a signal', () => {
  const children: { kill(signal: 'SIGKILL'): boolean }[] = []
  afterEach(() => children.splice(0).forEach(child => child.kill('SIGKILL')))

  /** A command that has begun to write a file, and has all of its input but the end. */
  async function writing(input = USERS) {
    const args = ['audit', 'pool', '--pool-file', pool, '--memberships', '-', '--format', 'ndjson', '--output']
    const child = command.start([...args, join(place, 'out')])
    children.push(child)
    const end = Promise.all([text(child.stderr), once(child, 'close')]).then(([stderr, [code, signal]]) => ({
      stderr,
      code,
      signal,
    }))
    child.stdin.write(input.map(user => `${JSON.stringify(user)}\n`).join(''))
    for (;;) {
      const [draft] = await readdir(place)
      if (draft !== undefined && (await readFile(join(place, draft), 'utf8')).includes(input[0]!.username)) break
      await sleep(10)
    }
    return { child, end }
  }

  test.each([
    ['SIGTERM', 143],
    ['SIGHUP', 129],
    ['SIGINT', 130],
  ] as const)('%s leaves no temporary file and ends with %i, though the input never ends', async (signal, code) => {
    const { child, end } = await writing()
    expect(await readdir(place), 'control: there is a draft').toEqual([expect.stringMatching(/^out\..+\.tmp$/)])
    child.kill(signal)
    const ended = await end
    expect(ended).toMatchObject({ code, signal: null })
    expect(ended.stderr).not.toMatch(STACK_TRACE)
    expect(await readdir(place)).toEqual([])
  })

  test('that comes twice ends it at once, and leaves no temporary file either', async () => {
    // It waits for somebody to read the page, whose rows it has put aside.
    const many = join(folder, 'many.ndjson')
    await writeFile(many, Array.from({ length: 20_000 }, (_, u) => `{"username":"user-${u}","groups":[]}\n`).join(''))
    const args = ['audit', 'pool', '--pool-file', pool, '--memberships', many, '--format', 'html']
    const child = command.start(args, { env: { TMPDIR: place } })
    children.push(child)
    await once(child.stdout, 'readable')
    child.kill('SIGINT')
    await sleep(200)
    expect(child.exitCode, 'control: the first alone waits').toBe(null)
    child.kill('SIGINT')
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
    expect({ stderr, code }).toEqual({ stderr: 'rolecast: interrupted; run the command again [aborted]\n', code: 130 })
    expect(await readdir(place)).toEqual([])
  })

  test('control: a kill that cannot be caught leaves the draft', async () => {
    const { child, end } = await writing()
    child.kill('SIGKILL')
    expect(await end).toMatchObject({ signal: 'SIGKILL' })
    expect(await readdir(place)).toEqual([expect.stringMatching(/\.tmp$/)])
  })

  test('ends a command that has nothing to remove at once, even when it is busy', async () => {
    const busy = `const write = process.stdout.write
      process.stdout.write = function (...args) { Reflect.apply(write, this, args); for (;;); }`
    const child = command.start(['predict', '--pool-file', pool, '--stdin'], {
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(busy)}` },
    })
    children.push(child)
    child.stdin.write('["admins"]\n')
    await once(child.stdout, 'data')
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([null, 'SIGTERM'])
  })

  test('removes what is temporary, and forgets what is not any more', async () => {
    const [kept, gone, tree] = ['kept', 'gone', 'tree'].map(name => join(place, name)) as [string, string, string]
    await writeFile(kept, '')
    await writeFile(gone, '')
    await mkdir(join(tree, 'below'), { recursive: true })
    willRemove(kept)()
    const forget = [gone, tree, join(place, 'never made')].map(willRemove)
    removeTemporary()
    forget.forEach(one => one())
    expect(await readdir(place)).toEqual(['kept'])
  })
})

describe('an output in the place of what the command reads or keeps', () => {
  const copies = async () => {
    const [mine, theirs, file] = ['pool.json', 'users.ndjson', 't.yaml'].map(name => join(place, name)) as [
      string,
      string,
      string,
    ]
    await writeFile(mine, await readFile(pool))
    await writeFile(theirs, await readFile(users))
    await writeFile(file, await readFile(template))
    return { mine, theirs, file }
  }
  const REFUSED = /is a file that this command reads or saves to; give --output another file \[invalid-argument\]/

  test.each<[string, (files: Awaited<ReturnType<typeof copies>>) => readonly string[]]>([
    [
      'the pool file',
      ({ mine, theirs }) => ['audit', 'pool', '--pool-file', mine, '--memberships', theirs, '--output', mine],
    ],
    [
      'the memberships, by another name',
      ({ mine, theirs }) => [
        'audit',
        'pool',
        '--pool-file',
        mine,
        '--memberships',
        theirs,
        '--output',
        join(place, '..', place.slice(folder.length + 1), 'users.ndjson'),
      ],
    ],
    ['a template', ({ file }) => ['validate', file, '--output', file]],
    ['a baseline', ({ file }) => ['validate', file, '--write-baseline', `${file}.b`, '--output', `${file}.b`]],
  ])('is rejected: %s', async (_, argsOf) => {
    const files = await copies()
    const { code, stderr } = await inProcess(argsOf(files))
    expect(code).toBe(2)
    expect(stderr).toMatch(REFUSED)
    expect(await readFile(files.mine, 'utf8')).toBe(await readFile(pool, 'utf8'))
    expect(await readFile(files.theirs, 'utf8')).toBe(await readFile(users, 'utf8'))
    expect(await readFile(files.file, 'utf8')).toBe(await readFile(template, 'utf8'))
  })

  test('is rejected for a checkpoint, which is not there yet and would be removed in the end', async () => {
    await using endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS.slice(0, 5) })
    const file = join(place, 'both')
    const args = ['audit', 'pool', '--user-pool-id', userPoolId, '--endpoint-url', endpoint.url, '--checkpoint', file]
    const { code, stderr } = await command.run([...args, '--output', `${place}/./both`], { env: CREDENTIALS })
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(REFUSED) })
    const another = await command.run([...args, '--output', join(place, 'other')], { env: CREDENTIALS })
    expect(another.code, 'control: another file').toBe(0)
    expect(await readdir(place)).toEqual(['other'])
  })
})
