import type { PoolView } from './pool-view.js'
import { knownOr } from './value.js'

/** What identity pools make of a user pool's tokens, as far as the file says so for sure. */
export interface IdentityPoolUse {
  /** A `Token` mapping with `Deny`. */
  readonly denies: boolean
  /** A `Token` mapping with `AuthenticatedRole`. */
  readonly fallsBack: boolean
  /** All mappings are `Rules`, so the preferred role has no part. */
  readonly rulesOnly: boolean
}

export function useOf({ mappings }: PoolView): IdentityPoolUse {
  const types = mappings.map(({ mapping }) => knownOr(mapping.type, undefined))
  const ofToken = mappings.filter((_, index) => types[index] === 'Token')
  const resolutions = new Set(ofToken.map(({ mapping }) => knownOr(mapping.ambiguousRoleResolution, undefined)))
  return {
    denies: resolutions.has('Deny'),
    fallsBack: resolutions.has('AuthenticatedRole'),
    rulesOnly: types.length > 0 && types.every(type => type === 'Rules'),
  }
}

const BY_RULES = 'The identity pool chooses roles by rules, so only code that reads the claim itself is affected.'

/** What the identity pool does with a user who has no preferred role. Empty where the file does not say. */
export function consequence({ denies, fallsBack, rulesOnly }: IdentityPoolUse): readonly string[] {
  if (rulesOnly) return [BY_RULES]
  if (denies) return ['The identity pool (Token, Deny) then denies credentials.']
  if (fallsBack) return ['The identity pool (Token, AuthenticatedRole) then gives the authenticated role.']
  return []
}

/** The same for a user who may have no preferred role. */
export function possibleConsequence({ denies, fallsBack, rulesOnly }: IdentityPoolUse): readonly string[] {
  if (rulesOnly) return [BY_RULES]
  if (denies) return ['The identity pool (Token, Deny) may then deny credentials.']
  if (fallsBack) return ['The identity pool (Token, AuthenticatedRole) may then give the authenticated role.']
  return []
}

/** The same for a user whose roles are never preferred. AWS documents that an only role is given without being preferred. */
export function unpreferredConsequence({ denies, fallsBack, rulesOnly }: IdentityPoolUse): readonly string[] {
  if (rulesOnly) return [BY_RULES]
  if (denies)
    return [
      'The identity pool (Token, Deny) gives the role to a user who has no other; it denies credentials to a user with several roles and no preferred one.',
    ]
  if (fallsBack)
    return [
      'The identity pool (Token, AuthenticatedRole) gives the role to a user who has no other; it gives the authenticated role to a user with several roles and no preferred one.',
    ]
  return []
}
