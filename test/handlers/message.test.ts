import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { cut, fit } from '../../src/handlers/message.js'

/** Tries each number of lines, from all of them down. */
function fitByTrying(lines: readonly string[], limit: number): string | undefined {
  for (let count = lines.length; count > 0; count--) {
    const left = lines.length - count
    const text = lines.slice(0, count).join('\n') + (left === 0 ? '' : `\n… and ${left} more`)
    if (text.length <= limit) return text
  }
  return undefined
}

const lines = fc.array(fc.string({ unit: 'grapheme', maxLength: 30 }), { maxLength: 30 })

test('as many lines fit as trying each number of them finds, and never more than the limit', () => {
  fc.assert(
    fc.property(lines, fc.integer({ min: 20, max: 400 }), (all, limit) => {
      const text = fit(all, limit)
      expect(text.length).toBeLessThanOrEqual(limit)
      const tried = fitByTrying(all, limit)
      if (tried !== undefined) expect(text).toBe(tried)
    }),
  )
})

test('a first line that is too long is cut, with what is left out behind it', () => {
  expect(fit(['x'.repeat(100), 'y'], 20)).toBe('xxxxxx…\n… and 1 more')
})

test('each line is looked at a few times at most, however many there are', () => {
  const readsOf = (work: (lines: readonly string[], limit: number) => unknown, count: number) => {
    let reads = 0
    const counted = new Proxy(
      Array.from({ length: count }, () => 'x'),
      {
        get(target, key, receiver) {
          if (typeof key === 'string' && /^\d/.test(key)) reads++
          return Reflect.get(target, key, receiver) as unknown
        },
      },
    )
    work(counted, 40)
    return reads
  }
  expect(readsOf(fit, 400)).toBeLessThan(2 * 400)
  expect(readsOf(fitByTrying, 400), 'control').toBeGreaterThan(100 * 400)
})

test('a cut text ends with no half of a character', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.integer({ min: 1, max: 40 }), (text, limit) => {
      const short = cut(text, limit)
      expect(short.length).toBeLessThanOrEqual(limit)
      expect(short).toBe(short.toWellFormed())
      if (text.length <= limit) expect(short).toBe(text)
      else expect(short.endsWith('…')).toBe(true)
    }),
  )
  expect(cut('a😀b', 3)).toBe('a…')
})
