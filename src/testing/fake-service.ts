import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { closest } from '../text.js'
import { quote } from '../errors.js'
import type { SemanticsOptions } from '../claims/choose-semantics.js'
import type { RoleClaims } from '../claims/resolve.js'
import type { Group } from '../group.js'
import { GROUP_OPERATIONS } from './group-operations.js'
import { createPoolKeys, type PoolKeys } from './keys.js'
import { type Json, readInput } from './members.js'
import { POOL_OPERATIONS } from './pool-operations.js'
import type { PreTokenHandler } from './pre-token-trigger.js'
import { resolutionOf, resolveGroups, type TokenClaims } from './role-claims.js'
import { isServiceError, serviceError } from './service-error.js'
import type { Operation, ServiceState } from './service-state.js'
import { SIGN_IN_OPERATIONS } from './sign-in-operations.js'
import { USER_OPERATIONS } from './user-operations.js'

/**
 * What the fake has:
 *
 * - CreateUserPool, DescribeUserPool, UpdateUserPool, DeleteUserPool, ListUserPools, ListTagsForResource,
 *   CreateUserPoolClient, DescribeUserPoolClient, DeleteUserPoolClient
 * - CreateGroup, UpdateGroup, GetGroup, DeleteGroup, ListGroups
 * - AdminCreateUser, AdminSetUserPassword, AdminGetUser, AdminDeleteUser, AdminDisableUser, AdminEnableUser, ListUsers, GetUser
 * - AdminAddUserToGroup, AdminRemoveUserFromGroup, AdminListGroupsForUser, ListUsersInGroup
 * - InitiateAuth, AdminInitiateAuth (passwords and refresh tokens), RespondToAuthChallenge, AdminRespondToAuthChallenge (a
 *   new password)
 * - `/POOLID/.well-known/jwks.json` and `/POOLID/.well-known/openid-configuration`
 */
const OPERATIONS: Readonly<Record<string, Operation>> = {
  ...POOL_OPERATIONS,
  ...GROUP_OPERATIONS,
  ...USER_OPERATIONS,
  ...SIGN_IN_OPERATIONS,
}

/** The names of the operations that the fake has. */
export const OPERATION_NAMES: readonly string[] = Object.keys(OPERATIONS)

export interface FakeServiceOptions extends SemanticsOptions {
  /** @default 'eu-west-1' */
  readonly region?: string | undefined
  /**
   * Milliseconds since the epoch.
   *
   * @default Date.now
   */
  readonly clock?: (() => number) | undefined
  /**
   * Whose `iss` the tokens have: the fake's own URL, or AWS's (`https://cognito-idp.REGION.amazonaws.com/POOLID`), which code
   * under test that verifies tokens with `CognitoJwtVerifier` expects.
   *
   * @default 'fake'
   */
  readonly issuer?: 'fake' | 'aws' | undefined
  /** Role claims of the ID token other than those of `semantics`. The access token has the groups among them. */
  readonly claims?: ((groups: readonly Group[]) => RoleClaims) | undefined
  /** Other role claims of the access token than the groups. */
  readonly accessTokenClaims?: ((groups: readonly Group[]) => RoleClaims) | undefined
  /** Applies the event that a pre token generation trigger returned to the role claims. Default: `applyGroupOverride`. */
  readonly applyTrigger?: ((claims: TokenClaims, event: Json) => TokenClaims) | undefined
  /** The functions that the `LambdaConfig` of a pool may name, by ARN. More can be added to `functions` later. */
  readonly functions?: Iterable<readonly [arn: string, handler: PreTokenHandler]> | undefined
  /** Called before each operation with its unchecked input; the fault that it returns happens instead of the operation. */
  readonly intercept?: ((operation: string, input: Json) => Fault | undefined | Promise<Fault | undefined>) | undefined
  /** Responds to requests that are not for Cognito's user pools, such as those for other AWS services. */
  readonly otherwise?: ((request: OtherRequest) => Reply | undefined | Promise<Reply | undefined>) | undefined
  /** Makes the keys of a user pool. Tests with many pools can share some. */
  readonly createKeys?: (() => Promise<PoolKeys>) | undefined
}

export type Fault =
  /** Nothing is done, and the connection breaks. */
  | 'drop'
  /** It is done, and the connection breaks before the response. */
  | 'lose-response'
  /** Nothing is done, and no response comes. */
  | 'hang'
  | { readonly error: string; readonly message?: string; readonly status?: number }
  | { readonly body: string; readonly status?: number }

export interface OtherRequest {
  readonly method: string
  readonly path: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Reply {
  readonly status: number
  readonly body: string
  readonly headers?: Readonly<Record<string, string>>
}

/** A call that was received, with its input except for passwords, tokens and sessions. */
export interface FakeRequest {
  /** The operation, for example `GetGroup`. */
  readonly operation: string
  /** The input. */
  readonly input: Readonly<Record<string, unknown>>
  /** By the clock: milliseconds since the epoch. */
  readonly at: number
}

/** Everything that exists. */
export interface Left {
  readonly userPools: readonly string[]
  /** `POOLID/name`, here and below. */
  readonly clients: readonly string[]
  readonly groups: readonly string[]
  readonly users: readonly string[]
}

export interface FakeService extends AsyncDisposable {
  readonly url: string
  readonly region: string
  /** Each call that came in, the SDK's retries included. Set `length = 0` to start over. */
  readonly requests: FakeRequest[]
  readonly functions: Map<string, PreTokenHandler>
  /** For `createFakeCognito`, which works without the network. */
  readonly state: ServiceState
  left(): Left
  /** Also ends the connections that are open. */
  close(): Promise<void>
}

/** A fake of Cognito's user pools, in AWS's wire format over HTTP, on loopback and a free port. */
export async function startFakeService(options: FakeServiceOptions = {}): Promise<FakeService> {
  const { region = 'eu-west-1', clock = Date.now, issuer = 'fake', claims, semantics, calibration } = options
  let url = ''
  const state: ServiceState = {
    region,
    pools: new Map(),
    pages: new Map(),
    sessions: new Map(),
    refreshTokens: new Map(),
    functions: new Map(options.functions),
    undocumented: [],
    now: clock,
    issuerOf: poolId => `${issuer === 'aws' ? `https://cognito-idp.${region}.amazonaws.com` : url}/${poolId}`,
    createKeys: options.createKeys ?? createPoolKeys,
    resolve: claims
      ? groups => resolutionOf(claims(groups))
      : (groups, username) => resolveGroups(groups, username, { semantics, calibration }),
    accessTokenClaims: options.accessTokenClaims,
    applyTrigger: options.applyTrigger,
  }
  // Wrong options fail immediately, not at the first sign-in.
  if (claims === undefined) resolveGroups([], '', { semantics, calibration })
  const requests: FakeRequest[] = []

  const server = createServer((req, res) => {
    answer(req, options, state, requests).then(
      reply => (reply === undefined ? undefined : reply === 'drop' ? res.destroy() : send(res, reply)),
      () => res.destroy(),
    )
  })
  // Avoids a race between the client's next request and the end of an idle connection.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    url,
    region,
    requests,
    functions: state.functions,
    state,
    left: () => leftIn(state),
    close,
    [Symbol.asyncDispose]: close,
  }
}

function leftIn({ pools }: ServiceState): Left {
  const all = [...pools.values()]
  const namesOf = (kind: 'clients' | 'groups' | 'users') =>
    all.flatMap(pool => [...pool[kind].keys()].map(name => `${pool.id}/${name}`))
  return {
    userPools: all.map(({ id }) => id),
    clients: namesOf('clients'),
    groups: namesOf('groups'),
    users: namesOf('users'),
  }
}

/** Undefined: no response, ever. */
async function answer(
  req: IncomingMessage,
  options: FakeServiceOptions,
  state: ServiceState,
  requests: FakeRequest[],
): Promise<Reply | 'drop' | undefined> {
  const body = await text(req)
  const { method = '', url: path = '', headers } = req
  const operation = method === 'POST' ? operationOf(headers['x-amz-target']) : undefined
  if (operation === undefined) {
    const other = await options.otherwise?.({ method, path, headers, body })
    return other ?? wellKnown(state, method, path)
  }
  const input = parse(body)
  if (input === undefined) return failure(serviceError('SerializationException', 'The request is not a JSON object'))
  requests.push({ operation, input: withoutSecrets(input), at: state.now() })
  const fault = await options.intercept?.(operation, input)
  if (fault === 'drop') return 'drop'
  if (fault === 'hang') return undefined
  if (typeof fault === 'object') return faultReply(fault)
  const reply = await perform(operation, input, headers.authorization !== undefined, state)
  return fault === 'lose-response' ? 'drop' : reply
}

const TARGET = 'AWSCognitoIdentityProviderService.'

function operationOf(target: string | readonly string[] | undefined): string | undefined {
  return typeof target === 'string' && target.startsWith(TARGET) ? target.slice(TARGET.length) : undefined
}

async function perform(operation: string, input: Json, isSigned: boolean, state: ServiceState): Promise<Reply> {
  try {
    const { members, isPublic, run } = findOperation(operation)
    if (!isPublic && !isSigned)
      throw serviceError('MissingAuthenticationTokenException', 'Missing Authentication Token')
    return json(await run(readInput(operation, members, input), state))
  } catch (error) {
    if (isServiceError(error)) return failure(error)
    return json({ __type: 'InternalErrorException', message: error instanceof Error ? error.message : '' }, 500)
  }
}

function findOperation(name: string): Operation {
  const found = Object.hasOwn(OPERATIONS, name) ? OPERATIONS[name] : undefined
  if (found !== undefined) return found
  const near = closest(name, OPERATION_NAMES)
  const hint = near === undefined ? '' : `; did you mean ${quote(near)}?`
  throw serviceError(
    'UnknownOperationException',
    `rolecast/testing: the fake has no ${quote(name)}${hint}; it has ${OPERATION_NAMES.join(', ')}`,
  )
}

/** Undefined if it is not a JSON object. */
function parse(body: string): Json | undefined {
  try {
    const value: unknown = JSON.parse(body || '{}')
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : undefined
  } catch {
    return undefined
  }
}

const SECRET =
  /^(Password|TemporaryPassword|PASSWORD|NEW_PASSWORD|REFRESH_TOKEN|SECRET_HASH|AccessToken|Session|NextToken|PaginationToken)$/

function withoutSecrets(input: Json): Json {
  return Object.fromEntries(
    Object.entries(input).map(([name, value]) => {
      if (SECRET.test(name)) return [name, '(secret)']
      const isMap = typeof value === 'object' && value !== null && !Array.isArray(value)
      return [name, isMap ? withoutSecrets(value as Json) : value]
    }),
  )
}

async function wellKnown({ pools, issuerOf }: ServiceState, method: string, path: string): Promise<Reply> {
  const [, poolId = '', document] = /^\/([^/]+)\/\.well-known\/(jwks\.json|openid-configuration)$/.exec(path) ?? []
  const pool = pools.get(poolId)
  if (method !== 'GET' || pool === undefined)
    return { status: 404, body: '{"message":"not found"}', headers: { 'content-type': 'application/json' } }
  const { jwks } = await pool.keys()
  const issuer = issuerOf(poolId)
  const content =
    document === 'jwks.json'
      ? jwks
      : {
          issuer,
          jwks_uri: `${issuer}/.well-known/jwks.json`,
          id_token_signing_alg_values_supported: ['RS256'],
          response_types_supported: ['code', 'token'],
          scopes_supported: ['openid', 'email', 'phone', 'profile'],
          subject_types_supported: ['public'],
        }
  return { status: 200, body: JSON.stringify(content), headers: { 'content-type': 'application/json' } }
}

const AWS_JSON = 'application/x-amz-json-1.1'

function json(value: object, status = 200): Reply {
  return { status, body: JSON.stringify(value), headers: { 'content-type': AWS_JSON } }
}

function failure({ name, message }: Error, status = 400): Reply {
  return json({ __type: name, message }, status)
}

function faultReply(fault: Exclude<Fault, string>): Reply {
  if ('body' in fault) return { status: fault.status ?? 200, body: fault.body, headers: { 'content-type': AWS_JSON } }
  return json({ __type: fault.error, message: fault.message ?? '' }, fault.status ?? 400)
}

function send(res: ServerResponse, { status, body, headers = {} }: Reply): void {
  res
    .writeHead(status, {
      'content-length': Buffer.byteLength(body),
      'x-amzn-requestid': randomUUID(),
      ...headers,
    })
    .end(body)
}
