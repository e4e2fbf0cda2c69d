import fs from 'node:fs'
import { dirname, isAbsolute, join, normalize, relative, resolve } from 'node:path'
import { quote, RolecastError } from '../errors.js'
import { isWithin } from '../template/paths.js'
import type { NotReadFile, SkippedFile } from '../report/findings-report.js'

export interface Candidate {
  readonly path: string
  readonly isNamed: boolean
}

export interface FoundFiles {
  /** The path of a file as this run writes it: with slashes, and below the path of its folder. */
  readonly displayed: (path: string) => string
  /** By path, sorted within each folder. */
  readonly candidates: ReadonlyMap<string, Candidate>
  /** The folders that were named, as paths are displayed. */
  readonly folders: readonly string[]
  /** Folders that cannot be listed. */
  readonly skipped: readonly SkippedFile[]
  /** Links to folders that are not followed, because they lead out of the named folders. */
  readonly notRead: readonly NotReadFile[]
}

export interface FindFilesOptions {
  /** Patterns of the file names that are looked at in a folder. */
  readonly patterns: readonly string[]
  /** Files and folders that are left out of folders. */
  readonly exclude: readonly string[]
}

/**
 * The files that are named, and those that fit a pattern in the folders that are named.
 *
 * @throws RolecastError `invalid-argument`: a path that is not there
 */
export async function findFiles(paths: readonly string[], options: FindFilesOptions): Promise<FoundFiles> {
  const candidates = new Map<string, Candidate>()
  const folders: string[] = []
  const skipped: SkippedFile[] = []
  const notRead: NotReadFile[] = []
  const isFolder = new Map<string, boolean>()
  for (const named of paths) isFolder.set(named, named !== '-' && statOf(named).isDirectory())
  const displayed = createDisplay([...isFolder].map(([named, is]) => (is ? named : dirname(named))))
  for (const named of paths) {
    const path = displayed(named)
    if (isFolder.get(named) !== true) {
      candidates.set(path, { path, isNamed: true })
      continue
    }
    folders.push(path)
    const { files, links, unlisted } = await walk(named, options.patterns)
    const isExcluded = (one: string) => options.exclude.some(excluded => isNamedBy(one, excluded))
    for (const file of files.map(displayed).toSorted())
      if (!isExcluded(file) && !candidates.has(file)) candidates.set(file, { path: file, isNamed: false })
    for (const { path: one, why } of unlisted) if (!isExcluded(one)) skipped.push({ path: displayed(one), why })
    for (const { path: one, kind } of links)
      if (!isExcluded(one))
        notRead.push({ path: displayed(one), why: `it is a link to a ${kind} elsewhere`, next: `name the ${kind} too` })
  }
  return { displayed, candidates, folders, skipped, notRead }
}

/**
 * Relative to the current folder, if the file is in it. If the current folder is below a named folder, every path in
 * the named folder begins as that folder's does (`../groups.yml`), so that paths that refer to the same file are equal.
 */
function createDisplay(folders: readonly string[]): (path: string) => string {
  const ancestors = folders.map(folder => resolve(folder)).filter(folder => isBelow(relative(folder, '')))
  const [outermost] = ancestors.toSorted((a, b) => a.length - b.length)
  const above = outermost === undefined ? undefined : relative('', outermost)
  return path => {
    if (path === '-') return path
    const below = outermost === undefined ? undefined : relative(outermost, path)
    return above !== undefined && below !== undefined && (below === '' || isBelow(below))
      ? withSlashes(below === '' ? above : `${above}/${below}`)
      : displayedHere(path)
  }
}

/** Whether a relative path leads down. */
function isBelow(path: string): boolean {
  return path !== '' && path !== '..' && !/^\.\.[\\/]/.test(path) && !isAbsolute(path)
}

function withSlashes(path: string): string {
  return path.replaceAll('\\', '/')
}

/** With slashes; relative to the current folder, if the file is in it. */
function displayedHere(path: string): string {
  const below = relative('', path)
  return withSlashes(isBelow(below) ? below : normalize(path))
}

/** Whether a path is the named file, or is in the named folder. */
export function isNamedBy(path: string, fileOrFolder: string): boolean {
  return isWithin(withSlashes(resolve(path)), withSlashes(resolve(fileOrFolder)))
}

function statOf(named: string): fs.Stats {
  try {
    return fs.statSync(named)
  } catch (error) {
    const cause = error as NodeJS.ErrnoException
    throw new RolecastError(
      'invalid-argument',
      `${quote(named)} cannot be read (${cause.code ?? 'error'}); name a file or folder that exists`,
      { value: named, cause },
    )
  }
}

interface Walked {
  readonly files: readonly string[]
  /** The links that lead out of the folder. */
  readonly links: readonly { readonly path: string; readonly kind: 'file' | 'folder' }[]
  readonly unlisted: readonly SkippedFile[]
}

/** The walk does not report folders that it cannot list, nor links, so its calls are watched. */
async function walk(folder: string, patterns: readonly string[]): Promise<Walked> {
  const root = fs.realpathSync(folder)
  const folderLinks: string[] = []
  const fileLinks = new Set<string>()
  const unlisted: SkippedFile[] = []
  const readdir = (path: string, options: { withFileTypes: true }, callback: ReaddirCallback) =>
    fs.readdir(path, options, (error, entries) => {
      if (error !== null) {
        unlisted.push({ path: resolve(path), why: `the folder cannot be listed (${error.code ?? 'error'})` })
        return callback(error, entries)
      }
      const linked = entries.map(entry => {
        const link = entry.isSymbolicLink() ? targetOf(join(path, entry.name), root) : undefined
        if (link === undefined) return entry
        if (link.leadsOut && link.kind === 'folder') folderLinks.push(resolve(path, entry.name))
        if (link.leadsOut && link.kind === 'file') fileLinks.add(resolve(path, entry.name))
        return link.kind === 'file' ? asFile(entry) : entry
      })
      callback(null, linked)
    })
  const { glob } = await import('tinyglobby')
  const files = await glob([...patterns], {
    cwd: folder,
    dot: true,
    ignore: NOT_WALKED,
    followSymbolicLinks: false,
    fs: { ...fs, readdir: readdir as typeof fs.readdir },
  })
  const found = files.map(file => resolve(folder, file))
  return {
    files: found.filter(file => !fileLinks.has(file)),
    links: [
      ...folderLinks.toSorted().map(path => ({ path, kind: 'folder' as const })),
      ...found.filter(file => fileLinks.has(file)).map(path => ({ path, kind: 'file' as const })),
    ],
    unlisted,
  }
}

type ReaddirCallback = (error: NodeJS.ErrnoException | null, entries: fs.Dirent[]) => void

/** Undefined for a link that leads nowhere. */
function targetOf(link: string, root: string): { kind: 'file' | 'folder'; leadsOut: boolean } | undefined {
  try {
    const target = fs.realpathSync(link)
    const below = relative(root, target)
    return { kind: fs.statSync(target).isDirectory() ? 'folder' : 'file', leadsOut: below !== '' && !isBelow(below) }
  } catch {
    return undefined
  }
}

/** A link to a file is read as a file in the folder of the link, as Terraform does. */
function asFile(entry: fs.Dirent): fs.Dirent {
  return Object.assign(Object.create(entry) as fs.Dirent, { isFile: () => true, isSymbolicLink: () => false })
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
