import { isFederatedGroup } from '../aws-ids.js'
import { quote, RolecastError } from '../errors.js'
import { type Group, rankOf } from '../group.js'
import { keptWhileFrozen } from '../record.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import type { Severity } from '../severity.js'
import { compareText } from '../text.js'
import type { AuditReading } from './audit-reading.js'
import { type AuditConcern, CONCERN_NAMES, CONCERNS, createConcerns, roleConcerns, USER_CONCERNS } from './concerns.js'
import type { PoolChange } from './pool-change.js'
import type { UserDetails } from './pool-user.js'
import type { RoleCheck } from './role-check.js'
import { type CalibrationSource, chooseSemantics, type SemanticsChoice } from '../claims/choose-semantics.js'
import type { Outcome, Semantics } from '../claims/decide.js'
import type { Evidence } from '../claims/evidence.js'
import type { RoleSelection, SelectionRule } from '../credentials/select-role.js'

/** One user, and the role forecast. */
export interface UserAudit extends UserDetails {
  readonly username: string
  readonly resolution: PoolResolution
  /** Whose credentials an identity pool gives to the user; absent where none was asked about. */
  readonly selection?: RoleSelection | undefined
}

/** Exactly one of the three lists has names: of users, of groups or of roles, whatever the concern is about. */
export interface AuditFinding {
  readonly concern: AuditConcern
  readonly severity: Severity
  /** How many there are, of which the list may have only the first. Disabled users are not counted. */
  readonly count: number
  /**
   * How many users belong to the finding. Of a finding about roles: those who get such a role, or may get it; of
   * `administrator-role`, `unchecked-role` and `unjudged-privileges` also those who can ask for it. Of groups: those who are in
   * such a group.
   */
  readonly affectedUsers: number
  /** In the order they were added. */
  readonly users: readonly string[]
  /** In precedence order. */
  readonly groups: readonly string[]
  /** Sorted. */
  readonly roles: readonly string[]
}

/** Whose credentials an identity pool gives to the users who are not disabled. */
export interface CredentialsSummary {
  readonly identityPoolId: string
  /** The type of the role mapping of the users' app client; `none` if it has none. */
  readonly mapping: IdentityPoolMapping
  /** The app client that was named. */
  readonly clientId?: string | undefined
  /** The app clients of the user pool that have a role mapping. Absent where the providers of the identity pool are known. */
  readonly mappedClients?: readonly string[] | undefined
  readonly outcomes: Readonly<Record<RoleSelection['outcome'], number>>
  /** Only those that decided for some user, sorted. */
  readonly rules: Readonly<Partial<Record<SelectionRule, number>>>
  /** Most users first. */
  readonly roles: readonly { readonly roleArn: string; readonly users: number }[]
}

/** What a summary has of an identity pool before the first user. */
export type IdentityPoolAbout = Pick<CredentialsSummary, 'identityPoolId' | 'mapping' | 'clientId' | 'mappedClients'>

export type IdentityPoolMapping = 'Token' | 'Rules' | 'none'

/**
 * Counts of a pool. A disabled user cannot sign in, so disabled users are counted apart: only `users` and `memberships`
 * are of all.
 */
export interface AuditSummary {
  /** An absent key where nothing is known of it. */
  readonly reading?: AuditReading | undefined
  readonly semantics: Semantics
  /** The calibration that chose the semantics; an absent key where none did. */
  readonly calibration?: CalibrationSource | undefined
  /** All that were read. */
  readonly users: number
  /** Of these, the disabled ones. */
  readonly disabled: number
  /** Of these, those of whom nothing says whether they are disabled. They are counted as if they were not. */
  readonly enabledUnknown: number
  /** In groups that the pool has, of all users. */
  readonly memberships: number
  readonly outcomes: Readonly<Record<Outcome, number>>
  readonly evidence: Readonly<Record<Evidence, number>>
  /** Every role of the pool with the users who have it preferred, most users first; with 0 those that no user gets. */
  readonly roles: readonly { readonly roleArn: string; readonly users: number; readonly disabledUsers: number }[]
  /** In precedence order, those without one last; the same rank by name. A precedence or role it has not is an absent key. */
  readonly groups: readonly (Group & { readonly users: number; readonly disabledUsers: number })[]
  /** An absent key where no identity pool was asked about. */
  readonly credentials?: CredentialsSummary | undefined
  /** By ARN. An absent key where roles were not checked. */
  readonly roleChecks?: readonly RoleCheck[] | undefined
  /** The most severe first, in the order of `CONCERNS`; what there is none of is left out. */
  readonly findings: readonly AuditFinding[]
  /** All of them, in the order they were told. */
  readonly changes: readonly PoolChange[]
}

/** With the `semantics`, or the `calibration`, that the users were resolved by. */
export type AuditSummaryOptions = SummaryOptions & SemanticsChoice

interface SummaryOptions {
  /** The groups of the pool, that the users were resolved against. Of a name that comes twice, the first counts. */
  readonly groups: Iterable<Group>
  /** Where groups and users come from. */
  readonly reading?: AuditReading | undefined
  /** The identity pool of the users' selections. */
  readonly identityPool?: IdentityPoolAbout | undefined
  /** What IAM says of the roles. A role that is not among them is a finding: it was not checked. */
  readonly roleChecks?: readonly RoleCheck[] | undefined
  /** How many names a finding lists at most; 1000 if not given. */
  readonly listed?: number | undefined
}

export interface AuditCounter {
  /**
   * Counts a user, and says which findings the user belongs to, as `createConcerns` does.
   *
   * @throws RolecastError `invalid-input`: the user was not resolved against the groups of this pool, or has no selection
   * though the summary is of an identity pool
   */
  add(user: UserAudit): readonly AuditConcern[]
  change(change: PoolChange): void
  /** What was added so far; it stays as it is when more is added. */
  summary(): AuditSummary
}

/**
 * Counts who gets what in a pool, user by user, in memory that grows with the pool's groups and not with its users.
 *
 * Not a check that each user is added once: a user who is added twice counts twice.
 *
 * @throws RolecastError `invalid-option`: `listed` is no natural number, or the semantics cannot be used
 */
export function createAuditSummary({
  groups: given,
  reading,
  identityPool,
  roleChecks,
  listed = 1000,
  ...choice
}: AuditSummaryOptions): AuditCounter {
  if (!Number.isSafeInteger(listed) || listed < 0) {
    throw new RolecastError(
      'invalid-option',
      `\`listed\` is ${quote(listed)}; give a whole number of names, 0 or more`,
      { value: listed },
    )
  }
  const { semantics, calibration } = chooseSemantics(choice)
  const ladder = new Map<string, Counted<Group>>()
  const roles = new Map<string, Counted<{ readonly roleArn: string }>>()
  for (const group of given) {
    if (ladder.has(group.groupName)) continue
    ladder.set(group.groupName, countedGroup(group))
    if (group.roleArn && !roles.has(group.roleArn))
      roles.set(group.roleArn, { roleArn: group.roleArn, users: 0, disabledUsers: 0 })
  }
  const userPoolId = reading?.userPoolId
  const hasIdentityPool = identityPool !== undefined
  const concernsOf = createConcerns({ groups: ladder.values(), userPoolId, hasIdentityPool, roleChecks })
  const affected = new Map<AuditConcern, { count: number; readonly users: string[] }>(
    CONCERN_NAMES.map(concern => [concern, { count: 0, users: [] }]),
  )
  let disabled = 0
  let enabledUnknown = 0
  const outcomes: Record<Outcome, number> = { resolved: 0, none: 0, ambiguous: 0, undetermined: 0 }
  const evidence: Record<Evidence, number> = { observed: 0, documented: 0, inferred: 0, calibrated: 0, unknown: 0 }
  const credentials = createCredentialsCounter()
  /** Preferred or not, where that is not known. */
  const candidates = new Set<string>()
  const changes: PoolChange[] = []

  const countersOf = keptWhileFrozen((resolution: PoolResolution) => {
    const { groups, preferredRole } = resolution
    const counters: Counted<unknown>[] = []
    for (const name of groups) counters.push(counterOf(ladder, name))
    if (preferredRole !== undefined) counters.push(counterOf(roles, preferredRole))
    return counters
  })

  /** Every role that has a place in the summary, sorted. */
  function namedRoles(): readonly string[] {
    return [...new Set([...roles.keys(), ...credentials.roleArns(), ...(roleChecks ?? []).map(one => one.roleArn)])]
      .filter(role => role !== '')
      .toSorted(compareText)
  }

  function findings(ranked: readonly Group[]): readonly AuditFinding[] {
    const unused = [...roles.values()]
      .filter(({ roleArn, users }) => users === 0 && !candidates.has(roleArn) && !credentials.mayGive(roleArn))
      .map(({ roleArn }) => roleArn)
      .toSorted(compareText)
    const federated = ranked.filter(({ groupName, roleArn }) => roleArn && isFederatedGroup(groupName, userPoolId))
    const checks = new Map(roleChecks?.map(check => [check.roleArn, check]))
    const checked = new Map(
      (roleChecks === undefined ? [] : namedRoles()).map(role => [
        role,
        roleConcerns(checks.get(role), hasIdentityPool),
      ]),
    )
    return CONCERN_NAMES.map((concern): AuditFinding => {
      const { count: affectedUsers, users } = affected.get(concern)!
      const finding = { concern, severity: CONCERNS[concern].severity }
      const none = { users: [], groups: [], roles: [] }
      if (USER_CONCERNS[concern] !== undefined)
        return { ...finding, count: affectedUsers, affectedUsers, ...none, users: [...users] }
      if (concern === 'federated-group-with-role') {
        const names = federated.slice(0, listed).map(({ groupName }) => groupName)
        return { ...finding, count: federated.length, affectedUsers, ...none, groups: names }
      }
      const found =
        concern === 'role-nobody-gets'
          ? unused
          : [...checked].filter(([, concerns]) => concerns.includes(concern)).map(([role]) => role)
      return { ...finding, count: found.length, affectedUsers, ...none, roles: found.slice(0, listed) }
    }).filter(({ count }) => count > 0)
  }

  return {
    add(user) {
      const { username, resolution, selection } = user
      const counters = countersOf(resolution)
      if (hasIdentityPool && selection === undefined) throw withoutSelection(username)
      if (user.enabled === false) {
        disabled++
        for (const counter of counters) counter.disabledUsers++
        return concernsOf(user)
      }
      if (user.enabled === undefined) enabledUnknown++
      outcomes[resolution.outcome]++
      evidence[resolution.evidence]++
      if (resolution.candidateRole !== undefined) candidates.add(resolution.candidateRole)
      for (const counter of counters) counter.users++
      if (hasIdentityPool) credentials.add(selection!)
      const concerns = concernsOf(user)
      for (const concern of concerns) {
        const finding = affected.get(concern)!
        if (++finding.count <= listed && USER_CONCERNS[concern] !== undefined) finding.users.push(username)
      }
      return concerns
    },

    change(change) {
      changes.push(change)
    },

    summary() {
      const ranked = [...ladder.values()].map(group => ({ ...group })).toSorted(byRank)
      return {
        ...(reading !== undefined && { reading }),
        semantics,
        ...(calibration !== undefined && { calibration }),
        users: outcomes.resolved + outcomes.none + outcomes.ambiguous + outcomes.undetermined + disabled,
        disabled,
        enabledUnknown,
        memberships: ranked.reduce((sum, group) => sum + group.users + group.disabledUsers, 0),
        outcomes: { ...outcomes },
        evidence: { ...evidence },
        roles: [...roles.values()].map(role => ({ ...role })).toSorted(byUsers),
        groups: ranked,
        ...(identityPool !== undefined && { credentials: credentials.summary(identityPool) }),
        ...(roleChecks !== undefined && {
          roleChecks: roleChecks.toSorted((a, b) => compareText(a.roleArn, b.roleArn)),
        }),
        findings: findings(ranked),
        changes: [...changes],
      }
    },
  }
}

function withoutSelection(username: string): RolecastError {
  const message = `the user ${quote(username)} has no \`selection\`, though the summary is of an identity pool; give each user the result of \`selectRoleFor\``
  return new RolecastError('invalid-input', message, { value: username })
}

function createCredentialsCounter() {
  const outcomes: Record<RoleSelection['outcome'], number> = { role: 0, denied: 0, undetermined: 0 }
  const rules = new Map<SelectionRule, number>()
  const roles = new Map<string, number>()
  const candidates = new Set<string>()
  return {
    add(selection: RoleSelection): void {
      outcomes[selection.outcome]++
      countIn(rules, selection.rule)
      if (selection.roleArn !== undefined) countIn(roles, selection.roleArn)
      for (const { roleArn } of selection.candidates ?? []) if (roleArn !== undefined) candidates.add(roleArn)
    },
    roleArns: () => [...roles.keys(), ...candidates],
    mayGive: (roleArn: string) => roles.has(roleArn) || candidates.has(roleArn),
    summary: ({ identityPoolId, mapping, clientId, mappedClients }: IdentityPoolAbout): CredentialsSummary => ({
      identityPoolId,
      mapping,
      ...(clientId !== undefined && { clientId }),
      ...(mappedClients !== undefined && { mappedClients }),
      outcomes: { ...outcomes },
      rules: Object.fromEntries([...rules].toSorted(([a], [b]) => compareText(a, b))),
      roles: [...roles].map(([roleArn, users]) => ({ roleArn, users })).toSorted(byUsers),
    }),
  }
}

function countIn<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}

type Counted<T> = T & { users: number; disabledUsers: number }

function countedGroup({ groupName, precedence, roleArn }: Group): Counted<Group> {
  return {
    groupName,
    ...(precedence != null && { precedence }),
    ...(roleArn && { roleArn }),
    users: 0,
    disabledUsers: 0,
  }
}

function counterOf<T>(counters: ReadonlyMap<string, T>, name: string): T {
  const found = counters.get(name)
  if (found !== undefined) return found
  const message = `a user was resolved with ${quote(name)}, which the groups of the audit do not have; give both the same groups`
  throw new RolecastError('invalid-input', message, { value: name })
}

function byRank(a: Group, b: Group): number {
  return rankOf(a) - rankOf(b) || compareText(a.groupName, b.groupName)
}

function byUsers(a: { readonly roleArn: string; readonly users: number }, b: typeof a): number {
  return b.users - a.users || compareText(a.roleArn, b.roleArn)
}
