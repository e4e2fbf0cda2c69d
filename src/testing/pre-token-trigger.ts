import { listNames, quote, RolecastError } from '../errors.js'
import {
  applyGroupOverride,
  type ClaimsAndScopeOverrideDetails,
  type ClaimsOverrideDetails,
  type GroupConfiguration,
  groupConfigurations,
  type UndocumentedCase,
} from '../claims/pre-token.js'
import { CLAIMS } from '../claims/pre-token-response.js'
import type { Resolution } from '../claims/resolve.js'
import { ownValue } from '../record.js'
import type { Json } from './members.js'
import { tokenClaims, type TokenClaims } from './role-claims.js'
import { notInFake, serviceError } from './service-error.js'
import type { ServiceState } from './service-state.js'
import type { AppClient, PoolUser, UserPool } from './user-pool.js'

/**
 * What a pre token generation trigger is called with, as Cognito sends it.
 *
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/user-pool-lambda-pre-token-generation.html
 */
export interface PreTokenTriggerEvent {
  /** The version of the event. */
  version: '1' | '2' | '3'
  /** Why Cognito calls the trigger. */
  triggerSource: TriggerSource
  /** The AWS Region of the pool. */
  region: string
  /** The user pool. */
  userPoolId: string
  /** The username. */
  userName: string
  /** The app client and the SDK of the caller. */
  callerContext: {
    /** The version of the caller's SDK. */
    awsSdkVersion: string
    /** The app client. */
    clientId: string
  }
  /** What the handler decides by. */
  request: {
    /** The user's attributes, by name. */
    userAttributes: Record<string, string>
    /** The user's groups and roles. */
    groupConfiguration: GroupConfiguration
    /** `ClientMetadata` of RespondToAuthChallenge and AdminRespondToAuthChallenge. */
    clientMetadata?: Record<string, string>
    /** Versions 2 and 3. */
    scopes?: string[]
  }
  /** What the handler sets. */
  response: {
    /** Version 1. */
    claimsOverrideDetails?: ClaimsOverrideDetails | null
    /** Versions 2 and 3. */
    claimsAndScopeOverrideDetails?: ClaimsAndScopeOverrideDetails | null
  }
}

/** Why Cognito calls the trigger: a sign-in, a sign-in with a new password, or a refresh of tokens. */
export type TriggerSource =
  | 'TokenGeneration_Authentication'
  | 'TokenGeneration_NewPasswordChallenge'
  | 'TokenGeneration_RefreshTokens'

/** A handler as Lambda has it: it returns the event, or a promise of it. */
export type PreTokenHandler = (event: PreTokenTriggerEvent) => unknown

/** What the trigger made of the tokens. */
export interface Triggered extends TokenClaims {
  readonly otherClaims: { readonly idToken: ClaimChange; readonly accessToken: ClaimChange }
}

export interface ClaimChange {
  readonly added: Json
  readonly suppressed: readonly string[]
  readonly scopesAdded: readonly string[]
  readonly scopesSuppressed: readonly string[]
}

const NO_CHANGE: ClaimChange = { added: {}, suppressed: [], scopesAdded: [], scopesSuppressed: [] }

export const SIGN_IN_SCOPE = 'aws.cognito.signin.user.admin'

interface Caller {
  readonly pool: UserPool
  readonly client: AppClient
  readonly user: PoolUser
  readonly source: TriggerSource
  readonly clientMetadata?: Readonly<Record<string, string>> | undefined
}

/** Calls the pool's pre token generation trigger, if it has one, and applies its response. */
export async function runTrigger(service: ServiceState, caller: Caller, resolution: Resolution): Promise<Triggered> {
  const before = tokenClaims(resolution)
  const config = caller.pool.lambdaConfig.PreTokenGenerationConfig
  if (config === undefined) return { ...before, otherClaims: { idToken: NO_CHANGE, accessToken: NO_CHANGE } }
  const version = config.LambdaVersion[1] as PreTokenTriggerEvent['version']
  const event = eventOf(service, caller, resolution, version)
  const returned = await invoke(service, config.LambdaArn, event)
  const response = ownValue(returned, 'response')
  const details =
    typeof response === 'object' && response !== null
      ? ownValue(response, version === '1' ? 'claimsOverrideDetails' : 'claimsAndScopeOverrideDetails')
      : undefined
  const otherClaims = otherChanges(version, details)
  const { applyTrigger } = service
  return { ...(applyTrigger ? applyTrigger(before, returned) : applied(service, resolution, returned)), otherClaims }
}

function eventOf(
  { region }: ServiceState,
  { pool, client, user, source, clientMetadata }: Caller,
  resolution: Resolution,
  version: PreTokenTriggerEvent['version'],
): PreTokenTriggerEvent {
  const groupConfiguration = groupConfigurations(resolution)[0]
  return {
    version,
    triggerSource: source,
    region,
    userPoolId: pool.id,
    userName: user.username,
    callerContext: { awsSdkVersion: 'aws-sdk-unknown-unknown', clientId: client.id },
    request: {
      userAttributes: { sub: user.sub, 'cognito:user_status': user.status, ...Object.fromEntries(user.attributes) },
      groupConfiguration,
      ...(clientMetadata !== undefined && { clientMetadata: { ...clientMetadata } }),
      ...(version !== '1' && { scopes: [SIGN_IN_SCOPE] }),
    },
    response: version === '1' ? { claimsOverrideDetails: null } : { claimsAndScopeOverrideDetails: null },
  }
}

/** The event goes to the function and comes back as JSON, as it does with Lambda. */
async function invoke({ functions }: ServiceState, arn: string, event: PreTokenTriggerEvent): Promise<Json> {
  const handler = functions.get(arn)
  if (handler === undefined) {
    throw serviceError(
      'UnexpectedLambdaException',
      `PreTokenGeneration invocation failed due to error ResourceNotFoundException: the fake has no function ${quote(arn)}`,
    )
  }
  let returned: unknown
  try {
    returned = toJson(await handler(toJson(event) as PreTokenTriggerEvent))
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : 'an error'
    throw serviceError('UserLambdaValidationException', `PreTokenGeneration failed with error ${message}.`)
  }
  if (typeof returned !== 'object' || returned === null || Array.isArray(returned))
    throw serviceError('InvalidLambdaResponseException', 'Unrecognizable lambda output')
  return returned as Json
}

const toJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value ?? null))

function applied(service: ServiceState, resolution: Resolution, event: Json): TokenClaims {
  try {
    const forecast = applyGroupOverride(resolution, event)
    const open = forecast.undocumented.filter(({ token, claim, rule }) => rule === 'added' || isOpen(token, claim))
    if (open.length > 0) throw undetermined(open)
    service.undocumented.push(...forecast.undocumented)
    return forecast

    function isOpen(token: UndocumentedCase['token'], claim: UndocumentedCase['claim']): boolean {
      const { idToken, accessToken } = forecast.reasons
      const reason = token === 'id' ? idToken[claim] : (accessToken as Partial<typeof idToken>)[claim]
      return reason?.outcome === 'undetermined'
    }
  } catch (error) {
    if (error instanceof RolecastError) throw serviceError('InvalidLambdaResponseException', error.message)
    throw error
  }
}

function undetermined(open: readonly UndocumentedCase[]): Error {
  const notes = [...new Set(open.map(({ note }) => note))].join(' ')
  return serviceError(
    'UndeterminedRoleException',
    `rolecast/testing: no token, because the trigger's response leaves role claims undetermined. ${notes}`,
  )
}

const CHANGES = ['claimsToAddOrOverride', 'claimsToSuppress', 'scopesToAdd', 'scopesToSuppress'] as const

/** The changes to other claims than those of roles: of the ID token in version 1, of each token in the others. */
function otherChanges(version: PreTokenTriggerEvent['version'], details: unknown): Triggered['otherClaims'] {
  if (version === '1') return { idToken: changeOf(details), accessToken: NO_CHANGE }
  const part = (name: string) => (typeof details === 'object' && details !== null ? ownValue(details, name) : undefined)
  return { idToken: changeOf(part('idTokenGeneration')), accessToken: changeOf(part('accessTokenGeneration')) }
}

function changeOf(details: unknown): ClaimChange {
  if (typeof details !== 'object' || details === null) return NO_CHANGE
  const [added, suppressed, scopesAdded, scopesSuppressed] = CHANGES.map(name => ownValue(details, name))
  const change = {
    added: withoutRoleClaims(typeof added === 'object' && added !== null ? (added as Json) : {}),
    suppressed: textsOf(suppressed).filter(name => !isRoleClaim(name)),
    scopesAdded: textsOf(scopesAdded),
    scopesSuppressed: textsOf(scopesSuppressed),
  }
  const reserved = [...Object.keys(change.added), ...change.suppressed].filter(isReserved)
  if (reserved.length > 0) {
    throw notInFake(
      `the trigger changes ${listNames(reserved)}, which Cognito sets itself; the fake does not know what Cognito does then`,
    )
  }
  return change
}

const textsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.filter(one => typeof one === 'string') : []

const isRoleClaim = (name: string) => CLAIMS.some(claim => claim === name)

const withoutRoleClaims = (claims: Json): Json =>
  Object.fromEntries(Object.entries(claims).filter(([name]) => !isRoleClaim(name)))

const RESERVED: ReadonlySet<string> = new Set([
  'acr',
  'amr',
  'at_hash',
  'aud',
  'auth_time',
  'azp',
  'client_id',
  'device_key',
  'event_id',
  'exp',
  'iat',
  'identities',
  'iss',
  'jti',
  'nbf',
  'nonce',
  'origin_jti',
  'scope',
  'sub',
  'token_use',
  'username',
  'version',
])

const isReserved = (name: string) => RESERVED.has(name) || /^(cognito|aws|dev):/.test(name)
