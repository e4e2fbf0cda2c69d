import { quote, RolecastError } from '../errors.js'
import { isGroupName } from '../group.js'
import type { RoleClaims } from '../claims/resolve.js'
import { ownValue } from '../record.js'
import { distinct } from '../text.js'
import { areTokenClaims } from '../claims/token-claims.js'

/**
 * How the claims were transported. The same token has a different shape in each transport, and the shape alone does not
 * show which.
 *
 * - `jwt`: the payload of a verified token, lists are arrays. So are they behind a REST API's JWT authorizer with a
 *   Lambda proxy integration (`requestContext.authorizer.claims`), which keeps each claim's JSON type.
 *   https://docs.aws.amazon.com/cognito/latest/developerguide/amazon-cognito-user-pools-using-the-id-token.html
 *   https://docs.aws.amazon.com/apigateway/latest/developerguide/rest-api-jwt-authorizer-claims.html
 * - `rest`: a REST API's Cognito user pools authorizer (`requestContext.authorizer.claims`), lists joined by commas:
 *   `a,b`. AWS documents where, and the form is observed. A WebSocket API has no such authorizer.
 *   https://docs.aws.amazon.com/apigateway/latest/developerguide/apigateway-enable-cognito-user-pool.html
 * - `http`: an HTTP API's JWT authorizer (`requestContext.authorizer.jwt.claims`, in format 1.0 `authorizer.claims`),
 *   lists in brackets and joined by spaces: `[a b]`. AWS does not document the form; it is observed.
 *   https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-jwt-authorizer.html
 * - `appsync`: `identity.claims`, or `identity.groups` alone; lists are arrays, null is none.
 *   https://docs.aws.amazon.com/appsync/latest/devguide/resolver-context-reference-js.html
 * - `alb`: the verified payload of an Application Load Balancer's `x-amzn-oidc-accesstoken`, and no other header's.
 *   https://docs.aws.amazon.com/elasticloadbalancing/latest/application/listener-authenticate-users.html
 * - `array`: lists are arrays, from wherever they come.
 */
export type Transport = 'jwt' | 'rest' | 'http' | 'appsync' | 'alb' | 'array'

export const TRANSPORTS: readonly Transport[] = ['jwt', 'rest', 'http', 'appsync', 'alb', 'array']

/** How the claims were transported. */
export interface ClaimsOptions {
  /** How the claims were transported. */
  readonly transport: Transport
  /**
   * Every group name of the pool: it separates one group `a,b` from the two groups `a` and `b`. Only `rest` needs it
   * where a claim has a comma, and `rest` and `http` where it could also be of another transport, such as `[a]` and
   * `["a"]`. It must be complete, including groups deleted since the token was issued: if a name is missing, its pieces
   * may be read as other groups. Give a Set; anything else is copied by each such call.
   *
   * @default none: an ambiguous claim is rejected
   */
  readonly knownGroups?: Iterable<string> | undefined
}

/**
 * Claims as they come: the payload types of aws-jwt-verify, those of jose and an event's claims fit without a cast.
 * Not the objects around them, such as AppSync's `identity` or `authorizer.jwt`: every claim would be missing, so these are
 * rejected.
 */
export type IncomingClaims =
  | {
      readonly 'cognito:groups'?: unknown
      readonly 'cognito:roles'?: unknown
      readonly 'cognito:preferred_role'?: unknown
    }
  | { readonly [claim: string]: unknown }

type ListClaim = 'cognito:groups' | 'cognito:roles'

/**
 * The group names in the claim `cognito:groups`, each once, in the order given. The list is empty if the claim is missing,
 * because Cognito omits it for a user in no group.
 *
 * A name may contain commas but never white space, so a `rest` claim with a comma is ambiguous: it is read as names of
 * `knownGroups` if there is exactly one way to do so, and rejected otherwise. A name may contain brackets and quotes
 * too. So `[a]` by `rest`, and `["a"]` or `[a, b]` by `http`, are either unusual names or a list of another transport,
 * and are read only if `knownGroups` has those names. Names in an array are taken as they are. Not for unverified
 * claims. It does not detect the header `x-amzn-oidc-data` of an ALB in place of its access token, because one claim
 * alone does not show that: `parseRoleClaims` does. Not exact in `http` for names with white space: no group has one,
 * but a pre token generation trigger can add one.
 *
 * @throws RolecastError `invalid-claim` (not the transport's shape) or `ambiguous-claim` (`value` has the claim), or
 * `invalid-option`
 * @see https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_GroupType.html
 * @example
 * import { parseGroupsClaim } from 'rolecast/authorizer'
 *
 * console.log(parseGroupsClaim('[admins staff]', { transport: 'http' })) // [ 'admins', 'staff' ]
 */
export function parseGroupsClaim(value: unknown, options: ClaimsOptions): readonly string[] {
  return parseList('cognito:groups', value, checkOptions(options))
}

/**
 * The role claims among these claims, as Cognito wrote them: a claim that is missing, or has nothing in it, is an
 * absent key. An access token never has the two claims about roles.
 *
 * The claims are read as `parseGroupsClaim` reads groups; a joined list of roles is split where the next ARN starts,
 * because a role's name may contain commas, and rejected if a piece is not a role's ARN. Not for unverified claims: the
 * signature is not checked here.
 *
 * @throws RolecastError `invalid-claim` (no claims, an object around the claims, a claim not of the transport's shape, or, from
 * an ALB, claims that are not an access token's: `x-amzn-oidc-data` has neither groups nor roles), `ambiguous-claim` or
 * `invalid-option`
 * @see https://docs.aws.amazon.com/cognito/latest/developerguide/role-based-access-control.html
 * @example
 * import { parseRoleClaims } from 'rolecast/authorizer'
 *
 * const claims = { 'cognito:groups': 'admins', 'cognito:preferred_role': 'arn:aws:iam::111122223333:role/Admin' }
 * const { 'cognito:preferred_role': role } = parseRoleClaims(claims, { transport: 'rest' })
 * console.log(role) // arn:aws:iam::111122223333:role/Admin
 */
export function parseRoleClaims(claims: IncomingClaims, options: ClaimsOptions): RoleClaims {
  checkOptions(options)
  if (typeof claims !== 'object' || claims === null || Array.isArray(claims)) {
    throw new RolecastError(
      'invalid-claim',
      // Without the string itself, which usually is a token.
      `the claims are ${typeof claims === 'string' ? 'a string' : quote(claims)}; verify the token, and give its claims as an object`,
      typeof claims === 'string' ? {} : { value: claims },
    )
  }
  if (!areTokenClaims(claims)) {
    throw new RolecastError(
      'invalid-claim',
      `the claims are ${quote(claims)}, not those of a token; give the claims themselves, not the object around them, ` +
        'for example `identity.claims` or `authorizer.jwt.claims`',
      { value: claims },
    )
  }
  if (options.transport === 'alb' && ownValue(claims, 'token_use') !== 'access') {
    throw new RolecastError(
      'invalid-claim',
      "these are not the claims of an access token; an ALB's `x-amzn-oidc-data` has neither groups nor roles: " +
        'verify the token in `x-amzn-oidc-accesstoken` and give its payload',
      { value: claims },
    )
  }
  const groups = parseList('cognito:groups', ownValue(claims, 'cognito:groups'), options)
  const roles = parseList('cognito:roles', ownValue(claims, 'cognito:roles'), options)
  const preferredRole = parsePreferredRole(ownValue(claims, 'cognito:preferred_role'), options)
  return {
    ...(groups.length > 0 && { 'cognito:groups': groups }),
    ...(roles.length > 0 && { 'cognito:roles': roles }),
    ...(preferredRole !== undefined && { 'cognito:preferred_role': preferredRole }),
  }
}

function parseList(claim: ListClaim, value: unknown, options: ClaimsOptions): readonly string[] {
  if (isMissing(value, options.transport)) return []
  const values = toValues(claim, value, options)
  if (values === undefined) throw wrongShape(claim, value, LIST_SHAPES[options.transport])
  return distinct(values)
}

function parsePreferredRole(value: unknown, { transport }: ClaimsOptions): string | undefined {
  if (isMissing(value, transport)) return undefined
  // A string that begins like this is a list or JSON, not a role.
  if (typeof value === 'string' && value !== '' && !/^\s*[["{]/.test(value)) return value
  throw wrongShape('cognito:preferred_role', value, 'is a string in every transport')
}

/** A mapping template of a REST API writes a missing claim as an empty string. */
function isMissing(value: unknown, transport: Transport): boolean {
  return value === undefined || (transport === 'appsync' && value === null) || (transport === 'rest' && value === '')
}

const ARRAY_SHAPE = 'is an array of non-empty strings'

const LIST_SHAPES: Readonly<Record<Transport, string>> = {
  jwt: `${ARRAY_SHAPE} in a token`,
  rest: 'is a string behind a Cognito authorizer of a REST API: `a,b`',
  http: 'is a string behind a JWT authorizer of an HTTP API: `[a b]`',
  appsync: `${ARRAY_SHAPE}, or null, in AppSync`,
  alb: `${ARRAY_SHAPE} in a token`,
  array: ARRAY_SHAPE,
}

function wrongShape(claim: string, value: unknown, shape: string): RolecastError {
  const message = `the claim ${quote(claim)} is ${quote(value)}, but the claim ${shape}; name the transport that the claims came by`
  return new RolecastError('invalid-claim', message, { value })
}

/** Undefined if the value does not have the transport's shape. */
function toValues(
  claim: ListClaim,
  value: unknown,
  { transport, knownGroups }: ClaimsOptions,
): readonly string[] | undefined {
  switch (transport) {
    case 'rest':
      if (typeof value !== 'string') return undefined
      return claim === 'cognito:roles' ? splitRoles(value) : splitGroups(value, knownGroups)
    case 'http':
      if (typeof value !== 'string') return undefined
      return claim === 'cognito:roles' ? splitBracketedRoles(value) : splitBracketedGroups(value, knownGroups)
    default: {
      // Spread, so that holes become undefined.
      const values: readonly unknown[] = Array.isArray(value) ? [...value] : ['']
      return values.every(one => typeof one === 'string' && one !== '') ? (values as readonly string[]) : undefined
    }
  }
}

/**
 * Neither a group name nor an ARN has white space, so spaces are separators, and only the outer brackets belong to the
 * list.
 */
function splitBracketed(text: string, isValue: (piece: string) => boolean): readonly string[] | undefined {
  if (!text.startsWith('[') || !text.endsWith(']')) return undefined
  if (text === '[]') return []
  const pieces = text.slice(1, -1).split(' ')
  return pieces.every(isValue) ? pieces : undefined
}

function splitBracketedGroups(text: string, knownGroups: Iterable<string> | undefined): readonly string[] | undefined {
  const names = splitBracketed(text, isGroupName)
  // A list in JSON, or joined by commas and spaces: API Gateway never writes these, but group names can look like them.
  if (names !== undefined && (/^\[".*"\]$/s.test(text) || endsInCommas(names))) checkKnown(text, names, knownGroups)
  return names
}

function splitBracketedRoles(text: string): readonly string[] | undefined {
  const arns = splitBracketed(text, isArnLike)
  return arns === undefined || endsInCommas(arns) ? undefined : arns
}

/** Whether all pieces but the last end in a comma, as in `[a, b]`. */
function endsInCommas(pieces: readonly string[]): boolean {
  return pieces.length > 1 && pieces.slice(0, -1).every(piece => piece.endsWith(','))
}

/** @throws RolecastError `ambiguous-claim` */
function checkKnown(text: string, names: readonly string[], knownGroups: Iterable<string> | undefined): void {
  const known = knownGroups instanceof Set ? knownGroups : new Set(knownGroups)
  if (names.every(name => known.has(name))) return
  throw ambiguous(
    text,
    'may be a list that came by another transport, or groups with such names',
    'name the transport that the claims came by, or give names with brackets or quotes as `knownGroups`',
  )
}

/** Five colons, and at most the two more that Cognito accepts. A second ARN would add five. */
function isArnLike(text: string): boolean {
  return /^arn:\S+$/.test(text) && text.split(':').length <= 8
}

/**
 * No colon after the account, so an ARN ends before `,arn:`. An ARN that Cognito accepts may have two more
 * colons, too few for a second role's ARN: such an ARN is rejected and never split into others.
 * https://docs.aws.amazon.com/cognito-user-identity-pools/latest/APIReference/API_CreateGroup.html
 */
const ROLE_ARN = /^arn:[\w-]+:iam::\d+:role\/[\w+=,.@/-]+$/

function splitRoles(text: string): readonly string[] {
  const pieces = text.split(/,(?=arn:)/)
  if (pieces.every(piece => ROLE_ARN.test(piece))) return pieces
  throw new RolecastError(
    'invalid-claim',
    `the claim \`cognito:roles\` is ${quote(text)}, which is not a comma-separated list of role ARNs; verify the token and read its payload instead`,
    { value: text },
  )
}

function splitGroups(text: string, knownGroups: Iterable<string> | undefined): readonly string[] | undefined {
  const bracketed = text.startsWith('[') && text.endsWith(']')
  if (!text.includes(',')) {
    if (!isGroupName(text)) return undefined
    if (bracketed) checkKnown(text, [text], knownGroups)
    return [text]
  }
  if (knownGroups === undefined) {
    throw ambiguous(
      text,
      'may be one group or several, because a name may contain commas',
      "give the pool's group names as `knownGroups`",
    )
  }
  const { ways, names } = readAsNames(text, knownGroups instanceof Set ? knownGroups : new Set(knownGroups))
  if (ways === 1) return names
  if (ways === 0) throw ambiguous(text, 'cannot be read as names of `knownGroups`', 'update them')
  throw ambiguous(text, 'can be read as names of `knownGroups` in several ways', 'rename a group')
}

function ambiguous(text: string, problem: string, next: string): RolecastError {
  const message = `the claim \`cognito:groups\` is ${quote(text)}, which ${problem}; ${next}, or verify the token and read its payload`
  return new RolecastError('ambiguous-claim', message, { value: text })
}

/** A name has at most 128 characters, each of at most two code units. */
const MAX_NAME_LENGTH = 256

/** In how many ways the text can be read as known names joined by commas (2: several), and the names if there is one way. */
function readAsNames(
  text: string,
  known: ReadonlySet<string>,
): { readonly ways: number; readonly names: readonly string[] } {
  // The text between two commas is a part; a name is one part or several consecutive ones.
  const starts = [0]
  for (let comma = text.indexOf(','); comma !== -1; comma = text.indexOf(',', comma + 1)) starts.push(comma + 1)
  const parts = starts.length
  starts.push(text.length + 1)
  const partsFrom = (from: number, to: number) => text.slice(starts[from], starts[to]! - 1)

  // From the last part to the first, the ways to read the rest from each part on: counting them is linear in the rest,
  // where listing them is exponential.
  const waysFrom: number[] = Array.from({ length: parts + 1 }, () => 0)
  const endOfName: number[] = []
  waysFrom[parts] = 1
  for (let from = parts - 1; from >= 0; from--) {
    for (let to = from + 1; to <= parts && starts[to]! - 1 - starts[from]! <= MAX_NAME_LENGTH; to++) {
      if (waysFrom[to] === 0 || !known.has(partsFrom(from, to))) continue
      waysFrom[from] = Math.min(2, waysFrom[from]! + waysFrom[to]!)
      endOfName[from] = to
    }
  }

  const ways = waysFrom[0]!
  const names: string[] = []
  // If the rest can be read in one way, the name found last is the only one.
  if (ways === 1)
    for (let from = 0; from < parts; from = endOfName[from]!) names.push(partsFrom(from, endOfName[from]!))
  return { ways, names }
}

function checkOptions(options: ClaimsOptions): ClaimsOptions {
  const transport: unknown = options?.transport
  if (!TRANSPORTS.includes(transport as Transport)) {
    throw new RolecastError(
      'invalid-option',
      `unknown transport ${quote(transport)}; use one of ${TRANSPORTS.join(', ')}`,
      { value: transport },
    )
  }
  const knownGroups: unknown = options.knownGroups
  // The characters of a string are not the names of groups.
  if (
    knownGroups !== undefined &&
    (typeof knownGroups !== 'object' || knownGroups === null || !(Symbol.iterator in knownGroups))
  ) {
    throw new RolecastError(
      'invalid-option',
      `\`knownGroups\` is ${quote(knownGroups)}; give a Set of the pool's group names, or leave it out`,
      {
        value: knownGroups,
      },
    )
  }
  return options
}
