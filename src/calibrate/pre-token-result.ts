import {
  applyGroupOverride,
  type ClaimChanges,
  type ClaimReason,
  type OverrideRule,
  type UndocumentedCase,
} from '../claims/pre-token.js'
import type { Evidence } from '../claims/evidence.js'
import { resolveRoles, type RoleClaims } from '../claims/resolve.js'
import { ownValue } from '../record.js'
import {
  MARK,
  type PreTokenCase,
  responseOf,
  TRIGGER_POOLS,
  triggerGroup,
  type TriggerRoles,
  type TriggerVersion,
} from './pre-token-cases.js'
import type { NoAnswer, ProbeVerdict } from './identity-pool-result.js'
import { PLACEHOLDER_ACCOUNT } from './user-pool-rows.js'

/** A claim as a token carries it. Null: the token does not have it. */
export type CarriedClaim = string | readonly string[] | null

/** In place of a claim with a type that role claims do not have. */
export const OTHER_KIND = '(neither a string nor a list of strings)'

/**
 * - `agrees`: as predicted.
 * - `contradicts`: not as predicted although the prediction had evidence, or not as in any reading.
 * - `settles`: the prediction was undetermined or without evidence, and one reading matches.
 */
export type ClaimVerdict = 'agrees' | 'contradicts' | 'settles'

/**
 * What Cognito did in a case that AWS does not document:
 *
 * - `as-taken`: what rolecast assumes as more likely.
 * - `unchanged`: the claim is what the groups alone determine.
 * - `absent`: the token does not have the claim.
 * - `takes-value`: the claim has the value of `claimsToAddOrOverride`.
 */
export type ClaimReading = 'as-taken' | 'unchanged' | 'absent' | 'takes-value'

/** One claim of one token, as predicted and as it is. */
export interface ClaimComparison {
  /** The token that it is about. */
  readonly token: UndocumentedCase['token']
  /** The claim that it is about. */
  readonly claim: keyof RoleClaims
  /** Undetermined: rolecast does not predict it. */
  readonly predicted: CarriedClaim | 'undetermined'
  /** The rule that decided. */
  readonly rule: OverrideRule
  /** How the rule is known. */
  readonly evidence: Evidence
  /** What the token has. */
  readonly real: CarriedClaim
  /** Whether the token has what rolecast predicts. */
  readonly verdict: ClaimVerdict
  /** Present exactly when the verdict is `settles`. */
  readonly reading?: ClaimReading
}

/** The result of the sign-in of a case. */
export type RealTokens =
  | { readonly outcome: 'tokens' }
  /** Cognito does not accept the response: the sign-in fails. */
  | { readonly outcome: 'rejected'; readonly error: string }
  | NoAnswer

/** What Cognito made of one response of a trigger. */
export interface PreTokenResult {
  /** Unique in the result. */
  readonly id: string
  /** What the trigger returns, in words. */
  readonly returns: string
  /** The version of the trigger's event. */
  readonly version: TriggerVersion
  /** The result of the sign-in. */
  readonly real: RealTokens
  /** The worst verdict of the claims: a contradiction first, then one that settles something. */
  readonly verdict: ProbeVerdict
  /** One for each claim of each token. Empty where there are no tokens to compare. */
  readonly claims: readonly ClaimComparison[]
}

/** The payloads of the two tokens. */
export interface Payloads {
  readonly idToken: Readonly<Record<string, unknown>>
  readonly accessToken: Readonly<Record<string, unknown>>
}

/** Compares the tokens of a case with what rolecast predicts for it. */
export function judgeTokens(
  one: PreTokenCase,
  version: TriggerVersion,
  payloads: Payloads,
  roles: TriggerRoles,
): PreTokenResult {
  const predictions = predictClaims(one, version, roles)
  const added = addedBy(one, version, roles)
  const claims = predictions.map(({ token, claim, reason, value, untouched }): ClaimComparison => {
    const real = carried(token === 'id' ? payloads.idToken : payloads.accessToken, claim)
    const isOpen = reason.outcome === 'undetermined'
    const base = {
      token,
      claim,
      predicted: isOpen ? ('undetermined' as const) : withoutAccount(value),
      rule: reason.rule,
      evidence: reason.evidence,
      real: withoutAccount(real),
    }
    if (!isOpen && reason.evidence !== 'unknown')
      return { ...base, verdict: isSame(real, value) ? 'agrees' : 'contradicts' }
    const doubt = { taken: isOpen ? undefined : value, untouched, added: added[token][claim] }
    const reading = readingOf(real, doubt)
    return reading === undefined ? { ...base, verdict: 'contradicts' } : { ...base, verdict: 'settles', reading }
  })
  return { ...named(one, version), real: { outcome: 'tokens' }, verdict: worstOf(claims), claims }
}

function worstOf(claims: readonly ClaimComparison[]): ProbeVerdict {
  const has = (verdict: ClaimVerdict) => claims.some(claim => claim.verdict === verdict)
  return has('contradicts') ? 'contradicts' : has('settles') ? 'settles' : 'agrees'
}

/** A case without tokens to compare. If Cognito rejects the response, that contradicts a prediction with evidence. */
export function withoutTokens(
  one: PreTokenCase,
  version: TriggerVersion,
  real: Exclude<RealTokens, { readonly outcome: 'tokens' }>,
  roles: TriggerRoles,
): PreTokenResult {
  const isOpen = predictClaims(one, version, roles).some(({ reason }) => reason.evidence === 'unknown')
  const verdict = real.outcome !== 'rejected' ? 'none' : isOpen ? 'settles' : 'contradicts'
  return { ...named(one, version), real, verdict, claims: [] }
}

function named({ id, returns }: PreTokenCase, version: TriggerVersion) {
  return { id, returns, version }
}

interface ClaimPrediction {
  readonly token: UndocumentedCase['token']
  readonly claim: keyof RoleClaims
  readonly reason: ClaimReason
  /** Null if the reason says undetermined. */
  readonly value: CarriedClaim
  /** By the groups alone. */
  readonly untouched: CarriedClaim
}

function predictClaims(one: PreTokenCase, version: TriggerVersion, roles: TriggerRoles): readonly ClaimPrediction[] {
  const { claims } = resolveRoles([triggerGroup(roles)])
  const response = responseOf(one, version, roles)
  const { idToken, accessToken, reasons, undocumented } = applyGroupOverride(resolveRoles([triggerGroup(roles)]), {
    version: TRIGGER_POOLS.find(pool => pool.version === version)!.event,
    response,
  })
  const inIdToken = CLAIMS.map(claim => ({
    token: 'id' as const,
    claim,
    reason: reasons.idToken[claim],
    value: idToken[claim] ?? null,
    untouched: claims[claim] ?? null,
  }))
  const groups = 'cognito:groups'
  const inAccessToken = [
    {
      token: 'access' as const,
      claim: groups,
      reason: reasons.accessToken[groups],
      value: accessToken[groups] ?? null,
      untouched: claims[groups] ?? null,
    } as const,
    ...(['cognito:roles', 'cognito:preferred_role'] as const).map(claim => ({
      token: 'access' as const,
      claim,
      reason: undocumented.some(doubt => doubt.token === 'access' && doubt.claim === claim) ? ADDED : NEVER,
      value: null,
      untouched: null,
    })),
  ]
  return [...inIdToken, ...inAccessToken]
}

/** Cognito puts no role into an access token. */
const NEVER: ClaimReason = { outcome: 'absent', rule: 'unchanged', evidence: 'observed' }

const ADDED: ClaimReason = { outcome: 'undetermined', rule: 'added', evidence: 'unknown' }

/** Whether the function ran for this token, and Cognito applied its response. */
export function carriesMark({ idToken }: Payloads, { id }: PreTokenCase): boolean {
  return ownValue(idToken, MARK) === id
}

const CLAIMS = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const

interface Doubt {
  /** Undefined: undetermined. */
  readonly taken: CarriedClaim | undefined
  /** Of the groups alone. */
  readonly untouched: CarriedClaim
  /** The value in `claimsToAddOrOverride`. */
  readonly added: CarriedClaim | undefined
}

/** Undefined: no reading matches. */
function readingOf(real: CarriedClaim, { taken, untouched, added }: Doubt): ClaimReading | undefined {
  if (taken !== undefined && isSame(real, taken)) return 'as-taken'
  if (isSame(real, untouched)) return 'unchanged'
  if (real === null) return 'absent'
  return added !== undefined && (isSame(real, added) || isSame(real, listOf(added))) ? 'takes-value' : undefined
}

function listOf(value: CarriedClaim): CarriedClaim {
  return typeof value === 'string' ? [value] : value
}

/** The values that a case adds by name. */
function addedBy({ override }: PreTokenCase, version: TriggerVersion, roles: TriggerRoles) {
  const { idToken, accessToken } = typeof override === 'function' ? override(roles) : {}
  return {
    id: valuesOf(idToken),
    access: version === 'V1_0' ? {} : valuesOf(accessToken),
  } satisfies Record<UndocumentedCase['token'], Readonly<Record<string, CarriedClaim>>>
}

function valuesOf(changes: ClaimChanges | undefined): Readonly<Record<string, CarriedClaim>> {
  const values = changes?.claimsToAddOrOverride ?? {}
  return Object.fromEntries(Object.keys(values).map(claim => [claim, carried(values, claim)]))
}

function withoutAccount(claim: CarriedClaim): CarriedClaim {
  if (claim === null) return null
  return typeof claim === 'string' ? maskAccount(claim) : claim.map(maskAccount)
}

function maskAccount(text: string): string {
  return text.replaceAll(/(?<!\d)\d{12}(?!\d)/g, PLACEHOLDER_ACCOUNT)
}

function carried(payload: Readonly<Record<string, unknown>>, claim: string): CarriedClaim {
  const value = ownValue(payload, claim)
  if (value === undefined) return null
  if (typeof value === 'string') return value
  return Array.isArray(value) && value.every(one => typeof one === 'string') ? value : OTHER_KIND
}

/** The same string, or the same entries in any order. A list with one entry is not the same as the entry. */
function isSame(a: CarriedClaim, b: CarriedClaim): boolean {
  if (a === null || b === null || typeof a === 'string' || typeof b === 'string') return a === b
  return a.length === b.length && new Set(a).size === a.length && a.every(one => b.includes(one))
}
