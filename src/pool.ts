import { distinct } from './distinct.js'
import { quote, RolecastError } from './errors.js'
import type { Group } from './group.js'
import {
  checkGroup,
  checkSemantics,
  decide,
  type Outcome,
  type Resolution,
  type ResolveOptions,
  type Semantics,
  toResolution,
  UNRANKED,
  type Verdict,
} from './resolve.js'

/** A resolution of names, some of which the pool may not have. */
export interface PoolResolution extends Resolution {
  /** Names that the pool does not have, each once, in the order given. They carry no role and are in no claim. */
  readonly unknownGroups: readonly string[]
}

/** The groups of many users, by id: those of user `i` are `groupIds[offsets[i]]` up to, and without, `groupIds[offsets[i + 1]]`. */
export interface Memberships {
  /** One more than there are users, ascending; the last one is at most the length of `groupIds`. */
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
  /** By id, in the order given to `compilePool`; of those with one name the first. */
  readonly groups: readonly Group[]
  /** The distinct role ARNs by id, in the order in which groups first have them. */
  readonly roles: readonly string[]
  groupId(groupName: string): number | undefined
  roleId(roleArn: string): number | undefined
  /**
   * What `resolveRoles` answers for the groups of these names.
   *
   * Deeply frozen, and one object for all who ask, when the same names in the same order come again.
   *
   * @throws RolecastError `invalid-group-name` for one string in place of several, and for what is not a string
   */
  resolve(groupNames: Iterable<string>): PoolResolution
  /**
   * The same by ids of groups; never shared.
   *
   * @throws RolecastError `invalid-input` for what is no id
   */
  resolveIds(groupIds: ArrayLike<number>): PoolResolution
  /**
   * The same for many users at once, as columns in and columns out: for a whole user pool, where an object for each
   * user is too much. Not for one user: the reason and the claims are in `resolve` only.
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
  const members = new Uint32Array(names.length)
  const metIn = new Float64Array(names.length)
  let turn = 0

  function resolveNames(groupNames: readonly string[]): PoolResolution {
    const ownTurn = ++turn
    const unknownGroups: string[] = []
    let count = 0
    for (let index = 0; index < groupNames.length; index++) {
      const groupName = groupNames[index]!
      const id = groupIds.get(groupName)
      if (id === undefined) unknownGroups.push(checkName(groupName))
      else if (metIn[id] !== ownTurn) {
        metIn[id] = ownTurn
        members[count++] = id
      }
    }
    // To read an element can be to run the caller's code, a getter for example, and that may have resolved other names.
    if (turn !== ownTurn) return resolveNames([...groupNames])
    return resolveMembers(count, unknownGroups.length > 1 ? distinct(unknownGroups) : unknownGroups)
  }

  /** Of the first so many members. Runs no code but ours. */
  function resolveMembers(count: number, unknownGroups: readonly string[]): PoolResolution {
    const { order, lowest } = orderRoles
    const distinctRoles = orderRoles.of(members, 0, count)
    const best = distinctRoles === 0 ? Infinity : lowest[order[0]!]!
    const ownGroups: string[] = []
    const leaders: string[] = []
    let bearers = 0
    let lowestRoleless = Infinity
    for (let place = 0; place < count; place++) {
      const id = members[place]!
      const level = levels[id]!
      ownGroups.push(names[id]!)
      if (roleOf[id] === NO_ROLE) lowestRoleless = Math.min(lowestRoleless, level)
      else {
        bearers++
        if (level === best) leaders.push(names[id]!)
      }
    }
    const ownRoles: string[] = []
    for (let index = 0; index < distinctRoles; index++) ownRoles.push(roles[order[index]!]!)

    const conflict = distinctRoles > 1 && lowest[order[1]!] === best
    const standing = { groups: count, bearers, roles: distinctRoles, best, leaders: leaders.length, conflict, lowestRoleless }
    const verdict = decide(standing, semantics)
    const determining = verdict.rolelessDownTo < 0 && verdict.leadersCount ? leaders : hangingOn(verdict, best, count)
    const resolution = toResolution(ownGroups, ownRoles, determining, verdict) as Mutable<PoolResolution>
    resolution.unknownGroups = unknownGroups
    return resolution
  }

  function hangingOn({ leadersCount, rolelessDownTo }: Verdict, best: number, count: number): readonly string[] {
    const determining: string[] = []
    for (let place = 0; place < count; place++) {
      const id = members[place]!
      if (roleOf[id] === NO_ROLE ? levels[id]! <= rolelessDownTo : leadersCount && levels[id] === best) determining.push(names[id]!)
    }
    return determining
  }

  return {
    groups: distinctGroups,
    roles,
    groupId: groupName => groupIds.get(groupName),
    roleId: roleArn => roleIds.get(roleArn),
    resolve(groupNames) {
      const given = toArray(groupNames)
      const hash = memory.hashOf(given)
      const seen = memory.recall(hash, given)
      if (seen !== undefined) return seen
      const resolution = resolveNames(given)
      memory.remember(hash, given, resolution)
      return resolution
    },
    resolveIds(ids) {
      // Copied and checked first: to read an element can be to run the caller's code.
      const given = checkIds(ids, names.length)
      turn++
      let count = 0
      for (const id of given) {
        if (metIn[id] === turn) continue
        metIn[id] = turn
        members[count++] = id
      }
      return resolveMembers(count, [])
    },
    resolveMany(memberships: Memberships, { roles = false } = {}) {
      checkMemberships(memberships, names.length)
      bulk ??= createBulk(columns, orderRoles, semantics)
      return roles ? { ...bulk.resolve(memberships), ...bulk.listRoles(memberships) } : bulk.resolve(memberships)
    },
  } as CompiledPool
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

/** Up to so many are put in order one by one, which is the fastest for few. */
const FEW = 64

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
      if (count > FEW) order.subarray(0, count).sort((a, b) => keys[a]! - keys[b]!)
      else {
        for (let index = 1; index < count; index++) {
          const role = order[index]!
          const key = keys[role]!
          let hole = index
          for (; hole > 0 && keys[order[hole - 1]!]! > key; hole--) order[hole] = order[hole - 1]!
          order[hole] = role
        }
      }
      return count
    },
  }
}

/** A power of two. */
const SLOTS = 2048

/** An odd number whose multiples are spread evenly over 32 bits. */
const SPREAD = 0x9e3779b1

/** No hash: the names need not be kept. */
const UNKEPT = -1

/**
 * What was resolved lately, by the names themselves: to join them, or to look up each of them, costs more than to
 * compare them with those kept at the one place where they would be. Names that come a second time are kept; those that
 * come once cost no more than a number.
 */
function createMemory(groupIds: ReadonlyMap<string, number>) {
  const kept = new Map<number, PoolResolution>()
  const lastHash = new Uint32Array(SLOTS)
  return {
    /** Of how many names there are, and of which the first, the middle and the last are. Other names may have the same. */
    hashOf(groupNames: readonly string[]): number {
      const { length } = groupNames
      const first = groupIds.get(groupNames[0]!)
      const middle = groupIds.get(groupNames[length >>> 1]!)
      const last = groupIds.get(groupNames[length - 1]!)
      if (first === undefined || middle === undefined || last === undefined) return UNKEPT
      const hash = Math.imul(Math.imul(Math.imul(length ^ first, SPREAD) ^ middle, SPREAD) ^ last, SPREAD)
      return (hash ^ (hash >>> 15)) >>> 0
    },
    recall(hash: number, groupNames: readonly string[]): PoolResolution | undefined {
      const candidate = kept.get(hash & (SLOTS - 1))
      return candidate !== undefined && sameNames(candidate.groups, groupNames) ? candidate : undefined
    },
    remember(hash: number, groupNames: readonly string[], resolution: PoolResolution): void {
      if (hash === UNKEPT) return
      const slot = hash & (SLOTS - 1)
      if (lastHash[slot] === hash && sameNames(resolution.groups, groupNames)) kept.set(slot, deepFreeze(resolution))
      lastHash[slot] = hash
    },
  }
}

function sameNames(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false
  for (let index = 0; index < a.length; index++) if (a[index] !== b[index]) return false
  return true
}

function deepFreeze(resolution: PoolResolution): PoolResolution {
  const { groups, roles, determiningGroups, claims, unknownGroups } = resolution
  for (const part of [groups, roles, determiningGroups, claims, unknownGroups]) Object.freeze(part)
  return Object.freeze(resolution)
}

/** Many users at once. The tables of a pool are made once; of each call only the columns that it gives back. */
function createBulk({ levels, roleOf, roles }: Columns, orderRoles: ReturnType<typeof createRoleOrder>, semantics: Semantics) {
  const { up, down, roleless, startOf, upRole, downRole, kindOf, nobody } = createRanks(levels, roleOf)
  const outcomeOf = outcomesOf(semantics)

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
        const role = upRole[lowestUp]!
        const conflict = role !== downRole[lowestDown]
        const start = startOf[lowestUp]!
        const rival = lowestRoleless < start ? BELOW : lowestRoleless === start ? LEVEL : ABOVE
        const outcome = outcomeOf[caseOf(kindOf[lowestUp]!, conflict ? 1 : 0, rival)]!
        outcomes[user] = outcome
        preferredRoleIds[user] = outcome === RESOLVED || outcome === UNDETERMINED ? role : NO_ROLE
      }
      return { outcomes, preferredRoleIds }
    },

    listRoles({ offsets, groupIds }: Memberships): Pick<ResolvedManyWithRoles, 'roleOffsets' | 'roleIds'> {
      const users = offsets.length - 1
      const roleOffsets = new Uint32Array(users + 1)
      const most = offsets[users]! - offsets[0]!
      const roleIds = roles.length <= 0x1_0000 ? new Uint16Array(most) : new Uint32Array(most)
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

/** The lower of two numbers that are less than 2^30, without a branch: which it is nobody can foretell, least of all a processor. */
function lower(a: number, b: number): number {
  const difference = (a - b) | 0
  return (b + (difference & (difference >> 31))) | 0
}

const RESOLVED = OUTCOMES.indexOf('resolved')
const UNDETERMINED = OUTCOMES.indexOf('undetermined')

/** Where the lowest group without a role stands, seen from the lowest with one. */
const BELOW = 0
const LEVEL = 1
const ABOVE = 2

/** Whether nobody has a role, or the best of those who have one has a number, or has none. */
const ROLELESS = 0
const NUMBERED = 1
const UNNUMBERED = 2

function caseOf(kind: number, conflict: number, rival: number): number {
  return kind * 6 + conflict * 3 + rival
}

/** The outcomes of every case, as the rules have it. */
function outcomesOf(semantics: Semantics): Uint8Array {
  const outcomes = new Uint8Array(18)
  for (const kind of [NUMBERED, UNNUMBERED]) {
    for (const conflict of [0, 1]) {
      for (const rival of [BELOW, LEVEL, ABOVE]) {
        const best = kind === NUMBERED ? 1 : UNRANKED
        const leaders = 1 + conflict
        const lowestRoleless = best - 1 + rival
        const standing = { groups: leaders + 1, bearers: leaders, roles: leaders, best, leaders, conflict: conflict === 1, lowestRoleless }
        outcomes[caseOf(kind, conflict, rival)] = OUTCOMES.indexOf(decide(standing, semantics).outcome)
      }
    }
  }
  return outcomes
}

/**
 * Numbers whose minima over a user's groups say how they stand. All groups in the order of their levels: a level starts
 * at the place of its first group, and there a group without a role stands. A group with one stands as many places behind as
 * there are lesser roles on its level (`up`), or greater ones (`down`). So the two minima are on the best level, and
 * they are of one role exactly when nobody there has another.
 */
function createRanks(levels: Float64Array, roleOf: Int32Array) {
  const nobody = levels.length
  const column = (value: number) => new Int32Array(nobody + 1).fill(value)
  const [up, down, roleless, startOf] = [column(nobody), column(nobody), column(nobody), column(nobody)]
  const [upRole, downRole, kindOf] = [column(NO_ROLE), column(NO_ROLE), column(ROLELESS)]
  const sorted = Int32Array.from(levels, (_level, id) => id).toSorted((a, b) => levels[a]! - levels[b]! || roleOf[a]! - roleOf[b]!)
  for (let start = 0, end = 0; start < nobody; start = end) {
    const level = levels[sorted[start]!]!
    while (end < nobody && levels[sorted[end]!] === level) end++
    const tied = sorted.subarray(start, end)
    const lesser = new Map([...new Set(tied.map(id => roleOf[id]!))].filter(role => role !== NO_ROLE).map((role, index) => [role, index]))
    for (const [role, index] of lesser) {
      upRole[start + index] = role
      downRole[start + lesser.size - 1 - index] = role
      startOf[start + index] = start
      kindOf[start + index] = level === UNRANKED ? UNNUMBERED : NUMBERED
    }
    for (const id of tied) {
      const index = lesser.get(roleOf[id]!)
      if (index === undefined) roleless[id] = level === Infinity ? nobody : start
      else {
        up[id] = start + index
        down[id] = start + lesser.size - 1 - index
      }
    }
  }
  return { up, down, roleless, startOf, upRole, downRole, kindOf, nobody }
}

function toArray(groupNames: Iterable<string>): readonly string[] {
  if (Array.isArray(groupNames)) return groupNames as readonly string[]
  if (typeof groupNames === 'string') {
    throw new RolecastError('invalid-group-name', `\`${groupNames}\` is one string; give the group names as an array`, { value: groupNames })
  }
  if (typeof groupNames?.[Symbol.iterator] !== 'function') {
    throw new RolecastError('invalid-group-name', `${quote(groupNames)} is no list of group names; give them as an array`, { value: groupNames })
  }
  return [...groupNames]
}

function checkName(groupName: unknown): string {
  if (typeof groupName === 'string') return groupName
  throw new RolecastError('invalid-group-name', `${quote(groupName)} is no group's name; give the names as strings`, { value: groupName })
}

function checkIds(ids: ArrayLike<number>, groups: number): readonly number[] {
  if (typeof ids !== 'object' || typeof ids?.length !== 'number') {
    throw new RolecastError('invalid-input', `${quote(ids)} is no list of group ids; give them as an array`, { value: ids })
  }
  return Array.from(ids, id => {
    if (Number.isInteger(id) && id >= 0 && id < groups) return id
    throw unknownId(id, groups)
  })
}

function checkMemberships({ offsets, groupIds }: Memberships, groups: number): void {
  if (!(offsets instanceof Uint32Array) || offsets.length === 0) {
    throw new RolecastError('invalid-input', '`offsets` is no Uint32Array with one number more than there are users; an empty one is `[0]`', { value: offsets })
  }
  if (!(groupIds instanceof Uint16Array || groupIds instanceof Uint32Array)) {
    throw new RolecastError('invalid-input', '`groupIds` is neither a Uint16Array nor a Uint32Array; give the ids of all users one after another', {
      value: groupIds,
    })
  }
  const first = offsets[0]!
  let end = first
  for (let index = 1; index < offsets.length; index++) {
    const offset = offsets[index]!
    if (offset < end) {
      throw new RolecastError('invalid-input', `the offset \`${offset}\` at ${index} is lower than the one before it; give them ascending`, { value: offset })
    }
    end = offset
  }
  if (end > groupIds.length) {
    throw new RolecastError('invalid-input', `the offset \`${end}\` is beyond the ${groupIds.length} group ids; give the ids of every user`, { value: end })
  }
  for (let at = first; at < end; at++) if (groupIds[at]! >= groups) throw unknownId(groupIds[at]!, groups)
}

function unknownId(id: unknown, groups: number): RolecastError {
  return new RolecastError('invalid-input', `${quote(id)} is no group's id: the pool has ${groups} groups, numbered from 0; ask \`groupId\` for it`, {
    value: id,
  })
}
