import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { closest, compareText, distinct, escapeHidden, printable } from '../src/text.js'

describe('text from outside, printed', () => {
  test.each([
    ['admins', 'admins'],
    ['a b-ç', 'a b-ç'],
    ['a\nb', 'a\\u{a}b'],
    ['\u001b[2J', '\\u{1b}[2J'],
    ['a\u2028b\u2029c', 'a\\u{2028}b\\u{2029}c'],
    ['a\u200bb', 'a\\u{200b}b'],
    ['a\u3164b', 'a\\u{3164}b'],
    ['a\u202eb', 'a\\u{202e}b'],
    ['\ud800', '\\u{d800}'],
    ['\u{e0041}', '\\u{e0041}'],
    ['❤\ufe0f', '❤\ufe0f'],
    ['❤\ufe0e', '❤\ufe0e'],
    ['a\ufe0f', 'a\\u{fe0f}'],
    ['מנהל', '\u2068מנהל\u2069'],
    ['a ש', '\u2068a ש\u2069'],
    ['\u{10840}', '\u2068\u{10840}\u2069'],
    ['ﬡ', '\u2068ﬡ\u2069'],
    ['ﻼ', '\u2068ﻼ\u2069'],
    ['\u{1e900}', '\u2068\u{1e900}\u2069'],
    ['\u2068x\u2069', '\\u{2068}x\\u{2069}'],
  ])('%j is %j', (text, printed) => {
    expect(printable(text)).toBe(printed)
  })

  test('keeps what is isolated in a sentence already, and escapes the rest', () => {
    expect(escapeHidden('the group `\u2068מנהל\u2069` of\na pool')).toBe('the group `\u2068מנהל\u2069` of\\u{a}a pool')
    expect(escapeHidden('מנהל')).toBe('מנהל')
  })
})

describe('the nearest word', () => {
  test.each([
    ['RoleMapping', ['Roles', 'RoleMappings'], 'RoleMappings'],
    ['role', ['Roles'], 'Roles'],
    ['token', ['Token', 'Rules'], 'Token'],
    ['TOKEN', ['Tokens', 'Token'], 'Token'],
    ['Rule', ['Role', 'Rule'], 'Rule'],
    ['Precendence', ['Precedence'], 'Precedence'],
    ['abcd', ['abce', 'abcf'], 'abce'],
    ['abcdefghi', ['abcdefghx', 'abcdefgxx'], 'abcdefghx'],
    ['abcxx', ['abcde'], undefined],
    ['abcdefxxx', ['abcdefghi'], undefined],
    [
      'cognito-identity.amazon.com:amr',
      ['cognito-identity.amazonaws.com:aud', 'cognito-identity.amazonaws.com:amr'],
      'cognito-identity.amazonaws.com:amr',
    ],
    ['abcd', ['abzz', 'axyz'], undefined],
    ['abcdefgh', ['abcdefxy'], 'abcdefxy'],
    ['abcdefgh', ['abcdewxy'], undefined],
    ['', ['a'], undefined],
    ['b', ['a'], undefined],
    ['ab', ['ac'], undefined],
    ['abc', ['abd'], 'abd'],
    ['Groups', ['Token', 'Rules'], undefined],
    ['x', [], undefined],
  ])('to %j among %j is %j', (word, candidates, nearest) => {
    expect(closest(word, candidates)).toBe(nearest)
  })

  test('is found for a long word without work on it', () => {
    expect(closest('x'.repeat(10_000_000), ['RoleMappings'])).toBeUndefined()
  })
})

test('the order of texts is that of their UTF-16 code units', () => {
  expect(['b', 'a', 'B', 'ä', 'a'].toSorted(compareText)).toEqual(['B', 'a', 'a', 'b', 'ä'])
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => compareText(a, b) === -compareText(b, a)))
})

test('distinct strings, each once, in the order given', () => {
  expect(distinct(['b', 'a', 'b', 'a'])).toEqual(['b', 'a'])
})

test('control: the texts compared differ one way or are the same', () => {
  expect([compareText('a', 'b'), compareText('b', 'a'), compareText('a', 'a')]).toEqual([-1, 1, 0])
})
