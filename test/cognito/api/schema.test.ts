import * as z from 'zod/mini'
import { expect, test } from 'vitest'
import { firstIssue, readAs } from '../../../src/cognito/api/schema.js'

const shape = z.object({ name: z.string().check(z.minLength(1)), list: z.optional(z.array(z.string())) })

test.each(['{"length":{"toString":null}}', '{"length":{"toString":{},"valueOf":{}}}'])(
  'a value whose length cannot be compared is invalid, and nothing is thrown: %s',
  text => {
    const value = { name: JSON.parse(text) }
    expect(() => shape.safeParse(value), 'control: zod throws').toThrow(TypeError)
    const parsed = readAs(shape, value)
    if (parsed.success) throw new Error('it was read')
    expect(firstIssue(parsed.error, value).note).toBe(
      'the whole: Invalid input: a value has another type than expected',
    )
  },
)

test('what is invalid is named, in at most 300 characters', () => {
  const parsed = readAs(shape, { name: 7 })
  if (parsed.success) throw new Error('it was read')
  expect(firstIssue(parsed.error, { name: 7 })).toEqual({
    note: 'name: Invalid input: expected string, received number',
    value: 7,
  })
  const key = 'x'.repeat(1_000_000)
  const strict = readAs(z.strictObject({}), { [key]: 1 })
  if (strict.success) throw new Error('it was read')
  expect(firstIssue(strict.error, {}).note).toHaveLength(301)
})

test('what is valid is read', () => {
  expect(readAs(shape, { name: 'a', list: ['b'], more: 1 })).toEqual({
    success: true,
    data: { name: 'a', list: ['b'] },
  })
})
