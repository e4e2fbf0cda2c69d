import type { CalibrationResult } from '../calibrate/index.js'
import type { ReportedCase } from '../report/calibration-text.js'

type IdentityPoolCase = NonNullable<CalibrationResult['identityPool']>[number]
type PreTokenCase = NonNullable<CalibrationResult['preToken']>[number]
type ClaimComparison = PreTokenCase['claims'][number]

/** What an identity pool and a trigger showed, in words. */
export function calibrationCases({ identityPool, preToken }: Pick<CalibrationResult, 'identityPool' | 'preToken'>) {
  return [
    ...(identityPool === undefined
      ? []
      : [{ title: 'Which role the identity pool gave', cases: identityPool.map(identityPoolCase) }]),
    ...(preToken === undefined
      ? []
      : [{ title: 'How Cognito used the responses of the trigger', cases: preToken.flatMap(preTokenCases) }]),
  ]
}

function identityPoolCase({ about, predicted, real, verdict, reading }: IdentityPoolCase): ReportedCase {
  const candidates = predicted?.candidates?.map(selectionText).join(' or ')
  // The section of docs/identity-pool.md.
  const suffix = reading === undefined ? '' : `: ${reading.rule}`
  return {
    about,
    predicted: predicted === undefined ? NOT_READ : (candidates ?? selectionText(predicted)),
    ...('why' in real && { why: real.why }),
    real: 'why' in real ? NOT_READ : `${selectionText(real)}${suffix}${verdict === 'none' ? NOT_SEEN : ''}`,
    verdict,
  }
}

/** Not read, which is not the same as "no role". */
const NOT_READ = '–'

const NOT_SEEN = ': nothing that was predicted was seen'

function selectionText(selection: {
  readonly outcome: string
  readonly role?: string
  readonly error?: string
}): string {
  const { outcome, role, error } = selection
  return role ?? (error === undefined ? outcome : `${outcome} (${error})`)
}

/** A line for each claim that is not as predicted, or was not predicted, and one for all the others. */
function preTokenCases({ version, returns, real, verdict, claims }: PreTokenCase): readonly ReportedCase[] {
  const about = `${version}, ${returns}`
  if ('why' in real) return [{ about, predicted: NOT_READ, real: NOT_READ, verdict: 'not-settled', why: real.why }]
  if (real.outcome === 'rejected') return [{ about, predicted: 'tokens', real: `no tokens (${real.error})`, verdict }]
  const others = claims.filter(({ verdict }) => verdict !== 'agrees')
  const agreeing = claims.length - others.length
  return [
    ...others.map(claim => claimCase(about, claim)),
    ...(agreeing === 0
      ? []
      : [{ about, predicted: `${agreeing} claims`, real: 'as predicted', verdict: 'agrees' as const }]),
  ]
}

function claimCase(about: string, { token, claim, predicted, real, verdict, reading }: ClaimComparison): ReportedCase {
  const suffix = reading === undefined ? '' : `: ${READINGS[reading]}`
  return {
    about: `${about}: ${claim} of the ${token} token`,
    predicted: claimText(predicted),
    real: `${claimText(real)}${suffix}`,
    verdict,
  }
}

const READINGS: Readonly<Record<NonNullable<ClaimComparison['reading']>, string>> = {
  'as-taken': 'as rolecast reads it',
  unchanged: 'as without the trigger',
  absent: 'removed',
  'takes-value': 'the value that is added',
}

function claimText(claim: string | readonly string[] | null): string {
  if (claim === null) return 'absent'
  const texts = typeof claim === 'string' ? [claim] : claim
  return texts.length === 0 ? '[]' : texts.map(text => text.slice(text.lastIndexOf('/') + 1)).join(', ')
}
