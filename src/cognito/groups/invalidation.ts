import { isUserPoolId } from '../../aws-ids.js'
import { isRolecastError, quote, RolecastError } from '../../errors.js'
import { isGroupName } from '../../group.js'
import { checkRecord, invalidOption } from '../../record.js'
import { checkNames, type OptionNames } from '../api/option-names.js'
import { checkUserPoolId } from '../api/user-pool-call.js'

/** Why an event changes nothing here. */
export type IgnoredReason =
  /** It names another user pool. */
  | 'other-pool'
  /** It is of another service: IAM has a CreateGroup too. */
  | 'other-service'
  /** Cognito rejected the request. */
  | 'rejected'
  /** The operation changes neither groups nor memberships. */
  | 'unrelated'

/** An event that changes nothing here. Its strings are as they came, and not escaped. */
export interface IgnoredEvent {
  /** The service, for example `cognito-idp.amazonaws.com`. */
  readonly eventSource: string
  /** The operation, for example `UpdateGroup`. */
  readonly eventName: string
  /** Why the event changes nothing here. */
  readonly reason: IgnoredReason
}

/** A message of an SQS batch that could not be read. */
export interface FailedMessage {
  /** The message. */
  readonly messageId: string
  /** Why it could not be read. */
  readonly error: RolecastError
}

/** What has to be read again because of some events. */
export interface Invalidation {
  /** The user pool that was asked about. */
  readonly userPoolId: string
  /** The names of the groups that may have changed. */
  readonly groups: 'all' | readonly string[]
  /** The `sub` of each user whose groups, or their roles, may have changed. `applyInvalidation` takes any as all. */
  readonly users: 'all' | readonly string[]
  /** Events that change nothing here. */
  readonly ignored: readonly IgnoredEvent[]
  /** Only of an SQS batch. Nothing of these is in `groups` and `users`: let SQS deliver them again. */
  readonly failed: readonly FailedMessage[]
}

/** The options of `invalidationFrom`. */
export interface InvalidationOptions {
  /** The user pool whose groups are cached. Events of other pools are ignored. */
  readonly userPoolId: string
}

/** The caches of one user pool. Give at least one. */
export interface InvalidationTargets {
  /** A cached source of groups: the result of `createGroupSource`, or the `source` of a resolver. */
  readonly groups?: {
    /** The user pool whose groups are cached. */
    readonly userPoolId: string
    /** Drops one group, or all groups. */
    invalidate(groupName?: string): unknown
  }
  /**
   * A cache of users' groups, such as the result of `groupsFromCognito`. All its users are dropped, because events have the
   * `sub` of a user, and the cache may know users by another name.
   */
  readonly users?: {
    /** The user pool whose users are cached. */
    readonly userPoolId: string
    /** Drops all users. */
    invalidate(): unknown
  }
}

/** The response of a function that an SQS queue invokes. Other invokers ignore it. */
export interface BatchResponse {
  /** The messages that SQS delivers again. */
  batchItemFailures: { itemIdentifier: string }[]
}

const INVALIDATION_OPTIONS: OptionNames<InvalidationOptions> = { userPoolId: true }
const TARGETS: OptionNames<InvalidationTargets> = { groups: true, users: true }

/**
 * What an operation changes: one group, all that the pool has, or one user's membership. Reads change nothing.
 *
 * A pool's identity providers have groups, which Cognito makes. Disabling a user leaves the memberships as they are.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_Operations.html
 */
const OPERATIONS: ReadonlyMap<string, 'group' | 'pool' | 'member' | 'nothing'> = new Map([
  ['CreateGroup', 'group'],
  ['UpdateGroup', 'group'],
  ['DeleteGroup', 'group'],
  ['DeleteUserPool', 'pool'],
  ['CreateIdentityProvider', 'pool'],
  ['DeleteIdentityProvider', 'pool'],
  ['AdminAddUserToGroup', 'member'],
  ['AdminRemoveUserFromGroup', 'member'],
  ['AdminDeleteUser', 'member'],
  ['DeleteUser', 'member'],
  ['GetGroup', 'nothing'],
  ['ListGroups', 'nothing'],
  ['ListUsersInGroup', 'nothing'],
  ['AdminListGroupsForUser', 'nothing'],
])

/**
 * Errors of a request that Cognito did not carry out. With any other, such as InternalErrorException, it may have.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateGroup.html
 */
const REJECTIONS: ReadonlySet<unknown> = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'DuplicateProviderException',
  'GroupExistsException',
  'InvalidParameterException',
  'LimitExceededException',
  'NotAuthorizedException',
  'ResourceNotFoundException',
  'TooManyRequestsException',
  'UserNotFoundException',
])

/**
 * What has to be read again because of an event: of AWS CloudTrail, as Amazon EventBridge delivers it, by itself or through
 * SQS or SNS; a CloudTrail record; or the parsed content of a CloudTrail log file. A string is read as JSON. It is pure:
 * `applyInvalidation` invalidates.
 *
 * When in doubt, it reads again. A change of a group whose name or pool is hidden, missing or not valid gives `all`,
 * and so does an operation on groups that is not known here. Duplicates and a different order are harmless. Not for
 * proving that nothing changed: events are late, and some are never delivered.
 *
 * A message of an SQS batch that cannot be read is in `failed`, so that the others count. Anywhere else it is thrown.
 *
 * @throws RolecastError `invalid-event` (not an event of CloudTrail), `invalid-option`, `invalid-user-pool-id`
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/logging-using-cloudtrail.html
 * @see https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-service-event-cloudtrail.html
 * @example
 * import { applyInvalidation, createGroupSource, invalidationFrom } from 'rolecast/cognito'
 *
 * const userPoolId = 'eu-west-1_Ab12Cd34e'
 * const groups = createGroupSource({ userPoolId })
 *
 * export const handler = async (event: unknown) => {
 *   const invalidation = invalidationFrom(event, { userPoolId })
 *   return applyInvalidation(invalidation, { groups })
 * }
 */
export function invalidationFrom(event: unknown, options: InvalidationOptions): Invalidation {
  checkNames(options, INVALIDATION_OPTIONS)
  const { userPoolId } = options
  checkUserPoolId(userPoolId)
  const effects: Effect[] = []
  const failed: FailedMessage[] = []
  for (const message of messagesIn(event)) {
    const messageId = sqsMessageId(message)
    try {
      effects.push(effectOf(recordIn(message), userPoolId))
    } catch (error) {
      if (messageId === undefined || !isRolecastError(error)) throw error
      failed.push({ messageId, error })
    }
  }
  return {
    userPoolId,
    groups: merged(effects.map(({ groups }) => groups)),
    users: merged(effects.map(({ users }) => users)),
    ignored: effects.flatMap(({ ignored }) => ignored ?? []),
    failed,
  }
}

/**
 * Invalidates what `invalidationFrom` found, and responds to SQS for the messages that could not be read. For groups,
 * it waits until a shared store has deleted their entries; a store that fails is an event `shared-failed` of the
 * source.
 *
 * For `all` groups the entries of a shared store stay, and only this process ignores them. Other processes use what they
 * have in their own first level until its `ttl`.
 *
 * @returns the response of a Lambda function. For SQS it needs `ReportBatchItemFailures` in the event source mapping:
 * without, Lambda ignores it, and messages that could not be read are lost
 * @throws RolecastError `invalid-option` as a rejection, for example for a source of another pool; and what a target throws
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 * @example
 * import { applyInvalidation, createRoleResolver, invalidationFrom } from 'rolecast/cognito'
 *
 * const userPoolId = 'eu-west-1_Ab12Cd34e'
 * const resolver = createRoleResolver({ userPoolId })
 *
 * export const handler = (event: unknown) =>
 *   applyInvalidation(invalidationFrom(event, { userPoolId }), { groups: resolver.source })
 */
export async function applyInvalidation(
  invalidation: Invalidation,
  targets: InvalidationTargets,
): Promise<BatchResponse> {
  checkTargets(invalidation, targets)
  const { groups, users } = targets
  await Promise.all([
    ...(invalidation.groups === 'all'
      ? [groups?.invalidate()]
      : invalidation.groups.map(name => groups?.invalidate(name))),
    invalidation.users.length > 0 && users?.invalidate(),
  ])
  return { batchItemFailures: invalidation.failed.map(({ messageId }) => ({ itemIdentifier: messageId })) }
}

function checkTargets(invalidation: Invalidation, targets: InvalidationTargets): void {
  checkInvalidation(invalidation)
  checkNames(targets, TARGETS, 'the targets')
  const given = Object.entries(targets)
  if (given.length === 0) throw invalidOption('there is nothing to invalidate; give `groups` or `users`', targets)
  for (const [name, target] of given) {
    const { userPoolId, invalidate } = Object(target) as Readonly<Record<string, unknown>>
    // An undefined target is probably a mistake, and its entries would stay cached.
    if (typeof invalidate !== 'function')
      throw invalidOption(
        `${quote(name)} is ${quote(target)}; give a cache with \`invalidate\`, such as \`resolver.source\`, or leave it out`,
        target,
      )
    if (userPoolId === invalidation.userPoolId) continue
    throw invalidOption(
      `the events were read for user pool ${quote(invalidation.userPoolId)}, but ${quote(name)} belongs to ${quote(userPoolId)}; give that pool to \`invalidationFrom\``,
      userPoolId,
    )
  }
}

function checkInvalidation(invalidation: Invalidation): void {
  const give = 'give the result of `invalidationFrom`'
  const { groups, users, failed } = checkRecord(invalidation, 'the invalidation', give) as Invalidation
  if (
    isNames(groups) &&
    isNames(users) &&
    Array.isArray(failed) &&
    isNames(failed.map(one => (one as FailedMessage | null)?.messageId))
  )
    return
  throw invalidOption(`the invalidation lacks fields, or has wrong types; ${give}`, invalidation)
}

function isNames(value: unknown): boolean {
  return value === 'all' || (Array.isArray(value) && value.every(name => typeof name === 'string'))
}

/** A group may be called `all`. */
const ALL = Symbol('all')

/** What one event changes. */
interface Effect {
  readonly groups?: string | typeof ALL
  readonly users?: string | typeof ALL
  readonly ignored?: IgnoredEvent
}

function merged(parts: readonly Effect['groups'][]): 'all' | readonly string[] {
  const names = new Set<string>()
  for (const part of parts) {
    if (part === ALL) return 'all'
    if (part !== undefined) names.add(part)
  }
  return [...names]
}

/** @throws RolecastError `invalid-event` */
function effectOf(record: unknown, userPoolId: string): Effect {
  const eventSource = textAt(record, 'eventSource')
  const eventName = textAt(record, 'eventName')
  // A notification of S3 has both too: then the records are in the file that it names.
  if (eventSource === undefined || eventName === undefined || !/\.amazonaws\.com(?:\.cn)?$/.test(eventSource))
    throw notUnderstood('it is not a CloudTrail record', record)
  const ignore = (reason: IgnoredReason): Effect => ({ ignored: { eventSource, eventName, reason } })
  if (!/^cognito-idp\.amazonaws\.com(?:\.cn)?$/.test(eventSource)) return ignore('other-service')
  const change = changeOf(eventName, record)
  if (change === 'nothing') return ignore('unrelated')
  const parameters = ownData(record, 'requestParameters')
  const pool = readable(parameters, 'userPoolId', isUserPoolId)
  if (pool !== undefined && pool !== userPoolId) return ignore('other-pool')
  if (REJECTIONS.has(ownData(record, 'errorCode'))) return ignore('rejected')
  // CloudTrail hides the user's name, and has the `sub` instead.
  if (change === 'member') return { users: readable(ownData(record, 'additionalEventData'), 'sub', isSub) ?? ALL }
  // Without the pool, a name may be that of another pool's group.
  const groupName =
    change === 'group' && pool !== undefined ? readable(parameters, 'groupName', isGroupName) : undefined
  // Which users are in the group is not in the event, and what is cached of a user may have its role.
  return { groups: groupName ?? ALL, users: ALL }
}

function changeOf(eventName: string, record: unknown): 'group' | 'pool' | 'member' | 'nothing' {
  // A newer operation, such as one on many groups, may change more than is read here.
  const isUnknownChange = eventName.includes('Group') && ownData(record, 'readOnly') !== true
  return OPERATIONS.get(eventName) ?? (isUnknownChange ? 'pool' : 'nothing')
}

/** A value that is not missing, hidden or of another form. */
function readable(record: unknown, key: string, isValid: (value: unknown) => value is string): string | undefined {
  const value = ownData(record, key)
  return isValid(value) && !isHidden(value) ? value : undefined
}

/**
 * `HIDDEN_DUE_TO_SECURITY_REASONS` is what Cognito's events have, `HIDDEN_FOR_SECURITY_REASONS` what its page says, and
 * other services write `***`. All three could be the names of groups.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/logging-using-cloudtrail.html
 */
function isHidden(value: string): boolean {
  return /^(?:HIDDEN_|\*+$)/.test(value)
}

function isSub(value: unknown): value is string {
  return typeof value === 'string' && /^[\w:-]{1,128}$/.test(value)
}

/** The events of a batch, a log file or a list; or the one event. */
function messagesIn(event: unknown): readonly unknown[] {
  const content = parsed(event)
  const records = Array.isArray(content) ? content : ownData(content, 'Records')
  return Array.isArray(records) ? records : [content]
}

/** Undefined for anything but a message of SQS. */
function sqsMessageId(message: unknown): string | undefined {
  if (ownData(message, 'eventSource') !== 'aws:sqs') return undefined
  const messageId = textAt(message, 'messageId')
  // Without it the response could not name the message.
  if (messageId === undefined) throw notUnderstood('an SQS message has no `messageId`', message)
  return messageId
}

/**
 * The CloudTrail record in a message. SQS may carry a notification of SNS, and that an event of EventBridge: no more levels
 * than these, in this order.
 */
function recordIn(message: unknown): unknown {
  const content = ownData(message, 'eventSource') === 'aws:sqs' ? textOf(message, 'body') : message
  return detailOf(notificationOf(content))
}

/** What SNS carries, in the form that it has for a function or for a queue; anything else is given back. */
function notificationOf(content: unknown): unknown {
  const notification = ownData(content, 'EventSource') === 'aws:sns' ? ownData(content, 'Sns') : content
  return textAt(notification, 'Type') === 'Notification' ? textOf(notification, 'Message') : content
}

function detailOf(content: unknown): unknown {
  const type = textAt(content, 'detail-type')
  if (type === undefined) return content
  if (type.endsWith(' via CloudTrail')) return ownData(content, 'detail')
  throw notUnderstood(`it is an EventBridge event with the detail type ${quote(type)}`, content)
}

/** The parsed content of a string of JSON. */
function textOf(record: unknown, key: string): unknown {
  const text = textAt(record, key)
  if (text === undefined) throw notUnderstood(`${quote(key)} is not a string`, record)
  return parsed(text)
}

function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value) as unknown
  } catch (cause) {
    throw notUnderstood('it is not JSON', value, cause)
  }
}

function textAt(record: unknown, key: string): string | undefined {
  const value = ownData(record, key)
  return typeof value === 'string' && value !== '' ? value : undefined
}

/** A record's own property, as data: getters are not called. */
function ownData(record: unknown, key: string): unknown {
  if (typeof record !== 'object' || record === null) return undefined
  const value: unknown = Object.getOwnPropertyDescriptor(record, key)?.value
  return value
}

function notUnderstood(problem: string, value: unknown, cause?: unknown): RolecastError {
  return new RolecastError(
    'invalid-event',
    `the event cannot be read (${problem}); give an EventBridge event with the detail type \`AWS API Call via CloudTrail\`, ` +
      'by itself or in an SQS or SNS message, or CloudTrail records',
    { value, ...(cause !== undefined && { cause }) },
  )
}
