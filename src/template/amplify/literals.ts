import { quote } from '../../errors.js'
import type { Evaluated } from '../evaluated.js'
import { childOf, childrenOf, nodesOf, plainOf, type SyntaxNode } from './program.js'

/** A value of a program, as far as its text shows it: what is computed at run time is unknown. */
export type Literal = Evaluated<SyntaxNode>

/** The meaning of the names of a program. */
export interface Scope {
  /** The value of a variable that is declared once and never changed. */
  readonly constants: ReadonlyMap<string, SyntaxNode>
  /** Where an imported name comes from, and its name there. */
  readonly imports: ReadonlyMap<string, { readonly from: string; readonly name: string }>
}

/** What a program declares at its outermost level. */
export function scopeOf(root: SyntaxNode): Scope {
  const constants = new Map<string, SyntaxNode>()
  const imports = new Map<string, { readonly from: string; readonly name: string }>()
  const declared = new Map<string, number>()
  const changed = new Set<string>()
  for (const node of nodesOf(root)) {
    for (const name of namesDeclaredBy(node)) declared.set(name, (declared.get(name) ?? 0) + 1)
    const name = changedBy(node)
    if (name !== undefined) changed.add(name)
  }
  for (const statement of childrenOf(root, 'body')) {
    const declaration = childOf(statement, 'declaration') ?? statement
    if (declaration?.type === 'ImportDeclaration') {
      const from = textOfLiteral(childOf(declaration, 'source'))
      for (const specifier of childrenOf(declaration, 'specifiers')) {
        const local = nameOf(childOf(specifier, 'local'))
        if (from !== undefined && local !== undefined)
          imports.set(local, { from, name: nameOf(childOf(specifier, 'imported')) ?? '*' })
      }
    }
    if (declaration?.type === 'TSEnumDeclaration') {
      const name = nameOf(childOf(declaration, 'id'))
      if (name !== undefined) constants.set(name, declaration)
    }
    if (declaration?.type !== 'VariableDeclaration') continue
    for (const declarator of childrenOf(declaration, 'declarations')) {
      const name = nameOf(childOf(declarator, 'id'))
      const value = childOf(declarator, 'init')
      if (name !== undefined && value !== undefined) constants.set(name, value)
    }
  }
  for (const name of constants.keys()) if (declared.get(name) !== 1 || changed.has(name)) constants.delete(name)
  return { constants, imports }
}

/** The names that a declaration, a function or a `catch` gives a meaning. */
function namesDeclaredBy(node: SyntaxNode): readonly string[] {
  switch (node.type) {
    case 'VariableDeclarator':
    case 'TSEnumDeclaration':
    case 'ClassDeclaration':
      return namesIn(childOf(node, 'id'))
    case 'CatchClause':
      return namesIn(childOf(node, 'param'))
    case 'FunctionDeclaration':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return [childOf(node, 'id'), ...childrenOf(node, 'params')].flatMap(namesIn)
    default:
      return []
  }
}

/** The names that a pattern such as `{ a, b: [c] = [] }` gives a meaning. */
function namesIn(pattern: SyntaxNode | undefined): readonly string[] {
  const names: string[] = []
  const open = [pattern]
  while (open.length > 0) {
    const node = open.pop()
    if (node === undefined) continue
    const name = nameOf(node)
    if (name !== undefined) names.push(name)
    for (const key of PATTERN_PARTS) open.push(childOf(node, key), ...childrenOf(node, key))
  }
  return names
}

/** Of properties, of patterns with defaults, of the rest, of parameters that are fields, of objects, of lists. */
const PATTERN_PARTS = ['value', 'left', 'argument', 'parameter', 'properties', 'elements'] as const

const CHANGING: ReadonlySet<string> = new Set([
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'sort',
  'reverse',
  'fill',
  'copyWithin',
])

/** The variable that this node changes, or changes a part of. */
function changedBy(node: SyntaxNode): string | undefined {
  switch (node.type) {
    case 'AssignmentExpression':
      return rootOf(childOf(node, 'left'))
    case 'UpdateExpression':
      return rootOf(childOf(node, 'argument'))
    case 'UnaryExpression':
      return plainOf(node, 'operator') === 'delete' ? rootOf(childOf(node, 'argument')) : undefined
    case 'CallExpression': {
      const callee = childOf(node, 'callee')
      const method = nameOf(childOf(callee, 'property'))
      if (method !== undefined && CHANGING.has(method)) return rootOf(childOf(callee, 'object'))
      const isAssign = method === 'assign' && nameOf(childOf(callee, 'object')) === 'Object'
      return isAssign ? rootOf(childrenOf(node, 'arguments')[0]) : undefined
    }
    default:
      return undefined
  }
}

/** `a` of `a.b[0].c` */
function rootOf(node: SyntaxNode | undefined): string | undefined {
  let root = node
  while (root?.type === 'MemberExpression' || (root !== undefined && WRAPPERS.has(root.type)))
    root = childOf(root, 'object') ?? childOf(root, 'expression')
  return nameOf(root)
}

/** Nodes that affect the type of an expression and not its value. */
const WRAPPERS: ReadonlySet<string> = new Set([
  'TSAsExpression',
  'TSSatisfiesExpression',
  'TSNonNullExpression',
  'TSTypeAssertion',
  'TSInstantiationExpression',
  'ParenthesizedExpression',
  'ChainExpression',
])

/** The deepest nesting of expressions, and of constants that refer to others, that is looked into. */
const MAX_DEPTH = 50
/** The most expressions and spread items of a file that are looked into. */
const MAX_STEPS = 100_000

export interface Evaluator {
  readonly evaluate: (node: SyntaxNode | undefined) => Literal
  /** The value of an object's property; absent if it has none of this name. */
  readonly property: (object: SyntaxNode, name: string) => Literal
}

/**
 * Evaluates what a program's text shows: literals, and constants of the same file that stand for literals. What is too
 * deep or too large is unknown.
 */
export function createEvaluator({ constants, imports }: Scope): Evaluator {
  const known = new Map<string, Literal | 'open'>()
  let depth = 0
  let steps = 0

  function evaluate(node: SyntaxNode | undefined): Literal {
    return node === undefined ? MISSING : bounded(node, () => evaluateShallow(node))
  }

  function bounded(node: SyntaxNode, look: () => Literal): Literal {
    if (depth >= MAX_DEPTH || ++steps > MAX_STEPS) return { is: 'unknown', why: 'it is too complex', at: node }
    depth++
    const result = look()
    depth--
    return result
  }

  /** Spread items count as if they were written out. */
  function spreadOf(node: SyntaxNode): Literal {
    const spread = evaluate(childOf(node, 'argument'))
    steps += spread.is === 'list' ? spread.items.length : spread.is === 'map' ? spread.entries.size : 0
    return steps > MAX_STEPS ? { is: 'unknown', why: 'it is too complex', at: node } : spread
  }

  function evaluateShallow(node: SyntaxNode): Literal {
    if (WRAPPERS.has(node.type)) return evaluate(childOf(node, 'expression'))
    switch (node.type) {
      case 'Literal':
        return literalOf(node)
      case 'TemplateLiteral':
        return joined(
          node,
          childrenOf(node, 'quasis').flatMap((quasi, index) => {
            const hole = childrenOf(node, 'expressions')[index]
            return [cookedOf(quasi), ...(hole === undefined ? [] : [evaluate(hole)])]
          }),
        )
      case 'BinaryExpression':
        return plainOf(node, 'operator') === '+'
          ? joined(node, [evaluate(childOf(node, 'left')), evaluate(childOf(node, 'right'))])
          : computed(node)
      case 'Identifier':
        return constantOf(node)
      case 'ArrayExpression':
        return listOf(node)
      case 'ObjectExpression':
        return mapOf(node)
      case 'TSEnumDeclaration':
        return enumOf(node)
      case 'MemberExpression':
        return memberOf(node)
      case 'CallExpression':
        return resultOf(node)
      default:
        return computed(node)
    }
  }

  function constantOf(node: SyntaxNode): Literal {
    const name = nameOf(node)!
    if (name === 'undefined') return { is: 'absent', at: node }
    const imported = imports.get(name)
    if (imported !== undefined)
      return { is: 'unknown', why: `${quote(name)} is imported from ${quote(imported.from)}`, at: node }
    const value = constants.get(name)
    if (value === undefined)
      return { is: 'unknown', why: `${quote(name)} is not a constant of this file, or is changed in it`, at: node }
    const before = known.get(name)
    if (before === 'open') return { is: 'unknown', why: `${quote(name)} refers to itself`, at: node }
    if (before !== undefined) return before
    known.set(name, 'open')
    const result = evaluate(value)
    known.set(name, result)
    return result
  }

  function listOf(node: SyntaxNode): Literal {
    const items: Literal[] = []
    for (const element of childrenOf(node, 'elements')) {
      if (element?.type !== 'SpreadElement') {
        items.push(element === undefined ? { is: 'absent', at: node } : evaluate(element))
        continue
      }
      const spread = spreadOf(element)
      if (spread.is !== 'list') return unknownLike(spread, element)
      items.push(...spread.items)
    }
    return { is: 'list', items, at: node }
  }

  function mapOf(node: SyntaxNode): Literal {
    const entries = new Map<string, Literal>()
    for (const property of childrenOf(node, 'properties')) {
      if (property?.type === 'SpreadElement') {
        const spread = spreadOf(property)
        if (spread.is !== 'map') return unknownLike(spread, property)
        for (const [name, value] of spread.entries) entries.set(name, value)
        continue
      }
      const name = keyOf(property)
      if (name === undefined) return { is: 'unknown', why: 'a key in it is computed', at: property ?? node }
      entries.set(name, valueOfProperty(property!))
    }
    return { is: 'map', entries, at: node }
  }

  function valueOfProperty(property: SyntaxNode): Literal {
    const isPlain = property.type === 'Property' && plainOf(property, 'kind') === 'init'
    return isPlain ? evaluate(childOf(property, 'value')) : computed(property)
  }

  function keyOf(property: SyntaxNode | undefined): string | undefined {
    const key = childOf(property, 'key')
    if (plainOf(property, 'computed') !== true && nameOf(key) !== undefined) return nameOf(key)
    const value = evaluate(key)
    return value.is === 'scalar' ? value.text : undefined
  }

  function enumOf(node: SyntaxNode): Literal {
    const members = [...childrenOf(node, 'members'), ...childrenOf(childOf(node, 'body'), 'members')]
    const entries = new Map<string, Literal>()
    for (const member of members) {
      const id = childOf(member, 'id')
      const name = nameOf(id) ?? textOfLiteral(id)
      const value = childOf(member, 'initializer')
      if (name !== undefined)
        entries.set(name, value === undefined ? { is: 'unknown', why: 'it is a number', at: member! } : evaluate(value))
    }
    return { is: 'map', entries, at: node }
  }

  function memberOf(node: SyntaxNode): Literal {
    const object = evaluate(childOf(node, 'object'))
    if (object.is !== 'map' && object.is !== 'list') return unknownLike(object, node)
    const property = childOf(node, 'property')
    const name = plainOf(node, 'computed') === true ? evaluate(property) : undefined
    const key = name === undefined ? nameOf(property) : name.is === 'scalar' ? name.text : undefined
    if (key === undefined) return computed(node)
    const value = object.is === 'map' ? object.entries.get(key) : object.items[/^\d{1,9}$/.test(key) ? Number(key) : -1]
    return value ?? computed(node)
  }

  /** `Object.values(x)`, `Object.keys(x)` and `Object.freeze(x)` give what they say; any other call is not followed. */
  function resultOf(node: SyntaxNode): Literal {
    const callee = childOf(node, 'callee')
    const [first, ...others] = childrenOf(node, 'arguments')
    const method = nameOf(childOf(callee, 'object')) === 'Object' ? nameOf(childOf(callee, 'property')) : undefined
    const isFollowed = method !== undefined && ['values', 'keys', 'freeze'].includes(method)
    if (!isFollowed || first === undefined || others.length > 0 || constants.has('Object')) return computed(node)
    const argument = evaluate(first)
    if (method === 'freeze') return argument
    if (argument.is !== 'map' || !isInOrder(argument)) return unknownLike(argument, node)
    const items = [...argument.entries].map(([key, value]): Literal =>
      method === 'values' ? value : { is: 'scalar', value: key, text: key, at: value.at },
    )
    return { is: 'list', items, at: node }
  }

  function property(object: SyntaxNode, name: string): Literal {
    return bounded(object, () => propertyOf(object, name))
  }

  function propertyOf(object: SyntaxNode, name: string): Literal {
    const found = resolveObject(object)
    if (found === undefined) return unknownLike(evaluate(object), object)
    // Of two entries the later one wins, and so does a later spread.
    for (const one of childrenOf(found, 'properties').toReversed()) {
      if (one?.type === 'SpreadElement') {
        const spread = property(childOf(one, 'argument') ?? one, name)
        if (spread.is !== 'absent') return spread
        continue
      }
      const key = keyOf(one)
      if (key === undefined)
        return { is: 'unknown', why: 'another key in the same object is computed', at: one ?? object }
      if (key === name) return valueOfProperty(one!)
    }
    return { is: 'absent', at: object }
  }

  function resolveObject(node: SyntaxNode | undefined): SyntaxNode | undefined {
    let object = node
    for (let steps = 0; object !== undefined && steps < MAX_DEPTH; steps++) {
      if (object.type === 'ObjectExpression') return object
      if (WRAPPERS.has(object.type)) object = childOf(object, 'expression')
      else object = constants.get(nameOf(object) ?? '')
    }
    return undefined
  }

  return { evaluate, property }
}

const BEGINNING = { line: 1, column: 0 }
/** For a node that the syntax requires and the parser does not have. */
const MISSING: Literal = {
  is: 'unknown',
  why: 'it is missing',
  at: { type: 'None', start: 0, end: 0, loc: { start: BEGINNING, end: BEGINNING } },
}

function computed(at: SyntaxNode): Literal {
  return { is: 'unknown', why: 'it is computed when the program runs', at }
}

/** Keys that look like numbers come first, wherever they are; an enum of numbers has its names as values too. */
function isInOrder({ entries, at }: Extract<Literal, { is: 'map' }>): boolean {
  if ([...entries.keys()].some(key => /^\d/.test(key))) return false
  const isText = (value: Literal) => value.is === 'scalar' && typeof value.value === 'string'
  return at.type !== 'TSEnumDeclaration' || [...entries.values()].every(isText)
}

function unknownLike(value: Literal, at: SyntaxNode): Literal {
  return value.is === 'unknown' ? value : computed(at)
}

function literalOf(node: SyntaxNode): Literal {
  const value = plainOf(node, 'value')
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return { is: 'scalar', value, text: String(value), at: node }
  return plainOf(node, 'raw') === 'null' ? { is: 'absent', at: node } : computed(node)
}

function cookedOf(quasi: SyntaxNode | undefined): Literal {
  const value: unknown = quasi === undefined ? undefined : quasi['value' as keyof SyntaxNode]
  const cooked = typeof value === 'object' && value !== null && 'cooked' in value ? value.cooked : undefined
  return typeof cooked === 'string' ? { is: 'scalar', value: cooked, text: cooked, at: quasi! } : computed(quasi!)
}

const MAX_TEXT = 10_000

function joined(node: SyntaxNode, parts: readonly Literal[]): Literal {
  const texts = parts.map(part => (part.is === 'scalar' && typeof part.value === 'string' ? part.text : undefined))
  const unclear = parts.find((_, index) => texts[index] === undefined)
  if (unclear !== undefined) return unknownLike(unclear, node)
  const text = texts.join('')
  return text.length > MAX_TEXT ? computed(node) : { is: 'scalar', value: text, text, at: node }
}

export function nameOf(node: SyntaxNode | undefined): string | undefined {
  const name = node?.type === 'Identifier' ? plainOf(node, 'name') : undefined
  return typeof name === 'string' ? name : undefined
}

export function textOfLiteral(node: SyntaxNode | undefined): string | undefined {
  const value = node?.type === 'Literal' ? plainOf(node, 'value') : undefined
  return typeof value === 'string' ? value : undefined
}
