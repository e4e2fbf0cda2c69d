import { SEMANTICS, type Semantics } from '../../../../src/index.js'

/** A group as it stands in the fields of the page: not checked, and perhaps half typed. */
export interface GroupRow {
  readonly name: string
  /** The text of the field; null is "no precedence", which is another thing than 0 and than an empty field. */
  readonly precedence: string | null
  /** `''` is "no role". */
  readonly roleArn: string
  readonly isMember: boolean
}

export const MAPPING_TYPES = ['none', 'Token', 'Rules'] as const
export const RESOLUTIONS = ['', 'AuthenticatedRole', 'Deny'] as const

/** What an identity pool does with the token. */
export interface IdentityPoolFields {
  readonly mapping: (typeof MAPPING_TYPES)[number]
  /** `''` is "not set". */
  readonly ambiguousRoleResolution: (typeof RESOLUTIONS)[number]
  readonly authenticatedRole: string
  /** The list `Rules` as JSON. */
  readonly rules: string
}

export interface TrustFields {
  readonly identityPoolId: string
  /** The trust policy as JSON. */
  readonly policy: string
}

/** All that a link carries. A token and a template are never part of it. */
export interface PlaygroundState {
  readonly groups: readonly GroupRow[]
  readonly semantics: Semantics
  readonly identityPool: IdentityPoolFields
  readonly trust: TrustFields
}

/** A user can be in so many groups: https://docs.aws.amazon.com/cognito/latest/developerguide/quotas.html */
export const MAX_ROWS = 100

/** The longest text of each field, in UTF-16 code units. What Cognito takes fits, and a mistake can still be seen. */
export const MAX_LENGTHS = { name: 256, precedence: 32, roleArn: 3_000, identityPoolId: 256, json: 20_000 } as const

export const roleArn = (name: string) => `arn:aws:iam::111122223333:role/${name}`

const IDENTITY_POOL_ID = 'eu-west-1:7f0c1ab2-94a5-4f3e-8c53-0d1c9a4be2f6'

const TRUST_POLICY = {
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Principal: { Federated: 'cognito-identity.amazonaws.com' },
      Action: 'sts:AssumeRoleWithWebIdentity',
      Condition: {
        StringEquals: { 'cognito-identity.amazonaws.com:aud': IDENTITY_POOL_ID },
        'ForAnyValue:StringLike': { 'cognito-identity.amazonaws.com:amr': 'authenticated' },
      },
    },
  ],
}

const RULES = [{ Claim: 'cognito:groups', MatchType: 'Contains', Value: 'admins', RoleARN: roleArn('Admin') }]

const asJson = (value: unknown) => JSON.stringify(value, null, 2)

/** What a user-pool group with a role and no precedence does: the example that bites most people. */
export const START: PlaygroundState = {
  groups: [{ name: 'admins', precedence: null, roleArn: roleArn('Admin'), isMember: true }],
  semantics: 'observed',
  identityPool: {
    mapping: 'Token',
    ambiguousRoleResolution: 'Deny',
    authenticatedRole: roleArn('Authenticated'),
    rules: asJson(RULES),
  },
  trust: { identityPoolId: IDENTITY_POOL_ID, policy: asJson(TRUST_POLICY) },
}

export interface Example {
  readonly title: string
  readonly groups: readonly GroupRow[]
}

const member = (name: string, precedence: number | null, role?: string): GroupRow => ({
  name,
  precedence: precedence === null ? null : String(precedence),
  roleArn: role === undefined ? '' : roleArn(role),
  isMember: true,
})

/** The rows of the README's table that surprise. */
export const EXAMPLES: readonly Example[] = [
  { title: 'One group, a role, no precedence', groups: START.groups },
  { title: 'Zero is the highest rank', groups: [member('editors', 5, 'Editor'), member('admins', 0, 'Admin')] },
  {
    title: 'A tie on two roles',
    groups: [member('billing', 7, 'Billing'), member('support', 7, 'Support'), member('readers', 20, 'Reader')],
  },
  {
    title: 'A group without a role is passed over',
    groups: [member('vip', 0), member('editors', 10, 'Editor'), member('readers', 20, 'Reader')],
  },
  {
    title: 'Not documented: a role ties with no role',
    groups: [member('staff', 5, 'Staff'), member('everyone', 5)],
  },
  {
    title: 'Several groups, no precedence',
    groups: [member('admins', null, 'Admin'), member('editors', null, 'Editor')],
  },
]

/** A new row. Its precedence is an empty field, because "none" is a choice. */
export const NEW_ROW: GroupRow = { name: '', precedence: '', roleArn: '', isMember: true }

/**
 * Whether data from outside is a state: all of it, or nothing. Keys that a state does not have are faults too.
 *
 * @returns what is wrong, as a sentence goes on after "because"; undefined where nothing is
 */
export function stateFault(value: unknown): string | undefined {
  if (!hasKeys(value, ['groups', 'semantics', 'identityPool', 'trust'])) return 'it has other parts than a link has'
  const { groups, semantics, identityPool, trust } = value
  if (!Array.isArray(groups)) return 'its groups are not a list'
  if (groups.length > MAX_ROWS) return `it has more than ${MAX_ROWS} groups`
  const index = groups.findIndex(group => !isRow(group))
  if (index >= 0) return `group ${index + 1} is malformed`
  if (!SEMANTICS.some(one => one === semantics)) return 'its semantics are unknown'
  if (!isIdentityPool(identityPool)) return 'its identity pool is malformed'
  return isTrust(trust) ? undefined : 'its trust policy is malformed'
}

function isRow(value: unknown): value is GroupRow {
  if (!hasKeys(value, ['name', 'precedence', 'roleArn', 'isMember'])) return false
  const { name, precedence, roleArn: role, isMember } = value
  return (
    isText(name, MAX_LENGTHS.name) &&
    (precedence === null || isText(precedence, MAX_LENGTHS.precedence)) &&
    isText(role, MAX_LENGTHS.roleArn) &&
    typeof isMember === 'boolean'
  )
}

function isIdentityPool(value: unknown): value is IdentityPoolFields {
  if (!hasKeys(value, ['mapping', 'ambiguousRoleResolution', 'authenticatedRole', 'rules'])) return false
  const { mapping, ambiguousRoleResolution, authenticatedRole, rules } = value
  return (
    MAPPING_TYPES.some(one => one === mapping) &&
    RESOLUTIONS.some(one => one === ambiguousRoleResolution) &&
    isText(authenticatedRole, MAX_LENGTHS.roleArn) &&
    isText(rules, MAX_LENGTHS.json)
  )
}

function isTrust(value: unknown): value is TrustFields {
  if (!hasKeys(value, ['identityPoolId', 'policy'])) return false
  return isText(value['identityPoolId'], MAX_LENGTHS.identityPoolId) && isText(value['policy'], MAX_LENGTHS.json)
}

function isText(value: unknown, max: number): value is string {
  return typeof value === 'string' && value.length <= max
}

function hasKeys(value: unknown, keys: readonly string[]): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const own = Object.keys(value)
  return own.length === keys.length && keys.every(key => Object.hasOwn(value, key))
}
