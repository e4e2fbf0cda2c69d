import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { breakParts } from '../../docs/.vitepress/theme/playground/break-parts.js'
import { withContentSecurityPolicy } from '../../docs/.vitepress/content-security.js'
import { markedLines } from '../../docs/.vitepress/theme/playground/code-frame.js'
import type { Fault } from '../../docs/.vitepress/theme/playground/fault.js'
import { forecast, memberGroups, rowFaults } from '../../docs/.vitepress/theme/playground/forecast.js'
import { credentialsOf, readMappings, trustOf } from '../../docs/.vitepress/theme/playground/identity-pool.js'
import {
  addRow,
  changeRow,
  moveRow,
  removeRow,
  rowAfterRemoval,
  tickOnly,
  withKeys,
} from '../../docs/.vitepress/theme/playground/rows.js'
import { sentenceParts } from '../../docs/.vitepress/theme/playground/sentence.js'
import {
  EXAMPLES,
  type GroupRow,
  MAX_LENGTHS,
  MAX_ROWS,
  roleArn,
  START,
} from '../../docs/.vitepress/theme/playground/state.js'
import { compareToken } from '../../docs/.vitepress/theme/playground/token.js'
import { quote } from '../../src/errors.js'
import { accessTokenClaims, resolveRoles, selectRoleFor, SEMANTICS, trustsIdentityPool } from '../../src/index.js'
import { printable } from '../../src/text.js'
import { groupNames, precedenceNumbers, semantics } from '../arbitraries.js'
import { accessToken, idToken, ISSUED_AT, ISSUER, unsigned } from '../calibrate/tokens.js'

/** Rows that a user pool can have. */
const validRows: fc.Arbitrary<readonly GroupRow[]> = fc.uniqueArray(
  fc.record({
    name: groupNames,
    precedence: fc.option(
      fc.oneof(fc.nat(2), precedenceNumbers).map(number => String(number)),
      { nil: null },
    ),
    roleArn: fc.constantFrom('', roleArn('A'), roleArn('B')),
    isMember: fc.boolean(),
  }),
  { selector: ({ name }) => name, maxLength: 6 },
)
const row = (some: Partial<GroupRow> = {}): GroupRow => ({
  name: 'a',
  precedence: null,
  roleArn: '',
  isMember: true,
  ...some,
})

function resultOf<T>(made: { readonly is: 'result'; readonly result: T } | { readonly is: 'fault' }): T {
  if (made.is === 'fault') throw new Error(`a fault: ${JSON.stringify(made)}`)
  return made.result
}

describe('the forecast', () => {
  test('is what `resolveRoles` says of the ticked groups, in each reading', () => {
    fc.assert(
      fc.property(validRows, semantics, (rows, chosen) => {
        const groups = rows
          .filter(({ isMember }) => isMember)
          .map(({ name, precedence, roleArn: role }) => ({
            groupName: name,
            precedence: precedence === null ? null : Number(precedence),
            roleArn: role,
          }))
        const expected = resolveRoles(groups, { semantics: chosen })
        const { resolution, readings, tokens, ladder } = resultOf(forecast(rows, chosen))
        expect(resolution).toEqual(expected)
        expect(readings.map(({ outcome, preferredRole }) => [outcome, preferredRole])).toEqual(
          SEMANTICS.map(one => resolveRoles(groups, { semantics: one })).map(one => [one.outcome, one.preferredRole]),
        )
        const [id, access] = tokens.map(token =>
          Object.fromEntries(token.claims.filter(({ values }) => values.length > 0).map(one => [one.name, one.values])),
        )
        const { 'cognito:preferred_role': preferred, ...lists } = expected.claims
        expect(id).toEqual({ ...lists, ...(preferred !== undefined && { 'cognito:preferred_role': [preferred] }) })
        expect(access).toEqual(accessTokenClaims(expected))
        const shown = ladder.flatMap(level => level.groups)
        expect(shown.map(({ name }) => name).toSorted()).toEqual(groups.map(({ groupName }) => groupName).toSorted())
        expect(
          shown
            .filter(({ decides }) => decides)
            .map(({ name }) => name)
            .toSorted(),
        ).toEqual([...expected.determiningGroups].toSorted())
      }),
    )
  })

  test('of a group without a precedence is another one than of 0, and of an empty field there is none', () => {
    const of = (precedence: string | null) => forecast([row({ precedence, roleArn: roleArn('A') })], 'observed')
    expect(resultOf(of(null)).resolution.outcome).toBe('none')
    expect(resultOf(of('0')).resolution.outcome).toBe('resolved')
    expect(of('').is).toBe('fault')
    expect(of('  ').is).toBe('fault')
  })

  test('marks the readings that differ from the one that is chosen', () => {
    const differing = (chosen: 'observed' | 'documented') =>
      resultOf(forecast(START.groups, chosen))
        .readings.filter(({ differs }) => differs)
        .map(one => one.semantics)
    expect(differing('observed')).toEqual(['documented'])
    expect(differing('documented')).toEqual(['observed', 'roles-compete', 'tied-groups-agree'])
  })

  test('of the examples is what their titles say', () => {
    const outcomes = EXAMPLES.map(({ groups }) => resultOf(forecast(groups, 'observed')).resolution)
    expect(outcomes.map(({ outcome, rule }) => `${outcome} ${rule}`)).toEqual([
      'none no-precedence',
      'resolved lowest-precedence',
      'ambiguous conflicting-roles',
      'resolved lowest-precedence',
      'undetermined roleless-contender',
      'none no-precedence',
    ])
    expect(outcomes[1]!.preferredRole).toBe(roleArn('Admin'))
    expect(outcomes[3]!.determiningGroups).toEqual(['editors'])
  })

  test.each([
    [row({ name: '' }), 'name', 'Enter a name'],
    [row({ name: 'a b' }), 'name', 'no white space'],
    [row({ name: 'a\u202eb' }), 'name', '\\u{202e}'],
    [row({ name: 'x'.repeat(129) }), 'name', '1 to 128'],
    [row({ precedence: '' }), 'precedence', 'No precedence'],
    [row({ precedence: 'abc' }), 'precedence', '`abc`'],
    [row({ precedence: '-1' }), 'precedence', '`-1`'],
    [row({ precedence: '1.5' }), 'precedence', '`1.5`'],
    [row({ precedence: '2147483648' }), 'precedence', '`2147483648`'],
    // As a number of JavaScript it is an integer.
    [row({ precedence: '1.00000000000000000001' }), 'precedence', '`1.00000000000000000001`'],
    [row({ precedence: '1e3' }), 'precedence', '`1e3`'],
    [row({ roleArn: 'Admin' }), 'roleArn', '`Admin`'],
  ] as const)('of %j is not made, and the field %s says why', (one, field, says) => {
    expect(rowFaults([one])).toEqual([{ field, says: expect.stringContaining(says) }])
    expect(forecast([one], 'observed')).toMatchObject({
      is: 'fault',
      fault: { message: expect.stringContaining('group 1') },
    })
  })

  test('is not made with a role that is too long: the field takes more than Cognito does, and cuts nothing off', () => {
    const tooLong = row({ roleArn: roleArn('x'.repeat(2_049 - roleArn('').length)) })
    expect(tooLong.roleArn.length).toBeLessThan(MAX_LENGTHS.roleArn)
    expect(rowFaults([tooLong])).toMatchObject([{ field: 'roleArn' }])
    expect(rowFaults([{ ...tooLong, roleArn: tooLong.roleArn.slice(0, -1) }])).toEqual([undefined])
  })

  test('is not made where two groups have one name, even if the user is in one of them only', () => {
    const two = [row({ precedence: '1' }), row({ precedence: '2', isMember: false })]
    expect(rowFaults(two).map(fault => fault?.field)).toEqual(['name', 'name'])
    expect(forecast(two, 'observed').is).toBe('fault')
  })

  test('does not depend on what is wrong with a group that the user is not in', () => {
    const rows = [row(), row({ name: '', isMember: false })]
    expect(resultOf(forecast(rows, 'observed')).resolution.groups).toEqual(['a'])
  })

  test('control: the largest precedence, spaces around it, and a name of 128 characters are none of these faults', () => {
    const fine = [row({ name: 'x'.repeat(128), precedence: ' 2147483647 ', roleArn: roleArn('A') })]
    expect(rowFaults(fine)).toEqual([undefined])
    expect(memberGroups(fine)[0]!.precedence).toBe(2_147_483_647)
  })
})

test('a name may be broken after each separator, and nowhere else', () => {
  expect(breakParts('cognito:preferred_role')).toEqual(['cognito:', 'preferred_', 'role'])
  expect(breakParts('arn:aws:iam::111122223333:role/Admin')).toEqual([
    'arn:',
    'aws:',
    'iam::',
    '111122223333:',
    'role/',
    'Admin',
  ])
  expect(breakParts('admins')).toEqual(['admins'])
})

describe('the rows', () => {
  const keyed = (count: number) => {
    let key = 0
    return withKeys(
      Array.from({ length: count }, (_, index) => row({ name: `g${index}` })),
      () => ++key,
    )
  }

  test('keep their keys when one is moved, and what is at the end stays', () => {
    const rows = keyed(3)
    expect(moveRow(rows, 2, -1).map(({ key }) => key)).toEqual([2, 1, 3])
    expect(moveRow(rows, 2, 1).map(({ key }) => key)).toEqual([1, 3, 2])
    expect(moveRow(rows, 1, -1)).toEqual(rows)
    expect(moveRow(rows, 3, 1)).toEqual(rows)
    expect(moveRow(rows, 9, 1)).toEqual(rows)
  })

  test('of another state have the keys of the rows in their places, so that the keyboard stays in its field', () => {
    let key = 10
    const states = (count: number) =>
      withKeys(
        Array.from({ length: count }, () => row({ name: 'other' })),
        () => ++key,
        keyed(2),
      )
    expect(states(3).map(one => [one.key, one.row.name])).toEqual([
      [1, 'other'],
      [2, 'other'],
      [11, 'other'],
    ])
    expect(states(1).map(one => one.key)).toEqual([1])
  })

  test('lead the keyboard to the next one when one is removed, else to the one before', () => {
    const rows = keyed(3)
    expect([1, 2, 3].map(key => rowAfterRemoval(rows, key))).toEqual([2, 3, 2])
    expect(rowAfterRemoval(keyed(1), 1)).toBeUndefined()
    expect(removeRow(rows, 2).map(({ key }) => key)).toEqual([1, 3])
  })

  test('are no more than a user can have groups', () => {
    expect(addRow(keyed(MAX_ROWS - 1), 1_000)).toHaveLength(MAX_ROWS)
    expect(addRow(keyed(MAX_ROWS), 1_000)).toHaveLength(MAX_ROWS)
  })

  test('change one at a time, and are ticked by name', () => {
    expect(changeRow(keyed(2), 2, { precedence: '0' }).map(one => one.row.precedence)).toEqual([null, '0'])
    expect(tickOnly(keyed(3), ['g1', 'other']).map(one => one.row.isMember)).toEqual([false, true, false])
  })
})

describe('the identity pool', () => {
  const { resolution } = resultOf(forecast(START.groups, 'observed'))

  test('gives what `selectRoleFor` says, for each mapping', () => {
    fc.assert(
      fc.property(
        validRows,
        fc.constantFrom('none', 'Token', 'Rules'),
        fc.constantFrom('', 'Deny', 'AuthenticatedRole'),
        (rows, mapping, ambiguous) => {
          const made = resultOf(forecast(rows, 'observed')).resolution
          const { selection } = resultOf(
            credentialsOf(made, {
              ...START.identityPool,
              mapping,
              ambiguousRoleResolution: ambiguous,
            } as typeof START.identityPool),
          )
          const fallback = ambiguous === '' ? {} : { AmbiguousRoleResolution: ambiguous as 'Deny' }
          const given =
            mapping === 'none'
              ? undefined
              : mapping === 'Token'
                ? { Type: 'Token' as const, ...fallback }
                : {
                    Type: 'Rules' as const,
                    ...fallback,
                    RulesConfiguration: { Rules: JSON.parse(START.identityPool.rules) as [] },
                  }
          expect(selection).toEqual(selectRoleFor(made, given, { roles: { authenticated: roleArn('Authenticated') } }))
        },
      ),
    )
  })

  test('says which rules cannot be used, with the code of the error', () => {
    const of = (rules: string) => credentialsOf(resolution, { ...START.identityPool, mapping: 'Rules', rules })
    expect(of('[')).toEqual({ is: 'fault', fault: { message: expect.stringContaining('not JSON') } })
    expect(of('[{"Claim":"a"}]')).toMatchObject({ is: 'fault', fault: { code: 'invalid-option' } })
    expect(of('{}')).toMatchObject({ is: 'fault', fault: { code: 'invalid-option' } })
    expect(of('[]').is).toBe('result')
  })

  test('is read from what get-identity-pool-roles prints', () => {
    const printed = {
      IdentityPoolId: START.trust.identityPoolId,
      Roles: { authenticated: roleArn('Auth'), unauthenticated: roleArn('Guest') },
      RoleMappings: {
        'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A:c1': {
          Type: 'Token',
          AmbiguousRoleResolution: 'AuthenticatedRole',
        },
        'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_A:c2': { Type: 'Rules', RulesConfiguration: { Rules: [] } },
      },
    }
    const [one, two] = resultOf(readMappings(JSON.stringify(printed), START.identityPool))
    expect(one).toMatchObject({
      provider: expect.stringMatching(/:c1$/),
      fields: { mapping: 'Token', ambiguousRoleResolution: 'AuthenticatedRole', authenticatedRole: roleArn('Auth') },
    })
    expect(two!.fields).toMatchObject({ mapping: 'Rules', ambiguousRoleResolution: '', rules: '[]' })
    expect(resultOf(readMappings('{"Roles":{}}', START.identityPool))).toMatchObject([
      { fields: { mapping: 'none', authenticatedRole: '' } },
    ])
    expect(resultOf(readMappings('{"Type":"Token"}', START.identityPool))[0]!.fields.authenticatedRole).toBe(
      START.identityPool.authenticatedRole,
    )
  })

  test.each([
    '',
    '[]',
    '{}',
    '{"Type":"x"}',
    '{"RoleMappings":{"a":1}}',
    '{"Type":"Token","AmbiguousRoleResolution":1}',
    // None of these says that there is no mapping, or no authenticated role.
    '{"Roles":{"authenticated":5}}',
    '{"Roles":{"Authenticated":"arn:aws:iam::111122223333:role/Auth"}}',
    '{"Roles":"arn:aws:iam::111122223333:role/Auth"}',
    '{"Roles":["arn:aws:iam::111122223333:role/Auth"],"RoleMappings":{}}',
    '{"Roles":{},"RoleMappings":[{"Type":"Token"}]}',
    '{"Roles":{},"RoleMappings":"Token"}',
    '{"Roles":{},"RoleMappings":{"a":{"Type":"Token"}},"RoleMappings":{}}',
    `{"Type":"Rules","RulesConfiguration":{"Rules":${'['.repeat(40_000)}${']'.repeat(40_000)}}}`,
  ])('is not read from %j', text => {
    expect(readMappings(text, START.identityPool).is).toBe('fault')
  })

  test('control: without these mistakes, there is no mapping, and there are roles', () => {
    const of = (text: string) => resultOf(readMappings(text, START.identityPool)).map(({ fields }) => fields)
    expect(of('{"Roles":{"authenticated":"a","unauthenticated":"b"},"RoleMappings":{}}')).toMatchObject([
      { mapping: 'none', authenticatedRole: 'a' },
    ])
    expect(of('{"RoleMappings":{"a":{"Type":"Token"}}}')).toMatchObject([{ mapping: 'Token', authenticatedRole: '' }])
  })

  test('does not guess which of two equal keys of a rule counts', () => {
    const rule = '{"Claim":"cognito:groups","MatchType":"Contains","Value":"admins","RoleARN":"r"}'
    const of = (rules: string) => credentialsOf(resolution, { ...START.identityPool, mapping: 'Rules', rules })
    expect(of(`[${rule.replace('}', ',"Value":"other"}')}]`)).toEqual({
      is: 'fault',
      fault: { message: expect.stringContaining('a key twice') },
    })
    expect(resultOf(of(`[${rule}]`)).selection).toMatchObject({ outcome: 'role', rule: 'mapping-rule' })
  })

  test('trust: the verdict is that of `trustsIdentityPool`, and nothing else is open by default', () => {
    const { trust, notes } = resultOf(trustOf(START.trust))
    expect(trust).toEqual(trustsIdentityPool(START.trust.policy, START.trust.identityPoolId))
    expect([trust.trusted, notes]).toEqual([true, []])
    // As errors about statements count them.
    const { reason } = resultOf(trustOf(START.trust))
    const { fault } = trustOf({ ...START.trust, policy: '{"Statement":[{"Effect":"x"}]}' }) as { readonly fault: Fault }
    expect([reason, fault.message]).toEqual([
      expect.stringContaining('statement 0'),
      expect.stringContaining('statement 0'),
    ])
  })

  test('trust: a policy without a condition is said to be open to any pool and to guests', () => {
    const policy = START.trust.policy.replace(/"Condition"[^]*\}\s*\}\s*\]/, '"Sid": "a" }]')
    const { verdict, notes } = resultOf(trustOf({ ...START.trust, policy }))
    expect(verdict).toMatch(/^Not known/)
    expect(notes.join(' ')).toMatch(/any identity pool.*[Gg]uests/)
  })

  test('trust: what is no policy is a fault with a code', () => {
    expect(trustOf({ ...START.trust, policy: '{' })).toMatchObject({ is: 'fault', fault: { code: 'invalid-option' } })
    expect(trustOf({ ...START.trust, identityPoolId: 'x' })).toMatchObject({
      is: 'fault',
      fault: { code: 'invalid-option' },
    })
  })
})

describe('a token', () => {
  const groups = [row({ name: 'admins', precedence: '0', roleArn: roleArn('Admin') })]
  const { resolution } = resultOf(forecast(groups, 'observed'))
  const compare = (token: string, now = ISSUED_AT * 1_000) => compareToken(token, resolution, now)

  test('with the claims that are forecast does not differ', () => {
    const view = resultOf(compare(` ${unsigned(idToken({ ...resolution.claims }))}\n`))
    expect(view).toMatchObject({ use: 'id', differences: [], comparison: { status: 'fresh' } })
  })

  test('with other claims says which differ', () => {
    const claims = {
      'cognito:groups': ['admins', 'old'],
      'cognito:roles': [roleArn('Old')],
      'cognito:preferred_role': roleArn('Old'),
    }
    const view = resultOf(compare(unsigned(idToken(claims))))
    expect(view.comparison).toMatchObject({ status: 'stale', mayGrantLostRole: true })
    expect(view.differences).toEqual([
      { says: expect.stringContaining('not ticked'), values: ['old'] },
      { says: expect.stringContaining('forecast and not in'), values: [roleArn('Admin')] },
      { says: expect.stringContaining('not forecast'), values: [roleArn('Old')] },
      { says: expect.stringContaining('another preferred role'), values: [] },
    ])
  })

  test('says which pool it is of, and whether it has expired', () => {
    const token = unsigned(idToken({ ...resolution.claims }))
    expect(resultOf(compare(token))).toMatchObject({
      issuer: ISSUER,
      issuedAt: '2026-11-29T12:00:00.000Z',
      expiresAt: '2026-11-29T13:00:00.000Z',
      isExpired: false,
    })
    expect(resultOf(compare(token, (ISSUED_AT + 3_600) * 1_000))).toMatchObject({
      isExpired: true,
      comparison: { status: 'fresh' },
    })
  })

  test('that is an access token is compared by its groups', () => {
    const view = resultOf(compare(unsigned(accessToken({ 'cognito:groups': ['admins'] }))))
    expect(view).toMatchObject({ use: 'access', roles: [], differences: [], comparison: { status: 'fresh' } })
  })

  test('that cannot be read is a fault, in which there is nothing of it', () => {
    const secret = 'S3cretPart'
    for (const text of [
      secret,
      `${secret}.${secret}.x`,
      `Bearer ${secret}`,
      `a.b.c.d.${secret}`,
      `${secret}.`.repeat(3),
      'a.abcde.c',
    ]) {
      const made = compare(text)
      expect(made).toMatchObject({ is: 'fault', fault: { code: 'invalid-token' } })
      expect(JSON.stringify(made)).not.toContain(secret)
    }
  })
})

describe('a sentence', () => {
  test('has each quoted value as one part, whatever is in it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), value => {
        const parts = sentenceParts(`Before ${quote(value)} after.`)
        const shown = printable(value)
        if (value === '') return
        expect(parts).toEqual([
          { text: 'Before ', isCode: false },
          { text: shown, isCode: true },
          { text: ' after.', isCode: false },
        ])
      }),
    )
  })

  test('without a value is one part, and an empty one is none', () => {
    expect(sentenceParts('a b')).toEqual([{ text: 'a b', isCode: false }])
    expect(sentenceParts('')).toEqual([])
    expect(sentenceParts('an odd ` one')).toEqual([{ text: 'an odd ` one', isCode: false }])
  })
})

describe('a code frame', () => {
  test('has the line with one before and one after it, and marks what the location says', () => {
    const lines = ['one', 'two three', 'four']
    expect(markedLines(lines, { path: 'a', line: 2, column: 5, endLine: 2, endColumn: 10 })).toEqual([
      { number: 1, label: '1', before: 'one', marked: '', after: '' },
      { number: 2, label: '2', before: 'two ', marked: 'three', after: '' },
      { number: 3, label: '3', before: 'four', marked: '', after: '' },
    ])
  })

  test('of a file that is one long line is cut around the mark', () => {
    const line = `${'a'.repeat(1_000)}MARK${'b'.repeat(1_000)}`
    const [only] = markedLines([line], { path: 'a', line: 1, column: 1_001, endLine: 1, endColumn: 1_005 })
    expect(only!.marked).toBe('MARK')
    expect(only!.before).toBe(`…${'a'.repeat(60)}`)
    expect(only!.after).toBe(`${'b'.repeat(120)}…`)
  })

  test('has the lines around one that is cut from their beginning', () => {
    const lines = ['{', `${'a'.repeat(1_000)}MARK${'b'.repeat(1_000)}`, `"Next": ${'c'.repeat(1_000)}`]
    const frame = markedLines(lines, { path: 'a', line: 2, column: 1_001, endLine: 2, endColumn: 1_005 })
    expect(frame.map(({ before }) => before)).toEqual(['{', `…${'a'.repeat(60)}`, `"Next": ${'c'.repeat(112)}…`])
  })

  test('shows hidden characters, and marks a column behind the end', () => {
    expect(markedLines(['a\u202eb'], { path: 'a', line: 1, column: 9 })[0]!.marked).toBe(' ')
    expect(markedLines(['a\u202eb'], { path: 'a', line: 1, column: 1 })[0]!.after).toBe('\\u{202e}b')
  })
})

test('a page that could not be given a content security policy fails the build; another one is given it', () => {
  expect(() => withContentSecurityPolicy('<html><head lang="en"></head></html>')).toThrow('no `<head>`')
  expect(withContentSecurityPolicy('<html><head></head></html>')).toMatch(
    /<head>\s*<meta http-equiv="Content-Security-Policy"/,
  )
})
