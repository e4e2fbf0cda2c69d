import type { Group, Memberships } from '../../dist/index.js'
import { poolOf } from '../pools.js'

export const GROUPS_OF_A_USER = 5

/** The pool whose memberships these are; here an id is the index of a group. */
export const POOL: readonly Group[] = poolOf(500)

/** Numbers that look random, and that SQL can compute too: every step fits into 63 bits. */
const [FIRST, SECOND] = [2_654_435_761, 1_597_334_677]

/** The group of the membership at this index, in JavaScript. */
function groupAt(place: number): number {
  return (Math.imul(Math.imul(place, FIRST), SECOND) >>> 8) % POOL.length
}

/** The same in SQL, of the integer `place`. */
export const GROUP_AT_SQL = `(((((place * ${FIRST}) & 4294967295) * ${SECOND}) & 4294967295) >> 8) % ${POOL.length}`

export function membershipsOf(users: number): Memberships {
  const offsets = new Uint32Array(new SharedArrayBuffer(4 * (users + 1)))
  const groupIds = new Uint16Array(new SharedArrayBuffer(2 * users * GROUPS_OF_A_USER))
  for (let user = 0; user <= users; user++) offsets[user] = user * GROUPS_OF_A_USER
  for (let place = 0; place < groupIds.length; place++) groupIds[place] = groupAt(place)
  return { offsets, groupIds }
}

/** One number for all outcomes and roles, user by user: equal results have equal ones. */
export function createChecksum() {
  let sum = 0x811c9dc5
  return {
    add(outcome: number, roleId: number): void {
      sum = Math.imul(sum ^ ((outcome << 16) | (roleId & 0xffff)), 0x01000193)
    },
    value: () => sum >>> 0,
  }
}
