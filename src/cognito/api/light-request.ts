import { createHash, createHmac } from 'node:crypto'
import { doesIdentityRequireRefresh, isIdentityExpired, memoizeIdentityProvider } from '@smithy/core'
import { SignatureV4 } from '@smithy/signature-v4'
import { quote, RolecastError } from '../../errors.js'
import { ownValue } from '../../record.js'
import { orAbort } from './abort.js'
import { failure, type UserPoolCall } from './api-error.js'
import { checkProfileOf, environmentCredentials, environmentEndpoint, environmentRegion } from './aws-environment.js'
import { USER_AGENT } from './client-config.js'
import { diagnose } from './diagnosis.js'
import {
  areCredentials,
  type LightCredentials,
  type LightOperation,
  type LightSend,
  type LightSettings,
  NO_CREDENTIALS,
  REGION_LABEL,
} from './light-client.js'
import { createConnections, type LightRequest, type LightResponse, MAX_RESPONSE } from './light-connection.js'
import { createRetries } from './light-retry.js'
import { loadSdk } from './load-sdk.js'
import type { OperationInput } from './operation-sender.js'

/** Sends operations. The first call loads this, and with it the signer. */
export function createLightSend(settings: LightSettings): LightSend {
  const post = createConnections()
  const credentialsFor = createCredentials(settings)
  const retrying = createRetries(settings.maxAttempts)
  /** Milliseconds from this machine's clock to the server's, once that has rejected a signature. */
  let clockOffset = 0

  return async (operation, input, signal) => {
    signal?.throwIfAborted()
    const context = contextOf(operation, input)
    const target = targetOf(settings, context)
    const body = JSON.stringify(input)
    const loading = credentialsFor(target.region)
    const credentials = await (signal === undefined ? loading : orAbort(loading, signal))
    return retrying(async () => {
      const offset = clockOffset
      const request = await signRequest(target, operation, body, credentials, new Date(Date.now() + offset))
      const response = await post(request, signal)
      try {
        return readResponse(response, context)
      } catch (error) {
        const corrected = correctedOffset(error, response, offset)
        if (corrected === undefined) throw error
        clockOffset = corrected
        throw withMetadata(error, { clockSkewCorrected: true })
      }
    }, signal)
  }
}

function contextOf(operation: LightOperation, { UserPoolId, GroupName, Username }: OperationInput): UserPoolCall {
  return { operation, userPoolId: text(UserPoolId) ?? '', groupName: text(GroupName), username: text(Username) }
}

/** Where a request goes, and the region that it is signed for. */
interface Target {
  readonly url: URL
  readonly region: string
}

/** @throws RolecastError `no-region`, `invalid-option` */
export function targetOf(settings: LightSettings, context: UserPoolCall): Target {
  const { userPoolId } = context
  const own = userPoolId.slice(0, Math.max(0, userPoolId.lastIndexOf('_')))
  const region = settings.region ?? (own || environmentRegion())
  if (region === undefined) throw failure('no-region', context)
  const endpoint = settings.endpoint ?? environmentEndpoint() ?? endpointOf(region, context)
  const url = new URL(endpoint)
  // As the SDK does, so that both sign the same path.
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return { url, region }
}

/** The partitions whose names are public: elsewhere `endpoint` says where Cognito is. */
function endpointOf(region: string, context: UserPoolCall): string {
  if (!REGION_LABEL.test(region) || /^(us-iso|eu-iso|eusc-)/.test(region))
    throw failure('no-region', context, {
      note: `the address of Cognito in ${quote(region)} is not known`,
      diagnosis: { code: 'no-region', next: 'give `endpoint`' },
    })
  return `https://cognito-idp.${region}.amazonaws.com${region.startsWith('cn-') ? '.cn' : ''}`
}

/**
 * Creates a function that finds the credentials for a call. Those of a provider are cached until shortly before they
 * expire.
 */
function createCredentials({
  credentials: given,
  profile,
}: LightSettings): (region: string) => Promise<LightCredentials> {
  if (typeof given === 'function') {
    const load = async (): Promise<SmithyCredentials> => {
      const loaded: unknown = await given()
      if (areCredentials(loaded)) return loaded as SmithyCredentials
      throw new RolecastError(
        'no-credentials',
        `the result of \`credentials\` ${NO_CREDENTIALS}; return what a provider of \`@aws-sdk/credential-providers\` returns`,
      )
    }
    const provider = memoizeIdentityProvider(load, isIdentityExpired, doesIdentityRequireRefresh)
    return () => provider!()
  }
  if (given !== undefined) return async () => given
  let chain: Promise<() => Promise<LightCredentials>> | undefined
  return async region => {
    const found = profile === undefined ? environmentCredentials() : undefined
    if (found !== undefined) return found
    await checkProfileOf(profile)
    chain ??= loadSdk(CHAIN, () => import('@aws-sdk/credential-provider-node')).then(({ defaultProvider }) =>
      // The region in which a provider asks STS, unless its profile names one.
      defaultProvider({ ...(profile !== undefined && { profile }), parentClientConfig: { region } }),
    )
    const load = await chain
    return load()
  }
}

const CHAIN = '@aws-sdk/credential-provider-node'

type SmithyCredentials = Parameters<typeof isIdentityExpired>[0] & LightCredentials

/** SHA-256, or HMAC with a secret, as the signer asks for it. */
class Sha256 {
  readonly #hash
  // A text or bytes.
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(data: Uint8Array): void {
    this.#hash.update(data)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
  reset(): void {
    throw new Error('a hash is used once')
  }
}

async function signRequest(
  { url, region }: Target,
  operation: LightOperation,
  body: string,
  { accessKeyId, secretAccessKey, sessionToken }: LightCredentials,
  signingDate: Date,
): Promise<LightRequest> {
  const signer = new SignatureV4({
    service: 'cognito-idp',
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) },
    sha256: Sha256,
  })
  const unsigned = {
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: {
      host: url.host,
      'content-type': 'application/x-amz-json-1.1',
      'content-length': Buffer.byteLength(body).toString(),
      'user-agent': `${USER_AGENT.join('/')} light-client`,
      'x-amz-target': `AWSCognitoIdentityProviderService.${operation}`,
    },
    body,
  }
  const { headers } = await signer.sign(unsigned, { signingDate })
  return { url, headers, body }
}

/** The response of an operation, with dates as `Date`, as the SDK has them. */
function readResponse({ status, headers, body }: LightResponse, context: UserPoolCall): unknown {
  if (body === undefined)
    throw failure('malformed-response', context, { status, note: `it has more than ${MAX_RESPONSE} bytes` })
  const $metadata = { httpStatusCode: status, requestId: headers['x-amzn-requestid'] }
  const response = parseBody(body, $metadata)
  if (status < 300) return withDates(response)
  const message = text(response.message) ?? text(response.Message) ?? 'UnknownError'
  throw Object.assign(new Error(message), { name: errorName(response, headers), $metadata })
}

type Json = Readonly<Record<string, unknown>>

/** As in the SDK, an empty body counts as an empty object; so does anything that is not an object. */
function parseBody(body: string, $metadata: object): Json {
  try {
    const parsed: unknown = body === '' ? {} : JSON.parse(body)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed) ? (parsed as Json) : {}
  } catch (error) {
    throw Object.assign(error as SyntaxError, { $metadata })
  }
}

/** `com.amazonaws#TooManyRequestsException:http://…` without the parts around the name. */
function errorName({ __type, code }: Json, headers: LightResponse['headers']): string {
  const found = [__type, code, headers['x-amzn-errortype']].map(text).find(one => one !== undefined)
  const [name = ''] = (found ?? 'Unknown').split(/[,:]/)
  return name.slice(name.indexOf('#') + 1)
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined
}

function withDates(response: Json): Json {
  const { Group, Groups } = response
  return {
    ...response,
    ...(Group !== undefined && { Group: withGroupDates(Group) }),
    ...(Array.isArray(Groups) && { Groups: Groups.map(withGroupDates) }),
  }
}

function withGroupDates(group: unknown): unknown {
  if (typeof group !== 'object' || group === null) return group
  const dates: Record<string, Date> = {}
  for (const name of ['CreationDate', 'LastModifiedDate']) {
    const seconds = ownValue(group, name)
    if (typeof seconds === 'number') dates[name] = new Date(Math.round(seconds * 1_000))
  }
  return { ...group, ...dates }
}

/** Milliseconds of difference between two clocks for which a signature is rejected, as the SDK has it. */
const SKEW = 240_000

/** A century: a machine may believe that it is 1970. A date that is too far away could not be signed. */
const MAX_SKEW = 100 * 365 * 24 * 60 * 60 * 1_000

/** How far the server's clock is off, if a request can have been rejected because it was signed by another. */
function correctedOffset(error: unknown, { headers }: LightResponse, offset: number): number | undefined {
  const isOfClock = ['clock-skew', 'not-authorized'].includes(diagnose(error).code)
  // The date of a cached response is not the server's current time.
  const found = headers.age === undefined ? Date.parse(headers.date ?? '') - Date.now() : NaN
  return isOfClock && Math.abs(found - offset) >= SKEW && Math.abs(found) < MAX_SKEW ? found : undefined
}

function withMetadata(error: unknown, more: object): unknown {
  const { $metadata } = error as { readonly $metadata?: object }
  return Object.assign(error as object, { $metadata: { ...$metadata, ...more } })
}
