import type { Resolution } from '../claims/resolve.js'
import { isText } from './answers.js'

/** What of a resolution counts here; a resolver's has `stale` too. */
export type SwitchableRoles = Pick<Resolution, 'roles'> & { readonly stale?: boolean }

export type RoleSwitch =
  | { readonly outcome: 'allowed'; readonly role: string }
  /** `not-among-roles`: the user has no such role. `stale`: the roles are past their time. `no-role-asked-for`: no string. */
  | { readonly outcome: 'not-allowed'; readonly reason: 'not-among-roles' | 'stale' | 'no-role-asked-for' }

export interface RoleSwitchOptions {
  /** Whether roles that a cache served past their time are good enough. Default false: such a role may be gone. */
  readonly allowStale?: boolean | undefined
}

/**
 * The roles that the user may ask for by `CustomRoleArn`: those of all the user's groups, the preferred one included. They
 * are certain even where the preferred role is ambiguous or undetermined.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 */
export function listSwitchableRoles(resolution: SwitchableRoles): readonly string[] {
  return resolution.roles
}

/**
 * Whether the user may take the role that was asked for: only if it is, letter by letter, one of the roles.
 *
 * Not what the identity pool itself checks: that is the token's `cognito:roles`, which keeps the roles of its issue time,
 * and only under a mapping of type Token; under Rules it is undetermined. Nor whether the role can be assumed.
 *
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetCredentialsForIdentity.html
 */
export function checkRoleSwitch(
  resolution: SwitchableRoles,
  role: unknown,
  options: RoleSwitchOptions = {},
): RoleSwitch {
  const reason = !isText(role)
    ? 'no-role-asked-for'
    : (resolution.stale ?? false) !== false && options.allowStale !== true
      ? 'stale'
      : // A string would be searched for a part of itself.
        !Array.isArray(resolution.roles) || !resolution.roles.includes(role)
        ? 'not-among-roles'
        : undefined
  return reason === undefined ? { outcome: 'allowed', role: role as string } : { outcome: 'not-allowed', reason }
}
