import { isUserPoolId, UUID_PATTERN } from '../aws-ids.js'
import { listItems, quote, RolecastError } from '../errors.js'
import { isGroupName } from '../group.js'
import type { Outcome, Rule } from './decide.js'
import type { Evidence } from './evidence.js'
import type { Resolution } from './resolve.js'

/** How the entities are named. */
export interface CedarOptions {
  /** The user pool's id: `eu-west-1_Ab12Cd34e`. The ids of users and groups begin with it. */
  readonly userPoolId: string
  /** The user's `sub`. Not the username: Verified Permissions names users by `sub`, and policies name them the same way. */
  readonly sub: string
  /** The entity type of users in your schema: `MyCorp::User`. The `principalEntityType` of an identity source. */
  readonly userType: string
  /**
   * The entity type of groups in your schema: `MyCorp::UserGroup`. The `groupEntityType` of an identity source.
   *
   * @default 'AWS::CognitoGroup', as Verified Permissions has it
   */
  readonly groupType?: string
}

/** The type and id of an entity. */
export interface CedarEntityUid {
  /** The entity type, for example `MyCorp::User`. */
  readonly type: string
  /** The id within the type: `userPoolId|sub` or `userPoolId|groupName`. */
  readonly id: string
}

/** What a resolution says, as attributes of the user. */
export interface CedarRoleAttributes {
  /** Absent unless the outcome is `resolved`, so that it never has an uncertain role. */
  readonly preferredRole?: string
  /** The roles that the ID token lists, in no order: those that the user may choose. */
  readonly roles: readonly string[]
  /** How certain the preferred role is. */
  readonly outcome: Outcome
  /** The rule that decided. */
  readonly rule: Rule
  /** How the rule is known. */
  readonly evidence: Evidence
}

/** An entity in Cedar's JSON format. */
export interface CedarEntity {
  /** The entity's type and id. */
  readonly uid: CedarEntityUid
  /** What the resolution says. */
  readonly attrs: CedarRoleAttributes
  /** The user's groups. */
  readonly parents: readonly CedarEntityUid[]
}

/** A resolution, with the unknown groups of its lookup if there was one: `resolveLookup` and a role resolver return both. */
export type CedarResolution = Resolution & { readonly unknownGroups?: readonly string[] | undefined }

/** `principal` and `entities` of a request to Cedar. */
export interface CedarEntities {
  /** The user. */
  readonly principal: CedarEntityUid
  /** The user's entity. Groups are its parents and have no entity of their own. */
  readonly entities: readonly [CedarEntity]
}

/** The type and id of an entity. */
export interface VerifiedPermissionsEntityId {
  /** The entity type, for example `MyCorp::User`. */
  readonly entityType: string
  /** The id within the type: `userPoolId|sub` or `userPoolId|groupName`. */
  readonly entityId: string
}

/** A value of an attribute: a string or a set of strings. */
export type VerifiedPermissionsAttribute =
  | { readonly string: string }
  | { readonly set: readonly { readonly string: string }[] }

/** `principal` and `entities` of `IsAuthorized` and `BatchIsAuthorized`. */
export interface VerifiedPermissionsEntities {
  /** The user. */
  readonly principal: VerifiedPermissionsEntityId
  /** The user's entity, with its attributes and its groups as parents. */
  readonly entities: {
    /** One entity: the user. */
    readonly entityList: readonly [
      {
        /** The entity's type and id. */
        readonly identifier: VerifiedPermissionsEntityId
        /** What the resolution says. */
        readonly attributes: Readonly<Record<string, VerifiedPermissionsAttribute>>
        /** The user's groups. */
        readonly parents: readonly VerifiedPermissionsEntityId[]
      },
    ]
  }
}

/** The most groups that a principal can have in a request: one fewer than a user in Cognito can have. */
const MAX_PARENTS = 99
const ENTITY_TYPE = /^(?=.{1,200}$)(?:[_a-zA-Z]\w*::)*[_a-zA-Z]\w*$/

/**
 * The user as an entity of Cedar, in the JSON that Cedar's own engines read: the role claims are attributes, the groups are
 * parents. The ids are those that Verified Permissions makes of a token: `userPoolId|sub` and `userPoolId|groupName`.
 *
 * An undetermined resolution has no `preferredRole`, so a policy that requires one permits nothing. Not for a user
 * whose groups you do not know: a resolution of no groups says that there are none, and a `forbid` policy for a group
 * that is left out has no effect. For this reason a resolution with `unknownGroups` is rejected. One with `stale: true`
 * is accepted: check it first if an old role of a group must not count.
 *
 * @throws RolecastError `invalid-option`, `invalid-user-pool-id`, `invalid-group-name` for a name that Cognito cannot have, or
 * `invalid-input` for a resolution with `unknownGroups`
 * @see https://docs.cedarpolicy.com/auth/entities-syntax.html
 * @see https://docs.aws.amazon.com/verifiedpermissions/latest/userguide/identity-sources-cognito.html
 * @example
 * import { cedarEntities, resolveRoles } from 'rolecast'
 *
 * const { principal, entities } = cedarEntities(resolveRoles([{ groupName: 'staff', precedence: 0 }]), {
 *   userPoolId: 'eu-west-1_Ab12Cd34e',
 *   sub: '11111111-2222-4333-8444-555555555555',
 *   userType: 'MyCorp::User',
 * })
 * console.log(principal.id) // eu-west-1_Ab12Cd34e|11111111-2222-4333-8444-555555555555
 * console.log(entities[0].parents.length) // 1
 */
export function cedarEntities(resolution: CedarResolution, options: CedarOptions): CedarEntities {
  const { userPoolId, sub, userType, groupType = 'AWS::CognitoGroup' } = options
  checkOptions(userPoolId, sub, { userType, groupType })
  const { outcome, rule, evidence, groups, roles, preferredRole, unknownGroups = [] } = resolution
  if (unknownGroups.length > 0) {
    const what = `the user pool does not have ${listItems(unknownGroups, quote)}, and a \`forbid\` policy for a group that is left out has no effect`
    const next = 'deny the request, or give `unknownGroups: []` if groups that do not exist can be ignored'
    throw new RolecastError('invalid-input', `${what}; ${next}`, { value: unknownGroups })
  }
  const principal = { type: userType, id: `${userPoolId}|${sub}` }
  const parents = groups.map(groupName => ({ type: groupType, id: `${userPoolId}|${checkGroupName(groupName)}` }))
  const known = { roles, outcome, rule, evidence }
  const attrs = outcome === 'resolved' && preferredRole !== undefined ? { preferredRole, ...known } : known
  return { principal, entities: [{ uid: principal, attrs, parents }] }
}

/**
 * The same as `principal` and `entities` of Verified Permissions' `IsAuthorized`. Not for `IsAuthorizedWithToken`,
 * which makes the principal from the token.
 *
 * @throws RolecastError as `cedarEntities`, and `invalid-input` for a user in more than 99 groups, which the service rejects
 * @see https://docs.aws.amazon.com/verifiedpermissions/latest/apireference/API_IsAuthorized.html
 * @see https://docs.aws.amazon.com/verifiedpermissions/latest/apireference/API_EntityItem.html
 * @example
 * import { IsAuthorizedCommand, VerifiedPermissionsClient } from '@aws-sdk/client-verifiedpermissions'
 * import { resolveRoles, verifiedPermissionsEntities } from 'rolecast'
 *
 * const user = verifiedPermissionsEntities(resolveRoles([{ groupName: 'staff', precedence: 0 }]), {
 *   userPoolId: 'eu-west-1_Ab12Cd34e',
 *   sub: '11111111-2222-4333-8444-555555555555',
 *   userType: 'MyCorp::User',
 * })
 * const { decision } = await new VerifiedPermissionsClient().send(
 *   new IsAuthorizedCommand({
 *     policyStoreId: 'PSEXAMPLEabcdefg111111',
 *     ...user,
 *     action: { actionType: 'MyCorp::Action', actionId: 'Read' },
 *     resource: { entityType: 'MyCorp::Document', entityId: 'handbook' },
 *   }),
 * )
 */
export function verifiedPermissionsEntities(
  resolution: CedarResolution,
  options: CedarOptions,
): VerifiedPermissionsEntities {
  const { principal, entities } = cedarEntities(resolution, options)
  const [{ attrs, parents }] = entities
  if (parents.length > MAX_PARENTS) {
    throw new RolecastError(
      'invalid-input',
      `the user is in ${parents.length} groups, and Verified Permissions takes at most ${MAX_PARENTS} parents of a principal; decide with a Cedar engine and \`cedarEntities\``,
      { value: parents.length },
    )
  }
  const attributes = Object.fromEntries(
    Object.entries(attrs).map(([name, value]): [string, VerifiedPermissionsAttribute] => [
      name,
      typeof value === 'string' ? { string: value } : { set: (value as readonly string[]).map(string => ({ string })) },
    ]),
  )
  const identifier = toIdentifier(principal)
  return {
    principal: identifier,
    entities: { entityList: [{ identifier, attributes, parents: parents.map(toIdentifier) }] },
  }
}

function toIdentifier({ type, id }: CedarEntityUid): VerifiedPermissionsEntityId {
  return { entityType: type, entityId: id }
}

function checkOptions(userPoolId: unknown, sub: unknown, types: Readonly<Record<string, unknown>>): void {
  if (!isUserPoolId(userPoolId)) {
    throw new RolecastError(
      'invalid-user-pool-id',
      `${quote(userPoolId)} is not a user pool ID; give one such as \`eu-west-1_Ab12Cd34e\``,
      { value: userPoolId },
    )
  }
  if (typeof sub !== 'string' || !UUID_PATTERN.test(sub)) {
    throw new RolecastError(
      'invalid-option',
      `\`sub\` is ${quote(sub)}, which is not a UUID; give the user's \`sub\`, because policies name users by it`,
      { value: sub },
    )
  }
  for (const [name, type] of Object.entries(types)) {
    if (typeof type === 'string' && ENTITY_TYPE.test(type)) continue
    throw new RolecastError(
      'invalid-option',
      `${quote(name)} is ${quote(type)}, which is not an entity type; give one of your schema, such as \`MyCorp::User\``,
      { value: type },
    )
  }
}

/** Invalid names, such as one with a lone surrogate, would fail in Cedar with a message that names no group. */
function checkGroupName(groupName: string): string {
  if (isGroupName(groupName)) return groupName
  throw new RolecastError(
    'invalid-group-name',
    `${quote(groupName)} is not a valid group name; check where the groups come from`,
    { value: groupName },
  )
}
