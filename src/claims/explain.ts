import { listNames, quote } from '../errors.js'
import { printable } from '../text.js'
import type { Resolution } from './resolve.js'
import type { Evidence } from './evidence.js'
import type { CalibrationSource } from './choose-semantics.js'
import type { Rule } from './decide.js'

/** A resolution in words, for people. Not for programs: branch on `outcome` and `rule`. */
export interface Explanation {
  /** One sentence or two: which groups decided, and why that gives this result. */
  readonly reason: string
  /** How the rule is known. */
  readonly evidence: string
  /** The section of the project's documentation that has the rule, with its sources. */
  readonly docs: string
}

/**
 * Explains a resolution in words. Hidden characters in names are escaped.
 *
 * @example
 * import { explain, resolveRoles } from 'rolecast'
 *
 * const { reason } = explain(
 *   resolveRoles([{ groupName: 'admins', roleArn: 'arn:aws:iam::111122223333:role/Admin' }]),
 * )
 * console.log(reason) // The role of a group without a precedence is never preferred …
 */
export function explain(resolution: Resolution): Explanation {
  return {
    reason: reasonFor(resolution),
    evidence:
      resolution.calibration === undefined
        ? EVIDENCE_WORDS[resolution.evidence]
        : describeCalibration(resolution.calibration),
    docs: `docs/semantics.md#${sectionOf(resolution)}`,
  }
}

/** "calibrated on 2026-11-29 against user pool us-east-1_Ab12Cd34e" */
export function describeCalibration({ date, userPoolId }: CalibrationSource): string {
  return `calibrated on ${printable(date.slice(0, 10))} against user pool ${printable(userPoolId)}`
}

/** How a result is known, in words. */
export const EVIDENCE_WORDS: Readonly<Record<Evidence, string>> = {
  observed: 'observed in real tokens whose groups are known',
  documented: 'documented by AWS',
  inferred: 'inferred from what is observed and documented',
  calibrated: 'calibrated: shown by the tokens of a scratch user pool',
  unknown: 'unknown: AWS does not document it, and no known token shows it',
}

/**
 * Each rule in words: `{groups}` stands for the groups that decided, `{role}` for the candidate. A key with an outcome
 * before the rule is for that outcome only.
 */
export const REASONS: Readonly<Record<Rule | 'none roleless-contender', string>> = {
  'no-groups': 'The user is in no group, so Cognito sets none of the three claims.',
  'no-roles': 'No group has a role, so Cognito sets only cognito:groups.',
  'no-precedence':
    'The role of a group without a precedence is never preferred, and no group with a role has a precedence ({groups}): cognito:roles is set, cognito:preferred_role is not.',
  'lowest-precedence': '{groups} ranks first among the groups with a role, so its role is preferred.',
  'shared-role': '{groups} tie for the first rank among the groups with a role and share one role, so it is preferred.',
  'conflicting-roles':
    '{groups} tie for the first rank among the groups with a role, and their roles differ: Cognito sets no preferred role and does not consult the next precedence.',
  'roleless-contender':
    '{groups} tie at the lowest precedence that a group with a role has, and not all of them have a role. AWS does not document this case, and no known token shows it: the preferred role is either {role} or absent, so do not grant access based on it.',
  'none roleless-contender':
    '{groups} tie at the lowest precedence that a group with a role has, and not all of them have a role. In this reading, having no role counts as having a different role: Cognito sets no preferred role.',
}

/**
 * A sentence that follows the reason if only the chosen reading gives the result: by outcome and evidence, or by the
 * evidence. `resolved unknown` is a rule applied to a case for which it is not known.
 */
export const BESIDES: Readonly<Partial<Record<string, string>>> = {
  'resolved unknown': 'A group without a role has the same precedence, and only the chosen reading ignores it.',
  calibrated: 'Only the calibration shows this: without it, the result would be a different one.',
}

function reasonFor({ outcome, rule, evidence, determiningGroups, candidateRole }: Resolution): string {
  const isNone = outcome === 'none' && rule === 'roleless-contender'
  const reason = REASONS[isNone ? 'none roleless-contender' : rule].replace(/\{(?:groups|role)\}/g, part =>
    part === '{groups}' ? listNames(determiningGroups) : quote(candidateRole),
  )
  const besides = BESIDES[`${outcome} ${evidence}`] ?? BESIDES[evidence]
  return besides === undefined ? reason : `${reason} ${besides}`
}

function sectionOf(resolution: Resolution): string {
  return resolution.evidence === 'calibrated' ? 'use-a-calibration' : ruleToExplain(resolution)
}

/** The rule whose text explains a resolution best: if only the chosen reading gives the result, that of the open case. */
export function ruleToExplain({ outcome, rule, evidence }: Resolution): Rule {
  return evidence === 'unknown' && outcome === 'resolved' ? 'roleless-contender' : rule
}
