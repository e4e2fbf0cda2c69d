import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AuditSide,
  createAuditDiff,
  DIFF_KINDS,
  type DiffUser,
  isDifferent,
  type UserDiff,
} from '../../src/audit/diff.js'
import {
  changeGroups,
  createImpact,
  emptiedGroups,
  type GroupChange,
  type MembershipChange,
} from '../../src/audit/impact.js'
import type { Semantics } from '../../src/claims/decide.js'
import { isUserDifferent } from '../../src/report/diff-text.js'
import { errorOf } from '../failure-of.js'
import { modelDiff, type ModelPool, modelRegrouped, type ModelStep, modelSteps } from '../models/diff-model.js'
import { semantics as anySemantics } from '../arbitraries.js'

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'staff', precedence: 5, roleArn: role('Staff') },
  { groupName: 'tied', precedence: 5, roleArn: null },
  { groupName: 'unranked', precedence: null, roleArn: role('Extra') },
]

interface Given {
  readonly before?: Partial<AuditSide>
  readonly after?: Partial<AuditSide>
  readonly semantics?: Semantics
  readonly anyPool?: boolean
  readonly listed?: number
}

function diffOf(old: readonly DiffUser[], users: readonly DiffUser[], { before, after, ...options }: Given = {}) {
  const diff = createAuditDiff({
    before: { groups: GROUPS, ...before },
    after: { groups: GROUPS, ...after },
    ...options,
  })
  old.forEach(diff.addBefore)
  const found: readonly UserDiff[] = [...users.map(diff.addAfter), ...diff.gone()]
  return { found, summary: diff.summary({ before: { findings: {}, changes: 0 }, after: { findings: {}, changes: 0 } }) }
}
const inShort = ({ username, presence, change }: UserDiff) => ({ username, presence, change })
const user = (username: string, ...groups: readonly string[]): DiffUser => ({ username, groups })

describe('what becomes of a user', () => {
  test.each<[string, readonly string[], readonly string[], string]>([
    ['nothing', ['admins'], ['admins'], 'same'],
    ['the order of the groups alone', ['admins', 'staff'], ['staff', 'admins'], 'same'],
    ['a group with a role', [], ['staff'], 'gained'],
    ['no group any more', ['staff'], [], 'lost'],
    ['a group that ranks higher', ['staff'], ['staff', 'admins'], 'changed'],
    ['a group whose effect is undocumented', ['staff'], ['staff', 'tied'], 'undetermined'],
    ['the same doubt', ['staff', 'tied'], ['staff', 'tied'], 'same'],
    ['a role that is never preferred', ['admins'], ['admins', 'unranked'], 'allowed-roles'],
  ])('%s', (_what, before, after, change) => {
    const { found, summary } = diffOf([user('anna', ...before)], [user('anna', ...after)])
    expect(found.map(inShort)).toEqual([{ username: 'anna', presence: 'both', change }])
    expect(summary.changes).toMatchObject({ [change]: 1 })
    expect(summary.transitions.map(one => [one.change, one.users])).toEqual(
      change === 'same' ? [] : [[change, ['anna']]],
    )
  })

  test('who is new had nothing, and who is gone has nothing', () => {
    const { found, summary } = diffOf([user('anna', 'staff'), user('bert')], [user('carl', 'admins'), user('dora')])
    expect(found.map(inShort)).toEqual([
      { username: 'carl', presence: 'new', change: 'gained' },
      { username: 'dora', presence: 'new', change: 'same' },
      { username: 'anna', presence: 'gone', change: 'lost' },
      { username: 'bert', presence: 'gone', change: 'same' },
    ])
    expect(summary).toMatchObject({
      newUsers: { count: 2, users: ['carl', 'dora'] },
      goneUsers: { count: 2, users: ['anna', 'bert'] },
      changes: { gained: 1, lost: 1, same: 2 },
    })
  })

  test('the precedence of a group alone changes the role of its members', () => {
    const groups = [{ ...GROUPS[0]!, precedence: 9 }, ...GROUPS.slice(1)]
    const { found, summary } = diffOf([user('anna', 'admins', 'staff')], [user('anna', 'admins', 'staff')], {
      after: { groups },
    })
    expect(found[0]).toMatchObject({ change: 'changed', groupsAdded: [], groupsRemoved: [] })
    expect(summary.groups).toEqual([
      {
        groupName: 'admins',
        change: 'changed',
        before: { precedence: 0, roleArn: role('Admin') },
        after: { precedence: 9, roleArn: role('Admin') },
      },
    ])
  })

  test('says which groups a user joined and left', () => {
    const { found } = diffOf([user('anna', 'admins', 'staff')], [user('anna', 'staff', 'unranked')])
    expect(found[0]).toMatchObject({ groupsAdded: ['unranked'], groupsRemoved: ['admins'] })
  })

  test('who may have been enabled or disabled since is named too, and that it is not known is reported', () => {
    const { found, summary } = diffOf(
      [user('anna', 'staff'), { ...user('bert', 'staff'), enabled: false }, user('carl', 'staff')],
      [
        { ...user('anna', 'staff'), enabled: false },
        user('bert', 'staff'),
        { ...user('carl', 'staff'), enabled: true },
      ],
    )
    expect(found.map(({ became }) => became)).toEqual(['disabled', 'enabled', undefined])
    expect(summary.disabledUsers).toEqual({ count: 1, users: ['anna'], withRole: 1 })
    expect(summary.enabledUsers).toEqual({ count: 1, users: ['bert'], withRole: 1 })
    expect(summary.notes.join()).toContain('only one audit says whether they are disabled: 3')
  })

  test('who can sign in since is named, and who cannot any more', () => {
    const { summary } = diffOf(
      [{ ...user('anna'), enabled: false }, { ...user('bert'), enabled: true }, user('carl')],
      [
        { ...user('anna'), enabled: true },
        { ...user('bert'), enabled: false },
        { ...user('carl'), enabled: true },
      ],
    )
    expect(summary).toMatchObject({ enabledUsers: { users: ['anna'] }, disabledUsers: { users: ['bert'] } })
    expect(isDifferent(summary, 'any')).toBe(true)
  })
})

describe('who is who', () => {
  const one = { username: 'anna', sub: 's-1', groups: ['admins'] }
  test('another sub under the same name is another user', () => {
    const { found } = diffOf([one], [{ ...one, sub: 's-2' }])
    expect(found.map(inShort)).toEqual([
      { username: 'anna', presence: 'new', change: 'gained' },
      { username: 'anna', presence: 'gone', change: 'lost' },
    ])
  })
  test('control: the same sub is the same user', () => {
    expect(diffOf([one], [one]).found.map(inShort)).toEqual([{ username: 'anna', presence: 'both', change: 'same' }])
  })
  test('without a sub on both sides the name decides, which is reported', () => {
    const { found, summary } = diffOf([one], [{ username: 'anna', groups: ['admins'] }])
    expect(found.map(inShort)).toEqual([{ username: 'anna', presence: 'both', change: 'same' }])
    expect(summary.notes.join()).toMatch(/matched by name only, because an audit does not have their `sub`: 1/)
  })
  test.each(['addBefore', 'addAfter'] as const)('a user who comes twice to %s is rejected', side => {
    const diff = createAuditDiff({ before: { groups: GROUPS }, after: { groups: GROUPS } })
    if (side === 'addAfter') diff.addBefore(one)
    diff[side](one)
    expect(errorOf(() => diff[side](one))).toMatchObject({ code: 'invalid-input', value: 'anna' })
  })
  test('a new user who comes twice is rejected', () => {
    const diff = createAuditDiff({ before: { groups: GROUPS }, after: { groups: GROUPS } })
    diff.addAfter(one)
    expect(errorOf(() => diff.addAfter(one))).toMatchObject({ code: 'invalid-input', value: 'anna' })
  })
})

describe('credentials', () => {
  const sides = { before: { identityPoolId: 'p' }, after: { identityPoolId: 'p' } }
  const gets = (outcome: 'role' | 'denied', name?: string): DiffUser => ({
    ...user('anna', 'staff'),
    credentials: { outcome, ...(name !== undefined && { roleArn: role(name) }) },
  })
  const doubt = (...names: readonly string[]): DiffUser => ({
    ...user('anna', 'staff'),
    credentials: {
      outcome: 'undetermined',
      candidates: names.map(name => ({ outcome: 'role' as const, roleArn: role(name) })),
    },
  })
  test.each<[string, DiffUser, DiffUser, string]>([
    ['the same role', gets('role', 'A'), gets('role', 'A'), 'same'],
    ['another role', gets('role', 'A'), gets('role', 'B'), 'changed'],
    ['a role after none', gets('denied'), gets('role', 'B'), 'gained'],
    ['none after a role', gets('role', 'B'), gets('denied'), 'lost'],
    ['a doubt after a role', gets('role', 'B'), doubt('A', 'B'), 'undetermined'],
    ['the same doubt, in another order', doubt('A', 'B'), doubt('B', 'A'), 'same'],
    ['another doubt', doubt('A', 'B'), doubt('A', 'C'), 'undetermined'],
    ['nothing where there should be something', gets('role', 'A'), user('anna', 'staff'), 'undetermined'],
    ['nothing in both', user('anna', 'staff'), user('anna', 'staff'), 'undetermined'],
  ])('%s', (_what, was, is, change) => {
    const { found, summary } = diffOf([was], [is], sides)
    expect(found[0]!.credentials!.change).toBe(change)
    expect(found[0]!.change).toBe('same')
    expect(summary.credentials!.changes).toMatchObject({ [change]: 1 })
    expect(isDifferent(summary, 'changed')).toBe(change === 'changed' || change === 'undetermined')
  })
  test('of one audit only are not compared, which is reported', () => {
    const { found, summary } = diffOf([gets('role', 'A')], [user('anna', 'staff')], { before: { identityPoolId: 'p' } })
    expect(found[0]).not.toHaveProperty('credentials')
    expect(summary).not.toHaveProperty('credentials')
    expect(summary.notes.join()).toContain('Credentials were not compared')
  })
})

describe('credentials of audits that do not go together', () => {
  const gets = (name: string): DiffUser => ({
    ...user('anna', 'staff'),
    credentials: { outcome: 'role', roleArn: role(name) },
  })
  test.each<[string, Partial<AuditSide>, Given, RegExp]>([
    ['of another identity pool', { identityPoolId: 'q' }, {}, /asked about different identity pools/],
    ['of another app client', { clientId: 'two' }, {}, /for different app clients, `one` and `two`/],
    ['of an app client that is not given', { clientId: undefined }, {}, /different app clients, `one` and none/],
    ['of another reading than the other audit', { semantics: 'documented' }, {}, /Credentials .* with other semantics/],
    ['of another reading than asked for', {}, { semantics: 'documented' }, /Credentials .* with other semantics/],
  ])('%s are not compared, which is reported', (_what, other, given, note) => {
    const side: Partial<AuditSide> = { identityPoolId: 'p', clientId: 'one', semantics: 'observed' }
    const compared = diffOf([gets('A')], [gets('B')], { before: side, after: { ...side, ...other }, ...given })
    expect(compared.found[0]).not.toHaveProperty('credentials')
    expect(compared.summary).not.toHaveProperty('credentials')
    expect(compared.summary.notes.filter(one => note.test(one))).toHaveLength(1)
    const control = diffOf([gets('A')], [gets('B')], { before: side, after: side })
    expect(control.found[0]!.credentials!.change).toBe('changed')
    expect(control.summary.notes.filter(one => note.test(one))).toEqual([])
  })
})

describe('users whose groups changed only', () => {
  const groups = [
    ...GROUPS,
    { groupName: 'readers' },
    { groupName: 'also staff', precedence: 5, roleArn: role('Staff') },
  ]
  const sides = { before: { groups }, after: { groups } }
  test.each<[string, readonly string[], readonly string[], number]>([
    ['who join a group without a role', ['admins'], ['admins', 'readers'], 1],
    ['who move between groups with one role', ['staff'], ['also staff'], 1],
    ['who leave a group that the pool does not have', ['staff', 'ghost'], ['staff'], 1],
    ['control: whose groups come in another order', ['staff', 'readers'], ['readers', 'staff'], 0],
    ['control: who have another role, too', ['readers'], ['staff'], 0],
  ])('%s', (_what, before, after, count) => {
    const { found, summary } = diffOf([user('anna', ...before)], [user('anna', ...after)], sides)
    expect(summary.regroupedUsers).toEqual({ count, users: count === 1 ? ['anna'] : [] })
    if (count === 1) expect(found[0]!.change).toBe('same')
    const hasRole = found[0]!.change !== 'same'
    expect(isDifferent(summary, 'any')).toBe(count === 1 || hasRole)
    expect(isUserDifferent(found[0]!)).toBe(count === 1 || hasRole)
  })
})

describe('what `isDifferent` says', () => {
  const kindsOf = (old: readonly DiffUser[], users: readonly DiffUser[], given?: Given) => {
    const { summary } = diffOf(old, users, given)
    return DIFF_KINDS.filter(kind => isDifferent(summary, kind))
  }
  test.each<[string, readonly string[], readonly string[], readonly string[]]>([
    ['nothing', ['staff'], ['staff'], []],
    ['a gain', [], ['staff'], ['gained', 'any']],
    ['a loss', ['staff'], [], ['lost', 'any']],
    ['a change', ['staff'], ['admins'], ['changed', 'any']],
    ['what may be any of them', ['staff'], ['staff', 'tied'], ['gained', 'lost', 'changed', 'undetermined', 'any']],
    ['another role to ask for', [], ['unranked'], ['allowed-roles', 'any']],
  ])('%s', (_what, before, after, kinds) => {
    expect(kindsOf([user('anna', ...before)], [user('anna', ...after)])).toEqual(kinds)
  })
  test.each<[string, boolean | undefined, boolean | undefined, readonly string[], readonly string[]]>([
    ['enabled again', false, true, ['staff'], ['gained', 'any']],
    ['enabled again, perhaps', false, undefined, ['staff'], ['gained', 'any']],
    ['disabled', true, false, ['staff'], ['lost', 'any']],
    ['disabled, perhaps before too', undefined, false, ['staff'], ['lost', 'any']],
    ['enabled again, without a role', false, true, [], ['any']],
    ['disabled, without a role', true, false, [], ['any']],
    ['disabled before and after', false, false, ['staff'], []],
  ])('a user who is %s', (_what, was, is, groups, kinds) => {
    expect(
      kindsOf([{ ...user('anna', ...groups), enabled: was }], [{ ...user('anna', ...groups), enabled: is }]),
    ).toEqual(kinds)
  })
  test('a user without a role who is new, a group and a finding are differences', () => {
    expect(kindsOf([], [user('anna')])).toEqual(['any'])
    expect(kindsOf([], [], { after: { groups: [...GROUPS, { groupName: 'more' }] } })).toEqual(['any'])
    const diff = createAuditDiff({ before: { groups: GROUPS }, after: { groups: GROUPS } })
    const [before, after] = [
      { findings: {}, changes: 0 },
      { findings: { 'no-role': 2 }, changes: 0 },
    ]
    expect(isDifferent(diff.summary({ before, after }), 'any')).toBe(true)
    expect(isDifferent(diff.summary({ before: after, after }), 'any')).toBe(false)
  })
})

describe('findings', () => {
  const findingsOf = (before: AuditSide, after: AuditSide) =>
    createAuditDiff({ before, after }).summary({
      before: { findings: { 'no-role': 1, undetermined: 3, 'missing-role': 0 }, changes: 0 },
      after: { findings: { 'no-role': 4, undetermined: 0, 'missing-role': 2, 'administrator-role': 1 }, changes: 0 },
    })
  test('that appeared, went, grew', () => {
    const side: AuditSide = {
      groups: GROUPS,
      roleChecks: [{ roleArn: role('Admin'), status: 'exists', privileges: { administrator: true } }],
    }
    expect(findingsOf(side, side).findings).toEqual([
      { concern: 'undetermined', change: 'gone', before: 3, after: 0 },
      { concern: 'missing-role', change: 'new', before: 0, after: 2 },
      { concern: 'administrator-role', change: 'new', before: 0, after: 1 },
      { concern: 'no-role', change: 'more', before: 1, after: 4 },
    ])
  })
  test('that only one audit looked for did not appear, which is reported', () => {
    const { findings, notes } = findingsOf({ groups: GROUPS }, { groups: GROUPS, roleChecks: [] })
    expect(findings!.map(({ concern }) => concern)).toEqual(['undetermined', 'no-role'])
    expect(notes.join()).toContain('only one audit looked them up in IAM')
  })
  test('of audits with another reading are not compared, which is reported', () => {
    const { findings, notes } = findingsOf({ groups: GROUPS, semantics: 'documented' }, { groups: GROUPS })
    expect(findings).toBeUndefined()
    expect(notes.join()).toContain('Findings were not compared')
  })
})

describe('roles', () => {
  type Checks = NonNullable<AuditSide['roleChecks']>
  const check = (name: string, administrator: boolean | undefined, trusted: boolean | 'unknown' = true) => ({
    roleArn: role(name),
    status: 'exists' as const,
    trust: { trusted: trusted === 'unknown' ? undefined : trusted, anyPool: false, guests: false },
    privileges: { administrator },
  })
  const unread = { roleArn: role('Admin'), status: 'unknown' as const }
  const summaryOf = (before: Checks, after: Checks, findings: readonly [object, object] = [{}, {}], ids = ['p', 'p']) =>
    createAuditDiff({
      before: { groups: GROUPS, identityPoolId: ids[0], roleChecks: before },
      after: { groups: GROUPS, identityPoolId: ids[1], roleChecks: after },
    }).summary({ before: { findings: findings[0], changes: 0 }, after: { findings: findings[1], changes: 0 } })

  test('that swap what they may do are named, though the number of the finding is the same', () => {
    const one = { 'administrator-role': 1 }
    const summary = summaryOf(
      [check('Admin', true), check('User', false)],
      [check('Admin', false), check('User', true)],
      [one, one],
    )
    expect(summary.findings).toEqual([])
    expect(summary.roles!.map(({ roleArn, change }) => [roleArn, change])).toEqual([
      [role('Admin'), 'changed'],
      [role('User'), 'changed'],
    ])
    expect(summary.roles![1]).toMatchObject({ before: { administrator: false }, after: { administrator: true } })
    expect(isDifferent(summary, 'any')).toBe(true)
  })
  test('control: with the same checks in another order nothing is different', () => {
    const [one, other] = [check('Admin', true), check('User', undefined)]
    const summary = summaryOf([one, other], [other, one])
    expect(summary.roles).toEqual([])
    expect(isDifferent(summary, 'any')).toBe(false)
  })
  test.each<[string, Checks, object]>([
    ['the status', [unread], { status: 'unknown' }],
    ['the trust', [check('Admin', true, 'unknown')], { trusted: 'unknown' }],
    ['what they may do', [check('Admin', undefined)], { administrator: 'unknown' }],
  ])('whose check ends without %s are different', (_what, after, state) => {
    expect(summaryOf([check('Admin', true)], after).roles).toMatchObject([{ change: 'changed', after: state }])
  })
  test('that only one audit has, and that are missing since', () => {
    const missing = { roleArn: role('User'), status: 'missing' as const }
    expect(summaryOf([check('Admin', true), check('User', true)], [missing, check('New', true)]).roles).toMatchObject([
      { roleArn: role('Admin'), change: 'gone' },
      { roleArn: role('New'), change: 'new' },
      { roleArn: role('User'), change: 'changed', after: { status: 'missing' } },
    ])
  })
  test('are not compared in what only one audit looked at', () => {
    const { privileges: _not, ...before } = check('Admin', true)
    expect(summaryOf([before], [check('Admin', true, false)], undefined, ['p', 'q']).roles).toEqual([])
    expect(summaryOf([before], [check('Admin', true, false)]).roles).toMatchObject([{ after: { trusted: false } }])
  })
  test.each<[string, string, Checks]>([
    ['missing-role', 'does not say whether they exist', [unread]],
    ['untrusted-role', 'does not say whom they trust', [check('User', false, 'unknown')]],
    ['administrator-role', 'does not say what they may do', [check('User', undefined)]],
    ['role-open-to-others', 'does not say whom they trust', [{ ...check('User', false), trust: undefined }]],
  ])('a finding %s is not gone where a check %s', (concern, _what, after) => {
    for (const left of [0, 1]) {
      const counts = [{ [concern]: 2 }, { [concern]: left }] as const
      const { findings, notes } = summaryOf([check('User', true)], after, counts)
      expect(findings).toEqual([{ concern, change: 'undetermined', before: 2, after: left }])
      expect(notes.join()).toContain('the second audit could not check completely: 1')
    }
    const whole = summaryOf([check('User', true)], [check('User', false)], [{ [concern]: 2 }, {}])
    expect(whole.findings).toEqual([{ concern, change: 'gone', before: 2, after: 0 }])
  })
  test('that the first audit did not check may have had the finding, which is reported', () => {
    const { notes } = summaryOf([unread], [check('Admin', true)])
    expect(notes.join()).toContain('the first audit could not check completely: 1. Findings about them may not be new')
  })
})

test('that other findings are compared by number only is reported where both audits have one', () => {
  const said = (before: number, after: number) =>
    createAuditDiff({ before: { groups: GROUPS }, after: { groups: GROUPS } })
      .summary({
        before: { findings: { 'no-role': before }, changes: 0 },
        after: { findings: { 'no-role': after }, changes: 0 },
      })
      .notes.join()
  expect(said(2, 2)).toContain('compared by number only')
  expect(said(0, 2)).not.toContain('by number only')
})

test('roles that no user gets are compared with one identity pool only, which is reported', () => {
  const ends = {
    before: { findings: {}, changes: 0 },
    after: { findings: { 'role-nobody-gets': 2 }, changes: 0 },
  } as const
  const of = (identityPoolId?: string) => {
    const side = { groups: GROUPS, ...(identityPoolId !== undefined && { identityPoolId }) }
    const { findings, notes } = createAuditDiff({ before: { groups: GROUPS }, after: side }).summary(ends)
    return { found: findings!.length, isSaid: notes.join().includes('roles that no user gets was not compared') }
  }
  expect(of('p')).toEqual({ found: 0, isSaid: true })
  expect(of(), 'control').toEqual({ found: 1, isSaid: false })
})

describe('audits that cannot be compared', () => {
  const of = (userPoolId: string, startedAt: string): AuditSide => ({
    groups: GROUPS,
    reading: { source: 'cognito', userPoolId, startedAt },
  })
  const [first, second] = ['2026-11-01T00:00:00.000Z', '2026-11-02T00:00:00.000Z']
  test('of two pools are rejected', () => {
    const sides = { before: of('eu-west-1_a', first), after: of('eu-west-1_b', second) }
    expect(errorOf(() => createAuditDiff(sides))).toMatchObject({ code: 'invalid-input', value: 'eu-west-1_b' })
    const diff = createAuditDiff({ ...sides, anyPool: true })
    diff.addBefore({ username: 'anna', sub: '1', groups: [] })
    expect(diff.addAfter({ username: 'anna', sub: '2', groups: [] }).presence).toBe('both')
    expect(diff.summary().notes.join()).toContain('different user pools')
  })
  test('in the wrong order are rejected: a gain would look like a loss', () => {
    expect(errorOf(() => createAuditDiff({ before: of('p', second), after: of('p', first) }))).toMatchObject({
      code: 'invalid-input',
    })
    expect(() => createAuditDiff({ before: of('p', first), after: of('p', second) })).not.toThrow()
  })
  test('`anyPool` does not loosen the comparison of two audits of one pool', () => {
    const diff = createAuditDiff({ before: of('p', first), after: of('p', second), anyPool: true })
    diff.addBefore({ username: 'anna', sub: '1', groups: [] })
    expect(diff.addAfter({ username: 'anna', sub: '2', groups: [] }).presence).toBe('new')
  })
})

test('lists have the first names only, and count all', () => {
  const users = Array.from({ length: 5 }, (_, n) => user(`u${n}`, 'staff'))
  const { summary } = diffOf([], users, { listed: 2 })
  expect(summary.newUsers).toEqual({ count: 5, users: ['u0', 'u1'] })
  expect(summary.transitions).toMatchObject([{ count: 5, users: ['u0', 'u1'] }])
})

// ------------------------------------------------------------------ Brute force

const NAMES = ['a', 'b', 'c', '__proto__', 'a,b']
const groupsIn = fc.uniqueArray(fc.constantFrom(...NAMES)).chain(names =>
  fc.tuple(
    ...names.map(groupName =>
      fc.record({
        groupName: fc.constant(groupName),
        precedence: fc.option(fc.nat({ max: 2 })),
        roleArn: fc.option(fc.constantFrom(role('A'), role('B'), role('C'))),
      }),
    ),
  ),
)
const modelPools: fc.Arbitrary<ModelPool> = fc.record({
  groups: groupsIn,
  users: fc.uniqueArray(
    fc.record({
      username: fc.constantFrom('u', 'v', 'w', 'x', '__proto__', 'constructor'),
      sub: fc.option(fc.constantFrom('s1', 's2'), { nil: undefined }),
      groups: fc.subarray([...NAMES, 'ghost']),
    }),
    { selector: ({ username }) => username },
  ),
})

test('200 random pools: the difference of two audits is what the model says', () => {
  fc.assert(
    fc.property(modelPools, modelPools, anySemantics, (before, after, semantics) => {
      const { found, summary } = diffOf(before.users, after.users, {
        before: { groups: before.groups },
        after: { groups: after.groups },
        semantics,
      })
      const expected = modelDiff(before, after, semantics)
      expect(found.map(inShort)).toEqual(expected)
      for (const kind of ['gained', 'lost', 'changed', 'undetermined', 'allowed-roles'] as const)
        expect(summary.changes[kind]).toBe(expected.filter(one => one.change === kind).length)
      expect(summary.newUsers.count).toBe(expected.filter(one => one.presence === 'new').length)
      expect(summary.goneUsers.count).toBe(expected.filter(one => one.presence === 'gone').length)
      const regrouped = modelRegrouped(before, after)
      const same = new Set(expected.filter(one => one.change === 'same').map(({ username }) => username))
      expect(summary.regroupedUsers.users).toEqual(regrouped.filter(name => same.has(name)))
      const isOther = expected.some(one => one.change !== 'same' || one.presence !== 'both')
      const isAny = isOther || regrouped.length > 0 || summary.groups.length > 0
      expect(isDifferent(summary, 'any')).toBe(isAny)
    }),
    { numRuns: 200 },
  )
})

const steps = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constantFrom('group' as const),
      groupName: fc.constantFrom(...NAMES),
      precedence: fc.option(fc.nat({ max: 2 })),
      roleArn: fc.option(fc.constantFrom(role('A'), role('B'))),
      remove: fc.boolean(),
    }),
    fc.record({
      kind: fc.constantFrom('member' as const),
      groupName: fc.constantFrom(...NAMES),
      username: fc.constantFrom('u', 'v', 'w', '__proto__'),
      change: fc.constantFrom('add' as const, 'remove' as const),
    }),
  ),
  { maxLength: 6 },
)

test('200 random pools: the impact of new groups and memberships is what the model says', () => {
  fc.assert(
    fc.property(modelPools, steps, anySemantics, (pool, given, semantics) => {
      // What the pool cannot have is left out, as the command refuses it.
      const names = new Set(pool.groups.map(({ groupName }) => groupName))
      const changes: GroupChange[] = []
      const modelled: ModelStep[] = []
      for (const step of given) {
        if (step.kind !== 'group') continue
        const { groupName, precedence, roleArn, remove } = step
        if (!names.has(groupName)) {
          names.add(groupName)
          changes.push({ groupName, add: true, precedence, roleArn })
          modelled.push({ add: groupName, precedence, roleArn })
        } else if (remove) {
          names.delete(groupName)
          changes.push({ groupName, remove: true })
          modelled.push({ remove: groupName })
        } else {
          changes.push({ groupName, precedence, roleArn })
          modelled.push({ set: groupName, precedence, roleArn })
        }
      }
      const memberships: MembershipChange[] = []
      for (const step of given) {
        if (step.kind !== 'member') continue
        const { groupName, username, change } = step
        memberships.push({ username, groupName, change })
        modelled.push(change === 'add' ? { join: groupName, user: username } : { leave: groupName, user: username })
      }
      const after = modelSteps(pool, modelled)
      const impactOn = createImpact(pool.groups, changeGroups(pool.groups, changes), {
        semantics,
        memberships,
        emptied: emptiedGroups(changes),
      })
      const found = pool.users.map(impactOn).map(({ username, change }) => ({ username, presence: 'both', change }))
      const strip = ({ groups, users }: ModelPool): ModelPool => ({
        groups,
        users: users.map(({ username, groups: own }) => ({ username, groups: own })),
      })
      expect(found).toEqual(modelDiff(strip(pool), strip(after), semantics))
    }),
    { numRuns: 200 },
  )
})

test('control: the model sees a new group whose members are kept by mistake', () => {
  const pool: ModelPool = { groups: [GROUPS[0]!], users: [{ username: 'u', groups: ['admins'] }] }
  const changes: readonly GroupChange[] = [
    { groupName: 'admins', remove: true },
    { groupName: 'admins', add: true, precedence: 0, roleArn: role('Admin') },
  ]
  const after = modelSteps(pool, [{ remove: 'admins' }, { add: 'admins', precedence: 0, roleArn: role('Admin') }])
  expect(modelDiff(pool, after, 'observed')[0]!.change).toBe('lost')
  expect(createImpact(pool.groups, changeGroups(pool.groups, changes))(pool.users[0]!).change).toBe('same')
  const emptied = emptiedGroups(changes)
  expect(createImpact(pool.groups, changeGroups(pool.groups, changes), { emptied })(pool.users[0]!).change).toBe('lost')
})
