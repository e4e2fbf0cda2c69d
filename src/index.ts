export { type ErrorCode, type ErrorDetails, isRolecastError, RolecastError } from './errors.js'
export { explain, type Explanation } from './explain.js'
export { type Group, isGroupName, isPrecedence, MAX_PRECEDENCE } from './group.js'
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
