import { readFile } from 'node:fs/promises'
import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test, vi } from 'vitest'
import { CONCERN_NAMES } from '../../src/audit/concerns.js'
import { SEMANTICS } from '../../src/claims/decide.js'
import { EVIDENCE_TABLE } from '../../src/claims/evidence.js'
import { OVERRIDE_TEXTS } from '../../src/claims/override-texts.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import { RULE_TEXTS } from '../../src/claims/rule-texts.js'
import { SELECTION_TEXTS } from '../../src/credentials/selection-texts.js'
import { ERROR_TEXTS } from '../../src/error-texts.js'
import { TOPICS, topicsText } from '../../src/report/topics.js'
import { RULES } from '../../src/rules/catalogue.js'
import { inProcess } from './command.js'

const NAMES = [
  ...RULES.flatMap(({ id, slug }) => [id, slug]),
  ...Object.keys(RULE_TEXTS),
  ...Object.keys(OVERRIDE_TEXTS),
  ...Object.keys(SELECTION_TEXTS),
  ...SEMANTICS,
  ...CONCERN_NAMES,
  ...Object.keys(ERROR_TEXTS),
  // Outcomes and evidence, and what the outputs of SQL, CDK and GitLab have in place of a rule.
  'resolved',
  'none',
  'ambiguous',
  'undetermined',
  'inferred',
  'calibrated',
  'unknown',
  'unreadable-template',
  'not-read',
]

describe('rolecast explain', () => {
  test('explains every name that an output shows, in any case, without a network', async () => {
    const fetched = vi.spyOn(globalThis, 'fetch')
    for (const name of NAMES) {
      const { code, stdout, stderr } = await inProcess(['explain', name.toUpperCase()])
      expect({ name, code, stderr }).toEqual({ name, code: 0, stderr: '' })
      expect(stdout.split('\n', 1)[0]).toContain(name)
    }
    expect(fetched).not.toHaveBeenCalled()
    expect(NAMES.length).toBeGreaterThan(170)
  }, 60_000)

  test('a rule of the ID token: AWS’s sentence, what tokens show, what to do, and an example', async () => {
    expect((await inProcess(['explain', 'conflicting-roles'])).stdout).toBe(`conflicting-roles (a rule of the ID token)
Two or more groups share the lowest number of all groups with a role, and their roles differ. There is no cognito:preferred_role, and Cognito does not consult the group with the next number.

AWS says: "If the two groups have different role ARNs, the cognito:preferred_role claim isn’t set in users’ tokens."
See https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html

How it is known: A tie of two is observed in a real token, and documented by AWS. A tie of three or more is inferred.

What to do: Give the groups different numbers. Until then the identity pool takes its fallback for these users: the authenticated role, or a denial.

Example: a user in these groups
  a  precedence 5  arn:aws:iam::111122223333:role/Alpha
  b  precedence 5  arn:aws:iam::111122223333:role/Beta
  c  precedence 9  arn:aws:iam::111122223333:role/Gamma
gets an ID token with
  cognito:groups          a, b, c
  cognito:roles           arn:aws:iam::111122223333:role/Alpha, arn:aws:iam::111122223333:role/Beta, arn:aws:iam::111122223333:role/Gamma
  cognito:preferred_role  not set
`)
  })

  test('an error code: what it means, its usual cause, and what to do on the command line and in code', async () => {
    const { stdout } = await inProcess(['explain', 'no-region'])
    const { means, cause, next } = ERROR_TEXTS['no-region']
    for (const words of [means, cause, next.library, next.commandLine!]) expect(stdout).toContain(words)
    const { stdout: ofLibrary } = await inProcess(['explain', 'store-failed'])
    expect(ofLibrary).toContain('Only the library fails with it.')
  })

  test('evidence, the rule of a query and a rule as CDK names it have their pages', async () => {
    for (const name of ['observed', 'documented'])
      expect((await inProcess(['explain', name])).stdout).toContain(`${name} (a kind of evidence)\n`)
    const { stdout } = await inProcess(['explain', 'invalid-input'])
    expect(stdout).toContain('invalid-input (a rule in the result of rolecast sql)\n')
    expect(stdout).toContain('invalid-input (an error code)\n')
    for (const name of ['rolecast::COG101', 'Rolecast::unreadable-template'])
      expect((await inProcess(['explain', name])).stdout).toBe(
        (await inProcess(['explain', name.slice('rolecast::'.length)])).stdout,
      )
  })

  test('a name of two things has both pages', async () => {
    const { stdout } = await inProcess(['explain', 'no-credentials'])
    expect(stdout).toContain('no-credentials (a finding of rolecast audit), warning\n')
    expect(stdout).toContain('\n\nno-credentials (an error code)\n')
  })

  test('without a name lists all, in sections', async () => {
    const { code, stdout } = await inProcess(['explain'])
    expect(code).toBe(0)
    const sections = stdout.trimEnd().split('\n\n')
    expect(sections).toHaveLength(8)
    for (const section of sections) {
      const [heading, ...rows] = section.split('\n')
      expect(heading).toMatch(/^[A-Z]/)
      for (const row of rows) expect(row).toMatch(/^ {2}\S+ {2,}/)
    }
    const listed = [...stdout.matchAll(/^ {2}(\S+)/gm)].map(([, name]) => name)
    expect(listed).toEqual(TOPICS.map(({ id, name }) => id ?? name))
  })

  test.each([
    ['conflicting-rolls', 'did you mean `conflicting-roles`?'],
    ['no-credential', 'did you mean `no-credentials`?'],
    ['tie-diferent-roles', 'did you mean `tie-different-roles`?'],
    ['COG999', 'run `rolecast explain` to list them'],
    ['__proto__', 'run `rolecast explain` to list them'],
  ])('rejects %s and says what to do: %s', async (name, next) => {
    expect(await inProcess(['explain', name])).toEqual({
      code: 2,
      stdout: '',
      stderr: `rolecast: \`${name}\` is neither a rule nor an error code; ${next} [invalid-argument]\n`,
    })
  })

  test('--json and --format json are one, of one name and of all', async () => {
    for (const args of [['conflicting-roles'], []]) {
      const { stdout } = await inProcess(['explain', ...args, '--json'])
      expect((await inProcess(['explain', ...args, '--format', 'json'])).stdout).toBe(stdout)
      const { topics } = JSON.parse(stdout) as { topics: readonly { readonly name: string }[] }
      expect(topics.map(({ name }) => name)).toEqual(args.length > 0 ? args : TOPICS.map(({ name }) => name))
    }
  })
})

describe('the texts', () => {
  test('the example of each rule of the ID token is decided by that rule', () => {
    for (const [rule, { example }] of Object.entries(RULE_TEXTS)) expect(resolveRoles(example).rule).toBe(rule)
  })

  test('name each evidence that the rule can have', () => {
    for (const [rule, rows] of Object.entries(EVIDENCE_TABLE))
      for (const { evidence } of rows)
        expect({ rule, known: RULE_TEXTS[rule as keyof typeof RULE_TEXTS].known.toLowerCase() }).toEqual({
          rule,
          known: expect.stringContaining(evidence),
        })
  })

  test('name an option of the library to readers of the library only', () => {
    for (const [code, { next }] of Object.entries(ERROR_TEXTS))
      expect({ code, text: next.commandLine ?? '' }).toEqual({
        code,
        text: expect.not.stringMatching(/`[a-z]+[A-Z]\w*`/),
      })
    expect(ERROR_TEXTS.throttled.next.library, 'control').toMatch(/`[a-z]+[A-Z]\w*`/)
  })

  test('name options that some command has', async () => {
    const texts = Object.values(ERROR_TEXTS).map(({ next }) => next.commandLine ?? '')
    const options = new Set(texts.flatMap(text => text.match(/(?<![\w-])--[a-z][a-z-]+/g) ?? []))
    const commands = ['predict', 'audit pool', 'calibrate', 'impact', 'verify']
    const helps = await Promise.all(commands.map(async one => (await inProcess([...one.split(' '), '--help'])).stdout))
    const foreign = new Set(['--help', '--verbose', '--max-results'])
    for (const option of options) if (!foreign.has(option)) expect(helps.join('\n')).toContain(option)
    expect(options.size).toBeGreaterThan(6)
  })

  test('stand in docs/errors.md, which is written from them', async () => {
    const page = await readFile('docs/errors.md', 'utf8')
    for (const [code, { means }] of Object.entries(ERROR_TEXTS)) expect(page).toContain(`### ${code}\n\n${means}`)
  })
})

describe('in a terminal', () => {
  test('no line is wider than the terminal, unless it is an example or one word is', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 200 }), fc.constantFrom(...TOPICS), (columns, topic) => {
        for (const line of topic
          .page(columns)
          .split('\n')
          .filter(one => !one.startsWith(' ')))
          expect(stringWidth(line) <= columns || !line.trim().includes(' ')).toBe(true)
        expect(topic.page(columns).replace(/\s+/g, ' ')).toBe(topic.page(undefined).replace(/\s+/g, ' '))
      }),
    )
  })

  test('the list fits too, with hanging titles', () => {
    const lines = topicsText(80).split('\n')
    expect(Math.max(...lines.map(line => stringWidth(line)))).toBeLessThanOrEqual(80)
    expect(
      Math.max(
        ...topicsText(undefined)
          .split('\n')
          .map(line => stringWidth(line)),
      ),
      'control',
    ).toBeGreaterThan(80)
  })
})
