import { ownFields } from './own-data.js'
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

/**
 * Of a GraphQL API, or of an Event API, which has channels and no query.
 *
 * @see https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
 * @see https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html
 */
export interface AppSyncEvent {
  readonly authorizationToken: string
  readonly requestContext: {
    readonly apiId: string
    readonly accountId: string
    readonly requestId: string
    /** Empty for a subscription; absent in an Event API. */
    readonly queryString?: string | null | undefined
    readonly operationName?: string | null | undefined
    readonly variables?: object | null | undefined
    /** `EVENT_CONNECT`, `EVENT_PUBLISH` or `EVENT_SUBSCRIBE`: only in an Event API. */
    readonly operation?: string | null | undefined
    /** Only in an Event API, and not on `EVENT_CONNECT`. */
    readonly channelNamespaceName?: string | null | undefined
    readonly channel?: string | null | undefined
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
 * Whether an event is of a kind, by the fields that AWS documents, sets itself and never leaves empty. AppSync's
 * `queryString` is none of them: it is empty for a subscription.
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
 * Reads an event of the kind that is named, or of any: undefined if it is of another kind, or lacks the ARN of its kind.
 * Never `http-2-iam` unless that is named, because the event does not say whether an HTTP API expects simple responses.
 */
export function readEvent(event: unknown, named?: EventKind): ReadEvent | undefined {
  const fields = ownFields(event)
  const kind = (named === undefined ? KINDS : [named]).find(one => FITS[one](fields))
  const arn = kind && arnOf(kind, fields)
  return kind === undefined || arn === undefined ? undefined : { kind, arn, fields }
}

/**
 * Whether an AppSync event is of an Event API, or may be: a response to it has neither `deniedFields` nor `resolverContext`.
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

/** The same check of a token that was found elsewhere: it must be one of the words of an identity source. */
export function checkFoundToken(found: unknown, { kind, fields }: ReadEvent): FoundToken {
  const token = bearerToken(found)
  const sources = identitySources(kind, fields)
  if (token === undefined || sources.length === 0) return token
  // A cookie, for example, has other words too. A sender of the same key knows the token, whatever else the key has.
  const isKey = sources.some(source => source === found || source.split(/[^\w.-]+/).includes(token))
  return isKey ? token : { deny: 'token-not-cache-key' }
}

/** The identity sources of an HTTP API; of other APIs none, because their events do not tell them. */
function identitySources(kind: EventKind, { identitySource }: Fields): readonly string[] {
  // Format 1.0 joins them with commas, and a token has none.
  return kind.startsWith('http') ? [identitySource ?? []].flat().join().split(',').filter(isText) : []
}
