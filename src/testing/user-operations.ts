import { randomUUID } from 'node:crypto'
import { ownValue } from '../record.js'
import type { Json } from './members.js'
import { invalidParameter, noUser, notAuthorized } from './service-error.js'
import { operation, type Operation, POOL_ID, poolOf, seconds, type ServiceState, USERNAME } from './service-state.js'
import { findAccessToken } from './tokens.js'
import { addUser, checkPassword, deleteUser, pageOf, type PoolUser, type UserPool, userOf } from './user-pool.js'

const PASSWORD = { type: 'string', sensitive: true, max: 256, pattern: /^\S.*\S$/ } as const

const ATTRIBUTES = {
  type: 'structures',
  members: {
    Name: { type: 'string', required: true, min: 1, max: 32 },
    Value: { type: 'string', sensitive: true, max: 2048 },
  },
} as const

export const USER_OPERATIONS = {
  AdminCreateUser: operation(
    {
      UserPoolId: POOL_ID,
      Username: USERNAME,
      UserAttributes: ATTRIBUTES,
      TemporaryPassword: PASSWORD,
      MessageAction: { type: 'string', values: ['SUPPRESS'], notInFake: ['RESEND'] },
      DesiredDeliveryMediums: { type: 'ignored' },
      ClientMetadata: { type: 'ignored' },
    },
    ({ UserPoolId, Username, UserAttributes = [], TemporaryPassword }, service) => {
      const pool = poolOf(service, UserPoolId)
      if (TemporaryPassword !== undefined) checkPassword(pool, TemporaryPassword)
      const attributes = new Map(UserAttributes.map(({ Name, Value = '' }) => [Name, Value]))
      checkAttributes(pool, attributes)
      const user = addUser(pool, {
        username: Username,
        sub: randomUUID(),
        attributes,
        password: TemporaryPassword,
        status: 'FORCE_CHANGE_PASSWORD',
        createdAt: service.now(),
      })
      return { User: userType(user) }
    },
  ),

  AdminSetUserPassword: operation(
    {
      UserPoolId: POOL_ID,
      Username: USERNAME,
      Password: { ...PASSWORD, required: true },
      Permanent: { type: 'boolean' },
    },
    ({ UserPoolId, Username, Password, Permanent = false }, service) => {
      const pool = poolOf(service, UserPoolId)
      const user = userOf(pool, Username)
      checkPassword(pool, Password)
      change(service, user, { password: Password, status: Permanent ? 'CONFIRMED' : 'FORCE_CHANGE_PASSWORD' })
      return {}
    },
  ),

  AdminGetUser: operation({ UserPoolId: POOL_ID, Username: USERNAME }, ({ UserPoolId, Username }, service) => {
    const { Attributes, ...user } = userType(userOf(poolOf(service, UserPoolId), Username))
    return { ...user, UserAttributes: Attributes }
  }),

  AdminDeleteUser: operation({ UserPoolId: POOL_ID, Username: USERNAME }, ({ UserPoolId, Username }, service) => {
    const pool = poolOf(service, UserPoolId)
    deleteUser(pool, userOf(pool, Username))
    return {}
  }),

  AdminDisableUser: operation({ UserPoolId: POOL_ID, Username: USERNAME }, ({ UserPoolId, Username }, service) => {
    change(service, userOf(poolOf(service, UserPoolId), Username), { isEnabled: false })
    return {}
  }),

  AdminEnableUser: operation({ UserPoolId: POOL_ID, Username: USERNAME }, ({ UserPoolId, Username }, service) => {
    change(service, userOf(poolOf(service, UserPoolId), Username), { isEnabled: true })
    return {}
  }),

  ListUsers: operation(
    {
      UserPoolId: POOL_ID,
      AttributesToGet: { type: 'strings' },
      Limit: { type: 'integer', min: 0, max: 60 },
      PaginationToken: { type: 'string', min: 1 },
      Filter: { type: 'string', max: 256 },
    },
    ({ UserPoolId, AttributesToGet, Limit, PaginationToken, Filter = '' }, service) => {
      const pool = poolOf(service, UserPoolId)
      if (AttributesToGet?.some(name => !isKnownAttribute(pool, name)))
        throw invalidParameter('One or more requested attributes do not exist.')
      const matches = filterOf(Filter)
      const { items, next } = pageOf(
        pool,
        `ListUsers ${Filter}`,
        { limit: Limit || undefined, token: PaginationToken },
        () => [...pool.users.values()].filter(matches).map(({ username }) => username),
        name => pool.users.get(name),
      )
      return { Users: items.map(user => userType(user, AttributesToGet)), PaginationToken: next }
    },
  ),

  GetUser: operation(
    { AccessToken: { type: 'string', required: true, sensitive: true } },
    async ({ AccessToken }, service) => {
      const { pool, sub } = await findAccessToken(service, AccessToken)
      const user = [...pool.users.values()].find(one => one.sub === sub)
      if (user === undefined) throw noUser()
      if (!user.isEnabled) throw notAuthorized('User is disabled.')
      return { Username: user.username, UserAttributes: attributesOf(user) }
    },
    { isPublic: true },
  ),
} satisfies Record<string, Operation>

export function change(
  { now }: ServiceState,
  user: PoolUser,
  changes: Partial<Pick<PoolUser, 'password' | 'status' | 'isEnabled'>>,
): void {
  Object.assign(user, changes, { modifiedAt: now() })
}

/** @param wanted names of the attributes; default: all */
export function userType(user: PoolUser, wanted?: readonly string[]) {
  return {
    Username: user.username,
    Attributes: attributesOf(user, wanted),
    UserCreateDate: seconds(user.createdAt),
    UserLastModifiedDate: seconds(user.modifiedAt),
    Enabled: user.isEnabled,
    UserStatus: user.status,
  }
}

function attributesOf({ attributes, sub }: PoolUser, wanted?: readonly string[]): readonly object[] {
  return [...attributes, ['sub', sub] as const]
    .filter(([name]) => wanted === undefined || wanted.includes(name))
    .map(([Name, Value]) => ({ Name, Value }))
}

const STANDARD_ATTRIBUTES: ReadonlySet<string> = new Set([
  'address',
  'birthdate',
  'email',
  'email_verified',
  'family_name',
  'gender',
  'given_name',
  'locale',
  'middle_name',
  'name',
  'nickname',
  'phone_number',
  'phone_number_verified',
  'picture',
  'preferred_username',
  'profile',
  'updated_at',
  'website',
  'zoneinfo',
])

const isKnownAttribute = ({ customAttributes }: UserPool, name: string) =>
  name === 'sub' || STANDARD_ATTRIBUTES.has(name) || customAttributes.has(name)

function checkAttributes(pool: UserPool, attributes: ReadonlyMap<string, string>): void {
  for (const name of attributes.keys()) {
    if (name === 'sub' || !isKnownAttribute(pool, name)) {
      throw invalidParameter(
        `Attributes did not conform to the schema: Type for attribute {${name}} could not be determined`,
      )
    }
  }
}

const FILTERED: ReadonlySet<string> = new Set([
  'username',
  'email',
  'phone_number',
  'name',
  'given_name',
  'family_name',
  'preferred_username',
  'cognito:user_status',
  'status',
  'sub',
])

/** What a filter of ListUsers matches: one attribute, whole or from the beginning. */
function filterOf(filter: string): (user: PoolUser) => boolean {
  if (filter === '') return () => true
  const {
    attribute = '',
    comparison,
    quoted = '',
  } = /^\s*(?<attribute>[\w:]+)\s*(?<comparison>\^?=)\s*"(?<quoted>(?:[^"\\]|\\["\\])*)"\s*$/.exec(filter)?.groups ?? {}
  if (!FILTERED.has(attribute)) throw invalidParameter('Error while parsing filter.')
  const value = quoted.replaceAll(/\\(.)/gs, '$1')
  return user => {
    const found = filteredValue(user, attribute)
    return found !== undefined && (comparison === '=' ? found === value : found.startsWith(value))
  }
}

function filteredValue({ username, sub, status, isEnabled, attributes }: PoolUser, attribute: string) {
  const special: Json = { username, sub, 'cognito:user_status': status, status: isEnabled ? 'Enabled' : 'Disabled' }
  return (ownValue(special, attribute) as string | undefined) ?? attributes.get(attribute)
}
