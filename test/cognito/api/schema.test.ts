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
    expect(firstIssue(parsed.error, value).note).toBe('invalid input: a value has another type than expected')
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
  const record = readAs(z.record(z.string(), z.string()), { [key]: 1 })
  if (record.success) throw new Error('it was read')
  expect(firstIssue(record.error, {}).note).toHaveLength(301)
})

test.each<[value: unknown, note: string]>([
  [{ name: 'a', naem: 'b' }, 'an unknown key `naem`'],
  [{ name: 'a', Name: 'b' }, 'an unknown key `Name` (did you mean `name`?)'],
  [{ naame: 'a' }, 'an unknown key `naame` (did you mean `name`?)'],
  [{ name: 'a', parts: [{ rules: 1 }, { rulse: 1 }] }, 'parts.1: an unknown key `rulse`'],
  [{ name: 'a', parts: [{ Rules: 1 }] }, 'parts.0: an unknown key `Rules` (did you mean `rules`?)'],
  [{ name: 'a', ['x'.repeat(1_000_000)]: 1 }, `an unknown key \`${'x'.repeat(200)}…\` (1000000 characters)`],
  [[], 'invalid input: expected object, received array'],
])('what is unknown in a strict shape is quoted, with the key that was probably meant: %#', (value, note) => {
  const strict = z.strictObject({
    name: z.string(),
    parts: z.optional(z.array(z.strictObject({ rules: z.optional(z.number()) })).check(z.minLength(1))),
  })
  const parsed = readAs(strict, value)
  if (parsed.success) throw new Error('it was read')
  expect(firstIssue(parsed.error, value, strict).note).toBe(note)
})

test('what is valid is read', () => {
  expect(readAs(shape, { name: 'a', list: ['b'], more: 1 })).toEqual({
    success: true,
    data: { name: 'a', list: ['b'] },
  })
})
