import { describe, expect, test } from 'vitest'
import type { RoleAttachment, Value } from '../../src/rules/infrastructure.js'
import {
  known,
  unknown,
  oneOf,
  rolesOf,
  rule,
  group,
  type Given,
  validate,
  found,
  mapping,
  attachment,
  SERVICE,
  POOL_ID,
  refToPool,
  type Trust,
  trusting,
  withTrust,
  A,
  B,
} from './given.js'

describe('trust', () => {
  const trust = (policy: Trust | Value<unknown>, more: Given = {}) => found({ ...withTrust(policy), ...more })
  const live = (identityPoolId: string) => ({
    attachments: [attachment([mapping('Token', 'AuthenticatedRole')], { identityPool: known(identityPoolId) })],
  })

  test.each<[string, Trust | Value<unknown>, string[]]>([
    ['the reference to the identity pool', {}, []],
    ['a reference among ids', { aud: [refToPool, POOL_ID] }, []],
    ["GovCloud's name", { principal: { Federated: 'cognito-identity-us-gov.amazonaws.com' } }, ['COG190 note']],
    ['another action', { action: 'sts:AssumeRole' }, ['COG120 error']],
    [
      'a principal that is not known',
      { principal: { Federated: { 'rolecast:unknown': 'parameter' } } },
      ['COG190 note'],
    ],
    ['an action that is not known', { action: { 'rolecast:unknown': 'parameter' } }, ['COG190 note']],
    ['an amr that is not known', { amr: { 'rolecast:unknown': 'parameter' } }, ['COG190 note']],
    [
      'an effect that is not known',
      { effect: { 'rolecast:unknown': 'parameter' } as unknown as string },
      ['COG190 note'],
    ],
    ['no amr', { amr: null }, ['COG124 warning']],
    ['both kinds of amr', { amr: ['authenticated', 'unauthenticated'] }, ['COG124 error']],
    ['no condition', { aud: null, amr: null }, ['COG121 error']],
    [
      'no audience, and guests by name',
      { aud: null, amr: ['authenticated', 'unauthenticated'] },
      ['COG121 error', 'COG124 error'],
    ],
    ['a placeholder', { aud: 'YOUR_IDENTITY_POOL_ID' }, ['COG122 error']],
    ['a Deny for a pool by its id', { effect: 'Deny', aud: POOL_ID }, ['COG123 error']],
    [
      'a Deny alone, of a placeholder',
      { effect: 'Deny', aud: 'YOUR_IDENTITY_POOL_ID' },
      ['COG122 error', 'COG123 error'],
    ],
    ['a misspelt key', { amrKey: 'cognito-identity.amazon.com:amr' }, ['COG125 error']],
    ['a misspelt claim', { amrKey: `${SERVICE}:arm` }, ['COG125 error']],
    ['a claim that is written out', { amrKey: `${SERVICE}:authentication` }, ['COG190 note']],
    ['a claim that AWS documents for other providers', { amrKey: `${SERVICE}:oaud` }, ['COG190 note']],
    ['a key of another service', { amrKey: 'accounts.google.com:aud' }, ['COG190 note']],
    ['a wildcard for everybody', { principal: '*' }, ['COG190 note']],
    ['a wildcard for every account', { principal: { AWS: '*' } }, ['COG190 note']],
    ['a wildcard without an audience', { principal: '*', aud: null }, ['COG121 warning']],
    [
      'a wildcard among providers, without an audience',
      { principal: { Federated: ['*'] }, aud: null },
      ['COG121 warning'],
    ],
    [
      'a user pool for the audience',
      { aud: { ...refToPool, 'rolecast:is': 'the ID of the user pool `P`' } },
      ['COG122 error'],
    ],
    ['a policy that is not known', unknown, ['COG190 note']],
    ['one of two policies', oneOf<unknown>(known(trusting({})), known(trusting({ aud: null }))), ['COG190 note']],
    ['what is no policy', known('{}'), ['COG190 note']],
    ['a policy as text', known(JSON.stringify(trusting({ aud: null }))), ['COG121 error']],
  ])('of %s', (_, policy, expected) => {
    expect(trust(policy)).toEqual(expected)
  })

  describe('with a key that does not exist, in a condition that', () => {
    const typo = 'cognito-identity.amazon.com'
    const allow = (condition: object) => ({
      Statement: [
        {
          Effect: 'Allow',
          Principal: { Federated: SERVICE },
          Action: 'sts:AssumeRoleWithWebIdentity',
          Condition: condition,
        },
      ],
    })
    const aud = { [`${SERVICE}:aud`]: refToPool }
    const amr = { 'ForAnyValue:StringLike': { [`${SERVICE}:amr`]: 'authenticated' } }
    const said = (policy: object) =>
      validate(withTrust(known(policy))).map(({ ruleId, severity, message, impact }) => ({
        found: `${ruleId} ${severity}`,
        message,
        impact,
      }))

    test('is never met, nobody gets the role', () => {
      expect(said(allow({ StringEquals: { [`${typo}:aud`]: refToPool }, ...amr }))).toMatchObject([
        {
          found: 'COG125 error',
          message: expect.stringContaining('never met'),
          impact: expect.stringContaining('no credentials'),
        },
      ])
    })

    test('is always met, it keeps nobody out', () => {
      expect(said(allow({ StringEqualsIfExists: { [`${typo}:aud`]: refToPool }, ...amr }))).toMatchObject([
        { found: 'COG121 error' },
        { found: 'COG125 error', message: expect.stringContaining('always met') },
      ])
      const guests = { StringEquals: aud, StringNotEquals: { [`${typo}:amr`]: 'unauthenticated' } }
      expect(said(allow(guests)).map(({ found }) => found)).toEqual(['COG124 warning', 'COG125 error'])
    })

    test('belongs to another statement than the one that lets users in, the users get the role', () => {
      const [good] = trusting({}).Statement
      const [dead] = allow({ StringEquals: { [`${typo}:aud`]: refToPool } }).Statement
      expect(said({ Statement: [good, dead] })).toMatchObject([
        { found: 'COG125 error', impact: expect.stringContaining('No user gets the role by this statement') },
      ])
    })

    test('belongs to a Deny, nothing is denied', () => {
      const [good] = trusting({}).Statement
      const [deny] = allow({ StringEquals: { [`${typo}:aud`]: 'x' } }).Statement
      expect(said({ Statement: [good, { ...deny, Effect: 'Deny' }] }).map(({ found }) => found)).toEqual([
        'COG125 error',
      ])
    })
  })

  test("accepts each partition's service principal", () => {
    for (const name of [
      'cognito-identity.amazonaws.com',
      'cognito-identity-us-gov.amazonaws.com',
      'cognito-identity.us-gov-east-1.amazonaws.com',
    ]) {
      const policy = JSON.parse(JSON.stringify(trusting({})).replaceAll(SERVICE, name)) as unknown
      expect(trust(known(policy))).toEqual([])
    }
  })

  test('in a pool other than the known one is reported', () => {
    expect(trust({ aud: POOL_ID }, live(POOL_ID))).toEqual([])
    expect(trust({ aud: POOL_ID }, live(POOL_ID.replace('7f', '8f')))).toEqual(['COG120 error'])
  })

  test('is checked once for a role, in however many groups, and for roles that are handed out only', () => {
    const { roles } = withTrust({ aud: null })
    const findings = validate({
      groups: [group('a', 1, A), group('b', 2, A), group('c', 3, A, { pool: 'Other' })],
      roles: roles!,
    })
    expect(findings).toMatchObject([{ ruleId: 'COG121', groups: ['a', 'b', 'c'], pool: '' }])
    expect(found({ groups: [group('a', 1, B)], roles: roles! })).toEqual([])
  })

  test('of a role that another file defines is found there, and the file of the group is related', () => {
    const policy = known(trusting({ action: 'sts:AssumeRole' }))
    const findings = validate({
      groups: [group('admins', 1, A, { location: { path: 'groups.yaml', line: 3 } })],
      roles: [{ id: 'AdminRole', trustPolicy: policy, location: { path: 'roles.yaml', line: 7 } }],
    })
    expect(findings).toMatchObject([
      {
        ruleId: 'COG120',
        location: { path: 'roles.yaml', line: 7 },
        related: [{ message: 'group `admins`', location: { path: 'groups.yaml', line: 3 } }],
      },
    ])
  })

  describe('of a role that an identity pool hands out', () => {
    const { roles } = withTrust({ action: 'sts:AssumeRole' })
    const toGuests = withTrust({ amr: 'unauthenticated' }).roles!
    const toUsers = withTrust({}).roles!
    const byRule = [attachment([mapping('Rules', 'Deny', { rules: known([rule('admins')]) })])]

    test.each<[string, Given, string[]]>([
      ['by a mapping rule', { roles: roles!, attachments: byRule }, ['The role of the mapping rule for `admins`']],
      [
        'to signed-in users',
        { roles: roles!, attachments: [attachment([], { roles: rolesOf(A) })] },
        ['The role of signed-in users (`Roles.authenticated`)'],
      ],
      [
        'to guests',
        { roles: roles!, attachments: [attachment([], { roles: rolesOf(undefined, A) })] },
        ['The role of guests (`Roles.unauthenticated`)'],
      ],
    ])('%s is judged', (_, given, beginnings) => {
      const findings = validate({ groups: [group('admins')], ...given }, { only: ['COG120'] })
      expect(findings.map(({ message }) => message.split(' cannot be')[0])).toEqual(beginnings)
    })

    test('to guests has to trust guests, and to users has to trust users', () => {
      const given = (definitions: Given['roles'], which: RoleAttachment['roles']) =>
        found({ roles: definitions!, attachments: [attachment([], { roles: which })] })
      expect(given(toGuests, rolesOf(undefined, A))).toEqual([])
      expect(given(toUsers, rolesOf(undefined, A))).toEqual(['COG120 warning'])
      expect(given(toGuests, rolesOf(A))).toEqual(['COG124 error'])
      expect(given(toUsers, rolesOf(A))).toEqual([])
    })

    test('to both gives one finding about that, and none about trusting guests', () => {
      const both = withTrust({ amr: ['authenticated', 'unauthenticated'] }).roles!
      expect(found({ roles: both, attachments: [attachment([], { roles: rolesOf(A, A) })] })).toEqual([
        'COG126 warning',
      ])
    })

    test('is checked for the identity pool that hands it out, and not for another one', () => {
      const other = POOL_ID.replace('7f', '8f')
      const given = (aud: string) => ({
        roles: withTrust({ aud }).roles!,
        attachments: [
          attachment([], { roles: rolesOf(A), identityPool: known(POOL_ID) }),
          attachment([], { id: 'Other', roles: rolesOf(B), identityPool: known(other) }),
        ],
      })
      expect(found(given(POOL_ID))).toEqual([])
      expect(found(given(other))).toEqual(['COG120 error'])
    })
  })
})
