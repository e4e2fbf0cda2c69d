import { spawn, spawnSync } from 'node:child_process'
import { chmod, lstat, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createRoleResolver } from '../../src/cognito/index.js'
import { type CognitoEndpoint, type Fault, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { checked, CREDENTIALS, type Ended, rolecast as command, stubCredentials } from './command.js'
import { type InstalledCommand, installCommand } from './process.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'vip', precedence: 1 },
  { groupName: '管理者-é-🙂', roleArn: role('Unicode') },
  ...Array.from({ length: 130 }, (_, index) => ({
    groupName: `g${index}`,
    precedence: 10 + index,
    roleArn: role(`G${index}`),
  })),
]

/** A snapshot that failed is nothing to read as one. */
function whole(ended: Ended): Ended {
  if (ended.code !== 0) expect({ code: ended.code, stdout: ended.stdout }).toEqual({ code: 2, stdout: '' })
  return ended
}

const rolecast = async (args: readonly string[]) => whole(await command(args))

let folder: string
let endpoint: CognitoEndpoint
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-snapshot-'))
  endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS })
})
beforeEach(() => {
  endpoint.requests.length = 0
  stubCredentials(folder)
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
  endpoint.mend()
})
afterAll(async () => {
  await endpoint.close()
  await rm(folder, { recursive: true })
})

const snapshot = (args: readonly string[] = [], id = userPoolId) =>
  rolecast(['snapshot', '--user-pool-id', id, '--endpoint-url', endpoint.url, ...args])
const newFolder = () => mkdtemp(join(folder, 'out-'))

describe('what it prints', () => {
  test('is every group of the pool, page after page, and when they were read', async () => {
    const now = Date.UTC(2027, 0, 31, 12)
    vi.useFakeTimers({ toFake: ['Date'], now })
    const { code, stdout } = await snapshot()
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\{\n {2}"version": 1,\n[^]*\n\}\n$/)
    const { Groups, takenAt, ...rest } = JSON.parse(stdout)
    expect(rest).toEqual({ version: 1, userPoolId })
    expect(takenAt).toBe(now)
    expect(Groups).toEqual(
      GROUPS.map(({ groupName, precedence, roleArn }) => ({
        GroupName: groupName,
        Precedence: precedence,
        RoleArn: roleArn,
      })),
    )
    expect(endpoint.requests.map(({ operation }) => operation)).toEqual(['ListGroups', 'ListGroups', 'ListGroups'])
  })

  test('is read by predict --pool-file, which says what Cognito would', async () => {
    const path = join(await newFolder(), 'pool.json')
    await writeFile(path, (await snapshot()).stdout)
    const groups = ['admins', 'vip', '管理者-é-🙂', 'g129', 'ghost'].flatMap(name => ['--group', name])
    const filed = await rolecast(['predict', '--pool-file', path, ...groups])
    expect(filed.stdout).toContain(`> `)
    expect(filed).toEqual(
      await rolecast(['predict', '--user-pool-id', userPoolId, '--endpoint-url', endpoint.url, ...groups]),
    )
  })

  test('is read by createRoleResolver, which then makes no call', async () => {
    const resolver = createRoleResolver({
      snapshot: JSON.parse((await snapshot()).stdout),
      maxAge: 60_000,
      client: { send: () => Promise.reject(new Error('no call')) },
    })
    expect(await resolver.resolve(['g7', 'admins'])).toMatchObject({
      outcome: 'resolved',
      preferredRole: role('Admin'),
    })
  })

  test('of a pool without groups is a snapshot too', async () => {
    await using empty = await startCognitoEndpoint({ userPoolId })
    const { code, stdout } = await rolecast(['snapshot', '--user-pool-id', userPoolId, '--endpoint-url', empty.url])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({ userPoolId, Groups: [] })
  })
})

describe('--output', () => {
  test('writes the same to a file, and nothing else', async () => {
    const out = await newFolder()
    expect(await snapshot(['--output', join(out, 'pool.json')])).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(JSON.parse(await readFile(join(out, 'pool.json'), 'utf8'))).toMatchObject({
      version: 1,
      userPoolId,
      Groups: { length: GROUPS.length },
    })
    expect(await readdir(out)).toEqual(['pool.json'])
  })

  test('replaces a file whole, keeps its mode, and follows a link', async () => {
    const out = await newFolder()
    const [path, link] = [join(out, 'pool.json'), join(out, 'link.json')]
    await writeFile(path, 'x'.repeat(100_000))
    await chmod(path, 0o600)
    await symlink('pool.json', link)
    expect((await snapshot(['--output', link])).code).toBe(0)
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ version: 1 })
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect((await lstat(link)).isSymbolicLink()).toBe(true)
    expect((await readdir(out)).toSorted()).toEqual(['link.json', 'pool.json'])
  })

  test('a pool that cannot be read leaves the old file as it was', async () => {
    const out = await newFolder()
    const path = join(out, 'pool.json')
    await writeFile(path, 'old')
    endpoint.fail('access-denied', { after: 2 })
    expect((await snapshot(['--output', path])).code).toBe(2)
    expect(await readFile(path, 'utf8')).toBe('old')
    expect(await readdir(out)).toEqual(['pool.json'])
  })

  test.each([
    ['a folder', '.', 'EISDIR'],
    ['a folder that is not there', 'nowhere/pool.json', 'ENOENT'],
    ['a file for a folder', 'file/pool.json', 'ENOTDIR'],
  ])('%s cannot be written to', async (_what, path, errno) => {
    const out = await newFolder()
    await writeFile(join(out, 'file'), 'old')
    const { stderr } = await snapshot(['--output', join(out, path)])
    expect(stderr).toMatch(
      new RegExp(
        `cannot be written \\(${errno}\\); give a file in a folder that you can write to \\[invalid-argument\\]\\n$`,
      ),
    )
    expect(await readdir(out)).toEqual(['file'])
  })

  test('a pipe is written to and stays a pipe', async () => {
    const pipe = join(await newFolder(), 'pipe')
    expect(spawnSync('mkfifo', [pipe]).status).toBe(0)
    const reader = spawn('cat', [pipe])
    const [{ code }, read] = await Promise.all([snapshot(['--output', pipe]), text(reader.stdout)])
    expect(code).toBe(0)
    expect(JSON.parse(read)).toMatchObject({ version: 1, userPoolId })
    expect((await stat(pipe)).isFIFO()).toBe(true)
  })
})

describe('what goes wrong', () => {
  test.each<[string, Fault, string]>([
    ['an IAM policy that says no', 'access-denied', 'not-authorized'],
    ['throttling', 'throttle', 'throttled'],
    ['a failure inside Cognito', 'internal', 'service-error'],
    ['a proxy that wants a login', 'html-200', 'malformed-response'],
    ['a precedence as text', { precedence: '7' }, 'malformed-response'],
    ['pages without an end', 'endless-pages', 'malformed-response'],
    ['a connection that breaks', 'drop', 'unreachable'],
  ])('%s at a later page prints nothing but the failure', async (_what, fault, errorCode) => {
    endpoint.fail(fault, { after: 1 })
    const { code, stderr } = await snapshot()
    expect(code).toBe(2)
    expect(stderr).toMatch(/^rolecast: ListGroups on user pool `eu-west-1_Ab12Cd34e` [^\n]+\n$/)
    expect(stderr.endsWith(` [${errorCode}]\n`), stderr).toBe(true)
  })

  test.each([
    ['another pool', 'eu-west-1_Nowhere', 'pool-not-found'],
    ['no pool id', 'eu-west-1/Ab12', 'invalid-user-pool-id'],
    ['a pool id without a region', 'Ab12Cd34e', 'no-region'],
  ])('%s', async (_what, id, errorCode) => {
    expect((await snapshot([], id)).stderr.endsWith(` [${errorCode}]\n`)).toBe(true)
  })

  test('no pool, and an argument too many', async () => {
    expect((await rolecast(['snapshot'])).stderr).toContain('--user-pool-id <id>')
    expect((await snapshot(['pool.json'])).stderr).toContain('too many arguments')
  })
})

describe('as a process', () => {
  let installed: InstalledCommand
  beforeAll(async () => {
    installed = await installCommand(folder)
  })

  const run = async (args: readonly string[], shell?: string): Promise<Ended> =>
    whole(checked(await installed.run(args, { env: CREDENTIALS, ...(shell !== undefined && { shell }) })))
  const taken = () => ['snapshot', '--user-pool-id', userPoolId, '--endpoint-url', endpoint.url]

  test('its output goes into a file that predict reads', async () => {
    const path = join(await newFolder(), 'pool.json')
    expect(await run(taken(), `"$@" > '${path}'`)).toMatchObject({ code: 0 })
    const predicted = await run(['predict', '--pool-file', path, '--group', 'admins', '--require-role'])
    expect(predicted).toMatchObject({ code: 0, stdout: expect.stringContaining('> 0  admins') })
  })

  test('a reader that has seen enough is not a failure', async () => {
    const { stdout } = await run(taken(), '"$@" | head -n 1')
    expect(stdout).toBe('{\n')
  })

  test('its help has examples', async () => {
    const { stdout } = await command(['snapshot', '--help'])
    expect(stdout).toMatch(/^Usage: rolecast snapshot/)
    expect(stdout).toContain('\n  $ rolecast snapshot --user-pool-id eu-west-1_Ab12Cd34e > pool.json\n')
    expect(stdout).toMatch(/Exit codes: 0 it ran, 2 it could not run\.\n$/)
  })
})
