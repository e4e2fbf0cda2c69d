import { hash, randomBytes, randomInt, randomUUID } from 'node:crypto'
import type { Group } from '../group.js'
import { MAX_GROUPS_PER_POOL, MAX_GROUPS_PER_USER } from '../quotas.js'
import { compareText } from '../text.js'
import type { Json } from './members.js'
import type { PoolKeys } from './keys.js'
import { invalidParameter, noUser, notFound, serviceError } from './service-error.js'

/** The account of every ARN: AWS's own example. */
export const ACCOUNT = '111122223333'

/** All times are milliseconds since the epoch. */
export interface UserPool {
  readonly id: string
  readonly arn: string
  readonly name: string
  readonly createdAt: number
  modifiedAt: number
  tier: string
  lambdaConfig: LambdaConfig
  passwordPolicy: PasswordPolicy
  tags: Readonly<Record<string, string>>
  isDeletionProtected: boolean
  /** As it was given. */
  adminCreateUserConfig: Json | undefined
  /** Attributes by which a user can be named, in addition to the username and the `sub`. */
  readonly aliases: readonly string[]
  readonly customAttributes: Set<string>
  readonly groups: Map<string, PoolGroup>
  readonly users: Map<string, PoolUser>
  readonly clients: Map<string, AppClient>
  /** What each pagination token stands for. */
  readonly pages: Map<string, Page>
  /** Made by the first token or the first reader of the JWKS. */
  readonly keys: () => Promise<PoolKeys>
}

export interface PoolGroup {
  readonly groupName: string
  description?: string
  precedence?: number
  roleArn?: string
  readonly createdAt: number
  modifiedAt: number
  /** Usernames, in the order in which they joined. */
  readonly members: Set<string>
}

export interface PoolUser {
  readonly username: string
  readonly sub: string
  readonly attributes: Map<string, string>
  /** Undefined: a random one, which is not stored. */
  password: string | undefined
  status: 'CONFIRMED' | 'FORCE_CHANGE_PASSWORD'
  isEnabled: boolean
  readonly createdAt: number
  modifiedAt: number
}

export interface AppClient {
  readonly id: string
  readonly name: string
  readonly secret: string | undefined
  readonly authFlows: readonly string[]
  readonly hidesMissingUsers: boolean
  readonly hasRevocation: boolean
  /** In seconds. */
  readonly validity: { readonly id: number; readonly access: number; readonly refresh: number }
  /** The members of the output that are returned as they were given. */
  readonly settings: Json
  readonly createdAt: number
}

export interface LambdaConfig {
  readonly PreTokenGeneration?: string
  readonly PreTokenGenerationConfig?: { readonly LambdaVersion: string; readonly LambdaArn: string }
}

export interface PasswordPolicy {
  readonly MinimumLength: number
  readonly RequireUppercase: boolean
  readonly RequireLowercase: boolean
  readonly RequireNumbers: boolean
  readonly RequireSymbols: boolean
  readonly TemporaryPasswordValidityDays: number
}

export const DEFAULT_PASSWORD_POLICY: PasswordPolicy = {
  MinimumLength: 8,
  RequireUppercase: true,
  RequireLowercase: true,
  RequireNumbers: true,
  RequireSymbols: true,
  TemporaryPasswordValidityDays: 7,
}

interface Page {
  /** The operation and its subject: a token is valid only for its own listing. */
  readonly listing: string
  readonly names: readonly string[]
  readonly start: number
}

export type PoolSettings = Pick<UserPool, 'id' | 'name' | 'createdAt' | 'keys'> &
  Partial<Pick<UserPool, 'tier' | 'tags' | 'aliases' | 'customAttributes' | 'passwordPolicy' | 'lambdaConfig'>> &
  Partial<Pick<UserPool, 'isDeletionProtected' | 'adminCreateUserConfig'>>

export function createPool({ id, ...settings }: PoolSettings): UserPool {
  return {
    tier: 'ESSENTIALS',
    lambdaConfig: {},
    passwordPolicy: DEFAULT_PASSWORD_POLICY,
    tags: {},
    isDeletionProtected: false,
    adminCreateUserConfig: undefined,
    aliases: [],
    customAttributes: new Set(),
    ...settings,
    id,
    arn: `arn:aws:cognito-idp:${id.slice(0, id.indexOf('_'))}:${ACCOUNT}:userpool/${id}`,
    modifiedAt: settings.createdAt,
    groups: new Map(),
    users: new Map(),
    clients: new Map(),
    pages: new Map(),
  }
}

export function groupOf(pool: UserPool, groupName: string): PoolGroup {
  const group = pool.groups.get(groupName)
  if (group === undefined) throw notFound('Group not found.')
  return group
}

/** By username, by `sub`, or by an attribute that is an alias. */
export function userOf(pool: UserPool, name: string): PoolUser {
  const user = pool.users.get(name) ?? [...pool.users.values()].find(one => isAlias(pool, one, name))
  if (user === undefined) throw noUser()
  return user
}

/** An email address or a phone number is an alias once it is verified. */
function isAlias({ aliases }: UserPool, { sub, attributes }: PoolUser, name: string): boolean {
  if (sub === name) return true
  return aliases.some(
    alias =>
      attributes.get(alias) === name &&
      (alias === 'preferred_username' || attributes.get(`${alias}_verified`) === 'true'),
  )
}

/** The user's groups in the order of AdminListGroupsForUser: the same for all users, and not predictable. */
export function groupsOfUser(pool: UserPool, { username }: PoolUser): readonly PoolGroup[] {
  const groups = [...pool.groups.values()].filter(({ members }) => members.has(username))
  return shuffled(groups, ({ groupName }) => `membership ${groupName}`)
}

/** The order of ListGroups, which is a different one. */
export function groupsOfPool(pool: UserPool): readonly PoolGroup[] {
  return shuffled([...pool.groups.values()], ({ groupName }) => `listing ${groupName}`)
}

/** A fixed order that is neither that of the items nor alphabetical. */
export function shuffled<T>(items: readonly T[], textOf: (item: T) => string): readonly T[] {
  const ranked = items.map(item => ({ item, rank: hash('sha256', textOf(item)) }))
  return ranked.toSorted((a, b) => compareText(a.rank, b.rank)).map(({ item }) => item)
}

export function toGroup({ groupName, precedence, roleArn }: PoolGroup): Group {
  return { groupName, precedence: precedence ?? null, roleArn: roleArn ?? null }
}

export function addGroup(pool: UserPool, group: Omit<PoolGroup, 'members' | 'modifiedAt'>): PoolGroup {
  if (pool.groups.has(group.groupName))
    throw serviceError('GroupExistsException', 'A group with the name already exists.')
  if (pool.groups.size >= MAX_GROUPS_PER_POOL)
    throw serviceError('LimitExceededException', `A user pool has at most ${MAX_GROUPS_PER_POOL} groups`)
  const stored: PoolGroup = { ...group, modifiedAt: group.createdAt, members: new Set() }
  pool.groups.set(group.groupName, stored)
  return stored
}

export function addUser(pool: UserPool, user: Omit<PoolUser, 'isEnabled' | 'modifiedAt'>): PoolUser {
  if (pool.users.has(user.username) || [...pool.users.values()].some(({ sub }) => sub === user.sub))
    throw serviceError('UsernameExistsException', 'User account already exists')
  const stored: PoolUser = { ...user, isEnabled: true, modifiedAt: user.createdAt }
  pool.users.set(user.username, stored)
  return stored
}

export function addMember(pool: UserPool, group: PoolGroup, { username }: PoolUser): void {
  if (group.members.has(username)) return
  const count = [...pool.groups.values()].filter(({ members }) => members.has(username)).length
  if (count >= MAX_GROUPS_PER_USER)
    throw serviceError('LimitExceededException', `A user is in at most ${MAX_GROUPS_PER_USER} groups`)
  group.members.add(username)
}

export function deleteUser(pool: UserPool, { username }: PoolUser): void {
  pool.users.delete(username)
  for (const { members } of pool.groups.values()) members.delete(username)
}

/** @throws ServiceError `InvalidPasswordException` */
export function checkPassword({ passwordPolicy }: UserPool, password: string): void {
  const fault = passwordFault(passwordPolicy, password)
  if (fault !== undefined)
    throw serviceError('InvalidPasswordException', `Password does not conform to policy: Password ${fault}`)
}

function passwordFault(policy: PasswordPolicy, password: string): string | undefined {
  if ([...password].length < policy.MinimumLength) return 'not long enough'
  if (policy.RequireUppercase && !/[A-Z]/.test(password)) return 'must have uppercase characters'
  if (policy.RequireLowercase && !/[a-z]/.test(password)) return 'must have lowercase characters'
  if (policy.RequireNumbers && !/\d/.test(password)) return 'must have numeric characters'
  if (policy.RequireSymbols && !/[^\w]|_/.test(password)) return 'must have symbol characters'
  return undefined
}

const MAX_PAGE = 60

/**
 * One page of a listing. The listing has the names at its start, without those that are deleted before their page: no item
 * that stays is left out, whatever is added or deleted meanwhile.
 */
export function pageOf<T>(
  pool: Pick<UserPool, 'pages'>,
  listing: string,
  { limit = MAX_PAGE, token }: { readonly limit: number | undefined; readonly token: string | undefined },
  all: () => readonly string[],
  find: (name: string) => T | undefined,
): { readonly items: readonly T[]; readonly next: string | undefined } {
  const page = token === undefined ? { listing, names: all(), start: 0 } : pool.pages.get(token)
  if (page?.listing !== listing)
    throw invalidParameter('Provided pagination token is invalid. Check the token and try your request again.')
  const { names, start } = page
  const end = start + limit
  const next = end < names.length ? randomUUID() : undefined
  if (next !== undefined) pool.pages.set(next, { listing, names, start: end })
  return { items: names.slice(start, end).flatMap(name => find(name) ?? []), next }
}

const ALPHANUMERIC = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const LOWERCASE = 'abcdefghijklmnopqrstuvwxyz0123456789'

const randomText = (length: number, alphabet: string) =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]!).join('')

export const randomPoolId = (region: string) => `${region}_${randomText(9, ALPHANUMERIC)}`
export const randomClientId = () => randomText(26, LOWERCASE)
export const randomSecret = () => randomBytes(39).toString('base64url')
