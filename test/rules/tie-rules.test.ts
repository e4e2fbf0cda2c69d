import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { GroupDefinition, Membership, Value } from '../../src/rules/infrastructure.js'
import {
  known,
  absent,
  unknown,
  oneOf,
  resource,
  arn,
  reference,
  ofAccount,
  group,
  type Given,
  validate,
  found,
  mapping,
  attachment,
  deny,
  fallback,
  byRules,
  member,
  tie,
  A,
  B,
} from './given.js'

describe('ties', () => {
  const roleless = [group('admins', 1, A), group('staff', 1)]

  test.each<[string, Given, string[]]>([
    [
      'an error under Token and Deny, and so is the mapping',
      { groups: tie, attachments: deny },
      ['COG101 error', 'COG133 error'],
    ],
    ['an error under Token and AuthenticatedRole', { groups: tie, attachments: fallback }, ['COG101 error']],
    ['a note where rules alone map the pool', { groups: tie, attachments: byRules }, ['COG101 note', 'COG130 note']],
    [
      'an error where rules map one client and tokens another',
      { groups: tie, attachments: [attachment([mapping('Rules', 'Deny'), mapping('Token', 'AuthenticatedRole')])] },
      ['COG101 error'],
    ],
    [
      'an error where rules map another pool',
      { groups: tie, attachments: [attachment([mapping('Rules', 'Deny', { pool: 'Other' })])] },
      ['COG101 error', 'COG130 warning'],
    ],
    [
      'an error where a user is in it, even under rules',
      { groups: tie, attachments: byRules, memberships: [member('a', 'admins'), member('a', 'editors')] },
      ['COG101 error', 'COG130 note', 'COG161 error'],
    ],
    ['a warning where one of two has no role', { groups: roleless }, ['COG102 warning']],
    [
      'an error where one of two has no role, and a user is in it',
      { groups: roleless, memberships: [member('a', 'admins'), member('a', 'staff')] },
      ['COG102 error', 'COG161 error'],
    ],
    [
      'an error of the mapping where one of two has no role',
      { groups: roleless, attachments: deny },
      ['COG102 warning', 'COG133 error'],
    ],
    [
      'two findings where two roles and a group without one tie',
      { groups: [...tie, group('staff', 1)] },
      ['COG101 error', 'COG102 warning'],
    ],
    ['none between pools', { groups: [tie[0]!, { ...tie[1]!, pool: 'Other' }] }, []],
  ])('a tie is %s', (_, given, expected) => {
    expect(found(given)).toEqual(expected)
  })

  test('a user in a tie is not in it who has a group with a role that ranks before', () => {
    const groups = [...tie, group('owners', 0, resource('OwnerRole'))]
    const memberships = ['admins', 'editors', 'owners'].map(name => member('alice', name))
    expect(found({ groups, memberships })).toEqual(['COG101 error'])
    expect(found({ groups, memberships: memberships.slice(0, 2) })).toEqual(['COG101 error', 'COG161 error'])
  })

  test('memberships under one condition and under none exist together, those under two conditions may not', () => {
    const groups = [...tie, group('owners', 0, resource('OwnerRole'))]
    const under = (name: string, condition?: string): Membership => ({ ...member('alice', name), condition })
    const told = (...memberships: Membership[]) =>
      validate({ groups, memberships })
        .filter(({ ruleId }) => ruleId === 'COG161')
        .map(({ message }) => message.split('. ')[0])
    const decides = 'The tie at precedence 1 decides for `alice`'
    // Without the condition, no group ranks before the tie.
    expect(told(under('admins'), under('editors'), under('owners', 'Prod'))).toEqual([decides])
    expect(told(under('admins'), under('editors', 'Prod'))).toEqual([`${decides} (where \`Prod\` holds)`])
    expect(told(under('admins', 'Prod'), under('editors', 'Prod'), under('owners'))).toEqual([])
    expect(told(under('admins', 'Prod'), under('editors', 'Test'))).toEqual([])
  })

  test('two ARNs that differ in one literal part differ whatever fills their holes', () => {
    const literals = fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 })
    const draw = fc.record({
      first: fc.array(literals, { minLength: 3, maxLength: 3 }),
      second: fc.array(literals, { minLength: 3, maxLength: 3 }),
      fills: fc.tuple(literals, literals),
    })
    const text = ([x, y, z]: readonly string[], [p, q]: readonly [string, string]) => `arn:${x}${p}${y}${q}${z}`
    let certain = 0
    fc.assert(
      fc.property(draw, ({ first, second, fills }) => {
        const [a, b] = [first, second].map(one => reference(text(one, ['${X}', '${Y}'])))
        if (found({ groups: [group('a', 1, a), group('b', 1, b)] })[0] !== 'COG101 error') return
        certain++
        expect(text(first, fills)).not.toBe(text(second, fills))
      }),
      { numRuns: 2000 },
    )
    expect(certain, 'control: some are told').toBeGreaterThan(20)
    expect(text(['a', '', ''], ['a', 'a']), 'control: two literals may differ in equal texts').toBe(
      text(['', '', 'a'], ['a', 'a']),
    )
  })

  test('one finding stands for a level, and says who the users are', () => {
    const groups = [...tie, group('authors', 1, A), group('low', 7, A), group('lower', 7, B)]
    const findings = validate({
      groups,
      memberships: [
        member('zoe', 'admins'),
        member('bob', 'authors'),
        member('zoe', 'editors'),
        member('bob', 'editors'),
      ],
    })
    expect(findings.map(({ ruleId, groups }) => [ruleId, ...groups])).toEqual([
      ['COG101', 'admins', 'authors', 'editors'],
      ['COG101', 'low', 'lower'],
      ['COG161', 'admins', 'authors', 'editors'],
    ])
    expect(findings[2]!.message).toContain('The tie at precedence 1 decides for `bob` and `zoe`.')
    expect(findings[0]!.related.map(({ message }) => message)).toEqual(['group `authors`', 'group `editors`'])
  })

  test.each<[string, GroupDefinition[], string[]]>([
    [
      'a precedence that may be another',
      [group('a', 1, A, { precedence: oneOf(known(1), known(2)) }), group('b', 1, B)],
      ['COG101 warning'],
    ],
    [
      'a precedence that is the same either way',
      [group('a', 1, A, { precedence: oneOf(known(1), known(1)) }), group('b', 1, B)],
      ['COG101 error'],
    ],
    [
      'a role that may be the same',
      [group('a', 1, A, { role: oneOf(known(A), known(B)) }), group('b', 1, B)],
      ['COG101 warning'],
    ],
    [
      'a role that may be none',
      [group('a', 1, A, { role: oneOf(known(A), absent) }), group('b', 1, B)],
      ['COG101 warning', 'COG102 note'],
    ],
    [
      'groups of two conditions',
      [group('a', 1, A, { condition: 'X' }), group('b', 1, B, { condition: 'Y' })],
      ['COG101 warning'],
    ],
    ['one group of a condition', [group('a', 1, A, { condition: 'X' }), group('b', 1, B)], ['COG101 warning']],
    [
      'groups of one condition',
      [group('a', 1, A, { condition: 'X' }), group('b', 1, B, { condition: 'X' })],
      ['COG101 error'],
    ],
    ['two references', [group('a', 1, reference('P')), group('b', 1, reference('Q'))], ['COG101 warning']],
    ['one reference twice', [group('a', 1, reference('P')), group('b', 1, reference('P'))], []],
    [
      'two ARNs with the same hole',
      [group('a', 1, reference(ofAccount('role/a'))), group('b', 1, reference(ofAccount('role/b')))],
      ['COG101 error'],
    ],
    [
      'one ARN with a hole twice',
      [group('a', 1, reference(ofAccount('role/a'))), group('b', 1, reference(ofAccount('role/a')))],
      [],
    ],
    [
      'two ARNs that differ before a hole',
      [group('a', 1, reference('arn:aws:iam::1:role/a-${X}')), group('b', 1, reference('arn:aws:iam::1:role/b-${X}'))],
      ['COG101 error'],
    ],
    [
      'two ARNs that differ on two sides of a hole',
      [group('a', 1, reference('arn:x:a${X}:')), group('b', 1, reference('arn:x:${X}a:'))],
      ['COG101 warning'],
    ],
    [
      'two ARNs with different holes',
      [group('a', 1, reference('arn:x:${X}:a')), group('b', 1, reference('arn:x:${Y}:b'))],
      ['COG101 warning'],
    ],
    [
      'two ARNs whose holes differ inside',
      [group('a', 1, reference('arn:x:${F("0",${X})}')), group('b', 1, reference('arn:x:${F("1",${X})}'))],
      ['COG101 warning'],
    ],
    [
      'ARNs of two files, of which each is for the same',
      [group('a', 1, reference('a.yaml: arn:x:${X}:a')), group('b', 1, reference('b.yaml: arn:x:${X}:a'))],
      ['COG101 warning'],
    ],
    [
      'two names without a hole',
      [group('a', 1, reference('arn:var.a')), group('b', 1, reference('arn:var.b'))],
      ['COG101 warning'],
    ],
    [
      'two of three that differ in one place',
      [
        group('a', 1, reference('arn:x:${X}:a')),
        group('b', 1, reference('arn:x:${X}:b')),
        group('c', 1, reference('arn:y:${X}:c')),
      ],
      ['COG101 error', 'COG101 warning'],
    ],
    ['an ARN and a resource', [group('a', 1, arn('Admin')), group('b', 1, A)], ['COG101 warning']],
    ['two ARNs', [group('a', 1, arn('Admin')), group('b', 1, arn('admin'))], ['COG101 error']],
    ['a role that is not known', [group('a', 1, A, { role: unknown }), group('b', 1, B)], ['COG190 note']],
    ['a precedence that is not known', [group('a', 1, A, { precedence: unknown }), group('b', 1, B)], ['COG190 note']],
    [
      'a precedence one possibility of which is not known',
      [group('a', 1, A, { precedence: oneOf(known(1), unknown) }), group('b', 1, B)],
      ['COG101 warning', 'COG190 note'],
    ],
    ['a precedence that Cognito refuses', [group('a', 1.5, A), group('b', 1.5, B)], ['COG151 error', 'COG151 error']],
    [
      'one of two that has no role in one condition',
      [group('a', 1, A), group('b', 1, null, { condition: 'X' })],
      ['COG102 note'],
    ],
    [
      'one name under two conditions',
      [group('a', 1, A, { condition: 'X' }), group('a', 1, B, { condition: 'Y', id: 'other' })],
      ['COG154 warning'],
    ],
  ])('what is certain is told from what may be: %s', (_, groups, expected) => {
    expect(found({ groups })).toEqual(expected)
  })

  test('a possible tie says "if"', () => {
    const message = (...groups: GroupDefinition[]) => validate({ groups })[0]!.message
    expect(message(group('a', 1, A, { condition: 'X' }), group('b', 1, B))).toContain(
      'may have precedence 1 and different roles, if the groups exist together.',
    )
    expect(message(group('a', 1, reference('P')), group('b', 1, B))).toContain(
      ', if the references to their roles stand for different roles.',
    )
    expect(message(group('a', 1, A), group('b', 1, B, { precedence: oneOf(known(1), absent) }))).toContain(
      ', if the values that the file leaves open turn out that way.',
    )
  })

  test('certain and possible clashes of one level are two findings, and the certain one keeps its severity', () => {
    const findings = validate({ groups: [...tie, group('maybe', 1, resource('Third'), { condition: 'X' })] })
    expect(findings.map(({ severity, groups }) => [severity, groups.length]).toSorted()).toEqual([
      ['error', 2],
      ['warning', 3],
    ])
  })
})

describe('a value that is a default, or what a deployment gives instead', () => {
  const SEVERITY = ['note', 'warning', 'error']
  const drawn = fc.record({
    precedence: fc.constantFrom<(number | null)[]>(null, 0, 1, 2),
    role: fc.constantFrom(A, B, null),
    opens: fc.constantFrom<('precedence' | 'role' | undefined)[]>('precedence', 'role', undefined),
  })
  const rules = ['COG101', 'COG102', 'COG103', 'COG190'] as const

  const orUnknown = <T>(value: Value<T>) => oneOf(value, unknown)

  test('is found with the default, as a possibility: no finding is lost, and what depends on it is less severe', () => {
    fc.assert(
      fc.property(fc.array(drawn, { minLength: 1, maxLength: 5 }), groups => {
        const closed = groups.map(({ precedence, role }, index) => group(`g${index}`, precedence, role))
        const open = closed.map((one, index): GroupDefinition => {
          const { opens } = groups[index]!
          return {
            ...one,
            ...(opens === 'precedence' && { precedence: orUnknown(one.precedence) }),
            ...(opens === 'role' && { role: orUnknown(one.role) }),
          }
        })
        const isOpen = (name: string) => groups[Number(name.slice(1))]!.opens !== undefined
        const found = validate({ groups: open }, { only: rules })
        for (const finding of validate({ groups: closed }, { only: rules })) {
          const same = found.filter(
            ({ ruleId, groups }) => ruleId === finding.ruleId && finding.groups.every(name => groups.includes(name)),
          )
          expect(same.length).toBeGreaterThan(0)
          // Two groups whose values are not open may still be certain between themselves.
          if (finding.groups.filter(name => !isOpen(name)).length > 1 || !finding.groups.some(isOpen)) continue
          for (const one of same) {
            expect(SEVERITY.indexOf(one.severity)).toBeLessThanOrEqual(
              Math.max(0, SEVERITY.indexOf(finding.severity) - 1),
            )
            expect(one.message).toMatch(/ may .* if /)
          }
        }
        const notes = found.filter(({ ruleId }) => ruleId === 'COG190')
        expect(notes).toHaveLength(groups.filter(({ opens }) => opens !== undefined).length)
      }),
    )
  })

  test('control: a value that is not known at all loses the tie, and says that', () => {
    const groups = [group('a', 1, A), group('b', 1, B, { precedence: unknown })]
    expect(validate({ groups }, { only: rules }).map(({ ruleId }) => ruleId)).toEqual(['COG190'])
  })
})
