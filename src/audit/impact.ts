import { quote, RolecastError } from '../errors.js'
import { type Group, isPrecedence, MAX_PRECEDENCE, type UserGroups } from '../group.js'
import { compilePool, type PoolResolution } from '../pool/compile-pool.js'
import type { Resolution, ResolveOptions } from '../claims/resolve.js'
import type { Mutable } from '../record.js'
import { compareRoles, type RoleChange, type RoleComparison } from './compare-roles.js'
import type { Outcome } from '../claims/decide.js'

/** What is to become of one group. What is not named stays; null takes it away. */
export interface GroupChange {
  readonly groupName: string
  readonly precedence?: number | null | undefined
  readonly roleArn?: string | null | undefined
  /** The group itself goes. */
  readonly remove?: boolean | undefined
}

/**
 * The groups of a pool after changes, in their order; later changes of a group count over earlier ones.
 *
 * Not a check that Cognito can make the change: UpdateGroup cannot clear a precedence or a role once it is set. Delete
 * such a group and recreate it.
 *
 * @throws RolecastError `invalid-argument` for a group that the pool does not have, `invalid-precedence`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateGroup.html
 */
export function changeGroups(groups: Iterable<Group>, changes: Iterable<GroupChange>): readonly Group[] {
  const after = new Map<string, Group>()
  // Of those with one name the first counts, as in `resolveRoles`.
  for (const group of groups) if (!after.has(group.groupName)) after.set(group.groupName, group)
  const known = new Set(after.keys())
  for (const change of changes) {
    const { groupName, precedence, roleArn, remove }: Partial<GroupChange> = change ?? {}
    if (groupName === undefined || !known.has(groupName)) {
      throw new RolecastError(
        'invalid-argument',
        `the pool has no group ${quote(groupName)} to change; check the name, capitals count`,
        { groupName, value: groupName },
      )
    }
    if (precedence != null && !isPrecedence(precedence)) {
      throw new RolecastError(
        'invalid-precedence',
        `the precedence of group ${quote(groupName)} would be ${quote(precedence)}; Cognito takes an integer from 0 to ${MAX_PRECEDENCE}, or none`,
        { groupName, value: precedence },
      )
    }
    const group = after.get(groupName) ?? { groupName }
    if (remove) after.delete(groupName)
    else
      after.set(groupName, {
        ...group,
        ...(precedence !== undefined && { precedence }),
        ...(roleArn !== undefined && { roleArn }),
      })
  }
  return [...after.values()]
}

/** What a change does to one user. */
export interface UserImpact extends RoleComparison {
  readonly username: string
  readonly before: PoolResolution
  readonly after: PoolResolution
}

/** Forecasts for users what the change from one state of a pool to another does to them. */
export function createImpact(
  before: Iterable<Group>,
  after: Iterable<Group>,
  options: ResolveOptions = {},
): (user: UserGroups) => UserImpact {
  const now = compilePool(before, options)
  const then = compilePool(after, options)
  return ({ username, groups }) => {
    const today = now.resolve(groups)
    const tomorrow = then.resolve(groups)
    return { username, before: today, after: tomorrow, ...compareRoles(today, tomorrow) }
  }
}

/** What a user gets, in short. */
export interface RoleOutcome {
  readonly outcome: Outcome
  /** The preferred role; where the outcome is `undetermined`, the candidate; else absent. */
  readonly roleArn?: string | undefined
}

/** Users who come from one answer to another. */
export interface Transition {
  readonly change: Exclude<RoleChange, 'same'>
  readonly before: RoleOutcome
  readonly after: RoleOutcome
  readonly count: number
  /** The first of them, as many as are listed. */
  readonly users: readonly string[]
}

export interface ImpactSummary {
  readonly users: number
  readonly changes: Readonly<Record<RoleChange, number>>
  /** The most frequent first. */
  readonly transitions: readonly Transition[]
}

export interface ImpactSummaryBuilder {
  add(user: UserImpact): void
  summary(): ImpactSummary
}

/** Counts what a change does to users. Keeps no more of them than the first `listed` of each transition. */
export function createImpactSummary({
  listed = 1000,
}: { readonly listed?: number | undefined } = {}): ImpactSummaryBuilder {
  let users = 0
  const changes: Record<RoleChange, number> = {
    same: 0,
    gained: 0,
    lost: 0,
    changed: 0,
    undetermined: 0,
    'allowed-roles': 0,
  }
  const transitions = new Map<string, Mutable<Transition> & { users: string[] }>()
  return {
    add({ username, change, before, after }) {
      users++
      changes[change]++
      if (change === 'same') return
      const from = roleOutcomeOf(before)
      const to = roleOutcomeOf(after)
      const key = JSON.stringify([change, from, to])
      let transition = transitions.get(key)
      if (transition === undefined)
        transitions.set(key, (transition = { change, before: from, after: to, count: 0, users: [] }))
      transition.count++
      if (transition.users.length < listed) transition.users.push(username)
    },
    summary: () => ({
      users,
      changes: { ...changes },
      transitions: [...transitions.values()].toSorted((a, b) => b.count - a.count),
    }),
  }
}

function roleOutcomeOf({ outcome, preferredRole, candidateRole }: Resolution): RoleOutcome {
  const roleArn = preferredRole ?? candidateRole
  return { outcome, ...(roleArn !== undefined && { roleArn }) }
}
