export {
  type AuditCounter,
  type AuditFinding,
  type AuditSummary,
  type AuditSummaryOptions,
  createAuditSummary,
  type CredentialsSummary,
  type IdentityPoolAbout,
  type IdentityPoolMapping,
  type SummaryOptions,
  type UserAudit,
} from './audit/summary.js'
export { type AuditReading } from './audit/audit-reading.js'
export { type PoolUser, type UserDetails } from './audit/pool-user.js'
export { type RoleCheck, type RolePrivileges } from './audit/role-check.js'
export { type Severity } from './severity.js'
export { type Memberships, OUTCOMES, type ResolvedMany, type ResolvedManyWithRoles } from './pool/resolve-many.js'
export {
  rolesSql,
  type RolesSqlOptions,
  SQL_DIALECTS,
  type SqlColumns,
  type SqlDialect,
  type SqlTableName,
  type SqlTables,
} from './pool/roles-sql.js'
export {
  type CedarEntities,
  cedarEntities,
  type CedarEntity,
  type CedarEntityUid,
  type CedarOptions,
  type CedarResolution,
  type CedarRoleAttributes,
  type VerifiedPermissionsAttribute,
  type VerifiedPermissionsEntities,
  verifiedPermissionsEntities,
  type VerifiedPermissionsEntityId,
} from './claims/cedar-entities.js'
export {
  type CarriedClaims,
  type ClaimsComparison,
  compareClaims,
  type CompareOptions,
  type PreferredRoleChange,
} from './claims/compare-claims.js'
export {
  type Calibration,
  type CalibrationGroup,
  type CalibrationToken,
  type CarriedRoleClaims,
  type CheckedCalibration,
  fitSemantics,
  readCalibration,
  type SemanticsFit,
} from './claims/calibration.js'
export { type CalibrationSource, type SemanticsChoice, type SemanticsOptions } from './claims/choose-semantics.js'
export { type ErrorCode, type ErrorDetails, isRolecastError, RolecastError } from './errors.js'
export { explain, type Explanation } from './claims/explain.js'
export { type Group, isGroupName, isPrecedence, MAX_PRECEDENCE, type UserGroups } from './group.js'
export {
  type ForecastRoleRequest,
  type IdTokenClaims,
  type RoleCandidate,
  type RoleRequest,
  type RoleSelection,
  type SelectionEvidence,
  type SelectionRule,
  selectRole,
  selectRoleFor,
} from './credentials/select-role.js'
export {
  type RoleOutcome,
  changeGroups,
  type ChangeOptions,
  createImpact,
  createImpactSummary,
  emptiedGroups,
  type GroupChange,
  type ImpactSummary,
  type ImpactSummaryBuilder,
  type MembershipChange,
  type Transition,
  type UserImpact,
} from './audit/impact.js'
export {
  type AuditDiff,
  type AuditDiffBuilder,
  type AuditDiffOptions,
  type AuditEnd,
  type AuditSide,
  createAuditDiff,
  type CredentialsChange,
  DIFF_KINDS,
  type DiffedAudit,
  type DiffKind,
  type DiffRole,
  type DiffTransition,
  type DiffUser,
  type FindingDiff,
  type GroupDiff,
  isDifferent,
  type NamedUsers,
  type Presence,
  type RoleDiff,
  type RoleState,
  type SignInUsers,
  type UserCredentials,
  type UserDiff,
} from './audit/diff.js'
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
  type Resolution,
  type ResolveOptions,
  resolveRoles,
  type RoleClaims,
} from './claims/resolve.js'
export { type Trust, type TrustOptions, type TrustReason, trustsIdentityPool } from './credentials/trust-policy.js'
export { type ComparedRoles, compareRoles, type RoleChange, type RoleComparison } from './audit/compare-roles.js'
export { type AuditConcern, type ConcernsContext, createConcerns } from './audit/concerns.js'
export { describeChange, type PoolChange } from './audit/pool-change.js'
export {
  findRoleMapping,
  type IdentityPoolRoles,
  type MappingRule,
  type MatchType,
  type RoleMapping,
} from './credentials/role-mapping.js'
export { providerKey } from './credentials/provider-key.js'
export { type Outcome, type Rule, type Semantics, SEMANTICS } from './claims/decide.js'
export { type Evidence } from './claims/evidence.js'
