import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { after, before, test } from 'node:test'
import { createFakeCognito } from 'rolecast/testing'

const role = name => `arn:aws:iam::111122223333:role/users-${name}`
const project = join(import.meta.dirname, '..')
const work = mkdtempSync(join(project, 'branch-'))

let cognito

before(async () => {
  cognito = await createFakeCognito({
    groups: [
      { groupName: 'admins', precedence: 1, roleArn: role('admins') },
      { groupName: 'editors', precedence: 10, roleArn: role('editors') },
      { groupName: 'readers', precedence: 20, roleArn: role('readers') },
    ],
    users: [
      { username: 'alice', groups: ['admins', 'editors'] },
      { username: 'bob', groups: ['editors', 'readers'] },
    ],
  })
})
after(async () => {
  await cognito.close()
  rmSync(work, { recursive: true, force: true })
})

/** Runs the check on a branch where a text of main.tf is another one. */
async function check([before, after] = ['', ''], env = {}) {
  const branch = mkdtempSync(join(work, 'b-'))
  for (const name of ['main.tf', 'modules', 'check.sh'])
    cpSync(join(project, name), join(branch, name), { recursive: true })
  const main = readFileSync(join(branch, 'main.tf'), 'utf8')
  assert.ok(main.includes(before))
  writeFileSync(join(branch, 'main.tf'), main.replace(before, after))
  const child = spawn('bash', [join(branch, 'check.sh')], {
    env: { PATH: process.env.PATH, HOME: tmpdir(), AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', ...env },
  })
  child.stdin.end()
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, output: stdout + stderr }
}

/** With the user pool as it is now. */
const live = () => ({ USER_POOL_ID: cognito.userPoolId, AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: cognito.url })

test('the configuration passes, alone and against the user pool', async () => {
  for (const env of [{}, live()]) {
    const { code, output } = await check(undefined, env)
    assert.equal(code, 0, output)
  }
})

test('two groups with one precedence fail the check, in the module where they are', async () => {
  const { code, output } = await check(['editors = 10', 'editors = 1'])
  assert.equal(code, 1)
  assert.match(output, /COG101/)
  assert.match(output, /modules\/auth\/main\.tf:\d+/)
})

test('a precedence of 0, which the provider does not send, fails the check', async () => {
  const { code, output } = await check(['admins  = 1', 'admins  = 0'])
  assert.equal(code, 1)
  assert.match(output, /COG110/)
})

test('a module that is not in the repository fails the check: it was not followed', async () => {
  const { code, output } = await check(['"./modules/auth"', '"registry.example.com/acme/auth/aws"'])
  assert.equal(code, 1)
  assert.match(output, /registry\.example\.com\/acme\/auth\/aws/)
})

test('against the user pool, a change of precedence fails the check', async () => {
  const change = ['editors = 10', 'editors = 30']
  assert.equal((await check(change)).code, 0)
  const { code, output } = await check(change, live())
  assert.equal(code, 1)
  assert.match(output, /COG171/)
  assert.match(output, /changes from 10 to 30/)
})
