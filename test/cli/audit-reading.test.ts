import { copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { auditPool } from '../../src/cognito/index.js'
import { type CognitoEndpoint, startCognitoEndpoint, subOf } from '../cognito/cognito-endpoint.js'
import { auditCommand } from './audit-command.js'
import { stubCredentials } from './command.js'
import { jsonLines } from './pool.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' },
  { groupName: 'hr', precedence: 5, roleArn: 'arn:aws:iam::111122223333:role/Hr' },
]
const USERS = Array.from({ length: 130 }, (_, u) => ({
  username: `user-${u}`,
  groups: u % 3 === 0 ? [] : [GROUPS[u % 2]!.groupName],
  enabled: u % 5 !== 0,
}))
const ISO = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/

let folder: string
let endpoint: CognitoEndpoint
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-audit-reading-'))
  endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS })
})
beforeEach(() => {
  endpoint.requests.length = 0
  stubCredentials(folder)
})
afterEach(() => {
  endpoint.mend()
  vi.unstubAllEnvs()
})
afterAll(async () => {
  await endpoint.close()
  await rm(folder, { recursive: true })
})

function run(...args: readonly string[]) {
  const pool = ['audit', 'pool', '--user-pool-id', userPoolId, '--endpoint-url', endpoint.url]
  return auditCommand([...pool, '--strategy', 'per-group', ...args])
}

/** A checkpoint of a reading that is whole, and was not used. */
async function finishedCheckpoint(): Promise<string> {
  const checkpoint = join(folder, 'finished.checkpoint')
  const users = auditPool({ userPoolId, endpoint: endpoint.url, strategy: 'per-group', checkpoint })
  await users.next()
  await users.return()
  return checkpoint
}

test('one checkpoint gives the same bytes whenever it is used, in every format', async () => {
  const finished = await finishedCheckpoint()
  endpoint.requests.length = 0
  for (const format of ['text', 'json', 'ndjson', 'csv', 'html', 'sarif', 'ocsf']) {
    const outputs: string[] = []
    for (const round of [1, 2]) {
      const checkpoint = join(folder, `${format}-${round}.checkpoint`)
      await copyFile(finished, checkpoint)
      const { code, stdout } = await run('--format', format, '--checkpoint', checkpoint)
      expect({ code, format }).toEqual({ code: 0, format })
      outputs.push(stdout)
      await sleep(5)
    }
    expect(outputs[1]).toBe(outputs[0])
    expect(outputs[0]).not.toBe('')
  }
  expect(endpoint.requests).toEqual([])
})

test('control: two readings have two times', async () => {
  const read = async () => jsonLines((await run('--format', 'ndjson')).stdout)[0].audit.reading.startedAt
  const first = await read()
  await sleep(5)
  expect(await read()).not.toBe(first)
})

test('the output says which pool was read, and when; of each user the sub, the status and what was asked for', async () => {
  const before = Date.now()
  const { code, stdout } = await run('--format', 'ndjson', '--attributes', 'email, custom:team', '--attributes', 'sub')
  const after = Date.now()
  expect(code).toBe(0)
  const [{ audit }, ...lines] = jsonLines(stdout)
  expect(audit.reading).toEqual({
    source: 'cognito',
    userPoolId,
    poolName: 'simulated',
    account: '111122223333',
    region: 'eu-west-1',
    startedAt: expect.stringMatching(ISO),
    endedAt: expect.stringMatching(ISO),
    strategy: 'per-group',
    attributes: ['email', 'custom:team'],
    estimatedUsers: USERS.length,
  })
  const { startedAt, endedAt } = audit.reading
  expect([before, Date.parse(startedAt), Date.parse(endedAt), after]).toEqual(
    [before, Date.parse(startedAt), Date.parse(endedAt), after].toSorted((a, b) => a - b),
  )
  const users = lines.slice(0, -1)
  expect(users).toHaveLength(USERS.length)
  expect(
    users.map(({ username, sub, enabled, status, attributes }) => ({ username, sub, enabled, status, attributes })),
  ).toEqual(
    USERS.map(({ username, enabled }) => ({
      username,
      sub: subOf(username),
      enabled,
      status: 'CONFIRMED',
      attributes: { email: `${username}@example.com` },
    })),
  )
})

test('attributes are not asked for unless they are named', async () => {
  const { stdout } = await run('--format', 'ndjson')
  expect(stdout).not.toContain('@example.com')
  expect(stdout).not.toContain('"attributes"')
})

test.each([
  ['--attributes', ''],
  ['--attributes', 'email,,name'],
  ['--attributes', 'e mail'],
])('%s %j is rejected, in the words of the command line', async (...args) => {
  const { code, stdout, stderr } = await run(...args)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(/^rolecast: `.*` in --attributes is not the name of an attribute; .* \[invalid-option\]\n$/)
  expect(endpoint.requests).toEqual([])
})

test('--attributes is not for a forecast of changes', async () => {
  const args = ['impact', '--user-pool-id', userPoolId, '--attributes', 'email']
  expect(await auditCommand(args)).toMatchObject({ code: 2, stderr: expect.stringContaining('--attributes') })
})

test.each([['--take-over'], ['--max-checkpoint-age', '2d']])('%s without --checkpoint is rejected', async (...args) => {
  const { code, stderr } = await run(...args)
  expect(code).toBe(2)
  expect(stderr).toContain(`${args[0]} needs a checkpoint; give --checkpoint FILE too [invalid-argument]`)
  expect(endpoint.requests).toEqual([])
})

test('an attribute that the pool does not have ends it at once, also a dry run', async () => {
  for (const more of [[], ['--dry-run']]) {
    const { code, stderr } = await run('--attributes', 'custom:rank', ...more)
    expect(code).toBe(2)
    expect(stderr).toMatch(/rolecast: ListUsers .* the names of the attributes.* \[request-rejected\]\n$/)
  }
})

test('of files the output says that they are files, and no time', async () => {
  const args = ['--pool-file', join(folder, 'pool.json'), '--memberships', '-', '--format', 'ndjson']
  const groups = GROUPS.map(({ groupName }) => ({ GroupName: groupName, UserPoolId: userPoolId }))
  await writeFile(join(folder, 'pool.json'), JSON.stringify({ Groups: groups }))
  const { stdout } = await auditCommand(['audit', 'pool', ...args], { stdin: '{"username":"a","groups":["hr"]}\n' })
  expect(jsonLines(stdout)[0].audit.reading).toEqual({ source: 'files', userPoolId, region: 'eu-west-1' })
})
