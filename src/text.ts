/** By UTF-16 code units: the same order on every machine, unlike a locale's. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * The candidate that was probably intended by a misspelt word: about one letter in four may differ. Undefined: none is
 * close.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  let best: string | undefined
  let least = Infinity
  for (const candidate of candidates) {
    const { length } = candidate
    const far = length > 8 ? Math.floor(length / 4) : length > 5 ? 2 : length > 2 ? 1 : 0
    if (Math.abs(candidate.length - word.length) > far) continue
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance <= far && distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** How many letters to add, to remove or to replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

/** The strings, each once, in the order they came. */
export function distinct(values: Iterable<string>): readonly string[] {
  return [...new Set(values)]
}

/**
 * Untrusted text, safe to print. Characters that could move the cursor, hide, or make a name look like another are
 * shown as their code points, like `\u{1b}` (a variation selector stays with its emoji). Right-to-left text is
 * isolated, so that it does not reverse the text around it.
 */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text
  const visible = text.replace(HIDDEN, codePoint)
  return RIGHT_TO_LEFT.test(visible) ? `\u2068${visible}\u2069` : visible
}

/** The same for a sentence in which `printable` isolated some parts: these stay isolated, and the whole is not. */
export function escapeHidden(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(HIDDEN, character => (ISOLATES.includes(character) ? character : codePoint(character)))
}

/** Most strings match, and compiling the pattern for the others takes longer than a prediction. */
const PLAIN = /^[ -~]*$/

const ISOLATES = '\u2068\u2069'

function codePoint(character: string): string {
  return `\\u{${character.codePointAt(0)!.toString(16)}}`
}

const HIDDEN =
  /[\p{C}\p{Zl}\p{Zp}]|(?![\ufe0e\ufe0f])\p{Default_Ignorable_Code_Point}|(?<!\p{Extended_Pictographic})[\ufe0e\ufe0f]/gu

/** The blocks of Unicode that are set aside for scripts from right to left. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u

/** Lower-cases the first letter, unless it begins an abbreviation. */
export function lowerFirst(text: string): string {
  return text.replace(/^[A-Z](?=[a-z])/, letter => letter.toLowerCase())
}

export function upperFirst(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
