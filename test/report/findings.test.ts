import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import addFormats from 'ajv-formats'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { RULES } from '../../src/rules/catalogue.js'
import type { Finding } from '../../src/rules/finding.js'
import type { Severity } from '../../src/severity.js'
import type { Location } from '../../src/rules/infrastructure.js'
import {
  exitCodeOf,
  fails,
  type FindingsReport,
  isComplete,
  relocate,
  summaryOf,
} from '../../src/report/findings-report.js'
import { findingsJson } from '../../src/report/findings-json.js'
import { findingsText } from '../../src/report/findings-text.js'
import { findingsGithub } from '../../src/report/findings-github.js'
import { findingsJunit } from '../../src/report/findings-junit.js'
import { ruleMarkdown, ruleText } from '../../src/report/rule-page.js'
import { findingsSarif } from '../../src/report/findings-sarif.js'

const at = (line: number, more: Partial<Location> = {}): Location => ({
  path: 'infra/auth.yaml',
  line,
  column: 3,
  endLine: line,
  endColumn: 9,
  ...more,
})

function finding(more: Partial<Finding> = {}): Finding {
  return {
    ruleId: 'COG101',
    slug: 'tie-different-roles',
    severity: 'error',
    message: '`admins` and `editors` both have precedence 1.',
    fix: 'Give each its own.',
    pool: 'Pool',
    groups: ['admins', 'editors'],
    resources: ['Admins', 'Editors'],
    location: at(2, { construct: 'Admins' }),
    related: [{ message: 'group `editors`', location: at(5) }],
    key: '["COG101","Pool","admins","editors"]',
    ...more,
  }
}

const suppressed = finding({ suppressed: { reason: 'intended', location: { path: 'infra/auth.yaml', line: 1 } } })
const baselined = finding({ suppressed: { reason: 'in the baseline', location: { path: 'baseline.json' } } })

const coverage = { pools: 1, groups: 2, attachments: 0, rolesChecked: 1, rolesNotChecked: 1 }
const COVERAGE = '1 pool, 2 groups, 0 role attachments, 2 roles, 1 trust policy checked\n'

function report(findings: readonly Finding[], more: Partial<FindingsReport> = {}): FindingsReport {
  return {
    findings,
    read: ['infra/auth.yaml'],
    coverage,
    skipped: [],
    notRead: [],
    unrelated: [],
    failOn: 'error',
    allowSkipped: false,
    strict: false,
    ...more,
  }
}

const NASTY = [
  '__proto__',
  'a,b:c%',
  '<b>&"\'',
  'x\r\n::error::y',
  '\u001b[31m\u0007\u0085',
  '\u202eevil',
  '\ud800',
  '管理者-é-🙂',
  ']]>',
  '',
]
const nasty = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: 'binary', maxLength: 12 }))
const locations: fc.Arbitrary<Location> = fc.record({
  path: fc.oneof(
    fc.constantFrom('infra/auth.yaml', '-', 'eu-west-1_Ab12Cd34e', 'a b/ü#?%.yaml', '/abs/x.tf'),
    nasty.filter(path => path !== ''),
  ),
  line: fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined }),
  column: fc.option(fc.integer({ min: 1, max: 300 }), { nil: undefined }),
  endLine: fc.constant(undefined),
  endColumn: fc.constant(undefined),
  construct: fc.option(nasty, { nil: undefined }),
})
const findings: fc.Arbitrary<Finding> = fc.record({
  ruleId: fc.constantFrom('COG101', 'COG193', 'COG172'),
  slug: fc.constant('a-slug'),
  severity: fc.constantFrom<Severity>('error', 'warning', 'note'),
  message: nasty,
  fix: nasty,
  impact: fc.option(nasty, { nil: undefined }),
  pool: nasty,
  groups: fc.array(nasty, { maxLength: 3 }),
  resources: fc.array(nasty, { maxLength: 2 }),
  location: locations,
  related: fc.array(fc.record({ message: nasty, location: locations }), { maxLength: 3 }),
  key: nasty,
  suppressed: fc.option(fc.record({ reason: nasty, location: locations }), { nil: undefined }),
})
const reports: fc.Arbitrary<FindingsReport> = fc.record({
  findings: fc.array(findings, { maxLength: 5 }),
  read: fc.array(nasty, { maxLength: 3 }),
  coverage: fc.constant(coverage),
  skipped: fc.array(fc.record({ path: nasty, why: nasty, isNamed: fc.boolean() }), { maxLength: 2 }),
  notRead: fc.array(fc.record({ path: nasty, why: nasty, next: nasty }), { maxLength: 2 }),
  unrelated: fc.array(fc.record({ path: nasty, why: nasty }), { maxLength: 2 }),
  failOn: fc.constantFrom('error', 'warning', 'note', 'never'),
  allowSkipped: fc.boolean(),
  strict: fc.boolean(),
})

describe('what fails a run', () => {
  test.each([
    ['error', 'error', true],
    ['warning', 'error', false],
    ['warning', 'warning', true],
    ['note', 'warning', false],
    ['note', 'note', true],
    ['error', 'never', false],
  ] as const)('a finding of severity %s with --fail-on %s: %s', (severity, failOn, expected) => {
    expect(fails(finding({ severity }), { failOn, strict: false })).toBe(expected)
    expect(fails({ ...suppressed, severity }, { failOn, strict: false })).toBe(false)
  })

  const skipped = [{ path: 'a.yaml', why: 'it is too large' }]
  const notRead = [{ path: 'seed.sh', why: 'it is a script', next: 'validate the pool' }]
  test.each([
    ['nothing', {}, 0, true],
    ['a file in a folder that cannot be read', { skipped }, 2, false],
    ['such a file, with --allow-skipped', { skipped, allowSkipped: true }, 0, false],
    ['such a file and no other, with --allow-skipped', { read: [], skipped, allowSkipped: true }, 2, false],
    [
      'a named one, with --allow-skipped',
      { skipped: [{ ...skipped[0]!, isNamed: true }], allowSkipped: true },
      2,
      false,
    ],
    ['a program that is not read', { notRead }, 0, false],
    ['a program that is not read, with --strict', { notRead, strict: true }, 1, false],
    ['an unknown value', { findings: [finding({ ruleId: 'COG190', severity: 'note' })] }, 0, false],
    [
      'the same, with --strict',
      { findings: [finding({ ruleId: 'COG190', severity: 'note' })], strict: true },
      1,
      false,
    ],
    [
      'the same with --strict, although --fail-on never',
      { findings: [finding({ ruleId: 'COG194', severity: 'warning' })], strict: true, failOn: 'never' },
      1,
      false,
    ],
    ['an error and a file that cannot be read', { findings: [finding()], skipped }, 2, false],
    ['an error', { findings: [finding()] }, 1, true],
    ['a note of another rule, with --strict', { findings: [finding({ severity: 'note' })], strict: true }, 0, true],
  ] as const)('%s: %j gives exit code %d; complete: %s', (_, given, code, complete) => {
    const some = report([], given)
    expect([exitCodeOf(some), isComplete(some)]).toEqual([code, complete])
  })

  test('is counted in the summary, and suppressed findings are counted separately', () => {
    expect(
      summaryOf(report([finding(), finding({ severity: 'note' }), finding({ severity: 'note' }), suppressed])),
    ).toBe('1 error, 2 notes and 1 suppressed, in 1 source')
    expect(summaryOf(report([], { read: ['a', 'b'] }))).toBe('nothing found, in 2 sources')
  })
})

describe('text', () => {
  const sources = new Map([['infra/auth.yaml', 'Resources:\n  Admins:\n    Type: x\n\n  Editors:\n']])
  const text = (...some: readonly Finding[]) => findingsText(report(some), { sources, color: false })

  test('has the location, the reason, the lines with a caret, the other group and the fix', () => {
    expect(text(finding())).toBe(`infra/auth.yaml:2:3  error  COG101 tie-different-roles  Admins
  \`admins\` and \`editors\` both have precedence 1.
    1 | Resources:
  > 2 |   Admins:
      |   ^^^^^^
    3 |     Type: x
  infra/auth.yaml:5:3  group \`editors\`
  fix: Give each its own.

1 error, in 1 source
${COVERAGE}`)
  })

  test('keeps what is suppressed visible, and what was skipped', () => {
    const shown = findingsText(
      report([suppressed, baselined], { skipped: [{ path: 'b.json', why: 'it is too large' }] }),
      { sources, color: false },
    )
    expect(shown).toBe(`suppressed infra/auth.yaml:2:3  COG101 tie-different-roles: intended (infra/auth.yaml:1)
suppressed infra/auth.yaml:2:3  COG101 tie-different-roles: in the baseline (baseline.json)

skipped b.json: it is too large

2 suppressed, in 1 source
${COVERAGE.trimEnd()}; not everything was looked at, or is known
`)
  })

  const frame = (line: string, location: Partial<Location>) => {
    const lines = findingsText(report([finding({ location: { path: 'x', line: 1, ...location }, related: [] })]), {
      sources: new Map([['x', line]]),
      color: false,
    }).split('\n')
    const [row, caret] = lines.slice(2, 4).map(one => one.replace(/^.*?\| /, ''))
    return { row: row!, marked: row!.slice(caret!.indexOf('^'), caret!.lastIndexOf('^') + 1) }
  }

  test('puts the caret below what it is about, behind tabs too', () => {
    expect(frame('\t\tAdmins: x', { column: 3, endColumn: 9 })).toEqual({ row: '    Admins: x', marked: 'Admins' })
    expect(frame('a: "\u0007", b: 1', { column: 12, endColumn: 13 }), 'and what is shown as a code point').toEqual({
      row: 'a: "\\u{7}", b: 1',
      marked: '1',
    })
  })

  test('takes wide characters as wide', () => {
    const lines = findingsText(report([finding({ location: { path: 'x', line: 1, column: 4, endColumn: 5 } })]), {
      sources: new Map([['x', '管理者x']]),
      color: false,
    }).split('\n')
    expect(lines[3]).toBe(`      | ${' '.repeat(6)}^`)
  })

  test('cuts a line that is too long, around the caret', () => {
    const { row, marked } = frame(`${'a'.repeat(5000)}HERE${'b'.repeat(1_000_000)}`, { column: 5001, endColumn: 5005 })
    expect(row.length).toBe(120)
    expect(marked).toBe('HERE')
  })

  test('shows the lines around one that is cut from their beginning', () => {
    const long = `"Groups": [${'x'.repeat(300)}HERE${'y'.repeat(300)}]`
    const [above, row, , below] = findingsText(
      report([finding({ location: { path: 'x', line: 2, column: 312, endColumn: 316 }, related: [] })]),
      { sources: new Map([['x', `"Pool": {${' '.repeat(80)}${'z'.repeat(200)}\n${long}\n}`]]), color: false },
    )
      .split('\n')
      .slice(2, 6)
    expect(above).toBe(`    1 | "Pool": {${' '.repeat(80)}${'z'.repeat(30)}…`)
    expect(row).toMatch(/^ {2}> 2 \| …x+HEREy+…$/)
    expect(below).toBe('    3 | }')
  })

  test('has no frame where there is no such line, and no text', () => {
    for (const location of [
      { path: 'infra/auth.yaml', line: 99 },
      { path: 'other', line: 1 },
      { path: 'infra/auth.yaml' },
    ]) {
      expect(text(finding({ location }))).not.toContain(' | ')
    }
    expect(text(finding()), 'control').toContain(' | ')
  })

  test('prints nothing that moves the cursor, whatever is in names and files', () => {
    fc.assert(
      fc.property(reports, fc.array(nasty, { maxLength: 6 }), (some, lines) => {
        const texts = new Map(['infra/auth.yaml', '-', '__proto__'].map(path => [path, lines.join('\n')]))
        const shown = findingsText(some, { sources: texts, color: false })
        expect(shown).not.toMatch(/(?!\n)\p{Cc}|[\u202a-\u202e\u2066\u2067]/u)
      }),
    )
  })

  test('control: a frame without care would', () => {
    expect(NASTY.join('')).toMatch(/(?!\n)\p{Cc}/u)
  })
})

describe('JSON', () => {
  test('has the findings as they are, what was looked at, and what was not', () => {
    const skipped = [{ path: 'a.yaml', why: 'it is too large' }]
    const notRead = [{ path: 'seed.sh', why: 'it is a script', next: 'validate the pool' }]
    const some = report([finding(), suppressed], { skipped, notRead })
    expect(JSON.parse(findingsJson(some))).toEqual({
      findings: [finding(), suppressed],
      complete: false,
      exitCode: 2,
      coverage,
      read: ['infra/auth.yaml'],
      skipped,
      notRead,
      unrelated: [],
      rulesOff: [],
    })
    expect(JSON.parse(findingsJson(report([])))).toMatchObject({ findings: [], complete: true, exitCode: 0 })
  })

  test('returns the text of any findings unchanged, and moves no cursor', () => {
    fc.assert(
      fc.property(reports, some => {
        const text = findingsJson(some)
        expect(text).not.toMatch(/(?!\n)\p{Cc}/u)
        const given = (JSON.parse(text) as FindingsReport).findings
        expect(given).toEqual(JSON.parse(JSON.stringify(some.findings)))
      }),
    )
  })
})

describe('SARIF', () => {
  const ajv = new Ajv({ strict: false })
  addFormats.default(ajv)
  // It is of draft 4, and has nothing that draft 7 reads in another way but for these two.
  const {
    $schema: _,
    id: __,
    ...schema
  } = JSON.parse(readFileSync('test/fixtures/sarif-schema-2.1.0.json', 'utf8')) as Record<string, unknown>
  const validates = ajv.compile(schema)
  const sarif = (some: FindingsReport) =>
    JSON.parse(findingsSarif(some, { rules: RULES, version: '1.2.3' })) as {
      runs: [{ tool: { driver: { rules: unknown[] } }; results: Result[] }]
    }
  interface Result {
    readonly ruleId: string
    readonly ruleIndex: number
    readonly locations: readonly [
      { readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } } },
    ]
    readonly partialFingerprints: Readonly<Record<string, string>>
    readonly suppressions: readonly { readonly kind: string; readonly justification: string }[]
    readonly relatedLocations: readonly unknown[]
  }
  const resultsOf = (...some: readonly Finding[]) => sarif(report(some)).runs[0].results

  test('is valid by the published schema, whatever the findings say', () => {
    fc.assert(
      fc.property(reports, some => {
        expect([validates(sarif(some)), validates.errors]).toEqual([true, null])
      }),
    )
  })

  test.each([
    [
      'a level that does not exist',
      (log: any) => {
        log.runs[0].results[0].level = 'fatal'
      },
    ],
    [
      'a line 0',
      (log: any) => {
        log.runs[0].results[0].locations[0].physicalLocation.region.startLine = 0
      },
    ],
    [
      'a URI that is none',
      (log: any) => {
        log.runs[0].results[0].locations[0].physicalLocation.artifactLocation.uri = 'a b'
      },
    ],
    [
      'a property that does not exist',
      (log: any) => {
        log.runs[0].results[0].extra = 1
      },
    ],
    [
      'another version',
      (log: any) => {
        log.version = '2.0.0'
      },
    ],
  ])('control: %s is not', (_, plant) => {
    const log = sarif(report([finding()]))
    expect(validates(log)).toBe(true)
    plant(log)
    expect(validates(log)).toBe(false)
  })

  test('says that the run failed where a file could not be read, and what else was not', () => {
    const invocation = (more: Partial<FindingsReport>) =>
      (sarif(report([], more)) as unknown as { runs: [{ invocations: [Invocation] }] }).runs[0].invocations[0]
    interface Invocation {
      readonly executionSuccessful: boolean
      readonly toolExecutionNotifications: readonly { readonly level: string; readonly message: { text: string } }[]
    }
    const skipped = [{ path: 'a.yaml', why: 'it is too large' }]
    const notRead = [{ path: 'seed.sh', why: 'it is a script', next: 'validate the pool' }]
    const failed = invocation({ skipped, notRead })
    expect(failed.executionSuccessful).toBe(false)
    expect(failed.toolExecutionNotifications.map(({ level, message }) => [level, message.text])).toEqual([
      ['error', 'could not be read: it is too large'],
      ['note', 'not read: it is a script; validate the pool'],
    ])
    const allowed = invocation({ skipped, allowSkipped: true })
    expect([allowed.executionSuccessful, allowed.toolExecutionNotifications[0]!.level]).toEqual([true, 'warning'])
    expect(invocation({ notRead }).executionSuccessful).toBe(true)
  })

  test('has the paths that a repository has', () => {
    const some = relocate(report([finding()]), path => `sub/${path}`)
    expect(sarif(some).runs[0].results[0]!.locations[0].physicalLocation.artifactLocation.uri).toBe(
      'sub/infra/auth.yaml',
    )
    expect(some.findings[0]!.related[0]!.location.path).toBe('sub/infra/auth.yaml')
    expect(some.read).toEqual(['sub/infra/auth.yaml'])
  })

  test('has the location of a file that cannot be read, under the path that a repository has', () => {
    const skipped = [{ path: 'a.yaml', why: '`a.yaml:3:7` cannot be used' }]
    const moved = relocate(report([], { skipped }), path => `sub/${path}`)
    expect(moved.skipped).toEqual([{ path: 'sub/a.yaml', why: '`sub/a.yaml:3:7` cannot be used' }])
    const run = sarif(moved).runs[0] as unknown as { invocations: [{ toolExecutionNotifications: object[] }] }
    expect(run.invocations[0].toolExecutionNotifications).toMatchObject([
      { locations: [{ physicalLocation: { artifactLocation: { uri: 'sub/a.yaml' }, region: { startLine: 3 } } }] },
    ])
    const other = [{ path: 'a.yaml', why: 'it is too large' }]
    expect(relocate(report([], { skipped: other }), path => `sub/${path}`).skipped[0]!.why).toBe('it is too large')
  })

  test('points from each result to its rule, with help', () => {
    const log = sarif(report([finding(), finding({ ruleId: 'COG193' })]))
    const { rules } = log.runs[0].tool.driver
    for (const { ruleId, ruleIndex } of log.runs[0].results)
      expect(rules[ruleIndex]).toMatchObject({
        id: ruleId,
        help: { text: expect.any(String) },
        helpUri: expect.stringMatching(/^https:/),
      })
  })

  test('has the other group of a tie, and a suppression with its kind', () => {
    expect(resultsOf(finding())[0]!.relatedLocations).toHaveLength(1)
    expect(
      resultsOf(finding(), suppressed, baselined).map(({ suppressions }) =>
        suppressions.map(({ kind, justification }) => [kind, justification]),
      ),
    ).toEqual([[], [['inSource', 'intended']], [['external', 'in the baseline']]])
  })

  test('has a fingerprint that moved lines do not change, and another group does', () => {
    const fingerprint = (one: Finding) => resultsOf(one)[0]!.partialFingerprints
    expect(fingerprint(finding({ location: at(99) }))).toEqual(fingerprint(finding()))
    expect(fingerprint(finding({ key: '["COG101","Pool","admins","users"]' }))).not.toEqual(fingerprint(finding()))
  })

  test.each([
    ['infra/a b#ü%.yaml', 'infra/a%20b%23%C3%BC%25.yaml'],
    ['c:x.yaml', 'c%3Ax.yaml'],
    ['../x.yaml', '../x.yaml'],
    ['/abs/a b.yaml', 'file:///abs/a%20b.yaml'],
    ['-', '-'],
    ['\ud800', '%EF%BF%BD'],
  ])('writes the path %s as the URI %s', (path, uri) => {
    expect(resultsOf(finding({ location: { path } }))[0]!.locations[0].physicalLocation.artifactLocation.uri).toBe(uri)
  })
})

describe('GitHub annotations', () => {
  test('name the location, the rule, the reason and the fix', () => {
    expect(findingsGithub(report([finding()]))).toBe(
      [
        '::error file=infra/auth.yaml,line=2,endLine=2,col=3,endColumn=9,title=COG101 tie-different-roles::`admins` and `editors` both have precedence 1. ' +
          'Give each its own. (see also infra/auth.yaml:5:3)',
        'rolecast: 1 error, in 1 source',
        `rolecast: ${COVERAGE}`,
      ].join('\n'),
    )
  })

  test('escape what would end them', () => {
    const [line] = findingsGithub(
      report([finding({ message: '100%\n::error::x', location: { path: 'a,b:c%.yaml' }, related: [] })]),
    ).split('\n')
    expect(line).toBe(
      '::error file=a%2Cb%3Ac%25.yaml,title=COG101 tie-different-roles::100%25\\u{a}::error::x Give each its own.',
    )
  })

  test('are the worst ten of a kind, and say how many more there are', () => {
    const many = (severity: Severity, count: number) => Array.from({ length: count }, () => finding({ severity }))
    const lines = findingsGithub(report([...many('warning', 12), ...many('error', 11), ...many('note', 2)]))
      .trimEnd()
      .split('\n')
    expect(lines.map(line => line.split(' ')[0])).toEqual([
      ...Array(10).fill('::error'),
      ...Array(10).fill('::warning'),
      '::notice',
      '::notice',
      'rolecast:',
      'rolecast:',
      'rolecast:',
    ])
    expect(lines.at(-1)).toBe(
      'rolecast: 1 more errors, 2 more warnings than GitHub annotates; `--format text` or `--format sarif` shows all',
    )
  })

  test('leave out suppressed findings', () => {
    expect(findingsGithub(report([suppressed]))).toBe(`rolecast: 1 suppressed, in 1 source\nrolecast: ${COVERAGE}`)
  })

  test('begin with the files that could not be read, since GitHub drops what is beyond its limit', () => {
    const skipped = [{ path: 'infra/a.yaml', why: 'it is too large' }]
    const many = Array.from({ length: 10 }, () => finding())
    const lines = findingsGithub(report(many, { skipped })).split('\n')
    expect(lines[0]).toBe('::error file=infra/a.yaml,title=rolecast%3A not read::could not be read: it is too large')
    expect(lines.filter(line => line.startsWith('::error'))).toHaveLength(10)
    expect(lines.at(-2)).toContain('1 more errors')
    const allowed = findingsGithub(report([], { skipped, allowSkipped: true }))
    expect(allowed).not.toContain('::error')
    expect(allowed).toContain(
      '::warning file=infra/a.yaml,title=rolecast%3A not read::could not be read: it is too large',
    )
    expect(allowed).toContain('rolecast: skipped infra/a.yaml: it is too large\n')
  })

  test('are never more commands than findings and files, whatever the findings say', () => {
    fc.assert(
      fc.property(reports, some => {
        const lines = findingsGithub(some).split('\n')
        expect(lines.filter(line => line.startsWith('::'))).toHaveLength(
          some.findings.filter(one => one.suppressed === undefined).length +
            some.skipped.length +
            (some.strict ? some.notRead.length : 0),
        )
        for (const line of lines)
          expect(line === '' || line.startsWith('rolecast: ') || /^::(error|warning|notice) [^:]*::/.test(line)).toBe(
            true,
          )
        expect(lines.join('')).not.toMatch(/\p{Cc}/u)
      }),
    )
  })
})

describe('JUnit', () => {
  test('has a case for each finding, and one that passes for a source without any', () => {
    const xml = findingsJunit(
      report([finding(), finding({ severity: 'note' }), suppressed], {
        read: ['infra/auth.yaml', 'clean.yaml'],
        skipped: [{ path: 'big.json', why: 'it is too large' }],
      }),
    )
    expect(xml).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="rolecast" tests="6" failures="1" errors="1" skipped="1">
  <testsuite name="rolecast" tests="1" failures="0" errors="0" skipped="0">
    <properties>
      <property name="complete" value="false"/>
      <property name="pools" value="1"/>
      <property name="groups" value="2"/>
      <property name="attachments" value="0"/>
      <property name="rolesChecked" value="1"/>
      <property name="rolesNotChecked" value="1"/>
    </properties>
    <testcase classname="rolecast" name="rolecast"></testcase>
  </testsuite>
  <testsuite name="infra/auth.yaml" tests="3" failures="1" errors="0" skipped="1">
    <testcase classname="infra/auth.yaml" name="COG101 tie-different-roles: Pool: admins editors" file="infra/auth.yaml" line="2"><failure type="error" message="\`admins\` and \`editors\` both have precedence 1.">infra/auth.yaml:2:3 error: \`admins\` and \`editors\` both have precedence 1. Give each its own.</failure></testcase>
    <testcase classname="infra/auth.yaml" name="COG101 tie-different-roles: Pool: admins editors" file="infra/auth.yaml" line="2"><system-out>infra/auth.yaml:2:3 note: \`admins\` and \`editors\` both have precedence 1. Give each its own.</system-out></testcase>
    <testcase classname="infra/auth.yaml" name="COG101 tie-different-roles: Pool: admins editors" file="infra/auth.yaml" line="2"><skipped message="intended"/></testcase>
  </testsuite>
  <testsuite name="clean.yaml" tests="1" failures="0" errors="0" skipped="0">
    <testcase classname="clean.yaml" name="rolecast" file="clean.yaml"></testcase>
  </testsuite>
  <testsuite name="big.json" tests="1" failures="0" errors="1" skipped="0">
    <testcase classname="big.json" name="rolecast" file="big.json"><error message="could not be read: it is too large"/></testcase>
  </testsuite>
</testsuites>
`)
  })

  /** Whether every character may stand in XML 1.0, every tag is closed, and every `&` and `<` is markup. */
  function isWellFormed(xml: string): boolean {
    if (/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u.test(xml)) return false
    const open: string[] = []
    const tags = /<\?xml [^<>?]*\?>|<(\/?)([\w-]+)((?: [\w-]+="[^"<]*")*)(\/?)>/g
    const rest = xml.replace(tags, (_, closes: string, name: string, _attributes: string, isEmpty: string) => {
      if (name === undefined) return ''
      if (closes === '/') return open.pop() === name ? '' : '<'
      if (isEmpty === '') open.push(name)
      return ''
    })
    return open.length === 0 && !/[<>]/.test(rest) && !/&(?!(?:amp|lt|gt|quot|#39|#10|#13|#9|#58|#35);)/.test(xml)
  }

  test('is well-formed XML, whatever the findings say', () => {
    fc.assert(
      fc.property(reports, some => {
        expect(isWellFormed(findingsJunit(some))).toBe(true)
      }),
    )
  })

  test.each(['<a>', '<a></b>', '<a>&</a>', '<a x="<"/>', '<a>\u0007</a>', '<a>\ud800</a>', '<a>]]></a>'])(
    'control: %j is not',
    xml => {
      expect(isWellFormed(xml)).toBe(false)
      expect(isWellFormed('<a x="&amp;">b<c/></a>')).toBe(true)
    },
  )
})

describe('the page of a rule', () => {
  test('says everything that the rule says, in plain text without links to a page', () => {
    for (const rule of RULES) {
      const plain = ruleText(rule)
      for (const part of [rule.id, rule.slug, rule.title, rule.what, rule.fix, rule.see]) expect(plain).toContain(part)
      expect(plain).not.toMatch(/\]\(#/)
      expect(ruleMarkdown(rule)).not.toMatch(/\]\(#/)
    }
  })
})
