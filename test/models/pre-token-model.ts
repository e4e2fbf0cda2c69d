import type { Resolution, RoleClaims } from '../../src/claims/resolve.js'
import type { ClaimReason } from '../../src/claims/pre-token.js'

export type Claim = keyof RoleClaims
export type Token = 'id' | 'access'
export type Version = '1' | '2' | '3'

export interface ModelForecast {
  readonly idToken: RoleClaims
  readonly accessToken: RoleClaims
  readonly reasons: {
    readonly idToken: Record<Claim, ClaimReason>
    readonly accessToken: Record<'cognito:groups', ClaimReason>
  }
  /** `token claim rule`. */
  readonly undocumented: readonly string[]
}

/**
 * The reference: semantics.md, section 3, as a table of cases, the first that applies decides. It shares no code with
 * `src/`, is in no hurry, and reads nothing but well-formed answers, as the JSON that Cognito gets.
 */
export function modelForecast(resolution: Resolution, version: Version, response: unknown): ModelForecast {
  const wire = JSON.parse(JSON.stringify(response ?? null)) as Wire | null
  const answer =
    wire === null ? {} : ((version === '1' ? wire.claimsOverrideDetails : wire.claimsAndScopeOverrideDetails) ?? {})
  const noChange: WireChanges = {}
  const changes: Record<Token, WireChanges> =
    version === '1'
      ? { id: answer, access: noChange }
      : { id: answer.idTokenGeneration ?? noChange, access: answer.accessTokenGeneration ?? noChange }
  const cellOf = (token: Token, claim: Claim): Cell =>
    decide({
      claim,
      resolution,
      details: answer.groupOverrideDetails,
      suppressed: changes[token].claimsToSuppress ?? [],
      added: Object.keys(changes[token].claimsToAddOrOverride ?? {}),
    })
  const cells: [Token, Claim, Cell][] = [
    ...CLAIMS.map((claim): [Token, Claim, Cell] => ['id', claim, cellOf('id', claim)]),
    ['access', 'cognito:groups', cellOf('access', 'cognito:groups')],
  ]
  const reasonsIn = (wanted: Token) =>
    Object.fromEntries(
      cells
        .filter(([token]) => token === wanted)
        .map(([, claim, { outcome, rule, evidence, value }]) => [
          claim,
          { outcome, rule, evidence, ...(outcome === 'undetermined' && value !== null && { candidate: value }) },
        ]),
    )
  const claimsIn = (wanted: Token): RoleClaims =>
    Object.fromEntries(
      cells
        .filter(([token, , { outcome }]) => token === wanted && outcome === 'present')
        .map(([, claim, { value }]) => [claim, value]),
    )
  const rolesAddedToAccess = CLAIMS.slice(1).filter(
    claim =>
      claim in (changes.access.claimsToAddOrOverride ?? {}) && !(changes.access.claimsToSuppress ?? []).includes(claim),
  )
  return {
    idToken: claimsIn('id'),
    accessToken: claimsIn('access'),
    reasons: { idToken: reasonsIn('id'), accessToken: reasonsIn('access') } as ModelForecast['reasons'],
    undocumented: [
      ...cells
        .filter(([, , { evidence }]) => evidence === 'unknown')
        .map(([token, claim, { rule }]) => `${token} ${claim} ${rule}`),
      ...rolesAddedToAccess.map(claim => `access ${claim} added`),
    ],
  }
}

interface WireChanges {
  readonly claimsToAddOrOverride?: object | null
  readonly claimsToSuppress?: readonly string[] | null
}
interface WireDetails {
  readonly groupsToOverride?: readonly string[] | null
  readonly iamRolesToOverride?: readonly string[] | null
  readonly preferredRole?: string | null
}
interface WireAnswer extends WireChanges {
  readonly groupOverrideDetails?: WireDetails | null
  readonly idTokenGeneration?: WireChanges | null
  readonly accessTokenGeneration?: WireChanges | null
}
interface Wire {
  readonly claimsOverrideDetails?: WireAnswer | null
  readonly claimsAndScopeOverrideDetails?: WireAnswer | null
}

interface Case {
  readonly claim: Claim
  readonly resolution: Resolution
  /** Undefined: the key is omitted. */
  readonly details: WireDetails | null | undefined
  readonly suppressed: readonly string[]
  readonly added: readonly string[]
}
type Cell = Pick<ClaimReason, 'outcome' | 'rule' | 'evidence'> & { readonly value: string | readonly string[] | null }

const CLAIMS = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const
const PARTS: Record<Claim, keyof WireDetails> = {
  'cognito:groups': 'groupsToOverride',
  'cognito:roles': 'iamRolesToOverride',
  'cognito:preferred_role': 'preferredRole',
}

const absent = (rule: Cell['rule'], evidence: Cell['evidence']): Cell => ({
  outcome: 'absent',
  rule,
  evidence,
  value: null,
})
const unknown = (rule: Cell['rule'], value: Cell['value']): Cell => ({
  outcome: 'undetermined',
  rule,
  evidence: 'unknown',
  value,
})

const given = ({ details, claim }: Case) => details?.[PARTS[claim]] || null
const part = ({ details }: Case, name: Claim) => details?.[PARTS[name]] ?? null
const isFull = (list: unknown) => Array.isArray(list) && list.length > 0
const isNothing = (value: unknown) => value === null || value === ''
const without = (what: 'added' | 'suppressed', one: Case): Cell => decide({ ...one, [what]: [] })

const TABLE: readonly (readonly [sentence: string, applies: (one: Case) => boolean, then: (one: Case) => Cell])[] = [
  [
    'whoever suppresses the groups suppresses all three, replaced or not',
    one => one.suppressed.includes('cognito:groups'),
    () => absent('suppressed', 'documented'),
  ],
  [
    'what adding a group claim does is nowhere said',
    one => one.added.includes(one.claim),
    one => unknown('added', without('added', one).value),
  ],
  [
    'what suppressing a role claim by its own name does is nowhere said',
    one => one.suppressed.includes(one.claim) && without('suppressed', one).outcome === 'present',
    one => unknown('suppressed-by-name', without('suppressed', one).value),
  ],

  [
    'key omitted: an undetermined preferred role stays so',
    one =>
      one.details === undefined && one.claim === 'cognito:preferred_role' && one.resolution.outcome === 'undetermined',
    one => unknown('unchanged', one.resolution.candidateRole!),
  ],
  [
    'key omitted: unchanged',
    one => one.details === undefined,
    ({ claim, resolution: { claims, evidence } }) => ({
      outcome: claims[claim] === undefined ? 'absent' : 'present',
      rule: 'unchanged',
      evidence: claim === 'cognito:preferred_role' && evidence === 'unknown' ? 'unknown' : 'inferred',
      value: claims[claim] ?? null,
    }),
  ],

  [
    'empty or null: suppressed, documented for the groups',
    one => one.details === null || Object.keys(one.details!).length === 0,
    one => absent('empty-details', one.claim === 'cognito:groups' ? 'documented' : 'inferred'),
  ],
  [
    'nothing but nulls: as empty',
    one => CLAIMS.every(name => isNothing(part(one, name))),
    () => absent('empty-details', 'inferred'),
  ],

  [
    'an empty list: absent',
    one => Array.isArray(given(one)) && !isFull(given(one)),
    () => absent('replaced', 'inferred'),
  ],
  [
    'given: replaced, documented where everything that stands before it is given too',
    one => given(one) !== null,
    one => ({
      outcome: 'present',
      rule: 'replaced',
      evidence: CLAIMS.slice(0, CLAIMS.indexOf(one.claim)).every(name => isFull(part(one, name)))
        ? 'documented'
        : 'inferred',
      value: typeof given(one) === 'string' ? given(one) : [...new Set(given(one))],
    }),
  ],
  [
    'roles given, no preferred role: absent',
    one => one.claim === 'cognito:preferred_role' && part(one, 'cognito:roles') !== null,
    () => absent('left-out', 'inferred'),
  ],
  ['left out: absent, for all that is known', () => true, () => absent('left-out', 'unknown')],
]

function decide(one: Case): Cell {
  return TABLE.find(([, applies]) => applies(one))![2](one)
}
