import { quote } from '../../errors.js'
import { evaluateTemplate } from './hcl-expression.js'
import type { Scope } from './hcl-values.js'
import { TOO_MUCH } from './hcl-values.js'
import { isRecord } from '../json-text.js'
import { refersTo, whyUnknown } from '../evaluated.js'
import { ABSENT, listOfTerms, mapOfTerms, scalar, type Term, unknown } from './term.js'

export function entries(value: unknown): readonly (readonly [string, unknown])[] {
  return isRecord(value) ? Object.entries(value) : []
}

/** The deepest nesting of values, or the longest chain of names. */
export const MAX_DEPTH = 50

export function whyOf(term: Term, what: string): string {
  return whyUnknown(term) ?? `its ${quote(what)} is of another type`
}

export function evaluate(value: unknown, scope: Scope, depth = 0): Term {
  if (depth > MAX_DEPTH) return unknown('it is nested too deeply')
  if (scope.budget.left-- <= 0) return TOO_MUCH
  if (typeof value === 'string') return evaluateTemplate(value, scope)
  if (typeof value === 'number' || typeof value === 'boolean') return scalar(value)
  if (Array.isArray(value)) return listOfTerms(value.map(item => evaluate(item, scope, depth + 1)))
  if (!isRecord(value)) return ABSENT
  const map = new Map<string, Term>()
  for (const [name, item] of Object.entries(value)) {
    const key = evaluateTemplate(name, scope)
    if (key.is !== 'scalar') return unknown(whyOf(key, name), refersTo(key))
    map.set(key.text, evaluate(item, scope, depth + 1))
  }
  return mapOfTerms(map)
}
