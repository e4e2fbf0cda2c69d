import { quote, RolecastError } from '../../errors.js'
import { invalidOption } from '../../record.js'
import { checkEndpoint, type CognitoOperations, numberOption } from './connection-options.js'
import { checkNames, type OptionNames } from './option-names.js'
import type { OperationInput } from './operation-sender.js'

/** Credentials of AWS. */
export interface LightCredentials {
  /** The access key ID. */
  readonly accessKeyId: string
  /** The secret access key. */
  readonly secretAccessKey: string
  /** The session token of temporary credentials. */
  readonly sessionToken?: string | undefined
  /** A provider is asked for new ones five minutes before. */
  readonly expiration?: Date | undefined
}

/** The options of `createLightClient`. */
export interface LightClientOptions {
  /**
   * The AWS Region.
   *
   * @default the part of the user pool id before the underscore, for each call; where it has none, AWS_REGION, else
   * AWS_DEFAULT_REGION
   */
  readonly region?: string | undefined
  /**
   * Another address of Cognito, for example an emulator's, or of a FIPS endpoint. It is `https` unless this begins with
   * `http:`.
   *
   * @default the variable AWS_ENDPOINT_URL_COGNITO_IDENTITY_PROVIDER or AWS_ENDPOINT_URL, else the address of the region
   */
  readonly endpoint?: string | undefined
  /**
   * Credentials, or a function that loads them, such as those of `@aws-sdk/credential-providers`. What it returns is
   * cached until five minutes before its `expiration`.
   *
   * @default the variables AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN, read for each call; without
   * them, or with a profile, the SDK's chain of providers, which is loaded then
   */
  readonly credentials?: LightCredentials | (() => Promise<LightCredentials>) | undefined
  /**
   * A profile of the AWS configuration files, for its credentials only.
   *
   * @default the variable AWS_PROFILE
   */
  readonly profile?: string | undefined
  /**
   * Attempts for each call, from 1 to 10: after throttling, a 500, 502, 503 or 504, and a lost connection, with the
   * waits of the SDK's standard mode.
   *
   * @default 3
   */
  readonly maxAttempts?: number | undefined
}

const LIGHT_OPTIONS: OptionNames<LightClientOptions> = {
  region: true,
  endpoint: true,
  credentials: true,
  profile: true,
  maxAttempts: true,
}

/** What `createLightClient` returns. Each method resolves to the response; the only check is that it is JSON. */
export type LightClient = Required<CognitoOperations>

/**
 * A client for the three operations that reading groups needs, which loads a tenth of what the SDK's does: for a
 * function whose cold start matters. Give it as the `client` of a source, a resolver or `groupsFromCognito`.
 *
 * It signs with the SDK's signer, finds the credentials that the SDK finds, and fails with the same codes. From
 * configuration files it reads only credentials. It uses no proxy and has no middleware. If you need these, or load the
 * SDK anyway, use the SDK's client.
 *
 * @throws RolecastError `invalid-option`
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html
 * @example
 * import { createLightClient, createRoleResolver } from 'rolecast/cognito'
 *
 * const resolver = createRoleResolver({ userPoolId: 'eu-west-1_Ab12Cd34e', client: createLightClient() })
 */
export function createLightClient(options: LightClientOptions = {}): LightClient {
  checkNames(options, LIGHT_OPTIONS)
  checkOptions(options)
  const { credentials, profile, endpoint, region } = options
  const maxAttempts = numberOption(options, 'maxAttempts', { default: 3, min: 1, max: 10, integer: true })
  const settings = { credentials, profile, endpoint, region, maxAttempts }
  let loading: Promise<LightSend> | undefined
  const operation =
    (name: LightOperation) =>
    async (input: object, { abortSignal }: { readonly abortSignal?: AbortSignal } = {}): Promise<unknown> => {
      loading ??= import('./light-request.js').then(({ createLightSend }) => createLightSend(settings))
      const send = await loading
      return send(name, input as OperationInput, abortSignal)
    }
  return {
    getGroup: operation('GetGroup'),
    listGroups: operation('ListGroups'),
    adminListGroupsForUser: operation('AdminListGroupsForUser'),
  }
}

export type LightOperation = 'GetGroup' | 'ListGroups' | 'AdminListGroupsForUser'

export type LightSend = (
  operation: LightOperation,
  input: OperationInput,
  signal: AbortSignal | undefined,
) => Promise<unknown>

export interface LightSettings extends Omit<LightClientOptions, 'maxAttempts'> {
  readonly maxAttempts: number
}

/** A label of a host name. */
export const REGION_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/

function checkOptions({ region, endpoint, credentials, profile }: LightClientOptions): void {
  checkEndpoint({ endpoint })
  if (region !== undefined && !(typeof region === 'string' && REGION_LABEL.test(region)))
    throw invalidOption(`\`region\` is ${quote(region)}; give one like \`eu-west-1\`, or leave it out`, region)
  if (profile !== undefined && (typeof profile !== 'string' || profile === ''))
    throw invalidOption(`\`profile\` is ${quote(profile)}; give the name of a profile, or leave it out`, undefined)
  if (credentials === undefined) return
  if (profile !== undefined)
    throw invalidOption('both `credentials` and `profile` are given; give one of them', profile)
  if (typeof credentials !== 'function') checkCredentials(credentials)
}

function checkCredentials(credentials: unknown): void {
  if (areCredentials(credentials)) return
  // Neither value is shown, because a credential may have been given as the wrong option.
  throw new RolecastError(
    'invalid-option',
    `\`credentials\` ${NO_CREDENTIALS}; give credentials, or a function that loads them`,
  )
}

export const NO_CREDENTIALS =
  'lacks an `accessKeyId` or a `secretAccessKey` that is a string, or has a `sessionToken` that is not a string or an `expiration` that is not a date'

/** STS's response has the fields too, in upper case: without its token the others are of no use. */
export function areCredentials(credentials: unknown): credentials is LightCredentials {
  const { accessKeyId, secretAccessKey, expiration, ...rest } = Object(credentials) as Readonly<Record<string, unknown>>
  const { sessionToken = ' ', SessionToken } = rest
  if (![accessKeyId, secretAccessKey, sessionToken].every(one => typeof one === 'string' && one !== '')) return false
  if (SessionToken !== undefined) return false
  return expiration === undefined || (expiration instanceof Date && Number.isFinite(expiration.getTime()))
}
