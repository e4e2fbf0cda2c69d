import { hasRepeatedKeys } from '../../credentials/policy-document.js'
import { quote } from '../../errors.js'
import type {
  GroupDefinition,
  IdentityPoolDefinition,
  IdentityPoolProvider,
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
  WrongId,
} from '../../rules/infrastructure.js'
import { isRecord } from '../json-text.js'
import { isUserPoolId } from '../../aws-ids.js'
import {
  identityOf,
  loneSymbol,
  type Mark,
  type Present,
  type Reference,
  refersTo,
  toValue,
  unknownMark,
  whyUnknown,
} from '../evaluated.js'
import { AWSCC_TYPES, fromAwscc } from './awscc.js'
import { misspeltProperties } from '../misspelt.js'
import { wrongId } from '../wrong-ids.js'
import { ABSENT, referenceText, type Term, unknown } from './term.js'

/** A resource of Terraform's AWS provider, under the provider's names, from any kind of file. */
export interface AwsResource {
  readonly type: string
  /** Its address, or its URN. */
  readonly id: string
  readonly location: Location
  readonly attributes: ReadonlyMap<string, Term>
  readonly provider?: 'terraform' | undefined
  readonly condition?: string | undefined
  readonly created?: boolean | undefined
  /** The attributes that it has now, if a plan changes it in place. */
  readonly before?: ReadonlyMap<string, Term> | undefined
}

const GROUP = 'aws_cognito_user_group'
const POOL = 'aws_cognito_user_pool'
const ROLE = 'aws_iam_role'
const CLIENT = 'aws_cognito_user_pool_client'
const IDENTITY_POOL = 'aws_cognito_identity_pool'
const ATTACHMENT = 'aws_cognito_identity_pool_roles_attachment'
const MEMBERSHIP = 'aws_cognito_user_in_group'

/** The resource types that define groups and roles. */
export const AWS_TYPES: ReadonlySet<string> = new Set([
  GROUP,
  POOL,
  ROLE,
  IDENTITY_POOL,
  ATTACHMENT,
  MEMBERSHIP,
  ...AWSCC_TYPES,
])

/** How the provider sends values to Cognito: the Cloud Control one sends every value unchanged. */
export function providerOf(type: string): AwsResource['provider'] {
  return type.startsWith('aws_') ? 'terraform' : undefined
}

export interface AwsInfrastructure {
  readonly format: string
  readonly paths: readonly string[]
  readonly resources: readonly AwsResource[]
  readonly unresolved?: readonly Unresolved[]
  readonly notFollowed?: readonly NotFollowed[]
  readonly unseen?: readonly NotFollowed[]
  readonly suppressions?: readonly Suppression[]
}

/** @see https://registry.terraform.io/providers/hashicorp/aws/latest/docs/resources/cognito_user_group */
export function toInfrastructure({
  format,
  paths,
  resources: given,
  unresolved = [],
  notFollowed = [],
  unseen = [],
  suppressions = [],
}: AwsInfrastructure): Infrastructure {
  const resources = fromAwscc(given)
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
    identityPools: ofType(IDENTITY_POOL).map(resource => toIdentityPool(resource, names)),
    attachments,
    memberships,
    declaredPrecedences: [],
    unresolved: [...unresolved, ...names.unresolved()],
    notFollowed,
    unseen,
    misspelt: resources.flatMap(misspeltAttributes),
    wrongIds: names.wrongIds(),
    suppressions,
  }
}

/** Meta-arguments are of every resource. @see https://developer.hashicorp.com/terraform/language/meta-arguments */
const META = ['count', 'depends_on', 'for_each', 'lifecycle', 'provider', 'provisioner', 'region', 'timeouts', 'id']
const ATTRIBUTES: ReadonlyMap<string, readonly string[]> = new Map([
  [GROUP, ['description', 'name', 'precedence', 'role_arn', 'user_pool_id', ...META]],
  [ATTACHMENT, ['identity_pool_id', 'role_mapping', 'roles', ...META]],
  [MEMBERSHIP, ['group_name', 'user_pool_id', 'username', ...META]],
  [
    IDENTITY_POOL,
    [
      'allow_classic_flow',
      'allow_unauthenticated_identities',
      'cognito_identity_providers',
      'developer_provider_name',
      'identity_pool_name',
      'openid_connect_provider_arns',
      'saml_provider_arns',
      'supported_login_providers',
      'tags',
      ...META,
    ],
  ],
])

/** The attributes of blocks, by the path of the block. */
const BLOCKS: ReadonlyMap<string, readonly string[]> = new Map([
  ['role_mapping', ['ambiguous_role_resolution', 'identity_provider', 'mapping_rule', 'type']],
  ['role_mapping.mapping_rule', ['claim', 'match_type', 'role_arn', 'value']],
  ['cognito_identity_providers', ['client_id', 'provider_name', 'server_side_token_check']],
])

function misspeltAttributes({ id, type, attributes, location }: AwsResource): readonly MisspeltProperty[] {
  const known = ATTRIBUTES.get(type)
  if (known === undefined) return []
  const check = (entries: ReadonlyMap<string, Term>, names: readonly string[], path: string, outer: Location) => {
    const own = [...entries].map(([name, { at }]) => ({ name, location: at ?? outer }))
    const ofBlocks = [...entries].flatMap(([name, term]): readonly MisspeltProperty[] => {
      const inner = `${path}${name}`
      const members = BLOCKS.get(inner)
      return members === undefined || term.is !== 'list'
        ? []
        : term.items.flatMap(item =>
            item.is === 'map' ? check(item.entries, members, `${inner}.`, item.at ?? outer) : [],
          )
    })
    return [...misspeltProperties(id, own, names), ...ofBlocks]
  }
  return check(attributes, known, '', location)
}

/** A single name for a thing that is referred to by its address, its ARN or its id. */
interface Names {
  readonly role: (term: Term) => Value<RoleReference>
  /** The pool's `id`; an unknown pool counts as a separate pool. */
  readonly pool: (term: Term, owner: AwsResource) => string
  /** The pool that an identity provider names, if that can be determined. */
  readonly poolOfProvider: (term: Term) => string | undefined
  readonly identityPool: (term: Term, owner: AwsResource) => Value<string>
  /** Records a value that is not the ID of an app client. */
  readonly checkClient: (term: Term, owner: AwsResource, property: string) => void
  readonly pools: () => readonly PoolDefinition[]
  readonly unresolved: () => readonly Unresolved[]
  /** From the names so far. */
  readonly wrongIds: () => readonly WrongId[]
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
  const poolNames = byLiteral(POOL, 'name')
  const identityPoolNames = byLiteral(IDENTITY_POOL, 'identity_pool_name')
  const unresolved: Unresolved[] = []
  const wrongIds: WrongId[] = []

  const checkId = (term: Term, { id, location }: AwsResource, property: string, needs: WrongId['needs']) => {
    const values = term.is === 'one-of' ? term.values : [term]
    for (const value of values) {
      const to = loneSymbol(value)?.to
      const text = textOf(value) ?? ''
      const named = needs === 'user pool' ? poolNames.get(text) : identityPoolNames.get(text)
      const asWritten = wrongId(text, needs)
      const what =
        to !== undefined ? wrongReference(to, needs) : asWritten && named && `the name of the ${needs} ${quote(named)}`
      const wrong = what ? { what, certain: true } : asWritten
      if (wrong === undefined) continue
      const certain = wrong.certain && values.length === 1
      wrongIds.push({ ...wrong, certain, resource: id, property, needs, location: value.at ?? term.at ?? location })
    }
  }

  const pools = new Map<string, PoolDefinition>()
  for (const { type, id, ...resource } of resources) {
    if (type === POOL) pools.set(id, { id, name: id, userPoolId: textOf(attributeOf(resource, 'id')) })
  }
  const poolElsewhere = (id: string, userPoolId?: string) => {
    if (!pools.has(id)) pools.set(id, { id, name: id, userPoolId, elsewhere: true })
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
        // A role of "" means none: Cognito's API has no other way to say it, and two emulators return it.
        if (arn === '') return { is: 'absent', location }
        const id = roleIds.get(arn)
        return { is: 'known', value: id === undefined ? { kind: 'arn', id: arn } : { kind: 'resource', id }, location }
      }),

    pool: (term, owner) => {
      checkId(term, owner, 'user_pool_id', 'user pool')
      const to = loneSymbol(term)?.to
      // Its ARN and its endpoint are wrong here, but still identify the pool.
      if (to !== undefined) return poolElsewhere(to.type === POOL ? to.id : referenceText(to))
      const literal = textOf(term)
      const named = literal !== undefined && !isUserPoolId(literal) ? poolNames.get(literal) : undefined
      if (literal !== undefined) return poolElsewhere(named ?? poolIds.get(literal) ?? literal, literal)
      const id = `the user pool of ${owner.id}`
      const why = `it is not known which user pool ${quote(owner.id)} belongs to: ${term.is === 'absent' ? 'it names none' : whyNot(term)}`
      if (!pools.has(id)) unresolved.push({ why, location: owner.location, pool: id })
      pools.set(id, { id, name: id })
      return id
    },

    poolOfProvider: term => {
      const userPoolId = /\/([^/:]+)/.exec(textOf(term) ?? '')?.[1]
      if (userPoolId !== undefined) return poolIds.get(userPoolId) ?? (pools.has(userPoolId) ? userPoolId : undefined)
      const named = new Set(refersTo(term).flatMap(({ type, id }) => (type === POOL ? [id] : [])))
      return named.size === 1 ? [...named][0] : undefined
    },

    identityPool: (term, owner) => {
      checkId(term, owner, 'identity_pool_id', 'identity pool')
      const to = loneSymbol(term)?.to
      if (to !== undefined)
        return { is: 'known', value: to.type === IDENTITY_POOL ? to.id : referenceText(to), location: term.at }
      const value = toText(term)
      return value.is === 'known' ? { ...value, value: identityPoolIds.get(value.value) ?? value.value } : value
    },

    checkClient: (term, { id, location }, property) => {
      const to = loneSymbol(term)?.to
      const what = to && wrongReference(to, 'app client')
      if (what === undefined) return
      wrongIds.push({ what, certain: true, resource: id, property, needs: 'app client', location: term.at ?? location })
    },

    pools: () => [...pools.values()],
    unresolved: () => unresolved,
    wrongIds: () => wrongIds,
  }
}

/** The name, the id and the unique id of a role are not its ARN. */
function roleReference(to: Reference): RoleReference {
  if (to.type === ROLE && to.attribute === 'arn') return { kind: 'resource', id: to.id }
  if (to.type === ROLE && ['name', 'id', 'unique_id'].includes(to.attribute)) return { kind: 'name', id: to.id }
  return { kind: 'reference', id: referenceText(to) }
}

const KINDS: ReadonlyMap<string, string> = new Map([
  [POOL, 'user pool'],
  [IDENTITY_POOL, 'identity pool'],
  [CLIENT, 'app client'],
])

/** What a reference is, in words, if it is not the ID that is needed. */
function wrongReference({ id, type, attribute }: Reference, needs: WrongId['needs']): string | undefined {
  const kind = KINDS.get(type)
  const isId = attribute === 'id' || (kind === 'app client' && attribute === 'client_id')
  if (kind === undefined || attribute === '' || (kind === needs && isId)) return undefined
  const what = attribute === 'id' ? 'the ID' : attribute === 'arn' ? 'the ARN' : `the attribute ${quote(attribute)}`
  return `${what} of the ${kind} ${quote(id)}`
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

/** Wherever they are, and for whatever reason they are unknown. */
function sameValue(a: Value<unknown>, b: Value<unknown>): boolean {
  return a.is === 'known' && b.is === 'known' ? JSON.stringify(a.value) === JSON.stringify(b.value) : a.is === b.is
}

function toMembership(resource: AwsResource, names: Names): Membership {
  return {
    pool: names.pool(attributeOf(resource, 'user_pool_id'), resource),
    username: notEmpty(toText(attributeOf(resource, 'username'))),
    groupName: toText(attributeOf(resource, 'group_name')),
    location: resource.location,
    ...(resource.condition !== undefined && { condition: resource.condition }),
  }
}

/** No user has an empty name: it is the default of a variable that means "none". */
function notEmpty(text: Value<string>): Value<string> {
  return text.is === 'known' && text.value === ''
    ? { is: 'unknown', why: 'it is empty, as no username is', location: text.location }
    : text
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
    identityPool: names.identityPool(attributeOf(resource, 'identity_pool_id'), resource),
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
      toMapping(mapping, index, names, resource),
    ),
    location,
  }
}

function toIdentityPool(resource: AwsResource, names: Names): IdentityPoolDefinition {
  const { id, location } = resource
  return {
    id,
    allowsGuests: toBoolean(resource, 'allow_unauthenticated_identities'),
    providers: toList(attributeOf(resource, 'cognito_identity_providers'), provider =>
      toIdentityProvider(provider, names, resource),
    ),
    location,
  }
}

function toIdentityProvider(provider: Term, names: Names, owner: AwsResource): IdentityPoolProvider {
  const [name, client] = [entryOf(provider, 'provider_name'), entryOf(provider, 'client_id')]
  const pool = names.poolOfProvider(name)
  const written = [writtenProvider(name), writtenProvider(client)]
  names.checkClient(client, owner, 'cognito_identity_providers')
  return {
    name: toProvider(name),
    clientId: toProvider(client),
    ...(!written.includes(undefined) && { written: written.join(':') }),
    ...(pool !== undefined && { pool }),
    ...clientOf(client),
    location: provider.at ?? owner.location,
  }
}

function toMapping(mapping: Term, index: number, names: Names, owner: AwsResource): RoleMappingDefinition {
  const location = mapping.at ?? owner.location
  const provider = entryOf(mapping, 'identity_provider')
  const identityProvider = toProvider(provider)
  const pool = names.poolOfProvider(provider)
  const written = writtenProvider(provider)
  names.checkClient(clientPart(provider), owner, 'role_mapping')
  return {
    key: identityProvider.is === 'known' ? identityProvider.value : `role_mapping[${index}]`,
    identityProvider,
    ...(written !== undefined && { written }),
    ...(pool !== undefined && { pool }),
    ...clientOf(provider),
    type: toText(entryOf(mapping, 'type')),
    ambiguousRoleResolution: toText(entryOf(mapping, 'ambiguous_role_resolution')),
    rules: toList(entryOf(mapping, 'mapping_rule'), rule => toRule(rule, names, location)),
    location,
  }
}

/** The part after the colon of `ISSUER:CLIENT`, if that is a reference. */
function clientPart(provider: Term): Term {
  const parts = provider.is === 'symbolic' ? provider.parts : []
  const [before, last] = parts.slice(-2)
  return typeof before === 'string' && before.endsWith(':') && typeof last === 'object'
    ? { is: 'symbolic', parts: [last], at: provider.at }
    : ABSENT
}

/** The single client that it is, or is computed from. */
function clientOf(term: Term): Pick<RoleMappingDefinition, 'client'> {
  const ids = new Set(
    refersTo(term).flatMap(({ id, type, attribute }) => (type === CLIENT && attribute === 'id' ? [id] : [])),
  )
  const [client] = ids
  return client !== undefined && ids.size === 1 ? { client } : {}
}

/** The string of a provider with `${client}` in it, if the value of the placeholder is known to be one word. */
function toProvider(term: Term): Value<string> {
  return valueOf(term, (present, location) => {
    if (present.is !== 'symbolic') return toText(present)
    const texts = present.parts.map(part => (typeof part === 'string' ? part : part.to && textOfProvider(part.to)))
    const open = present.parts[texts.indexOf(undefined)]
    if (typeof open === 'object') return { is: 'unknown', why: open.why, location }
    return { is: 'known', value: texts.join(''), location }
  })
}

/** The same with any other placeholders as written; undefined for values without a name. */
function writtenProvider(term: Term): string | undefined {
  if (term.is === 'absent') return undefined
  if (term.is !== 'symbolic') return identityOf(term)
  const texts = term.parts.map(part =>
    typeof part === 'string' ? part : ((part.to && textOfProvider(part.to)) ?? (part.text && `\${${part.text}}`)),
  )
  return texts.includes(undefined) ? undefined : texts.join('')
}

function textOfProvider({ id, type, attribute }: Reference): string | undefined {
  if (/^data\.aws_region\.\w+$/.test(id)) return '${region}'
  if (type === CLIENT) return attribute === 'id' ? `\${${id}}` : undefined
  if (type !== POOL) return undefined
  if (attribute === 'endpoint') return `cognito-idp.\${region}.amazonaws.com/\${${id}}`
  if (attribute === 'arn') return `arn:aws:cognito-idp:\${region}:\${account}:userpool/\${${id}}`
  return attribute === 'id' ? `\${${id}}` : undefined
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
  return whyUnknown(term) ?? 'it does not have the required type'
}

type Read<T> = (present: Present<Location | undefined>, location: Location | undefined) => Value<T>

function valueOf<T>(term: Term, read: Read<T>): Value<T> {
  return toValue(term, at => at, read)
}

function unread(present: Term, location: Location | undefined): Extract<Value<never>, { is: 'unknown' }> {
  return { is: 'unknown', why: whyNot(present), location }
}

/** A number or a boolean in place of a string is converted, as in Terraform. */
function toText(term: Term): Value<string> {
  return valueOf(term, (present, location) =>
    present.is === 'scalar' ? { is: 'known', value: present.text, location } : unread(present, location),
  )
}

/** The provider's default is false. */
function toBoolean(resource: AwsResource, name: string): Value<boolean> {
  const value = valueOf(attributeOf(resource, name), (present, location): Value<boolean> => {
    const text = present.is === 'scalar' ? present.text : ''
    return text === 'true' || text === 'false'
      ? { is: 'known', value: text === 'true', location }
      : unread(present, location)
  })
  return value.is === 'absent' && resource.provider === 'terraform' ? { is: 'known', value: false } : value
}

function toRaw(term: Term): Value<unknown> {
  return valueOf(term, (present, location) =>
    present.is === 'scalar' ? { is: 'known', value: present.value, location } : unread(present, location),
  )
}

/** Without any block, the list is empty. */
function toList<T>(term: Term, toItem: (item: Term, index: number) => T): Value<readonly T[]> {
  return valueOf(term, (present, location) => {
    if (present.is !== 'list') return unread(present, location)
    const { items } = present
    return items.length === 0 ? { is: 'absent', location } : { is: 'known', value: items.map(toItem), location }
  })
}

/** Stands for a hole of a string while it is parsed: a private character that nobody writes. */
const HOLE = '\u{F0000}'

function toPolicy(term: Term): Value<unknown> {
  return valueOf(term, (present, location) => {
    const parts = present.is === 'symbolic' ? present.parts : present.is === 'scalar' ? [present.text] : undefined
    // A symbol alone may be any document.
    if (parts === undefined || loneSymbol(present) !== undefined) return unread(present, location)
    const isClear = parts.every(part => typeof part !== 'string' || !part.includes(HOLE))
    if (!isClear) return { is: 'unknown', why: 'it has a private character', location }
    const json = parts.map((part, index) => (typeof part === 'string' ? part : `${HOLE}${index}${HOLE}`)).join('')
    const document = parsePolicy(json)
    if (!isRecord(document)) return { is: 'unknown', why: whyUnknown(present) ?? 'it is not a JSON object', location }
    if (hasRepeatedKeys(json, document)) return { is: 'unknown', why: 'it has a key twice', location }
    const markOf = (text: string) => {
      const [hole, index] = new RegExp(`${HOLE}(\\d+)${HOLE}`, 'u').exec(text) ?? []
      const part = index === undefined ? undefined : parts[Number(index)]
      if (typeof part !== 'object') return undefined
      const starts = text.slice(0, text.indexOf(HOLE))
      return unknownMark(part.why, hole === text && part.to ? markOfReference(part.to) : { starts })
    }
    return { is: 'known', value: markHoles(document, markOf), location }
  })
}

/** Where the conditions of a policy need the ID of an identity pool. */
function markOfReference(to: Reference): Mark {
  const is = wrongReference(to, 'identity pool')
  return is === undefined && to.type === IDENTITY_POOL ? { pool: to.id } : { is }
}

function parsePolicy(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Deeper than any policy; anything below is unknown. */
const MAX_POLICY_DEPTH = 50

function markHoles(value: unknown, markOf: (text: string) => object | undefined, depth = 0): unknown {
  if (depth > MAX_POLICY_DEPTH) return unknownMark('it is nested too deeply')
  if (typeof value === 'string') return markOf(value) ?? value
  if (Array.isArray(value)) return value.map(item => markHoles(item, markOf, depth + 1))
  if (!isRecord(value)) return value
  const entries = Object.entries(value)
  const mark = entries.map(([key]) => markOf(key)).find(one => one !== undefined)
  if (mark !== undefined) return mark
  return Object.fromEntries(entries.map(([key, item]) => [key, markHoles(item, markOf, depth + 1)]))
}
