import { distinctPools } from '../distinct-pools.js'
import { posix } from 'node:path'
import { isRolecastError, listNames, quote } from '../../errors.js'
import type { Infrastructure, NotFollowed } from '../../rules/infrastructure.js'
import { emptyInfrastructure } from '../empty-infrastructure.js'
import { type Evaluated, identityOf } from '../evaluated.js'
import type { OpenFile, Reading, ReadingFailure, SourceFile } from '../reading.js'
import { field, isRecord } from '../json-text.js'
import { nodeAt, type Span, textAt } from '../yaml-document.js'
import { createAssetSearch, NESTED_TEMPLATE } from './cdk-assets.js'
import type { PublishedKind, Surroundings } from './intrinsics.js'
import { argumentNames, type NestedStack, nestedStacks, notFollowedStacks, type Reason } from './nested.js'
import { compareNames, type NamePattern, nearest, patternsOf } from './published-names.js'
import { publications, stackNameOf } from './publications.js'
import {
  openStack,
  readStack,
  readTemplateSource,
  type Resource,
  SPEAKS_OF_COGNITO,
  type Stack,
  type StackSource,
} from './resources.js'
import { readServerlessSource } from './serverless.js'
import { createTemplateSearch } from './template-addresses.js'

/** A file of a scan that has a stack. */
export interface StackFile extends SourceFile {
  readonly format: 'cloudformation' | 'serverless'
}

/** Matches every file of interest: it has a Cognito name, or stacks that may have one. */
const MATTERS =
  /cognito|user_?pool|groupName|AWS::CloudFormation::Stack\b|AWS::Serverless::Application\b|AWS::Include\b|::MODULE\b|\bTransform\b/i
const NESTED = /AWS::CloudFormation::Stack\b|AWS::Serverless::Application\b/

/** The most characters of all nested stacks, in addition to those of the files. */
const MAX_NESTED_CHARACTERS = 50_000_000
const MAX_DEPTH = 30

/** One stack from a file: the file of a nested stack may give several. */
interface Instance {
  readonly key: number
  readonly source: StackSource
  readonly label: string
  readonly parent: { readonly instance: Instance; readonly id: string } | undefined
  readonly children: Map<string, Instance>
  readonly notFollowed: NotFollowed[]
  readonly unseen: NotFollowed[]
}

/** What one stack publishes for others. */
interface Publication {
  readonly instance: Instance
  readonly path: string
  readonly pattern: NamePattern
  readonly evaluate: (stack: Stack) => Evaluated<Span> | undefined
}

/**
 * Reads the stacks of a scan: stacks that import from, nest or get values from one another are read together, as one
 * infrastructure. Values are followed to where they are used: an exported pool is the pool of the groups that import
 * it, in any file.
 *
 * If several files publish the same name, the file in the nearest folder counts; if several are equally near, it is not
 * known which one counts, and that is reported. A file without Cognito resources is parsed only if another file needs a
 * value from it.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/walkthrough-crossstackref.html
 */
export function readStacks(files: readonly StackFile[], { open }: { readonly open: OpenFile }): Reading {
  const failures: ReadingFailure[] = []
  const included = new Set<string>()
  const byPath = new Map(files.map(file => [file.path, file]))
  const search = createTemplateSearch(files)
  const searchAssets = createAssetSearch(open)
  const sources = new Map<string, StackSource | undefined>()
  const instances: Instance[] = []
  const opened = new Map<Instance, Stack>()
  /** What an instance was made of. */
  const read = new Set<StackSource>()
  let budget = MAX_NESTED_CHARACTERS + files.reduce((sum, { text }) => sum + text.length, 0)

  function sourceOf(file: StackFile): StackSource | undefined {
    if (!sources.has(file.path)) {
      const readSource = file.format === 'serverless' ? readServerlessSource : readTemplateSource
      sources.set(
        file.path,
        attempt(file.path, () => readSource(file.text, file.path, open)),
      )
      for (const { path } of sources.get(file.path)?.included ?? []) included.add(path)
    }
    return sources.get(file.path)
  }

  function attempt<T>(path: string, action: () => T): T | undefined {
    try {
      return action()
    } catch (error) {
      if (!isRolecastError(error)) throw error
      if (!failures.some(({ paths }) => paths.includes(path))) failures.push({ paths: [path], error })
      return undefined
    }
  }

  /**
   * The file of a nested stack, in the scan or in reach, or why there is none.
   *
   * @param root the template of the outermost stack that it is in
   */
  function templateOf(nested: NestedStack, from: string, root: string): StackFile | Reason {
    const { path, address, reason } = nested
    if (path !== undefined) return fileAt(path) ?? sourceOfPackaged(nested, path) ?? reason
    if (address === undefined) return reason
    const asset = searchAssets(address, root)
    const packaged = asset === undefined ? undefined : fileAt(asset)
    if (packaged !== undefined) return packaged
    const found = search(address, from)
    if (found.is === 'several')
      return {
        one: `several files have the name of its template: ${listNames(found.paths)}`,
        several: 'several files have the same names as their templates',
      }
    if (found.is === 'none') return reason
    if (takes(found.file, argumentNames(nested))) return found.file
    if (sourceOf(found.file) === undefined)
      return {
        one: `${quote(found.file.path)}, which has the name of its template, cannot be read`,
        several: 'the files with the names of their templates cannot be read',
      }
    return {
      one: `${quote(found.file.path)} has the name of its template, but not all the parameters that are given`,
      several: 'the files with the names of their templates do not have all the parameters that are given',
    }
  }

  function fileAt(path: string): StackFile | undefined {
    const known = byPath.get(path)
    if (known !== undefined) return known
    const text = open(path)
    if (text === undefined) return undefined
    included.add(path)
    const file: StackFile = { path, text, format: 'cloudformation' }
    byPath.set(path, file)
    return file
  }

  /** SAM packages the template next to the folder `.aws-sam` into that folder. */
  function sourceOfPackaged(nested: NestedStack, path: string): StackFile | undefined {
    const end = path.indexOf('.aws-sam/')
    if (end === -1) return undefined
    const files = ['yaml', 'yml', 'json'].flatMap(ending => byPath.get(`${path.slice(0, end)}template.${ending}`) ?? [])
    return files.find(file => takes(file, argumentNames(nested)))
  }

  /** Whether a template has the parameters that are given: otherwise it is a different template of the same name. */
  function takes(file: StackFile, names: readonly string[]): boolean {
    const parameters = sourceOf(file)?.parts.map(part => nodeAt(part, 'Parameters'))
    if (parameters === undefined) return false
    return names.every(name => parameters.some(section => nodeAt(section, name) !== undefined))
  }

  function openTree(file: StackFile, parent: Instance['parent']): Instance | undefined {
    const source = sourceOf(file)
    if (source === undefined) return undefined
    const isAgain = read.has(source)
    read.add(source)
    const label = isAgain && parent !== undefined ? `${file.path} as ${parent.id}` : file.path
    const instance: Instance = {
      key: instances.length,
      source,
      label,
      parent,
      children: new Map(),
      notFollowed: [],
      unseen: [],
    }
    const stack = attempt(file.path, () => openStack(source, surroundingsOf(instance)))
    if (stack === undefined) return undefined
    instances.push(instance)
    opened.set(instance, stack)
    const unfollowed = nestedStacks(stack).flatMap(nested => {
      const reason = nest(nested, instance)
      return reason === undefined ? [] : [{ nested, reason }]
    })
    const said = notFollowedStacks(unfollowed, SPEAKS_OF_COGNITO.test(file.text))
    instance.notFollowed.push(...said.notFollowed)
    instance.unseen.push(...said.unseen)
    return instance
  }

  /** Why it is not followed, if it is not. */
  function nest(nested: NestedStack, instance: Instance): Reason | undefined {
    const ancestors = ancestorsOf(instance)
    const file = templateOf(nested, instance.source.document.path, ancestors.at(-1)!.source.document.path)
    if ('several' in file) return file
    if (ancestors.some(({ source }) => source.document.path === file.path))
      return {
        one: `its template ${quote(file.path)} nests itself`,
        several: 'their templates nest themselves',
      }
    if (ancestors.length > MAX_DEPTH) return alike(`stacks are nested more than ${MAX_DEPTH} deep`)
    budget -= file.text.length
    if (budget < 0) return alike('there are too many nested stacks')
    const child = openTree(file, { instance, id: nested.id })
    if (child === undefined && !MATTERS.test(file.text)) return undefined
    if (child === undefined)
      return { one: `its template ${quote(file.path)} cannot be read`, several: 'their templates cannot be read' }
    instance.children.set(nested.id, child)
    return undefined
  }

  const depth = { value: 0 }
  const links = new Map<Instance, Instance>()
  const unclear = new Map<Instance, Map<string, string>>()
  const names = new Map<Instance, (name: string) => string>()
  const asked = new Map<Instance, Map<string, Evaluated<Span> | undefined>>()
  let indexes: Map<PublishedKind, Index> | undefined

  function surroundingsOf(instance: Instance): Surroundings {
    return {
      depth,
      nameOf: name => names.get(instance)?.(name) ?? name,
      argument: name => argumentOf(instance, name),
      output: (id, output) => {
        const child = instance.children.get(id)
        return child && outputOf(opened.get(child), output)
      },
      published: (kind, name) => published(instance, kind, name),
      whyUnclear: (kind, name) => unclear.get(instance)?.get(`${kind} ${identityOf(name)}`),
    }
  }

  /** The resource in the parent that stands for it. */
  function resourceOf({ parent }: Instance): Resource | undefined {
    return parent && opened.get(parent.instance)?.resources.get(parent.id)
  }

  function argumentOf(instance: Instance, name: string): Evaluated<Span> | undefined {
    const resource = resourceOf(instance)
    const node = nodeAt(nodeAt(resource?.properties, 'Parameters'), name)
    return node && resource?.evaluate(node)
  }

  function published(instance: Instance, kind: PublishedKind, name: Evaluated<Span>) {
    if (indexes === undefined) return undefined
    const identity = identityOf(name)
    if (identity === undefined) return undefined
    const memo = asked.get(instance) ?? new Map<string, Evaluated<Span> | undefined>()
    asked.set(instance, memo)
    const key = `${kind} ${identity}`
    if (memo.has(key)) return memo.get(key)
    memo.set(key, undefined)
    const [first, ...others] = find(instance, kind, patternsOf(name))
    if (first === undefined) return undefined
    if (others.length > 0) {
      const paths = [...new Set([first, ...others].map(({ path }) => path))]
      const several =
        paths.length > 1 ? `${paths.slice(0, 3).map(quote).join(', ')} have it` : `${quote(paths[0]!)} has it twice`
      unclear.set(
        instance,
        new Map(unclear.get(instance)).set(key, `${several}, and it is not known which one is used`),
      )
      return undefined
    }
    const stack = opened.get(first.instance)
    const value = stack && first.evaluate(stack)
    if (value !== undefined && first.instance !== instance) link(instance, first.instance)
    const known = value?.is === 'absent' || value?.is === 'unknown' ? undefined : value
    memo.set(key, known)
    return known
  }

  function find(instance: Instance, kind: PublishedKind, patterns: readonly NamePattern[]): readonly Publication[] {
    if (patterns.length === 0) return []
    const own = indexOf(kind)
      .find(patterns)
      .filter(one => one.instance !== instance)
    const found =
      own.length > 0 || !openUnread(kind, patterns)
        ? own
        : indexOf(kind)
            .find(patterns)
            .filter(one => one.instance !== instance)
    return nearest(distinct(found), instance.source.document.path)
  }

  function indexOf(kind: PublishedKind): Index {
    const known = indexes!.get(kind)
    if (known !== undefined) return known
    const index = createIndex()
    indexes!.set(kind, index)
    for (const instance of instances) addTo(index, kind, instance)
    return index
  }

  function addTo(index: Index, kind: PublishedKind, instance: Instance): void {
    const stack = opened.get(instance)
    if (stack === undefined) return
    for (const { name, read } of publications(kind, stack))
      for (const pattern of patternsOf(name))
        index.add({ instance, path: instance.source.document.path, pattern, evaluate: read })
  }

  let words: ReadonlyMap<string, readonly StackFile[]> | undefined

  /** Reads files without Cognito resources that may publish a name. Returns whether there are any. */
  function openUnread(kind: PublishedKind, patterns: readonly NamePattern[]): boolean {
    words ??= wordsOf(files.filter(file => !sources.has(file.path)))
    const wanted = new Set<StackFile>()
    for (const pattern of patterns) {
      const tail = pattern.at(-1) ?? pattern.at(-2)
      const word = kind === 'output' ? stackNameOf(tail ?? '') : wordsIn(tail ?? '').at(-1)
      for (const file of words.get(word ?? '') ?? []) if (!sources.has(file.path)) wanted.add(file)
    }
    for (const file of wanted) {
      const instance = openTree(file, undefined)
      if (instance === undefined) continue
      for (const [each, index] of indexes!) addTo(index, each, instance)
    }
    return wanted.size > 0
  }

  function link(a: Instance, b: Instance): void {
    const [one, other] = [rootOf(a), rootOf(b)]
    if (one !== other) links.set(one.key < other.key ? other : one, one.key < other.key ? one : other)
  }

  function rootOf(instance: Instance): Instance {
    let root = instance
    for (let next = links.get(root); next !== undefined; next = links.get(root)) root = next
    if (root !== instance) links.set(instance, root)
    return root
  }

  const relevant = files.filter(file => file.format === 'serverless' || MATTERS.test(file.text))
  for (const file of relevant) if (file.format === 'serverless' || file.text.includes('AWS::Include')) sourceOf(file)
  const nestedPaths = new Set<string>()
  // Nested stacks are read in their parent. The rest is in a cycle, or in files that cannot be read.
  for (const file of relevant) {
    if (included.has(file.path)) continue
    if (NESTED_TEMPLATE.test(file.path)) nestedPaths.add(file.path)
    const source = sourceOf(file)
    const mayNest = source !== undefined && NESTED.test(file.text)
    const stack = mayNest ? attempt(file.path, () => openStack(source)) : undefined
    for (const nested of stack === undefined ? [] : nestedStacks(stack)) {
      const template = templateOf(nested, file.path, file.path)
      if ('path' in template && template.path !== file.path) nestedPaths.add(template.path)
    }
  }
  const roots = relevant.filter(({ path }) => !included.has(path))
  for (const file of roots) if (!nestedPaths.has(file.path)) openTree(file, undefined)
  for (const file of roots) {
    const source = sourceOf(file)
    if (source !== undefined && !read.has(source)) openTree(file, undefined)
  }

  indexes = new Map()
  const alone = new Map<Instance, Infrastructure>()
  // Reading finds which stacks belong together, and may open more files.
  for (let index = 0; index < instances.length; index++) {
    const instance = instances[index]!
    if (instance.parent !== undefined) link(instance, instance.parent.instance)
    alone.set(
      instance,
      readInstance(instance, id => opened.get(instance)!.resources.get(id)),
    )
  }
  const clusters = new Map<Instance, Instance[]>()
  for (const instance of instances) {
    const root = rootOf(instance)
    const cluster = clusters.get(root)
    if (cluster === undefined) clusters.set(root, [instance])
    else cluster.push(instance)
  }

  function readInstance(instance: Instance, lookUp: (id: string) => Resource | undefined): Infrastructure {
    const infrastructure = readStack(opened.get(instance)!, lookUp)
    const conditions = ancestorsOf(instance).flatMap(one => resourceOf(one)?.condition ?? [])
    return {
      ...infrastructure,
      groups:
        conditions.length === 0
          ? infrastructure.groups
          : infrastructure.groups.map(group => ({
              ...group,
              condition: [...conditions.toReversed(), ...(group.condition === undefined ? [] : [group.condition])].join(
                ' and ',
              ),
            })),
      notFollowed: [...infrastructure.notFollowed, ...instance.notFollowed],
      unseen: [...(infrastructure.unseen ?? []), ...instance.unseen],
    }
  }

  /** Everything that has its own value: a parameter that is given one has the parent's value. */
  function namesOf(instance: Instance): ReadonlySet<string> {
    const { parameters, conditions, resources } = opened.get(instance)!.template
    const own = [...parameters].flatMap(([name, { value }]) => {
      const isStored = textAt(value, 'Type')?.startsWith('AWS::SSM::') === true
      const argument = isStored ? undefined : argumentOf(instance, name)
      return argument === undefined || argument.is === 'absent' || argument.is === 'unknown' ? [name] : []
    })
    return new Set([...own, ...conditions.keys(), ...resources.keys()])
  }

  /** With names that are unique across all stacks. */
  function readTogether(cluster: readonly Instance[]): Infrastructure {
    const counts = new Map<string, number>()
    for (const instance of cluster) for (const name of namesOf(instance)) counts.set(name, (counts.get(name) ?? 0) + 1)
    for (const instance of cluster) {
      const isOwn = (name: string) => (counts.get(name) ?? 0) < 2 && !OF_EACH_STACK.has(name)
      names.set(instance, name => (isOwn(name) ? name : `${instance.label}: ${name}`))
      asked.delete(instance)
      unclear.delete(instance)
    }
    for (const instance of cluster) opened.set(instance, openStack(instance.source, surroundingsOf(instance)))
    const resources = new Map(
      cluster.flatMap(instance =>
        [...opened.get(instance)!.resources.values()].map(resource => [resource.id, resource]),
      ),
    )
    return union(cluster.map(instance => readInstance(instance, id => resources.get(id))))
  }

  // A file without Cognito resources need not be read, but that is only known for files that can be read.
  for (const file of files) if (!sources.has(file.path) && !isWholeJson(file.text)) sourceOf(file)

  const infrastructures = [...clusters.values()].map(cluster =>
    cluster.length === 1 ? alone.get(cluster[0]!)! : readTogether(cluster),
  )
  const isRead = new Set([
    ...included,
    ...infrastructures.flatMap(({ paths }) => paths),
    ...failures.flatMap(({ paths }) => paths),
  ])
  const untouched = files.filter(file => !isRead.has(file.path))
  return {
    infrastructures: [...infrastructures, ...untouched.map(file => emptyInfrastructure(file.format, file.path))],
    failures,
    included: [...included],
  }
}

/** Whether it is a template in JSON: faster to check than to read. */
function isWholeJson(text: string): boolean {
  if (!/^\s*\{/.test(text)) return false
  try {
    return isRecord(field(JSON.parse(text), 'Resources'))
  } catch {
    return false
  }
}

function alike(why: string): Reason {
  return { one: why, several: why }
}

const OF_EACH_STACK: ReadonlySet<string> = new Set(['AWS::StackName', 'AWS::StackId', 'AWS::NotificationARNs'])

function ancestorsOf(instance: Instance): readonly Instance[] {
  const all: Instance[] = []
  for (let one: Instance | undefined = instance; one !== undefined; one = one.parent?.instance) all.push(one)
  return all
}

function outputOf(stack: Stack | undefined, name: string): Evaluated<Span> | undefined {
  const node = nodeAt(stack?.template.outputs.get(name)?.value, 'Value')
  const value = node && stack!.evaluator.evaluate(node)
  return value?.is === 'unknown' || value?.is === 'absent' ? undefined : value
}

function distinct(publications: readonly Publication[]): readonly Publication[] {
  return [...new Map(publications.map(one => [one.evaluate, one])).values()]
}

interface Index {
  add(publication: Publication): void
  /** The entries with the same name; if there are none, those whose name may be the same. */
  find(patterns: readonly NamePattern[]): readonly Publication[]
}

/** By the ends of the names, so that not every name is compared with every other. */
function createIndex(): Index {
  const byEnd = new Map<string, Publication[]>()
  let reversedEnds: readonly string[] | undefined

  /** The entries whose end is an end of the other's. */
  function candidates(end: string): readonly Publication[] {
    const shorter = Array.from({ length: end.length + 1 }, (_, index) => byEnd.get(end.slice(index)) ?? [])
    const reversed = reverse(end)
    reversedEnds ??= [...byEnd.keys()].map(reverse).toSorted((a, b) => (a < b ? -1 : 1))
    const longer: Publication[] = []
    for (let index = firstNotBelow(reversedEnds, reversed); index < reversedEnds.length; index++) {
      const other = reversedEnds[index]!
      if (!other.startsWith(reversed)) break
      if (other !== reversed) longer.push(...byEnd.get(reverse(other))!)
    }
    return [...shorter.flat(), ...longer]
  }

  return {
    add(publication) {
      const end = endOf(publication.pattern)
      const same = byEnd.get(end)
      if (same === undefined) byEnd.set(end, [publication])
      else same.push(publication)
      if (same === undefined) reversedEnds = undefined
    },
    find(patterns) {
      const same = patterns.flatMap(pattern =>
        (byEnd.get(endOf(pattern)) ?? []).filter(one => compareNames(pattern, one.pattern) === 'same'),
      )
      if (same.length > 0) return same
      return patterns.flatMap(pattern =>
        candidates(endOf(pattern)).filter(one => compareNames(pattern, one.pattern) === 'alike'),
      )
    },
  }
}

function endOf(pattern: NamePattern): string {
  return pattern.at(-1) ?? ''
}

/** Not by code points: it is compared with strings that are reversed in the same way. */
function reverse(text: string): string {
  return text.split('').toReversed().join('')
}

function firstNotBelow(sorted: readonly string[], text: string): number {
  let [low, high] = [0, sorted.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if (sorted[middle]! < text) low = middle + 1
    else high = middle
  }
  return low
}

function wordsIn(text: string): readonly string[] {
  return text.split(/[^A-Za-z0-9]+/).filter(word => word !== '')
}

/** The files with a word, among those that may publish something. */
function wordsOf(files: readonly StackFile[]): ReadonlyMap<string, readonly StackFile[]> {
  const words = new Map<string, StackFile[]>()
  for (const file of files) {
    const names = new Set([stackNameOf(posix.basename(file.path))])
    if (/\bExport\b|AWS::SSM::Parameter\b|CrossRegionExportWriter/.test(file.text))
      for (const word of wordsIn(file.text)) names.add(word)
    for (const word of names) {
      const known = words.get(word)
      if (known === undefined) words.set(word, [file])
      else known.push(file)
    }
  }
  return words
}

function union(parts: readonly Infrastructure[]): Infrastructure {
  const all = <T>(list: (part: Infrastructure) => readonly T[]) => parts.flatMap(list)
  return {
    format: parts[0]!.format,
    paths: [...new Set(all(({ paths }) => paths))],
    pools: distinctPools(parts),
    groups: all(({ groups }) => groups),
    roles: all(({ roles }) => roles),
    identityPools: all(({ identityPools }) => identityPools),
    attachments: all(({ attachments }) => attachments),
    memberships: all(({ memberships }) => memberships),
    declaredPrecedences: [],
    unresolved: all(({ unresolved }) => unresolved),
    notFollowed: all(({ notFollowed }) => notFollowed),
    unseen: all(({ unseen = [] }) => unseen),
    misspelt: all(({ misspelt }) => misspelt),
    wrongIds: all(({ wrongIds = [] }) => wrongIds),
    missingSubs: all(({ missingSubs = [] }) => missingSubs),
    suppressions: all(({ suppressions }) => suppressions),
  }
}
