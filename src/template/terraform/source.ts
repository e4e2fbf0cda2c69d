import { posix } from 'node:path'
import type { Infrastructure } from '../../rules/infrastructure.js'
import { emptyInfrastructure } from '../empty-infrastructure.js'
import type { SourceFile } from '../reading.js'
import { type ParsedFile, parseFile, readDeclarations, selectFiles } from './configuration.js'
import { type HclParser, sharedParser } from './hcl-parser.js'
import { mayCallSignIn, SPEAKS_OF_COGNITO } from './module-source.js'
import { readRoot, TERRAFORM_SOURCE } from './root-module.js'
import { isVariableFile, ownVariableFiles, parseVariableFile } from './variables.js'

/** A file of a Terraform module. JSON if it ends in `.json`, else HCL. */
export type TerraformFile = SourceFile

/** The options of `readTerraformModule`. */
export interface TerraformSourceOptions {
  /**
   * What parses HCL.
   *
   * @default one parser for all calls, which loads `@cdktn/hcl2json` with the first text
   */
  readonly parse?: HclParser | undefined
}

/** Reads a module of one file: see `readTerraformModule`. */
export function readTerraformSource(
  text: string,
  path: string,
  options: TerraformSourceOptions = {},
): Promise<Infrastructure> {
  return readTerraformModule([{ path, text }], options)
}

/** What `readTerraformModule` of `module.ts` does. */
export async function readTerraformModule(
  files: readonly TerraformFile[],
  { parse = sharedParser }: TerraformSourceOptions = {},
): Promise<Infrastructure> {
  const { used } = selectFiles(files.filter(({ path }) => !isVariableFile(path)))
  if (!used.some(({ text }) => isRelevant(text)))
    return { ...emptyInfrastructure(TERRAFORM_SOURCE, ''), paths: files.map(({ path }) => path) }
  const parsed: ParsedFile[] = []
  for (const file of used) parsed.push(await parseFile(file, parse))
  const variables: unknown[] = []
  for (const file of ownVariableFiles(files)) variables.push(await parseVariableFile(file, parse))
  const module = readDeclarations(parsed)
  const folder = posix.dirname(used[0]!.path)
  const { infrastructure } = readRoot({
    folder,
    moduleOf: path => (path === folder ? module : undefined),
    textsOf: () => used.map(({ text }) => text),
    isRelevant: () => true,
    variables,
    otherValue: () => undefined,
  })
  return infrastructure
}

function isRelevant(text: string): boolean {
  return SPEAKS_OF_COGNITO.test(text) || /aws(?:cc)?_iam_role/.test(text) || mayCallSignIn(text)
}
