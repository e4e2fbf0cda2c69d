import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../', import.meta.url))
const PLANTED = `${root}src/planted.ts`

/** `String(x)`, `${x}` and the like, where the compiler does not know that `x` is a text, a number or another plain value. */
const EXCEPTIONS: ReadonlyMap<string, string> = new Map([
  ['errors.ts: String(value)', 'objects are answered above it, and functions and symbols come from no file'],
  ['rules/value.ts: String(value)', 'only for undefined, functions and symbols, of which JSON has no text'],
  ['authorizer/events.ts: [identitySource ?? []].flat().join()', 'inside of the guard: whatever fails there denies'],
  ['cli/main.ts: String(text)', 'what commander writes, which is text'],
  ['credentials/role-mapping.ts: MATCH_TYPES.join()', 'a constant, widened so that any value can be looked up in it'],
  [
    'cognito/api/schema.ts: path.join()',
    'the keys of an issue of zod, which are texts and numbers for what JSON holds',
  ],
])

const PLAIN =
  ts.TypeFlags.StringLike |
  ts.TypeFlags.NumberLike |
  ts.TypeFlags.BooleanLike |
  ts.TypeFlags.BigIntLike |
  ts.TypeFlags.Undefined |
  ts.TypeFlags.Null |
  ts.TypeFlags.Never

const CONVERTERS: ReadonlySet<string> = new Set(['String', 'Number', 'BigInt', 'parseInt', 'parseFloat'])
const METHODS: ReadonlySet<string> = new Set(['toString', 'toLocaleString', 'valueOf'])
const ARITHMETIC: ReadonlySet<ts.SyntaxKind> = new Set([
  ts.SyntaxKind.PlusToken,
  ts.SyntaxKind.PlusEqualsToken,
  ts.SyntaxKind.MinusToken,
  ts.SyntaxKind.AsteriskToken,
  ts.SyntaxKind.SlashToken,
  ts.SyntaxKind.PercentToken,
  ts.SyntaxKind.LessThanToken,
  ts.SyntaxKind.LessThanEqualsToken,
  ts.SyntaxKind.GreaterThanToken,
  ts.SyntaxKind.GreaterThanEqualsToken,
])
const SIGNS: ReadonlySet<ts.SyntaxKind> = new Set([ts.SyntaxKind.PlusToken, ts.SyntaxKind.MinusToken])

/** Wherever a value that may be of any type becomes a text or a number, as `FILE: CODE`. */
function conversions(planted = ''): readonly string[] {
  const { config } = ts.readConfigFile(`${root}tsconfig.json`, path => ts.sys.readFile(path))
  const { fileNames, options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const sources = planted === '' ? fileNames.filter(name => name.startsWith(`${root}src/`)) : [PLANTED]
  const host = ts.createCompilerHost(options)
  const { readFile, fileExists, getSourceFile } = host
  host.readFile = name => (name === PLANTED ? planted : readFile(name))
  host.fileExists = name => name === PLANTED || fileExists(name)
  host.getSourceFile = (name, version, ...rest) =>
    name === PLANTED ? ts.createSourceFile(name, planted, version) : getSourceFile(name, version, ...rest)
  const program = ts.createProgram(sources, options, host)
  const checker = program.getTypeChecker()

  const isPlain = (type: ts.Type): boolean => {
    if (type.isUnion()) return type.types.every(isPlain)
    if (type.isIntersection()) return type.types.some(isPlain)
    if ((type.flags & PLAIN) !== 0) return true
    const constraint = checker.getBaseConstraintOfType(type)
    return constraint !== undefined && constraint !== type && isPlain(constraint)
  }
  const found: string[] = []
  for (const file of program.getSourceFiles()) {
    if (!file.fileName.startsWith(`${root}src/`)) continue
    const visit = (node: ts.Node): void => {
      const say = () => found.push(`${file.fileName.slice(`${root}src/`.length)}: ${node.getText(file)}`)
      const plain = (expression: ts.Expression) => isPlain(checker.getTypeAtLocation(expression))
      if (ts.isTemplateSpan(node) && !plain(node.expression)) say()
      if (ts.isBinaryExpression(node) && ARITHMETIC.has(node.operatorToken.kind))
        if (!plain(node.left) || !plain(node.right)) say()
      if (ts.isPrefixUnaryExpression(node) && SIGNS.has(node.operator) && !plain(node.operand)) say()
      if (ts.isElementAccessExpression(node) && !isKey(node.argumentExpression)) say()
      if (ts.isComputedPropertyName(node) && !isKey(node.expression)) say()
      if (ts.isCallExpression(node)) {
        const { expression, arguments: given } = node
        if (ts.isIdentifier(expression) && CONVERTERS.has(expression.text) && given[0] && !plain(given[0])) say()
        if (ts.isPropertyAccessExpression(expression)) {
          const type = checker.getTypeAtLocation(expression.expression)
          const items = checker.getIndexTypeOfType(type, ts.IndexKind.Number)
          if (expression.name.text === 'join' && items !== undefined && !isPlain(items)) say()
          if (METHODS.has(expression.name.text) && !isPlain(type) && !isBuffer(type)) say()
        }
      }
      ts.forEachChild(node, visit)
    }
    const isKey = (expression: ts.Expression) => {
      const type = checker.getTypeAtLocation(expression)
      const types = type.isUnion() ? type.types : [type]
      return types.every(one => isPlain(one) || (one.flags & ts.TypeFlags.ESSymbolLike) !== 0)
    }
    const isBuffer = (type: ts.Type) => type.symbol?.name === 'Buffer'
    visit(file)
  }
  return found
}

describe('no value of unknown type becomes a string, a number or a key before its type is known', () => {
  let found: readonly string[] = []
  beforeAll(() => {
    found = conversions()
  }, 120_000)
  const keyOf = (one: string) => one.replace(/\((['"]).*\1\)$/, '()')

  test('in the whole source, except for the listed exceptions', () => {
    expect(found.filter(one => !EXCEPTIONS.has(keyOf(one)))).toEqual([])
  })

  test('no exception is stale', () => {
    expect([...EXCEPTIONS.keys()].filter(key => !found.some(one => keyOf(one) === key))).toEqual([])
  })

  test('control: each way to convert is noticed', { timeout: 120_000 }, () => {
    const ways = [
      '`${x}`',
      'String(x)',
      'Number(x)',
      '[x].join()',
      'x.toString()',
      "(x as any) + ''",
      '+(x as any)',
      'table[x as any]',
      '({ [x as any]: 1 })',
      '(x as any) < 1',
    ]
    const code = ways.map((way, index) => `export const x${index} = (x: object, table: any) => ${way}`)
    const places = conversions(code.join('\n'))
    expect(places).toHaveLength(ways.length)
    expect(conversions('export const f = (x: string | number | undefined) => `${x}` + String(x)')).toEqual([])
  })
})
