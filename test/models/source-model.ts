import { GetGroupCommand, type ListGroupsCommand } from '@aws-sdk/client-cognito-identity-provider'

/**
 * The reference cache: docs/caching.md, sentence by sentence, and the pool it stands before. It shares no code with
 * `src/`, and is for one caller at a time.
 */

export interface PoolGroup {
  readonly precedence: number | null
  readonly roleArn: string | null
}

export interface NamedGroup extends PoolGroup {
  readonly groupName: string
}

export type CallFault = 'throttled' | 'not-authorized' | 'malformed-response'

/** Which of the next calls fail, and how. */
export interface FaultPlan {
  fault: CallFault
  /** How many calls are still to fail; Infinity is an outage. */
  left: number
  listingAllowed: boolean
}

export const PAGE = 60

// ------------------------------------------------------------------ the pool

export interface Call {
  /** `LIST` and the page's token, or the group's name. */
  readonly about: string
  readonly signal: AbortSignal
  state: 'under way' | 'answered' | 'failed' | 'aborted'
}

export interface FakePool {
  readonly groups: Map<string, PoolGroup>
  readonly faults: FaultPlan
  /** All calls so far. */
  readonly calls: Call[]
  send(command: GetGroupCommand | ListGroupsCommand, options?: { abortSignal?: AbortSignal }): Promise<unknown>
}

/** A pool that decides on a response when the call is sent, and gives it once `deliver` has resolved. */
export function fakePool(deliver: (call: Call) => Promise<unknown> = () => turn()): FakePool {
  const pool: FakePool = {
    groups: new Map(),
    faults: { fault: 'throttled', left: 0, listingAllowed: true },
    calls: [],
    async send(command, options) {
      const signal = options?.abortSignal ?? new AbortController().signal
      const about =
        command instanceof GetGroupCommand ? String(command.input.GroupName) : listing(command.input.NextToken)
      const call: Call = { about, signal, state: 'under way' }
      pool.calls.push(call)
      const answer = answerTo(pool, command)
      try {
        await orAborted(deliver(call), signal)
      } catch (error) {
        call.state = 'aborted'
        throw error
      }
      call.state = answer instanceof Error && answer.name !== 'ResourceNotFoundException' ? 'failed' : 'answered'
      if (answer instanceof Error) throw answer
      return answer
    },
  }
  return pool
}

export function turn(): Promise<void> {
  return new Promise(resolve => void setImmediate(resolve))
}

export function named(name: string, message: string): Error {
  return Object.assign(new Error(message), { name })
}

function listing(token: string | undefined): string {
  return `LIST ${token ?? 0}`
}

async function orAborted(delivery: Promise<unknown>, signal: AbortSignal): Promise<void> {
  const aborted = () => named('AbortError', 'Request aborted')
  if (signal.aborted) throw aborted()
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(aborted()), { once: true })
    delivery.then(() => resolve(), reject)
  })
}

function answerTo({ groups, faults, calls }: FakePool, command: GetGroupCommand | ListGroupsCommand): unknown {
  const isGet = command instanceof GetGroupCommand
  if (faults.left > 0) {
    faults.left--
    if (faults.fault === 'throttled') return named('TooManyRequestsException', 'Rate exceeded')
    if (faults.fault === 'not-authorized') return named('AccessDeniedException', 'User is not authorized')
    return isGet ? nonsense(command.input.GroupName, calls.length) : {}
  }
  if (!isGet && !faults.listingAllowed) return named('AccessDeniedException', 'User is not authorized')
  if (isGet) {
    const name = String(command.input.GroupName)
    const group = groups.get(name)
    return group === undefined
      ? named('ResourceNotFoundException', 'Group not found.')
      : { Group: toGroupType(name, group) }
  }
  const from = Number(command.input.NextToken ?? 0)
  const to = from + (command.input.Limit ?? PAGE)
  const page = [...groups].slice(from, to).map(([name, group]) => toGroupType(name, group))
  return { Groups: page, ...(to < groups.size && { NextToken: String(to) }) }
}

function nonsense(name: string | undefined, which: number): unknown {
  return [
    {},
    { Group: {} },
    { Group: { GroupName: `not-${name}` } },
    { Group: { GroupName: name, Precedence: '7' } },
    '<html>',
  ][which % 5]
}

function toGroupType(name: string, { precedence, roleArn }: PoolGroup) {
  return {
    GroupName: name,
    ...(precedence !== null && { Precedence: precedence }),
    ...(roleArn !== null && { RoleArn: roleArn }),
  }
}

// ------------------------------------------------------------------ the model

export interface Windows {
  readonly max: number
  readonly ttl: number
  readonly negativeTtl: number
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  readonly poolSize?: number
}

export interface Entry {
  readonly group: NamedGroup | undefined
  readonly sentAt: number
}

export interface Model {
  /** The least recently used first. */
  cached: Map<string, Entry>
  stats: Record<
    | 'hit'
    | 'negative'
    | 'stale'
    | 'miss'
    | 'coalesced'
    | 'call'
    | 'failed'
    | 'throttled'
    | 'evicted'
    | 'shared-hit'
    | 'shared-failed',
    number
  >
  poolSize: number | undefined
  listingDenied: boolean
}

export type Step =
  | { readonly do: 'lookup' | 'lookupCached' | 'resolve' | 'resolveCached'; readonly names: readonly string[] }
  | { readonly do: 'source'; readonly name: string }
  | { readonly do: 'prefetch' }
  | { readonly do: 'invalidate'; readonly name?: string }

export interface Served {
  readonly groups: readonly NamedGroup[]
  readonly unknownGroups: readonly string[]
  readonly stale: boolean
  readonly age: number
}

/** What a caller sees of a step. */
export interface Seen {
  readonly answer:
    | Served
    | { readonly groups: number; readonly pages: number }
    | { readonly failed: string }
    | undefined
  /** Whether it was answered from memory. */
  readonly atOnce: boolean
  readonly calls: readonly string[]
  readonly stats: Model['stats'] & { readonly size: number }
}

export interface Surroundings {
  readonly windows: Windows
  readonly now: number
  readonly groups: ReadonlyMap<string, PoolGroup>
  readonly faults: Readonly<FaultPlan>
}

export interface Outcome {
  readonly model: Model
  readonly seen: Seen
}

export function newModel({ poolSize }: Windows): Model {
  const stats = {
    hit: 0,
    negative: 0,
    stale: 0,
    miss: 0,
    coalesced: 0,
    call: 0,
    failed: 0,
    throttled: 0,
    evicted: 0,
    'shared-hit': 0,
    'shared-failed': 0,
  }
  return { cached: new Map(), stats, poolSize, listingDenied: false }
}

/** What docs/caching.md says happens. */
export function predict(before: Model, step: Step, surroundings: Surroundings): Outcome {
  const run = new Run(structuredClone(before), surroundings)
  const answer = run.try(step)
  return { model: run.model, seen: run.seen(answer) }
}

class Failed {
  constructor(readonly code: CallFault) {}
}

type Answer = Seen['answer']
type Fetched = Entry | Failed

class Run {
  readonly calls: string[] = []
  private left: number
  private waited = false
  private servedOld = false

  constructor(
    readonly model: Model,
    private readonly around: Surroundings,
  ) {
    this.left = around.faults.left
  }

  try(step: Step): Answer {
    try {
      return this.perform(step)
    } catch (error) {
      if (error instanceof Failed) return { failed: error.code }
      throw error
    }
  }

  seen(answer: Answer): Seen {
    return {
      answer,
      atOnce: !this.waited,
      calls: this.calls,
      stats: { ...this.model.stats, size: this.model.cached.size },
    }
  }

  private perform(step: Step): Answer {
    switch (step.do) {
      case 'lookup':
      case 'resolve':
        return this.lookup(step.names)
      case 'source':
        return this.lookup([step.name])
      case 'lookupCached':
      case 'resolveCached':
        return this.allFresh(step.names) ? this.lookup(step.names) : undefined
      case 'prefetch': {
        this.waited = true
        const { listed, pages } = this.list()
        return { groups: listed.size, pages }
      }
      case 'invalidate':
        if (step.name === undefined) this.model.cached.clear()
        else this.model.cached.delete(step.name)
        return undefined
    }
  }

  /** Fresh: age < ttl; age < negativeTtl for "no such group". Not from the future. */
  private isFresh({ group, sentAt }: Entry): boolean {
    const age = this.around.now - sentAt
    return age >= 0 && age < (group === undefined ? this.around.windows.negativeTtl : this.around.windows.ttl)
  }

  /** "No such group" is never served stale, and neither is an answer from the future. */
  private isWithin(window: number, { group, sentAt }: Entry): boolean {
    const age = this.around.now - sentAt
    return group !== undefined && age >= 0 && age < this.around.windows.ttl + window && window > 0
  }

  private allFresh(names: readonly string[]): boolean {
    return names.every(name => {
      const cached = this.model.cached.get(name)
      return cached !== undefined && this.isFresh(cached)
    })
  }

  private lookup(asked: readonly string[]): Served {
    const { cached, stats } = this.model
    const { staleWhileRevalidate } = this.around.windows
    const names = [...new Set(asked)]
    const served = new Map<string, Entry>()
    const refreshed: string[] = []
    const missing: string[] = []
    let stale = false
    for (const name of names) {
      const entry = cached.get(name)
      if (entry !== undefined) this.use(name, entry)
      if (entry !== undefined && this.isFresh(entry)) {
        stats[entry.group === undefined ? 'negative' : 'hit']++
        served.set(name, entry)
      } else if (entry !== undefined && this.isWithin(staleWhileRevalidate, entry)) {
        stats.stale++
        stale = true
        served.set(name, entry)
        refreshed.push(name)
      } else {
        stats.miss++
        missing.push(name)
      }
    }
    this.waited = missing.length > 0
    // In the background: if the call fails, the old group stays.
    for (const [name, answer] of refreshed.map(name => [name, this.get(name)] as const)) this.land(name, answer)
    for (const [name, entry] of this.fetch(missing)) served.set(name, entry)
    return this.serve(names, served, stale || this.servedOld)
  }

  private serve(names: readonly string[], served: ReadonlyMap<string, Entry>, stale: boolean): Served {
    const { now } = this.around
    const entries = names.map(name => [name, served.get(name)!] as const)
    return {
      groups: entries.flatMap(([, { group }]) => (group === undefined ? [] : [group])),
      unknownGroups: entries.filter(([, { group }]) => group === undefined).map(([name]) => name),
      stale,
      age: entries.reduce((oldest, [, { sentAt }]) => Math.max(oldest, now - sentAt), 0),
    }
  }

  private fetch(missing: readonly string[]): Map<string, Entry> {
    const found = new Map<string, Entry>()
    if (this.isListingCheaper(missing.length)) {
      try {
        const { listed } = this.list()
        for (const [name, entry] of listed) if (missing.includes(name)) found.set(name, entry)
        // The listing began after the question: what it lacks does not exist.
        for (const name of missing.filter(asked => !listed.has(asked))) {
          const unknown = { group: undefined, sentAt: this.around.now }
          this.cache(name, unknown)
          found.set(name, unknown)
        }
      } catch (error) {
        if (!(error instanceof Failed)) throw error
        if (error.code !== 'not-authorized') return new Map(missing.map(name => [name, this.oldOrThrow(name, error)]))
        this.model.listingDenied = true
      }
    }
    // All are sent; the first failure that cannot be helped gives up those that come after it.
    const sent = missing.filter(name => !found.has(name)).map(name => [name, this.get(name)] as const)
    for (const [name, answer] of sent) {
      this.land(name, answer)
      found.set(name, answer instanceof Failed ? this.oldOrThrow(name, answer) : answer)
    }
    return found
  }

  private isListingCheaper(missing: number): boolean {
    const { poolSize, listingDenied } = this.model
    return !listingDenied && poolSize !== undefined && Math.max(1, Math.ceil(poolSize / PAGE)) < missing
  }

  private oldOrThrow(name: string, failure: Failed): Entry {
    const old = this.model.cached.get(name)
    if (failure.code !== 'throttled' || old === undefined || !this.isWithin(this.around.windows.staleIfError, old))
      throw failure
    this.model.stats.stale++
    this.servedOld = true
    return old
  }

  private get(name: string): Fetched {
    const { groups, now } = this.around
    const failure = this.call(name)
    if (failure !== undefined) return failure
    const group = groups.get(name)
    return { group: group === undefined ? undefined : { groupName: name, ...group }, sentAt: now }
  }

  private list(): { listed: Map<string, Entry>; pages: number } {
    const { groups, faults, now, windows } = this.around
    const { cached } = this.model
    const pages = Math.max(1, Math.ceil(groups.size / PAGE))
    for (let page = 0; page < pages; page++) {
      const failure =
        this.call(`LIST ${page * PAGE}`) ?? (faults.listingAllowed ? undefined : new Failed('not-authorized'))
      if (failure !== undefined) {
        this.fail(failure)
        throw failure
      }
    }
    const listed = new Map(
      [...groups].map(([name, group]) => [name, { group: { groupName: name, ...group }, sentAt: now }]),
    )
    const gone = [...cached].filter(([name, { group }]) => group !== undefined && !listed.has(name))
    for (const [name] of gone) cached.delete(name)
    for (const [name, entry] of listed) {
      if (cached.has(name) || cached.size < windows.max) this.cache(name, entry)
    }
    this.model.listingDenied = false
    this.model.poolSize = groups.size
    return { listed, pages }
  }

  private call(about: string): Failed | undefined {
    this.calls.push(about)
    this.model.stats.call++
    if (this.left === 0) return undefined
    this.left--
    return new Failed(this.around.faults.fault)
  }

  private land(name: string, answer: Fetched): void {
    if (answer instanceof Failed) this.fail(answer)
    else this.cache(name, answer)
  }

  private fail({ code }: Failed): void {
    this.model.stats.failed++
    if (code === 'throttled') this.model.stats.throttled++
  }

  private cache(name: string, entry: Entry): void {
    const { cached, stats } = this.model
    this.use(name, entry)
    if (cached.size <= this.around.windows.max) return
    cached.delete([...cached.keys()][0]!)
    stats.evicted++
  }

  private use(name: string, entry: Entry): void {
    this.model.cached.delete(name)
    this.model.cached.set(name, entry)
  }
}
