import { awsHost } from '../aws-hosts.js'
import { clientConfigOf } from '../cognito/api/client-config.js'
import { loadSdk } from '../cognito/api/load-sdk.js'
import { foreignEndpoint } from './endpoint-setting.js'
import { loadLambda } from './load-lambda.js'
import { factsOf, type Operation, type Service } from './operations.js'
import type { AwsCredentials, SessionOptions } from './session.js'

/** The clients of the SDK, one for each service, each created by its first call. */
export interface Clients {
  send(
    operation: Operation,
    input: object,
    options: { readonly credentials?: AwsCredentials | undefined; readonly abortSignal: AbortSignal },
  ): Promise<unknown>
}

interface Client extends ClientOfSdk {
  send(command: unknown, options: { readonly abortSignal: AbortSignal }): Promise<unknown>
  destroy(): void
}

/** The part of an SDK client that checking its requests needs. */
interface ClientOfSdk {
  readonly middlewareStack: {
    add(
      middleware: (next: (args: Sent) => Promise<unknown>) => (args: Sent) => Promise<unknown>,
      options: {
        readonly step: 'build' | 'finalizeRequest'
        readonly name: string
        readonly priority: 'high' | 'low'
      },
    ): void
  }
}

interface Sent {
  readonly request: unknown
}

/** A package of the SDK: its client, and a command for each operation. */
type Sdk = Readonly<Record<string, new (input: object) => unknown>>

interface Loader {
  readonly client: string
  readonly load: () => Promise<object>
}

const LOADERS: Readonly<Record<Service, Loader>> = {
  'cognito-idp': {
    client: 'CognitoIdentityProviderClient',
    load: () =>
      loadSdk('@aws-sdk/client-cognito-identity-provider', () => import('@aws-sdk/client-cognito-identity-provider')),
  },
  'cognito-identity': {
    client: 'CognitoIdentityClient',
    load: () => loadSdk('@aws-sdk/client-cognito-identity', () => import('@aws-sdk/client-cognito-identity')),
  },
  iam: { client: 'IAMClient', load: () => loadSdk('@aws-sdk/client-iam', () => import('@aws-sdk/client-iam')) },
  lambda: { client: 'LambdaClient', load: () => loadLambda() },
  sts: { client: 'STSClient', load: () => loadSdk('@aws-sdk/client-sts', () => import('@aws-sdk/client-sts')) },
}

export function createClients(
  options: Pick<SessionOptions, 'region' | 'profile' | 'credentials' | 'endpoint'>,
): Clients {
  const clients = new Map<Service, Promise<{ readonly sdk: Sdk; readonly client: Client }>>()

  async function open(service: Service, credentials: AwsCredentials | undefined) {
    const { client: name, load } = LOADERS[service]
    const sdk = (await load()) as Sdk
    const client = new sdk[name]!(await configOf(options, service, credentials)) as Client
    refuseOtherHosts(client, service, options.endpoint)
    return { sdk, client }
  }

  async function clientOf(service: Service, credentials: AwsCredentials | undefined) {
    if (credentials !== undefined) return open(service, credentials)
    const known = clients.get(service) ?? open(service, options.credentials)
    clients.set(service, known)
    // A missing package may be there by the next call.
    known.catch(() => clients.delete(service))
    return known
  }

  return {
    async send(operation, input, { credentials, abortSignal }) {
      const { sdk, client } = await clientOf(factsOf(operation).service, credentials)
      const Command = sdk[`${operation}Command`]!
      try {
        return await client.send(new Command(input), { abortSignal })
      } finally {
        // A client with its own credentials is for one call.
        if (credentials !== undefined) client.destroy()
      }
    },
  }
}

/** One attempt: the SDK's retries ignore the rates, and would create something twice. */
function configOf(
  { region, profile, endpoint }: Pick<SessionOptions, 'region' | 'profile' | 'endpoint'>,
  service: Service,
  credentials: AwsCredentials | undefined,
): Promise<object> {
  const own = endpoint !== undefined && isFor(service, endpoint) ? endpoint : undefined
  return clientConfigOf({ region, profile, credentials, endpoint: own, maxAttempts: 1 })
}

/** Whether calls go to AWS itself: to the default addresses, or to one of a service's own. */
export function isOfAws(endpoint: string | undefined): boolean {
  return endpoint === undefined || serviceAt(endpoint) !== undefined
}

/** The service of AWS whose own address this is. */
export function serviceAt(endpoint: string): Service | undefined {
  const { protocol, hostname } = new URL(endpoint)
  return protocol === 'https:' ? awsHost(hostname)?.service : undefined
}

/** An emulator has all services at one address, an endpoint of AWS one service. */
function isFor(service: Service, endpoint: string): boolean {
  return !isOfAws(endpoint) || serviceAt(endpoint) === service
}

/**
 * An environment variable or a profile can also name an endpoint other than AWS's. Its tokens would look like Cognito's, so
 * it has to be given as an option: otherwise each request fails before it is sent.
 */
export function refuseOtherHosts(client: object, service: Service, endpoint: string | undefined): void {
  const { middlewareStack } = client as ClientOfSdk
  middlewareStack.add(
    next => args => {
      checkHost(service, args.request, endpoint)
      return next(args)
    },
    { step: 'finalizeRequest', name: 'rolecastEndpoint', priority: 'low' },
  )
}

function checkHost(service: Service, request: unknown, endpoint: string | undefined): void {
  const { protocol, hostname, port } = Object(request) as Readonly<Record<string, unknown>>
  if (typeof hostname !== 'string' || !isOfAws(endpoint)) return
  if (protocol === 'https:' && awsHost(hostname)?.service === service) return
  const address = `${protocol === 'http:' ? 'http' : 'https'}://${hostname}${typeof port === 'number' ? `:${port}` : ''}`
  throw foreignEndpoint(service, address)
}

/** A call of each service that is prepared up to its address, but not sent. */
const UNSENT: Readonly<Record<Service, readonly [operation: Operation, input: object]>> = {
  'cognito-idp': ['ListUserPools', { MaxResults: 1 }],
  'cognito-identity': ['ListIdentityPools', { MaxResults: 1 }],
  iam: ['GetRole', { RoleName: 'none' }],
  lambda: ['GetFunction', { FunctionName: 'none' }],
  sts: ['GetCallerIdentity', {}],
}

/**
 * Checks where the calls of a service would go, as the SDK itself decides it. Sends nothing, and loads no credentials.
 *
 * @throws RolecastError `invalid-option` as a rejection: to an address that is not AWS's, and was not given as `endpoint`
 */
export async function checkAddress(
  service: Service,
  options: Pick<SessionOptions, 'region' | 'profile' | 'credentials' | 'endpoint'>,
): Promise<void> {
  const { client: name, load } = LOADERS[service]
  const sdk = (await load()) as Sdk
  const config = await configOf(options, service, options.credentials)
  const client = new sdk[name]!({ ...config, credentials: { accessKeyId: 'none', secretAccessKey: 'none' } }) as Client
  client.middlewareStack.add(
    () => async args => {
      checkHost(service, args.request, options.endpoint)
      return { output: { $metadata: {} } }
    },
    { step: 'build', name: 'rolecastUnsent', priority: 'high' },
  )
  const [operation, input] = UNSENT[service]
  try {
    await client.send(new sdk[`${operation}Command`]!(input), { abortSignal: new AbortController().signal })
  } finally {
    client.destroy()
  }
}
