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
} from './memberships/audit-pool.js'
export type { ReadCost, ReadEstimate, ReadRates, ReadStrategy } from './memberships/estimate.js'
export {
  type CachedRoleResolver,
  createRoleResolver,
  type PlainRoleResolverOptions,
  type RoleResolver,
  type RoleResolverOptions,
  type SourcedRoleResolverOptions,
} from './groups/role-resolver.js'
export { resolveLookup, type RoleResolution } from './groups/resolve-lookup.js'
export {
  type CognitoIdentityClient,
  getIdentityPoolRoles,
  type GetIdentityPoolRolesOptions,
  type IdentityPoolSettings,
} from './api/identity-pool-api.js'
export type {
  AuditClient,
  AuditRates,
  CognitoOperations,
  ConnectionOptions,
  PageInput,
  SendOptions,
} from './api/connection-options.js'
export {
  createLightClient,
  type LightClient,
  type LightClientOptions,
  type LightCredentials,
} from './api/light-client.js'
export type { ReadEvent, ReadProgress } from './memberships/read-pool.js'
export type { Acquire } from './groups/lease.js'
export type { SharedCacheOptions } from './groups/shared-cache.js'
export type { SharedStore } from './groups/store-access.js'
export { type PoolSnapshot, type SnapshotOptions, takeSnapshot } from './groups/snapshot.js'
export {
  type CachedGroupSource,
  type CacheOptions,
  createGroupSource,
  type GroupSource,
  type GroupSourceOptions,
  type Lookup,
  type LookupOptions,
  type Prefetched,
  type SnapshotSourceOptions,
  type Warmed,
} from './groups/group-source.js'
export {
  groupsFromCognito,
  type GroupsFromCognitoOptions,
  type UserGroups,
  type UserGroupsClient,
  type UserGroupsEvent,
  type UserGroupsStats,
  type UserGroupsStatus,
  type UserGroupsWarmed,
} from './groups/user-groups.js'
export type { CognitoClient } from './api/user-pool-api.js'
export type { QuotaName } from './api/user-pool-call.js'
export type { CacheEvent, CacheStats, CacheStatus } from './groups/cache-events.js'
export {
  applyInvalidation,
  type BatchResponse,
  type FailedMessage,
  type IgnoredEvent,
  type IgnoredReason,
  type Invalidation,
  invalidationFrom,
  type InvalidationOptions,
  type InvalidationTargets,
} from './groups/invalidation.js'
