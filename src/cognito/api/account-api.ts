import pRetry from 'p-retry'
import * as z from 'zod/mini'
import { identityPoolRegion, isEmulatedPoolId } from '../../aws-ids.js'
import { isRolecastError, type RolecastError } from '../../errors.js'
import { type AccountAccess, accountClientConfig, callOnce, DEFAULT_TIMEOUT } from './account-access.js'
import { type CallContext, failure } from './api-error.js'
import type { AuditClient } from './connection-options.js'
import { getIdentityPoolRoles, type IdentityPoolSettings } from './identity-pool-api.js'
import { loadSdk } from './load-sdk.js'
import { createLimiter, type Limiter } from './rate-limiter.js'
import { someText } from './responses.js'
import { createPaginationGuard } from './user-pool-api.js'
import type { UserPoolLimits } from './user-pool-call.js'

export interface ListedUserPool {
  readonly userPoolId: string
  /** Absent where the response has none. */
  readonly name?: string | undefined
}

export interface ListedIdentityPool {
  readonly identityPoolId: string
  readonly name?: string | undefined
}

/** A user pool that an identity pool accepts sign-ins of, and the app client. */
export interface UserPoolProvider {
  /** `cognito-idp.REGION.amazonaws.com/POOL` */
  readonly providerName: string
  readonly clientId: string
}

export interface AccountApi {
  /** All user pools, in Cognito's order, each once. */
  listUserPools(signal: AbortSignal): Promise<readonly ListedUserPool[]>
  /** All identity pools, in Cognito's order, each once. */
  listIdentityPools(signal: AbortSignal): Promise<readonly ListedIdentityPool[]>
  /** The user pools and app clients of an identity pool. */
  listUserPoolProviders(identityPoolId: string, signal: AbortSignal): Promise<readonly UserPoolProvider[]>
  getIdentityPoolRoles(identityPoolId: string, signal: AbortSignal): Promise<IdentityPoolSettings>
  /** A client for the user pools of the account in the Region, with one attempt. */
  userPoolClient(): Promise<AuditClient>
}

export interface AccountApiOptions extends AccountAccess {
  /** ListUserPools shares a quota with DescribeUserPool. */
  readonly limits: Pick<UserPoolLimits, 'DescribeUserPool'>
  /** A call failed, and is sent again. Must not throw. */
  readonly onRetry?: ((error: RolecastError) => void) | undefined
  /**
   * Milliseconds before a call is sent again; doubled each time, up to 30 seconds.
   *
   * @default 1_000
   */
  readonly retryDelay?: number | undefined
}

/** AWS documents no quota of these calls. */
const IDENTITY_CALLS_PER_SECOND = 5
const PAGE_SIZE = 60
const RETRIES = 10

const IDENTITY_SDK = '@aws-sdk/client-cognito-identity'
const USER_POOL_SDK = '@aws-sdk/client-cognito-identity-provider'

/**
 * The calls about an account in a Region: rate-limited, with a timeout, tried again where that may help, parsed, and failing
 * with a RolecastError only. The first call loads the SDK.
 *
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_ListUserPools.html
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_ListIdentityPools.html
 * @see https://docs.aws.amazon.com/cognitoidentity/latest/APIReference/API_DescribeIdentityPool.html
 */
export function createAccountApi(options: AccountApiOptions): AccountApi {
  const { region, limits, onRetry = () => {}, retryDelay = 1_000, timeout = DEFAULT_TIMEOUT } = options
  const identityLimit = createLimiter(IDENTITY_CALLS_PER_SECOND, IDENTITY_CALLS_PER_SECOND, {
    adapt: { isThrottled: error => isRolecastError(error) && error.code === 'throttled', onRate() {} },
  })
  let userPools: ReturnType<typeof loadUserPools> | undefined
  let identityPools: ReturnType<typeof loadIdentityPools> | undefined

  async function loadUserPools() {
    const sdk = await loadSdk(USER_POOL_SDK, () => import('@aws-sdk/client-cognito-identity-provider'))
    return { sdk, client: new sdk.CognitoIdentityProviderClient(await accountClientConfig(options)) }
  }
  async function loadIdentityPools() {
    const sdk = await loadSdk(IDENTITY_SDK, () => import('@aws-sdk/client-cognito-identity'))
    return { sdk, client: new sdk.CognitoIdentityClient(await accountClientConfig(options)) }
  }

  function again<T>(limiter: Limiter, signal: AbortSignal, context: CallContext, call: () => Promise<T>): Promise<T> {
    return pRetry(() => limiter(call, signal), {
      retries: RETRIES,
      minTimeout: retryDelay,
      maxTimeout: 30_000,
      randomize: true,
      signal,
      shouldRetry({ error }) {
        if (!isRolecastError(error) || !error.retryable) return false
        onRetry(error)
        return true
      },
    }).catch(error => {
      if (isRolecastError(error) || error !== signal.reason) throw error
      throw failure('aborted', context, { cause: error })
    })
  }

  /** Reads all pages of a list. */
  async function all<Page extends { readonly NextToken?: string | null | undefined }, Item>(
    context: CallContext,
    limiter: Limiter,
    signal: AbortSignal,
    readPage: (token: string | undefined) => Promise<Page>,
    itemsOf: (page: Page) => readonly (readonly [key: string, item: Item])[],
  ): Promise<readonly Item[]> {
    const found = new Map<string, Item>()
    const checkToken = createPaginationGuard(context)
    let token: string | undefined
    do {
      const page = await again(limiter, signal, context, () => readPage(token))
      for (const [key, item] of itemsOf(page)) if (!found.has(key)) found.set(key, item)
      token = page.NextToken ?? undefined
      checkToken(token)
    } while (token !== undefined)
    return [...found.values()]
  }

  return {
    listUserPools(signal) {
      const context = { operation: 'ListUserPools', region } as const
      const readPage = (token: string | undefined) =>
        callOnce(
          context,
          listUserPoolsResponse,
          async abortSignal => {
            const { sdk, client } = await (userPools ??= loadUserPools())
            const input = { MaxResults: PAGE_SIZE, ...(token !== undefined && { NextToken: token }) }
            return client.send(new sdk.ListUserPoolsCommand(input), { abortSignal })
          },
          { signal, timeout },
        )
      return all(context, limits.DescribeUserPool, signal, readPage, page =>
        page.UserPools.map(({ Id, Name }) => [Id, { userPoolId: Id, ...(Name != null && { name: Name }) }]),
      )
    },

    listIdentityPools(signal) {
      const context = { operation: 'ListIdentityPools', region } as const
      const readPage = (token: string | undefined) =>
        callOnce(
          context,
          listIdentityPoolsResponse,
          async abortSignal => {
            const { sdk, client } = await (identityPools ??= loadIdentityPools())
            const input = { MaxResults: PAGE_SIZE, ...(token !== undefined && { NextToken: token }) }
            return client.send(new sdk.ListIdentityPoolsCommand(input), { abortSignal })
          },
          { signal, timeout },
        )
      return all(context, identityLimit, signal, readPage, page =>
        page.IdentityPools.map(({ IdentityPoolId: id, IdentityPoolName: name }) => [
          id,
          { identityPoolId: id, ...(name != null && { name }) },
        ]),
      )
    },

    async listUserPoolProviders(identityPoolId, signal) {
      const context = { operation: 'DescribeIdentityPool', identityPoolId } as const
      const found = await again(identityLimit, signal, context, () =>
        callOnce(
          context,
          describeIdentityPoolResponse,
          async abortSignal => {
            const { sdk, client } = await (identityPools ??= loadIdentityPools())
            return client.send(new sdk.DescribeIdentityPoolCommand({ IdentityPoolId: identityPoolId }), { abortSignal })
          },
          { signal, timeout },
        ),
      )
      if (found.IdentityPoolId !== identityPoolId)
        throw failure('malformed-response', context, {
          value: found.IdentityPoolId,
          note: 'it is about another identity pool',
        })
      return (found.CognitoIdentityProviders ?? []).flatMap(({ ProviderName, ClientId }) =>
        ProviderName == null || ClientId == null ? [] : [{ providerName: ProviderName, clientId: ClientId }],
      )
    },

    async getIdentityPoolRoles(identityPoolId, signal) {
      const { client } = await (identityPools ??= loadIdentityPools())
      return again(identityLimit, signal, { operation: 'GetIdentityPoolRoles', identityPoolId }, () =>
        getIdentityPoolRoles({ identityPoolId, client, timeout, signal }),
      )
    },

    userPoolClient: async () => (await (userPools ??= loadUserPools())).client,
  }
}

const token = z.nullish(someText)
const name = z.nullish(z.string())

const listUserPoolsResponse = z.object({
  UserPools: z.array(z.object({ Id: z.string().check(z.refine(isEmulatedPoolId)), Name: name })),
  NextToken: token,
})

const listIdentityPoolsResponse = z.object({
  IdentityPools: z.array(
    z.object({
      IdentityPoolId: z.string().check(z.refine(id => identityPoolRegion(id) !== undefined)),
      IdentityPoolName: name,
    }),
  ),
  NextToken: token,
})

const describeIdentityPoolResponse = z.object({
  IdentityPoolId: someText,
  CognitoIdentityProviders: z.nullish(z.array(z.object({ ProviderName: name, ClientId: name }))),
})
