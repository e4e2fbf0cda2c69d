import type { Suppression } from '../../rules/infrastructure.js'
import { parseIgnoreComment } from '../ignore-comment.js'
import {
  type Entry,
  type SourceDocument,
  type SourceNode,
  type Span,
  nodeAt,
  textAt,
  spanFrom,
} from '../yaml-document.js'
/** No resource has this name: a comment that belongs to no resource suppresses nothing. */
const NO_RESOURCE = '(no resource)'

/** A comment is about the resource that it is in, after, or above; before everything else it is about the file. */
export function commented(
  document: SourceDocument,
  resources: ReadonlyMap<string, Entry>,
  parts: readonly SourceNode[],
): readonly Suppression[] {
  const suppressions = document.comments.flatMap(comment => {
    const parsed = parseIgnoreComment(comment.text)
    return parsed === undefined ? [] : [{ ...parsed, comment }]
  })
  if (suppressions.length === 0) return []
  const places = [...resources]
    .map(([id, { key, value }]) => ({ id, ...spanFrom(key, value) }))
    .toSorted((a, b) => a.start - b.start)
  const sections = [document.root, ...parts].flatMap(node => (node.kind === 'map' ? [...node.entries.values()] : []))

  const nothingBetween = (start: number, end: number) =>
    !sections.some(({ key }) => key.start >= start && key.start < end)
  // The comments come in their order.
  let passed = 0
  const targetOf = (comment: Span): string | undefined => {
    if (comment.start < document.root.start) return undefined
    while ((places[passed]?.start ?? Infinity) <= comment.start) passed++
    const [before, after] = [places[passed - 1], places[passed]]
    if (before !== undefined && nothingBetween(before.end, comment.start)) {
      const [at, from] = [document.locate(comment), document.locate(before)]
      if (comment.start < before.end || at.line === from.endLine || at.column > from.column) return before.id
    }
    return after !== undefined && nothingBetween(comment.start, after.start) ? after.id : NO_RESOURCE
  }

  return suppressions.map(({ comment, ...parsed }) => {
    const target = targetOf(comment)
    return { ...parsed, ...(target === undefined ? {} : { target }), location: document.locate(comment) }
  })
}

export function inMetadata(
  document: SourceDocument,
  resources: ReadonlyMap<string, Entry>,
  parts: readonly SourceNode[],
): readonly Suppression[] {
  const ofResources = [...resources].map(([target, { value: node }]) => ({ node, target }))
  const owners = [...parts.map(node => ({ node, target: undefined })), ...ofResources]
  return owners.flatMap(({ node, target }) => {
    const ignore = nodeAt(nodeAt(nodeAt(node, 'Metadata'), 'rolecast'), 'ignore')
    if (ignore === undefined) return []
    return (ignore.kind === 'list' ? ignore.items : [ignore]).map(item => {
      const rules = nodeAt(item, 'rules')
      return {
        rules: rules?.kind === 'list' ? rules.items.flatMap(rule => (rule.kind === 'scalar' ? [rule.text] : [])) : [],
        reason: textAt(item, 'reason') ?? '',
        expires: textAt(item, 'expires'),
        ...(target === undefined ? {} : { target }),
        location: document.locate(item),
      }
    })
  })
}
