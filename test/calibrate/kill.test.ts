import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cleanUp } from '../../src/calibrate/index.js'
import { copyPackage } from '../build-package.js'
import { CREDENTIALS, leftIn, startService } from './service.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-calibrate-kill-'))
  await copyPackage(join(folder, 'package'))
  // A clock that goes on when it is slept: only the calls take time.
  await writeFile(
    join(folder, 'package/run.mjs'),
    `import { calibrate } from './dist/calibrate/index.js'
const [, , endpoint, ledger] = process.argv
let now = Date.now()
const clock = { now: () => now, sleep: async ms => void (now += ms) }
const { result } = await calibrate({ region: 'eu-west-1', endpoint, ledger, credentials: ${JSON.stringify(CREDENTIALS)}, clock })
console.log(result.semantics)
`,
  )
}, 120_000)
afterAll(() => rm(folder, { recursive: true }))

/** The same numbers in every run. */
function random(seed: number) {
  return () => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32
}

/** An undisturbed run has this many calls; a kill comes at one of them. */
const CALLS = 114
const ROUNDS = 18

test(
  'a run that is killed at any call leaves nothing behind that its clean-up does not delete',
  { timeout: 600_000 },
  async () => {
    const next = random(20_261_129)
    let killed = 0
    let left = 0
    for (let round = 0; round < ROUNDS; round++) {
      // The creation and the deletion of the pool, and all between them.
      const at = [0, 1, CALLS - 3, CALLS - 2, CALLS - 1][round] ?? Math.floor(next() * CALLS)
      // Before the response, so that the run does not know the outcome; or some time after it.
      const isBefore = round % 2 === 0
      let child: ReturnType<typeof spawn> | undefined
      let count = 0
      await using service = await startService({
        semantics: 'roles-compete',
        intercept() {
          if (count++ !== at || child === undefined) return undefined
          if (isBefore) child.kill('SIGKILL')
          else setTimeout(() => child!.kill('SIGKILL'), next() * 20)
          return undefined
        },
      })
      const place = await mkdtemp(join(folder, 'place-'))
      const ledger = join(place, 'run.ledger')
      child = spawn(process.execPath, [join(folder, 'package/run.mjs'), service.url, ledger], { stdio: 'ignore' })
      const [, signal] = (await once(child, 'close')) as [number | null, string | null]
      if (signal === 'SIGKILL') killed++
      // What the fake was doing, it does to the end.
      await new Promise(resolve => setTimeout(resolve, 100))
      left += service.left().userPools.length
      const files = await readdir(place)
      if (leftIn(service).length > 0) expect(files, `round ${round}, call ${at}`).toEqual(['run.ledger'])
      if (files.length > 0) {
        const options = { endpoint: service.url, credentials: CREDENTIALS, clock: service.clock }
        expect((await cleanUp(ledger, options)).leftBehind).toEqual([])
      }
      expect(leftIn(service), `round ${round}, call ${at}`).toEqual([])
      expect(await readdir(place)).toEqual([])
    }
    // Control: the kills came, and something was there to clean up.
    expect(killed).toBeGreaterThanOrEqual(15)
    expect(left).toBeGreaterThanOrEqual(10)
  },
)
