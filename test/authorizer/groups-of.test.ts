import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import {
  createRoleAuthorizer,
  createRoleGuard,
  type CurrentGroups,
  type CurrentResolution,
  type CurrentRoles,
  type Decision,
  type Denied,
} from '../../src/authorizer/index.js'
import {
  createRoleResolver,
  groupsFromCognito,
  type GroupsFromCognitoOptions,
  type Lookup,
} from '../../src/cognito/index.js'
import { type Semantics, SEMANTICS } from '../../src/claims/decide.js'
import { RolecastError } from '../../src/errors.js'
import type { Group } from '../../src/group.js'
import { pools } from '../arbitraries.js'
import { errorOf } from '../failure-of.js'
import { userPool } from '../models/user-pool.js'
import { useVirtualTime } from '../virtual-time.js'

const POOL = 'eu-west-1_Ab12Cd34e'
const OTHER = 'eu-west-1_Other1234'
const issuerOf = (userPoolId: string) => `https://cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`
const ALPHA = 'arn:aws:iam::111122223333:role/Alpha'
const BETA = 'arn:aws:iam::111122223333:role/Beta'
const ALPHAS: Group = { groupName: 'alphas', precedence: 1, roleArn: ALPHA }
const BETAS: Group = { groupName: 'betas', precedence: 2, roleArn: BETA }
const claimsOf = (overrides: object = {}) => ({
  sub: 'sub of jane',
  iss: issuerOf(POOL),
  token_use: 'id',
  'cognito:username': 'jane',
  'cognito:groups': ['old'],
  ...overrides,
})
const lookupOf = (overrides: Partial<Lookup> = {}): Lookup => ({
  groups: [ALPHAS, BETAS],
  unknownGroups: [],
  stale: false,
  age: 7,
  ...overrides,
})

// The first call loads it, which a virtual clock does not wait for.
beforeAll(() => import('@aws-sdk/client-cognito-identity-provider'))

interface Overrides {
  readonly resolver?: CurrentRoles
  readonly groupsOf?: unknown
  readonly claims?: object
  readonly onUnknownGroup?: 'ignore'
  readonly maxStaleAge?: number
  readonly semantics?: Semantics
  readonly onError?: (error: unknown) => void
}

/** A guard that lets everybody in who has one role. It never reads a group by its name. */
function guardOf({ claims = claimsOf(), groupsOf = () => lookupOf(), semantics, ...overrides }: Overrides = {}) {
  const never = () => {
    throw new Error('a group was asked for')
  }
  return createRoleGuard({
    resolver: createRoleResolver({ source: never, userPoolId: POOL, semantics }),
    verifier: () => claims,
    groupsOf: groupsOf as 'token',
    onStale: 'allow',
    allow: () => true,
    ...overrides,
  })
}

const reasonOf = (decision: Decision) => decision.reason

describe('groups with their roles', () => {
  test('are resolved without asking for them, and are as old as they say', async () => {
    expect(await guardOf()('token')).toMatchObject({
      allowed: true,
      resolution: { preferredRole: ALPHA, groups: ['alphas', 'betas'], unknownGroups: [], stale: false, age: 7 },
      comparison: { groupsAdded: ['alphas', 'betas'], groupsRemoved: ['old'] },
    })
    expect(reasonOf(await guardOf({ groupsOf: () => ['alphas'] })('token')), 'control: by name').toBe('resolver-failed')
  })

  test('no groups give no role', async () => {
    expect(reasonOf(await guardOf({ groupsOf: async () => lookupOf({ groups: [] }) })('token'))).toBe('no-role')
  })

  test('are resolved by the semantics of the resolver', async () => {
    const groupsOf = () => lookupOf({ groups: [ALPHAS, { groupName: 'plain', precedence: 1, roleArn: null }] })
    expect(reasonOf(await guardOf({ groupsOf })('token'))).toBe('undetermined')
    expect(reasonOf(await guardOf({ groupsOf, semantics: 'roles-compete' })('token'))).toBe('allowed')
  })

  test('that do not exist deny, unless they are to be ignored', async () => {
    const groupsOf = () => lookupOf({ unknownGroups: ['ghost'] })
    expect(reasonOf(await guardOf({ groupsOf })('token'))).toBe('unknown-group')
    expect(reasonOf(await guardOf({ groupsOf, onUnknownGroup: 'ignore' })('token'))).toBe('allowed')
  })

  test('that have expired are accepted for as long as the guard is told to', async () => {
    const groupsOf = () => lookupOf({ stale: true, age: 1_000 })
    expect(reasonOf(await guardOf({ groupsOf })('token'))).toBe('stale-cache')
    expect(reasonOf(await guardOf({ groupsOf, maxStaleAge: 999 })('token'))).toBe('stale-cache')
    expect(await guardOf({ groupsOf, maxStaleAge: 1_000 })('token')).toMatchObject({
      allowed: true,
      resolution: { stale: true, age: 1_000 },
    })
  })

  test('that come twice count once', async () => {
    const groupsOf = () => lookupOf({ groups: [ALPHAS, { ...ALPHAS, roleArn: BETA }] })
    expect(await guardOf({ groupsOf })('token')).toMatchObject({ resolution: { groups: ['alphas'], roles: [ALPHA] } })
  })

  test.each([100, 101])('of which a user has %i are as many as with their names', async count => {
    const groups = Array.from({ length: count }, (_, index): Group => ({
      groupName: `g${index}`,
      precedence: index,
      roleArn: ALPHA,
    }))
    const resolver = createRoleResolver({
      source: name => groups.find(one => one.groupName === name),
      userPoolId: POOL,
    })
    for (const groupsOf of [() => lookupOf({ groups }), () => groups.map(({ groupName }) => groupName)]) {
      const decision = await guardOf({ groupsOf, resolver })('token')
      expect(decision).toMatchObject(
        count > 100 ? { reason: 'resolver-failed', error: 'invalid-input' } : { allowed: true },
      )
    }
    const twice = lookupOf({ groups: [...groups.slice(0, 100), ...groups.slice(0, 100)] })
    expect(reasonOf(await guardOf({ groupsOf: () => twice })('token'))).toBe('allowed')
  })

  test.each<[string, unknown]>([
    ['a precedence that is none', { ...ALPHAS, precedence: '1' }],
    ['a role that is none', { ...ALPHAS, roleArn: 7 }],
    ['no precedence', { groupName: 'alphas', roleArn: ALPHA }],
    ['no role', { groupName: 'alphas', precedence: 0 }],
    ['fields of the API', { groupName: 'alphas', Precedence: 0, RoleArn: ALPHA }],
    [
      'a class, whose role is a getter',
      new (class {
        groupName = 'alphas'
        precedence = 0
        get roleArn() {
          return ALPHA
        }
      })(),
    ],
  ])('of which one has %s fail: its role must not get lost, and the next one count', async (_, group) => {
    const groupsOf = () => lookupOf({ groups: [group as Group, BETAS] })
    expect(reasonOf(await guardOf({ groupsOf })('token'))).toBe('membership-failed')
  })

  test.each<[string, unknown]>([
    ['a string', 'alphas'],
    ['a promise of a string', Promise.resolve('alphas')],
    ['a string in an object', Object('alphas')],
    ['nothing', undefined],
    ['null', null],
    ['a number', 7],
    ['a function', () => ['alphas']],
    ['groups alone', [ALPHAS]],
    ['a Set of groups', new Set([ALPHAS])],
    ['names and groups', ['betas', ALPHAS]],
    ['no names', ['']],
    ['an object of nothing', {}],
    ['groups that do not say how old they are', { groups: [ALPHAS], unknownGroups: [] }],
    ['the response of the SDK', { Groups: [{ GroupName: 'alphas', RoleArn: ALPHA }] }],
    ['groups as the SDK has them', lookupOf({ groups: [{ GroupName: 'alphas', RoleArn: ALPHA }] as never })],
    ['a resolution', { ...lookupOf(), groups: ['alphas'] }],
    ['groups that are a string', lookupOf({ groups: 'alphas' as never })],
    ['groups that are a Set', lookupOf({ groups: new Set([ALPHAS]) as never })],
    ['groups with a hole', lookupOf({ groups: Array.from({ length: 2 }) })],
    ['a group without a name', lookupOf({ groups: [ALPHAS, { groupName: '' }] })],
    ['unknown groups that are none', lookupOf({ unknownGroups: [7] as never })],
    ['an age that is none', lookupOf({ age: NaN })],
    ['an age of the future', lookupOf({ age: -1 })],
    ['a staleness that is none', lookupOf({ stale: 'false' as never })],
    ['a lookup of a class', Object.assign(new Date(0), lookupOf())],
    ['a lookup that is inherited', Object.create(lookupOf())],
    ['a lookup that is computed', Object.defineProperty({ ...lookupOf() }, 'stale', { get: () => false })],
  ])('%s is a failure, never a user without groups', async (_, given) => {
    const errors: unknown[] = []
    const guard = guardOf({ groupsOf: () => given, onError: error => errors.push(error) })
    const decision = (await guard('token')) as Denied
    expect(decision).toMatchObject({ allowed: false, reason: 'membership-failed', status: 503, error: 'invalid-input' })
    expect(errors).toMatchObject([
      { message: expect.stringMatching(/^`groupsOf` returned .+; return an array of group names, or \{ groups, /) },
    ])
  })
})

describe('a resolver that takes names only', () => {
  test('is not asked for a group that does not exist: it may know one of that name', async () => {
    const ghost = { groupName: 'ghost', precedence: 0, roleArn: BETA }
    const table = new Map([ALPHAS, ghost].map(group => [group.groupName, group]))
    const { userPoolId, resolve } = createRoleResolver({ source: name => table.get(name), userPoolId: POOL })
    const groupsOf = () => lookupOf({ groups: [ALPHAS], unknownGroups: ['ghost'] })
    const resolver = { userPoolId, resolve }
    expect(reasonOf(await guardOf({ groupsOf, resolver })('token'))).toBe('unknown-group')
    expect(await guardOf({ groupsOf, resolver, onUnknownGroup: 'ignore' })('token')).toMatchObject({
      allowed: true,
      resolution: { preferredRole: ALPHA, unknownGroups: ['ghost'] },
    })
  })

  const withoutLookup = (resolution: Partial<CurrentResolution> = {}): CurrentRoles & { asked: string[][] } => {
    const table = new Map([ALPHAS, BETAS].map(group => [group.groupName, group]))
    const whole = createRoleResolver({ source: name => table.get(name), userPoolId: POOL })
    const asked: string[][] = []
    return {
      asked,
      userPoolId: POOL,
      async resolve(names, options) {
        asked.push([...names])
        return { ...(await whole.resolve(names, options)), ...resolution }
      },
    }
  }

  test('gets the names of the groups that exist', async () => {
    const resolver = withoutLookup()
    const groupsOf = () => lookupOf({ unknownGroups: ['ghost'] })
    expect(reasonOf(await guardOf({ resolver, groupsOf })('token'))).toBe('unknown-group')
    expect(resolver.asked).toEqual([['alphas', 'betas']])
  })

  test.each([
    [
      { stale: false, age: 7 },
      { stale: false, age: 3 },
      { stale: false, age: 7 },
    ],
    [
      { stale: true, age: 7 },
      { stale: false, age: 3 },
      { stale: true, age: 7 },
    ],
    [
      { stale: false, age: 7 },
      { stale: true, age: 30 },
      { stale: true, age: 30 },
    ],
  ])('memberships %j and roles %j are %j together', async (ofUser, ofGroups, together) => {
    const groupsOf = () => lookupOf(ofUser)
    const resolver = withoutLookup(ofGroups)
    expect(await guardOf({ resolver, groupsOf, maxStaleAge: 30 })('token')).toMatchObject({ resolution: together })
    expect(reasonOf(await guardOf({ resolver, groupsOf })('token'))).toBe(together.stale ? 'stale-cache' : 'allowed')
  })

  test('and does not say whether its roles expired is not believed', async () => {
    const resolver = withoutLookup({ stale: undefined as never })
    expect(reasonOf(await guardOf({ resolver })('token'))).toBe('stale-cache')
  })
})

describe('the pool of `groupsOf`', () => {
  const named = (userPoolId: unknown) => Object.assign(() => lookupOf(), { userPoolId })
  const resolverOf = (userPoolId: string) => createRoleResolver({ source: () => undefined, userPoolId })

  test('must be that of the resolver', () => {
    const wrong = { resolver: resolverOf(OTHER), groupsOf: named(POOL) }
    expect(errorOf(() => guardOf(wrong))).toMatchObject({ code: 'invalid-option', value: POOL })
    expect(errorOf(() => guardOf(wrong)).message).toBe(
      `\`groupsOf\` reads user pool \`${POOL}\`, and the resolver reads \`${OTHER}\`; give both the same user pool`,
    )
    const common = { verifier: () => claimsOf(), onStale: 'allow', allow: () => true, kind: 'http-2' } as const
    expect(errorOf(() => createRoleAuthorizer({ ...common, ...wrong }))).toMatchObject({ code: 'invalid-option' })
    expect(errorOf(() => guardOf({ groupsOf: groupsFromCognito({ userPoolId: OTHER }) }))).toMatchObject({
      code: 'invalid-option',
    })
    expect(() => guardOf({ groupsOf: groupsFromCognito({ userPoolId: POOL }) })).not.toThrow()
  })

  test.each([undefined, null, '', 7, 'Any', `${POOL} `, issuerOf(POOL)])('cannot be %j', userPoolId => {
    const error = errorOf(() => guardOf({ groupsOf: named(userPoolId) }))
    expect(error.code).toBe('invalid-option')
    expect(error.message).toMatch(/^`groupsOf`'s `userPoolId` is .+; give the id of the user pool/)
  })

  test('is that of the tokens where the resolver is of any', async () => {
    const decide = async (groupsOf: unknown, iss: unknown) =>
      reasonOf(await guardOf({ resolver: resolverOf('any'), groupsOf, claims: claimsOf({ iss }) })('token'))
    expect(await decide(named(POOL), issuerOf(POOL))).toBe('allowed')
    expect(await decide(named(POOL), issuerOf(OTHER))).toBe('wrong-pool')
    expect(await decide(named(POOL), undefined)).toBe('invalid-claims')
    for (const groupsOf of [named('any'), () => lookupOf()])
      expect(await decide(groupsOf, issuerOf(OTHER)), 'control: nothing else denies it').toBe('allowed')
    expect(
      reasonOf(await guardOf({ groupsOf: named('any'), claims: claimsOf({ iss: issuerOf(OTHER) }) })('token')),
    ).toBe('wrong-pool')
  })

  test('is checked by groupsFromCognito too, where a function around it hides the pool', async () => {
    const pool = userPool()
    pool.groups.set('alphas', { precedence: 1, roleArn: ALPHA })
    pool.users.set('jane', ['alphas'])
    const groupsOf = groupsFromCognito({ userPoolId: POOL, client: pool.client })
    const around = (claims: object, options: object) => groupsOf(claims, options)
    const resolver = resolverOf('any')
    expect(
      await guardOf({ resolver, groupsOf: around, claims: claimsOf({ iss: issuerOf(OTHER) }) })('token'),
    ).toMatchObject({
      reason: 'invalid-claims',
      status: 401,
      error: 'invalid-claim',
    })
    expect(pool.calls).toEqual([])
    expect(reasonOf(await guardOf({ resolver, groupsOf: around })('token')), 'control').toBe('allowed')
  })
})

describe('the groups from Cognito', () => {
  useVirtualTime()

  function setUp(options: Partial<GroupsFromCognitoOptions> = {}) {
    const pool = userPool(() => new Promise(resolve => void setTimeout(resolve, 30)))
    pool.groups.set('alphas', { precedence: 1, roleArn: ALPHA })
    pool.groups.set('betas', { precedence: 2, roleArn: BETA })
    pool.users.set('jane', ['alphas', 'betas'])
    const groupsOf = groupsFromCognito({ userPoolId: POOL, client: pool.client, ...options })
    const resolver = createRoleResolver({ userPoolId: POOL, client: pool.client })
    return { ...pool, groupsOf, resolver, guard: guardOf({ resolver, groupsOf }) }
  }

  test('are the current ones: a user who left a group has another role when the cache entry has expired', async () => {
    const { guard, users, groupsOf } = setUp()
    expect(await guard('token')).toMatchObject({ resolution: { preferredRole: ALPHA } })
    users.set('jane', ['betas'])
    expect(await guard('token'), 'cached').toMatchObject({ resolution: { preferredRole: ALPHA } })
    await new Promise(resolve => void setTimeout(resolve, 5_000))
    expect(await guard('token')).toMatchObject({ resolution: { preferredRole: BETA } })
    users.set('jane', ['alphas'])
    groupsOf.invalidate('jane')
    expect(await guard('token')).toMatchObject({ resolution: { preferredRole: ALPHA } })
  })

  test('of a deleted user do not exist: the user is unknown', async () => {
    const { guard, users } = setUp()
    users.delete('jane')
    expect(await guard('token')).toMatchObject({ reason: 'unknown-user', status: 401, error: 'user-not-found' })
  })

  test('of a user who was recreated under the same name are those of the new user, unless `sub` is requested', async () => {
    const bySub = setUp({ usernameOf: ({ sub }) => sub })
    bySub.users.set('sub of the new jane', ['alphas'])
    expect(await bySub.guard('token')).toMatchObject({ reason: 'unknown-user' })
    expect(await setUp().guard('token')).toMatchObject({ resolution: { preferredRole: ALPHA } })
  })

  test('that come too late are a timeout, and the call is aborted', async () => {
    const calls: (AbortSignal | undefined)[] = []
    const client = {
      send: (_command: object, options?: { readonly abortSignal?: AbortSignal }) => {
        calls.push(options?.abortSignal)
        return new Promise<never>(() => {})
      },
    }
    const impatient = guardOf({ groupsOf: groupsFromCognito({ userPoolId: POOL, client, timeout: 10_000 }) })
    expect(reasonOf(await impatient('token'))).toBe('timeout')
    expect(calls.map(signal => signal?.aborted)).toEqual([true])
    const patient = guardOf({ groupsOf: groupsFromCognito({ userPoolId: POOL, client }) })
    expect(await patient('token'), 'by default it fails before').toMatchObject({
      reason: 'membership-failed',
      status: 503,
      error: 'timeout',
    })
  })

  test('of an access token, and of claims without a username', async () => {
    const { groupsOf, resolver } = setUp()
    const access = { sub: 's', iss: issuerOf(POOL), token_use: 'access', username: 'jane' }
    expect(reasonOf(await guardOf({ groupsOf, resolver, claims: access })('token'))).toBe('allowed')
    const { username: _, ...nobody } = access
    expect(await guardOf({ groupsOf, resolver, claims: nobody })('token')).toMatchObject({
      reason: 'invalid-claims',
      status: 401,
    })
  })
})

describe('for any pool and any memberships', () => {
  const memberships = pools.chain(pool => fc.tuple(fc.constant(pool), fc.subarray(pool), fc.constantFrom(...SEMANTICS)))
  /** What a decision says, but for when the groups were read. */
  const withoutAge = (decision: Decision) => ({
    ...decision,
    resolution: { ...decision.resolution, age: 0 },
    comparison: { ...decision.comparison, ageSeconds: 0 },
  })

  /** The decision about a user in these groups, with groups from Cognito and with their names and GetGroup. */
  async function decisions(
    pool: readonly Group[],
    mine: readonly Group[],
    semantics: Semantics,
    change: (lookup: CurrentGroups) => unknown = lookup => lookup,
  ) {
    const cognito = userPool()
    for (const group of pool) cognito.groups.set(group.groupName, group)
    const names = mine.map(({ groupName }) => groupName)
    cognito.users.set('jane', names)
    const { client } = cognito
    const groupsOf = groupsFromCognito({ userPoolId: POOL, client })
    const resolver = createRoleResolver({ userPoolId: POOL, client, semantics, requestsPerSecond: Infinity })
    const byLookup = await guardOf({
      resolver,
      groupsOf: async (claims: object, options: object) => change(await groupsOf(claims, options)),
    })('token')
    const calls = cognito.calls.map(({ operation }) => operation)
    const byNames = await guardOf({ resolver, groupsOf: () => names })('token')
    return { byLookup: withoutAge(byLookup), byNames: withoutAge(byNames), calls }
  }

  test('the decision is the one by names and GetGroup, which is never called', async () => {
    const seen = new Set<string>()
    await fc.assert(
      fc.asyncProperty(memberships, async ([pool, mine, semantics]) => {
        const { byLookup, byNames, calls } = await decisions(pool, mine, semantics)
        expect(byLookup).toEqual(byNames)
        expect(calls).toEqual(['AdminListGroupsForUser'])
        seen.add(byLookup.reason)
      }),
      { numRuns: 500 },
    )
    expect([...seen].toSorted(), 'each is drawn').toEqual(['allowed', 'no-role', 'undetermined'])
  })

  test.each<[string, (lookup: CurrentGroups) => unknown]>([
    ['loses a group', lookup => ({ ...lookup, groups: lookup.groups.slice(1) })],
    ['loses a role', lookup => ({ ...lookup, groups: lookup.groups.map(group => ({ ...group, roleArn: null })) })],
    [
      'loses a precedence',
      lookup => ({ ...lookup, groups: lookup.groups.map(group => ({ ...group, precedence: null })) }),
    ],
    ['returns the names', lookup => lookup.groups.map(({ groupName }) => groupName)],
  ])('control: one that %s is noticed', async (_, change) => {
    const { failed } = await fc.check(
      fc.asyncProperty(memberships, async ([pool, mine, semantics]) => {
        const { byLookup, byNames, calls } = await decisions(pool, mine, semantics, change)
        expect(byLookup).toEqual(byNames)
        expect(calls).toEqual(['AdminListGroupsForUser'])
      }),
      { numRuns: 500, endOnFailure: true },
    )
    expect(failed).toBe(true)
  })
})

describe('what `groupsOf` throws', () => {
  test.each([
    ['user-not-found', 'unknown-user', 401],
    ['invalid-claim', 'invalid-claims', 401],
    ['throttled', 'membership-failed', 503],
    ['not-authorized', 'membership-failed', 503],
    ['aborted', 'membership-failed', 503],
  ] as const)('%s is %s (%i)', async (code, reason, status) => {
    const groupsOf = () => Promise.reject(new RolecastError(code, 'no'))
    expect(await guardOf({ groupsOf })('token')).toMatchObject({ allowed: false, reason, status, error: code })
    const other = () => Promise.reject(Object.assign(new Error('no'), { code }))
    expect(reasonOf(await guardOf({ groupsOf: other })('token')), 'an error of another kind').toBe('membership-failed')
  })
})
