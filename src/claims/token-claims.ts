/** Only a token has these, in whichever transport, and Cognito writes `token_use` into every token. */
const OF_A_TOKEN = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role', 'token_use'] as const
/** A session or an identity may have these too, next to the claims inside it. */
const OF_OTHERS_TOO = ['sub', 'iss', 'iat'] as const

/**
 * Whether an object is the claims of a token, rather than an object around them, in which every claim would be missing:
 * AppSync's `identity` has `sub` and `claims`, a session has `iat` and `user`. A claim of a token may itself be an
 * object, such as `address` or one that a pre token generation trigger adds.
 */
export function areTokenClaims(record: object): boolean {
  const has = (key: string) => Object.hasOwn(record, key)
  if (OF_A_TOKEN.some(has)) return true
  return OF_OTHERS_TOO.some(has) && !has('claims') && !Object.values(record).some(isEnclosing)
}

function isEnclosing(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
