import { CognitoIdentityProviderClient as SdkClient } from '@aws-sdk/client-cognito-identity-provider'
import { describe, expectTypeOf, test } from 'vitest'
import {
  type AccessRequest,
  type ResponseContext,
  type ResponseOf,
  type AppSyncEvent,
  createRoleAuthorizer,
  createRoleGuard,
  type CurrentGroups,
  type CurrentResolution,
  type CurrentRoles,
  type Decision,
  type Denied,
  type DenyReason,
  type EventKind,
  type HttpV2Event,
  type IamPolicyResponse,
  parseRoleClaims,
  type RoleAuthorizer,
  type SimpleResponse,
  toContext,
} from '../../src/authorizer/index.js'
import {
  createRoleResolver,
  groupsFromCognito,
  type Lookup,
  type RoleResolution,
  type RoleResolver,
  type UserGroups,
} from '../../src/cognito/index.js'

// What aws-jwt-verify 5.2.1 declares, as far as it decides whether a verifier fits.
interface CognitoJwtFields {
  token_use: 'access' | 'id'
  'cognito:groups'?: string[]
  sub: string
}
type Json = null | string | number | boolean | Json[] | { [name: string]: Json }
type JwtPayload = { iss?: string; sub?: string; exp?: number; iat?: number } & { [name: string]: Json }
type IdPayload = CognitoJwtFields & {
  token_use: 'id'
  'cognito:roles': string[]
  'cognito:preferred_role': string
} & JwtPayload
type AccessPayload = CognitoJwtFields & { token_use: 'access'; scope: string } & JwtPayload
type PayloadOf<T> = T extends { tokenUse: 'id' }
  ? IdPayload
  : T extends { tokenUse: 'access' }
    ? AccessPayload
    : IdPayload | AccessPayload
type Parameters<Props> = { [key: string]: never } extends Props
  ? [jwt: string, props?: Props]
  : [jwt: string, props: Props]
declare class CognitoJwtVerifier<Props, Config> {
  static create<T extends { userPoolId: string; tokenUse?: 'id' | 'access' | null; clientId?: string | null }>(
    props: T,
  ): CognitoJwtVerifier<
    Omit<
      {
        tokenUse: 'id' | 'access' | null
        clientId: string | null
      },
      keyof T
    >,
    T
  >
  verify<T extends Props>(...[jwt, properties]: Parameters<Props>): Promise<PayloadOf<Config & T>>
}

/** Nothing here runs: what is tested is that it compiles. */
const compiles = (_code: () => unknown) => {}

const resolver: RoleResolver = createRoleResolver({ source: () => undefined, userPoolId: 'any' })
type IdVerifier = CognitoJwtVerifier<object, { tokenUse: 'id' }>
const idVerifier = (): IdVerifier => ({ verify: async () => ({}) as never })
const createdVerifier = () => CognitoJwtVerifier.create({ userPoolId: 'eu-west-1_a', clientId: 'x', tokenUse: 'id' })
const eitherVerifier = () => CognitoJwtVerifier.create({ userPoolId: 'eu-west-1_a', clientId: null, tokenUse: null })
const common = () => ({ resolver, groupsOf: 'token', onStale: 'deny', allow: () => true }) as const
const policy = { resource: 'stage', onFailure: 'throw' } as const

describe('a verifier', () => {
  test('of aws-jwt-verify fits without a cast, and its payload is what `allow` gets', () => {
    compiles(() =>
      createRoleAuthorizer({
        ...common(),
        ...policy,
        verifier: createdVerifier(),
        allow: ({ claims }) => {
          expectTypeOf(claims.token_use).toEqualTypeOf<'id'>()
          expectTypeOf(claims['cognito:groups']).toEqualTypeOf<string[] | undefined>()
          return parseRoleClaims(claims, { transport: 'jwt' })['cognito:preferred_role'] === 'x'
        },
      }),
    )
    compiles(() =>
      createRoleGuard({
        ...common(),
        verifier: eitherVerifier(),
        groupsOf: claims => claims['cognito:groups'] ?? [],
        allow: ({ claims }) => claims.token_use === 'access' && claims.scope === 'admin',
      }),
    )
  })

  test('that still wants its properties does not fit', () => {
    compiles(() =>
      createRoleGuard({
        ...common(),
        // @ts-expect-error its verify needs a client id and a token use each time
        verifier: CognitoJwtVerifier.create({ userPoolId: 'eu-west-1_a' }),
      }),
    )
  })

  test('may be a function, of a promise or not', () => {
    compiles(() =>
      createRoleGuard({
        ...common(),
        verifier: async (token: string) => ({ sub: token }),
        allow: ({ claims }) => claims.sub === 'x',
      }),
    )
    compiles(() =>
      createRoleGuard({ ...common(), verifier: token => ({ sub: token }), allow: ({ claims }) => claims.sub === 'x' }),
    )
  })

  test('with a guard needs an event only where `allow` has one', () => {
    compiles(() => createRoleGuard({ ...common(), verifier: idVerifier() })('x'))
    compiles(() => createRoleGuard({ ...common(), verifier: idVerifier() })('x', { signal: AbortSignal.timeout(1) }))
    const allow = ({ event }: AccessRequest<object, true, Request>) => event.url === 'x'
    compiles(() => createRoleGuard({ ...common(), verifier: idVerifier(), allow })('x', { event: new Request('x') }))
    // @ts-expect-error no event
    compiles(() => createRoleGuard({ ...common(), verifier: idVerifier(), allow })('x'))
  })

  test('must be given, and null means none', () => {
    // @ts-expect-error no verifier
    compiles(() => createRoleGuard(common()))
    // @ts-expect-error claims that nobody verified are whatever the caller likes
    compiles(() => createRoleGuard({ ...common(), verifier: null }))
    // @ts-expect-error a verdict is no payload
    compiles(() => createRoleGuard({ ...common(), verifier: () => true }))
  })
})

describe('what has no default', () => {
  const options = () => ({ ...common(), verifier: idVerifier() })

  test('onStale', () => {
    const { onStale: _, ...rest } = options()
    // @ts-expect-error onStale is missing
    compiles(() => createRoleAuthorizer({ ...rest, ...policy }))
    // @ts-expect-error onStale is missing
    compiles(() => createRoleGuard(rest))
    // @ts-expect-error no such word
    compiles(() => createRoleGuard({ ...rest, onStale: 'ignore' }))
    // @ts-expect-error a promise is always true
    compiles(() => createRoleGuard({ ...rest, onStale: async () => false }))
    compiles(() => createRoleGuard({ ...rest, onStale: comparison => !comparison.mayGrantLostRole }))
  })

  test('groupsOf, allow and resolver', () => {
    const { groupsOf: _, ...withoutGroups } = options()
    const { allow: __, ...withoutAllow } = options()
    const { resolver: ___, ...withoutResolver } = options()
    // @ts-expect-error groupsOf is missing
    compiles(() => createRoleAuthorizer({ ...withoutGroups, ...policy }))
    // @ts-expect-error allow is missing
    compiles(() => createRoleAuthorizer({ ...withoutAllow, ...policy }))
    // @ts-expect-error resolver is missing
    compiles(() => createRoleAuthorizer({ ...withoutResolver, ...policy }))
  })
})

describe('what has no default where the response is a policy', () => {
  const options = () => ({ ...common(), verifier: idVerifier() })

  test('resource and onFailure are required for policies, and where the kind is not named', () => {
    compiles(() => createRoleAuthorizer({ ...options(), kind: 'rest-token', resource: 'stage', onFailure: 'throw' }))
    // @ts-expect-error onFailure is missing
    compiles(() => createRoleAuthorizer({ ...options(), kind: 'rest-token', resource: 'stage' }))
    // @ts-expect-error resource is missing
    compiles(() => createRoleAuthorizer({ ...options(), kind: 'http-2-iam', onFailure: 'throw' }))
    // @ts-expect-error both are missing, and the event may be of any kind
    compiles(() => createRoleAuthorizer(options()))
    // @ts-expect-error no such word
    compiles(() => createRoleAuthorizer({ ...options(), kind: 'rest-token', resource: 'api', onFailure: 'throw' }))
  })

  test('they may be left out if the response is not a policy', () => {
    compiles(() => createRoleAuthorizer({ ...options(), kind: 'http-2' }))
    compiles(() => createRoleAuthorizer({ ...options(), kind: 'appsync', onFailure: 'throw' }))
  })
})

describe('what the verifier returned', () => {
  test('is what a granted decision has as its claims', () => {
    compiles(async () => {
      const guard = createRoleGuard({
        ...common(),
        verifier: idVerifier(),
        onDecision: decision => {
          if (decision.allowed) expectTypeOf(decision.claims).toEqualTypeOf<IdPayload>()
        },
        onError: (_error, decision) => expectTypeOf(decision).toEqualTypeOf<Denied>(),
      })
      const decision = await guard('x')
      if (decision.allowed) expectTypeOf(decision.claims).toEqualTypeOf<IdPayload>()
      // @ts-expect-error a denial has no claims
      else compiles(() => decision.claims)
      // Decisions of any payload.
      const log = (_decision: Decision) => {}
      log(decision)
      createRoleGuard({ ...common(), verifier: idVerifier(), onDecision: log })
    })
  })
})

describe('what undefined would turn off', () => {
  const options = () => ({ ...common(), verifier: idVerifier() })

  test('is a function, or left out', () => {
    // @ts-expect-error undefined is no hook
    compiles(() => createRoleGuard({ ...options(), onDecision: undefined }))
    // @ts-expect-error undefined is no hook
    compiles(() => createRoleGuard({ ...options(), onError: undefined }))
    // @ts-expect-error undefined finds nothing
    compiles(() => createRoleAuthorizer({ ...options(), ...policy, findToken: undefined }))
    compiles(() =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        kind: 'appsync',
        // @ts-expect-error undefined denies no fields
        allow: () => ({ allow: true, deniedFields: undefined }),
      }),
    )
    compiles(() => createRoleGuard({ ...options(), timeout: undefined, maxStaleAge: undefined, clock: undefined }))
  })

  test('the pool of a resolver must be told', () => {
    // @ts-expect-error no userPoolId
    compiles(() => createRoleGuard({ ...options(), resolver: { resolve: resolver.resolve } }))
    compiles(() => createRoleGuard({ ...options(), resolver: { resolve: resolver.resolve, userPoolId: 'any' } }))
  })
})

describe('the role', () => {
  const options = () => ({ ...common(), verifier: idVerifier() })

  test('is a string, unless none is required', () => {
    compiles(() =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        allow: ({ resolution }) => resolution.preferredRole.endsWith('/Admin'),
      }),
    )
    compiles(() =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        requireRole: true,
        allow: ({ resolution }) => resolution.preferredRole.endsWith('/Admin'),
      }),
    )
    compiles(() =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        requireRole: false,
        allow: ({ resolution }) => {
          expectTypeOf(resolution.preferredRole).toEqualTypeOf<string | undefined>()
          return resolution.outcome === 'none'
        },
      }),
    )
  })

  test('comes from what createRoleResolver makes', () => {
    expectTypeOf<RoleResolver>().toExtend<CurrentRoles>()
    expectTypeOf<RoleResolution>().toExtend<CurrentResolution>()
    expectTypeOf<CurrentResolution>().toExtend<RoleResolution>()
    expectTypeOf(createRoleResolver({ source: () => undefined, userPoolId: 'any' })).toExtend<CurrentRoles>()
  })
})

describe('the groups of a user', () => {
  const { groupsOf: _, ...options } = common()
  const userPoolId = 'eu-west-1_a'

  test('come from what groupsFromCognito makes, without a cast, for ID and access tokens', () => {
    compiles(() =>
      createRoleGuard({
        ...options,
        verifier: createdVerifier(),
        groupsOf: groupsFromCognito({ userPoolId }),
        allow: ({ claims }) => {
          expectTypeOf(claims).toEqualTypeOf<IdPayload>()
          return true
        },
      }),
    )
    compiles(() =>
      createRoleAuthorizer({
        ...options,
        ...policy,
        verifier: CognitoJwtVerifier.create({ userPoolId, clientId: 'x', tokenUse: 'access' }),
        groupsOf: groupsFromCognito({ userPoolId, usernameOf: claims => claims.sub }),
        allow: ({ claims }) => {
          expectTypeOf(claims).toEqualTypeOf<AccessPayload>()
          return claims.scope === 'admin'
        },
      }),
    )
    const groupsOf: UserGroups = groupsFromCognito({ userPoolId })
    compiles(() => createRoleGuard({ ...options, verifier: eitherVerifier(), groupsOf }))
    compiles(() => createRoleGuard({ ...options, verifier: async (token: string) => ({ sub: token }), groupsOf }))
    compiles(() => groupsFromCognito({ userPoolId, usernameOf: ({ sub }) => sub, client: new SdkClient({}) }))
  })

  test('are names, or groups with their roles', () => {
    expectTypeOf<Lookup>().toExtend<CurrentGroups>()
    expectTypeOf<CurrentGroups>().toExtend<Lookup>()
    const verifier = idVerifier()
    compiles(() => createRoleGuard({ ...options, verifier, groupsOf: async () => new Set(['admins']) }))
    compiles(() =>
      createRoleGuard({
        ...options,
        verifier,
        groupsOf: async () => ({ groups: [{ groupName: 'admins' }], unknownGroups: [], stale: false, age: 0 }),
      }),
    )
    // @ts-expect-error groups do not say how old they are
    compiles(() => createRoleGuard({ ...options, verifier, groupsOf: async () => [{ groupName: 'admins' }] }))
    // @ts-expect-error neither do these
    compiles(() => createRoleGuard({ ...options, verifier, groupsOf: async () => ({ groups: [] }) }))
    // @ts-expect-error no such option
    compiles(() => groupsFromCognito({ userPoolId, negativeTtl: 1 }))
  })
})

describe('a handler', () => {
  const options = () => ({ ...common(), verifier: idVerifier() })

  test('has the event and the response of the given kind, or of any', () => {
    compiles(() => {
      const named = createRoleAuthorizer({
        ...options(),
        ...policy,
        kind: 'rest-token',
        allow: ({ event, resolution }) => ({
          allow: event.methodArn.endsWith('/GET/'),
          context: toContext(resolution),
          resource: event.methodArn,
        }),
      })
      expectTypeOf(named).toEqualTypeOf<RoleAuthorizer<'rest-token'>>()
      expectTypeOf(createRoleAuthorizer({ ...options(), ...policy })).toEqualTypeOf<RoleAuthorizer<EventKind>>()
    })
    expectTypeOf<ResponseOf<'http-2'>>().toEqualTypeOf<SimpleResponse>()
    expectTypeOf<ResponseOf<'http-2-iam'>>().toEqualTypeOf<IamPolicyResponse>()
  })

  test('whose response cannot carry a field does not accept it', () => {
    compiles(() =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        kind: 'http-2',
        allow: (): { allow: boolean; resource: string } =>
          // @ts-expect-error a simple response has no resource
          ({ allow: true, resource: 'arn:x' }) satisfies { allow: boolean; context?: ResponseContext },
      }),
    )
    compiles(() =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        kind: 'appsync',
        allow: () => ({ allow: true, deniedFields: ['A.b'], ttlOverride: 0 }),
      }),
    )
    compiles(() =>
      createRoleAuthorizer({
        ...options(),
        ...policy,
        kind: 'rest-token',
        // @ts-expect-error a list is no context value
        allow: () => ({ allow: true, context: { groups: ['a'] } }),
      }),
    )
  })

  test('takes events of its kind only', () => {
    compiles(() => {
      const handler = createRoleAuthorizer({ ...options(), ...policy, kind: 'http-2' })
      // @ts-expect-error another kind
      return handler({ type: 'TOKEN', authorizationToken: 'x', methodArn: 'arn:x' })
    })
    expectTypeOf<AppSyncEvent>().not.toExtend<HttpV2Event>()
  })
})

describe('a decision', () => {
  test('tells the two apart', () => {
    compiles(() => (decision: Decision) => {
      if (decision.allowed) expectTypeOf(decision.resolution).toExtend<CurrentResolution>()
      else expectTypeOf(decision.reason).toEqualTypeOf<DenyReason>()
    })
    compiles(() => (decision: Decision<object, true>) => {
      if (decision.allowed) expectTypeOf(decision.resolution.preferredRole).toEqualTypeOf<string>()
    })
    compiles(() => (decision: Decision<object, false>) => {
      if (decision.allowed) expectTypeOf(decision.resolution.preferredRole).toEqualTypeOf<string | undefined>()
    })
    expectTypeOf<Denied['status']>().toEqualTypeOf<401 | 403 | 503>()
    expectTypeOf<DenyReason>().toEqualTypeOf<
      | 'missing-token'
      | 'unverified'
      | 'expired'
      | 'wrong-client'
      | 'bad-signature'
      | 'keys-unavailable'
      | 'invalid-claims'
      | 'wrong-pool'
      | 'unknown-user'
      | 'token-not-cache-key'
      | 'unknown-group'
      | 'undetermined'
      | 'no-role'
      | 'stale-token'
      | 'not-allowed'
      | 'wildcard-in-path'
      | 'invalid-response'
      | 'invalid-event'
      | 'membership-failed'
      | 'resolver-failed'
      | 'stale-cache'
      | 'allow-failed'
      | 'hook-failed'
      | 'timeout'
    >()
  })
})
