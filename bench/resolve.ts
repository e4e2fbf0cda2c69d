import { type Group, resolveRoles } from '../dist/index.js'
import { compare, type Measured } from './measure.js'
import { poolOf, usersOf } from './pools.js'
import { straightforward } from './straightforward.js'

/** Of groups with one name the first. */
function distinct(groups: readonly Group[]): readonly Group[] {
  return groups.filter((group, index) => groups.findIndex(other => other.groupName === group.groupName) === index)
}

/** Reads what every resolution must read, and does nothing with it. */
function touch(groups: readonly Group[]): number {
  let seen = 0
  for (const group of groups) seen += group.groupName.length + (group.precedence ?? 0) + (group.roleArn?.length ?? 0)
  return seen
}

function over<T>(users: readonly (readonly Group[])[], work: (groups: readonly Group[]) => T) {
  return (times: number) => {
    let last: T | undefined
    for (let index = 0; index < times; index++) last = work(users[index % users.length]!)
    return last
  }
}

/** How long does one resolution of k groups take, against a straightforward one and against reading the fields? */
export async function benchResolve(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const pool = poolOf(500)
  const results: Record<string, readonly Measured[]> = {}
  for (const k of [1, 3, 10, 50, 100]) {
    const users = usersOf(pool, k)
    results[`resolve ${k} groups`] = await compare([
      { name: 'resolveRoles', run: over(users, groups => resolveRoles(groups)) },
      { name: 'filter, sort, Set', run: over(users, groups => straightforward(distinct(groups))) },
      { name: 'touch the fields', run: over(users, touch) },
    ])
  }
  return results
}
