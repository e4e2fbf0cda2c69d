import { quote } from '../errors.js'
import { identityPoolRegion, REGION_PATTERN, UUID_PATTERN } from '../aws-ids.js'
import { invalidOption } from '../record.js'
import { type Condition, type Statement, readPolicy, asList } from './policy-document.js'
import { isSurelyAccepted } from './policy-grammar.js'
import { type Maybe, and, or, not } from './three-valued.js'
import { parseOperator, judgeClaim, isLike, type Caller, type ServiceNames } from './policy-condition.js'

/**
 * Why a role can, cannot or may be assumed; `docs/identity-pool.md` has the list.
 *
 * - `allowed`: a statement allows it, and none denies it.
 * - `denied`: a Deny statement covers it.
 * - `no-allow`: the policy has no Allow statement.
 * - `other-principal`: no Allow names the identity pool service of the pool's partition.
 * - `other-action`: no Allow of that principal covers `sts:AssumeRoleWithWebIdentity`.
 * - `other-audience`: of identity pools, the policy allows only others.
 * - `placeholder-audience`: the audience is one of AWS's examples, or not an identity pool ID at all.
 * - `guests-only`: of the pool's users, the policy allows only guests.
 * - `signed-in-only`: you asked about guests, and the policy allows only signed-in users.
 * - `condition-not-met`: another condition on the claims of the identity pool's token fails.
 * - `uncertain-principal`, `uncertain-action`, `uncertain-condition`, `uncertain-statement`: this part of the statement
 *   cannot be evaluated from the policy alone.
 * - `uncertain-policy`: it would be allowed, but IAM may not accept the document as a trust policy.
 */
export type TrustReason =
  | 'allowed'
  | 'denied'
  | 'no-allow'
  | 'other-principal'
  | 'other-action'
  | 'other-audience'
  | 'placeholder-audience'
  | 'guests-only'
  | 'signed-in-only'
  | 'condition-not-met'
  | 'uncertain-principal'
  | 'uncertain-action'
  | 'uncertain-condition'
  | 'uncertain-statement'
  | 'uncertain-policy'

/** Whether a role trusts an identity pool. */
export interface Trust {
  /**
   * True only if IAM certainly accepts the policy and the users in question can certainly assume the role. Undefined:
   * the policy alone does not show it.
   */
  readonly trusted: boolean | undefined
  /** Why the role can, cannot or may be assumed. */
  readonly reason: TrustReason
  /** The statement that decides, from 0. Absent exactly when the reason is `no-allow`. */
  readonly statementIndex?: number
  /**
   * Whether users of some other identity pool, in any account, can assume the role too: the audience is not pinned. It
   * goes by the policy as written, whether or not IAM accepts it today, because an older role may have it.
   */
  readonly anyPool: boolean | undefined
  /**
   * Whether guests of this pool can assume the role too, by the policy as written. They should not be able to assume a
   * group's role.
   */
  readonly guests: boolean | undefined
  /** The audiences in the policy that are not a real identity pool ID: AWS's examples, `YOUR_POOL_ID` and the like. */
  readonly placeholders: readonly string[]
}

/** Whose access `trustsIdentityPool` judges. */
export interface TrustOptions {
  /**
   * Whose credentials the role is for: `authenticated`, signed-in users, or `unauthenticated`, guests.
   *
   * @default 'authenticated'
   */
  readonly users?: 'authenticated' | 'unauthenticated' | undefined
}

/**
 * Judges from a role's trust policy whether the signed-in users of an identity pool, or its guests, can assume it.
 *
 * Anything that cannot be evaluated from the policy alone leaves the result open and never makes it `trusted`: an
 * unknown operator, a condition on the caller's address, a reference that is not resolved yet. The same goes for
 * anything that IAM may not accept in a trust policy.
 *
 * Not for `sts:TagSession`, which a pool with principal tags needs too, nor for service control policies and permission
 * boundaries, nor for whether the pool hands the role out: see `selectRole`.
 *
 * @param trustPolicy the document, as an object, as JSON, or percent-encoded as IAM's GetRole gives it
 * @param identityPoolId such as `eu-west-1:7f0c1ab2-…`; its region says which partition's names count
 * @param options whose access to judge: that of signed-in users unless you say otherwise
 * @throws RolecastError `invalid-option`: no policy document, or no identity pool id
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/iam-roles.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html
 * @example
 * import { trustsIdentityPool } from 'rolecast'
 *
 * const identityPoolId = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
 * const policy = {
 *   Version: '2012-10-17',
 *   Statement: {
 *     Effect: 'Allow',
 *     Principal: { Federated: 'cognito-identity.amazonaws.com' },
 *     Action: 'sts:AssumeRoleWithWebIdentity',
 *     Condition: { StringEquals: { 'cognito-identity.amazonaws.com:aud': identityPoolId } },
 *   },
 * }
 * const { trusted, guests } = trustsIdentityPool(policy, identityPoolId)
 * console.log(trusted, guests) // true true
 */
export function trustsIdentityPool(
  trustPolicy: string | object,
  identityPoolId: string,
  { users = 'authenticated' }: TrustOptions = {},
): Trust {
  if (users !== 'authenticated' && users !== 'unauthenticated')
    throw invalidOption(`\`users\` is ${quote(users)}; give \`authenticated\` or \`unauthenticated\``, users)
  const region = checkPoolId(identityPoolId)
  const names = namesIn(region)
  const { document, statements, hasRepeatedKeys } = readPolicy(trustPolicy)
  const caller: Caller = { names, audience: identityPoolId, guest: users === 'unauthenticated' }
  const allowing = statements.filter(({ effect }) => effect === 'Allow')

  const isAccepted = !hasRepeatedKeys && isSurelyAccepted(document, names)
  const decision = onlyIf(isAccepted, judge(statements, caller))
  const placeholdersOf = (some: readonly Statement[]) =>
    [...new Set(some.flatMap(statement => audiencesIn(statement, names)))].filter(audience =>
      isPlaceholder(audience, identityPoolId),
    )
  const isOnlyPlaceholder =
    decision.reason === 'other-audience' && placeholdersOf([statements[decision.statementIndex!]!]).length > 0
  return {
    ...decision,
    ...(isOnlyPlaceholder && { reason: 'placeholder-audience' }),
    anyPool: judge(statements, { ...caller, audience: otherPool(region, identityPoolId) }).trusted,
    guests: judge(statements, { ...caller, guest: true }).trusted,
    placeholders: placeholdersOf(allowing.length > 0 ? allowing : statements),
  }
}

const AWS = 'cognito-identity.amazonaws.com'
const GOV_WEST = 'cognito-identity-us-gov.amazonaws.com'
const GOV_EAST = 'cognito-identity.us-gov-east-1.amazonaws.com'
const CHINA = 'cognito-identity.cn-north-1.amazonaws.com.cn'
const CHINA_KEYS = 'cognito-identity.amazonaws.com.cn'

/** The names of the identity pool service, as principals and in condition keys, in the partitions that document them. */
export const IDENTITY_SERVICE_NAMES: readonly string[] = [AWS, GOV_WEST, GOV_EAST, CHINA, CHINA_KEYS]

/**
 * @see https://docs.aws.amazon.com/govcloud-us/latest/UserGuide/govcloud-cog.html
 * @see https://docs.amazonaws.cn/cognito/latest/developerguide/role-based-access-control.html
 */
function namesIn(region: string): ServiceNames {
  if (region === 'us-gov-west-1') return { principals: [GOV_WEST], keyPrefixes: [GOV_WEST], uncertain: [] }
  if (region === 'us-gov-east-1') return { principals: [GOV_EAST], keyPrefixes: [GOV_EAST], uncertain: [] }
  if (region.startsWith('cn-'))
    return { principals: [CHINA], keyPrefixes: [CHINA_KEYS], uncertain: [AWS, CHINA, CHINA_KEYS] }
  if (/^(us-iso|eu-iso|eusc-|us-gov-)/.test(region))
    return { principals: [], keyPrefixes: [], uncertain: IDENTITY_SERVICE_NAMES }
  return { principals: [AWS], keyPrefixes: [AWS], uncertain: [] }
}

/** Whether this is the pool's service, given the names that certainly are. */
function isService(name: string, sure: readonly string[], { uncertain }: ServiceNames): Maybe {
  if (sure.includes(name)) return true
  if (uncertain.includes(name)) return undefined
  // An undocumented name may be that of a new Region.
  return /^cognito-identity/i.test(name) && !IDENTITY_SERVICE_NAMES.includes(name) ? undefined : false
}

type Decision = Pick<Trust, 'trusted' | 'reason' | 'statementIndex'>

function onlyIf(isAccepted: boolean, decision: Decision): Decision {
  return decision.trusted && !isAccepted ? { ...decision, trusted: undefined, reason: 'uncertain-policy' } : decision
}

interface Judged {
  readonly applies: Maybe
  readonly reason: TrustReason
  readonly progress: number
  readonly statementIndex: number
}

function judge(statements: readonly Statement[], caller: Caller): Decision {
  const judged = statements.map((statement, statementIndex) => ({
    ...judgeStatement(statement, caller),
    statementIndex,
  }))
  const denials = judged.filter((_, index) => statements[index]!.effect === 'Deny')
  const allowances = judged.filter((_, index) => statements[index]!.effect === 'Allow')

  const denial = denials.find(({ applies }) => applies)
  if (denial !== undefined) return decided(false, { ...denial, reason: 'denied' })
  const possible = allowances.find(({ applies }) => applies) ?? allowances.find(({ applies }) => applies === undefined)
  if (possible === undefined) {
    const [closest] = allowances.toSorted((a, b) => b.progress - a.progress)
    return closest === undefined ? { trusted: false, reason: 'no-allow' } : decided(false, closest)
  }
  if (possible.applies === undefined) return decided(undefined, possible)
  const possibleDenial = denials.find(({ applies }) => applies === undefined)
  return possibleDenial === undefined ? decided(true, possible) : decided(undefined, possibleDenial)
}

function decided(trusted: Maybe, { reason, statementIndex }: Judged): Decision {
  return { trusted, reason, statementIndex }
}

/**
 * `progress` says how many checks the statement passed: of the statements that do not apply, the reason is that of the
 * one that passed most.
 */
function judgeStatement(statement: Statement, caller: Caller): Omit<Judged, 'statementIndex'> {
  const principal = judgePrincipal(statement, caller)
  const action = judgeAction(statement)
  if (principal === false) return { applies: false, reason: 'other-principal', progress: 0 }
  if (action === false) return { applies: false, reason: 'other-action', progress: 1 }
  const { met, reason } = judgeConditions(statement, caller)
  if (met === false) return { applies: false, reason, progress: 2 }
  if (principal === undefined) return { applies: undefined, reason: 'uncertain-principal', progress: 3 }
  if (action === undefined) return { applies: undefined, reason: 'uncertain-action', progress: 3 }
  if (met === undefined) return { applies: undefined, reason: 'uncertain-condition', progress: 3 }
  if (statement.hasOtherElements) return { applies: undefined, reason: 'uncertain-statement', progress: 3 }
  return { applies: true, reason: 'allowed', progress: 3 }
}

/**
 * A wildcard denies everybody. AWS does not document whether it also allows an identity pool, so here it does not.
 *
 * @see https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
 */
function judgePrincipal({ effect, principal }: Statement, { names }: Caller): Maybe {
  if (principal === undefined) return undefined
  const everybody = effect === 'Deny' ? true : undefined
  if (principal === '*') return everybody
  if (typeof principal === 'string') return false
  return or(
    ...Object.entries(principal).flatMap(([kind, values]) =>
      asList(values).map((value): Maybe => {
        if (typeof value !== 'string') return undefined
        if (kind === 'AWS') return value === '*' ? everybody : false
        if (kind !== 'Federated') return false
        return value.includes('*') || value.includes('${') ? undefined : isService(value, names.principals, names)
      }),
    ),
  )
}

const ACTION = 'sts:AssumeRoleWithWebIdentity'

/** Names of actions are case-insensitive; `*` and `?` stand for any text and any character. */
function judgeAction({ actions, isNotAction }: Statement): Maybe {
  const named = or(
    ...actions.map(action =>
      typeof action === 'string' ? isLike(ACTION.toLowerCase(), action.toLowerCase()) : undefined,
    ),
  )
  return isNotAction ? not(named) : named
}

/** The operators are joined by AND, and so are the keys of each. */
function judgeConditions(
  { conditions }: Statement,
  caller: Caller,
): { readonly met: Maybe; readonly reason: TrustReason } {
  const judged = conditions.map(condition => judgeCondition(condition, caller))
  const met = and(...judged)
  if (met !== false) return { met, reason: 'uncertain-condition' }
  const { key, operator } = conditions[judged.indexOf(false)]!
  if (operator !== 'Null' && claimOf(key)?.claim === 'aud') return { met, reason: 'other-audience' }
  const others: Caller = { ...caller, guest: !caller.guest }
  if (conditions.some(condition => judgeCondition(condition, others) === false))
    return { met, reason: 'condition-not-met' }
  return { met, reason: caller.guest ? 'signed-in-only' : 'guests-only' }
}

function judgeCondition({ operator, key, values }: Condition, caller: Caller): Maybe {
  const named = claimOf(key)
  if (named === undefined) return undefined
  const parsed = parseOperator(operator)
  const texts = values.filter(value => typeof value === 'string')
  if (parsed === undefined || texts.length < values.length || texts.length === 0) return undefined
  const present = isService(named.service, caller.names.keyPrefixes, caller.names)
  const met = (isPresent: boolean) => judgeClaim(isPresent ? named.claim : undefined, parsed, texts, caller)
  if (present !== undefined) return met(present)
  const [ifPresent, ifAbsent] = [met(true), met(false)]
  return ifPresent === ifAbsent ? ifPresent : undefined
}

/** Names of condition keys are case-insensitive. Undefined: not a claim of an identity pool's token. */
function claimOf(key: string): { readonly service: string; readonly claim: string } | undefined {
  const [, service = '', claim] = /^(cognito-identity[^:]*):(aud|amr|sub)$/.exec(key.toLowerCase()) ?? []
  return claim === undefined ? undefined : { service, claim }
}

function audiencesIn({ conditions }: Statement, names: ServiceNames): readonly string[] {
  return conditions
    .filter(({ operator, key }) => {
      const named = claimOf(key)
      const parsed = parseOperator(operator)
      return (
        named?.claim === 'aud' &&
        isService(named.service, names.keyPrefixes, names) !== false &&
        parsed !== undefined &&
        !parsed.negated &&
        !parsed.isNull
      )
    })
    .flatMap(({ values }) => values.filter(value => typeof value === 'string'))
}

/** IDs of the right form that are used in examples: one repeated digit, or counting up. */
const EXAMPLE_UUID =
  /^(.)\1{7}-\1{4}-\1{4}-\1{4}-\1{12}$|^12345678-1234-|^a1b2c3d4-5678-90ab-cdef-|^01234567-89ab-cdef-/

/** Not for wildcards and policy variables, which are not intended as an ID. */
function isPlaceholder(audience: string, identityPoolId: string): boolean {
  if (audience === identityPoolId || /[*?]|\$\{/.test(audience)) return false
  const [region = '', uuid = '', ...rest] = audience.split(':')
  return rest.length > 0 || !REGION_PATTERN.test(region) || !UUID_PATTERN.test(uuid) || EXAMPLE_UUID.test(uuid)
}

/** A pool that no policy names: whatever it may do, any pool of the Region may do. */
function otherPool(region: string, identityPoolId: string): string {
  const other = `${region}:0b5e55ed-feed-4dad-9a5e-00c0ffee0b0e`
  return other === identityPoolId ? `${region}:0b5e55ed-feed-4dad-9a5e-00c0ffee0b0f` : other
}

function checkPoolId(identityPoolId: unknown): string {
  const region = identityPoolRegion(identityPoolId)
  if (region !== undefined && REGION_PATTERN.test(region)) return region
  const example = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
  throw invalidOption(
    `${quote(identityPoolId)} is not an identity pool ID; give one such as ${quote(example)}`,
    identityPoolId,
  )
}
