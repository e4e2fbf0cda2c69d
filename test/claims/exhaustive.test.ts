import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Group } from '../../src/group.js'
import { type Resolution, resolveRoles } from '../../src/claims/resolve.js'
import { pools, semantics } from '../arbitraries.js'
import { modelResolve } from '../models/resolve-model.js'
import { same } from '../same.js'
import { poolsOf } from '../small-pools.js'
import { type Semantics, SEMANTICS } from '../../src/claims/decide.js'

type Resolver = (groups: readonly Group[], semantics: Semantics) => Resolution

const product: Resolver = (groups, semantics) => resolveRoles(groups, { semantics })

const MOST_GROUPS = 4
const POOLS: readonly (readonly Group[])[] = Array.from({ length: MOST_GROUPS + 1 }, (_, size) => [
  ...poolsOf(size),
]).flat()

/** `0:a -:b 1:-` is a group at 0 with role a, one without a number with role b, one at 1 without a role. */
function show(pool: readonly Group[]): string {
  return pool.map(({ precedence, roleArn }) => `${precedence ?? '-'}:${roleArn ?? '-'}`).join(' ')
}

interface Comparison {
  readonly cases: number
  readonly firstDifference?: {
    readonly pool: string
    readonly semantics: Semantics
    readonly actual: Resolution
    readonly model: Resolution
  }
}

/** Stops at the first difference, and there is none smaller: pools come by size. */
function compareWithModel(resolve: Resolver, profiles: readonly Semantics[]): Comparison {
  let cases = 0
  for (const pool of POOLS) {
    for (const semantics of profiles) {
      const actual = resolve(pool, semantics)
      const model = modelResolve(pool, semantics)
      cases++
      if (!same(actual, model)) return { cases, firstDifference: { pool: show(pool), semantics, actual, model } }
    }
  }
  return { cases }
}

/** What the answer depends on, but for the names and roles that it lists: read off a pool as an outsider would. */
function combinationOf(pool: readonly Group[]): string {
  const withRole = pool.filter(({ roleArn }) => roleArn)
  const numbers = withRole.flatMap(({ precedence }) => precedence ?? [])
  const best = Math.min(...numbers)
  const tied = withRole.filter(({ precedence }) => numbers.length === 0 || precedence === best)
  const numberedWithout = pool.filter(({ roleArn, precedence }) => !roleArn && precedence != null)
  const beside = numberedWithout.filter(({ precedence }) => precedence === best)
  return combination({
    groups: pool.length > 0,
    numbered: numbers.length > 0,
    tied: tied.length > 1 ? 'several' : tied.length > 0 ? 'one' : 'none',
    differ: new Set(tied.map(({ roleArn }) => roleArn)).size > 1,
    beside: beside.length > 0,
    moreThanTwo: tied.length + beside.length > 2,
    others: numberedWithout.length > beside.length,
  })
}

interface Combination {
  readonly groups: boolean
  /** Whether a group with a role has a number. */
  readonly numbered: boolean
  /** The groups with a role that have the lowest number; where none has one, all that have a role. */
  readonly tied: 'none' | 'one' | 'several'
  /** Whether their roles differ. */
  readonly differ: boolean
  /** Whether a group without a role has that number. */
  readonly beside: boolean
  /** Whether more than two groups have it, with a role or without: tokens and AWS's text know ties of two. */
  readonly moreThanTwo: boolean
  /** Whether a group without a role has another number. */
  readonly others: boolean
}

const combination = (parts: Combination) => JSON.stringify(parts)

/** Every combination that can exist, from what the parts mean and not from pools. */
function combinations(): ReadonlySet<string> {
  const no = {
    groups: true,
    numbered: false,
    tied: 'none',
    differ: false,
    beside: false,
    moreThanTwo: false,
    others: false,
  } as const
  const found: Combination[] = [{ ...no, groups: false }]
  for (const others of [false, true]) {
    found.push({ ...no, others })
    for (const numbered of [false, true]) {
      // None can be beside where there is no number.
      for (const beside of numbered ? [false, true] : [false]) {
        for (const moreThanTwo of beside ? [false, true] : [false])
          found.push({ ...no, others, numbered, beside, tied: 'one', moreThanTwo })
        for (const differ of [false, true]) {
          for (const moreThanTwo of beside ? [true] : [false, true])
            found.push({ ...no, others, numbered, beside, tied: 'several', differ, moreThanTwo })
        }
      }
    }
  }
  return new Set(found.map(combination))
}

describe('every pool of up to four groups, with four precedences and four roles', () => {
  test("has the model's result, in every field and every semantics", () => {
    expect(compareWithModel(product, SEMANTICS)).toEqual({ cases: 69_905 * 4 })
  })

  test('there are 69,905 of them, no two alike, and each rule and evidence occurs among them', () => {
    expect(POOLS.length).toBe(1 + 16 + 16 ** 2 + 16 ** 3 + 16 ** 4)
    expect(new Set(POOLS.map(show)).size).toBe(69_905)
    const answers = POOLS.flatMap(pool => SEMANTICS.map(semantics => resolveRoles(pool, { semantics })))
    expect(new Set(answers.map(answer => answer.outcome)).size).toBe(4)
    expect(new Set(answers.map(answer => answer.rule)).size).toBe(7)
    expect(new Set(answers.map(answer => answer.evidence)).size).toBe(4)
  })
})

describe('the result for a larger pool', () => {
  const needed = combinations()

  test('the small pools reach every combination that the result depends on', () => {
    expect(new Set(POOLS.map(combinationOf))).toEqual(needed)
  })

  test('control: pools of up to three groups do not reach them all', () => {
    const reached = new Set(POOLS.filter(pool => pool.length <= 3).map(combinationOf))
    expect([...needed].filter(one => !reached.has(one)).map(one => JSON.parse(one))).toContainEqual({
      groups: true,
      numbered: true,
      tied: 'several',
      differ: true,
      beside: true,
      moreThanTwo: true,
      others: true,
    })
  })

  /** By semantics and combination: outcome, rule and evidence of the small pools. */
  const decided = new Map<string, string>()
  const keyOf = (pool: readonly Group[], semantics: Semantics) => `${semantics} ${combinationOf(pool)}`
  const decisionOn = (resolve: Resolver, pool: readonly Group[], semantics: Semantics) => {
    const { outcome, rule, evidence } = resolve(pool, semantics)
    return [outcome, rule, evidence].join()
  }

  test('small pools of one combination have one outcome, rule and evidence', () => {
    for (const pool of POOLS)
      for (const semantics of SEMANTICS) {
        const decision = decisionOn(product, pool, semantics)
        const before = decided.get(keyOf(pool, semantics)) ?? decision
        if (decision !== before)
          expect.fail(`${show(pool)} is ${decision} in ${semantics}, and another pool of its combination ${before}`)
        decided.set(keyOf(pool, semantics), before)
      }
    expect(decided.size).toBe(needed.size * SEMANTICS.length)
  })

  const isDecidedAs = (resolve: Resolver) =>
    fc.property(
      fc.oneof(pools, largePools),
      semantics,
      (pool, semantics) => decisionOn(resolve, pool, semantics) === decided.get(keyOf(pool, semantics)),
    )

  test('a pool of any size has those of the small pools of its combination', () => {
    fc.assert(isDecidedAs(product), { numRuns: 2000 })
  })

  test('control: a rule for ties of four is noticed', () => {
    const wrong: Resolver = (groups, semantics) => {
      const answer = product(groups, semantics)
      return answer.determiningGroups.length > 3 ? { ...answer, evidence: 'unknown' } : answer
    }
    expect(fc.check(isDecidedAs(wrong), { seed: 1, numRuns: 2000 }).failed).toBe(true)
  })
})

const largePools: fc.Arbitrary<readonly Group[]> = fc
  .array(
    fc.record({ precedence: fc.option(fc.nat({ max: 5 })), roleArn: fc.option(fc.constantFrom('a', 'b', 'c', 'd')) }),
    { minLength: 5, maxLength: 100, size: 'max' },
  )
  .map(groups => groups.map((group, index) => ({ groupName: `g${index}`, ...group })))

const mapGroups =
  (change: (group: Group) => Partial<Group>): Resolver =>
  (groups, semantics) =>
    product(
      groups.map(group => ({ ...group, ...change(group) })),
      semantics,
    )
const mapAnswer =
  (change: (answer: Resolution, groups: readonly Group[]) => Partial<Resolution>): Resolver =>
  (groups, semantics) => {
    const answer = product(groups, semantics)
    return { ...answer, ...change(answer, groups) }
  }
const resolvedTo = (role: string, { claims }: Resolution): Partial<Resolution> => ({
  outcome: 'resolved',
  preferredRole: role,
  claims: { ...claims, 'cognito:preferred_role': role },
})

/** Falls through: asks the groups behind a tie on two roles. */
const nextPrecedence: Resolver = (groups, semantics) => {
  const answer = product(groups, semantics)
  if (answer.outcome !== 'ambiguous') return answer
  const next = nextPrecedence(
    groups.filter(group => !answer.determiningGroups.includes(group.groupName)),
    semantics,
  )
  return next.preferredRole === undefined ? answer : { ...answer, ...resolvedTo(next.preferredRole, answer) }
}

const mistakes: readonly (readonly [string, string, Resolver])[] = [
  ['asks the next precedence after a tie on two roles', '0:a 0:b 1:a', nextPrecedence],
  ['takes precedence 0 for none', '0:a', mapGroups(({ precedence }) => ({ precedence: precedence || null }))],
  [
    'takes no precedence for the highest rank',
    '-:a',
    mapGroups(({ precedence }) => ({ precedence: precedence == null ? 0 : precedence + 1 })),
  ],
  [
    'lets the higher number win',
    '0:a 1:a',
    mapGroups(({ precedence }) => ({ precedence: precedence == null ? null : 9 - precedence })),
  ],
  [
    'prefers a role without a precedence, as the documented profile does',
    '-:a',
    groups => product(groups, 'documented'),
  ],
  ['lets groups without a role stand aside', '0:- 0:a', groups => product(groups, 'roles-compete')],
  ['lets groups without a role take part in a tie', '0:- 0:a', groups => product(groups, 'tied-groups-agree')],
  [
    'lets a group without a role block a higher number',
    '0:- 1:a',
    mapAnswer((answer, groups) => {
      const lowest = Math.min(...groups.flatMap(({ precedence }) => precedence ?? []))
      const blocks = groups.every(({ precedence, roleArn }) => precedence !== lowest || !roleArn)
      return answer.outcome === 'resolved' && blocks ? { outcome: 'none', rule: 'no-precedence' } : {}
    }),
  ],
  [
    'grants the candidate',
    '0:- 0:a',
    mapAnswer(answer => (answer.candidateRole === undefined ? {} : resolvedTo(answer.candidateRole, answer))),
  ],
  [
    'gives a tie to the group that comes first',
    '0:a 0:b',
    mapAnswer((answer, groups) =>
      answer.outcome !== 'ambiguous'
        ? {}
        : resolvedTo(groups.find(group => group.groupName === answer.determiningGroups[0])!.roleArn!, answer),
    ),
  ],
  [
    'calls a tie on one role ambiguous',
    '0:a 0:a',
    mapAnswer(answer => (answer.rule === 'shared-role' ? { outcome: 'ambiguous' } : {})),
  ],
  [
    'lists a shared role twice',
    '-:a -:a',
    mapAnswer((_, groups) => ({ roles: groups.flatMap(group => group.roleArn ?? []) })),
  ],
  [
    'lists the roles in the order given',
    '-:a 0:b',
    mapAnswer((_, groups) => ({ roles: [...new Set(groups.flatMap(group => group.roleArn ?? []))] })),
  ],
  [
    'lists only the preferred role',
    '-:a',
    mapAnswer(({ preferredRole }) => ({ roles: preferredRole === undefined ? [] : [preferredRole] })),
  ],
  [
    'lists only the groups with a role',
    '-:-',
    mapAnswer((_, groups) => ({ groups: groups.filter(group => group.roleArn != null).map(group => group.groupName) })),
  ],
  [
    'writes an undefined role where a key should be absent',
    '',
    mapAnswer(({ preferredRole }) => ({ preferredRole }) as Partial<Resolution>),
  ],
  [
    'writes a null claim where a key should be absent',
    '',
    mapAnswer(
      ({ claims }) => ({ claims: { 'cognito:preferred_role': null, ...claims } }) as unknown as Partial<Resolution>,
    ),
  ],
  [
    'names the first determining group alone',
    '-:a -:a',
    mapAnswer(({ determiningGroups }) => ({ determiningGroups: determiningGroups.slice(0, 1) })),
  ],
  [
    'claims evidence it does not have',
    '-:a 0:-',
    mapAnswer(({ evidence }) => ({ evidence: evidence === 'inferred' ? 'documented' : evidence })),
  ],
]

describe('control: the comparison catches a resolver that', () => {
  test.each(mistakes)('%s, on %s', (_, smallest, wrong) => {
    expect(compareWithModel(wrong, ['observed']).firstDifference?.pool).toBe(smallest)
  })
})
