import {
  AdminAddUserToGroupCommand,
  AdminCreateUserCommand,
  AdminInitiateAuthCommand,
  AdminSetUserPasswordCommand,
  CognitoIdentityProviderClient,
  CreateGroupCommand,
  CreateUserPoolClientCommand,
  type CreateUserPoolClientRequest,
  CreateUserPoolCommand,
  type CreateUserPoolRequest,
} from '@aws-sdk/client-cognito-identity-provider'
import { decodeJwt, type JWTPayload } from 'jose'
import type { RoleClaims } from '../../src/claims/resolve.js'
import type { Group } from '../../src/group.js'
import { type FakeCognitoOptions, startFakeCognito } from '../../src/testing/fake-cognito.js'
import { lazily } from '../../src/testing/pool-operations.js'
import { createPoolKeys } from '../../src/testing/keys.js'

/** Keys for all the pools of a test file: making them takes longer than anything else. */
export const sharedKeys = lazily(createPoolKeys)

/** As `createFakeCognito`, with the shared keys. */
export const createFake = (options: FakeCognitoOptions = {}) => startFakeCognito(options, sharedKeys)

export const PASSWORD = 'Correct-h0rse'

export const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`

/** A real client of the SDK. */
export function clientOf({ url, region = 'eu-west-1' }: { readonly url: string; readonly region?: string }) {
  return new CognitoIdentityProviderClient({
    endpoint: url,
    region,
    credentials: { accessKeyId: 'local', secretAccessKey: 'local' },
    maxAttempts: 1,
  })
}

export interface Pool {
  readonly client: CognitoIdentityProviderClient
  readonly UserPoolId: string
  readonly ClientId: string
}

/** A user pool with an app client, made by the API. */
export async function createPool(
  client: CognitoIdentityProviderClient,
  pool: Partial<CreateUserPoolRequest> = {},
  app: Partial<CreateUserPoolClientRequest> = {},
): Promise<Pool> {
  const { UserPool } = await client.send(new CreateUserPoolCommand({ PoolName: 'test', ...pool }))
  const UserPoolId = UserPool!.Id!
  const { UserPoolClient } = await client.send(
    new CreateUserPoolClientCommand({
      UserPoolId,
      ClientName: 'test',
      ExplicitAuthFlows: ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH'],
      ...app,
    }),
  )
  return { client, UserPoolId, ClientId: UserPoolClient!.ClientId! }
}

export async function createGroups({ client, UserPoolId }: Pool, groups: readonly Group[]): Promise<void> {
  for (const { groupName, precedence, roleArn } of groups) {
    await client.send(
      new CreateGroupCommand({
        UserPoolId,
        GroupName: groupName,
        ...(precedence != null && { Precedence: precedence }),
        ...(roleArn && { RoleArn: roleArn }),
      }),
    )
  }
}

/** A user who can sign in by `PASSWORD`. */
export async function createUser({ client, UserPoolId }: Pool, Username: string, groups: readonly string[] = []) {
  await client.send(new AdminCreateUserCommand({ UserPoolId, Username, MessageAction: 'SUPPRESS' }))
  await client.send(new AdminSetUserPasswordCommand({ UserPoolId, Username, Password: PASSWORD, Permanent: true }))
  for (const GroupName of groups) await client.send(new AdminAddUserToGroupCommand({ UserPoolId, Username, GroupName }))
}

export interface SignedIn {
  readonly id: JWTPayload
  readonly access: JWTPayload
  readonly tokens: { readonly id: string; readonly access: string; readonly refresh: string | undefined }
}

export const signIn = (pool: Pool, USERNAME: string) =>
  authenticate(pool, 'ADMIN_USER_PASSWORD_AUTH', { USERNAME, PASSWORD })

export const refresh = (pool: Pool, { tokens }: SignedIn) =>
  authenticate(pool, 'REFRESH_TOKEN_AUTH', { REFRESH_TOKEN: tokens.refresh! })

async function authenticate(
  { client, UserPoolId, ClientId }: Pool,
  AuthFlow: 'ADMIN_USER_PASSWORD_AUTH' | 'REFRESH_TOKEN_AUTH',
  AuthParameters: Record<string, string>,
): Promise<SignedIn> {
  const { AuthenticationResult: result } = await client.send(
    new AdminInitiateAuthCommand({ UserPoolId, ClientId, AuthFlow, AuthParameters }),
  )
  const { IdToken: id, AccessToken: access, RefreshToken: refreshToken } = result!
  return { id: decodeJwt(id!), access: decodeJwt(access!), tokens: { id: id!, access: access!, refresh: refreshToken } }
}

const NAMES = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const

/** The role claims of a token, the lists as sorted sets; what is absent stays so. */
export function roleClaims(token: object): Record<string, unknown> {
  const claims = token as RoleClaims
  return Object.fromEntries(
    NAMES.filter(name => Object.hasOwn(claims, name)).map(name => {
      const value = claims[name]
      return [name, typeof value === 'string' ? value : [...value!].toSorted()]
    }),
  )
}

/** The name and the message of the error that the client throws. */
export async function refusalOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'no error',
    (error: Error) => `${error.name}: ${error.message}`,
  )
}
