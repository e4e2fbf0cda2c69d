import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type CarriedClaims,
  type ClaimsComparison,
  compareClaims,
  type PreferredRoleChange,
} from '../../src/claims/compare-claims.js'
import type { Group } from '../../src/group.js'
import { accessTokenClaims, resolveRoles, type Resolution, type RoleClaims } from '../../src/claims/resolve.js'
import { pools, semantics } from '../arbitraries.js'
import { errorOf } from '../failure-of.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'
const C = 'arn:aws:iam::111122223333:role/Gamma'

function group(groupName: string, precedence?: number | null, roleArn?: string | null): Group {
  return { groupName, precedence, roleArn }
}

const admin = group('admin', 1, A)
const user = group('user', 2, B)
const nothing = { groupsAdded: [], groupsRemoved: [], rolesAdded: [], rolesRemoved: [] }

describe('examples', () => {
  const idToken = (...groups: Group[]): CarriedClaims => ({ ...resolveRoles(groups).claims, token_use: 'id' })
  const accessToken = (...groups: Group[]): CarriedClaims => ({
    ...accessTokenClaims(resolveRoles(groups)),
    token_use: 'access',
  })

  const rows: [string, Group[], CarriedClaims, ClaimsComparison][] = [
    [
      'an ID token issued just now',
      [admin, user],
      idToken(admin, user),
      { ...nothing, status: 'fresh', preferredRole: 'same', mayGrantLostRole: false },
    ],
    [
      'the order means nothing',
      [admin, user],
      { 'cognito:groups': ['user', 'admin'], 'cognito:roles': [B, A], 'cognito:preferred_role': A },
      { ...nothing, status: 'fresh', preferredRole: 'same', mayGrantLostRole: false },
    ],
    [
      'nothing then and nothing now',
      [],
      {},
      { ...nothing, status: 'fresh', preferredRole: 'same', mayGrantLostRole: false },
    ],
    [
      'the user joined a first group',
      [admin],
      idToken(),
      {
        ...nothing,
        status: 'stale',
        groupsAdded: ['admin'],
        rolesAdded: [A],
        preferredRole: 'gained',
        mayGrantLostRole: false,
      },
    ],
    [
      'the user joined a group that ranks higher',
      [admin, user],
      idToken(user),
      {
        ...nothing,
        status: 'stale',
        groupsAdded: ['admin'],
        rolesAdded: [A],
        preferredRole: 'changed',
        mayGrantLostRole: false,
      },
    ],
    [
      'the user left the group that ranks highest',
      [user],
      idToken(admin, user),
      {
        ...nothing,
        status: 'stale',
        groupsRemoved: ['admin'],
        rolesRemoved: [A],
        preferredRole: 'changed',
        mayGrantLostRole: true,
      },
    ],
    [
      'the user left every group',
      [],
      idToken(admin),
      {
        ...nothing,
        status: 'stale',
        groupsRemoved: ['admin'],
        rolesRemoved: [A],
        preferredRole: 'lost',
        mayGrantLostRole: true,
      },
    ],
    [
      'the user left a group without a role',
      [admin],
      idToken(admin, group('staff')),
      {
        ...nothing,
        status: 'stale',
        groupsRemoved: ['staff'],
        preferredRole: 'same',
        mayGrantLostRole: false,
      },
    ],
    [
      'the group got another role',
      [group('admin', 1, C)],
      idToken(admin),
      {
        ...nothing,
        status: 'stale',
        rolesAdded: [C],
        rolesRemoved: [A],
        preferredRole: 'changed',
        mayGrantLostRole: true,
      },
    ],
    [
      'the ranks were swapped: the role that was preferred is still among the roles',
      [group('admin', 3, A), user],
      idToken(admin, user),
      {
        ...nothing,
        status: 'stale',
        preferredRole: 'changed',
        mayGrantLostRole: false,
      },
    ],
    [
      'the ranks now tie',
      [group('admin', 2, A), user],
      idToken(admin, user),
      {
        ...nothing,
        status: 'stale',
        preferredRole: 'lost',
        mayGrantLostRole: false,
      },
    ],
    [
      'the ranks no longer tie',
      [admin, user],
      idToken(group('admin', 2, A), user),
      {
        ...nothing,
        status: 'stale',
        preferredRole: 'gained',
        mayGrantLostRole: false,
      },
    ],
    [
      'a preferred role and nothing else, of a user who has nothing',
      [],
      { 'cognito:preferred_role': A },
      {
        ...nothing,
        status: 'stale',
        preferredRole: 'lost',
        mayGrantLostRole: true,
      },
    ],
    [
      'a preferred role that is not among the roles, as a trigger can set it',
      [admin],
      { 'cognito:groups': ['admin'], 'cognito:roles': [A], 'cognito:preferred_role': C },
      { ...nothing, status: 'stale', preferredRole: 'changed', mayGrantLostRole: true },
    ],

    [
      'an access token issued just now',
      [admin, user],
      accessToken(user, admin),
      {
        ...nothing,
        status: 'fresh',
        preferredRole: 'not-carried',
        mayGrantLostRole: false,
      },
    ],
    [
      'an access token, and the group got another role',
      [group('admin', 1, C)],
      accessToken(admin),
      {
        ...nothing,
        status: 'fresh',
        preferredRole: 'not-carried',
        mayGrantLostRole: false,
      },
    ],
    [
      'an access token, and the user joined a group',
      [admin, user],
      accessToken(user),
      {
        ...nothing,
        status: 'stale',
        groupsAdded: ['admin'],
        preferredRole: 'not-carried',
        mayGrantLostRole: false,
      },
    ],
    [
      'an access token with a group that the user left',
      [user],
      accessToken(admin, user),
      {
        ...nothing,
        status: 'stale',
        groupsRemoved: ['admin'],
        preferredRole: 'not-carried',
        mayGrantLostRole: true,
      },
    ],
    [
      'an access token that does carry roles is not trusted with them',
      [admin],
      { ...accessToken(admin), 'cognito:roles': [A, B] },
      {
        ...nothing,
        status: 'stale',
        rolesRemoved: [B],
        preferredRole: 'gained',
        mayGrantLostRole: true,
      },
    ],
    [
      'an access token that does carry a preferred role is not trusted with it',
      [admin],
      { ...accessToken(admin), 'cognito:preferred_role': B },
      {
        ...nothing,
        status: 'stale',
        rolesAdded: [A],
        preferredRole: 'changed',
        mayGrantLostRole: true,
      },
    ],
    [
      'what may be an access token is taken for an ID token',
      [admin],
      { 'cognito:groups': ['admin'] },
      {
        ...nothing,
        status: 'stale',
        rolesAdded: [A],
        preferredRole: 'gained',
        mayGrantLostRole: false,
      },
    ],
    [
      'what may be an access token, with a group that the user left',
      [],
      { 'cognito:groups': ['admin'] },
      {
        ...nothing,
        status: 'stale',
        groupsRemoved: ['admin'],
        preferredRole: 'same',
        mayGrantLostRole: true,
      },
    ],
    [
      'what must be an ID token, with a group that the user left and never a role',
      [],
      { 'cognito:groups': ['admin'], token_use: 'id' },
      {
        ...nothing,
        status: 'stale',
        groupsRemoved: ['admin'],
        preferredRole: 'same',
        mayGrantLostRole: false,
      },
    ],
  ]

  test.each(rows)('%s', (_, groups, carried, expected) => {
    expect(compareClaims(resolveRoles(groups), carried)).toStrictEqual(expected)
  })

  describe('an undetermined forecast', () => {
    const tie = [group('a', 5, A), group('b', 5), group('c', 9, C)]
    const lists = { 'cognito:groups': ['a', 'b', 'c'], 'cognito:roles': [A, C], token_use: 'id' } as const

    test('is undetermined where the token has the candidate or nothing, for each is right in one reading', () => {
      const expected = { ...nothing, status: 'undetermined', preferredRole: 'undetermined', mayGrantLostRole: false }
      expect(compareClaims(resolveRoles(tie), lists)).toStrictEqual(expected)
      expect(compareClaims(resolveRoles(tie), { ...lists, 'cognito:preferred_role': A })).toStrictEqual(expected)
    })

    test('is stale where the token prefers a third role, for no reading does', () => {
      const expected = { ...nothing, status: 'stale', preferredRole: 'undetermined', mayGrantLostRole: false }
      expect(compareClaims(resolveRoles(tie), { ...lists, 'cognito:preferred_role': C })).toStrictEqual(expected)
      expect(compareClaims(resolveRoles(tie), { ...lists, 'cognito:preferred_role': B })).toStrictEqual({
        ...expected,
        mayGrantLostRole: true,
      })
    })

    test('is stale where the groups or the roles moved', () => {
      expect(compareClaims(resolveRoles(tie), { ...lists, 'cognito:groups': ['a', 'b'] })).toMatchObject({
        status: 'stale',
        groupsAdded: ['c'],
      })
      expect(compareClaims(resolveRoles(tie), { ...lists, 'cognito:roles': [A, B, C] })).toMatchObject({
        status: 'stale',
        rolesRemoved: [B],
        mayGrantLostRole: true,
      })
    })

    test('means nothing for an access token', () => {
      expect(
        compareClaims(resolveRoles(tie), { 'cognito:groups': ['a', 'b', 'c'], token_use: 'access' }),
      ).toStrictEqual({
        ...nothing,
        status: 'fresh',
        preferredRole: 'not-carried',
        mayGrantLostRole: false,
      })
    })
  })

  test('the claims of a trigger can replace the forecast', () => {
    const predicted = {
      ...resolveRoles([admin]),
      claims: { 'cognito:groups': ['made-up'], 'cognito:preferred_role': C },
    }
    expect(compareClaims(predicted, predicted.claims)).toStrictEqual({
      ...nothing,
      status: 'fresh',
      preferredRole: 'same',
      mayGrantLostRole: false,
    })
  })
})

describe("the token's age", () => {
  const age = (iat: number | undefined, now: number | undefined) => compareClaims(resolveRoles([]), { iat }, { now })

  test.each([
    [1_676_312_777, 1_676_312_777_000, 0],
    [1_676_312_777, 1_676_312_777_999, 0],
    [1_676_312_777, 1_676_316_377_000, 3600],
    [1_676_312_777, 1_676_312_776_999, -1],
    [0, 0, 0],
  ])('issued at %d s, %d ms is %d seconds later', (iat, now, seconds) => {
    expect(age(iat, now).ageSeconds).toBe(seconds)
  })

  test('is an absent key unless both are given', () => {
    for (const comparison of [
      age(1, undefined),
      age(undefined, 1),
      age(undefined, undefined),
      compareClaims(resolveRoles([]), { iat: 1 }),
    ]) {
      expect(Object.hasOwn(comparison, 'ageSeconds')).toBe(false)
    }
  })

  test('does not make a token stale', () => {
    expect(age(0, 1e15).status).toBe('fresh')
  })
})

type Compare = typeof compareClaims

/** A law, and its control: the same property must fail for a comparison that is wrong in just this. */
function law<Drawn>(sentence: string, wrong: Compare, property: (compare: Compare) => fc.IProperty<Drawn>): void {
  test(sentence, () => {
    fc.assert(property(compareClaims), { numRuns: 500 })
  })
  test(`control: ${sentence}`, () => {
    expect(fc.check(property(wrong), { seed: 1, numRuns: 3000, endOnFailure: true }).failed).toBe(true)
  })
}

const wrongCarried =
  (change: (carried: CarriedClaims, predicted: Parameters<Compare>[0]) => CarriedClaims): Compare =>
  (predicted, carried, options) =>
    compareClaims(predicted, change(carried, predicted), options)
const wrongAnswer =
  (change: (answer: ClaimsComparison, carried: CarriedClaims) => Partial<ClaimsComparison>): Compare =>
  (predicted, carried, options) => {
    const answer = compareClaims(predicted, carried, options)
    return { ...answer, ...change(answer, carried) }
  }

/** A pool of a user, and the same one after some time: groups left and joined, ranks and roles changed. */
const histories: fc.Arbitrary<readonly [Group[], Group[]]> = fc.tuple(pools, pools).chain(([before, others]) =>
  fc.tuple(fc.constant(before), fc.subarray(before), fc.subarray(others)).map(([before, kept, joined]) => {
    const names = new Set(kept.map(({ groupName }) => groupName))
    return [before, [...kept, ...joined.filter(({ groupName }) => !names.has(groupName))]] as const
  }),
)
const tokens = fc
  .tuple(histories, semantics, fc.constantFrom('id' as const, 'access' as const, undefined))
  .map(([[before, after], semantics, tokenUse]) => {
    const issued = resolveRoles(before, { semantics: 'roles-compete' })
    const claims = tokenUse === 'access' ? accessTokenClaims(issued) : issued.claims
    return {
      predicted: resolveRoles(after, { semantics }),
      carried: { ...claims, token_use: tokenUse } as CarriedClaims,
    }
  })

const sorted = (some: Iterable<string> = []) => [...new Set(some)].toSorted()
const rolesOf = (claims: RoleClaims) =>
  [...(claims['cognito:roles'] ?? []), claims['cognito:preferred_role']].filter(role => role !== undefined)
const firstOnly = (some: readonly string[] | undefined) => some?.slice(0, 1)

describe('laws', () => {
  law(
    'a forecast compared with its own claims is fresh, or undetermined if it is',
    wrongAnswer(() => ({ status: 'stale' })),
    compare =>
      fc.property(pools, semantics, (pool, semantics) => {
        const predicted = resolveRoles(pool, { semantics })
        const expected = predicted.outcome === 'undetermined' ? 'undetermined' : 'fresh'
        for (const carried of [predicted.claims, { ...predicted.claims, token_use: 'id' as const }]) {
          expect(compare(predicted, carried)).toStrictEqual({
            ...nothing,
            status: expected,
            preferredRole: expected === 'fresh' ? 'same' : 'undetermined',
            mayGrantLostRole: false,
          })
        }
        expect(compare(predicted, { ...accessTokenClaims(predicted), token_use: 'access' })).toStrictEqual({
          ...nothing,
          status: 'fresh',
          preferredRole: 'not-carried',
          mayGrantLostRole: false,
        })
      }),
  )

  law(
    'the carried claims, without the removed and with the added ones, are the forecast',
    wrongAnswer(({ groupsAdded }) => ({ groupsAdded: groupsAdded.slice(1) })),
    compare =>
      fc.property(tokens, ({ predicted, carried }) => {
        const answer = compare(predicted, carried)
        const after = (
          claim: 'cognito:groups' | 'cognito:roles',
          added: readonly string[],
          removed: readonly string[],
        ) => {
          for (const one of added) expect(carried[claim] ?? []).not.toContain(one)
          for (const one of removed) expect(carried[claim]).toContain(one)
          return sorted([...(carried[claim] ?? []), ...added].filter(one => !removed.includes(one)))
        }
        expect(after('cognito:groups', answer.groupsAdded, answer.groupsRemoved)).toEqual(sorted(predicted.groups))
        if (answer.preferredRole !== 'not-carried')
          expect(after('cognito:roles', answer.rolesAdded, answer.rolesRemoved)).toEqual(sorted(predicted.roles))
      }),
  )

  law(
    'a token is fresh exactly when the claims it can carry are the forecast ones',
    wrongAnswer(answer => ({
      status: answer.groupsAdded.length + answer.groupsRemoved.length === 0 ? 'fresh' : 'stale',
    })),
    compare =>
      fc.property(tokens, ({ predicted, carried }) => {
        const asSets = (claims: RoleClaims) =>
          JSON.stringify(
            carried.token_use === 'access'
              ? [sorted(claims['cognito:groups'])]
              : [
                  sorted(claims['cognito:groups']),
                  sorted(claims['cognito:roles']),
                  claims['cognito:preferred_role'] ?? null,
                ],
          )
        const open = predicted.outcome === 'undetermined' && carried.token_use !== 'access'
        expect(compare(predicted, carried).status === 'fresh').toBe(
          !open && asSets(carried) === asSets(predicted.claims),
        )
      }),
  )

  law(
    'neither order nor repetition changes anything but the order',
    wrongCarried(carried => ({ ...carried, 'cognito:groups': firstOnly(carried['cognito:groups']) ?? [] })),
    compare =>
      fc.property(tokens, fc.nat(), ({ predicted, carried }, turns) => {
        const turned = (some: readonly string[] | undefined) =>
          some && [...some.slice(turns % (some.length + 1)), ...some]
        const { 'cognito:groups': groups, 'cognito:roles': roles, ...rest } = carried
        const same = {
          ...rest,
          ...(groups && { 'cognito:groups': turned(groups)! }),
          ...(roles && { 'cognito:roles': turned(roles)! }),
        }
        const asSets = (answer: ClaimsComparison) =>
          Object.entries(answer).map(([key, value]) => [key, Array.isArray(value) ? value.toSorted() : value])
        expect(asSets(compare(predicted, same))).toEqual(asSets(compareClaims(predicted, carried)))
        for (const list of Object.values(compare(predicted, same)).filter(Array.isArray))
          expect(new Set(list).size).toBe(list.length)
      }),
  )

  law(
    'a role that the token names and no reading forecasts is lost',
    wrongAnswer(() => ({ mayGrantLostRole: false })),
    compare =>
      fc.property(tokens, ({ predicted, carried }) => {
        const held = new Set(rolesOf(predicted.claims))
        if (rolesOf(carried).some(role => !held.has(role)))
          expect(compare(predicted, carried)).toMatchObject({ mayGrantLostRole: true, status: 'stale' })
      }),
  )

  law(
    'a token that names roles, all of which the user still has, grants no lost role',
    wrongAnswer(answer => ({ mayGrantLostRole: answer.status === 'stale' })),
    compare =>
      fc.property(tokens, ({ predicted, carried }) => {
        const held = new Set(rolesOf(predicted.claims))
        const named = rolesOf(carried)
        if (named.length > 0 && named.every(role => held.has(role)))
          expect(compare(predicted, carried).mayGrantLostRole).toBe(false)
      }),
  )

  law(
    'an access token may grant a lost role exactly when the user left one of its groups',
    wrongAnswer((answer, carried) =>
      carried.token_use === 'access' ? { mayGrantLostRole: answer.rolesRemoved.length > 0 } : {},
    ),
    compare =>
      fc.property(tokens, ({ predicted, carried }) => {
        if (carried.token_use !== 'access') return
        const answer = compare(predicted, carried)
        expect(answer).toMatchObject({ rolesAdded: [], rolesRemoved: [], preferredRole: 'not-carried' })
        expect(answer.mayGrantLostRole).toBe(
          (carried['cognito:groups'] ?? []).some(name => !predicted.groups.includes(name)),
        )
      }),
  )

  law(
    'only a stale token may grant a lost role',
    wrongAnswer(() => ({ mayGrantLostRole: true })),
    compare =>
      fc.property(tokens, ({ predicted, carried }) => {
        const { mayGrantLostRole, status } = compare(predicted, carried)
        if (status !== 'stale') expect(mayGrantLostRole).toBe(false)
      }),
  )

  const swap: Readonly<Record<PreferredRoleChange, PreferredRoleChange>> = {
    same: 'same',
    changed: 'changed',
    gained: 'lost',
    lost: 'gained',
    undetermined: 'undetermined',
    'not-carried': 'not-carried',
  }
  law(
    'the other way round, what was added was removed and what was gained was lost',
    wrongAnswer(({ preferredRole }) => (preferredRole === 'lost' ? { preferredRole: 'changed' } : {})),
    compare =>
      fc.property(histories, ([before, after]) => {
        const [then, now] = [
          resolveRoles(before, { semantics: 'roles-compete' }),
          resolveRoles(after, { semantics: 'roles-compete' }),
        ]
        const forth = compare(now, { ...then.claims, token_use: 'id' })
        expect(asSetsOf(compare(then, { ...now.claims, token_use: 'id' }))).toEqual(
          asSetsOf({
            ...forth,
            groupsAdded: forth.groupsRemoved,
            groupsRemoved: forth.groupsAdded,
            rolesAdded: forth.rolesRemoved,
            rolesRemoved: forth.rolesAdded,
            preferredRole: swap[forth.preferredRole],
          }),
        )
      }),
  )
  const asSetsOf = ({
    status,
    groupsAdded,
    groupsRemoved,
    rolesAdded,
    rolesRemoved,
    preferredRole,
  }: ClaimsComparison) => ({
    status,
    preferredRole,
    lists: [groupsAdded, groupsRemoved, rolesAdded, rolesRemoved].map(list => sorted(list)),
  })

  test('every status and every change comes up among the tokens drawn', () => {
    const seen = new Set<string>()
    for (const { predicted, carried } of fc.sample(tokens, { seed: 1, numRuns: 3000 })) {
      const { status, preferredRole, mayGrantLostRole } = compareClaims(predicted, carried)
      seen.add(status).add(preferredRole).add(`lost: ${mayGrantLostRole}`)
    }
    expect([...seen].toSorted()).toEqual([
      'changed',
      'fresh',
      'gained',
      'lost',
      'lost: false',
      'lost: true',
      'not-carried',
      'same',
      'stale',
      'undetermined',
    ])
  })

  test('what comes in is not changed', () => {
    const carried = Object.freeze({ 'cognito:groups': Object.freeze(['b', 'b']), 'cognito:roles': Object.freeze([B]) })
    expect(compareClaims(Object.freeze(resolveRoles([admin])), carried)).toMatchObject({
      groupsRemoved: ['b'],
      rolesRemoved: [B],
    })
  })
})

describe('what is rejected', () => {
  const predicted = resolveRoles([admin])

  const wrongClaims: [string, unknown, string][] = [
    [
      'cognito:groups',
      'a,b',
      'the carried claim `cognito:groups` is `a,b`, and a token has an array of strings; parse the claims first',
    ],
    [
      'cognito:groups',
      '[a b]',
      'the carried claim `cognito:groups` is `[a b]`, and a token has an array of strings; parse the claims first',
    ],
    [
      'cognito:groups',
      null,
      'the carried claim `cognito:groups` is `null`, and a token has an array of strings; parse the claims first',
    ],
    [
      'cognito:groups',
      [7],
      'the carried claim `cognito:groups` is an array, and a token has an array of strings; parse the claims first',
    ],
    [
      'cognito:groups',
      ['a', 7],
      'the carried claim `cognito:groups` is an array, and a token has an array of strings; parse the claims first',
    ],
    [
      'cognito:groups',
      Array(1),
      'the carried claim `cognito:groups` is an array, and a token has an array of strings; parse the claims first',
    ],
    [
      'cognito:roles',
      A,
      `the carried claim \`cognito:roles\` is \`${A}\`, and a token has an array of strings; parse the claims first`,
    ],
    [
      'cognito:roles',
      new Set([A]),
      'the carried claim `cognito:roles` is an object, and a token has an array of strings; parse the claims first',
    ],
    [
      'cognito:preferred_role',
      [A],
      'the carried claim `cognito:preferred_role` is an array, and a token has a string; parse the claims first',
    ],
    [
      'cognito:preferred_role',
      null,
      'the carried claim `cognito:preferred_role` is `null`, and a token has a string; parse the claims first',
    ],
    [
      'iat',
      '1676312777',
      'the carried claim `iat` is `1676312777`, and a token has a number of seconds since the epoch; parse the claims first',
    ],
    [
      'iat',
      NaN,
      'the carried claim `iat` is `NaN`, and a token has a number of seconds since the epoch; parse the claims first',
    ],
    [
      'token_use',
      'ID',
      'the carried claim `token_use` is `ID`, and a token has `id` or `access`; parse the claims first',
    ],
  ]
  test.each(wrongClaims)('%s: %j', (claim, value, message) => {
    for (const tokenUse of ['id', 'access'] as const) {
      const error = errorOf(() => compareClaims(predicted, { token_use: tokenUse, [claim]: value } as CarriedClaims))
      expect(error).toMatchObject({ code: 'invalid-claim', message, retryable: false })
      expect(error.value).toBe(value)
    }
  })

  test.each([[undefined], [null], ['eyJhbGciOiJSUzI1NiJ9.e30.x']])('%j carries nothing', carried => {
    const error = errorOf(() => compareClaims(predicted, carried as unknown as CarriedClaims))
    expect(error).toMatchObject({ code: 'invalid-claim', value: carried })
    expect(error.message).toBe(`the carried claims are \`${carried}\`; give those of a verified token`)
  })

  test.each<[string, object]>([
    ['{ claims }', { claims: { 'cognito:groups': ['admins'] } }],
    ['{ payload }', { header: {}, payload: { 'cognito:groups': ['admins'] } }],
    ["AppSync's identity", { sub: 'x', claims: { 'cognito:groups': ['admins'] }, groups: ['admins'] }],
    ['{ sub, payload }', { sub: 'x', payload: { 'cognito:groups': ['admins'] } }],
    ['{ payload, iat }', { payload: {}, iat: 1 }],
    ['{ iss, jwt }', { iss: 'x', jwt: { claims: { 'cognito:groups': ['admins'] } } }],
    ['{ iss, claims }', { iss: 'x', claims: {} }],
    ['a session with a user', { sub: 'x', user: {} }],
    ['a session with an identity', { sub: 'x', iat: 1, identity: { claims: {} } }],
    ['a session of tokens', { sub: 'x', iss: 'x', iat: 1, tokens: { idToken: { payload: {} } } }],
    ['claims as text', { sub: 'x', claims: '{"cognito:groups":["admins"]}' }],
    ['a Map', new Map([['cognito:groups', ['admins']]])],
    ['an array', [{ 'cognito:groups': ['admins'] }]],
    ['an empty array', []],
    ['a promise', Promise.resolve({ 'cognito:groups': ['admins'] })],
    ['claims that are inherited', Object.create({ 'cognito:groups': ['admins'] })],
  ])('%s is not a token without groups, from which nothing could be lost', (_, enclosing) => {
    const error = errorOf(() => compareClaims(predicted, enclosing as CarriedClaims))
    expect(error).toMatchObject({ code: 'invalid-claim', value: enclosing })
    expect(error.message).toContain('give the claims themselves, not the object around them')
  })

  test('control: claims without a role claim are a token without groups', () => {
    const none = [{}, { sub: 'x' }, { token_use: 'access' }, { iss: 'x', aud: ['a'], user: 'x' }, Object.create(null)]
    for (const claims of none) expect(compareClaims(predicted, claims as CarriedClaims).groupsAdded).toEqual(['admin'])
  })

  test('control: a claim of a token may be an object of any name', () => {
    for (const name of ['payload', 'claims', 'jwt', 'identity', 'user', 'address', 'tokens']) {
      const token = { sub: 'x', iss: 'x', token_use: 'access', [name]: { claims: { 'cognito:groups': ['other'] } } }
      expect(compareClaims(predicted, token as CarriedClaims).groupsAdded).toEqual(['admin'])
      const { token_use: _, ...unmarked } = token
      const marked = { ...unmarked, 'cognito:groups': ['admin'] }
      expect(compareClaims(predicted, marked as CarriedClaims).groupsAdded).toEqual([])
      expect(errorOf(() => compareClaims(predicted, unmarked as CarriedClaims)).code).toBe('invalid-claim')
    }
  })

  test.each([[NaN], [Infinity], ['1676312777000'], [null], [new Date(0)], [1n]])('the time %s', now => {
    const error = errorOf(() => compareClaims(predicted, {}, { now: now as number }))
    expect(error).toMatchObject({ code: 'invalid-option', value: now })
    expect(error.message).toMatch(/^`now` is .+; give milliseconds since the epoch, or leave it out$/)
  })

  test('control: undefined counts as not given, and is not rejected', () => {
    const none = {
      'cognito:groups': undefined,
      'cognito:roles': undefined,
      'cognito:preferred_role': undefined,
      iat: undefined,
      token_use: undefined,
    }
    expect(compareClaims(resolveRoles([]), none as unknown as CarriedClaims, { now: undefined }).status).toBe('fresh')
  })
})

describe('types', () => {
  test('a resolution and what a token carries fit, and every status is told apart', () => {
    expectTypeOf<Resolution>().toExtend<Parameters<typeof compareClaims>[0]>()
    expectTypeOf<RoleClaims>().toExtend<CarriedClaims>()
    expectTypeOf(compareClaims).returns.toEqualTypeOf<ClaimsComparison>()
    expectTypeOf<ClaimsComparison['status']>().toEqualTypeOf<'fresh' | 'stale' | 'undetermined'>()
    expectTypeOf<ClaimsComparison['mayGrantLostRole']>().toEqualTypeOf<boolean>()
    expectTypeOf<{ 'cognito:groups': string }>().not.toExtend<CarriedClaims>()
  })
})
