import { listNames, quote } from '../errors.js'
import * as z from 'zod/mini'
import { listGroupsResponse, modificationOf, toGroup } from '../cognito/api/responses.js'
import type { Group } from '../group.js'
import { invalidFile, readJsonFile } from './json-file.js'
import { firstIssue, readAs } from '../cognito/api/schema.js'

export interface PoolFile {
  readonly groups: ReadonlyMap<string, Group>
  /** When each group was last changed, in milliseconds since the epoch, where the file says it: a snapshot does not. */
  readonly modifiedAt: ReadonlyMap<string, number>
  /** Absent where the file does not say it. */
  readonly userPoolId: string | undefined
  /** When reading the pool began, in milliseconds since the epoch: only a snapshot says it. */
  readonly takenAt: number | undefined
}

/** A snapshot says once which user pool it is of, and what the AWS CLI prints says it of each group. */
const poolShape = z.extend(listGroupsResponse, {
  userPoolId: z.optional(z.string()),
  takenAt: z.optional(z.number()),
})

/**
 * The groups in a file that `aws cognito-idp list-groups` or `rolecast snapshot` printed.
 *
 * A file that holds only some of the pool's pages is rejected: a missing group changes the result.
 *
 * @throws RolecastError `invalid-input`
 */
export async function readPoolFile(path: string): Promise<PoolFile> {
  const invalid = invalidFile('pool file', path, 'aws cognito-idp list-groups --user-pool-id ID')
  if (path === '-') throw invalid('stdin is not taken for it')
  const content = await readJsonFile(path, invalid)
  const parsed = readAs(poolShape, content)
  if (!parsed.success) throw invalid(firstIssue(parsed.error, content).note, parsed.error)
  const { Groups, NextToken, userPoolId, takenAt } = parsed.data
  if (NextToken)
    throw invalid(
      'it holds only some pages of the pool (`NextToken` is set); list the groups without --max-items and --no-paginate',
    )

  const userPoolIds = new Set(
    [userPoolId, ...Groups.map(group => group.UserPoolId)].filter(id => typeof id === 'string'),
  )
  if (userPoolIds.size > 1) throw invalid(`it is of several user pools, ${listNames([...userPoolIds])}`)
  const groups = new Map<string, Group>()
  for (const group of Groups.map(toGroup)) {
    if (groups.has(group.groupName)) throw invalid(`it has the group ${quote(group.groupName)} twice`)
    groups.set(group.groupName, group)
  }
  const modifiedAt = new Map<string, number>()
  for (const group of Groups) {
    const time = modificationOf(group)
    if (time !== undefined) modifiedAt.set(group.GroupName, time)
  }
  return { groups, modifiedAt, userPoolId: [...userPoolIds][0], takenAt }
}
