import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import { fromPool } from '../../src/rules/live-pool.js'
import { validateAll } from '../../src/rules/validate.js'
import { readListedGroups } from '../../src/template/list-groups.js'
import { errorOf } from '../failure-of.js'

const UserPoolId = 'eu-west-1_Ab12Cd34E'
const ADMIN = 'arn:aws:iam::111122223333:role/Admin'
const EDITOR = 'arn:aws:iam::111122223333:role/Editor'
const Groups = [
  { GroupName: 'admins', UserPoolId, Description: 'x', RoleArn: ADMIN, Precedence: 1, CreationDate: '2026-01-02' },
  { GroupName: 'editors', UserPoolId, RoleArn: EDITOR, Precedence: 1 },
  { GroupName: 'guests', UserPoolId, RoleArn: '', Precedence: null },
]
const read = (value: unknown) => readListedGroups(JSON.stringify(value, null, 2), 'groups.json')
const findings = (value: unknown) => validateAll([read(value)], { today: '2026-11-29' })

describe('what `aws cognito-idp list-groups` prints', () => {
  test('is the groups of a pool, with their locations', () => {
    const infrastructure = read({ Groups })
    expect(infrastructure).toMatchObject({ format: 'user-pool', paths: ['groups.json'], notFollowed: [] })
    expect(infrastructure.pools).toEqual([{ id: UserPoolId, name: UserPoolId, userPoolId: UserPoolId }])
    expect(infrastructure.groups).toMatchObject([
      {
        pool: UserPoolId,
        groupName: { value: 'admins' },
        precedence: { value: 1 },
        role: { value: { kind: 'arn', id: ADMIN } },
        location: { line: 3, column: 5, construct: 'admins' },
      },
      { groupName: { value: 'editors' } },
      { precedence: { is: 'absent' }, role: { is: 'absent' } },
    ])
  })

  test('is judged as the live pool is', () => {
    const live = fromPool({
      userPoolId: UserPoolId,
      groups: Groups.map(({ GroupName, RoleArn, Precedence }) => ({
        groupName: GroupName,
        roleArn: RoleArn,
        precedence: Precedence,
      })),
    })
    const said = (found: ReturnType<typeof validateAll>) => found.map(({ ruleId, message }) => [ruleId, message])
    const expected = said(validateAll([live], { today: '2026-11-29' }))
    expect(said(findings({ Groups }))).toEqual(expected)
    expect(
      expected.map(([ruleId]) => ruleId),
      'control',
    ).toContain('COG101')
  })

  test('has a finding for a key that is misspelt, at the key, and none for a key that AWS may add', () => {
    const [admins, ...others] = Groups
    const misspelt = { ...admins, RoleArn: undefined, RoleARN: ADMIN, Descripton: 'x', Type: 'y' }
    expect(
      findings({ Groups }).map(({ ruleId }) => ruleId),
      'control',
    ).not.toContain('COG141')
    const found = findings({ Groups: [misspelt, ...others] }).filter(({ ruleId }) => ruleId === 'COG141')
    expect(found).toMatchObject([
      {
        severity: 'error',
        message: expect.stringContaining(
          '`admins` has the property `RoleARN`, which its type does not have; did you mean',
        ),
        location: { line: 9, column: 7 },
      },
    ])
  })

  test('of several pools is each its own', () => {
    const other = 'eu-west-1_Other1234'
    const several = Groups.map((group, index) => (index === 1 ? { ...group, UserPoolId: other } : group))
    expect(read({ Groups: several }).pools.map(({ id }) => id)).toEqual([UserPoolId, other])
    expect(findings({ Groups: several }).map(({ ruleId }) => ruleId)).not.toContain('COG101')
  })

  test('that is incomplete is reported as incomplete: it never looks like the whole pool', () => {
    expect(findings({ Groups: Groups.slice(0, 1), NextToken: 'more' })).toMatchObject([
      { ruleId: 'COG194', message: expect.stringContaining('`NextToken` is set') },
    ])
    for (const NextToken of [null, '', undefined])
      expect(findings({ Groups: Groups.slice(0, 1), NextToken }), 'control').toEqual([])
  })

  test('may be YAML', () => {
    const yaml = `Groups:\n- GroupName: admins\n  Precedence: 1\n  UserPoolId: ${UserPoolId}\n`
    expect(readListedGroups(yaml, 'g.yaml').groups).toMatchObject([
      { groupName: { value: 'admins' }, precedence: { value: 1 } },
    ])
  })
})

test('a snapshot says its pool once', () => {
  const { pools, groups } = read({ version: 1, userPoolId: UserPoolId, takenAt: 1, Groups: [{ GroupName: 'a' }] })
  expect([pools.map(({ id }) => id), groups.map(({ pool }) => pool)]).toEqual([[UserPoolId], [UserPoolId]])
  expect(read({ version: 1, userPoolId: UserPoolId, takenAt: 1, Groups: [] }).pools).toHaveLength(1)
})

test('names are names, and two groups of one name are two', () => {
  const { groups, pools } = read({ Groups: [{ GroupName: '__proto__' }, { GroupName: '__proto__' }] })
  expect([new Set(groups.map(({ id }) => id)).size, pools]).toEqual([2, [{ id: 'groups.json', name: 'groups.json' }]])
})

test.each([
  [{}, 'it has no list `Groups`'],
  [{ Groups: [{}] }, 'a group has no `GroupName`'],
  [{ Groups: ['a'] }, 'a group has no `GroupName`'],
  [{ Groups: [{ GroupName: '' }] }, 'a group has no `GroupName`'],
])('%j is rejected: %s', (value, message) => {
  const error = errorOf(() => read(value))
  expect([error.code, error.message]).toEqual([
    'invalid-input',
    expect.stringMatching(
      new RegExp(`^\`groups.json:\\d+:\\d+\` cannot be used: ${message}; make it with \`aws cognito-idp list-groups`),
    ),
  ])
})

test('a damaged file is read, or rejected with its location, and nothing else', () => {
  const text = JSON.stringify({ Groups }, null, 1)
  const cut = fc
    .tuple(fc.nat(), fc.nat(9), fc.constantFrom('', '{', '[', ',', '!Ref ', '*a', '"'))
    .map(([at, length, put]) => text.slice(0, at % text.length) + put + text.slice((at % text.length) + length))
  fc.assert(
    fc.property(cut, damaged => {
      try {
        expect(readListedGroups(damaged, 'g')).toHaveProperty('groups')
      } catch (error) {
        if (!isRolecastError(error)) throw error
        expect(error.code).toBe('invalid-input')
      }
    }),
  )
})
