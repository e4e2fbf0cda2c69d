import { isEmulatedPoolId } from '../aws-ids.js'
import { listNames, quote, RolecastError } from '../errors.js'
import { copyPlain } from './own-data.js'

/** The longest wait that a timer can have, in milliseconds. */
export const MAX_TIMER = 2_147_483_647

interface OptionRule {
  /** Whether the value can be used. */
  readonly fits: (value: unknown) => boolean
  /** What to give, for the message. */
  readonly give: string
  /**
   * - `required`: no default would be safe for everyone.
   * - `required-for-policies`: the same, except for the kinds whose response is not a policy.
   * - `never-undefined`: may be left out, but is rejected if undefined, because that would silently turn off a function.
   * - `optional`: undefined is the default, which is the strictest.
   */
  readonly presence: 'required' | 'required-for-policies' | 'never-undefined' | 'optional'
}

export type OptionRules = Readonly<Record<string, OptionRule>>

const isFunction = (value: unknown) => typeof value === 'function'
const hasMethod = (value: unknown, name: string) =>
  typeof value === 'object' && value !== null && isFunction((value as Record<string, unknown>)[name])
const oneOf =
  (...values: readonly unknown[]) =>
  (value: unknown) =>
    values.includes(value)
/** A number of at least 0, including Infinity, but not NaN. */
const isAmount = (value: unknown) => typeof value === 'number' && value >= 0

const required = (fits: OptionRule['fits'], give: string): OptionRule => ({ fits, give, presence: 'required' })
const optional = (fits: OptionRule['fits'], give: string): OptionRule => ({ fits, give, presence: 'optional' })
const neverUndefined = (fits: OptionRule['fits'], give: string): OptionRule => ({
  fits,
  give,
  presence: 'never-undefined',
})

const requiredForPolicies = (fits: OptionRule['fits'], give: string): OptionRule => ({
  fits,
  give,
  presence: 'required-for-policies',
})

/** The kinds whose response is not a policy. */
const WITHOUT_POLICY: ReadonlySet<unknown> = new Set(['http-2', 'appsync'])

export const GUARD_OPTIONS: OptionRules = {
  resolver: required(
    value => hasMethod(value, 'resolve'),
    'give `createRoleResolver({ userPoolId })` from `rolecast/cognito`',
  ),
  verifier: required(
    value => isFunction(value) || hasMethod(value, 'verify'),
    'give `CognitoJwtVerifier.create(…)` from `aws-jwt-verify`, or a function that verifies a token',
  ),
  groupsOf: required(
    value => value === 'token' || isFunction(value),
    "give `'token'`, `groupsFromCognito({ userPoolId })` from `rolecast/cognito`, or a function that reads the user's groups",
  ),
  onStale: required(
    value => value === 'deny' || value === 'allow' || isFunction(value),
    "give `'deny'`, `'allow'` or a function of the comparison",
  ),
  allow: required(isFunction, 'give a function that decides by `resolution.preferredRole`'),
  requireRole: optional(oneOf(true, false), 'give true or false'),
  onUnknownGroup: optional(oneOf('deny', 'ignore'), "give `'deny'` or `'ignore'`"),
  maxStaleAge: optional(isAmount, 'give milliseconds'),
  timeout: optional(
    value => isAmount(value) && value !== 0 && ((value as number) <= MAX_TIMER || value === Infinity),
    `give more than 0 and at most ${MAX_TIMER} milliseconds, or Infinity for no limit`,
  ),
  onDecision: neverUndefined(isFunction, 'give a function of the decision'),
  onError: neverUndefined(isFunction, 'give a function of the error and the decision'),
  clock: optional(isFunction, 'give a function that returns milliseconds since the epoch'),
}

export const AUTHORIZER_OPTIONS: OptionRules = {
  ...GUARD_OPTIONS,
  kind: optional(
    oneOf('rest-token', 'rest-request', 'websocket', 'http-1', 'http-2', 'http-2-iam', 'appsync'),
    'give the kind of your API',
  ),
  // Without it the token may come from a place that is not part of API Gateway's cache key.
  findToken: neverUndefined(isFunction, 'give a function that finds the token in the event'),
  resource: requiredForPolicies(
    oneOf('method', 'stage'),
    "give `'stage'` if API Gateway caches the policy, as it does for 300 seconds by default, or `'method'`",
  ),
  onFailure: requiredForPolicies(
    oneOf('deny', 'throw'),
    "give `'throw'` if API Gateway caches the policy, as it does for 300 seconds by default, or `'deny'`",
  ),
  margin: optional(value => isAmount(value) && value !== Infinity, 'give milliseconds'),
  maxBytes: optional(isAmount, 'give a number of bytes'),
}

/**
 * The options, read once. Unknown names are rejected too, because a misspelt `onDecision` or `findToken` would silently
 * have no effect.
 *
 * @throws RolecastError `invalid-option`
 */
export function readOptions<T extends object>(given: T, rules: OptionRules): T {
  const options = copyPlain(given)
  if (options === undefined) {
    throw invalid(`the options are ${quote(given)}; give a plain object, without getters`, given)
  }
  const unknown = Object.keys(options).filter(name => !Object.hasOwn(rules, name))
  if (unknown.length > 0) {
    throw invalid(
      `unknown ${unknown.length === 1 ? 'option' : 'options'} ${listNames(unknown)}; ` +
        `use ${Object.keys(rules).join(', ')}`,
      unknown[0],
    )
  }
  for (const [name, { fits, give, presence }] of Object.entries(rules)) {
    const value = options[name]
    if (isRequired(presence, options)) {
      if (!value) throw invalid(`${quote(name)} is missing; ${give}`, value)
    } else if (!Object.hasOwn(options, name) || (presence !== 'never-undefined' && value === undefined)) continue
    if (fits(value)) continue
    const orLeaveOut = isRequired(presence, options) ? '' : ', or leave it out'
    throw invalid(`${quote(name)} is ${quote(value)}; ${give}${orLeaveOut}`, value)
  }
  return options as T
}

function isRequired(presence: OptionRule['presence'], options: Readonly<Record<string, unknown>>): boolean {
  return presence === 'required' || (presence === 'required-for-policies' && !WITHOUT_POLICY.has(options['kind']))
}

/**
 * The user pool of the resolver and of `groupsOf`, or `any`: groups of one pool must not get the roles of another.
 *
 * @throws RolecastError `invalid-option`
 */
export function readUserPoolId({
  resolver,
  groupsOf,
}: {
  readonly resolver: { readonly userPoolId: string }
  readonly groupsOf: unknown
}): string {
  const ofResolver = checkPoolId(resolver.userPoolId, "the resolver's", 'whose groups it reads')
  const ofGroups =
    typeof groupsOf === 'function' && Object.hasOwn(groupsOf, 'userPoolId')
      ? checkPoolId((groupsOf as { readonly userPoolId?: unknown }).userPoolId, "`groupsOf`'s", 'whose users it knows')
      : 'any'
  if (ofGroups === 'any' || ofGroups === ofResolver) return ofResolver
  if (ofResolver === 'any') return ofGroups
  throw invalid(
    `\`groupsOf\` reads user pool ${quote(ofGroups)}, and the resolver reads ${quote(ofResolver)}; give both the same user pool`,
    ofGroups,
  )
}

function checkPoolId(userPoolId: unknown, whose: string, which: string): string {
  if (userPoolId === 'any' || isEmulatedPoolId(userPoolId)) return userPoolId
  throw invalid(
    `${whose} \`userPoolId\` is ${quote(userPoolId)}; give the id of the user pool ${which}, ` +
      "or `'any'` if tokens of every pool that the verifier accepts may have its roles",
    userPoolId,
  )
}

/** Without an object as its value: a client in it may hold credentials. */
function invalid(message: string, value: unknown): RolecastError {
  return new RolecastError('invalid-option', message, Object(value) === value ? {} : { value })
}
