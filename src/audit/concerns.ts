import { isFederatedGroup } from '../aws-ids.js'
import type { Group } from '../group.js'
import { MAX_GROUPS_PER_USER } from '../quotas.js'
import type { Severity } from '../severity.js'
import type { PoolResolution } from '../pool/compile-pool.js'
import type { RoleSelection } from '../credentials/select-role.js'
import type { RoleCheck } from './role-check.js'
import type { UserAudit } from './summary.js'

/** What needs a person. */
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
  /** What they are that it counts. */
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
      'Several of their groups share the first rank among those with a role, and the roles differ, or one has none and the semantics are tied-groups-agree: Cognito prefers none, and does not consult the next precedence.',
    next: 'Give these groups different precedences, or one role.',
  },
  undetermined: {
    severity: 'error',
    title: 'Users whose preferred role is not known',
    meaning:
      'A group without a role has the same precedence as their first group with one. AWS does not document whether Cognito then prefers the role, and no known token shows it.',
    next: 'Give the group without a role another precedence; until then, grant nothing on it.',
  },
  'undetermined-credentials': {
    severity: 'error',
    title: 'Users whose credentials are not known',
    meaning:
      'The identity pool can give them the credentials of one of several roles, or none: AWS does not document which, or it depends on claims that this audit does not read.',
    next: 'Give the role mapping rules and a fallback that decide for these users; until then, grant nothing on it.',
  },
  'missing-role': {
    severity: 'error',
    title: 'Roles that do not exist',
    meaning:
      'Cognito accepts the ARN of a role that IAM does not have. Users who are to get such a role get no credentials.',
    next: 'Create the role, or name another one.',
  },
  'untrusted-role': {
    severity: 'error',
    title: 'Roles that do not trust the identity pool',
    meaning:
      'Their trust policy does not let signed-in users of the identity pool assume them. Users who are to get such a role get no credentials.',
    next: 'Let the trust policy allow sts:AssumeRoleWithWebIdentity for the identity pool.',
  },
  'role-open-to-others': {
    severity: 'error',
    title: 'Roles that others can assume too',
    meaning:
      'Users of any identity pool can assume the role, because its trust policy does not say which one it trusts, and anyone can create an identity pool, in an account of their own; or guests of this identity pool can, who have not signed in. What is said of each role tells which.',
    next: 'Let the trust policy name the identity pool (StringEquals on the key that ends in :aud) and signed-in users (ForAnyValue:StringLike with authenticated on the key that ends in :amr).',
  },
  'unchecked-role': {
    severity: 'error',
    title: 'Roles of which it is not known whether they work',
    meaning:
      'Whether they exist, or trust the identity pool, is not known: they could not be read, or their trust policies alone do not tell. They may be missing, or not trust it.',
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
    title: 'Roles of which it is not known whether they can do everything',
    meaning:
      'Their policies were not all read, or do not tell. The users are those who get the role, and those whose token lists it in cognito:roles: they can ask an identity pool for it.',
    next: 'Read the reason that is given for each role, and check its policies by hand.',
  },
  'no-credentials': {
    severity: 'warning',
    title: 'Users who get no credentials',
    meaning: 'The identity pool has no role for them, so it denies their requests.',
    next: 'Change the role mapping or the groups of these users, unless they are meant to get none.',
  },
  'null-precedence-only': {
    severity: 'warning',
    title: 'Users whose only roles are on groups without a precedence',
    meaning: 'Such a role is in cognito:roles and never preferred, so they have no preferred role.',
    next: 'Give these groups a precedence; 0 ranks first.',
  },
  'unknown-group': {
    severity: 'warning',
    title: 'Users with groups that the pool does not have',
    meaning:
      'What is not in the pool has no role and is in no claim: the group is gone, came while the pool was read, or is misspelt.',
    next: 'Read groups and users again, or correct the names.',
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
      'Cognito makes such a group for each provider, and puts in every user that it makes from one: the owner of the provider decides who can sign in there, and so who has the role.',
    next: 'Put the role on a group of your own, unless it is meant for all users of the provider.',
  },
  'no-role': {
    severity: 'note',
    title: 'Users without any role',
    meaning:
      'They are in no group, or in groups of which none has a role: Cognito sets neither cognito:roles nor cognito:preferred_role.',
    next: 'Put them into a group with a role, unless what your app gives to users without one is meant for them.',
  },
  'role-nobody-gets': {
    severity: 'note',
    title: 'Roles that no user gets',
    meaning:
      'A group has the role, and no user has it preferred, or gets it from the identity pool: the group has no members, or other groups of its members decide. Disabled users do not count.',
    next: 'Change the members or the precedence of the group, or delete it where it is of no use.',
  },
}))()

/** In the order of `CONCERNS`. */
export const CONCERN_NAMES: readonly AuditConcern[] = /* @__PURE__ */ (() => Object.keys(CONCERNS) as AuditConcern[])()

/** What users are found by: the findings about them list their names. */
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
 * What a finding needs that an audit may be without: an identity pool, or role checks, or what these say of privileges. What
 * is needed and was not there was not looked for.
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

/** What a role check found that needs a person, in the order of `CONCERNS`. */
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

/** What the findings of a user depend on besides the user. */
export interface ConcernsContext {
  /** The groups of the pool. */
  readonly groups: Iterable<Group>
  readonly userPoolId?: string | undefined
  /** Whether the users have a selection. */
  readonly hasIdentityPool?: boolean | undefined
  /** Left out, roles were not checked. A role that is not among them counts as not checked. */
  readonly roleChecks?: readonly RoleCheck[] | undefined
}

/**
 * Tells of each user of a pool which findings the user belongs to, in the order of `CONCERNS`. A disabled user belongs to
 * none: such users are counted apart.
 *
 * A role's finding has the users who get the role, or may get it where that is not known; with an identity pool, whose
 * credentials they get. The findings
 * of an administrator's role, of an unchecked one and of unjudged privileges also have those who can ask for the role.
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

/** Of a role that users can ask an identity pool for, though they get another one. */
const OF_ASKING: ReadonlySet<AuditConcern> = /* @__PURE__ */ new Set([
  'unchecked-role',
  'administrator-role',
  'unjudged-privileges',
] as const)

const UNCHECKED: readonly AuditConcern[] = ['unchecked-role']

function bitOf(concern: AuditConcern): number {
  return 1 << CONCERN_NAMES.indexOf(concern)
}

/** The findings that users are found by, in their order. */
const OF_USERS = /* @__PURE__ */ (() =>
  CONCERN_NAMES.flatMap(concern => {
    const applies = USER_CONCERNS[concern]
    return applies === undefined ? [] : [{ bit: bitOf(concern), applies }]
  }))()

/** The roles that a user gets, or may get where that is not known. */
export function rolesOf(resolution: PoolResolution, selection: RoleSelection | undefined): readonly string[] {
  const roles =
    selection === undefined
      ? [resolution.preferredRole, resolution.candidateRole]
      : [selection.roleArn, ...(selection.candidates ?? []).map(({ roleArn }) => roleArn)]
  return roles.filter(role => role !== undefined)
}
