import type { TokenClaims } from '../../src/testing/role-claims.js'
import { serviceError } from '../../src/testing/service-error.js'

type Json = Readonly<Record<string, unknown>>

/** What is true of the responses of triggers here, where AWS's pages leave it open, and where they do not. */
export interface TriggerTruth {
  /** A part that `groupOverrideDetails` leaves out. */
  readonly leftOut: 'absent' | 'kept'
  /** `groupOverrideDetails: {}` and null. */
  readonly empty: 'suppressed' | 'unchanged'
  /** A role claim in `claimsToSuppress`. */
  readonly suppressedByName: 'absent' | 'ignored'
  /** One of the three claims in `claimsToAddOrOverride`. */
  readonly addedByName: 'ignored' | 'taken' | 'rejected'
  /** A preferred role that is not one of the roles. */
  readonly outside: 'given' | 'absent'
}

/** What docs/pre-token.md says or takes for likely, with one choice for each thing that it leaves open. */
export const DOCUMENTED_TRIGGER: TriggerTruth = {
  leftOut: 'absent',
  empty: 'suppressed',
  suppressedByName: 'ignored',
  addedByName: 'ignored',
  outside: 'given',
}

/** The other choice for each thing that it leaves open. */
export const OPPOSITE_TRIGGER: TriggerTruth = {
  ...DOCUMENTED_TRIGGER,
  leftOut: 'kept',
  suppressedByName: 'absent',
  addedByName: 'taken',
}

const [GROUPS, ROLES, PREFERRED] = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const

/** What becomes of the claims by the event that the trigger returned. Shares nothing with what predicts it. */
export function playTrigger(truth: TriggerTruth): (claims: TokenClaims, event: Json) => TokenClaims {
  return ({ idToken, accessToken }, event) => {
    const isFirst = event['version'] === '1'
    const response = (event['response'] ?? {}) as Json
    const details = (response[isFirst ? 'claimsOverrideDetails' : 'claimsAndScopeOverrideDetails'] ?? {}) as Json
    const override = details['groupOverrideDetails'] as Json | null | undefined
    const given = Object.values(override ?? {}).filter(part => part !== null)
    let id: Json = { ...idToken }
    let access: Json = { ...accessToken }
    if ('groupOverrideDetails' in details && given.length === 0) {
      if (truth.empty === 'suppressed') [id, access] = [{}, {}]
    } else if (override) {
      const part = (name: string, claim: string) => override[name] ?? (truth.leftOut === 'kept' ? id[claim] : undefined)
      const groups = listed(part('groupsToOverride', GROUPS))
      const roles = listed(part('iamRolesToOverride', ROLES))
      const preferred = part('preferredRole', PREFERRED)
      const isOutside = !((roles ?? []) as readonly unknown[]).includes(preferred)
      id = defined({
        [GROUPS]: groups,
        [ROLES]: roles,
        [PREFERRED]: isOutside && truth.outside === 'absent' ? undefined : preferred,
      })
      access = defined({ [GROUPS]: groups })
    }
    const change = (claims: Json, changes: Json | undefined, token: 'id' | 'access'): Json => {
      const added = Object.entries((changes?.['claimsToAddOrOverride'] ?? {}) as Json)
      const named = added.filter(([name]) => [GROUPS, ROLES, PREFERRED].includes(name as never))
      if (named.length > 0 && truth.addedByName === 'rejected')
        throw serviceError('InvalidLambdaResponseException', 'Invalid lambda function output')
      const taken = truth.addedByName === 'taken' ? Object.fromEntries(named) : {}
      const suppressed = (changes?.['claimsToSuppress'] ?? []) as readonly string[]
      const gone = suppressed.includes(GROUPS)
        ? token === 'id'
          ? [GROUPS, ROLES, PREFERRED]
          : [GROUPS]
        : truth.suppressedByName === 'absent'
          ? suppressed
          : []
      return Object.fromEntries(Object.entries({ ...claims, ...taken }).filter(([name]) => !gone.includes(name)))
    }
    return {
      idToken: change(id, isFirst ? details : (details['idTokenGeneration'] as Json), 'id') as TokenClaims['idToken'],
      accessToken: change(
        access,
        isFirst ? undefined : (details['accessTokenGeneration'] as Json),
        'access',
      ) as TokenClaims['accessToken'],
    }
  }
}

/** A set, and nothing where it is empty. */
function listed(list: unknown): unknown {
  return Array.isArray(list) && list.length > 0 ? [...new Set(list)] : undefined
}

function defined(claims: Json): Json {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}
