import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { A, calibrationOf, issued, type Row, ROWS, type Truth, USER_POOL_ID } from '../calibrations.js'
import { rolecast } from './command.js'
import { userPoolId } from './pool.js'

let folder: string
let pool: readonly string[]
let files = 0
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-calibration-'))
  const Groups = ROWS['role-and-none'].map(({ groupName, precedence, roleArn }) => ({
    GroupName: groupName,
    Precedence: precedence,
    ...(roleArn !== null && { RoleArn: roleArn }),
    UserPoolId: userPoolId,
  }))
  const users = [
    { username: 'anna', groups: ['a', 'b'] },
    { username: 'bert', groups: ['a'] },
  ]
  pool = [
    '--pool-file',
    await newFile(JSON.stringify({ Groups })),
    '--memberships',
    await newFile(users.map(user => `${JSON.stringify(user)}\n`).join('')),
  ]
})
afterAll(() => rm(folder, { recursive: true }))

async function newFile(text: string): Promise<string> {
  const path = join(folder, `file-${files++}`)
  await writeFile(path, text)
  return path
}
const calibration = async (truth: Truth, rows?: readonly Row[], more: object = {}) => [
  '--calibration',
  await newFile(JSON.stringify({ ...calibrationOf(truth, rows), ...more })),
]
const predict = (...args: readonly string[]) =>
  rolecast(['predict', ...pool.slice(0, 2), '--group', 'a', '--group', 'b', ...args])

const SOURCE = { date: '2026-11-29T12:34:56.789Z', userPoolId: USER_POOL_ID }
const WORDS = 'calibrated on 2026-11-29 against user pool us-east-1_Ab12Cd34e'

describe('predict with a calibration', () => {
  test('answers by the reading that its tokens show, and says whose tokens', async () => {
    const { stdout } = await predict('--json', ...(await calibration('roles-compete')))
    expect(JSON.parse(stdout)).toMatchObject({ preferredRole: A, evidence: 'calibrated', calibration: SOURCE })
    const text = await predict('--require-role', ...(await calibration('roles-compete')))
    expect(text).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`lowest-precedence: ${WORDS}; see \`rolecast explain lowest-precedence\``),
    })
    const agreed = await predict('--require-role', ...(await calibration('tied-groups-agree')))
    expect(agreed).toMatchObject({
      code: 1,
      stdout: expect.stringContaining(`roleless-contender: ${WORDS}; see \`rolecast explain roleless-contender\``),
    })
  })

  test('stays undetermined where the case was not probed', async () => {
    const { code, stdout } = await predict('--json', ...(await calibration('roles-compete', ['no-precedence'])))
    expect({ code, ...JSON.parse(stdout) }).toMatchObject({ code: 0, outcome: 'undetermined', evidence: 'unknown' })
  })

  test('control: without it the case is undetermined', async () => {
    expect(JSON.parse((await predict('--json')).stdout)).not.toHaveProperty('calibration')
    expect((await predict('--require-role')).code).toBe(1)
  })
})

describe('a calibration that cannot be used ends the command before it begins', () => {
  const failing = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await predict(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    return stderr
  }

  test('together with --semantics', async () => {
    const stderr = await failing('--semantics', 'observed', ...(await calibration('roles-compete')))
    expect(stderr).toMatch(/'--calibration <file>' cannot be used with option '--semantics <reading>'/)
  })

  test('a file that is not there, or is not JSON', async () => {
    expect(await failing('--calibration', join(folder, 'none'))).toMatch(
      /^rolecast: the calibration `.*none` cannot be used: it cannot be read \(ENOENT\); make it with `rolecast calibrate --json > FILE` \[invalid-input\]\n$/,
    )
    expect(await failing('--calibration', await newFile('{'))).toMatch(/it is not JSON .* \[invalid-input\]\n$/)
  })

  test('a file with anything else', async () => {
    expect(await failing('--calibration', await newFile('[]'))).toMatch(
      /^rolecast: the file `.*`: the calibration is an array, not an object; give what `rolecast calibrate --json` printed \[invalid-calibration\]\n$/,
    )
  })

  test('one that was made against an emulator', async () => {
    const emulated = await calibration('roles-compete', undefined, { endpoint: 'http://localhost:9229' })
    expect(await failing(...emulated)).toMatch(/made against `http:\/\/localhost:9229`.* \[invalid-calibration\]\n$/)
  })

  test('one whose tokens no reading fits', async () => {
    const tokens = [
      issued('null', ROWS['no-precedence'], 'documented'),
      issued('tie', ROWS['role-and-none'], 'tied-groups-agree'),
    ]
    const stderr = await failing(...(await calibration('roles-compete', [], { tokens })))
    expect(stderr).toMatch(/`null` and `tie` contradict roles-compete, .* \[invalid-calibration\]\n$/)
  })

  test.each([
    ['audit pool', ['audit', 'pool']],
    ['impact', ['impact', '--set', 'b.precedence=6']],
  ])('%s', async (_name, command) => {
    const output = join(folder, 'never')
    const bad = ['--calibration', await newFile('[]')]
    expect(await rolecast([...command, ...pool, ...bad, '--output', output])).toMatchObject({ code: 2, stdout: '' })
    await expect(readFile(output)).rejects.toMatchObject({ code: 'ENOENT' })
  })

  test('an output that would take its place', async () => {
    const [, path = ''] = await calibration('roles-compete')
    const { code, stderr } = await rolecast(['audit', 'pool', ...pool, '--calibration', path, '--output', path])
    expect({ code, stderr }).toMatchObject({ code: 2, stderr: expect.stringMatching(/\[invalid-argument\]\n$/) })
    expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ calibration: 1 })
  })
})

describe('audit pool with a calibration', () => {
  const audit = async (format: string, ...args: readonly string[]) =>
    (await rolecast(['audit', 'pool', ...pool, '--format', format, ...args])).stdout
  const NOT_SEEN = 'whether Cognito does the same in this user pool, and today, was not looked at'

  test.each(['text', 'json', 'ndjson', 'html', 'sarif'])('%s names it, and says what it cannot tell', async format => {
    const output = await audit(format, ...(await calibration('roles-compete')))
    expect(output).toContain(format === 'text' || format === 'html' ? WORDS : SOURCE.date)
    expect(output).toContain(NOT_SEEN)
    const without = await audit(format)
    expect(without).not.toContain(USER_POOL_ID)
    expect(without).not.toContain(NOT_SEEN)
  })

  test('ocsf', async () => {
    const read = ['--read-at', '2026-11-29T10:00:00Z', '--user-pool-id', userPoolId]
    const output = await audit('ocsf', ...read, ...(await calibration('tied-groups-agree')))
    expect(output).toContain(SOURCE.date)
    expect(output).toContain(NOT_SEEN)
  })

  test('counts what it settles', async () => {
    const json = JSON.parse(await audit('json', ...(await calibration('tied-groups-agree'))))
    expect(json).toMatchObject({
      semantics: 'tied-groups-agree',
      calibration: SOURCE,
      outcomes: { resolved: 1, none: 1, undetermined: 0 },
      evidence: { observed: 1, calibrated: 1, unknown: 0 },
      findings: [{ concern: 'conflicting-tie', users: ['anna'] }],
    })
    expect(await audit('text', ...(await calibration('roles-compete')))).toMatch(/^ {2}calibrated {2}1 {2}/m)
  })
})

describe('audit diff', () => {
  const audited = async (...args: readonly string[]) =>
    newFile((await rolecast(['audit', 'pool', ...pool, '--format', 'ndjson', ...args])).stdout)
  const compared = (...args: readonly string[]) => rolecast(['audit', 'diff', ...args])

  test('of two audits with one calibration names it for both', async () => {
    const [one, other] = [
      await audited(...(await calibration('roles-compete'))),
      await audited(...(await calibration('roles-compete'))),
    ]
    const { code, stdout } = await compared(one, other)
    expect(code).toBe(0)
    expect(stdout).toMatch(new RegExp(`before .*${WORDS}\\n.*after .*${WORDS}`))
    expect(JSON.parse((await compared(one, other, '--format', 'json')).stdout)).toMatchObject({
      semantics: 'roles-compete',
      before: { calibration: SOURCE },
      after: { calibration: SOURCE },
    })
  })

  test('of two with different ones needs to be told by which reading', async () => {
    const one = await audited(...(await calibration('roles-compete')))
    const later = { date: '2026-12-01T00:00:00Z' }
    const other = await audited(...(await calibration('roles-compete', undefined, later)))
    const without = await audited('--semantics', 'roles-compete')
    expect(await compared(one, other)).toMatchObject({
      code: 2,
      stderr: `rolecast: the first audit was ${WORDS}, and the second calibrated on 2026-12-01 against user pool us-east-1_Ab12Cd34e; give --semantics or --calibration to resolve the users of both with one reading [invalid-argument]\n`,
    })
    expect((await compared(one, without)).stderr).toContain('and the second not calibrated; give --semantics')
    expect((await compared(one, await audited())).stderr).toContain('with --semantics roles-compete and the second')
    const told = await compared(one, other, '--format', 'json', ...(await calibration('roles-compete')))
    expect(JSON.parse(told.stdout)).toMatchObject({
      semantics: 'roles-compete',
      calibration: SOURCE,
      notes: expect.arrayContaining([
        'The audits do not rest on the same calibration. The roles of both were resolved again, with one reading.',
      ]),
    })
  })

  test('control: an audit that says another reading than its users have is rejected', async () => {
    const path = await audited(...(await calibration('roles-compete')))
    const text = await readFile(path, 'utf8')
    const forged = await newFile(text.replace('"semantics":"roles-compete"', '"semantics":"tied-groups-agree"'))
    expect(await compared(path, forged, '--semantics', 'observed')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has roles that its groups do not give'),
    })
  })
})
