import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type AuditFinding,
  type AuditSummary,
  createAuditSummary,
  keptWhileFrozen,
  type UserAudit,
} from '../../src/audit/summary.js'
import { isRolecastError } from '../../src/errors.js'
import { type Group, MAX_PRECEDENCE } from '../../src/group.js'
import type { PoolResolution } from '../../src/pool/compile-pool.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { groupNames, pools, semantics } from '../arbitraries.js'
import { modelResolve, rolesCompete, tiedLevelAgrees } from '../models/resolve-model.js'
import { STANDINGS, standings } from '../../src/audit/standing.js'
import { type AuditConcern, CONCERNS } from '../../src/audit/concerns.js'
import { describeChange, type PoolChange } from '../../src/audit/pool-change.js'
import { type Outcome, type Semantics, SEMANTICS } from '../../src/claims/decide.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

interface Member {
  readonly username: string
  readonly groups: readonly string[]
}

interface Audited {
  readonly pool: readonly Group[]
  readonly members: readonly Member[]
  readonly semantics?: Semantics
  readonly userPoolId?: string | undefined
  readonly listed?: number
}

/** What a compiled pool answers. */
function resolveIn(pool: readonly Group[], names: readonly string[], semantics: Semantics): PoolResolution {
  const groups = names.flatMap(name => pool.find(group => group.groupName === name) ?? [])
  const unknownGroups = [...new Set(names)].filter(name => !pool.some(group => group.groupName === name))
  return { ...resolveRoles(groups, { semantics }), unknownGroups }
}

function usersOf({ pool, members, semantics = 'observed' }: Audited): readonly UserAudit[] {
  return members.map(({ username, groups }) => ({ username, resolution: resolveIn(pool, groups, semantics) }))
}

function audit(audited: Audited): AuditSummary {
  const { pool, semantics = 'observed', userPoolId, listed } = audited
  const counter = createAuditSummary({ groups: pool, semantics, userPoolId, listed })
  for (const user of usersOf(audited)) counter.add(user)
  return counter.summary()
}

const finding = (summary: AuditSummary, concern: AuditConcern): AuditFinding | undefined =>
  summary.findings.find(found => found.concern === concern)

const admins = { groupName: 'admins', precedence: 0, roleArn: role('Admin') }
const finance = { groupName: 'finance', precedence: 5, roleArn: role('Finance') }
const hr = { groupName: 'hr', precedence: 5, roleArn: role('Hr') }
const vip = { groupName: 'vip', precedence: 5 }
const interns = { groupName: 'interns', precedence: null, roleArn: role('Intern') }
const staff = { groupName: 'staff', roleArn: '' }
const pool: readonly Group[] = [staff, interns, hr, finance, vip, admins]

describe('the whole summary', () => {
  test('of a small pool', () => {
    const members = [
      { username: 'anna', groups: ['admins', 'staff'] },
      { username: 'bert', groups: ['finance', 'hr'] },
      { username: 'carl', groups: ['vip', 'hr'] },
      { username: 'dora', groups: ['interns'] },
      { username: 'emil', groups: [] },
      { username: 'fay', groups: ['staff', 'ghost'] },
    ]
    expect(audit({ pool, members, userPoolId: 'eu-west-1_Example' })).toStrictEqual({
      userPoolId: 'eu-west-1_Example',
      semantics: 'observed',
      users: 6,
      memberships: 8,
      outcomes: { resolved: 1, none: 3, ambiguous: 1, undetermined: 1 },
      roles: [
        { roleArn: role('Admin'), users: 1 },
        { roleArn: role('Finance'), users: 0 },
        { roleArn: role('Hr'), users: 0 },
        { roleArn: role('Intern'), users: 0 },
      ],
      groups: [
        { groupName: 'admins', precedence: 0, roleArn: role('Admin'), users: 1 },
        { groupName: 'finance', precedence: 5, roleArn: role('Finance'), users: 1 },
        { groupName: 'hr', precedence: 5, roleArn: role('Hr'), users: 2 },
        { groupName: 'vip', precedence: 5, users: 1 },
        { groupName: 'interns', roleArn: role('Intern'), users: 1 },
        { groupName: 'staff', users: 2 },
      ],
      findings: [
        { concern: 'conflicting-tie', count: 1, users: ['bert'], groups: [], roles: [] },
        { concern: 'null-precedence-only', count: 1, users: ['dora'], groups: [], roles: [] },
        { concern: 'undetermined', count: 1, users: ['carl'], groups: [], roles: [] },
        { concern: 'no-role', count: 2, users: ['emil', 'fay'], groups: [], roles: [] },
        { concern: 'unknown-group', count: 1, users: ['fay'], groups: [], roles: [] },
        {
          concern: 'role-nobody-gets',
          count: 3,
          users: [],
          groups: [],
          roles: [role('Finance'), role('Hr'), role('Intern')],
        },
      ],
      changes: [],
    })
  })

  test('of a pool without groups and users', () => {
    const nothing = {
      users: 0,
      memberships: 0,
      outcomes: { resolved: 0, none: 0, ambiguous: 0, undetermined: 0 },
      roles: [],
      groups: [],
      findings: [],
      changes: [],
    }
    expect(audit({ pool: [], members: [] })).toStrictEqual({ semantics: 'observed', ...nothing })
  })

  test('has its keys in one order, so that its JSON is the same wherever it is made', () => {
    const summary = audit({
      pool: [{ roleArn: role('A'), precedence: 1, groupName: 'a' }],
      members: [],
      userPoolId: 'eu-west-1_Example',
    })
    expect(Object.keys(summary)).toEqual([
      'userPoolId',
      'semantics',
      'users',
      'memberships',
      'outcomes',
      'roles',
      'groups',
      'findings',
      'changes',
    ])
    expect(Object.keys(summary.outcomes)).toEqual(['resolved', 'none', 'ambiguous', 'undetermined'])
    expect(Object.keys(summary.groups[0]!)).toEqual(['groupName', 'precedence', 'roleArn', 'users'])
    expect(Object.keys(summary.roles[0]!)).toEqual(['roleArn', 'users'])
    expect(Object.keys(summary.findings[0]!)).toEqual(['concern', 'count', 'users', 'groups', 'roles'])
  })

  test('stays as it is when more is added', () => {
    const counter = createAuditSummary({ groups: pool, semantics: 'observed' })
    const add = () => {
      const members = [
        { username: 'bert', groups: ['finance', 'hr'] },
        { username: 'anna', groups: ['admins'] },
      ]
      for (const user of usersOf({ pool, members })) counter.add(user)
      counter.change({ change: 'group-changed', groupName: 'hr' })
    }
    add()
    const before = counter.summary()
    const copy = structuredClone(before)
    add()
    expect(before).toStrictEqual(copy)
    expect(counter.summary()).toMatchObject({ users: 4, memberships: 6, outcomes: { ambiguous: 2, resolved: 2 } })
    expect(counter.summary().changes).toHaveLength(2)
  })

  test('of a name that comes twice the first group counts', () => {
    const groups = [admins, { groupName: 'admins', precedence: 9, roleArn: role('Other') }]
    expect(audit({ pool: groups, members: [] })).toMatchObject({
      groups: [{ groupName: 'admins', precedence: 0 }],
      roles: [{ roleArn: role('Admin') }],
    })
  })

  test('a role that several groups have is one', () => {
    const groups = [admins, { ...admins, groupName: 'root', precedence: 1 }]
    const members = [
      { username: 'a', groups: ['admins'] },
      { username: 'b', groups: ['root'] },
      { username: 'c', groups: ['admins', 'root'] },
    ]
    expect(audit({ pool: groups, members }).roles).toEqual([{ roleArn: role('Admin'), users: 3 }])
  })
})

describe('findings', () => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => `u${index}`)

  test('list the first names only, and count all', () => {
    const members = many(7).map(username => ({ username, groups: [] }))
    expect(finding(audit({ pool, members, listed: 3 }), 'no-role')).toMatchObject({
      count: 7,
      users: ['u0', 'u1', 'u2'],
    })
    expect(finding(audit({ pool, members, listed: 3 }), 'role-nobody-gets')).toMatchObject({
      count: 4,
      roles: [role('Admin'), role('Finance'), role('Hr')],
    })
    expect(finding(audit({ pool, members, listed: 0 }), 'no-role')).toMatchObject({ count: 7, users: [] })
  })

  test('list 1000 names unless told otherwise', () => {
    const members = many(1001).map(username => ({ username, groups: [] }))
    const found = finding(audit({ pool, members }), 'no-role')!
    expect([found.count, found.users.length, found.users.at(-1)]).toEqual([1001, 1000, 'u999'])
  })

  test.each([
    [100, undefined],
    [101, 1],
  ])('a user in %d groups, known or not', (count, found) => {
    const groups = many(60).map(groupName => ({ groupName }))
    const summary = audit({ pool: groups, members: [{ username: 'a', groups: many(count) }] })
    expect(finding(summary, 'too-many-groups')?.count).toBe(found)
  })

  test.each<[string, string | undefined, boolean]>([
    ['eu-west-1_Example_Google', 'eu-west-1_Example', true],
    ['eu-west-1_Example_', 'eu-west-1_Example', true],
    ['eu-west-1_Example', 'eu-west-1_Example', false],
    ['eu-west-1_Other_Google', 'eu-west-1_Example', false],
    ['xeu-west-1_Example_Google', 'eu-west-1_Example', false],
    ['eu-west-1_Example_Google', undefined, true],
    ['us-gov-west-1_aB3_MY_SSO', undefined, true],
    ['ap-southeast-2_Xyz_管理者', undefined, true],
    ['eu-west-1_Example', undefined, false],
    ['team-a_b_c', undefined, false],
    ['west-1_', undefined, false],
    ['a eu-west-1_Example_Google', undefined, false],
  ])('%s in pool %s: the group of a provider? %s', (groupName, userPoolId, federated) => {
    const found = finding(
      audit({ pool: [{ groupName, roleArn: role('Guest') }], members: [], userPoolId }),
      'federated-group-with-role',
    )
    expect(found?.groups).toEqual(federated ? [groupName] : undefined)
    const roleless = finding(audit({ pool: [{ groupName }], members: [], userPoolId }), 'federated-group-with-role')
    expect(roleless).toBeUndefined()
  })

  test('every concern has words, and says them once', () => {
    const words = Object.values(CONCERNS).flatMap(({ title, meaning, next }) => [title, meaning, next])
    expect(new Set(words).size).toBe(words.length)
    for (const { title, meaning, next } of Object.values(CONCERNS)) {
      expect(title).toMatch(/^[A-Z].*[^.]$/)
      expect(meaning).toMatch(/^[A-Z].*\.$/)
      expect(next).toMatch(/^[A-Z][^.]*\.$/)
    }
  })
})

describe('what is refused', () => {
  const errorOf = (work: () => unknown) => {
    try {
      work()
    } catch (error) {
      if (isRolecastError(error)) return error
    }
    throw new Error('nothing was refused')
  }

  test.each([-1, 1.5, NaN, Infinity, '5', null])('to list %s names', listed => {
    const error = errorOf(() => createAuditSummary({ groups: [], semantics: 'observed', listed: listed as number }))
    expect(error).toMatchObject({
      code: 'invalid-option',
      value: listed,
      message: `\`listed\` is \`${listed}\`; give a whole number of names, 0 or more`,
    })
  })

  test.each([
    ['a group', [finance], 'hr'],
    ['a role', [finance, { groupName: 'hr' }], role('Hr')],
  ])('a user who was resolved with %s that the pool does not have, and he is not counted', (_what, groups, value) => {
    const counter = createAuditSummary({ groups, semantics: 'observed' })
    const error = errorOf(() =>
      counter.add({ username: 'a', resolution: resolveIn([hr, finance], ['hr'], 'observed') }),
    )
    expect(error).toMatchObject({
      code: 'invalid-input',
      value,
      message: `a user was resolved with \`${value}\`, which the groups of the audit do not have; give both the same groups`,
    })
    expect(counter.summary()).toMatchObject({ users: 0, memberships: 0 })
  })
})

/** The summary in no hurry: every figure is a filter over all users. It shares no code with `src/`. */
function modelAudit({ pool, members, semantics = 'observed', userPoolId, listed = 1000 }: Audited): AuditSummary {
  const has = (group: Group | undefined): group is Group => group !== undefined
  const users = members.map(({ username, groups }) => {
    const names = [...new Set(groups)]
    const known = names.map(name => pool.find(group => group.groupName === name)).filter(has)
    return { username, known, names, answer: modelResolve(known, semantics) }
  })
  type User = (typeof users)[number]
  const count = (test: (user: User) => boolean) => users.filter(test).length
  const level = (group: Group) => group.precedence ?? Infinity
  const codes = (a: string, b: string) => ([a, b].toSorted()[0] === a ? -1 : 1)
  const ladder = [...pool].toSorted((a, b) =>
    level(a) === level(b) ? codes(a.groupName, b.groupName) : level(a) < level(b) ? -1 : 1,
  )
  const arns = [...new Set(pool.map(group => group.roleArn ?? '').filter(arn => arn !== ''))]
  const roles = arns
    .map(roleArn => ({ roleArn, users: count(user => user.answer.preferredRole === roleArn) }))
    .toSorted((a, b) => (a.users === b.users ? codes(a.roleArn, b.roleArn) : b.users - a.users))
  const ofUsers = (concern: AuditConcern, test: (user: User) => boolean) => {
    const found = users.filter(test).map(user => user.username)
    return { concern, count: found.length, users: found.slice(0, listed), groups: [], roles: [] }
  }
  const bears = (group: Group) => Boolean(group.roleArn)
  const numbered = (group: Group) => typeof group.precedence === 'number'
  const unused = roles
    .filter(one => one.users === 0)
    .map(one => one.roleArn)
    .toSorted()
  const federated = ladder
    .filter(bears)
    .map(group => group.groupName)
    .filter(name =>
      userPoolId === undefined ? /^[a-z]+-[a-z-]+-[0-9]_[A-Za-z]+_/.test(name) : name.indexOf(`${userPoolId}_`) === 0,
    )
  const outcomes = (outcome: Outcome) => count(user => user.answer.outcome === outcome)
  return {
    ...(userPoolId === undefined ? {} : { userPoolId }),
    semantics,
    users: users.length,
    memberships: users.flatMap(user => user.known).length,
    outcomes: {
      resolved: outcomes('resolved'),
      none: outcomes('none'),
      ambiguous: outcomes('ambiguous'),
      undetermined: outcomes('undetermined'),
    },
    roles,
    groups: ladder.map(group => ({
      groupName: group.groupName,
      ...(numbered(group) ? { precedence: group.precedence } : {}),
      ...(bears(group) ? { roleArn: group.roleArn } : {}),
      users: count(user => user.known.includes(group)),
    })),
    findings: [
      ofUsers('conflicting-tie', user => user.answer.outcome === 'ambiguous'),
      ofUsers(
        'null-precedence-only',
        user =>
          semantics !== 'documented' &&
          user.known.some(bears) &&
          !user.known.some(group => bears(group) && numbered(group)),
      ),
      ofUsers(
        'undetermined',
        user => semantics === 'observed' && tiedLevelAgrees(user.known) !== rolesCompete(user.known),
      ),
      ofUsers('no-role', user => !user.known.some(bears)),
      ofUsers('unknown-group', user => user.known.length < user.names.length),
      ofUsers('too-many-groups', user => user.names.length > 100),
      {
        concern: 'role-nobody-gets' as const,
        count: unused.length,
        users: [],
        groups: [],
        roles: unused.slice(0, listed),
      },
      {
        concern: 'federated-group-with-role' as const,
        count: federated.length,
        users: [],
        groups: federated.slice(0, listed),
        roles: [],
      },
    ].filter(found => found.count > 0),
    changes: [],
  }
}

const usernames = fc.oneof(groupNames, fc.constantFrom('__proto__', '', 'a\nb', 'anna'))
const audits: fc.Arbitrary<Audited> = fc.tuple(pools, semantics).chain(([pool, semantics]) => {
  const names = pool.map(group => group.groupName)
  const others = fc.array(fc.oneof(groupNames, fc.constantFrom(...names, 'ghost')), { maxLength: 2 })
  const groups = fc.tuple(fc.shuffledSubarray(names), others).map(lists => lists.flat())
  return fc.record({
    pool: fc.constant(pool),
    semantics: fc.constant(semantics),
    members: fc.array(fc.record({ username: usernames, groups }), { maxLength: 12 }),
    userPoolId: fc.constantFrom('eu-west-1_Example', undefined),
    listed: fc.constantFrom(0, 1, 3, 1000),
  })
})

type Audit = typeof audit
type Wrong = (summary: AuditSummary, audited: Audited) => AuditSummary

/** A law, and its control: the same property must fail for a summary that is wrong in just this. */
function law(sentence: string, wrong: Wrong, property: (audit: Audit) => fc.IProperty<[Audited]>): void {
  test(sentence, () => {
    fc.assert(property(audit), { numRuns: 500 })
  })
  test(`control: ${sentence}`, () => {
    const wrongAudit: Audit = audited => wrong(audit(audited), audited)
    expect(fc.check(property(wrongAudit), { seed: 1, numRuns: 1000, endOnFailure: true }).failed).toBe(true)
  })
}

const sum = (some: readonly { readonly users: number }[]) => some.reduce((total, one) => total + one.users, 0)

describe('laws', () => {
  law(
    'the summary is that of the model',
    summary => ({ ...summary, findings: summary.findings.toReversed() }),
    audit =>
      fc.property(audits, audited => {
        expect(audit(audited)).toStrictEqual(modelAudit(audited))
      }),
  )

  law(
    'the outcomes add up to the users',
    summary => ({ ...summary, outcomes: { ...summary.outcomes, none: 0 } }),
    audit =>
      fc.property(audits, audited => {
        const { users, outcomes } = audit(audited)
        expect(outcomes.resolved + outcomes.none + outcomes.ambiguous + outcomes.undetermined).toBe(users)
        expect(users).toBe(audited.members.length)
      }),
  )

  law(
    'the users of the roles add up to those who are resolved',
    summary => ({ ...summary, roles: summary.roles.slice(1) }),
    audit =>
      fc.property(audits, audited => {
        const { roles, outcomes } = audit(audited)
        expect(sum(roles)).toBe(outcomes.resolved)
      }),
  )

  law(
    'the users of the groups add up to the memberships',
    summary => ({ ...summary, memberships: summary.users }),
    audit =>
      fc.property(audits, audited => {
        const { groups, memberships } = audit(audited)
        expect(sum(groups)).toBe(memberships)
      }),
  )

  law(
    'every user whose outcome is ambiguous is in the finding of ties, and every undetermined one in that of the unknown',
    summary => ({ ...summary, findings: summary.findings.filter(found => found.concern !== 'undetermined') }),
    audit =>
      fc.property(audits, audited => {
        const summary = audit({ ...audited, listed: 1000 })
        for (const [concern, outcome] of [
          ['conflicting-tie', 'ambiguous'],
          ['undetermined', 'undetermined'],
        ] as const) {
          const users = usersOf(audited)
            .filter(user => user.resolution.outcome === outcome)
            .map(user => user.username)
          expect(finding(summary, concern)?.users ?? []).toEqual(users)
          expect(finding(summary, concern)?.count ?? 0).toBe(summary.outcomes[outcome])
        }
      }),
  )

  law(
    'a finding counts what it lists, and lists no more than it was told to',
    summary => ({
      ...summary,
      findings: summary.findings.map(found => ({ ...found, users: found.users.slice(1) })),
    }),
    audit =>
      fc.property(audits, audited => {
        for (const { count, users, groups, roles } of audit(audited).findings) {
          expect(count).toBeGreaterThan(0)
          expect([users, groups, roles].filter(list => list.length > 0).length).toBeLessThanOrEqual(1)
          expect(users.length + groups.length + roles.length).toBe(Math.min(count, audited.listed!))
        }
      }),
  )

  law(
    'in whatever order the users come, the figures are the same',
    (summary, { members }) => ({ ...summary, users: members[0]?.username.length ?? 0 }),
    audit =>
      fc.property(audits, audited => {
        const counts = ({ findings, ...figures }: AuditSummary) => ({
          ...figures,
          findings: findings.map(({ concern, count }) => ({ concern, count })),
        })
        const reversed = { ...audited, members: audited.members.toReversed(), pool: audited.pool.toReversed() }
        expect(counts(audit(reversed))).toStrictEqual(counts(audit(audited)))
      }),
  )

  test('resolutions that are frozen and shared are counted as those that are not', () => {
    fc.assert(
      fc.property(audits, audited => {
        const { pool, semantics = 'observed', userPoolId, listed } = audited
        const counter = createAuditSummary({ groups: pool, semantics, userPoolId, listed })
        const shared = new Map<string, PoolResolution>()
        for (const { username, resolution } of usersOf(audited)) {
          const key = JSON.stringify([resolution.groups, resolution.unknownGroups])
          if (!shared.has(key)) shared.set(key, Object.freeze(resolution))
          counter.add({ username, resolution: shared.get(key)! })
        }
        expect(counter.summary()).toStrictEqual(audit(audited))
      }),
    )
  })

  test('every concern comes up among the audits drawn, but for more groups than a user can have', () => {
    const seen = new Set(
      fc
        .sample(audits, { seed: 1, numRuns: 500 })
        .flatMap(audited => modelAudit(audited).findings.map(found => found.concern)),
    )
    expect([...seen].toSorted()).toEqual(
      Object.keys(CONCERNS)
        .filter(concern => concern !== 'too-many-groups')
        .toSorted(),
    )
  })
})

describe('what is kept per resolution', () => {
  const resolution = () => resolveIn(pool, ['admins'], 'observed')

  test('is made once of a frozen resolution', () => {
    let made = 0
    const kept = keptWhileFrozen(() => ++made)
    const frozen = Object.freeze(resolution())
    expect([kept(frozen), kept(frozen), kept(Object.freeze(resolution()))]).toEqual([1, 1, 2])
  })

  test('is made anew of one that may change', () => {
    let made = 0
    const kept = keptWhileFrozen(() => ++made)
    const open = resolution()
    expect([kept(open), kept(open)]).toEqual([1, 2])
  })
})

describe('the standing of a group', () => {
  const first = { groupName: 'first', precedence: 0 }
  const low = { groupName: 'low', precedence: 20, roleArn: role('Low') }
  const one = { groupName: 'one', precedence: 7, roleArn: role('One') }
  const two = { groupName: 'two', precedence: 7, roleArn: role('Two') }
  const alike = { groupName: 'alike', precedence: 7, roleArn: role('One') }
  const beside = { groupName: 'beside', precedence: 20 }
  const after = { groupName: 'after', precedence: 21 }
  const bare = { groupName: 'bare', roleArn: role('Bare') }
  const bareToo = { groupName: 'bare-too', precedence: null, roleArn: role('Low') }
  const plain = { groupName: 'plain', roleArn: '' }

  test.each<[string, Group[], Semantics, (string | undefined)[]]>([
    ['nothing is special about one of its own rank', [low, one, plain], 'observed', [undefined, undefined, undefined]],
    ['a tie on one role', [one, low, alike], 'observed', ['shared', undefined, 'shared']],
    [
      'a tie on two roles is one of all that share the rank',
      [one, two, alike],
      'observed',
      ['conflict', 'conflict', 'conflict'],
    ],
    [
      'no role, and the number of one with a role',
      [first, low, beside, after],
      'observed',
      [undefined, undefined, 'contender', undefined],
    ],
    ['no role, in the reading where it stands aside', [low, beside], 'roles-compete', [undefined, undefined]],
    ['no role, on the documented page', [low, beside], 'documented', [undefined, undefined]],
    ['no role and no number, as one with a role', [bare, plain], 'observed', ['unranked', undefined]],
    ['no role, and none with a number has one', [first, bare, plain], 'observed', [undefined, 'unranked', undefined]],
    [
      'a role without a precedence, whatever others have',
      [bare, bareToo, low],
      'roles-compete',
      ['unranked', 'unranked', undefined],
    ],
    [
      'a role without a precedence ranks last on the documented page',
      [bare, bareToo, low],
      'documented',
      ['conflict', 'conflict', undefined],
    ],
    [
      'a role without a precedence is alone on the documented page',
      [bare, low, plain],
      'documented',
      [undefined, undefined, undefined],
    ],
    [
      'the last precedence is one',
      [{ ...low, precedence: MAX_PRECEDENCE }, { ...beside, precedence: MAX_PRECEDENCE }, bare],
      'observed',
      [undefined, 'contender', 'unranked'],
    ],
  ])('%s', (_what, groups, semantics, expected) => {
    expect(standings(groups, semantics)).toEqual(expected)
  })

  const standingsOf = (groups: readonly Group[], semantics: Semantics) => new Set(standings(groups, semantics))

  test("two users' groups that conflict, or that nobody can settle, have a standing that says so", () => {
    fc.assert(
      fc.property(pools, semantics, (groups, semantics) => {
        const { outcome } = modelResolve(groups, semantics)
        if (outcome === 'ambiguous') expect(standingsOf(groups, semantics)).toContain('conflict')
        if (outcome === 'undetermined') expect(standingsOf(groups, semantics)).toContain('contender')
      }),
      { numRuns: 1000 },
    )
  })

  test('two groups with the standing of a tie conflict when a user is in these two alone', () => {
    fc.assert(
      fc.property(pools, semantics, (groups, semantics) => {
        const found = standings(groups, semantics)
        for (const [index, group] of groups.entries()) {
          const level = groups.filter(
            other => other !== group && (other.precedence ?? null) === (group.precedence ?? null) && other.roleArn,
          )
          const outcomes = level.map(other => modelResolve([group, other], semantics).outcome)
          expect(found[index] === 'conflict').toBe(
            Boolean(group.roleArn) &&
              found[index] !== 'unranked' &&
              (outcomes.includes('ambiguous') || new Set(level.map(other => other.roleArn)).size > 1),
          )
        }
      }),
      { numRuns: 500 },
    )
  })

  test('each has words, and each comes up in some reading', () => {
    const shared = ['x', 'y'].map(groupName => ({ ...bare, groupName, precedence: 9 }))
    const all = SEMANTICS.flatMap(semantics => standings([low, beside, one, two, bare, ...shared], semantics))
    expect(new Set(all.filter(standing => standing !== undefined))).toEqual(new Set(Object.keys(STANDINGS)))
  })
})

describe('changes', () => {
  const changes: readonly [PoolChange, string][] = [
    [{ change: 'user-vanished', username: 'anna' }, 'The user `anna` was listed, and gone when asked for.'],
    [
      { change: 'user-appeared', username: 'anna' },
      'The user `anna` is in a group, and was not listed among the users.',
    ],
    [{ change: 'group-vanished', groupName: 'hr' }, 'The group `hr` was there at the start, and gone at the end.'],
    [{ change: 'group-appeared', groupName: 'hr' }, 'The group `hr` was not there at the start, and there at the end.'],
    [
      { change: 'group-changed', groupName: 'hr' },
      'The group `hr` had another precedence or role at the end than at the start.',
    ],
  ]
  test.each(changes)('%j in a sentence', (change, sentence) => {
    expect(describeChange(change)).toBe(sentence)
  })

  test('are kept in the order they were told', () => {
    const counter = createAuditSummary({ groups: [], semantics: 'observed' })
    for (const [change] of changes) counter.change(change)
    expect(counter.summary().changes).toEqual(changes.map(([change]) => change))
  })
})

describe('types', () => {
  test('every concern has words, and a group of the summary is a group', () => {
    expectTypeOf(CONCERNS).toEqualTypeOf<
      Readonly<Record<AuditConcern, { readonly title: string; readonly meaning: string; readonly next: string }>>
    >()
    expectTypeOf<AuditSummary['groups'][number]>().toExtend<Group>()
  })
})
