import { setMaxListeners } from 'node:events'
import pRetry from 'p-retry'
import { isRolecastError, RolecastError, quote } from '../../errors.js'
import type { Group, UserGroups } from '../../group.js'
import type { Checkpoint } from './checkpoint.js'
import { estimateRead, type ReadEstimate, type ReadRates, type ReadStrategy } from './estimate.js'
import type { UserPoolCall } from '../api/api-error.js'
import { type Pagination, createState, parseRecord, type ReadRecord, type StartRecord } from './read-state.js'
import { createPaginationGuard, listAllGroups, listGroupsOfUser, type UserPoolApi } from '../api/user-pool-api.js'
import type { PoolChange } from '../../audit/pool-change.js'

export interface ReadPoolOptions {
  readonly api: UserPoolApi
  readonly rates: ReadRates
  readonly strategy?: ReadStrategy | undefined
  readonly membershipsPerUser: number
  /** Each page is added to it, and the pages that it has are not read again. */
  readonly checkpoint?: Checkpoint | undefined
  readonly signal: AbortSignal
  readonly onEvent: (event: ReadEvent) => void
  /** Milliseconds before a page is requested again; doubled each time, up to 30 seconds. */
  readonly retryDelay: number
}

export type ReadEvent =
  /** Once, before the first membership is read. */
  | { readonly type: 'estimate'; readonly estimate: ReadEstimate; readonly groups: readonly Group[] }
  /** After each page, and first with those of a checkpoint. */
  | { readonly type: 'progress'; readonly progress: ReadProgress }
  /** A page could not be read, and will be requested again. */
  | { readonly type: 'retry'; readonly error: RolecastError }
  /** All pages are read: the groups as they are now, and what changed meanwhile. */
  | { readonly type: 'read'; readonly groups: readonly Group[]; readonly changes: readonly PoolChange[] }

export interface ReadProgress {
  /** Pages read, those of a checkpoint included. */
  readonly pages: number
  /** Pages left, estimated. */
  readonly left: number
  readonly users: number
}

/** All memberships of a pool. */
export interface PoolReading {
  /** As they were after everything else was read. */
  readonly groups: readonly Group[]
  readonly changes: readonly PoolChange[]
  /** Each user once: in the order of ListUsers, then the users it did not list by name. Groups in the order of ListGroups. */
  users(): Generator<UserGroups, void>
}

/**
 * Reads every membership of a pool, in the faster of two ways: the users of each group, or the groups of each user.
 *
 * All or nothing: a page that cannot be read is requested again, and if that does not help the promise rejects. The pages
 * read until then are in the checkpoint.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsersInGroup.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminListGroupsForUser.html
 */
export async function readPool(options: ReadPoolOptions): Promise<PoolReading> {
  const { checkpoint, onEvent } = options
  const stop = new AbortController()
  const signal = AbortSignal.any([options.signal, stop.signal])
  // Each pagination that waits for its turn listens.
  setMaxListeners(0, signal)
  const api = withRetries(options, signal)
  const state = createState()
  for await (const record of checkpoint?.records() ?? []) state.apply(parseRecord(record))

  /** Adds a page to the state at once, and to the checkpoint before any request that follows from it. */
  async function add(record: ReadRecord): Promise<void> {
    state.apply(record)
    await checkpoint?.append(record)
    reportProgress()
  }
  let expected: number | undefined
  function reportProgress(): void {
    // Without the estimate the number of pages left is unknown.
    if (expected === undefined) return
    const left = Math.max(expected - state.pages, state.end === undefined ? 1 : 0)
    onEvent({ type: 'progress', progress: { pages: state.pages, left, users: state.users } })
  }

  if (state.start === undefined) await add(await readStart(api, options, signal))
  const start = state.start!
  const estimate = estimateOf(start, options)
  onEvent({ type: 'estimate', estimate, groups: start.groups })
  expected = estimate[start.strategy === 'per-group' ? 'perGroup' : 'perUser'].totalCalls
  reportProgress()

  let moreListed = withResolvers()
  async function listUsers(): Promise<void> {
    await readPages(state.listing, { operation: 'ListUsers', userPoolId: api.userPoolId }, async token => {
      const { usernames, nextToken } = await api.listUsers(token, signal, FIRST)
      await add({ kind: 'users', usernames, next: nextToken ?? null })
      moreListed.resolve()
      moreListed = withResolvers()
    })
  }

  async function readGroup(groupId: number): Promise<void> {
    const pagination = state.paginationOf(groupId)
    const groupName = state.groupNames[groupId]!
    await readPages(
      pagination,
      { operation: 'ListUsersInGroup', userPoolId: api.userPoolId, groupName },
      async token => {
        // First pages first: they show which groups are large. Then the largest known group goes on first.
        const priority = pagination.pages === 0 ? SECOND : pagination.pages
        const page = await api.listUsersInGroup(groupName, token, signal, priority)
        await add(
          page === undefined
            ? { kind: 'group', group: groupId, usernames: [], next: null, gone: true }
            : { kind: 'group', group: groupId, usernames: page.usernames, next: page.nextToken ?? null },
        )
      },
    )
  }

  async function readUser(userId: number): Promise<void> {
    const groups = await listGroupsOfUser(api, state.username(userId), signal)
    await add(
      groups === undefined
        ? { kind: 'user', user: userId, groups: [], gone: true }
        : { kind: 'user', user: userId, groups: groups.map(group => group.groupName) },
    )
  }

  /** Reads the users that `next` gives, as many at once as can be under way. */
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

  /** Reads the groups and users that appeared while the rest was read. */
  async function readLate(): Promise<void> {
    if (start.strategy === 'per-group') await Promise.all(state.lateGroups().map(readGroup))
    const unlisted = state.unlisted().filter(userId => !state.isRead(userId))
    await readUsers(async () => unlisted.pop())
  }

  try {
    await (start.strategy === 'per-group' ? readPerGroup() : readPerUser())
    if (state.end === undefined) await add({ kind: 'end', groups: (await listGroups(api, signal)).map(toRecord) })
    await readLate()
  } catch (error) {
    stop.abort(error)
    throw error
  }
  const reading = { groups: state.end!, changes: state.changes(), users: state.memberships }
  onEvent({ type: 'read', groups: reading.groups, changes: reading.changes })
  return reading
}

/** Estimates the cost of reading a pool, with two calls or a few more. */
export async function estimatePool(options: ReadPoolOptions): Promise<ReadEstimate> {
  return estimateOf(await readStart(withRetries(options, options.signal), options, options.signal), options)
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

/** The API with retries of what fails with a retryable error. */
function withRetries({ api, retryDelay, onEvent }: ReadPoolOptions, signal: AbortSignal): ReadApi {
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
        // Between two attempts it rejects with the signal's reason.
        if (error !== signal.reason || isRolecastError(error)) throw error
        throw new RolecastError(
          'aborted',
          `the reading of user pool ${quote(api.userPoolId)} was aborted; read it again without an aborted signal`,
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

/** The form of a group in a checkpoint. */
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

/** Undefined without the permission: the pool can be read all the same, but the number of users is unknown. */
async function countUsers(api: ReadApi, signal: AbortSignal): Promise<number | undefined> {
  try {
    return (await api.describeUserPool(signal)).estimatedUsers
  } catch (error) {
    if (isRolecastError(error) && error.code === 'not-authorized') return undefined
    throw error
  }
}

/** The estimate at the start of a reading, also after it was resumed. */
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
 * Reads pages to the end. Cognito rejects a token that has expired: then the pagination starts again, and what was read
 * before counts once.
 */
async function readPages(
  pagination: Pagination,
  context: UserPoolCall,
  readPage: (token: string | undefined) => Promise<void>,
): Promise<void> {
  let checkToken = createPaginationGuard(context)
  let restarts = 0
  let again = false
  while (!pagination.done) {
    const token = again ? undefined : (pagination.next ?? undefined)
    try {
      await readPage(token)
      again = false
      checkToken(pagination.next ?? undefined)
    } catch (error) {
      const tokenRejected = isRolecastError(error) && error.code === 'request-rejected' && token !== undefined
      if (!tokenRejected || ++restarts > MAX_RESTARTS) throw error
      again = true
      checkToken = createPaginationGuard(context)
    }
  }
}

const MAX_RESTARTS = 3
