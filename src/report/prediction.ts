import picocolors from 'picocolors'
import stringWidth from 'string-width'
import { explain } from '../claims/explain.js'
import { type Group, rankOf } from '../group.js'
import type { MappingRule, RoleCandidate, RoleMapping, RoleSelection, SelectionRule } from '../credentials/select-role.js'
import type { Evidence, Resolution, RoleClaims } from '../claims/resolve.js'

/** A resolution with what a person wants to see beside it. */
export interface Prediction {
  readonly resolution: Resolution
  /** The groups that were resolved, with their precedence and role. */
  readonly groups: readonly Group[]
  readonly unknownGroups: readonly string[]
  /** What an identity pool makes of the claims, where one is asked. */
  readonly credentials?: CredentialsForecast | undefined
}

/** Which role's credentials an identity pool gives, with what a person wants to see beside it. */
export interface CredentialsForecast {
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

export interface TextOptions {
  readonly color: boolean
}

/**
 * A prediction as text for people: the groups as a ladder in precedence order with the winner marked, each claim, and
 * the reason; with an identity pool, the role whose credentials the user gets, and the reason. Not for programs: its form may change.
 */
export function predictionText(prediction: Prediction, { color }: TextOptions): string {
  const { resolution, unknownGroups } = prediction
  const paint = picocolors.createColors(color)
  const { reason, evidence, docs } = explain(shown(resolution))
  const blocks = [
    [paint.bold('Groups, highest rank first'), ...ladder(prediction, paint)],
    [paint.bold('ID token'), ...claimLines(resolution.claims, resolution, paint)],
    [paint.bold('Why'), `  ${reason}`, paint.dim(`  ${resolution.rule}: ${evidence}; see ${docs}`)],
  ]
  if (prediction.credentials !== undefined) blocks.push(...credentialBlocks(prediction.credentials, paint))
  if (unknownGroups.length > 0) {
    const names = unknownGroups.map(name => `  ${printable(name)}`)
    blocks.push([paint.yellow('Not in the user pool (no role, and in no claim)'), ...names])
  }
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

/** The resolution with what stands in its explanation made safe to print, name by name. */
export function shown(resolution: Resolution): Resolution {
  const { determiningGroups, candidateRole } = resolution
  return {
    ...resolution,
    determiningGroups: determiningGroups.map(printable),
    ...(candidateRole !== undefined && { candidateRole: printable(candidateRole) }),
  }
}

type Paint = ReturnType<typeof picocolors.createColors>

const MARKS = { resolved: '>', none: '-', ambiguous: '!', undetermined: '?' } as const

function ladder({ resolution, groups }: Prediction, paint: Paint): readonly string[] {
  if (groups.length === 0) return ['  (none)']
  const determining = new Set(resolution.determiningGroups)
  const ranked = groups.toSorted((a, b) => rankOf(a) - rankOf(b))
  const rows = ranked.map(group => ({
    determines: determining.has(group.groupName),
    precedence: group.precedence == null ? 'none' : String(group.precedence),
    name: printable(group.groupName),
    role: group.roleArn ? printable(group.roleArn) : '(no role)',
  }))
  const precedenceWidth = Math.max(...rows.map(row => row.precedence.length))
  const nameWidth = Math.max(...rows.map(row => stringWidth(row.name)))
  const highlight = colorOf(resolution, paint)
  return rows.map(({ determines, precedence, name, role }) => {
    const mark = determines ? MARKS[resolution.outcome] : ' '
    const line = `${mark} ${precedence.padStart(precedenceWidth)}  ${name}${' '.repeat(nameWidth - stringWidth(name))}  ${role}`
    return determines ? highlight(line) : line
  })
}

const CLAIM_NAMES = ['cognito:groups', 'cognito:roles', 'cognito:preferred_role'] as const

function claimLines(claims: RoleClaims, resolution: Resolution, paint: Paint): readonly string[] {
  const width = Math.max(...CLAIM_NAMES.map(name => name.length))
  return CLAIM_NAMES.flatMap(name => {
    const claim = claims[name]
    if (claim === undefined) {
      const unsure = name === 'cognito:preferred_role' && resolution.outcome === 'undetermined'
      return [`  ${name.padEnd(width)}  ${unsure ? paint.yellow(`(undetermined: absent, or ${printable(resolution.candidateRole ?? '')})`) : paint.dim('(absent)')}`]
    }
    const values = typeof claim === 'string' ? [claim] : claim
    return values.map((value, index) => `  ${(index === 0 ? name : '').padEnd(width)}  ${printable(value)}`)
  })
}

function colorOf({ outcome }: Resolution, paint: Paint): (text: string) => string {
  switch (outcome) {
    case 'resolved':
      return paint.green
    case 'ambiguous':
      return paint.red
    case 'undetermined':
      return paint.yellow
    case 'none':
      return paint.dim
  }
}

function credentialBlocks(forecast: CredentialsForecast, paint: Paint): string[][] {
  const { selection, customRoleArn } = forecast
  const rows = [row('user pool', printable(forecast.userPoolId)), row('app client', clientText(forecast)), row('role mapping', mappingText(forecast))]
  if (customRoleArn !== undefined) rows.push(row('asked for', printable(customRoleArn)))
  const [first, ...others] = roleLines(selection, paint)
  rows.push(row('role', first!), ...others.map(line => row('', line)))
  return [
    [paint.bold(`Credentials from identity pool ${printable(forecast.identityPoolId)}`), ...rows],
    [
      paint.bold('Why these credentials'),
      `  ${selectionReason(forecast)}`,
      paint.dim(`  ${selection.how}: ${SELECTION_EVIDENCE[selection.evidence]}; see ${sectionOf(selection.how)}`),
    ],
  ]
}

function row(name: string, value: string): string {
  return `  ${name.padEnd('role mapping'.length)}  ${value}`
}

function sectionOf(how: SelectionRule): string {
  return `docs/identity-pool.md#${how}`
}

function clientText({ clientId, onlyMapping }: CredentialsForecast): string {
  if (clientId === undefined) return '(not given)'
  return `${printable(clientId)}${onlyMapping ? ' (not given, but the only one with a role mapping)' : ''}`
}

function mappingText({ mapping, mappedClients }: CredentialsForecast): string {
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
    answer: answerOf(candidate),
    why: `${candidate.ruleIndex === undefined ? '' : `by rule ${candidate.ruleIndex}; `}see ${sectionOf(candidate.how)}`,
  }))
  const width = Math.max(...rows.map(({ answer }) => stringWidth(answer)))
  return [
    paint.yellow('(undetermined: one of these)'),
    ...rows.map(({ answer, why }) => `? ${answer}${' '.repeat(width - stringWidth(answer))}  ${paint.dim(why)}`),
  ]
}

function answerOf({ outcome, roleArn }: RoleCandidate): string {
  return outcome === 'role' ? printable(roleArn!) : '(denied)'
}

const SELECTION_EVIDENCE: Readonly<Record<Evidence, string>> = {
  observed: 'observed of real identity pools',
  documented: 'documented by AWS',
  inferred: 'inferred from what is observed and documented',
  unknown: 'unknown: what is known does not settle it',
}

/** Where these decide, there are several readings. */
const DOUBTS: ReadonlySet<SelectionRule> = new Set<SelectionRule>([
  'undetermined-preferred-role',
  'uncertain-rule',
  'ambiguous-unset',
  'custom-role-without-mapping',
  'custom-role-with-rules',
])

function selectionReason({ selection, mapping, clientId }: CredentialsForecast): string {
  const { how, outcome, evidence, ruleIndex } = selection
  const rule = ruleText(mapping, ruleIndex)
  const unmapped = clientId === undefined ? 'user pool' : 'app client'
  const reasons: Readonly<Record<SelectionRule, string>> = {
    'no-mapping': `The identity pool has no role mapping for this ${unmapped}, so its authenticated role counts.`,
    'custom-role': 'The app asks for this role, and the token has it in cognito:roles.',
    'custom-role-not-allowed': 'The app asks for a role that the token does not have in cognito:roles.',
    'custom-role-without-mapping': 'The app asks for a role, and there is no role mapping: AWS does not say what the identity pool does then.',
    'custom-role-with-rules': evidence === 'observed'
      ? 'The app asks for a role that the token has in cognito:roles, and the mapping has rules: Cognito rejected such a request (InvalidParameterException, seen once), and AWS\'s guide says otherwise.'
      : 'The app asks for a role that the token does not have in cognito:roles, and the mapping has rules: what the identity pool does then is not known.',
    'preferred-role': 'The mapping takes the role from the token, and the token prefers this one.',
    'undetermined-preferred-role': 'Whether the token has a preferred role is not known (see above).',
    'single-role':
      'The token has one role and prefers none. AWS documents that the user gets this role; no log of a role assumed in this way is known.',
    rule: `The first of the mapping's rules that matches is rule ${rule}.`,
    'uncertain-rule': `Whether rule ${rule} matches is not known: ${
      isForecast(mapping, ruleIndex) ? 'AWS does not say how it compares a list' : 'the forecast is of the role claims alone'}.`,
    'ambiguous-authenticated': 'The mapping arrives at no single role, and its AmbiguousRoleResolution is the authenticated role.',
    'ambiguous-denied': 'The mapping arrives at no single role, and its AmbiguousRoleResolution is to deny.',
    'ambiguous-unset': 'The mapping arrives at no single role, and has no AmbiguousRoleResolution: it may give the authenticated role, or deny.',
    'authenticated-role-missing': 'The authenticated role would count, and the identity pool has none.',
  }
  if (outcome === 'undetermined') return `${reasons[how]} Grant nothing on it.`
  return DOUBTS.has(how) && evidence === 'inferred' ? `${reasons[how]} Here all readings end in one answer.` : reasons[how]
}

/** A rule with its place from 0, which is how the JSON counts. */
function ruleText(mapping: RoleMapping | undefined, index: number | undefined): string {
  const { Claim = '', MatchType = '', Value = '' } = ruleAt(mapping, index) ?? {}
  return `${index} (\`${printable(Claim)}\` ${MatchType} \`${printable(Value)}\`)`
}

/** Whether the rule is on one of the claims that are known. */
function isForecast(mapping: RoleMapping | undefined, index: number | undefined): boolean {
  return CLAIM_NAMES.some(name => name === ruleAt(mapping, index)?.Claim)
}

function ruleAt(mapping: RoleMapping | undefined, index: number | undefined): MappingRule | undefined {
  return index === undefined ? undefined : mapping?.RulesConfiguration?.Rules?.[index]
}

/**
 * Text from outside, safe to print: what could move the cursor, hide, or make a name look like another is shown as its
 * code point (a variation selector is left to its emoji); what is written from right to left is isolated, so that it
 * turns only itself around.
 */
export function printable(text: string): string {
  const visible = text.replace(HIDDEN, character => `\\u{${character.codePointAt(0)!.toString(16)}}`)
  return RIGHT_TO_LEFT.test(visible) ? `\u2068${visible}\u2069` : visible
}

const HIDDEN = /[\p{C}\p{Zl}\p{Zp}]|(?![\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}|(?<!\p{Extended_Pictographic})[\ufe0e\ufe0f]/gu

/** The blocks of Unicode that are set aside for scripts from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u
