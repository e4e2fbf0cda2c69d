import type { Location } from '../../rules/infrastructure.js'

/** What a value refers to. */
export interface Reference {
  /** `module.a.aws_iam_role.x`, `var.role_arn`, a URN. */
  readonly id: string
  /** The type of the resource; `''` for what is no resource of this infrastructure: a variable, a data source, an output. */
  readonly type: string
  /** What of it: `arn`; `''` for the whole. */
  readonly attribute: string
}

/** A value of an attribute, as far as the file tells it. */
export type Term = (
  | { readonly is: 'scalar'; readonly value: string | number | boolean }
  | { readonly is: 'null' }
  | { readonly is: 'list'; readonly items: readonly Term[] }
  | { readonly is: 'map'; readonly entries: ReadonlyMap<string, Term> }
  /** Exactly what it refers to, and nothing computed from it. */
  | { readonly is: 'reference'; readonly to: Reference; readonly why: string }
  | {
      readonly is: 'unknown'
      readonly why: string
      /** What it is computed from, as far as that is known. */
      readonly refers: readonly Reference[]
      /** A text with holes: what is known of it, and for each hole why it is one. */
      readonly parts?: readonly (string | { readonly why: string })[] | undefined
    }
) & { readonly location?: Location | undefined }

export const NULL: Term = { is: 'null' }

export function scalar(value: string | number | boolean): Term {
  return { is: 'scalar', value }
}

/** A value of JSON that is neither a list nor an object. */
export function fromJson(value: unknown): Term {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? scalar(value) : NULL
}

export function unknown(why: string, refers: readonly Reference[] = []): Term {
  return { is: 'unknown', why, refers }
}

export function referenceText({ id, attribute }: Reference): string {
  return attribute === '' ? id : `${id}.${attribute}`
}

/** What a term refers to. */
export function refersTo(term: Term): readonly Reference[] {
  return term.is === 'reference' ? [term.to] : term.is === 'unknown' ? term.refers : []
}
