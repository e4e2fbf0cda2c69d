import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { spawn } from 'node:child_process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cleanUp } from '../../src/calibrate/index.js'
import { RESOURCE_KINDS } from '../../src/calibrate/ledger.js'
import { copyPackage } from '../build-package.js'
import { CREDENTIALS, leftIn, startService } from './service.js'
import { createNaming, kindsOf, startTimedAws, type TimedAws, WHOLE } from './whole-run.js'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-calibrate-kill-'))
  await copyPackage(join(folder, 'package'))
  // A clock that goes on when it is slept: only the calls take time.
  await writeFile(
    join(folder, 'package/run.mjs'),
    `import { calibrate } from './dist/calibrate/index.js'
const [, , endpoint, ledger, options = '{}'] = process.argv
let now = Date.now()
const clock = { now: () => now, sleep: async ms => void (now += ms) }
const credentials = ${JSON.stringify(CREDENTIALS)}
const { result } = await calibrate({ region: 'eu-west-1', endpoint, ledger, credentials, clock, ...JSON.parse(options) })
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

/**
 * - `drop`: before anything was done.
 * - `done`: it was done, and no response came.
 * - `answered`: some milliseconds later.
 */
type Moment = 'drop' | 'done' | 'answered'

interface Kill {
  /** By what the call is about, or by its number. */
  readonly at: string | number
  readonly moment: Moment
}

/** Around everything that an identity pool and the triggers add. */
const CHOSEN: readonly Kill[] = [
  { at: 'CreateIdentityPool', moment: 'done' },
  { at: 'CreateRole alpha', moment: 'drop' },
  { at: 'CreateRole gamma', moment: 'done' },
  { at: 'CreateRole lambda', moment: 'answered' },
  { at: 'CreateFunction', moment: 'done' },
  { at: 'CreateFunction', moment: 'drop' },
  { at: 'CreateUserPool pre-token-1', moment: 'done' },
  { at: 'CreateUserPool pre-token-2', moment: 'answered' },
  { at: 'CreateUserPool pre-token-3', moment: 'done' },
  { at: 'DeleteUserPool pre-token-2', moment: 'done' },
  { at: 'DeleteFunction', moment: 'drop' },
  { at: 'DeleteFunction', moment: 'answered' },
  { at: 'DeleteRole alpha', moment: 'done' },
  { at: 'DeleteIdentityPool', moment: 'done' },
]

/** Fewer than an undisturbed run has. */
const WHOLE_CALLS = 780
const RANDOM_ROUNDS = 6

/** Runs with all probes in a process of its own until it is killed. */
async function killWhole({ at, moment }: Kill, next: () => number) {
  const fake: { aws?: TimedAws } = {}
  const nameOf = createNaming(() => fake.aws!)
  let child: ReturnType<typeof spawn> | undefined
  let isMet = false
  const aws = await startTimedAws({
    // Its clock does not go on while the child sleeps.
    roleDelay: 0,
    fault(operation, index, input) {
      const name = nameOf(operation, input)
      if (isMet || (at !== index && at !== name)) return undefined
      isMet = true
      if (moment === 'answered') setTimeout(() => child!.kill('SIGKILL'), next() * 20)
      else child!.kill('SIGKILL')
      return moment === 'drop' ? 'drop' : undefined
    },
  })
  fake.aws = aws
  const place = await mkdtemp(join(folder, 'place-'))
  const ledger = join(place, 'run.ledger')
  const args = [join(folder, 'package/run.mjs'), aws.url, ledger, JSON.stringify(WHOLE)]
  child = spawn(process.execPath, args, { stdio: 'ignore' })
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  // What the fake was doing, it does to the end.
  await new Promise(resolve => setTimeout(resolve, 100))
  const clean = () => cleanUp(ledger, { endpoint: aws.url, credentials: CREDENTIALS, clock: aws.clock })
  return { aws, place, ledger, isKilled: signal === 'SIGKILL', isMet, clean }
}

test(
  'neither does a run with an identity pool, roles, a function and three more pools',
  { timeout: 600_000 },
  async () => {
    const next = random(17)
    const moments: readonly Moment[] = ['drop', 'done', 'answered']
    const kills = [
      ...CHOSEN,
      ...Array.from({ length: RANDOM_ROUNDS }, (_, index): Kill => {
        return { at: Math.floor(next() * WHOLE_CALLS), moment: moments[index % 3]! }
      }),
    ]
    const left = new Set<string>()
    let killed = 0
    for (const kill of kills) {
      const what = JSON.stringify(kill)
      const { aws, place, isKilled, isMet, clean } = await killWhole(kill, next)
      await using _ = aws
      expect(isMet, what).toBe(true)
      if (isKilled) killed++
      for (const kind of kindsOf(aws.left())) left.add(kind)
      const files = await readdir(place)
      if (aws.left().length > 0) expect(files, what).toEqual(['run.ledger'])
      if (files.length > 0) expect((await clean()).leftBehind, what).toEqual([])
      expect(aws.left(), what).toEqual([])
      expect(await readdir(place)).toEqual([])
    }
    // Control: the kills came, and something of each kind was there to clean up.
    expect(killed).toBeGreaterThanOrEqual(kills.length - 1)
    expect([...left].toSorted()).toEqual([...RESOURCE_KINDS].toSorted())
  },
)

test('control: what is in no ledger would be left', { timeout: 120_000 }, async () => {
  const { aws, ledger, clean } = await killWhole({ at: 'AddPermission', moment: 'done' }, random(1))
  await using _ = aws
  const whole = await readFile(ledger, 'utf8')
  await writeFile(ledger, whole.replaceAll(/^.*"role".*\n/gm, ''))
  expect((await clean()).leftBehind).toEqual([])
  expect(kindsOf(aws.left())).toEqual(['role', 'role', 'role', 'role'])
  await writeFile(ledger, whole)
  expect((await clean()).leftBehind).toEqual([])
  expect(aws.left()).toEqual([])
})
