import { ownFields } from './own-data.js'
import { type AppSyncResponse, type IamPolicyResponse, isText, type SimpleResponse } from './responses.js'

/** Headers or parameters by name. AWS sends null for none. */
export type NamedValues<T = string> = { readonly [name: string]: T | undefined } | null | undefined

/**
 * The event of a REST API's TOKEN authorizer.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
 */
export interface RestTokenEvent {
  /** Always `TOKEN`. */
  readonly type: 'TOKEN'
  /** The value of the identity source's header. */
  readonly authorizationToken: string
  /** The method that was called. */
  readonly methodArn: string
}

/**
 * The event of a REST API's REQUEST authorizer.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-lambda-authorizer-input.html
 */
export interface RestRequestEvent {
  /** Always `REQUEST`. */
  readonly type: 'REQUEST'
  /** The method that was called. */
  readonly methodArn: string
  /** For example `GET`. */
  readonly httpMethod: string
  /** The path that the client chose. */
  readonly path: string
  /** The headers, one value each. */
  readonly headers?: NamedValues
  /** All values of each header. */
  readonly multiValueHeaders?: NamedValues<readonly string[]>
  /** The query parameters. */
  readonly queryStringParameters?: NamedValues
  /** The parameters in the path. */
  readonly pathParameters?: NamedValues
  /** The variables of the stage. */
  readonly stageVariables?: NamedValues
  /** What API Gateway says about the request. */
  readonly requestContext: object
}

/**
 * The event of a WebSocket API's authorizer, which runs on `$connect`.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-websocket-api-lambda-auth.html
 */
export interface WebSocketEvent {
  /** Always `REQUEST`. */
  readonly type: 'REQUEST'
  /** The route that was called. */
  readonly methodArn: string
  /** The headers, one value each. */
  readonly headers?: NamedValues
  /** All values of each header. */
  readonly multiValueHeaders?: NamedValues<readonly string[]>
  /** The query parameters. */
  readonly queryStringParameters?: NamedValues
  /** The variables of the stage. */
  readonly stageVariables?: NamedValues
  /** What API Gateway says about the connection. */
  readonly requestContext: { readonly connectionId?: string | undefined }
}

/**
 * The event of an HTTP API with payload format 1.0.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export interface HttpV1Event extends RestRequestEvent {
  /** Always `1.0`. */
  readonly version?: string
  /** The values of the identity sources, joined by commas. */
  readonly identitySource?: string | null | undefined
}

/**
 * The event of an HTTP API with payload format 2.0.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export interface HttpV2Event {
  /** Always `2.0`. */
  readonly version: string
  /** Always `REQUEST`. */
  readonly type: 'REQUEST'
  /** The route that was called. */
  readonly routeArn: string
  /** For example `GET /documents/{id}`. */
  readonly routeKey: string
  /** The path that the client chose. */
  readonly rawPath: string
  /** The values of the identity sources. */
  readonly identitySource?: readonly string[] | null | undefined
  /** The cookies. */
  readonly cookies?: readonly string[] | undefined
  /** Repeated headers are joined by commas. */
  readonly headers?: NamedValues
  /** Repeated parameters are joined by commas. */
  readonly queryStringParameters?: NamedValues
  /** The parameters in the path. */
  readonly pathParameters?: NamedValues
  /** The variables of the stage. */
  readonly stageVariables?: NamedValues
  /** What API Gateway says about the request. */
  readonly requestContext: object
}

/**
 * Of a GraphQL API, or of an Event API, which has channels and no query.
 *
 * @see https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
 * @see https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html
 */
export interface AppSyncEvent {
  /** The value of the Authorization header. */
  readonly authorizationToken: string
  /** What AppSync says about the request. */
  readonly requestContext: {
    /** The API. */
    readonly apiId: string
    /** The AWS account. */
    readonly accountId: string
    /** The request. */
    readonly requestId: string
    /** Empty for a subscription; absent in an Event API. */
    readonly queryString?: string | null | undefined
    /** The name of the GraphQL operation. */
    readonly operationName?: string | null | undefined
    /** The variables of the GraphQL operation. */
    readonly variables?: object | null | undefined
    /** `EVENT_CONNECT`, `EVENT_PUBLISH` or `EVENT_SUBSCRIBE`: only in an Event API. */
    readonly operation?: string | null | undefined
    /** Only in an Event API, and not on `EVENT_CONNECT`. */
    readonly channelNamespaceName?: string | null | undefined
    /** Only in an Event API, and not on `EVENT_CONNECT`. */
    readonly channel?: string | null | undefined
  }
  /** The headers of the request. */
  readonly requestHeaders?: NamedValues
}

/** The event and the response of each kind of API. */
export interface EventKinds {
  /** A REST API with a TOKEN authorizer. */
  'rest-token': [RestTokenEvent, IamPolicyResponse]
  /** A REST API with a REQUEST authorizer. */
  'rest-request': [RestRequestEvent, IamPolicyResponse]
  /** A WebSocket API. */
  websocket: [WebSocketEvent, IamPolicyResponse]
  /** An HTTP API with payload format 1.0. */
  'http-1': [HttpV1Event, IamPolicyResponse]
  /** An HTTP API with payload format 2.0 and simple responses. */
  'http-2': [HttpV2Event, SimpleResponse]
  /** An HTTP API with payload format 2.0 and IAM policies. */
  'http-2-iam': [HttpV2Event, IamPolicyResponse]
  /** AppSync: a GraphQL API or an Event API. */
  appsync: [AppSyncEvent, AppSyncResponse]
}

/**
 * The kind of an API, which determines the event and the response: a REST API with a TOKEN or a REQUEST authorizer, a
 * WebSocket API, an HTTP API with payload format 1.0, with 2.0 and simple responses or IAM policies, or AppSync.
 */
export type EventKind = keyof EventKinds
/** The events of a kind. */
export type EventOf<K extends EventKind> = EventKinds[K][0]
/** The response to events of a kind. */
export type ResponseOf<K extends EventKind> = EventKinds[K][1]

type Fields = { readonly [name: string]: unknown }

/**
 * Whether an event is of a kind, by the fields that AWS documents, sets itself and never leaves empty. AppSync's
 * `queryString` is not one of them: it is empty for a subscription.
 *
 * @see https://github.com/aws-amplify/amplify-category-api/issues/2090
 */
const FITS: Readonly<Record<EventKind, (event: Fields) => boolean>> = {
  'rest-token': ({ type }) => type === 'TOKEN',
  'rest-request': event => isRequest(event, undefined) && isText(event['httpMethod']),
  websocket: event => isRequest(event, undefined) && isText(contextOf(event)['connectionId']),
  'http-1': event => isRequest(event, '1.0'),
  'http-2': event => isRequest(event, '2.0'),
  'http-2-iam': event => isRequest(event, '2.0'),
  // Every other kind has a `type`.
  appsync: event =>
    event['type'] === undefined && typeof event['authorizationToken'] === 'string' && isText(contextOf(event)['apiId']),
}

const KINDS = Object.keys(FITS) as EventKind[]

function isRequest({ type, version }: Fields, expected: string | undefined): boolean {
  return type === 'REQUEST' && version === expected
}

function contextOf(event: Fields): Fields {
  return ownFields(event['requestContext'])
}

/** The fields of an event, read once. */
export interface ReadEvent {
  readonly kind: EventKind
  /** The ARN of the method or route that is called. Empty for AppSync, which has none. */
  readonly arn: string
  readonly fields: Fields
}

/**
 * Reads an event of the given kind, or of any kind. Undefined if it is of another kind, or lacks the ARN of its kind.
 * Never `http-2-iam` unless that kind is given, because the event does not say whether an HTTP API expects simple
 * responses.
 */
export function readEvent(event: unknown, named?: EventKind): ReadEvent | undefined {
  const fields = ownFields(event)
  const kind = (named === undefined ? KINDS : [named]).find(one => FITS[one](fields))
  const arn = kind && arnOf(kind, fields)
  return kind === undefined || arn === undefined ? undefined : { kind, arn, fields }
}

/**
 * Whether an AppSync event is of an Event API, or may be: a response to it has neither `deniedFields` nor
 * `resolverContext`.
 */
export function isEventApi({ kind, fields }: ReadEvent): boolean {
  const { queryString, operation } = contextOf(fields)
  return kind === 'appsync' && (typeof queryString !== 'string' || isText(operation))
}

function arnOf(kind: EventKind, { methodArn, routeArn }: Fields): string | undefined {
  if (kind === 'appsync') return ''
  const arn = kind.startsWith('http-2') ? routeArn : methodArn
  return isText(arn) && /^arn:[^/]+\/[^/]+\//.test(arn) ? arn : undefined
}

/**
 * The token in the value of an Authorization header: `Bearer x`, in any letter case, or only `x`. Undefined for anything
 * else, for example another scheme.
 *
 * @example
 * import { bearerToken } from 'rolecast/authorizer'
 *
 * console.log(bearerToken('Bearer abc.def.ghi'), bearerToken('Basic YTpi')) // abc.def.ghi undefined
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
 * Finds the token in its default place. In an HTTP API it must be among the identity sources, if there are any: they
 * are the key of API Gateway's cache, and a response for one token must not be used for another.
 *
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 */
export function findToken({ kind, fields }: ReadEvent): FoundToken {
  if (kind === 'rest-token' || kind === 'appsync') return bearerToken(fields['authorizationToken'])
  const all = [fields['headers'], fields['multiValueHeaders']].flatMap(one => Object.entries(ownFields(one)))
  const values = new Set<unknown>(
    all.filter(([name]) => name.toLowerCase() === 'authorization').flatMap(([, value]) => value),
  )
  // AWS does not document which of two different headers API Gateway uses.
  if (values.size > 1) return undefined
  const [header] = values
  const sources = identitySources(kind, fields)
  if (header === undefined) return sources.length === 1 ? bearerToken(sources[0]) : undefined
  return sources.length > 0 && !sources.some(source => source === header)
    ? { deny: 'token-not-cache-key' }
    : bearerToken(header)
}

/** The same check for a token that was found elsewhere: it must be one of the words of an identity source. */
export function checkFoundToken(found: unknown, { kind, fields }: ReadEvent): FoundToken {
  const token = bearerToken(found)
  const sources = identitySources(kind, fields)
  if (token === undefined || sources.length === 0) return token
  // A cookie, for example, has other words too. A client that sends the same key knows the token, whatever else is in the key.
  const isKey = sources.some(source => source === found || source.split(/[^\w.-]+/).includes(token))
  return isKey ? token : { deny: 'token-not-cache-key' }
}

/** The identity sources of an HTTP API. None for other APIs, because their events do not have them. */
function identitySources(kind: EventKind, { identitySource }: Fields): readonly string[] {
  // Format 1.0 joins them with commas, and a token has none.
  return kind.startsWith('http') ? [identitySource ?? []].flat().join().split(',').filter(isText) : []
}
