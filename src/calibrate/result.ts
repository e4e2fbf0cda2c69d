import {
  type Calibration,
  type CalibrationToken,
  type CarriedRoleClaims,
  fitSemantics,
  type SemanticsFit,
} from '../claims/calibration.js'
import type { Outcome, Semantics } from '../claims/decide.js'
import type { Evidence } from '../claims/evidence.js'
import { accessTokenClaims, resolveRoles, type RoleClaims } from '../claims/resolve.js'
import type { IdentityPoolResult } from './identity-pool-result.js'
import type { PreTokenResult } from './pre-token-result.js'
import type { LeftBehind } from './resources.js'
import type { Row } from './user-pool-rows.js'

/**
 * - `agrees`: the tokens have what rolecast predicts.
 * - `settles`: rolecast does not predict the preferred role, and the tokens have what one reading says.
 * - `contradicts`: they do not.
 * - `not-settled`: no tokens of this user could be had, or none with the memberships that were made. It never counts as
 *   agreeing.
 */
export type RowVerdict = 'agrees' | 'settles' | 'contradicts' | 'not-settled'

/** The role claims of the two tokens of a sign-in. */
export type TokenPair = Pick<CalibrationToken, 'idToken' | 'accessToken'>

/** What rolecast predicts without a calibration. */
export interface RowPrediction extends TokenPair {
  readonly outcome: Outcome
  readonly evidence: Evidence
  /** Of an undetermined outcome: the preferred role, if there is one. */
  readonly candidateRole?: string
}

export interface RowResult {
  readonly id: string
  /** The case of docs/semantics.md. */
  readonly row: string
  readonly about: string
  readonly predicted: RowPrediction
  /** Absent where no claims were read. */
  readonly real?: TokenPair
  readonly verdict: RowVerdict
  /** Of a row that settles, the reading that Cognito followed; of one that contradicts, one that has it so, if any does. */
  readonly reading?: Semantics
  /** All readings that have it so: present where `reading` is. */
  readonly readings?: readonly Semantics[]
  /** Why it contradicts, where that is not to be seen in `real`, or why it is not settled. */
  readonly why?: string
}

/** What one user's tokens say: `read`, with claims of the kinds that AWS documents, or why there is nothing to compare. */
export type RowReading =
  | { readonly outcome: 'read'; readonly token: CalibrationToken }
  /** A claim is of another kind, for example one text in the place of a list. */
  | { readonly outcome: 'malformed'; readonly token: RowUser; readonly why: string }
  | { readonly outcome: 'none'; readonly token: RowUser; readonly why: string }

/** Whose tokens they are. */
export type RowUser = Pick<CalibrationToken, 'id' | 'row' | 'groups'>

/** Compares what a user's tokens have with the prediction. */
export function judgeRow({ about, evidence }: Pick<Row, 'about' | 'evidence'>, reading: RowReading): RowResult {
  const { id, row, groups } = reading.token
  const prediction = predictRow(groups)
  const predicted = { ...prediction, evidence: evidence ?? prediction.evidence }
  const result = { id, row, about, predicted }
  if (reading.outcome === 'none') return { ...result, verdict: 'not-settled', why: reading.why }
  if (reading.outcome === 'malformed') return { ...result, verdict: 'contradicts', why: reading.why }
  const { idToken, accessToken } = reading.token
  const real = { idToken, accessToken }
  const fitting = readingsOf(reading.token)
  const [first] = fitting
  if (predicted.outcome === 'undetermined') {
    const settling = fitting.find(one => one !== 'documented')
    if (settling !== undefined) return { ...result, real, verdict: 'settles', reading: settling, readings: fitting }
  } else if (fitting.includes('roles-compete')) return { ...result, real, verdict: 'agrees' }
  return { ...result, real, verdict: 'contradicts', ...(first !== undefined && { reading: first, readings: fitting }) }
}

function readingsOf(token: CalibrationToken): readonly Semantics[] {
  return fitSemantics([token])
    .readings.filter(({ contradictedBy }) => contradictedBy.length === 0)
    .map(({ semantics }) => semantics)
}

function predictRow(groups: CalibrationToken['groups']): RowPrediction {
  const resolution = resolveRoles(groups)
  const { outcome, candidateRole, evidence } = resolution
  return {
    outcome,
    evidence,
    ...(candidateRole !== undefined && { candidateRole }),
    idToken: carriedOf(resolution.claims),
    accessToken: carriedOf(accessTokenClaims(resolution)),
  }
}

function carriedOf(claims: RoleClaims): CarriedRoleClaims {
  return {
    'cognito:groups': claims['cognito:groups'] ?? null,
    'cognito:roles': claims['cognito:roles'] ?? null,
    'cognito:preferred_role': claims['cognito:preferred_role'] ?? null,
  }
}

/** In what order claims list their entries. AWS does not document it, so nothing here agrees or contradicts. */
export type OrderResult =
  | {
      readonly outcome: 'read'
      /** `cognito:groups` and `cognito:roles` of the first ID token. */
      readonly groups: readonly string[]
      readonly roles: readonly string[]
      /** The groups as AdminListGroupsForUser lists them. */
      readonly listed: readonly string[]
      /** Whether `cognito:groups` has the order of AdminListGroupsForUser. */
      readonly isListed: boolean
      /** Whether three sign-ins have one order, of groups and of roles. */
      readonly isStable: boolean
      /** Whether a user who joined the same groups in reverse has the same order. */
      readonly isSameForReverse: boolean
    }
  | NotMeasured

export interface NotMeasured {
  readonly outcome: 'not-measured'
  readonly why: string
}

/** How long a change takes until a refreshed token shows it. */
export interface DelayResult {
  readonly change: 'AdminAddUserToGroup' | 'UpdateGroup' | 'AdminRemoveUserFromGroup' | 'DeleteGroup'
  readonly about: string
  readonly delay:
    /** Seconds from the response to the change, to the response of the first refresh that shows it. */
    | { readonly outcome: 'shown'; readonly seconds: number }
    /** No refresh showed it within so many seconds. */
    | { readonly outcome: 'not-within'; readonly seconds: number }
    | NotMeasured
}

/** What a run found. It has no token, no password and no account id. */
export interface CalibrationResult extends Calibration {
  readonly region: string
  /** As Cognito says; null where it does not. */
  readonly tier: string | null
  /** As in `fitSemantics`; absent too where a claim was of a kind that no reading knows. */
  readonly semantics?: Semantics
  readonly readings: SemanticsFit['readings']
  readonly rows: readonly RowResult[]
  readonly order: OrderResult
  readonly delays: readonly DelayResult[]
  readonly identityPool?: readonly IdentityPoolResult[]
  readonly preToken?: readonly PreTokenResult[]
  /** Sentences: what this run did not look at. */
  readonly notSeen: readonly string[]
}

/** What is left of a run, beside what it found. */
export interface CalibrationOutcome {
  readonly result: CalibrationResult
  /** What could not be deleted. Empty: all that was created was read back as gone. */
  readonly leftBehind: readonly LeftBehind[]
  /** The ledger, which is there while something is left. */
  readonly ledger: string
}

/**
 * `contradicted`: a prediction was, or every reading is, so that rows that settle a case contradict one another. `incomplete`:
 * neither, and a row or a case is not settled.
 */
export type CalibrationVerdict = 'agrees' | 'contradicted' | 'incomplete'

export function verdictOf(result: CalibrationResult): CalibrationVerdict {
  const { rows, readings, identityPool = [], preToken = [] } = result
  const verdicts = new Set([...rows, ...identityPool, ...preToken].map(({ verdict }) => verdict))
  const fitsNone = readings.every(({ contradictedBy }) => contradictedBy.length > 0)
  if (verdicts.has('contradicts') || fitsNone) return 'contradicted'
  return verdicts.has('not-settled') || verdicts.has('none') ? 'incomplete' : 'agrees'
}
