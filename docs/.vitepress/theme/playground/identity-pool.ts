import {
  type Resolution,
  type RoleMapping,
  type RoleSelection,
  selectRoleFor,
  type Trust,
  trustsIdentityPool,
} from '../../../../src/index.js'
import { hasRepeatedKeys } from '../../../../src/credentials/policy-document.js'
import { SELECTION_EVIDENCE } from '../../../../src/credentials/selection-texts.js'
import { selectionReason } from '../../../../src/report/selection-reason.js'
import { quote } from '../../../../src/errors.js'
import { attempt, faulty, type Result } from './fault.js'
import { type IdentityPoolFields, MAX_LENGTHS, type TrustFields } from './state.js'

export interface SelectionView {
  readonly selection: RoleSelection
  readonly reason: string
  readonly evidence: string
}

/** Whose credentials the identity pool gives a user with this token. */
export function credentialsOf(resolution: Resolution, fields: IdentityPoolFields): Result<SelectionView> {
  const mapping = mappingOf(fields)
  if (mapping.is === 'fault') return mapping
  return attempt(() => {
    const roles = { authenticated: fields.authenticatedRole }
    const selection = selectRoleFor(resolution, mapping.result, { roles })
    return {
      selection,
      reason: selectionReason({ selection, mapping: mapping.result }),
      evidence: SELECTION_EVIDENCE[selection.evidence],
    }
  })
}

/** What the fields say, for `selectRoleFor` to check. */
function mappingOf({ mapping, ambiguousRoleResolution, rules }: IdentityPoolFields): Result<RoleMapping | undefined> {
  if (mapping === 'none') return { is: 'result', result: undefined }
  const fallback = ambiguousRoleResolution === '' ? {} : { AmbiguousRoleResolution: ambiguousRoleResolution }
  if (mapping === 'Token') return { is: 'result', result: { Type: 'Token', ...fallback } }
  const Rules = parseJson(rules)
  if (Rules === undefined) return faulty('The rules are not JSON; paste the list `Rules` of the role mapping.')
  if (hasRepeatedKeys(rules, Rules)) return faulty(REPEATED_KEY)
  return {
    is: 'result',
    result: { Type: 'Rules', ...fallback, RulesConfiguration: { Rules: Rules as readonly never[] } },
  }
}

/** A role mapping that was pasted, and for whom it is. */
export interface PastedMapping {
  /** The provider; `''` where only a mapping was pasted. */
  readonly provider: string
  readonly fields: IdentityPoolFields
}

/**
 * Reads what `aws cognito-identity get-identity-pool-roles` prints, or one role mapping of it.
 *
 * @param before the fields as they are: what the text does not say stays
 */
export function readMappings(text: string, before: IdentityPoolFields): Result<readonly PastedMapping[]> {
  const value = parseJson(text)
  if (!isRecord(value))
    return faulty('The text is not a JSON object; paste what `aws cognito-identity get-identity-pool-roles` prints.')
  if (hasRepeatedKeys(text, value)) return faulty(REPEATED_KEY)
  if (Object.hasOwn(value, 'Type')) return all([toPasted('', value, before)])
  const { Roles, RoleMappings } = value
  if (Roles === undefined && RoleMappings === undefined)
    return faulty(
      'The text has neither `Roles` nor `RoleMappings`; paste what `aws cognito-identity get-identity-pool-roles` prints.',
    )
  const roles = Roles ?? {}
  const wrong = isRecord(roles) ? Object.keys(roles).find(key => !ROLE_KEYS.has(key)) : undefined
  if (wrong !== undefined)
    return faulty(`\`Roles\` has an unknown key ${quote(wrong)}; paste it as the API returns it.`)
  const authenticatedRole = isRecord(roles) ? (roles['authenticated'] ?? '') : undefined
  if (typeof authenticatedRole !== 'string')
    return faulty('`Roles` is not an object with ARNs as strings; paste it as the API returns it.')
  if (!isRecord(RoleMappings ?? {}))
    return faulty('`RoleMappings` is not an object with a mapping for each provider; paste it as the API returns it.')
  const withRole = { ...before, authenticatedRole }
  const mappings = Object.entries(RoleMappings ?? {})
  if (mappings.length === 0)
    return { is: 'result', result: [{ provider: '', fields: { ...withRole, mapping: 'none' } }] }
  return all(mappings.map(([provider, mapping]) => toPasted(provider, mapping, withRole)))
}

/** The two roles that an identity pool has. Another key is a misspelt one, whose role must not count as none. */
const ROLE_KEYS: ReadonlySet<string> = new Set(['authenticated', 'unauthenticated'])

const REPEATED_KEY =
  'The text has a key twice in one object, and JSON does not say which of them counts; remove one of them.'

function toPasted(provider: string, value: unknown, before: IdentityPoolFields): Result<PastedMapping> {
  if (!isRecord(value)) return faulty('A role mapping is not an object; paste it as the API returns it.')
  const { Type, AmbiguousRoleResolution = '', RulesConfiguration } = value
  if (Type !== 'Token' && Type !== 'Rules')
    return faulty('A role mapping has a `Type` other than `Token` and `Rules`; paste it as the API returns it.')
  if (
    AmbiguousRoleResolution !== '' &&
    AmbiguousRoleResolution !== 'AuthenticatedRole' &&
    AmbiguousRoleResolution !== 'Deny'
  )
    return faulty(
      'A role mapping has an `AmbiguousRoleResolution` other than `AuthenticatedRole` and `Deny`; paste it as the API returns it.',
    )
  const list = isRecord(RulesConfiguration) ? RulesConfiguration['Rules'] : undefined
  const rules = Type === 'Rules' ? toJson(list ?? null) : before.rules
  if (rules === undefined)
    return faulty('The rules of a role mapping are nested too deeply; paste it as the API returns it.')
  if (rules.length > MAX_LENGTHS.json || before.authenticatedRole.length > MAX_LENGTHS.roleArn)
    return faulty(`The role mapping is too long; the page takes rules of ${MAX_LENGTHS.json} characters.`)
  return {
    is: 'result',
    result: { provider, fields: { ...before, mapping: Type, ambiguousRoleResolution: AmbiguousRoleResolution, rules } },
  }
}

/** Undefined: it is nested more deeply than the browser can write. */
function toJson(value: unknown): string | undefined {
  try {
    return JSON.stringify(value, null, 2)
  } catch {
    return undefined
  }
}

function all<T>(results: readonly Result<T>[]): Result<readonly T[]> {
  const done: T[] = []
  for (const one of results) {
    if (one.is === 'fault') return one
    done.push(one.result)
  }
  return { is: 'result', result: done }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// ------------------------------------------------------------------ Trust

export interface TrustView {
  readonly trust: Trust
  readonly verdict: string
  readonly reason: string
  /** What else the policy lets in, or may let in. Empty: nothing. */
  readonly notes: readonly string[]
}

/** Whether signed-in users of the identity pool can assume the role. */
export function trustOf({ identityPoolId, policy }: TrustFields): Result<TrustView> {
  return attempt(() => {
    const trust = trustsIdentityPool(policy, identityPoolId.trim())
    return { trust, verdict: VERDICTS[`${trust.trusted}`], reason: reasonOf(trust), notes: notesOf(trust) }
  })
}

const VERDICTS = {
  true: 'Trusted: signed-in users of the identity pool can assume the role',
  false: 'Not trusted: signed-in users of the identity pool cannot assume the role',
  undefined: 'Not known: the policy alone does not tell whether they can assume the role',
} as const

function reasonOf({ reason, statementIndex }: Trust): string {
  const where = statementIndex === undefined ? '' : ` (statement ${statementIndex}, counted from 0)`
  return `${REASONS[reason]}${where}.`
}

/** As the table of docs/identity-pool.md says them. */
const REASONS: Readonly<Record<Trust['reason'], string>> = {
  allowed: 'A statement allows it, and none denies it',
  denied: 'A Deny statement covers it',
  'no-allow': 'No statement allows anything',
  'other-principal': 'No Allow names the service of identity pools as its federated principal',
  'other-action': 'No Allow of that principal covers `sts:AssumeRoleWithWebIdentity`',
  'other-audience': 'The audience (`aud`) is that of other identity pools',
  'placeholder-audience': 'The audience (`aud`) is the placeholder of an example',
  'guests-only': 'The condition on `amr` lets only guests in',
  'signed-in-only': 'The condition on `amr` lets only signed-in users in',
  'condition-not-met': 'Another condition on the token of the identity pool fails',
  'uncertain-principal': 'The policy alone does not tell which principals it names',
  'uncertain-action': 'The policy alone does not tell which actions it names',
  'uncertain-condition': 'The policy alone does not decide one of its conditions',
  'uncertain-statement': 'A statement has an element that a trust policy does not have',
  'uncertain-policy': 'The policy would allow it, but IAM may not accept this document',
}

function notesOf({ anyPool, guests, placeholders }: Trust): readonly string[] {
  return [
    ...(anyPool === false
      ? []
      : [
          anyPool
            ? 'Users of any identity pool, in any account, can assume the role: the audience is not restricted.'
            : 'It is not known whether users of other identity pools can assume the role too.',
        ]),
    ...(guests === false
      ? []
      : [
          guests
            ? 'Guests of the identity pool, who have not signed in, can assume the role.'
            : 'It is not known whether guests of the identity pool can assume the role too.',
        ]),
    ...(placeholders.length === 0 ? [] : ['The policy has an audience that is not the ID of an identity pool.']),
  ]
}
