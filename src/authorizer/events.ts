import { type AppSyncResponse, type IamPolicyResponse, isText, type SimpleResponse } from './responses.js'

type Named<T = string> = { readonly [name: string]: T | undefined } | null | undefined

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html */
export interface RestTokenEvent {
  readonly type: 'TOKEN'
  readonly authorizationToken: string
  readonly methodArn: string
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html */
export interface RestRequestEvent {
  readonly type: 'REQUEST'
  readonly methodArn: string
  readonly httpMethod: string
  readonly path: string
  readonly headers?: Named
  readonly multiValueHeaders?: Named<readonly string[]>
  readonly queryStringParameters?: Named
  readonly pathParameters?: Named
  readonly stageVariables?: Named
  readonly requestContext: object
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html */
export interface WebSocketEvent {
  readonly type: 'REQUEST'
  readonly methodArn: string
  readonly headers?: Named
  readonly multiValueHeaders?: Named<readonly string[]>
  readonly queryStringParameters?: Named
  readonly stageVariables?: Named
  readonly requestContext: { readonly connectionId?: string | undefined }
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html */
export interface HttpV1Event extends RestRequestEvent {
  readonly version?: string
  readonly identitySource?: string | null | undefined
}

/** @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html */
export interface HttpV2Event {
  readonly version: string
  readonly type: 'REQUEST'
  readonly routeArn: string
  readonly routeKey: string
  readonly rawPath: string
  readonly identitySource?: readonly string[] | null | undefined
  readonly cookies?: readonly string[] | undefined
  readonly headers?: Named
  readonly queryStringParameters?: Named
  readonly pathParameters?: Named
  readonly stageVariables?: Named
  readonly requestContext: object
}

/** @see https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html */
export interface AppSyncEvent {
  readonly authorizationToken: string
  readonly requestContext: {
    readonly apiId: string
    readonly accountId: string
    readonly requestId: string
    readonly queryString: string
    readonly operationName?: string | null | undefined
    readonly variables?: object | null | undefined
  }
  readonly requestHeaders?: Named
}

interface Kinds {
  'rest-token': [RestTokenEvent, IamPolicyResponse]
  'rest-request': [RestRequestEvent, IamPolicyResponse]
  websocket: [WebSocketEvent, IamPolicyResponse]
  'http-1': [HttpV1Event, IamPolicyResponse]
  'http-2': [HttpV2Event, SimpleResponse]
  'http-2-iam': [HttpV2Event, IamPolicyResponse]
  appsync: [AppSyncEvent, AppSyncResponse]
}

/**
 * The kind of an API, which determines the event and the response: a REST API with a TOKEN or a REQUEST authorizer, a
 * WebSocket API, an HTTP API with payload format 1.0, with 2.0 and simple responses or IAM policies, or AppSync.
 */
export type EventKind = keyof Kinds
export type EventOf<K extends EventKind> = Kinds[K][0]
export type ResponseOf<K extends EventKind> = Kinds[K][1]

type Fields = { readonly [name: string]: unknown }

/**
 * The kind of an event by the fields that AWS documents and sets itself, or undefined. Never `http-2-iam`, because the event
 * does not say whether an HTTP API expects simple responses.
 */
export function detectEventKind(event: unknown): EventKind | undefined {
  const { type, version, httpMethod, authorizationToken, requestContext } = toFields(event)
  const { connectionId, apiId, queryString } = toFields(requestContext)
  if (type === 'TOKEN') return 'rest-token'
  if (type === undefined && [authorizationToken, apiId, queryString].every(isText)) return 'appsync'
  if (type !== 'REQUEST') return undefined
  if (version !== undefined) return version === '2.0' ? 'http-2' : version === '1.0' ? 'http-1' : undefined
  return isText(httpMethod) ? 'rest-request' : isText(connectionId) ? 'websocket' : undefined
}

/** The ARN of the method or route that is called, or undefined. Empty for AppSync, which has none. */
export function arnOf(kind: EventKind, event: unknown): string | undefined {
  if (kind === 'appsync') return ''
  const { methodArn, routeArn } = toFields(event)
  const arn = kind.startsWith('http-2') ? routeArn : methodArn
  return isText(arn) && /^arn:[^/]+\/[^/]+\//.test(arn) ? arn : undefined
}

/**
 * The token in the value of an Authorization header: `Bearer x`, in any letter case, or `x` alone. Undefined for anything
 * else, for example another scheme.
 */
export function bearerToken(header: unknown): string | undefined {
  return typeof header === 'string' ? /^\s*(?:bearer\s+)?(?!bearer\s*$)(\S+)\s*$/i.exec(header)?.[1] : undefined
}

/** A token, or undefined if it is missing, or the reason to deny if it is something else. */
export type FoundToken =
  | string
  | undefined
  | { readonly deny: 'token-not-cache-key' | 'wildcard-in-path' | 'invalid-event' }

/**
 * Finds the token in its default place. In an HTTP API it must be among the identity sources, if there are any: they are the
 * key of API Gateway's cache, and a response for one token must not be used for another.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export function findToken(kind: EventKind, event: unknown): FoundToken {
  const { authorizationToken, headers, multiValueHeaders, identitySource } = toFields(event)
  if (kind === 'rest-token' || kind === 'appsync') return bearerToken(authorizationToken)
  const all = [headers, multiValueHeaders].flatMap(one => Object.entries(toFields(one)))
  const values = new Set(all.filter(([name]) => name.toLowerCase() === 'authorization').flatMap(([, value]) => value))
  // AWS does not document which of two different headers API Gateway uses.
  if (values.size > 1) return undefined
  const [header] = values
  // Format 1.0 joins them with commas, and a token has none.
  const sources: readonly unknown[] = kind.startsWith('http')
    ? [identitySource ?? []].flat().join().split(',').filter(isText)
    : []
  if (header === undefined) return sources.length === 1 ? bearerToken(sources[0]) : undefined
  return sources.length > 0 && !sources.includes(header) ? { deny: 'token-not-cache-key' } : bearerToken(header)
}

function toFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
