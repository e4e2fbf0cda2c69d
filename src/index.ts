export {
  type AuditConcern,
  type AuditCounter,
  type AuditFinding,
  type AuditSummary,
  type AuditSummaryOptions,
  createAuditSummary,
  describeChange,
  type PoolChange,
  type UserAudit,
} from './audit.js'
export { type Memberships, OUTCOMES, type ResolvedMany, type ResolvedManyWithRoles } from './bulk.js'
export {
  type CarriedClaims,
  type ClaimsComparison,
  compareClaims,
  type CompareOptions,
  compareRoles,
  type PreferredRoleChange,
  type RoleChange,
  type RoleComparison,
} from './compare.js'
export { type ErrorCode, type ErrorDetails, isRolecastError, RolecastError } from './errors.js'
export { explain, type Explanation } from './explain.js'
export { type Group, isGroupName, isPrecedence, MAX_PRECEDENCE, type UserGroups } from './group.js'
export {
  findRoleMapping,
  type ForecastRoleRequest,
  type IdentityPoolRoles,
  type IdTokenClaims,
  type MappingRule,
  type MatchType,
  providerKey,
  type RoleCandidate,
  type RoleMapping,
  type RoleRequest,
  type RoleSelection,
  type SelectionRule,
  selectRole,
  selectRoleFor,
} from './identity-pool.js'
export {
  type Answer,
  changeGroups,
  createImpact,
  createImpactSummary,
  type GroupChange,
  type ImpactSummary,
  type ImpactSummaryBuilder,
  type Transition,
  type UserImpact,
} from './impact.js'
export { type CompiledPool, compilePool, type PoolResolution } from './pool.js'
export {
  applyGroupOverride,
  type ClaimChanges,
  type ClaimReason,
  type ClaimsAndScopeOverrideDetails,
  type ClaimsOverrideDetails,
  type GroupConfiguration,
  groupConfigurations,
  type GroupOverrideDetails,
  type OverrideRule,
  type PreTokenEvent,
  type PreTokenResponse,
  type TokenForecast,
  type UndocumentedCase,
} from './pre-token.js'
export { NO_ROLE } from './columns.js'
export { type Renumbered, suggestRenumbering } from './renumber.js'
export {
  accessTokenClaims,
  type Evidence,
  type Outcome,
  type Resolution,
  type ResolveOptions,
  resolveRoles,
  type RoleClaims,
  type Rule,
  type Semantics,
  SEMANTICS,
} from './resolve.js'
export { type Trust, type TrustReason, trustsIdentityPool } from './trust-policy.js'
