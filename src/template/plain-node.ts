import { unknownMark } from './evaluated.js'
import type { SourceNode } from './yaml-document.js'

/** A node as plain data. */
export function plainNode(node: SourceNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(plainNode)
    case 'map':
      return Object.fromEntries([...node.entries].map(([key, entry]) => [key, plainNode(entry.value)]))
    default:
      return unknownMark(node.why)
  }
}
