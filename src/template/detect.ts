import { isRolecastError } from '../errors.js'
import { isAmplifyBackend } from './amplify/detect.js'
import { field, isRecord, type JsonRecord, listOf } from './json-text.js'
import type { TemplateFormat } from './formats.js'
import { MAX_CHARACTERS, readYamlDocument, type SourceNode } from './yaml-document.js'

/**
 * The format of a text, by what it says; HCL also by the end of the path, since what is in it can be anything. A text
 * that is clearly meant to be of a format is of it, even where its reader will reject it. Undefined: of none.
 *
 * @example
 * import { detectFormat } from 'rolecast/template'
 *
 * const text = '{ "Groups": [{ "GroupName": "admins", "UserPoolId": "eu-west-1_Ab12Cd34e" }] }'
 * console.log(detectFormat(text)) // user-pool
 */
export function detectFormat(text: string, path = '-'): TemplateFormat | undefined {
  if (/\.tf(\.json)?$/.test(path)) return 'terraform-source'
  if (isAmplifyBackend(text, path)) return 'amplify'
  // Anything in them that looks like a template is a part of them.
  if (PROGRAM.test(path) || (PATTERN.test(path) && PLACEHOLDER.test(text))) return undefined
  if (!/^\s*[{[]/.test(text)) return detectYaml(text) ?? (HCL_BLOCK.test(text) ? 'terraform-source' : undefined)
  try {
    return detectJson(JSON.parse(text))
  } catch {
    return detectStream(text) ?? detectFlow(text)
  }
}

const PROGRAM = /\.(?:[cm]?[jt]sx?|py|go|cs|fs|java|kts?|scala|rb|php|rs|sh|bash|zsh|ps1|psm1|bat|cmd)$/
/** Files from which another tool makes files. */
const PATTERN = /\.(?:j2|jinja2?|tpl|tftpl|tmpl|erb)$/
const PLACEHOLDER = /\{\{|\{%|<%|%\{/

const HCL_BLOCK = /^(?:resource|data)[ \t]+"[\w-]+"[ \t]+"[\w-]+"[ \t]*\{/m

function detectJson(value: unknown): TemplateFormat | undefined {
  if (Array.isArray(value)) return value.length > 0 && value.every(isDeclared) ? 'amplify' : undefined
  if (!isRecord(value)) return undefined
  const has = (key: string) => field(value, key) !== undefined
  if (typeof field(value, 'format_version') === 'string' && ['planned_values', 'values', 'terraform_version'].some(has))
    return 'terraform-plan'
  if (has('lineage') && has('terraform_version')) return 'terraform-plan'
  if (isRecord(field(value, 'deployment')) && has('version')) return isStackOfPulumi(value) ? 'pulumi-stack' : undefined
  if (has('changeSummary') || listOf(field(value, 'steps')).some(step => isUrn(field(step, 'urn'))))
    return 'pulumi-preview'
  if (typeof field(field(value, 'auth'), 'user_pool_id') === 'string') return 'amplify'
  const groups = listOf(field(value, 'Groups'))
  if (groups.length > 0 || typeof field(value, 'userPoolId') === 'string') {
    // IAM has groups with names too.
    const isOfPool = [value, ...groups].some(one => ['userPoolId', 'UserPoolId'].some(key => isText(field(one, key))))
    if (isOfPool && Array.isArray(field(value, 'Groups'))) return 'user-pool'
  }
  const made = field(value, 'resources')
  if (isRecord(made) && Object.values(made).some(one => isPulumiType(field(one, 'type')))) return 'pulumi-yaml'
  const resources = field(value, 'Resources')
  const types = isRecord(resources) ? Object.values(resources).map(resource => field(resource, 'Type')) : []
  return detectKeys(new Set(Object.keys(value)), () => types.some(isAwsType))
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

/** `aws:cognito:UserGroup`, `aws:cognito/userGroup:UserGroup`, `command:local:Command` */
function isPulumiType(value: unknown): boolean {
  return typeof value === 'string' && /^[a-z][\w-]*:[\w/-]+:\w+$/.test(value)
}

/** A stack that was never updated has no resources. */
function isStackOfPulumi(value: JsonRecord): boolean {
  const deployment = field(value, 'deployment')
  return (
    field(deployment, 'manifest') !== undefined ||
    listOf(field(deployment, 'resources')).some(one => isUrn(field(one, 'urn')))
  )
}

function isDeclared(item: unknown): boolean {
  return typeof field(item, 'groupName') === 'string'
}

function isUrn(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('urn:pulumi:')
}

/** By the outermost keys; if `Resources` is the only one, it needs a resource of AWS. */
function detectKeys(keys: ReadonlySet<string>, hasAwsType: () => boolean): TemplateFormat | undefined {
  if (keys.has('service') && (keys.has('provider') || keys.has('resources'))) return 'serverless'
  // What `aws cloudformation get-template` prints.
  if (keys.has('TemplateBody') && keys.has('StagesAvailable')) return 'cloudformation'
  if (!keys.has('Resources')) return undefined
  return keys.has('AWSTemplateFormatVersion') || keys.has('Transform') || hasAwsType() ? 'cloudformation' : undefined
}

function isAwsType(type: unknown): boolean {
  return typeof type === 'string' && /^(?:AWS|Custom|Alexa)::|::MODULE$/.test(type)
}

/** Lines of events, which the readers reject and say how to get a document. */
function detectStream(text: string): TemplateFormat | undefined {
  const end = text.indexOf('\n')
  let first: unknown
  try {
    first = JSON.parse(end < 0 ? text : text.slice(0, end))
  } catch {
    return undefined
  }
  if (field(first, 'sequence') !== undefined) return 'pulumi-preview'
  return field(first, '@level') === undefined ? undefined : 'terraform-plan'
}

/** JSON with trailing commas, or YAML in braces. */
function detectFlow(text: string): TemplateFormat | undefined {
  try {
    return detectJson(outlineOf(readYamlDocument(text, '-').root, 3))
  } catch (error) {
    if (isRolecastError(error)) return undefined
    throw error
  }
}

/** The node as plain data, as deep as detection looks. */
function outlineOf(node: SourceNode, depth: number): unknown {
  if (node.kind === 'scalar') return node.value
  if (depth === 0 || node.kind === 'opaque' || node.kind === 'choice') return null
  if (node.kind === 'list') return node.items.map(item => outlineOf(item, depth - 1))
  const outline: Record<string, unknown> = Object.create(null)
  for (const [key, { value }] of node.entries) outline[key] = outlineOf(value, depth - 1)
  return outline satisfies JsonRecord
}

const PULUMI_TYPE = /[\s{,"']type["']?[ \t]{0,9}:[ \t]{0,9}["']?[a-z][\w-]{0,99}:[\w/-]{1,99}:\w/

/** By the keys of the outermost mapping: the text is not fully parsed, because most YAML is something else. */
function detectYaml(whole: string): TemplateFormat | undefined {
  // A longer text is rejected by its reader anyway.
  const text = whole.slice(0, MAX_CHARACTERS)
  const indent = /^(?!---|%|[ \t]*(?:#|$))[ ]*/m.exec(text)?.[0].length ?? 0
  const keys = new Set<string>()
  for (const [, spaces, , key] of text.matchAll(/^( *)(["']?)([\w:.-]+)\2[ \t]*:(?=\s|$)/gm))
    if (spaces!.length === indent) keys.add(key!)
  if (keys.has('resources') && PULUMI_TYPE.test(text) && !keys.has('service')) return 'pulumi-yaml'
  if (keys.has('Groups') && /^[ \t-]*["']?UserPoolId["']?[ \t]*:/m.test(text)) return 'user-pool'
  return detectKeys(keys, () => hasResourceType(text))
}

/** Whether a `Type` is one of CloudFormation: a resource of AWS, a custom one, or a module. */
function hasResourceType(text: string): boolean {
  for (const [, type] of text.matchAll(/\bType["']?[ \t]*:[ \t]*["']?([A-Z][\w:]*)/g))
    if (/^(?:AWS|Custom|Alexa)::|::MODULE$/.test(type!)) return true
  return false
}
