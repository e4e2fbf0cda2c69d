import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { CognitoIdentityProvider } from '@aws-sdk/client-cognito-identity-provider'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  accessToken,
  createSigner,
  idToken,
  ISSUED_AT,
  role,
  type Signer,
  unsigned,
  userPoolId,
} from '../calibrate/tokens.js'
import { type FakeService, type FakeServiceOptions, startFakeService } from '../../src/testing/fake-service.js'
import { checked, inProcess, rolecast, stubCredentials } from './command.js'

const dated = (seconds: number) => new Date((ISSUED_AT + seconds) * 1_000).toISOString().replace('Z', '000+00:00')
/** After the token was issued. */
const READ_AT = (ISSUED_AT + 90) * 1_000
const GROUPS = [
  { GroupName: 'admins', UserPoolId: userPoolId, Precedence: 0, RoleArn: role('Admin'), LastModifiedDate: dated(-60) },
  {
    GroupName: 'editors',
    UserPoolId: userPoolId,
    Precedence: 5,
    RoleArn: role('Editor'),
    LastModifiedDate: dated(-60),
  },
  { GroupName: 'vip', UserPoolId: userPoolId, Precedence: 5, LastModifiedDate: ISSUED_AT - 60.5 },
  { GroupName: 'late', UserPoolId: userPoolId, Precedence: 9, RoleArn: role('Late'), LastModifiedDate: dated(60) },
]
const RIGHT = {
  'cognito:groups': ['admins'],
  'cognito:roles': [role('Admin')],
  'cognito:preferred_role': role('Admin'),
}
const WRONG = { ...RIGHT, 'cognito:preferred_role': undefined }
const OPEN = { 'cognito:groups': ['editors', 'vip'], 'cognito:roles': [role('Editor')] }
const LATE = { 'cognito:groups': ['late'] }

let folder: string
let signer: Signer
let pool: string
let jwks: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-verify-'))
  signer = await createSigner()
  pool = await fileOf('pool.json', JSON.stringify({ takenAt: READ_AT, Groups: GROUPS }))
  jwks = await fileOf('jwks.json', JSON.stringify({ keys: [signer.jwk] }))
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(() => rm(folder, { recursive: true }))

async function fileOf(name: string, content: string | Uint8Array): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

const files = () => ['--pool-file', pool, '--jwks', jwks]
/** No output has a part of the token in it, but for names of groups and ARNs of roles. */
async function run(args: readonly string[], stdin: string | Uint8Array = '') {
  const ended = await rolecast(['verify', ...args], stdin)
  expect(ended.stdout + ended.stderr).not.toMatch(/eyJ|secret|7f0c1ab2/)
  return ended
}
const verify = async (claims: object, ...args: readonly string[]) =>
  run(['--token', '-', ...files(), ...args], await signer.sign(claims))

describe('the exit code', () => {
  test.each<[string, object, number]>([
    ['0 where it matches', idToken(RIGHT), 0],
    ['0 where it settles a case', idToken(OPEN), 0],
    ['1 where it does not match', idToken(WRONG), 1],
    ['2 where it is inconclusive', idToken(LATE), 2],
    ['2 where nothing could be compared', accessToken({ 'cognito:groups': ['admins'] }), 2],
    [
      '2 where it is of another pool',
      idToken(RIGHT, { iss: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_B' }),
      2,
    ],
  ])('is %s', async (_, claims, code) => {
    const ended = await verify(claims)
    expect(ended.code).toBe(code)
    if (code === 2) expect(ended.stderr).toMatch(/^rolecast: [^\n]* \[(inconclusive|wrong-user-pool)\]\n$/)
    expect(ended.stdout === '').toBe(ended.stderr.includes('[wrong-user-pool]'))
  })
})

describe('text', () => {
  test('of a match', async () => {
    const { stdout } = await verify(idToken(RIGHT))
    expect(stdout).toBe(`Match: the token carries what is forecast for its groups.

Token
  ID token of user pool ${userPoolId}
  issued 2026-11-29T12:00:00.000Z, ${Date.now() < (ISSUED_AT + 3_600) * 1_000 ? 'expires' : 'expired'} 2026-11-29T13:00:00.000Z
  signature checked with the keys that were given
  semantics observed

Groups that the token names, highest rank first
> 0  admins  ${role('Admin')}

Forecast for these groups
  cognito:groups          admins
  cognito:roles           ${role('Admin')}
  cognito:preferred_role  ${role('Admin')}

Why
  \`admins\` ranks first among the groups with a role, so its role is preferred.
  lowest-precedence: observed in real tokens whose groups are known; see \`rolecast explain lowest-precedence\`

The token's roles against the forecast
  the same

The token's groups against the user's groups now
  not compared

Not looked at
  The groups that the user is in now: the groups were given without their members.
  Changes to the groups after they were read.
  Whether a pre token generation trigger ran: only what it leaves in the token was looked for.
  Whether the token was revoked.
`)
  })

  test('of a mismatch names the differences, and the reading that fits or the signs of a trigger', async () => {
    const { stdout } = await verify(idToken(WRONG))
    expect(stdout).toMatch(/^Mismatch: /)
    expect(stdout).toContain(`  cognito:preferred_role: forecast ${role('Admin')}; in the token none\n`)
    expect(stdout).toContain('\nNext\n  The token fits no reading of the rules.')
    const foreign = await verify(idToken({ ...RIGHT, 'cognito:roles': [role('Admin'), role('Root')] }))
    expect(foreign.stdout).toContain(`  ${role('Root')}: in cognito:roles of the token, and not forecast\n`)
    expect(foreign.stdout).toContain('\nSigns of a pre token generation trigger\n')
    expect(foreign.stdout).toContain(`  ${role('Root')}: a role in the token that no group of the user pool has\n`)
    expect(foreign.stdout).toContain('`applyGroupOverride`')
  })

  test('of a mismatch with groups whose time is not known says first that they may be older', async () => {
    const older = await fileOf('older.json', JSON.stringify({ Groups: GROUPS }))
    const of = async (claims: object) =>
      run(['--token', '-', '--pool-file', older, '--jwks', jwks], await signer.sign(idToken(claims)))
    const { code, stdout } = await of(WRONG)
    expect(code).toBe(1)
    expect(stdout).toContain('\nNext\n  The groups that were given may be older than the token')
    expect((await verify(idToken(WRONG))).stdout).not.toContain('may be older')
    const open = await of(OPEN)
    expect(open.code).toBe(2)
    expect(open.stderr).toMatch(/give --user-pool-id in place of --pool-file.* \[inconclusive\]$/m)
  })

  test('of a case that is settled names the option', async () => {
    const { stdout } = await verify(idToken(OPEN))
    expect(stdout).toContain(
      'Case 13 (`rolecast explain roleless-contender`) is tied-groups-agree in this user pool: use --semantics tied',
    )
    expect(stdout).toContain('rolecast calibrate')
    const { stdout: other } = await verify(idToken({ ...OPEN, 'cognito:preferred_role': role('Editor') }))
    expect(other).toContain('use --semantics roles-compete')
    expect(await verify(idToken(OPEN), '--semantics', 'tied-groups-agree')).toMatchObject({ code: 0 })
    expect(await verify(idToken(OPEN), '--semantics', 'roles-compete')).toMatchObject({ code: 1 })
  })

  test.each<[string, object, readonly string[], string]>([
    ['a group that changed', idToken(LATE), [], 'sign in again, and verify the new ID token'],
    [
      'a group that is gone',
      idToken({ 'cognito:groups': ['gone'] }),
      [],
      'sign in again, .*: if it names the group too, ',
    ],
    [
      'an access token and a file',
      accessToken(),
      [],
      'verify the ID token of the same sign-in; or give --user-pool-id ',
    ],
    ['no check of the signature', idToken(OPEN), ['--insecure'], 'leave out --insecure'],
  ])('of %s names the next step for it, on stderr too', async (_, claims, args, step) => {
    const keys = args.length === 0 ? ['--jwks', jwks] : args
    const { stdout, stderr } = await run(['--token', '-', '--pool-file', pool, ...keys], await signer.sign(claims))
    expect(stdout.slice(stdout.indexOf('\nNext\n'))).toMatch(new RegExp(`^  ${step}`, 'im'))
    expect(stderr).toMatch(
      new RegExp(`^rolecast: the token is inconclusive; ([^\\n]*; )?${step}[^\\n]* \\[inconclusive\\]\n$`),
    )
    expect(stdout.includes('ign in again')).toBe(step.startsWith('sign in'))
  })

  test('of an inconclusive token names the groups that are in doubt', async () => {
    const { stdout } = await verify(idToken(LATE))
    expect(stdout).toMatch(/\nNot conclusive, because\n {2}late: its last change is after the token was issued/)
  })

  test('without a check of the signature says so', async () => {
    const args = ['--token', '-', '--pool-file', pool, '--insecure']
    const { code, stdout } = await run(args, unsigned(idToken(RIGHT)))
    expect(code).toBe(0)
    expect(stdout).toContain('  signature NOT checked\n')
    expect(stdout).toContain('The signature was not checked: anyone could have written this token.')
  })

  test('cuts a long list, and no name moves the cursor', async () => {
    const names = Array.from({ length: 50 }, (_, index) => `g${index}\u001b[2J`)
    const { stdout } = await verify(idToken({ 'cognito:groups': names, 'cognito:roles': names }))
    expect(stdout).toContain('g0\\u{1b}[2J: ')
    expect(stdout).toContain('and 40 more: ')
    expect(stdout.length).toBeLessThan(10_000)
  })
})

describe('the token', () => {
  const token = async () => signer.sign(idToken(RIGHT))

  test('is read from stdin or a file, with white space, a JSON string or UTF-16 around it', async () => {
    const text = await token()
    for (const [index, input] of [
      text,
      `\n ${text}\r\n`,
      `"${text}"\n`,
      Buffer.from(`\ufeff${text}`, 'utf16le'),
    ].entries()) {
      expect(await run(['--token', '-', ...files()], input)).toMatchObject({ code: 0 })
      const path = await fileOf(`token-${index}.txt`, input)
      expect(await run(['--token', path, ...files()])).toMatchObject({ code: 0 })
    }
  })

  test.each([
    ['whole', (text: string) => ['--token', text]],
    ['whole, after an equals sign', (text: string) => [`--token=${text}`]],
    ['with a word before it', (text: string) => ['--token', `Bearer ${text}`]],
    ['in part', (text: string) => ['--token', text.slice(0, 40)]],
    ['as the value of a misspelt option', (text: string) => [`--tokens=${text}`]],
    ['as an argument', (text: string) => ['--token', '-', text]],
  ])('%s in the arguments is rejected, and not repeated', async (_, argsOf) => {
    const { code, stdout, stderr } = await run([...argsOf(await token()), ...files()])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).not.toBe('')
  })

  test('in the arguments: the reason is reported', async () => {
    const { stderr } = await run(['--token', await token(), ...files()])
    expect(stderr).toMatch(/--token was given the token itself, .* `-` for stdin \[invalid-argument\]\n$/)
  })

  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'invalid-input'],
    ['blanks', ' \n', 'invalid-input'],
    ['bytes that are no text', Buffer.from([0xc3, 0x28]), 'invalid-input'],
    ['something else', 'secret', 'invalid-token'],
    ['two tokens', 'eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.AA\neyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.AA', 'invalid-token'],
    ['a header alone', 'Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.AA', 'invalid-token'],
    ['what is too long', 'a'.repeat(5 * 2 ** 20), 'invalid-token'],
  ])('that is %s is an error', async (_, input, code) => {
    const { stderr, stdout } = await run(['--token', '-', ...files()], input)
    expect(stdout).toBe('')
    expect(stderr).toMatch(new RegExp(` \\[${code}\\]\n$`))
  })

  test('that cannot be read is an error, whose next step is the path', async () => {
    for (const path of [folder, join(folder, 'none.txt')])
      expect((await run(['--token', path, ...files()])).stderr).toMatch(
        /E(NOENT|ISDIR)\); check the path \[invalid-input\]\n$/,
      )
  })

  test.each([
    ['after a `Bearer`', async () => `Bearer ${await token()}`, /more than the token, such as the word `Bearer`/],
    [
      'in a header',
      async () => `authorization: Bearer ${await token()}`,
      /more than the token, such as the word `Bearer`/,
    ],
    ['without its signature', async () => (await token()).replace(/[^.]+$/, ''), /it is unsigned/],
    ['of algorithm none', () => unsigned(idToken(), { alg: 'none' }).replace(/[^.]+$/, ''), /it is unsigned/],
  ])('%s is told what is wrong with it', async (_, textOf, message) => {
    const { code, stderr } = await run(['--token', '-', ...files()], await textOf())
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
    expect(stderr).toMatch(/ \[invalid-token\]\n$/)
  })

  test('is waited for until Ctrl-C', async () => {
    const leaving = new AbortController()
    const stdin = new PassThrough()
    const input = { stdin, interrupted: leaving.signal }
    const ended = inProcess(['verify', '--token', '-', ...files()], input)
    setTimeout(() => leaving.abort(), 10)
    expect(checked(await ended)).toEqual({
      code: 2,
      stdout: '',
      stderr: 'rolecast: interrupted; run the command again [aborted]\n',
    })
    stdin.end()
  })
})

test('with a calibration, the forecast is the one that it shows, with its date and pool', async () => {
  const tokens = [
    { id: 'null', row: '3', groups: [{ groupName: 'a', precedence: null, roleArn: role('A') }] },
    {
      id: 'contender',
      row: '13',
      groups: [
        { groupName: 'a', precedence: 5, roleArn: role('A') },
        { groupName: 'b', precedence: 5, roleArn: null },
      ],
    },
  ].map(token => {
    const names = token.groups.map(({ groupName }) => groupName)
    const claims = { 'cognito:groups': names, 'cognito:roles': null, 'cognito:preferred_role': null }
    return { ...token, idToken: { ...claims, 'cognito:roles': [role('A')] }, accessToken: claims }
  })
  const calibration = { calibration: 1, date: '2026-11-28T12:00:00Z', userPoolId: 'eu-west-1_Scratch01', tokens }
  const path = await fileOf('calibration.json', JSON.stringify(calibration))
  const { code, stdout } = await verify(idToken(OPEN), '--calibration', path)
  expect(code).toBe(0)
  expect(stdout).toMatch(/^Match: /)
  expect(stdout).toContain(
    '  semantics tied-groups-agree, calibrated on 2026-11-28 against user pool eu-west-1_Scratch01\n',
  )
  expect(stdout).not.toContain('\nNext\n')

  const calibrated = 'the --calibration file (calibrated on 2026-11-28 against user pool eu-west-1_Scratch01)'
  const other = idToken({ ...OPEN, 'cognito:preferred_role': role('Editor') })
  const contradicted = await verify(other, '--calibration', path)
  expect(contradicted.stdout).toMatch(/^Mismatch: /)
  expect(contradicted.stdout).toContain(
    `  The token contradicts ${calibrated}: do not use the file for this user pool, and run`,
  )
  const unfit = await verify(idToken(WRONG), '--calibration', path)
  expect(unfit.stdout).toContain(`  Until you know why, do not use ${calibrated} for this user pool`)
  const triggered = await verify(idToken({ ...RIGHT, 'cognito:roles': [] }), '--calibration', path)
  expect(triggered.stdout).toContain(`  Until you know why, do not use ${calibrated}`)
  const forged = ['--token', '-', '--pool-file', pool, '--insecure', '--calibration', path]
  const unchecked = await run(forged, unsigned(other))
  expect(unchecked.stdout).toContain(
    `  Without a check of its signature, the token does not contradict ${calibrated}: leave out --insecure.`,
  )
  expect((await verify(other, '--semantics', 'tied-groups-agree')).stdout).not.toContain('calibration')
})

describe('the other files', () => {
  const right = async (...args: readonly string[]) => run(['--token', '-', ...args], await signer.sign(idToken(RIGHT)))

  test('a snapshot has no times, and that is reported', async () => {
    const snapshot = {
      version: 1,
      userPoolId,
      takenAt: 0,
      Groups: GROUPS.map(({ GroupName, Precedence, RoleArn }) => ({ GroupName, Precedence, RoleArn })),
    }
    const path = await fileOf('snapshot.json', JSON.stringify(snapshot))
    const { code, stdout } = await right('--pool-file', path, '--jwks', jwks)
    expect(code).toBe(0)
    expect(stdout).toContain(
      'Whether a group of the token changed after it was issued: the last change of `admins` is not known.',
    )
  })

  test('a pool file that does not say its pool needs --user-pool-id, and one of another pool is rejected', async () => {
    const path = await fileOf(
      'anonymous.json',
      JSON.stringify({ Groups: [{ GroupName: 'admins', Precedence: 0, RoleArn: role('Admin') }] }),
    )
    const args = ['--pool-file', path, '--jwks', jwks]
    expect((await right(...args)).stderr).toMatch(
      /does not say which user pool it is of; give --user-pool-id ID too \[inv/,
    )
    expect(await right(...args, '--user-pool-id', userPoolId)).toMatchObject({ code: 0 })
    expect((await right(...files(), '--user-pool-id', 'eu-west-1_Other')).stderr).toMatch(
      /belongs to user pool `eu-west-1_Ab12Cd34e`, not/,
    )
  })

  test('an id that no user pool has is malformed, and not the one of another pool', async () => {
    for (const id of ['garbage', 'eu-west-1_Ab-12', 'eu-west-1_']) {
      const { code, stderr } = await right('--user-pool-id', id)
      expect(code).toBe(2)
      expect(stderr).toMatch(/ is not a user pool ID; .* \[invalid-user-pool-id\]\n$/)
    }
  })

  test('no pool at all is an error', async () => {
    expect((await right()).stderr).toMatch(/^rolecast: no user pool to verify against; .* \[invalid-argument\]\n$/)
  })

  test.each<[string, () => Promise<string>]>([
    ['are no JSON', async () => fileOf('keys.txt', await signer.sign(idToken()))],
    ['are not there', async () => join(folder, 'none.json')],
    ['are something else', async () => fileOf('keys.json', '{"secret":"secret"}')],
  ])('keys that %s are an error', async (_, path) => {
    const { code, stderr } = await right('--pool-file', pool, '--jwks', await path())
    expect(code).toBe(2)
    expect(stderr).toMatch(/ \[invalid-input\]\n$/)
  })

  test.each([
    ['--jwks', 'x', '--insecure'],
    ['--pool-file', 'x', '--region', 'eu-west-1'],
    ['--pool-file', 'x', '--profile', 'p'],
    ['--semantics', 'documented', '--calibration', 'x'],
  ])('%s %s cannot be combined with %s', async (...args) => {
    expect(await right('--user-pool-id', userPoolId, ...args)).toMatchObject({ code: 2, stdout: '' })
  })
})

test('--json has the same, and nothing of the user', async () => {
  const { code, stdout } = await verify(idToken(OPEN), '--json')
  expect(code).toBe(0)
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: 'settles',
    settles: { row: '13', semantics: 'tied-groups-agree' },
    userPoolId,
    token: { use: 'id', issuedAt: '2026-11-29T12:00:00.000Z' },
    signature: { isChecked: true },
    memberships: { status: 'not-compared' },
    roles: { status: 'undetermined', preferredRole: 'undetermined' },
    forecast: { outcome: 'undetermined', candidateRole: role('Editor') },
    doubts: [],
    triggerSigns: [],
  })
})

test('--json has the form that its schema says, whatever is found', async () => {
  const schema = JSON.parse(await readFile(new URL('../../docs/schemas/verify.schema.json', import.meta.url), 'utf8'))
  const validate = new Ajv2020({ allErrors: true, allowUnionTypes: true }).compile(schema)
  const tokens = [RIGHT, WRONG, OPEN, LATE, { 'cognito:roles': [], 'cognito:groups': ['gone'] }, {}].map(one =>
    idToken(one),
  )
  for (const claims of [...tokens, accessToken(RIGHT), accessToken()]) {
    const value = JSON.parse((await verify(claims, '--json')).stdout)
    expect([validate(value), validate.errors]).toEqual([true, null])
    expect(validate({ ...value, other: 1 })).toBe(false)
    expect(validate({ ...value, verdict: 'other' })).toBe(false)
  }
})

test('the help says what it needs, and what the exit codes are', async () => {
  const { code, stdout } = await rolecast(['verify', '--help'])
  expect(code).toBe(0)
  expect(stdout).toContain('cognito-idp:AdminListGroupsForUser')
  expect(stdout).toContain('2 it is inconclusive, or could not be verified')
})

describe('tokens of sign-ins', () => {
  const PASSWORD = 'Secret-secret-1'
  let now = Date.now()

  /** A user pool with the groups and one user in it, a minute ago, and what the user's sign-in gives now. */
  async function signedIn(service: FakeService, memberships: readonly string[]) {
    now = Date.now() - 60_000
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    const client = new CognitoIdentityProvider({ endpoint: service.url, region: service.region, credentials })
    const { UserPool } = await client.createUserPool({ PoolName: 'verify' })
    const UserPoolId = UserPool!.Id!
    for (const { GroupName, Precedence, RoleArn } of GROUPS)
      await client.createGroup({ UserPoolId, GroupName, Precedence, RoleArn })
    const Username = 'secret-alice'
    await client.adminCreateUser({ UserPoolId, Username })
    await client.adminSetUserPassword({ UserPoolId, Username, Password: PASSWORD, Permanent: true })
    for (const GroupName of memberships) await client.adminAddUserToGroup({ UserPoolId, Username, GroupName })
    const flows = ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'] as const
    const app = { UserPoolId, ClientName: 'verify', ExplicitAuthFlows: [...flows] }
    const { UserPoolClient } = await client.createUserPoolClient(app)
    now = Date.now()
    const { AuthenticationResult: tokens } = await client.adminInitiateAuth({
      UserPoolId,
      ClientId: UserPoolClient!.ClientId!,
      AuthFlow: 'ADMIN_USER_PASSWORD_AUTH',
      AuthParameters: { USERNAME: Username, PASSWORD },
    })
    return { client, UserPoolId, Username, tokens: tokens! }
  }
  const startService = (options: Omit<FakeServiceOptions, 'clock'>) =>
    startFakeService({ clock: () => now, ...options })
  const live = (service: FakeService, userPoolId: string) => [
    '--token',
    '-',
    '--user-pool-id',
    userPoolId,
    '--endpoint-url',
    service.url,
  ]
  beforeEach(() => stubCredentials(folder))

  test.each(['roles-compete', 'tied-groups-agree'] as const)(
    'of a pool that follows %s: they settle it',
    async semantics => {
      await using service = await startService({ semantics })
      const { UserPoolId, tokens } = await signedIn(service, ['editors', 'vip'])
      service.requests.length = 0
      const { code, stdout } = await run(live(service, UserPoolId), tokens.IdToken)
      expect(code).toBe(0)
      expect(stdout).toContain(`Case 13 is ${semantics} at this endpoint. That says nothing about Cognito`)
      expect(service.requests).toMatchObject([{ operation: 'AdminListGroupsForUser' }])
      expect(await run([...live(service, UserPoolId), '--semantics', semantics], tokens.IdToken)).toMatchObject({
        code: 0,
      })
    },
  )

  test('match, ID and access token, and with the issuer of Cognito too', async () => {
    for (const issuer of ['fake', 'aws'] as const) {
      await using service = await startService({ issuer })
      const { UserPoolId, tokens } = await signedIn(service, ['admins', 'editors'])
      const { code, stdout } = await run(live(service, UserPoolId), tokens.IdToken)
      expect(code).toBe(0)
      expect(stdout).toContain(
        `signature checked with the keys at ${service.url}/${UserPoolId}/.well-known/jwks.json\n`,
      )
      expect(stdout).toContain("The token's groups against the user's groups now\n  the same\n")
      expect(await run(live(service, UserPoolId), tokens.AccessToken)).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(
          /^Match: the groups are those that the user is in now. An access token carries no/,
        ),
      })
      expect(await run(live(service, UserPoolId), tokens.RefreshToken)).toMatchObject({ code: 2, stdout: '' })
    }
  })

  test('of a service that deviates do not', async () => {
    await using service = await startService({
      claims: groups => ({
        'cognito:groups': groups.map(({ groupName }) => groupName),
        'cognito:roles': [role('Admin')],
      }),
    })
    const { UserPoolId, tokens } = await signedIn(service, ['admins'])
    const { code, stdout } = await run(live(service, UserPoolId), tokens.IdToken)
    expect(code).toBe(1)
    expect(stdout).toContain(`forecast ${role('Admin')}; in the token none`)
  })

  test('are inconclusive after a change of a group, of the memberships, or of both', async () => {
    await using service = await startService({})
    const { client, UserPoolId, Username, tokens } = await signedIn(service, ['admins'])
    now += 10_000
    await client.adminAddUserToGroup({ UserPoolId, Username, GroupName: 'vip' })
    const joined = await run(live(service, UserPoolId), tokens.IdToken)
    expect(joined).toMatchObject({ code: 2, stderr: expect.stringContaining('[inconclusive]') })
    expect(joined.stdout).toContain('  vip: the user is in it now, and the token does not name it\n')
    await client.updateGroup({ UserPoolId, GroupName: 'admins', Precedence: 7, RoleArn: role('Admin') })
    expect((await run(live(service, UserPoolId), tokens.IdToken)).stdout).toContain(
      '  admins: its last change is after',
    )
    await client.deleteGroup({ UserPoolId, GroupName: 'admins' })
    expect((await run(live(service, UserPoolId), tokens.IdToken)).stdout).toContain(
      '  admins: the user pool does not have',
    )
  })

  test('of another pool at the same endpoint are rejected, by either of the ids', async () => {
    await using service = await startService({})
    const [one, two] = [await signedIn(service, []), await signedIn(service, [])]
    const { code, stderr } = await run(live(service, one.UserPoolId), two.tokens.IdToken)
    expect(code).toBe(2)
    expect(stderr).toContain(`issued by user pool \`${two.UserPoolId}\` and not by \`${one.UserPoolId}\``)
    expect(stderr).toMatch(/ \[wrong-user-pool\]\n$/)
  })

  test.each<[string, (url: string) => Promise<Readonly<Record<string, string>>>]>([
    ['AWS_ENDPOINT_URL', async url => ({ AWS_ENDPOINT_URL: url })],
    ['AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER', async url => ({ AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: url })],
    [
      'the `endpoint_url` of a profile',
      async url => ({ AWS_CONFIG_FILE: await fileOf('config', `[default]\nendpoint_url = ${url}\n`) }),
    ],
  ])(
    'of an endpoint that %s names are rejected before anything is asked, because they settle nothing',
    async (_, env) => {
      await using service = await startService({ issuer: 'aws', semantics: 'roles-compete' })
      const { UserPoolId, tokens } = await signedIn(service, ['editors', 'vip'])
      const response = await fetch(`${service.url}/${UserPoolId}/.well-known/jwks.json`)
      const keys = await fileOf('fake-keys.json', await response.text())
      stubCredentials(folder, await env(service.url))
      service.requests.length = 0
      const args = ['--token', '-', '--user-pool-id', UserPoolId, '--jwks', keys]
      const { code, stdout, stderr } = await run(args, tokens.IdToken)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain(`\`${service.url}\`, which is not AWS's`)
      expect(stderr).toMatch(/ \[invalid-option\]\n$/)
      expect(service.requests).toEqual([])

      const given = await run([...args, '--endpoint-url', service.url], tokens.IdToken)
      expect(given.code).toBe(0)
      expect(given.stdout).toContain("which is not Cognito's own endpoint")
      expect(given.stdout).not.toContain('use --semantics')
    },
  )

  test('of an endpoint that does not answer are an error', async () => {
    const args = ['--token', '-', '--user-pool-id', userPoolId, '--endpoint-url', 'http://127.0.0.1:9']
    const { code, stderr } = await run(args, await signer.sign(idToken(RIGHT)))
    expect(code).toBe(2)
    expect(stderr).toMatch(/^rolecast: reading the keys at .* \[unreachable\]\n$/)
  })
})
