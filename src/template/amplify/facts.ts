import type {
  GroupDefinition,
  Infrastructure,
  Location,
  RoleMappingDefinition,
  RoleReference,
  Value,
} from '../../rules/infrastructure.js'
import { unknownMark } from '../evaluated.js'

/** The files of an Amplify project do not name the pool: a project has one. */
export const AMPLIFY_POOL = 'amplify'

/** The pool of a list of groups, until the template made from the list says which pool it is. */
export const LISTED_POOL = `${AMPLIFY_POOL} (list of groups)`

/**
 * What Amplify Gen 2 makes for the groups of a user pool: a role for each, which trusts the identity pool, and a
 * mapping that takes the role from the token and falls back to the authenticated role.
 *
 * @see https://github.com/aws-amplify/amplify-backend/blob/main/packages/auth-construct/src/construct.ts
 */
export function factsOf(
  pool: string,
  groups: readonly GroupDefinition[],
  location: Location,
): Pick<Infrastructure, 'roles' | 'attachments'> {
  return {
    roles: groups.map(group => ({
      id: roleId(group.id),
      trustPolicy: { is: 'known', value: trustPolicy() },
      location: group.location,
    })),
    attachments: [
      {
        id: `${pool} role attachment`,
        identityPool: { is: 'known', value: `${pool} identity pool` },
        roles: {
          is: 'known',
          value: ['unauthenticated', 'authenticated'].map(key => ({ key, role: madeRole(`${pool}/${key}`), location })),
        },
        mappings: { is: 'known', value: [tokenMapping('UserPoolWebClientRoleMapping', pool, location)] },
        location,
      },
    ],
  }
}

/** The mapping that Amplify makes for its app clients; `undefined`: the pool is unknown. */
export function tokenMapping(key: string, pool: string | undefined, location: Location): RoleMappingDefinition {
  return {
    key,
    identityProvider:
      pool === undefined ? { is: 'unknown', why: 'its user pool is unknown' } : { is: 'known', value: PROVIDER },
    pool,
    type: { is: 'known', value: 'Token' },
    ambiguousRoleResolution: { is: 'known', value: 'AuthenticatedRole' },
    rules: { is: 'absent' },
    location,
  }
}

const PROVIDER = 'cognito-idp.${AWS::Region}.amazonaws.com/${UserPool}:${UserPoolClient}'

function roleId(id: string): string {
  return `${id} role`
}

/** The role that Amplify makes for a group. */
export function madeRole(group: string): Value<RoleReference> {
  return { is: 'known', value: { kind: 'resource', id: roleId(group) } }
}

function trustPolicy(): object {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { Federated: 'cognito-identity.amazonaws.com' },
        Action: 'sts:AssumeRoleWithWebIdentity',
        Condition: {
          StringEquals: {
            'cognito-identity.amazonaws.com:aud': unknownMark('it is the identity pool that Amplify makes'),
          },
          'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
        },
      },
    ],
  }
}
