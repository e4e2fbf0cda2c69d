import { type Columns, type IdColumn, NO_ROLE } from './columns.js'

/** The distinct roles of groups, lowest level first, and on one level in the order given. */
export interface RoleOrder {
  /** How many roles there are. A group that comes twice counts once. */
  of(ids: IdColumn, start: number, end: number): number
  /** Their ids, from the first on. */
  readonly order: Uint32Array
  /** By role: the lowest level that it has there. */
  readonly lowest: Float64Array
}

/** The factor of a level in a key: more than a pool can have groups, and the highest key is still an exact number. */
const PLACES = 2_097_152

/** Up to this many roles, inserting each is faster than sorting them. */
const FEW = 24

export function createRoleOrder({ levels, roleOf, roles }: Columns): RoleOrder {
  const order = new Uint32Array(roles.length)
  // By role: the lowest level that it has here, and this level together with the place among those that came to it.
  const lowest = new Float64Array(roles.length)
  const keys = new Float64Array(roles.length)
  const metIn = new Float64Array(roles.length)
  let turn = 0
  return {
    order,
    lowest,
    of(ids, start, end) {
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
      if (count > FEW) {
        order.subarray(0, count).sort((a, b) => keys[a]! - keys[b]!)
        return count
      }
      // One by one: the fastest for few.
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
