import { MAX_GROUPS_PER_USER } from '../quotas.js'
import type { PoolResolution } from '../pool/compile-pool.js'

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

/** A concern in words. */
export interface ConcernText {
  /** What they are that it counts. */
  readonly title: string
  /** One sentence or two. */
  readonly meaning: string
  /** What to do about it, in one sentence. */
  readonly next: string
}

/**
 * What each concern means and what to do about it, for people.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html
 */
export const CONCERNS: Readonly<Record<AuditConcern, ConcernText>> = /* @__PURE__ */ (() => ({
  'conflicting-tie': {
    title: 'Users with a tie on different roles',
    meaning:
      'Several of their groups share the first rank among those with a role, and the roles differ: Cognito prefers none, and does not consult the next precedence.',
    next: 'Give these groups different precedences, or one role.',
  },
  'null-precedence-only': {
    title: 'Users whose only roles are on groups without a precedence',
    meaning: 'Such a role is in cognito:roles and never preferred, so they have no preferred role.',
    next: 'Give these groups a precedence; 0 ranks first.',
  },
  undetermined: {
    title: 'Users whose preferred role is not known',
    meaning:
      'A group without a role has the same precedence as their first group with one. AWS does not document whether Cognito then prefers the role, and no known token shows it.',
    next: 'Give the group without a role another precedence; until then, grant nothing on it.',
  },
  'no-role': {
    title: 'Users without any role',
    meaning:
      'They are in no group, or in groups of which none has a role: Cognito sets neither cognito:roles nor cognito:preferred_role.',
    next: 'Put them into a group with a role, unless what your app gives to users without one is meant for them.',
  },
  'unknown-group': {
    title: 'Users with groups that the pool does not have',
    meaning:
      'What is not in the pool has no role and is in no claim: the group is gone, came while the pool was read, or is misspelt.',
    next: 'Read groups and users again, or correct the names.',
  },
  'too-many-groups': {
    title: `Users in more than ${MAX_GROUPS_PER_USER} groups`,
    meaning: `Cognito allows a user ${MAX_GROUPS_PER_USER} groups, and AWS does not raise this quota (https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html).`,
    next: 'Check where the list of groups comes from.',
  },
  'role-nobody-gets': {
    title: 'Roles that no user gets',
    meaning:
      'A group has the role, and no user has it preferred: the group has no members, or other groups of its members decide.',
    next: 'Change the members or the precedence of the group, or delete it where it is of no use.',
  },
  'federated-group-with-role': {
    title: 'Groups of an identity provider with a role',
    meaning:
      'Cognito makes such a group for each provider, and puts in every user that it makes from one: the owner of the provider decides who can sign in there, and so who has the role.',
    next: 'Put the role on a group of your own, unless it is meant for all users of the provider.',
  },
}))()

/** What users are found by. */
export const USER_CONCERNS: readonly (readonly [AuditConcern, (resolution: PoolResolution) => boolean])[] = [
  ['conflicting-tie', ({ outcome }) => outcome === 'ambiguous'],
  ['null-precedence-only', ({ rule }) => rule === 'no-precedence'],
  ['undetermined', ({ outcome }) => outcome === 'undetermined'],
  ['no-role', ({ rule }) => rule === 'no-groups' || rule === 'no-roles'],
  ['unknown-group', ({ unknownGroups }) => unknownGroups.length > 0],
  ['too-many-groups', ({ groups, unknownGroups }) => groups.length + unknownGroups.length > MAX_GROUPS_PER_USER],
]
