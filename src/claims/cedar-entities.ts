import { isUserPoolId, UUID_PATTERN } from '../aws-ids.js'
import { listItems, quote, RolecastError } from '../errors.js'
import { isGroupName } from '../group.js'
import type { Outcome, Rule } from './decide.js'
import type { Evidence } from './evidence.js'
import type { Resolution } from './resolve.js'

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

export interface CedarEntityUid {
  readonly type: string
  readonly id: string
}

/** What a resolution says, as attributes of the user. */
export interface CedarRoleAttributes {
  /** Absent unless the outcome is `resolved`: a role that is not certain is in no attribute of this name. */
  readonly preferredRole?: string
  /** The roles that the ID token lists, in no order: those that the user may choose. */
  readonly roles: readonly string[]
  readonly outcome: Outcome
  readonly rule: Rule
  readonly evidence: Evidence
}

export interface CedarEntity {
  readonly uid: CedarEntityUid
  readonly attrs: CedarRoleAttributes
  readonly parents: readonly CedarEntityUid[]
}

/** What was resolved, with what a lookup says of it where there was one: `resolveLookup` and a role resolver give both. */
export type CedarResolution = Resolution & { readonly unknownGroups?: readonly string[] | undefined }

/** `principal` and `entities` of a request to Cedar. */
export interface CedarEntities {
  readonly principal: CedarEntityUid
  readonly entities: readonly [CedarEntity]
}

export interface VerifiedPermissionsEntityId {
  readonly entityType: string
  readonly entityId: string
}

export type VerifiedPermissionsAttribute =
  | { readonly string: string }
  | { readonly set: readonly { readonly string: string }[] }

/** `principal` and `entities` of `IsAuthorized` and `BatchIsAuthorized`. */
export interface VerifiedPermissionsEntities {
  readonly principal: VerifiedPermissionsEntityId
  readonly entities: {
    readonly entityList: readonly [
      {
        readonly identifier: VerifiedPermissionsEntityId
        readonly attributes: Readonly<Record<string, VerifiedPermissionsAttribute>>
        readonly parents: readonly VerifiedPermissionsEntityId[]
      },
    ]
  }
}

/** A principal has at most so many groups in a request, one fewer than a user of Cognito may be in. */
const MAX_PARENTS = 99
const ENTITY_TYPE = /^(?=.{1,200}$)(?:[_a-zA-Z]\w*::)*[_a-zA-Z]\w*$/

/**
 * The user as an entity of Cedar, in the JSON that Cedar's own engines read: the role claims are attributes, the groups are
 * parents. The ids are those that Verified Permissions makes of a token: `userPoolId|sub` and `userPoolId|groupName`.
 *
 * What is undetermined has no `preferredRole`, so a policy that asks for one permits nothing. Not for a user whose groups
 * you do not know: a resolution of no groups says that there are none, and a `forbid` of a group that is left out forbids nothing.
 * Therefore a resolution with `unknownGroups` is refused. One with `stale: true` is taken: look at it first, if an old role of a
 * group must not count.
 *
 * @example
 * const { principal, entities } = cedarEntities(resolveRoles(groups), { userPoolId, sub, userType: 'MyCorp::User' })
 *
 * @throws RolecastError `invalid-option`, `invalid-user-pool-id`, `invalid-group-name` for a name that Cognito cannot have, or
 * `invalid-input` for a resolution with `unknownGroups`
 * @see https://docs.cedarpolicy.com/auth/entities-syntax.html
 * @see https://docs.aws.amazon.com/verifiedpermissions/latest/userguide/identity-sources-cognito.html
 */
export function cedarEntities(resolution: CedarResolution, options: CedarOptions): CedarEntities {
  const { userPoolId, sub, userType, groupType = 'AWS::CognitoGroup' } = options
  checkOptions(userPoolId, sub, { userType, groupType })
  const { outcome, rule, evidence, groups, roles, preferredRole, unknownGroups = [] } = resolution
  if (unknownGroups.length > 0) {
    const what = `the user pool does not have ${listItems(unknownGroups, quote)}, and a \`forbid\` of a group that is left out forbids nothing`
    const next = 'deny the request, or give `unknownGroups: []` if a group that does not exist may count as none'
    throw new RolecastError('invalid-input', `${what}; ${next}`, { value: unknownGroups })
  }
  const principal = { type: userType, id: `${userPoolId}|${sub}` }
  const parents = groups.map(groupName => ({ type: groupType, id: `${userPoolId}|${checkGroupName(groupName)}` }))
  const known = { roles, outcome, rule, evidence }
  const attrs = outcome === 'resolved' && preferredRole !== undefined ? { preferredRole, ...known } : known
  return { principal, entities: [{ uid: principal, attrs, parents }] }
}

/**
 * The same as `principal` and `entities` of Verified Permissions' `IsAuthorized`. Not for `IsAuthorizedWithToken`, which makes
 * the principal of the token.
 *
 * @example
 * const input = verifiedPermissionsEntities(resolveRoles(groups), { userPoolId, sub, userType: 'MyCorp::User' })
 * await client.send(new IsAuthorizedCommand({ policyStoreId, ...input, action, resource }))
 *
 * @throws RolecastError as `cedarEntities`, and `invalid-input` for a user in more than 99 groups, which the service rejects
 * @see https://docs.aws.amazon.com/verifiedpermissions/latest/apireference/API_IsAuthorized.html
 * @see https://docs.aws.amazon.com/verifiedpermissions/latest/apireference/API_EntityItem.html
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

/** Names that Cognito cannot have, such as half a character, fail in Cedar with a message that names no group. */
function checkGroupName(groupName: string): string {
  if (isGroupName(groupName)) return groupName
  throw new RolecastError(
    'invalid-group-name',
    `${quote(groupName)} is not the name of a group of Cognito; check where the groups come from`,
    { value: groupName },
  )
}
