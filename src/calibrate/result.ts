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
 * - `settles`: rolecast does not predict the preferred role, and the tokens match one reading.
 * - `contradicts`: the tokens do not match.
 * - `not-settled`: there were no tokens of this user, or none with the memberships that were set up. It never counts as
 *   agreeing.
 */
export type RowVerdict = 'agrees' | 'settles' | 'contradicts' | 'not-settled'

/** The role claims of the two tokens of a sign-in. */
export type TokenPair = Pick<CalibrationToken, 'idToken' | 'accessToken'>

/** What rolecast predicts without a calibration. */
export interface RowPrediction extends TokenPair {
  /** How certain the preferred role is. */
  readonly outcome: Outcome
  /** How the rule is known. */
  readonly evidence: Evidence
  /** Of an undetermined outcome: the preferred role, if there is one. */
  readonly candidateRole?: string
}

/** What one user's tokens showed. */
export interface RowResult {
  /** Unique in the result. */
  readonly id: string
  /** The case of docs/semantics.md. */
  readonly row: string
  /** What the case is about. */
  readonly about: string
  /** What rolecast predicts. */
  readonly predicted: RowPrediction
  /** Absent where no claims were read. */
  readonly real?: TokenPair
  /** Whether the tokens have what rolecast predicts. */
  readonly verdict: RowVerdict
  /** If the row settles, the reading that Cognito followed; if it contradicts, a reading that matches, if there is one. */
  readonly reading?: Semantics
  /** All readings that match; present if `reading` is. */
  readonly readings?: readonly Semantics[]
  /** Why it contradicts, if `real` does not show that, or why it is not settled. */
  readonly why?: string
}

/** What one user's tokens show: `read`, with claims of the documented types, or why there is nothing to compare. */
export type RowReading =
  | { readonly outcome: 'read'; readonly token: CalibrationToken }
  /** A claim has another type, for example a string in place of a list. */
  | { readonly outcome: 'malformed'; readonly token: RowUser; readonly why: string }
  | { readonly outcome: 'none'; readonly token: RowUser; readonly why: string }

/** Whose tokens they are. */
export type RowUser = Pick<CalibrationToken, 'id' | 'row' | 'groups'>

/** Compares a user's tokens with the prediction. */
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

/** Something that a run did not find out. */
export interface NotMeasured {
  /** Always `not-measured`. */
  readonly outcome: 'not-measured'
  /** The reason, in one line. */
  readonly why: string
}

/** How long a change takes until a refreshed token shows it. */
export interface DelayResult {
  /** The operation that makes the change. */
  readonly change: 'AdminAddUserToGroup' | 'UpdateGroup' | 'AdminRemoveUserFromGroup' | 'DeleteGroup'
  /** What was changed. */
  readonly about: string
  /** How long it took, or why that is not known. */
  readonly delay:
    /** Seconds from the response to the change, to the response of the first refresh that shows it. */
    | { readonly outcome: 'shown'; readonly seconds: number }
    /** No refresh showed it within this many seconds. */
    | { readonly outcome: 'not-within'; readonly seconds: number }
    | NotMeasured
}

/** What a run found. It has no token, no password and no account id. */
export interface CalibrationResult extends Calibration {
  /** The AWS Region of the run. */
  readonly region: string
  /** As Cognito returns it; null if it does not. */
  readonly tier: string | null
  /** As in `fitSemantics`; absent too if a claim had an undocumented type. */
  readonly semantics?: Semantics
  /** Each reading of Cognito's rules, with the ids of the tokens that contradict it. */
  readonly readings: SemanticsFit['readings']
  /** What the tokens of each user showed. */
  readonly rows: readonly RowResult[]
  /** In what order claims list their entries. */
  readonly order: OrderResult
  /** How long changes take until a refreshed token shows them. */
  readonly delays: readonly DelayResult[]
  /** What the identity pool gave; absent if the run did not look at one. */
  readonly identityPool?: readonly IdentityPoolResult[]
  /** What Cognito made of a trigger's responses; absent if the run did not look at triggers. */
  readonly preToken?: readonly PreTokenResult[]
  /** Sentences: what this run did not look at. */
  readonly notSeen: readonly string[]
}

/** The result of a run, and what is left of it. */
export interface CalibrationOutcome {
  /** What the run found. */
  readonly result: CalibrationResult
  /** What could not be deleted. Empty: everything that was created was confirmed to be gone. */
  readonly leftBehind: readonly LeftBehind[]
  /** The ledger, which exists while something is left. */
  readonly ledger: string
}

/**
 * `contradicted`: a prediction was contradicted; or every reading was, because rows that settle a case contradict one
 * another. `incomplete`: neither of these, but a row or a case is not settled.
 */
export type CalibrationVerdict = 'agrees' | 'contradicted' | 'incomplete'

/**
 * Whether rolecast's predictions agree with what a run found.
 *
 * @example
 * import { calibrate, verdictOf } from 'rolecast/calibrate'
 *
 * const { result } = await calibrate({ region: 'eu-west-1' })
 * if (verdictOf(result) === 'contradicted') process.exitCode = 1
 */
export function verdictOf(result: CalibrationResult): CalibrationVerdict {
  const { rows, readings, identityPool = [], preToken = [] } = result
  const verdicts = new Set([...rows, ...identityPool, ...preToken].map(({ verdict }) => verdict))
  const fitsNone = readings.every(({ contradictedBy }) => contradictedBy.length > 0)
  if (verdicts.has('contradicts') || fitsNone) return 'contradicted'
  return verdicts.has('not-settled') || verdicts.has('none') ? 'incomplete' : 'agrees'
}
