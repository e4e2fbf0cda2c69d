import type { DatedGroup } from '../claims/judge-token.js'
import { failure, type UserPoolCall } from '../cognito/api/api-error.js'
import { modificationOf, toGroup } from '../cognito/api/responses.js'
import { createPaginationGuard, PAGE_SIZE, parsePage } from '../cognito/api/user-pool-api.js'
import { MISSING, type UserPoolCalls } from '../cognito/api/user-pool-call.js'
import { MAX_GROUPS_PER_POOL } from '../quotas.js'

/** The groups that a user is in now. Undefined: the user pool does not have the user. */
export async function readGroupsOfUser(
  calls: UserPoolCalls,
  {
    userPoolId,
    username,
    signal,
  }: { readonly userPoolId: string; readonly username: string; readonly signal: AbortSignal },
): Promise<readonly DatedGroup[] | undefined> {
  // Errors must not quote the token.
  const context: UserPoolCall = { operation: 'AdminListGroupsForUser', userPoolId, username: '(of the token)' }
  return readAll(calls, context, { Username: username }, signal)
}

/** All groups of the user pool. */
export async function readGroupsOfPool(
  calls: UserPoolCalls,
  { userPoolId, signal }: { readonly userPoolId: string; readonly signal: AbortSignal },
): Promise<readonly DatedGroup[]> {
  return (await readAll(calls, { operation: 'ListGroups', userPoolId }, {}, signal)) ?? []
}

async function readAll(
  calls: UserPoolCalls,
  context: UserPoolCall,
  input: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<readonly DatedGroup[] | undefined> {
  const groups: DatedGroup[] = []
  const checkToken = createPaginationGuard(context)
  let token: string | undefined
  do {
    const page = { UserPoolId: context.userPoolId, Limit: PAGE_SIZE, ...(token !== undefined && { NextToken: token }) }
    const { response } = await calls.call(context, { ...page, ...input }, signal)
    if (response === MISSING) return undefined
    const { Groups, NextToken } = parsePage(response, context)
    for (const group of Groups) groups.push({ ...toGroup(group), modifiedAt: modificationOf(group) })
    if (groups.length > MAX_GROUPS_PER_POOL)
      throw failure('malformed-response', context, {
        note: `it has more than ${MAX_GROUPS_PER_POOL} groups, the most that a user pool can have`,
      })
    token = NextToken ?? undefined
    checkToken(token)
  } while (token !== undefined)
  return groups
}
