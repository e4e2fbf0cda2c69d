import { loadSdk } from '../cognito/api/load-sdk.js'
import { loadLambda } from './load-lambda.js'
import { quote, RolecastError } from '../errors.js'
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

interface Client {
  send(command: unknown, options: { readonly abortSignal: AbortSignal }): Promise<unknown>
  destroy(): void
  readonly middlewareStack: {
    add(
      middleware: (next: (args: Sent) => Promise<unknown>) => (args: Sent) => Promise<unknown>,
      options: { readonly step: 'finalizeRequest'; readonly name: string; readonly priority: 'low' },
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
    const client = new sdk[name]!(configOf(options, service, credentials)) as Client
    client.middlewareStack.add(
      next => args => {
        checkHost(args.request, options.endpoint)
        return next(args)
      },
      { step: 'finalizeRequest', name: 'rolecastEndpoint', priority: 'low' },
    )
    return { sdk, client }
  }

  async function clientOf(service: Service, credentials: AwsCredentials | undefined) {
    if (credentials !== undefined) return open(service, credentials)
    const known = clients.get(service) ?? open(service, options.credentials)
    clients.set(service, known)
    // A package that is missing may be there by the next call.
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
        // A client with credentials of its own is for one call.
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
): object {
  return {
    region,
    maxAttempts: 1,
    ...(profile !== undefined && credentials === undefined && { profile }),
    ...(credentials !== undefined && { credentials }),
    ...(endpoint !== undefined && isFor(service, endpoint) && { endpoint }),
  }
}

/** The hosts of AWS's endpoints, in every partition, VPC endpoints included. */
const AWS_HOST =
  /\.(?:amazonaws\.com|amazonaws\.com\.cn|api\.aws|api\.amazonwebservices\.com\.cn|amazonaws\.eu|c2s\.ic\.gov|sc2s\.sgov\.gov|csp\.hci\.ic\.gov|cloud\.adc-e\.uk)$/

/** Whether calls go to AWS itself. */
export function isOfAws(endpoint: string | undefined): boolean {
  if (endpoint === undefined) return true
  const { protocol, hostname } = new URL(endpoint)
  return protocol === 'https:' && AWS_HOST.test(hostname)
}

/** An emulator has all services at one address, an endpoint of AWS one service. */
function isFor(service: Service, endpoint: string): boolean {
  return !isOfAws(endpoint) || new URL(endpoint).hostname.includes(`${service}.`)
}

/**
 * An environment variable or a profile can name another endpoint than AWS's, too. Its tokens would be taken for Cognito's, so
 * it has to be given as an option.
 */
function checkHost(request: unknown, endpoint: string | undefined): void {
  const { protocol, hostname, port } = Object(request) as Readonly<Record<string, unknown>>
  if (typeof hostname !== 'string' || !isOfAws(endpoint)) return
  if (protocol === 'https:' && AWS_HOST.test(hostname)) return
  const address = `${protocol === 'http:' ? 'http' : 'https'}://${hostname}${typeof port === 'number' ? `:${port}` : ''}`
  throw new RolecastError(
    'invalid-option',
    `the AWS configuration names the endpoint ${quote(address)}, which is not AWS's; give it as \`endpoint\`, or unset AWS_ENDPOINT_URL and the \`endpoint_url\` of the profile`,
    { value: address },
  )
}
