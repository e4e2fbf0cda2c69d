import type { Location } from '../../rules/infrastructure.js'
import type { Evaluated, Reference } from '../evaluated.js'

/** A value of an attribute, as far as the file shows it. Not every file has locations for its values. */
export type Term = Evaluated<Location | undefined>

export const ABSENT: Term = { is: 'absent', at: undefined }

export function scalar(value: string | number | boolean): Term {
  return { is: 'scalar', value, text: String(value), at: undefined }
}

/** A value of JSON that is neither a list nor an object. */
export function fromJson(value: unknown): Term {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? scalar(value) : ABSENT
}

/** The nesting depth of lists and maps, by their content. Values that are combined get deeper. */
const DEPTHS = new WeakMap<object, number>()
const MAX_DEPTH = 100

function depthOf(term: Term): number {
  if (term.is === 'list') return DEPTHS.get(term.items) ?? 1
  return term.is === 'map' ? (DEPTHS.get(term.entries) ?? 1) : 0
}

/** Whether it may hold these: the nesting must not get too deep. */
function mayHold(holder: object, terms: Iterable<Term>): boolean {
  let deepest = 0
  for (const term of terms) deepest = Math.max(deepest, depthOf(term))
  if (deepest > 0) DEPTHS.set(holder, deepest + 1)
  return deepest < MAX_DEPTH
}

export function listOfTerms(items: readonly Term[]): Term {
  return mayHold(items, items) ? { is: 'list', items, at: undefined } : unknown('it is nested too deeply')
}

export function mapOfTerms(pairs: Iterable<readonly [string, Term]>): Term {
  const entries = new Map(pairs)
  return mayHold(entries, entries.values()) ? { is: 'map', entries, at: undefined } : unknown('it is nested too deeply')
}

/**
 * The most references of an unknown value. With more it has none: they would say nothing, and expressions multiply
 * them.
 */
const MAX_REFERS = 100

export function unknown(why: string, refers: readonly Reference[] = []): Term {
  return { is: 'unknown', why, refers: refers.length < 2 ? refers : distinctReferences(refers), at: undefined }
}

function distinctReferences(refers: readonly Reference[]): readonly Reference[] {
  const distinct = new Map(refers.map(to => [referenceText(to), to]))
  return distinct.size > MAX_REFERS ? [] : [...distinct.values()]
}

/** Exactly what it refers to, and nothing computed from it. */
export function reference(to: Reference, why: string): Term {
  return { is: 'symbolic', parts: [{ text: referenceText(to), why, to }], at: undefined }
}

export function referenceText({ id, attribute }: Reference): string {
  return attribute === '' ? id : `${id}.${attribute}`
}
