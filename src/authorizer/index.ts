export {
  type ResponseContext,
  type AppSyncInput,
  type AppSyncResponse,
  type ContextValue,
  type IamPolicyInput,
  type IamPolicyResponse,
  type SimpleInput,
  type SimpleResponse,
  toAppSyncResponse,
  toContext,
  toIamPolicyResponse,
  toSimpleResponse,
} from './responses.js'
export {
  type AccessVerdict,
  type AppSyncVerdict,
  type CommonAuthorizerOptions,
  createRoleAuthorizer,
  type IamVerdict,
  type PolicyChoices,
  type PolicyChoicesOf,
  type RoleAuthorizer,
  type RoleAuthorizerOptions,
  type VerdictOf,
} from './authorizer.js'
export { type ClaimsOptions, type IncomingClaims, parseGroupsClaim, parseRoleClaims, type Transport } from './claims.js'
export { denialHeaders } from './denial-headers.js'
export type { CurrentGroups } from './current-groups.js'
export {
  type ResponseOf,
  type AppSyncEvent,
  bearerToken,
  type EventKind,
  type EventKinds,
  type EventOf,
  type HttpV1Event,
  type HttpV2Event,
  type NamedValues,
  type RestRequestEvent,
  type RestTokenEvent,
  type WebSocketEvent,
} from './events.js'
export {
  type AccessRequest,
  createRoleGuard,
  type CurrentResolution,
  type CurrentRoles,
  type Decision,
  type DecisionDetails,
  type Denied,
  type DenyReason,
  type Granted,
  type RequestedResolution,
  type RoleGuard,
  type RoleGuardOptions,
  type TokenVerifier,
} from './guard.js'
export {
  checkRoleSwitch,
  listSwitchableRoles,
  type RoleSwitch,
  type RoleSwitchOptions,
  type SwitchableRoles,
} from './role-switch.js'
