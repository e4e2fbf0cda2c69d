import { posix } from 'node:path'
import type { Evaluated } from '../evaluated.js'
import type { Span } from '../yaml-document.js'

/** A name with holes, which the deployment fills in: `${AWS::StackName}-pool`. Null is a hole. */
export type NamePattern = readonly (string | null)[]

/** CloudFormation's limit for the name of an export is lower, so a longer name is ignored. */
const MAX_NAME = 2048
/** At least this many letters and digits have to be equal at one end of two names with holes. */
const MIN_COMMON = 4

/** The possible names; empty if the text does not show them. */
export function patternsOf(name: Evaluated<Span>): readonly NamePattern[] {
  switch (name.is) {
    case 'one-of':
      return name.values.flatMap(patternsOf)
    case 'scalar':
      return name.text.length > MAX_NAME ? [] : [[name.text]]
    case 'symbolic': {
      const parts = name.parts.map(part => (typeof part === 'string' ? part : fixedText(part.text)))
      const length = parts.reduce((sum, part) => sum + (part?.length ?? 1), 0)
      return length > MAX_NAME ? [] : [joinLiterals(parts)]
    }
    default:
      return []
  }
}

/** The parts that are equal in all stacks that can import from one another. */
function fixedText(text: string | undefined): string | null {
  return text === '${AWS::Region}' || text === '${AWS::AccountId}' ? text : null
}

function joinLiterals(parts: NamePattern): NamePattern {
  const joined: (string | null)[] = []
  for (const part of parts) {
    const last = joined.at(-1)
    if (part === null) {
      if (last !== null) joined.push(null)
    } else if (typeof last === 'string') joined[joined.length - 1] = last + part
    else joined.push(part)
  }
  return joined
}

/** Whether two names are certainly the same, or may be the same because one end of them is equal. */
export function compareNames(a: NamePattern, b: NamePattern): 'same' | 'alike' | 'different' {
  if (isLiteral(a) && isLiteral(b)) return a[0] === b[0] ? 'same' : 'different'
  const [tail, head] = [commonEnd(a, b), commonEnd(reversed(a), reversed(b))]
  if (tail === undefined || head === undefined || Math.max(tail, head) < MIN_COMMON) return 'different'
  return mayBeEqual(a, b) ? 'alike' : 'different'
}

function isLiteral(pattern: NamePattern): pattern is readonly [string] {
  return pattern.length === 1 && pattern[0] !== null
}

/** How many letters and digits the ends have in common; undefined if they contradict each other. */
function commonEnd(a: NamePattern, b: NamePattern): number | undefined {
  const [one, other] = [a.at(-1) ?? '', b.at(-1) ?? '']
  const [short, long] = one.length < other.length ? [one, other] : [other, one]
  return long.endsWith(short) ? short.replaceAll(/[^A-Za-z0-9]/g, '').length : undefined
}

function reversed(pattern: NamePattern): NamePattern {
  return pattern.map(part => part && [...part].toReversed().join('')).toReversed()
}

/** Whether some text fits both, a hole being at least one character. */
function mayBeEqual(a: NamePattern, b: NamePattern): boolean {
  const [left, right] = [marksOf(a), marksOf(b)]
  // `reach[j]`: the first i marks of one and the first j of the other can be the same string; a hole continues once it
  // has begun.
  let reach = [true, ...right.map(() => false)]
  for (let i = 1; i <= left.length; i++) {
    const next = [false]
    for (let j = 1; j <= right.length; j++) {
      const [x, y] = [left[i - 1], right[j - 1]]
      const both = x === null || y === null || x === y
      next.push(both && (reach[j - 1]! || (y === null && reach[j]!) || (x === null && next[j - 1]!)))
    }
    reach = next
  }
  return reach[right.length]!
}

function marksOf(pattern: NamePattern): readonly (string | null)[] {
  return pattern.flatMap(part => (part === null ? [null] : [...part]))
}

/** The candidates in the nearest folders. */
export function nearest<T extends { readonly path: string }>(candidates: readonly T[], path: string): readonly T[] {
  const from = foldersOf(path)
  const distances = candidates.map(candidate => {
    const to = foldersOf(candidate.path)
    let common = 0
    while (common < from.length && from[common] === to[common]) common++
    return from.length + to.length - 2 * common
  })
  const least = Math.min(...distances)
  return candidates.filter((_, index) => distances[index] === least)
}

function foldersOf(path: string): readonly string[] {
  return posix
    .normalize(posix.dirname(path))
    .split('/')
    .filter(folder => folder !== '.')
}
