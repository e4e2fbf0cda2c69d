import type { MatchType, RoleMapping } from '../credentials/role-mapping.js'
import type { CalibrationGroup } from '../claims/calibration.js'

/** The roles of a run. They have no permissions. */
export const ROLE_NAMES = ['Alpha', 'Beta', 'Gamma'] as const satisfies readonly RoleName[]

/** A role that a run creates. */
export type RoleName = 'Alpha' | 'Beta' | 'Gamma'

/** The ARNs of the roles that were made. */
export type RoleArns = Readonly<Record<RoleName, string>>

/** The groups of the users below. A precedence or role that is left out is not set. */
export const IDENTITY_GROUPS = [
  { groupName: 'alpha-first', precedence: 1, role: 'Alpha' },
  { groupName: 'beta-second', precedence: 2, role: 'Beta' },
  { groupName: 'alpha-unranked', role: 'Alpha' },
  { groupName: 'beta-unranked', role: 'Beta' },
  { groupName: 'admins' },
  { groupName: 'non-admins' },
] as const satisfies readonly { readonly groupName: string; readonly precedence?: number; readonly role?: RoleName }[]

type GroupName = (typeof IDENTITY_GROUPS)[number]['groupName']

/** One user for each kind of token, so that no membership changes while an identity pool is probed. */
export const IDENTITY_USERS = {
  preferred: ['alpha-first', 'beta-second'],
  single: ['alpha-unranked'],
  double: ['alpha-unranked', 'beta-unranked'],
  groupless: [],
  admin: ['admins'],
  'non-admin': ['non-admins'],
} as const satisfies Readonly<Record<string, readonly GroupName[]>>

export type UserName = keyof typeof IDENTITY_USERS

interface CaseRule {
  readonly claim: string
  readonly match: MatchType
  readonly value: string
  readonly role: RoleName
}

export interface CaseMapping {
  /** Undefined: the role is chosen from the token. */
  readonly rules?: readonly CaseRule[]
  /** Undefined: `AmbiguousRoleResolution` is left out. */
  readonly fallback?: 'AuthenticatedRole' | 'Deny'
}

export interface IdentityPoolCase {
  readonly id: string
  /** The configuration and the user, as the table shows them. */
  readonly about: string
  readonly user: UserName
  /** Undefined: the provider has no mapping. */
  readonly mapping?: CaseMapping
  /** Null: the pool has none. */
  readonly authenticated: RoleName | null
  readonly customRole?: RoleName
}

const BY_TOKEN_OR_DENIED: CaseMapping = { fallback: 'Deny' }

const BY_TOKEN: CaseMapping = { fallback: 'AuthenticatedRole' }

const onGroups = (match: MatchType, value: string, role: RoleName): CaseRule => ({
  claim: 'cognito:groups',
  match,
  value,
  role,
})

const byRules = (...rules: readonly CaseRule[]): CaseMapping => ({ rules, fallback: 'AuthenticatedRole' })

/**
 * What docs/identity-pool.md says about GetCredentialsForIdentity, case by case, including what it calls unknown.
 *
 * No case has all three roles among its readings, so that one role is left to mark the settings before it.
 */
export const IDENTITY_POOL_CASES: readonly IdentityPoolCase[] = [
  { id: 'no-mapping', about: 'no role mapping', user: 'preferred', authenticated: 'Gamma' },
  {
    id: 'no-mapping-custom-in',
    about: 'no role mapping, CustomRoleArn in the token',
    user: 'single',
    authenticated: 'Gamma',
    customRole: 'Alpha',
  },
  {
    id: 'no-mapping-custom-out',
    about: 'no role mapping, CustomRoleArn not in the token',
    user: 'single',
    authenticated: 'Gamma',
    customRole: 'Beta',
  },
  {
    id: 'no-authenticated-role',
    about: 'no role mapping, no authenticated role',
    user: 'groupless',
    authenticated: null,
  },
  {
    id: 'preferred',
    about: 'Token, a preferred role among two roles',
    user: 'preferred',
    mapping: BY_TOKEN,
    authenticated: 'Gamma',
  },
  {
    id: 'single-deny',
    about: 'Token and Deny, one role and no preferred role',
    user: 'single',
    mapping: BY_TOKEN_OR_DENIED,
    authenticated: 'Gamma',
  },
  {
    id: 'single-authenticated',
    about: 'Token and AuthenticatedRole, one role and no preferred role',
    user: 'single',
    mapping: BY_TOKEN,
    authenticated: 'Gamma',
  },
  {
    id: 'double-deny',
    about: 'Token and Deny, two roles and no preferred role',
    user: 'double',
    mapping: BY_TOKEN_OR_DENIED,
    authenticated: 'Gamma',
  },
  {
    id: 'double-authenticated',
    about: 'Token and AuthenticatedRole, two roles and no preferred role',
    user: 'double',
    mapping: BY_TOKEN,
    authenticated: 'Gamma',
  },
  {
    id: 'none-deny',
    about: 'Token and Deny, no roles',
    user: 'groupless',
    mapping: BY_TOKEN_OR_DENIED,
    authenticated: 'Gamma',
  },
  {
    id: 'none-authenticated',
    about: 'Token and AuthenticatedRole, no roles',
    user: 'groupless',
    mapping: BY_TOKEN,
    authenticated: 'Gamma',
  },
  {
    id: 'none-no-authenticated-role',
    about: 'Token and AuthenticatedRole, no roles, no authenticated role',
    user: 'groupless',
    mapping: BY_TOKEN,
    authenticated: null,
  },
  {
    id: 'custom-in',
    about: 'Token, CustomRoleArn in the token and not preferred',
    user: 'preferred',
    mapping: BY_TOKEN,
    authenticated: 'Gamma',
    customRole: 'Beta',
  },
  {
    id: 'custom-out',
    about: 'Token, CustomRoleArn not in the token',
    user: 'single',
    mapping: BY_TOKEN,
    authenticated: 'Gamma',
    customRole: 'Beta',
  },
  {
    id: 'custom-authenticated',
    about: 'Token, CustomRoleArn is the authenticated role and not in the token',
    user: 'single',
    mapping: BY_TOKEN,
    authenticated: 'Gamma',
    customRole: 'Gamma',
  },
  {
    id: 'rules-custom-in',
    about: 'Rules, CustomRoleArn in the token, and a rule gives it',
    user: 'single',
    mapping: byRules(onGroups('Contains', 'alpha-unranked', 'Alpha')),
    authenticated: 'Gamma',
    customRole: 'Alpha',
  },
  {
    id: 'rules-custom-out',
    about: 'Rules, CustomRoleArn not in the token, and a rule gives it',
    user: 'single',
    mapping: byRules(onGroups('Contains', 'alpha-unranked', 'Beta')),
    authenticated: 'Gamma',
    customRole: 'Beta',
  },
  {
    id: 'rules-custom-elsewhere',
    about: 'Rules, CustomRoleArn neither in the token nor given by a rule',
    user: 'single',
    mapping: byRules(onGroups('Contains', 'alpha-unranked', 'Beta')),
    authenticated: 'Gamma',
    customRole: 'Gamma',
  },
  {
    id: 'contains-element',
    about: 'Contains `admins`, the group is `admins`',
    user: 'admin',
    mapping: byRules(onGroups('Contains', 'admins', 'Beta')),
    authenticated: 'Gamma',
  },
  {
    id: 'contains-inside',
    about: 'Contains `admins`, the group is `non-admins`',
    user: 'non-admin',
    mapping: byRules(onGroups('Contains', 'admins', 'Beta')),
    authenticated: 'Gamma',
  },
  {
    id: 'equals-only',
    about: 'Equals on an array of one element, which is equal',
    user: 'admin',
    mapping: byRules(onGroups('Equals', 'admins', 'Beta')),
    authenticated: 'Gamma',
  },
  {
    id: 'equals-one-of-two',
    about: 'Equals on an array of two elements, one of which is equal',
    user: 'double',
    mapping: byRules(onGroups('Equals', 'alpha-unranked', 'Beta')),
    authenticated: 'Gamma',
  },
  {
    id: 'starts-with',
    about: 'StartsWith on an array whose element starts with it',
    user: 'admin',
    mapping: byRules(onGroups('StartsWith', 'adm', 'Beta')),
    authenticated: 'Gamma',
  },
  {
    id: 'not-equal-other',
    about: 'NotEqual on an array without the value',
    user: 'admin',
    mapping: byRules(onGroups('NotEqual', 'readers', 'Beta')),
    authenticated: 'Gamma',
  },
  {
    id: 'not-equal-same',
    about: 'NotEqual on an array whose element is the value',
    user: 'admin',
    mapping: byRules(onGroups('NotEqual', 'admins', 'Beta')),
    authenticated: 'Gamma',
  },
  {
    id: 'not-equal-missing',
    about: 'NotEqual on a claim that the token does not have',
    user: 'groupless',
    mapping: byRules(onGroups('NotEqual', 'readers', 'Beta')),
    authenticated: 'Gamma',
  },
  {
    id: 'rules-none-deny',
    about: 'Rules and Deny, no rule matches',
    user: 'groupless',
    mapping: { rules: [onGroups('Contains', 'admins', 'Beta')], fallback: 'Deny' },
    authenticated: 'Gamma',
  },
  {
    id: 'unset-token',
    about: 'Token without AmbiguousRoleResolution, two roles and no preferred role',
    user: 'double',
    mapping: {},
    authenticated: 'Gamma',
  },
  {
    id: 'unset-rules',
    about: 'Rules without AmbiguousRoleResolution, no rule matches',
    user: 'groupless',
    mapping: { rules: [onGroups('Contains', 'admins', 'Beta')] },
    authenticated: 'Gamma',
  },
]

/** The groups with the roles that were made. */
export function identityGroups(arns: RoleArns): readonly CalibrationGroup[] {
  return IDENTITY_GROUPS.map(group => ({
    groupName: group.groupName,
    precedence: 'precedence' in group ? group.precedence : null,
    roleArn: 'role' in group ? arns[group.role] : null,
  }))
}

/** As SetIdentityPoolRoles takes it. */
export function toRoleMapping({ rules, fallback }: CaseMapping, arns: RoleArns): RoleMapping {
  const resolution = fallback === undefined ? {} : { AmbiguousRoleResolution: fallback }
  if (rules === undefined) return { Type: 'Token', ...resolution }
  const Rules = rules.map(({ claim, match, value, role }) => ({
    Claim: claim,
    MatchType: match,
    Value: value,
    RoleARN: arns[role],
  }))
  return { Type: 'Rules', ...resolution, RulesConfiguration: { Rules } }
}
