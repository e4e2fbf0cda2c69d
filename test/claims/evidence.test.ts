import { describe, expect, test } from 'vitest'
import { EVIDENCE_TABLE, type Evidence } from '../../src/claims/evidence.js'
import type { Group } from '../../src/group.js'
import { resolveRoles } from '../../src/claims/resolve.js'
import type { Rule, Semantics } from '../../src/claims/decide.js'

const A = 'arn:aws:iam::111122223333:role/Alpha'
const B = 'arn:aws:iam::111122223333:role/Beta'
const C = 'arn:aws:iam::111122223333:role/Gamma'

/** `a 0 A` is a group with precedence 0 and role A; `-` is none. */
function group(text: string): Group {
  const [groupName, precedence, role] = text.split(' ')
  return {
    groupName: groupName!,
    precedence: precedence === '-' ? null : Number(precedence),
    roleArn: { A, B, C }[role!] ?? null,
  }
}

/** The table again, row by row, each with groups of every case it names. */
const ROWS = (
  [
    ['no-groups', '1', 'observed', [[]]],
    ['no-roles', '2', 'observed', [['a - -', 'b 1 -']]],
    [
      'no-precedence',
      '15',
      'inferred',
      [
        ['vip 1 -', 'b - B'],
        ['vip 1 -', 'b - B', 'c - B', 'd - A'],
      ],
    ],
    [
      'no-precedence',
      '3, 6, 7, 8',
      'observed',
      [['a - A'], ['a - A', 'b - -'], ['a - A', 'b - B'], ['a - A', 'b - A'], ['a - A', 'b - A', 'c - B']],
    ],
    [
      'lowest-precedence',
      '13',
      'unknown',
      [
        ['a 5 A', 'b 5 -'],
        ['vip 1 -', 'a 5 A', 'b 5 -', 'c 5 -'],
      ],
      'roles-compete',
    ],
    [
      'lowest-precedence',
      '4, 5, 9, 14, 16, 17',
      'observed',
      [
        ['a 0 A'],
        ['a 24 A'],
        ['a 10 B', 'b 1 A', 'c - C'],
        ['vip 1 -', 'b 2 B'],
        ['a 1 A', 'b 2 A'],
        ['eu-west-1_Example_Google - -', 'USERS 0 A'],
      ],
    ],
    ['shared-role', '13', 'unknown', [['a 5 A', 'b 5 A', 'c 5 -']], 'roles-compete'],
    ['shared-role', '12', 'inferred', [['a 0 A', 'b 0 A', 'c 0 A']]],
    [
      'shared-role',
      '10',
      'observed',
      [
        ['a 5 A', 'b 5 A', 'c 9 C'],
        ['vip 1 -', 'a 5 A', 'b 5 A'],
      ],
    ],
    [
      'conflicting-roles',
      '12',
      'inferred',
      [
        ['a 0 A', 'b 0 A', 'c 0 B'],
        ['a 5 A', 'b 5 B', 'c 5 -'],
      ],
    ],
    [
      'conflicting-roles',
      '11',
      'observed',
      [
        ['a 5 A', 'b 5 B', 'c 9 C'],
        ['vip 1 -', 'a 5 A', 'b 5 B'],
      ],
    ],
    [
      'roleless-contender',
      '13',
      'unknown',
      [
        ['a 5 A', 'b 5 -'],
        ['a 5 A', 'b 5 A', 'c 5 -'],
      ],
    ],
  ] satisfies [Rule, string, Evidence, string[][], Semantics?][]
).map(([rule, cases, evidence, examples, semantics]) => ({
  rule,
  cases,
  evidence,
  examples: examples.map(groups => groups.map(group)),
  semantics: semantics ?? ('observed' as const),
}))

describe('the evidence table', () => {
  test("has these rows, each rule's in this order", () => {
    const rows = Object.entries(EVIDENCE_TABLE).flatMap(([rule, some]) =>
      some.map(({ cases, evidence }) => [rule, cases, evidence]),
    )
    expect(rows).toEqual(ROWS.map(({ rule, cases, evidence }) => [rule, cases, evidence]))
  })

  test.each(ROWS)('$rule, cases $cases: $evidence', ({ rule, evidence, examples, semantics }) => {
    for (const groups of examples) expect(resolveRoles(groups, { semantics })).toMatchObject({ rule, evidence })
  })

  test.each(ROWS)("$rule, cases $cases: documented where AWS's page covers it", ({ evidence, examples }) => {
    for (const groups of examples) {
      expect(resolveRoles(groups, { semantics: 'documented' }).evidence).toBe(
        groups.some(({ roleArn }) => roleArn) ? 'documented' : evidence,
      )
    }
  })

  test('the last row of each rule, and no other, is for all standings that are left', () => {
    for (const rows of Object.values(EVIDENCE_TABLE)) {
      expect(rows.map(({ when }) => when === undefined)).toEqual(rows.map((_, index) => index === rows.length - 1))
    }
  })
})
