import type { ChosenSemantics } from './choose-semantics.js'
import { type Condition, decide, holds, type Rule, type Standing, type Verdict } from './decide.js'

/** A group without a role has the winning precedence too. */
const CONTESTED: Condition = ['tiedWithoutRole', '>', 0]

/** Known tokens, and AWS's text, have only ties of two groups. */
const TIE_OF_MANY: Condition = ['tied + tiedWithoutRole', '>', 2]

/** Which cases of docs/semantics.md a user's groups are, and how the result is known. */
export interface EvidenceRow {
  /** The numbers of the cases. */
  readonly cases: string
  /** Which of the standings that the rule decides. Absent in a rule's last row, which is for all others. */
  readonly when?: Condition
  readonly evidence: Evidence
}

/**
 * How well each result is known: the first row of its rule that applies. A row that combines what single tokens show
 * comes before the rows it combines, and has the weaker evidence.
 */
export const EVIDENCE_TABLE: Readonly<Record<Rule, readonly EvidenceRow[]>> = {
  'no-groups': [{ cases: '1', evidence: 'observed' }],
  'no-roles': [{ cases: '2', evidence: 'observed' }],
  'no-precedence': [
    { cases: '15', when: ['numberedWithoutRole', '=', 1], evidence: 'inferred' },
    { cases: '3, 6, 7, 8', evidence: 'observed' },
  ],
  'lowest-precedence': [
    { cases: '13', when: CONTESTED, evidence: 'unknown' },
    { cases: '4, 5, 9, 14, 16, 17', evidence: 'observed' },
  ],
  'shared-role': [
    { cases: '13', when: CONTESTED, evidence: 'unknown' },
    { cases: '12', when: TIE_OF_MANY, evidence: 'inferred' },
    { cases: '10', evidence: 'observed' },
  ],
  'conflicting-roles': [
    { cases: '12', when: TIE_OF_MANY, evidence: 'inferred' },
    { cases: '11', evidence: 'observed' },
  ],
  'roleless-contender': [{ cases: '13', evidence: 'unknown' }],
}

/**
 * How a result is known. AWS's page covers every standing with a role, whatever tokens show. A calibration is the evidence
 * if the result would be different without it.
 */
export function evidenceFor({ outcome, rule }: Verdict, standing: Standing, chosen: ChosenSemantics): Evidence {
  if (chosen.calibration === undefined) {
    if (chosen.semantics === 'documented' && standing.withRole > 0) return 'documented'
  } else if (outcome !== decide(standing, 'observed').outcome) return 'calibrated'
  const rows = EVIDENCE_TABLE[rule]
  let row = 0
  while (!holds(rows[row]!.when, standing)) row++
  return rows[row]!.evidence
}

/**
 * How the result is known: `observed` in a real token, `documented` by AWS, `inferred` from these two, `calibrated`
 * with the tokens of the calibration that you gave, or `unknown`: neither documented nor seen in any known token.
 */
export type Evidence = 'observed' | 'documented' | 'inferred' | 'calibrated' | 'unknown'
