import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { CreateUserPoolCommand } from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, describe, expect, test } from 'vitest'
import { type CalibrateEvent, cleanUp } from '../../src/calibrate/index.js'
import { resourceName } from '../../src/calibrate/ledger.js'
import { clientOf } from '../testing/sdk-client.js'
import {
  CREDENTIALS,
  leftIn,
  newFolder,
  removeFolders,
  runAgainst,
  startService,
  type TimedService,
} from './service.js'

afterAll(removeFolders)

const RUN = '0123456789abcdef'
const NAME = resourceName(RUN)

async function createPool(service: TimedService, PoolName: string, tag?: string): Promise<string> {
  const { UserPool } = await clientOf(service).send(
    new CreateUserPoolCommand({ PoolName, ...(tag !== undefined && { UserPoolTags: { 'rolecast:calibrate': tag } }) }),
  )
  return UserPool!.Id!
}

function ledgerOf(service: TimedService, ...lines: readonly object[]): string {
  const path = join(newFolder(), 'run.ledger')
  const head = { ledger: 1, runId: RUN, region: 'eu-west-1', endpoint: service.url }
  writeFileSync(path, [head, ...lines].map(line => `${JSON.stringify(line)}\n`).join(''))
  return path
}

const optionsFor = (service: TimedService) => ({
  endpoint: service.url,
  credentials: CREDENTIALS,
  clock: service.clock,
})

describe('a clean-up deletes what is in the ledger, and has the name and the tag of the run', () => {
  test('by its id', async () => {
    await using service = await startService()
    const id = await createPool(service, NAME, RUN)
    const path = ledgerOf(service, { creating: 'user-pool', name: NAME }, { created: 'user-pool', name: NAME, id })
    expect(await cleanUp(path, optionsFor(service))).toEqual({ leftBehind: [], ledger: path, isLedgerRemoved: true })
    expect(service.left().userPools).toEqual([])
    expect(existsSync(path)).toBe(false)
  })

  test('by its name, where the run ended before the id was known, and all that have it', async () => {
    await using service = await startService()
    for (let count = 0; count < 2; count++) await createPool(service, NAME, RUN)
    const other = await createPool(service, `${NAME}-other`, RUN)
    await cleanUp(ledgerOf(service, { creating: 'user-pool', name: NAME }), optionsFor(service))
    expect(service.left().userPools).toEqual([other])
  })

  test('and reports that the ledger stays if another file is in its place', async () => {
    await using service = await startService()
    const path = ledgerOf(service, { creating: 'user-pool', name: NAME })
    let isReplaced = false
    const events: CalibrateEvent[] = []
    const outcome = await cleanUp(path, {
      ...optionsFor(service),
      onEvent(event) {
        events.push(event)
        if (isReplaced) return
        isReplaced = true
        renameSync(path, `${path}.old`)
        writeFileSync(path, 'mine')
      },
    })
    expect(outcome).toEqual({ leftBehind: [], ledger: path, isLedgerRemoved: false })
    expect(events.at(-1)).toEqual({ event: 'ledger-stays', path })
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('and ends where a list has no end', async () => {
    const page = { UserPools: [], NextToken: 'again' }
    await using service = await startService({
      intercept: operation => (operation === 'ListUserPools' ? { body: JSON.stringify(page), status: 200 } : undefined),
    })
    const path = ledgerOf(service, { creating: 'user-pool', name: NAME })
    const { leftBehind } = await cleanUp(path, optionsFor(service))
    expect(leftBehind).toMatchObject([{ kind: 'user-pool', error: { code: 'malformed-response' } }])
    expect(existsSync(path)).toBe(true)
  })

  test('and is content with what does not exist', async () => {
    await using service = await startService()
    const path = ledgerOf(service, { creating: 'user-pool', name: NAME })
    expect((await cleanUp(path, optionsFor(service))).leftBehind).toEqual([])
    expect(existsSync(path)).toBe(false)
  })

  test('twice is once', async () => {
    await using service = await startService()
    const id = await createPool(service, NAME, RUN)
    const lines = [
      { creating: 'user-pool', name: NAME },
      { created: 'user-pool', name: NAME, id },
    ]
    const [first, second] = [ledgerOf(service, ...lines), ledgerOf(service, ...lines)]
    await cleanUp(first, optionsFor(service))
    expect((await cleanUp(second, optionsFor(service))).leftBehind).toEqual([])
  })
})

describe('a pool of another owner is never touched', () => {
  test.each<readonly [string, string, string | undefined]>([
    ['no tag', NAME, undefined],
    ['the tag of another run', NAME, 'f'.repeat(16)],
    ['another name', 'production', RUN],
    ['another name and no tag', 'production', undefined],
  ])('with %s, though the ledger has its id', async (_, name, tag) => {
    await using service = await startService()
    const id = await createPool(service, name, tag)
    const path = ledgerOf(service, { created: 'user-pool', name: NAME, id })
    const { leftBehind } = await cleanUp(path, optionsFor(service))
    expect(leftBehind).toMatchObject([
      { id, error: { code: 'invalid-input', message: expect.stringContaining('not touched') } },
    ])
    expect(service.left().userPools).toEqual([id])
    expect(service.requests.map(({ operation }) => operation)).not.toContain('DeleteUserPool')
    expect(existsSync(path)).toBe(true)
  })

  test('with the name alone, which is how it is found', async () => {
    await using service = await startService()
    const id = await createPool(service, NAME)
    const { leftBehind } = await cleanUp(ledgerOf(service, { creating: 'user-pool', name: NAME }), optionsFor(service))
    expect(leftBehind).toHaveLength(1)
    expect(service.left().userPools).toEqual([id])
  })

  test('by a ledger that names it', async () => {
    await using service = await startService()
    const id = await createPool(service, 'production')
    const path = ledgerOf(service, { created: 'user-pool', name: 'production', id })
    await expect(cleanUp(path, optionsFor(service))).rejects.toMatchObject({ code: 'invalid-input' })
    expect(service.left().userPools).toEqual([id])
  })

  test('by another run, whatever it is called', async () => {
    await using service = await startService({ semantics: 'roles-compete' })
    const ids = [await createPool(service, 'production'), await createPool(service, NAME, RUN)]
    await runAgainst(service)
    expect(service.left().userPools).toEqual(ids)
  })

  test('by two runs at the same time: each has its own', async () => {
    await using service = await startService({ semantics: 'roles-compete' })
    const runs = await Promise.all([runAgainst(service), runAgainst(service)])
    for (const run of runs) expect('outcome' in run && run.outcome.result.semantics).toBe('roles-compete')
    expect(leftIn(service)).toEqual([])
  })
})

describe('a ledger from another account, Region or endpoint is rejected, because its resources cannot be seen here', () => {
  test('another endpoint, which is not taken from the file either', async () => {
    await using service = await startService()
    const path = ledgerOf(service, { creating: 'user-pool', name: NAME })
    const given = { credentials: CREDENTIALS, clock: service.clock }
    await expect(cleanUp(path, given)).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('if you trust it'),
    })
    await expect(cleanUp(path, { ...given, endpoint: 'http://127.0.0.1:1' })).rejects.toMatchObject({
      code: 'invalid-input',
    })
    expect(service.requests).toEqual([])
    expect(readFileSync(path, 'utf8')).toContain(NAME)
  })

  test('another Region', async () => {
    await using service = await startService()
    const path = ledgerOf(service, { creating: 'user-pool', name: NAME })
    await expect(cleanUp(path, { ...optionsFor(service), region: 'us-east-1' })).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('is from the region `eu-west-1`'),
    })
  })
})

test('a run whose ledger was cleaned up by another process stops, and deletes what it has', async () => {
  await using service = await startService({ semantics: 'roles-compete' })
  const folder = newFolder()
  const ledger = join(folder, 'run.ledger')
  let cleaned: Promise<unknown> | undefined
  const run = await runAgainst(service, {
    ledger,
    onEvent: event => {
      if (event.event === 'step' && event.what.startsWith('case 13')) cleaned ??= cleanUp(ledger, optionsFor(service))
    },
  })
  await cleaned
  expect(leftIn(service)).toEqual([])
  expect(existsSync(ledger)).toBe(false)
  // Rows that were not read are not settled.
  if ('outcome' in run) expect(run.outcome.result.rows.filter(({ verdict }) => verdict === 'contradicts')).toEqual([])
})
