import type { RoleCandidate, RoleSelection } from '../credentials/select-role.js'
import { SELECTION_EVIDENCE } from '../credentials/selection-texts.js'
import type { RoleMapping } from '../credentials/role-mapping.js'
import { printable } from '../text.js'
import { selectionReason } from './selection-reason.js'
import { textWidth } from './text-width.js'
import type { Paint } from './text-style.js'

/** The role whose credentials an identity pool gives, with what explains it to a person. */
export interface CredentialsPrediction {
  readonly selection: RoleSelection
  readonly identityPoolId: string
  readonly userPoolId: string
  /** The role mapping that applies; absent if the app client has none. */
  readonly mapping?: RoleMapping | undefined
  /**
   * The app client whose mapping was looked for; absent if it is not known because the user pool has no mapping at all.
   */
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
