import { hash, randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout } from 'node:timers/promises'
import {
  CognitoIdentityProviderClient,
  type CognitoIdentityProviderClientConfig,
} from '@aws-sdk/client-cognito-identity-provider'
import { type Group, isGroupName } from '../../src/group.js'

/** A group, and when it was created, in seconds since the epoch. A group that is created again has another time. */
export interface SimulatedGroup extends Group {
  readonly createdAt?: number
}

/** What a pool says of a user besides the groups. Default: enabled, `CONFIRMED`, a `sub` and an `email` made from the name. */
export interface SimulatedDetails {
  readonly enabled?: boolean | undefined
  readonly status?: string | undefined
  /** By name; undefined takes one away. */
  readonly attributes?: Readonly<Record<string, string | undefined>> | undefined
}

export interface CognitoEndpointOptions {
  readonly userPoolId: string
  readonly groups?: Iterable<SimulatedGroup>
  readonly users?: Iterable<{ readonly username: string; readonly groups: readonly string[] } & SimulatedDetails>
  /** Whether a user can be named by the email address, too, as in a pool with that alias. Default false. */
  readonly hasEmailAlias?: boolean
  /** What DescribeUserPool says. Default: how many there are. */
  readonly estimatedUsers?: number
  /** Milliseconds before each answer. Default 0. */
  readonly latency?: number
  readonly quota?: Quota
  /** Milliseconds, for the quota. Default `performance.now`. */
  readonly clock?: () => number
  /** Waits for so many milliseconds. Default: it does. */
  readonly sleep?: (ms: number) => Promise<void>
}

/**
 * More than this within any second (whole numbers) is throttled: of all operations together, or of those that share one of
 * Cognito's quotas, GetGroup with ListGroups and ListUsersInGroup with ListUsers. What is throttled does not count.
 */
export type Quota =
  | { readonly requestsPerSecond: number }
  | { readonly ListGroups?: number; readonly ListUsers?: number; readonly AdminListGroupsForUser?: number }

export interface CognitoEndpoint extends AsyncDisposable {
  readonly url: string
  readonly userPoolId: string
  /** The pool, in the order ListGroups gives it. Change it at any time. */
  readonly groups: Map<string, SimulatedGroup>
  /** The names of each user's groups, in the order ListUsers gives the users. Change it at any time, and the arrays too. */
  readonly users: Map<string, string[]>
  /** What is not as usual with users. Change it at any time. */
  readonly details: Map<string, SimulatedDetails>
  /** Each HTTP request that came in, the SDK's retries included. Set `length = 0` to start afresh. */
  readonly requests: LoggedRequest[]
  /** From now on, matching requests meet this fault. Of several, the one added first counts until it is used up. Returns its undo. */
  fail(fault: Fault, options?: FaultOptions): () => void
  /** No request meets a fault any more. */
  mend(): void
  /** The tokens given out so far are refused from now on. */
  expireTokens(): void
  /** Also ends the connections that are open. */
  close(): Promise<void>
}

export interface LoggedRequest {
  readonly operation: string
  readonly groupName?: string
  readonly username?: string
  /** For ListUsers its PaginationToken. */
  readonly nextToken?: string
  /** Of ListUsers. */
  readonly filter?: string
  /** Present where the quota refused it. */
  readonly throttled?: true
  /** By the clock. */
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
  readonly username?: string
}

type Json = Record<string, unknown>

interface Pool {
  readonly userPoolId: string
  readonly groups: Map<string, SimulatedGroup>
  readonly users: Map<string, string[]>
  readonly details: Map<string, SimulatedDetails>
  readonly hasEmailAlias: boolean
  readonly estimatedUsers: number | undefined
  /** What each token given out stands for. */
  readonly pages: Map<string, Page>
}

interface Page {
  /** The operation, and what it is about: a token is good for its own listing only. */
  readonly listing: string
  readonly names: readonly string[]
  readonly start: number
}

interface Reply {
  readonly status: number
  readonly body: string
  readonly type?: string
}

interface Exchange {
  readonly operation: string
  readonly input: Json
  readonly pool: Pool
  readonly res: ServerResponse
  /** The right answer, to this or another input. */
  readonly answer: (input?: Json) => Json
  readonly sleep: (ms: number) => Promise<void>
}

/** What is answered in place of the right answer; nothing if the effect saw to it. */
type Effect = (exchange: Exchange) => Reply | undefined | Promise<Reply>

const MAX_PAGE = 60

const OPERATIONS = {
  GetGroup(input: Json, pool: Pool): Json {
    return withGroup(input, pool, group => ({ Group: groupType(group, pool) }))
  },
  ListGroups(input: Json, pool: Pool): Json {
    return paged(
      'ListGroups',
      input,
      pool,
      () => [...pool.groups.keys()],
      names => ({ Groups: groupTypes(names, pool) }),
    )
  },
  ListUsers(input: Json, pool: Pool): Json {
    const { AttributesToGet: wanted } = input
    if (Array.isArray(wanted) && !wanted.every(name => ATTRIBUTES.includes(name))) {
      return exception('InvalidParameterException', 'One or more requested attributes do not exist.')
    }
    const { Filter: filter = '' } = input
    const matches = filterOf(filter)
    if (matches === undefined) return exception('InvalidParameterException', 'Error while parsing filter.')
    const list = (names: readonly string[]) =>
      names.filter(name => pool.users.has(name)).map(name => userType(name, pool, wanted))
    return paged(
      `ListUsers ${filter}`,
      input,
      pool,
      () => [...pool.users.keys()].filter(name => matches(name, pool)),
      names => ({ Users: list(names) }),
    )
  },
  ListUsersInGroup(input: Json, pool: Pool): Json {
    return withGroup(input, pool, ({ groupName }) => {
      const isMember = (username: string) => pool.users.get(username)?.includes(groupName) === true
      const all = () => [...pool.users.keys()].filter(isMember)
      const list = (names: readonly string[]) => names.filter(isMember).map(name => userType(name, pool))
      return paged(`ListUsersInGroup ${groupName}`, input, pool, all, names => ({ Users: list(names) }))
    })
  },
  AdminListGroupsForUser(input: Json, pool: Pool): Json {
    const given = input.Username
    if (typeof given !== 'string' || !/^.{1,128}$/s.test(given))
      return invalid('username', given, 'have length from 1 to 128')
    const username = pool.users.has(given) ? given : (userOfAlias(given, pool) ?? given)
    const groupNames = pool.users.get(username)
    if (groupNames === undefined) return exception('UserNotFoundException', 'User does not exist.')
    const list = (names: readonly string[]) =>
      groupTypes(
        names.filter(name => groupNames.includes(name)),
        pool,
      )
    const all = () => shuffled(groupNames, username)
    return paged(`AdminListGroupsForUser ${username}`, input, pool, all, names => ({ Groups: list(names) }))
  },
  DescribeUserPool(_input: Json, { userPoolId, users, estimatedUsers }: Pool): Json {
    const [region] = userPoolId.split('_')
    return {
      UserPool: {
        Id: userPoolId,
        Name: 'simulated',
        Arn: `arn:aws:cognito-idp:${region}:111122223333:userpool/${userPoolId}`,
        EstimatedNumberOfUsers: estimatedUsers ?? users.size,
      },
    }
  },
} satisfies Record<string, (input: Json, pool: Pool) => Json>

/** The operations that share a quota with the one it is named after. */
const SHARED_QUOTA: ReadonlyMap<string, string> = new Map([
  ['GetGroup', 'ListGroups'],
  ['ListUsersInGroup', 'ListUsers'],
])

const FAULTS = {
  throttle: () => json(exception('TooManyRequestsException', 'Rate exceeded')),
  internal: () => json(exception('InternalErrorException', 'Something went wrong'), 500),
  unavailable: () => json(exception('ServiceUnavailableException', 'Service is unavailable'), 503),
  'access-denied': () =>
    json(exception('AccessDeniedException', 'User: arn:aws:iam::123456789012:user/local is not authorized')),
  'not-authorized': () => json(exception('NotAuthorizedException', 'Not authorized')),
  'expired-token': () =>
    json(exception('ExpiredTokenException', 'The security token included in the request is expired')),
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
  /** Each answer is the first page, and its token is always the same. Of ListGroups, unless another operation is given. */
  'endless-pages': ({ operation, input, answer }) => {
    const token = tokenOf(operation)
    return json({ ...answer({ ...input, [token]: undefined }), [token]: 'endless' })
  },
} satisfies Record<string, Effect>

/** User pools' wire format (AWS JSON 1.1) over HTTP on a free local port, for one pool. */
export async function startCognitoEndpoint(options: CognitoEndpointOptions): Promise<CognitoEndpoint> {
  const { userPoolId, groups = [], users = [], latency = 0, clock = () => performance.now(), sleep = wait } = options
  const pool: Pool = {
    userPoolId,
    groups: new Map(Array.from(groups, group => [group.groupName, group])),
    users: new Map(),
    details: new Map(),
    hasEmailAlias: options.hasEmailAlias ?? false,
    estimatedUsers: options.estimatedUsers,
    pages: new Map(),
  }
  for (const { username, groups: groupNames, ...details } of users) {
    pool.users.set(username, [...groupNames])
    pool.details.set(username, details)
  }
  const requests: LoggedRequest[] = []
  const faults: ReturnType<typeof armed>[] = []
  const admit = admission(options.quota)

  const server = createServer(async (req, res) => {
    const operation = operationOf(req)
    const input = await readJson(req)
    if (input === undefined) return send(res, json(exception('SerializationException', '')))
    const at = clock()
    const admitted = admit(operation, at)
    requests.push({
      operation,
      ...optional('groupName', input.GroupName),
      ...optional('username', input.Username),
      ...optional('nextToken', input[tokenOf(operation)]),
      ...optional('filter', input.Filter),
      ...(!admitted && { throttled: true }),
      at,
    })
    const effect = admitted ? faults.find(fault => fault.claims(operation, input))?.effect : FAULTS.throttle
    if (latency > 0) await sleep(latency)
    const answer = (given = input) => perform(operation, given, pool)
    const reply = effect ? await effect({ operation, input, pool, res, answer, sleep }) : json(answer())
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
    users: pool.users,
    details: pool.details,
    requests,
    fail(fault, options = {}) {
      const entry = armed(
        effectOf(fault),
        fault === 'endless-pages' ? { operation: 'ListGroups', ...options } : options,
      )
      faults.push(entry)
      return () => void (faults.includes(entry) && faults.splice(faults.indexOf(entry), 1))
    },
    mend: () => void faults.splice(0),
    expireTokens: () => pool.pages.clear(),
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

type RetryStrategy = Extract<
  CognitoIdentityProviderClientConfig['retryStrategy'],
  { refreshRetryTokenForRetry: unknown }
>

const retryToken = (count: number) => ({ getRetryCount: () => count, getRetryDelay: () => 0 })

function retryAtOnce(maxAttempts: number): RetryStrategy {
  return {
    acquireInitialRetryToken: async () => retryToken(0),
    async refreshRetryTokenForRetry(previous, { errorType }) {
      const count = previous.getRetryCount() + 1
      if (count >= maxAttempts || !['THROTTLING', 'TRANSIENT'].includes(errorType))
        throw new Error('No retry token available')
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
  const body: unknown = await text(req)
    .then(JSON.parse)
    .catch(() => undefined)
  return typeof body === 'object' && body !== null ? (body as Json) : undefined
}

function perform(operation: string, input: Json, pool: Pool): Json {
  if (!isOperation(operation)) return exception('UnknownOperationException', '')
  if (input.UserPoolId !== pool.userPoolId)
    return exception('ResourceNotFoundException', 'User pool ID does not exist.')
  return OPERATIONS[operation](input, pool)
}

function isOperation(name: string): name is keyof typeof OPERATIONS {
  return Object.hasOwn(OPERATIONS, name)
}

function withGroup({ GroupName: name }: Json, pool: Pool, answer: (group: SimulatedGroup) => Json): Json {
  if (!isGroupName(name))
    return invalid('groupName', name, String.raw`satisfy regular expression pattern: [\p{L}\p{M}\p{S}\p{N}\p{P}]+`)
  const group = pool.groups.get(name)
  return group ? answer(group) : exception('ResourceNotFoundException', 'Group not found.')
}

/** One page of names, rendered. A listing has the names of its start, less those that are gone by the time of their page. */
function paged(
  listing: string,
  input: Json,
  pool: Pool,
  all: () => readonly string[],
  render: (names: readonly string[]) => Json,
): Json {
  const tokenField = tokenOf(listing)
  const { Limit: limit = MAX_PAGE, [tokenField]: token } = input
  if (!Number.isInteger(limit) || Number(limit) < 0)
    return invalid('limit', limit, 'have value greater than or equal to 0')
  if (Number(limit) > MAX_PAGE) return invalid('limit', limit, `have value less than or equal to ${MAX_PAGE}`)
  const page = token === undefined ? { listing, names: all(), start: 0 } : pool.pages.get(String(token))
  if (page?.listing !== listing) return exception('InvalidParameterException', 'Invalid pagination token given.')
  const { names, start } = page
  const end = start + (Number(limit) || MAX_PAGE)
  const next = end < names.length ? randomUUID() : undefined
  if (next !== undefined) pool.pages.set(next, { listing, names, start: end })
  return { ...render(names.slice(start, end)), [tokenField]: next }
}

function tokenOf(listing: string): 'PaginationToken' | 'NextToken' {
  return /^ListUsers( |$)/.test(listing) ? 'PaginationToken' : 'NextToken'
}

/** The same order each time, and none that anyone would expect: AWS's is undocumented. */
function shuffled(groupNames: readonly string[], username: string): readonly string[] {
  const ranked = groupNames.map(name => ({ name, rank: hash('md5', `${username} ${name}`) }))
  return ranked.toSorted((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ name }) => name)
}

const ATTRIBUTES = ['sub', 'email', 'custom:team']

function attributesOf(username: string, pool: Pool): Readonly<Record<string, string | undefined>> {
  return { sub: subOf(username), email: `${username}@example.com`, ...pool.details.get(username)?.attributes }
}

/** The `sub` of a user who has no other: a UUID. */
export function subOf(username: string): string {
  return hash('md5', username).replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function userType(username: string, pool: Pool, wanted: unknown = ATTRIBUTES): Json {
  const { enabled = true, status = 'CONFIRMED' } = pool.details.get(username) ?? {}
  const values = attributesOf(username, pool)
  return {
    Username: username,
    Attributes: ATTRIBUTES.filter(name => (wanted as readonly string[]).includes(name))
      .filter(name => values[name] !== undefined)
      .map(Name => ({ Name, Value: values[Name] })),
    UserCreateDate: DATE,
    UserLastModifiedDate: DATE,
    Enabled: enabled,
    UserStatus: status,
  }
}

/** The user whose `sub` this is, or whose email address in a pool with that alias. */
function userOfAlias(alias: string, pool: Pool): string | undefined {
  return [...pool.users.keys()].find(name => {
    const { sub, email } = attributesOf(name, pool)
    return sub === alias || (pool.hasEmailAlias && email === alias)
  })
}

/** What a filter of ListUsers matches: `username` and `sub`, whole or from the beginning. Undefined for another filter. */
function filterOf(filter: unknown): ((username: string, pool: Pool) => boolean) | undefined {
  if (filter === '') return () => true
  const [, attribute, comparison, quoted] =
    /^(username|sub) (\^?=) "((?:[^"\\]|\\["\\])*)"$/s.exec(String(filter)) ?? []
  if (quoted === undefined || String(filter).length > 256) return undefined
  const value = quoted.replaceAll(/\\(.)/gs, '$1')
  return (username, pool) => {
    const found = attribute === 'username' ? username : (attributesOf(username, pool)['sub'] ?? '')
    return comparison === '=' ? found === value : found.startsWith(value)
  }
}

function groupTypes(names: readonly string[], pool: Pool): readonly Json[] {
  return names.flatMap(name => pool.groups.get(name) ?? []).map(group => groupType(group, pool))
}

function groupType({ groupName, precedence, roleArn, createdAt }: SimulatedGroup, { userPoolId }: Pool): Json {
  return {
    GroupName: groupName,
    UserPoolId: userPoolId,
    ...optional('RoleArn', roleArn),
    ...optional('Precedence', precedence),
    LastModifiedDate: DATE,
    CreationDate: createdAt ?? DATE,
  }
}

const DATE = 1_700_000_000.123

/** A fault with its filter and counters: `claims` says whether a request meets it, and counts the request. */
function armed(effect: Effect, { times = Infinity, after = 0, operation, groupName, username }: FaultOptions) {
  let seen = 0
  const claims = (asked: string, input: Json) => {
    if (operation !== undefined && operation !== asked) return false
    if (groupName !== undefined && groupName !== input.GroupName) return false
    if (username !== undefined && username !== input.Username) return false
    return seen < after + times && seen++ >= after
  }
  return { effect, claims }
}

function effectOf(fault: Fault): Effect {
  if (typeof fault === 'string') return FAULTS[fault]
  if ('delay' in fault) return ({ answer, sleep }) => sleep(fault.delay).then(() => json(answer()))
  if ('precedence' in fault)
    return ({ answer }) => json(withGroups(answer(), group => ({ ...group, Precedence: fault.precedence })))
  if ('name' in fault) {
    return ({ answer, pool }) =>
      json(withGroups(answer(), () => groupType(pool.groups.get(fault.name) ?? { groupName: fault.name }, pool)))
  }
  if ('body' in fault) return () => ({ status: fault.status ?? 200, body: fault.body })
  return () => json(exception(fault.error, fault.message ?? ''), fault.status)
}

function withGroups(answer: Json, change: (group: Json) => Json): Json {
  const { Group: one, Groups: many } = answer as { Group?: Json; Groups?: Json[] }
  return { ...answer, ...(one && { Group: change(one) }), ...(many && { Groups: many.map(change) }) }
}

/** Whether the quota lets a request pass. */
export function admission(quota: Quota = {}): (operation: string, now: number) => boolean {
  if ('requestsPerSecond' in quota) {
    const passes = slidingWindow(quota.requestsPerSecond)
    return (_operation, now) => passes(now)
  }
  const windows = new Map(Object.entries(quota).map(([name, limit]) => [name, slidingWindow(limit)]))
  return (operation, now) => windows.get(SHARED_QUOTA.get(operation) ?? operation)?.(now) ?? true
}

function slidingWindow(limit: number): (now: number) => boolean {
  const admitted: number[] = []
  return now => {
    while (now - admitted[0]! >= 1000) admitted.shift()
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
const html = (status: number, title: string): Reply => ({
  status,
  type: 'text/html',
  body: `<!DOCTYPE html><title>${title}</title>`,
})
const exception = (name: string, message: string): Json => ({ __type: name, message })
const wait = (ms: number): Promise<void> => setTimeout(ms, undefined, { ref: false })
const half = (body: string) => body.slice(0, Math.ceil(body.length / 2))
const optional = (key: string, value: unknown) => (value === undefined || value === null ? {} : { [key]: value })

function invalid(field: string, value: unknown, constraint: string): Json {
  const message = `1 validation error detected: Value '${String(value)}' at '${field}' failed to satisfy constraint: Member must ${constraint}`
  return exception('InvalidParameterException', message)
}
