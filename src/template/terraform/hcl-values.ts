import { quote } from '../../errors.js'
import { compareText } from '../../text.js'
import { loneSymbol, type Reference, refersTo, type TemplateSymbol, whyUnknown } from '../evaluated.js'
import { ABSENT, listOfTerms, mapOfTerms, reference, scalar, type Term, unknown } from './term.js'

/** The meaning of names in an expression. */
export interface Scope {
  /** `each`, `count`, the variables of a `for`. */
  readonly bindings: ReadonlyMap<string, Term>
  /** Called with each binding that is used. */
  readonly onBound?: ((name: string) => void) | undefined
  /** The value of any other name, with the attributes and indices after it. */
  readonly lookUp: (name: string, steps: readonly Step[]) => Found
  /** The attributes that the configuration sets for a resource. */
  readonly attributeOf?: ((to: Reference, name: string) => Term | undefined) | undefined
  /** Functions with a different meaning here. */
  readonly functions?: ReadonlyMap<string, HclFunction> | undefined
  readonly budget: Budget
}

/** Shared by all expressions of a root module, which could otherwise multiply. */
export interface Budget {
  /** How many steps are left. */
  left: number
  /** The depth of the expressions that are being evaluated, each because of the previous one. */
  nesting: number
}

/** `.name` or `[key]`. */
export interface Step {
  /** `undefined` if it is not known. */
  readonly key: string | number | undefined
  readonly isIndex: boolean
}

export interface Found {
  readonly term: Term
  /** How many of the steps it has taken. */
  readonly taken: number
}

/** `undefined`: this use of the function is not evaluated. */
export type HclFunction = (values: readonly Term[], scope: Scope) => Term | undefined

export const TOO_MUCH: Term = unknown('it takes too long to evaluate')

/** The deepest nesting of expressions that is read, and of values that are written. */
export const MAX_NESTING = 100

const FAILURES = new WeakSet<Term>()

/** An error with which Terraform stops, unless it is inside a `try` or a `can`. */
export function failed(why: string): Term {
  const term = unknown(why)
  FAILURES.add(term)
  return term
}

export function isFailure(term: Term): boolean {
  return FAILURES.has(term)
}

const OTHERS = new WeakMap<Term, () => Term>()

/** The term, and its value if a condition turns out differently. */
export function withOther(term: Term, other: () => Term): Term {
  const own = { ...term }
  OTHERS.set(own, other)
  return own
}

/** The value that `withOther` stored; undefined if there is none. */
export function otherOf(term: Term): (() => Term) | undefined {
  return OTHERS.get(term)
}

/** Whether it is an empty collection. */
export function isEmpty(term: Term): boolean {
  return (term.is === 'list' && term.items.length === 0) || (term.is === 'map' && term.entries.size === 0)
}

export function whyOf(term: Term): string {
  return whyUnknown(term) ?? 'its expression does not fit its values'
}

/** The elements of a `for` or a `for_each`, in Terraform's order: keys with values. */
export function entriesOf(term: Term): readonly (readonly [Term, Term])[] | undefined {
  if (term.is === 'map') return sortedEntries(term).map(([key, value]) => [scalar(key), value])
  return term.is === 'list' ? term.items.map((item, index) => [scalar(index), item]) : undefined
}

/** The keys of a map are ordered, but not as in the text. */
export function sortedEntries({ entries }: Extract<Term, { is: 'map' }>): readonly (readonly [string, Term])[] {
  return [...entries].toSorted(([a], [b]) => compareText(a, b))
}

export function toMap(entries: readonly (readonly [Term, Term])[]): Term {
  const map = new Map<string, Term>()
  for (const [key, value] of entries) {
    if (key.is !== 'scalar') return unknown(whyOf(key), refersTo(key))
    map.set(key.text, value)
  }
  return mapOfTerms(map)
}

export function toKey(term: Term): string | number | undefined {
  return term.is === 'scalar' && typeof term.value !== 'boolean' ? term.value : undefined
}

export function select(term: Term, key: Term, scope: Scope): Term {
  if (isFailure(term)) return term
  const step = toKey(key)
  if (step === undefined) return unknown(whyOf(key), [term, key].flatMap(refersTo))
  if (term.is === 'map') return term.entries.get(String(step)) ?? failed(`there is no ${quote(step)} in it`)
  if (term.is === 'list') return term.items[Number(step)] ?? failed(`there is no ${quote(step)} in it`)
  if (term.is === 'absent') return failed(`there is no ${quote(step)} in null`)
  const { to, why } = loneSymbol(term) ?? {}
  if (to === undefined || why === undefined) return unknown(whyOf(term), refersTo(term))
  const set = to.attribute === '' && typeof step === 'string' ? scope.attributeOf?.(to, step) : undefined
  if (set !== undefined) return set
  const attribute =
    typeof step === 'number' ? `${to.attribute}[${step}]` : to.attribute === '' ? step : `${to.attribute}.${step}`
  return reference({ ...to, attribute }, why)
}

export function toBoolean(term: Term): boolean | undefined {
  if (term.is !== 'scalar') return undefined
  return term.value === true || term.value === 'true'
    ? true
    : term.value === false || term.value === 'false'
      ? false
      : undefined
}

export function toNumber(term: Term): number | undefined {
  if (term.is !== 'scalar') return undefined
  if (typeof term.value === 'number') return term.value
  return typeof term.value === 'string' && /^-?\d+(?:\.\d+)?$/.test(term.value) ? Number(term.value) : undefined
}

/** A scalar is compared with its type, as Terraform does. */
export function toComparable(term: Term): string | undefined {
  return term.is === 'absent' ? 'null' : term.is === 'scalar' ? JSON.stringify(term.value) : undefined
}

/** Whether two values are equal; undefined if that cannot be determined. */
export function areEqual(a: Term, b: Term): boolean | undefined {
  if ((a.is === 'absent' && isCollection(b)) || (b.is === 'absent' && isCollection(a))) return false
  const [left, right] = [toComparable(a), toComparable(b)]
  return left === undefined || right === undefined ? undefined : left === right
}

function isCollection({ is }: Term): boolean {
  return is === 'list' || is === 'map'
}

export type Part = string | TemplateSymbol

export function toParts(term: Term): readonly Part[] {
  if (term.is === 'scalar') return [term.text]
  return term.is === 'symbolic' ? term.parts : [{ why: whyOf(term), refers: refersTo(term) }]
}

/** A string of known and unknown parts. */
export function fromParts(parts: readonly Part[], { budget }: Scope): Term {
  budget.left -= parts.reduce((sum, part) => sum + 1 + (typeof part === 'string' ? part.length / 100 : 0), 0)
  if (budget.left <= 0) return TOO_MUCH
  const isKnown = parts.every(part => typeof part === 'string')
  return isKnown ? scalar(parts.join('')) : { is: 'symbolic', parts, at: undefined }
}

/** `jsonencode`: an unknown part becomes a hole in the string. */
export function toJson(term: Term, scope: Scope): Term {
  const parts: Part[] = []
  const write = (value: Term, depth: number): void => {
    if (scope.budget.left-- <= 0 || depth > MAX_NESTING) return
    if (value.is === 'list') {
      value.items.forEach((item, index) => {
        parts.push(index === 0 ? '[' : ',')
        write(item, depth + 1)
      })
      parts.push(value.items.length === 0 ? '[]' : ']')
    } else if (value.is === 'map') {
      let mark = '{'
      for (const [key, item] of value.entries) {
        parts.push(`${mark}${JSON.stringify(key)}:`)
        mark = ','
        write(item, depth + 1)
      }
      parts.push(value.entries.size === 0 ? '{}' : '}')
    } else if (value.is === 'scalar') parts.push(JSON.stringify(value.value))
    else if (value.is === 'absent') parts.push('null')
    else
      parts.push(
        '"',
        ...toParts(value).map(part => (typeof part === 'string' ? JSON.stringify(part).slice(1, -1) : part)),
        '"',
      )
  }
  write(term, 0)
  return fromParts(parts, scope)
}

/** `jsondecode` of a JSON value. */
export function fromJsonValue(value: unknown, depth = 0): Term {
  if (depth > MAX_NESTING) return unknown('it is nested too deeply')
  if (Array.isArray(value)) return listOfTerms(value.map(item => fromJsonValue(item, depth + 1)))
  if (typeof value === 'object' && value !== null)
    return mapOfTerms(Object.entries(value).map(([key, item]) => [key, fromJsonValue(item, depth + 1)] as const))
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? scalar(value) : ABSENT
}
