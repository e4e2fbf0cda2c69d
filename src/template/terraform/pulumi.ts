import { quote } from '../../errors.js'
import type { Infrastructure, Location } from '../../rules/infrastructure.js'
import { field, isRecord, listOf, parseJsonRecord, STREAM, type TextSource, unreadable } from '../json-text.js'
import { type AwsResource, toInfrastructure } from './aws-resources.js'
import type { Reference } from '../evaluated.js'
import { fromJson, reference, type Term, unknown } from './term.js'

const SOURCE = {
  kind: 'Pulumi preview',
  next: 'make it with `pulumi preview --json`, and without PULUMI_ENABLE_STREAMING_JSON_PREVIEW',
}

const NATIVE_GROUP = 'aws-native:cognito:UserPoolGroup'

/** Pulumi's types, as those of Terraform's AWS provider, on which its classic provider is built. */
const TYPES: ReadonlyMap<string, string> = new Map([
  ['aws:cognito/userGroup:UserGroup', 'aws_cognito_user_group'],
  ['aws:cognito/userPool:UserPool', 'aws_cognito_user_pool'],
  ['aws:cognito/identityPool:IdentityPool', 'aws_cognito_identity_pool'],
  ['aws:cognito/identityPoolRoleAttachment:IdentityPoolRoleAttachment', 'aws_cognito_identity_pool_roles_attachment'],
  ['aws:cognito/userInGroup:UserInGroup', 'aws_cognito_user_in_group'],
  ['aws:iam/role:Role', 'aws_iam_role'],
  [NATIVE_GROUP, 'aws_cognito_user_group'],
  ['aws-native:cognito:UserPool', 'aws_cognito_user_pool'],
  ['aws-native:cognito:IdentityPool', 'aws_cognito_identity_pool'],
  ['aws-native:cognito:UserPoolUserToGroupAttachment', 'aws_cognito_user_in_group'],
  ['aws-native:iam:Role', 'aws_iam_role'],
])

/** What is named otherwise in Terraform, apart from case. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['roleMappings', 'role_mapping'],
  ['mappingRules', 'mapping_rule'],
  ['assumeRolePolicyDocument', 'assume_role_policy'],
])

/**
 * Reads `pulumi preview --json`: the steps, but for what they delete or only read. A location has no line, only the URN as
 * `construct`. A value that is unknown before the update is the resource that its property depends on, if that is one.
 *
 * Groups of the classic provider (`aws:`) are Terraform's underneath and rank as those do; groups of `aws-native:` are not.
 *
 * @throws RolecastError `invalid-input`: no JSON, an event stream, or a document without `steps`
 * @see https://www.pulumi.com/docs/iac/cli/commands/pulumi_preview/
 */
export function readPulumiPreview(text: string, path: string): Infrastructure {
  const source: TextSource = { ...SOURCE, path }
  const document = parseJsonRecord(text, source)
  if (field(document, 'sequence') !== undefined) throw unreadable(source, STREAM)
  const steps = field(document, 'steps')
  // A preview that has nothing to do at all has no steps.
  if (steps !== undefined && !Array.isArray(steps)) throw unreadable(source, 'its `steps` are not a list')
  if (steps === undefined && field(document, 'changeSummary') === undefined)
    throw unreadable(source, 'it has no `steps`')

  const resources = new Map<string, AwsResource>()
  for (const step of listOf(steps)) {
    const resource = readStep(step, source)
    if (resource === undefined) continue
    // A replacement is several steps of one URN, and all of them have the same inputs.
    const created = [resource, resources.get(resource.id)].some(one => one?.created === true)
    resources.set(resource.id, { ...resource, created })
  }
  return toInfrastructure({ format: 'pulumi-preview', paths: [path], resources: [...resources.values()] })
}

/** The operations after which the resource is not there, or never was ours. */
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

function readStep(step: unknown, source: TextSource): AwsResource | undefined {
  const operation = field(step, 'op')
  const state = field(step, 'newState')
  const pulumiType = field(state, 'type')
  if (typeof pulumiType !== 'string') return undefined
  const type = TYPES.get(pulumiType)
  if (type === undefined || NOT_KEPT.has(operation) || field(state, 'external') === true) return undefined
  const id = field(step, 'urn') ?? field(state, 'urn')
  if (typeof id !== 'string') throw unreadable(source, 'a step in it has no `urn`')
  const location: Location = { path: source.path, construct: id }
  return {
    type,
    id,
    location,
    attributes: readState(state, location),
    provider: pulumiType.startsWith('aws:') ? 'terraform' : undefined,
    created: CREATING.has(operation),
    before: operation === 'update' ? readState(field(step, 'oldState'), location) : undefined,
  }
}

/** The inputs, and what is known of the outputs that others refer to. */
function readState(state: unknown, location: Location): ReadonlyMap<string, Term> {
  const attributes = new Map<string, Term>()
  const add = (property: string, value: unknown) => {
    const dependencies = listOf(field(field(state, 'propertyDependencies'), property)).filter(
      urn => typeof urn === 'string',
    )
    const input: Input = { refers: toReferences(dependencies), location, isBlock: property === 'roleMappings' }
    const name = field(state, 'type') === NATIVE_GROUP && property === 'groupName' ? 'name' : terraformName(property)
    attributes.set(
      name,
      toTerm(name === 'assume_role_policy' && isRecord(value) ? JSON.stringify(value) : value, input, 0),
    )
  }
  const inputs = field(state, 'inputs')
  if (isRecord(inputs)) for (const [property, value] of Object.entries(inputs)) add(property, value)
  const arn = field(field(state, 'outputs'), 'arn')
  if (typeof arn === 'string') add('arn', arn)
  const id = field(state, 'id')
  if (typeof id === 'string' && id !== '') add('id', id)
  return attributes
}

/** What a URN's type gives when it is an input of another resource: a role its ARN, the others their id. */
function toReferences(urns: readonly string[]): readonly Reference[] {
  return [...new Set(urns)].map(id => {
    const type = TYPES.get(typeOfUrn(id)) ?? ''
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
  /** Whether its keys are property names; those of `roles` are the author's. */
  readonly isBlock: boolean
}

function toTerm(value: unknown, input: Input, depth: number): Term {
  const { refers, location, isBlock } = input
  if (typeof value === 'string' && value.includes(UNKNOWN)) return { ...toUnknown(value, refers), at: location }
  if (value === '[secret]' || field(value, SECRET_KEY) !== undefined)
    return { ...unknown('it is a secret', refers), at: location }
  if (depth > MAX_DEPTH) return { ...unknown('it is nested too deeply'), at: location }
  const inner = (item: unknown) => toTerm(item, input, depth + 1)
  if (Array.isArray(value)) return { is: 'list', items: value.map(inner), at: location }
  if (isRecord(value)) {
    const entries = new Map(
      Object.entries(value).map(([key, item]) => [isBlock ? terraformName(key) : key, inner(item)]),
    )
    return { is: 'map', entries, at: location }
  }
  return { ...fromJson(value), at: location }
}

function toUnknown(text: string, refers: readonly Reference[]): Term {
  const [only] = refers
  const names = refers.map(({ id }) => `${quote(id)}`).join(', ')
  const why = names === '' ? 'it is known after the update only' : `it is known after the update only, from ${names}`
  if (text === UNKNOWN) return only !== undefined && refers.length === 1 ? reference(only, why) : unknown(why, refers)
  const parts = text.split(UNKNOWN).flatMap((part, index) => (index === 0 ? [part] : [{ why, refers }, part]))
  return { is: 'symbolic', parts, at: undefined }
}

function terraformName(name: string): string {
  return NAMES.get(name) ?? name.replace(/[A-Z]/g, letter => `_${letter.toLowerCase()}`)
}
