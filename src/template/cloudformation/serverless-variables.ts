import { posix } from 'node:path'
import { isRolecastError, quote } from '../../errors.js'
import type { Choices } from '../../rules/infrastructure.js'
import { chosenTogether } from '../../rules/value.js'
import { MAX_POSSIBILITIES } from '../evaluated.js'
import type { OpenFile } from '../reading.js'
import {
  type Entry,
  nodeAt,
  readYamlDocument,
  type ScalarNode,
  type SourceDocument,
  type SourceNode,
  type Span,
} from '../yaml-document.js'

/** A file that a variable names and that is not read. */
export interface UnreadFile {
  readonly path: string
  /** Follows "… is not followed:". */
  readonly why: string
}

export interface VariableResolver {
  /** With variables replaced by their values, as far as the files show them; other variables stay as written. */
  resolve(node: SourceNode): SourceNode
  /** The files that were included, in the order in which they were met. */
  readonly included: readonly SourceDocument[]
  /** The file of a variable that was not replaced. */
  unread(variable: string): UnreadFile | undefined
}

/** At most this many nodes and variables are resolved in one service. */
const MAX_STEPS = 500_000
/** The most nodes of a service, with everything that is included. */
const MAX_SIZE = 500_000
/** The most characters that may be joined. */
const MAX_JOINED = 5_000_000
const MAX_NESTING = 100

/** The result of one way of resolving. `when`: the choices that lead to it. */
interface Option {
  readonly node: SourceNode
  readonly when?: readonly Choices[] | undefined
}

/** Nothing for a missing value, so that a fallback is used; `unknown` for a value that is known only at deployment. */
type Resolved = readonly Option[] | 'missing' | 'unknown'

interface TextOption {
  readonly text: string
  /** The parts of the string that are a default. */
  readonly assumed: readonly string[]
  readonly assumes: readonly string[]
  readonly when?: readonly Choices[] | undefined
}

/**
 * Resolves Serverless Framework's variables: `${self:…}`, `${file(…)}`, and defaults. A default is used if a deployment
 * may give another value, and the value records what it is the default of. If a default is used as a key, all keys are
 * possible.
 *
 * Nothing is run: the values from JavaScript and TypeScript files are not known.
 *
 * @see https://www.serverless.com/framework/docs/guides/variables
 */
export function createVariableResolver(document: SourceDocument, open: OpenFile): VariableResolver {
  const { root } = document
  const folder = posix.dirname(document.path)
  const files = new Map<string, SourceNode | UnreadFile>()
  const included: SourceDocument[] = []
  const unread = new Map<string, UnreadFile>()
  const known = new Map<string, Resolved>()
  const done = new WeakMap<SourceNode, SourceNode>()
  const sizes = new WeakMap<SourceNode, number>()
  let steps = 0
  let joined = 0
  let nesting = 0

  function resolve(node: SourceNode): SourceNode {
    const before = done.get(node)
    if (before !== undefined) return before
    if (++steps > MAX_STEPS || nesting > MAX_NESTING) return node
    nesting++
    try {
      const resolved = bounded(resolveContent(node))
      done.set(node, resolved)
      done.set(resolved, resolved)
      return resolved
    } finally {
      nesting--
    }
  }

  /** A part that is included twice counts twice, even if it is stored once. */
  function bounded(node: SourceNode): SourceNode {
    const size = partsOf(node).reduce((sum, part) => sum + (sizes.get(part) ?? 1), 1)
    sizes.set(node, size)
    if (size <= MAX_SIZE) return node
    return {
      kind: 'opaque',
      why: 'what it includes is too large',
      start: node.start,
      end: node.end,
      source: node.source,
    }
  }

  function resolveContent(node: SourceNode): SourceNode {
    switch (node.kind) {
      case 'scalar':
        return node.text.includes('${') ? resolveScalar(node) : node
      case 'list':
        return { ...node, items: node.items.map(resolve) }
      case 'map':
        return {
          ...node,
          entries: new Map(
            [...node.entries].map(([key, entry]) => [key, { key: entry.key, value: resolve(entry.value) }]),
          ),
        }
      default:
        return node
    }
  }

  function resolveScalar(node: ScalarNode): SourceNode {
    const pieces = piecesOf(node.text)
    const [only] = pieces
    if (pieces.length === 1 && only?.variable !== undefined) {
      const options = resolveVariable(only.variable)
      if (typeof options === 'string') return node
      return choiceOf(
        options.map(option => ({ ...option, node: placed(option.node, node) })),
        node,
        true,
      )
    }
    const texts = textsOf(pieces)
    if (texts === undefined) return node
    const options = texts.map(({ text, assumes, when }) => ({ node: textNode(text, assumes, node), when }))
    return choiceOf(options, node, false)
  }

  /** The possible strings that pieces form; undefined if a piece is not known, or there are too many. */
  function textsOf(pieces: readonly Piece[]): readonly TextOption[] | undefined {
    let texts: readonly TextOption[] = [{ text: '', assumed: [], assumes: [] }]
    for (const { literal, variable } of pieces) {
      const options = variable === undefined ? [{ text: literal, assumed: [], assumes: [] }] : textOptions(variable)
      texts = texts.flatMap(before => options.flatMap(option => joinTexts(before, option) ?? []))
      joined += texts.reduce((sum, { text }) => sum + text.length, 0)
      if (texts.length > MAX_POSSIBILITIES || joined > MAX_JOINED) return undefined
    }
    return texts
  }

  /** A variable in a string: an unknown one stays as written. */
  function textOptions(variable: string): readonly TextOption[] {
    const options = resolveVariable(variable)
    const written = [{ text: `\${${variable}}`, assumed: [], assumes: [] }]
    if (typeof options === 'string') return written
    const texts = options.flatMap(({ node, when }): readonly TextOption[] => {
      if (node.kind !== 'scalar') return []
      const { assumes = [], text } = node
      return [{ text, assumes, assumed: assumes.length === 0 ? [] : [text], when }]
    })
    return texts.length === options.length ? texts : written
  }

  function resolveVariable(written: string): Resolved {
    const before = known.get(written)
    if (before !== undefined) return before
    // While it is resolved it is unknown, so that a cycle ends.
    known.set(written, 'unknown')
    if (++steps > MAX_STEPS || nesting > MAX_NESTING) return 'unknown'
    nesting++
    try {
      const resolved = resolveFresh(written)
      known.set(written, resolved)
      return resolved
    } finally {
      nesting--
    }
  }

  function resolveFresh(written: string): Resolved {
    const contents = textsOf(piecesOf(written))
    if (contents === undefined) return 'unknown'
    const all: Option[] = []
    for (const content of contents) {
      const resolved = resolveAlternatives(content, written)
      if (typeof resolved === 'string') return resolved
      for (const option of resolved) {
        const when = chosenTogether(option.when, content.when)
        if (when !== 'never') all.push({ node: option.node, when })
      }
    }
    return all.length > MAX_POSSIBILITIES ? 'unknown' : all
  }

  /** The first of `a, b, 'c'` that exists. What follows an option of the command line is its default. */
  function resolveAlternatives(content: TextOption, written: string): Resolved {
    const assumes: string[] = []
    let last: Resolved = 'missing'
    for (const alternative of alternativesOf(content.text)) {
      const given = /^(?:opt|env):([\w.-]+)$/.exec(alternative)
      if (given !== null) {
        assumes.push(alternative)
        last = 'unknown'
        continue
      }
      last = resolveSource(alternative, content, written)
      if (last !== 'missing') break
    }
    return typeof last === 'string' ? last : last.map(option => ({ ...option, node: assuming(option.node, assumes) }))
  }

  function resolveSource(source: string, content: TextOption, written: string): Resolved {
    const [, single, double] = /^(?:'([^']*)'|"([^"]*)")$/.exec(source) ?? []
    const text = single ?? double
    const at = root
    if (text !== undefined) return [{ node: textNode(text, content.assumes, at) }]
    if (/^-?\d+(?:\.\d+)?$|^(?:true|false)$/.test(source)) {
      const value = source === 'true' ? true : source === 'false' ? false : Number(source)
      return [{ node: { kind: 'scalar', value, text: source, start: at.start, end: at.end, source: at.source } }]
    }
    if (source === 'null') return 'missing'
    const self = /^self:(.*)$/s.exec(source)?.[1]
    if (self !== undefined) return selfAt(self, content)
    if (source === 'sls:stage') return stageOf()
    const parameter = /^param:([\w.-]+)$/.exec(source)?.[1]
    if (parameter !== undefined) return parameterOf(parameter)
    const [, path, address] = /^file\(([^()]*)\)(?::(.*))?$/s.exec(source) ?? []
    return path === undefined ? 'unknown' : fileAt(path.trim(), address, content, written)
  }

  function selfAt(path: string, content: TextOption): Resolved {
    const found = walk(root, path, content)
    if (path !== 'provider.stage' || typeof found === 'string') return found
    // `--stage` overrides the stage in the file.
    return found.map(option => ({ ...option, node: assuming(option.node, ['opt:stage']) }))
  }

  function stageOf(): Resolved {
    const found = selfAt('provider.stage', { text: '', assumed: [], assumes: [] })
    return typeof found === 'string' ? [{ node: textNode('dev', ['opt:stage'], root) }] : found
  }

  /** A parameter of the stage, in any of the stages. */
  function parameterOf(name: string): Resolved {
    const stages = nodeAt(root, 'params')
    if (stages?.kind !== 'map') return 'unknown'
    const options = [...stages.entries].flatMap(([stage, { value }]): readonly Option[] => {
      const node = nodeAt(stepInto(value), name)
      return node === undefined ? [] : [{ node: resolve(node), when: [[['opt:stage', stage]]] }]
    })
    return options.length === 0 ? 'unknown' : options
  }

  function fileAt(written: string, address: string | undefined, content: TextOption, variable: string): Resolved {
    const path = posix.isAbsolute(written) ? posix.normalize(written) : posix.join(folder, written)
    const file = readFile(path)
    if ('why' in file && 'path' in file) {
      unread.set(variable, file)
      return file.why === NOT_THERE ? 'missing' : 'unknown'
    }
    const found = address === undefined ? [{ node: resolve(file) }] : walk(file, address, content)
    // If the path has a default in it, the deployment may use another file.
    const isAssumed = content.assumed.some(text => written.includes(text))
    if (typeof found === 'string' || !isAssumed) return found
    return found.map(option => ({ ...option, node: assumingAll(option.node, content.assumes) }))
  }

  function readFile(path: string): SourceNode | UnreadFile {
    const before = files.get(path)
    if (before !== undefined) return before
    const file = parseFile(path)
    files.set(path, file)
    return file
  }

  function parseFile(path: string): SourceNode | UnreadFile {
    if (/\.[cm]?[jt]s$|\.py$/.test(path)) return { path, why: 'it is a program, which is not run' }
    const text = open(path)
    if (text === undefined) return { path, why: NOT_THERE }
    try {
      const file = readYamlDocument(text, path)
      included.push(file)
      return file.root
    } catch (error) {
      if (!isRolecastError(error)) throw error
      return { path, why: `it cannot be read (${error.message})` }
    }
  }

  /** The value at `a.b.0`. If a key is a default, any key is possible. */
  function walk(from: SourceNode, path: string, { assumed, assumes }: TextOption): Resolved {
    let options: readonly Option[] = [{ node: from }]
    for (const key of path === '' ? [] : path.split('.')) {
      const isOpen = assumed.includes(key)
      options = options.flatMap(({ node, when }) =>
        keysOf(stepInto(node), key, isOpen ? assumes : undefined).flatMap(next => {
          const both = chosenTogether(when, next.when)
          return both === 'never' ? [] : [{ node: next.node, when: both }]
        }),
      )
      if (options.length === 0) return 'missing'
      if (options.length > MAX_POSSIBILITIES) return 'unknown'
    }
    const resolved = options.map(option => ({ ...option, node: resolve(option.node) }))
    if (resolved.some(({ node }) => node.kind === 'scalar' && node.text.includes('${'))) return 'unknown'
    return resolved.flatMap(({ node, when }) => flattened(node, when))
  }

  /** Resolves only the value in which a key is looked up: the rest may be the value that is being resolved. */
  function stepInto(node: SourceNode): SourceNode {
    return node.kind === 'scalar' ? resolve(node) : node
  }

  return { resolve, included, unread: variable => unread.get(variable) }
}

/** A scalar has the location of its use; anything larger has the location where it is written. */
function placed(node: SourceNode, { start, end, source }: Span): SourceNode {
  return node.kind === 'scalar' ? { ...node, start, end, source } : node
}

function choiceOf(options: readonly Option[], at: ScalarNode, isWhole: boolean): SourceNode {
  const [first, ...others] = options
  if (first === undefined) return at
  const why = `${quote(at.text)} is given at deployment`
  const place = { start: at.start, end: at.end, source: at.source }
  // A value that is only a default is one possibility: often it is a placeholder.
  const isDefault = isWhole && others.length === 0 && first.node.kind === 'scalar' && first.node.assumes !== undefined
  if (isDefault) {
    const rest: SourceNode = { kind: 'opaque', why, ...place }
    return { kind: 'choice', options: [{ value: first.node }, { value: rest }], name: undefined, why, ...place }
  }
  if (others.length === 0) return first.node
  const values = options.flatMap(({ node, when }) =>
    when === undefined ? [{ value: node }] : when.map(one => ({ value: node, when: one })),
  )
  return { kind: 'choice', options: values, name: at.text, why, ...place }
}

function joinTexts(a: TextOption, b: TextOption): TextOption | undefined {
  const when = chosenTogether(a.when, b.when)
  if (when === 'never') return undefined
  return {
    text: a.text + b.text,
    assumed: [...a.assumed, ...b.assumed],
    assumes: [...new Set([...a.assumes, ...b.assumes])],
    when,
  }
}

function keysOf(node: SourceNode, key: string, open: readonly string[] | undefined): readonly Option[] {
  if (node.kind === 'list') {
    const item = /^\d+$/.test(key) ? node.items[Number(key)] : undefined
    return item === undefined ? [] : [{ node: item }]
  }
  if (node.kind !== 'map') return []
  const one = node.entries.get(key)
  if (open === undefined || node.entries.size > MAX_POSSIBILITIES) {
    return one === undefined ? [] : [{ node: assuming(one.value, open ?? []) }]
  }
  if (one === undefined) return []
  const name = open.join(' ')
  return [...node.entries].map(([chosen, { value }]: [string, Entry]) => ({ node: value, when: [[[name, chosen]]] }))
}

function flattened(node: SourceNode, when: Option['when']): readonly Option[] {
  if (node.kind !== 'choice') return [{ node, when }]
  return node.options.flatMap(option => {
    // In the string that contains it, the default counts for the whole.
    if (option.value.kind === 'opaque') return []
    const both = chosenTogether(when, option.when && [option.when])
    return both === 'never' ? [] : [{ node: option.value, when: both }]
  })
}

function partsOf(node: SourceNode): readonly SourceNode[] {
  if (node.kind === 'list') return node.items
  if (node.kind === 'map') return [...node.entries.values()].map(({ value }) => value)
  return node.kind === 'choice' ? node.options.map(({ value }) => value) : []
}

const NOT_THERE = 'it does not exist, or is out of reach'

function textNode(text: string, assumes: readonly string[], { start, end, source }: Span): ScalarNode {
  const node = { kind: 'scalar' as const, value: text, text, start, end, source }
  return assumes.length === 0 ? node : { ...node, assumes }
}

function assuming(node: SourceNode, assumes: readonly string[]): SourceNode {
  if (assumes.length === 0 || node.kind !== 'scalar') return node
  return { ...node, assumes: [...new Set([...(node.assumes ?? []), ...assumes])] }
}

/** The same for everything in it. A part that occurs twice is one node, or the size would multiply. */
function assumingAll(
  node: SourceNode,
  assumes: readonly string[],
  done = new Map<SourceNode, SourceNode>(),
): SourceNode {
  const before = done.get(node)
  if (before !== undefined) return before
  const within = (one: SourceNode) => assumingAll(one, assumes, done)
  const marked: SourceNode =
    node.kind === 'list'
      ? { ...node, items: node.items.map(within) }
      : node.kind === 'map'
        ? {
            ...node,
            entries: new Map([...node.entries].map(([key, one]) => [key, { ...one, value: within(one.value) }])),
          }
        : assuming(node, assumes)
  done.set(node, marked)
  return marked
}

interface Piece {
  readonly literal: string
  /** The text between the braces. */
  readonly variable?: string | undefined
}

/**
 * Texts and variables in their order; a brace that is never closed is text. CloudFormation's own `${Name}` and
 * `${AWS::X}` are text.
 */
export function piecesOf(text: string): readonly Piece[] {
  const pieces: Piece[] = []
  let literal = ''
  const starts: number[] = []
  let from = 0
  // Each character is looked at once: the outermost braces are found by counting.
  for (let index = 0; index < text.length; index++) {
    if (text.startsWith('${', index)) starts.push(index++)
    else if (text[index] === '}' && starts.length > 0) {
      const start = starts.pop()!
      if (starts.length > 0) continue
      const variable = text.slice(start + 2, index)
      literal += text.slice(from, start)
      from = index + 1
      if (IS_VARIABLE.test(variable)) {
        if (literal !== '') pieces.push({ literal })
        literal = ''
        pieces.push({ literal: '', variable })
      } else literal += text.slice(start, from)
    }
  }
  literal += text.slice(from)
  return literal === '' && pieces.length > 0 ? pieces : [...pieces, { literal }]
}

const IS_VARIABLE = /^\s*(?:\w+:(?!:)|\w+\(|['"])/

/** The parts between commas, outside quotes and parentheses. */
function alternativesOf(content: string): readonly string[] {
  const alternatives: string[] = []
  let current = ''
  let quoted: string | undefined
  let depth = 0
  for (const character of content) {
    if (quoted !== undefined) {
      if (character === quoted) quoted = undefined
    } else if (character === "'" || character === '"') quoted = character
    else if (character === '(') depth++
    else if (character === ')') depth--
    else if (character === ',' && depth === 0) {
      alternatives.push(current.trim())
      current = ''
      continue
    }
    current += character
  }
  return [...alternatives, current.trim()]
}
