import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createIamApi } from '../../../src/cognito/api/iam-api.js'
import type { ErrorCode, RolecastError } from '../../../src/errors.js'
import { CREDENTIALS, stubAws } from '../../cli/command.js'
import { type IamEndpoint, type IamFault, iamEnvironment, startIamEndpoint } from './iam-endpoint.js'

const trustPolicy = {
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Principal: '*', Action: 'sts:AssumeRole' }],
}
const document = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 's3:*', Resource: '*' } }
const signal = new AbortController().signal

let iam: IamEndpoint
beforeEach(async () => {
  iam = await startIamEndpoint({ pageSize: 2 })
  stubAws({
    ...CREDENTIALS,
    AWS_CONFIG_FILE: '/nowhere',
    AWS_SHARED_CREDENTIALS_FILE: '/nowhere',
    ...iamEnvironment(iam),
  })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await iam.close()
})

const api = (options = {}) => createIamApi({ region: 'eu-west-1', ...options })
const read = (name: string, withPolicies = false, options = {}) => api(options).readRole(name, { withPolicies, signal })
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it must fail'),
    (error: RolecastError) => error,
  )

describe('a role', () => {
  test('is read with its trust policy, by one call', async () => {
    iam.roles.set('Admin', { trustPolicy })
    const role = await read('Admin')
    expect(role).toEqual({
      arn: 'arn:aws:iam::111122223333:role/Admin',
      trustPolicy: encodeURIComponent(JSON.stringify(trustPolicy)),
    })
    expect(iam.requests.map(({ action, subject }) => [action, subject])).toEqual([['GetRole', 'Admin']])
  })

  test('is undefined where the account has none', async () => {
    expect(await read('Gone')).toBeUndefined()
  })

  test('is read with all pages of its policies, each document once for all roles', async () => {
    const shared = 'arn:aws:iam::111122223333:policy/Shared'
    const many = Object.fromEntries(Array.from({ length: 5 }, (_, at) => [`arn:aws:iam::aws:policy/P${at}`, document]))
    iam.roles.set('A', { trustPolicy, attached: { ...many, [shared]: document }, inline: { a: 1, b: 2, c: 3 } })
    iam.roles.set('B', { trustPolicy, attached: { [shared]: document }, boundary: 'arn:aws:iam::aws:policy/Bound' })
    const one = api()
    const [a, b] = [
      await one.readRole('A', { withPolicies: true, signal }),
      await one.readRole('B', { withPolicies: true, signal }),
    ]
    expect(a?.policies?.attached.map(({ name }) => name)).toEqual(['P0', 'P1', 'P2', 'P3', 'P4', 'Shared'])
    expect(a?.policies?.inline.map(policy => policy.document)).toEqual(['1', '2', '3'])
    expect(a?.policies?.notRead).toEqual([])
    expect(b?.policies).toEqual({
      attached: [{ name: 'Shared', arn: shared, document: encodeURIComponent(JSON.stringify(document)) }],
      inline: [],
      permissionsBoundary: 'arn:aws:iam::aws:policy/Bound',
      notRead: [],
    })
    const ofShared = iam.requests.filter(({ subject }) => subject === shared)
    expect(ofShared.map(({ action }) => action)).toEqual(['GetPolicy', 'GetPolicyVersion'])
  })

  test('with AdministratorAccess: its document is not asked for', async () => {
    const arn = 'arn:aws:iam::aws:policy/AdministratorAccess'
    iam.roles.set('A', { trustPolicy, attached: { [arn]: null } })
    const role = await read('A', true)
    expect(role?.policies).toMatchObject({ attached: [{ name: 'AdministratorAccess', arn }], notRead: [] })
    expect(iam.requests.map(({ action }) => action)).not.toContain('GetPolicy')
  })
})

describe('where the calls go', () => {
  const scopeOf = async (options: object) => {
    iam.requests.length = 0
    await read('Gone', false, options)
    return iam.requests.map(({ authorization }) =>
      authorization.replace(/^.*Credential=\w+\/\d{8}\/([\w-]+)\/([\w-]+)\/.*$/, '$1 $2'),
    )
  }

  test.each([
    ['eu-west-1', 'us-east-1 iam'],
    ['cn-northwest-1', 'cn-north-1 iam'],
    ['us-gov-east-1', 'us-gov-west-1 iam'],
  ])('in %s they are signed for %s, where IAM is', async (region, scope) => {
    // The SDK signs for the Region that it is given where the address is given too: what it would do on its own is asked of it.
    const { IAMClient } = await import('@aws-sdk/client-iam')
    const client = new IAMClient({ region })
    const resolved = client.config.endpointProvider({ Region: region })
    const [scheme] =
      (resolved.properties as { authSchemes?: { signingRegion: string }[] } | undefined)?.authSchemes ?? []
    expect(`${scheme?.signingRegion} iam`).toBe(scope)
    expect(await scopeOf({ region })).toHaveLength(1)
  })

  test.each([
    ['eu-west-1', 'aws'],
    ['cn-north-1', 'aws-cn'],
    ['us-gov-west-1', 'aws-us-gov'],
    ['eusc-de-east-1', 'aws-eusc'],
  ])('the account of %s is in partition %s', async (region, partition) => {
    expect(await api({ region }).account(signal)).toEqual({ partition, account: '111122223333' })
  })

  test('an account that STS does not tell is undefined, and IAM is asked all the same', async () => {
    iam.fail(action => (action === 'GetCallerIdentity' ? 'drop' : undefined))
    expect(await api().account(signal)).toEqual({ partition: 'aws', account: undefined })
  })

  test('without credentials nothing is asked', async () => {
    stubAws({ AWS_CONFIG_FILE: '/nowhere', AWS_SHARED_CREDENTIALS_FILE: '/nowhere', ...iamEnvironment(iam) })
    expect(await failureOf(api().account(signal))).toMatchObject({ code: 'no-credentials' })
    expect(iam.requests).toEqual([])
  })
})

const GET_ROLE = 'GetRole of role `Admin`'

describe('a failure of GetRole', () => {
  test.each<[string, IamFault, ErrorCode, string]>([
    [
      'IAM says no',
      { error: 'AccessDenied', message: 'User: arn:aws:iam::1:user/a is not authorized', status: 403 },
      'not-authorized',
      `${GET_ROLE} was not allowed (User: arn:aws:iam::1:user/a is not authorized); allow iam:GetRole on the role, and check that the credentials are current`,
    ],
    [
      'throttling',
      { error: 'Throttling', message: 'Rate exceeded' },
      'throttled',
      `${GET_ROLE} was throttled (Rate exceeded); try again later`,
    ],
    [
      'a failure inside',
      { error: 'ServiceFailure', status: 500 },
      'service-error',
      `${GET_ROLE} failed with an IAM server error (UnknownError); try again later`,
    ],
    [
      'not found, by a server that fails',
      { error: 'NoSuchEntity', status: 500 },
      'service-error',
      `${GET_ROLE} failed with an IAM server error (UnknownError); try again later`,
    ],
    ['a token that expired', { error: 'ExpiredToken', status: 403 }, 'not-authorized', 'renew the credentials'],
    ['keys of another partition', { error: 'InvalidClientTokenId', status: 403 }, 'not-authorized', 'does not accept'],
    [
      'a response without a role',
      { body: '<GetRoleResponse><GetRoleResult/></GetRoleResponse>' },
      'malformed-response',
      'is that of IAM',
    ],
    ['a login page', { body: '<html><body><p>Sign in</p></body></html>' }, 'malformed-response', 'is that of IAM'],
    [
      'XML that is cut off',
      { body: '<GetRoleResponse><GetRoleResult><Role><Arn>' },
      'malformed-response',
      'is that of IAM',
    ],
    ['no XML', { body: 'Bad gateway', status: 502 }, 'service-error', 'IAM server error'],
    ['a connection that breaks', 'drop', 'unreachable', `${GET_ROLE} did not reach IAM`],
  ])('%s', async (_what, fault, code, message) => {
    iam.fail(() => fault)
    const failure = await failureOf(read('Admin'))
    expect(failure).toMatchObject({ name: 'RolecastError', code, message: expect.stringContaining(message) })
  })

  test('a call without a response ends with its timeout', async () => {
    iam.fail(() => 'hang')
    expect(await failureOf(read('Admin', false, { timeout: 50 }))).toMatchObject({ code: 'timeout' })
  })

  test('a response about another role is rejected', async () => {
    const role = `<Role><RoleName>Other</RoleName><Arn>a</Arn><AssumeRolePolicyDocument>x</AssumeRolePolicyDocument></Role>`
    iam.fail(() => ({ body: `<GetRoleResponse><GetRoleResult>${role}</GetRoleResult></GetRoleResponse>` }))
    expect(await failureOf(read('Admin'))).toMatchObject({
      code: 'malformed-response',
      message: expect.stringContaining('another role'),
    })
  })

  test('an abort ends it', async () => {
    iam.fail(() => 'hang')
    const controller = new AbortController()
    const failing = failureOf(api().readRole('Admin', { withPolicies: true, signal: controller.signal }))
    controller.abort()
    expect(await failing).toMatchObject({ code: 'aborted' })
  })
})

describe('policies that cannot be read', () => {
  const custom = 'arn:aws:iam::111122223333:policy/Custom'
  beforeEach(
    () => void iam.roles.set('Admin', { trustPolicy, attached: { [custom]: document }, inline: { own: document } }),
  )
  const denied: IamFault = { error: 'AccessDenied', status: 403 }

  test.each([
    ['ListAttachedRolePolicies', 'ListAttachedRolePolicies of role `Admin` was not allowed'],
    ['ListRolePolicies', 'ListRolePolicies of role `Admin` was not allowed'],
  ])('%s: it is reported', async (failing, sentence) => {
    iam.fail(action => (action === failing ? denied : undefined))
    const role = await read('Admin', true)
    expect(role?.policies?.notRead).toEqual([expect.stringContaining(sentence)])
  })

  test.each([
    ['GetRolePolicy', 'inline', 'GetRolePolicy of role `Admin` was not allowed'],
    ['GetPolicy', 'attached', `GetPolicy of policy \`${custom}\` was not allowed`],
    ['GetPolicyVersion', 'attached', `GetPolicyVersion of policy \`${custom}\` was not allowed`],
  ] as const)('%s: the policy has no document, and says why', async (failing, kind, why) => {
    iam.fail(action => (action === failing ? denied : undefined))
    const role = await read('Admin', true)
    expect(role?.policies?.[kind]).toEqual([expect.objectContaining({ why: expect.stringContaining(why) })])
    expect(role?.policies?.[kind][0]).not.toHaveProperty('document')
  })

  test.each<[string, string]>([
    ['without the list', '<IsTruncated>false</IsTruncated>'],
    ['that does not say whether there is more', '<AttachedPolicies/>'],
    ['that has more, and no marker', '<AttachedPolicies/><IsTruncated>true</IsTruncated>'],
    ['that never ends', '<AttachedPolicies/><IsTruncated>true</IsTruncated><Marker>1</Marker>'],
  ])('a list %s is not taken for no policies', async (_what, result) => {
    const body = `<ListAttachedRolePoliciesResponse><ListAttachedRolePoliciesResult>${result}</ListAttachedRolePoliciesResult></ListAttachedRolePoliciesResponse>`
    iam.fail(action => (action === 'ListAttachedRolePolicies' ? { body } : undefined))
    const role = await read('Admin', true)
    expect(role?.policies?.notRead).toEqual([expect.stringContaining('does not match the API')])
  })

  test('control: an empty list is one', async () => {
    iam.roles.set('Admin', { trustPolicy })
    const role = await read('Admin', true)
    expect(role?.policies).toEqual({ attached: [], inline: [], notRead: [] })
  })
})
