import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { readdirSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { startAccountEndpoint } from '../cognito/account-endpoint.js'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { ROLE_CHECKS, summaryOf, WHOLE } from '../report/audit-summaries.js'
import { auditJson } from '../../src/report/audit-text.js'
import { auditCsvMetadata } from '../../src/report/audit-csv-metadata.js'
import { createAuditLines } from '../../src/report/audit-lines.js'
import { failureText } from '../../src/cli/failure-text.js'
import { RolecastError } from '../../src/errors.js'
import { auditCommand } from './audit-command.js'
import { calibrationOf, USER_POOL_ID } from '../calibrations.js'
import { CREDENTIALS, stubCredentials } from './command.js'

const FOLDER = new URL('../../docs/schemas/', import.meta.url)
const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true })
addFormats.default(ajv)
const validators = new Map<string, ValidateFunction>(
  readdirSync(FOLDER).map(file => [
    file.replace('.schema.json', ''),
    ajv.compile(JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8'))),
  ]),
)

/** What a schema finds wrong in a text: of the whole, or of each of its lines. */
function faultsOf(name: string, output: string, unit: 'whole' | 'lines' = 'whole'): unknown[] {
  const values = unit === 'whole' ? [output] : output.split('\n').slice(0, -1)
  expect(values.length).toBeGreaterThan(0)
  return values.map(value => JSON.parse(value)).flatMap(value => faultsOfValue(name, value))
}

function faultsOfValue(name: string, value: unknown): unknown[] {
  const validate = validators.get(name)!
  return validate(value) ? [] : (validate.errors ?? [])
}

const userPoolId = 'eu-west-1_Ab12Cd34e'
const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const POOLS = [
  [],
  [
    { GroupName: 'admins', Precedence: 0, RoleArn: role('Admin'), UserPoolId: userPoolId },
    { GroupName: 'finance', Precedence: 5, RoleArn: role('Finance'), UserPoolId: userPoolId },
    { GroupName: 'hr', Precedence: 5, RoleArn: role('Hr'), UserPoolId: userPoolId },
    { GroupName: 'vip', Precedence: 5, UserPoolId: userPoolId },
    { GroupName: 'interns', RoleArn: role('Intern'), UserPoolId: userPoolId },
  ],
]
const USERS = [
  { username: 'anna', groups: ['admins'], sub: 'a-1', enabled: true, status: 'CONFIRMED' },
  { username: 'bert', groups: ['finance', 'hr'], enabled: false },
  { username: 'carl', groups: ['vip', 'hr'] },
  { username: '__proto__', groups: ['interns', 'ghost'] },
]
const MAPPINGS = {
  Token: { Type: 'Token', AmbiguousRoleResolution: 'Deny' },
  Rules: {
    Type: 'Rules',
    AmbiguousRoleResolution: 'AuthenticatedRole',
    RulesConfiguration: {
      Rules: [{ Claim: 'email', MatchType: 'Contains', Value: '@example.com', RoleARN: role('Staff') }],
    },
  },
}

let folder: string
let endpoint: CognitoEndpoint
const paths = { users: '', newUsers: '', roles: '', template: '' }
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-schemas-'))
  endpoint = await startCognitoEndpoint({ userPoolId })
  const lines = (users: readonly object[]) => users.map(user => `${JSON.stringify(user)}\n`).join('')
  paths.users = await file('users.ndjson', lines(USERS))
  paths.newUsers = await file('new-users.ndjson', lines([{ username: 'dora', groups: ['admins'] }, ...USERS.slice(1)]))
  paths.roles = await file('roles.json', JSON.stringify({ RoleDetailList: [], Policies: [], IsTruncated: false }))
  paths.template = await file(
    'template.json',
    JSON.stringify({
      Resources: Object.fromEntries(
        ['One', 'Two'].map(name => [
          name,
          {
            Type: 'AWS::Cognito::UserPoolGroup',
            Properties: { GroupName: name, Precedence: 1, RoleArn: role(name), UserPoolId: userPoolId },
          },
        ]),
      ),
    }),
  )
  for (const [index, Groups] of POOLS.entries()) await file(`pool-${index}.json`, JSON.stringify({ Groups }))
  for (const [type, mapping] of Object.entries(MAPPINGS))
    await file(
      `${type}.json`,
      JSON.stringify({
        IdentityPoolId: 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6',
        Roles: { authenticated: role('Authenticated') },
        RoleMappings: { [`cognito-idp.eu-west-1.amazonaws.com/${userPoolId}:client`]: mapping },
      }),
    )
})
beforeEach(() => stubCredentials(folder))
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(async () => {
  await endpoint.close()
  await rm(folder, { recursive: true })
})

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, content)
  return path
}

async function run(...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await auditCommand(args)
  expect({ code: code === 1 ? 0 : code, stderr: code === 2 ? stderr : '' }).toEqual({ code: 0, stderr: '' })
  return stdout
}

const of = (pool: number, users = paths.users) => [
  '--pool-file',
  join(folder, `pool-${pool}.json`),
  '--memberships',
  users,
]
const withPool = (pool: number) => [...of(pool), ...(pool === 0 ? ['--user-pool-id', userPoolId] : [])]
const identityPool = (type: string) => ['--identity-pool-file', join(folder, `${type}.json`)]
const audit = (pool: number, format: string, ...more: readonly string[]) =>
  run('audit', 'pool', ...withPool(pool), '--format', format, ...more)

describe('what a command prints has the form that its schema says', () => {
  const cases = [0, 1].flatMap(pool =>
    [[], ['Token'], ['Rules']].flatMap(types => [false, true].map(hasRoles => ({ pool, types, hasRoles }) as const)),
  )
  test.each(cases)('audit pool: %j', async ({ pool, types, hasRoles }) => {
    const more = [...types.flatMap(identityPool), ...(hasRoles ? ['--roles-file', paths.roles] : [])]
    expect(faultsOf('audit', await audit(pool, 'json', ...more))).toEqual([])
    expect(faultsOf('audit-line', await audit(pool, 'ndjson', ...more), 'lines')).toEqual([])
    const csv = join(folder, 'audit.csv')
    await audit(pool, 'csv', ...more, '--output', csv)
    expect(faultsOf('audit-csv-metadata', await readFile(`${csv}-metadata.json`, 'utf8'))).toEqual([])
  })

  test('audit pool with --finding', async () => {
    const output = await audit(1, 'ndjson', '--finding', 'undetermined')
    expect(faultsOf('audit-line', output, 'lines')).toEqual([])
    expect(output.split('\n')).toHaveLength(4)
  })

  test('audit pool of a live pool', async () => {
    endpoint.groups.clear()
    endpoint.users.clear()
    endpoint.groups.set('admins', { groupName: 'admins', precedence: 0, roleArn: role('Admin') })
    endpoint.users.set('anna', ['admins'])
    const live = ['--user-pool-id', userPoolId, '--endpoint-url', endpoint.url]
    for (const [name, format, unit] of [
      ['audit', 'json', 'whole'],
      ['audit-line', 'ndjson', 'lines'],
    ] as const)
      expect(faultsOf(name, await run('audit', 'pool', ...live, '--format', format), unit)).toEqual([])
    expect(faultsOf('snapshot', await run('snapshot', ...live))).toEqual([])
    const { stdout } = await auditCommand([
      'audit',
      'user',
      ...live,
      '--json',
      '--username',
      'anna',
      '--username',
      'nobody',
      ...identityPool('Token'),
    ])
    expect(faultsOf('audit-user', stdout)).toEqual([])
    expect(JSON.parse(stdout)).toHaveLength(2)
  })

  test('audit account', async () => {
    const provider = `cognito-idp.eu-west-1.amazonaws.com/${userPoolId}`
    const groups = [{ groupName: 'admins', precedence: 1, roleArn: role('Admin') }]
    const users = [{ username: 'anna', groups: ['admins'] }]
    await using accounts = await startAccountEndpoint({
      accounts: {
        '111122223333': {
          'eu-west-1': {
            userPools: [{ userPoolId, groups, users, name: 'shop' }],
            identityPools: {
              'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6': {
                providers: [{ ProviderName: provider, ClientId: 'web' }],
                roles: { Roles: {}, RoleMappings: { [`${provider}:web`]: MAPPINGS.Token } },
              },
            },
          },
          'ap-east-1': 'disabled',
        },
      },
      keys: { [CREDENTIALS.AWS_ACCESS_KEY_ID]: '111122223333' },
    })
    const args = ['audit', 'account', '--endpoint-url', accounts.url, '--region', 'eu-west-1', '--region', 'ap-east-1']
    // One of the Regions is not read, so the exit code is 2.
    const { stdout: json } = await auditCommand([...args, '--format', 'json'])
    expect(faultsOf('audit-account', json)).toEqual([])
    expect(JSON.parse(json).notRead).toHaveLength(1)
    const { stdout } = await auditCommand([...args, '--format', 'ndjson'])
    const lines = stdout.trimEnd().split('\n')
    expect(faultsOf('audit-account-line', `${lines.pop()}\n`)).toEqual([])
    expect(faultsOf('audit-line', `${lines.join('\n')}\n`, 'lines')).toEqual([])
    expect(lines).toHaveLength(3)
  })

  test('audit diff', async () => {
    const sides: string[] = []
    for (const [index, users] of [paths.users, paths.newUsers].entries()) {
      const args = ['audit', 'pool', ...of(1, users), ...identityPool('Token'), '--roles-file', paths.roles]
      sides.push(await file(`side-${index}.ndjson`, await run(...args, '--format', 'ndjson')))
    }
    expect(faultsOf('audit-diff', await run('audit', 'diff', ...sides, '--format', 'json'))).toEqual([])
    const lines = await run('audit', 'diff', ...sides, '--format', 'ndjson')
    expect(faultsOf('audit-diff-line', lines, 'lines')).toEqual([])
    expect(lines.split('\n').length).toBeGreaterThan(4)
  })

  test('impact', async () => {
    const change = ['impact', ...of(1), '--set', 'hr.precedence=6', '--set', 'admins.roleArn=none']
    expect(faultsOf('impact', await run(...change, '--format', 'json'))).toEqual([])
    expect(faultsOf('impact', await run('impact', ...of(1), '--format', 'json'))).toEqual([])
    expect(faultsOf('impact-line', await run(...change, '--format', 'ndjson'), 'lines')).toEqual([])
  })

  test.each([[['admins']], [['finance', 'hr']], [['vip', 'hr', 'ghost']], [['interns']]])(
    'predict %j',
    async groups => {
      const predict = [
        'predict',
        '--pool-file',
        join(folder, 'pool-1.json'),
        '--json',
        ...groups.flatMap(group => ['--group', group]),
      ]
      expect(faultsOf('predict', await run(...predict))).toEqual([])
      for (const type of ['Token', 'Rules'])
        expect(faultsOf('predict', await run(...predict, ...identityPool(type)))).toEqual([])
    },
  )

  test('with a calibration, which every output names', async () => {
    const calibration = [
      '--calibration',
      await file('calibration.json', JSON.stringify(calibrationOf('roles-compete'))),
    ]
    const calibrated = [...of(1), ...calibration]
    const change = [...calibrated, '--set', 'hr.precedence=6']
    const group = ['--pool-file', join(folder, 'pool-1.json'), '--group', 'vip', '--group', 'hr']
    const side = await file(
      'calibrated.ndjson',
      await run('audit', 'pool', ...calibrated, '--user-pool-id', userPoolId, '--format', 'ndjson'),
    )
    const csv = join(folder, 'calibrated.csv')
    await run('audit', 'pool', ...calibrated, '--format', 'csv', '--output', csv)
    const outputs: readonly (readonly [string, string, ('whole' | 'lines')?])[] = [
      ['audit', await run('audit', 'pool', ...calibrated, '--format', 'json')],
      ['audit-line', await readFile(side, 'utf8'), 'lines'],
      ['audit-csv-metadata', await readFile(`${csv}-metadata.json`, 'utf8')],
      ['impact', await run('impact', ...change, '--format', 'json')],
      ['impact-line', await run('impact', ...change, '--format', 'ndjson'), 'lines'],
      ['predict', await run('predict', ...group, ...calibration, '--json')],
      ['audit-diff', await run('audit', 'diff', side, side, ...calibration, '--format', 'json')],
      ['audit-diff-line', await run('audit', 'diff', side, side, ...calibration, '--format', 'ndjson'), 'lines'],
    ]
    for (const [name, output, unit] of outputs) {
      expect([name, faultsOf(name, output, unit)]).toEqual([name, []])
      expect(output).toContain(USER_POOL_ID)
    }
  })

  test('explain', async () => {
    expect(faultsOf('explain', await run('explain', '--json'))).toEqual([])
    const output = await run('explain', 'conflicting-roles', '--format', 'json')
    expect(faultsOf('explain', output)).toEqual([])
    expect(faultsOf('explain', output.replace('"known"', '"sure"'))).not.toEqual([])
  })

  test('validate', async () => {
    const output = await run('validate', paths.template, '--format', 'json')
    expect(faultsOf('validate', output)).toEqual([])
    expect(JSON.parse(output).findings).not.toEqual([])
  })
})

test('what stderr says where a command fails', () => {
  for (const error of [
    new RolecastError('invalid-argument', 'unknown rule `COG9`; list them', { value: 'COG9' }),
    new RolecastError('throttled', 'Cognito rejected the call; try again later'),
    new TypeError('x'),
  ]) {
    const line = failureText(error, { verbose: false, json: true })
    expect(faultsOf('error', line)).toEqual([])
    expect(faultsOf('error', line.replace('"message"', '"text"'))).not.toEqual([])
  }
})

describe('the schemas', () => {
  const whole = summaryOf(WHOLE)
  const head = { ...WHOLE, semantics: 'observed', groups: whole.groups, toolVersion: '1.2.3' } as const
  const lines = createAuditLines({ format: 'ndjson', head })
  const examples: readonly [string, string][] = [
    ['audit', auditJson(whole, { toolVersion: '1.2.3' })],
    ['audit-line', lines.head()],
    ['audit-line', lines.tail(whole)],
    ['audit-csv-metadata', auditCsvMetadata(whole, { file: 'a.csv', toolVersion: '1.2.3' })],
  ]

  test.each(examples)('%s takes an audit with all that there can be', (name, output) => {
    expect(ROLE_CHECKS.length).toBeGreaterThan(0)
    expect(faultsOf(name, output)).toEqual([])
  })

  test.each(examples)('control: %s rejects any of its keys when it is misspelt', (name, output) => {
    let keys = 0
    const value = JSON.parse(output)
    for (const parent of recordsIn(value)) {
      for (const key of Object.keys(parent)) {
        const misspelt = `${key}x`
        parent[misspelt] = parent[key]
        delete parent[key]
        expect([key, faultsOfValue(name, value).length > 0]).toEqual([key, true])
        parent[key] = parent[misspelt]
        delete parent[misspelt]
        keys++
      }
    }
    expect(keys).toBeGreaterThan(20)
  })

  test('control: a value of another kind is rejected', () => {
    const audit = JSON.parse(auditJson(whole, { toolVersion: '1.2.3' }))
    const rejects = (change: object) => faultsOfValue('audit', { ...audit, ...change }).length > 0
    expect(rejects({})).toBe(false)
    expect(rejects({ users: -1 })).toBe(true)
    expect(rejects({ users: '7' })).toBe(true)
    expect(rejects({ semantics: 'other' })).toBe(true)
    expect(rejects({ reading: { source: 'files', startedAt: 'yesterday' } })).toBe(true)
  })

  test('have a name each, and are in the package', () => {
    const { files } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect(files).toContain('docs')
    expect(validators.size).toBeGreaterThan(9)
  })
})

/** Every object in a value. */
function recordsIn(value: unknown): readonly Record<string, unknown>[] {
  if (typeof value !== 'object' || value === null) return []
  const inside = Object.values(value).flatMap(recordsIn)
  return Array.isArray(value) ? inside : [value as Record<string, unknown>, ...inside]
}
