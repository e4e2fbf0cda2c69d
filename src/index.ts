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
} from './audit/summary.js'
export { type Memberships, OUTCOMES, type ResolvedMany, type ResolvedManyWithRoles } from './pool/resolve-many.js'
export {
  type CarriedClaims,
  type ClaimsComparison,
  compareClaims,
  type CompareOptions,
  compareRoles,
  type PreferredRoleChange,
  type RoleChange,
  type RoleComparison,
} from './claims/compare-claims.js'
export { type ErrorCode, type ErrorDetails, isRolecastError, RolecastError } from './errors.js'
export { explain, type Explanation } from './claims/explain.js'
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
} from './credentials/select-role.js'
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
} from './audit/impact.js'
export { type CompiledPool, compilePool, type PoolResolution } from './pool/compile-pool.js'
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
} from './claims/pre-token.js'
export { NO_ROLE } from './pool/columns.js'
export { type Renumbered, suggestRenumbering } from './audit/renumber.js'
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
} from './claims/resolve.js'
export { type Trust, type TrustReason, trustsIdentityPool } from './credentials/trust-policy.js'
