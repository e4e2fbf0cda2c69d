import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { DuckDBInstance } from '@duckdb/node-api'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { resolveRoles } from '../../src/claims/resolve.js'
import { estimateRead } from '../../src/cognito/memberships/estimate.js'
import { REQUESTS_PER_SECOND } from '../../src/quotas.js'
import { linesOf } from '../authorizer/run-example.js'
import { copyPackage } from '../build-package.js'
import { type CognitoEndpoint, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'

const examples = fileURLToPath(new URL('../../docs/examples/scale', import.meta.url))
const schemas = fileURLToPath(new URL('../fixtures/schemas/states-language', import.meta.url))
const read = async (path: string) => JSON.parse(await readFile(path, 'utf8')) as unknown

// ------------------------------------------------------------------ the definition

interface State {
  Type: string
  Next?: string
  End?: boolean
  QueryLanguage?: string
  Catch?: { Next: string }[]
  ItemProcessor?: Machine
  Parameters?: {
    Overrides: { ContainerOverrides: { Command: string[]; Environment: Record<string, string>[] }[] }
  }
}

interface Machine {
  StartAt: string
  ProcessorConfig?: { Mode: string }
  States: Record<string, State>
}

const definition = async () => (await read(join(examples, 'state-machine.asl.json'))) as Machine

function machinesOf(machine: Machine): readonly Machine[] {
  const inner = Object.values(machine.States).flatMap(({ ItemProcessor }) => ItemProcessor ?? [])
  return [machine, ...inner.flatMap(machinesOf)]
}

/** What is wrong with a definition, by the schema, and by where its states lead. */
async function faultsOf(machine: Machine): Promise<readonly string[]> {
  // The schema tells the two query languages apart by it; left out, it is JSONPath.
  for (const { States } of machinesOf(machine))
    for (const state of Object.values(States)) state.QueryLanguage ??= 'JSONPath'
  const files = (await readdir(schemas)).filter(file => file.endsWith('.json'))
  const ajv = new Ajv({
    schemas: (await Promise.all(files.map(file => read(join(schemas, file))))) as object[],
    strict: false,
    formats: {
      asl_arn: /^arn:aws:(?:states|lambda):/,
      asl_path: /^\$/,
      asl_ref_path: /^\$\.[\w.]+$/,
      asl_result_path: /^\$(?:\.[\w.]+)?$/,
      asl_payload_template: /^(?:\$\$?\.[\w.]+|States\.\w+\(.+\))$/,
      jsonata_string: /^\{%.*%\}$/,
      maybe_jsonata_string: true,
    },
  })
  addFormats.default(ajv)
  const validate = ajv.getSchema('http://asl-validator.cloud/state-machine.json#')!
  if (!validate(machine))
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
  return machinesOf(machine).flatMap(({ StartAt, States }) => {
    const targets = [
      StartAt,
      ...Object.values(States).flatMap(({ Next, Catch = [] }) => [Next, ...Catch.map(one => one.Next)]),
    ]
    const lost = targets.filter(target => target !== undefined && !(target in States))
    const open = Object.keys(States).filter(name => States[name]!.Next === undefined && States[name]!.End !== true)
    return [...lost.map(target => `no state ${target}`), ...open.map(name => `${name} does not end`)]
  })
}

describe('the state machine', () => {
  test('is one by the schema of the States Language, and each state leads to one that is there', async () => {
    expect(await faultsOf(await definition())).toEqual([])
  })

  test.each<readonly [string, (machine: Machine) => void]>([
    ['a state that leads nowhere', ({ States }) => void (States['AuditRegions']!.Next = 'Nowhere')],
    ['a state that neither leads on nor ends', ({ States }) => delete States['ResolveRoles']!.End],
    ['an unknown type', ({ States }) => void (States['ResolveRoles']!.Type = 'Job')],
    [
      'a map of an unknown mode',
      ({ States }) => void (States['AuditRegions']!.ItemProcessor!.ProcessorConfig!.Mode = 'PARALLEL'),
    ],
    [
      'an expression that is none',
      ({ States }) =>
        void States['ResolveRoles']!.Parameters!.Overrides.ContainerOverrides[0]!.Environment.push({
          'Value.$': 'DATA',
        }),
    ],
  ])('control: %s is found', async (_, spoil) => {
    const machine = await definition()
    spoil(machine)
    expect(await faultsOf(machine)).not.toEqual([])
  })
})

// ------------------------------------------------------------------ what it runs

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`
const GROUPS = [
  { groupName: 'admins', precedence: 0, roleArn: role('Admin') },
  { groupName: 'vip', precedence: 0 },
  { groupName: 'editors', precedence: 5, roleArn: role('Editor') },
  { groupName: 'billing', precedence: 5, roleArn: role('Billing') },
  { groupName: 'o\'brien,"ü"', roleArn: role('Null') },
]
const usersOf = (count: number) =>
  Array.from({ length: count }, (_, user) => ({
    username: `user-${user} 'ü"`,
    groups: GROUPS.filter((_group, group) => (user >> group) % 2 === 1).map(({ groupName }) => groupName),
  }))
const POOLS = ['eu-west-1_Ab12Cd34e', 'us-east-1_Ef56Gh78i']
const MISSING = 'us-east-1_NotThere1'
const REGIONS = [
  { region: 'eu-west-1', pools: [{ userPoolId: POOLS[0] }] },
  { region: 'us-east-1', pools: [{ userPoolId: POOLS[1] }, { userPoolId: MISSING }] },
]

let folder: string
let app: string
let data: string
let endpoints: readonly CognitoEndpoint[]
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-scale-'))
  app = join(folder, 'app')
  data = join(folder, "it's data")
  await copyPackage(app)
  for (const file of ['audit-pool.sh', 'resolve-roles.mjs']) await copyFile(join(examples, file), join(app, file))
  await mkdir(join(folder, 'bin'))
  const bin = `#!/bin/sh\nexec '${process.execPath}' '${join(app, 'dist/cli/bin.js')}' "$@"\n`
  await writeFile(join(folder, 'bin', 'rolecast'), bin, { mode: 0o755 })
  endpoints = await Promise.all(
    POOLS.map((userPoolId, index) =>
      startCognitoEndpoint({ userPoolId, groups: GROUPS, users: usersOf(150 - index * 100) }),
    ),
  )
})
afterAll(async () => {
  await Promise.all(endpoints.map(endpoint => endpoint.close()))
  await rm(folder, { recursive: true })
})

/** Runs a task as the state machine says, with the values that its expressions have. */
async function runTask(name: 'AuditPool' | 'ResolveRoles', values: Readonly<Record<string, string>>, url = '') {
  const states = Object.assign({}, ...machinesOf(await definition()).map(({ States }) => States)) as Machine['States']
  const { Command, Environment } = states[name]!.Parameters!.Overrides.ContainerOverrides[0]!
  const env = Object.fromEntries(
    Environment.map(variable => {
      const value = values[variable['Value.$']!]
      if (value === undefined) throw new Error(`no value for ${variable['Value.$']}`)
      return [variable['Name']!, value]
    }),
  )
  const [file, ...args] = Command.map(word => word.replace(/^\/app\//, `${app}/`))
  const child = spawn(file!, args, {
    cwd: app,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...env,
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
      HOME: folder,
      AWS_ACCESS_KEY_ID: 'AKIAEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'example',
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_MAX_ATTEMPTS: '1',
      ...(url !== '' && { AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER: url }),
    },
  })
  const [stdout, stderr, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code: code as number, stdout, stderr }
}

const auditPool = (index: number) =>
  runTask(
    'AuditPool',
    {
      '$.userPoolId': POOLS[index]!,
      '$.region': REGIONS[index]!.region,
      "States.Format('/data/{}', $.run)": data,
    },
    endpoints[index]!.url,
  )
const resolveAll = (regions: unknown = REGIONS) =>
  runTask('ResolveRoles', {
    "States.Format('/data/{}', $$.Execution.Name)": data,
    'States.JsonToString($.regions)': JSON.stringify(regions),
  })

const auditOf = (pool: string) => join(data, 'audits', `${pool}.ndjson`)

async function parquet(table: string): Promise<readonly Record<string, unknown>[]> {
  const duckdb = await (await DuckDBInstance.create()).connect()
  const path = join(data, `${table}.parquet`).replaceAll("'", "''")
  const rows = (await duckdb.runAndReadAll(`select * from '${path}'`)).getRowObjectsJson()
  duckdb.closeSync()
  return rows as readonly Record<string, unknown>[]
}

describe('its tasks', () => {
  test('a task that is started again reads on from the checkpoint, and its audit is whole', async () => {
    const [endpoint] = endpoints as [CognitoEndpoint]
    const undo = endpoint.fail({ status: 400, error: 'NotAuthorizedException' }, { operation: 'ListUsers', after: 1 })
    expect(await auditPool(0)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not-authorized') as unknown,
    })
    undo()
    const pagesRead = endpoint.requests.filter(({ operation }) => operation === 'ListUsers').length
    endpoint.requests.length = 0
    expect(await auditPool(0)).toMatchObject({ code: 0 })
    const again = endpoint.requests.filter(
      ({ operation, nextToken }) => operation === 'ListUsers' && nextToken === undefined,
    )
    expect(pagesRead).toBeGreaterThan(0)
    expect(again, 'its first page is not read again').toEqual([])
    expect(await auditPool(1)).toMatchObject({ code: 0 })
  })

  test('a pool that is missing makes the last task fail, which says so, and the others are in the tables', async () => {
    const { code, stdout, stderr } = await resolveAll()
    expect(stderr).toBe(`${MISSING}: its audit is missing or not whole; it is in no table\n`)
    expect(code).toBe(2)
    const counted = JSON.parse(stdout) as { outcome: string; users: number }[]
    expect(counted.reduce((sum, { users }) => sum + users, 0)).toBe(200)
    expect(counted.map(({ outcome }) => outcome)).toEqual(['ambiguous', 'none', 'resolved', 'undetermined'])
  })

  test('the query over the tables answers what the audits say of each user', async () => {
    expect((await resolveAll([REGIONS[0], { region: 'us-east-1', pools: [{ userPoolId: POOLS[1] }] }])).code).toBe(0)
    const expected = new Map<string, unknown>()
    for (const pool of POOLS) {
      for (const line of (await readFile(auditOf(pool), 'utf8')).trim().split('\n')) {
        const user = JSON.parse(line) as Record<string, string>
        if (user['username'] === undefined) continue
        const { username, rule, outcome, evidence, preferredRole = null, candidateRole = null } = user
        expected.set(`${pool} ${username}`, [rule, outcome, evidence, preferredRole, candidateRole, 0, 0])
      }
    }
    expect(expected.size).toBe(200)
    const rows = await parquet('roles')
    const found = rows.map(row => [
      `${row['user_pool_id'] as string} ${row['username'] as string}`,
      [row['rule'], row['outcome'], row['evidence'], row['preferred_role'], row['candidate_role']].concat(
        Number(row['unknown_groups']),
        Number(row['invalid_groups']),
      ),
    ])
    expect(found).toHaveLength(200)
    expect(new Map(found as [string, unknown][])).toEqual(expected)
    expect(await parquet('users')).toHaveLength(200)
    expect(await parquet('groups')).toHaveLength(GROUPS.length * 2)
  })

  test.each<readonly [string, (lines: string[]) => string[]]>([
    ['is cut off', lines => lines.slice(0, -1)],
    ['lacks a user', lines => lines.toSpliced(1, 1)],
    ['is of another pool', lines => lines.map(line => line.replaceAll(POOLS[1]!, POOLS[0]!))],
    [
      'is of some users only',
      lines => [lines[0]!.replace('"groups":', '"onlyUsersOf":["no-role"],"groups":'), ...lines.slice(1)],
    ],
  ])('an audit that %s is in no table', async (_, spoil) => {
    const path = auditOf(POOLS[1]!)
    const whole = await readFile(path, 'utf8')
    const spoilt = spoil(whole.trimEnd().split('\n')).join('\n')
    expect(spoilt).not.toBe(whole.trimEnd())
    await writeFile(path, `${spoilt}\n`)
    const { code, stderr } = await resolveAll()
    await writeFile(path, whole)
    expect(code).toBe(2)
    expect(stderr).toContain(`${POOLS[1]}: its audit is missing or not whole`)
    expect(new Set((await parquet('users')).map(user => user['user_pool_id']))).toEqual(new Set([POOLS[0]]))
  })
})

// ------------------------------------------------------------------ the pages

describe('docs/scale.md', () => {
  const hours = (seconds: number) => (seconds / 3600).toFixed(1)
  const days = (seconds: number) => (seconds / 86_400).toFixed(1)

  test('has the times that the estimate gives at the quotas of AWS', async () => {
    const page = await readFile(join(examples, '../../scale.md'), 'utf8')
    const rows = [...page.matchAll(/^\| (\d+) \| ([\d.]+) hours \| ([\d.]+) days \|$/gm)]
    expect(rows).toHaveLength(3)
    for (const [, membershipsPerUser, perGroup, perUser] of rows) {
      const estimate = estimateRead({
        users: 40_000_000,
        groups: 500,
        membershipsPerUser: Number(membershipsPerUser),
        rates: { ...REQUESTS_PER_SECOND, ListGroups: REQUESTS_PER_SECOND.GetGroup },
      })
      expect([perGroup, perUser]).toEqual([hours(estimate.perGroup.seconds), days(estimate.perUser.seconds)])
    }
  })
})

describe('docs/sql.md', () => {
  test('its program answers what resolveRoles answers', async () => {
    const page = await readFile(join(examples, '../../sql.md'), 'utf8')
    const [program] = [...page.matchAll(/^```js\n([\s\S]*?)^```$/gm)].map(match => match[1]!)
    await writeFile(join(app, 'roles.mjs'), program!)
    const users = [...usersOf(40), { username: '007', groups: ['admins', 'gone', 'admins'] }]
    const Groups = GROUPS.map(({ groupName, precedence, roleArn }) => ({
      GroupName: groupName,
      Precedence: precedence,
      RoleArn: roleArn,
    }))
    await writeFile(join(app, 'pool.json'), JSON.stringify({ Groups }))
    const field = (value: string) => `"${value.replaceAll('"', '""')}"`
    const lines = users.flatMap(({ username, groups }) => groups.map(name => `${field(username)},${field(name)}`))
    await writeFile(join(app, 'members.csv'), `username,group_name\n${lines.join('\n')}\n`)

    const { stdout, stderr } = await promisify(execFile)(process.execPath, ['roles.mjs'], { cwd: app })
    expect(stderr).toBe('')
    const counted = linesOf(stdout) as { users: number; users_in_unknown_groups: number }[]
    const inGroups = users.filter(({ groups }) => groups.length > 0)
    expect(counted.reduce((sum, row) => sum + row.users, 0)).toBe(inGroups.length)
    expect(counted.reduce((sum, row) => sum + row.users_in_unknown_groups, 0)).toBe(1)

    const duckdb = await (await DuckDBInstance.create()).connect()
    const rows = await duckdb.runAndReadAll(`select username, rule, outcome, evidence, preferred_role, candidate_role
      from '${join(app, 'roles.parquet')}' order by username`)
    const found = rows.getRowsJson()
    duckdb.closeSync()
    const expected = inGroups.map(({ username, groups }) => {
      const resolution = resolveRoles(groups.flatMap(name => GROUPS.find(({ groupName }) => groupName === name) ?? []))
      const { rule, outcome, evidence, preferredRole = null, candidateRole = null } = resolution
      return [username, rule, outcome, evidence, preferredRole, candidateRole]
    })
    expect(found).toEqual(expected.toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1)))
  })
})
