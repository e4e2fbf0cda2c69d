import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type CacheStatus,
  createGroupSource,
  createRoleResolver,
  type GroupSourceOptions,
  type Lookup,
} from '../../../src/cognito/index.js'
import { isRolecastError } from '../../../src/errors.js'
import { resolveRoles } from '../../../src/claims/resolve.js'
import {
  fakePool,
  type Model,
  newModel,
  PAGE,
  type PoolGroup,
  predict,
  type Seen,
  type Step,
  turn,
  type CallFault,
  type Windows,
} from '../../models/source-model.js'

const NAMES = ['admins', 'editors', '__proto__', 'a,b', 'nobody', '管理者'] as const
const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

/** What changes around the cache: time, the pool, and whether Cognito answers. */
type Change =
  | { readonly do: 'wait'; readonly ms: number }
  /** To just before, at, or just after the end of a window of a cached response. */
  | { readonly do: 'wait for'; readonly which: number; readonly window: number; readonly offset: number }
  | { readonly do: 'change'; readonly name: string; readonly group: PoolGroup | undefined }
  | { readonly do: 'fault'; readonly fault: CallFault; readonly left: number }
  | { readonly do: 'listing'; readonly allowed: boolean }

interface Run {
  readonly windows: Windows
  /** Groups nobody asks for, so that the pool has pages. */
  readonly others: number
  readonly actions: readonly (Step | Change)[]
}

const names = fc.array(fc.constantFrom(...NAMES), { maxLength: 6 })
const someNames = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
const groups = fc.record({
  precedence: fc.constantFrom(null, 0, 1, 2),
  roleArn: fc.constantFrom(null, role('A'), role('B')),
})

const changes: fc.Arbitrary<Change> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait' as const),
      ms: fc.constantFrom(1, 4, 9, 10, 11, 50, 100, 1000, -1, -7, -30),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('wait for' as const),
      which: fc.nat(9),
      window: fc.nat(3),
      offset: fc.constantFrom(-1, 0, 0, 1),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('change' as const),
      name: fc.constantFrom(...NAMES),
      group: fc.option(groups, { nil: undefined, freq: 3 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('fault' as const),
      fault: fc.constantFrom<CallFault[]>('throttled', 'throttled', 'not-authorized', 'malformed-response'),
      left: fc.constantFrom(0, 1, 2, 3, Infinity),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('listing' as const), allowed: fc.boolean() }) },
)

const readings: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('lookup' as const), names }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('source' as const), name: fc.constantFrom(...NAMES) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('lookupCached' as const), names }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prefetch' as const) }) },
  {
    weight: 1,
    arbitrary: fc
      .option(fc.constantFrom(...NAMES), { nil: undefined })
      .map(name => ({ do: 'invalidate' as const, ...(name !== undefined && { name }) })),
  },
)

const resolving: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('resolve' as const), names: someNames }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('resolveCached' as const), names: someNames }) },
)

/** Few enough for a small cache to push them out and to ask for them again. */
const fewResolved: fc.Arbitrary<Step> = fc.record({
  do: fc.constant('resolve' as const),
  names: fc.uniqueArray(fc.constantFrom('admins', '__proto__'), { minLength: 1 }),
})

function runs(
  max: fc.Arbitrary<number>,
  steps: fc.Arbitrary<Step>,
  poolSize: fc.Arbitrary<number | undefined>,
): fc.Arbitrary<Run> {
  return fc.record({
    windows: fc
      .record({
        max,
        ttl: fc.constantFrom(0, 10, 10, 100),
        negativeTtl: fc.constantFrom(0, 5, 100),
        staleWhileRevalidate: fc.constantFrom(0, 0, 7, 40),
        staleIfError: fc.constantFrom(0, 0, 20, 60),
        poolSize,
      })
      .map(({ poolSize: known, ...windows }) => ({ ...windows, ...(known !== undefined && { poolSize: known }) })),
    others: fc.constantFrom(0, 0, PAGE - 2, PAGE + 10, 2 * PAGE + 5),
    actions: fc.array(fc.oneof({ weight: 3, arbitrary: steps }, { weight: 2, arbitrary: changes }), {
      minLength: 1,
      maxLength: 25,
      size: 'max',
    }),
  })
}

/** Runs cache and model side by side and throws at the first difference. `given` is what the cache is told instead. */
async function runBoth({ windows, others, actions }: Run, given: Partial<GroupSourceOptions> = {}): Promise<void> {
  let now = 1_000_000
  const pool = fakePool()
  pool.groups.set('admins', { precedence: 0, roleArn: role('A') })
  pool.groups.set('__proto__', { precedence: 1, roleArn: role('B') })
  for (let other = 0; other < others; other++) pool.groups.set(`other-${other}`, { precedence: other, roleArn: null })
  const events = new Map<CacheStatus, number>()
  const source = createGroupSource({
    ...windows,
    userPoolId,
    client: pool,
    requestsPerSecond: Infinity,
    concurrency: 1000,
    clock: () => now,
    onEvent: ({ type }) => void events.set(type, (events.get(type) ?? 0) + 1),
    ...given,
  })
  const resolver = createRoleResolver({ source })
  let model: Model = newModel(windows)

  async function perform(step: Step): Promise<Seen['answer'] | unknown> {
    const called = pool.calls.length
    let atOnce = true
    let answer: unknown
    try {
      const going = start(step)
      atOnce = !(going instanceof Promise)
      answer = await going
    } catch (error) {
      if (!isRolecastError(error)) throw error
      answer = { failed: error.code }
    }
    for (let turns = 0; turns < 3 || pool.calls.some(call => call.state === 'under way'); turns++) await turn()
    return { answer, atOnce, calls: pool.calls.slice(called).map(call => call.about), stats: source.stats() }
  }

  function start(step: Step): unknown {
    switch (step.do) {
      case 'source':
        return source(step.name)
      case 'lookup': {
        const found = source.lookup(step.names)
        return found instanceof Promise ? found.then(stringKeys) : stringKeys(found)
      }
      case 'lookupCached':
        return stringKeys(source.lookupCached(step.names))
      case 'resolve':
        return resolver.resolve(step.names)
      case 'resolveCached':
        return resolver.resolveCached(step.names)
      case 'prefetch':
        return source.prefetch()
      case 'invalidate':
        void source.invalidate(step.name)
        return undefined
    }
  }

  for (const action of actions) {
    switch (action.do) {
      case 'wait':
        now += action.ms
        continue
      case 'wait for': {
        const cached = [...model.cached.values()]
        const entry = cached[action.which % Math.max(1, cached.length)]
        const { ttl, negativeTtl, staleWhileRevalidate, staleIfError } = windows
        const window = [ttl, negativeTtl, ttl + staleWhileRevalidate, ttl + staleIfError][action.window]!
        if (entry !== undefined) now = entry.sentAt + window + action.offset
        continue
      }
      case 'change':
        if (action.group === undefined) pool.groups.delete(action.name)
        else pool.groups.set(action.name, action.group)
        continue
      case 'fault':
        pool.faults.fault = action.fault
        pool.faults.left = action.left
        continue
      case 'listing':
        pool.faults.listingAllowed = action.allowed
        continue
    }
    const predicted = predict(model, action, { windows, now, groups: pool.groups, faults: { ...pool.faults } })
    expect({ action, seen: await perform(action) }).toStrictEqual({ action, seen: asSeen(action, predicted.seen) })
    model = predicted.model
  }
  const { size: _, ...counted } = source.stats()
  const emitted = Object.keys(counted).map(type => [type, events.get(type as CacheStatus) ?? 0])
  expect(counted).toStrictEqual(Object.fromEntries(emitted))
  expect([...events.keys()].filter(type => !(type in counted))).toEqual([])
}

/** A lookup without what only the source itself reads. */
function stringKeys<T extends object>(found: T | undefined): T | undefined {
  return found && (Object.fromEntries(Object.entries(found)) as T)
}

/** What the model predicts, in the shape in which each function gives it. */
function asSeen(step: Step, { answer, atOnce, ...seen }: Seen): unknown {
  const shown = answer === undefined || 'failed' in answer || 'pages' in answer ? answer : shape(step, answer)
  return { answer: shown, atOnce: atOnce && step.do !== 'resolve', ...seen }
}

function shape(step: Step, { groups: served, ...lookup }: Lookup): unknown {
  if (step.do === 'source') return served[0]
  if (step.do === 'resolve' || step.do === 'resolveCached') return { ...resolveRoles(served), ...lookup }
  return { groups: served, ...lookup }
}

const holds = (some: fc.Arbitrary<Run>, numRuns = 150) =>
  fc.assert(
    fc.asyncProperty(some, run => runBoth(run)),
    { numRuns },
  )

const unknownSize = fc.constant(undefined)
const knownSize = fc.constantFrom(0, 1, PAGE, PAGE + 1, 3 * PAGE)
const small = fc.constantFrom(1, 2, 3, 5)
const large = fc.constantFrom(1_000, 10_000)

describe('the cache does what docs/caching.md says', () => {
  test('with room for all groups', () => holds(runs(large, readings, unknownSize)))
  test('with room for all groups, when the size of the pool is known', () => holds(runs(large, readings, knownSize)))
  test('with too little room', () => holds(runs(small, readings, unknownSize)))
  test('with too little room, when the size of the pool is known', () => holds(runs(small, readings, knownSize)))
  test('with a resolver', () => holds(runs(large, fc.oneof(readings, resolving), unknownSize)))
  test('with a resolver, when the size of the pool is known', () =>
    holds(runs(large, fc.oneof(readings, resolving), knownSize)))
  test('with a resolver and too little room', () =>
    holds(runs(small, fc.oneof(readings, resolving, fewResolved), unknownSize), 300))
  test('with a resolver and too little room, when the size of the pool is known', () =>
    holds(runs(small, fc.oneof(readings, resolving, fewResolved), knownSize), 300))
})

describe('the model tells a cache that is off by one', () => {
  const off: [string, (windows: Windows) => Partial<GroupSourceOptions>][] = [
    ['ttl', ({ ttl }) => ({ ttl: ttl + 1 })],
    ['negativeTtl', ({ negativeTtl }) => ({ negativeTtl: negativeTtl + 1 })],
    ['staleWhileRevalidate', ({ staleWhileRevalidate }) => ({ staleWhileRevalidate: staleWhileRevalidate + 1 })],
    ['staleIfError', ({ staleIfError }) => ({ staleIfError: staleIfError + 1 })],
    ['max', ({ max }) => ({ max: max + 1 })],
    ['poolSize', ({ poolSize = 0 }) => ({ poolSize: poolSize + 1 })],
  ]
  test.each(off)('%s', async (_, given) => {
    const found = await fc.check(
      fc.asyncProperty(runs(small, readings, knownSize), run => runBoth(run, given(run.windows))),
      {
        seed: 7,
        numRuns: 20_000,
        endOnFailure: true,
      },
    )
    expect(found.failed).toBe(true)
  })
})
