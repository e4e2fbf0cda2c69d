import { randomBytes, randomUUID } from 'node:crypto'
import { decodeJwt, errors, jwtVerify, SignJWT } from 'jose'
import type { Json } from './members.js'
import { notAuthorized } from './service-error.js'
import type { RefreshToken, ServiceState } from './service-state.js'
import { type ClaimChange, runTrigger, SIGN_IN_SCOPE, type TriggerSource } from './pre-token-trigger.js'
import { type AppClient, groupsOfUser, type PoolUser, toGroup, type UserPool } from './user-pool.js'
import type { SigningKey } from './keys.js'

/** The tokens of a sign-in or a refresh. */
export interface Tokens {
  /** The signed ID token. */
  readonly idToken: string
  /** The signed access token. */
  readonly accessToken: string
  /** In seconds: the validity of the access token. */
  readonly expiresIn: number
}

export interface SignIn {
  readonly pool: UserPool
  readonly client: AppClient
  readonly user: PoolUser
  readonly source: TriggerSource
  /** Metadata that the client sends for the trigger. */
  readonly clientMetadata?: Readonly<Record<string, string>> | undefined
}

/** Signs the user in: an ID, an access and a refresh token. */
export async function signIn(
  service: ServiceState,
  request: SignIn,
): Promise<Tokens & { readonly refreshToken: string }> {
  const { pool, client, user } = request
  const now = service.now()
  const grant: RefreshToken = {
    poolId: pool.id,
    clientId: client.id,
    username: user.username,
    sub: user.sub,
    originJti: randomUUID(),
    eventId: randomUUID(),
    authTime: Math.floor(now / 1000),
    expiresAt: now + client.validity.refresh * 1000,
  }
  const tokens = await issueTokens(service, request, grant)
  const refreshToken = randomBytes(96).toString('base64url')
  service.refreshTokens.set(refreshToken, grant)
  return { ...tokens, refreshToken }
}

/** New ID and access tokens, with the user's groups as they are now. */
export async function issueTokens(service: ServiceState, request: SignIn, grant: RefreshToken): Promise<Tokens> {
  const { pool, client, user } = request
  const groups = groupsOfUser(pool, user).map(toGroup)
  const resolution = service.resolve(groups, user.username)
  const { idToken, accessToken, otherClaims } = await runTrigger(service, request, resolution)
  const iat = Math.floor(service.now() / 1000)
  const common = {
    iss: service.issuerOf(pool.id),
    ...(client.hasRevocation && { origin_jti: grant.originJti }),
    event_id: grant.eventId,
    auth_time: grant.authTime,
    iat,
  }
  const idClaims = {
    sub: user.sub,
    ...attributeClaims(user),
    ...idToken,
    'cognito:username': user.username,
    aud: client.id,
    token_use: 'id',
    ...common,
    exp: iat + client.validity.id,
    jti: randomUUID(),
  }
  const accessClaims = {
    sub: user.sub,
    ...(service.accessTokenClaims?.(groups) ?? accessToken),
    client_id: client.id,
    token_use: 'access',
    scope: scopeOf(otherClaims.accessToken),
    ...common,
    exp: iat + client.validity.access,
    jti: randomUUID(),
    username: user.username,
  }
  const keys = await pool.keys()
  return {
    idToken: await sign(keys.id, changed(idClaims, otherClaims.idToken)),
    accessToken: await sign(keys.access, changed(accessClaims, otherClaims.accessToken)),
    expiresIn: client.validity.access,
  }
}

function attributeClaims({ attributes }: PoolUser): Json {
  return Object.fromEntries([...attributes].map(([name, value]) => [name, attributeClaim(name, value)]))
}

function attributeClaim(name: string, value: string): unknown {
  if (name === 'email_verified' || name === 'phone_number_verified') return value === 'true'
  return name === 'address' ? { formatted: value } : value
}

function changed(claims: Json, { added, suppressed }: ClaimChange): Json {
  return Object.fromEntries(Object.entries({ ...claims, ...added }).filter(([name]) => !suppressed.includes(name)))
}

function scopeOf({ scopesAdded, scopesSuppressed }: ClaimChange): string {
  return [...new Set([SIGN_IN_SCOPE, ...scopesAdded])].filter(scope => !scopesSuppressed.includes(scope)).join(' ')
}

const sign = ({ kid, privateKey }: SigningKey, claims: Json) =>
  new SignJWT({ ...claims }).setProtectedHeader({ kid, alg: 'RS256' }).sign(privateKey)

/**
 * Whose access token this is.
 *
 * @throws ServiceError `NotAuthorizedException`
 */
export async function findAccessToken(
  { pools, issuerOf, now }: ServiceState,
  token: string,
): Promise<{ readonly pool: UserPool; readonly sub: string }> {
  const { iss, token_use: use } = decoded(token)
  const pool = [...pools.values()].find(({ id }) => issuerOf(id) === iss)
  if (pool === undefined || use !== 'access') throw notAuthorized('Invalid Access Token')
  const { access } = await pool.keys()
  try {
    const { payload } = await jwtVerify(token, access.publicKey, {
      algorithms: ['RS256'],
      currentDate: new Date(now()),
    })
    return { pool, sub: payload.sub ?? '' }
  } catch (error) {
    throw notAuthorized(
      error instanceof errors.JWTExpired ? 'Access Token has expired' : 'Could not verify signature for Access Token',
    )
  }
}

function decoded(token: string): Json {
  try {
    return decodeJwt(token)
  } catch {
    throw notAuthorized('Invalid Access Token')
  }
}
