import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createCommandWatch, withoutCommands } from '../../src/report/github-log.js'
import { inProcess } from './command.js'
import { role } from './pool.js'

/** The commands of a runner, in short: what they are does not matter. */
const REGISTERED = new Set(['stop-commands', 'add-mask', 'error', 'warning', 'notice', 'debug', 'group', 'echo'])

/** .NET trims these, and ignores zero-width characters where it compares text by the rules of a culture. */
const BLANK = /^[\t-\r \u0085\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/
const IGNORED = /[\u00ad\u200b-\u200f\u2060\ufeff]/g

/**
 * The commands that a runner finds in a log, written after its source. It runs with and without the rules of a culture, so
 * a line counts if it is a command in either.
 *
 * @see https://github.com/actions/runner/blob/main/src/Runner.Common/ActionCommand.cs
 */
function commandsIn(log: string): readonly string[] {
  return log.split(/\r\n|\r|\n/).filter(line => {
    const trimmed = line.replace(BLANK, '')
    const name = (info: string) => info.split(' ', 1)[0]!
    const starts = (text: string) => text.startsWith('::') || text.replace(IGNORED, '').startsWith('::')
    const end = trimmed.indexOf('::', 2)
    if (starts(trimmed) && end >= 0 && REGISTERED.has(name(trimmed.slice(2, end)))) return true
    for (const found of line.matchAll(/#[\u00ad\u200b-\u200f\u2060\ufeff]*#[\u00ad\u200b-\u200f\u2060\ufeff]*\[/g)) {
      const close = line.indexOf(']', found.index)
      if (close >= 0 && REGISTERED.has(name(line.slice(found.index + 3, close)))) return true
    }
    return false
  })
}

const ATTACKS = [
  '::stop-commands::token',
  '\u3000::stop-commands::token',
  '\u00a0::add-mask::x',
  '##[add-mask]x',
  'x##[error]y',
  '##[group]',
  '::error',
  'a\r\n::error::b',
  'a\n ::notice file=x::y',
  '::::stop-commands::x',
  '###[error]x',
  ' \u2028\u3000::stop-commands::token',
]

describe('the runner', () => {
  test.each([
    '::stop-commands::t',
    '  ::error file=a,line=1::b',
    'x##[add-mask]y',
    'first\r\n\u3000::debug::z',
    '##[group]',
  ])('control: finds a command in %j', log => expect(commandsIn(log)).toHaveLength(1))

  test.each(['x::error::y', '::nothing::x', '::error', '## [error]', 'arn:aws:iam::1:role/::error::'])(
    'control: finds none in %j',
    log => expect(commandsIn(log)).toEqual([]),
  )
})

const texts = fc
  .array(
    fc.oneof(
      fc.constantFrom(...ATTACKS, '::', ':', '##', '#', '[', ']', ' ', '\n', '\r', '\t', '\u2028', '\u200b', '\u00ad'),
      fc.constantFrom(...[...REGISTERED].map(name => `${name}::`), ...[...REGISTERED].map(name => `${name}]`)),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 8 },
  )
  .map(parts => parts.join(''))

describe('text for people', () => {
  test('has no command, whatever was in it', () => {
    fc.assert(
      fc.property(texts, some => {
        expect(commandsIn(withoutCommands(some))).toEqual([])
        expect(withoutCommands(some).replaceAll('\u200b', '')).toBe(some.replaceAll('\u200b', ''))
      }),
      { numRuns: 2_000 },
    )
    expect(
      fc.check(fc.property(texts, some => expect(commandsIn(some)).toEqual([]))).failed,
      'control: it had some before',
    ).toBe(true)
  })

  test('is left as it is where nothing begins a command', () => {
    for (const some of ['', 'a::b', `${role('A')} ## x\n  # [x]\n`, ':\n:\n', '#', 'arn:aws:iam::1'])
      expect(withoutCommands(some)).toBe(some)
  })
})

describe('data for programs', () => {
  test('is watched for the start of a command, however it is cut', () => {
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 5 }), (some, size) => {
        const watch = createCommandWatch()
        const pieces = some.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
        const isSeen = pieces.map(piece => watch(piece)).includes(true)
        if (commandsIn(some).length > 0) expect(isSeen).toBe(true)
        expect(isSeen).toBe(createCommandWatch()(some))
      }),
      { numRuns: 2_000 },
    )
  })
})

let folder: string
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'rolecast-github-'))))
afterAll(() => rm(folder, { recursive: true }))

/** Commands of each kind, and what they print, in which every name is an attack. */
async function runs(): Promise<readonly (readonly [kind: string, args: readonly string[]])[]> {
  const file = async (name: string, content: string) => {
    const path = join(folder, name)
    await writeFile(path, content)
    return path
  }
  // What Cognito accepts as the name of a group; of a username, an operator may have any file.
  const names = ATTACKS.filter(name => /^\S+$/.test(name))
  const groups = names.map((name, index) => ({
    GroupName: name,
    Precedence: index % 3,
    RoleArn: role(`role-${index}`),
  }))
  const pool = await file('pool.json', JSON.stringify({ Groups: groups }))
  const users = await file(
    'users.ndjson',
    ATTACKS.map((username, index) =>
      JSON.stringify({ username, groups: [names[index % names.length], '##[error]'] }),
    ).join('\n'),
  )
  const template = await file(
    'template.json',
    JSON.stringify({
      Resources: {
        Pool: { Type: 'AWS::Cognito::UserPool' },
        ...Object.fromEntries(
          ATTACKS.map((name, index) => [
            `G${index}`,
            {
              Type: 'AWS::Cognito::UserPoolGroup',
              Properties: {
                UserPoolId: { Ref: 'Pool' },
                GroupName: name,
                Precedence: 1,
                RoleArn: `${role('A')}${name}`,
              },
            },
          ]),
        ),
      },
    }),
  )
  const audit = ['audit', 'pool', '--pool-file', pool, '--memberships', users, '--format']
  const impact = [
    'impact',
    '--pool-file',
    pool,
    '--memberships',
    users,
    '--set',
    `${names[0]}.roleArn=none`,
    '--format',
  ]
  const predict = ['predict', '--pool-file', pool, ...ATTACKS.flatMap(name => ['--group', name])]
  const validate = ['validate', '--no-config', template, '--format']
  return [
    ...['text', 'json', 'ndjson', 'csv', 'html'].map(format => [`audit ${format}`, [...audit, format]] as const),
    ...['text', 'json', 'ndjson'].map(format => [`impact ${format}`, [...impact, format]] as const),
    ...['text', 'json', 'sarif', 'junit', 'github'].map(
      format => [`validate ${format}`, [...validate, format]] as const,
    ),
    ['predict text', predict],
    ['predict json', [...predict, '--json']],
    ...ATTACKS.map(name => [`explain ${JSON.stringify(name)}`, ['explain', name]] as const),
    ...ATTACKS.map(name => [`the command ${JSON.stringify(name)}`, [name]] as const),
    ...ATTACKS.map(name => [`the option ${JSON.stringify(name)}`, ['predict', `--${name}`]] as const),
    ...ATTACKS.map(name => [`the file ${JSON.stringify(name)}`, ['validate', '--no-config', `${name}/x`]] as const),
  ]
}

test('in a workflow nothing that is printed is a command, but for the annotations and names in CSV, which are told of', async () => {
  let before = 0
  for (const [what, args] of await runs()) {
    const { stdout, stderr } = await inProcess(args, { isGithubLog: true })
    const outside = await inProcess(args)
    expect({ what, found: commandsIn(stderr) }).toEqual({ what, found: [] })
    before += commandsIn(outside.stdout).length + commandsIn(outside.stderr).length
    if (what === 'audit csv') {
      expect(stdout, 'data is what it is anywhere').toBe(outside.stdout)
      expect(commandsIn(stdout).length).toBeGreaterThan(0)
      expect(stderr).toMatch(
        /^rolecast: a name on stdout looks like a command to GitHub Actions;[^\n]*--output FILE\n(rolecast: CSV cannot say [^\n]*\n)$/,
      )
      expect(outside.stderr, 'and nothing else').toMatch(/^rolecast: CSV cannot say [^\n]*\n$/)
    } else if (what === 'validate github') {
      const found = commandsIn(stdout)
      expect(found.length).toBeGreaterThan(0)
      for (const line of found) expect(line).toMatch(/^::(error|warning|notice) file=[^:]+::/)
    } else {
      expect({ what, found: commandsIn(stdout) }).toEqual({ what, found: [] })
    }
    if (/ (json|ndjson|sarif|junit|html)$/.test(what)) expect(stdout).toBe(outside.stdout)
    expect(stdout.replaceAll('\u200b', '')).toBe(outside.stdout)
  }
  expect(before, 'control: outside of a workflow there are some').toBeGreaterThan(5)
})

test('data in a file is not looked at', async () => {
  const [, args] = (await runs()).find(([what]) => what === 'audit csv')!
  const ended = await inProcess([...args, '--output', join(folder, 'out.csv')], { isGithubLog: true })
  expect(ended).toEqual({ code: 0, stdout: '', stderr: '' })
})
