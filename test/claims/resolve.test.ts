import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ErrorCode, isRolecastError, RolecastError } from '../../src/errors.js'
import { explain } from '../../src/claims/explain.js'
import { type Group, isGroupName, isPrecedence, MAX_PRECEDENCE } from '../../src/group.js'
import { accessTokenClaims, type Resolution, type ResolveOptions, resolveRoles } from '../../src/claims/resolve.js'
import {
  abstractPools,
  type AbstractGroup,
  concrete,
  dictionaries,
  groupNames,
  LEVELS,
  pools,
  poolsWithDuplicates,
  precedenceNumbers,
  semantics,
  shuffledPools,
  type Spelling,
  spellings,
} from '../arbitraries.js'
import { modelResolve, rolesCompete, tiedLevelAgrees } from '../models/resolve-model.js'
import { errorOf } from '../failure-of.js'
import { type Semantics, SEMANTICS } from '../../src/claims/decide.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'
const C = 'arn:aws:iam::111122223333:role/Gamma'

function group(groupName: string, precedence?: number | null, roleArn?: string | null): Group {
  return { groupName, precedence, roleArn }
}

describe('examples, row by row', () => {
  const rows: [string, Group[], Partial<Resolution>][] = [
    [
      '1: no groups, no claims',
      [],
      { outcome: 'none', rule: 'no-groups', evidence: 'observed', claims: {}, determiningGroups: [] },
    ],
    [
      '2: no group has a role',
      [group('a'), group('b', 1)],
      {
        rule: 'no-roles',
        evidence: 'observed',
        claims: { 'cognito:groups': ['a', 'b'] },
        determiningGroups: [],
      },
    ],
    [
      '3: a role without a precedence is listed and not preferred',
      [group('a', null, A)],
      {
        outcome: 'none',
        rule: 'no-precedence',
        evidence: 'observed',
        claims: { 'cognito:groups': ['a'], 'cognito:roles': [A] },
      },
    ],
    [
      '4: precedence 0 is the highest, not unset',
      [group('a', 0, A)],
      { outcome: 'resolved', preferredRole: A, evidence: 'observed' },
    ],
    [
      '5: one group with a number',
      [group('a', 24, A)],
      { outcome: 'resolved', rule: 'lowest-precedence', preferredRole: A },
    ],
    [
      '6: several without a precedence, one has a role',
      [group('a', null, A), group('b')],
      { rule: 'no-precedence', evidence: 'observed' },
    ],
    [
      '7: several without a precedence, different roles',
      [group('a', null, A), group('b', null, B)],
      {
        rule: 'no-precedence',
        evidence: 'observed',
        roles: [A, B],
        determiningGroups: ['a', 'b'],
      },
    ],
    [
      '8: several without a precedence, one shared role',
      [group('a', null, A), group('b', null, A)],
      {
        rule: 'no-precedence',
        evidence: 'observed',
        roles: [A],
      },
    ],
    [
      '9: the lower number wins',
      [group('a', 10, A), group('b', 1, B), group('c', null, C)],
      {
        preferredRole: B,
        roles: [B, A, C],
        determiningGroups: ['b'],
        evidence: 'observed',
      },
    ],
    [
      '10: a tie on one role',
      [group('a', 5, A), group('b', 5, A), group('c', 9, C)],
      {
        outcome: 'resolved',
        rule: 'shared-role',
        preferredRole: A,
        evidence: 'observed',
        determiningGroups: ['a', 'b'],
      },
    ],
    [
      '11: a tie on two roles',
      [group('a', 5, A), group('b', 5, B), group('c', 9, C)],
      {
        outcome: 'ambiguous',
        rule: 'conflicting-roles',
        evidence: 'observed',
        determiningGroups: ['a', 'b'],
        claims: { 'cognito:groups': ['a', 'b', 'c'], 'cognito:roles': [A, B, C] },
      },
    ],
    [
      '12: a tie of three on three roles',
      [group('a', 5, A), group('b', 5, B), group('c', 5, C)],
      {
        rule: 'conflicting-roles',
        evidence: 'inferred',
      },
    ],
    [
      '12: a tie of three on one role',
      [group('a', 5, A), group('b', 5, A), group('c', 5, A)],
      { rule: 'shared-role', evidence: 'inferred' },
    ],
    [
      '13: a tie with a group without a role',
      [group('a', 5, A), group('b', 5), group('c', 6), group('d', 9, B)],
      {
        outcome: 'undetermined',
        rule: 'roleless-contender',
        candidateRole: A,
        evidence: 'unknown',
        determiningGroups: ['a', 'b'],
        claims: { 'cognito:groups': ['a', 'b', 'c', 'd'], 'cognito:roles': [A, B] },
      },
    ],
    [
      '13: a tie on one role, and a group without one',
      [group('a', 5, A), group('b', 5), group('c', 5, A)],
      {
        outcome: 'undetermined',
        rule: 'roleless-contender',
        candidateRole: A,
        evidence: 'unknown',
        determiningGroups: ['a', 'b', 'c'],
      },
    ],
    [
      '13: a tie on two roles, and a group without one, is settled',
      [group('a', 5, A), group('b', 5), group('c', 5, B)],
      {
        outcome: 'ambiguous',
        rule: 'conflicting-roles',
        evidence: 'inferred',
        determiningGroups: ['a', 'c'],
      },
    ],
    [
      '14: the first group has no role and is ignored',
      [group('vip', 1), group('b', 2, B)],
      {
        outcome: 'resolved',
        rule: 'lowest-precedence',
        preferredRole: B,
        evidence: 'observed',
        determiningGroups: ['b'],
      },
    ],
    [
      '14: the first group has no role, and those behind it tie',
      [group('vip', 1), group('b', 2, B), group('c', 2, B)],
      {
        outcome: 'resolved',
        rule: 'shared-role',
        preferredRole: B,
        evidence: 'observed',
        determiningGroups: ['b', 'c'],
      },
    ],
    [
      '15: the first group has no role, and the only role no precedence',
      [group('vip', 1), group('b', null, B)],
      {
        outcome: 'none',
        rule: 'no-precedence',
        evidence: 'inferred',
        determiningGroups: ['b'],
      },
    ],
    [
      '16: two groups share an ARN',
      [group('a', 1, A), group('b', 2, A)],
      { preferredRole: A, roles: [A], evidence: 'observed' },
    ],
    [
      '17: the group of an identity provider does not block',
      [group('pool_Google'), group('USERS', 0, A)],
      {
        preferredRole: A,
        evidence: 'observed',
        determiningGroups: ['USERS'],
      },
    ],
  ]

  test.each(rows)('row %s', (_, groups, expected) => {
    expect(resolveRoles(groups)).toMatchObject(expected)
    expect(resolveRoles(groups).claims).toStrictEqual(modelResolve(groups).claims)
  })

  test('the other readings settle what the default leaves open', () => {
    const tie = [group('a', 5, A), group('b', 5)]
    expect(resolveRoles(tie, { semantics: 'roles-compete' })).toStrictEqual({
      outcome: 'resolved',
      rule: 'lowest-precedence',
      evidence: 'unknown',
      groups: ['a', 'b'],
      roles: [A],
      preferredRole: A,
      determiningGroups: ['a'],
      claims: { 'cognito:groups': ['a', 'b'], 'cognito:roles': [A], 'cognito:preferred_role': A },
    })
    expect(resolveRoles(tie, { semantics: 'tied-groups-agree' })).toStrictEqual({
      outcome: 'none',
      rule: 'roleless-contender',
      evidence: 'unknown',
      groups: ['a', 'b'],
      roles: [A],
      determiningGroups: ['a', 'b'],
      claims: { 'cognito:groups': ['a', 'b'], 'cognito:roles': [A] },
    })
    expect(resolveRoles([group('a', null, A)], { semantics: 'documented' })).toMatchObject({
      preferredRole: A,
      evidence: 'documented',
    })
    expect(
      resolveRoles([group('a', null, A), group('b', MAX_PRECEDENCE, B)], { semantics: 'documented' }),
    ).toMatchObject({ preferredRole: B })
    expect(resolveRoles([group('a', null, A), group('b', null, B)], { semantics: 'documented' })).toMatchObject({
      outcome: 'ambiguous',
    })
  })

  test('observed is the default, given nothing, no options or an undefined semantics', () => {
    const groups = [group('a', 5, A), group('b', 5)]
    const observed = resolveRoles(groups, { semantics: 'observed' })
    expect(observed.outcome).toBe('undetermined')
    expect(resolveRoles(groups)).toStrictEqual(observed)
    expect(resolveRoles(groups, {})).toStrictEqual(observed)
    expect(resolveRoles(groups, { semantics: undefined })).toStrictEqual(observed)
  })

  test('there are four semantics', () => {
    expect(SEMANTICS).toEqual(['observed', 'roles-compete', 'tied-groups-agree', 'documented'])
  })

  test('the groups stay in the order given, the roles come by precedence and then in the order given', () => {
    expect(
      resolveRoles([group('z', null, C), group('10', 7, B), group('__proto__', 7, A), group('a', 0)]),
    ).toMatchObject({
      groups: ['z', '10', '__proto__', 'a'],
      roles: [B, A, C],
    })
  })
})

type Resolver = (groups: Iterable<Group>, options?: ResolveOptions) => Resolution

/** A law, and its control: the same property must fail for a subject that is wrong in just this. */
function law<Subject, Drawn>(
  sentence: string,
  subject: Subject,
  wrong: Subject,
  property: (subject: Subject) => fc.IProperty<Drawn>,
): void {
  test(sentence, () => {
    fc.assert(property(subject), { numRuns: 300 })
  })
  test(`control: ${sentence}`, () => {
    expect(fc.check(property(wrong), { seed: 1, numRuns: 2000, endOnFailure: true }).failed).toBe(true)
  })
}

const sortedCopy = (some: readonly string[]) => some.toSorted()
const asSets = (answer: Resolution) => ({
  ...answer,
  groups: sortedCopy(answer.groups),
  roles: sortedCopy(answer.roles),
  determiningGroups: sortedCopy(answer.determiningGroups),
  claims: Object.entries(answer.claims).map(([claim, value]) => [
    claim,
    typeof value === 'string' ? value : sortedCopy(value),
  ]),
})
const rolesOf = ({ preferredRole, candidateRole }: Resolution) => ({ preferredRole, candidateRole })
const firstOfEachName = (groups: readonly Group[]) =>
  groups.filter(({ groupName }, index) => groups.findIndex(other => other.groupName === groupName) === index)
const firstRole = (groups: Iterable<Group>): string => [...groups].find(({ roleArn }) => roleArn)?.roleArn ?? ''
const preferring = (role: string | undefined, answer: Resolution): Resolution =>
  role === undefined
    ? answer
    : {
        ...answer,
        outcome: 'resolved',
        preferredRole: role,
        claims: { ...answer.claims, 'cognito:preferred_role': role },
      }

const wrongInput =
  (change: (groups: Group[]) => readonly Group[]): Resolver =>
  (groups, options) =>
    resolveRoles(change([...groups]), options)
const wrongGroup = (change: (group: Group) => Partial<Group>): Resolver =>
  wrongInput(groups => groups.map(one => ({ ...one, ...change(one) })))
const wrongOutput =
  (change: (answer: Resolution) => Partial<Resolution>): Resolver =>
  (groups, options) => {
    const answer = resolveRoles(groups, options)
    return { ...answer, ...change(answer) }
  }
const always =
  (semantics: Semantics): Resolver =>
  groups =>
    resolveRoles(groups, { semantics })
const firstWinsTie: Resolver = (groups, options) => {
  const answer = resolveRoles(groups, options)
  return answer.outcome === 'ambiguous' ? preferring(firstRole(groups), answer) : answer
}
const fallsThrough: Resolver = (groups, options) => {
  const answer = resolveRoles(groups, options)
  if (answer.outcome !== 'ambiguous') return answer
  return preferring(
    fallsThrough(
      [...groups].filter(one => !answer.determiningGroups.includes(one.groupName)),
      options,
    ).preferredRole,
    answer,
  )
}
const grantsCandidate: Resolver = (groups, options) => {
  const answer = resolveRoles(groups, options)
  return preferring(answer.candidateRole, answer)
}

describe('laws', () => {
  law('the order of the groups does not matter', resolveRoles as Resolver, firstWinsTie, resolve =>
    fc.property(shuffledPools, semantics, ([pool, shuffled], semantics) => {
      expect(asSets(resolve(shuffled, { semantics }))).toStrictEqual(asSets(resolve(pool, { semantics })))
    }),
  )

  law(
    'a group that comes twice counts once',
    resolveRoles as Resolver,
    (groups, options) => ({ ...resolveRoles(groups, options), groups: [...groups].map(({ groupName }) => groupName) }),
    resolve =>
      fc.property(pools, fc.array(fc.nat()), semantics, (pool, repeats, semantics) => {
        const repeated = pool.length === 0 ? [] : repeats.map(index => pool[index % pool.length]!)
        expect(resolve([...pool, ...repeated], { semantics })).toStrictEqual(resolve(pool, { semantics }))
      }),
  )

  law(
    'of the groups with one name the first wins',
    resolveRoles as Resolver,
    wrongInput(groups => [...new Map(groups.map(one => [one.groupName, one])).values()]),
    resolve =>
      fc.property(poolsWithDuplicates, semantics, (groups, semantics) => {
        expect(resolve(groups, { semantics })).toStrictEqual(resolve(firstOfEachName(groups), { semantics }))
      }),
  )

  law(
    'the groups are the distinct names in the order given',
    resolveRoles as Resolver,
    wrongInput(groups => groups.toReversed()),
    resolve =>
      fc.property(poolsWithDuplicates, semantics, (groups, semantics) => {
        expect(resolve(groups, { semantics }).groups).toStrictEqual(
          firstOfEachName(groups).map(({ groupName }) => groupName),
        )
      }),
  )

  law(
    'the roles come by precedence, none last, and then in the order given',
    resolveRoles as Resolver,
    wrongGroup(({ precedence }) => ({ precedence: precedence ?? 0 })),
    resolve =>
      fc.property(pools, semantics, (pool, semantics) => {
        const rank = ({ precedence }: Group) => precedence ?? Infinity
        const byRank = pool
          .filter(({ roleArn }) => roleArn)
          .toSorted((a, b) => (rank(a) === rank(b) ? 0 : rank(a) - rank(b)))
        expect(resolve(pool, { semantics }).roles).toStrictEqual([...new Set(byRank.map(({ roleArn }) => roleArn))])
      }),
  )

  law(
    'the determining groups are some of the groups, in the order given',
    resolveRoles as Resolver,
    wrongOutput(({ determiningGroups }) => ({ determiningGroups: determiningGroups.toReversed() })),
    resolve =>
      fc.property(poolsWithDuplicates, semantics, (groups, semantics) => {
        const answer = resolve(groups, { semantics })
        expect(answer.determiningGroups).toStrictEqual(
          answer.groups.filter(name => answer.determiningGroups.includes(name)),
        )
      }),
  )

  law(
    'the roles are the distinct ARNs of all groups',
    resolveRoles as Resolver,
    wrongOutput(({ preferredRole, roles }) => (preferredRole === undefined ? { roles } : { roles: [preferredRole] })),
    resolve =>
      fc.property(pools, semantics, (pool, semantics) => {
        const arns = new Set(pool.flatMap(({ roleArn }) => roleArn || []))
        expect(sortedCopy(resolve(pool, { semantics }).roles)).toStrictEqual([...arns].toSorted())
      }),
  )

  law(
    'groups without a precedence never set a preferred role',
    resolveRoles as Resolver,
    always('documented'),
    resolve =>
      fc.property(pools, fc.constantFrom('observed', 'roles-compete'), (pool, semantics) => {
        const numbered = pool.filter(({ precedence }) => precedence != null)
        expect(rolesOf(resolve(pool, { semantics }))).toStrictEqual(rolesOf(resolve(numbered, { semantics })))
      }),
  )

  law(
    'a tie on two roles sets none, and the next precedence is not consulted',
    resolveRoles as Resolver,
    fallsThrough,
    resolve =>
      fc.property(abstractPools, dictionaries, spellings, semantics, (abstract, dictionary, spelled, semantics) => {
        const tie: AbstractGroup[] = [
          { level: 0, role: 0 },
          { level: 0, role: 1 },
        ]
        const answer = resolve(concrete([...tie, ...abstract].slice(0, dictionary.names.length), dictionary, spelled), {
          semantics,
        })
        expect(answer).toMatchObject({ outcome: 'ambiguous', rule: 'conflicting-roles' })
        expect(Object.hasOwn(answer.claims, 'cognito:preferred_role')).toBe(false)
      }),
  )

  law(
    'a role alone on the lowest number is preferred, whatever ranks below it',
    resolveRoles as Resolver,
    wrongGroup(({ precedence }) => ({ precedence: precedence == null ? null : MAX_PRECEDENCE - precedence })),
    resolve =>
      fc.property(abstractPools, dictionaries, spellings, semantics, (abstract, dictionary, spelled, semantics) => {
        const behind = abstract.map(({ level, role }) => ({ level: level === null ? null : level + 1, role }))
        const pool = concrete([{ level: 0, role: 0 }, ...behind].slice(0, dictionary.names.length), dictionary, spelled)
        expect(resolve(pool, { semantics })).toMatchObject({
          outcome: 'resolved',
          rule: 'lowest-precedence',
          preferredRole: dictionary.arns[0],
          determiningGroups: [dictionary.names[0]],
        })
      }),
  )

  law(
    'the preferred role, or the candidate, is one of the roles',
    resolveRoles as Resolver,
    wrongOutput(({ preferredRole }) =>
      preferredRole === undefined ? {} : { preferredRole: preferredRole.toLowerCase() },
    ),
    resolve =>
      fc.property(pools, semantics, (pool, semantics) => {
        const { roles, preferredRole, candidateRole } = resolve(pool, { semantics })
        if (preferredRole !== undefined) expect(roles).toContain(preferredRole)
        if (candidateRole !== undefined) expect(roles).toContain(candidateRole)
      }),
  )

  law(
    'a preferred role is there exactly when the outcome is resolved, a candidate exactly when it is undetermined',
    resolveRoles as Resolver,
    wrongOutput(({ preferredRole, candidateRole }) => ({ preferredRole, candidateRole }) as Partial<Resolution>),
    resolve =>
      fc.property(pools, semantics, (pool, semantics) => {
        const answer = resolve(pool, { semantics })
        expect(Object.hasOwn(answer, 'preferredRole')).toBe(answer.outcome === 'resolved')
        expect(Object.hasOwn(answer, 'candidateRole')).toBe(answer.outcome === 'undetermined')
      }),
  )

  law(
    'taking away a group that is not determining changes no preferred role and no outcome',
    resolveRoles as Resolver,
    wrongOutput(({ determiningGroups }) => ({ determiningGroups: determiningGroups.slice(0, 1) })),
    resolve =>
      fc.property(pools, semantics, (pool, semantics) => {
        const answer = resolve(pool, { semantics })
        for (const other of pool.filter(({ groupName }) => !answer.determiningGroups.includes(groupName))) {
          const without = resolve(
            pool.filter(one => one !== other),
            { semantics },
          )
          expect([without.outcome, rolesOf(without)]).toStrictEqual([answer.outcome, rolesOf(answer)])
        }
      }),
  )

  law('what the two readings disagree on is never granted', resolveRoles as Resolver, grantsCandidate, resolve =>
    fc.property(pools, pool => {
      const answer = resolve(pool)
      const differ = tiedLevelAgrees(pool) !== rolesCompete(pool)
      expect(answer.outcome === 'undetermined').toBe(differ)
      expect(answer.candidateRole ?? null).toBe(differ ? rolesCompete(pool) : null)
      if (differ) expect(Object.hasOwn(answer.claims, 'cognito:preferred_role')).toBe(false)
    }),
  )

  law(
    'what is resolved by default, both readings resolve to the same role',
    resolveRoles as Resolver,
    (groups, options) => resolveRoles(groups, options?.semantics ? options : { semantics: 'roles-compete' }),
    resolve =>
      fc.property(pools, pool => {
        const { preferredRole, outcome } = resolve(pool)
        fc.pre(outcome === 'resolved')
        expect([tiedLevelAgrees(pool), rolesCompete(pool)]).toStrictEqual([preferredRole, preferredRole])
        expect(resolve(pool, { semantics: 'roles-compete' })).toMatchObject({ outcome, preferredRole })
      }),
  )

  law(
    'where roles compete, what that reading says is preferred, and nothing is undetermined',
    resolveRoles as Resolver,
    always('observed'),
    resolve =>
      fc.property(pools, pool => {
        const answer = resolve(pool, { semantics: 'roles-compete' })
        expect(answer.preferredRole ?? null).toBe(rolesCompete(pool))
        expect(answer.outcome).not.toBe('undetermined')
      }),
  )

  law(
    'where tied groups must agree, what that reading says is preferred, and nothing is undetermined',
    resolveRoles as Resolver,
    always('roles-compete'),
    resolve =>
      fc.property(pools, pool => {
        const answer = resolve(pool, { semantics: 'tied-groups-agree' })
        expect(answer.preferredRole ?? null).toBe(tiedLevelAgrees(pool))
        expect(answer.outcome).not.toBe('undetermined')
      }),
  )

  law(
    'both readings give the same result, and so does observed, except for a tie between a role and none',
    resolveRoles as Resolver,
    (groups, options) =>
      resolveRoles(groups, options?.semantics === 'tied-groups-agree' ? { semantics: 'documented' } : options),
    resolve =>
      fc.property(pools, pool => {
        const [observed, b, a] = (['observed', 'roles-compete', 'tied-groups-agree'] as const).map(semantics =>
          resolve(pool, { semantics }),
        )
        if (observed!.outcome !== 'undetermined') {
          expect([b, a]).toStrictEqual([observed, observed])
          return
        }
        const { rule, determiningGroups, claims, candidateRole } = observed!
        expect(b).toMatchObject({ outcome: 'resolved', preferredRole: candidateRole })
        expect(a).toMatchObject({ outcome: 'none', rule, determiningGroups })
        expect(a!.claims).toStrictEqual(claims)
      }),
  )

  law(
    'a group without a role at a number that does not win changes no outcome and no role',
    resolveRoles as Resolver,
    wrongInput(groups => {
      const lowest = Math.min(...groups.flatMap(({ precedence }) => precedence ?? []))
      return groups.some(one => one.precedence === lowest && one.roleArn)
        ? groups
        : groups.filter(({ precedence }) => precedence == null)
    }),
    resolve =>
      fc.property(pools, precedenceNumbers, fc.nat(), semantics, (pool, precedence, position, semantics) => {
        const best = Math.min(...pool.flatMap(one => (one.roleArn ? (one.precedence ?? []) : [])))
        fc.pre(precedence !== best)
        const [without, with_] = [
          pool,
          pool.toSpliced(position % (pool.length + 1), 0, { groupName: 'x'.repeat(127), precedence }),
        ]
        const [before, after] = [resolve(without, { semantics }), resolve(with_, { semantics })]
        expect([after.roles, rolesOf(after)]).toStrictEqual([before.roles, rolesOf(before)])
        if (pool.length > 0) expect([after.outcome, after.rule]).toStrictEqual([before.outcome, before.rule])
      }),
  )

  law(
    'the documented page lets roles compete, with no precedence as the lowest rank of all',
    resolveRoles as Resolver,
    always('roles-compete'),
    resolve =>
      fc.property(abstractPools, dictionaries, spellings, (abstract, dictionary, spelled) => {
        const lastRank = abstract.map(({ level, role }) => ({ level: level ?? LEVELS, role }))
        const { evidence: _, ...answer } = resolve(concrete(lastRank, dictionary), { semantics: 'roles-compete' })
        const { evidence: __, ...documented } = resolve(concrete(abstract, dictionary, spelled), {
          semantics: 'documented',
        })
        expect(documented).toStrictEqual(answer)
      }),
  )

  law(
    'undefined, null and absent are the same',
    resolveRoles as Resolver,
    wrongGroup(one => (Object.hasOwn(one, 'precedence') && one.precedence === undefined ? { precedence: 0 } : {})),
    resolve =>
      fc.property(abstractPools, dictionaries, spellings, semantics, (abstract, dictionary, spelled, semantics) => {
        const plain = concrete(abstract, dictionary)
        expect(resolve(concrete(abstract, dictionary, spelled), { semantics })).toStrictEqual(
          resolve(plain, { semantics }),
        )
      }),
  )

  law(
    'an empty role counts as no role',
    resolveRoles as Resolver,
    wrongGroup(({ roleArn }) => (roleArn === '' ? { roleArn: ' ' } : {})),
    resolve =>
      fc.property(abstractPools, dictionaries, semantics, (abstract, dictionary, semantics) => {
        const empty = abstract.map((): Spelling => ({ noPrecedence: 'absent', noRole: 'empty' }))
        expect(resolve(concrete(abstract, dictionary, empty), { semantics })).toStrictEqual(
          resolve(concrete(abstract, dictionary), { semantics }),
        )
      }),
  )

  law(
    'the claims match the result, and what it lacks is an absent key',
    resolveRoles as Resolver,
    wrongOutput(({ groups, roles, preferredRole }) => ({
      claims: {
        'cognito:groups': groups,
        'cognito:roles': roles,
        ...(preferredRole && { 'cognito:preferred_role': preferredRole }),
      },
    })),
    resolve =>
      fc.property(pools, semantics, (pool, semantics) => {
        const { claims, groups, roles, preferredRole } = resolve(pool, { semantics })
        expect(Object.hasOwn(claims, 'cognito:groups')).toBe(groups.length > 0)
        expect(Object.hasOwn(claims, 'cognito:roles')).toBe(roles.length > 0)
        expect(Object.hasOwn(claims, 'cognito:preferred_role')).toBe(preferredRole !== undefined)
        expect([
          claims['cognito:groups'] ?? [],
          claims['cognito:roles'] ?? [],
          claims['cognito:preferred_role'],
        ]).toStrictEqual([groups, roles, preferredRole])
      }),
  )

  law(
    'an access token carries the groups and never a role',
    accessTokenClaims,
    ({ claims }: Resolution) => claims,
    claimsOf =>
      fc.property(pools, semantics, (pool, semantics) => {
        const answer = resolveRoles(pool, { semantics })
        expect(claimsOf(answer)).toStrictEqual(pool.length === 0 ? {} : { 'cognito:groups': answer.groups })
      }),
  )

  law(
    'only the order of the precedence numbers matters, not their size',
    resolveRoles as Resolver,
    wrongGroup(({ precedence }) => ({ precedence: precedence || null })),
    resolve =>
      fc.property(
        abstractPools,
        dictionaries,
        dictionaries,
        semantics,
        (abstract, dictionary, { levels }, semantics) => {
          const renumbered = concrete(abstract, { ...dictionary, levels })
          expect(resolve(renumbered, { semantics })).toStrictEqual(
            resolve(concrete(abstract, dictionary), { semantics }),
          )
        },
      ),
  )

  law(
    'renaming the groups renames the groups of the result',
    resolveRoles as Resolver,
    wrongInput(groups => {
      const table: Record<string, Group> = {}
      for (const one of groups) table[one.groupName] = one
      return Object.values(table)
    }),
    resolve =>
      fc.property(
        abstractPools,
        dictionaries,
        dictionaries,
        semantics,
        (abstract, dictionary, { names }, semantics) => {
          const rename = (some: readonly string[]) => some.map(name => names[dictionary.names.indexOf(name)]!)
          const answer = resolve(concrete(abstract, dictionary), { semantics })
          expect(resolve(concrete(abstract, { ...dictionary, names }), { semantics })).toStrictEqual({
            ...answer,
            groups: rename(answer.groups),
            determiningGroups: rename(answer.determiningGroups),
            claims: { ...answer.claims, ...(answer.groups.length > 0 && { 'cognito:groups': rename(answer.groups) }) },
          })
        },
      ),
  )

  law(
    'renaming the roles renames the roles of the result',
    resolveRoles as Resolver,
    wrongGroup(({ roleArn }) => ({ roleArn: roleArn?.toLowerCase() ?? null })),
    resolve =>
      fc.property(abstractPools, dictionaries, dictionaries, semantics, (abstract, dictionary, { arns }, semantics) => {
        const renamed = (role: string) => arns[dictionary.arns.indexOf(role)]!
        const { roles, preferredRole, candidateRole, claims, ...rest } = resolve(concrete(abstract, dictionary), {
          semantics,
        })
        expect(resolve(concrete(abstract, { ...dictionary, arns }), { semantics })).toStrictEqual({
          ...rest,
          roles: roles.map(renamed),
          ...(preferredRole !== undefined && { preferredRole: renamed(preferredRole) }),
          ...(candidateRole !== undefined && { candidateRole: renamed(candidateRole) }),
          claims: {
            ...claims,
            ...(roles.length > 0 && { 'cognito:roles': roles.map(renamed) }),
            ...(preferredRole !== undefined && { 'cognito:preferred_role': renamed(preferredRole) }),
          },
        })
      }),
  )

  law(
    "a group with neither precedence nor role, such as an identity provider's, is listed and changes nothing else",
    resolveRoles as Resolver,
    wrongGroup(({ precedence, roleArn }) => ({ precedence: precedence == null && !roleArn ? 0 : precedence })),
    resolve =>
      fc.property(pools, fc.nat(), semantics, (pool, position, semantics) => {
        const provider = { groupName: 'eu-central-1_Example_Facebook' }
        const {
          groups: _,
          claims: { 'cognito:groups': __, ...claims },
          ...rest
        } = resolve(pool, { semantics })
        fc.pre(pool.length > 0)
        const groups = pool.toSpliced(position % (pool.length + 1), 0, provider)
        const names = groups.map(({ groupName }) => groupName)
        expect(resolve(groups, { semantics })).toStrictEqual({
          ...rest,
          groups: names,
          claims: { ...claims, 'cognito:groups': names },
        })
      }),
  )

  law(
    'any iterable will do, and is read once',
    resolveRoles as Resolver,
    (groups, options) => ([...groups].length === 0 ? resolveRoles([], options) : resolveRoles(groups, options)),
    resolve =>
      fc.property(pools, semantics, (pool, semantics) => {
        const expected = resolve(pool, { semantics })
        expect(resolve(new Set(pool), { semantics })).toStrictEqual(expected)
        expect(resolve(pool.values(), { semantics })).toStrictEqual(expected)
        expect(
          resolve(
            (function* () {
              yield* pool
            })(),
            { semantics },
          ),
        ).toStrictEqual(expected)
      }),
  )

  law(
    'the input is not changed, and may be frozen',
    resolveRoles as Resolver,
    (groups, options) => {
      ;(groups as Group[]).sort((a, b) => (a.precedence ?? Infinity) - (b.precedence ?? Infinity))
      return resolveRoles(groups, options)
    },
    resolve =>
      fc.property(poolsWithDuplicates, semantics, (groups, semantics) => {
        const before = structuredClone(groups)
        const expected = resolveRoles(before, { semantics })
        const answer = resolve(
          Object.freeze(groups.map(one => Object.freeze({ ...one }))),
          Object.freeze({ semantics }),
        )
        resolve(groups, { semantics })
        expect(groups).toStrictEqual(before)
        expect(answer).toStrictEqual(expected)
      }),
  )

  law(
    "every result is the model's, in every field",
    resolveRoles as Resolver,
    wrongOutput(({ evidence }) => ({ evidence: evidence === 'inferred' ? 'documented' : evidence })),
    resolve =>
      fc.property(fc.oneof(pools, poolsWithDuplicates), semantics, (groups, semantics) => {
        expect(resolve(groups, { semantics })).toStrictEqual(modelResolve(groups, semantics))
      }),
  )
})

const kinds = fc.record({
  precedence: fc.option(fc.nat({ max: 4 }), { freq: 4 }),
  role: fc.option(fc.nat({ max: 59 }), { freq: 6 }),
})
const manyOf = (name: string, { precedence, role }: { precedence: number | null; role: number | null }) =>
  group(name, precedence, role === null ? null : `${A}${role}`)
const manyName = (index: number) => ['__proto__', 'constructor', 'a,b'][index] ?? `g${index}`

/** More distinct names, and mostly more distinct roles, than are looked through one by one. */
const manyGroups: fc.Arbitrary<Group[]> = fc
  .array(kinds, { minLength: 17, maxLength: 60, size: 'max' })
  .map(some => some.map((kind, index) => manyOf(manyName(index), kind)))

const manyWithDuplicates: fc.Arbitrary<Group[]> = fc
  .tuple(manyGroups, fc.array(fc.tuple(fc.nat(), fc.nat(), kinds), { minLength: 1, maxLength: 20, size: 'max' }))
  .map(([pool, repeats]) =>
    repeats.reduce(
      (groups, [owner, position, kind]) =>
        groups.toSpliced(position % (groups.length + 1), 0, manyOf(pool[owner % pool.length]!.groupName, kind)),
      pool,
    ),
  )

const shuffledMany = manyGroups.chain(pool =>
  fc
    .shuffledSubarray(pool, { minLength: pool.length, maxLength: pool.length })
    .map(shuffled => [pool, shuffled] as const),
)

const SIXTEEN = 16
/** Knows what it has seen only among the first sixteen. */
const distinctAmongSixteen = (some: readonly string[]) => {
  const first = [...new Set(some)].slice(0, SIXTEEN)
  return [...first, ...some.filter(value => !first.includes(value))]
}

describe('laws for more than sixteen groups', () => {
  law(
    'each of many names is listed once, and its first group counts',
    resolveRoles as Resolver,
    (groups, options) => {
      const all = [...groups]
      return { ...resolveRoles(all, options), groups: distinctAmongSixteen(all.map(({ groupName }) => groupName)) }
    },
    resolve =>
      fc.property(manyWithDuplicates, semantics, (groups, semantics) => {
        const answer = resolve(groups, { semantics })
        expect(answer.groups).toStrictEqual(firstOfEachName(groups).map(({ groupName }) => groupName))
        expect(answer).toStrictEqual(resolve(firstOfEachName(groups), { semantics }))
      }),
  )

  law(
    'each of many roles is listed once',
    resolveRoles as Resolver,
    (groups, options) => {
      const all = [...groups]
      return { ...resolveRoles(all, options), roles: distinctAmongSixteen(all.flatMap(({ roleArn }) => roleArn || [])) }
    },
    resolve =>
      fc.property(manyGroups, semantics, (pool, semantics) => {
        const arns = new Set(pool.flatMap(({ roleArn }) => roleArn || []))
        expect(sortedCopy(resolve(pool, { semantics }).roles)).toStrictEqual([...arns].toSorted())
      }),
  )

  law(
    'the order of many groups does not matter',
    resolveRoles as Resolver,
    wrongInput(groups => groups.slice(0, SIXTEEN)),
    resolve =>
      fc.property(shuffledMany, semantics, ([pool, shuffled], semantics) => {
        expect(asSets(resolve(shuffled, { semantics }))).toStrictEqual(asSets(resolve(pool, { semantics })))
      }),
  )

  law(
    "every result for many groups is the model's, in every field",
    resolveRoles as Resolver,
    wrongInput(groups => groups.map((one, index) => (index < SIXTEEN ? one : { ...one, precedence: null }))),
    resolve =>
      fc.property(fc.oneof(manyGroups, manyWithDuplicates), semantics, (groups, semantics) => {
        expect(resolve(groups, { semantics })).toStrictEqual(modelResolve(groups, semantics))
      }),
  )

  test('they are drawn with more than sixteen names and roles, and with names that come again after the sixteenth', () => {
    const drawn = fc.sample(manyWithDuplicates, { seed: 1, numRuns: 200 })
    const answers = drawn.map(groups => modelResolve(groups))
    expect(Math.min(...answers.map(({ groups }) => groups.length))).toBeGreaterThan(SIXTEEN)
    expect(answers.filter(({ roles }) => roles.length > SIXTEEN).length).toBeGreaterThan(100)
    const lateRepeats = drawn.filter((groups, index) => {
      const late = answers[index]!.groups.slice(SIXTEEN)
      return late.some(name => groups.filter(({ groupName }) => groupName === name).length > 1)
    })
    expect(lateRepeats.length).toBeGreaterThan(100)
  })
})

describe('the arbitraries', () => {
  test('reach every rule, evidence and outcome often', () => {
    const seen = new Map<string, number>()
    for (const [pool, profile] of fc.sample(fc.tuple(pools, semantics), { seed: 1, numRuns: 3000 })) {
      const { rule, evidence, outcome } = modelResolve(pool, profile)
      for (const word of [rule, evidence, outcome]) seen.set(word, (seen.get(word) ?? 0) + 1)
    }
    expect(seen.size).toBe(7 + 4 + 4)
    expect(Math.min(...seen.values())).toBeGreaterThan(40)
  })

  test('make names and numbers that Cognito accepts', () => {
    fc.assert(
      fc.property(groupNames, precedenceNumbers, (name, number) => {
        expect([isGroupName(name), isPrecedence(number)]).toStrictEqual([true, true])
      }),
    )
  })
})

describe('invalid input', () => {
  const noPrecedences: [string, unknown][] = [
    ['NaN', NaN],
    ['-1', -1],
    ['1.5', 1.5],
    ["'7'", '7'],
    ["''", ''],
    ['Infinity', Infinity],
    ['-Infinity', -Infinity],
    ['2^31', 2 ** 31],
    ['2^53', 2 ** 53],
    ['true', true],
    ['false', false],
    ['7n', 7n],
    ['a symbol', Symbol('seven')],
    ['[7]', [7]],
    ['{}', {}],
    ['an object without a prototype', Object.create(null)],
  ]

  test.each(noPrecedences)('the precedence %s is rejected, with its group and the value', (_, precedence) => {
    const error = errorOf(() => resolveRoles([group('a', 1, A), { groupName: 'b', precedence } as Group]))
    expect(error).toMatchObject({ code: 'invalid-precedence', groupName: 'b', retryable: false })
    expect(Object.is(error.value, precedence)).toBe(true)
    expect(error.message).toContain('`b`')
  })

  test.each(noPrecedences)('the precedence %s is rejected in a group that comes twice, too', (_, precedence) => {
    const error = errorOf(() => resolveRoles([group('a', 1), { groupName: 'a', precedence } as Group]))
    expect(error).toMatchObject({ code: 'invalid-precedence', groupName: 'a' })
    expect(Object.is(error.value, precedence)).toBe(true)
  })

  const noGroups: [string, unknown][] = [
    ['null', null],
    ['undefined', undefined],
    ['a string', 'admins'],
    ['a number', 7],
    ['an empty object', {}],
    ['an empty name', { groupName: '' }],
    ['a name that is no string', { groupName: 7 }],
    ['a null name', { groupName: null }],
  ]

  test.each(noGroups)('%s is not a group', (_, value) => {
    const error = errorOf(() => resolveRoles([value as Group]))
    expect(error).toMatchObject({ code: 'invalid-group', retryable: false })
    expect(error.value).toBe(value)
    expect(Object.hasOwn(error, 'groupName')).toBe(false)
  })

  test.each([[0], [false], [7n], [{}], [[A]], [Object.create(null)], [Symbol('role')]])(
    'the role %# is rejected',
    roleArn => {
      const error = errorOf(() => resolveRoles([{ groupName: 'a,b', roleArn } as unknown as Group]))
      expect(error).toMatchObject({ code: 'invalid-group', groupName: 'a,b', retryable: false })
      expect(error.value).toBe(roleArn)
    },
  )

  test.each([
    ['obseved'],
    [''],
    [null],
    [1],
    ['toString'],
    [Symbol('observed')],
    [Object.create(null)],
    [['observed']],
  ])('the semantics %# is rejected, even for no groups', value => {
    const error = errorOf(() => resolveRoles([], { semantics: value as unknown as Semantics }))
    expect(error).toMatchObject({ code: 'invalid-option', retryable: false })
    expect(error.value).toBe(value)
  })

  const messages: [ErrorCode, () => unknown, string][] = [
    [
      'invalid-precedence',
      () => resolveRoles([group('a', -1)]),
      'the precedence of group `a` is `-1`; Cognito takes an integer from 0 to 2147483647, or none',
    ],
    [
      'invalid-precedence',
      () => resolveRoles([{ groupName: 'a,b', precedence: [7] as never }]),
      'the precedence of group `a,b` is an array; Cognito takes an integer from 0 to 2147483647, or none',
    ],
    [
      'invalid-precedence',
      () => resolveRoles([{ groupName: '__proto__', precedence: {} as never }]),
      'the precedence of group `__proto__` is an object; Cognito takes an integer from 0 to 2147483647, or none',
    ],
    [
      'invalid-precedence',
      () => resolveRoles([{ groupName: 'a', precedence: Symbol('seven') as never }]),
      'the precedence of group `a` is `Symbol(seven)`; Cognito takes an integer from 0 to 2147483647, or none',
    ],
    [
      'invalid-group',
      () => resolveRoles([group('')]),
      'a group needs a `groupName` that is a non-empty string; check where the groups come from',
    ],
    [
      'invalid-group',
      () => resolveRoles([{ groupName: 'a', roleArn: 7 as never }]),
      "the role of group `a` is not a string; give the role's ARN, or leave it out",
    ],
    [
      'invalid-option',
      () => resolveRoles([], { semantics: 'obseved' as Semantics }),
      '`semantics` is `obseved`; use one of observed, roles-compete, tied-groups-agree, documented',
    ],
    [
      'invalid-option',
      () => resolveRoles([], { semantics: 'groups-compete' as Semantics }),
      'semantics `groups-compete` no longer exists, because tokens captured in September 2026 contradict it: they prefer the role of precedence 9 although a group without a role has precedence 0; use one of observed, roles-compete, tied-groups-agree, documented',
    ],
    [
      'invalid-option',
      () => resolveRoles([], { semantics: null as never }),
      '`semantics` is `null`; use one of observed, roles-compete, tied-groups-agree, documented',
    ],
    [
      'invalid-option',
      () => resolveRoles([], { semantics: ['observed'] as never }),
      '`semantics` is an array; use one of observed, roles-compete, tied-groups-agree, documented',
    ],
  ]

  test.each(messages)('%s says what happened and what to do next', (code, run, message) => {
    expect(errorOf(run)).toMatchObject({ code, message, name: 'RolecastError' })
  })

  test('the error does not depend on which group is wrong', () => {
    fc.assert(
      fc.property(pools, fc.nat(), (pool, position) => {
        const wrong = pool.toSpliced(position % (pool.length + 1), 0, group('wrong', 2 ** 31))
        expect(errorOf(() => resolveRoles(wrong))).toMatchObject({
          code: 'invalid-precedence',
          groupName: 'wrong',
          value: 2 ** 31,
        })
      }),
    )
  })
})

describe('isRolecastError', () => {
  const fromAnotherCopy = Object.assign(new Error('x'), { name: 'RolecastError', code: 'throttled' })

  test.each([
    ['ours', new RolecastError('throttled', 'x'), true],
    ['one of another copy of the package', fromAnotherCopy, true],
    ['another error', new Error('x'), false],
    ['another error with a code', Object.assign(new Error('x'), { code: 'throttled' }), false],
    ['an error of the name without a code', Object.assign(new Error('x'), { name: 'RolecastError' }), false],
    [
      'an error of the name with a code that is no string',
      Object.assign(new Error('x'), { name: 'RolecastError', code: 7 }),
      false,
    ],
    ['an object that looks like one', { name: 'RolecastError', code: 'throttled' }, false],
    ['null', null, false],
    ['undefined', undefined, false],
    ['a string', 'RolecastError', false],
  ])('%s', (_, error, expected) => {
    expect(isRolecastError(error)).toBe(expected)
  })

  test('an error has the details it was given, and no key for the others', () => {
    const bare = new RolecastError('throttled', 'x')
    expect(bare).toMatchObject({ code: 'throttled', message: 'x', retryable: false })
    for (const key of ['cause', 'groupName', 'value']) expect(Object.hasOwn(bare, key)).toBe(false)

    const full = new RolecastError('throttled', 'x', {
      groupName: 'a',
      value: undefined,
      retryable: true,
      cause: undefined,
    })
    expect(full).toMatchObject({ groupName: 'a', value: undefined, retryable: true, cause: undefined })
    for (const key of ['cause', 'groupName', 'value']) expect(Object.hasOwn(full, key)).toBe(true)

    const cause = new Error('y')
    expect(new RolecastError('unexpected', 'x', { cause }).cause).toBe(cause)
  })
})

describe('isGroupName', () => {
  test.each([
    'a',
    'a,b',
    '__proto__',
    '管理者',
    '🙂',
    'e\u0301',
    '\u0301',
    '€',
    '²',
    '`',
    'x'.repeat(128),
    '🙂'.repeat(128),
  ])('%j is a name', name => {
    expect(isGroupName(name)).toBe(true)
  })

  test.each([
    '',
    ' ',
    'a b',
    ' a',
    'a ',
    'a\n',
    '\na',
    'a\tb',
    'a\r',
    'a\u000bb',
    'a\u000cb',
    'a\u0085b',
    'a\u00a0b',
    'a\u1680b',
    'a\u2003b',
    'a\u2028b',
    'a\u2029b',
    'a\u202fb',
    'a\u205fb',
    'a\u3000b',
    'a\ufeff',
    'a\u0000',
    'a\u007f',
    '\u200b',
    '\u200d',
    '\ud800',
    '\ue000',
    '\u{f0000}',
    '\u0378',
    'x'.repeat(129),
    '🙂'.repeat(129),
    null,
    undefined,
    7,
    ['a'],
    { toString: () => 'a' },
    Object('a'),
  ])('%j is none', name => {
    expect(isGroupName(name)).toBe(false)
  })
})

describe('isPrecedence', () => {
  test('the largest is 2^31-1', () => {
    expect(MAX_PRECEDENCE).toBe(2 ** 31 - 1)
  })

  test.each([0, -0, 1, 2 ** 31 - 1])('%d is a precedence', value => {
    expect(isPrecedence(value)).toBe(true)
  })

  test.each([
    -1,
    2 ** 31,
    1.5,
    NaN,
    Infinity,
    -Infinity,
    2 ** 53,
    '7',
    '',
    true,
    7n,
    null,
    undefined,
    [7],
    {},
    Object(7),
    Symbol('7'),
  ])('rejects value %#', value => {
    expect(isPrecedence(value)).toBe(false)
  })
})

describe('explain', () => {
  const many = (count: number, precedence: number | null, roleArn?: string) =>
    Array.from({ length: count }, (_, index) => group(`g${index + 1}`, precedence, roleArn))

  const reasons: [string, Group[], Semantics, string][] = [
    ['no-groups', [], 'observed', 'The user is in no group, so Cognito sets none of the three claims.'],
    ['no-roles', [group('a')], 'observed', 'No group has a role, so Cognito sets only cognito:groups.'],
    [
      'no-precedence',
      many(1, null, A),
      'observed',
      'The role of a group without a precedence is never preferred, ' +
        'and no group with a role has a precedence (`g1`): cognito:roles is set, cognito:preferred_role is not.',
    ],
    [
      'no-precedence',
      many(2, null, A),
      'observed',
      'The role of a group without a precedence is never preferred, ' +
        'and no group with a role has a precedence (`g1` and `g2`): cognito:roles is set, cognito:preferred_role is not.',
    ],
    [
      'lowest-precedence',
      [group('b', 2, B), group('a', 1, A)],
      'observed',
      '`a` ranks first among the groups with a role, so its role is preferred.',
    ],
    [
      'shared-role',
      many(2, 1, A),
      'observed',
      '`g1` and `g2` tie for the first rank among the groups with a role and share one role, so it is preferred.',
    ],
    [
      'shared-role',
      many(3, 1, A),
      'observed',
      '`g1`, `g2` and `g3` tie for the first rank among the groups with a role and share one role, so it is preferred.',
    ],
    [
      'shared-role',
      many(5, 1, A),
      'observed',
      '`g1`, `g2`, `g3`, `g4` and `g5` tie for the first rank among the groups with a role and share one role, so it is preferred.',
    ],
    [
      'shared-role',
      many(6, 1, A),
      'observed',
      '`g1`, `g2`, `g3`, `g4`, `g5` and 1 more tie for the first rank among the groups with a role and share one role, so it is preferred.',
    ],
    [
      'shared-role',
      many(100, 1, A),
      'documented',
      '`g1`, `g2`, `g3`, `g4`, `g5` and 95 more tie for the first rank among the groups with a role and share one role, so it is preferred.',
    ],
    [
      'conflicting-roles',
      [group('a', 1, A), group('b', 1, B)],
      'observed',
      '`a` and `b` tie for the first rank among the groups with a role, and their roles differ: Cognito sets no preferred role and does not consult the next precedence.',
    ],
    [
      'lowest-precedence',
      [group('a', 1), group('b', 2, B)],
      'observed',
      '`b` ranks first among the groups with a role, so its role is preferred.',
    ],
    [
      'roleless-contender',
      [group('a', 2), group('b', 2, B)],
      'observed',
      '`a` and `b` tie at the lowest precedence that a group with a role has, and not all of them have a role. ' +
        `AWS does not document this case, and no known token shows it: the preferred role is either \`${B}\` or absent, so do not grant access based on it.`,
    ],
  ]

  test.each(reasons)('%s, case %#', (rule, groups, semantics, reason) => {
    expect(explain(resolveRoles(groups, { semantics }))).toMatchObject({ reason, docs: `docs/semantics.md#${rule}` })
  })

  test.each([
    ['observed', 'observed in real tokens whose groups are known'],
    ['documented', 'documented by AWS'],
    ['inferred', 'inferred from what is observed and documented'],
    ['unknown', 'unknown: AWS does not document it, and no known token shows it'],
  ] as const)('the evidence %s in words', (evidence, words) => {
    expect(explain({ ...resolveRoles([group('a')]), evidence })).toStrictEqual({
      reason: 'No group has a role, so Cognito sets only cognito:groups.',
      evidence: words,
      docs: 'docs/semantics.md#no-roles',
    })
  })

  test('what only a reading gives names the group without a role, and its case', () => {
    const tie = [group('a', 1, A), group('b', 1)]
    const said = (semantics: Semantics) => explain(resolveRoles(tie, { semantics }))
    expect(said('roles-compete')).toMatchObject({
      reason:
        '`a` ranks first among the groups with a role, so its role is preferred. A group without a role has the same precedence, and only the chosen reading ignores it.',
      docs: 'docs/semantics.md#roleless-contender',
    })
    for (const semantics of ['observed', 'tied-groups-agree'] as const)
      expect(said(semantics).reason).not.toContain('only in the chosen reading')
    expect(explain(resolveRoles([group('a', 1, A)], { semantics: 'roles-compete' }))).toMatchObject({
      reason: '`a` ranks first among the groups with a role, so its role is preferred.',
      docs: 'docs/semantics.md#lowest-precedence',
    })
  })

  test('every result has a reason without an undefined name', () => {
    fc.assert(
      fc.property(pools, semantics, (pool, semantics) => {
        const { reason, evidence } = explain(resolveRoles(pool, { semantics }))
        expect(reason).toMatch(/^.+\.$/u)
        expect(reason).not.toContain('undefined')
        expect(evidence).toBeTypeOf('string')
      }),
    )
  })
})
