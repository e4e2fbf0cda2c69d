import { quote } from '../../errors.js'
import type { Infrastructure, Location, Unresolved } from '../../rules/infrastructure.js'
import { type HclBlock, type HclOutline, outlineHcl, locate } from './hcl-blocks.js'
import { entriesOf, type Found, type Scope, type Step, toJson } from './hcl-expression.js'
import { createHclParser, type HclParser } from './hcl-parser.js'
import { field, isRecord, listOf, parseJsonRecord, type TextSource } from '../json-text.js'
import { AWS_TYPES, type AwsResource, toInfrastructure } from './aws-resources.js'
import { listOfTerms, mapOfTerms, reference, scalar, type Term, unknown } from './term.js'
import { policyDocument } from './policy-document.js'
import { readSuppressions } from './suppressions.js'
import { entries, MAX_DEPTH, whyOf, evaluate } from './evaluate.js'

/** A file of a Terraform module. */
export interface TerraformFile {
  /** HCL; JSON if it ends in `.json`. */
  readonly path: string
  readonly text: string
}

export interface TerraformSourceOptions {
  /** What parses HCL. Default: one for all calls, that loads `@cdktf/hcl2json` with the first text. */
  readonly parse?: HclParser | undefined
}

/** Reads a module of one file: see `readTerraformModule`. */
export function readTerraformSource(
  text: string,
  path: string,
  options: TerraformSourceOptions = {},
): Promise<Infrastructure> {
  return readTerraformModule([{ path, text }], options)
}

/**
 * Reads the files of one Terraform module, which is one folder: its `.tf` and `.tf.json` files together, since variables
 * and roles often have a file of their own. Files of several folders are several modules with addresses of their own.
 *
 * Values are worked out from literals, defaults of variables, locals and other resources; a `for_each` or `count` that can
 * be worked out gives its instances. What cannot is unknown, or a note. Modules that are called are not read: a plan is
 * the better thing to read wherever there is one. `.tf.json` has no lines, only addresses.
 *
 * A module in which nothing is of Cognito or IAM is not parsed at all.
 *
 * @throws RolecastError, as a rejection: `invalid-input` for what is no HCL 2, `missing-package` without `@cdktf/hcl2json`
 * @see https://developer.hashicorp.com/terraform/language/syntax/configuration
 */
export async function readTerraformModule(
  files: readonly TerraformFile[],
  { parse = sharedParser }: TerraformSourceOptions = {},
): Promise<Infrastructure> {
  const paths = files.map(({ path }) => path)
  if (!files.some(({ text }) => RELEVANT.test(text))) return toInfrastructure({ format: FORMAT, paths, resources: [] })
  const parsed: ParsedFile[] = []
  for (const file of files) parsed.push(await parseFile(file, parse))
  const module = readDeclarations(parsed)
  const { resources, unresolved } = expandResources(module)
  return toInfrastructure({
    format: FORMAT,
    paths,
    resources,
    unresolved: [...unresolved, ...calledModules(module)],
    suppressions: parsed.flatMap(file => readSuppressions(file, resources)),
  })
}

const FORMAT = 'terraform-source'
const RELEVANT = /aws_cognito_|aws_iam_role/
const sharedParser = createHclParser()

interface ParsedFile {
  readonly path: string
  readonly content: unknown
  readonly outline: HclOutline
}

const NEXT = 'correct it (`terraform validate` says more), or upgrade it if it is of Terraform 0.11 or older'

async function parseFile({ path, text }: TerraformFile, parse: HclParser): Promise<ParsedFile> {
  const source: TextSource = { path, kind: 'Terraform file', next: NEXT }
  if (path.endsWith('.json'))
    return { path, content: parseJsonRecord(text, source), outline: { blocks: [], comments: [] } }
  return { path, content: await parse(text, source), outline: outlineHcl(text) }
}

/** A block of a file, with what it says and where. */
interface Declaration {
  /** `aws_iam_role.x`, `data.aws_iam_policy_document.x`. */
  readonly address: string
  readonly type: string
  readonly body: unknown
  readonly path: string
  readonly block: HclBlock | undefined
}

interface Module {
  readonly variables: ReadonlyMap<string, unknown>
  readonly locals: ReadonlyMap<string, unknown>
  /** By address. */
  readonly resources: ReadonlyMap<string, Declaration>
  readonly calls: readonly Declaration[]
}

function readDeclarations(files: readonly ParsedFile[]): Module {
  const variables = new Map<string, unknown>()
  const locals = new Map<string, unknown>()
  const resources = new Map<string, Declaration>()
  const calls: Declaration[] = []
  for (const file of files) {
    for (const {
      names: [name],
      body,
    } of blocksOf(file, 'variable', 1))
      variables.set(name!, body)
    for (const { body } of blocksOf(file, 'locals', 0))
      for (const [name, value] of entries(body)) locals.set(name, value)
    for (const keyword of ['resource', 'data']) {
      for (const { names, body, block } of blocksOf(file, keyword, 2)) {
        const address = [...(keyword === 'data' ? ['data'] : []), ...names].join('.')
        resources.set(address, { address, type: keyword === 'data' ? '' : names[0]!, body, path: file.path, block })
      }
    }
    for (const {
      names: [name],
      body,
      block,
    } of blocksOf(file, 'module', 1)) {
      calls.push({ address: `module.${name}`, type: '', body, path: file.path, block })
    }
  }
  return { variables, locals, resources, calls }
}

interface NamedBody {
  readonly names: readonly string[]
  readonly body: unknown
  readonly block: HclBlock | undefined
}

/** All blocks of this keyword, with so many labels. In JSON a block is an object, or a list of such. */
function* blocksOf({ content, outline }: ParsedFile, keyword: string, labels: number): Generator<NamedBody> {
  const byNames = new Map<string, HclBlock[]>()
  for (const block of outline.blocks) {
    const names = JSON.stringify(block.names)
    const here = byNames.get(names)
    if (here === undefined) byNames.set(names, [block])
    else here.push(block)
  }
  function* below(value: unknown, names: readonly string[]): Generator<NamedBody> {
    if (names.length === labels) {
      const here = byNames.get(JSON.stringify([keyword, ...names]))
      yield* listOf(value).map((body, index) => ({ names, body, block: here?.[index] }))
    } else
      for (const part of listOf(value)) for (const [name, inner] of entries(part)) yield* below(inner, [...names, name])
  }
  yield* below(field(content, keyword), [])
}

/** How many steps all expressions of a module may take together. */
const BUDGET = 100_000

interface Expanded {
  readonly resources: readonly AwsResource[]
  readonly unresolved: readonly Unresolved[]
}

function expandResources(module: Module): Expanded {
  const scope = createScope(module)
  const resources: AwsResource[] = []
  const unresolved: Unresolved[] = []
  for (const declaration of module.resources.values()) {
    if (!AWS_TYPES.has(declaration.type)) continue
    const instances = instancesOf(declaration, scope, MAX_RESOURCES - resources.length)
    if (typeof instances === 'string') {
      const why = `how many ${quote(declaration.address)} there are is not known: ${instances}`
      unresolved.push({ why, location: locationOf(declaration) })
      continue
    }
    for (const { key, bindings, condition } of instances) {
      const id = `${declaration.address}${key}`
      const location = locationOf(declaration, id)
      const attributes = evaluateBody(declaration.body, declaration.block, { ...scope, bindings }, location)
      resources.push({ type: declaration.type, id, location, attributes, provider: 'terraform', condition })
    }
  }
  return { resources, unresolved }
}

function locationOf({ path, block, address }: Declaration, construct = address): Location {
  return locate({ path, construct }, block)
}

interface Instance {
  /** `''`, `[0]`, `["admin"]` */
  readonly key: string
  readonly bindings: Scope['bindings']
  readonly condition?: string | undefined
}

/** More of a module are no groups that anybody wrote: a user pool has 10,000 at most. */
const MAX_RESOURCES = 20_000
/** There is one, or there is none, and that is all that is open. */
const SWITCH = /\?\s*(?:1\s*:\s*0|0\s*:\s*1)\s*\}$/

/** The instances of a resource, of which there may be so many, or why they cannot be told. */
function instancesOf({ body }: Declaration, scope: Scope, max: number): readonly Instance[] | string {
  const [count, forEach] = [field(body, 'count'), field(body, 'for_each')]
  if (forEach !== undefined && forEach !== null) return eachOf(evaluate(forEach, scope), max)
  if (count === undefined || count === null) return max > 0 ? [{ key: '', bindings: new Map() }] : TOO_MANY
  const term = evaluate(count, scope)
  if (term.is === 'scalar') {
    const length = Number(term.value)
    if (!Number.isInteger(length) || length < 0) return `its \`count\` is ${quote(term.text)}`
    if (length > max) return TOO_MANY
    return Array.from({ length }, (_, index) => countedInstance(index))
  }
  if (typeof count === 'string' && SWITCH.test(count))
    return [{ ...countedInstance(0), condition: count.slice(2, -1).trim() }]
  return whyOf(term, 'count')
}

const TOO_MANY = `with it there are more than ${MAX_RESOURCES} resources`

function countedInstance(index: number): Instance {
  return { key: `[${index}]`, bindings: new Map([['count', mapOfTerms([['index', scalar(index)]])]]) }
}

function eachOf(term: Term, max: number): readonly Instance[] | string {
  const items = entriesOf(term)
  if (items === undefined) return whyOf(term, 'for_each')
  if (items.length > max) return TOO_MANY
  const instances: Instance[] = []
  for (const [index, value] of items) {
    // A set's elements are keys and values in one.
    const key = term.is === 'list' ? value : index
    if (key.is !== 'scalar') return whyOf(key, 'for_each')
    const bindings = new Map([
      [
        'each',
        mapOfTerms([
          ['key', key],
          ['value', value],
        ]),
      ],
    ])
    instances.push({ key: `[${JSON.stringify(key.text)}]`, bindings })
  }
  return instances
}

/** The attributes and blocks of a body. Blocks are lists of maps. */
function evaluateBody(
  body: unknown,
  block: HclBlock | undefined,
  scope: Scope,
  outer: Location,
  depth = 0,
): ReadonlyMap<string, Term> {
  const attributes = new Map<string, Term>()
  for (const [name, value] of entries(body)) {
    if (BLOCKS[depth] === name) {
      const inner = block?.blocks.filter(({ names }) => names[0] === name) ?? []
      const items = listOf(value).map((item, index) => evaluateBlock(item, inner[index], scope, outer, depth + 1))
      attributes.set(name, listOfTerms(items))
    } else attributes.set(name, { ...evaluate(value, scope), at: locate(outer, block?.attributes.get(name)) })
  }
  for (const name of Object.keys(isRecord(field(body, 'dynamic')) ? (field(body, 'dynamic') as object) : {})) {
    attributes.set(name, unknown(`its ${quote(name)} blocks are dynamic`))
  }
  return attributes
}

/** The blocks at each depth. In JSON, an attribute that is a list looks like blocks: the schema tells. */
const BLOCKS = ['role_mapping', 'mapping_rule']

function evaluateBlock(body: unknown, block: HclBlock | undefined, scope: Scope, outer: Location, depth: number): Term {
  const location = locate(outer, block)
  return { is: 'map', entries: evaluateBody(body, block, scope, location, depth), at: location }
}

/** Never known before apply, whatever the configuration says. */
const COMPUTED: ReadonlySet<string> = new Set(['arn', 'id', 'endpoint', 'unique_id'])

function elsewhere(address: string, why: string): Term {
  return reference({ id: address, type: '', attribute: '' }, why)
}

function createScope(module: Module): Scope {
  /** What is worked out already, or being worked out: `undefined`. */
  const worked = new Map<string, Term | undefined>()
  let depth = 0
  const once = (address: string, work: () => Term): Term => {
    const known = worked.get(address)
    if (known !== undefined) return known
    if (worked.has(address)) return unknown(`${quote(address)} refers to itself`)
    worked.set(address, undefined)
    depth++
    const term = depth > MAX_DEPTH ? unknown('it goes through too many names') : work()
    depth--
    worked.set(address, term)
    return term
  }

  const lookUp = (name: string, steps: readonly Step[]): Found => {
    const first = steps[0]?.key
    if (typeof first !== 'string') return { term: unknown(`${quote(name)} is not known here`), taken: 0 }
    const address = `${name}.${first}`
    if (name === 'var') {
      const body = module.variables.get(first)
      const preset = field(body, 'default')
      if (preset === undefined) return { term: elsewhere(address, `variable ${quote(first)} has no default`), taken: 1 }
      return { term: once(address, () => evaluate(preset, scope)), taken: 1 }
    }
    if (name === 'local') {
      if (!module.locals.has(first))
        return { term: elsewhere(address, `local ${quote(first)} is in none of the files`), taken: 1 }
      return { term: once(address, () => evaluate(module.locals.get(first), scope)), taken: 1 }
    }
    if (name === 'module')
      return { term: elsewhere(address, `${quote(address)} is a module, which is not read`), taken: 1 }
    if (name === 'data') return lookUpData(first, steps)
    return OPAQUE.has(name)
      ? { term: unknown(`${quote(address)} is not in the files`), taken: 1 }
      : lookUpResource(address, name, steps)
  }

  const lookUpData = (type: string, steps: readonly Step[]): Found => {
    const [name, attribute] = [steps[1]?.key, steps[2]?.key]
    if (typeof name !== 'string') return { term: unknown(`\`data.${type}\` is not known here`), taken: 1 }
    const address = `data.${type}.${name}`
    const declaration = module.resources.get(address)
    if (type === 'aws_iam_policy_document' && attribute === 'json' && declaration !== undefined) {
      return { term: once(address, () => toJson(policyDocument(declaration.body, scope), scope)), taken: 3 }
    }
    return { term: elsewhere(address, `${quote(address)} is read from the account`), taken: 2 }
  }

  const lookUpResource = (address: string, type: string, steps: readonly Step[]): Found => {
    const declaration = module.resources.get(address)
    const isRepeated = ['count', 'for_each'].some(name => field(declaration?.body, name) !== undefined)
    const [, index] = steps
    const isIndexed = index?.isIndex === true || isRepeated
    if (isIndexed && index?.key === undefined)
      return { term: unknown(`which ${quote(address)} it is cannot be told`), taken: steps.length }
    const id = isIndexed ? `${address}[${JSON.stringify(index?.key)}]` : address
    const taken = isIndexed ? 2 : 1
    const attribute = steps[taken]?.key
    const set =
      typeof attribute === 'string' && !COMPUTED.has(attribute) && !isRepeated
        ? field(declaration?.body, attribute)
        : undefined
    if (set !== undefined)
      return { term: once(`${address}.${String(attribute)}`, () => evaluate(set, scope)), taken: taken + 1 }
    return {
      term: reference({ id, type, attribute: '' }, `${quote(address)} is known after apply only`),
      taken,
    }
  }

  const scope: Scope = { bindings: new Map(), lookUp, budget: { left: BUDGET } }
  return scope
}

/** Names that are no resource types: `each` and `count` where there is none, and what the run decides. */
const OPAQUE: ReadonlySet<string> = new Set(['each', 'count', 'self', 'path', 'terraform'])
/** A name or source that speaks of what may hold groups. */
const MAY_HOLD_GROUPS = /cognito|user[-_]?pool/i

function calledModules({ calls }: Module): readonly Unresolved[] {
  return calls
    .filter(({ address, body }) => {
      const source = field(body, 'source')
      // A source that is no text could be any module.
      return typeof source !== 'string' || MAY_HOLD_GROUPS.test(`${address} ${source}`)
    })
    .map(call => ({
      why: `${quote(call.address)} is a module and is not read; give the plan (\`terraform show -json\`) to see its groups`,
      location: locationOf(call),
    }))
}
