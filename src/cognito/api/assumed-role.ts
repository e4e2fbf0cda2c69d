import * as z from 'zod/mini'
import { RolecastError, quote } from '../../errors.js'
import { ROLE_ARN_PATTERN } from '../../aws-ids.js'
import {
  type AccountAccess,
  accountClientConfig,
  callOnce,
  type CredentialsProvider,
  type TemporaryCredentials,
} from './account-access.js'
import { loadSdk } from './load-sdk.js'
import { someText } from './responses.js'

const STS_SDK = '@aws-sdk/client-sts'
const loadSts = () => loadSdk(STS_SDK, () => import('@aws-sdk/client-sts'))

/** Whose credentials calls are signed with. */
export interface Caller {
  /** Of 12 digits. */
  readonly account: string
  /** The user or the session of a role. */
  readonly arn: string
}

/**
 * Asks AWS which identity the credentials belong to. Needs no permission.
 *
 * @throws RolecastError as a rejection
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function getCaller(access: AccountAccess, signal: AbortSignal): Promise<Caller> {
  const { Account, Arn } = await callOnce(
    { operation: 'GetCallerIdentity', region: access.region },
    callerIdentityResponse,
    async abortSignal => {
      const sdk = await loadSts()
      const client = new sdk.STSClient(await accountClientConfig(access))
      return client.send(new sdk.GetCallerIdentityCommand({}), { abortSignal })
    },
    { signal, timeout: access.timeout },
  )
  return { account: Account, arn: Arn }
}

/** Which role is assumed, and how. */
export interface RoleToAssume {
  readonly roleArn: string
  /** Names the audit in the CloudTrail events of the account. */
  readonly sessionName: string
  /** What the trust policy of the role requires. */
  readonly externalId?: string | undefined
}

/**
 * @throws RolecastError `invalid-option` for a role that cannot be assumed by that ARN, or an external ID that AWS does not accept
 */
export function checkRoleToAssume({ roleArn, externalId }: Pick<RoleToAssume, 'roleArn' | 'externalId'>): void {
  if (!ROLE_ARN_PATTERN.test(roleArn))
    throw new RolecastError(
      'invalid-option',
      `${quote(roleArn)} is not the ARN of a role; give one like arn:aws:iam::111122223333:role/Audit`,
      { value: roleArn },
    )
  if (externalId !== undefined && !/^[\w+=,.@:/-]{2,1224}$/.test(externalId))
    throw new RolecastError(
      'invalid-option',
      'the external ID is not 2 to 1224 characters that AWS allows; give the one in the trust policy',
    )
}

/**
 * Credentials of a role. They are renewed before they expire, because an audit may take longer than a session, and
 * shared by the clients that need them at the same time.
 *
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
 */
export function assumedRole(
  { roleArn, sessionName, externalId }: RoleToAssume,
  access: AccountAccess,
  { signal, now = Date.now }: { readonly signal: AbortSignal; readonly now?: () => number },
): CredentialsProvider {
  let current: Promise<TemporaryCredentials> | undefined
  let expiresAt = Infinity

  async function assume(): Promise<TemporaryCredentials> {
    const { Credentials } = await callOnce(
      { operation: 'AssumeRole', region: access.region, roleArn },
      assumeRoleResponse,
      async abortSignal => {
        const sdk = await loadSts()
        const client = new sdk.STSClient(await accountClientConfig(access))
        const input = {
          RoleArn: roleArn,
          RoleSessionName: sessionName,
          ...(externalId !== undefined && { ExternalId: externalId }),
        }
        return client.send(new sdk.AssumeRoleCommand(input), { abortSignal })
      },
      { signal, timeout: access.timeout },
    )
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    }
  }

  return () => {
    if (current === undefined || expiresAt - now() < RENEW_BEFORE) {
      expiresAt = Infinity
      current = assume().then(
        credentials => {
          expiresAt = credentials.expiration.getTime()
          return credentials
        },
        error => {
          current = undefined
          throw error
        },
      )
    }
    return current
  }
}

/** Milliseconds before the end of a session: the SDK asks for other credentials five minutes before it. */
const RENEW_BEFORE = 6 * 60_000

const callerIdentityResponse = z.object({ Account: z.string().check(z.regex(/^\d{12}$/)), Arn: someText })

const assumeRoleResponse = z.object({
  Credentials: z.object({
    AccessKeyId: someText,
    SecretAccessKey: someText,
    SessionToken: someText,
    Expiration: z.date(),
  }),
})
