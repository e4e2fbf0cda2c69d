import { IDENTITY_POOL_ID_PATTERN, USER_POOL_ID_PATTERN } from '../aws-ids.js'
import { posix } from 'node:path'
import type {
  GroupDefinition,
  Infrastructure,
  MappingRuleDefinition,
  RoleAttachment,
  RoleMappingDefinition,
  RoleReference,
  Value,
} from '../rules/infrastructure.js'
import { AMPLIFY_POOL } from './amplify.js'
import { isWithin } from './paths.js'

/**
 * Puts together what belongs together; all else stays as it is, in its order.
 *
 * - Amplify's list of groups, with the template of groups in its folder or below.
 * - CloudFormation templates that name one user pool or identity pool: by its id, or, within one folder, by the same export. Not
 *   if they have a group's name or an attachment's id in common: those are copies, or one template for several stages.
 *
 * Ids that several of these files have are preceded by the path, since each file means its own.
 */
export function mergeInfrastructures(infrastructures: readonly Infrastructure[]): readonly Infrastructure[] {
  return joinStacks(joinAmplify(infrastructures))
}

function folderOf({ paths }: Infrastructure): string {
  return posix.dirname(paths[0] ?? '.')
}

/** The list gets the pool of the one template that is about it. */
function joinAmplify(infrastructures: readonly Infrastructure[]): readonly Infrastructure[] {
  const lists = infrastructures.filter(({ declaredPrecedences }) =>
    declaredPrecedences.some(({ pool }) => pool === AMPLIFY_POOL),
  )
  const joined = new Map<Infrastructure, Infrastructure>()
  const taken = new Set<Infrastructure>()
  for (const list of lists) {
    const [template, ...others] = infrastructures.filter(
      one =>
        one.format === 'cloudformation' &&
        one.groups.length > 0 &&
        isWithin(folderOf(one), folderOf(list)) &&
        !joined.has(one),
    )
    const pools = new Set(template?.groups.map(({ pool }) => pool))
    const [pool, ...morePools] = pools
    if (template === undefined || others.length > 0 || pool === undefined || morePools.length > 0) continue
    taken.add(list)
    joined.set(template, {
      ...template,
      paths: [...template.paths, ...list.paths],
      declaredPrecedences: list.declaredPrecedences.map(declared => ({ ...declared, pool })),
    })
  }
  return infrastructures.filter(one => !taken.has(one)).map(one => joined.get(one) ?? one)
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

/** The name that is the same for all templates of a folder, or of the world; undefined for one of this template only. */
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
    pools: [...new Map(all.flatMap(({ pools }) => pools).map(pool => [pool.id, pool])).values()],
    groups: all.flatMap(({ groups }) => groups),
    roles: all.flatMap(({ roles }) => roles),
    identityPools: all.flatMap(({ identityPools }) => identityPools),
    attachments: all.flatMap(({ attachments }) => attachments),
    memberships: all.flatMap(({ memberships }) => memberships),
    declaredPrecedences: all.flatMap(({ declaredPrecedences }) => declaredPrecedences),
    unresolved: all.flatMap(({ unresolved }) => unresolved),
    notFollowed: all.flatMap(({ notFollowed }) => notFollowed),
    misspelt: all.flatMap(({ misspelt }) => misspelt),
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

/** The same with ids that no other file has, but for what is one thing in all of them. */
function withPath(infrastructure: Infrastructure, isRepeated: (id: string) => boolean): Infrastructure {
  const [path = '-'] = infrastructure.paths
  return renamed(infrastructure, id => (isRepeated(id) ? `${path}: ${id}` : id))
}

/** Every id that is of this file alone, under another name. */
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
    roles: infrastructure.roles.map(one => ({ ...one, id: local(one.id) })),
    identityPools: infrastructure.identityPools.map(one => ({
      ...one,
      id: global(one.id),
      providers: mapValue(one.providers, providers =>
        providers.map(provider => ({
          ...provider,
          ...(provider.pool !== undefined && { pool: global(provider.pool) }),
        })),
      ),
    })),
    attachments: infrastructure.attachments.map(attachment),
    memberships: infrastructure.memberships.map(one => ({ ...one, pool: global(one.pool) })),
    declaredPrecedences: infrastructure.declaredPrecedences.map(one => ({ ...one, pool: global(one.pool) })),
    unresolved: infrastructure.unresolved.map(one => ({
      ...one,
      ...(one.pool !== undefined && { pool: global(one.pool) }),
    })),
    misspelt: infrastructure.misspelt.map(one => ({ ...one, resource: local(one.resource) })),
    suppressions: infrastructure.suppressions.map(one => ({
      ...one,
      ...(one.target !== undefined && { target: local(one.target) }),
    })),
  }
}

function mapValue<T, U>(value: Value<T>, map: (known: T) => U): Value<U> {
  if (value.is === 'known') return { ...value, value: map(value.value) }
  return value.is === 'one-of' ? { ...value, values: value.values.map(one => mapValue(one, map)) } : value
}
