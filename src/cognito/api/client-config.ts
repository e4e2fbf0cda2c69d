import { VERSION } from '../../version.js'
import { checkProfileOf, environmentRegion } from './aws-environment.js'
import { loadSdk } from './load-sdk.js'

/** What rolecast calls itself in the `userAgent` of CloudTrail's events. */
export const USER_AGENT: readonly [name: string, version: string] = ['rolecast', VERSION]

/** How a client of the SDK reaches AWS. */
export interface ClientAccess<Credentials extends object = never> {
  /** @default that of the environment (AWS_REGION, then AWS_DEFAULT_REGION), else that of the profile */
  readonly region?: string | undefined
  /**
   * A profile of the AWS configuration files. It is ignored with `credentials`.
   *
   * @default the variable AWS_PROFILE
   */
  readonly profile?: string | undefined
  readonly credentials?: Credentials | undefined
  readonly endpoint?: string | undefined
  /** @default the SDK's */
  readonly maxAttempts?: number | undefined
}

/**
 * What a client of the SDK is made of. Not for a client that the caller gives: it is as the caller made it.
 *
 * @throws RolecastError `no-credentials` as a rejection: the profile, or that of AWS_PROFILE, is in no file of the AWS configuration
 */
export async function clientConfigOf<Credentials extends object = never>({
  region,
  profile,
  credentials,
  endpoint,
  maxAttempts,
}: ClientAccess<Credentials>) {
  const ownProfile = credentials === undefined ? profile : undefined
  if (credentials === undefined) await checkProfileOf(ownProfile)
  const where = region || environmentRegion()
  return {
    customUserAgent: [[...USER_AGENT] as [string, string]],
    ...(where !== undefined && { region: where }),
    ...(ownProfile !== undefined && { profile: ownProfile }),
    ...(credentials !== undefined && { credentials }),
    ...(endpoint !== undefined && { endpoint }),
    ...(maxAttempts !== undefined && { maxAttempts }),
  }
}

/**
 * The Region where none is given: that of the environment, else that of the profile. Sends nothing.
 *
 * @throws RolecastError `no-credentials` for a profile that does not exist; an error of the SDK where there is no Region
 */
export async function defaultRegion({ profile }: Pick<ClientAccess, 'profile'>): Promise<string> {
  const where = environmentRegion()
  if (profile === undefined && where !== undefined) return where
  const config = await clientConfigOf({ profile })
  if (config.region !== undefined) return config.region
  const sdk = await loadSdk(
    '@aws-sdk/client-cognito-identity-provider',
    () => import('@aws-sdk/client-cognito-identity-provider'),
  )
  return new sdk.CognitoIdentityProviderClient(config).config.region()
}
