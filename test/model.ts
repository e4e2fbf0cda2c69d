import type { Group } from '../src/group.js'
import type { Evidence, Outcome, Resolution, RoleClaims, Rule, Semantics } from '../src/resolve.js'

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
    evidence: semantics === 'documented' ? documentedEvidence(answer) : evidence(pool),
    groups: names,
    roles,
    ...(answer.preferred !== null && { preferredRole: answer.preferred }),
    ...(answer.candidate !== null && { candidateRole: answer.candidate }),
    determiningGroups: pool.filter(member => answer.determining.includes(member)).map(member => member.name),
    claims,
  }
}

/** Reading A: the groups with the lowest number decide. If all of them have one and the same role: that role. Else none. */
export function groupsCompete(groups: readonly Group[]): string | null {
  return preferredByGroups(members(groups))
}

/**
 * Reading B: groups without a role stand aside; of the rest, those with the lowest number decide. One distinct role:
 * that role. Else none.
 */
export function rolesCompete(groups: readonly Group[]): string | null {
  return preferredByRoles(members(groups))
}

interface Member { readonly name: string; readonly rank: number | null; readonly role: string | null }
interface Bearer extends Member { readonly role: string }
interface Numbered extends Member { readonly rank: number }
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
const rankOf = (member: Member): number => member.rank === null ? Infinity : member.rank
const byRank = <M extends Member>(some: readonly M[]): M[] =>
  distinct(some.map(rankOf)).toSorted((a, b) => (a < b ? -1 : 1)).flatMap(rank => some.filter(member => rankOf(member) === rank))
const lowest = <M extends Member>(some: readonly M[]): M[] => some.filter(member => some.every(other => rankOf(member) <= rankOf(other)))

function theOneRole(deciding: Pool): string | null {
  const roles = distinct(deciding.map(member => member.role))
  return roles.length === 1 ? roles[0]! : null
}

function preferredByGroups(pool: Pool): string | null {
  const deciding = lowest(pool.filter(hasNumber))
  return deciding.every(hasRole) ? theOneRole(deciding) : null
}

function preferredByRoles(pool: Pool): string | null {
  return theOneRole(lowest(rankedBearers(pool)))
}

const PROFILES: Record<Semantics, (pool: Pool) => Answer> = {
  observed: pool => withoutRoles(pool) ?? withoutPrecedence(pool) ?? agreement(pool),
  'groups-compete': pool => withoutRoles(pool) ?? withoutPrecedence(pool) ?? readingA(pool),
  'roles-compete': pool => withoutRoles(pool) ?? withoutPrecedence(pool) ?? readingB(pool),
  documented: pool => withoutRoles(pool) ?? nullIsTheLowestRank(pool),
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

/** Where A and B agree, that is the answer. Where they differ, it is undetermined, and B's role is the candidate. */
function agreement(pool: Pool): Answer {
  const deciding = lowest(rankedBearers(pool))
  if (preferredByGroups(pool) === preferredByRoles(pool)) return amongBearers(deciding)
  return {
    outcome: 'undetermined',
    rule: 'roleless-contender',
    preferred: null,
    candidate: preferredByRoles(pool),
    determining: [...deciding, ...rolelessContenders(pool)],
  }
}

function readingA(pool: Pool): Answer {
  const deciding = lowest(pool.filter(hasNumber))
  const bearers = deciding.filter(hasRole)
  if (distinct(bearers.map(member => member.role)).length > 1) return amongBearers(bearers)
  return bearers.length === deciding.length ? amongBearers(bearers) : none('roleless-contender', deciding)
}

function readingB(pool: Pool): Answer {
  return amongBearers(lowest(rankedBearers(pool)))
}

function nullIsTheLowestRank(pool: Pool): Answer {
  return amongBearers(lowest(pool.filter(hasRole)))
}

function amongBearers(deciding: readonly Bearer[]): Answer {
  const role = theOneRole(deciding)
  if (role === null) return { outcome: 'ambiguous', rule: 'conflicting-roles', preferred: null, candidate: null, determining: deciding }
  const rule = deciding.length === 1 ? 'lowest-precedence' : 'shared-role'
  return { outcome: 'resolved', rule, preferred: role, candidate: null, determining: deciding }
}

/** The role-less numbered groups at the best role-bearing level or below its number. */
function rolelessContenders(pool: Pool): Pool {
  const best = lowest(rankedBearers(pool))
  return pool.filter(hasNumber).filter(member => !hasRole(member) && best.every(bearer => member.rank <= bearer.rank))
}

/**
 * The evidence column of the table. A reading alone is as well founded as the agreement of both, and where they
 * differ nothing is known: so three profiles share this.
 */
function evidence(pool: Pool): Evidence {
  const { rule, determining } = PROFILES.observed(pool)
  const bearers = pool.filter(hasRole)
  const arns = distinct(bearers.map(bearer => bearer.role))
  const anArnIsRepeated = arns.length < bearers.length
  const onlyTheTieRepeats = arns.length === bearers.length - 1
  const aNumberWithoutRole = pool.filter(hasNumber).some(member => !hasRole(member))
  const tieOfTwo = determining.length === 2
  switch (rule) {
    case 'no-groups':
      return 'documented' // row 1
    case 'no-roles':
      return 'observed' // row 2
    case 'no-precedence':
      if (aNumberWithoutRole) return 'inferred' // row 15
      if (bearers.length === 1) return 'observed' // rows 3, 6
      return anArnIsRepeated ? 'inferred' : 'documented' // rows 8, 7
    case 'lowest-precedence':
      if (anArnIsRepeated) return 'inferred' // row 16
      return bearers.length === 1 && !aNumberWithoutRole ? 'observed' : 'documented' // rows 4, 5, 17; row 9
    case 'shared-role':
      return tieOfTwo && onlyTheTieRepeats ? 'documented' : 'inferred' // rows 10; 12, 16
    case 'conflicting-roles':
      return tieOfTwo && rolelessContenders(pool).length === 0 && !anArnIsRepeated ? 'documented' : 'inferred' // rows 11; 12, 16
    case 'roleless-contender':
      return 'unknown' // rows 13, 14
  }
}

/** AWS's page says it, but for what rows 1 and 2 have from elsewhere. */
function documentedEvidence(answer: Answer): Evidence {
  return answer.rule === 'no-roles' ? 'observed' : 'documented'
}
