import { readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, relative, resolve, sep } from 'node:path'
import type { IPolicyValidationContext } from 'aws-cdk-lib'
import { quote, RolecastError } from '../errors.js'
import type { Finding } from '../rules/finding.js'
import type { Infrastructure } from '../rules/infrastructure.js'
import type { ProjectFile } from '../template/project.js'
import { readProjectSync } from '../template/project-sync.js'
import type { Reading, ReadingFailure } from '../template/reading.js'
import { field, isRecord } from '../template/json-text.js'

/** A location in the cloud assembly: a resource, or a whole template. */
export interface Place {
  /** The template on this machine. */
  readonly templatePath: string
  /** Undefined if it is not about a resource. */
  readonly logicalId?: string | undefined
}

export interface Assembly {
  readonly reading: Reading
  /** The real path of a file that a finding or a failure names. */
  readonly pathOf: (path: string) => string
  /** The resources that a finding is about: at least one location. */
  readonly placesOf: (finding: Finding) => readonly Place[]
}

/** A template has at most a million bytes; larger files are not read. */
const MAX_BYTES = 50_000_000

/**
 * Reads all templates of a synthesis together, including those of nested stacks. Only reads files below the assembly's
 * folder.
 */
export function readAssembly(context: IPolicyValidationContext): Assembly {
  const folder = folderOf(context)
  const pathOf = (path: string) => resolve(folder, path)
  const nameOf = (path: string) => relative(folder, path).split(sep).join('/')

  const texts = new Map<string, string>()
  const files: ProjectFile[] = []
  const failures: ReadingFailure[] = []
  for (const path of new Set(context.templatePaths.map(nameOf))) {
    try {
      texts.set(path, readFileSync(pathOf(path), 'utf8'))
      const text = texts.get(path)!
      if (!isOfEmptyStack(text)) files.push({ path, text, format: 'cloudformation' })
    } catch (cause) {
      failures.push({ paths: [path], error: unreadableFile(path, cause) })
    }
  }

  const reach = realpathSync(folder) + sep
  function open(path: string): string | undefined {
    try {
      const real = realpathSync(pathOf(path))
      if (!real.startsWith(reach) || !isReadable(real)) return undefined
      const text = readFileSync(real, 'utf8')
      texts.set(path, text)
      return text
    } catch {
      // The resource that names the file is then reported as not followed.
      return undefined
    }
  }

  const reading = readProjectSync(files, { open })
  const resources = createResourceIndex(texts)

  function placesOf({ resources: ids, location }: Finding): readonly Place[] {
    const infrastructure = ownerOf(reading.infrastructures, location.path, ids)
    const places = ids.flatMap(id => {
      const paths = [...pathsOf(infrastructure, id), location.path, ...(infrastructure?.paths ?? [])]
      return placeOf(paths, path => resources.byId(path, id)) ?? []
    })
    const named = location.construct
    const own = named === undefined ? undefined : resources.byConstruct(location.path, named)
    if (places.length === 0) places.push({ templatePath: pathOf(location.path), ...(own && { logicalId: own }) })
    return places
  }

  function placeOf(paths: readonly string[], find: (path: string) => string | undefined): Place | undefined {
    for (const path of paths) {
      const logicalId = find(path)
      if (logicalId !== undefined) return { templatePath: pathOf(path), logicalId }
    }
    return undefined
  }

  return { reading: { ...reading, failures: [...failures, ...reading.failures] }, pathOf, placesOf }
}

/** The app, which the CDK gives since version 2.258. */
export function appOf(context: IPolicyValidationContext): IPolicyValidationContext['appConstruct'] | undefined {
  return context.appConstruct as IPolicyValidationContext['appConstruct'] | undefined
}

/** The folder of the whole assembly: stages have folders in it. */
function folderOf(context: IPolicyValidationContext): string {
  const app = appOf(context)
  if (app !== undefined && 'outdir' in app && typeof app.outdir === 'string') return resolve(app.outdir)
  const { templatePaths } = context
  const [first = '.', ...others] = templatePaths.map(path => dirname(resolve(path)))
  let folder = first
  while (others.some(path => !`${path}${sep}`.startsWith(`${folder}${sep}`)) && dirname(folder) !== folder)
    folder = dirname(folder)
  return folder
}

function isReadable(path: string): boolean {
  const stat = statSync(path)
  return stat.isFile() && stat.size <= MAX_BYTES
}

/**
 * The CDK omits `Resources` for a stack without resources. Such a template is still a template, not another file by
 * mistake.
 */
function isOfEmptyStack(text: string): boolean {
  try {
    const template: unknown = JSON.parse(text)
    return (
      isRecord(template) && field(template, 'Resources') === undefined && field(template, 'Transform') === undefined
    )
  } catch {
    return false
  }
}

function unreadableFile(path: string, cause: unknown): RolecastError {
  const { code = 'unknown' } = cause as NodeJS.ErrnoException
  const what = `the template ${quote(path)} cannot be read (${code})`
  return new RolecastError('invalid-input', `${what}; synthesise the app again`, { value: path, cause })
}

/** The infrastructure that a finding is from. Ids are unique only within one infrastructure. */
function ownerOf(
  infrastructures: readonly Infrastructure[],
  path: string,
  ids: readonly string[],
): Infrastructure | undefined {
  const candidates = infrastructures.filter(({ paths }) => paths.includes(path))
  return candidates.find(one => ids.every(id => pathsOf(one, id).length > 0)) ?? candidates[0]
}

/** The paths of the files that have this id. */
function pathsOf(infrastructure: Infrastructure | undefined, id: string): readonly string[] {
  if (infrastructure === undefined) return []
  const { groups, roles, attachments, identityPools } = infrastructure
  const made = [
    ...groups,
    ...roles,
    ...attachments,
    ...identityPools.map(one => ({ ...one, id: one.resource ?? one.id })),
  ]
  return made.flatMap(one => (one.id === id ? [one.location.path] : []))
}

/** Which resources the templates really have. */
function createResourceIndex(texts: ReadonlyMap<string, string>) {
  const known = new Map<string, ReadonlyMap<string, string>>()

  /** Logical ids by themselves, and by the construct path in their metadata. */
  function of(path: string): ReadonlyMap<string, string> {
    const index = known.get(path) ?? indexOf(texts.get(path) ?? '')
    known.set(path, index)
    return index
  }

  return {
    /** Where several stacks have one logical id, the reader puts the name of the stack before it. */
    byId: (path: string, id: string) => {
      const logicalId = id.slice(id.lastIndexOf(' ') + 1)
      return of(path).get(logicalId) === logicalId ? logicalId : undefined
    },
    byConstruct: (path: string, construct: string) => of(path).get(construct),
  }
}

function indexOf(text: string): ReadonlyMap<string, string> {
  const index = new Map<string, string>()
  for (const [id, resource] of Object.entries(resourcesOf(text))) {
    const path = field(field(resource, 'Metadata'), 'aws:cdk:path')
    if (typeof path === 'string') index.set(path, id)
  }
  // A logical id has no slash, and a construct path is not mistaken for one.
  for (const id of Object.keys(resourcesOf(text))) index.set(id, id)
  return index
}

function resourcesOf(text: string): object {
  try {
    const resources = field(JSON.parse(text), 'Resources')
    return isRecord(resources) ? resources : {}
  } catch {
    return {}
  }
}
