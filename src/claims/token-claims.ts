/** What the claims of a Cognito token have, and what encloses them has not, in whichever transport. */
const SIGNS = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role', 'token_use', 'iss', 'iat'] as const

/**
 * Whether an object is the claims of a token, rather than what encloses them, in which every claim would be missing.
 * AppSync's `identity` has `sub`, as claims do, and the claims in `claims`.
 */
export function areTokenClaims(record: object): boolean {
  const has = (key: string) => Object.hasOwn(record, key)
  return SIGNS.some(has) || (has('sub') && !has('claims'))
}
