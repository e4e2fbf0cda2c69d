import type { ChosenSemantics } from './choose-semantics.js'
import { type Condition, decide, holds, type Rule, type Standing, type Verdict } from './decide.js'

/** A group without a role has the number that wins. */
const CONTESTED: Condition = ['beside', '>', 0]

/** Tokens, and AWS's text, know ties of two groups. */
const TIE_OF_MANY: Condition = ['tied + beside', '>', 2]

/** Which cases of docs/semantics.md a user's groups make, and how their answer is known. */
export interface EvidenceRow {
  /** The numbers of the cases. */
  readonly cases: string
  /** Which of the standings that the rule decides; left out of a rule's last row, which has all others. */
  readonly when?: Condition
  readonly evidence: Evidence
}

/**
 * How well each answer is known: of its rule's rows the first that applies. A row that combines what single tokens show
 * stands before those it combines, with the weaker word.
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
 * How an answer is known. AWS's page covers every standing with a role, whatever tokens show. A calibration is the evidence
 * where the answer would be another one without it.
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
 * How the answer is known: seen in a real token, AWS's text, followed from the two, seen in the tokens of your calibration, or
 * found nowhere.
 */
export type Evidence = 'observed' | 'documented' | 'inferred' | 'calibrated' | 'unknown'
