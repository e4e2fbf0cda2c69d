import { type ErrorCode, quote, RolecastError } from './errors.js'
import { type Group, UNRANKED } from './group.js'
import {
  checkGroup,
  checkSemantics,
  decide,
  type Outcome,
  type Resolution,
  type ResolveOptions,
  type Semantics,
  toResolution,
} from './resolve.js'
import { sameTexts } from './texts.js'

/** A resolution of names, some of which the pool may not have. */
export interface PoolResolution extends Resolution {
  /** Names that the pool does not have, each once, in the order given. They carry no role and are in no claim. */
  readonly unknownGroups: readonly string[]
}

/** The groups of many users, by id: those of user `i` are `groupIds[offsets[i]]` up to, and without, `groupIds[offsets[i + 1]]`. */
export interface Memberships {
  /** One number more than there are users, ascending; the last one is at most the length of `groupIds`. */
  readonly offsets: Uint32Array
  /** A group that a user has twice counts once. */
  readonly groupIds: Uint16Array | Uint32Array
}

export interface ResolvedMany {
  /** By user: the place of the outcome in `OUTCOMES`. */
  readonly outcomes: Uint8Array
  /** By user: the id of the preferred role, of the candidate where the outcome is `undetermined`, or `NO_ROLE`. Never grant a candidate. */
  readonly preferredRoleIds: Int32Array
}

/** The distinct roles of user `i`, in the order of `Resolution.roles`: `roleIds[roleOffsets[i]]` up to `roleIds[roleOffsets[i + 1]]`. */
export interface ResolvedManyWithRoles extends ResolvedMany {
  readonly roleOffsets: Uint32Array
  readonly roleIds: Uint16Array | Uint32Array
}

/** The order of `ResolvedMany.outcomes`: 0 is `none`, so that a byte nobody wrote grants nothing. */
export const OUTCOMES: readonly Outcome[] = ['none', 'resolved', 'ambiguous', 'undetermined']

/** In place of a role's id: there is none. */
export const NO_ROLE = -1

export interface CompiledPool {
  /** By id, in the order given to `compilePool`; of those with one name the first. The objects are the caller's own. */
  readonly groups: readonly Group[]
  /** The distinct role ARNs by id, in the order in which groups first have them. */
  readonly roles: readonly string[]
  groupId(groupName: string): number | undefined
  roleId(roleArn: string): number | undefined
  /**
   * What `resolveRoles` answers for the groups of these names.
   *
   * When the same names come again in the same order, the resolution is deeply frozen, and one object for all who ask.
   *
   * @throws RolecastError `invalid-group-name` for one string in place of several, and for what is not a string
   */
  resolve(groupNames: Iterable<string>): PoolResolution
  /**
   * The same by ids of groups.
   *
   * @throws RolecastError `invalid-input` for what is no id
   */
  resolveIds(groupIds: ArrayLike<number>): PoolResolution
  /**
   * The same for many users at once, as columns in and columns out: for a whole user pool, where an object for each
   * user is too much. Not for one user: the reason and the claims are in `resolve` only. `roleIds` is a view of a buffer
   * that has room for as many roles as there are memberships.
   *
   * @throws RolecastError `invalid-input` before anything is resolved
   */
  resolveMany(memberships: Memberships, options: { readonly roles: true }): ResolvedManyWithRoles
  resolveMany(memberships: Memberships, options?: { readonly roles?: boolean | undefined }): ResolvedMany
}

/**
 * Makes a pool ready for many users: it answers what `resolveRoles` answers for the same groups, sooner.
 *
 * The groups are read once, now: what changes in the pool later needs another `compilePool`. Not worth it for a
 * single user.
 *
 * @throws RolecastError `invalid-precedence`, `invalid-group`, `invalid-option`: as `resolveRoles` does
 */
export function compilePool(groups: Iterable<Group>, options: ResolveOptions = {}): CompiledPool {
  const semantics = checkSemantics(options.semantics)
  const columns = readColumns([...groups])
  const { groups: distinctGroups, groupIds, names, levels, roles, roleIds, roleOf } = columns
  const orderRoles = createRoleOrder(columns)
  const memory = createMemory(groupIds)
  let bulk: ReturnType<typeof createBulk> | undefined

  // The distinct groups of the user at hand, in the order given: a group was met already when it has the number of this turn.
  const members = idColumn(names.length, names.length)
  const metIn = new Float64Array(names.length)
  let turn = 0

  function resolveAnew(groupNames: readonly string[]): PoolResolution {
    const ownTurn = ++turn
    const ownGroups: string[] = []
    const unknownGroups: string[] = []
    for (let index = 0; index < groupNames.length; index++) {
      const groupName = groupNames[index]!
      const id = groupIds.get(groupName)
      if (id === undefined) unknownGroups.push(checkName(groupName))
      else if (metIn[id] !== ownTurn) {
        metIn[id] = ownTurn
        members[ownGroups.length] = id
        ownGroups.push(names[id]!)
      }
    }
    // To read an element can be to run the caller's code, a getter for example, and that may have resolved other names.
    if (turn !== ownTurn) return resolveAnew([...groupNames])

    // From here on nothing runs but our own code.
    const count = ownGroups.length
    const { order, lowest } = orderRoles
    const distinctRoles = orderRoles.of(members, 0, count)
    const best = distinctRoles === 0 ? Infinity : lowest[order[0]!]!
    let bearers = 0
    let leaders = 0
    let lowestRoleless = Infinity
    for (let place = 0; place < count; place++) {
      const id = members[place]!
      const level = levels[id]!
      if (roleOf[id] === NO_ROLE) lowestRoleless = Math.min(lowestRoleless, level)
      else {
        bearers++
        if (level === best) leaders++
      }
    }
    const ownRoles: string[] = []
    for (let index = 0; index < distinctRoles; index++) ownRoles.push(roles[order[index]!]!)

    const conflict = distinctRoles > 1 && lowest[order[1]!] === best
    const standing = { groups: count, bearers, roles: distinctRoles, best, leaders, conflict, lowestRoleless }
    const verdict = decide(standing, semantics)
    const { leadersCount, rolelessDownTo } = verdict
    const determining: string[] = []
    for (let place = 0; place < count; place++) {
      const id = members[place]!
      if (roleOf[id] === NO_ROLE ? levels[id]! <= rolelessDownTo : leadersCount && levels[id] === best) determining.push(ownGroups[place]!)
    }
    const resolution = toResolution(ownGroups, ownRoles, determining, verdict) as Mutable<PoolResolution>
    resolution.unknownGroups = unknownGroups.length > 1 ? [...new Set(unknownGroups)] : unknownGroups
    return resolution
  }

  function resolve(groupNames: Iterable<string>): PoolResolution {
    const given = toArray(groupNames)
    const hash = memory.hashOf(given)
    const seen = memory.recall(hash, given)
    if (seen !== undefined) return seen
    const resolution = resolveAnew(given)
    memory.remember(hash, resolution)
    return resolution
  }

  function resolveMany(memberships: Memberships, { roles = false } = {}): ResolvedMany {
    checkMemberships(memberships, names.length)
    bulk ??= createBulk(columns, orderRoles, semantics)
    return roles ? { ...bulk.resolve(memberships), ...bulk.listRoles(memberships) } : bulk.resolve(memberships)
  }

  return {
    groups: Object.freeze(distinctGroups),
    roles: Object.freeze(roles),
    groupId: groupName => groupIds.get(groupName),
    roleId: roleArn => roleIds.get(roleArn),
    resolve,
    resolveIds: ids => resolve(checkIds(ids, names.length).map(id => names[id]!)),
    resolveMany: resolveMany as CompiledPool['resolveMany'],
  }
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** A pool by columns: what belongs to group `id` stands at `id`. */
interface Columns {
  readonly groups: readonly Group[]
  readonly names: readonly string[]
  readonly groupIds: ReadonlyMap<string, number>
  readonly roles: readonly string[]
  readonly roleIds: ReadonlyMap<string, number>
  /** `UNRANKED` for a role without a precedence, and `Infinity` for a group that has neither: it decides nothing. */
  readonly levels: Float64Array
  /** The id of the group's role, or `NO_ROLE`. */
  readonly roleOf: Int32Array
}

function readColumns(given: readonly Group[]): Columns {
  const groups: Group[] = []
  const groupIds = new Map<string, number>()
  const roleIds = new Map<string, number>()
  const levels = new Float64Array(given.length)
  const roleOf = new Int32Array(given.length).fill(NO_ROLE)
  for (const group of given) {
    const { groupName, precedence, roleArn } = checkGroup(group)
    if (groupIds.has(groupName)) continue
    const id = groups.push(group) - 1
    groupIds.set(groupName, id)
    levels[id] = precedence ?? (roleArn ? UNRANKED : Infinity)
    if (roleArn) {
      const roleId = roleIds.get(roleArn) ?? roleIds.size
      if (roleId === roleIds.size) roleIds.set(roleArn, roleId)
      roleOf[id] = roleId
    }
  }
  return {
    groups,
    names: [...groupIds.keys()],
    groupIds,
    roles: [...roleIds.keys()],
    roleIds,
    levels: levels.subarray(0, groups.length),
    roleOf: roleOf.subarray(0, groups.length),
  }
}

/** Room for so many ids of so many things. */
function idColumn(things: number, length: number): Uint16Array | Uint32Array {
  return things <= 2 ** 16 ? new Uint16Array(length) : new Uint32Array(length)
}

/** The factor of a level in a key: more than a pool has groups, and the highest key is still an exact number. */
const PLACES = 2 ** 21

/** The distinct roles of groups, lowest level first, and on one level in the order given. */
function createRoleOrder({ levels, roleOf, roles }: Columns) {
  const order = new Uint32Array(roles.length)
  // By role: the lowest level that it has here, and this level together with the place among those that came to it.
  const lowest = new Float64Array(roles.length)
  const keys = new Float64Array(roles.length)
  const metIn = new Float64Array(roles.length)
  let turn = 0
  return {
    order,
    lowest,
    /** How many they are; `order` has their ids. A group that comes twice counts once. */
    of(ids: Uint16Array | Uint32Array, start: number, end: number): number {
      turn++
      let count = 0
      let place = 0
      for (let at = start; at < end; at++) {
        const id = ids[at]!
        const role = roleOf[id]!
        if (role === NO_ROLE) continue
        const level = levels[id]!
        if (metIn[role] !== turn) {
          metIn[role] = turn
          order[count++] = role
        } else if (level >= lowest[role]!) continue
        lowest[role] = level
        keys[role] = level * PLACES + place++
      }
      // One by one: the fastest for few, and a user is in 100 groups at most.
      for (let index = 1; index < count; index++) {
        const role = order[index]!
        const key = keys[role]!
        let hole = index
        for (; hole > 0 && keys[order[hole - 1]!]! > key; hole--) order[hole] = order[hole - 1]!
        order[hole] = role
      }
      return count
    },
  }
}

/** How many resolutions are kept, at most: the thousandth user in the same groups is usual, the thousandth set of groups is not. */
const MOST_KEPT = 2048

/** An odd number whose multiples are spread evenly over 32 bits. */
const SPREAD = 0x9e3779b1

/**
 * What was resolved lately, found by three of the names: to join them all, or to look each of them up, costs more than
 * to compare them with those kept. Only names that come a second time are kept, so that those which come once cost little.
 */
function createMemory(groupIds: ReadonlyMap<string, number>) {
  const kept = new Map<number | undefined, PoolResolution>()
  const hashes = new Int32Array(MOST_KEPT)
  return {
    /** Other names may have the same. Undefined where it is not worth to keep them. */
    hashOf(groupNames: readonly string[]): number | undefined {
      const { length } = groupNames
      const first = groupIds.get(groupNames[0]!)
      const middle = groupIds.get(groupNames[length >>> 1]!)
      const last = groupIds.get(groupNames[length - 1]!)
      if (first === undefined || middle === undefined || last === undefined) return undefined
      const hash = Math.imul(Math.imul(Math.imul(length ^ first, SPREAD) ^ middle, SPREAD) ^ last, SPREAD)
      return hash ^ (hash >>> 15)
    },
    recall(hash: number | undefined, groupNames: readonly string[]): PoolResolution | undefined {
      const candidate = kept.get(hash)
      return candidate !== undefined && sameTexts(candidate.groups, groupNames) ? candidate : undefined
    },
    remember(hash: number | undefined, resolution: PoolResolution): void {
      // It is found by its groups, so it must be the answer for them and no other names.
      if (hash === undefined || resolution.unknownGroups.length > 0) return
      const slot = hash & (MOST_KEPT - 1)
      const cameBefore = hashes[slot] === hash
      hashes[slot] = hash
      if (!cameBefore) return
      if (kept.size >= MOST_KEPT) kept.clear()
      kept.set(hash, deepFreeze(resolution))
    },
  }
}

function deepFreeze(resolution: PoolResolution): PoolResolution {
  for (const part of Object.values(resolution)) Object.freeze(part)
  return Object.freeze(resolution)
}

/** A minimum of these is exact, and so is the difference of two. */
const LIMIT = 2 ** 30

/** Many users at once. The tables of a pool are made once; of each call only the columns that it gives back. */
function createBulk({ levels, roleOf, roles }: Columns, orderRoles: ReturnType<typeof createRoleOrder>, semantics: Semantics) {
  const distinctLevels = [...new Set(levels)].toSorted((a, b) => a - b)
  const rankOf = new Map(distinctLevels.map((level, rank) => [level, rank]))
  const bits = 32 - Math.clz32(roles.length)
  const mask = (1 << bits) - 1
  const nobody = distinctLevels.length * 2 ** bits
  if (nobody >= LIMIT) throw refuse('more precedences and roles than Cognito allows; resolve the users one by one', roles)

  // Numbers whose minima over a user's groups say how they stand. The high bits are the level, the low ones the role:
  // in `up` the least one on the best level, in `down` the greatest. The two are one when nobody there has another.
  const up = new Int32Array(levels.length).fill(nobody)
  const down = up.slice()
  const roleless = up.slice()
  for (let id = 0; id < levels.length; id++) {
    const level = rankOf.get(levels[id]!)! << bits
    const role = roleOf[id]!
    if (role === NO_ROLE) roleless[id] = level
    else {
      up[id] = level + role
      down[id] = level + mask - role
    }
  }
  const outcomeOf = outcomesOf(distinctLevels, semantics)

  return {
    /** A group that comes twice changes no minimum: nothing here asks whether one did. */
    resolve({ offsets, groupIds }: Memberships): ResolvedMany {
      const users = offsets.length - 1
      const outcomes = new Uint8Array(users)
      const preferredRoleIds = new Int32Array(users)
      let at = offsets[0]!
      for (let user = 0; user < users; user++) {
        const end = offsets[user + 1]!
        let lowestUp = nobody
        let lowestDown = nobody
        let lowestRoleless = nobody
        for (; at < end; at++) {
          const id = groupIds[at]!
          lowestUp = lower(lowestUp, up[id]!)
          lowestDown = lower(lowestDown, down[id]!)
          lowestRoleless = lower(lowestRoleless, roleless[id]!)
        }
        const best = lowestUp >> bits
        const role = lowestUp & mask
        const conflict = role !== mask - (lowestDown & mask)
        const outcome = outcomeOf[caseOf(best, conflict, Math.sign((lowestRoleless >> bits) - best))]!
        outcomes[user] = outcome
        preferredRoleIds[user] = outcome === RESOLVED || outcome === UNDETERMINED ? role : NO_ROLE
      }
      return { outcomes, preferredRoleIds }
    },

    listRoles({ offsets, groupIds }: Memberships): Pick<ResolvedManyWithRoles, 'roleOffsets' | 'roleIds'> {
      const users = offsets.length - 1
      const roleOffsets = new Uint32Array(users + 1)
      const most = offsets[users]! - offsets[0]!
      const roleIds = idColumn(roles.length, most)
      const { order } = orderRoles
      let listed = 0
      for (let user = 0; user < users; user++) {
        const count = orderRoles.of(groupIds, offsets[user]!, offsets[user + 1]!)
        for (let index = 0; index < count; index++) roleIds[listed++] = order[index]!
        roleOffsets[user + 1] = listed
      }
      return { roleOffsets, roleIds: roleIds.subarray(0, listed) }
    },
  }
}

/** The lower of two numbers below `LIMIT`, without a branch: no processor can foretell which it is. */
function lower(a: number, b: number): number {
  const difference = (a - b) | 0
  return (b + (difference & (difference >> 31))) | 0
}

const RESOLVED = OUTCOMES.indexOf('resolved')
const UNDETERMINED = OUTCOMES.indexOf('undetermined')

/** `rival` is -1, 0 or 1: where the lowest group without a role stands, seen from the best level. */
function caseOf(rank: number, conflict: boolean, rival: number): number {
  return rank * 6 + (conflict ? 4 : 1) + rival
}

/** What the rules say in every case; behind the last level, where nobody has a role, it is `none`. */
function outcomesOf(distinctLevels: readonly number[], semantics: Semantics): Uint8Array {
  const outcomes = new Uint8Array(caseOf(distinctLevels.length + 1, false, -1))
  for (const [rank, best] of distinctLevels.entries()) {
    for (const conflict of [false, true]) {
      for (const rival of [-1, 0, 1]) {
        const standing = { groups: 3, bearers: 2, roles: 2, best, leaders: 2, conflict, lowestRoleless: best + rival }
        outcomes[caseOf(rank, conflict, rival)] = OUTCOMES.indexOf(decide(standing, semantics).outcome)
      }
    }
  }
  return outcomes
}

function toArray(groupNames: Iterable<string>): readonly string[] {
  if (Array.isArray(groupNames)) return groupNames as readonly string[]
  if (typeof groupNames !== 'string' && typeof groupNames?.[Symbol.iterator] === 'function') return [...groupNames]
  throw refuse(`${quote(groupNames)} is no list of group names; give an array`, groupNames, 'invalid-group-name')
}

function checkName(groupName: unknown): string {
  if (typeof groupName === 'string') return groupName
  throw refuse(`${quote(groupName)} is no group's name; give strings`, groupName, 'invalid-group-name')
}

function checkIds(ids: ArrayLike<number>, groups: number): readonly number[] {
  if (typeof ids !== 'object' || typeof ids?.length !== 'number') throw refuse(`${quote(ids)} is no list of group ids; give an array`, ids)
  return Array.from(ids, id => {
    if (Number.isInteger(id) && id >= 0 && id < groups) return id
    throw unknownId(id, groups)
  })
}

function checkMemberships(memberships: Memberships, groups: number): void {
  const offsets = memberships?.offsets
  const groupIds = memberships?.groupIds
  if (!(offsets instanceof Uint32Array && offsets.length > 0 && (groupIds instanceof Uint16Array || groupIds instanceof Uint32Array))) {
    throw refuse('`offsets` must be a Uint32Array that is not empty, `groupIds` a Uint16Array or Uint32Array; give both', memberships)
  }
  const ids = groupIds.length
  let end = 0
  for (let index = 0; index < offsets.length; index++) {
    const offset = offsets[index]!
    if (offset < end || offset > ids) {
      throw refuse(`the offset \`${offset}\` at ${index} is not from ${end} to ${ids}; give ascending ones`, offset)
    }
    end = offset
  }
  for (let at = offsets[0]!; at < end; at++) if (groupIds[at]! >= groups) throw unknownId(groupIds[at]!, groups)
}

function refuse(message: string, value: unknown, code: ErrorCode = 'invalid-input'): RolecastError {
  return new RolecastError(code, message, { value })
}

function unknownId(id: unknown, groups: number): RolecastError {
  return refuse(`${quote(id)} is no id of one of the ${groups} groups; ask \`groupId\` for that of a name`, id)
}
