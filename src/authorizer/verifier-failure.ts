import { isRolecastError } from '../errors.js'

/** Why a verifier did not accept a token. */
export type VerifierFailure =
  | 'unverified'
  | 'expired'
  | 'wrong-client'
  | 'wrong-pool'
  | 'bad-signature'
  | 'invalid-claims'
  | 'not-allowed'
  | 'keys-unavailable'

/**
 * The errors of aws-jwt-verify, by the name of their class: the `name` of each is `Error`. A minifier that renames classes
 * turns each of them into `unverified`, which still denies, with 401.
 */
const BY_NAME: ReadonlyMap<string, VerifierFailure> = new Map([
  ['JwtExpiredError', 'expired'],
  ['JwtInvalidAudienceError', 'wrong-client'],
  ['CognitoJwtInvalidClientIdError', 'wrong-client'],
  ['JwtInvalidIssuerError', 'wrong-pool'],
  ['CognitoJwtInvalidTokenUseError', 'invalid-claims'],
  // The verifier accepts only certain groups or scopes: another token of the same user would not help.
  ['CognitoJwtInvalidGroupError', 'not-allowed'],
  ['JwtInvalidScopeError', 'not-allowed'],
  ['JwtInvalidSignatureError', 'bad-signature'],
  // The sender chooses the key id, so an unknown one is not an outage. After one, aws-jwt-verify does not read the key set
  // again for ten seconds, and throws an error that says to wait for each unknown id.
  ['KidNotFoundInJwksError', 'bad-signature'],
  ['WaitPeriodNotYetEndedJwkError', 'bad-signature'],
  ['FetchError', 'keys-unavailable'],
  ['NonRetryableFetchError', 'keys-unavailable'],
  ['JwksNotAvailableInCacheError', 'keys-unavailable'],
  // The response is not a key set but, for example, a proxy's page.
  ['JwksValidationError', 'keys-unavailable'],
])

/** The errors of jose, and of a connection that failed. */
const BY_CODE: ReadonlyMap<string, VerifierFailure> = new Map([
  ['ERR_JWT_EXPIRED', 'expired'],
  ['ERR_JWS_SIGNATURE_VERIFICATION_FAILED', 'bad-signature'],
  // The sender chooses the key id.
  ['ERR_JWKS_NO_MATCHING_KEY', 'bad-signature'],
  ['ERR_JWKS_TIMEOUT', 'keys-unavailable'],
  ['ERR_JWKS_INVALID', 'keys-unavailable'],
  // jose has this code for a response to the request for the key set that is not 200, or not JSON.
  ['ERR_JOSE_GENERIC', 'keys-unavailable'],
  ...[
    'EAI_AGAIN',
    'ECONNABORTED',
    'ECONNREFUSED',
    'ECONNRESET',
    'EHOSTUNREACH',
    'ENETUNREACH',
    'ENOTFOUND',
    'EPIPE',
    'ETIMEDOUT',
    'UND_ERR_BODY_TIMEOUT',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_HEADERS_TIMEOUT',
    'UND_ERR_SOCKET',
    'EPROTO',
    'CERT_HAS_EXPIRED',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'ERR_SSL_WRONG_VERSION_NUMBER',
    'ERR_TLS_CERT_ALTNAME_INVALID',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  ].map((code): [string, VerifierFailure] => [code, 'keys-unavailable']),
])

/** `ERR_JWT_CLAIM_VALIDATION_FAILED` of jose, by its `claim`. */
const BY_CLAIM: ReadonlyMap<unknown, VerifierFailure> = new Map([
  ['aud', 'wrong-client'],
  ['client_id', 'wrong-client'],
  ['iss', 'wrong-pool'],
  ['token_use', 'invalid-claims'],
])

/**
 * Distinguishes a bad token from keys that cannot be read, by the name or the code of the error that the verifier threw. An
 * unknown error is `unverified`. So is an error that throws when it is read.
 */
export function reasonOfVerifierFailure(error: unknown): VerifierFailure {
  try {
    // A custom verifier says so itself.
    if (isRolecastError(error)) return error.retryable === true ? 'keys-unavailable' : 'unverified'
    const { name, code, claim, cause, message, constructor: made } = fieldsOf(error)
    if (code === 'ERR_JWT_CLAIM_VALIDATION_FAILED') return BY_CLAIM.get(claim) ?? 'unverified'
    return (
      find(BY_CODE, code) ??
      find(BY_NAME, name) ??
      (typeof made === 'function' ? find(BY_NAME, made.name) : undefined) ??
      // `fetch` has the code of the connection in the cause of its error.
      (name === 'TypeError' ? find(BY_CODE, fieldsOf(cause).code) : undefined) ??
      // aws-jwt-verify throws a ParameterValidationError for another issuer, and for a missing option too.
      (typeof message === 'string' && message.startsWith('issuer not configured: ') ? 'wrong-pool' : 'unverified')
    )
  } catch {
    return 'unverified'
  }
}

interface ErrorFields {
  readonly name?: unknown
  readonly code?: unknown
  readonly claim?: unknown
  readonly cause?: unknown
  readonly message?: unknown
  readonly constructor?: unknown
}

function fieldsOf(error: unknown): ErrorFields {
  return Object(error) as ErrorFields
}

function find(reasons: ReadonlyMap<string, VerifierFailure>, key: unknown): VerifierFailure | undefined {
  return typeof key === 'string' ? reasons.get(key) : undefined
}
