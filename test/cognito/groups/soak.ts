/**
 * A soak of the source: lookups, listings, invalidations and aborts at random, for as long as you like, against the local
 * endpoint, while its groups change and its responses fail at random.
 *
 * node --expose-gc --import tsx test/cognito/groups/soak.ts --seconds 30 --seed 7
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import {
  createGroupSource,
  type CacheOptions,
  type CachedGroupSource,
  type Lookup,
} from '../../../src/cognito/index.js'
import { isRolecastError } from '../../../src/errors.js'
import { type CognitoEndpoint, endpointClient, type Fault, startCognitoEndpoint } from '../cognito-endpoint.js'

export interface SoakOptions {
  readonly seconds: number
  readonly seed: number
  /** A fault that the soak has to notice. */
  readonly plant?: 'a role that no group has' | 'a leak' | 'an unhandled rejection'
}

export interface SoakReport {
  readonly lookups: number
  readonly answers: number
  readonly failures: number
  readonly stale: number
  readonly calls: number
  /** Bytes of the heap after a garbage collection: after the warm-up, and at the end. */
  readonly heap: readonly [warm: number, end: number]
  /** What was wrong; at most 20. */
  readonly problems: readonly string[]
}

/** Bytes by which the heap may differ. */
const SLACK = 3_000_000

const userPoolId = 'eu-west-1_Ab12Cd34e'
const NAMES = Array.from({ length: 80 }, (_, index) => `g${index}`)
const IMPOSSIBLE = 'white space'
/** Milliseconds. */
const TTL = 300
const NEGATIVE_TTL = 150
const STALE = 600

const FAULTS: readonly Fault[] = [
  'throttle',
  'internal',
  'unavailable',
  'access-denied',
  'html-502',
  'html-200',
  'malformed-json',
  'empty-200',
  'no-group',
  'drop',
  'stall-body',
  'hang',
  { delay: 20 },
  { delay: 200 },
  { precedence: '7' },
]

/** How a lookup may fail while these faults come. */
const FAILURES: ReadonlySet<string> = new Set([
  'throttled',
  'service-error',
  'not-authorized',
  'malformed-response',
  'unreachable',
  'timeout',
  'request-rejected',
])

// ------------------------------------------------------------------ the model

/** As every group begins. */
const NEVER = { since: -Infinity, role: undefined }

/** Every value that each group had, and since when. It shares nothing with the source. */
class History {
  readonly #values = new Map<string, { readonly since: number; readonly role: string | undefined }[]>()

  set(name: string, role: string | undefined, since: number): void {
    const values = this.#values.get(name) ?? [NEVER]
    // Nothing looks farther back than the windows and the longest wait.
    while (values.length > 1 && values[1]!.since < since - 20_000) values.shift()
    this.#values.set(name, [...values, { since, role }])
  }

  /** The roles that the group had at any time from one to the other; undefined: it did not exist. */
  between(name: string, from: number, to: number): readonly (string | undefined)[] {
    const values = this.#values.get(name) ?? [NEVER]
    return values
      .filter(({ since }, at) => since <= to && (values[at + 1]?.since ?? Infinity) >= from)
      .map(({ role }) => role)
  }
}

interface Asked {
  readonly names: readonly string[]
  readonly at: number
  /** When each name was invalidated last before. */
  readonly invalidatedAt: (name: string) => number
  readonly mayBeStale: boolean
}

/** What is wrong with an answer, if anything. */
function objectionTo(answer: Lookup, asked: Asked, answeredAt: number, history: History): string | undefined {
  const { groups, unknownGroups, stale, age } = answer
  const given = new Map(groups.map(group => [group.groupName, group.roleArn ?? undefined]))
  const told = [...given.keys(), ...unknownGroups].toSorted().join()
  if (told !== asked.names.toSorted().join()) return `asked for ${asked.names.join()}, told of ${told}`
  if (stale && !asked.mayBeStale) return 'an old group, though none may be served'
  const limit = Math.max(TTL, NEGATIVE_TTL) + (stale ? STALE : 0)
  const ageThen = age - (answeredAt - asked.at)
  if (ageThen >= limit) return `stale: ${stale}, and it was ${ageThen} ms old when it was asked for`
  for (const name of asked.names) {
    const since = Math.max(answeredAt - age, asked.invalidatedAt(name))
    const allowed = history.between(name, since, answeredAt)
    if (!allowed.includes(given.get(name)))
      return `${name} has ${given.get(name)}, and not ${allowed.join(' or ')} (stale: ${stale}, age: ${age})`
  }
  return undefined
}

// ------------------------------------------------------------------ the soak

export async function runSoak({ seconds, seed, plant }: SoakOptions): Promise<SoakReport> {
  const random = randomFrom(seed)
  const below = (limit: number) => Math.floor(random() * limit)
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)]!
  const problems: string[] = []
  const object = (problem: string) => void (problems.length < 20 && problems.push(problem))
  const unhandled = (reason: unknown) => object(`an unhandled rejection: ${String(reason)}`)
  const others = process.listeners('unhandledRejection')
  process.removeAllListeners('unhandledRejection').on('unhandledRejection', unhandled)

  // Stands still while code runs, so that source, endpoint and model agree on the time of everything.
  let now = 1_000_000
  const began = performance.now()
  const ticking = setInterval(() => (now = 1_000_000 + Math.floor(performance.now() - began)), 1)

  const endpoint = await startCognitoEndpoint({ userPoolId })
  const history = new History()
  let version = 0
  const change = (name: string, gone: boolean) => {
    const role = gone ? undefined : `arn:aws:iam::111122223333:role/${name}-${++version}`
    if (role === undefined) endpoint.groups.delete(name)
    else endpoint.groups.set(name, { groupName: name, precedence: below(3), roleArn: role })
    history.set(name, role, now)
  }
  for (const name of NAMES.slice(0, 65)) change(name, false)

  const leaked: unknown[] = []
  const onEvent = () => void (plant === 'a leak' && leaked.push(Array.from({ length: 4_000 }, () => now)))
  const client = endpointClient(endpoint, { fastRetry: true })
  const common = { userPoolId, client, clock: () => now, ttl: TTL, negativeTtl: NEGATIVE_TTL, timeout: 500, onEvent }
  const fast = { ...common, requestsPerSecond: Infinity, concurrency: 3 }
  const windows = { staleWhileRevalidate: STALE, staleIfError: STALE }
  const store = sharedStore(() => now, random)
  const subjects = [
    subject({ ...fast, max: 1_000 }),
    subject({ ...fast, ...windows, max: 30, poolSize: 65 }),
    subject({ ...common, ...windows, requestsPerSecond: 200, concurrency: 3 }),
    subject({ ...fast, ...windows, sharedCache: { ...store, timeout: 50, secret: 'the secret of the soak' } }),
    subject({ ...fast, sharedCache: { ...store, timeout: 50, secret: 'the secret of the soak' } }),
  ]

  const counts = { lookups: 0, answers: 0, failures: 0, stale: 0, calls: 0 }
  const state = { ended: false }

  async function lookup({ source, mayBeStale, invalidatedAt }: Subject): Promise<void> {
    const names = [...new Set(Array.from({ length: 1 + below(random() < 0.03 ? 40 : 4) }, () => oneOf(NAMES)))]
    if (random() < 0.05) names.push(IMPOSSIBLE)
    const controller = random() < 0.2 ? new AbortController() : undefined
    if (controller !== undefined) setTimeout(() => controller.abort(new Error('enough')), below(60)).unref()
    const before = new Map(names.map(name => [name, invalidatedAt(name)]))
    const asked: Asked = { names, at: now, mayBeStale, invalidatedAt: name => before.get(name)! }
    counts.lookups++
    try {
      const answer = await source.lookup(names, controller && { signal: controller.signal })
      counts.answers++
      if (answer.stale) counts.stale++
      const objection = objectionTo(answer, asked, now, history)
      if (objection !== undefined) object(objection)
    } catch (error) {
      counts.failures++
      const code = isRolecastError(error) ? error.code : String(error)
      if (!FAILURES.has(code) && !(code === 'aborted' && controller?.signal.aborted)) object(`failed with ${code}`)
    }
  }

  async function user(): Promise<void> {
    while (!state.ended) {
      const about = oneOf(subjects)
      const dice = random()
      if (dice < 0.9) await lookup(about)
      else if (dice < 0.92) await about.invalidate(random() < 0.1 ? undefined : oneOf(NAMES))
      else if (dice < 0.94) await about.source.prefetch().catch(() => {})
      else await pause(below(20))
      // What is served from the cache takes no turn of the event loop by itself.
      await pause(below(4))
    }
  }

  async function trouble(): Promise<void> {
    while (!state.ended) {
      for (let times = below(5); times > 0; times--) change(oneOf(NAMES), random() < 0.2)
      const undo = random() < 0.25 ? endpoint.fail(oneOf(FAULTS), { times: 1 + below(4), after: below(3) }) : () => {}
      if (random() < 0.02) endpoint.expireTokens()
      const unplant = plant === 'a role that no group has' ? plantRoles(endpoint) : () => {}
      if (plant === 'an unhandled rejection') void Promise.reject(new Error('planted'))
      await pause(10 + below(60))
      undo()
      unplant()
      counts.calls += endpoint.requests.length
      endpoint.requests.length = 0
    }
  }

  const going = [trouble(), ...Array.from({ length: 8 }, user)]
  await pause(seconds * 300)
  const warm = await heapUsed()
  await pause(seconds * 700)
  state.ended = true
  await Promise.all(going)
  endpoint.expireTokens()
  const end = await heapUsed()
  if (end - warm > SLACK) object(`the heap grew from ${warm} to ${end} bytes`)

  await endpoint.close()
  client.destroy()
  clearInterval(ticking)
  await pause(10)
  process.off('unhandledRejection', unhandled)
  for (const other of others) process.on('unhandledRejection', other)
  leaked.length = 0
  return { ...counts, heap: [warm, end], problems }

  function subject(options: CacheOptions & { readonly userPoolId: string }): Subject {
    const source = createGroupSource(options)
    const invalidated = new Map<string, number>()
    let allInvalidated = -Infinity
    return {
      source,
      mayBeStale: (options.staleIfError ?? 0) > 0,
      invalidatedAt: name => Math.max(allInvalidated, invalidated.get(name) ?? -Infinity),
      async invalidate(name) {
        const done = source.invalidate(name)
        if (name === undefined) allInvalidated = now
        else invalidated.set(name, now)
        await done
      },
    }
  }
}

interface Subject {
  readonly source: CachedGroupSource
  readonly mayBeStale: boolean
  readonly invalidatedAt: (name: string) => number
  invalidate(name: string | undefined): Promise<void>
}

/** Of half of the groups, once each. */
function plantRoles(endpoint: CognitoEndpoint): () => void {
  const undo = NAMES.slice(0, 40).map(GroupName => {
    const body = JSON.stringify({ Group: { GroupName, RoleArn: 'arn:aws:iam::111122223333:role/Never' } })
    return endpoint.fail({ body }, { operation: 'GetGroup', groupName: GroupName, times: 1 })
  })
  return () => undo.forEach(end => end())
}

/** A store that a fleet shares: sometimes it is slow, and sometimes it fails. */
function sharedStore(now: () => number, random: () => number) {
  const kept = new Map<string, { readonly value: string; readonly until: number }>()
  const access = async <T>(effect: () => T): Promise<T> => {
    const dice = random()
    if (dice < 0.02) throw new Error('the store is down')
    if (dice < 0.2) await pause(Math.floor(random() * 70))
    return effect()
  }
  const peek = (key: string) => {
    const entry = kept.get(key)
    return entry !== undefined && now() < entry.until ? entry.value : undefined
  }
  const put = (key: string, value: string, ttl: number) => void kept.set(key, { value, until: now() + ttl })
  return {
    store: {
      get: (key: string) => access(() => peek(key)),
      set: (key: string, value: string, ttl: number) => access(() => put(key, value, ttl)),
      delete: (key: string) => access(() => kept.delete(key)),
    },
    acquire: (key: string, owner: string, ttl: number) =>
      access(() => peek(key) === undefined && (put(key, owner, ttl), true)),
  }
}

/** The same numbers for the same seed: mulberry32. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => void setTimeout(resolve, ms))
}

async function heapUsed(): Promise<number> {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let times = 0; times < 3; times++) {
    await pause(5)
    collect()
  }
  return process.memoryUsage().heapUsed
}

// ------------------------------------------------------------------ the command

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string' }, seed: { type: 'string' } } })
  const seconds = Number(values.seconds ?? 30)
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`soak of the source: ${seconds} s, seed ${seed}`)
  const { problems, ...report } = await runSoak({ seconds, seed })
  console.log(JSON.stringify(report))
  for (const problem of problems) console.error(problem)
  process.exitCode = problems.length === 0 ? 0 : 1
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main()
