import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { calibrationOf } from '../calibrations.js'
import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolCommand,
} from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startEmulator } from '../cognito/cognito-local.js'
import { auditCommand } from './audit-command.js'
import { CREDENTIALS, stubAws } from './command.js'
import { type AccountEndpointOptions, startAccountEndpoint } from '../cognito/account-endpoint.js'
import { iamEnvironment, startIamEndpoint } from '../cognito/api/iam-endpoint.js'
import { modelResolve } from '../models/resolve-model.js'

// The waits between two attempts add up to minutes.
vi.mock('p-retry', async original => {
  const { default: pRetry } = await original<typeof import('p-retry')>()
  return {
    default: ((input, options) => pRetry(input, { ...options, minTimeout: 1, maxTimeout: 1 })) satisfies typeof pRetry,
  }
})

const [A, B] = ['111122223333', '444455556666']
const role = (name: string, account = A) => `arn:aws:iam::${account}:role/${name}`

const GROUPS = [
  { groupName: 'admins', precedence: 1, roleArn: role('Admin') },
  { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
  { groupName: 'writers', precedence: 5, roleArn: role('Writer') },
  { groupName: 'guests', precedence: 9 },
]
const NAMES = GROUPS.map(({ groupName }) => groupName)
const usersOf = (count: number, prefix: string) =>
  Array.from({ length: count }, (_, u) => ({
    username: `${prefix}-${u}`,
    groups: u % 7 === 0 ? [] : [...new Set([NAMES[u % 4]!, NAMES[(u * 3 + 1) % 4]!])],
  }))
const pool = (userPoolId: string, users: number, more: object = {}) => ({
  userPoolId,
  groups: GROUPS,
  users: usersOf(users, userPoolId),
  ...more,
})

const IDENTITY_POOL = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const provider = (userPoolId: string, ClientId: string) => ({
  ProviderName: `cognito-idp.${userPoolId.split('_')[0]}.amazonaws.com/${userPoolId}`,
  ClientId,
})
const P1 = 'eu-west-1_Pool1'
const P2 = 'eu-west-1_Pool2'
const P3 = 'us-east-1_Pool3'
const P4 = 'eu-west-1_Pool4'

/** Two accounts: one with three pools in two Regions and an identity pool, one with a pool. */
const TWO_ACCOUNTS: AccountEndpointOptions = {
  accounts: {
    [A]: {
      'eu-west-1': {
        userPools: [pool(P1, 25, { name: 'shop' }), pool(P2, 70)],
        identityPools: {
          [IDENTITY_POOL]: {
            providers: [provider(P1, 'web'), provider(P1, 'app'), provider(P1, 'desk'), provider(P3, 'far')],
            roles: {
              Roles: { authenticated: role('Authenticated') },
              RoleMappings: {
                [`${provider(P1, 'web').ProviderName}:web`]: { Type: 'Token', AmbiguousRoleResolution: 'Deny' },
              },
            },
          },
        },
      },
      'us-east-1': { userPools: [pool(P3, 12)] },
      'eu-north-1': {},
      'ap-east-1': 'disabled',
    },
    [B]: { 'eu-west-1': { userPools: [pool(P4, 9)] } },
  },
  keys: { [CREDENTIALS.AWS_ACCESS_KEY_ID]: A, AKIAOTHER: B, AKIASECOND: A },
  roles: { [role('Audit', B)]: { from: A, externalId: 'ext-1' } },
  pageSize: 1,
}

const FAST = ['ListGroups=500', 'ListUsers=500', 'AdminListGroupsForUser=500'].flatMap(rate => [
  '--requests-per-second',
  rate,
])

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-account-'))
  const profile = (name: string, key: string) =>
    `[profile ${name}]\naws_access_key_id = ${key}\naws_secret_access_key = secret\n`
  await writeFile(
    join(folder, 'config'),
    `${profile('one', CREDENTIALS.AWS_ACCESS_KEY_ID)}${profile('other', 'AKIAOTHER')}${profile('again', 'AKIASECOND')}${profile('nobody', 'AKIANOBODY')}`,
  )
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() =>
  stubAws({
    AWS_CONFIG_FILE: join(folder, 'config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'none'),
    ...CREDENTIALS,
  }),
)
afterEach(() => void vi.unstubAllEnvs())

const account = (url: string, ...args: readonly string[]) =>
  auditCommand(['audit', 'account', '--endpoint-url', url, ...FAST, ...args])
const region = (...names: readonly string[]) => names.flatMap(name => ['--region', name])

const text = (lines: string) =>
  lines
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line))

/** What the model says of the users of a pool, by outcome. */
function outcomesOf(userPoolId: string, count: number): Readonly<Record<string, number>> {
  const outcomes: Record<string, number> = { resolved: 0, none: 0, ambiguous: 0, undetermined: 0 }
  for (const user of usersOf(count, userPoolId)) {
    const groups = user.groups.map(name => {
      const { groupName, precedence, roleArn } = GROUPS.find(group => group.groupName === name)!
      return { groupName, precedence, roleArn: roleArn ?? null }
    })
    outcomes[modelResolve(groups).outcome]!++
  }
  return outcomes
}

describe('a whole account', () => {
  test('has every pool of each Region, and the role at the end by way of each identity pool', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const args = [...region('eu-west-1', 'us-east-1', 'eu-north-1'), '--format', 'json']
    const { code, stdout, stderr } = await account(endpoint.url, ...args)
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const found = JSON.parse(stdout)
    expect(found).toMatchObject({ version: 1, tool: { name: 'rolecast', version: '1.2.3' }, semantics: 'observed' })
    expect(found.accounts).toEqual([{ account: A, sources: [{}] }])
    expect(found.regions.map(({ listedAt: _at, ...one }: { listedAt: string }) => one)).toEqual([
      { account: A, region: 'eu-west-1', userPools: 2, identityPools: 1 },
      { account: A, region: 'us-east-1', userPools: 1, identityPools: 0 },
      { account: A, region: 'eu-north-1', userPools: 0, identityPools: 0 },
    ])
    expect(found).toMatchObject({ userPools: { listed: 3, read: 3 }, users: 107, disabled: 0, notRead: [] })
    type Found = { userPoolId: string; audits: { clientIds?: string[]; summary: Record<string, unknown> }[] }
    const pools = new Map(found.pools.map((one: Found) => [one.userPoolId, one.audits])) as Map<string, Found['audits']>
    expect([...pools.keys()]).toEqual([P1, P2, P3])
    for (const [userPoolId, count] of [
      [P1, 25],
      [P2, 70],
      [P3, 12],
    ] as const) {
      for (const { summary } of pools.get(userPoolId)!)
        expect(summary).toMatchObject({ users: count, outcomes: outcomesOf(userPoolId, count) })
    }
    // Two clients without a mapping are one way: the authenticated role for all. By the mapping, some are denied.
    const [byDefault, byToken] = pools.get(P1)!
    expect(byDefault).toMatchObject({
      clientIds: ['app', 'desk'],
      summary: {
        credentials: {
          identityPoolId: IDENTITY_POOL,
          mapping: 'none',
          outcomes: { role: 25, denied: 0, undetermined: 0 },
          roles: [{ roleArn: role('Authenticated'), users: 25 }],
        },
      },
    })
    const { resolved } = outcomesOf(P1, 25)
    expect(byToken).toMatchObject({ clientIds: ['web'], summary: { credentials: { mapping: 'Token' } } })
    const { credentials } = byToken!.summary as { credentials: { outcomes: Record<string, number> } }
    expect(credentials.outcomes['role']).toBe(resolved)
    expect(pools.get(P1)).toHaveLength(2)
    expect(pools.get(P2)![0]).not.toHaveProperty('summary.credentials')
    // An identity pool of another Region that was looked at counts too.
    expect(pools.get(P3)).toMatchObject([
      { clientIds: ['far'], summary: { credentials: { identityPoolId: IDENTITY_POOL } } },
    ])
  })

  test('as NDJSON has the lines of each pool with their own summary, and a last line of the account', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const args = [...region('eu-west-1'), '--format', 'ndjson']
    const { code, stdout } = await account(endpoint.url, ...args)
    expect(code).toBe(0)
    const lines = text(stdout)
    const kinds = lines.map(line => Object.keys(line)[0])
    expect(kinds.filter(kind => kind === 'audit')).toHaveLength(3)
    expect(kinds.filter(kind => kind === 'summary')).toHaveLength(3)
    expect(kinds.indexOf('account')).toBe(lines.length - 1)
    let at = 0
    for (const [userPoolId, count] of [
      [P1, 25],
      [P1, 25],
      [P2, 70],
    ] as const) {
      expect(lines[at]).toMatchObject({ audit: { reading: { userPoolId, account: A, region: 'eu-west-1' } } })
      const users = lines.slice(at + 1, at + 1 + count).map(({ username }) => username)
      expect(new Set(users)).toEqual(new Set(usersOf(count, userPoolId).map(({ username }) => username)))
      expect(lines[at + 1 + count]).toMatchObject({ summary: { users: count } })
      at += count + 2
    }
    expect(lines[0].audit.identityPool).toEqual({
      identityPoolId: IDENTITY_POOL,
      mapping: 'none',
      clientIds: ['app', 'desk'],
    })
    expect(lines.at(-1).account).toMatchObject({
      userPools: { listed: 2, read: 2 },
      pools: [
        { userPoolId: P1, name: 'shop', audits: 2, users: 25 },
        { userPoolId: P2, audits: 1, users: 70 },
      ],
      notRead: [],
    })
  })

  test('with --finding has the users of that finding only, and all counts', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const args = [...region('us-east-1'), '--format', 'ndjson', '--finding', 'no-role']
    const { code, stdout } = await account(endpoint.url, ...args)
    expect(code).toBe(0)
    const lines = text(stdout)
    const expected = usersOf(12, P3).filter(({ groups }) => groups.every(name => name === 'guests'))
    expect(lines.slice(1, -2).map(({ username }) => username)).toEqual(expected.map(({ username }) => username))
    expect(lines[0].audit).toMatchObject({ onlyUsersOf: ['no-role'] })
    expect(lines.at(-2)).toMatchObject({ summary: { users: 12 } })
  })

  test('of a Region without user pools says so', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const { code, stdout } = await account(endpoint.url, ...region('eu-north-1'))
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`${A}  eu-north-1  no user pools  0 identity pools`))
  })

  test.each(['text', 'json', 'ndjson', 'html'])(
    'as %s says where a list of users was cut short, and so does stderr',
    async format => {
      const userPools = [pool(P1, 25, { estimatedUsers: 100_000 }), pool(P2, 25)]
      await using endpoint = await startAccountEndpoint({
        ...TWO_ACCOUNTS,
        accounts: { [A]: { 'eu-west-1': { userPools } } },
      })
      const { code, stdout, stderr } = await account(endpoint.url, ...region('eu-west-1'), '--format', format)
      expect(code).toBe(0)
      expect(stdout).toMatch(
        /User pool eu-west-1_Pool1: Only 25 users were listed, but Cognito(?:'|&#39;)s estimate is 100,000/,
      )
      expect(stderr.match(/^rolecast: only .*$/gm)).toEqual([
        expect.stringMatching(
          /^rolecast: only 25 users of eu-west-1_Pool1 were listed, but Cognito's estimate is 100000;/,
        ),
      ])
    },
  )

  test.each(['text', 'json', 'ndjson', 'html'])('as %s goes to a file, and stdout stays empty', async format => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const output = join(folder, `out.${format}`)
    const { code, stdout } = await account(endpoint.url, ...region('us-east-1'), '--format', format, '--output', output)
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(await readFile(output, 'utf8')).toContain(P3)
    expect((await stat(output)).mode & 0o777).toBe(0o600)
  })
})

describe('several accounts', () => {
  test('by profiles, each once', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const profiles = ['--profile', 'one', '--profile', 'other', '--profile', 'again', '--profile', 'one']
    const { code, stdout, stderr } = await account(
      endpoint.url,
      ...region('eu-west-1'),
      ...profiles,
      '--format',
      'json',
    )
    expect(code).toBe(0)
    const found = JSON.parse(stdout)
    expect(found.accounts).toEqual([
      { account: A, sources: [{ profile: 'one' }, { profile: 'again' }] },
      { account: B, sources: [{ profile: 'other' }] },
    ])
    expect(found.pools.map(({ userPoolId }: { userPoolId: string }) => userPoolId)).toEqual([P1, P2, P4])
    expect(stderr).toContain(`rolecast: account ${A} is reached in 2 ways; it is read once, with the first\n`)
    const asText = await account(endpoint.url, ...region('eu-west-1'), ...profiles)
    expect(asText.stdout).toContain(`${A} was reached by profile one, and also by profile again; it was read once`)
  })

  test('by a role that is assumed, with its external id', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const args = [...region('eu-west-1'), '--role-arn', role('Audit', B), '--external-id', 'ext-1', '--format', 'json']
    const { code, stdout } = await account(endpoint.url, ...args)
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      accounts: [{ account: B, sources: [{ roleArn: role('Audit', B) }] }],
      pools: [{ account: B, userPoolId: P4 }],
    })
    expect(endpoint.requests.filter(({ operation }) => operation === 'AssumeRole')).toHaveLength(1)
    for (const request of endpoint.requests) expect(request.account).toBe(request.operation === 'AssumeRole' ? A : B)
  })

  test('one that cannot be reached is named, and does not end the others', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const profiles = ['--profile', 'nobody', '--profile', 'other', '--profile', 'missing']
    const { code, stdout, stderr } = await account(
      endpoint.url,
      ...region('eu-west-1'),
      ...profiles,
      '--format',
      'json',
    )
    expect(code).toBe(2)
    const found = JSON.parse(stdout)
    expect(found.pools).toMatchObject([{ userPoolId: P4 }])
    expect(found.notRead).toMatchObject([
      { what: 'account', source: { profile: 'nobody' }, code: 'no-credentials' },
      { what: 'account', source: { profile: 'missing' }, code: 'no-credentials' },
    ])
    expect(stderr).toMatch(/^rolecast: not read: the account of profile nobody: .* \[no-credentials\]$/m)
  })

  test('a role that may not be assumed is named', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const args = [...region('eu-west-1'), '--role-arn', role('Audit', B), '--external-id', 'wrong']
    const { code, stderr } = await account(endpoint.url, ...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(/^rolecast: not read: the account of role .*AssumeRole of role .* \[no-credentials\]$/m)
  })
})

describe('what cannot be read', () => {
  test('is named with its code, after all else is written: a pool denied, a pool deleted, a Region not enabled', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    endpoint.pools.get(P1)!.fail('access-denied', { operation: 'ListUsers' })
    endpoint.pools.get(P2)!.fail({ error: 'ResourceNotFoundException', message: `User pool ${P2} does not exist.` })
    const args = [...region('ap-east-1', 'eu-west-1', 'us-east-1'), '--format', 'json', '--fail-on', 'note']
    const { code, stdout, stderr } = await account(endpoint.url, ...args)
    expect(code).toBe(2)
    const found = JSON.parse(stdout)
    expect(found.pools).toMatchObject([{ userPoolId: P3, audits: [{ summary: { users: 12 } }] }])
    expect(found.userPools).toEqual({ listed: 3, read: 1 })
    expect(found.notRead).toMatchObject([
      { what: 'region', account: A, region: 'ap-east-1', code: 'not-authorized' },
      { what: 'user-pool', account: A, region: 'eu-west-1', userPoolId: P1, code: 'not-authorized' },
      { what: 'user-pool', account: A, region: 'eu-west-1', userPoolId: P2, code: 'pool-not-found' },
    ])
    expect(found.notRead[0].message).toContain('has probably not enabled the region')
    expect(found.notLookedAt[0]).toMatch(/^3 of the accounts, Regions and pools that were asked for could not be read/)
    const named = stderr.split('\n').filter(line => line.startsWith('rolecast: not read: '))
    expect(named).toEqual([
      expect.stringMatching(/ \[not-authorized\]$/),
      expect.stringMatching(/ \[not-authorized\]$/),
      expect.stringMatching(/ \[pool-not-found\]$/),
    ])
  })

  test.each(['text', 'html', 'ndjson'])('stands in the %s as well', async format => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    endpoint.pools.get(P1)!.fail('access-denied')
    const { code, stdout } = await account(endpoint.url, ...region('eu-west-1'), '--format', format)
    expect(code).toBe(2)
    expect(stdout).toContain(P2)
    expect(stdout).toMatch(/not.?read/i)
    expect(stdout).toContain('not-authorized')
  })

  test.each([['--format', 'json'], ['--dry-run']])(
    'is a pool that is listed for a Region that its id does not name, with %s',
    async (...args) => {
      await using endpoint = await startAccountEndpoint({
        ...TWO_ACCOUNTS,
        accounts: { [A]: { 'eu-west-9': { userPools: [pool(P1, 3), pool('eu-west-9_Own', 3), pool('local_1a', 3)] } } },
      })
      const { code, stdout, stderr } = await account(endpoint.url, ...region('eu-west-9'), ...args)
      expect(code).toBe(2)
      expect(stderr).toMatch(
        /^rolecast: not read: user pool eu-west-1_Pool1 .*`eu-west-9`.* region `eu-west-1`.* \[malformed-response\]$/m,
      )
      expect(endpoint.pools.get(P1)!.requests).toEqual([])
      // Control: what its own Region lists is read, and so is what an emulator names without one.
      expect(stdout).toContain('eu-west-9_Own')
      expect(stdout).toContain('local_1a')
      expect(stderr).not.toMatch(/not read: user pool (?:eu-west-9_Own|local_1a)/)
    },
  )

  test('are identity pools: the user pools are read without them, and that is reported', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    endpoint.fail({ operation: 'ListIdentityPools', region: 'eu-west-1', error: 'AccessDeniedException' })
    const { code, stdout } = await account(endpoint.url, ...region('eu-west-1'), '--format', 'json')
    expect(code).toBe(2)
    const found = JSON.parse(stdout)
    expect(found.regions[0]).not.toHaveProperty('identityPools')
    expect(found.pools).toHaveLength(2)
    expect(found.notRead).toMatchObject([{ what: 'identity-pools', region: 'eu-west-1', code: 'not-authorized' }])
  })

  test('is one identity pool: it is named', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    endpoint.fail({ operation: 'GetIdentityPoolRoles', error: 'AccessDeniedException' })
    const { code, stdout } = await account(endpoint.url, ...region('eu-west-1'), '--format', 'json')
    expect(code).toBe(2)
    expect(JSON.parse(stdout).notRead).toMatchObject([
      { what: 'identity-pool', identityPoolId: IDENTITY_POOL, code: 'not-authorized' },
    ])
  })

  test('in a moment is asked for again', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    for (const operation of ['ListUserPools', 'ListIdentityPools', 'DescribeIdentityPool', 'GetIdentityPoolRoles'])
      endpoint.fail({ operation, error: 'InternalErrorException', times: 2 })
    const { code, stderr } = await account(endpoint.url, ...region('eu-west-1'))
    expect(code).toBe(0)
    expect(stderr.match(/^rolecast: trying again: /gm)).toHaveLength(8)
  })

  test('is read by the same command later, and nothing else is', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const checkpoint = join(folder, 'later')
    const output = join(folder, 'later.ndjson')
    const args = [...region('eu-west-1'), '--format', 'ndjson', '--checkpoint', checkpoint, '--output', output]
    const mend = endpoint.pools.get(P1)!.fail('access-denied', { operation: 'ListUsers' })
    const first = await account(endpoint.url, ...args)
    expect(first.code).toBe(2)
    expect(first.stderr).toContain('the same command reads only what is missing\n')
    expect(text(await readFile(output, 'utf8')).filter(line => 'audit' in line)).toHaveLength(1)
    mend()
    endpoint.requests.length = 0
    expect(await account(endpoint.url, ...args)).toMatchObject({ code: 0 })
    expect(new Set(endpoint.requests.flatMap(({ userPoolId }) => userPoolId ?? []))).toEqual(new Set([P1]))
    expect(text(await readFile(output, 'utf8')).filter(line => 'audit' in line)).toHaveLength(3)
    await expect(readdir(checkpoint)).rejects.toMatchObject({ code: 'ENOENT' })
  })
})

describe('an audit that resumes', () => {
  test.each(['text', 'json', 'ndjson', 'html'])('gives the same %s, byte for byte', async format => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const checkpoint = join(folder, `same-${format}`)
    const args = [...region('eu-west-1', 'us-east-1'), '--format', format, '--checkpoint', checkpoint]
    endpoint.pools.get(P1)!.fail('access-denied', { operation: 'ListUsers' })
    const first = await account(endpoint.url, ...args)
    const second = await account(endpoint.url, ...args)
    expect(first).toMatchObject({ code: 2, stdout: expect.stringContaining(P2) })
    expect(second.stdout).toBe(first.stdout)
    // Control: without the checkpoint, the times are others.
    const other = await account(endpoint.url, ...args.slice(0, -2))
    expect(other.stdout).not.toBe(first.stdout)
  })

  test('reads a pool again whose identity pools are others by now', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const args = [...region('eu-west-1'), '--format', 'json', '--checkpoint', join(folder, 'others')]
    const mend = endpoint.fail({ operation: 'GetIdentityPoolRoles', error: 'AccessDeniedException' })
    const first = JSON.parse((await account(endpoint.url, ...args)).stdout)
    expect(first.pools[0].audits).toHaveLength(1)
    mend()
    endpoint.requests.length = 0
    const { code, stdout } = await account(endpoint.url, ...args)
    expect(code).toBe(0)
    expect(JSON.parse(stdout).pools[0].audits).toHaveLength(2)
    expect(new Set(endpoint.requests.flatMap(({ userPoolId }) => userPoolId ?? []))).toEqual(new Set([P1]))
  })
})

describe('the quotas of an account in a Region', () => {
  const userPools = ['A', 'B', 'C'].map(name => pool(`eu-west-1_${name}`, 30))
  const start = (quota: object) =>
    startAccountEndpoint({ ...TWO_ACCOUNTS, accounts: { [A]: { 'eu-west-1': { userPools, quota } } } })
  const run = (url: string) =>
    auditCommand(['audit', 'account', '--endpoint-url', url, ...region('eu-west-1'), '--strategy', 'per-user'])

  test('are kept to by all of its pools together', { timeout: 30_000 }, async () => {
    await using endpoint = await start({
      ListGroups: 20,
      ListUsers: 30,
      AdminListGroupsForUser: 50,
      DescribeUserPool: 15,
    })
    expect(await run(endpoint.url)).toMatchObject({ code: 0 })
    expect(endpoint.requests.filter(({ throttled }) => throttled)).toEqual([])
    expect(endpoint.requests.filter(({ operation }) => operation === 'AdminListGroupsForUser').length).toBeGreaterThan(
      89,
    )
  })

  test('of which others use a part are found by slowing down: all is read', { timeout: 60_000 }, async () => {
    await using endpoint = await start({ AdminListGroupsForUser: 15 })
    const { code, stderr } = await run(endpoint.url)
    expect(code).toBe(0)
    expect(stderr).toMatch(
      new RegExp(`AdminListGroupsForUser of account ${A}, Region eu-west-1 is throttled, and slows down`),
    )
    const throttled = endpoint.requests.filter(one => one.throttled).length
    expect(throttled).toBeGreaterThan(0)
    expect(throttled / endpoint.requests.length).toBeLessThan(0.4)
  })
})

describe('--fail-on', () => {
  test.each([
    ['note', 1],
    ['warning', 1],
    ['error', 0],
  ])('%s exits with %d', async (severity, code) => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    expect(await account(endpoint.url, ...region('eu-west-1'), '--fail-on', severity)).toMatchObject({ code })
  })
})

describe('--dry-run', () => {
  test('lists the pools and what they cost, and reads one page of users at most', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const { code, stdout } = await account(endpoint.url, ...region('eu-west-1', 'eu-north-1'), '--dry-run')
    expect(code).toBe(0)
    expect(stdout).toContain(`Account ${A}, Region eu-west-1: 2 user pools\n`)
    expect(stdout).toContain(`Account ${A}, Region eu-north-1: no user pools\n`)
    expect(stdout).toContain(`\n${P1} shop\nTo read the pool: 25 users`)
    expect(stdout).toMatch(/^In all: 2 user pools, \d+ calls, under a minute, with 4 Regions at once$/m)
    const pages = endpoint.pools.get(P2)!.requests.filter(({ operation }) => operation === 'ListUsers')
    expect(pages).toHaveLength(1)
  })

  test('exits with 2 if a permission is missing', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    endpoint.pools.get(P1)!.fail('access-denied', { operation: 'AdminListGroupsForUser' })
    const { code, stdout, stderr } = await account(endpoint.url, ...region('eu-west-1'), '--dry-run')
    expect(code).toBe(2)
    expect(stdout).toContain(P2)
    expect(stderr).toMatch(/AdminListGroupsForUser.* \[not-authorized\]\n$/)
  })
})

describe('options that make no sense together', () => {
  test.each([
    [['--region', 'Europe'], /`Europe` is not a Region/],
    [['--role-arn', role('A'), '--profile', 'a', '--profile', 'b'], /one --profile/],
    [['--external-id', 'x1'], /--external-id is for roles/],
    [['--role-arn', 'admin'], /`admin` is not the ARN of a role/],
    [['--role-arn', role('A'), '--external-id', '*'], /the external ID is not 2 to 1224 characters/],
    [['--finding', 'no-role'], /--format ndjson/],
    [['--finding', 'no-such', '--format', 'ndjson'], /unknown finding `no-such`/],
    [['--finding', 'no-rol', '--format', 'ndjson'], /unknown finding `no-rol`; did you mean no-role\?/],
    [['--finding', 'role-nobody-gets', '--format', 'ndjson'], /is about roles without users/],
    [['--finding', 'administrator-role', '--check-roles', '--format', 'ndjson'], /not looked for without --privileges/],
    [['--dry-run', '--checkpoint', 'x'], /--dry-run saves nothing/],
    [['--dry-run', '--output', 'x'], /leave out --output/],
    [['--privileges'], /--check-roles/],
    [['--roles-file', 'x', '--check-roles'], /cannot be (?:used|combined) with/],
    [['--endpoint-url', 'ftp://x'], /http/],
  ])('%j is rejected before any call', async (args, why) => {
    const { code, stdout, stderr } = await auditCommand(['audit', 'account', '--region', 'eu-west-1', ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(why)
  })

  test.each(['missing-role', 'untrusted-role', 'administrator-role', 'unchecked-role'])(
    '--finding %s without role checks is rejected: it would have no users',
    async finding => {
      const args = ['--finding', 'no-role', '--finding', finding, '--format', 'ndjson']
      const { code, stdout, stderr } = await auditCommand(['audit', 'account', '--region', 'eu-west-1', ...args])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`finding \`${finding}\` is not looked for without --check-roles or --roles-file`)
    },
  )

  test('no Region is rejected', async () => {
    const { code, stderr } = await auditCommand(['audit', 'account'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/give --region for each Region to look at \[no-region\]\n$/)
  })
})

describe('without --region', () => {
  test('the Region of the AWS configuration is looked at, and it is reported that it is the only one', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    for (const [env, found] of [
      [{ AWS_REGION: 'us-east-1', AWS_DEFAULT_REGION: 'eu-west-1' }, 'us-east-1'],
      [{ AWS_REGION: undefined, AWS_DEFAULT_REGION: 'us-east-1' }, 'us-east-1'],
    ] as const) {
      for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
      const { code, stdout, stderr } = await account(endpoint.url, '--format', 'json')
      expect(code).toBe(0)
      expect(JSON.parse(stdout).regions).toMatchObject([{ region: found }])
      expect((await account(endpoint.url, '--format', 'json', '--quiet')).stderr).toBe(
        `rolecast: only Region ${found} of the AWS configuration is looked at; give --region for each other one\n`,
      )
      expect(stderr).toContain(`rolecast: only Region ${found} of the AWS configuration is looked at; give --region`)
    }
    const named = await account(endpoint.url, ...region('us-east-1'), '--format', 'json')
    expect(named.stderr, 'control').not.toContain('only Region')
  })

  test('profiles of several Regions are rejected', async () => {
    const config = join(folder, 'regions')
    await writeFile(config, '[profile one]\nregion = eu-west-1\n[profile other]\nregion = us-east-1\n')
    vi.stubEnv('AWS_CONFIG_FILE', config)
    const { code, stderr } = await auditCommand(['audit', 'account', '--profile', 'one', '--profile', 'other'])
    expect(code).toBe(2)
    expect(stderr).toContain('the profiles have several Regions, `eu-west-1` and `us-east-1`; give --region')
  })
})

describe('the folder of --checkpoint', () => {
  test('is rejected if something else is in it', async () => {
    const checkpoint = await mkdtemp(join(folder, 'foreign-'))
    await writeFile(join(checkpoint, 'notes.txt'), 'mine')
    const { code, stderr } = await account('http://127.0.0.1:9', ...region('eu-west-1'), '--checkpoint', checkpoint)
    expect(code).toBe(2)
    expect(stderr).toMatch(/`notes.txt` in it, which is not from an audit.* \[invalid-input\]\n$/)
    expect(await readFile(join(checkpoint, 'notes.txt'), 'utf8')).toBe('mine')
  })

  test('of something else is rejected', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const checkpoint = join(folder, 'other')
    endpoint.pools.get(P3)!.fail('access-denied')
    await account(endpoint.url, ...region('us-east-1'), '--checkpoint', checkpoint)
    const { code, stderr } = await account(endpoint.url, ...region('eu-west-1'), '--checkpoint', checkpoint)
    expect(code).toBe(2)
    expect(stderr).toMatch(/it is from another audit \(`regions` is/)
  })

  test('of another calibration is rejected', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const checkpoint = join(folder, 'calibrated')
    const calibrated = async (date: string) => {
      const path = join(folder, `calibration-${date}.json`)
      await writeFile(path, JSON.stringify({ ...calibrationOf('roles-compete'), date }))
      return account(endpoint.url, ...region('us-east-1'), '--checkpoint', checkpoint, '--calibration', path)
    }
    endpoint.pools.get(P3)!.fail('access-denied')
    expect((await calibrated('2026-11-29T12:00:00Z')).stdout).toContain(
      'roles-compete, calibrated on 2026-11-29 against user pool us-east-1_Ab12Cd34e',
    )
    const { code, stderr } = await calibrated('2026-11-30T12:00:00Z')
    expect(code).toBe(2)
    expect(stderr).toMatch(/it is from another audit \(`calibration` is/)
  })

  test('with lines that were changed is rejected', async () => {
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const checkpoint = join(folder, 'changed')
    const args = [...region('eu-west-1'), '--format', 'ndjson', '--checkpoint', checkpoint]
    endpoint.pools.get(P1)!.fail('access-denied')
    await account(endpoint.url, ...args)
    const part = join(
      checkpoint,
      (await readdir(checkpoint)).find(name => name.endsWith('.part'))!,
    )
    const before = await readFile(part, 'utf8')
    await writeFile(part, before.replace('Pool2-1"', 'Pool2-x"'))
    const { code, stdout, stderr } = await account(endpoint.url, ...args)
    expect(code).toBe(2)
    expect(stdout).not.toContain('{"account":')
    expect(stderr).toMatch(/is not the one that the audit wrote/)
  })
})

test('an interrupt says where the rest is', async () => {
  await using endpoint = await startAccountEndpoint({ ...TWO_ACCOUNTS, latency: 20 })
  const stop = new AbortController()
  const checkpoint = join(folder, 'stopped')
  const running = auditCommand(
    ['audit', 'account', '--endpoint-url', endpoint.url, ...region('eu-west-1'), '--checkpoint', checkpoint],
    { interrupted: stop.signal },
  )
  while (!endpoint.requests.some(({ operation }) => operation === 'ListUsers'))
    await new Promise(resolve => setTimeout(resolve, 5))
  stop.abort()
  const { code, stdout, stderr } = await running
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toMatch(
    /rolecast: interrupted; what was read is saved in `.*stopped`, and the same command resumes from it \[aborted\]\n$/,
  )
})

describe('--check-roles', () => {
  test('asks IAM with the credentials of each account, once for each role', async () => {
    await using iam = await startIamEndpoint({ account: B })
    iam.roles.set('Member', { trustPolicy: { Version: '2012-10-17', Statement: [] } })
    for (const [name, value] of Object.entries(iamEnvironment(iam))) vi.stubEnv(name, value)
    const groups = [{ groupName: 'members', precedence: 1, roleArn: role('Member', B) }]
    const userPools = [P4, 'eu-west-1_Pool5'].map(userPoolId => ({ userPoolId, groups, users: usersOf(3, userPoolId) }))
    await using endpoint = await startAccountEndpoint({
      ...TWO_ACCOUNTS,
      accounts: { [A]: {}, [B]: { 'eu-west-1': { userPools } } },
    })
    const args = ['--role-arn', role('Audit', B), '--external-id', 'ext-1', '--check-roles', '--format', 'json']
    const { code, stdout } = await account(endpoint.url, ...region('eu-west-1'), ...args)
    expect(code).toBe(0)
    for (const { audits } of JSON.parse(stdout).pools)
      expect(audits[0].summary.roleChecks).toMatchObject([{ roleArn: role('Member', B), status: 'exists' }])
    const asked = iam.requests.filter(({ action }) => action === 'GetRole')
    expect(asked).toHaveLength(1)
    expect(asked[0]!.authorization).toContain('Credential=ASIASESSION')
  })
})

describe('--roles-file', () => {
  test('checks the roles of each pool, those of its identity pools too', async () => {
    const rolesFile = join(folder, 'roles.json')
    const detail = (name: string) => ({
      RoleName: name,
      Arn: role(name),
      AssumeRolePolicyDocument: { Version: '2012-10-17', Statement: [] },
      RolePolicyList: [],
      AttachedManagedPolicies: [],
    })
    const roles = { RoleDetailList: [detail('Admin'), detail('Authenticated')], Policies: [], GroupDetailList: [] }
    await writeFile(rolesFile, JSON.stringify({ ...roles, UserDetailList: [] }))
    await using endpoint = await startAccountEndpoint(TWO_ACCOUNTS)
    const args = [...region('eu-west-1'), '--roles-file', rolesFile, '--format', 'json']
    const { code, stdout, stderr } = await account(endpoint.url, ...args)
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const [first, second] = JSON.parse(stdout).pools
    type Check = { roleArn: string; status: string; trust?: { trusted: boolean } }
    const checks = (checked: Check[]) =>
      checked.map(({ roleArn, status, trust }) => [roleArn.split('/')[1], status, trust?.trusted])
    expect(checks(first.audits[0].summary.roleChecks)).toEqual([
      ['Admin', 'exists', false],
      ['Authenticated', 'exists', false],
      ['Editor', 'missing', undefined],
      ['Writer', 'missing', undefined],
    ])
    // No identity pool accepts this one: whom the roles trust is not judged.
    expect(checks(second.audits[0].summary.roleChecks)).toEqual([
      ['Admin', 'exists', undefined],
      ['Editor', 'missing', undefined],
      ['Writer', 'missing', undefined],
    ])
  })
})

test('of cognito-local has its pools', { timeout: 60_000 }, async () => {
  const emulator = await startEmulator()
  const client = new CognitoIdentityProviderClient({ endpoint: emulator.url, region: 'eu-west-1' })
  try {
    const ids: string[] = []
    for (const PoolName of ['one', 'two']) {
      const { UserPool } = await client.send(
        new CreateUserPoolCommand({ PoolName, UsernameAttributes: ['phone_number'] }),
      )
      const UserPoolId = UserPool!.Id!
      ids.push(UserPoolId)
      await client.send(
        new CreateGroupCommand({ UserPoolId, GroupName: 'admins', Precedence: 1, RoleArn: role('Admin') }),
      )
      for (const Username of ['anna', 'bert'])
        await client.send(new AdminCreateUserCommand({ UserPoolId, Username, MessageAction: 'SUPPRESS' }))
      await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username: 'anna', GroupName: 'admins' }))
    }
    const { accounts, keys } = { accounts: { [A]: { 'eu-west-1': {} } }, keys: TWO_ACCOUNTS.keys }
    await using endpoint = await startAccountEndpoint({ accounts, keys, otherwise: emulator.url })
    const { code, stdout } = await account(endpoint.url, ...region('eu-west-1'), '--format', 'json')
    expect(code).toBe(0)
    const found = JSON.parse(stdout)
    expect(found.pools.map(({ userPoolId }: { userPoolId: string }) => userPoolId).toSorted()).toEqual(ids.toSorted())
    for (const { audits } of found.pools)
      expect(audits).toMatchObject([{ summary: { users: 2, outcomes: { resolved: 1, none: 1 } } }])
  } finally {
    client.destroy()
    await emulator.close()
  }
})
