import * as fc from 'fast-check'
import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { textWidth } from '../../src/report/text-width.js'

/** Every character that is assigned, and that no terminal takes as a command. */
const CHARACTERS = Array.from({ length: 0x2_ffff }, (_, index) => String.fromCodePoint(index)).filter(
  one => !/[\p{Cn}\p{Cs}\p{Co}]/u.test(one),
)

test('every character is as wide as string-width says', () => {
  expect(CHARACTERS.length).toBeGreaterThan(100_000)
  expect(CHARACTERS.filter(one => textWidth(one) !== stringWidth(one))).toEqual([])
})

test('a text is as wide as string-width says, whatever stands next to what', () => {
  const unit = fc.oneof(
    fc.nat(CHARACTERS.length - 1).map(index => CHARACTERS[index]!),
    fc.integer({ min: 0x20, max: 0x5_2f }).map(code => String.fromCodePoint(code)),
    fc.constantFrom(
      '\u0301',
      '\uFE0F',
      '\u200D',
      '\u20E3',
      '👩‍🚀',
      '🇩🇪',
      '\u2068',
      '\u001B[32m',
      '\u001B[39m',
      '\u001B[1;4m',
      '한',
      '\r\n',
    ),
  )
  fc.assert(
    fc.property(fc.string({ unit, maxLength: 12 }), text => textWidth(text) === stringWidth(text)),
    {
      numRuns: 3_000,
    },
  )
})

test('control: the length of a text is something else', () => {
  expect(
    ['日本', 'e\u0301', '\u001B[32mgreen\u001B[39m', '👩‍🚀'].filter(text => text.length === stringWidth(text)),
  ).toEqual([])
})
