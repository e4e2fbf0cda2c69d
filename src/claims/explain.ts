import { listNames, quote } from '../errors.js'
import type { Resolution } from './resolve.js'
import type { Evidence } from './evidence.js'

/** A resolution in words, for people. Not for programs: branch on `outcome` and `rule`. */
export interface Explanation {
  /** One sentence or two: which groups decided, and why that gives this answer. */
  readonly reason: string
  /** How the rule is known. */
  readonly evidence: string
  /** The section of the project's documentation that has the rule, with its sources. */
  readonly docs: string
}

/** Says in words why a resolution is what it is. Hidden characters in names are escaped. */
export function explain(resolution: Resolution): Explanation {
  return {
    reason: reasonFor(resolution),
    evidence: EVIDENCE[resolution.evidence],
    docs: `docs/semantics.md#${resolution.rule}`,
  }
}

const EVIDENCE: Readonly<Record<Evidence, string>> = {
  observed: 'observed in real tokens whose groups are known',
  documented: 'documented by AWS',
  inferred: 'inferred from what is observed and documented',
  unknown: 'unknown: neither AWS nor any known token says',
}

function reasonFor({ rule, determiningGroups, candidateRole }: Resolution): string {
  const names = listNames(determiningGroups)
  switch (rule) {
    case 'no-groups':
      return 'The user is in no group, so Cognito sets none of the three claims.'
    case 'no-roles':
      return 'No group has a role, so Cognito sets cognito:groups alone.'
    case 'no-precedence':
      return `The role of a group without a precedence is never preferred, and no group with a role has a precedence (${names}): cognito:roles is set, cognito:preferred_role is not.`
    case 'lowest-precedence':
      return `${names} ranks first among the groups with a role, so its role is preferred.`
    case 'shared-role':
      return `${names} tie for the first rank among the groups with a role and share one role, so it is preferred.`
    case 'conflicting-roles':
      return `${names} tie for the first rank among the groups with a role, and their roles differ: Cognito sets no preferred role and does not consult the next precedence.`
    case 'roleless-contender':
      return `${names} tie for the first rank among the groups with a role, and not all of them have one. AWS does not document this case, and no known token shows it: the preferred role is either ${quote(candidateRole)} or absent, so grant nothing on it.`
  }
}
