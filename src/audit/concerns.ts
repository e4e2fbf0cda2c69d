import { isFederatedGroup } from '../aws-ids.js'
import type { Group } from '../group.js'
import { MAX_GROUPS_PER_USER } from '../quotas.js'
import type { Severity } from '../severity.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import type { RoleSelection } from '../credentials/select-role.js'
import type { RoleCheck } from './role-check.js'
import type { UserAudit } from './summary.js'

/** The kinds of findings of an audit. */
export type AuditConcern =
  | 'conflicting-tie'
  | 'undetermined'
  | 'undetermined-credentials'
  | 'missing-role'
  | 'untrusted-role'
  | 'unchecked-role'
  | 'administrator-role'
  | 'role-open-to-others'
  | 'unjudged-privileges'
  | 'no-credentials'
  | 'null-precedence-only'
  | 'unknown-group'
  | 'too-many-groups'
  | 'federated-group-with-role'
  | 'no-role'
  | 'role-nobody-gets'

/** A concern in words. */
export interface ConcernText {
  readonly severity: Severity
  /** What it counts. */
  readonly title: string
  /** One sentence or two. */
  readonly meaning: string
  /** What to do about it, in one sentence. */
  readonly next: string
}

/**
 * What each concern means and what to do about it, for people. The most severe first.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export const CONCERNS: Readonly<Record<AuditConcern, ConcernText>> = /* @__PURE__ */ (() => ({
  'conflicting-tie': {
    severity: 'error',
    title: 'Users with a tie on different roles',
    meaning:
      'Several of their groups share the first rank among those with a role, and the roles differ (or, with the semantics tied-groups-agree, one of the groups has no role). Cognito prefers no role, and does not consult the next precedence.',
    next: 'Give these groups different precedences, or the same role.',
  },
  undetermined: {
    severity: 'error',
    title: 'Users whose preferred role is not known',
    meaning:
      'A group without a role has the same precedence as their first group with one. AWS does not document whether Cognito then prefers the role, and no known token shows it.',
    next: 'Give the group without a role a different precedence; until then, do not grant access based on it.',
  },
  'undetermined-credentials': {
    severity: 'error',
    title: 'Users whose credentials are not known',
    meaning:
      'The identity pool can give them the credentials of one of several roles, or none: AWS does not document which, or the result depends on claims that this audit does not read.',
    next: 'Give the role mapping rules and a fallback that decide for these users; until then, do not grant access based on it.',
  },
  'missing-role': {
    severity: 'error',
    title: 'Roles that do not exist',
    meaning:
      'Cognito accepts the ARN of a role that IAM does not have. Users for whom such a role is chosen get no credentials.',
    next: 'Create the role, or name a different one.',
  },
  'untrusted-role': {
    severity: 'error',
    title: 'Roles that do not trust the identity pool',
    meaning:
      'Their trust policy does not let signed-in users of the identity pool assume them. Users for whom such a role is chosen get no credentials.',
    next: 'Let the trust policy allow sts:AssumeRoleWithWebIdentity for the identity pool.',
  },
  'role-open-to-others': {
    severity: 'error',
    title: 'Roles that others can assume too',
    meaning:
      'Either users of any identity pool can assume the role, because its trust policy does not name one, and anyone can create an identity pool in their own account; or guests of this identity pool, who have not signed in, can assume it. The entry of each role says which.',
    next: 'Let the trust policy name the identity pool (StringEquals on the key that ends in :aud) and signed-in users (ForAnyValue:StringLike with authenticated on the key that ends in :amr).',
  },
  'unchecked-role': {
    severity: 'error',
    title: 'Roles that could not be fully checked',
    meaning:
      'It is not known whether they exist, or whether they trust the identity pool: they could not be read, or their trust policies alone do not decide it.',
    next: 'Read the reason that is given for each role, and check it by hand.',
  },
  'administrator-role': {
    severity: 'warning',
    title: 'Roles that can do everything',
    meaning:
      'AdministratorAccess is attached, or a policy allows every action on every resource. The users are those who get the role, and those whose token lists it in cognito:roles: they can ask an identity pool for it.',
    next: 'Give the role the policies that its users need, or make sure that each of them is an administrator.',
  },
  'unjudged-privileges': {
    severity: 'warning',
    title: 'Roles whose privileges are not known',
    meaning:
      'It is not known whether they can do everything: not all of their policies were read, or the policies alone do not decide it. The users are those who get the role, and those whose token lists it in cognito:roles: they can ask an identity pool for it.',
    next: 'Read the reason that is given for each role, and check its policies by hand.',
  },
  'no-credentials': {
    severity: 'warning',
    title: 'Users who get no credentials',
    meaning: 'The identity pool has no role for them, so it denies their requests.',
    next: 'Change the role mapping or the groups of these users, unless it is intended that they get none.',
  },
  'null-precedence-only': {
    severity: 'warning',
    title: 'Users whose only roles are on groups without a precedence',
    meaning: 'Such a role is in cognito:roles but never preferred, so these users have no preferred role.',
    next: 'Give these groups a precedence; 0 ranks first.',
  },
  'unknown-group': {
    severity: 'warning',
    title: 'Users with groups that the pool does not have',
    meaning:
      'A group that is not in the pool gives no role and is in no claim. It was deleted, was created while the pool was read, or is misspelt.',
    next: 'Read the groups and users again, or correct the names.',
  },
  'too-many-groups': {
    severity: 'warning',
    title: `Users in more than ${MAX_GROUPS_PER_USER} groups`,
    meaning: `Cognito allows a user ${MAX_GROUPS_PER_USER} groups, and AWS does not raise this quota (https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html).`,
    next: 'Check where the list of groups comes from.',
  },
  'federated-group-with-role': {
    severity: 'warning',
    title: 'Groups of an identity provider with a role',
    meaning:
      'Cognito creates such a group for each provider, and adds every user that it creates from that provider. The owner of the provider decides who can sign in there, and so who has the role.',
    next: 'Move the role to a group whose members you choose, unless it is intended for all users of the provider.',
  },
  'no-role': {
    severity: 'note',
    title: 'Users without any role',
    meaning:
      'They are in no group, or none of their groups has a role: Cognito sets neither cognito:roles nor cognito:preferred_role.',
    next: 'Add them to a group with a role, unless it is intended that they get what your app gives to users without one.',
  },
  'role-nobody-gets': {
    severity: 'note',
    title: 'Roles that no user gets',
    meaning:
      'A group has the role, but no user has it as the preferred role, and no user gets it from the identity pool. The group has no members, or other groups of its members decide. Disabled users do not count.',
    next: 'Change the members or the precedence of the group, or delete the group if it has no use.',
  },
}))()

/** In the order of `CONCERNS`. */
export const CONCERN_NAMES: readonly AuditConcern[] = /* @__PURE__ */ (() => Object.keys(CONCERNS) as AuditConcern[])()

/** The findings about users, which list their names. */
export const USER_CONCERNS: Readonly<Partial<Record<AuditConcern, (user: UserAudit) => boolean>>> = {
  'conflicting-tie': ({ resolution: { outcome, rule } }) =>
    outcome === 'ambiguous' || (outcome === 'none' && rule === 'roleless-contender'),
  undetermined: ({ resolution }) => resolution.outcome === 'undetermined',
  'undetermined-credentials': ({ selection }) => selection?.outcome === 'undetermined',
  'no-credentials': ({ selection }) => selection?.outcome === 'denied',
  'null-precedence-only': ({ resolution }) => resolution.rule === 'no-precedence',
  'unknown-group': ({ resolution }) => resolution.unknownGroups.length > 0,
  'too-many-groups': ({ resolution: { groups, unknownGroups } }) =>
    groups.length + unknownGroups.length > MAX_GROUPS_PER_USER,
  'no-role': ({ resolution }) => resolution.rule === 'no-groups' || resolution.rule === 'no-roles',
}

/**
 * What a finding needs and an audit may lack: an identity pool, role checks, or role checks with privileges. If it is
 * lacking, the finding was not looked for.
 */
export const NEEDS: Readonly<
  Partial<Record<AuditConcern, readonly ('identity-pool' | 'role-checks' | 'privileges')[]>>
> = {
  'undetermined-credentials': ['identity-pool'],
  'no-credentials': ['identity-pool'],
  'missing-role': ['role-checks'],
  'untrusted-role': ['role-checks', 'identity-pool'],
  'role-open-to-others': ['role-checks', 'identity-pool'],
  'unchecked-role': ['role-checks'],
  'administrator-role': ['role-checks', 'privileges'],
  'unjudged-privileges': ['role-checks', 'privileges'],
}

/** The findings of a role check, in the order of `CONCERNS`. */
export function roleConcerns(check: RoleCheck | undefined, hasIdentityPool: boolean): readonly AuditConcern[] {
  if (check === undefined || check.status === 'unknown') return ['unchecked-role']
  if (check.status === 'missing') return ['missing-role']
  const { trust, privileges } = check
  const found: AuditConcern[] = []
  if (trust?.trusted === false) found.push('untrusted-role')
  if (trust?.anyPool === true || trust?.guests === true) found.push('role-open-to-others')
  if (hasIdentityPool && trust?.trusted === undefined) found.push('unchecked-role')
  if (privileges?.administrator === true) found.push('administrator-role')
  if (privileges !== undefined && privileges.administrator === undefined) found.push('unjudged-privileges')
  return found
}

/** What the findings of a user depend on, in addition to the user. */
export interface ConcernsContext {
  /** The groups of the pool. */
  readonly groups: Iterable<Group>
  /** The user pool; with it, the groups that Cognito makes for an identity provider are recognized. */
  readonly userPoolId?: string | undefined
  /** Whether the users have a selection. */
  readonly hasIdentityPool?: boolean | undefined
  /** Absent: roles were not checked. A role that is not among them counts as not checked. */
  readonly roleChecks?: readonly RoleCheck[] | undefined
}

/**
 * Returns the findings of each user of a pool, in the order of `CONCERNS`. A disabled user has none: disabled users are
 * counted separately.
 *
 * A finding about a role has the users who get the role, or may get it if that is not known; with an identity pool, the
 * users who get the role's credentials. The findings `administrator-role`, `unchecked-role` and `unjudged-privileges`
 * also have the users who can ask for the role.
 *
 * @param context what findings depend on, in addition to the user
 * @example
 * import { compilePool, createConcerns } from 'rolecast'
 *
 * const groups = [{ groupName: 'admins', roleArn: 'arn:aws:iam::111122223333:role/Admin' }]
 * const concernsOf = createConcerns({ groups })
 * const resolution = compilePool(groups).resolve(['admins'])
 * console.log(concernsOf({ username: 'alice', resolution })) // [ 'null-precedence-only' ]
 */
export function createConcerns({
  groups,
  userPoolId,
  hasIdentityPool = false,
  roleChecks,
}: ConcernsContext): (user: UserAudit) => readonly AuditConcern[] {
  const federated = new Set<string>()
  for (const { groupName, roleArn } of groups)
    if (roleArn && isFederatedGroup(groupName, userPoolId)) federated.add(groupName)
  const checks = new Map(roleChecks?.map(check => [check.roleArn, roleConcerns(check, hasIdentityPool)]))

  /** Findings as bits, so that all users with the same ones have one list. */
  const lists = new Map<number, readonly AuditConcern[]>([[0, NONE]])

  function listOf(found: number): readonly AuditConcern[] {
    let list = lists.get(found)
    if (list === undefined)
      lists.set(found, (list = Object.freeze(CONCERN_NAMES.filter(concern => (found & bitOf(concern)) !== 0))))
    return list
  }

  function find(user: UserAudit): readonly AuditConcern[] {
    let found = 0
    for (const { bit, applies } of OF_USERS) if (applies(user)) found |= bit
    if (federated.size > 0 && user.resolution.groups.some(name => federated.has(name)))
      found |= bitOf('federated-group-with-role')
    if (roleChecks !== undefined) found |= findInRoles(user)
    return listOf(found)
  }

  function findInRoles({ resolution, selection }: UserAudit): number {
    let found = 0
    for (const role of rolesOf(resolution, selection))
      for (const concern of checks.get(role) ?? UNCHECKED) found |= bitOf(concern)
    for (const role of resolution.roles) {
      for (const concern of checks.get(role) ?? UNCHECKED) if (OF_ASKING.has(concern)) found |= bitOf(concern)
    }
    return found
  }

  const kept = new WeakMap<PoolResolution, { readonly selection: RoleSelection | undefined; found: typeof NONE }>()
  return user => {
    if (user.enabled === false) return NONE
    const { resolution, selection } = user
    if (!Object.isFrozen(resolution) || (selection !== undefined && !Object.isFrozen(selection))) return find(user)
    const last = kept.get(resolution)
    if (last !== undefined && last.selection === selection) return last.found
    const found = find(user)
    kept.set(resolution, { selection, found })
    return found
  }
}

const NONE: readonly AuditConcern[] = /* @__PURE__ */ Object.freeze([])

/** The findings about a role that users can ask an identity pool for, although they get a different one. */
const OF_ASKING: ReadonlySet<AuditConcern> = /* @__PURE__ */ new Set([
  'unchecked-role',
  'administrator-role',
  'unjudged-privileges',
] as const)

const UNCHECKED: readonly AuditConcern[] = ['unchecked-role']

function bitOf(concern: AuditConcern): number {
  return 1 << CONCERN_NAMES.indexOf(concern)
}

/** The findings about users, in their order. */
const OF_USERS = /* @__PURE__ */ (() =>
  CONCERN_NAMES.flatMap(concern => {
    const applies = USER_CONCERNS[concern]
    return applies === undefined ? [] : [{ bit: bitOf(concern), applies }]
  }))()

/** The roles that a user gets, or may get if that is not known. */
export function rolesOf(resolution: PoolResolution, selection: RoleSelection | undefined): readonly string[] {
  const roles =
    selection === undefined
      ? [resolution.preferredRole, resolution.candidateRole]
      : [selection.roleArn, ...(selection.candidates ?? []).map(({ roleArn }) => roleArn)]
  return roles.filter(role => role !== undefined)
}
