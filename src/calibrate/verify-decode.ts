import { RolecastError, quote } from '../errors.js'
import type { RoleClaims } from '../claims/resolve.js'
import { type Mutable, ownValue } from '../record.js'

/** The parts of a token that are used. Nothing else of it is stored. */
export interface TokenClaims {
  readonly tokenUse: 'id' | 'access'
  readonly issuer: string
  /** Seconds since the epoch. */
  readonly issuedAt: number
  /** Seconds since the epoch. */
  readonly expiresAt: number
  /** `aud` of an ID token, `client_id` of an access token. */
  readonly clientId: string | undefined
  readonly username: string
  readonly roleClaims: RoleClaims
}

/** More than a hundred groups with the longest names and roles need. */
export const MAX_TOKEN_BYTES = 2 ** 20

/**
 * The claims of an ID or access token, whose signature is not checked here. No part of the token is in an error, and no
 * error has a cause, because parsers' errors quote what they parse.
 *
 * @throws RolecastError `invalid-token`
 */
export function decodeToken(token: unknown): TokenClaims {
  if (typeof token !== 'string') throw invalid('it is not a string')
  if (token.length > MAX_TOKEN_BYTES) throw invalid('it is longer than 1 MB')
  if (/^(?:Authorization:\s|Bearer\s)/i.test(token))
    throw invalid('it has more than the token, such as the word `Bearer` of an HTTP header')
  const parts = token.split('.')
  if (parts.length === 5) throw invalid('it is encrypted, as a refresh token of Cognito is')
  if (parts.length === 3 && parts[0] !== '' && parts[1] !== '' && parts[2] === '')
    throw invalid('it is unsigned: the part for the signature is empty')
  if (parts.length !== 3 || !parts.every(part => /^[\w-]+$/.test(part)))
    throw invalid('it does not have the three parts of a JSON Web Token')
  const header = parseRecord(bytesOf(parts[0]!, 'its header'), 'its header')
  // Cognito writes none of these, and they change what is signed or where the keys are.
  for (const name of ['crit', 'b64', 'jwk', 'jku', 'x5u', 'x5c'])
    if (Object.hasOwn(header, name)) throw invalid(`its header has ${quote(name)}, which Cognito does not write`)
  if (typeof ownValue(header, 'kid') !== 'string') throw invalid('its header does not name a key')
  return readTokenClaims(bytesOf(parts[1]!, 'its payload'))
}

/** Without Node's Buffer: the playground of the documentation decodes tokens in the browser. */
function bytesOf(part: string, what: string): Uint8Array {
  let binary: string
  try {
    binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    throw invalid(`${what} is not base64url`)
  }
  // A loop, because `Uint8Array.from` takes twenty times as long.
  const bytes = new Uint8Array(binary.length)
  for (let index = 0; index < binary.length; index++) bytes[index] = binary.charCodeAt(index)
  return bytes
}

/** @throws RolecastError `invalid-token` */
export function readTokenClaims(payload: Uint8Array): TokenClaims {
  const claims = parseRecord(payload, 'its payload')
  const tokenUse = ownValue(claims, 'token_use')
  if (tokenUse !== 'id' && tokenUse !== 'access') throw invalid('its `token_use` is neither `id` nor `access`')
  if (tokenUse === 'access' && ownValue(claims, 'username') === undefined)
    throw invalid('it names no user, as the token of a client-credentials grant does not')
  return {
    tokenUse,
    issuer: textOf(claims, 'iss'),
    issuedAt: secondsOf(claims, 'iat'),
    expiresAt: secondsOf(claims, 'exp'),
    clientId: optionalTextOf(claims, tokenUse === 'id' ? 'aud' : 'client_id'),
    username: usernameOf(claims, tokenUse === 'id' ? 'cognito:username' : 'username'),
    roleClaims: roleClaimsOf(claims),
  }
}

function roleClaimsOf(claims: object): RoleClaims {
  const found: Mutable<RoleClaims> = {}
  for (const name of ['cognito:groups', 'cognito:roles'] as const) {
    const value = ownValue(claims, name)
    if (value === undefined) continue
    if (!Array.isArray(value) || !value.every(one => typeof one === 'string'))
      throw invalid(`its ${quote(name)} is not an array of strings`)
    found[name] = value as readonly string[]
  }
  const preferred = optionalTextOf(claims, 'cognito:preferred_role')
  if (preferred !== undefined) found['cognito:preferred_role'] = preferred
  return found
}

/** A name that Cognito would reject, and quote in its error, is not sent. */
function usernameOf(claims: object, name: string): string {
  const username = textOf(claims, name)
  if (username.length > 128) throw invalid(`its ${quote(name)} is longer than a username`)
  return username
}

function textOf(claims: object, name: string): string {
  const value = optionalTextOf(claims, name)
  if (value === undefined || value === '') throw invalid(`it has no ${quote(name)}`)
  return value
}

function optionalTextOf(claims: object, name: string): string | undefined {
  const value = ownValue(claims, name)
  if (value === undefined || typeof value === 'string') return value
  throw invalid(`its ${quote(name)} is not a string`)
}

/** The largest that JavaScript's dates allow. */
const MAX_SECONDS = 8.64e12

function secondsOf(claims: object, name: string): number {
  const value = ownValue(claims, name)
  if (typeof value === 'number' && value >= 0 && value <= MAX_SECONDS) return value
  throw invalid(`its ${quote(name)} is not a time in seconds`)
}

function parseRecord(bytes: Uint8Array, what: string): object {
  let text: string
  let value: unknown
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    value = JSON.parse(text)
  } catch {
    throw invalid(`${what} is not JSON`)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw invalid(`${what} is not an object`)
  if (hasRepeatedKey(text)) throw invalid(`${what} has a key twice, and readers differ in which one counts`)
  return value
}

/** Whether the outermost object of a valid JSON text has a key twice. */
function hasRepeatedKey(text: string): boolean {
  const keys = new Set<string>()
  let depth = 0
  let last = ''
  for (let index = 0; index < text.length; index++) {
    const character = text[index]!
    if (character === '"') {
      const end = endOfString(text, index)
      last = text.slice(index, end)
      index = end - 1
    } else if (character === '{' || character === '[') depth++
    else if (character === '}' || character === ']') depth--
    else if (character === ':' && depth === 1) {
      const key = JSON.parse(last) as string
      if (keys.has(key)) return true
      keys.add(key)
    }
  }
  return false
}

/** The position after the closing quotation mark of the string that begins here. */
function endOfString(text: string, start: number): number {
  let index = start + 1
  while (index < text.length && text[index] !== '"') index += text[index] === '\\' ? 2 : 1
  return index + 1
}

function invalid(what: string): RolecastError {
  return new RolecastError(
    'invalid-token',
    `the token cannot be used: ${what}; give the ID token or the access token of a user, as Cognito issued it`,
  )
}
