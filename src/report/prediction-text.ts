import picocolors from 'picocolors'
import { textWidth } from './text-width.js'
import { explain, ruleToExplain } from '../claims/explain.js'
import { type Group, rankOf } from '../group.js'
import { CLAIMS } from '../claims/pre-token-response.js'
import type { Resolution, RoleClaims } from '../claims/resolve.js'
import { printable } from '../text.js'
import { type CredentialsPrediction, credentialBlocks } from './credentials-text.js'
import type { TextOptions, Paint } from './text-style.js'

/** A resolution, with the details that explain it to a person. */
export interface Prediction {
  readonly resolution: Resolution
  /** The groups that were resolved, with their precedence and role. */
  readonly groups: readonly Group[]
  readonly unknownGroups: readonly string[]
  /** What an identity pool does with the claims, if one was asked about. */
  readonly credentials?: CredentialsPrediction | undefined
}

/**
 * A prediction as text for people: the groups as a ladder in precedence order with the winner marked, each claim, and
 * the reason; with an identity pool, the role whose credentials the user gets, and the reason. Not for programs: its
 * form may change.
 */
export function predictionText(prediction: Prediction, { color }: TextOptions): string {
  const { resolution, unknownGroups } = prediction
  const paint = picocolors.createColors(color)
  const { reason, evidence } = explain(resolution)
  const blocks = [
    [paint.bold('Groups, highest rank first'), ...ladder(prediction, paint)],
    [paint.bold('ID token'), ...claimLines(resolution.claims, resolution, paint)],
    [
      paint.bold('Why'),
      `  ${reason}`,
      paint.dim(`  ${resolution.rule}: ${evidence}; see \`rolecast explain ${ruleToExplain(resolution)}\``),
    ],
  ]
  if (prediction.credentials !== undefined) blocks.push(...credentialBlocks(prediction.credentials, paint))
  if (unknownGroups.length > 0) {
    const names = unknownGroups.map(name => `  ${printable(name)}`)
    blocks.push([paint.yellow('Not in the user pool (no role, and in no claim)'), ...names])
  }
  return blocks.map(lines => `${lines.join('\n')}\n`).join('\n')
}

const MARKS = { resolved: '>', none: '-', ambiguous: '!', undetermined: '?' } as const

/** The meaning of the marks before groups, for the help text: a line in each output would be noise. */
export const MARKS_LEGEND =
  'Marks of the groups that decide: > its role is preferred; ! different roles tie; - no role is preferred; ? not documented.'

/** A line for each group, the highest rank first, with those marked that decide. */
export function ladder(
  { resolution, groups }: Pick<Prediction, 'resolution' | 'groups'>,
  paint: Paint,
): readonly string[] {
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
  const nameWidth = Math.max(...rows.map(row => textWidth(row.name)))
  const highlight = colorOf(resolution, paint)
  return rows.map(({ determines, precedence, name, role }) => {
    const mark = determines ? MARKS[resolution.outcome] : ' '
    const line = `${mark} ${precedence.padStart(precedenceWidth)}  ${name}${' '.repeat(nameWidth - textWidth(name))}  ${role}`
    return determines ? highlight(line) : line
  })
}

/** A line for each value of each claim. */
export function claimLines(claims: RoleClaims, resolution: Resolution, paint: Paint): readonly string[] {
  const width = Math.max(...CLAIMS.map(name => name.length))
  return CLAIMS.flatMap(name => {
    const claim = claims[name]
    if (claim === undefined) {
      const unsure = name === 'cognito:preferred_role' && resolution.outcome === 'undetermined'
      return [
        `  ${name.padEnd(width)}  ${unsure ? paint.yellow(`(undetermined: absent, or ${printable(resolution.candidateRole ?? '')})`) : paint.dim('(absent)')}`,
      ]
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
