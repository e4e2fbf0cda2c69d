import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkPlace, checkRole, parseRoleArn, type RoleDocuments, type RolePlace } from '../../src/audit/role-check.js'

const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const roleArn = 'arn:aws:iam::111122223333:role/Admin'
const here: RolePlace = { words: 'these credentials are', account: '111122223333', partition: 'aws' }
const trusting = (aud: string) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Federated: 'cognito-identity.amazonaws.com' },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': aud },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
      },
    },
  ],
})
const role = (more: Partial<RoleDocuments> = {}): RoleDocuments => ({
  arn: roleArn,
  trustPolicy: trusting(identityPoolId),
  ...more,
})
const check = (
  found: RoleDocuments | undefined,
  place = here,
  pool: string | undefined = identityPoolId,
  arn = roleArn,
) => checkRole(arn, { role: found }, place, pool)

describe('the ARN of a role', () => {
  test.each([
    ['arn:aws:iam::111122223333:role/Admin', 'aws', '111122223333', 'Admin'],
    ['arn:aws-cn:iam::111122223333:role/a/b:c/Admin+=,.@-_', 'aws-cn', '111122223333', 'Admin+=,.@-_'],
    ['arn:aws-us-gov:iam::111122223333:role/service-role/X', 'aws-us-gov', '111122223333', 'X'],
  ])('%s', (arn, partition, account, name) => {
    expect(parseRoleArn(arn)).toEqual({ partition, account, name })
  })

  test.each([
    'arn:aws:iam::111122223333:user/Admin',
    'arn:aws:iam::111122223333:role/',
    'arn:aws:iam::111122223333:role',
    'arn:aws:iam::111122223333:roles/Admin',
    'arn:aws:iam::11112222333:role/Admin',
    'arn:aws:iam::aws:role/Admin',
    'arn:aws:iam:eu-west-1:111122223333:role/Admin',
    'arn:aws:sts::111122223333:assumed-role/Admin/session',
    'arn:aws:lambda:eu-west-1:111122223333:function:Admin',
    'ARN:aws:iam::111122223333:role/Admin',
    'arn:aws:iam::111122223333:role/Admin\n',
    ` ${roleArn}`,
    `arn:aws:iam::111122223333:role/${'a'.repeat(65)}`,
    '',
  ])('%j is none: a role with it is missing, wherever it is looked for', arn => {
    expect(parseRoleArn(arn)).toBeUndefined()
    expect(checkPlace(arn, here)).toMatchObject({
      status: 'missing',
      why: expect.stringContaining('not the ARN of an IAM role'),
    })
  })

  test('there is a result for any string, and parsing loses nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'arn:wsi1/ole23é \n') }), text => {
        const parsed = parseRoleArn(`arn:aws:iam::111122223333:role/${text}`)
        expect(parsed === undefined || `/${text}`.endsWith(`/${parsed.name}`)).toBe(true)
      }),
    )
  })
})

describe('a role that is there', () => {
  test('exists; without an identity pool its trust is not evaluated, and without policies nothing is reported about privileges', () => {
    expect(checkRole(roleArn, { role: role() }, here, undefined)).toEqual({ roleArn, status: 'exists' })
  })

  test('trusts the identity pool, or does not, by the rules of trustsIdentityPool', () => {
    expect(check(role())).toMatchObject({ status: 'exists', trust: { trusted: true, reason: 'allowed' } })
    const other = role({ trustPolicy: trusting('eu-west-1:0a1b2c3d-94a5-4f3e-8c53-0d1c9a4be2f6') })
    expect(check(other)).toMatchObject({ status: 'exists', trust: { trusted: false, reason: 'other-audience' } })
  })

  test.each<[string, unknown, string]>([
    ['a trust policy that is no document', '<html>', 'the trust policy is not JSON'],
    ['one that is missing', undefined, 'the trust policy must be an object'],
  ])('%s: the trust is open, and it is reported', (_what, trustPolicy, why) => {
    const { trust, ...rest } = check(role({ trustPolicy }))
    expect(trust).toBeUndefined()
    expect(rest).toEqual({ roleArn, status: 'exists', why: expect.stringContaining(why) })
  })

  test("the trust in an emulator's identity pool cannot be evaluated, which is reported", () => {
    expect(check(role(), here, 'local:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6')).toEqual({
      roleArn,
      status: 'exists',
      why: expect.stringContaining('`local:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6` is not an identity pool ID'),
    })
  })

  test('has privileges where its policies were read', () => {
    const arn = 'arn:aws:iam::aws:policy/AdministratorAccess'
    const policies = { attached: [{ name: 'AdministratorAccess', arn }], inline: [] }
    expect(check(role({ policies }))).toMatchObject({
      privileges: { attached: ['AdministratorAccess'], inline: [], administrator: true, notRead: [] },
    })
  })
})

describe('a role that is not there', () => {
  test('is missing in the account of its ARN', () => {
    expect(check(undefined)).toEqual({ roleArn, status: 'missing' })
  })

  test.each<[string, Partial<RolePlace>, string]>([
    [
      'in another account',
      { account: '222233334444' },
      'Its account is `111122223333`, and these credentials are of account `222233334444`.',
    ],
    [
      'in another partition',
      { partition: 'aws-cn' },
      'Its partition is `aws`, and these credentials are of partition `aws-cn`.',
    ],
    [
      'in an account that is not known',
      { account: undefined },
      'It is not in the account of these credentials, and it could not be determined which account that is.',
    ],
    ['where not all are', { incomplete: 'Not all are there.' }, 'Not all are there.'],
  ])('%s is unknown, not missing', (_what, place, why) => {
    expect(check(undefined, { ...here, ...place })).toEqual({ roleArn, status: 'unknown', why })
  })

  test('because it could not be looked for is unknown', () => {
    expect(checkRole(roleArn, { role: undefined, failed: 'IAM said no.' }, here, identityPoolId)).toEqual({
      roleArn,
      status: 'unknown',
      why: 'IAM said no.',
    })
  })
})

describe('a role of the same name', () => {
  test.each([
    ['at another path', 'arn:aws:iam::111122223333:role/team/Admin', 'path'],
    ['in other letters', 'arn:aws:iam::111122223333:role/admin', 'name'],
  ])('%s is another role: this one is missing', (_what, arn, differs) => {
    expect(check(role({ arn }))).toEqual({
      roleArn,
      status: 'missing',
      why: `IAM has \`${arn}\`, which differs in its ${differs}.`,
    })
  })

  test('in another account says nothing about this one, even where the account was not known before', () => {
    const arn = 'arn:aws:iam::222233334444:role/Admin'
    expect(check(role({ arn }), { ...here, account: undefined })).toEqual({
      roleArn,
      status: 'unknown',
      why: 'Its account is `111122223333`, and these credentials are of account `222233334444`.',
    })
  })

  test('with an invalid ARN is not compared', () => {
    expect(check(role({ arn: 'Admin' }))).toMatchObject({ status: 'unknown', why: 'IAM has `Admin` in its place.' })
  })

  test('never exists unless its ARN is the same, letter by letter, and never counts as missing elsewhere', () => {
    const arn = fc
      .tuple(
        fc.constantFrom('aws', 'aws-cn'),
        fc.constantFrom('111122223333', '222233334444'),
        fc.constantFrom('', 'a/', 'A/'),
        fc.constantFrom('Admin', 'admin'),
      )
      .map(([partition, account, path, name]) => `arn:${partition}:iam::${account}:role/${path}${name}`)
    const account = fc.constantFrom('111122223333', '222233334444', undefined)
    fc.assert(
      fc.property(arn, fc.option(arn, { nil: undefined }), account, (asked, found, ofCredentials) => {
        const place: RolePlace = { ...here, account: ofCredentials }
        const { status } = check(found === undefined ? undefined : role({ arn: found }), place, identityPoolId, asked)
        const [, partition, , , owner] = asked.split(':')
        const isHere = partition === 'aws' && owner === (found?.split(':')[4] ?? ofCredentials)
        if (status === 'exists') expect(found).toBe(asked)
        if (status === 'missing') expect(isHere).toBe(true)
        if (found === asked && partition === 'aws' && owner === (ofCredentials ?? owner)) expect(status).toBe('exists')
      }),
      { numRuns: 2_000 },
    )
  })
})
