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
  return Array.from({ length: users }, (_, user) => Array.from({ length: k }, (_, index) => pool[(user * 31 + index * 17) % pool.length]!))
}
