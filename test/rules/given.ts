/** Infrastructures to check, built part by part. */
import { type TemplateRuleId } from '../../src/rules/catalogue.js'
import type {
  DeclaredPrecedence,
  GroupDefinition,
  Infrastructure,
  Location,
  MappingRuleDefinition,
  Membership,
  MisspeltProperty,
  IdentityPoolDefinition,
  IdentityPoolProvider,
  NotFollowed,
  RoleAttachment,
  RoleDefinition,
  RoleMappingDefinition,
  RoleReference,
  Unresolved,
  Value,
  WrongId,
} from '../../src/rules/infrastructure.js'
import { validateInfrastructure, type ValidateOptions } from '../../src/rules/validate.js'

export const at: Location = { path: 'template.yaml', line: 1 }
export const known = <T>(value: T): Value<T> => ({ is: 'known', value })
export const absent = { is: 'absent' } as const
export const unknown = { is: 'unknown', why: 'parameter `Rank` has no default' } as const
export const oneOf = <T>(...values: Value<T>[]): Value<T> => ({ is: 'one-of', values })

export const resource = (id: string): RoleReference => ({ kind: 'resource', id })
export const nameOfRole = (id: string): RoleReference => ({ kind: 'name', id })
export const arn = (name: string): RoleReference => ({ kind: 'arn', id: `arn:aws:iam::111122223333:role/${name}` })
export const reference = (id: string): RoleReference => ({ kind: 'reference', id })
export const ofAccount = (what: string) => `arn:aws:iam::\${AWS::AccountId}:${what}`
export const [A, B] = [resource('AdminRole'), resource('EditorRole')]

export type Part = Partial<GroupDefinition>

/** `undefined` or null for no precedence and no role. */
export function group(
  name: string,
  precedence?: unknown,
  role?: RoleReference | null,
  more: Part = {},
): GroupDefinition {
  return {
    id: `${name}Group`,
    pool: 'Pool',
    groupName: known(name),
    precedence: precedence == null ? absent : known(precedence),
    role: role == null ? absent : known(role),
    location: at,
    ...more,
  }
}

export interface Given {
  readonly groups?: readonly GroupDefinition[]
  readonly userPoolId?: string
  readonly roles?: readonly RoleDefinition[]
  readonly attachments?: readonly RoleAttachment[]
  readonly memberships?: readonly Membership[]
  readonly declaredPrecedences?: readonly DeclaredPrecedence[]
  readonly unresolved?: readonly Unresolved[]
  readonly misspelt?: readonly MisspeltProperty[]
  readonly notFollowed?: readonly NotFollowed[]
  readonly wrongIds?: readonly WrongId[]
  readonly identityPools?: readonly IdentityPoolDefinition[]
}

export function infrastructure({ groups = [], userPoolId, ...rest }: Given): Infrastructure {
  return {
    format: 'cloudformation',
    paths: ['template.yaml'],
    pools: [{ id: 'Pool', name: 'Pool', userPoolId }],
    groups,
    roles: [],
    identityPools: [],
    attachments: [],
    memberships: [],
    declaredPrecedences: [],
    unresolved: [],
    notFollowed: [],
    misspelt: [],
    suppressions: [],
    ...rest,
  }
}

export const validate = (given: Given, options?: ValidateOptions) =>
  validateInfrastructure(infrastructure(given), options)
/** Rule and severity of all that is found. */
export const found = (given: Given, options?: ValidateOptions) =>
  validate(given, options)
    .map(({ ruleId, severity }) => `${ruleId} ${severity}`)
    .toSorted()
export const only = (ruleId: TemplateRuleId, given: Given) => found(given, { only: [ruleId] })

export const PROVIDER = 'cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e:1h57kf5cpq17m0eml12'

export function mapping(
  type: string,
  resolution?: string,
  more: Partial<RoleMappingDefinition> = {},
): RoleMappingDefinition {
  return {
    key: 'Mapping',
    identityProvider: known(PROVIDER),
    pool: 'Pool',
    type: known(type),
    ambiguousRoleResolution: resolution === undefined ? absent : known(resolution),
    rules: absent,
    location: at,
    ...more,
  }
}

export function attachment(
  mappings: readonly RoleMappingDefinition[],
  more: Partial<RoleAttachment> = {},
): RoleAttachment {
  return {
    id: 'Attachment',
    identityPool: known('IdentityPool'),
    location: at,
    mappings: known(mappings),
    roles: known([{ key: 'authenticated', role: known(resource('AuthenticatedRole')), location: at }]),
    ...more,
  }
}

/** A client that an identity pool accepts; by default that of `PROVIDER`. */
export function accepted(
  clientId: Value<string> = known('1h57kf5cpq17m0eml12'),
  more: Partial<IdentityPoolProvider> = {},
) {
  return {
    name: known('cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34e'),
    clientId,
    pool: 'Pool',
    location: at,
    ...more,
  }
}

/** The identity pool of `attachment`. */
export const accepting = (...providers: readonly IdentityPoolProvider[]): readonly IdentityPoolDefinition[] => [
  { id: 'IdentityPool', allowsGuests: known(false), providers: known(providers), location: at },
]

export const deny = [attachment([mapping('Token', 'Deny')])]
export const fallback = [attachment([mapping('Token', 'AuthenticatedRole')])]
export const byRules = [attachment([mapping('Rules', 'Deny')])]

export function rule(value: string, matchType = 'Contains', claim = 'cognito:groups'): MappingRuleDefinition {
  return { claim: known(claim), matchType: known(matchType), value: known(value), role: known(A), location: at }
}

export const member = (username: string, groupName: string): Membership => ({
  pool: 'Pool',
  username: known(username),
  groupName: known(groupName),
  location: at,
})

export const SERVICE = 'cognito-identity.amazonaws.com'
export const POOL_ID = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'
export const refToPool = { 'rolecast:unknown': '`IdentityPool` is known only at deployment' }

export interface Trust {
  readonly effect?: string
  readonly principal?: unknown
  readonly action?: unknown
  readonly aud?: unknown
  readonly amr?: unknown
  readonly amrKey?: string
}

export function trusting({
  effect = 'Allow',
  principal = { Federated: SERVICE },
  action = 'sts:AssumeRoleWithWebIdentity',
  aud = refToPool,
  amr = 'authenticated',
  amrKey = `${SERVICE}:amr`,
}: Trust) {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: effect,
        Principal: principal,
        Action: action,
        Condition: {
          ...(aud !== null && { StringEquals: { [`${SERVICE}:aud`]: aud } }),
          ...(amr !== null && { 'ForAnyValue:StringLike': { [amrKey]: amr } }),
        },
      },
    ],
  }
}

export const withTrust = (policy: Trust | Value<unknown>): Given => ({
  groups: [group('admins', 1, A)],
  roles: [{ id: 'AdminRole', trustPolicy: 'is' in policy ? policy : known(trusting(policy)), location: at }],
})

/** `Roles` of an attachment. */
export const rolesOf = (authenticated?: RoleReference, unauthenticated?: RoleReference): RoleAttachment['roles'] =>
  known(
    Object.entries({ authenticated, unauthenticated }).flatMap(([key, role]) =>
      role === undefined ? [] : [{ key, role: known(role), location: at }],
    ),
  )

export const tie = [group('admins', 1, A), group('editors', 1, B)]
export const terraform = { provider: 'terraform' } as const
export const before = (precedence: unknown) => ({
  precedence: precedence === null ? absent : known(precedence),
  role: absent,
})
export const many = (count: number, of: (index: number) => GroupDefinition) =>
  Array.from({ length: count }, (_, index) => of(index))
