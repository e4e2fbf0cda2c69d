import { type Group, resolveRoles, type RoleClaims } from '../dist/index.js'
import { compare, type Measured } from './measure.js'
import { poolOf, usersOf } from './pools.js'

/** What one would write in an afternoon: filter, sort, a Set. It is wrong where Cognito is odd; here it is a yardstick. */
function straightforward(groups: readonly Group[]): RoleClaims {
  const unique = groups.filter((group, index) => groups.findIndex(other => other.groupName === group.groupName) === index)
  const withRole = unique
    .filter(group => group.roleArn)
    .toSorted((a, b) => (a.precedence ?? Infinity) - (b.precedence ?? Infinity) || 0)
  const best = withRole.filter(group => group.precedence != null && group.precedence === withRole[0]!.precedence)
  const roles = [...new Set(withRole.map(group => group.roleArn!))]
  const bestRoles = [...new Set(best.map(group => group.roleArn!))]
  return {
    ...(unique.length > 0 && { 'cognito:groups': unique.map(group => group.groupName) }),
    ...(roles.length > 0 && { 'cognito:roles': roles }),
    ...(bestRoles.length === 1 && { 'cognito:preferred_role': bestRoles[0]! }),
  }
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
      { name: 'filter, sort, Set', run: over(users, straightforward) },
      { name: 'touch the fields', run: over(users, touch) },
    ])
  }
  return results
}
