import { readdir, readFile, mkdtemp, rm, stat, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import schema from '../../docs/schemas/calibration.schema.json' with { type: 'json' }
import { readCalibration } from '../../src/claims/calibration.js'
import type { FakeServiceOptions } from '../../src/testing/fake-service.js'
import { startService } from '../calibrate/service.js'
import { type CommandInput, type Ended, failuresAsText, inProcess, stubCredentials, VERSION } from './command.js'

// Without the pauses between calls.
vi.mock('node:timers/promises', async load => ({
  ...(await load<typeof import('node:timers/promises')>()),
  setTimeout: async () => {},
}))

let folder: string
let place: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-cli-calibrate-'))
})
beforeEach(async () => {
  place = await mkdtemp(join(folder, 'place-'))
  stubCredentials(place)
})
afterEach(() => void vi.unstubAllEnvs())
afterAll(() => rm(folder, { recursive: true }))

const CODE = / \[[a-z-]+\]$/m

interface Ran extends Ended {
  readonly left: readonly string[]
  readonly operations: readonly string[]
  readonly url: string
}

async function calibrate(
  args: readonly string[],
  options: FakeServiceOptions = {},
  input: CommandInput = {},
): Promise<Ran> {
  await using service = await startService({ semantics: 'tied-groups-agree', ...options })
  const given = ['--endpoint-url', service.url, '--region', 'eu-west-1', '--ledger', join(place, 'run.ledger')]
  const ended = await inProcess(['calibrate', ...given, ...args], input)
  return {
    ...ended,
    left: service.left().userPools,
    operations: service.requests.map(({ operation }) => operation),
    url: service.url,
  }
}

describe('a run', () => {
  test('prints a line for each case, and exits with 0 where everything agrees or is settled', async () => {
    const { code, stdout, stderr, left } = await calibrate(['--yes'])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^ {2}5 +the control.* alpha +alpha +yes$/m)
    expect(stdout).toMatch(
      /^ {2}13 +a group with a role and one without.*undetermined: alpha or none +none +settled: tied-groups-agree$/m,
    )
    expect(stdout).toContain('tied-groups-agree is what the endpoint follows')
    expect(stdout).toMatch(/^ {2}a user joins a group +\d+\.\d s$/m)
    expect(stdout).toContain('Not looked at')
    expect(stderr).toMatch(
      /if this process is killed, delete what it created with: rolecast calibrate --cleanup .*run\.ledger/,
    )
    expect(stderr).toMatch(/deleted user-pool eu-west-1_\w+, and confirmed that it is gone/)
    expect(left).toEqual([])
    expect(await readdir(place)).toEqual([])
  })

  test('with --quiet says nothing meanwhile, and prints the same', async () => {
    const { code, stdout, stderr, left } = await calibrate(['--yes', '--quiet'])
    expect({ code, stderr, left }).toEqual({ code: 0, stderr: '', left: [] })
    expect(stdout).toContain('tied-groups-agree is what the endpoint follows')
  })

  test('with --quiet still says what is left behind', async () => {
    const { code, stderr } = await calibrate(['--yes', '--quiet'], {
      intercept: operation => (operation === 'DeleteUserPool' ? { error: 'AccessDeniedException' } : undefined),
    })
    expect(code).toBe(2)
    expect(stderr).toContain('is not known to be gone')
    expect(stderr).toContain('to delete what is left, run: rolecast calibrate --cleanup')
    expect(stderr).not.toMatch(/^rolecast: (?:created|deleting|deleted) /m)
  })

  test('exits with 1 where a case is not as predicted, and names each claim', async () => {
    const { code, stdout, left } = await calibrate(['--yes'], { semantics: 'documented' })
    expect(code).toBe(1)
    expect(stdout).toMatch(/^ {2}3 .* none +alpha +NO \(prediction: observed; it is so in documented\)$/m)
    expect(stdout).toContain('ID token, cognito:preferred_role: alpha; predicted: absent')
    expect(left).toEqual([])
  })

  test('says that no reading fits, and which cases contradict each', async () => {
    const { code, stdout } = await calibrate(['--yes'], {
      claims: groups => ({ 'cognito:groups': groups.map(one => one.groupName) }),
    })
    expect(code).toBe(1)
    expect(stdout).toContain('None.')
    expect(stdout).toMatch(/roles-compete: contradicted by .*control/)
  })

  test('exits with 2 where a case is not settled, which is not agreeing', async () => {
    const { code, stdout, stderr } = await calibrate(['--yes'], { claims: () => ({ 'cognito:groups': ['x'] }) })
    expect(code).toBe(2)
    expect(stdout).toContain('NOT SETTLED')
    expect(stderr).toMatch(CODE)
  })

  test('exits with 2 where something is left, and says how to delete it', async () => {
    let isDenied = true
    await using service = await startService({
      semantics: 'roles-compete',
      intercept: operation =>
        isDenied && operation === 'DeleteUserPool'
          ? { error: 'AccessDeniedException', message: 'by 123456789012' }
          : undefined,
    })
    const ledger = join(place, "it's a.ledger")
    const ended = await inProcess([
      'calibrate',
      '--endpoint-url',
      service.url,
      '--region',
      'eu-west-1',
      '--ledger',
      ledger,
      '--yes',
    ])
    expect(ended.code).toBe(2)
    expect(ended.stdout).toContain('roles-compete is what')
    expect(ended.stderr).toMatch(
      /user-pool rolecast-calibrate-\w+ \(eu-west-1_\w+\) is not known to be gone: DeleteUserPool was not allowed .* \[not-authorized\]$/m,
    )
    expect(ended.stderr).not.toContain('123456789012')
    const [, said = ''] = /to delete what is left, run: rolecast (calibrate .*)/.exec(ended.stderr)!
    expect(said).toContain(`--cleanup '${ledger.replace("'", `'\\''`)}' --endpoint-url ${service.url}`)
    isDenied = false
    const cleaned = await inProcess(['calibrate', '--cleanup', ledger, '--endpoint-url', service.url])
    expect(cleaned).toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing in the ledger is left') })
    expect(service.left().userPools).toEqual([])
    await expect(stat(ledger)).rejects.toThrow(/ENOENT/)
  })

  test('that cannot create a pool exits with 2, and leaves no file', async () => {
    const { code, stdout, stderr } = await calibrate(['--yes'], {
      intercept: () => ({ error: 'AccessDeniedException', message: 'no' }),
    })
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(
      /CreateUserPool was not allowed \(no\); allow `cognito-idp:CreateUserPool` and `cognito-idp:TagResource`.*\[not-authorized\]\n$/,
    )
    expect(await readdir(place)).toEqual([])
  })

  test('that is interrupted deletes what it has created, says so, and exits as interrupted', async () => {
    const stop = new AbortController()
    const { code, stdout, stderr, left } = await calibrate(
      ['--yes'],
      { intercept: operation => void (operation === 'AdminCreateUser' && stop.abort()) },
      { interrupted: stop.signal },
    )
    expect({ code, stdout, left }).toEqual({ code: 2, stdout: '', left: [] })
    expect(stderr).toMatch(
      /deleting user-pool .*\n.*deleted user-pool .*\n.*interrupted; run the command again \[aborted\]\n$/,
    )
    expect(await readdir(place)).toEqual([])
  })
})

test('a run that fails, and whose deletion fails too, says both', async () => {
  const { code, stderr } = await calibrate(['--yes'], {
    intercept: operation =>
      operation === 'CreateGroup' || operation === 'DeleteUserPool' ? { error: 'AccessDeniedException' } : undefined,
  })
  expect(code).toBe(2)
  expect(stderr).toMatch(/user-pool rolecast-calibrate-\w+ .* is not known to be gone: .*\[not-authorized\]\n/)
  expect(stderr).toMatch(/CreateGroup was not allowed.*clean up with the ledger `.*run\.ledger` \[not-authorized\]\n$/)
})

describe('--json', () => {
  test('is as its schema says, and a calibration', async () => {
    const { code, stdout } = await calibrate(['--yes', '--json', '--many'])
    expect(code).toBe(0)
    const printed = JSON.parse(stdout) as Record<string, unknown>
    const validate = new Ajv2020({ strict: true }).compile(schema)
    expect(validate(printed), JSON.stringify(validate.errors)).toBe(true)
    expect(printed['tool']).toEqual({ name: 'rolecast', version: VERSION })
    const { endpoint: _, ...real } = printed
    expect(readCalibration(real).semantics).toBe('tied-groups-agree')
  })

  test('with --output is written whole', async () => {
    const output = join(place, 'calibration.json')
    const { code, stdout } = await calibrate(['--yes', '--json', '--output', output])
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(JSON.parse(await readFile(output, 'utf8'))).toMatchObject({ calibration: 1 })
  })

  test('with an --output that cannot be written creates nothing', async () => {
    const { code, operations } = await calibrate(['--yes', '--json', '--output', join(place, 'no/such/folder')])
    expect({ code, operations }).toEqual({ code: 2, operations: [] })
  })
})

describe('an --output in the place of the ledger', () => {
  test.each([
    ['by the same name', () => {}, 'run.ledger'],
    ['by another name', () => {}, join('.', 'other', '..', 'run.ledger')],
    ['by a link to where it will be', () => symlink(join(place, 'run.ledger'), join(place, 'link')), 'link'],
  ])('%s is rejected, and nothing is created', async (_, prepare, name) => {
    await prepare()
    const before = await readdir(place)
    const { code, stderr, operations } = await calibrate(['--yes', '--json', '--output', `${place}/${name}`])
    expect(code).toBe(2)
    expect(failuresAsText(stderr)).toMatch(/is a file that this command reads or saves to.* \[invalid-argument\]$/m)
    expect(operations).toEqual([])
    expect(await readdir(place)).toEqual(before)
  })
})

describe('before it starts', () => {
  const terminalInput = (answer: string) => Object.assign(Readable.from([answer]), { isTTY: true })

  test('it rejects where nobody can be asked', async () => {
    const { code, stderr, operations } = await calibrate([])
    expect({ code, operations }).toEqual({ code: 2, operations: [] })
    expect(stderr).toMatch(/add --yes, or look at --dry-run first \[invalid-argument\]\n$/)
  })

  test.each(['n\n', '\n', '', 'yess\n', 'no yes\n'])(
    'it shows what it creates and asks; %j is not a yes',
    async answer => {
      const { code, stderr, operations } = await calibrate([], {}, { stdin: terminalInput(answer) })
      expect({ code, operations }).toEqual({ code: 2, operations: [] })
      expect(stderr).toMatch(
        /1 user pool of the Lite tier[^]*Create this at the endpoint http[^ ]+, region eu-west-1\? \[y\/N\] /,
      )
      expect(stderr).toMatch(/nothing was created.*\[aborted\]\n$/)
    },
  )

  test.each(['y\n', 'YES\n'])('%j is one', async answer => {
    const { code } = await calibrate([], {}, { stdin: terminalInput(answer) })
    expect(code).toBe(0)
  })
})

describe('--dry-run', () => {
  test('makes no call and no file, and needs neither credentials nor a Region', async () => {
    vi.unstubAllEnvs()
    const { code, stdout, stderr } = await inProcess(['calibrate', '--dry-run'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    for (const title of ['Creates, and deletes in the end', 'Calls: 115', 'Permissions', 'Costs'])
      expect(stdout).toContain(title)
    expect(stdout).toMatch(/^ {2}iam:PassRole +arn:aws:iam::ACCOUNT:role\/rolecast-calibrate-\*$/m)
  })

  test('has more with each probe', async () => {
    const text = async (...args: readonly string[]) => (await inProcess(['calibrate', '--dry-run', ...args])).stdout
    expect(await text('--many')).toMatch(/CreateGroup +114/)
    expect(await text('--identity-pool')).toContain('cognito-identity:CreateIdentityPool')
    expect(await text('--pre-token')).toContain('lambda:CreateFunction')
  })

  test('as JSON is what the library has', async () => {
    const { stdout } = await inProcess(['calibrate', '--dry-run', '--json'])
    expect(JSON.parse(stdout)).toMatchObject({ seconds: expect.any(Number), calls: expect.any(Array) })
  })
})

describe('--cleanup', () => {
  test('rejects a file that is not a ledger', async () => {
    const { code, stderr } = await inProcess(['calibrate', '--cleanup', join(place, 'missing')])
    expect(code).toBe(2)
    expect(stderr).toMatch(/nothing was deleted.*\[invalid-input\]\n$/)
  })

  test.each([['--many'], ['--dry-run'], ['--json'], ['--yes']])('cannot be combined with %s', async option => {
    const { code, stderr } = await inProcess(['calibrate', '--cleanup', 'x', option])
    expect(code).toBe(2)
    expect(stderr).toContain('cannot be used with')
  })

  test('names --endpoint-url for a ledger of an emulator', async () => {
    const { stderr } = await calibrate(['--yes'], {
      intercept: operation => (operation === 'DeleteUserPool' ? { error: 'AccessDeniedException' } : undefined),
    })
    expect(stderr).toContain('--cleanup')
    const { code, stderr: said } = await inProcess(['calibrate', '--cleanup', join(place, 'run.ledger')])
    expect(code).toBe(2)
    expect(said).toMatch(/give it as --endpoint-url if you trust it \[invalid-input\]\n$/)
  })
})
