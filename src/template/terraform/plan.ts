import { quote } from '../../errors.js'
import type { Infrastructure, Location, Unresolved } from '../../rules/infrastructure.js'
import { compareText } from '../../text.js'
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
import { AWS_TYPES, type AwsResource, providerOf, toInfrastructure } from './aws-resources.js'
import type { Reference } from '../evaluated.js'
import { fromJson, reference, type Term, unknown } from './term.js'

const NEXT = 'make it with `terraform plan -out=FILE` and `terraform show -json FILE`'

/**
 * Reads `terraform show -json`, of a plan (`terraform-plan`) or of a state (`terraform-state`), and OpenTofu's, which
 * is the same. A state has everything known, and no references: roles and pools are matched by ARN and id.
 *
 * A location has no line, only the address as `construct`: nobody edits a plan. Data sources and what the plan deletes
 * are left out. What is known only after apply is the resource it refers to, followed through variables and outputs of
 * modules, if it refers to exactly one; else it is unknown.
 *
 * @throws RolecastError `invalid-input`: not JSON, a `format_version` other than 1, a raw state file, an event stream
 * @see https://developer.hashicorp.com/terraform/internals/json-format
 */
export function readTerraformPlan(text: string, path: string): Infrastructure {
  const source: TextSource = { path, kind: 'Terraform plan', next: NEXT }
  const document = parseJsonRecord(text, source)
  checkFormat(document, source)
  const planned = field(document, 'planned_values')
  const isPlan = planned !== undefined
  const changes = new Map<unknown, unknown>()
  for (const change of listOf(field(document, 'resource_changes'))) {
    // A deposed object was left behind by a failed replacement: only its deletion is planned.
    if (field(change, 'deposed') === undefined) changes.set(field(change, 'address'), field(change, 'change'))
  }
  const root = moduleScope('', field(field(document, 'configuration'), 'root_module'))
  const values = isPlan ? planned : field(document, 'values')
  const resources = [...readModule(field(values, 'root_module'), root, { changes, source })]
  const unresolved = isPlan ? whyNotWhole(document, path) : []
  return toInfrastructure({
    format: isPlan ? 'terraform-plan' : 'terraform-state',
    paths: [path],
    resources,
    unresolved,
  })
}

/** Why a plan does not have everything that the configuration asks for. */
function whyNotWhole(document: JsonRecord, path: string): readonly Unresolved[] {
  const whys = [
    field(document, 'errored') === true &&
      'Terraform could not finish the plan (`errored`), and it is not known what is missing in it',
    field(document, 'complete') === false &&
      'the plan is partial (`complete` is false): its changes do not cover everything that the configuration asks for',
  ]
  return whys.flatMap(why => (why === false ? [] : [{ why, location: { path } }]))
}

function checkFormat(document: JsonRecord, source: TextSource): void {
  const version = field(document, 'format_version')
  if (version === undefined) {
    const isState = typeof field(document, 'version') === 'number' && field(document, 'lineage') !== undefined
    if (isState) throw unreadable({ ...source, next: 'make it with `terraform show -json`' }, 'it is a raw state file')
    if (field(document, '@level') !== undefined) throw unreadable(source, STREAM)
    throw unreadable(source, 'it has no `format_version`')
  }
  if (typeof version !== 'string' || !/^1\.\d+/.test(version)) {
    const shown = typeof version === 'string' || typeof version === 'number' ? ` ${quote(version)}` : ''
    const next = 'use a version of Terraform that writes version 1, or another version of rolecast'
    throw unreadable({ ...source, next }, `its \`format_version\`${shown} is not 1.x`)
  }
  if (field(document, 'planned_values') !== undefined || field(document, 'values') !== undefined) return
  // Terraform prints an empty state as the two versions and nothing else.
  const isEmptyState = Object.keys(document).every(key => key === 'format_version' || key === 'terraform_version')
  if (!isEmptyState) throw unreadable(source, 'it has neither `planned_values` nor `values`')
}

/** An instance of a module, with its configuration. */
interface ModuleScope {
  /** `''` for the root, else `module.a["x"].module.b`. */
  readonly address: string
  readonly configuration: unknown
  readonly resources: ReadonlyMap<string, unknown>
  /** The caller, and the arguments. */
  readonly caller?: { readonly scope: ModuleScope; readonly expressions: unknown } | undefined
}

function moduleScope(address: string, configuration: unknown, caller?: ModuleScope['caller']): ModuleScope {
  const resources = expressionsOf(configuration)
  return { address, configuration, resources, caller }
}

/** By configuration: a module that is called many times has one configuration, which is read once. */
const read = new WeakMap<object, ReadonlyMap<string, unknown>>()

/** The expressions of each resource of a module, by `TYPE.NAME`. */
function expressionsOf(configuration: unknown): ReadonlyMap<string, unknown> {
  const known = isRecord(configuration) ? read.get(configuration) : undefined
  if (known !== undefined) return known
  const expressions = new Map(
    listOf(field(configuration, 'resources'))
      .filter(resource => field(resource, 'mode') !== 'data')
      .flatMap(resource => {
        const key = configurationKey(resource)
        return key === undefined ? [] : [[key, field(resource, 'expressions')] as const]
      }),
  )
  if (isRecord(configuration)) read.set(configuration, expressions)
  return expressions
}

/** `TYPE.NAME`, which is the same in the values and in the configuration; undefined if one of them is not a string. */
function configurationKey(resource: unknown): string | undefined {
  const [type, name] = [field(resource, 'type'), field(resource, 'name')]
  return typeof type === 'string' && typeof name === 'string' ? `${type}.${name}` : undefined
}

function childScope(scope: ModuleScope, address: string, name: string): ModuleScope {
  const call = field(field(scope.configuration, 'module_calls'), name)
  return moduleScope(address, field(call, 'module'), { scope, expressions: field(call, 'expressions') })
}

function within(scope: ModuleScope, address: string): string {
  return scope.address === '' ? address : `${scope.address}.${address}`
}

interface Context {
  readonly changes: ReadonlyMap<unknown, unknown>
  readonly source: TextSource
}

const MAX_DEPTH = 100

function* readModule(module: unknown, scope: ModuleScope, context: Context, depth = 0): Generator<AwsResource> {
  if (depth > MAX_DEPTH) throw unreadable(context.source, `its modules are nested deeper than ${MAX_DEPTH}`)
  for (const resource of listOf(field(module, 'resources'))) {
    const read = readResource(resource, scope, context)
    if (read !== undefined) yield read
  }
  for (const child of listOf(field(module, 'child_modules'))) {
    const address = field(child, 'address')
    if (typeof address !== 'string') throw unreadable(context.source, 'a module in it has no `address`')
    const name = /^\.?module\.([\w-]+)/.exec(address.slice(scope.address.length))?.[1] ?? ''
    yield* readModule(child, childScope(scope, address, name), context, depth + 1)
  }
}

function readResource(resource: unknown, scope: ModuleScope, { changes, source }: Context): AwsResource | undefined {
  const type = field(resource, 'type')
  if (typeof type !== 'string' || !AWS_TYPES.has(type) || field(resource, 'mode') === 'data') return undefined
  const id = field(resource, 'address')
  if (typeof id !== 'string') throw unreadable(source, 'a resource in it has no `address`')
  const change = changes.get(id)
  const actions = listOf(field(change, 'actions'))
  const key = configurationKey(resource)
  const expressions = key === undefined ? undefined : scope.resources.get(key)
  const location: Location = { path: source.path, construct: id }
  const toTerms = (values: unknown, afterUnknown?: unknown) => {
    const term = plannedTerm(values, afterUnknown, expressions, { scope, location }, 0)
    return term.is === 'map' ? term.entries : new Map<string, Term>()
  }
  return {
    type,
    id,
    location,
    attributes: toTerms(field(resource, 'values'), field(change, 'after_unknown')),
    provider: providerOf(type),
    created: change === undefined ? undefined : actions.includes('create'),
    before: actions.includes('update') ? toTerms(field(change, 'before')) : undefined,
  }
}

/** The resource that a value belongs to. */
interface Owner {
  readonly scope: ModuleScope
  readonly location: Location
}

/** A planned value: its unknown parts are `true` in `after_unknown`, at the same path. */
function plannedTerm(value: unknown, afterUnknown: unknown, expression: unknown, owner: Owner, depth: number): Term {
  const { location } = owner
  if (afterUnknown === true) return { ...byReference(expression, owner.scope), at: location }
  if (depth > MAX_DEPTH) return { ...unknown('it is nested too deeply'), at: location }
  if (Array.isArray(value) || Array.isArray(afterUnknown)) {
    const [values, unknowns] = [listOf(value), listOf(afterUnknown)]
    const length = Math.max(values.length, unknowns.length)
    const item = (_: unknown, index: number) =>
      plannedTerm(values[index], unknowns[index], expressionOfItem(expression, index, length), owner, depth + 1)
    return { is: 'list', items: Array.from({ length }, item), at: location }
  }
  if (isRecord(value) || isRecord(afterUnknown)) {
    const keys = new Set([value, afterUnknown].flatMap(record => (isRecord(record) ? Object.keys(record) : [])))
    const entry = (key: string) =>
      plannedTerm(field(value, key), field(afterUnknown, key), expressionOfKey(expression, key), owner, depth + 1)
    return { is: 'map', entries: new Map([...keys].map(key => [key, entry(key)])), at: location }
  }
  return { ...fromJson(value), at: location }
}

/** An expression applies to everything in its value; only blocks have expressions inside. */
function isExpression(expression: unknown): boolean {
  return field(expression, 'references') !== undefined || field(expression, 'constant_value') !== undefined
}

/**
 * The blocks of a set are sorted in the values and not in the configuration, so only a single block can be identified.
 * The rules of a mapping are a list: `expressionOfKey` keeps those, as blocks in their order.
 */
function expressionOfItem(expression: unknown, index: number, length: number): unknown {
  if (!Array.isArray(expression)) return isExpression(expression) ? expression : undefined
  return expression.length === length && (length === 1 || isOrdered(expression)) ? expression[index] : undefined
}

function isOrdered(blocks: readonly unknown[]): boolean {
  return blocks.every(block => field(block, 'match_type') !== undefined)
}

function expressionOfKey(expression: unknown, key: string): unknown {
  return isExpression(expression) ? expression : field(expression, key)
}

function byReference(expression: unknown, scope: ModuleScope): Term {
  const found = references(expression, scope, 0)
  if (typeof found === 'string') return unknown(found)
  const [only] = found
  if (only === undefined) return unknown('it is known only after apply')
  const why = `it is known only after apply, from ${found.map(({ id }) => `${quote(id)}`).join(', ')}`
  return found.length === 1 ? reference(only, why) : unknown(why, found)
}

/** What an expression refers to, each once; or why that cannot be determined. */
function references(expression: unknown, scope: ModuleScope, depth: number): readonly Reference[] | string {
  if (depth > MAX_DEPTH) return 'it is passed through too many modules'
  const texts = listOf(field(expression, 'references')).filter(text => typeof text === 'string')
  const sorted = texts.toSorted(compareText)
  const found = new Map<string, Reference>()
  for (const text of texts) {
    // `aws_iam_role.a.arn` comes with `aws_iam_role.a`, which adds nothing.
    if (hasPrefix(sorted, `${text}.`) || hasPrefix(sorted, `${text}[`)) continue
    const resolved = resolveReference(text, scope, depth)
    if (typeof resolved === 'string') return resolved
    for (const one of resolved) found.set(`${one.id}.${one.attribute}`, one)
  }
  return [...found.values()]
}

/** Whether one of these has this beginning. */
function hasPrefix(sorted: readonly string[], prefix: string): boolean {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < prefix) low = middle + 1
    else high = middle
  }
  return sorted[low]?.startsWith(prefix) === true
}

const INDEX = String.raw`(?:\[(?:\d+|"(?:[^"\\]|\\.)*")\])?`
const PER_INSTANCE = /^(?:each|count|self)\b/
const VARIABLE = /^var\.([\w-]+)/
const OUTPUT = new RegExp(String.raw`^(module\.([\w-]+)${INDEX})\.([\w-]+)`)
const ELSEWHERE = /^(?:data|local|path|terraform|module)\./
const RESOURCE = new RegExp(String.raw`^(([\w-]+)\.[\w-]+${INDEX})(?:\.(.*))?$`)

function resolveReference(text: string, scope: ModuleScope, depth: number): readonly Reference[] | string {
  if (PER_INSTANCE.test(text)) return `it depends on ${quote(text)}, and is known only after apply`
  const opaque = [{ id: within(scope, text), type: '', attribute: '' }]

  const variable = VARIABLE.exec(text)
  if (variable !== null) {
    const given = field(scope.caller?.expressions, variable[1]!)
    return scope.caller === undefined || given === undefined ? opaque : references(given, scope.caller.scope, depth + 1)
  }
  const output = OUTPUT.exec(text)
  if (output !== null) {
    const child = childScope(scope, within(scope, output[1]!), output[2]!)
    const expression = field(field(field(child.configuration, 'outputs'), output[3]!), 'expression')
    return expression === undefined ? opaque : references(expression, child, depth + 1)
  }
  if (ELSEWHERE.test(text)) return opaque
  const resource = RESOURCE.exec(text)
  return resource === null
    ? opaque
    : [{ id: within(scope, resource[1]!), type: resource[2]!, attribute: resource[3] ?? '' }]
}
