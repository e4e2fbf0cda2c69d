import { quote } from '../../errors.js'
import type { Infrastructure, Location, NotFollowed } from '../../rules/infrastructure.js'
import type { Reference } from '../evaluated.js'
import {
  field,
  isRecord,
  type JsonRecord,
  listOf,
  parseJsonRecord,
  STREAM,
  type TextSource,
  unreadable,
} from '../json-text.js'
import { type AwsResource, toInfrastructure } from '../terraform/aws-resources.js'
import { fromJson, reference, type Term, unknown } from '../terraform/term.js'
import {
  attributeName,
  awsTypeOf,
  isBlock,
  notFollowedType,
  providerOf,
  terraformName,
  withClassicMappings,
} from './types.js'

const PREVIEW = {
  kind: 'Pulumi preview',
  next: 'make it with `pulumi preview --json`, and without PULUMI_ENABLE_STREAMING_JSON_PREVIEW',
}

const STACK = { kind: 'Pulumi stack', next: 'make it with `pulumi stack export`' }

/**
 * Reads `pulumi preview --json`: the steps, except for what they delete or only read. A location has no line, only the
 * URN as `construct`. A value that is unknown before the update is the resource that its property depends on, if that
 * is one.
 *
 * The classic provider (`aws:`) is built on Terraform's, so its groups rank in the same way; those of `aws-native:` do
 * not.
 *
 * @throws RolecastError `invalid-input`: not JSON, an event stream, or a document without `steps`
 * @see https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/
 */
export function readPulumiPreview(text: string, path: string): Infrastructure {
  const source: TextSource = { ...PREVIEW, path }
  const document = parseJsonRecord(text, source)
  if (field(document, 'sequence') !== undefined) throw unreadable(source, STREAM)
  const steps = field(document, 'steps')
  // A preview that has nothing to do at all has no steps.
  if (steps !== undefined && !Array.isArray(steps)) throw unreadable(source, 'its `steps` are not a list')
  if (steps === undefined && field(document, 'changeSummary') === undefined)
    throw unreadable(source, 'it has no `steps`')
  const states = listOf(steps).flatMap((step): readonly StateToRead[] => {
    const state = field(step, 'newState')
    const operation = field(step, 'op')
    if (!isRecord(state) || NOT_KEPT.has(operation)) return []
    return [
      {
        state,
        urn: field(step, 'urn') ?? field(state, 'urn'),
        created: CREATING.has(operation),
        before: operation === 'update' ? field(step, 'oldState') : undefined,
      },
    ]
  })
  return readStates('pulumi-preview', states, source)
}

/**
 * Reads `pulumi stack export`: the resources of a stack as they were when it was last updated. A location has no line,
 * only the URN as `construct`.
 *
 * @throws RolecastError `invalid-input`: not JSON, or a document without a `deployment`
 * @see https://www.pulumi.com/docs/iac/cli/commands/pulumi_stack_export/
 */
export function readPulumiStack(text: string, path: string): Infrastructure {
  const source: TextSource = { ...STACK, path }
  const deployment = field(parseJsonRecord(text, source), 'deployment')
  if (!isRecord(deployment)) throw unreadable(source, 'it has no `deployment`')
  const resources = field(deployment, 'resources')
  // A stack that was never updated has none.
  if (resources !== undefined && resources !== null && !Array.isArray(resources))
    throw unreadable(source, 'its `resources` are not a list')
  const states = listOf(resources).flatMap((state): readonly StateToRead[] =>
    // The old one of a replacement, until it is deleted.
    isRecord(state) && field(state, 'delete') !== true ? [{ state, urn: field(state, 'urn'), created: false }] : [],
  )
  return readStates('pulumi-stack', states, source)
}

/** The operations after which the resource does not exist, or was only read. */
const NOT_KEPT: ReadonlySet<unknown> = new Set([
  'delete',
  'delete-replaced',
  'discard',
  'discard-replaced',
  'remove-pending-replace',
  'read',
  'read-replacement',
  'refresh',
])
const CREATING: ReadonlySet<unknown> = new Set(['create', 'create-replacement', 'replace'])

interface StateToRead {
  readonly state: JsonRecord
  readonly urn: unknown
  readonly created: boolean
  readonly before?: unknown
}

function readStates(format: string, states: readonly StateToRead[], source: TextSource): Infrastructure {
  const resources = new Map<string, AwsResource>()
  const notFollowed = new Map<string, NotFollowed>()
  for (const { state, urn, created, before } of states) {
    const pulumiType = field(state, 'type')
    if (typeof pulumiType !== 'string') continue
    if (field(state, 'external') === true) continue
    const type = awsTypeOf(pulumiType)
    if (typeof urn !== 'string') {
      if (type === undefined) continue
      throw unreadable(source, 'a resource in it has no `urn`')
    }
    const location: Location = { path: source.path, construct: urn }
    if (type === undefined) {
      const found = notFollowedType(pulumiType, urn, location, () => speaksOfGroups(field(state, 'inputs')))
      if (found !== undefined) notFollowed.set(urn, found)
      continue
    }
    resources.set(urn, {
      type,
      id: urn,
      location,
      attributes: readState(state, location),
      provider: providerOf(pulumiType),
      // A replacement is several steps of one URN, and all of them have the same inputs.
      created: created || resources.get(urn)?.created === true,
      before: before === undefined ? undefined : readState(before, location),
    })
  }
  return toInfrastructure({
    format,
    paths: [source.path],
    resources: [...resources.values()],
    notFollowed: [...notFollowed.values()],
  })
}

/** Whether a command or a program of a resource has to do with what rolecast checks. */
function speaksOfGroups(inputs: unknown): boolean {
  return inputs !== undefined && SPEAKS.test(JSON.stringify(inputs) ?? '')
}

const SPEAKS = /cognito|user-?pool/i

/** The inputs, and the known outputs that others refer to. */
function readState(state: unknown, location: Location): ReadonlyMap<string, Term> {
  const attributes = new Map<string, Term>()
  const pulumiType = field(state, 'type')
  const typeText = typeof pulumiType === 'string' ? pulumiType : ''
  const add = (property: string, value: unknown) => {
    const dependencies = listOf(field(field(state, 'propertyDependencies'), property)).filter(
      urn => typeof urn === 'string',
    )
    const input: Input = { refers: toReferences(dependencies), location, isBlock: isBlock(property) }
    const name = attributeName(typeText, property)
    attributes.set(
      name,
      toTerm(name === 'assume_role_policy' && isRecord(value) ? JSON.stringify(value) : value, input, 0),
    )
  }
  const inputs = field(state, 'inputs')
  // Keys such as `__defaults` are Pulumi's own.
  if (isRecord(inputs))
    for (const [property, value] of Object.entries(inputs)) if (!property.startsWith('__')) add(property, value)
  const arn = field(field(state, 'outputs'), 'arn')
  if (typeof arn === 'string') add('arn', arn)
  const id = field(state, 'id')
  if (typeof id === 'string' && id !== '') add('id', id)
  return withClassicMappings(typeText, attributes)
}

/** What a resource of the URN's type passes to another resource: a role its ARN, the others their ID. */
function toReferences(urns: readonly string[]): readonly Reference[] {
  return [...new Set(urns)].map(id => {
    const type = awsTypeOf(typeOfUrn(id)) ?? ''
    return { id, type, attribute: type === 'aws_iam_role' ? 'arn' : type === '' ? '' : 'id' }
  })
}

/** `urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME` */
function typeOfUrn(urn: string): string {
  return urn.split('::')[2]?.split('$').at(-1) ?? ''
}

const UNKNOWN = '04da6b54-80e4-46f7-96ec-b56ff0331ba9'
const SECRET_KEY = '4dabf18193072939515e22adb298388d'
const MAX_DEPTH = 50

interface Input {
  readonly refers: readonly Reference[]
  readonly location: Location
  /** Whether its keys are property names. */
  readonly isBlock: boolean
}

function toTerm(value: unknown, input: Input, depth: number): Term {
  const { refers, location } = input
  if (typeof value === 'string' && value.includes(UNKNOWN)) return { ...toUnknown(value, refers), at: location }
  if (value === '[secret]' || field(value, SECRET_KEY) !== undefined)
    return { ...unknown('it is a secret', refers), at: location }
  if (depth > MAX_DEPTH) return { ...unknown('it is nested too deeply'), at: location }
  const inner = (item: unknown) => toTerm(item, input, depth + 1)
  if (Array.isArray(value)) return { is: 'list', items: value.map(inner), at: location }
  if (isRecord(value)) {
    // The keys of a mapping of mappings are the author's, those inside are names of properties.
    const isNamed = input.isBlock && depth > 0
    const own = Object.entries(value).filter(([key]) => !key.startsWith('__') || !input.isBlock)
    const entries = new Map(own.map(([key, item]) => [isNamed ? terraformName(key) : key, inner(item)]))
    return { is: 'map', entries, at: location }
  }
  return { ...fromJson(value), at: location }
}

function toUnknown(text: string, refers: readonly Reference[]): Term {
  const [only] = refers
  const names = refers.map(({ id }) => quote(id)).join(', ')
  const why = names === '' ? 'it is known after the update only' : `it is known after the update only, from ${names}`
  if (text === UNKNOWN) return only !== undefined && refers.length === 1 ? reference(only, why) : unknown(why, refers)
  const parts = text.split(UNKNOWN).flatMap((part, index) => (index === 0 ? [part] : [{ why, refers }, part]))
  return { is: 'symbolic', parts, at: undefined }
}
