import { posix } from 'node:path'
import { compareText } from '../../text.js'
import { field, type JsonRecord, parseJsonRecord, type TextSource } from '../json-text.js'
import type { SourceFile } from '../reading.js'
import type { HclParser } from './hcl-parser.js'
import { evaluateTemplate } from './hcl-expression.js'
import { toSet } from './hcl-functions.js'
import { type Budget, type HclFunction, MAX_NESTING, type Scope, toBoolean, TOO_MUCH, toNumber } from './hcl-values.js'
import { evaluate } from './evaluate.js'
import { ABSENT, listOfTerms, mapOfTerms, scalar, type Term, unknown } from './term.js'

/** The allowed values in a variable file: literals. */
export function literalScope(budget: Budget): Scope {
  return {
    bindings: new Map(),
    budget,
    lookUp: () => ({ term: unknown('a variable in it is not known here'), taken: 0 }),
  }
}

/** A type is read as an expression of these functions. */
const CONSTRUCTORS: ReadonlyMap<string, HclFunction> = new Map<string, HclFunction>(
  ['map', 'list', 'set', 'tuple', 'object', 'optional'].map(kind => [
    kind,
    ([of = scalar('any'), preset]) =>
      mapOfTerms([['kind', scalar(kind)], ['of', of], ...(preset === undefined ? [] : [['preset', preset] as const])]),
  ]),
)

function typeScope(budget: Budget): Scope {
  return {
    bindings: new Map(),
    budget,
    functions: CONSTRUCTORS,
    lookUp: name => ({ term: scalar(name), taken: 0 }),
  }
}

/**
 * A value as the variable has it: converted to the type, with the defaults of `optional` attributes that are missing or
 * null.
 *
 * @see https://developer.hashicorp.com/terraform/language/expressions/type-constraints
 */
export function convertToVariable(value: Term, variable: JsonRecord, budget: Budget): Term {
  const written = field(variable, 'type')
  if (typeof written !== 'string') return value
  const type = evaluateTemplate(written.startsWith('${') ? written : `\${${written}}`, typeScope(budget))
  return convert(value, type, budget, 0)
}

/** Whether a null stays null; if not, the default replaces it. */
export function isNullable(variable: JsonRecord): boolean {
  return field(variable, 'nullable') !== false
}

function entry(type: Term, key: string): Term {
  return type.is === 'map' ? (type.entries.get(key) ?? ABSENT) : ABSENT
}

function convert(value: Term, type: Term, budget: Budget, depth: number): Term {
  if (budget.left-- <= 0) return TOO_MUCH
  if (depth > MAX_NESTING) return unknown('it is nested too deeply')
  const inner = (item: Term, of: Term) => convert(item, of, budget, depth + 1)
  const kind = type.is === 'scalar' ? type.text : entry(type, 'kind')
  if (typeof kind === 'string') return convertScalar(value, kind)
  const [name, of] = [kind.is === 'scalar' ? kind.text : '', entry(type, 'of')]
  if (name === 'object' && value.is === 'map') return convertObject(value, of, inner)
  if (name === 'map' && value.is === 'map')
    return { ...mapOfTerms([...value.entries].map(([key, item]) => [key, inner(item, of)] as const)), at: value.at }
  if ((name === 'list' || name === 'set') && value.is === 'list') {
    const items = value.items.map(item => inner(item, of))
    if (name === 'list') return { ...listOfTerms(items), at: value.at }
    const elements = toSet(items)
    return elements === undefined
      ? unknown('it is not known which elements of a set are the same')
      : { ...listOfTerms(elements), at: value.at }
  }
  if (name === 'tuple' && value.is === 'list' && of.is === 'list')
    return {
      ...listOfTerms(value.items.map((item, index) => inner(item, of.items[index] ?? scalar('any')))),
      at: value.at,
    }
  return value
}

function convertScalar(value: Term, kind: string): Term {
  if (value.is !== 'scalar') return value
  if (kind === 'string' && typeof value.value !== 'string') return { ...value, value: value.text }
  if (kind === 'number') return withScalar(value, toNumber(value))
  return kind === 'bool' ? withScalar(value, toBoolean(value)) : value
}

/** A value that cannot be converted stays, and a rule reports it. */
function withScalar(value: Term, converted: number | boolean | undefined): Term {
  return converted === undefined ? value : { ...scalar(converted), at: value.at }
}

/** Only the attributes of the type are kept. */
function convertObject(
  value: Extract<Term, { is: 'map' }>,
  attributes: Term,
  inner: (item: Term, of: Term) => Term,
): Term {
  if (attributes.is !== 'map') return value
  const converted = [...attributes.entries].flatMap(([name, type]): [string, Term][] => {
    const given = value.entries.get(name)
    const kind = entry(type, 'kind')
    if (kind.is !== 'scalar' || kind.text !== 'optional') return given === undefined ? [] : [[name, inner(given, type)]]
    const isMissing = given === undefined || given.is === 'absent'
    return [[name, inner(isMissing ? entry(type, 'preset') : given, entry(type, 'of'))]]
  })
  return { ...mapOfTerms(converted), at: value.at }
}

/** The value that the last of the variable files gives a variable; undefined if none does. */
export function givenValue(contents: readonly unknown[], name: string, budget: Budget): Term | undefined {
  const values = contents.map(content => field(content, name))
  const value = values.findLast(one => one !== undefined)
  return value === undefined ? undefined : evaluate(value, literalScope(budget))
}

export function isVariableFile(path: string): boolean {
  return /\.tfvars(?:\.json)?$/.test(path)
}

/**
 * The variable files that a root reads automatically, in their order: the last that sets a value wins.
 *
 * @see https://developer.hashicorp.com/terraform/language/values/variables
 */
export function ownVariableFiles(files: readonly SourceFile[]): readonly SourceFile[] {
  const named = (name: string) => files.filter(({ path }) => posix.basename(path) === name)
  const automatic = files.filter(({ path }) => /\.auto\.tfvars(?:\.json)?$/.test(path))
  return [
    ...named('terraform.tfvars'),
    ...named('terraform.tfvars.json'),
    ...automatic.toSorted((a, b) => compareText(posix.basename(a.path), posix.basename(b.path))),
  ]
}

/** @throws RolecastError, as a rejection: `invalid-input` for anything other than HCL or JSON */
export async function parseVariableFile({ path, text }: SourceFile, parse: HclParser): Promise<unknown> {
  const source: TextSource = { path, kind: 'variable file', next: 'correct it (`terraform validate` says more)' }
  return path.endsWith('.json') ? parseJsonRecord(text, source) : parse(text, source)
}

const GIVEN = /^[ \t]{0,20}"?([\p{ID_Start}_][\p{ID_Continue}-]{0,200})"?[ \t]{0,100}[=:]/gmu

/** The names of the variables that a variable file seems to set, found without parsing it. */
export function variableNames(text: string): readonly string[] {
  return [...text.matchAll(GIVEN)].map(([, name]) => name!)
}
