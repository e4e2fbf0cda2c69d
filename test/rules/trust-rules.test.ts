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
    ['a key of another service', { amrKey: 'accounts.google.com:aud' }, ['COG190 note']],
    ['a policy that is not known', unknown, ['COG190 note']],
    ['one of two policies', oneOf<unknown>(known(trusting({})), known(trusting({ aud: null }))), ['COG190 note']],
    ['what is no policy', known('{}'), ['COG190 note']],
    ['a policy as text', known(JSON.stringify(trusting({ aud: null }))), ['COG121 error']],
  ])('of %s', (_, policy, expected) => {
    expect(trust(policy)).toEqual(expected)
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

    test('to guests has to be for guests, and to users for users', () => {
      const given = (definitions: Given['roles'], which: RoleAttachment['roles']) =>
        found({ roles: definitions!, attachments: [attachment([], { roles: which })] })
      expect(given(toGuests, rolesOf(undefined, A))).toEqual([])
      expect(given(toUsers, rolesOf(undefined, A))).toEqual(['COG120 error'])
      expect(given(toGuests, rolesOf(A))).toEqual(['COG124 error'])
      expect(given(toUsers, rolesOf(A))).toEqual([])
    })

    test('to both is one finding about that, and none that guests are trusted', () => {
      const both = withTrust({ amr: ['authenticated', 'unauthenticated'] }).roles!
      expect(found({ roles: both, attachments: [attachment([], { roles: rolesOf(A, A) })] })).toEqual([
        'COG126 warning',
      ])
    })

    test('is judged for the identity pool that hands it out, and not for another one', () => {
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
