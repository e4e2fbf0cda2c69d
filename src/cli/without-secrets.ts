/** Text for stderr, without anything that may be a token or a key: a reader of the log could use it. */
export function withoutSecrets(text: string): string {
  return text.replaceAll(/[\w+/.-]{11,}/g, (word, offset: number) => {
    const isInName = text[offset - 1] === ':' || text[offset + word.length] === ':'
    if (!isInName && isSecretKey(word)) return HIDDEN
    const starts = [tokenIn(word), ...SESSION_TOKENS.map(start => partAt(word, start, 20))].filter(at => at >= 0)
    return starts.length === 0 ? word : `${word.slice(0, Math.min(...starts))}${HIDDEN}`
  })
}

const HIDDEN = '(a secret)'

/** The beginnings of AWS session tokens. */
const SESSION_TOKENS = ['IQoJb3', 'FwoGZX', 'FQoGZX'] as const

/**
 * Where a JSON Web Token or a part of one begins: `eyJ` is the beginning of `{"` in Base64. Inside a word, as in
 * `keyJournal`, it counts only with a second part.
 */
function tokenIn(word: string): number {
  const at = partAt(word, 'eyJ', 8)
  if (at < 0) return -1
  const [, second = ''] = word.slice(at).split('.', 2)
  return at === 0 || !/[A-Za-z0-9]/.test(word[at - 1]!) || second.length >= 20 ? at : -1
}

/** The index at which it occurs with this many characters after it, or -1. */
function partAt(word: string, start: string, following: number): number {
  const at = word.indexOf(start)
  return word.length - at - start.length >= following ? at : -1
}

/**
 * 40 characters with upper-case letters, lower-case letters and digits. The logical IDs of the CDK end in eight digits
 * of a hash.
 */
function isSecretKey(word: string): boolean {
  return (
    /^[A-Za-z0-9+/]{40}$/.test(word) &&
    [/[a-z]/, /[A-Z]/, /\d/].every(kind => kind.test(word)) &&
    !/^[0-9A-F]{8}$/.test(word.slice(-8))
  )
}
