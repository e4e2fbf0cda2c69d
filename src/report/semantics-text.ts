import type { CalibrationSource } from '../claims/choose-semantics.js'
import type { Semantics } from '../claims/decide.js'
import { describeCalibration } from '../claims/explain.js'

/** Which reading was used, and what chose it. */
export interface NamedSemantics {
  readonly semantics: Semantics
  readonly calibration?: CalibrationSource | undefined
}

/** "roles-compete, calibrated on 2026-11-29 against user pool us-east-1_Ab12Cd34e" */
export function semanticsText({ semantics, calibration }: NamedSemantics): string {
  return calibration === undefined ? semantics : `${semantics}, ${describeCalibration(calibration)}`
}

/** What a calibration does not show. */
export function calibrationLimits({ calibration }: Pick<NamedSemantics, 'calibration'>): readonly string[] {
  if (calibration === undefined) return []
  return [
    'Calibrated results rest on the tokens that another user pool issued on one day; whether Cognito does the same in this user pool, and today, was not looked at.',
  ]
}
