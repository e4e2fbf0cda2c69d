import type { RoleReference } from './infrastructure.js'
import { type GroupView, groupBy, type PoolView, roleKey } from './pool-view.js'

/** Groups that clash: any two of them on different sides do, if they belong to one user. */
export interface Clash {
  readonly groups: readonly GroupView[]
  /** False: only in some of the possibilities that the file leaves open. */
  readonly certain: boolean
}

/** A clash of equal precedence numbers. */
export interface Tie extends Clash {
  readonly ruleId: 'COG101' | 'COG102'
  readonly level: number
}

/** A group on the side it takes. */
export interface Contender {
  readonly group: GroupView
  readonly side: string
  /** Two of one certain block meet for sure. Two of one that is not certain never do: they are one group. */
  readonly block: string
  readonly certain: boolean
}

/**
 * The clashes among contenders: one for each certain block that has two sides, and one that is not certain for what may
 * happen between blocks. Linear, and there are no more findings than blocks, however many pairs they stand for.
 */
export function clashes(contenders: readonly Contender[]): readonly Clash[] {
  const certain = [
    ...groupBy(
      contenders.filter(contender => contender.certain),
      ({ block }) => block,
    ).values(),
  ]
    .filter(block => block.some(({ side }) => side !== block[0]!.side))
    .map(block => ({ groups: groupsOf(block), certain: true }))
  return meetBetweenBlocks(contenders) ? [...certain, { groups: groupsOf(contenders), certain: false }] : certain
}

/** Whether two contenders differ in block and in side. If all differ from the first in one only, two of them may. */
function meetBetweenBlocks(contenders: readonly Contender[]): boolean {
  const [first] = contenders
  if (first === undefined) return false
  const others = contenders.map(({ block, side }) => [block !== first.block, side !== first.side])
  const both = others.some(([block, side]) => block && side)
  return both || (others.some(([block]) => block) && others.some(([, side]) => side))
}

function groupsOf(contenders: readonly Contender[]): readonly GroupView[] {
  return [...new Set(contenders.map(({ group }) => group))]
}

/** Groups of one condition, if they are certain in what is asked, exist together. */
export function blockOf(group: GroupView, certain: boolean): Pick<Contender, 'block' | 'certain'> {
  if (certain && !group.isRepeated) return { block: `condition ${group.definition.condition ?? ''}`, certain: true }
  return { block: `group ${group.name}`, certain: false }
}

/** Whether it has a role: undefined where nobody knows, or where the possibilities differ. */
export function hasRole({ roles, hasKnownRole }: GroupView): boolean | undefined {
  if (!hasKnownRole || new Set(roles.map(role => role === null)).size !== 1) return undefined
  return roles[0] !== null
}

export function hasOneLevel({ levels, hasKnownLevel }: GroupView): boolean {
  return hasKnownLevel && levels.length === 1
}

/** Every tie of the pool: on different roles (COG101), of groups with a role and without one (COG102). */
export function tiesOf({ groups }: PoolView): readonly Tie[] {
  const numbered = groups.flatMap(group => group.levels.flatMap(level => (level === null ? [] : [{ group, level }])))
  const levels = [...groupBy(numbered, ({ level }) => String(level)).values()].toSorted(
    (a, b) => a[0]!.level - b[0]!.level,
  )
  return levels.flatMap(members => {
    const level = members[0]!.level
    const tied = members.map(({ group }) => group)
    return [
      ...clashes(roleContenders(tied)).map(clash => ({ ...clash, ruleId: 'COG101' as const, level })),
      ...clashes(tied.flatMap(bearingContenders)).map(clash => ({ ...clash, ruleId: 'COG102' as const, level })),
    ]
  })
}

/**
 * Sides are roles. An ARN and a resource may be one role, and a reference may be any: what they are is not certain. Of the
 * roles that a group may have two are enough: whatever another group's role is, one of two differs from it.
 */
function roleContenders(groups: readonly GroupView[]): readonly Contender[] {
  const bearers = groups.map(group => ({ group, roles: group.roles.filter(role => role !== null).slice(0, 2) }))
  const kindOf = kindsOfRoles(bearers.flatMap(({ roles }) => roles))
  return bearers.flatMap(({ group, roles }) =>
    roles.map(role => {
      const kind = kindOf(role)
      const isCertain = hasOneLevel(group) && group.hasKnownRole && group.roles.length === 1 && kind !== undefined
      const { block, certain } = blockOf(group, isCertain)
      return { group, side: roleKey(role), block: certain ? `${kind} ${block}` : block, certain }
    }),
  )
}

/** Two roles of one kind are two for sure if their ids differ; undefined for a role of which nobody knows. */
function kindsOfRoles(roles: readonly RoleReference[]): (role: RoleReference) => string | undefined {
  const ids = new Set(roles.flatMap(({ kind, id }) => (kind === 'reference' ? [id] : [])))
  const shared = new Map<string, number>()
  for (const id of ids) for (const frame of framesOf(id)) shared.set(frame, (shared.get(frame) ?? 0) + 1)
  return ({ kind, id }) => (kind === 'reference' ? framesOf(id).find(frame => shared.get(frame)! > 1) : kind)
}

const MAX_HOLES = 16

/**
 * What is left of a text with holes, such as `arn:aws:iam::${AWS::AccountId}:role/a`, without one of its literal parts: for each,
 * the last first. Texts that differ and leave the same are different whatever fills the holes: what stands before and behind the
 * literals is equal, so equal texts would have equal literals. A beginning that is no ARN's may be the path of a file.
 */
function framesOf(text: string): readonly string[] {
  const parts = text.split(/(\$\{[\w:.-]+\})/)
  const isPlain = parts.every((part, index) => index % 2 === 1 || !/[${}]/.test(part))
  if (!isPlain || parts.length === 1 || parts.length > 2 * MAX_HOLES + 1) return []
  const literals = [...parts.keys()].filter(index => index % 2 === 0 && (index > 0 || text.startsWith('arn:')))
  return literals.map(index => JSON.stringify([index, ...parts.toSpliced(index, 1)])).toReversed()
}

/** Sides are having a role and having none. */
function bearingContenders(group: GroupView): readonly Contender[] {
  const block = blockOf(group, hasOneLevel(group) && hasRole(group) !== undefined)
  return [...new Set(group.roles.map(role => (role === null ? 'none' : 'role')))].map(side => ({
    group,
    side,
    ...block,
  }))
}

interface RankedContender extends Contender {
  readonly level: number
}

/** The groups without a role that rank before groups with one (COG104), and those: of one pool, in one clash for each certain block. */
export function outrankings({ groups }: PoolView): readonly Clash[] {
  const ranked = groups.flatMap(group =>
    bearingContenders(group).flatMap(contender =>
      group.levels.flatMap(level => (level === null ? [] : [{ ...contender, level }])),
    ),
  )
  const blocks = [
    ...groupBy(
      ranked.filter(({ certain }) => certain),
      ({ block }) => block,
    ).values(),
  ]
  return [
    ...blocks.map(block => ({ groups: groupsOf(inOutranking(block, lowest)), certain: true })),
    { groups: groupsOf(inOutranking(ranked, lowestOfOtherBlock)), certain: false },
  ].filter(clash => clash.groups.length > 0)
}

/** Gives the first level of contenders that are sorted, as seen by one of a block. */
type FirstLevel = (sorted: readonly RankedContender[]) => (block: string) => number | undefined

const lowest: FirstLevel =
  ([first]) =>
  () =>
    first?.level

const lowestOfOtherBlock: FirstLevel = sorted => {
  const [first] = sorted
  const second = sorted.find(({ block }) => block !== first?.block)
  return block => (block === first?.block ? second : first)?.level
}

function inOutranking(contenders: readonly RankedContender[], firstLevel: FirstLevel): readonly RankedContender[] {
  const sorted = contenders.toSorted((a, b) => a.level - b.level)
  const firstRoleless = firstLevel(sorted.filter(({ side }) => side === 'none'))
  const lastBearer = firstLevel(sorted.filter(({ side }) => side === 'role').toReversed())
  return contenders.filter(({ side, level, block }) =>
    side === 'none' ? level < (lastBearer(block) ?? -1) : level > (firstRoleless(block) ?? Infinity),
  )
}
