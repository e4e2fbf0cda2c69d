import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { inProcess, stubCredentials } from './command.js'
import { GROUPS, poolFileIn, userPoolId } from './pool.js'

const USERS = Array.from({ length: 20 }, (_, u) => ({ username: `user-${u}`, groups: ['admins'] }))

let folder: string
let endpoint: CognitoEndpoint
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-quiet-'))
  endpoint = await startCognitoEndpoint({ userPoolId, groups: GROUPS, users: USERS })
})
beforeEach(() => stubCredentials(folder))
afterEach(() => void vi.unstubAllEnvs())
afterAll(async () => {
  await endpoint.close()
  await rm(folder, { recursive: true })
})

const audit = (...more: readonly string[]) =>
  inProcess(['audit', 'pool', '--user-pool-id', userPoolId, '--endpoint-url', endpoint.url, ...more])

describe('--quiet', () => {
  test('leaves out the estimate, the progress and hints, before or after the command, and nothing of the result', async () => {
    const loud = await audit('--format', 'csv')
    expect(loud.stderr).toMatch(/^To read the pool: /)
    expect(loud.stderr).toContain('CSV cannot say when the pool was read')
    const quiet = await audit('--format', 'csv', '--quiet')
    expect(quiet).toEqual({ ...loud, stderr: '' })
  })

  test('leaves out no error', async () => {
    expect(await inProcess(['--quiet', 'predict', '--group', 'a'])).toEqual(
      await inProcess(['predict', '--group', 'a']),
    )
    expect((await inProcess(['predict', '--group', 'a', '--quiet'])).stderr).toMatch(/^rolecast: no pool .*\n$/)
  })

  test('leaves out no warning that something was not looked at', async () => {
    const few = await startCognitoEndpoint({
      userPoolId,
      groups: GROUPS,
      users: USERS.slice(0, 1),
      estimatedUsers: 150,
    })
    try {
      const args = ['audit', 'pool', '--user-pool-id', userPoolId, '--endpoint-url', few.url, '--quiet']
      const { code, stderr } = await inProcess(args)
      expect(code).toBe(0)
      expect(stderr).toMatch(/^rolecast: only 1 user was listed, but Cognito's estimate is 150; [^\n]*\n$/)
    } finally {
      await few.close()
    }
    const pool = await poolFileIn(folder)
    const skipped = await inProcess(['validate', pool, '--quiet'])
    expect(skipped).toEqual(await inProcess(['validate', pool]))
    expect(skipped).toMatchObject({ code: 2, stderr: expect.stringContaining('rolecast: ') })
  })
})
