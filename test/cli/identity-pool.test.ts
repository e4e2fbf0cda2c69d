import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { checked, CREDENTIALS, failuresAsText, rolecast, SECRET, stubCredentials } from './command.js'
import { type InstalledCommand, installCommand, root } from './process.js'
import {
  type IdentityPoolEndpoint,
  type IdentityPoolFault,
  startIdentityPoolEndpoint,
} from '../cognito/api/identity-pool-endpoint.js'

const page = await readFile(join(root, 'docs/identity-pool.md'), 'utf8')
const userPoolId = 'eu-west-1_Ab12Cd34e'
const clientId = '3n4b5urk1ft4fl3mg5e62d9ado'
const identityPoolId = 'eu-central-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const keyOf = (client: string, pool = userPoolId) => `cognito-idp.eu-west-1.amazonaws.com/${pool}:${client}`
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'vip', precedence: 20 },
  { groupName: 'billing', precedence: 7, roleArn: role('Billing') },
  { groupName: 'support', precedence: 7, roleArn: role('Support') },
  { groupName: 'readers', precedence: 20, roleArn: role('Reader') },
  { groupName: 'contractors', roleArn: role('Contractor') },
]
const LISTED = GROUPS.map(({ groupName, precedence, roleArn }) => ({
  GroupName: groupName,
  Precedence: precedence,
  RoleArn: roleArn,
}))

type Mapping = Readonly<Record<string, unknown>>
const token = (AmbiguousRoleResolution?: string): Mapping => ({ Type: 'Token', AmbiguousRoleResolution })
const rules = (
  ...given: readonly (readonly [claim: string, match: string, value: string, role: string])[]
): Mapping => ({
  Type: 'Rules',
  AmbiguousRoleResolution: 'Deny',
  RulesConfiguration: {
    Rules: given.map(([Claim, MatchType, Value, name]) => ({ Claim, MatchType, Value, RoleARN: role(name) })),
  },
})
const poolWith = (mappings: Readonly<Record<string, Mapping>>, authenticated: string | null = role('SignedIn')) => ({
  IdentityPoolId: identityPoolId,
  Roles: authenticated === null ? {} : { authenticated },
  RoleMappings: mappings,
})
const withMapping = (mapping: Mapping, authenticated?: string | null) =>
  poolWith({ [keyOf(clientId)]: mapping }, authenticated)

let folder: string
let snapshot: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-identity-pool-'))
  snapshot = await fileOf({ version: 1, userPoolId, takenAt: 1, Groups: LISTED })
})
afterAll(() => rm(folder, { recursive: true }))

let files = 0
async function fileOf(content: unknown): Promise<string> {
  const path = join(folder, `${files++}.json`)
  await writeFile(
    path,
    typeof content === 'string' || content instanceof Uint8Array ? content : JSON.stringify(content),
  )
  return path
}

const groupsOf = (names: readonly string[]) => names.flatMap(name => ['--group', name])
const offline = async (pool: unknown, names: readonly string[], args: readonly string[] = [], poolFile = snapshot) =>
  rolecast([
    'predict',
    '--pool-file',
    poolFile,
    '--identity-pool-file',
    await fileOf(pool),
    ...groupsOf(names),
    ...args,
  ])

describe('the chain from files', () => {
  interface Case {
    readonly groups: readonly string[]
    readonly pool: object
    readonly args?: readonly string[]
    readonly selection: object
    /** What the text has. */
    readonly says: string
  }

  const undetermined = (rule: string, ...candidates: readonly object[]) => ({
    outcome: 'undetermined',
    rule,
    evidence: 'unknown',
    candidates,
  })
  const denied = (rule: string) => ({ outcome: 'denied', rule })
  const gives = (name: string, rule: string) => ({ outcome: 'role', roleArn: role(name), rule })

  test.each<[string, Case]>([
    [
      'the preferred role',
      {
        groups: ['readers', 'admins'],
        pool: withMapping(token('Deny')),
        selection: { ...gives('Admin', 'preferred-role'), evidence: 'observed' },
        says: 'the token prefers this one',
      },
    ],
    [
      'no mapping',
      {
        groups: ['admins'],
        pool: poolWith({}),
        selection: { ...gives('SignedIn', 'no-mapping'), evidence: 'observed' },
        says: 'no role mapping for this user pool',
      },
    ],
    [
      'no mapping of this app client',
      {
        groups: ['admins'],
        pool: withMapping(token('Deny')),
        args: ['--client-id', 'other'],
        selection: { ...gives('SignedIn', 'no-mapping'), evidence: 'observed' },
        says: `(none for this app client; the user pool has one for ${clientId})`,
      },
    ],
    [
      'no mapping, and no authenticated role',
      {
        groups: ['admins'],
        pool: poolWith({}, null),
        selection: { ...denied('authenticated-role-missing'), evidence: 'documented' },
        says: 'the identity pool has none',
      },
    ],
    [
      'two roles and a fallback',
      {
        groups: ['billing', 'support'],
        pool: withMapping(token('AuthenticatedRole')),
        selection: { ...gives('SignedIn', 'ambiguous-authenticated'), evidence: 'documented' },
        says: 'AmbiguousRoleResolution is AuthenticatedRole',
      },
    ],
    [
      'two roles and a denial',
      {
        groups: ['billing', 'support'],
        pool: withMapping(token('Deny')),
        selection: { ...denied('ambiguous-denied'), evidence: 'documented' },
        says: '(none: the request is denied)',
      },
    ],
    [
      'no role and a denial',
      {
        groups: [],
        pool: withMapping(token('Deny')),
        args: ['--group', 'ghost'],
        selection: { ...denied('ambiguous-denied'), evidence: 'inferred' },
        says: 'Not in the user pool',
      },
    ],
    [
      'two roles and no fallback',
      {
        groups: ['billing', 'support'],
        pool: withMapping(token()),
        selection: undetermined(
          'ambiguous-unset',
          gives('SignedIn', 'ambiguous-authenticated'),
          denied('ambiguous-denied'),
        ),
        says: 'AmbiguousRoleResolution (not set)',
      },
    ],
    [
      'one role that is not preferred',
      {
        groups: ['contractors'],
        pool: withMapping(token('Deny')),
        selection: { ...gives('Contractor', 'single-role'), evidence: 'documented' },
        says: 'no log of a role assumed in this way is known.',
      },
    ],
    [
      'one role that is not preferred, and another fallback',
      {
        groups: ['contractors'],
        pool: withMapping(token('AuthenticatedRole')),
        selection: { ...gives('Contractor', 'single-role'), evidence: 'documented' },
        says: 'AWS documents that the user gets this role',
      },
    ],
    [
      'one role that may be preferred or not',
      {
        groups: ['vip', 'readers'],
        pool: withMapping(token('Deny')),
        selection: { ...gives('Reader', 'undetermined-preferred-role'), evidence: 'inferred' },
        says: 'Here all readings give the same result.',
      },
    ],
    [
      'one of two roles that may be preferred or not',
      {
        groups: ['vip', 'readers', 'contractors'],
        pool: withMapping(token('Deny')),
        selection: undetermined(
          'undetermined-preferred-role',
          gives('Reader', 'preferred-role'),
          denied('ambiguous-denied'),
        ),
        says: 'Do not grant access based on it.',
      },
    ],
    [
      'a preferred role that makes no difference',
      {
        groups: ['vip', 'readers', 'contractors'],
        pool: withMapping(token('AuthenticatedRole'), role('Reader')),
        selection: { ...gives('Reader', 'undetermined-preferred-role'), evidence: 'inferred' },
        says: 'Here all readings give the same result.',
      },
    ],
    [
      'a rule',
      {
        groups: ['readers', 'admins'],
        pool: withMapping(
          rules(['cognito:groups', 'Contains', 'staff', 'Staff'], ['cognito:groups', 'Contains', 'admins', 'ByRule']),
        ),
        selection: { ...gives('ByRule', 'mapping-rule'), evidence: 'observed', ruleIndex: 1 },
        says: 'rule 1 (`cognito:groups` Contains `admins`)',
      },
    ],
    [
      'no rule',
      {
        groups: ['readers'],
        pool: withMapping(rules(['cognito:groups', 'Contains', 'admins', 'ByRule'])),
        selection: { ...denied('ambiguous-denied'), evidence: 'observed' },
        says: 'Rules (1), AmbiguousRoleResolution Deny',
      },
    ],
    [
      'a rule on a claim that is not forecast',
      {
        groups: ['admins'],
        pool: withMapping(rules(['custom:dept', 'Equals', 'ops', 'Ops'])),
        selection: {
          ...undetermined(
            'uncertain-rule',
            { ...gives('Ops', 'mapping-rule'), ruleIndex: 0 },
            denied('ambiguous-denied'),
          ),
          ruleIndex: 0,
        },
        says: 'Whether rule 0 (`custom:dept` Equals `ops`) matches is not known: the prediction covers the role claims only.',
      },
    ],
    [
      'a rule that compares a list',
      {
        groups: ['admins'],
        pool: withMapping(rules(['cognito:groups', 'Contains', 'admin', 'ByRule'])),
        selection: {
          ...undetermined('uncertain-rule', denied('ambiguous-denied'), {
            ...gives('ByRule', 'mapping-rule'),
            ruleIndex: 0,
          }),
          ruleIndex: 0,
        },
        says: 'AWS does not say how it compares a list. Do not grant access based on it.',
      },
    ],
    [
      'a role asked for',
      {
        groups: ['admins', 'readers'],
        pool: withMapping(token('Deny')),
        args: ['--custom-role-arn', role('Reader')],
        selection: { ...gives('Reader', 'custom-role'), evidence: 'documented' },
        says: `  asked for     ${role('Reader')}\n`,
      },
    ],
    [
      'a role asked for that the user does not have',
      {
        groups: ['admins'],
        pool: withMapping(token('Deny')),
        args: ['--custom-role-arn', role('Reader')],
        selection: { ...denied('custom-role-not-allowed'), evidence: 'documented' },
        says: 'does not have in cognito:roles',
      },
    ],
    [
      'a role of the token asked for of rules',
      {
        groups: ['admins'],
        pool: withMapping(rules(['cognito:groups', 'Contains', 'admins', 'ByRule'])),
        args: ['--custom-role-arn', role('Admin')],
        selection: { ...denied('custom-role-with-rules'), evidence: 'observed' },
        says: 'InvalidParameterException',
      },
    ],
    [
      'another role asked for of rules',
      {
        groups: ['admins'],
        pool: withMapping(rules(['cognito:groups', 'Contains', 'admins', 'ByRule'])),
        args: ['--custom-role-arn', role('ByRule')],
        selection: undetermined(
          'custom-role-with-rules',
          gives('ByRule', 'custom-role'),
          denied('custom-role-not-allowed'),
        ),
        says: 'what the identity pool does then is not known. Do not grant access based on it.',
      },
    ],
    [
      'a role asked for without a mapping',
      {
        groups: ['admins'],
        pool: poolWith({}),
        args: ['--custom-role-arn', role('Nobody')],
        selection: undetermined(
          'custom-role-without-mapping',
          gives('SignedIn', 'no-mapping'),
          denied('custom-role-not-allowed'),
        ),
        says: 'there is no role mapping',
      },
    ],
  ])('%s: JSON, text and exit code say the same', async (_what, { groups, pool, args = [], selection, says }) => {
    const { code, stdout: json } = await offline(pool, groups, [...args, '--json'])
    expect(code).toBe(0)
    const answer = JSON.parse(json)
    expect(answer.selection).toEqual(selection)

    const { stdout } = await offline(pool, groups, args)
    expect(stdout).toContain(says)
    const { outcome, rule, roleArn, candidates = [] } = answer.selection
    expect(page).toMatch(new RegExp(`^### ${rule}$`, 'm'))
    expect(stdout).toMatch(new RegExp(`^  ${rule}: .+; see \`rolecast explain ${rule}\`$`, 'm'))
    if (outcome === 'role') expect(stdout).toContain(`\n  role          ${roleArn}\n`)
    const shown = [...stdout.matchAll(/^ {16}\? (\S+) +by ([a-z-]+)(?: (\d))?$/gm)].map(([, arn, by, index]) =>
      arn === '(denied)'
        ? denied(by!)
        : { outcome: 'role', roleArn: arn, rule: by, ...(index !== undefined && { ruleIndex: Number(index) }) },
    )
    expect(shown).toEqual(candidates)
    expect((await offline(pool, groups, [...args, '--require-role'])).code).toBe(outcome === 'role' ? 0 : 1)
  })

  test('the whole text, as people see it', async () => {
    const { stdout } = await offline(withMapping(token('Deny')), ['vip', 'readers', 'contractors', 'ghost'])
    expect(stdout.slice(stdout.indexOf('Credentials'))).toBe(`Credentials from identity pool ${identityPoolId}
  user pool     eu-west-1_Ab12Cd34e
  app client    3n4b5urk1ft4fl3mg5e62d9ado (not given, but the only one with a role mapping)
  role mapping  Token, AmbiguousRoleResolution Deny
  role          (undetermined: one of these)
                ? arn:aws:iam::111122223333:role/Reader  by preferred-role
                ? (denied)                               by ambiguous-denied

Why these credentials
  Whether the token has a preferred role is not known (see above). Do not grant access based on it.
  undetermined-preferred-role: unknown: what AWS documents and what is observed do not settle it; see \`rolecast explain undetermined-preferred-role\`

Not in the user pool (no role, and in no claim)
  ghost
`)
  })

  test('as JSON, what was there stays as it is', async () => {
    const plain = JSON.parse(
      (await rolecast(['predict', '--pool-file', snapshot, '--group', 'admins', '--json'])).stdout,
    )
    const { selection, identityPool, ...rest } = JSON.parse(
      (await offline(withMapping(token('Deny')), ['admins'], ['--json'])).stdout,
    )
    expect(rest).toEqual(plain)
    expect(selection).toEqual({ outcome: 'role', roleArn: role('Admin'), rule: 'preferred-role', evidence: 'observed' })
    expect(identityPool).toEqual({ identityPoolId, mappingKey: keyOf(clientId) })
    expect(JSON.parse((await offline(poolWith({}), ['admins'], ['--json'])).stdout).identityPool).toEqual({
      identityPoolId,
    })
  })

  test('a role that is resolved is not enough for --require-role, and one that is not may be', async () => {
    expect((await offline(poolWith({}, null), ['admins'], ['--require-role'])).code).toBe(1)
    expect(
      (await offline(withMapping(token('AuthenticatedRole')), ['billing', 'support'], ['--require-role'])).code,
    ).toBe(0)
  })

  test('--semantics holds for the credentials too', async () => {
    const answer = async (semantics: string) =>
      JSON.parse(
        (
          await offline(
            withMapping(token('Deny')),
            ['vip', 'readers', 'contractors'],
            ['--json', '--semantics', semantics],
          )
        ).stdout,
      ).selection
    expect(await answer('observed')).toMatchObject({ outcome: 'undetermined', rule: 'undetermined-preferred-role' })
    expect(await answer('roles-compete')).toMatchObject({ outcome: 'role', roleArn: role('Reader') })
  })

  test('what the file has for escape sequences is shown and does nothing', async () => {
    const nasty = 'x\x1B[31m\u202E\ny'
    const pool = {
      ...withMapping(rules(['cognito:groups', 'Contains', 'admins', nasty], [nasty, 'Equals', nasty, nasty])),
      IdentityPoolId: nasty,
    }
    const { stdout } = await offline(pool, ['admins'])
    expect(stdout).toContain(String.raw`role/x\u{1b}[31m\u{202e}\u{a}y`)
    expect((await offline(pool, ['readers'])).stdout).toContain(String.raw`\u{1b}`)
    expect(stdout).not.toContain('\u202E')
  })
})

describe('which mapping counts', () => {
  const two = poolWith({
    [keyOf('one')]: token('Deny'),
    [keyOf('two')]: rules(['cognito:groups', 'Contains', 'admins', 'Two']),
    [keyOf('else', 'eu-west-1_Else12345')]: token(),
  })

  test('of several app clients one must be named', async () => {
    const { code, stdout, stderr } = await offline(two, ['admins'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /give --client-id with the one that the user signs in with: `one` or `two` \[invalid-argument\]\n$/,
    )
  })

  test.each([
    ['one', 'Admin'],
    ['two', 'Two'],
    ['three', 'SignedIn'],
    ['else', 'SignedIn'],
    ['__proto__', 'SignedIn'],
  ])('--client-id %s: the role %s', async (client, name) => {
    const { stdout } = await offline(two, ['admins'], ['--json', '--client-id', client])
    expect(JSON.parse(stdout).selection.roleArn).toBe(role(name))
  })

  test('another user pool’s mapping is none of this one’s', async () => {
    const { stdout } = await offline(poolWith({ [keyOf('else', 'eu-west-1_Else12345')]: token('Deny') }), ['admins'])
    expect(stdout).toContain('  app client    (not given)\n  role mapping  (none for this user pool)\n')
  })

  test('a client that is named is not said to be guessed', async () => {
    expect((await offline(withMapping(token('Deny')), ['admins'], ['--client-id', clientId])).stdout).toContain(
      `  app client    ${clientId}\n`,
    )
  })
})

describe('which user pool the pool file is of', () => {
  const pool = withMapping(token('Deny'))
  const selectionWith = async (content: unknown, args: readonly string[] = []) =>
    offline(pool, ['admins'], ['--json', ...args], await fileOf(content))

  test.each<[string, object, readonly string[]]>([
    ['a snapshot says it', { version: 1, userPoolId, takenAt: 1, Groups: LISTED }, []],
    ['the AWS CLI says it of each group', { Groups: LISTED.map(group => ({ ...group, UserPoolId: userPoolId })) }, []],
    ['--user-pool-id says it', { Groups: LISTED }, ['--user-pool-id', userPoolId]],
    ['both say the same', { userPoolId, Groups: LISTED }, ['--user-pool-id', userPoolId]],
  ])('%s', async (_what, content, args) => {
    const { code, stdout } = await selectionWith(content, args)
    expect(code).toBe(0)
    expect(JSON.parse(stdout).identityPool.mappingKey).toBe(keyOf(clientId))
  })

  test('a file in UTF-16, as PowerShell writes it, says it too', async () => {
    const utf16 = Buffer.from(`\uFEFF${JSON.stringify({ userPoolId, Groups: LISTED })}`, 'utf16le')
    expect((await selectionWith(utf16)).code).toBe(0)
  })

  test.each<[string, object, readonly string[], string]>([
    [
      'nobody says it',
      { Groups: LISTED },
      [],
      'does not say which user pool it is of; give --user-pool-id ID too [invalid-argument]',
    ],
    [
      'they say two things',
      { userPoolId, Groups: LISTED },
      ['--user-pool-id', 'eu-west-1_Else12345'],
      'leave out --user-pool-id [invalid-argument]',
    ],
    ['it is no id', { Groups: LISTED }, ['--user-pool-id', ''], '[invalid-user-pool-id]'],
    [
      'the groups are of two pools',
      {
        Groups: [
          { GroupName: 'a', UserPoolId: userPoolId },
          { GroupName: 'b', UserPoolId: 'eu-west-1_Else12345' },
        ],
      },
      [],
      'of several user pools',
    ],
  ])('%s: that is not a response', async (_what, content, args, said) => {
    const { code, stdout, stderr } = await selectionWith(content, args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(failuresAsText(stderr)).toContain(said)
  })
})

describe('--stdin', () => {
  test('answers each line as --json would, and wants a role for each', async () => {
    const pool = await fileOf(withMapping(token('Deny')))
    const args = ['predict', '--pool-file', snapshot, '--identity-pool-file', pool]
    const { code, stdout } = await rolecast(
      [...args, '--stdin', '--require-role'],
      '["admins"]\n["billing","support"]\n["vip","readers","contractors"]\n',
    )
    expect(code).toBe(1)
    const answers = stdout
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(answers.map(answer => answer.selection.outcome)).toEqual(['role', 'denied', 'undetermined'])
    expect(answers[0]).toEqual(JSON.parse((await rolecast([...args, '--json', '--group', 'admins'])).stdout))
    expect(
      (await rolecast([...args, '--stdin', '--require-role'], '["admins"]\n["readers"]\n["contractors"]\n')).code,
    ).toBe(0)
  })
})

describe('what cannot be used', () => {
  const predict = ['predict', '--group', 'admins']
  const online = [...predict, '--user-pool-id', userPoolId]

  test.each<[string, readonly string[], string]>([
    [
      'two identity pools',
      [...online, '--identity-pool-id', identityPoolId, '--identity-pool-file', 'f'],
      'cannot be used with',
    ],
    [
      'an identity pool of the network with a file of groups',
      [...predict, '--pool-file', 'p', '--identity-pool-id', identityPoolId],
      'cannot be used with',
    ],
    [
      'a user pool and a file of groups',
      [...online, '--pool-file', 'p'],
      '--pool-file and --user-pool-id cannot be combined unless --identity-pool-file is given',
    ],
    [
      'an app client without an identity pool',
      [...online, '--client-id', 'abc'],
      'give --identity-pool-id ID or --identity-pool-file FILE too [invalid-argument]',
    ],
    [
      'a role asked for without an identity pool',
      [...online, '--custom-role-arn', role('A')],
      'give --identity-pool-id ID or --identity-pool-file FILE too',
    ],
    [
      'an app client that is none',
      [...online, '--identity-pool-id', identityPoolId, '--client-id', keyOf('abc')],
      'is not an app client ID',
    ],
    [
      'a role that is no ARN',
      [...online, '--identity-pool-id', identityPoolId, '--custom-role-arn', 'Admin'],
      '`Admin` is not an ARN',
    ],
    ['an identity pool id that is none', [...online, '--identity-pool-id', userPoolId], 'is not an identity pool ID'],
    [
      'no user pool at all',
      [...predict, '--identity-pool-id', identityPoolId],
      'give --user-pool-id ID or --pool-file FILE',
    ],
    [
      'a file that is not there',
      [...online, '--identity-pool-file', 'nowhere.json'],
      'it cannot be read (ENOENT); make it with `aws cognito-identity get-identity-pool-roles',
    ],
    ['a folder', [...online, '--identity-pool-file', '.'], '(EISDIR)'],
  ])('%s exits with 2', async (_what, args, said) => {
    const { code, stdout, stderr } = await rolecast(args)
    expect(stderr).toContain(said)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test.each<[string, unknown, string]>([
    ['is not JSON', '{"IdentityPoolId"', 'it is not JSON'],
    ['is not UTF-8', Buffer.from('{"IdentityPoolId":"\xE9"}', 'latin1'), 'it is not JSON'],
    ['is of user pools', { Groups: [] }, 'IdentityPoolId'],
    ['has an unknown type', withMapping({ Type: 'Magic' }), 'Type'],
    ['has rules that are none', withMapping({ Type: 'Rules', RulesConfiguration: { Rules: [{}] } }), 'Rules.0.Claim'],
  ])('an identity pool file that %s exits with 2', async (_what, content, said) => {
    const { code, stdout, stderr } = await offline(content, ['admins'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(said)
    expect(stderr).toMatch(/ \[invalid-input\]\n$/)
  })
})

describe('the chain from AWS', () => {
  let users: CognitoEndpoint
  let identities: IdentityPoolEndpoint
  beforeAll(async () => {
    users = await startCognitoEndpoint({ userPoolId, groups: GROUPS })
    identities = await startIdentityPoolEndpoint()
  })
  beforeEach(() => {
    identities.pools.clear()
    identities.pools.set(identityPoolId, withMapping(token('Deny')))
    identities.fail(undefined)
    identities.requests.length = 0
    users.requests.length = 0
    stubCredentials(folder, {
      AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: users.url,
      AWS_ENDPOINT_URL_COGNITO_IDENTITY: identities.url,
    })
  })
  afterEach(() => void vi.unstubAllEnvs())
  afterAll(async () => {
    await users.close()
    await identities.close()
  })

  const online = ['predict', '--user-pool-id', userPoolId, '--identity-pool-id', identityPoolId]

  test('says what the files would', async () => {
    const [live, filed] = [
      await rolecast([...online, ...groupsOf(['readers', 'admins'])]),
      await offline(withMapping(token('Deny')), ['readers', 'admins']),
    ]
    expect(live).toEqual(filed)
    expect(identities.requests).toMatchObject([{ operation: 'GetIdentityPoolRoles', identityPoolId }])
  })

  test('reads the identity pool once for all lines', async () => {
    const { code, stdout } = await rolecast([...online, '--stdin'], '["admins"]\n["readers"]\n["billing","support"]\n')
    expect(code).toBe(0)
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map(line => JSON.parse(line).selection.outcome),
    ).toEqual(['role', 'role', 'denied'])
    expect(identities.requests).toHaveLength(1)
  })

  test('takes a file for the identity pool and AWS for the groups', async () => {
    const file = await fileOf(withMapping(token('Deny')))
    const { code } = await rolecast([
      'predict',
      '--user-pool-id',
      userPoolId,
      '--identity-pool-file',
      file,
      '--group',
      'admins',
      '--require-role',
    ])
    expect(code).toBe(0)
    expect([users.requests.length, identities.requests.length]).toEqual([1, 0])
  })

  test('asks in the region of the identity pool, whatever --region says of the user pool', async () => {
    await rolecast([...online, '--group', 'admins', '--region', 'us-east-2'])
    expect(
      identities.requests.map(({ authorization }) => /\/\d{8}\/([\w-]+)\/cognito-identity\//.exec(authorization)?.[1]),
    ).toEqual(['eu-central-1'])
  })

  test('asks with the credentials of --profile', async () => {
    const credentials = await fileOf(`[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = ${SECRET}\n`)
    vi.stubEnv('AWS_SHARED_CREDENTIALS_FILE', credentials)
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined)
    expect((await rolecast([...online, '--group', 'admins', '--profile', 'work'])).code).toBe(0)
    expect(identities.requests[0]?.authorization).toContain('Credential=AKIAWORK/')
  })

  test('--endpoint-url is the address of both', async () => {
    const { code } = await rolecast([...online, '--group', 'admins', '--endpoint-url', identities.url])
    expect(code).toBe(2)
    expect(identities.requests.map(({ operation }) => operation)).toEqual(['GetIdentityPoolRoles', ''])
    expect(users.requests).toEqual([])
  })

  test.each<[string, IdentityPoolFault, string]>([
    [
      'an IAM policy that says no',
      { error: 'AccessDeniedException', message: 'User: arn:aws:iam::111122223333:user/a is not authorized' },
      'not-authorized',
    ],
    ['throttling', { error: 'TooManyRequestsException' }, 'throttled'],
    [
      'a pool that is gone',
      { error: 'ResourceNotFoundException', message: 'IdentityPool not found.' },
      'pool-not-found',
    ],
    ['a failure inside', { error: 'InternalErrorException', status: 500 }, 'service-error'],
    [
      'a wrong signature',
      { error: 'InvalidSignatureException', message: `should have been ${SECRET}`, status: 403 },
      'not-authorized',
    ],
    ['a login page', { body: '<!DOCTYPE html>', type: 'text/html' }, 'malformed-response'],
    ['another pool', { body: JSON.stringify({ IdentityPoolId: 'eu-west-1:0' }) }, 'malformed-response'],
    ['an unknown type', { body: JSON.stringify(withMapping({ Type: 'Magic' })) }, 'malformed-response'],
    ['a connection that breaks', 'drop', 'unreachable'],
  ])('%s exits with 2 and the code in brackets', async (_what, fault, errorCode) => {
    identities.fail(fault)
    const { code, stdout, stderr } = await rolecast([...online, '--group', 'admins'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^rolecast: GetIdentityPoolRoles of identity pool `eu-central-1:7f0c1ab2-[^\n]+\n$/)
    expect(stderr.endsWith(` [${errorCode}]\n`), stderr).toBe(true)
  })

  test('no credentials anywhere', async () => {
    for (const name of ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']) vi.stubEnv(name, undefined)
    const { code, stderr } = await rolecast([...online, '--group', 'admins'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/ \[no-credentials\]\n$/)
    expect(identities.requests).toEqual([])
  })
})

describe('as a process', () => {
  let command: InstalledCommand
  beforeAll(async () => {
    command = await installCommand(folder)
  })

  const run = async (...given: Parameters<InstalledCommand['run']>) => checked(await command.run(...given))

  test('it does what it does here, with neither network nor credentials', async () => {
    const args = [
      'predict',
      '--pool-file',
      snapshot,
      '--identity-pool-file',
      await fileOf(withMapping(token('Deny'))),
      '--group',
      'admins',
    ]
    expect(await run(args)).toEqual(await rolecast(args))
  })

  test('it asks AWS', async () => {
    await using users = await startCognitoEndpoint({ userPoolId, groups: GROUPS })
    await using identities = await startIdentityPoolEndpoint({ [identityPoolId]: withMapping(token('Deny')) })
    const env = {
      ...CREDENTIALS,
      AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: users.url,
      AWS_ENDPOINT_URL_COGNITO_IDENTITY: identities.url,
    }
    const args = [
      'predict',
      '--user-pool-id',
      userPoolId,
      '--identity-pool-id',
      identityPoolId,
      '--group',
      'admins',
      '--json',
    ]
    const { code, stdout } = await run(args, { env })
    expect(code).toBe(0)
    expect(JSON.parse(stdout).selection).toMatchObject({ outcome: 'role', roleArn: role('Admin') })
  })

  test('a pool file may come through a pipe, and is read but once', async () => {
    const pool = await fileOf(withMapping(token('Deny')))
    const args = [
      'predict',
      '--pool-file',
      '/dev/stdin',
      '--identity-pool-file',
      pool,
      '--group',
      'admins',
      '--require-role',
    ]
    const fromPipe = { shell: `cat '${snapshot}' | "$@"` }
    expect((await run(args, fromPipe)).code).toBe(0)
    expect((await run([...args, '--user-pool-id', userPoolId], fromPipe)).code).toBe(0)
  })

  test('its help has an example with and without a network', async () => {
    const { stdout } = await rolecast(['predict', '--help'])
    expect(stdout).toMatch(/^ {2}\$ rolecast predict --user-pool-id \S+ --group admins --identity-pool-id \S+$/m)
    expect(stdout).toMatch(
      /^ {2}\$ aws cognito-identity get-identity-pool-roles --identity-pool-id \S+ > identity-pool\.json$/m,
    )
    expect(stdout).toMatch(
      /^ {2}\$ rolecast predict --pool-file pool\.json --identity-pool-file identity-pool\.json --group admins$/m,
    )
  })
})
