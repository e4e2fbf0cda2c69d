import { describe, expect, test } from 'vitest'
import type { Group } from '../src/group.js'
import { type Resolution, resolveRoles, type Semantics, SEMANTICS } from '../src/resolve.js'
import { modelResolve } from './model.js'
import { same } from './same.js'
import { poolsOf } from './small-pools.js'

type Resolver = (groups: readonly Group[], semantics: Semantics) => Resolution

const product: Resolver = (groups, semantics) => resolveRoles(groups, { semantics })

const MOST_GROUPS = 4
const POOLS: readonly (readonly Group[])[] = Array.from({ length: MOST_GROUPS + 1 }, (_, size) => [...poolsOf(size)]).flat()

/** `0:a -:b 1:-` is a group at 0 with role a, one without a number with role b, one at 1 without a role. */
function show(pool: readonly Group[]): string {
  return pool.map(({ precedence, roleArn }) => `${precedence ?? '-'}:${roleArn ?? '-'}`).join(' ')
}

interface Comparison {
  readonly cases: number
  readonly firstDifference?: { readonly pool: string; readonly semantics: Semantics; readonly actual: Resolution; readonly model: Resolution }
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

describe('every pool of up to four groups, with four precedences and three roles', () => {
  test('is answered as the model answers it, in every field and every semantics', () => {
    expect(compareWithModel(product, SEMANTICS)).toEqual({ cases: 22_621 * 4 })
  })

  test('there are 22,621 of them, no two alike, and each rule and evidence occurs among them', () => {
    expect(POOLS.length).toBe(1 + 12 + 12 ** 2 + 12 ** 3 + 12 ** 4)
    expect(new Set(POOLS.map(show)).size).toBe(22_621)
    const answers = POOLS.map(pool => resolveRoles(pool))
    expect(new Set(answers.map(answer => answer.outcome)).size).toBe(4)
    expect(new Set(answers.map(answer => answer.rule)).size).toBe(7)
    expect(new Set(answers.map(answer => answer.evidence)).size).toBe(4)
  })
})

const mapGroups = (change: (group: Group) => Partial<Group>): Resolver => (groups, semantics) =>
  product(groups.map(group => ({ ...group, ...change(group) })), semantics)
const mapAnswer = (change: (answer: Resolution, groups: readonly Group[]) => Partial<Resolution>): Resolver => (groups, semantics) => {
  const answer = product(groups, semantics)
  return { ...answer, ...change(answer, groups) }
}
const resolvedTo = (role: string, { claims }: Resolution): Partial<Resolution> =>
  ({ outcome: 'resolved', preferredRole: role, claims: { ...claims, 'cognito:preferred_role': role } })

/** Falls through: asks the groups behind a tie on two roles. */
const nextPrecedence: Resolver = (groups, semantics) => {
  const answer = product(groups, semantics)
  if (answer.outcome !== 'ambiguous') return answer
  const next = nextPrecedence(groups.filter(group => !answer.determiningGroups.includes(group.groupName)), semantics)
  return next.preferredRole === undefined ? answer : { ...answer, ...resolvedTo(next.preferredRole, answer) }
}

const mistakes: readonly (readonly [string, string, Resolver])[] = [
  ['asks the next precedence after a tie on two roles', '0:a 0:b 1:a', nextPrecedence],
  ['takes precedence 0 for none', '0:a', mapGroups(({ precedence }) => ({ precedence: precedence || null }))],
  ['takes no precedence for the highest rank', '-:a',
    mapGroups(({ precedence }) => ({ precedence: precedence == null ? 0 : precedence + 1 }))],
  ['lets the higher number win', '0:- 1:a',
    mapGroups(({ precedence }) => ({ precedence: precedence == null ? null : 9 - precedence }))],
  ['prefers a role without a precedence, as the documented profile does', '-:a', groups => product(groups, 'documented')],
  ['lets groups without a role stand aside', '0:- 0:a', groups => product(groups, 'roles-compete')],
  ['lets groups without a role compete', '0:- 0:a', groups => product(groups, 'groups-compete')],
  ['grants the candidate', '0:- 0:a', mapAnswer(answer =>
    answer.candidateRole === undefined ? {} : resolvedTo(answer.candidateRole, answer))],
  ['gives a tie to the group that comes first', '0:a 0:b', mapAnswer((answer, groups) =>
    answer.outcome !== 'ambiguous' ? {} : resolvedTo(groups.find(group => group.groupName === answer.determiningGroups[0])!.roleArn!, answer))],
  ['calls a tie on one role ambiguous', '0:a 0:a', mapAnswer(answer => answer.rule === 'shared-role' ? { outcome: 'ambiguous' } : {})],
  ['lists a shared role twice', '-:a -:a', mapAnswer((_, groups) => ({ roles: groups.flatMap(group => group.roleArn ?? []) }))],
  ['lists the roles in the order given', '-:a 0:b', mapAnswer((_, groups) =>
    ({ roles: [...new Set(groups.flatMap(group => group.roleArn ?? []))] }))],
  ['lists only the preferred role', '-:a', mapAnswer(({ preferredRole }) => ({ roles: preferredRole === undefined ? [] : [preferredRole] }))],
  ['lists only the groups with a role', '-:-', mapAnswer((_, groups) =>
    ({ groups: groups.filter(group => group.roleArn != null).map(group => group.groupName) }))],
  ['writes an undefined role where a key should be absent', '', mapAnswer(({ preferredRole }) =>
    ({ preferredRole }) as Partial<Resolution>)],
  ['writes a null claim where a key should be absent', '', mapAnswer(({ claims }) =>
    ({ claims: { 'cognito:preferred_role': null, ...claims } }) as unknown as Partial<Resolution>)],
  ['names the first determining group alone', '-:a -:a', mapAnswer(({ determiningGroups }) =>
    ({ determiningGroups: determiningGroups.slice(0, 1) }))],
  ['claims evidence it does not have', '-:a -:a', mapAnswer(({ evidence }) =>
    ({ evidence: evidence === 'inferred' ? 'documented' : evidence }))],
]

describe('control: the comparison catches a resolver that', () => {
  test.each(mistakes)('%s, on %s', (_, smallest, wrong) => {
    expect(compareWithModel(wrong, ['observed']).firstDifference?.pool).toBe(smallest)
  })
})
