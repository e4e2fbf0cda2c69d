import type { RoleCandidate, RoleSelection, SelectionRule } from '../credentials/select-role.js'
import { SELECTION_EVIDENCE } from '../credentials/selection-texts.js'
import type { MappingRule, RoleMapping } from '../credentials/role-mapping.js'
import { printable } from '../text.js'
import { textWidth } from './text-width.js'
import { CLAIMS } from '../claims/pre-token-response.js'
import type { Paint } from './text-style.js'

/** The role whose credentials an identity pool gives, with what explains it to a person. */
export interface CredentialsPrediction {
  readonly selection: RoleSelection
  readonly identityPoolId: string
  readonly userPoolId: string
  /** The role mapping that counts; absent where the app client has none. */
  readonly mapping?: RoleMapping | undefined
  /** The app client whose mapping was looked for; absent where it is not known, for the user pool has no mapping at all. */
  readonly clientId?: string | undefined
  /** Whether no app client was named, and this is the only one of the user pool with a mapping. */
  readonly onlyMapping: boolean
  /** The app clients of the user pool that do have a mapping. */
  readonly mappedClients: readonly string[]
  readonly customRoleArn?: string | undefined
}

export function credentialBlocks(prediction: CredentialsPrediction, paint: Paint): string[][] {
  const { selection, customRoleArn } = prediction
  const rows = [
    row('user pool', printable(prediction.userPoolId)),
    row('app client', clientText(prediction)),
    row('role mapping', mappingText(prediction)),
  ]
  if (customRoleArn !== undefined) rows.push(row('asked for', printable(customRoleArn)))
  const [first, ...others] = roleLines(selection, paint)
  rows.push(row('role', first!), ...others.map(line => row('', line)))
  return [
    [paint.bold(`Credentials from identity pool ${printable(prediction.identityPoolId)}`), ...rows],
    [
      paint.bold('Why these credentials'),
      `  ${selectionReason(prediction)}`,
      paint.dim(
        `  ${selection.rule}: ${SELECTION_EVIDENCE[selection.evidence]}; see \`rolecast explain ${selection.rule}\``,
      ),
    ],
  ]
}

function row(name: string, value: string): string {
  return `  ${name.padEnd('role mapping'.length)}  ${value}`
}

function clientText({ clientId, onlyMapping }: CredentialsPrediction): string {
  if (clientId === undefined) return '(not given)'
  return `${printable(clientId)}${onlyMapping ? ' (not given, but the only one with a role mapping)' : ''}`
}

function mappingText({ mapping, mappedClients }: CredentialsPrediction): string {
  if (mapping === undefined) {
    if (mappedClients.length === 0) return '(none for this user pool)'
    return `(none for this app client; the user pool has one for ${mappedClients.map(printable).join(', ')})`
  }
  const rules = mapping.RulesConfiguration?.Rules?.length ?? 0
  const type = mapping.Type === 'Rules' ? `Rules (${rules})` : mapping.Type
  return `${type}, AmbiguousRoleResolution ${mapping.AmbiguousRoleResolution ?? '(not set)'}`
}

function roleLines(selection: RoleSelection, paint: Paint): readonly string[] {
  const { outcome, roleArn, candidates = [] } = selection
  if (outcome === 'role') return [paint.green(printable(roleArn!))]
  if (outcome === 'denied') return [paint.red('(none: the request is denied)')]
  const rows = candidates.map(candidate => ({
    role: candidateText(candidate),
    why: `by ${candidate.rule}${candidate.ruleIndex === undefined ? '' : ` ${candidate.ruleIndex}`}`,
  }))
  const width = Math.max(...rows.map(({ role }) => textWidth(role)))
  return [
    paint.yellow('(undetermined: one of these)'),
    ...rows.map(({ role, why }) => `? ${role}${' '.repeat(width - textWidth(role))}  ${paint.dim(why)}`),
  ]
}

function candidateText({ outcome, roleArn }: RoleCandidate): string {
  return outcome === 'role' ? printable(roleArn!) : '(denied)'
}

/** Where these decide, there are several readings. */
const DOUBTS: ReadonlySet<SelectionRule> = new Set<SelectionRule>([
  'undetermined-preferred-role',
  'uncertain-rule',
  'ambiguous-unset',
  'custom-role-without-mapping',
  'custom-role-with-rules',
])

function selectionReason({ selection, mapping, clientId }: CredentialsPrediction): string {
  const { rule, outcome, evidence, ruleIndex } = selection
  const mappingRule = ruleText(mapping, ruleIndex)
  const unmapped = clientId === undefined ? 'user pool' : 'app client'
  const reasons: Readonly<Record<SelectionRule, string>> = {
    'no-mapping': `The identity pool has no role mapping for this ${unmapped}, so its authenticated role counts.`,
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
      'The mapping arrives at no single role, and its AmbiguousRoleResolution is the authenticated role.',
    'ambiguous-denied': 'The mapping arrives at no single role, and its AmbiguousRoleResolution is to deny.',
    'ambiguous-unset':
      'The mapping arrives at no single role, and has no AmbiguousRoleResolution: it may give the authenticated role, or deny.',
    'authenticated-role-missing': 'The authenticated role would count, and the identity pool has none.',
  }
  if (outcome === 'undetermined') return `${reasons[rule]} Grant nothing on it.`
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
