import { posix } from 'node:path'
import type { NotReadReason, ToolOutput } from '../template/not-read.js'
import { isWithin } from '../template/paths.js'

type Program = Pick<NotReadReason, 'writes'> & { readonly path: string }

/**
 * Tells whether the output of a program's tool was read, so that nothing is missed although the program itself is not
 * read: the output is in the project folder of the program. Paths have slashes.
 *
 * @param found all files of the scan, including those that mark a project
 */
export function createOutputCheck(read: readonly string[], found: readonly string[]): (program: Program) => boolean {
  const known = new Map<ToolOutput, { readonly all: ReadonlySet<string>; readonly made: ReadonlySet<string> }>()

  function projectsOf(output: ToolOutput) {
    const projects = known.get(output) ?? {
      all: new Set(found.filter(one => output.projectFile.test(posix.basename(one))).map(one => posix.dirname(one))),
      made: new Set(read.flatMap(one => projectOfOutput(one, output) ?? [])),
    }
    known.set(output, projects)
    return projects
  }

  return ({ path, writes }) => {
    if (writes === undefined) return false
    const { all, made } = projectsOf(writes)
    const nearest = nearestOf(path, all)
    return nearest === undefined ? [...made].some(project => isWithin(path, project)) : made.has(nearest)
  }
}

/** The folder of the project in whose output the file is. Amplify's output is two folders further down. */
function projectOfOutput(path: string, { folder }: ToolOutput): string | undefined {
  const parts = path.split('/').slice(0, -1)
  const index = parts.lastIndexOf(folder)
  if (index < 0) return undefined
  const isAmplifys = parts[index - 2] === '.amplify' && parts[index - 1] === 'artifacts'
  return parts.slice(0, isAmplifys ? index - 2 : index).join('/') || (path.startsWith('/') ? '/' : '.')
}

/** The nearest project folder above; undefined if there is none. */
function nearestOf(path: string, projects: ReadonlySet<string>): string | undefined {
  let folder = posix.dirname(path)
  while (!projects.has(folder) && posix.dirname(folder) !== folder) folder = posix.dirname(folder)
  return projects.has(folder) ? folder : undefined
}
