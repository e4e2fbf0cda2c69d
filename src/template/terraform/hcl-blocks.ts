import type { Position } from '../json-text.js'
import type { Location } from '../../rules/infrastructure.js'

/** A range of the text. */
export interface LineSpan {
  readonly start: Position
  readonly end: Position
}

/** The locations of an HCL block. */
export interface HclBlock extends LineSpan {
  /** `resource` and its labels: `['resource', 'aws_iam_role', 'x']`. */
  readonly names: readonly string[]
  /** From the name to the end of the expression. */
  readonly attributes: ReadonlyMap<string, LineSpan>
  readonly blocks: readonly HclBlock[]
}

export interface HclComment extends LineSpan {
  /** Without its marks. */
  readonly text: string
}

export interface HclOutline {
  readonly blocks: readonly HclBlock[]
  readonly comments: readonly HclComment[]
}

interface Token {
  readonly kind: 'word' | 'string' | 'mark' | 'newline' | 'end'
  readonly text: string
  readonly start: number
  readonly end: number
}

const NAME = String.raw`[\p{ID_Start}_][\p{ID_Continue}-]*`
const COMMENT = String.raw`#[^\n]*|//[^\n]*|/\*[\s\S]*?(?:\*/|$)`
const LEXEME = new RegExp(String.raw`[^\S\n]+|\n|${COMMENT}|<<-?${NAME}\r?\n|"|${NAME}|==|=>|[\s\S]`, 'uy')

/**
 * Finds the locations of blocks, attributes and comments. It is not a parser: it accepts any text, and returns some
 * outline even if the text is not HCL. Text in comments, strings and heredocs is not a block.
 */
export function outlineHcl(text: string): HclOutline {
  const positionOf = createPositions(text)
  const { tokens, comments } = tokenize(text)
  const spanOf = (start: number, end: number): LineSpan => ({ start: positionOf(start), end: positionOf(end) })
  let index = 0
  const peek = (ahead = 0) => tokens[Math.min(index + ahead, tokens.length - 1)]!

  /** Skips an expression: to the end of the line, or to the brace that closes the block. */
  const skipExpression = (): number => {
    let depth = 0
    let end = peek().start
    for (; peek().kind !== 'end'; index++) {
      const { kind, text: mark } = peek()
      if (depth === 0 && (kind === 'newline' || (kind === 'mark' && mark === '}'))) break
      if (kind === 'mark' && '([{'.includes(mark)) depth++
      if (kind === 'mark' && ')]}'.includes(mark)) depth--
      if (kind !== 'newline') end = peek().end
    }
    return end
  }

  /**
   * The end of the words and strings that were looked at last, so that they are not counted again from each of them.
   */
  let labelsEnd = 0
  /** The number of labels between a word and its brace; 0 if it is not a block. */
  const countLabels = (): number | undefined => {
    if (labelsEnd <= index) {
      labelsEnd = index + 1
      while (tokens[labelsEnd]?.kind === 'word' || tokens[labelsEnd]?.kind === 'string') labelsEnd++
    }
    return tokens[labelsEnd]?.text === '{' ? labelsEnd - index - 1 : undefined
  }
  interface Open {
    readonly names: readonly string[]
    readonly start: number
    readonly attributes: Map<string, LineSpan>
    readonly blocks: HclBlock[]
  }
  const root: Open = { names: [], start: 0, attributes: new Map(), blocks: [] }
  const open: Open[] = [root]
  const close = (end: number) => {
    const { start, ...block } = open.pop()!
    open.at(-1)!.blocks.push({ ...block, ...spanOf(start, end) })
  }

  while (peek().kind !== 'end') {
    const token = peek()
    const labels = token.kind === 'word' ? countLabels() : undefined
    if (token.kind === 'word' && peek(1).text === '=') {
      index += 2
      open.at(-1)!.attributes.set(token.text, spanOf(token.start, skipExpression()))
    } else if (labels !== undefined) {
      const names = tokens
        .slice(index, index + labels + 1)
        .map(({ kind, text: name }) => (kind === 'string' ? name.slice(1, -1) : name))
      open.push({ names, start: token.start, attributes: new Map(), blocks: [] })
      index += labels + 2
    } else {
      if (token.kind === 'mark' && token.text === '}' && open.length > 1) close(token.end)
      index++
    }
  }
  while (open.length > 1) close(text.length)
  return {
    blocks: root.blocks,
    comments: comments.map(({ start, end }) => ({ ...spanOf(start, end), text: withoutMarks(text.slice(start, end)) })),
  }
}

/**
 * Whether a text may not be HCL: it has a statement of an unknown form, or a bracket or string that is not closed. It
 * is not a parser: a text that passes may still have an invalid expression.
 */
export function mayBeBroken(text: string): boolean {
  const { tokens } = tokenize(text)
  const isCut = ({ kind, text: string, end }: Token) =>
    kind === 'string' && (string.includes('\n') || (end === text.length && !string.endsWith('"')))
  if (tokens.some(isCut)) return true
  let depth = 0
  let index = 0
  const at = (ahead = 0) => tokens[Math.min(index + ahead, tokens.length - 1)]!

  /** Whether there is an expression, up to the end of its line or the brace of its block. */
  const passExpression = (): boolean => {
    const inside: string[] = []
    let length = 0
    for (; at().kind !== 'end'; index++, length++) {
      const { kind, text: mark } = at()
      if (inside.length === 0 && (kind === 'newline' || (kind === 'mark' && mark === '}'))) break
      if (kind !== 'mark') continue
      if ('([{'.includes(mark)) inside.push(CLOSING.get(mark)!)
      else if (')]}'.includes(mark) && inside.pop() !== mark) return false
    }
    return length > 0 && inside.length === 0
  }

  while (at().kind !== 'end') {
    const { kind, text: mark } = at()
    if (kind === 'newline') index++
    else if (kind === 'mark' && mark === '}') {
      if (depth-- === 0) return true
      index++
    } else if (kind === 'word' && at(1).text === '=') {
      index += 2
      if (!passExpression()) return true
    } else if (kind === 'word') {
      index++
      while (isName(at())) index++
      if (at().text !== '{') return true
      depth++
      index++
    } else return true
  }
  return depth > 0
}

const CLOSING: ReadonlyMap<string, string> = new Map([
  ['(', ')'],
  ['[', ']'],
  ['{', '}'],
])

function withoutMarks(comment: string): string {
  return comment.replace(/^(?:#|\/\/|\/\*)|\*\/$/g, '').trim()
}

function tokenize(text: string): {
  readonly tokens: readonly Token[]
  readonly comments: readonly { start: number; end: number }[]
} {
  const tokens: Token[] = []
  const comments: { start: number; end: number }[] = []
  let offset = 0
  while (offset < text.length) {
    LEXEME.lastIndex = offset
    const found = LEXEME.exec(text)![0]
    const start = offset
    offset += found.length
    const first = found[0]!
    if (found === '\n') tokens.push({ kind: 'newline', text: found, start, end: offset })
    else if (first.trim() === '') continue
    else if (first === '#' || found.startsWith('//') || found.startsWith('/*')) comments.push({ start, end: offset })
    else if (found.startsWith('<<') && found.length > 2) {
      offset = endOfHeredoc(text, offset, found.replace(/^<<-?/, '').trim())
      tokens.push({ kind: 'string', text: '', start, end: offset })
    } else if (first === '"') {
      offset = endOfString(text, offset)
      tokens.push({ kind: 'string', text: text.slice(start, offset), start, end: offset })
    } else tokens.push({ kind: /[\p{ID_Start}_]/u.test(first) ? 'word' : 'mark', text: found, start, end: offset })
  }
  tokens.push({ kind: 'end', text: '', start: text.length, end: text.length })
  return { tokens, comments }
}

/** To the end of the line that has only the delimiter. */
function endOfHeredoc(text: string, from: number, delimiter: string): number {
  for (let offset = from; offset < text.length;) {
    const newline = text.indexOf('\n', offset)
    const end = newline < 0 ? text.length : newline
    if (text.slice(offset, end).trim() === delimiter) return end
    offset = end + 1
  }
  return text.length
}

/** Past the closing quote. Strings have expressions inside, and these have strings. */
function endOfString(text: string, from: number): number {
  /** What is open, innermost first: a string, or an expression with this many braces. */
  const open: ('string' | number)[] = ['string']
  for (let offset = from; offset < text.length; offset++) {
    const mark = text[offset]!
    const inside = open.at(-1)!
    if (inside === 'string') {
      if (mark === '\\') offset++
      else if (mark === '"') open.pop()
      else if ((mark === '$' || mark === '%') && text[offset + 1] === mark) offset++
      else if ((mark === '$' || mark === '%') && text[offset + 1] === '{') {
        open.push(0)
        offset++
      }
    } else if (mark === '"') open.push('string')
    else if (mark === '{') open[open.length - 1] = inside + 1
    else if (mark === '}') {
      if (inside === 0) open.pop()
      else open[open.length - 1] = inside - 1
    }
    if (open.length === 0) return offset + 1
  }
  return text.length
}

function createPositions(text: string): (offset: number) => Position {
  const starts = [0]
  for (let offset = text.indexOf('\n'); offset >= 0; offset = text.indexOf('\n', offset + 1)) starts.push(offset + 1)
  return offset => {
    let [low, high] = [0, starts.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (starts[middle]! <= offset) low = middle
      else high = middle - 1
    }
    return { line: low + 1, column: offset - starts[low]! + 1 }
  }
}

export function locate({ path, construct }: Location, span: LineSpan | undefined): Location {
  if (span === undefined) return { path, construct }
  const { start, end } = span
  return { path, line: start.line, column: start.column, endLine: end.line, endColumn: end.column, construct }
}

function isName({ kind }: Token): boolean {
  return kind === 'word' || kind === 'string'
}
