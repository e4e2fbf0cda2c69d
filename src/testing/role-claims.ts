import { listNames, quote } from '../errors.js'
import type { Group } from '../group.js'
import { accessTokenClaims, type Resolution, resolveRoles, type RoleClaims } from '../claims/resolve.js'
import type { SemanticsOptions } from '../claims/choose-semantics.js'
import { serviceError } from './service-error.js'
import { shuffled } from './user-pool.js'

/** The role claims of both tokens. */
export interface TokenClaims {
  readonly idToken: RoleClaims
  readonly accessToken: RoleClaims
}

/**
 * The role claims that Cognito gives the groups. Roles come in one order whatever the groups' order or numbers, which is neither
 * of these.
 *
 * @throws ServiceError `UndeterminedRoleException`
 */
export function resolveGroups(groups: readonly Group[], username: string, options: SemanticsOptions): Resolution {
  const resolution = resolveRoles(groups, options)
  if (resolution.outcome === 'undetermined') throw undetermined(resolution, username)
  const { claims } = resolution
  const roles = claims['cognito:roles']
  return {
    ...resolution,
    claims: roles === undefined ? claims : { ...claims, 'cognito:roles': shuffled(roles, role => `role ${role}`) },
  }
}

function undetermined({ determiningGroups }: Resolution, username: string): Error {
  return serviceError(
    'UndeterminedRoleException',
    `rolecast/testing: no token for ${quote(username)}: of the groups ${listNames(determiningGroups)}, which share the precedence that wins, ` +
      'some have a role and some have none, and AWS does not document whether Cognito then prefers the role; ' +
      "choose `semantics: 'roles-compete'` or `'tied-groups-agree'` for the fake, or give it a `calibration`",
  )
}

/** A resolution with these claims, for a fake that plays claims of the caller's choice. */
export function resolutionOf(claims: RoleClaims): Resolution {
  const preferredRole = claims['cognito:preferred_role']
  return {
    outcome: preferredRole === undefined ? 'none' : 'resolved',
    rule: preferredRole === undefined ? 'no-precedence' : 'lowest-precedence',
    evidence: 'inferred',
    groups: claims['cognito:groups'] ?? [],
    roles: claims['cognito:roles'] ?? [],
    ...(preferredRole !== undefined && { preferredRole }),
    determiningGroups: [],
    claims,
  }
}

/** Both tokens before a trigger. */
export function tokenClaims(resolution: Resolution): TokenClaims {
  return { idToken: resolution.claims, accessToken: accessTokenClaims(resolution) }
}
