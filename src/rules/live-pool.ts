import type { Group } from '../group.js'
import type { Infrastructure, Location, RoleReference, Value } from './infrastructure.js'
import type { IdentityPoolRoles, RoleMapping } from '../credentials/role-mapping.js'

/** A user pool as it is, and what it is used with. */
export interface LivePool {
  readonly userPoolId: string
  readonly groups: readonly Group[]
  readonly memberships?: readonly { readonly username: string; readonly groupName: string }[] | undefined
  /** As GetIdentityPoolRoles gives them. */
  readonly identityPools?: readonly LiveIdentityPool[] | undefined
  /** Trust policies by the ARN of their role, as IAM's GetRole gives them. */
  readonly trustPolicies?: ReadonlyMap<string, string | object> | undefined
}

export interface LiveIdentityPool {
  readonly identityPoolId: string
  readonly roles: IdentityPoolRoles
  readonly roleMappings: Readonly<Record<string, RoleMapping>>
}

/**
 * A live pool as data for `validateInfrastructure`. Every value is known, and every location is the user pool ID.
 *
 * Checks nothing: the rules find values that Cognito could not have.
 */
export function fromPool(live: LivePool): Infrastructure {
  const { userPoolId, groups, memberships = [], identityPools = [], trustPolicies = new Map() } = live
  const at = (construct: string): Location => ({ path: userPoolId, construct })
  return {
    format: 'live',
    paths: [userPoolId],
    pools: [{ id: userPoolId, name: userPoolId, userPoolId }],
    groups: groups.map(({ groupName, precedence, roleArn }) => ({
      id: groupName,
      pool: userPoolId,
      groupName: known(groupName),
      precedence: known(precedence),
      role: roleOf(roleArn),
      location: at(groupName),
    })),
    roles: [...trustPolicies].map(([arn, policy]) => ({ id: arn, trustPolicy: known(policy), location: at(arn) })),
    // GetIdentityPoolRoles does not return the clients that the identity pool accepts.
    identityPools: [],
    attachments: identityPools.map(({ identityPoolId, roles, roleMappings }) => ({
      id: identityPoolId,
      identityPool: known(identityPoolId),
      roles: known(
        Object.entries(roles).map(([key, arn]) => ({ key, role: roleOf(arn), location: at(identityPoolId) })),
      ),
      mappings: known(
        Object.entries(roleMappings).map(([key, mapping]) => ({
          key,
          identityProvider: known(key),
          type: known(mapping.Type),
          ambiguousRoleResolution: known(mapping.AmbiguousRoleResolution),
          rules: known(
            (mapping.RulesConfiguration?.Rules ?? []).map(rule => ({
              claim: known(rule.Claim),
              matchType: known(rule.MatchType),
              value: known(rule.Value),
              role: roleOf(rule.RoleARN),
              location: at(identityPoolId),
            })),
          ),
          location: at(identityPoolId),
        })),
      ),
      location: at(identityPoolId),
    })),
    memberships: memberships.map(({ username, groupName }) => ({
      pool: userPoolId,
      username: known(username),
      groupName: known(groupName),
      location: at(groupName),
    })),
    declaredPrecedences: [],
    unresolved: [],
    notFollowed: [],
    misspelt: [],
    suppressions: [],
  }
}

/** A field that the API leaves out is not set. */
function known<T>(value: T | null | undefined): Value<T> {
  return value === undefined || value === null ? { is: 'absent' } : { is: 'known', value }
}

function roleOf(arn: string | null | undefined): Value<RoleReference> {
  return arn ? { is: 'known', value: { kind: 'arn', id: arn } } : { is: 'absent' }
}
