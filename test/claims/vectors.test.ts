import { describe, expect, test } from 'vitest'
import { accessTokenClaims, type Resolution, resolveRoles, type RoleClaims } from '../../src/claims/resolve.js'
import { modelResolve } from '../models/resolve-model.js'
import vectors from '../vectors/claims.json' with { type: 'json' }

type Vector = (typeof vectors)[number]
type Resolver = typeof modelResolve

/** What the vector says, read off a resolver. */
function forecast(vector: Vector, resolve: Resolver) {
  const observed = resolve(vector.groups)
  return {
    ...vector,
    expected: {
      groups: sorted(observed.groups),
      roles: sorted(observed.roles),
      preferredRole: observed.preferredRole ?? null,
      outcome: observed.outcome,
      rule: observed.rule,
      candidateRole: observed.candidateRole ?? null,
    },
    documentedProfile: resolve(vector.groups, 'documented').preferredRole ?? null,
    evidence: observed.evidence,
  }
}

const sorted = (some: readonly string[]) => some.toSorted()
const withSets = (vector: Vector) => ({
  ...vector,
  expected: { ...vector.expected, groups: sorted(vector.expected.groups), roles: sorted(vector.expected.roles) },
})

interface Tokens {
  readonly id: RoleClaims
  readonly access: RoleClaims
}
/** The claims with their lists as sets; a claim that is absent stays so. */
const asSets = (claims: RoleClaims) =>
  Object.fromEntries(
    Object.entries(claims).map(([name, value]) => [name, typeof value === 'string' ? value : sorted(value)]),
  )

const product: Resolver = (groups, semantics) => resolveRoles(groups, { semantics })

describe('the recorded vectors', () => {
  test.each(vectors)('$id: $description', vector => {
    expect(forecast(vector, product)).toStrictEqual(withSets(vector))
  })

  test.each(vectors)('$id holds for the model too', vector => {
    expect(forecast(vector, modelResolve)).toStrictEqual(withSets(vector))
  })

  test('every row of the table that a user pool decides has a vector, and no id comes twice', () => {
    const ids = vectors.map(vector => vector.id)
    const rows = Array.from({ length: 17 }, (_, index) => `row-${index + 1}`)
    expect(ids).toEqual(expect.arrayContaining(rows))
    expect(new Set(ids).size).toBe(vectors.length)
  })

  const captured = vectors.flatMap(vector =>
    'tokens' in vector ? [{ ...vector, tokens: vector.tokens as Tokens }] : [],
  )

  test.each(captured)('$id: both tokens have the claims of the capture, and no others', ({ groups, tokens }) => {
    const resolution = resolveRoles(groups)
    expect(asSets(resolution.claims)).toStrictEqual(asSets(tokens.id))
    expect(asSets(accessTokenClaims(resolution))).toStrictEqual(asSets(tokens.access))
  })

  test('there are 13 captured tokens of each kind, each observed, and `documented` contradicts the two in which no role has a number', () => {
    expect(captured.map(({ evidence }) => evidence)).toEqual(Array.from({ length: 13 }, () => 'observed'))
    expect(
      captured
        .filter(({ tokens, documentedProfile }) => (tokens.id['cognito:preferred_role'] ?? null) !== documentedProfile)
        .map(({ id }) => id),
    ).toEqual(['capture-login-single-unranked', 'capture-login-null-same-role'])
  })

  test('control: a claim too many or too few, in either token, is noticed', () => {
    const { tokens } = captured.find(({ id }) => id === 'capture-login-reader')!
    const { 'cognito:preferred_role': _, ...without } = tokens.id
    expect(asSets(without)).not.toStrictEqual(asSets(tokens.id))
    expect(asSets({ ...tokens.id, 'cognito:roles': [] })).not.toStrictEqual(asSets(tokens.id))
    expect(asSets(tokens.id)).not.toStrictEqual(asSets(tokens.access))
  })

  test('the claims say what the vector says, and omit what it omits', () => {
    for (const { groups, expected } of vectors) {
      const { claims } = resolveRoles(groups)
      expect(sorted(claims['cognito:groups'] ?? [])).toEqual(sorted(expected.groups))
      expect(sorted(claims['cognito:roles'] ?? [])).toEqual(sorted(expected.roles))
      expect(claims['cognito:preferred_role'] ?? null).toBe(expected.preferredRole)
      expect(Object.hasOwn(claims, 'cognito:groups')).toBe(expected.groups.length > 0)
      expect(Object.hasOwn(claims, 'cognito:roles')).toBe(expected.roles.length > 0)
      expect(Object.hasOwn(claims, 'cognito:preferred_role')).toBe(expected.preferredRole !== null)
    }
  })
})

describe('control: a vector catches a wrong', () => {
  const groups = [
    { groupName: 'a', precedence: 1, roleArn: 'x' },
    { groupName: 'b', precedence: 1, roleArn: 'y' },
  ]
  const right = resolveRoles(groups)
  const vector = {
    ...vectors[0]!,
    groups,
    evidence: right.evidence,
    documentedProfile: null,
    expected: {
      groups: ['a', 'b'],
      roles: ['x', 'y'],
      preferredRole: null,
      outcome: right.outcome,
      rule: right.rule,
      candidateRole: null,
    },
  } as Vector

  const wrongs: [string, Partial<Resolution>][] = [
    ['group', { groups: ['a'] }],
    ['role', { roles: ['x'] }],
    ['preferred role', { preferredRole: 'x' }],
    ['outcome', { outcome: 'none' }],
    ['rule', { rule: 'no-precedence' }],
    ['candidate', { candidateRole: 'x' }],
    ['evidence', { evidence: 'unknown' }],
  ]

  test.each(wrongs)('%s', (_, wrong) => {
    expect(forecast(vector, product)).toStrictEqual(withSets(vector))
    expect(forecast(vector, () => ({ ...right, ...wrong }))).not.toStrictEqual(withSets(vector))
  })

  test('documented profile', () => {
    expect(
      forecast(vector, (_, semantics) => (semantics === 'documented' ? { ...right, preferredRole: 'x' } : right)),
    ).not.toStrictEqual(withSets(vector))
  })
})
