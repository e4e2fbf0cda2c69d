import { once } from 'node:events'
import { createServer } from 'node:http'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { type Fault, startCognitoEndpoint } from '../cognito/cognito-endpoint.js'
import { checked, CREDENTIALS, type Ended, inProcess, rolecast, SECRET, stubAws, stubCredentials } from './command.js'
import { GROUPS, groupsOf, jsonLines, poolFileIn, role, userPoolId } from './pool.js'
import { type InstalledCommand, installCommand } from './process.js'

let folder: string
let command: InstalledCommand
let pool: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rolecast-predict-'))
  command = await installCommand(folder)
  pool = await poolFileIn(folder)
})
beforeEach(() => stubCredentials(folder))
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllEnvs()
})
afterAll(() => rm(folder, { recursive: true }))

const predict = (args: readonly string[], stdin?: string | Uint8Array) =>
  rolecast(['predict', '--pool-file', pool, ...args], stdin)
const predictLines = (stdin: string | Uint8Array, args: readonly string[] = []) => predict(['--stdin', ...args], stdin)

describe('a prediction from a file', () => {
  test('as text', async () => {
    const { code, stdout } = await predict(groupsOf('editors', 'admins', 'ghost'))
    expect(code).toBe(0)
    expect(stdout).toContain(`> 0  admins   ${role('Admin')}\n  5  editors  ${role('Editor')}\n`)
    expect(stdout).toContain('Not in the user pool (no role, and in no claim)\n  ghost\n')
  })

  test('as JSON', async () => {
    const { code, stdout } = await predict(['--json', ...groupsOf('editors', 'ghost', 'admins')])
    expect(code).toBe(0)
    expect(stdout).toMatch(/^\{\n {2}"outcome": "resolved",\n[^]*\n\}\n$/)
    expect(JSON.parse(stdout)).toEqual({
      outcome: 'resolved',
      rule: 'lowest-precedence',
      evidence: 'observed',
      groups: ['editors', 'admins'],
      roles: [role('Admin'), role('Editor')],
      preferredRole: role('Admin'),
      determiningGroups: ['admins'],
      claims: {
        'cognito:groups': ['editors', 'admins'],
        'cognito:roles': [role('Admin'), role('Editor')],
        'cognito:preferred_role': role('Admin'),
      },
      unknownGroups: ['ghost'],
      stale: false,
      age: 0,
    })
  })

  test('a group that is given twice counts once', async () => {
    const { stdout } = await predict(['--json', ...groupsOf('editors', 'ghost', 'editors', 'ghost')])
    expect(JSON.parse(stdout)).toMatchObject({ groups: ['editors'], unknownGroups: ['ghost'] })
  })

  test('names with commas, of other alphabets, and traps in JavaScript are names', async () => {
    const { stdout } = await predict(['--json', ...groupsOf('管理者-é-🙂', 'a,b', '__proto__', 'constructor')])
    expect(JSON.parse(stdout)).toMatchObject({
      groups: ['管理者-é-🙂', 'a,b', '__proto__'],
      preferredRole: role('Proto'),
      unknownGroups: ['constructor'],
    })
  })

  test('a name that begins with a dash can be given', async () => {
    expect(JSON.parse((await predict(['--json', '--group=--json'])).stdout)).toMatchObject({
      unknownGroups: ['--json'],
    })
  })

  test.each([
    ['observed', { outcome: 'undetermined', candidateRole: role('Reader') }],
    ['roles-compete', { outcome: 'resolved', preferredRole: role('Reader') }],
    ['documented', { outcome: 'resolved', preferredRole: role('Reader'), evidence: 'documented' }],
  ])('--semantics %s answers in its own way', async (semantics, expected) => {
    const { code, stdout } = await predict(['--json', '--semantics', semantics, ...groupsOf('vip', 'readers')])
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject(expected)
  })

  test('without --semantics the result is the observed one', async () => {
    const given = await predict([...groupsOf('vip', 'readers'), '--semantics', 'observed'])
    expect(await predict(groupsOf('vip', 'readers'))).toEqual(given)
    expect(given.stdout).toContain('? ')
  })

  test.each([
    ['one role', ['admins'], 0],
    ['a role and an unknown group', ['admins', 'ghost'], 0],
    ['no role', ['contractors'], 1],
    ['two roles', ['billing', 'support'], 1],
    ['a role that is undetermined', ['vip', 'readers'], 1],
    ['an unknown group', ['ghost'], 1],
  ])('with %s --require-role tells by the exit code, and the result is the same', async (_what, names, expected) => {
    const required = await predict(['--require-role', ...groupsOf(...names)])
    const plain = await predict(groupsOf(...names))
    expect(required.code).toBe(expected)
    expect(plain).toEqual({ ...required, code: 0 })
  })

  test('what the file has for escape sequences is shown and does nothing', async () => {
    const nasty = await poolFileIn(folder, [
      { GroupName: 'admins', Precedence: 0, RoleArn: 'r\x1B]0;owned\x07\x1B[31m\u009B1m\n\u202Ex' },
    ])
    const { code, stdout, stderr } = await rolecast(['predict', '--pool-file', nasty, '--group', 'admins'])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(String.raw`r\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}1m\u{a}\u{202e}x`)
    expect(stderr).not.toContain('\u202E')
  })

  test.each([
    ['a name that comes twice', [{ GroupName: 'a\x1B[31m' }, { GroupName: 'a\x1B[31m' }], String.raw`a\u{1b}[31m`],
    ['a precedence', [{ GroupName: 'a', Precedence: '7' }], 'has the precedence the string `7`'],
    ['a misspelt key', [{ GroupName: 'a', precedence: 7 }], '(did you mean `Precedence`?)'],
    ['a role that is blank', [{ GroupName: 'a', Precedence: 7, RoleArn: ' ' }], 'has the role ` `'],
  ])('a file that is rejected for %s exits with 2', async (_what, groups, said) => {
    const { code, stdout, stderr } = await rolecast([
      'predict',
      '--pool-file',
      await poolFileIn(folder, groups),
      '--group',
      'a',
    ])
    expect(stderr).toContain(said)
    expect(stderr).toMatch(/ \[invalid-input\]\n$/)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('a file that is not there, and a folder, exit with 2', async () => {
    expect(await rolecast(['predict', '--pool-file', 'nowhere.json', '--group', 'a'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('(ENOENT)'),
    })
    expect(await rolecast(['predict', '--pool-file', '.', '--group', 'a'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('(EISDIR)'),
    })
  })

  test('a file needs neither credentials nor a region', async () => {
    stubAws({ AWS_PROFILE: 'nobody', AWS_REGION: '' })
    expect((await predict(groupsOf('admins'))).code).toBe(0)
  })
})

describe('--stdin', () => {
  test('answers line by line, in order', async () => {
    const { code, stdout } = await predictLines('["admins"]\n["ghost"]\n[]\n["billing","support"]\n["admins"]\n')
    expect(code).toBe(0)
    expect(jsonLines(stdout)).toMatchObject([
      { preferredRole: role('Admin') },
      { outcome: 'none', unknownGroups: ['ghost'] },
      { outcome: 'none', rule: 'no-groups', claims: {} },
      { outcome: 'ambiguous' },
      { preferredRole: role('Admin') },
    ])
  })

  test('each result is that of --json for the same groups', async () => {
    const [{ stdout: lines }, { stdout: one }] = await Promise.all([
      predictLines('["editors","ghost","admins"]'),
      predict(['--json', ...groupsOf('editors', 'ghost', 'admins')]),
    ])
    expect(jsonLines(lines)).toEqual([JSON.parse(one)])
  })

  test.each([
    ['a line end at the end', '["admins"]\n["editors"]\n'],
    ['no line end at the end', '["admins"]\n["editors"]'],
    ['Windows line ends', '["admins"]\r\n["editors"]\r\n'],
    ['blank lines', '\n["admins"]\n\n  \t\n["editors"]\n\n'],
    ['white space around and within', '  [ "admins" ]\t\n\t["editors"] '],
    ['--json beside it', '["admins"]\n["editors"]\n', '--json'],
  ])('copes with %s', async (_what, input, ...args) => {
    const { code, stdout } = await predictLines(input, args)
    expect(code).toBe(0)
    expect(jsonLines(stdout).map(answer => answer.preferredRole)).toEqual([role('Admin'), role('Editor')])
  })

  test.each(['', '\n', '\r\n \n'])('prints nothing for no input (%j)', async input => {
    expect(await predictLines(input)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('takes names with commas, of other alphabets, and traps in JavaScript', async () => {
    const { stdout } = await predictLines(
      '["a,b","__proto__"]\n["管理者-é-🙂","constructor"]\n["\\u7ba1\\u7406\\u8005-\\u00e9-\\ud83d\\ude42"]\n',
    )
    expect(jsonLines(stdout)).toMatchObject([
      { groups: ['a,b', '__proto__'], preferredRole: role('Proto') },
      { groups: ['管理者-é-🙂'], preferredRole: role('Unicode'), unknownGroups: ['constructor'] },
      { groups: ['管理者-é-🙂'], preferredRole: role('Unicode') },
    ])
  })

  test.each([
    ['no JSON', '{"admins"', 'is not JSON', 'invalid-input'],
    ['bare words', 'admins,editors', 'is not JSON', 'invalid-input'],
    ['two arrays', '["admins"]["editors"]', 'is not JSON', 'invalid-input'],
    ['an object', '{"0":"admins","length":1}', 'is not an array', 'invalid-input'],
    ['a string', '"admins"', 'is not an array', 'invalid-input'],
    ['null', 'null', 'is not an array', 'invalid-input'],
    ['a number for a name', '["admins",7]', '`7` is not a valid group name', 'invalid-group-name'],
    ['null for a name', '[null]', '`null` is not a valid group name', 'invalid-group-name'],
    ['an array for a name', '[["admins"]]', 'an array is not a valid group name', 'invalid-group-name'],
    ['a name with a space', '["a b"]', '`a b` is not a valid group name', 'invalid-group-name'],
    ['an empty name', '[""]', 'is not a valid group name', 'invalid-group-name'],
    ['half a surrogate pair', String.raw`["\ud83d"]`, String.raw`\u{d83d}`, 'invalid-group-name'],
    ['an escape sequence', '\x1B[31m', String.raw`\u{1b}[31m`, 'invalid-input'],
    ['an escaped escape sequence', String.raw`["\u001b[31m"]`, String.raw`\u{1b}[31m`, 'invalid-group-name'],
  ])('stops at a line with %s: names it, after the results before it', async (_what, line, said, errorCode) => {
    const { code, stdout, stderr } = await predictLines(`["admins"]\n\n["editors"]\n${line}\n["readers"]\n`)
    expect(code).toBe(2)
    expect(jsonLines(stdout).map(answer => answer.preferredRole)).toEqual([role('Admin'), role('Editor')])
    expect(stderr).toMatch(/^rolecast: line 4 of the input: /)
    expect(stderr).toContain(said)
    expect(stderr.endsWith(` [${errorCode}]\n`)).toBe(true)
    expect(stderr.trimEnd().split('\n')).toHaveLength(1)
  })

  test('stops at a bad line in a process of its own too', async () => {
    const input = '["admins"]\n["editors"\n["readers"]\n'
    const ended = await command.run(['predict', '--pool-file', pool, '--stdin'], { input })
    expect(ended).toEqual(await predictLines(input))
    expect(ended).toMatchObject({ code: 2, stderr: expect.stringMatching(/^rolecast: line 2 /) })
  })

  test('ends at a bad line, though the input continues', async () => {
    const child = command.start(['predict', '--pool-file', pool, '--stdin'])
    const closed = once(child, 'close')
    const [stderr] = await Promise.all([
      once(child.stderr.setEncoding('utf8'), 'data'),
      child.stdin.write('["admins"]\nadmins\n'),
    ])
    expect(stderr[0]).toContain('line 2 of the input')
    onTestFinished(() => void child.kill('SIGKILL'))
    const [code, signal] = await closed
    expect({ code, signal }).toEqual({ code: 2, signal: null })
  })

  test('answers each line before it sees the next', async () => {
    const child = command.start(['predict', '--pool-file', pool, '--stdin'])
    child.stdout.setEncoding('utf8')
    for (const name of ['admins', 'editors']) {
      child.stdin.write(`["${name}"]\n`)
      const [answer] = await once(child.stdout, 'data')
      expect(jsonLines(answer)).toMatchObject([{ groups: [name] }])
    }
    child.stdin.end()
    expect(await once(child, 'close')).toEqual([0, null])
  })

  test('--require-role wants a role for every line, and answers them all', async () => {
    expect((await predictLines('["admins"]\n["editors"]\n', ['--require-role'])).code).toBe(0)
    for (const input of ['["ghost"]\n["admins"]\n', '["admins"]\n["contractors"]\n', '["admins"]\n[]\n']) {
      const { code, stdout } = await predictLines(input, ['--require-role'])
      expect(code).toBe(1)
      expect(jsonLines(stdout)).toHaveLength(2)
    }
  })

  test.each(['', '\n\n'])('--require-role is not met by an input without lines (%j)', async input => {
    const args = ['predict', '--pool-file', pool, '--stdin', '--require-role']
    expect(await inProcess(args, { stdin: input })).toEqual({
      code: 1,
      stdout: '',
      stderr: expect.stringMatching(/^rolecast: stdin had no line, so no role is resolved; [^\n]*\n$/),
    })
  })

  test('--semantics holds for every line', async () => {
    const { stdout } = await predictLines('["vip","readers"]\n["vip","readers"]\n', ['--semantics', 'roles-compete'])
    expect(jsonLines(stdout).map(answer => answer.outcome)).toEqual(['resolved', 'resolved'])
  })

  test('of twenty thousand lines none is lost, and the order stays', async () => {
    const names = GROUPS.map(group => group.groupName)
    const lines = Array.from({ length: 20_000 }, (_, index) => [`nobody-${index}-é🙂`, names[index % names.length]!])
    const input = lines.map(line => JSON.stringify(line)).join('\n')
    const { code, stdout } = checked(await command.run(['predict', '--pool-file', pool, '--stdin'], { input }))
    expect(code).toBe(0)
    const answers = jsonLines(stdout)
    expect(answers.map(answer => [...answer.unknownGroups, ...answer.groups])).toEqual(lines)
    expect(answers.map(answer => answer.roles)).toEqual(
      lines.map((_line, index) => [GROUPS[index % GROUPS.length]!.roleArn].filter(arn => arn !== undefined)),
    )
  })

  test('a line of many names is one line, in whatever pieces it arrives', async () => {
    const names = Array.from({ length: 20_000 }, (_, index) => `nobody-${index}-é`)
    const bytes = Buffer.from(JSON.stringify(['admins', ...names]))
    const pieces = Array.from({ length: Math.ceil(bytes.length / 4_099) }, (_, index) =>
      bytes.subarray(index * 4_099, (index + 1) * 4_099),
    )
    const stdin = Readable.from(pieces)
    const { stdout } = checked(await inProcess(['predict', '--pool-file', pool, '--stdin'], { stdin }))
    expect(jsonLines(stdout)).toMatchObject([{ groups: ['admins'], unknownGroups: names }])
  })

  test('UTF-16 with a byte order mark, which is what PowerShell writes, is read', async () => {
    const text = '\ufeff["admins"]\r\n["管理者-é-🙂"]\r\n'
    for (const input of [Buffer.from(text, 'utf16le'), Buffer.from(text, 'utf16le').swap16()]) {
      const { stdout } = checked(await inProcess(['predict', '--pool-file', pool, '--stdin'], { stdin: input }))
      expect(jsonLines(stdout)).toMatchObject([{ groups: ['admins'] }, { groups: ['管理者-é-🙂'] }])
    }
  })

  test('bytes that are not UTF-8 are rejected, not read as another name', async () => {
    const { code, stdout } = await predictLines(Buffer.from('["caf\xE9"]\n', 'latin1'))
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  })

  test('a line that is not UTF-8 is named like any bad line, after the results before it', async () => {
    const { code, stdout, stderr } = await predictLines(Buffer.from('["admins"]\n["caf\xE9"]\n["editors"]\n', 'latin1'))
    expect(code).toBe(2)
    expect(jsonLines(stdout)).toMatchObject([{ groups: ['admins'] }])
    expect(stderr).toMatch(/line 2 of the input.* \[invalid-input\]\n$/)
  })

  test('an input that is a folder, which Node shows as an empty one, is a failure', async () => {
    for (const options of [[], ['--require-role']]) {
      const { code, stdout, stderr } = await command.run(['predict', '--pool-file', pool, '--stdin', ...options], {
        shell: '"$@" < /',
      })
      expect(stderr).toMatch(/^rolecast: the input cannot be read \(EISDIR.*\[invalid-input\]\n$/)
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    }
  })
})

describe('a prediction from Cognito', () => {
  async function withEndpoint<T>(
    work: (args: readonly string[], endpoint: Awaited<ReturnType<typeof startCognitoEndpoint>>) => Promise<T>,
    id = userPoolId,
  ) {
    const endpoint = await startCognitoEndpoint({ userPoolId: id, groups: GROUPS })
    try {
      return await work(['predict', '--user-pool-id', id, '--endpoint-url', endpoint.url], endpoint)
    } finally {
      await endpoint.close()
    }
  }

  test('reads many groups as one page, and says what a file would', () =>
    withEndpoint(async (args, endpoint) => {
      const names = groupsOf('editors', 'admins', '__proto__', 'a,b', '管理者-é-🙂', 'ghost', 'admins')
      const [online, offline] = await Promise.all([rolecast([...args, ...names]), predict(names)])
      expect(online).toEqual(offline)
      expect(endpoint.requests.map(({ operation }) => operation)).toEqual(['ListGroups'])
    }))

  test('asks for each of a few groups once, without reading others', () =>
    withEndpoint(async (args, endpoint) => {
      await rolecast([...args, ...groupsOf('editors', 'admins', 'ghost', 'admins')])
      expect(endpoint.requests.map(({ operation, groupName }) => `${operation} ${groupName}`).toSorted()).toEqual(
        ['admins', 'editors', 'ghost'].map(name => `GetGroup ${name}`),
      )
    }))

  test('as JSON it has the age of the response', () =>
    withEndpoint(async args => {
      const { code, stdout } = await rolecast([...args, '--json', ...groupsOf('admins')])
      expect(code).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({
        preferredRole: role('Admin'),
        unknownGroups: [],
        stale: false,
        age: expect.any(Number),
      })
    }))

  test('--require-role and --semantics hold here too', () =>
    withEndpoint(async args => {
      const vip = [...args, '--require-role', ...groupsOf('vip', 'readers')]
      expect((await rolecast(vip)).code).toBe(1)
      expect((await rolecast([...vip, '--semantics', 'roles-compete'])).code).toBe(0)
    }))

  test('--stdin reads each group once for all lines', () =>
    withEndpoint(async (args, endpoint) => {
      const { code, stdout } = await rolecast(
        [...args, '--stdin'],
        '["admins","ghost"]\n["ghost","admins"]\n["admins"]\n',
      )
      expect(code).toBe(0)
      expect(jsonLines(stdout)).toMatchObject([
        { unknownGroups: ['ghost'] },
        { unknownGroups: ['ghost'] },
        { groups: ['admins'] },
      ])
      expect(endpoint.requests).toHaveLength(2)
    }))

  test('--stdin that fails at a line names it, with the code, after the results before', () =>
    withEndpoint(async (args, endpoint) => {
      endpoint.fail('throttle', { groupName: 'readers' })
      const { code, stdout, stderr } = await rolecast(
        [...args, '--stdin'],
        '["admins"]\n["admins","readers"]\n["editors"]\n',
      )
      expect(code).toBe(2)
      expect(jsonLines(stdout)).toMatchObject([{ groups: ['admins'] }])
      expect(stderr).toMatch(/^rolecast: line 2 of the input: GetGroup for group `readers` .* \[throttled\]\n$/)
    }))

  test('one group that cannot be read is not a result at all', () =>
    withEndpoint(async (args, endpoint) => {
      endpoint.fail('internal', { groupName: 'admins' })
      const { code, stdout, stderr } = await rolecast([...args, '--json', ...groupsOf('editors', 'admins')])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toContain('group `admins`')
    }))

  test('a fault that passes is retried', () =>
    withEndpoint(async (args, endpoint) => {
      vi.stubEnv('AWS_MAX_ATTEMPTS', undefined)
      endpoint.fail('throttle', { times: 1 })
      expect((await rolecast([...args, ...groupsOf('admins')])).code).toBe(0)
      expect(endpoint.requests).toHaveLength(2)
    }))

  test.each<[string, Fault, string]>([
    ['throttling', 'throttle', 'throttled'],
    ['an IAM policy that says no', 'access-denied', 'not-authorized'],
    ['a refusal by Cognito', 'not-authorized', 'not-authorized'],
    ['expired credentials', 'expired-token', 'not-authorized'],
    [
      'a wrong signature',
      {
        error: 'InvalidSignatureException',
        message: `The Canonical String should have been 'POST x-amz-security-token:${SECRET}'`,
        status: 403,
      },
      'not-authorized',
    ],
    ['a failure inside Cognito', 'internal', 'service-error'],
    ['an outage', 'unavailable', 'service-error'],
    ['a proxy that wants a login', 'html-200', 'malformed-response'],
    ['an answer without a group', 'no-group', 'malformed-response'],
    ['a precedence as text', { precedence: '7' }, 'malformed-response'],
    ['another group', { name: 'editors' }, 'malformed-response'],
    ['an invalid parameter', { error: 'InvalidParameterException', message: 'no\x1B[31m\nsuch' }, 'request-rejected'],
    ['a connection that breaks', 'drop', 'unreachable'],
    ['an unknown error', { error: 'TeapotException', message: 'short and stout', status: 418 }, 'request-rejected'],
  ])('%s exits with 2 and the code in brackets', (_what, fault, errorCode) =>
    withEndpoint(async (args, endpoint) => {
      stubCredentials(folder, { AWS_SESSION_TOKEN: SECRET })
      endpoint.fail(fault)
      const { code, stdout, stderr } = await rolecast([...args, ...groupsOf('admins')])
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(/^rolecast: GetGroup for group `admins` of user pool `eu-west-1_Ab12Cd34e` .*\n$/)
      expect(stderr.endsWith(` [${errorCode}]\n`), stderr).toBe(true)
    }),
  )

  test('no response within five seconds exits with 2 and the code in brackets', () =>
    withEndpoint(async (args, endpoint) => {
      endpoint.fail('hang')
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
      let ended: Ended | undefined
      const running = rolecast([...args, ...groupsOf('admins')]).then(result => (ended = result))
      while (endpoint.requests.length === 0) await turn()
      vi.advanceTimersByTime(4_999)
      for (let turns = 0; turns < 100; turns++) await turn()
      expect(ended).toBeUndefined()
      vi.advanceTimersByTime(1)
      const { code, stdout, stderr } = await running
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
      expect(stderr).toMatch(
        /^rolecast: GetGroup for group `admins` of user pool `eu-west-1_Ab12Cd34e` .* \[timeout\]\n$/,
      )
    }))

  test('as a process it prints what it prints here', () =>
    withEndpoint(async args => {
      const given = [...args, ...groupsOf('editors', 'admins', 'ghost')]
      expect(await command.run(given, { env: CREDENTIALS })).toEqual(await rolecast(given))
    }))

  test('another pool than there is', () =>
    withEndpoint(async args => {
      const ofOther = args.map(arg => (arg === userPoolId ? 'eu-west-1_Nowhere' : arg))
      const { code, stderr } = await rolecast([...ofOther, ...groupsOf('admins')])
      expect(code).toBe(2)
      expect(stderr).toMatch(/`eu-west-1_Nowhere` .* \[pool-not-found\]\n$/)
    }))

  test('an endpoint where nobody is', async () => {
    const args = await withEndpoint(async given => given)
    const { code, stderr } = await rolecast([...args, ...groupsOf('admins')])
    expect(code).toBe(2)
    expect(stderr).toMatch(/ECONNREFUSED.* \[unreachable\]\n$/)
  })

  test('an endpoint that is not an address, and a region that is none', async () => {
    for (const wrong of [
      ['--endpoint-url', 'nonsense'],
      ['--region', 'eu west/1'],
    ]) {
      expect((await rolecast(['predict', '--user-pool-id', userPoolId, ...wrong, ...groupsOf('admins')])).code).toBe(2)
    }
  })

  test('a pool id without a region needs --region', () =>
    withEndpoint(async args => {
      expect((await rolecast([...args, ...groupsOf('admins')])).stderr).toMatch(/; give --region \[no-region\]\n$/)
      expect((await rolecast([...args, '--region', 'eu-west-1', ...groupsOf('admins')])).code).toBe(0)
    }, 'Ab12Cd34e'))

  test('no credentials anywhere', () =>
    withEndpoint(async (args, endpoint) => {
      for (const name of Object.keys(CREDENTIALS)) vi.stubEnv(name, undefined)
      const { code, stderr } = await rolecast([...args, ...groupsOf('admins')])
      expect(code).toBe(2)
      expect(stderr).toMatch(/AWS_PROFILE.* \[no-credentials\]\n$/)
      expect(endpoint.requests).toEqual([])
    }))
})

describe('who asks, and for which region', () => {
  /** An endpoint that knows every group, and its callers' signatures. */
  async function signing(
    args: readonly string[],
    env: Readonly<Record<string, string>>,
    run: (args: readonly string[]) => Promise<Ended> = rolecast,
  ) {
    stubAws({ HOME: command.home, ...env })
    const signatures: string[] = []
    const server = createServer((req, res) => {
      signatures.push(String(req.headers.authorization))
      res
        .setHeader('content-type', 'application/x-amz-json-1.1')
        .end(JSON.stringify({ Group: { GroupName: 'admins', Precedence: 0, RoleArn: 'R' } }))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const ended = await run([
      'predict',
      '--user-pool-id',
      userPoolId,
      '--endpoint-url',
      url,
      '--group',
      'admins',
      ...args,
    ])
    server.close()
    return {
      ...ended,
      signer: signatures.map(signature =>
        signature.replace(/^.*Credential=(\w+)\/\d{8}\/([\w-]+)\/cognito-idp\/.*$/, '$1 $2'),
      ),
    }
  }

  /** A home with these files of the AWS CLI. */
  async function configured(): Promise<string> {
    const home = await mkdtemp(join(folder, 'home-'))
    await mkdir(join(home, '.aws'))
    await writeFile(join(home, '.aws/config'), CONFIG)
    await writeFile(join(home, '.aws/credentials'), CREDENTIALS_FILE)
    return home
  }
  const CONFIG = '[profile work]\nregion = ap-southeast-2\n[profile half]\nregion = ap-southeast-2\n'
  const CREDENTIALS_FILE = `[default]\naws_access_key_id = AKIADEFAULT\naws_secret_access_key = ${SECRET}\n[work]\naws_access_key_id = AKIAWORK\naws_secret_access_key = ${SECRET}\n`

  test('the environment, and the region of the pool', async () => {
    expect(await signing([], CREDENTIALS)).toMatchObject({ code: 0, signer: ['AKIAENVIRONMENT eu-west-1'] })
  })

  test('the region of the pool comes before that of the environment', async () => {
    expect(await signing([], { ...CREDENTIALS, AWS_REGION: 'us-west-2' })).toMatchObject({
      code: 0,
      signer: ['AKIAENVIRONMENT eu-west-1'],
    })
  })

  test('--region comes before both', async () => {
    expect(await signing(['--region', 'us-east-2'], { ...CREDENTIALS, AWS_REGION: 'us-west-2' })).toMatchObject({
      code: 0,
      signer: ['AKIAENVIRONMENT us-east-2'],
    })
  })

  test('--profile', async () => {
    expect(await signing(['--profile', 'work'], { HOME: await configured() })).toMatchObject({
      code: 0,
      signer: ['AKIAWORK eu-west-1'],
    })
  })

  test('without --profile the default profile, or AWS_PROFILE', async () => {
    const HOME = await configured()
    expect(await signing([], { HOME })).toMatchObject({ signer: ['AKIADEFAULT eu-west-1'] })
    expect(await signing([], { HOME, AWS_PROFILE: 'work' })).toMatchObject({ signer: ['AKIAWORK eu-west-1'] })
  })

  test('--profile comes before the environment', async () => {
    const HOME = await configured()
    expect(await signing(['--profile', 'work'], { HOME, AWS_PROFILE: 'default' })).toMatchObject({
      code: 0,
      signer: ['AKIAWORK eu-west-1'],
    })
    // The SDK warns of two sources of credentials on stderr, and takes the right one.
    const env = { HOME, ...CREDENTIALS }
    expect(await signing(['--profile', 'work'], env, args => command.run(args, { env }))).toMatchObject({
      code: 0,
      signer: ['AKIAWORK eu-west-1'],
    })
  })

  test.each(['nobody', 'half'])(
    'a profile that has no credentials (%s) is a failure, though others have',
    async profile => {
      const { code, stdout, stderr, signer } = await signing(['--profile', profile], { HOME: await configured() })
      expect({ code, stdout, signer }).toEqual({ code: 2, stdout: '', signer: [] })
      expect(stderr).toMatch(/ \[no-credentials\]\n$/)
    },
  )
})
