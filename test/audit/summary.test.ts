import * as fc from 'fast-check'
import { describe, expect, expectTypeOf, test } from 'vitest'
import {
  type AuditFinding,
  type AuditSummary,
  type AuditSummaryOptions,
  createAuditSummary,
  type CredentialsSummary,
  type UserAudit,
} from '../../src/audit/summary.js'
import { isRolecastError } from '../../src/errors.js'
import { type Group, MAX_PRECEDENCE } from '../../src/group.js'
import type { PoolResolution } from '../../src/pool/compile-pool.js'
import { keptWhileFrozen } from '../../src/record.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { groupNames, pools, semantics } from '../arbitraries.js'
import { modelResolve, rolesCompete, tiedLevelAgrees } from '../models/resolve-model.js'
import { STANDINGS, standings } from '../../src/audit/standing.js'
import type { AuditReading } from '../../src/audit/audit-reading.js'
import type { RoleCheck } from '../../src/audit/role-check.js'
import { type AuditConcern, CONCERNS, createConcerns } from '../../src/audit/concerns.js'
import type { Evidence } from '../../src/claims/evidence.js'
import type { RoleSelection } from '../../src/credentials/select-role.js'
import { SEVERITIES, type Severity } from '../../src/severity.js'
import { describeChange, type PoolChange } from '../../src/audit/pool-change.js'
import { type Outcome, type Semantics, SEMANTICS } from '../../src/claims/decide.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

interface Member {
  readonly username: string
  readonly groups: readonly string[]
  readonly enabled?: boolean | undefined
  readonly selection?: RoleSelection | undefined
}

interface Audited {
  readonly pool: readonly Group[]
  readonly members: readonly Member[]
  readonly semantics?: Semantics
  readonly userPoolId?: string | undefined
  readonly identityPool?: Pick<CredentialsSummary, 'identityPoolId' | 'mapping'> | undefined
  readonly roleChecks?: readonly RoleCheck[] | undefined
  readonly listed?: number
}

const readingOf = (userPoolId: string | undefined): AuditReading | undefined =>
  userPoolId === undefined ? undefined : { source: 'cognito', userPoolId }

/** What a compiled pool answers. */
function resolveIn(pool: readonly Group[], names: readonly string[], semantics: Semantics): PoolResolution {
  const groups = names.flatMap(name => pool.find(group => group.groupName === name) ?? [])
  const unknownGroups = [...new Set(names)].filter(name => !pool.some(group => group.groupName === name))
  return { ...resolveRoles(groups, { semantics }), unknownGroups }
}

function usersOf({ pool, members, semantics = 'observed' }: Audited): readonly UserAudit[] {
  return members.map(({ groups, ...user }) => ({ ...user, resolution: resolveIn(pool, groups, semantics) }))
}

function optionsOf({ pool, semantics = 'observed', userPoolId, ...rest }: Audited): AuditSummaryOptions {
  return { ...rest, groups: pool, semantics, reading: readingOf(userPoolId) }
}

function audit(audited: Audited): AuditSummary {
  const counter = createAuditSummary(optionsOf(audited))
  for (const user of usersOf(audited)) counter.add(user)
  return counter.summary()
}

const IDENTITY_POOL = { identityPoolId: 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6', mapping: 'Token' } as const
const NO_POLICIES = { attached: [], inline: [], administrator: false, notRead: [] }

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
      { username: 'anna', groups: ['admins', 'staff'], enabled: true },
      { username: 'bert', groups: ['finance', 'hr'] },
      { username: 'carl', groups: ['vip', 'hr'] },
      { username: 'dora', groups: ['interns'] },
      { username: 'emil', groups: [] },
      { username: 'fay', groups: ['staff', 'ghost'] },
      { username: 'gus', groups: ['admins', 'finance'], enabled: false },
      { username: 'hal', groups: ['finance', 'hr', 'ghost'], enabled: false },
    ]
    const none = { users: [], groups: [], roles: [] }
    expect(audit({ pool, members, userPoolId: 'eu-west-1_Example' })).toStrictEqual({
      reading: { source: 'cognito', userPoolId: 'eu-west-1_Example' },
      semantics: 'observed',
      users: 8,
      disabled: 2,
      enabledUnknown: 5,
      memberships: 12,
      outcomes: { resolved: 1, none: 3, ambiguous: 1, undetermined: 1 },
      evidence: { observed: 5, documented: 0, inferred: 0, calibrated: 0, unknown: 1 },
      roles: [
        { roleArn: role('Admin'), users: 1, disabledUsers: 1 },
        { roleArn: role('Finance'), users: 0, disabledUsers: 0 },
        { roleArn: role('Hr'), users: 0, disabledUsers: 0 },
        { roleArn: role('Intern'), users: 0, disabledUsers: 0 },
      ],
      groups: [
        { groupName: 'admins', precedence: 0, roleArn: role('Admin'), users: 1, disabledUsers: 1 },
        { groupName: 'finance', precedence: 5, roleArn: role('Finance'), users: 1, disabledUsers: 2 },
        { groupName: 'hr', precedence: 5, roleArn: role('Hr'), users: 2, disabledUsers: 1 },
        { groupName: 'vip', precedence: 5, users: 1, disabledUsers: 0 },
        { groupName: 'interns', roleArn: role('Intern'), users: 1, disabledUsers: 0 },
        { groupName: 'staff', users: 2, disabledUsers: 0 },
      ],
      findings: [
        { concern: 'conflicting-tie', severity: 'error', count: 1, affectedUsers: 1, ...none, users: ['bert'] },
        { concern: 'undetermined', severity: 'error', count: 1, affectedUsers: 1, ...none, users: ['carl'] },
        { concern: 'null-precedence-only', severity: 'warning', count: 1, affectedUsers: 1, ...none, users: ['dora'] },
        { concern: 'unknown-group', severity: 'warning', count: 1, affectedUsers: 1, ...none, users: ['fay'] },
        { concern: 'no-role', severity: 'note', count: 2, affectedUsers: 2, ...none, users: ['emil', 'fay'] },
        {
          concern: 'role-nobody-gets',
          severity: 'note',
          count: 2,
          affectedUsers: 0,
          ...none,
          roles: [role('Finance'), role('Intern')],
        },
      ],
      changes: [],
    })
  })

  test('of a pool without groups and users', () => {
    const nothing = {
      users: 0,
      disabled: 0,
      enabledUnknown: 0,
      memberships: 0,
      outcomes: { resolved: 0, none: 0, ambiguous: 0, undetermined: 0 },
      evidence: { observed: 0, documented: 0, inferred: 0, calibrated: 0, unknown: 0 },
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
      identityPool: IDENTITY_POOL,
      roleChecks: [],
    })
    expect(Object.keys(summary)).toEqual([
      'reading',
      'semantics',
      'users',
      'disabled',
      'enabledUnknown',
      'memberships',
      'outcomes',
      'evidence',
      'roles',
      'groups',
      'credentials',
      'roleChecks',
      'findings',
      'changes',
    ])
    expect(Object.keys(summary.outcomes)).toEqual(['resolved', 'none', 'ambiguous', 'undetermined'])
    expect(Object.keys(summary.evidence)).toEqual(['observed', 'documented', 'inferred', 'calibrated', 'unknown'])
    expect(Object.keys(summary.groups[0]!)).toEqual(['groupName', 'precedence', 'roleArn', 'users', 'disabledUsers'])
    expect(Object.keys(summary.roles[0]!)).toEqual(['roleArn', 'users', 'disabledUsers'])
    expect(Object.keys(summary.credentials!)).toEqual(['identityPoolId', 'mapping', 'outcomes', 'rules', 'roles'])
    expect(Object.keys(summary.findings[0]!)).toEqual([
      'concern',
      'severity',
      'count',
      'affectedUsers',
      'users',
      'groups',
      'roles',
    ])
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
    expect(audit({ pool: groups, members }).roles).toEqual([{ roleArn: role('Admin'), users: 3, disabledUsers: 0 }])
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

  test('a user of an identity pool without a selection is rejected, and not counted', () => {
    const counter = createAuditSummary({ groups: [], semantics: 'observed', identityPool: IDENTITY_POOL })
    const user = { username: 'anna', resolution: resolveIn([], [], 'observed') }
    expect(() => counter.add(user)).toThrow('the user `anna` has no `selection`')
    expect(counter.summary()).toMatchObject({ users: 0, outcomes: { none: 0 } })
  })

  test('the most severe come first', () => {
    const severities = Object.values(CONCERNS).map(({ severity }) => SEVERITIES.indexOf(severity))
    expect(severities).toEqual(severities.toSorted((a, b) => b - a))
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

describe('what is rejected', () => {
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
const isContested = (groups: readonly Group[]) => tiedLevelAgrees(groups) !== rolesCompete(groups)

function modelAudit(audited: Audited): AuditSummary {
  const { pool, members, semantics = 'observed', userPoolId, identityPool, roleChecks, listed = 1000 } = audited
  const has = (group: Group | undefined): group is Group => group !== undefined
  const everyone = members.map(({ username, groups, enabled, selection }) => {
    const names = [...new Set(groups)]
    const known = names.map(name => pool.find(group => group.groupName === name)).filter(has)
    const answer = modelResolve(known, semantics)
    const token = [answer.preferredRole, 'candidateRole' in answer ? answer.candidateRole : undefined]
    const byPool = [selection?.roleArn, ...(selection?.candidates ?? []).map(candidate => candidate.roleArn)]
    const gets = selection === undefined ? token : byPool
    return { username, enabled, selection, known, names, answer, token, byPool, gets }
  })
  type User = (typeof everyone)[number]
  const isDisabled = (user: User) => user.enabled === false
  const users = everyone.filter(user => !isDisabled(user))
  const count = (test: (user: User) => boolean) => users.filter(test).length
  const countDisabled = (test: (user: User) => boolean) => everyone.filter(isDisabled).filter(test).length
  const level = (group: Group) => group.precedence ?? Infinity
  const codes = (a: string, b: string) => ([a, b].toSorted()[0] === a ? -1 : 1)
  const ladder = [...pool].toSorted((a, b) =>
    level(a) === level(b) ? codes(a.groupName, b.groupName) : level(a) < level(b) ? -1 : 1,
  )
  const arns = [...new Set(pool.map(group => group.roleArn ?? '').filter(arn => arn !== ''))]
  const mostFirst = <T extends { readonly roleArn: string; readonly users: number }>(some: readonly T[]) =>
    some.toSorted((a, b) => (a.users === b.users ? codes(a.roleArn, b.roleArn) : b.users - a.users))
  const prefers = (roleArn: string) => (user: User) => user.answer.preferredRole === roleArn
  const roles = mostFirst(
    arns.map(roleArn => ({
      roleArn,
      users: count(prefers(roleArn)),
      disabledUsers: countDisabled(prefers(roleArn)),
    })),
  )
  const bears = (group: Group) => Boolean(group.roleArn)
  const numbered = (group: Group) => typeof group.precedence === 'number'
  const isProviders = ({ groupName }: Group) =>
    userPoolId === undefined
      ? /^[a-z]+-[a-z-]+-[0-9]_[A-Za-z]+_/.test(groupName)
      : groupName.indexOf(`${userPoolId}_`) === 0
  const federated = ladder.filter(bears).filter(isProviders)

  const severities = { 'conflicting-tie': 'error', undetermined: 'error', 'undetermined-credentials': 'error' } as const
  const warnings = new Set(['no-credentials', 'null-precedence-only', 'unknown-group', 'too-many-groups'])
  const ofUsers = (concern: AuditConcern, test: (user: User) => boolean): AuditFinding => {
    const found = users.filter(test).map(user => user.username)
    const severity =
      concern in severities
        ? severities[concern as keyof typeof severities]
        : warnings.has(concern)
          ? 'warning'
          : 'note'
    const [number, first] = [found.length, found.slice(0, listed)]
    return { concern, severity, count: number, affectedUsers: number, users: first, groups: [], roles: [] }
  }
  const allArns = [...arns, ...users.flatMap(user => user.byPool), ...(roleChecks ?? []).map(check => check.roleArn)]
  const ofRoles = (
    concern: AuditConcern,
    severity: Severity,
    test: (check: RoleCheck | undefined) => boolean,
    canAsk: boolean,
  ): AuditFinding => {
    const isBad = (roleArn: string | undefined) =>
      roleChecks !== undefined &&
      typeof roleArn === 'string' &&
      test(roleChecks.find(check => check.roleArn === roleArn))
    const found = [...new Set(allArns)].filter(one => typeof one === 'string' && isBad(one)).toSorted()
    const isAffected = (user: User) =>
      user.gets.some(isBad) || (canAsk && user.known.some(group => isBad(group.roleArn || undefined)))
    const named = found.slice(0, listed) as string[]
    return {
      concern,
      severity,
      count: found.length,
      affectedUsers: count(isAffected),
      users: [],
      groups: [],
      roles: named,
    }
  }
  const isUnchecked = (check: RoleCheck | undefined) =>
    check === undefined ||
    check.status === 'unknown' ||
    (check.status === 'exists' && identityPool !== undefined && typeof check.trust?.trusted !== 'boolean')
  const gotten = new Set(users.flatMap(user => [...user.token, ...user.byPool]))
  const unused = arns.filter(arn => !gotten.has(arn)).toSorted()
  const findings: AuditFinding[] = [
    ofUsers(
      'conflicting-tie',
      user => user.answer.outcome === 'ambiguous' || (semantics === 'tied-groups-agree' && isContested(user.known)),
    ),
    ofUsers('undetermined', user => semantics === 'observed' && isContested(user.known)),
    ofUsers('undetermined-credentials', user => user.selection?.outcome === 'undetermined'),
    ofRoles('missing-role', 'error', check => check?.status === 'missing', false),
    ofRoles(
      'untrusted-role',
      'error',
      check => check?.status === 'exists' && check.trust !== undefined && check.trust.trusted === false,
      false,
    ),
    ofRoles(
      'role-open-to-others',
      'error',
      check => check?.status === 'exists' && [check.trust?.anyPool, check.trust?.guests].includes(true),
      false,
    ),
    ofRoles('unchecked-role', 'error', isUnchecked, true),
    ofRoles(
      'administrator-role',
      'warning',
      check => check?.status === 'exists' && check.privileges?.administrator === true,
      true,
    ),
    ofRoles(
      'unjudged-privileges',
      'warning',
      check =>
        check?.status === 'exists' &&
        check.privileges !== undefined &&
        typeof check.privileges.administrator !== 'boolean',
      true,
    ),
    ofUsers('no-credentials', user => user.selection?.outcome === 'denied'),
    ofUsers(
      'null-precedence-only',
      user =>
        semantics !== 'documented' &&
        user.known.some(bears) &&
        !user.known.some(group => bears(group) && numbered(group)),
    ),
    ofUsers('unknown-group', user => user.known.length < user.names.length),
    ofUsers('too-many-groups', user => user.names.length > 100),
    {
      concern: 'federated-group-with-role',
      severity: 'warning',
      count: federated.length,
      affectedUsers: count(user => user.known.some(group => federated.includes(group))),
      users: [],
      groups: federated.slice(0, listed).map(group => group.groupName),
      roles: [],
    },
    ofUsers('no-role', user => !user.known.some(bears)),
    {
      concern: 'role-nobody-gets',
      severity: 'note',
      count: unused.length,
      affectedUsers: 0,
      users: [],
      groups: [],
      roles: unused.slice(0, listed),
    },
  ]
  const outcomes = (outcome: Outcome) => count(user => user.answer.outcome === outcome)
  const resolutions = usersOf({ ...audited, members: members.filter(member => member.enabled !== false) })
  const evidence = (kind: Evidence) => resolutions.filter(user => user.resolution.evidence === kind).length
  const selected = (outcome: string) => count(user => user.selection?.outcome === outcome)
  const rules = [...new Set(users.flatMap(user => user.selection?.rule ?? []))].toSorted()
  const given = [...new Set(users.flatMap(user => user.selection?.roleArn ?? []))]
  return {
    ...(userPoolId === undefined ? {} : { reading: { source: 'cognito' as const, userPoolId } }),
    semantics,
    users: everyone.length,
    disabled: everyone.length - users.length,
    enabledUnknown: count(user => user.enabled !== true),
    memberships: everyone.flatMap(user => user.known).length,
    outcomes: {
      resolved: outcomes('resolved'),
      none: outcomes('none'),
      ambiguous: outcomes('ambiguous'),
      undetermined: outcomes('undetermined'),
    },
    evidence: {
      observed: evidence('observed'),
      documented: evidence('documented'),
      inferred: evidence('inferred'),
      calibrated: 0,
      unknown: evidence('unknown'),
    },
    roles,
    groups: ladder.map(group => ({
      groupName: group.groupName,
      ...(numbered(group) ? { precedence: group.precedence } : {}),
      ...(bears(group) ? { roleArn: group.roleArn } : {}),
      users: count(user => user.known.includes(group)),
      disabledUsers: countDisabled(user => user.known.includes(group)),
    })),
    ...(identityPool === undefined
      ? {}
      : {
          credentials: {
            ...identityPool,
            outcomes: { role: selected('role'), denied: selected('denied'), undetermined: selected('undetermined') },
            rules: Object.fromEntries(rules.map(rule => [rule, count(user => user.selection?.rule === rule)])),
            roles: mostFirst(
              given.map(roleArn => ({ roleArn, users: count(user => user.selection?.roleArn === roleArn) })),
            ),
          },
        }),
    ...(roleChecks === undefined ? {} : { roleChecks: roleChecks.toSorted((a, b) => codes(a.roleArn, b.roleArn)) }),
    findings: findings.filter(found => found.count > 0),
    changes: [],
  }
}

const usernames = fc.oneof(groupNames, fc.constantFrom('__proto__', '', 'a\nb', 'anna'))

const open = fc.constantFrom(true, false, undefined)
const trusts = fc
  .record({ trusted: open, anyPool: open, guests: open })
  .map(facts => ({ ...facts, reason: 'allowed', placeholders: [] }) as const)
const privileges = fc
  .constantFrom(true, false, undefined)
  .map(administrator => ({ attached: [], inline: [], administrator, notRead: [] }))
const checkOf = (roleArn: string): fc.Arbitrary<RoleCheck> =>
  fc.oneof(
    fc.constant({ roleArn, status: 'missing' as const }),
    fc.constant({ roleArn, status: 'unknown' as const, why: 'It was not looked at.' }),
    fc.record({
      roleArn: fc.constant(roleArn),
      status: fc.constant('exists' as const),
      trust: fc.option(trusts, { nil: undefined }),
      privileges: fc.option(privileges, { nil: undefined }),
    }),
  )

const selectionOf = (arns: readonly string[]): fc.Arbitrary<RoleSelection> => {
  const roleArn = fc.constantFrom(...arns, role('Outside'))
  return fc.oneof(
    roleArn.map(roleArn => ({ outcome: 'role', roleArn, rule: 'preferred-role', evidence: 'observed' }) as const),
    fc.constant({ outcome: 'denied', rule: 'ambiguous-denied', evidence: 'documented' } as const),
    roleArn.map(
      roleArn =>
        ({
          outcome: 'undetermined',
          candidates: [
            { outcome: 'role', roleArn, rule: 'preferred-role' },
            { outcome: 'denied', rule: 'ambiguous-denied' },
          ],
          rule: 'undetermined-preferred-role',
          evidence: 'unknown',
        }) as const,
    ),
  )
}

const audits: fc.Arbitrary<Audited> = fc
  .tuple(pools, semantics, fc.boolean(), fc.boolean())
  .chain(([pool, semantics, hasIdentityPool, hasChecks]) => {
    const names = pool.map(group => group.groupName)
    const arns = [...new Set(pool.map(group => group.roleArn ?? '').filter(arn => arn !== ''))]
    const others = fc.array(fc.oneof(groupNames, fc.constantFrom(...names, 'ghost')), { maxLength: 2 })
    const groups = fc.tuple(fc.shuffledSubarray(names), others).map(lists => lists.flat())
    const selection = hasIdentityPool ? selectionOf(arns) : fc.constant(undefined)
    const enabled = fc.constantFrom(true, false, undefined)
    const checks = fc
      .shuffledSubarray([...arns, role('Outside')])
      .chain(some => fc.tuple(...some.map(checkOf)) as fc.Arbitrary<readonly RoleCheck[]>)
    return fc.record({
      pool: fc.constant(pool),
      semantics: fc.constant(semantics),
      members: fc.array(fc.record({ username: usernames, groups, enabled, selection }), { maxLength: 12 }),
      userPoolId: fc.constantFrom('eu-west-1_Example', undefined),
      identityPool: fc.constant(hasIdentityPool ? IDENTITY_POOL : undefined),
      roleChecks: hasChecks ? checks : fc.constant(undefined),
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

type Counted = { readonly users: number; readonly disabledUsers?: number }
const sum = (some: readonly Counted[]) => some.reduce((total, one) => total + one.users, 0)
const sumDisabled = (some: readonly Counted[]) => some.reduce((total, one) => total + (one.disabledUsers ?? 0), 0)

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
    'the outcomes and the disabled add up to the users',
    summary => ({ ...summary, outcomes: { ...summary.outcomes, none: 0 } }),
    audit =>
      fc.property(audits, audited => {
        const { users, disabled, outcomes } = audit(audited)
        expect(outcomes.resolved + outcomes.none + outcomes.ambiguous + outcomes.undetermined + disabled).toBe(users)
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
        expect(sum(groups) + sumDisabled(groups)).toBe(memberships)
      }),
  )

  law(
    'every user whose tie prefers nothing is in the finding of ties, and every undetermined one in that of the unknown',
    summary => ({ ...summary, findings: summary.findings.filter(found => found.concern !== 'undetermined') }),
    audit =>
      fc.property(audits, audited => {
        const summary = audit({ ...audited, listed: 1000 })
        for (const [concern, decided] of [
          ['conflicting-tie', ['ambiguous conflicting-roles', 'none roleless-contender']],
          ['undetermined', ['undetermined roleless-contender']],
        ] as const) {
          const users = usersOf(audited)
            .filter(({ enabled, resolution: { outcome, rule } }) => {
              return enabled !== false && decided.includes(`${outcome} ${rule}` as never)
            })
            .map(user => user.username)
          expect(finding(summary, concern)?.users ?? []).toEqual(users)
          expect(finding(summary, concern)?.count ?? 0).toBe(users.length)
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
          findings: findings.map(({ concern, count, affectedUsers }) => ({ concern, count, affectedUsers })),
        })
        const reversed = { ...audited, members: audited.members.toReversed(), pool: audited.pool.toReversed() }
        expect(counts(audit(reversed))).toStrictEqual(counts(audit(audited)))
      }),
  )

  test('resolutions that are frozen and shared are counted as those that are not', () => {
    fc.assert(
      fc.property(audits, audited => {
        const counter = createAuditSummary(optionsOf(audited))
        const shared = new Map<string, PoolResolution>()
        for (const user of usersOf(audited)) {
          const { resolution, selection } = user
          const key = JSON.stringify([resolution.groups, resolution.unknownGroups])
          if (!shared.has(key)) shared.set(key, Object.freeze(resolution))
          counter.add({ ...user, resolution: shared.get(key)!, selection: selection && Object.freeze(selection) })
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

describe('what is cached per resolution', () => {
  const resolution = () => resolveIn(pool, ['admins'], 'observed')

  test('is made once of a frozen resolution', () => {
    let made = 0
    const kept = keptWhileFrozen(() => ++made)
    const frozen = Object.freeze(resolution())
    expect([kept(frozen), kept(frozen), kept(Object.freeze(resolution()))]).toEqual([1, 1, 2])
  })

  test('is computed again for a resolution that may change', () => {
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
        if (semantics === 'tied-groups-agree' && isContested(groups))
          expect(standingsOf(groups, semantics)).toContain('contender')
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
    [{ change: 'user-vanished', username: 'anna' }, 'The user `anna` was listed, but was gone when it was read.'],
    [
      { change: 'user-appeared', username: 'anna' },
      'The user `anna` is in a group, but was not listed among the users.',
    ],
    [{ change: 'group-vanished', groupName: 'hr' }, 'The group `hr` existed at the start, but not at the end.'],
    [{ change: 'group-appeared', groupName: 'hr' }, 'The group `hr` existed at the end, but not at the start.'],
    [
      { change: 'group-changed', groupName: 'hr' },
      'The group `hr` had a different precedence or role at the end than at the start.',
    ],
  ]
  test.each(changes)('%j in a sentence', (change, sentence) => {
    expect(describeChange(change)).toBe(sentence)
  })

  test('keep the order in which they were noticed', () => {
    const counter = createAuditSummary({ groups: [], semantics: 'observed' })
    for (const [change] of changes) counter.change(change)
    expect(counter.summary().changes).toEqual(changes.map(([change]) => change))
  })
})

describe('the findings of a user', () => {
  law(
    'of all users there are as many with a finding as the summary says',
    summary => ({
      ...summary,
      findings: summary.findings.map(found => ({ ...found, affectedUsers: found.affectedUsers + 1 })),
    }),
    audit =>
      fc.property(audits, audited => {
        const { pool, userPoolId, identityPool, roleChecks } = audited
        const context = { groups: pool, userPoolId, hasIdentityPool: identityPool !== undefined, roleChecks }
        const found = usersOf(audited).flatMap(createConcerns(context))
        for (const { concern, affectedUsers } of audit(audited).findings)
          expect(found.filter(one => one === concern)).toHaveLength(affectedUsers)
      }),
  )

  const concernsOf = createConcerns({
    groups: pool,
    hasIdentityPool: true,
    roleChecks: [{ roleArn: role('Admin'), status: 'exists', privileges: { ...NO_POLICIES, administrator: true } }],
  })
  const denied = { outcome: 'denied', rule: 'ambiguous-denied', evidence: 'documented' } as const
  const userOf = (groups: readonly string[], rest: Partial<UserAudit> = {}): UserAudit => ({
    username: 'anna',
    resolution: resolveIn(pool, groups, 'observed'),
    selection: denied,
    ...rest,
  })

  test('come in the order of severity', () => {
    expect(concernsOf(userOf(['finance', 'hr', 'ghost']))).toEqual([
      'conflicting-tie',
      'unchecked-role',
      'no-credentials',
      'unknown-group',
    ])
  })

  test('have an administrator who gets another role, but can ask for this one', () => {
    const selection = {
      outcome: 'role',
      roleArn: role('Intern'),
      rule: 'mapping-rule',
      evidence: 'documented',
    } as const
    expect(concernsOf(userOf(['admins'], { selection }))).toEqual(['unchecked-role', 'administrator-role'])
  })

  test('are none of a disabled user', () => {
    expect(concernsOf(userOf(['finance', 'hr'], { enabled: false }))).toEqual([])
  })

  test('are those of the selection at hand, also where users share a frozen resolution', () => {
    const resolution = Object.freeze(resolveIn(pool, ['admins'], 'observed'))
    const found = (selection: RoleSelection) => concernsOf({ username: 'anna', resolution, selection })
    const undetermined = { ...denied, outcome: 'undetermined', candidates: [] } as const
    for (const selection of [denied, undetermined, { ...denied }, denied].map(one => Object.freeze({ ...one })))
      expect(found(selection)).toContain(selection.outcome === 'denied' ? 'no-credentials' : 'undetermined-credentials')
  })

  test('say of roles that were not checked that they were not, once checks were asked for', () => {
    const found = (roleChecks: readonly RoleCheck[] | undefined) =>
      createConcerns({ groups: pool, roleChecks })(userOf(['admins'], { selection: undefined }))
    expect(found(undefined)).toEqual([])
    expect(found([])).toEqual(['unchecked-role'])
    expect(found([{ roleArn: role('Admin'), status: 'exists' }])).toEqual([])
    expect(found([{ roleArn: role('Admin'), status: 'missing' }])).toEqual(['missing-role'])
  })

  const check = { roleArn: role('Admin'), status: 'exists' } as const
  const trust = { trusted: true, reason: 'allowed', anyPool: false, guests: false, placeholders: [] } as const
  test.each<[string, RoleCheck, readonly AuditConcern[]]>([
    ['whose trust is not known', { ...check, trust: { ...trust, trusted: undefined } }, ['unchecked-role']],
    ['whose trust was not judged', check, ['unchecked-role']],
    ['that was not read', { ...check, status: 'unknown' }, ['unchecked-role']],
    [
      'that users of any identity pool can assume',
      { ...check, trust: { ...trust, anyPool: true } },
      ['role-open-to-others'],
    ],
    ['that guests can assume', { ...check, trust: { ...trust, guests: true } }, ['role-open-to-others']],
    ['of which that is not known', { ...check, trust: { ...trust, anyPool: undefined, guests: undefined } }, []],
    [
      'whose policies alone are not judged',
      { ...check, trust, privileges: { ...NO_POLICIES, administrator: undefined } },
      ['unjudged-privileges'],
    ],
    ['control: of which all is known', { ...check, trust, privileges: NO_POLICIES }, []],
  ])('have a role %s', (_what, roleCheck, expected) => {
    const selection = { outcome: 'role', roleArn: role('Admin'), rule: 'preferred-role', evidence: 'observed' } as const
    const found = createConcerns({ groups: pool, hasIdentityPool: true, roleChecks: [roleCheck] })
    expect(found(userOf(['admins'], { selection }))).toEqual(expected)
    for (const concern of expected)
      expect(CONCERNS[concern].severity).toBe(concern === 'unjudged-privileges' ? 'warning' : 'error')
  })
})

describe('types', () => {
  test('every concern has words, and a group of the summary is a group', () => {
    expectTypeOf(CONCERNS).toEqualTypeOf<
      Readonly<
        Record<
          AuditConcern,
          { readonly severity: Severity; readonly title: string; readonly meaning: string; readonly next: string }
        >
      >
    >()
    expectTypeOf<AuditSummary['groups'][number]>().toExtend<Group>()
  })
})
