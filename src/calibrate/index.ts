export { calibrate, type CalibrateOptions } from './calibrate.js'
export { cleanUp, type CleanUpOutcome } from './clean-up.js'
export type { ConnectOptions } from './connect.js'
export type {
  IdentityPoolConfiguration,
  IdentityPoolResult,
  NoAnswer,
  PredictedCandidate,
  PredictedSelection,
  ProbeVerdict,
  RealSelection,
} from './identity-pool-result.js'
export type { RoleName } from './identity-pool-cases.js'
export type { LedgerResource, ResourceKind } from './ledger.js'
export type { Operation } from './operations.js'
export { type CalibrationPlan, planCalibration, type Permission, type PlanOptions } from './plan.js'
export type { PlannedCall, PlannedStep } from './planned-step.js'
export type { TriggerVersion } from './pre-token-cases.js'
export type {
  CarriedClaim,
  ClaimComparison,
  ClaimReading,
  ClaimVerdict,
  PreTokenResult,
  RealTokens,
} from './pre-token-result.js'
export type { LeftBehind } from './resources.js'
export {
  type CalibrationOutcome,
  type CalibrationResult,
  type CalibrationVerdict,
  type DelayResult,
  type NotMeasured,
  type OrderResult,
  type RowPrediction,
  type RowResult,
  type RowVerdict,
  type TokenPair,
  verdictOf,
} from './result.js'
export type { AwsCredentials, CalibrateEvent, Clock } from './session.js'
export { verifyToken, type VerifyTokenOptions } from './verify.js'
export type {
  DatedGroup,
  Doubt,
  DoubtKind,
  MembershipComparison,
  TokenJudgement,
  TokenRoleComparison,
  TokenVerdict,
  TokenVerification,
  TriggerSign,
  TriggerSignKind,
} from '../claims/judge-token.js'
export type { CredentialsProvider, TemporaryCredentials } from '../cognito/api/account-access.js'
export type {
  CognitoClient,
  CognitoOperations,
  ConnectionOptions,
  PageInput,
  SendOptions,
} from '../cognito/api/connection-options.js'
