import { keptWhileFrozen } from '../../record.js'
import type { AccountSource, NotRead } from '../../audit/account-summary.js'
import { userPoolRegion } from '../../aws-ids.js'
import { type RoleSelection, selectRoleFor } from '../../credentials/select-role.js'
import type { IdentityPoolRoles, RoleMapping } from '../../credentials/role-mapping.js'
import { isRolecastError, quote, RolecastError } from '../../errors.js'
import type { Resolution } from '../../claims/resolve.js'
import type { AccountAccess } from '../api/account-access.js'
import {
  type AccountApi,
  createAccountApi,
  type ListedIdentityPool,
  type ListedUserPool,
  type UserPoolProvider,
} from '../api/account-api.js'
import { assumedRole, getCaller } from '../api/assumed-role.js'
import type { AuditRates } from '../api/connection-options.js'
import { type IdentityPoolSettings, mappingsByClient } from '../api/identity-pool-api.js'
import { createUserPoolLimits, type QuotaName, type UserPoolLimits } from '../api/user-pool-call.js'

/** An account in a Region, and how it is called. All of its pools share the limits, as they share the quotas. */
export interface AccountPlace {
  readonly account: string
  readonly region: string
  readonly source: AccountSource
  readonly access: AccountAccess
  readonly limits: UserPoolLimits
  readonly api: AccountApi
}

export interface FindAccountsOptions {
  /** Profiles, or roles to assume; one without either for the credentials of the environment. */
  readonly sources: readonly AccountSource[]
  readonly regions: readonly string[]
  readonly endpoint?: string | undefined
  readonly externalId?: string | undefined
  /** The profile that roles are assumed with. */
  readonly baseProfile?: string | undefined
  readonly requestsPerSecond?: number | undefined
  readonly rates?: AuditRates | undefined
  readonly signal: AbortSignal
  readonly onEvent: (event: AccountEvent) => void
}

/** `onEvent` must not throw, and must return quickly. */
export type AccountEvent =
  /** A call is sent again. */
  | { readonly type: 'retry'; readonly error: RolecastError }
  /** The rate of a quota of the account in the Region fell, or is back at its maximum. */
  | {
      readonly type: 'rate'
      readonly account: string
      readonly region: string
      readonly quota: QuotaName
      readonly perSecond: number
      readonly isThrottled: boolean
    }

export interface FoundAccounts {
  readonly accounts: readonly { readonly account: string; readonly sources: readonly AccountSource[] }[]
  /** In the order of the sources, and of the regions within an account. */
  readonly places: readonly AccountPlace[]
  readonly notRead: readonly NotRead[]
}

/** The name of the sessions in CloudTrail. */
const SESSION_NAME = 'rolecast-audit'

/**
 * Finds out which account each source reaches. An account that several reach is read once, with the first of them.
 *
 * A source that reaches none is in `notRead`, and does not end the others.
 *
 * @throws RolecastError as a rejection; `aborted` only
 */
export async function findAccounts(options: FindAccountsOptions): Promise<FoundAccounts> {
  const { regions, signal } = options
  const found = new Map<string, { readonly sources: AccountSource[]; readonly places: AccountPlace[] }>()
  const notRead: NotRead[] = []
  for (const source of options.sources) {
    const accesses = regions.map(region => accessOf(source, region, options))
    let account: string
    try {
      account = await accountOf(accesses, signal)
    } catch (error) {
      notRead.push(notReadOf(error, { what: 'account', source }))
      continue
    }
    const known = found.get(account)
    if (known === undefined)
      found.set(account, {
        sources: [source],
        places: accesses.map(access => toPlace(account, source, access, options)),
      })
    else known.sources.push(source)
  }
  return {
    accounts: [...found].map(([account, { sources }]) => ({ account, sources })),
    places: [...found.values()].flatMap(({ places }) => places),
    notRead,
  }
}

function accessOf(
  { profile, roleArn }: AccountSource,
  region: string,
  { endpoint, externalId, baseProfile, signal }: FindAccountsOptions,
): AccountAccess {
  if (roleArn === undefined) return { region, endpoint, profile }
  const base = { region, endpoint, profile: baseProfile }
  return {
    region,
    endpoint,
    credentials: assumedRole({ roleArn, sessionName: SESSION_NAME, externalId }, base, { signal }),
  }
}

/** Asked in one Region after another: an account may not have enabled the first. */
async function accountOf(accesses: readonly AccountAccess[], signal: AbortSignal): Promise<string> {
  let first: unknown
  for (const access of accesses) {
    try {
      return (await getCaller(access, signal)).account
    } catch (error) {
      throwIfAborted(error)
      first ??= error
    }
  }
  throw first
}

function toPlace(
  account: string,
  source: AccountSource,
  access: AccountAccess,
  { requestsPerSecond, rates, onEvent }: FindAccountsOptions,
): AccountPlace {
  const { region } = access
  const limits = createUserPoolLimits({
    requestsPerSecond,
    rates,
    onRate: (quota, perSecond, isThrottled) =>
      onEvent({ type: 'rate', account, region, quota, perSecond, isThrottled }),
  })
  const api = createAccountApi({ ...access, limits, onRetry: error => onEvent({ type: 'retry', error }) })
  return { account, region, source, access, limits, api }
}

/** An identity pool, and what it has to do with user pools. */
export interface LinkedIdentityPool extends ListedIdentityPool {
  readonly providers: readonly UserPoolProvider[]
  readonly settings: IdentityPoolSettings
}

/**
 * Lists the user pools of an account in a Region.
 *
 * @throws RolecastError as a rejection
 */
export async function listUserPools(place: AccountPlace, signal: AbortSignal): Promise<readonly ListedUserPool[]> {
  try {
    return await place.api.listUserPools(signal)
  } catch (error) {
    throw isRolecastError(error) && isOfDisabledRegion(error) ? disabledRegion(place, error) : error
  }
}

/** Credentials that AWS knows are unknown in a Region that the account has not enabled. */
function isOfDisabledRegion({ cause }: RolecastError): boolean {
  return (
    cause instanceof Error && /^(?:UnrecognizedClientException|InvalidClientTokenId|OptInRequired)$/.test(cause.name)
  )
}

function disabledRegion({ account, region }: AccountPlace, cause: RolecastError): RolecastError {
  return new RolecastError(
    cause.code,
    `ListUserPools in region ${quote(region)} was rejected, though AWS accepts these credentials elsewhere: account ${quote(account)} has probably not enabled the region; enable it, or leave the region out`,
    { cause },
  )
}

/**
 * Checks that a user pool that was listed for a Region is of that Region: an endpoint that does not tell Regions apart
 * lists the pools of one for each. The id of an emulator's pool may have no Region.
 *
 * @throws RolecastError `malformed-response`
 */
export function checkRegion(userPoolId: string, { region }: Pick<AccountPlace, 'region'>): void {
  const own = userPoolRegion(userPoolId)
  if (own === undefined || own === region) return
  throw new RolecastError(
    'malformed-response',
    `ListUserPools in region ${quote(region)} lists user pool ${quote(userPoolId)}, whose id is of region ${quote(own)}; check the endpoint, and ask for region ${quote(own)}`,
    { value: userPoolId },
  )
}

/** The identity pools of an account in a Region that accept sign-ins of user pools. */
export interface IdentityPoolListing {
  /** All that were listed. */
  readonly count: number
  readonly linked: readonly LinkedIdentityPool[]
  /** Identity pools that were listed and could not be read. */
  readonly notRead: readonly NotRead[]
}

/**
 * Reads the identity pools of an account in a Region. Of those that accept a user pool, it reads how they choose roles.
 *
 * @throws RolecastError as a rejection, if they cannot be listed
 */
export async function listIdentityPools(place: AccountPlace, signal: AbortSignal): Promise<IdentityPoolListing> {
  const { account, region, api } = place
  const listed = await api.listIdentityPools(signal)
  const linked: LinkedIdentityPool[] = []
  const notRead: NotRead[] = []
  for (const pool of listed) {
    const { identityPoolId } = pool
    try {
      const providers = await api.listUserPoolProviders(identityPoolId, signal)
      if (providers.length === 0) continue
      linked.push({ ...pool, providers, settings: await api.getIdentityPoolRoles(identityPoolId, signal) })
    } catch (error) {
      notRead.push(notReadOf(error, { what: 'identity-pool', account, region, identityPoolId }))
    }
  }
  return { count: listed.length, linked, notRead }
}

/** One way in which an identity pool chooses the role of a user pool's users. */
export interface IdentityRoute {
  readonly identityPoolId: string
  /** The app clients of the user pool that use it. */
  readonly clientIds: readonly string[]
  readonly mapping: 'Token' | 'Rules' | 'none'
  /** The authenticated role and those of the mapping's rules. */
  readonly roleArns: readonly string[]
  readonly select: (resolution: Resolution) => RoleSelection
  /** Equal where all of this is. */
  readonly key: string
}

/**
 * The ways in which identity pools choose the role of a user pool's users, sorted by identity pool and app client.
 * Clients of one identity pool with the same role mapping are one way; so are those without any, whose users get the
 * authenticated role.
 */
export function routesOf(userPoolId: string, identityPools: readonly LinkedIdentityPool[]): readonly IdentityRoute[] {
  const routes = identityPools.flatMap(({ identityPoolId, providers, settings }) => {
    const mappings = mappingsByClient(settings.roleMappings, userPoolId)
    const ways = new Map<string, { readonly clientIds: string[]; readonly mapping: RoleMapping | undefined }>()
    for (const { providerName, clientId } of providers) {
      if (/^cognito-idp\.[^/]+\/([^/:]+)$/.exec(providerName)?.[1] !== userPoolId) continue
      const mapping = mappings.get(clientId)?.mapping
      const key = JSON.stringify(mapping ?? null)
      const way = ways.get(key) ?? { clientIds: [], mapping }
      ways.set(key, way)
      if (!way.clientIds.includes(clientId)) way.clientIds.push(clientId)
    }
    return [...ways.values()].map(({ clientIds, mapping }) =>
      toRoute(identityPoolId, clientIds.toSorted(), mapping, settings.roles),
    )
  })
  return routes.toSorted(
    (a, b) => compare(a.identityPoolId, b.identityPoolId) || compare(a.clientIds[0]!, b.clientIds[0]!),
  )
}

function toRoute(
  identityPoolId: string,
  clientIds: readonly string[],
  mapping: RoleMapping | undefined,
  roles: IdentityPoolRoles,
): IdentityRoute {
  const ruleRoles = mapping?.Type === 'Rules' ? (mapping.RulesConfiguration?.Rules ?? []) : []
  const roleArns = [roles.authenticated, ...ruleRoles.map(({ RoleARN }) => RoleARN)].flatMap(roleArn => roleArn || [])
  return {
    identityPoolId,
    clientIds,
    mapping: mapping?.Type ?? 'none',
    roleArns: [...new Set(roleArns)],
    key: JSON.stringify([identityPoolId, clientIds, mapping ?? null, roles]),
    select: keptWhileFrozen((resolution: Resolution) => Object.freeze(selectRoleFor(resolution, mapping, { roles }))),
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * What an error prevented from being read, and why.
 *
 * @throws the error itself if it ends everything: an abort, and what is not of rolecast
 */
export function notReadOf(error: unknown, where: Omit<NotRead, 'code' | 'message'>): NotRead {
  throwIfAborted(error)
  const { code, message } = error as RolecastError
  return { ...where, code, message }
}

function throwIfAborted(error: unknown): void {
  if (!isRolecastError(error) || error.code === 'aborted') throw error
}
