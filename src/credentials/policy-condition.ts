import { type Maybe, or, not } from './three-valued.js'

interface Operator {
  readonly set: 'ForAnyValue' | 'ForAllValues' | undefined
  readonly ifExists: boolean
  readonly isNull: boolean
  readonly negated: boolean
  readonly matches: (value: string, pattern: string) => Maybe
}

const NULL_OPERATOR: Operator = {
  set: undefined,
  ifExists: false,
  isNull: true,
  negated: false,
  matches: () => undefined,
}

/** Undefined: not an operator that compares text or tests for presence. */
export function parseOperator(name: string): Operator | undefined {
  const [, set, base, ifExists] = /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(name) ?? []
  if (base === 'Null') return set || ifExists ? undefined : NULL_OPERATOR
  const [, negation, comparison] = /^String(Not)?(Equals|EqualsIgnoreCase|Like)$/.exec(base ?? '') ?? []
  if (comparison === undefined) return undefined
  return {
    set: set as Operator['set'],
    ifExists: ifExists !== undefined,
    isNull: false,
    negated: negation !== undefined,
    matches: (value, pattern) => {
      if (pattern.includes('${')) return undefined
      if (comparison === 'Like') return isLike(value, pattern)
      return comparison === 'Equals' ? value === pattern : value.toLowerCase() === pattern.toLowerCase()
    },
  }
}

/** `claim` is undefined when the request does not have it. */
export function judgeClaim(
  claim: string | undefined,
  operator: Operator,
  patterns: readonly string[],
  caller: Caller,
): Maybe {
  const { set, negated } = operator
  if (operator.isNull)
    return or(
      ...patterns.map(text => (/^(true|false)$/.test(text) ? (claim === undefined) === (text === 'true') : undefined)),
    )
  if (claim === undefined) return judgeAbsent(operator)
  if (claim === 'sub') return undefined
  if (claim === 'aud') return judgeValue(caller.audience, operator, patterns)

  const known = judgeValue(caller.guest ? 'unauthenticated' : 'authenticated', operator, patterns)
  const provider = caller.guest ? known : judgeProvider(operator, patterns)
  const any = or(known, provider)
  // It is not certain that the value for the provider is always there, so it alone does not make a condition fail.
  const all = known === false ? false : known && provider ? true : undefined
  if (set !== undefined) return set === 'ForAnyValue' ? any : all
  // AWS: "Multivalued context keys require a condition set operator", and nothing on what happens without one. It may
  // compare some value, all of them, or none.
  return any === all && any === negated ? any : undefined
}

function judgeAbsent({ ifExists, set, negated }: Operator): Maybe {
  if (ifExists || set === 'ForAllValues') return true
  // AWS has two sentences on a negated ForAnyValue: one says true and one says false.
  return set === 'ForAnyValue' && negated ? undefined : negated
}

/** Several values in the policy are alternatives; of a negated operator, none of them may match. */
function judgeValue(value: string, { matches, negated }: Operator, patterns: readonly string[]): Maybe {
  const matched = or(...patterns.map(pattern => matches(value, pattern)))
  return negated ? not(matched) : matched
}

/** The value for the login provider: the policy does not say which it is, but it is neither of the other two. */
function judgeProvider({ matches, negated }: Operator, patterns: readonly string[]): Maybe {
  const matched = or(
    ...patterns.map(pattern => {
      if (/^(un)?authenticated$/i.test(pattern)) return false
      return /^\*+$/.test(pattern) ? matches('any provider', pattern) : undefined
    }),
  )
  return negated ? not(matched) : matched
}

/** `*` stands for any text, `?` for any character. Linear in the product of the lengths, whatever the pattern. */
export function isLike(value: string, pattern: string): boolean {
  let [at, from, star, resume] = [0, 0, -1, 0]
  while (at < value.length) {
    if (pattern[from] === '*') {
      star = from++
      resume = at
    } else if (pattern[from] === '?' || pattern[from] === value[at]) {
      at++
      from++
    } else if (star === -1) {
      return false
    } else {
      from = star + 1
      at = ++resume
    }
  }
  while (pattern[from] === '*') from++
  return from === pattern.length
}

/** The user for whom the role's credentials are requested from STS. */
export interface Caller {
  readonly names: ServiceNames
  /** The `aud` of the identity pool's token. */
  readonly audience: string
  /** The `amr` of a guest is `unauthenticated` alone, a signed-in user's has `authenticated` and the login provider. */
  readonly guest: boolean
}

/** What identity pools are called in policies, by partition. */
export interface ServiceNames {
  /** The principal that AWS documents. */
  readonly principals: readonly string[]
  /** What the condition keys begin with, as AWS documents it. */
  readonly keyPrefixes: readonly string[]
  /** Names that occur in the partition; AWS does not document whether they count. */
  readonly uncertain: readonly string[]
}
