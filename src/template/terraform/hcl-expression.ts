import { quote } from '../../errors.js'
import { firstWhy, refersTo } from '../evaluated.js'
import { FUNCTIONS } from './hcl-functions.js'
import {
  areEqual,
  entriesOf,
  fromParts,
  isEmpty,
  isFailure,
  MAX_NESTING,
  otherOf,
  type Scope,
  select,
  type Step,
  toBoolean,
  toKey,
  toMap,
  toNumber,
  TOO_MUCH,
  toParts,
  whyOf,
  withOther,
} from './hcl-values.js'
import { ABSENT, listOfTerms, mapOfTerms, scalar, type Term, unknown } from './term.js'

type Expression = (scope: Scope) => Term

type PathStep =
  | { readonly is: 'key'; readonly key: Expression; readonly isIndex: boolean }
  /** `[*]` applies to everything that follows, `.*` to the attributes that follow. */
  | { readonly is: 'splat'; readonly isFull: boolean }

const NOT_UNDERSTOOD: Term = unknown('its expression is not understood')

/** Evaluates a text with `${…}` in it, as `@cdktn/hcl2json` gives it. What cannot be evaluated is unknown. */
export function evaluateTemplate(text: string, scope: Scope): Term {
  if (!/[$%]\{/.test(text)) return scalar(text)
  const parsed = parseTemplate(text)
  if (parsed === undefined) return NOT_UNDERSTOOD
  const { budget } = scope
  if ((budget.left -= costOf(text.length)) <= 0) return TOO_MUCH
  if (budget.nesting + parsed.nesting > MAX_TOTAL_NESTING) return unknown('it is nested too deeply')
  budget.nesting += parsed.nesting
  const term = parsed.expression(scope)
  budget.nesting -= parsed.nesting
  return term
}

/** The steps that code of this length takes, if it repeats nothing. */
function costOf(length: number): number {
  return 1 + length / 50
}

/** The depth of all expressions that wait for one another: each level of each uses the stack. */
const MAX_TOTAL_NESTING = 300

interface Parsed {
  readonly expression: Expression
  readonly nesting: number
}

/** Thrown and caught only in this file: ends the parse from any depth. */
const STOP = new Error('not understood')

function parseTemplate(text: string): Parsed | undefined {
  try {
    const reader = createReader(text)
    const expression = reader.template(undefined)
    return { expression, nesting: reader.nesting() }
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
  let deepest = 0

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
    if (++depth > MAX_NESTING) throw STOP
    deepest = Math.max(deepest, depth)
    const result = read()
    depth--
    return result
  }

  /** A string with holes, up to its closing quote, or to the end. Only a quoted one has escapes. */
  function template(quote: '"' | undefined): Expression {
    const { expression, end } = templateUntil(quote)
    if (end !== undefined) throw STOP
    return expression
  }

  /** To the end of the string, or to one of these words as a directive: `%{else}`. */
  function templateUntil(
    quote: '"' | undefined,
    words: readonly string[] = [],
  ): { readonly expression: Expression; readonly end: string | undefined } {
    const parts: (string | Expression)[] = []
    let literal = ''
    let end: string | undefined
    const add = (part: Expression) => {
      if (literal !== '') parts.push(literal)
      literal = ''
      parts.push(part)
    }
    for (;;) {
      if (offset >= text.length) {
        if (quote !== undefined || words.length > 0) throw STOP
        break
      }
      if (quote !== undefined && text[offset] === quote) {
        if (words.length > 0) throw STOP
        offset++
        break
      }
      if (text.startsWith('$${', offset) || text.startsWith('%%{', offset)) {
        literal += text.slice(offset + 1, offset + 3)
        offset += 3
      } else if (text.startsWith('${', offset)) {
        offset += 2
        if (text[offset] === '~') throw STOP
        add(nested(conditional))
        expect('}')
      } else if (text.startsWith('%{', offset)) {
        offset += 2
        space()
        const word = take(/[a-z]+/y)
        if (word === 'if') add(nested(() => ifDirective(quote)))
        else if (word === 'for') add(nested(() => forDirective(quote)))
        else {
          if (word === undefined || !words.includes(word)) throw STOP
          expect('}')
          end = word
          break
        }
      } else if (quote !== undefined && text[offset] === '\\') literal += escape()
      else literal += take(PLAIN) ?? text[offset++]!
    }
    const [only] = parts
    if (literal === '' && parts.length === 1 && typeof only === 'function' && words.length === 0)
      return { expression: only, end }
    if (literal !== '') parts.push(literal)
    return { expression: scope => join(parts, scope), end }
  }

  function ifDirective(quote: '"' | undefined): Expression {
    const condition = conditional()
    expect('}')
    const yes = templateUntil(quote, ['else', 'endif'])
    const no = yes.end === 'else' ? templateUntil(quote, ['endif']) : undefined
    return scope => choose(condition(scope), yes.expression, no?.expression ?? (() => scalar('')), scope)
  }

  function forDirective(quote: '"' | undefined): Expression {
    const names = loopNames()
    const collection = conditional()
    expect('}')
    const start = offset
    const body = templateUntil(quote, ['endfor']).expression
    const cost = costOf(offset - start)
    return scope => {
      const over = collection(scope)
      const items = entriesOf(over)
      if (items === undefined) return unknown(whyOf(over), refersTo(over))
      const terms: Term[] = []
      for (const [index, item] of items) {
        if ((scope.budget.left -= cost) <= 0) return TOO_MUCH
        terms.push(body(bind(scope, names, index, item)))
      }
      return fromParts(terms.flatMap(toParts), scope)
    }
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
    return scope => choose(condition(scope), yes, no, scope)
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
      if (name !== undefined) found.push({ is: 'key', key: () => scalar(name), isIndex: false })
      else if (number !== undefined) found.push({ is: 'key', key: () => scalar(Number(number)), isIndex: true })
      else if (take(/\.\*/y) !== undefined) found.push({ is: 'splat', isFull: false })
      else if (take(/\[\s*\*\s*\]/y) !== undefined) found.push({ is: 'splat', isFull: true })
      else if (take(/\[/y) !== undefined) {
        found.push({ is: 'key', key: nested(conditional), isIndex: true })
        expect(']')
      } else return found
    }
  }

  function postfix(value: Expression): Expression {
    const path = steps()
    return path.length === 0 ? value : scope => follow(value(scope), path, scope)
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
    const splat = path.findIndex(({ is }) => is === 'splat')
    const direct = splat < 0 ? path : path.slice(0, splat)
    return scope => {
      const bound = scope.bindings.get(name)
      if (bound !== undefined) {
        scope.onBound?.(name)
        return follow(bound, path, scope)
      }
      const keys = direct.flatMap((step): Step[] =>
        step.is === 'key' ? [{ key: toKey(step.key(scope)), isIndex: step.isIndex }] : [],
      )
      const { term, taken } = scope.lookUp(name, keys)
      return follow(term, path.slice(taken), scope)
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
    let isSpread = false
    while (!accept(')')) {
      given.push(nested(conditional))
      isSpread = accept('...')
      if (isSpread || !accept(',')) {
        expect(')')
        break
      }
    }
    return scope => {
      const values = given.map(argument => argument(scope))
      const last = isSpread ? values.pop() : undefined
      if (last?.is === 'list') values.push(...last.items)
      else if (last !== undefined) return unknown(whyOf(last), [...values, last].flatMap(refersTo))
      if ((scope.budget.left -= values.reduce((sum, value) => sum + sizeOf(value) / 10, 1)) <= 0) return TOO_MUCH
      const failure = name === 'try' || name === 'can' ? undefined : values.find(isFailure)
      const known = (scope.functions ?? FUNCTIONS).get(name)
      const result = failure ?? known?.(values, scope)
      if (result !== undefined && (scope.budget.left -= sizeOf(result)) <= 0) return TOO_MUCH
      const why = (known && firstWhy(values)) ?? `${quote(`${name}(…)`)} is not evaluated`
      const term = result ?? unknown(why, values.flatMap(refersTo))
      const other = name === 'toset' && values.length === 1 ? otherOf(values[0]!) : undefined
      return other === undefined ? term : withOther(term, () => known?.([other()], scope) ?? term)
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

  /** `k, v in`, without the collection. */
  function loopNames(): readonly string[] {
    const word = () => {
      space()
      const found = take(WORD)
      if (found === undefined) throw STOP
      return found
    }
    const names = [word()]
    if (accept(',')) names.push(word())
    if (word() !== 'in') throw STOP
    return names
  }

  function forExpression(end: '}' | ']'): Expression {
    const names = loopNames()
    const collection = conditional()
    expect(':')
    const start = offset
    const first = conditional()
    const value = end === '}' ? (expect('=>'), conditional()) : undefined
    const isGrouped = accept('...')
    if (isGrouped && end === ']') throw STOP
    space()
    const condition = take(/if\b/y) === undefined ? undefined : conditional()
    const cost = costOf(offset - start)
    expect(end)
    return scope => {
      const over = collection(scope)
      const items = entriesOf(over)
      if (items === undefined) return isFailure(over) ? over : unknown(whyOf(over), refersTo(over))
      const results: [Term, Term][] = []
      for (const [index, item] of items) {
        if ((scope.budget.left -= cost) <= 0) return TOO_MUCH
        const inner = bind(scope, names, index, item)
        const chosen = condition === undefined ? scalar(true) : condition(inner)
        const truth = toBoolean(chosen)
        if (truth === undefined) return unknown(whyOf(chosen), refersTo(chosen))
        if (truth) results.push([first(inner), value?.(inner) ?? ABSENT])
      }
      if (end === ']') return listOfTerms(results.map(([result]) => result))
      return isGrouped ? grouped(results) : toMap(results)
    }
  }

  return { template, nesting: () => deepest }
}

/** The part of a string without special characters. */
const PLAIN = /[^$%"\\]+/y
/** Each alternative can end in only one way, so that the whole can match in only one way. */
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

function bind(scope: Scope, names: readonly string[], index: Term, item: Term): Scope {
  const bindings = new Map(scope.bindings)
  if (names.length > 1) bindings.set(names[0]!, index)
  bindings.set(names.at(-1)!, item)
  return { ...scope, bindings }
}

function choose(chosen: Term, yes: Expression, no: Expression, scope: Scope): Term {
  const truth = toBoolean(chosen)
  if (truth !== undefined) {
    const term = (truth ? yes : no)(scope)
    return isEmpty(term) ? withOther(term, () => (truth ? no : yes)(scope)) : term
  }
  if (isFailure(chosen)) return chosen
  const [first, second] = [yes(scope), no(scope)]
  const neither = unknown(whyOf(chosen), [first, second].flatMap(refersTo))
  if (isEmpty(first) === isEmpty(second)) return neither
  return withOther(neither, () => (isEmpty(first) ? second : first))
}

/** The values of each key as a list. */
function grouped(results: readonly (readonly [Term, Term])[]): Term {
  const lists = new Map<string, Term[]>()
  for (const [key, value] of results) {
    if (key.is !== 'scalar') return unknown(whyOf(key), refersTo(key))
    const list = lists.get(key.text)
    if (list === undefined) lists.set(key.text, [value])
    else list.push(value)
  }
  return mapOfTerms([...lists].map(([key, values]) => [key, listOfTerms(values)] as const))
}

function sizeOf(term: Term): number {
  return term.is === 'list' ? term.items.length : term.is === 'map' ? term.entries.size : 1
}

/** The value that the attributes and indices lead to. */
function follow(term: Term, path: readonly PathStep[], scope: Scope): Term {
  let at = term
  for (const [index, step] of path.entries()) {
    if (step.is === 'key') {
      at = select(at, step.key(scope), scope)
      continue
    }
    const items = splatItems(at)
    if (items === undefined) return isFailure(at) ? at : unknown(whichOf(at), refersTo(at))
    if ((scope.budget.left -= items.length) <= 0) return TOO_MUCH
    const rest = path.slice(index + 1)
    const isName = (next: PathStep) => next.is === 'key' && !next.isIndex
    const end = step.isFull ? rest.length : rest.findIndex(next => !isName(next))
    const each = end < 0 ? rest : rest.slice(0, end)
    const list = listOfTerms(items.map(item => follow(item, each, scope)))
    return follow(list, rest.slice(each.length), scope)
  }
  return at
}

/** A single value is a list of one, and null is an empty one. */
function splatItems(term: Term): readonly Term[] | undefined {
  if (term.is === 'list') return term.items
  return term.is === 'map' || term.is === 'scalar' ? [term] : term.is === 'absent' ? [] : undefined
}

function whichOf(term: Term): string {
  const [to] = refersTo(term)
  return to === undefined || to.type === '' ? whyOf(term) : `it is not known which instance of ${quote(to.id)} it is`
}

function operate(operator: string, left: Term, right: Term): Term {
  const refers = [left, right].flatMap(refersTo)
  const failure = [left, right].find(isFailure)
  if (operator === '&&' || operator === '||') {
    const truths = [toBoolean(left), toBoolean(right)]
    const decisive = operator === '||'
    if (truths.includes(decisive)) return scalar(decisive)
    if (failure !== undefined) return failure
    return truths.includes(undefined)
      ? unknown(whyOf(truths[0] === undefined ? left : right), refers)
      : scalar(!decisive)
  }
  if (failure !== undefined) return failure
  if (operator === '==' || operator === '!=') {
    const equal = areEqual(left, right)
    if (equal === undefined) return unknown(whyOf(isOpen(left) ? left : right), refers)
    return scalar(equal === (operator === '=='))
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

function isOpen({ is }: Term): boolean {
  return is !== 'scalar' && is !== 'absent'
}

function join(parts: readonly (string | Expression)[], scope: Scope): Term {
  const terms = parts.map(part => (typeof part === 'string' ? scalar(part) : part(scope)))
  return fromParts(terms.flatMap(toParts), scope)
}
