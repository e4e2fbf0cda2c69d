import type { Value } from '../../rules/infrastructure.js'
import type { SourceDocument, Span } from '../yaml-document.js'
import { MAX_POSSIBILITIES, MAX_NAME } from './intrinsics.js'

/** Something that has a value only when deployed. What is written alike has the same value. */
export interface TemplateSymbol {
  /** `${Pool}`, `${Role.Arn}`, `${AWS::Region}`, `${Fn::ImportValue("roles")}`, and Serverless variables as they are. */
  readonly text: string
  readonly why: string
  /** The parameter or resource of the template that it is of. */
  readonly of?: string | undefined
  /** `''` for what Ref gives. */
  readonly attribute?: string | undefined
}

/** A value of the template, as far as the template tells. */
export type Evaluated = { readonly at: Span } & (
  | { readonly is: 'scalar'; readonly value: string | number | boolean; readonly text: string }
  /** A string with at least one symbol in it, or a symbol of any kind. */
  | { readonly is: 'symbolic'; readonly parts: readonly (string | TemplateSymbol)[] }
  | { readonly is: 'list'; readonly items: readonly Evaluated[] }
  | { readonly is: 'map'; readonly entries: readonly EvaluatedEntry[] }
  | { readonly is: 'absent' }
  | { readonly is: 'unknown'; readonly why: string }
  /** At least two, different, none of them one-of. Those of one name are chosen alike. */
  | {
      readonly is: 'one-of'
      readonly values: readonly Evaluated[]
      readonly name: string | undefined
      readonly why: string
    }
)

export interface EvaluatedEntry {
  readonly key: Evaluated
  readonly value: Evaluated
}

type Of<Is extends Evaluated['is']> = Extract<Evaluated, { is: Is }>

/** What is there and can be looked into. */
export type Present = Of<'scalar' | 'symbolic' | 'list' | 'map'>

export function oneOf(values: readonly Evaluated[], name: string | undefined, why: string, at: Span): Evaluated {
  const flat = values.flatMap(value => (value.is === 'one-of' ? value.values : [value]))
  const seen = new Set<string>()
  const different = flat.filter(value => {
    const identity = identityOf(value)
    return identity === undefined || (!seen.has(identity) && seen.add(identity))
  })
  if (different.length > MAX_POSSIBILITIES)
    return { is: 'unknown', why: `it has more than ${MAX_POSSIBILITIES} possible values`, at }
  return different.length === 1 ? { ...different[0]!, at } : { is: 'one-of', values: different, name, why, at }
}

/** What the same value always has, and no other of the same template; undefined where nobody knows. */
export function identityOf(evaluated: Evaluated): string | undefined {
  switch (evaluated.is) {
    case 'scalar':
      return evaluated.text
    case 'symbolic':
      return evaluated.parts.map(part => (typeof part === 'string' ? part : part.text)).join('')
    case 'one-of':
      return evaluated.name
    case 'absent':
      return '${AWS::NoValue}'
    case 'unknown':
      return undefined
    case 'list':
      return enclose('[', evaluated.items, ']')
    case 'map':
      return enclose(
        '{',
        evaluated.entries.flatMap(({ key, value }) => [key, value]),
        '}',
      )
  }
}

export function enclose(open: string, operands: readonly Evaluated[], close: string): string | undefined {
  let text = open
  for (const operand of operands) {
    const identity = identityOf(operand)
    if (identity === undefined || text.length + identity.length > MAX_NAME) return undefined
    text += `${text === open ? '' : ','}${operand.is === 'scalar' ? JSON.stringify(identity) : identity}`
  }
  return text + close
}

/** Why it is not known; undefined if it is. */
export function whyOf(evaluated: Evaluated): string | undefined {
  switch (evaluated.is) {
    case 'scalar':
    case 'absent':
      return undefined
    case 'symbolic':
      return evaluated.parts.find(part => typeof part !== 'string')?.why
    case 'unknown':
    case 'one-of':
      return evaluated.why
    case 'list':
      return firstWhy(evaluated.items)
    case 'map':
      return firstWhy(evaluated.entries.flatMap(({ key, value }) => [key, value]))
  }
}

export function firstWhy(values: readonly Evaluated[]): string | undefined {
  for (const value of values) {
    const why = whyOf(value)
    if (why !== undefined) return why
  }
  return undefined
}

/** As data of the rules; `read` is asked for what is there. */
export function toValue<T>(
  evaluated: Evaluated,
  document: SourceDocument,
  read: (present: Present) => Value<T>,
): Value<T> {
  const location = document.locate(evaluated.at)
  switch (evaluated.is) {
    case 'absent':
      return { is: 'absent', location }
    case 'unknown':
      return { is: 'unknown', why: evaluated.why, location }
    case 'one-of':
      return { is: 'one-of', values: evaluated.values.map(value => toValue(value, document, read)), location }
    default:
      return read(evaluated)
  }
}

/** As plain data, with `{ "rolecast:unknown": why }` where it is not known. */
export function toPlain(evaluated: Evaluated): unknown {
  switch (evaluated.is) {
    case 'scalar':
      return evaluated.value
    case 'list':
      return evaluated.items.map(toPlain)
    case 'map':
      // Own properties, whatever the keys are called.
      return Object.fromEntries(evaluated.entries.map(({ key, value }) => [identityOf(key), toPlain(value)]))
    case 'absent':
      return null
    default:
      return { 'rolecast:unknown': whyOf(evaluated) }
  }
}
