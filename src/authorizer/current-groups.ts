import { isRolecastError, quote, RolecastError } from '../errors.js'
import type { Group } from '../group.js'
import { copyArray, copyPlain } from './own-data.js'
import { isText, isTexts } from './responses.js'

/**
 * The groups of a user with their roles, and how old they are: the result of what `groupsFromCognito` of `rolecast/cognito`
 * makes. The resolver then reads no group. They must be of the resolver's user pool.
 */
export interface CurrentGroups {
  /**
   * Each with its `precedence` and `roleArn`, null for none. A group that lacks either is rejected, because the value
   * may have been lost.
   */
  readonly groups: readonly Group[]
  /** Names of groups that do not exist. */
  readonly unknownGroups: readonly string[]
  /** Whether they had expired when they were served. */
  readonly stale: boolean
  /** Milliseconds since the request for the oldest group was sent. */
  readonly age: number
}

/** The names of the groups, and the groups themselves where they came with their roles. */
export interface GivenGroups {
  readonly names: readonly string[]
  readonly lookup: CurrentGroups | undefined
}

/**
 * What `groupsOf` returned, each part read once. Groups without the result of a lookup around them are rejected: they
 * do not say how old they are, and a group whose role was lost would look like a group without a role.
 *
 * @throws RolecastError `invalid-input` for anything else: it must not look like a user without groups
 */
export function readCurrentGroups(given: unknown): GivenGroups {
  const names = isIterable(given) ? readNames(given) : undefined
  if (names !== undefined) return { names, lookup: undefined }
  const lookup = readLookup(given)
  if (lookup !== undefined) return { names: lookup.groups.map(({ groupName }) => groupName), lookup }
  throw new RolecastError(
    'invalid-input',
    `\`groupsOf\` returned ${quote(given)}; return an array of group names, or { groups, unknownGroups, stale, age }, each group with its precedence and role`,
  )
}

/** The characters of a string are not groups. */
function isIterable(given: unknown): given is Iterable<unknown> {
  if (typeof given !== 'object' || given === null || isStringObject(given)) return false
  return typeof (given as Partial<Iterable<unknown>>)[Symbol.iterator] === 'function'
}

function isStringObject(value: object): boolean {
  return Object.prototype.toString.call(value) === '[object String]'
}

function readNames(given: Iterable<unknown>): readonly string[] | undefined {
  const names = [...given]
  return isTexts(names) ? names : undefined
}

function readLookup(given: unknown): CurrentGroups | undefined {
  const plain = copyPlain(given)
  if (plain === undefined) return undefined
  const { groups, unknownGroups, stale, age } = plain
  const found = copyArray(groups)?.map(copyPlain)
  const unknown = copyArray(unknownGroups)
  if (found === undefined || !found.every(isGroupWithRole)) return undefined
  if (unknown === undefined || !isTexts(unknown)) return undefined
  if (typeof stale !== 'boolean' || typeof age !== 'number' || !(age >= 0)) return undefined
  return { groups: found as unknown as readonly Group[], unknownGroups: unknown, stale, age }
}

/** Whether both fields are present, null for none: a role or precedence that was lost must not look like none. */
function isGroupWithRole(group: Readonly<Record<string, unknown>> | undefined): boolean {
  if (group === undefined) return false
  const { groupName, precedence, roleArn } = group
  return (
    isText(groupName) &&
    (precedence === null || typeof precedence === 'number') &&
    (roleArn === null || isText(roleArn))
  )
}

/** Why `groupsOf` gave no groups: the user does not exist, the claims cannot be used, or anything else went wrong. */
export function reasonOfGroupsFailure(error: unknown): 'unknown-user' | 'invalid-claims' | 'membership-failed' {
  try {
    const code = isRolecastError(error) ? error.code : undefined
    return code === 'user-not-found'
      ? 'unknown-user'
      : code === 'invalid-claim'
        ? 'invalid-claims'
        : 'membership-failed'
  } catch {
    // A getter threw.
    return 'membership-failed'
  }
}
