import { Ajv } from 'ajv'
import * as fc from 'fast-check'
import { marked } from 'marked'
import { describe, expect, test } from 'vitest'
import { quote } from '../../src/errors.js'
import { findingsGitlab } from '../../src/report/findings-gitlab.js'
import { findingsMarkdown } from '../../src/report/findings-markdown.js'
import type { FindingsReport } from '../../src/report/findings-report.js'
import type { Finding } from '../../src/rules/finding.js'
import type { Severity } from '../../src/severity.js'
import { printable } from '../../src/text.js'

const KEY = '["COG101","Pool","admins","editors"]'

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
    location: { path: 'infra/auth.yaml', line: 2, column: 3, construct: 'Admins' },
    related: [{ message: 'group `editors`', location: { path: 'infra/auth.yaml', line: 5 } }],
    key: KEY,
    ...more,
  }
}

const suppressed = finding({ suppressed: { reason: 'intended', location: { path: 'infra/auth.yaml', line: 1 } } })

function report(findings: readonly Finding[], more: Partial<FindingsReport> = {}): FindingsReport {
  return {
    findings,
    read: ['infra/auth.yaml'],
    coverage: { pools: 1, groups: 2, attachments: 0, rolesChecked: 1, rolesNotChecked: 1 },
    skipped: [],
    notRead: [],
    unrelated: [],
    failOn: 'error',
    allowSkipped: false,
    strict: false,
    ...more,
  }
}

const ATTACKS = [
  '<img src=x onerror=alert(1)>',
  '<!-- ',
  '</code></td></table>',
  '![a](http://e.example/a.png)',
  '[a](javascript:alert(1))',
  '[a]: http://e.example',
  '@octocat',
  'a@e.example',
  'mailto:a@e.example',
  '#1',
  'http://e.example',
  'www.e.example',
  'WWW.e.example',
  '<http://e.example>',
  ' | a | b |',
  '\\|',
  '\\',
  '`',
  '``',
  '`` `',
  '**b**',
  '_b_',
  '~~b~~',
  '$a$',
  '\n\n# heading\n',
  '\r- item',
  '&lt;b&gt;',
  '&#64;octocat',
  '::error::x',
  '##[error]x',
  '\u202eevil',
  'שלום',
  '\ud800',
]
const nasty = fc
  .array(fc.oneof(fc.constantFrom(...ATTACKS), fc.string({ unit: 'binary', maxLength: 4 })), { maxLength: 4 })
  .map(parts => parts.join(''))
const locations = fc.record({
  path: nasty.map(path => `p${path}`),
  line: fc.option(fc.integer({ min: 1, max: 9 }), { nil: undefined }),
  construct: fc.option(nasty, { nil: undefined }),
})
const findings: fc.Arbitrary<Finding> = fc.record({
  ruleId: fc.constantFrom('COG101', 'COG104', 'COG190'),
  slug: fc.constant('a-slug'),
  severity: fc.constantFrom<Severity>('error', 'warning', 'note'),
  message: fc.oneof(
    nasty,
    nasty.map(name => `${quote(name)} and \`${name}\` tie.`),
  ),
  impact: fc.option(nasty, { nil: undefined }),
  fix: fc.array(nasty.map(quote), { maxLength: 3 }).map(names => names.join(' and ')),
  pool: nasty,
  groups: fc.array(nasty, { maxLength: 2 }),
  resources: fc.constant([]),
  location: locations,
  related: fc.array(fc.record({ message: nasty, location: locations }), { maxLength: 7 }),
  key: nasty,
  suppressed: fc.option(fc.record({ reason: nasty, location: locations }), { nil: undefined }),
})
const reports: fc.Arbitrary<FindingsReport> = fc
  .record({
    findings: fc.array(findings, { maxLength: 4 }),
    skipped: fc.array(fc.record({ path: nasty, why: nasty, isNamed: fc.boolean() }), { maxLength: 2 }),
    notRead: fc.array(fc.record({ path: nasty, why: nasty, next: nasty }), { maxLength: 2 }),
    failOn: fc.constantFrom('error', 'warning', 'note', 'never'),
    strict: fc.boolean(),
  })
  .map(({ findings: all, ...more }) => report(all, more))

interface Page {
  readonly html: string
  readonly rows: readonly (readonly string[])[]
  /** The elements that this page has no use for, and what GitHub would make a link of in its text. */
  readonly strays: readonly string[]
}

const ELEMENTS = new Set('h2 h3 p strong code ul li br table thead tbody tr th td'.split(' '))

/** What a reader of the Markdown gets. */
function rendered(markdown: string): Page {
  const html = marked.parse(markdown, { gfm: true, async: false })
  const elements = [...html.matchAll(/<\/?([a-z][a-z0-9]*)([^>]*)>|<!--/gi)]
  const strays = elements.filter(([, name, rest]) => name === undefined || !ELEMENTS.has(name) || rest !== '')
  const plain = html.replace(/<code>.*?<\/code>/gs, '').replace(/<[^>]*>/g, '\n')
  return {
    html,
    rows: [...html.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row]) =>
      [...row!.matchAll(/<td>(.*?)<\/td>/gs)].map(([, cell]) => textOf(cell!)),
    ),
    strays: [
      ...strays.map(([tag]) => tag),
      ...(textOf(plain).match(
        /@\w[\w-]*|#\d+|\b(?:https?|ftp|mailto|xmpp):(?![\u200b\s]|$)\S*|\bwww\.(?!\u200b)\S+/gi,
      ) ?? []),
    ],
  }
}

const NAMED: Readonly<Record<string, string>> = { lt: '<', gt: '>', quot: '"', amp: '&' }

function textOf(html: string): string {
  return html
    .replace(/<br>/g, '\n')
    .replace(/<[^>]*>/g, '')
    .replace(/&(?:#(\d+)|(\w+));/g, (all, code: string | undefined, name: string) =>
      code === undefined ? (NAMED[name] ?? all) : String.fromCodePoint(Number(code)),
    )
}

/** A name as a person reads it: the zero-width spaces of the page are not seen, and spaces at the ends neither. */
const seen = (text: string) => text.replaceAll('\u200b', '').replace(/\s+/g, ' ').trim()

describe('Markdown', () => {
  test('says what fails the run, what was found, and what to do next', () => {
    const page = rendered(
      findingsMarkdown(report([finding({ severity: 'note', impact: 'No role.' }), finding(), suppressed])),
    )
    expect(page.html).toContain('<h2>rolecast: 1 error, 1 note and 1 suppressed, in 1 source</h2>')
    expect(page.html).toContain('<strong>1 finding fails the run.</strong> Exit code 1.')
    expect(page.html).toContain('Looked at: 1 pool, 2 groups, 0 role attachments, 2 roles, 1 trust policy checked.')
    expect(page.rows.slice(1).map(row => row.map(seen))).toEqual([
      [
        'error',
        'COG101 tie-different-roles',
        'infra/auth.yaml:2:3 Admins',
        'admins and editors both have precedence 1. See also infra/auth.yaml:5.',
        'Give each its own.',
      ],
      [
        'note',
        'COG101 tie-different-roles',
        'infra/auth.yaml:2:3 Admins',
        'admins and editors both have precedence 1. No role. See also infra/auth.yaml:5.',
        'Give each its own.',
      ],
    ])
    expect(page.html).toContain('intended (<code>infra/auth.yaml&#58;1</code>)')
    expect(page.html).toContain('<code>npx rolecast explain COG101</code>')
    expect(page.strays).toEqual([])
  })

  const skipped = [{ path: 'a.yaml', why: 'it is too large' }]
  const notRead = [{ path: 'seed.sh', why: 'it is a script', next: 'validate the pool' }]
  test.each([
    ['nothing found', {}, 'No finding of severity <code>error</code> or above.</strong> Exit code 0', false],
    ['--fail-on never', { failOn: 'never' }, 'No finding fails the run (<code>--fail-on never</code>)', false],
    [
      'a file that cannot be read',
      { skipped },
      'The run is incomplete: 1 file could not be read.</strong> Exit code 2',
      false,
    ],
    ['such a file, allowed', { skipped, allowSkipped: true }, 'Exit code 0', true],
    ['a program that is not read', { notRead }, 'Exit code 0', true],
    ['the same with --strict', { notRead, strict: true }, '<code>--strict</code> fails the run', false],
  ] satisfies [string, Partial<FindingsReport>, string, boolean][])('%s', (_, more, expected, isQualified) => {
    const { html } = rendered(findingsMarkdown(report([], more)))
    expect(html).toContain(expected)
    expect(html.includes('this is not a clean result')).toBe(isQualified)
    expect(html.includes('<h3>Not looked at</h3>')).toBe('skipped' in more || 'notRead' in more)
  })

  const unknown = (path: string) => finding({ ruleId: 'COG190', severity: 'note', location: { path, line: 1 } })
  const named = [{ ...skipped[0]!, isNamed: true }]
  const CORRECT = 'Correct the files that could not be read, or leave them out: --exclude PATH'
  const ALLOW = 'Pass although files in folders cannot be read: --allow-skipped'
  const STRICT = 'Fail the run for what was not looked at, or is not known: --strict'
  const PLAN = 'Show what Terraform computes: terraform show -json plan.out > plan.json, and validate plan.json'
  test.each([
    ['nothing found', [], {}, []],
    ['a file that cannot be read', [], { skipped }, [CORRECT, ALLOW]],
    ['such a file that was named', [], { skipped: named }, [CORRECT]],
    ['such a file, with --strict', [], { skipped, strict: true }, [CORRECT]],
    ['such a file, allowed', [], { skipped, allowSkipped: true }, [STRICT]],
    ['a program that is not read, with --strict', [], { notRead, strict: true }, []],
    ['a value of Terraform that is not known', [unknown('main.tf')], {}, [PLAN, STRICT]],
    ['a value of another template', [unknown('a.yaml')], {}, [STRICT]],
  ] satisfies [string, Finding[], Partial<FindingsReport>, string[]][])(
    'the next steps fit the run: %s',
    (_, some, more, steps) => {
      const { html } = rendered(findingsMarkdown(report(some, more)))
      const [, next = ''] = html.split('<h3>Next steps</h3>')
      const shown = [...next.matchAll(/<li>(.*?)<\/li>/gs)].map(([, step]) => textOf(step!))
      expect(shown.filter(step => !/^(?:Read|Suppress|Record)/.test(step))).toEqual(steps)
      const isIncomplete = html.includes('<h2>rolecast: incomplete: ')
      expect(isIncomplete).toBe(some.length > 0 || 'skipped' in more || 'notRead' in more)
    },
  )

  test('every finding is a row, and no name in it is markup, a link, a mention or a command', () => {
    fc.assert(
      fc.property(reports, given => {
        const markdown = findingsMarkdown(given)
        const page = rendered(markdown)
        const open = given.findings.filter(one => one.suppressed === undefined)
        expect(page.strays).toEqual([])
        expect(page.rows.slice(1).map(row => row.length)).toEqual(open.map(() => 5))
        expect(
          page.rows
            .slice(1)
            .map(row => seen(row[4]!))
            .toSorted(),
        ).toEqual(open.map(({ fix }) => seen(withoutFences(fix))).toSorted())
        expect(markdown).not.toMatch(/^\s*::|##\[/mu)
        expect(markdown.replaceAll('\n', '')).not.toMatch(/\p{Cc}|\u202e/u)
        expect(markdown.isWellFormed()).toBe(true)
      }),
    )
  })

  /** What is shown of quoted names. */
  const withoutFences = (text: string) =>
    text.replace(/(?<!`)(`{3,}) (.*?) \1(?!`)|(?<!`)`(?!`)([^`]+)`(?!`)/gs, (_, __, hard?: string, easy?: string) =>
      (hard ?? easy)!.replaceAll('\u200b', ''),
    )

  /** The names in code in the column that says what happens. */
  function namesIn(message: string): readonly string[] {
    const { html } = rendered(findingsMarkdown(report([finding({ message, related: [] })])))
    const cell = [...html.matchAll(/<td>(.*?)<\/td>/gs)][3]![1]!
    return [...cell.matchAll(/<code>(.*?)<\/code>/gs)].map(([, name]) => textOf(name!).replaceAll('\u200b', ''))
  }

  test('a name is shown whole in code, whatever is in it and in the names around it', () => {
    const names = fc.array(
      nasty.filter(name => name !== ''),
      { minLength: 1, maxLength: 4 },
    )
    fc.assert(
      fc.property(names, fc.constantFrom(' and ', ', not ``, '), (some, gap) => {
        expect(namesIn(`${some.map(quote).join(gap)} tie.`)).toEqual(some.map(printable))
      }),
    )
  })

  test.each(['a`[click](http://evil)`b', '``<img/src=x>``@octocat|x', '`', '``', '` `', 'מנהל'])('such as %s', name =>
    expect(namesIn(`${quote(name)} and ${quote('b')} tie.`)).toEqual([printable(name), 'b']),
  )

  test('control: a name between single backticks, which it has itself, is noticed', () =>
    expect(namesIn('`a`b` and `c` tie.')).not.toEqual(['a`b', 'c']))

  test.each(['<img src=x>', '![a](http://e.example/a.png)', '@octocat', '#1', 'http://e.example', 'www.e.example'])(
    'control: %s in a page that escapes nothing is noticed',
    attack => expect(rendered(`| a |\n| --- |\n| ${attack} |`).strays).not.toEqual([]),
  )

  test('control: a cell too many is noticed', () =>
    expect(rendered('| a | b |\n| --- | --- |\n| x | y | z |\n').rows[1]).not.toEqual(['x', 'y | z']))

  test('ends before the megabyte at which GitHub drops it, and says how much is left out', () => {
    const long = 'ü'.repeat(20_000)
    const many = Array.from({ length: 100 }, (_, index) =>
      finding({ severity: index === 99 ? 'error' : 'note', fix: `${index} ${long}` }),
    )
    const more = {
      skipped: Array.from({ length: 5_000 }, (_, index) => ({
        path: `file-${index}-${'x'.repeat(100)}.yaml`,
        why: 'it is too large',
      })),
    }
    const markdown = findingsMarkdown(
      report([...many, ...many.map(one => ({ ...one, suppressed: suppressed.suppressed! }))], more),
    )
    expect(Buffer.byteLength(markdown)).toBeLessThanOrEqual(1_000_000)
    const { rows, html } = rendered(markdown)
    const shown = rows.length - 1
    expect(shown).toBeGreaterThan(10)
    expect(rows[1]![0]).toBe('error')
    expect(html).toContain(`<strong>${100 - shown} more findings are left out of this page.</strong>`)
    const files = html.match(/skipped <code>file-/g)!.length
    expect(html).toContain(`<strong>${(5_000 - files).toLocaleString('en')} more are left out of this page.</strong>`)
    expect(html).toContain('<h3>Next steps</h3>')
    // The control: it is not that much in any case.
    expect(Buffer.byteLength(findingsMarkdown(report(many.slice(0, 10))))).toBeLessThan(500_000)
  })
})

interface Issue {
  readonly fingerprint: string
  readonly severity: string
  readonly check_name: string
  readonly location: { readonly path: string; readonly lines: { readonly begin: number } }
}
const issuesOf = (given: FindingsReport) => JSON.parse(findingsGitlab(given)) as readonly Issue[]

describe('Code Quality', () => {
  /**
   * What GitLab asks for.
   *
   * @see https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format
   */
  const isValid = new Ajv().compile({
    type: 'array',
    items: {
      type: 'object',
      required: ['description', 'check_name', 'fingerprint', 'severity', 'location'],
      properties: {
        description: { type: 'string' },
        check_name: { type: 'string', minLength: 1 },
        fingerprint: { type: 'string', minLength: 1 },
        severity: { enum: ['info', 'minor', 'major', 'critical', 'blocker'] },
        location: {
          type: 'object',
          required: ['path', 'lines'],
          properties: {
            // Relative to the repository, and not with `./`.
            path: { type: 'string', not: { pattern: '^\\./' } },
            lines: {
              type: 'object',
              required: ['begin'],
              properties: { begin: { type: 'integer', minimum: 1 } },
            },
          },
        },
      },
    },
  })

  test('has what GitLab asks for, and an issue for every open finding and for all that was not read', () => {
    fc.assert(
      fc.property(reports, given => {
        const issues = issuesOf(given)
        expect([isValid(issues), isValid.errors]).toEqual([true, null])
        const open = given.findings.filter(one => one.suppressed === undefined)
        expect(issues).toHaveLength(open.length + given.skipped.length + given.notRead.length)
      }),
    )
  })

  test.each(['infra/auth.yaml', 'a`b.yaml', 'ד.yaml'])(
    'a file that cannot be read has the line of its reason: %s',
    path => {
      const lineOf = (why: string) => issuesOf(report([], { skipped: [{ path, why }] }))[0]!.location.lines.begin
      expect(lineOf(`${quote(`${path}:3:7`)} cannot be used: a quote is missing`)).toBe(3)
      expect(lineOf(`${quote(path)} cannot be used: it is empty`)).toBe(1)
      expect(lineOf(`${quote(`${path}x:3:7`)} cannot be used`), 'control: of another file').toBe(1)
      expect(lineOf('line 3 is too long'), 'control: without a place').toBe(1)
    },
  )

  test('control: an issue without a line is invalid', () =>
    expect(isValid([{ ...issuesOf(report([finding()]))[0], location: { path: 'a' } }])).toBe(false))

  test('no two issues have the same fingerprint', () => {
    fc.assert(
      fc.property(reports, ({ findings: all, ...more }) => {
        const issues = issuesOf({ ...more, findings: [...all, ...all] })
        expect(new Set(issues.map(({ fingerprint }) => fingerprint)).size).toBe(issues.length)
      }),
    )
  })

  test('a fingerprint stays when lines move, severities change and other findings come and go, and changes with path and key', () => {
    const [before] = issuesOf(report([finding()]))
    const [, moved] = issuesOf(
      report([
        finding({ key: 'another' }),
        finding({ severity: 'note', message: 'x', location: { path: 'infra/auth.yaml', line: 9 } }),
      ]),
    )
    expect(moved!.fingerprint).toBe(before!.fingerprint)
    const others = [finding({ key: 'another' }), finding({ location: { path: 'b.yaml' } })]
    for (const other of others) expect(issuesOf(report([other]))[0]!.fingerprint).not.toBe(before!.fingerprint)
  })

  test('says how severe a finding is, and what was not read', () => {
    const given = report(
      [
        finding(),
        finding({ severity: 'warning' }),
        finding({ severity: 'note', location: { path: 'plan.json' } }),
        suppressed,
      ],
      {
        skipped: [{ path: 'a.yaml', why: 'it is too large' }],
        notRead: [{ path: 'seed.sh', why: 'it is a script', next: 'validate the pool' }],
      },
    )
    expect(
      issuesOf(given).map(({ check_name, severity, location }) => [
        check_name,
        severity,
        location.path,
        location.lines.begin,
      ]),
    ).toEqual([
      ['COG101 tie-different-roles', 'critical', 'infra/auth.yaml', 2],
      ['COG101 tie-different-roles', 'major', 'infra/auth.yaml', 2],
      ['COG101 tie-different-roles', 'info', 'plan.json', 1],
      ['not-read', 'critical', 'a.yaml', 1],
      ['not-read', 'info', 'seed.sh', 1],
    ])
  })
})
