import { RolecastError } from '../errors.js'
import type { Resolution } from '../claims/resolve.js'

/** What an authorizer can hand on to what stands behind it: never a list, never an object, never null. */
export type ContextValue = string | number | boolean

export type AnswerContext = Readonly<Record<string, ContextValue>>

/** What API Gateway documents for WebSocket APIs, in bytes. For REST and HTTP APIs it documents nothing. */
export const MAX_ANSWER_BYTES = 8_192

/** What AppSync documents as 5 MB, in bytes. */
export const MAX_APPSYNC_ANSWER_BYTES = 5_000_000

/** API Gateway's bound on a resource in a policy. */
const MAX_RESOURCE_LENGTH = 512

/** AppSync's bound on the time to live of an answer, in seconds. */
const MAX_TTL = 3_600

// The answers are mutable, as the types of @types/aws-lambda are: so they fit without a cast.

export interface IamPolicyResponse {
  principalId: string
  policyDocument: {
    Version: '2012-10-17'
    Statement: { Action: 'execute-api:Invoke'; Effect: 'Allow' | 'Deny'; Resource: string | string[] }[]
  }
  context?: Record<string, ContextValue>
  usageIdentifierKey?: string
}

export interface IamPolicyInput {
  /** Who calls; API Gateway hands it on as `principalId`. */
  readonly principalId: string
  readonly effect: 'Allow' | 'Deny'
  /** ARNs of methods or routes. `*` and `?` are wildcards: a method's ARN has the path that the client chose in it. */
  readonly resource: string | readonly string[]
  readonly context?: AnswerContext | undefined
  /** An API key, for a REST API whose `apiKeySource` is `AUTHORIZER`. */
  readonly usageIdentifierKey?: string | undefined
  /** Of the whole answer as JSON. Default 8192. */
  readonly maxBytes?: number | undefined
}

/**
 * The answer that REST APIs, WebSocket APIs and HTTP APIs (format 1.0, and 2.0 without simple responses) take.
 *
 * Not for a caller nobody knows: REST and WebSocket APIs answer 401 only to an authorizer that throws
 * `Error('Unauthorized')`; a `Deny` gives 403.
 *
 * @throws RolecastError `invalid-option`: a context value that is no string, finite number or boolean, an answer larger
 * than `maxBytes`, a resource longer than 512 characters, no resource, no principal, an effect that is neither
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-execution-service-websocket-limits-table.html
 */
export function toIamPolicyResponse(input: IamPolicyInput): IamPolicyResponse {
  const { principalId, effect, resource, context, usageIdentifierKey, maxBytes = MAX_ANSWER_BYTES } = input
  check('effect', effect === 'Allow' || effect === 'Deny', 'is `Allow` or `Deny`')
  check('principalId', isText(principalId), 'is a string that is not empty')
  const resources = [resource].flat()
  check(
    'resource',
    resources.length > 0 && resources.every(one => isText(one) && one.length <= MAX_RESOURCE_LENGTH),
    `is an ARN of at most ${MAX_RESOURCE_LENGTH} characters`,
  )
  const Resource = typeof resource === 'string' ? resource : resources
  return toAnswer<IamPolicyResponse>(maxBytes, {
    principalId,
    policyDocument: { Version: '2012-10-17', Statement: [{ Action: 'execute-api:Invoke', Effect: effect, Resource }] },
    context: toPlainContext(context, asItIs),
    usageIdentifierKey,
  })
}

export interface SimpleResponse {
  isAuthorized: boolean
  context?: Record<string, ContextValue>
}

export interface SimpleInput {
  readonly isAuthorized: boolean
  readonly context?: AnswerContext | undefined
  /** Of the whole answer as JSON. Default 8192, which is cautious: AWS documents no bound for HTTP APIs. */
  readonly maxBytes?: number | undefined
}

/**
 * The simple response that an HTTP API takes in format 2.0, where it is switched on for the authorizer.
 *
 * HTTP APIs take lists and objects in the context too; they are refused here, for a REST API cannot read them. Not where
 * answers are cached and routes differ: a simple response allows every route that uses the authorizer.
 *
 * @throws RolecastError `invalid-option`: as `toIamPolicyResponse`, or `isAuthorized` is not a boolean
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export function toSimpleResponse(input: SimpleInput): SimpleResponse {
  const { isAuthorized, context, maxBytes = MAX_ANSWER_BYTES } = input
  check('isAuthorized', typeof isAuthorized === 'boolean', 'is true or false')
  return toAnswer<SimpleResponse>(maxBytes, { isAuthorized, context: toPlainContext(context, asItIs) })
}

export interface AppSyncResponse {
  isAuthorized: boolean
  resolverContext?: Record<string, string>
  deniedFields?: string[]
  ttlOverride?: number
}

export interface AppSyncInput {
  readonly isAuthorized: boolean
  /** Numbers and booleans become strings, as AppSync's resolvers see them. */
  readonly resolverContext?: AnswerContext | undefined
  /** `Type.field`, or the ARN of a field. AppSync makes them null. */
  readonly deniedFields?: readonly string[] | undefined
  /** Seconds for which AppSync may keep the answer, 0 to 3600; 0: not at all. */
  readonly ttlOverride?: number | undefined
  /** Of the whole answer as JSON. Default 5 000 000. */
  readonly maxBytes?: number | undefined
}

/**
 * The answer that AppSync takes of an `AWS_LAMBDA` authorizer.
 *
 * A field that is denied under a name that no field can have would stay open, so such a name is refused. Whether the
 * schema has the field is not checked.
 *
 * @throws RolecastError `invalid-option`: as `toSimpleResponse`, or a denied field or time to live of another form
 * @see https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
 */
export function toAppSyncResponse(input: AppSyncInput): AppSyncResponse {
  const { isAuthorized, resolverContext, deniedFields, ttlOverride, maxBytes = MAX_APPSYNC_ANSWER_BYTES } = input
  check('isAuthorized', typeof isAuthorized === 'boolean', 'is true or false')
  check(
    'ttlOverride',
    ttlOverride === undefined || (Number.isInteger(ttlOverride) && ttlOverride >= 0 && ttlOverride <= MAX_TTL),
    `is 0 to ${MAX_TTL} whole seconds`,
  )
  check(
    'deniedFields',
    deniedFields === undefined || (Array.isArray(deniedFields) && [...deniedFields].every(isField)),
    'is an array of `Type.field` or of ARNs of fields',
  )
  return toAnswer<AppSyncResponse>(maxBytes, {
    isAuthorized,
    resolverContext: toPlainContext(resolverContext, String),
    deniedFields: deniedFields && [...deniedFields],
    ttlOverride,
  })
}

/**
 * A resolution as context values: `role` (absent if there is none), `outcome`, `rule`, and as JSON `groups` and `roles`.
 *
 * A hundred groups with long names do not fit into 8 kB: then write `context: { role: resolution.preferredRole }` and the
 * like instead. What stands behind must not take `role` for granted.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-output.html
 */
export function toContext({ preferredRole, outcome, rule, groups, roles }: Resolution): AnswerContext {
  return {
    ...(preferredRole !== undefined && { role: preferredRole }),
    outcome,
    rule,
    groups: JSON.stringify(groups),
    roles: JSON.stringify(roles),
  }
}

/** Own keys only, each as it is named: `__proto__` is a key like any other. */
function toPlainContext<T extends ContextValue>(context: AnswerContext | undefined, map: (value: ContextValue) => T) {
  if (context === undefined) return undefined
  check('context', typeof context === 'object' && context !== null && !Array.isArray(context), CONTEXT)
  return Object.fromEntries(
    Object.entries(context).map(([key, value]): [string, T] => {
      check(
        `context.${key}`,
        typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value),
        CONTEXT,
      )
      return [key, map(value)]
    }),
  )
}

function asItIs<T>(value: T): T {
  return value
}

function isField(name: unknown): boolean {
  return typeof name === 'string' && /^([a-z_]\w*\.[a-z_]\w*|arn:\S+\/types\/\w+\/fields\/\w+)$/i.test(name)
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

const CONTEXT = 'takes strings, finite numbers and booleans; write a list as JSON'

/** What is undefined is left out. */
function toAnswer<T>(maxBytes: number, fields: { readonly [K in keyof T]: T[K] | undefined }): T {
  const answer = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T
  const bytes = new TextEncoder().encode(JSON.stringify(answer)).length
  check('maxBytes', bytes <= maxBytes, `is ${maxBytes}, and it has ${bytes} bytes; hand on less context`)
  return answer
}

/** The value is not in the error: a path or a context can hold secrets. */
function check(name: string, good: boolean, rule: string): void {
  if (!good) throw new RolecastError('invalid-option', `an answer's \`${name}\` ${rule}`)
}
