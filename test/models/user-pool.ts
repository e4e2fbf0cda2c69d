/** A user pool in memory, with the calls that read the groups of a user and the groups. It shares no code with `src/`. */

export interface PoolGroup {
  readonly precedence?: number | null | undefined
  readonly roleArn?: string | null | undefined
}

export interface PoolCall {
  readonly operation: 'AdminListGroupsForUser' | 'GetGroup' | 'ListGroups'
  /** The user or the group. */
  readonly about: string
  readonly signal: AbortSignal | undefined
}

const PAGE = 60

/** It decides on a response when the call is sent, and gives it once `deliver` has resolved. */
export function userPool(deliver: (call: PoolCall) => Promise<unknown> = async () => {}) {
  const groups = new Map<string, PoolGroup>()
  const users = new Map<string, readonly string[]>()
  const calls: PoolCall[] = []
  const toGroup = (name: string) => {
    const { precedence, roleArn } = groups.get(name)!
    return {
      GroupName: name,
      ...(precedence != null && { Precedence: precedence }),
      ...(roleArn && { RoleArn: roleArn }),
    }
  }
  const page = (names: readonly string[], token: string | undefined) => {
    const from = Number(token ?? 0)
    const next = names.length > from + PAGE && { NextToken: String(from + PAGE) }
    return { Groups: names.slice(from, from + PAGE).map(toGroup), ...next }
  }
  return {
    groups,
    users,
    calls,
    client: {
      async send({ input }: { readonly input: object }, options?: { readonly abortSignal?: AbortSignal }) {
        const { Username, GroupName, NextToken } = input as Readonly<Record<string, string | undefined>>
        const call: PoolCall = {
          operation:
            Username !== undefined ? 'AdminListGroupsForUser' : GroupName !== undefined ? 'GetGroup' : 'ListGroups',
          about: Username ?? GroupName ?? '',
          signal: options?.abortSignal,
        }
        calls.push(call)
        const memberships = users.get(Username ?? '')
        const response =
          Username !== undefined
            ? memberships === undefined
              ? named('UserNotFoundException', 'User does not exist.')
              : page(memberships, NextToken)
            : GroupName === undefined
              ? page([...groups.keys()], NextToken)
              : groups.has(GroupName)
                ? { Group: toGroup(GroupName) }
                : named('ResourceNotFoundException', 'Group not found.')
        await deliver(call)
        if (response instanceof Error) throw response
        return response
      },
    },
  }
}

export function named(name: string, message = name): Error {
  return Object.assign(new Error(message), { name })
}
