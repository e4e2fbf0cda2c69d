import { hasRepeatedKeys } from '../../credentials/policy-document.js'
import { quote } from '../../errors.js'
import type {
  GroupDefinition,
  Infrastructure,
  Location,
  MappingRuleDefinition,
  Membership,
  MisspeltProperty,
  NotFollowed,
  PoolDefinition,
  RoleAttachment,
  RoleDefinition,
  RoleMappingDefinition,
  RoleReference,
  Suppression,
  Unresolved,
  Value,
} from '../../rules/infrastructure.js'
import { isRecord } from '../json-text.js'
import { loneSymbol, type Present, type Reference, refersTo, toValue, unknownMark, whyUnknown } from '../evaluated.js'
import { misspeltProperties } from '../misspelt.js'
import { ABSENT, referenceText, type Term, unknown } from './term.js'

/** A resource of Terraform's AWS provider, under the provider's names, whichever file told of it. */
export interface AwsResource {
  readonly type: string
  /** Its address, or its URN. */
  readonly id: string
  readonly location: Location
  readonly attributes: ReadonlyMap<string, Term>
  readonly provider?: 'terraform' | undefined
  readonly condition?: string | undefined
  readonly created?: boolean | undefined
  /** The attributes that it has now, where a plan changes it in place. */
  readonly before?: ReadonlyMap<string, Term> | undefined
}

const GROUP = 'aws_cognito_user_group'
const POOL = 'aws_cognito_user_pool'
const ROLE = 'aws_iam_role'
const IDENTITY_POOL = 'aws_cognito_identity_pool'
const ATTACHMENT = 'aws_cognito_identity_pool_roles_attachment'
const MEMBERSHIP = 'aws_cognito_user_in_group'

/** The resources that decide about groups and roles. */
export const AWS_TYPES: ReadonlySet<string> = new Set([GROUP, POOL, ROLE, IDENTITY_POOL, ATTACHMENT, MEMBERSHIP])

export interface AwsInfrastructure {
  readonly format: string
  readonly paths: readonly string[]
  readonly resources: readonly AwsResource[]
  readonly unresolved?: readonly Unresolved[]
  readonly notFollowed?: readonly NotFollowed[]
  readonly suppressions?: readonly Suppression[]
}

/** @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cognito_user_group */
export function toInfrastructure({
  format,
  paths,
  resources,
  unresolved = [],
  notFollowed = [],
  suppressions = [],
}: AwsInfrastructure): Infrastructure {
  const ofType = (type: string) => resources.filter(resource => resource.type === type)
  const names = createNames(resources)
  const groups = ofType(GROUP).map(resource => toGroup(resource, names))
  const memberships = ofType(MEMBERSHIP).map(resource => toMembership(resource, names))
  const attachments = ofType(ATTACHMENT).map(resource => toAttachment(resource, names))
  return {
    format,
    paths,
    pools: names.pools(),
    groups,
    roles: ofType(ROLE).map(toRole),
    identityPools: [],
    attachments,
    memberships,
    declaredPrecedences: [],
    unresolved: [...unresolved, ...names.unresolved()],
    notFollowed,
    misspelt: resources.flatMap(misspeltAttributes),
    suppressions,
  }
}

/** Meta-arguments are of every resource. @see https://developer.hashicorp.com/terraform/language/meta-arguments */
const META = ['count', 'depends_on', 'for_each', 'lifecycle', 'provider', 'provisioner', 'region', 'timeouts', 'id']
const ATTRIBUTES: ReadonlyMap<string, readonly string[]> = new Map([
  [GROUP, ['description', 'name', 'precedence', 'role_arn', 'user_pool_id', ...META]],
  [ATTACHMENT, ['identity_pool_id', 'role_mapping', 'roles', ...META]],
  [MEMBERSHIP, ['group_name', 'user_pool_id', 'username', ...META]],
])

function misspeltAttributes({ id, type, attributes, location }: AwsResource): readonly MisspeltProperty[] {
  const known = ATTRIBUTES.get(type)
  if (known === undefined) return []
  return misspeltProperties(
    id,
    [...attributes].map(([name, { at }]) => ({ name, location: at ?? location })),
    known,
  )
}

/** One name for a thing that is named by its address in one place and by its ARN or id in another. */
interface Names {
  readonly role: (term: Term) => Value<RoleReference>
  /** The pool's `id`; a pool that cannot be told is one of its own. */
  readonly pool: (term: Term, owner: AwsResource) => string
  /** The pool that an identity provider names, where that can be told. */
  readonly poolOfProvider: (term: Term) => string | undefined
  readonly identityPool: (term: Term) => Value<string>
  readonly pools: () => readonly PoolDefinition[]
  readonly unresolved: () => readonly Unresolved[]
}

function createNames(resources: readonly AwsResource[]): Names {
  const byLiteral = (type: string, attribute: string) =>
    new Map(
      resources.flatMap(resource => {
        const literal = resource.type === type ? textOf(attributeOf(resource, attribute)) : undefined
        return literal === undefined ? [] : [[literal, resource.id] as const]
      }),
    )
  const roleIds = byLiteral(ROLE, 'arn')
  const poolIds = byLiteral(POOL, 'id')
  const identityPoolIds = byLiteral(IDENTITY_POOL, 'id')
  const unresolved: Unresolved[] = []

  const pools = new Map<string, PoolDefinition>()
  for (const { type, id, ...resource } of resources) {
    if (type === POOL) pools.set(id, { id, name: id, userPoolId: textOf(attributeOf(resource, 'id')) })
  }
  const pool = (id: string, userPoolId?: string) => {
    if (!pools.has(id)) pools.set(id, { id, name: id, userPoolId })
    return id
  }

  return {
    role: term =>
      valueOf(term, (present, location): Value<RoleReference> => {
        const to = loneSymbol(present)?.to
        if (to !== undefined) {
          return { is: 'known', value: roleReference(to), location }
        }
        const arn = textOf(present)
        if (arn === undefined) return unread(present, location)
        // A role of "" is none: Cognito's API has no other way to say it, and two emulators return it.
        if (arn === '') return { is: 'absent', location }
        const id = roleIds.get(arn)
        return { is: 'known', value: id === undefined ? { kind: 'arn', id: arn } : { kind: 'resource', id }, location }
      }),

    pool: (term, owner) => {
      const to = loneSymbol(term)?.to
      if (to !== undefined) return pool(to.type === POOL && to.attribute === 'id' ? to.id : referenceText(to))
      const literal = textOf(term)
      if (literal !== undefined) return pool(poolIds.get(literal) ?? literal, literal)
      const id = `the user pool of ${owner.id}`
      const why = `which user pool ${quote(owner.id)} belongs to is not known: ${term.is === 'absent' ? 'it names none' : whyNot(term)}`
      if (!pools.has(id)) unresolved.push({ why, location: owner.location, pool: id })
      return pool(id)
    },

    poolOfProvider: term => {
      const userPoolId = /\/([^/:]+)/.exec(textOf(term) ?? '')?.[1]
      if (userPoolId !== undefined) return poolIds.get(userPoolId) ?? (pools.has(userPoolId) ? userPoolId : undefined)
      const named = new Set(refersTo(term).flatMap(({ type, id }) => (type === POOL ? [id] : [])))
      return named.size === 1 ? [...named][0] : undefined
    },

    identityPool: term => {
      const to = loneSymbol(term)?.to
      if (to !== undefined)
        return { is: 'known', value: to.type === IDENTITY_POOL ? to.id : referenceText(to), location: term.at }
      const value = toText(term)
      return value.is === 'known' ? { ...value, value: identityPoolIds.get(value.value) ?? value.value } : value
    },

    pools: () => [...pools.values()],
    unresolved: () => unresolved,
  }
}

/** The name, the id and the unique id of a role are no ARN. */
function roleReference(to: Reference): RoleReference {
  if (to.type === ROLE && to.attribute === 'arn') return { kind: 'resource', id: to.id }
  if (to.type === ROLE && ['name', 'id', 'unique_id'].includes(to.attribute)) return { kind: 'name', id: to.id }
  return { kind: 'reference', id: referenceText(to) }
}

function toGroup(resource: AwsResource, names: Names): GroupDefinition {
  const { id, location, provider, condition, created, before } = resource
  const now = rankOf(resource.attributes, names)
  const earlier = before && rankOf(before, names)
  return {
    id,
    pool: names.pool(attributeOf(resource, 'user_pool_id'), resource),
    groupName: toText(attributeOf(resource, 'name')),
    ...now,
    location,
    ...(condition !== undefined && { condition }),
    ...(provider !== undefined && { provider }),
    ...(earlier !== undefined && !sameRank(now, earlier) && { before: earlier }),
    ...(created !== undefined && { created }),
  }
}

type Rank = Pick<GroupDefinition, 'precedence' | 'role'>

function rankOf(attributes: ReadonlyMap<string, Term>, names: Names): Rank {
  return {
    precedence: toRaw(attributes.get('precedence') ?? ABSENT),
    role: names.role(attributes.get('role_arn') ?? ABSENT),
  }
}

function sameRank(a: Rank, b: Rank): boolean {
  return sameValue(a.precedence, b.precedence) && sameValue(a.role, b.role)
}

/** Wherever they stand, and whyever they are unknown. */
function sameValue(a: Value<unknown>, b: Value<unknown>): boolean {
  return a.is === 'known' && b.is === 'known' ? JSON.stringify(a.value) === JSON.stringify(b.value) : a.is === b.is
}

function toMembership(resource: AwsResource, names: Names): Membership {
  return {
    pool: names.pool(attributeOf(resource, 'user_pool_id'), resource),
    username: toText(attributeOf(resource, 'username')),
    groupName: toText(attributeOf(resource, 'group_name')),
    location: resource.location,
  }
}

function toRole(resource: AwsResource): RoleDefinition {
  return {
    id: resource.id,
    trustPolicy: toPolicy(attributeOf(resource, 'assume_role_policy')),
    location: resource.location,
  }
}

function toAttachment(resource: AwsResource, names: Names): RoleAttachment {
  const { id, location } = resource
  const roles = attributeOf(resource, 'roles')
  return {
    id,
    identityPool: names.identityPool(attributeOf(resource, 'identity_pool_id')),
    roles: valueOf(roles, (present, at) =>
      present.is === 'map'
        ? {
            is: 'known',
            value: [...present.entries].map(([key, role]) => ({
              key,
              role: names.role(role),
              location: role.at ?? at ?? location,
            })),
            location: at,
          }
        : unread(present, at),
    ),
    mappings: toList(attributeOf(resource, 'role_mapping'), (mapping, index) =>
      toMapping(mapping, index, names, location),
    ),
    location,
  }
}

function toMapping(mapping: Term, index: number, names: Names, outer: Location): RoleMappingDefinition {
  const location = mapping.at ?? outer
  const provider = entryOf(mapping, 'identity_provider')
  const identityProvider = toProvider(provider)
  const pool = names.poolOfProvider(provider)
  return {
    key: identityProvider.is === 'known' ? identityProvider.value : `role_mapping[${index}]`,
    identityProvider,
    ...(pool !== undefined && { pool }),
    type: toText(entryOf(mapping, 'type')),
    ambiguousRoleResolution: toText(entryOf(mapping, 'ambiguous_role_resolution')),
    rules: toList(entryOf(mapping, 'mapping_rule'), rule => toRule(rule, names, location)),
    location,
  }
}

/** A user pool's `endpoint` and `arn` stand alone only by mistake: they have no client's id. */
function toProvider(term: Term): Value<string> {
  const to = loneSymbol(term)?.to
  if (to?.type !== POOL) return toText(term)
  if (to.attribute === 'endpoint')
    return { is: 'known', value: `cognito-idp.\${region}.amazonaws.com/\${${to.id}}`, location: term.at }
  if (to.attribute === 'arn')
    return { is: 'known', value: `arn:aws:cognito-idp:\${region}:\${account}:userpool/\${${to.id}}`, location: term.at }
  return toText(term)
}

function toRule(rule: Term, names: Names, outer: Location): MappingRuleDefinition {
  return {
    claim: toText(entryOf(rule, 'claim')),
    matchType: toText(entryOf(rule, 'match_type')),
    value: toText(entryOf(rule, 'value')),
    role: names.role(entryOf(rule, 'role_arn')),
    location: rule.at ?? outer,
  }
}

function attributeOf({ attributes }: Pick<AwsResource, 'attributes'>, name: string): Term {
  return attributes.get(name) ?? ABSENT
}

function entryOf(term: Term, key: string): Term {
  if (term.is === 'map') return term.entries.get(key) ?? ABSENT
  return term.is === 'absent' ? ABSENT : unknown(whyNot(term), refersTo(term))
}

function textOf(term: Term): string | undefined {
  return term.is === 'scalar' ? term.text : undefined
}

function whyNot(term: Term): string {
  return whyUnknown(term) ?? 'it is not of the type that belongs there'
}

type Read<T> = (present: Present<Location | undefined>, location: Location | undefined) => Value<T>

function valueOf<T>(term: Term, read: Read<T>): Value<T> {
  return toValue(term, at => at, read)
}

function unread(present: Term, location: Location | undefined): Extract<Value<never>, { is: 'unknown' }> {
  return { is: 'unknown', why: whyNot(present), location }
}

/** A number or a truth value where a text belongs is its text, as in Terraform. */
function toText(term: Term): Value<string> {
  return valueOf(term, (present, location) =>
    present.is === 'scalar' ? { is: 'known', value: present.text, location } : unread(present, location),
  )
}

function toRaw(term: Term): Value<unknown> {
  return valueOf(term, (present, location) =>
    present.is === 'scalar' ? { is: 'known', value: present.value, location } : unread(present, location),
  )
}

/** No block at all is an empty list too. */
function toList<T>(term: Term, toItem: (item: Term, index: number) => T): Value<readonly T[]> {
  return valueOf(term, (present, location) => {
    if (present.is !== 'list') return unread(present, location)
    const { items } = present
    return items.length === 0 ? { is: 'absent', location } : { is: 'known', value: items.map(toItem), location }
  })
}

/** Stands for a hole of a text while the text is parsed: nobody writes this private character. */
const HOLE = '\u{F0000}'

function toPolicy(term: Term): Value<unknown> {
  return valueOf(term, (present, location) => {
    const parts = present.is === 'symbolic' ? present.parts : present.is === 'scalar' ? [present.text] : undefined
    // A lone symbol may be any document.
    if (parts === undefined || loneSymbol(present) !== undefined) return unread(present, location)
    const isClear = parts.every(part => typeof part !== 'string' || !part.includes(HOLE))
    if (!isClear) return { is: 'unknown', why: 'it has a private character', location }
    const json = parts.map((part, index) => (typeof part === 'string' ? part : `${HOLE}${index}${HOLE}`)).join('')
    const document = parsePolicy(json)
    if (!isRecord(document)) return { is: 'unknown', why: whyUnknown(present) ?? 'it is not a JSON object', location }
    if (hasRepeatedKeys(json, document)) return { is: 'unknown', why: 'it has a key twice', location }
    const whyOf = (text: string) => {
      const index = new RegExp(`${HOLE}(\\d+)${HOLE}`, 'u').exec(text)?.[1]
      const part = index === undefined ? undefined : parts[Number(index)]
      return typeof part === 'object' ? part.why : undefined
    }
    return { is: 'known', value: markHoles(document, whyOf), location }
  })
}

function parsePolicy(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Deeper than any policy goes; what is below is not known. */
const MAX_POLICY_DEPTH = 50

function markHoles(value: unknown, whyOf: (text: string) => string | undefined, depth = 0): unknown {
  if (depth > MAX_POLICY_DEPTH) return unknownMark('it is nested too deeply')
  if (typeof value === 'string') {
    const why = whyOf(value)
    return why === undefined ? value : unknownMark(why)
  }
  if (Array.isArray(value)) return value.map(item => markHoles(item, whyOf, depth + 1))
  if (!isRecord(value)) return value
  const entries = Object.entries(value)
  const why = entries.map(([key]) => whyOf(key)).find(one => one !== undefined)
  if (why !== undefined) return unknownMark(why)
  return Object.fromEntries(entries.map(([key, item]) => [key, markHoles(item, whyOf, depth + 1)]))
}
