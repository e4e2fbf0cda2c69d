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
  type CachedGroupSource,
  type CacheEvent,
  type CacheStats,
  createGroupSource,
  type GroupSource,
  type GroupSourceOptions,
  type Lookup,
  type LookupOptions,
  type Prefetched,
} from './source.js'
export type { CognitoClient } from './user-pool-api.js'
