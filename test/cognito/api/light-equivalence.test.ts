import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CognitoIdentityProviderClient } from '@aws-sdk/client-cognito-identity-provider'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createLightClient } from '../../../src/cognito/api/light-client.js'
import { createUserPoolApi } from '../../../src/cognito/api/user-pool-api.js'
import type { UserPoolCallOptions } from '../../../src/cognito/api/user-pool-call.js'
import { isRolecastError } from '../../../src/errors.js'
import { exception, inTurn, respond, type Script, type ScriptedServer, startScriptedServer } from './scripted-server.js'

const userPoolId = 'eu-west-1_Ab12Cd34e'
const credentials = { accessKeyId: 'AKIDLOCAL', secretAccessKey: 'local' }
const ADMINS = { Group: { GroupName: 'admins', Precedence: 0, CreationDate: 1_700_000_000.5 } }
const ok = respond(200, ADMINS)

let server: ScriptedServer
beforeAll(async () => {
  server = await startScriptedServer()
})
afterAll(() => server[Symbol.asyncDispose]())
// Both wait for a random part of the time before a retry: here none.
beforeEach(() => void vi.spyOn(Math, 'random').mockReturnValue(0))
afterEach(() => void vi.restoreAllMocks())

const CLIENTS = {
  sdk: () => new CognitoIdentityProviderClient({ endpoint: server.url, region: 'eu-west-1', credentials }),
  light: () => createLightClient({ endpoint: server.url, credentials }),
}

interface Outcome {
  readonly group?: unknown
  readonly code?: string
  readonly retryable?: boolean
  readonly requests: number
}

/** What asking for the group comes to. */
async function outcomeOf(client: UserPoolCallOptions['client'], script: Script, timeout = 20_000): Promise<Outcome> {
  server.script = script
  server.requests.length = 0
  const api = createUserPoolApi({
    userPoolId,
    client,
    timeout,
    requestsPerSecond: Infinity,
    clock: Date.now,
    onCall: () => {},
  })
  try {
    const { group } = await api.getGroup('admins', new AbortController().signal)
    return { group, requests: server.requests.length }
  } catch (error) {
    if (!isRolecastError(error)) throw error
    return { code: error.code, retryable: error.retryable, requests: server.requests.length }
  }
}

const EXCEPTIONS = [
  'AccessDeniedException',
  'ExpiredTokenException',
  'ForbiddenException',
  'IncompleteSignature',
  'InternalErrorException',
  'InternalFailure',
  'InvalidParameterException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'NotAuthorizedException',
  'OperationNotEnabledException',
  'OptInRequired',
  'RequestExpired',
  'RequestTimeout',
  'ResourceNotFoundException',
  'SerializationException',
  'ServiceUnavailable',
  'ThrottlingException',
  'TooManyRequestsException',
  'UnknownOperationException',
  'UnrecognizedClientException',
  'UserNotFoundException',
  'ValidationException',
]
const STATUSES = [301, 302, 304, 307, 400, 401, 403, 404, 405, 408, 413, 429, 500, 501, 502, 503, 504, 505, 599]
const elsewhere = { location: '/elsewhere' }
const hourAhead = () => ({ date: new Date(Date.now() + 3_600_000).toUTCString() })
const skewed = exception(
  'InvalidSignatureException',
  'Signature expired: 20260101T000000Z is now earlier than 20260101T005500Z (20260101T010000Z - 5 min.)',
  400,
  hourAhead(),
)

const BEHAVIOURS: Readonly<Record<string, Script>> = {
  'the group': ok,
  'a 201': respond(201, ADMINS),
  'a 204': response => void response.writeHead(204).end(),
  'no such group': exception('ResourceNotFoundException', 'Group not found.'),
  'no such group, with Message': respond(400, { __type: 'ResourceNotFoundException', Message: 'Group not found.' }),
  'no such pool': exception('ResourceNotFoundException', 'User pool eu-west-1_x does not exist.'),
  ...Object.fromEntries(EXCEPTIONS.map(name => [name, exception(name)])),
  'an exception in a namespace': exception('com.amazonaws.cognito#TooManyRequestsException'),
  'an exception with an address': exception('TooManyRequestsException:http://internal.amazon.com/coral/'),
  'an exception in the header': respond(400, {}, { 'x-amzn-errortype': 'TooManyRequestsException:' }),
  'an exception in code': respond(400, { code: 'TooManyRequestsException' }),
  'an exception without a name': respond(400, { message: 'no' }),
  ...Object.fromEntries(
    STATUSES.flatMap(status => [
      [`${status} with an object`, respond(status, {}, elsewhere)],
      [`${status} with HTML`, respond(status, '<!DOCTYPE html>', { 'content-type': 'text/html', ...elsewhere })],
      [`${status} without a body`, respond(status, '', elsewhere)],
    ]),
  ),
  ...Object.fromEntries(
    [
      '',
      '{}',
      'null',
      '[]',
      '7',
      '"x"',
      '<html>',
      '{"Group":{"GroupName":"adm',
      '{"Group":null}',
      '{"Group":"x"}',
    ].flatMap(body => [200, 400].map(status => [`${status} ${body || 'empty'}`, respond(status, body)])),
  ),
  'a precedence that is a text': respond(200, { Group: { GroupName: 'admins', Precedence: '0' } }),
  'a precedence that is a fraction': respond(200, { Group: { GroupName: 'admins', Precedence: 0.5 } }),
  'a role that is a number': respond(200, { Group: { GroupName: 'admins', RoleArn: 7 } }),
  'a name that is a number': respond(200, { Group: { GroupName: 7 } }),
  'another group': respond(200, { Group: { GroupName: 'others' } }),
  '__proto__ in the group': respond(200, '{"Group":{"GroupName":"admins","__proto__":{"Precedence":1}}}'),
  'a body that is not UTF-8': response => void response.writeHead(200).end(Buffer.from([0x7b, 0x22, 0xff, 0x22])),
  'a body that says it is compressed': respond(200, '\u001F\u008B', { 'content-encoding': 'gzip' }),
  'a body that ends early': response =>
    void response.writeHead(200, { 'content-length': 100 }).write('{"Group"', () => response.destroy()),
  'a chunk that ends early': response => void response.writeHead(200).write('{"Group"', () => response.destroy()),
  'a connection that is closed': response => void response.destroy(),
  'a connection that is reset': response => void response.socket?.resetAndDestroy(),
  'what is not HTTP': response => void response.socket?.end('SSH-2.0-OpenSSH\r\n'),
  'a header that is too long': response =>
    void response.socket?.end(`HTTP/1.1 200 OK\r\nx: ${'a'.repeat(70_000)}\r\n\r\n`),
  'throttled once': inTurn(exception('TooManyRequestsException'), ok),
  'throttled twice': inTurn(exception('TooManyRequestsException'), exception('ThrottlingException'), ok),
  'an internal error twice': inTurn(exception('InternalErrorException', '', 500), respond(503, '<html>'), ok),
  'a connection that is closed twice': inTurn(
    response => void response.destroy(),
    response => void response.socket?.resetAndDestroy(),
    ok,
  ),
  'a clock that is an hour behind': inTurn(skewed, respond(200, ADMINS, hourAhead())),
}

describe('the light client fails, or does not, as the client of the SDK does', () => {
  test.each(Object.entries(BEHAVIOURS))('%s: same code, same retryable, as many attempts', async (_name, script) => {
    const expected = await outcomeOf(CLIENTS.sdk(), script)
    expect(await outcomeOf(CLIENTS.light(), script)).toEqual(expected)
  })

  test('control: the behaviours are not all one', async () => {
    const outcomes = new Set<string>()
    for (const name of [
      'the group',
      'no such pool',
      'AccessDeniedException',
      '429 with HTML',
      '200 <html>',
      '500 {}',
    ]) {
      const { code = 'none', requests } = await outcomeOf(CLIENTS.light(), BEHAVIOURS[name] ?? respond(500, {}))
      outcomes.add(`${code} ${requests}`)
    }
    expect(outcomes).toEqual(
      new Set([
        'none 1',
        'pool-not-found 1',
        'not-authorized 1',
        'throttled 3',
        'malformed-response 1',
        'service-error 3',
      ]),
    )
  })

  const hanging: Readonly<Record<string, Script>> = {
    'no response': () => {},
    'half a body, and no more': response => void response.writeHead(200, { 'content-length': 100 }).write('{'),
  }
  test.each(Object.entries(hanging))('%s: both run into the timeout', async (_name, script) => {
    for (const client of Object.values(CLIENTS))
      expect(await outcomeOf(client(), script, 50)).toEqual({ code: 'timeout', retryable: true, requests: 1 })
  })

  test.each([
    ['no server', () => ({ endpoint: 'http://127.0.0.1:1' }), 'unreachable'],
    ['no such host', () => ({ endpoint: 'http://cognito.invalid' }), 'unreachable'],
    ['no TLS', () => ({ endpoint: server.url.replace('http:', 'https:') }), 'tls-failed'],
    ['a line break in a key', () => ({ credentials: { ...credentials, accessKeyId: 'AKID\n' } }), 'no-credentials'],
    [
      'a header in a token',
      () => ({ credentials: { ...credentials, sessionToken: 'token\r\nx: y' } }),
      'no-credentials',
    ],
    ['a token that is no Latin', () => ({ credentials: { ...credentials, sessionToken: '☃' } }), 'no-credentials'],
  ])('%s', async (_name, given, code) => {
    const settings = { endpoint: server.url, credentials, ...given() }
    const expected = await outcomeOf(new CognitoIdentityProviderClient({ ...settings, region: 'eu-west-1' }), ok)
    expect(expected).toMatchObject({ code, requests: 0 })
    expect(await outcomeOf(createLightClient(settings), ok)).toEqual(expected)
  })
})

test('a certificate that is not trusted is told by both', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rolecast-light-'))
  const [key, cert] = [join(folder, 'key'), join(folder, 'cert')]
  const made = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=localhost']
  execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const secure = createTlsServer({ key: readFileSync(key), cert: readFileSync(cert) }, (_request, response) => {
    response.end(JSON.stringify(ADMINS))
  })
  await new Promise<void>(resolve => secure.listen(0, '127.0.0.1', resolve))
  try {
    const endpoint = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`
    const sdk = new CognitoIdentityProviderClient({ endpoint, region: 'eu-west-1', credentials })
    for (const client of [sdk, createLightClient({ endpoint, credentials })])
      expect(await outcomeOf(client, ok)).toEqual({ code: 'tls-failed', retryable: false, requests: 0 })
  } finally {
    secure.closeAllConnections()
    secure.close()
    rmSync(folder, { recursive: true })
  }
})

describe('where the light client differs on purpose', () => {
  test('a clock that stays wrong is corrected once, not at each attempt', async () => {
    const expected = { code: 'clock-skew', retryable: false }
    expect(await outcomeOf(CLIENTS.sdk(), skewed)).toEqual({ ...expected, requests: 6 })
    expect(await outcomeOf(CLIENTS.light(), skewed)).toEqual({ ...expected, requests: 2 })
  })

  test('a date that is not a number is left as it is, because no role depends on it', async () => {
    const script = respond(200, { Group: { GroupName: 'admins', CreationDate: 'yesterday' } })
    expect(await outcomeOf(CLIENTS.sdk(), script)).toMatchObject({ code: 'unexpected' })
    expect(await outcomeOf(CLIENTS.light(), script)).toMatchObject({ group: { groupName: 'admins' } })
  })

  test('LimitExceededException, which these operations do not have, is not tried again', async () => {
    const script = exception('LimitExceededException')
    const expected = { code: 'request-rejected', retryable: false }
    expect(await outcomeOf(CLIENTS.sdk(), script)).toEqual({ ...expected, requests: 3 })
    expect(await outcomeOf(CLIENTS.light(), script)).toEqual({ ...expected, requests: 1 })
  })

  test('a response in another protocol is a lost connection, where the SDK waits for its end', async () => {
    const script: Script = response =>
      void response.socket?.end('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n')
    expect(await outcomeOf(CLIENTS.sdk(), script, 50)).toMatchObject({ code: 'timeout' })
    expect(await outcomeOf(CLIENTS.light(), script)).toEqual({ code: 'unreachable', retryable: true, requests: 3 })
  })

  test('a response of more than a megabyte is not read to its end', async () => {
    const script = respond(200, { Group: { GroupName: 'admins', Description: 'x'.repeat(2 ** 20) } })
    expect(await outcomeOf(CLIENTS.sdk(), script)).toMatchObject({ group: { groupName: 'admins' } })
    expect(await outcomeOf(CLIENTS.light(), script)).toEqual({
      code: 'malformed-response',
      retryable: false,
      requests: 1,
    })
  })
})
