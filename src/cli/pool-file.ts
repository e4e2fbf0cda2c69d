import type { Readable } from 'node:stream'
import type { Option } from 'commander'
import { listNames, quote } from '../errors.js'
import { modificationOf, toGroup } from '../cognito/api/group-type.js'
import { type Group, isPrecedence } from '../group.js'
import { listedGroupFault } from '../listed-group.js'
import type { Pool } from './pool-file-shape.js'
import { inputOption } from './input-file.js'
import { invalidFile, readJsonFile } from './json-file.js'

export interface PoolFile {
  readonly groups: ReadonlyMap<string, Group>
  /** When each group was last changed, in milliseconds since the epoch, if the file says it: a snapshot does not. */
  readonly modifiedAt: ReadonlyMap<string, number>
  /** Absent if the file does not say it. */
  readonly userPoolId: string | undefined
  /** When reading the pool began, in milliseconds since the epoch: only a snapshot says it. */
  readonly takenAt: number | undefined
}

/**
 * `--pool-file`, for every command that reads groups.
 *
 * @param without says what is not done then
 */
export function poolFileOption(without: string): Option {
  return inputOption(
    '--pool-file <file>',
    `read the groups from what \`aws cognito-idp list-groups\` or \`rolecast snapshot\` printed; ${without}`,
  )
}

/**
 * The groups in a file that `aws cognito-idp list-groups` or `rolecast snapshot` printed.
 *
 * A file that holds only some of the pool's pages is rejected: a missing group changes the result.
 *
 * @throws RolecastError `invalid-input`
 */
export async function readPoolFile(path: string, stdin: Readable): Promise<PoolFile> {
  const invalid = invalidFile('pool file', path, 'aws cognito-idp list-groups --user-pool-id ID')
  const content = await readJsonFile(path, stdin, invalid)
  const pool = isPlainPool(content) ? content : (await import('./pool-file-shape.js')).readPool(content, invalid)
  const { Groups, NextToken, userPoolId, takenAt } = pool
  if (NextToken)
    throw invalid(
      'it holds only some pages of the pool (`NextToken` is set); list the groups without --max-items and --no-paginate',
    )

  const userPoolIds = new Set(
    [userPoolId, ...Groups.map(group => group.UserPoolId)].filter(id => typeof id === 'string'),
  )
  if (userPoolIds.size > 1) throw invalid(`it has groups of several user pools, ${listNames([...userPoolIds])}`)
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

/**
 * Whether it is a pool in the usual form. Loading the shape, which also says what is wrong, takes as long as the rest
 * of a prediction, so only files that fail this check go through it.
 */
export function isPlainPool(content: unknown): content is Pool {
  if (!isObject(content) || !Array.isArray(content['Groups'])) return false
  const { Groups, NextToken, userPoolId, takenAt } = content
  return (
    Groups.every(isPlainGroup) &&
    isNothing(NextToken) &&
    (userPoolId === undefined || typeof userPoolId === 'string') &&
    (takenAt === undefined || Number.isFinite(takenAt))
  )
}

function isPlainGroup(group: unknown): boolean {
  if (!isObject(group)) return false
  const { GroupName, Precedence, RoleArn, UserPoolId } = group
  return (
    typeof GroupName === 'string' &&
    GroupName !== '' &&
    (isNothing(Precedence) || isPrecedence(Precedence)) &&
    [RoleArn, UserPoolId].every(value => isNothing(value) || typeof value === 'string') &&
    listedGroupFault(group) === undefined
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isNothing(value: unknown): value is undefined | null {
  return value === undefined || value === null
}
