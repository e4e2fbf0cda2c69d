import { quote } from '../../errors.js'
import { field } from '../json-text.js'
import type { Declaration } from './configuration.js'
import { entriesOf, isEmpty, otherOf, type Scope } from './hcl-values.js'
import { evaluate, whyOf } from './evaluate.js'
import { mapOfTerms, scalar, type Term } from './term.js'

/** One of the things that a block creates: a resource, a module. */
export interface Instance {
  /** `''`, `[0]`, `["admin"]` */
  readonly key: string
  readonly bindings: Scope['bindings']
  /** The condition under which it exists, if that is not certain. */
  readonly condition?: string | undefined
}

export interface Instances {
  readonly instances: readonly Instance[]
  /** The variables of the root module whose defaults decide which instances exist. */
  readonly assumes: ReadonlySet<string>
}

/** The most resources of a root module: a user pool has at most 10,000 groups. */
export const MAX_RESOURCES = 20_000

const TOO_MANY = `with it there are more than ${MAX_RESOURCES} resources`
/** It is only open whether there is one or none. */
const SWITCH = /\?\s*(?:1\s*:\s*0|0\s*:\s*1)\s*\}$/

/** Runs a function, and returns which defaults it read. */
export type Track = <T>(work: () => T) => { readonly result: T; readonly assumes: ReadonlySet<string> }

export function isRepeated({ body }: Declaration): boolean {
  return ['count', 'for_each'].some(name => (field(body, name) ?? null) !== null)
}

/** The instances of a block, up to a maximum, or why they cannot be determined. */
export function instancesOf({ body }: Declaration, scope: Scope, track: Track, max: number): Instances | string {
  const [count, forEach] = [field(body, 'count') ?? null, field(body, 'for_each') ?? null]
  if (forEach !== null) {
    const { result, assumes } = track(() => evaluate(forEach, scope))
    const possible = possibleInstances(result, forEach, { assumes, track, max })
    if (possible !== undefined) return possible
    const instances = eachOf(result, max)
    return typeof instances === 'string' ? instances : { instances: conditional(instances, forEach, assumes), assumes }
  }
  if (count === null) return max > 0 ? { instances: [{ key: '', bindings: new Map() }], assumes: new Set() } : TOO_MANY
  const { result, assumes } = track(() => evaluate(count, scope))
  const isKnown = result.is === 'scalar' && assumes.size === 0
  if (!isKnown && typeof count === 'string' && SWITCH.test(count))
    return { instances: [{ ...countedInstance(0), condition: written(count) }], assumes: new Set() }
  if (result.is !== 'scalar') return whyOf(result, 'count')
  const length = Number(result.value)
  if (!Number.isInteger(length) || length < 0) return `its \`count\` is ${quote(result.text)}`
  if (length > max) return TOO_MANY
  const instances = Array.from({ length }, (_, index) => countedInstance(index))
  return { instances: conditional(instances, count, assumes), assumes }
}

interface Expansion {
  readonly assumes: ReadonlySet<string>
  readonly track: Track
  readonly max: number
}

/** The instances of `condition ? {…} : {}`, all or none, if the condition is open; undefined in any other case. */
function possibleInstances(term: Term, expression: unknown, { assumes, track, max }: Expansion): Instances | undefined {
  const other = otherOf(term)
  if (other === undefined || (isEmpty(term) && assumes.size === 0)) return undefined
  const worked = track(other)
  const instances = eachOf(worked.result, max)
  if (typeof instances === 'string' || instances.length === 0) return undefined
  if (worked.assumes.size > 0)
    return { instances: conditional(instances, expression, worked.assumes), assumes: worked.assumes }
  const condition = written(expression)
  return { instances: instances.map(instance => ({ ...instance, condition })), assumes: worked.assumes }
}

function written(expression: unknown): string {
  return typeof expression === 'string' && expression.startsWith('${')
    ? expression.slice(2, -1).trim()
    : JSON.stringify(expression)
}

/**
 * If a default decides, each instance may or may not exist: those with the same key of the same expression exist
 * together.
 */
function conditional(
  instances: readonly Instance[],
  expression: unknown,
  assumes: ReadonlySet<string>,
): readonly Instance[] {
  if (assumes.size === 0) return instances
  return instances.map(instance => ({ ...instance, condition: `${instance.key} of ${written(expression)}` }))
}

function countedInstance(index: number): Instance {
  return { key: `[${index}]`, bindings: new Map([['count', mapOfTerms([['index', scalar(index)]])]]) }
}

function eachOf(term: Term, max: number): readonly Instance[] | string {
  const items = entriesOf(term)
  if (items === undefined) return whyOf(term, 'for_each')
  if (items.length > max) return TOO_MANY
  const instances: Instance[] = []
  for (const [index, value] of items) {
    // The elements of a set are both keys and values.
    const key = term.is === 'list' ? value : index
    if (key.is !== 'scalar') return whyOf(key, 'for_each')
    instances.push({ key: `[${JSON.stringify(key.text)}]`, bindings: eachBindings(key, value) })
  }
  return instances
}

export function eachBindings(key: Term, value: Term): Instance['bindings'] {
  return new Map([
    [
      'each',
      mapOfTerms([
        ['key', key],
        ['value', value],
      ]),
    ],
  ])
}
