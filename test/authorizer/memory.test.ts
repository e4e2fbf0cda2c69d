import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyPackage } from '../build-package.js'

const probe = fileURLToPath(new URL('memory-probe.mjs', import.meta.url))
/** This Node, and those that are named besides: what a signal keeps differs from one version to the next. */
const others = (process.env['TEST_NODES'] ?? '').split(':').filter(path => path !== '')
const nodes = [process.execPath, ...others]

interface Kept {
  readonly bytesPerRequest: number
  /** Of how many requests the claims were watched, and of how many they are still reachable. */
  readonly watched: number
  readonly reachable: number
}

let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-memory-'))
  await copyPackage(join(folder, 'package'))
}, 120_000)
afterAll(() => rm(folder, { recursive: true, force: true }))

async function measure(node: string, scenario: string): Promise<Kept> {
  const url = pathToFileURL(join(folder, 'package/')).href
  const { stdout } = await promisify(execFile)(node, ['--expose-gc', probe, url, scenario])
  return JSON.parse(stdout) as Kept
}

test('in CI, other Nodes are measured too', () => {
  if (process.env['CI'] !== undefined) expect(others.length, 'TEST_NODES names them').toBeGreaterThan(0)
})

describe.each(nodes)('a request, with %s', node => {
  test.each([
    'without a signal',
    'with a signal for each request',
    'with a signal that lives on',
    'denied, with a signal that lives on',
    'of an authorizer',
    'of a source of groups',
    'of the roles of an identity pool',
  ])(
    '%s: keeps nothing, and lets the claims go',
    async scenario => {
      const { bytesPerRequest, watched, reachable } = await measure(node, scenario)
      expect(bytesPerRequest).toBeLessThan(100)
      expect(watched).toBe(1_000)
      // A few may be on a stack still.
      expect(reachable).toBeLessThan(5)
    },
    60_000,
  )

  test('control: a listener that stays is noticed', async () => {
    const { bytesPerRequest, reachable } = await measure(node, 'control: a listener that stays')
    expect(bytesPerRequest).toBeGreaterThan(500)
    expect(reachable).toBeGreaterThan(900)
  }, 60_000)
})
