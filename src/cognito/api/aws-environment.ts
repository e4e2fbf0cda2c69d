import { env } from 'node:process'
import { invalidOption } from '../../record.js'
import { checkEndpoint } from './connection-options.js'

/** Credentials in the environment, as in a Lambda function. As in the SDK, a profile wins over them. */
export function environmentCredentials():
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  | undefined {
  const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE } = env
  if (AWS_PROFILE || !AWS_ACCESS_KEY_ID || !AWS_SECRET_ACCESS_KEY) return undefined
  return {
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
    ...(AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN }),
  }
}

/**
 * Checks a profile, or that of AWS_PROFILE, before the SDK does, which would fall back to the credentials of the machine.
 *
 * @throws RolecastError `no-credentials` as a rejection
 */
export async function checkProfileOf(profile: string | undefined): Promise<void> {
  if (profile || env.AWS_PROFILE) await (await import('./aws-profile.js')).checkProfile(profile)
}

/** The SDK reads only the first variable; the AWS CLI reads both, and they win over the region of a profile. */
export function environmentRegion(): string | undefined {
  return env.AWS_REGION || env.AWS_DEFAULT_REGION || undefined
}

const ENDPOINT_VARIABLES = ['AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER', 'AWS_ENDPOINT_URL'] as const

/**
 * Another address of Cognito that the environment names.
 *
 * @throws RolecastError `invalid-option` for a value that is not a URL, and for a kind of endpoint that is not supported here
 */
export function environmentEndpoint(): string | undefined {
  const kind = ['AWS_USE_FIPS_ENDPOINT', 'AWS_USE_DUALSTACK_ENDPOINT'].find(name => /^true$/i.test(env[name] ?? ''))
  if (kind !== undefined)
    throw invalidOption(
      `the light client does not support the kind of endpoint that ${kind} selects; give its address as \`endpoint\`, or use the SDK's client`,
      kind,
    )
  if (/^true$/i.test(env.AWS_IGNORE_CONFIGURED_ENDPOINT_URLS ?? '')) return undefined
  const name = ENDPOINT_VARIABLES.find(variable => env[variable])
  if (name === undefined) return undefined
  const endpoint = env[name]
  checkEndpoint({ endpoint }, name)
  return endpoint
}
