import { quote, RolecastError } from '../errors.js'
import { type Group, isGroupName, isPrecedence, MAX_PRECEDENCE, type UserGroups } from '../group.js'
import { compilePool, type PoolResolution } from '../pool/compile-pool.js'
import type { ResolveOptions } from '../claims/resolve.js'
import { groupBy, type Mutable } from '../record.js'
import { distinct } from '../text.js'
import type { UserDetails } from './pool-user.js'
import { type ComparedRoles, compareRoles, type RoleChange, type RoleComparison } from './compare-roles.js'
import type { Outcome } from '../claims/decide.js'

/** A change of one group. A key that is absent leaves the value as it is; null removes it. */
export interface GroupChange {
  /** The group to change. */
  readonly groupName: string
  /** The new precedence; null removes it; absent leaves it. */
  readonly precedence?: number | null | undefined
  /** The ARN of the new role; null removes it; absent leaves it. */
  readonly roleArn?: string | null | undefined
  /** Removes the group. */
  readonly remove?: boolean | undefined
  /** Adds the group: the pool does not have it, or an earlier change removes it. It has no members at first. */
  readonly add?: boolean | undefined
}

/** A change of one user's membership in one group. */
export interface MembershipChange {
  /** The user who joins or leaves the group. */
  readonly username: string
  /** The group. */
  readonly groupName: string
  /** `add`: the user joins the group. `remove`: the user leaves it. */
  readonly change: 'add' | 'remove'
}

/**
 * The groups of a pool after changes, in order; later changes of a group override earlier ones.
 *
 * Not a check that Cognito can make the change: UpdateGroup cannot clear a precedence or a role once it is set. Delete
 * such a group and recreate it.
 *
 * @throws RolecastError `invalid-argument` for a group that the pool does not have, or already has if the change adds it;
 *   `invalid-group-name`, `invalid-precedence`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateGroup.html
 * @example
 * import { changeGroups } from 'rolecast'
 *
 * const groups = [{ groupName: 'admins', precedence: 5 }]
 * console.log(changeGroups(groups, [{ groupName: 'admins', precedence: 0 }])) // [ { groupName: 'admins', precedence: 0 } ]
 */
export function changeGroups(groups: Iterable<Group>, changes: Iterable<GroupChange>): readonly Group[] {
  const after = new Map<string, Group>()
  // Of groups with the same name the first counts, as in `resolveRoles`.
  for (const group of groups) if (!after.has(group.groupName)) after.set(group.groupName, group)
  const known = new Set(after.keys())
  for (const change of changes) {
    const { groupName, precedence, roleArn, remove, add }: Partial<GroupChange> = change ?? {}
    if (add) {
      checkNew(groupName, after)
      known.add(groupName)
    }
    if (groupName === undefined || !known.has(groupName)) {
      throw new RolecastError(
        'invalid-argument',
        `the pool has no group ${quote(groupName)} to change; check the name, including its letter case, or add the group first`,
        { groupName, value: groupName },
      )
    }
    if (precedence != null && !isPrecedence(precedence)) {
      throw new RolecastError(
        'invalid-precedence',
        `the precedence of group ${quote(groupName)} would be ${quote(precedence)}; give an integer from 0 to ${MAX_PRECEDENCE}, or none`,
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

function checkNew(groupName: unknown, groups: ReadonlyMap<string, Group>): asserts groupName is string {
  if (!isGroupName(groupName)) {
    throw new RolecastError(
      'invalid-group-name',
      `${quote(groupName)} cannot be the name of a group; give 1 to 128 letters, marks, symbols, numbers or punctuation, without white space`,
      { value: groupName },
    )
  }
  if (groups.has(groupName)) {
    throw new RolecastError(
      'invalid-argument',
      `the pool already has the group ${quote(groupName)}; change it without adding it`,
      { groupName, value: groupName },
    )
  }
}

/** @throws RolecastError `invalid-argument` for a membership in a group that the pool does not have after the changes */
export function checkMemberships(
  memberships: Iterable<MembershipChange>,
  before: readonly Group[],
  after: readonly Group[],
): void {
  const [had, has] = [before, after].map(groups => new Set(groups.map(({ groupName }) => groupName)))
  for (const { groupName, change } of memberships) {
    if ((change === 'add' ? has : had)!.has(groupName)) continue
    const [what, next] = change === 'add' ? ['put a user into', ', or add the group first'] : ['take a user out of', '']
    throw new RolecastError(
      'invalid-argument',
      `the pool has no group ${quote(groupName)} to ${what}; check the name, including its letter case${next}`,
      { groupName, value: groupName },
    )
  }
}

/** The error for a membership of a user who is not in the pool. */
export function missingMember({ username, groupName }: MembershipChange): RolecastError {
  return new RolecastError(
    'invalid-argument',
    `the pool has no user ${quote(username)}, whose membership in ${quote(groupName)} is to change; check the name, including its letter case`,
    { value: username },
  )
}

/** What a change does to one user. */
export interface UserImpact extends RoleComparison, Pick<UserDetails, 'enabled'> {
  /** The username in the pool. */
  readonly username: string
  /** The role claims before the change. */
  readonly before: PoolResolution
  /** If the user is in a group of `unknownAfter`, the outcome is `undetermined` without a candidate. */
  readonly after: PoolResolution
  /**
   * The groups whose values after the change, or whose membership of the user, are not known; absent if there are none.
   */
  readonly unknownAfter?: readonly string[] | undefined
}

/** What changes in addition to the groups, and the reading of Cognito's rules. */
export interface ChangeOptions extends ResolveOptions {
  /**
   * In order: later ones override earlier ones.
   *
   * @default []
   */
  readonly memberships?: Iterable<MembershipChange> | undefined
  /**
   * Groups that have no members at first, because they are created or recreated.
   *
   * @default []
   */
  readonly emptied?: Iterable<string> | undefined
  /**
   * Groups whose values after the change are not known: the result of their members is undetermined.
   *
   * @default []
   */
  readonly unknownAfter?: Iterable<string> | undefined
  /**
   * Users for whom it is not known whether they are in a group: their result is undetermined.
   *
   * @default []
   */
  readonly unknownMembers?: Iterable<Omit<MembershipChange, 'change'>> | undefined
}

/**
 * Forecasts what the change from one state of a pool to another does to its users.
 *
 * Does not check that the user and the group of a membership exist: a membership in a group that `after` does not have
 * gives no role.
 *
 * @param before the groups now
 * @param after the groups after the change; see `changeGroups`
 * @param options what else changes, and the reading of Cognito's rules
 * @throws RolecastError as `compilePool`; the function that it returns, `invalid-group-name`
 * @example
 * import { changeGroups, createImpact } from 'rolecast'
 *
 * const before = [{ groupName: 'admins', roleArn: 'arn:aws:iam::111122223333:role/Admin' }]
 * const after = changeGroups(before, [{ groupName: 'admins', precedence: 0 }])
 * const impactOn = createImpact(before, after)
 * console.log(impactOn({ username: 'alice', groups: ['admins'] }).change) // gained
 */
export function createImpact(
  before: Iterable<Group>,
  after: Iterable<Group>,
  { memberships = [], emptied = [], unknownAfter = [], unknownMembers = [], ...options }: ChangeOptions = {},
): (user: UserGroups & Pick<UserDetails, 'enabled'>) => UserImpact {
  const now = compilePool(before, options)
  const then = compilePool(after, options)
  const empty = new Set(emptied)
  const unknown = new Set(unknownAfter)
  const ofUser = groupBy(memberships, ({ username }) => username)
  const openOfUser = groupBy(unknownMembers, ({ username }) => username)
  return ({ username, enabled, groups }) => {
    const user = { username, ...(enabled !== undefined && { enabled }) }
    const today = now.resolve(groups)
    const next = groupsAfter(groups, ofUser.get(username) ?? [], empty)
    const tomorrow = then.resolve(next)
    const open = openOfUser.get(username)?.map(({ groupName }) => groupName) ?? []
    const inUnknown = unknown.size === 0 ? [] : [...groups, ...next].filter(name => unknown.has(name))
    const doubtful = distinct([...inUnknown, ...open])
    if (doubtful.length === 0) return { ...user, before: today, after: tomorrow, ...compareRoles(today, tomorrow) }
    const { rolesAdded, rolesRemoved } = compareRoles(today, tomorrow)
    const after = undeterminedOf(tomorrow)
    return { ...user, before: today, after, change: 'undetermined', rolesAdded, rolesRemoved, unknownAfter: doubtful }
  }
}

function groupsAfter(
  groups: readonly string[],
  changes: readonly MembershipChange[],
  emptied: ReadonlySet<string>,
): readonly string[] {
  if (changes.length === 0 && emptied.size === 0) return groups
  const after = new Set(groups.filter(name => !emptied.has(name)))
  for (const { groupName, change } of changes) {
    if (change === 'add') after.add(groupName)
    else after.delete(groupName)
  }
  return [...after]
}

/** What is known about a user's claims if the values of a group are not known: only the groups. */
function undeterminedOf(resolution: PoolResolution): PoolResolution {
  const { rule, groups: names, roles, determiningGroups, unknownGroups, claims } = resolution
  const groups = claims['cognito:groups']
  return {
    rule,
    groups: names,
    roles,
    determiningGroups,
    unknownGroups,
    outcome: 'undetermined',
    evidence: 'unknown',
    claims: groups === undefined ? {} : { 'cognito:groups': groups },
  }
}

/**
 * The groups that have no members at first: those that are added, also after they were removed.
 *
 * @example
 * import { emptiedGroups } from 'rolecast'
 *
 * const changes = [
 *   { groupName: 'admins', remove: true },
 *   { groupName: 'admins', add: true, precedence: 0 },
 * ]
 * console.log(emptiedGroups(changes)) // [ 'admins' ]
 */
export function emptiedGroups(changes: Iterable<GroupChange>): readonly string[] {
  return [...changes].filter(change => change?.add === true).map(({ groupName }) => groupName)
}

/** What a user gets, in short. */
export interface RoleOutcome {
  /** How certain the preferred role is. */
  readonly outcome: Outcome
  /** The preferred role; if the outcome is `undetermined`, the candidate, if one is known; else absent. */
  readonly roleArn?: string | undefined
}

/** Users whose result changes from one to the other. */
export interface Transition {
  /** What becomes of the users' roles. */
  readonly change: Exclude<RoleChange, 'same'>
  /** What these users get before the change. */
  readonly before: RoleOutcome
  /** What these users get after the change. */
  readonly after: RoleOutcome
  /** How many users there are. */
  readonly count: number
  /** The first of them, as many as are listed. */
  readonly users: readonly string[]
}

/** How many users a change affects, and how. */
export interface ImpactSummary {
  /** All users that were added. */
  readonly users: number
  /**
   * Those of them with `enabled === false`. They are counted separately: `changes` and `transitions` are about the
   * others.
   */
  readonly disabled: number
  /** The disabled users whose change is not `same`. */
  readonly disabledChanged: number
  /** How many users have each change, without the disabled ones. */
  readonly changes: Readonly<Record<RoleChange, number>>
  /** The most frequent first. */
  readonly transitions: readonly Transition[]
}

/** Counts the impact of a change, user by user; `createImpactSummary` makes it. */
export interface ImpactSummaryBuilder {
  /** Counts one user. */
  add(user: UserImpact): void
  /** What was added so far. */
  summary(): ImpactSummary
}

/**
 * Counts what a change does to users, with disabled users counted separately. Stores only the first `listed` users of
 * each transition.
 *
 * @param options `listed`: how many names each transition lists at most; 1000 if not given
 * @example
 * import { createImpact, createImpactSummary } from 'rolecast'
 *
 * const admins = { groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' }
 * const impactOn = createImpact([admins], [])
 * const counter = createImpactSummary()
 * counter.add(impactOn({ username: 'alice', groups: ['admins'] }))
 * console.log(counter.summary().changes.lost) // 1
 */
export function createImpactSummary({
  listed = 1000,
}: { readonly listed?: number | undefined } = {}): ImpactSummaryBuilder {
  let [users, disabled, disabledChanged] = [0, 0, 0]
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
    add({ username, enabled, change, before, after }) {
      users++
      if (enabled === false) {
        disabled++
        if (change !== 'same') disabledChanged++
        return
      }
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
      disabled,
      disabledChanged,
      changes: { ...changes },
      transitions: [...transitions.values()].toSorted((a, b) => b.count - a.count),
    }),
  }
}

/** What a user gets, in short. */
export function roleOutcomeOf({ outcome, preferredRole, candidateRole }: Omit<ComparedRoles, 'roles'>): RoleOutcome {
  const roleArn = preferredRole ?? candidateRole
  return { outcome, ...(roleArn !== undefined && { roleArn }) }
}
