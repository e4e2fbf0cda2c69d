import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type CognitoEndpoint, type FaultOptions, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { CREDENTIALS } from './command.js'
import { GROUPS, poolFileIn, userPoolId } from './pool.js'
import { type InstalledCommand, installCommand } from './process.js'

const USERS = Array.from({ length: 200 }, (_, u) => ({ username: `user-${u}`, groups: ['admins'] }))

let folder: string
let command: InstalledCommand
let pool: string
let template: string
let endpoint: CognitoEndpoint
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-interrupt-'))
  command = await installCommand(folder)
  pool = await poolFileIn(folder)
  template = join(folder, 'template.yaml')
  await writeFile(template, 'Resources:\n  Pool: { Type: AWS::Cognito::UserPool }\n')
  endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS })
})
afterAll(async () => {
  await endpoint.close()
  await rm(folder, { recursive: true })
})
let place: string
beforeEach(async () => {
  place = await mkdtemp(join(folder, 'place-'))
  endpoint.requests.length = 0
})
afterEach(() => endpoint.mend())

type Started = ReturnType<InstalledCommand['start']>
const children: Started[] = []
afterEach(() => children.splice(0).forEach(child => child.kill('SIGKILL')))

function start(args: readonly string[], shell?: string): Started {
  const child = command.start(args, { env: { ...CREDENTIALS, TMPDIR: place }, ...(shell !== undefined && { shell }) })
  children.push(child)
  return child
}

async function ended(child: Started) {
  const [stderr, [code, signal]] = await Promise.all([text(child.stderr), once(child, 'close')])
  expect(stderr).not.toMatch(/^\s+at .+:\d+:\d+\)?$/m)
  expect(stderr.replaceAll('[aborted]\n', '')).not.toMatch(/abort|signal/i)
  return { code, signal, said: stderr.trimEnd().split('\n').at(-1) }
}

/** Waits until the command has asked for something that does not come. */
async function until(isReached: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await isReached())) await sleep(10)
  await sleep(200)
}

const online = (...args: readonly string[]) => ['--user-pool-id', userPoolId, '--endpoint-url', endpoint.url, ...args]
const SAVED = /^rolecast: interrupted; what was read is saved in `.*\.checkpoint`, and the same command resumes from it/
const AGAIN = 'rolecast: interrupted; run the command again [aborted]'

describe('Ctrl-C while a pool is read', () => {
  test.each<[string, 'hang' | 'throttle', FaultOptions, readonly string[]]>([
    ['while the groups are listed', 'hang', { operation: 'ListGroups' }, []],
    ['while calls are under way', 'hang', { operation: 'ListUsersInGroup', after: 3 }, ['--strategy', 'per-group']],
    ['in another way', 'hang', { operation: 'AdminListGroupsForUser', after: 9 }, ['--strategy', 'per-user']],
    ['before a call is tried again', 'throttle', { operation: 'ListUsersInGroup' }, ['--strategy', 'per-group']],
  ])('%s says what is saved, exits 130, and the same command resumes', async (_when, fault, options, more) => {
    const checkpoint = join(place, 'audit.checkpoint')
    for (const audit of [
      ['audit', 'pool', ...online('--checkpoint', checkpoint, ...more)],
      ['impact', ...online('--checkpoint', checkpoint, '--set', 'admins.precedence=9', ...more)],
    ]) {
      endpoint.fail(fault, options)
      endpoint.requests.length = 0
      const child = start(audit)
      await until(() => endpoint.requests.some(request => request.operation === options.operation))
      await sleep(300)
      child.kill('SIGINT')
      expect(await ended(child)).toEqual({ code: 130, signal: null, said: expect.stringMatching(SAVED) })
      expect(await readdir(place)).toEqual(['audit.checkpoint'])
      endpoint.mend()
      const again = start(audit)
      again.stdout.resume()
      expect(await ended(again)).toMatchObject({ code: 0, said: expect.not.stringContaining('[') })
      expect(await readdir(place)).toEqual([])
    }
  })

  test('without a checkpoint says that nothing is saved, and what saves', async () => {
    endpoint.fail('hang', { operation: 'ListUsers' })
    const child = start(['audit', 'pool', ...online()])
    await until(() => endpoint.requests.some(request => request.operation === 'ListUsers'))
    child.kill('SIGTERM')
    expect(await ended(child)).toEqual({
      code: 143,
      signal: null,
      said: 'rolecast: interrupted; nothing is saved; a command with --checkpoint FILE resumes after an interruption [aborted]',
    })
  })

  test('a dry run saves nothing', async () => {
    endpoint.fail('hang', { operation: 'ListUsers' })
    const child = start(['audit', 'pool', ...online('--dry-run', '--checkpoint', join(place, 'audit.checkpoint'))])
    await until(() => endpoint.requests.some(request => request.operation === 'ListUsers'))
    child.kill('SIGINT')
    expect(await ended(child)).toEqual({ code: 130, signal: null, said: AGAIN })
    expect(await readdir(place)).toEqual([])
  })
})

describe('Ctrl-C while files are read', () => {
  const offline = (memberships: string) => ['--pool-file', pool, '--memberships', memberships]
  const commands: readonly (readonly [string, readonly string[]])[] = [
    ['audit pool', ['audit', 'pool']],
    ['impact', ['impact', '--set', 'admins.precedence=9']],
  ]

  test.each(commands)('%s: from a stdin that says nothing and never ends', async (_name, args) => {
    const output = join(place, 'out')
    const child = start([...args, ...offline('-'), '--output', output])
    child.stdin.write(USERS.map(user => `${JSON.stringify(user)}\n`).join(''))
    await until(async () => (await readdir(place)).length > 0)
    await sleep(1_000)
    child.kill('SIGINT')
    expect(await ended(child)).toEqual({ code: 130, signal: null, said: AGAIN })
    expect(await readdir(place)).toEqual([])
  })

  test.each(
    commands.flatMap(([name, args]) => [
      [name, 'has said something and never ends', true, args] as const,
      [name, 'never comes', false, args] as const,
    ]),
  )('%s: from a named pipe whose writer %s', async (_name, _writer, comes, args) => {
    const pipe = join(place, 'pipe')
    execFileSync('mkfifo', [pipe])
    const writer = comes ? await open(pipe, 'r+') : undefined
    try {
      await writer?.write('{"username":"anna","groups":["admins"]}\n')
      const child = start([...args, ...offline(pipe), '--output', join(place, 'out')])
      await until(async () => (await readdir(place)).length > 1)
      child.kill('SIGINT')
      expect(await ended(child)).toEqual({ code: 130, signal: null, said: AGAIN })
      expect(await readdir(place)).toEqual(['pipe'])
    } finally {
      await writer?.close()
    }
  })

  test('control: a thread that waits for the writer of a pipe keeps a process from ending', async () => {
    const pipe = join(place, 'pipe')
    execFileSync('mkfifo', [pipe])
    const script = `require('fs').createReadStream(process.argv[1]); setTimeout(() => { console.log('ends'); process.exit(0) }, 100)`
    const child = spawn(process.execPath, ['-e', script, pipe])
    await once(child.stdout, 'data')
    await sleep(1_000)
    expect(child.exitCode).toBe(null)
    child.kill('SIGKILL')
    await once(child, 'close')
  })

  test('while nobody reads what it writes: it waits, and ends after some seconds, or at the second Ctrl-C', async () => {
    const users = join(folder, 'users.ndjson')
    await writeFile(
      users,
      Array.from({ length: 20_000 }, (_, u) => `{"username":"user-${u}","groups":["admins"]}\n`).join(''),
    )
    for (const signals of [1, 2]) {
      const child = start(['audit', 'pool', ...offline(users), '--format', 'html'])
      await once(child.stdout, 'readable')
      child.kill('SIGINT')
      await sleep(500)
      expect(child.exitCode, 'control: the first alone waits').toBe(null)
      if (signals === 2) child.kill('SIGINT')
      const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, 'exit')])
      expect({ stderr, code }).toEqual({ stderr: `${AGAIN}\n`, code: 130 })
      expect(await readdir(place), 'what was put aside is gone').toEqual([])
    }
  })
})

describe('Ctrl-C in other commands', () => {
  const COMMANDS: readonly (readonly [string, (args: readonly string[]) => readonly string[]])[] = [
    ['AdminListGroupsForUser', args => ['audit', 'user', '--username', 'user-1', ...args]],
    ['ListGroups', args => ['snapshot', ...args]],
    ['ListGroups', args => ['validate', template, ...args]],
  ]
  test.each(COMMANDS)('while they wait for %s', async (operation, argsOf) => {
    endpoint.fail('hang')
    const child = start(argsOf(online()))
    await until(() => endpoint.requests.some(request => request.operation === operation))
    child.kill('SIGINT')
    expect(await ended(child)).toEqual({ code: 130, signal: null, said: AGAIN })
  })

  test('one that has nothing to stop is ended by the system, which a shell shows as 130', async () => {
    const child = start(['predict', '--pool-file', pool, '--stdin'])
    child.stdin.write('["admins"]\n')
    await once(child.stdout, 'data')
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([null, 'SIGINT'])
  })
})
