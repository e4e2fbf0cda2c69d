import { REQUESTS_PER_SECOND } from '../../quotas.js'
import { LEAST_RATE } from '../api/user-pool-call.js'
import type { UserAudit } from '../../audit/summary.js'
import { isRolecastError, RolecastError } from '../../errors.js'
import type { Group } from '../../group.js'
import { changeGroups, createImpact, type GroupChange, type UserImpact } from '../../audit/impact.js'
import { compilePool } from '../../pool/compile-pool.js'
import { type ResolveOptions, resolveRoles } from '../../claims/resolve.js'
import { type Checkpoint, openCheckpoint } from './checkpoint.js'
import type { ReadEstimate, ReadRates, ReadStrategy } from './estimate.js'
import { amount, type AuditClient, type AuditRates, type ConnectionOptions } from '../api/connection-options.js'
import { estimatePool as estimate, type PoolReading, type ReadEvent, readPool } from './read-pool.js'
import { createUserPoolApi, listGroupsOfUser, type UserPoolApi } from '../api/user-pool-api.js'

export interface AuditUserOptions extends ConnectionOptions<AuditClient>, ResolveOptions {
  readonly userPoolId: string
  /** The username, not an alias such as a mail address. */
  readonly username: string
  readonly signal?: AbortSignal | undefined
}

/** A user with the groups he is in, as Cognito gives them. */
export interface AuditedUser extends UserAudit {
  readonly groups: readonly Group[]
}

/**
 * Forecasts what the next token of one user says, from all groups he is in now. One call for each 60 of them.
 *
 * @throws RolecastError as a rejection; `user-not-found`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminListGroupsForUser.html
 */
export async function auditUser({ username, signal, semantics, ...options }: AuditUserOptions): Promise<AuditedUser> {
  const api = createUserPoolApi({ ...options, clock: Date.now, onCall: () => {} })
  const groups = await listGroupsOfUser(api, username, signal ?? NEVER)
  if (groups === undefined) {
    throw new RolecastError(
      'user-not-found',
      `user pool \`${options.userPoolId}\` has no user \`${username}\`; give the username, not an alias such as a mail address`,
      {
        value: username,
      },
    )
  }
  return { username, groups, resolution: { ...resolveRoles(groups, { semantics }), unknownGroups: [] } }
}

export interface ReadOptions extends ConnectionOptions<AuditClient> {
  readonly userPoolId: string
  /** Calls a second for the quotas beside that of ListGroups, which is `requestsPerSecond`. */
  readonly rates?: AuditRates | undefined
  /** Default: the quicker one, by the sizes of the pool and the rates. */
  readonly strategy?: ReadStrategy | undefined
  /** What the estimate takes for the groups of a user on average. Default 3. */
  readonly membershipsPerUser?: number | undefined
  /**
   * A file in which each page is kept as it comes: after a kill, a dropped network or expired credentials the same audit
   * goes on from there. It is removed when the whole was read and used.
   */
  readonly checkpoint?: string | undefined
  readonly signal?: AbortSignal | undefined
  readonly onEvent?: ((event: ReadEvent) => void) | undefined
}

export type AuditPoolOptions = ReadOptions & ResolveOptions

/**
 * Forecasts what the next token of every user of a pool says. Each user comes once; those that Cognito lists in its
 * order. Nothing is yielded before all is read, because a group can change the answer of a user until then.
 *
 * A page that cannot be read fails the whole; with a `checkpoint` the next audit goes on from it.
 *
 * @throws RolecastError from the iteration
 */
export async function* auditPool({ semantics, ...options }: AuditPoolOptions): AsyncGenerator<UserAudit, void> {
  const opened = await openPool(options)
  try {
    const pool = compilePool(opened.reading.groups, { semantics })
    for (const { username, groups } of opened.reading.users()) yield { username, resolution: pool.resolve(groups) }
    await opened.done()
  } finally {
    await opened.close()
  }
}

export interface ImpactOptions extends AuditPoolOptions {
  /** What is to become of the groups. */
  readonly changes: readonly GroupChange[]
}

/**
 * Forecasts for every user of a pool what a change of its groups does to the roles of the next token. Nothing is changed.
 * `createImpactSummary` counts it.
 *
 * @throws RolecastError from the iteration; `invalid-argument` for a change of a group that the pool does not have
 */
export async function* impact({
  semantics,
  changes,
  onEvent,
  ...options
}: ImpactOptions): AsyncGenerator<UserImpact, void> {
  const opened = await openPool({
    ...options,
    onEvent(event) {
      // What cannot be changed is refused before the users are read.
      if (event.type === 'estimate') changeGroups(event.groups, changes)
      onEvent?.(event)
    },
  })
  try {
    const { groups, users } = opened.reading
    const impactOn = createImpact(groups, changeGroups(groups, changes), { semantics })
    for (const user of users()) yield impactOn(user)
    await opened.done()
  } finally {
    await opened.close()
  }
}

/** What it would cost to read a pool: calls, and seconds at the rates. It takes a few calls itself. */
export async function estimatePool(options: ReadOptions): Promise<ReadEstimate> {
  return estimate(settingsOf(options))
}

/** A pool that is read, and what it was read with. */
export interface OpenPool {
  readonly reading: PoolReading
  /** All that was read is used: the checkpoint goes. */
  done(): Promise<void>
  close(): Promise<void>
}

/** Reads a pool, or the rest of it. */
export async function openPool(options: ReadOptions): Promise<OpenPool> {
  const settings = settingsOf(options)
  const checkpoint = await openCheckpointOf(options)
  try {
    const reading = await readPool({ ...settings, checkpoint })
    return {
      reading,
      done: async () => checkpoint?.remove(),
      close: async () => checkpoint?.close(),
    }
  } catch (error) {
    await checkpoint?.close()
    throw checkpoint === undefined ? error : goesOn(error, options.checkpoint!)
  }
}

function goesOn(error: unknown, path: string): unknown {
  if (!isRolecastError(error)) return error
  const { code, message, groupName, value, retryable } = error
  return new RolecastError(
    code,
    `${message}; what was read is kept in \`${path}\`, and the same command goes on from it`,
    { groupName, value, retryable, cause: error },
  )
}

async function openCheckpointOf({
  checkpoint,
  userPoolId,
  endpoint,
  strategy,
}: ReadOptions): Promise<Checkpoint | undefined> {
  if (checkpoint === undefined) return undefined
  return openCheckpoint(checkpoint, {
    read: { userPoolId, endpoint: endpoint ?? null, strategy: strategy ?? 'the quicker one' },
    now: Date.now,
  })
}

function settingsOf(options: ReadOptions) {
  const { rates = {}, strategy, signal = NEVER, onEvent = () => {} } = options
  const read: ReadRates = {
    ListGroups: amount(options, 'requestsPerSecond', REQUESTS_PER_SECOND.GetGroup, LEAST_RATE),
    ListUsers: amount(rates, 'ListUsers', REQUESTS_PER_SECOND.ListUsers, LEAST_RATE),
    AdminListGroupsForUser: amount(
      rates,
      'AdminListGroupsForUser',
      REQUESTS_PER_SECOND.AdminListGroupsForUser,
      LEAST_RATE,
    ),
  }
  const api: UserPoolApi = createUserPoolApi({ ...options, maxAttempts: 1, clock: Date.now, onCall: () => {} })
  return {
    api,
    rates: read,
    strategy,
    membershipsPerUser: amount(options, 'membershipsPerUser', 3, 0),
    signal,
    onEvent,
    retryDelay: 1_000,
  }
}

const NEVER = new AbortController().signal
