import { open } from 'node:fs/promises'
import { appendFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, test, vi } from 'vitest'
import { cleanUp } from '../../src/calibrate/index.js'
import { createLedger, openLedger, resourceName } from '../../src/calibrate/ledger.js'
import { CREDENTIALS, leftIn, newFolder, removeFolders, runAgainst, startService } from './service.js'
import { startTimedAws, WHOLE } from './whole-run.js'

afterAll(removeFolders)
afterEach(() => void vi.restoreAllMocks())

type FileHandle = Awaited<ReturnType<typeof open>>

/** Of the appends to any file from now on, by their numbers from 0, those that store only so many bytes. */
async function cutOff(isCut: (index: number, text: string) => boolean, bytes = 40): Promise<void> {
  const file = await open('/dev/null')
  const prototype = Object.getPrototypeOf(file) as FileHandle
  await file.close()
  const { appendFile } = prototype
  let count = 0
  vi.spyOn(prototype, 'appendFile').mockImplementation(async function (this: FileHandle, text) {
    if (!isCut(count++, text as string)) return appendFile.call(this, text)
    await appendFile.call(this, (text as string).slice(0, bytes))
    throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' })
  })
}

const RUN = '0123456789abcdef'
const NAME = resourceName(RUN)

describe('a line of a ledger that was stored in part', () => {
  test.each([1, 2, 40, 72])('does not hide those after it: %i bytes', async bytes => {
    await cutOff(index => index === 2, bytes)
    const path = join(newFolder(), 'run.ledger')
    const ledger = await createLedger(path, { runId: RUN, region: 'eu-west-1' })
    await ledger.creating('user-pool', NAME)
    await expect(ledger.created('user-pool', NAME, 'eu-west-1_Ab12Cd34e')).rejects.toMatchObject({
      code: 'invalid-input',
      message: expect.stringContaining('ENOSPC'),
    })
    await ledger.creating('role', `${NAME}-alpha`)
    await ledger.close()
    const again = await openLedger(path)
    expect(again.left()).toEqual([
      { kind: 'role', name: `${NAME}-alpha` },
      { kind: 'user-pool', name: NAME },
    ])
    await again.close()
  })

  test('does not keep a clean-up from writing on', async () => {
    const path = join(newFolder(), 'run.ledger')
    const ledger = await createLedger(path, { runId: RUN, region: 'eu-west-1' })
    await ledger.creating('user-pool', NAME)
    await ledger.close()
    appendFileSync(path, '{"created":"user-po')
    const again = await openLedger(path)
    await again.gone('user-pool', NAME)
    await again.close()
    expect(readFileSync(path, 'utf8')).toMatch(/\n\{"created":"user-po\n\{"gone":"user-pool","name":".*"\}\n$/)
    const last = await openLedger(path)
    expect(last.left()).toEqual([])
    await last.close()
  })
})

describe('a disk that is full', () => {
  test.each([1, 2, 3, 4, 5, 8, 13])(
    'from line %i of the ledger on ends the run, and what it created is deleted',
    { timeout: 120_000 },
    async line => {
      await using aws = await startTimedAws()
      const creations: number[] = []
      await cutOff((index, text) => {
        if (index >= line && !text.includes('"gone"')) creations.push(aws.calls.length)
        return index >= line
      })
      const run = await runAgainst(aws, WHOLE)
      expect(run).toMatchObject({
        error: { code: 'invalid-input', message: expect.stringContaining('can no longer be written (ENOSPC)') },
        files: [],
      })
      expect(aws.left()).toEqual([])
      // Nothing was tried after the first line that could not be written.
      expect(creations).toHaveLength(1)
      expect(aws.calls.slice(creations[0]).filter(operation => operation.startsWith('Create'))).toEqual([])
    },
  )

  test('control: with space, the run continues', { timeout: 120_000 }, async () => {
    await using aws = await startTimedAws()
    await cutOff(() => false)
    expect(await runAgainst(aws, WHOLE)).toMatchObject({ outcome: { leftBehind: [] }, files: [] })
  })

  test('does not keep a clean-up from deleting', async () => {
    let isDenied = true
    await using service = await startService({
      semantics: 'roles-compete',
      intercept: operation =>
        operation === 'DeleteUserPool' && isDenied ? { error: 'AccessDeniedException', message: 'No' } : undefined,
    })
    const { folder } = await runAgainst(service)
    isDenied = false
    expect(service.left().userPools).toHaveLength(1)
    await cutOff(() => true)
    const options = { endpoint: service.url, credentials: CREDENTIALS, clock: service.clock }
    expect(await cleanUp(join(folder, 'run.ledger'), options)).toMatchObject({ leftBehind: [], isLedgerRemoved: true })
    expect(leftIn(service)).toEqual([])
  })
})
