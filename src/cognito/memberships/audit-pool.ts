import { REQUESTS_PER_SECOND } from '../../quotas.js'
import { MIN_RATE, type UserPoolLimits } from '../api/user-pool-call.js'
import type { UserAudit } from '../../audit/summary.js'
import { isRolecastError, RolecastError, quote } from '../../errors.js'
import type { Group } from '../../group.js'
import {
  changeGroups,
  checkMemberships,
  createImpact,
  emptiedGroups,
  type GroupChange,
  type MembershipChange,
  missingMember,
  type UserImpact,
} from '../../audit/impact.js'
import { compilePool } from '../../pool/compile-pool.js'
import { chooseSemantics } from '../../claims/choose-semantics.js'
import { type ResolveOptions, resolveRoles } from '../../claims/resolve.js'
import type { Checkpoint } from './checkpoint.js'
import type { ReadEstimate, ReadRates, ReadStrategy } from './estimate.js'
import { numberOption, type AuditClient, type AuditRates, type ConnectionOptions } from '../api/connection-options.js'
import type { PoolReading, ReadEvent, ReadPoolOptions } from './read-pool.js'
import { callHook } from '../api/hook.js'
import { invalidOption } from '../../record.js'
import { distinct } from '../../text.js'
import { checkNames, CONNECTION_NAMES, type OptionNames } from '../api/option-names.js'
import { createUserPoolApi, listGroupsOfUser, type UserPoolApi } from '../api/user-pool-api.js'

/** The options of `auditUser`. */
export interface AuditUserOptions extends ConnectionOptions<AuditClient>, ResolveOptions {
  /** The user pool, for example `eu-west-1_Ab12Cd34e`. */
  readonly userPoolId: string
  /**
   * The username, the `sub`, or an alias of the user such as an email address, where the pool has that alias.
   *
   * @see https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
   */
  readonly username: string
  /**
   * Aborts the call.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** A user, under the name that was given, with the user's groups as in Cognito's response. */
export interface AuditedUser extends UserAudit {
  /** The user's groups, with their precedences and roles. */
  readonly groups: readonly Group[]
}

/**
 * Forecasts the role claims in the next token of one user, from all the user's groups now. One call for each 60 groups.
 *
 * It needs `cognito-idp:AdminListGroupsForUser` only, and so has no `sub`, status or attributes. Cognito does not say
 * which user it found: where the username of one user can be an alias of another, give the `sub`. cognito-local returns
 * no groups for an alias or a `sub`, which looks like a user in no group.
 *
 * @param options the user pool and the user
 * @throws RolecastError as a rejection; `user-not-found`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_AdminListGroupsForUser.html
 * @example
 * import { explain } from 'rolecast'
 * import { auditUser } from 'rolecast/cognito'
 *
 * const { resolution } = await auditUser({ userPoolId: 'eu-west-1_Ab12Cd34e', username: 'alice' })
 * console.log(resolution.preferredRole, explain(resolution).reason)
 */
export async function auditUser({
  username,
  signal,
  semantics,
  calibration,
  ...options
}: AuditUserOptions): Promise<AuditedUser> {
  chooseSemantics({ semantics, calibration })
  const api = createUserPoolApi({ ...options, clock: Date.now, onCall: () => {} })
  const groups = await listGroupsOfUser(api, username, signal ?? NEVER)
  if (groups === undefined) {
    throw new RolecastError(
      'user-not-found',
      `user pool ${quote(options.userPoolId)} has no user ${quote(username)}; give the username, the sub, or an alias that the pool has`,
      { value: username },
    )
  }
  return { username, groups, resolution: { ...resolveRoles(groups, { semantics, calibration }), unknownGroups: [] } }
}

/** Which user pool to read, and how. */
export interface ReadOptions extends ConnectionOptions<AuditClient> {
  /** The user pool, for example `eu-west-1_Ab12Cd34e`. */
  readonly userPoolId: string
  /**
   * Calls a second, except for ListGroups, whose rate is `requestsPerSecond`.
   *
   * @default Cognito's quotas, as in `AuditRates`
   */
  readonly rates?: AuditRates | undefined
  /**
   * How to read the memberships: the users of each group, or the groups of each user.
   *
   * @default the faster one, estimated from the size of the pool and the rates
   */
  readonly strategy?: ReadStrategy | undefined
  /**
   * Groups of a user on average, for the estimate.
   *
   * @default 3
   */
  readonly membershipsPerUser?: number | undefined
  /**
   * Attributes of users to read besides `sub`, such as `email`. Of each user come those that the user has.
   *
   * @default []
   * @see https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-settings-attributes.html
   */
  readonly attributes?: readonly string[] | undefined
  /**
   * A file to which each page is written as it comes: after a kill, a lost connection or expired credentials the same audit
   * resumes from it. It is removed when everything was read and used.
   *
   * @default none
   */
  readonly checkpoint?: string | undefined
  /**
   * Milliseconds since the reading of the checkpoint began: an older checkpoint is not resumed, because its data is too
   * old. Infinity resumes every one.
   *
   * @default 86_400_000, a day
   */
  readonly maxCheckpointAge?: number | undefined
  /**
   * Also uses a checkpoint whose lock is of a process that cannot be seen from here: on another machine, in another
   * container, of an earlier boot, or with a pid that another process has now. Only if that process has ended.
   *
   * @default false
   */
  readonly takeOver?: boolean | undefined
  /**
   * Aborts the reading.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
  /**
   * Called for each event. It is not awaited. What it throws or rejects with is ignored: it changes neither the result
   * nor the errors.
   *
   * @default none
   */
  readonly onEvent?: ((event: ReadEvent) => void) | undefined
}

/** A reading among others of the same account. */
export interface SharedReadOptions extends ReadOptions {
  /** The limits that the pools of an account in a Region share; the rates are for the estimate only then. */
  readonly limits?: UserPoolLimits | undefined
}

const READ_OPTIONS: OptionNames<SharedReadOptions> = {
  userPoolId: true,
  ...CONNECTION_NAMES,
  rates: true,
  strategy: true,
  membershipsPerUser: true,
  attributes: true,
  checkpoint: true,
  maxCheckpointAge: true,
  takeOver: true,
  limits: true,
  signal: true,
  onEvent: true,
}

/** The options of `auditPool`: the user pool, how to read it, and the reading of Cognito's rules. */
export type AuditPoolOptions = ReadOptions & ResolveOptions

/**
 * Forecasts the role claims in the next token of every user of a pool. Each user comes once, in the order of ListUsers.
 * Nothing is yielded before all pages are read, because until then any page can change the result of a user.
 *
 * A page that cannot be read fails the whole. With a `checkpoint` the next audit resumes from it.
 *
 * @param options the user pool, how to read it, and the reading of Cognito's rules
 * @throws RolecastError from the iteration
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUsers.html
 * @example
 * import { auditPool } from 'rolecast/cognito'
 *
 * for await (const { username, resolution } of auditPool({ userPoolId: 'eu-west-1_Ab12Cd34e' }))
 *   if (resolution.outcome !== 'resolved') console.log(username, resolution.outcome, resolution.rule)
 */
export async function* auditPool({
  semantics,
  calibration,
  ...options
}: AuditPoolOptions): AsyncGenerator<UserAudit, void> {
  // Options that cannot be used fail before the pool is read.
  chooseSemantics({ semantics, calibration })
  const opened = await openPool(options)
  try {
    const pool = compilePool(opened.reading.groups, { semantics, calibration })
    for (const { groups, ...user } of opened.reading.users()) yield { ...user, resolution: pool.resolve(groups) }
    await opened.done()
  } finally {
    await opened.close()
  }
}

/** The options of `impact`: those of `auditPool`, and the changes to forecast. */
export interface ImpactOptions extends AuditPoolOptions {
  /** The changes to forecast. A group that is added has no members at first. */
  readonly changes: readonly GroupChange[]
  /**
   * Users who join or leave groups, after the changes of the groups.
   *
   * @default []
   */
  readonly memberships?: readonly MembershipChange[] | undefined
}

/**
 * Forecasts for every user of a pool how changes to its groups change the role claims of the next token. Nothing is changed
 * in the pool. `createImpactSummary` counts the results.
 *
 * @param options the user pool and the changes
 * @throws RolecastError from the iteration; `invalid-argument` for a change of a group that the pool does not have, and at the
 *   end for a membership of a user whom it does not have
 * @example
 * import { createImpactSummary } from 'rolecast'
 * import { impact } from 'rolecast/cognito'
 *
 * const counter = createImpactSummary()
 * const changes = [{ groupName: 'admins', precedence: 0 }]
 * for await (const user of impact({ userPoolId: 'eu-west-1_Ab12Cd34e', changes })) counter.add(user)
 * console.log(counter.summary().changes)
 */
export async function* impact({
  semantics,
  calibration,
  changes,
  memberships = [],
  ...options
}: ImpactOptions): AsyncGenerator<UserImpact, void> {
  chooseSemantics({ semantics, calibration })
  const groupsAfter = (groups: readonly Group[]) => {
    const after = changeGroups(groups, changes)
    checkMemberships(memberships, groups, after)
    return after
  }
  // A change that is not possible fails before the users are read.
  const opened = await openPool(options, groups => void groupsAfter(groups))
  try {
    const { groups, users } = opened.reading
    const emptied = emptiedGroups(changes)
    const impactOn = createImpact(groups, groupsAfter(groups), { semantics, calibration, memberships, emptied })
    const missing = new Set(memberships.map(({ username }) => username))
    for (const user of users()) {
      missing.delete(user.username)
      yield impactOn(user)
    }
    const one = memberships.find(({ username }) => missing.has(username))
    if (one !== undefined) throw missingMember(one)
    await opened.done()
  } finally {
    await opened.close()
  }
}

/**
 * Estimates the calls, and the seconds at the rates, that reading a pool takes. Needs a few calls itself.
 *
 * @throws RolecastError as a rejection
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 * @example
 * import { estimatePool } from 'rolecast/cognito'
 *
 * const { strategy, perGroup, perUser } = await estimatePool({ userPoolId: 'eu-west-1_Ab12Cd34e' })
 * console.log(strategy, perGroup.seconds, perUser.seconds)
 */
export async function estimatePool(options: ReadOptions): Promise<ReadEstimate> {
  return estimateReading(options)
}

/** @param checkGroups called with the groups; throws to stop */
export async function estimateReading(
  options: SharedReadOptions,
  checkGroups?: (groups: readonly Group[]) => void,
): Promise<ReadEstimate> {
  const settings = settingsOf(options)
  return (await loadReader()).estimatePool({ ...settings, checkGroups })
}

/** A pool that was read, and its checkpoint. */
export interface OpenPool {
  readonly reading: PoolReading
  /** Removes the checkpoint, once everything that was read is used. */
  done(): Promise<void>
  close(): Promise<void>
}

/**
 * Fails if a reading would fail for lack of a permission or because of its checkpoint. Calls once each operation that a
 * reading may need, and leaves no new file behind.
 */
export async function checkReading(options: SharedReadOptions): Promise<void> {
  const settings = settingsOf(options)
  const checkpoint = await openCheckpointOf(options)
  await (checkpoint?.resumed ? checkpoint.close() : checkpoint?.remove())
  await (await loadReader()).checkAccess(settings)
}

/**
 * Reads a pool, or the rest of it after a checkpoint.
 *
 * @param checkGroups called with the groups before the users are read; throws to stop
 */
export async function openPool(
  options: SharedReadOptions,
  checkGroups?: (groups: readonly Group[]) => void,
): Promise<OpenPool> {
  const settings: ReadPoolOptions = { ...settingsOf(options), checkGroups }
  const checkpoint = await openCheckpointOf(options)
  try {
    const reading = await (await loadReader()).readPool({ ...settings, checkpoint })
    return {
      reading,
      done: async () => checkpoint?.remove(),
      close: async () => checkpoint?.close(),
    }
  } catch (error) {
    // The error that stopped the reading wins.
    await checkpoint?.close().catch(() => {})
    throw checkpoint === undefined ? error : withResumeHint(error, options.checkpoint!)
  }
}

function withResumeHint(error: unknown, path: string): unknown {
  // The error of an unusable checkpoint says itself what to do.
  if (!isRolecastError(error) || error.code === 'invalid-input') return error
  const { code, message, groupName, value, retryable } = error
  return new RolecastError(
    code,
    `${message}; what was read is saved in ${quote(path)}, and the same command resumes from it`,
    { groupName, value, retryable, cause: error },
  )
}

async function openCheckpointOf(options: ReadOptions): Promise<Checkpoint | undefined> {
  const { checkpoint, userPoolId, endpoint, strategy } = options
  const maxAge = numberOption(options, 'maxCheckpointAge', { default: 86_400_000, min: 0 })
  if (checkpoint === undefined) return undefined
  const { openCheckpoint } = await import('./checkpoint.js')
  return openCheckpoint(checkpoint, {
    read: {
      userPoolId,
      endpoint: endpoint ?? null,
      strategy: strategy ?? 'the faster one',
      attributes: attributesOf(options),
    },
    now: Date.now,
    maxAge,
    takeOver: options.takeOver,
  })
}

function settingsOf(options: SharedReadOptions) {
  checkNames(options, READ_OPTIONS)
  const { rates = {}, strategy, signal = NEVER } = options
  const hook = options.onEvent ?? (() => {})
  const onEvent = (event: ReadEvent) => callHook(hook, event)
  const read: ReadRates = {
    ListGroups: numberOption(options, 'requestsPerSecond', { default: REQUESTS_PER_SECOND.GetGroup, min: MIN_RATE }),
    ListUsers: numberOption(rates, 'ListUsers', { default: REQUESTS_PER_SECOND.ListUsers, min: MIN_RATE }),
    AdminListGroupsForUser: numberOption(rates, 'AdminListGroupsForUser', {
      default: REQUESTS_PER_SECOND.AdminListGroupsForUser,
      min: MIN_RATE,
    }),
  }
  const attributes = attributesOf(options)
  const api: UserPoolApi = createUserPoolApi({
    ...options,
    attributes,
    maxAttempts: 1,
    clock: Date.now,
    onCall: () => {},
    onRate: (quota, perSecond, isThrottled) => onEvent({ type: 'rate', quota, perSecond, isThrottled }),
  })
  return {
    api,
    rates: read,
    strategy,
    membershipsPerUser: numberOption(options, 'membershipsPerUser', { default: 3, min: 0 }),
    attributes,
    now: Date.now,
    signal,
    onEvent,
    retryDelay: 1_000,
  }
}

const MAX_ATTRIBUTE_NAME = 32

/** The attributes that are asked for, each once: `sub` always is. */
export function attributesOf({ attributes = [] }: Pick<ReadOptions, 'attributes'>): readonly string[] {
  if (!Array.isArray(attributes))
    throw invalidOption(`\`attributes\` is ${quote(attributes)}; give an array, like \`['email']\``, attributes)
  for (const name of attributes as readonly unknown[]) {
    if (typeof name === 'string' && name.length <= MAX_ATTRIBUTE_NAME && /^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u.test(name))
      continue
    throw invalidOption(
      `${quote(name)} in \`attributes\` is not the name of an attribute; give one like \`email\` or \`custom:team\``,
      name,
    )
  }
  return distinct(attributes).filter(name => name !== 'sub')
}

/** Loaded by the first audit: what only audits need would cost every function that reads roles a part of its cold start. */
const loadReader = () => import('./read-pool.js')

const NEVER = new AbortController().signal
