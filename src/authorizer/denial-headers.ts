import type { Denied, DenyReason } from './guard.js'

/** Cognito's quotas are per second, and a decision takes at most three seconds unless `timeout` says otherwise. */
const RETRY_AFTER_SECONDS = '5'

/** By reason, and never from an error's text, which could contain a part of the token. */
const DESCRIPTIONS: ReadonlyMap<DenyReason, string> = new Map([
  ['expired', 'the token is expired'],
  ['wrong-client', 'the token is for another app client'],
  ['wrong-pool', 'the token is from another user pool'],
  ['bad-signature', 'the signature is wrong or the key is unknown'],
  ['stale-token', 'the token is out of date; get a new one'],
])

/**
 * The headers of the HTTP response to a denied request, for middleware: `WWW-Authenticate` with status 401 and for
 * `stale-token`, where a new token may help; `Retry-After` with status 503; otherwise none.
 *
 * Other denials with status 403 have no `insufficient_scope`: a client would ask for a token with more scopes, which
 * changes no group and no role.
 *
 * Not for Lambda authorizers: API Gateway and AppSync make the response to a denied request themselves.
 *
 * @param decision a denial
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3
 * @example
 * import { denialHeaders } from 'rolecast/authorizer'
 *
 * console.log(denialHeaders({ allowed: false, reason: 'timeout', status: 503 })) // { 'Retry-After': '5' }
 */
export function denialHeaders({ reason, status }: Denied): Record<string, string> {
  if (status === 503) return { 'Retry-After': RETRY_AFTER_SECONDS }
  if (status === 403 && reason !== 'stale-token') return {}
  // The RFC requires a parameter after `Bearer`, and no error if there was no token.
  const error = reason === 'missing-token' ? '' : ', error="invalid_token"'
  const text = DESCRIPTIONS.get(reason)
  const description = text === undefined ? '' : `, error_description="${text}"`
  return { 'WWW-Authenticate': `Bearer realm="api"${error}${description}` }
}
