import { createReadStream, promises, readFileSync, realpathSync, statSync } from 'node:fs'
import { dirname, extname } from 'node:path'
import type { Readable } from 'node:stream'
import { Option } from 'commander'
import { isRolecastError, quote, RolecastError } from '../errors.js'
import type { NotReadFile, SkippedFile } from '../report/findings-report.js'
import type { Infrastructure } from '../rules/infrastructure.js'
import { isWithin } from '../template/paths.js'
import { type NotReadReason, PROGRAMS, whyNotRead } from '../template/not-read.js'
import { unseenIn } from '../template/unseen.js'
import { type Candidate, findFiles, type FoundFiles, isNamedBy } from './find-files.js'
import { readInput } from './input-file.js'
import { decodeText } from './json-file.js'
import { createOutputCheck } from './tool-output.js'
import { detectFormat } from '../template/detect.js'
import type { TemplateFormat } from '../template/formats.js'
import { type ProjectFile, readProject } from '../template/project.js'
import type { ReadingFailure } from '../template/reading.js'
import { readYamlDocument } from '../template/yaml-document.js'

/** `--var-file`, for every command that reads templates. The file's name says whether it is HCL or JSON. */
export function varFileOption(): Option {
  return new Option(
    '--var-file <file>',
    "a file of Terraform variables, as for terraform's -var-file; repeatable, the last one wins; not stdin, because the file name decides the syntax",
  ).argParser((text: string, before: readonly string[] = []) => {
    if (text !== '-') return [...before, text]
    throw new RolecastError(
      'invalid-argument',
      '--var-file does not take stdin, because the name of the file says whether it is HCL or JSON; give a file such as prod.tfvars or prod.tfvars.json',
      { value: text },
    )
  })
}

export interface ReadTemplatesOptions {
  /** The format of all named files; a folder may have files of several. */
  readonly format?: TemplateFormat | undefined
  /** Files and folders that are left out of folders. */
  readonly exclude: readonly string[]
  /** Terraform's variable files, in their order. */
  readonly varFiles: readonly string[]
  readonly stdin: Readable
}

export interface TemplateFiles {
  readonly infrastructures: readonly Infrastructure[]
  /** The files that were read. */
  readonly read: readonly string[]
  /** Files of a known format, or that mention Cognito's groups, that could not be read. */
  readonly skipped: readonly SkippedFile[]
  /** Files that mention Cognito's groups and are never read, and files with a part that is not followed. */
  readonly notRead: readonly NotReadFile[]
  /** Files that have nothing to do with Cognito, or have an unknown format. */
  readonly unrelated: readonly SkippedFile[]
  /** The contents of files that have something to do with Cognito, by path. */
  readonly sources: ReadonlyMap<string, string>
}

/** In bytes. */
const MAX_SIZE = 50_000_000

export const PATTERNS = ['**/*.{json,yaml,yml,template,tf,tofu,tfvars}', ...PROGRAMS]

/**
 * Reads the named paths: a file, all files of known formats in a folder, or `-` for `stdin`. The result also has what
 * could not be read and what was not looked at.
 *
 * @throws RolecastError `invalid-input`: a folder, or everything together, has no Cognito resources that can be read;
 *   `invalid-argument`: a path that does not exist, or a format for a folder
 */
export async function readTemplates(paths: readonly string[], options: ReadTemplatesOptions): Promise<TemplateFiles> {
  const found = await findFiles(paths, { patterns: PATTERNS, exclude: options.exclude })
  checkFormat(found, options)
  const look: Look = {
    files: [],
    texts: new Map(),
    skipped: [...found.skipped],
    notRead: [...found.notRead],
    unrelated: [],
  }
  for (const candidate of found.candidates.values()) await lookAt(candidate, options, look)
  const varFiles = await readVarFiles(options.varFiles, found)

  const opened = new Map<string, string>()
  const project = await readProject(look.files, { open: createOpen(found, options.exclude, opened), varFiles })
  const failed = new Set(project.failures.flatMap(failure => failure.paths))
  const variables = varFiles.map(({ path }) => path)
  look.skipped.push(
    ...project.failures.map(failure => skippedFile(failure, path => isNamed(found, path) || variables.includes(path))),
  )
  const related = project.infrastructures.filter(isAboutCognito)
  const places = new Set(related.flatMap(placesOf))
  // A Terraform module is all of its files, most of which may have nothing to do with Cognito.
  const hasSomething = (path: string) => places.has(path) || MAY_MATTER.test(look.texts.get(path) ?? '')
  const isGiven = related.some(({ format }) => format === 'terraform-source')
  const given = isGiven ? variables.filter(path => !failed.has(path)) : []
  const read = distinct([...related.flatMap(one => one.paths).filter(hasSomething), ...project.included, ...given])
  const isRead = new Set(read)
  const others = look.files.map(({ path }) => path).filter(path => !isRead.has(path) && !failed.has(path))
  const isOutputRead = createOutputCheck(read, [...found.candidates.keys()])
  const result: TemplateFiles = {
    infrastructures: related,
    read,
    skipped: look.skipped,
    notRead: [
      ...look.notRead
        .filter(one => !isRead.has(one.path) && !isIndexOfRead(one.path, read) && !isOutputRead(one))
        .map(({ path, why, next }) => ({ path, why, next })),
      ...unseenIn(related),
    ],
    unrelated: [
      ...look.unrelated.filter(({ path }) => !isRead.has(path)),
      ...others.map(path => ({ path, why: NOTHING, isNamed: isNamed(found, path) })),
    ],
    sources: new Map(
      [...look.texts, ...opened, ...varFiles.map(({ path, text }) => [path, text] as const)].filter(([path]) =>
        isRead.has(path),
      ),
    ),
  }
  return { ...result, skipped: [...result.skipped, ...checkFolders(found, result, options)] }
}

const NOTHING = 'it has no Cognito resources'
const NO_FORMAT = 'its format is unknown'

/** The files that the CDK writes about its templates. The templates themselves are what is deployed. */
const CDK_INDEX = /(?:^|\/)(?:tree|manifest|cdk|[^/]*\.assets)\.json$/

function isIndexOfRead(path: string, read: readonly string[]): boolean {
  return CDK_INDEX.test(path) && read.some(one => one.endsWith('.template.json') && isWithin(one, dirname(path)))
}

/** Several files are read together or not at all: the one to correct is reported for all of them. */
function skippedFile({ paths, error }: ReadingFailure, isNamedPath: (path: string) => boolean): SkippedFile {
  const path = paths.find(one => one === error.value) ?? paths[0]!
  const others = paths.length - 1
  const why =
    others === 0
      ? error.message
      : `${error.message}; because of it, ${others} other ${others === 1 ? 'file' : 'files'} of its module could not be read either`
  return { path, why, isNamed: paths.some(isNamedPath) }
}

function distinct(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)]
}

function isNamed({ candidates }: FoundFiles, path: string): boolean {
  return candidates.get(path)?.isNamed === true
}

function checkFormat({ folders }: FoundFiles, { format }: ReadTemplatesOptions): void {
  const [folder] = folders
  if (format === undefined || folder === undefined) return
  throw new RolecastError(
    'invalid-argument',
    `${quote(folder)} is a folder, but --format-in is for files; give the files, or leave out --format-in`,
    { value: folder },
  )
}

/**
 * An empty report would look like a pass. Files that were seen but are never read are reported, and fail the run too.
 */
function checkFolders(
  { folders }: FoundFiles,
  { read, skipped, notRead }: TemplateFiles,
  options: ReadTemplatesOptions,
): readonly SkippedFile[] {
  return folders.flatMap(folder => {
    const has = (files: readonly string[]) => files.some(path => isNamedBy(path, folder))
    if (has(read) || has(skipped.map(({ path }) => path))) return []
    if (has(notRead.map(({ path }) => path)))
      return [{ path: folder, why: 'it has no Cognito resources that can be read', isNamed: true }]
    const why = options.exclude.some(one => isNamedBy(folder, one))
      ? 'is excluded; leave it out of `exclude`, or do not name it'
      : 'has no Cognito resources; give a template, or the folder that has it'
    if (read.length > 0) return [{ path: folder, why: `it ${why}`, isNamed: true }]
    throw new RolecastError('invalid-input', `${quote(folder)} ${why}`, { value: folder })
  })
}

interface Look {
  readonly files: ProjectFile[]
  readonly texts: Map<string, string>
  readonly skipped: SkippedFile[]
  readonly notRead: (NotReadFile & Pick<NotReadReason, 'writes'>)[]
  readonly unrelated: SkippedFile[]
}

/** Matches every file of interest: it has an SDK's name for Cognito, or a name of Amplify's files. */
const MAY_MATTER =
  /cognito|user_?pool|groupName|\b(?:define|reference)Auth\b|cfnUserGroup|cfnIdentityPool|auth-construct/i
const MAY_BE_STACK = /AWS::|::MODULE\b|AWSTemplateFormatVersion|^[ \t]*["']?(?:service|Transform)["']?[ \t]*:/m
/** Matches the form of a template, even if it is cut off. */
const HAS_FORM_OF_STACK = /["']?\b(?:AWSTemplateFormatVersion|Resources)["']?[ \t]*:/
/** Matches what shows that there are groups, memberships or role mappings, in any format. */
const SPEAKS_OF_GROUPS =
  /AWS::Cognito::(?:UserPoolGroup|UserPoolUserToGroupAttachment|IdentityPoolRoleAttachment)|aws(?:cc)?_cognito_(?:user_group|user_in_group|user_pool_group|user_pool_user_to_group|identity_pool_role)|aws(?:-native)?:cognito[:/](?:userGroup|UserGroup|UserPoolGroup|userInGroup|identityPoolRole|IdentityPoolRole)/
/** Keys of lists of groups, which do not mention Cognito if they are cut off. */
const NAMES_GROUPS = /"(?:GroupName|groupName)"\s*:/
const TERRAFORM = /\.(?:tf|tofu|tfvars)(?:\.json)?$/

async function lookAt(candidate: Candidate, { format, stdin }: ReadTemplatesOptions, look: Look): Promise<void> {
  const { path, isNamed: named } = candidate
  const text = await textOf(candidate, stdin, look)
  if (text === undefined) return
  // The roles and the variables of a Terraform module often have files of their own.
  const isTerraform = (format ?? (TERRAFORM.test(path) ? 'terraform-source' : undefined)) === 'terraform-source'
  // A stack without Cognito may have the role of a group in another one.
  if (!named && !isTerraform && !MAY_MATTER.test(text) && !MAY_BE_STACK.test(text))
    return void look.unrelated.push({ path, why: NOTHING })
  const detected = format ?? (isTerraform ? 'terraform-source' : detectFormat(text, path))
  // A program or a pattern may contain text that looks like a template, and is not one yet.
  const known = format === undefined && !isTerraform && detected !== 'amplify' && isProgram(path) ? undefined : detected
  if (known !== undefined) {
    look.texts.set(path, text)
    look.files.push({ path, text, format: known })
    return
  }
  const reason = whyNotRead(path, text)
  if (reason !== undefined) {
    if (named) look.skipped.push({ path, why: `${reason.why}; ${reason.next}`, isNamed: true })
    else look.notRead.push({ path, ...reason })
    return
  }
  const speaks = SPEAKS_OF_GROUPS.test(text)
  const isCutStack = HAS_FORM_OF_STACK.test(text) && MAY_BE_STACK.test(text)
  const fault = speaks || isCutStack || NAMES_GROUPS.test(text) ? whyNotParsed(path, text) : undefined
  if (fault !== undefined) look.skipped.push({ path, why: fault, isNamed: named })
  else if (named) look.skipped.push({ path, why: `${NO_FORMAT}; give --format-in if it is a template`, isNamed: true })
  else if (speaks) {
    look.texts.set(path, text)
    const next = 'validate the template that has it; if the file is a template itself, give it with --format-in'
    look.notRead.push({ path, why: 'it mentions Cognito groups, but its format is unknown', next })
  } else look.unrelated.push({ path, why: NO_FORMAT })
}

/** Data files: all formats are data files. */
const DATA: ReadonlySet<string> = new Set(['.json', '.yaml', '.yml', '.template', '.txt', ''])

function isProgram(path: string): boolean {
  return !DATA.has(extname(path))
}

/** What is wrong with a data file; undefined if nothing is, or if it is a program. */
function whyNotParsed(path: string, text: string): string | undefined {
  if (isProgram(path)) return undefined
  try {
    readYamlDocument(text, path)
    return undefined
  } catch (error) {
    if (isRolecastError(error)) return error.message
    throw error
  }
}

/** Undefined for a binary file, which is then reported elsewhere. */
async function textOf(candidate: Candidate, stdin: Readable, look: Look): Promise<string | undefined> {
  const { path, isNamed: named } = candidate
  try {
    if (path === '-') return decodeText(await readInput(path, stdin))
    const { size } = statSync(path)
    if (size <= MAX_SIZE) return decodeText(await readInput(path, stdin))
    const why = `it is larger than ${MAX_SIZE / 1e6} MB; check that it is a template`
    if (named || (await speaksOfGroups(path))) look.skipped.push({ path, why, isNamed: named })
    else look.unrelated.push({ path, why })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    const isEncoding = code === undefined || code.startsWith('ERR_ENCODING')
    const why = isEncoding ? 'it is not UTF-8; write it in UTF-8' : `it cannot be read (${code})`
    if (named || !isEncoding || (await speaksOfGroups(path))) look.skipped.push({ path, why, isNamed: named })
    else look.unrelated.push({ path, why })
  }
  return undefined
}

/** Longer than anything that the patterns match. */
const OVERLAP = 200

async function speaksOfGroups(path: string): Promise<boolean> {
  let last = ''
  for await (const chunk of createReadStream(path, { encoding: 'latin1' })) {
    const text = last + (chunk as string)
    if (SPEAKS_OF_GROUPS.test(text)) return true
    last = text.slice(-OVERLAP)
  }
  return false
}

async function readVarFiles(
  paths: readonly string[],
  found: FoundFiles,
): Promise<readonly { path: string; text: string }[]> {
  return Promise.all(
    paths.map(async path => {
      const bytes = await promises.readFile(path).catch((cause: NodeJS.ErrnoException) => {
        throw new RolecastError(
          'invalid-argument',
          `--var-file ${quote(path)} cannot be read (${cause.code ?? 'error'}); give a file that exists`,
          { value: path, cause },
        )
      })
      return { path: found.displayed(path), text: decodeText(bytes) }
    }),
  )
}

/**
 * Files that others include or nest. They have to be in a named folder, or in the folder of a named file: third parties
 * may have written the template, and what it includes may be printed.
 */
function createOpen(
  { folders, candidates, displayed }: FoundFiles,
  exclude: readonly string[],
  opened: Map<string, string>,
): (path: string) => string | undefined {
  const named = [...candidates.values()].filter(one => one.isNamed && one.path !== '-').map(({ path }) => dirname(path))
  const roots = distinct([...folders, ...named])
  return given => {
    const path = displayed(given)
    const known = opened.get(path)
    if (known !== undefined) return known
    const isReachable = roots.some(root => isWithin(path, root)) && !exclude.some(one => isNamedBy(path, one))
    if (!isReachable) return undefined
    try {
      const real = realpathSync(path)
      if (!roots.some(root => isWithin(real, realpathSync(root)))) return undefined
      const { size } = statSync(real)
      if (size > MAX_SIZE) return undefined
      const text = decodeText(readFileSync(real))
      opened.set(path, text)
      return text
    } catch {
      // The reader that asks for it reports that it does not exist.
      return undefined
    }
  }
}

/** The files with something that the rules look at, or that is not followed. */
function placesOf(infrastructure: Infrastructure): readonly string[] {
  const { groups, roles, identityPools, attachments, memberships, declaredPrecedences, unresolved } = infrastructure
  const { notFollowed, unseen = [] } = infrastructure
  return [groups, roles, identityPools, attachments, memberships, declaredPrecedences, unresolved, notFollowed, unseen]
    .flat()
    .map(({ location }) => location.path)
}

/** Or that may be such a file, as far as is known. */
function isAboutCognito(infrastructure: Infrastructure): boolean {
  const { pools, groups, identityPools, attachments, memberships, declaredPrecedences, unresolved } = infrastructure
  const { notFollowed, unseen = [] } = infrastructure
  const known = [pools, groups, identityPools, attachments, memberships, declaredPrecedences]
  return [...known, unresolved, notFollowed, unseen].some(list => list.length > 0)
}
