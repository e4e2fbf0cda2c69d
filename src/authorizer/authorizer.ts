import { RolecastError } from '../errors.js'
import { type AnswerContext, toAppSyncResponse, toIamPolicyResponse, toSimpleResponse } from './answers.js'
import {
  type AnswerOf,
  arnOf,
  bearerToken,
  type EventKind,
  type EventOf,
  findToken,
  type FoundToken,
  tellEventKind,
} from './events.js'
import { createDecider, type Denied, rejectFields, type RoleGuardOptions } from './guard.js'

interface Verdict {
  readonly allow: boolean
  /** For what stands behind; see `toContext`. None if not given. */
  readonly context?: AnswerContext | undefined
}

interface IamVerdict extends Verdict {
  /** What is allowed, instead of what `resource` says. */
  readonly resource?: string | readonly string[] | undefined
  readonly usageIdentifierKey?: string | undefined
}

interface AppSyncVerdict extends Verdict {
  readonly deniedFields?: readonly string[] | undefined
  readonly ttlOverride?: number | undefined
}

/** What `allow` says. What the answer to that kind of event cannot carry makes it a denial. */
export type VerdictOf<K extends EventKind> =
  | boolean
  | (K extends 'http-2' ? Verdict : K extends 'appsync' ? AppSyncVerdict : IamVerdict)

export interface RoleAuthorizerOptions<
  Payload extends object,
  RequireRole extends boolean,
  K extends EventKind,
> extends RoleGuardOptions<Payload, RequireRole, EventOf<K>, VerdictOf<K>> {
  /** Which events come. If not given it is told by the event's fields; `http-2-iam` must be named. */
  readonly kind?: K | undefined
  /**
   * Where the token stands, with `Bearer` before it or without. Default: the Authorization header, the one identity source
   * of an HTTP API, or `authorizationToken`. Under another place API Gateway's cache must be keyed by that place.
   */
  readonly findToken?: ((event: EventOf<K>) => string | undefined) | undefined
  /**
   * What a policy allows: `method` (the default), the very method that was called; or `stage`, every method of the stage,
   * for a policy that is kept while other methods are called. Then `allow` must not go by the method or the path.
   */
  readonly resource?: 'method' | 'stage' | undefined
  /**
   * Where nobody could tell (status 503), Cognito being down for example: `deny` (the default), which API Gateway may keep
   * for as long as its cache lives; or `throw`, which it does not keep and answers with 500. AppSync keeps neither.
   */
  readonly onFailure?: 'deny' | 'throw' | undefined
  /** How long before the function times out the work is given up, in milliseconds. Default 500. */
  readonly margin?: number | undefined
  /** Of the whole answer as JSON. Default: 8192, in AppSync 5 000 000. */
  readonly maxBytes?: number | undefined
}

/** A Lambda function's handler; what @types/aws-lambda names for the kind fits. */
export type RoleAuthorizer<K extends EventKind> = (
  event: EventOf<K>,
  context?: { getRemainingTimeInMillis?(): number },
) => Promise<AnswerOf<K>>

/**
 * A Lambda authorizer that goes by the role a user would get now: it verifies the token, reads the roles of the user's
 * groups, compares them with what the token says, and asks `allow`.
 *
 * It fails closed: whatever is missing, wrong, late or thrown, access is not granted. Who calls without a good token gets
 * 401 from REST and WebSocket APIs (the handler rejects with `Error('Unauthorized')`, as AWS documents) and a denial
 * elsewhere. API Gateway and AppSync keep answers for as long as their cache is set to: so long a role that is gone goes on.
 *
 * Not for a pool whose pre token generation trigger changes groups or roles: the roles are forecast from the groups. Not a
 * verifier: it trusts the one it is given.
 *
 * @throws RolecastError `invalid-option`; and the handler rejects with `invalid-event` (an event of no kind that is known,
 * or without what its kind has), and under `onFailure: 'throw'` with `unexpected`
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
    // The path is the client's: allowed as it is, its `*` would allow what nobody asked about.
    if (kind !== 'http-2' && resource !== 'stage' && /[*?]|\$\{/.test(arn)) return { refuse: 'wildcard-in-path' }
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
    const kind = named ?? tellEventKind(event)
    const arn = kind && arnOf(kind, event)
    const left = context?.getRemainingTimeInMillis?.()
    const controller = new AbortController()
    const timer = left === undefined ? undefined : setTimeout(() => controller.abort(), left - margin)
    try {
      const { decision, answer } = await decide<object>(
        () => (arn === undefined ? { refuse: 'invalid-event' } : find(kind!, arn, event)),
        event,
        controller.signal,
        (verdict, principalId) => grant(kind!, arn!, verdict as IamVerdict & AppSyncVerdict, principalId),
      )
      if (decision.allowed) return answer as AnswerOf<K>
      if (kind === undefined || arn === undefined) {
        throw new RolecastError('invalid-event', 'not an event of its `kind`; see docs/authorizer.md')
      }
      if (decision.status === 401 && ANSWERS_401.has(kind)) throw new Error('Unauthorized')
      if (decision.status === 503 && onFailure === 'throw') {
        throw new RolecastError('unexpected', `could not decide: ${decision.reason}`, { retryable: true })
      }
      return deny(kind, arn, decision) as AnswerOf<K>
    } finally {
      clearTimeout(timer)
    }
  }
}

/** Those for which AWS documents what an authorizer that throws `Unauthorized` gives. */
const ANSWERS_401: ReadonlySet<EventKind> = new Set(['rest-token', 'rest-request', 'websocket'])

function deny(kind: EventKind, arn: string, { status, principalId = 'unknown' }: Denied): object {
  if (kind === 'appsync' && status === 503) return { isAuthorized: false, ttlOverride: 0 }
  if (kind === 'appsync' || kind === 'http-2') return { isAuthorized: false }
  // Of the whole stage: a policy that is kept and allows nothing denies every method in any case.
  return toIamPolicyResponse({ principalId, effect: 'Deny', resource: toStage(arn) })
}

/** `arn:…:api/stage/*` */
function toStage(arn: string): string {
  return `${arn.split('/', 2).join('/')}/*`
}
