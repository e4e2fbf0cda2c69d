import type {
  ForecastRoleRequest,
  IdTokenClaims,
  RoleRequest,
  RoleSelection,
  SelectionEvidence,
  SelectionRule,
} from '../../src/credentials/select-role.js'
import type { Resolution } from '../../src/claims/resolve.js'
import type { MappingRule, RoleMapping } from '../../src/credentials/role-mapping.js'

/**
 * The reference selector: docs/identity-pool.md as worlds. A world settles everything that is unknown; in each the
 * service gives one answer. What all worlds agree on is the answer. It shares no code with `src/`, is in no hurry, and
 * reads nothing but well-formed input.
 */
export function modelSelect(
  claims: IdTokenClaims,
  mapping: RoleMapping | undefined,
  request: RoleRequest,
): ModelSelection {
  return agreement(
    answersIn({ claims: new Map(Object.entries(claims)), otherClaimsUnknown: false, mapping, request }),
    mapping,
    request,
  )
}

/** The same, for a token that is only forecast: with an undetermined preferred role there are twice as many worlds. */
export function modelSelectFor(
  resolution: Resolution,
  mapping: RoleMapping | undefined,
  request: ForecastRoleRequest,
): ModelSelection {
  const others = Object.entries(request.otherClaims ?? {}).filter(([name]) => !ROLE_CLAIMS.has(name))
  const withPreferred = (preferred: object): Situation => ({
    claims: new Map([...others, ...Object.entries(resolution.claims), ...Object.entries(preferred)]),
    otherClaimsUnknown: request.otherClaims === undefined,
    mapping,
    request,
  })
  const without = answersIn(withPreferred({}))
  if (resolution.outcome !== 'undetermined') return agreement(without, mapping, request)
  const withCandidate = answersIn(withPreferred({ 'cognito:preferred_role': resolution.candidateRole }))
  const [one, other] = [withCandidate, without].map(answers => agreement(answers, mapping, request))
  if (one!.rule === other!.rule && one!.ruleIndex === other!.ruleIndex && roleArns(withCandidate) === roleArns(without))
    return other!
  const merged = agreement([...withCandidate, ...without], mapping, request)
  if (merged.sure) return merged
  const { ruleIndex: _, ...rest } = { ruleIndex: 0, ...merged }
  return { ...rest, rule: 'undetermined-preferred-role' }
}

/** A selection with its candidates as a sorted list of ARNs, the denial among them as `denied`. */
export interface ModelSelection extends Omit<RoleSelection, 'candidates'> {
  readonly candidates?: readonly string[]
  /** Whether all worlds give the answer for the same reason. */
  readonly sure: boolean
}

export function comparable({ candidates, ...selection }: RoleSelection): Omit<ModelSelection, 'sure'> {
  return {
    ...selection,
    ...(candidates && { candidates: candidates.map(({ roleArn = 'denied' }) => roleArn).toSorted() }),
  }
}

const ROLE_CLAIMS = new Set(['cognito:groups', 'cognito:roles', 'cognito:preferred_role'])

interface Situation {
  readonly claims: ReadonlyMap<string, unknown>
  readonly otherClaimsUnknown: boolean
  readonly mapping: RoleMapping | undefined
  readonly request: RoleRequest
}

interface World {
  /** What a mapping without AmbiguousRoleResolution means. */
  readonly unset: 'AuthenticatedRole' | 'Deny'
  /** Whether Contains looks inside the elements of an array. */
  readonly inside: boolean
  /** For each rule on a claim of a kind whose treatment is unknown: whether it matches. */
  readonly obscure: readonly boolean[]
  readonly customWithoutMapping: 'ignored' | 'refused' | 'honoured'
  /** A custom role that the token does not carry, with rules: it overrides their order, or the request fails. */
  readonly customWithRules: 'overrides' | 'refused'
}

interface Answer {
  readonly roleArn: string | null
  readonly rule: SelectionRule
  readonly evidence: SelectionEvidence
  readonly ruleIndex?: number
  /** For an answer of the rules: whether the first rule that may match does so for sure, and which it is. */
  readonly firstDoubt?: number
}

/** The worlds that may differ in what they do with this mapping: what concerns other mappings is settled anyhow. */
function worldsOf(mapping: RoleMapping | undefined): readonly World[] {
  const rules = rulesOf(mapping).length
  const type = mapping === undefined ? 'none' : mapping.Type!
  return WORLDS.get(`${type} ${rules}`) ?? remember(`${type} ${rules}`, allWorlds(type, rules))
}

const WORLDS = new Map<string, readonly World[]>()
function remember(key: string, worlds: readonly World[]): readonly World[] {
  WORLDS.set(key, worlds)
  return worlds
}

function allWorlds(type: 'none' | 'Token' | 'Rules', rules: number): readonly World[] {
  const worlds: World[] = []
  for (const unset of type === 'none' ? (['Deny'] as const) : (['AuthenticatedRole', 'Deny'] as const)) {
    for (const inside of type === 'Rules' ? [true, false] : [false]) {
      for (const customWithoutMapping of type === 'none'
        ? (['ignored', 'refused', 'honoured'] as const)
        : (['ignored'] as const)) {
        for (const customWithRules of type === 'Rules'
          ? (['overrides', 'refused'] as const)
          : (['overrides'] as const)) {
          for (let bits = 0; bits < 2 ** rules; bits++) {
            const obscure = Array.from({ length: rules }, (_, index) => (bits >> index) % 2 === 1)
            worlds.push({ unset, inside, obscure, customWithoutMapping, customWithRules })
          }
        }
      }
    }
  }
  return worlds
}

function rulesOf(mapping: RoleMapping | undefined): readonly MappingRule[] {
  return mapping?.Type === 'Rules' ? mapping.RulesConfiguration!.Rules! : []
}

function answersIn(situation: Situation): readonly Answer[] {
  return worldsOf(situation.mapping).map(world => answer(situation, world))
}

function rolesIn({ claims }: Situation): readonly string[] {
  return (claims.get('cognito:roles') as readonly string[] | undefined) ?? []
}

function answer(situation: Situation, world: World): Answer {
  const { mapping, request } = situation
  const custom = request.customRoleArn
  const roles = rolesIn(situation)
  if (mapping === undefined) {
    if (custom === undefined || world.customWithoutMapping === 'ignored')
      return authenticated(situation, 'no-mapping', 'observed')
    if (world.customWithoutMapping === 'honoured' && roles.includes(custom))
      return { roleArn: custom, rule: 'custom-role', evidence: 'unknown' }
    return { roleArn: null, rule: 'custom-role-not-allowed', evidence: 'unknown' }
  }
  if (mapping.Type === 'Rules') {
    if (custom === undefined) return byRules(situation, world)
    if (roles.includes(custom)) return { roleArn: null, rule: 'custom-role-with-rules', evidence: 'observed' }
    if (world.customWithRules === 'refused')
      return { roleArn: null, rule: 'custom-role-not-allowed', evidence: 'unknown' }
    return offers(situation, custom, world)
      ? { roleArn: custom, rule: 'custom-role', evidence: 'unknown' }
      : byRules(situation, world)
  }
  if (custom !== undefined) {
    return roles.includes(custom)
      ? { roleArn: custom, rule: 'custom-role', evidence: 'documented' }
      : { roleArn: null, rule: 'custom-role-not-allowed', evidence: 'documented' }
  }
  const preferred = situation.claims.get('cognito:preferred_role') as string | undefined
  if (preferred !== undefined)
    return {
      roleArn: preferred,
      rule: 'preferred-role',
      evidence: roles.includes(preferred) ? 'observed' : 'documented',
    }
  if (roles.length === 0) return ambiguous(situation, world, { AuthenticatedRole: 'observed', Deny: 'inferred' })
  if (roles.length === 1) return { roleArn: roles[0]!, rule: 'single-role', evidence: 'documented' }
  return ambiguous(situation, world, { AuthenticatedRole: 'documented', Deny: 'documented' })
}

function byRules(situation: Situation, world: World): Answer {
  const rules = rulesOf(situation.mapping)
  const worlds = worldsOf(situation.mapping)
  const mayMatch = rules.findIndex((_, at) => worlds.some(some => matches(situation, at, some)))
  const doubt =
    mayMatch !== -1 && !worlds.every(some => matches(situation, mayMatch, some)) ? { firstDoubt: mayMatch } : {}
  const index = rules.findIndex((_, at) => matches(situation, at, world))
  if (index === -1)
    return { ...ambiguous(situation, world, { AuthenticatedRole: 'documented', Deny: 'observed' }), ...doubt }
  const evidence = Array.isArray(situation.claims.get(rules[index]!.Claim!)) ? 'observed' : 'documented'
  return { roleArn: rules[index]!.RoleARN!, rule: 'mapping-rule', evidence, ruleIndex: index, ...doubt }
}

/** Whether a matching rule gives the role. */
function offers(situation: Situation, custom: string, world: World): boolean {
  return rulesOf(situation.mapping).some((rule, index) => rule.RoleARN === custom && matches(situation, index, world))
}

function matches(situation: Situation, index: number, world: World): boolean {
  const { Claim, MatchType, Value } = rulesOf(situation.mapping)[index]!
  if (situation.otherClaimsUnknown && !ROLE_CLAIMS.has(Claim!)) return world.obscure[index]!
  const claim = situation.claims.get(Claim!)
  if (claim === undefined) return false
  if (typeof claim === 'string') return asText(MatchType!, claim, Value!)
  if (Array.isArray(claim)) {
    if (MatchType !== 'Contains') return world.obscure[index]!
    if (claim.indexOf(Value) !== -1) return true
    if (claim.some(element => typeof element !== 'string')) return world.obscure[index]!
    return world.inside && claim.some(element => element.indexOf(Value) !== -1)
  }
  if (claim === null || typeof claim === 'object') return world.obscure[index]!
  return world.obscure[index]! && asText(MatchType!, `${claim}`, Value!)
}

function asText(matchType: string, claim: string, value: string): boolean {
  if (matchType === 'Equals') return claim === value
  if (matchType === 'NotEqual') return !(claim === value)
  return matchType === 'StartsWith' ? claim.indexOf(value) === 0 : claim.indexOf(value) !== -1
}

function ambiguous(
  situation: Situation,
  world: World,
  evidence: Record<'AuthenticatedRole' | 'Deny', SelectionEvidence>,
): Answer {
  const resolution = situation.mapping!.AmbiguousRoleResolution ?? world.unset
  if (resolution === 'Deny') return { roleArn: null, rule: 'ambiguous-denied', evidence: evidence.Deny }
  return authenticated(situation, 'ambiguous-authenticated', evidence.AuthenticatedRole)
}

function authenticated({ request }: Situation, rule: SelectionRule, evidence: SelectionEvidence): Answer {
  const roleArn = request.roles.authenticated
  return roleArn === undefined
    ? { roleArn: null, rule: 'authenticated-role-missing', evidence: 'documented' }
    : { roleArn, rule, evidence }
}

function show(answers: readonly Answer[]): string {
  return [...new Set(answers.map(({ roleArn, rule, ruleIndex }) => `${roleArn} ${rule} ${ruleIndex}`))]
    .toSorted()
    .join()
}

function roleArns(answers: readonly Answer[]): string {
  return [...new Set(answers.map(({ roleArn }) => `${roleArn}`))].toSorted().join()
}

function agreement(answers: readonly Answer[], mapping: RoleMapping | undefined, request: RoleRequest): ModelSelection {
  const { roleArn, rule, evidence, ruleIndex } = answers[0]!
  const answered = roleArn === null ? { outcome: 'denied' as const } : { outcome: 'role' as const, roleArn }
  if (!show(answers).includes(','))
    return { ...answered, rule, evidence, ...(ruleIndex !== undefined && { ruleIndex }), sure: true }
  const why = reasonOfDoubt(answers, mapping, request)
  const different = [...new Set(answers.map(one => one.roleArn ?? 'denied'))].toSorted()
  if (different.length === 1) return { ...answered, ...why, evidence: 'inferred', sure: false }
  return { outcome: 'undetermined', candidates: different, ...why, evidence: 'unknown', sure: false }
}

function reasonOfDoubt(
  answers: readonly Answer[],
  mapping: RoleMapping | undefined,
  request: RoleRequest,
): { rule: SelectionRule; ruleIndex?: number } {
  if (mapping === undefined) return { rule: 'custom-role-without-mapping' }
  if (mapping.Type === 'Token') return { rule: 'ambiguous-unset' }
  if (request.customRoleArn !== undefined) return { rule: 'custom-role-with-rules' }
  const { firstDoubt } = answers[0]!
  return firstDoubt === undefined ? { rule: 'ambiguous-unset' } : { rule: 'uncertain-rule', ruleIndex: firstDoubt }
}
