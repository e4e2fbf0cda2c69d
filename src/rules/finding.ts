import type { Severity } from '../severity.js'
import type { Location } from './infrastructure.js'

/** What a rule found. */
export interface Finding {
  /** Stable: `COG101`. */
  readonly ruleId: string
  /** The rule's name for people: `tie-different-roles`. */
  readonly slug: string
  readonly severity: Severity
  /** The cause first, then what Cognito will do: one to four sentences. Names from the template are in it unchanged. */
  readonly message: string
  /** What the identity pool then does, one sentence. Absent where the finding does not decide about that. */
  readonly impact?: string | undefined
  /** What to do about it: one sentence. */
  readonly fix: string
  /** The pool's name; `''` where the finding is about none. */
  readonly pool: string
  /** The names of the groups it is about, sorted; the `id` of a group whose name is unknown. */
  readonly groups: readonly string[]
  /** The `id`s of the resources it is about: for suppressions. */
  readonly resources: readonly string[]
  readonly location: Location
  /** The other group of a tie, the other attachment. */
  readonly related: readonly { readonly message: string; readonly location: Location }[]
  /** Of rule, pool and sorted group names: it stays the same when lines move and resources are reordered or renamed. */
  readonly key: string
  /** Present if a suppression says that the finding is intended. */
  readonly suppressed?: { readonly reason: string; readonly location: Location } | undefined
}

/** All that a finding says, where there is one text for it: what is wrong, what the identity pool does, and what to do. */
export function sentencesOf({ message, impact, fix }: Finding): string {
  return [message, impact, fix].filter(part => part !== undefined).join(' ')
}
