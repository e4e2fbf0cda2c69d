import { quote } from '../../errors.js'
import { isUserPoolId } from '../../aws-ids.js'
import type {
  GroupDefinition,
  Infrastructure,
  Location,
  MappingRuleDefinition,
  Membership,
  MisspeltProperty,
  PoolDefinition,
  RoleAttachment,
  RoleDefinition,
  RoleMappingDefinition,
  RoleReference,
  Unresolved,
  Value,
} from '../../rules/infrastructure.js'
import { createEvaluator, type Evaluator, isVariable, type Template, unseenKey } from './intrinsics.js'
import {
  type Entry,
  readYamlDocument,
  type SourceDocument,
  type SourceNode,
  type Span,
  nodeAt,
  textAt,
  spanFrom,
} from '../yaml-document.js'
import {
  type Evaluated,
  type EvaluatedEntry,
  entriesOf,
  identityOf,
  literal,
  loneSymbol,
  type Present,
  type Reference,
  type TemplateSymbol,
  toPlain,
  toValue,
  whyOf,
} from '../evaluated.js'
import { misspeltProperties } from '../misspelt.js'
import { commented, inMetadata } from './suppressions.js'

/**
 * Reads a CloudFormation template, YAML or JSON: of SAM (whose own resource types make no groups), and as the CDK and
 * Amplify synthesise it. A value that only the deployment knows is unknown, and a parameter's default is its value.
 *
 * Comments `# rolecast:ignore COG101 reason` and `Metadata: { rolecast: { ignore: [{ rules, reason, expires }] } }`, of a
 * resource or of the template, are its suppressions.
 *
 * Not for a nested stack's resources: they are in a template of their own.
 *
 * @throws RolecastError `invalid-input`: no YAML or JSON, no template, or one that CloudFormation rejects as malformed
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Cognito.html
 */
export function readCloudFormation(text: string, path: string): Infrastructure {
  const document = readYamlDocument(text, path)
  const { root } = document
  if (nodeAt(root, 'Resources') === undefined)
    throw document.invalid(root, 'it has no `Resources`', 'name a CloudFormation template')
  return readResources(document, 'cloudformation', [root])
}

interface Resource {
  readonly id: string
  readonly type: string
  readonly span: Span
  readonly location: Location
  readonly condition: string | undefined
  readonly properties: SourceNode | undefined
  /** Why properties that are not to be seen may be there nonetheless. */
  readonly open: string | undefined
}

/**
 * The resources of templates that together are one: Serverless Framework has them in several parts, of which a later one
 * replaces what an earlier one has.
 */
export function readResources(
  document: SourceDocument,
  format: string,
  parts: readonly SourceNode[],
  notes: readonly Unresolved[] = [],
): Infrastructure {
  const unresolved: Unresolved[] = [...notes]
  const section = (name: string) => mergeSections(document, parts, name, unresolved)
  const template: Template = {
    parameters: section('Parameters'),
    mappings: section('Mappings'),
    conditions: section('Conditions'),
    resources: section('Resources'),
  }
  const evaluator = createEvaluator(template)
  const resources = readEach(document, template.resources, evaluator, unresolved)
  const ofType = (type: string) => [...resources.values()].filter(resource => resource.type === type)
  const reader = createReader(document, evaluator, resources)

  const groups = ofType('AWS::Cognito::UserPoolGroup').map(resource => reader.group(resource))
  const memberships = ofType('AWS::Cognito::UserPoolUserToGroupAttachment').map(resource => reader.membership(resource))
  const attachments = ofType('AWS::Cognito::IdentityPoolRoleAttachment').map(resource => reader.attachment(resource))
  const touchesCognito = [...resources.values()].some(({ type }) => type.startsWith('AWS::Cognito::'))
  return {
    format,
    paths: [document.path],
    pools: reader.pools(),
    groups,
    roles: ofType('AWS::IAM::Role').map(resource => reader.role(resource)),
    identityPools: [],
    attachments,
    memberships,
    declaredPrecedences: [],
    notFollowed: [],
    unresolved: [
      ...unresolved,
      ...reader.unresolved,
      ...(touchesCognito ? parts.flatMap(part => macros(document, part)) : []),
    ],
    misspelt: reader.misspelt,
    suppressions: [
      ...commented(document, template.resources, parts),
      ...inMetadata(document, template.resources, parts),
    ],
  }
}

function mergeSections(
  document: SourceDocument,
  parts: readonly SourceNode[],
  name: string,
  unresolved: Unresolved[],
): ReadonlyMap<string, Entry> {
  const merged = new Map<string, Entry>()
  for (const part of parts) {
    const section = nodeAt(part, name)
    if (section === undefined || (section.kind === 'scalar' && section.value === null)) continue
    if (section.kind === 'map') for (const [key, entry] of section.entries) merged.set(key, entry)
    else if (section.kind === 'opaque' || (section.kind === 'scalar' && isVariable(section))) {
      unresolved.push({
        why: `${quote(name)} is what another file has, which is not read`,
        location: document.locate(section),
      })
    } else throw document.invalid(section, `${quote(name)} is not a mapping`, 'give it names and what they stand for')
  }
  return merged
}

function readEach(
  document: SourceDocument,
  entries: ReadonlyMap<string, Entry>,
  evaluator: Evaluator,
  unresolved: Unresolved[],
): ReadonlyMap<string, Resource> {
  const resources = new Map<string, Resource>()
  for (const [id, { key, value }] of entries) {
    const span = spanFrom(key, value)
    const location = { ...document.locate(span), construct: textAt(nodeAt(value, 'Metadata'), 'aws:cdk:path') ?? id }
    if (unseenKey([id]) !== undefined) {
      if (id === 'Fn::Transform' || mentionsCognito(value))
        unresolved.push({ why: `${quote(id)} makes resources when deployed`, location })
      continue
    }
    const why = value.kind === 'map' ? undefined : whyOf(evaluator.evaluate(value))
    if (why !== undefined) unresolved.push({ why: `resource ${quote(id)}: ${why}`, location })
    else if (value.kind !== 'map')
      throw document.invalid(value, `resource ${quote(id)} is not a mapping`, 'give it a `Type` and `Properties`')

    const type = textAt(value, 'Type')
    const condition = textAt(value, 'Condition')
    const holds = condition === undefined ? true : evaluator.condition(condition)
    if (type === undefined || holds === false) continue
    const properties = nodeAt(value, 'Properties')
    resources.set(id, {
      id,
      type,
      span,
      location,
      condition: holds === true ? undefined : condition,
      properties,
      open: properties === undefined ? undefined : whyOpen(evaluator, properties),
    })
  }
  return resources
}

/** Why properties may be there that are not to be seen: a macro puts them in, or something else stands for all of them. */
function whyOpen({ evaluate }: Evaluator, properties: SourceNode): string | undefined {
  if (properties.kind !== 'map') return whyOf(evaluate(properties))
  const unseen = unseenKey(properties.entries.keys())
  return unseen === undefined ? undefined : `${quote(unseen)} is evaluated at deployment`
}

function mentionsCognito(node: SourceNode): boolean {
  switch (node.kind) {
    case 'scalar':
      return node.text.startsWith('AWS::Cognito::')
    case 'list':
      return node.items.some(mentionsCognito)
    case 'map':
      return [...node.entries.values()].some(entry => mentionsCognito(entry.value))
    case 'opaque':
      return false
  }
}

/** AWS's own transforms neither make nor change what is read here; `AWS::Include` and a macro of one's own may. */
function macros(document: SourceDocument, part: SourceNode): readonly Unresolved[] {
  const transforms = ['Transform', 'Fn::Transform'].flatMap(key => {
    const node = nodeAt(part, key)
    return node === undefined ? [] : node.kind === 'list' ? node.items : [node]
  })
  return transforms.flatMap(node => {
    const name = node.kind === 'scalar' ? node.text : (textAt(node, 'Name') ?? 'a macro')
    if (name.startsWith('AWS::') && name !== 'AWS::Include') return []
    return [{ why: `the transform ${quote(name)} may change what the template makes`, location: document.locate(node) }]
  })
}

/** Octal, hexadecimal, binary and sexagesimal numbers, with a sign or with underscores in between. */
const READ_IN_TWO_WAYS = /^(?!-?(?:0|[1-9]\d*)$)[-+]?(?:0[bx])?[\da-f][\da-f_:]*$/i

interface Reader {
  group(resource: Resource): GroupDefinition
  role(resource: Resource): RoleDefinition
  attachment(resource: Resource): RoleAttachment
  membership(resource: Resource): Membership
  /** Of what was read until now. */
  pools(): readonly PoolDefinition[]
  readonly unresolved: readonly Unresolved[]
  readonly misspelt: readonly MisspeltProperty[]
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Cognito.html */
const PROPERTIES = {
  group: ['Description', 'GroupName', 'Precedence', 'RoleArn', 'UserPoolId'],
  membership: ['GroupName', 'Username', 'UserPoolId'],
  attachment: ['IdentityPoolId', 'RoleMappings', 'Roles'],
  mapping: ['AmbiguousRoleResolution', 'IdentityProvider', 'RulesConfiguration', 'Type'],
  rules: ['Rules'],
  rule: ['Claim', 'MatchType', 'RoleARN', 'Value'],
} as const

function createReader(
  document: SourceDocument,
  { evaluate, parseJson }: Evaluator,
  resources: ReadonlyMap<string, Resource>,
): Reader {
  const unresolved: Unresolved[] = []
  const misspelt: MisspeltProperty[] = []
  const pools = new Map<string, PoolDefinition>()
  for (const { id, type } of resources.values()) if (type === 'AWS::Cognito::UserPool') pools.set(id, { id, name: id })

  /** What is never made, because its condition does not hold, is no resource. */
  const typeOf = (to: Reference) => (resources.has(to.id) ? to.type : undefined)

  function property(resource: Resource, name: string): Evaluated<Span> {
    const node = nodeAt(resource.properties, name)
    if (node !== undefined) return evaluate(node)
    return resource.open === undefined
      ? { is: 'absent', at: resource.span }
      : { is: 'unknown', why: resource.open, at: resource.span }
  }

  function propertyValue<T>(resource: Resource, name: string, read: (present: Present<Span>) => Value<T>): Value<T> {
    return toValue(property(resource, name), document.locate, read)
  }

  /** A document, or a string of JSON that has one. */
  function documentValue<T>(resource: Resource, name: string, read: (present: Present<Span>) => Value<T>): Value<T> {
    return toValue(unwrapJson(property(resource, name)), document.locate, read)
  }

  const locate = (present: Evaluated<Span>) => document.locate(present.at)

  function readString(present: Present<Span>): Value<string> {
    const location = locate(present)
    if (present.is === 'scalar') return { is: 'known', value: present.text, location }
    return { is: 'unknown', why: whyOf(present) ?? 'it is not a string', location }
  }

  /** What names something that need not be known: equal names stand for the same. */
  function readName(present: Present<Span>): Value<string> {
    const name = present.is === 'scalar' || present.is === 'symbolic' ? identityOf(present) : undefined
    return name === undefined ? readString(present) : { is: 'known', value: name, location: locate(present) }
  }

  /**
   * A provider's text with `${Pool}` in it, where what is filled in is known to be one word: no colon, no slash. A user pool's
   * `ProviderName` is written out; in China there is `.cn` behind it.
   *
   * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpool.html
   */
  function readProvider(present: Present<Span>): Value<string> {
    if (present.is !== 'symbolic') return readString(present)
    const texts = present.parts.map(part => (typeof part === 'string' ? part : textOfProvider(part)))
    return texts.includes(undefined)
      ? readString(present)
      : { is: 'known', value: texts.join(''), location: locate(present) }
  }

  function textOfProvider({ text, to }: TemplateSymbol): string | undefined {
    if (to === undefined) return undefined
    const { id, attribute } = to
    switch (typeOf(to)) {
      case 'AWS::Cognito::UserPool':
        // Neither has the client's id.
        if (attribute === 'ProviderURL') return `https://cognito-idp.\${AWS::Region}.amazonaws.com/\${${id}}`
        if (attribute === 'Arn')
          return `arn:\${AWS::Partition}:cognito-idp:\${AWS::Region}:\${AWS::AccountId}:userpool/\${${id}}`
        if (attribute === 'ProviderName') return `cognito-idp.\${AWS::Region}.amazonaws.com/\${${id}}`
        return attribute === '' || attribute === 'UserPoolId' ? text : undefined
      case 'AWS::Cognito::UserPoolClient':
        return attribute === '' || attribute === 'ClientId' ? text : undefined
      default:
        return id === 'AWS::Region' || id === 'AWS::AccountId' ? text : undefined
    }
  }

  function readPrecedence(present: Present<Span>): Value<unknown> {
    const location = locate(present)
    if (present.is === 'symbolic') return { is: 'unknown', why: whyOf(present)!, location }
    if (present.is !== 'scalar') return { is: 'known', value: toPlain(present), location }
    if (READ_IN_TWO_WAYS.test(present.text) && typeof present.value === 'string') {
      return {
        is: 'unknown',
        why: `${quote(present.text)} is one number in YAML 1.1 and another, or none, in YAML 1.2`,
        location,
      }
    }
    // CloudFormation turns a string into the number that its property needs.
    const value =
      typeof present.value === 'string' && /^-?(?:0|[1-9]\d*)$/.test(present.value)
        ? Number(present.value)
        : present.value
    return { is: 'known', value, location }
  }

  function readRole(present: Present<Span>): Value<RoleReference> {
    const location = locate(present)
    if (present.is === 'scalar') return { is: 'known', value: { kind: 'arn', id: present.text }, location }
    if (present.is !== 'symbolic') return { is: 'unknown', why: 'it is not a string', location }
    const lone = loneSymbol(present)?.to
    if (lone?.attribute === '' && typeOf(lone) === 'AWS::IAM::Role')
      return { is: 'known', value: { kind: 'name', id: lone.id }, location }
    const id = roleOfTemplate(present.parts)
    return {
      is: 'known',
      value: id === undefined ? { kind: 'reference', id: identityOf(present)! } : { kind: 'resource', id },
      location,
    }
  }

  /** `Role.Arn`, or an ARN whose last part is `Role`. */
  function roleOfTemplate(parts: readonly (string | TemplateSymbol)[]): string | undefined {
    const last = parts.at(-1)
    const to = typeof last === 'object' ? last.to : undefined
    if (to === undefined || typeOf(to) !== 'AWS::IAM::Role') return undefined
    if (parts.length === 1) return to.attribute === 'Arn' ? to.id : undefined
    const before = parts
      .slice(0, -1)
      .map(part => (typeof part === 'string' ? part : part.text))
      .join('')
    return to.attribute === '' && /^arn:[^:]+:iam::\$\{AWS::AccountId\}:role\/[^$]*$/.test(before) ? to.id : undefined
  }

  function checkProperties({ id, properties }: Resource, kind: keyof typeof PROPERTIES): void {
    if (properties?.kind !== 'map') return
    const given = [...properties.entries].map(([name, { key }]) => ({ name, location: document.locate(key) }))
    misspelt.push(...misspeltProperties(id, given, PROPERTIES[kind]))
  }

  function checkMembers(id: string, value: Evaluated<Span>, kind: keyof typeof PROPERTIES): void {
    if (value.is !== 'map') return
    const given = entriesOf(value).map(({ name, key }) => ({ name, location: locate(key) }))
    misspelt.push(...misspeltProperties(id, given, PROPERTIES[kind]))
  }

  /** The pool's id, and the pool noted. */
  function poolOf(evaluated: Evaluated<Span>): string | undefined {
    const to = loneSymbol(evaluated)?.to
    if (to !== undefined && typeOf(to) === 'AWS::Cognito::UserPool' && ['', 'UserPoolId'].includes(to.attribute))
      return to.id
    const id = evaluated.is === 'absent' ? undefined : identityOf(evaluated)
    if (id !== undefined && !pools.has(id)) {
      pools.set(id, { id, name: id, ...(evaluated.is === 'scalar' && isUserPoolId(id) ? { userPoolId: id } : {}) })
    }
    return id
  }

  function poolOfResource(resource: Resource): string {
    const evaluated = property(resource, 'UserPoolId')
    const id = poolOf(evaluated)
    if (id !== undefined) return id
    const alone = `${resource.id}.UserPoolId`
    pools.set(alone, { id: alone, name: alone })
    const why = whyOf(evaluated) ?? 'it has no `UserPoolId`'
    unresolved.push({
      why: `the user pool of ${quote(resource.id)} is not known: ${why}`,
      location: resource.location,
      pool: alone,
    })
    return alone
  }

  /** The pool in `cognito-idp.REGION.amazonaws.com/POOL:CLIENT`, or that of the client. */
  function poolOfProvider(provider: Evaluated<Span>): string | undefined {
    if (provider.is !== 'scalar' && provider.is !== 'symbolic') return undefined
    const parts = provider.is === 'scalar' ? [provider.text] : provider.parts
    // A symbol's name may have any of the marks that are looked for, so that a number in NUL stands for it.
    if (parts.some(part => typeof part === 'string' && part.includes('\0'))) return undefined
    const text = parts.map((part, index) => (typeof part === 'string' ? part : `\0${index}\0`)).join('')
    const restore = (piece: string): Evaluated<Span> => {
      const pieces = piece.split(/\0(\d+)\0/).map((some, index) => (index % 2 === 0 ? some : parts[Number(some)]!))
      if (pieces.length === 1) return literal(piece, provider.at)
      return { is: 'symbolic', parts: pieces.filter(some => some !== ''), at: provider.at }
    }
    const [, issuer = '', client = ''] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? []
    const slash = issuer.lastIndexOf('/')
    if (slash !== -1 && slash < issuer.length - 1) return poolOf(restore(issuer.slice(slash + 1)))
    const named = loneSymbol(restore(issuer))?.to
    if (named?.attribute === 'ProviderName' && typeOf(named) === 'AWS::Cognito::UserPool') return named.id
    const owner = resources.get(loneSymbol(restore(client))?.to?.id ?? '')
    return owner?.type === 'AWS::Cognito::UserPoolClient' ? poolOf(property(owner, 'UserPoolId')) : undefined
  }

  /** Its possible values too; what stands in a string of JSON counts as if it stood there itself. */
  function unwrapJson(evaluated: Evaluated<Span>): Evaluated<Span> {
    if (evaluated.is === 'one-of') return { ...evaluated, values: evaluated.values.map(unwrapJson) }
    return evaluated.is === 'absent' || evaluated.is === 'unknown' ? evaluated : parseJson(evaluated)
  }

  function readEntries<T>(present: Present<Span>, read: (entry: EvaluatedEntry<Span>) => T): Value<readonly T[]> {
    const location = locate(present)
    if (present.is !== 'map') return { is: 'unknown', why: whyOf(present) ?? 'it is not a mapping', location }
    return { is: 'known', value: entriesOf(present).map(read), location }
  }

  const stringMember = (evaluated: Evaluated<Span>, name: string) =>
    toValue(member(evaluated, name), document.locate, readString)

  function readMapping({ name, key, value }: EvaluatedEntry<Span>, id: string): RoleMappingDefinition {
    checkMembers(id, value, 'mapping')
    checkMembers(id, member(value, 'RulesConfiguration'), 'rules')
    const named = member(value, 'IdentityProvider')
    const provider = named.is === 'absent' ? key : named
    const rules = member(member(value, 'RulesConfiguration'), 'Rules')
    return {
      key: name,
      identityProvider: toValue(provider, document.locate, readProvider),
      pool: poolOfProvider(provider),
      type: stringMember(value, 'Type'),
      ambiguousRoleResolution: stringMember(value, 'AmbiguousRoleResolution'),
      rules: toValue(rules, document.locate, present => {
        const location = locate(present)
        if (present.is !== 'list') return { is: 'unknown', why: whyOf(present) ?? 'it is not a list', location }
        return { is: 'known', value: present.items.map(rule => readRule(rule, id)), location }
      }),
      location: document.locate(spanFrom(key.at, value.at)),
    }
  }

  function readRule(rule: Evaluated<Span>, id: string): MappingRuleDefinition {
    checkMembers(id, rule, 'rule')
    return {
      claim: stringMember(rule, 'Claim'),
      matchType: stringMember(rule, 'MatchType'),
      value: stringMember(rule, 'Value'),
      role: toValue(member(rule, 'RoleARN'), document.locate, readRole),
      location: locate(rule),
    }
  }

  return {
    unresolved,
    misspelt,
    pools: () => [...pools.values()],
    group: resource => {
      checkProperties(resource, 'group')
      const groupName = propertyValue(resource, 'GroupName', readString)
      return {
        id: resource.id,
        pool: poolOfResource(resource),
        groupName:
          groupName.is === 'absent'
            ? { ...groupName, is: 'unknown', why: 'CloudFormation makes up what is not set' }
            : groupName,
        precedence: propertyValue(resource, 'Precedence', readPrecedence),
        role: propertyValue(resource, 'RoleArn', readRole),
        location: resource.location,
        condition: resource.condition,
      }
    },
    role: resource => ({
      id: resource.id,
      trustPolicy: documentValue(resource, 'AssumeRolePolicyDocument', present => ({
        is: 'known',
        value: toPlain(present),
        location: locate(present),
      })),
      location: resource.location,
    }),
    attachment: resource => (
      checkProperties(resource, 'attachment'),
      {
        id: resource.id,
        identityPool: propertyValue(resource, 'IdentityPoolId', readName),
        roles: documentValue(resource, 'Roles', present =>
          readEntries(present, ({ name, key, value }) => ({
            key: name,
            role: toValue(value, document.locate, readRole),
            location: document.locate(spanFrom(key.at, value.at)),
          })),
        ),
        mappings: documentValue(resource, 'RoleMappings', present =>
          readEntries(present, entry => readMapping(entry, resource.id)),
        ),
        location: resource.location,
      }
    ),
    membership: resource => (
      checkProperties(resource, 'membership'),
      {
        pool: poolOfResource(resource),
        username: propertyValue(resource, 'Username', readName),
        groupName: propertyValue(resource, 'GroupName', readString),
        location: resource.location,
      }
    ),
  }
}

function member(evaluated: Evaluated<Span>, name: string): Evaluated<Span> {
  const { at } = evaluated
  if (evaluated.is === 'absent') return evaluated
  if (evaluated.is !== 'map') return { is: 'unknown', why: whyOf(evaluated) ?? 'it is not a mapping', at }
  return evaluated.entries.get(name) ?? { is: 'absent', at }
}
