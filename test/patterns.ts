import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

/** A regular expression of the source. */
export interface Pattern {
  /** `rules/mapping-rules.ts:46`, below `src`. */
  readonly where: string
  readonly source: string
  readonly flags: string
}

export interface Patterns {
  readonly patterns: readonly Pattern[]
  /** What makes a pattern from what this does not work out, as `WHERE: CODE`. */
  readonly unread: readonly string[]
}

/** Every file below `src`, by its path there. */
export function sourceFiles(): ReadonlyMap<string, string> {
  const root = fileURLToPath(new URL('../src/', import.meta.url))
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(path => path.endsWith('.ts'))
  return new Map(
    paths.map(path => path.replaceAll('\\', '/')).map(path => [path, readFileSync(`${root}${path}`, 'utf8')]),
  )
}

/** Methods that make a pattern of a text they are given. */
const MAKING: ReadonlySet<string> = new Set(['match', 'matchAll', 'search'])

/**
 * Every pattern of a file: literals, and `RegExp(…)` of texts that the file itself has as constants. A text that is code,
 * as the script of a page is, is a file of its own.
 */
export function patternsOf(path: string, text: string): Patterns {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true)
  const constants = new Map<string, ts.Expression>()
  const patterns: Pattern[] = []
  const unread: string[] = []

  /** The text of an expression; undefined where it is not a constant of this file. */
  const constant = (node: ts.Expression): string | undefined => {
    if (ts.isStringLiteralLike(node)) return node.text
    if (ts.isIdentifier(node)) {
      const value = constants.get(node.text)
      return value === undefined ? undefined : constant(value)
    }
    if (ts.isTaggedTemplateExpression(node) && node.tag.getText() === 'String.raw') return template(node.template, true)
    return ts.isTemplateExpression(node) ? template(node, false) : undefined
  }
  const template = (node: ts.TemplateLiteral, raw: boolean): string | undefined => {
    const read = (part: ts.TemplateLiteralLikeNode) => (raw ? part.rawText : part.text) ?? ''
    if (ts.isNoSubstitutionTemplateLiteral(node)) return read(node)
    const parts = node.templateSpans.map(({ expression, literal }) => {
      const filled = constant(expression)
      return filled === undefined ? undefined : filled + read(literal)
    })
    return parts.includes(undefined) ? undefined : read(node.head) + parts.join('')
  }

  const declare = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name) && node.initializer !== undefined)
      constants.set(node.name.text, node.initializer)
    ts.forEachChild(node, declare)
  }
  const visit = (node: ts.Node): void => {
    const where = `${path}:${file.getLineAndCharacterOfPosition(node.getStart()).line + 1}`
    if (ts.isRegularExpressionLiteral(node)) {
      const end = node.text.lastIndexOf('/')
      patterns.push({ where, source: node.text.slice(1, end), flags: node.text.slice(end + 1) })
    } else if ((ts.isNewExpression(node) || ts.isCallExpression(node)) && node.expression.getText() === 'RegExp') {
      const [source, flags] = node.arguments ?? []
      const texts = [source === undefined ? '' : constant(source), flags === undefined ? '' : constant(flags)]
      const [sourceText, flagsText] = texts
      if (sourceText === undefined || flagsText === undefined) unread.push(`${where}: ${node.getText()}`)
      else patterns.push({ where, source: sourceText, flags: flagsText })
    } else if (
      ts.isCallExpression(node) &&
      ts.isPropertyAccessExpression(node.expression) &&
      MAKING.has(node.expression.name.text)
    ) {
      const [given] = node.arguments
      // A name is that of a pattern; where it is not, its text is one.
      const isText = given !== undefined && constant(given) !== undefined
      if (isText) unread.push(`${where}: ${node.getText()}`)
    }
    ts.forEachChild(node, visit)
  }
  declare(file)
  visit(file)
  return { patterns, unread }
}
