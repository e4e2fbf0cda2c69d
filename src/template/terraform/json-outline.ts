import { isRolecastError } from '../../errors.js'
import { type MapNode, readYamlDocument, type SourceDocument, type SourceNode, spanFrom } from '../yaml-document.js'
import type { HclBlock, HclOutline, LineSpan } from './hcl-blocks.js'

/** The number of labels between a keyword and its blocks. */
const LABELS: ReadonlyMap<string, number> = new Map([
  ['resource', 2],
  ['data', 2],
  ['module', 1],
  ['variable', 1],
  ['output', 1],
])

/**
 * Finds the locations of blocks and attributes in Terraform's JSON, as `outlineHcl` does in HCL. There are no comments.
 * A text that is too large has no locations.
 *
 * @see https://developer.hashicorp.com/terraform/language/syntax/json
 */
export function outlineJson(text: string, path: string): HclOutline {
  const document = documentOf(text, path)
  if (document?.root.kind !== 'map') return { blocks: [], comments: [] }
  const blocks = [...document.root.entries].flatMap(([keyword, { value }]) => {
    const labels = LABELS.get(keyword)
    return labels === undefined ? [] : blocksBelow(document, [keyword], value, labels)
  })
  return { blocks, comments: [] }
}

function documentOf(text: string, path: string): SourceDocument | undefined {
  try {
    return readYamlDocument(text, path)
  } catch (error) {
    if (isRolecastError(error)) return undefined
    throw error
  }
}

/** A block is an object, or a list of objects; so is each level of labels above it. */
function blocksBelow(
  document: SourceDocument,
  names: readonly string[],
  node: SourceNode,
  labels: number,
): readonly HclBlock[] {
  return mapsOf(node).flatMap(map =>
    [...map.entries].flatMap(([label, { key, value }]) => {
      const inner = [...names, label]
      if (labels > 1) return blocksBelow(document, inner, value, labels - 1)
      return mapsOf(value).map((body, index) =>
        blockOf(document, inner, body, index === 0 ? spanFrom(key, body) : body),
      )
    }),
  )
}

function blockOf(
  document: SourceDocument,
  names: readonly string[],
  body: MapNode,
  span: { readonly start: number; readonly end: number },
): HclBlock {
  const attributes = new Map<string, LineSpan>()
  const blocks: HclBlock[] = []
  for (const [name, { key, value }] of body.entries) {
    attributes.set(name, lineSpan(document, spanFrom(key, value)))
    blocks.push(...mapsOf(value).map(inner => blockOf(document, [name], inner, inner)))
  }
  return { names, attributes, blocks, ...lineSpan(document, span) }
}

function mapsOf(node: SourceNode): readonly MapNode[] {
  const items = node.kind === 'list' ? node.items : [node]
  return items.filter(item => item.kind === 'map')
}

function lineSpan(document: SourceDocument, span: { readonly start: number; readonly end: number }): LineSpan {
  const { line, column, endLine, endColumn } = document.locate(span)
  return { start: { line, column }, end: { line: endLine, column: endColumn } }
}
