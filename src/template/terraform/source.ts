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

export interface TerraformSourceOptions {
  /** What parses HCL. Default: one for all calls, that loads `@cdktn/hcl2json` with the first text. */
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

/**
 * Reads the files of one Terraform module, which is one folder: its `.tf`, `.tofu` and `.tfvars` files together, since variables
 * and roles often have a file of their own. For several folders, whose modules call each other, use `readTerraformTree`.
 *
 * Values are worked out from literals, files of variables, locals and other resources; a `for_each` or `count` that can
 * be worked out gives its instances. The default of a variable is one possibility. What cannot be worked out is unknown, or a
 * note; modules that are called are not followed.
 *
 * A module in which nothing is of Cognito or IAM is not parsed at all.
 *
 * @throws RolecastError, as a rejection: `invalid-input` for what is no HCL 2
 * @see https://developer.hashicorp.com/terraform/language/syntax/configuration
 */
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
