import type { GetIdentityPoolRolesCommand } from '@aws-sdk/client-cognito-identity'
import * as z from 'zod/mini'
import { onAbort } from '../../abort.js'
import { quote, RolecastError } from '../../errors.js'
import { orAbort } from './abort.js'
import { loadSdk } from './load-sdk.js'
import { failure } from './api-error.js'
import { clientConfigOf } from './client-config.js'
import { explainFailure } from './container-credentials.js'
import { someText } from './responses.js'
import { identityPoolRegion } from '../../aws-ids.js'
import { checkEndpoint, numberOption, MAX_TIMER } from './connection-options.js'
import type { IdentityPoolRoles, RoleMapping } from '../../credentials/role-mapping.js'
import { providerKey } from '../../credentials/provider-key.js'
import { firstIssue, readAs } from './schema.js'

/** The part of `CognitoIdentityClient` that rolecast needs: a `send` that takes the one command. */
export interface CognitoIdentityClient {
  /** Sends GetIdentityPoolRoles. */
  send(command: GetIdentityPoolRolesCommand, options?: { abortSignal?: AbortSignal }): Promise<unknown>
}

/** The options of `getIdentityPoolRoles`. */
export interface GetIdentityPoolRolesOptions {
  /** The identity pool, for example `eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6`. */
  readonly identityPoolId: string
  /**
   * A `CognitoIdentityClient`, or anything with its `send`. Without it, one is created.
   *
   * @default a client of the SDK
   */
  readonly client?: CognitoIdentityClient | undefined
  /**
   * The AWS Region. Ignored with a `client`.
   *
   * @default the part of the identity pool id before the colon
   */
  readonly region?: string | undefined
  /**
   * Another address of the service, for example an emulator's. Ignored with a `client`.
   *
   * @default the service's address in the Region, or as the SDK finds it
   */
  readonly endpoint?: string | undefined
  /**
   * A profile of the AWS configuration files. Ignored with a `client`.
   *
   * @default as the SDK finds it
   */
  readonly profile?: string | undefined
  /**
   * Milliseconds for the call, including the SDK's retries.
   *
   * @default 5_000
   */
  readonly timeout?: number | undefined
  /**
   * Aborts the call.
   *
   * @default none
   */
  readonly signal?: AbortSignal | undefined
}

/** How an identity pool chooses roles, for `findRoleMapping` and `selectRole`. */
export interface IdentityPoolSettings {
  /** The identity pool. */
  readonly identityPoolId: string
  /** The roles for signed-in users and for guests. */
  readonly roles: IdentityPoolRoles
  /** By provider key. Empty where the pool has none. */
  readonly roleMappings: Readonly<Record<string, RoleMapping>>
}

/**
 * Reads how an identity pool chooses roles.
 *
 * The SDK is loaded by the first call.
 *
 * @throws RolecastError as a rejection; `invalid-option` for an identity pool id of another form, or an
 * endpoint that is not a URL
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_GetIdentityPoolRoles.html
 * @example
 * import { findRoleMapping, selectRole } from 'rolecast'
 * import { getIdentityPoolRoles } from 'rolecast/cognito'
 *
 * const { roles, roleMappings } = await getIdentityPoolRoles({
 *   identityPoolId: 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6',
 * })
 * const mapping = findRoleMapping(roleMappings, 'eu-west-1_Ab12Cd34e', '1example23456789')
 * const { outcome, roleArn } = selectRole({ 'cognito:groups': ['staff'] }, mapping, { roles })
 */
export async function getIdentityPoolRoles(options: GetIdentityPoolRolesOptions): Promise<IdentityPoolSettings> {
  const { identityPoolId, signal } = options
  const ownRegion = regionIn(identityPoolId)
  checkEndpoint(options)
  const timeout = numberOption(options, 'timeout', { default: 5_000, min: 1, max: MAX_TIMER })
  const context = { operation: 'GetIdentityPoolRoles', identityPoolId } as const
  const deadline = new AbortController()
  let timer: NodeJS.Timeout | undefined
  let ignoreOuter: (() => void) | undefined
  let response: unknown
  try {
    signal?.throwIfAborted()
    const sdk = await loadSdk('@aws-sdk/client-cognito-identity', () => import('@aws-sdk/client-cognito-identity'))
    const client: CognitoIdentityClient =
      options.client ?? new sdk.CognitoIdentityClient(await clientConfig(options, ownRegion))
    timer = setTimeout(() => deadline.abort(), timeout)
    ignoreOuter = onAbort(signal, () => deadline.abort(signal?.reason))
    response = await orAbort(
      client.send(new sdk.GetIdentityPoolRolesCommand({ IdentityPoolId: identityPoolId }), {
        abortSignal: deadline.signal,
      }),
      deadline.signal,
    )
  } catch (cause) {
    if (signal?.aborted) throw failure('aborted', context, { cause: signal.reason })
    if (deadline.signal.aborted) throw failure('timeout', context, { cause, note: `${timeout} ms` })
    if (cause instanceof Error && cause.name === 'ResourceNotFoundException')
      throw failure('pool-not-found', context, { cause })
    throw await explainFailure(cause, context, signal)
  } finally {
    clearTimeout(timer)
    ignoreOuter?.()
  }

  const parsed = readAs(identityPoolRolesResponse, response)
  if (!parsed.success)
    throw failure('malformed-response', context, { cause: parsed.error, ...firstIssue(parsed.error, response) })
  if (parsed.data.identityPoolId === identityPoolId) return parsed.data
  throw failure('malformed-response', context, {
    value: parsed.data.identityPoolId,
    note: 'it is about another identity pool',
  })
}

/**
 * The role mappings of a user pool, by app client id.
 *
 * @param roleMappings as GetIdentityPoolRoles gives them
 */
export function mappingsByClient(
  roleMappings: Readonly<Record<string, RoleMapping>>,
  userPoolId: string,
): ReadonlyMap<string, ClientMapping> {
  const found = new Map<string, ClientMapping>()
  for (const [key, mapping] of Object.entries(roleMappings)) {
    const [, poolId, clientId] = /^cognito-idp\.[^/]+\/([^/:]+):([^/:]+)$/.exec(key) ?? []
    if (clientId !== undefined && poolId === userPoolId && isKeyOf(key, userPoolId, clientId))
      found.set(clientId, { key, mapping })
  }
  return found
}

export interface ClientMapping {
  /** The provider's name in `RoleMappings`. */
  readonly key: string
  readonly mapping: RoleMapping
}

/** Where the key of a pool is unknown, for example an emulator's, any host matches. */
function isKeyOf(key: string, userPoolId: string, clientId: string): boolean {
  try {
    return providerKey(userPoolId, clientId) === key
  } catch {
    return true
  }
}

/** An unset field is a missing key in the API, and may be null elsewhere. */
const optional = <T extends z.ZodMiniType>(shape: T) =>
  z.pipe(
    z.nullish(shape),
    z.transform(value => value ?? undefined),
  )

const mappingRule = z.object({
  Claim: someText,
  MatchType: z.enum(['Equals', 'Contains', 'StartsWith', 'NotEqual']),
  Value: someText,
  RoleARN: someText,
})

const AmbiguousRoleResolution = optional(z.enum(['AuthenticatedRole', 'Deny']))

const roleMapping = z.discriminatedUnion('Type', [
  z.object({ Type: z.literal('Token'), AmbiguousRoleResolution }),
  z.object({
    Type: z.literal('Rules'),
    AmbiguousRoleResolution,
    RulesConfiguration: z.object({ Rules: z.array(mappingRule) }),
  }),
])

/** The response of GetIdentityPoolRoles, which `aws cognito-identity get-identity-pool-roles` prints. */
export const identityPoolRolesResponse = z.pipe(
  z.object({
    IdentityPoolId: someText,
    Roles: optional(z.object({ authenticated: optional(z.string()), unauthenticated: optional(z.string()) })),
    RoleMappings: optional(z.record(z.string(), roleMapping)),
  }),
  z.transform(({ IdentityPoolId, Roles = {}, RoleMappings = {} }): IdentityPoolSettings => ({
    identityPoolId: IdentityPoolId,
    roles: Roles,
    roleMappings: RoleMappings,
  })),
)

function regionIn(identityPoolId: unknown): string {
  const region = identityPoolRegion(identityPoolId)
  if (region !== undefined) return region
  throw new RolecastError(
    'invalid-option',
    `${quote(identityPoolId)} is not an identity pool ID; give one such as \`eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6\``,
    { value: identityPoolId },
  )
}

function clientConfig({ region, endpoint, profile }: GetIdentityPoolRolesOptions, ownRegion: string) {
  return clientConfigOf({ region: region || ownRegion, endpoint, profile })
}
