import { quote } from '../../errors.js'
import type { Reference } from '../evaluated.js'
import { field } from '../json-text.js'
import type { Declaration, Module } from './configuration.js'
import { evaluate, MAX_DEPTH } from './evaluate.js'
import { type Budget, failed, type Found, type Scope, type Step, toJson } from './hcl-values.js'
import { type Instance, type Instances, instancesOf, isRepeated, MAX_RESOURCES, type Track } from './instances.js'
import { policyDocument } from './policy-document.js'
import { listOfTerms, mapOfTerms, reference, type Term, unknown } from './term.js'

/** A module as one caller calls it, or a root. */
export interface ModuleInstance {
  readonly folder: string
  /** `''` for a root, else `module.a["x"].module.b`. */
  readonly address: string
  readonly module: Module
  readonly scope: Scope
  /** The condition under which it exists, if that is not certain. */
  readonly condition: string | undefined
  /** The folders of the modules around it, and its own. */
  readonly folders: readonly string[]
  /** The instances of a resource or a data source that is declared here. */
  readonly instancesOf: (declaration: Declaration) => Instances | string
  /** The result of a `module` block. */
  readonly call: (declaration: Declaration) => Call
  /** The value of an output. */
  readonly output: (name: string) => Term
}

/** The modules that a `module` block creates, by key, or why it is not followed. */
export type Call =
  | {
      readonly is: 'followed'
      readonly modules: ReadonlyMap<string, ModuleInstance>
      readonly assumes: ReadonlySet<string>
    }
  /** The number is not known: one module stands for all. */
  | { readonly is: 'unresolved'; readonly modules: ReadonlyMap<string, ModuleInstance>; readonly why: string }
  | { readonly is: 'not-followed'; readonly why: string }

/** Shared by all modules of a root. */
export interface RootContext {
  readonly budget: Budget
  readonly track: Track
  /** Called if the default of a variable of the root is read, or if a value that is read depends on it. */
  readonly assume: (variables: Iterable<string>) => void
  /** The length of a chain of names. */
  readonly names: { depth: number }
  /** How many more resource instances are allowed. */
  readonly instances: { left: number }
  /** The attributes that the configuration sets for a resource, by address. */
  readonly attributes: Map<string, (name: string) => Term | undefined>
  readonly followCall: (caller: ModuleInstance, declaration: Declaration) => Call
}

export function createRootContext(followCall: RootContext['followCall'], budget: number): RootContext {
  let assumed = new Set<string>()
  return {
    budget: { left: budget, nesting: 0 },
    track: work => {
      const outer = assumed
      assumed = new Set()
      const result = work()
      const assumes = assumed
      assumed = outer
      return { result, assumes }
    },
    assume: variables => {
      for (const variable of variables) assumed.add(variable)
    },
    names: { depth: 0 },
    instances: { left: MAX_RESOURCES },
    attributes: new Map(),
    followCall,
  }
}

export interface ModuleInstanceOptions {
  readonly folder: string
  readonly address: string
  readonly module: Module
  readonly condition?: string | undefined
  readonly folders: readonly string[]
  readonly context: RootContext
  /** The value of a variable, whether or not the module declares it. */
  readonly variable: (name: string, declaration: Declaration | undefined) => Term
}

export function within(address: string, inner: string): string {
  return address === '' ? inner : `${address}.${inner}`
}

/** Never known before apply, whatever the configuration says. */
const COMPUTED: ReadonlySet<string> = new Set(['arn', 'id', 'endpoint', 'unique_id'])
/** Names other than resource types: `each` and `count` outside a loop, and values of the run. */
const OPAQUE: ReadonlySet<string> = new Set(['each', 'count', 'self', 'path', 'terraform'])

/** Values from elsewhere that are the same everywhere. */
export function elsewhere(address: string, why: string): Term {
  return reference({ id: address, type: '', attribute: '' }, why)
}

export function createModuleInstance({
  folder,
  address: outer,
  module,
  condition,
  folders,
  context,
  variable,
}: ModuleInstanceOptions): ModuleInstance {
  interface Worked {
    readonly term: Term
    readonly assumes: ReadonlySet<string>
  }
  /** The values that are already evaluated; `undefined` while one is being evaluated. */
  const worked = new Map<string, Worked | undefined>()
  const { names, track } = context
  const once = (address: string, work: () => Term): Term => {
    const known = worked.get(address)
    if (known === undefined && worked.has(address)) return unknown(`${quote(address)} refers to itself`)
    const { term, assumes } = known ?? workOut(address, work)
    context.assume(assumes)
    return term
  }
  const workOut = (address: string, work: () => Term): Worked => {
    worked.set(address, undefined)
    names.depth++
    const { result: term, assumes } = track(() =>
      names.depth > MAX_DEPTH ? unknown('it goes through too many names') : work(),
    )
    names.depth--
    worked.set(address, { term, assumes })
    return { term, assumes }
  }

  const lookUp = (name: string, steps: readonly Step[]): Found => {
    const first = steps[0]?.key
    if (typeof first !== 'string') return { term: unknown(`${quote(name)} is not known here`), taken: 0 }
    const address = `${name}.${first}`
    if (name === 'var') return { term: once(address, () => variable(first, module.variables.get(first))), taken: 1 }
    if (name === 'local') {
      if (!module.locals.has(first))
        return { term: elsewhere(within(outer, address), `local ${quote(first)} is in none of the files`), taken: 1 }
      return { term: once(address, () => evaluate(module.locals.get(first), scope)), taken: 1 }
    }
    if (name === 'module') return lookUpModule(first, address, steps)
    if (name === 'data') return lookUpData(first, steps)
    return OPAQUE.has(name)
      ? { term: unknown(`${quote(address)} is not in the files`), taken: 1 }
      : lookUpResource(address, name, steps)
  }

  const lookUpModule = (name: string, address: string, steps: readonly Step[]): Found => {
    const declaration = module.calls.get(name)
    const opaque = (why: string, inner = address, taken = 1) => ({ term: elsewhere(within(outer, inner), why), taken })
    if (declaration === undefined) return opaque(`${quote(address)} is in none of the files`)
    const call = self.call(declaration)
    if (call.is === 'not-followed') return opaque(`${quote(address)} is a module, which is not read`)
    const isIndexed = isRepeated(declaration)
    if (!isIndexed) {
      const only = call.modules.get('')
      return only === undefined ? opaque(`${quote(address)} is not read`) : lookUpOutput(only, steps, 1)
    }
    const index = steps[1]
    if (index?.isIndex === true) {
      if (index.key === undefined)
        return { term: unknown(`it is not known which instance of ${quote(address)} it is`), taken: steps.length }
      const key = `[${JSON.stringify(index.key)}]`
      const one = call.modules.get(key)
      if (call.is === 'unresolved') return opaque(call.why, `${address}${key}`, 2)
      if (one !== undefined) return lookUpOutput(one, steps, 2)
      context.assume(call.assumes)
      return { term: failed(`there is no ${quote(`${address}${key}`)}`), taken: 2 }
    }
    if (call.is === 'unresolved') return { term: unknown(call.why), taken: 1 }
    context.assume(call.assumes)
    return { term: collect([...call.modules].map(([key, one]) => [key, outputsOf(one)] as const)), taken: 1 }
  }

  const lookUpOutput = (child: ModuleInstance, steps: readonly Step[], taken: number): Found => {
    const output = steps[taken]?.key
    if (steps[taken]?.isIndex === true && output === 0 && taken === 1) return lookUpOutput(child, steps, 2)
    if (typeof output === 'string') return { term: child.output(output), taken: taken + 1 }
    return { term: outputsOf(child), taken }
  }

  const lookUpData = (type: string, steps: readonly Step[]): Found => {
    const [name, index] = [steps[1]?.key, steps[2]]
    if (typeof name !== 'string') return { term: unknown(`\`data.${type}\` is not known here`), taken: 1 }
    const address = `data.${type}.${name}`
    const declaration = module.resources.get(address)
    const isIndexed = index?.isIndex === true
    if (type === 'aws_iam_policy_document' && declaration !== undefined && steps[isIndexed ? 3 : 2]?.key === 'json') {
      const key = isIndexed ? `[${JSON.stringify(index.key)}]` : ''
      const instance = isIndexed === isRepeated(declaration) ? instanceOf(declaration, key) : undefined
      if (instance !== undefined) {
        const inner = inInstance(instance)
        const term = once(`${address}${key}`, () => toJson(policyDocument(declaration.body, inner), inner))
        return { term, taken: isIndexed ? 4 : 3 }
      }
    }
    return { term: elsewhere(within(outer, address), `${quote(address)} is read from the account`), taken: 2 }
  }

  const lookUpResource = (address: string, type: string, steps: readonly Step[]): Found => {
    const declaration = module.resources.get(address)
    const index = steps[1]
    const isMany = declaration !== undefined && isRepeated(declaration)
    const which = `it is not known which instance of ${quote(address)} it is`
    if (index?.isIndex === true) {
      if (index.key === undefined) return { term: unknown(which), taken: steps.length }
      const key = `[${JSON.stringify(index.key)}]`
      const instance = isMany ? instanceOf(declaration, key) : undefined
      return { term: referTo(address, type, key, declaration, instance), taken: 2 }
    }
    if (!isMany) return { term: referTo(address, type, '', declaration, { key: '', bindings: new Map() }), taken: 1 }
    // Before 0.12, an attribute without an index was that of the first instance.
    if (index !== undefined) return { term: unknown(which), taken: steps.length }
    const many = self.instancesOf(declaration)
    if (typeof many === 'string') return { term: unknown(many), taken: 1 }
    // There is at most one instance, and it is open whether it exists.
    if (many.assumes.size === 0 && many.instances.some(one => one.condition !== undefined))
      return { term: unknown(`it is not known whether ${quote(address)} exists`), taken: 1 }
    context.assume(many.assumes)
    const all = many.instances.map(one => [one.key, referTo(address, type, one.key, declaration, one)] as const)
    return { term: collect(all), taken: 1 }
  }

  const instanceOf = (declaration: Declaration, key: string): Instance | undefined => {
    const many = self.instancesOf(declaration)
    return typeof many === 'string' ? undefined : instancesByKey(many).get(key)
  }

  const referTo = (
    address: string,
    type: string,
    key: string,
    declaration: Declaration | undefined,
    instance: Instance | undefined,
  ): Term => {
    const id = within(outer, `${address}${key}`)
    if (declaration !== undefined && instance !== undefined && !context.attributes.has(id)) {
      const inner = inInstance(instance)
      context.attributes.set(id, name => {
        // A client's name is often mistaken for its ID.
        const isOpen = COMPUTED.has(name) || (type === 'aws_cognito_user_pool_client' && name === 'name')
        const set = isOpen ? undefined : field(declaration.body, name)
        return set === undefined ? undefined : once(`${address}${key}.${name}`, () => evaluate(set, inner))
      })
    }
    return reference({ id, type, attribute: '' }, `${quote(`${address}${key}`)} is known only after apply`)
  }

  const inInstance = ({ bindings }: Instance): Scope => ({ ...scope, bindings })

  const scope: Scope = {
    bindings: new Map(),
    lookUp,
    attributeOf: (to: Reference, name) => context.attributes.get(to.id)?.(name),
    budget: context.budget,
  }

  const expanded = new Map<Declaration, Instances | string>()
  const calls = new Map<Declaration, Call>()
  const self: ModuleInstance = {
    folder,
    address: outer,
    module,
    scope,
    condition,
    folders,
    instancesOf: declaration => {
      const known = expanded.get(declaration)
      if (known !== undefined) return known
      // A block that needs itself while it is evaluated has no instances.
      expanded.set(declaration, `${quote(declaration.address)} refers to itself`)
      const found = instancesOf(declaration, scope, track, context.instances.left)
      if (typeof found !== 'string') context.instances.left -= found.instances.length
      expanded.set(declaration, found)
      return found
    },
    call: declaration => {
      const known = calls.get(declaration)
      if (known !== undefined) return known
      calls.set(declaration, { is: 'not-followed', why: `${quote(declaration.address)} refers to itself` })
      const found = context.followCall(self, declaration)
      calls.set(declaration, found)
      return found
    },
    output: name => {
      const declaration = module.outputs.get(name)
      if (declaration === undefined) return failed(`there is no output ${quote(name)}`)
      return once(`output.${name}`, () => evaluate(field(declaration.body, 'value') ?? null, scope))
    },
  }
  return self
}

const BY_KEY = new WeakMap<Instances, ReadonlyMap<string, Instance>>()

function instancesByKey(many: Instances): ReadonlyMap<string, Instance> {
  const known = BY_KEY.get(many)
  if (known !== undefined) return known
  const byKey = new Map(many.instances.map(instance => [instance.key, instance]))
  BY_KEY.set(many, byKey)
  return byKey
}

function outputsOf(child: ModuleInstance): Term {
  return mapOfTerms([...child.module.outputs.keys()].map(name => [name, child.output(name)] as const))
}

/** A list of the instances of `count`, or a map of the instances of `for_each`. */
function collect(byKey: readonly (readonly [string, Term])[]): Term {
  const parsed = byKey.map(([key, term]) => [JSON.parse(key.slice(1, -1)) as string | number, term] as const)
  return parsed.every(([key]) => typeof key === 'number')
    ? listOfTerms(parsed.map(([, term]) => term))
    : mapOfTerms(parsed.map(([key, term]) => [String(key), term] as const))
}
