import { quote, RolecastError } from '../errors.js'
import { checkRecord, invalidOption, ownValue } from '../record.js'

export interface Condition {
  readonly operator: string
  readonly key: string
  readonly values: readonly unknown[]
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny'
  /** Undefined: `NotPrincipal`. Values that are no text are references not resolved yet. */
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

export function readStatements(trustPolicy: unknown): readonly Statement[] {
  const policy = checkRecord(
    typeof trustPolicy === 'string' ? parsePolicy(trustPolicy) : trustPolicy,
    'a trust policy',
    AS_RETURNED,
  )
  const version = ownValue(policy, 'Version')
  if (version !== undefined && version !== '2012-10-17' && version !== '2008-10-17') {
    throw invalidOption(`${quote(version)} is no version of the policy language; use \`2012-10-17\``, trustPolicy)
  }
  const statements = ownValue(policy, 'Statement')
  if (statements === undefined)
    throw invalidOption('the trust policy has no `Statement`; give the whole document', trustPolicy)
  return asList(statements).map(readStatement)
}

/** IAM's GetRole gives it percent-encoded, some SDKs decode it. */
function parsePolicy(text: string): unknown {
  try {
    return JSON.parse(/^\s*%/.test(text) ? decodeURIComponent(text) : text)
  } catch (cause) {
    throw new RolecastError(
      'invalid-option',
      'the trust policy is not JSON; give the document itself, or as IAM returns it',
      {
        value: text,
        cause,
      },
    )
  }
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
      throw invalidOption(`${where} needs either ${quote(name)} or ${quote(opposite)}`, value)
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
    throw invalidOption(`${where} names ${quote(name)} where a name belongs`, value)
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

function readConditions(value: unknown, where: string): readonly Condition[] {
  return Object.entries(checkRecord(value, `\`Condition\` in ${where}`, AS_RETURNED)).flatMap(([operator, keys]) =>
    Object.entries(checkRecord(keys, `${quote(operator)} in ${where}`, AS_RETURNED)).map(([key, values]) => ({
      operator,
      key,
      values: asList(values).map(one => (typeof one === 'boolean' || typeof one === 'number' ? String(one) : one)),
    })),
  )
}

/** What to do about a document of another shape. */
const AS_RETURNED = 'give the document as IAM returns it'

export function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}
