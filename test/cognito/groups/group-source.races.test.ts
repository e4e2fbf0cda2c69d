import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createGroupSource,
  createRoleResolver,
  type GroupSourceOptions,
  type Lookup,
  type LookupOptions,
} from '../../../src/cognito/index.js'
import { isRolecastError } from '../../../src/errors.js'
import type { Group } from '../../../src/group.js'
import { type Call, type FakePool, fakePool, named, turn, type CallFault } from '../../models/source-model.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const NAMES = ['a', '__proto__'] as const

/** As much of a source as the laws speak of. */
interface Subject {
  lookup(names: readonly string[], options?: LookupOptions): Lookup | Promise<Lookup>
  invalidate(name?: string): void
  prefetch(): Promise<unknown>
}

type MakeSubject = (pool: FakePool, clock: () => number) => Subject

const sourceWith =
  (options: Partial<GroupSourceOptions> = {}): MakeSubject =>
  (pool, clock) =>
    createGroupSource({
      userPoolId,
      client: pool,
      requestsPerSecond: Infinity,
      concurrency: 1_000_000,
      clock,
      ...options,
    })

/** What a resolver answers, as a lookup: a group's version is in its role. */
const resolverWith =
  (options: Partial<GroupSourceOptions> = {}): MakeSubject =>
  (pool, clock) => {
    const resolver = createRoleResolver({
      userPoolId,
      client: pool,
      requestsPerSecond: Infinity,
      concurrency: 1_000_000,
      clock,
      ...options,
    })
    return {
      async lookup(names, lookupOptions) {
        const { groups, roles, unknownGroups, stale, age } = await resolver.resolve(names, lookupOptions)
        const roleOf = (name: string) => roles.find(role => role.startsWith(`${name} `)) ?? null
        return {
          groups: groups.map(name => ({ groupName: name, precedence: 1, roleArn: roleOf(name) })),
          unknownGroups,
          stale,
          age,
        }
      },
      invalidate: name => resolver.source.invalidate(name),
      prefetch: () => resolver.source.prefetch(),
    }
  }

// ------------------------------------------------------------------ a race and what is seen of it

type Action =
  | { readonly do: 'lookup'; readonly names: readonly string[]; readonly mayAbort: boolean }
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'invalidate'; readonly name: string | undefined }
  | { readonly do: 'change'; readonly name: string }
  | { readonly do: 'fail'; readonly fault: CallFault }
  | { readonly do: 'prefetch' }

interface Waiter {
  readonly names: readonly string[]
  readonly began: number
  readonly controller: AbortController | undefined
  aborted: boolean
  ended: number | undefined
  answer: Lookup | undefined
  error: unknown
}

interface Race {
  readonly pool: FakePool
  readonly subject: Subject
  readonly waiters: Waiter[]
  readonly prefetches: { ended: boolean }[]
  /** When each name was invalidated last, and the pool's version then. */
  readonly invalidated: { readonly name: string; readonly at: number; readonly version: number }[]
  readonly unhandled: unknown[]
  /** What the watcher objected to. */
  readonly broken: string[]
}

const names = fc.constantFrom(...NAMES)
const lookups = fc.record({
  do: fc.constant('lookup' as const),
  names: fc.uniqueArray(names, { minLength: 1 }),
  mayAbort: fc.boolean(),
})
const aborts = fc.record({ do: fc.constant('abort' as const), which: fc.nat(9) })
const invalidations = fc.record({
  do: fc.constant('invalidate' as const),
  name: fc.option(names, { nil: undefined, freq: 4 }),
})
const changes = fc.record({ do: fc.constant('change' as const), name: names })
const failures = fc.record({
  do: fc.constant('fail' as const),
  fault: fc.constantFrom<CallFault[]>('throttled', 'not-authorized', 'malformed-response'),
})
const prefetches = fc.constant({ do: 'prefetch' as const })
/** A group changes, and who changed it says so. */
const renewals = fc.record({ name: names, all: fc.boolean() }).map(({ name, all }): Action[] => [
  { do: 'change', name },
  { do: 'invalidate', name: all ? undefined : name },
])

function some(...kinds: fc.Arbitrary<Action | Action[]>[]): fc.Arbitrary<readonly Action[]> {
  return fc
    .array(fc.oneof({ weight: 1 + kinds.length, arbitrary: lookups }, ...kinds), {
      minLength: 1,
      maxLength: 10,
      size: 'max',
    })
    .map(actions => actions.flat())
}

const versionOf = (group: Group | undefined): number => Number(group?.roleArn?.split(' ')[1])

type Watch = (race: Race, call?: Call) => string | undefined

/** Runs the actions and the answers in any order the scheduler likes. `watch` looks whenever nothing moves, and at each call. */
async function race(
  s: fc.Scheduler,
  actions: readonly Action[],
  make: MakeSubject,
  { watch = () => undefined, again = false }: Law,
): Promise<Race> {
  const pool = fakePool(call => s.schedule(Promise.resolve(), call.about))
  const send = pool.send
  let now = 1_000_000
  const watched: FakePool = {
    ...pool,
    send(command, options) {
      now++
      const answer = send(command, options)
      const objection = watch(seen, pool.calls.at(-1))
      if (objection !== undefined) seen.broken.push(objection)
      return answer
    },
  }
  const version = new Map<string, number>()
  const change = (name: string) => {
    version.set(name, (version.get(name) ?? 0) + 1)
    pool.groups.set(name, { precedence: 1, roleArn: `${name} ${version.get(name)}` })
  }
  for (const name of NAMES) change(name)
  const subject = make(watched, () => now)
  const seen: Race = { pool, subject, waiters: [], prefetches: [], invalidated: [], unhandled: [], broken: [] }

  async function perform(action: Action): Promise<void> {
    now++
    switch (action.do) {
      case 'lookup':
        seen.waiters.push(ask(subject, action, () => now++))
        return
      case 'abort': {
        const waiter = seen.waiters[action.which % Math.max(1, seen.waiters.length)]
        if (waiter?.controller === undefined || waiter.ended !== undefined) return
        waiter.aborted = true
        waiter.controller.abort(new Error('enough'))
        return
      }
      case 'invalidate':
        for (const name of action.name === undefined ? NAMES : [action.name]) {
          seen.invalidated.push({ name, at: now, version: version.get(name)! })
        }
        subject.invalidate(action.name)
        return
      case 'change':
        change(action.name)
        return
      case 'fail':
        pool.faults.fault = action.fault
        pool.faults.left++
        return
      case 'prefetch': {
        const prefetch = { ended: false }
        seen.prefetches.push(prefetch)
        const end = () => void (prefetch.ended = true)
        subject.prefetch().then(end, end)
      }
    }
  }

  async function untilQuiet(): Promise<void> {
    for (;;) {
      await turn()
      const objection = watch(seen)
      if (objection !== undefined) seen.broken.push(objection)
      if (s.count() === 0) return
      await s.waitNext(1)
    }
  }

  const listen = (reason: unknown) => void seen.unhandled.push(reason)
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', listen)
  try {
    s.scheduleSequence(actions.map(action => ({ label: JSON.stringify(action), builder: () => perform(action) })))
    await untilQuiet()
    if (again) {
      pool.faults.left = 0
      const asked = new Map(seen.waiters.map(waiter => [waiter.names.join(' '), waiter.names]))
      for (const those of asked.values()) await perform({ do: 'lookup', names: those, mayAbort: false })
      await untilQuiet()
    }
  } finally {
    process.off('unhandledRejection', listen)
    for (const other of others) process.on('unhandledRejection', other)
  }
  return seen
}

function ask(subject: Subject, { names, mayAbort }: Action & { do: 'lookup' }, tick: () => number): Waiter {
  const controller = mayAbort ? new AbortController() : undefined
  const waiter: Waiter = {
    names,
    began: tick(),
    controller,
    aborted: false,
    ended: undefined,
    answer: undefined,
    error: undefined,
  }
  const end = (outcome: Partial<Waiter>) => void Object.assign(waiter, outcome, { ended: tick() })
  try {
    const answer = subject.lookup(names, { signal: controller?.signal })
    if (answer instanceof Promise)
      answer.then(
        value => end({ answer: value }),
        error => end({ error }),
      )
    else end({ answer })
  } catch (error) {
    end({ error })
  }
  return waiter
}

// ------------------------------------------------------------------ the laws

interface Law {
  readonly actions: fc.Arbitrary<readonly Action[]>
  /** Whether all that was asked is asked again at the end, when Cognito answers and nothing moves. */
  readonly again?: boolean
  readonly watch?: Watch
  /** What is wrong after the race, if anything. */
  readonly objection?: (race: Race) => string | undefined | Promise<string | undefined>
}

const code = (error: unknown) => (isRolecastError(error) ? error.code : `no RolecastError: ${String(error)}`)
const alive = (call: Call) => call.state === 'under way' && !call.signal.aborted
const aboutGroup = (call: Call) => !call.about.startsWith('LIST')

const LAWS = {
  'concurrent misses for one name make one call': {
    actions: some(aborts, changes, failures),
    watch: ({ pool }, call) =>
      call && pool.calls.filter(other => alive(other) && other.about === call.about).length > 1
        ? `two calls for ${call.about}`
        : undefined,
  },
  'a caller who aborts does not fail the others who wait': {
    actions: some(aborts, aborts, changes, invalidations),
    objection: ({ waiters }) =>
      waiters.filter(waiter => !waiter.aborted && waiter.error !== undefined).map(({ error }) => code(error))[0],
  },
  'a caller who aborts gets the error `aborted`, with the reason as its cause': {
    actions: some(aborts, aborts, changes, invalidations),
    objection: ({ waiters }) =>
      waiters
        .filter(({ aborted }) => aborted)
        .filter(
          ({ error }) =>
            code(error) !== 'aborted' || !/^enough$/.test(String(((error as Error).cause as Error)?.message)),
        )
        .map(({ error }) => code(error))[0],
  },
  'a call goes on as long as somebody waits for it': {
    actions: some(aborts, aborts, failures, invalidations, prefetches),
    watch: ({ pool, waiters }, call) =>
      call === undefined &&
      waiters.some(
        ({ ended, names }) => ended === undefined && !pool.calls.some(other => alive(other) && mayServe(other, names)),
      )
        ? 'somebody waits for nothing'
        : undefined,
  },
  'a call is aborted when nobody waits for it any more': {
    actions: some(aborts, aborts, failures, invalidations),
    watch: ({ pool, waiters }, call) =>
      call === undefined &&
      pool.calls.some(
        other => alive(other) && !waiters.some(({ ended, names }) => ended === undefined && mayServe(other, names)),
      )
        ? 'a call goes on for nobody'
        : undefined,
  },
  'a rejected call is never cached: the next lookup calls again': {
    actions: some(failures, failures, aborts),
    objection: async ({ pool, subject }) => {
      pool.faults.left = 0
      for (const name of NAMES) {
        const answered = pool.calls.some(call => call.about === name && call.state === 'answered')
        const called = pool.calls.length
        const lookup = ask(subject, { do: 'lookup', names: [name], mayAbort: false }, () => 0)
        await turn()
        if (!answered && pool.calls.length === called) return `nothing was asked for ${name}`
        if (lookup.error !== undefined) return code(lookup.error)
      }
      return undefined
    },
  },
  'who asks after an invalidation gets what was asked after it': {
    actions: some(renewals, renewals, aborts),
    again: true,
    objection: oldAfterInvalidation,
  },
  'who asks after an invalidation gets what was asked after it, though the pool was being listed': {
    actions: some(renewals, renewals, prefetches, aborts),
    again: true,
    objection: oldAfterInvalidation,
  },
  'who asks later never gets an older answer': {
    actions: some(changes, changes, prefetches),
    again: true,
    objection: ({ waiters }) => {
      for (const earlier of waiters) {
        for (const later of waiters) {
          if (earlier.ended === undefined || later.began < earlier.ended) continue
          for (const group of earlier.answer?.groups ?? []) {
            const again = later.answer?.groups.find(({ groupName }) => groupName === group.groupName)
            if (versionOf(again) < versionOf(group)) return `${again?.roleArn} after ${group.roleArn}`
          }
        }
      }
      return undefined
    },
  },
  'every lookup settles': {
    actions: some(aborts, changes, failures, invalidations, prefetches),
    objection: ({ waiters, prefetches: listings }) =>
      waiters.every(({ ended }) => ended !== undefined) && listings.every(({ ended }) => ended)
        ? undefined
        : 'somebody waits for ever',
  },
  'a lookup is whole or rejects: it never yields fewer names than asked': {
    actions: some(aborts, changes, failures, invalidations, prefetches),
    objection: ({ waiters }) =>
      waiters.some(({ names, answer, error }) =>
        answer === undefined
          ? error === undefined
          : [...answer.groups.map(({ groupName }) => groupName), ...answer.unknownGroups].join(' ') !== names.join(' '),
      )
        ? 'fewer names, or others'
        : undefined,
  },
  'whoever did not abort fails with what Cognito said, as a RolecastError': {
    actions: some(failures, aborts, prefetches),
    objection: ({ waiters }) =>
      waiters
        .filter(({ aborted, error }) => !aborted && error !== undefined)
        .map(({ error }) => code(error))
        .find(one => !['throttled', 'not-authorized', 'malformed-response'].includes(one)),
  },
  'no rejection is left unhandled': {
    actions: some(failures, failures, aborts, invalidations, prefetches),
    objection: ({ unhandled }) => unhandled.map(String)[0],
  },
} satisfies Record<string, Law>

type LawName = keyof typeof LAWS

function mayServe(call: Call, names: readonly string[]): boolean {
  return !aboutGroup(call) || names.includes(call.about)
}

function oldAfterInvalidation({ waiters, invalidated }: Race): string | undefined {
  for (const { began, answer } of waiters) {
    for (const { name, at, version } of invalidated) {
      const group = answer?.groups.find(({ groupName }) => groupName === name)
      if (group !== undefined && began > at && versionOf(group) < version)
        return `${group.roleArn}, though version ${version} was invalidated`
    }
  }
  return undefined
}

function property(name: LawName, make: MakeSubject) {
  const law: Law = LAWS[name]
  return fc.asyncProperty(fc.scheduler(), law.actions, async (s, actions) => {
    const seen = await race(s, actions, make, law)
    const problem = seen.broken[0] ?? (await law.objection?.(seen))
    if (problem !== undefined) throw new Error(problem)
  })
}

/** What the fault is in decides how rare it is: answers that cross on their way are. */
async function holds(
  name: LawName,
  make: MakeSubject,
  numRuns = name.startsWith('who asks') ? 250 : 50,
): Promise<void> {
  await fc.assert(property(name, make), { numRuns })
}

const lawNames = Object.keys(LAWS) as LawName[]
/** A lookup may list the pool: these speak of one call a name. */
const withoutListing: ReadonlySet<LawName> = new Set<LawName>([
  'concurrent misses for one name make one call',
  'a call is aborted when nobody waits for it any more',
  'a rejected call is never cached: the next lookup calls again',
])
const byListing = lawNames.filter(name => !withoutListing.has(name))

describe('races of lookups', () => {
  test.each(lawNames)('%s', name => holds(name, sourceWith()))
})

describe('races of lookups that may list the pool', () => {
  test.each(byListing)('%s', name => holds(name, sourceWith({ poolSize: NAMES.length })))
})

describe('races of resolvers', () => {
  test.each(lawNames)('%s', name => holds(name, resolverWith()))
})

describe('races of resolvers that may list the pool', () => {
  test.each(byListing)('%s', name => holds(name, resolverWith({ poolSize: NAMES.length })))
})

describe('races of lookups that serve old groups', () => {
  const kept: readonly LawName[] = [
    'concurrent misses for one name make one call',
    'a caller who aborts does not fail the others who wait',
    'every lookup settles',
    'a lookup is whole or rejects: it never yields fewer names than asked',
    'no rejection is left unhandled',
  ]
  test.each(kept)('%s', name => holds(name, sourceWith({ ttl: 3, staleWhileRevalidate: 10, staleIfError: 20 })))
})

// ------------------------------------------------------------------ one by one

/** A source before a pool whose calls wait until `answer` is called. */
function example(options: Partial<GroupSourceOptions> = {}) {
  const waiting: { readonly about: string; readonly go: () => void }[] = []
  const pool = fakePool(call => new Promise<void>(go => void waiting.push({ about: call.about, go })))
  const time = { now: 1_000_000 }
  const resolver = createRoleResolver({
    userPoolId,
    client: pool,
    requestsPerSecond: Infinity,
    concurrency: 1_000_000,
    clock: () => time.now,
    ...options,
  })
  const set = (name: string, version: number) =>
    void pool.groups.set(name, { precedence: 1, roleArn: `${name} ${version}` })
  /** Lets the calls that wait be answered, all or those about one thing. */
  function release(about?: string): void {
    for (const call of waiting.splice(0)) {
      if (about === undefined || call.about === about) call.go()
      else waiting.push(call)
    }
  }
  async function answer(about?: string): Promise<void> {
    await turn()
    release(about)
    await turn()
  }
  async function outcome<T>(work: T | Promise<T>): Promise<T> {
    const state = { done: false }
    const end = () => void (state.done = true)
    Promise.resolve(work).then(end, end)
    while (!state.done) await answer()
    return work
  }
  return { pool, time, resolver, source: resolver.source, set, release, answer, outcome }
}

describe('many at once', () => {
  test('10 000 concurrent lookups on a cold cache for the same 10 names make 10 calls', async () => {
    const { pool, source, set, outcome } = example()
    const ten = Array.from({ length: 10 }, (_, index) => `group-${index}`)
    for (const name of ten) set(name, 1)
    const all = Promise.all(Array.from({ length: 10_000 }, () => source.lookup(ten)))
    const found = await outcome(all)
    expect(pool.calls.map(call => call.about).toSorted()).toEqual(ten)
    expect(found.every(({ groups }) => groups.length === 10)).toBe(true)
    expect(source.stats()).toMatchObject({ miss: 10, coalesced: 99_990, hit: 0, call: 10, size: 10 })
  })

  test('when 999 of 1 000 abort, the last one is served by the same call', async () => {
    const { pool, source, set, answer } = example()
    set('a', 1)
    const controller = new AbortController()
    const left = Array.from({ length: 999 }, () =>
      Promise.resolve(source('a', { signal: controller.signal })).catch(code),
    )
    const stays = source('a')
    await turn()
    controller.abort()
    await answer()
    expect(new Set(await Promise.all(left))).toEqual(new Set(['aborted']))
    expect(await stays).toMatchObject({ roleArn: 'a 1' })
    expect(pool.calls.length).toBe(1)
  })

  test('a caller that aborts leaves no listener on a long-lived signal', async () => {
    const { source, set, answer } = example()
    set('a', 1)
    const { signal } = new AbortController()
    let listeners = 0
    const add = signal.addEventListener.bind(signal)
    const remove = signal.removeEventListener.bind(signal)
    signal.addEventListener = (...args: Parameters<typeof add>) => (listeners++, add(...args))
    signal.removeEventListener = (...args: Parameters<typeof remove>) => (listeners--, remove(...args))
    const wait = Promise.all([
      source('a', { signal }),
      source.lookup(['a', 'b'], { signal }),
      source.prefetch({ signal }),
    ])
    expect(listeners).toBeGreaterThan(0)
    await answer()
    await wait
    expect(listeners).toBe(0)
  })
})

describe('cached groups come without a promise', () => {
  test('one group, and an unknown one', async () => {
    const { source, set, outcome } = example()
    set('a', 1)
    const first = [source('a'), source('b')]
    expect(first.every(one => one instanceof Promise)).toBe(true)
    await outcome(Promise.all(first))
    expect(source('a')).toEqual({ groupName: 'a', precedence: 1, roleArn: 'a 1' })
    expect(source('b')).toBeUndefined()
  })

  test('a lookup of names that are all cached, and of none', async () => {
    const { source, set, outcome, answer } = example()
    set('a', 1)
    await outcome(source.lookup(['a', 'b']) as Promise<Lookup>)
    expect(source.lookup(['b', 'a', 'a'])).toMatchObject({
      groups: [{ groupName: 'a' }],
      unknownGroups: ['b'],
      stale: false,
      age: 0,
    })
    expect(source.lookup([])).toMatchObject({ groups: [], unknownGroups: [], stale: false, age: 0 })
    expect(source.lookup(['a', 'c'])).toBeInstanceOf(Promise)
    await answer()
  })

  test('an old group that is being refreshed', async () => {
    const { source, set, outcome, answer, time } = example({ ttl: 10, staleWhileRevalidate: 10 })
    set('a', 1)
    await outcome(source.lookup(['a']) as Promise<Lookup>)
    time.now += 10
    set('a', 2)
    expect(source.lookup(['a'])).toMatchObject({ stale: true, age: 10, groups: [{ roleArn: 'a 1' }] })
    await answer()
    expect(source.lookup(['a'])).toMatchObject({ stale: false, age: 0, groups: [{ roleArn: 'a 2' }] })
  })

  test('an aborted signal takes effect even then, and immediately', async () => {
    const { source, set, outcome } = example()
    set('a', 1)
    await outcome(source.lookup(['a']) as Promise<Lookup>)
    expect(() => source('a', { signal: AbortSignal.abort() })).toThrow(expect.objectContaining({ code: 'aborted' }))
    expect(() => source.lookup(['a'], { signal: AbortSignal.abort() })).toThrow(
      expect.objectContaining({ code: 'aborted' }),
    )
  })
})

describe('a resolver never uses groups that its source would not return', () => {
  test('a group that was invalidated while it was on its way', async () => {
    const { source, resolver, set, answer, outcome } = example()
    set('a', 1)
    const early = resolver.resolve(['a'])
    await turn()
    set('a', 2)
    source.invalidate('a')
    await answer()
    expect(await early).toMatchObject({ preferredRole: 'a 1' })
    expect(await outcome(resolver.resolve(['a']))).toMatchObject({ preferredRole: 'a 2' })
  })

  test('a group that was pushed out and invalidated', async () => {
    const { source, resolver, set, outcome } = example({ max: 1 })
    set('a', 1)
    await outcome(resolver.resolve(['a']))
    await outcome(resolver.resolve(['b']))
    set('a', 2)
    source.invalidate('a')
    expect(await outcome(resolver.resolve(['a']))).toMatchObject({ preferredRole: 'a 2' })
  })

  test('a group that was pushed out, changed, and read again', async () => {
    const { source, resolver, set, outcome } = example({ max: 1 })
    set('a', 1)
    await outcome(resolver.resolve(['a']))
    await outcome(resolver.resolve(['b']))
    set('a', 2)
    await outcome(source.lookup(['a']) as Promise<Lookup>)
    expect(await outcome(resolver.resolve(['a']))).toMatchObject({ preferredRole: 'a 2' })
  })

  test('a group for which there was no room when the pool was listed, changed, and read again', async () => {
    const { source, resolver, set, outcome } = example({ max: 1, poolSize: 2 })
    set('a', 1)
    set('b', 1)
    await outcome(resolver.resolve(['a', 'b']))
    set('b', 2)
    await outcome(source.lookup(['b']) as Promise<Lookup>)
    expect(await outcome(resolver.resolve(['a', 'b']))).toMatchObject({ roles: ['a 1', 'b 2'] })
  })

  test('a group for which there was no room, and that a second listing shows changed', async () => {
    const { source, resolver, set, outcome } = example({ max: 1, poolSize: 2 })
    set('a', 1)
    set('b', 1)
    await outcome(resolver.resolve(['a', 'b']))
    set('b', 2)
    await outcome(source.prefetch())
    expect(await outcome(resolver.resolve(['a', 'b']))).toMatchObject({ roles: ['a 1', 'b 2'] })
  })

  test('a group that a listing overtook', async () => {
    const { source, resolver, set, time, answer, outcome } = example()
    set('a', 1)
    const early = resolver.resolve(['a'])
    await turn()
    time.now++
    set('a', 2)
    const listing = source.prefetch()
    await answer('LIST 0')
    await listing
    await answer('a')
    await early
    expect(source('a')).toMatchObject({ roleArn: 'a 2' })
    expect(await outcome(resolver.resolve(['a']))).toMatchObject({ preferredRole: 'a 2' })
  })

  test('an array that its owner refills while the result is on its way', async () => {
    const { resolver, set, outcome } = example()
    set('admins', 1)
    set('users', 1)
    const buffer = ['admins']
    const early = resolver.resolve(buffer)
    buffer[0] = 'users'
    expect(await outcome(early)).toMatchObject({ preferredRole: 'admins 1' })
    expect(await outcome(resolver.resolve(['users']))).toMatchObject({ preferredRole: 'users 1' })
  })

  test('the result for no groups has no age', async () => {
    const { resolver, time } = example()
    expect(await resolver.resolve([])).toMatchObject({ age: 0 })
    time.now += 100
    expect(await resolver.resolve([])).toMatchObject({ age: 0 })
    time.now -= 500
    expect(resolver.resolveCached([])).toMatchObject({ age: 0 })
  })

  test.each([[['nobody']], [['a', 'b']]])('what a caller does to its result for %j changes no other', async names => {
    const { resolver, set, outcome } = example()
    set('a', 1)
    set('b', 2)
    const right = structuredClone(await outcome(resolver.resolve(names)))
    for (let time = 0; time < 6; time++) {
      const answer = await outcome(resolver.resolve(names))
      expect(answer).toEqual(right)
      for (const part of [...Object.values(answer), answer]) {
        if (Array.isArray(part)) Reflect.set(part, part.length, 'somebody')
        else if (typeof part === 'object') Reflect.set(part, 'cognito:preferred_role', 'spoilt')
      }
    }
  })
})

describe('a source never returns a group that is too old', () => {
  test('a lookup after an invalidation does not join a listing sent before it', async () => {
    const { source, set, outcome } = example({ poolSize: 2 })
    set('a', 1)
    set('b', 1)
    const early = source.lookup(['a', 'b'])
    await turn()
    set('a', 2)
    source.invalidate('a')
    const late = source.lookup(['a', 'b'])
    expect((await outcome(late as Promise<Lookup>)).groups).toMatchObject([{ roleArn: 'a 2' }, { roleArn: 'b 1' }])
    await early
  })

  test('lookupCached and resolveCached give a whole result or none, even if the ttl ends meanwhile', async () => {
    let now = 0
    let step = 0
    const { pool, source, resolver, set, outcome } = example({ ttl: 10, clock: () => (now += step) })
    set('a', 1)
    await outcome(resolver.resolve(['a']))
    step = 1
    for (let start = 0; start < 12; start++) {
      for (const read of [() => source.lookupCached(['a']), () => resolver.resolveCached(['a'])]) {
        now = start
        const found = read()
        expect(found === undefined || !(found instanceof Promise)).toBe(true)
      }
    }
    expect(pool.calls.length).toBe(1)
  })

  test('an abort between the listing and the calls after it takes effect', async () => {
    const controller = new AbortController()
    const { pool, source, set, release, answer } = example({ poolSize: 2 })
    set('a', 1)
    const lookup = source.lookup(['a', 'x', 'y'], { signal: controller.signal }) as Promise<Lookup>
    const ended = lookup.then(() => 'served', code)
    await turn()
    release()
    for (let tick = 0; tick < 1_000 && source.stats().size === 0; tick++) await Promise.resolve()
    expect(source.stats().size).toBe(1)
    controller.abort()
    await answer()
    expect(await ended).toBe('aborted')
    expect(pool.calls.length).toBe(1)
  })

  test('a call whose callers have all left before it is sent is not sent', async () => {
    const { pool, source } = example()
    const controller = new AbortController()
    const lookup = Promise.resolve(source('a', { signal: controller.signal })).catch(code)
    controller.abort()
    expect(await lookup).toBe('aborted')
    await turn()
    expect(pool.calls).toEqual([])
    expect(source.stats()).toMatchObject({ call: 0, failed: 0 })
  })
})

// ------------------------------------------------------------------ the laws find faults

type Fault =
  | 'no coalescing'
  | 'rejections are kept'
  | 'one who leaves ends the call'
  | 'calls are never aborted'
  | 'aborts are not heard'
  | 'invalidated answers are kept'
  | 'the last to land is kept'
  | 'failed names are left out'
  | 'it waits for ever'
  | 'a rejection is dropped'
  | 'errors pass through'

/** A small source without a fault but the one it is given. */
const broken =
  (fault?: Fault): MakeSubject =>
  (pool, clock) => {
    const api = createApi(pool)
    interface Flight {
      readonly promise: Promise<Group | undefined>
      readonly controller: AbortController
      readonly sentAt: number
      waiting: number
    }
    const flights = new Map<string, Flight>()
    const cache = new Map<string, { group: Group | undefined; sentAt: number }>()
    const keep = (name: string, group: Group | undefined, sentAt: number) => {
      if (fault === 'the last to land is kept' || (cache.get(name)?.sentAt ?? 0) <= sentAt)
        cache.set(name, { group, sentAt })
    }

    function launch(name: string): Flight {
      const controller = new AbortController()
      const sentAt = clock()
      const flight: Flight = { promise: api.get(name, controller.signal), controller, sentAt, waiting: 0 }
      if (fault !== 'no coalescing') flights.set(name, flight)
      const end = () => flights.get(name) === flight && flights.delete(name)
      flight.promise.then(
        group =>
          void (
            (end() || fault === 'invalidated answers are kept' || fault === 'no coalescing') &&
            keep(name, group, sentAt)
          ),
        () => void (fault !== 'rejections are kept' && end()),
      )
      if (fault === 'a rejection is dropped') void flight.promise.finally(() => undefined)
      return flight
    }

    async function join(name: string, signal: AbortSignal): Promise<Group | undefined> {
      const flight = flights.get(name) ?? launch(name)
      flight.waiting++
      const leave = () => {
        if (fault === 'one who leaves ends the call') flight.waiting = 1
        if (--flight.waiting > 0 || fault === 'calls are never aborted') return
        if (flights.get(name) === flight) flights.delete(name)
        flight.controller.abort()
      }
      return new Promise((resolve, reject) => {
        const go = () => {
          if (fault !== 'aborts are not heard') reject(api.aborted(signal.reason))
          leave()
        }
        signal.addEventListener('abort', go)
        const stay = () => signal.removeEventListener('abort', go)
        flight.promise.then(
          group => (stay(), resolve(group)),
          error => (stay(), reject(error)),
        )
      })
    }

    return {
      async lookup(names, { signal } = {}) {
        if (signal?.aborted) throw api.aborted(signal.reason)
        const controller = new AbortController()
        const give = () => controller.abort(signal?.reason)
        signal?.addEventListener('abort', give)
        const one = async (name: string) => (cache.has(name) ? cache.get(name)!.group : join(name, controller.signal))
        try {
          const wait = names.map(one)
          const found =
            fault === 'failed names are left out'
              ? (await Promise.allSettled(wait)).map(each => (each.status === 'fulfilled' ? each.value : undefined))
              : await Promise.all(wait)
          return { groups: found.filter(group => group !== undefined), unknownGroups: [], stale: false, age: 0 }
        } catch (error) {
          controller.abort(error)
          if (fault === 'it waits for ever') await new Promise(() => undefined)
          if (fault === 'errors pass through') throw named('Error', 'some error')
          throw error
        } finally {
          signal?.removeEventListener('abort', give)
        }
      },
      invalidate(name) {
        for (const one of name === undefined ? NAMES : [name]) {
          cache.delete(one)
          flights.delete(one)
        }
      },
      async prefetch() {
        const sentAt = clock()
        for (const group of await api.list()) keep(group.groupName, group, sentAt)
      },
    }
  }

/** The pool's calls as typed answers and errors: a source that keeps nothing does that well enough. */
function createApi(pool: FakePool) {
  const options = { userPoolId, client: pool, requestsPerSecond: Infinity, concurrency: 1_000_000 }
  return {
    get: async (name: string, signal: AbortSignal) => createGroupSource(options)(name, { signal }),
    async list(): Promise<readonly Group[]> {
      const source = createGroupSource(options)
      await source.prefetch()
      return source.lookupCached(NAMES)!.groups
    },
    aborted: (cause: unknown) => {
      const signal = AbortSignal.abort(cause)
      try {
        void createGroupSource(options)('a', { signal })
      } catch (error) {
        return error
      }
      throw new Error('an aborted signal was not heard')
    },
  }
}

describe('the laws find faults', () => {
  const faults: [LawName, Fault][] = [
    ['concurrent misses for one name make one call', 'no coalescing'],
    ['a caller who aborts does not fail the others who wait', 'one who leaves ends the call'],
    ['a caller who aborts gets the error `aborted`, with the reason as its cause', 'aborts are not heard'],
    ['a call goes on as long as somebody waits for it', 'it waits for ever'],
    ['a call is aborted when nobody waits for it any more', 'calls are never aborted'],
    ['a rejected call is never cached: the next lookup calls again', 'rejections are kept'],
    ['who asks after an invalidation gets what was asked after it', 'invalidated answers are kept'],
    ['who asks later never gets an older answer', 'the last to land is kept'],
    ['every lookup settles', 'it waits for ever'],
    ['a lookup is whole or rejects: it never yields fewer names than asked', 'failed names are left out'],
    ['whoever did not abort fails with what Cognito said, as a RolecastError', 'errors pass through'],
    ['no rejection is left unhandled', 'a rejection is dropped'],
  ]
  test.each(faults)('"%s" does not hold when %s', async (name, fault) => {
    const found = await fc.check(property(name, broken(fault)), { numRuns: 1_000, endOnFailure: true })
    expect(found.failed).toBe(true)
  })

  test.each(faults.map(([name]) => name))('"%s" holds for the same source without a fault', name =>
    holds(name, broken(), 30),
  )
})
