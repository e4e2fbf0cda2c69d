import { runInNewContext } from 'node:vm'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRolecastError, listNames, quote, quoteNumber, RolecastError } from '../src/errors.js'

/** What acts on a terminal or a log, or hides: controls, line and paragraph separators, marks that turn text around. */
const HIDDEN = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2066\u2067]/u

const hostile = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 300 }),
  fc.constantFrom(
    '\u001b[2J',
    '\n::stop-commands::x',
    'a\u202eb',
    '\u2028',
    '\u0000',
    '\ud800',
    'x'.repeat(10_000_000),
  ),
)

describe('a value in a message', () => {
  test('is at most 200 characters of it, escaped, however long it is', () => {
    fc.assert(
      fc.property(hostile, text => {
        const quoted = quote(text)
        expect(quoted).not.toMatch(HIDDEN)
        // One character can take ten to be escaped.
        expect(quoted.length).toBeLessThan(2_100)
      }),
    )
  })

  test('control: cut too late, a long one is noticed', () => {
    expect(`\`${'x'.repeat(10_000_000)}\``.length).toBeGreaterThan(2_100)
  })

  test.each([
    ['admins', '`admins`'],
    [7, '`7`'],
    [null, '`null`'],
    [undefined, '`undefined`'],
    [[], 'an array'],
    [{ toString: {} }, 'an object'],
    [() => 0, 'a function'],
    ['a\nb', '`a\\u{a}b`'],
    ['', '``'],
    ['a`b', '``` a`b ```'],
    ['```', '```` ``` ````'],
    ['x'.repeat(200), `\`${'x'.repeat(200)}\``],
    ['x'.repeat(201), `\`${'x'.repeat(200)}…\` (201 characters)`],
  ])('%j is %s', (value, quoted) => {
    expect(quote(value)).toBe(quoted)
  })

  test.each([
    ['7', 'the string `7`'],
    [7, '`7`'],
    [Number.NaN, '`NaN`'],
  ])('%j in place of a number is %s', (value, quoted) => {
    expect(quoteNumber(value)).toBe(quoted)
  })

  test('of many names, five are listed', () => {
    expect(listNames(['a', 'b', 'c', 'd', 'e', 'f\n'])).toBe('`a`, `b`, `c`, `d`, `e` and 1 more')
  })
})

describe('a message', () => {
  test('has no control character, whatever the input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        expect(new RolecastError('unexpected', `it failed: ${text}`).message).not.toMatch(HIDDEN)
      }),
    )
  })

  test('control: another error keeps them', () => {
    expect(new Error('it failed: \u001b[2J').message).toMatch(HIDDEN)
  })

  test('keeps what `quote` isolated from the text around it', () => {
    expect(new RolecastError('unexpected', `it failed: ${quote('מנהל')}`).message).toBe('it failed: `\u2068מנהל\u2069`')
  })
})

describe('a rolecast error is known', () => {
  const copy = `class RolecastError extends Error { name = 'RolecastError'; code = 'timeout' }; new RolecastError('late')`

  test('by its own copy, by another, and from another context', () => {
    const elsewhere: unknown = runInNewContext(copy)
    expect(elsewhere instanceof Error, 'control: another context has another Error').toBe(false)
    expect([new RolecastError('timeout', 'late'), elsewhere].map(isRolecastError)).toEqual([true, true])
  })

  test('by `instanceof`, and a subclass has its own instances only', () => {
    class Mine extends RolecastError {}
    const mine = new Mine('timeout', 'late')
    const elsewhere: unknown = runInNewContext(copy)
    expect([elsewhere, mine].map(error => error instanceof RolecastError)).toEqual([true, true])
    expect([elsewhere, new RolecastError('timeout', 'late'), mine].map(error => error instanceof Mine)).toEqual([
      false,
      false,
      true,
    ])
  })

  test.each<[string, unknown]>([
    ['another error', new TypeError('late')],
    ['an error of that name without a code', Object.assign(new Error('late'), { name: 'RolecastError' })],
    ['an object that looks like one', { name: 'RolecastError', code: 'timeout', message: 'late' }],
    ['nothing', undefined],
    ['null', null],
  ])('%s is none', (_, value) => {
    expect(isRolecastError(value)).toBe(false)
  })
})
