import { isRolecastError } from '../errors.js'
import { field, isRecord, type JsonRecord, listOf } from './json-text.js'
import type { TemplateFormat } from './formats.js'
import { MAX_CHARACTERS, readYamlDocument, type SourceNode } from './yaml-document.js'

/**
 * The format of a text, by what it says; HCL also by the end of the path, since what is in it can be anything. A text that is
 * clearly meant to be of a format is of it, even where its reader will reject it. Undefined: of none.
 */
export function detectFormat(text: string, path = '-'): TemplateFormat | undefined {
  if (/\.tf(\.json)?$/.test(path)) return 'terraform-source'
  if (!/^\s*[{[]/.test(text)) return detectYaml(text) ?? (HCL_BLOCK.test(text) ? 'terraform-source' : undefined)
  try {
    return detectJson(JSON.parse(text))
  } catch {
    return detectStream(text) ?? detectFlow(text)
  }
}

const HCL_BLOCK = /^(?:resource|data)[ \t]+"[\w-]+"[ \t]+"[\w-]+"[ \t]*\{/m

function detectJson(value: unknown): TemplateFormat | undefined {
  if (Array.isArray(value)) return value.length > 0 && value.every(isDeclared) ? 'amplify' : undefined
  if (!isRecord(value)) return undefined
  const has = (key: string) => field(value, key) !== undefined
  if (typeof field(value, 'format_version') === 'string' && ['planned_values', 'values', 'terraform_version'].some(has))
    return 'terraform-plan'
  if (has('lineage') && has('terraform_version')) return 'terraform-plan'
  if (has('changeSummary') || listOf(field(value, 'steps')).some(step => isUrn(field(step, 'urn'))))
    return 'pulumi-preview'
  if (typeof field(field(value, 'auth'), 'user_pool_id') === 'string') return 'amplify'
  const resources = field(value, 'Resources')
  const types = isRecord(resources) ? Object.values(resources).map(resource => field(resource, 'Type')) : []
  return detectKeys(new Set(Object.keys(value)), () => types.some(isAwsType))
}

function isDeclared(item: unknown): boolean {
  return typeof field(item, 'groupName') === 'string'
}

function isUrn(value: unknown): boolean {
  return typeof value === 'string' && value.startsWith('urn:pulumi:')
}

/** By the outermost keys; what only has `Resources` has to have one of AWS. */
function detectKeys(keys: ReadonlySet<string>, hasAwsType: () => boolean): TemplateFormat | undefined {
  if (keys.has('service') && (keys.has('provider') || keys.has('resources'))) return 'serverless'
  if (!keys.has('Resources')) return undefined
  return keys.has('AWSTemplateFormatVersion') || keys.has('Transform') || hasAwsType() ? 'cloudformation' : undefined
}

function isAwsType(type: unknown): boolean {
  return typeof type === 'string' && /^(?:AWS|Custom|Alexa)::/.test(type)
}

/** Lines of events, which the readers reject with the way to get a document. */
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
  if (depth === 0 || node.kind === 'opaque') return null
  if (node.kind === 'list') return node.items.map(item => outlineOf(item, depth - 1))
  const outline: Record<string, unknown> = Object.create(null)
  for (const [key, { value }] of node.entries) outline[key] = outlineOf(value, depth - 1)
  return outline satisfies JsonRecord
}

/** By the keys of the outermost mapping: the whole is not parsed, for most YAML is something else. */
function detectYaml(whole: string): TemplateFormat | undefined {
  // What is longer is rejected by its reader anyway.
  const text = whole.slice(0, MAX_CHARACTERS)
  const indent = /^(?!---|%|[ \t]*(?:#|$))[ ]*/m.exec(text)?.[0].length ?? 0
  const keys = new Set<string>()
  for (const [, spaces, , key] of text.matchAll(/^( *)(["']?)([\w:.-]+)\2[ \t]*:(?=\s|$)/gm))
    if (spaces!.length === indent) keys.add(key!)
  return detectKeys(keys, () => /\bType["']?[ \t]*:[ \t]*["']?(?:AWS|Custom|Alexa)::/.test(text))
}
