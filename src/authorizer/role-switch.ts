import type { Resolution } from '../claims/resolve.js'
import { isText } from './responses.js'

/** The part of a resolution that matters here. */
export type SwitchableRoles = Pick<Resolution, 'roles'> & { readonly stale?: boolean }

/** Whether a role may be requested, and if not, why. */
export type RoleSwitch =
  | { readonly outcome: 'allowed'; readonly role: string }
  /** `not-among-roles`: the user does not have the role. `stale`: the roles expired. `no-role-asked-for`: not a string. */
  | { readonly outcome: 'not-allowed'; readonly reason: 'not-among-roles' | 'stale' | 'no-role-asked-for' }

/** The options of `checkRoleSwitch`. */
export interface RoleSwitchOptions {
  /**
   * Whether to accept roles of expired groups from a cache. Such a role may be revoked.
   *
   * @default false
   */
  readonly allowStale?: boolean | undefined
}

/**
 * The roles that the user may request with `CustomRoleArn`: those of all the user's groups, the preferred role
 * included. They are certain even if the preferred role is ambiguous or undetermined.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 * @example
 * import { resolveRoles } from 'rolecast'
 * import { listSwitchableRoles } from 'rolecast/authorizer'
 *
 * const staff = { groupName: 'staff', roleArn: 'arn:aws:iam::111122223333:role/Staff' }
 * console.log(listSwitchableRoles(resolveRoles([staff]))) // [ 'arn:aws:iam::111122223333:role/Staff' ]
 */
export function listSwitchableRoles(resolution: SwitchableRoles): readonly string[] {
  return resolution.roles
}

/**
 * Whether the user may switch to the requested role: only if it is exactly one of the user's roles.
 *
 * The identity pool itself checks something else: the token's `cognito:roles`, which has the roles at its issue time,
 * and only with a mapping of type Token. With Rules its decision is undetermined. Whether the role can be assumed is
 * not checked.
 *
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetCredentialsForIdentity.html
 * @example
 * import { resolveRoles } from 'rolecast'
 * import { checkRoleSwitch } from 'rolecast/authorizer'
 *
 * const staff = { groupName: 'staff', roleArn: 'arn:aws:iam::111122223333:role/Staff' }
 * console.log(checkRoleSwitch(resolveRoles([staff]), 'arn:aws:iam::111122223333:role/Admin').outcome) // not-allowed
 */
export function checkRoleSwitch(
  resolution: SwitchableRoles,
  role: unknown,
  options: RoleSwitchOptions = {},
): RoleSwitch {
  const reason = !isText(role)
    ? 'no-role-asked-for'
    : // A resolution without a cache does not have this key; undefined as its value does not count as false.
      'stale' in resolution && resolution.stale !== false && options.allowStale !== true
      ? 'stale'
      : // On a string, `includes` would match a part of it.
        !Array.isArray(resolution.roles) || !resolution.roles.includes(role)
        ? 'not-among-roles'
        : undefined
  return reason === undefined ? { outcome: 'allowed', role: role as string } : { outcome: 'not-allowed', reason }
}
