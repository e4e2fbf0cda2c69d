import { sameTexts } from './texts.js'

/** How many are kept, at most: the thousandth user in the same groups is usual, the thousandth set of groups is not. */
const MOST_KEPT = 2048

/** An odd number whose multiples are spread evenly over 32 bits. */
const SPREAD = 0x9e3779b1

export interface Memory<T> {
  /** Other names may have the same. */
  hashOf(groupNames: readonly string[]): number
  recall(hash: number, groupNames: readonly string[]): T | undefined
  /** Whether the hash is the one that had its place before: only then it is worth to keep something. */
  comesAgain(hash: number): boolean
  /** The names are the memory's own from now on. */
  keep(hash: number, groupNames: readonly string[], value: T): void
}

/**
 * What was made of lists of names lately, found by three of the names: to join them all, or to look each of them up, costs
 * more than to compare them with those kept. Only names that come twice, before others with the same place, are kept:
 * those that come once cost little.
 */
export function createMemory<T>(idOf: (groupName: string) => number | undefined): Memory<T> {
  const kept = Array<{ groupNames: readonly string[]; value: T } | undefined>(MOST_KEPT)
  const hashes = new Int32Array(MOST_KEPT)
  return {
    hashOf(groupNames) {
      const { length } = groupNames
      const first = idOf(groupNames[0]!) ?? 0
      const middle = idOf(groupNames[length >>> 1]!) ?? 0
      const last = idOf(groupNames[length - 1]!) ?? 0
      return Math.imul(Math.imul(Math.imul(length ^ first, SPREAD) ^ middle, SPREAD) ^ last, SPREAD)
    },
    recall(hash, groupNames) {
      const candidate = kept[placeOf(hash)]
      return candidate !== undefined && sameTexts(candidate.groupNames, groupNames) ? candidate.value : undefined
    },
    comesAgain(hash) {
      const place = placeOf(hash)
      const before = hashes[place]
      hashes[place] = hash
      return before === hash
    },
    keep(hash, groupNames, value) {
      kept[placeOf(hash)] = { groupNames, value }
    },
  }
}

/** The high eleven bits: those of a product hang on all bits of its factors. */
function placeOf(hash: number): number {
  return hash >>> 21
}
