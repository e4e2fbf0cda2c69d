import { sameTexts } from '../texts.js'

/** How many names in the middle there are at most, and of each so many lists: the thousandth user in the same groups is usual. */
const MOST_NAMES = 1024
const MOST_EACH = 8

/** An odd number whose multiples are spread evenly over 32 bits. */
const SPREAD = 0x9e3779b1

export interface Memory<T> {
  recall(groupNames: readonly string[]): T | undefined
  /** Whether these ids of groups came not long ago: what comes once is not worth to be kept. It may be wrong. */
  comesAgain(ids: readonly number[]): boolean
  /** The names are the memory's own from now on. */
  keep(groupNames: readonly string[], value: T): void
}

interface Kept<T> {
  readonly groupNames: readonly string[]
  readonly value: T
}

/**
 * What was made of lists of names lately, found by the name in the middle: to join them all, or to look each of them up,
 * costs more than to compare them with those kept. The first or the last would do, but for groups that all users are in.
 */
export function createMemory<T>(): Memory<T> {
  const kept = new Map<string | undefined, Kept<T>[]>()
  // 2^11 places: the high bits of a product hang on all bits of its factors.
  const hashes = new Int32Array(2048)
  return {
    recall(groupNames) {
      const candidates = kept.get(middleOf(groupNames)) ?? []
      for (let index = 0; index < candidates.length; index++) {
        const candidate = candidates[index]!
        if (sameTexts(candidate.groupNames, groupNames)) return candidate.value
      }
      return undefined
    },
    comesAgain(ids) {
      let hash = 0
      for (let index = 0; index < ids.length; index++) hash = Math.imul(hash ^ ids[index]!, SPREAD)
      const place = hash >>> 21
      const before = hashes[place]
      hashes[place] = hash
      return before === hash
    },
    keep(groupNames, value) {
      if (kept.size >= MOST_NAMES) kept.clear()
      const middle = middleOf(groupNames)
      kept.set(middle, [{ groupNames, value }, ...(kept.get(middle) ?? [])].slice(0, MOST_EACH))
    },
  }
}

function middleOf(groupNames: readonly string[]): string | undefined {
  return groupNames[groupNames.length >>> 1]
}
