import type { Location } from './infrastructure.js'

/** `error`: someone gets another role than meant, or none. `warning`: likely so. `note`: worth knowing, or not decidable. */
export type Severity = 'error' | 'warning' | 'note'

/** From the least to the most. */
export const SEVERITIES: readonly Severity[] = ['note', 'warning', 'error']

/** What a rule found. */
export interface Finding {
  /** Stable: `COG101`. */
  readonly ruleId: string
  /** The rule's name for people: `tie-different-roles`. */
  readonly slug: string
  readonly severity: Severity
  /** What Cognito will do, and why: one to three sentences. Names from the template stand in it as they came. */
  readonly message: string
  /** What to do about it: one sentence. */
  readonly fix: string
  /** The pool's name; `''` where the finding is about none. */
  readonly pool: string
  /** The names of the groups it is about, sorted; the `id` of a group whose name is not known. */
  readonly groups: readonly string[]
  /** The `id`s of the resources it is about: for suppressions. */
  readonly resources: readonly string[]
  readonly location: Location
  /** The other group of a tie, the other attachment. */
  readonly related: readonly { readonly message: string; readonly location: Location }[]
  /** What stays the same when lines move and resources are reordered or renamed: of rule, pool and sorted group names. */
  readonly key: string
  /** Present where somebody said that it is meant so. */
  readonly suppressed?: { readonly reason: string; readonly location: Location } | undefined
}
