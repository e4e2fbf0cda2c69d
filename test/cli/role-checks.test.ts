import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { RoleCheck } from '../../src/audit/role-check.js'
import { openRoleChecks, type RoleCheckOptions } from '../../src/cli/role-checks.js'
import type { RolecastError } from '../../src/errors.js'
import { type IamEndpoint, iamEnvironment, startIamEndpoint } from '../cognito/api/iam-endpoint.js'
import { stubCredentials } from './command.js'

const NO_STDIN = Readable.from([])
const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const trusting = (aud = identityPoolId) => ({
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
const ADMINISTRATOR = 'arn:aws:iam::aws:policy/AdministratorAccess'
const readOnly = { Version: '2012-10-17', Statement: { Effect: 'Allow', Action: 's3:Get*', Resource: '*' } }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-role-checks-'))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => void vi.unstubAllEnvs())

const run = async (
  options: RoleCheckOptions,
  roleArns: readonly string[],
  { pool = identityPoolId as string | null, signal = new AbortController().signal } = {},
): Promise<readonly RoleCheck[]> => (await openRoleChecks(options, NO_STDIN))!(roleArns, pool ?? undefined, signal)
const failureOf = (promise: Promise<unknown>) =>
  promise.then(
    () => expect.unreachable('it must fail'),
    (error: RolecastError) => error,
  )

describe('the options', () => {
  test('without any, no role is checked', async () => {
    expect(await openRoleChecks({ userPoolId }, NO_STDIN)).toBeUndefined()
  })

  test.each<[string, RoleCheckOptions, string]>([
    ['--privileges alone', { privileges: true }, 'give --check-roles or --roles-file FILE too'],
    ['--check-roles without network', { checkRoles: true, poolFile: 'pool.json' }, 'give --roles-file FILE'],
  ])('%s is rejected before anything is read', async (_what, options, message) => {
    expect(await failureOf(openRoleChecks(options, NO_STDIN))).toMatchObject({
      code: 'invalid-argument',
      message: expect.stringContaining(message),
    })
  })
})

describe('--check-roles', () => {
  let iam: IamEndpoint
  beforeEach(async () => {
    iam = await startIamEndpoint({ latency: 1 })
    stubCredentials(folder, iamEnvironment(iam))
  })
  afterEach(() => iam.close())
  const live = { checkRoles: true, userPoolId }

  test('asks for each role once, and sorts the results', async () => {
    iam.roles
      .set('B', { trustPolicy: trusting() })
      .set('A', { trustPolicy: trusting('eu-west-1:0a1b2c3d-94a5-4f3e-8c53-0d1c9a4be2f6') })
    const checks = await run(live, [role('B'), role('Gone'), role('A'), role('B')])
    expect(checks).toEqual([
      {
        roleArn: role('A'),
        status: 'exists',
        trust: expect.objectContaining({ trusted: false, reason: 'other-audience' }),
      },
      { roleArn: role('B'), status: 'exists', trust: expect.objectContaining({ trusted: true }) },
      { roleArn: role('Gone'), status: 'missing' },
    ])
    const asked = iam.requests.map(({ action, subject }) => `${action} ${subject}`.trim())
    expect(asked.toSorted()).toEqual(['GetCallerIdentity', 'GetRole A', 'GetRole B', 'GetRole Gone'])
  })

  test('does not ask again for what it knows, for another identity pool', async () => {
    iam.roles.set('A', { trustPolicy: trusting() })
    const check = (await openRoleChecks(live, NO_STDIN))!
    const [one, other] = [identityPoolId, 'eu-west-1:0a1b2c3d-94a5-4f3e-8c53-0d1c9a4be2f6']
    const { signal } = new AbortController()
    expect(await check([role('A'), role('Gone')], one, signal)).toMatchObject([{ trust: { trusted: true } }, {}])
    expect(await check([role('A'), role('Gone')], other, signal)).toMatchObject([{ trust: { trusted: false } }, {}])
    expect(iam.requests).toHaveLength(3)
  })

  test('control: what could not be read is asked for again', async () => {
    const check = (await openRoleChecks(live, NO_STDIN))!
    const { signal } = new AbortController()
    iam.fail(action => (action === 'GetRole' ? { error: 'AccessDenied', status: 403 } : undefined))
    expect(await check([role('A')], undefined, signal)).toMatchObject([{ status: 'unknown' }])
    iam.fail(() => undefined)
    expect(await check([role('A')], undefined, signal)).toMatchObject([{ status: 'missing' }])
  })

  test('signs with the credentials of a role that was assumed, where there are some', async () => {
    const credentials = async () => ({
      accessKeyId: 'ASIAASSUMED',
      secretAccessKey: 'secret',
      sessionToken: 'token',
      expiration: new Date(Date.now() + 3_600_000),
    })
    await run({ ...live, credentials }, [role('A')])
    expect(iam.requests.map(({ authorization }) => /Credential=(\w+)/.exec(authorization)?.[1])).toEqual([
      'ASIAASSUMED',
      'ASIAASSUMED',
    ])
  })

  test('with --privileges says which policies a role has, and whether it is an administrator', async () => {
    iam.roles
      .set('Admin', { trustPolicy: trusting(), attached: { [ADMINISTRATOR]: null } })
      .set('Reader', { trustPolicy: trusting(), inline: { get: readOnly } })
    const checks = await run({ ...live, privileges: true }, [role('Admin'), role('Reader')], { pool: null })
    expect(checks).toEqual([
      {
        roleArn: role('Admin'),
        status: 'exists',
        privileges: { attached: ['AdministratorAccess'], inline: [], administrator: true, notRead: [] },
      },
      {
        roleArn: role('Reader'),
        status: 'exists',
        privileges: { attached: [], inline: ['get'], administrator: false, notRead: [] },
      },
    ])
  })

  test('a role of another account, or what is not a role, is not asked for', async () => {
    const other = 'arn:aws:iam::222233334444:role/Admin'
    const lambda = 'arn:aws:lambda:eu-west-1:111122223333:function:f'
    iam.roles.set('Admin', { trustPolicy: trusting() })
    expect(await run(live, [other, lambda])).toEqual([
      {
        roleArn: other,
        status: 'unknown',
        why: 'Its account is `222233334444`, and these credentials are of account `111122223333`.',
      },
      { roleArn: lambda, status: 'missing', why: `\`${lambda}\` is not the ARN of an IAM role.` },
    ])
    expect(iam.requests.map(({ action }) => action)).toEqual(['GetCallerIdentity'])
  })

  test('where the account is not known, a role that is not found is not missing, and one of another account is noticed', async () => {
    iam.fail(action => (action === 'GetCallerIdentity' ? 'drop' : undefined))
    iam.roles.set('Admin', { trustPolicy: trusting() })
    const checks = await run(live, [role('Admin'), role('Gone'), 'arn:aws:iam::222233334444:role/Admin'])
    expect(checks.map(({ status }) => status)).toEqual(['exists', 'unknown', 'unknown'])
    expect(checks[1]?.why).toContain('it could not be determined which account that is')
  })

  test('one that may not be read does not end the others', async () => {
    iam.roles.set('A', { trustPolicy: trusting() }).set('B', { trustPolicy: trusting() })
    iam.fail((_action, subject) =>
      subject === 'B' ? { error: 'AccessDenied', message: 'no', status: 403 } : undefined,
    )
    expect(await run(live, [role('A'), role('B'), role('C')])).toMatchObject([
      { status: 'exists' },
      {
        status: 'unknown',
        why: 'GetRole of role `B` was not allowed (no); allow iam:GetRole on the role, and check that the credentials are current.',
      },
      { status: 'missing' },
    ])
  })

  test('without credentials nothing is asked, and every role says why', async () => {
    vi.unstubAllEnvs()
    stubCredentials(folder, { ...iamEnvironment(iam), AWS_ACCESS_KEY_ID: '' })
    const checks = await run(live, [role('A'), role('B')])
    expect(checks).toMatchObject([
      { status: 'unknown', why: expect.stringContaining('or give --profile.') },
      { status: 'unknown' },
    ])
    expect(iam.requests).toEqual([])
  })

  test('where IAM cannot be reached, the last of many are not waited for', async () => {
    iam.fail(action => (action === 'GetRole' ? 'drop' : undefined))
    const checks = await run(
      live,
      Array.from({ length: 100 }, (_, at) => role(`R${at}`)),
    )
    expect(checks.every(({ status, why }) => status === 'unknown' && why !== undefined)).toBe(true)
    expect(iam.requests.length).toBeLessThan(20)
    expect(checks.at(-1)?.why).toContain('It was not looked at, because 5 others in a row failed')
  })

  test('control: where IAM says no to each, each is asked for', async () => {
    iam.fail(action => (action === 'GetRole' ? { error: 'AccessDenied', status: 403 } : undefined))
    await run(
      live,
      Array.from({ length: 30 }, (_, at) => role(`R${at}`)),
    )
    expect(iam.requests).toHaveLength(31)
    expect(iam.atOnce()).toBeLessThanOrEqual(4)
  })

  test('an interruption ends it', async () => {
    iam.fail(action => (action === 'GetRole' ? 'hang' : undefined))
    const controller = new AbortController()
    const failing = failureOf(run(live, [role('A')], { signal: controller.signal }))
    await vi.waitFor(() => expect(iam.requests).toHaveLength(2))
    controller.abort()
    expect(await failing).toMatchObject({ code: 'aborted' })
  })

  test('the address of Cognito is not that of IAM', async () => {
    // The type has no `endpointUrl`: it is given as the command line gives it.
    const options = { ...live, endpointUrl: 'http://127.0.0.1:9' }
    iam.roles.set('A', { trustPolicy: trusting() })
    expect(await run(options, [role('A')])).toMatchObject([{ status: 'exists' }])
  })

  test.each([
    [{ userPoolId: 'cn-north-1_Ab12Cd34e' }, 'aws-cn'],
    [{ userPoolId: 'us-gov-west-1_Ab12Cd34e' }, 'aws-us-gov'],
    [{ userPoolId, region: 'cn-north-1' }, 'aws-cn'],
  ])('with %j it is the IAM of partition %s, and a role of another is not asked for', async (where, partition) => {
    expect(await run({ checkRoles: true, ...where }, [role('A')])).toEqual([
      {
        roleArn: role('A'),
        status: 'unknown',
        why: `Its partition is \`aws\`, and these credentials are of partition \`${partition}\`.`,
      },
    ])
  })

  test('without a Region every role says why', async () => {
    vi.stubEnv('AWS_REGION', undefined)
    expect(await run({ checkRoles: true }, [role('A')], { pool: null })).toEqual([
      { roleArn: role('A'), status: 'unknown', why: expect.stringContaining('has no AWS region') },
    ])
  })
})

describe('--roles-file', () => {
  const detail = (name: string, more: object = {}) => ({
    Path: '/',
    RoleName: name,
    RoleId: 'AROAEXAMPLE',
    Arn: role(name),
    CreateDate: '2026-01-02T03:04:05+00:00',
    AssumeRolePolicyDocument: trusting(),
    InstanceProfileList: [],
    RolePolicyList: [],
    AttachedManagedPolicies: [],
    Tags: [],
    ...more,
  })
  const custom = 'arn:aws:iam::111122223333:policy/Custom'
  const managed = (Arn: string, documents: Readonly<Record<string, unknown>>, DefaultVersionId = 'v2') => ({
    PolicyName: Arn.split('/').at(-1),
    Arn,
    DefaultVersionId,
    PolicyVersionList: Object.entries(documents).map(([VersionId, Document]) => ({
      VersionId,
      Document,
      IsDefaultVersion: VersionId === DefaultVersionId,
    })),
  })
  const attach = (...arns: readonly string[]) => ({
    AttachedManagedPolicies: arns.map(PolicyArn => ({ PolicyName: PolicyArn.split('/').at(-1), PolicyArn })),
  })
  const everything = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }

  let files = 0
  const fileOf = async (content: unknown) => {
    const path = join(folder, `roles-${files++}.json`)
    await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
    return path
  }
  const offline = async (content: unknown, roleArns: readonly string[]) =>
    run({ rolesFile: await fileOf(content), poolFile: 'pool.json' }, roleArns)
  const rolesOf = (...details: readonly object[]) => ({
    UserDetailList: [],
    GroupDetailList: [],
    RoleDetailList: details,
    Policies: [],
  })

  test('says whether a role exists, trusts the pool, and is an administrator, as --check-roles --privileges does', async () => {
    const content = {
      ...rolesOf(
        detail('Admin', attach(ADMINISTRATOR)),
        detail('Reader', { RolePolicyList: [{ PolicyName: 'get', PolicyDocument: readOnly }] }),
        detail('Custom', attach(custom)),
      ),
      Policies: [managed(custom, { v1: readOnly, v2: everything }), managed(ADMINISTRATOR, { v2: everything })],
    }
    const roleArns = [role('Admin'), role('Reader'), role('Custom'), role('Gone')]
    const checks = await offline(content, roleArns)
    expect(
      checks.map(({ roleArn, status, trust, privileges }) => [
        roleArn,
        status,
        trust?.trusted,
        privileges?.administrator,
      ]),
    ).toEqual([
      [role('Admin'), 'exists', true, true],
      [role('Custom'), 'exists', true, true],
      [role('Gone'), 'missing', undefined, undefined],
      [role('Reader'), 'exists', true, false],
    ])

    const iam = await startIamEndpoint()
    stubCredentials(folder, iamEnvironment(iam))
    iam.roles
      .set('Admin', { trustPolicy: trusting(), attached: { [ADMINISTRATOR]: null } })
      .set('Reader', { trustPolicy: trusting(), inline: { get: readOnly } })
      .set('Custom', { trustPolicy: trusting(), attached: { [custom]: everything } })
    expect(await run({ checkRoles: true, privileges: true, userPoolId }, roleArns)).toEqual(checks)
    await iam.close()
  })

  test('the documents may be percent-encoded, as the API gives them', async () => {
    const encoded = encodeURIComponent(JSON.stringify(trusting()))
    const content = rolesOf(detail('A', { AssumeRolePolicyDocument: encoded }))
    expect(await offline(content, [role('A')])).toMatchObject([{ trust: { trusted: true } }])
  })

  test.each<[string, object]>([
    ['a page with IsTruncated', { IsTruncated: true, Marker: 'x' }],
    ['a page with a token of the AWS CLI', { NextToken: 'x' }],
  ])('%s: a role that is not there is unknown, and one that is there exists', async (_what, more) => {
    const checks = await offline({ ...rolesOf(detail('A')), ...more }, [role('A'), role('B')])
    expect(checks).toMatchObject([
      { status: 'exists' },
      { status: 'unknown', why: expect.stringContaining('not complete') },
    ])
  })

  test('control: IsTruncated false is all', async () => {
    expect(await offline({ ...rolesOf(detail('A')), IsTruncated: false }, [role('B')])).toEqual([
      { roleArn: role('B'), status: 'missing' },
    ])
  })

  test('a file without any role says nothing: it may be filtered', async () => {
    expect(await offline(rolesOf(), [role('A')])).toMatchObject([
      { status: 'unknown', why: expect.stringContaining('has no role at all') },
    ])
  })

  test('a role of another account is unknown', async () => {
    const other = 'arn:aws:iam::222233334444:role/A'
    expect(await offline(rolesOf(detail('A')), [other])).toEqual([
      {
        roleArn: other,
        status: 'unknown',
        why: 'Its account is `222233334444`, and the roles file is of account `111122223333`.',
      },
    ])
  })

  test('a role at another path is missing', async () => {
    const content = rolesOf(detail('A', { Arn: role('team/A') }))
    expect(await offline(content, [role('A')])).toMatchObject([
      { status: 'missing', why: expect.stringContaining('differs in its path') },
    ])
  })

  test.each<[string, object, string]>([
    [
      'a policy that was filtered out',
      attach(custom),
      'The policy `Custom` was not read: the roles file does not have it',
    ],
    ['no list of attached policies', { AttachedManagedPolicies: null }, 'does not have the attached policies'],
    ['no list of inline policies', { RolePolicyList: undefined }, 'does not have the inline policies'],
    [
      'an inline policy without a document',
      { RolePolicyList: [{ PolicyName: 'p' }] },
      'The policy `p` was not read: it is not known.',
    ],
    [
      'a boundary',
      {
        ...attach(ADMINISTRATOR),
        PermissionsBoundary: { PermissionsBoundaryType: 'Policy', PermissionsBoundaryArn: custom },
      },
      `The permissions boundary \`${custom}\` limits the role`,
    ],
  ])('%s: the privileges are open, and it is reported', async (_what, more, sentence) => {
    const [check] = await offline(rolesOf(detail('A', more)), [role('A')])
    expect(check?.privileges?.administrator).toBeUndefined()
    expect(check?.privileges?.notRead.join('\n')).toContain(sentence)
  })

  test('a policy without its default version is not read', async () => {
    const content = { ...rolesOf(detail('A', attach(custom))), Policies: [managed(custom, { v1: everything })] }
    const [check] = await offline(content, [role('A')])
    expect(check?.privileges?.notRead).toEqual([expect.stringContaining('does not have its default version')])
  })

  test.each<[string, unknown, string]>([
    ['no JSON', 'x', 'it is not JSON'],
    ['another document', { Roles: [] }, 'RoleDetailList'],
    ['a role twice', rolesOf(detail('A'), detail('a', { Arn: role('a') })), `it has the role \`${role('a')}\` twice`],
    ['a policy twice', { ...rolesOf(), Policies: [managed(custom, {}), managed(custom, {})] }, 'twice'],
    ['a role without an ARN of one', rolesOf(detail('A', { Arn: 'A' })), 'it has a role with the ARN `A`'],
  ])('%s is rejected', async (_what, content, message) => {
    expect(await failureOf(offline(content, []))).toMatchObject({
      code: 'invalid-input',
      message: expect.stringMatching(
        /^the roles file `.*` cannot be used: .*; make it with `aws iam get-account-authorization-details > FILE`$/,
      ),
    })
    expect((await failureOf(offline(content, []))).message).toContain(message)
  })
})
