import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import * as fc from 'fast-check'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createGroupSource, getIdentityPoolRoles, type GroupSourceOptions } from '../../../src/cognito/index.js'
import { toFailure } from '../../../src/cognito/api/api-error.js'
import { explainFailure } from '../../../src/cognito/api/container-credentials.js'
import type { ErrorCode, RolecastError } from '../../../src/errors.js'
import { failureOf } from '../../failure-of.js'
import { endpointClient, startCognitoEndpoint } from '../cognito-endpoint.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const context = { operation: 'GetGroup', userPoolId, groupName: 'admins' } as const
const named = (name: string, message = 'said', more: object = {}) =>
  Object.assign(new Error(message), { name, ...more })
const coded = (code: string, message = `${code} was met`) => Object.assign(new Error(message), { code })
/** As Node has the failure of a system call, of a socket or of a file. */
const ofSocket = (syscall: string, code: string, rest = '127.0.0.1:443') =>
  Object.assign(coded(code, `${syscall} ${code} ${rest}`), { syscall })
const ofFile = (syscall: string, code: string, more: object = {}) =>
  Object.assign(coded(code, `${code}: no luck, ${syscall}`), { syscall, ...more })
const answered = (status: number, name = 'Error', more: object = {}) =>
  named(name, 'said', { $metadata: { httpStatusCode: status }, ...more })
/** As the SDK has an error of STS whose body is empty or HTML. */
const stsWithoutBody = (status: number) =>
  answered(status, 'Unknown', { Error: { Type: undefined, Code: undefined, Message: 'Unknown' } })
/** As the SDK has an error of STS, which speaks XML. */
const sts = (name: string, status = 403, message = 'sts said') =>
  named(name, message, { Type: 'Sender', Code: name, $metadata: { httpStatusCode: status } })
const provider = (message: string, more: object = {}) =>
  named('CredentialsProviderError', message, { tryNextLink: true, ...more })

const NETWORK: readonly string[] = [
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
]

const TLS = [
  'CERT_CHAIN_TOO_LONG',
  'CERT_HAS_EXPIRED',
  'CERT_NOT_YET_VALID',
  'CERT_REJECTED',
  'CERT_REVOKED',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CRL_HAS_EXPIRED',
  'CRL_NOT_YET_VALID',
  'CRL_SIGNATURE_FAILURE',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'EPROTO',
  'ERROR_IN_CERT_NOT_AFTER_FIELD',
  'ERROR_IN_CERT_NOT_BEFORE_FIELD',
  'ERROR_IN_CRL_LAST_UPDATE_FIELD',
  'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_TLS_CERT_ALTNAME_INVALID',
  'ERR_TLS_HANDSHAKE_TIMEOUT',
  'HOSTNAME_MISMATCH',
  'INVALID_CA',
  'INVALID_PURPOSE',
  'OUT_OF_MEM',
  'PATH_LENGTH_EXCEEDED',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
  'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
  'UNABLE_TO_GET_CRL',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]

type Row = readonly [what: string, error: unknown, code: ErrorCode, retryable: boolean, said: RegExp]

const NAMES: readonly [ErrorCode, boolean, RegExp, readonly string[]][] = [
  [
    'not-authorized',
    false,
    /allow cognito-idp:GetGroup/,
    ['NotAuthorizedException', 'AccessDenied', 'AccessDeniedException', 'ForbiddenException'],
  ],
  ['not-authorized', false, /have expired .*; renew/, ['ExpiredToken', 'ExpiredTokenException']],
  [
    'not-authorized',
    false,
    /does not accept .*; check that the access key/,
    [
      'UnrecognizedClientException',
      'InvalidClientTokenId',
      'InvalidAccessKeyId',
      'AuthFailure',
      'MissingAuthenticationToken',
      'MissingAuthenticationTokenException',
      'IncompleteSignature',
      'IncompleteSignatureException',
      'InvalidSignatureException',
      'SignatureDoesNotMatch',
    ],
  ],
  ['not-authorized', false, /not subscribed .*; enable the Region/, ['OptInRequired']],
  [
    'clock-skew',
    false,
    /clock of this machine .*; set the clock/,
    ['RequestTimeTooSkewed', 'RequestExpired', 'RequestInTheFuture'],
  ],
  [
    'throttled',
    true,
    /was throttled .*; try again later/,
    [
      'TooManyRequestsException',
      'Throttling',
      'ThrottlingException',
      'ThrottledException',
      'RequestLimitExceeded',
      'RequestThrottled',
      'RequestThrottledException',
      'SlowDown',
    ],
  ],
  ['request-rejected', false, /rejected as invalid/, ['InvalidParameterException', 'ValidationException']],
  [
    'service-error',
    true,
    /server error/,
    [
      'InternalError',
      'InternalErrorException',
      'InternalFailure',
      'InternalServerError',
      'ServiceUnavailable',
      'ServiceUnavailableException',
      'RequestTimeout',
      'RequestTimeoutException',
    ],
  ],
  ['unreachable', true, /did not reach Cognito or the source of its credentials/, ['TimeoutError']],
]

const ROWS: readonly Row[] = [
  ...NETWORK.map((code): Row => [
    code,
    coded(code),
    'unreachable',
    true,
    /did not reach Cognito or the source of its credentials .*; check the network/,
  ]),
  ...['connect', 'bind', 'getaddrinfo', 'read', 'write', 'queryA'].flatMap(syscall =>
    ['EACCES', 'EPERM', 'EMFILE', 'ENFILE', 'ENOENT', 'ENODATA', 'ENOSYS'].map((code): Row => [
      `${syscall} ${code}`,
      ofSocket(syscall, code),
      'unreachable',
      true,
      /did not reach Cognito or/,
    ]),
  ),
  [
    'connect EACCES at several addresses',
    Object.assign(new AggregateError([ofSocket('connect', 'EACCES'), ofSocket('connect', 'ENETUNREACH')]), {
      code: 'EACCES',
    }),
    'unreachable',
    true,
    /did not reach/,
  ],
  [
    'connect EMFILE of fetch',
    Object.assign(new TypeError('fetch failed'), { cause: ofSocket('connect', 'EMFILE') }),
    'unreachable',
    true,
    /did not reach/,
  ],
  ['a name that stays wrong', ofSocket('queryA', 'EBADNAME', 'x..y'), 'unexpected', false, /see the cause/],
  ['a handshake that fails', ofSocket('write', 'EPROTO'), 'tls-failed', false, /NODE_EXTRA_CA_CERTS/],
  ...['ENODATA', 'EBADNAME'].map((code): Row => [
    `${code} of nothing in particular`,
    coded(code),
    'unexpected',
    false,
    /see the cause/,
  ]),
  ...['open', 'stat', 'scandir', 'readlink', 'spawn get'].flatMap(syscall =>
    ['EACCES', 'EMFILE', 'EIO', 'ETIMEDOUT'].map((code): Row => [
      `the file that fails with ${syscall} ${code}`,
      ofFile(syscall, code),
      'no-credentials',
      false,
      /could not read a file/,
    ]),
  ),
  ...(
    [
      ['EISDIR', {}],
      ['EACCES', {}],
      ['ETIMEDOUT', {}],
      ['ECONNRESET', { path: '/mnt/token' }],
    ] as const
  ).map(([code, more]): Row => [
    `the file that fails with read ${code}`,
    ofFile('read', code, more),
    'no-credentials',
    false,
    /could not read a file/,
  ]),
  [
    'Cognito out of reach by its name',
    ofSocket('getaddrinfo', 'ENOTFOUND', 'cognito-idp.eu-west-1.amazonaws.com'),
    'unreachable',
    true,
    /did not reach Cognito \(/,
  ],
  ...['HPE_INVALID_CONSTANT', 'HPE_HEADER_OVERFLOW'].map((code): Row => [
    `${code}, which is no HTTP`,
    Object.assign(coded(code, 'Parse Error: Expected HTTP/'), { rawPacket: 'hunter2' }),
    'malformed-response',
    false,
    /\(HPE_[A-Z_]+: the response is not HTTP\); check that the endpoint/,
  ]),
  ...TLS.map((code): Row => [code, coded(code), 'tls-failed', false, /; .*NODE_EXTRA_CA_CERTS/]),
  ...['ENOENT', 'EACCES', 'EISDIR', 'EPERM', 'ENOTDIR', 'ELOOP', 'EMFILE', 'ENFILE', 'ENAMETOOLONG'].map(
    (code): Row => [code, coded(code), 'no-credentials', false, /could not read a file .*; check the file/],
  ),
  ...['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND', 'ERR_PACKAGE_PATH_NOT_EXPORTED', 'ERR_UNSUPPORTED_DIR_IMPORT'].map(
    (code): Row => [code, coded(code), 'missing-package', false, /could not load a package .*; install/],
  ),
  [
    'ERR_INVALID_URL',
    coded('ERR_INVALID_URL', 'Invalid URL'),
    'invalid-option',
    false,
    /not a URL .*; check `endpoint`/,
  ],
  ...['ENOSPC', 'EINVAL', 'EBADF', 'ERR_INVALID_ARG_TYPE', 'UND_ERR_INVALID_ARG', 'CERTAINLY_NOT', 'ECERT'].map(
    (code): Row => [`${code}, which is not known`, coded(code), 'unexpected', false, /failed .*; see the cause/],
  ),
  ...NAMES.flatMap(([code, retryable, said, names]) =>
    names.map((name): Row => [name, answered(400, name), code, retryable, said]),
  ),
  [
    "fetch's failure",
    Object.assign(new TypeError('fetch failed'), { cause: coded('ECONNRESET') }),
    'unreachable',
    true,
    /did not reach/,
  ],
  [
    "fetch's failure of TLS",
    Object.assign(new TypeError('fetch failed'), { cause: coded('CERT_HAS_EXPIRED') }),
    'tls-failed',
    false,
    /NODE_EXTRA/,
  ],
  ['a 429', answered(429), 'throttled', true, /was throttled/],
  ['a 401', answered(401), 'not-authorized', false, /allow/],
  ['a 403', answered(403), 'not-authorized', false, /allow/],
  ['a 400', answered(400), 'request-rejected', false, /rejected/],
  ['a 501', answered(501), 'service-error', true, /server error/],
  ['a 302', answered(302), 'unexpected', false, /see the cause/],
  ['HTML with a 200', answered(200, 'SyntaxError'), 'malformed-response', false, /does not match/],
  ['a 408', answered(408), 'timeout', true, /got a timeout as the response .*; try again later/],
  ['HTML with a 429', answered(429, 'SyntaxError'), 'throttled', true, /was throttled/],
  ['HTML with a 408', answered(408, 'SyntaxError'), 'timeout', true, /got a timeout as the response/],
  ['HTML with a 403', answered(403, 'SyntaxError'), 'malformed-response', false, /does not match/],
  ['HTML with a 502', answered(502, 'SyntaxError'), 'malformed-response', true, /does not match/],
  ['a text', 'boom', 'unexpected', false, /see the cause/],
  ['nothing', undefined, 'unexpected', false, /see the cause/],
  ['an error that is its own cause', ownCause(), 'unexpected', false, /see the cause/],
  ['no region', named('Error', 'Region is missing'), 'no-region', false, /; give `region`/],

  [
    'no credentials',
    provider('Could not load credentials from any providers', { tryNextLink: false }),
    'no-credentials',
    false,
    /found no AWS credentials .*; set AWS_PROFILE/,
  ],
  ['a token provider', named('TokenProviderError', 'Token is expired.'), 'no-credentials', false, /Token is expired/],
  [
    'SSO that expired',
    provider('The SSO session associated with this profile has expired.'),
    'no-credentials',
    false,
    /SSO session .* expired.*sign in again/,
  ],
  [
    'SSO that said no',
    provider('UnauthorizedException: Session token not found or invalid'),
    'no-credentials',
    false,
    /Session token/,
  ],
  [
    'a container endpoint that refuses',
    provider('Error: connect ECONNREFUSED 127.0.0.1:1'),
    'unreachable',
    true,
    /endpoint of the container/,
  ],
  ...[
    'Error: connect EMFILE 127.0.0.1:1',
    'Error: connect EACCES 127.0.0.1:1',
    'Server responded with status: 429',
  ].map((message): Row => [
    `a container endpoint with ${message}`,
    provider(message),
    'unreachable',
    true,
    /endpoint of the container/,
  ]),
  [
    'a container endpoint whose TLS fails',
    provider('Error: write EPROTO 00:error'),
    'no-credentials',
    false,
    /found no AWS credentials/,
  ],
  [
    'instance metadata that cannot be asked',
    Object.assign(named('ProviderError', 'Unable to connect to instance metadata service'), {
      code: 'EMFILE',
      syscall: 'connect',
    }),
    'unreachable',
    true,
    /endpoint of the container or instance/,
  ],
  ...[408, 429].map((statusCode): Row => [
    `instance metadata with a ${statusCode}`,
    named('ProviderError', 'Error response received', { statusCode }),
    'unreachable',
    true,
    /endpoint of the container or instance/,
  ]),
  [
    'a container endpoint that is slow',
    provider('TimeoutError: socket'),
    'unreachable',
    true,
    /endpoint of the container/,
  ],
  [
    'a container endpoint with a 503',
    provider('Server responded with status: 503'),
    'unreachable',
    true,
    /endpoint of the container/,
  ],
  [
    'a container endpoint with a 403',
    provider('Server responded with status: 403'),
    'no-credentials',
    false,
    /found no AWS credentials/,
  ],
  [
    'a container endpoint that is no URL',
    provider('x is not a valid container metadata service hostname'),
    'no-credentials',
    false,
    /hostname/,
  ],
  [
    'instance metadata that refuse',
    named('ProviderError', 'Unable to connect to instance metadata service', { code: 'ECONNREFUSED' }),
    'unreachable',
    true,
    /endpoint of the container or instance/,
  ],
  [
    'instance metadata that are slow',
    named('ProviderError', 'TimeoutError from instance metadata service'),
    'unreachable',
    true,
    /endpoint of the container or instance/,
  ],
  [
    'instance metadata with a 500',
    named('ProviderError', 'Error response received', { statusCode: 500 }),
    'unreachable',
    true,
    /endpoint of the container or instance/,
  ],
  [
    'instance metadata with a 404',
    named('ProviderError', 'Error response received', { statusCode: 404 }),
    'no-credentials',
    false,
    /no AWS credentials/,
  ],
  [
    'a provider with a code that is not of the network',
    provider('Error: spawn ECONNRESET', { code: 'ENOENT' }),
    'no-credentials',
    false,
    /no AWS credentials/,
  ],
  [
    'a credential_process',
    provider('Command failed: get --password hunter2'),
    'no-credentials',
    false,
    /credential_process.*; run that command/,
  ],
  [
    'credentials that are not JSON',
    named('SyntaxError', `Unexpected token 'h', "hunter2" is not valid JSON`),
    'no-credentials',
    false,
    /not JSON/,
  ],

  ...[
    'AccessDenied',
    'InvalidIdentityToken',
    'IDPRejectedClaim',
    'RegionDisabledException',
    'ValidationError',
    'MalformedPolicyDocument',
    'NovelFailure',
  ].map((name): Row => [
    `STS: ${name}`,
    sts(name),
    'no-credentials',
    false,
    /no AWS credentials from AWS STS \(sts said\); check the role, its trust policy/,
  ]),
  [
    'STS: ExpiredTokenException',
    sts('ExpiredTokenException'),
    'no-credentials',
    false,
    /from AWS STS .*; renew the token/,
  ],
  ['STS: Throttling', sts('Throttling', 400), 'throttled', true, /throttled by AWS STS/],
  ['STS: ServiceUnavailable', sts('ServiceUnavailable', 503), 'service-error', true, /server error of AWS STS/],
  ['STS: IDPCommunicationError', sts('IDPCommunicationError', 400), 'service-error', true, /server error of AWS STS/],
  ['STS: a 500', sts('Error', 500), 'service-error', true, /server error of AWS STS/],
  ['STS: an empty 503', stsWithoutBody(503), 'service-error', true, /server error of AWS STS/],
  ['STS: an empty 408', stsWithoutBody(408), 'service-error', true, /server error of AWS STS/],
  ['STS: an empty 429', stsWithoutBody(429), 'throttled', true, /throttled by AWS STS/],
  ['STS: an empty 403', stsWithoutBody(403), 'no-credentials', false, /no AWS credentials from AWS STS/],
  [
    'STS: HTML that is no XML',
    Object.assign(answered(502), { message: '@aws-sdk XML parse error: missing closing tag </html>.' }),
    'service-error',
    true,
    /server error of AWS STS/,
  ],
  ['STS: SignatureDoesNotMatch', sts('SignatureDoesNotMatch'), 'not-authorized', false, /does not accept/],
  [
    'STS out of reach',
    coded('ENOTFOUND', 'getaddrinfo ENOTFOUND sts.eu-west-1.amazonaws.com'),
    'unreachable',
    true,
    /did not reach AWS STS or the sign-in service/,
  ],
  [
    'a clock that is behind',
    answered(400, 'InvalidSignatureException', {
      message: 'Signature expired: 20141104T062952Z is now earlier than 20141104T063000Z (hunter2)',
    }),
    'clock-skew',
    false,
    /\(Signature expired: 20141104T062952Z is now earlier than 20141104T063000Z\); set the clock/,
  ],
  [
    'a clock that is ahead',
    answered(403, 'SignatureDoesNotMatch', {
      message: 'Signature not yet current: 20170731T092200Z is still later than 20170731T092115Z (hunter2)',
    }),
    'clock-skew',
    false,
    /not yet current/,
  ],
  [
    'a signature that is wrong',
    answered(403, 'SignatureDoesNotMatch', { message: 'The Canonical String should have been hunter2' }),
    'not-authorized',
    false,
    /does not accept .*\(SignatureDoesNotMatch\)/,
  ],
]

function ownCause(): Error {
  const error = new Error('round and round')
  error.cause = error
  return error
}

/** Whether it has to be retryable, by the tables above and nothing of the source. */
const PASSING: ReadonlySet<ErrorCode> = new Set([
  'throttled',
  'timeout',
  'unreachable',
  'service-error',
  'malformed-response',
])

describe('every failure has its code', () => {
  test.each(ROWS)('%s', (_what, error, code, retryable, said) => {
    const failed = toFailure(error, context)
    expect(failed).toMatchObject({ code, retryable, groupName: 'admins' })
    expect(failed.message).toMatch(said)
    expect(failed.message).toMatch(/^GetGroup for group `admins` of user pool `eu-west-1_Ab12Cd34e` .*; \S+/)
    if (retryable) expect(PASSING.has(code)).toBe(true)
    expect(inspect(failed, { depth: Infinity, showHidden: true }), 'no credential is left in it').not.toContain(
      'hunter2',
    )
  })

  test('control: the errors of the table have the credential in them', () => {
    expect(ROWS.filter(([, error]) => inspect(error).includes('hunter2'))).toHaveLength(7)
  })

  test('only codes of the closed list are retryable', () => {
    const codes = fc.oneof(
      fc.stringMatching(/^E[A-Z]{2,12}$/),
      fc.stringMatching(/^(ERR|UND_ERR|EAI)_[A-Z_]{2,12}$/),
      fc.stringMatching(/^[A-Z_]{0,8}CERT[A-Z_]{0,8}$/),
      fc.constantFrom(...NETWORK),
    )
    fc.assert(
      fc.property(
        codes,
        fc.constantFrom('Error', 'TypeError', 'SystemError', 'CredentialsProviderError'),
        (code, name) => {
          const { retryable } = toFailure(named(name, 'said', { code }), context)
          expect(retryable).toBe(NETWORK.includes(code))
        },
      ),
      { numRuns: 1_000 },
    )
  })

  test('no code makes the failure of a file retryable', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.stringMatching(/^E[A-Z]{2,12}$/), fc.constantFrom(...NETWORK)),
        fc.constantFrom('open', 'stat', 'scandir', 'readlink', 'spawn', 'read', 'write'),
        fc.constantFrom({}, { path: '/var/run/token' }),
        (code, syscall, more) => {
          expect(toFailure(ofFile(syscall, code, more), context).retryable).toBe(false)
        },
      ),
    )
  })

  test("the SDK's hint at the hidden response is in no message and in no cause", () => {
    const message =
      'Unexpected token\n  Deserialization error: to see the raw response, inspect the hidden field {error}.$response on this object.'
    const error = Object.assign(answered(502, 'SyntaxError'), { message, $response: {} })
    const failed = toFailure(error, context)
    expect(failed.message).toMatch(/\(Unexpected token\); check/)
    expect(inspect(failed, { depth: Infinity, showHidden: true })).not.toContain('$response')
  })

  test('no name makes a failure retryable unless it is of the table', () => {
    const known = new Set(NAMES.filter(([, retryable]) => retryable).flatMap(([, , , names]) => names))
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Z][A-Za-z]{3,20}(Exception|Error)$/),
        fc.integer({ min: 200, max: 499 }),
        (name, status) => {
          fc.pre(status !== 408 && status !== 429 && !known.has(name))
          expect(toFailure(answered(status, name), context).retryable).toBe(false)
        },
      ),
    )
  })

  test('prototype keys do not count as names', () => {
    for (const name of ['constructor', '__proto__', 'toString'])
      expect(toFailure(answered(400, name), context).code).toBe('request-rejected')
  })
})

// ------------------------------------------------------------------ through the SDK

const folder = mkdtempSync(join(tmpdir(), 'rolecast-diagnosis-'))
const tokenFile = join(folder, 'token')
const servers: Server[] = []
let status = 500
let body = ''
let metadata: string
let selfSigned: string

beforeAll(async () => {
  writeFileSync(tokenFile, 'hunter2')
  const plain = createServer((_request, response) => {
    response.writeHead(status, { 'content-type': body.startsWith('<') ? 'text/xml' : 'application/json' }).end(body)
  })
  execFileSync(
    'openssl',
    [
      'req',
      '-x509',
      '-newkey',
      'rsa:2048',
      '-nodes',
      '-days',
      '2',
      '-subj',
      '/CN=localhost',
      '-keyout',
      join(folder, 'key'),
      '-out',
      join(folder, 'cert'),
    ],
    { stdio: 'ignore' },
  )
  const secure = createTlsServer({ key: readFileSync(join(folder, 'key')), cert: readFileSync(join(folder, 'cert')) })
  for (const server of [plain, secure]) {
    servers.push(server)
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  }
  const portOf = (server: Server) => (server.address() as AddressInfo).port
  metadata = `http://127.0.0.1:${portOf(plain)}`
  selfSigned = `https://127.0.0.1:${portOf(secure)}`
})
afterAll(() => {
  for (const server of servers) {
    server.closeAllConnections()
    server.close()
  }
  rmSync(folder, { recursive: true })
})

const before = { ...process.env }
beforeEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  const none = {
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  Object.assign(process.env, none)
})
afterEach(() => {
  for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name]
  Object.assign(process.env, before)
})

/** The failure of a source that had the group once, and may serve it if the failure passes. */
async function failureIn(env: Record<string, string>, options: Partial<GroupSourceOptions> = {}) {
  Object.assign(process.env, env)
  let now = 1_000
  const snapshot = {
    version: 1,
    userPoolId,
    takenAt: 0,
    Groups: [{ GroupName: 'admins', RoleArn: 'arn:aws:iam::111122223333:role/Old' }],
  }
  const source = createGroupSource({
    snapshot,
    maxAge: 1_000,
    staleIfError: 1_000,
    clock: () => now++,
    timeout: 20_000,
    ...options,
  } as never)
  const served = await Promise.resolve(source.lookup(['admins'])).then(
    ({ stale }) => stale,
    (error: RolecastError) => error,
  )
  if (served instanceof Error) return served
  expect(served).toBe(true)
  return 'an old group' as const
}

/** An address that refuses. Port 1 would not do: fetch does not try it. */
async function closedPort(): Promise<string> {
  const server = createServer()
  await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return `http://127.0.0.1:${port}/`
}

const KEYS = { AWS_ACCESS_KEY_ID: 'AKIDLOCAL', AWS_SECRET_ACCESS_KEY: 'hunter2' }
const webIdentity = (file: string) => ({
  AWS_WEB_IDENTITY_TOKEN_FILE: file,
  AWS_ROLE_ARN: 'arn:aws:iam::111122223333:role/x',
})

describe('a failure that does not pass serves no old group', () => {
  test.each<[string, () => Record<string, string>, ErrorCode, RegExp]>([
    [
      'a web-identity token file that is lost',
      () => webIdentity(join(folder, 'gone')),
      'no-credentials',
      /could not read a file .*ENOENT/,
    ],
    ['a token file that is a folder', () => webIdentity(folder), 'no-credentials', /EISDIR/],
    ['no credentials at all', () => ({}), 'no-credentials', /found no AWS credentials/],
    ['a profile that does not exist', () => ({ AWS_PROFILE: 'nope' }), 'no-credentials', /the AWS profile `nope`/],
  ])('%s', async (_what, env, code, said) => {
    const failed = await failureIn(env())
    expect(failed).toMatchObject({ code, retryable: false })
    expect((failed as Error).message).toMatch(said)
  })

  test('STS says no', async () => {
    status = 403
    body =
      '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>Not authorized to perform sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>'
    const failed = await failureIn({ ...webIdentity(tokenFile), AWS_ENDPOINT_URL_STS: metadata })
    expect(failed).toMatchObject({ code: 'no-credentials', retryable: false })
    expect((failed as Error).message).toMatch(
      /AWS STS \(Not authorized to perform sts:AssumeRoleWithWebIdentity\); check the role/,
    )
    expect(inspect(failed, { depth: Infinity, showHidden: true })).not.toContain('hunter2')
  })

  test("a container's endpoint says no", { timeout: 30_000 }, async () => {
    status = 403
    body = '{}'
    const failed = await failureIn({ AWS_CONTAINER_CREDENTIALS_FULL_URI: metadata })
    expect(failed).toMatchObject({ code: 'no-credentials', retryable: false })
  })

  test.each(['http://example.invalid/c', 'http://0.0.0.0:9/c'])(
    'a container endpoint that cannot be one: %s',
    { timeout: 30_000 },
    async full => {
      const failed = await failureIn({ AWS_CONTAINER_CREDENTIALS_FULL_URI: full })
      expect(failed).toMatchObject({ code: 'no-credentials', retryable: false })
    },
  )

  test("EC2's metadata service that refuses the connection: not on EC2", { timeout: 30_000 }, async () => {
    const env = { AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: await closedPort() }
    expect(await failureIn(env)).toMatchObject({ code: 'no-credentials', retryable: false })
  })

  test('a self-made certificate', async () => {
    const failed = await failureIn(KEYS, { endpoint: selfSigned })
    expect(failed).toMatchObject({ code: 'tls-failed', retryable: false })
    expect((failed as Error).message).toContain('NODE_EXTRA_CA_CERTS')
  })

  test('no TLS where it is expected', async () => {
    expect(await failureIn(KEYS, { endpoint: metadata.replace('http:', 'https:') })).toMatchObject({
      code: 'tls-failed',
    })
  })
})

describe('a failure that passes serves the old group', () => {
  test("a container's endpoint that fails", { timeout: 30_000 }, async () => {
    status = 500
    body = ''
    expect(await failureIn({ AWS_CONTAINER_CREDENTIALS_FULL_URI: metadata })).toBe('an old group')
  })

  test("a container's endpoint that refuses the connection", { timeout: 30_000 }, async () => {
    expect(await failureIn({ AWS_CONTAINER_CREDENTIALS_FULL_URI: await closedPort() })).toBe('an old group')
  })

  test('one that is neither ECS nor this machine by its name, as that of EKS', { timeout: 30_000 }, async () => {
    const full = (await closedPort()).replace('127.0.0.1', '127.0.0.2')
    expect(await failureIn({ AWS_CONTAINER_CREDENTIALS_FULL_URI: full })).toBe('an old group')
  })

  test("EC2's metadata service that fails", { timeout: 30_000 }, async () => {
    status = 503
    body = ''
    expect(await failureIn({ AWS_EC2_METADATA_DISABLED: 'false', AWS_EC2_METADATA_SERVICE_ENDPOINT: metadata })).toBe(
      'an old group',
    )
  })

  test('STS out of reach, and Cognito out of reach', async () => {
    expect(await failureIn({ ...webIdentity(tokenFile), AWS_ENDPOINT_URL_STS: 'http://127.0.0.1:1' })).toBe(
      'an old group',
    )
    expect(await failureIn(KEYS, { endpoint: 'http://127.0.0.1:1' })).toBe('an old group')
  })
})

describe('the endpoint that had no credentials is asked once more', () => {
  const EXHAUSTED = 'Could not load credentials from any providers'
  const inEnv = async (env: Record<string, string>, message = EXHAUSTED, signal?: AbortSignal) => {
    Object.assign(process.env, env)
    return explainFailure(provider(message), context, signal)
  }
  const container = (address: string) => ({ AWS_CONTAINER_CREDENTIALS_FULL_URI: address })
  const instance = (address: string) => ({
    AWS_EC2_METADATA_DISABLED: '',
    AWS_EC2_METADATA_SERVICE_ENDPOINT: address,
  })
  const asked = vi.spyOn(globalThis, 'fetch')
  beforeEach(() => {
    asked.mockClear()
    body = 'hunter2'
  })
  afterAll(() => asked.mockRestore())

  test.each<[answer: number, ErrorCode, boolean]>([
    [500, 'unreachable', true],
    [503, 'unreachable', true],
    [429, 'unreachable', true],
    [408, 'unreachable', true],
    [200, 'no-credentials', false],
    [302, 'no-credentials', false],
    [400, 'no-credentials', false],
    [403, 'no-credentials', false],
    [404, 'no-credentials', false],
  ])('a %i', async (answer, code, retryable) => {
    status = answer
    expect(await inEnv(container(metadata))).toMatchObject({ code, retryable })
    delete process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI
    const failed = await inEnv(instance(metadata))
    expect(failed).toMatchObject({ code, retryable })
    if (retryable) expect(failed.message).toContain('metadata service of the EC2 instance')
    expect(inspect(failed, { depth: Infinity, showHidden: true })).not.toContain('hunter2')
    expect(asked.mock.calls.map(([url, init]) => [String(url), init?.method])).toEqual([
      [`${metadata}/`, undefined],
      [`${metadata}/latest/api/token`, 'PUT'],
    ])
  })

  test('silence is a failure of a container endpoint, and no EC2', async () => {
    const silent = createTcpServer(socket => void socket.on('error', () => {}))
    await new Promise<void>(resolve => void silent.listen(0, '127.0.0.1', resolve))
    try {
      const address = `http://127.0.0.1:${(silent.address() as AddressInfo).port}/`
      for (const quiet of [address, await closedPort()]) {
        expect(await inEnv(instance(quiet))).toMatchObject({ code: 'no-credentials', retryable: false })
        expect(await inEnv(container(quiet))).toMatchObject({ code: 'unreachable', retryable: true })
        delete process.env.AWS_CONTAINER_CREDENTIALS_FULL_URI
      }
    } finally {
      silent.close()
    }
  })

  test.each([
    'http://example.invalid/c',
    'http://0.0.0.0/c',
    'http://127.0.0.1.example.invalid/c',
    'http://169.254.169.254/c',
    'http://10.0.0.1/c',
    'ftp://127.0.0.1/c',
    'nonsense',
  ])('a host that the SDK does not accept is not asked: %s', async address => {
    status = 500
    expect(await inEnv(container(address))).toMatchObject({ code: 'no-credentials', retryable: false })
    expect(asked).not.toHaveBeenCalled()
  })

  test.each([
    'http://localhost:9/',
    'http://127.9.9.9/',
    'http://[::1]/',
    'http://169.254.170.2/v2',
    'http://169.254.170.23/v1/credentials',
    'http://[fd00:ec2::23]/v1/credentials',
    'https://example.invalid/c',
  ])('control: a host that the SDK accepts is asked: %s', async address => {
    asked.mockResolvedValueOnce(new Response(null, { status: 500 }))
    const message = 'x is not a valid container metadata service hostname'
    expect(await inEnv(container(address), message)).toMatchObject({ code: 'unreachable', retryable: true })
    expect(asked).toHaveBeenCalledTimes(1)
  })

  test.each(['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'CERT_HAS_EXPIRED', 'EINVAL'])(
    'an address that does not resolve, or is wrong, does not pass: %s',
    async code => {
      asked.mockRejectedValueOnce(Object.assign(new TypeError('fetch failed'), { cause: coded(code) }))
      expect(await inEnv(container('https://credentials.example'))).toMatchObject({ code: 'no-credentials' })
      asked.mockRejectedValueOnce(Object.assign(new TypeError('fetch failed'), { cause: coded('ECONNRESET') }))
      expect(await inEnv({})).toMatchObject({ code: 'unreachable' })
    },
  )

  test.each<[string, Record<string, string>, string]>([
    ['another failure', {}, 'Token is expired.'],
    ['metadata that are switched off', { AWS_EC2_METADATA_DISABLED: 'true' }, EXHAUSTED],
  ])('nothing is asked for %s', async (_what, env, message) => {
    status = 500
    expect(await inEnv({ ...instance(metadata), ...env }, message)).toMatchObject({ code: 'no-credentials' })
    expect(asked).not.toHaveBeenCalled()
  })

  test('a caller that aborts does not wait', async () => {
    const caller = new AbortController()
    const reason = new Error('enough')
    asked.mockImplementationOnce(async (_url, init) => {
      const left = once(init!.signal!, 'abort')
      caller.abort(reason)
      await left
      throw init!.signal!.reason
    })
    expect(await inEnv(container(metadata), EXHAUSTED, caller.signal)).toMatchObject({
      code: 'aborted',
      retryable: false,
      cause: reason,
    })
  })
})

describe('the real way of what Cognito says', () => {
  test.each<[string, ErrorCode]>([
    ['ExpiredTokenException', 'not-authorized'],
    ['UnrecognizedClientException', 'not-authorized'],
    ['IncompleteSignatureException', 'not-authorized'],
    ['RequestExpired', 'clock-skew'],
    ['OptInRequired', 'not-authorized'],
    ['ThrottlingException', 'throttled'],
  ])('%s', async (error, code) => {
    await using endpoint = await startCognitoEndpoint({ userPoolId })
    endpoint.fail({ error, message: 'hunter2' })
    const source = createGroupSource({ userPoolId, client: endpointClient(endpoint, { fastRetry: true }) })
    expect(await failureOf(() => source('admins'))).toMatchObject({ code })
  })

  test.each<[number, string, ErrorCode, boolean]>([
    [429, '<html>', 'throttled', true],
    [408, '<html>', 'timeout', true],
    [408, '', 'timeout', true],
    [502, '<html>', 'malformed-response', true],
    [200, '<html>', 'malformed-response', false],
  ])('a %i with the body "%s"', async (answer, said, code, retryable) => {
    await using endpoint = await startCognitoEndpoint({ userPoolId })
    endpoint.fail({ body: said, status: answer })
    const source = createGroupSource({ userPoolId, client: endpointClient(endpoint, { maxAttempts: 1 }) })
    const failed = await failureOf(() => source('admins'))
    expect(failed).toMatchObject({ code, retryable })
    expect(inspect(failed, { depth: Infinity, showHidden: true })).not.toMatch(/Deserialization|\$response/)
  })

  test('what is not HTTP', async () => {
    const server = createTcpServer(socket => socket.on('error', () => {}).end('SSH-2.0-hunter2\r\n\r\n'))
    await new Promise<void>(resolve => void server.listen(0, '127.0.0.1', resolve))
    try {
      const failed = await failureIn(KEYS, { endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}` })
      expect(failed).toMatchObject({ code: 'malformed-response', retryable: false })
      expect(inspect(failed, { depth: Infinity, showHidden: true })).not.toContain('hunter2')
    } finally {
      server.close()
    }
  })

  test.each(['', '<html>x</html>', '<html>'])('STS with a 503 and the body "%s"', async said => {
    status = 503
    body = said
    const env = { ...webIdentity(tokenFile), AWS_ENDPOINT_URL_STS: metadata }
    const failed = await failureOf(async () => {
      Object.assign(process.env, env)
      return createGroupSource({ userPoolId, timeout: 20_000 })('admins')
    })
    expect(failed).toMatchObject({ code: 'service-error', retryable: true })
    expect(failed.message).toContain('AWS STS')
  })

  test('a clock that is wrong, when the SDK may not try again', async () => {
    await using endpoint = await startCognitoEndpoint({ userPoolId })
    const message =
      'Signature expired: 20141104T062952Z is now earlier than 20141104T063000Z (20141104T063500Z - 5 min.)'
    endpoint.fail({ error: 'InvalidSignatureException', message })
    const source = createGroupSource({ userPoolId, client: endpointClient(endpoint, { maxAttempts: 1 }) })
    const failed = await failureOf(() => source('admins'))
    expect(failed).toMatchObject({ code: 'clock-skew', retryable: false })
    expect(failed.message).toContain('Signature expired: 20141104T062952Z is now earlier than 20141104T063000Z')
  })
})

describe('an endpoint that cannot be used is found when the source is made', () => {
  const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
  test.each([
    ['nonsense'],
    [''],
    ['localhost:9229'],
    ['ftp://localhost'],
    ['file:///etc/passwd'],
    [7],
    [null],
    ['http://me:hunter2@localhost'],
  ])('%j', async endpoint => {
    const given = { endpoint: endpoint as string }
    for (const make of [
      () => createGroupSource({ userPoolId, ...given }),
      () => getIdentityPoolRoles({ identityPoolId, ...given }),
    ]) {
      const failed = await failureOf(make as () => Promise<unknown>)
      expect(failed).toMatchObject({ code: 'invalid-option', retryable: false })
      expect(failed.message).toMatch(/^`endpoint` is .*; give a URL/)
      expect(inspect(failed, { showHidden: true })).not.toContain('hunter2')
    }
  })

  test('control: http, https and none are taken', () => {
    for (const given of [{}, { endpoint: 'http://localhost:9229' }, { endpoint: 'https://cognito.example' }])
      expect(createGroupSource({ userPoolId, ...given }).userPoolId).toBe(userPoolId)
  })
})
