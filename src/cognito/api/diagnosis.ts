import type { ErrorCode } from '../../errors.js'

/** What a failure is. */
export interface Diagnosis {
  readonly code: ErrorCode
  readonly what?: string
  readonly next?: string
  /** Shown in place of the text of the cause, which can contain a credential: neither the text nor the cause is shown. */
  readonly instead?: string
}

/** The parts of an error that say what it is: those of the SDK, of its credential providers, and of Node. */
interface Symptoms {
  readonly name: string
  readonly code: string
  readonly message: string
  /** HTTP status of the response, if there was one. */
  readonly status: number | undefined
  /** The response was to be XML, as from STS. Cognito speaks JSON. */
  readonly isXml: boolean
  /** The system call that failed, if it is known to be of the network or of a file. */
  readonly place: 'network' | 'file' | undefined
}

/**
 * Says what the failure of an SDK call is. Only a failure that is known to be temporary is retryable, because an
 * expired group may be served then.
 *
 * The SDK loads credentials within the call, so a failure can be of the network, of Cognito, of STS, of a file, or of a
 * package that is missing.
 *
 * @param options.isFromIam the call was IAM's, which speaks XML as STS does: so an error in XML counts as IAM's
 */
export function diagnose(cause: unknown, { isFromIam = false }: { readonly isFromIam?: boolean } = {}): Diagnosis {
  for (const error of causesOf(cause)) {
    const symptoms = symptomsOf(error)
    const found = isFromIam ? diagnoseOfIam(symptoms) : diagnoseOne(symptoms)
    if (found !== undefined) return found
  }
  return { code: 'unexpected' }
}

function diagnoseOfIam(error: Symptoms): Diagnosis | undefined {
  const { status = 0, message } = error
  const isNotXml = error.isXml && message.startsWith('@aws-sdk XML parse error') && status < 400
  if (isNotXml) return MALFORMED
  const found = diagnoseOne({ ...error, isXml: false })
  return found === UNREACHABLE ? { code: 'unreachable' } : found
}

/** The error, and what it says is its cause: `fetch` has the network's error there. */
function causesOf(cause: unknown): readonly Readonly<Record<string, unknown>>[] {
  const causes: Readonly<Record<string, unknown>>[] = []
  for (let one = cause; typeof one === 'object' && one !== null && causes.length < 5;) {
    causes.push(one as Readonly<Record<string, unknown>>)
    one = causes.at(-1)?.cause
  }
  return causes
}

function symptomsOf(error: Readonly<Record<string, unknown>>): Symptoms {
  const { name, code, message, statusCode, $metadata } = error
  const status = ($metadata as { readonly httpStatusCode?: unknown } | undefined)?.httpStatusCode ?? statusCode
  return {
    name: text(name),
    code: text(code),
    message: text(message),
    status: typeof status === 'number' ? status : undefined,
    isXml: isXml(error),
    place: placeOf(error),
  }
}

/** STS's error has its `Error` even if the body was empty or HTML. */
function isXml(error: Readonly<Record<string, unknown>>): boolean {
  const { Type, Code, Error: element } = error
  if (typeof Type === 'string' && typeof Code === 'string') return true
  if (typeof element === 'object' && element !== null && 'Type' in element) return true
  return text(error.message).startsWith('@aws-sdk XML parse error')
}

/**
 * `read` and `write` are of sockets and of files, and a read of an open file has no path: Node says `read ECONNRESET` of a
 * socket, and `EISDIR: …, read` of a file. The attempts at several addresses fail as one error without a system call.
 */
function placeOf(error: Readonly<Record<string, unknown>>): Symptoms['place'] {
  const [first] = Array.isArray(error.errors) ? (error.errors as readonly unknown[]) : []
  const { syscall, code, message, path } = ('syscall' in error ? error : (first ?? error)) as typeof error
  const call = text(syscall)
  if (/^(?:connect|bind|getaddrinfo|query.*)$/.test(call)) return 'network'
  const isData = call === 'read' || call === 'write'
  if (isData && path === undefined && text(message).startsWith(`${call} ${text(code)}`)) return 'network'
  if (typeof path === 'string' || FILE_CALLS.test(call)) return 'file'
  return isData && text(message).startsWith(`${text(code)}: `) ? 'file' : undefined
}

const FILE_CALLS = /^(?:access|close|fstat|lstat|open|readlink|realpath|scandir|spawn.*|stat)$/

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

function diagnoseOne(error: Symptoms): Diagnosis | undefined {
  const { name, message } = error
  if (/^region is missing/i.test(message)) return { code: 'no-region' }
  return (
    ofClock(error) ??
    ofSignature(error) ??
    (PROVIDER_ERRORS.has(name) ? ofProvider(error) : undefined) ??
    (error.isXml ? ofSts(error) : undefined) ??
    ofName(name) ??
    ofSystemCode(error) ??
    ofBody(error) ??
    ofStatus(error.status)
  )
}

/** Shows only the two times of the message, because the rest can contain the request with its session token. */
function ofClock({ name, message }: Symptoms): Diagnosis | undefined {
  const times = /Signature (?:expired|not yet current): [\dTZ]{8,16} is (?:now earlier|still later) than [\dTZ]{8,16}/
  const [said] = times.exec(message) ?? []
  if (said === undefined && !CLOCK_ERRORS.has(name)) return undefined
  return { ...CLOCK, instead: said ?? name }
}

const CLOCK_ERRORS: ReadonlySet<string> = new Set(['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'])

const CLOCK: Diagnosis = {
  code: 'clock-skew',
  what: 'was rejected because the clock of this machine differs from that of AWS',
  next: 'set the clock, for example with NTP',
}

/** For a bad signature, AWS's message quotes the expected request, including the session token. */
function ofSignature({ name }: Symptoms): Diagnosis | undefined {
  return /Signature(Exception)?$|^SignatureDoesNotMatch$/.test(name) ? { ...WRONG_KEYS, instead: name } : undefined
}

const WRONG_KEYS: Diagnosis = {
  code: 'not-authorized',
  what: 'was sent with credentials that AWS does not accept',
  next: 'check that the access key, the secret key and the session token belong together and are current',
}

const PROVIDER_ERRORS: ReadonlySet<string> = new Set([
  'CredentialsProviderError',
  'TokenProviderError',
  'ProviderError',
])

/** Loading credentials failed, from files, profiles, IAM Identity Center, and the endpoints of containers and instances. */
function ofProvider(error: Symptoms): Diagnosis {
  const { message, status } = error
  // Its text is the command line and what the command printed.
  if (message.startsWith('Command failed'))
    return {
      code: 'no-credentials',
      instead: 'the `credential_process` of the profile failed',
      next: 'run that command on its own to see why',
    }
  const [, told = ''] = /^Server responded with status: (\d+)$/.exec(message) ?? []
  const [, network = ''] = /^(?:Error: )?(?:connect|getaddrinfo|read|write) (E[A-Z_]+)/.exec(message) ?? []
  const passes =
    isPassingStatus(status ?? Number(told)) ||
    isNetwork(error) ||
    (network !== '' && !isTlsCode(network)) ||
    message.startsWith('TimeoutError')
  return passes ? NO_METADATA : { code: 'no-credentials' }
}

/** The endpoint that has the credentials of a container or instance does not respond, or fails. */
export const NO_METADATA: Diagnosis = {
  code: 'unreachable',
  what: 'got no AWS credentials from the endpoint of the container or instance',
  next: 'try again; if it happens again, check that endpoint',
}

/** The same for the metadata service of EC2, when the SDK does not say so. */
export const NO_INSTANCE_METADATA: Diagnosis = {
  code: 'unreachable',
  what: 'got no AWS credentials from the metadata service of the EC2 instance',
  next: 'try again; if it happens again, check that service',
}

/** Whether a response with this HTTP status says that the same request may succeed later. */
export function isPassingStatus(status: number): boolean {
  return status === 408 || status === 429 || status >= 500
}

/** Whether a connection could not be made or was lost, although the host name is known. */
export function isConnectionFailure(cause: unknown): boolean {
  return causesOf(cause)
    .map(symptomsOf)
    .some(error => isNetwork(error) && !/^(?:EAI_.*|ENOTFOUND)$/.test(error.code))
}

/** STS or IAM rejected the call, or failed. */
function ofSts(error: Symptoms): Diagnosis | undefined {
  const { name, status = 0 } = error
  const passing = ofName(name)?.code
  if (passing === 'throttled' || status === 429)
    return { code: 'throttled', what: 'was throttled by AWS STS', next: 'try again later' }
  if (passing === 'service-error' || name.startsWith('IDPCommunicationError') || isPassingStatus(status))
    return { code: 'service-error', what: 'failed with a server error of AWS STS', next: 'try again later' }
  return {
    code: 'no-credentials',
    what: 'got no AWS credentials from AWS STS',
    next: name.startsWith('ExpiredToken')
      ? 'renew the token or the credentials that the role is assumed with'
      : 'check the role, its trust policy, and the token or credentials that it is assumed with',
  }
}

function ofName(name: string): Diagnosis | undefined {
  return Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined
}

const EXPIRED: Diagnosis = {
  code: 'not-authorized',
  what: 'was sent with credentials that have expired',
  next: 'renew the credentials, or sign in again',
}
const DENIED: Diagnosis = { code: 'not-authorized' }
const THROTTLED: Diagnosis = { code: 'throttled' }
const REJECTED: Diagnosis = { code: 'request-rejected' }
const SERVER_ERROR: Diagnosis = { code: 'service-error' }
const TIMED_OUT: Diagnosis = { code: 'timeout', what: 'got a timeout as the response', next: 'try again later' }
const MALFORMED: Diagnosis = { code: 'malformed-response' }
/** The SDK loads credentials within the call, so a lost connection may be to either service. */
const UNREACHABLE: Diagnosis = {
  code: 'unreachable',
  what: 'did not reach Cognito or the source of its credentials',
}

/** Names of exceptions, of AWS and of the SDK. */
const BY_NAME: Readonly<Record<string, Diagnosis>> = {
  NotAuthorizedException: DENIED,
  AccessDenied: DENIED,
  AccessDeniedException: DENIED,
  ForbiddenException: DENIED,
  ExpiredToken: EXPIRED,
  ExpiredTokenException: EXPIRED,
  UnrecognizedClientException: WRONG_KEYS,
  InvalidClientTokenId: WRONG_KEYS,
  InvalidAccessKeyId: WRONG_KEYS,
  AuthFailure: WRONG_KEYS,
  MissingAuthenticationToken: WRONG_KEYS,
  MissingAuthenticationTokenException: WRONG_KEYS,
  OptInRequired: {
    code: 'not-authorized',
    what: 'was rejected because the account is not subscribed to the service or the Region',
    next: 'enable the Region in the account, or check the region',
  },
  TooManyRequestsException: THROTTLED,
  Throttling: THROTTLED,
  ThrottlingException: THROTTLED,
  ThrottledException: THROTTLED,
  RequestLimitExceeded: THROTTLED,
  RequestThrottled: THROTTLED,
  RequestThrottledException: THROTTLED,
  SlowDown: THROTTLED,
  InvalidParameterException: REJECTED,
  ValidationException: REJECTED,
  InternalError: SERVER_ERROR,
  InternalErrorException: SERVER_ERROR,
  InternalFailure: SERVER_ERROR,
  InternalServerError: SERVER_ERROR,
  ServiceUnavailable: SERVER_ERROR,
  ServiceUnavailableException: SERVER_ERROR,
  RequestTimeout: SERVER_ERROR,
  RequestTimeoutException: SERVER_ERROR,
  TimeoutError: UNREACHABLE,
}

/** `code` of an error of Node. */
function ofSystemCode(error: Symptoms): Diagnosis | undefined {
  const { code, message, place } = error
  if (isNetwork(error)) {
    if (/\b(sts|oidc|portal\.sso|signin)\./.test(message)) return NO_SIGN_IN
    return /\bcognito-(?:idp|identity)\b/.test(message) ? { code: 'unreachable' } : UNREACHABLE
  }
  // Without the error, which contains what was received.
  if (/^HPE_[A-Z_]+$/.test(code)) return { ...MALFORMED, instead: `${code}: the response is not HTTP` }
  if (isTlsCode(code))
    return {
      code: 'tls-failed',
      next: 'give the CA of a proxy or emulator in NODE_EXTRA_CA_CERTS, or check the endpoint',
    }
  if (MODULE_CODES.has(code))
    return {
      code: 'missing-package',
      what: 'could not load a package that it needs',
      next: 'install the package, or include it in the bundle',
    }
  if (FILE_CODES.has(code) || (place === 'file' && code !== ''))
    return {
      code: 'no-credentials',
      what: 'could not read a file of the AWS configuration',
      next: 'check the file, and the AWS_* variable or the profile that names it',
    }
  // Everything else that is put into a header is checked before.
  if (code === 'ERR_INVALID_CHAR')
    return {
      code: 'no-credentials',
      what: 'has credentials with a character that an HTTP header cannot contain',
      next: 'look for a line break or a space at the end of the access key or the session token',
    }
  if (code === 'ERR_INVALID_URL')
    return {
      code: 'invalid-option',
      what: 'has an address that is not a URL',
      next: 'check `endpoint`, the AWS_ENDPOINT_URL* and AWS_CONTAINER_CREDENTIALS_* variables, and the profile',
    }
  return undefined
}

const NO_SIGN_IN: Diagnosis = {
  code: 'unreachable',
  what: 'did not reach AWS STS or the sign-in service',
  next: 'check the network and the region, then try again',
}

/**
 * The network, and nothing else: what is neither in this list nor the failure of a system call of the network is not tried
 * again. Not here: ENODATA, which files have too, and EBADNAME, a name that stays wrong.
 */
const NETWORK_CODES: ReadonlySet<string> = new Set([
  'EADDRNOTAVAIL',
  'EAI_AGAIN',
  'EAI_FAIL',
  'EAI_MEMORY',
  'EAI_NODATA',
  'EAI_NONAME',
  'EAI_SYSTEM',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'ENETUNREACH',
  'ENOBUFS',
  'ENOTCONN',
  'ENOTFOUND',
  'EPIPE',
  'EREFUSED',
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ESERVFAIL',
  'ETIMEDOUT',
  'ETIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_RES_CONTENT_LENGTH_MISMATCH',
  'UND_ERR_SOCKET',
])

/** A system call of the network may fail with a code that files have too: `connect EACCES`, `getaddrinfo EMFILE`. */
function isNetwork({ code, place }: Symptoms): boolean {
  if (isTlsCode(code) || code === 'EBADNAME') return false
  return place === 'network' || (place !== 'file' && NETWORK_CODES.has(code))
}

/** A certificate that is not trusted, with OpenSSL's names, or a failed handshake. */
function isTlsCode(code: string): boolean {
  return X509_CODES.has(code) || code === 'EPROTO' || /^ERR_(SSL|TLS)_/.test(code)
}

/** @see https://nodejs.org/api/tls.html#x509-certificate-error-codes */
const X509_CODES: ReadonlySet<string> = new Set([
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'CERT_SIGNATURE_FAILURE',
  'CRL_SIGNATURE_FAILURE',
  'CERT_NOT_YET_VALID',
  'CERT_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_HAS_EXPIRED',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'OUT_OF_MEM',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'CERT_CHAIN_TOO_LONG',
  'CERT_REVOKED',
  'INVALID_CA',
  'PATH_LENGTH_EXCEEDED',
  'INVALID_PURPOSE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'HOSTNAME_MISMATCH',
])

const MODULE_CODES: ReadonlySet<string> = new Set([
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
  'ERR_PACKAGE_PATH_NOT_EXPORTED',
  'ERR_UNSUPPORTED_DIR_IMPORT',
])

const FILE_CODES: ReadonlySet<string> = new Set([
  'EACCES',
  'EISDIR',
  'ELOOP',
  'EMFILE',
  'ENAMETOOLONG',
  'ENFILE',
  'ENOENT',
  'ENOTDIR',
  'EPERM',
])

/** The SDK could not parse the body: HTML from a proxy, cut-off JSON. */
function ofBody({ name, status }: Symptoms): Diagnosis | undefined {
  if (name !== 'SyntaxError') return undefined
  // Without a status it is not a response of Cognito but a file or response with credentials, which the message quotes.
  return status === undefined
    ? { code: 'no-credentials', instead: 'the response or file with the credentials is not JSON' }
    : (PASSING_STATUS[status] ?? MALFORMED)
}

function ofStatus(status: number | undefined): Diagnosis | undefined {
  if (status === undefined || status < 400) return undefined
  if (Object.hasOwn(PASSING_STATUS, status)) return PASSING_STATUS[status]
  if (status === 401 || status === 403) return DENIED
  return status >= 500 ? SERVER_ERROR : REJECTED
}

/** What the status alone shows, whatever the body is. */
const PASSING_STATUS: Readonly<Record<number, Diagnosis>> = { 408: TIMED_OUT, 429: THROTTLED }
