import { compareSets } from '../claims/compare-claims.js'
import { type CalibrationSource, chooseSemantics, type SemanticsOptions } from '../claims/choose-semantics.js'
import type { Semantics } from '../claims/decide.js'
import type { RoleCandidate, RoleSelection } from '../credentials/select-role.js'
import type { Trust } from '../credentials/trust-policy.js'
import { quote, RolecastError } from '../errors.js'
import type { Group, UserGroups } from '../group.js'
import { compilePool, type PoolResolution } from '../pool/compile-pool.js'
import type { Mutable } from '../record.js'
import { compareText } from '../text.js'
import type { AuditReading } from './audit-reading.js'
import { compareRoles, type RoleChange, type RoleComparison } from './compare-roles.js'
import { type AuditConcern, CONCERN_NAMES, CONCERNS } from './concerns.js'
import { type RoleOutcome, roleOutcomeOf } from './impact.js'
import type { UserDetails } from './pool-user.js'
import type { RoleCheck } from './role-check.js'

/** Which role's credentials a user gets, as an audit has it. */
export interface UserCredentials extends Pick<RoleSelection, 'outcome' | 'roleArn'> {
  /** Present where the outcome is `undetermined`: what the readings give. Never grant one. */
  readonly candidates?: readonly Pick<RoleCandidate, 'outcome' | 'roleArn'>[] | undefined
}

/** A user of one audit. */
export interface DiffUser extends UserGroups, Pick<UserDetails, 'sub' | 'enabled'> {
  /** Absent where no identity pool was asked about. */
  readonly credentials?: UserCredentials | undefined
}

/** What one audit says in addition to its users. */
export interface AuditSide {
  /** The groups of the pool. */
  readonly groups: readonly Group[]
  /** Where groups and users come from; absent where nothing is known of it. */
  readonly reading?: AuditReading | undefined
  /** The version of rolecast that wrote it; absent if unknown. */
  readonly toolVersion?: string | undefined
  /** The reading that its findings were counted with; absent if it is the reading of the comparison. */
  readonly semantics?: Semantics | undefined
  /** The calibration that chose this reading; absent if none did. */
  readonly calibration?: CalibrationSource | undefined
  /** Absent where no identity pool was asked about. */
  readonly identityPoolId?: string | undefined
  /** The app client that it is for, if known. */
  readonly clientId?: string | undefined
  /** What IAM says about the roles; absent if they were not looked up. */
  readonly roleChecks?: readonly DiffRole[] | undefined
}

/** What one audit says about a role. */
export interface DiffRole extends Pick<RoleCheck, 'roleArn' | 'status'> {
  /** Whether it trusts the identity pool, every identity pool, or guests. Absent where it was not judged. */
  readonly trust?: Partial<Pick<Trust, 'trusted' | 'anyPool' | 'guests'>> | undefined
  /** Absent if the policies were not looked at. */
  readonly privileges?:
    | {
        /** Whether it can do everything; undefined where that could not be judged. */
        readonly administrator?: boolean | undefined
      }
    | undefined
}

/** The end of an audit. */
export interface AuditEnd {
  /** The count of each finding. */
  readonly findings: Readonly<Partial<Record<AuditConcern, number>>>
  /** How much changed while the pool was read. */
  readonly changes: number
}

/** How the role whose credentials a user gets changes. `undetermined`: the role is not known before or after. */
export type CredentialsChange = 'same' | 'gained' | 'lost' | 'changed' | 'undetermined'

/**
 * Whether a user is in both audits. A user who was deleted and recreated counts as two users: one is gone, one is new.
 */
export type Presence = 'both' | 'new' | 'gone'

/** The differences for one user. A new user had no role, and a user who is gone has none. */
export interface UserDiff extends RoleComparison {
  /** The username in the pool. */
  readonly username: string
  /** The user's id; absent where the audits do not have it. */
  readonly sub?: string | undefined
  /** Whether the user is in both audits. */
  readonly presence: Presence
  /** Absent exactly for a user who is new. */
  readonly before?: PoolResolution | undefined
  /** Absent exactly for a user who is gone. */
  readonly after?: PoolResolution | undefined
  /** Groups of the later audit only. */
  readonly groupsAdded: readonly string[]
  /** Groups of the earlier audit only. */
  readonly groupsRemoved: readonly string[]
  /**
   * `enabled`: the user was disabled, and no longer is, or may no longer be. `disabled`: the user is disabled, and was
   * not, or may not have been. Absent otherwise, and for users who are new or gone.
   */
  readonly became?: 'enabled' | 'disabled' | undefined
  /** Present if both audits asked about the same identity pool and app client, with the reading of the comparison. */
  readonly credentials?:
    | {
        /** What becomes of the role whose credentials the user gets. */
        readonly change: CredentialsChange
        /** Absent for a new user. */
        readonly before?: UserCredentials | undefined
        /** Absent for a user who is gone. */
        readonly after?: UserCredentials | undefined
      }
    | undefined
}

/** Users whose result changes from one to the other. */
export interface DiffTransition<Change, State> {
  /** Whether the users are in both audits. */
  readonly presence: Presence
  /** What becomes of the users' roles. */
  readonly change: Change
  /** Absent for users who are new. */
  readonly before?: State | undefined
  /** Absent for users who are gone. */
  readonly after?: State | undefined
  /** How many users there are. */
  readonly count: number
  /** The first of them, as many as are listed. */
  readonly users: readonly string[]
}

/** Some users, with a count and the first names. */
export interface NamedUsers {
  /** How many users there are. */
  readonly count: number
  /** The first of them, as many as are listed. */
  readonly users: readonly string[]
}

/** Users who were enabled or disabled. */
export interface SignInUsers extends NamedUsers {
  /** Those of them who have a role, or may have one: once enabled, or before they were disabled. */
  readonly withRole: number
}

/** A group that differs between the audits. */
export interface GroupDiff {
  /** The group's name. */
  readonly groupName: string
  /** Whether the group is new, is gone, or has another precedence or role. */
  readonly change: 'new' | 'gone' | 'changed'
  /** Its precedence and role in the earlier audit; absent for a new group. */
  readonly before?: Omit<Group, 'groupName'> | undefined
  /** Its precedence and role in the later audit; absent for a group that is gone. */
  readonly after?: Omit<Group, 'groupName'> | undefined
}

/** What IAM says about a role. */
export interface RoleState {
  /** Whether the role exists. */
  readonly status: RoleCheck['status']
  /** Whether it trusts the identity pool. Absent if the role is not known to exist, or trust was not compared. */
  readonly trusted?: boolean | 'unknown' | undefined
  /** Whether it trusts every identity pool, or guests. Absent in the same cases as `trusted`. */
  readonly openToOthers?: boolean | 'unknown' | undefined
  /** Whether it can do everything. Absent if the role is not known to exist, or this was not compared. */
  readonly administrator?: boolean | 'unknown' | undefined
}

/** A role about which the audits differ, or that only one audit has. */
export interface RoleDiff {
  /** The role's ARN. */
  readonly roleArn: string
  /** Whether the role is new, is gone, or is different. */
  readonly change: 'new' | 'gone' | 'changed'
  /** What the earlier audit says of it; absent for a new role. */
  readonly before?: RoleState | undefined
  /** What the later audit says of it; absent for a role that is gone. */
  readonly after?: RoleState | undefined
}

/** A finding whose number differs between the audits. */
export interface FindingDiff {
  /** What the finding is about. */
  readonly concern: AuditConcern
  /** `undetermined`: the later audit has fewer, but could not check all roles completely. */
  readonly change: 'new' | 'gone' | 'more' | 'fewer' | 'undetermined'
  /** The counts of the two audits. */
  readonly before: number
  /** How many the later audit counts. */
  readonly after: number
}

/** The differences between two audits. */
export interface AuditDiff {
  /** The reading of Cognito's rules that both audits were resolved with. */
  readonly semantics: Semantics
  /** The calibration that chose the semantics; absent if none did. */
  readonly calibration?: CalibrationSource | undefined
  /** The earlier audit. */
  readonly before: DiffedAudit
  /** The later audit. */
  readonly after: DiffedAudit
  /** A sentence for each thing that was not compared, or whose comparison is in doubt. */
  readonly notes: readonly string[]
  /** Users of the later audit only. */
  readonly newUsers: NamedUsers
  /** Users of the earlier audit only. */
  readonly goneUsers: NamedUsers
  /** Users who were disabled, and are enabled, or may be. */
  readonly enabledUsers: SignInUsers
  /** Users who are disabled, and were not, or may not have been. */
  readonly disabledUsers: SignInUsers
  /** Users for whom only the groups differ. */
  readonly regroupedUsers: NamedUsers
  /** By the change of the preferred role. Includes users who are new or gone. */
  readonly changes: Readonly<Record<RoleChange, number>>
  /** The most frequent first. */
  readonly transitions: readonly DiffTransition<Exclude<RoleChange, 'same'>, RoleOutcome>[]
  /**
   * Absent unless both audits asked about the same identity pool and app client, with the reading of the comparison.
   */
  readonly credentials?:
    | {
        /** The identity pool that both audits asked about. */
        readonly identityPoolId: string
        /** How many users have each change. */
        readonly changes: Readonly<Record<CredentialsChange, number>>
        /** The most frequent first. */
        readonly transitions: readonly DiffTransition<Exclude<CredentialsChange, 'same'>, UserCredentials>[]
      }
    | undefined
  /** By name. */
  readonly groups: readonly GroupDiff[]
  /** By ARN. Absent unless both audits looked up the roles. */
  readonly roles?: readonly RoleDiff[] | undefined
  /** By number only, in the order of `CONCERNS`. Absent if the findings were not given. */
  readonly findings?: readonly FindingDiff[] | undefined
}

/** One of the two audits of a comparison. */
export interface DiffedAudit {
  /** Where groups and users come from; absent where nothing is known of it. */
  readonly reading?: AuditReading | undefined
  /** The calibration that it was made with; absent if there was none. */
  readonly calibration?: CalibrationSource | undefined
  /** The version of rolecast that wrote it; absent where it is not known. */
  readonly toolVersion?: string | undefined
  /** How many users it has. */
  readonly users: number
}

/** With the `semantics`, or the `calibration`, that resolves the users of both audits. */
export interface AuditDiffOptions extends SemanticsOptions {
  /** The earlier audit, without its users. */
  readonly before: AuditSide
  /** The later audit, without its users. */
  readonly after: AuditSide
  /**
   * Compares audits of different user pools: users are matched by name, not by `sub`.
   *
   * @default false
   */
  readonly anyPool?: boolean | undefined
  /**
   * How many names each list has at most.
   *
   * @default 1000
   */
  readonly listed?: number | undefined
}

/** Compares two audits, user by user; `createAuditDiff` makes it. */
export interface AuditDiffBuilder {
  /**
   * Adds a user of the earlier audit.
   *
   * @throws RolecastError `invalid-input`: the user was added before; `invalid-group-name`
   */
  addBefore(user: DiffUser): void
  /**
   * Compares a user of the later audit. All users of the earlier one are added before.
   *
   * @throws RolecastError `invalid-input`: the user was added before; `invalid-group-name`
   */
  addAfter(user: DiffUser): UserDiff
  /**
   * The users of the earlier audit who are not in the later one, in their order. Call it once, after the last
   * `addAfter`.
   */
  gone(): Generator<UserDiff, void>
  /** The differences. Call it after `gone` has ended. */
  summary(ends?: { readonly before: AuditEnd; readonly after: AuditEnd }): AuditDiff
}

/**
 * Compares two audits of a user pool: who gained, lost or changed a role, who is new or gone, and which groups and
 * findings are different. Users are matched by their names, which never change in Cognito; if both audits have the
 * `sub`, a different `sub` is a different user.
 *
 * The roles are resolved from the groups of each audit, with the same reading for both: a different result is a change
 * of the pool, not of the reading. The names and groups of the users of the earlier audit stay in memory.
 *
 * Not for changes between the two: a role that was gained and lost again leaves no trace. A group that was deleted and
 * recreated with the same precedence and role looks the same.
 *
 * @param options both audits without their users, and the reading of Cognito's rules
 * @throws RolecastError `invalid-input`: the audits are of different user pools, or in the wrong order; `invalid-option`
 * @example
 * import { createAuditDiff } from 'rolecast'
 *
 * const groups = [{ groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' }]
 * const diff = createAuditDiff({ before: { groups }, after: { groups } })
 * diff.addBefore({ username: 'alice', groups: [] })
 * console.log(diff.addAfter({ username: 'alice', groups: ['admins'] }).change) // gained
 */
export function createAuditDiff({
  before,
  after,
  anyPool = false,
  listed = 1000,
  ...options
}: AuditDiffOptions): AuditDiffBuilder {
  checkComparable(before, after, anyPool)
  const { semantics, calibration } = chooseSemantics(options)
  const lists = createGroupLists()
  const then = createSide(before.groups, options, lists)
  const now = createSide(after.groups, options, lists)
  const areOnePool = !areOfTwoPools(before, after)
  const areOfOneReading = [before, after].every(side => (side.semantics ?? semantics) === semantics)
  // Credentials were resolved with the reading of their audit, and cannot be resolved again.
  const identityPoolId = areOfOneReading && areOfOneIdentityPool(before, after) ? before.identityPoolId : undefined

  const ids = new Map<string, number>()
  const old: OldUsers = { subs: [], lists: [], credentials: [], enabled: [], isMatched: [] }
  const added = new Set<string>()
  const tally = createTally(listed)
  const kept = createInterned<UserCredentials>(credentialsKey)
  let byNameOnly = 0
  let enabledOnce = 0
  let usersAfter = 0

  function compare(
    user: Pick<UserDiff, 'username' | 'sub' | 'presence'>,
    was: Seen | undefined,
    is: Seen | undefined,
  ): UserDiff {
    const [from, to] = [was && then.resolve(was.list), is && now.resolve(is.list)]
    const groups =
      was?.list === is?.list ? SAME_SETS : compareSets(is && lists.names(is.list), was && lists.names(was.list))
    const became = was && is && becameOf(was.enabled, is.enabled)
    if (was && is && (was.enabled === undefined) !== (is.enabled === undefined)) enabledOnce++
    const diff: UserDiff = {
      ...user,
      ...compareRoles(from ?? NOBODY, to ?? NOBODY),
      ...(from !== undefined && { before: from }),
      ...(to !== undefined && { after: to }),
      groupsAdded: groups.added,
      groupsRemoved: groups.removed,
      ...(became !== undefined && { became }),
      ...(identityPoolId !== undefined && { credentials: compareCredentials(was, is) }),
    }
    tally.add(diff)
    return diff
  }

  return {
    addBefore(user) {
      const { username, sub, enabled, groups, credentials } = checkUser(user)
      if (ids.has(username)) throw repeated(username)
      ids.set(username, old.subs.length)
      old.subs.push(sub === username ? username : sub)
      old.lists.push(lists.idOf(groups))
      old.credentials.push(credentials === undefined ? undefined : kept.get(credentials))
      old.enabled.push(enabled)
      old.isMatched.push(false)
    },

    addAfter(user) {
      const { username, sub, enabled, groups, credentials } = checkUser(user)
      usersAfter++
      const is: Seen = { list: lists.idOf(groups), enabled, credentials }
      const name = { username, ...(sub !== undefined && { sub }) }
      const id = ids.get(username)
      const oldSub = id === undefined ? undefined : old.subs[id]
      const areSubsKnown = areOnePool && sub !== undefined && oldSub !== undefined
      const isSameUser = id !== undefined && (!areSubsKnown || sub === oldSub)
      if (added.has(username) || (isSameUser && old.isMatched[id])) throw repeated(username)
      if (!isSameUser) {
        added.add(username)
        return compare({ ...name, presence: 'new' }, undefined, is)
      }
      old.isMatched[id] = true
      if (!areSubsKnown) byNameOnly++
      return compare({ ...name, presence: 'both' }, seenAs(old, id), is)
    },

    *gone() {
      for (const [username, id] of ids) {
        if (old.isMatched[id]) continue
        const sub = old.subs[id]
        yield compare({ username, ...(sub !== undefined && { sub }), presence: 'gone' }, seenAs(old, id), undefined)
      }
    },

    summary(ends) {
      return {
        semantics,
        ...(calibration !== undefined && { calibration }),
        before: { ...headOf(before), users: ids.size },
        after: { ...headOf(after), users: usersAfter },
        notes: notesOn({ before, after, byNameOnly, enabledOnce, ends, areOfOneReading }),
        ...tally.users(),
        ...tally.roles(),
        ...(identityPoolId !== undefined && { credentials: { identityPoolId, ...tally.credentials() } }),
        groups: diffGroups(before.groups, after.groups),
        ...rolesOf(before, after),
        ...(ends !== undefined &&
          areOfOneReading && { findings: diffFindings(ends, lookedAt(before, after), uncheckedIn(after)) }),
      }
    },
  }
}

/** The kinds of differences for `--fail-on`. */
export const DIFF_KINDS = ['gained', 'lost', 'changed', 'undetermined', 'allowed-roles', 'any'] as const
/** A kind of difference that `isDifferent` asks for. */
export type DiffKind = (typeof DIFF_KINDS)[number]

/**
 * Whether audits differ in this way, in preferred roles or in credentials. An undetermined change may be a gain, a loss
 * or a change, so it counts as each of them. A user with a role who was enabled gained it, and a user with a role who
 * was disabled lost it. `any` is also true for users, memberships, groups, roles and findings that differ.
 *
 * @example
 * import { createAuditDiff, isDifferent } from 'rolecast'
 *
 * const groups = [{ groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' }]
 * const diff = createAuditDiff({ before: { groups }, after: { groups } })
 * diff.addBefore({ username: 'alice', groups: [] })
 * diff.addAfter({ username: 'alice', groups: ['admins'] })
 * for (const { username } of diff.gone()) console.log(`${username} is gone`)
 * console.log(isDifferent(diff.summary(), 'gained')) // true
 */
export function isDifferent(diff: AuditDiff, kind: DiffKind): boolean {
  const { changes, credentials } = diff
  if (kind === 'any') return hasAny(diff)
  if (kind === 'allowed-roles') return changes['allowed-roles'] > 0
  if (kind === 'gained' && diff.enabledUsers.withRole > 0) return true
  if (kind === 'lost' && diff.disabledUsers.withRole > 0) return true
  return [changes, ...(credentials === undefined ? [] : [credentials.changes])].some(
    counts => counts[kind] + counts.undetermined > 0,
  )
}

function hasAny({ transitions, credentials, groups, roles, findings, ...users }: AuditDiff): boolean {
  const named = [users.newUsers, users.goneUsers, users.enabledUsers, users.disabledUsers, users.regroupedUsers]
  const lists = [transitions, credentials?.transitions ?? [], groups, roles ?? [], findings ?? []]
  return named.some(({ count }) => count > 0) || lists.some(list => list.length > 0)
}

/** What an audit says about one user, with the groups by the number of their list. */
interface Seen {
  readonly list: number
  readonly enabled: boolean | undefined
  readonly credentials: UserCredentials | undefined
}

/** By the number of the user, in the order they were added. */
interface OldUsers {
  readonly subs: (string | undefined)[]
  readonly lists: number[]
  readonly credentials: (UserCredentials | undefined)[]
  readonly enabled: (boolean | undefined)[]
  readonly isMatched: boolean[]
}

function seenAs({ lists, enabled, credentials }: OldUsers, id: number): Seen {
  return { list: lists[id]!, enabled: enabled[id], credentials: credentials[id] }
}

/** The result of a user who is not in the audit. */
const NOBODY = { outcome: 'none', roles: [] } as const
const SAME_SETS = { added: [], removed: [] } as const

function becameOf(was: boolean | undefined, is: boolean | undefined): UserDiff['became'] {
  if (was === is) return undefined
  return was === false ? 'enabled' : is === false ? 'disabled' : undefined
}

// ------------------------------------------------------------------ Lists of groups

interface GroupLists {
  idOf(names: readonly string[]): number
  names(id: number): readonly string[]
}

/**
 * Many users are in the same groups: a list is stored once, whatever its order, as a string of the numbers of its
 * names.
 */
function createGroupLists(): GroupLists {
  const numbers = new Map<string, number>()
  const namesOf: string[] = []
  const ids = new Map<string, number>()
  const keys: string[] = []
  const frozen = new WeakMap<readonly string[], number>()

  function numberOf(name: string): number {
    let number = numbers.get(name)
    if (number === undefined) numbers.set(name, (number = namesOf.push(name) - 1))
    return number
  }
  function find(names: readonly string[]): number {
    const key = [...new Set(names)]
      .map(numberOf)
      .toSorted((a, b) => a - b)
      .join()
    let id = ids.get(key)
    if (id === undefined) ids.set(key, (id = keys.push(key) - 1))
    return id
  }
  return {
    idOf(names) {
      const known = frozen.get(names)
      if (known !== undefined) return known
      const id = find(names)
      // A frozen list is one that repeats.
      if (Object.isFrozen(names)) frozen.set(names, id)
      return id
    },
    names: id => (keys[id] === '' ? [] : keys[id]!.split(',').map(number => namesOf[Number(number)]!)),
  }
}

const MAX_RESOLVED = 20_000

function createSide(groups: readonly Group[], options: SemanticsOptions, lists: GroupLists) {
  const pool = compilePool(groups, options)
  const resolved = new Map<number, PoolResolution>()
  return {
    resolve(list: number): PoolResolution {
      let resolution = resolved.get(list)
      if (resolution === undefined) {
        if (resolved.size >= MAX_RESOLVED) resolved.clear()
        resolved.set(list, (resolution = pool.resolve(lists.names(list))))
      }
      return resolution
    },
  }
}

// ------------------------------------------------------------------ Credentials

function createInterned<T>(keyOf: (value: T) => string) {
  const known = new Map<string, T>()
  return {
    get(value: T): T {
      const key = keyOf(value)
      const found = known.get(key)
      if (found === undefined) known.set(key, value)
      return found ?? value
    },
  }
}

function credentialsKey({ outcome, roleArn, candidates }: UserCredentials): string {
  const sorted = (candidates ?? []).map(one => JSON.stringify([one.outcome, one.roleArn])).toSorted(compareText)
  return JSON.stringify([outcome, roleArn, sorted])
}

function compareCredentials(was: Seen | undefined, is: Seen | undefined): NonNullable<UserDiff['credentials']> {
  const [before, after] = [was?.credentials, is?.credentials]
  return {
    change: credentialsChange(was && (before ?? UNKNOWN), is && (after ?? UNKNOWN)),
    ...(before !== undefined && { before }),
    ...(after !== undefined && { after }),
  }
}

/** For a user without the credentials that the audit should have. */
const UNKNOWN: UserCredentials = { outcome: 'undetermined' }

function credentialsChange(before: UserCredentials | undefined, after: UserCredentials | undefined): CredentialsChange {
  if (before?.outcome === 'undetermined' || after?.outcome === 'undetermined') {
    const isSameDoubt = before !== undefined && after !== undefined && credentialsKey(before) === credentialsKey(after)
    return isSameDoubt && before.candidates !== undefined ? 'same' : 'undetermined'
  }
  if (before?.roleArn === after?.roleArn) return 'same'
  return before?.roleArn === undefined ? 'gained' : after?.roleArn === undefined ? 'lost' : 'changed'
}

// ------------------------------------------------------------------ Counts

function createTally(listed: number) {
  const changes: Record<RoleChange, number> = {
    same: 0,
    gained: 0,
    lost: 0,
    changed: 0,
    undetermined: 0,
    'allowed-roles': 0,
  }
  const credentialsChanges: Record<CredentialsChange, number> = {
    same: 0,
    gained: 0,
    lost: 0,
    changed: 0,
    undetermined: 0,
  }
  const ofRoles = createTransitions<Exclude<RoleChange, 'same'>, RoleOutcome>(listed)
  const ofCredentials = createTransitions<Exclude<CredentialsChange, 'same'>, UserCredentials>(listed)
  const named = {
    new: createNamed(listed),
    gone: createNamed(listed),
    enabled: createNamed(listed),
    disabled: createNamed(listed),
    regrouped: createNamed(listed),
  }
  const withRole = { enabled: 0, disabled: 0 }

  return {
    add(user: UserDiff): void {
      const { username, presence, change, before, after, became, credentials } = user
      changes[change]++
      if (presence !== 'both') named[presence].add(username)
      if (isRegroupedOnly(user)) named.regrouped.add(username)
      if (became !== undefined) {
        named[became].add(username)
        const [side, own] = became === 'enabled' ? [after, credentials?.after] : [before, credentials?.before]
        if (hasRole(side, own)) withRole[became]++
      }
      if (change !== 'same')
        ofRoles.add(
          { presence, change, before: before && roleOutcomeOf(before), after: after && roleOutcomeOf(after) },
          username,
        )
      if (credentials === undefined) return
      credentialsChanges[credentials.change]++
      if (credentials.change !== 'same')
        ofCredentials.add(
          {
            presence,
            change: credentials.change,
            before: shortOf(credentials.before),
            after: shortOf(credentials.after),
          },
          username,
        )
    },
    users: () => ({
      newUsers: named.new.get(),
      goneUsers: named.gone.get(),
      enabledUsers: { ...named.enabled.get(), withRole: withRole.enabled },
      disabledUsers: { ...named.disabled.get(), withRole: withRole.disabled },
      regroupedUsers: named.regrouped.get(),
    }),
    roles: () => ({ changes: { ...changes }, transitions: ofRoles.get() }),
    credentials: () => ({ changes: { ...credentialsChanges }, transitions: ofCredentials.get() }),
  }
}

/** Whether a user gets any role, or may. */
function hasRole(resolution: PoolResolution | undefined, credentials: UserCredentials | undefined): boolean {
  const getsCredentials = credentials !== undefined && credentials.outcome !== 'denied'
  return getsCredentials || (resolution !== undefined && resolution.roles.length > 0)
}

function isRegroupedOnly({ presence, change, became, credentials, groupsAdded, groupsRemoved }: UserDiff): boolean {
  const isSame = change === 'same' && became === undefined && (credentials?.change ?? 'same') === 'same'
  return presence === 'both' && isSame && groupsAdded.length + groupsRemoved.length > 0
}

function shortOf(credentials: UserCredentials | undefined): UserCredentials | undefined {
  if (credentials === undefined) return undefined
  const { outcome, roleArn, candidates } = credentials
  return {
    outcome,
    ...(roleArn !== undefined && { roleArn }),
    ...(candidates !== undefined && {
      candidates: candidates.map(one => ({
        outcome: one.outcome,
        ...(one.roleArn !== undefined && { roleArn: one.roleArn }),
      })),
    }),
  }
}

function createNamed(listed: number) {
  let count = 0
  const users: string[] = []
  return {
    add(username: string): void {
      if (++count <= listed) users.push(username)
    },
    get: (): NamedUsers => ({ count, users: [...users] }),
  }
}

function createTransitions<Change extends string, State>(listed: number) {
  type Counted = DiffTransition<Change, State>
  const found = new Map<string, Mutable<Counted> & { users: string[] }>()
  return {
    add({ presence, change, before, after }: Omit<Counted, 'count' | 'users'>, username: string): void {
      const key = JSON.stringify([presence, change, before ?? null, after ?? null])
      let transition = found.get(key)
      if (transition === undefined) {
        const states = { ...(before !== undefined && { before }), ...(after !== undefined && { after }) }
        found.set(key, (transition = { presence, change, ...states, count: 0, users: [] }))
      }
      if (++transition.count <= listed) transition.users.push(username)
    },
    get: (): readonly Counted[] =>
      [...found]
        .toSorted(([a, one], [b, other]) => other.count - one.count || compareText(a, b))
        .map(([, transition]) => ({ ...transition, users: [...transition.users] })),
  }
}

// ------------------------------------------------------------------ Groups and findings

function diffGroups(before: readonly Group[], after: readonly Group[]): readonly GroupDiff[] {
  const [was, is] = [before, after].map(byName) as [ReturnType<typeof byName>, ReturnType<typeof byName>]
  return [...new Set([...was.keys(), ...is.keys()])]
    .toSorted(compareText)
    .flatMap((groupName): readonly GroupDiff[] => {
      const [from, to] = [was.get(groupName), is.get(groupName)]
      if (from === undefined) return [{ groupName, change: 'new', after: to }]
      if (to === undefined) return [{ groupName, change: 'gone', before: from }]
      const isSame = from.precedence === to.precedence && from.roleArn === to.roleArn
      return isSame ? [] : [{ groupName, change: 'changed', before: from, after: to }]
    })
}

/** Of groups with the same name the first counts, as in `compilePool`. */
function byName(groups: readonly Group[]): ReadonlyMap<string, Omit<Group, 'groupName'>> {
  const found = new Map<string, Omit<Group, 'groupName'>>()
  for (const { groupName, precedence, roleArn } of groups)
    if (!found.has(groupName))
      found.set(groupName, { ...(precedence != null && { precedence }), ...(roleArn && { roleArn }) })
  return found
}

// ------------------------------------------------------------------ Roles and findings

const LOOKED = {
  hasRoleChecks: ({ roleChecks }: AuditSide) => roleChecks !== undefined,
  hasPrivileges: ({ roleChecks }: AuditSide) => roleChecks?.some(({ privileges }) => privileges !== undefined) === true,
}

/** Which facts about roles both audits looked at. */
function comparedOf(before: AuditSide, after: AuditSide) {
  return {
    hasTrust: before.identityPoolId !== undefined && before.identityPoolId === after.identityPoolId,
    hasPrivileges: LOOKED.hasPrivileges(before) && LOOKED.hasPrivileges(after),
  }
}

function stateOf({ status, trust, privileges }: DiffRole, compared: ReturnType<typeof comparedOf>): RoleState {
  if (status !== 'exists') return { status }
  return {
    status,
    ...(compared.hasTrust && { trusted: trust?.trusted ?? 'unknown', openToOthers: openOf(trust) }),
    ...(compared.hasPrivileges && { administrator: privileges?.administrator ?? 'unknown' }),
  }
}

function openOf({ anyPool, guests }: NonNullable<DiffRole['trust']> = {}): boolean | 'unknown' {
  if (anyPool === true || guests === true) return true
  return anyPool === false && guests === false ? false : 'unknown'
}

function isUnchecked(state: RoleState): boolean {
  return Object.values(state).includes('unknown')
}

function rolesOf(before: AuditSide, after: AuditSide): Pick<AuditDiff, 'roles'> {
  if (before.roleChecks === undefined || after.roleChecks === undefined) return {}
  const compared = comparedOf(before, after)
  const statesOf = (roles: readonly DiffRole[]) => new Map(roles.map(role => [role.roleArn, stateOf(role, compared)]))
  const [was, is] = [statesOf(before.roleChecks), statesOf(after.roleChecks)]
  const roles = [...new Set([...was.keys(), ...is.keys()])]
    .toSorted(compareText)
    .flatMap((roleArn): readonly RoleDiff[] => {
      const [from, to] = [was.get(roleArn), is.get(roleArn)]
      if (from === undefined) return [{ roleArn, change: 'new', after: to }]
      if (to === undefined) return [{ roleArn, change: 'gone', before: from }]
      const isSame = JSON.stringify(from) === JSON.stringify(to)
      return isSame ? [] : [{ roleArn, change: 'changed', before: from, after: to }]
    })
  return { roles }
}

/** Findings that may apply to a role that could not be checked completely. */
function uncheckedIn({ roleChecks = [] }: AuditSide): (concern: AuditConcern) => boolean {
  const exists = roleChecks.filter(({ status }) => status === 'exists')
  const areUnknown = roleChecks.some(({ status }) => status === 'unknown')
  const open: Readonly<Partial<Record<AuditConcern, boolean>>> = {
    'missing-role': areUnknown,
    'untrusted-role': areUnknown || exists.some(({ trust }) => trust?.trusted === undefined),
    'role-open-to-others': areUnknown || exists.some(({ trust }) => openOf(trust) === 'unknown'),
    'administrator-role': areUnknown || exists.some(({ privileges }) => privileges?.administrator === undefined),
  }
  return concern => open[concern] ?? false
}

/** Findings that only some audits look for: those with an identity pool, and those that look up the roles. */
function lookedAt(before: AuditSide, after: AuditSide): (concern: AuditConcern) => boolean {
  const both = (field: 'hasRoleChecks' | 'hasPrivileges') => LOOKED[field](before) && LOOKED[field](after)
  const isOneIdentityPool = areOfOneIdentityPool(before, after)
  const needs: Readonly<Partial<Record<string, boolean>>> = {
    'no-credentials': isOneIdentityPool,
    'undetermined-credentials': isOneIdentityPool,
    // If an identity pool was asked about, the users of a role are counted by its result.
    'role-nobody-gets': before.identityPoolId === after.identityPoolId && before.clientId === after.clientId,
    'missing-role': both('hasRoleChecks'),
    'untrusted-role': both('hasRoleChecks') && comparedOf(before, after).hasTrust,
    'administrator-role': both('hasPrivileges'),
    'unchecked-role': both('hasRoleChecks'),
    'role-open-to-others': both('hasRoleChecks') && comparedOf(before, after).hasTrust,
    'unjudged-privileges': both('hasPrivileges'),
  }
  return concern => needs[concern] ?? true
}

function diffFindings(
  { before, after }: { readonly before: AuditEnd; readonly after: AuditEnd },
  isLookedAt: (concern: AuditConcern) => boolean,
  isUncheckedAfter: (concern: AuditConcern) => boolean,
): readonly FindingDiff[] {
  return (Object.keys(CONCERNS) as readonly AuditConcern[]).filter(isLookedAt).flatMap(concern => {
    const [was, is] = [before.findings[concern] ?? 0, after.findings[concern] ?? 0]
    if (was === is) return []
    const isOpen = is < was && isUncheckedAfter(concern)
    const change: FindingDiff['change'] = isOpen
      ? 'undetermined'
      : was === 0
        ? 'new'
        : is === 0
          ? 'gone'
          : was < is
            ? 'more'
            : 'fewer'
    return [{ concern, change, before: was, after: is }]
  })
}

// ------------------------------------------------------------------ Whether the two can be compared

function areOfTwoPools({ reading: was }: AuditSide, { reading: is }: AuditSide): boolean {
  return was?.userPoolId !== undefined && is?.userPoolId !== undefined && was.userPoolId !== is.userPoolId
}

/** And for the same app client: the role mapping belongs to the client. */
function areOfOneIdentityPool(before: AuditSide, after: AuditSide): boolean {
  return (
    before.identityPoolId !== undefined &&
    before.identityPoolId === after.identityPoolId &&
    before.clientId === after.clientId
  )
}

function checkComparable(before: AuditSide, after: AuditSide, anyPool: boolean): void {
  const [was, is] = [before.reading, after.reading]
  if (areOfTwoPools(before, after) && !anyPool) {
    throw new RolecastError(
      'invalid-input',
      `the audits are of different user pools, ${quote(was?.userPoolId)} and ${quote(is?.userPoolId)}; compare two audits of one pool, or give \`anyPool\``,
      { value: is?.userPoolId },
    )
  }
  if (isLater(was?.startedAt, is?.startedAt)) {
    throw new RolecastError(
      'invalid-input',
      `the first audit was read from ${quote(was?.startedAt)} on, and the second one earlier, from ${quote(is?.startedAt)} on; give the older one first`,
      { value: is?.startedAt },
    )
  }
}

/** Of two times in UTC, with or without milliseconds. */
function isLater(one: string | undefined, other: string | undefined): boolean {
  if (one === undefined || other === undefined) return false
  return compareText(one.replace('Z', ''), other.replace('Z', '')) > 0
}

interface ComparedSides {
  readonly before: AuditSide
  readonly after: AuditSide
  readonly byNameOnly: number
  readonly enabledOnce: number
  readonly areOfOneReading: boolean
  readonly ends: { readonly before: AuditEnd; readonly after: AuditEnd } | undefined
}

function notesOn({ before, after, byNameOnly, enabledOnce, ends, areOfOneReading }: ComparedSides): readonly string[] {
  const [was, is] = [before.reading, after.reading]
  const areTwo = areOfTwoPools(before, after)
  const oneOnly = (field: 'hasRoleChecks' | 'hasPrivileges') => LOOKED[field](before) !== LOOKED[field](after)
  const oneIdentityPool = before.identityPoolId === undefined || after.identityPoolId === undefined
  const areTwoClients =
    !oneIdentityPool && before.identityPoolId === after.identityPoolId && before.clientId !== after.clientId
  const compared = comparedOf(before, after)
  const areRolesCompared = before.roleChecks !== undefined && after.roleChecks !== undefined
  const [uncheckedBefore, uncheckedAfter] = [before, after].map(
    side => (areRolesCompared ? side.roleChecks! : []).filter(role => isUnchecked(stateOf(role, compared))).length,
  ) as [number, number]
  const changes = (ends?.before.changes ?? 0) + (ends?.after.changes ?? 0)
  const notes: readonly (readonly [boolean, string])[] = [
    [
      was?.userPoolId === undefined || is?.userPoolId === undefined,
      'It is not known whether both audits are of the same user pool: at least one does not name its pool.',
    ],
    [areTwo, 'The audits are of different user pools: users are matched by name, although they are different users.'],
    [
      was?.startedAt === undefined || is?.startedAt === undefined,
      'At least one audit does not say when it was read, so it was not checked that the first one is older.',
    ],
    [
      before.toolVersion !== after.toolVersion,
      `Different versions of rolecast wrote the audits, ${versionOf(before)} and ${versionOf(after)}. This version resolved the roles of both again.`,
    ],
    [
      byNameOnly > 0 && !areTwo,
      `Users matched by name only, because an audit does not have their \`sub\`: ${byNameOnly}. A user who was deleted and recreated looks the same.`,
    ],
    [
      enabledOnce > 0,
      `Users for whom only one audit says whether they are disabled: ${enabledOnce}. A user who is disabled in that audit is listed as if enabled in the other.`,
    ],
    [!areOfOneReading, 'Findings were not compared: an audit was made with other semantics.'],
    [
      before.semantics !== undefined &&
        after.semantics !== undefined &&
        !isSameCalibration(before.calibration, after.calibration),
      'The audits do not rest on the same calibration. The roles of both were resolved again, with one reading.',
    ],
    [
      before.identityPoolId !== after.identityPoolId,
      oneIdentityPool
        ? 'Credentials were not compared: only one audit asked about an identity pool.'
        : 'Credentials were not compared: the audits asked about different identity pools.',
    ],
    [
      before.identityPoolId !== after.identityPoolId || areTwoClients,
      'The finding about roles that no user gets was not compared: which roles users get depends on the identity pool.',
    ],
    [
      areTwoClients,
      `Credentials were not compared: the audits are for different app clients, ${clientOf(before)} and ${clientOf(after)}.`,
    ],
    [
      !areOfOneReading && areOfOneIdentityPool(before, after),
      'Credentials were not compared: an audit was made with other semantics.',
    ],
    [
      areOfOneReading && ends !== undefined && areNumbersOnly(ends, lookedAt(before, after)),
      'Findings were compared by number only: unless the number is 0 in both audits, some users or groups may have been added and others removed.',
    ],
    [
      uncheckedBefore > 0,
      `Roles that the first audit could not check completely: ${uncheckedBefore}. Findings about them may not be new.`,
    ],
    [
      uncheckedAfter > 0,
      `Roles that the second audit could not check completely: ${uncheckedAfter}. Earlier findings about them may still apply.`,
    ],
    [
      oneOnly('hasRoleChecks'),
      'Findings about the roles themselves were not compared: only one audit looked them up in IAM.',
    ],
    [
      oneOnly('hasPrivileges'),
      'Findings about the policies of roles were not compared: only one audit looked at their policies.',
    ],
    [
      changes > 0,
      `Changes while the pools were read: ${changes}. An audit is not a snapshot, so a difference may come from the time of reading.`,
    ],
  ]
  return notes.filter(([applies]) => applies).map(([, note]) => note)
}

/** Findings about roles that are compared by ARN as well. */
const OF_ROLES: ReadonlySet<AuditConcern> = /* @__PURE__ */ new Set<AuditConcern>([
  'missing-role',
  'untrusted-role',
  'administrator-role',
  'unchecked-role',
  'role-open-to-others',
  'unjudged-privileges',
])

/** Whether a finding is in both audits, and may be about different users, groups or roles. */
function areNumbersOnly(
  { before, after }: NonNullable<ComparedSides['ends']>,
  isLookedAt: (concern: AuditConcern) => boolean,
): boolean {
  return CONCERN_NAMES.some(
    concern =>
      isLookedAt(concern) &&
      !OF_ROLES.has(concern) &&
      (before.findings[concern] ?? 0) > 0 &&
      (after.findings[concern] ?? 0) > 0,
  )
}

/** Whether two audits rest on the same tokens, or both on none. */
export function isSameCalibration(one: CalibrationSource | undefined, other: CalibrationSource | undefined): boolean {
  return one?.date === other?.date && one?.userPoolId === other?.userPoolId
}

function clientOf({ clientId }: AuditSide): string {
  return clientId === undefined ? 'none' : quote(clientId)
}

function versionOf({ toolVersion }: AuditSide): string {
  return toolVersion === undefined ? 'unknown' : quote(toolVersion)
}

function headOf({ reading, calibration, toolVersion }: AuditSide): Omit<DiffedAudit, 'users'> {
  return {
    ...(reading !== undefined && { reading }),
    ...(calibration !== undefined && { calibration }),
    ...(toolVersion !== undefined && { toolVersion }),
  }
}

function checkUser(user: DiffUser): DiffUser {
  const { username, groups }: Partial<DiffUser> = user ?? {}
  if (typeof username !== 'string')
    throw new RolecastError('invalid-input', `${quote(username)} is not a username; give a string`, { value: username })
  if (Array.isArray(groups) && groups.every(name => typeof name === 'string')) return user
  throw new RolecastError(
    'invalid-group-name',
    `the groups of the user ${quote(username)} are not a list of names; give an array of strings`,
    { value: groups },
  )
}

function repeated(username: string): RolecastError {
  return new RolecastError(
    'invalid-input',
    `the audit has the user ${quote(username)} twice; write all groups of a user on one line`,
    { value: username },
  )
}
