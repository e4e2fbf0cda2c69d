import { createRequire } from 'node:module'
import { stripVTControlCharacters } from 'node:util'

/**
 * Characters that take one column in any context: ASCII, Latin letters, Greek, Cyrillic, and the marks that
 * reports have. Combining characters and emoji are not among them.
 */
const NARROW = /^[ -~¡-¬®-ʯΑ-ΡΣ-ωЀ-҂Ҋ-ԯ‐-‧←-⇿─-╿]*$/

let stringWidth: typeof import('string-width').default | undefined

/**
 * How many columns of a terminal a text takes; colours take none. string-width knows: its tables take longer to load
 * than a prediction, so only a text that needs them loads it.
 */
export function textWidth(text: string): number {
  const bare = text.includes('\u001B') ? stripVTControlCharacters(text) : text
  if (NARROW.test(bare)) return bare.length
  stringWidth ??= (createRequire(import.meta.url)('string-width') as typeof import('string-width')).default
  if (bare.length <= PIECE) return stringWidth(text)
  // For some texts its time is quadratic in the length. A character that is cut in two is measured as two.
  let width = 0
  for (let from = 0, to; from < bare.length; from = to) {
    to = Math.min(bare.length, from + PIECE)
    if (to < bare.length && /[\udc00-\udfff]/.test(bare[to]!)) to++
    width += stringWidth(bare.slice(from, to))
  }
  return width
}

/** In UTF-16 code units. */
const PIECE = 500
