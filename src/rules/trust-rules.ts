import { IDENTITY_POOL_ID_PATTERN, IDENTITY_POOL_IDS_IN_TEXT } from '../aws-ids.js'
import { type Draft, listed, quoted, quotedName } from './draft.js'
import { isRolecastError } from '../errors.js'
import type { Infrastructure, RoleDefinition } from './infrastructure.js'
import { groupBy, type GroupView, type PoolView, possibilities } from './pool-view.js'
import { type Trust, type TrustReason, trustsIdentityPool } from '../credentials/trust-policy.js'
import { compareText } from '../text.js'

/** COG120 to COG124, and COG190 for what of them cannot be judged: the trust of each role that groups have. */
export function judgeTrust(pools: readonly PoolView[], infrastructure: Infrastructure): readonly Draft[] {
  const definitions = new Map(infrastructure.roles.map(role => [role.id, role]))
  const identityPools = identityPoolsOf(infrastructure)
  const uses = pools.flatMap(pool =>
    pool.groups.flatMap(group =>
      group.roles.flatMap((role): readonly Use[] => {
        const definition = role === null ? undefined : definitions.get(role.id)
        return definition === undefined ? [] : [{ pool, group, definition }]
      }),
    ),
  )
  return [...groupBy(uses, ({ definition }) => definition.id).values()].flatMap(usesOfOne =>
    judgeRole(usesOfOne, identityPools),
  )
}

/** A role, and one of the groups that have it. */
interface Use {
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

/** An identity pool for each partition that has names of its own: what the policy says to one nobody has written down. */
const STAND_INS: readonly string[] = ['us-east-1', 'us-gov-west-1', 'us-gov-east-1', 'cn-north-1'].map(
  region => `${region}:5ca1ab1e-0dd5-4bad-8f00-d1ce0fa11b0d`,
)

/** From what is good to what got least far. */
const BEST_FIRST: readonly TrustReason[] = [
  'allowed',
  'denied',
  'guests-only',
  'uncertain-principal',
  'uncertain-action',
  'uncertain-condition',
  'uncertain-statement',
  'placeholder-audience',
  'other-audience',
  'condition-not-met',
  'other-action',
  'other-principal',
  'no-allow',
]

const NOT_TRUSTED: ReadonlyMap<TrustReason, string> = new Map([
  ['no-allow', 'it allows nothing to anybody'],
  ['other-principal', 'it allows nothing to the federated principal of identity pools'],
  ['other-action', 'it does not allow `sts:AssumeRoleWithWebIdentity`'],
  ['other-audience', 'it trusts other identity pools'],
  ['condition-not-met', 'a condition of it fails for signed-in users'],
])

function judgeRole(uses: readonly Use[], identityPools: IdentityPools): readonly Draft[] {
  const [
    {
      pool,
      definition: { id, trustPolicy, location },
    },
  ] = uses as readonly [Use]
  const groups = uses.map(({ group }) => group).toSorted((a, b) => compareText(a.name, b.name))
  const names = listed(groups, quotedName)
  const draft = (ruleId: Draft['ruleId'], message: string, severity: Draft['severity'] = 'error'): Draft => ({
    pool: uses.every(use => use.pool === pool) ? pool.name : '',
    groups: groups.map(({ name }) => name),
    resources: [id, ...groups.map(({ definition }) => definition.id)],
    location: trustPolicy.location ?? location,
    related: groups.map(({ name, definition }) => ({
      message: `group ${quoted(name)}`,
      location: definition.location,
    })),
    ruleId,
    severity,
    message: `The role of ${names} ${message}`,
  })
  const undecided = (why: string) => [draft('COG190', `has a trust policy that cannot be judged: ${why}.`, 'note')]
  const guestsToo = (policy: unknown) =>
    /\bunauthenticated\b/.test(JSON.stringify(policy))
      ? draft('COG124', 'can be assumed by guests too: its condition on `amr` lets `unauthenticated` in.')
      : draft('COG124', 'can be assumed by guests too: no condition on `amr` asks for `authenticated`.', 'warning')

  if (trustPolicy.is === 'absent') return undecided('it is not given')
  if (trustPolicy.is === 'unknown') return undecided(trustPolicy.why)
  if (trustPolicy.is === 'one-of') return undecided('it is one of several')

  const judged = judgePolicy(trustPolicy.value, identityPools)
  if (typeof judged === 'string') return undecided(judged)
  const { best, trusts, placeholders } = judged
  const noReason =
    best.trusted === false && best.reason !== 'denied' && placeholders.length === 0
      ? NOT_TRUSTED.get(best.reason)
      : undefined
  // To a pool that is not known by its id, an audience with a wildcard may be the right one.
  const isOtherPool = best.reason === 'other-audience' && identityPools.ids.length === 0
  const drafts = [
    ...(noReason === undefined || isOtherPool
      ? []
      : [draft('COG120', `cannot be assumed through the identity pool: ${noReason}.`)]),
    ...(trusts.some(({ anyPool }) => anyPool === true)
      ? [
          draft(
            'COG121',
            'trusts every identity pool there is, in any account: no condition says which `cognito-identity.amazonaws.com:aud` it is for.',
          ),
        ]
      : []),
    ...(placeholders.length > 0
      ? [
          draft(
            'COG122',
            `trusts the audience ${listed(placeholders, quoted)}, which is not the id of a real identity pool: your users do not have it.`,
          ),
        ]
      : []),
    ...(best.reason === 'denied'
      ? [draft('COG123', 'is denied to signed-in users of the identity pool: a Deny statement covers them, and wins.')]
      : []),
    ...(best.reason === 'guests-only'
      ? [
          draft(
            'COG124',
            'can be assumed by guests and not by signed-in users: its condition on `amr` asks for `unauthenticated`.',
          ),
        ]
      : trusts.some(({ guests }) => guests === true)
        ? [guestsToo(trustPolicy.value)]
        : []),
  ]
  if (isOtherPool && placeholders.length === 0)
    return undecided('the identity pools it trusts are not known to be this one')
  if (best.trusted === undefined) return [...drafts, ...undecided(OPEN.get(best.reason)!)]
  const isOpen = best.anyPool === undefined || best.guests === undefined
  return isOpen ? [...drafts, ...undecided('who else can assume the role is not known')] : drafts
}

const OPEN: ReadonlyMap<TrustReason, string> = new Map([
  ['uncertain-principal', 'its principal is not known'],
  ['uncertain-action', 'its action is not known'],
  ['uncertain-condition', 'whether its conditions are met is not known'],
  ['uncertain-statement', 'a statement has elements that trust policies do not have'],
])

interface JudgedPolicy {
  /** Of the identity pools it may be for, the one it trusts most. */
  readonly best: Trust
  readonly trusts: readonly Trust[]
  readonly placeholders: readonly string[]
}

/**
 * Judged for the identity pools whose ids are known. Where they are not, the policy is read as for the very pool that it
 * names: what it then does not allow, it allows to nobody. Text: why the policy cannot be read.
 */
function judgePolicy(policy: unknown, { ids, symbols }: IdentityPools): JudgedPolicy | string {
  const judge = (id: string) => trustsIdentityPool(withAudience(policy, id, symbols) as string | object, id)
  try {
    const standIn = STAND_INS.find(id => !['other-principal', 'no-allow'].includes(judge(id).reason)) ?? STAND_INS[0]!
    const text = typeof policy === 'string' ? policy : JSON.stringify(policy)
    const candidates = ids.length > 0 ? ids : [standIn, ...new Set(text.match(IDENTITY_POOL_IDS_IN_TEXT))]
    const trusts = candidates.map(judge).toSorted((a, b) => BEST_FIRST.indexOf(a.reason) - BEST_FIRST.indexOf(b.reason))
    // Not those of the pools that the policy names: the id of an example is none for itself.
    const placeholders = [
      ...new Set((ids.length > 0 ? ids : [standIn]).flatMap(id => judge(id).placeholders)),
    ].toSorted()
    return { best: trusts[0]!, trusts, placeholders }
  } catch (error) {
    if (isRolecastError(error)) return error.message
    throw error
  }
}

/** The policy with the id wherever its condition on the audience has a reference: to the pool, or to what is not known. */
function withAudience(policy: unknown, id: string, symbols: ReadonlySet<unknown>, isAudience = false): unknown {
  if (Array.isArray(policy)) return policy.map(part => withAudience(part, id, symbols, isAudience))
  if (typeof policy !== 'object' || policy === null) return isAudience && symbols.has(policy) ? id : policy
  if (isAudience && Object.hasOwn(policy, 'rolecast:unknown')) return id
  return Object.fromEntries(
    Object.entries(policy).map(([key, part]) => [key, withAudience(part, id, symbols, /:aud$/i.test(key))]),
  )
}
