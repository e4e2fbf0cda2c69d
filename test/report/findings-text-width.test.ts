import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { describe, expect, test } from 'vitest'
import { findingsText } from '../../src/report/findings-text.js'
import { excerptAround, excerptStart, wrapText } from '../../src/report/fit-width.js'
import { textWidth } from '../../src/report/text-width.js'
import type { FindingsReport } from '../../src/report/findings-report.js'
import type { Finding } from '../../src/rules/finding.js'
import { printable } from '../../src/text.js'

const word = fc.oneof(
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }).map(text => text.replaceAll(' ', '_') || 'x'),
  fc.constantFrom('管理者', '👩‍👩‍👧', 'é', 'عمر', '\u001b[31m', '\t', 'x'.repeat(70), '`admins`'),
)
const sentence = fc.array(word, { minLength: 1, maxLength: 40 }).map(words => words.join(' '))
const columns = fc.integer({ min: 30, max: 200 })
const unisolated = (text: string) => text.replace(/[\u2068\u2069]/g, '')

describe('text', () => {
  test('no line is wider than the terminal, unless a single word is', () => {
    fc.assert(
      fc.property(sentence, columns, (text, width) => {
        for (const line of wrapText(text, width, { start: '  ', hanging: '    ' }))
          expect(stringWidth(line) <= width || !line.trimStart().includes(' ')).toBe(true)
      }),
    )
  })

  test('nothing of it is lost, whatever the width', () => {
    fc.assert(
      fc.property(sentence, fc.option(columns, { nil: undefined }), (text, width) => {
        const lines = wrapText(text, width, { start: '  ', hanging: '    ' })
        const bare = lines.map((line, index) => line.slice(index === 0 ? 2 : 4))
        expect(unisolated(bare.join(' '))).toBe(unisolated(printable(text)))
      }),
    )
  })

  test('as many words stand in a line as fit', () => {
    fc.assert(
      fc.property(sentence, columns, (text, width) => {
        const lines = wrapText(text, width)
        for (const [index, line] of lines.slice(0, -1).entries()) {
          const [next] = unisolated(lines[index + 1]!).split(' ')
          expect(stringWidth(line) + 1 + stringWidth(next!)).toBeGreaterThan(width)
        }
      }),
    )
  })

  test('wide characters count twice', () => {
    expect(wrapText('管理者 管理者', 13)).toEqual(['管理者 管理者'])
    expect(wrapText('管理者 管理者', 12)).toEqual(['管理者', '管理者'])
  })

  test('control: without care for the width, a line would be wider, and by UTF-16 too', () => {
    expect(stringWidth(wrapText('管理者 管理者 管理者 管理者 管理者', undefined)[0]!)).toBeGreaterThan(30)
    expect('管理者 管理者'.length).toBeLessThan(12)
  })
})

describe('an excerpt of a line', () => {
  const mark = fc
    .tuple(fc.array(word, { maxLength: 60 }), word, fc.array(word, { maxLength: 60 }))
    .map(([before, marked, after]) => {
      const lead = before.join(' ')
      return { line: `${lead}${marked}${after.join(' ')}`, start: lead.length, end: lead.length + marked.length }
    })

  test('fits, and the beginning of the mark is in it', () => {
    fc.assert(
      fc.property(mark, columns, ({ line, start, end }, width) => {
        const { text, before, marked } = excerptAround(line, { start, end }, width)
        expect(stringWidth(text)).toBeLessThanOrEqual(width)
        expect(before).toBeLessThan(width)
        expect(before + marked).toBeLessThanOrEqual(Math.max(width, before + 1))
      }),
    )
  })

  test('shows what is marked, at the columns that it says', () => {
    const line = `${'管'.repeat(50)}HERE${'理'.repeat(50)}`
    for (const width of [12, 20, 21, 40, 79, 80, 150]) {
      const { text, before, marked } = excerptAround(line, { start: 50, end: 54 }, width)
      expect(stringWidth(text.slice(0, text.indexOf('HERE')))).toBe(before)
      expect(marked).toBe(4)
      expect(text).toMatch(/^….*…$/)
    }
  })

  test('says with an ellipsis where something is left out, and only there', () => {
    fc.assert(
      fc.property(mark, columns, ({ line, start, end }, width) => {
        const { text } = excerptAround(line, { start, end }, width)
        const whole = unisolated(printable(line.replaceAll('\t', '  ')))
        const shown = unisolated(text)
        if (shown === whole) return
        const [, left, middle, right] = /^(…?)(.*?)(…?)$/su.exec(shown)!
        expect(left! + right!).not.toBe('')
        expect(whole).toContain(middle)
      }),
    )
  })

  test('a whole line that fits is not cut', () => {
    expect(excerptAround('  admins: 1', { start: 2, end: 8 }, 40)).toEqual({
      text: '  admins: 1',
      before: 2,
      marked: 6,
    })
  })

  test('a line of ten million characters is cut without reading it', () => {
    const line = `${'a'.repeat(5_000_000)}HERE${'b'.repeat(5_000_000)}`
    const { text, before } = excerptAround(line, { start: 5_000_000, end: 5_000_004 }, 80)
    expect(text.slice(before, before + 4)).toBe('HERE')
    expect(stringWidth(text)).toBe(80)
  })

  test('the lines above and below it are shown from their beginning, and say what is left out', () => {
    expect(excerptStart('x'.repeat(100), 20)).toBe(`${'x'.repeat(19)}…`)
    expect(excerptStart('x'.repeat(20), 20)).toBe('x'.repeat(20))
    expect(excerptStart(`  ${'x'.repeat(70)}`, 30)).toBe(`  ${'x'.repeat(27)}…`)
    expect(excerptStart('}', 20)).toBe('}')
    expect(stringWidth(excerptStart('x'.repeat(10_000_000), 80))).toBe(80)
    fc.assert(
      fc.property(sentence, columns, (line, width) => {
        const shown = excerptStart(line, width)
        expect(stringWidth(shown)).toBeLessThanOrEqual(width)
        const start = unisolated(shown).replace(/…$/, '')
        expect(unisolated(printable(line.replaceAll('\t', '  '))).startsWith(start)).toBe(true)
      }),
    )
  })
})

describe('a report', () => {
  const LINE = `      { UserPoolId: !Ref Pool, GroupName: ${'a'.repeat(90)}, Precedence: 1, RoleArn: arn:aws:iam::111122223333:role/Admin }`
  const finding = {
    ruleId: 'COG101',
    slug: 'tie-different-roles',
    severity: 'error',
    message: 'Cognito sets no preferred role for a user in `admins` and `editors`, which share the precedence 1.',
    impact: '12 users lose their role, and get the authenticated role of the identity pool in its place.',
    fix: 'Give each group a different precedence, or give all of them the same role.',
    key: 'x',
    location: {
      path: 'infra/auth.yaml',
      line: 2,
      column: LINE.indexOf('Precedence') + 1,
      endLine: 2,
      endColumn: LINE.indexOf('Precedence') + 11,
      construct: 'Stack/Auth/Admins',
    },
    related: [
      { message: 'the other group of the tie is here', location: { path: 'infra/auth.yaml', line: 9, column: 3 } },
    ],
  } as unknown as Finding
  const report = {
    findings: [finding],
    skipped: [{ path: 'big.yaml', why: 'it has more than 10 MB, and a file of that size is not read' }],
    notRead: [
      { path: 'seed.sh', why: 'it is a script that may create groups', next: 'validate the user pool that it makes' },
    ],
    read: [{ path: 'infra/auth.yaml' }],
    unrelated: [],
    strict: true,
    coverage: { pools: 1, groups: 2, attachments: 0, rolesChecked: 0, rolesNotChecked: 2 },
  } as unknown as FindingsReport
  const sources = new Map([['infra/auth.yaml', `Resources:\n${LINE}\n  Next: ${'b'.repeat(200)}`]])
  const textOf = (width: number | undefined) => findingsText(report, { sources, color: false, columns: width })
  const words = (text: string) =>
    text
      .split('\n')
      .filter(line => !/^ {2}(?:>| ) +\d* \| /.test(line))
      .join('\n')
      .split(/\s+/)

  test.each([40, 60, 80, 100, 132])('fits %i columns, whole, with the mark in sight', width => {
    const text = textOf(width)
    for (const line of text.split('\n'))
      expect({ line, fits: stringWidth(line) <= width }).toEqual({ line, fits: true })
    expect(words(text)).toEqual(words(textOf(undefined)))
    const rows = text.split('\n')
    const at = rows.findIndex(row => /\| *\^+$/.test(row))
    const [row, caret] = [rows[at - 1]!, rows[at]!]
    expect(row.slice(caret.indexOf('^'), caret.lastIndexOf('^') + 1)).toBe(
      'Precedence'.slice(0, caret.lastIndexOf('^') + 1 - caret.indexOf('^')),
    )
  })

  test('without a terminal no text is broken', () => {
    expect(textOf(undefined)).toContain(`\n  ${finding.message}\n`)
    expect(
      Math.max(
        ...textOf(undefined)
          .split('\n')
          .map(line => stringWidth(line)),
      ),
      'control',
    ).toBeGreaterThan(100)
  })

  test('colors do not count', () => {
    const colored = findingsText(report, { sources, color: true, columns: 60 })
    // eslint-disable-next-line no-control-regex
    expect(colored.replaceAll(/\u001b\[\d+m/g, '')).toBe(textOf(60))
    expect(colored).not.toBe(textOf(60))
  })
})

describe('text of any length', () => {
  const accented = 'e\u0301'.repeat(40_000)

  test('is measured in time that is in proportion to it, and rightly but for what is cut', { timeout: 20_000 }, () => {
    const began = performance.now()
    expect(wrapText(accented, 80)).toHaveLength(1)
    expect(textWidth(accented.slice(0, 20_000))).toBe(10_000)
    expect(textWidth('管'.repeat(20_001))).toBe(40_002)
    expect(textWidth(`x${'🚀'.repeat(20_000)}`)).toBe(40_001)
    expect(performance.now() - began).toBeLessThan(10_000)
  })

  test('is cut where it is the name of a construct or the reason of a suppression', () => {
    const location = { path: 'a.json', construct: accented }
    const open = { ruleId: 'COG101', slug: 'tie', severity: 'error', message: 'm', fix: 'f', location, related: [] }
    const known = { ...open, suppressed: { reason: accented, location } }
    const report = {
      findings: [open, known],
      skipped: [],
      notRead: [],
      read: [{ path: 'a.json' }],
      unrelated: [],
      strict: false,
      coverage: { pools: 1, groups: 2, attachments: 0, rolesChecked: 0, rolesNotChecked: 2 },
    } as unknown as FindingsReport
    const text = findingsText(report, { sources: new Map(), color: false, columns: 80 })
    expect(text).toContain('… (80000 characters)')
    expect(text.length).toBeLessThan(3_000)
  })

  test('frames of a long line that is not ASCII take no longer than a reader waits', { timeout: 30_000 }, () => {
    const line = '管理者 🚀 "名": 日本, '.repeat(20_000)
    const began = performance.now()
    for (let index = 0; index < 1_000; index++) excerptAround(line, { start: index * 80, end: index * 80 + 4 }, 120)
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})
