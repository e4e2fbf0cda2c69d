import { quote, RolecastError } from '../errors.js'
import { isGroupName } from '../group.js'
import { distinct } from '../text.js'

export type Details =
  /** `literally`: null, or an object without keys. Otherwise no key has a value. */
  | { readonly empty: true; readonly literally: boolean }
  | {
      readonly empty: false
      readonly groups: readonly string[] | undefined
      readonly roles: readonly string[] | undefined
      readonly preferredRole: string | undefined
    }

export interface Changes {
  readonly added: readonly string[]
  readonly suppressed: readonly string[]
}

interface Override {
  /** Undefined when the response has none. */
  readonly details: Details | undefined
  readonly idToken: Changes
  readonly accessToken: Changes
}

type Json = Readonly<Record<string, unknown>>

const NO_CHANGES: Changes = { added: [], suppressed: [] }

const NO_OVERRIDE: Override = { details: undefined, idToken: NO_CHANGES, accessToken: NO_CHANGES }

const V1 = 'claimsOverrideDetails'

const V2 = 'claimsAndScopeOverrideDetails'

const DETAILS = 'groupOverrideDetails'

const TOKENS = ['idTokenGeneration', 'accessTokenGeneration'] as const

const CHANGES = ['claimsToAddOrOverride', 'claimsToSuppress'] as const

const PARTS = ['groupsToOverride', 'iamRolesToOverride', 'preferredRole'] as const

const CONTAINERS: ReadonlyMap<unknown, typeof V1 | typeof V2> = new Map([
  ['1', V1],
  ['2', V2],
  ['3', V2],
])

export function readOverride(input: unknown): Override {
  const given = readObject(input, 'the response', 'give what the handler returned, parsed')
  if (given === undefined) return NO_OVERRIDE
  const isEvent = 'response' in given || 'version' in given || 'request' in given
  if (isEvent) refuseStrays(given, [])
  const response = isEvent ? readObject(given['response'], '`response`', 'let the handler return the event') : given
  if (response === undefined) return NO_OVERRIDE
  refuseStrays(response, [V1, V2])

  const one = readContainer(response, V1)
  const two = readContainer(response, V2)
  const expected = isEvent ? CONTAINERS.get(given['version']) : undefined
  if (expected === undefined && one !== undefined && two !== undefined) {
    throw malformed(
      `the response has ${V1} and ${V2}; give the whole event, whose \`version\` says which of them counts`,
      response,
    )
  }
  if (expected === V1 && one === undefined) refuseOtherVersion(two, V2, V1)
  if (expected === V2 && two === undefined) refuseOtherVersion(one, V1, V2)
  if (one !== undefined && expected !== V2) return readV1(one)
  return two === undefined ? NO_OVERRIDE : readV2(two)
}

function refuseOtherVersion(other: Json | undefined, key: string, expected: string): void {
  if (other === undefined || Object.keys(other).length === 0) return
  throw malformed(
    `the response has ${quote(key)}, which is of another version than the event; return ${expected}, or set the trigger's version`,
    other,
  )
}

function readV1(container: Json): Override {
  refuseStrays(container, [DETAILS, ...CHANGES])
  return { details: readDetails(container), idToken: readChanges(container), accessToken: NO_CHANGES }
}

function readV2(container: Json): Override {
  refuseStrays(container, [DETAILS, ...TOKENS])
  const [idToken, accessToken] = TOKENS.map(key => {
    const changes = readObject(container[key], `${quote(key)}`, 'give an object, or leave it out')
    if (changes === undefined) return NO_CHANGES
    refuseStrays(changes, CHANGES)
    return readChanges(changes)
  }) as [Changes, Changes]
  return { details: readDetails(container), idToken, accessToken }
}

/** Where a part belongs. */
function homeOf(key: string): string {
  if (key === V1 || key === V2) return '`response`'
  if (key === DETAILS) return `${V1} or ${V2}`
  if (TOKENS.some(token => token === key)) return V2
  return CHANGES.some(change => change === key) ? `${V1} or, in versions 2 and 3, ${TOKENS.join(' or ')}` : DETAILS
}

/** A part in the wrong place probably has no effect. That is likely a mistake, and AWS does not document it. */
function refuseStrays(container: Json, allowed: readonly string[]): void {
  for (const key of [V1, V2, DETAILS, ...TOKENS, ...CHANGES, ...PARTS]) {
    if (container[key] != null && !allowed.includes(key)) {
      throw malformed(`${quote(key)} is not where Cognito looks for it; put it into ${homeOf(key)}`, container[key])
    }
  }
}

/** AWS's test events of version 2 have `[]` where there is nothing. */
function readContainer(response: Json, key: string): Json | undefined {
  const value = response[key]
  return Array.isArray(value) && value.length === 0
    ? undefined
    : readObject(value, `${quote(key)}`, 'give an object, or leave it out')
}

function readDetails(container: Json): Details | undefined {
  const value = container[DETAILS]
  if (value === undefined) return undefined
  const details = readObject(value, `${quote(DETAILS)}`, 'copy `request.groupConfiguration` into it to keep the groups')
  if (details === undefined || Object.values(details).every(part => part === undefined))
    return { empty: true, literally: true }

  refuseStrays(details, PARTS)
  const groups = readStrings(details, 'groupsToOverride')
  const roles = readStrings(details, 'iamRolesToOverride')
  const preferredRole = details['preferredRole'] ?? undefined
  if (preferredRole !== undefined && typeof preferredRole !== 'string') {
    throw malformed(
      `\`preferredRole\` is ${quote(preferredRole)}; give one role ARN as a string, or null for none`,
      preferredRole,
    )
  }
  for (const name of groups ?? []) if (!isGroupName(name)) throw invalidName(name)
  if (roles?.includes(''))
    throw malformed('`iamRolesToOverride` has an empty string; give role ARNs, or an empty array for none', roles)
  if (groups === undefined && roles === undefined && !preferredRole) return { empty: true, literally: false }
  return {
    empty: false,
    groups: groups && distinct(groups),
    roles: roles && distinct(roles),
    preferredRole: preferredRole || undefined,
  }
}

function readChanges(container: Json): Changes {
  const added =
    readObject(
      container['claimsToAddOrOverride'],
      '`claimsToAddOrOverride`',
      'give an object of claims, or leave it out',
    ) ?? {}
  return {
    added: CLAIMS.filter(claim => added[claim] !== undefined),
    suppressed: readStrings(container, 'claimsToSuppress') ?? [],
  }
}

function readStrings(container: Json, key: string): readonly string[] | undefined {
  const value = container[key] ?? undefined
  if (value === undefined) return undefined
  if (!Array.isArray(value)) throw malformed(`${quote(key)} is ${quote(value)}; give an array of strings`, value)
  for (const element of value as readonly unknown[]) {
    if (typeof element !== 'string')
      throw malformed(`${quote(key)} has ${quote(element)} in it; give an array of strings`, element)
  }
  return value as readonly string[]
}

function readObject(value: unknown, what: string, remedy: string): Json | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'object' && !Array.isArray(value)) return value as Json
  throw malformed(`${what} is ${quote(value)}, not an object; ${remedy}`, value)
}

function malformed(message: string, value: unknown): RolecastError {
  return new RolecastError('malformed-response', `pre token generation: ${message}`, { value })
}

function invalidName(groupName: string): RolecastError {
  return new RolecastError(
    'invalid-group-name',
    `pre token generation: \`groupsToOverride\` has ${quote(groupName)}; give names of 1 to 128 characters without white space`,
    { groupName, value: groupName },
  )
}

export const ROLE_CLAIMS = ['cognito:roles', 'cognito:preferred_role'] as const

export const CLAIMS = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const
