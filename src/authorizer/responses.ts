import { RolecastError, quote } from '../errors.js'
import type { Resolution } from '../claims/resolve.js'
import { copyArray, copyPlain } from './own-data.js'

/** A value that an authorizer can pass to the API behind it: never a list, an object or null. */
export type ContextValue = string | number | boolean

/** What an authorizer passes to the API behind it: names and values. */
export type ResponseContext = Readonly<Record<string, ContextValue>>

/** API Gateway's limit for WebSocket APIs, in bytes. For REST and HTTP APIs it documents none. */
export const MAX_RESPONSE_BYTES = 8_192

/** AppSync's limit of 5 MB, in bytes. */
export const MAX_APPSYNC_RESPONSE_BYTES = 5_000_000

/** API Gateway's limit on a resource in a policy. */
const MAX_RESOURCE_LENGTH = 512

/** AppSync's limit on the time to live of a response, in seconds. */
const MAX_TTL = 3_600

// The responses are mutable, like the types of @types/aws-lambda, and so are assignable to them.

/** The response of an authorizer with an IAM policy. */
export interface IamPolicyResponse {
  /** The caller. */
  principalId: string
  /** What the caller may invoke. */
  policyDocument: {
    Version: '2012-10-17'
    Statement: { Action: 'execute-api:Invoke'; Effect: 'Allow' | 'Deny'; Resource: string | string[] }[]
  }
  /** Passed to the API behind the authorizer; absent for none. */
  context?: Record<string, ContextValue>
  /** An API key; absent for none. */
  usageIdentifierKey?: string
}

/** What a response with a policy is made of. */
export interface IamPolicyInput {
  /** The caller. API Gateway passes it on as `principalId`. */
  readonly principalId: string
  /** Whether the request is allowed. */
  readonly effect: 'Allow' | 'Deny'
  /** ARNs of methods or routes. `*` and `?` are wildcards, and a method's ARN contains the path that the client chose. */
  readonly resource: string | readonly string[]
  /**
   * Passed to the API behind the authorizer; see `toContext`.
   *
   * @default none
   */
  readonly context?: ResponseContext | undefined
  /**
   * An API key, for a REST API whose `apiKeySource` is `AUTHORIZER`.
   *
   * @default none
   */
  readonly usageIdentifierKey?: string | undefined
  /**
   * Maximum size of the response as JSON.
   *
   * @default 8192
   */
  readonly maxBytes?: number | undefined
}

/**
 * Makes the response of an authorizer for REST APIs, WebSocket APIs and HTTP APIs (format 1.0, and 2.0 without simple
 * responses).
 *
 * Not for an unauthenticated caller: REST and WebSocket APIs respond with 401 only if the authorizer throws
 * `Error('Unauthorized')`. A `Deny` results in 403.
 *
 * @throws RolecastError `invalid-option`: a context that is not a plain object, a context value other than a string, finite
 * number or boolean, a response larger than `maxBytes`, a resource longer than 512 characters, no resource, no principal,
 * another effect
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 * @example
 * import { toIamPolicyResponse } from 'rolecast/authorizer'
 *
 * const response = toIamPolicyResponse({
 *   principalId: '11111111-2222-4333-8444-555555555555',
 *   effect: 'Allow',
 *   resource: 'arn:aws:execute-api:eu-west-1:111122223333:a1b2c3d4e5/prod/GET/documents',
 * })
 * console.log(response.policyDocument.Statement[0]?.Effect) // Allow
 */
export function toIamPolicyResponse(input: IamPolicyInput): IamPolicyResponse {
  const { principalId, effect, resource, context, usageIdentifierKey, maxBytes = MAX_RESPONSE_BYTES } = input
  check('effect', effect === 'Allow' || effect === 'Deny', 'is `Allow` or `Deny`')
  check('principalId', isText(principalId), 'is a string that is not empty')
  const resources = typeof resource === 'string' ? [resource] : (copyArray(resource) ?? [])
  check(
    'resource',
    isTexts(resources) && resources.length > 0 && resources.every(one => one.length <= MAX_RESOURCE_LENGTH),
    `is an ARN of at most ${MAX_RESOURCE_LENGTH} characters`,
  )
  check('usageIdentifierKey', usageIdentifierKey === undefined || isText(usageIdentifierKey), 'is a string')
  const Resource = typeof resource === 'string' ? resource : [...resources]
  return toResponse<IamPolicyResponse>(maxBytes, {
    principalId,
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource }] },
    context: toPlainContext(context, asItIs),
    usageIdentifierKey,
  })
}

/** The simple response of an authorizer of an HTTP API. */
export interface SimpleResponse {
  /** Whether the request is allowed. */
  isAuthorized: boolean
  /** Passed to the API behind the authorizer; absent for none. */
  context?: Record<string, ContextValue>
}

/** What a simple response is made of. */
export interface SimpleInput {
  /** Whether the request is allowed. */
  readonly isAuthorized: boolean
  /**
   * Passed to the API behind the authorizer; see `toContext`.
   *
   * @default none
   */
  readonly context?: ResponseContext | undefined
  /**
   * Maximum size of the response as JSON.
   *
   * @default 8192, which is cautious: AWS documents no limit for HTTP APIs
   */
  readonly maxBytes?: number | undefined
}

/**
 * Makes the simple response of an authorizer for an HTTP API with format 2.0, if simple responses are enabled.
 *
 * HTTP APIs accept lists and objects in the context too. They are rejected here, because a REST API cannot read them.
 * Do not use it where responses are cached and routes differ: a simple response allows every route that uses the
 * authorizer.
 *
 * @throws RolecastError `invalid-option`: as `toIamPolicyResponse`, or `isAuthorized` is not a boolean
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 * @example
 * import { toSimpleResponse } from 'rolecast/authorizer'
 *
 * console.log(toSimpleResponse({ isAuthorized: true, context: { team: 'blue' } }).context) // { team: 'blue' }
 */
export function toSimpleResponse(input: SimpleInput): SimpleResponse {
  const { isAuthorized, context, maxBytes = MAX_RESPONSE_BYTES } = input
  check('isAuthorized', typeof isAuthorized === 'boolean', 'is true or false')
  return toResponse<SimpleResponse>(maxBytes, { isAuthorized, context: toPlainContext(context, asItIs) })
}

/** The response of an `AWS_LAMBDA` authorizer of AppSync. */
export interface AppSyncResponse {
  /** Whether the request is allowed. */
  isAuthorized: boolean
  /**
   * Its values are strings. `any` fits each `AppSyncAuthorizerHandler<Context>` of @types/aws-lambda, also the one
   * without a context, which is its default.
   */
  // oxlint-disable-next-line typescript/no-explicit-any
  resolverContext?: any
  /** Fields for which AppSync returns null; absent for none. */
  deniedFields?: string[]
  /** Seconds for which AppSync caches the response; absent for the API's own setting. */
  ttlOverride?: number
}

/** What a response for AppSync is made of. */
export interface AppSyncInput {
  /** Whether the request is allowed. */
  readonly isAuthorized: boolean
  /**
   * Passed to resolvers. Numbers and booleans become strings, which AppSync's resolvers expect.
   *
   * @default none
   */
  readonly resolverContext?: ResponseContext | undefined
  /**
   * `Type.field`, or the ARN of a field. AppSync returns null for them. Leave it out for none: undefined is rejected.
   *
   * @default none
   */
  readonly deniedFields?: readonly string[]
  /**
   * Seconds for which AppSync caches the response, 0 to 3600. With 0 it is not cached.
   *
   * @default none: the setting of the API
   */
  readonly ttlOverride?: number | undefined
  /**
   * Maximum size of the response as JSON.
   *
   * @default 5_000_000
   */
  readonly maxBytes?: number | undefined
}

/**
 * Makes the response of an `AWS_LAMBDA` authorizer for AppSync.
 *
 * A denied field with an impossible name would leave the intended field open, so such a name is rejected. Whether the
 * schema has the field is not checked.
 *
 * @throws RolecastError `invalid-option`: as `toSimpleResponse`, or a denied field or time to live of another form
 * @see https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
 * @example
 * import { toAppSyncResponse } from 'rolecast/authorizer'
 *
 * const response = toAppSyncResponse({ isAuthorized: true, deniedFields: ['Mutation.deleteUser'], ttlOverride: 0 })
 * console.log(response.deniedFields) // [ 'Mutation.deleteUser' ]
 */
export function toAppSyncResponse(input: AppSyncInput): AppSyncResponse {
  const { isAuthorized, resolverContext, deniedFields, ttlOverride, maxBytes = MAX_APPSYNC_RESPONSE_BYTES } = input
  check('isAuthorized', typeof isAuthorized === 'boolean', 'is true or false')
  check(
    'ttlOverride',
    ttlOverride === undefined || (Number.isInteger(ttlOverride) && ttlOverride >= 0 && ttlOverride <= MAX_TTL),
    `is 0 to ${MAX_TTL} whole seconds`,
  )
  const fields = 'deniedFields' in input ? (copyArray(deniedFields) ?? [undefined]) : []
  check('deniedFields', isTexts(fields) && fields.every(isField), 'is an array of `Type.field` or of ARNs of fields')
  return toResponse<AppSyncResponse>(maxBytes, {
    isAuthorized,
    resolverContext: toPlainContext(resolverContext, String),
    deniedFields: deniedFields && [...fields],
    ttlOverride,
  })
}

/**
 * A resolution as context values: `role` (absent if there is none), `outcome`, `rule`, and as JSON `groups` and `roles`.
 *
 * A hundred groups with long names do not fit into 8 kB. Then pass less, for example
 * `context: { role: resolution.preferredRole }`. The API behind the authorizer must expect `role` to be absent.
 *
 * @param resolution what `allow` gets, or what a resolver gives
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
 * @example
 * import { resolveRoles } from 'rolecast'
 * import { toContext } from 'rolecast/authorizer'
 *
 * console.log(toContext(resolveRoles([{ groupName: 'staff', precedence: 0 }])).groups) // ["staff"]
 */
export function toContext({ preferredRole, outcome, rule, groups, roles }: Resolution): ResponseContext {
  return {
    ...(preferredRole !== undefined && { role: preferredRole }),
    outcome,
    rule,
    groups: JSON.stringify(groups),
    roles: JSON.stringify(roles),
  }
}

/** The data of a plain object. `__proto__` is a key like any other. */
function toPlainContext<T extends ContextValue>(context: ResponseContext | undefined, map: (value: ContextValue) => T) {
  if (context === undefined) return undefined
  const plain = copyPlain(context)
  check('context', plain !== undefined, `is a plain object, and ${CONTEXT}`)
  return Object.fromEntries(
    Object.entries(plain).map(([key, value]): [string, T] => {
      check(`context.${key}`, isContextValue(value), CONTEXT)
      return [key, map(value)]
    }),
  )
}

function isContextValue(value: unknown): value is ContextValue {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)
}

function asItIs<T>(value: T): T {
  return value
}

function isField(name: string): boolean {
  return /^([a-z_]\w*\.[a-z_]\w*|arn:\S+\/types\/\w+\/fields\/\w+)$/i.test(name)
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** Whether these are strings that are not empty. */
export function isTexts(values: readonly unknown[]): values is readonly string[] {
  return values.every(isText)
}

const CONTEXT = 'takes strings, finite numbers and booleans; write a list as JSON'

/** Leaves out undefined fields. */
function toResponse<T>(maxBytes: number, fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  const response = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
  const bytes = new TextEncoder().encode(JSON.stringify(response)).length
  check('maxBytes', bytes <= maxBytes, `is ${maxBytes}, but the response has ${bytes} bytes; pass less context`)
  return response
}

/** The value is not in the error, because a path or a context can contain secrets. */
function check(name: string, good: boolean, rule: string): asserts good {
  if (!good) throw new RolecastError('invalid-option', `a response's ${quote(name)} ${rule}`)
}
