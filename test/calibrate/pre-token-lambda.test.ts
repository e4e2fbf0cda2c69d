import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it, vi } from 'vitest'
import { loadLambda } from '../../src/calibrate/load-lambda.js'
import { RolecastError } from '../../src/errors.js'
import { failureOf } from '../failure-of.js'
import { startFakeAws } from './fake-aws.js'

const folder = mkdtempSync(join(tmpdir(), 'rolecast-lambda-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const missing = async () => {
  throw new Error("Cannot find package '@aws-sdk/client-lambda'")
}

describe("the SDK's client of Lambda", () => {
  it('is loaded from where rolecast is installed', async () => {
    expect(Object.keys(await loadLambda())).toEqual(expect.arrayContaining(['LambdaClient', 'CreateFunctionCommand']))
  })

  it('is else loaded from the working directory', async () => {
    const own = join(folder, 'node_modules', '@aws-sdk', 'client-lambda')
    mkdirSync(own, { recursive: true })
    writeFileSync(join(own, 'package.json'), '{"name":"@aws-sdk/client-lambda","main":"index.cjs"}')
    writeFileSync(join(own, 'index.cjs'), 'exports.LambdaClient = class LambdaClient {}')
    expect(Object.keys(await loadLambda(missing, folder))).toContain('LambdaClient')
  })

  it('where it is missing, the error says how to run the command with it', async () => {
    const error = await failureOf(() => loadLambda(missing, tmpdir()))
    expect(error.code).toBe('missing-package')
    expect(error.message).toContain('npx -p rolecast -p @aws-sdk/client-lambda rolecast calibrate --pre-token')
  })

  it('is looked for before anything is created', async () => {
    vi.doMock('../../src/calibrate/load-lambda.js', () => ({
      loadLambda: async () => {
        throw new RolecastError('missing-package', 'not there')
      },
    }))
    const { calibrate } = await import('../../src/calibrate/index.js')
    vi.doUnmock('../../src/calibrate/load-lambda.js')
    await using aws = await startFakeAws({ clock: Date.now })
    const credentials = { accessKeyId: 'local', secretAccessKey: 'local' }
    const options = { region: 'eu-west-1', endpoint: aws.url, credentials, ledger: join(folder, 'ledger') }
    const error = await failureOf(() => calibrate({ ...options, preToken: true }))
    expect(error.code).toBe('missing-package')
    expect(aws.calls).toEqual([])
  })
})
