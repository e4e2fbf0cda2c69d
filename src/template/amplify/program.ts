import type { Parser } from 'acorn'
import { isRolecastError, quote, RolecastError } from '../../errors.js'
import type { TextLocation } from '../yaml-document.js'

/**
 * A node of a program's syntax tree, as ESTree has it. Its other properties are read with `childOf`, `childrenOf` and
 * `plainOf`.
 */
export interface SyntaxNode {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly loc: { readonly start: SyntaxPosition; readonly end: SyntaxPosition }
}

interface SyntaxPosition {
  readonly line: number
  readonly column: number
}

export interface SyntaxComment {
  readonly text: string
  readonly start: number
  readonly end: number
  readonly loc: SyntaxNode['loc']
}

export interface SourceProgram {
  readonly path: string
  readonly root: SyntaxNode
  /** In their order. */
  readonly comments: readonly SyntaxComment[]
  readonly locate: (node: Pick<SyntaxNode, 'loc'>) => TextLocation
}

/** In UTF-16 code units. A file that defines a backend has far less. */
const MAX_PROGRAM_LENGTH = 1_000_000

/** Bounds the parser's time: it reads some tokens several times. */
const MAX_TOKENS = 2_000_000

const NEXT = 'correct the syntax there, or leave the file out'

/**
 * Parses TypeScript or JavaScript. The program is not run.
 *
 * @throws RolecastError as a rejection: `invalid-input`, with the line and the column
 */
export async function parseProgram(text: string, path: string): Promise<SourceProgram> {
  const invalid = (at: string, what: string, next: string, cause?: unknown) =>
    new RolecastError('invalid-input', `${quote(at)} cannot be read: ${what}; ${next}`, { value: path, cause })
  if (text.length > MAX_PROGRAM_LENGTH)
    throw invalid(path, `it is longer than ${MAX_PROGRAM_LENGTH} characters`, 'leave the file out')
  const parser = await loadParser(/\.[jt]sx$/.test(path))
  const comments = new Map<number, SyntaxComment>()
  let tokens = 0
  try {
    const root: SyntaxNode = parser.parse(text, {
      sourceType: 'module',
      ecmaVersion: 'latest',
      locations: true,
      allowHashBang: true,
      allowReturnOutsideFunction: true,
      onToken: () => {
        if (++tokens > MAX_TOKENS) throw invalid(path, 'it is too complex', 'leave the file out')
      },
      // A comment that the parser reads twice counts once.
      onComment: (_, content, start, end, from, to) => {
        comments.set(start, { text: content, start, end, loc: { start: from!, end: to! } })
      },
    }) as SyntaxNode
    return { path, root, comments: [...comments.values()].toSorted((a, b) => a.start - b.start), locate: locator(path) }
  } catch (cause) {
    if (isRolecastError(cause)) throw cause
    const { message, loc } = cause as Error & { readonly loc?: SyntaxPosition }
    const at = loc === undefined ? path : `${path}:${loc.line}:${loc.column + 1}`
    const what = message.replace(/ \(\d+:\d+\)$/, '').slice(0, 200)
    throw invalid(at, what.charAt(0).toLowerCase() + what.slice(1), NEXT, cause)
  }
}

function locator(path: string): SourceProgram['locate'] {
  return ({ loc: { start, end } }) => ({
    path,
    line: start.line,
    column: start.column + 1,
    endLine: end.line,
    endColumn: end.column + 1,
  })
}

async function loadParser(jsx: boolean): Promise<typeof Parser> {
  const [acorn, { tsPlugin }] = await Promise.all([import('acorn'), import('@sveltejs/acorn-typescript')])
  return acorn.Parser.extend(tsPlugin({ jsx }))
}

/** The node under this key; undefined if it is not a node. */
export function childOf(node: SyntaxNode | undefined, key: string): SyntaxNode | undefined {
  const child: unknown = node === undefined ? undefined : node[key as keyof SyntaxNode]
  return isNode(child) ? child : undefined
}

/** The nodes in the list under this key, with undefined for other items. */
export function childrenOf(node: SyntaxNode | undefined, key: string): readonly (SyntaxNode | undefined)[] {
  const children: unknown = node === undefined ? undefined : node[key as keyof SyntaxNode]
  return Array.isArray(children) ? children.map(child => (isNode(child) ? child : undefined)) : []
}

/** The value under this key, if it is neither an object nor a list. */
export function plainOf(node: SyntaxNode | undefined, key: string): unknown {
  const value: unknown = node === undefined ? undefined : node[key as keyof SyntaxNode]
  return typeof value === 'object' ? undefined : value
}

function isNode(value: unknown): value is SyntaxNode {
  return typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string'
}

/** Every node of the tree, parents first. */
export function* nodesOf(root: SyntaxNode): Generator<SyntaxNode> {
  const open: SyntaxNode[] = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    yield node
    const children = Object.values(node).flatMap((value: unknown) => (Array.isArray(value) ? value : [value]))
    open.push(...children.filter(isNode).toReversed())
  }
}
