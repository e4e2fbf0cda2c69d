import { setMaxListeners } from 'node:events'
import pRetry from 'p-retry'
import { onAbort } from '../../abort.js'
import { isRolecastError, RolecastError, quote } from '../../errors.js'
import { userPoolRegion } from '../../aws-ids.js'
import type { AuditReading } from '../../audit/audit-reading.js'
import type { PoolUser } from '../../audit/pool-user.js'
import type { Group } from '../../group.js'
import type { Checkpoint } from './checkpoint.js'
import { costOf, estimateRead, type ReadEstimate, type ReadRates, type ReadStrategy } from './estimate.js'
import { createCountdown } from './pages-left.js'
import type { UserPoolCall } from '../api/api-error.js'
import {
  type Pagination,
  createState,
  digitOf,
  type GroupRecord,
  parseRecord,
  type ReadRecord,
  type ReadState,
  type StartRecord,
} from './read-state.js'
import {
  createPaginationGuard,
  filterOn,
  type ListedDetails,
  listGroupsOfPool,
  listGroupsOfUser,
  MAX_FILTER,
  type PoolDescription,
  type UserPoolApi,
} from '../api/user-pool-api.js'
import type { QuotaName } from '../api/user-pool-call.js'
import type { PoolChange } from '../../audit/pool-change.js'

export interface ReadPoolOptions {
  readonly api: UserPoolApi
  readonly rates: ReadRates
  readonly strategy?: ReadStrategy | undefined
  readonly membershipsPerUser: number
  /** The attributes that the API asks for. */
  readonly attributes: readonly string[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Each page is added to it, and the pages that it has are not read again. */
  readonly checkpoint?: Checkpoint | undefined
  readonly signal: AbortSignal
  /** Must not throw. */
  readonly onEvent: (event: ReadEvent) => void
  /** Called with the groups before the users are read, which may take hours. What it throws ends the reading. */
  readonly checkGroups?: ((groups: readonly Group[]) => void) | undefined
  /** Milliseconds before a page is requested again; doubled each time, up to 30 seconds. */
  readonly retryDelay: number
}

/** What happens while a pool is read. */
export type ReadEvent =
  /** Once, before the estimate, if pages of a checkpoint are used: they say what was true from `startedAt` on. */
  | { readonly type: 'resumed'; readonly startedAt: string; readonly ageInMs: number; readonly pages: number }
  /** Once, before the first membership is read. */
  | { readonly type: 'estimate'; readonly estimate: ReadEstimate; readonly groups: readonly Group[] }
  /** After each page, and first with those of a checkpoint. */
  | { readonly type: 'progress'; readonly progress: ReadProgress }
  /** A page could not be read, and will be requested again. */
  | { readonly type: 'retry'; readonly error: RolecastError }
  /**
   * Cognito throttled a quota, and its calls a second fell; or they are back at what they were. The quota is named
   * after one operation: ListUsersInGroup shares that of ListUsers.
   */
  | { readonly type: 'rate'; readonly quota: QuotaName; readonly perSecond: number; readonly isThrottled: boolean }
  /**
   * The users were listed by the first digit of their `sub`, or were to be, and now they are listed again in one list,
   * which takes longer: the filter was rejected; its pages have users of other digits, or are nearly empty; or fewer
   * users were found than Cognito's estimate says, or not all of the first page.
   */
  | { readonly type: 'relist'; readonly reason: 'rejected' | 'not-filtered' | 'fewer-users' }
  /** All pages are read: the groups as they are now, and what changed meanwhile. */
  | {
      readonly type: 'read'
      readonly groups: readonly Group[]
      readonly changes: readonly PoolChange[]
      /** Where it comes from, and when it was read. */
      readonly reading: AuditReading
      readonly users: number
      /** Cognito's own estimate at the start. Many fewer users than that are a reason to doubt the lists. */
      readonly estimatedUsers: number | undefined
    }

/** How much of a pool was read. */
export interface ReadProgress {
  /** Pages read, those of a checkpoint included. */
  readonly pages: number
  /** Pages left, estimated. */
  readonly left: number
  /** Users found so far. */
  readonly users: number
}

/** All memberships of a pool. */
export interface PoolReading {
  /** As they were after everything else was read. */
  readonly groups: readonly Group[]
  readonly changes: readonly PoolChange[]
  readonly about: AuditReading
  /**
   * Each user once: in the order of ListUsers, then the users it did not list by name. Groups in the order of
   * ListGroups.
   */
  users(): Generator<PoolUser, void>
}

/**
 * Reads every membership of a pool, in the faster of two ways: the users of each group, or the groups of each user.
 *
 * All or nothing: a page that cannot be read is requested again, and if that does not help the promise rejects. The pages
 * read until then are in the checkpoint.
 *
 * Groups that appear or are replaced meanwhile are read at the end, by their members. Every operation that may be needed is
 * called once at the beginning, so that a permission that is missing ends the reading then and not after hours.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsersInGroup.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminListGroupsForUser.html
 */
export async function readPool(options: ReadPoolOptions): Promise<PoolReading> {
  const stop = new AbortController()
  const ignoreOuter = onAbort(options.signal, () => stop.abort(options.signal.reason))
  try {
    return await readWhole(options, stop)
  } finally {
    ignoreOuter()
  }
}

async function readWhole(options: ReadPoolOptions, stop: AbortController): Promise<PoolReading> {
  const { checkpoint, onEvent } = options
  const { signal } = stop
  // Each pagination that waits for its turn listens.
  setMaxListeners(0, signal)
  const api = withRetries(options, signal)
  const state = createState()
  for await (const record of checkpoint?.records() ?? []) state.apply(parseRecord(record))
  if (checkpoint !== undefined && state.pages > 0) {
    onEvent({ type: 'resumed', startedAt: checkpoint.startedAt, ageInMs: checkpoint.age, pages: state.pages })
  }

  /** Adds a page to the state immediately, and to the checkpoint before any request that depends on it. */
  async function add(record: ReadRecord): Promise<void> {
    state.apply(record)
    await checkpoint?.append(record)
    reportProgress()
  }
  let left: ((state: ReadState) => number) | undefined
  function reportProgress(): void {
    // Without the estimate the number of pages left is unknown.
    if (left === undefined) return
    onEvent({ type: 'progress', progress: { pages: state.pages, left: left(state), users: state.users } })
  }

  if (state.start === undefined) await add(await readStart(api, options, signal))
  const start = state.start!
  const estimate = estimateOf(start, options)
  const startGroups = start.groups.map(toGroup)
  options.checkGroups?.(startGroups)
  onEvent({ type: 'estimate', estimate, groups: startGroups })
  left = createCountdown(estimate)
  reportProgress()

  const time = () => new Date(options.now()).toISOString()
  /** The time of a record that comes after the end, of which the last says when the reading ended. */
  const ifLate = () => state.end !== undefined && { at: time() }

  let moreListed = withResolvers()
  let isListed = false
  const listingCall: UserPoolCall = { operation: 'ListUsers', userPoolId: api.userPoolId }
  function tellListed(): void {
    moreListed.resolve()
    moreListed = withResolvers()
  }

  async function listPage(part: number, token: string | undefined): Promise<void> {
    const isPart = start.parts > 1 && part < start.parts
    const filter = isPart ? filterOn('sub', '^=', digitOf(part)) : undefined
    // Parts fill what the groups leave of the quota: there are enough of them at the end to use all of it.
    const priority = isPart && token !== undefined ? LAST : FIRST
    const { users, nextToken } = await api.listUsers(token, signal, priority, filter)
    await add({ kind: 'users', part, users, next: nextToken ?? null })
    tellListed()
  }

  async function listUsers(): Promise<void> {
    const whole = state.listings.length - 1
    if (start.parts > 1) {
      if (state.whole.pages === 0) await listPage(whole, undefined)
      if (state.whole.pages === 1 && !state.whole.done) {
        const reason = await listParts()
        if (reason === undefined) return
        onEvent({ type: 'relist', reason })
      }
    }
    await readPages(state.whole, listingCall, token => listPage(whole, token))
  }

  async function listAllUsers(): Promise<void> {
    if (state.end === undefined) await listUsers()
    isListed = true
    tellListed()
  }

  /** Lists the users part by part. Returns why these may not be all users: then the list of all has to be read. */
  async function listParts(): Promise<Extract<ReadEvent, { readonly type: 'relist' }>['reason'] | undefined> {
    let isRejected = false
    await Promise.all(
      state.listings.slice(0, start.parts).map(async (listing, part) => {
        const pagination: Pagination = {
          get pages() {
            return listing.pages
          },
          get next() {
            return listing.next
          },
          get done() {
            return listing.done || isRejected || !state.isSplitSound
          },
        }
        await readPages(pagination, listingCall, token => listPage(part, token)).catch(error => {
          if (!isRolecastError(error) || error.code !== 'request-rejected') throw error
          isRejected = true
        })
      }),
    )
    if (isRejected) return 'rejected'
    if (!state.isSplitSound) return 'not-filtered'
    const isAll = state.listed.length >= (start.estimatedUsers ?? 0) && (await areGone(state.notInParts()))
    return isAll ? undefined : 'fewer-users'
  }

  /** Whether none of these users exists any more. If so, records that. */
  async function areGone(userIds: readonly number[]): Promise<boolean> {
    const unknown = userIds.filter(userId => !state.isGone(userId))
    for (const userId of unknown) {
      if ((await api.adminListGroupsForUser(state.username(userId), undefined, signal)) !== undefined) return false
    }
    for (const user of unknown) await add({ kind: 'user', user, groups: [], gone: true })
    return true
  }

  async function readGroup(groupId: number): Promise<void> {
    const pagination = state.paginationOf(groupId)
    const groupName = state.groupNames[groupId]!
    await readPages(
      pagination,
      { operation: 'ListUsersInGroup', userPoolId: api.userPoolId, groupName },
      async token => {
        // First pages first: they show which groups are large. Then the largest known group continues first.
        const priority = pagination.pages === 0 ? SECOND : pagination.pages
        const page = await api.listUsersInGroup(groupName, token, signal, priority)
        await add(
          page === undefined
            ? { kind: 'group', group: groupId, usernames: [], next: null, gone: true, ...ifLate() }
            : { kind: 'group', group: groupId, usernames: page.usernames, next: page.nextToken ?? null, ...ifLate() },
        )
      },
    )
  }

  async function readUser(userId: number): Promise<void> {
    const groups = await listGroupsOfUser(api, state.username(userId), signal)
    await add(
      groups === undefined
        ? { kind: 'user', user: userId, groups: [], gone: true, ...ifLate() }
        : { kind: 'user', user: userId, groups: groups.map(group => group.groupName), ...ifLate() },
    )
  }

  /** Reads what the list of users would return for a user that is missing from it. */
  async function readDetails(userId: number): Promise<void> {
    const details = await findDetails(api, state.username(userId), signal)
    await add({ kind: 'details', user: userId, details: details ?? {}, at: time() })
  }

  /** Reads the users that `next` gives, as many in parallel as the limits allow. */
  async function readUsers(next: () => Promise<number | undefined>, read = readUser): Promise<void> {
    const worker = async () => {
      for (let userId = await next(); userId !== undefined; userId = await next()) await read(userId)
    }
    await Promise.all(Array.from({ length: WORKERS }, worker))
  }

  /** Calls the operation that is needed only for groups and users that appear meanwhile. */
  async function checkOtherOperation(): Promise<void> {
    if (state.end !== undefined) return
    if (start.strategy === 'per-user') {
      const [group] = start.groups
      if (group !== undefined) await api.listUsersInGroup(group.groupName, undefined, signal, FIRST)
      return
    }
    while (state.listed.length === 0) {
      if (isListed) return
      await moreListed.promise
    }
    const [userId] = state.listed
    if (userId !== undefined) await api.adminListGroupsForUser(state.username(userId), undefined, signal)
  }

  async function readPerUser(): Promise<void> {
    let cursor = 0
    const nextListed = async () => {
      for (;;) {
        while (cursor < state.listed.length) {
          const userId = state.listed[cursor++]!
          if (!state.isRead(userId)) return userId
        }
        if (isListed) return undefined
        await moreListed.promise
      }
    }
    await Promise.all([checkOtherOperation(), listAllUsers(), readUsers(nextListed)])
  }

  async function readPerGroup(): Promise<void> {
    await Promise.all([
      checkOtherOperation(),
      listAllUsers(),
      ...state.groupNames.map((_name, groupId) => readGroup(groupId)),
    ])
  }

  /** Reads the groups and users that appeared while the rest was read. */
  async function readLate(): Promise<void> {
    await Promise.all(state.lateGroups().map(readGroup))
    const unread = state.unlisted().filter(userId => !state.isRead(userId))
    await readUsers(async () => unread.pop())
    const unknown = state.unlisted().filter(userId => !state.isGone(userId) && !state.hasDetails(userId))
    await readUsers(async () => unknown.pop(), readDetails)
  }

  try {
    await (start.strategy === 'per-group' ? readPerGroup() : readPerUser())
    if (state.end === undefined) await add({ kind: 'end', groups: await listGroups(api, signal), at: time() })
    await readLate()
  } catch (error) {
    stop.abort(error)
    throw error
  }
  const reading = {
    groups: state.end!.map(toGroup),
    changes: state.changes(),
    about: describe(api.userPoolId, start, state.endedAt!),
    users: state.memberships,
  }
  const { users } = state
  onEvent({
    type: 'read',
    groups: reading.groups,
    changes: reading.changes,
    reading: reading.about,
    users,
    estimatedUsers: estimate.users,
  })
  return reading
}

/** Estimates the cost of reading a pool, with two calls or a few more. */
export async function estimatePool(options: ReadPoolOptions): Promise<ReadEstimate> {
  const start = await readStart(withRetries(options, options.signal), options, options.signal)
  options.checkGroups?.(start.groups.map(toGroup))
  return estimateOf(start, options)
}

/**
 * Calls every operation once that reading the pool may need: rejects if one of them fails. For a pool without users or
 * without groups, those that need one are not called.
 */
export async function checkAccess(options: ReadPoolOptions): Promise<void> {
  const { signal } = options
  const api = withRetries(options, signal)
  const { groups } = await api.listGroups(undefined, signal)
  const checkToken = createPaginationGuard({ operation: 'ListUsers', userPoolId: api.userPoolId })
  let users = await api.listUsers(undefined, signal)
  while (users.users.length === 0 && users.nextToken !== undefined) {
    checkToken(users.nextToken)
    users = await api.listUsers(users.nextToken, signal)
  }
  const [group] = groups
  const username = users.users[0]?.username
  await Promise.all([
    group && api.listUsersInGroup(group.groupName, undefined, signal),
    username === undefined ? undefined : api.adminListGroupsForUser(username, undefined, signal),
  ])
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
const LAST = 0

type ReadApi = Pick<
  UserPoolApi,
  'userPoolId' | 'listGroups' | 'listUsers' | 'listUsersInGroup' | 'adminListGroupsForUser' | 'describeUserPool'
>

/** Retries for failures that are usually temporary: a server error, a dropped connection. */
const RETRIES = 10
/** Throttled calls of one quota in a row: minutes, at the rate that they fall to. */
const MAX_THROTTLED = 120
/** Attempts of one call that were throttled while no other call of its quota succeeded: minutes, with the waits between. */
const MAX_THROTTLED_ATTEMPTS = 12
/** For failures that may be temporary or a faulty set-up: a proxy's login page, truncated JSON. */
const RETRIES_IF_MALFORMED = 3

/**
 * The API with retries of temporary failures. A call that was throttled is sent again as long as some calls of its quota
 * succeed.
 */
function withRetries({ api, retryDelay, onEvent }: ReadPoolOptions, signal: AbortSignal): ReadApi {
  const again = <A extends readonly unknown[], T>(call: (...args: A) => Promise<T>, quota = newQuota()) => {
    return (...args: A): Promise<T> => {
      const mayRetry = createRetryBudget(quota)
      return pRetry(
        async () => {
          const response = await call(...args)
          quota.throttled = 0
          quota.successes++
          return response
        },
        {
          // The budget counts them by kind.
          retries: Infinity,
          minTimeout: retryDelay,
          maxTimeout: 30_000,
          randomize: true,
          signal,
          shouldRetry({ error }) {
            if (!isRolecastError(error) || !mayRetry(error)) return false
            onEvent({ type: 'retry', error })
            return true
          },
        },
      ).catch(error => {
        // Between two attempts it rejects with the signal's reason.
        if (error !== signal.reason || isRolecastError(error)) throw error
        throw new RolecastError(
          'aborted',
          `reading user pool ${quote(api.userPoolId)} was aborted; call again with a signal that is not aborted`,
          { cause: error },
        )
      })
    }
  }
  const users = newQuota()
  return {
    userPoolId: api.userPoolId,
    listGroups: again(api.listGroups),
    listUsers: again(api.listUsers, users),
    listUsersInGroup: again(api.listUsersInGroup, users),
    adminListGroupsForUser: again(api.adminListGroupsForUser),
    describeUserPool: again(api.describeUserPool),
  }
}

/** The recent results of the calls of one quota. */
interface QuotaState {
  /** Throttled since the last call that succeeded. */
  throttled: number
  successes: number
}

const newQuota = (): QuotaState => ({ throttled: 0, successes: 0 })

/** Says of each failure of one call whether it is worth another attempt. */
function createRetryBudget(quota: QuotaState): (error: RolecastError) => boolean {
  let { successes } = quota
  let throttled = 0
  let failed = 0
  let malformed = 0
  return error => {
    if (error.code === 'throttled') {
      if (successes !== quota.successes) throttled = 0
      successes = quota.successes
      return ++quota.throttled <= MAX_THROTTLED && ++throttled <= MAX_THROTTLED_ATTEMPTS
    }
    if (error.retryable) return ++failed <= RETRIES
    return isPerhapsOfProxy(error) && ++malformed <= RETRIES_IF_MALFORMED
  }
}

/** Whether a response may come from a proxy: Cognito names its exceptions. */
function isPerhapsOfProxy({ code, cause }: RolecastError): boolean {
  if (code === 'malformed-response') return true
  return code === 'not-authorized' && cause instanceof Error && /^(Unknown|UnknownError)$/.test(cause.name)
}

function toGroup({ groupName, precedence, roleArn }: GroupRecord): Group {
  return { groupName, precedence, roleArn }
}

/** The groups in the form that a checkpoint has. */
async function listGroups(api: ReadApi, signal: AbortSignal): Promise<readonly GroupRecord[]> {
  const { byName, createdAt } = await listGroupsOfPool(api, signal)
  return [...byName.values()]
    .flatMap(({ group }) => group ?? [])
    .map(({ groupName, precedence, roleArn }) => ({
      groupName,
      precedence: precedence ?? null,
      roleArn: roleArn ?? null,
      createdAt: createdAt.get(groupName) ?? null,
    }))
}

async function readStart(api: ReadApi, options: ReadPoolOptions, signal: AbortSignal): Promise<StartRecord> {
  const at = new Date(options.now()).toISOString()
  const [groups, pool] = await Promise.all([listGroups(api, signal), describePool(api, signal)])
  const estimate = estimateRead({ ...options, users: pool?.estimatedUsers, groups: groups.length })
  return {
    kind: 'start',
    at,
    poolName: pool?.name ?? null,
    account: pool?.account ?? null,
    region: pool?.region ?? userPoolRegion(api.userPoolId) ?? null,
    strategy: estimate.strategy,
    parts: costOf(estimate).parts,
    attributes: options.attributes,
    estimatedUsers: pool?.estimatedUsers ?? null,
    groups,
  }
}

function describe(userPoolId: string, start: StartRecord, endedAt: string): AuditReading {
  const { poolName, account, region, at, strategy, attributes, estimatedUsers } = start
  return {
    source: 'cognito',
    userPoolId,
    ...(poolName !== null && { poolName }),
    ...(account !== null && { account }),
    ...(region !== null && { region }),
    startedAt: at,
    endedAt,
    strategy,
    ...(attributes.length > 0 && { attributes }),
    ...(estimatedUsers !== null && { estimatedUsers }),
  }
}

/**
 * What the list of users returns for one user, who may be in it by now. Undefined if not, or if it cannot be read.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html
 */
async function findDetails(api: ReadApi, username: string, signal: AbortSignal): Promise<ListedDetails | undefined> {
  const filter = filterOn('username', '=', username)
  if (filter.length > MAX_FILTER) return undefined
  const checkToken = createPaginationGuard({ operation: 'ListUsers', userPoolId: api.userPoolId, username })
  let token: string | undefined
  do {
    let page: Awaited<ReturnType<ReadApi['listUsers']>>
    try {
      page = await api.listUsers(token, signal, FIRST, filter)
    } catch (error) {
      // The user's groups are known, and matter more than the details that a filter cannot find.
      if (isRolecastError(error) && error.code === 'request-rejected') return undefined
      throw error
    }
    const found = page.users.find(user => user.username === username)
    if (found !== undefined) {
      const { username: _same, ...details } = found
      return details
    }
    checkToken(page.nextToken)
    token = page.nextToken
  } while (token !== undefined)
  return undefined
}

/** Undefined without the permission: the pool can still be read, but the number of users is unknown. */
async function describePool(api: ReadApi, signal: AbortSignal): Promise<PoolDescription | undefined> {
  try {
    return await api.describeUserPool(signal)
  } catch (error) {
    if (isRolecastError(error) && error.code === 'not-authorized') return undefined
    throw error
  }
}

/** The estimate at the start of a reading, also after it was resumed. */
function estimateOf(
  { strategy, parts, estimatedUsers, groups }: StartRecord,
  { membershipsPerUser, rates }: ReadPoolOptions,
): ReadEstimate {
  return estimateRead({
    users: estimatedUsers ?? undefined,
    groups: groups.length,
    membershipsPerUser,
    rates,
    strategy,
    parts,
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
