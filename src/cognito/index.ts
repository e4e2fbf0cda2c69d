export {
  type AuditedUser,
  auditPool,
  type AuditPoolOptions,
  auditUser,
  type AuditUserOptions,
  estimatePool,
  impact,
  type ImpactOptions,
  type ReadOptions,
} from './audit.js'
export type { ReadCost, ReadEstimate, ReadRates, ReadStrategy } from './estimate.js'
export {
  type CachedRoleResolver,
  createRoleResolver,
  resolveLookup,
  type RoleResolution,
  type RoleResolver,
  type RoleResolverOptions,
  type SourcedRoleResolverOptions,
} from './resolver.js'
export {
  type CognitoIdentityClient,
  getIdentityPoolRoles,
  type GetIdentityPoolRolesOptions,
  type IdentityPoolSettings,
} from './identity-pool-api.js'
export type { AuditClient, AuditRates, ConnectionOptions } from './options.js'
export type { ReadEvent, ReadProgress } from './read-pool.js'
export type { SharedCacheOptions, SharedStore } from './shared-cache.js'
export { type PoolSnapshot, type SnapshotOptions, takeSnapshot } from './snapshot.js'
export {
  type CachedGroupSource,
  type CacheOptions,
  type CacheEvent,
  type CacheStats,
  createGroupSource,
  type GroupSource,
  type GroupSourceOptions,
  type Lookup,
  type LookupOptions,
  type Prefetched,
  type SnapshotSourceOptions,
} from './source.js'
export type { CognitoClient } from './user-pool-api.js'
