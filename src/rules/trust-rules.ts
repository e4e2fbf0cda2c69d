import { IDENTITY_POOL_ID_PATTERN, IDENTITY_POOL_IDS_IN_TEXT } from '../aws-ids.js'
import { type Trust, type TrustReason, trustsIdentityPool } from '../credentials/trust-policy.js'
import { isRolecastError, listNames } from '../errors.js'
import { compareText } from '../text.js'
import type { Severity } from './finding.js'
import type { Infrastructure, RoleDefinition } from './infrastructure.js'
import { IAM_ROLES } from './pages.js'
import { type GroupView, type PoolView } from './pool-view.js'
import { defineRule, type Draft, relatedGroup, type Rule, yaml } from './rule.js'
import { unresolvedValue } from './unresolved-rule.js'
import { possibilities } from './value.js'
import { groupBy } from '../record.js'

// All of these are drawn from one reading of a role's trust policy: `checkTrust`, below, makes the drafts of all five.

/** What every rule of the family prefers. */
const TRUSTING = yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }
      AdminRole:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Statement:
              Effect: Allow
              Principal: { Federated: cognito-identity.amazonaws.com }
              Action: sts:AssumeRoleWithWebIdentity
              Condition:
                StringEquals: { cognito-identity.amazonaws.com:aud: !Ref IdentityPool }
                ForAnyValue:StringLike: { cognito-identity.amazonaws.com:amr: authenticated }
  `)

const trustPrincipal = defineRule({
  id: 'COG120',
  slug: 'trust-principal',
  title: "A group's role does not trust the identity pool service",
  severity: 'error',
  enabled: true,
  what: 'The identity pool asks STS for the role with `sts:AssumeRoleWithWebIdentity`, and STS denies it.',
  why: 'The trust policy has to name the service as its federated principal, allow that action, and have conditions that a signed-in user meets. The names of every partition are known: `cognito-identity.amazonaws.com` and those of China and of GovCloud.',
  fix: 'Allow `sts:AssumeRoleWithWebIdentity` to the federated principal `cognito-identity.amazonaws.com`, or to that of your partition.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }
      AdminRole:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Statement:
              Effect: Allow
              Principal: { Service: lambda.amazonaws.com }
              Action: sts:AssumeRole
  `),
  prefer: TRUSTING,
  see: IAM_ROLES,
})

const trustNoAudience = defineRule({
  id: 'COG121',
  slug: 'trust-no-audience',
  title: "A group's role does not say which identity pool it trusts",
  severity: 'error',
  enabled: true,
  what: 'Without a condition on `cognito-identity.amazonaws.com:aud`, users of any identity pool can assume the role.',
  why: 'Anyone can create an identity pool, in an account of their own.',
  fix: 'Add a `StringEquals` condition on `cognito-identity.amazonaws.com:aud` with the ID of the identity pool.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }
      AdminRole:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Statement:
              Effect: Allow
              Principal: { Federated: cognito-identity.amazonaws.com }
              Action: sts:AssumeRoleWithWebIdentity
              Condition:
                ForAnyValue:StringLike: { cognito-identity.amazonaws.com:amr: authenticated }
  `),
  prefer: TRUSTING,
  see: IAM_ROLES,
})

const trustPlaceholderAudience = defineRule({
  id: 'COG122',
  slug: 'trust-placeholder-audience',
  title: "A group's role trusts the placeholder identity pool ID from AWS's documentation",
  severity: 'error',
  enabled: true,
  what: "The audience is one of AWS's examples, or not an identity pool ID at all: the users of your pool do not have it.",
  why: 'A policy that was copied needs the ID of your pool.',
  fix: 'Use the ID of the identity pool as the audience, by a reference if the file defines the pool.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }
      AdminRole:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Statement:
              Effect: Allow
              Principal: { Federated: cognito-identity.amazonaws.com }
              Action: sts:AssumeRoleWithWebIdentity
              Condition:
                StringEquals: { cognito-identity.amazonaws.com:aud: us-east-1:12345678-1234-1234-1234-123456789012 }
                ForAnyValue:StringLike: { cognito-identity.amazonaws.com:amr: authenticated }
  `),
  prefer: TRUSTING,
  see: IAM_ROLES,
})

const trustDeny = defineRule({
  id: 'COG123',
  slug: 'trust-deny',
  title: "A group's role denies the identity pool",
  severity: 'error',
  enabled: true,
  what: 'A `Deny` statement covers the identity pool, and a `Deny` wins over every `Allow`: no user gets the role.',
  why: 'A group with a role that its members are denied is never intended.',
  fix: 'Make the statement an `Allow`, or narrow the `Deny` so that it does not cover signed-in users of the identity pool.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }
      AdminRole:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Statement:
              Effect: Deny
              Principal: { Federated: cognito-identity.amazonaws.com }
              Action: sts:AssumeRoleWithWebIdentity
              Condition:
                StringEquals: { cognito-identity.amazonaws.com:aud: !Ref IdentityPool }
                ForAnyValue:StringLike: { cognito-identity.amazonaws.com:amr: authenticated }
  `),
  prefer: TRUSTING,
  see: IAM_ROLES,
})

const trustUnauthenticated = defineRule({
  id: 'COG124',
  slug: 'trust-unauthenticated',
  title: "A group's role trusts guests",
  severity: 'error',
  context: 'A warning where the policy does not name `unauthenticated` and has no condition that keeps guests out.',
  enabled: true,
  what: 'Guests of the identity pool, who have not signed in, can assume the role.',
  why: "A group's role is for its members. With `unauthenticated` alone, only guests can have it, and the members cannot.",
  fix: 'Require `authenticated` in a `ForAnyValue:StringLike` condition on `cognito-identity.amazonaws.com:amr`.',
  avoid: yaml(`
    Resources:
      Admins:
        Type: AWS::Cognito::UserPoolGroup
        Properties: { UserPoolId: !Ref Pool, GroupName: admins, Precedence: 1, RoleArn: !GetAtt AdminRole.Arn }
      AdminRole:
        Type: AWS::IAM::Role
        Properties:
          AssumeRolePolicyDocument:
            Statement:
              Effect: Allow
              Principal: { Federated: cognito-identity.amazonaws.com }
              Action: sts:AssumeRoleWithWebIdentity
              Condition:
                StringEquals: { cognito-identity.amazonaws.com:aud: !Ref IdentityPool }
                ForAnyValue:StringLike: { cognito-identity.amazonaws.com:amr: unauthenticated }
  `),
  prefer: TRUSTING,
  see: IAM_ROLES,
})

export const TRUST_RULES = [
  trustPrincipal,
  trustNoAudience,
  trustPlaceholderAudience,
  trustDeny,
  trustUnauthenticated,
] as const

/** COG120 to COG124, and COG190 for a policy that cannot be read: the trust of each role that groups have. */
export function checkTrust(infrastructure: Infrastructure, pools: readonly PoolView[]): readonly Draft[] {
  const definitions = new Map(infrastructure.roles.map(role => [role.id, role]))
  const identityPools = identityPoolsOf(infrastructure)
  const holders = pools.flatMap(pool =>
    pool.groups.flatMap(group =>
      group.roles.flatMap((role): readonly RoleHolder[] => {
        const definition = role === null ? undefined : definitions.get(role.id)
        return definition === undefined ? [] : [{ pool, group, definition }]
      }),
    ),
  )
  return [...groupBy(holders, ({ definition }) => definition.id).values()].flatMap(holdersOfOne =>
    checkRole(holdersOfOne, identityPools),
  )
}

/** A role, and one of the groups that have it. */
interface RoleHolder {
  readonly pool: PoolView
  readonly group: GroupView
  readonly definition: RoleDefinition
}

interface IdentityPools {
  /** The ids, if all the identity pools have one that is known. */
  readonly ids: readonly string[]
  /** What stands for an identity pool that this infrastructure makes. */
  readonly symbols: ReadonlySet<unknown>
}

function isId(name: string | undefined): name is string {
  return name !== undefined && IDENTITY_POOL_ID_PATTERN.test(name)
}

function identityPoolsOf({ attachments }: Infrastructure): IdentityPools {
  const names = [...new Set(attachments.flatMap(({ identityPool }) => possibilities(identityPool).values))]
  const ids = names.filter(isId)
  const allKnown = attachments.every(({ identityPool }) => identityPool.is === 'known') && ids.length === names.length
  return { ids: allKnown ? ids : [], symbols: new Set(names.filter(name => !isId(name))) }
}

/** An identity pool of each partition that has service names of its own, for a policy whose pool is unknown. */
const PLACEHOLDER_POOL_IDS: readonly string[] = ['us-east-1', 'us-gov-west-1', 'us-gov-east-1', 'cn-north-1'].map(
  region => `${region}:5ca1ab1e-0dd5-4bad-8f00-d1ce0fa11b0d`,
)

/** From the best to the worst. */
const BEST_FIRST: readonly TrustReason[] = [
  'allowed',
  'denied',
  'guests-only',
  'uncertain-principal',
  'uncertain-action',
  'uncertain-condition',
  'uncertain-statement',
  'uncertain-policy',
  'placeholder-audience',
  'other-audience',
  'condition-not-met',
  'other-action',
  'other-principal',
  'no-allow',
]

const NOT_TRUSTED: ReadonlyMap<TrustReason, string> = new Map([
  ['no-allow', 'it allows nothing'],
  ['other-principal', 'it allows nothing to the federated principal of identity pools'],
  ['other-action', 'it does not allow `sts:AssumeRoleWithWebIdentity`'],
  ['other-audience', 'it trusts other identity pools'],
  ['condition-not-met', 'a condition of it fails for signed-in users'],
])

function checkRole(holders: readonly RoleHolder[], identityPools: IdentityPools): readonly Draft[] {
  const [
    {
      pool,
      definition: { id, trustPolicy, location },
    },
  ] = holders as readonly [RoleHolder]
  const groups = holders.map(({ group }) => group).toSorted((a, b) => compareText(a.name, b.name))
  const names = listNames(groups.map(({ name }) => name))
  const draft = (rule: Rule, message: string, severity?: Severity): Draft => ({
    pool: holders.every(holder => holder.pool === pool) ? pool.name : '',
    groups: groups.map(({ name }) => name),
    resources: [id, ...groups.map(({ definition }) => definition.id)],
    location: trustPolicy.location ?? location,
    related: groups.map(relatedGroup),
    rule,
    ...(severity !== undefined && { severity }),
    message: `The role of ${names} ${message}`,
  })
  const unresolved = (why: string) => [draft(unresolvedValue, `has a trust policy that cannot be checked: ${why}.`)]
  const guestsToo = (policy: unknown) =>
    /\bunauthenticated\b/.test(JSON.stringify(policy))
      ? draft(trustUnauthenticated, 'can be assumed by guests too: its condition on `amr` allows `unauthenticated`.')
      : draft(
          trustUnauthenticated,
          'can be assumed by guests too: no condition on `amr` requires `authenticated`.',
          'warning',
        )

  if (trustPolicy.is === 'absent') return unresolved('it is not given')
  if (trustPolicy.is === 'unknown') return unresolved(trustPolicy.why)
  if (trustPolicy.is === 'one-of') return unresolved('it is one of several')

  const checked = checkPolicy(trustPolicy.value, identityPools)
  if (typeof checked === 'string') return unresolved(checked)
  const { best, trusts, placeholders } = checked
  const noReason =
    best.trusted === false && best.reason !== 'denied' && placeholders.length === 0
      ? NOT_TRUSTED.get(best.reason)
      : undefined
  // For a pool whose ID is unknown, an audience with a wildcard may be the right one.
  const isOtherPool = best.reason === 'other-audience' && identityPools.ids.length === 0
  const drafts = [
    ...(noReason === undefined || isOtherPool
      ? []
      : [draft(trustPrincipal, `cannot be assumed through the identity pool: ${noReason}.`)]),
    ...(trusts.some(({ anyPool }) => anyPool === true)
      ? [
          draft(
            trustNoAudience,
            'trusts every identity pool in every account: no condition restricts `cognito-identity.amazonaws.com:aud`.',
          ),
        ]
      : []),
    ...(placeholders.length > 0
      ? [
          draft(
            trustPlaceholderAudience,
            `trusts the audience ${listNames(placeholders)}, which is not the ID of a real identity pool: your users do not have it.`,
          ),
        ]
      : []),
    ...(best.reason === 'denied'
      ? [draft(trustDeny, 'is denied to signed-in users of the identity pool: a Deny statement covers them, and wins.')]
      : []),
    ...(best.reason === 'guests-only'
      ? [
          draft(
            trustUnauthenticated,
            'can be assumed by guests and not by signed-in users: its condition on `amr` requires `unauthenticated`.',
          ),
        ]
      : trusts.some(({ guests }) => guests === true)
        ? [guestsToo(trustPolicy.value)]
        : []),
  ]
  if (isOtherPool && placeholders.length === 0)
    return unresolved('whether the identity pools it trusts include this one is unknown')
  // That the policy is open to others is found; that IAM may no longer accept such a policy says nothing more.
  if (best.reason === 'uncertain-policy' && trusts.some(({ anyPool }) => anyPool === true)) return drafts
  if (best.trusted === undefined) return [...drafts, ...unresolved(OPEN.get(best.reason)!)]
  const isOpen = best.anyPool === undefined || best.guests === undefined
  return isOpen ? [...drafts, ...unresolved('who else can assume the role is unknown')] : drafts
}

const OPEN: ReadonlyMap<TrustReason, string> = new Map([
  ['uncertain-principal', 'its principal is unknown'],
  ['uncertain-action', 'its action is unknown'],
  ['uncertain-condition', 'whether its conditions are met is unknown'],
  ['uncertain-statement', 'a statement has elements that trust policies do not have'],
  ['uncertain-policy', 'IAM may not accept it as a trust policy'],
])

interface CheckedPolicy {
  /** Of the identity pools it may be for, the one it trusts most. */
  readonly best: Trust
  readonly trusts: readonly Trust[]
  readonly placeholders: readonly string[]
}

/**
 * Checked for the identity pools whose IDs are known. If they are unknown, the policy is read as for the very pool that it
 * names: what it then does not allow, it allows to nobody. A text says why the policy cannot be read.
 */
function checkPolicy(policy: unknown, { ids, symbols }: IdentityPools): CheckedPolicy | string {
  const trustOf = (id: string) => trustsIdentityPool(withAudience(policy, id, symbols) as string | object, id)
  try {
    const placeholder =
      PLACEHOLDER_POOL_IDS.find(id => !['other-principal', 'no-allow'].includes(trustOf(id).reason)) ??
      PLACEHOLDER_POOL_IDS[0]!
    const text = typeof policy === 'string' ? policy : JSON.stringify(policy)
    const candidates = ids.length > 0 ? ids : [placeholder, ...new Set(text.match(IDENTITY_POOL_IDS_IN_TEXT))]
    const trusts = candidates
      .map(trustOf)
      .toSorted((a, b) => BEST_FIRST.indexOf(a.reason) - BEST_FIRST.indexOf(b.reason))
    // Not those of the pools that the policy names: an example's ID is not a placeholder to itself.
    const placeholders = [
      ...new Set((ids.length > 0 ? ids : [placeholder]).flatMap(id => trustOf(id).placeholders)),
    ].toSorted()
    return { best: trusts[0]!, trusts, placeholders }
  } catch (error) {
    if (isRolecastError(error)) return error.message
    throw error
  }
}

/** The policy with the id wherever its condition on the audience has a reference: to the pool, or to an unknown value. */
function withAudience(policy: unknown, id: string, symbols: ReadonlySet<unknown>, isAudience = false): unknown {
  if (Array.isArray(policy)) return policy.map(part => withAudience(part, id, symbols, isAudience))
  if (typeof policy !== 'object' || policy === null) return isAudience && symbols.has(policy) ? id : policy
  if (isAudience && Object.hasOwn(policy, 'rolecast:unknown')) return id
  return Object.fromEntries(
    Object.entries(policy).map(([key, part]) => [key, withAudience(part, id, symbols, /:aud$/i.test(key))]),
  )
}
