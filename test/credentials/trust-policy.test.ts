import { readFileSync } from 'node:fs'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError } from '../../src/errors.js'
import { type Trust, type TrustReason, trustsIdentityPool } from '../../src/credentials/trust-policy.js'

const POOL = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const OTHER = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f7'
const SERVICE = 'cognito-identity.amazonaws.com'
const AUD = `${SERVICE}:aud`
const AMR = `${SERVICE}:amr`

type Json = Readonly<Record<string, unknown>>

const aud = { StringEquals: { [AUD]: POOL } }
const amr = { 'ForAnyValue:StringLike': { [AMR]: 'authenticated' } }

/** The statement of AWS's page, changed; an undefined field is left out. */
function statement(change: Json = {}): Json {
  const whole = {
    Effect: 'Allow',
    Principal: { Federated: SERVICE },
    Action: 'sts:AssumeRoleWithWebIdentity',
    Condition: { ...aud, ...amr },
    ...change,
  }
  return Object.fromEntries(Object.entries(whole).filter(([, value]) => value !== undefined))
}
const policy = (...statements: readonly Json[]): Json => ({ Version: '2012-10-17', Statement: statements })
const judge = (...statements: readonly Json[]) => trustsIdentityPool(policy(...statements), POOL)

describe("the policy of AWS's page", () => {
  const trusted: Trust = {
    trusted: true,
    reason: 'allowed',
    statementIndex: 0,
    anyPool: false,
    guests: false,
    placeholders: [],
  }

  test('is trusted by its pool, and by its pool alone', () => {
    expect(judge(statement())).toStrictEqual(trusted)
    expect(trustsIdentityPool(policy(statement()), OTHER)).toStrictEqual({
      ...trusted,
      trusted: false,
      reason: 'other-audience',
    })
  })

  test('may come as an object, as JSON, or percent-encoded as IAM gives it', () => {
    const json = JSON.stringify(policy(statement()), undefined, 2)
    expect(trustsIdentityPool(json, POOL)).toStrictEqual(trusted)
    expect(trustsIdentityPool(encodeURIComponent(json), POOL)).toStrictEqual(trusted)
    expect(trustsIdentityPool(` \n${json}`, POOL)).toStrictEqual(trusted)
    expect(trustsIdentityPool(` ${encodeURIComponent(json)}`, POOL)).toStrictEqual(trusted)
    expect(
      trustsIdentityPool(JSON.stringify(policy(statement({ Sid: '' }))).replace('{', '{ "Id": "100%", '), POOL),
      'a percent sign of its own',
    ).toStrictEqual(trusted)
  })

  test('may have one statement without a list, and no version', () => {
    expect(trustsIdentityPool({ Statement: statement() }, POOL)).toStrictEqual(trusted)
    expect(trustsIdentityPool({ Version: '2008-10-17', Statement: statement() }, POOL)).toStrictEqual(trusted)
  })

  test('for guests is not for signed-in users', () => {
    expect(
      judge(statement({ Condition: { ...aud, 'ForAnyValue:StringLike': { [AMR]: 'unauthenticated' } } })),
    ).toStrictEqual({
      ...trusted,
      trusted: false,
      reason: 'guests-only',
      guests: true,
    })
  })
})

describe('asked for guests', () => {
  const forGuests = (...statements: readonly Json[]) =>
    trustsIdentityPool(policy(...statements), POOL, { users: 'unauthenticated' })
  const ofAmr = (value: unknown) => statement({ Condition: { ...aud, 'ForAnyValue:StringLike': { [AMR]: value } } })

  test.each<[string, Json, boolean, TrustReason]>([
    ['unauthenticated', ofAmr('unauthenticated'), true, 'allowed'],
    ['both', ofAmr(['authenticated', 'unauthenticated']), true, 'allowed'],
    ['authenticated', ofAmr('authenticated'), false, 'signed-in-only'],
    ['no amr', statement({ Condition: aud }), true, 'allowed'],
  ])('%s is judged', (_, given, trusted, reason) => {
    expect(forGuests(given)).toMatchObject({ trusted, reason })
  })

  test('a policy says of guests what it says when asked for them', () => {
    for (const value of ['authenticated', 'unauthenticated', ['authenticated', 'unauthenticated'], '*'])
      expect(judge(ofAmr(value)).guests).toBe(forGuests(ofAmr(value)).trusted)
  })

  test('other names for the users are rejected', () => {
    expect(() => trustsIdentityPool(policy(statement()), POOL, { users: 'guest' as never })).toThrow(
      expect.objectContaining({ code: 'invalid-option' }),
    )
  })
})

test('an audience in a Deny is named where nothing is allowed, and not where it does no harm', () => {
  const placeholder = 'us-east-1:12345678-dead-beef-cafe-123456790ab'
  const denial = statement({ Effect: 'Deny', Condition: { StringEquals: { [AUD]: placeholder } } })
  expect(judge(denial).placeholders).toEqual([placeholder])
  expect(judge(denial, statement())).toMatchObject({ trusted: true, placeholders: [] })
})

const onAud = (operator: string, value: unknown): Json => ({ Condition: { [operator]: { [AUD]: value }, ...amr } })
const onAmr = (operator: string, value: unknown): Json => ({ Condition: { ...aud, [operator]: { [AMR]: value } } })
const besides = (operator: string, key: string, value: unknown): Json => ({
  Condition: { ...aud, ...amr, [operator]: { [key]: value } },
})

type Row = readonly [string, Json, boolean | undefined, TrustReason, Partial<Trust>?]

const rows: readonly Row[] = [
  ['the principal in a list', { Principal: { Federated: ['accounts.google.com', SERVICE] } }, true, 'allowed'],
  [
    'the principal beside others',
    { Principal: { AWS: 'arn:aws:iam::111122223333:root', Federated: SERVICE } },
    true,
    'allowed',
  ],
  ['another provider', { Principal: { Federated: 'accounts.google.com' } }, false, 'other-principal'],
  ['the user pool as a provider', { Principal: { Federated: 'cognito-idp.amazonaws.com' } }, false, 'other-principal'],
  ['the service as a Service', { Principal: { Service: SERVICE } }, false, 'other-principal'],
  ['an account', { Principal: { AWS: 'arn:aws:iam::111122223333:root' } }, false, 'other-principal'],
  ["GovCloud's name", { Principal: { Federated: 'cognito-identity-us-gov.amazonaws.com' } }, false, 'other-principal'],
  [
    "China's name",
    { Principal: { Federated: 'cognito-identity.cn-north-1.amazonaws.com.cn' } },
    false,
    'other-principal',
  ],
  [
    "a provider of one's own of that name",
    { Principal: { Federated: `arn:aws:iam::111122223333:oidc-provider/${SERVICE}` } },
    false,
    'other-principal',
  ],
  [
    'a name that is documented nowhere',
    { Principal: { Federated: 'cognito-identity.amazon.com' } },
    undefined,
    'uncertain-principal',
  ],
  ['everybody', { Principal: '*' }, undefined, 'uncertain-principal'],
  ['every account', { Principal: { AWS: '*' } }, undefined, 'uncertain-principal'],
  ['every provider', { Principal: { Federated: '*' } }, undefined, 'uncertain-principal'],
  ['a part of the name', { Principal: { Federated: 'cognito-identity.*' } }, undefined, 'uncertain-principal'],
  ['no principal but these', { Principal: undefined, NotPrincipal: { AWS: '*' } }, undefined, 'uncertain-principal'],
  [
    'a reference not resolved',
    { Principal: { Federated: { 'Fn::If': ['gov', 'a', 'b'] } } },
    undefined,
    'uncertain-principal',
  ],
  ['a principal that is a name only', { Principal: SERVICE }, false, 'other-principal'],
  ['several actions', { Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'] }, true, 'allowed'],
  ['the action in another case', { Action: 'STS:assumerolewithwebidentity' }, true, 'allowed'],
  ['every action', { Action: '*' }, undefined, 'uncertain-policy', { anyPool: false, guests: false }],
  ['every action of STS', { Action: 'sts:*' }, undefined, 'uncertain-policy'],
  ['a wildcard', { Action: 'sts:AssumeRole*Identity' }, undefined, 'uncertain-policy'],
  ['a wildcard for one character', { Action: 'sts:AssumeRoleWithWebIdentit?' }, undefined, 'uncertain-policy'],
  [
    'an action beside it that STS does not have',
    { Action: ['sts:AssumeRoleWithWebIdentity', 'sts:Assume'] },
    undefined,
    'uncertain-policy',
  ],
  ['another action', { Action: 'sts:AssumeRole' }, false, 'other-action'],
  ["SAML's action", { Action: 'sts:AssumeRoleWithSAML' }, false, 'other-action'],
  ['a longer action', { Action: 'sts:AssumeRoleWithWebIdentity2' }, false, 'other-action'],
  ['no actions', { Action: [] }, false, 'other-action'],
  ['every action but others', { Action: undefined, NotAction: 'sts:TagSession' }, undefined, 'uncertain-policy'],
  ['every action but none', { Action: undefined, NotAction: [] }, undefined, 'uncertain-policy'],
  ['every action but this', { Action: undefined, NotAction: ['sts:Assume*'] }, false, 'other-action'],
  ['an action not resolved', { Action: { Ref: 'Action' } }, undefined, 'uncertain-action'],
  [
    'every action but one not resolved',
    { Action: undefined, NotAction: { Ref: 'Action' } },
    undefined,
    'uncertain-action',
  ],
  ['an element that does not belong', { Resource: '*' }, undefined, 'uncertain-statement'],
  ['no condition', { Condition: undefined }, undefined, 'uncertain-policy', { anyPool: true, guests: true }],
  ['a condition that is null', { Condition: null }, undefined, 'uncertain-policy', { anyPool: true, guests: true }],
  ['an empty condition', { Condition: {} }, undefined, 'uncertain-policy', { anyPool: true, guests: true }],
  ['no audience', { Condition: amr }, undefined, 'uncertain-policy', { anyPool: true, guests: false }],
  ['no amr', { Condition: aud }, true, 'allowed', { guests: true }],
  ['several audiences', onAud('StringEquals', [OTHER, POOL]), true, 'allowed'],
  ['other audiences', onAud('StringEquals', [OTHER]), false, 'other-audience'],
  [
    'the audience in another case',
    onAud('StringEquals', POOL.toUpperCase()),
    false,
    'placeholder-audience',
    { placeholders: [POOL.toUpperCase()] },
  ],
  [
    'the audience in another case, ignored',
    onAud('StringEqualsIgnoreCase', POOL.toUpperCase()),
    true,
    'allowed',
    { placeholders: [POOL.toUpperCase()] },
  ],
  ['the key in another case', { Condition: { StringEquals: { [AUD.toUpperCase()]: POOL }, ...amr } }, true, 'allowed'],
  ['a wildcard as the audience', onAud('StringLike', '*'), undefined, 'uncertain-policy', { anyPool: true }],
  ['a region as the audience', onAud('StringLike', 'eu-west-1:*'), true, 'allowed', { anyPool: true }],
  ['a wildcard that is none', onAud('StringEquals', 'eu-west-1:*'), false, 'other-audience'],
  ['a wildcard behind the audience', onAud('StringLike', `${POOL}**`), true, 'allowed'],
  ['a wildcard for a character behind the audience', onAud('StringLike', `${POOL}?`), false, 'other-audience'],
  [
    'the audience cut short',
    onAud('StringLike', POOL.slice(0, -1)),
    false,
    'placeholder-audience',
    { placeholders: [POOL.slice(0, -1)] },
  ],
  ['every audience but another', onAud('StringNotEquals', OTHER), undefined, 'uncertain-policy', { anyPool: true }],
  ['every audience but this', onAud('StringNotLike', POOL), false, 'other-audience', { anyPool: true }],
  [
    'an audience if there is one',
    onAud('StringEqualsIfExists', POOL),
    undefined,
    'uncertain-policy',
    { anyPool: false },
  ],
  ['another audience if there is one', onAud('StringEqualsIfExists', OTHER), false, 'other-audience'],
  ['an audience as a set', onAud('ForAnyValue:StringEquals', POOL), undefined, 'uncertain-policy', { anyPool: false }],
  ['an audience, whichever', onAud('Null', 'false'), undefined, 'uncertain-policy', { anyPool: true }],
  ['an audience, whichever, as a boolean', onAud('Null', false), undefined, 'uncertain-policy', { anyPool: true }],
  ['no audience allowed', onAud('Null', true), false, 'condition-not-met'],
  ['a Null that is neither', onAud('Null', 'no'), undefined, 'uncertain-condition', { anyPool: undefined }],
  [
    "AWS's example",
    onAud('StringEquals', 'us-east-1:12345678-corner-cafe-123456790ab'),
    false,
    'placeholder-audience',
    { placeholders: ['us-east-1:12345678-corner-cafe-123456790ab'] },
  ],
  [
    'a placeholder beside the pool',
    onAud('StringEquals', [POOL, 'YOUR_IDENTITY_POOL_ID']),
    true,
    'allowed',
    { placeholders: ['YOUR_IDENTITY_POOL_ID'] },
  ],
  [
    'a policy variable',
    onAud('StringEquals', '${aws:PrincipalTag/pool}'),
    undefined,
    'uncertain-condition',
    { anyPool: undefined },
  ],
  [
    'an audience not resolved',
    onAud('StringEquals', { Ref: 'Pool' }),
    undefined,
    'uncertain-condition',
    { anyPool: undefined },
  ],
  ['no value', onAud('StringEquals', []), undefined, 'uncertain-condition', { anyPool: undefined }],
  [
    'the pool and one not resolved',
    onAud('StringEquals', [POOL, { Ref: 'Pool' }]),
    undefined,
    'uncertain-condition',
    { anyPool: undefined },
  ],
  ['an operator nobody knows', onAud('StringMatches', POOL), undefined, 'uncertain-condition', { anyPool: undefined }],
  [
    'an operator that ends as one',
    onAud('NotStringEquals', POOL),
    undefined,
    'uncertain-condition',
    { anyPool: undefined },
  ],
  ['an operator of another kind', onAud('ArnLike', '*'), undefined, 'uncertain-condition', { anyPool: undefined }],
  ['a set of Null', onAud('ForAnyValue:Null', 'false'), undefined, 'uncertain-condition', { anyPool: undefined }],
  [
    'a set nobody knows',
    onAud('ForSomeValues:StringEquals', POOL),
    undefined,
    'uncertain-condition',
    { anyPool: undefined },
  ],
  [
    'guests and users',
    onAmr('ForAnyValue:StringEquals', ['authenticated', 'unauthenticated']),
    true,
    'allowed',
    { guests: true },
  ],
  ['a pattern for both', onAmr('ForAnyValue:StringLike', '*authenticated'), true, 'allowed', { guests: true }],
  ['one login provider', onAmr('ForAnyValue:StringLike', 'graph.facebook.com'), undefined, 'uncertain-condition'],
  ['amr in another case', onAmr('ForAnyValue:StringEquals', 'Authenticated'), false, 'condition-not-met'],
  [
    'a login provider that begins like it',
    onAmr('ForAnyValue:StringEquals', 'authenticated-x'),
    undefined,
    'uncertain-condition',
  ],
  [
    'a login provider that ends like it',
    onAmr('ForAnyValue:StringEquals', 'x-authenticated'),
    undefined,
    'uncertain-condition',
  ],
  [
    'no login provider that ends so',
    onAmr('ForAllValues:StringNotLike', '*k'),
    undefined,
    'uncertain-condition',
    { guests: true },
  ],
  [
    'no login provider that begins so',
    onAmr('ForAllValues:StringNotLike', 'g*'),
    undefined,
    'uncertain-condition',
    { guests: true },
  ],
  ['amr without a set operator', onAmr('StringEquals', 'authenticated'), undefined, 'uncertain-condition'],
  [
    'guests without a set operator',
    onAmr('StringLike', 'unauthenticated'),
    false,
    'guests-only',
    { guests: undefined },
  ],
  [
    'no guests without a set operator',
    onAmr('StringNotEquals', 'unauthenticated'),
    true,
    'allowed',
    { guests: undefined },
  ],
  [
    'users denied without a set operator',
    onAmr('StringNotEquals', 'authenticated'),
    undefined,
    'uncertain-condition',
    { guests: true },
  ],
  ['all values of amr', onAmr('ForAllValues:StringLike', 'authenticated'), undefined, 'uncertain-condition'],
  [
    'all values of amr, whatever they are, twice',
    onAmr('ForAllValues:StringLike', '**'),
    true,
    'allowed',
    { guests: true },
  ],
  ['a star that is none', onAmr('ForAnyValue:StringEquals', '*'), false, 'condition-not-met'],
  ['all values of amr, whatever they are', onAmr('ForAllValues:StringLike', '*'), true, 'allowed', { guests: true }],
  ["no value of amr a guest's", onAmr('ForAllValues:StringNotEquals', 'unauthenticated'), true, 'allowed'],
  ["some value of amr not a guest's", onAmr('ForAnyValue:StringNotEquals', 'unauthenticated'), true, 'allowed'],
  [
    "all values of amr a guest's",
    onAmr('ForAllValues:StringEquals', 'unauthenticated'),
    false,
    'guests-only',
    { guests: true },
  ],
  ['an identity', besides('StringLike', `${SERVICE}:sub`, 'eu-west-1:*'), undefined, 'uncertain-condition'],
  [
    'an identity that looks like amr',
    besides('ForAnyValue:StringEquals', `${SERVICE}:sub`, 'authenticated'),
    undefined,
    'uncertain-condition',
  ],
  ['an identity, whichever', besides('Null', `${SERVICE}:sub`, 'false'), true, 'allowed'],
  ['an address', besides('IpAddress', 'aws:SourceIp', '192.0.2.0/24'), undefined, 'uncertain-condition'],
  [
    'an address and another audience',
    { Condition: { StringEquals: { [AUD]: OTHER }, IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } },
    false,
    'other-audience',
    { guests: false },
  ],
  [
    "GovCloud's keys",
    { Condition: { ...amr, StringEquals: { 'cognito-identity-us-gov.amazonaws.com:aud': POOL } } },
    false,
    'other-audience',
  ],
  [
    "GovCloud's keys, negated",
    { Condition: { ...amr, StringNotEquals: { 'cognito-identity-us-gov.amazonaws.com:aud': OTHER } } },
    undefined,
    'uncertain-policy',
    { anyPool: true },
  ],
  [
    "GovCloud's keys, if they exist",
    { Condition: { ...amr, StringEqualsIfExists: { 'cognito-identity-us-gov.amazonaws.com:aud': OTHER } } },
    undefined,
    'uncertain-policy',
    { anyPool: true },
  ],
  [
    'all of a claim that is not there',
    { Condition: { ...aud, 'ForAllValues:StringEquals': { 'cognito-identity-us-gov.amazonaws.com:amr': 'x' } } },
    true,
    'allowed',
    { guests: true },
  ],
  [
    'any of a claim that is not there',
    { Condition: { ...aud, 'ForAnyValue:StringEquals': { 'cognito-identity-us-gov.amazonaws.com:amr': 'x' } } },
    false,
    'condition-not-met',
  ],
  [
    'not any of a claim that is not there',
    { Condition: { ...aud, 'ForAnyValue:StringNotEquals': { 'cognito-identity-us-gov.amazonaws.com:amr': 'x' } } },
    undefined,
    'uncertain-condition',
    { guests: undefined },
  ],
  [
    'keys that are documented nowhere',
    { Condition: { ...amr, StringEquals: { 'cognito-identity.amazon.com:aud': POOL } } },
    undefined,
    'uncertain-condition',
    { anyPool: false },
  ],
  [
    'a key that ends as one',
    { Condition: { ...amr, StringEquals: { [`x-${AUD}`]: POOL } } },
    undefined,
    'uncertain-condition',
    { anyPool: undefined },
  ],
  [
    'a key that begins as one',
    { Condition: { ...amr, StringEquals: { [`${AUD}ience`]: POOL } } },
    undefined,
    'uncertain-condition',
    { anyPool: undefined },
  ],
  [
    'a number as the audience',
    onAud('StringEquals', [7, POOL]),
    undefined,
    'uncertain-policy',
    { placeholders: ['7'] },
  ],
  [
    'a key that is no claim',
    { Condition: { ...amr, StringEquals: { [`${SERVICE}:iss`]: POOL } } },
    undefined,
    'uncertain-condition',
    { anyPool: undefined },
  ],
]

describe('one statement', () => {
  const whole = rows.map(([what, change, trusted, reason, others]): readonly [string, Json, Partial<Trust>] => [
    what,
    change,
    {
      trusted,
      reason,
      statementIndex: 0,
      placeholders: [],
      ...(trusted && { anyPool: false, guests: false }),
      ...others,
    },
  ])

  test.each(whole)('%s', (_, change, expected) => {
    expect(judge(statement(change))).toMatchObject(expected)
  })

  test('every reason occurs, and has a row in the documentation', () => {
    const reasons: Record<TrustReason, true> = {
      allowed: true,
      denied: true,
      'no-allow': true,
      'other-principal': true,
      'other-action': true,
      'other-audience': true,
      'placeholder-audience': true,
      'guests-only': true,
      'signed-in-only': true,
      'condition-not-met': true,
      'uncertain-principal': true,
      'uncertain-action': true,
      'uncertain-condition': true,
      'uncertain-statement': true,
      'uncertain-policy': true,
    }
    const seen = new Set([...rows.map(([, , , reason]) => reason), 'denied', 'no-allow', 'signed-in-only'])
    expect([...seen].toSorted()).toEqual(Object.keys(reasons).toSorted())
    const page = readFileSync(new URL('../../docs/identity-pool.md', import.meta.url), 'utf8')
    expect(
      [...page.matchAll(/^\| `([\w-]+)` \| (?:true|false|undefined) \|/gm)].map(([, reason]) => reason).toSorted(),
    ).toEqual(Object.keys(reasons).toSorted())
  })
})

describe('several statements', () => {
  const deny = (change: Json = {}) => statement({ Effect: 'Deny', ...change })

  test('one that allows is enough', () => {
    expect(judge(statement({ Action: 'sts:TagSession' }), statement())).toMatchObject({
      trusted: true,
      statementIndex: 1,
    })
    expect(judge(statement({ Principal: { AWS: '*' } }), statement())).toMatchObject({
      trusted: true,
      statementIndex: 1,
    })
  })

  test('one that denies is stronger', () => {
    expect(judge(statement(), deny({ Condition: undefined }))).toMatchObject({
      trusted: false,
      reason: 'denied',
      statementIndex: 1,
    })
    expect(judge(statement(), deny({ Principal: '*', Action: '*', Condition: undefined }))).toMatchObject({
      trusted: false,
      reason: 'denied',
    })
    expect(judge(statement(), deny({ Principal: { AWS: '*' }, Action: '*', Condition: undefined }))).toMatchObject({
      trusted: false,
      reason: 'denied',
    })
  })

  test('one that denies others does not count', () => {
    expect(judge(statement(), deny({ Condition: { StringNotEquals: { [AUD]: POOL } } }))).toMatchObject({
      trusted: true,
      anyPool: false,
    })
    expect(
      judge(statement({ Condition: undefined }), deny({ Condition: { StringNotEquals: { [AUD]: POOL } } })),
    ).toMatchObject({ trusted: undefined, reason: 'uncertain-policy', anyPool: false })
    expect(
      judge(
        statement({ Condition: aud }),
        deny({ Condition: { 'ForAnyValue:StringEquals': { [AMR]: 'unauthenticated' } } }),
      ),
    ).toMatchObject({
      trusted: true,
      guests: false,
    })
    expect(judge(statement(), deny({ Principal: { Federated: 'accounts.google.com' } }))).toMatchObject({
      trusted: true,
    })
  })

  test('one that may deny leaves it open', () => {
    expect(judge(statement(), deny({ Condition: { IpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } }))).toMatchObject({
      trusted: undefined,
      reason: 'uncertain-condition',
      statementIndex: 1,
    })
    expect(judge(statement(), deny({ Principal: { Federated: '*' } }))).toMatchObject({
      trusted: undefined,
      reason: 'uncertain-principal',
    })
    expect(
      judge(statement({ Action: 'sts:TagSession' }), deny({ Condition: { Bool: { 'aws:SecureTransport': false } } })),
    ).toMatchObject({
      trusted: false,
      reason: 'other-action',
      statementIndex: 0,
    })
  })

  test('of those that do not allow, the closest gives the reason', () => {
    expect(
      judge(
        statement({ Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' }),
        statement({ Condition: { StringEquals: { [AUD]: OTHER } } }),
      ),
    ).toMatchObject({ trusted: false, reason: 'other-audience', statementIndex: 1 })
    expect(judge(statement({ Action: 'sts:TagSession' }), statement({ Principal: { AWS: 'x' } }))).toMatchObject({
      reason: 'other-action',
      statementIndex: 0,
    })
  })

  test('nothing allowed', () => {
    const nothing: Trust = { trusted: false, reason: 'no-allow', anyPool: false, guests: false, placeholders: [] }
    expect(judge()).toStrictEqual(nothing)
    expect(judge(deny({ Action: 'sts:TagSession' }))).toStrictEqual(nothing)
    expect(judge(deny())).toMatchObject({ trusted: false, reason: 'denied', statementIndex: 0 })
  })

  test('placeholders are looked for where something is allowed', () => {
    expect(judge(statement(), deny({ Condition: { StringEquals: { [AUD]: 'YOUR_POOL' } } })).placeholders).toEqual([])
  })
})

describe('every partition has names of its own', () => {
  const inRegion = (region: string, principal: string, prefix: string) => {
    const id = `${region}:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6`
    const Condition = {
      StringEquals: { [`${prefix}:aud`]: id },
      'ForAnyValue:StringLike': { [`${prefix}:amr`]: 'authenticated' },
    }
    return trustsIdentityPool(policy(statement({ Principal: { Federated: principal }, Condition })), id)
  }
  const WEST = 'cognito-identity-us-gov.amazonaws.com'
  const EAST = 'cognito-identity.us-gov-east-1.amazonaws.com'
  const CHINA = 'cognito-identity.cn-north-1.amazonaws.com.cn'
  const CHINA_KEYS = 'cognito-identity.amazonaws.com.cn'

  test.each<[string, string, string, boolean | undefined, TrustReason]>([
    ['us-east-1', SERVICE, SERVICE, true, 'allowed'],
    ['us-gov-west-1', WEST, WEST, true, 'allowed'],
    ['us-gov-west-1', EAST, EAST, false, 'other-principal'],
    ['us-gov-west-1', SERVICE, SERVICE, false, 'other-principal'],
    ['us-gov-west-1', WEST, SERVICE, false, 'other-audience'],
    ['us-gov-east-1', EAST, EAST, true, 'allowed'],
    ['us-gov-east-1', WEST, WEST, false, 'other-principal'],
    ['cn-north-1', CHINA, CHINA_KEYS, true, 'allowed'],
    ['cn-north-1', CHINA, CHINA, undefined, 'uncertain-condition'],
    ['cn-north-1', CHINA, SERVICE, undefined, 'uncertain-condition'],
    ['cn-north-1', SERVICE, CHINA_KEYS, undefined, 'uncertain-principal'],
    ['cn-north-1', WEST, CHINA_KEYS, false, 'other-principal'],
    ['eusc-de-east-1', SERVICE, SERVICE, undefined, 'uncertain-principal'],
    ['xx-eu-iso-1', SERVICE, SERVICE, true, 'allowed'],
    ['us-iso-east-1', WEST, WEST, undefined, 'uncertain-principal'],
  ])('in %s: %s, with the keys of %s', (region, principal, prefix, trusted, reason) => {
    expect(inRegion(region, principal, prefix)).toMatchObject({ trusted, reason })
  })

  test('a claim that may be there or not decides nothing, unless it decides the same', () => {
    const id = 'cn-north-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
    const withKey = (operator: string, value: string) => {
      const Condition = { [operator]: { [AUD]: value } }
      const { trusted, reason } = trustsIdentityPool(
        policy(statement({ Principal: { Federated: CHINA }, Condition })),
        id,
      )
      return [trusted, reason]
    }
    expect(withKey('StringEquals', OTHER)).toEqual([false, 'other-audience'])
    // With an `IfExists` that holds in either case, only whether IAM accepts it is open.
    expect(withKey('StringEqualsIfExists', id)).toEqual([undefined, 'uncertain-policy'])
    expect(withKey('StringEquals', id)).toEqual([undefined, 'uncertain-condition'])
  })
})

describe('placeholders', () => {
  test.each([
    'us-east-1:12345678-corner-cafe-123456790ab',
    'us-east-1:12345678-dead-beef-cafe-123456790ab',
    'us-east-1:xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx',
    'us-east-1:12345678-1234-1234-1234-123456789012',
    'us-east-1:11111111-1111-1111-1111-111111111111',
    'us-east-1:a1b2c3d4-5678-90ab-cdef-EXAMPLE11111',
    'us-east-1:a1b2c3d4-5678-90ab-cdef-000000011111',
    'REGION:ID',
    '<identity-pool-id>',
    'YOUR_IDENTITY_POOL_ID',
    '',
    'us-east-1',
    `${OTHER}:x`,
    `1${OTHER}`,
  ])('`%s` is one', audience => {
    expect(judge(statement({ Condition: { StringEquals: { [AUD]: audience } } }))).toMatchObject({
      trusted: false,
      placeholders: [audience],
    })
  })

  test.each([
    OTHER,
    'us-gov-west-1:0a1b2c3d-94a5-4f3e-8c53-0d1c9a4be2f6',
    '*',
    'eu-west-1:*',
    '${aws:PrincipalTag/pool}',
    'eu-west-?:x',
  ])('`%s` is none', audience => {
    expect(judge(statement({ Condition: { StringEquals: { [AUD]: audience } } })).placeholders).toEqual([])
  })

  test('the pool in question is not a placeholder, whatever it looks like', () => {
    const id = 'us-east-1:11111111-1111-1111-1111-111111111111'
    expect(
      trustsIdentityPool(policy(statement({ Condition: { StringEquals: { [AUD]: [id, id] } } })), id),
    ).toMatchObject({ trusted: true, placeholders: [] })
  })

  test("of another partition's key they do not count", () => {
    expect(
      judge(statement({ Condition: { StringEquals: { 'cognito-identity-us-gov.amazonaws.com:aud': 'X' } } })),
    ).toMatchObject({
      reason: 'other-audience',
      placeholders: [],
    })
  })

  test('of a statement that does not decide they are named, and are not the reason', () => {
    expect(
      judge(
        statement({ Condition: { StringEquals: { [AUD]: OTHER } } }),
        statement({ Action: 'sts:AssumeRole', Condition: { StringEquals: { [AUD]: 'X' } } }),
      ),
    ).toMatchObject({ reason: 'other-audience', placeholders: ['X'] })
  })

  test('each is named once, and not where an audience is excluded', () => {
    expect(
      judge(
        statement({ Condition: { StringEquals: { [AUD]: ['X', 'X'] } } }),
        statement({ Condition: { StringNotEquals: { [AUD]: 'Y' }, Null: { [AUD]: 'false' } } }),
      ).placeholders,
    ).toEqual(['X'])
  })
})

test('no pool is taken for another pool', () => {
  for (const last of ['e', 'f']) {
    const id = `eu-west-1:0b5e55ed-feed-4dad-9a5e-00c0ffee0b0${last}`
    expect(trustsIdentityPool(policy(statement({ Condition: { StringEquals: { [AUD]: id } } })), id)).toMatchObject({
      trusted: true,
      anyPool: false,
    })
    expect(
      trustsIdentityPool(policy(statement({ Condition: { StringEquals: { [AUD]: [POOL, id] } } })), id),
    ).toMatchObject({ trusted: true, anyPool: false })
  }
})

describe('what is not a policy is rejected', () => {
  const failureOf = (act: () => unknown) => {
    try {
      act()
    } catch (error) {
      if (isRolecastError(error)) return error
      throw error
    }
    throw new Error('nothing was refused')
  }
  const codeOf = (act: () => unknown) => failureOf(act).code

  test.each<[unknown, string, unknown]>([
    [null, 'the trust policy must be an object, not `null`; give the document as IAM returns it', null],
    ['x', 'the trust policy is not JSON; give the document itself, or as IAM returns it', 'x'],
    [{ Version: 2012 }, 'unknown policy version `2012`; use `2012-10-17`', { Version: 2012 }],
    [{}, 'the trust policy has no `Statement`; give the whole document', {}],
    [
      policy(statement(), 7 as never),
      'statement 1 of the trust policy must be an object, not `7`; give the document as IAM returns it',
      7,
    ],
    [
      policy(statement({ Effect: 'allow' })),
      'statement 0 of the trust policy has the effect `allow`; use `Allow` or `Deny`',
      statement({ Effect: 'allow' }),
    ],
    [
      policy(statement({ Action: undefined })),
      'statement 0 of the trust policy needs either `Action` or `NotAction`; give the document as IAM returns it',
      statement({ Action: undefined }),
    ],
    [
      policy(statement({ Principal: [] })),
      '`Principal` in statement 0 of the trust policy must be an object, not an array; give the document as IAM returns it',
      [],
    ],
    [
      policy(statement({ Action: [7] })),
      'statement 0 of the trust policy has `7` in place of a string; give the document as IAM returns it',
      statement({ Action: [7] }),
    ],
    [
      policy(statement({ Condition: 7 })),
      '`Condition` in statement 0 of the trust policy must be an object, not `7`; give the document as IAM returns it',
      7,
    ],
    [
      policy(statement({ Condition: { Null: 7 } })),
      '`Null` in statement 0 of the trust policy must be an object, not `7`; give the document as IAM returns it',
      7,
    ],
  ])('%j: %s', (wrong, message, value) => {
    expect(failureOf(() => trustsIdentityPool(wrong as object, POOL))).toMatchObject({
      code: 'invalid-option',
      message,
      value,
      retryable: false,
    })
  })

  test('the error about JSON has its cause, the one about the pool an example', () => {
    expect(failureOf(() => trustsIdentityPool('x', POOL)).cause).toBeInstanceOf(SyntaxError)
    expect(failureOf(() => trustsIdentityPool('%', POOL)).cause).toBeInstanceOf(URIError)
    expect(failureOf(() => trustsIdentityPool({}, 'pool'))).toMatchObject({
      message: '`pool` is not an identity pool ID; give one such as `eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6`',
      value: 'pool',
    })
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a list', [statement()]],
    ['text that is no JSON', 'cognito-identity.amazonaws.com'],
    ['text that is wrongly encoded', '%7B%2'],
    ['JSON of something else', '"policy"'],
    ['no statements', { Version: '2012-10-17' }],
    ['an unknown version', { ...policy(statement()), Version: '2013-10-17' }],
    ['a statement that is null', policy(null as never)],
    ['no effect', policy(statement({ Effect: undefined }))],
    ['an effect in another case', policy(statement({ Effect: 'allow' }))],
    ['no principal', policy(statement({ Principal: undefined }))],
    ['a principal and its opposite', policy(statement({ NotPrincipal: '*' }))],
    ['a principal that is a list', policy(statement({ Principal: [SERVICE] }))],
    ['a principal that is null', policy(statement({ Principal: null }))],
    ['a principal with a number', policy(statement({ Principal: { AWS: 111122223333 } }))],
    ['no action', policy(statement({ Action: undefined }))],
    ['an action and its opposite', policy(statement({ NotAction: '*' }))],
    ['an action that is null', policy(statement({ Action: [null] }))],
    ['a condition that is text', policy(statement({ Condition: 'aud' }))],
    ['an operator that is text', policy(statement({ Condition: { StringEquals: POOL } }))],
    ['statements that are undefined', { Statement: undefined }],
    ['inherited statements', Object.create(policy(statement()))],
  ])('%s', (_, wrong) => {
    expect(codeOf(() => trustsIdentityPool(wrong as object, POOL))).toBe('invalid-option')
  })

  test.each<unknown>([
    undefined,
    7,
    '',
    'eu-west-1',
    'eu-west-1_Example',
    ':7f0c1ab2',
    'local:7f0c1ab2',
    'eu-west-1:corner-cafe',
    `x ${POOL}`,
    [POOL],
  ])('the pool %j', id => {
    expect(codeOf(() => trustsIdentityPool(policy(statement()), id as string))).toBe('invalid-option')
  })

  test('control: names like __proto__ are names', () => {
    const odd = JSON.parse(
      `{ "Statement": { "Effect": "Allow", "Principal": { "__proto__": "x", "Federated": "${SERVICE}" }, "Action": "sts:*", "Condition": { "__proto__": { "a": "b" } } } }`,
    )
    expect(trustsIdentityPool(odd, POOL)).toMatchObject({ trusted: undefined, reason: 'uncertain-condition' })
  })
})

/** A reference evaluator for one request whose every value is known: IAM's pages, and nothing left open. */
interface KnownRequest {
  readonly aud: string
  readonly amr: readonly string[]
}

function evaluate(statements: readonly Json[], request: KnownRequest): boolean {
  const applying = statements.filter(one => applies(one, request))
  return applying.some(({ Effect }) => Effect === 'Allow') && !applying.some(({ Effect }) => Effect === 'Deny')
}

const list = (value: unknown): readonly string[] => [value].flat() as string[]
const glob = (pattern: string) =>
  new RegExp(
    `^${pattern
      .replace(/[.+^$()[\]{}|\\]/g, '\\$&')
      .replaceAll('*', '[^]*')
      .replaceAll('?', '[^]')}$`,
  )

function applies(one: Json, request: KnownRequest): boolean {
  const {
    Principal,
    Action,
    Condition = {},
  } = one as { Principal: { Federated: unknown }; Action: unknown; Condition?: Record<string, Record<string, unknown>> }
  return (
    list(Principal.Federated).includes(SERVICE) &&
    list(Action).some(action => glob(action.toLowerCase()).test('sts:assumerolewithwebidentity')) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, key, list(values), request)),
    )
  )
}

function holds(operator: string, key: string, values: readonly string[], request: KnownRequest): boolean {
  const claims = key === AUD ? [request.aud] : key === AMR ? request.amr : []
  if (operator === 'Null') return values.includes(claims.length === 0 ? 'true' : 'false')
  if (claims.length === 0 && operator.endsWith('IfExists')) return true
  const test = (claim: string) => {
    const matched = values.some(value =>
      operator.includes('Like')
        ? glob(value).test(claim)
        : operator.includes('IgnoreCase')
          ? value.toLowerCase() === claim.toLowerCase()
          : value === claim,
    )
    return matched !== operator.includes('Not')
  }
  if (claims.length === 0)
    return operator.startsWith('ForAllValues') || (!operator.startsWith('ForAnyValue') && operator.includes('Not'))
  return operator.startsWith('ForAllValues') ? claims.every(test) : claims.some(test)
}

const someOf = <T>(...values: readonly T[]) => fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 2 })
const oneOrList = <T>(values: fc.Arbitrary<readonly T[]>) => values.map(some => (some.length === 1 ? some[0]! : some))
const comparisons = [
  'StringEquals',
  'StringNotEquals',
  'StringLike',
  'StringNotLike',
  'StringEqualsIgnoreCase',
  'StringNotEqualsIgnoreCase',
  'StringEqualsIfExists',
]
const audConditions = fc.tuple(
  fc.constantFrom(...comparisons, 'ForAnyValue:StringEquals'),
  fc.constantFrom(AUD, 'cognito-identity-us-gov.amazonaws.com:aud'),
  oneOrList(someOf(POOL, OTHER, 'eu-west-1:*', '*', POOL.toUpperCase(), 'YOUR_POOL')),
)
const amrConditions = fc.tuple(
  fc.constantFrom(...comparisons.flatMap(name => [`ForAnyValue:${name}`, `ForAllValues:${name}`])),
  fc.constant(AMR),
  oneOrList(someOf('authenticated', 'unauthenticated', '*', '*authenticated', 'graph.facebook.com', '?????????????')),
)
const nullConditions = fc.tuple(
  fc.constant('Null'),
  fc.constantFrom(AUD, AMR, 'cognito-identity-us-gov.amazonaws.com:aud'),
  fc.constantFrom('true', 'false'),
)
const conditions = fc.array(fc.oneof(audConditions, amrConditions, nullConditions), { maxLength: 3 }).map(some => {
  const block: Record<string, Record<string, unknown>> = {}
  for (const [operator, key, values] of some) block[operator] = { ...block[operator], [key]: values }
  return block
})
const plainStatements = fc.record({
  Effect: fc.constantFrom('Allow', 'Allow', 'Deny'),
  Principal: oneOrList(
    fc.oneof(
      { weight: 4, arbitrary: fc.constant([SERVICE]) },
      { weight: 1, arbitrary: someOf(SERVICE, 'accounts.google.com') },
    ),
  ).map(Federated => ({ Federated })),
  Action: oneOrList(
    someOf(
      'sts:AssumeRoleWithWebIdentity',
      'sts:AssumeRoleWithWebIdentity',
      'sts:*',
      'sts:AssumeRole',
      'STS:assumerole*',
    ),
  ),
  Condition: conditions,
})
const statementLists: fc.Arbitrary<readonly Json[]> = fc.array(plainStatements, { minLength: 1, maxLength: 3 })
const providers = fc.constantFrom('graph.facebook.com', 'accounts.google.com', 'x')

type Judge = (policy: object, identityPoolId: string) => Trust

/** A law, and its control: the same property must fail for a judge that is wrong in just this. */
function law(sentence: string, wrong: Judge, property: (judge: Judge) => fc.IProperty<unknown>): void {
  test(sentence, () => {
    fc.assert(property(trustsIdentityPool), { numRuns: 3000 })
  })
  test(`control: ${sentence}`, () => {
    expect(fc.check(property(wrong), { seed: 1, numRuns: 10_000, endOnFailure: true }).failed).toBe(true)
  })
}

const changed =
  (change: (answer: Trust) => Partial<Trust>): Judge =>
  (document, id) => {
    const answer = trustsIdentityPool(document, id)
    return { ...answer, ...change(answer) }
  }
const rewritten =
  (change: (one: Json) => Json): Judge =>
  (document, id) =>
    trustsIdentityPool({ Statement: (document as { Statement: readonly Json[] }).Statement.map(change) }, id)

describe('laws', () => {
  law(
    'the result is that of a request with every value known, whichever provider it has',
    changed(({ trusted }) => ({ trusted: trusted ?? true })),
    judgePolicy =>
      fc.property(statementLists, providers, (statements, provider) => {
        const { trusted } = judgePolicy(policy(...statements), POOL)
        fc.pre(trusted !== undefined)
        expect(trusted).toBe(evaluate(statements, { aud: POOL, amr: ['authenticated', provider] }))
      }),
  )

  law(
    'so it is for guests',
    changed(({ trusted }) => ({ guests: trusted })),
    judgePolicy =>
      fc.property(statementLists, statements => {
        const { guests } = judgePolicy(policy(...statements), POOL)
        fc.pre(guests !== undefined)
        expect(guests).toBe(evaluate(statements, { aud: POOL, amr: ['unauthenticated'] }))
      }),
  )

  law(
    'so it is for the users of another pool',
    changed(({ trusted }) => ({ anyPool: trusted })),
    judgePolicy =>
      fc.property(statementLists, providers, fc.uuid(), (statements, provider, uuid) => {
        const { anyPool } = judgePolicy(policy(...statements), POOL)
        fc.pre(anyPool !== undefined && ![POOL, OTHER].includes(`eu-west-1:${uuid}`))
        expect(anyPool).toBe(evaluate(statements, { aud: `eu-west-1:${uuid}`, amr: ['authenticated', provider] }))
      }),
  )

  law(
    'where no login provider is asked about, all of this is judged',
    changed(({ trusted }) => ({ trusted: trusted || undefined })),
    judgePolicy =>
      fc.property(statementLists, statements => {
        fc.pre(!JSON.stringify(statements).includes(AMR))
        const { trusted, reason } = judgePolicy(policy(...statements), POOL)
        expect(reason === 'uncertain-policy' || trusted).toBe(
          evaluate(statements, { aud: POOL, amr: ['authenticated', 'x'] }),
        )
      }),
  )

  law(
    'another Deny never adds trust',
    changed(({ reason }) => (reason === 'denied' ? { trusted: true } : {})),
    judgePolicy =>
      fc.property(statementLists, plainStatements, (statements, last) => {
        fc.pre(judgePolicy(policy(...statements), POOL).trusted !== true)
        expect(judgePolicy(policy(...statements, { ...last, Effect: 'Deny' }), POOL).trusted).not.toBe(true)
      }),
  )

  law(
    'what cannot be judged never makes a role trusted',
    rewritten(one => ({
      ...one,
      Condition: Object.fromEntries(Object.entries(one['Condition'] ?? {}).filter(([operator]) => operator !== 'Odd')),
    })),
    judgePolicy =>
      fc.property(statementLists, fc.constantFrom(AUD, AMR, 'aws:SourceIp'), (statements, key) => {
        const odd = statements.map(one => ({
          ...one,
          Condition: { ...(one['Condition'] as object), Odd: { [key]: 'x' } },
        }))
        expect(judgePolicy(policy(...odd), POOL).trusted).not.toBe(true)
      }),
  )

  law(
    'the order of the statements does not matter to the verdict',
    (document, id) => trustsIdentityPool({ Statement: (document as { Statement: readonly Json[] }).Statement[0] }, id),
    judgePolicy =>
      fc.property(statementLists, statements => {
        const verdict = ({ trusted, anyPool, guests, placeholders }: Trust) => [
          trusted,
          anyPool,
          guests,
          placeholders.toSorted(),
        ]
        expect(verdict(judgePolicy(policy(...statements.toReversed()), POOL))).toEqual(
          verdict(judgePolicy(policy(...statements), POOL)),
        )
      }),
  )

  law(
    'one value and a list of one are the same',
    rewritten(one => ({ ...one, Action: Array.isArray(one['Action']) ? one['Action'] : 'sts:AssumeRole' })),
    judgePolicy =>
      fc.property(statementLists, statements => {
        const listed = JSON.parse(JSON.stringify(statements), (key, value: unknown) =>
          typeof value === 'string' && key !== 'Effect' && !/^\d+$/.test(key) ? [value] : value,
        ) as Json[]
        expect(judgePolicy(policy(...listed), POOL)).toStrictEqual(judgePolicy(policy(...statements), POOL))
      }),
  )

  test('a pattern full of wildcards takes no time', () => {
    const pattern = `${'*a'.repeat(2000)}*b`
    expect(
      judge(statement({ Condition: { StringLike: { [AUD]: pattern } }, Action: ['sts:*', `${'*s'.repeat(2000)}*x`] }))
        .trusted,
    ).toBe(false)
  })
})

describe('a change of a policy that is trusted for sure never leaves it so, but where it does no harm', () => {
  const TRUSTED: Json = {
    Version: '2012-10-17',
    Id: 'role-of-admins',
    Statement: [
      {
        Sid: 'Users',
        Effect: 'Allow',
        Principal: { Federated: [SERVICE], AWS: '111122223333' },
        Action: ['sts:AssumeRoleWithWebIdentity', 'sts:TagSession'],
        Condition: { StringEquals: { [AUD]: [POOL] }, 'ForAnyValue:StringLike': { [AMR]: ['authenticated'] } },
      },
      {
        Sid: 'Others',
        Effect: 'Deny',
        Principal: { Federated: 'accounts.google.com' },
        Action: 'sts:AssumeRoleWithWebIdentity',
      },
    ],
  }

  type Judge = (document: object) => boolean | undefined
  const trustedIn: Judge = document => {
    try {
      return trustsIdentityPool(document, POOL).trusted
    } catch (error) {
      if (!isRolecastError(error)) throw error
      return undefined
    }
  }

  /** What may stand in the place of any value. */
  const PUT: readonly unknown[] = [
    null,
    true,
    0,
    7,
    Infinity,
    '',
    '*',
    '${aws:username}',
    'x',
    [],
    [null],
    [[]],
    ['x'],
    {},
    { toString: 'x' },
    { Ref: 'x' },
  ]

  /** Every document that one change makes of this one, with the change in words. */
  function* changes(value: unknown, at = ''): Generator<readonly [string, unknown]> {
    for (const put of PUT) yield [`${at} = ${JSON.stringify(put)}`, put]
    yield [`${at} in a list`, [value]]
    if (typeof value !== 'object' || value === null) return
    const isList = Array.isArray(value)
    for (const [key, part] of Object.entries(value)) {
      const place = isList ? `${at}[${key}]` : `${at}/${key}`
      const others = Object.entries(value).filter(([other]) => other !== key)
      const rebuild = (entries: readonly (readonly [string, unknown])[]) =>
        isList ? entries.map(([, item]) => item) : Object.fromEntries(entries)
      yield [`without ${place}`, rebuild(others)]
      for (const name of [key.toLowerCase(), key.toUpperCase(), `${key} `, `Not${key}`])
        if (!isList && name !== key) yield [`${place} as ${name}`, rebuild([...others, [name, part]])]
      for (const [change, changed] of changes(part, place))
        yield [change, rebuild(Object.entries(value).map(([other, old]) => [other, other === key ? changed : old]))]
    }
    for (const put of PUT) {
      const added = JSON.stringify(put)
      if (isList) yield [`${at} and ${added}`, [...value, put]]
      else for (const name of ['Extra', '__proto__']) yield [`${at}/${name}: ${added}`, withKey(value, name, put)]
    }
  }
  const withKey = (record: object, name: string, value: unknown) =>
    Object.fromEntries([...Object.entries(record), [name, value]])

  const HARMLESS: readonly (readonly [RegExp, string])[] = [
    [/^without \/(Version|Id)$/, 'both elements may be left out'],
    [/^\/Id = "[^"]/, 'an id is a text, of any characters that AWS names'],
    [/^without \/Statement\[0\]\/Sid$|^without \/Statement\[1\]\/Sid$/, 'a statement needs no id'],
    [/\/Sid = "x?"$/, 'an id of letters and digits; the empty one is in AWS\u2019s examples'],
    [/^without \/Statement\[1\]$/, 'a Deny of others changes nothing'],
    [/^without \/Statement\[0\]\/Principal\/AWS$/, 'another principal changes nothing'],
    [/\/Principal\/(AWS|Federated) in a list$/, 'one value and a list of one are the same'],
    [/\/Principal\/AWS = "\*"$|\/Principal\/AWS\[0\] = "\*"$/, 'every account is a principal that IAM accepts'],
    [/^without \/Statement\[0\]\/Action\[1\]$/, 'it needs the first action only'],
    [/\/Statement\[1\]\/Action in a list$/, 'one value and a list of one are the same'],
    [
      /^without \/Statement\[0\]\/Condition\/ForAnyValue:StringLike$/,
      'guests are let in then too, and `guests` says so',
    ],
    [/:(aud|amr) as /, 'names of condition keys have no case'],
    [/:amr(\[0\])? = "\*"$/, 'guests are let in then too'],
    [/:amr and ("|\d|true)/, 'further values are alternatives, and the grammar has numbers and booleans'],
    [/:aud and "/, 'further values are alternatives, and are found as placeholders'],
  ]

  const changed = [...changes(TRUSTED)]
  const isHarmless = (change: string) => HARMLESS.some(([pattern]) => pattern.test(change))

  test('control: unchanged it is trusted', () => {
    expect(trustsIdentityPool(TRUSTED, POOL)).toMatchObject({ trusted: true, reason: 'allowed', anyPool: false })
    expect(changed.length).toBeGreaterThan(800)
  })

  test('of all single changes', () => {
    const left = changed.filter(([, document]) => trustedIn(document as object) === true).map(([change]) => change)
    expect(left.filter(change => !isHarmless(change))).toEqual([])
    expect(HARMLESS.filter(([pattern]) => !left.some(change => pattern.test(change))).map(([, why]) => why)).toEqual([])
  })

  test('of all keys that stand twice in its text, whatever the second says', () => {
    const text = JSON.stringify(TRUSTED)
    expect(trustedIn(text as never), 'control').toBe(true)
    const keys = [...text.matchAll(/"[^"]*":/g)]
    expect(keys.length).toBeGreaterThan(15)
    for (const { 0: key, index } of keys) {
      for (const value of ['1', '[]', '{"x":1}', `"\\"x\\":"`]) {
        const twice = `${text.slice(0, index)}${key} ${value}, ${text.slice(index)}`
        expect(trustedIn(twice as never), twice).toBe(undefined)
        expect(trustedIn(encodeURIComponent(twice) as never)).toBe(undefined)
      }
    }
    const once = text.replace('role-of-admins', String.raw`\"a\": \\`)
    expect(trustedIn(once as never), 'what looks like a key in a text is none').toBe(true)
  })
})
