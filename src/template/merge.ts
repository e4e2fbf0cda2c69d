import { IDENTITY_POOL_ID_PATTERN, USER_POOL_ID_PATTERN } from '../aws-ids.js'
import { posix } from 'node:path'
import { distinctPools } from './distinct-pools.js'
import type {
  GroupDefinition,
  Infrastructure,
  MappingRuleDefinition,
  RoleAttachment,
  RoleMappingDefinition,
  RoleReference,
  Value,
} from '../rules/infrastructure.js'
import { joinAmplify } from './amplify/join.js'

/**
 * Puts together what belongs together; all else stays as it is, in its order.
 *
 * - The files of one Amplify project: see `joinAmplify`.
 * - CloudFormation templates that name one user pool or identity pool: by its id, or, within one folder, by the same export. Not
 *   if they have a group's name or an attachment's id in common: those are copies, or one template for several stages.
 *
 * Ids that several of these files have are preceded by the path, because each file defines its own.
 *
 * @example
 * import { mergeInfrastructures, readTemplateSync } from 'rolecast/template'
 *
 * const stackOf = (groupName: string) => {
 *   const Properties = { GroupName: groupName, UserPoolId: { 'Fn::ImportValue': 'auth-pool' } }
 *   const text = JSON.stringify({ Resources: { Group: { Type: 'AWS::Cognito::UserPoolGroup', Properties } } })
 *   return readTemplateSync(text, { path: `${groupName}.json` })
 * }
 * console.log(mergeInfrastructures([stackOf('admins'), stackOf('staff')]).length) // 1
 */
export function mergeInfrastructures(infrastructures: readonly Infrastructure[]): readonly Infrastructure[] {
  return joinStacks(joinAmplify(infrastructures))
}

function folderOf({ paths }: Infrastructure): string {
  return posix.dirname(paths[0] ?? '.')
}

const STACKS: ReadonlySet<string> = new Set(['cloudformation', 'serverless'])

function joinStacks(infrastructures: readonly Infrastructure[]): readonly Infrastructure[] {
  const clusters: Cluster[] = []
  for (const infrastructure of infrastructures) {
    const names = sharedNames(infrastructure)
    const own = ownNames(infrastructure)
    const isStack = STACKS.has(infrastructure.format)
    const cluster = clusters.find(one => isStack && intersects(one.shared, names) && !intersects(one.own, own))
    if (cluster === undefined) {
      clusters.push({ parts: [infrastructure], shared: new Set(isStack ? names : []), own: new Set(own) })
      continue
    }
    cluster.parts.push(infrastructure)
    for (const name of names) cluster.shared.add(name)
    for (const name of own) cluster.own.add(name)
  }
  return clusters.map(({ parts }) => (parts.length === 1 ? parts[0]! : union(parts)))
}

interface Cluster {
  readonly parts: Infrastructure[]
  readonly shared: Set<string>
  readonly own: Set<string>
}

function intersects(set: ReadonlySet<string>, names: Iterable<string>): boolean {
  for (const name of names) if (set.has(name)) return true
  return false
}

const IMPORT = /^\$\{Fn::ImportValue\("[^"$]*"\)\}$/

/**
 * The name that is shared by all templates of a folder, or by all templates; undefined for a name of this template
 * only.
 */
function sharedName(id: string, folder: string): string | undefined {
  if (USER_POOL_ID_PATTERN.test(id) || IDENTITY_POOL_ID_PATTERN.test(id)) return id
  return IMPORT.test(id) ? `${folder} ${id}` : undefined
}

function sharedNames(infrastructure: Infrastructure): readonly string[] {
  const { pools, attachments } = infrastructure
  const identityPools = attachments.flatMap(({ identityPool }) =>
    identityPool.is === 'known' ? [identityPool.value] : [],
  )
  return [...pools.map(({ id }) => id), ...identityPools].flatMap(id => sharedName(id, folderOf(infrastructure)) ?? [])
}

function ownNames({ groups, attachments }: Infrastructure): readonly string[] {
  return [
    ...groups.map(({ id, pool, groupName }) => `group ${pool} ${groupName.is === 'known' ? groupName.value : id}`),
    ...attachments.map(({ id }) => `attachment ${id}`),
  ]
}

function union(parts: readonly Infrastructure[]): Infrastructure {
  const counts = new Map<string, number>()
  for (const id of parts.flatMap(part => [...idsOf(part)])) counts.set(id, (counts.get(id) ?? 0) + 1)
  const all = parts.map(part => withPath(part, id => counts.get(id)! > 1))
  const [{ format }] = all as [Infrastructure]
  return {
    format,
    paths: all.flatMap(({ paths }) => paths),
    pools: distinctPools(all),
    groups: all.flatMap(({ groups }) => groups),
    roles: all.flatMap(({ roles }) => roles),
    identityPools: all.flatMap(({ identityPools }) => identityPools),
    attachments: all.flatMap(({ attachments }) => attachments),
    memberships: all.flatMap(({ memberships }) => memberships),
    declaredPrecedences: all.flatMap(({ declaredPrecedences }) => declaredPrecedences),
    unresolved: all.flatMap(({ unresolved }) => unresolved),
    notFollowed: all.flatMap(({ notFollowed }) => notFollowed),
    unseen: all.flatMap(({ unseen = [] }) => unseen),
    misspelt: all.flatMap(({ misspelt }) => misspelt),
    wrongIds: all.flatMap(({ wrongIds = [] }) => wrongIds),
    missingSubs: all.flatMap(({ missingSubs = [] }) => missingSubs),
    suppressions: all.flatMap(({ suppressions }) => suppressions),
  }
}

function idsOf(infrastructure: Infrastructure): ReadonlySet<string> {
  const ids = new Set<string>()
  renamed(infrastructure, id => {
    ids.add(id)
    return id
  })
  return ids
}

/** The same with ids that are unique to the file, except for the things that the files share. */
function withPath(infrastructure: Infrastructure, isRepeated: (id: string) => boolean): Infrastructure {
  const [path = '-'] = infrastructure.paths
  return renamed(infrastructure, id => (isRepeated(id) ? `${path}: ${id}` : id))
}

/** Renames every id that belongs to this file alone. */
function renamed(infrastructure: Infrastructure, local: (id: string) => string): Infrastructure {
  const global = (id: string) => (sharedName(id, folderOf(infrastructure)) === undefined ? local(id) : id)
  const role = (value: Value<RoleReference>) =>
    mapValue(value, one => (one.kind === 'arn' || IMPORT.test(one.id) ? one : { ...one, id: local(one.id) }))
  const group = (one: GroupDefinition): GroupDefinition => ({
    ...one,
    id: local(one.id),
    pool: global(one.pool),
    role: role(one.role),
    ...(one.condition !== undefined && { condition: local(one.condition) }),
  })
  const rule = (one: MappingRuleDefinition): MappingRuleDefinition => ({ ...one, role: role(one.role) })
  const mapping = (one: RoleMappingDefinition): RoleMappingDefinition => ({
    ...one,
    ...(one.pool !== undefined && { pool: global(one.pool) }),
    ...(one.client !== undefined && { client: local(one.client) }),
    rules: mapValue(one.rules, rules => rules.map(rule)),
  })
  const attachment = (one: RoleAttachment): RoleAttachment => ({
    ...one,
    id: local(one.id),
    identityPool: mapValue(one.identityPool, global),
    roles: mapValue(one.roles, roles => roles.map(entry => ({ ...entry, role: role(entry.role) }))),
    mappings: mapValue(one.mappings, mappings => mappings.map(mapping)),
  })
  return {
    ...infrastructure,
    pools: infrastructure.pools.map(pool => ({ ...pool, id: global(pool.id) })),
    groups: infrastructure.groups.map(group),
    roles: infrastructure.roles.map(one => ({
      ...one,
      id: local(one.id),
      trustPolicy: mapValue(one.trustPolicy, policy => withPools(policy, global)),
    })),
    identityPools: infrastructure.identityPools.map(one => ({
      ...one,
      id: global(one.id),
      ...(one.resource !== undefined && { resource: local(one.resource) }),
      providers: mapValue(one.providers, providers =>
        providers.map(provider => ({
          ...provider,
          ...(provider.pool !== undefined && { pool: global(provider.pool) }),
          ...(provider.client !== undefined && { client: local(provider.client) }),
        })),
      ),
    })),
    attachments: infrastructure.attachments.map(attachment),
    memberships: infrastructure.memberships.map(one => ({
      ...one,
      pool: global(one.pool),
      ...(one.condition !== undefined && { condition: local(one.condition) }),
    })),
    declaredPrecedences: infrastructure.declaredPrecedences.map(one => ({ ...one, pool: global(one.pool) })),
    unresolved: infrastructure.unresolved.map(one => ({
      ...one,
      ...(one.pool !== undefined && { pool: global(one.pool) }),
    })),
    misspelt: infrastructure.misspelt.map(one => ({ ...one, resource: local(one.resource) })),
    wrongIds: (infrastructure.wrongIds ?? []).map(one => ({ ...one, resource: local(one.resource) })),
    missingSubs: (infrastructure.missingSubs ?? []).map(one => ({ ...one, resource: local(one.resource) })),
    suppressions: infrastructure.suppressions.map(one => ({
      ...one,
      ...(one.target !== undefined && { target: local(one.target) }),
    })),
  }
}

/** A policy with the identity pools of its marks renamed. */
function withPools(policy: unknown, name: (id: string) => string): unknown {
  if (Array.isArray(policy)) return policy.map(part => withPools(part, name))
  if (typeof policy !== 'object' || policy === null) return policy
  const isMark = Object.hasOwn(policy, 'rolecast:unknown')
  return Object.fromEntries(
    Object.entries(policy).map(([key, part]) => [
      key,
      isMark && key === 'rolecast:pool' && typeof part === 'string' ? name(part) : withPools(part, name),
    ]),
  )
}

function mapValue<T, U>(value: Value<T>, map: (known: T) => U): Value<U> {
  if (value.is === 'known') return { ...value, value: map(value.value) }
  return value.is === 'one-of' ? { ...value, values: value.values.map(one => mapValue(one, map)) } : value
}
