import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { main } from '../../src/cli/main.js'
import { auditCommand } from './audit-command.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const trustPolicy = (audience: string) => ({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Federated: 'cognito-identity.amazonaws.com' },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': audience },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
      },
    },
  ],
})
const roleDetail = (name: string, audience: string, policy: string) => ({
  Path: '/',
  RoleName: name,
  RoleId: `AROA${name}`,
  Arn: role(name),
  AssumeRolePolicyDocument: trustPolicy(audience),
  RolePolicyList: [],
  AttachedManagedPolicies: [{ PolicyName: policy, PolicyArn: `arn:aws:iam::aws:policy/${policy}` }],
})

const USERS = [
  { username: 'anna', groups: ['admins'], enabled: true },
  { username: 'bert', groups: ['finance', 'hr'], enabled: true },
  { username: 'carl', groups: ['finance'], enabled: true },
  { username: 'dora', groups: ['finance', 'hr'], enabled: false },
  { username: 'emil', groups: ['hr', 'admins'], enabled: true },
]

let folder: string
let files: readonly string[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-findings-'))
  const groups = [
    ['admins', 0, 'Admin'],
    ['finance', 5, 'Finance'],
    ['hr', 5, 'Hr'],
  ] as const
  await save('pool.json', {
    Groups: groups.map(([GroupName, Precedence, name]) => ({
      GroupName,
      Precedence,
      RoleArn: role(name),
      UserPoolId: userPoolId,
    })),
  })
  await writeFile(join(folder, 'users.ndjson'), USERS.map(user => `${JSON.stringify(user)}\n`).join(''))
  await save('identity-pool.json', {
    IdentityPoolId: identityPoolId,
    Roles: {},
    RoleMappings: {
      [`cognito-idp.eu-west-1.amazonaws.com/${userPoolId}:client`]: { Type: 'Token', AmbiguousRoleResolution: 'Deny' },
    },
  })
  await save('roles.json', {
    RoleDetailList: [
      roleDetail('Admin', identityPoolId, 'AdministratorAccess'),
      roleDetail('Hr', 'eu-west-1:00000000-0000-4000-8000-000000000000', 'ReadOnlyAccess'),
    ],
    Policies: [],
    IsTruncated: false,
  })
  files = ['--pool-file', join(folder, 'pool.json'), '--memberships', join(folder, 'users.ndjson')]
})
afterAll(() => rm(folder, { recursive: true }))

const save = (name: string, content: unknown) => writeFile(join(folder, name), JSON.stringify(content))
const audit = (...args: readonly string[]) => auditCommand(['audit', 'pool', ...files, ...args])
const whole = () => [
  '--identity-pool-file',
  join(folder, 'identity-pool.json'),
  '--roles-file',
  join(folder, 'roles.json'),
]
const usersOf = (ndjson: string): readonly string[] =>
  ndjson
    .split('\n')
    .slice(0, -1)
    .flatMap(line => JSON.parse(line).username ?? [])

describe('the role at the end', () => {
  test('is in the summary, with what IAM says of it', async () => {
    const { code, stdout } = await audit('--format', 'json', ...whole())
    expect(code).toBe(0)
    const { credentials, roleChecks, findings } = JSON.parse(stdout)
    expect(credentials).toMatchObject({
      identityPoolId,
      mapping: 'Token',
      outcomes: { role: 3, denied: 1, undetermined: 0 },
      roles: [
        { roleArn: role('Admin'), users: 2 },
        { roleArn: role('Finance'), users: 1 },
      ],
    })
    const checks = roleChecks.map(({ roleArn, status, trust, privileges }: any) => [
      roleArn,
      status,
      trust?.trusted,
      privileges?.administrator,
    ])
    expect(checks).toEqual([
      [role('Admin'), 'exists', true, true],
      [role('Finance'), 'missing', undefined, undefined],
      [role('Hr'), 'exists', false, undefined],
    ])
    const counts = Object.fromEntries(
      findings.map(({ concern, count, affectedUsers }: any) => [concern, [count, affectedUsers]]),
    )
    expect(counts).toMatchObject({
      'conflicting-tie': [1, 1],
      'missing-role': [1, 1],
      'untrusted-role': [1, 0],
      'administrator-role': [1, 2],
      'no-credentials': [1, 1],
    })
  })

  test('is in the line of each user', async () => {
    const { stdout } = await audit('--format', 'ndjson', ...whole())
    const lines = stdout.split('\n').slice(1, 6)
    expect(lines.map(line => JSON.parse(line)).map(({ username, credentials }) => [username, credentials])).toEqual([
      ['anna', { outcome: 'role', rule: 'preferred-role', roleArn: role('Admin') }],
      ['bert', { outcome: 'denied', rule: 'ambiguous-denied' }],
      ['carl', { outcome: 'role', rule: 'preferred-role', roleArn: role('Finance') }],
      ['dora', { outcome: 'denied', rule: 'ambiguous-denied' }],
      ['emil', { outcome: 'role', rule: 'preferred-role', roleArn: role('Admin') }],
    ])
  })

  test('without either, the output says that nothing of it was looked at', async () => {
    const { stdout } = await audit()
    expect(stdout).toContain('identity pool  not asked about')
    expect(stdout).toContain('roles in IAM   not checked')
    expect(stdout).toContain('No identity pool was asked about')
  })
})

describe('--finding', () => {
  test.each([
    ['conflicting-tie', ['bert']],
    ['missing-role', ['carl']],
    ['administrator-role', ['anna', 'emil']],
    ['untrusted-role', []],
  ])('%s lists its users and no others, disabled ones neither', async (finding, expected) => {
    const { code, stdout } = await audit('--format', 'ndjson', '--finding', finding, ...whole())
    expect(code).toBe(0)
    expect(usersOf(stdout)).toEqual(expected)
    const [head, ...lines] = stdout.trimEnd().split('\n')
    expect(JSON.parse(head!).audit.onlyUsersOf).toEqual([finding])
    const { summary } = JSON.parse(lines.at(-1)!)
    expect(summary.users).toBe(5)
    expect(summary.findings.find(({ concern }: any) => concern === finding).affectedUsers).toBe(expected.length)
  })

  test('several list the users of any', async () => {
    const { stdout } = await audit(
      '--format',
      'ndjson',
      '--finding',
      'missing-role',
      '--finding',
      'conflicting-tie',
      ...whole(),
    )
    expect(usersOf(stdout)).toEqual(['bert', 'carl'])
  })

  test('in CSV too, and the file next to it says so', async () => {
    const place = await mkdtemp(join(folder, 'case-'))
    const output = join(place, 'users.csv')
    expect((await audit('--format', 'csv', '--finding', 'missing-role', ...whole(), '--output', output)).code).toBe(0)
    expect((await readFile(output, 'utf8')).split('\r\n').map(line => line.split(',')[0])).toEqual([
      'username',
      'carl',
      '',
    ])
    const [note] = JSON.parse(await readFile(`${output}-metadata.json`, 'utf8')).notes
    expect(note).toMatchObject({ onlyUsersOf: ['missing-role'], users: 5, disabled: 1 })
  })

  test.each<[string, readonly string[], string]>([
    ['a finding that is none', ['--format', 'ndjson', '--finding', 'missing-rol'], 'did you mean missing-role?'],
    ['a word that is like none', ['--format', 'ndjson', '--finding', 'x'], 'use one of conflicting-tie, undetermined,'],
    ['a format that lists no users', ['--finding', 'no-role'], 'give one of these formats'],
    ['a finding without users', ['--format', 'csv', '--finding', 'role-nobody-gets'], 'about roles without users'],
    [
      'a finding that is not looked for, because nothing looks at roles',
      ['--format', 'ndjson', '--finding', 'missing-role'],
      'is not looked for without --check-roles or --roles-file; give it too',
    ],
    [
      'a finding that is not looked for, because no identity pool is asked about',
      ['--format', 'ndjson', '--finding', 'no-credentials'],
      'is not looked for without --identity-pool-id or --identity-pool-file; give it too',
    ],
  ])('%s is rejected', async (_what, args, words) => {
    const { code, stdout, stderr } = await audit(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toContain(words)
    expect(stderr).toMatch(/ \[invalid-argument\]\n$/)
  })
})

describe('--fail-on', () => {
  test.each([
    ['error', 1],
    ['warning', 1],
    ['note', 1],
  ])('%s, with an error among the findings, is %d', async (severity, expected) => {
    const { code, stdout } = await audit('--fail-on', severity, '--format', 'json')
    expect(code).toBe(expected)
    expect(JSON.parse(stdout).findings[0]).toMatchObject({ severity: 'error' })
  })

  test('a severity that no finding reaches is 0', async () => {
    const memberships = join(folder, 'one.ndjson')
    await writeFile(memberships, `${JSON.stringify({ username: 'anna', groups: ['admins'] })}\n`)
    const args = ['audit', 'pool', '--pool-file', join(folder, 'pool.json'), '--memberships', memberships]
    for (const [severity, expected] of [
      ['error', 0],
      ['warning', 0],
      ['note', 1],
    ] as const)
      expect((await auditCommand([...args, '--fail-on', severity])).code).toBe(expected)
  })

  test('a role that was not checked fails as an error: it may be missing', async () => {
    const roles = join(folder, 'cut-off-roles.json')
    await writeFile(
      roles,
      JSON.stringify({
        RoleDetailList: [roleDetail('Admin', identityPoolId, 'ReadOnlyAccess')],
        Policies: [],
        IsTruncated: true,
        Marker: 'x',
      }),
    )
    const { code, stdout } = await audit('--roles-file', roles, '--format', 'json', '--fail-on', 'error')
    expect(code).toBe(1)
    expect(JSON.parse(stdout).findings).toContainEqual(
      expect.objectContaining({ concern: 'unchecked-role', severity: 'error' }),
    )
    const concerns = JSON.parse(stdout).findings.map(({ concern }: any) => concern)
    expect(concerns).toContain('unchecked-role')
    expect(concerns).not.toContain('missing-role')
  })

  test('without it no finding fails', async () => {
    expect((await audit()).code).toBe(0)
  })

  test('a reader of stdout that goes away leaves the check without its result', async () => {
    const gone = () =>
      new Writable({ write: (_text, _encoding, done) => done(Object.assign(new Error('gone'), { code: 'EPIPE' })) })
    const codeOf = async (...args: readonly string[]) => {
      const stderr = new Writable({ write: (_text, _encoding, done) => done() })
      const terminal = {
        stdin: process.stdin,
        stdout: gone(),
        stderr,
        flushed: async () => {},
        color: false,
        columns: undefined,
        isGithubLog: false,
        interrupted: () => new AbortController().signal,
      }
      return main(['audit', 'pool', ...files, ...args], terminal, '1.2.3')
    }
    expect(await codeOf('--fail-on', 'error')).toBe(2)
    expect(await codeOf()).toBe(0)
  })
})

describe('--read-at', () => {
  test('is when the files were read, in every format', async () => {
    const time = ['--read-at', '2026-11-29T10:00:00Z']
    expect((await audit(...time)).stdout).toContain('2026-11-29T10:00:00.000Z, as given with --read-at')
    expect(JSON.parse((await audit(...time, '--format', 'json')).stdout).reading).toMatchObject({
      startedAt: '2026-11-29T10:00:00.000Z',
      endedAt: '2026-11-29T10:00:00.000Z',
    })
    const [record] = (await audit(...time, '--format', 'ocsf')).stdout.split('\n')
    expect(JSON.parse(record!)).toMatchObject({ time: Date.parse('2026-11-29T10:00:00Z'), class_uid: 2003 })
  })

  test('without it, OCSF of files is rejected before they are read', async () => {
    const args = ['audit', 'pool', '--pool-file', '/nowhere', '--memberships', '/nowhere', '--format', 'ocsf']
    const { code, stderr } = await auditCommand(args)
    expect(code).toBe(2)
    expect(stderr).toContain('give --read-at TIME')
  })

  test.each(['yesterday', '2026-11-29', '2026-11-29T10:00:00', '2026-13-29T10:00:00Z', '2026-11-29T10:00:00+01:00'])(
    '%s is rejected',
    async time => {
      const { code, stderr } = await audit('--read-at', time)
      expect(code).toBe(2)
      expect(stderr).toContain('is not a time in UTC')
    },
  )

  test('in the future is rejected; a clock that is behind by hours is not', async () => {
    const at = (ms: number) => audit('--read-at', new Date(Date.now() + ms).toISOString())
    expect(await at(25 * 3_600_000)).toMatchObject({ code: 2, stderr: expect.stringContaining('is in the future') })
    expect((await at(23 * 3_600_000)).code).toBe(0)
  })

  test('of a live pool is rejected', async () => {
    const { code, stderr } = await auditCommand([
      'audit',
      'pool',
      '--user-pool-id',
      userPoolId,
      '--read-at',
      '2026-11-29T10:00:00Z',
    ])
    expect(code).toBe(2)
    expect(stderr).toContain('--read-at is for --pool-file')
  })
})

describe('what a CSV file cannot say', () => {
  const withAttributes = async (...args: readonly string[]) => {
    const path = join(await mkdtemp(join(folder, 'case-')), 'attributes.ndjson')
    const attributes = { email: 'a@example.com', name: 'Anna', phone_number: '1' }
    await writeFile(path, JSON.stringify({ username: 'anna', groups: ['admins'], attributes }))
    return auditCommand(['audit', 'pool', ...files.slice(0, 2), '--memberships', path, '--format', 'csv', ...args])
  }

  test('attributes without a column are told, on stderr and next to the file', async () => {
    const said =
      'Attributes of users are not in the CSV: `name` and `phone_number`; use --attributes to add columns for them'
    const { stdout, stderr } = await withAttributes('--attributes', 'email')
    expect(stdout).toMatch(/,attribute:email\r\n.*,a@example\.com\r\n$/)
    expect(stderr).toContain(`rolecast: ${said}\n`)
    const output = join(await mkdtemp(join(folder, 'case-')), 'users.csv')
    const filed = await withAttributes('--attributes', 'email', '--output', output)
    expect(filed).toEqual({ code: 0, stdout: '', stderr: `rolecast: ${said}\n` })
    const beside = await readFile(`${output}-metadata.json`, 'utf8')
    expect(JSON.parse(beside).notes[0].notLookedAt).toContain(`${said}.`)
    const all = await withAttributes('--attributes', 'email,name,phone_number')
    expect(all.stderr).not.toContain('Attributes of users')
  })

  test('a file in the place of the metadata is kept, unless it is the metadata of this CSV', async () => {
    const output = join(await mkdtemp(join(folder, 'case-')), 'users.csv')
    const beside = `${output}-metadata.json`
    const ofAnother = JSON.stringify({ '@context': 'http://www.w3.org/ns/csvw', url: 'other.csv' })
    for (const text of ['', 'mine', '{}', 'null', '[]', '"x"', ofAnother, JSON.stringify({ url: 'users.csv' })]) {
      await writeFile(beside, text)
      const { code, stderr } = await audit('--format', 'csv', '--output', output)
      expect([text, code]).toEqual([text, 2])
      expect(stderr).toContain('is not the metadata of this CSV')
      expect(await readFile(beside, 'utf8')).toBe(text)
    }
    await rm(beside)
    for (let times = 0; times < 2; times++) expect((await audit('--format', 'csv', '--output', output)).code).toBe(0)
  })

  test('is next to it, and an input in its place is rejected', async () => {
    const place = await mkdtemp(join(folder, 'case-'))
    const output = join(place, 'users.csv')
    expect(await audit('--format', 'csv', '--output', output)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(await readdir(place)).toEqual(['users.csv', 'users.csv-metadata.json'])
    const metadata = JSON.parse(await readFile(`${output}-metadata.json`, 'utf8'))
    expect(metadata).toMatchObject({ url: 'users.csv', 'dc:creator': expect.stringMatching(/^rolecast /) })
    const [header] = (await readFile(output, 'utf8')).split('\r\n')
    expect(metadata.tableSchema.columns.map(({ titles }: { titles: string }) => titles)).toEqual(header!.split(','))

    await symlink(join(folder, 'users.ndjson'), join(place, 'other.csv-metadata.json'))
    const { code, stderr } = await audit('--format', 'csv', '--output', join(place, 'other.csv'))
    expect(code).toBe(2)
    expect(stderr).toContain('is a file that this command reads or saves to')
  })

  test('on stdout is reported on stderr, once', async () => {
    const { code, stderr } = await audit('--format', 'csv')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^rolecast: CSV cannot say when the pool was read; [^\n]*\n$/)
    const written = await audit('--format', 'csv', '--output', '/dev/null')
    expect(written.stderr).toBe(stderr.replace('with --output FILE', 'if --output is a regular file'))
  })

  test('is the same for the same files', async () => {
    const place = await mkdtemp(join(folder, 'case-'))
    const texts: string[] = []
    for (const _ of [1, 2]) {
      await audit('--format', 'csv', '--output', join(place, 'users.csv'), ...whole())
      texts.push(await readFile(join(place, 'users.csv-metadata.json'), 'utf8'))
    }
    expect(texts[0]).toBe(texts[1])
  })
})
