import type { Severity } from '../severity.js'
import type { Location } from './infrastructure.js'

/** What a rule found. */
export interface Finding {
  /** Stable: `COG101`. */
  readonly ruleId: string
  /** The rule's name for people: `tie-different-roles`. */
  readonly slug: string
  /** How much it matters. */
  readonly severity: Severity
  /** The cause first, then what Cognito will do: one to four sentences. Names from the template are in it unchanged. */
  readonly message: string
  /** What the identity pool then does, one sentence. Absent where the finding does not decide about that. */
  readonly impact?: string | undefined
  /** What to do about it: one sentence. */
  readonly fix: string
  /** The pool's name; `''` if the finding is not about a pool. */
  readonly pool: string
  /** The names of the groups it is about, sorted; the `id` of a group whose name is unknown. */
  readonly groups: readonly string[]
  /** The `id`s of the resources it is about: for suppressions. */
  readonly resources: readonly string[]
  /** Where it is. */
  readonly location: Location
  /** The other group of a tie, the other attachment. */
  readonly related: readonly {
    /** What is there. */
    readonly message: string
    /** Where it is. */
    readonly location: Location
  }[]
  /** Of rule, pool and sorted group names: it stays the same when lines move and resources are reordered or renamed. */
  readonly key: string
  /** Present if a suppression says that the finding is intended. */
  readonly suppressed?:
    | {
        /** The reason in the suppression. */
        readonly reason: string
        /** Where the suppression is. */
        readonly location: Location
      }
    | undefined
}

/** The whole finding as one string: what is wrong, what the identity pool does, and what to do. */
export function sentencesOf({ message, impact, fix }: Finding): string {
  return [message, impact, fix].filter(part => part !== undefined).join(' ')
}
