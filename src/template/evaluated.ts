import type { Choices, Location, Value } from '../rules/infrastructure.js'
import { chosenTogether } from '../rules/value.js'

/** What a value refers to. */
export interface Reference {
  /** `Pool`, `module.a.aws_iam_role.x`, `var.role_arn`, a URN. */
  readonly id: string
  /**
   * The type of the resource; `''` for anything other than a resource of this infrastructure: a parameter, a variable,
   * an output.
   */
  readonly type: string
  /** The attribute: `Arn`, `arn`; `''` for the whole, which in CloudFormation is what `Ref` returns. */
  readonly attribute: string
}

/** Something that has a value only once it is deployed. */
export interface TemplateSymbol {
  readonly why: string
  /**
   * Equal texts have the same value: `${Pool}`, `${Role.Arn}`, `${AWS::Region}`, `${Fn::ImportValue("roles")}`, a
   * Serverless variable as written. Absent if it is not known which value it is.
   */
  readonly text?: string | undefined
  /** Exactly what it is, and nothing computed from it. */
  readonly to?: Reference | undefined
  /** Several things have its name, so a result that depends on it has to say that it is not known which one is used. */
  readonly isUnclear?: boolean | undefined
  /** What it is computed from, as far as known. */
  readonly refers?: readonly Reference[] | undefined
}

/**
 * A value of a template, as far as the template shows it. The readers of every format work with it, until `toValue`
 * converts it for the rules. `At` is the reader's form of a location: offsets, which are converted when needed, or a
 * location.
 */
export type Evaluated<At> = {
  readonly at: At
  /** The names whose default it uses and that the deployment may set: a parameter, an option. */
  readonly assumes?: readonly string[] | undefined
  /** For one of several values: the alternative choices that lead to it. Absent if unknown. */
  readonly when?: readonly Choices[] | undefined
} & (
  | {
      readonly is: 'scalar'
      readonly value: string | number | boolean
      /** As it was written, without quotes. */
      readonly text: string
    }
  /** A string with at least one symbol in it, or a symbol of any kind alone. */
  | { readonly is: 'symbolic'; readonly parts: readonly (string | TemplateSymbol)[] }
  | { readonly is: 'list'; readonly items: readonly Evaluated<At>[] }
  | {
      readonly is: 'map'
      /** By the identity of the key. */
      readonly entries: ReadonlyMap<string, Evaluated<At>>
      /** The keys as values, if they have their own locations or symbols. */
      readonly keys?: ReadonlyMap<string, Evaluated<At>> | undefined
    }
  | { readonly is: 'absent' }
  | { readonly is: 'unknown'; readonly why: string; readonly refers?: readonly Reference[] | undefined }
  /** At least two, different, none of them one-of. All with the same name have the same choice. */
  | {
      readonly is: 'one-of'
      readonly values: readonly Evaluated<At>[]
      readonly name: string | undefined
      readonly why: string
    }
)

type Of<At, Is extends Evaluated<At>['is']> = Extract<Evaluated<At>, { is: Is }>

/** A value that exists and can be looked into. */
export type Present<At> = Of<At, 'scalar' | 'symbolic' | 'list' | 'map'>

export interface EvaluatedEntry<At> {
  /** The identity of the key. */
  readonly name: string
  readonly key: Evaluated<At>
  readonly value: Evaluated<At>
}

/** The most possible values of an expression; with more it is unknown. */
export const MAX_POSSIBILITIES = 64

/** The longest name of an expression, in characters; a longer expression has no name. */
const MAX_NAME = 4000

/** A string as the template has it. */
export function literal<At>(text: string, at: At): Evaluated<At> {
  return { is: 'scalar', value: text, text, at }
}

export function oneOf<At>(
  values: readonly Evaluated<At>[],
  name: string | undefined,
  why: string,
  at: At,
): Evaluated<At> {
  const flat = values.flatMap(value =>
    value.is === 'one-of' ? value.values.flatMap(one => given(one, value.when) ?? []) : [value],
  )
  const byIdentity = new Map<unknown, Evaluated<At>>()
  for (const value of flat) {
    const identity = identityOf(value) ?? value
    const same = byIdentity.get(identity)
    byIdentity.set(identity, same === undefined ? value : { ...same, when: eitherOf(same.when, value.when) })
  }
  const different = [...byIdentity.values()]
  if (different.length > MAX_POSSIBILITIES)
    return { is: 'unknown', why: `it has more than ${MAX_POSSIBILITIES} possible values`, at }
  return different.length === 1
    ? { ...different[0]!, when: undefined, at }
    : { is: 'one-of', values: different, name, why, at }
}

/** The value under an additional choice; undefined if the two exclude each other. */
export function given<At>(value: Evaluated<At>, when: readonly Choices[] | undefined): Evaluated<At> | undefined {
  const both = chosenTogether(value.when, when)
  return both === 'never' ? undefined : both === value.when ? value : { ...value, when: both }
}

function eitherOf(a: readonly Choices[] | undefined, b: readonly Choices[] | undefined) {
  return a === undefined || b === undefined || a.length + b.length > MAX_POSSIBILITIES ? undefined : [...a, ...b]
}

/** The defaults that several values use. */
export function assumptionsOf(values: readonly Evaluated<unknown>[]): readonly string[] | undefined {
  const all = [...new Set(values.flatMap(value => value.assumes ?? []))]
  return all.length === 0 ? undefined : all
}

/** The defaults that it and everything in it use. */
export function assumptionsIn(evaluated: Evaluated<unknown>): readonly string[] {
  const within =
    evaluated.is === 'list'
      ? evaluated.items
      : evaluated.is === 'map'
        ? [...evaluated.entries.values()]
        : evaluated.is === 'one-of'
          ? evaluated.values
          : []
  return [...new Set([...(evaluated.assumes ?? []), ...within.flatMap(assumptionsIn)])]
}

/** Equal for equal values of a template, and different for others; undefined if that cannot be determined. */
export function identityOf(evaluated: Evaluated<unknown>): string | undefined {
  switch (evaluated.is) {
    case 'scalar':
      return evaluated.text
    case 'symbolic': {
      const texts = evaluated.parts.map(part => (typeof part === 'string' ? part : part.text))
      return texts.includes(undefined) ? undefined : texts.join('')
    }
    case 'one-of':
      return evaluated.name
    case 'absent':
      return '${AWS::NoValue}'
    case 'unknown':
      return undefined
    case 'list':
      return enclose('[', evaluated.items, ']')
    case 'map':
      return enclose('{', membersOf(evaluated), '}')
  }
}

export function enclose(open: string, operands: readonly Evaluated<unknown>[], close: string): string | undefined {
  let text = open
  for (const operand of operands) {
    const identity = identityOf(operand)
    if (identity === undefined || text.length + identity.length > MAX_NAME) return undefined
    text += `${text === open ? '' : ','}${operand.is === 'scalar' ? JSON.stringify(identity) : identity}`
  }
  return text + close
}

/** The entries with their keys as values. */
export function entriesOf<At>({ entries, keys, at }: Of<At, 'map'>): readonly EvaluatedEntry<At>[] {
  return [...entries].map(([name, value]) => ({ name, key: keys?.get(name) ?? literal(name, at), value }))
}

function membersOf<At>(map: Of<At, 'map'>): readonly Evaluated<At>[] {
  return entriesOf(map).flatMap(({ key, value }) => [key, value])
}

/** If it is a symbol and nothing else. */
export function loneSymbol(evaluated: Evaluated<unknown>): TemplateSymbol | undefined {
  const [first, ...others] = evaluated.is === 'symbolic' ? evaluated.parts : []
  return typeof first === 'object' && others.length === 0 ? first : undefined
}

/** What it is, or is computed from; not what is in a list or a map. */
export function refersTo(evaluated: Evaluated<unknown>): readonly Reference[] {
  if (evaluated.is === 'unknown') return evaluated.refers ?? []
  if (evaluated.is !== 'symbolic') return []
  return evaluated.parts.flatMap(part =>
    typeof part === 'string' ? [] : part.to === undefined ? (part.refers ?? []) : [part.to],
  )
}

/** Why the value itself is not known; undefined if it is, and for a list or a map, whatever is in it. */
export function whyUnknown(evaluated: Evaluated<unknown>): string | undefined {
  switch (evaluated.is) {
    case 'symbolic':
      return evaluated.parts.find(part => typeof part !== 'string')?.why
    case 'unknown':
    case 'one-of':
      return evaluated.why
    default:
      return undefined
  }
}

/** Why it, or something in it, is not known; undefined if everything is known. */
export function whyOf(evaluated: Evaluated<unknown>): string | undefined {
  switch (evaluated.is) {
    case 'list':
      return firstWhy(evaluated.items)
    case 'map':
      return firstWhy(membersOf(evaluated))
    default:
      return whyUnknown(evaluated)
  }
}

export function firstWhy(values: readonly Evaluated<unknown>[]): string | undefined {
  for (const value of values) {
    const why = whyOf(value)
    if (why !== undefined) return why
  }
  return undefined
}

/** As data for the rules; `read` converts a present value. */
export function toValue<At, T>(
  evaluated: Evaluated<At>,
  locate: (at: At) => Location | undefined,
  read: (present: Present<At>, location: Location | undefined) => Value<T>,
): Value<T> {
  const location = locate(evaluated.at)
  switch (evaluated.is) {
    case 'absent':
      return { is: 'absent', location }
    case 'unknown':
      return { is: 'unknown', why: evaluated.why, location }
    case 'one-of':
      return { is: 'one-of', values: evaluated.values.map(value => toValue(value, locate, read)), location }
    default: {
      const value = read(evaluated, location)
      const { assumes, when } = evaluated
      if (value.is !== 'known' || (assumes === undefined && when === undefined)) return value
      return { ...value, ...(assumes && value.assumes === undefined && { assumes }), ...(when && { when }) }
    }
  }
}

export interface Describe {
  /** What a single reference is, in words. */
  readonly reference?: (to: Reference) => Mark | undefined
  /** What an unusable string is, in words. */
  readonly text?: (text: string) => Mark | undefined
}

/** What is known about an unknown value. */
export interface Mark {
  /** What it is, in words, if it is not the ID of an identity pool. */
  readonly is?: string | undefined
  /** The `id` of the identity pool whose ID it is. */
  readonly pool?: string | undefined
  /** The known beginning of its string. */
  readonly starts?: string | undefined
}

/** As plain data, with `{ "rolecast:unknown": why }` for unknown parts. */
export function toPlain(evaluated: Evaluated<unknown>, describe: Describe = {}): unknown {
  const to = loneSymbol(evaluated)?.to
  switch (evaluated.is) {
    case 'scalar': {
      const mark = typeof evaluated.value === 'string' ? describe.text?.(evaluated.value) : undefined
      return mark === undefined ? evaluated.value : unknownMark('its placeholders are not replaced', mark)
    }
    case 'list':
      return evaluated.items.map(item => toPlain(item, describe))
    case 'map':
      // As own properties, whatever the names of the keys.
      return Object.fromEntries([...evaluated.entries].map(([name, value]) => [name, toPlain(value, describe)]))
    case 'absent':
      return null
    default:
      return unknownMark(whyUnknown(evaluated), (to && describe.reference?.(to)) ?? { starts: beginningOf(evaluated) })
  }
}

function beginningOf(evaluated: Evaluated<unknown>): string | undefined {
  const [first] = evaluated.is === 'symbolic' ? evaluated.parts : []
  return typeof first === 'string' ? first : undefined
}

/** The most characters of a string's beginning that a mark has. */
const MAX_STARTS = 200

/** The mark for an unknown part in plain data. */
export function unknownMark(why: string | undefined, { is, pool, starts = '' }: Mark = {}): object {
  return {
    'rolecast:unknown': why,
    ...(is !== undefined && { 'rolecast:is': is }),
    ...(pool !== undefined && { 'rolecast:pool': pool }),
    ...(starts !== '' && { 'rolecast:starts': starts.slice(0, MAX_STARTS) }),
  }
}
