import type { Group } from '../src/group.js'

/** A pool with as many groups: names of mixed length, a tenth without a precedence, a fifth without a role. */
export function poolOf(size: number): readonly Group[] {
  return Array.from({ length: size }, (_, index) => ({
    groupName: `team-${index.toString(36)}-${['readers', 'editors', 'administrators'][index % 3]}`,
    precedence: index % 10 === 9 ? null : (index * 7) % 100,
    roleArn: index % 5 === 4 ? null : `arn:aws:iam::111122223333:role/Role${index % 50}`,
  }))
}

/** Many users' groups, `k` each, spread over the pool. The objects and strings are the pool's own. */
export function usersOf(pool: readonly Group[], k: number, users = 64): readonly (readonly Group[])[] {
  return Array.from({ length: users }, (_, user) =>
    Array.from({ length: k }, (_, index) => pool[(user * 31 + index * 17) % pool.length]!),
  )
}

/** Enough that hardly any set of groups comes twice. */
const MANY_USERS = 20_000

/** One after another, going on from sample to sample. */
export function nextOf<T>(items: readonly T[]): () => T {
  let index = 0
  return () => items[index++ % items.length]!
}

/** The names of as many users' groups, `k` different ones each. The strings are the pool's own. */
export function randomUsers(groups: readonly Group[], k: number): readonly (readonly string[])[] {
  const random = randomNumbers()
  return Array.from({ length: MANY_USERS }, () => {
    const own = new Set<string>()
    while (own.size < k) own.add(groups[random(groups.length)]!.groupName)
    return [...own]
  })
}

/** Integers from 0 up to, and without, `below`: the same ones in every run. */
export function randomNumbers(): (below: number) => number {
  let state = 1
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
