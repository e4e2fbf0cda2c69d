import { hasRepeatedKeys } from '../../credentials/policy-document.js'
import { quote } from '../../errors.js'
import {
  assumptionsOf,
  enclose,
  type Evaluated,
  firstWhy,
  given,
  identityOf,
  literal,
  MAX_POSSIBILITIES,
  oneOf,
  type Present,
  type TemplateSymbol,
  whyOf,
} from '../evaluated.js'
import type { Choices } from '../../rules/infrastructure.js'
import { chosenTogether } from '../../rules/value.js'
import { type Entry, type SourceNode, type Span, nodeAt, textAt } from '../yaml-document.js'
import { instancesOf, loopOf } from './loops.js'

/** What a template's expressions depend on. */
export interface Template {
  readonly parameters: ReadonlyMap<string, Entry>
  readonly mappings: ReadonlyMap<string, Entry>
  readonly conditions: ReadonlyMap<string, Entry>
  readonly resources: ReadonlyMap<string, Entry>
}

/** What the values of a template depend on outside the template. */
export interface Surroundings {
  /** Its name if several templates are read together. */
  readonly nameOf: (name: string) => string
  /** What a parent gives for a parameter. */
  readonly argument: (parameter: string) => Evaluated<Span> | undefined
  /** An output of a nested stack. */
  readonly output: (stack: string, output: string) => Evaluated<Span> | undefined
  /** What another template publishes under a name. */
  readonly published: (kind: PublishedKind, name: Evaluated<Span>) => Evaluated<Span> | undefined
  /** Why none of several candidates is used. */
  readonly whyUnclear: (kind: PublishedKind, name: Evaluated<Span>) => string | undefined
  /** How deep the evaluation is, in all templates that are read together. */
  readonly depth: { value: number }
}

/** `Fn::ImportValue`; a parameter of Parameter Store; the CDK's export to another region; `STACK.OUTPUT`. */
export type PublishedKind = 'export' | 'ssm' | 'region-export' | 'output'

const nothing = () => undefined

/** For a template that is read alone. */
export function aloneSurroundings(): Surroundings {
  const of = { argument: nothing, output: nothing, published: nothing, whyUnclear: nothing }
  return { nameOf: name => name, ...of, depth: { value: 0 } }
}

export interface Evaluator {
  /** Total: a value that cannot be determined is `unknown`. */
  evaluate(node: SourceNode): Evaluated<Span>
  /** Whether a condition holds whatever the parameters are; undefined: it depends. */
  condition(name: string): boolean | undefined
  /**
   * The content of a JSON string, including symbols: `{"cognito-idp.${AWS::Region}.amazonaws.com/${Pool}": …}`. A value
   * that is not a string is returned unchanged; a string that is not JSON is unknown.
   */
  parseJson(present: Present<Span>): Evaluated<Span>
  /** With each loop replaced by its entries, if the collection is known. */
  expand(entries: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry>
  /** The loops that were expanded over a parameter's default, with the names of the parameters. */
  readonly assumedLoops: ReadonlyMap<string, readonly string[]>
}

/** How deep evaluation goes, through references as well; deeper is unknown. */
const MAX_NESTING = 400
/** The most expressions that are evaluated in one template. */
const MAX_POSSIBILITIES_OF_ALL = 100_000
/** The most characters that may be joined, or read as JSON, in one template. */
const MAX_JOINED = 10_000_000
/** The most nodes that the loops of one template may produce. */
const MAX_EXPANDED = 200_000
/** `Ref` of these resources returns one of their properties. */
const REF_GIVES = new Map([
  ['AWS::Cognito::UserPoolGroup', 'GroupName'],
  ['AWS::Cognito::UserPoolUser', 'Username'],
])

/**
 * Serverless Framework's variables, and its pseudo parameters plugin's; a policy's own, such as `${aws:username}`, are
 * text.
 */
const SERVERLESS_VARIABLE =
  /\$\{\s*(?:(?:self|opt|env|file|ssm|s3|cf|cf\.[\w.-]+|sls|param|git|strToBool|vault)\s*[:(](?!:)|aws:(?:accountId|region)\b)|#\{AWS::/
/** @see https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/dynamic-references.html */
const DYNAMIC_REFERENCE = /\{\{resolve:/
/** The whole of it is a parameter of Parameter Store: `{{resolve:ssm:/pool:1}}`, `${ssm:/pool}`. */
const PARAMETER_IN_TEXT = /^(?:\{\{resolve:ssm:|\$\{ssm:)([\w./-]+)(?::\d+)?\}{1,2}$/
/** The whole of it is another stack's output: `${cf:auth-dev.PoolId}`. */
const OUTPUT_IN_TEXT = /^\$\{cf(?:\.[\w-]+)?:([\w-]+\.[\w-]+)\}$/

/** What these give is for the deployment to know, or of no use for names, ranks and roles. */
const DEPLOYED = new Set(['Fn::Base64', 'Fn::Cidr', 'Fn::GetAZs'])

/**
 * Evaluates CloudFormation's intrinsic functions as far as a template alone allows: a parameter has its default, a
 * condition leaves both branches possible, and a resource is a symbol.
 *
 * @see https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/intrinsic-function-reference.html
 */
export function createEvaluator(template: Template, surroundings: Surroundings = aloneSurroundings()): Evaluator {
  const references = new Map<string, Evaluated<Span>>()
  const conditions = new Map<string, boolean | undefined>()
  const assumedLoops = new Map<string, readonly string[]>()
  const { nameOf: globalName, depth } = surroundings
  const budget = { nodes: MAX_EXPANDED }
  let joined = 0
  let possible = 0

  function evaluate(node: SourceNode): Evaluated<Span> {
    if (depth.value > MAX_NESTING) return { is: 'unknown', why: 'the expression is nested too deep', at: node }
    depth.value++
    try {
      return evaluateContent(node)
    } finally {
      depth.value--
    }
  }

  function evaluateContent(node: SourceNode): Evaluated<Span> {
    switch (node.kind) {
      case 'opaque':
        return { is: 'unknown', why: node.why, at: node }
      case 'scalar':
        return evaluatePlain(node)
      case 'choice':
        return severalOf(
          node.options.flatMap(({ value, when }) => given(evaluate(value), when && [when]) ?? []),
          node.name,
          node.why,
          node,
        )
      case 'list':
        return { is: 'list', items: node.items.map(evaluate).filter(item => item.is !== 'absent'), at: node }
      case 'map':
        return evaluateMap(node)
    }
  }

  function evaluatePlain(node: Extract<SourceNode, { kind: 'scalar' }>): Evaluated<Span> {
    const published = node.text.includes('{') ? publishedByText(node.text, node) : undefined
    if (published !== undefined) return { ...published, at: node }
    const evaluated = evaluateScalar(node.value, node.text, node)
    return node.assumes === undefined ? evaluated : { ...evaluated, assumes: node.assumes }
  }

  /** A reference to what another stack publishes, in the text of a value. */
  function publishedByText(text: string, at: Span): Evaluated<Span> | undefined {
    const parameter = PARAMETER_IN_TEXT.exec(text)?.[1]
    if (parameter !== undefined) return surroundings.published('ssm', literal(parameter, at))
    const output = OUTPUT_IN_TEXT.exec(text)?.[1]
    return output === undefined ? undefined : surroundings.published('output', literal(output, at))
  }

  function expand(entries: ReadonlyMap<string, Entry>): ReadonlyMap<string, Entry> {
    return hasLoop(entries.keys()) ? new Map(expandEach(entries)) : entries
  }

  function expandEach(entries: Iterable<readonly [string, Entry]>): readonly (readonly [string, Entry])[] {
    return [...entries].flatMap(([name, entry]) => {
      const instances = expandLoop(name, entry.value)
      return instances === undefined ? [[name, entry] as const] : expandEach(instances)
    })
  }

  function expandLoop(name: string, node: SourceNode): readonly (readonly [string, Entry])[] | undefined {
    const loop = loopOf(name, node)
    if (loop === undefined || depth.value > MAX_NESTING) return undefined
    depth.value++
    try {
      const collection = evaluate(loop.collection)
      const items = collection.is === 'list' ? collection.items : []
      if (collection.is !== 'list' || !items.every(item => item.is === 'scalar')) return undefined
      const instances = instancesOf(
        loop,
        items.map(item => item.text),
        budget,
      )
      const assumes = assumptionsOf([collection, ...items])
      if (instances !== undefined && assumes !== undefined) assumedLoops.set(name, assumes)
      return instances
    } finally {
      depth.value--
    }
  }

  function evaluateMap(node: Extract<SourceNode, { kind: 'map' }>): Evaluated<Span> {
    const own = expand(node.entries)
    const unseen = unseenKey(own.keys())
    if (unseen !== undefined) return { is: 'unknown', why: `${quote(unseen)} is evaluated at deployment`, at: node }
    const [first] = own
    if (first !== undefined && own.size === 1 && isFunction(first[0])) return call(first[0], first[1].value, node)
    const entries = new Map<string, Evaluated<Span>>()
    const keys = new Map<string, Evaluated<Span>>()
    for (const [key, entry] of own) {
      const value = evaluate(entry.value)
      if (value.is === 'absent') continue
      entries.set(key, value)
      keys.set(key, literal(key, entry.key))
    }
    return { is: 'map', entries, keys, at: node }
  }

  function call(name: string, argument: SourceNode, at: Span): Evaluated<Span> {
    switch (name) {
      case 'Ref':
        return refer(argument, at)
      case 'Fn::GetAtt':
        return getAttribute(argument, at)
      case 'Fn::Sub':
        return substitute(argument, at)
      case 'Fn::Join':
        return join(argument, at)
      case 'Fn::If':
        return choose(argument, at)
      case 'Fn::FindInMap':
        return findInMap(argument, at)
      case 'Fn::ImportValue':
        return importValue(argument, at)
      case 'Fn::GetStackOutput':
        return getStackOutput(argument, at)
      case 'Fn::Length':
        return lengthOf(argument, at)
      case 'Fn::ToJsonString':
        return evaluate(argument)
      case 'Fn::Select':
        return select(argument, at)
      case 'Fn::Split':
        return split(argument, at)
      default:
        if (DEPLOYED.has(name))
          return unresolved(name, [evaluate(argument)], at, `${quote(name)} is evaluated at deployment`)
        return { is: 'unknown', why: `${quote(name)} is not a known function`, at }
    }
  }

  function importValue(argument: SourceNode, at: Span): Evaluated<Span> {
    const name = evaluate(argument)
    const published = surroundings.published('export', name)
    if (published !== undefined) return { ...published, at }
    const unclear = surroundings.whyUnclear('export', name)
    if (unclear === undefined) return unresolved('Fn::ImportValue', [name], at, 'an import comes from another stack')
    const why = `of several exports of that name, ${unclear}`
    return { is: 'symbolic', parts: [{ text: nameOf('Fn::ImportValue', [name]), why, isUnclear: true }], at }
  }

  function getStackOutput(argument: SourceNode, at: Span): Evaluated<Span> {
    const evaluated = evaluate(argument)
    const [stack, output] = ['StackName', 'OutputName'].map(key => {
      const node = nodeAt(argument, key)
      return node === undefined ? undefined : evaluate(node)
    })
    if (stack?.is === 'scalar' && output?.is === 'scalar') {
      const published = surroundings.published('output', literal(`${stack.text}.${output.text}`, at))
      if (published !== undefined) return { ...published, at }
    }
    return unresolved('Fn::GetStackOutput', [evaluated], at, 'an output of another stack is known only at deployment')
  }

  function lengthOf(argument: SourceNode, at: Span): Evaluated<Span> {
    const list = evaluate(argument)
    if (list.is !== 'list' || list.items.some(item => item.is === 'unknown' || item.is === 'one-of'))
      return unresolved('Fn::Length', [list], at, '`Fn::Length` is evaluated at deployment')
    const value = list.items.length
    return { is: 'scalar', value, text: String(value), at, assumes: list.assumes }
  }

  function refer(argument: SourceNode, at: Span): Evaluated<Span> {
    if (argument.kind === 'scalar') return { ...reference(argument.text, '', at), at }
    return unresolved('Ref', [evaluate(argument)], at, 'what it refers to is evaluated at deployment')
  }

  function getAttribute(argument: SourceNode, at: Span): Evaluated<Span> {
    if (argument.kind === 'scalar') {
      const [resource, attribute] = cut(argument.text, '.')
      return { ...reference(resource, attribute, at), at }
    }
    const [resource, attribute] = argument.kind === 'list' ? argument.items.map(evaluate) : []
    if (resource?.is === 'scalar' && attribute?.is === 'scalar')
      return { ...reference(resource.text, attribute.text, at), at }
    return unresolved('Fn::GetAtt', [evaluate(argument)], at, 'the attribute is evaluated at deployment')
  }

  /** Each is evaluated once: references may branch. */
  function reference(name: string, attribute: string, at: Span): Evaluated<Span> {
    const key = attribute === '' ? name : `${name}.${attribute}`
    const known = references.get(key)
    if (known !== undefined) return known
    const type = textAt(template.resources.get(name)?.value, 'Type') ?? ''
    const to = { id: globalName(name), type, attribute }
    const text = `\${${attribute === '' ? to.id : `${to.id}.${attribute}`}}`
    const symbol = (why: string): Evaluated<Span> => ({ is: 'symbolic', parts: [{ text, why, to }], at })
    // While it is evaluated it refers to itself, so that a cycle ends.
    references.set(key, symbol(`${quote(key)} refers to itself`))
    const evaluated =
      attribute === ''
        ? evaluateRef(name, symbol, at)
        : (evaluateAttribute(name, type, attribute, at) ?? symbol(`${quote(key)} is known only at deployment`))
    references.set(key, evaluated)
    return evaluated
  }

  /** An output of a stack that is read as well. */
  function evaluateAttribute(name: string, type: string, attribute: string, at: Span): Evaluated<Span> | undefined {
    const [, output] = /^Outputs\.(.+)$/s.exec(attribute) ?? []
    if (output !== undefined) return surroundings.output(name, output)
    return type === 'Custom::CrossRegionExportReader'
      ? surroundings.published('region-export', literal(attribute, at))
      : undefined
  }

  function evaluateRef(name: string, symbol: (why: string) => Evaluated<Span>, at: Span): Evaluated<Span> {
    if (name === 'AWS::NoValue') return { is: 'absent', at }
    const parameter = template.parameters.get(name)?.value
    if (parameter !== undefined) return evaluateParameter(name, parameter, symbol, at)
    const resource = template.resources.get(name)?.value
    const property = REF_GIVES.get(textAt(resource, 'Type') ?? '')
    const value = property === undefined ? undefined : nodeAt(nodeAt(resource, 'Properties'), property)
    const evaluated = value === undefined ? undefined : evaluate(value)
    if (evaluated !== undefined && evaluated.is !== 'absent' && evaluated.is !== 'unknown') return evaluated
    if (resource !== undefined || name.startsWith('AWS::')) return symbol(`${quote(name)} is known only at deployment`)
    return symbol(`${quote(name)} is neither a parameter nor a resource of this file`)
  }

  function evaluateParameter(
    name: string,
    parameter: SourceNode,
    symbol: (why: string) => Evaluated<Span>,
    at: Span,
  ): Evaluated<Span> {
    const standard = nodeAt(parameter, 'Default')
    const type = textAt(parameter, 'Type') ?? 'String'
    const isList = type === 'CommaDelimitedList' || type.startsWith('List<')
    const argument = surroundings.argument(name)
    if (type.startsWith('AWS::SSM::')) {
      const path = argument ?? (standard && evaluate(standard))
      const stored = path && surroundings.published('ssm', path)
      return stored ?? symbol(`parameter ${quote(name)} is read from Parameter Store`)
    }
    if (argument?.is === 'unknown') return symbol(argument.why)
    if (argument !== undefined && argument.is !== 'absent') return isList ? listed(argument, at) : argument
    const allowed = isList ? undefined : allowedValues(name, parameter, at)
    if (allowed !== undefined) return allowed
    if (standard === undefined) return symbol(`parameter ${quote(name)} has no default`)
    // Placeholders for a value to be given: a name, ID or ARN is never empty, and Amplify's defaults are the
    // parameters' own names.
    if (standard.kind === 'scalar' && ['', name].includes(standard.text))
      return symbol(`parameter ${quote(name)} has no usable default`)
    if (standard.kind !== 'scalar') return symbol(`the default of parameter ${quote(name)} is not a plain value`)
    const evaluated = { ...evaluate(standard), assumes: [name] }
    return isList ? listed(evaluated, at) : evaluated
  }

  /** The possible values of a parameter, if the template lists them and they are not too many. */
  function allowedValues(name: string, parameter: SourceNode, at: Span): Evaluated<Span> | undefined {
    const allowed = nodeAt(parameter, 'AllowedValues')
    if (allowed?.kind !== 'list' || allowed.items.length === 0 || allowed.items.length > MAX_POSSIBILITIES)
      return undefined
    const values = allowed.items.map(item => {
      const when = [[[globalName(name), item.kind === 'scalar' ? item.text : '']]] as const
      const isPlain = item.kind === 'scalar' && !['', name].includes(item.text)
      if (!isPlain)
        return { is: 'unknown', why: `parameter ${quote(name)} may have no usable value`, at, when } as const
      return { ...evaluate(item), when }
    })
    return severalOf(values, `\${${globalName(name)}}`, `parameter ${quote(name)} has several allowed values`, at)
  }

  function substitute(argument: SourceNode, at: Span): Evaluated<Span> {
    const [template, variables] = argument.kind === 'list' ? argument.items : [argument]
    if (template?.kind !== 'scalar' || (variables !== undefined && variables.kind !== 'map')) {
      return unresolved('Fn::Sub', [evaluate(argument)], at, 'its text is evaluated at deployment')
    }
    // Serverless replaces its variables first, also in the string of a Sub.
    if (isVariable(template)) return evaluateScalar(template.text, template.text, at)
    const parts = template.text.split(/\$\{([^{}]*)\}/)
    return concatenate(
      parts.map((part, index) => {
        if (index % 2 === 0) return literal(part, at)
        const name = part.trim()
        if (name.startsWith('!')) return literal(`\${${name.slice(1)}}`, at)
        const variable = variables?.entries.get(name)
        if (variable !== undefined) return evaluate(variable.value)
        const [resource, attribute] = cut(name, '.')
        return reference(resource, attribute, at)
      }),
      'Fn::Sub',
      at,
    )
  }

  function join(argument: SourceNode, at: Span): Evaluated<Span> {
    const [delimiter, list] = argument.kind === 'list' ? argument.items.map(evaluate) : []
    if (delimiter?.is !== 'scalar' || list?.is !== 'list') {
      return unresolved('Fn::Join', [evaluate(argument)], at, 'the list to join is evaluated at deployment')
    }
    return concatenate(
      list.items.flatMap((item, index) => (index === 0 ? [item] : [literal(delimiter.text, at), item])),
      'Fn::Join',
      at,
    )
  }

  /** Joins strings; if one has several possible values, so does the result. */
  function concatenate(values: readonly Evaluated<Span>[], name: string, at: Span): Evaluated<Span> {
    const possibilities = values.reduce((count, value) => count * (value.is === 'one-of' ? value.values.length : 1), 1)
    if (possibilities > MAX_POSSIBILITIES)
      return { is: 'unknown', why: `it has more than ${MAX_POSSIBILITIES} possible values`, at }
    const first = values.find(value => value.is === 'one-of')
    if (first === undefined) return concatenateParts(values, at)
    let sequences: { readonly values: readonly Evaluated<Span>[]; readonly when: readonly Choices[] | undefined }[] = [
      { values: [], when: undefined },
    ]
    for (const value of values) {
      const choices = value.is === 'one-of' ? value.values : [value]
      sequences = sequences.flatMap(sequence =>
        choices.flatMap(choice => {
          const next = given(choice, sequence.when)
          return next === undefined ? [] : [{ values: [...sequence.values, next], when: next.when }]
        }),
      )
    }
    return severalOf(
      sequences.map(sequence => ({ ...concatenateParts(sequence.values, at), when: sequence.when })),
      nameOf(name, values),
      first.why,
      at,
    )
  }

  function concatenateParts(values: readonly Evaluated<Span>[], at: Span): Evaluated<Span> {
    const assumes = assumptionsOf(values)
    const parts: (string | TemplateSymbol)[] = []
    let literal = ''
    for (const value of values) {
      if (value.is === 'unknown') return { ...value, at }
      if (value.is !== 'scalar' && value.is !== 'symbolic')
        return { is: 'unknown', why: 'it joins something that is not a string', at }
      for (const part of value.is === 'scalar' ? [value.text] : value.parts) {
        joined += typeof part === 'string' ? part.length : (part.text?.length ?? 0)
        if (typeof part === 'string') literal += part
        else {
          if (literal !== '') parts.push(literal)
          literal = ''
          parts.push(part)
        }
      }
      if (joined > MAX_JOINED) return { is: 'unknown', why: 'the text is too long', at }
    }
    if (parts.length === 0) return { ...evaluateScalar(literal, literal, at), assumes }
    return { is: 'symbolic', parts: literal === '' ? parts : [...parts, literal], at, assumes }
  }

  function choose(argument: SourceNode, at: Span): Evaluated<Span> {
    const [name, whenTrue, whenFalse] = argument.kind === 'list' ? argument.items : []
    if (name?.kind !== 'scalar' || whenTrue === undefined || whenFalse === undefined) {
      return { is: 'unknown', why: '`Fn::If` needs a condition and two values', at }
    }
    const constant = condition(name.text)
    if (constant !== undefined) return evaluate(constant ? whenTrue : whenFalse)
    const [yes, no] = [evaluate(whenTrue), evaluate(whenFalse)]
    return severalOf(
      [yes, no].flatMap((value, index) =>
        chosen(value, [[[`condition ${globalName(name.text)}`, String(index === 0)]]]),
      ),
      nameOf(`Fn::If ${name.text}`, [yes, no]),
      `it depends on condition ${quote(name.text)}`,
      at,
    )
  }

  function severalOf(
    values: readonly Evaluated<Span>[],
    name: string | undefined,
    why: string,
    at: Span,
  ): Evaluated<Span> {
    possible += values.length
    if (possible > MAX_POSSIBILITIES_OF_ALL) return { is: 'unknown', why: 'the file has too many possible values', at }
    return oneOf(values, name, why, at)
  }

  function findInMap(argument: SourceNode, at: Span): Evaluated<Span> {
    const [map, first, second] = argument.kind === 'list' ? argument.items.map(evaluate) : []
    const why = 'the key to look up is known only at deployment'
    const unfound = (reason: string) => unresolved('Fn::FindInMap', [evaluate(argument)], at, reason)
    if (map?.is !== 'scalar' || first === undefined || second === undefined) return unfound(why)
    const otherwise = argument.kind === 'list' ? nodeAt(argument.items[3], 'DefaultValue') : undefined
    const mapping = template.mappings.get(map.text)?.value
    if (mapping?.kind !== 'map') {
      if (otherwise !== undefined) return { ...evaluate(otherwise), at }
      return { is: 'unknown', why: `there is no mapping ${quote(map.text)} in this file`, at }
    }
    const found = lookUp(lookUp([{ node: mapping, when: undefined }], first, otherwise), second, otherwise)
    const isPlain = first.is === 'scalar' && second.is === 'scalar'
    if (isPlain && found[0] === undefined) return unfound(`mapping ${quote(map.text)} has no such key`)
    if (found.length === 0 || found.length > MAX_POSSIBILITIES) return unfound(why)
    const assumes = assumptionsOf([first, second])
    const values = found.flatMap(({ node, when }) => given(evaluate(node), when) ?? [])
    const evaluated = severalOf(
      values,
      nameOf('Fn::FindInMap', [map, first, second]),
      whyOf(first) ?? whyOf(second) ?? why,
      at,
    )
    return assumes === undefined ? evaluated : { ...evaluated, assumes }
  }

  function select(argument: SourceNode, at: Span): Evaluated<Span> {
    const [index, list] = argument.kind === 'list' ? argument.items.map(evaluate) : []
    const selected = (from: Evaluated<Span>): Evaluated<Span> | undefined => {
      if (index?.is !== 'scalar' || from.is !== 'list') return undefined
      const item = /^\d+$/.test(index.text) ? from.items[Number(index.text)] : undefined
      return item === undefined
        ? { is: 'unknown', why: `\`Fn::Select\` finds no item ${quote(index.text)}`, at }
        : { ...item, at }
    }
    return (
      (list && each(list, selected, 'Fn::Select', at)) ??
      unresolved('Fn::Select', [evaluate(argument)], at, 'what it selects from is known only at deployment')
    )
  }

  function split(argument: SourceNode, at: Span): Evaluated<Span> {
    const [delimiter, text] = argument.kind === 'list' ? argument.items.map(evaluate) : []
    const pieces = (whole: Evaluated<Span>): Evaluated<Span> | undefined => {
      if (delimiter?.is !== 'scalar' || delimiter.text === '' || whole.is !== 'scalar') return undefined
      const { assumes } = whole
      const items = whole.text.split(delimiter.text).map(part => ({ ...literal(part, at), assumes }))
      return { is: 'list', items, at, assumes }
    }
    return (
      (text && each(text, pieces, 'Fn::Split', at)) ??
      unresolved('Fn::Split', [evaluate(argument)], at, 'what it splits is known only at deployment')
    )
  }

  /** The result of each possibility; undefined if one is not known. */
  function each(
    value: Evaluated<Span>,
    read: (one: Evaluated<Span>) => Evaluated<Span> | undefined,
    name: string,
    at: Span,
  ): Evaluated<Span> | undefined {
    if (value.is !== 'one-of') return read(value)
    const results = value.values.map(one => {
      const result = read(one)
      return result && { ...result, when: one.when }
    })
    if (!results.every(result => result !== undefined)) return undefined
    return severalOf(results, nameOf(name, [value]), value.why, at)
  }

  function condition(name: string): boolean | undefined {
    if (conditions.has(name)) return conditions.get(name)
    conditions.set(name, undefined)
    const node = template.conditions.get(name)?.value
    const holds = node === undefined ? undefined : decide(node)
    conditions.set(name, holds)
    return holds
  }

  /** Constant or not: parameters may be given another value than their default, so no default is looked at. */
  function decide(node: SourceNode): boolean | undefined {
    const [first] = node.kind === 'map' ? node.entries : []
    if (first === undefined || depth.value > MAX_NESTING) return undefined
    const [name, { value }] = first
    const operands = value.kind === 'list' ? value.items : []
    depth.value++
    try {
      switch (name) {
        case 'Condition':
          return value.kind === 'scalar' ? condition(value.text) : undefined
        case 'Fn::Not': {
          const holds = operands[0] === undefined ? undefined : decide(operands[0])
          return holds === undefined ? undefined : !holds
        }
        case 'Fn::And':
        case 'Fn::Or': {
          const decisive = name === 'Fn::Or'
          const held = new Set(operands.map(decide))
          return held.has(decisive) ? decisive : held.has(undefined) ? undefined : !decisive
        }
        case 'Fn::Equals': {
          const [left, right] = operands
          if (left?.kind !== 'scalar' || right?.kind !== 'scalar' || isVariable(left) || isVariable(right))
            return undefined
          return left.text === right.text
        }
        default:
          return undefined
      }
    } finally {
      depth.value--
    }
  }

  function parseJson(evaluated: Present<Span>): Evaluated<Span> {
    if (evaluated.is !== 'symbolic' && !(evaluated.is === 'scalar' && typeof evaluated.value === 'string'))
      return evaluated
    const { at } = evaluated
    const parts = evaluated.is === 'scalar' ? [evaluated.text] : evaluated.parts
    // A lone symbol may be JSON when deployed, or an object already.
    if (parts.length === 1 && typeof parts[0] !== 'string') return { is: 'unknown', why: whyOf(evaluated)!, at }
    // Private use characters stand for the symbols in the meantime, whatever the string contains.
    if (parts.some(part => typeof part === 'string' && /[\ue000\ue001]|\\ue00[01]/i.test(part)))
      return { is: 'unknown', why: 'it has a private character', at }
    const symbols = parts.filter(part => typeof part !== 'string')
    let index = 0
    const text = parts.map(part => (typeof part === 'string' ? part : `\ue000${index++}\ue001`)).join('')

    joined += text.length
    if (joined > MAX_JOINED) return { is: 'unknown', why: 'the file has too much JSON', at }

    function revive(value: unknown, depth: number): Evaluated<Span> {
      if (depth > MAX_NESTING) return { is: 'unknown', why: 'the JSON is nested too deep', at }
      if (value === null) return { is: 'absent', at }
      if (typeof value === 'string') return reviveString(value)
      if (typeof value === 'number' || typeof value === 'boolean')
        return { is: 'scalar', value, text: String(value), at }
      if (Array.isArray(value)) return { is: 'list', items: value.map(item => revive(item, depth + 1)), at }
      const entries = new Map<string, Evaluated<Span>>()
      const keys = new Map<string, Evaluated<Span>>()
      for (const [text, item] of Object.entries(value as object)) {
        const key = reviveString(text)
        const name = identityOf(key) ?? text
        keys.set(name, key)
        entries.set(name, revive(item, depth + 1))
      }
      return { is: 'map', entries, keys, at }
    }

    function reviveString(value: string): Evaluated<Span> {
      const pieces = value.split(/\ue000(\d+)\ue001/)
      if (pieces.length === 1) return literal(value, at)
      const restored = pieces.map((piece, position) => (position % 2 === 0 ? piece : symbols[Number(piece)]!))
      return { is: 'symbolic', parts: restored.filter(piece => piece !== ''), at }
    }

    let parsed: unknown
    try {
      parsed = JSON.parse(text)
    } catch {
      return { is: 'unknown', why: whyOf(evaluated) ?? 'the text is not JSON', at }
    }
    return hasRepeatedKeys(text, parsed) ? { is: 'unknown', why: 'its JSON has a key twice', at } : revive(parsed, 0)
  }

  return { evaluate, condition, parseJson, expand, assumedLoops }
}

/** A list in one string. */
function listed(evaluated: Evaluated<Span>, at: Span): Evaluated<Span> {
  if (evaluated.is !== 'scalar') return evaluated
  const { assumes } = evaluated
  const items = evaluated.text.split(',').map(item => ({ ...literal(item.trim(), at), assumes }))
  return { is: 'list', items, at, assumes }
}

/** The possibilities of a value that remain under a choice. */
function chosen(value: Evaluated<Span>, when: readonly Choices[]): readonly Evaluated<Span>[] {
  return (value.is === 'one-of' ? value.values : [value]).flatMap(one => given(one, when) ?? [])
}

function evaluateScalar(value: string | number | boolean | null, text: string, at: Span): Evaluated<Span> {
  if (value === null) return { is: 'absent', at }
  if (isVariable({ text }))
    return { is: 'symbolic', parts: [{ text, why: `${quote(text)} is resolved at deployment` }], at }
  return { is: 'scalar', value, text, at }
}

/** Whether something other than CloudFormation's template language replaces it. */
export function isVariable(node: { readonly text: string }): boolean {
  return SERVERLESS_VARIABLE.test(node.text) || DYNAMIC_REFERENCE.test(node.text)
}

function isFunction(key: string): boolean {
  return key === 'Ref' || key.startsWith('Fn::')
}

function hasLoop(keys: Iterable<string>): boolean {
  for (const key of keys) if (key.startsWith('Fn::ForEach::')) return true
  return false
}

/** The key by which a mapping gets entries at deployment that are not in the template. */
export function unseenKey(keys: Iterable<string>): string | undefined {
  for (const key of keys) if (key === 'Fn::Transform' || key.startsWith('Fn::ForEach::')) return key
  return undefined
}

/** A call with an unknown result; the same call with the same arguments has the same result. */
function unresolved(name: string, operands: readonly Evaluated<Span>[], at: Span, why: string): Evaluated<Span> {
  const named = nameOf(name, operands)
  const reason = firstWhy(operands) ?? why
  return named === undefined
    ? { is: 'unknown', why: reason, at }
    : { is: 'symbolic', parts: [{ text: named, why: reason }], at }
}

function nameOf(name: string, operands: readonly Evaluated<Span>[]): string | undefined {
  return enclose(`\${${name}(`, operands, ')}')
}

interface Row {
  readonly node: SourceNode
  readonly when: readonly Choices[] | undefined
}

/** The rows of a mapping that a key may lead to, and the value for a missing row. */
function lookUp(rows: readonly Row[], key: Evaluated<Span>, otherwise: SourceNode | undefined): readonly Row[] {
  if (rows.length > MAX_POSSIBILITIES) return rows
  const keys = key.is === 'one-of' ? key.values : [key]
  return rows.flatMap(row =>
    keys.flatMap(one => {
      const when = chosenTogether(row.when, one.when)
      if (when === 'never') return []
      if (row.node === otherwise) return [{ ...row, when }]
      const found = row.node.kind === 'map' ? rowsOf(row.node, one) : []
      const rest: Row[] =
        otherwise === undefined || (one.is === 'scalar' && found.length > 0) ? [] : [{ node: otherwise, when }]
      return [
        ...found.flatMap(next => {
          const both = chosenTogether(when, next.when)
          return both === 'never' ? [] : [{ node: next.node, when: both }]
        }),
        ...rest,
      ]
    }),
  )
}

/** With an unknown key any row, the same for the same key. */
function rowsOf(map: Extract<SourceNode, { kind: 'map' }>, key: Evaluated<Span>): readonly Row[] {
  if (key.is === 'scalar') {
    const entry = map.entries.get(key.text)
    return entry === undefined ? [] : [{ node: entry.value, when: undefined }]
  }
  const name = identityOf(key)
  return [...map.entries].map(([chosen, { value }]) => ({
    node: value,
    when: name === undefined ? undefined : [[[name, chosen]]],
  }))
}

/** The parts before and after the first such mark; everything is before if there is none. */
function cut(text: string, mark: string): readonly [string, string] {
  const index = text.indexOf(mark)
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + mark.length)]
}
