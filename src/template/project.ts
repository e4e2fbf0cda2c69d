import { isRolecastError } from '../errors.js'
import type { Infrastructure } from '../rules/infrastructure.js'
import { readStacks, type StackFile } from './cloudformation/stacks.js'
import type { TemplateFormat } from './formats.js'
import { mergeInfrastructures } from './merge.js'
import { readTemplate } from './read-template.js'
import type { OpenFile, Reading, ReadingFailure, SourceFile } from './reading.js'
import { readTerraformTree } from './terraform/module-tree.js'

/** A file of a known format. */
export interface ProjectFile extends SourceFile {
  readonly format: TemplateFormat
}

export interface ProjectOptions {
  /**
   * Gives the text of a file that another one includes or nests. Templates are written by others: give only what may be read.
   *
   * @default none is given
   */
  readonly open?: OpenFile | undefined
  /** Terraform's files of variables, in their order: those of a later one win. */
  readonly varFiles?: readonly SourceFile[] | undefined
}

/**
 * Reads all files of a project together: what calls, includes, imports or nests another is followed, and what is of one user
 * pool is one infrastructure. A file that cannot be read is a failure of its own, and the others are read nonetheless.
 *
 * Not for finding the files: it reads none itself. A text on its own is for `readTemplate`.
 *
 * @returns the infrastructures, for `validateInfrastructure`; look at `failures` too, or what was not read looks clean
 */
export async function readProject(
  files: readonly ProjectFile[],
  { open = () => undefined, varFiles = [] }: ProjectOptions = {},
): Promise<Reading> {
  const [modules, others] = partition(files, file => file.format === 'terraform-source' && file.path !== '-')
  const [stacks, alone] = partition(others, isStack)
  const readings = [readStacks(stacks, { open }), await readEach(alone), await readTerraformTree(modules, { varFiles })]
  return {
    infrastructures: mergeInfrastructures(readings.flatMap(({ infrastructures }) => infrastructures)),
    failures: readings.flatMap(({ failures }) => failures),
    included: readings.flatMap(({ included }) => included),
  }
}

function isStack(file: ProjectFile): file is ProjectFile & StackFile {
  return file.format === 'cloudformation' || file.format === 'serverless'
}

async function readEach(files: readonly ProjectFile[]): Promise<Reading> {
  const infrastructures: Infrastructure[] = []
  const failures: ReadingFailure[] = []
  for (const file of files) {
    try {
      infrastructures.push(await readTemplate(file.text, file))
    } catch (error) {
      if (!isRolecastError(error)) throw error
      failures.push({ paths: [file.path], error })
    }
  }
  return { infrastructures, failures, included: [] }
}

function partition<T, U extends T>(
  items: readonly T[],
  belongs: (item: T) => item is U,
): [readonly U[], readonly Exclude<T, U>[]]
function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [readonly T[], readonly T[]]
function partition<T>(items: readonly T[], belongs: (item: T) => boolean): [readonly T[], readonly T[]] {
  return [items.filter(belongs), items.filter(item => !belongs(item))]
}
