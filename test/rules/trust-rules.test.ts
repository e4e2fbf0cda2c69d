import { describe, expect, test } from 'vitest'
import type { Value } from '../../src/rules/infrastructure.js'
import {
  known,
  unknown,
  oneOf,
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
    ['no condition', { aud: null, amr: null }, ['COG121 error', 'COG124 warning']],
    ['a placeholder', { aud: 'YOUR_IDENTITY_POOL_ID' }, ['COG122 error']],
    ['a Deny for a pool by its id', { effect: 'Deny', aud: POOL_ID }, ['COG123 error']],
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

  test('is checked once for a role, in however many groups, and for roles of groups only', () => {
    const { roles } = withTrust({ aud: null })
    const findings = validate({
      groups: [group('a', 1, A), group('b', 2, A), group('c', 3, A, { pool: 'Other' })],
      roles: roles!,
    })
    expect(findings).toMatchObject([{ ruleId: 'COG121', groups: ['a', 'b', 'c'], pool: '' }])
    expect(found({ groups: [group('a', 1, B)], roles: roles! })).toEqual([])
  })
})
