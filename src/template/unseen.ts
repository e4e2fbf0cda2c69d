import { listItems } from '../errors.js'
import { groupBy } from '../record.js'
import type { Infrastructure, NotFollowed } from '../rules/infrastructure.js'
import { lowerFirst } from '../text.js'

/** What is not followed in one file, although nothing shows that it is about Cognito. */
export interface UnseenPart {
  readonly path: string
  /**
   * The rest of a sentence: "nested stack `Auth` is not followed, because its template … is not among the files that
   * are read".
   */
  readonly why: string
  /** An imperative, lower-case. */
  readonly next: string
}

/** At most this many are named for one file. */
const MAX_NAMED = 3

/** One sentence for each file. */
export function unseenIn(infrastructures: readonly Infrastructure[]): readonly UnseenPart[] {
  const all = infrastructures.flatMap(({ unseen = [] }) => unseen)
  return [...groupBy(all, ({ location }) => location.path)].map(([path, parts]) => {
    const next = lowerFirst(parts[0]!.next)
    return { path, why: whyOf(parts), next }
  })
}

function whyOf(parts: readonly NotFollowed[]): string {
  const [{ what, why }] = parts as [NotFollowed]
  if (parts.length === 1) return `${lowerFirst(what)} ${isSeveral(what) ? 'are' : 'is'} not followed, because ${why}`
  const names = parts.slice(0, MAX_NAMED).map(one => lowerFirst(one.what))
  const more = parts.length - names.length
  return `${listItems([...names, ...(more > 0 ? [`${more} more`] : [])], String)} are not followed`
}

/** Of "Nested stacks `A` and `B`". */
function isSeveral(what: string): boolean {
  return /^\w+ stacks /.test(what)
}
