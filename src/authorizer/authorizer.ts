import { syncResult } from '../record.js'
import { RolecastError } from '../errors.js'
import { type ResponseContext, toAppSyncResponse, toIamPolicyResponse, toSimpleResponse } from './responses.js'
import {
  type ResponseOf,
  checkFoundToken,
  type EventKind,
  type EventOf,
  findToken,
  type FoundToken,
  isEventApi,
  readEvent,
  type ReadEvent,
} from './events.js'
import { createDecider, type Denied, type PlainVerdict, rejectFields, type RoleGuardOptions } from './guard.js'
import { AUTHORIZER_OPTIONS, readOptions } from './options.js'

/** The result of `allow` in an HTTP API with simple responses. */
export interface AccessVerdict {
  /** Whether the request is allowed. */
  readonly allow: boolean
  /**
   * Passed to the API behind the authorizer; see `toContext`.
   *
   * @default none
   */
  readonly context?: ResponseContext | undefined
}

/** The result of `allow` where the response is a policy. */
export interface IamVerdict extends AccessVerdict {
  /**
   * The allowed resources, instead of those that the option `resource` implies. Undefined results in a denial.
   *
   * @default what the option `resource` implies
   */
  readonly resource?: string | readonly string[]
  /**
   * An API key, for a REST API whose `apiKeySource` is `AUTHORIZER`.
   *
   * @default none
   */
  readonly usageIdentifierKey?: string | undefined
}

/** The result of `allow` in AppSync. */
export interface AppSyncVerdict extends AccessVerdict {
  /**
   * Undefined results in a denial. So do denied fields and a `context` in an Event API, which would drop them.
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
}

/**
 * The result of `allow`. An object must be plain: one of a class, or with a getter or a symbol, results in a denial, and so
 * does a field that the response to that kind of event cannot have.
 */
export type VerdictOf<K extends EventKind> =
  | boolean
  | (K extends 'http-2' ? AccessVerdict : K extends 'appsync' ? AppSyncVerdict : IamVerdict)

/**
 * Options without a default for the kinds whose response is a policy, because API Gateway caches policies (for 300
 * seconds by default). The kinds `http-2` and `appsync` have no policy and may leave both out.
 */
export interface PolicyChoices {
  /**
   * What a policy allows: `method`, the method that was called: with a cache it denies the user's next method; or `stage`,
   * every method of the stage, and then `allow` must not depend on the method or the path.
   */
  readonly resource: 'method' | 'stage'
  /**
   * If there is no decision (status 503), for example because Cognito is down: `deny`, which API Gateway may cache, so that
   * the denial outlasts the outage; or `throw`, which it does not cache, and the client gets 500. AppSync caches neither.
   *
   * @default 'deny', for the kinds that may leave it out
   */
  readonly onFailure: 'deny' | 'throw'
}

/** `PolicyChoices`, which the kinds without a policy may leave out. */
export type PolicyChoicesOf<K extends EventKind> = [K] extends ['http-2' | 'appsync']
  ? { readonly [Name in keyof PolicyChoices]?: PolicyChoices[Name] | undefined }
  : PolicyChoices

/** The options of `createRoleAuthorizer`: those of a guard, and how to read events and make responses. */
export type RoleAuthorizerOptions<
  Payload extends object,
  RequireRole extends boolean,
  K extends EventKind,
> = CommonAuthorizerOptions<Payload, RequireRole, K> & PolicyChoicesOf<K>

/** The options that all kinds of events have. */
export interface CommonAuthorizerOptions<
  Payload extends object,
  RequireRole extends boolean,
  K extends EventKind,
> extends RoleGuardOptions<Payload, RequireRole, EventOf<K>, VerdictOf<K>> {
  /**
   * The kind of the events: an event of another kind is rejected. `http-2-iam` must be given.
   *
   * @default detected from the event's fields
   */
  readonly kind?: K | undefined
  /**
   * Finds the token in the event, with or without `Bearer`. It must be in an identity source, whose values are the key
   * of API Gateway's cache: for an HTTP API this is checked, for a REST API the event does not contain the identity
   * source. Leave it out for the default place: undefined is rejected.
   *
   * @default the Authorization header, the one identity source of an HTTP API, or `authorizationToken`
   */
  readonly findToken?: (event: EventOf<K>) => string | undefined
  /**
   * Milliseconds before the function's timeout at which the request is denied, unless `timeout` is over earlier.
   *
   * @default 500
   */
  readonly margin?: number | undefined
  /**
   * Maximum size of the response as JSON.
   *
   * @default 8192; for AppSync 5_000_000
   */
  readonly maxBytes?: number | undefined
}

/** A Lambda function's handler, assignable to the type that @types/aws-lambda has for the kind. */
export type RoleAuthorizer<K extends EventKind> = (
  event: EventOf<K>,
  context?: { getRemainingTimeInMillis?(): number },
) => Promise<ResponseOf<K>>

/**
 * Makes a Lambda authorizer that decides by the role a user would get now: it verifies the token, reads the roles of the
 * user's groups, compares them with the token's claims, and calls `allow`.
 *
 * It fails closed: if anything is missing, wrong, late or thrown, access is not granted. Without a valid token the client
 * gets 401 from REST and WebSocket APIs (the handler rejects with `Error('Unauthorized')`, as AWS documents) and a denial
 * elsewhere. API Gateway and AppSync cache responses: a revoked role stays in effect until that cache entry expires.
 *
 * Not for a pool whose pre token generation trigger changes groups or roles, because the roles are forecast from the
 * groups. It does not verify tokens itself: it trusts the verifier.
 *
 * @throws RolecastError `invalid-option`; the handler rejects with `invalid-event` (an event of an unknown kind, of
 * another than `kind`, or without the fields of its kind), and with `onFailure: 'throw'` also with `unexpected`
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 * @see https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
 * @example
 * import { CognitoJwtVerifier } from 'aws-jwt-verify'
 * import { createRoleAuthorizer, toContext } from 'rolecast/authorizer'
 * import { createRoleResolver, groupsFromCognito } from 'rolecast/cognito'
 *
 * const userPoolId = 'eu-west-1_Ab12Cd34e'
 *
 * export const handler = createRoleAuthorizer({
 *   kind: 'rest-token',
 *   verifier: CognitoJwtVerifier.create({ userPoolId, clientId: '1example23456789', tokenUse: 'id' }),
 *   resolver: createRoleResolver({ userPoolId }),
 *   groupsOf: groupsFromCognito({ userPoolId }),
 *   onStale: 'deny',
 *   resource: 'stage',
 *   onFailure: 'throw',
 *   allow: ({ resolution }) =>
 *     resolution.preferredRole === 'arn:aws:iam::111122223333:role/Admin' && {
 *       allow: true,
 *       context: toContext(resolution),
 *     },
 * })
 */
export function createRoleAuthorizer<
  Payload extends object,
  RequireRole extends boolean = true,
  K extends EventKind = EventKind,
>(options: RoleAuthorizerOptions<Payload, RequireRole, K>): RoleAuthorizer<K> {
  const read = readOptions(options, AUTHORIZER_OPTIONS)
  const decide = createDecider(read)
  const { kind: named, findToken: findOwn, resource, onFailure, margin = 500, maxBytes } = read

  function find(request: ReadEvent, event: EventOf<K>): FoundToken {
    const { kind, arn } = request
    // The client chooses the path: a `*` in it would allow paths that were not decided on.
    const allowed = kind === 'http-2' ? '' : resource === 'stage' ? stageOf(arn) : arn
    if (/[*?]|\$\{/.test(allowed)) return { deny: 'wildcard-in-path' }
    return findOwn === undefined ? findToken(request) : checkFoundToken(syncResult(findOwn(event)), request)
  }

  function grant(request: ReadEvent, verdict: PlainVerdict, principalId: string): object {
    const { kind, arn } = request
    rejectFields(verdict, fieldsOf(request))
    // Of any type, until the maker of the response checks them.
    const {
      context,
      deniedFields,
      ttlOverride,
      usageIdentifierKey,
      resource: own,
    } = verdict as PlainVerdict & IamVerdict & AppSyncVerdict
    if (kind === 'appsync') {
      return toAppSyncResponse({
        isAuthorized: true,
        resolverContext: context,
        ...('deniedFields' in verdict && { deniedFields }),
        ttlOverride,
        maxBytes,
      })
    }
    if (kind === 'http-2') return toSimpleResponse({ isAuthorized: true, context, maxBytes })
    const granted = 'resource' in verdict ? own! : resource === 'stage' ? `${stageOf(arn)}*` : arn
    return toIamPolicyResponse({
      principalId,
      effect: 'Allow',
      resource: granted,
      context,
      usageIdentifierKey,
      maxBytes,
    })
  }

  return async (event, context) => {
    const request = readEvent(event, named)
    const { decision, response } = await decide<object>({
      find: () => (request === undefined ? { deny: 'invalid-event' } : find(request, event)),
      event,
      signal: undefined,
      timeLeft: () => {
        const left: unknown = syncResult(context?.getRemainingTimeInMillis?.())
        return left === undefined ? Infinity : typeof left === 'number' ? left - margin : NaN
      },
      complete: (verdict, principalId) => grant(request!, verdict, principalId),
    })
    if (decision.allowed) return response as ResponseOf<K>
    if (request === undefined) {
      throw new RolecastError(
        'invalid-event',
        'the event is of an unknown kind, is not of the given `kind`, or lacks the fields of its kind; ' +
          'give the `kind` of your API',
      )
    }
    const { kind, arn } = request
    if (decision.status === 401 && THROW_FOR_401.has(kind)) throw new Error('Unauthorized')
    if (decision.status === 503 && onFailure === 'throw') {
      throw new RolecastError('unexpected', `there is no decision (${decision.reason}); try again later`, {
        retryable: true,
      })
    }
    return deny(kind, arn, decision) as ResponseOf<K>
  }
}

/** The kinds for which AWS documents the response to an authorizer that throws `Unauthorized`. */
const THROW_FOR_401: ReadonlySet<EventKind> = new Set(['rest-token', 'rest-request', 'websocket'])

function deny(kind: EventKind, arn: string, { status, principalId = 'unknown' }: Denied): object {
  if (kind === 'appsync' && status === 503) return { isAuthorized: false, ttlOverride: 0 }
  if (kind === 'appsync' || kind === 'http-2') return { isAuthorized: false }
  // Of the whole stage: a cached policy that allows nothing denies every method anyway.
  return toIamPolicyResponse({ principalId, effect: 'Deny', resource: `${stageOf(arn)}*` })
}

/** What `allow` may add. An Event API drops denied fields and a resolver's context without an error. */
function fieldsOf(request: ReadEvent): readonly string[] {
  if (isEventApi(request)) return ['ttlOverride']
  if (request.kind === 'appsync') return ['context', 'deniedFields', 'ttlOverride']
  return request.kind === 'http-2' ? ['context'] : ['context', 'resource', 'usageIdentifierKey']
}

/** `arn:…:api/stage/` */
function stageOf(arn: string): string {
  return `${arn.split('/', 2).join('/')}/`
}
