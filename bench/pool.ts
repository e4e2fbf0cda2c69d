import { compilePool, type Group, type Memberships, resolveRoles } from '../dist/index.js'
import { type Candidate, compare, compareOnce, type Measured } from './measure.js'
import { nextOf, poolOf, randomNumbers, randomUsers } from './pools.js'

const NOBODY: Memberships = { offsets: new Uint32Array(1), groupIds: new Uint16Array(0) }

/**
 * What does a compiled pool take for one user, against resolving the groups themselves; for a million users, against
 * summing their ids; and to be compiled, against a Map of the names?
 */
export async function benchPool(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const results: Record<string, readonly Measured[]> = {}
  // The mixes: few groups and many, one set of groups for all users and a new one for each.
  for (const [size, k, users] of [
    [30, 1, 30],
    [30, 5, 1],
    [30, 5, 256],
    [500, 10, 20_000],
    [500, 100, 20_000],
  ] as const) {
    const pool = compilePool(poolOf(size))
    const byName = new Map(pool.groups.map(group => [group.groupName, group]))
    const names = randomUsers(pool.groups, k).slice(0, users)
    const groups = names.map(own => own.map(name => byName.get(name)!))
    results[`${k} of ${size} groups, ${users} sets of them`] = await compare([
      { name: 'resolveRoles of the groups', run: over(nextOf(groups), own => resolveRoles(own)) },
      { name: 'pool.resolve of their names', run: over(nextOf(names), own => pool.resolve(own)) },
    ])
  }

  for (const [users, rounds] of [
    [1_000_000, 21],
    [10_000_000, 7],
  ] as const) {
    for (const size of [500, 10_000]) {
      const question = `${users} users in 5 of ${size} groups each, on average: of a user`
      results[question] = await compareOnce(bulk(poolOf(size), users), rounds, users)
    }
  }
  for (const size of [500, 10_000]) {
    const groups = poolOf(size)
    results[`${size} groups, cold`] = await compare([
      { name: 'a Map of the names', run: repeat(() => new Map(groups.map(group => [group.groupName, group]))) },
      { name: 'compilePool', run: repeat(() => compilePool(groups)) },
      { name: 'and a first resolveMany', run: repeat(() => compilePool(groups).resolveMany(NOBODY)) },
    ])
  }
  return results
}

function bulk(groups: readonly Group[], users: number): readonly Candidate[] {
  const pool = compilePool(groups)
  const random = randomNumbers()
  const offsets = new Uint32Array(users + 1)
  for (let user = 0; user < users; user++) offsets[user + 1] = offsets[user]! + random(11)
  const groupIds = new Uint16Array(offsets[users]!)
  for (let at = 0; at < groupIds.length; at++) groupIds[at] = random(groups.length)
  const sums = new Uint32Array(users)
  return [
    {
      name: "sum each user's ids",
      run() {
        let at = 0
        for (let user = 0; user < users; user++) {
          let sum = 0
          for (const end = offsets[user + 1]!; at < end; at++) sum += groupIds[at]!
          sums[user] = sum
        }
        return sums
      },
    },
    {
      name: 'sum all ids',
      run() {
        let sum = 0
        for (let at = 0; at < groupIds.length; at++) sum += groupIds[at]!
        return sum
      },
    },
    { name: 'resolveMany', run: () => pool.resolveMany({ offsets, groupIds }) },
    { name: 'resolveMany, with roles', run: () => pool.resolveMany({ offsets, groupIds }, { roles: true }) },
  ]
}

function repeat(work: () => unknown) {
  return (times: number) => {
    let last
    for (let index = 0; index < times; index++) last = work()
    return last
  }
}

function over<I>(next: () => I, work: (input: I) => unknown) {
  return repeat(() => work(next()))
}
