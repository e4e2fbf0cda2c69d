import { compilePool, type Group, type Memberships } from '../dist/index.js'
import { type Candidate, compare, compareOnce, type Measured } from './measure.js'
import { nextOf, poolOf, randomNumbers, randomUsers } from './pools.js'
import { straightforward } from './straightforward.js'

const FEW_USERS = 64
const NOBODY: Memberships = { offsets: new Uint32Array(1), groupIds: new Uint16Array(0) }

/**
 * What does a compiled pool take for one user, against looking his names up; for a million users, against summing their
 * ids; and to be compiled, against a Map of the names?
 */
export async function benchPool(): Promise<Readonly<Record<string, readonly Measured[]>>> {
  const results: Record<string, readonly Measured[]> = {}
  const groups = poolOf(500)
  const table = new Map(groups.map(group => [group.groupName, group]))
  const look = (names: readonly string[]) => {
    let last
    for (const name of names) last = table.get(name)
    return last
  }

  const groupsOf = (names: readonly string[]) => [...new Set(names)].flatMap(name => table.get(name) ?? [])

  for (const k of [10, 100]) {
    const pool = compilePool(groups)
    const users = randomUsers(groups, k)
    const few = users.slice(0, FEW_USERS)
    const unseen = nextOf(users)
    results[`${k} names of 500, never seen`] = await compare([
      { name: `${k} Map.get`, run: over(nextOf(users), look) },
      { name: 'resolve', run: over(unseen, names => pool.resolve(names)) },
      { name: 'filter, sort, Set', run: over(nextOf(users), names => straightforward(groupsOf(names))) },
    ])
    results[`${k} names of 500, of ${FEW_USERS} users`] = await compare([
      { name: `${k} Map.get`, run: over(nextOf(few), look) },
      { name: 'resolve', run: over(nextOf(few), names => pool.resolve(names)) },
      { name: 'filter, sort, Set', run: over(nextOf(few), names => straightforward(groupsOf(names))) },
    ])
    const tokens = users.map(names => JSON.stringify(names))
    const parse = (token: string) => JSON.parse(token) as string[]
    results[`${k} names of 500, never seen, from JSON`] = await compare([
      { name: 'JSON.parse', run: over(nextOf(tokens), parse) },
      { name: 'JSON.parse and resolve', run: over(nextOf(tokens), token => pool.resolve(parse(token))) },
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
    results[`${size} groups, to begin with`] = await compare([
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
