import { quote } from '../../errors.js'
import { loneSymbol, refersTo, type TemplateSymbol, whyUnknown } from '../evaluated.js'
import { ABSENT, listOfTerms, mapOfTerms, reference, scalar, type Term, unknown } from './term.js'

/** What names in an expression mean. */
export interface Scope {
  /** `each`, `count`, the variables of a `for`. */
  readonly bindings: ReadonlyMap<string, Term>
  /** What any other name stands for, with the attributes and indices after it. */
  readonly lookUp: (name: string, steps: readonly Step[]) => Found
  /** How much work is left; shared by all expressions of a text, which may be made to multiply. */
  readonly budget: { left: number }
}

/** `.name` or `[key]`. */
export interface Step {
  /** `undefined` where it is not known. */
  readonly key: string | number | undefined
  readonly isIndex: boolean
}

export interface Found {
  readonly term: Term
  /** How many of the steps it has taken. */
  readonly taken: number
}

type Expression = (scope: Scope) => Term

interface PathStep {
  readonly key: Expression
  readonly isIndex: boolean
}

const TOO_MUCH: Term = unknown('it takes too long to evaluate')
const NOT_UNDERSTOOD: Term = unknown('its expression is not understood')

/** The deepest nesting of expressions that is read. */
const MAX_DEPTH = 100

/** Evaluates a text with `${…}` in it, as `@cdktf/hcl2json` gives it. What cannot be worked out is unknown. */
export function evaluateTemplate(text: string, scope: Scope): Term {
  if (!/[$%]\{/.test(text)) return scalar(text)
  return parseTemplate(text)?.(scope) ?? NOT_UNDERSTOOD
}

/** Thrown and caught in this file only: what is not understood ends the parse from any depth. */
const STOP = new Error('not understood')

function parseTemplate(text: string): Expression | undefined {
  try {
    return createReader(text).template(undefined)
  } catch (error) {
    if (error === STOP) return undefined
    throw error
  }
}

/**
 * A recursive descent over the part of HCL's expressions that decides names, ranks and roles.
 *
 * @see https://github.com/hashicorp/hcl/blob/main/hclsyntax/spec.md
 */
function createReader(text: string) {
  let offset = 0
  let depth = 0

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = offset
    const found = pattern.exec(text)?.[0]
    if (found !== undefined) offset += found.length
    return found
  }
  const space = () => take(SPACE)
  const accept = (mark: string) => {
    space()
    if (!text.startsWith(mark, offset)) return false
    offset += mark.length
    return true
  }
  const expect = (mark: string) => {
    if (!accept(mark)) throw STOP
  }
  const nested = <T>(read: () => T): T => {
    if (++depth > MAX_DEPTH) throw STOP
    const result = read()
    depth--
    return result
  }

  /** A text with holes, up to the quote that closes it, or to the end. Only a quoted one has escapes. */
  function template(quote: '"' | undefined): Expression {
    const parts: (string | Expression)[] = []
    let literal = ''
    for (;;) {
      if (offset >= text.length) {
        if (quote !== undefined) throw STOP
        break
      }
      if (quote !== undefined && text[offset] === quote) {
        offset++
        break
      }
      if (text.startsWith('$${', offset) || text.startsWith('%%{', offset)) {
        literal += text.slice(offset + 1, offset + 3)
        offset += 3
      } else if (text.startsWith('${', offset)) {
        offset += 2
        if (text[offset] === '~') throw STOP
        if (literal !== '') parts.push(literal)
        literal = ''
        parts.push(nested(conditional))
        expect('}')
      } else if (text.startsWith('%{', offset)) throw STOP
      else if (quote !== undefined && text[offset] === '\\') literal += escape()
      else literal += take(PLAIN) ?? text[offset++]!
    }
    const [only] = parts
    if (literal === '' && parts.length === 1 && typeof only === 'function') return only
    if (literal !== '') parts.push(literal)
    return scope => join(parts, scope)
  }

  function escape(): string {
    const found = take(/\\(?:[nrt"\\]|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})/y)
    if (found === undefined) throw STOP
    const code = found.length > 2 ? Number.parseInt(found.slice(2), 16) : undefined
    if (code === undefined) return ESCAPES.get(found[1]!)!
    if (code > 0x10ffff) throw STOP
    return String.fromCodePoint(code)
  }

  function conditional(): Expression {
    const condition = binary(0)
    if (!accept('?')) return condition
    const yes = nested(conditional)
    expect(':')
    const no = nested(conditional)
    return scope => {
      const chosen = condition(scope)
      const truth = toBoolean(chosen)
      if (truth !== undefined) return (truth ? yes : no)(scope)
      return unknown(
        whyOf(chosen),
        [yes, no].flatMap(branch => refersTo(branch(scope))),
      )
    }
  }

  function binary(level: number): Expression {
    const operators = OPERATORS[level]
    if (operators === undefined) return unary()
    const first = binary(level + 1)
    const rest: (readonly [string, Expression])[] = []
    for (;;) {
      space()
      const operator = take(operators)
      if (operator === undefined) break
      rest.push([operator, binary(level + 1)])
    }
    if (rest.length === 0) return first
    return scope => rest.reduce((left, [operator, right]) => operate(operator, left, right(scope)), first(scope))
  }

  function unary(): Expression {
    space()
    const operator = take(/[!-]/y)
    if (operator === undefined) return postfix(primary())
    const operand = nested(unary)
    return scope => {
      const term = operand(scope)
      const value = operator === '!' ? toBoolean(term) : toNumber(term)
      if (value === undefined) return unknown(whyOf(term), refersTo(term))
      return scalar(typeof value === 'boolean' ? !value : -value)
    }
  }

  /** The indices and attributes after a value. */
  function steps(): PathStep[] {
    const found: PathStep[] = []
    for (;;) {
      const name = take(/\.[\p{ID_Start}_][\p{ID_Continue}-]*/uy)?.slice(1)
      const number = name === undefined ? take(/\.\d+/y)?.slice(1) : undefined
      if (name !== undefined) found.push({ key: () => scalar(name), isIndex: false })
      else if (number !== undefined) found.push({ key: () => scalar(Number(number)), isIndex: true })
      else if (take(/\.\*|\[\s*\*\s*\]/y) !== undefined)
        found.push({ key: () => unknown('a splat is not evaluated'), isIndex: true })
      else if (take(/\[/y) !== undefined) {
        found.push({ key: nested(conditional), isIndex: true })
        expect(']')
      } else return found
    }
  }

  function postfix(value: Expression): Expression {
    const path = steps()
    return path.length === 0
      ? value
      : scope => path.reduce((term, { key: step }) => select(term, step(scope)), value(scope))
  }

  function primary(): Expression {
    space()
    if (accept('(')) return closed(')')
    if (accept('[')) return nested(list)
    if (accept('{')) return nested(object)
    if (accept('"')) return nested(() => template('"'))
    const number = take(/\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/y)
    if (number !== undefined) return () => scalar(Number(number))
    const name = take(WORD)
    if (name === undefined) throw STOP
    if (name === 'true' || name === 'false') return () => scalar(name === 'true')
    if (name === 'null') return () => ABSENT
    if (text[offset] === '(') return call(name)
    const path = steps()
    return scope => {
      const bound = scope.bindings.get(name)
      const keys = path.map(step => step.key(scope))
      const toStep = (term: Term, index: number): Step => ({ key: toKey(term), isIndex: path[index]!.isIndex })
      const { term, taken } = bound === undefined ? scope.lookUp(name, keys.map(toStep)) : { term: bound, taken: 0 }
      return keys.slice(taken).reduce(select, term)
    }
  }

  function closed(mark: string): Expression {
    const inner = nested(conditional)
    expect(mark)
    return inner
  }

  function call(name: string): Expression {
    offset++
    const given: Expression[] = []
    while (!accept(')')) {
      given.push(nested(conditional))
      if (accept('...')) throw STOP
      if (!accept(',')) {
        expect(')')
        break
      }
    }
    return scope => {
      const values = given.map(argument => argument(scope))
      const result = FUNCTIONS.get(name)?.(values, scope)
      return result ?? unknown(`${quote(`${name}(…)`)} is not evaluated`, values.flatMap(refersTo))
    }
  }

  function list(): Expression {
    const loop = isLoop() ? forExpression(']') : undefined
    if (loop !== undefined) return loop
    const items: Expression[] = []
    while (!accept(']')) {
      items.push(conditional())
      if (!accept(',')) {
        expect(']')
        break
      }
    }
    return scope => listOfTerms(items.map(item => item(scope)))
  }

  function object(): Expression {
    const loop = isLoop() ? forExpression('}') : undefined
    if (loop !== undefined) return loop
    const entries: (readonly [Expression, Expression])[] = []
    while (!accept('}')) {
      entries.push([key(), conditional()])
      accept(',')
    }
    return scope => toMap(entries.map(([name, value]) => [name(scope), value(scope)]))
  }

  function key(): Expression {
    space()
    const start = offset
    const name = take(WORD)
    if (name === undefined || !(accept('=') || accept(':'))) {
      offset = start
      const computed = conditional()
      if (!accept('=')) expect(':')
      return computed
    }
    return () => scalar(name)
  }

  function isLoop(): boolean {
    space()
    return take(/for\b(?=\s+[\p{ID_Start}_])/uy) !== undefined
  }

  function forExpression(end: '}' | ']'): Expression {
    const word = () => {
      space()
      const found = take(WORD)
      if (found === undefined) throw STOP
      return found
    }
    const names = [word()]
    if (accept(',')) names.push(word())
    if (word() !== 'in') throw STOP
    const collection = conditional()
    expect(':')
    const first = conditional()
    const value = end === '}' ? (expect('=>'), conditional()) : undefined
    if (accept('...')) throw STOP
    space()
    const condition = take(/if\b/y) === undefined ? undefined : conditional()
    expect(end)
    return scope => {
      const over = collection(scope)
      const items = entriesOf(over)
      if (items === undefined) return unknown(whyOf(over), refersTo(over))
      const results: [Term, Term][] = []
      for (const [index, item] of items) {
        if (scope.budget.left-- <= 0) return TOO_MUCH
        const bindings = new Map(scope.bindings)
        if (names.length > 1) bindings.set(names[0]!, index)
        bindings.set(names.at(-1)!, item)
        const inner = { ...scope, bindings }
        const chosen = condition === undefined ? scalar(true) : condition(inner)
        const truth = toBoolean(chosen)
        if (truth === undefined) return unknown(whyOf(chosen), refersTo(chosen))
        if (truth) results.push([first(inner), value?.(inner) ?? first(inner)])
      }
      return end === '}' ? toMap(results) : listOfTerms(results.map(([result]) => result))
    }
  }

  return { template }
}

/** Of a text, what needs no closer look. */
const PLAIN = /[^$%"\\]+/y
/** Each alternative ends in one way only, so that the whole has one way to match. */
const SPACE = /(?:\s|#[^\n]*(?:\n|$)|\/\/[^\n]*(?:\n|$)|\/\*[^*]*\*+(?:[^/*][^*]*\*+)*\/)*/y
const WORD = /[\p{ID_Start}_][\p{ID_Continue}-]*/uy
const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['n', '\n'],
  ['r', '\r'],
  ['t', '\t'],
  ['"', '"'],
  ['\\', '\\'],
])
/** The weakest first. */
const OPERATORS = [/\|\|/y, /&&/y, /[=!]=/y, /[<>]=?/y, /[+-]/y, /[*/%]/y]

function operate(operator: string, left: Term, right: Term): Term {
  const refers = [left, right].flatMap(refersTo)
  if (operator === '&&' || operator === '||') {
    const truths = [toBoolean(left), toBoolean(right)]
    const decisive = operator === '||'
    if (truths.includes(decisive)) return scalar(decisive)
    return truths.includes(undefined)
      ? unknown(whyOf(truths[0] === undefined ? left : right), refers)
      : scalar(!decisive)
  }
  if (operator === '==' || operator === '!=') {
    const [a, b] = [toComparable(left), toComparable(right)]
    if (a === undefined || b === undefined) return unknown(whyOf(a === undefined ? left : right), refers)
    return scalar((a === b) === (operator === '=='))
  }
  const [a, b] = [toNumber(left), toNumber(right)]
  const result = a === undefined || b === undefined ? undefined : ARITHMETIC.get(operator)!(a, b)
  if (result === undefined || Number.isNaN(result)) return unknown(whyOf(a === undefined ? left : right), refers)
  return scalar(result)
}

type Arithmetic = (a: number, b: number) => number | boolean

const ARITHMETIC: ReadonlyMap<string, Arithmetic> = new Map<string, Arithmetic>([
  ['+', (a, b) => a + b],
  ['-', (a, b) => a - b],
  ['*', (a, b) => a * b],
  ['/', (a, b) => a / b],
  ['%', (a, b) => a % b],
  ['<', (a, b) => a < b],
  ['>', (a, b) => a > b],
  ['<=', (a, b) => a <= b],
  ['>=', (a, b) => a >= b],
])

/** `undefined`: this use of the function is not worked out. */
type HclFunction = (values: readonly Term[], scope: Scope) => Term | undefined

/** Those that stand between a table of groups and the groups. */
const FUNCTIONS: ReadonlyMap<string, HclFunction> = new Map<string, HclFunction>([
  ['jsonencode', ([value], scope) => value && toJson(value, scope)],
  ['toset', ([value]) => (value?.is === 'list' ? { ...value, items: withoutRepeats(value.items) } : undefined)],
  ['tolist', ([value]) => (value?.is === 'list' ? value : undefined)],
  ['tomap', ([value]) => (value?.is === 'map' ? value : undefined)],
  ['tostring', ([value]) => (value?.is === 'scalar' ? scalar(value.text) : undefined)],
  ['tonumber', ([value]) => toScalar(value && toNumber(value))],
  ['lower', ([value]) => (value?.is === 'scalar' ? scalar(value.text.toLowerCase()) : undefined)],
  ['upper', ([value]) => (value?.is === 'scalar' ? scalar(value.text.toUpperCase()) : undefined)],
  [
    'lookup',
    ([map, key, other]) =>
      map?.is === 'map' && key?.is === 'scalar' ? (map.entries.get(key.text) ?? other) : undefined,
  ],
  [
    'merge',
    maps => (maps.every(map => map.is === 'map') ? mapOfTerms(maps.flatMap(map => [...map.entries])) : undefined),
  ],
])

function toScalar(value: number | undefined): Term | undefined {
  return value === undefined ? undefined : scalar(value)
}

function withoutRepeats(items: readonly Term[]): readonly Term[] {
  const seen = new Set<unknown>()
  return items.filter(item => item.is !== 'scalar' || (!seen.has(item.value) && seen.add(item.value)))
}

/** What a `for` or a `for_each` goes over: keys with values. */
export function entriesOf(term: Term): readonly (readonly [Term, Term])[] | undefined {
  if (term.is === 'map') return [...term.entries].map(([key, value]) => [scalar(key), value])
  return term.is === 'list' ? term.items.map((item, index) => [scalar(index), item]) : undefined
}

function toMap(entries: readonly (readonly [Term, Term])[]): Term {
  const map = new Map<string, Term>()
  for (const [key, value] of entries) {
    if (key.is !== 'scalar') return unknown(whyOf(key), refersTo(key))
    map.set(key.text, value)
  }
  return mapOfTerms(map)
}

function toKey(term: Term): string | number | undefined {
  return term.is === 'scalar' && typeof term.value !== 'boolean' ? term.value : undefined
}

function select(term: Term, key: Term): Term {
  const step = toKey(key)
  if (step === undefined) return unknown(whyOf(key), [term, key].flatMap(refersTo))
  if (term.is === 'map') return term.entries.get(String(step)) ?? unknown(`there is no ${quote(step)} in it`)
  if (term.is === 'list') return term.items[Number(step)] ?? unknown(`there is no ${quote(step)} in it`)
  const { to, why } = loneSymbol(term) ?? {}
  if (to === undefined || why === undefined) return unknown(whyOf(term), refersTo(term))
  const attribute =
    typeof step === 'number' ? `${to.attribute}[${step}]` : to.attribute === '' ? step : `${to.attribute}.${step}`
  return reference({ ...to, attribute }, why)
}

function whyOf(term: Term): string {
  return whyUnknown(term) ?? 'its expression does not fit its values'
}

function toBoolean(term: Term): boolean | undefined {
  if (term.is !== 'scalar') return undefined
  return term.value === true || term.value === 'true'
    ? true
    : term.value === false || term.value === 'false'
      ? false
      : undefined
}

function toNumber(term: Term): number | undefined {
  if (term.is !== 'scalar') return undefined
  if (typeof term.value === 'number') return term.value
  return typeof term.value === 'string' && /^-?\d+(?:\.\d+)?$/.test(term.value) ? Number(term.value) : undefined
}

/** A scalar is compared with its type, as Terraform does. */
function toComparable(term: Term): string | undefined {
  return term.is === 'absent' ? 'null' : term.is === 'scalar' ? JSON.stringify(term.value) : undefined
}

function join(parts: readonly (string | Expression)[], scope: Scope): Term {
  const terms = parts.map(part => (typeof part === 'string' ? scalar(part) : part(scope)))
  return fromParts(terms.flatMap(toParts), scope)
}

type Part = string | TemplateSymbol

function toParts(term: Term): readonly Part[] {
  if (term.is === 'scalar') return [term.text]
  return term.is === 'symbolic' ? term.parts : [{ why: whyOf(term), refers: refersTo(term) }]
}

function fromParts(parts: readonly Part[], { budget }: Scope): Term {
  budget.left -= parts.reduce((sum, part) => sum + 1 + (typeof part === 'string' ? part.length / 100 : 0), 0)
  if (budget.left <= 0) return TOO_MUCH
  const isKnown = parts.every(part => typeof part === 'string')
  return isKnown ? scalar(parts.join('')) : { is: 'symbolic', parts, at: undefined }
}

/** `jsonencode`: what is unknown in it becomes a hole in the text. */
export function toJson(term: Term, scope: Scope): Term {
  const parts: Part[] = []
  const write = (value: Term, depth: number): void => {
    if (scope.budget.left-- <= 0 || depth > MAX_DEPTH) return
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
