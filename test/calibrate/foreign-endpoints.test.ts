import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { calibrate, cleanUp } from '../../src/calibrate/index.js'
import { createLedger, newRunId } from '../../src/calibrate/ledger.js'
import { stubAws } from '../cli/command.js'
import { newFolder, removeFolders, runAgainst, startService } from './service.js'

afterEach(() => void vi.unstubAllEnvs())
afterAll(removeFolders)

/** Credentials whose use would be the beginning of a call. */
function watchedCredentials() {
  const used = vi.fn(async () => ({
    accessKeyId: 'local',
    secretAccessKey: 'local',
    sessionToken: 'local',
    expiration: new Date(8.64e15),
  }))
  return { credentials: used, used }
}

describe('an endpoint of the AWS configuration is rejected before the first call, with the setting that names it', () => {
  test.each([
    ['AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER', {}],
    ['AWS_ENDPOINT_URL_STS', {}],
    ['AWS_ENDPOINT_URL', {}],
    ['AWS_ENDPOINT_URL_COGNITO_IDENTITY', { identityPool: true }],
    ['AWS_ENDPOINT_URL_IAM', { identityPool: true }],
    ['AWS_ENDPOINT_URL_LAMBDA', { preToken: true }],
  ])('%s', async (name, options) => {
    await using service = await startService()
    stubAws({ [name]: service.url })
    const { credentials, used } = watchedCredentials()
    const ledger = join(newFolder(), 'run.ledger')
    const run = calibrate({ region: 'eu-west-1', credentials, ledger, ...options })
    await expect(run).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(new RegExp(`^${name} sends the calls of .*${service.url}`)),
    })
    expect({ used: used.mock.calls.length, requests: service.requests, ledger: existsSync(ledger) }).toEqual({
      used: 0,
      requests: [],
      ledger: false,
    })
  })

  test('the services section of a profile', async () => {
    await using service = await startService()
    const config = join(newFolder(), 'config')
    writeFileSync(
      config,
      `[default]\nservices = s\n\n[services s]\ncognito_identity_provider =\n  endpoint_url = ${service.url}\n`,
    )
    stubAws({ AWS_CONFIG_FILE: config })
    const { credentials } = watchedCredentials()
    const run = calibrate({ region: 'eu-west-1', credentials, ledger: join(newFolder(), 'run.ledger') })
    await expect(run).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/^the `endpoint_url` of the profile, .* sends the calls of cognito-idp/),
    })
    expect(service.requests).toEqual([])
  })

  test('a clean-up, for what its ledger names', async () => {
    await using service = await startService()
    stubAws({ AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: service.url })
    const path = join(newFolder(), 'run.ledger')
    const runId = newRunId()
    const ledger = await createLedger(path, { runId, region: 'eu-west-1', account: '0'.repeat(32) })
    await ledger.creating('user-pool', `rolecast-calibrate-${runId}`)
    await ledger.close()
    const { credentials, used } = watchedCredentials()
    await expect(cleanUp(path, { credentials })).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringMatching(/^AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER sends/),
    })
    expect({ used: used.mock.calls.length, requests: service.requests }).toEqual({ used: 0, requests: [] })
  })

  test('control: one of a service that the run does not use is not looked at, and one that is given is taken', async () => {
    await using service = await startService({ semantics: 'roles-compete' })
    stubAws({ AWS_ENDPOINT_URL: 'http://127.0.0.1:9' })
    expect((await runAgainst(service)).files).toEqual([])
    vi.unstubAllEnvs()
    stubAws({ AWS_ENDPOINT_URL_LAMBDA: service.url })
    const credentials = async () => {
      throw new Error('the first call')
    }
    const run = calibrate({ region: 'eu-west-1', credentials, ledger: join(newFolder(), 'run.ledger') })
    await expect(run).rejects.not.toMatchObject({ code: 'invalid-option' })
  })
})
