import { type Group, resolveRoles } from '../dist/index.js'
import { compare, type Measured } from './measure.js'
import { poolOf, usersOf } from './pools.js'
import { straightforward } from './straightforward.js'

/** Of groups with one name the first. */
function distinct(groups: readonly Group[]): readonly Group[] {
  const byName = new Map<string, Group>()
  for (const group of groups) if (!byName.has(group.groupName)) byName.set(group.groupName, group)
  return [...byName.values()]
}

function over<T>(users: readonly (readonly Group[])[], work: (groups: readonly Group[]) => T) {
  return (times: number) => {
    let last: T | undefined
    for (let index = 0; index < times; index++) last = work(users[index % users.length]!)
    return last
  }
}

/** How long does one resolution of k groups take, against a straightforward one? */
export async function benchResolve(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const pool = poolOf(500)
  const results: Record<string, readonly Measured[]> = {}
  for (const k of [1, 3, 10, 50, 100]) {
    const users = usersOf(pool, k)
    results[`resolve ${k} groups`] = await compare([
      { name: 'resolveRoles', run: over(users, groups => resolveRoles(groups)) },
      { name: 'Map, filter, sort, Set', run: over(users, groups => straightforward(distinct(groups))) },
    ])
  }
  return results
}
