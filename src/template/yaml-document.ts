import { Composer, isAlias, isMap, isScalar, Lexer, LineCounter, Parser, Scalar } from 'yaml'
import type { Alias, Node, Tags, YAMLMap, YAMLSeq } from 'yaml'
import { RolecastError, quote } from '../errors.js'
import type { Choices, Location } from '../rules/infrastructure.js'

/** The location of a node, as offsets into the text. */
export interface Span {
  readonly start: number
  readonly end: number
  /**
   * The text that it belongs to; absent: the text that is asked to locate it. A template may have parts of several
   * files.
   */
  readonly source?: SpanSource | undefined
}

/** A text with locations. */
export interface SpanSource {
  readonly path: string
  readonly locate: (span: Span) => TextLocation
}

/**
 * A node of a text. The syntax is resolved: an alias is the node it stands for, a merge key its entries, a short form
 * such as `!Sub x` the mapping `{ Fn::Sub: x }`.
 */
export type SourceNode = ScalarNode | ListNode | MapNode | OpaqueNode | ChoiceNode

export interface ScalarNode extends Span {
  readonly kind: 'scalar'
  readonly value: string | number | boolean | null
  /** As it was written, without its quotes. */
  readonly text: string
  /** The names whose default a variable in it uses. */
  readonly assumes?: readonly string[] | undefined
}

export interface ListNode extends Span {
  readonly kind: 'list'
  readonly items: readonly SourceNode[]
}

export interface MapNode extends Span {
  readonly kind: 'map'
  readonly entries: ReadonlyMap<string, Entry>
}

export interface Entry {
  readonly key: Span
  readonly value: SourceNode
}

/** Something whose value cannot be determined here. */
export interface OpaqueNode extends Span {
  readonly kind: 'opaque'
  readonly why: string
}

/**
 * One of several values, in place of a variable that the deployment may set. A reader makes it; no text contains it.
 */
export interface ChoiceNode extends Span {
  readonly kind: 'choice'
  readonly options: readonly { readonly value: SourceNode; readonly when?: Choices | undefined }[]
  readonly name: string | undefined
  readonly why: string
}

export interface Comment extends Span {
  readonly text: string
}

/** The location of the key that counts, and the value of the earlier one. */
export interface RepeatedKey extends Span {
  readonly name: string
  readonly replaced: SourceNode
}

/** Everything but the construct. */
export interface TextLocation extends Location {
  readonly line: number
  readonly column: number
  readonly endLine: number
  readonly endColumn: number
}

export interface SourceDocument {
  readonly path: string
  readonly root: SourceNode
  /** All but those inside scalars. JSON has none. */
  readonly comments: readonly Comment[]
  /** Keys that are repeated in one mapping: the last one counts, as in CloudFormation. */
  readonly repeated: readonly RepeatedKey[]
  readonly locate: (span: Span) => TextLocation
  /** The error for something at this location: what is wrong, and what to do next. */
  invalid(span: Span, what: string, next: string): RolecastError
}

/** The most characters of a text; CloudFormation reads 1 MB. */
export const MAX_CHARACTERS = 5_000_000
/** The most keys, values, marks, and runs of space: bounds time and memory. */
export const MAX_LEXEMES = 1_000_000
/** The deepest nesting of collections. */
export const MAX_DEPTH = 200
/** The most characters with every alias written out. */
const MAX_EXPANDED = 20_000_000
const MAX_DIRECTIVES = 10

const SHORT_FORMS = [
  'Ref',
  'Condition',
  'And',
  'Base64',
  'Cidr',
  'Equals',
  'FindInMap',
  'ForEach',
  'GetAtt',
  'GetAZs',
  'GetStackOutput',
  'If',
  'ImportValue',
  'Join',
  'Length',
  'Not',
  'Or',
  'Select',
  'Split',
  'Sub',
  'ToJsonString',
  'Transform',
]

/** Without them every use of a short form costs a warning. Tags that are not listed are still recognised. */
const TAGS: Tags = SHORT_FORMS.flatMap(name => [
  { tag: `!${name}`, resolve: (value: string) => value },
  { tag: `!${name}`, collection: 'map' as const },
  { tag: `!${name}`, collection: 'seq' as const },
])

/**
 * Reads YAML, or JSON, as CloudFormation's tools do: one document, the last of a repeated key, trailing commas allowed,
 * CloudFormation's short forms known. An unknown tag makes its value unknown; the text after it is never used as the
 * value.
 *
 * Time and memory are bounded by limits on size, depth and aliases; beyond them it fails.
 *
 * @throws RolecastError `invalid-input`, with the line and the column
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-formats.html
 */
export function readYamlDocument(text: string, path: string): SourceDocument {
  const lines = new LineCounter()
  lines.addNewLine(0)
  const source: SpanSource = {
    path,
    locate: ({ start, end }) => {
      const [from, to] = [lines.linePos(start), lines.linePos(end)]
      return { path, line: from.line, column: from.col, endLine: to.line, endColumn: to.col }
    },
  }
  const locate = (span: Span): TextLocation => (span.source ?? source).locate(span)
  const invalid = (span: Span, what: string, next: string) => {
    const location = locate(span)
    return new RolecastError(
      'invalid-input',
      `${quote(`${location.path}:${location.line}:${location.column}`)} cannot be used: ${what}; ${next}`,
      {
        value: path,
      },
    )
  }
  if (text.length > MAX_CHARACTERS) {
    throw invalid(
      { start: 0, end: 0 },
      `it has ${text.length} characters, more than ${MAX_CHARACTERS}`,
      'check that it is a template',
    )
  }

  const comments: Comment[] = []
  const repeated: RepeatedKey[] = []
  const contents = compose(text, lines, comments, invalid)
  const root = createConverter(text, source, repeated, invalid)(contents)
  return { path, root, comments, repeated, locate, invalid }
}

type Invalid = SourceDocument['invalid']

function compose(text: string, lines: LineCounter, comments: Comment[], invalid: Invalid): Node {
  const parser = new Parser(lines.addNewLine)
  const here = () => ({ start: parser.offset, end: parser.offset })

  function* tokens() {
    let lexemes = 0
    let directives = 0
    let scalar = false
    for (const lexeme of new Lexer().lex(text)) {
      if (++lexemes > MAX_LEXEMES)
        throw invalid(here(), `it has more than ${MAX_LEXEMES} keys, values and marks`, 'split it up')
      if (lexeme.startsWith('#') && !scalar)
        comments.push({ text: lexeme, start: parser.offset, end: parser.offset + lexeme.length })
      scalar = lexeme === SCALAR_FOLLOWS
      for (const token of parser.next(lexeme)) {
        if (token.type === 'error')
          throw invalid({ start: token.offset, end: token.offset }, inWords(token.message), FIX_SYNTAX)
        if (token.type === 'directive' && ++directives > MAX_DIRECTIVES)
          throw invalid(here(), 'it has too many directives', FIX_SYNTAX)
        yield token
      }
      if (parser.stack.length > MAX_DEPTH)
        throw invalid(here(), `it is nested more than ${MAX_DEPTH} deep`, 'flatten it')
    }
    yield* parser.end()
  }

  let contents: Node | null = null
  // `failsafe`: the type of a plain scalar is decided below, as in CloudFormation and not as in YAML 1.2.
  const types = { schema: 'failsafe', customTags: TAGS, resolveKnownTags: false } as const
  const composer = new Composer({ ...types, uniqueKeys: false, prettyErrors: false, logLevel: 'silent' })
  for (const document of composer.compose(tokens(), true, text.length)) {
    const [error] = document.errors
    if (error !== undefined)
      throw invalid({ start: error.pos[0], end: error.pos[1] }, inWords(error.message), FIX_SYNTAX)
    if (isVoid(document.contents)) continue
    const [start, end] = document.range
    if (contents !== null)
      throw invalid({ start, end }, 'a second document begins here', 'put each document into a separate file')
    contents = document.contents
  }
  if (contents === null) throw invalid({ start: 0, end: 0 }, 'it is empty', 'check that it is the right file')
  return contents
}

/** The lexer's sign that a scalar comes next, whatever it begins with. */
const SCALAR_FOLLOWS = '\u001f'
const FIX_SYNTAX = 'correct the YAML or JSON there'

function isVoid(contents: Node | null): boolean {
  return contents === null || (isScalar(contents) && contents.source === '' && contents.type === Scalar.PLAIN)
}

/** The library's message, for use in ours. */
function inWords(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1).replace(/\s+/g, ' ').slice(0, 200).trimEnd()
}

/** A converted anchor: its depth, and its length when written out. */
interface Measured {
  readonly node: SourceNode
  readonly depth: number
  readonly size: number
}

/** From the library's nodes to ours. Recursion is safe: the parser has bounded the depth. */
function createConverter(
  text: string,
  source: SpanSource,
  repeated: RepeatedKey[],
  invalid: Invalid,
): (node: Node) => SourceNode {
  // An anchor of the same name replaces the earlier one, and until it is complete it has no value.
  const anchors = new Map<string, Measured | 'open'>()
  let depth = 0
  let size = 0

  function convert(node: Node): SourceNode {
    if (isAlias(node)) return follow(node)
    const { anchor } = node
    if (anchor !== undefined) anchors.set(anchor, 'open')
    const before = { depth, size }
    depth = 0
    size = 1
    const untagged = convertContent(node)
    const converted = node.tag === undefined ? untagged : applyTag(node.tag, untagged)
    const measured = { node: converted, depth: depth + 1, size }
    if (anchor !== undefined) anchors.set(anchor, measured)
    depth = before.depth
    size = before.size
    account(measured, converted)
    return converted
  }

  function account(measured: Measured, at: Span) {
    depth = Math.max(depth, measured.depth)
    size += measured.size
    if (depth > MAX_DEPTH)
      throw invalid(at, `with its aliases written out it is nested more than ${MAX_DEPTH} deep`, 'use fewer aliases')
    if (size <= MAX_EXPANDED) return
    throw invalid(at, `with its aliases written out it has more than ${MAX_EXPANDED} characters`, 'use fewer aliases')
  }

  function follow(alias: Alias): SourceNode {
    const at = spanOf(alias)
    const target = anchors.get(alias.source)
    if (target === undefined)
      throw invalid(at, `there is no anchor ${quote(alias.source)} before this alias`, 'define it above')
    if (target === 'open')
      throw invalid(at, `the alias ${quote(alias.source)} is inside its own anchor`, 'write its value out')
    account(target, at)
    return target.node
  }

  function convertContent(node: Scalar | YAMLMap | YAMLSeq): SourceNode {
    const span = spanOf(node)
    if (isScalar(node)) {
      const written = node.source ?? ''
      size += written.length
      const value = node.type === Scalar.PLAIN && node.tag === undefined ? plainValue(written) : written
      return { kind: 'scalar', value, text: written, start: span.start, end: trimmedEnd(text, span), source }
    }
    // The library ends a block where the next node begins, after the comments in between.
    if (isMap(node)) {
      const entries = convertEntries(node)
      return {
        kind: 'map',
        entries,
        start: span.start,
        end: node.flow === true ? span.end : lastEnd(entries.values(), span),
        source,
      }
    }
    const items = node.items.map(item => convert(item as Node))
    return {
      kind: 'list',
      items,
      start: span.start,
      end:
        node.flow === true
          ? span.end
          : lastEnd(
              items.map(value => ({ value })),
              span,
            ),
      source,
    }
  }

  function convertEntries(map: YAMLMap): ReadonlyMap<string, Entry> {
    const entries = new Map<string, Entry>()
    const merged: MapNode[] = []
    for (const pair of map.items) {
      const keyNode = pair.key as Node | null
      const key = keyNode === null ? undefined : convert(keyNode)
      if (key?.kind !== 'scalar')
        throw invalid(key ?? spanOf(map), 'a key is not a string', 'write a plain name before the colon')
      const value = pair.value === null ? nothingAt(key.end, source) : convert(pair.value as Node)
      if (key.text === '<<' && isScalar(keyNode) && keyNode.type === Scalar.PLAIN) {
        merged.push(...mapsToMerge(value))
      } else {
        const before = entries.get(key.text)
        if (before !== undefined)
          repeated.push({ name: key.text, replaced: before.value, start: key.start, end: key.end, source })
        entries.delete(key.text)
        entries.set(key.text, { key: { start: key.start, end: key.end, source }, value })
      }
    }
    for (const one of merged) for (const [key, entry] of one.entries) if (!entries.has(key)) entries.set(key, entry)
    return entries
  }

  function mapsToMerge(value: SourceNode): readonly MapNode[] {
    const sources = value.kind === 'list' ? value.items : [value]
    return sources.map(one => {
      if (one.kind === 'map') return one
      throw invalid(one, 'a merge key `<<` has something other than mappings', 'merge an alias of a mapping')
    })
  }

  function applyTag(tag: string, untagged: SourceNode): SourceNode {
    if (tag === '!' || PLAIN_TAGS.has(tag)) return untagged
    if (untagged.kind === 'scalar' && TYPE_TAGS.has(tag)) return { ...untagged, value: plainValue(untagged.text) }
    const span = { start: startOfTag(text, tag, untagged.start), end: untagged.end, source }
    const name = tag.slice(1)
    if (!SHORT_FORMS.includes(name))
      return { kind: 'opaque', why: `the tag ${quote(tag)} is not one of CloudFormation's`, ...span }
    const key = name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`
    depth++
    return { kind: 'map', entries: new Map([[key, { key: span, value: untagged }]]), ...span }
  }

  return convert
}

const yamlTags = (...names: string[]): ReadonlySet<string> => new Set(names.map(name => `tag:yaml.org,2002:${name}`))
/** Tags that change nothing: a scalar with a tag is a string. */
const PLAIN_TAGS = yamlTags('str', 'map', 'seq')
const TYPE_TAGS = yamlTags('int', 'float', 'bool', 'null')

/** The library's ranges begin after the tag. */
function startOfTag(text: string, tag: string, end: number): number {
  const from = Math.max(0, end - tag.length - 100)
  const index = text.slice(from, end).lastIndexOf(tag)
  return index === -1 ? end : from + index
}

function lastEnd(parts: Iterable<{ readonly value: Span }>, { start, end }: Span): number {
  let last = start
  // An alias, and the entries of a merge key, are elsewhere.
  for (const { value } of parts) if (value.end <= end) last = Math.max(last, value.end)
  return last
}

/** Without the line breaks after a block scalar. */
function trimmedEnd(text: string, { start, end }: Span): number {
  let trimmed = end
  while (trimmed > start && /\s/.test(text.charAt(trimmed - 1))) trimmed--
  return trimmed
}

function spanOf(node: Node): Span {
  const [start, end] = node.range ?? [0, 0]
  return { start, end }
}

function nothingAt(offset: number, source: SpanSource): ScalarNode {
  return { kind: 'scalar', value: null, text: '', start: offset, end: offset, source }
}

/** Numbers as JSON writes them. Others, such as `010`, differ between YAML 1.1 and 1.2: they stay strings. */
function plainValue(source: string): string | number | boolean | null {
  if (/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?$/.test(source)) return Number(source)
  if (/^(?:true|True|TRUE)$/.test(source)) return true
  if (/^(?:false|False|FALSE)$/.test(source)) return false
  return /^(?:|~|null|Null|NULL)$/.test(source) ? null : source
}

export function nodeAt(node: SourceNode | undefined, key: string): SourceNode | undefined {
  return node?.kind === 'map' ? node.entries.get(key)?.value : undefined
}

export function textAt(node: SourceNode | undefined, key: string): string | undefined {
  const value = nodeAt(node, key)
  return value?.kind === 'scalar' ? value.text : undefined
}

/**
 * From the beginning of one to the end of the other, if they are in the same file; otherwise the location of the value.
 */
export function spanFrom(key: Span, value: Span): Span {
  if (value.source !== key.source) return value
  const end = value.start >= key.start ? Math.max(key.end, value.end) : key.end
  return { start: key.start, end, source: key.source }
}

/**
 * The node with everything in it at one location: the content of a string in another document has no location of its
 * own.
 */
export function movedTo(node: SourceNode, { start, end, source }: Span): SourceNode {
  const at = { start, end, source }
  // An alias is the node that it stands for, so one node may occur many times.
  const moved = new Map<SourceNode, SourceNode>()
  const move = (one: SourceNode): SourceNode => {
    const known = moved.get(one)
    if (known !== undefined) return known
    const result = { ...moveParts(one), ...at }
    moved.set(one, result)
    return result
  }
  const moveParts = (one: SourceNode): SourceNode => {
    if (one.kind === 'list') return { ...one, items: one.items.map(move) }
    if (one.kind !== 'map') return one
    return {
      ...one,
      entries: new Map([...one.entries].map(([key, { value }]) => [key, { key: at, value: move(value) }])),
    }
  }
  return move(node)
}
