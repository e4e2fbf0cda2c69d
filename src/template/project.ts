import { isRolecastError } from '../errors.js'
import type { Infrastructure } from '../rules/infrastructure.js'
import { readStacks, type StackFile } from './cloudformation/stacks.js'
import type { TemplateFormat } from './formats.js'
import { mergeInfrastructures } from './merge.js'
import type { OpenFile, Reading, SourceFile } from './reading.js'

/** A file of a known format. */
export interface ProjectFile extends SourceFile {
  /** How to read the file; `detectFormat` tells it. */
  readonly format: TemplateFormat
}

/** The options of `readProject`. */
export interface ProjectOptions {
  /**
   * Gives the text of a file that another one includes or nests. Templates are written by others: give only what may be
   * read.
   *
   * @default none is given
   */
  readonly open?: OpenFile | undefined
  /**
   * Terraform's files of variables, in their order: those of a later one win.
   *
   * @default []
   */
  readonly varFiles?: readonly SourceFile[] | undefined
}

/**
 * Reads all files of a project together: what calls, includes, imports or nests another is followed, and what is of one
 * user pool is one infrastructure. A file that cannot be read is a failure of its own, and the others are read
 * nonetheless.
 *
 * Not for finding the files: it reads none itself. A text on its own is for `readTemplate`.
 *
 * @param files all files of the project; `detectFormat` tells their formats
 * @param options what files may include, and Terraform's files of variables
 * @returns the infrastructures, for `validateInfrastructure`; look at `failures` too, or what was not read looks clean
 * @example
 * import { readProject } from 'rolecast/template'
 *
 * const { infrastructures, failures } = await readProject([
 *   {
 *     path: 'groups.json',
 *     format: 'user-pool',
 *     text: '{ "UserPoolId": "eu-west-1_Ab12Cd34e", "Groups": [{ "GroupName": "admins" }] }',
 *   },
 * ])
 * console.log(infrastructures[0]?.groups.length, failures) // 1 []
 */
export async function readProject(
  files: readonly ProjectFile[],
  { open = () => undefined, varFiles = [] }: ProjectOptions = {},
): Promise<Reading> {
  const [modules, others] = partition(files, file => file.format === 'terraform-source' && file.path !== '-')
  const [stacks, alone] = partition(others, isStack)
  return together([
    readStacks(stacks, { open }),
    ...(await Promise.all(alone.map(file => readAlone(file)))),
    ...(modules.length > 0 || varFiles.length > 0 ? [await readTerraform(modules, varFiles)] : []),
  ])
}

/** Its evaluator is as much to load as all else, and most projects have no Terraform. */
async function readTerraform(modules: readonly SourceFile[], varFiles: readonly SourceFile[]): Promise<Reading> {
  const { readTerraformTree } = await import('./terraform/module-tree.js')
  return readTerraformTree(modules, { varFiles })
}

export function together(readings: readonly Reading[]): Reading {
  return {
    infrastructures: mergeInfrastructures(readings.flatMap(({ infrastructures }) => infrastructures)),
    failures: readings.flatMap(({ failures }) => failures),
    included: readings.flatMap(({ included }) => included),
  }
}

export function isStack(file: ProjectFile): file is ProjectFile & StackFile {
  return file.format === 'cloudformation' || file.format === 'serverless'
}

/** With the readers of all other formats, which most projects do not need. */
async function readAlone(file: ProjectFile): Promise<Reading> {
  const { readTemplate } = await import('./read-template.js')
  try {
    return readingOf(await readTemplate(file.text, file))
  } catch (error) {
    return failureOf(file, error)
  }
}

export function readingOf(infrastructure: Infrastructure): Reading {
  return { infrastructures: [infrastructure], failures: [], included: [] }
}

export function failureOf({ path }: ProjectFile, error: unknown): Reading {
  if (!isRolecastError(error)) throw error
  return { infrastructures: [], failures: [{ paths: [path], error }], included: [] }
}

export function partition<T, U extends T>(
  items: readonly T[],
  belongs: (item: T) => item is U,
): [readonly U[], readonly Exclude<T, U>[]]
export function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [readonly T[], readonly T[]]
export function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [readonly T[], readonly T[]] {
  return [items.filter(belongs), items.filter(item => !belongs(item))]
}
