import { posix } from 'node:path'
import { isRolecastError, quote } from '../../errors.js'
import type { NotFollowed } from '../../rules/infrastructure.js'
import type { OpenFile } from '../reading.js'
import { type Entry, nodeAt, readYamlDocument, type SourceDocument, type SourceNode, textAt } from '../yaml-document.js'

export interface Inlined {
  readonly root: SourceNode
  readonly included: readonly SourceDocument[]
  readonly notFollowed: readonly NotFollowed[]
}

/** At most this many files are included in one template. */
const MAX_INCLUDES = 200
const MAX_NESTING = 10

/**
 * A template with the files in it that `AWS::Include` names by a path; `aws cloudformation package` uploads them from
 * there.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/transform-aws-include.html
 */
export function inlineIncludes({ root, path }: SourceDocument, open: OpenFile): Inlined {
  const included: SourceDocument[] = []
  const notFollowed: NotFollowed[] = []
  const files = new Map<string, SourceNode | string>()

  /** `makes`: whether an include here may bring resources, and not a part of one. */
  function inline(node: SourceNode, folder: string, depth: number, makes: boolean): SourceNode {
    if (node.kind === 'list') return { ...node, items: node.items.map(item => inline(item, folder, depth, false)) }
    if (node.kind !== 'map') return node
    const entries = new Map<string, Entry>()
    for (const [key, entry] of node.entries) {
      const calls = key === 'Fn::Transform' || (key === 'Transform' && node === root) ? callsOf(entry.value) : []
      const left = calls.filter(call => !include(call, entries, folder, depth, makes))
      if (calls.length === 0 || left.length > 0)
        entries.set(key, {
          key: entry.key,
          value:
            calls.length === 0
              ? inline(entry.value, folder, depth, makes && key === 'Resources')
              : listOf(left, entry.value),
        })
    }
    return { ...node, entries }
  }

  /** Whether it was included, or reported as not included. */
  function include(
    call: SourceNode,
    entries: Map<string, Entry>,
    folder: string,
    depth: number,
    makes: boolean,
  ): boolean {
    if (nameOf(call) !== 'AWS::Include') return false
    const location = textAt(nodeAt(call, 'Parameters'), 'Location')
    const file = location === undefined ? 'its location is known only at deployment' : fileAt(location, folder, depth)
    if (typeof file === 'string') {
      if (!makes) return false
      notFollowed.push({
        what: location === undefined ? 'An include' : `Include ${quote(location)}`,
        why: file,
        next: 'Validate the processed template: `aws cloudformation get-template --template-stage Processed`',
        location: (call.source?.locate ?? (() => ({ path })))(call),
      })
      return true
    }
    if (file.kind === 'map') for (const [key, entry] of file.entries) if (!entries.has(key)) entries.set(key, entry)
    return true
  }

  function fileAt(location: string, folder: string, depth: number): SourceNode | string {
    if (/^[a-z][a-z\d+.-]*:\/\//i.test(location)) return 'it is at an address, not in a file'
    const at = posix.isAbsolute(location) ? posix.normalize(location) : posix.join(folder, location)
    const known = files.get(at)
    if (known !== undefined) return known
    if (depth >= MAX_NESTING || files.size >= MAX_INCLUDES) return 'too many files are included'
    files.set(at, 'it includes itself')
    const file = parse(at, depth)
    files.set(at, file)
    return file
  }

  function parse(at: string, depth: number): SourceNode | string {
    const text = open(at)
    if (text === undefined) return 'it does not exist, or is out of reach'
    try {
      const document = readYamlDocument(text, at)
      included.push(document)
      return inline(document.root, posix.dirname(at), depth + 1, true)
    } catch (error) {
      if (!isRolecastError(error)) throw error
      return `it cannot be read (${error.message})`
    }
  }

  return { root: inline(root, posix.dirname(path), 0, true), included, notFollowed }
}

function callsOf(node: SourceNode): readonly SourceNode[] {
  return node.kind === 'list' ? node.items : [node]
}

function nameOf(call: SourceNode): string | undefined {
  return call.kind === 'scalar' ? call.text : textAt(call, 'Name')
}

function listOf(items: readonly SourceNode[], at: SourceNode): SourceNode {
  return items.length === 1 ? items[0]! : { kind: 'list', items, start: at.start, end: at.end, source: at.source }
}
