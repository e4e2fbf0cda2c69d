import type { UndocumentedCase } from '../claims/pre-token.js'
import type { Resolution, RoleClaims } from '../claims/resolve.js'
import type { Group } from '../group.js'
import type { InputOf, Json, Members } from './members.js'
import type { TokenClaims } from './role-claims.js'
import type { PreTokenHandler } from './pre-token-trigger.js'
import { notFound } from './service-error.js'
import type { AppClient, UserPool } from './user-pool.js'
import type { PoolKeys } from './keys.js'

/** The state that the operations read and change. */
export interface ServiceState {
  readonly region: string
  readonly pools: Map<string, UserPool>
  /** What each pagination token of ListUserPools stands for. */
  readonly pages: UserPool['pages']
  /** Challenges that wait for their response, by session. */
  readonly sessions: Map<string, { readonly clientId: string; readonly poolId: string; readonly username: string }>
  readonly refreshTokens: Map<string, RefreshToken>
  /** By ARN: what a pool's `LambdaConfig` names. */
  readonly functions: Map<string, PreTokenHandler>
  /** Each undocumented case that a token was issued with. */
  readonly undocumented: UndocumentedCase[]
  /** Milliseconds since the epoch. */
  readonly now: () => number
  readonly issuerOf: (poolId: string) => string
  readonly createKeys: () => Promise<PoolKeys>
  /**
   * The role claims of these groups before a trigger.
   *
   * @throws ServiceError where they are undetermined
   */
  readonly resolve: (groups: readonly Group[], username: string) => Resolution
  /** Role claims of the access token other than the groups. */
  readonly accessTokenClaims: ((groups: readonly Group[]) => RoleClaims) | undefined
  readonly applyTrigger: ((claims: TokenClaims, event: Json) => TokenClaims) | undefined
}

export interface RefreshToken {
  readonly poolId: string
  readonly clientId: string
  readonly username: string
  readonly sub: string
  readonly originJti: string
  readonly eventId: string
  /** Seconds since the epoch. */
  readonly authTime: number
  readonly expiresAt: number
}

export interface Operation {
  /** Whether it needs no signature. */
  readonly isPublic: boolean
  readonly run: (input: Json, service: ServiceState) => object | Promise<object>
  readonly members: Members
}

/** An operation with the members that its input may have. */
export function operation<const T extends Members>(
  members: T,
  run: (input: InputOf<T>, service: ServiceState) => object | Promise<object>,
  { isPublic = false }: { readonly isPublic?: boolean } = {},
): Operation {
  return { members, isPublic, run: run as unknown as Operation['run'] }
}

export const POOL_ID = { type: 'string', required: true, min: 1, max: 55, pattern: /^[\w-]+_[0-9a-zA-Z]+$/ } as const

export const USERNAME = {
  type: 'string',
  required: true,
  min: 1,
  max: 128,
  pattern: /^[\p{L}\p{M}\p{S}\p{N}\p{P}]+$/u,
} as const

export function poolOf({ pools }: ServiceState, id: string): UserPool {
  const pool = pools.get(id)
  if (pool === undefined) throw notFound(`User pool ${id} does not exist.`)
  return pool
}

export function clientOf(pool: UserPool, id: string): AppClient {
  const client = pool.clients.get(id)
  if (client === undefined) throw notFound(`User pool client ${id} does not exist.`)
  return client
}

/** The client of this id, with its pool. */
export function findClient(
  { pools }: ServiceState,
  id: string,
): { readonly pool: UserPool; readonly client: AppClient } {
  for (const pool of pools.values()) {
    const client = pool.clients.get(id)
    if (client !== undefined) return { pool, client }
  }
  throw notFound(`User pool client ${id} does not exist.`)
}

/** As AWS JSON has times: seconds. */
export const seconds = (ms: number) => ms / 1000
