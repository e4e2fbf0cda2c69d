import { compactVerify, createLocalJWKSet, errors, type JSONWebKeySet } from 'jose'
import { onAbort } from '../abort.js'
import { poolOfIssuer, REGION_PATTERN, isUserPoolId } from '../aws-ids.js'
import { MAX_TIMER, numberOption } from '../cognito/api/connection-options.js'
import { diagnose } from '../cognito/api/diagnosis.js'
import { orAbort } from '../cognito/api/abort.js'
import { type ErrorCode, quote, RolecastError } from '../errors.js'
import { invalidOption } from '../record.js'

export interface IssuerOptions {
  readonly userPoolId: string
  /** Undefined for an address of AWS's. */
  readonly endpoint: string | undefined
}

/**
 * The issuers that tokens of a user pool can have. With an endpoint, also that endpoint: an emulator may name itself or
 * Cognito.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-tokens-verifying-a-jwt.html
 */
function issuersOf({ userPoolId, endpoint }: IssuerOptions): readonly string[] {
  const region = userPoolId.slice(0, Math.max(0, userPoolId.lastIndexOf('_')))
  const domain = `amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
  const ofCognito =
    REGION_PATTERN.test(region) && !UNKNOWN_PARTITION.test(region)
      ? ['cognito-idp', 'issuer-cognito-idp'].map(host => `https://${host}.${region}.${domain}/${userPoolId}`)
      : []
  if (ofCognito.length === 0 && endpoint === undefined)
    throw invalidOption(
      `the issuer of user pool ${quote(userPoolId)} is unknown, because the ID does not begin with a Region whose host names are public; for an emulator, give its address as \`endpoint\``,
      userPoolId,
    )
  return endpoint === undefined ? ofCognito : [`${withoutSlash(endpoint)}/${userPoolId}`, ...ofCognito]
}

const UNKNOWN_PARTITION = /^(us-iso|eu-iso|eusc-)/

/** @throws RolecastError `wrong-user-pool` */
export function checkIssuer(issuer: string, options: IssuerOptions): void {
  if (issuersOf(options).includes(issuer)) return
  const other = poolOfIssuer(issuer)
  const wanted = quote(options.userPoolId)
  const what =
    other === options.userPoolId
      ? `user pool ${wanted} at ${quote(issuer.slice(0, issuer.lastIndexOf('/')))}, which is not ${options.endpoint === undefined ? 'where Cognito has that pool' : quote(withoutSlash(options.endpoint))}`
      : isUserPoolId(other)
        ? `user pool ${quote(other)} and not by ${wanted}`
        : `something other than user pool ${wanted}`
  const next =
    other === options.userPoolId && options.endpoint === undefined
      ? 'if that is an emulator, give its address as `endpoint`'
      : 'give the user pool that issued it'
  throw new RolecastError('wrong-user-pool', `the token was issued by ${what}; ${next}`)
}

/** Where the keys of a user pool are. */
export function keysUrlOf(issuer: string, { userPoolId, endpoint }: IssuerOptions): string {
  if (endpoint === undefined) return `${issuer}/.well-known/jwks.json`
  const { protocol, hostname } = new URL(endpoint)
  if (protocol !== 'https:' && !LOOPBACK.test(hostname))
    throw invalidOption(
      `keys are not read from ${quote(endpoint)}, because they could be replaced on the way over http; give an https address, an endpoint on this machine, or the keys themselves`,
      endpoint,
    )
  return `${withoutSlash(endpoint)}/${userPoolId}/.well-known/jwks.json`
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

function withoutSlash(endpoint: string): string {
  return endpoint.endsWith('/') ? endpoint.slice(0, -1) : endpoint
}

export interface FetchKeysOptions {
  readonly signal: AbortSignal
  /** Milliseconds. */
  readonly timeout?: number | undefined
}

/** More than a thousand keys need. */
const MAX_KEYS_BYTES = 2 ** 20

/**
 * The keys at an address, unchecked. It follows no redirect, sends nothing but the request, and waits at most the
 * timeout for the whole response.
 *
 * @throws RolecastError as a rejection
 */
export async function fetchKeys(url: string, options: FetchKeysOptions): Promise<unknown> {
  const timeout = numberOption(options, 'timeout', { default: 5_000, min: 1, max: MAX_TIMER })
  const deadline = new AbortController()
  const ignoreOuter = onAbort(options.signal, () => deadline.abort(options.signal.reason))
  const timer = setTimeout(() => deadline.abort(), timeout)
  try {
    return await orAbort(readKeys(url, deadline.signal), deadline.signal)
  } catch (cause) {
    if (options.signal.aborted) throw failed(url, 'aborted', 'was aborted', AGAIN)
    if (deadline.signal.aborted) throw failed(url, 'timeout', `took too long (${timeout} ms)`, OFFLINE)
    if (cause instanceof RolecastError) throw cause
    // `fetch` only fails because of the network.
    const { code } = diagnose(cause)
    throw failed(url, code === 'unexpected' ? 'unreachable' : code, 'failed', OFFLINE, cause)
  } finally {
    clearTimeout(timer)
    ignoreOuter()
  }
}

const AGAIN = 'call again'
const OFFLINE = 'check the network, or give the keys of the user pool as a file'

async function readKeys(url: string, signal: AbortSignal): Promise<unknown> {
  const response = await fetch(url, { signal, redirect: 'manual', headers: { accept: 'application/json' } })
  const { status } = response
  if (status !== 200) {
    void response.body?.cancel().catch(() => {})
    const [code, next] = refusalOf(status)
    throw failed(url, code, `got HTTP status ${status}`, next)
  }
  const text = await readText(response, url)
  try {
    return JSON.parse(text)
  } catch {
    throw failed(url, 'malformed-response', 'got a response that is not JSON', ENDPOINT)
  }
}

const ENDPOINT = 'check that the address is that of the user pool, and that no proxy responds instead'

function refusalOf(status: number): readonly [ErrorCode, string] {
  if (status === 429) return ['throttled', 'try again later']
  if (status >= 500) return ['service-error', 'try again later']
  if (status >= 300 && status < 400) return ['malformed-response', `redirections are not followed; ${ENDPOINT}`]
  return ['pool-not-found', 'check the user pool ID']
}

async function readText(response: Response, url: string): Promise<string> {
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > MAX_KEYS_BYTES) throw failed(url, 'malformed-response', 'got more than 1 MB', ENDPOINT)
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}

function failed(url: string, code: ErrorCode, what: string, next: string, cause?: unknown): RolecastError {
  const retryable = ['throttled', 'timeout', 'unreachable', 'service-error'].includes(code)
  return new RolecastError(code, `reading the keys at ${quote(url)} ${what}; ${next}`, {
    value: url,
    retryable,
    ...(cause !== undefined && { cause }),
  })
}

/** The keys to check a token with. */
export interface KeySet {
  /** A JSON Web Key Set, unchecked. */
  readonly keys: unknown
  /** Where they were read from. Absent: they were given. */
  readonly url?: string
}

/**
 * Checks that a key of the user pool signed a token, with RS256: Cognito uses no other algorithm, and an algorithm that
 * the token chooses may prove nothing. Returns what was signed.
 *
 * @throws RolecastError as a rejection: `invalid-signature`, `invalid-token`, or `invalid-input` for keys that cannot be used.
 * None has a cause, because those of jose quote what they parse.
 */
export async function checkSignature(token: string, keySet: KeySet): Promise<Uint8Array> {
  let keyOf: ReturnType<typeof createLocalJWKSet>
  try {
    keyOf = createLocalJWKSet(keySet.keys as JSONWebKeySet)
  } catch {
    throw unusableKeys(keySet, 'they are not a JSON Web Key Set')
  }
  try {
    const { payload } = await compactVerify(token, keyOf, { algorithms: ['RS256'] })
    return payload
  } catch (error) {
    throw toSignatureError(error, keySet)
  }
}

function toSignatureError(error: unknown, keySet: KeySet): RolecastError {
  const { code } = error instanceof errors.JOSEError ? error : { code: undefined }
  switch (code) {
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return unsigned(keySet, 'it is not signed with RS256, the algorithm that Cognito uses')
    case 'ERR_JWKS_NO_MATCHING_KEY':
      return unsigned(keySet, `none of the ${keysOf(keySet)} has the ID that the token names`)
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return unsigned(keySet, `of the ${keysOf(keySet)}, the one that the token names did not sign it`)
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return unusableKeys(keySet, 'several have the ID that the token names')
    case 'ERR_JWS_INVALID':
      return new RolecastError(
        'invalid-token',
        'the token cannot be used: it is not a signed JSON Web Token; give the whole token',
      )
    default:
      return unusableKeys(keySet, 'the one that the token names is not a public RSA key of at least 2,048 bits')
  }
}

function keysOf({ url }: KeySet): string {
  return url === undefined ? 'keys that were given' : `keys at ${quote(url)}`
}

function unsigned(keySet: KeySet, why: string): RolecastError {
  const next = keySet.url === undefined ? ', and the current keys of that pool' : ''
  return new RolecastError(
    'invalid-signature',
    `the signature of the token is not valid: ${why}; give a token that the user pool issued${next}`,
  )
}

function unusableKeys(keySet: KeySet, why: string): RolecastError {
  const next = keySet.url === undefined ? 'give what is at `/.well-known/jwks.json` of the user pool' : ENDPOINT
  return new RolecastError('invalid-input', `the ${keysOf(keySet)} cannot be used: ${why}; ${next}`)
}
