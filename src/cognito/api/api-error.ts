import { type ErrorCode, isRolecastError, RolecastError, quote } from '../../errors.js'
import { type Diagnosis, diagnose } from './diagnosis.js'

/** The call that failed. */
export type CallContext = UserPoolCall | IdentityPoolCall | AccountCall | IamCall

/** The operations that rolecast calls on a user pool. */
export type UserPoolOperation =
  | 'GetGroup'
  | 'ListGroups'
  | 'ListUsers'
  | 'ListUsersInGroup'
  | 'AdminListGroupsForUser'
  | 'DescribeUserPool'

export interface UserPoolCall {
  readonly operation: UserPoolOperation
  readonly userPoolId: string
  readonly groupName?: string | undefined
  readonly username?: string | undefined
}

interface IdentityPoolCall {
  readonly operation: 'GetIdentityPoolRoles' | 'DescribeIdentityPool'
  readonly identityPoolId: string
  readonly groupName?: undefined
}

/** A call about an account in a Region, or about the identity of the caller. */
export interface AccountCall {
  readonly operation: 'ListUserPools' | 'ListIdentityPools' | 'GetCallerIdentity' | 'AssumeRole'
  readonly region: string
  /** The role that is assumed. */
  readonly roleArn?: string | undefined
  readonly groupName?: undefined
}

/** A call of IAM. */
export interface IamCall {
  readonly operation:
    | 'GetRole'
    | 'ListAttachedRolePolicies'
    | 'ListRolePolicies'
    | 'GetRolePolicy'
    | 'GetPolicy'
    | 'GetPolicyVersion'
  /** The name of a role, or the ARN of a policy. */
  readonly iam: { readonly role: string } | { readonly policy: string }
  readonly groupName?: undefined
}

const RETRYABLE: ReadonlySet<ErrorCode> = new Set(['throttled', 'timeout', 'unreachable', 'service-error'])

/** Turns the failure of an SDK call into a RolecastError. A RolecastError passes through. */
export function toFailure(cause: unknown, context: CallContext): RolecastError {
  if (isRolecastError(cause)) return cause
  const diagnosis = diagnose(cause, { isFromIam: 'iam' in context })
  if (diagnosis.instead !== undefined) return failure(diagnosis.code, context, { note: diagnosis.instead, diagnosis })
  return failure(diagnosis.code, context, { cause, status: statusOf(cause), diagnosis })
}

interface SdkError {
  readonly $metadata?: { readonly httpStatusCode?: unknown }
}

function statusOf(cause: unknown): number | undefined {
  const status = (cause as SdkError | null | undefined)?.$metadata?.httpStatusCode
  return typeof status === 'number' ? status : undefined
}

/**
 * The SDK's error without its raw response. The response refers to the request, with the authorization header and the
 * session token, where an error reporter that walks all properties finds them.
 */
function withoutResponse(cause: unknown): unknown {
  if (!(cause instanceof Error) || !('$response' in cause)) return cause
  const { name, message, stack } = cause
  return Object.assign(new Error(withoutHint(message)), {
    name,
    ...(stack !== undefined && { stack: withoutHint(stack) }),
    $metadata: (cause as SdkError).$metadata,
  })
}

/** Without the SDK's hint at the raw response, which is removed. */
export function withoutHint(said: string): string {
  return said.replaceAll(/\n? {0,9}Deserialization error:.*/g, '')
}

/** The error for a failure that rolecast detects itself: a timeout, an abort, a response of the wrong shape. */
export function failure(
  code: ErrorCode,
  context: CallContext,
  details: {
    readonly cause?: unknown
    readonly value?: unknown
    readonly status?: number | undefined
    readonly note?: string
    /** Words of its own for what failed and what to do next. */
    readonly diagnosis?: Diagnosis
  } = {},
): RolecastError {
  const { groupName } = context
  const words = wordsFor(code, context)
  const { what = words.what ?? 'failed', next = words.next ?? 'see the cause' } = details.diagnosis ?? {}
  const said = oneLine(withoutHint(details.note ?? (details.cause instanceof Error ? details.cause.message : '')))
  const gateway = code === 'malformed-response' && details.status !== undefined && details.status >= 500
  return new RolecastError(code, `${subjectOf(context)} ${what}${said === '' ? '' : ` (${said})`}; ${next}`, {
    groupName,
    retryable: RETRYABLE.has(code) || gateway,
    ...('cause' in details && { cause: withoutResponse(details.cause) }),
    ...('value' in details && { value: details.value }),
  })
}

function subjectOf(context: CallContext): string {
  if ('identityPoolId' in context) return `${context.operation} of identity pool ${quote(context.identityPoolId)}`
  if ('iam' in context) {
    const { operation, iam } = context
    return `${operation} of ${'role' in iam ? `role ${quote(iam.role)}` : `policy ${quote(iam.policy)}`}`
  }
  if ('region' in context) {
    const { operation, region, roleArn } = context
    return `${operation}${roleArn === undefined ? '' : ` of role ${quote(roleArn)}`} in region ${quote(region)}`
  }
  const { operation, groupName, username, userPoolId } = context
  if (groupName !== undefined) return `${operation} for group ${quote(groupName)} of user pool ${quote(userPoolId)}`
  if (username !== undefined) return `${operation} for user ${quote(username)} of user pool ${quote(userPoolId)}`
  return `${operation} on user pool ${quote(userPoolId)}`
}

interface Words {
  readonly what?: string | undefined
  readonly next?: string | undefined
}

function wordsFor(code: ErrorCode, { operation }: CallContext): Words {
  return { what: WHAT[code], next: NEXT[code], ...BY_OPERATION[operation][code] }
}

const WHAT: Partial<Record<ErrorCode, string>> = {
  'no-region': 'has no AWS region',
  'no-credentials': 'found no AWS credentials',
  'not-authorized': 'was not allowed',
  'pool-not-found': 'found no such user pool',
  throttled: 'was throttled',
  timeout: 'took too long',
  aborted: 'was aborted',
  unreachable: 'did not reach Cognito',
  'tls-failed': 'could not make a TLS connection that it can trust',
  'service-error': 'failed with a Cognito server error',
  'request-rejected': 'was rejected as invalid',
  'malformed-response': 'got a response that does not match the API',
}

const NEXT: Partial<Record<ErrorCode, string>> = {
  'no-region': 'give `region`, or a user pool ID that starts with it',
  'no-credentials': 'set AWS_PROFILE or the AWS_* variables, sign in again, or give a `client`',
  'pool-not-found': 'check the user pool ID, the region and the account',
  throttled: 'try again later',
  timeout: 'try again, or raise `timeout`',
  aborted: 'call again with a signal that is not aborted',
  unreachable: 'check the network, the endpoint and the region, then try again',
  'service-error': 'try again later',
  'request-rejected': 'check the user pool ID',
  'malformed-response': 'check that the endpoint is Cognito; the response was not used',
}

/** What to allow, slow down or check depends on the operation. */
const BY_OPERATION: Readonly<Record<CallContext['operation'], Partial<Record<ErrorCode, Words>>>> = {
  GetGroup: {
    ...allow('cognito-idp:GetGroup (and cognito-idp:ListGroups for prefetch) on the user pool'),
    throttled: { next: 'try again later, lower `requestsPerSecond`, or warm the cache with prefetch()' },
    'request-rejected': { next: 'check the user pool ID and the group name' },
  },
  ListGroups: listing('ListGroups', '`requestsPerSecond`'),
  ListUsers: {
    ...listing('ListUsers', 'the rate of ListUsers'),
    'request-rejected': {
      next: 'check the user pool ID and the names of the attributes, or start again with the first page: pagination tokens expire',
    },
  },
  ListUsersInGroup: listing('ListUsersInGroup', 'the rate of ListUsers, whose quota it shares'),
  AdminListGroupsForUser: listing('AdminListGroupsForUser', 'the rate of AdminListGroupsForUser'),
  DescribeUserPool: allow('cognito-idp:DescribeUserPool on the user pool'),
  GetIdentityPoolRoles: ofIdentityPool('GetIdentityPoolRoles'),
  DescribeIdentityPool: ofIdentityPool('DescribeIdentityPool'),
  ListUserPools: ofAccount('cognito-idp:ListUserPools on all resources'),
  ListIdentityPools: ofAccount('cognito-identity:ListIdentityPools on all resources'),
  GetCallerIdentity: ofAccount('sts:GetCallerIdentity'),
  AssumeRole: ofAccount('sts:AssumeRole on the role'),
  GetRole: ofIam('iam:GetRole on the role'),
  ListAttachedRolePolicies: ofIam('iam:ListAttachedRolePolicies on the role'),
  ListRolePolicies: ofIam('iam:ListRolePolicies on the role'),
  GetRolePolicy: ofIam('iam:GetRolePolicy on the role'),
  GetPolicy: ofIam('iam:GetPolicy on the policy'),
  GetPolicyVersion: ofIam('iam:GetPolicyVersion on the policy'),
}

function ofIdentityPool(operation: string): Partial<Record<ErrorCode, Words>> {
  return {
    ...allow(`cognito-identity:${operation} on the identity pool`),
    'pool-not-found': { what: 'found no such identity pool', next: 'check the identity pool ID and the account' },
    'request-rejected': { next: 'check the identity pool ID' },
  }
}

function ofAccount(permission: string): Partial<Record<ErrorCode, Words>> {
  return { ...allow(permission), 'request-rejected': { next: 'see the cause' } }
}

function ofIam(permission: string): Partial<Record<ErrorCode, Words>> {
  return {
    ...allow(permission),
    unreachable: { what: 'did not reach IAM', next: 'check the network, then try again' },
    'service-error': { what: 'failed with an IAM server error' },
    'request-rejected': { next: 'see the cause' },
    'malformed-response': { next: 'check that the endpoint is that of IAM; the response was not used' },
  }
}

function allow(permission: string): Partial<Record<ErrorCode, Words>> {
  return { 'not-authorized': { next: `allow ${permission}, and check that the credentials are current` } }
}

function listing(operation: UserPoolOperation, rate: string): Partial<Record<ErrorCode, Words>> {
  return {
    ...allow(`cognito-idp:${operation} on the user pool`),
    throttled: { next: `try again later, or lower ${rate}` },
    'request-rejected': {
      next: 'check the user pool ID, or start again with the first page: pagination tokens expire',
    },
  }
}

/** Text from outside, cut to one line of at most 200 characters, or as many as are given. */
export function oneLine(text: string, most = 200): string {
  const line = text.replace(/[\p{C}\s]+/gu, ' ').trim()
  return line.length > most ? `${line.slice(0, most)}…` : line
}
