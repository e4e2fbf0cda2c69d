import { quote } from '../errors.js'
import type { RoleAttachment } from './infrastructure.js'
import type { PoolView } from './pool-view.js'
import { knownOr } from './value.js'

/** What identity pools do with a user pool's tokens, as far as the file makes it certain. */
export interface IdentityPoolUse {
  /** A `Token` mapping with `Deny`. */
  readonly denies: boolean
  /** A `Token` mapping with `AuthenticatedRole`. */
  readonly fallsBack: boolean
  /** All mappings are `Rules`, so the preferred role is not used. */
  readonly rulesOnly: boolean
  /** The authenticated role of the identity pools that use it, in words. */
  readonly authenticatedRole: string
}

export function useOf({ mappings }: PoolView): IdentityPoolUse {
  const types = mappings.map(({ mapping }) => knownOr(mapping.type, undefined))
  const ofToken = mappings.filter((_, index) => types[index] === 'Token')
  const resolutions = new Set(ofToken.map(({ mapping }) => knownOr(mapping.ambiguousRoleResolution, undefined)))
  return {
    denies: resolutions.has('Deny'),
    fallsBack: resolutions.has('AuthenticatedRole'),
    rulesOnly: types.length > 0 && types.every(type => type === 'Rules'),
    authenticatedRole: authenticatedRoleOf(mappings.map(({ attachment }) => attachment)),
  }
}

/** With its name, where all the attachments have the same one. */
export function authenticatedRoleOf(attachments: readonly RoleAttachment[]): string {
  const ids = attachments.map(({ roles }) => {
    const role = knownOr(roles, []).find(({ key }) => key === 'authenticated')?.role
    return role?.is === 'known' ? role.value.id : undefined
  })
  const [first, ...others] = new Set(ids)
  return first === undefined || others.length > 0 ? 'the authenticated role' : `the authenticated role ${quote(first)}`
}

export const BY_RULES =
  'The identity pool chooses roles by rules, so only code that reads the claim itself is affected.'

/** What the identity pool does with a user who has no preferred role. */
export function unpreferredImpact({ denies, fallsBack, rulesOnly, authenticatedRole }: IdentityPoolUse): string {
  if (rulesOnly) return BY_RULES
  if (denies) return 'The identity pool (Token, Deny) denies these users credentials.'
  if (fallsBack) return `The identity pool (Token, AuthenticatedRole) gives these users ${authenticatedRole}.`
  return 'An identity pool with Token denies these users credentials (Deny), or gives them the authenticated role (AuthenticatedRole).'
}

/** The same for a user who may have no preferred role. */
export function possiblyUnpreferredImpact({
  denies,
  fallsBack,
  rulesOnly,
  authenticatedRole,
}: IdentityPoolUse): string {
  if (rulesOnly) return BY_RULES
  if (denies) return 'The identity pool (Token, Deny) may deny these users credentials.'
  if (fallsBack) return `The identity pool (Token, AuthenticatedRole) may give these users ${authenticatedRole}.`
  return 'An identity pool with Token may deny these users credentials (Deny), or give them the authenticated role (AuthenticatedRole).'
}

/** The same for a user whose roles are never preferred. AWS documents that a user's only role is given all the same. */
export function neverPreferredImpact({ denies, fallsBack, rulesOnly, authenticatedRole }: IdentityPoolUse): string {
  if (rulesOnly) return BY_RULES
  const only = 'gives the role to a user who has no other'
  const several = 'a user with several roles and no preferred one'
  if (denies) return `The identity pool (Token, Deny) ${only}, and denies credentials to ${several}.`
  if (fallsBack)
    return `The identity pool (Token, AuthenticatedRole) ${only}, and gives ${authenticatedRole} to ${several}.`
  return `An identity pool with Token ${only}; to ${several} it denies credentials (Deny), or gives the authenticated role (AuthenticatedRole).`
}

/** What it does with a user in two groups of which Cognito prefers one. */
export function prefersOtherImpact({ rulesOnly }: IdentityPoolUse, role: string): string {
  return rulesOnly ? BY_RULES : `An identity pool with Token gives ${role} to a user in both.`
}

export const NO_ROLES_IMPACT = 'Without a role, the group changes no credentials.'
