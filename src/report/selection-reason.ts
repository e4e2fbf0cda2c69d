import { CLAIMS } from '../claims/pre-token-response.js'
import type { MappingRule, RoleMapping } from '../credentials/role-mapping.js'
import type { RoleSelection, SelectionRule } from '../credentials/select-role.js'
import { printable } from '../text.js'

/** A selection, with what its reason names. */
export interface ExplainedSelection {
  readonly selection: RoleSelection
  /** The role mapping that applies; absent if there is none. */
  readonly mapping?: RoleMapping | undefined
  /** The app client whose mapping was looked for; absent if it is not known. */
  readonly clientId?: string | undefined
}

/** If one of these rules decides, there are several readings. */
const DOUBTS: ReadonlySet<SelectionRule> = new Set<SelectionRule>([
  'undetermined-preferred-role',
  'uncertain-rule',
  'ambiguous-unset',
  'custom-role-without-mapping',
  'custom-role-with-rules',
])

/** Why the user gets this role, or none: one sentence or two. */
export function selectionReason({ selection, mapping, clientId }: ExplainedSelection): string {
  const { rule, outcome, evidence, ruleIndex } = selection
  const mappingRule = ruleText(mapping, ruleIndex)
  const unmapped = clientId === undefined ? 'user pool' : 'app client'
  const reasons: Readonly<Record<SelectionRule, string>> = {
    'no-mapping': `The identity pool has no role mapping for this ${unmapped}, so its authenticated role applies.`,
    'custom-role': 'The app asks for this role, and the token has it in cognito:roles.',
    'custom-role-not-allowed': 'The app asks for a role that the token does not have in cognito:roles.',
    'custom-role-without-mapping':
      'The app asks for a role, and there is no role mapping: AWS does not say what the identity pool does then.',
    'custom-role-with-rules':
      evidence === 'observed'
        ? "The app asks for a role that the token has in cognito:roles, and the mapping has rules: Cognito rejected such a request (InvalidParameterException, seen once), and AWS's guide says otherwise."
        : 'The app asks for a role that the token does not have in cognito:roles, and the mapping has rules: what the identity pool does then is not known.',
    'preferred-role': 'The mapping takes the role from the token, and the token prefers this one.',
    'undetermined-preferred-role': 'Whether the token has a preferred role is not known (see above).',
    'single-role':
      'The token has one role and prefers none. AWS documents that the user gets this role; no log of a role assumed in this way is known.',
    'mapping-rule': `The first of the mapping's rules that matches is rule ${mappingRule}.`,
    'uncertain-rule': `Whether rule ${mappingRule} matches is not known: ${
      isPredicted(mapping, ruleIndex)
        ? 'AWS does not say how it compares a list'
        : 'the prediction covers the role claims only'
    }.`,
    'ambiguous-authenticated':
      'The mapping does not lead to a single role, and its AmbiguousRoleResolution is AuthenticatedRole.',
    'ambiguous-denied': 'The mapping does not lead to a single role, and its AmbiguousRoleResolution is Deny.',
    'ambiguous-unset':
      'The mapping does not lead to a single role, and has no AmbiguousRoleResolution: the user gets the authenticated role, or the request is denied.',
    'authenticated-role-missing': 'The authenticated role would apply, but the identity pool has none.',
  }
  if (outcome === 'undetermined') return `${reasons[rule]} Do not grant access based on it.`
  return DOUBTS.has(rule) && evidence === 'inferred'
    ? `${reasons[rule]} Here all readings give the same result.`
    : reasons[rule]
}

/** A rule with its index, which counts from 0 as in the JSON. */
function ruleText(mapping: RoleMapping | undefined, index: number | undefined): string {
  const { Claim = '', MatchType = '', Value = '' } = ruleAt(mapping, index) ?? {}
  return `${index} (\`${printable(Claim)}\` ${MatchType} \`${printable(Value)}\`)`
}

/** Whether the rule is on one of the claims that are known. */
function isPredicted(mapping: RoleMapping | undefined, index: number | undefined): boolean {
  return CLAIMS.some(name => name === ruleAt(mapping, index)?.Claim)
}

function ruleAt(mapping: RoleMapping | undefined, index: number | undefined): MappingRule | undefined {
  return index === undefined ? undefined : mapping?.RulesConfiguration?.Rules?.[index]
}
