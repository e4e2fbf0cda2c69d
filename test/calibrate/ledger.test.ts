import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { createLedger, newRunId, openLedger, parseLedger, resourceName } from '../../src/calibrate/ledger.js'
import { newFolder, removeFolders } from './service.js'

afterAll(removeFolders)

const RUN = '0123456789abcdef'
const NAME = resourceName(RUN)
const HEADER = { runId: RUN, region: 'eu-west-1', account: 'f00' }
const pathIn = (folder: string) => join(folder, 'run.ledger')

describe('a ledger', () => {
  test('lists what is about to be created, before it exists, in a file that only its owner can read', async () => {
    const path = pathIn(newFolder())
    const ledger = await createLedger(path, HEADER)
    await ledger.creating('user-pool', NAME)
    expect(parseLedger(readFileSync(path, 'utf8'), path)).toEqual({
      ...HEADER,
      endpoint: undefined,
      resources: [{ kind: 'user-pool', name: NAME }],
    })
    expect(statSync(path).mode & 0o777).toBe(0o600)
    await ledger.created('user-pool', NAME, 'eu-west-1_Ab12Cd34e')
    expect(ledger.left()).toEqual([{ kind: 'user-pool', name: NAME, id: 'eu-west-1_Ab12Cd34e' }])
    await ledger.close()
    const again = await openLedger(path)
    expect(again.left()).toEqual(ledger.left())
    await again.gone('user-pool', NAME)
    expect(parseLedger(readFileSync(path, 'utf8'), path).resources).toEqual([])
    await again.remove()
    expect(() => statSync(path)).toThrow(/ENOENT/)
  })

  test('lists what was created last first, because it may need what came before', async () => {
    const ledger = await createLedger(pathIn(newFolder()), HEADER)
    for (const suffix of ['a', 'b']) await ledger.creating('role', resourceName(RUN, suffix))
    expect(ledger.left().map(({ name }) => name)).toEqual([resourceName(RUN, 'b'), resourceName(RUN, 'a')])
    await ledger.remove()
  })

  test('is not written over', async () => {
    const path = pathIn(newFolder())
    writeFileSync(path, 'mine')
    await expect(createLedger(path, HEADER)).rejects.toMatchObject({ code: 'invalid-option' })
    expect(readFileSync(path, 'utf8')).toBe('mine')
  })

  test('that cannot be written ends the run before anything exists', async () => {
    await expect(createLedger('/nowhere/at/all.ledger', HEADER)).rejects.toMatchObject({
      code: 'invalid-option',
      message: expect.stringContaining('ENOENT'),
    })
  })

  test.each([
    ['removed', (path: string) => rmSync(path)],
    ['moved', (path: string) => renameSync(path, `${path}.old`)],
    [
      'replaced',
      (path: string) => {
        renameSync(path, `${path}.old`)
        writeFileSync(path, '')
      },
    ],
  ])('that was %s meanwhile takes nothing more', async (_, change) => {
    const path = pathIn(newFolder())
    const ledger = await createLedger(path, HEADER)
    change(path)
    await expect(ledger.creating('user-pool', NAME)).rejects.toMatchObject({ code: 'invalid-input' })
    expect(ledger.left()).toEqual([])
    await ledger.close()
  })
})

describe('the end of a ledger', () => {
  test('removes its own file, and not that of a later run in its place', async () => {
    const path = pathIn(newFolder())
    const first = await createLedger(path, HEADER)
    renameSync(path, `${path}.old`)
    const second = await createLedger(path, { ...HEADER, runId: 'f'.repeat(16) })
    expect(await first.remove()).toBe(false)
    expect(parseLedger(readFileSync(path, 'utf8'), path).runId).toBe('f'.repeat(16))
    expect(existsSync(`${path}.old`)).toBe(true)
    expect(await second.remove()).toBe(true)
    expect(existsSync(path)).toBe(false)
  })

  test('removes the file itself, where it was opened through a link', async () => {
    const path = pathIn(newFolder())
    await (await createLedger(path, HEADER)).close()
    symlinkSync(path, `${path}.link`)
    const ledger = await openLedger(`${path}.link`)
    expect(await ledger.remove()).toBe(true)
    expect(existsSync(path)).toBe(false)
  })

  test('says whether the file is gone', async () => {
    const removed = await createLedger(pathIn(newFolder()), HEADER)
    rmSync(removed.path)
    expect(await removed.remove()).toBe(true)
    const moved = await createLedger(pathIn(newFolder()), HEADER)
    renameSync(moved.path, `${moved.path}.old`)
    expect(await moved.remove()).toBe(false)
  })
})

describe('the text of a ledger', () => {
  const line = (record: object) => `${JSON.stringify(record)}\n`
  const head = line({ ledger: 1, ...HEADER })
  const parse = (text: string) => parseLedger(text, 'run.ledger')

  test('may end within a line, which was about nothing that exists', () => {
    for (let cut = 1; cut < 30; cut++) {
      const text = head + line({ creating: 'user-pool', name: NAME })
      expect(parse(text.slice(0, -cut)).resources).toEqual([])
    }
  })

  test('may have such a line in it, where a clean-up wrote on', () => {
    const text = `${head}{"creating":"user-pool","na\n${line({ creating: 'role', name: NAME })}`
    expect(parse(text).resources).toEqual([{ kind: 'role', name: NAME }])
  })

  test('may have the beginning of a line before a whole one, where a disk was full for a time', () => {
    const [before, cut, after] = [
      { creating: 'user-pool', name: NAME },
      { created: 'user-pool', name: NAME, id: 'eu-west-1_Ab12Cd34e' },
      { creating: 'role', name: NAME },
    ].map(line)
    for (let length = 1; length < cut!.length - 2; length++)
      expect(parse(head + before + cut!.slice(0, length) + after).resources, cut!.slice(0, length)).toEqual([
        { kind: 'user-pool', name: NAME },
        { kind: 'role', name: NAME },
      ])
  })

  test.each([
    ['nothing', ''],
    ['another file', 'hello\n'],
    ['JSON that is no ledger', '{"a":1}\n'],
    ['a later version', line({ ledger: 2, ...HEADER })],
    ['no run', line({ ledger: 1, region: 'eu-west-1' })],
    ['a run with another id', line({ ledger: 1, ...HEADER, runId: '../../etc' })],
    ['no region', line({ ledger: 1, runId: RUN })],
    ['a region that is none', line({ ledger: 1, ...HEADER, region: 'evil.example/' })],
    ['a name of another run', head + line({ created: 'user-pool', name: resourceName('f'.repeat(16)), id: 'x' })],
    ['a name of no run', head + line({ created: 'user-pool', name: 'production', id: 'eu-west-1_Ab12Cd34e' })],
    ['a name with more in it', head + line({ creating: 'role', name: `${NAME}-../admin` })],
    ['another kind', head + line({ creating: 'bucket', name: NAME })],
    ['no step', head + line({ name: NAME })],
    ['no id', head + line({ created: 'user-pool', name: NAME })],
    ['a long id', head + line({ created: 'user-pool', name: NAME, id: 'x'.repeat(1_000) })],
    ['an array', `${head}[]\n`],
    ['what is not JSON', `${head}oops\n`],
    ['what is not JSON before a line', `${head}oops${line({ creating: 'role', name: NAME })}`],
    ['a first line that is cut off', `${head.slice(0, 20)}${line({ creating: 'role', name: NAME })}`],
  ])('with %s is rejected as a whole', (_, text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'invalid-input' }))
  })
})

test('a file that is too large, a folder, and one that is not there are rejected', async () => {
  const folder = newFolder()
  writeFileSync(join(folder, 'large'), 'x'.repeat(2_000_000))
  mkdirSync(join(folder, 'folder'))
  for (const name of ['large', 'folder', 'missing'])
    await expect(openLedger(join(folder, name))).rejects.toMatchObject({ code: 'invalid-input' })
})

test('two runs do not meet: no id comes twice', () => {
  expect(new Set(Array.from({ length: 1_000 }, newRunId)).size).toBe(1_000)
})
