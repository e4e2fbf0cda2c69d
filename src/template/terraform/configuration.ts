import type { HclParser } from './hcl-parser.js'
import { type HclBlock, type HclOutline, outlineHcl } from './hcl-blocks.js'
import { field, isRecord, type JsonRecord, listOf, parseJsonRecord, type TextSource } from '../json-text.js'
import { outlineJson } from './json-outline.js'
import { compareText } from '../../text.js'
import type { SourceFile } from '../reading.js'
import { entries } from './evaluate.js'

/** A Terraform file, with the locations of its blocks. */
export interface ParsedFile {
  readonly path: string
  readonly content: unknown
  readonly outline: HclOutline
}

/** A block of a file, with its content and location. */
export interface Declaration {
  /** `aws_iam_role.x`, `data.aws_iam_policy_document.x`, `module.x`, `var.x`; without the module that it is in. */
  readonly address: string
  /** The type of a resource; `''` for anything else. */
  readonly type: string
  readonly body: JsonRecord
  readonly path: string
  readonly block: HclBlock | undefined
  /** The locations of the attributes and blocks from an override file. */
  readonly overridden: ReadonlyMap<string, Origin>
}

export interface Origin {
  readonly path: string
  readonly block: HclBlock | undefined
}

/** What the files of one folder declare, by name or address. */
export interface Module {
  readonly files: readonly ParsedFile[]
  readonly variables: ReadonlyMap<string, Declaration>
  readonly locals: ReadonlyMap<string, unknown>
  readonly outputs: ReadonlyMap<string, Declaration>
  /** Data sources too. */
  readonly resources: ReadonlyMap<string, Declaration>
  readonly calls: ReadonlyMap<string, Declaration>
  /** What `import` blocks name. */
  readonly imports: readonly Declaration[]
}

const NEXT = 'correct it (`terraform validate` says more), or upgrade it if it is of Terraform 0.11 or older'

/** @throws RolecastError, as a rejection: `invalid-input` for anything other than HCL 2 or JSON */
export async function parseFile({ path, text }: SourceFile, parse: HclParser): Promise<ParsedFile> {
  const source: TextSource = { path, kind: 'Terraform file', next: NEXT }
  if (path.endsWith('.json')) return { path, content: parseJsonRecord(text, source), outline: outlineJson(text, path) }
  return { path, content: await parse(text, source), outline: outlineHcl(text) }
}

const EXTENSION = /\.(?:tf|tofu)(\.json)?$/

/** `main` of `main.tf`, `main.json` of `main.tf.json`: of the files with the same stem, OpenTofu reads one. */
function stemOf(path: string): string {
  return path.replace(EXTENSION, '$1')
}

/**
 * The files that OpenTofu reads: a `.tofu` file stands in for the `.tf` file of the same name, which is `shadowed`.
 * Terraform does the reverse and reads no `.tofu` at all, so if both exist the project is an OpenTofu project.
 *
 * @see https://opentofu.org/docs/language/files/
 */
export function selectFiles<File extends { readonly path: string }>(
  files: readonly File[],
): { readonly used: readonly File[]; readonly shadowed: readonly File[] } {
  const tofu = new Set(files.filter(({ path }) => isTofu(path)).map(({ path }) => stemOf(path)))
  const isShadowed = ({ path }: File) => !isTofu(path) && tofu.has(stemOf(path))
  return { used: files.filter(file => !isShadowed(file)), shadowed: files.filter(isShadowed) }
}

function isTofu(path: string): boolean {
  return /\.tofu(?:\.json)?$/.test(path)
}

function isOverride({ path }: ParsedFile): boolean {
  return /(?:^|\/|_)override\.(?:tf|tofu)(?:\.json)?$/.test(path)
}

/**
 * What the files declare together. Override files come last, by name: their attributes replace those of the block with
 * the same header, and their blocks of a type replace all blocks of that type.
 *
 * @see https://developer.hashicorp.com/terraform/language/files/override
 */
export function readDeclarations(files: readonly ParsedFile[]): Module {
  const locals = new Map<string, unknown>()
  const declared = {
    variable: new Map<string, Declaration>(),
    output: new Map<string, Declaration>(),
    module: new Map<string, Declaration>(),
    resource: new Map<string, Declaration>(),
  }
  const imports: Declaration[] = []
  const overrides = files.filter(isOverride).toSorted((a, b) => compareText(a.path, b.path))
  for (const file of [...files.filter(one => !isOverride(one)), ...overrides]) {
    const declare = (into: Map<string, Declaration>, key: string, declaration: Declaration) => {
      const before = into.get(key)
      into.set(key, before !== undefined && overrides.includes(file) ? overridden(before, declaration) : declaration)
    }
    const blocksByNames = groupBlocks(file.outline)
    const blocks = (keyword: string, labels: number) => blocksOf(file, blocksByNames, keyword, labels)
    for (const { body } of blocks('locals', 0)) for (const [name, value] of entries(body)) locals.set(name, value)
    for (const [keyword, prefix] of NAMED) {
      for (const { names, ...block } of blocks(keyword, 1))
        declare(declared[keyword], names[0]!, { ...block, address: `${prefix}.${names[0]!}`, type: '' })
    }
    for (const { names, ...block } of blocks('resource', 2)) {
      const address = names.join('.')
      declare(declared.resource, address, { ...block, address, type: names[0]! })
    }
    for (const { names, ...block } of blocks('data', 2)) {
      const address = `data.${names.join('.')}`
      declare(declared.resource, address, { ...block, address, type: '' })
    }
    for (const { names: _, ...block } of blocks('import', 0))
      imports.push({ ...block, address: targetOf(block.body), type: '' })
  }
  const { variable: variables, output: outputs, module: calls, resource: resources } = declared
  return { files, variables, locals, outputs, resources, calls, imports }
}

const NAMED = [
  ['variable', 'var'],
  ['output', 'output'],
  ['module', 'module'],
] as const

/** `aws_cognito_user_group.x` of `to = aws_cognito_user_group.x["a"]`. */
function targetOf(body: JsonRecord): string {
  const to = field(body, 'to')
  return typeof to === 'string' ? (/^(?:\$\{)?([\w-]+\.[\w-]+)/.exec(to)?.[1] ?? '') : ''
}

interface NamedBlock extends Omit<Declaration, 'address' | 'type'> {
  readonly names: readonly string[]
}

type BlocksByNames = ReadonlyMap<string, readonly HclBlock[]>

function groupBlocks({ blocks }: HclOutline): BlocksByNames {
  const byNames = new Map<string, HclBlock[]>()
  for (const block of blocks) {
    const names = JSON.stringify(block.names)
    const here = byNames.get(names)
    if (here === undefined) byNames.set(names, [block])
    else here.push(block)
  }
  return byNames
}

/** All blocks with this keyword and this many labels. In JSON a block is an object, or a list of objects. */
function* blocksOf(
  { path, content }: ParsedFile,
  byNames: BlocksByNames,
  keyword: string,
  labels: number,
): Generator<NamedBlock> {
  function* below(value: unknown, names: readonly string[]): Generator<NamedBlock> {
    if (names.length === labels) {
      const here = byNames.get(JSON.stringify([keyword, ...names]))
      for (const [index, body] of listOf(value).entries())
        yield { names, body: isRecord(body) ? body : {}, path, block: here?.[index], overridden: new Map() }
    } else
      for (const part of listOf(value)) for (const [name, inner] of entries(part)) yield* below(inner, [...names, name])
  }
  yield* below(field(content, keyword), [])
}

function overridden(before: Declaration, { body, path, block }: Declaration): Declaration {
  const replaced = new Map(before.overridden)
  const given = entries(body).filter(([name]) => name !== 'dynamic')
  const [dynamic, dynamicBefore] = [field(body, 'dynamic'), field(before.body, 'dynamic')]
  for (const name of [...given.map(([key]) => key), ...entries(dynamic).map(([key]) => key)])
    replaced.set(name, { path, block })
  // Blocks of a type are replaced, whether they or the earlier ones are dynamic.
  const kept = entries(before.body).filter(([name]) => name !== 'dynamic' && field(dynamic, name) === undefined)
  const keptDynamic = entries(dynamicBefore).filter(([name]) => field(body, name) === undefined)
  const allDynamic = [...keptDynamic, ...entries(dynamic)]
  return {
    ...before,
    body: Object.fromEntries([
      ...kept,
      ...given,
      ...(allDynamic.length === 0 ? [] : [['dynamic', Object.fromEntries(allDynamic)] as const]),
    ]),
    overridden: replaced,
  }
}
