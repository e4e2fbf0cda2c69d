import { quote } from '../../errors.js'
import type { Infrastructure, Location, NotFollowed, Suppression } from '../../rules/infrastructure.js'
import { loneSymbol, type Reference, refersTo, type TemplateSymbol, whyUnknown } from '../evaluated.js'
import { parseIgnoreComment } from '../ignore-comment.js'
import { type AwsResource, toInfrastructure } from '../terraform/aws-resources.js'
import { ABSENT, fromJson, listOfTerms, referenceText, scalar, type Term, unknown } from '../terraform/term.js'
import { type Entry, nodeAt, readYamlDocument, type SourceDocument, type SourceNode, textAt } from '../yaml-document.js'
import {
  attributeName,
  awsTypeOf,
  canonicalType,
  isBlock,
  notFollowedType,
  providerOf,
  terraformName,
  withClassicMappings,
} from './types.js'

/**
 * Reads a Pulumi program in YAML: `Pulumi.yaml` or `Main.yaml` with `resources`. Variables, references between
 * resources, `fn::toJSON`, `fn::join` and the defaults of configuration are evaluated; other functions are not run.
 *
 * The classic provider (`aws:`) is built on Terraform's, so its groups rank in the same way; those of `aws-native:` do
 * not.
 *
 * @throws RolecastError `invalid-input`, with the line and the column
 * @see https://www.pulumi.com/docs/iac/languages-sdks/yaml/yaml-language-reference/
 */
export function readPulumiProgram(text: string, path: string): Infrastructure {
  const document = readYamlDocument(text, path)
  const resources = entriesOf(nodeAt(document.root, 'resources'))
  const evaluator = createEvaluator(document)
  const read: AwsResource[] = []
  const notFollowed: NotFollowed[] = componentsIn(document)
  for (const [id, entry] of resources) {
    const pulumiType = canonicalType(textAt(entry.value, 'type') ?? '')
    const location: Location = {
      ...document.locate({ start: entry.key.start, end: Math.max(entry.key.end, entry.value.end) }),
      construct: id,
    }
    const type = awsTypeOf(pulumiType)
    if (type === undefined) {
      const found = notFollowedType(pulumiType, id, location, () =>
        /cognito|user-?pool/i.test(text.slice(entry.value.start, entry.value.end)),
      )
      if (found !== undefined) notFollowed.push(found)
      continue
    }
    // A resource that is read from AWS by its ID is not created here.
    if (nodeAt(entry.value, 'get') !== undefined && type !== 'aws_cognito_user_pool') continue
    read.push({
      type,
      id,
      location,
      attributes: withClassicMappings(pulumiType, evaluator.attributes(id)),
      provider: providerOf(pulumiType),
    })
  }
  return toInfrastructure({
    format: 'pulumi-yaml',
    paths: [path],
    resources: read,
    notFollowed,
    suppressions: suppressionsIn(document, resources),
  })
}

function entriesOf(node: SourceNode | undefined): ReadonlyMap<string, Entry> {
  return node?.kind === 'map' ? node.entries : new Map()
}

/** Components that a program defines for others are not created by it. */
function componentsIn(document: SourceDocument): NotFollowed[] {
  return [...entriesOf(nodeAt(document.root, 'components'))].flatMap(([name, { key, value }]) => {
    const types = [...entriesOf(nodeAt(value, 'resources')).values()].map(one => textAt(one.value, 'type') ?? '')
    if (!types.some(type => /cognito/i.test(type))) return []
    return [
      {
        what: `The component ${quote(name)}`,
        why: 'where it is used, and with which inputs, is not looked into',
        next: 'Validate the preview of a program that uses it: `pulumi preview --json`',
        location: { ...document.locate(key), construct: name },
      },
    ]
  })
}

interface Evaluator {
  /** A resource's properties under Terraform's names. */
  readonly attributes: (resource: string) => ReadonlyMap<string, Term>
}

const MAX_DEPTH = 50
/** The most values of a program that are evaluated: variables can use one another many times. */
const MAX_STEPS = 200_000

function createEvaluator(document: SourceDocument): Evaluator {
  const { root } = document
  const resources = entriesOf(nodeAt(root, 'resources'))
  const variables = entriesOf(nodeAt(root, 'variables'))
  const settings = new Map([...entriesOf(nodeAt(root, 'configuration')), ...entriesOf(nodeAt(root, 'config'))])
  const known = new Map<string, Term | 'open'>()
  let depth = 0
  let steps = 0

  const located = (term: Term, node: SourceNode): Term => ({ ...term, at: document.locate(node) })

  function evaluate(node: SourceNode | undefined, keys: Keys = 'written'): Term {
    if (node === undefined) return ABSENT
    if (depth >= MAX_DEPTH || ++steps > MAX_STEPS) return located(unknown('it is too complex'), node)
    depth++
    const term = located(evaluateShallow(node, keys), node)
    depth--
    return term
  }

  function evaluateShallow(node: SourceNode, keys: Keys): Term {
    const inside = keys === 'block' ? 'properties' : keys
    switch (node.kind) {
      case 'scalar':
        return typeof node.value === 'string' ? interpolate(node.value) : fromJson(node.value)
      case 'list':
        return listOfTerms(node.items.map(item => evaluate(item, inside)))
      case 'map': {
        const [[name, entry] = [], ...others] = node.entries
        if (entry !== undefined && others.length === 0 && /^fn::/i.test(name!)) return call(name!, entry.value)
        const entries = [...node.entries].map(
          ([key, { value }]) => [keys === 'properties' ? terraformName(key) : key, evaluate(value, inside)] as const,
        )
        return { is: 'map', entries: new Map(entries), at: undefined }
      }
      default:
        return unknown(node.why)
    }
  }

  /** Functions by their lower-case names: `Fn::ToJSON` is an older form of `fn::toJSON`. */
  function call(name: string, node: SourceNode): Term {
    switch (name.toLowerCase()) {
      case 'fn::tojson':
        return toJson(evaluate(node))
      case 'fn::secret':
        return evaluate(node)
      case 'fn::join': {
        const parts = evaluate(node)
        const [separator, list] = parts.is === 'list' ? parts.items : []
        if (separator?.is !== 'scalar' || list?.is !== 'list') return unknown(`${quote(name)} has other arguments`)
        return concatenate(list.items.flatMap((item, index) => (index === 0 ? [item] : [separator, item])))
      }
      default:
        return unknown(`the result of ${quote(name)} is known only when the program runs`)
    }
  }

  function interpolate(text: string): Term {
    const parts = splitInterpolation(text)
    const [only] = parts
    if (only !== undefined && parts.length === 1)
      return typeof only === 'string' ? scalar(only) : resolve(only.expression)
    return concatenate(parts.map(part => (typeof part === 'string' ? scalar(part) : resolve(part.expression))))
  }

  function resolve(expression: string): Term {
    const [name, ...path] = splitPath(expression)
    if (name === undefined) return unknown(`${quote(`\${${expression}}`)} is not understood`)
    const own = known.get(expression)
    if (own === 'open') return unknown(`${quote(name)} refers to itself`)
    if (own !== undefined) return own
    known.set(expression, 'open')
    const term = resolveName(name, path, expression)
    known.set(expression, term)
    return term
  }

  function resolveName(name: string, path: readonly string[], expression: string): Term {
    const resource = resources.get(name)
    if (resource !== undefined) return ofResource(name, resource.value, path)
    const variable = variables.get(name)
    if (variable !== undefined) return path.reduce(stepInto, evaluate(variable.value))
    const setting = settings.get(name)
    if (setting !== undefined) return path.reduce(stepInto, ofSetting(name, setting.value))
    return symbol(expression, `${quote(`\${${expression}}`)} is known only when the program runs`)
  }

  /** An output that is also an input has the input's value. */
  function ofResource(id: string, resource: SourceNode, path: readonly string[]): Term {
    const type = awsTypeOf(canonicalType(textAt(resource, 'type') ?? '')) ?? ''
    const [property, ...others] = path
    const given = property === undefined ? undefined : nodeAt(nodeAt(resource, 'properties'), property)
    if (given !== undefined && property !== 'id' && property !== 'arn') return others.reduce(stepInto, evaluate(given))
    // A user pool that is read from AWS has an id that is known.
    const existing = nodeAt(nodeAt(resource, 'get'), 'id')
    if (existing !== undefined && property === 'id') return evaluate(existing)
    const to: Reference = { id, type, attribute: property === undefined ? '' : terraformName(property) }
    const why = `it is known only when ${quote(id)} is created`
    if (others.length > 0) return unknown(why, [to])
    return { is: 'symbolic', parts: [{ text: referenceText(to), why, to }], at: undefined }
  }

  /** A default, which the stack's file may replace. */
  function ofSetting(name: string, node: SourceNode): Term {
    const value = node.kind === 'map' ? (nodeAt(node, 'value') ?? nodeAt(node, 'default')) : node
    if (value === undefined) return symbol(name, `the setting ${quote(name)} has no default`)
    return { ...evaluate(value), assumes: [name] }
  }

  function attributes(id: string): ReadonlyMap<string, Term> {
    const resource = resources.get(id)?.value
    const pulumiType = canonicalType(textAt(resource, 'type') ?? '')
    const result = new Map<string, Term>()
    const existing = nodeAt(nodeAt(resource, 'get'), 'id')
    if (existing !== undefined) result.set('id', evaluate(existing))
    const properties = nodeAt(resource, 'properties')
    if (properties !== undefined && properties.kind !== 'map') {
      const why = properties.kind === 'opaque' ? properties.why : 'its properties are not a mapping'
      for (const property of ['userPoolId', 'groupName', 'name', 'precedence', 'roleArn'])
        result.set(attributeName(pulumiType, property), located(unknown(why), properties))
    }
    for (const [property, { value }] of entriesOf(properties)) {
      const name = attributeName(pulumiType, property)
      const term = evaluate(value, isBlock(property) ? 'block' : 'written')
      result.set(name, name === 'assume_role_policy' && term.is === 'map' ? { ...toJson(term), at: term.at } : term)
    }
    const named = GENERATED.get(awsTypeOf(pulumiType) ?? '')
    if (named !== undefined && !result.has(named)) result.set(named, unknown('Pulumi generates one'))
    return result
  }

  return { attributes }
}

/** The properties for which Pulumi generates a name if none is given. */
const GENERATED: ReadonlyMap<string, string> = new Map([['aws_cognito_user_group', 'name']])

/**
 * What the keys in a value are: property names, the author's own keys, or the author's keys outside and property names
 * inside.
 */
type Keys = 'properties' | 'written' | 'block'

function symbol(text: string, why: string): Term {
  return { is: 'symbolic', parts: [{ text: `\${${text}}`, why }], at: undefined }
}

/** The value in a list or a mapping; a part of an unknown value is unknown too. */
function stepInto(term: Term, key: string): Term {
  const value =
    term.is === 'map'
      ? term.entries.get(key)
      : term.is === 'list' && /^\d{1,9}$/.test(key)
        ? term.items[Number(key)]
        : undefined
  return value ?? unknown(whyUnknown(term) ?? `there is no ${quote(key)} in it`, refersTo(term))
}

interface Hole {
  readonly expression: string
}

/** The texts and the expressions of `a-${pool.id}`; `$${` stands for `${`. */
function splitInterpolation(text: string): readonly (string | Hole)[] {
  const parts: (string | Hole)[] = []
  let literal = ''
  let index = 0
  while (index < text.length) {
    if (text.startsWith('$${', index)) {
      literal += '${'
      index += 3
    } else if (text.startsWith('${', index)) {
      const end = text.indexOf('}', index)
      if (end < 0) break
      if (literal !== '') parts.push(literal)
      literal = ''
      parts.push({ expression: text.slice(index + 2, end).trim() })
      index = end + 1
    } else {
      literal += text.charAt(index)
      index++
    }
  }
  literal += text.slice(index)
  return literal === '' && parts.length > 0 ? parts : [...parts, literal]
}

/** `a.b[0]["c"]` as `a`, `b`, `0`, `c`; empty for any other form. */
function splitPath(expression: string): readonly string[] {
  if (!/^[\w:-]+(?:\.[\w:-]+|\[\d+\]|\["[^"\]]*"\])*$/.test(expression)) return []
  return [...expression.matchAll(/\["([^"\]]*)"\]|([\w:-]+)/g)].map(([, quoted, plain]) => quoted ?? plain!)
}

const MAX_TEXT = 100_000

function concatenate(terms: readonly Term[]): Term {
  const parts: (string | TemplateSymbol)[] = []
  let length = 0
  for (const term of terms) {
    if (term.is === 'scalar') parts.push(term.text)
    else if (term.is === 'symbolic') parts.push(...term.parts)
    else return unknown(whyUnknown(term) ?? 'a part of it is not a string', terms.flatMap(refersTo))
    length += parts.length + (term.is === 'scalar' ? term.text.length : 0)
    if (length > MAX_TEXT) return unknown('it is too long')
  }
  return fromParts(parts, assumed(terms))
}

function assumed(terms: readonly Term[]): readonly string[] {
  return [...new Set(terms.flatMap(({ assumes }) => assumes ?? []))]
}

function fromParts(parts: readonly (string | TemplateSymbol)[], assumes: readonly string[]): Term {
  const isKnown = parts.every(part => typeof part === 'string')
  const term: Term = isKnown ? scalar(parts.join('')) : { is: 'symbolic', parts, at: undefined }
  return assumes.length === 0 ? term : { ...term, assumes }
}

const MAX_PARTS = 50_000

/** An unknown part becomes a hole in the string. */
function toJson(term: Term): Term {
  const parts: (string | TemplateSymbol)[] = []
  const write = (value: Term): void => {
    // A variable that occurs many times is written out each time.
    if (parts.length > MAX_PARTS) return
    switch (value.is) {
      case 'list':
        parts.push('[')
        value.items.forEach((item, index) => {
          if (index > 0) parts.push(',')
          write(item)
        })
        return void parts.push(']')
      case 'map': {
        let mark = '{'
        for (const [key, item] of value.entries) {
          parts.push(`${mark}${JSON.stringify(key)}:`)
          mark = ','
          write(item)
        }
        return void parts.push(value.entries.size === 0 ? '{}' : '}')
      }
      case 'scalar':
        return void parts.push(JSON.stringify(value.value))
      case 'absent':
        return void parts.push('null')
      default: {
        const holes = loneSymbol(value) === undefined && value.is === 'symbolic' ? value.parts : [holeOf(value)]
        const texts = holes.map(part => (typeof part === 'string' ? JSON.stringify(part).slice(1, -1) : part))
        return void parts.push('"', ...texts, '"')
      }
    }
  }
  write(term)
  return parts.length > MAX_PARTS ? unknown('it is too long') : fromParts(parts, [])
}

function holeOf(term: Term): TemplateSymbol {
  return loneSymbol(term) ?? { why: whyUnknown(term) ?? 'it is not known', refers: refersTo(term) }
}

/** A comment is about the resource that it is in or above; before everything else it is about the file. */
function suppressionsIn(document: SourceDocument, resources: ReadonlyMap<string, Entry>): readonly Suppression[] {
  const places = [...resources].map(([id, { key, value }]) => ({ id, start: key.start, end: value.end }))
  return document.comments.flatMap(comment => {
    const parsed = parseIgnoreComment(comment.text)
    if (parsed === undefined) return []
    const location = document.locate(comment)
    if (comment.start < document.root.start) return [{ ...parsed, location }]
    const place = places.find(
      ({ end }) => comment.start < end || document.locate({ start: end, end }).line === location.line,
    )
    return [{ ...parsed, target: place?.id ?? '(no resource)', location }]
  })
}
