import { posix } from 'node:path'
import { isRolecastError, quote } from '../../errors.js'
import type { Infrastructure, NotFollowed, Unresolved } from '../../rules/infrastructure.js'
import { groupBy } from '../../record.js'
import { compareText } from '../../text.js'
import { emptyInfrastructure } from '../empty-infrastructure.js'
import { isWithin } from '../paths.js'
import type { Reading, ReadingFailure, SourceFile } from '../reading.js'
import { isRecord } from '../json-text.js'
import { type Module, parseFile, readDeclarations, selectFiles } from './configuration.js'
import { mayBeBroken } from './hcl-blocks.js'
import { type HclParser, sharedParser } from './hcl-parser.js'
import { mayCall, mayCallSignIn, remoteCalls, SPEAKS_OF_COGNITO } from './module-source.js'
import { readRoot, TERRAFORM_SOURCE } from './root-module.js'
import { isVariableFile, ownVariableFiles, parseVariableFile, variableNames } from './variables.js'

export interface TerraformTreeOptions {
  /**
   * Files of variables that every root is given, in their order: the last that gives a value wins. Those of
   * `-var-file`.
   */
  readonly varFiles?: readonly SourceFile[] | undefined
  /** What parses HCL. Default: one for all calls, that loads `@cdktn/hcl2json` with the first text. */
  readonly parse?: HclParser | undefined
}

/**
 * Reads all Terraform files of a project, in any folders: `.tf`, `.tofu` and `.tfvars`, and their JSON. A folder is a
 * module. One that is called by a local path is read as its callers call it, with their arguments; one that no other
 * calls, or that has a backend or variable files of its own, is a root. Each root is an infrastructure.
 *
 * A called module that is not among the files, or is too large to follow, is in `notFollowed` or `unresolved`. Folders
 * from which no file that mentions Cognito can be reached are not parsed. A file that cannot be read is a failure, and
 * the others of its folder are read without it.
 *
 * @see https://developer.hashicorp.com/terraform/language/modules/syntax
 */
export async function readTerraformTree(
  files: readonly SourceFile[],
  { varFiles = [], parse = sharedParser }: TerraformTreeOptions = {},
): Promise<Reading> {
  const folders = findFolders(files)
  const relevant = findRelevant(folders)
  const variableFiles = files.filter(({ path }) => isVariableFile(path))
  const failures = new Map<string, ReadingFailure>()
  const orFailure = async <T>(path: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read()
    } catch (error) {
      if (!isRolecastError(error)) throw error
      failures.set(path, { paths: [path], error })
      return undefined
    }
  }
  const parseAll = async <T>(some: readonly SourceFile[], read: (file: SourceFile) => Promise<T>) => {
    const contents: (T | undefined)[] = []
    for (const file of some) contents.push(await orFailure(file.path, () => read(file)))
    return contents.filter(content => content !== undefined)
  }
  const parseVariables = (some: readonly SourceFile[]) => parseAll(some, file => parseVariableFile(file, parse))
  const given = await parseVariables(varFiles)
  const modules = new Map<string, Module>()
  const visited = new Set<string>()
  const included = new Set<string>()
  const infrastructures: Infrastructure[] = []

  const read = async (root: Folder) => {
    for (const { path, files: own } of reachableFrom(root, folders))
      if (!modules.has(path)) modules.set(path, readDeclarations(await parseAll(own, file => parseFile(file, parse))))
    const own = ownVariableFiles(root.variableFiles)
    const variables = [...(await parseVariables(own)), ...given]
    const { infrastructure, folders: entered } = readRoot({
      folder: root.path,
      moduleOf: path => modules.get(path),
      textsOf: path => folders.get(path)?.files.map(({ text }) => text) ?? [],
      isRelevant: path => relevant.has(path),
      variables,
      otherValue: createSearch(
        variableFiles.filter(file => isWithin(file.path, root.path) && !own.includes(file) && !varFiles.includes(file)),
      ),
    })
    for (const path of entered) visited.add(path)
    for (const { path } of own) included.add(path)
    infrastructures.push(withShadowed(infrastructure, entered, folders))
  }

  const called = new Set([...folders.values()].flatMap(({ path, calls }) => calls.filter(other => other !== path)))
  for (const folder of folders.values())
    if (relevant.has(folder.path) && (folder.isRoot || !called.has(folder.path))) await read(folder)
  // Modules that call one another in a cycle, or that only a comment calls.
  for (const folder of folders.values()) if (folder.speaksOfCognito && !visited.has(folder.path)) await read(folder)

  for (const folder of folders.values()) {
    if (visited.has(folder.path)) continue
    // Only for files that can be read is it known that they have nothing.
    for (const file of folder.files) if (looksBroken(file)) await orFailure(file.path, () => parseFile(file, parse))
    const whole = folder.files.filter(({ path }) => !failures.has(path))
    const unseen = whole.flatMap(remoteCalls)
    const paths = whole.map(({ path }) => path)
    infrastructures.push({ ...emptyInfrastructure(TERRAFORM_SOURCE, ''), paths, unseen })
  }
  return { infrastructures: saidOnce(infrastructures), failures: [...failures.values()], included: [...included] }
}

/** Several roots that call the same module all give the same note. */
function saidOnce(infrastructures: readonly Infrastructure[]): readonly Infrastructure[] {
  const said = new Set<string>()
  const isNew = (note: Unresolved | NotFollowed) => {
    const text = JSON.stringify(note)
    return !said.has(text) && said.add(text)
  }
  return infrastructures.map(infrastructure => ({
    ...infrastructure,
    unresolved: infrastructure.unresolved.filter(isNew),
    notFollowed: infrastructure.notFollowed.filter(isNew),
    unseen: infrastructure.unseen?.filter(isNew),
  }))
}

function looksBroken({ path, text }: SourceFile): boolean {
  if (!path.endsWith('.json')) return mayBeBroken(text)
  try {
    return !isRecord(JSON.parse(text))
  } catch {
    return true
  }
}

/** A folder that has a module. */
interface Folder {
  readonly path: string
  readonly files: readonly SourceFile[]
  /** Files that OpenTofu does not read, because there is a `.tofu` file of the same name. */
  readonly shadowed: readonly SourceFile[]
  readonly variableFiles: readonly SourceFile[]
  /** The folders that it may call. */
  readonly calls: readonly string[]
  /** Whether its own files mention Cognito, or may call a module that does. */
  readonly speaksOfCognito: boolean
  /** Whether it is deployed on its own, even if another module calls it. */
  readonly isRoot: boolean
}

type Folders = ReadonlyMap<string, Folder>

const BACKEND = /\b(?:backend\s{1,20}"|cloud\s{1,20}\{)|"(?:backend|cloud)"\s{0,20}:/

function findFolders(files: readonly SourceFile[]): Folders {
  const byFolder = groupBy(files, ({ path }) => posix.dirname(path))
  const sorted = [...byFolder].toSorted(([a], [b]) => compareText(a, b))
  return new Map(
    sorted.flatMap(([path, all]): [string, Folder][] => {
      const { used, shadowed } = selectFiles(all.filter(file => !isVariableFile(file.path)))
      const variableFiles = all.filter(file => isVariableFile(file.path))
      const calls = [...new Set(used.flatMap(({ text }) => mayCall(path, text)))]
      const isRoot = ownVariableFiles(variableFiles).length > 0 || used.some(({ text }) => BACKEND.test(text))
      const speaksOfCognito =
        calls.some(other => !byFolder.has(other)) ||
        used.some(({ text }) => SPEAKS_OF_COGNITO.test(text) || mayCallSignIn(text))
      const folder = { path, files: used, shadowed, variableFiles, calls, speaksOfCognito, isRoot }
      return used.length === 0 ? [] : [[path, folder]]
    }),
  )
}

/** The folders that mention Cognito, and those from which one may be reached. */
function findRelevant(folders: Folders): ReadonlySet<string> {
  const callers = groupBy(
    [...folders.values()].flatMap(({ path, calls }) => calls.map(callee => ({ caller: path, callee }))),
    ({ callee }) => callee,
  )
  const relevant = new Set([...folders.values()].filter(folder => folder.speaksOfCognito).map(({ path }) => path))
  for (const path of relevant) for (const { caller } of callers.get(path) ?? []) relevant.add(caller)
  return relevant
}

function reachableFrom(root: Folder, folders: Folders): Iterable<Folder> {
  const reached = new Set([root])
  for (const { calls } of reached)
    for (const path of calls) {
      const callee = folders.get(path)
      if (callee !== undefined) reached.add(callee)
    }
  return reached
}

/** The file that seems to set a variable. */
function createSearch(files: readonly SourceFile[]): (variable: string) => string | undefined {
  let found: Map<string, string> | undefined
  return variable => {
    // The first file that has it is named.
    found ??= new Map(
      files.toReversed().flatMap(({ path, text }) => variableNames(text).map(name => [name, path] as const)),
    )
    return found.get(variable)
  }
}

function withShadowed(infrastructure: Infrastructure, entered: ReadonlySet<string>, folders: Folders): Infrastructure {
  const shadowed = [...entered].flatMap(path => folders.get(path)?.shadowed ?? [])
  const unresolved = shadowed
    .filter(({ text }) => SPEAKS_OF_COGNITO.test(text))
    .map(({ path }) => ({
      why: `${quote(path)} is not read, because OpenTofu reads the \`.tofu\` file of that name instead`,
      location: { path },
    }))
  return unresolved.length === 0
    ? infrastructure
    : { ...infrastructure, unresolved: [...infrastructure.unresolved, ...unresolved] }
}
