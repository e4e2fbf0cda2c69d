import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { formatWithOptions } from 'node:util'
import * as jose from 'jose'
import ts from 'typescript'
import { beforeAll, describe, expect, test } from 'vitest'
import manifest from '../../package.json' with { type: 'json' }
import * as authorizer from '../../src/authorizer/index.js'
import * as core from '../../src/index.js'
import * as template from '../../src/template/index.js'
import * as testing from '../../src/testing/index.js'

const root = fileURLToPath(new URL('../..', import.meta.url))
const PLANTED = 'rolecast/planted'

/** The file of each entry, by the name that it is imported by. */
const ENTRIES: ReadonlyMap<string, string> = new Map(
  Object.keys(manifest.exports).flatMap(key => {
    if (key === './package.json' || key === './schemas/*') return []
    return [[`rolecast${key.slice(1)}`, join(root, 'src', key.slice(1), 'index.ts')]]
  }),
)

/** An entry with one fault of each kind: the control. */
const PLANTED_FILE = join(root, 'src/planted/index.ts')
const PLANTED_TEXT = `
interface Hidden {
  readonly text: string
}

/**
 * Names a type that is not exported, and its example says another output.
 *
 * @example
 * import { namesHidden } from 'rolecast/planted'
 *
 * console.log(namesHidden({ text: 'a' })) // b
 */
export function namesHidden(hidden: Hidden): string {
  return hidden.text
}

/** Has no example. */
export function withoutExample() {}

/**
 * Has an example with an error.
 *
 * @example
 * import { wrongExample } from 'rolecast/planted'
 *
 * wrongExample(1)
 */
export function wrongExample(text: string): string {
  if (text === '') throw new Error('empty')
  return text
}

export interface PlantedOptions {
  /**
   * Says another default than the code has.
   *
   * @default 5
   */
  readonly size?: number
  /** Says no default. */
  readonly name?: string
  /** @default false */
  readonly isLoud?: boolean
}

/**
 * Reads the options.
 *
 * @example
 * import { readsOptions } from 'rolecast/planted'
 *
 * readsOptions({ size: 1 })
 */
export function readsOptions({ size = 10, isLoud = false }: PlantedOptions = {}): string {
  return String([size, isLoud])
}
`

/** What examples import and no dependency of this project has: only as much of it as they use. */
const FOREIGN = `
declare module 'express' {
  interface Request { readonly headers: { readonly authorization?: string } }
  interface Response { set(headers: Record<string, string>): Response; sendStatus(status: number): Response }
  type Handler = (request: Request, response: Response, next: () => void) => void | Promise<void>
  export default function express(): { use(handler: Handler): void }
}
declare module '@aws-sdk/client-config-service' {
  export class PutEvaluationsCommand { constructor(input: { Evaluations?: object[]; ResultToken: string | undefined; TestMode?: boolean }) }
  export class ConfigServiceClient { send(command: PutEvaluationsCommand): Promise<{ FailedEvaluations?: object[] }> }
}
declare module '@aws-sdk/client-verifiedpermissions' {
  type AttributeValue = { string: string } | { set: readonly AttributeValue[] }
  interface Id { readonly entityType: string; readonly entityId: string }
  interface Input {
    readonly policyStoreId: string
    readonly principal: Id
    readonly action: { readonly actionType: string; readonly actionId: string }
    readonly resource: Id
    readonly entities: {
      readonly entityList: readonly {
        readonly identifier: Id
        readonly attributes: Readonly<Record<string, AttributeValue>>
        readonly parents: readonly Id[]
      }[]
    }
  }
  export class IsAuthorizedCommand { constructor(input: Input) }
  export class VerifiedPermissionsClient { send(command: IsAuthorizedCommand): Promise<{ decision: 'ALLOW' | 'DENY' }> }
}
`

/** What an example may import to be run: the others call AWS, read files or need a framework, and are only type-checked. */
const RUNNABLE: Readonly<Record<string, object>> = {
  rolecast: core,
  'rolecast/authorizer': authorizer,
  'rolecast/template': template,
  'rolecast/testing': testing,
  jose,
  [PLANTED]: { namesHidden: ({ text }: { text: string }) => text, readsOptions: String, wrongExample: String },
}

interface Example {
  /** `rolecast/cognito createRoleResolver` */
  readonly of: string
  readonly file: string
  readonly text: string
}

interface Option {
  readonly of: string
  readonly documented: string | undefined
}

/** Defaults in the code that no caller gets. */
const NEVER_USED: ReadonlySet<string> = new Set([
  // Only read where it is given.
  'CacheOptions.poolSize',
  // Only for the check of what is given.
  'FakeCognitoOptions.clientId',
])

let problems: readonly string[]
let examples: readonly Example[]
/** Each default of the code that was compared with its `@default`. */
let compared: readonly string[]

const problemsOf = (isPlanted: boolean, kind: RegExp) =>
  problems.filter(problem => problem.startsWith(PLANTED) === isPlanted && kind.test(problem))

beforeAll(() => {
  const { options } = ts.getParsedCommandLineOfConfigFile(join(root, 'tsconfig.json'), {}, {
    ...ts.sys,
    onUnRecoverableConfigFileDiagnostic: ({ messageText }) => {
      throw new Error(String(messageText))
    },
  } as ts.ParseConfigFileHost)!
  const virtual = new Map([
    [PLANTED_FILE, PLANTED_TEXT],
    [join(root, 'src/foreign.d.ts'), FOREIGN],
  ])
  const entries = new Map([...ENTRIES, [PLANTED, PLANTED_FILE]])
  const settings: ts.CompilerOptions = {
    ...options,
    lib: [...(options.lib ?? []), 'lib.esnext.disposable.d.ts'],
    noUnusedLocals: false,
    noUnusedParameters: false,
    paths: Object.fromEntries([...entries].map(([name, file]) => [name, [file]])),
  }
  const host = ts.createCompilerHost(settings)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = name => virtual.has(name) || fileExists(name)
  host.readFile = name => virtual.get(name) ?? readFile(name)
  host.getSourceFile = (name, target, ...rest) => {
    const text = virtual.get(name)
    return text === undefined ? getSourceFile(name, target, ...rest) : ts.createSourceFile(name, text, target, true)
  }
  const program = ts.createProgram([...entries.values(), ...virtual.keys()], settings, host)
  const read = readDocs(program, entries)
  const checked = checkDefaults(program, read.options)
  examples = read.examples
  for (const { file, text } of examples) virtual.set(file, text)
  const whole = ts.createProgram(
    [...program.getRootFileNames(), ...examples.map(({ file }) => file)],
    settings,
    host,
    program,
  )
  const errors = examples.flatMap(({ of, file }) => {
    const source = whole.getSourceFile(file)!
    return [...whole.getSyntacticDiagnostics(source), ...whole.getSemanticDiagnostics(source)].map(
      ({ messageText }) => `${of}: the example does not compile: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    )
  })
  problems = [...read.problems, ...checked.problems, ...errors]
  compared = checked.compared
}, 300_000)

describe('the docstrings of what each entry exports', () => {
  for (const [law, kind, planted] of [
    ['every type that is named is exported from the same entry, or from `rolecast`', / names /, 'namesHidden'],
    ['everything has a docstring that begins with a sentence', / has no docstring/, 'PlantedOptions'],
    ['every property has one', / has no docstring/, 'PlantedOptions.isLoud'],
    ['every function has an example', / has no example/, 'withoutExample'],
    ['every function says what it returns', / has no return type/, 'withoutExample'],
    ['every function that throws, or calls what says that it does, has `@throws`', / has no `@throws`/, 'wrongExample'],
    ['every option says its default', / says no default/, 'PlantedOptions.name'],
    ['a default is the one of the code', / says the default /, 'PlantedOptions.size'],
    ['every example compiles as a user writes it', / does not compile/, 'wrongExample'],
  ] as const) {
    test(law, () => {
      expect(problemsOf(false, kind)).toEqual([])
      // The control.
      expect(problemsOf(true, kind)).toContainEqual(expect.stringContaining(`${PLANTED} ${planted}`))
    })
  }

  test('all defaults that are constants in the code are compared', () => {
    expect(compared).toContain('CacheOptions.ttl')
    expect(compared).toContain('RolecastPluginOptions.failOn')
    expect(compared.length).toBeGreaterThan(30)
  })
})

test('the API reference of the site is made of all entries', () => {
  const { config } = ts.readConfigFile(join(root, 'typedoc.json'), ts.sys.readFile) as {
    config: { entryPoints: readonly string[] }
  }
  const files = config.entryPoints.map(path => join(root, path))
  expect(files.toSorted()).toEqual([...ENTRIES.values()].toSorted())
})

describe('examples that need neither AWS nor a file', () => {
  test('print what their comments say', async () => {
    const ran: string[] = []
    const wrong: string[] = []
    for (const example of examples) {
      const modules = importsOf(example)
      if (!modules.every(name => Object.hasOwn(RUNNABLE, name))) continue
      ran.push(example.of)
      wrong.push(...(await run(example)))
    }
    const others = examples.filter(({ of }) => !ran.includes(of)).map(({ of }) => of)
    console.log(`${ran.length} examples run; ${others.length} are only type-checked:\n${others.join('\n')}`)
    expect(wrong.filter(one => !one.startsWith(PLANTED))).toEqual([])
    // The control.
    expect(wrong).toEqual([`${PLANTED} namesHidden: printed a, not b`])
    expect(ran.length).toBeGreaterThan(40)
  })
})

/** Reads what the entries export: what is wrong with it, its options and its examples. */
function readDocs(program: ts.Program, entries: ReadonlyMap<string, string>) {
  const checker = program.getTypeChecker()
  const found = { problems: [] as string[], options: new Map<ts.Declaration, Option>(), examples: [] as Example[] }
  const exportsOf = (file: string) => {
    const symbols = checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file)!)!)
    return symbols.map(symbol => ({ name: symbol.name, symbol: resolved(symbol) }))
  }
  const inCore = new Set(exportsOf(entries.get('rolecast')!).map(({ symbol }) => symbol))
  const seen = new Set<ts.Symbol>()

  for (const [entry, file] of entries) {
    const here = exportsOf(file)
    const exported = new Set([...inCore, ...here.map(({ symbol }) => symbol)])
    for (const { name, symbol } of here) {
      const of = `${entry} ${name}`
      for (const declaration of symbol.declarations ?? []) {
        for (const type of typesNamedBy(declaration)) {
          const named = checker.getSymbolAtLocation(type)
          if (named && isOurs(resolved(named)) && !exported.has(resolved(named)))
            found.problems.push(`${of}: names \`${type.getText()}\`, which neither ${entry} nor rolecast exports`)
        }
        if (!seen.has(symbol)) readDeclaration(of, name, declaration)
      }
      seen.add(symbol)
    }
  }
  return found

  function resolved(symbol: ts.Symbol): ts.Symbol {
    return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
  }

  function isOurs(symbol: ts.Symbol): boolean {
    if (symbol.flags & ts.SymbolFlags.TypeParameter) return false
    return (symbol.declarations ?? []).some(one => relative(join(root, 'src'), one.getSourceFile().fileName)[0] !== '.')
  }

  function readDeclaration(of: string, name: string, declaration: ts.Declaration): void {
    // The last of several signatures is that of the implementation, which users do not see.
    if (ts.isFunctionDeclaration(declaration) && declaration.body !== undefined && hasOverloads(declaration)) return
    const documented = ts.isVariableDeclaration(declaration) ? declaration.parent.parent : declaration
    checkSummary(of, documented)
    if (ts.isFunctionDeclaration(declaration) || ts.isClassDeclaration(declaration)) {
      const tags = ts.getJSDocTags(declaration)
      const texts = tags.filter(({ tagName }) => tagName.text === 'example')
      if (texts.length === 0) found.problems.push(`${of}: has no example`)
      for (const tag of texts) {
        const file = join(root, `src/example-${found.examples.length}.ts`)
        found.examples.push({ of, file, text: `${ts.getTextOfJSDocComment(tag.comment) ?? ''}\nexport {}\n` })
      }
      if (ts.isFunctionDeclaration(declaration) && !declaration.type)
        found.problems.push(`${of}: has no return type, whose types could be checked`)
      if (throws(declaration) && !tags.some(({ tagName }) => tagName.text === 'throws'))
        found.problems.push(`${of}: has no \`@throws\``)
    }
    if (ts.isInterfaceDeclaration(declaration) || ts.isClassDeclaration(declaration)) {
      const optional: ts.TypeElement[] = []
      for (const member of declaration.members) {
        const text = member.name?.getText() ?? ''
        if (text.startsWith('#') || text.startsWith('[') || ts.isConstructorDeclaration(member)) continue
        checkSummary(`${of}.${text}`, member)
        if (ts.isPropertySignature(member) && member.questionToken) optional.push(member)
      }
      const isOptions = name.endsWith('Options') || optional.some(member => defaultOf(member) !== undefined)
      if (!isOptions) return
      for (const member of optional) {
        const option = { of: `${of}.${member.name!.getText()}`, documented: defaultOf(member) }
        found.options.set(member, option)
        if (!option.documented) found.problems.push(`${option.of}: says no default`)
      }
    }
  }

  function checkSummary(of: string, node: ts.Node): void {
    const text = ts.getJSDocCommentsAndTags(node).find(ts.isJSDoc)?.comment
    if (!ts.getTextOfJSDocComment(text)?.trim()) found.problems.push(`${of}: has no docstring`)
  }

  /** Whether a function, and not one that it makes, has a `throw` or calls what says that it throws. */
  function throws(declaration: ts.FunctionDeclaration | ts.ClassDeclaration): boolean {
    if (!ts.isFunctionDeclaration(declaration) || !declaration.body) return false
    let found = false
    const visit = (node: ts.Node): void => {
      if (ts.isThrowStatement(node) || (ts.isCallExpression(node) && saysThatItThrows(node))) found = true
      else if (!ts.isFunctionLike(node)) ts.forEachChild(node, visit)
    }
    visit(declaration.body)
    return found
  }

  function saysThatItThrows(call: ts.CallExpression): boolean {
    const called = checker.getResolvedSignature(call)?.declaration
    if (!called || relative(join(root, 'src'), called.getSourceFile().fileName)[0] === '.') return false
    return ts.getJSDocTags(called).some(({ tagName }) => tagName.text === 'throws')
  }

  function hasOverloads(declaration: ts.FunctionDeclaration): boolean {
    return (checker.getSymbolAtLocation(declaration.name!)?.declarations?.length ?? 0) > 1
  }
}

function defaultOf(member: ts.Node): string | undefined {
  const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default')
  return tag && ts.getTextOfJSDocComment(tag.comment)?.trim()
}

/** The names of types in a declaration, without what is inside of functions. */
function typesNamedBy(declaration: ts.Declaration): readonly ts.Node[] {
  const names: ts.Node[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isBlock(node) || (ts.isPropertyDeclaration(node) && ts.isPrivateIdentifier(node.name))) return
    if (ts.isTypeReferenceNode(node)) names.push(node.typeName)
    if (ts.isExpressionWithTypeArguments(node) && declaration.kind !== ts.SyntaxKind.VariableDeclaration)
      names.push(node.expression)
    ts.forEachChild(node, visit)
  }
  if (ts.isVariableDeclaration(declaration)) {
    if (declaration.type) visit(declaration.type)
  } else visit(declaration)
  return names
}

/** Compares what options say with the defaults that the code gives them, where these are constants. */
function checkDefaults(program: ts.Program, options: ReadonlyMap<ts.Declaration, Option>) {
  const checker = program.getTypeChecker()
  const compared = new Set<string>()
  const wrong = new Set<string>()

  for (const source of program.getSourceFiles()) {
    if (relative(join(root, 'src'), source.fileName)[0] === '.') continue
    const visit = (node: ts.Node): void => {
      if (ts.isBindingElement(node) && node.initializer && ts.isObjectBindingPattern(node.parent)) {
        const name = (node.propertyName ?? node.name).getText()
        compare(checker.getTypeAtLocation(node.parent), name, node.initializer)
      } else if (ts.isBinaryExpression(node) && node.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken) {
        if (ts.isPropertyAccessExpression(node.left))
          compare(checker.getTypeAtLocation(node.left.expression), node.left.name.text, node.right)
      } else if (ts.isCallExpression(node) && /^(number|duration)Option$/.test(node.expression.getText())) {
        const [given, name, last] = node.arguments
        const value = last && ts.isObjectLiteralExpression(last) ? propertyOf(last, 'default') : last
        if (given && name && ts.isStringLiteral(name) && value)
          compare(checker.getTypeAtLocation(given), name.text, value)
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
  }
  return { problems: [...wrong], compared: [...compared] }

  function compare(type: ts.Type, name: string, initializer: ts.Expression): void {
    const declarations = checker.getNonNullableType(type).getProperty(name)?.declarations ?? []
    for (const declaration of declarations) {
      const option = options.get(declaration)
      const value = constantOf(initializer)
      if (!option?.documented || value === undefined) continue
      const named = option.of.replace(/^\S+ /, '')
      compared.add(named)
      if (!says(option.documented, value) && option.documented !== initializer.getText() && !NEVER_USED.has(named))
        wrong.add(`${option.of}: says the default \`${option.documented}\`, and the code has \`${value}\``)
    }
  }

  /** The source text of a constant, with numbers as JavaScript prints them. */
  function constantOf(node: ts.Expression): string | undefined {
    if (ts.isNumericLiteral(node)) return String(Number(node.text))
    if (ts.isStringLiteral(node)) return `'${node.text}'`
    if (/^(true|false|\[\]|Date\.now(\(\))?)$/.test(node.getText())) return node.getText()
    if (ts.isIdentifier(node)) {
      const declaration = declarationOf(node)
      const isConstant = declaration && ts.isVariableDeclaration(declaration) && declaration.initializer
      return isConstant ? constantOf(isConstant) : undefined
    }
    if (ts.isPropertyAccessExpression(node)) {
      const declaration = declarationOf(node.name)
      return declaration && ts.isPropertyAssignment(declaration) ? constantOf(declaration.initializer) : undefined
    }
    return undefined
  }

  function declarationOf(name: ts.Node): ts.Declaration | undefined {
    const symbol = checker.getSymbolAtLocation(name)
    if (!symbol) return undefined
    return (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol).declarations?.[0]
  }
}

function propertyOf(object: ts.ObjectLiteralExpression, name: string): ts.Expression | undefined {
  const property = object.properties.find(one => one.name?.getText() === name)
  return property && ts.isPropertyAssignment(property) ? property.initializer : undefined
}

/** Whether a `@default` has this value among its words: some options have one for each kind of caller. */
function says(documented: string, value: string): boolean {
  const words = documented.match(/'[^']*'|"[^"]*"|\[\]|[\w.]+(?:\(\))?/g) ?? []
  return words.some(word => {
    if (/^[\d_]+$/.test(word)) return word.replaceAll('_', '') === value
    return word === value || word.replaceAll('"', "'") === value || word.replace(/\.$/, '') === value
  })
}

function importsOf({ text }: Example): readonly string[] {
  return ts.preProcessFile(text).importedFiles.map(({ fileName }) => fileName)
}

/** A comment that ends with an ellipsis is the beginning of the line. */
function isSame(line: string, comment: string): boolean {
  return comment.endsWith('…') ? line.startsWith(comment.slice(0, -1).trimEnd()) : line === comment
}

/** Runs an example, and says where it prints something else than the comments of its lines. */
async function run({ of, file, text }: Example): Promise<readonly string[]> {
  const expected: string[] = []
  const printed = new Map<number, string[]>()
  const logged = text
    .split('\n')
    .map(line => {
      if (!line.includes('console.log(')) return line
      const [, comment = ''] = / \/\/ (.*)$/.exec(line) ?? []
      return line.replace('console.log(', `print(${expected.push(comment) - 1}, `)
    })
    .join('\n')
  const { outputText } = ts.transpileModule(logged, {
    fileName: file,
    compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext },
  })
  const body = outputText
    .replace(/^import \{([^}]*)\} from '([^']*)';?$/gm, (_, names: string, name: string) => {
      return `const {${names.replaceAll(' as ', ': ')}} = modules['${name}']`
    })
    .replace(/^export \{\};?$/gm, '')
    .replace(/^export (?=const|function|async)/gm, '')
  const AsyncFunction = (async () => {}).constructor as new (...code: string[]) => (...args: unknown[]) => Promise<void>
  const print = (index: number, ...values: unknown[]) => {
    const line = formatWithOptions({ breakLength: Infinity }, ...values)
    printed.set(index, [...(printed.get(index) ?? []), line])
  }
  try {
    await new AsyncFunction('modules', 'print', body)(RUNNABLE, print)
  } catch (error) {
    return [`${of}: failed: ${String(error)}`]
  }
  return expected.flatMap((comment, index) => {
    if (comment === '') return []
    const lines = printed.get(index) ?? ['nothing']
    return lines.filter(line => !isSame(line, comment)).map(line => `${of}: printed ${line}, not ${comment}`)
  })
}
