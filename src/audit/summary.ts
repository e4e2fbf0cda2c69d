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

/** One user, with the forecast role. */
export interface UserAudit extends UserDetails {
  /** The username in the pool. */
  readonly username: string
  /** The role claims of the user's next token. */
  readonly resolution: PoolResolution
  /** Which role's credentials an identity pool gives to the user; absent if no identity pool was asked about. */
  readonly selection?: RoleSelection | undefined
}

/** Exactly one of the three lists has names: users, groups or roles, depending on the finding. */
export interface AuditFinding {
  /** What the finding is about. */
  readonly concern: AuditConcern
  /** How much it matters. */
  readonly severity: Severity
  /** The full number; the list may have only the first ones. Disabled users are not counted. */
  readonly count: number
  /**
   * How many users the finding affects. For a finding about roles: those who get such a role, or may get it; for
   * `administrator-role`, `unchecked-role` and `unjudged-privileges` also those who can ask for it. For a finding about
   * groups: those who are in such a group.
   */
  readonly affectedUsers: number
  /** In the order they were added. */
  readonly users: readonly string[]
  /** In precedence order. */
  readonly groups: readonly string[]
  /** Sorted. */
  readonly roles: readonly string[]
}

/** Which role's credentials an identity pool gives to the users who are not disabled. */
export interface CredentialsSummary {
  /** The identity pool, for example `eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6`. */
  readonly identityPoolId: string
  /** The type of the role mapping of the users' app client; `none` if it has none. */
  readonly mapping: IdentityPoolMapping
  /** The app client that was named. */
  readonly clientId?: string | undefined
  /**
   * The app clients of the user pool that have a role mapping. Absent if the providers of the identity pool are known.
   */
  readonly mappedClients?: readonly string[] | undefined
  /** How many users have each outcome. */
  readonly outcomes: Readonly<Record<RoleSelection['outcome'], number>>
  /** Only the rules that decided for a user, sorted. */
  readonly rules: Readonly<Partial<Record<SelectionRule, number>>>
  /** Most users first. */
  readonly roles: readonly {
    /** The role's ARN. */
    readonly roleArn: string
    /** Users who get its credentials. */
    readonly users: number
  }[]
}

/** What a summary knows about an identity pool before the first user. */
export type IdentityPoolAbout = Pick<CredentialsSummary, 'identityPoolId' | 'mapping' | 'clientId' | 'mappedClients'>

/**
 * The type of a role mapping: `Token` reads the token's preferred role, `Rules` has rules on claims, `none` means
 * that there is no mapping.
 */
export type IdentityPoolMapping = 'Token' | 'Rules' | 'none'

/**
 * Counts of a pool. A disabled user cannot sign in, so disabled users are counted separately: only `users` and
 * `memberships` include them.
 */
export interface AuditSummary {
  /** Absent if nothing is known about it. */
  readonly reading?: AuditReading | undefined
  /** The reading of Cognito's rules that the users were resolved with. */
  readonly semantics: Semantics
  /** The calibration that chose the semantics; absent if none did. */
  readonly calibration?: CalibrationSource | undefined
  /** All users that were read. */
  readonly users: number
  /** The disabled users among them. */
  readonly disabled: number
  /** Those for whom it is not known whether they are disabled. They are counted as if they were not. */
  readonly enabledUnknown: number
  /** Memberships of all users, in groups that the pool has. */
  readonly memberships: number
  /** How many users have each outcome. */
  readonly outcomes: Readonly<Record<Outcome, number>>
  /** How many users have a result of each evidence. */
  readonly evidence: Readonly<Record<Evidence, number>>
  /**
   * Every role of the pool with the number of users who have it as preferred role, most users first; 0 for roles that
   * no user gets.
   */
  readonly roles: readonly {
    /** The role's ARN. */
    readonly roleArn: string
    /** Users whose preferred role it is, without the disabled ones. */
    readonly users: number
    /** The same, of disabled users. */
    readonly disabledUsers: number
  }[]
  /**
   * In precedence order, groups without one last; equal ranks by name. Absent precedence or role: the key is absent.
   */
  readonly groups: readonly (Group & {
    /** Members, without the disabled ones. */
    readonly users: number
    /** Disabled members. */
    readonly disabledUsers: number
  })[]
  /** Absent if no identity pool was asked about. */
  readonly credentials?: CredentialsSummary | undefined
  /** By ARN. Absent if roles were not checked. */
  readonly roleChecks?: readonly RoleCheck[] | undefined
  /** The most severe first, in the order of `CONCERNS`; without those that were not found. */
  readonly findings: readonly AuditFinding[]
  /** All of them, in the order in which they were noticed. */
  readonly changes: readonly PoolChange[]
}

/** With the `semantics`, or the `calibration`, that the users were resolved by. */
export type AuditSummaryOptions = SummaryOptions & SemanticsChoice

/** The options of `createAuditSummary` without the reading of Cognito's rules. */
export interface SummaryOptions {
  /** The groups of the pool that the users were resolved against. Of groups with the same name, the first counts. */
  readonly groups: Iterable<Group>
  /**
   * Where groups and users come from.
   *
   * @default none
   */
  readonly reading?: AuditReading | undefined
  /**
   * The identity pool of the users' selections.
   *
   * @default none
   */
  readonly identityPool?: IdentityPoolAbout | undefined
  /**
   * What IAM says about the roles. A role that is not among them is a finding: it was not checked.
   *
   * @default none: roles were not checked
   */
  readonly roleChecks?: readonly RoleCheck[] | undefined
  /**
   * How many names a finding lists at most.
   *
   * @default 1000
   */
  readonly listed?: number | undefined
}

/** Counts the users of a pool, one by one; `createAuditSummary` makes it. */
export interface AuditCounter {
  /**
   * Counts a user, and returns the findings of the user, as `createConcerns` does.
   *
   * @throws RolecastError `invalid-input`: the user was not resolved against the groups of this pool, or has no selection
   * although the summary is for an identity pool
   */
  add(user: UserAudit): readonly AuditConcern[]
  /** Adds a change that was noticed while the pool was read. */
  change(change: PoolChange): void
  /** The summary of the users that were added so far; it does not change when more are added. */
  summary(): AuditSummary
}

/**
 * Counts who gets what in a pool, user by user, in memory that grows with the pool's groups and not with its users.
 *
 * Not a check that each user is added once: a user who is added twice counts twice.
 *
 * @param options the pool, and the reading of Cognito's rules
 * @throws RolecastError `invalid-option`: `listed` is not a natural number, or the semantics cannot be used
 * @example
 * import { compilePool, createAuditSummary } from 'rolecast'
 *
 * const groups = [{ groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' }]
 * const pool = compilePool(groups)
 * const counter = createAuditSummary({ groups, semantics: 'observed' })
 * counter.add({ username: 'alice', resolution: pool.resolve(['admins']) })
 * counter.add({ username: 'bob', resolution: pool.resolve([]) })
 * console.log(counter.summary().outcomes.resolved) // 1
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
  /** Roles that may or may not be preferred. */
  const candidates = new Set<string>()
  const changes: PoolChange[] = []

  const countersOf = keptWhileFrozen((resolution: PoolResolution) => {
    const { groups, preferredRole } = resolution
    const counters: Counted<unknown>[] = []
    for (const name of groups) counters.push(counterOf(ladder, name))
    if (preferredRole !== undefined) counters.push(counterOf(roles, preferredRole))
    return counters
  })

  /** Every role that appears in the summary, sorted. */
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
  const message = `the user ${quote(username)} has no \`selection\`, although the summary is for an identity pool; give each user the result of \`selectRoleFor\``
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
