import { quote } from '../../errors.js'
import { invalidOption } from '../../record.js'
import type { UserPoolOperation } from './api-error.js'
import { clientConfigOf } from './client-config.js'
import type { ConnectionOptions } from './connection-options.js'
import { loadSdk } from './load-sdk.js'

/** The input of an operation, as in the API. */
export type OperationInput = Readonly<Record<string, unknown>>

export type Send = (input: OperationInput, options: { readonly abortSignal: AbortSignal }) => Promise<unknown>

export interface SenderOptions extends Pick<ConnectionOptions, 'client' | 'region' | 'endpoint' | 'profile'> {
  /** @default the SDK's, 3 */
  readonly maxAttempts?: number | undefined
  /** Called with the client of the SDK that is created, before it sends anything. */
  readonly onClient?: ((client: object) => void) | undefined
}

const SDK = '@aws-sdk/client-cognito-identity-provider'
type Sdk = typeof import('@aws-sdk/client-cognito-identity-provider')

/** What a client may have, by the names of the SDK's aggregated client. */
const METHODS: Readonly<Record<UserPoolOperation, string>> = {
  GetGroup: 'getGroup',
  ListGroups: 'listGroups',
  ListUsers: 'listUsers',
  ListUsersInGroup: 'listUsersInGroup',
  AdminListGroupsForUser: 'adminListGroupsForUser',
  DescribeUserPool: 'describeUserPool',
}

/**
 * Creates a function that sends an operation: the client's own method of that name; else its `send`, with a command of
 * the SDK, which is loaded then and not before; else, where no client is given, a client of the SDK.
 *
 * @throws RolecastError `invalid-option` for a client that can do nothing; from the function, for one that lacks the operation
 */
export function createSenders(options: SenderOptions): (operation: UserPoolOperation) => Promise<Send> {
  // A caller that only reads groups may give a client with only these operations.
  const client = options.client as Readonly<Record<string, unknown>> | undefined
  if (client !== undefined && !['send', ...Object.values(METHODS)].some(name => isMethod(client, name)))
    throw invalidOption(
      `\`client\` is ${quote(client)} without \`send\` or an operation such as \`getGroup\`; give a ` +
        '`CognitoIdentityProviderClient` or `createLightClient()`, or leave it out',
      // Never an object, because it may contain credentials.
      Object(client) === client ? undefined : client,
    )
  let loading: Promise<{ readonly sdk: Sdk; readonly sender: object }> | undefined
  const load = () => {
    loading ??= loadSdk(SDK, () => import('@aws-sdk/client-cognito-identity-provider')).then(async sdk => ({
      sdk,
      sender: client ?? (await newClient(sdk, options)),
    }))
    // A missing package may be there by the next call.
    loading.catch(() => (loading = undefined))
    return loading
  }

  return async operation => {
    const method = METHODS[operation]
    if (client !== undefined && isMethod(client, method)) return (input, to) => callMethod(client, method, input, to)
    if (client !== undefined && !isMethod(client, 'send'))
      throw invalidOption(
        `the \`client\` has no ${quote(method)}, which ${operation} needs; give one that has it, or a ` +
          '`CognitoIdentityProviderClient`',
        method,
      )
    const { sdk, sender } = await load()
    const Command = sdk[`${operation}Command`] as new (input: never) => unknown
    return (input, to) => callMethod(sender, 'send', new Command(input as never), to)
  }
}

async function newClient(
  sdk: Sdk,
  { region, endpoint, profile, maxAttempts, onClient }: SenderOptions,
): Promise<object> {
  const client = new sdk.CognitoIdentityProviderClient(await clientConfigOf({ region, endpoint, profile, maxAttempts }))
  onClient?.(client)
  return client
}

function isMethod(client: object | null, name: string): boolean {
  return typeof (Object(client) as Readonly<Record<string, unknown>>)[name] === 'function'
}

/** As a method, because a client may need its `this`. */
async function callMethod(client: object, name: string, ...args: readonly unknown[]): Promise<unknown> {
  return (client as Readonly<Record<string, (...args: readonly unknown[]) => unknown>>)[name]!(...args)
}
