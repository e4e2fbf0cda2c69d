import { quote } from '../errors.js'
import type { Json } from './members.js'
import { invalidParameter, notFound, notInFake, serviceError } from './service-error.js'
import { clientOf, operation, type Operation, POOL_ID, poolOf, seconds } from './service-state.js'
import {
  type AppClient,
  createPool,
  DEFAULT_PASSWORD_POLICY,
  type LambdaConfig,
  pageOf,
  randomClientId,
  randomPoolId,
  randomSecret,
  type UserPool,
} from './user-pool.js'

/** What CreateUserPool and UpdateUserPool share. */
const SETTINGS = {
  UserPoolTier: { type: 'string', values: ['LITE', 'ESSENTIALS', 'PLUS'] },
  UserPoolTags: { type: 'map' },
  LambdaConfig: {
    type: 'structure',
    members: {
      PreTokenGeneration: { type: 'string', min: 20, max: 2048 },
      PreTokenGenerationConfig: {
        type: 'structure',
        members: {
          LambdaVersion: { type: 'string', required: true, values: ['V1_0', 'V2_0', 'V3_0'] },
          LambdaArn: { type: 'string', required: true, min: 20, max: 2048 },
        },
      },
    },
  },
  Policies: {
    type: 'structure',
    members: {
      PasswordPolicy: {
        type: 'structure',
        members: {
          MinimumLength: { type: 'integer', min: 6, max: 99 },
          RequireUppercase: { type: 'boolean' },
          RequireLowercase: { type: 'boolean' },
          RequireNumbers: { type: 'boolean' },
          RequireSymbols: { type: 'boolean' },
          TemporaryPasswordValidityDays: { type: 'integer', min: 0, max: 365 },
        },
      },
      SignInPolicy: {
        type: 'structure',
        members: {
          AllowedFirstAuthFactors: {
            type: 'strings',
            values: ['PASSWORD'],
            notInFake: ['EMAIL_OTP', 'SMS_OTP', 'WEB_AUTHN'],
          },
        },
      },
    },
  },
  DeletionProtection: { type: 'string', values: ['ACTIVE', 'INACTIVE'] },
  MfaConfiguration: { type: 'string', values: ['OFF'], notInFake: ['ON', 'OPTIONAL'] },
  AdminCreateUserConfig: { type: 'ignored' },
  AccountRecoverySetting: { type: 'ignored' },
  AutoVerifiedAttributes: { type: 'ignored' },
  EmailConfiguration: { type: 'ignored' },
  EmailVerificationMessage: { type: 'ignored' },
  EmailVerificationSubject: { type: 'ignored' },
  SmsAuthenticationMessage: { type: 'ignored' },
  SmsConfiguration: { type: 'ignored' },
  SmsVerificationMessage: { type: 'ignored' },
  UserAttributeUpdateSettings: { type: 'ignored' },
  VerificationMessageTemplate: { type: 'ignored' },
} as const

const PAGE = {
  MaxResults: { type: 'integer', required: true, min: 1, max: 60 },
  NextToken: { type: 'string', min: 1 },
} as const

export const POOL_OPERATIONS = {
  CreateUserPool: operation(
    {
      PoolName: { type: 'string', required: true, min: 1, max: 128, pattern: /^[\w\s+=,.@-]+$/ },
      ...SETTINGS,
      AliasAttributes: { type: 'strings', values: ['email', 'phone_number', 'preferred_username'] },
      UsernameAttributes: { type: 'strings', values: [], notInFake: ['email', 'phone_number'] },
      Schema: {
        type: 'structures',
        members: {
          Name: { type: 'string', required: true, min: 1, max: 20 },
          AttributeDataType: { type: 'string', values: ['String', 'Number', 'DateTime', 'Boolean'] },
          DeveloperOnlyAttribute: { type: 'ignored' },
          Mutable: { type: 'ignored' },
          Required: { type: 'ignored' },
          NumberAttributeConstraints: { type: 'ignored' },
          StringAttributeConstraints: { type: 'ignored' },
        },
      },
    },
    (input, service) => {
      const { PoolName, UserPoolTier = 'ESSENTIALS', UserPoolTags = {}, AliasAttributes = [], Schema = [] } = input
      const lambdaConfig = readLambdaConfig(input.LambdaConfig, UserPoolTier)
      const pool = createPool({
        id: randomPoolId(service.region),
        name: PoolName,
        createdAt: service.now(),
        tier: UserPoolTier,
        tags: UserPoolTags,
        lambdaConfig,
        passwordPolicy: { ...DEFAULT_PASSWORD_POLICY, ...input.Policies?.PasswordPolicy },
        isDeletionProtected: input.DeletionProtection === 'ACTIVE',
        adminCreateUserConfig: input.AdminCreateUserConfig as Json | undefined,
        aliases: AliasAttributes,
        customAttributes: new Set(Schema.map(({ Name }) => `custom:${Name}`)),
        keys: lazily(service.createKeys),
      })
      service.pools.set(pool.id, pool)
      return { UserPool: userPoolType(pool) }
    },
  ),

  DescribeUserPool: operation({ UserPoolId: POOL_ID }, ({ UserPoolId }, service) => ({
    UserPool: userPoolType(poolOf(service, UserPoolId)),
  })),

  /** A setting that is left out gets its default again. */
  UpdateUserPool: operation(
    { UserPoolId: POOL_ID, ...SETTINGS, PoolName: { type: 'string', min: 1, max: 128 } },
    (input, service) => {
      const pool = poolOf(service, input.UserPoolId)
      const { UserPoolTier: tier, PoolName: name, UserPoolTags: tags } = input
      if (name !== undefined && name !== pool.name)
        throw notInFake('UpdateUserPool cannot give a user pool another name in the fake; leave `PoolName` out')
      if (tier === undefined) {
        throw notInFake(
          'UpdateUserPool needs `UserPoolTier` in the fake: AWS resets settings that are left out, and does not document what that does to the tier',
        )
      }
      pool.lambdaConfig = readLambdaConfig(input.LambdaConfig, tier)
      pool.tier = tier
      pool.passwordPolicy = { ...DEFAULT_PASSWORD_POLICY, ...input.Policies?.PasswordPolicy }
      pool.isDeletionProtected = input.DeletionProtection === 'ACTIVE'
      pool.adminCreateUserConfig = input.AdminCreateUserConfig as Json | undefined
      if (tags !== undefined) pool.tags = tags
      pool.modifiedAt = service.now()
      return {}
    },
  ),

  DeleteUserPool: operation({ UserPoolId: POOL_ID }, ({ UserPoolId }, service) => {
    if (poolOf(service, UserPoolId).isDeletionProtected) {
      throw invalidParameter(
        'The user pool cannot be deleted because deletion protection is activated. Deletion protection must be inactivated first.',
      )
    }
    service.pools.delete(UserPoolId)
    return {}
  }),

  ListUserPools: operation(PAGE, ({ MaxResults, NextToken }, service) => {
    const { items, next } = pageOf(
      service,
      'ListUserPools',
      { limit: MaxResults, token: NextToken },
      () => [...service.pools.keys()],
      id => service.pools.get(id),
    )
    return { UserPools: items.map(summaryOf), NextToken: next }
  }),

  ListTagsForResource: operation(
    { ResourceArn: { type: 'string', required: true, min: 20, max: 2048 } },
    ({ ResourceArn }, service) => {
      const pool = [...service.pools.values()].find(({ arn }) => arn === ResourceArn)
      if (pool === undefined) throw notFound('Resource not found.')
      return { Tags: pool.tags }
    },
  ),

  CreateUserPoolClient: operation(
    {
      UserPoolId: POOL_ID,
      ClientName: { type: 'string', required: true, min: 1, max: 128, pattern: /^[\w\s+=,.@-]+$/ },
      GenerateSecret: { type: 'boolean' },
      ExplicitAuthFlows: {
        type: 'strings',
        values: [
          'ADMIN_NO_SRP_AUTH',
          'USER_PASSWORD_AUTH',
          'ALLOW_ADMIN_USER_PASSWORD_AUTH',
          'ALLOW_CUSTOM_AUTH',
          'ALLOW_REFRESH_TOKEN_AUTH',
          'ALLOW_USER_AUTH',
          'ALLOW_USER_PASSWORD_AUTH',
          'ALLOW_USER_SRP_AUTH',
        ],
        notInFake: ['CUSTOM_AUTH_FLOW_ONLY'],
      },
      IdTokenValidity: { type: 'integer', min: 1, max: 86_400 },
      AccessTokenValidity: { type: 'integer', min: 1, max: 86_400 },
      RefreshTokenValidity: { type: 'integer', min: 0, max: 315_360_000 },
      TokenValidityUnits: {
        type: 'structure',
        members: { IdToken: unitOf(), AccessToken: unitOf(), RefreshToken: unitOf() },
      },
      PreventUserExistenceErrors: { type: 'string', values: ['LEGACY', 'ENABLED'] },
      EnableTokenRevocation: { type: 'boolean' },
      SupportedIdentityProviders: { type: 'strings', values: ['COGNITO'] },
      AuthSessionValidity: { type: 'ignored' },
      EnablePropagateAdditionalUserContextData: { type: 'ignored' },
    },
    (input, service) => {
      const pool = poolOf(service, input.UserPoolId)
      const { UserPoolId: _pool, ClientName, GenerateSecret = false, ...settings } = input
      const secret = GenerateSecret ? randomSecret() : undefined
      const client = createClient({ ...settings, id: randomClientId(), name: ClientName, secret }, service.now())
      pool.clients.set(client.id, client)
      return { UserPoolClient: clientType(pool, client) }
    },
  ),

  DescribeUserPoolClient: operation(
    { UserPoolId: POOL_ID, ClientId: { type: 'string', required: true, min: 1, max: 128, pattern: /^[\w+]+$/ } },
    ({ UserPoolId, ClientId }, service) => {
      const pool = poolOf(service, UserPoolId)
      return { UserPoolClient: clientType(pool, clientOf(pool, ClientId)) }
    },
  ),

  DeleteUserPoolClient: operation(
    { UserPoolId: POOL_ID, ClientId: { type: 'string', required: true, min: 1, max: 128, pattern: /^[\w+]+$/ } },
    ({ UserPoolId, ClientId }, service) => {
      const pool = poolOf(service, UserPoolId)
      pool.clients.delete(clientOf(pool, ClientId).id)
      return {}
    },
  ),
} satisfies Record<string, Operation>

interface ClientSettings {
  readonly id: string
  readonly name: string
  readonly secret?: string | undefined
  readonly ExplicitAuthFlows?: readonly string[]
  readonly IdTokenValidity?: number
  readonly AccessTokenValidity?: number
  readonly RefreshTokenValidity?: number
  readonly TokenValidityUnits?: {
    readonly IdToken?: string
    readonly AccessToken?: string
    readonly RefreshToken?: string
  }
  readonly PreventUserExistenceErrors?: string
  readonly EnableTokenRevocation?: boolean
}

export function createClient({ id, name, secret, ...settings }: ClientSettings, now: number): AppClient {
  const authFlows = settings.ExplicitAuthFlows ?? DEFAULT_AUTH_FLOWS
  checkAuthFlows(authFlows)
  const { IdToken = 'hours', AccessToken = 'hours', RefreshToken = 'days' } = settings.TokenValidityUnits ?? {}
  return {
    id,
    name,
    secret,
    authFlows,
    hidesMissingUsers: settings.PreventUserExistenceErrors === 'ENABLED',
    hasRevocation: settings.EnableTokenRevocation ?? true,
    validity: {
      id: duration(settings.IdTokenValidity ?? 1, IdToken),
      access: duration(settings.AccessTokenValidity ?? 1, AccessToken),
      refresh: duration(settings.RefreshTokenValidity || 30, RefreshToken),
    },
    settings: { RefreshTokenValidity: 30, EnableTokenRevocation: true, TokenValidityUnits: {}, ...settings },
    createdAt: now,
  }
}

function unitOf() {
  return { type: 'string', values: ['seconds', 'minutes', 'hours', 'days'] } as const
}

const SECONDS_PER = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 } as const

const duration = (amount: number, unit: string) => amount * SECONDS_PER[unit as keyof typeof SECONDS_PER]

const DEFAULT_AUTH_FLOWS = ['ALLOW_REFRESH_TOKEN_AUTH', 'ALLOW_USER_SRP_AUTH', 'ALLOW_CUSTOM_AUTH']

function checkAuthFlows(flows: readonly string[]): void {
  const modern = flows.filter(flow => flow.startsWith('ALLOW_'))
  if (modern.length > 0 && modern.length < flows.length) {
    throw invalidParameter(
      'Cannot mix legacy ExplicitAuthFlows values with values that have the prefix ALLOW_. Choose one of them.',
    )
  }
}

/** Both ways to name the function, whichever was given, because Cognito returns both. */
function readLambdaConfig(
  config: { readonly PreTokenGeneration?: string | undefined; readonly PreTokenGenerationConfig?: unknown } = {},
  tier: string,
): LambdaConfig {
  const { PreTokenGeneration: arn } = config
  const versioned = config.PreTokenGenerationConfig as LambdaConfig['PreTokenGenerationConfig']
  if (arn !== undefined && versioned !== undefined && arn !== versioned.LambdaArn) {
    throw invalidParameter('PreTokenGeneration and PreTokenGenerationConfig must name the same function')
  }
  const lambdaArn = versioned?.LambdaArn ?? arn
  if (lambdaArn === undefined) return {}
  const version = versioned?.LambdaVersion ?? 'V1_0'
  if (version !== 'V1_0' && tier === 'LITE') {
    throw serviceError(
      'FeatureUnavailableInTierException',
      `A pre token generation trigger of version ${quote(version)} needs the tier ESSENTIALS or PLUS`,
    )
  }
  return {
    PreTokenGeneration: lambdaArn,
    PreTokenGenerationConfig: { LambdaVersion: version, LambdaArn: lambdaArn },
  }
}

function summaryOf(pool: UserPool): object {
  return {
    Id: pool.id,
    Name: pool.name,
    LambdaConfig: pool.lambdaConfig,
    LastModifiedDate: seconds(pool.modifiedAt),
    CreationDate: seconds(pool.createdAt),
  }
}

function userPoolType(pool: UserPool): object {
  return {
    Id: pool.id,
    Name: pool.name,
    Arn: pool.arn,
    Policies: {
      PasswordPolicy: pool.passwordPolicy,
      SignInPolicy: { AllowedFirstAuthFactors: ['PASSWORD'] },
    },
    DeletionProtection: pool.isDeletionProtected ? 'ACTIVE' : 'INACTIVE',
    LambdaConfig: pool.lambdaConfig,
    LastModifiedDate: seconds(pool.modifiedAt),
    CreationDate: seconds(pool.createdAt),
    AliasAttributes: pool.aliases.length > 0 ? pool.aliases : undefined,
    MfaConfiguration: 'OFF',
    EstimatedNumberOfUsers: pool.users.size,
    UserPoolTags: Object.keys(pool.tags).length > 0 ? pool.tags : undefined,
    AdminCreateUserConfig: pool.adminCreateUserConfig,
    UserPoolTier: pool.tier,
  }
}

function clientType({ id }: UserPool, client: AppClient): object {
  return {
    ...client.settings,
    UserPoolId: id,
    ClientName: client.name,
    ClientId: client.id,
    ClientSecret: client.secret,
    ExplicitAuthFlows: client.authFlows,
    LastModifiedDate: seconds(client.createdAt),
    CreationDate: seconds(client.createdAt),
  }
}

/** Makes it once, when it is first needed. */
export function lazily<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined
  return () => (made ??= make())
}
