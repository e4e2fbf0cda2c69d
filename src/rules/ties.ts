import { resolveRoles } from '../claims/resolve.js'
import { listItems } from '../errors.js'
import type { Choices, Membership, RoleReference } from './infrastructure.js'
import { type GroupView, type PoolView, roleKey } from './pool-view.js'
import { checkPrecedence } from './precedence.js'
import { chosenTogether, knownOr } from './value.js'
import { groupBy } from '../record.js'

/** Groups that conflict: a user in any two of them on different sides is affected. */
export interface Conflict {
  readonly groups: readonly GroupView[]
  /** False: only in some of the possibilities that the file leaves open. */
  readonly certain: boolean
}

/** A conflict of groups that share a precedence. */
export interface Tie extends Conflict {
  /** Different roles; or a role in one group and none in another. */
  readonly kind: 'different-roles' | 'role-and-none'
  readonly precedence: number
}

/** A group on the side it takes. */
export interface Competitor {
  readonly group: GroupView
  readonly side: string
  /** Two competitors of a certain cohort exist together. Two of an uncertain cohort do not: they are the same group. */
  readonly cohort: string
  readonly certain: boolean
}

/**
 * The conflicts among competitors: a certain one for each certain cohort that has two sides, and an uncertain one for
 * all that may conflict between cohorts. Linear: it makes at most one more conflict than there are cohorts, not one for
 * each pair.
 */
export function conflicts(competitors: readonly Competitor[]): readonly Conflict[] {
  const certain = [
    ...groupBy(
      competitors.filter(competitor => competitor.certain),
      ({ cohort }) => cohort,
    ).values(),
  ]
    .filter(cohort => cohort.some(({ side }) => side !== cohort[0]!.side))
    .map(cohort => ({ groups: groupsOf(cohort), certain: true }))
  return meetBetweenCohorts(competitors) ? [...certain, { groups: groupsOf(competitors), certain: false }] : certain
}

/**
 * Whether two competitors differ in both cohort and side. If each differs from the first in only one, two others may.
 */
function meetBetweenCohorts(competitors: readonly Competitor[]): boolean {
  const [first] = competitors
  if (first === undefined) return false
  const others = competitors.map(({ cohort, side }) => [cohort !== first.cohort, side !== first.side])
  const both = others.some(([cohort, side]) => cohort && side)
  return both || (others.some(([cohort]) => cohort) && others.some(([, side]) => side))
}

function groupsOf(competitors: readonly Competitor[]): readonly GroupView[] {
  return [...new Set(competitors.map(({ group }) => group))]
}

/** Groups under the same condition exist together, if what is asked about them is certain. */
export function cohortOf(group: GroupView, certain: boolean): Pick<Competitor, 'cohort' | 'certain'> {
  if (certain && !group.isRepeated) return { cohort: `condition ${group.definition.condition ?? ''}`, certain: true }
  return { cohort: `group ${group.name}`, certain: false }
}

/** Whether it has a role; undefined if that is unknown, or if the possibilities differ. */
export function hasRole({ roles, hasKnownRole }: GroupView): boolean | undefined {
  if (!hasKnownRole || new Set(roles.map(role => role === null)).size !== 1) return undefined
  return roles[0] !== null
}

export function hasOneRank({ ranks, hasKnownRank }: GroupView): boolean {
  return hasKnownRank && ranks.length === 1
}

/** The numbers among the ranks that it may have. */
export function numbersOf({ ranks }: GroupView): readonly number[] {
  return ranks.filter(rank => rank !== null)
}

/** Whether it has a role in some possibility. */
export function mayHaveRole({ roles }: GroupView): boolean {
  return roles.some(role => role !== null)
}

/** Every tie of the pool. */
export function tiesOf({ groups }: PoolView): readonly Tie[] {
  const numbered = groups.flatMap(group => group.ranks.flatMap(rank => (rank === null ? [] : [{ group, rank }])))
  const ranks = [...groupBy(numbered, ({ rank }) => String(rank)).values()].toSorted((a, b) => a[0]!.rank - b[0]!.rank)
  return ranks.flatMap(members => {
    const rank = members[0]!.rank
    const tied = members.map(({ group }) => group)
    return [
      ...conflicts(roleCompetitors(tied))
        .filter(mayMeetAt(rank))
        .map(conflict => ({
          ...conflict,
          kind: 'different-roles' as const,
          precedence: rank,
        })),
      ...conflicts(tied.flatMap(competitorsByRole))
        .filter(mayMeetAt(rank))
        .map(conflict => ({
          ...conflict,
          kind: 'role-and-none' as const,
          precedence: rank,
        })),
    ]
  })
}

/** With more groups, values that exclude one another are not looked for. */
const MAX_COMPARED = 100

/**
 * Whether two of the groups can have the rank together: the choice that gives it to one may exclude it for the other.
 */
function mayMeetAt(rank: number): (conflict: Conflict) => boolean {
  return ({ groups, certain }) => {
    if (certain || groups.length > MAX_COMPARED) return true
    const choices = groups.map(group => choicesFor(group, rank))
    return choices.some((one, index) => choices.slice(index + 1).some(other => chosenTogether(one, other) !== 'never'))
  }
}

/** The choices that give a group the rank; undefined if they are unknown. */
function choicesFor({ definition: { precedence } }: GroupView, rank: number): readonly Choices[] | undefined {
  const leaves = precedence.is === 'one-of' ? precedence.values : [precedence]
  const fitting = leaves.flatMap(leaf =>
    leaf.is === 'known' && checkPrecedence(leaf.value).rank === rank ? [leaf] : [],
  )
  const choices = fitting.flatMap(({ when }) => when ?? [])
  return fitting.length === 0 || fitting.some(({ when }) => when === undefined) ? undefined : choices
}

/**
 * The sides are the roles. An ARN and a resource may be the same role, and a reference may be any role, so these are
 * not certain. Two of a group's possible roles are enough: at least one of them differs from any other group's role.
 */
function roleCompetitors(groups: readonly GroupView[]): readonly Competitor[] {
  const withRole = groups.map(group => ({ group, roles: group.roles.filter(role => role !== null).slice(0, 2) }))
  const kindOf = kindsOfRoles(withRole.flatMap(({ roles }) => roles))
  return withRole.flatMap(({ group, roles }) =>
    roles.map(role => {
      const kind = kindOf(role)
      const isCertain = hasOneRank(group) && group.hasKnownRole && group.roles.length === 1 && kind !== undefined
      const { cohort, certain } = cohortOf(group, isCertain)
      return { group, side: roleKey(role), cohort: certain ? `${kind} ${cohort}` : cohort, certain }
    }),
  )
}

/** Two roles of one kind are certainly different if their ids differ; undefined for a role that is unknown. */
function kindsOfRoles(roles: readonly RoleReference[]): (role: RoleReference) => string | undefined {
  const ids = new Set(roles.flatMap(({ kind, id }) => (kind === 'reference' ? [id] : [])))
  const shared = new Map<string, number>()
  for (const id of ids) for (const frame of framesOf(id)) shared.set(frame, (shared.get(frame) ?? 0) + 1)
  return ({ kind, id }) => (kind === 'reference' ? framesOf(id).find(frame => shared.get(frame)! > 1) : kind)
}

const MAX_HOLES = 16

/**
 * For a string with placeholders, such as `arn:aws:iam::${AWS::AccountId}:role/a`: the rest of the string without one
 * of its literal parts, for each part, the last part first. Two strings that differ but share such a rest differ
 * whatever replaces the placeholders: what is before and after the literal is equal, so equal strings would have equal
 * literals. The first literal counts only if it begins an ARN: otherwise the string may be the path of a file.
 */
function framesOf(text: string): readonly string[] {
  const parts = text.split(/(\$\{[\w:.-]+\})/)
  const isPlain = parts.every((part, index) => index % 2 === 1 || !/[${}]/.test(part))
  if (!isPlain || parts.length === 1 || parts.length > 2 * MAX_HOLES + 1) return []
  const literals = [...parts.keys()].filter(index => index % 2 === 0 && (index > 0 || text.startsWith('arn:')))
  return literals.map(index => JSON.stringify([index, ...parts.toSpliced(index, 1)])).toReversed()
}

/** The sides are: with a role, and without one. */
function competitorsByRole(group: GroupView): readonly Competitor[] {
  const cohort = cohortOf(group, hasOneRank(group) && hasRole(group) !== undefined)
  return [...new Set(group.roles.map(role => (role === null ? 'none' : 'role')))].map(side => ({
    group,
    side,
    ...cohort,
  }))
}

interface RankedCompetitor extends Competitor {
  readonly rank: number
}

/**
 * The groups without a role that rank before groups with one (COG104), and the latter: one conflict for each certain
 * cohort.
 */
export function shadowed({ groups }: PoolView): readonly Conflict[] {
  const ranked = groups.flatMap(group =>
    competitorsByRole(group).flatMap(competitor =>
      group.ranks.flatMap(rank => (rank === null ? [] : [{ ...competitor, rank }])),
    ),
  )
  const cohorts = [
    ...groupBy(
      ranked.filter(({ certain }) => certain),
      ({ cohort }) => cohort,
    ).values(),
  ]
  return [
    ...cohorts.map(cohort => ({ groups: groupsOf(inShadow(cohort, lowest)), certain: true })),
    { groups: groupsOf(inShadow(ranked, lowestOfOtherCohort)), certain: false },
  ].filter(conflict => conflict.groups.length > 0)
}

/** The first rank among sorted competitors that counts for a competitor of the given cohort. */
type FirstRank = (sorted: readonly RankedCompetitor[]) => (cohort: string) => number | undefined

const lowest: FirstRank =
  ([first]) =>
  () =>
    first?.rank

const lowestOfOtherCohort: FirstRank = sorted => {
  const [first] = sorted
  const second = sorted.find(({ cohort }) => cohort !== first?.cohort)
  return cohort => (cohort === first?.cohort ? second : first)?.rank
}

function inShadow(competitors: readonly RankedCompetitor[], firstRank: FirstRank): readonly RankedCompetitor[] {
  const sorted = competitors.toSorted((a, b) => a.rank - b.rank)
  const firstWithoutRole = firstRank(sorted.filter(({ side }) => side === 'none'))
  const lastWithRole = firstRank(sorted.filter(({ side }) => side === 'role').toReversed())
  return competitors.filter(({ side, rank, cohort }) =>
    side === 'none' ? rank < (lastWithRole(cohort) ?? -1) : rank > (firstWithoutRole(cohort) ?? Infinity),
  )
}

/** The condition for a conflict that is not certain, as it follows "if". */
export function premise({ groups }: Conflict): string {
  const kinds = new Set(groups.flatMap(({ roles }) => roles.flatMap(role => (role === null ? [] : [role.kind]))))
  const isOpen = groups.some(group => !hasOneRank(group) || !group.hasKnownRole || group.roles.length > 1)
  const mayBeApart = groups.some(
    group => group.definition.condition !== groups[0]!.definition.condition || group.isRepeated,
  )
  const parts = [
    ...(isOpen ? [OPEN_VALUES] : []),
    ...(mayBeApart ? ['the groups exist together'] : []),
    ...(kinds.has('reference') || kinds.size > 1 ? ['the references to their roles stand for different roles'] : []),
  ]
  return listItems(parts, String)
}

export const OPEN_VALUES = 'the values that the file leaves open turn out that way'

/**
 * By tie, the users for whom it decides, at least under a condition of the template: each by their memberships in its
 * groups.
 */
export type AffectedUsers = ReadonlyMap<Tie, readonly (readonly Membership[])[]>

/** Asks `resolveRoles` about the groups of each user. */
export function findAffectedUsers(
  pool: PoolView,
  ties: readonly Tie[],
  memberships: readonly Membership[],
): AffectedUsers {
  const groups = new Map(
    pool.groups.filter(group => group.isNamed && !group.isRepeated).map(group => [group.name, group]),
  )
  const certain = groupBy(
    ties.filter(tie => tie.certain),
    ({ kind, precedence }) => `${kind} ${precedence}`,
  )
  const members = new Map(ties.map(tie => [tie, new Set(tie.groups)]))
  const affected = new Map<Tie, (readonly Membership[])[]>()
  for (const all of membershipsByUser(memberships).values()) {
    const reached = new Set<Tie>()
    for (const theirs of together(all, groups)) {
      const own = [...new Set(theirs.flatMap(({ groupName }) => groups.get(knownOr(groupName, '')) ?? []))]
      if (!own.every(group => hasOneRank(group) && group.hasKnownRole && group.roles.length === 1)) continue
      const resolution = resolveRoles(
        own.map(({ ranks, roles }, index) => ({
          groupName: String(index),
          precedence: ranks[0],
          roleArn: roles[0] ? roleKey(roles[0]) : null,
        })),
      )
      if (resolution.outcome !== 'ambiguous' && resolution.outcome !== 'undetermined') continue
      const determining = resolution.determiningGroups.map(index => own[Number(index)]!)
      const rank = Math.max(...determining.flatMap(numbersOf))
      const kind: Tie['kind'] = resolution.outcome === 'ambiguous' ? 'different-roles' : 'role-and-none'
      for (const tie of certain.get(`${kind} ${rank}`) ?? []) {
        const tied = determining.filter(group => members.get(tie)!.has(group) && group.ranks[0] === rank)
        if (reached.has(tie) || new Set(tied.map(({ roles }) => (roles[0] ? roleKey(roles[0]) : ''))).size < 2) continue
        reached.add(tie)
        const names = new Set(tied.map(({ name }) => name))
        const users = affected.get(tie) ?? []
        users.push(theirs.filter(({ groupName }) => names.has(knownOr(groupName, ''))))
        affected.set(tie, users)
      }
    }
  }
  return affected
}

/**
 * The sets of a user's memberships that exist together: those under no condition alone, and those with the memberships
 * under each condition. Two conditions are never combined: they may exclude one another.
 */
function together(
  memberships: readonly Membership[],
  groups: ReadonlyMap<string, GroupView>,
): readonly (readonly Membership[])[] {
  const byCondition = groupBy(
    memberships,
    ({ condition, groupName }) => condition ?? groups.get(knownOr(groupName, ''))?.definition.condition ?? '',
  )
  const always = byCondition.get('') ?? []
  return [
    always,
    ...[...byCondition].flatMap(([condition, theirs]) => (condition === '' ? [] : [[...always, ...theirs]])),
  ]
}

/** The memberships whose user and group are known, by user. */
export function membershipsByUser(memberships: readonly Membership[]): ReadonlyMap<string, readonly Membership[]> {
  const known = memberships.filter(({ username, groupName }) => username.is === 'known' && groupName.is === 'known')
  return groupBy(known, ({ username }) => knownOr(username, ''))
}
