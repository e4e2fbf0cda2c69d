import type { GetGroupCommand, ListGroupsCommand } from '@aws-sdk/client-cognito-identity-provider'
import pLimit from 'p-limit'
import type { z } from 'zod'
import { quote, RolecastError } from '../errors.js'
import type { Group } from '../group.js'
import { orAbort } from './abort.js'
import { type CallContext, failure, toFailure } from './failure.js'
import { firstIssue, getGroupAnswer, listGroupsAnswer, toGroup } from './group-type.js'
import { amount, type ConnectionOptions, LONGEST_TIMER } from './options.js'


/** What rolecast needs of `CognitoIdentityProviderClient`: a `send` that takes the two read commands. */
export interface CognitoClient {
  send(command: GetGroupCommand, options?: { abortSignal?: AbortSignal }): Promise<unknown>
  send(command: ListGroupsCommand, options?: { abortSignal?: AbortSignal }): Promise<unknown>
}

export interface UserPoolApiOptions extends ConnectionOptions {
  readonly userPoolId: string
  readonly clock: () => number
  /** Told of each call as it is sent; for ListGroups without a name. */
  readonly onCall: (groupName: string | undefined) => void
}

/** When a request went out. */
interface Sent {
  /** By the clock: the answer is at least as young as this. */
  readonly fetchedAt: number
  /** Its number among the requests: a clock has ties, and can be set back. */
  readonly order: number
}

/** What Cognito said of one group. */
export interface GroupAnswer extends Sent {
  /** Milliseconds for which it is fresh, where that is not the usual time. */
  readonly freshFor?: number
  /** Absent where Cognito knows no such group. */
  readonly group: Group | undefined
}

interface GroupPage extends Sent {
  readonly groups: readonly Group[]
  readonly nextToken: string | undefined
}

export interface UserPoolApi {
  readonly userPoolId: string
  /** Milliseconds for one call. */
  readonly timeout: number
  getGroup(groupName: string, signal: AbortSignal): Promise<GroupAnswer>
  listGroups(nextToken: string | undefined, signal: AbortSignal): Promise<GroupPage>
}

/** The most groups that ListGroups gives at once, and what we ask for. */
export const PAGE_SIZE = 60

/**
 * GetGroup and ListGroups of one user pool: limited in rate and time, parsed, and failing with typed errors only.
 *
 * The SDK is loaded by the first call and not before, so that importing this costs nothing to who never calls.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GetGroup.html
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListGroups.html
 */
export function createUserPoolApi(options: UserPoolApiOptions): UserPoolApi {
  const { userPoolId, clock, onCall } = options
  const timeout = amount(options, 'timeout', 5_000, 1, LONGEST_TIMER)
  const requestsPerSecond = amount(options, 'requestsPerSecond', 5, 0.001)
  const concurrency = amount(options, 'concurrency', 5, 1)
  const region = regionOf(options)
  const limit = createLimiter(requestsPerSecond, concurrency)

  let requests = 0
  let loading: Promise<Loaded> | undefined
  function load(): Promise<Loaded> {
    loading ??= import('@aws-sdk/client-cognito-identity-provider').then(sdk => ({ sdk, client: options.client ?? newClient(sdk) }))
    return loading
  }
  function newClient(sdk: Sdk): CognitoClient {
    const { endpoint, profile } = options
    return new sdk.CognitoIdentityProviderClient({
      ...(region !== undefined && { region }),
      ...(endpoint !== undefined && { endpoint }),
      ...(profile !== undefined && { profile }),
    })
  }

  async function call(context: CallContext, request: Request, signal: AbortSignal): Promise<Answered> {
    const deadline = new AbortController()
    let sent: Sent | undefined
    const send = async ({ client, sdk }: Loaded) => {
      const timer = setTimeout(() => deadline.abort(), timeout)
      try {
        onCall(context.groupName)
        sent = { fetchedAt: clock(), order: ++requests }
        return await orAbort(request(client, sdk, AbortSignal.any([signal, deadline.signal])), deadline.signal)
      } finally {
        clearTimeout(timer)
      }
    }
    try {
      const loaded = await load()
      const answer = await limit(() => send(loaded), signal)
      return { answer, sent: sent! }
    } catch (cause) {
      if (signal.aborted) throw failure('aborted', context, { cause: signal.reason })
      if (deadline.signal.aborted) throw failure('timeout', context, { cause, note: `${timeout} ms` })
      if (isMissingGroup(cause, context)) return { answer: MISSING_GROUP, sent: sent! }
      throw toFailure(cause, context)
    }
  }

  return {
    userPoolId,
    timeout,
    async getGroup(groupName, signal) {
      const context: CallContext = { operation: 'GetGroup', userPoolId, groupName }
      const input = { UserPoolId: userPoolId, GroupName: groupName }
      const { answer, sent } = await call(
        context,
        (client, sdk, abortSignal) => client.send(new sdk.GetGroupCommand(input), { abortSignal }),
        signal,
      )
      if (answer === MISSING_GROUP) return { group: undefined, ...sent }
      const { Group: found } = parse(getGroupAnswer, answer, context)
      if (found.GroupName !== groupName) {
        throw failure('malformed-answer', context, { value: found.GroupName, note: 'it is about another group' })
      }
      return { group: toGroup(found), ...sent }
    },
    async listGroups(nextToken, signal) {
      const context: CallContext = { operation: 'ListGroups', userPoolId }
      const input = { UserPoolId: userPoolId, Limit: PAGE_SIZE, ...(nextToken !== undefined && { NextToken: nextToken }) }
      const { answer, sent } = await call(
        context,
        (client, sdk, abortSignal) => client.send(new sdk.ListGroupsCommand(input), { abortSignal }),
        signal,
      )
      const page = parse(listGroupsAnswer, answer, context)
      return { groups: page.Groups.map(toGroup), nextToken: page.NextToken ?? undefined, ...sent }
    },
  }
}

/** All groups of a pool. */
export interface Listing {
  readonly byName: ReadonlyMap<string, GroupAnswer>
  readonly pages: number
  /** The number of its first request. */
  readonly order: number
}

/** Reads all pages, one after the other: each has the token of the next. */
export async function listAllGroups(api: UserPoolApi, signal: AbortSignal): Promise<Listing> {
  const byName = new Map<string, GroupAnswer>()
  const tokens = new Set<string>()
  let first = Infinity
  let nextToken: string | undefined
  do {
    const { groups, fetchedAt, order, nextToken: next } = await api.listGroups(nextToken, signal)
    first = Math.min(first, order)
    for (const group of groups) byName.set(group.groupName, { group, fetchedAt, order })
    if (next !== undefined && tokens.has(next)) {
      throw failure('malformed-answer', { operation: 'ListGroups', userPoolId: api.userPoolId }, { note: 'its pages go round in a circle' })
    }
    if (next !== undefined) tokens.add(next)
    nextToken = next
  } while (nextToken !== undefined)
  return { byName, pages: tokens.size + 1, order: first }
}

const MISSING_GROUP = Symbol('group not found')

type Request = (client: CognitoClient, sdk: Sdk, abortSignal: AbortSignal) => Promise<unknown>

interface Answered {
  readonly answer: unknown
  readonly sent: Sent
}

type Sdk = typeof import('@aws-sdk/client-cognito-identity-provider')

interface Loaded {
  readonly sdk: Sdk
  readonly client: CognitoClient
}

/** The region to sign for: the one given, else the part of the user pool id before the underscore. */
function regionOf({ userPoolId, region, client }: UserPoolApiOptions): string | undefined {
  if (typeof userPoolId !== 'string' || !/^[\w-]{1,55}$/.test(userPoolId)) {
    throw new RolecastError('invalid-user-pool-id', `${quote(userPoolId)} is not a user pool id; it looks like \`eu-west-1_Ab12Cd34e\``, {
      value: userPoolId,
    })
  }
  const prefix = userPoolId.slice(0, Math.max(0, userPoolId.lastIndexOf('_')))
  if (region || client) return region || undefined
  if (prefix !== '') return prefix
  throw new RolecastError('no-region', `the user pool id \`${userPoolId}\` does not begin with a region; give \`region\``, { value: userPoolId })
}

/**
 * Runs no more than `concurrency` tasks at once, and so that no server sees more than `requestsPerSecond` of them within
 * any second, however slow the way there is: a task holds its place until a second after its answer is here.
 *
 * A task whose signal aborts while it waits is not run; one that runs keeps its place until it has ended.
 */
function createLimiter(requestsPerSecond: number, concurrency: number) {
  const atOnce = pLimit(Math.floor(concurrency))
  const places = requestsPerSecond === Infinity ? Infinity : Math.max(1, Math.floor(requestsPerSecond))
  const inTime = pLimit(places)
  const holds = new Set<NodeJS.Timeout>()

  /** A place that is held keeps the process alive only while somebody waits for it. */
  function keepAliveIfAwaited(): void {
    for (const timer of holds) {
      if (inTime.pendingCount > 0) timer.ref()
      else timer.unref()
    }
  }

  function hold(): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => (holds.delete(timer), resolve()), (1000 * places) / requestsPerSecond)
      holds.add(timer)
      keepAliveIfAwaited()
    })
  }

  return <T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> => {
    const outcome = new Promise<T>((resolve, reject) => {
      void inTime(async () => {
        if (signal.aborted) return
        await atOnce(task).then(resolve, reject)
        if (places !== Infinity) await hold()
      })
    })
    keepAliveIfAwaited()
    return orAbort(outcome, signal)
  }
}

function parse<T>(shape: z.ZodType<T>, answer: unknown, context: CallContext): T {
  const parsed = shape.safeParse(answer)
  if (parsed.success) return parsed.data
  throw failure('malformed-answer', context, { cause: parsed.error, ...firstIssue(parsed.error, answer) })
}

/**
 * Whether a failed call says that the group does not exist. Cognito has one exception for a missing group and a missing
 * pool, and only the message tells which; what tells neither is a malformed answer, not an absent group.
 */
function isMissingGroup(cause: unknown, context: CallContext): boolean {
  if (!(cause instanceof Error) || cause.name !== 'ResourceNotFoundException') return false
  if (context.groupName !== undefined) {
    // moto's whole message is the group's name.
    if (cause.message === context.groupName || /^\W*(the )?group\b/i.test(cause.message)) return true
  }
  if (context.groupName === undefined || /^\W*(the )?user ?pool\b/i.test(cause.message)) throw failure('pool-not-found', context, { cause })
  throw failure('malformed-answer', context, { cause, note: `something is not found, but not said what: ${cause.message}` })
}
