import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createLedger, newRunId } from '../../src/calibrate/ledger.js'
import { deleteAll, type LeftBehind } from '../../src/calibrate/resources.js'
import { createScratchPool, type ScratchPool } from '../../src/calibrate/scratch-pool.js'
import { type CalibrateEvent, createSession, type Run } from '../../src/calibrate/session.js'
import { type FakeAws, type FakeAwsOptions, startFakeAws } from './fake-aws.js'

export interface FakeRun extends AsyncDisposable {
  readonly aws: FakeAws
  readonly run: Run
  readonly events: readonly CalibrateEvent[]
  /** Milliseconds of virtual time since the start. */
  elapsed(): number
  interrupt(): void
  createPool(): Promise<ScratchPool>
  /** As a run does in the end. */
  cleanUp(): Promise<readonly LeftBehind[]>
}

const START = Date.parse('2026-11-29T12:00:00Z')

/** A run against a fake of AWS, in virtual time: only waits take any. */
export async function startFakeRun(options: Omit<FakeAwsOptions, 'clock'> = {}): Promise<FakeRun> {
  let now = START
  const aws = await startFakeAws({ ...options, clock: () => now })
  const folder = await mkdtemp(join(tmpdir(), 'rolecast-run-'))
  const events: CalibrateEvent[] = []
  const controller = new AbortController()
  const runId = newRunId()
  const session = createSession({
    region: 'eu-west-1',
    endpoint: aws.url,
    credentials: { accessKeyId: 'AKIATESTER', secretAccessKey: 'secret' },
    runId,
    signal: controller.signal,
    tell: event => events.push(event),
    clock: {
      now: () => now,
      sleep: async (ms, signal) => {
        signal.throwIfAborted()
        now += ms
      },
    },
  })
  const ledger = await createLedger(join(folder, 'ledger'), { runId, region: 'eu-west-1', endpoint: aws.url })
  const run: Run = { ...session, ledger }
  return {
    aws,
    run,
    events,
    elapsed: () => now - START,
    interrupt: () => controller.abort(),
    createPool: () => createScratchPool(run, { tier: 'LITE' }),
    cleanUp: () => deleteAll({ ...session.undisturbed(), ledger }),
    async [Symbol.asyncDispose]() {
      await ledger.close()
      await aws[Symbol.asyncDispose]()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
