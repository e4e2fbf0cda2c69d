import { createHmac, randomBytes } from 'node:crypto'
import { ownValue } from '../record.js'
import { quote } from '../errors.js'
import { invalidParameter, noUser, notAuthorized, notFound, notInFake } from './service-error.js'
import { findClient, operation, type Operation, POOL_ID, poolOf, type ServiceState } from './service-state.js'
import { issueTokens, signIn, type Tokens } from './tokens.js'
import { type AppClient, checkPassword, type PoolUser, type UserPool, userOf } from './user-pool.js'
import { change } from './user-operations.js'

const CLIENT_ID = {
  type: 'string',
  required: true,
  sensitive: true,
  min: 1,
  max: 128,
  pattern: /^[\w+]+$/,
} as const

const FLOWS = [
  'USER_SRP_AUTH',
  'REFRESH_TOKEN_AUTH',
  'REFRESH_TOKEN',
  'CUSTOM_AUTH',
  'ADMIN_NO_SRP_AUTH',
  'USER_PASSWORD_AUTH',
  'ADMIN_USER_PASSWORD_AUTH',
  'USER_AUTH',
]

/**
 * Analytics, device and context data change no token. Metadata for triggers goes to the pre token generation trigger with a
 * challenge only.
 */
const SIGN_IN = {
  AuthFlow: { type: 'string', required: true, values: FLOWS },
  AuthParameters: { type: 'map' },
  ClientId: CLIENT_ID,
  ClientMetadata: { type: 'ignored' },
  AnalyticsMetadata: { type: 'ignored' },
  UserContextData: { type: 'ignored' },
  ContextData: { type: 'ignored' },
} as const

const RESPONSE = {
  ClientId: CLIENT_ID,
  ChallengeName: { type: 'string', required: true },
  ChallengeResponses: { type: 'map' },
  Session: { type: 'string', min: 20, max: 2048, sensitive: true },
  ClientMetadata: { type: 'map' },
  AnalyticsMetadata: { type: 'ignored' },
  UserContextData: { type: 'ignored' },
  ContextData: { type: 'ignored' },
} as const

export const SIGN_IN_OPERATIONS = {
  InitiateAuth: operation(
    SIGN_IN,
    ({ AuthFlow, AuthParameters = {}, ClientId }, service) => {
      const request = { ...findClient(service, ClientId), parameters: AuthParameters }
      return initiate(service, request, AuthFlow, ['USER_PASSWORD_AUTH'])
    },
    { isPublic: true },
  ),

  AdminInitiateAuth: operation(
    { ...SIGN_IN, UserPoolId: POOL_ID },
    ({ UserPoolId, AuthFlow, AuthParameters = {}, ClientId }, service) => {
      const request = { ...clientOfPool(service, UserPoolId, ClientId), parameters: AuthParameters }
      return initiate(service, request, AuthFlow, ['ADMIN_USER_PASSWORD_AUTH', 'ADMIN_NO_SRP_AUTH'])
    },
  ),

  RespondToAuthChallenge: operation(
    RESPONSE,
    ({ ClientId, ChallengeName, ChallengeResponses = {}, Session, ClientMetadata }, service) => {
      const client = findClient(service, ClientId)
      const request = { ...client, parameters: ChallengeResponses, clientMetadata: ClientMetadata }
      return respond(service, request, ChallengeName, Session)
    },
    { isPublic: true },
  ),

  AdminRespondToAuthChallenge: operation(
    { ...RESPONSE, UserPoolId: POOL_ID },
    ({ UserPoolId, ClientId, ChallengeName, ChallengeResponses = {}, Session, ClientMetadata }, service) => {
      const client = clientOfPool(service, UserPoolId, ClientId)
      const request = { ...client, parameters: ChallengeResponses, clientMetadata: ClientMetadata }
      return respond(service, request, ChallengeName, Session)
    },
  ),
} satisfies Record<string, Operation>

interface Request {
  readonly pool: UserPool
  readonly client: AppClient
  readonly parameters: Readonly<Record<string, string>>
  readonly clientMetadata?: Readonly<Record<string, string>> | undefined
}

function clientOfPool(service: ServiceState, poolId: string, clientId: string) {
  const pool = poolOf(service, poolId)
  const client = pool.clients.get(clientId)
  if (client === undefined) throw notFound(`User pool client ${clientId} does not exist.`)
  return { pool, client }
}

function initiate(
  service: ServiceState,
  request: Request,
  flow: string,
  passwordFlows: readonly string[],
): Promise<object> | object {
  if (flow === 'REFRESH_TOKEN_AUTH' || flow === 'REFRESH_TOKEN') return refresh(service, request)
  if (passwordFlows.includes(flow)) return signInWithPassword(service, request, flow)
  if (flow.startsWith('ADMIN_') || flow === 'USER_PASSWORD_AUTH')
    throw invalidParameter('Initiate Auth method not supported.')
  throw notInFake(
    `the fake has no sign-in by ${quote(flow)}; it has ${[...passwordFlows, 'REFRESH_TOKEN_AUTH'].join(', ')}`,
  )
}

async function signInWithPassword(service: ServiceState, request: Request, flow: string): Promise<object> {
  const { pool, client } = request
  if (!isEnabled(client, flow)) {
    throw invalidParameter(
      flow === 'USER_PASSWORD_AUTH'
        ? 'USER_PASSWORD_AUTH flow not enabled for this client'
        : 'Auth flow not enabled for this client',
    )
  }
  const username = parameter(request, 'USERNAME')
  checkSecretHash(request, username)
  const password = parameter(request, 'PASSWORD')
  const user = signingIn(request, username)
  if (user.password !== password) throw wrongPassword()
  if (user.status === 'FORCE_CHANGE_PASSWORD') return newPasswordChallenge(service, request, user)
  return authenticated(await signIn(service, { pool, client, user, source: 'TokenGeneration_Authentication' }))
}

function isEnabled({ authFlows }: AppClient, flow: string): boolean {
  if (authFlows.includes(flow)) return true
  return authFlows.includes(`ALLOW_${flow === 'ADMIN_NO_SRP_AUTH' ? 'ADMIN_USER_PASSWORD_AUTH' : flow}`)
}

const wrongPassword = () => notAuthorized('Incorrect username or password.')

/** The user, who has to be enabled. Whether the user exists is hidden if the client is set so. */
function signingIn({ pool, client }: Request, username: string): PoolUser {
  const user = findUser(pool, username)
  if (user === undefined) throw client.hidesMissingUsers ? wrongPassword() : noUser()
  if (!user.isEnabled) throw notAuthorized('User is disabled.')
  return user
}

function findUser(pool: UserPool, username: string): PoolUser | undefined {
  try {
    return userOf(pool, username)
  } catch {
    return undefined
  }
}

function newPasswordChallenge(service: ServiceState, { pool, client }: Request, user: PoolUser): object {
  const session = randomBytes(48).toString('base64url')
  service.sessions.set(session, { poolId: pool.id, clientId: client.id, username: user.username })
  return {
    ChallengeName: 'NEW_PASSWORD_REQUIRED',
    Session: session,
    ChallengeParameters: {
      USER_ID_FOR_SRP: user.username,
      requiredAttributes: '[]',
      userAttributes: JSON.stringify(Object.fromEntries(user.attributes)),
    },
  }
}

async function respond(service: ServiceState, request: Request, challenge: string, session = ''): Promise<object> {
  if (challenge !== 'NEW_PASSWORD_REQUIRED')
    throw notInFake(`the fake has no challenge ${quote(challenge)}; it has NEW_PASSWORD_REQUIRED`)
  const { pool, client, clientMetadata } = request
  const username = parameter(request, 'USERNAME')
  checkSecretHash(request, username)
  const waiting = service.sessions.get(session)
  const user = signingIn(request, username)
  if (waiting?.username !== user.username || waiting.clientId !== client.id)
    throw notAuthorized('Invalid session for the user, session can only be used once.')
  const password = parameter(request, 'NEW_PASSWORD')
  checkPassword(pool, password)
  service.sessions.delete(session)
  change(service, user, { password, status: 'CONFIRMED' })
  const source = 'TokenGeneration_NewPasswordChallenge'
  return authenticated(await signIn(service, { pool, client, user, source, clientMetadata }))
}

async function refresh(service: ServiceState, request: Request): Promise<object> {
  const { pool, client } = request
  if (!isEnabled(client, 'REFRESH_TOKEN_AUTH') && client.authFlows.some(name => name.startsWith('ALLOW_')))
    throw invalidParameter('Auth flow not enabled for this client')
  const grant = service.refreshTokens.get(parameter(request, 'REFRESH_TOKEN'))
  checkSecretHash(request, grant?.username ?? '')
  if (grant?.poolId !== pool.id) throw notAuthorized('Invalid Refresh Token')
  if (grant.clientId !== client.id) throw notAuthorized('Refresh Token has different Client')
  if (grant.expiresAt <= service.now()) throw notAuthorized('Refresh Token has expired')
  const user = pool.users.get(grant.username)
  if (user?.sub !== grant.sub) throw notAuthorized('Refresh Token has been revoked')
  if (!user.isEnabled) throw notAuthorized('User is disabled.')
  return authenticated(
    await issueTokens(service, { pool, client, user, source: 'TokenGeneration_RefreshTokens' }, grant),
  )
}

function authenticated({
  idToken,
  accessToken,
  expiresIn,
  refreshToken,
}: Tokens & { readonly refreshToken?: string }): object {
  return {
    AuthenticationResult: {
      AccessToken: accessToken,
      ExpiresIn: expiresIn,
      IdToken: idToken,
      RefreshToken: refreshToken,
      TokenType: 'Bearer',
    },
    ChallengeParameters: {},
  }
}

function parameter({ parameters }: Request, name: string): string {
  const value = ownValue(parameters, name)
  if (typeof value !== 'string') throw invalidParameter(`Missing required parameter ${name}`)
  return value
}

/** A client with a secret proves that it has it. */
function checkSecretHash({ client, parameters }: Request, username: string): void {
  if (client.secret === undefined) return
  const given = ownValue(parameters, 'SECRET_HASH')
  if (given === undefined)
    throw notAuthorized(`Client ${client.id} is configured with secret but SECRET_HASH was not received`)
  const expected = createHmac('sha256', client.secret)
    .update(username + client.id)
    .digest('base64')
  if (given !== expected) throw notAuthorized(`Unable to verify secret hash for client ${client.id}`)
}
