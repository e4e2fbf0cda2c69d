import { quote } from '../../errors.js'
import type { Location } from '../../rules/infrastructure.js'
import { field, isRecord, listOf } from '../json-text.js'
import type { Declaration, Origin } from './configuration.js'
import { entries, evaluate, whyOf } from './evaluate.js'
import { type HclBlock, locate } from './hcl-blocks.js'
import { entriesOf, type Scope } from './hcl-values.js'
import type { Track } from './instances.js'
import { listOfTerms, mapOfTerms, type Term, unknown } from './term.js'

export interface Attribute {
  readonly term: Term
  /** The variables of the root module whose defaults it depends on. */
  readonly assumes: ReadonlySet<string>
}

/** The attributes and blocks of a resource. Blocks are lists of maps. */
export function evaluateResource(
  declaration: Declaration,
  scope: Scope,
  location: Location,
  track: Track,
): ReadonlyMap<string, Attribute> {
  const { path, block, overridden } = declaration
  const originOf = (name: string): Origin => overridden.get(name) ?? { path, block }
  const names = [...entries(declaration.body), ...entries(field(declaration.body, 'dynamic'))].map(([name]) => name)
  return new Map(
    [...new Set(names)]
      .filter(name => !META.has(name))
      .map(name => {
        const origin = originOf(name)
        const outer = { ...location, path: origin.path }
        const { result, assumes } = track(() => evaluateMember(declaration.body, name, origin.block, scope, outer, 0))
        return [name, { term: result, assumes }]
      }),
  )
}

/** Meta-arguments: they say how a resource is created, not what it is. */
const META: ReadonlySet<string> = new Set([
  'connection',
  'count',
  'depends_on',
  'dynamic',
  'for_each',
  'lifecycle',
  'provider',
  'provisioner',
])

/** The blocks at each depth. In JSON, an attribute that is a list looks like blocks: the schema decides. */
const BLOCKS: readonly (readonly string[])[] = [['role_mapping', 'cognito_identity_providers'], ['mapping_rule']]

function evaluateMember(
  body: unknown,
  name: string,
  block: HclBlock | undefined,
  scope: Scope,
  outer: Location,
  depth: number,
): Term {
  const value = field(body, name)
  const dynamic = field(field(body, 'dynamic'), name)
  if (dynamic !== undefined) {
    // Without the text, it is not known which of them comes first.
    if (value !== undefined) return unknown(`some of its ${quote(name)} blocks are dynamic`)
    return dynamicBlocks(name, listOf(dynamic), scope, outer, depth)
  }
  if (BLOCKS[depth]?.includes(name) !== true)
    return { ...evaluate(value, scope), at: locate(outer, block?.attributes.get(name)) }
  const inner = block?.blocks.filter(({ names }) => names[0] === name) ?? []
  return listOfTerms(listOf(value).map((item, index) => evaluateBlock(item, inner[index], scope, outer, depth + 1)))
}

function evaluateBlock(body: unknown, block: HclBlock | undefined, scope: Scope, outer: Location, depth: number): Term {
  const location = locate(outer, block)
  const dynamic = field(body, 'dynamic')
  const names = new Set([...entries(body), ...entries(dynamic)].map(([name]) => name))
  names.delete('dynamic')
  const members = [...names].map(name => [name, evaluateMember(body, name, block, scope, location, depth)] as const)
  return { ...mapOfTerms(members), at: location }
}

/** Blocks that are generated in a loop, which have no location of their own. */
function dynamicBlocks(
  name: string,
  definitions: readonly unknown[],
  scope: Scope,
  outer: Location,
  depth: number,
): Term {
  const blocks: Term[] = []
  for (const definition of definitions) {
    const over = evaluate(field(definition, 'for_each') ?? null, scope)
    const items = entriesOf(over)
    if (items === undefined) return unknown(`its ${quote(name)} blocks are dynamic: ${whyOf(over, 'for_each')}`)
    const iterator = iteratorOf(definition) ?? name
    const [content] = listOf(field(definition, 'content'))
    for (const [key, value] of items) {
      if (scope.budget.left-- <= 0) return unknown('it takes too long to evaluate')
      const bound = mapOfTerms([
        ['key', key],
        ['value', value],
      ])
      const inner = { ...scope, bindings: new Map([...scope.bindings, [iterator, bound]]) }
      blocks.push(evaluateBlock(content, undefined, inner, outer, depth + 1))
    }
  }
  return listOfTerms(blocks)
}

function iteratorOf(definition: unknown): string | undefined {
  const iterator = isRecord(definition) ? field(definition, 'iterator') : undefined
  return typeof iterator === 'string' ? iterator.replace(/^\$\{|\}$/g, '') : undefined
}
