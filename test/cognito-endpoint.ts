import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { CognitoIdentityProviderClient, type CognitoIdentityProviderClientConfig } from '@aws-sdk/client-cognito-identity-provider'
import { type Group, isGroupName } from '../src/group.js'

export interface CognitoEndpointOptions {
  readonly userPoolId: string
  readonly groups?: Iterable<Group>
  /** Milliseconds before each answer. Default 0. */
  readonly latency?: number
  /** More than this within any second (a whole number, all operations together) is throttled. What is throttled does not count. */
  readonly quota?: { readonly requestsPerSecond: number }
}

export interface CognitoEndpoint extends AsyncDisposable {
  readonly url: string
  readonly userPoolId: string
  /** The pool, in the order ListGroups gives it. Change it at any time. */
  readonly groups: Map<string, Group>
  /** Each HTTP request that came in, the SDK's retries included. Set `length = 0` to start afresh. */
  readonly requests: LoggedRequest[]
  /** From now on, matching requests meet this fault. Of several, the one added first counts until it is used up. Returns its undo. */
  fail(fault: Fault, options?: FaultOptions): () => void
  /** Also ends the connections that are open. */
  close(): Promise<void>
}

export interface LoggedRequest {
  readonly operation: string
  readonly groupName?: string
  readonly nextToken?: string
  /** `performance.now()` */
  readonly at: number
}

export type Fault =
  | keyof typeof FAULTS
  /** The right answer, this many milliseconds late. */
  | { readonly delay: number }
  /** The right answer, but for this precedence on its groups, as JSON has it. `undefined`: none. */
  | { readonly precedence: unknown }
  /** The right answer, but with this group in place of each. */
  | { readonly name: string }
  | { readonly body: string; readonly status?: number }
  | { readonly error: string; readonly message?: string; readonly status?: number }

export interface FaultOptions {
  /** How many matching requests meet it. Default: all. */
  readonly times?: number
  /** How many matching requests get past it first. Default 0. */
  readonly after?: number
  readonly operation?: keyof typeof OPERATIONS
  readonly groupName?: string
}

type Json = Record<string, unknown>

interface Pool {
  readonly userPoolId: string
  readonly groups: Map<string, Group>
  /** What each NextToken given out stands for. */
  readonly pages: Map<string, { readonly operation: string; readonly names: readonly string[] }>
}

interface Reply {
  readonly status: number
  readonly body: string
  readonly type?: string
}

interface Exchange {
  readonly input: Json
  readonly pool: Pool
  readonly res: ServerResponse
  /** The right answer, to this or another input. */
  readonly answer: (input?: Json) => Json
}

/** What is answered in place of the right answer; nothing if the effect saw to it. */
type Effect = (exchange: Exchange) => Reply | undefined | Promise<Reply>

const MAX_PAGE = 60

const OPERATIONS = {
  GetGroup(input: Json, pool: Pool): Json {
    const name = input.GroupName
    if (!isGroupName(name)) return invalid('groupName', name, String.raw`satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`)
    const group = pool.groups.get(name)
    return group ? { Group: groupType(group, pool) } : exception('ResourceNotFoundException', 'Group not found.')
  },
  ListGroups(input: Json, pool: Pool): Json {
    const list = (names: readonly string[]) => names.flatMap(name => pool.groups.get(name) ?? []).map(group => groupType(group, pool))
    return paged('ListGroups', input, pool, () => [...pool.groups.keys()], names => ({ Groups: list(names) }))
  },
} satisfies Record<string, (input: Json, pool: Pool) => Json>

const FAULTS = {
  throttle: () => json(exception('TooManyRequestsException', 'Rate exceeded')),
  internal: () => json(exception('InternalErrorException', 'Something went wrong'), 500),
  unavailable: () => json(exception('ServiceUnavailableException', 'Service is unavailable'), 503),
  'access-denied': () => json(exception('AccessDeniedException', 'User: arn:aws:iam::123456789012:user/local is not authorized')),
  'not-authorized': () => json(exception('NotAuthorizedException', 'Not authorized')),
  'expired-token': () => json(exception('ExpiredTokenException', 'The security token included in the request is expired')),
  'html-502': () => html(502, 'Bad Gateway'),
  'html-200': () => html(200, 'Please sign in'),
  'malformed-json': ({ answer }) => ({ status: 200, body: half(JSON.stringify(answer())) }),
  'empty-200': () => ({ status: 200, body: '' }),
  'no-group': () => json({}),
  'null-group': () => json({ Group: null, Groups: null }),
  /** The connection breaks before an answer. */
  drop: ({ res }) => void res.destroy(),
  /** Headers and half of the body, then nothing more. */
  'stall-body': ({ res, answer }) => stall(res, json(answer())),
  /** No answer, ever. */
  hang: () => undefined,
  /** Each ListGroups answer is the first page, and its NextToken is always the same. */
  'endless-pages': ({ input, answer }) => json({ ...answer({ ...input, NextToken: undefined }), NextToken: 'endless' }),
} satisfies Record<string, Effect>

/** User pools' wire format (AWS JSON 1.1) over HTTP on a free local port, for one pool. */
export async function startCognitoEndpoint({ userPoolId, groups = [], latency = 0, quota }: CognitoEndpointOptions): Promise<CognitoEndpoint> {
  const pool: Pool = { userPoolId, groups: new Map(Array.from(groups, group => [group.groupName, group])), pages: new Map() }
  const requests: LoggedRequest[] = []
  const faults: ReturnType<typeof armed>[] = []
  const admit = quota ? slidingWindow(quota.requestsPerSecond) : () => true

  const server = createServer(async (req, res) => {
    const operation = operationOf(req)
    const input = await readJson(req)
    if (input === undefined) return send(res, json(exception('SerializationException', '')))
    const at = performance.now()
    requests.push({ operation, ...optional('groupName', input.GroupName), ...optional('nextToken', input.NextToken), at })
    const effect = admit(at) ? faults.find(fault => fault.claims(operation, input))?.effect : FAULTS.throttle
    if (latency > 0) await wait(latency)
    const answer = (given = input) => perform(operation, given, pool)
    const reply = effect ? await effect({ input, pool, res, answer }) : json(answer())
    if (reply) send(res, reply)
  })
  // No race between the SDK's next request and the end of an idle connection.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))

  const close = () =>
    new Promise<void>(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    userPoolId,
    groups: pool.groups,
    requests,
    fail(fault, options = {}) {
      const entry = armed(effectOf(fault), fault === 'endless-pages' ? { operation: 'ListGroups', ...options } : options)
      faults.push(entry)
      return () => void (faults.includes(entry) && faults.splice(faults.indexOf(entry), 1))
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** A real SDK client of the endpoint. `fastRetry`: retry as often as the SDK does, without its waits (up to 1 s and 2 s when throttled). */
export function endpointClient(
  endpoint: Pick<CognitoEndpoint, 'url'>,
  { fastRetry = false, ...config }: CognitoIdentityProviderClientConfig & { fastRetry?: boolean } = {},
): CognitoIdentityProviderClient {
  const maxAttempts = typeof config.maxAttempts === 'number' ? config.maxAttempts : 3
  return new CognitoIdentityProviderClient({
    endpoint: endpoint.url,
    region: 'eu-west-1',
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts,
    ...(fastRetry && { retryStrategy: retryAtOnce(maxAttempts) }),
    ...config,
  })
}

type RetryStrategy = Extract<CognitoIdentityProviderClientConfig['retryStrategy'], { refreshRetryTokenForRetry: unknown }>

const retryToken = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 })

function retryAtOnce(maxAttempts: number): RetryStrategy {
  return {
    acquireInitialRetryToken: async () => retryToken(0),
    async refreshRetryTokenForRetry(previous, { errorType }) {
      const count = previous.getRetryCount() + 1
      if (count >= maxAttempts || !['THROTTLING', 'TRANSIENT'].includes(errorType)) throw new Error('No retry token available')
      return retryToken(count)
    },
    recordSuccess() {},
  }
}

function operationOf({ method, headers }: IncomingMessage): string {
  const [, name = ''] = /^AWSCognitoIdentityProviderService\.(\w+)$/.exec(String(headers['x-amz-target'])) ?? []
  return method === 'POST' && headers['content-type'] === AWS_JSON ? name : ''
}

/** Undefined where the body is no JSON object, or where the client went away before its end. */
async function readJson(req: IncomingMessage): Promise<Json | undefined> {
  const body: unknown = await text(req).then(JSON.parse).catch(() => undefined)
  return typeof body === 'object' && body !== null ? (body as Json) : undefined
}

function perform(operation: string, input: Json, pool: Pool): Json {
  if (!isOperation(operation)) return exception('UnknownOperationException', '')
  if (input.UserPoolId !== pool.userPoolId) return exception('ResourceNotFoundException', 'User pool ID does not exist.')
  return OPERATIONS[operation](input, pool)
}

function isOperation(name: string): name is keyof typeof OPERATIONS {
  return Object.hasOwn(OPERATIONS, name)
}

/** One page of names, rendered. A listing has the names of its start, less those that are gone by the time of their page. */
function paged(operation: string, input: Json, pool: Pool, all: () => readonly string[], render: (names: readonly string[]) => Json): Json {
  const { Limit: limit = MAX_PAGE, NextToken: token } = input
  if (!Number.isInteger(limit) || Number(limit) < 0) return invalid('limit', limit, 'have value greater than or equal to 0')
  if (Number(limit) > MAX_PAGE) return invalid('limit', limit, `have value less than or equal to ${MAX_PAGE}`)
  const page = token === undefined ? { operation, names: all() } : pool.pages.get(String(token))
  if (page?.operation !== operation) return exception('InvalidParameterException', 'Invalid pagination token given.')
  const size = Number(limit) || MAX_PAGE
  const rest = page.names.slice(size)
  const next = rest.length > 0 ? randomUUID() : undefined
  if (next !== undefined) pool.pages.set(next, { operation, names: rest })
  return { ...render(page.names.slice(0, size)), NextToken: next }
}

function groupType({ groupName, precedence, roleArn }: Group, { userPoolId }: Pool): Json {
  const date = 1_700_000_000.123
  return {
    GroupName: groupName,
    UserPoolId: userPoolId,
    ...optional('RoleArn', roleArn),
    ...optional('Precedence', precedence),
    LastModifiedDate: date,
    CreationDate: date,
  }
}

/** A fault with its filter and counters: `claims` says whether a request meets it, and counts the request. */
function armed(effect: Effect, { times = Infinity, after = 0, operation, groupName }: FaultOptions) {
  let seen = 0
  const claims = (asked: string, input: Json) => {
    if (operation !== undefined && operation !== asked) return false
    if (groupName !== undefined && groupName !== input.GroupName) return false
    return seen < after + times && seen++ >= after
  }
  return { effect, claims }
}

function effectOf(fault: Fault): Effect {
  if (typeof fault === 'string') return FAULTS[fault]
  if ('delay' in fault) return ({ answer }) => wait(fault.delay).then(() => json(answer()))
  if ('precedence' in fault) return ({ answer }) => json(withGroups(answer(), group => ({ ...group, Precedence: fault.precedence })))
  if ('name' in fault) {
    return ({ answer, pool }) => json(withGroups(answer(), () => groupType(pool.groups.get(fault.name) ?? { groupName: fault.name }, pool)))
  }
  if ('body' in fault) return () => ({ status: fault.status ?? 200, body: fault.body })
  return () => json(exception(fault.error, fault.message ?? ''), fault.status)
}

function withGroups(answer: Json, change: (group: Json) => Json): Json {
  const { Group: one, Groups: many } = answer as { Group?: Json; Groups?: Json[] }
  return { ...answer, ...(one && { Group: change(one) }), ...(many && { Groups: many.map(change) }) }
}

function slidingWindow(limit: number): (now: number) => boolean {
  let admitted: number[] = []
  return now => {
    admitted = admitted.filter(at => now - at < 1000)
    if (admitted.length >= limit) return false
    admitted.push(now)
    return true
  }
}

function stall(res: ServerResponse, { status, body }: Reply): undefined {
  res.writeHead(status, { 'content-type': AWS_JSON, 'content-length': Buffer.byteLength(body) }).write(half(body))
}

function send(res: ServerResponse, { status, body, type = AWS_JSON }: Reply): void {
  const headers = { 'content-type': type, 'content-length': Buffer.byteLength(body), 'x-amzn-requestid': randomUUID() }
  res.writeHead(status, headers).end(body)
}

const AWS_JSON = 'application/x-amz-json-1.1'
const json = (value: Json, status = '__type' in value ? 400 : 200): Reply => ({ status, body: JSON.stringify(value) })
const html = (status: number, title: string): Reply => ({ status, type: 'text/html', body: `<!DOCTYPE html><title>${title}</title>` })
const exception = (name: string, message: string): Json => ({ __type: name, message })
const wait = (ms: number) => sleep(ms, undefined, { ref: false })
const half = (body: string) => body.slice(0, Math.ceil(body.length / 2))
const optional = (key: string, value: unknown) => (value === undefined || value === null ? {} : { [key]: value })

function invalid(field: string, value: unknown, constraint: string): Json {
  const message = `1 validation error detected: Value '${String(value)}' at '${field}' failed to satisfy constraint: Member must ${constraint}`
  return exception('InvalidParameterException', message)
}
