import { setMaxListeners } from 'node:events'
import pRetry from 'p-retry'
import { isRolecastError, RolecastError } from '../../errors.js'
import type { Group, UserGroups } from '../../group.js'
import type { Checkpoint } from './checkpoint.js'
import { estimateRead, type ReadEstimate, type ReadRates, type ReadStrategy } from './estimate.js'
import type { UserPoolCall } from '../api/api-error.js'
import { type Chain, createState, parseRecord, type ReadRecord, type StartRecord } from './read-state.js'
import { createCircleCheck, listAllGroups, listGroupsOfUser, type UserPoolApi } from '../api/user-pool-api.js'
import type { PoolChange } from '../../audit/pool-change.js'

export interface ReadPoolOptions {
  readonly api: UserPoolApi
  readonly rates: ReadRates
  readonly strategy?: ReadStrategy | undefined
  readonly membershipsPerUser: number
  /** Where what was read is kept, and taken from. */
  readonly checkpoint?: Checkpoint | undefined
  readonly signal: AbortSignal
  readonly onEvent: (event: ReadEvent) => void
  /** Milliseconds before a page is asked for again; doubled each time, up to half a minute. */
  readonly retryDelay: number
}

export type ReadEvent =
  /** Once, before the first membership is read. */
  | { readonly type: 'estimate'; readonly estimate: ReadEstimate; readonly groups: readonly Group[] }
  /** After each page, and first with what a checkpoint had. */
  | { readonly type: 'progress'; readonly progress: ReadProgress }
  /** A page could not be read, and will be asked for again. */
  | { readonly type: 'retry'; readonly error: RolecastError }
  /** All was read: the groups as they are now, and what has changed meanwhile. */
  | { readonly type: 'read'; readonly groups: readonly Group[]; readonly changes: readonly PoolChange[] }

export interface ReadProgress {
  /** Pages read, those of a checkpoint included. */
  readonly pages: number
  /** Pages left, as far as can be told. */
  readonly left: number
  readonly users: number
}

/** A whole pool, read. */
export interface PoolReading {
  /** As they were after all else was read. */
  readonly groups: readonly Group[]
  readonly changes: readonly PoolChange[]
  /** Each user once: those that ListUsers gives in its order, then the others by name. Groups in the order of ListGroups. */
  users(): Generator<UserGroups, void>
}

/**
 * Reads every membership of a pool, in the quicker of two ways: the users of each group, or the groups of each user.
 *
 * All or nothing: a page that cannot be read is asked for again, and if that does not help the reading rejects. What was
 * read until then is in the checkpoint.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsersInGroup.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminListGroupsForUser.html
 */
export async function readPool(options: ReadPoolOptions): Promise<PoolReading> {
  const { checkpoint, onEvent } = options
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  // One listener for each chain of pages that waits for its turn.
  setMaxListeners(0, signal)
  const api = patient(options, signal)
  const state = createState()
  for await (const record of checkpoint?.records() ?? []) state.apply(parseRecord(record))

  /** What was read is known to the state at once, and to the checkpoint before anything that follows from it is asked. */
  async function keep(record: ReadRecord): Promise<void> {
    state.apply(record)
    await checkpoint?.append(record)
    reportProgress()
  }
  let expected: number | undefined
  function reportProgress(): void {
    // Nothing can be said of what is left before the estimate.
    if (expected === undefined) return
    const left = Math.max(expected - state.pages, state.end === undefined ? 1 : 0)
    onEvent({ type: 'progress', progress: { pages: state.pages, left, users: state.users } })
  }

  if (state.start === undefined) await keep(await readStart(api, options, signal))
  const start = state.start!
  const estimate = estimateOf(start, options)
  onEvent({ type: 'estimate', estimate, groups: start.groups })
  expected = estimate[start.strategy === 'per-group' ? 'perGroup' : 'perUser'].totalCalls
  reportProgress()

  let moreListed = withResolvers()
  async function listUsers(): Promise<void> {
    await readChain(state.listing, { operation: 'ListUsers', userPoolId: api.userPoolId }, async token => {
      const { usernames, nextToken } = await api.listUsers(token, signal, FIRST)
      await keep({ kind: 'users', usernames, next: nextToken ?? null })
      moreListed.resolve()
      moreListed = withResolvers()
    })
  }

  async function readGroup(groupId: number): Promise<void> {
    const chain = state.chainOf(groupId)
    const groupName = state.groupNames[groupId]!
    await readChain(chain, { operation: 'ListUsersInGroup', userPoolId: api.userPoolId, groupName }, async token => {
      // First pages tell which groups are large; of those, the one that is known to be the largest goes on first.
      const priority = chain.pages === 0 ? SECOND : chain.pages
      const page = await api.listUsersInGroup(groupName, token, signal, priority)
      await keep(
        page === undefined
          ? { kind: 'group', group: groupId, usernames: [], next: null, gone: true }
          : { kind: 'group', group: groupId, usernames: page.usernames, next: page.nextToken ?? null },
      )
    })
  }

  async function readUser(userId: number): Promise<void> {
    const groups = await listGroupsOfUser(api, state.username(userId), signal)
    await keep(
      groups === undefined
        ? { kind: 'user', user: userId, groups: [], gone: true }
        : { kind: 'user', user: userId, groups: groups.map(group => group.groupName) },
    )
  }

  /** As many at once as can be under way; `next` gives one after the other. */
  async function readUsers(next: () => Promise<number | undefined>): Promise<void> {
    const worker = async () => {
      for (let userId = await next(); userId !== undefined; userId = await next()) await readUser(userId)
    }
    await Promise.all(Array.from({ length: WORKERS }, worker))
  }

  async function readPerUser(): Promise<void> {
    let cursor = 0
    const nextListed = async () => {
      for (;;) {
        while (cursor < state.listed.length) {
          const userId = state.listed[cursor++]!
          if (!state.isRead(userId)) return userId
        }
        if (state.listing.done) return undefined
        await moreListed.promise
      }
    }
    await Promise.all([listUsers(), readUsers(nextListed)])
  }

  async function readPerGroup(): Promise<void> {
    await Promise.all([listUsers(), ...state.groupNames.map((_name, groupId) => readGroup(groupId))])
  }

  /** What appeared while the rest was read. */
  async function readLate(): Promise<void> {
    if (start.strategy === 'per-group') await Promise.all(state.lateGroups().map(readGroup))
    const unlisted = state.unlisted().filter(userId => !state.isRead(userId))
    await readUsers(async () => unlisted.pop())
  }

  try {
    await (start.strategy === 'per-group' ? readPerGroup() : readPerUser())
    if (state.end === undefined) await keep({ kind: 'end', groups: (await listGroups(api, signal)).map(toRecord) })
    await readLate()
  } catch (error) {
    stop.abort(error)
    throw error
  }
  const reading = { groups: state.end!, changes: state.changes(), users: state.memberships }
  onEvent({ type: 'read', groups: reading.groups, changes: reading.changes })
  return reading
}

/** What reading a pool would cost: two calls or a few more, and nothing is read. */
export async function estimatePool(options: ReadPoolOptions): Promise<ReadEstimate> {
  return estimateOf(await readStart(patient(options, options.signal), options, options.signal), options)
}

const WORKERS = 50

/** Node 20 has no `Promise.withResolvers`. */
function withResolvers() {
  let resolve!: () => void
  const promise = new Promise<void>(done => {
    resolve = done
  })
  return { promise, resolve }
}

/** Priorities of calls that wait for one quota. */
const FIRST = Number.MAX_SAFE_INTEGER
const SECOND = FIRST - 1

type ReadApi = Pick<
  UserPoolApi,
  'userPoolId' | 'listGroups' | 'listUsers' | 'listUsersInGroup' | 'adminListGroupsForUser' | 'describeUserPool'
>

const RETRIES = 10

/** The API, asking again for what may come out better the next time. */
function patient({ api, retryDelay, onEvent }: ReadPoolOptions, signal: AbortSignal): ReadApi {
  const again =
    <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>) =>
    (...args: A): Promise<T> =>
      pRetry(() => call(...args), {
        retries: RETRIES,
        minTimeout: retryDelay,
        maxTimeout: 30_000,
        randomize: true,
        signal,
        shouldRetry: ({ error }) => isRolecastError(error) && error.retryable,
        onFailedAttempt: ({ error, retriesLeft }) => {
          if (isRolecastError(error) && error.retryable && retriesLeft > 0) onEvent({ type: 'retry', error })
        },
      }).catch(error => {
        // Between two attempts it rejects with whatever the signal was aborted for.
        if (error !== signal.reason || isRolecastError(error)) throw error
        throw new RolecastError(
          'aborted',
          `the reading of user pool \`${api.userPoolId}\` was aborted; read it again without an aborted signal`,
          { cause: error },
        )
      })
  return {
    userPoolId: api.userPoolId,
    listGroups: again(api.listGroups),
    listUsers: again(api.listUsers),
    listUsersInGroup: again(api.listUsersInGroup),
    adminListGroupsForUser: again(api.adminListGroupsForUser),
    describeUserPool: again(api.describeUserPool),
  }
}

/** As a checkpoint has it. */
function toRecord({ groupName, precedence, roleArn }: Group) {
  return { groupName, precedence: precedence ?? null, roleArn: roleArn ?? null }
}

async function listGroups(api: ReadApi, signal: AbortSignal): Promise<readonly Group[]> {
  const { byName } = await listAllGroups(api, signal)
  return [...byName.values()].flatMap(({ group }) => group ?? [])
}

async function readStart(api: ReadApi, options: ReadPoolOptions, signal: AbortSignal): Promise<StartRecord> {
  const [groups, estimatedUsers] = await Promise.all([listGroups(api, signal), countUsers(api, signal)])
  const { strategy } = estimateRead({ ...options, users: estimatedUsers, groups: groups.length })
  return { kind: 'start', strategy, estimatedUsers: estimatedUsers ?? null, groups: groups.map(toRecord) }
}

/** Whoever may not ask for it can read the pool all the same, and has no estimate. */
async function countUsers(api: ReadApi, signal: AbortSignal): Promise<number | undefined> {
  try {
    return (await api.describeUserPool(signal)).estimatedUsers
  } catch (error) {
    if (isRolecastError(error) && error.code === 'not-authorized') return undefined
    throw error
  }
}

/** The estimate that the start of a reading stands on, also when it goes on later. */
function estimateOf(
  { strategy, estimatedUsers, groups }: StartRecord,
  { membershipsPerUser, rates }: ReadPoolOptions,
): ReadEstimate {
  return estimateRead({
    users: estimatedUsers ?? undefined,
    groups: groups.length,
    membershipsPerUser,
    rates,
    strategy,
  })
}

/**
 * Reads pages to the end. A token may be refused that was good once, because it is too old: then the chain begins
 * again, and what it had read already counts once.
 */
async function readChain(
  chain: Chain,
  context: UserPoolCall,
  readPage: (token: string | undefined) => Promise<void>,
): Promise<void> {
  let refuseCircle = createCircleCheck(context)
  let restarts = 0
  let again = false
  while (!chain.done) {
    const token = again ? undefined : (chain.next ?? undefined)
    try {
      await readPage(token)
      again = false
      refuseCircle(chain.next ?? undefined)
    } catch (error) {
      const tokenRefused = isRolecastError(error) && error.code === 'request-refused' && token !== undefined
      if (!tokenRefused || ++restarts > MOST_RESTARTS) throw error
      again = true
      refuseCircle = createCircleCheck(context)
    }
  }
}

const MOST_RESTARTS = 3
