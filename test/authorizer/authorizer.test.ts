import { getEventListeners } from 'node:events'
import { generateKeyPairSync, sign } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { inspect } from 'node:util'
import { CognitoJwtVerifier } from 'aws-jwt-verify'
import * as fc from 'fast-check'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
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
import { readEvent } from '../../src/authorizer/events.js'
import { createRoleResolver } from '../../src/cognito/index.js'
import { isRolecastError, RolecastError } from '../../src/errors.js'
import { errorOf } from '../failure-of.js'
import type { Group } from '../../src/group.js'
import { runExample } from './run-example.js'
import appsync from '../fixtures/authorizer/appsync.json' with { type: 'json' }
import appsyncEventApi from '../fixtures/authorizer/appsync-event-api.json' with { type: 'json' }
import appsyncSubscription from '../fixtures/authorizer/appsync-subscription.json' with { type: 'json' }
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
const POOL = 'eu-west-1_Ab12Cd34e'
const ISSUER = `https://cognito-idp.eu-west-1.amazonaws.com/${POOL}`
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
  iss: ISSUER,
  token_use: 'id',
  iat: 1_700_000_000,
  'cognito:groups': ['admins', 'users'],
  'cognito:roles': [A, B],
  'cognito:preferred_role': A,
  ...overrides,
})

const table = new Map(GROUPS.map(group => [group.groupName, group]))
const resolver: CurrentRoles = createRoleResolver({ source: name => table.get(name), userPoolId: POOL })

const resolverOf = (resolve: CurrentRoles['resolve'], userPoolId = POOL): CurrentRoles => ({ userPoolId, resolve })
/** A resolver whose answers are changed on their way. */
const resolving = (change: (resolution: CurrentResolution) => unknown): CurrentRoles =>
  resolverOf(async (names, options) => change(await resolver.resolve(names, options)) as CurrentResolution)

/** The groups of the claims, with their roles. */
const LOOKUP = { groups: GROUPS.slice(0, 2), unknownGroups: [], stale: false, age: 0 }

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
  resource: 'method',
  onFailure: 'deny',
  allow: ({ resolution }) => resolution.preferredRole === A,
  clock: () => NOW,
  ...overrides,
})

/** The options that a guard has too. */
function guardOptionsOf(overrides: Partial<Options> = {}): object {
  const { kind: _, resource: __, onFailure: ___, ...options } = optionsOf(overrides)
  return options
}
const givenTo = (create: unknown): object => (create === createRoleGuard ? guardOptionsOf() : optionsOf())

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
        claims: claimsOf(),
        resolution: expect.objectContaining({ preferredRole: A }) as object,
        comparison: expect.objectContaining({ status: 'fresh', ageSeconds: 300 }) as object,
      },
    ])
  })

  test('the kind is told by the event', async () => {
    expect(readEvent(EVENTS[kind])?.kind).toBe(kind === 'http-2-iam' ? 'http-2' : kind)
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

  test('unknown events are rejected', async () => {
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

/** What AWS leaves empty, or out, in some requests: each is an event of its kind all the same. */
const SPARSE: readonly [EventKind, string, object][] = [
  // https://github.com/aws-amplify/amplify-category-api/issues/2090
  ['appsync', 'a subscription, with an empty query', appsyncSubscription],
  ['appsync', 'a subscription without variables or an operation', withContext(appsyncSubscription, omitQuery(''))],
  ['appsync', 'a query that is null', withContext(appsyncSubscription, omitQuery(null))],
  ['appsync', 'no query', withContext(appsyncSubscription, omitQuery(undefined))],
  ['appsync', 'without headers, as before 2024', { ...appsync, requestHeaders: undefined }],
  // https://docs.aws.amazon.com/appsync/latest/eventapi/configure-event-api-auth.html
  ['appsync', 'an Event API: subscribe', appsyncEventApi],
  ['appsync', 'an Event API: publish', withContext(appsyncEventApi, { operation: 'EVENT_PUBLISH' })],
  ['appsync', 'an Event API: connect', withContext(appsyncEventApi, connecting(undefined))],
  ['appsync', 'an Event API: connect, with null', withContext(appsyncEventApi, connecting(null))],
  ['rest-token', 'the three fields alone', restToken],
  ...[undefined, null, {}].flatMap((none): [EventKind, string, object][] => {
    const parameters = { queryStringParameters: none, pathParameters: none, stageVariables: none }
    const multi = { multiValueQueryStringParameters: none, multiValueHeaders: none }
    const name = `parameters that are ${JSON.stringify(none)}`
    return [
      ['rest-request', name, { ...restRequest, ...parameters, ...multi }],
      ['websocket', name, { ...websocket, ...parameters, ...multi }],
      ['http-1', name, { ...http1, ...parameters }],
      ['http-2', name, { ...http2, ...parameters, cookies: none }],
      ['http-2-iam', name, { ...http2, ...parameters, cookies: none }],
    ]
  }),
  [
    'rest-request',
    'no resource, the path of the root',
    { ...restRequest, resource: '', path: '/', methodArn: rootArn('test/GET/') },
  ],
  ['websocket', 'no method or path of its own', { ...websocket, httpMethod: undefined, path: undefined }],
  ['http-1', 'no identity source', { ...http1, identitySource: null, authorizationToken: null }],
  ['http-1', 'an empty identity source', { ...http1, identitySource: '', authorizationToken: '' }],
  ...(['http-2', 'http-2-iam'] as const).flatMap((kind): [EventKind, string, object][] => [
    [kind, 'identity sources that are null', { ...http2, identitySource: null }],
    [kind, 'no identity sources', { ...http2, identitySource: undefined }],
    [kind, 'an empty list of identity sources', { ...http2, identitySource: [] }],
    [kind, 'an empty query', { ...http2, rawQueryString: '', rawPath: '/', routeArn: rootArn('$default/GET/') }],
  ]),
]

function withContext(event: { readonly requestContext: object }, context: object): object {
  return JSON.parse(JSON.stringify({ ...event, requestContext: { ...event.requestContext, ...context } })) as object
}
function omitQuery(queryString: unknown): object {
  return { queryString, operationName: undefined, variables: undefined }
}
function connecting(none: unknown): object {
  return { operation: 'EVENT_CONNECT', channel: none, channelNamespaceName: none }
}
function rootArn(rest: string): string {
  return `${restToken.methodArn.split('/', 1)[0]!}/${rest}`
}

describe('what AWS leaves empty or out is demanded of no event', () => {
  test.each(SPARSE)('%s: %s', async (kind, _, event) => {
    expect(readEvent(event)?.kind).toBe(kind === 'http-2-iam' ? 'http-2' : kind)
    expect(readEvent(event, kind)?.kind).toBe(kind)
    expect(isGrant((await run(kind, {}, event)).answer)).toBe(true)
    expect(isGrant((await run(kind, { allow: () => false }, event)).answer), 'control').toBe(false)
    for (const other of KINDS.filter(one => one.slice(0, 6) !== kind.slice(0, 6))) {
      expect(readEvent(event, other), other).toBeUndefined()
    }
  })

  test('what AppSync sets itself is demanded', () => {
    const { authorizationToken: _, ...noToken } = appsyncSubscription
    const others: [string, object][] = [
      ['no token', noToken],
      ['a token that is no string', { ...appsyncSubscription, authorizationToken: null }],
      ['no API', withContext(appsyncSubscription, { apiId: undefined })],
      ['an empty API', withContext(appsyncSubscription, { apiId: '' })],
      ['a type', { ...appsyncSubscription, type: 'REQUEST' }],
      ['a type that is null', { ...appsyncSubscription, type: null }],
      ["a proxy integration's event of an HTTP API", { ...http2, type: undefined, authorizationToken: undefined }],
    ]
    for (const [name, event] of others) {
      expect(readEvent(event), name).toBeUndefined()
      expect(readEvent(event, 'appsync'), name).toBeUndefined()
    }
    expect(readEvent(appsyncSubscription)?.kind, 'control').toBe('appsync')
  })

  test('an Event API drops denied fields and a context, so they deny there', async () => {
    const dropped = [{ deniedFields: ['Mutation.createEvent'] }, { deniedFields: [] }, { context: { role: A } }]
    const eventApis = [
      appsyncEventApi,
      withContext(appsyncEventApi, connecting(undefined)),
      withContext(appsyncEventApi, { queryString: '' }),
      // It does not say of which API it is.
      withContext(appsync, omitQuery(null)),
      withContext(appsync, omitQuery(undefined)),
    ]
    for (const more of dropped) {
      const allow = () => ({ allow: true, ...more })
      for (const event of eventApis) {
        expectDenied('appsync', await run('appsync', { allow }, event), 'invalid-response', 403)
        expect(isGrant((await run('appsync', {}, event)).answer), 'control').toBe(true)
      }
      for (const event of [appsync, appsyncSubscription]) {
        expect((await run('appsync', { allow }, event)).answer, 'control').toMatchObject({ isAuthorized: true })
      }
    }
    const { answer } = await run('appsync', { allow: () => ({ allow: true, ttlOverride: 0 }) }, appsyncEventApi)
    expect(answer).toEqual({ isAuthorized: true, ttlOverride: 0 })
  })
})

class Narrowed {
  readonly allow = true
  get deniedFields() {
    return ['Mutation.createEvent']
  }
}
/** Objects that say yes, and more that would get lost. */
const notPlain: [string, object][] = [
  ['an instance of a class', new Narrowed()],
  ['what inherits', Object.assign(Object.create({ deniedFields: ['A.b'] }), { allow: true })],
  ['an object with a getter', Object.defineProperty({ allow: true }, 'context', { get: () => ({}), enumerable: true })],
  ['a getter that says yes', Object.defineProperty({}, 'allow', { get: () => true, enumerable: true })],
  ['what cannot be enumerated', Object.defineProperty({ allow: true }, 'deniedFields', { value: ['A.b'] })],
  ['an object with a symbol', { allow: true, [Symbol('deniedFields')]: ['A.b'] }],
  ['a Map', new Map([['allow', true]])],
  ['an array', Object.assign([], { allow: true })],
  ['an error', Object.assign(new Error('no'), { allow: true })],
  ['a proxy of a class', new Proxy(new Narrowed(), {})],
]

describe('an event of another kind than the one that is named', () => {
  const sameForm = (a: EventKind, b: EventKind) => a.startsWith('http-2') && b.startsWith('http-2')

  test.each(KINDS)('%s: is rejected, with every token in it', async kind => {
    for (const other of KINDS.filter(one => one !== kind && !sameForm(one, kind))) {
      // As if it had what the named kind reads.
      const places = { authorizationToken: TOKEN, methodArn: restToken.methodArn, routeArn: http2.routeArn }
      for (const event of [EVENTS[other], { ...EVENTS[other], ...places }]) {
        const { thrown, decisions } = await run(kind, { allow: () => true }, event)
        expect(thrown, other).toMatchObject({ code: 'invalid-event' })
        expect(decisions).toMatchObject([{ allowed: false, reason: 'invalid-event' }])
      }
    }
    expect(isGrant((await run(kind, { allow: () => true })).answer), 'control').toBe(true)
  })

  test('a REQUEST event is not one of a TOKEN authorizer', async () => {
    const event = { ...restRequest, authorizationToken: TOKEN }
    expect((await run('rest-token', {}, event)).thrown).toMatchObject({ code: 'invalid-event' })
    expect(isGrant((await run('rest-token', {}, { ...event, type: 'TOKEN' })).answer), 'control').toBe(true)
  })
})

describe('which requests are denied, and why', () => {
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
    ['no-role', 403, 'a user in no group', { verifier: verifying({ sub: 'user-1', iss: ISSUER }), allow: () => true }],
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
    ...[false, null, undefined, 0, 1, 'true', {}, { allow: 1 }, { allow: 'true' }, { Allow: true }].map(
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
    ...notPlain.map(([name, said]): [DenyReason, number, string, Partial<Options>] => [
      'invalid-response',
      403,
      `\`allow\` says ${name}`,
      { allow: () => said as unknown as boolean },
    ]),
    ...notPlain.map(([name, context]): [DenyReason, number, string, Partial<Options>] => [
      'invalid-response',
      403,
      `a context that is ${name}`,
      { allow: () => ({ allow: true, context: context as never }) },
    ]),
    ['wrong-pool', 401, 'a token of another pool', { verifier: verifying(claimsOf({ iss: `${ISSUER}x` })) }],
    ['invalid-claims', 401, 'a token without an issuer', { verifier: verifying(claimsOf({ iss: undefined })) }],
    [
      'resolver-failed',
      503,
      'a preferred role that is not resolved',
      {
        resolver: resolving(one => ({ ...one, outcome: 'none' })),
        requireRole: false,
        onStale: 'allow',
        allow: () => true,
      },
    ],
    ...[undefined, null, {}, { length: 0 }, '', [''], [7]].flatMap(list =>
      ['unknownGroups', 'roles'].map((name): [DenyReason, number, string, Partial<Options>] => [
        'resolver-failed',
        503,
        `\`${name}\` is ${JSON.stringify(list)}`,
        { resolver: resolving(one => ({ ...one, [name]: list })), onUnknownGroup: 'ignore', allow: () => true },
      ]),
    ),
    [
      'stale-cache',
      503,
      'an age below zero, of a clock that was set back',
      { resolver: resolving(one => ({ ...one, stale: true, age: -1 })), maxStaleAge: 1000 },
    ],
    [
      'stale-cache',
      503,
      'an age that is no number',
      {
        resolver: resolving(one => ({ ...one, stale: true, age: '0' })),
        maxStaleAge: 1000,
      },
    ],
    [
      'no-role',
      403,
      'a role that is no string',
      {
        resolver: resolving(one => ({ ...one, preferredRole: { toString: () => A } })),
        allow: () => true,
      },
    ],
    ['membership-failed', 503, 'a string in an object is not groups', { groupsOf: () => Object('x') as string[] }],
    ['membership-failed', 503, 'a Map is not groups', { groupsOf: () => new Map([['admins', 1]]) as never }],
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
    [
      'unknown-user',
      401,
      'the user does not exist any more',
      { groupsOf: () => Promise.reject(new RolecastError('user-not-found', 'no user')) },
    ],
    [
      'invalid-claims',
      401,
      'the claims do not say whose groups',
      { groupsOf: () => Promise.reject(new RolecastError('invalid-claim', 'no username')) },
    ],
    [
      'membership-failed',
      503,
      'an error that cannot be read',
      {
        groupsOf: () =>
          Promise.reject(
            Object.defineProperty(new Error('no'), 'name', {
              get() {
                throw new Error('no name')
              },
            }),
          ),
      },
    ],
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
      { resolver: resolverOf(() => Promise.reject(new RolecastError('throttled', 'slow down'))) },
    ],
    [
      'resolver-failed',
      503,
      'the resolver throws',
      {
        resolver: resolverOf(() => {
          throw new Error('no')
        }),
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

  test('an object without a prototype is plain, and each of its fields is read once', async () => {
    const bare = Object.assign(Object.create(null) as object, { allow: true, context: { a: 1 } })
    expect((await run('http-2', { allow: () => bare as never })).answer).toEqual({
      isAuthorized: true,
      context: { a: 1 },
    })
    const reads: unknown[] = []
    const watched = new Proxy(
      { allow: true, deniedFields: ['A.b'] },
      {
        // A promise that is resolved with it looks for `then`.
        get: (_target, key) => (key === 'then' ? undefined : expect.unreachable('it is read once')),
        getOwnPropertyDescriptor: (target, key) => (reads.push(key), Reflect.getOwnPropertyDescriptor(target, key)),
      },
    )
    expect((await run('appsync', { allow: () => watched })).answer).toEqual({
      isAuthorized: true,
      deniedFields: ['A.b'],
    })
    expect(reads).toEqual(['allow', 'deniedFields'])
  })

  test('a user in more groups than Cognito allows is denied, and the hook is told why', async () => {
    const many = Array.from({ length: 101 }, (_, index) => `group-${index}`)
    const snapshot = { version: 1, userPoolId: POOL, takenAt: Date.now(), Groups: [] } as const
    for (const pool of [createRoleResolver({ snapshot, maxAge: 1e9 }), resolver]) {
      const overrides: Partial<Options> = { resolver: pool, verifier: verifying(claimsOf({ 'cognito:groups': many })) }
      const result = await run('http-2', overrides)
      expectDenied('http-2', result, 'resolver-failed', 503)
      expect((result.decisions[0] as Denied).error).toBe('invalid-input')
    }
    const hundred = verifying(claimsOf({ 'cognito:groups': many.slice(1) }))
    expect(deniedWith(await run('http-2', { verifier: hundred })), 'control').toBe('unknown-group')
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
        await run(kind, { verifier: never, resolver: resolverOf(never), allow: never }, strip(EVENTS[kind])),
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

  test('an expired entry of the cache is enough if the caller says how old it may be', async () => {
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
    const access = {
      sub: 'user-1',
      iss: ISSUER,
      token_use: 'access',
      iat: 1_700_000_000,
      'cognito:groups': ['admins', 'users'],
    }
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

  test('of an HTTP API is one of the identity sources, because the response is cached under them', async () => {
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

  test('that the caller finds is one of the identity sources of an HTTP API as well', async () => {
    const query = { ...http2.queryStringParameters, token: TOKEN }
    const findToken: Options['findToken'] = one =>
      (one as unknown as { queryStringParameters: typeof query }).queryStringParameters.token
    const v2 = (identitySource: unknown, find = findToken) =>
      run('http-2', { findToken: find }, { ...http2, identitySource, queryStringParameters: query })
    const v1 = (identitySource: unknown) =>
      run('http-1', { findToken }, { ...http1, identitySource, queryStringParameters: query })
    for (const sources of [
      ['other'],
      ['x', 'y'],
      ['Bearer other.token.x'],
      [`x${TOKEN}`, `${TOKEN}y`],
      [TOKEN.slice(1)],
    ])
      expectDenied('http-2', await v2(sources), 'token-not-cache-key', 401)
    expectDenied('http-1', await v1('Bearer other.token.x,GET /request'), 'token-not-cache-key', 401)
    for (const sources of [
      [TOKEN],
      ['x', TOKEN],
      [`Bearer ${TOKEN}`],
      [`a=1; token=${TOKEN}; b=2`],
      undefined,
      null,
      [],
    ])
      expect((await v2(sources)).answer, String(sources)).toEqual({ isAuthorized: true })
    expect(isGrant((await v1(`GET /request,${TOKEN}`)).answer)).toBe(true)
    expect((await v2([`Bearer ${TOKEN}`], () => `bearer ${TOKEN}`)).answer).toEqual({ isAuthorized: true })
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

describe('the pool', () => {
  const poolIds = fc
    .tuple(fc.constantFrom('eu-west-1', 'us-east-1', 'cn-north-1', 'local'), fc.stringMatching(/^[0-9A-Za-z]{1,9}$/))
    .map(parts => parts.join('_'))
  const issuers = fc.constantFrom(
    (pool: string) => `https://cognito-idp.eu-west-1.amazonaws.com/${pool}`,
    (pool: string) => `https://issuer-cognito-idp.eu-west-1.amazonaws.com/${pool}`,
    (pool: string) => `https://cognito-idp.cn-north-1.amazonaws.com.cn/${pool}`,
    (pool: string) => `http://localhost:9229/${pool}`,
    (pool: string) => `http://[::1]:4566/${pool}`,
  )
  const deciding = (iss: unknown, userPoolId: string) =>
    createRoleGuard({
      resolver: resolverOf((names, options) => resolver.resolve(names, options), userPoolId),
      verifier: verifying(claimsOf({ iss })),
      groupsOf: 'token',
      onStale: 'deny',
      allow: () => true,
      clock: () => NOW,
    })(TOKEN)

  test('a token of another pool is never granted, and one of the same pool is', async () => {
    await fc.assert(
      fc.asyncProperty(poolIds, poolIds, issuers, async (pool, other, issuerOf) => {
        fc.pre(pool !== other)
        expect(await deciding(issuerOf(other), pool)).toEqual({ allowed: false, reason: 'wrong-pool', status: 401 })
        expect(await deciding(issuerOf(pool), pool)).toMatchObject({ allowed: true })
        expect(await deciding(issuerOf(other), 'any'), 'control: nothing else denies it').toMatchObject({
          allowed: true,
        })
      }),
    )
  })

  test.each([
    `${ISSUER}/../eu-west-1_Other`,
    `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other/../${POOL}`,
    `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other/${POOL}`,
    `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other#/${POOL}`,
    `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other?x=/${POOL}`,
    `https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Other\\${POOL}`,
    `https://cognito-idp.eu-west-1.amazonaws.com//${POOL}`,
    `https://user@cognito-idp.eu-west-1.amazonaws.com/${POOL}`,
    `${ISSUER}/`,
    `${ISSUER}\n`,
    ` ${ISSUER}`,
    `/${POOL}`,
    POOL,
    '',
    'https://',
    'https://cognito-idp.eu-west-1.amazonaws.com/',
    `javascript://x/${POOL}`,
    undefined,
    null,
    7,
    [ISSUER],
    { toString: () => ISSUER },
    `https://x/${'a/'.repeat(100_000)}${POOL}`,
  ])('the issuer %j tells no pool', async iss => {
    expect(await deciding(iss, POOL)).toEqual({ allowed: false, reason: 'invalid-claims', status: 401 })
    expect(await deciding(iss, 'any'), 'where the pool does not matter, it need not').toMatchObject({ allowed: true })
  })

  test.each([POOL.toLowerCase(), `${POOL}x`, POOL.slice(0, -1), encodeURIComponent(`${POOL} `), 'any', '__proto__'])(
    'a pool is the same letter by letter: not %s',
    async other => {
      const iss = `https://cognito-idp.eu-west-1.amazonaws.com/${other}`
      expect(await deciding(iss, POOL)).toMatchObject({ allowed: false, reason: 'wrong-pool' })
    },
  )

  test('of the resolver must be told', () => {
    for (const userPoolId of [undefined, null, '', 'Any', '*', 7, ISSUER, [POOL], `${POOL} `]) {
      for (const create of [createRoleAuthorizer, createRoleGuard] as ((options: never) => unknown)[]) {
        const wrong = { ...givenTo(create), resolver: { ...resolver, userPoolId } }
        const error = errorOf(() => create(wrong as never))
        expect(error).toMatchObject({ code: 'invalid-option' })
        expect(error.message).toMatch(/^the resolver's `userPoolId` is .+; give the id of the user pool/)
      }
    }
  })

  describe('with a verifier of two pools', () => {
    const OTHER = 'eu-west-1_Other1234'
    const clientId = '1example23456789'
    const keys = new Map(
      [POOL, OTHER].map(pool => [pool, generateKeyPairSync('rsa', { modulusLength: 2048 })] as const),
    )
    const verifierOfTwo = CognitoJwtVerifier.create(
      [...keys.keys()].map(userPoolId => ({ userPoolId, clientId, tokenUse: 'access' as const })),
    )
    for (const [userPoolId, { publicKey }] of keys) {
      const { n, e } = publicKey.export({ format: 'jwk' })
      verifierOfTwo.cacheJwks(
        { keys: [{ kid: userPoolId, alg: 'RS256', use: 'sig', kty: 'RSA', n: n!, e: e! }] },
        userPoolId,
      )
    }
    const tokenOf = (pool: string, issuer: string) => {
      const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
      const now = Math.floor(Date.now() / 1000)
      const payload = {
        sub: 'user-1',
        iss: `https://${issuer}.eu-west-1.amazonaws.com/${pool}`,
        client_id: clientId,
        token_use: 'access',
        iat: now,
        exp: now + 3600,
        'cognito:groups': ['admins', 'users'],
      }
      const signed = `${encode({ alg: 'RS256', kid: pool })}.${encode(payload)}`
      return `${signed}.${sign('sha256', Buffer.from(signed), keys.get(pool)!.privateKey).toString('base64url')}`
    }
    const guard = (userPoolId: string) =>
      createRoleGuard({
        resolver: createRoleResolver({ source: name => table.get(name), userPoolId }),
        verifier: verifierOfTwo,
        groupsOf: 'token',
        onStale: 'deny',
        allow: ({ resolution }) => resolution.preferredRole === A,
      })

    test.each(['cognito-idp', 'issuer-cognito-idp'])(
      'a group of one pool gets no role of the other, issued by %s',
      async issuer => {
        for (const [pool, other] of [
          [POOL, OTHER],
          [OTHER, POOL],
        ] as const) {
          expect(await guard(pool)(tokenOf(pool, issuer))).toMatchObject({ allowed: true })
          expect(await guard(pool)(tokenOf(other, issuer))).toMatchObject({ allowed: false, reason: 'wrong-pool' })
          expect(await guard('any')(tokenOf(other, issuer)), 'control').toMatchObject({ allowed: true })
        }
      },
    )
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
    'a path with %s is not used as a pattern: it is denied',
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

  test.each(['*', '?', 'a*', '${x}'])(
    'a stage %s is not used as a pattern: it is denied where the stage is allowed',
    async stage => {
      const arn = `arn:aws:execute-api:eu-west-1:123456789012:abcdef123/${stage}/GET/x`
      const event = { ...restToken, methodArn: arn }
      expectDenied('rest-token', await run('rest-token', { resource: 'stage' }, event), 'wildcard-in-path', 403)
    },
  )

  test('a path longer than a policy can name is denied', async () => {
    const event = { ...restToken, methodArn: `${restToken.methodArn}/${'x'.repeat(512)}` }
    expectDenied('rest-token', await run('rest-token', {}, event), 'invalid-response', 403)
    expect(await resourceOf({}, event)).toBe('arn:aws:execute-api:eu-west-1:123456789012:ymy8tbxw7b/prod/*')
  })

  test('a field that the response cannot carry is not dropped: it denies', async () => {
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

  test('a restriction that is undefined, as a table gives it for a missing key, is not off: it denies', async () => {
    for (const missing of [undefined, null]) {
      const allow = () => ({ allow: true, deniedFields: missing }) as never
      expectDenied('appsync', await run('appsync', { allow }), 'invalid-response', 403)
    }
    for (const kind of KINDS.filter(one => one !== 'appsync' && one !== 'http-2')) {
      for (const missing of [undefined, null]) {
        const allow = () => ({ allow: true, resource: missing }) as never
        expectDenied(kind, await run(kind, { allow, resource: 'stage' }), 'invalid-response', 403)
      }
      expect(isGrant((await run(kind, { allow: () => ({ allow: true }), resource: 'stage' })).answer), 'control').toBe(
        true,
      )
    }
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
    ['the resolver', { resolver: resolverOf(hang) }],
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
    const spy = resolverOf((names, options) => (signals.push(options?.signal), resolver.resolve(names, options)))
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

  const guardOf = (overrides: object) =>
    createRoleGuard({
      resolver,
      verifier,
      groupsOf: 'token',
      onStale: 'deny',
      allow: () => true,
      clock: () => NOW,
      ...overrides,
    })
  const timed = async (work: () => Promise<unknown>) => {
    const began = Date.now()
    return { result: await work(), ms: Date.now() - began, timersLeft: vi.getTimerCount() }
  }

  test.each(hanging)('%s hangs: a guard without a signal waits for 3 seconds', async (_, overrides) => {
    const denied = { allowed: false, reason: 'timeout', status: 503 }
    expect(await timed(() => guardOf(overrides)(TOKEN))).toMatchObject({
      result: denied,
      ms: 3000,
      timersLeft: 0,
    })
    expect(await timed(() => guardOf({ ...overrides, timeout: 40 })(TOKEN))).toMatchObject({ result: denied, ms: 40 })
    expect(await timed(() => guardOf({ ...overrides, timeout: 2 ** 31 - 1 })(TOKEN))).toMatchObject({
      result: denied,
      ms: 2 ** 31 - 1,
    })
  })

  test('of an authorizer is the lesser of its own and that of its function', async () => {
    const waited = async (timeout: number | undefined, left: number) =>
      (
        await timed(() =>
          run('http-2', { verifier: hang, ...(timeout !== undefined && { timeout }) }, http2, lambda(left)),
        )
      ).ms
    expect(await waited(undefined, 30_000)).toBe(3000)
    expect(await waited(undefined, 2_500)).toBe(2000)
    expect(await waited(1000, 30_000)).toBe(1000)
    expect(await waited(1000, 800)).toBe(300)
    expect(await waited(Infinity, 900_000)).toBe(899_500)
    expect(await waited(Infinity, 500)).toBe(0)
  })

  test('has no limit where the caller says so', async () => {
    const slow = (ms: number) => async (token: string) => {
      await new Promise(resolve => {
        setTimeout(resolve, ms)
      })
      return verifier.verify(token)
    }
    expect(await timed(() => guardOf({ verifier: slow(3_600_000), timeout: Infinity })(TOKEN))).toMatchObject({
      result: { allowed: true },
      ms: 3_600_000,
      timersLeft: 0,
    })
    expect(await guardOf({ verifier: slow(3_600_000) })(TOKEN), 'control').toMatchObject({ reason: 'timeout' })
  })

  test('is for the whole decision: what is slow at each step is denied', async () => {
    const slowly =
      <T>(value: T) =>
      () =>
        new Promise<T>(resolve => {
          setTimeout(resolve, 900, value)
        })
    const slow = {
      verifier: slowly(claimsOf()),
      groupsOf: slowly(['admins', 'users']),
      allow: slowly(true),
      onDecision: slowly(undefined),
    }
    expect(await timed(() => guardOf({ ...slow, timeout: 3601 })(TOKEN))).toMatchObject({ result: { allowed: true } })
    expect(await timed(() => guardOf(slow)(TOKEN))).toMatchObject({ result: { reason: 'timeout' }, ms: 3000 })
  })

  test('a hook that never settles does not hold a request that is denied', async () => {
    for (const [overrides, reason] of [
      [{ allow: () => false }, 'not-allowed'],
      [{ verifier: hang }, 'timeout'],
      [{}, 'timeout'],
    ] as const) {
      expect(await timed(() => guardOf({ ...overrides, onDecision: hang })(TOKEN))).toMatchObject({
        result: { allowed: false, reason },
        ms: 3000,
        timersLeft: 0,
      })
    }
  })

  test('an outer signal is listened to while the request lasts, and no longer', async () => {
    for (const overrides of [{}, { allow: () => false }, { verifier: hang }, { verifier: () => null }]) {
      const { signal } = new AbortController()
      const listeners = () => getEventListeners(signal, 'abort').length
      const decision = guardOf(overrides)(TOKEN, { signal })
      expect(listeners()).toBe(1)
      await decision
      expect(listeners()).toBe(0)
    }
  })

  test('a signal that is not an AbortSignal denies, and does not look like a timeout', async () => {
    const never = () => expect.unreachable('nothing is asked')
    const throwing = Object.defineProperty({}, 'aborted', { get: never })
    for (const signal of ['x', 7, true, false, '', {}, [], { aborted: true }, { aborted: false }, () => {}, throwing]) {
      const told: Decision[] = []
      const guard = guardOf({ verifier: never, onDecision: (decision: Decision) => told.push(decision) })
      const decision = await guard(TOKEN, { signal: signal as unknown as AbortSignal })
      expect(decision).toMatchObject({ allowed: false, reason: 'invalid-event', status: 403 })
      if (signal !== throwing) expect(decision).toMatchObject({ error: 'invalid-option' })
      expect(told).toEqual([decision])
    }
    expect(await guardOf({})(TOKEN, { signal: AbortSignal.abort() }), 'control').toMatchObject({ reason: 'timeout' })
  })

  test('a hook that never settles does not delay a request with an invalid signal', async () => {
    const guard = guardOf({ onDecision: hang })
    expect(await timed(() => guard(TOKEN, { signal: {} as AbortSignal }))).toMatchObject({
      result: { allowed: false, reason: 'invalid-event' },
      timersLeft: 0,
    })
  })

  test('a signal of null means none, as undefined does', async () => {
    for (const signal of [null, undefined]) {
      expect(await guardOf({})(TOKEN, { signal })).toMatchObject({ allowed: true })
      expect(await guardOf({ verifier: hang })(TOKEN, { signal }), 'control').toMatchObject({ reason: 'timeout' })
    }
  })

  test('a signal of another class is listened to', async () => {
    const target = new EventTarget()
    const signal = {
      aborted: false,
      addEventListener: target.addEventListener.bind(target),
      removeEventListener: target.removeEventListener.bind(target),
    } as unknown as AbortSignal
    const decision = guardOf({ verifier: hang, timeout: Infinity })(TOKEN, { signal })
    target.dispatchEvent(new Event('abort'))
    expect(await decision).toMatchObject({ allowed: false, reason: 'timeout' })
  })

  test('a time left that cannot be told has run out', async () => {
    const tell = (getRemainingTimeInMillis: () => unknown) => run('http-2', {}, http2, { getRemainingTimeInMillis })
    for (const left of [NaN, null, '5000', {}, Promise.resolve(5000), Promise.reject(new Error('no')), -1, 500])
      expectDenied('http-2', await tell(() => left), 'timeout', 503)
    expectDenied(
      'http-2',
      await tell(() => {
        throw new Error('no')
      }),
      'timeout',
      503,
    )
    expect((await tell(() => 5000)).answer, 'control').toEqual({ isAuthorized: true })
  })

  test('a context without the time left is accepted', async () => {
    for (const context of [undefined, {}])
      expect((await run('http-2', {}, http2, context)).answer).toEqual({ isAuthorized: true })
  })
})

describe('if nothing could be emitted', () => {
  const down: Partial<Options> = {
    resolver: resolverOf(() => Promise.reject(new RolecastError('unreachable', `no way to ${TOKEN}`))),
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
    expect(await errorFor({ resolver: resolverOf(() => Promise.reject(new RolecastError('throttled', TOKEN))) })).toBe(
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

describe('a promise that rejects late, or where no promise is expected', () => {
  /** What rejects and is not handled, while the work is done and in the turns after it. */
  async function unhandledIn(work: () => Promise<unknown>): Promise<readonly unknown[]> {
    const unhandled: unknown[] = []
    const collect = (reason: unknown) => unhandled.push(reason)
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', collect)
    try {
      await work()
      for (let turn = 0; turn < 3; turn++) await new Promise(resolve => setImmediate(resolve))
    } finally {
      process.removeAllListeners('unhandledRejection')
      for (const other of others) process.on('unhandledRejection', other)
    }
    return unhandled
  }
  const failing = () => Promise.reject(new Error('no'))
  const failingLate = () =>
    new Promise<never>((_resolve, reject) => {
      setTimeout(reject, 20, new Error('late'))
    })
  const stale = verifying(claimsOf({ 'cognito:roles': [A] }))

  test.each<[string, Partial<Options>]>([
    ['`onDecision` of a granted request', { onDecision: failing }],
    ['`onDecision` of a denied request', { onDecision: failing, allow: () => false }],
    ['`onDecision` of a request without a token', { onDecision: failing, findToken: () => undefined }],
    ['`onStale`', { verifier: stale, onStale: failing as never }],
    ['`findToken`', { findToken: failing as never }],
    ['`clock`', { clock: failing as never }],
    ['the verifier, late', { verifier: failingLate, timeout: 5 }],
    ['`groupsOf`, late', { groupsOf: failingLate, timeout: 5 }],
    ['the resolver, late', { resolver: resolverOf(failingLate), timeout: 5 }],
    ['`allow`, late', { allow: failingLate, timeout: 5 }],
    ['`onDecision`, late', { onDecision: failingLate, timeout: 5 }],
    ['`onDecision` of a denied request, late', { onDecision: failingLate, allow: () => false, timeout: 5 }],
  ])('%s: denies, and does not end the process', async (_, overrides) => {
    const unhandled = await unhandledIn(async () => {
      for (const kind of KINDS) expect(isGrant((await run(kind, overrides)).answer)).toBe(false)
      await new Promise(resolve => {
        setTimeout(resolve, 40)
      })
    })
    expect(unhandled).toEqual([])
  })

  test('control: one that is left alone is noticed', async () => {
    expect(await unhandledIn(async () => void failing())).toEqual([new Error('no')])
  })
})

describe('what another part of the program adds to every object', () => {
  /** Not enumerable, as only `Object.prototype` itself is meant. */
  async function polluted<T>(fields: object, work: () => Promise<T>): Promise<T> {
    const everyObject: object = Object.getPrototypeOf({})
    for (const [name, value] of Object.entries(fields))
      Object.defineProperty(everyObject, name, { value, configurable: true, writable: true })
    try {
      return await work()
    } finally {
      for (const name of Object.keys(fields)) Reflect.deleteProperty(everyObject, name)
    }
  }
  const { sub, iss, ...roles } = claimsOf()
  const bare = { type: 'REQUEST', version: '2.0', routeArn: http2.routeArn, requestContext: {} }

  test.each<[string, object, Partial<Options>, object]>([
    ['a subject', { sub }, { verifier: verifying({ iss, ...roles }) }, http2],
    ['an issuer', { iss }, { verifier: verifying({ sub, ...roles }) }, http2],
    ['groups', roles, { verifier: verifying({ sub, iss }) }, http2],
    ['groups with their roles', LOOKUP, { groupsOf: () => ({}) as never }, http2],
    [
      'the role of a group',
      { precedence: 0, roleArn: A },
      { groupsOf: () => ({ ...LOOKUP, groups: [{ groupName: 'users' }] }), onStale: 'allow' },
      http2,
    ],
    ['a yes', { allow: true }, { allow: () => ({}) as never }, http2],
    ['a header', { headers: { authorization: TOKEN } }, {}, bare],
    ['an Authorization header', { authorization: TOKEN }, {}, { ...bare, headers: {} }],
    ['an identity source', { identitySource: [TOKEN] }, {}, bare],
    ['no need for a role', { requireRole: false }, { verifier: verifying({ sub, iss }), allow: () => true }, http2],
    [
      'unknown groups that are ignored',
      { onUnknownGroup: 'ignore' },
      { verifier: verifying(claimsOf({ 'cognito:groups': ['admins', 'ghost'] })), onStale: 'allow' },
      http2,
    ],
  ])('%s: opens nothing', async (_, fields, overrides, event) => {
    const { answer, decisions } = await polluted(fields, () => run('http-2', overrides, event))
    expect(decisions).toMatchObject([{ allowed: false }])
    expect(isGrant(answer)).toBe(false)
  })

  test('a resource, a context, a key: widens no policy', async () => {
    const clean = await run('rest-token')
    const fields = { resource: '*', context: { admin: true }, usageIdentifierKey: 'key', effect: 'Allow' }
    expect((await polluted(fields, () => run('rest-token'))).answer).toEqual(clean.answer)
    expect(
      (await polluted({ ttlOverride: 3600, resolverContext: { admin: true } }, () => run('appsync'))).answer,
    ).toEqual({
      isAuthorized: true,
    })
    expect(isGrant((await polluted(fields, () => run('rest-token', { allow: () => false }))).answer)).toBe(false)
  })

  test('control: it is on every object meanwhile, and gone afterwards', async () => {
    expect(await polluted({ planted: 1 }, async () => ({} as { planted?: number }).planted)).toBe(1)
    expect({}).not.toHaveProperty('planted')
  })
})

describe('options', () => {
  test.each(['resolver', 'verifier', 'groupsOf', 'onStale', 'allow'])('%s must be given', name => {
    for (const nothing of [undefined, null, false, '']) {
      for (const create of [createRoleAuthorizer, createRoleGuard] as ((options: never) => unknown)[]) {
        expect(() => create({ ...givenTo(create), [name]: nothing } as never)).toThrow(
          expect.objectContaining({
            code: 'invalid-option',
            message: expect.stringMatching(new RegExp(`^\`${name}\` is missing; give `)),
          }),
        )
      }
    }
  })

  const creators = [createRoleAuthorizer, createRoleGuard] as ((options: never) => unknown)[]
  const refusal = (create: (options: never) => unknown, options: object) => errorOf(() => create(options as never))

  test.each<[string, unknown[]]>([
    ['resolver', [{}, () => {}, 'x', { userPoolId: POOL }, { userPoolId: POOL, resolve: true }]],
    ['verifier', [{}, 'none', { verify: true }, true]],
    ['groupsOf', ['allow', 'Token', ['admins'], {}]],
    ['onStale', ['token', 'ignore', true, {}]],
    ['allow', [true, 'allow', {}]],
    ['requireRole', [null, 0, 'false', '']],
    ['onUnknownGroup', [null, 'allow', 'Ignore', true]],
    ['maxStaleAge', [null, NaN, -1, '1000', 1000n, [1000]]],
    ['timeout', [null, NaN, 0, -1, '3000', 2 ** 31, {}]],
    ['onDecision', [undefined, null, 'log', {}]],
    ['onError', [undefined, null, 'log', {}]],
    ['clock', [null, NOW, 'now']],
  ])('%s of a wrong type is rejected', (name, values) => {
    for (const create of creators) {
      for (const value of values) {
        const error = refusal(create, { ...givenTo(create), [name]: value })
        expect(error, String(value)).toMatchObject({ code: 'invalid-option' })
        expect(error.message).toMatch(new RegExp(`^\`${name}\` is .+; give `))
      }
    }
  })

  test.each<[string, unknown[]]>([
    ['kind', [null, '', 'http2', 'toString', 'REST']],
    ['findToken', [undefined, null, 'token']],
    ['resource', [null, 'api', '', ['stage']]],
    ['onFailure', [null, 'Throw', true]],
    ['margin', [null, NaN, -1, Infinity, '500']],
    ['maxBytes', [null, NaN, -1, '9000']],
  ])("an authorizer's %s of a wrong type is rejected", (name, values) => {
    for (const value of values) {
      const error = refusal(creators[0]!, { ...optionsOf({ kind: 'http-2' }), [name]: value })
      expect(error, String(value)).toMatchObject({ code: 'invalid-option' })
      expect(error.message).toMatch(new RegExp(`^\`${name}\` is .+; give .+, or leave it out$`))
    }
  })

  test.each(['resource', 'onFailure'] as const)('%s must be given where the response is a policy', async name => {
    const { [name]: _, ...without } = optionsOf()
    for (const kind of [undefined, ...KINDS]) {
      for (const options of [
        { ...without, kind },
        { ...without, kind, [name]: undefined },
      ]) {
        if (kind === 'http-2' || kind === 'appsync') {
          expect(isGrant(await createRoleAuthorizer(options as Options)(EVENTS[kind] as never))).toBe(true)
          continue
        }
        const error = refusal(createRoleAuthorizer as never, options)
        expect(error).toMatchObject({ code: 'invalid-option' })
        expect(error.message).toMatch(
          new RegExp(`^\`${name}\` is missing; give .'.+'. if API Gateway caches .+, or .'`),
        )
        expect(refusal(createRoleAuthorizer as never, { ...options, [name]: 'all' }).message).toMatch(
          /`all`; give .'.+'.$/,
        )
      }
    }
  })

  test('undefined is the default only where that is the strictest', async () => {
    const names = ['requireRole', 'onUnknownGroup', 'maxStaleAge', 'timeout', 'clock'] as const
    const strict = Object.fromEntries(names.map(name => [name, undefined]))
    const deciding = (claims: Claims, change: (one: CurrentResolution) => unknown = one => one) =>
      createRoleGuard({
        ...options(),
        verifier: verifying(claims),
        resolver: resolving(change),
        onStale: 'allow',
        allow: () => true,
        ...strict,
      })(TOKEN)
    const options = () => ({ resolver, verifier, groupsOf: 'token' as const, onStale: 'deny' as const })
    expect(await deciding(claimsOf())).toMatchObject({ allowed: true })
    expect(await deciding({ sub: 'x', iss: ISSUER })).toMatchObject({ reason: 'no-role' })
    expect(await deciding(claimsOf({ 'cognito:groups': ['admins', 'ghost'] }))).toMatchObject({
      reason: 'unknown-group',
    })
    expect(await deciding(claimsOf(), one => ({ ...one, stale: true, age: 0 }))).toMatchObject({
      reason: 'stale-cache',
    })
  })

  test('an unknown name is rejected, because a misspelt option would silently have no effect', () => {
    for (const name of ['onDecison', 'findTokens', 'toString', '__proto__', 'signal', 'secret']) {
      for (const create of creators) {
        const error = refusal(
          create,
          Object.defineProperty(givenTo(create), name, { value: () => {}, enumerable: true }),
        )
        expect(error).toMatchObject({ code: 'invalid-option', value: name })
        expect(error.message).toMatch(new RegExp(`^unknown option \`${name}\`; use resolver, verifier, .*onDecision`))
      }
    }
    expect(refusal(createRoleGuard as never, { ...guardOptionsOf(), findToken: () => TOKEN }).message).toContain(
      'unknown option `findToken`',
    )
  })

  test('inherited and computed properties are not options', () => {
    class Config {
      readonly resolver = resolver
      get onDecision() {
        return () => {}
      }
    }
    for (const create of creators) {
      for (const given of [
        Object.assign(new Config(), { verifier }),
        Object.create(givenTo(create)) as object,
        Object.defineProperty(givenTo(create), 'requireRole', { get: () => false, enumerable: true }),
        new Map(Object.entries(givenTo(create))),
        undefined,
        null,
        [],
      ])
        expect(refusal(create, given as object).message).toMatch(
          /^the options are .+; give a plain object, without getters$/,
        )
    }
  })

  test('what changes after the options were given changes nothing', async () => {
    const options = optionsOf({ kind: 'http-2', verifier: verifying(claimsOf({ 'cognito:roles': [A] })) }) as {
      -readonly [K in keyof Options]: Options[K]
    }
    const handler = createRoleAuthorizer(options)
    options.onStale = 'allow'
    options.allow = () => true
    expect(await handler(http2 as never)).toEqual({ isAuthorized: false })
    expect(await createRoleAuthorizer(options)(http2 as never), 'control').toEqual({ isAuthorized: true })
  })

  test('an error has no client in it, which may hold credentials', () => {
    const client = { credentials: 'AKIDEXAMPLE' }
    for (const name of ['resolver', 'verifier', 'groupsOf', 'onDecision', 'onError'])
      expect(inspect(refusal(createRoleGuard as never, { ...guardOptionsOf(), [name]: client }))).not.toContain('AKID')
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
    const guard = createRoleGuard({ ...options, resolver: resolverOf(() => new Promise(() => {})) })
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
        resolver: resolverOf(() => resolver.resolve(['admins', 'users'])),
      }),
    ),
  ],
  [
    'groups with their roles that are not whole, and a resolver that does not mind',
    fc
      .constantFrom<object>(
        { groups: [...GROUPS.slice(0, 2), { groupName: '' }] },
        { groups: [...GROUPS.slice(0, 2), null] },
        { groups: [...GROUPS.slice(0, 2), 'x'] },
        { groups: { length: 0 } },
        { unknownGroups: undefined },
        { unknownGroups: [''] },
        { unknownGroups: { length: 0 } },
        { stale: undefined },
        { stale: 0 },
        { age: undefined },
        { age: NaN },
        { age: -1 },
        { age: '0' },
      )
      .map(wrong =>
        spoil({
          groupsOf: () => ({ ...LOOKUP, ...wrong }),
          resolver: { ...resolver, resolveLookup: () => resolver.resolve(['admins', 'users']) },
        }),
      ),
  ],
  [
    'groups with their roles that had expired',
    fc.tuple(fc.nat(), fc.boolean()).map(([age, canLookUp]) =>
      spoil({
        groupsOf: () => ({ ...LOOKUP, stale: true, age }),
        resolver: canLookUp ? resolver : resolverOf((names, options) => resolver.resolve(names, options)),
      }),
    ),
  ],
  ['a string of groups', fc.constant(spoilRoles(claimsOf(), { groupsOf: () => 'x', onStale: 'allow' }))],
  [
    'the resolver throws',
    anything.map(thrown => spoil({ resolver: resolverOf(() => Promise.reject(thrown as Error)) })),
  ],
  ['the resolver gives anything', anything.map(other => spoil({ resolver: resolving(() => other) }))],
  [
    'another pool, or none that is told',
    fc.constantFrom(`${ISSUER}x`, `${ISSUER}/`, undefined, 7).map(iss => spoilRoles(claimsOf({ iss }))),
  ],
  [
    'an event of another kind',
    fc.constant(world => {
      world.event = { ...world.event, type: 'OTHER' }
    }),
  ],
  [
    'a token that the caller finds, and is no key',
    fc.constant(world => {
      if (!world.kind.startsWith('http')) return spoil({ allow: () => false })(world)
      world.event = { ...world.event, identitySource: world.kind === 'http-1' ? 'other' : ['other'] }
      spoil({ findToken: () => TOKEN })(world)
    }),
  ],
  [
    'lists of the resolver that are none',
    fc
      .tuple(fc.constantFrom('unknownGroups', 'roles'), fc.constantFrom(undefined, null, {}, { length: 0 }, '', 'x'))
      .map(([name, list]) => spoil({ resolver: resolving(one => ({ ...one, [name]: list })) })),
  ],
  ['an old answer', fc.nat().map(age => spoil({ resolver: resolving(one => ({ ...one, stale: true, age })) }))],
  [
    'no role',
    fc
      .constantFrom(undefined, ['admins', 'tied'], ['admins', 'roleless'])
      .map(groups => spoilRoles({ sub: 'x', iss: ISSUER, 'cognito:groups': groups })),
  ],
  [
    'an undetermined role, none being required',
    fc.constant(
      spoilRoles(
        { sub: 'x', iss: ISSUER, 'cognito:groups': ['admins', 'roleless'] },
        { requireRole: false, onStale: 'allow' },
      ),
    ),
  ],
  ['a stale token', fc.constant(spoilRoles(claimsOf({ 'cognito:roles': [A, B, `${A}x`] })))],
  [
    '`onStale` is not sure',
    anything
      .filter(said => said !== true)
      .map(said => spoilRoles(claimsOf(), { onStale: () => said as boolean, groupsOf: () => ['admins'] })),
  ],
  [
    '`allow` is not sure',
    fc
      .oneof(anything, fc.constantFrom({}, { allow: 1 }, { allow: 'true' }, { allow: null }))
      .filter(said => !isYes(said))
      .map(said => spoil({ allow: () => said as boolean })),
  ],
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
  [
    '`allow` says yes in an object that is not plain',
    fc.constantFrom(...notPlain).map(([, said]) => spoil({ allow: () => said as unknown as boolean })),
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
    .oneof(fc.subarray([...faults], { minLength: 1, maxLength: 1 }), fc.subarray([...faults], { minLength: 1 }))
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
  test('no request is granted, and the token is shown nowhere', async () => {
    const { failed, counterexample, errorInstance } = await neverAllows(createRoleAuthorizer as Create, 2000)
    expect(failed, inspect([counterexample, errorInstance], { depth: 5 })).toBe(false)
  })

  /** Objects of JSON that cannot be turned into text, or look like something else. */
  const nasty = fc.oneof(
    fc.constantFrom<unknown>(
      { toString: {} },
      { valueOf: 1, toString: null },
      JSON.parse('{"then":{}}'),
      { length: 1, 0: 'admins' },
      JSON.parse('{"__proto__":{"sub":"x","type":"TOKEN"}}'),
      { constructor: null },
      [[TOKEN]],
      [null],
      '',
      ' ',
      'x',
    ),
    anything,
  )
  const spoiled = <T extends object>(whole: T) =>
    fc
      .dictionary(fc.constantFrom(...Object.keys(whole), 'type', 'version', '__proto__', 'then'), nasty, {
        minKeys: 1,
        noNullPrototype: true,
      })
      .map(changes => ({ ...whole, ...changes }))

  test('whatever an event has in it, it is read, or rejected as an event', async () => {
    const seen = { granted: 0, denied: 0, rejected: 0 }
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...KINDS).chain(kind => fc.tuple(fc.constant(kind), spoiled(EVENTS[kind]))),
        async ([kind, event]) => {
          const { answer, thrown } = await run(kind, {}, event)
          if (thrown !== undefined && (thrown as Error).message !== 'Unauthorized') {
            expect(thrown).toMatchObject({ name: 'RolecastError', code: 'invalid-event' })
            seen.rejected++
          } else if (isGrant(answer)) {
            // What was changed is not what the decision reads.
            expect(readEvent(event, kind)).toMatchObject({ kind })
            seen.granted++
          } else seen.denied++
        },
      ),
      { numRuns: 1000 },
    )
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(20)
  })

  test('whatever a payload has in it, it is decided, and only its own subject and pool are granted', async () => {
    const seen = { granted: 0, denied: 0 }
    await fc.assert(
      fc.asyncProperty(spoiled(claimsOf()), async claims => {
        const { answer, decisions, thrown } = await run('http-2', { verifier: verifying(claims), onStale: 'allow' })
        expect(thrown).toBeUndefined()
        expect(decisions).toHaveLength(1)
        if (isGrant(answer)) {
          expect([typeof claims['sub'], claims['iss']]).toEqual(['string', ISSUER])
          seen.granted++
        } else seen.denied++
      }),
      { numRuns: 1000 },
    )
    for (const [what, count] of Object.entries(seen)) expect(count, what).toBeGreaterThan(20)
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
    ['guard', `if (issuer !== userPoolId) deny('wrong-pool')`, ''],
    [
      'current-groups',
      `if (typeof given !== 'object' || given === null || isStringObject(given)) return false`,
      'if (given == null) return false',
    ],
    ['current-groups', `isTexts(names) ? names : undefined`, 'names as never'],
    ['current-groups', `!found.every(isGroupWithRole)`, 'false'],
    ['current-groups', `unknown === undefined || !isTexts(unknown)`, 'false'],
    ['current-groups', `typeof stale !== 'boolean'`, 'false'],
    ['current-groups', `!(age >= 0)`, 'false'],
    ['guard', `lookup.stale || resolution.stale`, 'resolution.stale'],
    ['guard', `isTexts(copyArray(list) ?? [undefined])`, 'true'],
    ['guard', `if (unknownGroups.length !== 0 && onUnknownGroup !== 'ignore') deny('unknown-group')`, ''],
    [
      'guard',
      `if (stale !== false && !(typeof age === 'number' && age >= 0 && age <= maxStaleAge)) deny('stale-cache')`,
      '',
    ],
    ['guard', `if (!['resolved', 'none', 'ambiguous'].includes(outcome)) deny('undetermined')`, ''],
    ['guard', `if (requireRole !== false && (outcome !== 'resolved' || !isText(preferredRole))) deny('no-role')`, ''],
    ['guard', `syncResult(onStale(comparison)) !== true`, `!syncResult(onStale(comparison))`],
    ['guard', `comparison.status !== 'fresh'`, 'false'],
    ['guard', `if (syncResult(verdict['allow']) !== true) deny('not-allowed')`, ''],
    ['guard', `await step('hook-failed', () => onDecision?.(decision))`, 'try { onDecision?.(decision) } catch {}'],
    ['guard', `value === undefined || ['allow', ...known].includes(key)`, 'true'],
    [
      'guard',
      `return { decision }\n`,
      `return { decision: { ...decision, allowed: true }, response: { isAuthorized: true } }\n`,
    ],
    ['guard', `identifier(code, token) ?? identifier(name, token)`, 'name as string'],
    ['authorizer', `/[*?]|\\$\\{/.test(allowed)`, 'false'],
    ['events', `!sources.some(source => source === header)`, 'false'],
    ['events', `isKey ? token`, 'true ? token'],
    ['events', `.find(one => FITS[one](fields))`, '.find(() => true)'],
    ['own-data', `if (prototype !== null && prototype !== Object.prototype) return undefined`, ''],
    ['own-data', `!Object.hasOwn(descriptor!, 'value')`, 'false'],
    ['own-data', `!descriptor!.enumerable`, 'false'],
    ['own-data', `typeof key === 'symbol'`, 'false'],
    ['authorizer', `effect: 'Deny'`, `effect: 'Allow'`],
    ['responses', `Number.isFinite(value)`, 'true'],
  ])('%s: without `%s`', async (file, check, planted) => {
    const path = `authorizer/${file}`
    const text = texts.get(path)!
    expect(text.split(check), 'the check is there, once').toHaveLength(2)
    const create = await createFrom(new Map([[path, text.replace(check, () => planted)]]))
    if (check.includes('identifier(code')) {
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
    // It ends with the first that gets in; the rarest of the faults is drawn once in about a thousand runs.
    expect((await neverAllows(create, 30_000)).failed).toBe(true)
  })
})

describe('the examples', () => {
  test.each([
    ['authorizer-rest.mjs', [{ principalId: 'jane' }, 'Unauthorized']],
    ['authorizer-http.mjs', [{ isAuthorized: true }, { isAuthorized: false }]],
    ['authorizer-appsync.mjs', [{ isAuthorized: true }, { isAuthorized: false }]],
    ['bulk.mjs', [{ outcome: 'resolved' }, { outcome: 'ambiguous' }, { outcome: 'undetermined' }, { outcome: 'none' }]],
  ])('%s prints its responses', async (name, answers) => {
    expect(await runExample(name)).toMatchObject(answers)
  })
})
