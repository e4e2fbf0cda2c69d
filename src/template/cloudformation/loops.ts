import { type Entry, type MapNode, type SourceNode, type Span, spanFrom } from '../yaml-document.js'

/** `Fn::ForEach::NAME: [IDENTIFIER, COLLECTION, { "KEY${IDENTIFIER}": … }]` */
export interface Loop {
  readonly identifier: string
  readonly collection: SourceNode
  readonly body: MapNode
}

/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference-foreach.html */
export function loopOf(name: string, node: SourceNode): Loop | undefined {
  const [identifier, collection, body] = node.kind === 'list' ? node.items : []
  if (!name.startsWith('Fn::ForEach::') || identifier?.kind !== 'scalar' || collection === undefined) return undefined
  return body?.kind === 'map' ? { identifier: identifier.text, collection, body } : undefined
}

/** The body once for each item; undefined if that is more than the budget of nodes, which it takes from. */
export function instancesOf(
  { identifier, body }: Loop,
  items: readonly string[],
  budget: { nodes: number },
): readonly (readonly [string, Entry])[] | undefined {
  const instances: (readonly [string, Entry])[] = []
  for (const item of items) {
    const filled = fill(body, identifier, item, budget)
    if (filled?.kind !== 'map') return undefined
    // A loop in the body has the same name in all copies.
    instances.push(...filled.entries)
  }
  return instances
}

function fill(node: SourceNode, name: string, item: string, budget: { nodes: number }): SourceNode | undefined {
  if (--budget.nodes < 0) return undefined
  switch (node.kind) {
    case 'scalar': {
      const text = fillText(node.text, name, item)
      return text === node.text ? node : { ...node, text, value: text }
    }
    case 'list': {
      const items: SourceNode[] = []
      for (const one of node.items) {
        const filled = fill(one, name, item, budget)
        if (filled === undefined) return undefined
        items.push(filled)
      }
      return { ...node, items }
    }
    case 'map':
      return fillMap(node, name, item, budget)
    default:
      return node
  }
}

function fillMap(node: MapNode, name: string, item: string, budget: { nodes: number }): SourceNode | undefined {
  const reference = node.entries.size === 1 ? node.entries.get('Ref')?.value : undefined
  if (reference?.kind === 'scalar' && reference.text === name)
    return { kind: 'scalar', value: item, text: item, ...placeOf(node) }
  const entries = new Map<string, Entry>()
  for (const [key, entry] of node.entries) {
    const value = fill(entry.value, name, item, budget)
    if (value === undefined) return undefined
    entries.set(fillText(key, name, item), { key: entry.key, value })
  }
  return { ...node, entries }
}

function placeOf(node: Span): Span {
  return spanFrom(node, node)
}

/** `&{NAME}` is the item without the characters that a logical ID cannot have. */
function fillText(text: string, name: string, item: string): string {
  if (!text.includes(`{${name}}`)) return text
  return text.replaceAll(`\${${name}}`, () => item).replaceAll(`&{${name}}`, () => item.replaceAll(/[^A-Za-z0-9]/g, ''))
}
