import { isFederatedGroup } from '../aws-ids.js'
import { quote, RolecastError } from '../errors.js'
import { type Group, rankOf } from '../group.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import { compareText } from '../text.js'
import { type AuditConcern, USER_CONCERNS } from './concerns.js'
import type { PoolChange } from './pool-change.js'
import type { Outcome, Semantics } from '../claims/decide.js'

/** One user, and the role forecast. */
export interface UserAudit {
  readonly username: string
  readonly resolution: PoolResolution
}

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
  /** Every role of the pool with the users who have it preferred, most users first; with 0 those that no user gets. */
  readonly roles: readonly { readonly roleArn: string; readonly users: number }[]
  /** In precedence order, those without one last; the same rank by name. A precedence or role it has not is an absent key. */
  readonly groups: readonly (Group & { readonly users: number })[]
  /** In the order of `CONCERNS`; what there is none of is left out. */
  readonly findings: readonly AuditFinding[]
  /** All of them, in the order they were told. */
  readonly changes: readonly PoolChange[]
}

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
 * Not a check that each user is added once: a user who is added twice counts twice.
 *
 * @throws RolecastError `invalid-option`: `listed` is no natural number
 */
export function createAuditSummary({
  groups,
  semantics,
  userPoolId,
  listed = 1000,
}: AuditSummaryOptions): AuditCounter {
  if (!Number.isSafeInteger(listed) || listed < 0) {
    throw new RolecastError(
      'invalid-option',
      `\`listed\` is ${quote(listed)}; give a whole number of names, 0 or more`,
      { value: listed },
    )
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
      const federated = ranked
        .filter(group => group.roleArn && isFederatedGroup(group.groupName, userPoolId))
        .map(group => group.groupName)
      const findings: readonly AuditFinding[] = [
        ...concerned.map(({ concern, count, users }) => ({ concern, count, users: [...users], groups: [], roles: [] })),
        { concern: 'role-nobody-gets', count: unused.length, users: [], groups: [], roles: unused.slice(0, listed) },
        {
          concern: 'federated-group-with-role',
          count: federated.length,
          users: [],
          groups: federated.slice(0, listed),
          roles: [],
        },
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

function byRank(a: Group, b: Group): number {
  return rankOf(a) - rankOf(b) || compareText(a.groupName, b.groupName)
}

function byUsers(a: { readonly roleArn: string; readonly users: number }, b: typeof a): number {
  return b.users - a.users || compareText(a.roleArn, b.roleArn)
}
