import type { Group } from '../src/group.js'

const KINDS: readonly Omit<Group, 'groupName'>[] = [null, 0, 1, 2].flatMap(precedence =>
  [null, 'a', 'b', 'c'].map(roleArn => ({ precedence, roleArn })),
)

/** Every pool of `size` groups, named g0, g1 and so on: 16 kinds of each. */
export function* poolsOf(size: number): Generator<readonly Group[]> {
  if (size === 0) return yield []
  for (const rest of poolsOf(size - 1)) {
    for (const kind of KINDS) yield [...rest, { groupName: `g${size - 1}`, ...kind }]
  }
}
