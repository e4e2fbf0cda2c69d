import { quote, RolecastError } from '../errors.js'
import { type Group, rankOf } from '../group.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import type { Outcome, Semantics } from '../claims/resolve.js'
import { compareText } from '../texts.js'

/** One user, and what he gets. */
export interface UserAudit {
  readonly username: string
  readonly resolution: PoolResolution
}

/** What changed, or did not fit, while a pool was read: what was read of it is not of one moment. */
export type PoolChange =
  /** Listed among the users, and gone when asked for. */
  | { readonly change: 'user-vanished'; readonly username: string }
  /** In a group, and not listed among the users. */
  | { readonly change: 'user-appeared'; readonly username: string }
  | { readonly change: 'group-vanished'; readonly groupName: string }
  | { readonly change: 'group-appeared'; readonly groupName: string }
  /** Its precedence or role is another at the end than it was at the start. */
  | { readonly change: 'group-changed'; readonly groupName: string }

/** What needs a person. */
export type AuditConcern =
  | 'conflicting-tie'
  | 'null-precedence-only'
  | 'undetermined'
  | 'no-role'
  | 'unknown-group'
  | 'too-many-groups'
  | 'role-nobody-gets'
  | 'federated-group-with-role'

/** Exactly one of the three lists has names: of users, of groups or of roles, whatever the concern is about. */
export interface AuditFinding {
  readonly concern: AuditConcern
  /** How many there are, of which the list may have only the first. */
  readonly count: number
  /** In the order they were added. */
  readonly users: readonly string[]
  /** In precedence order. */
  readonly groups: readonly string[]
  /** Sorted. */
  readonly roles: readonly string[]
}

export interface AuditSummary {
  /** An absent key where it is not known. */
  readonly userPoolId?: string | undefined
  readonly semantics: Semantics
  readonly users: number
  /** In groups that the pool has. */
  readonly memberships: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** Every role of the pool with the users who have it preferred, most users first; with 0 those that nobody gets. */
  readonly roles: readonly { readonly roleArn: string; readonly users: number }[]
  /** In precedence order, those without one last; the same rank by name. A precedence or role it has not is an absent key. */
  readonly groups: readonly (Group & { readonly users: number })[]
  /** In the order of `CONCERNS`; what there is none of is left out. */
  readonly findings: readonly AuditFinding[]
  /** All of them, in the order they were told. */
  readonly changes: readonly PoolChange[]
}

/** A concern in words. */
export interface ConcernText {
  /** What they are that it counts. */
  readonly title: string
  /** One sentence or two. */
  readonly meaning: string
  /** What to do about it, in one sentence. */
  readonly next: string
}

/** How many groups a user can be in; the page of AWS says that it cannot be raised. */
const MOST_GROUPS = 100

/**
 * What each concern means and what to do about it, for people.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export const CONCERNS: Readonly<Record<AuditConcern, ConcernText>> = {
  'conflicting-tie': {
    title: 'Users with a tie on different roles',
    meaning: 'Several of their groups share the first rank among those with a role, and the roles differ: Cognito prefers none, and does not consult the next precedence.',
    next: 'Give these groups different precedences, or one role.',
  },
  'null-precedence-only': {
    title: 'Users whose only roles are on groups without a precedence',
    meaning: 'Such a role is in cognito:roles and never preferred, so they have no preferred role.',
    next: 'Give these groups a precedence; 0 ranks first.',
  },
  undetermined: {
    title: 'Users whose preferred role is not known',
    meaning: 'A group without a role has the same precedence as their first group with one. AWS does not document whether Cognito then prefers the role, and no known token shows it.',
    next: 'Give the group without a role another precedence; until then, grant nothing on it.',
  },
  'no-role': {
    title: 'Users without any role',
    meaning: 'They are in no group, or in groups of which none has a role: Cognito sets neither cognito:roles nor cognito:preferred_role.',
    next: 'Put them into a group with a role, unless what your app gives to users without one is meant for them.',
  },
  'unknown-group': {
    title: 'Users with groups that the pool does not have',
    meaning: 'What is not in the pool has no role and is in no claim: the group is gone, came while the pool was read, or is misspelt.',
    next: 'Read groups and users again, or correct the names.',
  },
  'too-many-groups': {
    title: `Users in more than ${MOST_GROUPS} groups`,
    meaning: `Cognito allows a user ${MOST_GROUPS} groups, and AWS does not raise this quota (https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html).`,
    next: 'Check where the list of groups comes from.',
  },
  'role-nobody-gets': {
    title: 'Roles that nobody gets',
    meaning: 'A group has the role, and no user has it preferred: the group has no members, or other groups of its members decide.',
    next: 'Change the members or the precedence of the group, or delete it where it is of no use.',
  },
  'federated-group-with-role': {
    title: 'Groups of an identity provider with a role',
    meaning: 'Cognito makes such a group for each provider, and puts in every user that it makes from one: whoever decides who can sign in there decides who has the role.',
    next: 'Put the role on a group of your own, unless it is meant for all users of the provider.',
  },
}

/** What users are found by. */
const USER_CONCERNS: readonly (readonly [AuditConcern, (resolution: PoolResolution) => boolean])[] = [
  ['conflicting-tie', ({ outcome }) => outcome === 'ambiguous'],
  ['null-precedence-only', ({ rule }) => rule === 'no-precedence'],
  ['undetermined', ({ outcome }) => outcome === 'undetermined'],
  ['no-role', ({ rule }) => rule === 'no-groups' || rule === 'no-roles'],
  ['unknown-group', ({ unknownGroups }) => unknownGroups.length > 0],
  ['too-many-groups', ({ groups, unknownGroups }) => groups.length + unknownGroups.length > MOST_GROUPS],
]

export interface AuditSummaryOptions {
  /** The groups of the pool, that the users were resolved against. Of a name that comes twice, the first counts. */
  readonly groups: Iterable<Group>
  /** The reading that the users were resolved by. */
  readonly semantics: Semantics
  readonly userPoolId?: string | undefined
  /** How many names a finding lists at most; 1000 if not given. */
  readonly listed?: number | undefined
}

export interface AuditCounter {
  /** @throws RolecastError `invalid-input`: the user was not resolved against the groups of this pool */
  add(user: UserAudit): void
  change(change: PoolChange): void
  /** What was added so far; it stays as it is when more is added. */
  summary(): AuditSummary
}

/**
 * Counts who gets what in a pool, user by user, in memory that grows with the pool's groups and not with its users.
 *
 * Not a check that each user is added once: whoever is added twice counts twice.
 *
 * @throws RolecastError `invalid-option`: `listed` is no natural number
 */
export function createAuditSummary({ groups, semantics, userPoolId, listed = 1000 }: AuditSummaryOptions): AuditCounter {
  if (!Number.isSafeInteger(listed) || listed < 0) {
    throw new RolecastError('invalid-option', `\`listed\` is ${quote(listed)}; give a whole number of names, 0 or more`, { value: listed })
  }
  const ladder = new Map<string, Counted<Group>>()
  const roles = new Map<string, Counted<{ readonly roleArn: string }>>()
  for (const group of groups) {
    if (ladder.has(group.groupName)) continue
    ladder.set(group.groupName, countedGroup(group))
    if (group.roleArn && !roles.has(group.roleArn)) roles.set(group.roleArn, { roleArn: group.roleArn, users: 0 })
  }
  const outcomes: Record<Outcome, number> = { resolved: 0, none: 0, ambiguous: 0, undetermined: 0 }
  const concerned = USER_CONCERNS.map(([concern, applies]) => ({ concern, applies, count: 0, users: [] as string[] }))
  const changes: PoolChange[] = []

  const countedIn = keptWhileFrozen((resolution: PoolResolution) => {
    const counters: Counted<unknown>[] = resolution.groups.map(name => counterOf(ladder, name))
    if (resolution.preferredRole !== undefined) counters.push(counterOf(roles, resolution.preferredRole))
    return { counters, findings: concerned.filter(({ applies }) => applies(resolution)) }
  })

  return {
    add({ username, resolution }) {
      const { counters, findings } = countedIn(resolution)
      outcomes[resolution.outcome]++
      for (const counter of counters) counter.users++
      for (const finding of findings) if (++finding.count <= listed) finding.users.push(username)
    },

    change(change) {
      changes.push(change)
    },

    summary() {
      const ranked = [...ladder.values()].map(group => ({ ...group })).toSorted(byRank)
      const mostFirst = [...roles.values()].map(role => ({ ...role })).toSorted(byUsers)
      const unused = mostFirst.filter(role => role.users === 0).map(role => role.roleArn)
      const federated = ranked.filter(group => group.roleArn && isFederated(group.groupName, userPoolId)).map(group => group.groupName)
      const findings: readonly AuditFinding[] = [
        ...concerned.map(({ concern, count, users }) => ({ concern, count, users: [...users], groups: [], roles: [] })),
        { concern: 'role-nobody-gets', count: unused.length, users: [], groups: [], roles: unused.slice(0, listed) },
        { concern: 'federated-group-with-role', count: federated.length, users: [], groups: federated.slice(0, listed), roles: [] },
      ]
      return {
        ...(userPoolId !== undefined && { userPoolId }),
        semantics,
        users: outcomes.resolved + outcomes.none + outcomes.ambiguous + outcomes.undetermined,
        memberships: ranked.reduce((sum, group) => sum + group.users, 0),
        outcomes: { ...outcomes },
        roles: mostFirst,
        groups: ranked,
        findings: findings.filter(({ count }) => count > 0),
        changes: [...changes],
      }
    },
  }
}

type Counted<T> = T & { users: number }

function countedGroup({ groupName, precedence, roleArn }: Group): Counted<Group> {
  return { groupName, ...(precedence != null && { precedence }), ...(roleArn && { roleArn }), users: 0 }
}

function counterOf<T>(counters: ReadonlyMap<string, T>, name: string): T {
  const found = counters.get(name)
  if (found !== undefined) return found
  const message = `a user was resolved with ${quote(name)}, which the groups of the audit do not have; give both the same groups`
  throw new RolecastError('invalid-input', message, { value: name })
}

/**
 * Keeps what is made of a frozen object: it cannot change, and is shared by many users. What is made of another is made
 * each time, for keeping it costs more than it saves.
 */
export function keptWhileFrozen<K extends object, T>(make: (from: K) => T): (from: K) => T {
  const kept = new WeakMap<K, T>()
  return from => {
    if (!Object.isFrozen(from)) return make(from)
    let made = kept.get(from)
    if (made === undefined) kept.set(from, (made = make(from)))
    return made
  }
}

/**
 * Whether Cognito made this group for the users of an identity provider: `POOLID_Provider`. Where the pool's id is not
 * known, anything that looks like one will do.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/cognito-user-pools-user-groups.html
 */
function isFederated(groupName: string, userPoolId: string | undefined): boolean {
  return userPoolId === undefined ? FEDERATED.test(groupName) : groupName.startsWith(`${userPoolId}_`)
}

/** Region, underscore, pool, underscore, provider. */
const FEDERATED = /^[a-z]{2,}(?:-[a-z]+)+-\d+_[0-9A-Za-z]+_/

function byRank(a: Group, b: Group): number {
  return rankOf(a) - rankOf(b) || compareText(a.groupName, b.groupName)
}

function byUsers(a: { readonly roleArn: string; readonly users: number }, b: typeof a): number {
  return b.users - a.users || compareText(a.roleArn, b.roleArn)
}

/**
 * What is special about a group's place among the others, whoever is in it.
 *
 * - `conflict`: it has a role, and another group of the same rank has another.
 * - `shared`: it has a role, and all groups of the same rank that have one have the same.
 * - `contender`: it has no role, and the same number as a group with one.
 * - `unranked`: it has a role that is never preferred, for it has no precedence.
 */
export type Standing = 'conflict' | 'shared' | 'contender' | 'unranked'

/** What each standing means, for people. */
export const STANDINGS: Readonly<Record<Standing, string>> = {
  conflict: 'same precedence, different roles: whoever has these first gets no preferred role',
  shared: 'same precedence, same role',
  contender: 'no role, and the same precedence as a group with one: it may keep that role from being preferred',
  unranked: 'a role without a precedence is never preferred',
}

/** The standing of each group, in the order given; undefined where there is nothing special about it. */
export function standings(groups: readonly Group[], semantics: Semantics): readonly (Standing | undefined)[] {
  const nullRanks = semantics === 'documented'
  const withRole = new Map<number, { count: number; readonly roles: Set<string> }>()
  for (const group of groups) {
    if (!group.roleArn) continue
    const rank = rankOf(group)
    const level = withRole.get(rank) ?? { count: 0, roles: new Set() }
    level.count++
    level.roles.add(group.roleArn)
    withRole.set(rank, level)
  }
  return groups.map(group => {
    const rank = rankOf(group)
    if (!group.roleArn) return semantics === 'observed' && group.precedence != null && withRole.has(rank) ? 'contender' : undefined
    if (group.precedence == null && !nullRanks) return 'unranked'
    const { count, roles } = withRole.get(rank)!
    return roles.size > 1 ? 'conflict' : count > 1 ? 'shared' : undefined
  })
}

/** Says in one sentence what changed while a pool was read. Names stand in it as they came: escape them where you print. */
export function describeChange(change: PoolChange): string {
  switch (change.change) {
    case 'user-vanished':
      return `The user \`${change.username}\` was listed, and gone when asked for.`
    case 'user-appeared':
      return `The user \`${change.username}\` is in a group, and was not listed among the users.`
    case 'group-vanished':
      return `The group \`${change.groupName}\` was there at the start, and gone at the end.`
    case 'group-appeared':
      return `The group \`${change.groupName}\` was not there at the start, and there at the end.`
    case 'group-changed':
      return `The group \`${change.groupName}\` had another precedence or role at the end than at the start.`
  }
}
