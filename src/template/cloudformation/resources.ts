import { quote } from '../../errors.js'
import { isUserPoolId } from '../../aws-ids.js'
import type {
  GroupDefinition,
  IdentityPoolDefinition,
  IdentityPoolProvider,
  Infrastructure,
  Location,
  MappingRuleDefinition,
  Membership,
  MissingSub,
  MisspeltProperty,
  NotFollowed,
  PoolDefinition,
  RoleAttachment,
  RoleDefinition,
  RoleMappingDefinition,
  RoleReference,
  Unresolved,
  Value,
  WrongId,
} from '../../rules/infrastructure.js'
import { handedOutRoles } from '../../rules/handed-out-roles.js'
import { possibilities } from '../../rules/value.js'
import {
  createEvaluator,
  type Evaluator,
  isVariable,
  type Surroundings,
  type Template,
  unseenKey,
} from './intrinsics.js'
import { tokenMapping } from '../amplify/facts.js'
import { roleMapsIn } from './amplify-role-map.js'
import { inlineIncludes } from './includes.js'
import { nestedStacks, notFollowedStacks } from './nested.js'
import { unknownTypes } from './unknown-types.js'
import {
  type Entry,
  movedTo,
  readYamlDocument,
  type SourceDocument,
  type SourceNode,
  type Span,
  nodeAt,
  textAt,
  spanFrom,
} from '../yaml-document.js'
import {
  assumptionsIn,
  type Evaluated,
  type EvaluatedEntry,
  entriesOf,
  identityOf,
  literal,
  loneSymbol,
  type Mark,
  type Present,
  type Reference,
  type TemplateSymbol,
  toPlain,
  toValue,
  whyOf,
} from '../evaluated.js'
import type { OpenFile } from '../reading.js'
import { misspeltProperties } from '../misspelt.js'
import { wrongId } from '../wrong-ids.js'
import { commented, inMetadata } from './suppressions.js'

/**
 * Reads a CloudFormation template, YAML or JSON: of SAM (whose own resource types define no groups), and as the CDK and
 * Amplify synthesise it. A value that only the deployment knows is unknown. A parameter has its default as its value.
 *
 * Comments `# rolecast:ignore COG101 reason` and `Metadata: { rolecast: { ignore: [{ rules, reason, expires }] } }`, of
 * a resource or of the template, are its suppressions.
 *
 * Does not read the resources of nested stacks: they are in separate templates.
 *
 * @throws RolecastError `invalid-input`: neither YAML nor JSON, not a template, or one that CloudFormation rejects as malformed
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Cognito.html
 */
export function readCloudFormation(text: string, path: string): Infrastructure {
  return readOne(readTemplateSource(text, path), SPEAKS_OF_COGNITO.test(text))
}

/**
 * What one stack is made of: a template, or Serverless Framework's parts, of which a later one replaces what an earlier
 * one has.
 */
export interface StackSource {
  readonly format: 'cloudformation' | 'serverless'
  readonly document: SourceDocument
  /** The files that are included in it. */
  readonly included: readonly SourceDocument[]
  readonly parts: readonly SourceNode[]
  readonly unresolved: readonly Unresolved[]
  readonly notFollowed: readonly NotFollowed[]
  /** What is not followed, although nothing shows that it is about Cognito. */
  readonly unseen: readonly NotFollowed[]
}

/** What a template has that is about Cognito. */
export const SPEAKS_OF_COGNITO = /cognito|user.?pool|identity.?pool/i

/**
 * A template as it is written.
 *
 * @throws RolecastError `invalid-input`: neither YAML nor JSON, or not a template
 */
export function readTemplateSource(text: string, path: string, open: OpenFile = () => undefined): StackSource {
  const document = readYamlDocument(text, path)
  const body = templateBody(document)
  const { root, included, notFollowed } = text.includes('AWS::Include')
    ? inlineIncludes({ ...document, root: body }, open)
    : { root: body, included: [], notFollowed: [] }
  const mayHaveGroups = ({ what }: NotFollowed) => SPEAKS_OF_COGNITO.test(text) || SPEAKS_OF_COGNITO.test(what)
  if (nodeAt(root, 'Resources') === undefined)
    throw document.invalid(root, 'it has no `Resources`', 'name a CloudFormation template')
  return {
    format: 'cloudformation',
    document,
    included,
    parts: [root],
    unresolved: [],
    notFollowed: notFollowed.filter(mayHaveGroups),
    unseen: notFollowed.filter(one => !mayHaveGroups(one)),
  }
}

/** A stack with known resources, which can return the values in it. */
export interface Stack {
  readonly source: StackSource
  readonly template: Template & { readonly outputs: ReadonlyMap<string, Entry> }
  readonly evaluator: Evaluator
  /** By their logical ids. */
  readonly resources: ReadonlyMap<string, Resource>
  readonly unresolved: readonly Unresolved[]
}

export interface Resource {
  /** Its name if several stacks are read together. */
  readonly id: string
  readonly type: string
  readonly span: Span
  readonly location: Location
  readonly condition: string | undefined
  readonly properties: SourceNode | undefined
  /** Why there may be properties that the template does not show. */
  readonly open: string | undefined
  readonly evaluate: Evaluator['evaluate']
}

/** @throws RolecastError `invalid-input`: a template that CloudFormation rejects as malformed */
export function openStack(source: StackSource, surroundings?: Surroundings): Stack {
  const { document, parts } = source
  const unresolved: Unresolved[] = [...source.unresolved]
  const section = (name: string) => mergeSections(document, parts, name, unresolved)
  const mutable = { resources: new Map<string, Entry>(), outputs: new Map<string, Entry>() }
  const template = {
    parameters: section('Parameters'),
    mappings: section('Mappings'),
    conditions: section('Conditions'),
    ...mutable,
  }
  const evaluator = createEvaluator(template, surroundings)
  // Loops depend on parameters and mappings only.
  for (const [id, entry] of evaluator.expand(section('Resources'))) mutable.resources.set(id, entry)
  for (const [id, entry] of evaluator.expand(section('Outputs'))) mutable.outputs.set(id, entry)
  const nameOf = surroundings?.nameOf ?? (name => name)
  const resources = readEach(document, template.resources, evaluator, nameOf, unresolved)
  return { source, template, evaluator, resources, unresolved }
}

/** What a stack has; `lookUp` finds a resource of any stack that is read together with it. */
export function readStack(
  { source, template, evaluator, resources, unresolved }: Stack,
  lookUp: (id: string) => Resource | undefined,
): Infrastructure {
  const { document, included, parts } = source
  const ofType = (type: string) => [...resources.values()].filter(resource => resource.type === type)
  const reader = createReader(document, evaluator, resources, template.parameters, lookUp)

  const groups = ofType('AWS::Cognito::UserPoolGroup').map(resource => reader.group(resource))
  const memberships = ofType('AWS::Cognito::UserPoolUserToGroupAttachment').map(resource => reader.membership(resource))
  const roleMaps = roleMapsIn(template.resources)
  const attachments = [
    ...ofType('AWS::Cognito::IdentityPoolRoleAttachment').map(resource => reader.attachment(resource)),
    ...[...resources].flatMap(([id, resource]) => (roleMaps.has(id) ? [reader.roleMap(resource)] : [])),
  ]
  const touchesCognito = [...resources.values()].some(({ type }) => type.startsWith('AWS::Cognito::'))
  const identities = new Map([...resources].map(([id, resource]) => [id, resource.id]))
  const unknown = unknownTypes(document, template.resources, roleMaps)
  const ofMacros = parts.flatMap(part => macros(document, part))
  return {
    format: source.format,
    paths: [document.path, ...included.map(({ path }) => path)],
    pools: reader.pools(),
    groups,
    roles: ofType('AWS::IAM::Role').map(resource => reader.role(resource)),
    identityPools: ofType('AWS::Cognito::IdentityPool').map(resource => reader.identityPool(resource)),
    attachments,
    memberships,
    declaredPrecedences: [],
    notFollowed: [...source.notFollowed, ...unknown.notFollowed],
    unseen: [...source.unseen, ...unknown.unseen, ...(touchesCognito ? [] : ofMacros.map(unseenMacro))],
    unresolved: [
      ...unresolved,
      ...reader.unresolved,
      ...[document, ...included].flatMap(one => repeatedKeys(one, template.resources, usedRoles(groups, attachments))),
      ...(touchesCognito
        ? ofMacros.map(({ name, location }) => ({
            why: `the transform ${name} may change what the template creates`,
            location,
          }))
        : []),
    ],
    misspelt: reader.misspelt,
    wrongIds: reader.wrongIds,
    missingSubs: reader.missingSubs,
    suppressions: [document, ...included]
      .flatMap(one => [...commented(one, template.resources, one === document ? parts : [])])
      .concat(inMetadata(document, template.resources, parts))
      .map(one => (one.target === undefined ? one : { ...one, target: identities.get(one.target) ?? one.target })),
  }
}

/** A stack that is read alone, without the stacks that it nests. */
export function readOne(source: StackSource, speaksOfCognito: boolean): Infrastructure {
  const stack = openStack(source)
  const infrastructure = readStack(stack, id => stack.resources.get(id))
  const nested = nestedStacks(stack).map(one => ({ nested: one, reason: one.reason }))
  const { notFollowed, unseen } = notFollowedStacks(nested, speaksOfCognito)
  return {
    ...infrastructure,
    notFollowed: [...infrastructure.notFollowed, ...notFollowed],
    unseen: [...(infrastructure.unseen ?? []), ...unseen],
  }
}

/** The template in what `aws cloudformation get-template` prints, or the document itself. */
function templateBody(document: SourceDocument): SourceNode {
  const body = nodeAt(document.root, 'TemplateBody')
  if (body === undefined || nodeAt(document.root, 'Resources') !== undefined) return document.root
  if (body.kind !== 'scalar') return body
  const inner = readYamlDocument(body.text, document.path)
  return movedTo(inner.root, body)
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
    if (section.kind === 'map')
      for (const [key, entry] of section.entries) merged.set(key, mergeEntries(merged.get(key), entry))
    else if (
      section.kind === 'opaque' ||
      section.kind === 'choice' ||
      (section.kind === 'scalar' && isVariable(section))
    ) {
      unresolved.push({
        why: `${quote(name)} comes from another file, which is not read`,
        location: document.locate(section),
      })
    } else throw document.invalid(section, `${quote(name)} is not a mapping`, 'give it names with values')
  }
  return merged
}

/** Serverless Framework merges what two parts have under one name. */
function mergeEntries(earlier: Entry | undefined, later: Entry): Entry {
  if (earlier?.value.kind !== 'map' || later.value.kind !== 'map') return later
  const entries = new Map(earlier.value.entries)
  for (const [key, entry] of later.value.entries) entries.set(key, mergeEntries(entries.get(key), entry))
  return { key: later.key, value: { ...later.value, entries } }
}

function readEach(
  document: SourceDocument,
  entries: ReadonlyMap<string, Entry>,
  evaluator: Evaluator,
  nameOf: (name: string) => string,
  unresolved: Unresolved[],
): ReadonlyMap<string, Resource> {
  const resources = new Map<string, Resource>()
  const { assumedLoops } = evaluator
  for (const [name, assumes] of assumedLoops) {
    const why = `${quote(name)} creates resources for the default of ${assumes.map(quote).join(', ')}`
    unresolved.push({ why: `${why}; a deployment may give another list`, location: { path: document.path } })
  }
  for (const [id, { key, value }] of entries) {
    const span = spanFrom(key, value)
    const location = { ...document.locate(span), construct: textAt(nodeAt(value, 'Metadata'), 'aws:cdk:path') ?? id }
    if (unseenKey([id]) !== undefined) {
      if (id === 'Fn::Transform' || mentionsCognito(value))
        unresolved.push({ why: `${quote(id)} creates resources at deployment`, location })
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
      id: nameOf(id),
      type,
      span,
      location,
      condition: holds === true || condition === undefined ? undefined : nameOf(condition),
      properties:
        properties?.kind === 'map' ? { ...properties, entries: evaluator.expand(properties.entries) } : properties,
      open: properties === undefined ? undefined : whyOpen(evaluator, properties),
      evaluate: evaluator.evaluate,
    })
  }
  return resources
}

/**
 * Why there may be properties that the template does not show: a macro adds them, or an expression stands for all of
 * them.
 */
function whyOpen(evaluator: Evaluator, properties: SourceNode): string | undefined {
  if (properties.kind !== 'map') return whyOf(evaluator.evaluate(properties))
  const unseen = unseenKey(evaluator.expand(properties.entries).keys())
  return unseen === undefined ? undefined : `${quote(unseen)} is evaluated at deployment`
}

/** If a key is repeated, the last one counts. Reported if that may hide a group or the role of a group. */
function repeatedKeys(
  { repeated, locate }: SourceDocument,
  resources: ReadonlyMap<string, Entry>,
  roles: ReadonlySet<string>,
): readonly Unresolved[] {
  if (repeated.length === 0) return []
  const judged = [...resources].filter(([id, { value }]) => roles.has(id) || isOfCognito(value))
  const isInside = ({ start, end, source }: Span) =>
    judged.some(([, { key, value }]) => {
      const span = spanFrom(key, value)
      return span.source === source && span.start <= start && end <= span.end
    })
  return repeated
    .filter(
      one => isOfCognito(one.replaced) || (SECTIONS.has(one.name) && mentionsCognito(one.replaced)) || isInside(one),
    )
    .map(one => ({ why: `the key ${quote(one.name)} is repeated, and the last one counts`, location: locate(one) }))
}

const SECTIONS: ReadonlySet<string> = new Set(['Resources', 'Parameters', 'Mappings', 'Conditions'])

function isOfCognito(node: SourceNode): boolean {
  return (textAt(node, 'Type') ?? '').startsWith('AWS::Cognito::')
}

/** The roles of the template that groups or identity pools have. */
function usedRoles(groups: readonly GroupDefinition[], attachments: readonly RoleAttachment[]): ReadonlySet<string> {
  const values = [...groups.map(({ role }) => role), ...attachments.flatMap(handedOutRoles).map(({ role }) => role)]
  return new Set(
    values.flatMap(value => possibilities(value).values.flatMap(role => (role === undefined ? [] : [role.id]))),
  )
}

export function mentionsCognito(node: SourceNode): boolean {
  switch (node.kind) {
    case 'scalar':
      return node.text.startsWith('AWS::Cognito::')
    case 'list':
      return node.items.some(mentionsCognito)
    case 'map':
      return [...node.entries.values()].some(entry => mentionsCognito(entry.value))
    case 'opaque':
      return false
    case 'choice':
      return node.options.some(({ value }) => mentionsCognito(value))
  }
}

/** AWS's transforms do not affect what is read here, except for an include, which is followed. A custom macro may. */
function macros(document: SourceDocument, part: SourceNode): readonly Macro[] {
  const transforms = ['Transform', 'Fn::Transform'].flatMap(key => {
    const node = nodeAt(part, key)
    return node === undefined ? [] : node.kind === 'list' ? node.items : [node]
  })
  return transforms.flatMap(node => {
    const name = node.kind === 'scalar' ? node.text : (textAt(node, 'Name') ?? 'a macro')
    if (name.startsWith('AWS::')) return []
    return [{ name: quote(name), location: document.locate(node) }]
  })
}

interface Macro {
  readonly name: string
  readonly location: Location
}

function unseenMacro({ name, location }: Macro): NotFollowed {
  return {
    what: `Transform ${name}`,
    why: 'it is a macro, which may create any resource',
    next: 'Validate the processed template: `aws cloudformation get-template --template-stage Processed`',
    location,
  }
}

/** Octal, hexadecimal, binary and sexagesimal numbers, with a sign or with underscores in between. */
const READ_IN_TWO_WAYS = /^(?!-?(?:0|[1-9]\d*)$)[-+]?(?:0[bx])?[\da-f][\da-f_:]*$/i

interface Reader {
  group(resource: Resource): GroupDefinition
  role(resource: Resource): RoleDefinition
  identityPool(resource: Resource): IdentityPoolDefinition
  attachment(resource: Resource): RoleAttachment
  /** The role mapping that Amplify's role map sets. */
  roleMap(resource: Resource): RoleAttachment
  membership(resource: Resource): Membership
  /** From what was read so far. */
  pools(): readonly PoolDefinition[]
  readonly unresolved: readonly Unresolved[]
  readonly misspelt: readonly MisspeltProperty[]
  readonly wrongIds: readonly WrongId[]
  readonly missingSubs: readonly MissingSub[]
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_Cognito.html */
const PROPERTIES = {
  group: ['Description', 'GroupName', 'Precedence', 'RoleArn', 'UserPoolId'],
  membership: ['GroupName', 'Username', 'UserPoolId'],
  attachment: ['IdentityPoolId', 'RoleMappings', 'Roles'],
  identityPool: [
    'AllowClassicFlow',
    'AllowUnauthenticatedIdentities',
    'CognitoEvents',
    'CognitoIdentityProviders',
    'CognitoStreams',
    'DeveloperProviderName',
    'IdentityPoolName',
    'IdentityPoolTags',
    'OpenIdConnectProviderARNs',
    'PushSync',
    'SamlProviderARNs',
    'SupportedLoginProviders',
  ],
  provider: ['ClientId', 'ProviderName', 'ServerSideTokenCheck'],
  mapping: ['AmbiguousRoleResolution', 'IdentityProvider', 'RulesConfiguration', 'Type'],
  rules: ['Rules'],
  rule: ['Claim', 'MatchType', 'RoleARN', 'Value'],
} as const

/** The name of the value that `Ref` returns. */
function identityOfPool(id: string): string {
  return `\${${id}}`
}

const ID_TYPES = {
  'user pool': 'AWS::Cognito::UserPool',
  'identity pool': 'AWS::Cognito::IdentityPool',
  'app client': 'AWS::Cognito::UserPoolClient',
} as const
const ID_ATTRIBUTES = { 'user pool': 'UserPoolId', 'identity pool': 'Id', 'app client': 'ClientId' } as const

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/pseudo-parameter-reference.html */
const PSEUDO_PARAMETERS: ReadonlySet<string> = new Set(
  ['AccountId', 'Partition', 'Region', 'StackId', 'StackName', 'URLSuffix'].map(name => `AWS::${name}`),
)

/** The types whose IDs are mistaken for a pool's. */
const COGNITO_TYPES: ReadonlyMap<string, string> = new Map([
  ['AWS::Cognito::UserPool', 'user pool'],
  ['AWS::Cognito::IdentityPool', 'identity pool'],
  ['AWS::Cognito::UserPoolClient', 'app client'],
])

function createReader(
  document: SourceDocument,
  { parseJson }: Evaluator,
  own: ReadonlyMap<string, Resource>,
  parameters: ReadonlyMap<string, Entry>,
  lookUp: (id: string) => Resource | undefined,
): Reader {
  const unresolved: Unresolved[] = []
  const misspelt: MisspeltProperty[] = []
  const wrongIds: WrongId[] = []
  const missingSubs: MissingSub[] = []
  const pools = new Map<string, PoolDefinition>()
  for (const { id, type } of own.values()) if (type === 'AWS::Cognito::UserPool') pools.set(id, { id, name: id })

  /** Leaves out resources that are never created, because their condition is false. */
  const typeOf = (to: Reference) => lookUp(to.id)?.type

  function property(resource: Resource, name: string): Evaluated<Span> {
    const node = nodeAt(resource.properties, name)
    if (node !== undefined) return resource.evaluate(node)
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

  function readBoolean(present: Present<Span>): Value<boolean> {
    const location = locate(present)
    const text = present.is === 'scalar' ? present.text.toLowerCase() : ''
    if (text === 'true' || text === 'false') return { is: 'known', value: text === 'true', location }
    return { is: 'unknown', why: whyOf(present) ?? 'it is neither true nor false', location }
  }

  /** A name for something that need not be known: equal names stand for the same thing. */
  function readName(present: Present<Span>): Value<string> {
    const name = present.is === 'scalar' || present.is === 'symbolic' ? identityOf(present) : undefined
    return name === undefined ? readString(present) : { is: 'known', value: name, location: locate(present) }
  }

  /** The name of the resource, whichever attribute is used. */
  function readIdentityPool(present: Present<Span>): Value<string> {
    const to = loneSymbol(present)?.to
    return to !== undefined && typeOf(to) === 'AWS::Cognito::IdentityPool'
      ? { is: 'known', value: identityOfPool(to.id), location: locate(present) }
      : readName(present)
  }

  /**
   * The string of a provider with `${Pool}` in it, if the value of each placeholder is known to be one word: no colon,
   * no slash. A user pool's `ProviderName` is written out; in China it ends in `.cn`.
   *
   * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-cognito-userpool.html
   */
  function readProvider(present: Present<Span>): Value<string> {
    if (present.is !== 'symbolic') return readString(present)
    const texts = textsOfProvider(present)
    const location = locate(present)
    const open = present.parts[texts.indexOf(undefined)]
    if (typeof open === 'object') return { is: 'unknown', why: open.why, location }
    return { is: 'known', value: texts.join(''), location }
  }

  function textsOfProvider({ parts }: Extract<Present<Span>, { is: 'symbolic' }>): readonly (string | undefined)[] {
    return parts.map(part => (typeof part === 'string' ? part : textOfProvider(part)))
  }

  /** The same with any other placeholders as written; undefined for values without a name. */
  function writtenProvider(evaluated: Evaluated<Span>): string | undefined {
    if (evaluated.is === 'absent') return undefined
    if (evaluated.is !== 'symbolic') return identityOf(evaluated)
    const texts = textsOfProvider(evaluated).map((text, index) => {
      const part = evaluated.parts[index]!
      return text ?? (typeof part === 'string' ? part : part.text)
    })
    return texts.includes(undefined) ? undefined : texts.join('')
  }

  function textOfProvider({ text, to }: TemplateSymbol): string | undefined {
    if (to === undefined) return undefined
    const { id, attribute } = to
    switch (typeOf(to)) {
      case 'AWS::Cognito::UserPool':
        // Neither has the client's ID.
        if (attribute === 'ProviderURL') return `https://cognito-idp.\${AWS::Region}.amazonaws.com/\${${id}}`
        if (attribute === 'Arn')
          return `arn:\${AWS::Partition}:cognito-idp:\${AWS::Region}:\${AWS::AccountId}:userpool/\${${id}}`
        if (attribute === 'ProviderName') return `cognito-idp.\${AWS::Region}.amazonaws.com/\${${id}}`
        return attribute === '' || attribute === 'UserPoolId' ? text : undefined
      case 'AWS::Cognito::UserPoolClient':
        return attribute === '' || attribute === 'ClientId' ? text : undefined
      default:
        if (id === 'AWS::URLSuffix') return 'amazonaws.com'
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
    // CloudFormation converts a string into the number that its property needs.
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

  /** The pool's id. Also records the pool. */
  function poolOf(evaluated: Evaluated<Span>): string | undefined {
    const to = loneSymbol(evaluated)?.to
    // Its ARN and the name of its provider are wrong here, but still identify the pool.
    if (to !== undefined && typeOf(to) === 'AWS::Cognito::UserPool') return to.id
    const unreplaced = intended(evaluated)
    if (unreplaced?.type === 'AWS::Cognito::UserPool') return unreplaced.id
    const id = evaluated.is === 'absent' ? undefined : identityOf(evaluated)
    if (id !== undefined && !pools.has(id)) {
      const userPoolId = evaluated.is === 'scalar' && isUserPoolId(id) ? { userPoolId: id } : {}
      pools.set(id, { id, name: id, ...userPoolId, elsewhere: true })
    }
    return id
  }

  /** What a reference is, in words, if it is not the ID that is needed. */
  function wrongReference(to: Reference, needs: WrongId['needs']): string | undefined {
    const type = typeOf(to)
    const { attribute } = to
    if (type === ID_TYPES[needs] && ['', ID_ATTRIBUTES[needs]].includes(attribute)) return undefined
    const what = type === undefined ? undefined : COGNITO_TYPES.get(type)
    if (what === undefined) return undefined
    const whole = ['', 'Id', 'ClientId', 'UserPoolId'].includes(attribute)
    return `${whole ? 'the ID' : attribute === 'Arn' ? 'the ARN' : `the attribute ${quote(attribute)}`} of the ${what} ${quote(to.id)}`
  }

  /** Where the conditions of a policy need the ID of an identity pool. */
  function markOf(to: Reference): Mark {
    const is = wrongReference(to, 'identity pool')
    return is === undefined && typeOf(to) === ID_TYPES['identity pool'] ? { pool: identityOfPool(to.id) } : { is }
  }

  /** The placeholders in a string that name something in the template, as if it were the string of a `Fn::Sub`. */
  function namesIn(text: string): readonly string[] {
    return [...text.matchAll(/\$\{([A-Za-z][\w:.]{0,255})\}/g)].flatMap(([, name]) => (isName(name!) ? [name!] : []))
  }

  function isName(name: string): boolean {
    const [first = ''] = name.split('.')
    return PSEUDO_PARAMETERS.has(first) || own.has(first) || parameters.has(first)
  }

  /** The placeholder in a string that nothing replaces, if it is the whole string. */
  function intended(evaluated: Evaluated<Span>): Resource | undefined {
    const [, name = ''] = evaluated.is === 'scalar' ? (/^\$\{(\w+)\}$/.exec(evaluated.text) ?? []) : []
    return own.get(name)
  }

  /** The same for the string of a policy. Policy variables do not count. */
  function markOfText(text: string): Mark | undefined {
    if (namesIn(text).length === 0) return undefined
    const is = `${quote(text)}, a string whose placeholders are not replaced (is \`Fn::Sub\` missing?),`
    return { is, starts: text.slice(0, text.indexOf('${')) }
  }

  /** Records a string with placeholders that nothing replaces. */
  function checkText(id: string, property: string, evaluated: Evaluated<Span>, needs: MissingSub['needs']): void {
    for (const one of evaluated.is === 'one-of' ? evaluated.values : [evaluated]) {
      if (one.is !== 'scalar' || namesIn(one.text).length === 0) continue
      const certain = evaluated.is !== 'one-of'
      missingSubs.push({ resource: id, property, needs, text: one.text, certain, location: locate(one) })
    }
  }

  function checkId({ id, location }: Resource, property: string, evaluated: Evaluated<Span>, needs: WrongId['needs']) {
    checkText(id, property, evaluated, needs)
    for (const one of evaluated.is === 'one-of' ? evaluated.values : [evaluated]) {
      const to = loneSymbol(one)?.to
      const what = to === undefined ? undefined : wrongReference(to, needs)
      const asWritten = one.is === 'scalar' ? wrongId(one.text, needs) : undefined
      const wrong = what === undefined ? asWritten : { what, certain: true }
      if (wrong === undefined) continue
      const certain = wrong.certain && evaluated.is !== 'one-of'
      wrongIds.push({ ...wrong, certain, resource: id, property, needs, location: locate(one) ?? location })
    }
  }

  function poolOfResource(resource: Resource): string {
    const evaluated = property(resource, 'UserPoolId')
    checkId(resource, 'UserPoolId', evaluated, 'user pool')
    const id = poolOf(evaluated)
    if (id !== undefined) {
      const unclear = loneSymbol(evaluated)
      if (unclear?.isUnclear === true) {
        const { why } = unclear
        unresolved.push({
          why: `the user pool of ${quote(resource.id)} is not known: ${why}`,
          location: resource.location,
          pool: id,
        })
      }
      return id
    }
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
    const split = splitProvider(provider)
    if (split === undefined) return undefined
    if (split.pool !== undefined) return poolOf(split.pool)
    const named = loneSymbol(split.issuer)?.to
    if (named?.attribute === 'ProviderName' && typeOf(named) === 'AWS::Cognito::UserPool') return named.id
    const owner = lookUp(clientOf(split.client) ?? '')
    return owner === undefined ? undefined : poolOf(property(owner, 'UserPoolId'))
  }

  /** The `id` of the client that it is, if this template makes it. */
  function clientOf(evaluated: Evaluated<Span> | undefined): string | undefined {
    const to = evaluated && loneSymbol(evaluated)?.to
    const isId = to !== undefined && ['', 'ClientId'].includes(to.attribute)
    return isId && typeOf(to) === 'AWS::Cognito::UserPoolClient' ? to.id : undefined
  }

  function checkClient(id: string, property: string, evaluated: Evaluated<Span> | undefined): void {
    const to = evaluated && loneSymbol(evaluated)?.to
    const what = to && wrongReference(to, 'app client')
    if (what !== undefined)
      wrongIds.push({ what, certain: true, resource: id, property, needs: 'app client', location: locate(evaluated!) })
  }

  /** Includes possible values. The content of a JSON string counts as if it were written directly. */
  function unwrapJson(evaluated: Evaluated<Span>): Evaluated<Span> {
    if (evaluated.is === 'one-of') return { ...evaluated, values: evaluated.values.map(unwrapJson) }
    return evaluated.is === 'absent' || evaluated.is === 'unknown' ? evaluated : parseJson(evaluated)
  }

  function readEntries<T>(present: Present<Span>, read: (entry: EvaluatedEntry<Span>) => T): Value<readonly T[]> {
    const location = locate(present)
    if (present.is !== 'map') return { is: 'unknown', why: whyOf(present) ?? 'it is not a mapping', location }
    return { is: 'known', value: entriesOf(present).map(read), location }
  }

  function readList<T>(present: Present<Span>, read: (item: Evaluated<Span>) => T): Value<readonly T[]> {
    const location = locate(present)
    if (present.is !== 'list') return { is: 'unknown', why: whyOf(present) ?? 'it is not a list', location }
    return { is: 'known', value: present.items.map(read), location }
  }

  const stringMember = (evaluated: Evaluated<Span>, name: string) =>
    toValue(member(evaluated, name), document.locate, readString)

  function readMapping({ name, key, value }: EvaluatedEntry<Span>, id: string): RoleMappingDefinition {
    checkMembers(id, value, 'mapping')
    checkMembers(id, member(value, 'RulesConfiguration'), 'rules')
    const named = member(value, 'IdentityProvider')
    const provider = named.is === 'absent' ? key : named
    const rules = member(member(value, 'RulesConfiguration'), 'Rules')
    checkText(id, 'RoleMappings', provider, 'provider')
    checkClient(id, 'RoleMappings', splitProvider(provider)?.client)
    return {
      key: name,
      identityProvider: toValue(provider, document.locate, readProvider),
      written: writtenProvider(provider),
      pool: poolOfProvider(provider),
      client: clientOf(splitProvider(provider)?.client),
      type: stringMember(value, 'Type'),
      ambiguousRoleResolution: stringMember(value, 'AmbiguousRoleResolution'),
      rules: toValue(rules, document.locate, present => readList(present, rule => readRule(rule, id))),
      location: document.locate(spanFrom(key.at, value.at)),
    }
  }

  function readIdentityProvider(provider: Evaluated<Span>, id: string): IdentityPoolProvider {
    checkMembers(id, provider, 'provider')
    const name = member(provider, 'ProviderName')
    const client = member(provider, 'ClientId')
    const written = [writtenProvider(name), writtenProvider(client)]
    checkText(id, 'CognitoIdentityProviders', name, 'provider')
    checkText(id, 'CognitoIdentityProviders', client, 'app client')
    checkClient(id, 'CognitoIdentityProviders', client)
    return {
      name: toValue(name, document.locate, readProvider),
      clientId: toValue(client, document.locate, readProvider),
      written: written.includes(undefined) ? undefined : written.join(':'),
      pool: poolOfProvider(name),
      client: clientOf(client),
      location: locate(provider),
    }
  }

  function readRule(rule: Evaluated<Span>, id: string): MappingRuleDefinition {
    checkMembers(id, rule, 'rule')
    checkText(id, 'RoleMappings', member(rule, 'RoleARN'), 'role')
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
    wrongIds,
    missingSubs,
    pools: () => [...pools.values()],
    group: resource => {
      checkProperties(resource, 'group')
      checkText(resource.id, 'RoleArn', property(resource, 'RoleArn'), 'role')
      const groupName = propertyValue(resource, 'GroupName', readString)
      return {
        id: resource.id,
        pool: poolOfResource(resource),
        groupName:
          groupName.is === 'absent'
            ? { ...groupName, is: 'unknown', why: 'CloudFormation generates a value that is not set' }
            : groupName,
        precedence: propertyValue(resource, 'Precedence', readPrecedence),
        role: propertyValue(resource, 'RoleArn', readRole),
        location: resource.location,
        condition: resource.condition,
      }
    },
    role: resource => ({
      id: resource.id,
      trustPolicy: documentValue(resource, 'AssumeRolePolicyDocument', present => {
        const assumes = assumptionsIn(present)
        return {
          is: 'known',
          value: toPlain(present, { reference: markOf, text: markOfText }),
          location: locate(present),
          ...(assumes.length > 0 && { assumes }),
        }
      }),
      location: resource.location,
    }),
    identityPool: resource => (
      checkProperties(resource, 'identityPool'),
      {
        id: identityOfPool(resource.id),
        resource: resource.id,
        allowsGuests: propertyValue(resource, 'AllowUnauthenticatedIdentities', readBoolean),
        providers: propertyValue(resource, 'CognitoIdentityProviders', present =>
          readList(present, provider => readIdentityProvider(provider, resource.id)),
        ),
        location: resource.location,
      }
    ),
    attachment: resource => (
      checkProperties(resource, 'attachment'),
      checkId(resource, 'IdentityPoolId', property(resource, 'IdentityPoolId'), 'identity pool'),
      {
        id: resource.id,
        identityPool: propertyValue(resource, 'IdentityPoolId', readIdentityPool),
        roles: documentValue(resource, 'Roles', present =>
          readEntries(present, ({ name, key, value }) => {
            checkText(resource.id, 'Roles', value, 'role')
            return {
              key: name,
              role: toValue(value, document.locate, readRole),
              location: document.locate(spanFrom(key.at, value.at)),
            }
          }),
        ),
        mappings: documentValue(resource, 'RoleMappings', present =>
          readEntries(present, entry => readMapping(entry, resource.id)),
        ),
        location: resource.location,
      }
    ),
    roleMap: resource => ({
      id: resource.id,
      identityPool: propertyValue(resource, 'identityPoolId', readIdentityPool),
      roles: {
        is: 'known',
        value: (['authenticated', 'unauthenticated'] as const).map(key => ({
          key,
          role: propertyValue(resource, key === 'authenticated' ? 'AuthRoleArn' : 'UnauthRoleArn', readRole),
          location: resource.location,
        })),
      },
      mappings: {
        is: 'known',
        value: [tokenMapping('appClientID', poolOf(property(resource, 'userPoolId')), resource.location)],
      },
      replacesOther: true,
      location: resource.location,
    }),
    membership: resource => {
      checkProperties(resource, 'membership')
      const username = property(resource, 'Username')
      return {
        pool: poolOfResource(resource),
        username: toValue(username, document.locate, readName),
        ...(username.is === 'symbolic' && { unknownUsername: whyOf(username) ?? 'only the deployment knows it' }),
        groupName: propertyValue(resource, 'GroupName', readString),
        location: resource.location,
        ...(resource.condition !== undefined && { condition: resource.condition }),
      }
    },
  }
}

/** Its two parts, `cognito-idp.REGION.amazonaws.com/POOL` and `CLIENT`; undefined if it is not a string. */
function splitProvider(provider: Evaluated<Span>) {
  if (provider.is !== 'scalar' && provider.is !== 'symbolic') return undefined
  const parts = provider.is === 'scalar' ? [provider.text] : provider.parts
  // A symbol's name may contain the marks that are looked for, so a number between NULs replaces it.
  if (parts.some(part => typeof part === 'string' && part.includes('\0'))) return undefined
  const text = parts.map((part, index) => (typeof part === 'string' ? part : `\0${index}\0`)).join('')
  const restore = (piece: string): Evaluated<Span> => {
    const pieces = piece.split(/\0(\d+)\0/).map((some, index) => (index % 2 === 0 ? some : parts[Number(some)]!))
    if (pieces.length === 1) return literal(piece, provider.at)
    return { is: 'symbolic', parts: pieces.filter(some => some !== ''), at: provider.at }
  }
  const [, issuer = '', client = ''] = /^([^:]*)(?::(.*))?$/s.exec(text) ?? []
  const slash = issuer.lastIndexOf('/')
  const named = slash !== -1 && slash < issuer.length - 1 ? restore(issuer.slice(slash + 1)) : undefined
  return { issuer: restore(issuer), pool: named, client: restore(client) }
}

function member(evaluated: Evaluated<Span>, name: string): Evaluated<Span> {
  const { at } = evaluated
  if (evaluated.is === 'absent') return evaluated
  if (evaluated.is !== 'map') return { is: 'unknown', why: whyOf(evaluated) ?? 'it is not a mapping', at }
  return evaluated.entries.get(name) ?? { is: 'absent', at }
}
