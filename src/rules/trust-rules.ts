import { IDENTITY_POOL_ID_PATTERN, IDENTITY_POOL_IDS_IN_TEXT } from '../aws-ids.js'
import { readPolicy } from '../credentials/policy-document.js'
import {
  IDENTITY_SERVICE_NAMES,
  type Trust,
  type TrustReason,
  trustsIdentityPool,
} from '../credentials/trust-policy.js'
import { isRolecastError, listItems, listNames, quote } from '../errors.js'
import { closest, compareText } from '../text.js'
import type { Finding, Severity } from './finding.js'
import { handedOutRoles } from './handed-out-roles.js'
import type { Infrastructure, Location, RoleAttachment, RoleDefinition, RoleReference } from './infrastructure.js'
import { CONDITION_KEYS, IAM_ROLES } from './pages.js'
import { type PoolView, roleKey } from './pool-view.js'
import { defineRule, type Draft, type Rule, type RuleDraft, yaml } from './rule.js'
import { unresolvedValue } from './unresolved-rule.js'
import { knownOr, possibilities } from './value.js'
import { groupBy } from '../record.js'

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
  title: "A role names the placeholder identity pool ID from AWS's documentation",
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
  title: 'A role denies the identity pool',
  severity: 'error',
  enabled: true,
  what: 'A `Deny` statement covers the identity pool, and a `Deny` wins over every `Allow`. Or the policy has nothing but a `Deny`: no user gets the role.',
  why: 'A role that is denied to those whom it is given to is never intended.',
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
  title: 'A condition of a trust policy is on a key that does not exist',
  severity: 'error',
  enabled: true,
  what: 'No request has the key, so the condition is never met, and STS denies the role to everybody.',
  why: 'IAM accepts any text as a condition key. A misspelt one shows only when users ask for credentials.',
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
  title: 'Guests and signed-in users have one role',
  severity: 'warning',
  enabled: true,
  what: 'Guests of the identity pool, who have not signed in, get the role that signed-in users get.',
  why: 'Whatever the role allows, it allows to everybody who knows the ID of the identity pool.',
  fix: 'Give guests a role of their own in `Roles.unauthenticated`, or none.',
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
      .filter(({ users }) => users === 'unauthenticated')
      .flatMap((guests): readonly RuleDraft[] => {
        const others = holders.filter(
          ({ users, role, pool, attachment }) =>
            users !== 'unauthenticated' &&
            roleKey(role) === roleKey(guests.role) &&
            // A group's role is given by whichever identity pool its user pool is used with.
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
            message: `Guests have the same role as ${inWords(others)}.`,
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

/** One of those whom a role is handed out to. */
interface Holder {
  readonly role: RoleReference
  readonly users: 'authenticated' | 'unauthenticated'
  /** `group` of a pool, or what an identity pool's attachment hands out. */
  readonly pool?: PoolView
  readonly group?: string
  readonly attachment?: RoleAttachment
  /** Who it is, ready for a message. */
  readonly words: string
  /** The `id` of the resource that says so. */
  readonly resource: string
  readonly location: Location
}

/** All who get a role for sure or perhaps, groups first. */
function holdersOf({ attachments }: Infrastructure, pools: readonly PoolView[]): readonly Holder[] {
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
              : [{ role: one, users: key, attachment, words: whose, resource: attachment.id, location }],
          ),
    ),
  )
  return [...ofGroups, ...ofAttachments]
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
  const handedOut = groupBy(
    holdersOf(infrastructure, pools).filter(({ role }) => definitions.has(role.id)),
    ({ role }) => role.id,
  )
  return [...handedOut].flatMap(([id, holders]) =>
    [...groupBy(holders, ({ users }) => users).values()].flatMap(some =>
      checkRole(definitions.get(id)!, some, {
        // What only an identity pool hands out, that pool has to be trusted for.
        identityPools: identityPoolsOf(
          some.some(({ attachment }) => attachment === undefined)
            ? infrastructure.attachments
            : [...new Set(some.map(({ attachment }) => attachment!))],
        ),
        isForGuests: holders.some(({ users }) => users === 'unauthenticated'),
      }),
    ),
  )
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

function identityPoolsOf(attachments: readonly RoleAttachment[]): IdentityPools {
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
  const draft = (rule: Rule, message: string, severity?: Severity): Draft => ({
    pool: first.pool !== undefined && holders.every(({ pool }) => pool === first.pool) ? first.pool.name : '',
    groups: sorted.flatMap(({ group }) => group ?? []),
    subject: [...new Set(others)],
    resources: [id, ...sorted.map(({ resource }) => resource)],
    location: trustPolicy.location ?? location,
    related: sorted.map(relatedHolder),
    rule,
    ...(severity !== undefined && { severity }),
    message: `The role of ${inWords(sorted)} ${message}`,
  })
  const unresolved = (why: string) => [draft(unresolvedValue, `has a trust policy that cannot be checked: ${why}.`)]

  if (trustPolicy.is === 'absent') return unresolved('it is not given')
  if (trustPolicy.is === 'unknown') return unresolved(trustPolicy.why)
  if (trustPolicy.is === 'one-of') return unresolved('it is one of several')

  const checked = checkPolicy(trustPolicy.value, identityPools, users)
  if (typeof checked === 'string') return unresolved(checked)
  const { best, trusts, placeholders, misspelt, onlyDenies } = checked
  const whom = users === 'authenticated' ? 'signed-in users' : 'guests'
  const noReason =
    best.trusted === false && !onlyDenies && placeholders.length === 0 && misspelt.length === 0
      ? NOT_TRUSTED.get(best.reason)?.(whom)
      : undefined
  // For a pool whose ID is unknown, an audience with a wildcard may be the right one.
  const isOtherPool = best.reason === 'other-audience' && identityPools.ids.length === 0
  const anyPool = trusts.some(trust => trust.anyPool === true)
  const drafts = [
    ...(noReason === undefined || isOtherPool
      ? []
      : [draft(trustPrincipal, `cannot be assumed through the identity pool: ${noReason}.`)]),
    ...(anyPool
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
            `names the audience ${listNames(placeholders)}, which is not the ID of a real identity pool: your users do not have it.`,
          ),
        ]
      : []),
    ...(onlyDenies
      ? [draft(trustDeny, `cannot be assumed by anybody: its trust policy has no Allow, only a Deny.`)]
      : best.reason === 'denied'
        ? [draft(trustDeny, `is denied to ${whom} of the identity pool: a Deny statement covers them, and wins.`)]
        : []),
    ...misspelt.map(({ key, nearest }) =>
      draft(
        trustUnknownKey,
        `has a condition on ${quote(key)}, a key that does not exist; did you mean ${quote(nearest)}? The condition is never met.`,
      ),
    ),
    ...(isForGuests ? [] : guestDrafts(best, trusts, { policy: trustPolicy.value, anyPool, draft })),
  ]
  if (isOtherPool && placeholders.length === 0)
    return unresolved('whether the identity pools it trusts include this one is unknown')
  // That the policy is open to others is found; that IAM may no longer accept such a policy says nothing more.
  if (best.reason === 'uncertain-policy' && anyPool) return drafts
  const explained = misspelt.length > 0 && ['uncertain-condition', 'uncertain-policy'].includes(best.reason)
  if (best.trusted === undefined) return explained ? drafts : [...drafts, ...unresolved(OPEN.get(best.reason)!)]
  const isOpen = best.anyPool === undefined || best.guests === undefined
  return isOpen && misspelt.length === 0
    ? [...drafts, ...unresolved('who else can assume the role is unknown')]
    : drafts
}

/** That guests can assume a role that is not for them. */
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
    readonly draft: (rule: Rule, message: string, severity?: Severity) => Draft
  },
): readonly Draft[] {
  if (best.reason === 'guests-only')
    return [
      draft(
        trustUnauthenticated,
        'can be assumed by guests and not by signed-in users: its condition on `amr` requires `unauthenticated`.',
      ),
    ]
  if (!trusts.some(({ guests }) => guests === true)) return []
  if (/\bunauthenticated\b/.test(JSON.stringify(policy)))
    return [
      draft(trustUnauthenticated, 'can be assumed by guests too: its condition on `amr` allows `unauthenticated`.'),
    ]
  // COG121 has said that all users of all identity pools can, guests among them.
  if (anyPool) return []
  return [
    draft(
      trustUnauthenticated,
      'can be assumed by guests too: no condition on `amr` requires `authenticated`.',
      'warning',
    ),
  ]
}

const NOT_TRUSTED: ReadonlyMap<TrustReason, (whom: string) => string> = new Map<TrustReason, (whom: string) => string>([
  ['no-allow', () => 'it allows nothing'],
  ['other-principal', () => 'it allows nothing to the federated principal of identity pools'],
  ['other-action', () => 'it does not allow `sts:AssumeRoleWithWebIdentity`'],
  ['other-audience', () => 'it trusts other identity pools'],
  ['condition-not-met', whom => `a condition of it fails for ${whom}`],
  ['signed-in-only', () => 'its condition on `amr` requires `authenticated`, and guests are `unauthenticated`'],
])

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
  /** Condition keys that do not exist, with the key that was probably meant. */
  readonly misspelt: readonly MisspeltKey[]
  /** Whether it has statements, and all of them deny. */
  readonly onlyDenies: boolean
}

interface MisspeltKey {
  readonly key: string
  readonly nearest: string
}

/**
 * Checked for the identity pools whose IDs are known. If they are unknown, the policy is read as for the very pool that it
 * names: what it then does not allow, it allows to nobody. A text says why the policy cannot be read.
 */
function checkPolicy(policy: unknown, { ids, symbols }: IdentityPools, users: Holder['users']): CheckedPolicy | string {
  const trustOf = (id: string) =>
    trustsIdentityPool(withAudience(policy, id, symbols) as string | object, id, { users })
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
    const { statements } = readPolicy(policy)
    const keys = new Set(statements.flatMap(({ conditions }) => conditions.map(({ key }) => key)))
    return {
      best: trusts[0]!,
      trusts,
      placeholders,
      misspelt: [...keys].toSorted(compareText).flatMap(misspeltKey),
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

/** Names of condition keys do not have a case. What is near to no known key may be another service's. */
function misspeltKey(key: string): readonly MisspeltKey[] {
  const [service] = key.toLowerCase().split(':', 1)
  if (KEYS.includes(key.toLowerCase()) || IDENTITY_SERVICE_NAMES.includes(service!)) return []
  const nearest = closest(key, KEYS)
  return nearest === undefined ? [] : [{ key, nearest }]
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
