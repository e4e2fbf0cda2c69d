import { quote } from '../errors.js'
import { invalidOption } from '../record.js'
import { type Semantics, SEMANTICS } from './decide.js'
import type { CheckedCalibration } from './calibration.js'

/** Which reading of Cognito's rules to use: the one you name, or the one that a calibration shows. Not both. */
export interface SemanticsOptions {
  /**
   * The reading of Cognito's rules to use.
   *
   * @default 'observed'
   */
  readonly semantics?: Semantics | undefined
  /**
   * What `readCalibration` returned. It selects the reading that the tokens of a real user pool show.
   *
   * @default none
   */
  readonly calibration?: CheckedCalibration | undefined
}

/** The same where one of the two is required, because an earlier result was computed with it. */
export type SemanticsChoice =
  | { readonly semantics: Semantics; readonly calibration?: undefined }
  | { readonly semantics?: undefined; readonly calibration: CheckedCalibration }

/** The calibration that a result rests on. */
export interface CalibrationSource {
  /** ISO 8601: when the last token was issued. */
  readonly date: string
  /** The scratch user pool that issued the tokens. It no longer exists. */
  readonly userPoolId: string
}

export interface ChosenSemantics {
  readonly semantics: Semantics
  readonly calibration?: CalibrationSource
}

/**
 * The key under which `readCalibration` stores what a calibration chooses. Parsed JSON cannot have it, because JSON has
 * no symbols. All copies of the package share the symbol.
 */
export const CHECKED: unique symbol = /* @__PURE__ */ Symbol.for('rolecast.calibration')

/** @throws RolecastError `invalid-option`: unknown semantics, a calibration that was not checked, or both options */
export function chooseSemantics({ semantics, calibration }: SemanticsOptions): ChosenSemantics {
  if (calibration === undefined) return { semantics: checkSemantics(semantics) }
  if (semantics !== undefined) throw invalidOption('`semantics` and `calibration` are both given; give one', semantics)
  const chosen = ownSymbol(calibration)
  if (chosen === undefined)
    throw invalidOption(`\`calibration\` is ${quote(calibration)}; give what \`readCalibration\` returns`, calibration)
  // Another version of the package can have checked it.
  checkSemantics(chosen.semantics)
  return chosen
}

function ownSymbol(calibration: object): ChosenSemantics | undefined {
  const record: object & Partial<Record<typeof CHECKED, ChosenSemantics>> = Object(calibration)
  return Object.hasOwn(record, CHECKED) ? record[CHECKED] : undefined
}

function checkSemantics(semantics: Semantics = 'observed'): Semantics {
  if (SEMANTICS.includes(semantics)) return semantics
  const why =
    (semantics as unknown) === 'groups-compete'
      ? 'semantics `groups-compete` no longer exists, because tokens captured in September 2026 contradict it: they prefer the role of precedence 9 although a group without a role has precedence 0'
      : `\`semantics\` is ${quote(semantics)}`
  throw invalidOption(`${why}; use one of ${SEMANTICS.join(', ')}`, semantics)
}
