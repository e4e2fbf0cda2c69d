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
 * The role claims that Cognito gives the groups. The order of the roles is fixed, and is neither that of the groups nor
 * of their precedences.
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
    `rolecast/testing: no token for ${quote(username)}: of the groups ${listNames(determiningGroups)}, which tie at the winning precedence, ` +
      'not all have a role, and AWS does not document whether Cognito then prefers the role; ' +
      "choose `semantics: 'roles-compete'` or `'tied-groups-agree'` for the fake, or give it a `calibration`",
  )
}

/** A resolution with these claims, for a fake with the caller's own claims. */
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
