import { posix } from 'node:path'
import { listItems, quote } from '../../errors.js'
import type { Infrastructure, Location, NotFollowed, Unresolved } from '../../rules/infrastructure.js'
import { oneOf } from '../evaluated.js'
import { field } from '../json-text.js'
import { AWS_TYPES, type AwsResource, providerOf, toInfrastructure } from './aws-resources.js'
import type { Declaration, Module } from './configuration.js'
import { evaluate } from './evaluate.js'
import { locate } from './hcl-blocks.js'
import type { Scope } from './hcl-values.js'
import { eachBindings, type Instance, instancesOf, MAX_RESOURCES } from './instances.js'
import {
  type Call,
  createModuleInstance,
  createRootContext,
  elsewhere,
  type ModuleInstance,
  type RootContext,
  within,
} from './module-instance.js'
import {
  folderOf,
  isLocal,
  mayHoldGroups,
  notAmongFiles,
  outputsTaken,
  unseenModule,
  writtenSource,
} from './module-source.js'
import { type Attribute, evaluateResource } from './resource-body.js'
import { readSuppressions } from './suppressions.js'
import { mapOfTerms, type Term, unknown } from './term.js'
import { notFollowedResource, VALIDATE_PLAN } from './unknown-resources.js'
import { convertToVariable, givenValue, isNullable, literalScope } from './variables.js'

/** A root module, with its context. */
export interface RootFiles {
  readonly folder: string
  readonly moduleOf: (folder: string) => Module | undefined
  readonly textsOf: (folder: string) => readonly string[]
  /** Whether anything in the folder, or in the modules that it calls, mentions Cognito. */
  readonly isRelevant: (folder: string) => boolean
  /** The contents of the variable files; the last one wins. */
  readonly variables: readonly unknown[]
  /** A file that sets the variable and is not read. */
  readonly otherValue: (variable: string) => string | undefined
}

export interface RootReading {
  readonly infrastructure: Infrastructure
  /** The folders whose modules are called, including its own. */
  readonly folders: ReadonlySet<string>
}

export const TERRAFORM_SOURCE = 'terraform-source'

/** The most steps of all expressions of a root together. */
const BUDGET = 500_000
/** The most modules of a root. A text that calls each module twice would create more. */
const MAX_MODULES = 1_000
/** The deepest nesting of modules; Terraform recommends two levels. */
const MAX_MODULE_DEPTH = 40

const OF_GROUPS: ReadonlySet<string> = new Set([
  'aws_cognito_user_group',
  'aws_cognito_user_in_group',
  'aws_cognito_identity_pool_roles_attachment',
  'awscc_cognito_user_pool_group',
  'awscc_cognito_user_pool_user_to_group_attachment',
  'awscc_cognito_identity_pool_role_attachment',
])
/** The attribute that ranks a group: if a default decides it, it is one of two possibilities. */
const RANK: ReadonlySet<string> = new Set(['precedence', 'role_arn'])
/** Attributes that no rule depends on, except for the words of its message. */
const WORDS: ReadonlySet<string> = new Set(['name', 'group_name', 'description', 'username'])

export function readRoot(files: RootFiles): RootReading {
  const resources: AwsResource[] = []
  const unresolved: Unresolved[] = []
  const notes = createNotes(files, unresolved)
  const entered = new Set([files.folder])
  let modules = 0

  const followCall = (caller: ModuleInstance, declaration: Declaration): Call => {
    const location = locationOf(declaration, within(caller.address, declaration.address))
    const source = sourceOf(caller, declaration)
    const refuse = (why: string, next: string, isCertain = true): Call => {
      if (isCertain || mayHoldGroups(declaration, source, takenFrom(caller.folder, declaration)))
        notes.notFollowed(caller, declaration, { why, next, location })
      else if (source !== undefined && isLocal(source)) notes.outside(declaration, source, location)
      else notes.unseen(unseenModule(location.construct ?? declaration.address, why, location))
      return { is: 'not-followed', why }
    }
    if (source === undefined)
      return refuse('its source is an expression, and it is not known which module it is', VALIDATE_PLAN)
    if (!isLocal(source)) return refuse(notAmongFiles(source), VALIDATE_PLAN, false)
    const folder = folderOf(caller.folder, source)
    const module = files.moduleOf(folder)
    if (module === undefined) {
      const next = `Name the folder ${quote(folder)} as well, or validate the plan, which has it: \`terraform show -json plan.out\``
      return refuse(`its folder ${quote(folder)} is not among the files`, next, false)
    }
    if (caller.folders.includes(folder)) return refuse('it calls itself', 'Call no module from within itself')
    if (caller.folders.length > MAX_MODULE_DEPTH)
      return refuse(`there are more than ${MAX_MODULE_DEPTH} modules around it`, VALIDATE_PLAN)
    entered.add(folder)
    const many = instancesOf(declaration, caller.scope, context.track, MAX_RESOURCES)
    const isUnknown = typeof many === 'string'
    const instances = isUnknown ? [ANY_INSTANCE] : many.instances
    if ((modules += instances.length) > MAX_MODULES) {
      modules = MAX_MODULES
      notes.tooMany(location)
      return { is: 'not-followed', why: `there are more than ${MAX_MODULES} modules` }
    }
    const assumes = isUnknown ? NONE : many.assumes
    const isRelevant = files.isRelevant(folder)
    if (isRelevant && isUnknown)
      unresolved.push({ why: `how many ${quote(location.construct!)} there are is not known: ${many}`, location })
    else if (isRelevant) for (const one of assumes) notes.assumes(one, location, instances.length === 0)
    const children = instances.map(instance => {
      const key = isUnknown ? '[*]' : instance.key
      return [key, createChild(caller, declaration, { ...instance, key }, assumes, { folder, module })] as const
    })
    return isUnknown
      ? { is: 'unresolved', modules: new Map(children), why: many }
      : { is: 'followed', modules: new Map(children), assumes }
  }

  const createChild = (
    caller: ModuleInstance,
    { address, body }: Declaration,
    { key, bindings, condition }: Instance,
    assumes: ReadonlySet<string>,
    { folder, module }: { readonly folder: string; readonly module: Module },
  ): ModuleInstance => {
    const inner = within(caller.address, `${address}${key}`)
    const scope: Scope = { ...caller.scope, bindings, onBound: () => context.assume(assumes) }
    const variable = (name: string, declaration: Declaration | undefined) => {
      const given = field(body, name)
      const value = given === undefined ? undefined : evaluate(given, scope)
      return (
        valueOfVariable(value, declaration, context) ??
        elsewhere(within(inner, `var.${name}`), `the call of ${quote(inner)} does not give variable ${quote(name)}`)
      )
    }
    const conditions = allOf(caller.condition, condition && `${inner}: ${condition}`)
    return createModuleInstance({
      folder,
      address: inner,
      module,
      condition: conditions,
      folders: [...caller.folders, folder],
      context,
      variable,
    })
  }

  const taken = new Map<string, ReadonlyMap<string, ReadonlySet<string>>>()
  const takenFrom = (folder: string, { address }: Declaration) => {
    if (!taken.has(folder)) taken.set(folder, outputsTaken(files.textsOf(folder)))
    return taken.get(folder)!.get(address.slice('module.'.length)) ?? []
  }

  const context = createRootContext(followCall, BUDGET)
  const root = createModuleInstance({
    folder: files.folder,
    address: '',
    module: files.moduleOf(files.folder)!,
    folders: [files.folder],
    context,
    variable: (name, declaration) => {
      const given = givenValue(files.variables, name, context.budget)
      const isGiven = given !== undefined && (given.is !== 'absent' || isNullable(declaration?.body ?? {}))
      if (!isGiven && field(declaration?.body, 'default') !== undefined) context.assume([name])
      return (
        valueOfVariable(given, declaration, context) ??
        elsewhere(`var.${name}`, `variable ${quote(name)} has no default${otherValue(files, name)}`)
      )
    },
  })

  /** By folder and address, the ids of the resources that it creates. */
  const ids = new Map<string, string[]>()
  const open: { readonly instance: ModuleInstance; readonly around: readonly string[] }[] = [
    { instance: root, around: [] },
  ]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { instance, around } = next
    const { folder, address: outer, module } = instance
    for (const declaration of module.resources.values()) {
      if (!AWS_TYPES.has(declaration.type)) {
        const address = within(outer, declaration.address)
        const other = notFollowedResource({ ...declaration, address }, locationOf(declaration, address))
        if (other !== undefined) notes.other(other)
        continue
      }
      const made = expandResource(instance, declaration, {
        context,
        notes,
        unresolved,
      })
      for (const resource of made) {
        resources.push(resource)
        for (const place of [JSON.stringify([folder, declaration.address]), ...around]) {
          const known = ids.get(place)
          if (known === undefined) ids.set(place, [resource.id])
          else known.push(resource.id)
        }
      }
    }
    for (const target of module.imports) notes.imported(target, module)
    const children: typeof open = []
    for (const declaration of module.calls.values()) {
      const call = instance.call(declaration)
      if (call.is === 'not-followed') continue
      const place = JSON.stringify([folder, declaration.address])
      for (const child of call.modules.values()) children.push({ instance: child, around: [...around, place] })
    }
    open.push(...children.toReversed())
  }
  notes.finish()
  if (context.budget.left <= 0) notes.tooLong()

  const parsed = [...entered].map(folder => ({ folder, module: files.moduleOf(folder) }))
  const infrastructure = toInfrastructure({
    format: TERRAFORM_SOURCE,
    paths: parsed.flatMap(({ module }) => module?.files.map(({ path }) => path) ?? []),
    resources,
    unresolved,
    notFollowed: notes.all(),
    unseen: notes.allUnseen(),
    suppressions: parsed.flatMap(({ folder, module }) =>
      (module?.files ?? []).flatMap(file =>
        readSuppressions(file, address => ids.get(JSON.stringify([folder, address])) ?? []),
      ),
    ),
  })
  return { infrastructure, folders: entered }
}

const NONE: ReadonlySet<string> = new Set()
const EACH = unknown('how many there are is not known')
/** Stands for all instances of a call with an unknown number of them. */
const ANY_INSTANCE: Instance = {
  key: '[*]',
  bindings: new Map([...eachBindings(EACH, EACH), ['count', mapOfTerms([['index', EACH]])]]),
  condition: 'there is one',
}

function valueOfVariable(
  given: Term | undefined,
  declaration: Declaration | undefined,
  { budget }: RootContext,
): Term | undefined {
  const body = declaration?.body ?? {}
  const isGiven = given !== undefined && (given.is !== 'absent' || isNullable(body))
  if (isGiven) return convertToVariable(given, body, budget)
  const preset = field(body, 'default')
  return preset === undefined ? undefined : convertToVariable(evaluate(preset, literalScope(budget)), body, budget)
}

/** The value of the source, which may contain variables in OpenTofu. Undefined if it is not a string. */
function sourceOf({ scope }: ModuleInstance, declaration: Declaration): string | undefined {
  const source = writtenSource(declaration)
  if (source === undefined || !source.includes('${')) return source
  const term = evaluate(source, scope)
  return term.is === 'scalar' ? term.text : undefined
}

function locationOf({ path, block }: Declaration, construct: string): Location {
  return locate({ path, construct }, block)
}

function allOf(...conditions: readonly (string | undefined)[]): string | undefined {
  const given = conditions.filter(condition => condition !== undefined)
  return given.length === 0 ? undefined : given.join(' and ')
}

interface Expansion {
  readonly context: RootContext
  readonly notes: Notes
  readonly unresolved: Unresolved[]
}

/** The instances of a resource. */
function expandResource(
  module: ModuleInstance,
  declaration: Declaration,
  { context, notes, unresolved }: Expansion,
): readonly AwsResource[] {
  const { type } = declaration
  const whole = within(module.address, declaration.address)
  const location = locationOf(declaration, whole)
  const many = module.instancesOf(declaration)
  if (typeof many === 'string') {
    unresolved.push({ why: `how many ${quote(whole)} there are is not known: ${many}`, location })
    return []
  }
  const { instances, assumes: ofInstances } = many
  if (OF_GROUPS.has(type)) for (const one of ofInstances) notes.assumes(one, location, instances.length === 0)
  return instances.map(({ key, bindings, condition }) => {
    const id = `${whole}${key}`
    const place = locationOf(declaration, id)
    const evaluated = evaluateResource(declaration, { ...module.scope, bindings }, place, context.track)
    const attributes = new Map<string, Term>()
    for (const [name, attribute] of evaluated) {
      const assumes = [...attribute.assumes].filter(one => !ofInstances.has(one))
      const isRank = OF_GROUPS.has(type) && RANK.has(name)
      attributes.set(name, isRank ? withDefaults(attribute, assumes, ofInstances) : attribute.term)
      if (OF_GROUPS.has(type) && !isRank && !WORDS.has(name))
        for (const one of assumes) notes.assumes(one, location, false)
    }
    const conditions = allOf(module.condition, condition && within(module.address, condition))
    return { type, id, location: place, attributes, provider: providerOf(type), condition: conditions }
  })
}

/** A value from a default is one possibility, unless the instance exists only with that default. */
function withDefaults({ term }: Attribute, assumes: readonly string[], ofInstance: ReadonlySet<string>): Term {
  const isKnown = term.is === 'scalar' || term.is === 'symbolic' || term.is === 'absent'
  const all = [...ofInstance, ...assumes]
  if (all.length === 0 || !isKnown) return term
  const known = { ...term, assumes: all }
  if (assumes.length === 0) return known
  const names = listItems(assumes, name => quote(name))
  const why = `${assumes.length === 1 ? 'variable' : 'variables'} ${names} may have another value than the default`
  return oneOf([known, { ...unknown(why), at: term.at }], undefined, why, term.at)
}

function otherValue({ otherValue: find }: RootFiles, variable: string): string {
  const path = find(variable)
  return path === undefined ? '' : `; ${quote(path)}, which has a value for it, is not given as a variable file`
}

interface Notes {
  readonly notFollowed: (
    caller: ModuleInstance,
    declaration: Declaration,
    found: Pick<NotFollowed, 'why' | 'next' | 'location'>,
  ) => void
  /** A local module that is not among the files, and does not mention Cognito. */
  readonly outside: (declaration: Declaration, source: string, location: Location) => void
  readonly other: (found: NotFollowed) => void
  /** Parts that nothing shows to be about Cognito. */
  readonly unseen: (found: NotFollowed) => void
  readonly imported: (target: Declaration, module: Module) => void
  readonly tooMany: (location: Location) => void
  readonly tooLong: () => void
  /** Records that a part depends on the default of a variable. */
  readonly assumes: (variable: string, location: Location, isNone: boolean) => void
  readonly finish: () => void
  readonly all: () => readonly NotFollowed[]
  readonly allUnseen: () => readonly NotFollowed[]
}

function placeOf({ path, line, column, construct }: Location): string {
  return JSON.stringify([path, line ?? construct, column ?? 0])
}

/** The notes that are reported once for all modules of a root. */
function createNotes(files: RootFiles, unresolved: Unresolved[]): Notes {
  /** By text: a module that is called often has one. */
  const found = new Map<string, NotFollowed>()
  const unseen = new Map<string, NotFollowed>()
  const outside: { readonly address: string; readonly location: Location }[] = []
  const assumed = new Map<string, { readonly places: Map<string, Location>; readonly none: Map<string, Location> }>()
  const add = (one: NotFollowed, written: string) => {
    if (!found.has(written)) found.set(written, one)
  }
  return {
    notFollowed: (_, { address }, one) =>
      add({ what: `Module ${quote(one.location.construct ?? address)}`, ...one }, `module ${placeOf(one.location)}`),
    outside: (_declaration, _source, location) => {
      if (!outside.some(one => placeOf(one.location) === placeOf(location)))
        outside.push({ address: location.construct ?? '', location })
    },
    other: one => add(one, `resource ${placeOf(one.location)}`),
    unseen: one => {
      const place = placeOf(one.location)
      if (!unseen.has(place)) unseen.set(place, one)
    },
    imported: (target, { resources }) => {
      const { address } = target
      if (resources.has(address) || !OF_GROUPS.has(address.split('.')[0]!)) return
      const location = locationOf(target, address)
      const why = 'it is imported, but none of the files has it'
      add({ what: `Resource ${quote(address)}`, why, next: VALIDATE_PLAN, location }, `import ${placeOf(location)}`)
    },
    tooMany: location => {
      const why = `with it there are more than ${MAX_MODULES} modules`
      add({ what: `Module ${quote(location.construct ?? '')}`, why, next: VALIDATE_PLAN, location }, 'too many')
    },
    tooLong: () => {
      const path = files.moduleOf(files.folder)?.files[0]?.path ?? files.folder
      const why = 'its expressions take too long to evaluate'
      const what = `A part of the module in ${quote(posix.dirname(path))}`
      add({ what, why, next: VALIDATE_PLAN, location: { path } }, 'too long')
    },
    assumes: (variable, location, isNone) => {
      const known = assumed.get(variable) ?? { places: new Map(), none: new Map() }
      assumed.set(variable, known)
      const into = isNone ? known.none : known.places
      if (!into.has(location.construct ?? '')) into.set(location.construct ?? '', location)
    },
    finish: () => {
      for (const [variable, { places, none }] of assumed) {
        const another = `variable ${quote(variable)} may have another value than its default`
        const other = otherValue(files, variable)
        const [first] = none.values()
        if (first !== undefined) {
          const why = `how many ${addresses(none)} there are is not known: ${another}, with which there are none${other}`
          unresolved.push({ why, location: first })
        }
        const [place] = places.values()
        if (first === undefined && place !== undefined)
          unresolved.push({
            why: `${another}, which ${addresses(places)} ${places.size === 1 ? 'uses' : 'use'}${other}`,
            location: place,
          })
      }
      const [first] = outside
      if (first === undefined) return
      const names = listItems(outside, ({ address }) => quote(address))
      const what = outside.length === 1 ? `Module ${names}` : `Each of the modules ${names}`
      const why = 'its folder is not among the files'
      const next = 'Name the folder that has it as well, or validate the plan: `terraform show -json plan.out`'
      add({ what, why, next, location: first.location }, 'outside')
    },
    all: () => [...found.values()],
    allUnseen: () => [...unseen.values()],
  }
}

const MAX_NAMED = 3

function addresses(places: ReadonlyMap<string, Location>): string {
  const names = [...places.keys()]
  const named = names.slice(0, MAX_NAMED).map(name => quote(name))
  const others = names.length - named.length
  return listItems(others === 0 ? named : [...named, `${others} more`], String)
}
