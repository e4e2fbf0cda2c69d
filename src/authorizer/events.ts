import { type AppSyncResponse, type IamPolicyResponse, isText, type SimpleResponse } from './answers.js'

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
 * Who asks, and in which form it wants its answer: a REST API's TOKEN or REQUEST authorizer, a WebSocket API's, an HTTP
 * API's in payload format 1.0, in 2.0 with simple responses or with IAM policies, or AppSync's.
 */
export type EventKind = keyof Kinds
export type EventOf<K extends EventKind> = Kinds[K][0]
export type AnswerOf<K extends EventKind> = Kinds[K][1]

type Fields = { readonly [name: string]: unknown }

/**
 * The kind of an event by the fields that AWS documents for it and sets itself, or undefined. Never `http-2-iam`: whether
 * an HTTP API wants simple responses is not in the event.
 */
export function tellEventKind(event: unknown): EventKind | undefined {
  const { type, version, httpMethod, authorizationToken, requestContext } = toFields(event)
  const { connectionId, apiId, queryString } = toFields(requestContext)
  if (type === 'TOKEN') return 'rest-token'
  if (type === undefined && [authorizationToken, apiId, queryString].every(isText)) return 'appsync'
  if (type !== 'REQUEST') return undefined
  if (version !== undefined) return version === '2.0' ? 'http-2' : version === '1.0' ? 'http-1' : undefined
  return isText(httpMethod) ? 'rest-request' : isText(connectionId) ? 'websocket' : undefined
}

/** The ARN of the method or route that is called, or undefined; empty in AppSync, which has none. */
export function arnOf(kind: EventKind, event: unknown): string | undefined {
  if (kind === 'appsync') return ''
  const { methodArn, routeArn } = toFields(event)
  const arn = kind.startsWith('http-2') ? routeArn : methodArn
  return isText(arn) && /^arn:[^/]+\/[^/]+\//.test(arn) ? arn : undefined
}

/**
 * The token in the value of an Authorization header: `Bearer x`, in any case, or `x` alone; undefined for anything else,
 * another scheme for example.
 */
export function bearerToken(header: unknown): string | undefined {
  return typeof header === 'string' ? /^\s*(?:bearer\s+)?(?!bearer\s*$)(\S+)\s*$/i.exec(header)?.[1] : undefined
}

/** A token, or none, and then why if that is not simply that it is missing. */
export type FoundToken =
  | string
  | undefined
  | { readonly refuse: 'token-not-cache-key' | 'wildcard-in-path' | 'invalid-event' }

/**
 * Where a token stands by default. In an HTTP API it must be among the identity sources if there are any: they are the
 * key under which the answer may be kept, and an answer to one token must not be given to another.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export function findToken(kind: EventKind, event: unknown): FoundToken {
  const { authorizationToken, headers, multiValueHeaders, identitySource } = toFields(event)
  if (kind === 'rest-token' || kind === 'appsync') return bearerToken(authorizationToken)
  const all = [headers, multiValueHeaders].flatMap(one => Object.entries(toFields(one)))
  const values = new Set(all.filter(([name]) => name.toLowerCase() === 'authorization').flatMap(([, value]) => value))
  // Of two that differ nobody knows which one API Gateway goes by.
  if (values.size > 1) return undefined
  const [header] = values
  // Format 1.0 joins them by commas, and a token has none.
  const sources: readonly unknown[] = kind.startsWith('http')
    ? [identitySource ?? []].flat().join().split(',').filter(isText)
    : []
  if (header === undefined) return sources.length === 1 ? bearerToken(sources[0]) : undefined
  return sources.length > 0 && !sources.includes(header) ? { refuse: 'token-not-cache-key' } : bearerToken(header)
}

function toFields(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? (value as Fields) : {}
}
