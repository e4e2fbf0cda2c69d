import { readFile, stat } from 'node:fs/promises'
import { dirname, isAbsolute, join, normalize, relative } from 'node:path'
import type { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { glob } from 'tinyglobby'
import { isRolecastError, RolecastError, quote } from '../errors.js'
import type { Infrastructure } from '../rules/infrastructure.js'
import type { SkippedFile } from '../report/findings-report.js'
import {
  detectFormat,
  mergeInfrastructures,
  readTemplate,
  readTerraformModule,
  type TemplateFormat,
  type TerraformFile,
} from '../template/index.js'
import { isWithin } from '../template/paths.js'
import { decodeText } from './json-file.js'

export interface ReadTemplatesOptions {
  /** Of all that is named; a folder has files of several. */
  readonly format?: TemplateFormat | undefined
  /** Files and folders that are left out of folders. */
  readonly exclude: readonly string[]
  readonly stdin: Readable
}

export interface TemplateFiles {
  readonly infrastructures: readonly Infrastructure[]
  /** The files that were understood. */
  readonly read: readonly string[]
  /** What was found in a folder, is of a known format, and could not be read. */
  readonly skipped: readonly SkippedFile[]
  /** What was found in a folder and has nothing of Cognito, or is of no known format. */
  readonly unrelated: readonly SkippedFile[]
  /** The texts of files that have something of Cognito, by path. */
  readonly sources: ReadonlyMap<string, string>
}

/** In bytes. */
const MAX_SIZE = 50_000_000

/**
 * Reads what the paths name: a file, a folder with all that is known in it, or `-` for `stdin`.
 *
 * @throws RolecastError `invalid-input`: a file that was named and cannot be read, or a folder with nothing of Cognito;
 *   `invalid-argument`: a path that is not there
 */
export async function readTemplates(paths: readonly string[], options: ReadTemplatesOptions): Promise<TemplateFiles> {
  const candidates = await findFiles(paths, options)
  const reading: Reading = { texts: new Map(), infrastructures: [], skipped: [], unrelated: [], modules: new Map() }
  for (const candidate of candidates.values())
    await lenient([candidate], reading.skipped, () => readOne(candidate, options, reading))
  for (const files of reading.modules.values()) {
    const module = files.map(({ path }) => candidates.get(path)!)
    await lenient(module, reading.skipped, async () => keep(await readTerraformModule(files), module, reading))
  }
  const infrastructures = mergeInfrastructures(reading.infrastructures)
  const read = reading.infrastructures.flatMap(infrastructure => infrastructure.paths)
  for (const path of paths) {
    const isFile = candidates.get(displayed(path))?.isNamed === true
    if (!isFile && !read.some(one => isNamedBy(one, path))) throw nothingIn(path, reading.skipped)
  }
  const sources = new Map(
    read.flatMap(path => {
      const text = reading.texts.get(path)
      return text === undefined ? [] : [[path, text]]
    }),
  )
  return { infrastructures, read, skipped: reading.skipped, unrelated: reading.unrelated, sources }
}

interface Candidate {
  readonly path: string
  readonly isNamed: boolean
}

interface Reading {
  readonly texts: Map<string, string>
  readonly infrastructures: Infrastructure[]
  readonly skipped: SkippedFile[]
  readonly unrelated: SkippedFile[]
  /** The files of Terraform, by folder: a module is one. */
  readonly modules: Map<string, TerraformFile[]>
}

const NOTHING = 'it has no Cognito resources'
const NO_FORMAT = 'its format is unknown'

/** An empty report would look like a pass. */
function nothingIn(folder: string, skipped: readonly SkippedFile[]): RolecastError {
  const first = skipped.find(({ path }) => isNamedBy(path, folder))
  const but = first === undefined ? '' : ` that can be read (${quote(first.path)}: ${first.why})`
  const next = 'name a template, or the folder that has it'
  return new RolecastError('invalid-input', `${quote(folder)} has no Cognito resources${but}; ${next}`, {
    value: folder,
  })
}

/** Files of a folder that cannot be read are skipped, those of a module together; one that was named is an error. */
async function lenient(
  candidates: readonly Candidate[],
  skipped: SkippedFile[],
  read: () => Promise<void>,
): Promise<void> {
  try {
    await read()
  } catch (error) {
    if (isAnyNamed(candidates) || !isRolecastError(error)) throw error
    skipped.push(...candidates.map(({ path }) => ({ path, why: error.message })))
  }
}

function isAnyNamed(candidates: readonly Candidate[]): boolean {
  return candidates.some(({ isNamed }) => isNamed)
}

async function findFiles(
  paths: readonly string[],
  { format, exclude }: ReadTemplatesOptions,
): Promise<ReadonlyMap<string, Candidate>> {
  const candidates = new Map<string, Candidate>()
  for (const named of paths) {
    const path = displayed(named)
    const found =
      named === '-'
        ? undefined
        : await stat(named).catch((cause: NodeJS.ErrnoException) => {
            throw new RolecastError(
              'invalid-argument',
              `${quote(named)} cannot be read (${cause.code ?? 'error'}); name a file or folder that exists`,
              {
                value: named,
                cause,
              },
            )
          })
    if (found?.isDirectory() !== true) {
      candidates.set(path, { path, isNamed: true })
      continue
    }
    if (format !== undefined) {
      const next = 'name the files, or leave --format-in out'
      throw new RolecastError(
        'invalid-argument',
        `${quote(named)} is a folder, and --format-in is for files; ${next}`,
        {
          value: named,
        },
      )
    }
    const files = await glob('**/*.{json,yaml,yml,template,tf}', {
      cwd: named,
      dot: true,
      ignore: NOT_WALKED,
      followSymbolicLinks: false,
    })
    for (const file of files.toSorted().map(one => displayed(join(named, one)))) {
      if (!candidates.has(file) && !exclude.some(one => isNamedBy(file, one)))
        candidates.set(file, { path: file, isNamed: false })
    }
  }
  return candidates
}

/** Third-party code, and copies that tools make of other files. */
const NOT_WALKED = [
  'node_modules',
  '.git',
  '.terraform',
  '.venv',
  'coverage',
  'dist',
  '.aws-sam',
  '.pulumi',
  '#current-cloud-backend',
  'amplify/backend/awscloudformation',
  'cdk.out/asset.*',
].map(folder => `**/${folder}/**`)

/** With slashes; relative to where the command runs, if it is there. */
export function displayed(path: string): string {
  if (path === '-') return path
  const below = relative('', path)
  return (below === '' || below.startsWith('..') || isAbsolute(below) ? normalize(path) : below).replaceAll('\\', '/')
}

/** Whether a path is the file that a user names, or in the folder. */
export function isNamedBy(path: string, fileOrFolder: string): boolean {
  return isWithin(path, displayed(fileOrFolder))
}

/** What every text of interest has: an SDK's name for Cognito, or Amplify's files. */
const MAY_MATTER = /cognito|user_?pool|groupName/i

async function readOne(candidate: Candidate, { format, stdin }: ReadTemplatesOptions, reading: Reading): Promise<void> {
  const { path, isNamed } = candidate
  const text = path === '-' ? decode(await buffer(stdin), path) : await readText(path)
  const isTerraform = (format ?? (path.endsWith('.tf') ? 'terraform-source' : undefined)) === 'terraform-source'
  // The roles of a Terraform module often have a file of their own.
  if (!isNamed && !isTerraform && !path.endsWith('.tf.json') && !MAY_MATTER.test(text)) {
    return void reading.unrelated.push({ path, why: NOTHING })
  }
  const known = format ?? detectFormat(text, path)
  if (known === undefined) {
    if (!isNamed) return void reading.unrelated.push({ path, why: NO_FORMAT })
    throw new RolecastError('invalid-input', `${quote(path)}: ${NO_FORMAT}; give --format-in if it is a template`, {
      value: path,
    })
  }
  reading.texts.set(path, text)
  if (known === 'terraform-source' && path !== '-') {
    const module = reading.modules.get(dirname(path))
    if (module === undefined) reading.modules.set(dirname(path), [{ path, text }])
    else module.push({ path, text })
    return
  }
  keep(await readTemplate(text, { format: known, path }), [candidate], reading)
}

function keep(infrastructure: Infrastructure, candidates: readonly Candidate[], reading: Reading): void {
  if (isAnyNamed(candidates) || isAboutCognito(infrastructure)) reading.infrastructures.push(infrastructure)
  else reading.unrelated.push(...infrastructure.paths.map(path => ({ path, why: NOTHING })))
}

function isAboutCognito({
  pools,
  groups,
  attachments,
  memberships,
  declaredPrecedences,
  unresolved,
}: Infrastructure): boolean {
  return [pools, groups, attachments, memberships, declaredPrecedences, unresolved].some(list => list.length > 0)
}

async function readText(path: string): Promise<string> {
  const unreadable = (cause: NodeJS.ErrnoException) => {
    throw new RolecastError(
      'invalid-input',
      `${quote(path)} cannot be read (${cause.code ?? 'error'}); check that it is a file you may read`,
      {
        value: path,
        cause,
      },
    )
  }
  const { size } = await stat(path).catch(unreadable)
  if (size > MAX_SIZE) {
    throw new RolecastError(
      'invalid-input',
      `${quote(path)} is larger than ${MAX_SIZE / 1e6} MB; check that it is a template`,
      { value: path },
    )
  }
  return decode(await readFile(path).catch(unreadable), path)
}

/** UTF-8, or UTF-16 with a byte order mark, which is what PowerShell writes. */
function decode(bytes: Buffer, path: string): string {
  try {
    return decodeText(bytes)
  } catch (cause) {
    throw new RolecastError('invalid-input', `${quote(path)} is not UTF-8; write it in UTF-8`, { value: path, cause })
  }
}
