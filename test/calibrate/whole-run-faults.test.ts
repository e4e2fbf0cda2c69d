import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CalibrationResult, cleanUp } from '../../src/calibrate/index.js'
import { RESOURCE_KINDS } from '../../src/calibrate/ledger.js'
import { isRolecastError } from '../../src/errors.js'
import type { Fault } from '../../src/testing/fake-service.js'
import { ACCOUNT, type FakeAwsOptions, OPPOSITE_IDENTITY } from './fake-aws.js'
import { OPPOSITE_TRIGGER, playTrigger } from './fake-trigger.js'
import { CREDENTIALS, removeFolders, runAgainst } from './service.js'
import { createNaming, kindsOf, startTimedAws, type TimedAws, WHOLE } from './whole-run.js'

afterAll(removeFolders)

const FAULTS: Readonly<Record<string, Fault>> = {
  error: { error: 'InternalErrorException', message: 'Something broke', status: 500 },
  throttled: { error: 'TooManyRequestsException', message: 'Rate exceeded' },
  rejected: { error: 'InvalidParameterException', message: 'No' },
  denied: {
    error: 'AccessDeniedException',
    message: `User: arn:aws:iam::${ACCOUNT}:user/alice is not authorized to perform: cognito-idp:Something`,
  },
  drop: 'drop',
  'lost response': 'lose-response',
  nonsense: { body: '<html>not JSON', status: 200 },
}
const KINDS = Object.keys(FAULTS)

/** Which fault a call meets, if any. The call by what it is about, and how many of these came before: `CreateRole alpha, 0`. */
type FaultOf = (call: string) => string | undefined

/** A run with all probes and faults, and its clean-up without them. */
async function runWith(faultOf: FaultOf, options: Omit<FakeAwsOptions, 'clock' | 'fault'> = {}) {
  const counts = new Map<string, number>()
  const calls: string[] = []
  let isOver = false
  const fake: { aws?: TimedAws } = {}
  const nameOf = createNaming(() => fake.aws!)
  await using aws = await startTimedAws({
    ...options,
    fault(operation, _, input) {
      if (isOver) return undefined
      const name = nameOf(operation, input)
      const nth = counts.get(name) ?? 0
      counts.set(name, nth + 1)
      const call = `${name}, ${nth}`
      calls.push(call)
      const kind = faultOf(call)
      return kind === undefined ? undefined : FAULTS[kind]
    },
  })
  fake.aws = aws
  const run = await runAgainst(aws, WHOLE)
  isOver = true
  const before = aws.left()
  const hasLedger = run.files.length > 0
  const said = JSON.stringify([run.events, 'outcome' in run ? run.outcome : String(run.error)])
  const leftBehind = hasLedger
    ? (
        await cleanUp(`${run.folder}/run.ledger`, {
          endpoint: aws.url,
          credentials: CREDENTIALS,
          clock: aws.clock,
        })
      ).leftBehind
    : []
  return { run, calls, before, hasLedger, leftBehind, after: aws.left(), said, secrets: aws.secrets }
}

type Ended = Awaited<ReturnType<typeof runWith>>

/** The answers of a run to everything that it asks, by what it asks. */
function answersOf({ rows, identityPool = [], preToken = [] }: CalibrationResult): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>([
    ...rows.map(({ id, verdict, reading, real }) => [`row ${id}`, { verdict, reading, real }] as const),
    ...identityPool.map(
      ({ id, verdict, reading, real }) => [`identity pool ${id}`, { verdict, reading, real }] as const,
    ),
    ...preToken.map(
      ({ id, version, verdict, real, claims }) => [`${version} ${id}`, { verdict, real, claims }] as const,
    ),
  ])
}

function isAnswered(answer: unknown): boolean {
  const { verdict } = answer as { readonly verdict: string }
  return verdict !== 'not-settled' && verdict !== 'none'
}

/** What holds whatever fails; `truth` is what the fake plays. */
function check(ended: Ended, truth: ReadonlyMap<string, unknown>, at: string): void {
  const { run, before, hasLedger, leftBehind, after, said, secrets } = ended
  // What is left behind is in a ledger, and gone once that is cleaned up.
  if (before.length > 0) expect(hasLedger, at).toBe(true)
  expect(leftBehind, at).toEqual([])
  expect(after, at).toEqual([])
  expect(said, at).not.toContain(ACCOUNT)
  for (const secret of secrets) expect(said.includes(secret), at).toBe(false)
  if ('error' in run) {
    expect(isRolecastError(run.error) && run.error.code, at).toBeTruthy()
    return
  }
  expect(run.outcome.leftBehind.length > 0, at).toBe(hasLedger)
  const answers = answersOf(run.outcome.result)
  expect([...answers.keys()], at).toEqual([...truth.keys()])
  // Never a wrong verdict: what was played, or nothing.
  for (const [asked, answer] of answers)
    if (isAnswered(answer)) expect(answer, `${at}: ${asked}`).toEqual(truth.get(asked))
  expect([undefined, 'tied-groups-agree', 'observed'], at).toContain(run.outcome.result.semantics)
}

let undisturbed: Ended
let truth: ReadonlyMap<string, unknown>
beforeAll(async () => {
  undisturbed = await runWith(() => undefined)
  if ('error' in undisturbed.run) throw undisturbed.run.error
  truth = answersOf(undisturbed.run.outcome.result)
})

const operationOf = (call: string) => call.split(/[ ,]/)[0]!

/** What a run has few of, such as all calls that create or delete something. */
const isRare = (call: string) => undisturbed.calls.filter(one => operationOf(one) === operationOf(call)).length <= 8

/** The kinds of faults that each call has to meet: a rare one all, another one the next kind of its operation. */
function faultsToMeet(): Map<string, string[]> {
  const counts = new Map<string, number>()
  return new Map(
    undisturbed.calls.map(call => {
      const nth = counts.get(operationOf(call)) ?? 0
      counts.set(operationOf(call), nth + 1)
      return [call, isRare(call) ? [...KINDS] : [KINDS[nth % KINDS.length]!]]
    }),
  )
}

const ONE_FAULT = process.env['ROLECAST_ALL_FAULTS'] !== undefined

/**
 * How many calls are between two faults of a run. Some hundred runs meet 1,100 faults so; with ROLECAST_ALL_FAULTS, each run
 * meets one.
 */
const gapBefore = (call: string) => (ONE_FAULT ? Infinity : isRare(call) ? 3 : 7)

describe('whatever fails in a run with an identity pool and triggers', () => {
  test(
    'nothing is left that is not in a ledger, and no verdict is wrong: each of its calls meets a fault, several in one run',
    { timeout: 3_600_000 },
    async () => {
      const remaining = faultsToMeet()
      const met = new Map<string, Set<string>>()
      const left = new Set<string>()
      let answered = 0
      for (let count = 1; remaining.size > 0; count++) {
        const faults: string[] = []
        let since = 0
        const ended = await runWith(call => {
          since++
          const kinds = remaining.get(call)
          if (kinds === undefined || (faults.length > 0 && since <= gapBefore(call))) return undefined
          since = 0
          const kind = kinds.pop()!
          if (kinds.length === 0) remaining.delete(call)
          met.set(operationOf(call), (met.get(operationOf(call)) ?? new Set()).add(kind))
          faults.push(`${kind} at ${call}`)
          return kind
        })
        // A call that never comes would be waited for.
        expect(faults, `run ${count}, without ${[...remaining.keys()].join('; ')}`).not.toEqual([])
        check(ended, truth, faults.join('; '))
        for (const kind of kindsOf(ended.before)) left.add(kind)
        if ('outcome' in ended.run)
          answered += [...answersOf(ended.run.outcome.result).values()].filter(isAnswered).length
      }
      // Control: each operation met each kind of fault, something of each kind was left, and much was answered all the same.
      expect([...met.keys()].toSorted()).toEqual([...new Set(undisturbed.calls.map(operationOf))].toSorted())
      for (const [operation, kinds] of met) expect(kinds.size, operation).toBe(KINDS.length)
      expect([...left].toSorted()).toEqual([...RESOURCE_KINDS].toSorted())
      expect(answered).toBeGreaterThan(1_000)
    },
  )
})

describe('controls', () => {
  test.each<readonly [string, Omit<FakeAwsOptions, 'clock'>]>([
    ['the user pool', { semantics: 'roles-compete' }],
    ['the identity pool', { truth: OPPOSITE_IDENTITY }],
    ['the trigger', { applyTrigger: playTrigger(OPPOSITE_TRIGGER) }],
  ])('another truth of %s is a wrong verdict', async (_, options) => {
    const ended = await runWith(() => undefined, options)
    expect(() => check(ended, truth, 'control')).toThrow(/^control/)
    expect(() => check(undisturbed, truth, 'control')).not.toThrow()
  })

  test('what is left and in no ledger is noticed, and so is what a clean-up leaves', async () => {
    const ended = await runWith(call => (call.startsWith('DeleteIdentityPool') ? 'denied' : undefined))
    expect(kindsOf(ended.before)).toEqual(['identity-pool'])
    check(ended, truth, 'a deletion that is denied')
    expect(() => check({ ...ended, hasLedger: false }, truth, 'control')).toThrow(/^control/)
    expect(() => check({ ...ended, after: ended.before }, truth, 'control')).toThrow(/^control/)
  })
})
