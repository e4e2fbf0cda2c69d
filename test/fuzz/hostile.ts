import * as fc from 'fast-check'

/** Names that mean something to JavaScript, to a test framework, or to whatever is careless with keys. */
export const TRAPS: readonly string[] = [
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'valueOf',
  'toJSON',
  'then',
  'length',
  'size',
  'next',
  'value',
  'name',
  'message',
  'code',
  'hasOwnProperty',
  'Symbol(Symbol.iterator)',
  '0',
  '-1',
  '',
]

const TEXTS: readonly string[] = [
  ...TRAPS,
  ' ',
  'a',
  'a,b',
  '[a, b]',
  '["a","b"]',
  '\0',
  '\u001b[31m',
  '\n::stop-commands::x',
  '\u2028',
  '\u202e',
  '\ud800',
  '\ufeff',
  '${'.repeat(50),
  '{'.repeat(300),
  '*',
  '%',
  '1e400',
  '-0',
  '2147483648',
  'admins',
  'eu-west-1_Ab12Cd34e',
  'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6',
  'arn:aws:iam::111122223333:role/Admin',
  'x'.repeat(5_000),
]

const NUMBERS: readonly number[] = [0, -0, 1, -1, 0.5, 7, 2_147_483_647, 2_147_483_648, 2 ** 53, 1e21, 1e308, -1e-7]

/** Own properties, whatever the keys are called. */
const record = (entries: readonly (readonly [string, unknown])[]): unknown => Object.fromEntries(entries)

function valuesOf(leaf: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const key = fc.oneof(fc.constantFrom(...TRAPS), fc.string({ unit: 'binary', maxLength: 6 }))
  return fc.letrec<{ any: unknown }>(tie => ({
    any: fc.oneof(
      { maxDepth: 3, depthSize: 'small', withCrossShrink: true },
      leaf,
      fc.array(fc.tuple(key, tie('any')), { maxLength: 4 }).map(record),
      fc.array(tie('any'), { maxLength: 4 }),
    ),
  })).any
}

const jsonLeaf = fc.oneof(
  fc.constantFrom<unknown>(null, true, false),
  fc.constantFrom(...NUMBERS),
  fc.constantFrom(...TEXTS),
  fc.string({ unit: 'binary', maxLength: 20 }),
)

/** What JSON can hold, with every trap in it. */
export const hostileJson: fc.Arbitrary<unknown> = valuesOf(jsonLeaf)

/** What JavaScript can hold besides: what a caller without types gives. */
export const hostileValue: fc.Arbitrary<unknown> = valuesOf(
  fc.oneof(
    jsonLeaf,
    fc.constantFrom<unknown>(undefined, Number.NaN, Infinity, -Infinity, 10n, Symbol('s')),
    fc.constant(null).map(() => new Date(Number.NaN)),
    fc.constant(null).map(() => new Map([['cognito:groups', 'a']])),
    fc.constant(null).map(() => new Set(['a'])),
    fc.constant(null).map(() => Object.create(null) as unknown),
    fc.constant(null).map(() => Object.create({ groupName: 'inherited', 'cognito:groups': ['inherited'] }) as unknown),
    fc.constant(null).map(() => Object.assign(Array<unknown>(2), { 1: 'a' }) as unknown),
    fc.constant(null).map(() => () => 'a'),
  ),
)

/** How many values are in it, itself among them. */
function sizeOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, item) => sum + sizeOf(item), 1)
}

/** The same with another value at this place, counted from the outside, or with a key more. */
function put(value: unknown, at: number, by: unknown, key: string | undefined): unknown {
  let left = at
  const walk = (part: unknown): unknown => {
    const isRecord = typeof part === 'object' && part !== null && !Array.isArray(part)
    if (left-- === 0) return key !== undefined && isRecord ? record([...Object.entries(part), [key, by]]) : by
    if (Array.isArray(part)) return part.map(walk)
    return isRecord ? record(Object.entries(part).map(([name, item]) => [name, walk(item)])) : part
  }
  return walk(value)
}

/** A value of a known shape with hostile values in some places, or a hostile value alone. */
export function changed(samples: readonly unknown[], hostile: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const edits = fc.array(fc.tuple(fc.nat(), hostile, fc.option(fc.constantFrom(...TRAPS), { nil: undefined })), {
    minLength: 1,
    maxLength: 3,
  })
  const edited = fc
    .tuple(fc.constantFrom(...samples), edits)
    .map(([sample, list]) => list.reduce((value, [at, by, key]) => put(value, at % sizeOf(value), by, key), sample))
  return fc.oneof({ weight: 9, arbitrary: edited }, { weight: 1, arbitrary: hostile })
}

const PIECES: readonly string[] = [
  '',
  '\ufeff',
  '\0',
  '\r\n',
  '\n',
  '\t',
  '"',
  "'",
  '{',
  '}',
  '[',
  ']',
  ':',
  ',',
  '#',
  '- ',
  '&a ',
  '*a',
  '<<: *a',
  '!Ref ',
  '!!binary ',
  '%YAML 1.1\n---\n',
  '${',
  '%{',
  '<<EOT\n',
  '/*',
  '\\u0000',
  '\ud800',
  '\u2028',
  '1e400',
  '-0',
  'NaN',
  '.inf',
  '__proto__',
  '"__proto__":{"x":1},',
  '"toString":{},',
  'null',
  '[[[[[[[[',
  '{"a":'.repeat(20),
  'x'.repeat(3_000),
]

/** A text with pieces put in, cut out or doubled, or a text of pieces alone. */
export function damaged(samples: readonly string[]): fc.Arbitrary<string> {
  const piece = fc.oneof(
    fc.constantFrom(...PIECES),
    fc.constantFrom(...TRAPS),
    fc.string({ unit: 'binary', maxLength: 8 }),
  )
  const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 60 }), piece), { minLength: 1, maxLength: 4 })
  const edited = fc.tuple(fc.constantFrom(...samples), edits).map(([sample, list]) =>
    list.reduce((text, [at, length, by]) => {
      const start = at % (text.length + 1)
      return text.slice(0, start) + by + text.slice(start + length)
    }, sample),
  )
  return fc.oneof(
    { weight: 8, arbitrary: edited },
    { weight: 1, arbitrary: fc.array(piece, { maxLength: 20 }).map(pieces => pieces.join('')) },
  )
}

/** JSON of known shapes with hostile values in it, and texts that are damaged. */
export function changedJson(samples: readonly unknown[]): fc.Arbitrary<string> {
  return fc.oneof(
    { weight: 3, arbitrary: changed(samples, hostileJson).map(value => JSON.stringify(value)) },
    { weight: 1, arbitrary: damaged(samples.map(sample => JSON.stringify(sample))) },
  )
}
