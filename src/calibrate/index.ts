export { calibrate, type CalibrateOptions } from './calibrate.js'
export { cleanUp, type CleanUpOutcome } from './clean-up.js'
export type { ConnectOptions } from './connect.js'
export { type CalibrationPlan, planCalibration, type Permission, type PlanOptions } from './plan.js'
export type { PlannedCall, PlannedStep } from './planned-step.js'
export type { LeftBehind } from './resources.js'
export {
  type CalibrationOutcome,
  type CalibrationResult,
  type CalibrationVerdict,
  type DelayResult,
  type OrderResult,
  type RowResult,
  type RowVerdict,
  verdictOf,
} from './result.js'
export type { AwsCredentials, CalibrateEvent, Clock } from './session.js'
export { verifyToken, type VerifyTokenOptions } from './verify.js'
export type { DatedGroup, TokenVerdict, TokenVerification } from '../claims/judge-token.js'
