import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MAX_LINK_LENGTH, readFragment, toFragment } from '../../docs/.vitepress/theme/playground/link.js'
import {
  EXAMPLES,
  MAPPING_TYPES,
  MAX_LENGTHS,
  MAX_ROWS,
  type PlaygroundState,
  RESOLUTIONS,
  START,
  stateFault,
} from '../../docs/.vitepress/theme/playground/state.js'
import { SEMANTICS } from '../../src/index.js'

const text = (maxLength: number) => fc.string({ unit: 'binary', maxLength })
const rows = fc.record({
  name: text(20),
  precedence: fc.option(fc.oneof(fc.nat().map(String), text(6)), { nil: null }),
  roleArn: text(30),
  isMember: fc.boolean(),
})
const states: fc.Arbitrary<PlaygroundState> = fc.record({
  groups: fc.array(rows, { maxLength: 8 }),
  semantics: fc.constantFrom(...SEMANTICS),
  identityPool: fc.record({
    mapping: fc.constantFrom(...MAPPING_TYPES),
    ambiguousRoleResolution: fc.constantFrom(...RESOLUTIONS),
    authenticatedRole: fc.oneof(fc.constant(START.identityPool.authenticatedRole), text(30)),
    rules: fc.oneof(fc.constant(START.identityPool.rules), text(60)),
  }),
  trust: fc.record({
    identityPoolId: fc.oneof(fc.constant(START.trust.identityPoolId), text(30)),
    policy: fc.oneof(fc.constant(START.trust.policy), text(60)),
  }),
})

/** A fragment with any content, as somebody could write it. */
const fragmentOf = (content: unknown, version = '1') =>
  `#play=${version}.${Buffer.from(JSON.stringify(content)).toString('base64url')}`
const contentOf = (fragment: string): unknown[] =>
  JSON.parse(Buffer.from(fragment.slice('#play=1.'.length), 'base64url').toString()) as unknown[]
const START_LINK = toFragment(START)!

describe('a link', () => {
  test('carries the whole state', () => {
    fc.assert(
      fc.property(states, state => {
        expect(readFragment(toFragment(state)!)).toEqual({ is: 'state', state })
      }),
    )
  })

  test('tells no precedence from 0 and from an empty field', () => {
    const links = [null, '0', ''].map(precedence =>
      toFragment({ ...START, groups: [{ ...START.groups[0]!, precedence }] }),
    )
    expect(new Set(links).size).toBe(3)
    expect(links.map(link => readFragment(link!))).toEqual(
      [null, '0', ''].map(precedence => ({
        is: 'state',
        state: { ...START, groups: [{ ...START.groups[0]!, precedence }] },
      })),
    )
  })

  test('carries half of a surrogate pair too', () => {
    const state = { ...START, groups: [{ ...START.groups[0]!, name: 'a\ud800b' }] }
    expect(readFragment(toFragment(state)!)).toEqual({ is: 'state', state })
  })

  test('has only characters that a fragment has, so that the browser changes nothing in it', () => {
    fc.assert(
      fc.property(states, state => {
        const fragment = toFragment(state)!
        expect(new URL(fragment, 'https://example.com').hash).toBe(fragment)
      }),
    )
  })

  test('of each example is short', () => {
    for (const { groups } of EXAMPLES) expect(toFragment({ ...START, groups })!.length).toBeLessThan(500)
  })

  test('is not made of a state that would make it too long', () => {
    const group = { name: 'g'.repeat(100), precedence: '1', roleArn: 'r'.repeat(100), isMember: true }
    const ofSize = (count: number) => toFragment({ ...START, groups: Array.from({ length: count }, () => group) })
    expect(ofSize(20)!.length).toBeLessThanOrEqual(MAX_LINK_LENGTH)
    expect(ofSize(50)).toBeUndefined()
  })
})

describe('a fragment from outside', () => {
  test('without the mark of the page is none of its links', () => {
    fc.assert(
      fc.property(
        fc.string().filter(one => !`#${one}`.startsWith('#play=')),
        one => {
          expect(readFragment(`#${one}`)).toEqual({ is: 'none' })
        },
      ),
    )
    expect(readFragment('')).toEqual({ is: 'none' })
  })

  test('that is cut anywhere is a fault, and never half a state', () => {
    for (let length = '#play='.length; length < START_LINK.length; length++)
      expect(readFragment(START_LINK.slice(0, length)).is, `at ${length}`).toBe('fault')
    expect(readFragment(START_LINK).is).toBe('state')
  })

  test('with other content is a fault, or a state that has no fault', () => {
    fc.assert(
      fc.property(states, fc.nat(7), fc.jsonValue(), (state, index, value) => {
        const content = contentOf(toFragment(state)!)
        content[index] = value
        const read = readFragment(fragmentOf(content))
        if (read.is === 'state') expect(stateFault(read.state)).toBeUndefined()
        else expect(read.is).toBe('fault')
      }),
    )
  })

  test('with any text behind the mark never throws', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), one => {
        expect(readFragment(`#play=${one}`).is).not.toBe('none')
        expect(readFragment(`#play=1.${Buffer.from(one).toString('base64url')}`).is).not.toBe('none')
      }),
    )
  })

  const long = (length: number) => 'x'.repeat(length)
  const group = ['a', null, '', 1]
  const rest = contentOf(START_LINK).slice(1)
  test.each([
    ['another version', fragmentOf(contentOf(START_LINK), '2'), 'version 2'],
    ['a character that no link has', '#play=1.a%20b', 'characters'],
    [
      'too many groups',
      fragmentOf([Array.from({ length: MAX_ROWS + 1 }, () => ['', null, '', 1]), ...rest]),
      '100 groups',
    ],
    ['a group of three parts', fragmentOf([[['a', null, '']], ...rest]), 'group 1 is malformed'],
    ['a name that is a number', fragmentOf([[group, [1, null, '', 1]], ...rest]), 'group 2 is malformed'],
    ['a precedence that is a number', fragmentOf([[['a', 0, '', 1]], ...rest]), 'group 1 is malformed'],
    ['a tick that is neither', fragmentOf([[['a', null, '', 2]], ...rest]), 'group 1 is malformed'],
    ['a name that is too long', fragmentOf([[[long(MAX_LENGTHS.name + 1), null, '', 1]], ...rest]), 'group 1'],
    ['a part too many', fragmentOf([...contentOf(START_LINK), 1]), 'cut or damaged'],
    ['unknown semantics', fragmentOf([[group], 'x', ...rest.slice(1)]), 'semantics'],
    ['an object', fragmentOf({ length: 8 }), 'cut or damaged'],
    ['too many characters', `#play=1.${long(MAX_LINK_LENGTH)}`, 'longer than'],
  ])('with %s is rejected, and says so', (_name, fragment, why) => {
    expect(readFragment(fragment)).toEqual({ is: 'fault', why: expect.stringContaining(why) })
  })

  test('control: the same parts without the fault are a state', () => {
    expect(readFragment(fragmentOf([[group], ...rest])).is).toBe('state')
    expect(readFragment(fragmentOf([[[long(MAX_LENGTHS.name), null, '', 1]], ...rest])).is).toBe('state')
  })

  test('cannot set anything on prototypes', () => {
    const content = contentOf(START_LINK)
    content[3] = { __proto__: null, polluted: true }
    expect(readFragment(fragmentOf(content)).is).toBe('fault')
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })
})
