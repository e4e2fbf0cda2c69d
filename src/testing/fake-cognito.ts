import { randomUUID } from 'node:crypto'
import { isUserPoolId, userPoolRegion } from '../aws-ids.js'
import { type ErrorCode, listItems, quote, RolecastError } from '../errors.js'
import type { SemanticsOptions } from '../claims/choose-semantics.js'
import type { UndocumentedCase } from '../claims/pre-token.js'
import type { RoleClaims } from '../claims/resolve.js'
import { type Group, isGroupName, type UserGroups } from '../group.js'
import { checkNames, invalidOption, type OptionNames } from '../record.js'
import { type FakeRequest, type FakeService, startFakeService } from './fake-service.js'
import { GROUP_OPERATIONS } from './group-operations.js'
import { createPoolKeys, type PoolKeys, type PublicKey } from './keys.js'
import { readInput } from './members.js'
import { createClient, lazily } from './pool-operations.js'
import type { PreTokenHandler } from './pre-token-trigger.js'
import { isServiceError } from './service-error.js'
import type { ServiceState } from './service-state.js'
import { signIn, type Tokens } from './tokens.js'
import {
  ACCOUNT,
  addMember,
  addUser,
  type AppClient,
  createPool,
  deleteUser,
  groupOf,
  groupsOfUser,
  type PoolGroup,
  type PoolUser,
  toGroup,
  type UserPool,
  userOf,
} from './user-pool.js'

/** The password of users without a given one. */
export const FAKE_PASSWORD = 'Fake-Passw0rd'

/** A user of the fake. */
export interface FakeUser {
  /** 1 to 128 letters, marks, symbols, numbers or punctuation. */
  readonly username: string
  /**
   * Names of groups that exist.
   *
   * @default []
   */
  readonly groups?: readonly string[] | undefined
  /**
   * The user's id in the pool.
   *
   * @default a random UUID
   */
  readonly sub?: string | undefined
  /**
   * The password.
   *
   * @default FAKE_PASSWORD
   */
  readonly password?: string | undefined
  /**
   * By name, such as `email` or `custom:team`. The ID token has them. `email_verified` is `'true'` or `'false'`.
   *
   * @default none
   */
  readonly attributes?: Readonly<Record<string, string>> | undefined
  /**
   * Whether the user can sign in.
   *
   * @default true
   */
  readonly enabled?: boolean | undefined
}

/** The options of `createFakeCognito`. */
export interface FakeCognitoOptions extends SemanticsOptions {
  /**
   * The groups of the pool.
   *
   * @default []
   */
  readonly groups?: Iterable<Group> | undefined
  /**
   * The users of the pool.
   *
   * @default []
   */
  readonly users?: Iterable<FakeUser> | undefined
  /**
   * Its region is the fake's.
   *
   * @default 'eu-west-1_FakePool1'
   */
  readonly userPoolId?: string | undefined
  /**
   * The app client.
   *
   * @default '1fakeclient000000000000001'
   */
  readonly clientId?: string | undefined
  /**
   * Attributes that can name a user in addition to the username and the `sub`, once they are verified.
   *
   * @default []
   */
  readonly aliases?: readonly ('email' | 'phone_number' | 'preferred_username')[] | undefined
  /**
   * Whose `iss` the tokens have. `fake`: the fake's own URL, where its JWKS is. `aws`:
   * `https://cognito-idp.REGION.amazonaws.com/POOLID`, which `CognitoJwtVerifier` expects; give the verifier the keys by
   * `verifier.cacheJwks(fake.jwks)`.
   *
   * @default 'fake'
   */
  readonly issuer?: 'fake' | 'aws' | undefined
  /**
   * The pool's pre token generation trigger. The handler gets the event that Cognito sends in that version.
   *
   * @default none
   */
  readonly preTokenGeneration?: { readonly version: '1' | '2' | '3'; readonly handler: PreTokenHandler } | undefined
  /**
   * Your own role claims in place of those of `semantics`, for example to test code against tokens that an emulator
   * issues. Not with `semantics` or `calibration`.
   *
   * @default none
   */
  readonly claims?: ((groups: readonly Group[]) => RoleClaims) | undefined
  /**
   * Milliseconds since the epoch.
   *
   * @default Date.now
   */
  readonly clock?: (() => number) | undefined
}

/** The tokens of a sign-in. */
export interface FakeTokens extends Tokens {
  /** The refresh token. */
  readonly refreshToken: string
}

/** A fake of one user pool with one app client. Others can be created in it by the API. */
export interface FakeCognito extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`: the endpoint for clients. */
  readonly url: string
  /** The region in the user pool ID. */
  readonly region: string
  /** The user pool. */
  readonly userPoolId: string
  /** An app client without a secret, which may sign in by password and refresh tokens. */
  readonly clientId: string
  /** The `iss` of the tokens. */
  readonly issuer: string
  /** The public keys of the pool: the first signs ID tokens, the second access tokens. */
  readonly jwks: { keys: PublicKey[] }
  /** For `new CognitoIdentityProviderClient(fake.clientConfig)`. */
  readonly clientConfig: {
    /** The same as `url`. */
    readonly endpoint: string
    /** The same as `region` of the fake. */
    readonly region: string
    /** Made-up credentials, which the fake does not check. */
    readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string }
  }
  /** The groups as they are now, in the order of their creation. */
  readonly groups: readonly Group[]
  /** The users and their groups as they are now. */
  readonly users: readonly UserGroups[]
  /**
   * Each call that came in, retries of clients included, without passwords and tokens. Set `length = 0` to start over.
   */
  readonly requests: FakeRequest[]
  /**
   * Cases that AWS does not document and that tokens were issued with, by the response of a pre token generation
   * trigger.
   */
  readonly undocumented: readonly UndocumentedCase[]

  /**
   * Signs a user in without a password and without the network.
   *
   * @throws RolecastError `user-not-found`, `not-authorized` (disabled), or `request-rejected`: the role claims are
   *   undetermined, or the trigger failed
   */
  tokensOf(username: string): Promise<FakeTokens>
  /**
   * Creates the group, or gives an existing one this precedence and role. A precedence or role that is left out is
   * removed, which the API cannot do. Its members stay.
   *
   * @throws RolecastError `invalid-group`
   */
  putGroup(group: Group): void
  /**
   * Deletes the group. Its members are then no longer in it.
   *
   * @throws RolecastError `invalid-option`: no such group
   */
  deleteGroup(groupName: string): void
  /**
   * Creates a user.
   *
   * @throws RolecastError `invalid-option`: a username that exists or cannot exist, or a group that does not exist
   */
  addUser(user: FakeUser): void
  /**
   * Deletes the user.
   *
   * @throws RolecastError `user-not-found`
   */
  deleteUser(username: string): void
  /**
   * Puts the user into the group.
   *
   * @throws RolecastError `user-not-found`, `invalid-option`: no such group, or more than 100 groups
   */
  addUserToGroup(username: string, groupName: string): void
  /**
   * Nothing happens if the user is not in the group.
   *
   * @throws RolecastError `user-not-found`, `invalid-option`: no such group
   */
  removeUserFromGroup(username: string, groupName: string): void
  /** Ends open connections, too. */
  close(): Promise<void>
}

const DEFAULT_POOL = 'eu-west-1_FakePool1'
const DEFAULT_CLIENT = '1fakeclient000000000000001'
const TRIGGER_ARN = `arn:aws:lambda:eu-west-1:${ACCOUNT}:function:pre-token-generation`

/**
 * Starts a fake of a Cognito user pool on loopback. The AWS SDK's client talks to it, users sign in, and the signed
 * tokens have the role claims that `resolveRoles` forecasts for their groups.
 *
 * A test double: it checks passwords, not signatures of requests. Not for sign-up, MFA, hosted pages, SRP, other
 * triggers and identity pools: it rejects what it does not have by name. By default, it rejects a sign-in if AWS does
 * not document the role claims: choose `semantics`, or give a `calibration`.
 *
 * @throws RolecastError `invalid-option` or `invalid-group`
 * @example
 * import { decodeJwt } from 'jose'
 * import { createFakeCognito } from 'rolecast/testing'
 *
 * await using cognito = await createFakeCognito({
 *   groups: [{ groupName: 'admins', precedence: 0, roleArn: 'arn:aws:iam::111122223333:role/Admin' }],
 *   users: [{ username: 'alice', groups: ['admins'] }],
 * })
 * const { idToken } = await cognito.tokensOf('alice')
 * console.log(decodeJwt(idToken)['cognito:preferred_role']) // arn:aws:iam::111122223333:role/Admin
 */
export async function createFakeCognito(options: FakeCognitoOptions = {}): Promise<FakeCognito> {
  return await startFakeCognito(options, createPoolKeys)
}

/** @param createKeys makes the keys of the pool, which takes longer than all else; a parameter for tests */
export async function startFakeCognito(
  options: FakeCognitoOptions,
  createKeys: () => Promise<PoolKeys>,
): Promise<FakeCognito> {
  const { userPoolId = DEFAULT_POOL, clientId = DEFAULT_CLIENT, preTokenGeneration: trigger } = options
  checkOptions(options)
  const service = await startFakeService({
    ...options,
    createKeys,
    region: userPoolRegion(userPoolId) ?? userPoolId.slice(0, userPoolId.indexOf('_')),
    functions: trigger === undefined ? [] : [[TRIGGER_ARN, trigger.handler]],
  })
  const { state } = service
  const start = state.now()
  const before: ServiceState = { ...state, now: () => start - AGE_AT_START }
  const pool = createPool({
    id: userPoolId,
    name: 'fake',
    createdAt: before.now(),
    keys: lazily(state.createKeys),
    aliases: options.aliases ?? [],
    lambdaConfig: trigger === undefined ? {} : triggerConfig(trigger.version),
  })
  state.pools.set(userPoolId, pool)
  const client = createClient({ id: clientId, name: 'fake', ExplicitAuthFlows: AUTH_FLOWS }, before.now())
  pool.clients.set(clientId, client)
  try {
    for (const group of options.groups ?? []) {
      if (pool.groups.has(group.groupName)) throw sameName(group.groupName)
      putGroup(before, pool, group)
    }
    for (const user of options.users ?? []) putUser(before, pool, user)
    const { jwks } = await pool.keys()
    return facade(service, pool, client, jwks.keys)
  } catch (error) {
    await service.close()
    throw error
  }
}

/** Milliseconds. The initial groups count as this old, so that no token could have been issued before they were created. */
const AGE_AT_START = 2_000

function sameName(groupName: string): RolecastError {
  return new RolecastError(
    'invalid-group',
    `\`groups\` has two groups named ${quote(groupName)}, and a name is unique in a user pool; leave one out`,
    { groupName, value: groupName },
  )
}

const AUTH_FLOWS = ['ALLOW_ADMIN_USER_PASSWORD_AUTH', 'ALLOW_USER_PASSWORD_AUTH', 'ALLOW_REFRESH_TOKEN_AUTH']

const triggerConfig = (version: string) => ({
  PreTokenGeneration: TRIGGER_ARN,
  PreTokenGenerationConfig: { LambdaVersion: `V${version}_0`, LambdaArn: TRIGGER_ARN },
})

function facade(service: FakeService, pool: UserPool, client: AppClient, keys: readonly PublicKey[]): FakeCognito {
  const { state, url, region, requests, close } = service
  return {
    url,
    region,
    userPoolId: pool.id,
    clientId: client.id,
    issuer: state.issuerOf(pool.id),
    jwks: { keys: [...keys] },
    clientConfig: { endpoint: url, region, credentials: { accessKeyId: 'fake', secretAccessKey: 'fake' } },
    get groups() {
      return [...pool.groups.values()].map(toGroup)
    },
    get users() {
      return [...pool.users.values()].map(user => ({
        username: user.username,
        groups: groupsOfUser(pool, user).map(({ groupName }) => groupName),
      }))
    },
    requests,
    undocumented: state.undocumented,
    tokensOf: username =>
      translated('request-rejected', () => {
        const user = findUser(pool, username)
        if (!user.isEnabled)
          throw new RolecastError('not-authorized', `user ${quote(username)} is disabled; enable the user first`)
        return signIn(state, { pool, client, user, source: 'TokenGeneration_Authentication' })
      }),
    putGroup: group => putGroup(state, pool, group),
    deleteGroup: groupName => void pool.groups.delete(findGroup(pool, groupName).groupName),
    addUser: user => putUser(state, pool, user),
    deleteUser: username => deleteUser(pool, findUser(pool, username)),
    addUserToGroup: (username, groupName) => join(pool, username, groupName),
    removeUserFromGroup(username, groupName) {
      const user = findUser(pool, username)
      findGroup(pool, groupName).members.delete(user.username)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

const OPTIONS: OptionNames<FakeCognitoOptions> = {
  groups: true,
  users: true,
  userPoolId: true,
  clientId: true,
  aliases: true,
  issuer: true,
  preTokenGeneration: true,
  claims: true,
  clock: true,
  semantics: true,
  calibration: true,
}
const TRIGGER: OptionNames<NonNullable<FakeCognitoOptions['preTokenGeneration']>> = { version: true, handler: true }
const GROUP: OptionNames<Group> = { groupName: true, precedence: true, roleArn: true }
const USER: OptionNames<FakeUser> = {
  username: true,
  groups: true,
  sub: true,
  password: true,
  attributes: true,
  enabled: true,
}
const ALIASES = ['email', 'phone_number', 'preferred_username']

function checkOptions(options: FakeCognitoOptions): void {
  checkNames(options, OPTIONS, 'the options', 'give an object, like `{ groups, users }`')
  const { userPoolId = DEFAULT_POOL, clientId = '', claims, semantics, calibration, ...rest } = options
  if (!isUserPoolId(userPoolId)) {
    throw new RolecastError(
      'invalid-user-pool-id',
      `\`userPoolId\` is ${quote(userPoolId)}; give one like ${DEFAULT_POOL}, or leave it out`,
      { value: userPoolId },
    )
  }
  if (!/^[\w+]*$/.test(clientId))
    throw invalidOption(`\`clientId\` is ${quote(clientId)}; give letters and digits, or leave it out`, clientId)
  if (claims !== undefined && (semantics !== undefined || calibration !== undefined)) {
    throw invalidOption(
      '`claims` cannot be combined with `semantics` or `calibration`, because it replaces them; give one of them',
      semantics,
    )
  }
  const { issuer, preTokenGeneration: trigger, aliases = [] } = rest
  const alias = [aliases].flat().find(name => !ALIASES.includes(name))
  if (alias !== undefined)
    throw invalidOption(
      `\`aliases\` has ${quote(alias)}, which is not an alias in Cognito; give ${listItems(ALIASES, quote, 'or')}`,
      alias,
    )
  if (trigger !== undefined)
    checkNames(trigger, TRIGGER, 'the options of `preTokenGeneration`', 'give `{ version, handler }`')
  if (issuer !== undefined && issuer !== 'fake' && issuer !== 'aws')
    throw invalidOption(`\`issuer\` is ${quote(issuer)}; give 'fake' or 'aws'`, issuer)
  if (trigger !== undefined && !['1', '2', '3'].includes(trigger.version)) {
    throw invalidOption(
      `the version of \`preTokenGeneration\` is ${quote(trigger.version)}; give '1', '2' or '3'`,
      trigger.version,
    )
  }
}

/** Checked as CreateGroup checks it. */
function putGroup(state: ServiceState, pool: UserPool, group: Group): void {
  checkNames(group, GROUP, 'the settings of a group', 'give an object, like `{ groupName }`')
  const { groupName, precedence, roleArn } = group
  const input = {
    UserPoolId: pool.id,
    GroupName: groupName,
    ...(precedence != null && { Precedence: precedence }),
    ...(roleArn && { RoleArn: roleArn }),
  }
  const { CreateGroup } = GROUP_OPERATIONS
  const members = pool.groups.get(groupName)?.members ?? []
  translatedSync(
    'invalid-group',
    () => {
      const checked = readInput('CreateGroup', CreateGroup.members, input)
      pool.groups.delete(groupName)
      CreateGroup.run(checked, state)
    },
    { subject: `group ${quote(groupName)}`, value: groupName, next: 'give a group that Cognito accepts' },
  )
  for (const username of members) pool.groups.get(groupName)!.members.add(username)
}

function putUser(state: ServiceState, pool: UserPool, user: FakeUser): void {
  checkNames(user, USER, 'the settings of a user', 'give an object, like `{ username }`')
  const { username, groups = [], sub = randomUUID(), password = FAKE_PASSWORD, attributes = {}, enabled = true } = user
  if (!isGroupName(username))
    throw invalidOption(
      `the username ${quote(username)} cannot exist; give 1 to 128 characters without white space`,
      username,
    )
  const missing = groups.find(name => !pool.groups.has(name))
  if (missing !== undefined)
    throw invalidOption(
      `user ${quote(username)} is in group ${quote(missing)}, which does not exist; add the group first`,
      missing,
    )
  if (pool.users.has(username))
    throw invalidOption(
      `user ${quote(username)} already exists; give another username, or delete the user first`,
      username,
    )
  if ([...pool.users.values()].some(other => other.sub === sub))
    throw invalidOption(`a user other than ${quote(username)} has the \`sub\` ${quote(sub)}; give another one`, sub)
  const act = () => {
    const stored = addUser(pool, {
      username,
      sub,
      attributes: new Map(Object.entries(attributes)),
      password,
      status: 'CONFIRMED',
      createdAt: state.now(),
    })
    stored.isEnabled = enabled
    for (const name of Object.keys(attributes)) pool.customAttributes.add(name)
    for (const name of groups) addMember(pool, groupOf(pool, name), stored)
  }
  translatedSync('invalid-option', act, {
    subject: `user ${quote(username)}`,
    value: username,
    next: 'give fewer groups',
  })
}

function join(pool: UserPool, username: string, groupName: string): void {
  const user = findUser(pool, username)
  const group = findGroup(pool, groupName)
  const subject = `user ${quote(username)} and group ${quote(groupName)}`
  translatedSync('invalid-option', () => addMember(pool, group, user), {
    subject,
    value: groupName,
    next: 'remove the user from another group first',
  })
}

function findUser(pool: UserPool, username: string): PoolUser {
  try {
    return userOf(pool, username)
  } catch (cause) {
    const message = `the fake has no user ${quote(username)}; add the user first, with \`addUser\` or in \`users\``
    throw new RolecastError('user-not-found', message, { cause, value: username })
  }
}

function findGroup({ groups }: UserPool, groupName: string): PoolGroup {
  const group = groups.get(groupName)
  if (group !== undefined) return group
  throw invalidOption(
    `the fake has no group ${quote(groupName)}; add the group first, with \`putGroup\` or in \`groups\``,
    groupName,
  )
}

/** The subject of an error, because Cognito's messages do not name it. */
interface Subject {
  readonly subject: string
  readonly value: unknown
  readonly next: string
}

async function translated<T>(code: ErrorCode, act: () => T | Promise<T>): Promise<T> {
  try {
    return await act()
  } catch (error) {
    throw toRolecastError(error, code)
  }
}

function translatedSync<T>(code: ErrorCode, act: () => T, subject: Subject): T {
  try {
    return act()
  } catch (error) {
    throw toRolecastError(error, code, subject)
  }
}

/** The error of an API operation, for callers of the library. */
function toRolecastError(error: unknown, code: ErrorCode, about?: Subject): unknown {
  if (!isServiceError(error)) return error
  if (about === undefined) return new RolecastError(code, error.message, { cause: error })
  return new RolecastError(code, `${about.subject}: ${error.message}; ${about.next}`, {
    cause: error,
    value: about.value,
  })
}
