import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lazily } from '../../src/testing/pool-operations.js'
import { createPoolKeys } from '../../src/testing/keys.js'
import { type FakeService, type FakeServiceOptions, startFakeService } from '../../src/testing/fake-service.js'
import { calibrate, type CalibrateOptions } from '../../src/calibrate/index.js'
import type { CalibrateEvent, Clock } from '../../src/calibrate/index.js'

const sharedKeys = lazily(createPoolKeys)

/** A fake service whose clock goes on only when somebody sleeps. */
export interface TimedService extends FakeService {
  readonly clock: Clock
  /** All that was slept, in milliseconds. */
  slept(): number
}

const START = Date.parse('2026-11-29T12:00:00Z')

export async function startService(options: FakeServiceOptions = {}): Promise<TimedService> {
  let now = START
  const service = await startFakeService({ createKeys: sharedKeys, ...options, clock: () => now })
  const clock: Clock = {
    now: () => now,
    async sleep(ms, signal) {
      signal.throwIfAborted()
      now += ms
    },
  }
  return Object.assign(service, { clock, slept: () => now - START })
}

export const CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' }

/** Runs a calibration against a service, in a folder of its own. */
export async function runAgainst(
  service: Pick<TimedService, 'region' | 'url' | 'clock'>,
  options: CalibrateOptions = {},
) {
  const folder = newFolder()
  const events: CalibrateEvent[] = []
  const ended = await calibrate({
    region: service.region,
    endpoint: service.url,
    credentials: CREDENTIALS,
    clock: service.clock,
    ledger: join(folder, 'run.ledger'),
    ...options,
    onEvent: event => {
      events.push(event)
      options.onEvent?.(event)
    },
  }).then(
    outcome => ({ outcome }),
    (error: unknown) => ({ error }),
  )
  return { ...ended, events, folder, files: readdirSync(folder) }
}

const folders: string[] = []

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'rolecast-calibrate-'))
  folders.push(folder)
  return folder
}

/** Call it after all tests of a file. */
export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}

/** What exists of a service, in one list. */
export function leftIn(service: FakeService): readonly string[] {
  return Object.values(service.left()).flat()
}
