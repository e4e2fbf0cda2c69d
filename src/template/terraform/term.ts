import type { Location } from '../../rules/infrastructure.js'
import type { Evaluated, Reference } from '../evaluated.js'

/** A value of an attribute, as far as the file tells it. Not every file has places for its values. */
export type Term = Evaluated<Location | undefined>

export const ABSENT: Term = { is: 'absent', at: undefined }

export function scalar(value: string | number | boolean): Term {
  return { is: 'scalar', value, text: String(value), at: undefined }
}

/** A value of JSON that is neither a list nor an object. */
export function fromJson(value: unknown): Term {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? scalar(value) : ABSENT
}

export function listOfTerms(items: readonly Term[]): Term {
  return { is: 'list', items, at: undefined }
}

export function mapOfTerms(pairs: Iterable<readonly [string, Term]>): Term {
  return { is: 'map', entries: new Map(pairs), at: undefined }
}

/** An unknown value keeps so many references at most, or none: more would say nothing, and expressions multiply them. */
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
