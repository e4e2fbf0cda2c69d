import { IDENTITY_POOL_ID_PATTERN, IDENTITY_POOL_IDS_IN_TEXT } from '../aws-ids.js'
import { judgeClaim, parseOperator } from '../credentials/policy-condition.js'
import { asList, type Condition, readPolicy, type Statement } from '../credentials/policy-document.js'
import {
  IDENTITY_SERVICE_NAMES,
  type Trust,
  type TrustReason,
  trustsIdentityPool,
} from '../credentials/trust-policy.js'
import { isRolecastError, listItems, listNames, quote } from '../errors.js'
import { closest, compareText } from '../text.js'
import type { Finding } from './finding.js'
import type { Severity } from '../severity.js'
import { guestsOf, handedOutRoles } from './handed-out-roles.js'
import type { Infrastructure, Location, RoleAttachment, RoleDefinition, RoleReference } from './infrastructure.js'
import { CONDITION_KEYS, IAM_ROLES } from './pages.js'
import { type PoolView, roleKey } from './pool-view.js'
import { defineRule, type Draft, type Rule, type RuleDraft, yaml } from './rule.js'
import { unresolvedValue } from './unresolved-rule.js'
import { assumptionsOf, knownOr, possibilities } from './value.js'
import { groupBy, ownValue } from '../record.js'

// COG120 to COG125 are drawn from one reading of a role's trust policy: `checkTrust`, below, makes their drafts.

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
  title: 'A role does not trust the identity pool service',
  severity: 'error',
  lowersUncertain: true,
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
  title: 'A role does not say which identity pool it trusts',
  severity: 'error',
  context:
    'A warning where a wildcard is the principal, because AWS does not document whether it lets identity pools in.',
  lowersUncertain: true,
  enabled: true,
  what: 'Without a condition on `cognito-identity.amazonaws.com:aud`, users of any identity pool can assume the role.',
  why: 'Anyone can create an identity pool in their own AWS account.',
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
  title: "A role names the placeholder identity pool ID from AWS's documentation",
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: "The audience is one of AWS's examples, or not an identity pool ID at all, so your users never match it.",
  why: 'A policy that was copied needs the ID of your own pool.',
  fix: 'Use the ID of the identity pool as the audience; if the file defines the pool, use a reference to it.',
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
  title: "A role's trust policy denies the identity pool",
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'Either a `Deny` statement covers the identity pool, and a `Deny` overrides every `Allow`; or the policy has only `Deny` statements. No user gets the role.',
  why: 'It is never intended that a role is handed out to users and denied to the same users.',
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
  title: 'A role of signed-in users trusts guests',
  severity: 'error',
  context: 'A warning where the policy does not name `unauthenticated` and has no condition that keeps guests out.',
  enabled: true,
  what: 'Guests of the identity pool, who have not signed in, can assume the role.',
  why: 'The role of a group, of a mapping rule or of `Roles.authenticated` is for users who signed in. With `unauthenticated` alone, only guests can have it.',
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

const trustUnknownKey = defineRule({
  id: 'COG125',
  slug: 'trust-unknown-key',
  title: 'A trust policy has a condition on a key that does not exist',
  severity: 'error',
  lowersUncertain: true,
  enabled: true,
  what: 'No request has the key, so the condition is never met, and STS denies the role to everyone.',
  why: 'IAM accepts any string as a condition key. A misspelt key shows only when users request credentials.',
  fix: 'Correct the key: the keys of identity pools are `cognito-identity.amazonaws.com:aud`, `:amr` and `:sub`, with the service name of your partition.',
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
                ForAnyValue:StringLike: { cognito-identity.amazon.com:amr: authenticated }
  `),
  prefer: TRUSTING,
  see: CONDITION_KEYS,
})

const guestsShareRole = defineRule({
  id: 'COG126',
  slug: 'guests-share-role',
  title: 'Guests and signed-in users have the same role',
  severity: 'warning',
  enabled: true,
  what: 'Guests of the identity pool, who have not signed in, get the role that signed-in users get.',
  why: 'Everyone who knows the ID of the identity pool can do what the role allows.',
  fix: 'Give guests a different role in `Roles.unauthenticated`, or none.',
  avoid: yaml(`
    Resources:
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: arn:aws:iam::111122223333:role/All, unauthenticated: arn:aws:iam::111122223333:role/All }
  `),
  prefer: yaml(`
    Resources:
      Attachment:
        Type: AWS::Cognito::IdentityPoolRoleAttachment
        Properties:
          IdentityPoolId: !Ref IdentityPool
          Roles: { authenticated: arn:aws:iam::111122223333:role/All, unauthenticated: arn:aws:iam::111122223333:role/Guest }
  `),
  see: IAM_ROLES,
  checkAll(infrastructure, pools) {
    const holders = holdersOf(infrastructure, pools)
    return holders
      .filter(one => one.users === 'unauthenticated' && !isIdle(one))
      .flatMap((guests): readonly RuleDraft[] => {
        const others = holders.filter(
          ({ users, role, pool, attachment }) =>
            users !== 'unauthenticated' &&
            roleKey(role) === roleKey(guests.role) &&
            // A group's role may be handed out by any identity pool that its user pool is used with.
            (attachment === undefined ? pool !== undefined : attachment === guests.attachment),
        )
        if (others.length === 0) return []
        return [
          {
            pool: '',
            groups: others.flatMap(({ group }) => group ?? []),
            subject: [knownOr(guests.attachment!.identityPool, guests.attachment!.id)],
            resources: [guests, ...others].map(({ resource }) => resource),
            location: guests.location,
            related: others.map(relatedHolder),
            message: `Guests have the same role as ${inWords(others)}${areOpen([guests]) ? `, ${IF_LET_IN}` : ''}.`,
            impact: `Everyone who knows the ID of the identity pool ${areOpen([guests]) ? 'may get' : 'gets'} credentials of this role.`,
          },
        ]
      })
  },
})

export const TRUST_RULES = [
  trustPrincipal,
  trustNoAudience,
  trustPlaceholderAudience,
  trustDeny,
  trustUnauthenticated,
  trustUnknownKey,
  guestsShareRole,
] as const

/** A group, mapping rule or kind of user that a role is handed out to. */
interface Holder {
  readonly role: RoleReference
  readonly users: 'authenticated' | 'unauthenticated'
  /** For guests: whether the identity pool lets them in. */
  readonly areLetIn?: boolean | undefined
  /** `group` of a pool, or what an identity pool's attachment hands out. */
  readonly pool?: PoolView
  readonly group?: string
  readonly attachment?: RoleAttachment
  /** The holder in words, for a message. */
  readonly words: string
  /** The `id` of the resource that hands out the role. */
  readonly resource: string
  readonly location: Location
}

/** All holders that get a role, certainly or possibly; groups first. */
function holdersOf(infrastructure: Infrastructure, pools: readonly PoolView[]): readonly Holder[] {
  const { attachments } = infrastructure
  const letsGuestsIn = guestsOf(infrastructure)
  const ofGroups = pools.flatMap(pool =>
    pool.groups.flatMap(({ roles, name, definition: { id, location } }) =>
      roles.flatMap((role): readonly Holder[] =>
        role === null
          ? []
          : [{ role, users: 'authenticated', pool, group: name, words: quote(name), resource: id, location }],
      ),
    ),
  )
  const ofAttachments = attachments.flatMap(attachment =>
    handedOutRoles(attachment).flatMap(({ role, key = 'authenticated', whose, location }) =>
      key !== 'authenticated' && key !== 'unauthenticated'
        ? []
        : possibilities(role).values.flatMap((one): readonly Holder[] =>
            one === undefined
              ? []
              : [
                  {
                    role: one,
                    users: key,
                    ...(key === 'unauthenticated' && { areLetIn: letsGuestsIn(attachment) }),
                    attachment,
                    words: whose,
                    resource: attachment.id,
                    location,
                  },
                ],
          ),
    ),
  )
  return [...ofGroups, ...ofAttachments]
}

/** Whether nobody ever gets the role this way: it is for guests, and the identity pool does not let guests in. */
function isIdle({ users, areLetIn }: Holder): boolean {
  return users === 'unauthenticated' && areLetIn === false
}

/** Whether it depends on something the files do not say: whether the identity pool lets guests in. */
function areOpen(holders: readonly Holder[]): boolean {
  return holders.every(({ users, areLetIn }) => users === 'unauthenticated' && areLetIn !== true)
}

/** Each once, sorted: nothing depends on the order of the file. */
function inWords(holders: readonly Holder[]): string {
  const groups = holders.flatMap(({ group }) => group ?? [])
  const others = holders.flatMap(({ group, words }) => (group === undefined ? [words] : []))
  return listItems([...[...new Set(groups)].toSorted(compareText).map(quote), ...new Set(others)], words => words)
}

function relatedHolder({ group, words, location }: Holder): Finding['related'][number] {
  return { message: group === undefined ? words : `group ${words}`, location }
}

/** COG120 to COG125, and COG190 for a policy that cannot be read: the trust of each role that is handed out. */
export function checkTrust(infrastructure: Infrastructure, pools: readonly PoolView[]): readonly Draft[] {
  const definitions = new Map(infrastructure.roles.map(role => [role.id, role]))
  const othersOf = otherPoolsOf(infrastructure)
  const handedOut = groupBy(
    holdersOf(infrastructure, pools).filter(({ role }) => definitions.has(role.id)),
    ({ role }) => role.id,
  )
  return [...handedOut].flatMap(([id, holders]) =>
    [...groupBy(withoutIdle(holders), ({ users }) => users).values()].flatMap(some =>
      checkRole(definitions.get(id)!, some, {
        identityPools: {
          // If only identity pools hand out the role, it has to trust those pools.
          ...identityPoolsOf(
            some.some(({ attachment }) => attachment === undefined)
              ? infrastructure.attachments
              : [...new Set(some.map(({ attachment }) => attachment!))],
          ),
          others: othersOf(some),
        },
        isForGuests: holders.some(({ users }) => users === 'unauthenticated'),
      }),
    ),
  )
}

function withoutIdle(holders: readonly Holder[]): readonly Holder[] {
  return holders.filter(holder => !isIdle(holder))
}

/** The identity pools of the files that certainly hand the role to none of its holders; none if that is not certain. */
function otherPoolsOf({ identityPools, attachments }: Infrastructure): (holders: readonly Holder[]) => Names {
  const defined = new Set(identityPools.map(({ id }) => id))
  const byPool = new Map<PoolView, ReadonlySet<string>>()
  const namesFor = (pool: PoolView) => {
    const known = byPool.get(pool) ?? namesOf(attachmentsFor(pool, attachments))
    byPool.set(pool, known)
    return known
  }
  return holders => {
    const handing = holders.map(({ attachment, pool }) =>
      attachment === undefined ? namesFor(pool!) : namesOf([attachment]),
    )
    const names = new Set(handing.flatMap(some => [...some]))
    const isSure = handing.every(some => some.size > 0) && [...names].every(name => defined.has(name))
    return { has: id => isSure && defined.has(id) && !names.has(id) }
  }
}

interface Names {
  readonly has: (id: string) => boolean
}

/** An unknown identity pool becomes `''`, which is never a name. */
function namesOf(attachments: readonly RoleAttachment[]): ReadonlySet<string> {
  return new Set(attachments.map(({ identityPool }) => knownOr(identityPool, '')))
}

/** The attachments that have or may have a mapping for a user pool; none unless one certainly has. */
function attachmentsFor({ id, mappings }: PoolView, attachments: readonly RoleAttachment[]): readonly RoleAttachment[] {
  if (mappings.length === 0) return []
  const mayHaveOne = (attachment: RoleAttachment) =>
    !possibilities(attachment.mappings).complete ||
    possibilities(attachment.mappings).values.some(some => some?.some(({ pool }) => pool === undefined || pool === id))
  return attachments.filter(mayHaveOne)
}

interface IdentityPools {
  /** The references that certainly stand for another identity pool. */
  readonly others: Names
  /** The IDs, if those of all the identity pools are known. */
  readonly ids: readonly string[]
  /** The references to identity pools that this infrastructure makes. */
  readonly symbols: ReadonlySet<unknown>
}

function isId(name: string | undefined): name is string {
  return name !== undefined && IDENTITY_POOL_ID_PATTERN.test(name)
}

function identityPoolsOf(attachments: readonly RoleAttachment[]): Omit<IdentityPools, 'others'> {
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
  'signed-in-only',
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

interface RoleContext {
  readonly identityPools: IdentityPools
  /** Whether guests are given the role on purpose. */
  readonly isForGuests: boolean
}

function checkRole(
  { id, trustPolicy, location }: RoleDefinition,
  holders: readonly Holder[],
  { identityPools, isForGuests }: RoleContext,
): readonly Draft[] {
  const [first] = holders as readonly [Holder]
  const { users } = first
  const sorted = holders.toSorted((a, b) => compareText(a.group ?? '', b.group ?? '') || compareText(a.words, b.words))
  const others = sorted.flatMap(({ group, attachment, words }) =>
    group === undefined ? [`${knownOr(attachment!.identityPool, attachment!.id)}: ${words}`] : [],
  )
  const open = areOpen(sorted)
  const draft: DraftOf = (rule, { message, impact, severity = rule.severity }) => ({
    pool: first.pool !== undefined && holders.every(({ pool }) => pool === first.pool) ? first.pool.name : '',
    groups: sorted.flatMap(({ group }) => group ?? []),
    subject: [...new Set(others)],
    resources: [id, ...sorted.map(({ resource }) => resource)],
    location: trustPolicy.location ?? location,
    assumes: assumptionsOf([trustPolicy]),
    related: sorted.map(relatedHolder),
    rule,
    severity: open && severity === 'error' ? 'warning' : severity,
    ...(impact !== undefined && { impact }),
    message: `The role of ${inWords(sorted)} ${message}${open && severity !== 'note' ? ` This matters ${IF_LET_IN}.` : ''}`,
  })
  const unresolved = (why: string) => [
    draft(unresolvedValue, { message: `has a trust policy that cannot be checked: ${why}.` }),
  ]

  if (trustPolicy.is === 'absent') return unresolved('it is not given')
  if (trustPolicy.is === 'unknown') return unresolved(trustPolicy.why)
  if (trustPolicy.is === 'one-of') return unresolved('it is one of several')

  const checked = checkPolicy(trustPolicy.value, identityPools, users)
  if (typeof checked === 'string') return unresolved(checked)
  const { policy, best, trusts, placeholders, otherThings, otherPools, misspelt, onlyDenies } = checked
  const { hasWildcard, mayTrustAnyPool } = checked
  const whom = users === 'authenticated' ? 'signed-in users' : 'guests'
  const noReason =
    best.trusted === false && !onlyDenies && placeholders.length + otherThings.length + misspelt.length === 0
      ? best.reason === 'other-audience' && otherPools.length > 0
        ? `its condition on the audience is for another identity pool (${listNames(otherPools)})`
        : NOT_TRUSTED.get(best.reason)?.(whom)
      : undefined
  // For a pool whose ID is unknown, an audience with a wildcard may be the right one.
  const isOtherPool = best.reason === 'other-audience' && identityPools.ids.length === 0 && otherPools.length === 0
  const anyPool = trusts.some(trust => trust.anyPool === true)
  const drafts = [
    ...(noReason === undefined || isOtherPool
      ? []
      : [
          draft(trustPrincipal, {
            message: `cannot be assumed through the identity pool: ${noReason}.`,
            impact: NO_CREDENTIALS,
          }),
        ]),
    ...(anyPool
      ? [
          draft(trustNoAudience, {
            message:
              'trusts every identity pool in every account: no condition restricts `cognito-identity.amazonaws.com:aud`.',
            impact: 'Users of any identity pool, in any AWS account, can get credentials of this role.',
          }),
        ]
      : mayTrustAnyPool
        ? [
            draft(trustNoAudience, {
              message:
                'has a wildcard for its principal, and no condition restricts `cognito-identity.amazonaws.com:aud`. AWS does not document whether the wildcard lets identity pools in.',
              impact: 'Users of any identity pool, in any AWS account, may get credentials of this role.',
              severity: 'warning',
            }),
          ]
        : []),
    ...(placeholders.length > 0
      ? [
          draft(trustPlaceholderAudience, {
            message: `names the audience ${listNames(placeholders)}, which is not the ID of a real identity pool, so your users never match it.`,
            impact: deadStatementImpact(best),
          }),
        ]
      : []),
    ...otherThings.map(what =>
      draft(trustPlaceholderAudience, {
        message: `names ${what} as the audience, but the ID of the identity pool is needed, so your users never match it.`,
        impact: deadStatementImpact(best),
      }),
    ),
    ...(onlyDenies
      ? [
          draft(trustDeny, {
            message: `cannot be assumed by anyone: its trust policy has no Allow, only a Deny.`,
            impact: NO_CREDENTIALS,
          }),
        ]
      : best.reason === 'denied'
        ? [
            draft(trustDeny, {
              message: `is denied to ${whom} of the identity pool: a Deny statement covers them, and overrides every Allow.`,
              impact: NO_CREDENTIALS,
            }),
          ]
        : []),
    ...misspelt.map(({ key, nearest, met }) =>
      draft(trustUnknownKey, {
        message: `has a condition on ${quote(key)}, a key that does not exist; did you mean ${quote(nearest)}? ${OUTCOMES[met]}`,
        impact:
          met === 'never'
            ? deadStatementImpact(best)
            : 'Users that the condition is intended to keep out can get the role.',
      }),
    ),
    ...(isForGuests ? [] : guestDrafts(best, trusts, { policy, anyPool, draft })),
  ]
  if (isOtherPool && placeholders.length + otherThings.length === 0)
    return unresolved('it is unknown whether the identity pools that it trusts include this one')
  // A finding already says that the policy is open to others. That IAM may no longer accept it adds nothing.
  if ((best.reason === 'uncertain-policy' && anyPool) || (!anyPool && mayTrustAnyPool)) return drafts
  const isOpenFor = (reasons: readonly TrustReason[]) => reasons.includes(best.reason)
  const explained = misspelt.length > 0 && isOpenFor(['uncertain-condition', 'uncertain-policy'])
  if (best.trusted === undefined)
    return explained
      ? drafts
      : [
          ...drafts,
          ...unresolved(hasWildcard && isOpenFor(['uncertain-principal']) ? OPEN_WILDCARD : OPEN.get(best.reason)!),
        ]
  const isOpen = best.anyPool === undefined || best.guests === undefined
  return isOpen && misspelt.length === 0
    ? [...drafts, ...unresolved('it is unknown who else can assume the role')]
    : drafts
}

type DraftOf = (
  rule: Rule,
  said: { readonly message: string; readonly impact?: string; readonly severity?: Severity },
) => Draft

const IF_LET_IN = 'if the identity pool lets guests in'

const NO_CREDENTIALS = 'Users for whom the identity pool chooses this role get no credentials.'

/** The impact of a statement that lets nobody in. */
function deadStatementImpact({ trusted }: Trust): string {
  if (trusted === false) return NO_CREDENTIALS
  return trusted
    ? 'No user gets the role by this statement.'
    : 'Users for whom the identity pool chooses this role get no credentials, unless another statement allows it.'
}

const OUTCOMES = {
  never: 'The condition is never met.',
  always: 'The condition is always met, and restricts nothing.',
  open: 'Whether the condition is met without the key is not documented.',
} as const

/** Drafts for guests that can assume a role that is not for them. */
function guestDrafts(
  best: Trust,
  trusts: readonly Trust[],
  {
    policy,
    anyPool,
    draft,
  }: {
    readonly policy: unknown
    readonly anyPool: boolean
    readonly draft: DraftOf
  },
): readonly Draft[] {
  if (best.reason === 'guests-only')
    return [
      draft(trustUnauthenticated, {
        message:
          'can be assumed by guests and not by signed-in users: its condition on `amr` requires `unauthenticated`.',
        impact:
          'Signed-in users for whom the identity pool chooses this role get no credentials, and guests can get them.',
      }),
    ]
  if (!trusts.some(({ guests }) => guests === true)) return []
  if (/\bunauthenticated\b/.test(JSON.stringify(policy)))
    return [
      draft(trustUnauthenticated, {
        message: 'can be assumed by guests too: its condition on `amr` allows `unauthenticated`.',
        impact: GUESTS_GET_IT,
      }),
    ]
  // COG121 already reports that all users of all identity pools can, including guests.
  if (anyPool) return []
  return [
    draft(trustUnauthenticated, {
      message: 'can be assumed by guests too: no condition on `amr` requires `authenticated`.',
      impact: GUESTS_GET_IT,
      severity: 'warning',
    }),
  ]
}

const GUESTS_GET_IT = 'Guests of the identity pool, who have not signed in, can get credentials of this role.'

const NOT_TRUSTED: ReadonlyMap<TrustReason, (whom: string) => string> = new Map<TrustReason, (whom: string) => string>([
  ['no-allow', () => 'it allows nothing'],
  ['other-principal', () => 'it allows nothing to the federated principal of identity pools'],
  ['other-action', () => 'it does not allow `sts:AssumeRoleWithWebIdentity`'],
  ['other-audience', () => 'it trusts other identity pools'],
  ['condition-not-met', whom => `one of its conditions fails for ${whom}`],
  ['signed-in-only', () => 'its condition on `amr` requires `authenticated`, and guests are `unauthenticated`'],
])

const OPEN: ReadonlyMap<TrustReason, string> = new Map([
  ['uncertain-principal', 'its principal is unknown'],
  ['uncertain-action', 'its action is unknown'],
  ['uncertain-condition', 'it is unknown whether its conditions are met'],
  ['uncertain-statement', 'a statement has elements that trust policies do not have'],
  ['uncertain-policy', 'IAM may not accept it as a trust policy'],
])

const OPEN_WILDCARD = 'AWS does not document whether a wildcard for the principal lets identity pools in'

interface CheckedPolicy {
  /** Without the conditions and statements that a misspelt key makes void. */
  readonly policy: unknown
  /** The trust in the identity pool that the policy trusts most, of those it may be for. */
  readonly best: Trust
  readonly trusts: readonly Trust[]
  readonly placeholders: readonly string[]
  /** Audiences that are not identity pools, in words. */
  readonly otherThings: readonly string[]
  /** The identity pools that are its only audiences, if none of them is the right one. */
  readonly otherPools: readonly string[]
  /** Whether an Allow is for a wildcard. */
  readonly hasWildcard: boolean
  /** Whether users of every identity pool could assume the role, if the wildcard lets identity pools in. */
  readonly mayTrustAnyPool: boolean
  /** Condition keys that do not exist, with the key that was probably meant. */
  readonly misspelt: readonly MisspeltKey[]
  /** Whether it has statements, and all of them deny. */
  readonly onlyDenies: boolean
}

interface MisspeltKey {
  readonly key: string
  readonly nearest: string
  /** Whether a condition on a key that no request has is met. */
  readonly met: 'never' | 'always' | 'open'
}

/**
 * Checks the policy for the identity pools whose IDs are known. If they are unknown, it is checked for the very pool
 * that the policy names: what it does not allow even then, it allows to nobody. A returned string says why the policy
 * cannot be read.
 */
function checkPolicy(
  written: unknown,
  { ids, symbols, others }: IdentityPools,
  users: Holder['users'],
): CheckedPolicy | string {
  try {
    const given = withPrincipals(written)
    const { statements, document, hasRepeatedKeys } = readPolicy(given)
    const misspelt = distinctKeys(statements.flatMap(({ conditions }) => conditions.flatMap(misspeltKey)))
    const policy = misspelt.length > 0 && !hasRepeatedKeys ? withoutMisspelt(document, statements) : given
    const trustIn = (some: unknown, id: string) =>
      trustsIdentityPool(withAudience(some, id, { symbols, others }) as string | object, id, { users })
    const trustOf = (id: string) => trustIn(policy, id)
    const placeholder =
      PLACEHOLDER_POOL_IDS.find(id => !['other-principal', 'no-allow'].includes(trustOf(id).reason)) ??
      PLACEHOLDER_POOL_IDS[0]!
    const text = typeof policy === 'string' ? policy : JSON.stringify(policy)
    const candidates = ids.length > 0 ? ids : [placeholder, ...new Set(text.match(IDENTITY_POOL_IDS_IN_TEXT))]
    const trusts = candidates
      .map(trustOf)
      .toSorted((a, b) => BEST_FIRST.indexOf(a.reason) - BEST_FIRST.indexOf(b.reason))
    // Not checked for the pools that the policy names: an example ID is not a placeholder when it is itself the pool.
    const placeholders = [
      ...new Set((ids.length > 0 ? ids : [placeholder]).flatMap(id => trustOf(id).placeholders)),
    ].toSorted()
    const hasWildcard = statements.some(({ effect, principal }) => effect === 'Allow' && isWildcard(principal))
    return {
      policy,
      best: trusts[0]!,
      trusts,
      placeholders,
      otherThings: otherThingsIn(statements),
      otherPools: otherPoolsIn(statements, others),
      hasWildcard,
      mayTrustAnyPool: hasWildcard && candidates.some(id => trustIn(withService(document), id).anyPool === true),
      misspelt,
      onlyDenies: statements.length > 0 && statements.every(({ effect }) => effect === 'Deny'),
    }
  } catch (error) {
    if (isRolecastError(error)) return error.message
    throw error
  }
}

const KEYS: readonly string[] = IDENTITY_SERVICE_NAMES.flatMap(service =>
  ['aud', 'amr', 'sub'].map(claim => `${service}:${claim}`),
)

/** Other claims of tokens, which AWS documents for other providers. */
const OTHER_CLAIMS: ReadonlySet<string> = new Set(['app_id', 'azp', 'email', 'id', 'oaud', 'user_id'])

/** Condition keys are case-insensitive. A key that is not close to a known one may belong to another service. */
function misspeltKey({ key, operator, values }: Condition): readonly MisspeltKey[] {
  const lower = key.toLowerCase()
  const [service = '', claim = ''] = lower.split(':')
  if (KEYS.includes(lower)) return []
  const ofService = IDENTITY_SERVICE_NAMES.includes(service)
  if (ofService && OTHER_CLAIMS.has(claim)) return []
  const nearest = ofService ? nearestClaim(service, claim) : closest(key, KEYS)
  return nearest === undefined ? [] : [{ key, nearest, met: metWithoutKey(operator, values) }]
}

const CLAIMS = ['aud', 'amr', 'sub'] as const

/** The claim with a letter more or less, with letters in another order, or written out. */
function nearestClaim(service: string, claim: string): string | undefined {
  const near = closest(claim, CLAIMS) ?? CLAIMS.find(known => haveSameLetters(known, claim) || claim.startsWith(known))
  return near === undefined ? undefined : `${service}:${near}`
}

function haveSameLetters(a: string, b: string): boolean {
  return [...a].toSorted().join('') === [...b].toSorted().join('')
}

/** A missing key meets `Null` with `true`, `IfExists` and most negations. */
function metWithoutKey(operator: string, values: readonly unknown[]): MisspeltKey['met'] {
  const parsed = parseOperator(operator)
  const texts = values.filter(value => typeof value === 'string')
  const met =
    parsed === undefined
      ? undefined
      : judgeClaim(undefined, parsed, texts, {
          names: { principals: [], keyPrefixes: [], uncertain: [] },
          audience: '',
          guest: false,
        })
  return met === undefined ? 'open' : met ? 'always' : 'never'
}

function distinctKeys(keys: readonly MisspeltKey[]): readonly MisspeltKey[] {
  const distinct = new Map(keys.map(one => [`${one.key} ${one.met}`, one]))
  return [...distinct.values()].toSorted((a, b) => compareText(a.key, b.key) || compareText(a.met, b.met))
}

/** Removes the conditions that are always met, and the statements with one that is never met. */
function withoutMisspelt(document: object, statements: readonly Statement[]): object {
  return mapStatements(document, (raw, index) => {
    const misspelt = statements[index]!.conditions.flatMap(condition =>
      misspeltKey(condition).map(({ met }) => ({ ...condition, met })),
    )
    if (misspelt.some(({ met }) => met === 'never')) return []
    const isMet = (operator: string, key: string) =>
      misspelt.some(one => one.operator === operator && one.key === key && one.met === 'always')
    const conditions = entriesOf(raw['Condition']).map(([operator, byKey]) => [
      operator,
      Object.fromEntries(entriesOf(byKey).filter(([key]) => !isMet(operator, key))),
    ])
    const left = conditions.filter(([, byKey]) => entriesOf(byKey).length > 0)
    return [{ ...raw, Condition: Object.fromEntries(left) as unknown }]
  })
}

/** The policy as if every Allow for a wildcard were for the identity pool service. */
function withService(document: object): object {
  return mapStatements(document, raw => [
    raw['Effect'] === 'Allow' && isWildcard(raw['Principal'])
      ? { ...raw, Principal: { Federated: IDENTITY_SERVICE_NAMES } }
      : raw,
  ])
}

function isWildcard(principal: unknown): boolean {
  if (principal === '*') return true
  return entriesOf(principal).some(
    ([kind, values]) => ['AWS', 'Federated'].includes(kind) && asList(values).includes('*'),
  )
}

type Raw = Readonly<Record<string, unknown>>

function mapStatements(document: object, map: (raw: Raw, index: number) => readonly Raw[]): object {
  const statements = asList(ownValue(document, 'Statement'))
  return { ...document, Statement: statements.flatMap((raw, index) => map(raw as Raw, index)) }
}

function entriesOf(value: unknown): readonly (readonly [string, unknown])[] {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : []
}

/** What a reader says about an unknown value. */
function ofMark(value: unknown, name: 'is' | 'pool' | 'starts'): string | undefined {
  const said = isMark(value) ? ownValue(value, `rolecast:${name}`) : undefined
  return typeof said === 'string' ? said : undefined
}

function isMark(value: unknown): value is object {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, 'rolecast:unknown')
}

function audiencesOf(statements: readonly Statement[]): readonly unknown[] {
  return statements.flatMap(({ conditions }) =>
    conditions.flatMap(({ key, values }) => (/:aud$/i.test(key) ? values : [])),
  )
}

/** In words, the audiences that are not identity pools: readers mark such references. */
function otherThingsIn(statements: readonly Statement[]): readonly string[] {
  return [...new Set(audiencesOf(statements).flatMap(audience => otherThing(audience) ?? []))].toSorted(compareText)
}

function otherThing(audience: unknown): string | undefined {
  const [is, starts] = [ofMark(audience, 'is'), ofMark(audience, 'starts')]
  if (is !== undefined) return is
  return starts === undefined || MAY_BEGIN_POOL_ID.test(starts)
    ? undefined
    : `a string that begins with ${quote(starts)}`
}

/** Matches the possible beginnings of an identity pool ID, or of a pattern for one. */
const MAY_BEGIN_POOL_ID = /^(?:[a-z]{1,3}[a-z0-9-]{0,30}(?::[0-9a-f-]{0,36})?$|.*[*?$])/

function otherPoolsIn(statements: readonly Statement[], others: Names): readonly string[] {
  const audiences = audiencesOf(statements)
  const pools = audiences.flatMap(audience => ofMark(audience, 'pool') ?? [])
  const areAll = pools.length === audiences.length && pools.every(pool => others.has(pool))
  return areAll ? [...new Set(pools)].toSorted(compareText) : []
}

/** Replaces unknown principals that cannot be identity pools, judged by what they begin with. */
function withPrincipals(policy: unknown): unknown {
  if (typeof policy !== 'object' || policy === null || ownValue(policy, 'Statement') === undefined) return policy
  return mapStatements(policy, raw => {
    if (typeof raw !== 'object' || raw === null) return [raw]
    const principal = ownValue(raw, 'Principal')
    // A principal that is entirely unknown may be any principal.
    if (isMark(principal)) return [{ ...raw, Principal: { Federated: { 'rolecast:unknown': '' } } }]
    const known = entriesOf(principal).map(([kind, values]) => [
      kind,
      Array.isArray(values) ? values.map(one => principalOf(kind, one)) : principalOf(kind, values),
    ])
    return known.length === 0 ? [raw] : [{ ...raw, Principal: Object.fromEntries(known) as unknown }]
  })
}

/** The principal to check: a placeholder for one that cannot be the identity pool service. */
function principalOf(kind: string, value: unknown): unknown {
  if (!isMark(value)) return value
  // Neither kind can be an identity pool, whatever the value is.
  if (kind === 'Service' || kind === 'CanonicalUser') return OTHER_SERVICE
  const starts = (ofMark(value, 'starts') ?? '').toLowerCase()
  const mayBeService = SERVICE_WORD.startsWith(starts) || starts.startsWith(SERVICE_WORD) || /^[*]|\$\{/.test(starts)
  if (mayBeService) return value
  return kind === 'AWS' ? OTHER_ACCOUNT : OTHER_PROVIDER
}

/** The service's name begins with this in every partition. */
const SERVICE_WORD = 'cognito-identity'
const OTHER_SERVICE = 'lambda.amazonaws.com'
const OTHER_ACCOUNT = 'arn:aws:iam::111122223333:root'
const OTHER_PROVIDER = 'arn:aws:iam::111122223333:saml-provider/other'

/** Stands for an audience that is not the identity pool. */
const OTHER_POOL_ID = 'us-east-1:0dd5ca1a-b1e0-4f00-8bad-ce0fa11b0dd1'

/** Puts the ID into conditions on the audience, in place of references to the pool or to an unknown value. */
function withAudience(
  policy: unknown,
  id: string,
  pools: Pick<IdentityPools, 'symbols' | 'others'>,
  isAudience = false,
): unknown {
  if (Array.isArray(policy)) return policy.map(part => withAudience(part, id, pools, isAudience))
  if (typeof policy !== 'object' || policy === null) return isAudience && pools.symbols.has(policy) ? id : policy
  if (isAudience && isMark(policy))
    return otherThing(policy) !== undefined || pools.others.has(ofMark(policy, 'pool') ?? '') ? OTHER_POOL_ID : id
  return Object.fromEntries(
    Object.entries(policy).map(([key, part]) => [key, withAudience(part, id, pools, /:aud$/i.test(key))]),
  )
}
