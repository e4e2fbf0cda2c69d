import { quote, RolecastError } from '../errors.js'
import { checkRecord, invalidOption, ownValue } from '../record.js'

export interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly unknown[]
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  /** Undefined: `NotPrincipal`. Values other than strings are references that are not resolved yet. */
  readonly principal: string | Readonly<Record<string, unknown>> | undefined
  readonly actions: readonly unknown[]
  readonly isNotAction: boolean
  readonly conditions: readonly Condition[]
  /** Elements that a trust policy does not have, such as `Resource`. */
  readonly hasOtherElements: boolean
}

const ELEMENTS: ReadonlySet<string> = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Condition',
])

export interface PolicyDocument {
  readonly document: object
  readonly statements: readonly Statement[]
  /** Whether the text has a key twice; JSON does not define which of the two counts. */
  readonly hasRepeatedKeys: boolean
}

export function readPolicy(trustPolicy: unknown): PolicyDocument {
  const { document, statements, hasRepeatedKeys } = readDocument(trustPolicy, 'the trust policy')
  return { document, statements: statements.map(readStatement), hasRepeatedKeys }
}

/**
 * The statements of a policy document, as they are written.
 *
 * @param what the document in words, such as `the trust policy`
 * @throws RolecastError `invalid-option`
 */
export function readDocument(
  given: unknown,
  what: string,
): Omit<PolicyDocument, 'statements'> & { readonly statements: readonly unknown[] } {
  const text = typeof given === 'string' ? decodePolicy(given, what) : undefined
  const parsed = text === undefined ? given : parsePolicy(text, what)
  const document = checkRecord(parsed, what, AS_RETURNED)
  const version = ownValue(document, 'Version')
  if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17') {
    throw invalidOption(`unknown policy version ${quote(version)}; use \`2012-10-17\``, given)
  }
  const statements = ownValue(document, 'Statement')
  if (statements === undefined) throw invalidOption(`${what} has no \`Statement\`; give the whole document`, given)
  return {
    document,
    statements: asList(statements),
    hasRepeatedKeys: text !== undefined && hasRepeatedKeys(text, parsed),
  }
}

/** IAM's GetRole gives it percent-encoded, some SDKs decode it. */
function decodePolicy(text: string, what: string): string {
  if (!/^\s*%/.test(text)) return text
  try {
    return decodeURIComponent(text)
  } catch (cause) {
    throw notJson(text, what, cause)
  }
}

function parsePolicy(text: string, what: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw notJson(text, what, cause)
  }
}

function notJson(value: string, what: string, cause: unknown): RolecastError {
  const message = `${what} is not JSON; give the document itself, or as IAM returns it`
  return new RolecastError('invalid-option', message, { value, cause })
}

/** Whether JSON text has an object with a key twice; the parsed object has only the last of the two. */
export function hasRepeatedKeys(json: string, parsed: unknown): boolean {
  return keysInText(json) !== keysInValue(parsed)
}

/** In JSON, a string is a key exactly if a colon follows it. */
function keysInText(json: string): number {
  let keys = 0
  for (let at = json.indexOf('"'); at >= 0; at = json.indexOf('"', at)) {
    for (at++; at < json.length && json[at] !== '"'; at++) if (json[at] === '\\') at++
    at++
    while (' \t\n\r'.includes(json[at] ?? '.')) at++
    if (json[at] === ':') keys++
  }
  return keys
}

function keysInValue(parsed: unknown): number {
  let keys = 0
  const left = [parsed]
  while (left.length > 0) {
    const value = left.pop()
    if (typeof value !== 'object' || value === null) continue
    const items: readonly unknown[] = Object.values(value)
    if (!Array.isArray(value)) keys += items.length
    for (const item of items) left.push(item)
  }
  return keys
}

function readStatement(value: unknown, index: number): Statement {
  const where = `statement ${index} of the trust policy`
  const statement = checkRecord(value, where, AS_RETURNED)
  const effect = ownValue(statement, 'Effect')
  if (effect !== 'Allow' && effect !== 'Deny')
    throw invalidOption(`${where} has the effect ${quote(effect)}; use \`Allow\` or \`Deny\``, value)

  const one = (name: string, opposite: string) => {
    const [given, other] = [ownValue(statement, name), ownValue(statement, opposite)]
    if ((given === undefined) === (other === undefined))
      throw invalidOption(`${where} needs either ${quote(name)} or ${quote(opposite)}; ${AS_RETURNED}`, value)
    return given
  }
  const principal = one('Principal', 'NotPrincipal')
  if (principal !== undefined && typeof principal !== 'string')
    checkRecord(principal, `\`Principal\` in ${where}`, AS_RETURNED)
  const action = one('Action', 'NotAction')
  const actions = asList(action ?? ownValue(statement, 'NotAction'))
  for (const name of [
    ...actions,
    ...(typeof principal === 'object' ? Object.values(principal as object).flatMap(asList) : []),
  ]) {
    if (typeof name === 'string' || (typeof name === 'object' && name !== null)) continue
    throw invalidOption(`${where} has ${quote(name)} in place of a string; ${AS_RETURNED}`, value)
  }
  return {
    effect,
    principal: principal as Statement['principal'],
    actions,
    isNotAction: action === undefined,
    conditions: readConditions(ownValue(statement, 'Condition') ?? {}, where),
    hasOtherElements: Object.keys(statement).some(element => !ELEMENTS.has(element)),
  }
}

export function readConditions(value: unknown, where: string): readonly Condition[] {
  return Object.entries(checkRecord(value, `\`Condition\` in ${where}`, AS_RETURNED)).flatMap(([operator, keys]) =>
    Object.entries(checkRecord(keys, `${quote(operator)} in ${where}`, AS_RETURNED)).map(([key, values]) => ({
      operator,
      key,
      values: asList(values).map(one => (typeof one === 'boolean' || typeof one === 'number' ? String(one) : one)),
    })),
  )
}

/** What to do about a document of another shape. */
export const AS_RETURNED = 'give the document as IAM returns it'

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}
