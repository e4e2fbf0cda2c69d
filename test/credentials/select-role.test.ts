import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { createContext, runInContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as rolecast from '../../src/index.js'
import { type ErrorCode, isRolecastError, type RolecastError } from '../../src/errors.js'
import type { Group } from '../../src/group.js'
import {
  type ForecastRoleRequest,
  type IdTokenClaims,
  type RoleRequest,
  type RoleSelection,
  selectRole,
  selectRoleFor,
  type SelectionRule,
} from '../../src/credentials/select-role.js'
import { type Resolution, resolveRoles } from '../../src/claims/resolve.js'
import { comparable, modelSelect, modelSelectFor } from '../models/identity-pool-model.js'
import { same } from '../same.js'
import {
  findRoleMapping,
  type MappingRule,
  type MatchType,
  type RoleMapping,
} from '../../src/credentials/role-mapping.js'
import { providerKey } from '../../src/credentials/provider-key.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'
const R = 'arn:aws:iam::111122223333:role/FromRule'
const S = 'arn:aws:iam::111122223333:role/FromOtherRule'
const X = 'arn:aws:iam::111122223333:role/Elsewhere'
const AUTH = 'arn:aws:iam::111122223333:role/Authenticated'
const GUEST = 'arn:aws:iam::111122223333:role/Guest'

type Fallback = RoleMapping['AmbiguousRoleResolution']

const roles = { authenticated: AUTH, unauthenticated: GUEST }
const token = (AmbiguousRoleResolution?: Fallback): RoleMapping => ({ Type: 'Token', AmbiguousRoleResolution })
const rulesOf = (AmbiguousRoleResolution: Fallback, ...Rules: readonly MappingRule[]): RoleMapping => ({
  Type: 'Rules',
  AmbiguousRoleResolution,
  RulesConfiguration: { Rules },
})
const rule = (Claim: string, MatchType: MatchType, Value: string, RoleARN = R): MappingRule => ({
  Claim,
  MatchType,
  Value,
  RoleARN,
})
const claimsOf = (listed: readonly string[], preferred?: string): IdTokenClaims => ({
  ...(listed.length > 0 && { 'cognito:groups': ['g'], 'cognito:roles': listed }),
  ...(preferred !== undefined && { 'cognito:preferred_role': preferred }),
})

type Row = readonly [string, IdTokenClaims, RoleMapping | undefined, Partial<RoleRequest>, RoleSelection]

const rows: readonly Row[] = [
  [
    'no mapping: the authenticated role',
    claimsOf([A], A),
    undefined,
    {},
    { outcome: 'role', roleArn: AUTH, rule: 'no-mapping', evidence: 'observed' },
  ],
  [
    'no mapping, no authenticated role',
    claimsOf([A], A),
    undefined,
    { roles: {} },
    { outcome: 'denied', rule: 'authenticated-role-missing', evidence: 'documented' },
  ],
  [
    'no mapping and a custom role of the token',
    claimsOf([A]),
    undefined,
    { customRoleArn: A },
    {
      outcome: 'undetermined',
      rule: 'custom-role-without-mapping',
      evidence: 'unknown',
      candidates: [
        { outcome: 'role', roleArn: AUTH, rule: 'no-mapping' },
        { outcome: 'denied', rule: 'custom-role-not-allowed' },
        { outcome: 'role', roleArn: A, rule: 'custom-role' },
      ],
    },
  ],
  [
    'no mapping and a custom role from elsewhere',
    claimsOf([A]),
    undefined,
    { customRoleArn: X },
    {
      outcome: 'undetermined',
      rule: 'custom-role-without-mapping',
      evidence: 'unknown',
      candidates: [
        { outcome: 'role', roleArn: AUTH, rule: 'no-mapping' },
        { outcome: 'denied', rule: 'custom-role-not-allowed' },
      ],
    },
  ],
  [
    'no mapping, no authenticated role and a custom role from elsewhere',
    claimsOf([A]),
    undefined,
    { customRoleArn: X, roles: {} },
    { outcome: 'denied', rule: 'custom-role-without-mapping', evidence: 'inferred' },
  ],
  [
    'Token: a custom role of the token',
    claimsOf([A, B], A),
    token('Deny'),
    { customRoleArn: B },
    { outcome: 'role', roleArn: B, rule: 'custom-role', evidence: 'documented' },
  ],
  [
    'Token: a custom role from elsewhere',
    claimsOf([A, B], A),
    token('AuthenticatedRole'),
    { customRoleArn: X },
    { outcome: 'denied', rule: 'custom-role-not-allowed', evidence: 'documented' },
  ],
  [
    'Token: the authenticated role as a custom role',
    claimsOf([A]),
    token('AuthenticatedRole'),
    { customRoleArn: AUTH },
    { outcome: 'denied', rule: 'custom-role-not-allowed', evidence: 'documented' },
  ],
  [
    'Token: a custom role and no roles',
    claimsOf([]),
    token('AuthenticatedRole'),
    { customRoleArn: A },
    { outcome: 'denied', rule: 'custom-role-not-allowed', evidence: 'documented' },
  ],
  [
    'Token: a preferred role',
    claimsOf([A, B], B),
    token('Deny'),
    {},
    { outcome: 'role', roleArn: B, rule: 'preferred-role', evidence: 'observed' },
  ],
  [
    'Token: a preferred role outside the roles, as a trigger may set it',
    claimsOf([A], X),
    token('Deny'),
    {},
    { outcome: 'role', roleArn: X, rule: 'preferred-role', evidence: 'documented' },
  ],
  [
    'Token: several roles, authenticated role',
    claimsOf([A, B]),
    token('AuthenticatedRole'),
    {},
    { outcome: 'role', roleArn: AUTH, rule: 'ambiguous-authenticated', evidence: 'documented' },
  ],
  [
    'Token: several roles, denial',
    claimsOf([A, B]),
    token('Deny'),
    {},
    { outcome: 'denied', rule: 'ambiguous-denied', evidence: 'documented' },
  ],
  [
    'Token: several roles, authenticated role missing',
    claimsOf([A, B]),
    token('AuthenticatedRole'),
    { roles: { unauthenticated: GUEST } },
    { outcome: 'denied', rule: 'authenticated-role-missing', evidence: 'documented' },
  ],
  [
    'Token: several roles, nothing said',
    claimsOf([A, B]),
    token(),
    {},
    {
      outcome: 'undetermined',
      rule: 'ambiguous-unset',
      evidence: 'unknown',
      candidates: [
        { outcome: 'role', roleArn: AUTH, rule: 'ambiguous-authenticated' },
        { outcome: 'denied', rule: 'ambiguous-denied' },
      ],
    },
  ],
  [
    'Token: several roles, nothing said, authenticated role missing',
    claimsOf([A, B]),
    token(),
    { roles: {} },
    { outcome: 'denied', rule: 'ambiguous-unset', evidence: 'inferred' },
  ],
  [
    'Token: exactly one role, denial',
    claimsOf([A]),
    token('Deny'),
    {},
    { outcome: 'role', roleArn: A, rule: 'single-role', evidence: 'documented' },
  ],
  [
    'Token: exactly one role, authenticated role',
    claimsOf([A]),
    token('AuthenticatedRole'),
    {},
    { outcome: 'role', roleArn: A, rule: 'single-role', evidence: 'documented' },
  ],
  [
    'Token: exactly one role, authenticated role missing',
    claimsOf([A]),
    token('AuthenticatedRole'),
    { roles: {} },
    { outcome: 'role', roleArn: A, rule: 'single-role', evidence: 'documented' },
  ],
  [
    'Token: exactly one role, nothing said',
    claimsOf([A]),
    token(),
    {},
    { outcome: 'role', roleArn: A, rule: 'single-role', evidence: 'documented' },
  ],
  [
    'Token: no roles, authenticated role',
    claimsOf([]),
    token('AuthenticatedRole'),
    {},
    { outcome: 'role', roleArn: AUTH, rule: 'ambiguous-authenticated', evidence: 'observed' },
  ],
  [
    'Token: no roles, denial',
    claimsOf([]),
    token('Deny'),
    {},
    { outcome: 'denied', rule: 'ambiguous-denied', evidence: 'inferred' },
  ],
  [
    'Rules: the first that matches',
    { 'custom:dept': 'Sales' },
    rulesOf(
      'Deny',
      rule('custom:dept', 'Equals', 'Legal', S),
      rule('custom:dept', 'Equals', 'Sales'),
      rule('custom:dept', 'Contains', 'S', S),
    ),
    {},
    { outcome: 'role', roleArn: R, rule: 'mapping-rule', evidence: 'documented', ruleIndex: 1 },
  ],
  [
    'Rules: none matches, denial',
    { 'custom:dept': 'Sales' },
    rulesOf('Deny', rule('custom:dept', 'Equals', 'Legal')),
    {},
    { outcome: 'denied', rule: 'ambiguous-denied', evidence: 'observed' },
  ],
  [
    'Rules: none matches, authenticated role',
    claimsOf([A], A),
    rulesOf('AuthenticatedRole', rule('custom:dept', 'Equals', 'Legal')),
    {},
    { outcome: 'role', roleArn: AUTH, rule: 'ambiguous-authenticated', evidence: 'documented' },
  ],
  [
    'Rules: NotEqual on a missing claim',
    {},
    rulesOf('Deny', rule('custom:dept', 'NotEqual', 'Legal')),
    {},
    { outcome: 'denied', rule: 'ambiguous-denied', evidence: 'observed' },
  ],
  [
    'Rules: Contains, and an element is equal',
    { 'cognito:groups': ['users', 'admins'] },
    rulesOf('Deny', rule('cognito:groups', 'Contains', 'admins')),
    {},
    { outcome: 'role', roleArn: R, rule: 'mapping-rule', evidence: 'observed', ruleIndex: 0 },
  ],
  [
    'Rules: Contains, and only a part of an element is equal',
    { 'cognito:groups': ['non-admins'] },
    rulesOf('Deny', rule('cognito:groups', 'Contains', 'admins')),
    {},
    {
      outcome: 'undetermined',
      rule: 'uncertain-rule',
      evidence: 'unknown',
      ruleIndex: 0,
      candidates: [
        { outcome: 'denied', rule: 'ambiguous-denied' },
        { outcome: 'role', roleArn: R, rule: 'mapping-rule', ruleIndex: 0 },
      ],
    },
  ],
  [
    'Rules: a custom role of the token, and a matching rule gives it',
    claimsOf([A], A),
    rulesOf('AuthenticatedRole', rule('cognito:groups', 'Contains', 'g', A)),
    { customRoleArn: A },
    { outcome: 'denied', rule: 'custom-role-with-rules', evidence: 'observed' },
  ],
  [
    'Rules: a custom role of the token, and another rule matches',
    claimsOf([A, B], A),
    rulesOf('AuthenticatedRole', rule('cognito:groups', 'Contains', 'g')),
    { customRoleArn: B },
    { outcome: 'denied', rule: 'custom-role-with-rules', evidence: 'observed' },
  ],
  [
    'Rules: a custom role of the token, and a rule may match or not',
    { ...claimsOf([A]), a: ['x'] },
    rulesOf(undefined, rule('a', 'Equals', 'x')),
    { customRoleArn: A },
    { outcome: 'denied', rule: 'custom-role-with-rules', evidence: 'observed' },
  ],
  [
    'Rules: a custom role that a matching rule gives and the token does not carry',
    { 'custom:dept': 'Sales' },
    rulesOf('Deny', rule('custom:dept', 'Equals', 'Sales'), rule('custom:dept', 'StartsWith', 'S', S)),
    { customRoleArn: S },
    {
      outcome: 'undetermined',
      rule: 'custom-role-with-rules',
      evidence: 'unknown',
      candidates: [
        { outcome: 'role', roleArn: S, rule: 'custom-role' },
        { outcome: 'denied', rule: 'custom-role-not-allowed' },
      ],
    },
  ],
  [
    'Rules: a custom role that no rule gives',
    { 'custom:dept': 'Sales' },
    rulesOf('Deny', rule('custom:dept', 'Equals', 'Sales')),
    { customRoleArn: X },
    {
      outcome: 'undetermined',
      rule: 'custom-role-with-rules',
      evidence: 'unknown',
      candidates: [
        { outcome: 'role', roleArn: R, rule: 'mapping-rule', ruleIndex: 0 },
        { outcome: 'denied', rule: 'custom-role-not-allowed' },
      ],
    },
  ],
  [
    'Rules: a custom role that a rule gives which may match or not',
    { a: ['x'], b: 'y' },
    rulesOf('Deny', rule('a', 'Equals', 'x', S), rule('b', 'Equals', 'y')),
    { customRoleArn: S },
    {
      outcome: 'undetermined',
      rule: 'custom-role-with-rules',
      evidence: 'unknown',
      candidates: [
        { outcome: 'role', roleArn: S, rule: 'custom-role' },
        { outcome: 'role', roleArn: R, rule: 'mapping-rule', ruleIndex: 1 },
        { outcome: 'denied', rule: 'custom-role-not-allowed' },
      ],
    },
  ],
  [
    'Rules: a custom role that neither the token nor a matching rule gives, and a denial: a denial in every reading',
    { 'custom:dept': 'IT' },
    rulesOf('Deny', rule('custom:dept', 'Equals', 'Sales', X)),
    { customRoleArn: X },
    { outcome: 'denied', rule: 'custom-role-with-rules', evidence: 'inferred' },
  ],
]

describe('examples, row by row', () => {
  test.each(rows)('%s', (_, claims, mapping, request, expected) => {
    expect(selectRole(claims, mapping, { roles, ...request })).toStrictEqual(expected)
  })

  test('an ARN that comes twice is one role', () => {
    expect(selectRole(claimsOf([A, A]), token('Deny'), { roles }).rule).toBe('single-role')
  })

  test('what emulators say for absent is absent: null, an empty string, an empty list', () => {
    const absent = { 'cognito:groups': null, 'cognito:roles': [''], 'cognito:preferred_role': '' }
    expect(selectRole(absent, token('Deny'), { roles })).toStrictEqual(selectRole({}, token('Deny'), { roles }))
    expect(selectRole({ 'cognito:roles': [], 'cognito:preferred_role': null }, token('Deny'), { roles })).toStrictEqual(
      selectRole({}, token('Deny'), { roles }),
    )
    expect(selectRole({}, undefined, { roles: { authenticated: '' } }).rule).toBe('authenticated-role-missing')
  })

  test('the rules of a mapping of type Token do not count', () => {
    const mapping: RoleMapping = { ...rulesOf('Deny', rule('sub', 'Equals', 'me')), Type: 'Token' }
    expect(selectRole({ sub: 'me' }, mapping, { roles }).rule).toBe('ambiguous-denied')
  })

  test('no rules at all: none matches', () => {
    expect(selectRole({}, rulesOf('Deny'), { roles }).rule).toBe('ambiguous-denied')
  })
})

describe('whether a rule matches', () => {
  const readings = (claim: unknown, matchType: MatchType, value: string) => {
    const selection = selectRole({ claim }, rulesOf('Deny', rule('claim', matchType, value)), { roles })
    return selection.outcome === 'undetermined' ? 'perhaps' : selection.rule === 'mapping-rule'
  }

  test.each<[unknown, MatchType, string, boolean | 'perhaps']>([
    ['Sales', 'Equals', 'Sales', true],
    ['Sales', 'Equals', 'sales', false],
    ['Sales', 'Equals', 'Sale', false],
    ['Sales', 'NotEqual', 'Sales', false],
    ['Sales', 'NotEqual', 'Legal', true],
    ['', 'NotEqual', 'Legal', true],
    ['Sales', 'StartsWith', 'Sa', true],
    ['Sales', 'StartsWith', 'ales', false],
    ['Sales', 'Contains', 'ale', true],
    ['Sales', 'Contains', 'Ale', false],
    [undefined, 'Equals', 'undefined', false],
    [undefined, 'Contains', 'undefined', false],
    [undefined, 'StartsWith', 'u', false],
    [undefined, 'NotEqual', 'x', false],
    [['a', 'admins'], 'Contains', 'admins', true],
    [['a', 'admins'], 'Contains', 'admin', 'perhaps'],
    [['a', 'admins'], 'Contains', 'b', false],
    [[], 'Contains', 'b', false],
    [['a', 7], 'Contains', 'a', true],
    [['a', 7], 'Contains', 'b', 'perhaps'],
    [['a'], 'Equals', 'a', 'perhaps'],
    [['a'], 'Equals', 'b', 'perhaps'],
    [['a'], 'StartsWith', 'a', 'perhaps'],
    [['a'], 'NotEqual', 'a', 'perhaps'],
    [[], 'NotEqual', 'a', 'perhaps'],
    [true, 'Equals', 'true', 'perhaps'],
    [true, 'Equals', 'false', false],
    [true, 'NotEqual', 'true', false],
    [true, 'NotEqual', 'false', 'perhaps'],
    [42, 'StartsWith', '4', 'perhaps'],
    [42, 'StartsWith', '2', false],
    [null, 'Equals', 'null', 'perhaps'],
    [{ a: 'b' }, 'Contains', 'b', 'perhaps'],
  ])('%j %s %j: %s', (claim, matchType, value, expected) => {
    expect(readings(claim, matchType, value)).toBe(expected)
  })

  test('Contains has one reading for all rules: where both end in one role, that is it', () => {
    const mapping = rulesOf(
      'Deny',
      rule('cognito:groups', 'Contains', 'adm'),
      rule('cognito:groups', 'Contains', 'min', S),
      rule('cognito:groups', 'Contains', 'admins'),
    )
    expect(selectRole({ 'cognito:groups': ['admins'] }, mapping, { roles })).toStrictEqual({
      outcome: 'role',
      roleArn: R,
      rule: 'uncertain-rule',
      evidence: 'inferred',
      ruleIndex: 0,
    })
  })

  test('the readings of other rules are followed one by one', () => {
    const mapping = rulesOf(
      'Deny',
      rule('a', 'Equals', 'x', R),
      rule('b', 'Equals', 'x', S),
      rule('a', 'NotEqual', 'x', R),
    )
    expect(selectRole({ a: ['x'], b: ['x'] }, mapping, { roles })).toStrictEqual({
      outcome: 'undetermined',
      rule: 'uncertain-rule',
      evidence: 'unknown',
      ruleIndex: 0,
      candidates: [
        { outcome: 'role', roleArn: R, rule: 'mapping-rule', ruleIndex: 0 },
        { outcome: 'role', roleArn: S, rule: 'mapping-rule', ruleIndex: 1 },
        { outcome: 'denied', rule: 'ambiguous-denied' },
      ],
    })
  })

  test('a doubt after a rule that certainly matches has no effect', () => {
    const mapping = rulesOf('Deny', rule('sub', 'Equals', 'me'), rule('a', 'Equals', 'x', S))
    expect(selectRole({ sub: 'me', a: ['x'] }, mapping, { roles })).toMatchObject({
      outcome: 'role',
      rule: 'mapping-rule',
      ruleIndex: 0,
    })
  })
})

describe('claims are not trusted', () => {
  test('a claim may have any name that a token can have', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
      const claims = JSON.parse(`{ ${JSON.stringify(name)}: "x" }`) as IdTokenClaims
      const mapping = rulesOf('Deny', rule(name, 'Equals', 'x'))
      expect(selectRole(claims, mapping, { roles }).rule).toBe('mapping-rule')
      expect(selectRole({}, mapping, { roles }).rule).toBe('ambiguous-denied')
      expect(selectRole({}, rulesOf('Deny', rule(name, 'NotEqual', 'x')), { roles }).rule).toBe('ambiguous-denied')
    }
  })

  test('inherited properties are neither claims nor roles nor mappings', () => {
    const inherited = <T extends object>(value: T) => Object.create(value) as T
    expect(selectRole(inherited(claimsOf([A], A)), token('Deny'), { roles }).rule).toBe('ambiguous-denied')
    expect(selectRole({}, undefined, { roles: inherited(roles) }).rule).toBe('authenticated-role-missing')
    expect(codeOf(() => selectRole({}, inherited(token('Deny')), { roles }))).toBe('invalid-option')
    const key = providerKey('eu-west-1_Example', 'client')
    expect(findRoleMapping(inherited({ [key]: token('Deny') }), 'eu-west-1_Example', 'client')).toBeUndefined()
  })

  test('control: own ones are', () => {
    expect(selectRole(claimsOf([A], A), token('Deny'), { roles }).rule).toBe('preferred-role')
    expect(selectRole({}, undefined, { roles }).rule).toBe('no-mapping')
  })
})

describe('a token that is only forecast', () => {
  const bearer: Group = { groupName: 'editors', precedence: 5, roleArn: A }
  const vip: Group = { groupName: 'vip', precedence: 5 }
  const other: Group = { groupName: 'late', precedence: 9, roleArn: B }

  test('the chain: groups, claims, role', () => {
    const request = { roles }
    expect(selectRoleFor(resolveRoles([bearer, other]), token('Deny'), request)).toStrictEqual({
      outcome: 'role',
      roleArn: A,
      rule: 'preferred-role',
      evidence: 'observed',
    })
    expect(selectRoleFor(resolveRoles([bearer, { ...other, precedence: 5 }]), token('Deny'), request).rule).toBe(
      'ambiguous-denied',
    )
    expect(selectRoleFor(resolveRoles([{ ...bearer, precedence: null }]), token('Deny'), request)).toStrictEqual({
      outcome: 'role',
      roleArn: A,
      rule: 'single-role',
      evidence: 'documented',
    })
    expect(selectRoleFor(resolveRoles([]), undefined, request)).toMatchObject({ roleArn: AUTH, rule: 'no-mapping' })
  })

  test('an undetermined preferred role is two readings', () => {
    expect(selectRoleFor(resolveRoles([bearer, vip, other]), token('Deny'), { roles })).toStrictEqual({
      outcome: 'undetermined',
      rule: 'undetermined-preferred-role',
      evidence: 'unknown',
      candidates: [
        { outcome: 'role', roleArn: A, rule: 'preferred-role' },
        { outcome: 'denied', rule: 'ambiguous-denied' },
      ],
    })
  })

  test('where both readings end in one role, the user gets it', () => {
    expect(selectRoleFor(resolveRoles([bearer, vip]), token('Deny'), { roles })).toStrictEqual({
      outcome: 'role',
      roleArn: A,
      rule: 'undetermined-preferred-role',
      evidence: 'inferred',
    })
    const forecast = resolveRoles([bearer, vip, other])
    expect(selectRoleFor(forecast, token('AuthenticatedRole'), { roles: { authenticated: A } })).toStrictEqual({
      outcome: 'role',
      roleArn: A,
      rule: 'undetermined-preferred-role',
      evidence: 'inferred',
    })
    expect(selectRoleFor(forecast, token('Deny'), { roles, customRoleArn: B })).toStrictEqual({
      outcome: 'role',
      roleArn: B,
      rule: 'custom-role',
      evidence: 'documented',
    })
    expect(selectRoleFor(forecast, undefined, { roles })).toStrictEqual({
      outcome: 'role',
      roleArn: AUTH,
      rule: 'no-mapping',
      evidence: 'observed',
    })
    expect(
      selectRoleFor(forecast, rulesOf('AuthenticatedRole', rule('cognito:preferred_role', 'Equals', A)), {
        roles,
        customRoleArn: B,
      }),
    ).toStrictEqual({
      outcome: 'denied',
      rule: 'custom-role-with-rules',
      evidence: 'observed',
    })
  })

  test('a doubt that both readings share keeps its name', () => {
    const selection = selectRoleFor(resolveRoles([bearer, vip]), undefined, { roles, customRoleArn: A })
    expect(selection).toMatchObject({ outcome: 'undetermined', rule: 'custom-role-without-mapping' })
  })

  test('one role from two rules is a doubt of its own', () => {
    const mapping = rulesOf('Deny', rule('cognito:preferred_role', 'Equals', A), rule('cognito:roles', 'Contains', A))
    expect(selectRoleFor(resolveRoles([bearer, vip]), mapping, { roles })).toStrictEqual({
      outcome: 'role',
      roleArn: R,
      rule: 'undetermined-preferred-role',
      evidence: 'inferred',
    })
  })

  test('of other claims nothing is known, unless they are given', () => {
    const mapping = rulesOf(
      'Deny',
      rule('custom:dept', 'NotEqual', 'Legal'),
      rule('cognito:groups', 'Contains', 'editors', S),
    )
    const forecast = resolveRoles([bearer])
    expect(selectRoleFor(forecast, mapping, { roles })).toMatchObject({
      outcome: 'undetermined',
      rule: 'uncertain-rule',
      ruleIndex: 0,
    })
    expect(selectRoleFor(forecast, mapping, { roles, otherClaims: {} })).toMatchObject({ roleArn: S, ruleIndex: 1 })
    expect(selectRoleFor(forecast, mapping, { roles, otherClaims: { 'custom:dept': 'IT' } })).toMatchObject({
      roleArn: R,
      ruleIndex: 0,
    })
  })

  test('role claims among the other claims do not count', () => {
    const otherClaims = { 'cognito:preferred_role': X, 'cognito:roles': [X], 'cognito:groups': ['root'] }
    const mapping = rulesOf(
      'Deny',
      rule('cognito:groups', 'Contains', 'root'),
      rule('cognito:preferred_role', 'Equals', X),
    )
    expect(selectRoleFor(resolveRoles([bearer]), token('Deny'), { roles, otherClaims }).roleArn).toBe(A)
    expect(selectRoleFor(resolveRoles([vip]), token('Deny'), { roles, otherClaims }).rule).toBe('ambiguous-denied')
    expect(selectRoleFor(resolveRoles([vip]), mapping, { roles, otherClaims }).rule).toBe('ambiguous-denied')
  })
})

describe('the key of a provider', () => {
  test.each([
    ['eu-west-1_Ab12Cd34e', 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:1h57kf5cpq17m0eml12EXAMPLE'],
    [
      'us-gov-west-1_Ab12Cd34e',
      'cognito-idp.us-gov-west-1.amazonaws.com/us-gov-west-1_Ab12Cd34e:1h57kf5cpq17m0eml12EXAMPLE',
    ],
    ['cn-north-1_Ab12Cd34e', 'cognito-idp.cn-north-1.amazonaws.com.cn/cn-north-1_Ab12Cd34e:1h57kf5cpq17m0eml12EXAMPLE'],
    [
      `eu-west-12_${'a'.repeat(44)}`,
      `cognito-idp.eu-west-12.amazonaws.com/eu-west-12_${'a'.repeat(44)}:1h57kf5cpq17m0eml12EXAMPLE`,
    ],
    ['xx-eu-iso-1_a', 'cognito-idp.xx-eu-iso-1.amazonaws.com/xx-eu-iso-1_a:1h57kf5cpq17m0eml12EXAMPLE'],
  ])('of %s', (userPoolId, key) => {
    expect(providerKey(userPoolId, '1h57kf5cpq17m0eml12EXAMPLE')).toBe(key)
  })

  test.each<[string, unknown, unknown, ErrorCode]>([
    ['a pool without an underscore', 'eu-west-1', 'client', 'invalid-user-pool-id'],
    ['a pool that is no string', ['eu-west-1_abc'], 'client', 'invalid-user-pool-id'],
    ['a pool with a scheme', 'https://eu-west-1_abc', 'client', 'invalid-user-pool-id'],
    ['a pool whose region has something before it', '1-eu-west-1_abc', 'client', 'no-region'],
    ['a pool whose region has something behind it', 'eu-west-1-local_abc', 'client', 'no-region'],
    ['a pool that is too long', `eu-west-1_${'a'.repeat(46)}`, 'client', 'invalid-user-pool-id'],
    ['a pool with a slash', 'eu-west-1_a/b', 'client', 'invalid-user-pool-id'],
    ["an emulator's pool", 'local_abc', 'client', 'no-region'],
    ['a partition without public names', 'us-iso-east-1_abc', 'client', 'invalid-option'],
    ['the European sovereign cloud', 'eusc-de-east-1_abc', 'client', 'invalid-option'],
    ['no client', 'eu-west-1_abc', undefined, 'invalid-option'],
    ['a client with a colon', 'eu-west-1_abc', 'a:b', 'invalid-option'],
  ])('%s has none', (_, userPoolId, clientId, code) => {
    expect(codeOf(() => providerKey(userPoolId as string, clientId as string))).toBe(code)
  })

  test('the mapping is looked up by pool and client, both', () => {
    const mappings = {
      'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool:client': token('Deny'),
      __proto__: token('AuthenticatedRole'),
    }
    expect(findRoleMapping(mappings, 'eu-west-1_pool', 'client')).toBe(
      mappings['cognito-idp.eu-west-1.amazonaws.com/eu-west-1_pool:client'],
    )
    expect(findRoleMapping(mappings, 'eu-west-1_pool', 'other')).toBeUndefined()
    expect(findRoleMapping(mappings, 'eu-west-1_other', 'client')).toBeUndefined()
    expect(findRoleMapping(undefined, 'eu-west-1_pool', 'client')).toBeUndefined()
    expect(codeOf(() => findRoleMapping(undefined, 'pool', 'client'))).toBe('invalid-user-pool-id')
    expect(codeOf(() => findRoleMapping([] as never, 'eu-west-1_pool', 'client'))).toBe('invalid-option')
  })
})

function failureOf(act: () => unknown): RolecastError | undefined {
  try {
    act()
    return undefined
  } catch (error) {
    if (isRolecastError(error)) return error
    throw error
  }
}

function codeOf(act: () => unknown): ErrorCode | 'none' {
  return failureOf(act)?.code ?? 'none'
}

describe('values that the API cannot return are rejected, whatever the token says', () => {
  const good: RoleMapping = rulesOf('Deny', rule('sub', 'Equals', 'me'))
  const withRule = (change: object): unknown => ({
    ...good,
    RulesConfiguration: { Rules: [rule('sub', 'Equals', 'me'), { ...rule('sub', 'Equals', 'me'), ...change }] },
  })

  test('control: the mapping itself is good', () => {
    expect(codeOf(() => selectRole({ sub: 'me' }, good, { roles }))).toBe('none')
    expect(codeOf(() => selectRole({ sub: 'me' }, withRule({}) as RoleMapping, { roles }))).toBe('none')
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a list', [good]],
    ['text', JSON.stringify(good)],
    ['no type', { ...good, Type: undefined }],
    ['an unknown type', { ...good, Type: 'token' }],
    ['an unknown resolution', { ...good, AmbiguousRoleResolution: 'Authenticated' }],
    ['an unknown resolution with Token', { Type: 'Token', AmbiguousRoleResolution: 'deny' }],
    ['a null resolution', { ...good, AmbiguousRoleResolution: null }],
    ['no configuration', { ...good, RulesConfiguration: undefined }],
    ['no rules', { ...good, RulesConfiguration: {} }],
    ['rules that are no list', { ...good, RulesConfiguration: { Rules: good.RulesConfiguration!.Rules![0] } }],
    ['a rule that is null', { ...good, RulesConfiguration: { Rules: [null] } }],
    ['an unknown match type', withRule({ MatchType: 'EndsWith' })],
    ['no match type', withRule({ MatchType: undefined })],
    ['a claim that is no string', withRule({ Claim: 7 })],
    ['an empty claim', withRule({ Claim: '' })],
    ['an empty value, which every text contains', withRule({ Value: '' })],
    ['a value that is no string', withRule({ Value: true })],
    ['a role that is no string', withRule({ RoleARN: { Ref: 'Role' } })],
    ['an empty role', withRule({ RoleARN: '' })],
  ])('a mapping: %s', (_, mapping) => {
    expect(codeOf(() => selectRole({ sub: 'me' }, mapping as RoleMapping, { roles }))).toBe('invalid-option')
    expect(codeOf(() => selectRoleFor(resolveRoles([]), mapping as RoleMapping, { roles }))).toBe('invalid-option')
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['the token itself', 'eyJhbGciOi'],
    ['an access token', { token_use: 'access', 'cognito:groups': ['g'] }],
    ['roles that API Gateway joined', { 'cognito:roles': `${A},${B}` }],
    ['groups that API Gateway joined', { 'cognito:groups': 'a,b' }],
    ['a role that is no string', { 'cognito:roles': [A, null] }],
    ['several preferred roles', { 'cognito:preferred_role': [A] }],
    ['a preferred role that is a number', { 'cognito:preferred_role': 7 }],
  ])('claims: %s', (_, claims) => {
    for (const mapping of [undefined, token('Deny'), good]) {
      expect(codeOf(() => selectRole(claims as IdTokenClaims, mapping, { roles }))).toBe('invalid-option')
    }
  })

  test('control: an ID token says so', () => {
    expect(codeOf(() => selectRole({ token_use: 'id' }, good, { roles }))).toBe('none')
  })

  test.each<[string, unknown]>([
    ['none', undefined],
    ['no roles', {}],
    ['roles that are a list', { roles: [AUTH] }],
    ['an authenticated role that is no string', { roles: { authenticated: null } }],
    ['an empty custom role', { roles, customRoleArn: '' }],
    ['a custom role that is null', { roles, customRoleArn: null }],
  ])('a request: %s', (_, request) => {
    expect(codeOf(() => selectRole({}, undefined, request as RoleRequest))).toBe('invalid-option')
  })

  const select =
    (claims: unknown, mapping: unknown, request: unknown = { roles }) =>
    () =>
      selectRole(claims as IdTokenClaims, mapping as RoleMapping, request as RoleRequest)
  const forecast =
    (resolution: unknown, request: object = {}) =>
    () =>
      selectRoleFor(resolution as Resolution, token('Deny'), { roles, ...request })
  const noType = { Type: 'token' }
  const badRule = (change: object) => ({ ...rule('sub', 'Equals', 'me'), ...change })
  const asIs = 'give it as the API returns it'

  test.each<[() => unknown, string, unknown]>([
    [select(null, undefined), `the claims must be an object, not \`null\`; ${asIs}`, null],
    [select({}, []), `the role mapping must be an object, not an array; ${asIs}`, []],
    [select({}, undefined, 7), `the request must be an object, not \`7\`; ${asIs}`, 7],
    [select({}, undefined, {}), `\`roles\` must be an object, not \`undefined\`; ${asIs}`, undefined],
    [forecast(7), `the resolution must be an object, not \`7\`; ${asIs}`, 7],
    [forecast({}), `the claims of the resolution must be an object, not \`undefined\`; ${asIs}`, undefined],
    [forecast(resolveRoles([]), { otherClaims: 7 }), `\`otherClaims\` must be an object, not \`7\`; ${asIs}`, 7],
    [
      forecast({ outcome: 'undetermined', claims: {}, candidateRole: '' }),
      'an undetermined resolution needs its `candidateRole`; give the resolution as `resolveRoles` returned it',
      { outcome: 'undetermined', claims: {}, candidateRole: '' },
    ],
    [
      select({ token_use: 'access' }, undefined),
      'these are the claims of an access token, which has no roles; give those of the ID token',
      { token_use: 'access' },
    ],
    [
      select({ 'cognito:roles': 'a,b' }, undefined),
      '`cognito:roles` is not an array of strings; give the payload of the ID token itself, not the claims as an authorizer passes them on',
      'a,b',
    ],
    [
      select({ 'cognito:preferred_role': 7 }, undefined),
      '`cognito:preferred_role` is `7`, not a string; give the payload of the ID token',
      7,
    ],
    [
      select({}, undefined, { roles, customRoleArn: '' }),
      'the custom role is ``; give its ARN, or leave `customRoleArn` out',
      '',
    ],
    [
      select({}, undefined, { roles: { authenticated: 7 } }),
      'the authenticated role is `7`; give its ARN, or leave it out',
      7,
    ],
    [select({}, noType), 'unknown role mapping type `token`; use `Token` or `Rules`', noType],
    [
      select({}, { ...noType, Type: 'Token', AmbiguousRoleResolution: 'deny' }),
      'unknown `AmbiguousRoleResolution` `deny`; use `AuthenticatedRole` or `Deny`',
      { Type: 'Token', AmbiguousRoleResolution: 'deny' },
    ],
    [
      select({}, { Type: 'Rules' }),
      `\`RulesConfiguration\`, which the type \`Rules\` needs, must be an object, not \`undefined\`; ${asIs}`,
      undefined,
    ],
    [
      select({}, { Type: 'Rules', RulesConfiguration: {} }),
      'a role mapping of type `Rules` has no `Rules`; give them as an array',
      { Type: 'Rules', RulesConfiguration: {} },
    ],
    [
      select({}, { Type: 'Rules', RulesConfiguration: { Rules: [7] } }),
      `mapping rule 0 must be an object, not \`7\`; ${asIs}`,
      7,
    ],
    [
      select({}, withRule({ MatchType: 'Is' })),
      'unknown match type `Is` in mapping rule 1; use one of Equals, Contains, StartsWith, NotEqual',
      badRule({ MatchType: 'Is' }),
    ],
    [
      select({}, withRule({ RoleARN: '' })),
      'mapping rule 1 needs a `RoleARN` that is a non-empty string; give the mapping as the API returns it',
      badRule({ RoleARN: '' }),
    ],
    [
      () => providerKey('eu-west-1_a', 'a:b'),
      '`a:b` is not an app client ID; give the ID that the user pool shows for the app',
      'a:b',
    ],
    [
      () => providerKey('us-iso-east-1_a', 'a'),
      'the form of a provider key in `us-iso-east-1` is unknown; look the key up in `RoleMappings`',
      'us-iso-east-1_a',
    ],
    [
      () => findRoleMapping(7 as never, 'eu-west-1_a', 'a'),
      `\`RoleMappings\` must be an object, not \`7\`; ${asIs}`,
      7,
    ],
  ])('%#: it says what is wrong and what to do', (act, message, value) => {
    expect(failureOf(act)).toMatchObject({ code: 'invalid-option', message, value, retryable: false })
  })

  test('a pool without a key says so too', () => {
    expect(failureOf(() => providerKey('pool', 'a'))).toMatchObject({
      code: 'invalid-user-pool-id',
      message: '`pool` is not a user pool ID; give one such as `eu-west-1_Ab12Cd34e`',
      value: 'pool',
    })
    expect(failureOf(() => providerKey('local_1', 'a'))).toMatchObject({
      code: 'no-region',
      message: 'the user pool ID `local_1` does not begin with a Region; look the key up in `RoleMappings`',
      value: 'local_1',
    })
  })

  test.each<[string, unknown, unknown]>([
    ['a resolution without claims', {}, {}],
    ['an undetermined one without its candidate', { ...resolveRoles([]), outcome: 'undetermined' }, {}],
    ['other claims that are a list', resolveRoles([]), { otherClaims: [] }],
  ])('a forecast: %s', (_, resolution, request) => {
    expect(
      codeOf(() => selectRoleFor(resolution as Resolution, token('Deny'), { roles, ...(request as object) })),
    ).toBe('invalid-option')
  })
})

test("types: the SDK's responses fit", () => {
  interface SdkRoleMapping {
    Type: 'Token' | 'Rules' | undefined
    AmbiguousRoleResolution?: 'AuthenticatedRole' | 'Deny' | undefined
    RulesConfiguration?:
      | {
          Rules:
            | {
                Claim: string | undefined
                MatchType: MatchType | undefined
                Value: string | undefined
                RoleARN: string | undefined
              }[]
            | undefined
        }
      | undefined
  }
  const answer: {
    Roles?: Record<string, string> | undefined
    RoleMappings?: Record<string, SdkRoleMapping> | undefined
  } = { Roles: { authenticated: AUTH } }
  const payload: { sub: string; 'cognito:groups'?: string[]; [other: string]: unknown } = {
    sub: 'me',
    'cognito:groups': ['g'],
  }
  const mapping = findRoleMapping(answer.RoleMappings, 'eu-west-1_pool', 'client')
  expect(selectRole(payload, mapping, { roles: answer.Roles ?? {} }).roleArn).toBe(AUTH)
})

type Selector = (claims: IdTokenClaims, mapping: RoleMapping | undefined, request: RoleRequest) => RoleSelection

interface Scenario {
  readonly claims: IdTokenClaims
  readonly mapping: RoleMapping | undefined
  readonly request: RoleRequest
}

const fallbacks = fc.constantFrom<Fallback[]>('AuthenticatedRole', 'Deny', undefined)
const arns = fc.constantFrom(A, B, R, S, X, AUTH)
const texts = fc.constantFrom('ad', 'adm', 'a', 'b', 'true', '7')
const values = fc.oneof(
  texts,
  fc.boolean(),
  fc.constantFrom(7, null),
  fc.array(texts, { maxLength: 3 }),
  fc.constant(['ad', 7]),
)
const claimNames = fc.constantFrom('one', 'two', '__proto__', 'constructor', 'cognito:groups', 'cognito:preferred_role')
const mappingRules = fc.record<MappingRule>({
  Claim: claimNames,
  MatchType: fc.constantFrom<MatchType[]>('Equals', 'Contains', 'StartsWith', 'NotEqual'),
  Value: texts,
  RoleARN: arns,
})
const mappings: fc.Arbitrary<RoleMapping | undefined> = fc.oneof(
  { weight: 1, arbitrary: fc.constant(undefined) },
  { weight: 3, arbitrary: fallbacks.map(token) },
  {
    weight: 6,
    arbitrary: fc
      .tuple(fallbacks, fc.array(mappingRules, { maxLength: 3 }))
      .map(([fallback, rules]) => rulesOf(fallback, ...rules)),
  },
)
/** Own keys whatever their names, as JSON.parse makes them. */
const asToken = (entries: readonly (readonly [string, unknown])[]): IdTokenClaims => {
  const claims: Record<string, unknown> = {}
  for (const [name, value] of entries)
    Object.defineProperty(claims, name, { value, enumerable: true, configurable: true, writable: true })
  return claims
}
const otherClaimEntries = fc.uniqueArray(fc.tuple(fc.constantFrom('one', 'two', '__proto__', 'constructor'), values), {
  selector: ([name]) => name,
})
const payloads = fc
  .record({
    listed: fc.uniqueArray(arns, { maxLength: 3 }),
    preferred: fc.option(arns, { nil: undefined }),
    groups: fc.array(texts, { maxLength: 2 }),
    others: otherClaimEntries,
  })
  .map(({ listed, preferred, groups, others }) =>
    asToken([
      ...others,
      ...(groups.length > 0 ? [['cognito:groups', groups] as const] : []),
      ...Object.entries(claimsOf(listed, preferred)).filter(([name]) => name !== 'cognito:groups'),
    ]),
  )
const requests: fc.Arbitrary<RoleRequest> = fc.record({
  customRoleArn: fc.option(arns, { nil: undefined, freq: 2 }),
  roles: fc.record(
    { authenticated: fc.constantFrom(AUTH, A), unauthenticated: fc.constant(GUEST) },
    { requiredKeys: [] },
  ),
})
const scenarios: fc.Arbitrary<Scenario> = fc.record({ claims: payloads, mapping: mappings, request: requests })

/** A law, and its control: the same property must fail for a selector that is wrong in just this. */
function law(sentence: string, wrong: Selector, property: (select: Selector) => fc.IProperty<unknown>): void {
  test(sentence, () => {
    fc.assert(property(selectRole), { numRuns: 2000 })
  })
  test(`control: ${sentence}`, () => {
    expect(fc.check(property(wrong), { seed: 1, numRuns: 5000, endOnFailure: true }).failed).toBe(true)
  })
}

const changed =
  (change: (selection: RoleSelection, scenario: Scenario) => RoleSelection): Selector =>
  (claims, mapping, request) =>
    change(selectRole(claims, mapping, request), { claims, mapping, request })
const given = (roleArn: string, { rule, evidence }: RoleSelection): RoleSelection => ({
  outcome: 'role',
  roleArn,
  rule,
  evidence,
})
const listedIn = (claims: IdTokenClaims) => (claims as { 'cognito:roles'?: readonly string[] })['cognito:roles'] ?? []
const rulesIn = (mapping: RoleMapping | undefined) =>
  (mapping?.Type === 'Rules' && mapping.RulesConfiguration?.Rules) || []
const answers = ({ outcome, roleArn, candidates }: RoleSelection) =>
  new Set(outcome === 'undetermined' ? candidates!.map(candidate => candidate.roleArn) : [roleArn])

describe('laws', () => {
  law(
    'a role is present exactly when one is given, and candidates exactly when nothing is determined',
    changed(selection => (selection.outcome === 'undetermined' ? { ...selection, roleArn: A } : selection)),
    select =>
      fc.property(scenarios, ({ claims, mapping, request }) => {
        const selection = select(claims, mapping, request)
        expect(Object.hasOwn(selection, 'roleArn')).toBe(selection.outcome === 'role')
        expect(Object.hasOwn(selection, 'candidates')).toBe(selection.outcome === 'undetermined')
        expect(selection.evidence === 'unknown').toBe(selection.outcome === 'undetermined')
        for (const { outcome, roleArn } of selection.candidates ?? [])
          expect(outcome).toBe(roleArn === undefined ? 'denied' : 'role')
      }),
  )

  law(
    'an undetermined selection has two different results or more',
    changed(selection => ({
      ...selection,
      ...(selection.candidates && { candidates: selection.candidates.slice(1) }),
    })),
    select =>
      fc.property(scenarios, ({ claims, mapping, request }) => {
        const selection = select(claims, mapping, request)
        fc.pre(selection.outcome === 'undetermined')
        expect(answers(selection).size).toBe(selection.candidates!.length)
        expect(answers(selection).size).toBeGreaterThan(1)
      }),
  )

  law(
    'no role is given or thought of but one that the token, a rule or the pool names for signed-in users',
    changed((selection, { request }) =>
      selection.outcome === 'denied' && request.customRoleArn ? given(request.customRoleArn, selection) : selection,
    ),
    select =>
      fc.property(scenarios, ({ claims, mapping, request }) => {
        const preferred = (claims as { 'cognito:preferred_role'?: string })['cognito:preferred_role']
        const named = [
          undefined,
          request.roles.authenticated,
          preferred,
          ...listedIn(claims),
          ...rulesIn(mapping).map(({ RoleARN }) => RoleARN),
        ]
        for (const roleArn of answers(select(claims, mapping, request))) expect(named).toContain(roleArn)
      }),
  )

  law(
    'the role of guests is never given',
    changed((selection, { request }) =>
      selection.rule === 'authenticated-role-missing' && request.roles.unauthenticated
        ? given(request.roles.unauthenticated, selection)
        : selection,
    ),
    select =>
      fc.property(scenarios, ({ claims, mapping, request }) => {
        expect(answers(select(claims, mapping, request))).not.toContain(GUEST)
      }),
  )

  law(
    'the order of the roles in the token does not matter',
    changed((selection, { claims }) =>
      selection.rule === 'ambiguous-denied' && listedIn(claims)[0] ? given(listedIn(claims)[0]!, selection) : selection,
    ),
    select =>
      fc.property(scenarios, ({ claims, mapping, request }) => {
        const reversed = {
          ...claims,
          ...(listedIn(claims).length > 0 && { 'cognito:roles': listedIn(claims).toReversed() }),
        }
        expect(select(reversed, mapping, request)).toStrictEqual(select(claims, mapping, request))
      }),
  )

  law(
    'a claim that no rule names does not matter',
    changed((selection, { claims }) => (Object.hasOwn(claims, 'admin') ? given(X, selection) : selection)),
    select =>
      fc.property(scenarios, values, ({ claims, mapping, request }, value) => {
        expect(select({ ...claims, admin: value }, mapping, request)).toStrictEqual(select(claims, mapping, request))
      }),
  )

  law(
    'a rule behind one that matches for sure does not matter',
    (claims, mapping, request) =>
      selectRole(
        claims,
        mapping?.Type === 'Rules'
          ? rulesOf(mapping.AmbiguousRoleResolution, ...rulesIn(mapping).toReversed())
          : mapping,
        request,
      ),
    select =>
      fc.property(scenarios, mappingRules, ({ claims, mapping, request: { roles: poolRoles } }, last) => {
        const selection = select(claims, mapping, { roles: poolRoles })
        fc.pre(selection.rule === 'mapping-rule')
        expect(
          select(claims, rulesOf(mapping!.AmbiguousRoleResolution, ...rulesIn(mapping), last), { roles: poolRoles }),
        ).toStrictEqual(selection)
      }),
  )

  law(
    'with rules, the roles of the token matter to a custom role only',
    changed((selection, { claims, mapping }) =>
      mapping?.Type === 'Rules' && selection.outcome === 'denied' && listedIn(claims)[0]
        ? given(listedIn(claims)[0]!, selection)
        : selection,
    ),
    select =>
      fc.property(scenarios, arns, ({ claims, mapping, request: { roles: poolRoles } }, arn) => {
        fc.pre(mapping?.Type === 'Rules')
        expect(select({ ...claims, 'cognito:roles': [arn] }, mapping, { roles: poolRoles })).toStrictEqual(
          select(claims, mapping, { roles: poolRoles }),
        )
      }),
  )

  law(
    'what AmbiguousRoleResolution is set to, once it is, was a candidate before',
    changed((selection, { mapping }) =>
      mapping !== undefined && mapping.AmbiguousRoleResolution === undefined && selection.outcome === 'undetermined'
        ? { outcome: 'denied', rule: 'ambiguous-unset', evidence: 'inferred' }
        : selection,
    ),
    select =>
      fc.property(scenarios, fallbacks, ({ claims, mapping, request }, fallback) => {
        fc.pre(mapping !== undefined)
        const before = answers(select(claims, { ...mapping!, AmbiguousRoleResolution: undefined }, request))
        for (const roleArn of answers(select(claims, { ...mapping!, AmbiguousRoleResolution: fallback }, request)))
          expect(before).toContain(roleArn)
      }),
  )

  law(
    "every result is the model's, in every field",
    changed(selection => ({ ...selection, evidence: 'documented' })),
    select =>
      fc.property(scenarios, ({ claims, mapping, request }) => {
        const { sure: _, ...model } = modelSelect(claims, mapping, request)
        expect(comparable(select(claims, mapping, request))).toStrictEqual(model)
      }),
  )

  test('frozen input works, and the results share nothing that changes', () => {
    const deepFreeze = <T>(value: T): T => {
      if (typeof value === 'object' && value !== null) Object.values(Object.freeze(value)).forEach(deepFreeze)
      return value
    }
    fc.assert(
      fc.property(scenarios.map(deepFreeze), ({ claims, mapping, request }) => {
        expect(selectRole(claims, mapping, request)).toStrictEqual(selectRole(claims, mapping, request))
      }),
    )
  })
})

const CONTENDERS: readonly Group[] = [
  { groupName: 'g', precedence: 1, roleArn: A },
  { groupName: 'h', precedence: 1 },
]
/** Of one role in the token, and of two. */
const UNDETERMINED: readonly Resolution[] = [
  resolveRoles(CONTENDERS),
  resolveRoles([...CONTENDERS, { groupName: 'k', precedence: 2, roleArn: B }]),
]

describe('laws of the forecast', () => {
  type Forecaster = (
    resolution: Resolution,
    mapping: RoleMapping | undefined,
    request: ForecastRoleRequest,
  ) => RoleSelection
  const groups = fc.uniqueArray(
    fc.record({
      groupName: fc.constantFrom('ad', 'adm', 'b', 'c'),
      precedence: fc.constantFrom(null, 0, 1),
      roleArn: fc.constantFrom(null, A, B),
    }),
    { selector: ({ groupName }) => groupName, maxLength: 4 },
  )
  const forecasts = fc.record({
    resolution: groups.map(some => resolveRoles(some)),
    mapping: mappings,
    request: fc.record<ForecastRoleRequest>({
      customRoleArn: fc.option(arns, { nil: undefined, freq: 2 }),
      roles: fc.constantFrom({}, { authenticated: A }, roles),
    }),
    otherClaims: otherClaimEntries.map(entries => asToken(entries) as Record<string, unknown>),
  })

  function forecastLaw(
    sentence: string,
    wrong: Forecaster,
    property: (forecast: Forecaster) => fc.IProperty<unknown>,
  ): void {
    test(sentence, () => {
      fc.assert(property(selectRoleFor), { numRuns: 2000 })
    })
    test(`control: ${sentence}`, () => {
      expect(fc.check(property(wrong), { seed: 1, numRuns: 5000, endOnFailure: true }).failed).toBe(true)
    })
  }

  /** Takes an undetermined preferred role for an absent one. */
  const without: Forecaster = (resolution, mapping, request) =>
    selectRoleFor({ ...resolution, outcome: 'none' }, mapping, request)

  forecastLaw('whichever token it turns out to be, its role was forecast or a candidate', without, forecast =>
    fc.property(forecasts, ({ resolution, mapping, request, otherClaims }) => {
      const forecast1 = answers(forecast(resolution, mapping, { ...request, otherClaims }))
      const preferredRoles =
        resolution.outcome === 'undetermined' ? [{}, { 'cognito:preferred_role': resolution.candidateRole }] : [{}]
      const tokens = preferredRoles.map(preferred =>
        selectRole({ ...otherClaims, ...resolution.claims, ...preferred }, mapping, request),
      )
      expect(forecast1).toEqual(new Set(tokens.flatMap(selection => [...answers(selection)])))
    }),
  )

  forecastLaw(
    'whatever the other claims turn out to be, the role was forecast or a candidate',
    (resolution, mapping, request) => selectRoleFor(resolution, mapping, { otherClaims: {}, ...request }),
    forecast =>
      fc.property(forecasts, ({ resolution, mapping, request, otherClaims }) => {
        const before = answers(forecast(resolution, mapping, request))
        for (const roleArn of answers(selectRoleFor(resolution, mapping, { ...request, otherClaims })))
          expect(before).toContain(roleArn)
      }),
  )

  forecastLaw("every answer is the model's, in every field", without, forecast =>
    fc.property(forecasts, fc.boolean(), ({ resolution, mapping, request, otherClaims }, known) => {
      const forecastRequest = known ? { ...request, otherClaims } : request
      const { sure: _, ...model } = modelSelectFor(resolution, mapping, forecastRequest)
      expect(comparable(forecast(resolution, mapping, forecastRequest))).toStrictEqual(model)
    }),
  )
})

const FALLBACKS: readonly Fallback[] = ['AuthenticatedRole', 'Deny', undefined]
const POOLS: readonly RoleRequest['roles'][] = [{ authenticated: AUTH }, { authenticated: A }, {}]
const PAYLOADS: readonly IdTokenClaims[] = [[], [A], [A, B]].flatMap(listed =>
  [undefined, A, X].map(preferred => claimsOf(listed, preferred)),
)
const RULES: readonly MappingRule[] = (['Equals', 'Contains', 'StartsWith', 'NotEqual'] as const).flatMap(matchType =>
  ['ad', 'b'].flatMap(value => [A, R].map(roleArn => rule('one', matchType, value, roleArn))),
)
const RULE_LISTS: readonly (readonly MappingRule[])[] = [
  [],
  ...RULES.map(one => [one]),
  ...RULES.flatMap(one => RULES.map(two => [one, two])),
]
const VALUES: readonly unknown[] = [undefined, 'ad', ['ad'], ['adm'], ['adm', 'b'], true]

function* everyScenario(): Generator<Scenario> {
  for (const poolRoles of POOLS) {
    for (const customRoleArn of [undefined, A, X]) {
      for (const claims of PAYLOADS) {
        for (const mapping of [undefined, ...FALLBACKS.map(token)])
          yield { claims, mapping, request: { roles: poolRoles, customRoleArn } }
      }
    }
  }
  for (const rules of RULE_LISTS) {
    for (const fallback of FALLBACKS) {
      const mapping = rulesOf(fallback, ...rules)
      for (const poolRoles of POOLS) {
        for (const customRoleArn of [undefined, A, R, X]) {
          for (const listed of [[], [A]]) {
            for (const one of VALUES) {
              yield {
                claims: { ...claimsOf(listed), ...(one !== undefined && { one }) },
                mapping,
                request: { roles: poolRoles, customRoleArn },
              }
            }
          }
        }
      }
    }
  }
}

const CASES = 3 * 3 * 9 * 4 + (1 + 16 + 256) * 3 * 3 * 4 * 2 * 6

interface Comparison {
  readonly cases: number
  readonly firstDifference?: unknown
}

function compareWithModel(select: Selector): Comparison {
  let cases = 0
  for (const scenario of everyScenario()) {
    const { claims, mapping, request } = scenario
    const { sure: _, ...model } = modelSelect(claims, mapping, request)
    const actual = comparable(select(claims, mapping, request))
    cases++
    if (!same(actual, model)) return { cases, firstDifference: { scenario, actual, model } }
  }
  return { cases }
}

describe('every small token, mapping and request', () => {
  test("has the model's result, in every field", () => {
    expect(compareWithModel(selectRole)).toEqual({ cases: CASES })
  })

  test('every rule, outcome and evidence occurs among them', () => {
    const seen = { rule: new Set<string>(), outcome: new Set<string>(), evidence: new Set<string>() }
    for (const { claims, mapping, request } of everyScenario()) {
      const selection = selectRole(claims, mapping, request)
      for (const field of ['rule', 'outcome', 'evidence'] as const) seen[field].add(selection[field])
    }
    expect([...seen.rule].toSorted()).toEqual([
      'ambiguous-authenticated',
      'ambiguous-denied',
      'ambiguous-unset',
      'authenticated-role-missing',
      'custom-role',
      'custom-role-not-allowed',
      'custom-role-with-rules',
      'custom-role-without-mapping',
      'mapping-rule',
      'no-mapping',
      'preferred-role',
      'single-role',
      'uncertain-rule',
    ])
    expect([seen.outcome.size, seen.evidence.size]).toEqual([3, 4])
  })

  test('with an undetermined preferred role too, and with rules on it', () => {
    const onPreferred = RULES.flatMap(({ MatchType, RoleARN }) =>
      [A, 'arn'].map(value => rule('cognito:preferred_role', MatchType!, value, RoleARN)),
    )
    let cases = 0
    for (const mapping of [
      undefined,
      ...FALLBACKS.flatMap(fallback => [
        token(fallback),
        ...[...RULES, ...onPreferred].flatMap(one => [
          rulesOf(fallback, one),
          rulesOf(fallback, one, rule('one', 'Contains', 'ad', B)),
          rulesOf(fallback, rule('one', 'Equals', 'ad', A), one),
        ]),
      ]),
    ]) {
      for (const poolRoles of POOLS) {
        for (const customRoleArn of [undefined, A, X]) {
          for (const otherClaims of [undefined, {}, { one: 'ad' }, { one: ['adm'] }]) {
            for (const resolution of UNDETERMINED) {
              const request = { roles: poolRoles, customRoleArn, otherClaims }
              const { sure: _, ...model } = modelSelectFor(resolution, mapping, request)
              expect(comparable(selectRoleFor(resolution, mapping, request))).toStrictEqual(model)
              cases++
            }
          }
        }
      }
    }
    expect(cases).toBe((1 + 3 * (1 + 48 * 3)) * 3 * 3 * 4 * 2)
  })
})

const input =
  (change: (scenario: Scenario) => Partial<Scenario>): Selector =>
  (claims, mapping, request) => {
    const scenario = { claims, mapping, request, ...change({ claims, mapping, request }) }
    return selectRole(scenario.claims, scenario.mapping, scenario.request)
  }
const textOf = (value: unknown): unknown => (Array.isArray(value) ? value.join(',') : value)
const valueOfOne = (claims: IdTokenClaims) => (claims as { one?: unknown }).one

const mistakes: readonly (readonly [string, Selector])[] = [
  [
    'calls the only role undetermined',
    changed(selection =>
      selection.rule === 'single-role'
        ? {
            outcome: 'undetermined',
            candidates: [{ outcome: 'role', roleArn: A, rule: 'single-role' }],
            rule: 'single-role',
            evidence: 'unknown',
          }
        : selection,
    ),
  ],
  [
    'falls back although there is one role',
    input(({ claims, mapping }) =>
      mapping?.Type === 'Token' && listedIn(claims).length === 1
        ? { claims: { ...claims, 'cognito:roles': [A, B] } }
        : {},
    ),
  ],
  [
    'grants the first candidate',
    changed(selection =>
      selection.candidates?.[0]?.roleArn ? given(selection.candidates[0].roleArn, selection) : selection,
    ),
  ],
  [
    'calls undetermined a denial',
    changed(selection =>
      selection.outcome === 'undetermined'
        ? { outcome: 'denied', rule: selection.rule, evidence: selection.evidence }
        : selection,
    ),
  ],
  [
    'forgets the denial among the candidates',
    changed(selection => ({
      ...selection,
      ...(selection.candidates && { candidates: selection.candidates.filter(({ outcome }) => outcome === 'role') }),
    })),
  ],
  [
    'stays undetermined where the readings agree',
    changed(selection =>
      selection.rule === 'ambiguous-unset' && selection.outcome === 'denied'
        ? {
            outcome: 'undetermined',
            candidates: [{ outcome: 'denied', rule: 'ambiguous-denied' }],
            rule: 'ambiguous-unset',
            evidence: 'unknown',
          }
        : selection,
    ),
  ],
  ['ignores the custom role', input(({ request: { roles: poolRoles } }) => ({ request: { roles: poolRoles } }))],
  [
    'ignores a custom role with rules',
    input(({ mapping, request: { roles: poolRoles } }) =>
      mapping?.Type === 'Rules' ? { request: { roles: poolRoles } } : {},
    ),
  ],
  [
    'ignores a custom role without a mapping',
    input(({ mapping, request: { roles: poolRoles } }) => (mapping ? {} : { request: { roles: poolRoles } })),
  ],
  [
    'falls back when the custom role is not in the token',
    input(({ claims, mapping, request }) =>
      mapping?.Type === 'Token' && !listedIn(claims).includes(request.customRoleArn ?? '')
        ? { request: { roles: request.roles } }
        : {},
    ),
  ],
  [
    'grants any custom role',
    changed((selection, { request }) =>
      selection.rule === 'custom-role-not-allowed' ? given(request.customRoleArn!, selection) : selection,
    ),
  ],
  [
    'follows the guide on a custom role of the token with rules',
    changed((selection, { request }) =>
      selection.rule === 'custom-role-with-rules' && selection.evidence === 'observed'
        ? given(request.customRoleArn!, selection)
        : selection,
    ),
  ],
  [
    'denies every custom role with rules',
    changed(selection =>
      selection.rule === 'custom-role-with-rules' && selection.outcome === 'undetermined'
        ? { outcome: 'denied', rule: 'custom-role-with-rules', evidence: 'observed' }
        : selection,
    ),
  ],
  [
    'leaves a custom role of the token with rules undetermined',
    input(({ claims, mapping }) => {
      const { 'cognito:roles': _, ...others } = claims as Record<string, unknown>
      return mapping?.Type === 'Rules' ? { claims: others } : {}
    }),
  ],
  [
    'refuses a preferred role outside the roles',
    input(({ claims }) => {
      const { 'cognito:preferred_role': preferred, ...others } = claims as Record<string, unknown>
      return listedIn(claims).includes(preferred as string) ? {} : { claims: others }
    }),
  ],
  [
    'asks for the preferred role without a mapping',
    input(({ mapping }) => ({ mapping: mapping ?? token('AuthenticatedRole') })),
  ],
  [
    'takes an unset resolution for a denial',
    input(({ mapping }) =>
      mapping && mapping.AmbiguousRoleResolution === undefined
        ? { mapping: { ...mapping, AmbiguousRoleResolution: 'Deny' } }
        : {},
    ),
  ],
  [
    'takes an unset resolution for the authenticated role',
    input(({ mapping }) =>
      mapping && mapping.AmbiguousRoleResolution === undefined
        ? { mapping: { ...mapping, AmbiguousRoleResolution: 'AuthenticatedRole' } }
        : {},
    ),
  ],
  [
    'grants the role of guests where there is no authenticated role',
    input(({ request }) => ({ request: { ...request, roles: { authenticated: GUEST, ...request.roles } } })),
  ],
  [
    'lets NotEqual match a missing claim',
    input(({ claims, mapping }) =>
      mapping?.Type === 'Rules' && valueOfOne(claims) === undefined ? { claims: { ...claims, one: '' } } : {},
    ),
  ],
  [
    'compares arrays as text',
    input(({ claims }) =>
      valueOfOne(claims) === undefined ? {} : { claims: { ...claims, one: textOf(valueOfOne(claims)) } },
    ),
  ],
  [
    'never looks inside an element',
    input(({ claims, mapping }) => {
      const one = valueOfOne(claims)
      return Array.isArray(one) && rulesIn(mapping)[0]?.MatchType === 'Contains'
        ? { claims: { ...claims, one: one.filter(value => value !== 'adm') } }
        : {}
    }),
  ],
  [
    'compares booleans as text',
    input(({ claims }) =>
      typeof valueOfOne(claims) === 'boolean' ? { claims: { ...claims, one: `${valueOfOne(claims)}` } } : {},
    ),
  ],
  [
    'lets the last rule win',
    input(({ mapping }) =>
      mapping?.Type === 'Rules'
        ? { mapping: rulesOf(mapping.AmbiguousRoleResolution, ...rulesIn(mapping).toReversed()) }
        : {},
    ),
  ],
  [
    'counts the rules from 1',
    changed(selection =>
      selection.ruleIndex === undefined ? selection : { ...selection, ruleIndex: selection.ruleIndex + 1 },
    ),
  ],
  [
    'knows every fallback equally well',
    changed(selection =>
      selection.rule === 'ambiguous-denied' ? { ...selection, evidence: 'documented' } : selection,
    ),
  ],
  [
    'claims evidence it does not have',
    changed(selection => (selection.evidence === 'inferred' ? { ...selection, evidence: 'documented' } : selection)),
  ],
  [
    'gives the wrong reason',
    changed(selection =>
      selection.rule === 'uncertain-rule' && selection.outcome === 'role'
        ? { ...selection, rule: 'mapping-rule' }
        : selection,
    ),
  ],
  [
    'writes an undefined role where a key should be absent',
    changed(selection => ({ roleArn: undefined, ...selection }) as unknown as RoleSelection),
  ],
]

describe('control: the comparison catches a selector that', () => {
  test.each(mistakes)('%s', (_, wrong) => {
    const { cases, firstDifference } = compareWithModel(wrong)
    expect(firstDifference).toBeDefined()
    expect(cases).toBeLessThan(CASES)
  })
})

const PAGE = readFileSync(new URL('../../docs/identity-pool.md', import.meta.url), 'utf8')
const EMULATORS = readFileSync(new URL('../../docs/emulators.md', import.meta.url), 'utf8')

/** tsc sees to it that none is missing. */
const RULE_IDS = Object.keys({
  'no-mapping': true,
  'custom-role': true,
  'custom-role-not-allowed': true,
  'custom-role-without-mapping': true,
  'custom-role-with-rules': true,
  'preferred-role': true,
  'undetermined-preferred-role': true,
  'single-role': true,
  'mapping-rule': true,
  'uncertain-rule': true,
  'ambiguous-authenticated': true,
  'ambiguous-denied': true,
  'ambiguous-unset': true,
  'authenticated-role-missing': true,
} satisfies Record<SelectionRule, true>)

/** The expressions above a comment `// => value` whose value is another. */
function wrongExamples(text: string): readonly string[] {
  const world = createContext({ packages: { rolecast } })
  return [...text.matchAll(/^```js\n([\s\S]*?)^```$/gm)].flatMap(([, block]) =>
    [...block!.matchAll(/((?:(?!\/\/ =>).*\n)+?)(\/\/ => .*\n(?:\/\/ .*\n)*)/g)]
      .filter(([, code, value]) => {
        const expected: unknown = runInContext(`(${value!.replace(/^\/\/ (?:=> )?/gm, '')})`, world)
        // An import of the first block counts in the others too, as the page says.
        const script = code!.replace(/^import (\{.*\}) from '(.*)'$/gm, 'const $1 = packages["$2"]')
        return !isDeepStrictEqual(structuredClone(runInContext(script, world)), structuredClone(expected))
      })
      .map(([, code]) => code!),
  )
}

const LEAD = 'When using tokens to assign roles, if there are multiple roles that can be assigned to the user,'
const ITEMS = [
  'it matches a role in the `cognito:roles` claim.',
  '`cognito:preferred_role` claim is set, use it.',
  'is used to determine the role to be assigned.',
]

/** The quotations that have an item of the list and not the sentence above it. */
function withoutLead(text: string): readonly string[] {
  const quotations = [...text.matchAll(/(?:^>.*\n)+/gm)].map(([lines]) =>
    lines.replaceAll(/^> ?/gm, '').replaceAll(/\s+/g, ' '),
  )
  return quotations.filter(quotation => ITEMS.some(item => quotation.includes(item)) && !quotation.startsWith(LEAD))
}

describe('docs/identity-pool.md', () => {
  test('has a section for every rule', () => {
    expect(RULE_IDS.filter(id => !PAGE.includes(`\n### ${id}\n`))).toEqual([])
  })

  test('gives for every example the value it has', () => {
    expect(wrongExamples(PAGE)).toEqual([])
    expect(PAGE.match(/^\/\/ => /gm)!.length).toBeGreaterThan(8)
  })

  test('control: a wrong value is noticed', () => {
    expect(
      wrongExamples(
        "```js\nimport { selectRole } from 'rolecast'\n\nselectRole({}, undefined, { roles: {} }).rule\n// => 'no-mapping'\n```\n",
      ),
    ).toHaveLength(1)
  })

  test('control: an example without the import fails', () => {
    expect(() => wrongExamples(PAGE.replace(/^import .*\n/m, ''))).toThrow('is not defined')
  })

  test("quotes no item of AWS's list without the sentence that governs it", () => {
    expect(withoutLead(PAGE)).toEqual([])
    expect(PAGE).toContain(`> ${LEAD}`)
  })

  test('control: an item on its own is noticed', () => {
    expect(withoutLead('AWS:\n\n> If the `cognito:preferred_role` claim is set, use\n> it.\n\nSo\n')).toHaveLength(1)
    expect(withoutLead(PAGE.replace(LEAD, ''))).toHaveLength(1)
  })

  test('says how many cases are compared', () => {
    expect(PAGE.replaceAll(/\s+/g, ' ')).toContain(`on ${CASES.toLocaleString('en-GB')} small cases`)
  })
})

describe('docs/emulators.md', () => {
  test('gives for every example the value it has', () => {
    expect(wrongExamples(EMULATORS)).toEqual([])
    expect(EMULATORS.match(/^\/\/ => /gm)).toHaveLength(2)
  })
})
