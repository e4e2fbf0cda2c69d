import { type ClaimsComparison, compareClaims, type Resolution } from '../../../../src/index.js'
import { parseRoleClaims } from '../../../../src/authorizer/claims.js'
import { decodeToken } from '../../../../src/calibrate/verify-decode.js'
import { attempt, type Result } from './fault.js'

/** What a pasted token says about groups and roles. Nothing else of it is read out. */
export interface TokenView {
  readonly use: 'id' | 'access'
  /** The user pool, as a URL: `https://cognito-idp.REGION.amazonaws.com/USER_POOL_ID`. */
  readonly issuer: string
  /** ISO 8601, of when it says that it was issued. */
  readonly issuedAt: string
  /** ISO 8601. */
  readonly expiresAt: string
  /** By the clock of this machine. An expired token is compared like any other. */
  readonly isExpired: boolean
  readonly groups: readonly string[]
  readonly roles: readonly string[]
  readonly preferredRole: string | undefined
  readonly comparison: ClaimsComparison
  readonly differences: readonly Difference[]
}

export interface Difference {
  readonly says: string
  readonly values: readonly string[]
}

/**
 * Decodes a token and compares it. The signature is not looked at: the claims may be anybody's.
 *
 * @param now milliseconds since the epoch
 */
export function compareToken(text: string, resolution: Resolution, now: number): Result<TokenView> {
  return attempt(() => {
    const { tokenUse, issuer, issuedAt, expiresAt, roleClaims } = decodeToken(text.trim())
    const claims = parseRoleClaims({ ...roleClaims, token_use: tokenUse }, { transport: 'jwt' })
    const comparison = compareClaims(resolution, { ...claims, token_use: tokenUse, iat: issuedAt })
    return {
      use: tokenUse,
      issuer,
      issuedAt: new Date(issuedAt * 1_000).toISOString(),
      expiresAt: new Date(expiresAt * 1_000).toISOString(),
      isExpired: expiresAt * 1_000 <= now,
      groups: claims['cognito:groups'] ?? [],
      roles: claims['cognito:roles'] ?? [],
      preferredRole: claims['cognito:preferred_role'],
      comparison,
      differences: differencesOf(comparison),
    }
  })
}

function differencesOf(comparison: ClaimsComparison): readonly Difference[] {
  const { groupsAdded, groupsRemoved, rolesAdded, rolesRemoved, preferredRole } = comparison
  const lists: readonly (readonly [string, readonly string[]])[] = [
    ['Groups that are ticked here and not in the token', groupsAdded],
    ['Groups that are in the token and not ticked here', groupsRemoved],
    ['Roles that are forecast and not in the token', rolesAdded],
    ['Roles that are in the token and not forecast', rolesRemoved],
  ]
  const preferred = PREFERRED[preferredRole]
  return [
    ...lists.filter(([, values]) => values.length > 0).map(([says, values]) => ({ says, values })),
    ...(preferred === undefined ? [] : [{ says: preferred, values: [] }]),
  ]
}

const PREFERRED: Readonly<Record<ClaimsComparison['preferredRole'], string | undefined>> = {
  same: undefined,
  'not-carried': undefined,
  gained: 'A preferred role is forecast, and the token has none',
  lost: 'The token has a preferred role, and none is forecast',
  changed: 'The token has another preferred role than is forecast',
  undetermined: 'The preferred role cannot be compared, because the forecast is undetermined',
}

const STATUS: Readonly<Record<ClaimsComparison['status'], string>> = {
  fresh: 'The token carries what is forecast',
  stale: 'The token differs from the forecast',
  undetermined: 'The token fits as far as the forecast goes: the preferred role is undetermined',
}

export function comparisonText({ status }: ClaimsComparison): string {
  return STATUS[status]
}
