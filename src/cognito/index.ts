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
export type { ConnectionOptions } from './options.js'
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
