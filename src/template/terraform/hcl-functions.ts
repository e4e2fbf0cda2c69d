import { quote } from '../../errors.js'
import { compareText } from '../../text.js'
import { loneSymbol } from '../evaluated.js'
import { ABSENT, listOfTerms, mapOfTerms, scalar, type Term } from './term.js'
import {
  areEqual,
  failed,
  fromJsonValue,
  fromParts,
  type HclFunction,
  isFailure,
  type Part,
  sortedEntries,
  toBoolean,
  toJson,
  toNumber,
  toParts,
} from './hcl-values.js'

/** The most elements of a list or a map. */
const MAX_ELEMENTS = 20_000
/** The most characters of a string that a function makes. */
const MAX_TEXT = 100_000

type Items = readonly Term[]

function itemsOf(term: Term | undefined): Items | undefined {
  return term?.is === 'list' ? term.items : undefined
}

function textOf(term: Term | undefined): string | undefined {
  return term?.is === 'scalar' ? term.text : undefined
}

function numberOf(term: Term | undefined): number | undefined {
  return term && toNumber(term)
}

/** A function of strings that are all known. */
function ofTexts(work: (...texts: string[]) => string | boolean | number | undefined): HclFunction {
  return values => {
    const texts = values.map(textOf)
    if (texts.includes(undefined)) return undefined
    const result = work(...(texts as string[]))
    return result === undefined || (typeof result === 'string' && result.length > MAX_TEXT) ? undefined : scalar(result)
  }
}

function ofNumbers(work: (...numbers: number[]) => number): HclFunction {
  return values => {
    const numbers = values.map(toNumber)
    if (numbers.length === 0 || numbers.includes(undefined)) return undefined
    const result = work(...(numbers as number[]))
    return Number.isFinite(result) ? scalar(result) : undefined
  }
}

/** Whether its value certainly differs from every other value of a set. */
function isSettled(term: Term): boolean {
  return term.is === 'scalar' || term.is === 'list' || term.is === 'map' || term.is === 'absent'
}

/** The elements of a set: each once, strings and numbers in their order. Undefined if two may turn out to be equal. */
export function toSet(items: Items): Items | undefined {
  if (items.length > 1 && !items.every(isSettled)) return undefined
  const scalars = items.filter(item => item.is === 'scalar')
  if (scalars.length < items.length) return items
  const types = new Set(scalars.map(({ value }) => typeof value))
  const alike = types.size > 1 ? scalars.map(({ text }) => scalar(text)) : scalars
  const distinct = [...new Map(alike.map(item => [item.is === 'scalar' ? item.value : '', item])).values()]
  return distinct.toSorted((a, b) => {
    const [left, right] = [toNumber(a), toNumber(b)]
    return types.size === 1 && types.has('number') ? left! - right! : compareText(textOf(a)!, textOf(b)!)
  })
}

function setOf(items: Items | undefined): Term | undefined {
  const elements = items && toSet(items)
  return elements && listOfTerms(elements)
}

/** A single symbol that is not of a resource may turn out to be a list. */
function mayBeList(term: Term): boolean {
  return !(isSettled(term) || (term.is === 'symbolic' && loneSymbol(term)?.to?.type !== ''))
}

function flatten(items: Items, into: Term[], depth = 0): boolean {
  return items.every(item => {
    if (item.is === 'list') return depth < 50 && flatten(item.items, into, depth + 1)
    return !mayBeList(item) && into.push(item) <= MAX_ELEMENTS
  })
}

/** `%s`, `%d`, `%02d`, `%v`, `%q` and `%%`, which real files use. */
const VERB = /%(?:(0?[1-9]?)d|([svq%]))|%/g

const format: HclFunction = ([pattern, ...given], scope) => {
  const text = textOf(pattern)
  if (text === undefined) return undefined
  const parts: Part[] = []
  let end = 0
  let used = 0
  for (const { 0: verb, 1: width, 2: kind, index } of text.matchAll(VERB)) {
    parts.push(text.slice(end, index))
    end = index + verb.length
    if (kind === '%') parts.push('%')
    else {
      const value = given[used++]
      if (value === undefined || isFailure(value) || value.is === 'list' || value.is === 'map') return undefined
      if (kind === 's' || kind === 'v') {
        if (value.is === 'absent') return undefined
        parts.push(...toParts(value))
      } else if (kind === 'q') {
        if (value.is !== 'scalar' || !/^[\w .-]*$/.test(value.text)) return undefined
        parts.push(`"${value.text}"`)
      } else {
        const number = toNumber(value)
        if (width === undefined || number === undefined || !Number.isSafeInteger(number) || number < 0) return undefined
        const fill = width.startsWith('0') ? '0' : ' '
        parts.push(String(number).padStart(Number(width || '0'), fill))
      }
    }
  }
  if (used !== given.length) return undefined
  parts.push(text.slice(end))
  return fromParts(
    parts.filter(part => part !== ''),
    scope,
  )
}

const join: HclFunction = ([separator, ...lists], scope) => {
  const [between, all] = [textOf(separator), lists.map(itemsOf)]
  if (between === undefined || all.includes(undefined)) return undefined
  const items = all.flatMap(one => one!)
  if (items.some(item => item.is === 'absent' || item.is === 'list' || item.is === 'map' || mayBeList(item)))
    return undefined
  const parts = items.flatMap((item, position) => [
    ...(position === 0 || between === '' ? [] : [between]),
    ...toParts(item),
  ])
  return fromParts(parts, scope)
}

/** The first argument that is not an error; unknown if that is not certain. */
const firstThatWorks: HclFunction = values => values.find(value => !isFailure(value)) ?? values.at(-1)

const coalesce: HclFunction = values => {
  for (const value of values) {
    if (value.is === 'absent' || textOf(value) === '') continue
    // A string with at least one character is neither null nor empty.
    const isText = value.is === 'symbolic' && value.parts.some(part => typeof part === 'string' && part !== '')
    return isSettled(value) || isText ? value : undefined
  }
  return failed('all of its possible values are null')
}

const contains: HclFunction = ([list, searched]) => {
  const items = itemsOf(list)
  if (items === undefined || searched === undefined) return undefined
  const equal = new Set(items.map(item => areEqualTexts(item, searched) ?? areEqual(item, searched)))
  return equal.has(true) ? scalar(true) : equal.has(undefined) ? undefined : scalar(false)
}

/** The elements of a list have one type, to which the searched value is converted. */
function areEqualTexts(a: Term, b: Term): boolean | undefined {
  return a.is === 'scalar' && b.is === 'scalar' ? a.text === b.text : undefined
}

const index: HclFunction = ([list, searched]) => {
  const items = itemsOf(list)
  if (items === undefined || searched === undefined) return undefined
  for (const [position, item] of items.entries()) {
    const equal = areEqual(item, searched)
    if (equal === undefined) return undefined
    if (equal) return scalar(position)
  }
  return failed('it is not in the list')
}

const element: HclFunction = ([list, position]) => {
  const [items, at] = [itemsOf(list), numberOf(position)]
  if (items === undefined || at === undefined || !Number.isInteger(at) || at < 0) return undefined
  return items.length === 0 ? failed('the list is empty') : items[at % items.length]
}

const setProduct: HclFunction = lists => {
  const factors = lists.map(itemsOf)
  if (factors.length < 2 || factors.includes(undefined)) return undefined
  const size = factors.reduce((product, factor) => product * factor!.length, 1)
  if (size * factors.length > MAX_ELEMENTS) return undefined
  const rows = factors.reduce<readonly Items[]>(
    (found, factor) => found.flatMap(row => factor!.map(item => [...row, item])),
    [[]],
  )
  return listOfTerms(rows.map(listOfTerms))
}

const range: HclFunction = values => {
  const numbers = values.map(toNumber)
  if (numbers.length === 0 || numbers.length > 3 || numbers.includes(undefined)) return undefined
  const [start, end] = numbers.length === 1 ? [0, numbers[0]!] : [numbers[0]!, numbers[1]!]
  const step = numbers[2] ?? (end < start ? -1 : 1)
  if (step === 0 || (end - start) / step > 1024) return undefined
  const length = Math.max(0, Math.ceil((end - start) / step))
  return listOfTerms(Array.from({ length }, (_, position) => scalar(start + position * step)))
}

const one: HclFunction = ([list]) => {
  if (list?.is === 'absent') return ABSENT
  const items = itemsOf(list)
  if (items === undefined) return undefined
  return items.length === 0 ? ABSENT : items.length === 1 ? items[0] : failed('the list has more than one element')
}

/** `undefined` unless all elements are known strings. */
function knownTexts(term: Term | undefined): readonly string[] | undefined {
  const texts = itemsOf(term)?.map(textOf)
  return texts?.includes(undefined) ? undefined : (texts as readonly string[] | undefined)
}

function operateOnSets(work: (sets: readonly (readonly string[])[]) => readonly string[]): HclFunction {
  return lists => {
    const sets = lists.map(knownTexts)
    return sets.length === 0 || sets.includes(undefined)
      ? undefined
      : setOf(work(sets as readonly (readonly string[])[]).map(scalar))
  }
}

function everyTruth(decisive: boolean): HclFunction {
  return ([list]) => {
    const truths = itemsOf(list)?.map(toBoolean)
    if (truths === undefined) return undefined
    if (truths.includes(decisive)) return scalar(decisive)
    return truths.includes(undefined) ? undefined : scalar(!decisive)
  }
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}

const identity: HclFunction = ([value]) => value

/** Each is evaluated exactly, or not at all. */
const WORK: readonly (readonly [name: string, work: HclFunction])[] = [
  ['jsonencode', ([value], scope) => value && toJson(value, scope)],
  [
    'jsondecode',
    ([value]) => {
      const text = textOf(value)
      if (text === undefined) return undefined
      try {
        return fromJsonValue(JSON.parse(text))
      } catch {
        return failed('it is not JSON')
      }
    },
  ],
  ['toset', ([value]) => setOf(itemsOf(value))],
  ['tolist', ([value]) => (value?.is === 'list' ? value : undefined)],
  ['tomap', ([value]) => (value?.is === 'map' ? value : undefined)],
  [
    'tostring',
    ([value]) => (value?.is === 'scalar' ? scalar(value.text) : value?.is === 'absent' ? ABSENT : undefined),
  ],
  ['tonumber', ([value]) => (value?.is === 'absent' ? ABSENT : toScalar(numberOf(value)))],
  ['tobool', ([value]) => (value?.is === 'absent' ? ABSENT : toScalar(value && toBoolean(value)))],
  ['sensitive', identity],
  ['nonsensitive', identity],
  ['lower', ofTexts(text => text.toLowerCase())],
  ['upper', ofTexts(text => text.toUpperCase())],
  [
    'title',
    ofTexts(text =>
      isAscii(text) ? text.replace(/(?<![A-Za-z0-9_])[a-z]/g, letter => letter.toUpperCase()) : undefined,
    ),
  ],
  ['trimspace', ofTexts(text => text.trim())],
  ['chomp', ofTexts(text => text.replace(/(?<![\r\n])[\r\n]+$/, ''))],
  ['trimprefix', ofTexts((text, prefix) => (text.startsWith(prefix) ? text.slice(prefix.length) : text))],
  [
    'trimsuffix',
    ofTexts((text, suffix) => (suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text)),
  ],
  ['startswith', ofTexts((text, prefix) => text.startsWith(prefix))],
  ['endswith', ofTexts((text, suffix) => text.endsWith(suffix))],
  ['strcontains', ofTexts((text, part) => text.includes(part))],
  [
    'replace',
    ofTexts((text, searched, by) => {
      if (searched === undefined || by === undefined || searched === '') return undefined
      // Between slashes it is a regular expression.
      if (searched.length > 1 && searched.startsWith('/') && searched.endsWith('/')) return undefined
      const pieces = text.split(searched)
      return text.length + (pieces.length - 1) * by.length > MAX_TEXT ? undefined : pieces.join(by)
    }),
  ],
  [
    'substr',
    ([value, offset, length]) => {
      const [text, from, count] = [textOf(value), numberOf(offset), numberOf(length)]
      if (text === undefined || from === undefined || count === undefined || !isAscii(text)) return undefined
      if (!Number.isInteger(from) || !Number.isInteger(count) || from < 0) return undefined
      return scalar(count < 0 ? text.slice(from) : text.slice(from, from + count))
    },
  ],
  [
    'split',
    ([separator, value]) => {
      const [between, text] = [textOf(separator), textOf(value)]
      if (between === undefined || between === '' || text === undefined) return undefined
      const pieces = text === '' ? [''] : text.split(between, MAX_ELEMENTS + 1)
      return pieces.length > MAX_ELEMENTS ? undefined : listOfTerms(pieces.map(scalar))
    },
  ],
  ['join', join],
  ['format', format],
  [
    'lookup',
    ([map, key, other]) =>
      map?.is === 'map' && key?.is === 'scalar'
        ? (map.entries.get(key.text) ?? other ?? failed('there is no such key in it'))
        : undefined,
  ],
  [
    'merge',
    maps => {
      const given = maps.filter(({ is }) => is !== 'absent')
      return given.every(map => map.is === 'map') ? mapOfTerms(given.flatMap(map => [...map.entries])) : undefined
    },
  ],
  ['keys', ([map]) => (map?.is === 'map' ? listOfTerms(sortedEntries(map).map(([key]) => scalar(key))) : undefined)],
  ['values', ([map]) => (map?.is === 'map' ? listOfTerms(sortedEntries(map).map(([, value]) => value)) : undefined)],
  [
    'length',
    ([value]) => {
      if (value?.is === 'list') return scalar(value.items.length)
      if (value?.is === 'map') return scalar(value.entries.size)
      const text = textOf(value)
      return text !== undefined && isAscii(text) ? scalar(text.length) : undefined
    },
  ],
  [
    'concat',
    lists => {
      const all = lists.map(itemsOf)
      if (all.includes(undefined)) return undefined
      const items = all.flatMap(one => one!)
      return items.length > MAX_ELEMENTS ? undefined : listOfTerms(items)
    },
  ],
  [
    'flatten',
    ([list]) => {
      const [items, flat] = [itemsOf(list), [] as Term[]]
      return items !== undefined && flatten(items, flat) ? listOfTerms(flat) : undefined
    },
  ],
  [
    'compact',
    ([list]) => {
      const items = itemsOf(list)
      return items?.every(({ is }) => is === 'scalar' || is === 'absent')
        ? listOfTerms(items.filter(item => item.is === 'scalar' && item.text !== ''))
        : undefined
    },
  ],
  [
    'distinct',
    ([list]) => {
      const items = itemsOf(list)
      if (items === undefined || !items.every(({ is }) => is === 'scalar')) return undefined
      return listOfTerms([...new Map(items.map(item => [item.is === 'scalar' ? item.value : '', item])).values()])
    },
  ],
  ['reverse', ([list]) => (list?.is === 'list' ? listOfTerms(list.items.toReversed()) : undefined)],
  [
    'sort',
    ([list]) => {
      const texts = knownTexts(list)
      return texts && listOfTerms(texts.toSorted(compareText).map(scalar))
    },
  ],
  [
    'slice',
    ([list, from, to]) => {
      const [items, start, end] = [itemsOf(list), numberOf(from), numberOf(to)]
      if (items === undefined || start === undefined || end === undefined) return undefined
      const fits = Number.isInteger(start) && Number.isInteger(end) && 0 <= start && start <= end && end <= items.length
      return fits ? listOfTerms(items.slice(start, end)) : failed('the list is shorter')
    },
  ],
  [
    'zipmap',
    ([keys, values]) => {
      const [names, items] = [knownTexts(keys), itemsOf(values)]
      if (names === undefined || items === undefined || names.length !== items.length) return undefined
      return mapOfTerms(names.map((name, position) => [name, items[position]!] as const))
    },
  ],
  ['element', element],
  ['index', index],
  ['contains', contains],
  ['setproduct', setProduct],
  ['setunion', operateOnSets(sets => sets.flat())],
  [
    'setintersection',
    operateOnSets(([first, ...others]) => {
      const sets = others.map(set => new Set(set))
      return first!.filter(one => sets.every(set => set.has(one)))
    }),
  ],
  [
    'setsubtract',
    operateOnSets(([first, second]) => {
      const removed = new Set(second)
      return first!.filter(one => !removed.has(one))
    }),
  ],
  ['range', range],
  ['one', one],
  ['coalesce', coalesce],
  [
    'coalescelist',
    lists => {
      for (const list of lists) {
        const items = itemsOf(list)
        if (items === undefined && list.is !== 'absent') return undefined
        if (items !== undefined && items.length > 0) return list
      }
      return failed('all of its lists are empty')
    },
  ],
  ['try', firstThatWorks],
  [
    'can',
    ([value]) =>
      value === undefined ? undefined : isFailure(value) ? scalar(false) : isSettled(value) ? scalar(true) : undefined,
  ],
  ['alltrue', everyTruth(false)],
  ['anytrue', everyTruth(true)],
  ['max', ofNumbers(Math.max)],
  ['min', ofNumbers(Math.min)],
  ['abs', ofNumbers(Math.abs)],
  ['ceil', ofNumbers(Math.ceil)],
  ['floor', ofNumbers(Math.floor)],
  [
    'sum',
    ([list]) => {
      const numbers = itemsOf(list)?.map(toNumber)
      if (numbers === undefined || numbers.length === 0 || numbers.includes(undefined)) return undefined
      return scalar((numbers as number[]).reduce((total, number) => total + number, 0))
    },
  ],
]

/** The minimum and maximum number of arguments, if it is not exactly one. */
const ARGUMENTS: ReadonlyMap<string, readonly [least: number, most: number]> = new Map<string, [number, number]>([
  ['trimprefix', [2, 2]],
  ['trimsuffix', [2, 2]],
  ['startswith', [2, 2]],
  ['endswith', [2, 2]],
  ['strcontains', [2, 2]],
  ['split', [2, 2]],
  ['zipmap', [2, 2]],
  ['element', [2, 2]],
  ['index', [2, 2]],
  ['contains', [2, 2]],
  ['setsubtract', [2, 2]],
  ['replace', [3, 3]],
  ['substr', [3, 3]],
  ['slice', [3, 3]],
  ['format', [1, Infinity]],
  ['concat', [1, Infinity]],
  ['setunion', [1, Infinity]],
  ['setintersection', [1, Infinity]],
  ['coalesce', [1, Infinity]],
  ['coalescelist', [1, Infinity]],
  ['try', [1, Infinity]],
  ['max', [1, Infinity]],
  ['min', [1, Infinity]],
  ['join', [2, Infinity]],
  ['setproduct', [2, Infinity]],
  ['merge', [0, Infinity]],
  ['lookup', [2, 3]],
  ['range', [1, 3]],
])

/**
 * The functions that typically convert a table of groups into groups. With a wrong number of arguments, Terraform
 * stops.
 */
export const FUNCTIONS: ReadonlyMap<string, HclFunction> = new Map(
  WORK.map(([name, work]) => {
    const [least, most] = ARGUMENTS.get(name) ?? [1, 1]
    const checked: HclFunction = (values, scope) =>
      values.length < least || values.length > most
        ? failed(`${quote(`${name}(…)`)} is given ${values.length} arguments`)
        : work(values, scope)
    return [name, checked]
  }),
)

function toScalar(value: number | boolean | undefined): Term | undefined {
  return value === undefined ? undefined : scalar(value)
}
