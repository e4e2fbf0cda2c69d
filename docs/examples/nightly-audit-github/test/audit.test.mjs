import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { createFakeCognito } from 'rolecast/testing'

const role = name => `arn:aws:iam::111122223333:role/${name}`
const project = join(import.meta.dirname, '..')

let cognito
let folder

before(async () => {
  folder = mkdtempSync(join(project, 'results-'))
  cognito = await createFakeCognito({
    groups: [
      { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
      { groupName: 'readers', precedence: 20, roleArn: role('Reader') },
    ],
    users: [
      { username: 'alice', groups: ['admins'] },
      { username: 'bob', groups: ['readers'] },
    ],
  })
})
after(async () => {
  await cognito.close()
  rmSync(folder, { recursive: true, force: true })
})

/** Runs a night's audit, and keeps the result for the next one as the workflow does. */
async function night({ userPoolId = cognito.userPoolId, first = false } = {}) {
  const child = spawn('bash', [join(project, 'audit.sh'), folder], {
    env: {
      PATH: process.env.PATH,
      HOME: tmpdir(),
      USER_POOL_ID: userPoolId,
      FIRST_AUDIT: String(first),
      AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: cognito.url,
      AWS_ACCESS_KEY_ID: 'test',
      AWS_SECRET_ACCESS_KEY: 'test',
    },
  })
  child.stdin.end()
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const result = join(folder, 'audit.ndjson')
  if (existsSync(result)) renameSync(result, join(folder, 'previous.ndjson'))
  return { code, stdout, stderr }
}

test('a night with nothing to compare with says so, and passes only if it is the first', async () => {
  assert.equal((await night()).code, 2)
  rmSync(join(folder, 'previous.ndjson'))
  const { code, stdout, stderr } = await night({ first: true })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /no change was looked for/)
})

test('a night without a change passes', async () => {
  const { code, stderr } = await night()
  assert.equal(code, 0, stderr)
})

test('a night after which a user has another role for the first time passes, and is told', async () => {
  cognito.putGroup({ groupName: 'readers', precedence: 20, roleArn: role('Writer') })
  const { code, stdout } = await night()
  assert.equal(code, 0)
  assert.match(stdout, /bob/)
  assert.match(stdout, /Writer/)
})

test('a night after which a user has gained a role fails, and names the user and the role', async () => {
  cognito.addUser({ username: 'mallory', groups: ['admins'] })
  const { code, stdout } = await night()
  assert.equal(code, 1)
  assert.match(stdout, /mallory/)
  assert.match(stdout, /role\/Admin/)
  assert.match(readFileSync(join(folder, 'diff.html'), 'utf8'), /mallory/)
})

test('an audit that could not run fails, and leaves no result that passes for one', async () => {
  const { code, stderr } = await night({ userPoolId: 'eu-west-1_Missing00' })
  assert.equal(code, 2)
  assert.match(stderr, /eu-west-1_Missing00/)
  assert.equal(existsSync(join(folder, 'audit.ndjson')), false)
  assert.equal(existsSync(join(folder, 'diff.html')), false)
})

test('the workflow compares with the newest result of this repository, whatever a fork has uploaded', () => {
  const artifact = (id, created_at, rest = {}) => ({
    expired: false,
    created_at,
    workflow_run: { id, repository_id: 1, head_repository_id: 1, head_branch: 'main', ...rest },
  })
  const latest = artifacts => {
    const { stdout, status } = spawnSync(process.execPath, [join(project, 'latest-run.mjs')], {
      input: JSON.stringify(artifacts.map(one => ({ artifacts: [one] }))),
      encoding: 'utf8',
    })
    assert.equal(status, 0)
    return stdout.trim()
  }
  const older = artifact(11, '2026-11-27T03:17:00Z')
  const newer = artifact(12, '2026-11-28T03:17:00Z')
  const ofFork = artifact(13, '2026-11-29T03:17:00Z', { head_repository_id: 2 })
  const ofBranch = artifact(14, '2026-11-29T03:17:00Z', { head_branch: 'try' })
  const expired = { ...artifact(15, '2026-11-29T03:17:00Z'), expired: true }
  assert.equal(latest([older, newer, ofFork, ofBranch, expired]), '12')
  assert.equal(latest([ofFork]), '')
  assert.equal(latest([]), '')
})
