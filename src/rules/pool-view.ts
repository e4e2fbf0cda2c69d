import { isFederatedGroup } from '../aws-ids.js'
import type {
  GroupDefinition,
  Infrastructure,
  PoolDefinition,
  RoleAttachment,
  RoleMappingDefinition,
  RoleReference,
} from './infrastructure.js'
import { compareText } from '../text.js'
import { checkPrecedence } from './precedence.js'
import { knownOr, possibilities } from './value.js'
import { groupBy } from '../record.js'

/**
 * What the rules look at: a pool with its groups, and of each group what it can be once it is deployed.
 */
export interface PoolView {
  readonly id: string
  readonly name: string
  readonly userPoolId: string | undefined
  /** By name, then by id: nothing depends on the order of the file. */
  readonly groups: readonly GroupView[]
  /** The role mappings that are certainly for this pool. */
  readonly mappings: readonly LinkedMapping[]
}

export interface LinkedMapping {
  readonly attachment: RoleAttachment
  readonly mapping: RoleMappingDefinition
}

export interface GroupView {
  readonly definition: GroupDefinition
  /** Its name; the `id` where the name is unknown. */
  readonly name: string
  readonly isNamed: boolean
  /** The ranks it may have in Cognito, null for none. Leaves out unknown ones and those that Cognito rejects. */
  readonly ranks: readonly (number | null)[]
  /** The roles it may have, null for none. Leaves out unknown ones. */
  readonly roles: readonly (RoleReference | null)[]
  /** Whether nothing is left out of `ranks`. */
  readonly hasKnownRank: boolean
  /** Whether nothing is left out of `roles`. */
  readonly hasKnownRole: boolean
  /** What Terraform makes of its precedence: 0 that is not sent, or a removed one that is sent as 0. */
  readonly terraform: TerraformEffect | undefined
  /** Whether another definition of the pool has the same name. A user is never in two groups of the same name. */
  readonly isRepeated: boolean
}

export interface TerraformEffect {
  readonly effect: 'zero-not-sent' | 'zero-sent'
  readonly certain: boolean
}

/** Every pool that has a definition or a group, by name, then by id. */
export function viewPools(infrastructure: Infrastructure): readonly PoolView[] {
  const definitions = new Map<string, PoolDefinition>(infrastructure.pools.map(pool => [pool.id, pool]))
  const groupsOf = groupBy(infrastructure.groups, group => group.pool)
  for (const id of groupsOf.keys()) if (!definitions.has(id)) definitions.set(id, { id, name: id })
  const links = linkMappings(infrastructure.attachments, definitions)
  const sorted = [...definitions.values()].toSorted((a, b) => compareText(a.name, b.name) || compareText(a.id, b.id))
  return sorted.map(({ id, name, userPoolId }) => ({
    id,
    name,
    userPoolId,
    groups: viewGroups(groupsOf.get(id) ?? []),
    mappings: links.get(id) ?? [],
  }))
}

function viewGroups(definitions: readonly GroupDefinition[]): readonly GroupView[] {
  const named = definitions.map(definition => ({ definition, ...nameOf(definition) }))
  const counts = new Map<string, number>()
  for (const { name, isNamed } of named) if (isNamed) counts.set(name, (counts.get(name) ?? 0) + 1)
  return named
    .map(({ definition, name, isNamed }) => {
      const precedences = possibilities(definition.precedence)
      const roles = possibilities(definition.role)
      const { ranks, terraform } = ranksOf(definition, precedences)
      return {
        definition,
        name,
        isNamed,
        ranks: [...new Set(ranks)],
        roles: distinctRoles(roles.values.map(role => (role === undefined || role.id === '' ? null : role))),
        hasKnownRank: precedences.complete && precedences.values.every(raw => checkPrecedence(raw).rank !== undefined),
        hasKnownRole: roles.complete,
        terraform,
        isRepeated: isNamed && counts.get(name)! > 1,
      }
    })
    .toSorted((a, b) => compareText(a.name, b.name) || compareText(a.definition.id, b.definition.id))
}

function nameOf({ id, groupName }: GroupDefinition): { readonly name: string; readonly isNamed: boolean } {
  return groupName.is === 'known' ? { name: groupName.value, isNamed: true } : { name: id, isNamed: false }
}

/** The ranks in Cognito, after what Terraform makes of 0 and of a removed attribute. */
function ranksOf(
  { provider, created, before }: GroupDefinition,
  { values: raws, complete }: { readonly values: readonly unknown[]; readonly complete: boolean },
): Pick<GroupView, 'ranks' | 'terraform'> {
  let terraform: TerraformEffect | undefined
  const isOnly = complete && raws.length === 1
  const had =
    before === undefined ? [] : possibilities(before.precedence).values.map(raw => checkPrecedence(raw).rank ?? null)
  const sent = (rank: number | null): readonly (number | null)[] => {
    if (provider !== 'terraform') return [rank]
    if (rank === 0) {
      // An update sends the 0. A group that already has a 0 may have been created with it, or updated to it.
      if (created === false && had.length > 0 && had.every(Boolean)) return [0]
      terraform = { effect: 'zero-not-sent', certain: created !== false && isOnly }
      return created === false ? [0, null] : [null]
    }
    if (rank === null && had.some(Boolean)) {
      terraform = { effect: 'zero-sent', certain: had.every(Boolean) && isOnly }
      return had.every(Boolean) ? [0] : [0, null]
    }
    return [rank]
  }
  const ranks = raws.map(checkPrecedence).flatMap(({ rank }) => (rank === undefined ? [] : sent(rank)))
  return { ranks, terraform }
}

/** The same role has the same key; another key may still be the same role, see `kind`. */
export function roleKey({ kind, id }: RoleReference): string {
  return `${kind} ${id}`
}

function distinctRoles(roles: readonly (RoleReference | null)[]): readonly (RoleReference | null)[] {
  return [...new Map(roles.map(role => [role === null ? '' : roleKey(role), role])).values()]
}

/** If the user pool is unknown, no name counts as that of a provider's group. */
export function isFederated({ userPoolId }: PoolView, { name, isNamed }: GroupView): boolean {
  return userPoolId !== undefined && isNamed && isFederatedGroup(name, userPoolId)
}

function linkMappings(
  attachments: readonly RoleAttachment[],
  pools: ReadonlyMap<string, PoolDefinition>,
): ReadonlyMap<string, readonly LinkedMapping[]> {
  const byUserPoolId = new Map([...pools.values()].map(({ id, userPoolId }) => [userPoolId, id]))
  const linked = attachments.flatMap(attachment =>
    knownOr(attachment.mappings, []).flatMap(mapping => {
      const [, userPoolId] = /\/([^/:]+):[^:]+$/.exec(knownOr(mapping.identityProvider, '')) ?? []
      const pool = mapping.pool ?? (userPoolId === undefined ? undefined : byUserPoolId.get(userPoolId))
      return pool === undefined ? [] : [{ pool, attachment, mapping }]
    }),
  )
  return groupBy(linked, ({ pool }) => pool)
}
