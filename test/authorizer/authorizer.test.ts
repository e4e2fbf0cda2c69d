import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect, promisify } from 'node:util'
import * as fc from 'fast-check'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { useVirtualTime } from '../virtual-time.js'
import {
  bearerToken,
  createRoleAuthorizer,
  createRoleGuard,
  type CurrentResolution,
  type CurrentRoles,
  type Decision,
  type Denied,
  type DenyReason,
  type EventKind,
  type RoleAuthorizerOptions,
  toContext,
} from '../../src/authorizer/index.js'
import { detectEventKind } from '../../src/authorizer/events.js'
import { createRoleResolver } from '../../src/cognito/index.js'
import { isRolecastError, RolecastError } from '../../src/errors.js'
import type { Group } from '../../src/group.js'
import appsync from '../fixtures/authorizer/appsync.json' with { type: 'json' }
import http1 from '../fixtures/authorizer/http-1.json' with { type: 'json' }
import http2 from '../fixtures/authorizer/http-2.json' with { type: 'json' }
import restRequest from '../fixtures/authorizer/rest-request.json' with { type: 'json' }
import restToken from '../fixtures/authorizer/rest-token.json' with { type: 'json' }
import websocket from '../fixtures/authorizer/websocket.json' with { type: 'json' }

const root = fileURLToPath(new URL('../..', import.meta.url))
const TOKEN = 'good.token.x'
const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'
const NOW = 1_700_000_300_000
const GROUPS: readonly Group[] = [
  { groupName: 'admins', precedence: 1, roleArn: A },
  { groupName: 'users', precedence: 2, roleArn: B },
  { groupName: 'tied', precedence: 1, roleArn: B },
  { groupName: 'roleless', precedence: 1 },
  { groupName: 'x', precedence: 3, roleArn: A },
]

/** The events as AWS documents them, with a token in the documented place. */
const EVENTS: Readonly<Record<EventKind, object>> = {
  'rest-token': restToken,
  'rest-request': restRequest,
  websocket,
  'http-1': http1,
  'http-2': http2,
  'http-2-iam': http2,
  appsync,
}
const KINDS = Object.keys(EVENTS) as EventKind[]
const ANSWERS_401: ReadonlySet<EventKind> = new Set(['rest-token', 'rest-request', 'websocket'])

type Claims = Record<string, unknown>
type Options = RoleAuthorizerOptions<Claims, boolean, EventKind>
type Create = (options: Options) => (event: never, context?: object) => Promise<unknown>

const claimsOf = (overrides: Claims = {}): Claims => ({
  sub: 'user-1',
  token_use: 'id',
  iat: 1_700_000_000,
  'cognito:groups': ['admins', 'users'],
  'cognito:roles': [A, B],
  'cognito:preferred_role': A,
  ...overrides,
})

const table = new Map(GROUPS.map(group => [group.groupName, group]))
const resolver: CurrentRoles = createRoleResolver({ source: name => table.get(name) })

/** A resolver whose answers are changed on their way. */
const resolving = (change: (resolution: CurrentResolution) => unknown): CurrentRoles => ({
  resolve: async (names, options) => change(await resolver.resolve(names, options)) as CurrentResolution,
})

const verifier = {
  verify: (token: string) =>
    token === TOKEN ? Promise.resolve(claimsOf()) : Promise.reject(new Error(`bad ${token}`)),
}
const verifying = (claims: unknown) => ({ verify: () => Promise.resolve(claims as Claims) })

const optionsOf = (overrides: Partial<Options> = {}): Options => ({
  resolver,
  verifier,
  groupsOf: 'token',
  onStale: 'deny',
  allow: ({ resolution }) => resolution.preferredRole === A,
  clock: () => NOW,
  ...overrides,
})

interface Result {
  readonly answer?: unknown
  readonly thrown?: unknown
  readonly decisions: readonly Decision[]
}

async function run(
  kind: EventKind,
  overrides: Partial<Options> = {},
  event: object = EVENTS[kind],
  context?: object,
  create: Create = createRoleAuthorizer as Create,
): Promise<Result> {
  const decisions: Decision[] = []
  const handler = create(optionsOf({ kind, onDecision: decision => decisions.push(decision), ...overrides }))
  try {
    return { answer: await handler(event as never, context), decisions }
  } catch (thrown) {
    return { thrown, decisions }
  }
}

/** Reads an answer as the service that gets it would: whatever is not a grant is none. */
function isGrant(answer: unknown): boolean {
  const { isAuthorized, policyDocument } = (answer ?? {}) as {
    isAuthorized?: unknown
    policyDocument?: { Statement: { Effect: string }[] }
  }
  return isAuthorized === true || (policyDocument?.Statement.some(({ Effect }) => Effect !== 'Deny') ?? false)
}

const deniedWith = ({ decisions }: Result) => (decisions.at(-1) as Denied | undefined)?.reason as string | undefined

function expectDenied(kind: EventKind, result: Result, reason: DenyReason, status: number): void {
  expect(result.decisions).toHaveLength(1)
  expect(result.decisions[0]).toMatchObject({ allowed: false, reason, status })
  if (status === 401 && ANSWERS_401.has(kind)) {
    expect(result.thrown).toStrictEqual(new Error('Unauthorized'))
    return
  }
  expect(result.thrown).toBeUndefined()
  expect(isGrant(result.answer)).toBe(false)
  if (kind === 'http-2') expect(result.answer).toStrictEqual({ isAuthorized: false })
  else if (kind === 'appsync')
    expect(result.answer).toStrictEqual({ isAuthorized: false, ...(status === 503 && { ttlOverride: 0 }) })
  else expect(result.answer).toMatchObject({ policyDocument: { Statement: [{ Effect: 'Deny' }] } })
}

describe.each(KINDS)('%s', kind => {
  test('a user whose role is right gets in', async () => {
    const { answer, decisions } = await run(kind)
    const arn = (EVENTS[kind] as { methodArn?: string }).methodArn ?? http2.routeArn
    expect(answer).toStrictEqual(
      kind === 'appsync' || kind === 'http-2'
        ? { isAuthorized: true }
        : {
            principalId: 'user-1',
            policyDocument: {
              Version: '2012-10-17',
              Statement: [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: arn }],
            },
          },
    )
    expect(decisions).toEqual([
      {
        allowed: true,
        reason: 'allowed',
        principalId: 'user-1',
        resolution: expect.objectContaining({ preferredRole: A }) as object,
        comparison: expect.objectContaining({ status: 'fresh', ageSeconds: 300 }) as object,
      },
    ])
  })

  test('the kind is told by the event', async () => {
    expect(detectEventKind(EVENTS[kind])).toBe(kind === 'http-2-iam' ? 'http-2' : kind)
    const { kind: _, ...unnamed } = optionsOf()
    const answer = await createRoleAuthorizer(unnamed)(EVENTS[kind] as never)
    expect(isGrant(answer)).toBe(true)
    expect(answer).toStrictEqual((await run(kind === 'http-2-iam' ? 'http-2' : kind)).answer)
  })

  test('`allow` is asked with the role now, the claims, what changed, and the event', async () => {
    const asked: unknown[] = []
    await run(kind, { allow: request => asked.push(request) > 0 })
    expect(asked).toEqual([
      {
        resolution: { ...(await resolver.resolve(['admins', 'users'])) },
        claims: claimsOf(),
        comparison: expect.objectContaining({ status: 'fresh' }) as object,
        event: EVENTS[kind],
      },
    ])
  })

  test('its context is handed on', async () => {
    const { answer } = await run(kind, { allow: ({ resolution }) => ({ allow: true, context: toContext(resolution) }) })
    const handed = answer as { context?: object; resolverContext?: object }
    expect(handed.context ?? handed.resolverContext).toStrictEqual({
      role: A,
      outcome: 'resolved',
      rule: 'lowest-precedence',
      groups: '["admins","users"]',
      roles: JSON.stringify([A, B]),
    })
  })

  test('what nobody knows is not an event', async () => {
    const nothing: unknown[] = [
      undefined,
      null,
      'x',
      7,
      [],
      {},
      { type: 'TOKEN' },
      { type: 'REQUEST' },
      { version: '2.0', type: 'REQUEST' },
      { type: 'REQUEST', version: '3.0', methodArn: restToken.methodArn, httpMethod: 'GET' },
      { type: 'TOKEN', methodArn: 'arn' },
      { requestContext: { apiId: 'x' } },
      { authorizationToken: TOKEN },
    ]
    const { kind: _, ...unnamed } = optionsOf()
    for (const event of nothing) {
      const decisions: Decision[] = []
      const told = createRoleAuthorizer({ ...unnamed, onDecision: decision => decisions.push(decision) })
      await expect(told(event as never)).rejects.toMatchObject({ name: 'RolecastError', code: 'invalid-event' })
      expect(decisions).toMatchObject([{ allowed: false, reason: 'invalid-event' }])
    }
    for (const event of nothing.slice(1, -1))
      expect(isGrant((await run(kind, {}, event as object)).answer), 'named, it is none either').toBe(false)
  })
})

describe('who is denied, and why', () => {
  const rows: [DenyReason, number, string, Partial<Options>][] = [
    ['unverified', 401, 'the verifier rejects', { verifier: { verify: () => Promise.reject(new TypeError('no')) } }],
    [
      'unverified',
      401,
      'the verifier throws',
      {
        verifier: () => {
          throw new Error('no')
        },
      },
    ],
    ...[undefined, null, true, false, 'user-1', 7].map((claims): [DenyReason, number, string, Partial<Options>] => [
      'unverified',
      401,
      `the verifier gives ${String(claims)}`,
      { verifier: verifying(claims) },
    ]),
    [
      'invalid-claims',
      401,
      'a decoded token is not its payload',
      { verifier: verifying({ header: {}, payload: claimsOf(), signature: 'x' }) },
    ],
    ['invalid-claims', 401, 'an array', { verifier: verifying([claimsOf()]) }],
    ['invalid-claims', 401, 'an empty subject', { verifier: verifying(claimsOf({ sub: '' })) }],
    ['invalid-claims', 401, 'an inherited subject', { verifier: verifying(Object.create(claimsOf())) }],
    [
      'invalid-claims',
      401,
      'groups as a gateway joins them',
      { verifier: verifying(claimsOf({ 'cognito:groups': 'admins,users' })) },
    ],
    ['invalid-claims', 401, 'a token of another use', { verifier: verifying(claimsOf({ token_use: 'refresh' })) }],
    ['invalid-claims', 401, 'a time that is none', { verifier: verifying(claimsOf({ iat: '1' })) }],
    [
      'unknown-group',
      403,
      'a group that was deleted',
      { verifier: verifying(claimsOf({ 'cognito:groups': ['admins', 'users', 'ghost'] })) },
    ],
    [
      'undetermined',
      403,
      'an undetermined role',
      { verifier: verifying(claimsOf({ 'cognito:groups': ['admins', 'roleless'] })) },
    ],
    [
      'undetermined',
      403,
      'an undetermined role, and none is required',
      {
        verifier: verifying(claimsOf({ 'cognito:groups': ['admins', 'roleless'] })),
        requireRole: false,
        onStale: 'allow',
        allow: () => true,
      },
    ],
    [
      'undetermined',
      403,
      'an outcome that is none',
      { resolver: resolving(one => ({ ...one, outcome: 'other' })), requireRole: false },
    ],
    ['no-role', 403, 'a user in no group', { verifier: verifying({ sub: 'user-1' }), allow: () => true }],
    [
      'no-role',
      403,
      'a tie',
      {
        verifier: verifying(claimsOf({ 'cognito:groups': ['admins', 'tied'], 'cognito:preferred_role': undefined })),
        allow: () => true,
      },
    ],
    [
      'no-role',
      403,
      'resolved to nothing',
      { resolver: resolving(one => ({ ...one, preferredRole: undefined })), allow: () => true },
    ],
    [
      'stale-token',
      403,
      'a token with a role that is gone',
      { verifier: verifying(claimsOf({ 'cognito:roles': [A, B, `${A}x`] })) },
    ],
    ['stale-token', 403, 'a token with a group that the user left', { groupsOf: () => ['admins'] }],
    [
      'stale-token',
      403,
      'a function says no',
      { groupsOf: () => ['admins'], onStale: comparison => !comparison.mayGrantLostRole },
    ],
    [
      'stale-token',
      403,
      'a function says something else',
      { groupsOf: () => ['admins'], onStale: () => 'yes' as unknown as boolean },
    ],
    [
      'stale-token',
      403,
      'a function says it later',
      { groupsOf: () => ['admins'], onStale: () => Promise.resolve(true) as unknown as boolean },
    ],
    [
      'stale-token',
      403,
      'a function throws',
      {
        groupsOf: () => ['admins'],
        onStale: () => {
          throw new Error('no')
        },
      },
    ],
    ...[false, null, undefined, 0, 1, 'true', [], {}, { allow: 1 }, { allow: 'true' }, { Allow: true }].map(
      (said): [DenyReason, number, string, Partial<Options>] => [
        'not-allowed',
        403,
        `\`allow\` says ${JSON.stringify(said)}`,
        { allow: () => said as boolean },
      ],
    ),
    [
      'invalid-response',
      403,
      'a context with a list',
      { allow: () => ({ allow: true, context: { groups: ['a'] as unknown as string } }) },
    ],
    [
      'invalid-response',
      403,
      'a context too large',
      { allow: () => ({ allow: true, context: { a: 'x'.repeat(6_000_000) } }) },
    ],
    ['invalid-response', 403, 'an answer larger than the caller allows', { maxBytes: 10 }],
    ['invalid-response', 403, 'a key misspelt', { allow: () => ({ allow: true, deniedField: ['A.b'] }) as never }],
    [
      'allow-failed',
      503,
      '`allow` throws',
      {
        allow: () => {
          throw new Error('no')
        },
      },
    ],
    ['allow-failed', 503, '`allow` rejects', { allow: () => Promise.reject(new Error('no')) }],
    ['membership-failed', 503, 'nobody can tell the groups', { groupsOf: () => Promise.reject(new Error('no')) }],
    ['membership-failed', 503, 'a string is not groups', { groupsOf: () => 'admins' }],
    ['membership-failed', 503, 'nothing is not groups', { groupsOf: () => undefined as unknown as string[] }],
    ['membership-failed', 503, 'a group without a name', { groupsOf: () => ['admins', ''] }],
    [
      'membership-failed',
      503,
      'a group that is none',
      { groupsOf: () => [{ groupName: 'admins' }] as unknown as string[] },
    ],
    [
      'resolver-failed',
      503,
      'Cognito is down',
      { resolver: { resolve: () => Promise.reject(new RolecastError('throttled', 'slow down')) } },
    ],
    [
      'resolver-failed',
      503,
      'the resolver throws',
      {
        resolver: {
          resolve: () => {
            throw new Error('no')
          },
        },
      },
    ],
    ['resolver-failed', 503, 'the resolver gives nothing', { resolver: resolving(() => undefined) }],
    [
      'resolver-failed',
      503,
      'the resolver does not tell the unknown groups',
      { resolver: resolving(one => ({ ...one, unknownGroups: undefined })) },
    ],
    ['stale-cache', 503, 'the cache served an old answer', { resolver: resolving(one => ({ ...one, stale: true })) }],
    [
      'stale-cache',
      503,
      'one older than is allowed',
      { resolver: resolving(one => ({ ...one, stale: true, age: 1001 })), maxStaleAge: 1000 },
    ],
    [
      'stale-cache',
      503,
      'one of no known age',
      { resolver: resolving(one => ({ ...one, stale: true, age: NaN })), maxStaleAge: Infinity },
    ],
    [
      'stale-cache',
      503,
      'nobody says whether it is old',
      { resolver: resolving(one => ({ ...one, stale: undefined, age: undefined })), maxStaleAge: 1000 },
    ],
  ]

  test.each(rows)('%s (%i): %s', async (reason, status, _, overrides) => {
    for (const kind of KINDS) expectDenied(kind, await run(kind, overrides), reason, status)
  })

  test('nothing on the way was needed for the user of these rows to be denied: without it the user gets in', async () => {
    for (const kind of KINDS) expect(isGrant((await run(kind, { allow: () => true })).answer)).toBe(true)
  })

  test('a missing token is 401, and nothing is asked', async () => {
    const strip = (event: object) =>
      JSON.parse(
        JSON.stringify(event, (key, value: unknown) =>
          /^(authorization|identitySource)$/i.test(key) ? undefined : key === 'authorizationToken' ? '' : value,
        ),
      ) as object
    const never = () => {
      throw new Error('asked')
    }
    for (const kind of KINDS) {
      expectDenied(
        kind,
        await run(kind, { verifier: never, resolver: { resolve: never }, allow: never }, strip(EVENTS[kind])),
        'missing-token',
        401,
      )
    }
  })

  test('an unknown group is ignored where the caller says so, and the token is stale then', async () => {
    const overrides: Partial<Options> = {
      verifier: verifying(claimsOf({ 'cognito:groups': ['admins', 'users', 'ghost'] })),
      onUnknownGroup: 'ignore',
    }
    expect(deniedWith(await run('http-2', overrides))).toBe('stale-token')
    expect((await run('http-2', { ...overrides, onStale: 'allow' })).answer).toEqual({ isAuthorized: true })
  })

  test('a stale token is enough where the caller says so, and the role is the one now', async () => {
    const seen: unknown[] = []
    const overrides: Partial<Options> = {
      groupsOf: async ({ sub }) => [sub === 'user-1' ? 'users' : ''],
      allow: ({ resolution, comparison }) =>
        seen.push(resolution.preferredRole, comparison.groupsRemoved, comparison.mayGrantLostRole) > 0,
    }
    for (const onStale of ['allow', () => true] as const)
      expect((await run('http-2', { ...overrides, onStale })).answer).toEqual({ isAuthorized: true })
    expect(seen).toEqual([B, ['admins'], true, B, ['admins'], true])
  })

  test('an old answer of the cache is enough where the caller says how old', async () => {
    const overrides = { resolver: resolving(one => ({ ...one, stale: true, age: 1000 })), maxStaleAge: 1000 }
    expect((await run('http-2', overrides)).answer).toEqual({ isAuthorized: true })
  })

  test('a role that is not required may be missing, and `allow` decides', async () => {
    const outcomes: string[] = []
    const overrides: Partial<Options> = {
      requireRole: false,
      onStale: 'allow',
      allow: ({ resolution }) => outcomes.push(resolution.outcome) > 0,
    }
    for (const groups of [undefined, ['admins', 'tied']]) {
      const { answer } = await run('http-2', {
        ...overrides,
        verifier: verifying(claimsOf({ 'cognito:groups': groups })),
      })
      expect(answer).toEqual({ isAuthorized: true })
    }
    expect(outcomes).toEqual(['none', 'ambiguous'])
  })

  test('an access token is compared by its groups', async () => {
    const access = { sub: 'user-1', token_use: 'access', iat: 1_700_000_000, 'cognito:groups': ['admins', 'users'] }
    expect((await run('http-2', { verifier: verifying(access) })).answer).toEqual({ isAuthorized: true })
    expect(deniedWith(await run('http-2', { verifier: verifying(access), groupsOf: () => ['users'] }))).toBe(
      'stale-token',
    )
  })
})

describe('the token', () => {
  test.each([
    ['Bearer a.b.c', 'a.b.c'],
    ['bearer a.b.c', 'a.b.c'],
    ['BEARER  a.b.c ', 'a.b.c'],
    ['a.b.c', 'a.b.c'],
    [' a.b.c', 'a.b.c'],
    ['bearertoken', 'bearertoken'],
    ['Bearer Bearer', undefined],
    ['Bearer', undefined],
    ['Bearer ', undefined],
    ['', undefined],
    [' ', undefined],
    ['Basic a.b.c', undefined],
    ['Bearer a b', undefined],
    ['Bearer a, Bearer b', undefined],
    [undefined, undefined],
    [null, undefined],
    [['a'], undefined],
    [7, undefined],
  ])('in %j is %j', (header, token) => {
    expect(bearerToken(header)).toBe(token)
  })

  test('is found in time that is linear in the header', () => {
    const time = (work: () => unknown) => {
      const began = performance.now()
      work()
      return performance.now() - began
    }
    const size = 400_000
    const headers = ['bearer'.padEnd(size), ' '.repeat(size), `bearer${' '.repeat(size)}a b`, `a${' '.repeat(size)}b`]
    // Quadratic in a twentieth of the size: what is quadratic too takes 400 times as long, and what is linear a fraction.
    const control = time(() => /\s+$/.test(`${' '.repeat(size / 20)}a`))
    for (const header of headers) expect(time(() => bearerToken(header))).toBeLessThan(control)
  })

  const withHeaders = (headers: object | null, rest: object = {}) => ({
    ...restRequest,
    multiValueHeaders: null,
    headers,
    ...rest,
  })

  test.each(['Authorization', 'authorization', 'AUTHORIZATION'])('is in the header %s', async name => {
    for (const value of [`Bearer ${TOKEN}`, `bearer ${TOKEN}`, TOKEN]) {
      expect(isGrant((await run('rest-request', {}, withHeaders({ [name]: value }))).answer)).toBe(true)
      expect(
        isGrant((await run('rest-request', {}, withHeaders(null, { multiValueHeaders: { [name]: [value] } }))).answer),
      ).toBe(true)
    }
  })

  test.each<[string, object]>([
    ['two headers that differ', withHeaders({ Authorization: TOKEN, authorization: 'x' })],
    [
      'two values that differ',
      withHeaders({ Authorization: TOKEN }, { multiValueHeaders: { Authorization: ['x', TOKEN] } }),
    ],
    ['no headers', withHeaders(null)],
    ['another scheme', withHeaders({ Authorization: `Basic ${TOKEN}` })],
    ['a header that is no string', withHeaders({ Authorization: { TOKEN } })],
  ])('is missing with %s', async (_, event) => {
    expectDenied('rest-request', await run('rest-request', {}, event), 'missing-token', 401)
  })

  test('two headers that agree are one', async () => {
    expect(
      isGrant((await run('rest-request', {}, withHeaders({ Authorization: TOKEN, authorization: TOKEN }))).answer),
    ).toBe(true)
  })

  test('of an HTTP API is one of the identity sources, for the answer is kept under them', async () => {
    const v2 = (identitySource: unknown, headers: object = http2.headers) =>
      run('http-2', {}, { ...http2, identitySource, headers })
    const v1 = (identitySource: unknown) => run('http-1', {}, { ...http1, identitySource })
    for (const sources of [['other'], ['x', 'y'], [TOKEN]])
      expectDenied('http-2', await v2(sources), 'token-not-cache-key', 401)
    expectDenied('http-1', await v1('other,x'), 'token-not-cache-key', 401)
    for (const none of [undefined, null, []]) expect((await v2(none)).answer).toEqual({ isAuthorized: true })
    for (const none of [undefined, null, '']) expect(isGrant((await v1(none)).answer)).toBe(true)
    expect((await v2([TOKEN], {})).answer, 'the only source, a query string for example').toEqual({
      isAuthorized: true,
    })
    expectDenied('http-2', await v2([TOKEN, 'GET /request'], {}), 'missing-token', 401)
  })

  test('elsewhere is found by the caller', async () => {
    const { Authorization: _, ...headers } = websocket.headers
    const event = { ...websocket, headers, multiValueHeaders: {} }
    const findToken: Options['findToken'] = one => (one as typeof websocket).queryStringParameters.token
    expectDenied('websocket', await run('websocket', {}, event), 'missing-token', 401)
    expect(isGrant((await run('websocket', { findToken }, event)).answer)).toBe(true)
    expectDenied('websocket', await run('websocket', { findToken: () => undefined }, websocket), 'missing-token', 401)
    expectDenied(
      'websocket',
      await run(
        'websocket',
        {
          findToken: () => {
            throw new Error('no')
          },
        },
        websocket,
      ),
      'missing-token',
      401,
    )
    expectDenied(
      'websocket',
      await run('websocket', { findToken: () => Promise.resolve(TOKEN) as unknown as string }, websocket),
      'missing-token',
      401,
    )
  })

  test('a plain function verifies as well', async () => {
    for (const plain of [
      (token: string) => Promise.resolve(claimsOf({ token })),
      (token: string) => claimsOf({ token }),
    ]) {
      const { answer } = await run('http-2', { verifier: plain, allow: ({ claims }) => claims['token'] === TOKEN })
      expect(answer).toEqual({ isAuthorized: true })
    }
  })
})

describe('what a policy allows', () => {
  const resourceOf = async (overrides: Partial<Options>, event: object = restToken, kind: EventKind = 'rest-token') =>
    ((await run(kind, overrides, event)).answer as { policyDocument: { Statement: [{ Resource: unknown }] } })
      .policyDocument.Statement[0].Resource

  test('is the method that was called, or every method of the stage, or what `allow` says', async () => {
    expect(await resourceOf({})).toBe(restToken.methodArn)
    expect(await resourceOf({ resource: 'stage' })).toBe('arn:aws:execute-api:eu-west-1:123456789012:ymy8tbxw7b/prod/*')
    expect(await resourceOf({ resource: 'stage' }, websocket, 'websocket')).toBe(
      'arn:aws:execute-api:eu-west-1:123456789012:abcdef123/default/*',
    )
    expect(await resourceOf({ allow: () => ({ allow: true, resource: ['arn:x', 'arn:y'] }) })).toEqual([
      'arn:x',
      'arn:y',
    ])
  })

  test('an API key is handed on', async () => {
    const { answer } = await run('rest-token', { allow: () => ({ allow: true, usageIdentifierKey: 'key' }) })
    expect(answer).toMatchObject({ usageIdentifierKey: 'key' })
  })

  test.each(['*', 'a*b', '?', '${aws:PrincipalTag/x}', '${*}'])(
    'a path with %s is no pattern: it is denied',
    async path => {
      for (const kind of KINDS.filter(one => one !== 'appsync' && one !== 'http-2')) {
        const arn = `${restToken.methodArn}/${path}`
        const event = { ...EVENTS[kind], ...(kind === 'http-2-iam' ? { routeArn: arn } : { methodArn: arn }) }
        expectDenied(kind, await run(kind, {}, event), 'wildcard-in-path', 403)
        expect(isGrant((await run(kind, { resource: 'stage' }, event)).answer), 'the path is not in the policy').toBe(
          true,
        )
      }
      expect(
        (await run('http-2', {}, { ...http2, routeArn: `${http2.routeArn}${path}` })).answer,
        'no policy, no pattern',
      ).toEqual({ isAuthorized: true })
    },
  )

  test('a path longer than a policy can name is denied', async () => {
    const event = { ...restToken, methodArn: `${restToken.methodArn}/${'x'.repeat(512)}` }
    expectDenied('rest-token', await run('rest-token', {}, event), 'invalid-response', 403)
    expect(await resourceOf({}, event)).toBe('arn:aws:execute-api:eu-west-1:123456789012:ymy8tbxw7b/prod/*')
  })

  test('what the answer cannot carry is not lost: it denies', async () => {
    const narrowing: [EventKind, object][] = [
      ['http-2', { resource: 'arn:x' }],
      ['http-2', { usageIdentifierKey: 'key' }],
      ['http-2', { deniedFields: ['A.b'] }],
      ['http-2', { ttlOverride: 0 }],
      ['appsync', { resource: 'arn:x' }],
      ['appsync', { usageIdentifierKey: 'key' }],
      ['rest-token', { deniedFields: ['A.b'] }],
      ['rest-token', { ttlOverride: 0 }],
      ['rest-token', { Resource: 'arn:x' }],
    ]
    for (const [kind, more] of narrowing)
      expectDenied(kind, await run(kind, { allow: () => ({ allow: true, ...more }) }), 'invalid-response', 403)
    expect(
      (await run('http-2', { allow: () => ({ allow: true, resource: undefined }) as never })).answer,
      'control',
    ).toEqual({ isAuthorized: true })
  })

  test("AppSync's denied fields and time to live are handed on", async () => {
    const { answer } = await run('appsync', {
      allow: () => ({ allow: true, deniedFields: ['Mutation.createEvent'], ttlOverride: 0 }),
    })
    expect(answer).toEqual({ isAuthorized: true, deniedFields: ['Mutation.createEvent'], ttlOverride: 0 })
  })
})

describe('time', () => {
  useVirtualTime()
  const lambda = (left: number) => ({ getRemainingTimeInMillis: () => left })
  const hang = () => new Promise<never>(() => {})
  const hanging: [string, Partial<Options>][] = [
    ['the verifier', { verifier: hang }],
    ['the groups', { groupsOf: hang }],
    ['the resolver', { resolver: { resolve: hang } }],
    ['`allow`', { allow: hang }],
  ]

  test.each(hanging)('%s hangs: denied before the function times out', async (_, overrides) => {
    for (const kind of KINDS) expectDenied(kind, await run(kind, overrides, EVENTS[kind], lambda(520)), 'timeout', 503)
  })

  test('a hook that hangs denies as well', async () => {
    const decisions: Decision[] = []
    const onDecision = (decision: Decision) => (decisions.push(decision), hang())
    const { answer } = await run('http-2', { onDecision }, http2, lambda(520))
    expect(answer).toEqual({ isAuthorized: false })
    expect(decisions).toMatchObject([{ allowed: true }, { allowed: false, reason: 'timeout' }])
  })

  test('the signal reaches whoever calls Cognito, and is not aborted in time', async () => {
    const signals: (AbortSignal | undefined)[] = []
    const spy: CurrentRoles = {
      resolve: (names, options) => (signals.push(options?.signal), resolver.resolve(names, options)),
    }
    const groupsOf: Options['groupsOf'] = (_claims, { signal }) => (signals.push(signal), ['admins', 'users'])
    expect((await run('http-2', { resolver: spy, groupsOf, margin: 0 }, http2, lambda(30))).answer).toEqual({
      isAuthorized: true,
    })
    await new Promise(resolve => {
      setTimeout(resolve, 60)
    })
    expect(signals.map(signal => signal?.aborted)).toEqual([false, false])
  })

  test("the margin is the caller's", async () => {
    const slow: Partial<Options> = {
      allow: () =>
        new Promise(resolve => {
          setTimeout(() => resolve(true), 100)
        }),
    }
    expect((await run('http-2', { ...slow, margin: 0 }, http2, lambda(5000))).answer).toEqual({ isAuthorized: true })
    expect(deniedWith(await run('http-2', { ...slow, margin: 4990 }, http2, lambda(5000)))).toBe('timeout')
    expect(deniedWith(await run('http-2', slow, http2, lambda(NaN))), 'a time that is none is up').toBe('timeout')
  })

  test('a context without the time left is no matter', async () => {
    for (const context of [undefined, {}])
      expect((await run('http-2', {}, http2, context)).answer).toEqual({ isAuthorized: true })
  })
})

describe('where nobody could tell', () => {
  const down: Partial<Options> = {
    resolver: { resolve: () => Promise.reject(new RolecastError('unreachable', `no way to ${TOKEN}`)) },
  }

  test('the caller may throw rather than have a denial cached', async () => {
    for (const kind of KINDS) {
      const { thrown } = await run(kind, { ...down, onFailure: 'throw' })
      expect(thrown).toMatchObject({
        code: 'unexpected',
        retryable: true,
        message: 'there is no decision (resolver-failed); try again later',
      })
      expect(inspect(thrown, { depth: 9 })).not.toContain(TOKEN)
      expectDenied(kind, await run(kind, { allow: () => false, onFailure: 'throw' }), 'not-allowed', 403)
    }
  })
})

describe('the hook', () => {
  test('gets the code of an error, or its name, and never a message', async () => {
    const errorFor = async (overrides: Partial<Options>) =>
      ((await run('http-2', overrides)).decisions[0] as Denied).error
    const named = (name: unknown) => Object.assign(new Error(TOKEN), { name })
    const failing = (error: unknown): Partial<Options> => ({
      verifier: () => {
        throw error
      },
    })
    expect(await errorFor({ resolver: { resolve: () => Promise.reject(new RolecastError('throttled', TOKEN)) } })).toBe(
      'throttled',
    )
    expect(await errorFor(failing(named('JwtExpiredError')))).toBe('JwtExpiredError')
    expect(await errorFor(failing(Object.assign(new Error(TOKEN), { code: 'ERR_JWT_EXPIRED' })))).toBe(
      'ERR_JWT_EXPIRED',
    )
    expect(await errorFor(failing(Object.assign(named('JwtError'), { code: TOKEN })))).toBe('JwtError')
    for (const other of [named(`Bad ${TOKEN}`), named(7), TOKEN, undefined, null, {}])
      expect(await errorFor(failing(other))).toBeUndefined()
    expect(await errorFor({ allow: () => false })).toBeUndefined()
    expect(await errorFor({ allow: () => ({ allow: true, context: [] as never }) })).toBe('invalid-option')
  })

  test.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['rejects', () => Promise.reject(new Error('no'))],
  ])('that %s denies a granted request, and is told', async (_, fail) => {
    const decisions: Decision[] = []
    for (const kind of KINDS) {
      const { answer } = await run(kind, { onDecision: decision => (decisions.push(decision), fail()) })
      expect(isGrant(answer)).toBe(false)
      expect(decisions.splice(0)).toMatchObject([
        { allowed: true },
        { allowed: false, reason: 'hook-failed', status: 503, principalId: 'user-1' },
      ])
    }
    const { answer } = await run('http-2', { allow: () => false, onDecision: fail })
    expect(answer).toEqual({ isAuthorized: false })
  })
})

describe('options', () => {
  test.each(['resolver', 'verifier', 'groupsOf', 'onStale', 'allow'])('%s must be given', name => {
    for (const nothing of [undefined, null, false, '']) {
      for (const create of [createRoleAuthorizer, createRoleGuard] as ((options: never) => unknown)[]) {
        expect(() => create({ ...optionsOf(), [name]: nothing } as never)).toThrow(
          expect.objectContaining({
            code: 'invalid-option',
            message: expect.stringMatching(new RegExp(`^\`${name}\` is missing; give `)),
          }),
        )
      }
    }
  })

  test.each<[string, unknown[], string]>([
    ['resolver', [{}, () => {}, 'x'], 'resolver-failed'],
    ['verifier', [{}, 'none', { verify: true }, true], 'unverified'],
    ['groupsOf', ['allow', 'Token', ['admins'], {}], 'membership-failed'],
    ['onStale', ['token', 'ignore', true, {}], 'stale-token'],
    ['allow', [true, 'allow', {}], 'allow-failed'],
  ])('%s of a wrong type denies', async (name, values, reason) => {
    const stale = verifying(claimsOf({ 'cognito:roles': [A] }))
    for (const value of values)
      expect(deniedWith(await run('http-2', { verifier: stale, onStale: 'allow', [name]: value }))).toBe(reason)
  })

  test('what is misspelt is not an opening', async () => {
    expect(
      deniedWith(
        await run('http-2', {
          verifier: verifying(claimsOf({ 'cognito:groups': ['admins', 'users', 'ghost'] })),
          onUnknownGroup: 'allow' as 'ignore',
          onStale: 'allow',
        }),
      ),
    ).toBe('unknown-group')
    expect(
      deniedWith(
        await run('http-2', { verifier: verifying({ sub: 'x' }), requireRole: 0 as never, allow: () => true }),
      ),
    ).toBe('no-role')
    expect((await run('rest-token', { resource: 'api' as 'stage' })).answer).toMatchObject({
      policyDocument: { Statement: [{ Resource: restToken.methodArn }] },
    })
    expect(isGrant((await run('http2' as EventKind, {}, http2)).answer)).toBe(false)
  })
})

describe('without an event', () => {
  const options = {
    resolver,
    verifier,
    groupsOf: 'token',
    onStale: 'deny',
    allow: () => true,
    clock: () => NOW,
  } as const

  test('a guard decides on a token', async () => {
    const guard = createRoleGuard<Claims, true, string>({
      ...options,
      allow: ({ event, resolution }) => event === 'GET /' && resolution.preferredRole === A,
    })
    expect(await guard(TOKEN, { event: 'GET /' })).toMatchObject({
      allowed: true,
      principalId: 'user-1',
      resolution: { preferredRole: A },
    })
    expect(await guard(TOKEN, { event: 'GET /x' })).toMatchObject({
      allowed: false,
      reason: 'not-allowed',
      status: 403,
      principalId: 'user-1',
    })
    expect(await guard('other', { event: 'GET /' })).toMatchObject({
      allowed: false,
      reason: 'unverified',
      status: 401,
    })
    expect(await guard(undefined, { event: 'GET /' })).toMatchObject({
      allowed: false,
      reason: 'missing-token',
      status: 401,
    })
    expect(await guard(bearerToken(''), { event: 'GET /' })).toMatchObject({
      allowed: false,
      reason: 'missing-token',
      status: 401,
    })
  })

  test('what a guard cannot hand on denies', async () => {
    const guard = createRoleGuard({
      ...options,
      allow: () => ({ allow: true, context: { a: 1 } }) as unknown as boolean,
    })
    expect(await guard(TOKEN)).toMatchObject({ allowed: false, reason: 'invalid-response' })
  })

  test('a signal ends the wait', async () => {
    const guard = createRoleGuard({ ...options, resolver: { resolve: () => new Promise(() => {}) } })
    const controller = new AbortController()
    const decision = guard(TOKEN, { signal: controller.signal })
    controller.abort(new Error('gone'))
    expect(await decision).toMatchObject({ allowed: false, reason: 'timeout', status: 503 })
    expect(await guard(TOKEN, { signal: controller.signal })).toMatchObject({ allowed: false, reason: 'timeout' })
  })
})

/** What a request needs to be granted, for a fault to spoil. */
interface World {
  readonly kind: EventKind
  event: object
  options: Options
}

const spoil = (change: Partial<Options>) => (world: World) => {
  world.options = { ...world.options, ...change }
}
/** On its own ground: what an earlier fault changed must not mend it. */
const spoilRoles = (claims: Claims, change: Partial<Options> = {}) =>
  spoil({ resolver, groupsOf: 'token', onStale: 'deny', verifier: verifying(claims), ...change })
const anything = fc.anything({ withBigInt: true, withNullPrototype: true, withSparseArray: true, maxDepth: 2 })
const isYes = (said: unknown) => said === true || (said as { allow?: unknown } | null)?.allow === true

/** Each alone must deny, and so must any of them together. */
const faults: readonly [string, fc.Arbitrary<(world: World) => void>][] = [
  [
    'no good verifier',
    anything
      .filter(claims => typeof (claims as Claims | null)?.['sub'] !== 'string')
      .map(claims => spoil({ verifier: verifying(claims) })),
  ],
  ['no subject', fc.constant(spoilRoles(claimsOf({ sub: undefined })))],
  [
    'the verifier throws',
    anything.map(thrown =>
      spoil({
        verifier: () => {
          throw thrown
        },
      }),
    ),
  ],
  ['no token', fc.constant(world => spoil({ verifier: () => claimsOf(), findToken: () => undefined })(world))],
  [
    'a token that is no key',
    fc.constant(world => {
      if (!world.kind.startsWith('http')) return spoil({ allow: () => false })(world)
      world.event = { ...world.event, identitySource: world.kind === 'http-1' ? 'other' : ['other'] }
    }),
  ],
  [
    'a pattern in the path',
    fc.constant(world => {
      if (world.kind === 'http-2' || world.kind === 'appsync') return spoil({ allow: () => false })(world)
      const arn = `${restToken.methodArn}/*`
      world.event = { ...world.event, ...(world.kind === 'http-2-iam' ? { routeArn: arn } : { methodArn: arn }) }
    }),
  ],
  [
    'an unknown group',
    fc.constant(spoilRoles(claimsOf({ 'cognito:groups': ['admins', 'users', 'ghost'] }), { onStale: 'allow' })),
  ],
  [
    'a group without a name, and a resolver that does not mind',
    fc.constantFrom('', undefined, null, 7).map(name =>
      spoil({
        groupsOf: () => ['admins', 'users', name] as string[],
        resolver: { resolve: () => resolver.resolve(['admins', 'users']) },
      }),
    ),
  ],
  ['a string of groups', fc.constant(spoilRoles(claimsOf(), { groupsOf: () => 'x', onStale: 'allow' }))],
  [
    'the resolver throws',
    anything.map(thrown => spoil({ resolver: { resolve: () => Promise.reject(thrown as Error) } })),
  ],
  ['the resolver gives anything', anything.map(other => spoil({ resolver: resolving(() => other) }))],
  ['an old answer', fc.nat().map(age => spoil({ resolver: resolving(one => ({ ...one, stale: true, age })) }))],
  [
    'no role',
    fc
      .constantFrom(undefined, ['admins', 'tied'], ['admins', 'roleless'])
      .map(groups => spoilRoles({ sub: 'x', 'cognito:groups': groups })),
  ],
  [
    'an undetermined role, none being required',
    fc.constant(
      spoilRoles({ sub: 'x', 'cognito:groups': ['admins', 'roleless'] }, { requireRole: false, onStale: 'allow' }),
    ),
  ],
  ['a stale token', fc.constant(spoilRoles(claimsOf({ 'cognito:roles': [A, B, `${A}x`] })))],
  [
    '`onStale` is not sure',
    anything
      .filter(said => said !== true)
      .map(said => spoilRoles(claimsOf(), { onStale: () => said as boolean, groupsOf: () => ['admins'] })),
  ],
  ['`allow` is not sure', anything.filter(said => !isYes(said)).map(said => spoil({ allow: () => said as boolean }))],
  [
    '`allow` throws',
    anything.map(thrown =>
      spoil({
        allow: () => {
          throw thrown
        },
      }),
    ),
  ],
  ['`allow` says more than is known', fc.constant(spoil({ allow: () => ({ allow: true, narrow: 1 }) as never }))],
  [
    'a context that is none',
    fc
      .constantFrom([], null, { a: null }, { a: [] }, { a: NaN })
      .map(context => spoil({ allow: () => ({ allow: true, context: context as never }) })),
  ],
  [
    'the hook throws',
    anything.map(thrown =>
      spoil({
        onDecision: () => {
          throw thrown
        },
      }),
    ),
  ],
]

const situations = fc.record({
  kind: fc.constantFrom(...KINDS),
  applied: fc
    .subarray([...faults], { minLength: 1 })
    .chain(some => fc.tuple(fc.constant(some.map(([name]) => name)), fc.tuple(...some.map(([, fault]) => fault)))),
})

/** Whatever goes wrong, nobody gets in, and the token is told to nobody. */
const neverAllows = (create: Create, numRuns: number) =>
  fc.check(
    fc.asyncProperty(situations, async ({ kind, applied: [, apply] }) => {
      const told: Decision[] = []
      const world: World = {
        kind,
        event: EVENTS[kind],
        options: optionsOf({ kind, allow: () => true, onDecision: decision => told.push(decision) }),
      }
      for (const fault of apply) fault(world)
      const { answer, thrown } = await run(kind, world.options, world.event, undefined, create)
      if (isGrant(answer)) throw new Error('granted')
      if (thrown !== undefined && !isRolecastError(thrown) && (thrown as Error).message !== 'Unauthorized')
        throw new Error('thrown')
      if (inspect([told, thrown, answer], { depth: 9 }).includes(TOKEN)) throw new Error('told')
    }),
    { numRuns },
  )

describe('whatever goes wrong', () => {
  test('nobody gets in, and the token is told to nobody', async () => {
    const { failed, counterexample, errorInstance } = await neverAllows(createRoleAuthorizer as Create, 2000)
    expect(failed, inspect([counterexample, errorInstance], { depth: 5 })).toBe(false)
  })

  test.each(faults)('%s is enough', async (_, fault) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...KINDS), fault, async (kind, apply) => {
        const world: World = { kind, event: EVENTS[kind], options: optionsOf({ kind, allow: () => true }) }
        expect(isGrant((await run(kind, world.options, world.event)).answer), 'control: it is the fault').toBe(true)
        apply(world)
        expect(isGrant((await run(kind, world.options, world.event)).answer)).toBe(false)
      }),
      { numRuns: 30 },
    )
  })
})

describe('controls: a check is taken out of the sources, and that is noticed', () => {
  let folder = ''
  const texts = new Map<string, string>()
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'rolecast-authorizer-'))
    await writeFile(join(folder, 'package.json'), '{"type":"module"}')
    for (const home of ['', 'claims/', 'authorizer/']) {
      for (const name of (await readdir(join(root, 'src', home))).filter(one => one.endsWith('.ts'))) {
        texts.set(`${home}${name.slice(0, -3)}`, await readFile(join(root, 'src', home, name), 'utf8'))
      }
    }
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  let copies = 0
  async function createFrom(planted: ReadonlyMap<string, string>): Promise<Create> {
    const copy = join(folder, String(copies++))
    for (const [file, text] of [...texts, ...planted]) {
      const path = join(copy, `${file}.js`)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(
        path,
        ts.transpileModule(text, { compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext } })
          .outputText,
      )
    }
    const url = pathToFileURL(join(copy, 'authorizer/authorizer.js')).href
    return ((await import(/* @vite-ignore */ url)) as { createRoleAuthorizer: Create }).createRoleAuthorizer
  }

  test('with nothing taken out there is nothing to notice', async () => {
    expect((await neverAllows(await createFrom(new Map()), 500)).failed).toBe(false)
  })

  test.each([
    ['guard', `if (!isText(found)) deny('missing-token')`, ''],
    ['guard', `if (!isText(sub)) deny('invalid-claims')`, ''],
    ['guard', `isText(names) || `, ''],
    ['guard', ` || !groupNames.every(isText)`, ''],
    ['guard', `if (unknownGroups.length !== 0 && onUnknownGroup !== 'ignore') deny('unknown-group')`, ''],
    ['guard', `if (stale !== false && !(age <= maxStaleAge)) deny('stale-cache')`, ''],
    ['guard', `if (!['resolved', 'none', 'ambiguous'].includes(outcome)) deny('undetermined')`, ''],
    ['guard', `if (requireRole !== false && (outcome !== 'resolved' || !preferredRole)) deny('no-role')`, ''],
    ['guard', `=== 'deny' || onStale(comparison) !== true)`, `=== 'deny' || !onStale(comparison))`],
    ['guard', `comparison.status !== 'fresh'`, 'false'],
    ['guard', `if (verdict?.allow !== true) deny('not-allowed')`, ''],
    ['guard', `await step('hook-failed', () => onDecision?.(decision))`, 'try { onDecision?.(decision) } catch {}'],
    ['guard', `value === undefined || ['allow', ...known].includes(key)`, 'true'],
    [
      'guard',
      `return { decision }\n`,
      `return { decision: { ...decision, allowed: true }, response: { isAuthorized: true } }\n`,
    ],
    ['guard', ` && !one.includes(token)`, ''],
    ['authorizer', `/[*?]|\\$\\{/.test(arn)`, 'false'],
    ['events', `!sources.includes(header)`, 'false'],
    ['authorizer', `effect: 'Deny'`, `effect: 'Allow'`],
    ['responses', `Number.isFinite(value)`, 'true'],
  ])('%s: without `%s`', async (file, check, planted) => {
    const path = `authorizer/${file}`
    const text = texts.get(path)!
    expect(text.split(check), 'the check is there, once').toHaveLength(2)
    const create = await createFrom(new Map([[path, text.replace(check, () => planted)]]))
    if (check.includes('one.includes')) {
      const leaking = {
        verifier: () => {
          throw Object.assign(new Error(TOKEN), { name: TOKEN })
        },
      }
      const [leaked, kept] = await Promise.all(
        [create, createRoleAuthorizer as Create].map(one => run('http-2', leaking, http2, undefined, one)),
      )
      expect(inspect(leaked)).toContain(TOKEN)
      expect(inspect(kept)).not.toContain(TOKEN)
      return
    }
    expect((await neverAllows(create, 3000)).failed).toBe(true)
  })
})

describe('the examples', () => {
  const sources = { rolecast: 'index', 'rolecast/cognito': 'cognito/index', 'rolecast/authorizer': 'authorizer/index' }
  const targets = Object.fromEntries(
    Object.entries(sources).map(([name, path]) => [name, pathToFileURL(join(root, 'src', `${path}.ts`)).href]),
  )
  // The sources, not the build: what is tested is what is written.
  const hook = `const targets = ${JSON.stringify(targets)}; export const resolve = (name, context, next) => next(targets[name] ?? name, context)`
  const register = `import { register } from 'node:module'; register('data:text/javascript,' + ${JSON.stringify(encodeURIComponent(hook))})`

  const example = async (name: string) => {
    const args = [
      '--import',
      'tsx',
      '--import',
      `data:text/javascript,${encodeURIComponent(register)}`,
      join(root, 'docs/examples', name),
    ]
    return (await promisify(execFile)(process.execPath, args, { cwd: root })).stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as unknown)
  }

  test.each([
    ['authorizer-rest.mjs', [{ principalId: 'jane' }, 'Unauthorized']],
    ['authorizer-http.mjs', [{ isAuthorized: true }, { isAuthorized: false }]],
    ['authorizer-appsync.mjs', [{ isAuthorized: true }, { isAuthorized: false }]],
    ['bulk.mjs', [{ outcome: 'resolved' }, { outcome: 'ambiguous' }, { outcome: 'undetermined' }, { outcome: 'none' }]],
    [
      'authorizer-middleware.mjs',
      [{ status: 200 }, { status: 401 }, { status: 403 }, { status: 200 }, { status: 401 }, { status: 403 }],
    ],
  ])('%s prints its answers', async (name, answers) => {
    expect(await example(name)).toMatchObject(answers)
  })
})
