import type { Group } from '../../src/group.js'
import type { Resolution, RoleClaims } from '../../src/claims/resolve.js'
import type { Outcome, Rule, Semantics } from '../../src/claims/decide.js'
import type { Evidence } from '../../src/claims/evidence.js'

/**
 * The reference resolver: semantics.md, section 1, sentence by sentence. It shares no code with `src/`, is in no hurry,
 * and reads nothing but well-formed groups.
 */
export function modelResolve(groups: readonly Group[], semantics: Semantics = 'observed'): Resolution {
  const pool = members(groups)
  const answer = PROFILES[semantics](pool)
  const names = pool.map(member => member.name)
  const roles = distinct(byRank(pool.filter(hasRole)).map(member => member.role))
  const claims: RoleClaims = {
    ...(names.length > 0 && { 'cognito:groups': names }),
    ...(roles.length > 0 && { 'cognito:roles': roles }),
    ...(answer.preferred !== null && { 'cognito:preferred_role': answer.preferred }),
  }
  return {
    outcome: answer.outcome,
    rule: answer.rule,
    evidence: semantics === 'documented' ? documentedEvidence(pool) : evidence(pool),
    groups: names,
    roles,
    ...(answer.preferred !== null && { preferredRole: answer.preferred }),
    ...(answer.candidate !== null && { candidateRole: answer.candidate }),
    determiningGroups: pool.filter(member => answer.determining.includes(member)).map(member => member.name),
    claims,
  }
}

/**
 * Reading B: groups without a role stand aside; of the rest with a number, those with the lowest decide. One distinct
 * role: that role. Else none.
 */
export function rolesCompete(groups: readonly Group[]): string | null {
  return preferredByRoles(members(groups))
}

/**
 * Reading A': as B, but a group without a role at the very number that wins takes part in the tie: its "no role" is a
 * second, different value, and so none is preferred.
 */
export function tiedLevelAgrees(groups: readonly Group[]): string | null {
  return preferredByAgreement(members(groups))
}

interface Member {
  readonly name: string
  readonly rank: number | null
  readonly role: string | null
}
interface Bearer extends Member {
  readonly role: string
}
interface Numbered extends Member {
  readonly rank: number
}
type Pool = readonly Member[]

interface Answer {
  readonly outcome: Outcome
  readonly rule: Rule
  readonly preferred: string | null
  readonly candidate: string | null
  readonly determining: Pool
}

/** The first group of a name counts; undefined and null are no value, and '' is no role. */
function members(groups: readonly Group[]): Pool {
  return groups
    .filter((group, index) => groups.findIndex(other => other.groupName === group.groupName) === index)
    .map(group => ({
      name: group.groupName,
      rank: group.precedence === undefined ? null : group.precedence,
      role: group.roleArn === undefined || group.roleArn === '' ? null : group.roleArn,
    }))
}

const hasRole = <M extends Member>(member: M): member is M & Bearer => member.role !== null
const hasNumber = <M extends Member>(member: M): member is M & Numbered => member.rank !== null
const rankedBearers = (pool: Pool) => pool.filter(hasRole).filter(hasNumber)
const distinct = <T>(values: readonly T[]): T[] => [...new Set(values)]
const rankOf = (member: Member): number => (member.rank === null ? Infinity : member.rank)
const byRank = <M extends Member>(some: readonly M[]): M[] =>
  distinct(some.map(rankOf))
    .toSorted((a, b) => (a < b ? -1 : 1))
    .flatMap(rank => some.filter(member => rankOf(member) === rank))
const lowest = <M extends Member>(some: readonly M[]): M[] =>
  some.filter(member => some.every(other => rankOf(member) <= rankOf(other)))

/** No role is a value like any other: null, where all have it or where they differ. */
function theOneRole(deciding: Pool): string | null {
  const roles = distinct(deciding.map(member => member.role))
  return roles.length === 1 ? roles[0]! : null
}

function preferredByRoles(pool: Pool): string | null {
  return theOneRole(winners(pool))
}

function preferredByAgreement(pool: Pool): string | null {
  return theOneRole([...winners(pool), ...beside(pool)])
}

const winners = (pool: Pool) => lowest(rankedBearers(pool))

/** The groups without a role at the number that wins. */
function beside(pool: Pool): Pool {
  return pool.filter(member => !hasRole(member) && winners(pool).some(winner => winner.rank === member.rank))
}

const PROFILES: Record<Semantics, (pool: Pool) => Answer> = {
  observed: pool => withoutRoles(pool) ?? withoutPrecedence(pool) ?? agreement(pool),
  'roles-compete': pool => withoutRoles(pool) ?? withoutPrecedence(pool) ?? amongBearers(winners(pool)),
  'tied-groups-agree': pool => withoutRoles(pool) ?? withoutPrecedence(pool) ?? amongTied(pool),
  documented: pool => withoutRoles(pool) ?? amongBearers(lowest(pool.filter(hasRole))),
}

function none(rule: Rule, determining: Pool): Answer {
  return { outcome: 'none', rule, preferred: null, candidate: null, determining }
}

function withoutRoles(pool: Pool): Answer | null {
  if (pool.length === 0) return none('no-groups', [])
  return pool.some(hasRole) ? null : none('no-roles', [])
}

function withoutPrecedence(pool: Pool): Answer | null {
  return rankedBearers(pool).length > 0 ? null : none('no-precedence', pool.filter(hasRole))
}

/** Where A' and B agree, that is the answer. Where they differ, it is undetermined, and B's role is the candidate. */
function agreement(pool: Pool): Answer {
  if (preferredByAgreement(pool) === preferredByRoles(pool)) return amongBearers(winners(pool))
  return {
    outcome: 'undetermined',
    rule: 'roleless-contender',
    preferred: null,
    candidate: preferredByRoles(pool),
    determining: [...winners(pool), ...beside(pool)],
  }
}

/** A' alone: a group without a role beside those with one role is a difference, and none is preferred. */
function amongTied(pool: Pool): Answer {
  const answer = amongBearers(winners(pool))
  const isContested = answer.outcome === 'resolved' && preferredByAgreement(pool) === null
  return isContested ? none('roleless-contender', [...winners(pool), ...beside(pool)]) : answer
}

function amongBearers(deciding: readonly Bearer[]): Answer {
  const role = theOneRole(deciding)
  if (role === null)
    return { outcome: 'ambiguous', rule: 'conflicting-roles', preferred: null, candidate: null, determining: deciding }
  const rule = deciding.length === 1 ? 'lowest-precedence' : 'shared-role'
  return { outcome: 'resolved', rule, preferred: role, candidate: null, determining: deciding }
}

/** The evidence column of the table: the weakest of the rows that the groups make. It is the same in the reading alone. */
function evidence(pool: Pool): Evidence {
  const rows = new Set(rowsOf(pool))
  if (rows.has(13)) return 'unknown'
  return rows.has(12) || rows.has(15) ? 'inferred' : 'observed'
}

/** The rows of the table, but for 16 and 17, which add nothing to what is in doubt. */
function rowsOf(pool: Pool): readonly number[] {
  const bearers = pool.filter(hasRole)
  if (pool.length === 0) return [1]
  if (bearers.length === 0) return [2]
  const first = lowest(pool.filter(hasNumber))
  const firstHasNone = first.length > 0 && !first.some(hasRole)
  if (!bearers.some(hasNumber)) {
    if (firstHasNone) return [15]
    return [3, 6, 7, 8]
  }
  const [winning, without] = [winners(pool), beside(pool)]
  const isOneRole = distinct(winning.map(winner => winner.role)).length === 1
  return [
    ...(firstHasNone ? [14] : []),
    ...(without.length > 0 && isOneRole ? [13] : []),
    ...(winning.length + without.length > 2 ? [12] : []),
    winning.length === 1 ? 9 : isOneRole ? 10 : 11,
  ]
}

/** AWS's page says it, but for what rows 1 and 2 have from elsewhere. */
function documentedEvidence(pool: Pool): Evidence {
  return pool.some(hasRole) ? 'documented' : evidence(pool)
}
