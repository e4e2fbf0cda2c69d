import { describe, expect, test } from 'vitest'
import type { GroupDefinition } from '../../src/rules/infrastructure.js'
import {
  absent,
  unknown,
  known,
  oneOf,
  type Part,
  group,
  validate,
  found,
  only,
  deny,
  fallback,
  byRules,
  before,
  A,
  B,
  terraform,
} from './given.js'

describe('the effect of a precedence', () => {
  const inTerraform = (precedence: unknown, more: Part = {}) => group('a', precedence, A, { ...terraform, ...more })

  test.each<[string, GroupDefinition, string[]]>([
    ['a 0 of a new group', inTerraform(0, { created: true }), ['COG110 error']],
    ['a 0 of a group that was at 5: an update sends it', inTerraform(0, { created: false, before: before(5) }), []],
    ['a 0 that was there, of unknown origin', inTerraform(0, { created: false }), ['COG110 warning']],
    ['a 0 that may be another number', inTerraform(0, { precedence: oneOf(known(0), known(1)) }), ['COG110 warning']],
    [
      'a 0 that is a default',
      inTerraform(0, { precedence: oneOf(known(0), unknown) }),
      ['COG110 warning', 'COG190 note'],
    ],
    ['a 0 of a group without a role', inTerraform(0, { role: absent }), ['COG110 note']],
    [
      'a 0 that was there, of a group without a role',
      inTerraform(0, { created: false, role: absent }),
      ['COG110 note'],
    ],
    ['a 0 of a group whose role is not known', inTerraform(0, { role: unknown }), ['COG110 error', 'COG190 note']],
    [
      'no precedence, by default',
      inTerraform(1, { precedence: oneOf(absent, unknown) }),
      ['COG103 note', 'COG190 note'],
    ],
    ['a number that is not 0', inTerraform(1), []],
    ['the text of a number', inTerraform('7'), []],
    ['none, in a group that never had one', inTerraform(null, { created: true }), ['COG103 warning']],
    ['none, in a group that had 5', inTerraform(null, { created: false, before: before(5) }), ['COG111 error']],
    [
      'none, in a group without a role that had 5',
      inTerraform(null, { created: false, role: absent, before: before(5) }),
      ['COG111 note'],
    ],
    ['another, in a group that had 5', inTerraform(6, { created: false, before: before(5) }), []],
    ['none, in CloudFormation, in a group that had 5', group('a', null, A, { before: before(5) }), ['COG103 warning']],
    ['the text of a number, elsewhere', group('a', '7', A), ['COG151 note']],
    ['a text that is no number', inTerraform('first'), ['COG151 error']],
    ['a negative number', inTerraform(-1), ['COG150 error']],
    ['a boolean', inTerraform(true), ['COG151 error']],
    ['an object', inTerraform({ a: 1 }), ['COG151 error']],
    ['an explicit null', group('a', 1, A, { precedence: known(null) }), ['COG103 warning']],
  ])('%s', (_, one, expected) => {
    expect(found({ groups: [one] })).toEqual(expected)
  })

  test('for a group without a role, a finding about an unsent 0 does not mention a role', () => {
    const [finding] = validate({ groups: [inTerraform(0, { role: absent })] })
    expect(finding!.message).toMatch(/, and ranks last and not first\.$/)
    expect(finding!.impact).toBe('Without a role, the group changes no credentials.')
    const [control] = validate({ groups: [inTerraform(0)] })
    expect(control!.message).toMatch(/and its role is never preferred\.$/)
  })

  test('a 0 that Terraform does not send ties with nothing, and one that it sends for a removed number ties with 0', () => {
    expect(only('COG101', { groups: [inTerraform(0), group('b', 0, B)] })).toEqual([])
    expect(
      only('COG101', { groups: [inTerraform(null, { created: false, before: before(5) }), group('b', 0, B)] }),
    ).toEqual(['COG101 error'])
  })

  test('a role without a precedence is an error where it is the only route to the role, under Deny', () => {
    expect(only('COG103', { groups: [group('a', null, A)], attachments: deny })).toEqual(['COG103 error'])
    expect(only('COG103', { groups: [group('a', null, A)], attachments: fallback })).toEqual(['COG103 warning'])
    expect(only('COG103', { groups: [group('a', null, A), group('b', 1, A)], attachments: deny })).toEqual([
      'COG103 warning',
    ])
    expect(only('COG103', { groups: [group('a', null, A)], attachments: byRules })).toEqual(['COG103 note'])
  })

  test('a group without a precedence and without a role is a note among numbered ones, and one of a provider is none', () => {
    const userPoolId = 'eu-west-1_Ab12Cd34e'
    expect(only('COG106', { groups: [group('a', 1, A), group('b')] })).toEqual(['COG106 note'])
    expect(only('COG106', { userPoolId, groups: [group('a', 1, A), group(`${userPoolId}_Google`)] })).toEqual([])
  })

  test('groups that outrank others are reported in pairs: a group without a role behind every role is not reported', () => {
    const [finding] = validate(
      { groups: [group('first', 1), group('a', 2, A), group('b', 3, A), group('last', 4), group('none', null, A)] },
      { only: ['COG104'] },
    )
    expect(finding!.groups).toEqual(['a', 'b', 'first'])
    expect(finding!.message).toContain(
      'Precedence puts `first` (1), without a role, before `a` (2) and `b` (3), with a role.',
    )
    expect(only('COG104', { groups: [group('first', 1), group('a', 2, A, { condition: 'X' })] })).toEqual([
      'COG104 note',
    ])
    expect(
      only('COG104', { groups: [group('first', 1, null, { condition: 'X' }), group('a', 2, A, { condition: 'X' })] }),
    ).toEqual(['COG104 note'])
  })
})
