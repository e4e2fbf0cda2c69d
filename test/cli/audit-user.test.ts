import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CognitoEndpoint, startCognitoEndpoint, subOf } from '../cognito/cognito-endpoint.js'
import { auditCommand } from './audit-command.js'
import { stubCredentials } from './command.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'hr', precedence: 5, roleArn: role('Hr') },
]
const USERS = [
  { username: 'ann', groups: ['admins'] },
  { username: 'bob', groups: ['hr'] },
  { username: 'eve', groups: [] },
]

let folder: string
let endpoint: CognitoEndpoint
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-audit-user-'))
})
beforeEach(async () => {
  stubCredentials(folder)
  endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS, hasEmailAlias: true })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await endpoint.close()
})
afterAll(() => rm(folder, { recursive: true }))

const named = (...usernames: readonly string[]) => usernames.flatMap(username => ['--username', username])
const run = (...args: readonly string[]) =>
  auditCommand(['audit', 'user', '--user-pool-id', userPoolId, '--endpoint-url', endpoint.url, ...args])
const NO_USER = (username: string) =>
  `user pool \`${userPoolId}\` has no user \`${username}\`; give the username, the sub, or an alias that the pool has`

describe('a user', () => {
  test.each([
    ['the username', 'ann'],
    ['the sub', subOf('ann')],
    ['an alias that the pool has', 'ann@example.com'],
  ])('is found by %s, and is printed under what was given', async (_what, username) => {
    const { code, stdout, stderr } = await run('--json', ...named(username))
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(JSON.parse(stdout)).toMatchObject([{ username, groups: ['admins'], preferredRole: role('Admin') }])
    expect(endpoint.requests).toMatchObject([{ operation: 'AdminListGroupsForUser', username }])
  })

  test.each(['ghost', '__proto__', 'Ann', 'ann@example.org'])('that is missing, `%s`, is reported', async username => {
    const { code, stdout, stderr } = await run(...named(username))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toBe(`rolecast: ${NO_USER(username)} [user-not-found]\n`)
  })

  test('control: an alias that the pool does not have finds no one', async () => {
    await using other = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS })
    const args = ['audit', 'user', '--user-pool-id', userPoolId, '--endpoint-url', other.url]
    expect(await auditCommand([...args, ...named('ann@example.com')])).toMatchObject({ code: 2, stdout: '' })
    expect(await auditCommand([...args, ...named(subOf('ann'))])).toMatchObject({ code: 0 })
  })
})

describe('after a user that is missing', () => {
  test('the others are read, in JSON in the order given, and it ends with 2', async () => {
    const { code, stdout, stderr } = await run('--json', ...named('ghost', 'ann', 'gone', 'bob'))
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject([
      { username: 'ghost', error: { code: 'user-not-found', message: NO_USER('ghost') } },
      { username: 'ann', outcome: 'resolved', preferredRole: role('Admin') },
      { username: 'gone', error: { code: 'user-not-found' } },
      { username: 'bob', preferredRole: role('Hr') },
    ])
    expect(Object.keys(JSON.parse(stdout)[0])).toEqual(['username', 'error'])
    expect(stderr).toBe(['ghost', 'gone'].map(username => `rolecast: ${NO_USER(username)} [user-not-found]\n`).join(''))
  })

  test('the others are read in text, which says of the missing one why it has no groups', async () => {
    const { code, stdout, stderr } = await run(...named('ann', 'ghost', 'bob'))
    expect(code).toBe(2)
    expect(stdout.match(/^(ann|bob)\n\nGroups/gm)).toEqual(['ann\n\nGroups', 'bob\n\nGroups'])
    expect(stdout).toContain(`\nghost\n\n${NO_USER('ghost')}\n`)
    expect(stderr.split('\n')).toHaveLength(2)
  })

  test('and after a name that Cognito rejects the others are read', async () => {
    const long = 'x'.repeat(129)
    const { code, stdout, stderr } = await run('--json', ...named(long, 'bob'))
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject([
      { error: { code: 'request-rejected' } },
      { username: 'bob', groups: ['hr'] },
    ])
    expect(stderr).toMatch(/^rolecast: .* \[request-rejected\]\n$/)
  })

  test('control: where none is missing it ends with 0', async () => {
    expect(await run('--json', ...named('ann', 'bob'))).toMatchObject({ code: 0, stderr: '' })
  })

  test('names in a message do not move the cursor', async () => {
    const { stdout, stderr } = await run(...named('ghost\u001b[2J\u202E', 'ann'))
    expect(stdout + stderr).not.toMatch(/(?!\n)\p{C}/u)
  })
})

describe('another failure', () => {
  test('ends it, and loses nothing that was read: in JSON, users who were not asked for are reported not to be', async () => {
    endpoint.fail('access-denied', { username: 'bob' })
    const { code, stdout, stderr } = await run('--json', ...named('ann', 'bob', 'eve'))
    expect(code).toBe(2)
    expect(JSON.parse(stdout)).toMatchObject([
      { username: 'ann', outcome: 'resolved' },
      { username: 'bob', error: { code: 'not-authorized', message: expect.stringMatching(/^Admin/) } },
      {
        username: 'eve',
        error: { code: 'not-authorized', message: expect.stringMatching(/^not asked, after a failure: Admin/) },
      },
    ])
    expect(stderr).toMatch(/^rolecast: AdminListGroupsForUser [^\n]* \[not-authorized\]\n$/)
    expect(endpoint.requests.filter(request => request.username === 'eve')).toEqual([])
  })

  test('of the first user writes nothing, because nothing was read', async () => {
    endpoint.fail('access-denied')
    const path = join(folder, 'none.json')
    expect(await run('--json', '--output', path, ...named('ann', 'bob'))).toMatchObject({ code: 2, stdout: '' })
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
    expect(endpoint.requests).toHaveLength(1)
  })
})

describe('--output', () => {
  test('writes to a file what goes to stdout otherwise, for its owner only', async () => {
    for (const [name, ...format] of [['users.json', '--json'], ['users.txt']]) {
      const args = [...format, ...named('ann', 'ghost', 'bob')]
      const path = join(folder, name!)
      const { code, stdout, stderr } = await run('--output', path, ...args)
      const direct = await run(...args)
      expect({ code, stdout, stderr }).toEqual({ ...direct, stdout: '' })
      expect(await readFile(path, 'utf8')).toBe(direct.stdout)
      expect((await stat(path)).mode & 0o777).toBe(0o600)
    }
    expect((await readdir(folder)).filter(name => name.endsWith('.tmp'))).toEqual([])
  })

  test('says in text why the only user is not in it', async () => {
    const path = join(folder, 'ghost.txt')
    expect(await run('--output', path, ...named('ghost'))).toMatchObject({ code: 2, stdout: '' })
    expect(await readFile(path, 'utf8')).toBe(`${NO_USER('ghost')}\n`)
  })

  test('that cannot be written is reported before any call', async () => {
    const { code, stderr } = await run('--output', join(folder, 'no/folder.txt'), ...named('ann'))
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be written') })
    expect(endpoint.requests).toEqual([])
  })

  test('never replaces the identity pool file', async () => {
    const path = join(folder, 'identity-pool.json')
    const text = JSON.stringify({ IdentityPoolId: 'eu-west-1:11111111-2222-3333-4444-555555555555', Roles: {} })
    await writeFile(path, text)
    const { code } = await run('--identity-pool-file', path, '--output', path, ...named('ann'))
    expect(code).toBe(2)
    expect(await readFile(path, 'utf8')).toBe(text)
  })
})
