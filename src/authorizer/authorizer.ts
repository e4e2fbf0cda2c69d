import { RolecastError } from '../errors.js'
import { type ResponseContext, toAppSyncResponse, toIamPolicyResponse, toSimpleResponse } from './responses.js'
import {
  type ResponseOf,
  arnOf,
  bearerToken,
  type EventKind,
  type EventOf,
  findToken,
  type FoundToken,
  detectEventKind,
} from './events.js'
import { createDecider, type Denied, rejectFields, type RoleGuardOptions } from './guard.js'

interface AccessVerdict {
  readonly allow: boolean
  /** Passed to the API behind the authorizer; see `toContext`. */
  readonly context?: ResponseContext | undefined
}

interface IamVerdict extends AccessVerdict {
  /** The allowed resources, instead of those that the option `resource` implies. */
  readonly resource?: string | readonly string[] | undefined
  readonly usageIdentifierKey?: string | undefined
}

interface AppSyncVerdict extends AccessVerdict {
  readonly deniedFields?: readonly string[] | undefined
  readonly ttlOverride?: number | undefined
}

/** The result of `allow`. A field that the response to that kind of event cannot have results in a denial. */
export type VerdictOf<K extends EventKind> =
  | boolean
  | (K extends 'http-2' ? AccessVerdict : K extends 'appsync' ? AppSyncVerdict : IamVerdict)

export interface RoleAuthorizerOptions<
  Payload extends object,
  RequireRole extends boolean,
  K extends EventKind,
> extends RoleGuardOptions<Payload, RequireRole, EventOf<K>, VerdictOf<K>> {
  /**
   * The kind of the events. `http-2-iam` must be given.
   *
   * @default detected from the event's fields
   */
  readonly kind?: K | undefined
  /**
   * Finds the token in the event, with or without `Bearer`. If it is not in the default place, it must be in the identity
   * source, which is the key of API Gateway's cache.
   *
   * @default the Authorization header, the one identity source of an HTTP API, or `authorizationToken`
   */
  readonly findToken?: ((event: EventOf<K>) => string | undefined) | undefined
  /**
   * What a policy allows: `method`, the method that was called; or `stage`, every method of the stage, for policies that API
   * Gateway caches. With `stage`, `allow` must not depend on the method or the path.
   *
   * @default method
   */
  readonly resource?: 'method' | 'stage' | undefined
  /**
   * If there is no decision (status 503), for example because Cognito is down: `deny`, which API Gateway may cache; or
   * `throw`, which it does not cache, and the client gets 500. AppSync caches neither.
   *
   * @default deny
   */
  readonly onFailure?: 'deny' | 'throw' | undefined
  /**
   * Milliseconds before the function's timeout at which the request is denied.
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
 * Not for a pool whose pre token generation trigger changes groups or roles, because the roles are forecast from the groups.
 * It does not verify tokens itself: it trusts the verifier.
 *
 * @throws RolecastError `invalid-option`; the handler rejects with `invalid-event` (an event of an unknown kind, or without
 * the fields of its kind), and with `onFailure: 'throw'` also with `unexpected`
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-use-lambda-authorizer.html
 * @see https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-lambda-authorizer.html
 * @see https://docs.aws.amazon.com/appsync/latest/devguide/security-authz.html
 */
export function createRoleAuthorizer<
  Payload extends object,
  RequireRole extends boolean = true,
  K extends EventKind = EventKind,
>(options: RoleAuthorizerOptions<Payload, RequireRole, K>): RoleAuthorizer<K> {
  const decide = createDecider(options)
  const { kind: named, findToken: findOwn, resource, onFailure, margin = 500, maxBytes } = options

  function find(kind: EventKind, arn: string, event: EventOf<K>): FoundToken {
    // The client chooses the path: a `*` in it would allow paths that were not decided on.
    if (kind !== 'http-2' && resource !== 'stage' && /[*?]|\$\{/.test(arn)) return { deny: 'wildcard-in-path' }
    return findOwn === undefined ? findToken(kind, event) : bearerToken(findOwn(event))
  }

  function grant(kind: EventKind, arn: string, verdict: IamVerdict & AppSyncVerdict, principalId: string): object {
    const others =
      kind === 'appsync' ? ['deniedFields', 'ttlOverride'] : kind === 'http-2' ? [] : ['resource', 'usageIdentifierKey']
    rejectFields(verdict, ['context', ...others])
    const fields = { ...verdict, isAuthorized: true, maxBytes }
    if (kind === 'appsync') return toAppSyncResponse({ ...fields, resolverContext: verdict.context })
    if (kind === 'http-2') return toSimpleResponse(fields)
    const granted = verdict.resource ?? (resource === 'stage' ? toStage(arn) : arn)
    return toIamPolicyResponse({ ...fields, principalId, effect: 'Allow', resource: granted })
  }

  return async (event, context) => {
    const kind = named ?? detectEventKind(event)
    const arn = kind && arnOf(kind, event)
    const left = context?.getRemainingTimeInMillis?.()
    const controller = new AbortController()
    const timer = left === undefined ? undefined : setTimeout(() => controller.abort(), left - margin)
    try {
      const { decision, response } = await decide<object>(
        () => (arn === undefined ? { deny: 'invalid-event' } : find(kind!, arn, event)),
        event,
        controller.signal,
        (verdict, principalId) => grant(kind!, arn!, verdict as IamVerdict & AppSyncVerdict, principalId),
      )
      if (decision.allowed) return response as ResponseOf<K>
      if (kind === undefined || arn === undefined) {
        throw new RolecastError(
          'invalid-event',
          'the event is of an unknown kind, or lacks the fields of its `kind`; give the `kind` of your API',
        )
      }
      if (decision.status === 401 && THROW_FOR_401.has(kind)) throw new Error('Unauthorized')
      if (decision.status === 503 && onFailure === 'throw') {
        throw new RolecastError('unexpected', `there is no decision (${decision.reason}); try again later`, {
          retryable: true,
        })
      }
      return deny(kind, arn, decision) as ResponseOf<K>
    } finally {
      clearTimeout(timer)
    }
  }
}

/** The kinds for which AWS documents the response to an authorizer that throws `Unauthorized`. */
const THROW_FOR_401: ReadonlySet<EventKind> = new Set(['rest-token', 'rest-request', 'websocket'])

function deny(kind: EventKind, arn: string, { status, principalId = 'unknown' }: Denied): object {
  if (kind === 'appsync' && status === 503) return { isAuthorized: false, ttlOverride: 0 }
  if (kind === 'appsync' || kind === 'http-2') return { isAuthorized: false }
  // Of the whole stage: a cached policy that allows nothing denies every method anyway.
  return toIamPolicyResponse({ principalId, effect: 'Deny', resource: toStage(arn) })
}

/** `arn:…:api/stage/*` */
function toStage(arn: string): string {
  return `${arn.split('/', 2).join('/')}/*`
}
