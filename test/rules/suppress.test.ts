import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findRule, RULES, TEMPLATE_RULES } from '../../src/rules/catalogue.js'
import type { Finding } from '../../src/rules/finding.js'
import type { GroupDefinition, Infrastructure, Suppression, Value } from '../../src/rules/infrastructure.js'
import { isDay, type ScopedSuppression } from '../../src/rules/suppression-rules.js'
import { suppressFindings, suppressionsOf, type SuppressOptions } from '../../src/rules/suppress.js'
import { validateAll } from '../../src/rules/validate.js'
import { errorOf } from '../failure-of.js'

const today = '2026-11-23'
const isRule = (id: string) => RULES.some(rule => rule.id === id)
const everything: SuppressOptions = { today, isRule, runs: () => true }

function finding(ruleId: string, more: Partial<Finding> = {}): Finding {
  return {
    ruleId,
    slug: 'some',
    severity: 'error',
    message: 'Something.',
    fix: 'Fix it.',
    pool: 'Pool',
    groups: ['admins'],
    resources: ['Admins'],
    location: { path: 'auth.yaml', line: 3, column: 1 },
    related: [],
    key: `["${ruleId}","Pool","admins"]`,
    ...more,
  }
}

function suppression(rules: readonly string[], more: Partial<Suppression> = {}): Suppression {
  return {
    rules,
    reason: 'it is intended',
    target: 'Admins',
    location: { path: 'auth.yaml', line: 2, column: 3 },
    ...more,
  }
}

function suppress(findings: readonly Finding[], suppressions: readonly Suppression[], options = everything) {
  return suppressFindings(findings, suppressionsOf({ suppressions }, findings), options)
}

/** Rule, and whether it is suppressed. */
const shape = (findings: readonly Finding[]) =>
  findings.map(({ ruleId, suppressed }) => `${ruleId}${suppressed === undefined ? '' : ' suppressed'}`)

describe('a suppression', () => {
  test('marks what it is about, with its reason and its place', () => {
    const [marked] = suppress([finding('COG101')], [suppression(['COG101'])])
    expect(marked).toEqual({
      ...finding('COG101'),
      suppressed: { reason: 'it is intended', location: { path: 'auth.yaml', line: 2, column: 3 } },
    })
  })

  const rows: [string, readonly Finding[], readonly Suppression[], readonly string[]][] = [
    [
      'of several rules is for each of them',
      [finding('COG101'), finding('COG104')],
      [suppression(['COG101', 'COG104'])],
      ['COG101 suppressed', 'COG104 suppressed'],
    ],
    ['may be written in small letters', [finding('COG101')], [suppression(['cog101'])], ['COG101 suppressed']],
    ['is for no other rule', [finding('COG102')], [suppression(['COG101'])], ['COG102', 'COG193']],
    [
      'is for no other resource',
      [finding('COG101', { resources: ['Editors'] })],
      [suppression(['COG101'])],
      ['COG101', 'COG193'],
    ],
    [
      'on either group of a tie is for the tie',
      [finding('COG101', { resources: ['Editors', 'Admins'] })],
      [suppression(['COG101'])],
      ['COG101 suppressed'],
    ],
    [
      'of a file is for all in it',
      [finding('COG101', { resources: [] })],
      [suppression(['COG101'], { target: undefined })],
      ['COG101 suppressed'],
    ],
    [
      'of a file is for no other file',
      [finding('COG101', { location: { path: 'b.yaml' } })],
      [suppression(['COG101'], { target: undefined })],
      ['COG101', 'COG193'],
    ],
    ['without a rule is malformed', [finding('COG101')], [suppression([])], ['COG101', 'COG191']],
    [
      'without a reason is malformed',
      [finding('COG101')],
      [suppression(['COG101'], { reason: ' ' })],
      ['COG101', 'COG191'],
    ],
    [
      'of a rule that does not exist is malformed',
      [finding('COG101')],
      [suppression(['COG101', 'COG999'])],
      ['COG101', 'COG191'],
    ],
    [
      'of a rule named as no rule can be is malformed',
      [finding('COG101')],
      [suppression(['__proto__'])],
      ['COG101', 'COG191'],
    ],
    [
      'with a day that is none is malformed',
      [finding('COG101')],
      [suppression(['COG101'], { expires: '2027-02-29' })],
      ['COG101', 'COG191'],
    ],
    [
      'that expires tomorrow counts',
      [finding('COG101')],
      [suppression(['COG101'], { expires: '2026-11-24' })],
      ['COG101 suppressed'],
    ],
    [
      'that expires today does not',
      [finding('COG101')],
      [suppression(['COG101'], { expires: '2026-11-23' })],
      ['COG101', 'COG192'],
    ],
    ['that nothing needs is a note', [], [suppression(['COG101'])], ['COG193']],
    [
      'beside another for the same is not unused',
      [finding('COG101')],
      [suppression(['COG101']), suppression(['COG101'], { location: { path: 'auth.yaml', line: 9 } })],
      ['COG101 suppressed'],
    ],
    [
      'for each instance of a loop is one',
      [finding('COG101', { resources: ['g["b"]'] })],
      [suppression(['COG101'], { target: 'g["a"]' }), suppression(['COG101'], { target: 'g["b"]' })],
      ['COG101 suppressed'],
    ],
    [
      'cannot be suppressed itself',
      [],
      [suppression(['COG193'], { target: undefined }), suppression(['COG101'])],
      ['COG193', 'COG193'],
    ],
  ]
  test.each(rows)('%s', (_, findings, suppressions, expected) => {
    expect(shape(suppress(findings, suppressions))).toEqual(expected)
  })

  test('of a rule that did not run is not unused', () => {
    const runs = (id: string) => id !== 'COG101'
    expect(suppress([], [suppression(['COG101'])], { ...everything, runs })).toEqual([])
    expect(shape(suppress([], [suppression(['COG102'])], { ...everything, runs })), 'control').toEqual(['COG193'])
  })

  test('of one file is not for a resource of the same id in another', () => {
    const [a, b] = [finding('COG101'), finding('COG101')]
    const scoped = suppressionsOf({ suppressions: [suppression(['COG101'])] }, [a])
    expect(shape(suppressFindings([a, b], scoped, everything))).toEqual(['COG101 suppressed', 'COG101'])
  })

  test('says what is wrong with it', () => {
    const message = (rules: readonly string[], more: Partial<Suppression>) =>
      suppress([], [suppression(rules, more)])[0]!.message
    expect(message([], {})).toBe('The suppression names no rule, so it has no effect.')
    expect(message(['nonsense'], {})).toBe('The suppression names the unknown rule `nonsense`, so it has no effect.')
    expect(message(['COG101'], { reason: '' })).toBe('The suppression gives no reason, so it has no effect.')
    expect(message(['COG101'], { expires: 'soon' })).toBe(
      'The suppression expires on `soon`, which is not a date such as 2027-01-01, so it has no effect.',
    )
    expect(message(['COG101'], { expires: '2020-01-01' })).toBe(
      'The suppression of COG101 expired on 2020-01-01: it is intended',
    )
  })

  test('never removes a finding, whatever it says', () => {
    const words = fc.constantFrom('COG101', 'cog104', 'COG193', '__proto__', '', 'x')
    const some = fc.record({
      rules: fc.array(words, { maxLength: 3 }),
      reason: fc.constantFrom('', 'why', '\u202e'),
      expires: fc.constantFrom(undefined, '2020-01-01', '2030-01-01', 'x'),
      target: fc.constantFrom(undefined, 'Admins', '__proto__'),
      line: fc.nat(3),
    })
    const findings = fc.array(
      fc.constantFrom('COG101', 'COG104', 'COG190').map(id => finding(id)),
      { maxLength: 4 },
    )
    fc.assert(
      fc.property(findings, fc.array(some, { maxLength: 4 }), (given, written) => {
        const suppressions = written.map(({ line, ...rest }) => ({ ...rest, location: { path: 'auth.yaml', line } }))
        const answer = suppress(given, suppressions)
        expect(answer.slice(0, given.length).map(one => ({ ...one, suppressed: undefined }))).toEqual(
          given.map(one => ({ ...one, suppressed: undefined })),
        )
        for (const { ruleId, suppressed } of answer.slice(given.length)) {
          expect(ruleId).toMatch(/^COG19[123]$/)
          expect(suppressed).toBeUndefined()
        }
        for (const { suppressed } of answer) if (suppressed !== undefined) expect(suppressed.reason.trim()).not.toBe('')
      }),
    )
  })
})

describe('a day', () => {
  test.each(['2026-11-23', '2024-02-29', '2000-02-29', '2027-12-31', '0001-01-01'])('%s is one', day =>
    expect(isDay(day)).toBe(true),
  )
  test.each([
    '2026-11-31',
    '2026-02-29',
    '1900-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-01-00',
    '2026-1-1',
    'soon',
    '',
    '2026-11-23T00:00',
    ' 2026-11-23',
  ])('`%s` is none', day => expect(isDay(day)).toBe(false))

  test('accepts exactly the days of the calendar', () => {
    fc.assert(
      fc.property(fc.date({ min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true }), date => {
        expect(isDay(date.toISOString().slice(0, 10))).toBe(true)
      }),
    )
  })
})

describe('all rules together', () => {
  const known = <T>(value: T): Value<T> => ({ is: 'known', value })
  const group = (name: string, more: Partial<GroupDefinition> = {}): GroupDefinition => ({
    id: `${name}Group`,
    pool: 'Pool',
    groupName: known(name),
    precedence: known(1),
    role: known({ kind: 'resource', id: `${name}Role` }),
    location: { path: 'auth.yaml', line: 5, column: 1 },
    ...more,
  })
  const tied: Infrastructure = {
    format: 'cloudformation',
    paths: ['auth.yaml'],
    pools: [{ id: 'Pool', name: 'Pool' }],
    groups: [group('a'), group('b')],
    roles: [],
    attachments: [],
    memberships: [],
    declaredPrecedences: [],
    unresolved: [],
    notFollowed: [],
    identityPools: [],
    misspelt: [],
    suppressions: [suppression(['COG104'], { target: 'aGroup' })],
  }
  const check = (options: Partial<Parameters<typeof validateAll>[1]> = {}) => validateAll([tied], { today, ...options })

  test('run, with those on suppressions, and come by location', () => {
    expect(check().map(({ ruleId, location }) => [ruleId, location.line])).toEqual([
      ['COG193', 2],
      ['COG101', 5],
    ])
  })

  test('can be selected, of every kind', () => {
    expect(shape(check({ only: ['COG193'] }))).toEqual([])
    expect(shape(check({ only: ['COG193', 'COG104'] }))).toEqual(['COG193'])
    expect(shape(check({ ignore: ['COG193'] }))).toEqual(['COG101'])
    expect(check({ severities: { COG193: 'error', COG101: 'note' } }).map(({ severity }) => severity)).toEqual([
      'error',
      'note',
    ])
  })

  test('can be added to', () => {
    const more = finding('COG171')
    expect(shape(check({ others: () => [more] }))).toContain('COG171')
    expect(shape(check({ others: () => [more], ignore: ['COG171'] }))).not.toContain('COG171')
    expect(
      shape(
        check({
          others: () => [more],
          suppressions: [{ ...suppression(['COG171']), covers: () => true } satisfies ScopedSuppression],
        }),
      ),
    ).toContain('COG171 suppressed')
  })

  test.each([
    [{ only: ['COG999'] }, 'unknown rule `COG999`; run `rolecast explain` to list the rules'],
    [{ ignore: ['cog101'] }, 'unknown rule `cog101`; run `rolecast explain` to list the rules'],
    [{ severities: { COG101: 'fatal' as 'error' } }, 'unknown severity `fatal`; use one of note, warning, error'],
  ])('%j is rejected', (options, message) => {
    expect(errorOf(() => check(options))).toMatchObject({ code: 'invalid-option', message })
  })

  test('are in one table by id, and each is found by its id or name', () => {
    const ids = RULES.map(({ id }) => id)
    expect(ids).toEqual([...new Set(ids)].toSorted())
    expect(new Set(RULES.map(({ slug }) => slug)).size).toBe(ids.length)
    expect(ids).toEqual(expect.arrayContaining(TEMPLATE_RULES.map(({ id }) => id)))
    for (const rule of RULES) {
      expect(findRule(rule.id.toLowerCase())).toBe(rule)
      expect(findRule(rule.slug)).toBe(rule)
      for (const text of [rule.what, rule.why, rule.fix]) expect(text).toMatch(/^[A-Z0-9`].*\.$/)
    }
    expect(findRule('__proto__')).toBeUndefined()
  })
})
