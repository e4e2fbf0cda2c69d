import { randomBytes } from 'node:crypto'
import { decodeJwt } from 'jose'
import * as z from 'zod/mini'
import type { CalibrationGroup } from '../claims/calibration.js'
import { someText } from '../cognito/api/responses.js'
import { isRolecastError, RolecastError } from '../errors.js'
import { exceptionName, keptOf } from './call-failure.js'
import { isOfAws } from './clients.js'
import { anything, createResource, unlessMissing } from './resources.js'
import type { Run, Session } from './session.js'

/** A user pool of a run, with its one app client. */
export interface ScratchPool {
  readonly userPoolId: string
  readonly clientId: string
  /** From the response; null if it is not in it. */
  readonly tier: string | null
  /** The same. Never printed, because it contains the account ID. */
  readonly arn: string | null
}

export interface ScratchUser {
  readonly username: string
  readonly password: string
}

/** The tokens of one sign-in. Never printed, never stored. */
export interface Tokens {
  readonly idToken: string
  readonly accessToken: string
  /** Absent after a refresh without a new refresh token. */
  readonly refreshToken?: string | undefined
}

/** The payload of a token. */
export type Payload = Readonly<Record<string, unknown>>

const createUserPoolResponse = z.object({
  UserPool: z.object({ Id: someText, UserPoolTier: z.nullish(z.string()), Arn: z.nullish(z.string()) }),
})
const createClientResponse = z.object({ UserPoolClient: z.object({ ClientId: someText }) })
const authenticationResponse = z.object({
  AuthenticationResult: z.object({
    IdToken: someText,
    AccessToken: someText,
    RefreshToken: z.nullish(someText),
  }),
})

/**
 * Creates a user pool for a run, and an app client whose users sign in with a password through an API that only
 * administrators can call.
 *
 * @param options.settings more of CreateUserPool's input
 */
export async function createScratchPool(
  run: Run,
  {
    tier,
    suffix,
    settings = {},
  }: {
    readonly tier: 'LITE' | 'ESSENTIALS'
    readonly suffix?: string
    readonly settings?: Readonly<Record<string, unknown>>
  },
): Promise<ScratchPool> {
  let created: z.infer<typeof createUserPoolResponse>['UserPool'] | undefined
  const userPoolId = await createResource(
    run,
    'user-pool',
    async ({ name, tags }) => {
      const input = {
        PoolName: name,
        UserPoolTags: tags,
        UserPoolTier: tier,
        DeletionProtection: 'INACTIVE',
        MfaConfiguration: 'OFF',
        AdminCreateUserConfig: { AllowAdminCreateUserOnly: true },
        ...settings,
      }
      created = (await createPool(run, input)).UserPool
      return created.Id
    },
    suffix === undefined ? {} : { suffix },
  )
  const { UserPoolClient } = await run.call(
    'CreateUserPoolClient',
    {
      UserPoolId: userPoolId,
      ClientName: 'rolecast-calibrate',
      GenerateSecret: false,
      ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
    },
    createClientResponse,
  )
  return {
    userPoolId,
    clientId: UserPoolClient.ClientId,
    tier: created?.UserPoolTier ?? null,
    arn: created?.Arn ?? null,
  }
}

/** Some emulators do not know every tier, which does not affect their tokens. */
async function createPool(run: Run, input: Readonly<Record<string, unknown>>) {
  try {
    return await run.call('CreateUserPool', input, createUserPoolResponse)
  } catch (error) {
    if (isOfAws(run.endpoint) || !isRolecastError(error) || error.code !== 'request-rejected') throw error
    const { UserPoolTier: _tier, ...rest } = input
    return run.call('CreateUserPool', rest, createUserPoolResponse)
  }
}

/** Creates a user with a password that exists only in this object. No message is sent. */
export async function createScratchUser(
  session: Session,
  { userPoolId }: ScratchPool,
  username: string,
): Promise<ScratchUser> {
  // Any password policy of AWS's default asks for one of each of these.
  const password = `aA1!${randomBytes(24).toString('base64url')}`
  const user = { UserPoolId: userPoolId, Username: username }
  await unlessExists(session.call('AdminCreateUser', { ...user, MessageAction: 'SUPPRESS' }, anything))
  await session.call('AdminSetUserPassword', { ...user, Password: password, Permanent: true }, anything)
  return { username, password }
}

export async function createScratchGroup(
  session: Session,
  { userPoolId }: ScratchPool,
  { groupName, precedence, roleArn }: CalibrationGroup,
): Promise<void> {
  const input = {
    UserPoolId: userPoolId,
    GroupName: groupName,
    ...(precedence !== null && { Precedence: precedence }),
    ...(roleArn !== null && { RoleArn: roleArn }),
  }
  await unlessExists(session.call('CreateGroup', input, anything))
}

/** The pool was empty before, so an existing resource is that of a lost response. */
async function unlessExists(call: Promise<unknown>): Promise<void> {
  try {
    await call
  } catch (error) {
    if (!EXISTS.has(exceptionName(error))) throw error
  }
}

const EXISTS: ReadonlySet<string> = new Set(['GroupExistsException', 'UsernameExistsException'])

/** Puts a user into a group, or takes the user out of it. */
export async function setMembership(
  session: Session,
  { userPoolId }: ScratchPool,
  { username }: ScratchUser,
  groupName: string,
  joins: boolean,
): Promise<void> {
  const input = { UserPoolId: userPoolId, Username: username, GroupName: groupName }
  await session.call(joins ? 'AdminAddUserToGroup' : 'AdminRemoveUserFromGroup', input, anything)
}

/** @throws RolecastError as a rejection; `malformed-response` where Cognito asks for more than the password */
export async function signIn(session: Session, pool: ScratchPool, user: ScratchUser): Promise<Tokens> {
  return authenticate(session, pool, 'ADMIN_USER_PASSWORD_AUTH', {
    USERNAME: user.username,
    PASSWORD: user.password,
  })
}

/** New tokens for a refresh token. */
export async function refresh(session: Session, pool: ScratchPool, refreshToken: string): Promise<Tokens> {
  return authenticate(session, pool, 'REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: refreshToken })
}

async function authenticate(
  session: Session,
  { userPoolId, clientId }: ScratchPool,
  flow: 'ADMIN_USER_PASSWORD_AUTH' | 'REFRESH_TOKEN_AUTH',
  parameters: Readonly<Record<string, string>>,
): Promise<Tokens> {
  const { AuthenticationResult: result } = await session.call(
    'AdminInitiateAuth',
    { UserPoolId: userPoolId, ClientId: clientId, AuthFlow: flow, AuthParameters: parameters },
    authenticationResponse,
  )
  return {
    idToken: result.IdToken,
    accessToken: result.AccessToken,
    refreshToken: result.RefreshToken ?? undefined,
  }
}

/**
 * The payload of a token. The signature is not checked: the token came as the response to a signed request, from the
 * service that would publish the keys too, over TLS unless an endpoint without it was given.
 *
 * @throws RolecastError `malformed-response`: it is not a JWT. The token is not in the error
 */
export function payloadOf(token: string): Payload {
  try {
    return decodeJwt(token)
  } catch {
    throw new RolecastError(
      'malformed-response',
      'AdminInitiateAuth returned a token that is not a JWT; check that the endpoint is AWS',
    )
  }
}

/** Deletes a group. One that no longer exists counts as deleted. */
export async function deleteScratchGroup(
  session: Session,
  { userPoolId }: ScratchPool,
  groupName: string,
): Promise<void> {
  await unlessMissing(session.call('DeleteGroup', { UserPoolId: userPoolId, GroupName: groupName }, anything))
}

/** Emits a failure that ends one probe but not the run, and returns its stored form. Rethrows an error that ends the run. */
export function whyNot({ tell }: Pick<Session, 'tell'>, error: unknown): string {
  if (!isRolecastError(error) || error.code === 'aborted' || error.code === 'invalid-input') throw error
  tell({ event: 'failed', error })
  return keptOf(error)
}
