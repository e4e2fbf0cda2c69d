import { posix } from 'node:path'
import type { DeclaredPrecedence, Infrastructure } from '../../rules/infrastructure.js'
import { groupBy } from '../../record.js'
import { isWithin } from '../paths.js'
import { AMPLIFY_POOL, LISTED_POOL } from './facts.js'

/**
 * Joins the files of an Amplify project that are about one pool; everything else stays as it is, in its order.
 *
 * - Gen 1: the list of groups with the template that is made from it, which is what is deployed. Of two templates the one in
 *   `build` is deployed; the other one is compared with it. Among any others, none is guessed.
 * - Gen 2: the file that calls `defineAuth` with `amplify_outputs.json`, which is compared with it. Templates that `ampx` has
 *   synthesised replace the file, and what it changes with the CDK.
 */
export function joinAmplify(infrastructures: readonly Infrastructure[]): readonly Infrastructure[] {
  const joining: Joining = { taken: new Set(), joined: new Map() }
  joinFirstGeneration(infrastructures, joining)
  joinSecondGeneration(infrastructures, joining)
  const { taken, joined } = joining
  return infrastructures.filter(one => !taken.has(one)).map(one => joined.get(one) ?? one)
}

interface Joining {
  /** The infrastructures that are now part of another one. */
  readonly taken: Set<Infrastructure>
  readonly joined: Map<Infrastructure, Infrastructure>
}

function pathOf({ paths }: Infrastructure): string {
  return paths[0] ?? '.'
}

function folderOf(infrastructure: Infrastructure): string {
  return posix.dirname(pathOf(infrastructure))
}

function isTemplateOfGroups({ format, groups }: Infrastructure): boolean {
  return format === 'cloudformation' && groups.length > 0
}

function isTemplateOfRoles({ format, attachments }: Infrastructure): boolean {
  return format === 'cloudformation' && attachments.length > 0
}

function isGroupList({ format, pools }: Infrastructure): boolean {
  return format === 'amplify' && pools.some(({ id }) => id === LISTED_POOL)
}

const FIRST_GENERATION = /(?:^|\/)amplify\/backend\/auth\/[^/]+/

function joinFirstGeneration(infrastructures: readonly Infrastructure[], { taken, joined }: Joining): void {
  const lists = infrastructures.filter(isGroupList)
  const templates = infrastructures.filter(isTemplateOfGroups)
  const folders = new Set([
    ...lists.map(folderOf),
    ...templates.flatMap(one => {
      const found = FIRST_GENERATION.exec(pathOf(one))
      return found === null ? [] : [pathOf(one).slice(0, found.index + found[0].length)]
    }),
  ])
  for (const folder of folders) {
    const here = templates.filter(one => isWithin(pathOf(one), folder) && !joined.has(one) && !taken.has(one))
    const built = here.filter(one => isWithin(pathOf(one), `${folder === '.' ? '' : `${folder}/`}build`))
    const [template, ...others] = built.length > 0 ? built : here
    const pool = template === undefined ? undefined : onlyPool(template)
    if (template === undefined || others.length > 0 || pool === undefined) continue
    const copies = here.filter(one => one !== template && isCopy(one))
    const list = lists.filter(one => folderOf(one) === folder)
    const overrides = infrastructures.filter(
      one => built.length > 0 && isOnlyNotFollowed(one) && isWithin(pathOf(one), folder),
    )
    for (const part of [...list, ...copies, ...overrides]) taken.add(part)
    joined.set(template, {
      ...template,
      paths: [template, ...list, ...copies, ...overrides].flatMap(({ paths }) => paths),
      // Amplify makes all groups of a project in this template.
      pools: template.pools.map(one => ({ ...one, elsewhere: undefined })),
      declaredPrecedences: [
        ...template.declaredPrecedences,
        ...list.flatMap(one => precedencesOf(one, pool, {})),
        ...copies.flatMap(copy => precedencesOf(copy, pool, COPY)),
      ],
    })
  }
}

/** The pool of all groups; without groups, the only pool. */
function onlyPool({ groups, pools: all }: Infrastructure): string | undefined {
  const pools = new Set(groups.length > 0 ? groups.map(({ pool }) => pool) : all.map(({ id }) => id))
  return pools.size === 1 ? [...pools][0] : undefined
}

/** Whether it has only groups, their roles and Amplify's role map. */
function isCopy({ attachments, memberships, notFollowed }: Infrastructure): boolean {
  const own = attachments.filter(({ replacesOther }) => replacesOther !== true)
  return [own, memberships, notFollowed].every(({ length }) => length === 0)
}

function isOnlyNotFollowed({ format, pools, notFollowed }: Infrastructure): boolean {
  return format === 'amplify' && pools.length === 0 && notFollowed.length > 0
}

/** The ranks of another file's groups, to compare; none if some are not known. */
function precedencesOf(
  { groups }: Infrastructure,
  pool: string,
  texts: Pick<DeclaredPrecedence, 'source' | 'definition'>,
): readonly DeclaredPrecedence[] {
  const declared = groups.flatMap(({ groupName, precedence, location }): readonly DeclaredPrecedence[] => {
    if (groupName.is !== 'known' || (precedence.is !== 'known' && precedence.is !== 'absent')) return []
    return [
      {
        ...texts,
        pool,
        groupName: groupName.value,
        precedence: precedence.is === 'known' ? precedence.value : null,
        location,
      },
    ]
  })
  return declared.length === groups.length ? declared : []
}

const COPY = { source: 'The template outside `build`', definition: 'the one in `build`' }

function textsFor(part: Infrastructure, whole: Infrastructure): Pick<DeclaredPrecedence, 'source' | 'definition'> {
  const isWritten = part.pools.some(({ userPoolId }) => userPoolId !== undefined)
  return {
    source: isWritten ? '`amplify_outputs.json`' : '`defineAuth`',
    definition: whole.format === 'amplify' ? '`defineAuth`' : 'the synthesised template',
  }
}

/** The folder that contains the `amplify` folder of the file. */
function projectOf(path: string): string {
  const parts = path.split('/')
  const index = parts.slice(0, -1).lastIndexOf('amplify')
  if (index < 0) return posix.dirname(path)
  return parts.slice(0, index).join('/') || (path.startsWith('/') ? '/' : '.')
}

function joinSecondGeneration(infrastructures: readonly Infrastructure[], { taken, joined }: Joining): void {
  const definitions = infrastructures.filter(
    ({ format, pools }) => format === 'amplify' && pools.some(({ id }) => id === AMPLIFY_POOL),
  )
  const written = new Set(definitions.map(pathOf))
  const byProject = groupBy(
    definitions.filter(one => {
      const isCompiled = COMPILED.test(pathOf(one)) && written.has(pathOf(one).replace(COMPILED, '.$1ts'))
      if (isCompiled) taken.add(one)
      return !isCompiled
    }),
    one => projectOf(pathOf(one)),
  )
  const partsOf = groupBy(infrastructures, one => ownerOf(pathOf(one), byProject) ?? '')
  for (const [project, [definition, ...others]] of byProject) {
    // Which of several is deployed is not guessed.
    if (definition === undefined || others.length > 0 || definition.pools.length !== 1) continue
    const parts = (partsOf.get(project) ?? []).filter(one => !taken.has(one))
    const deployed = parts.filter(isOutputs)
    const synthesised = parts.filter(one => isWithin(pathOf(one), inside(project, '.amplify')))
    const hasNoGroups =
      definition.unresolved.length === 0 && [definition, ...deployed].every(one => one.groups.length === 0)
    const ofGroups = synthesised.filter(isTemplateOfGroups)
    // A template without groups is older than a file with groups, and does not replace it.
    const [template, ...more] = ofGroups.length > 0 || !hasNoGroups ? ofGroups : synthesised.filter(isTemplateOfRoles)
    const pool = template === undefined ? undefined : onlyPool(template)
    if (template !== undefined && more.length === 0 && pool !== undefined) {
      const changes = parts.filter(one => isOnlyNotFollowed(one) && isWithin(pathOf(one), inside(project, 'amplify')))
      take(template, [definition, ...deployed, ...changes], pool)
    } else if (definition.unresolved.length === 0 && (definition.groups.length > 0 || hasNoGroups)) {
      take(definition, deployed, AMPLIFY_POOL)
    }
  }

  function take(whole: Infrastructure, parts: readonly Infrastructure[], pool: string): void {
    if (parts.length === 0) return
    for (const part of parts) taken.add(part)
    const userPoolIds = new Set(parts.flatMap(({ pools }) => pools.flatMap(({ userPoolId }) => userPoolId ?? [])))
    const [userPoolId] = userPoolIds.size === 1 ? userPoolIds : []
    const before = joined.get(whole) ?? whole
    joined.set(whole, {
      ...before,
      paths: [whole, ...parts].flatMap(({ paths }) => paths),
      pools: before.pools.map(one => (one.id === pool && userPoolId !== undefined ? { ...one, userPoolId } : one)),
      declaredPrecedences: [
        ...before.declaredPrecedences,
        ...parts.flatMap(part => precedencesOf(part, pool, textsFor(part, whole))),
      ],
      suppressions: [whole, ...parts].flatMap(({ suppressions }) => suppressions),
    })
  }
}

/** JavaScript that may be compiled from the TypeScript file of the same name. */
const COMPILED = /\.([cm]?)js$/

function inside(folder: string, name: string): string {
  return folder === '.' ? name : posix.join(folder, name)
}

function isOutputs({ format, pools }: Infrastructure): boolean {
  return format === 'amplify' && pools.some(({ userPoolId }) => userPoolId !== undefined)
}

/** The innermost project that contains the path. */
function ownerOf(path: string, projects: ReadonlyMap<string, unknown>): string | undefined {
  let folder = path
  do {
    folder = posix.dirname(folder)
    if (projects.has(folder)) return folder
  } while (!['.', '/', '..'].includes(folder))
  return undefined
}
