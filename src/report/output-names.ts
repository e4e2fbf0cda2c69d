import type { Outcome } from '../claims/decide.js'
import type { Evidence } from '../claims/evidence.js'

/** The meaning of a name in an output other than a rule, a finding or an error code. */
export interface OutputNameText {
  /** What kind of name it is, such as "an outcome". */
  readonly where: string
  readonly says: string
  readonly next?: string
}

const OUTCOMES: Readonly<Record<Outcome, Omit<OutputNameText, 'where'>>> = {
  resolved: { says: 'One role is certainly preferred. It is `cognito:preferred_role` in the ID token.' },
  none: { says: 'No role is preferred. The rule that is reported with it says why, such as `no-precedence`.' },
  ambiguous: {
    says: 'Groups with different roles tie for the first rank. Cognito sets no preferred role and does not consult the next precedence.',
    next: 'Give the groups different numbers.',
  },
  undetermined: {
    says: 'Whether a role is preferred is not known. The candidate is the role that is preferred if any is.',
    next: 'Do not grant access based on the candidate. Give the groups different numbers, or find out with `rolecast calibrate` what Cognito does.',
  },
}

const EVIDENCES: Readonly<Record<Evidence, Omit<OutputNameText, 'where'>>> = {
  observed: { says: 'Real tokens whose groups are known show this outcome.' },
  documented: { says: "AWS's documentation says so, and no token is consulted." },
  inferred: { says: 'No token shows this very case. It follows from cases that are observed or documented.' },
  calibrated: {
    says: 'The tokens of a scratch user pool show it, as recorded in the file that --calibration names. Without the calibration, the outcome is different.',
  },
  unknown: {
    says: 'Neither AWS documentation nor any known token shows this outcome.',
    next: 'Find out with `rolecast calibrate` what Cognito does, or avoid the case.',
  },
}

/** By name, in the order of the list. */
export const OUTPUT_NAMES: readonly (readonly [name: string, text: OutputNameText])[] = [
  ...Object.entries(OUTCOMES).map(([name, text]) => [name, { where: 'an outcome', ...text }] as const),
  ...Object.entries(EVIDENCES).map(([name, text]) => [name, { where: 'a kind of evidence', ...text }] as const),
  [
    'invalid-input',
    {
      where: 'a rule in the result of rolecast sql',
      says: 'The row has no username or no user pool, or the user is in a group that cannot be used: its name is on several rows or empty, or its precedence is not one that Cognito accepts. The result says nothing about the role.',
      next: 'Correct the row of the user, or the rows of the group.',
    },
  ],
  [
    'unreadable-template',
    {
      where: 'a rule of the CDK plugin',
      says: 'A template of the synthesis cannot be read. Its groups and roles count as not checked.',
      next: 'Correct what the message names, and synthesize again.',
    },
  ],
  [
    'not-read',
    {
      where: 'a check in the report for GitLab',
      says: 'A file was not read, or only in part. What is in the rest of it is not known.',
      next: 'Do what the message says, such as validating what a program writes.',
    },
  ],
]
