import { quote } from '../errors.js'
import { type Columns, idColumn, NO_ROLE, rejection, unknownId } from './columns.js'
import type { RoleOrder } from './role-order.js'
import { decide, type Outcome, type Semantics } from '../claims/decide.js'

/**
 * The groups of many users, by id: those of user `i` are `groupIds[offsets[i]]` up to, and without, `groupIds[offsets[i
 * + 1]]`.
 */
export interface Memberships {
  /** One number more than there are users, ascending; the last one is at most the length of `groupIds`. */
  readonly offsets: Uint32Array
  /** A group that a user has twice counts once. */
  readonly groupIds: Uint16Array | Uint32Array
}

/** The results of `CompiledPool.resolveMany`, one column each. */
export interface ResolvedMany {
  /** By user: the index of the outcome in `OUTCOMES`. */
  readonly outcomes: Uint8Array
  /**
   * By user: the id of the preferred role, of the candidate where the outcome is `undetermined`, or `NO_ROLE`. Never
   * grant a candidate.
   */
  readonly preferredRoleIds: Int32Array
}

/**
 * The distinct roles of user `i`, in the order of `Resolution.roles`: `roleIds[roleOffsets[i]]` up to
 * `roleIds[roleOffsets[i + 1]]`.
 */
export interface ResolvedManyWithRoles extends ResolvedMany {
  /** One number more than there are users: where each user's roles begin in `roleIds`, and the end of the last. */
  readonly roleOffsets: Uint32Array
  /** Ids of roles: indexes into `CompiledPool.roles`. */
  readonly roleIds: Uint16Array | Uint32Array
}

/** The order of `ResolvedMany.outcomes`: 0 is `none`, so that a byte that was never written grants nothing. */
export const OUTCOMES: readonly Outcome[] = ['none', 'resolved', 'ambiguous', 'undetermined']

/** Resolves many users in one call. The tables are made once; a call makes only the columns that it returns. */
export function createManyResolver({ levels, roleOf, roles }: Columns, orderRoles: RoleOrder, semantics: Semantics) {
  // All groups that have one role on one level have one rank; a level's ranks stand together, the one of the groups
  // without a role first. A level and a role make one number, exact for four million roles.
  const factor = roles.length + 1
  const keys = levels.map((level, id) => level * factor + roleOf[id]! - NO_ROLE)
  const ranked = Float64Array.from(new Set(keys).add(Infinity)).toSorted()
  const rankOf = new Map<number, number>()
  const roleOfRank = Int32Array.from(ranked, key => (key % factor) + NO_ROLE)
  // After all ranks. It has a level of its own and no role.
  const noGroup = ranked.length - 1
  const levelOf = (rank: number) => Math.floor(ranked[rank]! / factor)
  // By rank: the first and the last one on its level. The first is that of the groups without a role, where there are any.
  const firstOnLevel = new Int32Array(ranked.length)
  const lastOnLevel = new Int32Array(ranked.length)
  for (let rank = noGroup; rank >= 0; rank--) {
    rankOf.set(ranked[rank]!, rank)
    lastOnLevel[rank] = levelOf(rank) === levelOf(rank + 1) ? lastOnLevel[rank + 1]! : rank
  }
  for (let rank = 0; rank <= noGroup; rank++)
    firstOnLevel[rank] = levelOf(rank) === levelOf(rank - 1) ? firstOnLevel[rank - 1]! : rank
  // By id: the rank of a group, and the same for those with a role only.
  const rankOfGroup = idColumn(ranked.length, levels.length).map((_, id) => rankOf.get(keys[id]!)!)
  const withRoleOf = rankOfGroup.map((rank, id) => (roleOf[id] === NO_ROLE ? noGroup : rank))

  // What the rules say in every case. Where no group has a role it is `none`.
  const outcomeOf = new Uint8Array(caseOf(noGroup + 1, 0, 0))
  for (let best = 0; best < noGroup; best++) {
    for (const conflict of [0, 1]) {
      for (const tiedWithoutRole of [0, 1]) {
        const standing = {
          groups: 3,
          withRole: 2,
          best: levelOf(best),
          tied: 2,
          conflict: conflict > 0,
          tiedWithoutRole,
          numberedWithoutRole: true,
        }
        outcomeOf[caseOf(best, conflict, tiedWithoutRole)] = OUTCOMES.indexOf(decide(standing, semantics).outcome)
      }
    }
  }

  return {
    /** In one pass over the ids, and a second one if other groups of the pool are on the best level. */
    resolve({ offsets, groupIds }: Memberships): ResolvedMany {
      const users = offsets.length - 1
      const outcomes = new Uint8Array(users)
      const preferredRoleIds = new Int32Array(users)
      let at = offsets[0]!
      for (let user = 0; user < users; user++) {
        const start = at
        const end = offsets[user + 1]!
        let best = noGroup
        for (; at < end; at++) best = lower(best, withRoleOf[groupIds[at]!]!)
        const first = firstOnLevel[best]!
        const last = lastOnLevel[best]!
        let conflict = 0
        let tiedWithoutRole = 0
        if (first < last) {
          // Groups before the best rank of a level have no role, those after it have another role.
          for (at = start; at < end; at++) {
            const rank = rankOfGroup[groupIds[at]!]!
            conflict |= isBetween(best, rank, last)
            tiedWithoutRole |= isBetween(first - 1, rank, best - 1)
          }
        }
        const outcome = outcomeOf[caseOf(best, conflict, tiedWithoutRole)]!
        outcomes[user] = outcome
        preferredRoleIds[user] = outcome & WITH_ROLE ? roleOfRank[best]! : NO_ROLE
      }
      return { outcomes, preferredRoleIds }
    },

    listRoles({ offsets, groupIds }: Memberships): Pick<ResolvedManyWithRoles, 'roleOffsets' | 'roleIds'> {
      const users = offsets.length - 1
      const roleOffsets = new Uint32Array(users + 1)
      const roleIds = idColumn(roles.length, offsets[users]! - offsets[0]!)
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

/** The bit that `resolved` and `undetermined` have in common, and the other outcomes do not have. */
const WITH_ROLE = 1

/** The lower of two ranks, without a branch: no processor can foretell which it is. */
function lower(a: number, b: number): number {
  const difference = (a - b) | 0
  return (b + (difference & (difference >> 31))) | 0
}

/** 1 if `low < rank <= high`, else 0. */
function isBetween(low: number, rank: number, high: number): number {
  return ((low - rank) & (rank - high - 1)) >>> 31
}

function caseOf(best: number, conflict: number, tiedWithoutRole: number): number {
  return best * 4 + conflict * 2 + tiedWithoutRole
}

export function checkMemberships(memberships: Memberships, groups: number): void {
  const offsets = memberships?.offsets
  const groupIds = memberships?.groupIds
  if (
    !(
      offsets instanceof Uint32Array &&
      offsets.length > 0 &&
      (groupIds instanceof Uint16Array || groupIds instanceof Uint32Array)
    )
  ) {
    throw rejection(
      '`offsets` must be a Uint32Array that is not empty, `groupIds` a Uint16Array or Uint32Array; give both',
      memberships,
    )
  }
  const ids = groupIds.length
  let end = 0
  for (let index = 0; index < offsets.length; index++) {
    const offset = offsets[index]!
    if (offset < end || offset > ids) {
      throw rejection(
        `the offset ${quote(offset)} at index ${index} is not between ${end} and ${ids}; give ascending offsets`,
        offset,
      )
    }
    end = offset
  }
  for (let at = offsets[0]!; at < end; at++) if (groupIds[at]! >= groups) throw unknownId(groupIds[at]!, groups)
}
