import { quote, RolecastError } from '../errors.js'
import { type Group, isGroupName, isPrecedence, MAX_PRECEDENCE, type UserGroups } from '../group.js'
import { compilePool, type PoolResolution } from '../pool/compile-pool.js'
import type { ResolveOptions } from '../claims/resolve.js'
import { groupBy, type Mutable } from '../record.js'
import { distinct } from '../text.js'
import type { UserDetails } from './pool-user.js'
import { type ComparedRoles, compareRoles, type RoleChange, type RoleComparison } from './compare-roles.js'
import type { Outcome } from '../claims/decide.js'

/** What is to become of one group. What is not named stays; null takes it away. */
export interface GroupChange {
  readonly groupName: string
  readonly precedence?: number | null | undefined
  readonly roleArn?: string | null | undefined
  /** The group itself goes. */
  readonly remove?: boolean | undefined
  /** The group comes: the pool does not have it, or an earlier change removes it. It has no members at first. */
  readonly add?: boolean | undefined
}

/** What is to become of one user's place in one group. */
export interface MembershipChange {
  readonly username: string
  readonly groupName: string
  readonly change: 'add' | 'remove'
}

/**
 * The groups of a pool after changes, in their order; later changes of a group count over earlier ones.
 *
 * Not a check that Cognito can make the change: UpdateGroup cannot clear a precedence or a role once it is set. Delete
 * such a group and recreate it.
 *
 * @throws RolecastError `invalid-argument` for a group that the pool does not have, or has already where it is to be added;
 *   `invalid-group-name`, `invalid-precedence`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_UpdateGroup.html
 */
export function changeGroups(groups: Iterable<Group>, changes: Iterable<GroupChange>): readonly Group[] {
  const after = new Map<string, Group>()
  // Of those with one name the first counts, as in `resolveRoles`.
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
        `the pool has no group ${quote(groupName)} to change; check the name, capitals count, or add the group first`,
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
      `the pool has the group ${quote(groupName)} already; change it without adding it`,
      { groupName, value: groupName },
    )
  }
}

/** @throws RolecastError `invalid-argument` for a membership in a group that the pool does not have then */
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
      `the pool has no group ${quote(groupName)} to ${what}; check the name, capitals count${next}`,
      { groupName, value: groupName },
    )
  }
}

/** For a membership of a user who is not among the users of the pool. */
export function missingMember({ username, groupName }: MembershipChange): RolecastError {
  return new RolecastError(
    'invalid-argument',
    `the pool has no user ${quote(username)}, whose membership in ${quote(groupName)} is to change; check the name, capitals count`,
    { value: username },
  )
}

/** What a change does to one user. */
export interface UserImpact extends RoleComparison, Pick<UserDetails, 'enabled'> {
  readonly username: string
  readonly before: PoolResolution
  /** Where the user is in a group of `unknownAfter`, the outcome is `undetermined` without a candidate. */
  readonly after: PoolResolution
  /** The groups of which it is not known what they become, or whether the user is in them; absent if there are none. */
  readonly unknownAfter?: readonly string[] | undefined
}

export interface ChangeOptions extends ResolveOptions {
  /** In their order: later ones count over earlier ones. */
  readonly memberships?: Iterable<MembershipChange> | undefined
  /** Groups that have no members at first, because they are created, or created again. */
  readonly emptied?: Iterable<string> | undefined
  /** Groups of which it is not known what they become: what becomes of their members is undetermined. */
  readonly unknownAfter?: Iterable<string> | undefined
  /** Users of whom it is not known whether they are in a group: what becomes of them is undetermined. */
  readonly unknownMembers?: Iterable<Omit<MembershipChange, 'change'>> | undefined
}

/**
 * Forecasts for users what the change from one state of a pool to another does to them.
 *
 * Not a check that a membership is of a user and a group that there are: a membership in a group that `after` does not have
 * carries no role.
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

/** What is known of a user's claims where it is not known what a group becomes: nothing but the groups. */
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

/** The groups that have no members at first: those that are added, after they were removed too. */
export function emptiedGroups(changes: Iterable<GroupChange>): readonly string[] {
  return [...changes].filter(change => change?.add === true).map(({ groupName }) => groupName)
}

/** What a user gets, in short. */
export interface RoleOutcome {
  readonly outcome: Outcome
  /** The preferred role; where the outcome is `undetermined`, the candidate, if one is known; else absent. */
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
  /** All that were added. */
  readonly users: number
  /** Of these, those with `enabled === false`. They are counted apart: `changes` and `transitions` are of the others. */
  readonly disabled: number
  /** Of the disabled ones, those whose change is not `same`. */
  readonly disabledChanged: number
  readonly changes: Readonly<Record<RoleChange, number>>
  /** The most frequent first. */
  readonly transitions: readonly Transition[]
}

export interface ImpactSummaryBuilder {
  add(user: UserImpact): void
  summary(): ImpactSummary
}

/** Counts what a change does to users, and users who are disabled apart. Keeps no more of them than the first `listed` of each transition. */
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
