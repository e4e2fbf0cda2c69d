import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type IamEndpoint, iamEnvironment, startIamEndpoint } from '../cognito/api/iam-endpoint.js'
import { startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { auditCommand } from './audit-command.js'
import { stubCredentials } from './command.js'
import { jsonLines, role, userPoolId } from './pool.js'

const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const clientId = '3n4b5urk1ft4fl3mg5e62d9ado'
const keyOf = (client: string) => `cognito-idp.eu-west-1.amazonaws.com/${userPoolId}:${client}`
const ADMINISTRATOR = 'arn:aws:iam::aws:policy/AdministratorAccess'
const ELSEWHERE = 'arn:aws:iam::222233334444:role/SignedIn'

const GROUPS = [
  { GroupName: 'admins', Precedence: 0, RoleArn: role('Admin') },
  { GroupName: 'ghosts', Precedence: 5, RoleArn: role('Gone') },
  { GroupName: 'billing', Precedence: 7, RoleArn: role('Billing') },
  { GroupName: 'support', Precedence: 7, RoleArn: role('Support') },
  { GroupName: 'vip', Precedence: 9 },
  { GroupName: 'readers', Precedence: 9, RoleArn: role('Reader') },
]
const SIMULATED = GROUPS.map(({ GroupName, Precedence, RoleArn }) => ({
  groupName: GroupName,
  precedence: Precedence,
  ...(RoleArn !== undefined && { roleArn: RoleArn }),
}))
const trusting = (principal: object) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: principal,
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': identityPoolId },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
      },
    },
  ],
})
const federated = trusting({ Federated: 'cognito-identity.amazonaws.com' })
const lambda = trusting({ Service: 'lambda.amazonaws.com' })
const get = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: 's3:Get*', Resource: '*' }] }

const mappingOf = (mapping: object, ...clients: readonly string[]) => ({
  IdentityPoolId: identityPoolId,
  Roles: { authenticated: ELSEWHERE, unauthenticated: role('Guest') },
  RoleMappings: Object.fromEntries(clients.map(client => [keyOf(client), mapping])),
})
const token = mappingOf({ Type: 'Token', AmbiguousRoleResolution: 'Deny' }, clientId)
const rules = mappingOf(
  {
    Type: 'Rules',
    AmbiguousRoleResolution: 'AuthenticatedRole',
    RulesConfiguration: {
      Rules: [
        { Claim: 'cognito:groups', MatchType: 'Contains', Value: 'admins', RoleARN: role('ByRule') },
        { Claim: 'department', MatchType: 'Equals', Value: 'sales', RoleARN: role('Sales') },
      ],
    },
  },
  clientId,
)

const subsets = GROUPS.reduce<readonly string[][]>(
  (all, { GroupName }) => [...all, ...all.map(names => [...names, GroupName])],
  [[]],
)

let folder: string
let poolFile: string
let memberships: string
let files = 0
async function fileOf(content: unknown): Promise<string> {
  const path = join(folder, `${files++}.json`)
  await writeFile(path, typeof content === 'string' ? content : JSON.stringify(content))
  return path
}
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-audit-roles-'))
  poolFile = await fileOf({ version: 1, userPoolId, takenAt: 1, Groups: GROUPS })
  const lines = subsets.map((groups, at) => `${JSON.stringify({ username: `user-${at}`, groups })}\n`)
  memberships = await fileOf(lines.join(''))
})
afterAll(() => rm(folder, { recursive: true }))
afterEach(() => void vi.unstubAllEnvs())

const audit = (...args: readonly string[]) => auditCommand(['audit', 'pool', ...args])
const offline = async (pool: object, ...args: readonly string[]) =>
  audit('--pool-file', poolFile, '--memberships', memberships, '--identity-pool-file', await fileOf(pool), ...args)
const linesOf = async (pool: object) => {
  const { code, stdout } = await offline(pool, '--format', 'ndjson')
  expect(code).toBe(0)
  return jsonLines(stdout).slice(1, -1)
}

describe('whose credentials each user gets', () => {
  test.each([
    ['by Token', token],
    ['by Rules', rules],
    ['without a mapping', mappingOf({})],
  ])('%s is what predict says for the same groups, for every set of groups', async (_what, pool) => {
    const args = ['--pool-file', poolFile, '--identity-pool-file', await fileOf(pool), '--stdin']
    const predicted = await auditCommand(['predict', ...args], {
      stdin: subsets.map(names => JSON.stringify(names)).join('\n'),
    })
    const selections = jsonLines(predicted.stdout).map(
      ({ selection: { evidence: _evidence, ruleIndex: _index, ...rest } }) => rest,
    )
    const lines = await linesOf(pool)
    expect(lines.map(({ credentials: { evidence: _evidence, ruleIndex: _index, ...rest } }) => rest)).toEqual(
      selections,
    )
    expect(new Set(lines.map(({ credentials }) => credentials.outcome)).size).toBeGreaterThan(pool === token ? 1 : 0)
  })

  test('a rule on a claim that is not known leaves it undetermined, and is found', async () => {
    const [nobody] = await linesOf(rules)
    expect(nobody).toMatchObject({
      credentials: { outcome: 'undetermined', rule: 'uncertain-rule' },
      findings: expect.arrayContaining(['undetermined-credentials']),
    })
  })

  test('a tie with Deny gives none, and is found', async () => {
    const lines = await linesOf(token)
    const tied = lines.find(({ groups }) => groups.join() === 'billing,support')
    expect(tied).toMatchObject({
      credentials: { outcome: 'denied', rule: 'ambiguous-denied' },
      findings: expect.arrayContaining(['no-credentials']),
    })
  })
})

describe('the roles at the end', () => {
  let iam: IamEndpoint
  beforeEach(async () => {
    iam = await startIamEndpoint()
    stubCredentials(folder, iamEnvironment(iam))
    iam.roles
      .set('Admin', { trustPolicy: federated, attached: { [ADMINISTRATOR]: null } })
      .set('Billing', { trustPolicy: lambda, inline: { get } })
      .set('Support', { trustPolicy: federated })
      .set('Reader', { trustPolicy: federated, inline: { get } })
  })
  afterEach(() => iam.close())

  const detail = (name: string, trustPolicy: object, more: object = {}) => ({
    Arn: role(name),
    AssumeRolePolicyDocument: trustPolicy,
    RolePolicyList: [],
    AttachedManagedPolicies: [],
    ...more,
  })
  const inline = { RolePolicyList: [{ PolicyName: 'get', PolicyDocument: get }] }
  const ROLES = {
    RoleDetailList: [
      detail('Admin', federated, {
        AttachedManagedPolicies: [{ PolicyName: 'AdministratorAccess', PolicyArn: ADMINISTRATOR }],
      }),
      detail('Billing', lambda, inline),
      detail('Support', federated),
      detail('Reader', federated, inline),
    ],
    Policies: [],
  }
  const FOUND = [
    ['missing-role', [role('Gone')]],
    ['untrusted-role', [role('Billing')]],
    ['administrator-role', [role('Admin')]],
    ['unchecked-role', [ELSEWHERE]],
  ]
  const foundIn = ({ findings }: { findings: { concern: string; roles: string[] }[] }) =>
    FOUND.map(([concern]) => [concern, findings.find(one => one.concern === concern)?.roles])

  test('from a file: missing, not trusting, an administrator, in another account', async () => {
    const { code, stdout } = await offline(token, '--roles-file', await fileOf(ROLES), '--format', 'json')
    expect(code).toBe(0)
    expect(foundIn(JSON.parse(stdout))).toEqual(FOUND)
    expect(iam.requests).toEqual([])
  })

  test('from IAM: the same, each role asked for once, and Cognito at its own address', async () => {
    await using cognito = await startCognitoEndpoint({
      userPoolId,
      groups: SIMULATED,
      users: subsets.map((groups, at) => ({ username: `user-${at}`, groups })),
    })
    const args = ['--identity-pool-file', await fileOf(token), '--check-roles', '--privileges', '--format', 'json']
    const live = await audit('--user-pool-id', userPoolId, '--endpoint-url', cognito.url, ...args)
    expect(live.code, live.stderr).toBe(0)
    const fromFile = await offline(token, '--roles-file', await fileOf(ROLES), '--format', 'json')
    const [summary, other] = [JSON.parse(live.stdout), JSON.parse(fromFile.stdout)]
    expect(foundIn(summary)).toEqual(FOUND)
    const withoutWhy = ({ roleChecks }: { roleChecks: { why?: string }[] }) =>
      roleChecks.map(({ why: _why, ...rest }) => rest)
    expect(withoutWhy(summary)).toEqual(withoutWhy(other))
    const asked = iam.requests.filter(({ action }) => action === 'GetRole').map(({ subject }) => subject)
    expect(asked.toSorted()).toEqual(['Admin', 'Billing', 'Gone', 'Reader', 'Support'])
  })

  test('IAM that says no to all ends nothing: every role is unchecked, and says why', async () => {
    await using cognito = await startCognitoEndpoint({ userPoolId, groups: SIMULATED })
    iam.fail(action => (action === 'GetRole' ? { error: 'AccessDenied', message: 'no', status: 403 } : undefined))
    const live = ['--user-pool-id', userPoolId, '--endpoint-url', cognito.url]
    const { code, stdout } = await audit(...live, '--check-roles', '--format', 'json', '--fail-on', 'error')
    expect(code).toBe(1)
    const { roleChecks, findings } = JSON.parse(stdout)
    expect(roleChecks).toHaveLength(5)
    for (const check of roleChecks)
      expect(check).toMatchObject({ status: 'unknown', why: expect.stringContaining('allow iam:GetRole') })
    expect(findings).toContainEqual(expect.objectContaining({ concern: 'unchecked-role', severity: 'error' }))
    expect(findings.map(({ concern }: { concern: string }) => concern)).not.toContain('missing-role')
  })

  test('the reason is in the text, escaped', async () => {
    const arn = `arn:aws:iam::111122223333:role/team/Support`
    const moved = {
      ...ROLES,
      RoleDetailList: ROLES.RoleDetailList.map(one => (one.Arn === role('Support') ? { ...one, Arn: arn } : one)),
    }
    const { stdout } = await offline(token, '--roles-file', await fileOf(moved))
    expect(stdout).toContain(`IAM has \`${arn}\`, which differs in its path.`)
    expect(stdout).toContain('the roles file is of account `111122223333`')
  })
})

describe('rejected before anything is read', () => {
  test.each<[string, (pool: string) => readonly string[], RegExp]>([
    ['--privileges alone', () => ['--privileges'], /give --check-roles or --roles-file FILE too \[invalid-argument\]/],
    ['--check-roles with --pool-file', () => ['--check-roles'], /give --roles-file FILE \[invalid-argument\]/],
    ['both sources of roles', () => ['--check-roles', '--roles-file', 'x'], /cannot be used with option/],
    ['a roles file that is not there', () => ['--roles-file', 'nowhere.json'], /ENOENT.*\[invalid-input\]/],
    [
      'an identity pool by id with --pool-file',
      () => ['--identity-pool-id', identityPoolId],
      /give --identity-pool-file FILE \[invalid-argument\]/,
    ],
    [
      'a client without an identity pool',
      () => ['--client-id', clientId],
      /give --identity-pool-id ID or --identity-pool-file FILE too \[invalid-argument\]/,
    ],
    [
      'a custom role, which is one user’s',
      pool => ['--identity-pool-file', pool, '--custom-role-arn', role('A')],
      /unknown option/,
    ],
  ])('%s', async (_what, args, message) => {
    const given = args(await fileOf(token))
    const { code, stdout, stderr } = await audit('--pool-file', poolFile, '--memberships', memberships, ...given)
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toMatch(message)
  })

  test('several app clients with a mapping need --client-id', async () => {
    const two = mappingOf({ Type: 'Token', AmbiguousRoleResolution: 'Deny' }, clientId, 'other')
    const { code, stderr } = await offline(two)
    expect(code).toBe(2)
    expect(stderr).toMatch(/give --client-id with the one that the users? signs? in with/)
    expect((await offline(two, '--client-id', 'other')).code).toBe(0)
  })

  test('an app client without a mapping is told in every format', async () => {
    const two = mappingOf({ Type: 'Token', AmbiguousRoleResolution: 'Deny' }, clientId, 'other')
    for (const format of ['text', 'json', 'html', 'ndjson']) {
      const said = /App client `third` has no role mapping, so its users are counted as getting the authenticated role/
      expect((await offline(two, '--client-id', 'third', '--format', format)).stdout).toMatch(said)
      expect((await offline(two, '--client-id', 'other', '--format', format)).stdout).not.toMatch(said)
    }
  })

  test('a pool file that does not say its user pool needs --user-pool-id', async () => {
    const unnamed = await fileOf({ Groups: GROUPS })
    const args = ['--pool-file', unnamed, '--memberships', memberships, '--identity-pool-file', await fileOf(token)]
    expect(await audit(...args)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('give --user-pool-id ID too'),
    })
    expect((await audit(...args, '--user-pool-id', userPoolId)).code).toBe(0)
  })
})
