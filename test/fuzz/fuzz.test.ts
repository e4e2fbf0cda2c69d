import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import * as authorizer from '../../src/authorizer/index.js'
import * as cognito from '../../src/cognito/index.js'
import { RolecastError } from '../../src/errors.js'
import * as core from '../../src/index.js'
import * as template from '../../src/template/index.js'
import { seedAndPath } from '../seed-reporter.js'
import { fuzz, parser } from './fuzz.js'
import { allParsers, FILE_READERS, prepare, WITHOUT_INPUT } from './parsers.js'
import { createWatchdog } from './watchdog.js'

/**
 * `FUZZ_SECONDS` is how long all parsers are fuzzed together; `FUZZ_SEED` and `FUZZ_PATH`, which a failure says, see it
 * fail again. Both work best with `-t` and the name of the parser.
 */
const { FUZZ_SECONDS, FUZZ_SEED, FUZZ_PATH } = process.env
const seconds = Number(FUZZ_SECONDS ?? 6)

const folder = mkdtempSync(join(tmpdir(), 'rolecast-fuzz-'))
await prepare(folder)
const parsers = allParsers(folder)
const watchdog = await createWatchdog()
afterAll(async () => {
  await watchdog.close()
  rmSync(folder, { recursive: true })
})

describe('whatever the input, it is read or rejected', () => {
  test.each(parsers)('$name', { timeout: 600_000 }, async one => {
    const runs = await fuzz(one, {
      milliseconds: (seconds * 1_000) / parsers.length,
      seed: FUZZ_SEED === undefined ? undefined : Number(FUZZ_SEED),
      path: FUZZ_PATH,
      watchdog,
    })
    expect(runs).toBeGreaterThan(0)
  })

  test('no parser is missing, and none is named that does not exist', () => {
    const entries = { ...core, ...cognito, ...authorizer, ...template }
    const exported = Object.entries(entries).flatMap(([name, value]) => (typeof value === 'function' ? [name] : []))
    const covered = [...new Set(parsers.flatMap(({ covers }) => covers)), ...WITHOUT_INPUT.keys()]
    expect(covered.toSorted()).toEqual([...exported, ...FILE_READERS].toSorted())
    expect(new Set(parsers.map(({ name }) => name)).size).toBe(parsers.length)
  })
})

describe('controls: what breaks the law is noticed, with the seed', () => {
  const broken = (run: (input: string) => unknown) =>
    fuzz(parser('planted', [], fc.constantFrom('a'), run), { milliseconds: 0, maxUnits: 20 }).then(
      () => 'nothing',
      ({ message, cause }: Error) => `${message}\n${String(cause)}`,
    )
  const rolecastError = (message: string) => Object.assign(new RolecastError('invalid-input', 'x'), { message })

  test.each<[string, (input: string) => unknown, RegExp]>([
    ['an error of another kind', () => (undefined as never as { x: { y: 1 } }).x.y, /it throws TypeError/],
    ['a rejection of another kind', () => Promise.reject(new RangeError('x')), /it throws RangeError/],
    [
      'a message that goes on',
      () => {
        throw rolecastError('x'.repeat(10_001))
      },
      /its message has 10001 characters/,
    ],
    [
      'a message of two lines',
      () => {
        throw rolecastError('a\nb')
      },
      /its message has control characters/,
    ],
    [
      'what takes too much work',
      () => {
        const begin = process.cpuUsage()
        while (process.cpuUsage(begin).user < 1_000_000);
      },
      /ms of processor time/,
    ],
  ])('%s', { timeout: 120_000 }, async (_, run, message) => {
    const said = await broken(run)
    expect(said).toMatch(message)
    expect(said).toMatch(/\{ seed: -?\d+, path: "[^"]*", endOnFailure: true \}/)
  })

  test('what all objects share', async () => {
    const said = await broken(() => Object.assign(Object.prototype, { polluted: true }))
    Reflect.deleteProperty(Object.prototype, 'polluted')
    expect(said).toMatch(/it changes what all objects share/)
  })

  test('a failure is seen again by its seed and path', async () => {
    const rare = parser('planted', [], fc.string(), input => {
      if (input.includes('a')) throw new TypeError(input)
    })
    const failed = await fuzz(rare, { milliseconds: 600_000 }).catch((error: Error) => error.message)
    const [, seed, path] = /seed: (-?\d+), path: "([^"]*)"/.exec(seedAndPath(String(failed))!)!
    const again = await fuzz(rare, { milliseconds: 0, seed: Number(seed), path }).catch(({ cause }: Error) =>
      String(cause),
    )
    expect(again).toMatch(/TypeError: .*a/)
  })

  test('a run that never ends is stopped, and the input is reported', () => {
    const code = `
      import { createWatchdog } from ${JSON.stringify(fileURLToPath(new URL('watchdog.ts', import.meta.url)))}
      const watchdog = await createWatchdog(2)
      watchdog.enter('planted', { loop: 'for ever' })
      for (;;);
    `
    const { stderr, signal } = spawnSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', code], {
      encoding: 'utf8',
      timeout: 60_000,
    })
    expect([signal, stderr]).toEqual(['SIGKILL', "no end after 2 seconds: planted: { loop: 'for ever' }\n"])
  })
})
