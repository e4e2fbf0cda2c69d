import { USER_POOL_ID_PREFIX } from '../aws-ids.js'
import { type Draft, listed, lowered, quoted, quotedName } from './draft.js'
import type { Infrastructure, MappingRuleDefinition, RoleAttachment, RoleMappingDefinition } from './infrastructure.js'
import { groupBy, knownOr, type PoolView, possibilities } from './pool-view.js'
import type { Tie } from './ties.js'

/** COG131, COG132, COG136, COG137: what an attachment says itself. */
export function judgeAttachments({ attachments }: Infrastructure): readonly Draft[] {
  return [
    ...attachments.flatMap(attachment => [...judgeRoles(attachment), ...judgeProviders(attachment)]),
    ...twoForOnePool(attachments),
  ]
}

function draftOf(attachment: RoleAttachment): Pick<Draft, 'pool' | 'subject' | 'resources' | 'location'> {
  return {
    pool: '',
    subject: knownOr(attachment.identityPool, attachment.id),
    resources: [attachment.id],
    location: attachment.location,
  }
}

function judgeRoles(attachment: RoleAttachment): readonly Draft[] {
  const { roles, mappings } = attachment
  if (roles.is !== 'known' && roles.is !== 'absent') return []
  const given = knownOr(roles, [])
  const wrong = given.filter(({ key }) => key !== 'authenticated' && key !== 'unauthenticated')
  const hasFallback = given.some(({ key, role }) => key === 'authenticated' && role.is !== 'absent')
  const fallingBack = knownOr(mappings, []).filter(({ ambiguousRoleResolution }) =>
    possibilities(ambiguousRoleResolution).values.includes('AuthenticatedRole'),
  )
  const certain = fallingBack.some(({ ambiguousRoleResolution }) => ambiguousRoleResolution.is === 'known')
  return [
    ...(hasFallback || fallingBack.length === 0
      ? []
      : [
          {
            ...draftOf(attachment),
            location: fallingBack[0]!.location,
            ruleId: 'COG131' as const,
            severity: certain ? ('error' as const) : ('warning' as const),
            message: `Who gets no role ${certain ? 'falls' : 'may fall'} back to the authenticated role (AmbiguousRoleResolution), and \`Roles\` has no \`authenticated\`: there are no credentials then.`,
          },
        ]),
    ...(wrong.length === 0
      ? []
      : [
          {
            ...draftOf(attachment),
            location: wrong[0]!.location,
            ruleId: 'COG132' as const,
            severity: 'error' as const,
            message: `\`Roles\` has ${listed(wrong.map(({ key }) => key).toSorted(), quoted)}; an identity pool takes \`authenticated\` and \`unauthenticated\` only.`,
          },
        ]),
  ]
}

const COGNITO_PROVIDER = /^cognito-idp\.[\w-]+\.amazonaws\.[a-z.]+\/[^/:\s]+:[^/:\s]+$/

/** What is to be filled in counts as one word. */
function isWrongProvider(provider: string): boolean {
  const filled = provider.replaceAll(/\$\{[^}]*\}/g, 'filled')
  const isUserPool = filled.includes('cognito-idp') || USER_POOL_ID_PREFIX.test(filled)
  return isUserPool && !filled.startsWith('arn:') && !COGNITO_PROVIDER.test(filled)
}

function judgeProviders(attachment: RoleAttachment): readonly Draft[] {
  return knownOr(attachment.mappings, []).flatMap(({ identityProvider, location }) =>
    possibilities(identityProvider)
      .values.filter(provider => provider !== undefined)
      .filter(isWrongProvider)
      .map(provider => ({
        ...draftOf(attachment),
        location: identityProvider.location ?? location,
        ruleId: 'COG136' as const,
        severity: identityProvider.is === 'known' ? ('error' as const) : ('warning' as const),
        message: `The role mapping is for ${quoted(provider)}; a user pool is written \`cognito-idp.REGION.amazonaws.com/POOL:CLIENT\`, so no user has this mapping.`,
      })),
  )
}

function twoForOnePool(attachments: readonly RoleAttachment[]): readonly Draft[] {
  const named = attachments.filter(({ identityPool }) => identityPool.is === 'known')
  const known = groupBy(named, ({ identityPool }) => knownOr(identityPool, ''))
  return [...known]
    .filter(([, some]) => some.length > 1)
    .map(([name, [first, ...others]]) => ({
      ...draftOf(first!),
      resources: [first!, ...others].map(({ id }) => id),
      related: others.map(({ location }) => ({ message: 'the other attachment', location })),
      ruleId: 'COG137' as const,
      severity: 'error' as const,
      message: `${others.length + 1} role attachments set the roles of the identity pool ${quoted(name)}: each replaces what the other has set, and the last one wins.`,
    }))
}

/** COG130, COG133: whether the identity pool asks for the groups' roles, and what it makes of ties. */
export function judgeMappings(pool: PoolView, ties: readonly Tie[], { attachments }: Infrastructure): readonly Draft[] {
  return [...mappingMissing(pool, attachments), ...denyWithTie(pool, ties)]
}

function mappingMissing(pool: PoolView, attachments: readonly RoleAttachment[]): readonly Draft[] {
  const bearers = pool.groups.filter(({ roles }) => roles.some(role => role !== null))
  const [first, ...others] = attachments
  if (
    bearers.length === 0 ||
    first === undefined ||
    attachments.some(({ mappings }) => !possibilities(mappings).complete)
  )
    return []
  const own = new Set(pool.mappings.map(({ mapping }) => mapping))
  const mayAsk = (mapping: RoleMappingDefinition) =>
    knownOr(mapping.type, 'Token') === 'Token' && (own.has(mapping) || mayBeUserPool(mapping))
  if (attachments.some(({ mappings }) => possibilities(mappings).values.some(some => some?.some(mayAsk)))) return []
  const byRules = pool.mappings.length > 0
  return [
    {
      pool: pool.name,
      groups: bearers.map(({ name }) => name),
      resources: [...attachments.map(({ id }) => id), ...bearers.map(({ definition }) => definition.id)],
      location: first.location,
      related: others.map(({ location }) => ({ message: 'nor has this attachment one', location })),
      ruleId: 'COG130',
      severity: byRules ? 'note' : 'warning',
      message: `${listed(bearers, quotedName)} ${bearers.length === 1 ? 'has a role' : 'have roles'}, and no identity pool has a Token mapping for their user pool: ${byRules ? 'rules choose the role of its users' : 'its users get the authenticated role'}, and the roles of the groups are never asked for.`,
    },
  ]
}

/** Whether a mapping that no user pool is known for may be one's. */
function mayBeUserPool({ pool, identityProvider }: RoleMappingDefinition): boolean {
  if (pool !== undefined) return false
  const { values, complete } = possibilities(identityProvider)
  return !complete || values.some(provider => provider === undefined || /cognito-idp|\$\{/.test(provider))
}

function denyWithTie(pool: PoolView, ties: readonly Tie[]): readonly Draft[] {
  const denying = pool.mappings.filter(
    ({ mapping }) =>
      possibilities(mapping.type).values.includes('Token') &&
      possibilities(mapping.ambiguousRoleResolution).values.includes('Deny'),
  )
  if (denying.length === 0 || ties.length === 0) return []
  const groups = [...new Set(ties.flatMap(tie => tie.groups))]
  const isKnown = denying.some(
    ({ mapping }) => mapping.type.is === 'known' && mapping.ambiguousRoleResolution.is === 'known',
  )
  const certain = isKnown && ties.some(tie => tie.certain)
  const { mapping } = denying[0]!
  const refuses = isKnown && ties.some(tie => tie.certain && tie.ruleId === 'COG101') ? 'are refused' : 'may be refused'
  return [
    {
      pool: pool.name,
      groups: groups.map(({ name }) => name),
      resources: [...denying.map(({ attachment }) => attachment.id), ...groups.map(({ definition }) => definition.id)],
      location: mapping.ambiguousRoleResolution.location ?? mapping.location,
      related: groups.map(({ name, definition }) => ({ message: `group \`${name}\``, location: definition.location })),
      ruleId: 'COG133',
      severity: certain ? 'error' : lowered('error'),
      message: `The identity pool ${isKnown ? 'denies' : 'may deny'} who has no preferred role (Token, Deny), and groups of the pool tie (${listed(groups, quotedName)}): users in two of them ${refuses} all credentials.`,
    },
  ]
}

/** COG134, COG135: rules on `cognito:groups`, against the groups there are. `pools` has those that the mapping may be for. */
export function judgeMappingRules(
  pools: readonly PoolView[],
  { attachments, undecidable }: Infrastructure,
): readonly Draft[] {
  return attachments.flatMap(attachment =>
    knownOr(attachment.mappings, []).flatMap(mapping => {
      const own = pools.filter(pool => pool.mappings.some(linked => linked.mapping === mapping))
      const candidates = own.length > 0 ? own : mayBeUserPool(mapping) ? pools : []
      const groups = candidates.flatMap(pool => pool.groups)
      const all = groups.length > 0 && groups.every(({ isNamed }) => isNamed) && undecidable.length === 0
      const names = [...new Set(groups.filter(({ isNamed }) => isNamed).map(({ name }) => name))].toSorted()
      if (candidates.length === 0) return []
      const pool = own[0]?.name ?? ''
      return knownOr(mapping.rules, []).flatMap(rule => [
        ...unknownGroup(rule, names, all).map(draft => ({ ...draft, pool, resources: [attachment.id] })),
        ...partOfName(rule, names).map(draft => ({ ...draft, pool, resources: [attachment.id] })),
      ])
    }),
  )
}

type RuleDraft = Omit<Draft, 'pool' | 'resources'>

const MATCHES: ReadonlyMap<string, (name: string, value: string) => boolean> = new Map([
  ['Equals', (name, value) => name === value],
  ['NotEqual', (name, value) => name === value],
  ['StartsWith', (name, value) => name.startsWith(value)],
  ['Contains', (name, value) => name.includes(value)],
])

/** Undefined: not on groups, or not known. */
function readRule({
  claim,
  matchType,
  value,
}: MappingRuleDefinition): { readonly matchType: string; readonly value: string } | undefined {
  if (claim.is !== 'known' || claim.value !== 'cognito:groups' || matchType.is !== 'known' || value.is !== 'known')
    return undefined
  return { matchType: matchType.value, value: value.value }
}

function unknownGroup(rule: MappingRuleDefinition, names: readonly string[], all: boolean): readonly RuleDraft[] {
  const read = readRule(rule)
  const matches = read && MATCHES.get(read.matchType)
  if (matches === undefined || names.some(name => matches(name, read!.value))) return []
  const { matchType, value } = read!
  return [
    {
      groups: [value],
      location: rule.value.location ?? rule.location,
      ruleId: 'COG134',
      severity: all ? 'warning' : 'note',
      message: all
        ? `A mapping rule (${matchType}) names the group ${quoted(value)}, and the user pool has none that fits: it ${matchType === 'NotEqual' ? 'excludes nobody' : 'never matches'}.`
        : `A mapping rule (${matchType}) names the group ${quoted(value)}, which is not among the groups that are known here: it may never match.`,
    },
  ]
}

function partOfName(rule: MappingRuleDefinition, names: readonly string[]): readonly RuleDraft[] {
  const read = readRule(rule)
  if (read?.matchType !== 'Contains') return []
  const others = names.filter(name => name !== read.value && name.includes(read.value))
  if (others.length === 0) return []
  return [
    {
      groups: [read.value, ...others],
      location: rule.value.location ?? rule.location,
      ruleId: 'COG135',
      severity: 'warning',
      message: `A mapping rule (Contains) for ${quoted(read.value)} may also match members of ${listed(others, quoted)}: whether it compares whole names of groups or parts of them, AWS does not say.`,
    },
  ]
}
